//! The codes of AC coefficients (ITU-T T.81, sections F.2.2.2, G.1.2.2 and G.1.2.3).

use super::bits::Bits;
use super::huffman::{BadCode, Definition, Symbols, extended};

/// Reads one coefficient, or an end, at a time.
#[derive(Debug)]
pub(super) struct Coefficients {
    /// By the next bits: what they begin with, if it is complete.
    pub(super) short: Box<[CodeEntry; 1 << Coefficients::BITS]>,
    symbols: Symbols,
}

/// What a code says, and the bits behind it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CodeEntry {
    /// How many zeros come before the coefficient; with [`Coefficients::END`] none of both
    /// does, but an end that so many bits tell more of.
    pub(super) run: u8,
    /// Bits of the code and the coefficient; 0 where they are more than one look is of.
    pub(super) length: u8,
    /// 0 is one more zero. Where the code alone is in one look, its bits and in the lower 4 of
    /// these how many bits the coefficient has.
    pub(super) value: i16,
}

impl Coefficients {
    pub(super) const BITS: u32 = 11;

    pub(super) const END: u8 = 0x80;
    /// Bits of a code and what follows at most.
    pub(super) const MOST: u32 = 16 + 15;

    pub(super) fn new(definition: &Definition) -> Result<Coefficients, BadCode> {
        let codes = definition.codes()?;
        let mut short = Box::new([CodeEntry::default(); 1 << Coefficients::BITS]);
        for code in &codes {
            let (run, size) = split(code.symbol);
            let length = code.length + size;
            let Some(range) = code.range::<{ Coefficients::BITS }>(size) else {
                let entries = code.range::<{ Coefficients::BITS }>(0);
                let entries = entries.and_then(|range| short.get_mut(range)).unwrap_or_default();
                entries.fill(CodeEntry { run, length: 0, value: (code.length << 4 | size) as i16 });
                continue;
            };
            let free = Coefficients::BITS - length;
            let entries = short.get_mut(range).into_iter().flatten();
            for (index, entry) in (0u32..).zip(entries) {
                let value = extended(index >> free, size) as i16;
                *entry = CodeEntry { run, length: length as u8, value };
            }
        }
        Ok(Coefficients { short, symbols: Symbols::new(definition, &codes) })
    }

    /// Reads what comes next, which has 31 bits at most.
    #[inline(always)]
    pub(super) fn read(&self, bits: &mut Bits) -> Result<CodeEntry, BadCode> {
        let entry = self.short[bits.peek::<{ Coefficients::BITS }>()];
        if entry.length > 0 {
            bits.consume(entry.length.into());
            return Ok(entry);
        }
        let (length, size) = (entry.value as u32 >> 4, entry.value as u32 & 15);
        if length > 0 {
            bits.consume(length);
            let value = extended(bits.peek_some(size), size) as i16;
            bits.consume(size);
            return Ok(CodeEntry { value, ..entry });
        }
        let (entry, after) = self.read_long(*bits)?;
        *bits = after;
        Ok(entry)
    }

    #[inline(never)]
    fn read_long(&self, mut bits: Bits) -> Result<(CodeEntry, Bits), BadCode> {
        let (run, size) = split(self.symbols.read(&mut bits)?);
        let mut entry = CodeEntry { run, ..CodeEntry::default() };
        if size > 0 {
            entry.value = extended(bits.peek_some(size), size) as i16;
            bits.consume(size);
        }
        Ok((entry, bits))
    }
}

/// The run of an [`CodeEntry`], and how many bits follow.
fn split(symbol: u8) -> (u8, u32) {
    match (symbol >> 4, symbol & 15) {
        (15, 0) => (15, 0),
        (bits, 0) => (Coefficients::END | bits, 0),
        (zeros, size) => (zeros, size.into()),
    }
}
