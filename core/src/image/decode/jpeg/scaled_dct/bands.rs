//! Scans of AC coefficients of progressive images (ITU-T T.81, section G.1.2).

use super::bits::{Bits, Bytes};
use super::coefficients::Coefficients;
use super::frame::Component;
use super::huffman::BadCode;
use super::scan_header::Spectrum;

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
    /// The places of those that are kept.
    kept: u64,
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
        let kept = component.kept_mask();
        let &Spectrum { first, last, bit, .. } = spectrum;
        Band { codes, first: first.into(), last: last.into(), bit, offsets, kept }
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
        let mut zeros = band & !known;
        let mut corrections = Corrections::default();
        // What becomes other than zero, and negative.
        let (mut new, mut negative) = (0u64, 0u64);
        let mut at = self.first;
        while *run == 0 && at <= self.last {
            bits.refill(bytes);
            let entry = self.codes.read(bits)?;
            if entry.run & Coefficients::END != 0 {
                *run = end(bits, entry.run);
                break;
            }
            if !matches!(entry.value, -1..=1) {
                return Err(BadCode);
            }
            zeros = behind(zeros, entry.run);
            let (place, passed) = if zeros == 0 {
                // As libjpeg has it, a code may lead beyond the end of the band.
                (self.last + 1, (known & u64::MAX << at).count_ones())
            } else {
                let place = zeros.trailing_zeros();
                (place, place - at - u32::from(entry.run))
            };
            corrections.take(bytes, bits, passed);
            let bit = 1 << place.min(63);
            new |= bit & (i64::from(entry.value) & 1).wrapping_neg() as u64;
            negative |= bit & i64::from(entry.value >> 15) as u64;
            zeros &= !bit;
            at = place + 1;
        }
        if *run > 0 {
            *run -= 1;
            bits.refill(bytes);
            corrections.take(bytes, bits, (known & u64::MAX << at).count_ones());
        }
        *block.mask |= new;

        let mut next = corrections.first();
        let mut known = known & u64::MAX >> self.kept.leading_zeros();
        while known != 0 {
            let offset = self.offset(known.trailing_zeros());
            known &= known - 1;
            let step = ((next >> 63) << self.bit) as i16;
            next <<= 1;
            if let Some(coefficient) = block.at(offset) {
                let sign = *coefficient >> 15;
                *coefficient = coefficient.wrapping_add((step ^ sign).wrapping_sub(sign));
            }
        }
        new &= self.kept;
        while new != 0 {
            let place = new.trailing_zeros();
            new &= new - 1;
            if let Some(coefficient) = block.at(self.offset(place)) {
                let value = 1 << self.bit;
                *coefficient = if negative >> place & 1 == 0 { value } else { -value };
            }
        }
        Ok(())
    }
}

/// The bits by which the coefficients of a block are corrected, in their order.
#[derive(Debug, Default)]
struct Corrections {
    bits: u64,
    count: u32,
}

impl Corrections {
    /// Reads some. Of refilled bits no more than those of a code may have been read.
    #[inline(always)]
    fn take(&mut self, bytes: &mut Bytes, bits: &mut Bits, count: u32) {
        if count <= Bits::REFILLED - Coefficients::MOST {
            self.bits = self.bits << count | bits.peek_few(count);
            bits.consume(count);
        } else {
            (self.bits, *bits) = take_many(self.bits, bytes, *bits, count);
        }
        self.count += count;
    }

    /// Those bits from the top.
    #[inline(always)]
    fn first(&self) -> u64 {
        self.bits.unbounded_shl(64 - self.count)
    }
}

#[cold]
#[inline(never)]
fn take_many(mut taken: u64, bytes: &mut Bytes, mut bits: Bits, count: u32) -> (u64, Bits) {
    for _ in 0..count {
        bits.refill(bytes);
        taken = taken << 1 | bits.peek_few(1);
        bits.consume(1);
    }
    (taken, bits)
}

/// What is left of those places behind the first `run`, without a branch that could
/// hardly be foretold.
#[inline(always)]
fn behind(places: u64, run: u8) -> u64 {
    let mut left = [places; 8];
    for i in 1..8 {
        left[i] = left[i - 1] & left[i - 1].wrapping_sub(1);
    }
    let mut places = left[usize::from(run & 7)];
    if run > 7 {
        for _ in 0..8 {
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
