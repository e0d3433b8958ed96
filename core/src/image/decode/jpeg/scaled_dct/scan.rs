//! Scans (ITU-T T.81, sections B.2.3, F.2 and G.1).

use std::cell::Cell;
use std::ops::Range;
use std::sync::mpsc::channel;
use std::time::Instant;

use memchr::memchr;

use super::ahead::{Ahead, Ends, Outlook, Place, Reader, Resumed, Task};
use super::bands::{Band, Block};
use super::bits::{Bits, Bytes};
use super::coefficients::Coefficients;
use super::frame::{Component, Frame};
use super::fused_codes::{CoefficientOffsets, CoefficientReader, FusedCodes};
use super::huffman::{BadCode, CoefficientSkipper, Definition, Differences};
use super::mcu::{BlockReader, McuBlock, McuGrid, Restarts};
use super::raster_writer::{Painter, RasterWriter};
use super::scan_header::{Member, Spectrum, header};
use super::scan_roles::ScanRole;
use super::stop::{Stop, broken};
use super::tables::Tables;
use crate::image::{Control, Error};

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
    let mut scan = Scan {
        input,
        at,
        interval,
        grid,
        painter: painter.as_mut().map(RasterWriter::painter),
        read_rows,
        control,
    };
    let differences = || built(&members, |member| member.dc, &tables.dc, Differences::new);
    let skips = || built(&members, |member| member.ac, &tables.ac, CoefficientSkipper::new);
    if !frame.progressive && frame.eighths > 1 {
        let (dc, rest) = (differences()?, skips()?);
        let ac = built(&members, |member| member.ac, &tables.ac, FusedCodes::new)?;
        let offsets = |components: &[Component]| -> Vec<CoefficientOffsets> {
            components.iter().map(CoefficientOffsets::new).collect()
        };
        let ahead = scan.ahead(frame);
        let places = offsets(&frame.components);
        let of_ahead = ahead.as_ref().map(|ahead| offsets(&ahead.components));
        let codes = |member: &Member, is_ahead: bool| {
            let places = of_ahead.as_ref().filter(|_| is_ahead).unwrap_or(&places);
            Some(CoefficientReader {
                dc: chosen(&dc, member.dc)?,
                ac: chosen(&ac, member.ac)?,
                rest: chosen(&rest, member.ac)?,
                places: places.get(member.index)?,
            })
        };
        scan.read_by_two(frame, &members, ahead, codes)
    } else if !frame.progressive {
        let (dc, ac) = (differences()?, skips()?);
        let codes = |member: &Member, _| {
            Some(AverageReader { dc: chosen(&dc, member.dc)?, ac: chosen(&ac, member.ac)? })
        };
        let ahead = scan.ahead(frame);
        scan.read_by_two(frame, &members, ahead, codes)
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
        scan.read(frame, &members, |_| Some(BitReader { bit: spectrum.bit }))
    } else {
        let dc = differences()?;
        let bit = spectrum.bit;
        let codes = |member: &Member| Some(FirstReader { dc: chosen(&dc, member.dc)?, bit });
        scan.read(frame, &members, codes)
    }
}

/// Reads blocks of a sequential image of which the DC coefficient is kept.
#[derive(Debug, Clone, Copy)]
struct AverageReader<'a> {
    dc: &'a Differences,
    ac: &'a CoefficientSkipper,
}

impl BlockReader for AverageReader<'_> {
    #[inline(always)]
    fn read(
        self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        prediction: &mut i32,
        block: &mut [i16],
    ) -> Result<(), BadCode> {
        let found = self.dc.next(bytes, bits, prediction)?;
        if let Some(coefficient) = block.first_mut() {
            *coefficient = found as i16;
        }
        self.ac.pass(1, bytes, bits)
    }
}

/// Reads DC coefficients of a progressive image down to that bit.
#[derive(Debug, Clone, Copy)]
struct FirstReader<'a> {
    dc: &'a Differences,
    bit: u8,
}

impl BlockReader for FirstReader<'_> {
    #[inline(always)]
    fn read(
        self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        prediction: &mut i32,
        block: &mut [i16],
    ) -> Result<(), BadCode> {
        let found = self.dc.next(bytes, bits, prediction)?;
        if let Some(coefficient) = block.first_mut() {
            *coefficient = (found << self.bit) as i16;
        }
        Ok(())
    }
}

/// Reads that bit of DC coefficients.
#[derive(Debug, Clone, Copy)]
struct BitReader {
    bit: u8,
}

impl BlockReader for BitReader {
    #[inline(always)]
    fn read(
        self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        _: &mut i32,
        block: &mut [i16],
    ) -> Result<(), BadCode> {
        bits.refill(bytes);
        if let Some(coefficient) = block.first_mut() {
            *coefficient |= (bits.peek::<1>() << self.bit) as i16;
        }
        bits.consume(1);
        Ok(())
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

struct Scan<'a> {
    input: &'a [u8],
    at: usize,
    /// MCUs between two restart markers, or 0.
    interval: usize,
    grid: McuGrid,
    /// Who makes the image of a row of MCUs as soon as it is read.
    painter: Option<Painter<'a>>,
    /// Rows of pixels that were read.
    read_rows: &'a Cell<usize>,
    control: &'a Control,
}

impl<'a> Scan<'a> {
    /// A second reader, if that helps.
    fn ahead(&self, frame: &Frame) -> Option<Reader<'a>> {
        if !frame.complete {
            return None;
        }
        Reader::new((self.input, self.at), frame, &self.grid, self.interval, self.control)
    }

    /// Reads the blocks as [`read`](Scan::read) does, with a second reader where there is one. `codes`
    /// are also told whether they are for that.
    fn read_by_two<C: BlockReader + Send + Sync>(
        &mut self,
        frame: &mut Frame,
        members: &[Member],
        ahead: Option<Reader<'_>>,
        codes: impl Fn(&Member, bool) -> Option<C>,
    ) -> Result<usize, Stop> {
        let units = self.grid.units(&frame.components, members, |member| codes(member, false))?;
        let Some(reader) = &ahead else { return self.read_units(frame, units, |_, _| None) };
        let mut units_ahead =
            self.grid.units(&reader.components, members, |member| codes(member, true))?;
        for unit in &mut units_ahead {
            unit.start(0, reader.components.get(unit.component).ok_or(Stop::Declined)?);
        }
        let (units_ahead, begin) = (units_ahead.as_slice(), Instant::now());
        let control = self.control;
        let (give, given) = channel::<(&Task, Ends<'_>)>();
        let (mut made, mut read, mut units) = (None, Err(Stop::Declined), Some(units));
        let beside = &mut made;
        let ended = reader.spare.run(
            &mut move || {
                *beside = given.recv().ok().map(|(task, ends)| reader.run(task, ends, units_ahead));
            },
            &mut |start| {
                let Some(units) = units.take() else { return };
                read = self.read_units(frame, units, |frame, row| {
                    let task = reader.begin(row)?;
                    let (ahead, ends) = Ahead::new(reader, task, frame, begin)?;
                    give.send((task, ends)).ok()?;
                    start().then_some(ahead)
                });
            },
        );
        // What it could not read is done by now, for whatever reason that was.
        if ended.is_err() && self.painter.as_ref().is_some_and(Painter::is_split) {
            return Err(Error::Internal("a second reader ended early".to_owned()).into());
        }
        if let Some(left) = made.transpose()?.flatten() {
            left.make(None, control)?;
        }
        read
    }

    /// Reads the blocks, each by the codes of its component.
    fn read<C: BlockReader>(
        &mut self,
        frame: &mut Frame,
        members: &[Member],
        codes: impl Fn(&Member) -> Option<C>,
    ) -> Result<usize, Stop> {
        let units = self.grid.units(&frame.components, members, codes)?;
        self.read_units(frame, units, |_, _| None)
    }

    /// Reads the blocks. `help` is asked before each row for what is known of a second reader that begins
    /// then.
    fn read_units<C: BlockReader>(
        &mut self,
        frame: &mut Frame,
        mut units: Vec<McuBlock<C>>,
        mut help: impl FnMut(&Frame, usize) -> Option<Ahead<'a>>,
    ) -> Result<usize, Stop> {
        let mut ahead = None;
        // Of whole intervals above all that is needed nothing has to be read.
        let above = self.grid.top * self.grid.columns;
        let passed = above.checked_div(self.interval).unwrap_or(0);
        let first = passed * self.interval;
        let mut bytes = Bytes::new(self.input, self.pass_restarts(passed)?);
        let mut bits = Bits::START;
        let mut predictions = [0; 4];
        let mut restarts = Restarts::new(self.interval, passed);
        let mut rows = first / self.grid.columns..self.grid.rows;
        while let Some(row) = rows.next() {
            self.control.check()?;
            ahead = ahead.or_else(|| help(frame, row));
            if let (Some(second), Some(painter)) = (&mut ahead, &mut self.painter) {
                if let Some(behind) = second.behind_shared(row) {
                    rows.start = behind;
                    continue;
                }
                second.share((row, self.grid.rows), frame, painter, self.control)?;
            }
            for unit in &mut units {
                unit.start(row, frame.components.get(unit.component).ok_or(Stop::Declined)?);
            }
            let mut planes: [&mut [i16]; 4] = Default::default();
            let kept = row >= self.grid.top;
            // What is taken over is all of a row.
            let is_taken = ahead.as_ref().is_some_and(Ahead::has_met);
            for (plane, component) in planes.iter_mut().zip(&mut frame.components).filter(|_| kept)
            {
                if self.painter.is_some() && !is_taken {
                    component.coefficients.fill(0);
                }
                *plane = &mut component.coefficients;
            }
            let Range { start, end } = self.grid.wanted;
            let apart = ahead.as_mut().filter(|ahead| !ahead.has_met());
            let outlook = apart.map(Ahead::look);
            if outlook == Some(Outlook::Never) {
                ahead = None;
            }
            let is_near = outlook == Some(Outlook::Near);
            let mut next = first.saturating_sub(row * self.grid.columns);
            while next < self.grid.columns {
                if let Some(second) = ahead.as_mut().filter(|ahead| ahead.has_met()) {
                    let (columns, wanted) = (next..self.grid.columns, &self.grid.wanted);
                    let place = Place { row, columns, wanted };
                    let taken = second.take(&mut planes, &place);
                    next += taken;
                    if taken == 0 {
                        second.clear(&mut planes, &place);
                        let resumed = second.resume(self.input).ok_or(Stop::Declined)?;
                        Resumed { bytes, bits, predictions, restarts } = resumed;
                        ahead = None;
                    }
                    continue;
                }
                let begin = std::mem::replace(&mut next, self.grid.columns);
                for column in begin..self.grid.columns {
                    if restarts.next(&mut bytes, &mut bits)? {
                        predictions = [0; 4];
                    }
                    // What was read behind the end of the data is no place.
                    if is_near
                        && let Some(second) = &mut ahead
                        && !bytes.overran(bits)
                        && second.meets(bytes.place(bits), &predictions)
                    {
                        next = column;
                        break;
                    }
                    let kept = (start..end).contains(&column);
                    for unit in &units {
                        let prediction = &mut predictions[unit.component & 3];
                        // Of a column before those that are kept it is none, and not looked at.
                        let place = column.wrapping_sub(start).wrapping_mul(unit.h);
                        let place = unit.start.wrapping_add(place);
                        let plane = planes[unit.component & 3].get_mut(place..).filter(|_| kept);
                        let plane = plane.unwrap_or_default();
                        unit.codes.read(&mut bytes, &mut bits, prediction, plane)?;
                    }
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
        if let Some(painter) = &mut self.painter {
            painter.paint(frame, usize::MAX, self.control)?;
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
