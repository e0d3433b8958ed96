//! The units of AV1 data (AV1 Bitstream & Decoding Process Specification, section 5.3): those that no picture
//! is made of become padding that is as long, so that nothing moves.

use std::ops::Range;

use super::changes::Changes;
use crate::image::source::avif::{Unit, sequence_header_len};

/// The bits of the first two bytes that have a meaning, beside the one that must not be set.
const FIRST: u8 = 0x7e;
const FORBIDDEN: u8 = 0x80;
const SECOND: u8 = 0xf8;

/// What ends a payload.
const END: u8 = 0x80;

/// Longer than any sequence header, of which each of the 32 operating points has 12 bytes at most.
const LONGEST_HEADER: usize = 512;

/// Bytes that change, and ranges of such; what needs more is not understood.
const MOST_BYTES: usize = 1 << 20;
const MOST_RANGES: usize = 1 << 15;

/// Leaves of items and samples, each by where its pieces lie, what pictures are made of.
pub(super) fn blank(changes: &mut Changes, mut all: Vec<Vec<Range<usize>>>) -> Option<()> {
    // The first sample of a sequence may be its still image, too.
    all.sort_by(|a, b| a.iter().map(key).cmp(b.iter().map(key)));
    all.dedup();
    // What lies in several of them could be looked at very often.
    let total = all.iter().flatten().try_fold(0usize, |sum, piece| sum.checked_add(piece.len()))?;
    if total > changes.input.len() {
        return None;
    }
    let mut blanks = Blanks { changes, bytes: 0, ranges: 0 };
    for pieces in &all {
        blanks.units_of(&Data::new(blanks.changes.input, pieces)?)?;
    }
    if blanks.ranges == 0 {
        return Some(());
    }
    // Of bytes that belong to two of them, both may say something else.
    let mut pieces: Vec<Range<usize>> = all.into_iter().flatten().collect();
    pieces.sort_by_key(key);
    let are_apart = pieces.is_sorted_by(|before, piece| before.end <= piece.start);
    are_apart.then_some(())
}

fn key(piece: &Range<usize>) -> (usize, usize) {
    (piece.start, piece.end)
}

/// What an item or a sample holds, in as many pieces as it is stored.
struct Data<'a> {
    input: &'a [u8],
    pieces: &'a [Range<usize>],
    /// Where in it each of them begins.
    starts: Vec<usize>,
    len: usize,
}

impl<'a> Data<'a> {
    /// `None` where a piece is not in the input.
    fn new(input: &'a [u8], pieces: &'a [Range<usize>]) -> Option<Data<'a>> {
        let (mut starts, mut len) = (Vec::new(), 0);
        for piece in pieces {
            starts.push(len);
            len += input.get(piece.clone())?.len();
        }
        Some(Data { input, pieces, starts, len })
    }

    /// Where a range of it lies in the input, a piece after the other.
    fn places(&self, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let first = self.starts.partition_point(|&start| start <= range.start).saturating_sub(1);
        let pieces = self.pieces.iter().zip(&self.starts).skip(first);
        pieces.take_while(move |&(_, &start)| start < range.end).filter_map(
            move |(piece, &start)| {
                let from = piece.start + range.start.saturating_sub(start);
                let to = piece.end.min(piece.start + (range.end - start));
                (from < to).then_some(from..to)
            },
        )
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.input.get(self.places(at..at.checked_add(1)?).next()?.start).copied()
    }

    fn bytes(&self, range: Range<usize>) -> Option<Vec<u8>> {
        range.map(|at| self.byte(at)).collect()
    }

    fn is_blank(&self, range: Range<usize>) -> bool {
        self.places(range).all(|place| {
            self.input.get(place).is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0))
        })
    }

    /// The unit that begins there; `None` where it is not whole.
    fn unit(&self, at: usize) -> Option<Unit> {
        let unit = Unit::read(self.len, at, |at| self.byte(at))?;
        Some(unit).filter(|unit| unit.first & FORBIDDEN == 0)
    }
}

/// What changes in units.
struct Blanks<'c, 'a> {
    changes: &'c mut Changes<'a>,
    /// How many bytes that were, and how many ranges.
    bytes: usize,
    ranges: usize,
}

impl Blanks<'_, '_> {
    /// Looks at each unit of an item or a sample once.
    fn units_of(&mut self, data: &Data) -> Option<()> {
        let mut at = 0;
        let mut said: [Option<Vec<u8>>; 2] = [None, None];
        while at < data.len {
            let unit = data.unit(at)?;
            let kind = unit.kind();
            let Unit { first, second, sized, payload } = unit;
            let kept = match kind {
                Unit::SEQUENCE_HEADER => {
                    let end = payload.end.min(payload.start.saturating_add(LONGEST_HEADER));
                    let bits = sequence_header_len(&data.bytes(payload.start..end)?)?;
                    self.end(data, payload.clone(), bits)?;
                    true
                }
                Unit::TEMPORAL_DELIMITER => {
                    self.clear(data, payload.clone())?;
                    true
                }
                Unit::FRAME_HEADER | Unit::TILE_GROUP | Unit::FRAME => true,
                // To some decoders it begins a frame, where none is begun.
                Unit::REDUNDANT_FRAME_HEADER => return None,
                Unit::METADATA => self.metadata(data, payload.clone(), &mut said)?,
                _ => false,
            };
            // Decoders pass over zeros at the end, and some over nothing else that does not say how long it is.
            if !kept && !sized {
                return self.clear(data, at..data.len);
            }
            let first = if kept { first & FIRST } else { Unit::PADDING << 3 | first & 6 };
            self.write(data, at, first)?;
            if let Some(second) = second {
                self.write(data, at + 1, second & SECOND)?;
            }
            if !kept && let Some(last) = payload.end.checked_sub(1).filter(|_| !payload.is_empty())
            {
                self.clear(data, payload.start..last)?;
                self.write(data, last, END)?;
            }
            at = payload.end;
        }
        Some(())
    }

    /// Leaves of metadata how bright the picture and the display that it was made on are. Returns whether it
    /// is that.
    fn metadata(
        &mut self,
        data: &Data,
        payload: Range<usize>,
        said: &mut [Option<Vec<u8>>; 2],
    ) -> Option<bool> {
        let kind = if payload.is_empty() { 0 } else { data.byte(payload.start)? };
        let (said, bits) = match (kind, said) {
            (1, [light, _]) => (light, 8 * 5),
            (2, [_, display]) => (display, 8 * 25),
            _ => return Some(false),
        };
        if payload.len() < bits / 8 {
            return Some(false);
        }
        let content = data.bytes(payload.start..payload.start + bits / 8)?;
        // Which one counts is for the decoder to say.
        if *said.get_or_insert_with(|| content.clone()) != content {
            return None;
        }
        self.end(data, payload, bits)?;
        Some(true)
    }

    /// Has a payload of so many bits end with the one that ends it, and with zeros, where there is room for more.
    fn end(&mut self, data: &Data, payload: Range<usize>, bits: usize) -> Option<()> {
        let at = payload.start.checked_add(bits / 8)?;
        if at >= payload.end {
            return Some(());
        }
        let bit = END >> (bits % 8);
        self.write(data, at, data.byte(at)? & !(bit - 1) | bit)?;
        self.clear(data, at + 1..payload.end)
    }

    fn write(&mut self, data: &Data, at: usize, byte: u8) -> Option<()> {
        let place = data.places(at..at + 1).next()?;
        if data.input.get(place.start) != Some(&byte) {
            self.count(1)?;
            self.changes.write(place.start, &[byte]);
        }
        Some(())
    }

    fn clear(&mut self, data: &Data, range: Range<usize>) -> Option<()> {
        if data.is_blank(range.clone()) {
            return Some(());
        }
        for place in data.places(range) {
            self.count(place.len())?;
            self.changes.clear(place);
        }
        Some(())
    }

    fn count(&mut self, bytes: usize) -> Option<()> {
        self.bytes = self.bytes.checked_add(bytes).filter(|&bytes| bytes <= MOST_BYTES)?;
        self.ranges += 1;
        (self.ranges <= MOST_RANGES).then_some(())
    }
}
