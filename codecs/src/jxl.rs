//! JPEG XL by the system's libjxl: one image out, of pixels, or of a JPEG that can be had back to the
//! byte.
//!
//! The library is the system's and not a bundled one, which takes minutes to build. It works on the
//! calling thread alone.

use std::ffi::c_int;
use std::fmt;
use std::ops::Deref;
use std::ptr::{NonNull, null, null_mut};

use crate::{bytes, slice};

/// Why there is no output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// libjxl does not say why it failed.
    Failed,
    /// There is no memory for the output.
    NoMemory,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Failed => "libjxl: failed",
            Error::NoMemory => "libjxl: no memory",
        })
    }
}

impl std::error::Error for Error {}

/// What is encoded.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// An image.
    Pixels(Image<'a>),
    /// A JPEG, Huffman-coded and of one or three channels, whose bytes djxl gives back.
    Jpeg(&'a [u8]),
}

/// An image to encode.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// Rows follow each other without a gap.
    pub pixels: &'a [u8],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// 1 to 4: grey, grey with alpha, RGB, RGBA. Alpha is not premultiplied.
    pub channels: u8,
    /// Whether they have 16 bits each, in the order of the machine, and not 8.
    pub deep: bool,
    /// Primaries (1, 9 or 12) and curve (13, 16 or 18) as code points of ITU-T H.273; of no use beside
    /// a profile.
    pub code_points: (u8, u8),
    /// Butteraugli distance, 0.01 to 25; 1 is just noticed.
    pub distance: f32,
    /// ICC profile, or empty.
    pub icc: &'a [u8],
    /// EXIF block, or empty.
    pub exif: &'a [u8],
    /// XMP packet, or empty.
    pub xmp: &'a [u8],
}

/// Encodes an image at an effort of 1 (fast) to 9 (small). It can't be stopped.
///
/// # Errors
/// Where the encoder fails, or the pixels are not as many as announced.
pub fn encode(source: &Source<'_>, effort: u8) -> Result<Encoded, Error> {
    let mut raw = RawSource { effort: effort.clamp(1, 9), ..RawSource::default() };
    let mut exif = Vec::new();
    match source {
        Source::Jpeg(jpeg) => (raw.jpeg, raw.jpeg_len) = (jpeg.as_ptr(), jpeg.len()),
        Source::Pixels(image) => {
            let &Image { pixels, width, height, channels, distance, icc, xmp, .. } = image;
            let sample = if image.deep { 2 } else { 1 };
            let is_whole = (1..=4).contains(&channels)
                && Some(pixels.len()) == bytes(width, height, u32::from(channels) * sample);
            if !is_whole {
                return Err(Error::Failed);
            }
            if !image.exif.is_empty() {
                exif.try_reserve(image.exif.len() + 4).map_err(|_| Error::NoMemory)?;
                // Where in it the TIFF header is.
                exif.extend_from_slice(&[0; 4]);
                exif.extend_from_slice(image.exif);
            }
            raw.pixels = pixels.as_ptr();
            (raw.width, raw.height, raw.channels) = (width, height, channels);
            raw.deep = image.deep.into();
            (raw.primaries, raw.transfer) = image.code_points;
            raw.distance = distance.clamp(0.01, 25.0);
            (raw.icc, raw.icc_len) = (icc.as_ptr(), icc.len());
            (raw.exif, raw.exif_len) = (exif.as_ptr(), exif.len());
            (raw.xmp, raw.xmp_len) = (xmp.as_ptr(), xmp.len());
        }
    }
    let (mut data, mut len) = (null_mut(), 0);
    // SAFETY: all that the source points to outlives the call, in the lengths that it gives; the
    // pixels were just counted.
    match unsafe { ig_jxl_encode(&raw, &mut data, &mut len) } {
        0 => Ok(Encoded { data: NonNull::new(data).ok_or(Error::Failed)?, len }),
        2 => Err(Error::NoMemory),
        _ => Err(Error::Failed),
    }
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
        unsafe { ig_jxl_free(self.data.as_ptr()) }
    }
}

/// `ig_jxl_source` of the shim.
#[repr(C)]
struct RawSource {
    pixels: *const u8,
    width: u32,
    height: u32,
    channels: u8,
    deep: u8,
    primaries: u8,
    transfer: u8,
    effort: u8,
    distance: f32,
    icc: *const u8,
    icc_len: usize,
    exif: *const u8,
    exif_len: usize,
    xmp: *const u8,
    xmp_len: usize,
    jpeg: *const u8,
    jpeg_len: usize,
}

impl Default for RawSource {
    fn default() -> RawSource {
        RawSource {
            pixels: null(),
            width: 0,
            height: 0,
            channels: 0,
            deep: 0,
            primaries: 0,
            transfer: 0,
            effort: 0,
            distance: 0.0,
            icc: null(),
            icc_len: 0,
            exif: null(),
            exif_len: 0,
            xmp: null(),
            xmp_len: 0,
            jpeg: null(),
            jpeg_len: 0,
        }
    }
}

unsafe extern "C" {
    fn ig_jxl_encode(source: *const RawSource, out: *mut *mut u8, len: *mut usize) -> c_int;
    fn ig_jxl_free(data: *mut u8);
}
