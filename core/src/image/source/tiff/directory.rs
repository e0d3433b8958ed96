//! Directories of TIFF files (TIFF 6.0, section 2) and of BigTIFF.

use crate::image::Error;
use crate::image::bytes::{be16, be32, le16, le32};
use crate::image::error::broken;

/// More entries no directory has.
const MOST_ENTRIES: u64 = 4096;

/// Which byte of a number comes first, and how long offsets are.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Numbers {
    big_endian: bool,
    /// Whether offsets have 64 bits.
    long: bool,
}

impl Numbers {
    pub(in crate::image) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        if self.big_endian { be16(bytes, at) } else { le16(bytes, at) }
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        if self.big_endian { be32(bytes, at) } else { le32(bytes, at) }
    }

    fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let (first, second) = (self.u32(bytes, at)?, self.u32(bytes, at.checked_add(4)?)?);
        let (high, low) = if self.big_endian { (first, second) } else { (second, first) };
        Some(u64::from(high) << 32 | u64::from(low))
    }

    /// The bytes of a number.
    pub(in crate::image) fn bytes(self, value: u16) -> [u8; 2] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// An offset into the file, or a number that is as long.
    fn offset(self, bytes: &[u8], at: usize) -> Option<u64> {
        if self.long { self.u64(bytes, at) } else { self.u32(bytes, at).map(u64::from) }
    }

    /// Bytes of an offset.
    fn offset_len(self) -> usize {
        if self.long { 8 } else { 4 }
    }
}

/// The directory of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory<'a> {
    file: &'a [u8],
    numbers: Numbers,
    /// Where the entries begin.
    start: usize,
    count: usize,
}

/// The values of an entry, those that are numbers without a sign.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Values<'a> {
    /// As far as the file has them.
    bytes: &'a [u8],
    numbers: Numbers,
    /// Bytes of a value.
    width: usize,
    count: u64,
}

impl Values<'_> {
    /// How many there are to be.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many the file has.
    pub(super) fn there(&self) -> u64 {
        (self.bytes.len() / self.width) as u64
    }

    /// The one at that place; `None` where the file ends before.
    pub(in crate::image) fn get(&self, place: u64) -> Option<u64> {
        if place >= self.count {
            return None;
        }
        let at = usize::try_from(place).ok()?.checked_mul(self.width)?;
        match self.width {
            1 => self.bytes.get(at).copied().map(u64::from),
            2 => self.numbers.u16(self.bytes, at).map(u64::from),
            4 => self.numbers.u32(self.bytes, at).map(u64::from),
            _ => self.numbers.u64(self.bytes, at),
        }
    }
}

impl<'a> Directory<'a> {
    /// The first one of a file.
    pub(super) fn first(file: &'a [u8]) -> Result<Directory<'a>, Error> {
        let numbers = Numbers {
            big_endian: file.first() == Some(&b'M'),
            long: matches!(file.get(2..4), Some(b"+\0" | b"\0+")),
        };
        let at = if numbers.long { 8 } else { 4 };
        Directory::at(file, numbers, numbers.offset(file, at))
            .ok_or_else(|| broken("the file has no whole directory"))
    }

    /// The one that follows.
    pub(super) fn next(&self) -> Option<Directory<'a>> {
        let at = self.start.checked_add(self.count.checked_mul(self.entry_len())?)?;
        Directory::at(self.file, self.numbers, self.numbers.offset(self.file, at))
    }

    fn at(file: &'a [u8], numbers: Numbers, at: Option<u64>) -> Option<Directory<'a>> {
        let at = usize::try_from(at.filter(|&at| at > 0)?).ok()?;
        let count = match numbers.long {
            true => numbers.u64(file, at)?,
            false => numbers.u16(file, at)?.into(),
        };
        let count = usize::try_from(count.min(MOST_ENTRIES)).ok()?;
        let start = at.checked_add(if numbers.long { 8 } else { 2 })?;
        let directory = Directory { file, numbers, start, count };
        file.get(start..start.checked_add(count.checked_mul(directory.entry_len())?)?)?;
        Some(directory)
    }

    pub(super) fn numbers(&self) -> Numbers {
        self.numbers
    }

    fn entry_len(&self) -> usize {
        4 + 2 * self.numbers.offset_len()
    }

    /// The values of the entry with that tag.
    pub(super) fn values(&self, tag: u16) -> Option<Values<'a>> {
        let entries = self.file.get(self.start..)?.chunks_exact(self.entry_len()).take(self.count);
        let numbers = self.numbers;
        let found = entries.enumerate().find(|(_, entry)| numbers.u16(entry, 0) == Some(tag));
        let (place, entry) = found?;
        let width = match numbers.u16(entry, 2)? {
            // Bytes, texts and what has no type; the last one is UTF-8 of Exif 3.0.
            1 | 2 | 7 | 129 => 1,
            3 => 2,
            // Numbers and offsets.
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return None,
        };
        let count = numbers.offset(entry, 4)?;
        let len = usize::try_from(count).ok()?.checked_mul(width)?;
        let field = numbers.offset_len();
        let at = if len <= field {
            self.start + place * self.entry_len() + 4 + field
        } else {
            usize::try_from(numbers.offset(entry, 4 + field)?).ok()?
        };
        let bytes = self.file.get(at..).unwrap_or_default();
        let bytes = bytes.get(..len).unwrap_or(bytes);
        Some(Values { bytes, numbers, width, count })
    }

    /// The first value of the entry with that tag.
    pub(super) fn number(&self, tag: u16) -> Option<u64> {
        self.values(tag)?.get(0)
    }

    /// The bytes of an entry, where they are all there.
    pub(super) fn bytes(&self, tag: u16) -> Option<&'a [u8]> {
        let Values { bytes, width, count, .. } = self.values(tag)?;
        let whole = bytes.len() as u64 == count.checked_mul(width as u64)?;
        (whole && !bytes.is_empty()).then_some(bytes)
    }
}
