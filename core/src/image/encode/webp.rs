//! WebP by libwebp.

use image_gate_codecs::webp::{self, Encoded, Image};

use super::super::geometry::Size;
use super::super::metadata::Carried;
use super::super::pixels::widen;
use super::super::raster::{Raster, with_room};
use super::super::riff;
use super::super::{Error, Plan};
use super::failed;

pub(super) fn encode(raster: Raster, plan: &Plan, carried: &Carried) -> Result<Vec<u8>, Error> {
    let raster = widen(raster)?;
    let encoded = compress(&raster, plan)?;
    if carried.is_empty() {
        let mut out = with_room(encoded.len())?;
        out.extend_from_slice(&encoded);
        return Ok(out);
    }
    embed(&encoded, raster.size(), raster.layout().has_alpha(), carried)
}

/// A file without metadata, of a raster in colour.
pub(super) fn compress(raster: &Raster, plan: &Plan) -> Result<Encoded, Error> {
    let Size { width, height } = raster.size();
    webp::encode(&Image {
        pixels: raster.data(),
        width,
        height,
        alpha: raster.layout().has_alpha(),
        lossless: false,
        quality: plan.webp_quality,
        effort: plan.webp_effort,
    })
    .map_err(failed)
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
fn embed(encoded: &[u8], size: Size, alpha: bool, carried: &Carried) -> Result<Vec<u8>, Error> {
    let chunks = bitstream(encoded);
    let flags = carried.riff_flags() | if alpha { riff::FLAG_ALPHA } else { 0 };
    let mut out = with_room(riff::AROUND_EXTENDED + carried.riff_len() + chunks.len())?;
    riff::start(&mut out);
    riff::extended(&mut out, size, flags);
    carried.put_profile(&mut out);
    out.extend_from_slice(chunks);
    carried.put_rest(&mut out);
    riff::finish(&mut out).ok_or_else(|| failed("the file is too large"))?;
    Ok(out)
}

/// A chunk of metadata: its kind, what is in it, and its flag.
type Part<'a> = (&'static [u8; 4], Option<&'a [u8]>, u8);

/// Metadata as chunks.
impl Carried<'_> {
    fn riff_parts(&self) -> [Part<'_>; 3] {
        [
            (b"ICCP", self.icc.as_deref(), riff::FLAG_ICC),
            (b"EXIF", self.exif.as_deref(), riff::FLAG_EXIF),
            (b"XMP ", self.xmp, riff::FLAG_XMP),
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

fn put((kind, part, _): Part, out: &mut Vec<u8>) {
    if let Some(part) = part {
        riff::chunk(out, kind, part);
    }
}
