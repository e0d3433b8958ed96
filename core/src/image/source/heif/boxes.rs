//! Boxes that follow each other, and the items of a file (ISO/IEC 14496-12, section 8.11; ISO/IEC
//! 23008-12): every table is gone through once, and none may have more entries than a file that
//! anybody makes.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::image::Error;
use crate::image::bytes::{array, be16};
use crate::image::error::{broken, truncated};
use crate::image::isobmff::{self, FourCc, IsoBox};
use crate::image::raster::append;

/// Boxes in one other.
const MOST_BOXES: usize = 4096;

/// Items, of which a grid of 1024 cells with alpha takes 2050.
const MOST_ITEMS: usize = 4096;

/// Properties of all items.
const MOST_PROPERTIES: usize = 4096;

/// Properties of one item.
const MOST_OF_ITEM: usize = 32;

/// Pieces of which all items are put together.
const MOST_EXTENTS: usize = 4096;

/// References from item to item, and items that they are from: a grid of 1024 cells that are multiplied by
/// an alpha each has 5121.
const MOST_REFERENCES: usize = 8192;

/// More of something than a file has that anybody makes.
pub(in crate::image::source) fn too_many(what: &str, most: usize) -> Error {
    Error::UnsupportedFormat(format!("HEIF of more than {most} {what}"))
}

/// The boxes that follow each other in `input`.
pub(in crate::image::source) fn boxes(input: &[u8]) -> Boxes<'_> {
    Boxes { input, at: 0, count: 0 }
}

pub(in crate::image::source) struct Boxes<'a> {
    input: &'a [u8],
    at: usize,
    count: usize,
}

/// A box, as much of its content as there is, and whether that is all.
pub(in crate::image::source) struct BoxContent<'a> {
    pub(in crate::image::source) kind: FourCc,
    pub(in crate::image::source) data: &'a [u8],
    pub(in crate::image::source) whole: bool,
}

impl<'a> Boxes<'a> {
    fn read(&mut self) -> Option<BoxContent<'a>> {
        let IsoBox { kind, body, end, .. } = IsoBox::read(self.input, self.at, self.input.len())?;
        let whole = end <= self.input.len();
        let data = self.input.get(body..end.min(self.input.len()))?;
        self.at = end;
        Some(BoxContent { kind, data, whole })
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<BoxContent<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.input.len() {
            return None;
        }
        self.count += 1;
        let found = if self.count > MOST_BOXES {
            Err(too_many("boxes", MOST_BOXES))
        } else {
            self.read().ok_or_else(|| broken("a box is not whole"))
        };
        if found.is_err() {
            self.at = self.input.len();
        }
        Some(found)
    }
}

/// The first box of a kind in `input`.
pub(in crate::image::source) fn child<'a>(
    input: &'a [u8],
    kind: &FourCc,
) -> Result<Option<&'a [u8]>, Error> {
    for found in boxes(input) {
        let found = found?;
        if &found.kind == kind {
            return if found.whole { Ok(Some(found.data)) } else { Err(truncated()) };
        }
    }
    Ok(None)
}

/// Version, flags and content of a full box.
pub(in crate::image::source) fn full(data: &[u8]) -> Result<(u8, u32, &[u8]), Error> {
    isobmff::full(data).ok_or_else(truncated)
}

/// A reader of numbers, whose lengths versions differ in.
pub(in crate::image::source) struct FieldReader<'a>(pub(in crate::image::source) &'a [u8]);

impl<'a> FieldReader<'a> {
    pub(in crate::image::source) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (bytes, rest) =
            self.0.split_at_checked(len).ok_or_else(|| broken("a box is too short"))?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A number of 0, 1, 2, 4 or 8 bytes.
    pub(in crate::image::source) fn number(&mut self, len: usize) -> Result<u64, Error> {
        self.bytes(len).map(isobmff::number)
    }

    pub(in crate::image::source) fn u8(&mut self) -> Result<u8, Error> {
        self.number(1).map(|number| number as u8)
    }

    pub(in crate::image::source) fn u16(&mut self) -> Result<u16, Error> {
        self.number(2).map(|number| number as u16)
    }

    pub(in crate::image::source) fn u32(&mut self) -> Result<u32, Error> {
        self.number(4).map(|number| number as u32)
    }

    /// A number of 4 bytes where `wide` is set, and else of 2.
    fn wide(&mut self, wide: bool) -> Result<u32, Error> {
        self.number(if wide { 4 } else { 2 }).map(|number| number as u32)
    }
}

/// An item.
#[derive(Debug, Default)]
pub(in crate::image::source) struct MetaItem<'a> {
    pub(in crate::image::source) kind: FourCc,
    /// Its media type, where the kind is `mime`.
    pub(in crate::image::source) content_type: &'a [u8],
    /// Indices of its properties, and whether they may not be passed over.
    properties: Vec<(usize, bool)>,
    extents: Vec<(u64, u64)>,
    in_idat: bool,
}

/// A reference from an item to others.
#[derive(Debug)]
struct Reference {
    kind: FourCc,
    from: u32,
    to: Vec<u32>,
}

/// What a `meta` box says.
#[derive(Debug, Default)]
pub(in crate::image::source) struct Meta<'a> {
    pub(in crate::image::source) primary: Option<u32>,
    items: HashMap<u32, MetaItem<'a>>,
    properties: Vec<(FourCc, &'a [u8])>,
    references: Vec<Reference>,
    idat: &'a [u8],
}

impl<'a> Meta<'a> {
    /// Reads it.
    pub(in crate::image::source) fn read(data: &'a [u8]) -> Result<Meta<'a>, Error> {
        let mut meta = Meta::default();
        let (mut extents, mut associated, mut references) = (0, 0, 0);
        for found in boxes(full(data)?.2) {
            let BoxContent { kind, data, whole } = found?;
            if !whole {
                return Err(truncated());
            }
            match &kind {
                b"pitm" => {
                    let (version, _, data) = full(data)?;
                    meta.primary = Some(FieldReader(data).wide(version > 0)?);
                }
                b"iinf" => meta.add_items(data)?,
                b"iloc" => meta.add_places(data, &mut extents)?,
                b"iref" => meta.add_references(data, &mut references)?,
                b"idat" => meta.idat = data,
                b"iprp" => meta.add_properties(data, &mut associated)?,
                _ => {}
            }
        }
        Ok(meta)
    }

    fn item(&mut self, id: u32) -> Result<&mut MetaItem<'a>, Error> {
        if self.items.len() >= MOST_ITEMS && !self.items.contains_key(&id) {
            return Err(too_many("items", MOST_ITEMS));
        }
        Ok(self.items.entry(id).or_default())
    }

    fn add_items(&mut self, data: &'a [u8]) -> Result<(), Error> {
        let (version, _, data) = full(data)?;
        let mut fields = FieldReader(data);
        if fields.wide(version > 0)? as usize > MOST_ITEMS {
            return Err(too_many("items", MOST_ITEMS));
        }
        for found in boxes(fields.0) {
            let found = found?;
            if &found.kind != b"infe" {
                continue;
            }
            let (version, _, data) = full(found.data)?;
            if version < 2 {
                continue;
            }
            let mut fields = FieldReader(data);
            let id = fields.wide(version > 2)?;
            let _protection = fields.u16()?;
            let kind = array(fields.bytes(4)?, 0).unwrap_or_default();
            let mut names = fields.0.split(|&byte| byte == 0).skip(1);
            let item = self.item(id)?;
            item.kind = kind;
            item.content_type = names.next().unwrap_or_default();
        }
        Ok(())
    }

    fn add_places(&mut self, data: &'a [u8], extents: &mut usize) -> Result<(), Error> {
        let (version, _, data) = full(data)?;
        let mut fields = FieldReader(data);
        let sizes = fields.u16()?;
        let size = |shift: u32| usize::from(sizes >> shift & 15);
        let (offset, length, base) = (size(12), size(8), size(4));
        let index = if version == 0 { 0 } else { size(0) };
        if version > 2 || [offset, length, base, index].iter().any(|len| ![0, 4, 8].contains(len)) {
            return Err(broken("where items are is told in a way that is not known"));
        }
        let count = fields.wide(version > 1)? as usize;
        if count > MOST_ITEMS {
            return Err(too_many("items", MOST_ITEMS));
        }
        for _ in 0..count {
            let id = fields.wide(version > 1)?;
            let method = if version == 0 { 0 } else { fields.u16()? & 15 };
            let elsewhere = fields.u16()? != 0;
            let base = fields.number(base)?;
            let pieces = fields.u16()?;
            *extents += usize::from(pieces);
            if *extents > MOST_EXTENTS {
                return Err(too_many("pieces of items", MOST_EXTENTS));
            }
            let item = self.item(id)?;
            // What is said twice, or is in another file, is no item that can be read.
            let known = method <= 1 && !elsewhere && item.extents.is_empty();
            item.in_idat = method == 1;
            for _ in 0..pieces {
                fields.number(index)?;
                let start = base.checked_add(fields.number(offset)?);
                let len = fields.number(length)?;
                item.extents.push((start.filter(|_| known).unwrap_or(u64::MAX), len));
            }
        }
        Ok(())
    }

    fn add_references(&mut self, data: &'a [u8], count: &mut usize) -> Result<(), Error> {
        let (version, _, data) = full(data)?;
        for found in boxes(data) {
            let found = found?;
            let mut fields = FieldReader(found.data);
            let from = fields.wide(version > 0)?;
            let len = usize::from(fields.u16()?);
            // One to nothing is one as well.
            *count += len + 1;
            if *count > MOST_REFERENCES {
                return Err(too_many("references", MOST_REFERENCES));
            }
            let to = (0..len).map(|_| fields.wide(version > 0)).collect::<Result<_, _>>()?;
            self.references.push(Reference { kind: found.kind, from, to });
        }
        Ok(())
    }

    fn add_properties(&mut self, data: &'a [u8], associated: &mut usize) -> Result<(), Error> {
        for found in boxes(data) {
            let BoxContent { kind, data, .. } = found?;
            match &kind {
                b"ipco" => {
                    for found in boxes(data) {
                        let BoxContent { kind, data, .. } = found?;
                        if self.properties.len() >= MOST_PROPERTIES {
                            return Err(too_many("properties", MOST_PROPERTIES));
                        }
                        self.properties.push((kind, data));
                    }
                }
                b"ipma" => self.add_associations(data, associated)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_associations(&mut self, data: &'a [u8], associated: &mut usize) -> Result<(), Error> {
        let (version, flags, data) = full(data)?;
        let mut fields = FieldReader(data);
        let count = fields.u32()? as usize;
        *associated = associated.saturating_add(count);
        if *associated > MOST_ITEMS {
            return Err(too_many("items with properties", MOST_ITEMS));
        }
        for _ in 0..count {
            let id = fields.wide(version > 0)?;
            let len = usize::from(fields.u8()?);
            let item = self.item(id)?;
            if item.properties.len() + len > MOST_OF_ITEM {
                return Err(too_many("properties of an item", MOST_OF_ITEM));
            }
            for _ in 0..len {
                let (essential, index) = if flags & 1 != 0 {
                    let number = fields.u16()?;
                    (number & 0x8000 != 0, number & 0x7fff)
                } else {
                    let number = fields.u8()?;
                    (number & 0x80 != 0, u16::from(number & 0x7f))
                };
                if let Some(index) = usize::from(index).checked_sub(1) {
                    item.properties.push((index, essential));
                }
            }
        }
        Ok(())
    }

    pub(in crate::image::source) fn get(&self, id: u32) -> Option<&MetaItem<'a>> {
        self.items.get(&id)
    }

    /// The properties of an item in their order, and whether they may not be passed over.
    pub(in crate::image::source) fn properties(
        &self,
        item: &MetaItem<'a>,
    ) -> impl Iterator<Item = (&FourCc, &'a [u8], bool)> {
        item.properties.iter().filter_map(|&(index, essential)| {
            self.properties.get(index).map(|(kind, data)| (kind, *data, essential))
        })
    }

    /// The first property of a kind.
    pub(in crate::image::source) fn property(
        &self,
        item: &MetaItem<'a>,
        wanted: &FourCc,
    ) -> Option<&'a [u8]> {
        self.properties(item).find(|(kind, ..)| *kind == wanted).map(|(_, data, _)| data)
    }

    /// To what an item refers.
    pub(in crate::image::source) fn references_from(&self, kind: &FourCc, from: u32) -> &[u32] {
        let mut found = self.references.iter().filter(|found| &found.kind == kind);
        found.find(|found| found.from == from).map_or(&[], |found| &found.to)
    }

    /// All references of a kind: from which item to which ones.
    pub(in crate::image::source) fn references(
        &self,
        kind: &FourCc,
    ) -> impl Iterator<Item = (u32, &[u32])> {
        let found = self.references.iter().filter(move |found| &found.kind == kind);
        found.map(|found| (found.from, found.to.as_slice()))
    }

    /// The bytes of an item; copied where they come in pieces, as many bytes as there are left.
    pub(in crate::image::source) fn data(
        &self,
        item: &MetaItem<'a>,
        file: &'a [u8],
        left: &mut usize,
    ) -> Result<Cow<'a, [u8]>, Error> {
        let space = if item.in_idat { self.idat } else { file };
        let piece = |&(start, len): &(u64, u64)| {
            let start = usize::try_from(start).ok()?;
            let rest = space.get(start..)?;
            // A length of 0 means all.
            if len == 0 { Some(rest) } else { rest.get(..usize::try_from(len).ok()?) }
        };
        let missing = || if item.in_idat { broken("an item is not there") } else { truncated() };
        if let [extent] = item.extents.as_slice() {
            return piece(extent).map(Cow::Borrowed).ok_or_else(missing);
        }
        let mut whole = Vec::new();
        for extent in &item.extents {
            let piece = piece(extent).ok_or_else(missing)?;
            *left = left.checked_sub(piece.len()).ok_or_else(|| broken("items overlap"))?;
            append(&mut whole, piece)?;
        }
        if whole.is_empty() { Err(broken("an item has no bytes")) } else { Ok(Cow::Owned(whole)) }
    }
}

/// A big-endian 16-bit number at the start, for boxes that begin with one.
pub(in crate::image::source) fn first16(data: &[u8]) -> Option<u16> {
    be16(data, 0)
}
