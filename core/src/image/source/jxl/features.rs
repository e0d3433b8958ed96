//! Patches and splines (ISO/IEC 18181-1, annexes K.3 and K.4). Millions of them can be told in some bytes, and the decoder
//! holds each: so they are counted before.

use super::entropy::{Coded, signed};
use crate::image::Error;
use crate::image::error::broken;
use crate::image::source::prefix::LsbBitReader;

/// Patches that a frame has at most. Pictures of screens have some thousands.
const MOST_PATCHES: u32 = 1 << 17;

/// Bytes that the decoder holds for a patch, besides those for each channel: 270 in all were seen for an image
/// without further ones.
const OF_PATCH: u64 = 224;
const OF_CHANNEL: u64 = 32;

/// Splines that a frame has at most, and the points of all of them.
const MOST_SPLINES: u32 = 1 << 12;
const MOST_POINTS: u32 = 1 << 16;

/// Pixels that splines may be drawn on, those that several are drawn on counted as often.
const MOST_DRAWN: f64 = (1 << 23) as f64;

/// Bytes that the decoder holds for each: a number of a row and of a piece of a spline, twice.
const OF_DRAWN: f64 = 24.0;

/// Bytes that patches take, of a frame with so many channels beside the colours.
///
/// # Errors
/// [`Error::BrokenImage`], and [`Error::UnsupportedFormat`] where they are too many.
pub(super) fn patches(bits: &mut LsbBitReader, extra: u32, work: &mut u64) -> Result<u64, Error> {
    let count = count_patches(bits, extra, work);
    let count = count.ok_or_else(|| fault(*work, "the patches are damaged or truncated"))?;
    if count > MOST_PATCHES {
        let what = format!("JPEG XL with more than {MOST_PATCHES} patches");
        return Err(Error::UnsupportedFormat(what));
    }
    Ok(u64::from(count) * (OF_PATCH + OF_CHANNEL * (1 + u64::from(extra))))
}

/// Why they can't be read, with so much work left.
fn fault(work: u64, damage: &str) -> Error {
    if work > 0 {
        return broken(damage);
    }
    Error::UnsupportedFormat("JPEG XL with too many patches and splines".to_owned())
}

/// Reads them, or as many as there may be and more.
fn count_patches(bits: &mut LsbBitReader, extra: u32, work: &mut u64) -> Option<u32> {
    // Contexts of what is told.
    const SOURCES: usize = 0;
    const FRAME: usize = 1;
    const SIZE: usize = 2;
    const SOURCE: usize = 3;
    const PLACE: usize = 4;
    const MODE: usize = 5;
    const OFFSET: usize = 6;
    const COUNT: usize = 7;
    const ALPHA: usize = 8;
    const CLAMP: usize = 9;
    // Modes of patches, which are not those of frames: these may clamp, and by alpha go the last.
    const MULTIPLY: u32 = 3;
    const BY_ALPHA: std::ops::RangeInclusive<u32> = 4..=7;

    let mut coded = Coded::read(bits, 10, true, work)?;
    let sources = coded.next(bits, SOURCES)?;
    let mut all = 0u32;
    for _ in 0..sources {
        for context in [FRAME, SOURCE, SOURCE, SIZE, SIZE] {
            coded.next(bits, context)?;
        }
        let count = coded.next(bits, COUNT)?.checked_add(1)?;
        all = all.saturating_add(count);
        if all > MOST_PATCHES {
            return Some(all);
        }
        for at in 0..count {
            let context = if at == 0 { PLACE } else { OFFSET };
            coded.next(bits, context)?;
            coded.next(bits, context)?;
            for _ in 0..=extra {
                let mode = coded.next(bits, MODE)?;
                // The decoder looks at the lowest 8 bits of others.
                if mode > *BY_ALPHA.end() {
                    return None;
                }
                if BY_ALPHA.contains(&mode) && extra > 1 {
                    coded.next(bits, ALPHA)?;
                }
                if mode == MULTIPLY || BY_ALPHA.contains(&mode) {
                    coded.next(bits, CLAMP)?;
                }
            }
        }
    }
    coded.end()?;
    Some(all)
}

/// Bytes that splines take.
///
/// # Errors
/// [`Error::BrokenImage`], and [`Error::UnsupportedFormat`] where they are too many or too large.
pub(super) fn splines(bits: &mut LsbBitReader, work: &mut u64) -> Result<u64, Error> {
    let drawn = drawn_by_splines(bits, work);
    let drawn = drawn.ok_or_else(|| fault(*work, "the splines are damaged or truncated"))?;
    // It is refused as well where it is not a number.
    if drawn <= MOST_DRAWN {
        Ok((drawn * OF_DRAWN) as u64)
    } else {
        let what = "JPEG XL with splines that are too many or too large";
        Err(Error::UnsupportedFormat(what.to_owned()))
    }
}

/// How many pixels they are drawn on at most, by the estimate that the standard limits (K.4.2);
/// infinite where they are too many.
fn drawn_by_splines(bits: &mut LsbBitReader, work: &mut u64) -> Option<f64> {
    // Contexts of what is told.
    const QUANTIZATION: usize = 0;
    const START: usize = 1;
    const SPLINES: usize = 2;
    const POINTS: usize = 3;
    const POINT: usize = 4;
    const COEFFICIENT: usize = 5;
    const COEFFICIENTS: usize = 32;
    // How much of the second colour the others may have, which the headers behind say.
    const CORRELATION: f64 = 6.0;

    let mut coded = Coded::read(bits, 6, true, work)?;
    let count = coded.next(bits, SPLINES)?.checked_add(1)?;
    if count > MOST_SPLINES {
        return Some(f64::INFINITY);
    }
    for _ in 0..2 * count {
        coded.next(bits, START)?;
    }
    let adjustment = f64::from(signed(coded.next(bits, QUANTIZATION)?));
    let step =
        if adjustment >= 0.0 { 1.0 / (1.0 + adjustment / 8.0) } else { 1.0 - adjustment / 8.0 };
    let (mut points, mut drawn) = (0u32, 0.0);
    for _ in 0..count {
        let own = coded.next(bits, POINTS)?;
        points = points.saturating_add(own);
        if points > MOST_POINTS {
            return Some(f64::INFINITY);
        }
        // Points are told by how much they differ from going on as before.
        let (mut length, mut delta) = (0.0, [0i64; 2]);
        for _ in 0..own {
            for along in &mut delta {
                *along += i64::from(signed(coded.next(bits, POINT)?));
                length += along.unsigned_abs() as f64;
            }
        }
        let mut read = || {
            let number = coded.next(bits, COEFFICIENT)?;
            Some(f64::from(signed(number)).abs() * step)
        };
        let mut colors = [0.0; 3];
        for color in &mut colors {
            for _ in 0..COEFFICIENTS {
                *color += read()?.ceil();
            }
        }
        let [first, second, third] = colors;
        let brightest = first.max(third) + CORRELATION * second;
        let bright = (1.0 + brightest).log2().ceil().max(1.0);
        let mut width = 0.0;
        for _ in 0..COEFFICIENTS {
            let weight = read()?.ceil().max(1.0);
            width += weight * weight * bright;
        }
        drawn += width * length;
    }
    coded.end()?;
    Some(drawn)
}
