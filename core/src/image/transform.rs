//! The whole way from source bytes to output bytes.

use super::{Control, Error, Format, Limits, Plan};

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
    /// Whether an ICC profile is embedded.
    pub has_profile: bool,
    /// Whether a JPEG is progressive; `false` for other formats.
    pub progressive: bool,
}

impl Info {
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

/// The bytes that go out.
#[derive(Debug)]
pub enum Output {
    /// The source's own bytes, unchanged.
    Original,
    /// Newly encoded bytes.
    Encoded(Vec<u8>),
}

/// A finished transformation.
#[derive(Debug)]
pub struct Transformed {
    /// The bytes.
    pub output: Output,
    /// Their format.
    pub format: Format,
    /// Width of the output in pixels, as displayed.
    pub width: u32,
    /// Height of the output in pixels, as displayed.
    pub height: u32,
}

/// A source that passed its limits and waits to be decoded.
#[derive(Debug)]
pub struct Prepared<'a> {
    input: &'a [u8],
    plan: &'a Plan,
    info: Info,
}

/// Reads the headers of a source.
///
/// # Errors
/// [`Error::NotImage`], [`Error::UnsupportedFormat`] or [`Error::DecodeFailed`].
pub fn probe(input: &[u8]) -> Result<Info, Error> {
    let _ = input;
    Err(Error::NotImage)
}

/// Reads the headers, checks the limits and plans the work; decodes nothing.
///
/// # Errors
/// Whatever [`probe`] fails with, and the error of the limit that is exceeded.
pub fn prepare<'a>(
    input: &'a [u8],
    plan: &'a Plan,
    limits: &Limits,
) -> Result<Prepared<'a>, Error> {
    let _ = limits;
    Ok(Prepared { input, plan, info: probe(input)? })
}

impl Prepared<'_> {
    /// What the headers said.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// An upper estimate of the bytes of memory that [`run`](Prepared::run) holds at once,
    /// the source not counted.
    #[must_use]
    pub fn memory(&self) -> u64 {
        0
    }

    /// Does the work.
    ///
    /// # Errors
    /// Any [`Error`] but those of [`prepare`].
    pub fn run(&self, control: &Control) -> Result<Transformed, Error> {
        control.check()?;
        let _ = (self.input, self.plan);
        Err(Error::NotImage)
    }
}
