//! What to do to an image.

use std::num::NonZeroU32;

use super::{Format, Mark};

/// A side of the bounding box; `None` (written `-`) does not bound.
pub type Bound = Option<NonZeroU32>;

/// The geometry of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// As large as the source.
    #[default]
    None,
    /// Proportionally into the box; never enlarges.
    Resize {
        /// Largest width in pixels.
        width: Bound,
        /// Largest height in pixels.
        height: Bound,
    },
    /// Covers the box and cuts the rest, centred; never enlarges.
    Crop {
        /// Width of the box in pixels.
        width: Bound,
        /// Height of the box in pixels.
        height: Bound,
    },
}

/// A turn in quarter steps, counter-clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rotation {
    /// No turn.
    #[default]
    None,
    /// A quarter turn to the left.
    Ccw90,
    /// Half a turn.
    Half,
    /// Three quarter turns to the left.
    Ccw270,
}

impl Rotation {
    /// The rotation by that many degrees counter-clockwise: 90, 180 or 270.
    #[must_use]
    pub fn from_degrees(degrees: u32) -> Option<Rotation> {
        match degrees {
            90 => Some(Rotation::Ccw90),
            180 => Some(Rotation::Half),
            270 => Some(Rotation::Ccw270),
            _ => None,
        }
    }
}

/// What happens to embedded colour profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ProfilePolicy {
    /// Convert to sRGB and drop the profile.
    #[default]
    Srgb,
    /// Keep the pixel values and the profile.
    Keep,
    /// Keep the pixel values and drop the profile.
    Strip,
}

/// Which metadata (EXIF, XMP) the output carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetadataPolicy {
    /// None.
    #[default]
    Strip,
    /// Author and rights only; never a position.
    Copyright,
    /// All of it, with the orientation reset where it was applied.
    Keep,
}

/// An opaque colour, 8 bits a channel, sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Color {
    /// Opaque white.
    pub const WHITE: Color = Color { r: 255, g: 255, b: 255 };
}

/// Everything that decides what the output is, and nothing else: two equal
/// plans make equal outputs from equal sources.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Plan {
    /// The geometry.
    pub fit: Fit,
    /// The turn after orientation; the bounds of [`Fit::Resize`] apply before it,
    /// the cut of [`Fit::Crop`] after it.
    pub rotate: Rotation,
    /// The output's format; `None` keeps the source's.
    pub format: Option<Format>,
    /// JPEG quality, 1 to 100.
    pub jpeg_quality: u8,
    /// WebP quality, 1 to 100.
    pub webp_quality: u8,
    /// WebP encoder effort, 0 (fast) to 6 (small).
    pub webp_effort: u8,
    /// Unsharp amount in percent; 0 is off.
    pub sharpen: u16,
    /// Whether palette transparency is kept; otherwise it is flattened.
    pub transparency: bool,
    /// Progressive JPEG, interlaced PNG and GIF.
    pub interlace: bool,
    /// The colour behind what is transparent where the output can't be.
    pub background: Color,
    /// Whether the EXIF orientation is applied (and cleared).
    pub orient: bool,
    /// What happens to embedded colour profiles.
    pub profile: ProfilePolicy,
    /// Which metadata the output carries.
    pub metadata: MetadataPolicy,
    /// The layers of the watermark, the lowest first.
    pub marks: Vec<Mark>,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            fit: Fit::None,
            rotate: Rotation::None,
            format: None,
            jpeg_quality: 75,
            webp_quality: 80,
            webp_effort: 2,
            sharpen: 0,
            transparency: true,
            interlace: false,
            background: Color::WHITE,
            orient: true,
            profile: ProfilePolicy::Srgb,
            metadata: MetadataPolicy::Strip,
            marks: Vec::new(),
        }
    }
}

/// Bounds on what a source may ask of us, all checked before decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of all frames of the source.
    pub pixels: u64,
    /// Width of the source in pixels.
    pub width: u32,
    /// Height of the source in pixels.
    pub height: u32,
    /// Frames of the source.
    pub frames: u32,
    /// Pixels of the output.
    pub output_pixels: u64,
    /// Scans of a JPEG.
    pub scans: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            pixels: 50_000_000,
            width: 16384,
            height: 16384,
            frames: 256,
            output_pixels: 50_000_000,
            scans: 64,
        }
    }
}
