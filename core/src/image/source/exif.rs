//! The few EXIF tags that matter here (Exif 2.32, TIFF 6.0).

use std::ops::Range;

use super::super::bytes::{array, be16, be32, le16, le32};

const ARTIST: u16 = 0x013b;
const ORIENTATION: u16 = 0x0112;
const COPYRIGHT: u16 = 0x8298;

const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;

/// Longer texts are no names but something that hides.
const MAX_TEXT: usize = 8 * 1024;

/// The first directory of an EXIF block, read where it lies.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Exif<'a> {
    tiff: &'a [u8],
    big_endian: bool,
    /// Where the first entry of the directory is.
    entries: usize,
    count: u16,
}

struct Entry {
    kind: u16,
    count: u32,
    /// Where the value or its offset is.
    at: usize,
}

impl<'a> Exif<'a> {
    /// Reads the header of a TIFF structure; `None` where it is none.
    pub(in super::super) fn new(tiff: &'a [u8]) -> Option<Exif<'a>> {
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
    pub(in super::super) fn orientation(&self) -> u8 {
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

    /// The whole block with the orientation set to 1.
    pub(in super::super) fn upright(&self) -> Vec<u8> {
        let mut tiff = self.tiff.to_vec();
        let patch = self.find(ORIENTATION).and_then(|entry| {
            let one: &[u8] = match (entry.kind, self.big_endian) {
                (SHORT, true) => &[0, 1],
                (SHORT, false) => &[1, 0],
                (LONG, true) => &[0, 0, 0, 1],
                (LONG, false) => &[1, 0, 0, 0],
                _ => return None,
            };
            Some((tiff.get_mut(entry.at..entry.at + one.len())?, one))
        });
        if let Some((value, one)) = patch {
            value.copy_from_slice(one);
        }
        tiff
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
        let entry = self.find(tag).filter(|entry| entry.kind == ASCII)?;
        let len = entry.count as usize;
        let start = if len <= 4 { entry.at } else { self.u32(entry.at)? as usize };
        let text = self.tiff.get(start..start.checked_add(len)?)?;
        // The copyright of an editor follows that of the photographer after a
        // NUL of its own, so only the last ones go.
        let end = text.iter().rposition(|&byte| byte != 0)? + 1;
        text.get(..end)
    }

    fn find(&self, tag: u16) -> Option<Entry> {
        (0..usize::from(self.count))
            .map_while(|i| self.entry(i))
            .find_map(|(found, entry)| (found == tag && entry.count > 0).then_some(entry))
    }

    fn entry(&self, i: usize) -> Option<(u16, Entry)> {
        let at = self.entries.checked_add(i * 12)?;
        let entry = Entry { kind: self.u16(at + 2)?, count: self.u32(at + 4)?, at: at + 8 };
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

/// A block that holds the author and the rights and nothing else; `None` where neither is given.
pub(super) fn copyright(artist: Option<&[u8]>, rights: Option<&[u8]>) -> Option<Vec<u8>> {
    let texts: Vec<(u16, &[u8])> = [(ARTIST, artist), (COPYRIGHT, rights)]
        .into_iter()
        .filter_map(|(tag, text)| Some((tag, text?)))
        .filter(|(_, text)| (1..=MAX_TEXT).contains(&text.len()))
        .collect();
    if texts.is_empty() { None } else { Some(write_texts(&texts)) }
}

/// A little-endian TIFF structure of one directory of texts, ordered by tag.
fn write_texts(texts: &[(u16, &[u8])]) -> Vec<u8> {
    const HEADER: usize = 8;
    let mut heap_at = HEADER + 2 + 12 * texts.len() + 4;
    let mut heap = Vec::new();
    let mut out = b"II*\0".to_vec();
    out.extend_from_slice(&(HEADER as u32).to_le_bytes());
    out.extend_from_slice(&(texts.len() as u16).to_le_bytes());
    for (tag, text) in texts {
        let len = text.len() + 1;
        out.extend_from_slice(&tag.to_le_bytes());
        out.extend_from_slice(&ASCII.to_le_bytes());
        out.extend_from_slice(&(len as u32).to_le_bytes());
        if len <= 4 {
            let mut inline = [0; 4];
            inline.iter_mut().zip(*text).for_each(|(to, from)| *to = *from);
            out.extend_from_slice(&inline);
        } else {
            out.extend_from_slice(&(heap_at as u32).to_le_bytes());
            heap.extend_from_slice(text);
            // Values begin at even offsets (TIFF 6.0, section 2).
            heap.resize(heap.len() + 1 + len % 2, 0);
            heap_at += len + len % 2;
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
        super::copyright(exif.artist(), exif.rights())
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
    fn upright_changes_the_orientation_only() {
        for (big_endian, kind, value, one) in [
            (true, SHORT, [0, 6, 7, 7], [0, 1, 7, 7]),
            (false, SHORT, [6, 0, 7, 7], [1, 0, 7, 7]),
            (true, LONG, [0, 0, 0, 6], [0, 0, 0, 1]),
            (false, LONG, [6, 0, 0, 0], [1, 0, 0, 0]),
        ] {
            let before = block(big_endian, &[(ORIENTATION, kind, 1, value)], b"rest");
            let after = block(big_endian, &[(ORIENTATION, kind, 1, one)], b"rest");
            assert_eq!(Exif::new(&before).unwrap().upright(), after);
        }
        let without = block(true, &[(1, SHORT, 1, [0, 6, 0, 0])], b"");
        assert_eq!(Exif::new(&without).unwrap().upright(), without);
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
                assert_eq!(exif.upright().len(), len);
            }
        }
        assert!(Exif::new(b"II*\0\xff\xff\xff\xff").is_none());
    }
}
