//! AVIF by libavif and libaom, which can't be stopped: it is told how long they may take.

use std::time::Duration;

use image_gate_codecs::avif::{self, Image};

use crate::image::control::fits;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::{Raster, with_room};
use crate::image::size::Size;
use crate::image::{Control, Error, Plan};

/// Nanoseconds that a pixel of noise takes, by speed, at a quality of 60 at most.
const COSTS: [u64; 11] = [40000, 22000, 20000, 6500, 4000, 3600, 850, 600, 450, 150, 150];

/// Encodes a raster at the speed of the plan, or the next one that ends in time.
pub(super) fn encode(
    raster: Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let raster = widen(raster, control)?;
    let size = raster.size();
    let alpha = raster.layout().has_alpha();
    // Better ones take up to two and a half times as long, and alpha as long again.
    let percent = 100 + u64::from(plan.avif_quality.saturating_sub(60)) * 4;
    let work = size.pixels().saturating_mul(percent) / if alpha { 50 } else { 100 };
    let speed = speed(plan.avif_speed, work, control.remaining()).ok_or(Error::Timeout)?;
    let Size { width, height } = size;
    let encoded = avif::encode(&Image {
        pixels: raster.data(),
        width,
        height,
        alpha,
        quality: plan.avif_quality,
        speed,
        icc: metadata.icc.as_deref().unwrap_or_default(),
        exif: metadata.exif.as_deref().unwrap_or_default(),
        xmp: metadata.xmp.as_deref().unwrap_or_default(),
    })
    .map_err(not_encoded)?;
    let mut out = with_room(encoded.len())?;
    out.extend_from_slice(&encoded);
    Ok(out)
}

/// The lowest speed from `wanted` on at which so many pixels are encoded within the time; `None`
/// where not even the highest will do.
fn speed(wanted: u8, pixels: u64, time: Option<Duration>) -> Option<u8> {
    let mut costs = (0..).zip(COSTS).skip(wanted.into());
    costs.find(|&(_, cost)| fits(pixels, cost, time)).map(|(speed, _)| speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_that_end_in_time() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(speed(3, 1 << 30, None), Some(3));
        assert_eq!(speed(3, 90_000, second), Some(3));
        assert_eq!(speed(3, 1_000_000, second), Some(7));
        assert_eq!(speed(9, 4_000_000, second), Some(9));
        assert_eq!(speed(0, 5_000_000, second), None);
        assert_eq!(speed(9, 1, Some(Duration::ZERO)), None);
    }
}
