//! AVIF by the system's libavif: the headers and the first image of a file in, one image out.
//!
//! The library is the system's and not a bundled one. It parses hostile input, so it is better
//! updated by who updates the system; and its encoder takes minutes to build. The crates that bind
//! it fix the layout of its structures at one version, so a small shim in C is compiled against
//! the headers that are installed.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{NonNull, null, null_mut};

use crate::{bytes, slice};

/// Why libavif failed, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error(&'static str);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "libavif: {}", self.0)
    }
}

impl std::error::Error for Error {}

const OK: c_int = 0;

fn check(result: c_int) -> Result<(), Error> {
    if result == OK {
        return Ok(());
    }
    // SAFETY: answers a string that lives forever, whatever the number.
    let message = unsafe { CStr::from_ptr(ig_avif_message(result)) };
    Err(Error(message.to_str().unwrap_or("unknown error")))
}

/// What the boxes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Width in pixels, as stored.
    pub width: u32,
    /// Height in pixels, as stored.
    pub height: u32,
    /// Bits of a channel.
    pub bits: u8,
    /// Images of a sequence; 1 for a still one.
    pub frames: u32,
    /// Whether there is an alpha plane.
    pub alpha: bool,
    /// How the image is to be turned for display, as EXIF numbers it, 1 to 8. The EXIF block of
    /// an AVIF file has no say in it.
    pub orientation: u8,
    /// The colour primaries, as a code point of ITU-T H.273, table 2. An ICC profile comes before
    /// them.
    pub primaries: u16,
    /// The transfer characteristics, as one of its table 3.
    pub transfer: u16,
}

/// A file whose boxes are read.
#[derive(Debug)]
pub struct Decoder<'a> {
    raw: NonNull<RawDecoder>,
    info: RawInfo,
    input: PhantomData<&'a [u8]>,
}

impl<'a> Decoder<'a> {
    /// Reads the boxes of a file.
    ///
    /// # Errors
    /// Where they are broken, or announce more than 16384 * 16384 pixels.
    pub fn new(input: &'a [u8]) -> Result<Decoder<'a>, Error> {
        let (mut raw, mut info) = (null_mut(), RawInfo::EMPTY);
        // SAFETY: the input is readable, and the lifetime keeps it until the decoder is closed.
        check(unsafe { ig_avif_open(input.as_ptr(), input.len(), &mut raw, &mut info) })?;
        let raw = NonNull::new(raw).ok_or(Error("no decoder"))?;
        Ok(Decoder { raw, info, input: PhantomData })
    }

    /// What they say.
    #[must_use]
    pub fn info(&self) -> Info {
        let RawInfo {
            width,
            height,
            depth,
            frames,
            alpha,
            rotation,
            mirror,
            primaries,
            transfer,
            ..
        } = self.info;
        // First the rotation holds, then the mirror (ISO/IEC 23000-22, section 7.3.6.7).
        let orientation = match (rotation, mirror) {
            (0, 0) => 1,
            (0, 1) => 4,
            (0, _) => 2,
            (1, 0) => 8,
            (1, 1) => 5,
            (1, _) => 7,
            (2, 0) => 3,
            (2, 1) => 2,
            (2, _) => 4,
            (_, 0) => 6,
            (_, 1) => 7,
            (_, _) => 5,
        };
        let bits = u8::try_from(depth).unwrap_or(8);
        let alpha = alpha != 0;
        Info { width, height, bits, frames, alpha, orientation, primaries, transfer }
    }

    /// The ICC profile; empty where there is none.
    #[must_use]
    pub fn icc(&self) -> &[u8] {
        // SAFETY: as `open` said, owned by the decoder.
        unsafe { slice(self.info.icc, self.info.icc_len) }
    }

    /// The EXIF block; empty where there is none.
    #[must_use]
    pub fn exif(&self) -> &[u8] {
        // SAFETY: as above.
        unsafe { slice(self.info.exif, self.info.exif_len) }
    }

    /// The XMP packet; empty where there is none.
    #[must_use]
    pub fn xmp(&self) -> &[u8] {
        // SAFETY: as above.
        unsafe { slice(self.info.xmp, self.info.xmp_len) }
    }

    /// Decodes the first image into RGB pixels, or RGBA ones where there is alpha, not
    /// premultiplied.
    ///
    /// # Errors
    /// Where the bitstream is broken, incomplete or not of the size that was announced, or
    /// `pixels` is not exactly as long as the image.
    pub fn decode(self, pixels: &mut [u8]) -> Result<(), Error> {
        let Info { width, height, alpha, .. } = self.info();
        if Some(pixels.len()) != bytes(width, height, channels(alpha)) {
            return Err(Error("the buffer has not the size of the image"));
        }
        // SAFETY: an open decoder, whose input lives; it writes as many bytes as were just
        // counted.
        check(unsafe { ig_avif_decode(self.raw.as_ptr(), pixels.as_mut_ptr()) })
    }
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        // SAFETY: open until now, and nobody has the pointer any more.
        unsafe { ig_avif_close(self.raw.as_ptr()) }
    }
}

/// An image to encode.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// RGB, or RGBA with `alpha`; rows follow each other without a gap.
    pub pixels: &'a [u8],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether the pixels have an alpha channel, not premultiplied.
    pub alpha: bool,
    /// 0 to 100.
    pub quality: u8,
    /// 0 (small) to 10 (fast).
    pub speed: u8,
    /// ICC profile; sRGB where it is empty.
    pub icc: &'a [u8],
    /// EXIF block, or empty.
    pub exif: &'a [u8],
    /// XMP packet, or empty.
    pub xmp: &'a [u8],
}

/// Encodes an image by libaom, its chroma at half the resolution.
///
/// # Errors
/// Where the encoder fails, or the pixels are not as many as announced.
pub fn encode(image: &Image<'_>) -> Result<Encoded, Error> {
    if Some(image.pixels.len()) != bytes(image.width, image.height, channels(image.alpha)) {
        return Err(Error("the pixels have not the size of the image"));
    }
    let source = RawSource {
        pixels: image.pixels.as_ptr(),
        width: image.width,
        height: image.height,
        alpha: image.alpha.into(),
        quality: image.quality.min(100),
        speed: image.speed.min(10),
        icc: image.icc.as_ptr(),
        icc_len: image.icc.len(),
        exif: image.exif.as_ptr(),
        exif_len: image.exif.len(),
        xmp: image.xmp.as_ptr(),
        xmp_len: image.xmp.len(),
    };
    let (mut data, mut len) = (null_mut(), 0);
    // SAFETY: all that the source points to outlives the call, in the lengths that it gives; the
    // pixels were just counted.
    check(unsafe { ig_avif_encode(&source, &mut data, &mut len) })?;
    Ok(Encoded { data: NonNull::new(data).ok_or(Error("no output"))?, len })
}

/// An encoded file.
#[derive(Debug)]
pub struct Encoded {
    data: NonNull<u8>,
    len: usize,
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: what `encode` was given, until it is freed.
        unsafe { slice(self.data.as_ptr(), self.len) }
    }
}

impl Drop for Encoded {
    fn drop(&mut self) {
        // SAFETY: what `encode` was given, and nobody has it any more.
        unsafe { ig_avif_free(self.data.as_ptr(), self.len) }
    }
}

fn channels(alpha: bool) -> u32 {
    if alpha { 4 } else { 3 }
}

/// libavif's decoder, only known by its address.
#[repr(C)]
struct RawDecoder([u8; 0]);

/// `ig_avif_info` of the shim.
#[repr(C)]
#[derive(Debug)]
struct RawInfo {
    width: u32,
    height: u32,
    depth: u32,
    frames: u32,
    alpha: u8,
    rotation: u8,
    mirror: u8,
    primaries: u16,
    transfer: u16,
    icc: *const u8,
    icc_len: usize,
    exif: *const u8,
    exif_len: usize,
    xmp: *const u8,
    xmp_len: usize,
}

impl RawInfo {
    const EMPTY: RawInfo = RawInfo {
        width: 0,
        height: 0,
        depth: 0,
        frames: 0,
        alpha: 0,
        rotation: 0,
        mirror: 0,
        primaries: 0,
        transfer: 0,
        icc: null(),
        icc_len: 0,
        exif: null(),
        exif_len: 0,
        xmp: null(),
        xmp_len: 0,
    };
}

/// `ig_avif_source` of the shim.
#[repr(C)]
struct RawSource {
    pixels: *const u8,
    width: u32,
    height: u32,
    alpha: u8,
    quality: u8,
    speed: u8,
    icc: *const u8,
    icc_len: usize,
    exif: *const u8,
    exif_len: usize,
    xmp: *const u8,
    xmp_len: usize,
}

unsafe extern "C" {
    fn ig_avif_open(
        data: *const u8,
        len: usize,
        out: *mut *mut RawDecoder,
        info: *mut RawInfo,
    ) -> c_int;
    fn ig_avif_decode(decoder: *mut RawDecoder, pixels: *mut u8) -> c_int;
    fn ig_avif_close(decoder: *mut RawDecoder);
    fn ig_avif_encode(source: *const RawSource, out: *mut *mut u8, len: *mut usize) -> c_int;
    fn ig_avif_free(data: *mut u8, len: usize);
    fn ig_avif_message(result: c_int) -> *const c_char;
}
