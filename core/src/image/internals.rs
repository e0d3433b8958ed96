//! Parts by themselves, for the project's own tests, benchmarks and fuzzing.

use super::decode::{Decode, Scale, eighth};
use super::geometry::Size;
use super::source::{Kind, Source};
use super::{Control, Error, Limits};

/// A decoder of JPEG at an eighth of the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eighth {
    /// The project's own, of DC coefficients alone.
    Averages,
    /// libjpeg-turbo.
    Turbo,
}

/// An image of 8 bits a channel, its rows without gaps.
#[derive(Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Channels of a pixel: grey, RGB or CMYK.
    pub channels: usize,
    /// The channels of all pixels.
    pub data: Vec<u8>,
}

/// Decodes a JPEG at an eighth of its size; `None` is one that this decoder
/// leaves to the other.
///
/// # Errors
/// Those of [`prepare`](super::prepare) and of decoding.
pub fn jpeg_eighth(
    input: &[u8],
    decoder: Eighth,
    limits: &Limits,
) -> Result<Option<Pixels>, Error> {
    let source = Source::read(input)?;
    source.check(limits)?;
    let Kind::Jpeg(jpeg) = &source.kind else { return Err(Error::NotImage) };
    let size = Size::new(source.info.width, source.info.height);
    let how = Decode { scale: Scale::Eighths(1), ..Decode::all(size, limits.scans) };
    let turbo = decoder == Eighth::Turbo;
    let raster = eighth(input, jpeg, &source.info, &how, turbo, &Control::default())?;
    Ok(raster.map(|raster| Pixels {
        width: raster.size().width,
        height: raster.size().height,
        channels: raster.layout().channels(),
        data: raster.data().to_vec(),
    }))
}
