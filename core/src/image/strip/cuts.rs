//! What is taken out of a source and put in its place, and what stays.

use std::ops::Range;

use crate::image::Error;
use crate::image::raster::with_room;
use crate::image::source::Icc;

/// More cuts than any program that writes images gives reason for. What needs them is not
/// understood, so that their memory is bounded.
const MOST: usize = 1 << 14;

/// What stays although no pixel is made of it.
#[derive(Debug, Default)]
pub(super) struct Kept<'k> {
    /// The profile, if it does.
    pub(super) profile: Option<&'k Icc<'k>>,
    /// An EXIF block, instead of all metadata that there is.
    pub(super) exif: Option<Vec<u8>>,
}

/// Ranges of a source, in their order, and the bytes that stand in their place.
#[derive(Debug)]
pub(in crate::image) struct Cuts<'a> {
    input: &'a [u8],
    cuts: Vec<Cut>,
}

#[derive(Debug)]
struct Cut {
    range: Range<usize>,
    by: Vec<u8>,
}

impl<'a> Cuts<'a> {
    /// None yet.
    pub(super) fn new(input: &'a [u8]) -> Cuts<'a> {
        Cuts { input, cuts: Vec::new() }
    }

    /// Whether all stays as it is.
    pub(in crate::image) fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    /// How long the result is.
    pub(in crate::image) fn len(&self) -> usize {
        self.cuts.iter().fold(self.input.len(), |len, cut| {
            len.saturating_sub(cut.range.len()).saturating_add(cut.by.len())
        })
    }

    /// Takes a range out.
    pub(super) fn cut(&mut self, range: Range<usize>) -> Option<()> {
        self.replace(range, &[])
    }

    /// Puts bytes in the place of a range, which begins where the one before ends or behind it;
    /// `None` where there are too many, or the range is not in the source.
    pub(super) fn replace(&mut self, range: Range<usize>, by: &[u8]) -> Option<()> {
        if self.input.get(range.clone())? == by {
            return Some(());
        }
        let is_full = self.cuts.len() >= MOST;
        match self.cuts.last_mut() {
            Some(last) if range.start < last.range.end => return None,
            Some(last) if range.start == last.range.end => {
                last.range.end = range.end;
                last.by.extend_from_slice(by);
            }
            _ if is_full => return None,
            _ => self.cuts.push(Cut { range, by: by.to_vec() }),
        }
        Some(())
    }

    /// Like [`replace`](Cuts::replace), before or between cuts that were made already; `None`
    /// where one of them overlaps.
    pub(super) fn replace_before(&mut self, range: Range<usize>, by: &[u8]) -> Option<()> {
        if self.input.get(range.clone())? == by {
            return Some(());
        }
        let place = self.cuts.partition_point(|cut| cut.range.end <= range.start);
        let overlaps = self.cuts.get(place).is_some_and(|next| next.range.start < range.end);
        if overlaps || self.cuts.len() >= MOST {
            return None;
        }
        self.cuts.insert(place, Cut { range, by: by.to_vec() });
        Some(())
    }

    /// What is left.
    pub(in crate::image) fn apply(&self) -> Result<Vec<u8>, Error> {
        let mut out = with_room(self.len())?;
        let mut at = 0;
        for Cut { range, by } in &self.cuts {
            out.extend_from_slice(self.input.get(at..range.start).unwrap_or_default());
            out.extend_from_slice(by);
            at = range.end;
        }
        out.extend_from_slice(self.input.get(at..).unwrap_or_default());
        Ok(out)
    }
}
