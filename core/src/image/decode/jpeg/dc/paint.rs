//! From coefficients to pixels.

use std::ops::Range;

use super::super::super::super::Control;
use super::super::super::super::geometry::{Size, Window};
use super::super::super::super::raster::{Layout, Raster, with_room, zeroed};
use super::frame::{Component, Frame};
use super::tables::Colors;
use super::{Stop, broken};

/// Rows between two looks at the [`Control`].
const BATCH: usize = 64;

/// Makes a part of the image, a pixel for every 8x8 of the frame.
pub(super) fn paint(
    frame: &Frame,
    part: Window,
    colors: Colors,
    control: &Control,
) -> Result<Raster, Stop> {
    let size = Size::new(part.size.width.div_ceil(8), part.size.height.div_ceil(8));
    let (left, top) = (part.x as usize / 8, part.y as usize / 8);
    let columns = left..left + size.width as usize;
    let layout = match colors {
        Colors::Grey => Layout::L8,
        Colors::Ycc | Colors::Rgb => Layout::Rgb8,
        Colors::Cmyk | Colors::Ycck => Layout::Cmyk8,
    };
    let planes = frame.components.iter().map(Plane::new);
    let mut planes = planes.collect::<Result<Vec<_>, _>>()?;
    let mut raster = Raster::new(size, layout)?;
    for (y, row) in raster.rows_mut().enumerate() {
        if y % BATCH == 0 {
            control.check()?;
        }
        planes.iter_mut().for_each(|plane| plane.seek(top + y));
        match planes.as_mut_slice() {
            [grey] => interleave_one(row, grey.part(&columns)),
            [a, b, c] => {
                let [a, b, c] = [a, b, c].map(|plane| plane.part(&columns));
                if colors == Colors::Ycc {
                    to_rgb([a, b, c]);
                }
                interleave_three(row, [a, b, c]);
            }
            [a, b, c, k] => {
                let [a, b, c, k] = [a, b, c, k].map(|plane| plane.part(&columns));
                if colors == Colors::Ycck {
                    // What is stored is made of light that the inks leave.
                    to_rgb([a, b, c]);
                    for light in [&mut *a, &mut *b, &mut *c] {
                        light.iter_mut().for_each(|light| *light = !*light);
                    }
                }
                interleave_four(row, [a, b, c, k]);
            }
            _ => return Err(broken("components that make no colour")),
        }
    }
    Ok(raster)
}

/// The samples of a component, a row of the image at a time.
#[derive(Debug)]
struct Plane<'a> {
    component: &'a Component,
    /// One row of them, as wide as the image or a little wider.
    row: Vec<u8>,
    samples: Vec<u8>,
    /// Samples between the rows, with one more at both ends.
    mixed: Vec<i16>,
}

impl<'a> Plane<'a> {
    fn new(component: &'a Component) -> Result<Plane<'a>, Stop> {
        let columns = component.columns;
        let mut mixed = with_room(columns + 2)?;
        mixed.resize(columns + 2, 0);
        let row = zeroed(columns * component.across)?;
        Ok(Plane { component, row, samples: zeroed(columns)?, mixed })
    }

    /// The samples of those columns of the row at hand.
    fn part(&mut self, columns: &Range<usize>) -> &mut [u8] {
        self.row.get_mut(columns.clone()).unwrap_or_default()
    }

    /// Makes the samples of that row of the image.
    ///
    /// Where libjpeg would have more samples of a block, they are interpolated,
    /// otherwise repeated, as it does.
    fn seek(&mut self, y: usize) {
        let &Component { across, down, .. } = self.component;
        let at = y / down;
        match (across, down) {
            (2, 2 | 4) => {
                self.mix(at, y % down);
                stretch_twice(&mut self.row, &self.mixed);
            }
            (4, 2 | 4) => {
                self.mix(at, y % down);
                stretch_four_times(&mut self.row, &self.mixed);
            }
            (1, _) => averages(&mut self.row, self.component, at),
            _ => {
                averages(&mut self.samples, self.component, at);
                for (pixels, sample) in self.row.chunks_exact_mut(across).zip(&self.samples) {
                    pixels.fill(*sample);
                }
            }
        }
    }

    /// Mixes the samples of the `phase`th of the rows that a row is stretched to,
    /// in eighths, along the slope between the rows around it.
    fn mix(&mut self, at: usize, phase: usize) {
        let &Component { down, rows, .. } = self.component;
        let (whole, slope) = (4 * down as i16, slope(phase, down));
        let inner = 1..self.mixed.len() - 1;
        for (row, weight) in
            [(at, whole), (at.saturating_sub(1), slope), ((at + 1).min(rows - 1), -slope)]
        {
            averages(&mut self.samples, self.component, row);
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
    let quantizer = i32::from(component.quantizer.unwrap_or_default() as i16);
    let row = component.coefficients.get(row * component.stride..).unwrap_or_default();
    for (sample, &coefficient) in samples.iter_mut().zip(row) {
        let average = (i32::from(coefficient) * quantizer + 4) >> 3;
        let wrapped = (average << 22) >> 22;
        *sample = (wrapped + 128).clamp(0, 255) as u8;
    }
}

/// Y, Cb and Cr to red, green and blue, in place (ITU-T T.871, section 7), in
/// fixed point with 16 bits behind it.
fn to_rgb([first, second, third]: [&mut [u8]; 3]) {
    const HALF: i32 = 1 << 15;
    const fn fixed(factor: f64) -> i32 {
        (factor * 65536.0 + 0.5) as i32
    }
    let clamped = |value: i32| value.clamp(0, 255) as u8;
    for ((first, second), third) in first.iter_mut().zip(second).zip(third) {
        let (y, cb, cr) = (i32::from(*first), i32::from(*second) - 128, i32::from(*third) - 128);
        let green = -fixed(0.34414) * cb - fixed(0.71414) * cr;
        *first = clamped(y + ((fixed(1.402) * cr + HALF) >> 16));
        *second = clamped(y + ((green + HALF) >> 16));
        *third = clamped(y + ((fixed(1.772) * cb + HALF) >> 16));
    }
}

fn interleave_one(row: &mut [u8], samples: &[u8]) {
    row.iter_mut().zip(samples).for_each(|(pixel, sample)| *pixel = *sample);
}

fn interleave_three(row: &mut [u8], [a, b, c]: [&[u8]; 3]) {
    for (((pixel, a), b), c) in row.as_chunks_mut::<3>().0.iter_mut().zip(a).zip(b).zip(c) {
        *pixel = [*a, *b, *c];
    }
}

fn interleave_four(row: &mut [u8], [a, b, c, d]: [&[u8]; 4]) {
    let pixels = row.as_chunks_mut::<4>().0.iter_mut();
    for ((((pixel, a), b), c), d) in pixels.zip(a).zip(b).zip(c).zip(d) {
        *pixel = [*a, *b, *c, *d];
    }
}
