//! What the headers of a source say.

use super::Format;

/// What the headers of a source say, without decoding a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The type.
    pub format: Format,
    /// Stored width in pixels.
    pub width: u32,
    /// Stored height in pixels.
    pub height: u32,
    /// EXIF orientation, 1 to 8; 1 where none is given.
    pub orientation: u8,
    /// Number of frames; 1 for a still image.
    pub frames: u32,
    /// Whether pixels may be transparent.
    pub alpha: bool,
    /// Bits of a sample as stored; those of a palette entry for palette images.
    pub bits: u8,
    /// Whether the colours come from a palette.
    pub has_palette: bool,
    /// Whether an ICC profile is embedded.
    pub has_profile: bool,
    /// Whether a JPEG is progressive; `false` for other formats.
    pub progressive: bool,
}

impl Info {
    /// The format of an output where none is asked for: the source's, where that is written, else
    /// PNG for what is transparent or drawn, and JPEG for the rest.
    #[must_use]
    pub fn own_output(&self) -> Format {
        match self.format {
            format if format.is_written() => format,
            _ if self.alpha || self.has_palette || self.bits < 5 => Format::Png,
            _ => Format::Jpeg,
        }
    }

    /// Width and height in pixels as displayed: where `orient` is set, an
    /// orientation that lies on its side swaps the stored ones.
    #[must_use]
    pub fn displayed(&self, orient: bool) -> (u32, u32) {
        if orient && self.orientation >= 5 {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }
}
