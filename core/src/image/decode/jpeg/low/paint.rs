//! From coefficients to pixels.

use std::ops::Range;

use super::super::super::super::Control;
use super::super::super::super::geometry::{Size, Window};
use super::super::super::super::raster::{Layout, Raster};
use super::averages::Averages;
use super::frame::Frame;
use super::samples::Samples;
use super::tables::Colors;
use super::{Stop, broken};

/// Rows between two looks at the [`Control`].
const BATCH: usize = 64;

/// Makes a part of the image.
pub(super) fn paint(
    frame: &Frame,
    part: Window,
    colors: Colors,
    control: &Control,
) -> Result<Raster, Stop> {
    let side = |pixels: u32| (pixels * frame.eighths as u32).div_ceil(8);
    let size = Size::new(side(part.size.width), side(part.size.height));
    let (left, top) = (side(part.x) as usize, side(part.y) as usize);
    let columns = left..left + size.width as usize;
    let layout = match colors {
        Colors::Grey => Layout::L8,
        Colors::Ycc | Colors::Rgb => Layout::Rgb8,
        Colors::Cmyk | Colors::Ycck => Layout::Cmyk8,
    };
    let planes = frame.components.iter().map(|component| {
        Ok(if frame.eighths == 1 {
            Plane::Averages(Averages::new(component)?)
        } else {
            Plane::Samples(Box::new(Samples::new(component, frame)?))
        })
    });
    let mut planes = planes.collect::<Result<Vec<_>, Stop>>()?;
    let mut raster = Raster::new(size, layout)?;
    for (y, row) in raster.rows_mut().enumerate() {
        if y % BATCH == 0 {
            control.check()?;
        }
        match planes.as_mut_slice() {
            [grey] => interleave_one(row, grey.row(top + y, &columns)),
            [a, b, c] => {
                let [a, b, c] = [a, b, c].map(|plane| plane.row(top + y, &columns));
                if colors == Colors::Ycc {
                    to_rgb([a, b, c]);
                }
                interleave_three(row, [a, b, c]);
            }
            [a, b, c, k] => {
                let [a, b, c, k] = [a, b, c, k].map(|plane| plane.row(top + y, &columns));
                if colors == Colors::Ycck {
                    // What is stored is made of light that the inks leave.
                    to_rgb([a, b, c]);
                    for light in [&mut *a, b, c] {
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

/// A component, a row of the image at a time.
#[derive(Debug)]
enum Plane<'a> {
    Averages(Averages<'a>),
    Samples(Box<Samples<'a>>),
}

impl Plane<'_> {
    /// The samples of those columns of that row, each of which is asked for once.
    fn row(&mut self, y: usize, columns: &Range<usize>) -> &mut [u8] {
        let row = match self {
            Plane::Averages(averages) => averages.row(y),
            Plane::Samples(samples) => samples.row(y),
        };
        row.get_mut(columns.clone()).unwrap_or_default()
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
