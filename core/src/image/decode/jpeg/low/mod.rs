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

mod averages;
mod bands;
mod bits;
mod coefficients;
mod frame;
mod huffman;
mod paint;
mod pairs;
mod samples;
mod scan;
mod script;
mod tables;

use super::super::super::geometry::{Size, Window};
use super::super::super::raster::Raster;
use super::super::super::source::jpeg::{EOI, SOI, SOS, Walk, stands_alone};
use super::super::super::{Control, Error};
use super::super::failed;
pub(super) use frame::{bytes, bytes_of_row};

use frame::Frame;
use huffman::BadCode;
use paint::Painter;
use script::{Role, roles};
use tables::Tables;

/// Why there is no image.
#[derive(Debug)]
enum Stop {
    /// Something that libjpeg may make sense of.
    Declined,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

impl From<BadCode> for Stop {
    fn from(_: BadCode) -> Stop {
        broken("a bad Huffman code")
    }
}

fn broken(what: &str) -> Stop {
    Stop::Failed(failed(what))
}

/// Decodes an image whose structure [`Source::check`] found whole; `None` is one
/// that this decoder does not know. CMYK is as it is stored. The part begins at MCUs.
///
/// [`Source::check`]: super::super::super::source::Source::check
pub(super) fn decode(
    input: &[u8],
    size: Size,
    part: Window,
    eighths: u32,
    control: &Control,
) -> Result<Option<Raster>, Error> {
    match read(input, size, part, eighths as usize, control) {
        Ok(raster) => Ok(Some(raster)),
        Err(Stop::Declined) => Ok(None),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Reads what is to be kept, and makes the part of it, a row of MCUs after the other where that
/// can be.
fn read(
    input: &[u8],
    size: Size,
    part: Window,
    eighths: usize,
    control: &Control,
) -> Result<Raster, Stop> {
    let mut walk = Walk::new(input, 2);
    let mut tables = Tables::default();
    let mut frame = None;
    let mut painter = None;
    let mut script: Option<std::vec::IntoIter<Role>> = None;
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
                            None => script.insert(roles(input, at, frame, &tables)?.into_iter()),
                        };
                        let role = roles.next().unwrap_or(Role::Passed);
                        let at = walk.at();
                        let behind = scan::read(
                            input,
                            at,
                            body,
                            (frame, &mut painter),
                            &tables,
                            role,
                            control,
                        )?;
                        walk = Walk::new(input, behind);
                    }
                    _ => tables.read(marker, body)?,
                }
            }
        }
    }
    let frame = frame.ok_or(Stop::Declined)?;
    if let Some(painter) = painter {
        return painter.finish(&frame, control);
    }
    if frame.components.iter().any(|component| component.quantizers.is_none()) {
        return Err(broken("a component has no data"));
    }
    Painter::new(&frame, tables.colors(&frame)?)?.finish(&frame, control)
}
