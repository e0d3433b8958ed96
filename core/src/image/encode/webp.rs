//! WebP by libwebp.

use webp::{Encoder, PixelLayout, WebPConfig};

use super::super::geometry::Size;
use super::super::metadata::Carried;
use super::super::pixels::widen;
use super::super::raster::{Raster, with_room};
use super::super::riff;
use super::super::{Error, Plan};
use super::failed;

pub(super) fn encode(raster: Raster, plan: &Plan, carried: &Carried) -> Result<Vec<u8>, Error> {
    let raster = widen(raster)?;
    let alpha = raster.layout().has_alpha();
    let layout = if alpha { PixelLayout::Rgba } else { PixelLayout::Rgb };
    let Size { width, height } = raster.size();

    let mut config = WebPConfig::new().map_err(|()| failed("libwebp has another version"))?;
    config.quality = plan.webp_quality.into();
    config.method = plan.webp_effort.into();
    let encoded = Encoder::new(raster.data(), layout, width, height)
        .encode_advanced(&config)
        .map_err(|error| failed(format!("libwebp: {error:?}")))?;

    if carried.is_empty() {
        let mut out = with_room(encoded.len())?;
        out.extend_from_slice(&encoded);
        return Ok(out);
    }
    embed(&encoded, raster.size(), alpha, carried)
}

/// Wraps the bitstream anew, between the profile and the other metadata.
fn embed(encoded: &[u8], size: Size, alpha: bool, carried: &Carried) -> Result<Vec<u8>, Error> {
    let chunks = encoded.get(12..).unwrap_or_default();
    let chunks = match chunks.strip_prefix(b"VP8X") {
        Some(extended) => extended.get(4 + 10..).unwrap_or_default(),
        None => chunks,
    };
    let parts = [
        (b"ICCP", carried.icc.as_deref(), riff::FLAG_ICC),
        (b"EXIF", carried.exif.as_deref(), riff::FLAG_EXIF),
        (b"XMP ", carried.xmp, riff::FLAG_XMP),
    ];
    let len: usize = parts.iter().filter_map(|(_, part, _)| *part).map(|part| part.len() + 9).sum();
    let flags = parts
        .iter()
        .filter(|(_, part, _)| part.is_some())
        .fold(if alpha { riff::FLAG_ALPHA } else { 0 }, |flags, (_, _, flag)| flags | flag);

    let mut out = with_room(riff::AROUND_EXTENDED + len + chunks.len())?;
    riff::start(&mut out);
    riff::extended(&mut out, size, flags);
    let [icc, rest @ ..] = parts;
    if let Some(icc_bytes) = icc.1 {
        riff::chunk(&mut out, icc.0, icc_bytes);
    }
    out.extend_from_slice(chunks);
    for (kind, part, _) in rest {
        if let Some(part) = part {
            riff::chunk(&mut out, kind, part);
        }
    }
    riff::finish(&mut out).ok_or_else(|| failed("the file is too large"))?;
    Ok(out)
}
