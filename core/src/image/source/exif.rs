//! The few EXIF tags that matter here (Exif 3.0, TIFF 6.0).

use std::ops::Range;

use crate::image::bytes::{array, be16, be32, le16, le32};

pub(super) const ARTIST: u16 = 0x013b;
const ORIENTATION: u16 = 0x0112;
pub(super) const COPYRIGHT: u16 = 0x8298;

const ASCII: u16 = 2;
/// Since Exif 3.0.
const UTF8: u16 = 129;
const SHORT: u16 = 3;
const LONG: u16 = 4;

/// Longer texts are no names but something that hides.
pub(super) const MAX_TEXT: usize = 8 * 1024;

/// The first directory of an EXIF block, read where it lies.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Exif<'a> {
    tiff: &'a [u8],
    big_endian: bool,
    /// Where the first entry of the directory is.
    entries: usize,
    count: u16,
}

struct TiffEntry {
    kind: u16,
    count: u32,
    /// Where the value or its offset is.
    at: usize,
}

impl<'a> Exif<'a> {
    /// Reads the header of a TIFF structure; `None` where it is none.
    pub(in crate::image) fn new(tiff: &'a [u8]) -> Option<Exif<'a>> {
        let big_endian = match &array(tiff, 0)? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        let mut exif = Exif { tiff, big_endian, entries: 0, count: 0 };
        let directory = exif.u32(4)? as usize;
        exif.count = exif.u16(directory)?;
        exif.entries = directory.checked_add(2)?;
        Some(exif)
    }

    /// The orientation, 1 to 8; 1 where none or no valid one is given.
    pub(in crate::image) fn orientation(&self) -> u8 {
        let value = self.find(ORIENTATION).and_then(|entry| match entry.kind {
            SHORT => self.u16(entry.at).map(u32::from),
            LONG => self.u32(entry.at),
            _ => None,
        });
        match value {
            Some(value @ 1..=8) => value as u8,
            _ => 1,
        }
    }

    /// The author.
    pub(super) fn artist(&self) -> Option<&'a [u8]> {
        self.text(ARTIST)
    }

    /// The rights.
    pub(super) fn rights(&self) -> Option<&'a [u8]> {
        self.text(COPYRIGHT)
    }

    fn text(&self, tag: u16) -> Option<&'a [u8]> {
        let entry = self.find(tag).filter(|entry| matches!(entry.kind, ASCII | UTF8))?;
        let len = entry.count as usize;
        let start = if len <= 4 { entry.at } else { self.u32(entry.at)? as usize };
        text(self.tiff.get(start..start.checked_add(len)?)?)
    }

    fn find(&self, tag: u16) -> Option<TiffEntry> {
        (0..usize::from(self.count))
            .map_while(|i| self.entry(i))
            .find_map(|(found, entry)| (found == tag && entry.count > 0).then_some(entry))
    }

    fn entry(&self, i: usize) -> Option<(u16, TiffEntry)> {
        let at = self.entries.checked_add(i * 12)?;
        let entry = TiffEntry { kind: self.u16(at + 2)?, count: self.u32(at + 4)?, at: at + 8 };
        self.tiff.get(Range { start: at, end: at + 12 })?;
        Some((self.u16(at)?, entry))
    }

    fn u16(&self, at: usize) -> Option<u16> {
        if self.big_endian { be16(self.tiff, at) } else { le16(self.tiff, at) }
    }

    fn u32(&self, at: usize) -> Option<u32> {
        if self.big_endian { be32(self.tiff, at) } else { le32(self.tiff, at) }
    }
}

/// A text as it is stored, without its end; `None` for one that is blank.
pub(super) fn text(stored: &[u8]) -> Option<&[u8]> {
    // The copyright of an editor follows that of the photographer after a NUL of its own, so only the last ones go.
    let end = stored.iter().rposition(|&byte| byte != 0)? + 1;
    stored.get(..end).filter(|text| !is_blank(text))
}

/// Whether a text says nothing: cameras whose owner has given no name write spaces.
pub(super) fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte == 0 || byte.is_ascii_whitespace())
}

/// A block that holds an orientation, the author and the rights, of these what is given, and
/// nothing else; `None` where nothing is.
pub(super) fn reduced(
    orientation: Option<u8>,
    artist: Option<&[u8]>,
    rights: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let texts = [(ARTIST, artist), (COPYRIGHT, rights)].into_iter();
    let texts = texts
        .filter_map(|(tag, text)| Some((tag, text?)))
        .filter(|(_, text)| (1..=MAX_TEXT).contains(&text.len()))
        .map(|(tag, text)| (tag, ASCII, [text, &[0]].concat()));
    let orientation = orientation.map(|value| (ORIENTATION, SHORT, vec![value, 0]));
    let entries: Vec<_> = orientation.into_iter().chain(texts).collect();
    if entries.is_empty() { None } else { Some(write(&entries)) }
}

/// A little-endian TIFF structure of one directory, ordered by tag, whose values are of that type.
fn write(entries: &[(u16, u16, Vec<u8>)]) -> Vec<u8> {
    const HEADER: usize = 8;
    let mut heap_at = HEADER + 2 + 12 * entries.len() + 4;
    let mut heap = Vec::new();
    let mut out = b"II*\0".to_vec();
    out.extend_from_slice(&(HEADER as u32).to_le_bytes());
    out.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    for (tag, kind, value) in entries {
        let count = if *kind == SHORT { value.len() / 2 } else { value.len() };
        out.extend_from_slice(&tag.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&(count as u32).to_le_bytes());
        if value.len() <= 4 {
            let mut inline = [0; 4];
            inline.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
            out.extend_from_slice(&inline);
        } else {
            out.extend_from_slice(&(heap_at as u32).to_le_bytes());
            heap.extend_from_slice(value);
            // Values begin at even offsets (TIFF 6.0, section 2).
            heap.resize(heap.len() + value.len() % 2, 0);
            heap_at += value.len() + value.len() % 2;
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&heap);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copyright(tiff: &[u8]) -> Option<Vec<u8>> {
        let exif = Exif::new(tiff).unwrap();
        super::reduced(None, exif.artist(), exif.rights())
    }

    /// A block with the given entries (tag, kind, count, value field) and heap.
    fn block(big_endian: bool, entries: &[(u16, u16, u32, [u8; 4])], heap: &[u8]) -> Vec<u8> {
        let two = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
        let four = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut out = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        out.extend(four(8));
        out.extend(two(entries.len() as u16));
        for (tag, kind, count, value) in entries {
            out.extend(two(*tag));
            out.extend(two(*kind));
            out.extend(four(*count));
            out.extend(value);
        }
        out.extend([0; 4]);
        out.extend(heap);
        out
    }

    #[test]
    fn orientation_in_both_byte_orders() {
        for value in 1..=8 {
            let big = block(true, &[(ORIENTATION, SHORT, 1, [0, value, 0, 0])], b"");
            assert_eq!(Exif::new(&big).unwrap().orientation(), value);
            let little = block(false, &[(ORIENTATION, LONG, 1, [value, 0, 0, 0])], b"");
            assert_eq!(Exif::new(&little).unwrap().orientation(), value);
        }
        for value in [0, 9, 255] {
            let bad = block(true, &[(ORIENTATION, SHORT, 1, [0, value, 0, 0])], b"");
            assert_eq!(Exif::new(&bad).unwrap().orientation(), 1);
        }
    }

    #[test]
    fn copyright_keeps_two_texts() {
        let heap_at = 8 + 2 + 3 * 12 + 4;
        let gps = (0x8825, LONG, 1, [8, 0, 0, 0]);
        let tiff = block(
            false,
            &[(ARTIST, ASCII, 4, *b"Ann\0"), gps, (COPYRIGHT, ASCII, 10, [heap_at as u8, 0, 0, 0])],
            b"(c) Ann C\0",
        );
        let kept = copyright(&tiff).unwrap();
        let kept = Exif::new(&kept).unwrap();
        assert_eq!(kept.text(ARTIST), Some(&b"Ann"[..]));
        assert_eq!(kept.text(COPYRIGHT), Some(&b"(c) Ann C"[..]));
        assert!(kept.find(0x8825).is_none());
        assert_eq!(kept.count, 2);

        let neither = block(false, &[gps], b"");
        assert!(copyright(&neither).is_none());
    }

    #[test]
    fn offsets_outside_are_no_text() {
        for offset in [[0xff; 4], [200, 0, 0, 0]] {
            let tiff = block(false, &[(COPYRIGHT, ASCII, 10, offset)], b"(c) Ann C\0");
            assert!(copyright(&tiff).is_none());
        }
        let endless = block(false, &[(COPYRIGHT, ASCII, u32::MAX, [26, 0, 0, 0])], b"");
        assert!(copyright(&endless).is_none());
    }

    #[test]
    fn every_truncation_is_survived() {
        let tiff = block(
            true,
            &[(ORIENTATION, SHORT, 1, [0, 6, 0, 0]), (COPYRIGHT, ASCII, 6, [0, 0, 0, 38])],
            b"rights",
        );
        for len in 0..tiff.len() {
            if let Some(exif) = Exif::new(&tiff[..len]) {
                exif.orientation();
                copyright(&tiff[..len]);
            }
        }
        assert!(Exif::new(b"II*\0\xff\xff\xff\xff").is_none());
    }
}
