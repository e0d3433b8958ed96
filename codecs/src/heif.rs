//! HEVC pictures by the system's libheif, opened when the first image asks for it: whoever does not have it
//! needs none, and the patents of HEVC stay with whoever installs it.
//!
//! What a file may hold is for the caller to bound: libheif decodes all of an image at once, and can't be
//! stopped. It works on the calling thread; a decoder below it may have one of its own meanwhile.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;
use std::ptr::{NonNull, null, null_mut};
use std::sync::OnceLock;

use crate::av1::Sampling;
use crate::{fresh, slice};

/// The library, by the name that goes with its interface.
const NAME: &CStr = c"libheif.so.1";

/// `heif_compression_HEVC`, `heif_colorspace_YCbCr`, `heif_colorspace_monochrome`.
const HEVC: c_int = 1;
const COLORS: c_int = 0;
const GREY: c_int = 2;

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The library, or a part of it, is not there.
    Missing(String),
    /// It can't decode the file.
    Broken(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Missing(what) => f.write_str(what),
            Error::Broken(what) => write!(f, "libheif: {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// Opens the library; what became of that is known from then on.
///
/// # Errors
/// [`Error::Missing`].
pub fn open() -> Result<(), Error> {
    library().map(|_| ())
}

/// A decoded picture.
#[derive(Debug)]
pub struct Picture {
    /// Has the planes.
    _image: Owned,
    planes: [Plane; 3],
    width: u32,
    height: u32,
    depth: u8,
    sampling: Sampling,
    full_range: bool,
}

/// Where a plane is.
#[derive(Debug, Clone, Copy)]
struct Plane {
    start: *const u8,
    stride: isize,
}

/// How a file is to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions {
    /// The planes that it is coded with, which come as they are.
    pub sampling: Sampling,
    /// Whether samples use all of their range.
    pub full_range: bool,
    /// Whether a picture of which some is broken is none, as far as the library can tell.
    pub strict: bool,
}

/// Decodes the primary image of a file; the strict do it once more, and see whether it comes out the same where
/// memory holds something else.
///
/// # Errors
/// [`Error::Missing`] without the library; [`Error::Broken`] for an image that it can't decode.
pub fn decode(file: &[u8], how: DecodeOptions) -> Result<Picture, Error> {
    let library = library()?;
    let picture = decode_by(library, file, how)?;
    if how.strict && !fresh::other(|| decode_by(library, file, how))?.is_like(&picture) {
        return Err(Error::Broken("a part of the picture was not decoded".to_owned()));
    }
    Ok(picture)
}

fn decode_by(library: &Library, file: &[u8], how: DecodeOptions) -> Result<Picture, Error> {
    let context = library.context()?;
    // SAFETY: the file outlives the context, which does not copy it; no options are given.
    library.check(unsafe {
        (library.read)(context.pointer, file.as_ptr().cast(), file.len(), null())
    })?;
    let mut handle = null_mut();
    // SAFETY: the context is there, and the place for the handle.
    library.check(unsafe { (library.primary)(context.pointer, &mut handle) })?;
    let handle = Owned { pointer: handle, free: library.free_handle };
    let options = library.options(how)?;
    let (space, chroma) = match how.sampling {
        Sampling::Grey => (GREY, 0),
        Sampling::Half => (COLORS, 1),
        Sampling::HalfWide => (COLORS, 2),
        Sampling::Full => (COLORS, 3),
    };
    let mut image = null_mut();
    // SAFETY: the handle came from the context, which is still there, as are the options.
    library.check(unsafe {
        (library.decode)(handle.pointer, &mut image, space, chroma, options.pointer)
    })?;
    Picture::of(library, Owned { pointer: image, free: library.free_image }, how)
}

impl Picture {
    /// Looks at what was decoded.
    fn of(library: &Library, image: Owned, how: DecodeOptions) -> Result<Picture, Error> {
        let DecodeOptions { sampling, full_range, .. } = how;
        let broken = |what: &str| Error::Broken(what.to_owned());
        // SAFETY: the image was just made; what it has no channel for is answered by a negative number.
        let of = |ask: unsafe extern "C" fn(*const c_void, c_int) -> c_int, plane: c_int| unsafe {
            u32::try_from(ask(image.pointer, plane)).unwrap_or(0)
        };
        let (width, height) = (of(library.width, 0), of(library.height, 0));
        let depth = of(library.depth, 0);
        let sample = if depth > 8 { 2 } else { 1 };
        if width == 0 || height == 0 || !matches!(depth, 8 | 10 | 12) {
            return Err(broken("the picture has no samples of 8, 10 or 12 bits"));
        }
        let mut planes = [Plane { start: null(), stride: 0 }; 3];
        for (number, plane) in (0..).zip(planes.iter_mut().take(sampling.planes())) {
            let (across, down) = sampling.of(number as usize, width, height);
            let mut stride = 0;
            // SAFETY: the same image, and a place for the length of its rows.
            let start = unsafe { (library.plane)(image.pointer, number, &mut stride) };
            let is_whole = !start.is_null()
                && of(library.width, number) >= across
                && of(library.height, number) >= down
                && of(library.depth, number) == depth
                && i64::from(stride) >= i64::from(across) * sample;
            if !is_whole {
                return Err(broken("a plane is not as large as the picture"));
            }
            *plane = Plane { start, stride: stride as isize };
        }
        // Both of chroma are told by one number.
        if planes[1].stride != planes[2].stride {
            return Err(broken("the planes of chroma differ"));
        }
        let depth = depth as u8;
        Ok(Picture { _image: image, planes, width, height, depth, sampling, full_range })
    }

    /// Whether it shows the same as another picture.
    fn is_like(&self, other: &Picture) -> bool {
        let is_like = |plane: usize| {
            let (_, height) = self.sampling.of(plane, self.width, self.height);
            (0..height).all(|y| self.row(plane, y) == other.row(plane, y))
        };
        (self.width, self.height, self.depth) == (other.width, other.height, other.depth)
            && (0..self.sampling.planes()).all(is_like)
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Bits of a sample: 8, 10 or 12.
    #[must_use]
    pub fn depth(&self) -> u8 {
        self.depth
    }

    /// The planes that there are.
    #[must_use]
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Whether samples use all of their range.
    #[must_use]
    pub fn full_range(&self) -> bool {
        self.full_range
    }

    /// How many rows there are above the first block that nobody wrote to, which no encoder makes: without luma, and
    /// with as little of both colours. Of a grey picture it can't be told.
    #[must_use]
    pub fn whole_rows(&self) -> u32 {
        // No block of a picture that is coded by itself is smaller.
        const SIDE: u32 = 16;
        if self.sampling == Sampling::Grey {
            return self.height;
        }
        let sample = if self.depth > 8 { 2 } else { 1 };
        let is_zero = |plane: usize, x: u32, y: u32| {
            let (width, height) = self.sampling.of(plane, self.width, self.height);
            let (across, down) =
                (self.width.div_ceil(width.max(1)), self.height.div_ceil(height.max(1)));
            let end = |at: u32, by: u32, most: u32| ((at + SIDE).div_ceil(by.max(1))).min(most);
            (y / down..end(y, down, height)).all(|y| {
                let columns =
                    (x / across) as usize * sample..end(x, across, width) as usize * sample;
                let row = self.row(plane, y).and_then(|row| row.get(columns));
                row.is_some_and(|row| row.iter().all(|&byte| byte == 0))
            })
        };
        let mut blocks = (0..self.height).step_by(SIDE as usize);
        let hole = blocks.find(|&y| {
            let mut blocks = (0..self.width).step_by(SIDE as usize);
            blocks.any(|x| (0..3).all(|plane| is_zero(plane, x, y)))
        });
        hole.unwrap_or(self.height)
    }

    /// A row of a plane, which is readable as long as the picture lives.
    pub(crate) fn row(&self, plane: usize, y: u32) -> Option<&[u8]> {
        let (width, height) = self.sampling.of(plane, self.width, self.height);
        let &Plane { start, stride } = self.planes.get(plane)?;
        if start.is_null() || y >= height {
            return None;
        }
        let at = stride.checked_mul(isize::try_from(y).ok()?)?;
        let len = width as usize * if self.depth > 8 { 2 } else { 1 };
        // SAFETY: the plane has at least `height` rows that far apart, each of at least that many
        // bytes, as was looked at; libheif keeps it as long as the image.
        Some(unsafe { slice(start.offset(at), len) })
    }

    /// Bytes from a row of a plane to the next.
    pub(crate) fn stride(&self, plane: usize) -> isize {
        self.planes.get(plane).map_or(0, |plane| plane.stride)
    }
}

/// Something of the library's that is freed at the end.
#[derive(Debug)]
struct Owned {
    pointer: *mut c_void,
    free: unsafe extern "C" fn(*mut c_void),
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the library made it, and nobody has it any more; null is nothing to be freed.
        unsafe { (self.free)(self.pointer) }
    }
}

/// `heif_error`.
#[repr(C)]
struct RawError {
    code: c_int,
    subcode: c_int,
    message: *const c_char,
}

/// `heif_decoding_options`, as much of it as there is since its third version.
#[repr(C)]
struct RawOptions {
    version: u8,
    ignores_transformations: u8,
    progress: [*const c_void; 4],
    converts_to_8_bits: u8,
    strict: u8,
}

/// The functions of the library.
struct Library {
    new_context: unsafe extern "C" fn() -> *mut c_void,
    free_context: unsafe extern "C" fn(*mut c_void),
    /// Not before 1.13.
    set_threads: Option<unsafe extern "C" fn(*mut c_void, c_int)>,
    read: unsafe extern "C" fn(*mut c_void, *const c_void, usize, *const c_void) -> RawError,
    primary: unsafe extern "C" fn(*mut c_void, *mut *mut c_void) -> RawError,
    free_handle: unsafe extern "C" fn(*mut c_void),
    decode: unsafe extern "C" fn(
        *mut c_void,
        *mut *mut c_void,
        c_int,
        c_int,
        *const c_void,
    ) -> RawError,
    free_image: unsafe extern "C" fn(*mut c_void),
    width: unsafe extern "C" fn(*const c_void, c_int) -> c_int,
    height: unsafe extern "C" fn(*const c_void, c_int) -> c_int,
    depth: unsafe extern "C" fn(*const c_void, c_int) -> c_int,
    plane: unsafe extern "C" fn(*const c_void, c_int, *mut c_int) -> *const u8,
    new_options: unsafe extern "C" fn() -> *mut c_void,
    free_options: unsafe extern "C" fn(*mut c_void),
}

impl Library {
    fn options(&self, how: DecodeOptions) -> Result<Owned, Error> {
        // SAFETY: takes nothing.
        let pointer = unsafe { (self.new_options)() };
        let raw = pointer.cast::<RawOptions>();
        if raw.is_null() {
            return Err(Error::Broken("no memory".to_owned()));
        }
        // SAFETY: they were just made; their first byte says how many fields they have, and newer
        // versions only add some behind those.
        unsafe {
            if (*raw).version >= 3 {
                (*raw).strict = how.strict.into();
            }
        }
        Ok(Owned { pointer, free: self.free_options })
    }

    /// A context that decodes on the calling thread.
    fn context(&self) -> Result<Owned, Error> {
        // SAFETY: takes nothing.
        let pointer = unsafe { (self.new_context)() };
        if pointer.is_null() {
            return Err(Error::Broken("no memory".to_owned()));
        }
        if let Some(set_threads) = self.set_threads {
            // SAFETY: the context was just made.
            unsafe { set_threads(pointer, 0) };
        }
        Ok(Owned { pointer, free: self.free_context })
    }

    fn check(&self, error: RawError) -> Result<(), Error> {
        if error.code == 0 {
            return Ok(());
        }
        if error.message.is_null() {
            return Err(Error::Broken(format!("error {}.{}", error.code, error.subcode)));
        }
        // SAFETY: the library's messages are strings that live as long as it or the context, which
        // is still there.
        let message = unsafe { CStr::from_ptr(error.message) };
        Err(Error::Broken(message.to_string_lossy().into_owned()))
    }
}

fn library() -> Result<&'static Library, Error> {
    static LIBRARY: OnceLock<Result<Library, Error>> = OnceLock::new();
    LIBRARY.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn missing(what: &str) -> Error {
    Error::Missing(what.to_owned())
}

/// Why the library could not be opened, in the system's words, but where it is just not there.
fn not_opened() -> Error {
    // SAFETY: a string of this thread's, or null.
    let said = unsafe {
        let said = libc::dlerror();
        if said.is_null() { c"" } else { CStr::from_ptr(said) }
    };
    let said = said.to_string_lossy();
    match said.starts_with("libheif.so.1: cannot open shared object file: No such file") {
        true => missing("libheif.so.1 is not installed"),
        false => Error::Missing(format!("libheif.so.1 can't be opened: {said}")),
    }
}

#[expect(clippy::missing_transmute_annotations, reason = "the fields have the types")]
fn load() -> Result<Library, Error> {
    // A decoder that fails in the middle leaves the rest of a picture as it found it.
    if !fresh::is_zero() {
        return Err(missing("the allocator has memory that others have used"));
    }
    // SAFETY: what runs while the library is opened are its own constructors, and it is never closed.
    let opened = unsafe { libc::dlopen(NAME.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    let opened = NonNull::new(opened).ok_or_else(not_opened)?;
    // SAFETY: the library stays open.
    let search = |name: &CStr| unsafe { libc::dlsym(opened.as_ptr(), name.as_ptr()) };
    let find =
        |name: &CStr| NonNull::new(search(name)).ok_or_else(|| missing("libheif.so.1 is too old"));
    /// A function of that name in the type of the field that it is for.
    macro_rules! function {
        ($name:literal) => {
            // SAFETY: libheif declares the function so, and keeps to that within one interface;
            // pointers to data and to functions are alike where there is dlsym.
            unsafe { std::mem::transmute::<*mut c_void, _>(find($name)?.as_ptr()) }
        };
    }
    let has_decoder: unsafe extern "C" fn(c_int) -> c_int =
        function!(c"heif_have_decoder_for_format");
    let set_threads = search(c"heif_context_set_max_decoding_threads");
    let library = Library {
        new_context: function!(c"heif_context_alloc"),
        free_context: function!(c"heif_context_free"),
        // SAFETY: as above; null is what `None` is.
        set_threads: unsafe { std::mem::transmute::<*mut c_void, Option<_>>(set_threads) },
        read: function!(c"heif_context_read_from_memory_without_copy"),
        primary: function!(c"heif_context_get_primary_image_handle"),
        free_handle: function!(c"heif_image_handle_release"),
        decode: function!(c"heif_decode_image"),
        free_image: function!(c"heif_image_release"),
        width: function!(c"heif_image_get_width"),
        height: function!(c"heif_image_get_height"),
        depth: function!(c"heif_image_get_bits_per_pixel_range"),
        plane: function!(c"heif_image_get_plane_readonly"),
        new_options: function!(c"heif_decoding_options_alloc"),
        free_options: function!(c"heif_decoding_options_free"),
    };
    // With its first context it loads its decoders.
    let _context = library.context()?;
    // SAFETY: asks for a number.
    if unsafe { has_decoder(HEVC) } == 0 {
        return Err(missing("libheif.so.1 has no decoder for HEVC"));
    }
    Ok(library)
}
