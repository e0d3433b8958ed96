//! HEIF (ISO/IEC 23008-12), the container of AVIF and HEIC: where in it the items of an image are, and how
//! it is displayed. What of a picture its coding says is read elsewhere.

mod boxes;

use std::borrow::Cow;
use std::collections::HashMap;

use super::code_points::{self, CameraCurve};
use super::{Block, Embedded, Icc};
use crate::image::Error;
use crate::image::bytes::be32;
use crate::image::error::broken;
use crate::image::isobmff::{ALPHA, FourCc};
use crate::image::size::{Rect, Size};
pub(super) use boxes::{BoxContent, FieldReader, Meta, boxes, child, full, too_many};
use boxes::{MetaItem, first16};

/// Cells of a grid, of which each one is decoded by itself: 200 megapixels are 768 of 512 by 512.
const MOST_CELLS: usize = 1024;

/// Parts of an image that is displayed in a certain way, and properties that only describe it.
const KNOWN: [&[u8; 4]; 16] = [
    b"ispe", b"pixi", b"av1C", b"hvcC", b"auxC", b"colr", b"pasp", b"clap", b"irot", b"imir",
    b"a1op", b"lsel", b"a1lx", b"clli", b"mdcv", b"amve",
];

/// The samples that a picture has: all planes of the same size, some of the chroma, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Chroma {
    None,
    Quarter,
    Half,
    Full,
}

/// What the samples of a picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) struct Samples {
    pub(in crate::image) depth: u8,
    pub(in crate::image) chroma: Chroma,
    pub(in crate::image) full_range: bool,
}

/// A picture of a coding, of which those of a grid are the cells.
pub(in crate::image) trait Coded<'a>: Sized {
    /// The kind of its items.
    const ITEM: FourCc;
    /// What files of them are called.
    const FORMAT: &'static str;

    /// How a decoder is set up, which many cells may share.
    type Setup: Clone;
    /// What its bytes say.
    type Found: Clone;

    /// Reads what a file says of a decoder.
    fn set_up(configuration: Option<&'a [u8]>) -> Result<Self::Setup, Error>;

    /// Looks through its bytes.
    fn look(setup: &Self::Setup, data: &[u8]) -> Result<Self::Found, Error>;

    /// Of all that; where its size is told, what is wrong with the rest is not an error yet, but damage.
    fn new(
        described: &Described<'a>,
        read: Result<Looked<'a, Self>, Error>,
        damage: &mut Option<Error>,
    ) -> Result<Self, Error>;

    /// The size that counts.
    fn size(&self) -> Size;

    fn samples(&self) -> Samples;

    /// How colours are coded, as far as the coding says so itself.
    fn code_points(&self) -> CodePoints;
}

/// A picture that was looked through.
pub(in crate::image) struct Looked<'a, C: Coded<'a>> {
    pub(super) setup: C::Setup,
    pub(super) data: Cow<'a, [u8]>,
    pub(super) found: C::Found,
}

impl<'a, C: Coded<'a>> Looked<'a, C> {
    /// Looks through one that needs nothing else.
    pub(super) fn whole(data: &'a [u8]) -> Result<Looked<'a, C>, Error> {
        let setup = C::set_up(None)?;
        let found = C::look(&setup, data)?;
        Ok(Looked { setup, data: Cow::Borrowed(data), found })
    }
}

/// The primary image of a file.
#[derive(Debug)]
pub(in crate::image) struct HeifImage<'a, C> {
    pub(in crate::image) colors: HeifPicture<'a, C>,
    pub(in crate::image) alpha: Option<HeifPicture<'a, C>>,
    pub(in crate::image) premultiplied: bool,
    exif_and_xmp: [Option<&'a [u8]>; 2],
}

/// A picture that is put together of cells, often of one.
#[derive(Debug)]
pub(in crate::image) struct HeifPicture<'a, C> {
    pub(in crate::image) size: Size,
    pub(in crate::image) columns: usize,
    /// Row by row.
    pub(in crate::image) cells: Vec<C>,
    pub(in crate::image) samples: Samples,
    described: Described<'a>,
    /// How its colours are coded, where the coding says so itself.
    code_points: CodePoints,
    /// Why it can't be decoded.
    damage: Option<Error>,
}

impl<'a, C: Coded<'a>> HeifImage<'a, C> {
    /// The primary item of a file.
    pub(super) fn of_items(meta: &Meta<'a>, input: &'a [u8]) -> Result<HeifImage<'a, C>, Error> {
        let id = meta.primary.ok_or_else(|| broken("no primary item"))?;
        let finder = &mut ItemFinder::new(meta, input);
        let colors = finder.picture(id)?;
        let exif_and_xmp = finder.described(id);
        let (alpha, premultiplied) = match finder.alphas.get(&id) {
            Some(&alpha) => {
                let premultiplied = meta.references_from(b"prem", id).contains(&alpha);
                (Some(finder.picture(alpha)?), premultiplied)
            }
            None => (finder.alpha_of_cells(id, &colors)?, false),
        };
        HeifImage { colors, alpha, premultiplied, exif_and_xmp }.checked()
    }

    /// One whose pictures were found otherwise.
    pub(super) fn of_pictures(
        colors: HeifPicture<'a, C>,
        alpha: Option<HeifPicture<'a, C>>,
        premultiplied: bool,
    ) -> Result<HeifImage<'a, C>, Error> {
        HeifImage { colors, alpha, premultiplied, exif_and_xmp: [None; 2] }.checked()
    }

    /// This one with the metadata of the primary item of a file.
    pub(super) fn described_by(self, meta: &Meta<'a>, input: &'a [u8]) -> HeifImage<'a, C> {
        let described = |id: u32| ItemFinder::<C>::new(meta, input).described(id);
        let exif_and_xmp = meta.primary.map(described).unwrap_or_default();
        HeifImage { exif_and_xmp, ..self }
    }

    fn checked(self) -> Result<HeifImage<'a, C>, Error> {
        let other = |alpha: &HeifPicture<C>| {
            alpha.damage.is_none()
                && self.colors.damage.is_none()
                && (alpha.size, alpha.samples.depth)
                    != (self.colors.size, self.colors.samples.depth)
        };
        if self.alpha.as_ref().is_some_and(other) {
            let why = format!("{} whose alpha has another size", C::FORMAT);
            return Err(Error::UnsupportedFormat(why));
        }
        Ok(self)
    }

    /// Why it can't be decoded, if so.
    pub(super) fn take_damage(&mut self) -> Option<Error> {
        self.colors.damage.take().or_else(|| self.alpha.as_mut()?.damage.take())
    }

    /// What is to be seen of the decoded picture.
    pub(super) fn crop(&self) -> Rect {
        let size = self.colors.size;
        let aperture = self.colors.described.transform.aperture;
        let seen = aperture.and_then(|clap| aperture_of(clap, size));
        seen.unwrap_or(Rect { x: 0, y: 0, size })
    }

    /// As EXIF numbers it.
    pub(super) fn orientation(&self) -> u8 {
        self.colors.described.transform.orientation()
    }

    /// How its colours are coded: what the container says counts.
    pub(super) fn code_points(&self) -> CodePoints {
        self.colors.described.code_points.unwrap_or(self.colors.code_points)
    }

    pub(super) fn embedded(&self) -> Embedded<'a> {
        let CodePoints { primaries, transfer, .. } = self.code_points();
        let described = || {
            let profile = code_points::profile(primaries, transfer, CameraCurve::Srgb)?;
            profile.encode().ok().map(Cow::Owned)
        };
        let profile = self.colors.described.profile;
        let [exif, xmp] = self.exif_and_xmp.map(|bytes| bytes.map(Block::Plain));
        Embedded {
            exif,
            xmp,
            icc: profile.map(Cow::Borrowed).or_else(described).map(Icc::Plain),
            hdr: code_points::hdr(primaries, transfer).filter(|_| profile.is_none()),
            ..Embedded::default()
        }
    }
}

impl<'a, C: Coded<'a>> HeifPicture<'a, C> {
    /// One that is a cell.
    pub(super) fn of_cell(
        described: Described<'a>,
        read: Result<Looked<'a, C>, Error>,
    ) -> Result<HeifPicture<'a, C>, Error> {
        let mut damage = None;
        let cell = C::new(&described, read, &mut damage)?;
        let (size, samples, code_points) = (cell.size(), cell.samples(), cell.code_points());
        let cells = vec![cell];
        Ok(HeifPicture { size, columns: 1, cells, samples, described, code_points, damage })
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

/// How colours are coded (ITU-T H.273).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) struct CodePoints {
    pub(in crate::image) primaries: u16,
    pub(in crate::image) transfer: u16,
    pub(in crate::image) matrix: u16,
    pub(in crate::image) full_range: bool,
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
fn aperture_of(data: &[u8], size: Size) -> Option<Rect> {
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

/// What the properties of an item say.
#[derive(Debug, Default)]
pub(in crate::image) struct Described<'a> {
    pub(super) size: Option<Size>,
    profile: Option<&'a [u8]>,
    code_points: Option<CodePoints>,
    transform: Transform<'a>,
    /// Of AV1.
    pub(super) operating_point: u8,
    pub(super) spatial_layer: Option<u8>,
    /// Of HEVC: how a decoder is set up.
    pub(super) configuration: Option<&'a [u8]>,
}

impl<'a> Described<'a> {
    /// Of a picture of a sequence, which a track gives its size. What turns a still picture turns these, too, as
    /// libavif and browsers have it; the matrix that tracks have besides nobody writes.
    pub(super) fn of_track(boxed: &'a [u8], size: Size) -> Result<Described<'a>, Error> {
        let properties = boxes(boxed).filter_map(Result::ok);
        let properties = properties.map(|BoxContent { kind, data, .. }| (kind, data, false));
        let described = Described::read(properties)?;
        let transform = Transform { aperture: None, ..described.transform };
        Ok(Described { size: Some(size), transform, ..described })
    }

    fn of_item(meta: &Meta<'a>, item: &MetaItem<'a>) -> Result<Described<'a>, Error> {
        Described::read(meta.properties(item).map(|(kind, data, must)| (*kind, data, must)))
    }

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
                b"hvcC" => found.configuration = Some(data),
                b"imir" => found.transform.mirror = Some(first()? & 1),
                b"a1op" => found.operating_point = first()? & 31,
                b"lsel" => {
                    // 65535 stands for the highest.
                    let layer = first16(data).ok_or_else(bad)?;
                    found.spatial_layer = u8::try_from(layer).ok();
                }
                kind if essential && !KNOWN.contains(&kind) => {
                    let name = kind.escape_ascii();
                    return Err(Error::UnsupportedFormat(format!("HEIF that needs {name}")));
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
}

/// Where in a file something is: its address, and its length.
type Place = (usize, usize);

fn place(bytes: &[u8]) -> Place {
    (bytes.as_ptr().addr(), bytes.len())
}

/// Finds images among the items of a file. Items may be named many times, and may share their bytes: what is
/// known of some is not looked for again.
struct ItemFinder<'m, 'a, C: Coded<'a>> {
    meta: &'m Meta<'a>,
    input: &'a [u8],
    /// Bytes that may still be copied, or looked through.
    left: usize,
    /// The alpha of each image that has one.
    alphas: HashMap<u32, u32>,
    /// By the configuration.
    setups: HashMap<Option<Place>, Result<C::Setup, Error>>,
    /// By the configuration, and the bytes of the picture.
    found: HashMap<(Option<Place>, Place), Result<C::Found, Error>>,
}

impl<'m, 'a, C: Coded<'a>> ItemFinder<'m, 'a, C> {
    fn new(meta: &'m Meta<'a>, input: &'a [u8]) -> ItemFinder<'m, 'a, C> {
        let mut alphas = HashMap::new();
        for (from, to) in meta.references(b"auxl").filter(|&(from, _)| is_alpha(meta, from)) {
            for &to in to {
                alphas.entry(to).or_insert(from);
            }
        }
        let (setups, found) = (HashMap::new(), HashMap::new());
        ItemFinder { meta, input, left: input.len(), alphas, setups, found }
    }

    fn item(&self, id: u32) -> Result<&'m MetaItem<'a>, Error> {
        let meta: &'m Meta<'a> = self.meta;
        meta.get(id).ok_or_else(|| broken("an item is missing"))
    }

    fn described(&mut self, id: u32) -> [Option<&'a [u8]>; 2] {
        let (mut exif, mut xmp) = (None, None);
        for (from, _) in self.meta.references(b"cdsc").filter(|(_, to)| to.contains(&id)) {
            let Some(item) = self.meta.get(from) else { continue };
            let Ok(Cow::Borrowed(data)) = self.meta.data(item, self.input, &mut self.left) else {
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

    /// The bytes of an item, looked through.
    fn look(
        &mut self,
        described: &Described<'a>,
        data: Result<Cow<'a, [u8]>, Error>,
    ) -> Result<Looked<'a, C>, Error> {
        let configuration = described.configuration;
        let by = configuration.map(place);
        let setup = self.setups.entry(by).or_insert_with(|| C::set_up(configuration)).clone()?;
        let data = data?;
        let found = match &data {
            Cow::Borrowed(bytes) => {
                let found = self.found.entry((by, place(bytes))).or_insert_with(|| {
                    let left = self.left.checked_sub(bytes.len());
                    self.left = left.ok_or_else(|| broken("items overlap"))?;
                    C::look(&setup, bytes)
                });
                found.clone()?
            }
            // It was counted when it was copied.
            Cow::Owned(bytes) => C::look(&setup, bytes)?,
        };
        Ok(Looked { setup, data, found })
    }

    /// The alpha of a grid whose cells have one each.
    fn alpha_of_cells(
        &mut self,
        id: u32,
        colors: &HeifPicture<'a, C>,
    ) -> Result<Option<HeifPicture<'a, C>>, Error> {
        let cells = self.meta.references_from(b"dimg", id);
        if cells.is_empty() || &self.item(id)?.kind != b"grid" {
            return Ok(None);
        }
        let alphas = cells.iter().map(|cell| self.alphas.get(cell).copied());
        let Some(ids) = alphas.collect::<Option<Vec<_>>>() else { return Ok(None) };
        self.grid(Described::default(), colors.size, colors.columns, &ids).map(Some)
    }

    fn picture(&mut self, id: u32) -> Result<HeifPicture<'a, C>, Error> {
        let item = self.item(id)?;
        let described = Described::of_item(self.meta, item)?;
        let data = self.meta.data(item, self.input, &mut self.left);
        match &item.kind {
            kind if *kind == C::ITEM => {
                let read = self.look(&described, data);
                HeifPicture::of_cell(described, read)
            }
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
                Err(Error::UnsupportedFormat(format!("{} of {name} items", C::FORMAT)))
            }
        }
    }

    fn grid(
        &mut self,
        mut described: Described<'a>,
        size: Size,
        columns: usize,
        ids: &[u32],
    ) -> Result<HeifPicture<'a, C>, Error> {
        if ids.len() > MOST_CELLS {
            return Err(too_many("cells", MOST_CELLS));
        }
        let mut cells: Vec<C> = Vec::new();
        let mut damage = None;
        for &id in ids {
            let item = self.item(id)?;
            if item.kind != C::ITEM {
                let why = format!("{} of grids in grids", C::FORMAT);
                return Err(Error::UnsupportedFormat(why));
            }
            let cell = Described::of_item(self.meta, item)?;
            let data = self.meta.data(item, self.input, &mut self.left);
            let read = self.look(&cell, data);
            cells.push(C::new(&cell, read, &mut damage)?);
            // What nobody says of the whole, the first says of itself.
            if cells.len() == 1 && described.profile.is_none() && described.code_points.is_none() {
                (described.profile, described.code_points) = (cell.profile, cell.code_points);
            }
        }
        let first = cells.first().ok_or_else(|| broken("a grid without cells"))?;
        let (cell, samples, code_points) = (first.size(), first.samples(), first.code_points());
        let same = |other: &C| (other.size(), other.samples()) == (cell, samples);
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
            && samples.chroma != Chroma::Full
            && samples.chroma != Chroma::None;
        if odd {
            let odd = format!("{} of a grid of odd cells", C::FORMAT);
            damage.get_or_insert(Error::UnsupportedFormat(odd));
        }
        Ok(HeifPicture { size, columns, cells, samples, described, code_points, damage })
    }
}

/// Whether an item says that it is an alpha plane.
fn is_alpha(meta: &Meta, id: u32) -> bool {
    meta.get(id).and_then(|item| meta.property(item, b"auxC")).is_some_and(says_alpha)
}

/// Whether a box that says what kind of auxiliary picture it is says alpha.
pub(super) fn says_alpha(data: &[u8]) -> bool {
    full(data).is_ok_and(|(_, _, said)| {
        let mut ends = ALPHA.iter().filter_map(|kind| said.strip_prefix(*kind));
        ends.any(|end| end.first().is_none_or(|&byte| byte == 0))
    })
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// Configurations that were read, and bytes that were looked through.
        static DONE: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    }

    /// A picture that counts what is done for it.
    #[derive(Debug)]
    struct Counted;

    impl<'a> Coded<'a> for Counted {
        const ITEM: FourCc = *b"test";
        const FORMAT: &'static str = "a test";
        type Setup = ();
        type Found = u8;

        fn set_up(_: Option<&'a [u8]>) -> Result<(), Error> {
            DONE.set((DONE.get().0 + 1, DONE.get().1));
            Ok(())
        }

        fn look((): &(), data: &[u8]) -> Result<u8, Error> {
            DONE.set((DONE.get().0, DONE.get().1 + data.len()));
            data.first().copied().filter(|&byte| byte != 0).ok_or_else(|| broken("nought"))
        }

        fn new(
            _: &Described<'a>,
            read: Result<Looked<'a, Self>, Error>,
            _: &mut Option<Error>,
        ) -> Result<Counted, Error> {
            read.map(|_| Counted)
        }

        fn size(&self) -> Size {
            Size::new(1, 1)
        }

        fn samples(&self) -> Samples {
            Samples { depth: 8, chroma: Chroma::None, full_range: true }
        }

        fn code_points(&self) -> CodePoints {
            CodePoints { primaries: 1, transfer: 1, matrix: 1, full_range: true }
        }
    }

    #[test]
    fn what_cells_share_is_looked_through_once() {
        let file = [[1; 1000], [0; 1000], [2; 1000]].concat();
        let meta = Meta::default();
        let mut finder = ItemFinder::<Counted>::new(&meta, &file);
        let of = |configuration: &'static [u8]| Described {
            configuration: Some(configuration),
            ..Described::default()
        };
        let one = of(b"one");
        for _ in 0..1000 {
            let data = Cow::Borrowed(&file[..1000]);
            assert_eq!(finder.look(&one, Ok(data)).map(|looked| looked.found), Ok(1));
            // What is wrong is not looked at again either.
            assert!(finder.look(&one, Ok(Cow::Borrowed(&file[1000..2000]))).is_err());
        }
        assert_eq!(DONE.get(), (1, 2000));
        // Parts of it are others, and so is the same by another configuration, until the file is used up.
        let found = finder.look(&of(b"two"), Ok(Cow::Borrowed(&file[..500]))).map(|it| it.found);
        assert_eq!((found, DONE.get()), (Ok(1), (2, 2500)));
        for start in 1..1000 {
            let _ = finder.look(&one, Ok(Cow::Borrowed(&file[start..start + 400])));
        }
        assert_eq!(DONE.get(), (2, 2900));
        let last = finder.look(&one, Ok(Cow::Borrowed(&file[2000..])));
        assert_eq!(last.map(|_| ()), Err(broken("items overlap")));
    }
}
