//! AVIF by libavif and libaom, which can't be stopped: it is told how long they may take.

use std::time::Duration;

use image_gate_codecs::avif::{self, Image};

use crate::image::control::fits;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::{DeepRaster, Raster, with_room};
use crate::image::size::Size;
use crate::image::{Control, Error, Plan};

/// Nanoseconds that a pixel of noise takes, by speed, at a quality of 60 at most.
const COSTS: [u64; 11] = [40000, 22000, 20000, 6500, 4000, 3600, 850, 600, 450, 150, 150];

/// The same of pictures that follow each other, which are encoded in another way.
const MOVING_COSTS: [u64; 11] =
    [200000, 120000, 50000, 13000, 6000, 4000, 2200, 400, 280, 230, 200];

/// Those of sRGB: primaries and curve.
pub(super) const SRGB: (u16, u16) = (1, 13);

/// The speed at which pictures are encoded, how many pixels one counts for, and how many nanoseconds each of these takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Speed {
    pub(super) number: u8,
    pub(super) pixels: u64,
    pub(super) cost: u64,
}

/// The speed of the plan, or the next one at which so many pictures end in time, or the highest.
pub(super) fn moving_speed(
    plan: &Plan,
    size: Size,
    alpha: bool,
    frames: u32,
    control: &Control,
) -> Speed {
    let pixels = effective_pixels(plan, size, alpha, false);
    let all = pixels.saturating_mul(frames.into());
    let number = speed(plan.avif_speed, all, MOVING_COSTS, control.remaining()).unwrap_or(10);
    let cost = MOVING_COSTS.get(usize::from(number)).copied().unwrap_or_default();
    Speed { number, pixels, cost }
}

/// How many pixels at a quality of 60, without alpha and of 8 bits, take as long as those of a picture.
fn effective_pixels(plan: &Plan, size: Size, alpha: bool, deep: bool) -> u64 {
    // Better ones take up to two and a half times as long, and alpha and samples of 10 bits as long again.
    let percent = 100 + u64::from(plan.avif_quality.saturating_sub(60)) * 4;
    let times = (1 + u64::from(alpha)) * (1 + u64::from(deep));
    size.pixels().saturating_mul(percent * times) / 100
}

/// Encodes a raster at the speed of the plan, or the next one that ends in time.
pub(super) fn encode(
    raster: Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let raster = widen(raster, control)?;
    let (size, alpha) = (raster.size(), raster.layout().has_alpha());
    let picture = AvifPicture { data: raster.data(), size, alpha, deep: false, code_points: SRGB };
    write(&picture, plan, metadata, control)
}

/// Encodes 10 bits of a raster of 16, alike.
pub(super) fn encode_deep(
    raster: DeepRaster,
    code_points: Option<(u8, u8)>,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let raster = colored(raster, control)?;
    let (size, alpha) = (raster.size, raster.channels == 4);
    let code_points =
        code_points.map_or(SRGB, |(primaries, curve)| (primaries.into(), curve.into()));
    let picture = AvifPicture { data: &raster.data, size, alpha, deep: true, code_points };
    write(&picture, plan, metadata, control)
}

/// Makes red, green and blue of grey.
fn colored(raster: DeepRaster, control: &Control) -> Result<DeepRaster, Error> {
    if raster.channels > 2 {
        return Ok(raster);
    }
    let mut out = DeepRaster::new(raster.size, raster.channels + 2)?;
    let (from, to) = (raster.stride(), out.stride());
    let pixels = (raster.pixel(), out.pixel());
    for (to, from) in out.data.chunks_exact_mut(to).zip(raster.data.chunks_exact(from)) {
        control.check()?;
        for (to, from) in to.chunks_exact_mut(pixels.1).zip(from.chunks_exact(pixels.0)) {
            let grey = from.iter().take(2).cycle().take(6);
            let alpha = from.iter().skip(2);
            to.iter_mut().zip(grey.chain(alpha)).for_each(|(to, from)| *to = *from);
        }
    }
    Ok(out)
}

/// What is encoded.
struct AvifPicture<'a> {
    data: &'a [u8],
    size: Size,
    alpha: bool,
    deep: bool,
    code_points: (u16, u16),
}

fn write(
    picture: &AvifPicture,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let &AvifPicture { data: pixels, size, alpha, deep, code_points } = picture;
    let work = effective_pixels(plan, size, alpha, deep);
    let speed = speed(plan.avif_speed, work, COSTS, control.remaining()).ok_or(Error::Timeout)?;
    let Size { width, height } = size;
    let encoded = avif::encode(&Image {
        pixels,
        width,
        height,
        alpha,
        quality: plan.avif_quality,
        speed,
        deep,
        code_points,
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
fn speed(wanted: u8, pixels: u64, costs: [u64; 11], time: Option<Duration>) -> Option<u8> {
    let mut costs = (0..).zip(costs).skip(wanted.into());
    costs.find(|&(_, cost)| fits(pixels, cost, time)).map(|(speed, _)| speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_that_end_in_time() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(speed(3, 1 << 30, COSTS, None), Some(3));
        assert_eq!(speed(3, 90_000, COSTS, second), Some(3));
        assert_eq!(speed(3, 1_000_000, COSTS, second), Some(7));
        assert_eq!(speed(9, 4_000_000, COSTS, second), Some(9));
        assert_eq!(speed(0, 5_000_000, COSTS, second), None);
        assert_eq!(speed(9, 1, COSTS, Some(Duration::ZERO)), None);
    }
}
