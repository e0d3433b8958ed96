//! Scaling and cutting in one step, by Lanczos3.

use std::f64::consts::PI;

use image_gate_resample::{Part, Pixels, Resizer};

use crate::image::raster::{DeepRaster, Layout, Raster, with_room, zeroed};
use crate::image::size::{Rect, Size};
use crate::image::{Control, Error};

/// How a raster lies in an image, in pixels of the raster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::image) struct Placed {
    /// Width and height of the image, which may end within the raster's last column and row.
    pub(in crate::image) extent: (f64, f64),
    /// Where in the image the raster begins.
    pub(in crate::image) origin: (f64, f64),
}

impl Placed {
    /// A raster that is all of an image.
    pub(in crate::image) fn all(size: Size) -> Placed {
        Placed { extent: (size.width.into(), size.height.into()), origin: (0.0, 0.0) }
    }
}

/// Scales an image, of which the raster has what is needed, to `scaled`, and keeps
/// `window` of that. Only what the window needs is computed, yet at the window's
/// edges the filter sees the pixels beyond, as if all had been scaled first.
pub(in crate::image) fn resize(
    mut raster: Raster,
    placed: Placed,
    scaled: Size,
    window: Rect,
    control: &Control,
) -> Result<Raster, Error> {
    let size = raster.size();
    let work = Work::new(size, placed, scaled, window);
    if work.is_none() {
        return Ok(raster);
    }
    // Fully transparent pixels have some colour too, which must not bleed.
    let premultiply = raster.layout().has_alpha() && work.ratio != (1.0, 1.0);
    if premultiply {
        multiply_alpha(&mut raster, control)?;
    }
    let samples = samples_of(&raster);
    let out = work.scale(raster.data(), samples, control)?;
    let mut out = Raster::from_data(window.size, raster.layout(), out)?;
    if premultiply {
        divide_alpha(&mut out, control)?;
    }
    control.check()?;
    Ok(out)
}

/// The same of 16 bits.
pub(in crate::image) fn resize_deep(
    mut raster: DeepRaster,
    placed: Placed,
    scaled: Size,
    window: Rect,
    control: &Control,
) -> Result<DeepRaster, Error> {
    let DeepRaster { size, channels, .. } = raster;
    let work = Work::new(size, placed, scaled, window);
    if work.is_none() {
        return Ok(raster);
    }
    let samples = Samples { channels, deep: true };
    let premultiply = channels.is_multiple_of(2) && work.ratio != (1.0, 1.0);
    if premultiply {
        by_bands(&mut raster.data, size, samples, control, image_gate_resample::multiply_alpha)?;
    }
    let mut data = work.scale(&raster.data, samples, control)?;
    if premultiply {
        let divide = image_gate_resample::divide_alpha;
        by_bands(&mut data, window.size, samples, control, divide)?;
    }
    control.check()?;
    Ok(DeepRaster { size: window.size, channels, data })
}

/// What the samples of a raster are.
#[derive(Debug, Clone, Copy)]
struct Samples {
    channels: usize,
    deep: bool,
}

impl Samples {
    /// Bytes of a pixel.
    fn bytes(self) -> usize {
        if self.deep { 2 * self.channels } else { self.channels }
    }
}

/// What is scaled of a raster, and to what.
struct Work {
    size: Size,
    window: Rect,
    ratio: (f64, f64),
    left: f64,
    top: f64,
}

impl Work {
    fn new(size: Size, placed: Placed, scaled: Size, window: Rect) -> Work {
        let Placed { extent, origin } = placed;
        let ratio = (extent.0 / f64::from(scaled.width), extent.1 / f64::from(scaled.height));
        let left = (f64::from(window.x) * ratio.0 - origin.0).max(0.0);
        let top = (f64::from(window.y) * ratio.1 - origin.1).max(0.0);
        Work { size, window, ratio, left, top }
    }

    /// Whether the raster stays as it is.
    fn is_none(&self) -> bool {
        self.ratio == (1.0, 1.0)
            && self.window.size == self.size
            && (self.left, self.top) == (0.0, 0.0)
    }

    fn scale(&self, data: &[u8], samples: Samples, control: &Control) -> Result<Vec<u8>, Error> {
        let &Work { size, window, ratio, left, top } = self;
        let Samples { channels, deep } = samples;
        let stride = window.size.width as usize * samples.bytes();
        let mut out = zeroed(stride * window.size.height as usize)?;
        // The resizer allocates by itself and would end the process where it can't.
        drop(with_room::<u8>(buffer_bytes(size, samples.bytes(), window.size) as usize)?);
        control.check()?;

        let source = Pixels { width: size.width, height: size.height, channels, deep, data };
        let mut resizer = Resizer::new(lanczos3, 3.0).map_err(internal)?;
        let of = |(first, count): (u32, u32), from: f64, ratio: f64, side: u32| {
            let start = from + f64::from(first) * ratio;
            (start, (f64::from(count) * ratio).min(f64::from(side) - start))
        };
        match bands(size, window.size) {
            Bands::Rows(rows) => {
                let across = of((0, window.size.width), left, ratio.0, size.width);
                let bands = out.chunks_mut(stride * rows as usize);
                for (first, band) in (0..).step_by(rows as usize).zip(bands) {
                    control.check()?;
                    let height = (band.len() / stride) as u32;
                    let down = of((first, height), top, ratio.1, size.height);
                    let part =
                        Part { left: across.0, top: down.0, width: across.1, height: down.1 };
                    let width = window.size.width;
                    let mut made = Pixels { width, height, channels, deep, data: band };
                    resizer.resize(&source, part, &mut made).map_err(internal)?;
                }
            }
            Bands::Columns(columns) => {
                let down = of((0, window.size.height), top, ratio.1, size.height);
                for first in (0..window.size.width).step_by(columns as usize) {
                    control.check()?;
                    let width = columns.min(window.size.width - first);
                    let across = of((first, width), left, ratio.0, size.width);
                    let part =
                        Part { left: across.0, top: down.0, width: across.1, height: down.1 };
                    let height = window.size.height;
                    let narrow = width as usize * samples.bytes();
                    let mut band = zeroed(narrow * height as usize)?;
                    let mut made = Pixels { width, height, channels, deep, data: &mut band[..] };
                    resizer.resize(&source, part, &mut made).map_err(internal)?;
                    let start = first as usize * samples.bytes();
                    let rows = out.chunks_exact_mut(stride).zip(band.chunks_exact(narrow));
                    for (row, made) in rows {
                        if let Some(to) = row.get_mut(start..start + made.len()) {
                            to.copy_from_slice(made);
                        }
                    }
                }
            }
        }
        Ok(out)
    }
}

/// What is made between two looks at the [`Control`]: so many rows or columns of the output. It is all, but
/// of large images.
#[derive(Debug, PartialEq)]
enum Bands {
    Rows(u32),
    Columns(u32),
}

fn bands(from: Size, to: Size) -> Bands {
    const PIXELS: u64 = 16 << 20;
    // For a band with less, most of what is read is read for its neighbours as well.
    const LEAST: u64 = 8;
    let bands = from.pixels().max(to.pixels()) / PIXELS + 1;
    let of = |side: u32| u64::from(side).div_ceil(bands).max(1) as u32;
    if bands > 1 && u64::from(to.height) < bands * LEAST && to.width > to.height {
        Bands::Columns(of(to.width))
    } else {
        Bands::Rows(of(to.height))
    }
}

/// The weight of a pixel by its distance: sinc(x) sinc(x / 3).
///
/// The resizer has it by two sines of the C library, which take as long as a twentieth of all that
/// a small picture takes.
pub(super) fn lanczos3(x: f64) -> f64 {
    let third = x.abs() * (PI / 3.0);
    if third >= PI {
        return 0.0;
    }
    if third < 1e-6 {
        return 1.0;
    }
    // A sine is that of what is left to half a turn, too; by its series, which ends where all
    // that follows is less than 1e-11.
    let angle = third.min(PI - third);
    let square = angle * angle;
    let factors = [14 * 15, 12 * 13, 10 * 11, 8 * 9, 6 * 7, 4 * 5, 2 * 3];
    let series = factors.map(|factor| 1.0 / f64::from(factor));
    let sine = angle * series.iter().fold(1.0, |sum, factor| 1.0 - sum * square * factor);
    // That of three times the angle is 3 sin - 4 sin^3.
    sine * sine * (3.0 - 4.0 * sine * sine) / (3.0 * third * third)
}

/// Bytes that [`resize`] holds besides what it takes and what it returns.
pub(in crate::image) fn working_bytes(from: Size, layout: Layout, to: Size) -> u64 {
    if from == to { 0 } else { buffer_bytes(from, layout.channels(), to) }
}

/// Bytes that [`resize_deep`] holds besides.
pub(in crate::image) fn deep_working_bytes(from: Size, channels: usize, to: Size) -> u64 {
    buffer_bytes(from, 2 * channels, to)
}

/// The image between the two passes: the vertical one comes first.
fn buffer_bytes(from: Size, pixel: usize, to: Size) -> u64 {
    Size::new(from.width, to.height).pixels() * pixel as u64
}

/// Pixels between two looks at the [`Control`] where they are changed one by one.
const BATCH: u32 = 1 << 20;

/// Has each channel be its part of what shows.
pub(super) fn multiply_alpha(raster: &mut Raster, control: &Control) -> Result<(), Error> {
    let (size, samples) = (raster.size(), samples_of(raster));
    by_bands(raster.data_mut(), size, samples, control, image_gate_resample::multiply_alpha)
}

/// Takes [`multiply_alpha`] back.
pub(super) fn divide_alpha(raster: &mut Raster, control: &Control) -> Result<(), Error> {
    let (size, samples) = (raster.size(), samples_of(raster));
    by_bands(raster.data_mut(), size, samples, control, image_gate_resample::divide_alpha)
}

fn samples_of(raster: &Raster) -> Samples {
    Samples { channels: raster.layout().channels(), deep: false }
}

fn by_bands(
    data: &mut [u8],
    Size { width, .. }: Size,
    samples: Samples,
    control: &Control,
    change: impl Fn(Pixels<&mut [u8]>) -> Result<(), image_gate_resample::Error>,
) -> Result<(), Error> {
    let Samples { channels, deep } = samples;
    let stride = width as usize * samples.bytes();
    let rows = (BATCH / width.max(1)).max(1) as usize;
    for band in data.chunks_mut(stride * rows) {
        control.check()?;
        let height = (band.len() / stride) as u32;
        change(Pixels { width, height, channels, deep, data: band }).map_err(internal)?;
    }
    Ok(())
}

pub(super) fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("resizing: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_that_of_lanczos() {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        for x in (-3000..3000).map(|thousandths| f64::from(thousandths) / 1000.0) {
            assert!((lanczos3(x) - sinc(x) * sinc(x / 3.0)).abs() < 1e-11, "{x}");
        }
        assert_eq!([3.0, -3.0, 3.1, f64::INFINITY].map(lanczos3), [0.0; 4]);
        assert_eq!([0.0, 1e-200].map(lanczos3), [1.0; 2]);
    }

    fn raster(size: Size, layout: Layout, pixel: impl Fn(u32, u32) -> Vec<u8>) -> Raster {
        let data = (0..size.height)
            .flat_map(|y| (0..size.width).map(move |x| (x, y)))
            .flat_map(|(x, y)| pixel(x, y))
            .collect();
        Raster::from_data(size, layout, data).unwrap()
    }

    fn resized(raster: Raster, scaled: Size, window: Rect) -> Raster {
        let placed = Placed::all(raster.size());
        resize(raster, placed, scaled, window, &Control::default()).unwrap()
    }

    fn all(size: Size) -> Rect {
        Rect { x: 0, y: 0, size }
    }

    fn waves(x: u32, y: u32) -> Vec<u8> {
        let wave = |n: u32| (127.0 + 120.0 * (f64::from(n) / 9.0).sin()) as u8;
        vec![wave(x), wave(y), wave(x + y)]
    }

    #[test]
    fn cutting_while_scaling_is_cutting_after_scaling() {
        let size = Size::new(200, 150);
        let scaled = Size::new(67, 50);
        let whole = resized(raster(size, Layout::Rgb8, waves), scaled, all(scaled));
        let window = Rect { x: 11, y: 7, size: Size::new(31, 29) };
        let part = resized(raster(size, Layout::Rgb8, waves), scaled, window);
        for (y, row) in part.rows().enumerate() {
            let start = (y + 7) * whole.stride() + 11 * 3;
            let expected = &whole.data()[start..start + row.len()];
            // Filter weights are rounded, by position: a step at most.
            assert!(row.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 1), "row {y}");
        }
    }

    #[test]
    fn what_is_made_in_bands_is_what_is_made_at_once() {
        let flat = Size::new(9000, 2000);
        assert_eq!(bands(flat, Size::new(90, 3)), Bands::Columns(45));
        assert_eq!(bands(flat, Size::new(90, 20)), Bands::Rows(10));
        assert_eq!(bands(Size::new(900, 2000), Size::new(90, 3)), Bands::Rows(3));
        assert_eq!(bands(Size::new(2000, 9000), Size::new(3, 90)), Bands::Rows(45));
        // Each column is read as it is where another image ends beside it.
        let part = |width: u32| {
            let image = raster(Size::new(width, 2000), Layout::L8, |x, y| {
                vec![(x * 7 % 256) as u8 ^ (y / 9 % 256) as u8]
            });
            let scaled = Size::new(width / 100, 3);
            resized(image, scaled, all(scaled))
        };
        let (banded, whole) = (part(9000), part(8000));
        for (banded, whole) in banded.rows().zip(whole.rows()) {
            // But for the last ones, whose filter sees what is beyond.
            assert_eq!(banded[..76], whole[..76]);
        }
    }

    #[test]
    fn cutting_alone_copies() {
        let size = Size::new(20, 10);
        let window = Rect { x: 3, y: 2, size: Size::new(5, 4) };
        let part = resized(raster(size, Layout::Rgb8, waves), size, window);
        let expected = raster(window.size, Layout::Rgb8, |x, y| waves(x + 3, y + 2));
        assert_eq!(part.data(), expected.data());
    }

    #[test]
    fn nothing_to_do_keeps_the_buffer() {
        let size = Size::new(20, 10);
        let before = raster(size, Layout::Rgba8, |x, _| vec![x as u8, 1, 2, 0]);
        let expected = before.data().to_vec();
        assert_eq!(resized(before, size, all(size)).data(), expected);
    }

    #[test]
    fn transparent_colour_does_not_bleed() {
        // Opaque green columns between transparent red ones.
        let size = Size::new(64, 64);
        let before = raster(size, Layout::Rgba8, |x, _| {
            if x % 2 == 0 { vec![0, 200, 0, 255] } else { vec![255, 0, 0, 0] }
        });
        let after = resized(before, Size::new(16, 16), all(Size::new(16, 16)));
        for pixel in after.data().as_chunks::<4>().0 {
            let &[r, g, b, a] = pixel;
            assert!(r == 0 && b == 0 && g.abs_diff(200) <= 2 && a.abs_diff(128) <= 12, "{pixel:?}");
        }
    }

    #[test]
    fn a_flat_image_stays_flat() {
        for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8, Layout::Cmyk8] {
            let color: Vec<u8> = [90, 255, 30, 255][..layout.channels()].to_vec();
            let before = raster(Size::new(37, 23), layout, |_, _| color.clone());
            let after = resized(before, Size::new(5, 3), all(Size::new(5, 3)));
            assert!(after.data().chunks_exact(color.len()).all(|pixel| pixel == color));
        }
    }

    #[test]
    fn the_extent_leaves_padding_out() {
        // Ten columns of which the last half is padding.
        let before = raster(Size::new(10, 4), Layout::L8, |x, _| vec![(x * 20) as u8]);
        let (placed, small) = (Placed { extent: (9.5, 4.0), origin: (0.0, 0.0) }, Size::new(5, 2));
        let after = resize(before, placed, small, all(small), &Control::default()).unwrap();
        // The middle column is centred at 4.75, where the ramp has (4.75 - 0.5) * 20.
        assert!(after.data()[2].abs_diff(85) <= 1, "{:?}", after.data());
    }
}
