//! Sizes, cuts and turns, before any pixel is touched.
//!
//! The arithmetic is that of nginx's `ngx_http_image_filter_module`
//! (`ngx_http_image_resize`), integer floors in the same order, so that a
//! configuration that moves over gets images of the very same size.

use std::num::NonZeroU32;

use super::gravity::Axis;
use super::orientation::Orientation;
use super::size::{Rect, Size};
use super::{Bound, Fit, Plan, Rounding};

/// What happens to a stored image: scaled to `scaled`, cut to `window`, turned
/// by `orient`, and laid at `place` on a canvas of the size `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) scaled: Size,
    pub(super) window: Rect,
    pub(super) orientation: Orientation,
    pub(super) place: (u32, u32),
    pub(super) output: Size,
}

impl Geometry {
    /// The geometry for a stored image of `stored` pixels that is first made
    /// upright, then fitted, mirrored and rotated as planned.
    pub(super) fn new(stored: Size, upright: Orientation, plan: &Plan) -> Geometry {
        let rotation = Orientation::from(plan.rotate);
        let displayed = upright.size(stored);
        let fit = magnify(plan.fit, plan.dpr);
        let scaled = scale(displayed, fit, plan, rotation);
        let orientation = upright.then(plan.flip.into()).then(rotation);
        let cut = cut(rotation.size(scaled), fit, plan);
        let output = canvas(cut.size, fit);
        let place = (
            plan.gravity.place(Axis::X, output.width, cut.size.width),
            plan.gravity.place(Axis::Y, output.height, cut.size.height),
        );
        let scaled = upright.size(scaled);
        Geometry { scaled, window: orientation.source_of(cut, scaled), orientation, place, output }
    }

    /// What no side of an output goes beyond, whatever part of an image of `stored`
    /// pixels is left to be fitted; a free side that is enlarged may.
    pub(super) fn largest_output(stored: Size, plan: &Plan) -> Size {
        let longest = stored.width.max(stored.height);
        let side = |bound: Bound| bound.map_or(longest, u32::from);
        match magnify(plan.fit, plan.dpr) {
            Fit::None => Size::new(longest, stored.width.min(stored.height)),
            Fit::Outside { .. } if !plan.enlarge => {
                Size::new(longest, stored.width.min(stored.height))
            }
            Fit::Resize { width, height } if !plan.reduce => {
                Size::new(side(width).max(longest), side(height).max(longest))
            }
            Fit::Resize { width, height }
            | Fit::Crop { width, height }
            | Fit::AspectCrop { width, height }
                if !plan.enlarge =>
            {
                Size::new(or_endless(width).min(longest), or_endless(height).min(longest))
            }
            Fit::Outside { width, height } => {
                Size::new(side(width).max(longest), side(height).max(longest))
            }
            Fit::Resize { width, height }
            | Fit::Crop { width, height }
            | Fit::AspectCrop { width, height }
            | Fit::Pad { width, height }
            | Fit::Stretch { width, height } => Size::new(side(width), side(height)),
        }
    }

    /// Whether the image stays just as it is stored.
    pub(super) fn is_identity(&self, stored: Size) -> bool {
        self.orientation.is_none()
            && self.scaled == stored
            && self.window.size == stored
            && self.output == stored
    }

    /// The size of the image without what is padded around it.
    #[cfg(test)]
    pub(super) fn inner(&self) -> Size {
        self.orientation.size(self.window.size)
    }
}

/// The box with its sides multiplied by a percentage.
fn magnify(fit: Fit, percent: u16) -> Fit {
    let side = |bound: Bound| {
        bound.map(|pixels| {
            let pixels = (u64::from(pixels.get()) * u64::from(percent) + 50) / 100;
            NonZeroU32::new(u32::try_from(pixels).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
        })
    };
    let mut fit = fit;
    if let Some((width, height)) = fit.sides_mut() {
        (*width, *height) = (side(*width), side(*height));
    }
    fit
}

/// The size that the whole of an image is scaled to.
fn scale(size: Size, fit: Fit, plan: &Plan, rotation: Orientation) -> Size {
    match fit {
        Fit::None => size,
        Fit::Resize { width, height } => match plan.round {
            Rounding::Down => {
                let reduced =
                    if plan.reduce { to_height(to_width(size, width), height) } else { size };
                if plan.enlarge { grow_into(reduced, width, height) } else { reduced }
            }
            Rounding::Nearest => touching(size, (width, height), Side::Inside, plan),
        },
        Fit::Crop { width, height }
        | Fit::Outside { width, height }
        | Fit::AspectCrop { width, height } => match plan.round {
            Rounding::Down => {
                let ratio = f64::from(size.width) / f64::from(size.height);
                let scaled = if ratio < or_endless_f64(width) / or_endless_f64(height) {
                    to_width(size, width)
                } else {
                    to_height(size, height)
                };
                if plan.enlarge { grow_over(scaled, width, height) } else { scaled }
            }
            Rounding::Nearest => touching(size, (width, height), Side::Outside, plan),
        },
        Fit::Pad { width, height } => {
            let (width, height) = if rotation.swap { (height, width) } else { (width, height) };
            scale(size, Fit::Resize { width, height }, plan, Orientation::default())
        }
        Fit::Stretch { width, height } => {
            let turned = rotation.size(size);
            let side = |bound: Bound, own: u32| bound.map_or(own, u32::from);
            rotation.size(Size::new(side(width, turned.width), side(height, turned.height)))
        }
    }
}

/// What is kept of an image that is already scaled and rotated.
fn cut(size: Size, fit: Fit, plan: &Plan) -> Rect {
    let kept = match fit {
        Fit::Crop { width, height } if !fits(size, width, height) => {
            Size::new(size.width.min(or_endless(width)), size.height.min(or_endless(height)))
        }
        Fit::AspectCrop { width, height } => match (width, height) {
            (Some(width), Some(height)) => {
                proportioned(size, Size::new(width.get(), height.get()), plan.round)
            }
            _ => cut(size, Fit::Crop { width, height }, plan).size,
        },
        _ => size,
    };
    Rect {
        x: plan.gravity.cut(Axis::X, size.width, kept.width),
        y: plan.gravity.cut(Axis::Y, size.height, kept.height),
        size: kept,
    }
}

/// As much of an image as there is in a box, or where it does not fill that, in its proportions.
fn proportioned(size: Size, wanted: Size, round: Rounding) -> Size {
    if wanted.width <= size.width && wanted.height <= size.height {
        return wanted;
    }
    let by_width = of_width(wanted, size.width, round);
    if by_width.height <= size.height {
        return by_width;
    }
    let by_height = of_width(wanted.swapped(), size.height, round).swapped();
    Size::new(by_height.width.min(size.width), by_height.height)
}

/// The size of the output around an image that is scaled, cut and rotated.
fn canvas(size: Size, fit: Fit) -> Size {
    match fit {
        Fit::Pad { width, height } => Size::new(
            width.map_or(size.width, u32::from).max(size.width),
            height.map_or(size.height, u32::from).max(size.height),
        ),
        _ => size,
    }
}

fn to_width(size: Size, max: Bound) -> Size {
    match max {
        Some(max) if size.width > max.get() => of_width(size, max.get(), Rounding::Down),
        _ => size,
    }
}

fn to_height(size: Size, max: Bound) -> Size {
    to_width(size.swapped(), max).swapped()
}

/// Enlarges what is smaller than the box until it touches it from the inside.
fn grow_into(size: Size, width: Bound, height: Bound) -> Size {
    let down = Rounding::Down;
    let by_width = width.map(|width| of_width(size, width.get(), down));
    let by_height = height.map(|height| of_width(size.swapped(), height.get(), down).swapped());
    [by_width, by_height]
        .into_iter()
        .flatten()
        .find(|grown| {
            fits(*grown, width, height) && grown.width >= size.width && grown.height >= size.height
        })
        .unwrap_or(size)
}

/// Enlarges what is smaller than the box until it covers it.
fn grow_over(size: Size, width: Bound, height: Bound) -> Size {
    let at_least = |size: Size, min: Bound| match min {
        Some(min) if size.width < min.get() => of_width(size, min.get(), Rounding::Down),
        _ => size,
    };
    at_least(at_least(size, width).swapped(), height).swapped()
}

/// From where a box is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Inside,
    Outside,
}

/// The size, by one division from that of the source, at which an image touches a box; its own
/// where that would enlarge or reduce it, and that is not to be.
fn touching(size: Size, (width, height): (Bound, Bound), from: Side, plan: &Plan) -> Size {
    let by_width = |width: NonZeroU32| of_width(size, width.get(), plan.round);
    let by_height =
        |height: NonZeroU32| of_width(size.swapped(), height.get(), plan.round).swapped();
    let touching = match (width, height) {
        (None, None) => return size,
        (Some(width), None) => by_width(width),
        (None, Some(height)) => by_height(height),
        (Some(width), Some(height)) => {
            let is_wider = u64::from(width.get()) * u64::from(size.height)
                > u64::from(height.get()) * u64::from(size.width);
            if is_wider == (from == Side::Outside) { by_width(width) } else { by_height(height) }
        }
    };
    let grows = touching.width > size.width || touching.height > size.height;
    let shrinks = touching.width < size.width || touching.height < size.height;
    // A side that is not limited does not reduce what covers the other one.
    let reduces = match from {
        Side::Inside => plan.reduce,
        Side::Outside => width.is_some() && height.is_some(),
    };
    if (grows && !plan.enlarge) || (shrinks && !reduces) { size } else { touching }
}

/// The size of that width and the same proportions.
fn of_width(size: Size, width: u32, round: Rounding) -> Size {
    let half = match round {
        Rounding::Down => 0,
        Rounding::Nearest => u64::from(size.width) / 2,
    };
    let height = (u64::from(size.height) * u64::from(width) + half) / u64::from(size.width);
    Size::new(width, u32::try_from(height).unwrap_or(u32::MAX).max(1))
}

fn fits(size: Size, width: Bound, height: Bound) -> bool {
    size.width <= or_endless(width) && size.height <= or_endless(height)
}

fn or_endless(bound: Bound) -> u32 {
    bound.map_or(u32::MAX, u32::from)
}

/// nginx has `-` as the largest `ngx_uint_t`, which takes part in the ratio.
fn or_endless_f64(bound: Bound) -> f64 {
    bound.map_or(u64::MAX as f64, |bound| f64::from(bound.get()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::{Flip, Gravity, Rotation};

    const NONE: Orientation = Orientation { swap: false, flip_x: false, flip_y: false };

    fn resize(width: u32, height: u32) -> Fit {
        Fit::Resize { width: NonZeroU32::new(width), height: NonZeroU32::new(height) }
    }

    fn crop(width: u32, height: u32) -> Fit {
        Fit::Crop { width: NonZeroU32::new(width), height: NonZeroU32::new(height) }
    }

    fn plan(fit: Fit, rotate: Rotation) -> Plan {
        Plan { fit, rotate, ..Plan::default() }
    }

    fn geometry(fit: Fit, rotate: Rotation) -> Geometry {
        Geometry::new(Size::new(100, 120), NONE, &plan(fit, rotate))
    }

    fn output(fit: Fit, rotate: Rotation) -> (u32, u32) {
        let size = geometry(fit, rotate).output;
        (size.width, size.height)
    }

    /// The 100x120 image of nginx's own tests; 0 stands for `-`.
    #[test]
    fn resize_as_image_filter() {
        for (width, height, expected) in [
            (10, 0, (10, 12)),
            (0, 10, (8, 10)),
            (10, 10, (8, 10)),
            (10, 20, (10, 12)),
            (33, 77, (33, 39)),
            (1, 1, (1, 1)),
            (1, 0, (1, 1)),
            (0, 1, (1, 1)),
            (100, 120, (100, 120)),
            (200, 200, (100, 120)),
            (99, 0, (99, 118)),
            (0, 119, (99, 119)),
            (0, 0, (100, 120)),
        ] {
            assert_eq!(output(resize(width, height), Rotation::None), expected, "{width} {height}");
        }
    }

    #[test]
    fn crop_as_image_filter() {
        for (width, height, expected) in [
            (33, 77, (33, 77)),
            (200, 50, (100, 50)),
            (50, 200, (50, 120)),
            (50, 0, (50, 120)),
            (0, 50, (100, 50)),
            (100, 61, (100, 61)),
            (51, 0, (51, 120)),
            (10, 10, (10, 10)),
            (200, 200, (100, 120)),
            (1, 1, (1, 1)),
            (0, 0, (100, 120)),
        ] {
            assert_eq!(output(crop(width, height), Rotation::None), expected, "{width} {height}");
        }
    }

    #[test]
    fn crop_scales_before_it_cuts() {
        let made = geometry(crop(33, 77), Rotation::None);
        assert_eq!(made.scaled, Size::new(64, 77));
        assert_eq!(made.window, Rect { x: 15, y: 0, size: Size::new(33, 77) });

        let made = geometry(crop(100, 61), Rotation::None);
        assert_eq!(made.scaled, Size::new(100, 120));
        assert_eq!((made.window.x, made.window.y), (0, 29));

        let made = geometry(crop(51, 0), Rotation::None);
        assert_eq!((made.window.x, made.window.y), (24, 0));
    }

    #[test]
    fn rotations_as_image_filter() {
        use Rotation::{Ccw90, Ccw270, Half};
        for (fit, rotate, expected) in [
            (Fit::None, Ccw90, (120, 100)),
            (Fit::None, Half, (100, 120)),
            (Fit::None, Ccw270, (120, 100)),
            (resize(5, 6), Ccw90, (6, 5)),
            (resize(5, 6), Half, (5, 6)),
            (resize(5, 6), Ccw270, (6, 5)),
            (resize(100, 0), Ccw90, (120, 100)),
            (crop(5, 6), Ccw90, (5, 5)),
            (crop(5, 6), Half, (5, 6)),
            (crop(5, 6), Ccw270, (5, 5)),
            (crop(10, 10), Ccw90, (10, 10)),
        ] {
            assert_eq!(output(fit, rotate), expected, "{fit:?} {rotate:?}");
        }
        // 5x6 turned left is 6x5; the odd column that is cut off is the last
        // one of the result, so the last row of the source (its right side
        // turns up).
        let made = geometry(crop(5, 6), Ccw90);
        assert_eq!(made.scaled, Size::new(5, 6));
        assert_eq!(made.window, Rect { x: 0, y: 0, size: Size::new(5, 5) });
    }

    #[test]
    fn bounds_are_of_the_displayed_image() {
        let lying = Orientation::upright(6);
        let made = Geometry::new(Size::new(120, 100), lying, &plan(resize(50, 0), Rotation::None));
        assert_eq!(made.output, Size::new(50, 60));
        assert_eq!(made.scaled, Size::new(60, 50));
        assert_eq!(made.orientation, lying);
    }

    #[test]
    fn extreme_ratios_keep_a_pixel() {
        let thin = Size::new(1, 65535);
        let made = Geometry::new(thin, NONE, &plan(resize(0, 10), Rotation::None));
        assert_eq!(made.output, Size::new(1, 10));
        let made = Geometry::new(thin, NONE, &plan(crop(10, 10), Rotation::None));
        assert_eq!(made.output, Size::new(1, 10));
    }

    fn of(fit: Fit, more: Plan, size: (u32, u32)) -> Geometry {
        Geometry::new(Size::new(size.0, size.1), NONE, &Plan { fit, ..more })
    }

    fn sized(geometry: &Geometry) -> (u32, u32) {
        (geometry.output.width, geometry.output.height)
    }

    fn bounds(width: u32, height: u32) -> (Bound, Bound) {
        (NonZeroU32::new(width), NonZeroU32::new(height))
    }

    fn pad(width: u32, height: u32) -> Fit {
        let (width, height) = bounds(width, height);
        Fit::Pad { width, height }
    }

    fn outside(width: u32, height: u32) -> Fit {
        let (width, height) = bounds(width, height);
        Fit::Outside { width, height }
    }

    fn aspect(width: u32, height: u32) -> Fit {
        let (width, height) = bounds(width, height);
        Fit::AspectCrop { width, height }
    }

    fn stretch(width: u32, height: u32) -> Fit {
        let (width, height) = bounds(width, height);
        Fit::Stretch { width, height }
    }

    #[test]
    fn enlarging() {
        let enlarge = Plan { enlarge: true, ..Plan::default() };
        for (fit, size, expected) in [
            (resize(200, 200), (100, 120), (166, 200)),
            (resize(200, 0), (100, 120), (200, 240)),
            (resize(0, 240), (100, 120), (200, 240)),
            (resize(0, 0), (100, 120), (100, 120)),
            (resize(100, 500), (100, 120), (100, 120)),
            // What is too large is reduced all the same.
            (resize(50, 500), (100, 120), (50, 60)),
            (resize(10, 20), (100, 120), (10, 12)),
            (crop(200, 200), (100, 120), (200, 200)),
            (crop(200, 50), (100, 120), (200, 50)),
            (crop(200, 0), (100, 120), (200, 240)),
            // A side that is not limited does not reduce the image, as ever.
            (crop(50, 0), (100, 120), (50, 120)),
            (crop(33, 77), (100, 120), (33, 77)),
            (resize(u32::MAX, 0), (1, 65535), (u32::MAX, u32::MAX)),
        ] {
            assert_eq!(sized(&of(fit, enlarge.clone(), size)), expected, "{fit:?}");
        }
        let made = of(crop(200, 200), enlarge, (100, 120));
        assert_eq!(made.scaled, Size::new(200, 240));
        assert_eq!((made.window.x, made.window.y), (0, 20));
    }

    /// What sharp, imgproxy and Pillow make of pictures: one division, to the nearest pixel.
    #[test]
    fn nearest() {
        let plain = Plan { round: Rounding::Nearest, ..Plan::default() };
        let enlarge = Plan { enlarge: true, ..plain.clone() };
        for (fit, size, expected, larger) in [
            (resize(250, 0), (1200, 800), (250, 167), (250, 167)),
            (resize(0, 333), (1200, 800), (500, 333), (500, 333)),
            (resize(250, 166), (1200, 800), (249, 166), (249, 166)),
            // Floors in sequence would make of it 99x59.
            (resize(100, 60), (1000, 595), (100, 60), (100, 60)),
            (resize(3, 3), (2, 1), (2, 1), (3, 2)),
            (resize(1, 1), (1, 65535), (1, 1), (1, 1)),
            (resize(0, 0), (7, 9), (7, 9), (7, 9)),
            (crop(250, 0), (1200, 800), (250, 800), (250, 800)),
            (crop(0, 900), (1200, 800), (1200, 800), (1350, 900)),
            (crop(250, 150), (1200, 800), (250, 150), (250, 150)),
            (crop(2000, 150), (1200, 800), (1200, 150), (2000, 150)),
            (outside(250, 150), (1200, 800), (250, 167), (250, 167)),
            (outside(250, 200), (1200, 800), (300, 200), (300, 200)),
            (outside(1500, 200), (1200, 800), (1200, 800), (1500, 1000)),
            (pad(250, 200), (1200, 800), (250, 200), (250, 200)),
        ] {
            assert_eq!(sized(&of(fit, plain.clone(), size)), expected, "{fit:?}");
            assert_eq!(sized(&of(fit, enlarge.clone(), size)), larger, "{fit:?} larger");
        }
        assert_eq!(of(crop(250, 150), plain.clone(), (1200, 800)).scaled, Size::new(250, 167));
        assert_eq!(of(pad(250, 200), plain, (1200, 800)).inner(), Size::new(250, 167));
    }

    /// The sizes of imgproxy's `fill-down`, of an image of 200x100.
    #[test]
    fn cropping_to_proportions() {
        let nearest = Plan { round: Rounding::Nearest, ..Plan::default() };
        for (width, height, expected) in [
            (50, 50, (50, 50)),
            (50, 20, (50, 20)),
            (300, 300, (100, 100)),
            (300, 125, (200, 83)),
            (250, 300, (83, 100)),
            (400, 200, (200, 100)),
            (300, 50, (200, 33)),
            (100, 300, (33, 100)),
            (0, 50, (200, 50)),
        ] {
            for plan in [nearest.clone(), Plan::default()] {
                let made = of(aspect(width, height), plan, (200, 100));
                assert_eq!(sized(&made), expected, "{width} {height}");
            }
        }
        assert_eq!(sized(&of(aspect(300, 110), nearest.clone(), (200, 100))), (200, 73));
        assert_eq!(sized(&of(aspect(300, 100), Plan::default(), (200, 100))), (200, 66));
        assert_eq!(sized(&of(aspect(300, 100), nearest.clone(), (200, 100))), (200, 67));
        let enlarged = Plan { enlarge: true, ..nearest };
        assert_eq!(sized(&of(aspect(300, 100), enlarged, (200, 100))), (300, 100));
    }

    #[test]
    fn covering_without_a_cut_and_enlarging_alone() {
        for (plan, expected) in [
            (Plan::default(), (33, 39)),
            (Plan { round: Rounding::Nearest, ..Plan::default() }, (33, 40)),
        ] {
            assert_eq!(sized(&of(outside(33, 10), plan, (100, 120))), expected);
        }
        let up = Plan { reduce: false, enlarge: true, ..Plan::default() };
        for round in [Rounding::Down, Rounding::Nearest] {
            let up = Plan { round, ..up.clone() };
            assert_eq!(sized(&of(resize(50, 50), up.clone(), (100, 120))), (100, 120));
            assert_eq!(sized(&of(resize(200, 0), up.clone(), (100, 120))), (200, 240));
            assert_eq!(sized(&of(resize(200, 50), up, (100, 120))), (100, 120));
        }
    }

    #[test]
    fn padding() {
        for (fit, more, expected, inner, place) in [
            (pad(200, 200), Plan::default(), (200, 200), (100, 120), (50, 40)),
            (pad(50, 50), Plan::default(), (50, 50), (41, 50), (4, 0)),
            (pad(50, 0), Plan::default(), (50, 60), (50, 60), (0, 0)),
            (pad(0, 0), Plan::default(), (100, 120), (100, 120), (0, 0)),
            (
                pad(300, 300),
                Plan { enlarge: true, ..Plan::default() },
                (300, 300),
                (250, 300),
                (25, 0),
            ),
            (
                pad(200, 200),
                Plan { gravity: Gravity::parse(b"southeast").unwrap(), ..Plan::default() },
                (200, 200),
                (100, 120),
                (100, 80),
            ),
            // The box is that of the turned image.
            (
                pad(60, 50),
                Plan { rotate: Rotation::Ccw90, ..Plan::default() },
                (60, 50),
                (60, 50),
                (0, 0),
            ),
        ] {
            let made = of(fit, more, (100, 120));
            assert_eq!(sized(&made), expected, "{fit:?}");
            assert_eq!(made.inner(), Size::new(inner.0, inner.1), "{fit:?}");
            assert_eq!(made.place, place, "{fit:?}");
        }
    }

    #[test]
    fn stretching() {
        let turned = Plan { rotate: Rotation::Ccw270, ..Plan::default() };
        assert_eq!(sized(&of(stretch(7, 900), Plan::default(), (100, 120))), (7, 900));
        assert_eq!(sized(&of(stretch(7, 0), Plan::default(), (100, 120))), (7, 120));
        let made = of(stretch(70, 30), turned.clone(), (100, 120));
        assert_eq!((sized(&made), made.scaled), ((70, 30), Size::new(30, 70)));
        assert_eq!(sized(&of(stretch(70, 0), turned, (100, 120))), (70, 100));
    }

    #[test]
    fn pixel_ratio() {
        let twice = Plan { dpr: 200, ..Plan::default() };
        assert_eq!(sized(&of(resize(20, 0), twice.clone(), (100, 120))), (40, 48));
        assert_eq!(sized(&of(crop(20, 20), twice.clone(), (100, 120))), (40, 40));
        assert_eq!(sized(&of(stretch(20, 15), twice.clone(), (100, 120))), (40, 30));
        assert_eq!(sized(&of(pad(200, 20), twice.clone(), (100, 120))), (400, 40));
        assert_eq!(sized(&of(Fit::None, twice.clone(), (100, 120))), (100, 120));
        let made = of(resize(33, 0), Plan { dpr: 150, ..Plan::default() }, (100, 120));
        assert_eq!(sized(&made), (50, 60));
        assert_eq!(sized(&of(stretch(u32::MAX, 1), twice, (1, 1))), (u32::MAX, 2));
    }

    #[test]
    fn gravity_is_that_of_the_result() {
        let east = |rotate, flip| {
            let gravity = Gravity::parse(b"east").unwrap();
            let plan = Plan { gravity, rotate, flip, ..Plan::default() };
            let made = of(crop(20, 120), plan, (100, 120));
            (made.window.x, made.window.y)
        };
        assert_eq!(east(Rotation::None, Flip::default()), (80, 0));
        let mirrored = Flip { horizontal: true, vertical: false };
        assert_eq!(east(Rotation::None, mirrored), (0, 0));
        assert_eq!(east(Rotation::Half, Flip::default()), (0, 0));
        // The bottom of the source comes to lie on the right side.
        assert_eq!(east(Rotation::Ccw90, Flip::default()).1, 100);
    }

    fn any_plan() -> impl Strategy<Value = Plan> {
        let bound = || (0u32..200).prop_map(NonZeroU32::new);
        let fit = (bound(), bound(), 0..7).prop_map(|(width, height, kind)| match kind {
            0 => Fit::None,
            1 => Fit::Resize { width, height },
            2 => Fit::Crop { width, height },
            3 => Fit::Pad { width, height },
            4 => Fit::Outside { width, height },
            5 => Fit::AspectCrop { width, height },
            _ => Fit::Stretch { width, height },
        });
        let round = prop_oneof![Just(Rounding::Down), Just(Rounding::Nearest)];
        let fit = (fit, round);
        let rotate = prop_oneof![
            Just(Rotation::None),
            Just(Rotation::Ccw90),
            Just(Rotation::Half),
            Just(Rotation::Ccw270)
        ];
        let gravity = prop_oneof![
            Just(Gravity::CENTER),
            Just(Gravity::Smart),
            (0u16..=10_000, 0u16..=10_000).prop_map(|(x, y)| Gravity::Point { x, y })
        ];
        (fit, rotate, gravity, any::<bool>(), any::<bool>(), any::<bool>(), 100u16..=400).prop_map(
            |((fit, round), rotate, gravity, enlarge, horizontal, vertical, dpr)| Plan {
                fit,
                round,
                rotate,
                gravity,
                enlarge,
                flip: Flip { horizontal, vertical },
                dpr,
                ..Plan::default()
            },
        )
    }

    proptest! {
        #[test]
        fn never_vanishes_stays_inside(
            width in 1u32..70_000, height in 1u32..70_000,
            orientation in 1u8..=8, plan in any_plan(),
        ) {
            let stored = Size::new(width, height);
            let made = Geometry::new(stored, Orientation::upright(orientation), &plan);
            let (inner, output) = (made.inner(), made.output);
            prop_assert!(inner.width > 0 && inner.height > 0);
            prop_assert!(made.window.x + made.window.size.width <= made.scaled.width);
            prop_assert!(made.window.y + made.window.size.height <= made.scaled.height);
            prop_assert!(made.place.0 + inner.width <= output.width);
            prop_assert!(made.place.1 + inner.height <= output.height);
            if !plan.enlarge && !matches!(plan.fit, Fit::Stretch { .. }) {
                prop_assert!(made.scaled.width <= width && made.scaled.height <= height);
            }
            match magnify(plan.fit, plan.dpr) {
                Fit::None => prop_assert_eq!(made.scaled, stored),
                Fit::Resize { width, height } => {
                    prop_assert!(fits(Orientation::from(plan.rotate).size(output), width, height));
                }
                Fit::Crop { width, height } | Fit::AspectCrop { width, height } => {
                    prop_assert!(fits(output, width, height));
                }
                Fit::Outside { width, height } => {
                    let is_covered = |bound: Bound, side: u32, own: u32| {
                        bound.is_none_or(|bound| {
                            let bound = bound.get();
                            side >= if plan.enlarge { bound } else { bound.min(own) }
                        })
                    };
                    let scaled = Orientation::upright(orientation).size(made.scaled);
                    let own = Orientation::upright(orientation).size(stored);
                    prop_assert!(is_covered(width, scaled.width, own.width));
                    prop_assert!(is_covered(height, scaled.height, own.height));
                }
                Fit::Pad { width, height } | Fit::Stretch { width, height } => {
                    prop_assert!(width.is_none_or(|width| output.width == width.get()));
                    prop_assert!(height.is_none_or(|height| output.height == height.get()));
                }
            }
        }

        #[test]
        fn a_larger_box_never_makes_a_smaller_image(
            width in 1u32..5000, height in 1u32..5000, bound in 1u32..300, more in 0u32..300,
        ) {
            let stored = Size::new(width, height);
            let make = |w| Geometry::new(stored, NONE, &plan(resize(w, 0), Rotation::None)).output;
            let (small, large) = (make(bound), make(bound + more));
            prop_assert!(small.width <= large.width && small.height <= large.height);
        }

        #[test]
        fn the_ratio_survives_within_a_pixel(
            width in 1u32..5000, height in 1u32..5000, bound in 1u32..300,
        ) {
            let made = of(resize(bound, 0), Plan::default(), (width, height));
            let exact = f64::from(made.output.width) * f64::from(height) / f64::from(width);
            prop_assert!((f64::from(made.output.height) - exact).abs() <= 1.0);
        }
    }
}
