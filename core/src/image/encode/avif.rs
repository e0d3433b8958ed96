//! AVIF by libavif and libaom.

use image_gate_codecs::avif::{self, Image};

use super::super::geometry::Size;
use super::super::metadata::Carried;
use super::super::pixels::widen;
use super::super::raster::{Raster, with_room};
use super::super::{Error, Plan};
use super::failed;

pub(super) fn encode(raster: Raster, plan: &Plan, carried: &Carried) -> Result<Vec<u8>, Error> {
    let raster = widen(raster)?;
    let Size { width, height } = raster.size();
    let encoded = avif::encode(&Image {
        pixels: raster.data(),
        width,
        height,
        alpha: raster.layout().has_alpha(),
        quality: plan.avif_quality,
        speed: plan.avif_speed,
        icc: carried.icc.as_deref().unwrap_or_default(),
        exif: carried.exif.as_deref().unwrap_or_default(),
        xmp: carried.xmp.as_deref().unwrap_or_default(),
    })
    .map_err(failed)?;
    let mut out = with_room(encoded.len())?;
    out.extend_from_slice(&encoded);
    Ok(out)
}
