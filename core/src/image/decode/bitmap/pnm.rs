//! PBM, PGM, PPM and PAM, row by row: what the `image` crate has for them reads a raster as a whole,
//! and scales it then, and neither can be cancelled.

use crate::image::error::broken;
use crate::image::raster::Raster;
use crate::image::source::bitmap::{Pnm, Samples};
use crate::image::{Control, Error};

/// Bytes of the raster between two looks at the [`Control`].
const BATCH: usize = 1 << 20;

/// Fills the raster; returns how many rows there are. The others are zeros.
pub(super) fn decode(pnm: &Pnm, raster: &mut Raster, control: &Control) -> Result<u32, Error> {
    let levels: Vec<u8> = (0..256).map(|value| level(value, pnm.max)).collect();
    let level_of = |byte: u8| levels.get(usize::from(byte)).copied().unwrap_or_default();
    let stride = usize::try_from(pnm.stride()).map_err(|_| broken("a row is too long"))?;
    let batch = (BATCH / raster.stride()).max(1);
    let mut stored = pnm.data.chunks_exact(stride);
    let mut text = Text { rest: pnm.data };
    let mut there = 0;
    for (number, row) in raster.rows_mut().enumerate() {
        if number.is_multiple_of(batch) {
            control.check()?;
        }
        let is_whole = match pnm.samples {
            Samples::BlackDigits => {
                text.fill(row, |text| text.word(1).map(|bit| level(1 - bit.min(1), 1)))?
            }
            Samples::Numbers => {
                text.fill(row, |text| text.word(5).map(|value| level(value, pnm.max)))?
            }
            Samples::BlackBits => stored.next().is_some_and(|bytes| {
                let bits = bytes.iter().flat_map(|byte| (0..8).map(move |at| byte << at & 0x80));
                row.iter_mut().zip(bits).for_each(|(to, bit)| *to = if bit == 0 { 255 } else { 0 });
                true
            }),
            Samples::Bytes => stored.next().is_some_and(|bytes| {
                row.iter_mut().zip(bytes).for_each(|(to, &byte)| *to = level_of(byte));
                true
            }),
            Samples::Words => stored.next().is_some_and(|bytes| {
                let words = bytes.as_chunks().0.iter().map(|&word| u16::from_be_bytes(word));
                row.iter_mut().zip(words).for_each(|(to, word)| *to = level(word, pnm.max));
                true
            }),
        };
        if !is_whole {
            break;
        }
        there += 1;
    }
    Ok(there)
}

/// A sample of which `max` is the largest, as one of which 255 is; more than that is as much.
fn level(value: u16, max: u16) -> u8 {
    let (value, max) = (u32::from(value.min(max)), u32::from(max));
    ((value * 255 + max / 2) / max.max(1)) as u8
}

/// Samples that are written as text.
struct Text<'a> {
    rest: &'a [u8],
}

impl Text<'_> {
    /// Fills a row by what is read of the text for each of its samples; returns whether all of
    /// them were there.
    fn fill(
        &mut self,
        row: &mut [u8],
        sample: impl Fn(&mut Self) -> Option<u8>,
    ) -> Result<bool, Error> {
        for to in row {
            match sample(self) {
                Some(value) => *to = value,
                None if self.rest.is_empty() => return Ok(false),
                None => return Err(broken("a sample is no number")),
            }
        }
        Ok(true)
    }

    /// The next number, which has so many digits at most.
    fn word(&mut self, most: usize) -> Option<u16> {
        self.rest = self.rest.trim_ascii_start();
        let digits = self.rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        let (word, rest) = self.rest.split_at_checked(digits)?;
        let value = str::from_utf8(word).ok()?.parse().ok()?;
        self.rest = rest;
        Some(value)
    }
}
