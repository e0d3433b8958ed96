//! How much a source may ask for.

use super::Error;
use super::size::Size;

/// Bounds on what a source may ask of us, all checked before decoding.
///
/// Pixels count where they are decoded: a JPEG that is decoded at an eighth of its size has a
/// 64th of them, and of an animation whose first frame is used, that one counts. An animation
/// with more frames or pixels than these becomes its first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels that are decoded, of all frames.
    pub pixels: u64,
    /// Width of the source as stored, in pixels.
    pub width: u32,
    /// Height of the source as stored, in pixels.
    pub height: u32,
    /// Frames that are decoded.
    pub frames: u32,
    /// Pixels of all frames of the output.
    pub output_pixels: u64,
    /// Scans of a JPEG.
    pub scans: u32,
    /// Bytes of memory that the work may hold at once, the source not counted.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            pixels: 200_000_000,
            width: 65535,
            height: 65535,
            frames: 1000,
            output_pixels: 80_000_000,
            scans: 64,
            memory: 512 << 20,
        }
    }
}

impl Limits {
    /// Checks the sides of what is stored.
    ///
    /// # Errors
    /// [`Error::TooManyPixels`].
    pub(super) fn check_sides(&self, size: Size) -> Result<(), Error> {
        let sides = [(size.width, "wide", self.width), (size.height, "high", self.height)];
        for (side, name, limit) in sides {
            if side > limit {
                return Err(Error::TooManyPixels(format!(
                    "{side} pixels {name}, the limit is {limit}"
                )));
            }
        }
        Ok(())
    }

    /// Checks an estimate of the memory that the work takes.
    ///
    /// # Errors
    /// [`Error::TooManyPixels`].
    pub fn check_memory(&self, bytes: u64) -> Result<(), Error> {
        if bytes <= self.memory {
            return Ok(());
        }
        let limit = self.memory;
        Err(Error::TooManyPixels(format!("needs about {bytes} bytes of memory, limit is {limit}")))
    }

    /// Checks how many pixels are to be decoded, of what the message names.
    ///
    /// # Errors
    /// [`Error::TooManyPixels`].
    pub(super) fn check_pixels(&self, pixels: u64, what: impl Fn() -> String) -> Result<(), Error> {
        if pixels <= self.pixels {
            return Ok(());
        }
        let (what, limit) = (what(), self.pixels);
        Err(Error::TooManyPixels(format!("{what} are {pixels} pixels, the limit is {limit}")))
    }
}

/// Checks a number of frames against a limit that need not be the one to be set.
///
/// # Errors
/// [`Error::TooManyFrames`].
pub(super) fn check_frames(frames: u32, limit: u32) -> Result<(), Error> {
    if frames <= limit {
        return Ok(());
    }
    Err(Error::TooManyFrames(format!("{frames} frames, the limit is {limit}")))
}
