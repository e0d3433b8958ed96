//! AVIF (ISO/IEC 23000-22): which AV1 samples make the image, and how. All that a decoder is given
//! later was counted here, and is as large as it says.

mod av1;
mod sequence;

use std::borrow::Cow;

use super::Animation;
use super::headers::SourceHeaders;
use super::heif::{
    BoxContent, CodePoints, Coded, Described, HeifImage, HeifPicture, Looked, Meta, Samples, boxes,
};
use crate::image::error::{broken, truncated};
use crate::image::isobmff::FourCc;
use crate::image::size::{Rect, Size};
use crate::image::{Error, Format, Info};
use av1::Sample;
pub(in crate::image) use av1::{SequenceHeader, Unit, sequence_header_len};
pub(in crate::image) use sequence::{SampleReader, SampleTable};

/// What the boxes say besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Avif<'a> {
    pub(in crate::image) image: HeifImage<'a, Cell<'a>>,
    /// What is to be seen of the decoded picture.
    pub(in crate::image) crop: Rect,
    pub(in crate::image) code_points: CodePoints,
    /// All pictures, where there are several.
    pub(in crate::image) moving: Option<Moving<'a>>,
}

/// The pictures of a sequence.
#[derive(Debug)]
pub(in crate::image) struct Moving<'a> {
    pub(in crate::image) animation: Animation,
    pub(in crate::image) colors: SampleTable<'a>,
    pub(in crate::image) alpha: Option<SampleTable<'a>>,
}

/// A sample of a sequence, whose picture may be made of others before it.
#[derive(Debug)]
pub(in crate::image) struct Part<'a> {
    data: &'a [u8],
    sample: Sample,
}

impl<'a> Part<'a> {
    /// Looks through a sample of a track that begins with that cell.
    ///
    /// # Errors
    /// Where it is broken, or not like the first.
    pub(in crate::image) fn read(data: &'a [u8], first: &Cell) -> Result<Part<'a>, Error> {
        av1::read_next(data, Some(first.header())).map(|sample| Part { data, sample })
    }

    /// The sample, a frame each time.
    pub(in crate::image) fn frames(&self) -> impl Iterator<Item = &'a [u8]> {
        let data = self.data;
        self.sample.frames.iter().filter_map(move |range| data.get(range.clone()))
    }
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

/// The level and the tier that a sample is of.
///
/// # Errors
/// Where it is broken.
pub(in crate::image) fn level(sample: &[u8]) -> Result<(u8, bool), Error> {
    av1::read(sample).map(|sample| sample.header.level)
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
    let (mut image, moving) = find(input)?;
    let fault = image.take_damage();
    let (crop, embedded, code_points) = (image.crop(), image.embedded(), image.code_points());
    Ok(SourceHeaders {
        info: Info {
            format: Format::Avif,
            width: crop.size.width,
            height: crop.size.height,
            orientation: image.orientation(),
            frames: moving.as_ref().map_or(1, |moving| moving.colors.count),
            alpha: image.alpha.is_some(),
            bits: image.colors.samples.depth,
            has_palette: false,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        own: Avif { image, crop, code_points, moving },
        embedded,
        fault,
        damage: None,
    })
}

/// The image of a file, or the first of several.
type Found<'a> = (HeifImage<'a, Cell<'a>>, Option<Moving<'a>>);

fn find(input: &[u8]) -> Result<Found<'_>, Error> {
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
            let (image, moving) = of_sequence(sequence)?;
            // Tracks have no metadata: it is that of the item which stands for all of them.
            let meta = meta.and_then(|meta| Meta::read(meta).ok());
            let image = match &meta {
                Some(meta) => image.described_by(meta, input),
                None => image,
            };
            return Ok((image, moving));
        }
    }
    match meta {
        Some(meta) => HeifImage::of_items(&Meta::read(meta)?, input).map(|image| (image, None)),
        None => Err(damage.unwrap_or_else(|| broken("no image"))),
    }
}

fn of_sequence(sequence: sequence::Sequence<'_>) -> Result<Found<'_>, Error> {
    let plays = sequence.plays();
    let sequence::Sequence { colors, alpha, premultiplied } = sequence;
    let (table, table_of_alpha) = (colors.table, alpha.as_ref().map(|alpha| alpha.table));
    let alpha = alpha.map(of_track).transpose()?;
    let image = HeifImage::of_pictures(of_track(colors)?, alpha, premultiplied)?;
    let moving = Moving {
        animation: Animation { plays, alpha: image.alpha.is_some() },
        colors: table,
        alpha: table_of_alpha,
    };
    // Of pictures in layers there is the first one.
    let cells = image.colors.cells.iter().chain(image.alpha.iter().flat_map(|alpha| &alpha.cells));
    let mut layered = cells
        .map(|cell| cell.spatial_layer.is_some() || cell.header().is_layered(cell.operating_point));
    let moves = moving.colors.count > 1 && !layered.any(|layered| layered);
    Ok((image, moves.then_some(moving)))
}

fn of_track(track: sequence::PictureTrack<'_>) -> Result<HeifPicture<'_, Cell<'_>>, Error> {
    let described = Described::of_track(track.description, track.size)?;
    HeifPicture::of_cell(described, Looked::whole(track.first))
}
