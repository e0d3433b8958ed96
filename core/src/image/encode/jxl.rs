//! JPEG XL by libjxl, which is stopped between its tasks.

use image_gate_codecs::jxl::{self, Image, Source};

use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::raster::{Raster, with_room};
use crate::image::size::Size;
use crate::image::{Control, Error, Plan};

pub(super) fn encode(
    raster: &Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let Size { width, height } = raster.size();
    let image = Image {
        pixels: raster.data(),
        width,
        height,
        channels: raster.layout().channels() as u8,
        distance: distance(plan.jxl_quality()),
        icc: metadata.icc.as_deref().unwrap_or_default(),
        exif: metadata.exif.as_deref().unwrap_or_default(),
        xmp: metadata.xmp.as_deref().unwrap_or_default(),
    };
    write(&Source::Pixels(image), plan, control)
}

/// A JPEG without loss, so that it can be had back to the byte; `None` where libjxl does not
/// understand it.
pub(in crate::image) fn transcode(
    jpeg: &[u8],
    plan: &Plan,
    control: &Control,
) -> Result<Option<Vec<u8>>, Error> {
    match write(&Source::Jpeg(jpeg), plan, control) {
        Err(Error::EncodeFailed(_)) => Ok(None),
        made => made.map(Some),
    }
}

fn write(source: &Source, plan: &Plan, control: &Control) -> Result<Vec<u8>, Error> {
    control.check()?;
    let encoded = jxl::encode(source, plan.jxl_effort, || control.goes_on());
    control.check()?;
    let encoded = encoded.map_err(not_encoded)?;
    let mut out = with_room(encoded.len())?;
    out.extend_from_slice(&encoded);
    Ok(out)
}

/// The Butteraugli distance of a quality, as cjxl has it.
fn distance(quality: u8) -> f32 {
    let quality = f32::from(quality);
    if quality >= 30.0 {
        0.1 + (100.0 - quality) * 0.09
    } else {
        53.0 / 3000.0 * quality * quality - 23.0 / 20.0 * quality + 25.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_fall_with_quality() {
        assert!((1..100).all(|quality| distance(quality) > distance(quality + 1)));
        assert!((distance(90) - 1.0).abs() < 1e-6 && (distance(100) - 0.1).abs() < 1e-6);
    }
}
