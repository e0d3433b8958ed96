//! Boxes beside each other.

use std::ops::Range;

use crate::image::isobmff::{self, IsoBox};

/// Boxes beside each other; no file has as many.
const MOST: usize = 1 << 14;

/// All boxes of a range, which hold all of it.
pub(super) fn inside(input: &[u8], range: Range<usize>) -> Option<Vec<IsoBox>> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let frame = IsoBox::read_whole(input, at, range.end).filter(|_| found.len() < MOST)?;
        at = frame.end;
        found.push(frame);
    }
    Some(found)
}

/// The number of that many bytes, 0, 2, 4 or 8, at `at`.
pub(super) fn number(input: &[u8], at: usize, size: usize) -> Option<u64> {
    match size {
        0 => Some(0),
        2 | 4 | 8 => input.get(at..at.checked_add(size)?).map(isobmff::number),
        _ => None,
    }
}

/// The only box of that kind.
pub(super) fn one(frames: &[IsoBox], kind: &[u8; 4]) -> Option<IsoBox> {
    let mut found = frames.iter().filter(|frame| &frame.kind == kind);
    let first = found.next()?;
    found.next().is_none().then_some(*first)
}
