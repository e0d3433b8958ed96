//! Which decoder makes the pixels of what has some, and what it takes. A drawing has none, but may hold such pictures.

#[cfg(feature = "heif")]
use super::heic;
#[cfg(feature = "jxl")]
use super::jxl;
use super::options::Decode;
#[cfg(feature = "tiff")]
use super::tiff;
use super::{avif, bitmap, gif, jpeg, png, webp};
use crate::image::damage::Tolerance;
use crate::image::raster::Raster;
use crate::image::size::Size;
use crate::image::source::{Container, Source};
use crate::image::{Control, Error};

/// Decodes the source, or the first frame of its animation.
///
/// # Errors
/// Those of [`decode`](super::decode).
pub(super) fn decode(
    source: &Source,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let size = Size::new(source.info.width, source.info.height);
    match &source.kind {
        Container::Jpeg(jpeg) => jpeg::decode(source.input, jpeg, size, how, tolerance, control),
        Container::Png(png) => png::decode(png, how.scale, tolerance, control),
        Container::Gif(gif) => gif::decode(gif, size, source.info.alpha, tolerance, control),
        Container::Webp(webp) => webp::decode(webp, size, how, tolerance, control),
        Container::Avif(avif) => avif::decode(avif, control),
        Container::Bitmap(bitmap) => bitmap::decode(bitmap, size, tolerance, control),
        #[cfg(feature = "tiff")]
        Container::Tiff(tiff) => tiff::decode(tiff, size, how.scans, tolerance, control),
        #[cfg(not(feature = "tiff"))]
        Container::Tiff(_) => Err(not_built()),
        #[cfg(feature = "heif")]
        Container::Heic(heic) => heic::decode(source.input, heic, how, tolerance, control),
        #[cfg(not(feature = "heif"))]
        Container::Heic(_) => Err(not_built()),
        #[cfg(feature = "jxl")]
        Container::Jxl(own) => jxl::decode(source.input, own, control),
        #[cfg(not(feature = "jxl"))]
        Container::Jxl(_) => Err(not_built()),
        Container::Svg(_) => Err(not_built()),
    }
}

fn not_built() -> Error {
    Error::Internal("a format that is not built".to_owned())
}

/// Bytes that the decoder holds besides the raster that it returns.
pub(super) fn working_bytes(source: &Source, how: &Decode) -> u64 {
    // Row buffers, tables and code of the codecs' own.
    const FIXED: u64 = 1 << 20;
    FIXED
        + match &source.kind {
            Container::Jpeg(jpeg) => jpeg::working_bytes(source.input, jpeg, how),
            // A frame before it is composed.
            Container::Png(_) if source.info.frames > 1 => {
                Size::new(source.info.width, source.info.height).pixels() * 8
            }
            // The indices of some rows.
            Container::Png(_) | Container::Gif(_) => 0,
            Container::Webp(webp) => webp::working_bytes(webp, &source.info, how),
            Container::Avif(avif) => avif::working_bytes(avif, how.moves),
            Container::Bitmap(bitmap) => bitmap::working_bytes(bitmap),
            #[cfg(feature = "tiff")]
            Container::Tiff(tiff) => tiff::working_bytes(tiff, source.input),
            #[cfg(not(feature = "tiff"))]
            Container::Tiff(_) => 0,
            #[cfg(feature = "heif")]
            Container::Heic(heic) => heic::working_bytes(source.input, heic, how),
            #[cfg(not(feature = "heif"))]
            Container::Heic(_) => 0,
            // Where it is done apart, the input is there a second time.
            #[cfg(feature = "jxl")]
            Container::Jxl(own) => {
                // Of an animation a picture is there before it is painted.
                let size = Size::new(source.info.width, source.info.height);
                let painted = if how.moves { size.pixels() * 8 } else { 0 };
                let apart = (source.input.len() as u64).saturating_add(painted);
                jxl::working_bytes(own).saturating_add(apart)
            }
            #[cfg(not(feature = "jxl"))]
            Container::Jxl(_) => 0,
            Container::Svg(_) => 0,
        }
}
