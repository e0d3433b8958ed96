//! The boxes of the ISO base media file format (ISO/IEC 14496-12, section 4.2), by where they lie.
//!
//! How many there may be, and what it means that one is not whole, is for whoever reads them.

use std::ops::Range;

use super::bytes::{array, be32};

/// The kind of a box, and of what it describes.
pub(super) type FourCc = [u8; 4];

/// What says of an auxiliary image that it is an alpha plane, with a zero behind it (ISO/IEC
/// 23000-22, section 4).
pub(super) const ALPHA: [&[u8]; 2] =
    [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];

/// A box, by where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct IsoBox {
    pub(super) kind: FourCc,
    pub(super) start: usize,
    /// Where its content begins.
    pub(super) body: usize,
    /// Where it says that it ends, which may be behind the end of what it is in.
    pub(super) end: usize,
}

impl IsoBox {
    /// Reads the header of the box that begins at `start`, in something that ends at `limit`;
    /// `None` where the header is not whole, or longer than the box.
    pub(super) fn read(input: &[u8], start: usize, limit: usize) -> Option<IsoBox> {
        let rest = input.get(start..limit)?;
        let kind = array(rest, 4)?;
        let (header, len) = match be32(rest, 0)? {
            // To the end, wherever that is.
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(array(rest, 8)?)).ok()?),
            len => (8, usize::try_from(len).ok()?),
        };
        let found = IsoBox { kind, start, body: start + header, end: start.checked_add(len)? };
        (found.body <= found.end).then_some(found)
    }

    /// The same of a box that ends at `limit` or before.
    pub(super) fn read_whole(input: &[u8], start: usize, limit: usize) -> Option<IsoBox> {
        IsoBox::read(input, start, limit).filter(|found| found.end <= limit)
    }

    /// All of it, its header included.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Its version and its flags, where it is a full box.
    pub(super) fn version(&self, input: &[u8]) -> Option<(u8, u32)> {
        full(input.get(self.body..self.end)?).map(|(version, flags, _)| (version, flags))
    }
}

/// Version, flags and content of a full box; `None` where these are not there.
pub(super) fn full(data: &[u8]) -> Option<(u8, u32, &[u8])> {
    let start = be32(data, 0)?;
    Some(((start >> 24) as u8, start & 0x00ff_ffff, data.get(4..)?))
}

/// The number that so many bytes are, 8 at most.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let read = |bytes: &[u8]| IsoBox::read(bytes, 0, bytes.len()).map(|at| (at.body, at.end));
        assert_eq!(read(b"\0\0\0\x08free"), Some((8, 8)));
        assert_eq!(read(b"\0\0\0\x09free"), Some((8, 9)));
        assert_eq!(read(b"\0\0\0\0free12"), Some((8, 10)));
        assert_eq!(read(b"\0\0\0\x01free\0\0\0\0\0\0\0\x10"), Some((16, 16)));
        for bytes in [
            &b"\0\0\0\x07free"[..],
            b"\0\0\0\x08fre",
            b"\0\0\0\x01free\0\0\0\0\0\0\0",
            b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f",
            b"",
        ] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
        let (past, overflowing) =
            (b"1\0\0\0\x08free", b"1\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff");
        assert!(IsoBox::read(past, 1, 8).is_none());
        assert!(IsoBox::read(past, 9, 9).is_none());
        assert!(IsoBox::read(overflowing, 1, overflowing.len()).is_none());
    }

    #[test]
    fn full_boxes() {
        assert_eq!(full(b"\x01\0\x02\x03ab"), Some((1, 0x203, &b"ab"[..])));
        assert_eq!(full(b"\0\0\0\0"), Some((0, 0, &b""[..])));
        assert_eq!(full(b"\0\0\0"), None);
        assert_eq!([number(b""), number(b"\x01\x02")], [0, 0x102]);
    }
}
