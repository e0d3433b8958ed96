//! The bits of entropy-coded data (ITU-T T.81, section F.2.2.5).

use memchr::memchr;

/// Bytes that are cleared of stuffing at once.
const WINDOW: usize = 4096;

/// The bytes of a segment of data, cleared of what is stuffed into them, a window
/// at a time. What comes behind the end is not said.
#[derive(Debug)]
pub(super) struct Bytes<'a> {
    input: &'a [u8],
    /// Where the window's bytes end in the input; never behind a marker.
    at: usize,
    segment: Segment,
    /// Where the window began, and the one before it.
    anchors: [Segment; 2],
    /// What the places of bytes in the window are added to; less than 0 only before the first.
    origin: i64,
    window: Box<[u8; WINDOW]>,
    /// Where the window's bytes end in the window; less than 0 where it is behind
    /// all of them.
    end: isize,
    /// Where bytes end that are in the window from before.
    dirty: usize,
    /// Whether the segment has no more bytes.
    ended: bool,
}

/// Where a reader began to read a segment of data, or goes on in the middle of one.
///
/// The place of a bit is the number of bits of the input before it, but for what is stuffed into the
/// segment: so it is the same for all readers of the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// In the input.
    pub(super) at: usize,
    /// Bytes of the segment before that which are stuffed.
    pub(super) stuffed: usize,
}

impl Segment {
    /// The place of its first bit.
    fn place(self) -> u64 {
        (self.at.saturating_sub(self.stuffed) as u64) * 8
    }
}

/// How many bytes are stuffed between so many others from there on; markers end them.
fn stuffed_in(input: &[u8], from: usize, bytes: usize) -> usize {
    let (mut at, mut left) = (from, bytes);
    while left > 0 {
        let rest = input.get(at..).unwrap_or_default();
        let plain = left.min(rest.len());
        let plain = memchr(0xff, &rest[..plain]).unwrap_or(plain);
        (at, left) = (at + plain, left - plain);
        if left == 0 {
            break;
        }
        let rest = &rest[plain..];
        let ones = rest.iter().take_while(|&&byte| byte == 0xff).count();
        if rest.get(ones) != Some(&0) {
            break;
        }
        (at, left) = (at + ones + 1, left - 1);
    }
    at - from - (bytes - left)
}

/// The bits that come next. Small and `Copy`, so that it lives in registers:
/// whatever is rare takes it by value and gives it back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    /// From the top. Below those that count may lie some of the byte at `at`.
    buffer: u64,
    /// How many bits of the buffer count.
    count: u32,
    /// The next byte of the window.
    at: usize,
}

impl<'a> Bytes<'a> {
    /// The data that begins at `at`.
    pub(super) fn new(input: &'a [u8], at: usize) -> Bytes<'a> {
        Bytes::within(input, Segment { at, stuffed: 0 })
    }

    /// The data of that segment.
    pub(super) fn within(input: &'a [u8], segment: Segment) -> Bytes<'a> {
        Bytes {
            input,
            at: segment.at,
            segment,
            anchors: [segment; 2],
            origin: (segment.place() / 8) as i64 - WINDOW as i64,
            window: Box::new([0; WINDOW]),
            end: WINDOW as isize,
            dirty: 0,
            ended: false,
        }
    }

    /// The data of a segment from the bit on that has that place.
    pub(super) fn resume(input: &'a [u8], segment: Segment, place: u64) -> (Bytes<'a>, Bits) {
        let passed = (place.saturating_sub(segment.place()) / 8) as usize;
        let stuffed = stuffed_in(input, segment.at, passed);
        let at = segment.at + passed + stuffed;
        let mut bytes = Bytes::within(input, Segment { at, stuffed: segment.stuffed + stuffed });
        bytes.segment = segment;
        let mut bits = Bits::START;
        bits.refill(&mut bytes);
        bits.consume((place % 8) as u32);
        (bytes, bits)
    }

    /// What is behind the window, as a part of the segment.
    pub(super) fn rest(&self) -> Segment {
        let place = usize::try_from(self.origin + self.end as i64).unwrap_or(self.at);
        Segment { at: self.at, stuffed: self.at.saturating_sub(place) }
    }

    /// Whether the segment has no more bytes than are in the window.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// A part of the segment that begins not long before the next bit.
    pub(super) fn anchor(&self, bits: Bits) -> Segment {
        let place = self.place(bits);
        let before = |anchor: &Segment| anchor.place() <= place;
        self.anchors.into_iter().find(before).unwrap_or(self.segment)
    }

    /// The place of the next bit, as long as the data has not ended.
    #[inline(always)]
    pub(super) fn place(&self, bits: Bits) -> u64 {
        ((self.origin + bits.at as i64) * 8 - i64::from(bits.count)) as u64
    }

    /// Fills the window up behind what was not read of it.
    #[cold]
    #[inline(never)]
    fn fill(&mut self, bits: Bits) -> Bits {
        self.window.copy_within(bits.at.min(WINDOW).., 0);
        self.end -= bits.at as isize;
        self.origin += bits.at as i64;
        self.anchors = [self.rest(), self.anchors[0]];
        while !self.ended {
            let room = usize::try_from(self.end).ok().and_then(|end| self.window.get_mut(end..));
            let room = room.unwrap_or_default();
            let rest = self.input.get(self.at..).unwrap_or_default();
            let plain = room.len().min(rest.len());
            let plain = memchr(0xff, &rest[..plain]).unwrap_or(plain);
            if plain > 0 {
                room[..plain].copy_from_slice(&rest[..plain]);
                self.end += plain as isize;
                self.at += plain;
            } else if room.is_empty() {
                break;
            } else {
                // As many as there are stand for one, if it is none of a marker.
                let ones = rest.iter().take_while(|&&byte| byte == 0xff).count();
                if rest.get(ones) == Some(&0) {
                    room[0] = 0xff;
                    self.end += 1;
                    self.at += ones + 1;
                } else {
                    self.ended = true;
                }
            }
        }
        // Behind the end there are zeros, whatever was in the window before.
        let end = usize::try_from(self.end).unwrap_or(0);
        if self.ended {
            self.window.get_mut(end..self.dirty.max(end)).unwrap_or_default().fill(0);
        }
        self.dirty = end;
        Bits { at: 0, ..bits }
    }

    /// How many bits of the data were not read, or `None` where more than it has
    /// were.
    fn left(&self, bits: Bits) -> Option<usize> {
        usize::try_from((self.end - bits.at as isize) * 8 + bits.count as isize).ok()
    }

    /// Whether more bits were read than the data has.
    pub(super) fn overran(&self, bits: Bits) -> bool {
        self.left(bits).is_none()
    }

    /// Goes on behind the restart marker of that number (0 to 7), which has to
    /// follow what was read, filled up to a byte.
    pub(super) fn restart(&mut self, bits: Bits, number: u8) -> Option<Bits> {
        let bits = if self.ended { bits } else { self.fill(bits) };
        if !self.ended || self.left(bits)? >= 8 {
            return None;
        }
        let rest = self.input.get(self.at..)?;
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        if fill == 0 || *rest.get(fill)? != 0xd0 + number {
            return None;
        }
        self.at += fill + 1;
        (self.end, self.ended) = (WINDOW as isize, false);
        self.segment = Segment { at: self.at, stuffed: 0 };
        self.anchors = [self.segment; 2];
        self.origin = self.at as i64 - WINDOW as i64;
        Some(Bits::START)
    }

    /// A place before the next marker, with none between it and what was read.
    pub(super) fn position(&self) -> usize {
        self.at
    }
}

impl Bits {
    /// How many bits there are at least after [`refill`](Bits::refill).
    pub(super) const REFILLED: u32 = 56;

    /// Before the first bit.
    pub(super) const START: Bits = Bits { buffer: 0, count: 0, at: WINDOW };

    /// Fills the buffer up.
    #[inline(always)]
    pub(super) fn refill(&mut self, bytes: &mut Bytes) {
        if self.at > WINDOW - 8 {
            *self = bytes.fill(*self);
        }
        let next = bytes.window.get(self.at..).and_then(|next| next.first_chunk::<8>());
        let word = next.copied().map_or(0, u64::from_be_bytes);
        self.buffer |= word >> self.count;
        let taken = (63 - self.count) >> 3;
        self.at += taken as usize;
        self.count += taken * 8;
    }

    /// The next `N` bits.
    #[inline(always)]
    pub(super) fn peek<const N: u32>(&self) -> usize {
        (self.buffer >> (64 - N)) as usize
    }

    /// The next `bits` bits, of which there are 1 to 31.
    #[inline(always)]
    pub(super) fn peek_some(&self, bits: u32) -> u32 {
        (self.buffer >> (64 - bits)) as u32
    }

    /// The next `bits` bits, of which there may be none, and less than 64.
    #[inline(always)]
    pub(super) fn peek_few(&self, bits: u32) -> u64 {
        (self.buffer >> 1) >> (63 - (bits & 63))
    }

    /// Moves on by less than 64 bits, no more than there are.
    #[inline(always)]
    pub(super) fn consume(&mut self, bits: u32) {
        self.buffer <<= bits & 63;
        self.count = self.count.wrapping_sub(bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &mut Bytes, mut bits: Bits, count: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..count {
            bits.refill(bytes);
            out.push(bits.peek::<8>() as u8);
            bits.consume(8);
        }
        out
    }

    #[test]
    fn stuffing_goes_wherever_it_is() {
        for at in (0..24).chain(WINDOW - 12..WINDOW + 12).chain(2 * WINDOW - 12..2 * WINDOW + 12) {
            for more in [0, 1, 2, 5000] {
                let mut plain: Vec<u8> = (0..2 * WINDOW + 50).map(|i| (i % 251) as u8).collect();
                plain[at] = 0xff;
                let mut data = plain.clone();
                data.insert(at + 1, 0);
                data.splice(at..at, vec![0xff; more]);
                let read = read(&mut Bytes::new(&data, 0), Bits::START, plain.len());
                assert!(read == plain, "{at} {more}");
            }
        }
    }

    #[test]
    fn the_end_is_noticed() {
        for data in [&[1, 2, 3][..], &[1, 2, 3, 0xff, 0xd9, 4, 5, 6, 7, 8, 9], &[1, 2, 3, 0xff]] {
            let (mut bytes, mut bits) = (Bytes::new(data, 0), Bits::START);
            bits.refill(&mut bytes);
            bits.consume(24);
            assert!(!bytes.overran(bits), "{data:?}");
            bits.consume(1);
            assert!(bytes.overran(bits), "{data:?}");
            (0..5000).for_each(|_| {
                bits.refill(&mut bytes);
                assert!(bits.count >= Bits::REFILLED);
                bits.consume(31);
            });
            assert!(bytes.overran(bits), "{data:?}");
            assert_eq!(bytes.position(), 3);
        }
    }

    #[test]
    fn restart_markers_come_in_turn_and_in_place() {
        let data = [1, 2, 0xff, 0xff, 0xd3, 0x80, 9];
        let after = |consumed: u32, number| {
            let (mut bytes, mut bits) = (Bytes::new(&data, 0), Bits::START);
            bits.refill(&mut bytes);
            bits.consume(consumed);
            bytes.restart(bits, number).map(|bits| read(&mut bytes, bits, 2))
        };
        for consumed in 9..=16 {
            assert_eq!(after(consumed, 3).unwrap(), [0x80, 9]);
            assert!(after(consumed, 4).is_none());
        }
        assert!(after(8, 3).is_none() && after(17, 3).is_none());
    }
}
