//! Parts by themselves, for the project's own tests, benchmarks and fuzzing.

use super::damage::Tolerance;
use super::decode::{self, Decode, Scale, shrunk};
use super::size::Size;
use super::source::{Container, Source};
use super::{Control, DamagePolicy, Error, Limits};

/// A decoder of JPEG at a few eighths of the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JpegDecoder {
    /// The project's own, of low frequencies alone.
    Own,
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

/// Decodes a JPEG at some eighths of its size; `None` is one that this decoder
/// leaves to the other.
///
/// # Errors
/// Those of [`prepare`](super::prepare) and of decoding.
pub fn jpeg_shrunk(
    input: &[u8],
    eighths: u32,
    decoder: JpegDecoder,
    limits: &Limits,
) -> Result<Option<Pixels>, Error> {
    jpeg_shrunk_by(input, eighths, decoder, limits, &Control::default())
}

/// The same, as that control has it.
///
/// # Errors
/// Those of [`jpeg_shrunk`], and of [`Control::check`].
pub fn jpeg_shrunk_by(
    input: &[u8],
    eighths: u32,
    decoder: JpegDecoder,
    limits: &Limits,
    control: &Control,
) -> Result<Option<Pixels>, Error> {
    let source = Source::read(input)?;
    let tolerance = Tolerance::new(DamagePolicy::Strict);
    source.check(limits, &tolerance)?;
    let Container::Jpeg(jpeg) = &source.kind else { return Err(Error::NotImage) };
    let size = Size::new(source.info.width, source.info.height);
    let how = Decode { scale: Scale::Eighths(eighths), ..Decode::all(size, limits.scans) };
    decode::check(&source, &how, limits)?;
    let turbo = decoder == JpegDecoder::Turbo;
    let raster = shrunk(input, jpeg, &source.info, &how, turbo, &tolerance, control)?;
    Ok(raster.map(|raster| Pixels {
        width: raster.size().width,
        height: raster.size().height,
        channels: raster.layout().channels(),
        data: raster.data().to_vec(),
    }))
}
