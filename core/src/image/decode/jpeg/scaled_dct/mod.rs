//! JPEG at an eighth of its size or a few of them, from the coefficients of the lowest
//! frequencies alone.
//!
//! At an eighth it takes one of them. The DC coefficient of a block is eight times
//! the average of its 8x8 samples, so that all the others need not be decoded
//! (ITU-T T.81, section A.3.3). In sequential images their codes still have to be
//! passed over, several at a time; of progressive images whole scans are.
//!
//! What comes out is what libjpeg-turbo gives at this scale, bit by bit, unless
//! a component is sampled half as often in both directions (4:2:0): of such a
//! one libjpeg-turbo makes 2x2 samples a block, which here are interpolated.
//!
//! At 2 to 5 eighths it takes 2x2 to 5x5 of them, as libjpeg-turbo does at 3 and 5, and more
//! where a component is sampled less often. Of sequential images that come in one scan no more
//! is kept than a row of MCUs, and of that what the part needs.

mod ahead;
mod averages;
mod bands;
mod bits;
mod coefficients;
mod frame;
mod fused_codes;
mod huffman;
mod mcu;
mod raster_writer;
mod samples;
mod scan;
mod scan_header;
mod scan_roles;
mod stop;
mod tables;

use std::cell::Cell;

use crate::image::damage::{Damage, Tolerance};
use crate::image::raster::Raster;
use crate::image::size::{Rect, Size};
use crate::image::source::jpeg::{EOI, SOI, SOS, Walk, stands_alone};
use crate::image::{Control, DamagePolicy, Error, error};
pub(super) use frame::{bytes, bytes_of_row, knows};

use frame::Frame;
use raster_writer::RasterWriter;
use scan_roles::{ScanRole, scan_roles};
use stop::{Stop, broken};
use tables::Tables;

/// Decodes an image whose structure [`Source::check`] found whole; `None` is one
/// that this decoder does not know. CMYK is as it is stored. The part begins at MCUs.
///
/// Of an image that comes in several scans what can't be read of one is what was known before,
/// where that is tolerated.
///
/// [`Source::check`]: crate::image::source::Source::check
pub(super) fn decode(
    input: &[u8],
    size: Size,
    part: Rect,
    eighths: u32,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Option<Raster>, Error> {
    match read(input, size, part, eighths as usize, (tolerance, &Cell::new(0)), control) {
        Ok(raster) => Ok(Some(raster)),
        Err(Stop::Declined) => Ok(None),
        Err(Stop::Ended) => Err(error::broken(ENDED)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Checks that at least half of the rows are there of an image that comes in one scan.
pub(super) fn check_half(input: &[u8], size: Size, control: &Control) -> Result<(), Error> {
    let strict = Tolerance::new(DamagePolicy::Strict);
    let (part, rows) = (Rect { x: 0, y: 0, size }, Cell::new(0));
    match read(input, size, part, 1, (&strict, &rows), control) {
        Err(Stop::Ended) if rows.get() * 2 < size.height as usize => Err(error::broken(ENDED)),
        Err(Stop::Failed(error @ (Error::Timeout | Error::Cancelled | Error::Internal(_)))) => {
            Err(error)
        }
        // What makes no sense is there.
        Ok(_) | Err(_) => Ok(()),
    }
}

const ENDED: &str = "the data of a scan is truncated";

/// Reads what is to be kept, and makes the part of it, a row of MCUs after the other where that
/// can be. Tells how many rows of pixels were read of the last scan.
fn read(
    input: &[u8],
    size: Size,
    part: Rect,
    eighths: usize,
    (tolerance, rows): (&Tolerance, &Cell<usize>),
    control: &Control,
) -> Result<Raster, Stop> {
    let mut walk = Walk::new(input, 2);
    let mut tables = Tables::default();
    let mut frame = None;
    let mut painter = None;
    let mut script: Option<std::vec::IntoIter<ScanRole>> = None;
    loop {
        let at = walk.at();
        match walk.marker().ok_or_else(|| broken("the image is truncated"))? {
            EOI => break,
            SOI => return Err(Stop::Declined),
            marker if stands_alone(marker) => {}
            marker => {
                let body = walk.segment().ok_or_else(|| broken("a segment is truncated"))?;
                match marker {
                    0xc0..=0xc2 if frame.is_none() => {
                        let new = Frame::new(marker == 0xc2, eighths, body, part)?;
                        if new.size != size {
                            return Err(broken("two readings of the header differ"));
                        }
                        frame = Some(new);
                    }
                    SOS => {
                        let frame = frame.as_mut().ok_or(Stop::Declined)?;
                        let roles = match &mut script {
                            Some(roles) => roles,
                            None => {
                                script.insert(scan_roles(input, at, frame, &tables)?.into_iter())
                            }
                        };
                        let role = roles.next().unwrap_or(ScanRole::Passed);
                        let at = walk.at();
                        let scan = scan::read(
                            input,
                            at,
                            body,
                            (frame, &mut painter),
                            &tables,
                            role,
                            (rows, control),
                        );
                        match scan {
                            Ok(behind) => walk = Walk::new(input, behind),
                            Err(stop) => {
                                lost(stop, frame, tolerance)?;
                                walk.skip_entropy();
                            }
                        }
                    }
                    _ => tables.read(marker, body)?,
                }
            }
        }
    }
    let frame = frame.ok_or(Stop::Declined)?;
    if let Some(painter) = painter {
        return Ok(painter.raster());
    }
    if frame.wanted.is_empty() {
        return Err(Stop::Declined);
    }
    if frame.components.iter().any(|component| component.quantizers.is_none()) {
        tolerance.note(Damage::inside("a component has no data"))?;
    }
    RasterWriter::new(&frame, tables.colors(&frame)?)?.paint(&frame, control)
}

/// Goes on behind a scan that could not all be read, if that is tolerated.
fn lost(stop: Stop, frame: &Frame, tolerance: &Tolerance) -> Result<(), Stop> {
    let what = match stop {
        Stop::Ended if !frame.complete => ENDED.to_owned(),
        Stop::Failed(Error::DecodeFailed(what)) if !frame.complete => what,
        stop => return Err(stop),
    };
    Ok(tolerance.note(Damage::inside(what))?)
}
