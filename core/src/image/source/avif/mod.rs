//! AVIF (ISO/IEC 23000-22): which AV1 samples make the image, and how. All that a decoder is given
//! later was counted here, and is as large as it says.

mod av1;
mod sequence;

use std::borrow::Cow;

use super::headers::SourceHeaders;
use super::heif::{
    BoxContent, CodePoints, Coded, Described, HeifImage, HeifPicture, Looked, Meta, Samples, boxes,
};
use crate::image::error::{broken, truncated};
use crate::image::isobmff::FourCc;
use crate::image::size::{Rect, Size};
use crate::image::{Error, Format, Info};
use av1::Sample;
pub(in crate::image) use av1::SequenceHeader;

/// What the boxes say besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Avif<'a> {
    pub(in crate::image) image: HeifImage<'a, Cell<'a>>,
    /// What is to be seen of the decoded picture.
    pub(in crate::image) crop: Rect,
    pub(in crate::image) code_points: CodePoints,
}

/// An AV1 sample of one picture.
#[derive(Debug)]
pub(in crate::image) struct Cell<'a> {
    data: Cow<'a, [u8]>,
    sample: Sample,
    pub(in crate::image) size: Size,
    pub(in crate::image) operating_point: u8,
    pub(in crate::image) spatial_layer: Option<u8>,
}

impl Cell<'_> {
    /// The sample, a frame each time.
    pub(in crate::image) fn frames(&self) -> impl Iterator<Item = &[u8]> {
        self.sample.frames.iter().filter_map(|range| self.data.get(range.clone()))
    }

    pub(in crate::image) fn frame_count(&self) -> usize {
        self.sample.frames.len()
    }

    pub(in crate::image) fn header(&self) -> &SequenceHeader {
        &self.sample.header
    }
}

impl<'a> Coded<'a> for Cell<'a> {
    const ITEM: FourCc = *b"av01";
    const FORMAT: &'static str = "AVIF";
    /// A sample says it itself.
    type Setup = ();
    type Found = Sample;

    fn set_up(_: Option<&'a [u8]>) -> Result<(), Error> {
        Ok(())
    }

    fn look((): &(), data: &[u8]) -> Result<Sample, Error> {
        av1::read(data)
    }

    fn new(
        described: &Described<'a>,
        read: Result<Looked<'a, Self>, Error>,
        damage: &mut Option<Error>,
    ) -> Result<Cell<'a>, Error> {
        let read = read.and_then(|Looked { data, found: sample, .. }| {
            let most = sample.header.size;
            match described.size {
                Some(size) if size.width > most.width || size.height > most.height => {
                    Err(broken("the AV1 frames are smaller than the image"))
                }
                _ => Ok((data, sample)),
            }
        });
        let (data, sample) = match (read, described.size) {
            (Ok(found), _) => found,
            (Err(error), Some(size)) => {
                damage.get_or_insert(error);
                (Cow::Borrowed(&[][..]), Sample::none(size))
            }
            (Err(error), None) => return Err(error),
        };
        let size = described.size.unwrap_or(sample.header.size);
        if size.pixels() == 0 {
            return Err(broken("an image without pixels"));
        }
        let &Described { operating_point, spatial_layer, .. } = described;
        Ok(Cell { data, sample, size, operating_point, spatial_layer })
    }

    fn size(&self) -> Size {
        self.size
    }

    fn samples(&self) -> Samples {
        let SequenceHeader { depth, chroma, full_range, .. } = self.sample.header;
        Samples { depth, chroma, full_range }
    }

    fn code_points(&self) -> CodePoints {
        let header = &self.sample.header;
        CodePoints {
            primaries: header.primaries.into(),
            transfer: header.transfer.into(),
            matrix: header.matrix.into(),
            full_range: header.full_range,
        }
    }
}

/// What frames of cells are large at most.
pub(in crate::image) fn largest(cells: &[Cell]) -> Size {
    cells.iter().fold(Size::new(0, 0), |most, cell| {
        let Size { width, height } = cell.sample.header.size;
        Size::new(most.width.max(width), most.height.max(height))
    })
}

/// Reads all boxes and the headers of the samples; what they hold stays packed.
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Avif<'_>>, Error> {
    let (mut image, frames) = find(input)?;
    let fault = image.take_damage();
    let (crop, embedded, code_points) = (image.crop(), image.embedded(), image.code_points());
    Ok(SourceHeaders {
        info: Info {
            format: Format::Avif,
            width: crop.size.width,
            height: crop.size.height,
            orientation: image.orientation(),
            frames,
            alpha: image.alpha.is_some(),
            bits: image.colors.samples.depth,
            has_palette: false,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        own: Avif { image, crop, code_points },
        embedded,
        fault,
        damage: None,
    })
}

/// The image of a file, and how many frames there are.
fn find(input: &[u8]) -> Result<(HeifImage<'_, Cell<'_>>, u32), Error> {
    let (mut meta, mut moov, mut animated) = (None, None, false);
    let mut damage = None;
    for found in boxes(input) {
        let BoxContent { kind, data, whole } = match found {
            Ok(found) => found,
            // What is behind the boxes that count is of no importance.
            Err(error @ Error::UnsupportedFormat(_)) => return Err(error),
            Err(error) => {
                damage = Some(error);
                break;
            }
        };
        match &kind {
            b"ftyp" => animated = data.starts_with(b"avis"),
            b"meta" | b"moov" if !whole => return Err(truncated()),
            b"meta" if meta.is_none() => meta = Some(data),
            b"moov" if moov.is_none() => moov = Some(data),
            _ => {}
        }
    }
    if animated || meta.is_none() {
        let sequence = moov.map(|moov| sequence::read(moov, input)).transpose()?.flatten();
        if let Some(sequence) = sequence {
            return of_sequence(sequence);
        }
    }
    match meta {
        Some(meta) => HeifImage::of_items(&Meta::read(meta)?, input).map(|image| (image, 1)),
        None => Err(damage.unwrap_or_else(|| broken("no image"))),
    }
}

fn of_sequence(sequence: sequence::Sequence<'_>) -> Result<(HeifImage<'_, Cell<'_>>, u32), Error> {
    let frames = sequence.colors.frames;
    let alpha = sequence.alpha.map(of_track).transpose()?;
    let image = HeifImage::of_pictures(of_track(sequence.colors)?, alpha, sequence.premultiplied)?;
    Ok((image, frames))
}

fn of_track(track: sequence::PictureTrack<'_>) -> Result<HeifPicture<'_, Cell<'_>>, Error> {
    let described = Described::of_track(track.description, track.size)?;
    HeifPicture::of_cell(described, Looked::whole(track.first))
}
