//! From pixels to bytes.

mod animation;
mod avif;
mod fallible_buffer;
mod fit;
mod gif;
mod jpeg;
#[cfg(feature = "jxl")]
mod jxl;
mod memory;
mod palette;
mod png;
mod webp;

use super::decode::Fidelity;
use super::error::not_encoded;
use super::metadata::OutputMetadata;
use super::pixels;
use super::raster::{DeepRaster, Planes, Raster};
use super::{Control, Error, Format, Plan};

pub(super) use animation::Animator;
pub(super) use fit::{encode_within, has_quality};
pub(super) use jpeg::{MAX_SEGMENT, segment, segments};
#[cfg(feature = "jxl")]
pub(super) use jxl::{transcode, tried_bytes};
pub(super) use memory::{animation_bytes, working_bytes};

/// Encodes a raster, which must not be CMYK, and for JPEG not have alpha.
///
/// `palette` asks for a palette where the format leaves the choice: a source
/// that had one would grow without.
///
/// # Errors
/// [`Error::EncodeFailed`], [`Error::Internal`] without memory, those of
/// [`Control::check`].
pub(super) fn encode(
    raster: Raster,
    format: Format,
    palette: bool,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    control.check()?;
    let bytes = match format {
        Format::Jpeg => jpeg::encode(&raster, plan, metadata, control),
        Format::Png if palette => {
            let most = plan.colors.map_or(256, |colors| colors.get().into());
            let indexed = palette::Indexed::new(raster, most, control)?;
            png::encode_palette(&indexed, plan, metadata, control)
        }
        Format::Png => png::encode(raster, plan, metadata, control),
        Format::Gif => gif::encode(&palette::Indexed::with_cutout(raster, control)?, plan),
        Format::Webp => webp::encode(raster, plan, metadata, control),
        Format::Avif => avif::encode(raster, plan, metadata, control),
        #[cfg(feature = "jxl")]
        Format::Jxl => jxl::encode(&raster, plan, metadata, control),
        #[cfg(not(feature = "jxl"))]
        Format::Jxl => Err(not_encoded("jxl is not built")),
        Format::Bmp
        | Format::Heic
        | Format::Ico
        | Format::Pnm
        | Format::Qoi
        | Format::Svg
        | Format::Tiff => Err(not_encoded(format!("{} is not written", format.name()))),
    }?;
    control.check()?;
    Ok(bytes)
}

/// How much of what is encoded is still there in that format.
pub(super) fn fidelity(format: Format, plan: &Plan) -> Fidelity {
    let (quality, fine) = match format {
        Format::Jpeg => (plan.jpeg_quality, 90),
        Format::Webp if !plan.lossless => (plan.webp_quality, 90),
        Format::Avif => (plan.avif_quality, 75),
        _ => return Fidelity::Exact,
    };
    if quality < fine { Fidelity::Coarse } else { Fidelity::Fine }
}

/// How many pixels across and down have one chroma in an output, if it can be made of luma and chroma.
pub(super) fn sampling(format: Format, plan: &Plan) -> Option<(u8, u8)> {
    match format {
        Format::Jpeg => Some(jpeg::sampling(plan)),
        Format::Webp if !plan.lossless && !plan.adds_alpha() => Some((2, 2)),
        _ => None,
    }
}

/// Encodes luma and chroma as they are: in the full range for JPEG, in the narrow one for WebP.
///
/// # Errors
/// Those of [`encode`].
pub(super) fn encode_planes(
    planes: Planes,
    format: Format,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    control.check()?;
    let bytes = match format {
        Format::Jpeg => jpeg::encode_planes(&planes, plan, metadata, control),
        Format::Webp if webp::may_be_drawing(&planes.planes[0]) => {
            webp::encode(pixels::colored(planes, control)?, plan, metadata, control)
        }
        Format::Webp => webp::encode_planes(&planes, plan, metadata, control),
        _ => Err(Error::Internal("planes for a format that takes none".to_owned())),
    }?;
    control.check()?;
    Ok(bytes)
}

/// Encodes a raster of 16 bits a sample, of which PNG and JPEG XL keep all and AVIF 10, in the colours of these code
/// points of ITU-T H.273: primaries and curve.
///
/// # Errors
/// Those of [`encode`].
pub(super) fn encode_deep(
    raster: DeepRaster,
    format: Format,
    code_points: Option<(u8, u8)>,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    control.check()?;
    let bytes = match format {
        Format::Png => png::encode_deep(raster, code_points, plan, metadata, control),
        Format::Avif => avif::encode_deep(raster, code_points, plan, metadata, control),
        #[cfg(feature = "jxl")]
        Format::Jxl => jxl::encode_deep(&raster, code_points, plan, metadata, control),
        _ => Err(Error::Internal("16 bits for a format that has none".to_owned())),
    }?;
    control.check()?;
    Ok(bytes)
}

/// The longest side that the format can express.
pub(super) fn longest_side(format: Format) -> u32 {
    match format {
        // libjpeg's own bound, a little below the format's.
        Format::Jpeg => 65500,
        Format::Png => i32::MAX as u32,
        Format::Gif => 65535,
        Format::Webp => 16383,
        // Of AV1's 65536, what libavif reads again.
        Format::Avif => 32768,
        // Of level 5.
        Format::Jxl => 1 << 18,
        Format::Bmp
        | Format::Heic
        | Format::Ico
        | Format::Pnm
        | Format::Qoi
        | Format::Svg
        | Format::Tiff => 0,
    }
}

#[cfg(not(feature = "jxl"))]
pub(super) fn tried_bytes(_: u8, _: super::size::Size) -> u64 {
    0
}

#[cfg(not(feature = "jxl"))]
pub(super) fn transcode(
    _: &[u8],
    _: super::size::Size,
    _: &Plan,
    _: &Control,
) -> Result<Option<Vec<u8>>, Error> {
    Ok(None)
}
