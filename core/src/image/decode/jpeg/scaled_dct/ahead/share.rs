//! Rows of the image that the second reader makes, once all is read.

use super::super::frame::Frame;
use super::super::raster_writer::{Brush, Unmade};
use super::super::stop::Stop;
use super::super::tables::Colors;
use super::rows::{Place, Rows};
use crate::image::{Control, Error, Loan};

/// Some of the rows, with all that it takes to make them.
pub(in super::super) struct Share<'r> {
    /// Without coefficients.
    pub(super) frame: Frame,
    pub(super) colors: Colors,
    /// MCUs of a row.
    pub(super) columns: usize,
    /// The next row of MCUs, and the one behind the last.
    pub(super) row: usize,
    pub(super) end: usize,
    pub(super) rows: Rows,
    pub(super) corrections: [i16; 4],
    pub(super) unmade: Unmade<'r>,
}

impl<'r> Share<'r> {
    /// Makes them; returns what is left where the loan is wanted back.
    pub(in super::super) fn make(
        mut self,
        loan: Option<&dyn Loan>,
        control: &Control,
    ) -> Result<Option<Share<'r>>, Stop> {
        self.frame.hold_row()?;
        let mut brush = Brush::new(&self.frame, self.colors)?;
        while self.row < self.end {
            if loan.is_some_and(Loan::is_wanted_back) {
                return Ok(Some(self));
            }
            let Share { frame, columns, row, rows, corrections, unmade, .. } = &mut self;
            let Frame { components, wanted, .. } = &mut *frame;
            let mut planes: [&mut [i16]; 4] = Default::default();
            for (plane, component) in planes.iter_mut().zip(components) {
                *plane = &mut component.coefficients;
            }
            let mut next = 0;
            while next < *columns {
                let place = Place { row: *row, columns: next..*columns, wanted };
                let taken = rows.take(&mut planes, &place, corrections);
                if taken == 0 {
                    return Err(Error::Internal("a row that is shared is not there".into()).into());
                }
                next += taken;
            }
            *row += 1;
            unmade.paint(&mut brush, frame, frame.scaled(*row * frame.mcu.1), control)?;
        }
        Ok(None)
    }
}
