//! JPEG by libjpeg-turbo.

use image_gate_codecs::jpeg::{self, Image, Samples};

use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::raster::{Layout, Planes, Raster, with_room};
use crate::image::size::Size;
use crate::image::source::jpeg::{EXIF, ICC, XMP};
use crate::image::{Control, Error, Plan, Subsampling};

/// What a segment holds at most, behind its length.
pub(in crate::image) const MAX_SEGMENT: usize = 65533;

/// From which quality on edges of colours are to be as sharp as others.
const FINE: u8 = 90;

pub(super) fn encode(
    raster: &Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let samples = match raster.layout() {
        Layout::L8 => Samples::Grey(raster.data()),
        Layout::Rgb8 => Samples::Rgb(raster.data()),
        layout => return Err(Error::Internal(format!("{layout:?} for JPEG"))),
    };
    write(samples, raster.size(), sampling(plan), plan, metadata, control)
}

/// Encodes luma and chroma as they are.
pub(super) fn encode_planes(
    image: &Planes,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let samples = Samples::Planes(image.planes.each_ref().map(Raster::data));
    write(samples, image.size, image.sampling, plan, metadata, control)
}

/// How many pixels across and down have one chroma.
pub(super) fn sampling(plan: &Plan) -> (u8, u8) {
    match plan.subsampling {
        Subsampling::None => (1, 1),
        Subsampling::Auto if plan.jpeg_quality >= FINE => (1, 1),
        Subsampling::Rows => (2, 1),
        Subsampling::Half | Subsampling::Auto => (2, 2),
    }
}

fn write(
    samples: Samples<'_>,
    Size { width, height }: Size,
    sampling: (u8, u8),
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let image = Image {
        samples,
        width,
        height,
        quality: plan.jpeg_quality,
        progressive: plan.interlace,
        sampling,
    };
    let jpeg = jpeg::encode(&image, || control.goes_on()).map_err(|error| match error {
        Some(error) => not_encoded(error),
        None => control.check().err().unwrap_or(Error::Cancelled),
    })?;

    let segments = segments(metadata);
    let mut out = with_room(jpeg.len() + segments.len())?;
    let (head, body) = jpeg.split_at_checked(after_jfif(&jpeg)).unwrap_or((&jpeg, &[]));
    out.extend_from_slice(head);
    out.extend_from_slice(&segments);
    out.extend_from_slice(body);
    Ok(out)
}

/// The length of the start of image and the JFIF segment, which comes first.
fn after_jfif(jpeg: &[u8]) -> usize {
    match jpeg {
        [0xff, 0xd8, 0xff, 0xe0, high, low, ..] => {
            4 + usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => 2,
    }
}

/// The segments of the metadata; what does not fit in one is left out, but for
/// the profile, which may take several (ICC.1:2022, annex B.4).
pub(in crate::image) fn segments(metadata: &OutputMetadata) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(exif) = &metadata.exif {
        segment(&mut out, 0xe1, &[EXIF, exif]);
    }
    if let Some(xmp) = &metadata.xmp {
        segment(&mut out, 0xe1, &[XMP, xmp]);
    }
    if let Some(icc) = &metadata.icc {
        let parts = icc.chunks(MAX_SEGMENT - ICC.len() - 2);
        if let Ok(count) = u8::try_from(parts.len()) {
            for (number, part) in (1..=count).zip(parts) {
                segment(&mut out, 0xe2, &[ICC, &[number, count], part]);
            }
        }
    }
    out
}

/// Appends a segment, unless it is too long for one.
pub(in crate::image) fn segment(out: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    if len <= MAX_SEGMENT {
        out.extend_from_slice(&[0xff, marker]);
        out.extend_from_slice(&(len as u16 + 2).to_be_bytes());
        parts.iter().for_each(|part| out.extend_from_slice(part));
    }
}
