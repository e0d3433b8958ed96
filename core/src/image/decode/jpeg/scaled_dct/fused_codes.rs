//! The AC coefficients that are kept of a block of a sequential image, two at a time.

use super::bits::{Bits, Bytes};
use super::coefficients::{CodeEntry, Coefficients};
use super::frame::Component;
use super::huffman::{BadCode, CoefficientSkipper, Definition, Differences};
use super::mcu::BlockReader;

/// Reads the coefficients that are kept of the blocks of a component.
#[derive(Debug, Clone, Copy)]
pub(super) struct CoefficientReader<'a> {
    pub(super) dc: &'a Differences,
    pub(super) ac: &'a FusedCodes,
    /// The same codes, behind the last coefficient that is kept.
    pub(super) rest: &'a CoefficientSkipper,
    pub(super) places: &'a CoefficientOffsets,
}

impl BlockReader for CoefficientReader<'_> {
    #[inline(always)]
    fn read(
        self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        prediction: &mut i32,
        block: &mut [i16],
    ) -> Result<(), BadCode> {
        let found = self.dc.next(bytes, bits, prediction)?;
        if block.is_empty() {
            return self.rest.pass(1, bytes, bits);
        }
        let at = self.ac.read(bytes, bits, self.places, block)?;
        if let Some(coefficient) = block.first_mut() {
            *coefficient = found as i16;
        }
        if at < 64 {
            bits.refill(bytes);
            self.rest.pass(at, bytes, bits)?;
        }
        Ok(())
    }
}

/// Reads two codes at a time.
#[derive(Debug)]
pub(super) struct FusedCodes {
    /// By the next bits: what they begin with.
    short: Box<[FusedCode; 1 << Coefficients::BITS]>,
    one: Coefficients,
}

/// What one code says or two, and the bits behind them.
#[derive(Debug, Clone, Copy)]
struct FusedCode {
    /// Bits of all that.
    length: u8,
    /// By how many coefficients it leads on, with [`END`] to the end of the block; [`LONG`] where
    /// not even one code is complete.
    lead: u8,
    /// How many coefficients further on those of the codes are, or [`NOWHERE`].
    places: [u8; 2],
    values: [i16; 2],
}

const END: u8 = 0x80;
const LONG: u8 = 0xff;
/// Behind all coefficients of a block.
const NOWHERE: u8 = 64;

impl FusedCode {
    /// What the codes of nothing say.
    const NONE: FusedCode = FusedCode { length: 0, lead: 0, places: [NOWHERE; 2], values: [0; 2] };

    /// This, and one more code behind it as the one of that number.
    fn with(mut self, number: usize, entry: CodeEntry) -> FusedCode {
        self.length += entry.length;
        if entry.run & Coefficients::END != 0 {
            self.lead |= END;
            return self;
        }
        if let (Some(place), Some(value)) =
            (self.places.get_mut(number), self.values.get_mut(number))
            && entry.value != 0
        {
            (*place, *value) = (self.lead + entry.run, entry.value);
        }
        self.lead += entry.run + 1;
        self
    }
}

impl FusedCodes {
    pub(super) fn new(definition: &Definition) -> Result<FusedCodes, BadCode> {
        let one = Coefficients::new(definition)?;
        let mut short =
            Box::new([FusedCode { lead: LONG, ..FusedCode::NONE }; 1 << Coefficients::BITS]);
        for (index, pair) in short.iter_mut().enumerate() {
            let first = one.short[index];
            if first.length == 0 {
                continue;
            }
            *pair = FusedCode::NONE.with(0, first);
            // Zeros stand for the bits that are not known.
            let second = one.short[index << first.length & (one.short.len() - 1)];
            let together = u32::from(first.length + second.length);
            if pair.lead & END == 0 && second.length > 0 && together <= Coefficients::BITS {
                *pair = pair.with(1, second);
            }
        }
        Ok(FusedCodes { short, one })
    }

    /// Reads coefficients up to the last one that is kept; returns at which one it stopped, or
    /// something behind the last of all. Of refilled bits no more than those of the DC coefficient
    /// may have been read.
    ///
    /// `block` is the row of coefficients from the block's DC coefficient on, in whose place
    /// anything may be left.
    #[inline(always)]
    fn read(
        &self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        places: &CoefficientOffsets,
        block: &mut [i16],
    ) -> Result<u32, BadCode> {
        let mut at = 1;
        let mut looks = (Bits::REFILLED - Differences::MOST) / Coefficients::BITS;
        loop {
            for _ in 0..looks {
                let pair = self.short[bits.peek::<{ Coefficients::BITS }>()];
                let next = at + u32::from(pair.lead);
                for (place, value) in pair.places.into_iter().zip(pair.values) {
                    let offset = places.offsets[((at + u32::from(place)) & 127) as usize];
                    if let Some(coefficient) = block.get_mut(offset as usize) {
                        *coefficient = value;
                    }
                }
                if next > places.last {
                    if next <= 64 || next & u32::from(END) != 0 && next < u32::from(END) + 64 {
                        bits.consume(pair.length.into());
                        return Ok(next);
                    }
                    // The first code is a long one, or the second of the next block already.
                    bits.refill(bytes);
                    at = self.read_one(at, bits, places, block)?;
                    if at > places.last {
                        return Ok(at);
                    }
                    break;
                }
                bits.consume(pair.length.into());
                at = next;
            }
            bits.refill(bytes);
            looks = Bits::REFILLED / Coefficients::BITS;
        }
    }

    /// Reads one code. As libjpeg does it, one that leads beyond the end of the block ends it.
    #[inline(always)]
    fn read_one(
        &self,
        at: u32,
        bits: &mut Bits,
        places: &CoefficientOffsets,
        block: &mut [i16],
    ) -> Result<u32, BadCode> {
        let entry = self.one.read(bits)?;
        if entry.run & Coefficients::END != 0 {
            return Ok(at + u32::from(END));
        }
        let place = at + u32::from(entry.run);
        let coefficient = block.get_mut(places.offsets[(place & 127) as usize] as usize);
        if let Some(coefficient) = coefficient {
            *coefficient = entry.value;
        }
        Ok(place + 1)
    }
}

/// Where the coefficients of a block are kept.
#[derive(Debug)]
pub(super) struct CoefficientOffsets {
    /// By their place in a scan, and beyond the last of them as far as a code may lead: where they
    /// are from the DC coefficient on. That is the place also of those that are not kept.
    offsets: [u32; 128],
    /// The last one that is kept.
    last: u32,
}

impl CoefficientOffsets {
    pub(super) fn new(component: &Component) -> CoefficientOffsets {
        let offset = |at| component.offset(at).unwrap_or(0) as u32;
        let last = 63 - component.kept_mask().leading_zeros();
        CoefficientOffsets { offsets: std::array::from_fn(offset), last }
    }
}
