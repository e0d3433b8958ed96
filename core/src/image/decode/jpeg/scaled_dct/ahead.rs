//! A second reader of the data of a scan, by a processor that has nothing else to do.
//!
//! It begins in the middle. Behind a restart marker it knows how; elsewhere it reads nonsense at first.
//! But codes of variable length come into step again, mostly within some hundred bytes, and from there on it reads what the
//! first reader would. It notes where it took an MCU to begin. When the first one comes to a place where
//! both see one begin, they are in the same state, but for the DC coefficients, which are differences to
//! those before: these are off by the same number for each component. So the first one takes the
//! coefficients over, corrected, and goes on where the second one ended, for whatever reason that is.
//! Where they don't meet, the first one reads all of it, as it does alone: what comes out is the same.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};
use std::{iter, mem, vec};

use image_gate_codecs::cpu::{self, Kernel};
use memchr::memchr;

use super::bits::{Bits, Bytes, Segment};
use super::frame::{Component, Frame};
use super::mcu::{BlockReader, McuBlock, McuGrid, Restarts};
use super::stop::Stop;
use crate::image::raster::{with_room, zeroed};
use crate::image::{Control, Error, Loan, Spare};

/// How many rows the first reader reads by itself, in hundredths: less than half, since it makes the
/// pixels of all while the second one still reads; at an eighth it makes them in the end.
const FIRST: usize = 43;
const FIRST_AT_AN_EIGHTH: usize = 48;

/// Before each of the first `ASKED` of so many parts of the rows a processor is asked for, until there is one: who had this
/// picture be made is often not asleep yet when the work begins.
const PARTS: usize = 64;
const ASKED: usize = 16;

/// How many rows the second one reads at most, in hundredths of all.
const MOST: usize = 75;

/// In so many bytes nearly all readers come into step.
const IN_STEP: usize = 1 << 16;

/// After so many bytes that are passed it is asked whether to go on.
const LOOKED_AT: usize = 1 << 18;

/// How many rows are handed over at once: it takes some time to wake who waits for them.
const BATCH: usize = 8;

/// So long the first reader waits for rows at least.
const LEAST_PATIENCE: Duration = Duration::from_millis(2);

/// A second reader that there may be, and what it reads.
pub(super) struct Reader<'a> {
    input: &'a [u8],
    /// Where the data of the scan begins.
    from: usize,
    /// How much of it a row of MCUs takes on average.
    row: usize,
    /// Rows of MCUs of the picture.
    all: usize,
    /// Those above what is needed.
    above: usize,
    /// How many of what is left the first reader reads by itself, in hundredths.
    share: usize,
    /// Rows of MCUs that are read at most.
    rows: usize,
    /// MCUs between two restart markers, or 0.
    interval: usize,
    /// MCUs of a row.
    columns: usize,
    /// The components, with one row of MCUs.
    pub(super) components: Vec<Component>,
    control: &'a Control,
    spare: &'a dyn Spare,
    /// Bytes that are held of a row at most, and beside that.
    held: (usize, usize),
    /// What it has to do, once there is a processor. The memory that comes with that is lent until nothing is left
    /// of what was read.
    task: OnceLock<Task>,
}

/// What a second reader is to do.
pub(super) struct Task {
    /// How much of the data comes before what is read first.
    first: usize,
    /// Rows that are read at most.
    rows: usize,
    loan: Box<dyn Loan>,
}

/// A row of MCUs as the second reader counts them: its first one is the first of a row.
#[derive(Debug)]
pub(super) struct Row {
    /// The DC coefficients of all components.
    lows: Vec<i16>,
    highs: Highs,
    /// The places where MCUs begin, as long as the two readers may meet there.
    starts: Vec<u64>,
    /// The DC coefficients before the first of them.
    predictions: [i32; 4],
    /// Whether nothing was left out between the row before and this one.
    follows: bool,
    end: State,
}

/// The other coefficients: what is small is sent from one processor to the other in half the time.
#[derive(Debug)]
enum Highs {
    Small(Vec<i8>),
    Wide(Vec<i16>),
}

/// All that it takes to go on with the next MCU.
#[derive(Debug, Clone)]
struct State {
    segment: Segment,
    place: u64,
    predictions: [i32; 4],
    restarts: Restarts,
}

impl<'a> Reader<'a> {
    /// `None` where it does not pay.
    pub(super) fn new(
        (input, from): (&'a [u8], usize),
        frame: &Frame,
        grid: &McuGrid,
        interval: usize,
        control: &'a Control,
    ) -> Option<Reader<'a>> {
        let spare = control.spare()?;
        let above = grid.top.min(grid.rows);
        let many = grid.rows - above;
        let pixels = many * grid.columns * frame.mcu.0 * frame.mcu.1;
        let row = input.len().saturating_sub(from) / frame.rows.max(1);
        let share = if frame.eighths == 1 { FIRST_AT_AN_EIGHTH } else { FIRST };
        if pixels < spare.least_pixels() || row * many < spare.least_bytes() {
            return None;
        }
        // All columns are read, as it is not known which ones they are.
        if grid.wanted.len().min(grid.columns) * 2 < grid.columns {
            return None;
        }
        let components: Vec<Component> =
            frame.components.iter().map(|of| of.row_of(grid.columns)).collect();
        let (rows, columns) = (many * MOST / 100, grid.columns);
        let row_len: usize = components.iter().map(|of| of.row_len() * of.held).sum();
        // A code takes two bits at least.
        let starts = (rows * columns).min(2 * IN_STEP * 4) * size_of::<u64>();
        let held = (2 * row_len + size_of::<Row>(), starts);
        Some(Reader {
            input,
            from,
            row,
            all: grid.rows,
            above,
            share,
            rows,
            interval,
            columns,
            components,
            control,
            spare,
            held,
            task: OnceLock::new(),
        })
    }

    /// What it is to do from now on, when the first one comes to that row; `None` where it has something to do
    /// already, or nothing is to be had for it.
    pub(super) fn begin(&self, row: usize) -> Option<&Task> {
        let (done, many) = (row.checked_sub(self.above)?, self.all - self.above);
        let part = (many / PARTS).max(1);
        let is_time = done.is_multiple_of(part) && done / part < ASKED;
        if !is_time || self.task.get().is_some() {
            return None;
        }
        let first = self.row * (row + (many - done) * self.share / 100);
        let rows = self.rows.min(many - done);
        let (of_row, beside) = self.held;
        let loan = self.spare.lend((rows * of_row + beside) as u64)?;
        self.task.set(Task { first, rows, loan }).ok()?;
        self.task.get()
    }

    /// Looks from there on for a place to begin, where the task says or soon behind it: the segment, and the number of
    /// the restart marker at its end. `None` is at the end of the scan.
    fn look(&self, task: &Task, from: Segment) -> Option<(Segment, u8)> {
        let to = self.from + task.first;
        let Segment { mut at, mut stuffed } = from;
        let mut looked_at = at;
        loop {
            if at - looked_at > LOOKED_AT {
                looked_at = at;
                if self.control.check().is_err() || task.loan.is_wanted_back() {
                    return None;
                }
            }
            let rest = self.input.get(at..)?;
            let plain = memchr(0xff, rest)?;
            if self.interval == 0 && at + plain > to {
                return Some((Segment { at: to.max(at), stuffed }, 0));
            }
            at += plain;
            let rest = rest.get(plain..)?;
            let ones = rest.iter().take_while(|&&byte| byte == 0xff).count();
            match rest.get(ones)? {
                0 => {
                    at += ones + 1;
                    stuffed += ones;
                }
                &marker @ 0xd0..=0xd7 if self.interval > 0 => {
                    at += ones + 1;
                    if at >= to {
                        return Some((Segment { at, stuffed: 0 }, (marker + 1) & 7));
                    }
                }
                _ => return None,
            }
        }
    }

    /// Reads rows and hands them over, until the data ends, or somebody wants it to end.
    pub(super) fn read<C: BlockReader>(
        &self,
        task: &Task,
        to: &Sender<Vec<Row>>,
        units: &[McuBlock<C>],
    ) {
        let mut batch = Vec::with_capacity(BATCH);
        let _ = self.read_rows(task, units, |row| {
            batch.push(row);
            let is_full = batch.len() == BATCH;
            !is_full || to.send(mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok()
        });
        let _ = to.send(batch);
    }

    /// Reads them, and hands them to `take`, which says whether it wants more.
    fn read_rows<C: BlockReader>(
        &self,
        task: &Task,
        units: &[McuBlock<C>],
        mut take: impl FnMut(Row) -> bool,
    ) -> Result<(), Error> {
        let from = Segment { at: self.from, stuffed: 0 };
        let Some((segment, marker)) = self.look(task, from) else {
            return Ok(());
        };
        let row_len = self.components.iter().map(|of| of.row_len() * of.held).sum();
        let mut coefficients: Vec<i16> = zeroed(row_len)?;
        let mut bytes = Bytes::within(self.input, segment);
        let mut bits = Bits::START;
        let mut predictions = [0; 4];
        let mut restarts = Restarts::new(self.interval, marker.into());
        let (mut follows, mut meets) = (false, true);
        let mut rows = 0;
        while rows < task.rows {
            self.control.check()?;
            if task.loan.is_wanted_back() {
                break;
            }
            let before = predictions;
            let mut starts = with_room(if meets { self.columns } else { 0 })?;
            let state = (&mut bytes, &mut bits, &mut predictions, &mut restarts);
            coefficients.fill(0);
            if self.read_row(&mut coefficients, &mut starts, meets, state, units).is_err() {
                let next = bytes.rest();
                // Nonsense that is nothing to worry about, as long as it has not come into step.
                if self.interval > 0 || bytes.has_ended() || next.at > segment.at + IN_STEP {
                    break;
                }
                bytes = Bytes::within(self.input, next);
                (bits, predictions, follows) = (Bits::START, [0; 4], false);
                continue;
            }
            let Some((lows, highs)) = self.packed(&coefficients) else { break };
            let end = State {
                segment: bytes.anchor(bits),
                place: bytes.place(bits),
                predictions,
                restarts: restarts.clone(),
            };
            let row = Row { lows, highs, starts, predictions: before, follows, end };
            if !take(row) {
                break;
            }
            (follows, meets) = (true, meets && bytes.rest().at < segment.at + 2 * IN_STEP);
            rows += 1;
        }
        Ok(())
    }

    /// What is handed over of the coefficients of a row.
    fn packed(&self, coefficients: &[i16]) -> Option<(Vec<i16>, Highs)> {
        let many = self.components.iter().map(|of| of.stride * of.held).sum();
        let mut lows = with_room(many).ok()?;
        let mut small = with_room(coefficients.len().checked_sub(many)?).ok()?;
        let (mut rest, mut is_small) = (coefficients, true);
        for of in self.components.iter().flat_map(|of| iter::repeat_n(of, of.held)) {
            let (row, behind) = rest.split_at_checked(of.row_len())?;
            let (low, high) = row.split_at_checked(of.stride)?;
            lows.extend_from_slice(low);
            is_small &= cpu::run(Narrow { from: high, to: &mut small });
            rest = behind;
        }
        if is_small {
            return Some((lows, Highs::Small(small)));
        }
        drop(small);
        let mut wide = with_room(coefficients.len().checked_sub(many)?).ok()?;
        let mut rest = coefficients;
        for of in self.components.iter().flat_map(|of| iter::repeat_n(of, of.held)) {
            let (row, behind) = rest.split_at_checked(of.row_len())?;
            wide.extend_from_slice(row.get(of.stride..)?);
            rest = behind;
        }
        Some((lows, Highs::Wide(wide)))
    }

    /// Reads a row. What is behind the end of the data is none.
    fn read_row<C: BlockReader>(
        &self,
        coefficients: &mut [i16],
        starts: &mut Vec<u64>,
        meets: bool,
        (bytes, bits, predictions, restarts): (&mut Bytes, &mut Bits, &mut [i32; 4], &mut Restarts),
        units: &[McuBlock<C>],
    ) -> Result<(), Stop> {
        let mut planes: [&mut [i16]; 4] = Default::default();
        let mut rest = coefficients;
        for (plane, of) in planes.iter_mut().zip(&self.components) {
            (*plane, rest) =
                rest.split_at_mut_checked(of.row_len() * of.held).ok_or(Stop::Declined)?;
        }
        // As of the first reader, in registers.
        let mut at = *bits;
        let mut before = *predictions;
        for column in 0..self.columns {
            if restarts.next(bytes, &mut at)? {
                before = [0; 4];
            }
            if meets {
                starts.push(bytes.place(at));
            }
            for unit in units {
                let prediction = &mut before[unit.component & 3];
                let place = unit.start + column * unit.h;
                let plane = planes[unit.component & 3].get_mut(place..).unwrap_or_default();
                unit.codes.read(bytes, &mut at, prediction, plane)?;
            }
        }
        (*bits, *predictions) = (at, before);
        if bytes.overran(at) { Err(Stop::Ended) } else { Ok(()) }
    }
}

/// What the first reader knows of the second one.
pub(super) struct Ahead {
    rows: Receiver<Vec<Row>>,
    /// Those that are there.
    batch: vec::IntoIter<Row>,
    row: Option<Row>,
    /// The next of its MCUs.
    at: usize,
    columns: usize,
    /// When the first reader began.
    begin: Instant,
    /// What is added to DC coefficients, once they have met.
    corrections: Option<[i16; 4]>,
    interval: usize,
    blocks: Vec<BlockRow>,
}

/// A row of blocks of an MCU, in the second reader's row of coefficients.
struct BlockRow {
    component: usize,
    y: usize,
    /// Blocks of an MCU.
    h: usize,
    /// Where the first one is among the DC coefficients, and among the others.
    low: usize,
    high: usize,
    /// How many coefficients of a block there are, and the blocks from one to the next.
    many: usize,
    stride: usize,
    /// The same of the first reader's.
    own_stride: usize,
    /// Whether it has the last block of its component.
    is_last: bool,
}

impl BlockRow {
    fn is_begun_by<C>(&self, unit: &McuBlock<C>) -> bool {
        (unit.component, unit.x, unit.y) == (self.component, 0, self.y)
    }
}

/// What the first reader goes on with.
pub(super) struct Resumed<'a> {
    pub(super) bytes: Bytes<'a>,
    pub(super) bits: Bits,
    pub(super) predictions: [i32; 4],
    pub(super) restarts: Restarts,
}

impl Ahead {
    pub(super) fn new(
        reader: &Reader<'_>,
        frame: &Frame,
        rows: Receiver<Vec<Row>>,
        begin: Instant,
    ) -> Ahead {
        let mut blocks = Vec::with_capacity(16);
        let (mut low, mut high) = (0, 0);
        for (component, (of, own)) in reader.components.iter().zip(&frame.components).enumerate() {
            for y in 0..of.held {
                blocks.push(BlockRow {
                    component,
                    y,
                    h: of.h,
                    low,
                    high,
                    many: of.kept.0 * of.kept.1,
                    stride: of.stride,
                    own_stride: own.stride,
                    is_last: y + 1 == of.held,
                });
                low += of.stride;
                high += of.row_len() - of.stride;
            }
        }
        let &Reader { interval, columns, .. } = reader;
        let batch = Vec::new().into_iter();
        Ahead { rows, batch, row: None, at: 0, columns, begin, corrections: None, interval, blocks }
    }

    /// Looks how far the second reader is, where they have not met.
    pub(super) fn look(&mut self) -> Outlook {
        if self.row.is_none() {
            self.at = 0;
            self.row = match self.next() {
                Ok(row) => Some(row),
                Err(TryRecvError::Empty) => return Outlook::Later,
                Err(TryRecvError::Disconnected) => return Outlook::Never,
            };
        }
        match &self.row {
            Some(row) if row.starts.is_empty() => Outlook::Never,
            _ => Outlook::Near,
        }
    }

    /// The next row, if it is there.
    fn next(&mut self) -> Result<Row, TryRecvError> {
        if self.batch.as_slice().is_empty() {
            self.batch = self.rows.try_recv()?.into_iter();
        }
        self.batch.next().ok_or(TryRecvError::Empty)
    }

    /// Whether they meet at the beginning of an MCU, before which the DC coefficients are these.
    pub(super) fn meets(&mut self, place: u64, predictions: &[i32; 4]) -> bool {
        while let Some(row) = &self.row {
            match row.starts.get(self.at) {
                Some(&start) if start < place => self.at += 1,
                Some(&start) => {
                    if start == place {
                        self.corrections = Some(self.corrections(row, predictions));
                    }
                    return start == place;
                }
                None if row.starts.is_empty() => return false,
                None => (self.row, self.at) = (self.next().ok(), 0),
            }
        }
        false
    }

    fn corrections(&self, row: &Row, predictions: &[i32; 4]) -> [i16; 4] {
        // From one restart marker to the next both count from 0.
        if self.interval > 0 {
            return [0; 4];
        }
        let mut seen = row.predictions.map(|before| before as i16);
        if let Some(before) = self.at.checked_sub(1) {
            for of in self.blocks.iter().filter(|of| of.is_last) {
                let last = row.lows.get(of.low + before * of.h + of.h - 1);
                if let (Some(seen), Some(&last)) = (seen.get_mut(of.component), last) {
                    *seen = last;
                }
            }
        }
        let mut corrections = predictions.map(|own| own as i16);
        for (correction, seen) in corrections.iter_mut().zip(seen) {
            *correction = correction.wrapping_sub(seen);
        }
        corrections
    }

    /// Whether they have met, and the second one goes on.
    pub(super) fn has_met(&self) -> bool {
        self.corrections.is_some()
    }

    /// Takes over what there is of these columns of a row of MCUs, waiting for it, as far as it is wanted;
    /// returns of how many columns, and none where the second one ended, or is slower than this one would
    /// be, which got to so many rows by itself or with its help.
    pub(super) fn take<C>(
        &mut self,
        planes: &mut [&mut [i16]; 4],
        units: &[McuBlock<C>],
        columns: Range<usize>,
        wanted: &Range<usize>,
        rows: usize,
    ) -> usize {
        let Some(corrections) = self.corrections else { return 0 };
        if self.at >= self.columns {
            if self.batch.as_slice().is_empty() {
                let batch = self.rows.recv_timeout(self.patience(rows));
                self.batch = batch.unwrap_or_default().into_iter();
            }
            match self.batch.next() {
                Some(next) if next.follows => (self.row, self.at) = (Some(next), 0),
                _ => return 0,
            }
        }
        let Some(row) = &self.row else { return 0 };
        let many = columns.len().min(self.columns - self.at);
        let kept = columns.start.max(wanted.start)..(columns.start + many).min(wanted.end);
        let passed = self.at + kept.start - columns.start;
        for (of, mut to, len) in self.places(units, kept, wanted) {
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
        #[cfg(test)]
        TAKEN.with(|taken| taken.set(taken.get() + many));
        many
    }

    /// Makes zeros of what there is of these columns of a row of MCUs.
    pub(super) fn clear<C>(
        &self,
        planes: &mut [&mut [i16]; 4],
        units: &[McuBlock<C>],
        columns: Range<usize>,
        wanted: &Range<usize>,
    ) {
        let kept = columns.start.max(wanted.start)..columns.end.min(wanted.end);
        for (of, to, len) in self.places(units, kept, wanted) {
            for number in 0..of.many {
                let to = to + number * of.own_stride;
                let own = planes[of.component & 3].get_mut(to..to + len);
                own.unwrap_or_default().fill(0);
            }
        }
    }

    /// The rows of blocks, each with where those columns of it begin in the first reader's plane, and how
    /// many blocks they have.
    fn places<C>(
        &self,
        units: &[McuBlock<C>],
        kept: Range<usize>,
        wanted: &Range<usize>,
    ) -> impl Iterator<Item = (&BlockRow, usize, usize)> {
        let (first, many) = (kept.start - wanted.start, kept.len());
        self.blocks.iter().filter(move |_| many > 0).filter_map(move |of| {
            let unit = units.iter().find(|unit| of.is_begun_by(unit))?;
            Some((of, unit.start + first * of.h, many * of.h))
        })
    }

    /// How long it may take until more rows are there.
    fn patience(&self, rows: usize) -> Duration {
        let rows = u32::try_from(rows.max(1)).unwrap_or(u32::MAX);
        (self.begin.elapsed() / rows * (2 * BATCH as u32)).max(LEAST_PATIENCE)
    }

    /// What the first reader goes on with behind all that it took over.
    pub(super) fn resume<'a>(&mut self, input: &'a [u8]) -> Option<Resumed<'a>> {
        let State { segment, place, predictions, restarts } = self.row.take()?.end;
        let (bytes, bits) = Bytes::resume(input, segment, place);
        let corrections = self.corrections.take().unwrap_or_default();
        let mut predictions = predictions;
        for (prediction, correction) in predictions.iter_mut().zip(corrections) {
            *prediction = prediction.wrapping_add(correction.into());
        }
        Some(Resumed { bytes, bits, predictions, restarts })
    }
}

/// Adds numbers that have 8 bits at most; returns whether they do.
struct Narrow<'a> {
    from: &'a [i16],
    to: &'a mut Vec<i8>,
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

/// Whether the first reader may come to what the second one has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    Later,
    Near,
    Never,
}

#[cfg(test)]
thread_local! {
    /// How many MCUs this thread has taken over.
    static TAKEN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests;
