//! What the second reader read, and how it is taken over.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use image_gate_codecs::cpu::{self, Kernel};

use super::super::bits::Segment;
use super::super::frame::{Component, Frame};
use super::super::mcu::Restarts;

/// A row of MCUs as the second reader counts them: its first one is the first of a row.
#[derive(Debug)]
pub(super) struct Row {
    /// The DC coefficients of all components.
    pub(super) lows: Vec<i16>,
    pub(super) highs: Highs,
    /// The places where MCUs begin, as long as the two readers may meet there.
    pub(super) starts: Vec<u64>,
    /// The DC coefficients before the first of them.
    pub(super) predictions: [i32; 4],
    /// Whether nothing was left out between the row before and this one.
    pub(super) follows: bool,
    pub(super) end: State,
}

/// The other coefficients: what is small is sent from one processor to the other in half the time.
#[derive(Debug)]
pub(super) enum Highs {
    Small(Vec<i8>),
    Wide(Vec<i16>),
}

/// All that it takes to go on with the next MCU.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) segment: Segment,
    pub(super) place: u64,
    pub(super) predictions: [i32; 4],
    pub(super) restarts: Restarts,
}

/// A row of blocks of an MCU, in the second reader's row of coefficients.
#[derive(Debug)]
pub(super) struct BlockRow {
    component: usize,
    y: usize,
    /// Blocks of an MCU, across and down.
    h: usize,
    v: usize,
    /// Where the first one is among the DC coefficients, and among the others.
    low: usize,
    high: usize,
    /// How many coefficients of a block there are, and the blocks from one to the next.
    many: usize,
    stride: usize,
    /// Of the planes that it goes to: the same, the coefficients of a row of blocks, and the rows.
    own_stride: usize,
    own_len: usize,
    own_rows: usize,
}

impl BlockRow {
    /// Those of the components that the second reader reads, which go to `frame`.
    pub(super) fn all(components: &[Component], frame: &Frame) -> Arc<[BlockRow]> {
        let mut blocks = Vec::with_capacity(16);
        let (mut low, mut high) = (0, 0);
        for (component, (of, own)) in components.iter().zip(&frame.components).enumerate() {
            for y in 0..of.held {
                blocks.push(BlockRow {
                    component,
                    y,
                    h: of.h,
                    v: of.held,
                    low,
                    high,
                    many: of.kept.0 * of.kept.1,
                    stride: of.stride,
                    own_stride: own.stride,
                    own_len: own.row_len(),
                    own_rows: own.held.max(1),
                });
                low += of.stride;
                high += of.row_len() - of.stride;
            }
        }
        blocks.into()
    }

    /// Whether it has the last block of its component.
    fn is_last(&self) -> bool {
        self.y + 1 == self.v
    }

    /// Where it begins in the plane of its component, for that row of MCUs.
    fn start(&self, row: usize) -> usize {
        (row * self.v + self.y) % self.own_rows * self.own_len
    }
}

/// The coefficients of a row of MCUs, or of more, by component.
pub(in super::super) type Planes<'a> = [&'a mut [i16]; 4];

/// Where MCUs go.
pub(in super::super) struct Place<'a> {
    /// The row of MCUs.
    pub(in super::super) row: usize,
    /// The columns of it.
    pub(in super::super) columns: Range<usize>,
    /// Those of which the planes have something.
    pub(in super::super) wanted: &'a Range<usize>,
}

/// Rows that are there, from the next MCU on.
#[derive(Debug)]
pub(super) struct Rows {
    rows: VecDeque<Arc<Row>>,
    /// The next MCU of the first one.
    at: usize,
    columns: usize,
    blocks: Arc<[BlockRow]>,
}

impl Rows {
    /// None, with room for so many; `None` without memory.
    pub(super) fn new(columns: usize, blocks: Arc<[BlockRow]>, most: usize) -> Option<Rows> {
        let mut rows = VecDeque::new();
        rows.try_reserve_exact(most).ok()?;
        Some(Rows { rows, at: 0, columns, blocks })
    }

    pub(super) fn push(&mut self, rows: Vec<Arc<Row>>) {
        self.rows.extend(rows);
    }

    pub(super) fn first(&self) -> Option<&Row> {
        self.rows.front().map(|row| &**row)
    }

    /// Goes to the first place from that one on, among the rows that are there; returns whether it is that one.
    pub(super) fn seek(&mut self, place: u64) -> bool {
        while let Some(row) = self.rows.front() {
            match row.starts.get(self.at) {
                Some(&start) if start < place => self.at += 1,
                Some(&start) => return start == place,
                None if row.starts.is_empty() => return false,
                None => {
                    self.rows.pop_front();
                    self.at = 0;
                }
            }
        }
        false
    }

    /// The DC coefficients before the next MCU, as the second reader has them.
    pub(super) fn predictions(&self) -> [i16; 4] {
        let Some(row) = self.first() else { return [0; 4] };
        let mut seen = row.predictions.map(|before| before as i16);
        if let Some(before) = self.at.checked_sub(1) {
            for of in self.blocks.iter().filter(|of| of.is_last()) {
                let last = row.lows.get(of.low + before * of.h + of.h - 1);
                if let (Some(seen), Some(&last)) = (seen.get_mut(of.component), last) {
                    *seen = last;
                }
            }
        }
        seen
    }

    /// Whether a row has to come before more can be taken.
    pub(super) fn is_used_up(&self) -> bool {
        self.at >= self.columns && self.rows.len() < 2
    }

    /// How many MCUs can be taken one after the other.
    pub(super) fn left(&self) -> usize {
        if self.rows.is_empty() {
            return 0;
        }
        let next = self.rows.iter().skip(1).take_while(|row| row.follows).count();
        self.columns * (next + 1) - self.at
    }

    /// Takes over what there is of a row, with that added to its DC coefficients; returns of how many columns.
    pub(super) fn take(
        &mut self,
        planes: &mut Planes<'_>,
        place: &Place<'_>,
        corrections: &[i16; 4],
    ) -> usize {
        if self.at >= self.columns {
            if !self.rows.get(1).is_some_and(|next| next.follows) {
                return 0;
            }
            self.rows.pop_front();
            self.at = 0;
        }
        let Some(row) = self.first() else { return 0 };
        let Place { row: to_row, ref columns, wanted } = *place;
        let many = columns.len().min(self.columns - self.at);
        let kept = columns.start.max(wanted.start)..(columns.start + many).min(wanted.end);
        let passed = (self.at + kept.start).wrapping_sub(columns.start);
        for (of, mut to, len) in self.places(to_row, kept, wanted) {
            let plane = &mut *planes[of.component & 3];
            let from = passed * of.h;
            let lows = row.lows.get(of.low + from..of.low + from + len);
            let (Some(lows), Some(own)) = (lows, plane.get_mut(to..to + len)) else { continue };
            let correction = corrections.get(of.component).copied().unwrap_or_default();
            for (own, low) in own.iter_mut().zip(lows) {
                *own = low.wrapping_add(correction);
            }
            let mut from = of.high + from;
            for _ in 1..of.many {
                to += of.own_stride;
                let Some(own) = plane.get_mut(to..to + len) else { break };
                match &row.highs {
                    Highs::Small(highs) => {
                        let highs = highs.get(from..from + len).unwrap_or_default();
                        cpu::run(Widen { from: highs, to: own });
                    }
                    Highs::Wide(highs) => {
                        let highs = highs.get(from..from + len).unwrap_or_default();
                        own.iter_mut().zip(highs).for_each(|(own, &high)| *own = high);
                    }
                }
                from += of.stride;
            }
        }
        self.at += many;
        many
    }

    /// Makes zeros of these columns of a row of MCUs.
    pub(super) fn clear(&self, planes: &mut Planes<'_>, place: &Place<'_>) {
        let Place { row, ref columns, wanted } = *place;
        let kept = columns.start.max(wanted.start)..columns.end.min(wanted.end);
        for (of, to, len) in self.places(row, kept, wanted) {
            for number in 0..of.many {
                let to = to + number * of.own_stride;
                let own = planes[of.component & 3].get_mut(to..to + len);
                own.unwrap_or_default().fill(0);
            }
        }
    }

    /// The rows of blocks, each with where those columns of it begin in the plane that it goes to, and how
    /// many blocks they have.
    fn places(
        &self,
        row: usize,
        kept: Range<usize>,
        wanted: &Range<usize>,
    ) -> impl Iterator<Item = (&BlockRow, usize, usize)> {
        let (first, many) = (kept.start.saturating_sub(wanted.start), kept.len());
        self.blocks
            .iter()
            .filter(move |_| many > 0)
            .map(move |of| (of, of.start(row) + first * of.h, many * of.h))
    }

    /// Those from the MCU on that comes so many behind the next one; `None` without memory.
    pub(super) fn behind(&self, many: usize) -> Option<Rows> {
        // One that is used up tells how it goes on behind it.
        let last = (self.at + many).checked_sub(1)?;
        let (first, at) = (last / self.columns, last % self.columns + 1);
        let most = self.rows.len().saturating_sub(first);
        let mut behind = Rows::new(self.columns, Arc::clone(&self.blocks), most)?;
        behind.rows.extend(self.rows.iter().skip(first).cloned());
        behind.at = at;
        Some(behind)
    }

    /// The state behind the last MCU that can be taken, if all are.
    pub(super) fn end(&self) -> Option<State> {
        Some(self.first()?.end.clone())
    }
}

/// Adds numbers that have 8 bits at most; returns whether they do.
pub(super) struct Narrow<'a> {
    pub(super) from: &'a [i16],
    pub(super) to: &'a mut Vec<i8>,
}

impl Kernel for Narrow<'_> {
    type Made = bool;

    #[inline(always)]
    fn run(self) -> bool {
        self.to.extend(self.from.iter().map(|&from| from as i8));
        self.from.iter().fold(0, |lost, &from| lost | from ^ i16::from(from as i8)) == 0
    }
}

/// Copies such numbers back.
struct Widen<'a> {
    from: &'a [i8],
    to: &'a mut [i16],
}

impl Kernel for Widen<'_> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        for (to, &from) in self.to.iter_mut().zip(self.from) {
            *to = from.into();
        }
    }
}
