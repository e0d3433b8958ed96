//! MCUs, of which scans are made (ITU-T T.81, section A.2).

use std::ops::Range;

use super::bits::{Bits, Bytes};
use super::frame::{Component, Frame};
use super::huffman::BadCode;
use super::scan_header::Member;
use super::stop::{Stop, broken};

/// More blocks than this an MCU must not have (T.81, section B.2.3).
const MOST_BLOCKS: usize = 10;

/// The MCUs of a scan, and the blocks of one by component.
#[derive(Debug)]
pub(super) struct McuGrid {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Whether an MCU is a single block.
    single: bool,
    /// The columns of MCUs whose coefficients are kept.
    pub(super) wanted: Range<usize>,
    /// The first row of them that is needed.
    pub(super) top: usize,
}

impl McuGrid {
    pub(super) fn new(frame: &Frame, members: &[Member]) -> Result<McuGrid, Stop> {
        let component = |member: &Member| frame.components.get(member.index);
        // Where nothing comes after the scan, it may be left behind the last row that is needed.
        // What is interpolated depends on one more at both ends.
        let beyond = usize::from(frame.eighths == 1);
        let rows = |rows: usize, height: usize| {
            if frame.complete { rows.min(frame.needed().div_ceil(height) + beyond) } else { rows }
        };
        let top = (frame.part.y as usize / frame.mcu.1).saturating_sub(beyond);
        let (wanted, top) = match frame.complete {
            true if beyond == 0 => (frame.wanted.clone(), top),
            true => (0..usize::MAX, top),
            false => (0..usize::MAX, 0),
        };
        if let [member] = members {
            let of = component(member).ok_or(Stop::Declined)?;
            return Ok(McuGrid {
                columns: of.columns,
                rows: rows(of.rows, 8 * of.down),
                single: true,
                wanted,
                top,
            });
        }
        let blocks: usize = members.iter().filter_map(component).map(|of| of.h * of.v).sum();
        if blocks > MOST_BLOCKS {
            return Err(Stop::Declined);
        }
        let rows = rows(frame.rows, frame.mcu.1);
        Ok(McuGrid { columns: frame.columns, rows, single: false, wanted, top })
    }

    /// The blocks of an MCU.
    pub(super) fn units<C: Copy>(
        &self,
        components: &[Component],
        members: &[Member],
        codes: impl Fn(&Member) -> Option<C>,
    ) -> Result<Vec<McuBlock<C>>, Stop> {
        let mut units = Vec::with_capacity(MOST_BLOCKS);
        for member in members {
            let of = components.get(member.index).ok_or(Stop::Declined)?;
            let (h, v) = if self.single { (1, 1) } else { (of.h, of.v) };
            let codes = codes(member).ok_or(Stop::Declined)?;
            for (y, x) in (0..v).flat_map(|y| (0..h).map(move |x| (y, x))) {
                units.push(McuBlock { component: member.index, codes, x, y, h, v, start: 0 });
            }
        }
        Ok(units)
    }
}

/// Reads a block.
pub(super) trait BlockReader: Copy {
    /// Reads it, from the DC coefficient on of which the one before is known, into the row of coefficients
    /// from its own on; none where it is not wanted.
    fn read(
        self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        prediction: &mut i32,
        block: &mut [i16],
    ) -> Result<(), BadCode>;
}

/// A block of an MCU.
pub(super) struct McuBlock<C> {
    pub(super) component: usize,
    pub(super) codes: C,
    /// Where in the MCU it is.
    pub(super) x: usize,
    pub(super) y: usize,
    /// Blocks of the component in an MCU.
    pub(super) h: usize,
    v: usize,
    /// Where the first one of a row of MCUs is among the component's coefficients.
    pub(super) start: usize,
}

impl<C> McuBlock<C> {
    /// Goes to that row of MCUs.
    pub(super) fn start(&mut self, row: usize, of: &Component) {
        self.start = (row * self.v + self.y) % of.held.max(1) * of.row_len() + self.x;
    }
}

/// Counts MCUs up to the next restart marker.
#[derive(Debug, Clone)]
pub(super) struct Restarts {
    /// MCUs between two, or 0.
    interval: usize,
    left: usize,
    /// The number of the next.
    marker: u8,
}

impl Restarts {
    /// Behind so many of them.
    pub(super) fn new(interval: usize, passed: usize) -> Restarts {
        Restarts { interval, left: interval, marker: (passed & 7) as u8 }
    }

    /// Goes to the next MCU; returns whether there was a marker before it.
    #[inline(always)]
    pub(super) fn next(&mut self, bytes: &mut Bytes, bits: &mut Bits) -> Result<bool, Stop> {
        if self.interval == 0 {
            return Ok(false);
        }
        let restarts = self.left == 0;
        if restarts {
            let lost = || broken("a restart marker is not where it should be");
            *bits = bytes.restart(*bits, self.marker).ok_or_else(lost)?;
            self.marker = (self.marker + 1) & 7;
            self.left = self.interval;
        }
        self.left -= 1;
        Ok(restarts)
    }
}
