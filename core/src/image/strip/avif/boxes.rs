//! Boxes (ISO/IEC 14496-12, section 4.2), by where they lie.

use std::ops::Range;

use crate::image::bytes::{array, be16, be32};

/// Boxes beside each other; no file has as many.
const MOST: usize = 1 << 14;

/// A box, by where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) kind: [u8; 4],
    pub(super) start: usize,
    /// Where its content begins.
    pub(super) body: usize,
    pub(super) end: usize,
}

impl Frame {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Reads the box that begins at `start` and ends at `end` or before.
    pub(super) fn read(input: &[u8], start: usize, end: usize) -> Option<Frame> {
        let kind = array(input, start.checked_add(4)?)?;
        let (header, len) = match be32(input, start)? {
            0 => (8, end.checked_sub(start)?),
            1 => {
                let len = u64::from_be_bytes(array(input, start + 8)?);
                (16, usize::try_from(len).ok()?)
            }
            len => (8, usize::try_from(len).ok()?),
        };
        let frame = Frame { kind, start, body: start + header, end: start.checked_add(len)? };
        (frame.body <= frame.end && frame.end <= end).then_some(frame)
    }
}

/// All boxes of a range, which hold all of it.
pub(super) fn inside(input: &[u8], range: Range<usize>) -> Option<Vec<Frame>> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let frame = Frame::read(input, at, range.end).filter(|_| found.len() < MOST)?;
        at = frame.end;
        found.push(frame);
    }
    Some(found)
}

/// The number of that many bytes, 0, 2, 4 or 8, at `at`.
pub(super) fn number(input: &[u8], at: usize, size: usize) -> Option<u64> {
    match size {
        0 => Some(0),
        2 => be16(input, at).map(u64::from),
        4 => be32(input, at).map(u64::from),
        8 => array(input, at).map(u64::from_be_bytes),
        _ => None,
    }
}

/// The only box of that kind.
pub(super) fn one(frames: &[Frame], kind: &[u8; 4]) -> Option<Frame> {
    let mut found = frames.iter().filter(|frame| &frame.kind == kind);
    let first = found.next()?;
    found.next().is_none().then_some(*first)
}
