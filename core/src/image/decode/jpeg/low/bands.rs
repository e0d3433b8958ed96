//! Scans of AC coefficients of progressive images (ITU-T T.81, section G.1.2).

use super::bits::{Bits, Bytes};
use super::coefficients::Coefficients;
use super::frame::Component;
use super::huffman::BadCode;
use super::scan::Spectrum;

/// What is no place of a coefficient that is kept, wherever one begins to count.
const NOWHERE: usize = usize::MAX / 2;

/// The coefficients that a scan has of every block of its component.
#[derive(Debug)]
pub(super) struct Band<'a> {
    codes: &'a Coefficients,
    first: u32,
    last: u32,
    /// The bit that the scan ends with.
    bit: u8,
    /// Where, in a row of blocks, the coefficients of each place in the scan are kept.
    offsets: [usize; 64],
    /// The last place of a coefficient that is kept.
    last_kept: u32,
}

/// The part of a row of blocks that a block is, and the mask of it.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) row: &'a mut [i16],
    pub(super) column: usize,
    pub(super) mask: &'a mut u64,
}

impl Block<'_> {
    /// The coefficient that is kept there, if one is.
    #[inline(always)]
    fn at(&mut self, offset: usize) -> Option<&mut i16> {
        self.row.get_mut(offset + self.column)
    }
}

impl Band<'_> {
    pub(super) fn new<'a>(
        codes: &'a Coefficients,
        spectrum: &Spectrum,
        component: &Component,
    ) -> Band<'a> {
        let offsets = std::array::from_fn(|at| component.offset(at).unwrap_or(NOWHERE));
        let last_kept = component.kept_mask().ilog2();
        let &Spectrum { first, last, bit, .. } = spectrum;
        Band { codes, first: first.into(), last: last.into(), bit, offsets, last_kept }
    }

    #[inline(always)]
    fn offset(&self, at: u32) -> usize {
        self.offsets[(at & 63) as usize]
    }

    /// Reads a block of the first scan of the band. `run` is the number of blocks without
    /// any more coefficients.
    #[inline(always)]
    pub(super) fn read(
        &self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        run: &mut u32,
        mut block: Block,
    ) -> Result<(), BadCode> {
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        let mut at = self.first;
        let mut mask = *block.mask;
        loop {
            bits.refill(bytes);
            let entry = self.codes.read(bits)?;
            if entry.run & Coefficients::END != 0 {
                *run = end(bits, entry.run) - 1;
                break;
            }
            // As libjpeg has it, one may lead beyond the end of the band.
            at = (at + u32::from(entry.run)).min(63);
            if entry.value != 0 {
                mask |= 1 << at;
                if let Some(coefficient) = block.at(self.offset(at)) {
                    *coefficient = entry.value << self.bit;
                }
            }
            at += 1;
            if at > self.last {
                break;
            }
        }
        *block.mask = mask;
        Ok(())
    }

    /// Reads a block of a scan that refines the band.
    ///
    /// A code leads on over coefficients that are zero; of all the others that are passed
    /// by, one bit each follows.
    #[inline(always)]
    pub(super) fn refine(
        &self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        run: &mut u32,
        mut block: Block,
    ) -> Result<(), BadCode> {
        let band = u64::MAX << self.first & u64::MAX >> (63 - self.last);
        let known = *block.mask & band;
        if *run > 0 {
            *run -= 1;
            if known != 0 {
                bits.refill(bytes);
                self.correct(bytes, bits, known, &mut block);
            }
            return Ok(());
        }
        let mut zeros = band & !known;
        let mut at = self.first;
        loop {
            bits.refill(bytes);
            let entry = self.codes.read(bits)?;
            if entry.run & Coefficients::END != 0 {
                *run = end(bits, entry.run) - 1;
                self.correct(bytes, bits, known & u64::MAX << at, &mut block);
                break;
            }
            if !matches!(entry.value, -1..=1) {
                return Err(BadCode);
            }
            zeros = behind(zeros, entry.run);
            // The place that the code leads to. As libjpeg has it, that may be beyond the end.
            let place = if zeros == 0 { self.last + 1 } else { zeros.trailing_zeros() };
            let bit = 1 << place.min(63);
            if entry.value != 0 {
                *block.mask |= bit;
            }
            if at > self.last_kept && zeros != 0 {
                consume_many(bytes, bits, place - at - u32::from(entry.run));
            } else {
                let before = !(u64::MAX << (place - 1) << 1);
                self.correct(bytes, bits, known & u64::MAX << at & before, &mut block);
                if let Some(coefficient) = block.at(self.offset(place.min(63)))
                    && entry.value != 0
                {
                    *coefficient = entry.value << self.bit;
                }
            }
            zeros &= !bit;
            at = place + 1;
            if at > self.last {
                break;
            }
        }
        Ok(())
    }

    /// Reads a bit for each of those coefficients. Of refilled bits no more than those of a
    /// code may have been read.
    #[inline(always)]
    fn correct(&self, bytes: &mut Bytes, bits: &mut Bits, which: u64, block: &mut Block) {
        let behind = u64::MAX << self.last_kept << 1;
        let mut kept = which & !behind;
        while kept != 0 {
            let offset = self.offset(kept.trailing_zeros());
            kept &= kept - 1;
            let step = (bits.peek::<1>() << self.bit) as i16;
            bits.consume(1);
            bits.refill(bytes);
            if let Some(coefficient) = block.at(offset) {
                let sign = *coefficient >> 15;
                *coefficient = coefficient.wrapping_add((step ^ sign).wrapping_sub(sign));
            }
        }
        consume_many(bytes, bits, (which & behind).count_ones());
    }
}

/// Passes over up to 63 bits. Of refilled ones no more than those of a code may have been
/// read.
#[inline(always)]
fn consume_many(bytes: &mut Bytes, bits: &mut Bits, count: u32) {
    if count <= Bits::REFILLED - Coefficients::MOST {
        bits.consume(count);
    } else {
        *bits = pass(bytes, *bits, count);
    }
}

/// Passes over many bits.
#[cold]
#[inline(never)]
fn pass(bytes: &mut Bytes, mut bits: Bits, mut count: u32) -> Bits {
    while count > 0 {
        bits.refill(bytes);
        let some = count.min(Bits::REFILLED);
        bits.consume(some);
        count -= some;
    }
    bits
}

/// What is left of those places behind the first `run`, without a branch that could
/// hardly be foretold.
#[inline(always)]
fn behind(places: u64, run: u8) -> u64 {
    let mut left = [places; 4];
    for i in 1..4 {
        left[i] = left[i - 1] & left[i - 1].wrapping_sub(1);
    }
    let mut places = left[usize::from(run & 3)];
    for _ in 0..run >> 2 {
        for _ in 0..4 {
            places &= places.wrapping_sub(1);
        }
    }
    places
}

/// How many blocks end where one has that run, of which 30 bits were read since the refill
/// at most.
#[inline(always)]
fn end(bits: &mut Bits, run: u8) -> u32 {
    let size = u32::from(run & 15);
    if size == 0 {
        return 1;
    }
    let more = bits.peek_some(size);
    bits.consume(size);
    (1 << size) + more
}
