//! Interlaced image data of PNG (W3C PNG, third edition, sections 8 and 9).

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::fallible_buffer::FallibleBuffer;
use crate::image::source::png::PASSES;
use crate::image::{Control, PngCompression};

const FILTER_NONE: u8 = 0;

/// A filter: its number, and what it predicts a value to be by those to the left, above, and
/// above to the left.
type RowFilter = (u8, fn(u8, u8, u8) -> u8);

/// The one that does best most often, and those that may do better for a row.
const FILTERS: [RowFilter; 4] = [
    (4, nearest),
    (3, |left, above, _| left.midpoint(above)),
    (2, |_, above, _| above),
    (1, |left, _, _| left),
];

/// Filters and compresses pixels of `channels` bytes in the order of the passes.
pub(super) fn compress(
    data: &[u8],
    width: usize,
    channels: usize,
    filtered: bool,
    compression: PngCompression,
    control: &Control,
) -> io::Result<Vec<u8>> {
    let level = match compression {
        PngCompression::Fast => Compression::fast(),
        PngCompression::Balanced => Compression::default(),
        PngCompression::Best => Compression::best(),
    };
    let mut zlib = ZlibEncoder::new(FallibleBuffer::default(), level);
    let tried = if compression == PngCompression::Fast { 1 } else { FILTERS.len() };
    let (mut above, mut row, mut line) = (Vec::new(), Vec::new(), Vec::new());
    let mut other = Vec::new();
    for (x, y, step_x, step_y) in PASSES {
        above.clear();
        for source in data.chunks_exact(width * channels).skip(y).step_by(step_y) {
            row.clear();
            for pixel in source.chunks_exact(channels).skip(x).step_by(step_x) {
                row.extend_from_slice(pixel);
            }
            // A pass without columns has no rows either.
            if row.is_empty() {
                break;
            }
            above.resize(row.len(), 0);
            line.clear();
            if filtered {
                for &filter in FILTERS.iter().take(tried) {
                    apply(filter, &mut other, &row, &above, channels);
                    if line.is_empty() || spread(&other) < spread(&line) {
                        std::mem::swap(&mut line, &mut other);
                    }
                }
            } else {
                line.push(FILTER_NONE);
                line.extend_from_slice(&row);
            }
            if !control.goes_on() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            zlib.write_all(&line)?;
            std::mem::swap(&mut above, &mut row);
        }
    }
    Ok(zlib.finish()?.0)
}

/// Makes the line of a filtered row.
fn apply(
    (number, predict): RowFilter,
    line: &mut Vec<u8>,
    row: &[u8],
    above: &[u8],
    channels: usize,
) {
    line.clear();
    line.push(number);
    let none = std::iter::repeat_n(&0, channels);
    let left = none.clone().chain(row);
    let upper_left = none.chain(above);
    line.extend(row.iter().zip(above).zip(left.zip(upper_left)).map(
        |((&value, &above), (&left, &upper_left))| {
            value.wrapping_sub(predict(left, above, upper_left))
        },
    ));
}

/// How far the values of a filtered row are from 0: the less, the better they are compressed
/// (W3C PNG, third edition, section 12.7).
fn spread(line: &[u8]) -> u64 {
    line.iter().skip(1).map(|&value| u64::from(value.cast_signed().unsigned_abs())).sum()
}

/// The neighbour that is nearest to `left + above - upper_left`.
fn nearest(left: u8, above: u8, upper_left: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(upper_left));
    let (to_left, to_above, to_corner) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        upper_left
    }
}
