//! AVIF (ISO/IEC 23000-22): which AV1 samples make the image, and how. All that a decoder is given
//! later was counted here, and is as large as it says.

mod av1;
mod boxes;
mod sequence;

use std::borrow::Cow;

use super::code_points::{self, CameraCurve};
use super::headers::SourceHeaders;
use super::{Embedded, Icc};
use crate::image::bytes::be32;
use crate::image::error::{broken, truncated};
use crate::image::isobmff::{ALPHA, FourCc};
use crate::image::size::{Rect, Size};
use crate::image::{Error, Format, Info};
use av1::Sample;
pub(in crate::image) use av1::{Chroma, SequenceHeader};
use boxes::{BoxContent, FieldReader, Meta, MetaItem, boxes, first16, full, too_many};

/// Cells of a grid, of which each one is decoded by itself.
const MOST_CELLS: usize = 256;

/// Parts of an image that is displayed in a certain way, and properties that only describe it.
const KNOWN: [&[u8; 4]; 15] = [
    b"ispe", b"pixi", b"av1C", b"auxC", b"colr", b"pasp", b"clap", b"irot", b"imir", b"a1op",
    b"lsel", b"a1lx", b"clli", b"mdcv", b"amve",
];

/// What the boxes say besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Avif<'a> {
    pub(in crate::image) colors: AvifPicture<'a>,
    pub(in crate::image) alpha: Option<AvifPicture<'a>>,
    pub(in crate::image) premultiplied: bool,
    /// What is to be seen of the decoded picture.
    pub(in crate::image) crop: Rect,
    pub(in crate::image) primaries: u16,
    pub(in crate::image) matrix: u16,
    pub(in crate::image) full_range: bool,
}

/// A picture that is put together of cells, often of one.
#[derive(Debug)]
pub(in crate::image) struct AvifPicture<'a> {
    pub(in crate::image) size: Size,
    pub(in crate::image) columns: usize,
    /// Row by row.
    pub(in crate::image) cells: Vec<Cell<'a>>,
    /// Of all cells, and as large as the largest.
    pub(in crate::image) header: SequenceHeader,
    profile: Option<&'a [u8]>,
    code_points: Option<CodePoints>,
    exif_and_xmp: [Option<&'a [u8]>; 2],
    transform: Transform<'a>,
    /// Why it can't be decoded.
    damage: Option<Error>,
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

/// How a picture is displayed, in the order of ISO/IEC 23000-22, section 7.3.6.7.
#[derive(Debug, Default, Clone, Copy)]
struct Transform<'a> {
    aperture: Option<&'a [u8]>,
    /// Quarter turns, counter-clockwise.
    rotation: u8,
    mirror: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
struct CodePoints {
    primaries: u16,
    transfer: u16,
    matrix: u16,
    full_range: bool,
}

/// Reads all boxes and the headers of the samples; what they hold stays packed.
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Avif<'_>>, Error> {
    let ImageFile { colors: mut layer, mut alpha, premultiplied, frames } = ImageFile::find(input)?;
    let damage = layer.damage.take().or_else(|| alpha.as_mut()?.damage.take());
    let AvifPicture { header, transform, .. } = layer;
    let whole = Rect { x: 0, y: 0, size: layer.size };
    let crop = transform.aperture.and_then(|clap| aperture(clap, layer.size)).unwrap_or(whole);
    let code_points = layer.code_points.unwrap_or(CodePoints {
        primaries: header.primaries.into(),
        transfer: header.transfer.into(),
        matrix: header.matrix.into(),
        full_range: header.full_range,
    });
    let [exif, xmp] = layer.exif_and_xmp;
    let CodePoints { primaries, transfer, matrix, full_range } = code_points;
    let described = || {
        let profile = code_points::profile(primaries, transfer, CameraCurve::Srgb)?;
        profile.encode().ok().map(Cow::Owned)
    };
    let embedded = Embedded {
        exif,
        xmp,
        icc: layer.profile.map(Cow::Borrowed).or_else(described).map(Icc::Plain),
        hdr: code_points::hdr(primaries, transfer).filter(|_| layer.profile.is_none()),
        ..Embedded::default()
    };
    Ok(SourceHeaders {
        info: Info {
            format: Format::Avif,
            width: crop.size.width,
            height: crop.size.height,
            orientation: transform.orientation(),
            frames,
            alpha: alpha.is_some(),
            bits: header.depth,
            has_palette: false,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        own: Avif { colors: layer, alpha, premultiplied, crop, primaries, matrix, full_range },
        embedded,
        fault: damage,
        damage: None,
    })
}

impl Transform<'_> {
    /// As EXIF numbers it. First the rotation holds, then the mirror.
    fn orientation(&self) -> u8 {
        match (self.rotation & 3, self.mirror) {
            (0, None) => 1,
            (0, Some(0)) => 4,
            (0, Some(_)) => 2,
            (1, None) => 8,
            (1, Some(0)) => 5,
            (1, Some(_)) => 7,
            (2, None) => 3,
            (2, Some(0)) => 2,
            (2, Some(_)) => 4,
            (_, None) => 6,
            (_, Some(0)) => 7,
            (_, Some(_)) => 5,
        }
    }
}

/// The window of a clean aperture (ISO/IEC 14496-12, section 12.1.4); `None` where it is none
/// of whole pixels within the picture, which viewers show whole then.
fn aperture(data: &[u8], size: Size) -> Option<Rect> {
    let part = |at: usize| {
        let (number, of) = (be32(data, at)?, be32(data, at + 4)?);
        (of != 0).then(|| (i128::from(number.cast_signed()), i128::from(of)))
    };
    let len = |at: usize| {
        let (number, of) = part(at)?;
        (number > 0 && number % of == 0).then_some(number / of)
    };
    let (width, height) = (len(0)?, len(8)?);
    // The offset is that of the middle.
    let start = |at: usize, side: u32, len: i128| {
        let (number, of) = part(at)?;
        let twice = (i128::from(side) - len) * of + 2 * number;
        let start = twice / (2 * of);
        (twice % (2 * of) == 0 && start >= 0 && start + len <= side.into()).then_some(start)
    };
    let (x, y) = (start(16, size.width, width)?, start(24, size.height, height)?);
    let side = |side: i128| u32::try_from(side).ok();
    Some(Rect { x: side(x)?, y: side(y)?, size: Size::new(side(width)?, side(height)?) })
}

/// The image of a file.
struct ImageFile<'a> {
    colors: AvifPicture<'a>,
    alpha: Option<AvifPicture<'a>>,
    premultiplied: bool,
    frames: u32,
}

impl<'a> ImageFile<'a> {
    fn find(input: &'a [u8]) -> Result<ImageFile<'a>, Error> {
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
                return ImageFile::of_sequence(sequence);
            }
        }
        match meta {
            Some(meta) => ImageFile::of_items(&Meta::read(meta)?, input),
            None => Err(damage.unwrap_or_else(|| broken("no image"))),
        }
    }

    fn of_items(meta: &Meta<'a>, input: &'a [u8]) -> Result<ImageFile<'a>, Error> {
        let id = meta.primary.ok_or_else(|| broken("no primary item"))?;
        let mut left = input.len();
        let reader = &mut ItemFinder { meta, input, left: &mut left };
        let mut colors = reader.layer(id)?;
        colors.exif_and_xmp = reader.described(id);
        let (alpha, premultiplied) = match reader.alpha(id) {
            Some(alpha) => {
                let premultiplied = meta.references_from(b"prem", id).contains(&alpha);
                (Some(reader.layer(alpha)?), premultiplied)
            }
            None => (reader.alpha_of_cells(id, &colors)?, false),
        };
        ImageFile { colors, alpha, premultiplied, frames: 1 }.checked()
    }

    fn of_sequence(sequence: sequence::Sequence<'a>) -> Result<ImageFile<'a>, Error> {
        let frames = sequence.colors.frames;
        let layer = |track: sequence::PictureTrack<'a>| {
            let properties = boxes(track.description)
                .filter_map(Result::ok)
                .map(|BoxContent { kind, data, .. }| (kind, data, false));
            let mut described = Described::read(properties)?;
            // Tracks are turned by a matrix of their own, which nobody writes.
            described.transform = Transform::default();
            described.size = Some(track.size);
            described.layer(Ok(Cow::Borrowed(track.first)))
        };
        let alpha = sequence.alpha.map(layer).transpose()?;
        let colors = layer(sequence.colors)?;
        ImageFile { colors, alpha, premultiplied: sequence.premultiplied, frames }.checked()
    }

    fn checked(self) -> Result<ImageFile<'a>, Error> {
        let other = |alpha: &AvifPicture| {
            alpha.damage.is_none()
                && self.colors.damage.is_none()
                && (alpha.size, alpha.header.depth) != (self.colors.size, self.colors.header.depth)
        };
        if self.alpha.as_ref().is_some_and(other) {
            return Err(Error::UnsupportedFormat("AVIF whose alpha has another size".to_owned()));
        }
        Ok(self)
    }
}

/// What the properties of an item say.
#[derive(Debug, Default)]
struct Described<'a> {
    size: Option<Size>,
    profile: Option<&'a [u8]>,
    code_points: Option<CodePoints>,
    transform: Transform<'a>,
    operating_point: u8,
    spatial_layer: Option<u8>,
}

impl<'a> Described<'a> {
    fn read(
        properties: impl Iterator<Item = (FourCc, &'a [u8], bool)>,
    ) -> Result<Described<'a>, Error> {
        let mut found = Described::default();
        for (kind, data, essential) in properties {
            let bad = || broken("a property is too short");
            let first = || data.first().copied().ok_or_else(bad);
            match &kind {
                b"ispe" => {
                    let mut fields = FieldReader(full(data)?.2);
                    found.size = Some(Size::new(fields.u32()?, fields.u32()?));
                }
                b"colr" => found.add_color(data)?,
                b"clap" => found.transform.aperture = Some(data),
                b"irot" => found.transform.rotation = first()? & 3,
                b"imir" => found.transform.mirror = Some(first()? & 1),
                b"a1op" => found.operating_point = first()? & 31,
                b"lsel" => {
                    // 65535 stands for the highest.
                    let layer = first16(data).ok_or_else(bad)?;
                    found.spatial_layer = u8::try_from(layer).ok();
                }
                kind if essential && !KNOWN.contains(&kind) => {
                    let name = kind.escape_ascii();
                    return Err(Error::UnsupportedFormat(format!("AVIF that needs {name}")));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn add_color(&mut self, data: &'a [u8]) -> Result<(), Error> {
        let (kind, rest) = data.split_at_checked(4).ok_or_else(|| broken("no colour"))?;
        match kind {
            b"prof" | b"rICC" if self.profile.is_none() => self.profile = Some(rest),
            b"nclx" if self.code_points.is_none() => {
                let mut fields = FieldReader(rest);
                self.code_points = Some(CodePoints {
                    primaries: fields.u16()?,
                    transfer: fields.u16()?,
                    matrix: fields.u16()?,
                    full_range: fields.u8()? & 0x80 != 0,
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// A layer of one cell.
    fn layer(self, data: Result<Cow<'a, [u8]>, Error>) -> Result<AvifPicture<'a>, Error> {
        let mut damage = None;
        let cell = self.cell(data, &mut damage)?;
        let (size, header) = (cell.size, cell.sample.header);
        Ok(self.put_together(size, 1, vec![cell], header, damage))
    }

    /// One cell; where its size is told, what is wrong with the rest is not an error yet.
    fn cell(
        &self,
        data: Result<Cow<'a, [u8]>, Error>,
        damage: &mut Option<Error>,
    ) -> Result<Cell<'a>, Error> {
        let read = data.and_then(|data| {
            let sample = av1::read(&data)?;
            let most = sample.header.size;
            match self.size {
                Some(size) if size.width > most.width || size.height > most.height => {
                    Err(broken("the AV1 frames are smaller than the image"))
                }
                _ => Ok((data, sample)),
            }
        });
        let (data, sample) = match (read, self.size) {
            (Ok(found), _) => found,
            (Err(error), Some(size)) => {
                damage.get_or_insert(error);
                (Cow::Borrowed(&[][..]), Sample::none(size))
            }
            (Err(error), None) => return Err(error),
        };
        let size = self.size.unwrap_or(sample.header.size);
        if size.pixels() == 0 {
            return Err(broken("an image without pixels"));
        }
        let &Described { operating_point, spatial_layer, .. } = self;
        Ok(Cell { data, sample, size, operating_point, spatial_layer })
    }

    fn put_together(
        self,
        size: Size,
        columns: usize,
        cells: Vec<Cell<'a>>,
        header: SequenceHeader,
        damage: Option<Error>,
    ) -> AvifPicture<'a> {
        let Described { profile, code_points, transform, .. } = self;
        let exif_and_xmp = [None; 2];
        AvifPicture {
            size,
            columns,
            cells,
            header,
            profile,
            code_points,
            exif_and_xmp,
            transform,
            damage,
        }
    }
}

/// Finds images among the items of a file.
struct ItemFinder<'m, 'a> {
    meta: &'m Meta<'a>,
    input: &'a [u8],
    /// Bytes that may still be copied.
    left: &'m mut usize,
}

impl<'m, 'a> ItemFinder<'m, 'a> {
    fn item(&self, id: u32) -> Result<&'m MetaItem<'a>, Error> {
        let meta: &'m Meta<'a> = self.meta;
        meta.get(id).ok_or_else(|| broken("an item is missing"))
    }

    fn described(&mut self, id: u32) -> [Option<&'a [u8]>; 2] {
        let (mut exif, mut xmp) = (None, None);
        for from in self.meta.references_to(b"cdsc", id) {
            let Some(item) = self.meta.get(from) else { continue };
            let Ok(Cow::Borrowed(data)) = self.meta.data(item, self.input, self.left) else {
                continue;
            };
            match (&item.kind, item.content_type) {
                (b"Exif", _) if exif.is_none() => {
                    // Before it is told where in it the TIFF header is.
                    let start = be32(data, 0).and_then(|at| usize::try_from(at).ok());
                    exif = start.and_then(|at| data.get(4..)?.get(at..));
                }
                (b"mime", b"application/rdf+xml") if xmp.is_none() => xmp = Some(data),
                _ => {}
            }
        }
        [exif, xmp]
    }

    /// The alpha of an image.
    fn alpha(&self, id: u32) -> Option<u32> {
        let is_alpha = |&from: &u32| {
            let item = self.meta.get(from)?;
            let (_, _, kind) = full(self.meta.property(item, b"auxC")?).ok()?;
            let kind = kind.split(|&byte| byte == 0).next()?;
            ALPHA.contains(&kind).then_some(())
        };
        self.meta.references_to(b"auxl", id).find(|from| is_alpha(from).is_some())
    }

    /// The alpha of a grid whose cells have one each.
    fn alpha_of_cells(
        &mut self,
        id: u32,
        colors: &AvifPicture,
    ) -> Result<Option<AvifPicture<'a>>, Error> {
        let cells = self.meta.references_from(b"dimg", id);
        if cells.is_empty() || &self.item(id)?.kind != b"grid" {
            return Ok(None);
        }
        let Some(ids) = cells.iter().map(|&cell| self.alpha(cell)).collect::<Option<Vec<_>>>()
        else {
            return Ok(None);
        };
        self.grid(Described::default(), colors.size, colors.columns, &ids).map(Some)
    }

    fn layer(&mut self, id: u32) -> Result<AvifPicture<'a>, Error> {
        let item = self.item(id)?;
        let kind = item.kind;
        let properties = self.meta.properties(item).map(|(kind, data, must)| (*kind, data, must));
        let described = Described::read(properties)?;
        let data = self.meta.data(item, self.input, self.left);
        match &kind {
            b"av01" => described.layer(data),
            b"grid" => {
                let (columns, rows, size) = grid(&data?)?;
                let cells = self.meta.references_from(b"dimg", id);
                if cells.len() != columns * rows {
                    return Err(broken("a grid has not the cells that it announces"));
                }
                self.grid(described, size, columns, cells)
            }
            kind => {
                let name = kind.escape_ascii();
                Err(Error::UnsupportedFormat(format!("AVIF of {name} items")))
            }
        }
    }

    fn grid(
        &mut self,
        described: Described<'a>,
        size: Size,
        columns: usize,
        ids: &[u32],
    ) -> Result<AvifPicture<'a>, Error> {
        if ids.len() > MOST_CELLS {
            return Err(too_many("cells", MOST_CELLS));
        }
        let mut cells: Vec<Cell<'a>> = Vec::new();
        let mut damage = None;
        for &id in ids {
            let item = self.item(id)?;
            if &item.kind != b"av01" {
                return Err(Error::UnsupportedFormat("AVIF of grids in grids".to_owned()));
            }
            let properties = self.meta.properties(item);
            let cell = Described::read(properties.map(|(kind, data, must)| (*kind, data, must)))?;
            let data = self.meta.data(item, self.input, self.left);
            cells.push(cell.cell(data, &mut damage)?);
        }
        let first = cells.first().ok_or_else(|| broken("a grid without cells"))?;
        let (cell, header) = (first.size, first.sample.header);
        let same = |other: &Cell| {
            let SequenceHeader { depth, chroma, full_range, .. } = other.sample.header;
            other.size == cell
                && (depth, chroma, full_range) == (header.depth, header.chroma, header.full_range)
        };
        if damage.is_none() && !cells.iter().all(same) {
            damage = Some(broken("the cells of a grid differ"));
        }
        // All cells count, none lies outside.
        let (across, down) = (columns as u64, (ids.len() / columns.max(1)) as u64);
        let fits = |side: u32, cell: u32, count: u64| {
            let (side, cell) = (u64::from(side), u64::from(cell));
            cell * count >= side && cell * (count - 1) < side
        };
        if down == 0
            || !fits(size.width, cell.width, across)
            || !fits(size.height, cell.height, down)
        {
            damage.get_or_insert(broken("the cells of a grid do not make its size"));
        }
        let whole = |count: u64| count == 1;
        let odd = (!whole(across) && !cell.width.is_multiple_of(2)
            || !whole(down) && !cell.height.is_multiple_of(2))
            && header.chroma != Chroma::Full
            && header.chroma != Chroma::None;
        if odd {
            let odd = "AVIF of a grid of odd cells".to_owned();
            damage.get_or_insert(Error::UnsupportedFormat(odd));
        }
        let largest = cells.iter().fold(header.size, |most, cell| {
            let Size { width, height } = cell.sample.header.size;
            Size::new(most.width.max(width), most.height.max(height))
        });
        let copied = cells.iter().any(|cell| cell.sample.header.copied);
        let header = header.of_grid(largest, copied);
        Ok(described.put_together(size, columns, cells, header, damage))
    }
}

/// Columns, rows and size of a grid (ISO/IEC 23008-12, section 6.6.2.3).
fn grid(data: &[u8]) -> Result<(usize, usize, Size), Error> {
    let mut fields = FieldReader(data);
    let (_version, flags) = (fields.u8()?, fields.u8()?);
    let (rows, columns) = (usize::from(fields.u8()?) + 1, usize::from(fields.u8()?) + 1);
    let wide = if flags & 1 != 0 { 4 } else { 2 };
    let (width, height) = (fields.number(wide)? as u32, fields.number(wide)? as u32);
    if width == 0 || height == 0 {
        return Err(broken("a grid without pixels"));
    }
    if columns * rows > MOST_CELLS {
        return Err(too_many("cells", MOST_CELLS));
    }
    Ok((columns, rows, Size::new(width, height)))
}
