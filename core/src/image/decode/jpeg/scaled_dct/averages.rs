//! From DC coefficients to samples, one a block.

use super::frame::Component;
use super::stop::Stop;
use crate::image::raster::{with_room, zeroed};

/// The samples of a component, a row of the image at a time.
#[derive(Debug)]
pub(super) struct Averages {
    /// One row of them, as wide as the image or a little wider.
    row: Vec<u8>,
    samples: Vec<u8>,
    /// Samples between the rows, with one more at both ends.
    mixed: Vec<i16>,
}

impl Averages {
    pub(super) fn new(component: &Component) -> Result<Averages, Stop> {
        let columns = component.columns;
        let mut mixed = with_room(columns + 2)?;
        mixed.resize(columns + 2, 0);
        let row = zeroed(columns * component.across)?;
        Ok(Averages { row, samples: zeroed(columns)?, mixed })
    }

    /// The samples of that row of the image, at least.
    ///
    /// Where libjpeg would have more samples of a block, they are interpolated,
    /// otherwise repeated, as it does.
    pub(super) fn row(&mut self, component: &Component, y: usize) -> &mut [u8] {
        let &Component { across, down, .. } = component;
        let at = y / down;
        match (across, down) {
            (2, 2 | 4) => {
                self.mix(component, at, y % down);
                stretch_twice(&mut self.row, &self.mixed);
            }
            (4, 2 | 4) => {
                self.mix(component, at, y % down);
                stretch_four_times(&mut self.row, &self.mixed);
            }
            (1, _) => averages(&mut self.row, component, at),
            _ => {
                averages(&mut self.samples, component, at);
                for (pixels, sample) in self.row.chunks_exact_mut(across).zip(&self.samples) {
                    pixels.fill(*sample);
                }
            }
        }
        &mut self.row
    }

    /// Mixes the samples of the `phase`th of the rows that a row is stretched to,
    /// in eighths, along the slope between the rows around it.
    fn mix(&mut self, component: &Component, at: usize, phase: usize) {
        let &Component { down, rows, .. } = component;
        let (whole, slope) = (4 * down as i16, slope(phase, down));
        let inner = 1..self.mixed.len() - 1;
        for (row, weight) in
            [(at, whole), (at.saturating_sub(1), slope), ((at + 1).min(rows - 1), -slope)]
        {
            averages(&mut self.samples, component, row);
            let mixed = self.mixed.get_mut(inner.clone()).unwrap_or_default().iter_mut();
            let mixed = mixed.zip(&self.samples);
            if weight == whole {
                mixed.for_each(|(mixed, &sample)| *mixed = i16::from(sample) * weight);
            } else {
                mixed.for_each(|(mixed, &sample)| *mixed += i16::from(sample) * weight);
            }
        }
        if whole == 16 {
            self.mixed.iter_mut().for_each(|mixed| *mixed = (*mixed + 1) >> 1);
        }
        match self.mixed.as_mut_slice() {
            [start, first, .., last, end] => (*start, *end) = (*first, *last),
            [start, only, end] => (*start, *end) = (*only, *only),
            _ => {}
        }
    }
}

/// How much the slope between the samples around one counts at the `phase`th of
/// the places that it is stretched to, in parts of four times so many: so much of
/// the one before is added, and of the one behind subtracted. The average of all
/// places stays that of the block.
const fn slope(phase: usize, times: usize) -> i16 {
    times as i16 - 1 - 2 * phase as i16
}

/// Stretches a row of mixed samples to twice its length.
fn stretch_twice(row: &mut [u8], mixed: &[i16]) {
    let around = mixed.iter().zip(mixed.iter().skip(1)).zip(mixed.iter().skip(2));
    for ([left, right], ((before, at), behind)) in row.as_chunks_mut().0.iter_mut().zip(around) {
        let slope = before - behind;
        *left = ((8 * at + 32 + slope) >> 6).clamp(0, 255) as u8;
        *right = ((8 * at + 32 - slope) >> 6).clamp(0, 255) as u8;
    }
}

/// Stretches a row of mixed samples to four times its length.
fn stretch_four_times(row: &mut [u8], mixed: &[i16]) {
    let around = mixed.iter().zip(mixed.iter().skip(1)).zip(mixed.iter().skip(2));
    for (pixels, ((before, at), behind)) in row.as_chunks_mut::<4>().0.iter_mut().zip(around) {
        let (at, rise) = (i32::from(*at), i32::from(before - behind));
        for (phase, pixel) in pixels.iter_mut().enumerate() {
            let sum = 16 * at + rise * i32::from(slope(phase, 4));
            *pixel = ((sum + 64) >> 7).clamp(0, 255) as u8;
        }
    }
}

/// The averages of a row of blocks, as libjpeg computes them: what is far out of
/// range, as only broken images have it, wraps.
fn averages(samples: &mut [u8], component: &Component, row: usize) {
    let [quantizer, ..] = component.quantizers.unwrap_or([0; 64]);
    let quantizer = i32::from(quantizer as i16);
    for (sample, &coefficient) in samples.iter_mut().zip(component.row(row)) {
        let average = (i32::from(coefficient) * quantizer + 4) >> 3;
        let wrapped = (average << 22) >> 22;
        *sample = (wrapped + 128).clamp(0, 255) as u8;
    }
}
