//! Filters of PNG's rows (W3C PNG, third edition, section 9).

use image_gate_codecs::cpu::{self, Kernel};

/// Which filter a row gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// None at all: what repeats itself in a drawing is found as it is.
    None,
    /// The difference from the pixel to the left: what repeats itself on slopes is found so.
    Left,
    /// The one that leaves the least values (W3C PNG, third edition, section 12.7).
    Smallest,
    /// The one that leaves the least information.
    Plainest,
}

const NONE: u8 = 0;
const LEFT: u8 = 1;

/// The numbers of those that predict something, in the order in which they are tried.
const PREDICTING: [u8; 4] = [2, LEFT, 3, 4];

/// Makes lines, as they are compressed, of the rows of one picture: a row behind the number of its
/// filter.
#[derive(Debug)]
pub(super) struct Lines {
    filter: Filter,
    channels: usize,
    line: Vec<u8>,
    other: Vec<u8>,
}

impl Lines {
    pub(super) fn new(filter: Filter, channels: usize) -> Lines {
        Lines { filter, channels, line: Vec::new(), other: Vec::new() }
    }

    /// Returns the line of a row, of which the one above is as long.
    pub(super) fn line(&mut self, row: &[u8], above: &[u8]) -> &[u8] {
        let channels = self.channels;
        let cost = match self.filter {
            Filter::None => {
                self.line.clear();
                self.line.push(NONE);
                self.line.extend_from_slice(row);
                return &self.line;
            }
            Filter::Left => {
                self.line.clear();
                self.line.push(LEFT);
                cpu::run(Filtered { number: LEFT, row, above, channels, line: &mut self.line });
                return &self.line;
            }
            Filter::Smallest => spread,
            Filter::Plainest => information,
        };
        let mut least = u64::MAX;
        for number in PREDICTING {
            self.other.clear();
            self.other.push(number);
            cpu::run(Filtered { number, row, above, channels, line: &mut self.other });
            let cost = cost(self.other.get(1..).unwrap_or_default());
            if cost <= least {
                std::mem::swap(&mut self.line, &mut self.other);
                least = cost;
            }
            if cost == 0 {
                break;
            }
        }
        &self.line
    }
}

/// A row filtered onto the end of a line.
struct Filtered<'a> {
    number: u8,
    row: &'a [u8],
    above: &'a [u8],
    channels: usize,
    line: &'a mut Vec<u8>,
}

impl Kernel for Filtered<'_> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        match self.number {
            LEFT => self.by(|left, _, _| left),
            2 => self.by(|_, above, _| above),
            3 => self.by(|left, above, _| left.midpoint(above)),
            _ => self.by(nearest),
        }
    }
}

impl Filtered<'_> {
    /// Takes from each value what is predicted by those to the left, above, and above to the left.
    #[inline(always)]
    fn by(self, predict: impl Fn(u8, u8, u8) -> u8) {
        let Filtered { row, above, channels, line, .. } = self;
        let (first, rest) = row.split_at(channels.min(row.len()));
        let (first_above, rest_above) = above.split_at(channels.min(above.len()));
        let firsts = first.iter().zip(first_above);
        line.extend(firsts.map(|(&value, &above)| value.wrapping_sub(predict(0, above, 0))));
        line.extend(rest.iter().zip(rest_above).zip(row.iter().zip(above)).map(
            |((&value, &above), (&left, &upper_left))| {
                value.wrapping_sub(predict(left, above, upper_left))
            },
        ));
    }
}

/// The neighbour that is nearest to `left + above - upper_left`.
#[inline(always)]
fn nearest(left: u8, above: u8, upper_left: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(upper_left));
    let (to_left, to_above, to_corner) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    let of_upper = if to_above <= to_corner { above } else { upper_left };
    if to_left <= to_above && to_left <= to_corner { left } else { of_upper }
}

/// Returns how far the values of a filtered row are from 0 together.
fn spread(filtered: &[u8]) -> u64 {
    struct Spread<'a>(&'a [u8]);

    impl Kernel for Spread<'_> {
        type Made = u64;

        #[inline(always)]
        fn run(self) -> u64 {
            // No sum of so few values is too large for 16 bits.
            let sum = |part: &[u8]| -> u16 {
                part.iter().map(|&value| u16::from(value.cast_signed().unsigned_abs())).sum()
            };
            self.0.chunks(256).map(|part| u64::from(sum(part))).sum()
        }
    }

    cpu::run(Spread(filtered))
}

/// Returns how many bits the values of a filtered row take at least if each is coded by itself, but
/// for runs of zeros, which take next to none.
fn information(filtered: &[u8]) -> u64 {
    const RUN: usize = 8;
    let mut counts = [0u64; 256];
    for part in filtered.chunks(RUN).filter(|part| part.iter().any(|&value| value != 0)) {
        for &value in part {
            if let Some(count) = counts.get_mut(usize::from(value)) {
                *count += 1;
            }
        }
    }
    let all: u64 = counts.iter().sum();
    times_log2(all).saturating_sub(counts.iter().map(|&count| times_log2(count)).sum())
}

/// Returns `n` times its logarithm to the base of 2, between powers of it by a straight line.
fn times_log2(n: u64) -> u64 {
    let Some(whole) = n.checked_ilog2() else { return 0 };
    let power = 1u64 << whole;
    n * u64::from(whole) + n * (n - power) / power
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a decoder makes of a line (W3C PNG, third edition, section 9.2).
    fn unfiltered(line: &[u8], above: &[u8], channels: usize) -> Vec<u8> {
        let mut row: Vec<u8> = Vec::new();
        for (at, &value) in line[1..].iter().enumerate() {
            let before = |row: &[u8]| if at < channels { 0 } else { row[at - channels] };
            let (left, upper, corner) = (before(&row), above[at], before(above));
            row.push(value.wrapping_add(match line[0] {
                0 => 0,
                1 => left,
                2 => upper,
                3 => left.midpoint(upper),
                4 => nearest(left, upper, corner),
                other => panic!("filter {other}"),
            }));
        }
        row
    }

    #[test]
    fn decoders_undo_every_filter() {
        let noise = |seed: usize, len: usize| -> Vec<u8> {
            (0..len).map(|at| ((at * 7919 + seed) ^ ((at * 31) >> 2)) as u8).collect()
        };
        for channels in 1..=4 {
            for width in [1, 2, 21, 400] {
                let (row, above) = (noise(3, width * channels), noise(99, width * channels));
                for number in PREDICTING {
                    let mut line = vec![number];
                    cpu::run(Filtered {
                        number,
                        row: &row,
                        above: &above,
                        channels,
                        line: &mut line,
                    });
                    assert_eq!(unfiltered(&line, &above, channels), row, "{number} {channels}");
                }
                for filter in [Filter::None, Filter::Left, Filter::Smallest, Filter::Plainest] {
                    let mut lines = Lines::new(filter, channels);
                    let line = lines.line(&row, &above);
                    assert_eq!(unfiltered(line, &above, channels), row, "{filter:?} {channels}");
                }
            }
        }
    }

    #[test]
    fn the_filter_goes_by_the_row() {
        let number = |filter, row: &[u8], above: &[u8]| Lines::new(filter, 1).line(row, above)[0];
        let slope: Vec<u8> = (0..200).collect();
        let turned: Vec<u8> = slope.iter().rev().copied().collect();
        let wild: Vec<u8> =
            (0..200u32).map(|at| (at.wrapping_mul(0x9e37_79b1) >> 13) as u8).collect();
        for filter in [Filter::Smallest, Filter::Plainest] {
            assert_eq!(number(filter, &turned, &turned), 2);
            assert_eq!(number(filter, &slope, &wild), 1);
        }
        assert_eq!(number(Filter::None, &slope, &turned), 0);
        assert_eq!(spread(&[1, 255, 128]), 1 + 1 + 128);
        assert_eq!(information(&[0; 64]), 0);
        assert_eq!(information(&[1, 2, 1, 2, 1, 2, 1, 2]), 8);
    }
}
