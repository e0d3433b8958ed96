//! JPEG XL by libjxl, which can't be stopped, and of which some versions end the process that they are in: it
//! works apart where there is such a place, and is told how long it may take.

mod order;

use std::time::Duration;

use image_gate_codecs::jxl::{self, Image, Source};

use super::memory::working_bytes;
use crate::image::apart;
use crate::image::control::fits;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::raster::{DeepRaster, Raster, append};
use crate::image::size::Size;
use crate::image::source::Exif;
use crate::image::{Control, Error, Format, Plan};

pub(super) use order::Order;

/// Nanoseconds that a pixel of noise takes, by effort from 1 on; and how many more with alpha.
const COSTS: [u64; 9] = [180, 180, 190, 220, 380, 380, 460, 2500, 6200];
const ALPHA: u64 = 450;

/// The same of a JPEG that is written without loss.
const JPEG_COSTS: [u64; 9] = [260, 260, 260, 260, 260, 260, 260, 260, 1000];

/// Bytes that an effort needs besides, of an image that large.
pub(in crate::image) fn tried_bytes(effort: u8, size: Size) -> u64 {
    if tries(effort, size) { size.pixels().saturating_mul(TRIED) } else { 0 }
}

/// Whether libjxl tries out much, by its highest efforts. They are for images of up to a megapixel: they take
/// ten times as long as the others, and four times as much memory.
fn tries(effort: u8, size: Size) -> bool {
    effort > 7 && size.pixels() <= 1 << 20
}

/// The highest effort of pictures that follow each other: at higher ones libjxl 0.7 ends the process where a
/// picture is a part of the canvas.
const MOST_OF_MOVING: u8 = 7;

/// Those of sRGB: primaries and curve.
const SRGB: (u8, u8) = (1, 13);

/// Encodes a raster at the effort of the plan, or the next one that ends in time.
pub(super) fn encode(
    raster: &Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let channels = raster.layout().channels() as u8;
    let image = image((raster.data(), raster.size(), channels), plan, metadata);
    write_pixels(image, plan, control)
}

/// The same of 16 bits.
pub(super) fn encode_deep(
    raster: &DeepRaster,
    code_points: Option<(u8, u8)>,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let image = image((&raster.data, raster.size, raster.channels as u8), plan, metadata);
    let code_points = code_points.unwrap_or(SRGB);
    write_pixels(Image { deep: true, code_points, ..image }, plan, control)
}

/// How hard libjxl tries, and how many nanoseconds a pixel takes then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effort {
    pub(super) number: u8,
    pub(super) cost: u64,
}

/// The effort of the plan, as far as that is for pictures that follow each other, or the next one at which so many
/// end in time, or the lowest.
pub(super) fn moving_effort(
    plan: &Plan,
    channels: u8,
    size: Size,
    frames: u32,
    control: &Control,
) -> Effort {
    let (wanted, costs) = (plan.jxl_effort.min(MOST_OF_MOVING), costs(channels));
    let pixels = size.pixels().saturating_mul(frames.into());
    let number = effort(wanted, pixels, costs, control.remaining()).unwrap_or(1);
    let cost = costs.get(usize::from(number).saturating_sub(1)).copied().unwrap_or_default();
    Effort { number, cost }
}

/// The effort of the plan, as far as that is for images that large.
fn wanted_effort(plan: &Plan, size: Size) -> u8 {
    plan.jxl_effort.min(if tries(plan.jxl_effort, size) { 9 } else { 7 })
}

fn costs(channels: u8) -> [u64; 9] {
    let alpha = if channels.is_multiple_of(2) { ALPHA } else { 0 };
    COSTS.map(|cost| cost + alpha)
}

pub(super) fn image<'a>(
    (pixels, Size { width, height }, channels): (&'a [u8], Size, u8),
    plan: &Plan,
    metadata: &'a OutputMetadata<'_>,
) -> Image<'a> {
    let exif = metadata.exif.as_deref().unwrap_or_default();
    Image {
        pixels,
        width,
        height,
        channels,
        deep: false,
        code_points: SRGB,
        orientation: Exif::new(exif).map_or(1, |exif| exif.orientation()),
        distance: distance(plan.jxl_quality()),
        icc: metadata.icc.as_deref().unwrap_or_default(),
        exif,
        xmp: metadata.xmp.as_deref().unwrap_or_default(),
    }
}

fn write_pixels(image: Image, plan: &Plan, control: &Control) -> Result<Vec<u8>, Error> {
    let size = Size { width: image.width, height: image.height };
    let costs = costs(image.channels);
    let mut wanted = wanted_effort(plan, size);
    // As long as its pixels, if they are noise.
    let most = image.pixels.len() + image.pixels.len() / 8;
    let most = most + image.icc.len() + image.exif.len() + image.xmp.len() + OTHER_BYTES;
    let memory = working_bytes(size, Format::Jxl, false).saturating_add(tried_bytes(wanted, size));
    loop {
        let effort = effort(wanted, size.pixels(), costs, control.remaining());
        let effort = effort.ok_or(Error::Timeout)?;
        match write(Source::Pixels(image), effort, (most, memory), control) {
            // There are pictures at which one effort crashes, and another does not.
            Err(Error::DecodeFailed(_) | Error::TooManyPixels(_)) if effort > 1 => {
                wanted = effort - 1;
            }
            made => return made.map_err(apart::of_encoder),
        }
    }
}

/// Bytes of a file that are not its pixels, and no profile, Exif or XMP.
const OTHER_BYTES: usize = 64 << 10;

/// Bytes a pixel that the highest efforts need besides: 300 were seen, of which the rest is counted already.
const TRIED: u64 = 192;

/// A JPEG of this size without loss, so that it can be had back to the byte; `None` where libjxl does
/// not understand it.
pub(in crate::image) fn transcode(
    jpeg: &[u8],
    size: Size,
    plan: &Plan,
    control: &Control,
) -> Result<Option<Vec<u8>>, Error> {
    let effort = effort(plan.jxl_effort, size.pixels(), JPEG_COSTS, control.remaining());
    let (most, memory) =
        (jpeg.len() + jpeg.len() / 4 + OTHER_BYTES, working_bytes(size, Format::Jxl, false));
    match write(Source::Jpeg(jpeg), effort.ok_or(Error::Timeout)?, (most, memory), control) {
        Err(Error::EncodeFailed(_) | Error::DecodeFailed(_) | Error::TooManyPixels(_)) => Ok(None),
        made => made.map(Some),
    }
}

/// The highest effort up to `wanted` at which so many pixels are encoded within the time; `None` where
/// not even the lowest will do.
fn effort(wanted: u8, pixels: u64, costs: [u64; 9], time: Option<Duration>) -> Option<u8> {
    let mut efforts = (1..=wanted).rev().zip(costs.iter().take(wanted.into()).rev());
    efforts.find(|&(_, &cost)| fits(pixels, cost, time)).map(|(effort, _)| effort)
}

/// Has libjxl make at most so many bytes, with so many of memory.
fn write(
    source: Source<'_>,
    effort: u8,
    (most, memory): (usize, u64),
    control: &Control,
) -> Result<Vec<u8>, Error> {
    control.check()?;
    let order = Order { effort, plays: 0, source };
    let Some(isolation) = control.isolation() else {
        let encoded = jxl::encode(&order.source, effort).map_err(not_encoded)?;
        let mut out = Vec::new();
        append(&mut out, &encoded)?;
        return Ok(out);
    };
    let head = order.head();
    apart::encoded(isolation, (most, memory), &order.parts(&head), write_order, control)
}

/// The same in the process apart.
fn write_order(order: &[u8], to: &mut [u8], _: &Control) -> Result<(), Error> {
    let order = Order::read(order).ok_or_else(|| not_encoded("no order"))?;
    let encoded = jxl::encode(&order.source, order.effort).map_err(not_encoded)?;
    apart::put(&encoded, to)
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

    #[test]
    fn efforts_that_end_in_time() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(effort(9, 1 << 30, COSTS, None), Some(9));
        assert_eq!(effort(9, 100_000, COSTS, second), Some(9));
        assert_eq!(effort(9, 1_000_000, COSTS, second), Some(7));
        assert_eq!(effort(4, 2_000_000, COSTS, second), Some(4));
        assert_eq!(effort(1, 50_000_000, COSTS, second), None);
        assert_eq!(effort(9, 2_000_000, JPEG_COSTS, second), Some(8));
        assert_eq!(effort(4, 1, COSTS, Some(Duration::ZERO)), None);
    }
}
