//! What of an EXIF block is still so of an image that was made anew (Exif 2.32, TIFF 6.0).
//!
//! What stays, stays where it was, as makers' notes point to places in the block. Whatever no entry
//! points to any more becomes zeros: thumbnails, previews, and what was edited away before.

use std::ops::Range;

use memchr::memmem;

use crate::image::bytes::{array, be16, be32, le16, le32};
use crate::image::size::Size;

/// What is so now.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewImage {
    /// The size of the image as it is stored.
    pub(super) size: Size,
    /// How it is to be turned to be shown, 1 to 8.
    pub(super) orientation: u8,
    /// Whether the colours were made sRGB.
    pub(super) srgb: bool,
}

const SHORT: u16 = 3;
const LONG: u16 = 4;

const ORIENTATION: u16 = 0x0112;
const EXIF: u16 = 0x8769;
const GPS: u16 = 0x8825;
const INTEROPERABILITY: u16 = 0xa005;
const MAKER_NOTE: u16 = 0x927c;
const COLOR_SPACE: u16 = 0xa001;
const INTEROPERABILITY_INDEX: u16 = 0x0001;

/// How the samples of the source were stored, where others are, and where in them something is:
/// tags from the one up to the other, which stays.
const GONE: [&[(u16, u16)]; 4] = [
    // Of the first directory: storage, strips, tiles, JPEG streams, the XMP, IPTC and Photoshop
    // data and the profile of a TIFF file, directories of other pictures, raw data.
    &[
        (0x00fe, 0x0100),
        (0x0102, 0x0107),
        (0x0111, 0x0112),
        (0x0115, 0x011a),
        (0x011c, 0x011d),
        (0x0142, 0x0146),
        (0x014a, 0x014b),
        (0x015b, 0x015c),
        (0x0200, 0x020a),
        (0x0212, 0x0214),
        (0x02bc, 0x02bd),
        (0x83bb, 0x83bc),
        (0x8649, 0x864a),
        (0x8773, 0x8774),
        (0xc600, 0xcfff),
    ],
    // Bits for each pixel, places in the image, pixels of the sensor for each of the image.
    &[(0x9102, 0x9103), (0x9214, 0x9215), (0xa20e, 0xa211), (0xa214, 0xa215)],
    &[],
    // The format of the file.
    &[(0x1000, 0x1001)],
];

/// A directory by its place in [`GONE`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directory {
    First,
    Exif,
    Gps,
    Interoperability,
}

/// A new block; `None` where the old one can't be read.
pub(super) fn still_so(tiff: &[u8], now: NewImage) -> Option<Vec<u8>> {
    let big_endian = match &array(tiff, 0)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let mut out = Vec::new();
    out.try_reserve_exact(tiff.len()).ok()?;
    out.resize(tiff.len(), 0);
    let mut block =
        TiffWriter { tiff, big_endian, now, out, tables: Vec::new(), copied: 0, end: 0 };
    block.keep(0..8)?;
    let first = block.u32(4)? as usize;
    block.directory(first, Directory::First)?;
    let TiffWriter { mut out, tables, end, .. } = block;
    // Last, as nothing that overlaps them may undo what was changed.
    for (at, table) in tables {
        out.get_mut(at..at + table.len())?.copy_from_slice(&table);
    }
    out.truncate(end);
    Some(out)
}

struct TiffWriter<'a> {
    tiff: &'a [u8],
    big_endian: bool,
    now: NewImage,
    out: Vec<u8>,
    /// The directories that are left, and where they are.
    tables: Vec<(usize, Vec<u8>)>,
    /// How much was copied.
    copied: usize,
    /// Where the last of what is left ends.
    end: usize,
}

impl TiffWriter<'_> {
    /// Leaves of a directory what is so.
    fn directory(&mut self, at: usize, which: Directory) -> Option<()> {
        let count = usize::from(self.u16(at)?);
        let end = at.checked_add(2 + 12 * count)?;
        let entries = self.tiff.get(at + 2..end)?.as_chunks::<12>().0;
        let mut left: Vec<[u8; 12]> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if let Some(entry) = self.entry(entry, at + 2 + 12 * index, which) {
                left.push(entry);
            }
        }
        let mut table = self.two(u16::try_from(left.len()).ok()?).to_vec();
        table.extend_from_slice(left.as_flattened());
        // There is no next directory, where thumbnails are. Those that were not followed by an
        // offset at all had nothing behind them.
        let room = end.saturating_add(4).min(self.tiff.len());
        table.resize(room - at, 0);
        self.end = self.end.max(room);
        self.tables.push((at, table));
        Some(())
    }

    /// What becomes of an entry, which is at `at`; `None` where it goes.
    fn entry(&mut self, entry: &[u8; 12], at: usize, which: Directory) -> Option<[u8; 12]> {
        use Directory::{Exif, First, Gps, Interoperability};

        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
        if GONE.get(which as usize)?.iter().any(|&(from, to)| (from..to).contains(&tag)) {
            return None;
        }
        let Size { width, height } = self.now.size;
        match (which, tag) {
            (First, ORIENTATION) => return Some(self.short(tag, self.now.orientation.into())),
            (First, 0x0100) | (Exif, 0xa002) | (Interoperability, 0x1001) => {
                return Some(self.long(tag, width));
            }
            (First, 0x0101) | (Exif, 0xa003) | (Interoperability, 0x1002) => {
                return Some(self.long(tag, height));
            }
            (Exif, COLOR_SPACE) if self.now.srgb => return Some(self.short(tag, 1)),
            (Interoperability, INTEROPERABILITY_INDEX) if self.now.srgb => {
                let mut entry = *entry;
                entry.get_mut(8..12)?.copy_from_slice(b"R98\0");
                return (count == 4).then_some(entry);
            }
            (First, EXIF | GPS) | (Exif, INTEROPERABILITY) => {
                let inner = match tag {
                    EXIF => Exif,
                    GPS => Gps,
                    _ => Interoperability,
                };
                // Of two only the first counts.
                let known = self.tables.len();
                let at = self.u32(at + 8)? as usize;
                if known > 3 {
                    return None;
                }
                return self.directory(at, inner).map(|()| *entry);
            }
            (_, EXIF | GPS | INTEROPERABILITY) => return None,
            _ => {}
        }
        let size = match kind {
            // The last one is UTF-8 of Exif 3.0.
            1 | 2 | 6 | 7 | 129 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let len = usize::try_from(count).ok()?.checked_mul(size)?;
        if len > 4 {
            let start = self.u32(at + 8)? as usize;
            let value = start..start.checked_add(len)?;
            let bytes = self.tiff.get(value.clone())?;
            // A preview.
            if tag == MAKER_NOTE && memmem::find(bytes, b"\xff\xd8\xff").is_some() {
                return None;
            }
            self.keep(value)?;
        }
        Some(*entry)
    }

    /// Leaves a range as it is; `None` where it is not there, or all of them together are more than
    /// there could be if they did not overlap.
    fn keep(&mut self, range: Range<usize>) -> Option<()> {
        let from = self.tiff.get(range.clone())?;
        self.copied = self.copied.checked_add(range.len())?;
        if self.copied > 2 * self.tiff.len() {
            return None;
        }
        self.end = self.end.max(range.end);
        self.out.get_mut(range)?.copy_from_slice(from);
        Some(())
    }

    fn short(&self, tag: u16, value: u16) -> [u8; 12] {
        let [a, b] = self.two(value);
        self.inline(tag, SHORT, [a, b, 0, 0])
    }

    fn long(&self, tag: u16, value: u32) -> [u8; 12] {
        self.inline(tag, LONG, self.four(value))
    }

    fn inline(&self, tag: u16, kind: u16, value: [u8; 4]) -> [u8; 12] {
        let mut entry = [0; 12];
        let fields = [&self.two(tag)[..], &self.two(kind), &self.four(1), &value].concat();
        entry.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        entry
    }

    fn two(&self, value: u16) -> [u8; 2] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn four(&self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u16(&self, at: usize) -> Option<u16> {
        if self.big_endian { be16(self.tiff, at) } else { le16(self.tiff, at) }
    }

    fn u32(&self, at: usize) -> Option<u32> {
        if self.big_endian { be32(self.tiff, at) } else { le32(self.tiff, at) }
    }
}
