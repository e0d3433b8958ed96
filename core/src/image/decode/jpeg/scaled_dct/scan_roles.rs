//! Which scans of a progressive image have to be read.

use super::frame::{Component, Frame};
use super::scan_header::{Spectrum, header};
use super::stop::{Stop, broken};
use super::tables::Tables;
use crate::image::source::jpeg::{EOI, SOS, Walk, stands_alone};

/// What is done with a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanRole {
    /// It is passed over.
    Passed,
    Read,
    /// It is read, and it is noted which coefficients are zero, since a scan that is read
    /// depends on that.
    Marked,
}

/// The roles of the scans from there on, in their order; none at an eighth.
///
/// A scan is read where it has coefficients that are kept. To refine some, it has to be
/// known which others of its band are zero, and so all that came before of that band is
/// read too.
pub(super) fn scan_roles(
    input: &[u8],
    at: usize,
    frame: &Frame,
    tables: &Tables,
) -> Result<Vec<ScanRole>, Stop> {
    if !frame.progressive || frame.eighths == 1 {
        return Ok(Vec::new());
    }
    let mut walk = Walk::new(input, at);
    let mut scans = Vec::new();
    loop {
        match walk.marker().ok_or_else(|| broken("the image is truncated"))? {
            EOI => break,
            marker if stands_alone(marker) => {}
            marker => {
                let body = walk.segment().ok_or_else(|| broken("a segment is truncated"))?;
                if marker == SOS {
                    let (members, spectrum) = header(body, frame).ok_or(Stop::Declined)?;
                    scans.push((members.first().map_or(0, |member| member.index), spectrum));
                }
            }
        }
    }
    let mut marked = [0; 4];
    let mut roles = Vec::with_capacity(scans.len());
    for &(index, Spectrum { first, last, known, bit }) in scans.iter().rev() {
        let component = frame.components.get(index).ok_or(Stop::Declined)?;
        let marked = marked.get_mut(index).ok_or(Stop::Declined)?;
        let band = u64::MAX << (first & 63) & u64::MAX >> (63 - last.min(63));
        let wanted = band & component.kept_mask() != 0
            && (known == 0 || shows(component, tables, bit.into()));
        roles.push(if first > 0 && !wanted && band & *marked == 0 {
            ScanRole::Passed
        } else if first > 0 && known > 0 {
            *marked |= band;
            ScanRole::Marked
        } else if band & *marked == 0 {
            ScanRole::Read
        } else {
            ScanRole::Marked
        });
    }
    roles.reverse();
    Ok(roles)
}

/// Whether samples could become more than 1 off, in the root mean square of a block, if
/// AC coefficients were not known down to that bit.
///
/// The squares of what coefficients and samples are off have the same sum.
fn shows(component: &Component, tables: &Tables, bit: u32) -> bool {
    let Some(quantizers) = component.quantizers_of(&tables.quantizers) else { return true };
    let off = |quantizer: u16| u64::from(quantizer).saturating_mul((2 << bit.min(15)) - 1);
    let kept = (1..64).zip(quantizers.iter().skip(1));
    let kept = kept.filter(|&(at, _)| component.offset(at).is_some());
    kept.map(|(_, &quantizer)| off(quantizer).pow(2)).sum::<u64>() > 64
}
