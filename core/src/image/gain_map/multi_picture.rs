//! The index of the pictures in a file (CIPA DC-007).

use std::ops::Range;

use crate::image::bytes::{be16, be32, le16, le32};
use crate::image::source::jpeg::{APP2, SOI, SOS, Walk, stands_alone};

/// What the segment of the index begins with. Behind it is a TIFF header, from which places count.
pub(super) const MPF: &[u8] = b"MPF\0";

/// Pictures behind the first one that are looked at; what programs write has three at most.
const MOST: usize = 8;

/// The entries of an index, and what they say of the pictures.
const VERSION: u16 = 0xb000;
const COUNT: u16 = 0xb001;
const ENTRIES: u16 = 0xb002;
const ENTRY_LEN: usize = 16;

/// A primary picture in JPEG, as an entry says it.
const PRIMARY: u32 = 0x0003_0000;

const LONG: u16 = 4;
const UNDEFINED: u16 = 7;

/// Where the index says that other pictures are, as far as that is in the file.
pub(super) fn pictures(input: &[u8]) -> Vec<Range<usize>> {
    listed(input).unwrap_or_default()
}

fn listed(input: &[u8]) -> Option<Vec<Range<usize>>> {
    let header = header(input)?;
    let tiff = input.get(header..)?;
    let is_little = match tiff.first_chunk()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at| if is_little { le16(tiff, at) } else { be16(tiff, at) };
    let long = |at| Some((if is_little { le32(tiff, at) } else { be32(tiff, at) })? as usize);
    let directory = long(4)?;
    let count = usize::from(short(directory)?);
    let mut fields = (0..count).map_while(|field| {
        let at = directory.checked_add(2 + 12 * field)?;
        Some((short(at)?, at))
    });
    let (_, field) = fields.find(|&(tag, _)| tag == ENTRIES)?;
    let (len, start) = (long(field + 4)?, long(field + 8)?);
    let mut found = Vec::new();
    for entry in (0..len / ENTRY_LEN).take(MOST + 1) {
        let at = start.checked_add(entry * ENTRY_LEN)?;
        let (len, offset) = (long(at + 4)?, long(at + 8)?);
        let start = header.checked_add(offset)?;
        let picture = start..start.checked_add(len)?;
        // That of the first picture is 0.
        if offset > 0 && input.get(picture.clone()).is_some() {
            found.push(picture);
        }
    }
    found.truncate(MOST);
    Some(found)
}

/// Where the TIFF header of the index is.
fn header(input: &[u8]) -> Option<usize> {
    let mut walk = Walk::new(input, 2);
    loop {
        let marker = walk.marker()?;
        if marker == SOS || marker == SOI {
            return None;
        }
        if stands_alone(marker) {
            continue;
        }
        let body = walk.segment()?;
        if marker == APP2 && body.starts_with(MPF) {
            return Some(walk.at() - body.len() + MPF.len());
        }
    }
}

/// How long [`index`] is.
pub(super) const INDEX_LEN: usize = MPF.len() + 8 + 2 + 3 * 12 + 4 + 2 * ENTRY_LEN;

/// What is in the segment of an index of two pictures of so many bytes, whose segment's content begins
/// at that place of the first.
pub(super) fn index(at: usize, first: u32, second: u32) -> Vec<u8> {
    let mut out = MPF.to_vec();
    out.extend(b"MM\0*\0\0\0\x08\0\x03");
    let mut field = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        out.extend(tag.to_be_bytes());
        out.extend(kind.to_be_bytes());
        out.extend(count.to_be_bytes());
        out.extend(value);
    };
    field(VERSION, UNDEFINED, 4, *b"0100");
    field(COUNT, LONG, 1, 2u32.to_be_bytes());
    // Behind the directory.
    field(ENTRIES, UNDEFINED, 2 * ENTRY_LEN as u32, 50u32.to_be_bytes());
    out.extend([0; 4]);
    let offset = u64::from(first).saturating_sub((at + MPF.len()) as u64);
    for (attributes, len, offset) in [(PRIMARY, first, 0), (0, second, offset as u32)] {
        out.extend([attributes, len, offset, 0].map(u32::to_be_bytes).concat());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mpf: &[u8], rest: &[u8]) -> Vec<u8> {
        let len = (mpf.len() as u16 + 2).to_be_bytes();
        [&[0xff, 0xd8, 0xff, 0xe2], &len[..], mpf, &[0xff, 0xda, 0, 2], rest].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        let first = file(&[0; INDEX_LEN], b"").len();
        let written = index(6, first as u32, 5);
        assert_eq!(written.len(), INDEX_LEN);
        let whole = file(&written, b"12345");
        assert_eq!(pictures(&whole), vec![first..first + 5]);
        // What is not there is not listed.
        assert_eq!(pictures(&file(&written, b"1234")), []);
        for len in 0..whole.len() {
            assert_eq!(pictures(&whole[..len]), [], "{len}");
        }
    }

    #[test]
    fn either_order_and_no_more_than_some() {
        let entries = |count: usize| {
            let mut mpf = b"MPF\0II*\0\x08\0\0\0\x01\0\x02\xb0\x07\0".to_vec();
            mpf.extend((16 * count as u32).to_le_bytes());
            mpf.extend(26u32.to_le_bytes());
            mpf.extend([0; 4]);
            for entry in 0..count as u32 {
                mpf.extend([0, 1, entry, 0].map(u32::to_le_bytes).concat());
            }
            pictures(&file(&mpf, b"rest"))
        };
        assert_eq!(entries(3), [11..12, 12..13]);
        assert_eq!(entries(1000).len(), MOST);
        assert_eq!(entries(1), []);
    }

    #[test]
    fn places_beyond_all_numbers() {
        for value in [u32::MAX, u32::MAX - 8, 1 << 31] {
            for at in 0..INDEX_LEN - 4 {
                let mut wrong = index(6, 100, 5);
                wrong[at..at + 4].copy_from_slice(&value.to_be_bytes());
                pictures(&file(&wrong, b"12345"));
            }
        }
    }
}
