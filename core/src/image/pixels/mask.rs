//! Shapes that images show in.

use std::f64::consts::{FRAC_PI_2, TAU};

use super::flatten::with_alpha;
use crate::image::raster::{Raster, with_room};
use crate::image::size::{Rect, Size};
use crate::image::{Control, Error, Mask};

/// Has what is outside of a shape be transparent; its edge is smooth.
pub(in crate::image) fn mask(
    raster: Raster,
    mask: Mask,
    control: &Control,
) -> Result<Raster, Error> {
    let Size { width, height } = raster.size();
    let (half_width, half_height) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    let radius = half_width.min(half_height);
    match outline(mask) {
        Outline::None => Ok(raster),
        Outline::Circle => oval(raster, radius, radius, control),
        Outline::Ellipse => oval(raster, half_width, half_height, control),
        Outline::Polygon(corners) => polygon(raster, &corners, control),
    }
}

/// The box around a shape that is as large as it can be in an image of that size.
pub(in crate::image) fn within_shape(mask: Mask, size: Size) -> Rect {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let (across, down) = match outline(mask) {
        Outline::None | Outline::Ellipse => (width, height),
        Outline::Circle => (width.min(height), width.min(height)),
        Outline::Polygon(corners) => {
            let ((_, across), (_, down)) = extent(&corners);
            let scale = (width / across).min(height / down);
            (across * scale, down * scale)
        }
    };
    let side = |length: f64, side: u32| (length.round() as u32).clamp(1, side.max(1));
    let inner = Size::new(side(across, size.width), side(down, size.height));
    let start = |whole: u32, kept: u32| whole.saturating_sub(kept) / 2;
    let (x, y) = (start(size.width, inner.width), start(size.height, inner.height));
    Rect { x, y, size: inner }
}

/// What a shape is bounded by.
enum Outline {
    None,
    Circle,
    Ellipse,
    Polygon(Vec<Point>),
}

fn outline(mask: Mask) -> Outline {
    match mask {
        Mask::Off => Outline::None,
        Mask::Circle => Outline::Circle,
        Mask::Ellipse => Outline::Ellipse,
        Mask::Triangle => Outline::Polygon(star(3, 1.0, UP)),
        Mask::Triangle180 => Outline::Polygon(star(3, 1.0, DOWN)),
        Mask::Pentagon => Outline::Polygon(star(5, 1.0, UP)),
        Mask::Pentagon180 => Outline::Polygon(star(5, 1.0, DOWN)),
        Mask::Hexagon => Outline::Polygon(star(6, 1.0, UP)),
        Mask::Square => Outline::Polygon(star(4, 1.0, UP)),
        Mask::Star => Outline::Polygon(star(10, PENTAGRAM, UP)),
        Mask::Heart => Outline::Polygon(heart()),
    }
}

/// Where a shape points to, in radians from the right, clockwise.
const UP: f64 = -FRAC_PI_2;
const DOWN: f64 = FRAC_PI_2;

/// How far the inner corners of a pentagram are from its middle, of the outer ones: 1 less the golden ratio's
/// inverse.
const PENTAGRAM: f64 = 0.381_966;

/// Sides of a polygon that looks like a curve.
const SIDES_OF_CURVE: u32 = 256;

/// A place on the picture, or on an outline.
#[derive(Debug, Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
}

/// A regular polygon around 0, of whose corners every other one is `inner` of 1 from there.
fn star(corners: u32, inner: f64, towards: f64) -> Vec<Point> {
    (0..corners)
        .map(|corner| {
            let radius = if corner % 2 == 1 { inner } else { 1.0 };
            let angle = towards + TAU * f64::from(corner) / f64::from(corners);
            Point { x: radius * angle.cos(), y: radius * angle.sin() }
        })
        .collect()
}

/// The curve that <https://mathworld.wolfram.com/HeartCurve.html> has as the last one by sines.
fn heart() -> Vec<Point> {
    (0..SIDES_OF_CURVE)
        .map(|side| {
            let t = TAU * f64::from(side) / f64::from(SIDES_OF_CURVE);
            let up =
                13.0 * t.cos() - 5.0 * (2.0 * t).cos() - 2.0 * (3.0 * t).cos() - (4.0 * t).cos();
            Point { x: 16.0 * t.sin().powi(3), y: -up }
        })
        .collect()
}

/// Shows what is inside of a polygon, which is made as large as it fits, in the middle.
fn polygon(raster: Raster, corners: &[Point], control: &Control) -> Result<Raster, Error> {
    let Size { width, height } = raster.size();
    let corners = fitted(corners, f64::from(width), f64::from(height));
    let mut steps = with_room(width as usize + 2)?;
    steps.resize(width as usize + 2, 0.0);
    masked(raster, control, |y, pixels| {
        steps.fill(0.0);
        cover(&corners, f64::from(y), &mut steps);
        let mut covered = 0.0;
        for (alpha, step) in pixels.zip(&steps) {
            covered += step;
            fade(alpha, covered.abs());
        }
    })
}

/// A polygon scaled and moved, so that it is as large as fits, and its box is in the middle.
fn fitted(corners: &[Point], width: f64, height: f64) -> Vec<Point> {
    let ((x, across), (y, down)) = extent(corners);
    let scale = (width / across).min(height / down);
    let place =
        |at: f64, middle: f64, side: f64| ((at - middle) * scale + side / 2.0).clamp(0.0, side);
    corners
        .iter()
        .map(|point| Point { x: place(point.x, x, width), y: place(point.y, y, height) })
        .collect()
}

/// The middle of the box around a polygon, and how long it is: across, and down.
fn extent(corners: &[Point]) -> ((f64, f64), (f64, f64)) {
    let range = |side: fn(&Point) -> f64| {
        let least = corners.iter().map(side).fold(f64::INFINITY, f64::min);
        let most = corners.iter().map(side).fold(f64::NEG_INFINITY, f64::max);
        ((least + most) / 2.0, most - least)
    };
    (range(|point| point.x), range(|point| point.y))
}

/// How much of the pixels of the row from `top` on is inside of a polygon whose sides do not cross: `steps` become
/// how much each pixel is more inside than the one before, by a sign that goes by the polygon's direction.
///
/// A side that leans takes of a pixel the integral of what it has passed by there, and all of those right of it.
fn cover(corners: &[Point], top: f64, steps: &mut [f64]) {
    for (from, to) in corners.iter().zip(corners.iter().cycle().skip(1)) {
        let (upper, lower, sign) = if from.y < to.y { (from, to, 1.0) } else { (to, from, -1.0) };
        let (start, end) = (upper.y.max(top), lower.y.min(top + 1.0));
        if start >= end {
            continue;
        }
        let x = |y: f64| upper.x + (lower.x - upper.x) * (y - upper.y) / (lower.y - upper.y);
        let (left, right) = (x(start).min(x(end)), x(start).max(x(end)));
        // The integral of what the side has passed by, from the left to that place.
        let passed = |at: f64| match at - left {
            within if within <= 0.0 => 0.0,
            within if at < right => within * within / (2.0 * (right - left)),
            _ => at - (left + right) / 2.0,
        };
        let height = sign * (end - start);
        let mut before = 0.0;
        for column in left as usize..=right as usize {
            let at = column as f64;
            let covered = passed(at + 1.0) - passed(at);
            add(steps, column, height * (covered - before));
            before = covered;
        }
        add(steps, right as usize + 1, height * (1.0 - before));
    }
}

fn add(steps: &mut [f64], column: usize, step: f64) {
    if let Some(sum) = steps.get_mut(column) {
        *sum += step;
    }
}

/// Shows what is inside of an ellipse with those half axes.
fn oval(raster: Raster, across: f64, down: f64, control: &Control) -> Result<Raster, Error> {
    let Size { width, height } = raster.size();
    let (half_width, half_height) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    masked(raster, control, |y, pixels| {
        let y = f64::from(y) + 0.5 - half_height;
        for (x, alpha) in (0u32..).zip(pixels) {
            let x = f64::from(x) + 0.5 - half_width;
            fade(alpha, (0.5 + inwards(x, y, across, down)).clamp(0.0, 1.0));
        }
    })
}

/// Gives the alpha of each row's pixels to what fades it.
fn masked(
    raster: Raster,
    control: &Control,
    mut row_of: impl FnMut(u32, Alphas<'_>),
) -> Result<Raster, Error> {
    let mut raster = with_alpha(raster, control)?;
    let channels = raster.layout().channels();
    for (y, row) in (0u32..).zip(raster.rows_mut()) {
        control.check()?;
        row_of(y, row.get_mut(channels - 1..).unwrap_or_default().iter_mut().step_by(channels));
    }
    Ok(raster)
}

type Alphas<'a> = std::iter::StepBy<std::slice::IterMut<'a, u8>>;

fn fade(alpha: &mut u8, covered: f64) {
    *alpha = (f64::from(*alpha) * covered + 0.5) as u8;
}

/// How far a point is inside of an ellipse with those half axes, nearly: the equation's value by how
/// steep it is there.
fn inwards(x: f64, y: f64, across: f64, down: f64) -> f64 {
    let (u, v) = (x / across, y / down);
    let distance = u.hypot(v);
    let steep = (u / across).hypot(v / down);
    if steep == 0.0 { across.min(down) } else { (1.0 - distance) * distance / steep }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::raster::Layout;
    use crate::image::words::Words as _;

    /// The opacity of what was opaque.
    fn alphas(width: u32, height: u32, shape: Mask) -> Vec<u8> {
        let size = Size::new(width, height);
        let raster = Raster::from_data(size, Layout::L8, vec![9; size.pixels() as usize]).unwrap();
        let masked = mask(raster, shape, &Control::default()).unwrap();
        assert_eq!(masked.layout(), Layout::La8);
        masked.data().chunks(2).map(|pixel| pixel[1]).collect()
    }

    #[test]
    fn shapes_have_their_areas() {
        for (width, height, shape, area) in [
            (200, 100, Mask::Circle, 50.0 * 50.0),
            (200, 100, Mask::Ellipse, 100.0 * 50.0),
            (51, 301, Mask::Ellipse, 25.5 * 150.5),
            (30, 30, Mask::Circle, 15.0 * 15.0),
        ] {
            let alphas = alphas(width, height, shape);
            let sum: f64 = alphas.iter().map(|&alpha| f64::from(alpha) / 255.0).sum();
            let area = area * std::f64::consts::PI;
            assert!((sum - area).abs() < area / 200.0, "{width}x{height} {shape:?}: {sum} {area}");
            let at = |x: u32, y: u32| alphas[(y * width + x) as usize];
            assert_eq!((at(0, 0), at(width - 1, height - 1)), (0, 0));
            assert_eq!(at(width / 2, height / 2), 255);
        }
        // The circle lies in the middle.
        let alphas = alphas(200, 100, Mask::Circle);
        assert_eq!([alphas[50 * 200 + 48], alphas[50 * 200 + 52]], [0, 255]);
    }

    /// By the formula of their areas; the box of each touches two sides, and lies in the middle.
    #[test]
    fn polygons_have_their_areas() {
        // The area, the width and the height of what is one from its middle to its corners.
        let regular = |corners: f64| corners / 2.0 * (TAU / corners).sin();
        let degrees = |angle: f64| angle.to_radians();
        let (triangle, pentagon) =
            ((3f64.sqrt(), 1.5), (2.0 * degrees(72.0).sin(), 1.0 + degrees(36.0).cos()));
        let pentagram = 10.0 / 2.0 * PENTAGRAM * degrees(36.0).sin();
        for (shape, area, (across, down)) in [
            (Mask::Triangle, regular(3.0), triangle),
            (Mask::Triangle180, regular(3.0), triangle),
            (Mask::Pentagon, regular(5.0), pentagon),
            (Mask::Pentagon180, regular(5.0), pentagon),
            (Mask::Hexagon, regular(6.0), (3f64.sqrt(), 2.0)),
            (Mask::Square, regular(4.0), (2.0, 2.0)),
            (Mask::Star, pentagram, pentagon),
            // Of its curve: 180 pi, by the integral; its box is that of 100,000 points of it.
            (Mask::Heart, 180.0 * std::f64::consts::PI, (32.0, 28.9233)),
        ] {
            for (width, height) in [(200, 100), (90, 301), (64, 64)] {
                let alphas = alphas(width, height, shape);
                let sum: f64 = alphas.iter().map(|&alpha| f64::from(alpha) / 255.0).sum();
                let scale = (f64::from(width) / across).min(f64::from(height) / down);
                let area = area * scale * scale;
                assert!(
                    (sum - area).abs() < area / 100.0,
                    "{width}x{height} {shape:?}: {sum} {area}"
                );
                let rows: Vec<_> = alphas.chunks(width as usize).collect();
                for row in &rows {
                    assert!(
                        row.iter().zip(row.iter().rev()).all(|(&a, &b)| a.abs_diff(b) < 3),
                        "{shape:?}"
                    );
                }
                let is_seen = |row: &&[u8]| row.iter().any(|&alpha| alpha > 0);
                let (above, below) = (
                    rows.iter().take_while(|row| !is_seen(row)).count(),
                    rows.iter().rev().take_while(|row| !is_seen(row)).count(),
                );
                assert!(above.abs_diff(below) < 3, "{width}x{height} {shape:?}: {above} {below}");
                let is_wide = rows.iter().any(|row| row.first() > Some(&0));
                assert!(is_wide || above == 0 && below == 0, "{width}x{height} {shape:?}");
            }
        }
    }

    #[test]
    fn polygons_point_where_they_should() {
        let widest = |shape: Mask| {
            let alphas = alphas(100, 100, shape);
            let seen = |row: &[u8]| row.iter().filter(|&&alpha| alpha > 127).count();
            (0..100).max_by_key(|&y| seen(&alphas[y * 100..][..100])).unwrap()
        };
        assert!(widest(Mask::Triangle) > 80 && widest(Mask::Triangle180) < 20);
        assert!((30..50).contains(&widest(Mask::Pentagon)));
        assert!((50..70).contains(&widest(Mask::Pentagon180)));
        assert!((20..40).contains(&widest(Mask::Heart)));
        // Between two points of a star, and in the notch of a heart, nothing is seen.
        assert_eq!(alphas(100, 100, Mask::Star)[97 * 100 + 50], 0);
        assert_eq!(alphas(100, 100, Mask::Heart)[8 * 100 + 50], 0);
        assert_eq!(alphas(100, 100, Mask::Heart)[60 * 100 + 50], 255);
    }

    #[test]
    fn small_ones_and_none() {
        assert_eq!(alphas(1, 1, Mask::Circle).len(), 1);
        assert!(alphas(2, 1, Mask::Ellipse)[0] > 0);
        for &(_, shape) in Mask::WORDS.iter().skip(1) {
            assert!(alphas(1, 1, shape)[0] > 0, "{shape:?}");
            assert!(alphas(1, 90, shape).iter().any(|&alpha| alpha > 0), "{shape:?}");
        }
        let raster = Raster::from_data(Size::new(1, 1), Layout::L8, vec![9]).unwrap();
        let same = mask(raster, Mask::Off, &Control::default()).unwrap();
        assert_eq!(same.layout(), Layout::L8);
    }
}
