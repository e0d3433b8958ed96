//! From coefficients to pixels.

use std::mem;
use std::ops::Range;

use image_gate_codecs::cpu::{self, Kernel};

use super::averages::Averages;
use super::frame::{Component, Frame};
use super::samples::Samples;
use super::stop::{Stop, broken};
use super::tables::Colors;
use crate::image::Control;
use crate::image::raster::{Layout, Raster};
use crate::image::size::{Rect, Size};

/// Rows between two looks at the [`Control`].
const BATCH: usize = 64;

/// A part of the image, made from its top to its bottom.
#[derive(Debug)]
pub(super) struct RasterWriter {
    raster: Raster,
    brush: Brush,
    /// The row of the image that is the first one.
    top: usize,
}

impl RasterWriter {
    /// Before the first row of the part that the frame wants.
    pub(super) fn new(frame: &Frame, colors: Colors) -> Result<RasterWriter, Stop> {
        let Rect { y, size, .. } = frame.part;
        let scaled = |pixels: u32| frame.scaled(pixels as usize);
        let (width, height) = (scaled(size.width), scaled(size.height));
        let layout = match colors {
            Colors::Grey => Layout::L8,
            Colors::Ycc | Colors::Rgb => Layout::Rgb8,
            Colors::Cmyk | Colors::Ycck => Layout::Cmyk8,
        };
        Ok(RasterWriter {
            raster: Raster::new(Size::new(width as u32, height as u32), layout)?,
            brush: Brush::new(frame, colors)?,
            top: scaled(y),
        })
    }

    /// What makes all of its rows.
    pub(super) fn painter(&mut self) -> Painter<'_> {
        let RasterWriter { raster, brush, top } = self;
        let stride = raster.stride();
        let unmade = Unmade { rows: raster.data_mut(), stride, y: *top };
        Painter { brush, unmade, behind: None, is_split: false }
    }

    /// All of the part, whose coefficients are there.
    pub(super) fn paint(mut self, frame: &Frame, control: &Control) -> Result<Raster, Stop> {
        self.painter().paint(frame, usize::MAX, control)?;
        Ok(self.raster)
    }

    /// The part, as it is.
    pub(super) fn raster(self) -> Raster {
        self.raster
    }
}

/// Makes the rows of a part.
pub(super) struct Painter<'r> {
    brush: &'r mut Brush,
    unmade: Unmade<'r>,
    /// Those that follow behind what was split off.
    behind: Option<Unmade<'r>>,
    is_split: bool,
}

impl<'r> Painter<'r> {
    pub(super) fn colors(&self) -> Colors {
        self.brush.colors
    }

    /// Makes the rows before that one of the image, whose coefficients are there.
    pub(super) fn paint(
        &mut self,
        frame: &Frame,
        end: usize,
        control: &Control,
    ) -> Result<(), Stop> {
        self.unmade.paint(self.brush, frame, end, control)?;
        if self.unmade.y < end
            && let Some(behind) = self.behind.take()
        {
            self.unmade = behind;
            self.unmade.paint(self.brush, frame, end, control)?;
        }
        Ok(())
    }

    /// Splits off those between these two rows of the image, which somebody else makes.
    pub(super) fn split(&mut self, from: usize, to: usize) -> Unmade<'r> {
        let mut split = self.unmade.split_off(from);
        self.behind = Some(split.split_off(to));
        self.is_split = true;
        split
    }

    pub(super) fn is_split(&self) -> bool {
        self.is_split
    }
}

/// Rows of a raster that are not made yet.
pub(super) struct Unmade<'r> {
    rows: &'r mut [u8],
    stride: usize,
    /// The row of the image that is the first of them.
    y: usize,
}

impl<'r> Unmade<'r> {
    /// Makes the rows before that one of the image, whose coefficients are there.
    pub(super) fn paint(
        &mut self,
        brush: &mut Brush,
        frame: &Frame,
        end: usize,
        control: &Control,
    ) -> Result<(), Stop> {
        while self.y < end && !self.rows.is_empty() {
            if self.y.is_multiple_of(BATCH) {
                control.check()?;
            }
            let Unmade { rows: row, .. } = self.first(1);
            brush.paint(frame, self.y - 1, row)?;
        }
        Ok(())
    }

    /// Takes so many of them away from the top.
    fn first(&mut self, many: usize) -> Unmade<'r> {
        let rows = mem::take(&mut self.rows);
        let len = many.saturating_mul(self.stride).min(rows.len());
        let (first, rest) = rows.split_at_mut(len);
        let first = Unmade { rows: first, ..*self };
        self.rows = rest;
        self.y += many;
        first
    }

    /// Takes those from that row of the image on away.
    fn split_off(&mut self, y: usize) -> Unmade<'r> {
        let first = self.first(y.saturating_sub(self.y));
        mem::replace(self, first)
    }
}

/// Makes rows of pixels.
#[derive(Debug)]
pub(super) struct Brush {
    colors: Colors,
    planes: Vec<Plane>,
    /// The columns of the part, counted from the first one whose coefficients are kept.
    columns: Range<usize>,
}

impl Brush {
    pub(super) fn new(frame: &Frame, colors: Colors) -> Result<Brush, Stop> {
        let Rect { x, size, .. } = frame.part;
        let left = frame.scaled(x as usize) - frame.scaled(frame.wanted.start * frame.mcu.0);
        let planes = frame.components.iter().map(|component| {
            Ok(if frame.eighths == 1 {
                Plane::Averages(Averages::new(component)?)
            } else {
                Plane::Samples(Box::new(Samples::new(component, frame)?))
            })
        });
        let planes = planes.collect::<Result<_, Stop>>()?;
        Ok(Brush { colors, planes, columns: left..left + frame.scaled(size.width as usize) })
    }

    /// Makes that row of the image.
    fn paint(&mut self, frame: &Frame, y: usize, row: &mut [u8]) -> Result<(), Stop> {
        let Brush { colors, planes, columns } = self;
        let mut planes = planes
            .iter_mut()
            .zip(&frame.components)
            .map(|(plane, component)| plane.row(component, y, columns));
        let planes = [(); 4].map(|()| planes.next());
        match planes {
            [Some(grey), None, ..] => interleave_one(row, grey),
            [Some(a), Some(b), Some(c), None] => {
                cpu::run(Three { row, planes: [a, b, c], ycc: *colors == Colors::Ycc });
            }
            [Some(a), Some(b), Some(c), Some(k)] => {
                if *colors == Colors::Ycck {
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
        Ok(())
    }
}

/// A component, a row of the image at a time.
#[derive(Debug)]
enum Plane {
    Averages(Averages),
    Samples(Box<Samples>),
}

impl Plane {
    /// The samples of those columns of that row, each of which is asked for once.
    fn row(&mut self, component: &Component, y: usize, columns: &Range<usize>) -> &mut [u8] {
        let row = match self {
            Plane::Averages(averages) => averages.row(component, y),
            Plane::Samples(samples) => samples.row(component, y),
        };
        row.get_mut(columns.clone()).unwrap_or_default()
    }
}

/// Makes a row of pixels of three components.
struct Three<'a> {
    row: &'a mut [u8],
    planes: [&'a mut [u8]; 3],
    ycc: bool,
}

impl Kernel for Three<'_> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        let [a, b, c] = self.planes;
        if self.ycc {
            to_rgb([a, b, c]);
        }
        interleave_three(self.row, [a, b, c]);
    }
}

/// Y, Cb and Cr to red, green and blue, in place (ITU-T T.871, section 7), in
/// fixed point with 16 bits behind it.
#[inline(always)]
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

#[inline(always)]
fn interleave_three(row: &mut [u8], [a, b, c]: [&[u8]; 3]) {
    for (((pixel, a), b), c) in row.as_chunks_mut::<3>().0.iter_mut().zip(a).zip(b).zip(c) {
        pixel[0] = *a;
        pixel[1] = *b;
        pixel[2] = *c;
    }
}

fn interleave_four(row: &mut [u8], [a, b, c, d]: [&[u8]; 4]) {
    let pixels = row.as_chunks_mut::<4>().0.iter_mut();
    for ((((pixel, a), b), c), d) in pixels.zip(a).zip(b).zip(c).zip(d) {
        *pixel = [*a, *b, *c, *d];
    }
}
