//! Padding.

use super::blur::blur;
use super::composite::{lay_opaque, lay_over};
use super::flatten::{flatten, widen, with_alpha};
use super::resize::{Placed, resize};
use super::trim::cut;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::{Rect, Size};
use crate::image::{Color, Control, Error};

/// What is around an image, and shows through where that is transparent.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) enum Backdrop {
    /// A colour.
    Color(Color),
    /// A colour of that opacity.
    Veil(Color, u8),
    /// The image itself, covering all and blurred; behind that the colour.
    Blurred(Color),
}

/// How much smaller than its canvas a backdrop is blurred, and by which standard deviation in
/// hundredths of a pixel.
const SHRINK: u32 = 8;
const SIGMA: u16 = 300;

/// Lays an image at `place` on a canvas. There is room for it.
pub(in crate::image) fn pad(
    raster: Raster,
    canvas: Size,
    place: (u32, u32),
    backdrop: Backdrop,
    control: &Control,
) -> Result<Raster, Error> {
    if raster.size() == canvas {
        return Ok(raster);
    }
    match backdrop {
        Backdrop::Color(color) => onto_color(raster, canvas, place, color, control),
        Backdrop::Veil(color, alpha) => {
            let raster = with_alpha(widen(raster, control)?, control)?;
            let pixel = [color.r, color.g, color.b, alpha];
            let mut out = filled(canvas, Layout::Rgba8, &pixel, control)?;
            lay(&raster, &mut out, place, control)?;
            Ok(out)
        }
        Backdrop::Blurred(color) => {
            let raster = widen(raster, control)?;
            let mut out = blurred(&raster, canvas, color, control)?;
            lay(&raster, &mut out, place, control)?;
            Ok(out)
        }
    }
}

/// Lays an image over one of the same layout, or one with alpha over one in colour.
fn lay(
    raster: &Raster,
    out: &mut Raster,
    place: (u32, u32),
    control: &Control,
) -> Result<(), Error> {
    let (from, to) = (raster.layout(), out.layout());
    let (left, width) = (place.0 as usize, raster.size().width as usize);
    let bytes = left * to.channels()..(left + width) * to.channels();
    for (to_row, row) in out.rows_mut().skip(place.1 as usize).zip(raster.rows()) {
        control.check()?;
        let Some(below) = to_row.get_mut(bytes.clone()) else { continue };
        match (from, to) {
            (Layout::Rgba8, Layout::Rgba8) => {
                let pixels = below.as_chunks_mut().0.iter_mut().zip(row.as_chunks().0);
                pixels.for_each(|(below, above)| lay_over(below, above));
            }
            (Layout::Rgba8, _) => {
                let pixels = below.as_chunks_mut().0.iter_mut().zip(row.as_chunks().0);
                pixels.for_each(|(below, above)| lay_opaque(below, above));
            }
            _ => below.copy_from_slice(row),
        }
    }
    Ok(())
}

/// The image as its own backdrop.
fn blurred(
    raster: &Raster,
    canvas: Size,
    background: Color,
    control: &Control,
) -> Result<Raster, Error> {
    let flat = flatten(raster.try_clone(control)?, background, control)?;
    let small = Size::new(canvas.width.div_ceil(SHRINK), canvas.height.div_ceil(SHRINK));
    let Size { width, height } = raster.size();
    let side = |own: u32, of: u32, to: u32| {
        let side = (u64::from(own) * u64::from(to)).div_ceil(u64::from(of));
        u32::try_from(side).unwrap_or(u32::MAX)
    };
    // What covers the canvas may be far larger than it in the other direction: that is cut first.
    let by_width = side(height, width, small.width);
    let (part, scaled) = if by_width >= small.height {
        let rows = side(width, small.width, small.height).min(height);
        (Size::new(width, rows), small)
    } else {
        let columns = side(height, small.height, small.width).min(width);
        (Size::new(columns, height), small)
    };
    let window = Rect { x: (width - part.width) / 2, y: (height - part.height) / 2, size: part };
    let all = |size| Rect { x: 0, y: 0, size };
    let middle = cut(flat, window, control)?;
    let mut small = resize(middle, Placed::all(part), scaled, all(scaled), control)?;
    blur(&mut small, SIGMA, control)?;
    resize(small, Placed::all(scaled), canvas, all(canvas), control)
}

/// Lays an image onto one colour.
fn onto_color(
    raster: Raster,
    canvas: Size,
    place: (u32, u32),
    background: Color,
    control: &Control,
) -> Result<Raster, Error> {
    let Color { r, g, b } = background;
    let mut raster = flatten(raster, background, control)?;
    if !(r == g && g == b) {
        raster = widen(raster, control)?;
    }
    let layout = raster.layout();
    let pixel = if layout == Layout::L8 { &[r][..] } else { &[r, g, b][..] };
    let mut out = filled(canvas, layout, pixel, control)?;
    lay(&raster, &mut out, place, control)?;
    Ok(out)
}

/// A canvas of one pixel over and over.
fn filled(canvas: Size, layout: Layout, pixel: &[u8], control: &Control) -> Result<Raster, Error> {
    let mut row = with_room(canvas.width as usize * layout.channels())?;
    (0..canvas.width).for_each(|_| row.extend_from_slice(pixel));
    let mut out = Raster::new(canvas, layout)?;
    for to in out.rows_mut() {
        control.check()?;
        to.copy_from_slice(&row);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(layout: Layout, data: &[u8], background: Color) -> Raster {
        let raster = Raster::from_data(Size::new(1, 1), layout, data.to_vec()).unwrap();
        let backdrop = Backdrop::Color(background);
        pad(raster, Size::new(3, 2), (1, 1), backdrop, &Control::default()).unwrap()
    }

    #[test]
    fn around_an_image() {
        let red = Color { r: 255, g: 0, b: 0 };
        let out = padded(Layout::L8, &[7], Color::WHITE);
        assert_eq!(out.data(), [255, 255, 255, 255, 7, 255]);
        let out = padded(Layout::L8, &[7], red);
        assert_eq!(out.layout(), Layout::Rgb8);
        assert_eq!(out.data()[9..], [255, 0, 0, 7, 7, 7, 255, 0, 0]);
        let out = padded(Layout::Rgba8, &[1, 2, 3, 0], red);
        assert_eq!(out.data(), [255, 0, 0].repeat(6));
    }

    #[test]
    fn nothing_to_add_changes_nothing() {
        let raster = Raster::from_data(Size::new(1, 1), Layout::La8, vec![9, 3]).unwrap();
        let backdrop = Backdrop::Color(Color::WHITE);
        let out = pad(raster, Size::new(1, 1), (0, 0), backdrop, &Control::default()).unwrap();
        assert_eq!(out.data(), [9, 3]);
    }

    #[test]
    fn onto_what_is_transparent() {
        let padded = |layout, data: &[u8]| {
            let raster = Raster::from_data(Size::new(1, 1), layout, data.to_vec()).unwrap();
            let veil = Backdrop::Veil(Color { r: 9, g: 8, b: 7 }, 100);
            pad(raster, Size::new(2, 1), (1, 0), veil, &Control::default()).unwrap()
        };
        assert_eq!(padded(Layout::L8, &[5]).data(), [9, 8, 7, 100, 5, 5, 5, 255]);
        assert_eq!(padded(Layout::Rgba8, &[1, 2, 3, 0]).data(), [9, 8, 7, 100, 9, 8, 7, 100]);
        assert_eq!(padded(Layout::Rgb8, &[1, 2, 3]).data(), [9, 8, 7, 100, 1, 2, 3, 255]);
    }

    #[test]
    fn onto_itself() {
        // Left half black, right half white, in the middle of three times the width.
        let data = (0..40 * 20).map(|i| if i % 40 < 20 { 0 } else { 255 }).collect();
        let raster = Raster::from_data(Size::new(40, 20), Layout::L8, data).unwrap();
        let canvas = Size::new(120, 20);
        let backdrop = Backdrop::Blurred(Color::WHITE);
        let out = pad(raster, canvas, (40, 0), backdrop, &Control::default()).unwrap();
        assert_eq!((out.layout(), out.size()), (Layout::Rgb8, canvas));
        let at = |x: usize| out.data()[(10 * 120 + x) * 3];
        assert_eq!([at(40), at(59), at(60), at(79)], [0, 0, 255, 255]);
        assert!(at(2) < 30 && at(117) > 225, "{} {}", at(2), at(117));
        // It gets lighter from the one side to the other.
        assert!(at(2) <= at(20) && at(20) <= at(39) && at(80) <= at(100) && at(100) <= at(117));
    }

    #[test]
    fn extreme_backdrops() {
        for (size, canvas) in [((1, 300), (900, 301)), ((300, 1), (301, 900)), ((1, 1), (2, 1))] {
            let size = Size::new(size.0, size.1);
            let data = vec![77; size.pixels() as usize * 4];
            let raster = Raster::from_data(size, Layout::Rgba8, data).unwrap();
            let canvas = Size::new(canvas.0, canvas.1);
            let backdrop = Backdrop::Blurred(Color { r: 77, g: 77, b: 77 });
            let out = pad(raster, canvas, (0, 0), backdrop, &Control::default()).unwrap();
            assert!(out.data().iter().all(|&value| value == 77), "{size:?}");
        }
    }
}
