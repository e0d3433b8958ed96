//! WebP by libwebp, which can be stopped between its steps. How long those may take is estimated.

use std::time::Duration;

use image_gate_codecs::webp::{self, Encoded, Image, Samples};

use super::palette::has_more_colors;
use crate::image::control::fits;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::{Planes, Raster, with_room};
use crate::image::riff;
use crate::image::size::Size;
use crate::image::{Control, Error, Plan};

/// Of 100, within that of the plan.
const LOSSLESS_EFFORT: u8 = 75;

/// Nanoseconds that a pixel of noise takes at the best quality, by effort, up to the end of the last
/// long step that nothing stops: from an effort of 3 on that is the writing of all coefficients.
const OPAQUE_COSTS: [u64; 7] = [12, 12, 12, 280, 280, 330, 650];

/// The same with alpha, which is one step. The highest effort takes fifty times as long for it, and
/// is not made.
const ALPHA_COSTS: [u64; 6] = [70, 90, 100, 350, 440, 520];

/// Nanoseconds that a pixel of a drawing takes without loss, from an effort of 1 on.
const LOSSLESS_COST: u64 = 250;

/// The same for a photograph, by effort: noise takes half as long.
const EXACT_COSTS: [u64; 7] = [250, 600, 700, 800, 900, 1000, 2000];

/// From how many pixels on a drawing is written with the lowest effort: the longest step of the
/// others would keep an abort waiting for more than a fifth of a second.
const MANY_PIXELS: u64 = 3 << 19;

pub(super) fn encode(
    raster: Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let raster = widen(raster, control)?;
    let encoded = compress(&raster, plan, control)?;
    finish(&encoded, raster.size(), raster.layout().has_alpha(), metadata)
}

/// A file with its metadata.
fn finish(
    encoded: &Encoded,
    size: Size,
    alpha: bool,
    metadata: &OutputMetadata,
) -> Result<Vec<u8>, Error> {
    if metadata.is_empty() {
        let mut out = with_room(encoded.len())?;
        out.extend_from_slice(encoded);
        return Ok(out);
    }
    embed(encoded, size, alpha, metadata)
}

/// Encodes luma and chroma as they are.
pub(super) fn encode_planes(
    image: &Planes,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let Size { width, height } = image.size;
    let effort = effort(plan.webp_effort, false, image.size.pixels(), control.remaining());
    let encoded = run(
        &Image {
            samples: Samples::Planes(image.planes.each_ref().map(Raster::data)),
            width,
            height,
            lossless: false,
            quality: plan.webp_quality,
            effort: effort.ok_or(Error::Timeout)?,
        },
        control,
    )?;
    finish(&encoded, image.size, false, metadata)
}

fn run(image: &Image, control: &Control) -> Result<Encoded, Error> {
    webp::encode(image, || control.goes_on()).map_err(|error| match (error, control.check()) {
        (webp::Error::Stopped, Err(why)) => why,
        (error, _) => not_encoded(error),
    })
}

/// A file without metadata, of a raster in colour.
///
/// A drawing stays as it is where that takes no more bytes.
pub(super) fn compress(raster: &Raster, plan: &Plan, control: &Control) -> Result<Encoded, Error> {
    let encode = |image: &Image| run(image, control);
    let Size { width, height } = raster.size();
    let pixels = raster.size().pixels();
    let alpha = raster.layout().has_alpha();
    let effort = match plan.lossless {
        true => 0,
        false => {
            effort(plan.webp_effort, alpha, pixels, control.remaining()).ok_or(Error::Timeout)?
        }
    };
    let lossy = Image {
        samples: if alpha { Samples::Rgba(raster.data()) } else { Samples::Rgb(raster.data()) },
        width,
        height,
        lossless: false,
        quality: plan.webp_quality,
        effort,
    };
    if plan.lossless {
        let effort = lossless_effort(plan.webp_effort, pixels, control.remaining());
        let effort = effort.ok_or(Error::Timeout)?;
        return encode(&Image { lossless: true, quality: LOSSLESS_EFFORT, effort, ..lossy });
    }
    let made = encode(&lossy)?;
    if !fits(pixels, LOSSLESS_COST, control.remaining()) || !is_drawing(raster) {
        return Ok(made);
    }
    let effort = if pixels < MANY_PIXELS { plan.webp_effort } else { 0 };
    let lossless = Image { lossless: true, quality: LOSSLESS_EFFORT, effort, ..lossy };
    let exact = encode(&lossless)?;
    Ok(if exact.len() <= made.len() { exact } else { made })
}

/// The same for a picture without loss.
fn lossless_effort(wanted: u8, pixels: u64, time: Option<Duration>) -> Option<u8> {
    let wanted = if pixels < MANY_PIXELS { wanted } else { 0 };
    let costs = (0..=wanted).zip(EXACT_COSTS);
    costs.rev().find(|&(_, cost)| fits(pixels, cost, time)).map(|(effort, _)| effort)
}

/// The highest effort up to `wanted` with which so many pixels end within the time; `None` where not
/// even the lowest will do.
fn effort(wanted: u8, alpha: bool, pixels: u64, time: Option<Duration>) -> Option<u8> {
    let costs: &[u64] = if alpha { &ALPHA_COSTS } else { &OPAQUE_COSTS };
    let costs = (0..=wanted).zip(costs);
    costs.rev().find(|&(_, &cost)| fits(pixels, cost, time)).map(|(effort, _)| effort)
}

/// Whether a picture has no more colours than a palette, and is made of areas of one.
fn is_drawing(raster: &Raster) -> bool {
    fn drawn<const N: usize>(pixels: &[[u8; N]]) -> bool {
        has_areas(pixels) && !has_more_colors(pixels, 256)
    }
    match raster.layout().channels() {
        3 => drawn::<3>(raster.data().as_chunks().0),
        _ => drawn::<4>(raster.data().as_chunks().0),
    }
}

/// Whether most of what is next to each other is the same.
fn has_areas<T: PartialEq>(pixels: &[T]) -> bool {
    let same = pixels.iter().zip(pixels.iter().skip(1)).filter(|(a, b)| a == b).count();
    same >= pixels.len() / 4 * 3
}

/// Whether a picture of that luma may be a drawing, which stays as it is where that takes no more bytes.
pub(super) fn may_be_drawing(luma: &Raster) -> bool {
    has_areas(luma.data())
}

/// The chunks of a file that make its image.
pub(super) fn bitstream(encoded: &[u8]) -> &[u8] {
    let chunks = encoded.get(12..).unwrap_or_default();
    match chunks.strip_prefix(b"VP8X") {
        Some(extended) => extended.get(4 + 10..).unwrap_or_default(),
        None => chunks,
    }
}

/// Wraps the bitstream anew, between the profile and the other metadata.
fn embed(
    encoded: &[u8],
    size: Size,
    alpha: bool,
    metadata: &OutputMetadata,
) -> Result<Vec<u8>, Error> {
    let chunks = bitstream(encoded);
    let flags = metadata.riff_flags() | if alpha { riff::FLAG_ALPHA } else { 0 };
    let mut out = with_room(riff::AROUND_EXTENDED + metadata.riff_len() + chunks.len())?;
    riff::start(&mut out);
    riff::extended(&mut out, size, flags);
    metadata.put_profile(&mut out);
    out.extend_from_slice(chunks);
    metadata.put_rest(&mut out);
    riff::finish(&mut out).ok_or_else(|| not_encoded("the file is too large"))?;
    Ok(out)
}

/// A chunk of metadata: its kind, what is in it, and its flag.
type MetadataChunk<'a> = (&'static [u8; 4], Option<&'a [u8]>, u8);

/// Metadata as chunks.
impl OutputMetadata<'_> {
    fn riff_parts(&self) -> [MetadataChunk<'_>; 3] {
        [
            (b"ICCP", self.icc.as_deref(), riff::FLAG_ICC),
            (b"EXIF", self.exif.as_deref(), riff::FLAG_EXIF),
            (b"XMP ", self.xmp.as_deref(), riff::FLAG_XMP),
        ]
    }

    /// The flags of the chunks that there are.
    pub(super) fn riff_flags(&self) -> u8 {
        let parts = self.riff_parts().into_iter().filter(|(_, part, _)| part.is_some());
        parts.fold(0, |flags, (_, _, flag)| flags | flag)
    }

    fn riff_len(&self) -> usize {
        self.riff_parts().iter().filter_map(|(_, part, _)| *part).map(|part| part.len() + 9).sum()
    }

    /// Adds what comes before the image.
    pub(super) fn put_profile(&self, out: &mut Vec<u8>) {
        self.riff_parts().into_iter().take(1).for_each(|part| put(part, out));
    }

    /// Adds what comes behind it.
    pub(super) fn put_rest(&self, out: &mut Vec<u8>) {
        self.riff_parts().into_iter().skip(1).for_each(|part| put(part, out));
    }
}

fn put((kind, part, _): MetadataChunk, out: &mut Vec<u8>) {
    if let Some(part) = part {
        riff::chunk(out, kind, part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::raster::Layout;

    fn raster(pixel: impl Fn(u32, u32) -> [u8; 3]) -> Raster {
        let places = (0..100).flat_map(|y| (0..100).map(move |x| (x, y)));
        let data = places.flat_map(|(x, y)| pixel(x, y)).collect();
        Raster::from_data(Size::new(100, 100), Layout::Rgb8, data).unwrap()
    }

    fn is_lossless(raster: &Raster) -> bool {
        bitstream(&compress(raster, &Plan::default(), &Control::default()).unwrap())
            .starts_with(b"VP8L")
    }

    #[test]
    fn efforts_that_end_in_time() {
        let second = Some(Duration::from_secs(1));
        for wanted in 0..=6 {
            assert_eq!(effort(wanted, false, 1 << 30, None), Some(wanted));
            assert_eq!(effort(wanted, true, 1 << 30, None), Some(wanted.min(5)));
        }
        assert_eq!(effort(6, false, 500_000, second), Some(6));
        assert_eq!(effort(6, false, 1_500_000, second), Some(5));
        assert_eq!(effort(4, false, 9_000_000, second), Some(2));
        assert_eq!(effort(0, false, 80_000_000, second), None);
        assert_eq!(effort(6, true, 1_000_000, second), Some(5));
        assert_eq!(effort(6, true, 3_000_000, second), Some(2));
        assert_eq!(effort(2, true, 8_000_000, second), Some(0));
        assert_eq!(effort(2, true, 16_000_000, second), None);
        assert_eq!(effort(2, true, 1, Some(Duration::ZERO)), None);
    }

    /// Alpha of noise: with an effort of 6, libwebp takes four seconds for this, in one step.
    #[test]
    fn alpha_is_never_made_with_the_highest_effort() {
        let size = Size::new(700, 700);
        let data = (0..700 * 700 * 4u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) ^ (i >> 3).wrapping_mul(40_503)) >> 13)
            .map(|noise| noise as u8)
            .collect();
        let raster = Raster::from_data(size, Layout::Rgba8, data).unwrap();
        let made = |webp_effort| {
            let plan = Plan { webp_effort, ..Plan::default() };
            compress(&raster, &plan, &Control::default()).unwrap().to_vec()
        };
        assert!(made(6) == made(5));
        // What has no time for its longest step isn't begun.
        let control = Control::new(Some(std::time::Instant::now()));
        assert!(matches!(compress(&raster, &Plan::default(), &control), Err(Error::Timeout)));
    }

    #[test]
    fn drawings_stay_as_they_are() {
        let checks =
            raster(|x, y| if (x / 25 + y / 25) % 2 == 0 { [255, 0, 0] } else { [0, 0, 99] });
        assert!(is_drawing(&checks) && is_lossless(&checks));
        let slope = raster(|x, y| [x as u8, y as u8, 0]);
        assert!(!is_drawing(&slope) && !is_lossless(&slope));
        // Few colours, but no areas.
        let noise = raster(|x, y| [((x * 7919) ^ (y * 104_729)) as u8 & 0xf0, 0, 0]);
        assert!(!is_drawing(&noise));
    }
}
