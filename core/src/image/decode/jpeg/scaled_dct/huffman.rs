//! Huffman codes (ITU-T T.81, annex C and section F.2.2), and tables that read
//! several at once.

use super::bits::{Bits, Bytes};

/// What a DHT segment says of one table.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    /// How many codes there are of each length, from 1 on.
    pub(super) counts: [u8; 16],
    /// Their symbols, by code; 0 behind the last.
    pub(super) symbols: [u8; 256],
}

/// What is no code, or a table that can't be.
#[derive(Debug)]
pub(super) struct BadCode;

/// A code: so many bits, aligned to the top of 16.
pub(super) struct HuffmanCode {
    pub(super) length: u32,
    bits: u32,
    pub(super) symbol: u8,
}

impl HuffmanCode {
    /// What begins with this code and `extra` bits, of all that have `N` bits.
    pub(super) fn range<const N: u32>(&self, extra: u32) -> Option<std::ops::Range<usize>> {
        let free = N.checked_sub(self.length + extra)?;
        let first = (self.bits >> (16 - N)) as usize;
        Some(first..first + (1 << (free + extra)))
    }
}

impl Definition {
    /// All codes, in order.
    pub(super) fn codes(&self) -> Result<Vec<HuffmanCode>, BadCode> {
        let mut codes = Vec::with_capacity(256);
        let mut next = 0u32;
        let mut symbols = self.symbols.iter();
        for (length, &count) in (1..).zip(&self.counts) {
            let step = 1 << (16 - length);
            for &symbol in symbols.by_ref().take(count.into()) {
                codes.push(HuffmanCode { length, bits: next, symbol });
                next += step;
            }
            // A code of ones alone is none, so that what fills a byte up is not.
            if count > 0 && next > 0x1_0000 - step {
                return Err(BadCode);
            }
        }
        Ok(codes)
    }
}

/// Reads one symbol at a time.
#[derive(Debug)]
pub(super) struct Symbols {
    /// By the next bits: length and symbol of the code that they begin with, or
    /// a length of 0.
    short: Box<[(u8, u8); 1 << SHORT]>,
    /// By length, from 1 on: what is above the codes of this length, and how
    /// many codes come before the first of them, less that code.
    long: [(u32, i32); 16],
    symbols: [u8; 256],
}

/// Bits of the codes that are read by one look into a table.
const SHORT: u32 = 9;

impl Symbols {
    pub(super) fn new(definition: &Definition, codes: &[HuffmanCode]) -> Symbols {
        let mut short = Box::new([(0, 0); 1 << SHORT]);
        let mut long = [(0, 0); 16];
        for (index, code) in (0..).zip(codes) {
            let entry = (code.length as u8, code.symbol);
            if let Some(range) = code.range::<SHORT>(0) {
                short.get_mut(range).into_iter().for_each(|entries| entries.fill(entry));
            }
            if let Some((above, offset)) = long.get_mut(code.length as usize - 1) {
                *above = code.bits + (1 << (16 - code.length));
                *offset = index - (code.bits >> (16 - code.length)) as i32;
            }
        }
        Symbols { short, long, symbols: definition.symbols }
    }

    /// Reads a symbol, whose code has 16 bits at most.
    #[inline(always)]
    pub(super) fn read(&self, bits: &mut Bits) -> Result<u8, BadCode> {
        let (length, symbol) = self.short[bits.peek::<SHORT>()];
        if length > 0 {
            bits.consume(length.into());
            return Ok(symbol);
        }
        let next = bits.peek::<16>() as u32;
        for (length, &(above, offset)) in (1..).zip(&self.long).skip(SHORT as usize) {
            if next < above {
                bits.consume(length);
                let index = (next >> (16 - length)) as i32 + offset;
                let symbol = usize::try_from(index).ok().and_then(|index| self.symbols.get(index));
                return symbol.copied().ok_or(BadCode);
            }
        }
        Err(BadCode)
    }
}

/// The differences of DC coefficients.
#[derive(Debug)]
pub(super) struct Differences {
    /// By the next bits: those of a code and its difference together, and the
    /// difference; 0 bits where they are more.
    short: Box<[(u8, i16); 1 << Differences::BITS]>,
    symbols: Symbols,
}

impl Differences {
    const BITS: u32 = 10;
    /// Bits of a difference at most.
    pub(super) const MOST: u32 = 16 + 15;

    pub(super) fn new(definition: &Definition) -> Result<Differences, BadCode> {
        let codes = definition.codes()?;
        // A symbol is the number of bits that follow.
        if codes.iter().any(|code| code.symbol > 15) {
            return Err(BadCode);
        }
        let mut short = Box::new([(0, 0); 1 << Differences::BITS]);
        for code in &codes {
            let size = u32::from(code.symbol);
            let Some(range) = code.range::<{ Differences::BITS }>(size) else { continue };
            let free = Differences::BITS - code.length - size;
            let entries = short.get_mut(range).into_iter().flatten();
            for (index, entry) in (0u32..).zip(entries) {
                *entry = ((code.length + size) as u8, extended(index >> free, size) as i16);
            }
        }
        Ok(Differences { short, symbols: Symbols::new(definition, &codes) })
    }

    /// Reads a difference.
    #[inline(always)]
    pub(super) fn read(&self, bits: &mut Bits) -> Result<i32, BadCode> {
        let (length, difference) = self.short[bits.peek::<{ Differences::BITS }>()];
        if length > 0 {
            bits.consume(length.into());
            return Ok(difference.into());
        }
        let (symbol, after) = self.read_long(*bits)?;
        *bits = after;
        Ok(symbol)
    }

    /// Reads a coefficient, which is a difference to the one before.
    #[inline(always)]
    pub(super) fn next(
        &self,
        bytes: &mut Bytes,
        bits: &mut Bits,
        prediction: &mut i32,
    ) -> Result<i32, BadCode> {
        bits.refill(bytes);
        *prediction = prediction.wrapping_add(self.read(bits)?);
        Ok(*prediction)
    }

    #[cold]
    #[inline(never)]
    fn read_long(&self, mut bits: Bits) -> Result<(i32, Bits), BadCode> {
        let size = u32::from(self.symbols.read(&mut bits)?);
        if size == 0 {
            return Ok((0, bits));
        }
        let difference = extended(bits.peek_some(size), size);
        bits.consume(size);
        Ok((difference, bits))
    }
}

/// The number that `size` bits stand for (T.81, figure F.12).
pub(super) fn extended(bits: u32, size: u32) -> i32 {
    let half = (1 << size) >> 1;
    if bits < half { bits as i32 + 1 - (1 << size) } else { bits as i32 }
}

/// The AC coefficients of a block, which are passed over.
#[derive(Debug)]
pub(super) struct CoefficientSkipper {
    /// By the next bits: as many codes, together with the bits of their
    /// coefficients, as they hold. In the lower 6 bits how many bits these are,
    /// above by how many coefficients they lead on; or [`CoefficientSkipper::LONG`].
    several: Box<[u16; 1 << CoefficientSkipper::BITS]>,
    symbols: Symbols,
}

impl CoefficientSkipper {
    const BITS: u32 = 12;

    /// Added to the number of coefficients where the last code ends the block.
    const END: u32 = 0x80;
    /// The number of coefficients where not one code is complete.
    const LONG: u32 = 0x100;
    /// Codes are joined as long as they lead on by less, and so by less than
    /// `END` together.
    const ENOUGH: u32 = 64;

    pub(super) fn new(definition: &Definition) -> Result<CoefficientSkipper, BadCode> {
        let codes = definition.codes()?;
        let mut one = Box::new([(0u32, CoefficientSkipper::LONG); 1 << CoefficientSkipper::BITS]);
        for code in &codes {
            let (size, skip) = step(code.symbol);
            if let Some(range) = code.range::<{ CoefficientSkipper::BITS }>(size) {
                let entry = (code.length + size, skip);
                one.get_mut(range).into_iter().for_each(|entries| entries.fill(entry));
            }
        }
        let mut several = Box::new([0; 1 << CoefficientSkipper::BITS]);
        for (index, entry) in several.iter_mut().enumerate() {
            let (mut bits, mut skip) = one[index];
            while bits > 0 && skip < CoefficientSkipper::ENOUGH {
                // Zeros stand for the bits that are not known.
                let (more, lead) = one[(index << bits) & ((1 << CoefficientSkipper::BITS) - 1)];
                if more == 0 || bits + more > CoefficientSkipper::BITS {
                    break;
                }
                bits += more;
                skip += lead;
            }
            *entry = (skip << 6 | bits) as u16;
        }
        Ok(CoefficientSkipper { several, symbols: Symbols::new(definition, &codes) })
    }

    /// Moves from that coefficient to the end of a block. Of refilled bits no more than those of
    /// its DC coefficient may have been read.
    #[inline(always)]
    pub(super) fn pass(
        &self,
        mut at: u32,
        bytes: &mut Bytes,
        bits: &mut Bits,
    ) -> Result<(), BadCode> {
        let mut looks = (Bits::REFILLED - Differences::MOST) / CoefficientSkipper::BITS;
        loop {
            for _ in 0..looks {
                let entry = u32::from(self.several[bits.peek::<{ CoefficientSkipper::BITS }>()]);
                let (length, skip) = (entry & 63, entry >> 6);
                let next = at + skip;
                if next < 64 {
                    bits.consume(length);
                    at = next;
                    continue;
                }
                if skip & CoefficientSkipper::END != 0 && next < 64 + CoefficientSkipper::END
                    || next == 64
                {
                    bits.consume(length);
                    return Ok(());
                }
                // Some of these codes may be of the next block already, or the
                // first is a long one.
                (at, *bits) = self.pass_one(at, bytes, *bits)?;
                if at >= 64 {
                    return Ok(());
                }
                break;
            }
            bits.refill(bytes);
            looks = Bits::REFILLED / CoefficientSkipper::BITS;
        }
    }

    /// Passes over one code. As libjpeg does it, one that leads beyond the end of
    /// the block ends it.
    #[inline(never)]
    fn pass_one(&self, at: u32, bytes: &mut Bytes, mut bits: Bits) -> Result<(u32, Bits), BadCode> {
        bits.refill(bytes);
        let (size, skip) = step(self.symbols.read(&mut bits)?);
        bits.consume(size);
        Ok((at + skip, bits))
    }
}

/// How many bits follow a code of AC coefficients, and by how many coefficients
/// it leads on.
fn step(symbol: u8) -> (u32, u32) {
    let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    match (zeros, size) {
        (15, 0) => (0, 16),
        (_, 0) => (0, CoefficientSkipper::END),
        _ => (size, zeros + 1),
    }
}
