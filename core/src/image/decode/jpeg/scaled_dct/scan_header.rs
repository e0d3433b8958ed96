//! Scan headers (ITU-T T.81, section B.2.3).

use super::frame::{Component, Frame};
use super::stop::{Stop, broken};
use crate::image::bytes::array;

/// A component of a scan.
#[derive(Debug)]
pub(super) struct Member {
    /// Which of the frame's.
    pub(super) index: usize,
    /// Its tables.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// What a scan has of its coefficients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spectrum {
    /// The first and the last of them, in zigzag order.
    pub(super) first: u8,
    pub(super) last: u8,
    /// The bit down to which they were known before; 0 in their first scan.
    pub(super) known: u8,
    /// The bit down to which they are known behind the scan.
    pub(super) bit: u8,
}

impl Spectrum {
    pub(super) const WHOLE: Spectrum = Spectrum { first: 0, last: 63, known: 0, bit: 0 };

    /// Checks that the scan may come now in a progressive image, and notes what is
    /// known then. `members` is the number of its components.
    pub(super) fn advance(&self, component: &mut Component, members: usize) -> Result<(), Stop> {
        let &Spectrum { first, last, known, bit } = self;
        let band = if first == 0 { last == 0 } else { first <= last && last < 64 && members == 1 };
        if !band || known > 0 && bit + 1 != known || bit > 13 {
            return Err(broken("a scan that no progressive image can have"));
        }
        let before = &mut component.precision;
        let in_turn = |&precision: &i8| precision.max(0) == known as i8;
        let band = usize::from(first)..=usize::from(last);
        if first > 0 && before[0] < 0 || !before[band.clone()].iter().all(in_turn) {
            return Err(broken("the scans are not in turn"));
        }
        before[band].fill(bit as i8);
        Ok(())
    }
}

/// Reads a scan header.
pub(super) fn header(body: &[u8], frame: &Frame) -> Option<(Vec<Member>, Spectrum)> {
    let count = usize::from(*body.first()?);
    let [first, last, bits] = array(body, 1 + 2 * count)?;
    if !(1..=4).contains(&count) || body.len() != 4 + 2 * count {
        return None;
    }
    let mut members: Vec<Member> = Vec::with_capacity(4);
    for i in 0..count {
        let [id, tables] = array(body, 1 + 2 * i)?;
        let index = frame.components.iter().position(|component| component.id == id)?;
        if members.iter().any(|member| member.index == index) {
            return None;
        }
        members.push(Member { index, dc: (tables >> 4).into(), ac: (tables & 15).into() });
    }
    Some((members, Spectrum { first, last, known: bits >> 4, bit: bits & 15 }))
}
