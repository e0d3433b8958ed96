//! WebP by libwebp.

use image_gate_codecs::webp::{self, Encoded, Image};

use super::palette::has_more_colors;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::{Raster, with_room};
use crate::image::riff;
use crate::image::size::Size;
use crate::image::{Control, Error, Plan};

/// Of 100, within that of the plan.
const LOSSLESS_EFFORT: u8 = 75;

pub(super) fn encode(
    raster: Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let raster = widen(raster)?;
    let encoded = compress(&raster, plan, control)?;
    if metadata.is_empty() {
        let mut out = with_room(encoded.len())?;
        out.extend_from_slice(&encoded);
        return Ok(out);
    }
    embed(&encoded, raster.size(), raster.layout().has_alpha(), metadata)
}

/// A file without metadata, of a raster in colour.
///
/// A drawing stays as it is where that takes no more bytes.
pub(super) fn compress(raster: &Raster, plan: &Plan, control: &Control) -> Result<Encoded, Error> {
    let encode = |image: &Image| {
        webp::encode(image, || control.goes_on()).map_err(|error| match (error, control.check()) {
            (webp::Error::Stopped, Err(why)) => why,
            (error, _) => not_encoded(error),
        })
    };
    let Size { width, height } = raster.size();
    let lossy = Image {
        pixels: raster.data(),
        width,
        height,
        alpha: raster.layout().has_alpha(),
        lossless: false,
        quality: plan.webp_quality,
        effort: plan.webp_effort,
    };
    let made = encode(&lossy)?;
    if !is_drawing(raster) {
        return Ok(made);
    }
    let lossless = Image { lossless: true, quality: LOSSLESS_EFFORT, ..lossy };
    let exact = encode(&lossless)?;
    Ok(if exact.len() <= made.len() { exact } else { made })
}

/// Whether a picture has no more colours than a palette, and is made of areas of one.
fn is_drawing(raster: &Raster) -> bool {
    fn flat<const N: usize>(pixels: &[[u8; N]]) -> bool {
        let same = pixels.iter().zip(pixels.iter().skip(1)).filter(|(a, b)| a == b).count();
        same >= pixels.len() / 4 * 3 && !has_more_colors(pixels, 256)
    }
    match raster.layout().channels() {
        3 => flat::<3>(raster.data().as_chunks().0),
        _ => flat::<4>(raster.data().as_chunks().0),
    }
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
