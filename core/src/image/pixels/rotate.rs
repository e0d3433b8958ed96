//! Turns by any angle.

use super::flatten::{widen, with_alpha};
use super::orient;
use crate::image::orientation::Orientation;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::Size;
use crate::image::{Control, Error, Rotation};

/// Hundredths of a degree in a turn.
const TURN: u16 = 36_000;

/// The sine and the cosine of an angle in hundredths of a degree.
fn sin_cos(angle: u16) -> (f64, f64) {
    match angle % TURN {
        0 => (0.0, 1.0),
        9_000 => (1.0, 0.0),
        18_000 => (0.0, -1.0),
        27_000 => (-1.0, 0.0),
        angle => (f64::from(angle) / 100.0).to_radians().sin_cos(),
    }
}

/// The size of the upright box around one that is turned by hundredths of a degree.
pub(in crate::image) fn turned_size(width: f64, height: f64, angle: u16) -> (f64, f64) {
    let (sin, cos) = sin_cos(angle);
    let (sin, cos) = (sin.abs(), cos.abs());
    (width * cos + height * sin, width * sin + height * cos)
}

/// The pixels that an image so turned takes.
pub(in crate::image) fn turned(size: Size, angle: u16) -> Size {
    if angle.is_multiple_of(TURN) {
        return size;
    }
    let (width, height) = turned_size(size.width.into(), size.height.into(), angle);
    let side = |length: f64| (length - 1e-6).ceil().max(1.0) as u32;
    Size::new(side(width), side(height))
}

/// Turns a raster of anything but CMYK counter-clockwise, by hundredths of a degree; where it is
/// no quarter turn, it gets colour and alpha, and what it doesn't cover afterwards is transparent.
pub(in crate::image) fn rotate(
    raster: Raster,
    angle: u16,
    control: &Control,
) -> Result<Raster, Error> {
    let angle = angle % TURN;
    if angle == 0 {
        return Ok(raster);
    }
    if angle.is_multiple_of(9_000)
        && let Some(rotation) = Rotation::from_degrees(angle / 100)
    {
        return orient(raster, Orientation::from(rotation), control);
    }

    let raster = with_alpha(widen(raster, control)?, control)?;
    let (width, height) = (f64::from(raster.size().width), f64::from(raster.size().height));
    let size = turned(raster.size(), angle);
    let (sin, cos) = sin_cos(angle);

    let source = raster.data().as_chunks::<4>().0;
    let at = |x: i64, y: i64| -> [f64; 4] {
        let inside = x >= 0 && y >= 0 && x < width as i64 && y < height as i64;
        let pixel = inside.then(|| source.get((y * width as i64 + x) as usize)).flatten();
        pixel.map_or([0.0; 4], |pixel| {
            let alpha = f64::from(pixel[3]);
            [0, 1, 2, 3].map(|i| if i == 3 { alpha } else { f64::from(pixel[i]) * alpha })
        })
    };

    let mut data = with_room(size.pixels() as usize * 4)?;
    for y in 0..size.height {
        if y % 16 == 0 {
            control.check()?;
        }
        // From the middle of the box to that of the source: y points down, so the turn back is
        // by the angle itself.
        let dy = f64::from(y) + 0.5 - f64::from(size.height) / 2.0;
        for x in 0..size.width {
            let dx = f64::from(x) + 0.5 - f64::from(size.width) / 2.0;
            let from_x = dx * cos - dy * sin + width / 2.0 - 0.5;
            let from_y = dx * sin + dy * cos + height / 2.0 - 0.5;
            let (left, top) = (from_x.floor(), from_y.floor());
            let (u, v) = (from_x - left, from_y - top);
            let (left, top) = (left as i64, top as i64);
            let corners = [
                (at(left, top), (1.0 - u) * (1.0 - v)),
                (at(left + 1, top), u * (1.0 - v)),
                (at(left, top + 1), (1.0 - u) * v),
                (at(left + 1, top + 1), u * v),
            ];
            let sum = [0, 1, 2, 3].map(|i| corners.iter().map(|(c, w)| c[i] * w).sum::<f64>());
            let alpha = sum[3];
            let level = |sum: f64| if alpha > 0.0 { (sum / alpha + 0.5) as u8 } else { 0 };
            data.extend([level(sum[0]), level(sum[1]), level(sum[2]), (alpha + 0.5) as u8]);
        }
    }
    Raster::from_data(size, Layout::Rgba8, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spun(raster: Raster, degrees: u16) -> Raster {
        rotate(raster, degrees * 100, &Control::default()).unwrap()
    }

    /// Red above blue.
    fn flag() -> Raster {
        let data = (0..20 * 20)
            .flat_map(|i| if i < 200 { [255, 0, 0, 255] } else { [0, 0, 255, 255] })
            .collect();
        Raster::from_data(Size::new(20, 20), Layout::Rgba8, data).unwrap()
    }

    fn at(raster: &Raster, x: u32, y: u32) -> [u8; 4] {
        raster.data().as_chunks::<4>().0[(y * raster.size().width + x) as usize]
    }

    #[test]
    fn quarter_turns_are_exact() {
        assert_eq!(spun(flag(), 0).data(), flag().data());
        assert_eq!(spun(flag(), 360).data(), flag().data());
        let left = spun(flag(), 90);
        assert_eq!(at(&left, 0, 10), [255, 0, 0, 255]);
        assert_eq!(at(&left, 19, 10), [0, 0, 255, 255]);
    }

    #[test]
    fn other_angles_go_the_same_way() {
        // By 89 degrees it must look nearly as by 90.
        let near = spun(flag(), 89);
        assert_eq!(at(&near, 3, 10), [255, 0, 0, 255]);
        assert_eq!(at(&near, 17, 10), [0, 0, 255, 255]);

        let eighth = spun(flag(), 45);
        let size = eighth.size();
        assert_eq!((size.width, size.height), (29, 29));
        assert_eq!(at(&eighth, 0, 0)[3], 0);
        assert_eq!(at(&eighth, 28, 28)[3], 0);
        assert_eq!(at(&eighth, 5, 14), [255, 0, 0, 255]);
        assert_eq!(at(&eighth, 14, 5), [255, 0, 0, 255]);
        assert_eq!(at(&eighth, 23, 14), [0, 0, 255, 255]);
    }

    #[test]
    fn edges_keep_their_colour() {
        let spun = spun(flag(), 30);
        for pixel in spun.data().as_chunks::<4>().0.iter().filter(|pixel| pixel[3] > 0) {
            assert!(pixel[1] == 0 && pixel[0].abs_diff(255 - pixel[2]) <= 2, "{pixel:?}");
        }
    }
}
