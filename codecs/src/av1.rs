//! AV1 by dav1d: one picture of a sample, or one of each of many.

use std::ffi::c_int;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{NonNull, null, null_mut};

// It brings the library, whose functions are called by the shim.
#[cfg(feature = "bundled")]
use libdav1d_sys as _;

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Nobody waits for it any more.
    Stopped,
    /// The data is broken, or larger than it was said to be; dav1d's number for it.
    Broken(i32),
    /// The data ends without one.
    Missing,
    /// There is no memory for a decoder.
    Memory,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Stopped => f.write_str("dav1d: stopped"),
            Error::Broken(number) => write!(f, "dav1d: broken data ({number})"),
            Error::Missing => f.write_str("dav1d: no picture"),
            Error::Memory => f.write_str("dav1d: no memory"),
        }
    }
}

impl std::error::Error for Error {}

/// How a sample is to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Whether it is to be stopped within a frame, for which two threads decode it.
    pub stoppable: bool,
    /// How wide and how high a frame is at most.
    pub size: (u32, u32),
    /// Which operating point, 0 to 31.
    pub operating_point: u8,
    /// Which spatial layer; `None` for the highest of the operating point.
    pub layer: Option<u8>,
    /// Whether the operating point has layers, of which the last one is the picture.
    pub layered: bool,
}

/// The planes that a picture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// Luma alone.
    Grey,
    /// Chroma at half the width and height.
    Half,
    /// Chroma at half the width.
    HalfWide,
    /// Chroma as large as luma.
    Full,
}

/// A decoded picture.
#[derive(Debug)]
pub struct Picture {
    raw: RawPicture,
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: of a picture that was taken, and nobody has it any more.
        unsafe { ig_av1_let_go(self.raw.held) }
    }
}

/// Milliseconds between two looks at whether to go on.
const TICK: c_int = 20;

/// Decodes the first picture of a sample, which comes in parts of one frame each; asks `goes_on`
/// every few milliseconds.
///
/// # Errors
/// Where it is broken or stopped, or there is no memory.
pub fn decode<'a>(
    parts: impl IntoIterator<Item = &'a [u8]>,
    options: &DecodeOptions,
    goes_on: impl Fn() -> bool,
) -> Result<Picture, Error> {
    let mut session = Session::new(options)?;
    let wanted = |it: &Picture| options.layer.is_none_or(|layer| layer == it.raw.spatial_id);
    // Early on, what is there of a layered picture is not its last layer.
    let waits = options.layered && options.layer.is_none();
    for part in parts {
        if !goes_on() {
            return Err(Error::Stopped);
        }
        if !session.send(part)? {
            // What came before is to be taken first.
            if let Some(picture) = session.take()?.filter(wanted) {
                return Ok(picture);
            }
            if !session.send(part)? {
                return Err(Error::Missing);
            }
        }
        session.wait(&goes_on)?;
        while !waits && let Some(picture) = session.take()? {
            if wanted(&picture) {
                return Ok(picture);
            }
        }
    }
    session.take()?.filter(wanted).ok_or(Error::Missing)
}

/// Samples of one picture each, of which all may refer to those before, decoded in their order.
///
/// What was sent may still be read when the sequence is dropped, so that nobody can let it go before:
///
/// ```compile_fail,E0597
/// use image_gate_codecs::av1::{DecodeOptions, Sequence};
///
/// let options = DecodeOptions {
///     stoppable: true,
///     size: (16, 16),
///     operating_point: 0,
///     layer: None,
///     layered: false,
/// };
/// let mut sequence = Sequence::new(&options)?;
/// let sample = vec![0; 16];
/// let _ = sequence.next([&sample[..]], || true);
/// // Here the sample is dropped, and then the sequence.
/// # Ok::<(), image_gate_codecs::av1::Error>(())
/// ```
#[derive(Debug)]
pub struct Sequence<'a>(Session<'a>);

impl<'a> Sequence<'a> {
    /// None yet. The layers of its pictures are those that an operating point has.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn new(options: &DecodeOptions) -> Result<Sequence<'a>, Error> {
        Session::new(options).map(Sequence)
    }

    /// Decodes the picture of the next sample as [`decode`] does. After an error there are no more.
    ///
    /// # Errors
    /// As of [`decode`].
    pub fn next(
        &mut self,
        parts: impl IntoIterator<Item = &'a [u8]>,
        goes_on: impl Fn() -> bool,
    ) -> Result<Picture, Error> {
        let Sequence(session) = self;
        // Whatever else is shown of the sample is none of the sequence's pictures.
        let mut found = None;
        for part in parts {
            if !goes_on() {
                return Err(Error::Stopped);
            }
            while !session.send(part)? {
                let picture = session.take()?.ok_or(Error::Missing)?;
                found.get_or_insert(picture);
            }
            session.wait(&goes_on)?;
        }
        while let Some(picture) = session.take()? {
            found.get_or_insert(picture);
        }
        found.ok_or(Error::Missing)
    }
}

impl Picture {
    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.raw.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.raw.height
    }

    /// Bits of a sample: 8, 10 or 12.
    #[must_use]
    pub fn depth(&self) -> u8 {
        self.raw.depth
    }

    /// The planes that there are.
    #[must_use]
    pub fn sampling(&self) -> Sampling {
        match self.raw.layout {
            0 => Sampling::Grey,
            1 => Sampling::Half,
            2 => Sampling::HalfWide,
            _ => Sampling::Full,
        }
    }

    /// Whether samples use all of their range, by the data itself.
    #[must_use]
    pub fn full_range(&self) -> bool {
        self.raw.full_range != 0
    }

    /// A row of a plane, which is readable as long as the picture lives.
    pub(crate) fn row(&self, plane: usize, y: u32) -> Option<&[u8]> {
        let (width, height) = self.sampling().of(plane, self.width(), self.height());
        let start = *self.raw.planes.get(plane)?;
        if start.is_null() || y >= height || plane >= self.sampling().planes() {
            return None;
        }
        let at = self.stride(plane).checked_mul(isize::try_from(y).ok()?)?;
        let len = width as usize * if self.depth() > 8 { 2 } else { 1 };
        // SAFETY: dav1d's planes have as many rows, that far apart, and each as many samples.
        Some(unsafe { std::slice::from_raw_parts(start.offset(at), len) })
    }

    /// Bytes from a row of a plane to the next.
    pub(crate) fn stride(&self, plane: usize) -> isize {
        let [luma, chroma] = self.raw.strides;
        if plane == 0 { luma } else { chroma }
    }
}

/// An open decoder. It may read its caller's data until it is closed, which is when this is dropped: that it has a
/// drop of its own is why the data has to live longer.
#[derive(Debug)]
struct Session<'a> {
    raw: NonNull<RawDecoder>,
    data: PhantomData<&'a [u8]>,
}

impl<'a> Session<'a> {
    fn new(options: &DecodeOptions) -> Result<Session<'a>, Error> {
        let &DecodeOptions { stoppable, size, operating_point, layer, .. } = options;
        let side = |side: u32| c_int::try_from(side).unwrap_or(c_int::MAX);
        let (width, height) = (side(size.0), side(size.1));
        let (stoppable, all) = (c_int::from(stoppable), c_int::from(layer.is_some()));
        // SAFETY: has no preconditions.
        let raw = unsafe { ig_av1_open(stoppable, width, height, operating_point.into(), all) };
        let raw = NonNull::new(raw).ok_or(Error::Memory)?;
        Ok(Session { raw, data: PhantomData })
    }

    /// Whether a part was taken.
    fn send(&mut self, part: &'a [u8]) -> Result<bool, Error> {
        // SAFETY: an open decoder; the part outlives the session, whose drop closes it.
        let result = unsafe { ig_av1_send(self.raw.as_ptr(), part.as_ptr(), part.len()) };
        check(result).map(|done| done == 0)
    }

    /// Waits until what was sent is done.
    fn wait(&self, goes_on: impl Fn() -> bool) -> Result<(), Error> {
        // SAFETY: an open decoder.
        while unsafe { ig_av1_wait(self.raw.as_ptr(), TICK) } == 0 {
            if !goes_on() {
                return Err(Error::Stopped);
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Option<Picture>, Error> {
        let mut raw = RawPicture::EMPTY;
        // SAFETY: an open decoder, and room for what it says.
        let result = unsafe { ig_av1_take(self.raw.as_ptr(), &mut raw) };
        check(result).map(|none| (none == 0).then(|| Picture { raw }))
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody has it any more.
        unsafe { ig_av1_close(self.raw.as_ptr()) }
    }
}

fn check(result: c_int) -> Result<c_int, Error> {
    if result < 0 { Err(Error::Broken(result)) } else { Ok(result) }
}

/// `ig_av1` of the shim, only known by its address.
#[repr(C)]
struct RawDecoder([u8; 0]);

/// `Dav1dPicture`, only known by its address.
#[repr(C)]
#[derive(Debug)]
struct RawHeld([u8; 0]);

/// `ig_av1_picture` of the shim.
#[repr(C)]
#[derive(Debug)]
struct RawPicture {
    planes: [*const u8; 3],
    strides: [isize; 2],
    width: u32,
    height: u32,
    depth: u8,
    layout: u8,
    full_range: u8,
    spatial_id: u8,
    held: *mut RawHeld,
}

impl RawPicture {
    const EMPTY: RawPicture = RawPicture {
        planes: [null(); 3],
        strides: [0; 2],
        width: 0,
        height: 0,
        depth: 0,
        layout: 0,
        full_range: 0,
        spatial_id: 0,
        held: null_mut(),
    };
}

unsafe extern "C" {
    fn ig_av1_open(
        stoppable: c_int,
        width: c_int,
        height: c_int,
        operating_point: c_int,
        all_layers: c_int,
    ) -> *mut RawDecoder;
    fn ig_av1_send(decoder: *mut RawDecoder, data: *const u8, len: usize) -> c_int;
    fn ig_av1_wait(decoder: *mut RawDecoder, milliseconds: c_int) -> c_int;
    fn ig_av1_take(decoder: *mut RawDecoder, out: *mut RawPicture) -> c_int;
    fn ig_av1_let_go(held: *mut RawHeld);
    fn ig_av1_close(decoder: *mut RawDecoder);
}
