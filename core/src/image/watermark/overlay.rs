//! Layers laid onto an image.

use super::{Fraction, Watermark, WatermarkContent};
use crate::image::pixels::{divide_by_255, lay_opaque, lay_over, rotate, turned_size};
use crate::image::raster::{Layout, Raster};
use crate::image::size::{Rect, Size};
use crate::image::{Control, Error, pixels};

/// The layers of a watermark, as large as they are to be on images of one size.
#[derive(Debug)]
pub(in crate::image) struct Overlay(Vec<DrawnWatermark>);

#[derive(Debug)]
struct DrawnWatermark {
    /// Of layout [`Layout::Rgba8`], its opacity applied.
    raster: Raster,
    spots: Spots,
}

/// Where the upper left corner of a layer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spots {
    One {
        x: i64,
        y: i64,
    },
    /// From there on, which is not inside the image, in such steps.
    Every {
        x: i64,
        y: i64,
        step_x: i64,
        step_y: i64,
    },
}

impl Overlay {
    /// Draws the layers for images of `canvas`.
    pub(in crate::image) fn new(
        marks: &[Watermark],
        canvas: Size,
        control: &Control,
    ) -> Result<Overlay, Error> {
        let mut layers = Vec::new();
        for watermark in marks {
            control.check()?;
            if let Some(mut raster) = draw(watermark, canvas, control)? {
                let opacity = (watermark.style.opacity.of(255) + 0.5) as u8;
                for pixel in raster.data_mut().as_chunks_mut::<4>().0 {
                    pixel[3] = divide_by_255(u32::from(pixel[3]) * u32::from(opacity));
                }
                layers.push(DrawnWatermark {
                    spots: spots(watermark, raster.size(), canvas),
                    raster,
                });
            }
        }
        Ok(Overlay(layers))
    }

    /// Lays the layers onto an image, the first one lowest.
    pub(in crate::image) fn apply(
        &self,
        raster: Raster,
        control: &Control,
    ) -> Result<Raster, Error> {
        let mut raster = pixels::widen(raster, control)?;
        let canvas = raster.size();
        for DrawnWatermark { raster: watermark, spots } in &self.0 {
            match *spots {
                Spots::One { x, y } => lay(&mut raster, watermark, x, y),
                Spots::Every { x: first_x, mut y, step_x, step_y } => {
                    while y < i64::from(canvas.height) {
                        control.check()?;
                        let mut x = first_x;
                        while x < i64::from(canvas.width) {
                            lay(&mut raster, watermark, x, y);
                            x += step_x;
                        }
                        y += step_y;
                    }
                }
            }
            control.check()?;
        }
        Ok(raster)
    }
}

/// The layer in its size, turned.
fn draw(watermark: &Watermark, canvas: Size, control: &Control) -> Result<Option<Raster>, Error> {
    let raster = match &watermark.content {
        WatermarkContent::Picture(picture) => {
            let size = picture.size();
            let factor = factor(watermark, f64::from(size.width), f64::from(size.height), canvas);
            let side = |pixels: u32| (f64::from(pixels) * factor).round().max(1.0) as u32;
            let scaled = Size::new(side(size.width), side(size.height));
            let window = Rect { x: 0, y: 0, size: scaled };
            let copy = picture.raster().try_clone(control)?;
            Some(pixels::resize(copy, pixels::Placed::all(size), scaled, window, control)?)
        }
        WatermarkContent::Text(text) => {
            text.draw(|width, height| factor(watermark, width, height, canvas), control)?
        }
    };
    raster.map(|raster| rotate(raster, watermark.style.rotate * 100, control)).transpose()
}

/// By how much what is that large is to be scaled.
fn factor(watermark: &Watermark, width: f64, height: f64, canvas: Size) -> f64 {
    let (width, height) = turned_size(width, height, watermark.style.rotate * 100);
    let fill =
        |share: Fraction| (share.of(canvas.width) / width).min(share.of(canvas.height) / height);
    match watermark.style.scale {
        Some(scale) => fill(scale),
        None => fill(Fraction::ALL).min(1.0),
    }
}

fn spots(watermark: &Watermark, size: Size, canvas: Size) -> Spots {
    let (to_x, to_y) = watermark.style.position.direction();
    let place = |direction: i8, canvas: u32, size: u32, offset: i32| {
        let (room, offset) = (i64::from(canvas) - i64::from(size), i64::from(offset));
        match direction {
            0 => room.div_euclid(2) + offset,
            1 => room - offset,
            _ => offset,
        }
    };
    if !watermark.style.tile {
        return Spots::One {
            x: place(to_x, canvas.width, size.width, watermark.style.offset.0),
            y: place(to_y, canvas.height, size.height, watermark.style.offset.1),
        };
    }
    let step = |size: u32, gap: i32| i64::from(size) + i64::from(gap.max(0));
    let (step_x, step_y) =
        (step(size.width, watermark.style.offset.0), step(size.height, watermark.style.offset.1));
    // One tile is where the layer would be alone; the pattern begins left of it and above.
    let first = |direction, canvas, size, step: i64| {
        place(direction, canvas, size, 0).rem_euclid(step) - step
    };
    Spots::Every {
        x: first(to_x, canvas.width, size.width, step_x),
        y: first(to_y, canvas.height, size.height, step_y),
        step_x,
        step_y,
    }
}

/// Lays one raster onto another, as far as they overlap.
fn lay(onto: &mut Raster, watermark: &Raster, x: i64, y: i64) {
    // What of the watermark's side is inside: where it starts, and where that is in the image.
    let overlap = |at: i64, watermark: u32, canvas: u32| {
        let from = (-at).max(0);
        let to = i64::from(watermark).min(i64::from(canvas) - at);
        (from < to).then(|| (from as usize, (from + at) as usize, (to - from) as usize))
    };
    let (size, canvas) = (watermark.size(), onto.size());
    let Some((from_x, to_x, width)) = overlap(x, size.width, canvas.width) else { return };
    let Some((from_y, to_y, height)) = overlap(y, size.height, canvas.height) else { return };

    let layout = onto.layout();
    let rows = onto.rows_mut().skip(to_y).zip(watermark.rows().skip(from_y)).take(height);
    for (row, watermark) in rows {
        let watermark = watermark.as_chunks::<4>().0.iter().skip(from_x).take(width);
        match layout {
            Layout::Rgb8 => {
                let pixels = row.as_chunks_mut::<3>().0.iter_mut().skip(to_x);
                pixels.zip(watermark).for_each(|(pixel, watermark)| lay_opaque(pixel, watermark));
            }
            Layout::Rgba8 => {
                let pixels = row.as_chunks_mut::<4>().0.iter_mut().skip(to_x);
                pixels.zip(watermark).for_each(|(pixel, watermark)| lay_over(pixel, watermark));
            }
            // Never: `apply` widened it, and inks are converted before.
            Layout::L8 | Layout::La8 | Layout::Cmyk8 => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::watermark::{Position, WatermarkStyle};

    fn watermark(position: Position, offset: (i32, i32), tile: bool) -> Watermark {
        let text = crate::image::watermark::text::tests::text("x");
        Watermark {
            content: WatermarkContent::Text(text),
            style: WatermarkStyle { position, offset, tile, ..WatermarkStyle::default() },
        }
    }

    #[test]
    fn where_it_goes() {
        let (size, canvas) = (Size::new(10, 4), Size::new(101, 50));
        for (position, offset, x, y) in [
            (Position::Center, (0, 0), 45, 23),
            (Position::Center, (3, -2), 48, 21),
            (Position::Northwest, (5, 6), 5, 6),
            (Position::North, (5, 6), 50, 6),
            (Position::Northeast, (5, 6), 86, 6),
            (Position::East, (5, 6), 86, 29),
            (Position::Southeast, (5, 6), 86, 40),
            (Position::South, (0, 0), 45, 46),
            (Position::Southwest, (-5, -6), -5, 52),
            (Position::West, (1, 0), 1, 23),
        ] {
            let spots = spots(&watermark(position, offset, false), size, canvas);
            assert_eq!(spots, Spots::One { x, y }, "{position:?} {offset:?}");
        }
    }

    #[test]
    fn tiles_cover_everything() {
        let (size, canvas) = (Size::new(10, 4), Size::new(101, 50));
        let at = |position, offset| spots(&watermark(position, offset, true), size, canvas);
        assert_eq!(
            at(Position::Northwest, (2, 0)),
            Spots::Every { x: -12, y: -4, step_x: 12, step_y: 4 }
        );
        assert_eq!(
            at(Position::Southeast, (0, -9)),
            Spots::Every { x: 1 - 10, y: 2 - 4, step_x: 10, step_y: 4 }
        );
    }

    #[test]
    fn how_large() {
        let canvas = Size::new(200, 100);
        let factor = |scale, rotate, width, height| {
            let mut watermark = watermark(Position::Center, (0, 0), false);
            watermark.style = WatermarkStyle { scale, rotate, ..watermark.style };
            super::factor(&watermark, width, height, canvas)
        };
        let half = Fraction::parse(b"0.5");
        assert_eq!(factor(None, 0, 50.0, 50.0), 1.0);
        assert_eq!(factor(None, 0, 400.0, 50.0), 0.5);
        assert_eq!(factor(half, 0, 50.0, 10.0), 2.0);
        assert_eq!(factor(half, 0, 50.0, 50.0), 1.0);
        assert_eq!(factor(half, 90, 50.0, 10.0), 1.0);
    }

    #[test]
    fn what_sticks_out_is_cut() {
        let watermark = Raster::from_data(Size::new(2, 2), Layout::Rgba8, vec![255; 16]).unwrap();
        for (x, y, painted) in
            [(-1, -1, 1), (2, 2, 1), (0, 0, 4), (-2, 0, 0), (3, 0, 0), (0, i64::MIN / 2, 0)]
        {
            let mut onto = Raster::new(Size::new(3, 3), Layout::Rgb8).unwrap();
            lay(&mut onto, &watermark, x, y);
            let white = onto.data().iter().filter(|&&byte| byte == 255).count();
            assert_eq!(white, painted * 3, "{x} {y}");
        }
    }
}
