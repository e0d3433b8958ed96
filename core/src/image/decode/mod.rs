//! From source bytes to pixels.

mod avif;
mod gif;
mod jpeg;
mod png;
mod webp;

use super::geometry::Size;
use super::raster::{Layout, Raster};
use super::source::{Kind, Source};
use super::{Control, Error};

pub(super) use jpeg::EIGHTHS;

/// How a source is to be decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decode {
    /// JPEG only: the scale in eighths, one of [`EIGHTHS`].
    pub(super) eighths: u32,
    /// JPEG only: the number of scans that the decoder accepts.
    pub(super) scans: u32,
}

impl Decode {
    /// The size of the decoded raster.
    pub(super) fn raster_size(&self, stored: Size) -> Size {
        let side = |pixels: u32| (u64::from(pixels) * u64::from(self.eighths)).div_ceil(8) as u32;
        Size::new(side(stored.width), side(stored.height))
    }

    /// The part of that raster that the image covers, from its top left corner:
    /// a scaled JPEG may end within its last column and row.
    pub(super) fn extent(&self, stored: Size) -> (f64, f64) {
        let side = |pixels: u32| f64::from(pixels) * f64::from(self.eighths) / 8.0;
        (side(stored.width), side(stored.height))
    }
}

/// Decodes the source, or the first frame of its animation.
///
/// # Errors
/// [`Error::DecodeFailed`] unless every pixel could be decoded;
/// [`Error::Internal`] without memory; those of [`Control::check`].
pub(super) fn decode(source: &Source, how: &Decode, control: &Control) -> Result<Raster, Error> {
    control.check()?;
    let size = Size::new(source.info.width, source.info.height);
    let raster = match &source.kind {
        Kind::Jpeg(jpeg) => jpeg::decode(source.input, jpeg, size, how),
        Kind::Png(_) => png::decode(source.input, size, control),
        Kind::Gif(gif) => gif::decode(source.input, gif, size, source.info.alpha),
        Kind::Webp(webp) => webp::decode(webp, size),
        Kind::Avif => avif::decode(source.input, size, source.info.alpha),
    }?;
    control.check()?;
    Ok(raster)
}

/// The layout of the decoded raster. For PNG and WebP it is the one with most
/// channels that can come out.
pub(super) fn layout(source: &Source) -> Layout {
    match (&source.kind, source.info.alpha) {
        (Kind::Jpeg(jpeg), _) => jpeg::layout(jpeg),
        (Kind::Png(png), false) if png.is_grey() => Layout::L8,
        (Kind::Png(png), true) if png.is_grey() => Layout::La8,
        (_, false) => Layout::Rgb8,
        (_, true) => Layout::Rgba8,
    }
}

/// Bytes that the decoder holds besides the raster that it returns.
pub(super) fn working_bytes(source: &Source) -> u64 {
    let pixels = Size::new(source.info.width, source.info.height).pixels();
    // Row buffers, tables and code of the codecs' own.
    const FIXED: u64 = 1 << 20;
    FIXED
        + match &source.kind {
            Kind::Jpeg(jpeg) => jpeg.coefficient_bytes() + jpeg.copied_bytes(source.input),
            Kind::Png(_) => 0,
            // The indices of the frame.
            Kind::Gif(gif) => gif.first.size.pixels(),
            // The bitmap that libwebp allocates, its planes of a lossy image's
            // alpha, and the frame of an animation before it is composed.
            Kind::Webp(webp) => pixels * if webp.first.is_some() { 9 } else { 5 },
            // Planes of up to 16 bits a sample, of the picture and of the one that filters write.
            Kind::Avif => pixels * 16,
        }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::DecodeFailed(error.to_string())
}
