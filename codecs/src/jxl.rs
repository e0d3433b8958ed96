//! JPEG XL by libjxl: one image out, of pixels, or of a JPEG that can be had back to the
//! byte; or an animation.
//!
//! It works on the calling thread alone.

use std::ffi::c_int;
use std::fmt;
use std::ops::Deref;
use std::ptr::{NonNull, null, null_mut};

// It brings the library, whose functions are called by the shim.
#[cfg(feature = "bundled")]
use jxl_sys as _;

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
    /// How it is to be turned to be shown, as Exif counts it, 1 to 8: readers of JPEG XL leave Exif's own aside.
    pub orientation: u8,
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
            let &Image { pixels, width, height, .. } = image;
            if !image.has_pixels(pixels, width, height) {
                return Err(Error::Failed);
            }
            raw.describe(image, &mut exif)?;
            raw.pixels = pixels.as_ptr();
        }
    }
    let (mut data, mut len) = (null_mut(), 0);
    // SAFETY: all that the source points to outlives the call, in the lengths that it gives; the
    // pixels were just counted.
    check(unsafe { ig_jxl_encode(&raw, &mut data, &mut len) })?;
    Ok(Encoded { data: NonNull::new(data).ok_or(Error::Failed)?, len })
}

impl Image<'_> {
    /// Whether these are as many pixels of its kind as a picture that large has.
    fn has_pixels(&self, pixels: &[u8], width: u32, height: u32) -> bool {
        let sample = if self.deep { 2 } else { 1 };
        (1..=4).contains(&self.channels)
            && Some(pixels.len()) == bytes(width, height, u32::from(self.channels) * sample)
    }
}

/// An animation that is being written, picture by picture.
#[derive(Debug)]
pub struct Animation<'a> {
    raw: NonNull<RawAnimation>,
    /// What all pictures are like; itself it has none.
    image: Image<'a>,
}

/// A place in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Columns before it.
    pub x: u32,
    /// Rows above it.
    pub y: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl<'a> Animation<'a> {
    /// Begins one that is played so often, or for ever with 0, of pictures that are like this one, of which the
    /// pixels don't count.
    ///
    /// # Errors
    /// Where the encoder fails.
    pub fn new(image: Image<'a>, effort: u8, plays: u32) -> Result<Animation<'a>, Error> {
        let mut raw = RawSource { effort: effort.clamp(1, 9), ..RawSource::default() };
        let mut exif = Vec::new();
        raw.describe(&image, &mut exif)?;
        // SAFETY: all that the source points to outlives the call, in the lengths that it gives.
        let raw = unsafe { ig_jxl_animation_begin(&raw, plays) };
        Ok(Animation { raw: NonNull::new(raw).ok_or(Error::NoMemory)?, image })
    }

    /// Adds what a picture has in a window, which the first one is all of, and for how many milliseconds it
    /// is shown, one at least. Returns the bytes of the picture before it.
    ///
    /// # Errors
    /// Where the encoder fails, or the pixels are not as many as announced.
    pub fn push(
        &mut self,
        pixels: &[u8],
        window: Window,
        milliseconds: u32,
    ) -> Result<&[u8], Error> {
        let Window { x, y, width, height } = window;
        let fits =
            |at: u32, len: u32, side: u32| at.checked_add(len).is_some_and(|end| end <= side);
        if !self.image.has_pixels(pixels, width, height)
            || !fits(x, width, self.image.width)
            || !fits(y, height, self.image.height)
        {
            return Err(Error::Failed);
        }
        let len = self.write(false)?;
        // SAFETY: one that was begun; the pixels were just counted, and are copied.
        let added = unsafe {
            let (raw, pixels) = (self.raw.as_ptr(), pixels.as_ptr());
            ig_jxl_animation_add(raw, pixels, x, y, width, height, milliseconds.max(1))
        };
        check(added)?;
        Ok(self.written(len))
    }

    /// The bytes of the last picture.
    ///
    /// # Errors
    /// Where the encoder fails.
    pub fn finish(&mut self) -> Result<&[u8], Error> {
        let len = self.write(true)?;
        Ok(self.written(len))
    }

    /// Has what was added be written; returns the address and the length of that.
    fn write(&mut self, is_end: bool) -> Result<(*const u8, usize), Error> {
        let (mut data, mut len) = (null_mut(), 0);
        // SAFETY: one that was begun.
        check(unsafe {
            ig_jxl_animation_write(self.raw.as_ptr(), is_end.into(), &mut data, &mut len)
        })?;
        Ok((data, len))
    }

    fn written(&self, (data, len): (*const u8, usize)) -> &[u8] {
        // SAFETY: as it was written just now, which stays until the next time.
        unsafe { slice(data, len) }
    }
}

impl Drop for Animation<'_> {
    fn drop(&mut self) {
        // SAFETY: one that was begun, and nobody has it any more.
        unsafe { ig_jxl_animation_free(self.raw.as_ptr()) }
    }
}

fn check(result: c_int) -> Result<(), Error> {
    match result {
        0 => Ok(()),
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

/// `ig_jxl_animation` of the shim, only known by its address.
#[repr(C)]
struct RawAnimation([u8; 0]);

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
    orientation: u8,
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

impl RawSource {
    /// Takes over what an image is but for its pixels; `exif` has to stay as long as this is used.
    fn describe(&mut self, image: &Image, exif: &mut Vec<u8>) -> Result<(), Error> {
        let &Image { width, height, channels, distance, icc, xmp, .. } = image;
        if !image.exif.is_empty() {
            exif.try_reserve(image.exif.len() + 4).map_err(|_| Error::NoMemory)?;
            // Where in it the TIFF header is.
            exif.extend_from_slice(&[0; 4]);
            exif.extend_from_slice(image.exif);
        }
        (self.width, self.height, self.channels) = (width, height, channels);
        self.deep = image.deep.into();
        (self.primaries, self.transfer) = image.code_points;
        self.orientation = image.orientation.clamp(1, 8);
        self.distance = distance.clamp(0.01, 25.0);
        (self.icc, self.icc_len) = (icc.as_ptr(), icc.len());
        (self.exif, self.exif_len) = (exif.as_ptr(), exif.len());
        (self.xmp, self.xmp_len) = (xmp.as_ptr(), xmp.len());
        Ok(())
    }
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
            orientation: 1,
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
    fn ig_jxl_animation_begin(source: *const RawSource, plays: u32) -> *mut RawAnimation;
    fn ig_jxl_animation_add(
        animation: *mut RawAnimation,
        pixels: *const u8,
        x: u32,
        y: u32,
        width: u32,
        height: u32,
        duration: u32,
    ) -> c_int;
    fn ig_jxl_animation_write(
        animation: *mut RawAnimation,
        is_end: c_int,
        out: *mut *mut u8,
        len: *mut usize,
    ) -> c_int;
    fn ig_jxl_animation_free(animation: *mut RawAnimation);
}
