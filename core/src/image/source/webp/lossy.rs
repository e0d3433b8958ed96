//! The header of a lossy frame (RFC 6386, section 9), as far as it says how strongly the edges of blocks are smoothed.

/// The strongest smoothing of a frame that any of its blocks has, from 0 to 63; `None` where the header is broken.
pub(super) fn smoothing(frame: &[u8]) -> Option<u8> {
    // Behind the tag, the signature and the size.
    let mut bits = Bits::new(frame.get(10..)?);
    // The colour space, and how samples are clamped.
    bits.number(2);
    let mut segments = [0; 4];
    let mut is_relative = false;
    // Whether there are segments, their map is here, and their settings are.
    if bits.flag() {
        let has_map = bits.flag();
        if bits.flag() {
            is_relative = !bits.flag();
            // Their quantizers, and their smoothing.
            let _quantizers = [(); 4].map(|()| bits.signed(7));
            segments = [(); 4].map(|()| bits.signed(6));
        }
        if has_map {
            for _ in 0..3 {
                if bits.flag() {
                    bits.number(8);
                }
            }
        }
    }
    // The kind of the filter.
    bits.flag();
    let all = bits.number(6);
    let of_segments = segments.into_iter().max().unwrap_or_default();
    let strongest = if is_relative { all + of_segments } else { all.max(of_segments) };
    (!bits.is_over).then_some(strongest.clamp(0, 63) as u8)
}

/// Bits that are as likely to be 0 as 1, of an arithmetic code (section 7).
struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    value: u32,
    range: u32,
    /// Bits of `value` that are behind the byte at hand.
    left: u32,
    /// Whether there were less than were asked for.
    is_over: bool,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes: bytes.iter(), value: 0, range: 255, left: 0, is_over: false }.begun()
    }

    fn begun(mut self) -> Bits<'a> {
        self.value = self.byte() << 8 | self.byte();
        self.left = 8;
        self
    }

    fn byte(&mut self) -> u32 {
        let byte = self.bytes.next();
        self.is_over |= byte.is_none();
        byte.map_or(0, |&byte| byte.into())
    }

    fn flag(&mut self) -> bool {
        let split = 1 + ((self.range - 1) >> 1);
        let is_set = self.value >= split << 8;
        if is_set {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.range <<= 1;
            self.value <<= 1;
            self.left -= 1;
            if self.left == 0 {
                self.value |= self.byte();
                self.left = 8;
            }
        }
        is_set
    }

    fn number(&mut self, bits: u32) -> i32 {
        (0..bits).fold(0, |number, _| number << 1 | i32::from(self.flag()))
    }

    /// A number and its sign, or 0 where there is none.
    fn signed(&mut self, bits: u32) -> i32 {
        if !self.flag() {
            return 0;
        }
        let number = self.number(bits);
        if self.flag() { -number } else { number }
    }
}

#[cfg(test)]
mod tests {
    use image_gate_codecs::webp::{Image, Samples, encode};

    use super::*;

    #[test]
    fn what_is_worse_is_smoothed_more() {
        let pixels: Vec<u8> = (0..64 * 64 * 3u32).map(|i| ((i * i) >> 5) as u8).collect();
        let of = |quality: u8| {
            let image = Image {
                samples: Samples::Rgb(&pixels),
                width: 64,
                height: 64,
                lossless: false,
                quality,
                effort: 4,
            };
            let file = encode(&image, || true).unwrap();
            // Behind the headers of the file and of the chunk.
            (smoothing(&file[20..]).unwrap(), smoothing(&file[20..31]))
        };
        let levels = [95, 75, 40, 5].map(|quality| of(quality).0);
        assert!(levels.is_sorted() && levels[0] < 10 && levels[3] > 20, "{levels:?}");
        assert_eq!(of(75).1, None);
        assert_eq!(smoothing(&[0; 9]), None);
    }
}
