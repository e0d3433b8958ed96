//! AV1 by libaom: pictures that follow each other, one at a time.
//!
//! libavif writes sequences as well, but has libaom look ahead, so that a step of it may be dozens of
//! pictures, and before 1.0 does not say how often they are played. What it makes of a picture alone is
//! [elsewhere](crate::avif).

use std::ffi::{CStr, c_char, c_int};
use std::ptr::{NonNull, null, null_mut};

// It brings the library, whose functions are called by the shim.
#[cfg(feature = "bundled")]
use libaom_sys as _;

use crate::avif::Error;
use crate::{bytes, slice};

/// The matrix of ITU-T H.273 that RGB becomes planes by: that of BT.601.
const MATRIX: u16 = 6;

/// What all pictures are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether they have an alpha channel, not premultiplied.
    pub alpha: bool,
    /// 0 to 100.
    pub quality: u8,
    /// 0 (small) to 10 (fast).
    pub speed: u8,
    /// Primaries and curve as code points of ITU-T H.273, 2 where a profile says them.
    pub code_points: (u16, u16),
}

impl Setup {
    /// All code points of its colours: primaries, curve and matrix. Samples use all of their range.
    #[must_use]
    pub fn code_points(&self) -> [u16; 3] {
        [self.code_points.0, self.code_points.1, MATRIX]
    }
}

/// A sample of one picture, which begins with a temporal delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Its bytes.
    pub data: &'a [u8],
    /// Whether it refers to no other.
    pub is_key: bool,
}

/// An encoder, of two tracks where there is alpha.
#[derive(Debug)]
pub struct Encoder {
    raw: NonNull<RawEncoder>,
    setup: Setup,
}

impl Encoder {
    /// One that has had no picture.
    ///
    /// # Errors
    /// Where libaom fails.
    pub fn new(setup: &Setup) -> Result<Encoder, Error> {
        let &Setup { width, height, .. } = setup;
        bytes(width, height, 4).ok_or(Error("a huge image"))?;
        let (primaries, transfer) = setup.code_points;
        let raw_setup = RawSetup {
            width,
            height,
            alpha: setup.alpha.into(),
            quality: setup.quality.min(100),
            speed: setup.speed.min(10),
            primaries,
            transfer,
            matrix: MATRIX,
        };
        let mut raw = null_mut();
        // SAFETY: a setup, and room for the address of an encoder.
        check(unsafe { ig_aom_open(&raw_setup, &mut raw) })?;
        Ok(Encoder { raw: NonNull::new(raw).ok_or(Error("no encoder"))?, setup: *setup })
    }

    /// Encodes the next picture, RGB, or RGBA with alpha, whose rows follow each other without a gap; returns the
    /// sample of its colours, and that of its alpha.
    ///
    /// # Errors
    /// Where libaom fails, or the pixels are not as many as announced.
    pub fn push(&mut self, pixels: &[u8]) -> Result<(Sample<'_>, Option<Sample<'_>>), Error> {
        let Setup { width, height, alpha, .. } = self.setup;
        if Some(pixels.len()) != bytes(width, height, if alpha { 4 } else { 3 }) {
            return Err(Error("the pixels have not the size of the image"));
        }
        let mut samples = [RawSample::EMPTY; 2];
        // SAFETY: an open encoder, as many pixels as it has, and room for two samples.
        check(unsafe { ig_aom_encode(self.raw.as_ptr(), pixels.as_ptr(), samples.as_mut_ptr()) })?;
        let [colors, of_alpha] = samples.map(|raw| Sample {
            // SAFETY: bytes of the encoder's, which stay until the next picture.
            data: unsafe { slice(raw.data, raw.len) },
            is_key: raw.is_key != 0,
        });
        Ok((colors, alpha.then_some(of_alpha)))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: nobody has it any more.
        unsafe { ig_aom_close(self.raw.as_ptr()) }
    }
}

fn check(result: c_int) -> Result<(), Error> {
    if result == 0 {
        return Ok(());
    }
    // SAFETY: answers a string that lives forever, whatever the number.
    let message = unsafe { CStr::from_ptr(ig_aom_message(result)) };
    Err(Error(message.to_str().unwrap_or("unknown error")))
}

/// `ig_aom` of the shim, only known by its address.
#[repr(C)]
struct RawEncoder([u8; 0]);

/// `ig_aom_setup` of the shim.
#[repr(C)]
struct RawSetup {
    width: u32,
    height: u32,
    alpha: u8,
    quality: u8,
    speed: u8,
    primaries: u16,
    transfer: u16,
    matrix: u16,
}

/// `ig_aom_sample` of the shim.
#[repr(C)]
#[derive(Clone, Copy)]
struct RawSample {
    data: *const u8,
    len: usize,
    is_key: c_int,
}

impl RawSample {
    const EMPTY: RawSample = RawSample { data: null(), len: 0, is_key: 0 };
}

unsafe extern "C" {
    fn ig_aom_open(setup: *const RawSetup, out: *mut *mut RawEncoder) -> c_int;
    fn ig_aom_encode(encoder: *mut RawEncoder, pixels: *const u8, samples: *mut RawSample)
    -> c_int;
    fn ig_aom_close(encoder: *mut RawEncoder);
    fn ig_aom_message(result: c_int) -> *const c_char;
}
