//! Changes to boxes, and what follows from them for lengths and places.

use std::ops::Range;

use super::boxes::inside;
use crate::image::bytes::be32;
use crate::image::isobmff::{ALPHA, IsoBox};
use crate::image::source::icc::stated_len;
use crate::image::strip::cuts::Cuts;

/// Payload to which something that stays points.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) ranges: Vec<Range<usize>>,
    /// Of each item and sample of AV1, the pieces that it is stored in.
    pub(super) coded: Vec<Vec<Range<usize>>>,
}

/// Items and samples; each of them is looked at.
const MOST_CODED: usize = 1 << 16;

impl Live {
    pub(super) fn add_coded(&mut self, pieces: Vec<Range<usize>>) -> Option<()> {
        self.coded.push(pieces);
        (self.coded.len() <= MOST_CODED).then_some(())
    }

    pub(super) fn add(&mut self, start: usize, len: usize) -> Option<()> {
        self.ranges.push(start..start.checked_add(len)?);
        Some(())
    }
}

fn written(value: u64, size: usize) -> Option<Vec<u8>> {
    match size {
        2 => u16::try_from(value).ok().map(|value| value.to_be_bytes().to_vec()),
        4 => u32::try_from(value).ok().map(|value| value.to_be_bytes().to_vec()),
        8 => Some(value.to_be_bytes().to_vec()),
        _ => None,
    }
}

/// A number that says where something is: the bytes at `at` say it.
#[derive(Debug)]
pub(super) struct OffsetField {
    pub(super) at: usize,
    pub(super) size: usize,
    pub(super) target: usize,
    /// What is added to it, until it is zero.
    pub(super) base: Range<usize>,
}

/// All that is to be changed.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    pub(super) input: &'a [u8],
    /// What becomes shorter, or longer.
    edits: Vec<(Range<usize>, Vec<u8>)>,
    /// What changes in its place.
    patches: Vec<(usize, Vec<u8>)>,
    /// Boxes whose lengths follow from what is in them.
    frames: Vec<IsoBox>,
    places: Vec<OffsetField>,
}

impl<'a> Changes<'a> {
    pub(super) fn new(input: &'a [u8]) -> Changes<'a> {
        let (edits, patches) = (Vec::new(), Vec::new());
        Changes { input, edits, patches, frames: Vec::new(), places: Vec::new() }
    }

    pub(super) fn cut(&mut self, range: Range<usize>) {
        self.replace(range, Vec::new());
    }

    pub(super) fn replace(&mut self, range: Range<usize>, by: Vec<u8>) {
        if !range.is_empty() {
            self.edits.push((range, by));
        }
    }

    /// Has a range read zero.
    pub(super) fn clear(&mut self, range: Range<usize>) {
        self.patches.push((range.start, vec![0; range.len()]));
    }

    /// Has bytes in their place.
    pub(super) fn write(&mut self, at: usize, by: &[u8]) {
        self.patches.push((at, by.to_vec()));
    }

    /// Has a number of that size in its place.
    pub(super) fn write_number(&mut self, at: usize, size: usize, value: u64) -> Option<()> {
        self.patches.push((at, written(value, size)?));
        Some(())
    }

    /// A box that stays, whatever becomes of what is in it.
    pub(super) fn frame(&mut self, frame: IsoBox) {
        self.frames.push(frame);
    }

    /// A number that follows what it points to.
    pub(super) fn place(&mut self, place: OffsetField) {
        self.places.push(place);
    }

    /// The same as cuts.
    pub(super) fn into_cuts(mut self) -> Option<Cuts<'a>> {
        let mut cuts = Cuts::new(self.input);
        let unchanged = |(at, by): &(usize, Vec<u8>)| {
            self.input.get(*at..*at + by.len()) == Some(by.as_slice())
        };
        if self.edits.is_empty() && self.patches.iter().all(unchanged) {
            return Some(cuts);
        }
        self.edits.sort_by_key(|(range, _)| range.start);
        // By how much what is behind each of them moves.
        let mut moved = 0i64;
        let mut moves = vec![(0, 0)];
        for (range, by) in &self.edits {
            moved += by.len() as i64 - range.len() as i64;
            moves.push((range.end, moved));
        }
        let shift = |at: usize| {
            let behind = moves.partition_point(|&(end, _)| end <= at);
            moves.get(behind.checked_sub(1)?).map(|&(_, moved)| moved)
        };
        for frame in &self.frames {
            let len = frame.end - frame.start;
            let inner = shift(frame.end)?.checked_sub(shift(frame.start)?)?;
            let len = u64::try_from(i64::try_from(len).ok()?.checked_add(inner)?).ok()?;
            let (at, size) = match be32(self.input, frame.start)? {
                // To the end of the file, wherever that is.
                0 => continue,
                1 => (frame.start + 8, 8),
                _ => (frame.start, 4),
            };
            self.patches.push((at, written(len, size)?));
        }
        for OffsetField { at, size, target, base } in self.places {
            self.patches.push((base.start, vec![0; base.len()]));
            let target = i64::try_from(target).ok()?.checked_add(shift(target)?)?;
            self.patches.push((at, written(u64::try_from(target).ok()?, size)?));
        }
        let patches = self.patches.into_iter().map(|(at, by)| (at..at + by.len(), by));
        let mut all: Vec<_> = self.edits.into_iter().chain(patches).collect();
        all.retain(|(range, _)| !range.is_empty());
        all.sort_by_key(|(range, _)| (range.start, range.end));
        all.dedup();
        for (range, by) in all {
            cuts.replace(range, &by)?;
        }
        Some(cuts)
    }
}

/// The boxes of a box that are of these kinds, the others cut out.
pub(super) fn only(
    changes: &mut Changes,
    frame: IsoBox,
    kinds: &[&[u8; 4]],
) -> Option<Vec<IsoBox>> {
    let (stay, go): (Vec<IsoBox>, Vec<IsoBox>) = inside(changes.input, frame.body..frame.end)?
        .into_iter()
        .partition(|inner| kinds.contains(&&inner.kind));
    go.iter().for_each(|inner| changes.cut(inner.range()));
    changes.frame(frame);
    Some(stay)
}

/// Leaves of the content of a box so many bytes, of which it has no fewer.
pub(super) fn shorten(changes: &mut Changes, frame: IsoBox, len: usize) -> Option<()> {
    let end = frame.body.checked_add(len).filter(|&end| end <= frame.end)?;
    changes.cut(end..frame.end);
    changes.frame(frame);
    Some(())
}

/// Names that libavif gives to all files.
const USUAL: [&[u8]; 4] = [b"\0", b"Color\0", b"Alpha\0", b"libavif\0"];

/// Has the rest of a box from `start` on, a name, be empty, unless it says nothing.
pub(super) fn forget_name(changes: &mut Changes, frame: IsoBox, start: usize) -> Option<()> {
    let name = changes.input.get(start..frame.end)?;
    if !USUAL.contains(&name) {
        changes.replace(start..frame.end, vec![0]);
    }
    changes.frame(frame);
    Some(())
}

/// Leaves of what says what a box beside it is for that alone.
pub(super) fn handler(changes: &mut Changes, frame: IsoBox) -> Option<()> {
    // What is reserved before and behind it, and then a name.
    changes.clear(frame.body + 4..frame.body + 8);
    changes.clear(frame.body + 12..frame.body + 24);
    forget_name(changes, frame, frame.body + 24)
}

/// How many bytes of a property pixels need: decoders and those who show images go by them. `None` for another one, and
/// for one that does not have as many.
pub(super) fn property_len(input: &[u8], frame: IsoBox, has_profile: bool) -> Option<usize> {
    let content = input.get(frame.body..frame.end)?;
    let len = match &frame.kind {
        b"ispe" => 12,
        // There is a longer kind.
        b"pixi" if content.starts_with(&[0; 4]) => 5 + usize::from(*content.get(4)?),
        // Behind these the same headers may stand that the data has, or anything.
        b"av1C" => 4,
        b"colr" => match content.get(..4)? {
            b"nclx" => 11,
            b"prof" | b"rICC" if has_profile => {
                let profile = content.get(4..)?;
                4 + stated_len(profile)?.min(profile.len())
            }
            _ => return None,
        },
        b"auxC" | b"auxi" => {
            let name = content.get(4..)?;
            let name = ALPHA.iter().find(|alpha| {
                name.strip_prefix(**alpha).is_some_and(|rest| rest.first() == Some(&0))
            })?;
            4 + name.len() + 1
        }
        b"irot" | b"imir" | b"a1op" => 1,
        b"lsel" => 2,
        b"clli" => 4,
        b"ccst" | b"pasp" | b"amve" => 8,
        b"mdcv" => 24,
        b"clap" => 32,
        b"a1lx" => {
            if content.first()? & 1 == 0 {
                7
            } else {
                13
            }
        }
        _ => return None,
    };
    (len <= content.len()).then_some(len)
}
