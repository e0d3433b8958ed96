//! As much of lossless bitstreams as tells how many groups of prefix codes they have (RFC 9649,
//! section 3): a decoder holds tables for all of them, however few pixels there are.

use crate::image::size::Size;
use crate::image::source::prefix::{LsbBitReader, PrefixCode};

/// Symbols of a prefix code of colours, of lengths behind those of green, and of distances.
const LITERALS: usize = 256;
const LENGTHS: usize = 24;
const DISTANCES: usize = 40;

/// In which order the lengths of the codes for lengths come.
const ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Pixels of an image within the bitstream that are read at most. Encoders make theirs far smaller.
const MOST_PIXELS: u64 = 1 << 18;

/// How many groups of prefix codes a bitstream announces, which begins with its transforms; `None`
/// where it is broken before it comes to that.
pub(super) fn groups(input: &[u8], size: Size) -> Option<u32> {
    let mut is_vast = false;
    let groups = read(&mut LsbBitReader::new(input), size, &mut is_vast);
    if is_vast { Some(u32::MAX) } else { groups }
}

fn read(bits: &mut LsbBitReader<'_>, size: Size, is_vast: &mut bool) -> Option<u32> {
    let Size { mut width, height } = size;
    let squares =
        |width: u32, side: u32| Size::new(width.div_ceil(1 << side), height.div_ceil(1 << side));
    let mut seen = 0u32;
    while bits.flag()? {
        let kind = bits.read(2)?;
        if seen & 1 << kind != 0 {
            return None;
        }
        seen |= 1 << kind;
        match kind {
            // A predictor for each square, or factors between its colours.
            0 | 1 => {
                let side = bits.read(3)? + 2;
                last_of_image(bits, squares(width, side), is_vast)?;
            }
            2 => {}
            // A palette, by which several pixels may become one.
            _ => {
                let colors = bits.read(8)? + 1;
                last_of_image(bits, Size::new(colors, 1), is_vast)?;
                let packed = match colors {
                    0..=2 => 3,
                    3..=4 => 2,
                    5..=16 => 1,
                    _ => 0,
                };
                width = width.div_ceil(1 << packed);
            }
        }
    }
    cache_of(bits)?;
    if !bits.flag()? {
        return Some(1);
    }
    let side = bits.read(3)? + 2;
    Some(last_of_image(bits, squares(width, side), is_vast)? + 1)
}

/// Reads an image within the bitstream. Returns the largest number that is in red and green of a
/// pixel: that of a group, where it tells of them. Copies of pixels say nothing new. `is_vast` is set
/// where it is too large to be read here.
fn last_of_image(bits: &mut LsbBitReader<'_>, size: Size, is_vast: &mut bool) -> Option<u32> {
    if size.pixels() > MOST_PIXELS {
        *is_vast = true;
        return None;
    }
    let cached = cache_of(bits)?;
    let green = read_code(bits, LITERALS + LENGTHS + cached)?;
    let red = read_code(bits, LITERALS)?;
    let blue = read_code(bits, LITERALS)?;
    let alpha = read_code(bits, LITERALS)?;
    let distance = read_code(bits, DISTANCES)?;
    let (mut left, mut last) = (size.pixels(), 0);
    while left > 0 {
        let symbol = green.next(bits)?;
        let count = if symbol < LITERALS {
            let red = red.next(bits)?;
            blue.next(bits)?;
            alpha.next(bits)?;
            last = last.max(red << 8 | symbol);
            1
        } else if symbol < LITERALS + LENGTHS {
            let length = extended(bits, symbol - LITERALS)?;
            let distance = distance.next(bits)?;
            extended(bits, distance)?;
            length
        } else {
            1
        };
        left = left.checked_sub(count)?;
    }
    u32::try_from(last).ok()
}

/// How many colours the cache of an image has.
fn cache_of(bits: &mut LsbBitReader<'_>) -> Option<usize> {
    if !bits.flag()? {
        return Some(0);
    }
    let size = bits.read(4)?;
    (1..=11).contains(&size).then_some(1 << size)
}

/// A length or a distance by its symbol and the bits that follow (section 5.2.2 there).
fn extended(bits: &mut LsbBitReader<'_>, symbol: usize) -> Option<u64> {
    if symbol < 4 {
        return Some(symbol as u64 + 1);
    }
    let more = (symbol - 2) >> 1;
    let offset = (2 + (symbol as u64 & 1)) << more;
    Some(offset + u64::from(bits.read(u32::try_from(more).ok()?)?) + 1)
}

/// The code of so many symbols.
fn read_code(bits: &mut LsbBitReader<'_>, symbols: usize) -> Option<PrefixCode> {
    let mut lengths = [0u8; LITERALS + LENGTHS + (1 << 11)];
    if bits.flag()? {
        let two = bits.flag()?;
        let first = if bits.flag()? { 8 } else { 1 };
        *lengths.get_mut(bits.read(first)? as usize)? = 1;
        if two {
            *lengths.get_mut(bits.read(8)? as usize)? = 1;
        }
    } else {
        let mut of_lengths = [0u8; ORDER.len()];
        let given = bits.read(4)? as usize + 4;
        for &at in ORDER.iter().take(given) {
            *of_lengths.get_mut(at)? = bits.read(3)? as u8;
        }
        let code = PrefixCode::of(&of_lengths);
        let mut left = if bits.flag()? {
            let len = 2 + 2 * bits.read(3)?;
            2 + bits.read(len)? as usize
        } else {
            symbols
        };
        let (mut at, mut before) = (0, 8);
        while at < symbols && left > 0 {
            left -= 1;
            let symbol = code.next(bits)?;
            let (length, times) = match symbol {
                16 => (before, bits.read(2)? + 3),
                17 => (0, bits.read(3)? + 3),
                18 => (0, bits.read(7)? + 11),
                length => (length as u8, 1),
            };
            if symbol < 16 && length > 0 {
                before = length;
            }
            let end = at + times as usize;
            lengths.get_mut(at..end).filter(|_| end <= symbols)?.fill(length);
            at = end;
        }
    }
    Some(PrefixCode::of(lengths.get(..symbols)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Writer {
        bytes: Vec<u8>,
        bits: usize,
    }

    impl Writer {
        fn put(&mut self, value: u32, count: u32) {
            for at in 0..count {
                if self.bits.is_multiple_of(8) {
                    self.bytes.push(0);
                }
                *self.bytes.last_mut().unwrap() |= ((value >> at & 1) as u8) << (self.bits % 8);
                self.bits += 1;
            }
        }

        /// A code of one symbol.
        fn one(&mut self, symbol: u32) {
            self.put(0b101, 3);
            self.put(symbol, 8);
        }

        /// A code in which all 256 literals have 8 bits.
        fn literals(&mut self, symbols: u32) {
            self.put(0, 1);
            self.put(8, 4);
            for at in ORDER.iter().take(12) {
                self.put((*at == 0 || *at == 8).into(), 3);
            }
            self.put(0, 1);
            (0..symbols).for_each(|symbol| self.put((symbol < 256).into(), 1));
        }
    }

    /// Each square of four pixels a side has a group of its own.
    fn many_groups(side: u32) -> Vec<u8> {
        let mut out = Writer::default();
        // No transform, no cache, groups by squares of 4.
        out.put(0, 2);
        out.put(1, 1);
        out.put(0, 3);
        out.put(0, 1);
        out.literals(280);
        out.literals(256);
        (0..3).for_each(|_| out.one(0));
        let reversed = |value: u32| u32::from((value as u8).reverse_bits());
        for group in 0..(side / 4) * (side / 4) {
            out.put(reversed(group & 0xff), 8);
            out.put(reversed(group >> 8), 8);
        }
        out.bytes
    }

    #[test]
    fn groups_are_counted() {
        for (side, expected) in [(4, 1), (64, 256), (256, 4096), (1024, 65536)] {
            assert_eq!(groups(&many_groups(side), Size::new(side, side)), Some(expected));
        }
        // A transform of nothing before it, and a cache.
        let mut out = Writer::default();
        out.put(0b101, 3);
        out.put(0, 1);
        out.put(1, 1);
        out.put(11, 4);
        out.put(0, 1);
        assert_eq!(groups(&out.bytes, Size::new(9, 9)), Some(1));
    }

    #[test]
    fn what_is_broken_or_beyond_measure() {
        let whole = many_groups(64);
        for len in 0..whole.len() - 1 {
            assert_eq!(groups(&whole[..len], Size::new(64, 64)), None, "{len}");
        }
        assert_eq!(groups(&whole, Size::new(16383, 16383)), Some(u32::MAX));
    }

    #[test]
    fn those_of_an_encoder() {
        // Behind the container and the header of the bitstream.
        let file = include_bytes!("../../../../tests/fixtures/lossless.webp");
        let start = file.windows(4).position(|kind| kind == b"VP8L").unwrap() + 8;
        let header = u32::from_le_bytes(file[start + 1..start + 5].try_into().unwrap());
        let size = Size::new((header & 0x3fff) + 1, (header >> 14 & 0x3fff) + 1);
        let found = groups(&file[start + 5..], size);
        assert!(found.is_some_and(|groups| groups < 100), "{found:?}");
    }
}
