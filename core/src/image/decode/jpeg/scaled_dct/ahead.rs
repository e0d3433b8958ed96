//! A second reader of the data of a scan, by a processor that has nothing else to do.
//!
//! It begins in the middle. Behind a restart marker it knows how; elsewhere it reads nonsense at first.
//! But codes of variable length come into step again, mostly within some hundred bytes, and from there on it reads what the
//! first reader would. It notes where it took an MCU to begin. When the first one comes to a place where
//! both see one begin, they are in the same state, but for the DC coefficients, which are differences to
//! those before: these are off by the same number for each component. So the first one takes the
//! coefficients over, corrected, and goes on where the second one ended, for whatever reason that is.
//! Where they don't meet, the first one reads all of it, as it does alone: what comes out is the same.
//! Once all is read, the rows of the image that are not made yet are shared between the two.

mod rows;
mod share;

use std::sync::mpsc::{Receiver, SendError, Sender, TryRecvError, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use std::{iter, mem};

use image_gate_codecs::cpu;
use memchr::memchr;

use super::bits::{Bits, Bytes, Segment};
use super::frame::{Component, Frame, bytes_of_row};
use super::mcu::{BlockReader, McuBlock, McuGrid, Restarts};
use super::raster_writer::Painter;
use super::stop::Stop;
use crate::image::raster::{with_room, zeroed};
use crate::image::{Control, Error, Loan, Spare};
pub(super) use rows::Place;
use rows::{BlockRow, Highs, Narrow, Planes, Row, Rows, State};
pub(super) use share::Share;

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

/// So many rows of MCUs are worth to be shared at least.
const LEAST_SHARED: usize = 4;

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
    pub(super) spare: &'a dyn Spare,
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
        // What makes the rows of the image that are shared.
        let sampling: Vec<_> = components.iter().map(|of| (of.h as u8, of.held as u8)).collect();
        let painting = bytes_of_row(&sampling, frame.part.size, frame.eighths) as usize;
        let held = (2 * row_len + size_of::<Row>(), starts + painting);
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

    /// Reads rows and hands them over, until the data ends, or somebody wants it to end. Then it makes its share of
    /// the image; returns what is left of that where others want the processor.
    pub(super) fn run<'r, C: BlockReader>(
        &self,
        task: &Task,
        Ends { to, share }: Ends<'r>,
        units: &[McuBlock<C>],
    ) -> Result<Option<Share<'r>>, Stop> {
        let mut batch = Vec::with_capacity(BATCH);
        let _ = self.read_rows(task, units, |row| {
            batch.push(Arc::new(row));
            let is_full = batch.len() == BATCH;
            !is_full || to.send(mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok()
        });
        let _ = to.send(batch);
        drop(to);
        match share.recv() {
            Ok(share) => share.make(Some(&*task.loan), self.control),
            // There is none where the two did not meet, or not all was read.
            Err(_) => Ok(None),
        }
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

/// How the second reader hands over what it read, and comes to its share.
pub(super) struct Ends<'r> {
    to: Sender<Vec<Arc<Row>>>,
    share: Receiver<Share<'r>>,
}

/// What the first reader knows of the second one.
pub(super) struct Ahead<'r> {
    read: Receiver<Vec<Arc<Row>>>,
    /// Where the second one waits for its share of the image.
    share: Option<Sender<Share<'r>>>,
    /// Rows that were read.
    rows: Rows,
    /// When the first reader began.
    begin: Instant,
    /// What is added to DC coefficients, once they have met.
    corrections: Option<[i16; 4]>,
    interval: usize,
    columns: usize,
    /// The row of MCUs where what is shared begins, the one behind it, and what was read of that.
    shared: Option<(usize, usize, Rows)>,
}

/// What the first reader goes on with.
pub(super) struct Resumed<'a> {
    pub(super) bytes: Bytes<'a>,
    pub(super) bits: Bits,
    pub(super) predictions: [i32; 4],
    pub(super) restarts: Restarts,
}

impl<'r> Ahead<'r> {
    /// With what the second reader gets; `None` without memory.
    pub(super) fn new(
        reader: &Reader<'_>,
        task: &Task,
        frame: &Frame,
        begin: Instant,
    ) -> Option<(Ahead<'r>, Ends<'r>)> {
        let &Reader { interval, columns, .. } = reader;
        let blocks = BlockRow::all(&reader.components, frame);
        let rows = Rows::new(columns, blocks, task.rows)?;
        let ((to, read), (give, share)) = (channel(), channel());
        let ahead = Ahead {
            read,
            share: Some(give),
            rows,
            begin,
            corrections: None,
            interval,
            columns,
            shared: None,
        };
        Some((ahead, Ends { to, share }))
    }

    /// Looks how far the second reader is, where they have not met.
    pub(super) fn look(&mut self) -> Outlook {
        if self.rows.first().is_none() {
            match self.read.try_recv() {
                Ok(rows) => self.rows.push(rows),
                Err(TryRecvError::Empty) => return Outlook::Later,
                Err(TryRecvError::Disconnected) => return Outlook::Never,
            }
        }
        match self.rows.first() {
            Some(row) if !row.starts.is_empty() => Outlook::Near,
            _ => Outlook::Never,
        }
    }

    /// Whether they meet at the beginning of an MCU, before which the DC coefficients are these.
    pub(super) fn meets(&mut self, place: u64, predictions: &[i32; 4]) -> bool {
        let mut meets = self.rows.seek(place);
        while self.rows.first().is_none()
            && let Ok(rows) = self.read.try_recv()
        {
            self.rows.push(rows);
            meets = self.rows.seek(place);
        }
        if meets {
            // From one restart marker to the next both count from 0.
            let mut corrections = [0; 4];
            if self.interval == 0 {
                corrections = predictions.map(|own| own as i16);
                for (correction, seen) in corrections.iter_mut().zip(self.rows.predictions()) {
                    *correction = correction.wrapping_sub(seen);
                }
            }
            self.corrections = Some(corrections);
        }
        meets
    }

    /// Whether they have met, and the second one goes on.
    pub(super) fn has_met(&self) -> bool {
        self.corrections.is_some()
    }

    /// Takes over what there is of a row of MCUs, waiting for it, as far as it is wanted; returns of how many columns,
    /// and none where the second one ended, or is slower than this one would be by itself.
    pub(super) fn take(&mut self, planes: &mut Planes<'_>, place: &Place<'_>) -> usize {
        let Some(corrections) = &self.corrections else { return 0 };
        if self.rows.is_used_up()
            && let Ok(rows) = self.read.recv_timeout(self.patience(place.row + 1))
        {
            self.rows.push(rows);
        }
        let many = self.rows.take(planes, place, corrections);
        #[cfg(test)]
        TAKEN.with(|taken| taken.set(taken.get() + many));
        many
    }

    /// Makes zeros of these columns of a row of MCUs.
    pub(super) fn clear(&self, planes: &mut Planes<'_>, place: &Place<'_>) {
        self.rows.clear(planes, place);
    }

    /// How long it may take until more rows are there, for who got to so many by itself or with help.
    fn patience(&self, rows: usize) -> Duration {
        let rows = u32::try_from(rows.max(1)).unwrap_or(u32::MAX);
        (self.begin.elapsed() / rows * (2 * BATCH as u32)).max(LEAST_PATIENCE)
    }

    /// Once all of so many rows of MCUs is read, but what is left behind the last whole one, leaves it to the second
    /// reader to make the image of the second half, while this one, which comes to that row, makes the first.
    pub(super) fn share(
        &mut self,
        (row, rows): (usize, usize),
        frame: &Frame,
        painter: &mut Painter<'r>,
        control: &Control,
    ) -> Result<(), Stop> {
        let (Some(corrections), Some(_)) = (self.corrections, &self.share) else { return Ok(()) };
        while let Ok(rows) = self.read.try_recv() {
            self.rows.push(rows);
        }
        let end = row + (self.rows.left() / self.columns).min(rows - row);
        if end + 1 < rows {
            return Ok(());
        }
        let Some(share) = self.share.take() else { return Ok(()) };
        let first = row + (end - row).div_ceil(2);
        let behind = |to: usize| self.rows.behind((to - row) * self.columns);
        let (Some(given), Some(left)) = (behind(first), behind(end)) else { return Ok(()) };
        if end - first < LEAST_SHARED {
            return Ok(());
        }
        self.shared = Some((first, end, left));
        #[cfg(test)]
        SHARED.with(|shared| shared.set(shared.get() + end - first));
        let scaled = |row: usize| frame.scaled(row * frame.mcu.1);
        let given = Share {
            frame: frame.bare(),
            colors: painter.colors(),
            columns: self.columns,
            row: first,
            end,
            rows: given,
            corrections,
            unmade: painter.split(scaled(first), scaled(end)),
        };
        match share.send(given) {
            Ok(()) => Ok(()),
            // It has ended.
            Err(SendError(given)) => given.make(None, control).map(|_| ()),
        }
    }

    /// The row of MCUs to go on with where that one is shared.
    pub(super) fn behind_shared(&mut self, row: usize) -> Option<usize> {
        let (_, end, rows) = self.shared.take_if(|(first, ..)| *first == row)?;
        self.rows = rows;
        Some(end)
    }

    /// What the first reader goes on with behind all that it took over.
    pub(super) fn resume<'a>(&mut self, input: &'a [u8]) -> Option<Resumed<'a>> {
        let State { segment, place, mut predictions, restarts } = self.rows.end()?;
        let (bytes, bits) = Bytes::resume(input, segment, place);
        let corrections = self.corrections.take().unwrap_or_default();
        for (prediction, correction) in predictions.iter_mut().zip(corrections) {
            *prediction = prediction.wrapping_add(correction.into());
        }
        Some(Resumed { bytes, bits, predictions, restarts })
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
    /// How many rows of MCUs it has shared.
    static SHARED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests;
