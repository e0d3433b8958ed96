//! Bits and prefix codes as WebP (RFC 9649) and JPEG XL (ISO/IEC 18181-1) have them.

/// The longest code, in bits.
const LONGEST: usize = 15;

/// Bits from the lowest of each byte on.
pub(super) struct LsbBitReader<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> LsbBitReader<'a> {
    pub(super) fn new(input: &'a [u8]) -> LsbBitReader<'a> {
        LsbBitReader { input, at: 0 }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let bit = self.input.get(self.at >> 3)? >> (self.at & 7) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of up to 32 bits.
    pub(super) fn read(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |bits, at| Some(bits | u32::from(self.flag()?) << at))
    }

    /// How many bits were read.
    #[cfg(feature = "jxl")]
    pub(super) fn position(&self) -> usize {
        self.at
    }

    #[cfg(feature = "jxl")]
    pub(super) fn skip(&mut self, count: u64) -> Option<()> {
        self.has(count)?;
        self.at += count as usize;
        Some(())
    }

    /// Whether so many bits follow.
    #[cfg(feature = "jxl")]
    pub(super) fn has(&self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        (end.div_ceil(8) <= self.input.len()).then_some(())
    }

    /// Skips what is left of a byte, which is nothing but zeros.
    #[cfg(feature = "jxl")]
    pub(super) fn align(&mut self) -> Option<()> {
        let left = self.at.wrapping_neg() & 7;
        (self.read(left as u32)? == 0).then_some(())
    }
}

/// A canonical prefix code: how many codes there are of each length, and their symbols in order.
pub(super) struct PrefixCode {
    counts: [usize; LONGEST + 1],
    symbols: Vec<u16>,
}

impl PrefixCode {
    /// The code whose symbols have these lengths; 0 is that of one that is not used.
    pub(super) fn of(lengths: &[u8]) -> PrefixCode {
        let mut counts = [0; LONGEST + 1];
        for &length in lengths {
            counts[usize::from(length).min(LONGEST)] += 1;
        }
        counts[0] = 0;
        let mut symbols = Vec::new();
        for wanted in 1..=LONGEST as u8 {
            let of_length = lengths.iter().enumerate().filter(|&(_, &length)| length == wanted);
            if counts[usize::from(wanted)] > 0 {
                symbols.extend(of_length.map(|(symbol, _)| symbol as u16));
            }
        }
        PrefixCode { counts, symbols }
    }

    /// The next symbol. The only one of a code takes no bits.
    pub(super) fn next(&self, bits: &mut LsbBitReader<'_>) -> Option<usize> {
        if let &[one] = self.symbols.as_slice() {
            return Some(one.into());
        }
        let (mut code, mut first, mut index) = (0usize, 0usize, 0usize);
        for &count in self.counts.get(1..)? {
            code |= usize::from(bits.flag()?);
            if code < first + count {
                return self.symbols.get(index + (code - first)).map(|&symbol| symbol.into());
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}
