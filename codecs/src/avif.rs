//! AVIF by libavif: one image out.
//!
//! The crates that bind it fix the layout of its structures at one version, so a small shim in C is compiled
//! against the headers of the library that is linked.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::ops::Deref;
use std::ptr::{NonNull, null_mut};

// It brings the library, whose functions are called by the shim.
#[cfg(feature = "bundled")]
use libavif_sys as _;

use crate::{bytes, slice};

/// Why libavif failed, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error(pub(crate) &'static str);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "libavif: {}", self.0)
    }
}

impl std::error::Error for Error {}

const OK: c_int = 0;

/// Code points of primaries and matrices.
const BT2020: u16 = 9;
const BT2020_MATRIX: u16 = 9;
const BT601_MATRIX: u16 = 6;

pub(crate) fn check(result: c_int) -> Result<(), Error> {
    if result == OK {
        return Ok(());
    }
    // SAFETY: answers a string that lives forever, whatever the number.
    let message = unsafe { CStr::from_ptr(ig_avif_message(result)) };
    Err(Error(message.to_str().unwrap_or("unknown error")))
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
    /// Whether channels have 16 bits, in the order of the machine, of which 10 are kept.
    pub deep: bool,
    /// Primaries and curve as code points of ITU-T H.273; of no use beside a profile.
    pub code_points: (u16, u16),
    /// ICC profile, or empty.
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
    let sample = if image.deep { 2 } else { 1 };
    let pixel = channels(image.alpha) * sample;
    if Some(image.pixels.len()) != bytes(image.width, image.height, pixel) {
        return Err(Error("the pixels have not the size of the image"));
    }
    // libavif reads samples of 16 bits from where they belong alone.
    if !image.pixels.as_ptr().addr().is_multiple_of(sample as usize) {
        return Err(Error("the pixels begin at an odd address"));
    }
    let (primaries, transfer) = image.code_points;
    let source = RawSource {
        pixels: image.pixels.as_ptr(),
        width: image.width,
        height: image.height,
        alpha: image.alpha.into(),
        quality: image.quality.min(100),
        speed: image.speed.min(10),
        deep: image.deep.into(),
        primaries,
        transfer,
        matrix: if primaries == BT2020 { BT2020_MATRIX } else { BT601_MATRIX },
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

/// `ig_avif_source` of the shim.
#[repr(C)]
struct RawSource {
    pixels: *const u8,
    width: u32,
    height: u32,
    alpha: u8,
    quality: u8,
    speed: u8,
    deep: u8,
    primaries: u16,
    transfer: u16,
    matrix: u16,
    icc: *const u8,
    icc_len: usize,
    exif: *const u8,
    exif_len: usize,
    xmp: *const u8,
    xmp_len: usize,
}

unsafe extern "C" {
    fn ig_avif_encode(source: *const RawSource, out: *mut *mut u8, len: *mut usize) -> c_int;
    fn ig_avif_free(data: *mut u8, len: usize);
    fn ig_avif_message(result: c_int) -> *const c_char;
}
