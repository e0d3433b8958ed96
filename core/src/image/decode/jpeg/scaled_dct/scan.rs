//! Scans (ITU-T T.81, sections B.2.3, F.2 and G.1).

use std::cell::Cell;
use std::ops::Range;

use memchr::memchr;

use super::bands::{Band, Block};
use super::bits::{Bits, Bytes};
use super::coefficients::Coefficients;
use super::frame::{Component, Frame};
use super::fused_codes::{CoefficientOffsets, CoefficientReader, FusedCodes};
use super::huffman::{BadCode, CoefficientSkipper, Definition, Differences};
use super::raster_writer::RasterWriter;
use super::scan_header::{Member, Spectrum, header};
use super::scan_roles::ScanRole;
use super::stop::{Stop, broken};
use super::tables::Tables;
use crate::image::Control;

/// More blocks than this an MCU must not have (T.81, section B.2.3).
const MOST_BLOCKS: usize = 10;

/// Reads the scan whose header is `body` and whose data begins at `at`; gives a
/// place before the next marker. The `role` is that of a scan of AC coefficients.
pub(super) fn read(
    input: &[u8],
    at: usize,
    body: &[u8],
    (frame, painter): (&mut Frame, &mut Option<RasterWriter>),
    tables: &Tables,
    role: ScanRole,
    (read_rows, control): (&Cell<usize>, &Control),
) -> Result<usize, Stop> {
    let (members, spectrum) = header(body, frame).ok_or(Stop::Declined)?;
    if frame.complete {
        return Err(broken("a scan behind the last one"));
    }
    for member in &members {
        let component = frame.components.get_mut(member.index).ok_or(Stop::Declined)?;
        component.latch(&tables.quantizers)?;
        if frame.progressive {
            spectrum.advance(component, members.len())?;
        }
    }
    if !frame.progressive {
        if spectrum != Spectrum::WHOLE {
            return Err(broken("a sequential scan of some coefficients"));
        }
        frame.complete = members.len() == frame.components.len();
    }
    if frame.complete && frame.eighths > 1 {
        frame.hold_row()?;
        *painter = Some(RasterWriter::new(frame, tables.colors(frame)?)?);
    } else if frame.wanted.is_empty() {
        frame.hold_all()?;
    }

    let interval = usize::from(tables.restart_interval);
    let grid = McuGrid::new(frame, &members)?;
    let mut scan =
        Scan { input, at, interval, grid, painter: painter.as_mut(), read_rows, control };
    let differences = || built(&members, |member| member.dc, &tables.dc, Differences::new);
    let skips = || built(&members, |member| member.ac, &tables.ac, CoefficientSkipper::new);
    if !frame.progressive && frame.eighths > 1 {
        let (dc, rest) = (differences()?, skips()?);
        let ac = built(&members, |member| member.ac, &tables.ac, FusedCodes::new)?;
        let places: Vec<CoefficientOffsets> =
            frame.components.iter().map(CoefficientOffsets::new).collect();
        let codes = |member: &Member| {
            Some(CoefficientReader {
                dc: chosen(&dc, member.dc)?,
                ac: chosen(&ac, member.ac)?,
                rest: chosen(&rest, member.ac)?,
                places: places.get(member.index)?,
            })
        };
        scan.read(frame, &members, codes, |bytes, bits, lows, prediction, block| {
            lows.read(bytes, bits, prediction, block)
        })
    } else if !frame.progressive {
        let (dc, ac) = (differences()?, skips()?);
        let codes = |member: &Member| Some((chosen(&dc, member.dc)?, chosen(&ac, member.ac)?));
        scan.read(frame, &members, codes, |bytes, bits, (dc, ac), prediction, block| {
            bits.refill(bytes);
            *prediction = prediction.wrapping_add(dc.read(bits)?);
            if let Some(coefficient) = block.first_mut() {
                *coefficient = *prediction as i16;
            }
            ac.pass(1, bytes, bits)
        })
    } else if spectrum.first > 0 && role == ScanRole::Passed {
        skips()?;
        scan.pass()
    } else if spectrum.first > 0 {
        let codes = built(&members, |member| member.ac, &tables.ac, Coefficients::new)?;
        let member = members.first().ok_or(Stop::Declined)?;
        let codes = chosen(&codes, member.ac).ok_or(Stop::Declined)?;
        let component = frame.components.get_mut(member.index).ok_or(Stop::Declined)?;
        if role == ScanRole::Marked {
            component.mark()?;
        }
        let band = Band::new(codes, &spectrum, component);
        if spectrum.known > 0 {
            scan.read_band(component, |bytes, bits, run, block| {
                band.refine(bytes, bits, run, block)
            })
        } else {
            scan.read_band(component, |bytes, bits, run, block| band.read(bytes, bits, run, block))
        }
    } else if spectrum.known > 0 {
        scan.read(
            frame,
            &members,
            |_| Some(()),
            |bytes, bits, (), _, block| {
                bits.refill(bytes);
                if let Some(coefficient) = block.first_mut() {
                    *coefficient |= (bits.peek::<1>() << spectrum.bit) as i16;
                }
                bits.consume(1);
                Ok(())
            },
        )
    } else {
        let dc = differences()?;
        let codes = |member: &Member| chosen(&dc, member.dc);
        scan.read(frame, &members, codes, |bytes, bits, dc, prediction, block| {
            bits.refill(bytes);
            *prediction = prediction.wrapping_add(dc.read(bits)?);
            if let Some(coefficient) = block.first_mut() {
                *coefficient = (*prediction << spectrum.bit) as i16;
            }
            Ok(())
        })
    }
}

/// What the members' tables are built to, each by its number.
fn built<T>(
    members: &[Member],
    number: impl Fn(&Member) -> usize,
    definitions: &[Option<Definition>; 4],
    build: impl Fn(&Definition) -> Result<T, BadCode>,
) -> Result<[Option<T>; 4], Stop> {
    let mut tables = [const { None }; 4];
    for number in members.iter().map(number) {
        let definition = definitions.get(number).and_then(Option::as_ref).ok_or(Stop::Declined)?;
        if let Some(table @ None) = tables.get_mut(number) {
            // What no table can be libjpeg refuses, too.
            *table = Some(build(definition).map_err(|_: BadCode| Stop::Declined)?);
        }
    }
    Ok(tables)
}

fn chosen<T>(tables: &[Option<T>; 4], number: usize) -> Option<&T> {
    tables.get(number).and_then(Option::as_ref)
}

/// The MCUs of a scan, and the blocks of one by component.
#[derive(Debug)]
struct McuGrid {
    columns: usize,
    rows: usize,
    /// Whether an MCU is a single block.
    single: bool,
    /// The columns of MCUs whose coefficients are kept.
    wanted: Range<usize>,
    /// The first row of them that is needed.
    top: usize,
}

impl McuGrid {
    fn new(frame: &Frame, members: &[Member]) -> Result<McuGrid, Stop> {
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
}

/// A block of an MCU.
struct McuBlock<C> {
    component: usize,
    codes: C,
    /// Where in the MCU it is.
    x: usize,
    y: usize,
    /// Blocks of the component in an MCU.
    h: usize,
    v: usize,
    /// Where the first one of a row of MCUs is among the component's coefficients.
    start: usize,
}

struct Scan<'a> {
    input: &'a [u8],
    at: usize,
    /// MCUs between two restart markers, or 0.
    interval: usize,
    grid: McuGrid,
    /// Who makes the image of a row of MCUs as soon as it is read.
    painter: Option<&'a mut RasterWriter>,
    /// Rows of pixels that were read.
    read_rows: &'a Cell<usize>,
    control: &'a Control,
}

impl Scan<'_> {
    /// Reads the blocks by `block`, which gets the reader, the codes of its
    /// component, the DC coefficient before it and the row of coefficients from its own on;
    /// none where it is not wanted.
    fn read<C: Copy>(
        &mut self,
        frame: &mut Frame,
        members: &[Member],
        codes: impl Fn(&Member) -> Option<C>,
        block: impl Fn(&mut Bytes, &mut Bits, C, &mut i32, &mut [i16]) -> Result<(), BadCode>,
    ) -> Result<usize, Stop> {
        let mut units = Vec::with_capacity(MOST_BLOCKS);
        for member in members {
            let of = frame.components.get(member.index).ok_or(Stop::Declined)?;
            let (h, v) = if self.grid.single { (1, 1) } else { (of.h, of.v) };
            let codes = codes(member).ok_or(Stop::Declined)?;
            for (y, x) in (0..v).flat_map(|y| (0..h).map(move |x| (y, x))) {
                units.push(McuBlock { component: member.index, codes, x, y, h, v, start: 0 });
            }
        }

        // Of whole intervals above all that is needed nothing has to be read.
        let above = self.grid.top * self.grid.columns;
        let passed = above.checked_div(self.interval).unwrap_or(0);
        let first = passed * self.interval;
        let mut bytes = Bytes::new(self.input, self.pass_restarts(passed)?);
        let mut bits = Bits::START;
        let mut predictions = [0; 4];
        let mut restarts = Restarts::new(self.interval, passed);
        for row in first / self.grid.columns..self.grid.rows {
            self.control.check()?;
            for unit in &mut units {
                let of = frame.components.get(unit.component).ok_or(Stop::Declined)?;
                unit.start = (row * unit.v + unit.y) % of.held.max(1) * of.row_len() + unit.x;
            }
            let mut planes: [&mut [i16]; 4] = Default::default();
            let kept = row >= self.grid.top;
            for (plane, component) in planes.iter_mut().zip(&mut frame.components).filter(|_| kept)
            {
                if self.painter.is_some() {
                    component.coefficients.fill(0);
                }
                *plane = &mut component.coefficients;
            }
            let Range { start, end } = self.grid.wanted;
            let before = first.saturating_sub(row * self.grid.columns);
            for column in before..self.grid.columns {
                if restarts.next(&mut bytes, &mut bits)? {
                    predictions = [0; 4];
                }
                let kept = (start..end).contains(&column);
                for unit in &units {
                    let prediction = &mut predictions[unit.component & 3];
                    // Of a column before those that are kept it is none, and not looked at.
                    let place = column.wrapping_sub(start).wrapping_mul(unit.h);
                    let place = unit.start.wrapping_add(place);
                    let plane = planes[unit.component & 3].get_mut(place..).filter(|_| kept);
                    let plane = plane.unwrap_or_default();
                    block(&mut bytes, &mut bits, unit.codes, prediction, plane)?;
                }
            }
            if bytes.overran(bits) {
                return Err(Stop::Ended);
            }
            if let Some(painter) = &mut self.painter {
                painter.paint(frame, frame.scaled((row + 1) * frame.mcu.1), self.control)?;
            }
            self.read_rows.set((row + 1) * frame.mcu.1);
        }
        Ok(bytes.position())
    }

    /// Reads every block of the one component by `block`, which gets the reader, and the
    /// number of blocks before which the band ends.
    fn read_band(
        &self,
        component: &mut Component,
        block: impl Fn(&mut Bytes, &mut Bits, &mut u32, Block) -> Result<(), BadCode>,
    ) -> Result<usize, Stop> {
        let (row_len, stride) = (component.row_len(), component.stride);
        let mut masks = component.masks.chunks_mut(stride);
        let mut bytes = Bytes::new(self.input, self.at);
        let mut bits = Bits::START;
        let mut run = 0;
        let mut restarts = Restarts::new(self.interval, 0);
        for row in component.coefficients.chunks_mut(row_len).take(self.grid.rows) {
            self.control.check()?;
            let mut masks = masks.next().unwrap_or_default().iter_mut();
            for column in 0..self.grid.columns {
                if restarts.next(&mut bytes, &mut bits)? {
                    run = 0;
                }
                let mut unmarked = 0;
                let mask = masks.next().unwrap_or(&mut unmarked);
                block(&mut bytes, &mut bits, &mut run, Block { row, column, mask })?;
            }
            if bytes.overran(bits) {
                return Err(Stop::Ended);
            }
        }
        Ok(bytes.position())
    }

    /// Goes to the end of the scan and looks at nothing but its restart markers.
    fn pass(&self) -> Result<usize, Stop> {
        let mcus = self.grid.columns * self.grid.rows;
        let restarts = (mcus - 1).checked_div(self.interval).unwrap_or(0);
        self.pass_data(self.pass_restarts(restarts)?)
    }

    /// Goes behind so many restart markers and looks at nothing else.
    fn pass_restarts(&self, many: usize) -> Result<usize, Stop> {
        let mut at = self.at;
        for number in 0..many {
            at = self.pass_data(at)? + 2;
            match self.input.get(at - 1) {
                Some(&marker @ 0xd0..=0xd7) if usize::from(marker & 7) == number & 7 => {}
                Some(0xd0..=0xd7) => {
                    return Err(broken("a restart marker is not where it should be"));
                }
                _ => return Err(broken("restart markers are missing")),
            }
        }
        Ok(at)
    }

    /// Goes to the next marker.
    fn pass_data(&self, mut at: usize) -> Result<usize, Stop> {
        loop {
            let rest = self.input.get(at..).unwrap_or_default();
            at += memchr(0xff, rest).ok_or_else(|| broken("the image is truncated"))?;
            match self.input.get(at + 1) {
                Some(0) => at += 2,
                Some(0xff) => at += 1,
                _ => return Ok(at),
            }
        }
    }
}

/// Counts MCUs up to the next restart marker.
#[derive(Debug)]
struct Restarts {
    /// MCUs between two, or 0.
    interval: usize,
    left: usize,
    /// The number of the next.
    marker: u8,
}

impl Restarts {
    /// Behind so many of them.
    fn new(interval: usize, passed: usize) -> Restarts {
        Restarts { interval, left: interval, marker: (passed & 7) as u8 }
    }

    /// Goes to the next MCU; returns whether there was a marker before it.
    #[inline(always)]
    fn next(&mut self, bytes: &mut Bytes, bits: &mut Bits) -> Result<bool, Stop> {
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
