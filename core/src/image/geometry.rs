//! Sizes, cuts and turns, before any pixel is touched.
//!
//! The arithmetic of [`fit`] is that of nginx's `ngx_http_image_filter_module`
//! (`ngx_http_image_resize`), integer floors in the same order, so that a
//! configuration that moves over gets images of the very same size.

use super::{Bound, Fit, Rotation};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Size {
    pub(super) fn new(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    pub(super) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    fn swapped(self) -> Size {
        Size::new(self.height, self.width)
    }

    fn fits(self, width: Bound, height: Bound) -> bool {
        self.width <= or_endless(width) && self.height <= or_endless(height)
    }
}

/// A part of an image, in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) size: Size,
}

/// One of the eight ways to lay an image on itself or on its side.
///
/// The pixel at `(x, y)` of the result is the source's at `(y, x)` where `swap`
/// is set, else at `(x, y)`, counted from the far side where flipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Turn {
    pub(super) swap: bool,
    pub(super) flip_x: bool,
    pub(super) flip_y: bool,
}

impl Turn {
    const fn new(swap: bool, flip_x: bool, flip_y: bool) -> Turn {
        Turn { swap, flip_x, flip_y }
    }

    /// What makes an image upright whose EXIF orientation is that value
    /// (Exif 2.32, section 4.6.4, tag 0x0112).
    pub(super) fn upright(orientation: u8) -> Turn {
        match orientation {
            2 => Turn::new(false, true, false),
            3 => Turn::new(false, true, true),
            4 => Turn::new(false, false, true),
            5 => Turn::new(true, false, false),
            6 => Turn::new(true, false, true),
            7 => Turn::new(true, true, true),
            8 => Turn::new(true, true, false),
            _ => Turn::default(),
        }
    }

    pub(super) fn is_none(self) -> bool {
        self == Turn::default()
    }

    /// This turn, and then `next`.
    pub(super) fn then(self, next: Turn) -> Turn {
        let (next_x, next_y) =
            if self.swap { (next.flip_y, next.flip_x) } else { (next.flip_x, next.flip_y) };
        Turn::new(self.swap != next.swap, self.flip_x != next_x, self.flip_y != next_y)
    }

    /// The size of what an image of `size` becomes.
    pub(super) fn size(self, size: Size) -> Size {
        if self.swap { size.swapped() } else { size }
    }

    /// Where the pixels of a window into the result come from in a source of `size`.
    fn source_of(self, window: Window, size: Size) -> Window {
        let (x, y) = if self.swap { (window.y, window.x) } else { (window.x, window.y) };
        let kept = self.size(window.size);
        Window {
            x: if self.flip_x { size.width - kept.width - x } else { x },
            y: if self.flip_y { size.height - kept.height - y } else { y },
            size: kept,
        }
    }
}

impl From<Rotation> for Turn {
    fn from(rotation: Rotation) -> Turn {
        match rotation {
            Rotation::None => Turn::default(),
            Rotation::Ccw90 => Turn::new(true, true, false),
            Rotation::Half => Turn::new(false, true, true),
            Rotation::Ccw270 => Turn::new(true, false, true),
        }
    }
}

/// What happens to a stored image: scaled to `scaled`, cut to `window`, turned
/// by `turn`. The result has the size `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) scaled: Size,
    pub(super) window: Window,
    pub(super) turn: Turn,
    pub(super) output: Size,
}

impl Geometry {
    /// The geometry for a stored image of `stored` pixels that is first made
    /// upright, then fitted, then rotated.
    pub(super) fn new(stored: Size, upright: Turn, fit: Fit, rotate: Rotation) -> Geometry {
        let displayed = upright.size(stored);
        let scaled = scale(displayed, fit);
        let turn = upright.then(rotate.into());
        let turned = Turn::from(rotate).size(scaled);
        let cut = cut(turned, fit);

        let scaled = upright.size(scaled);
        Geometry { scaled, window: turn.source_of(cut, scaled), turn, output: cut.size }
    }

    /// Whether the image stays just as it is stored.
    pub(super) fn is_identity(&self, stored: Size) -> bool {
        self.turn.is_none() && self.scaled == stored && self.window.size == stored
    }
}

/// The size that the whole of an image is scaled to.
fn scale(size: Size, fit: Fit) -> Size {
    match fit {
        Fit::None => size,
        Fit::Resize { width, height } => to_height(to_width(size, width), height),
        Fit::Crop { width, height } => {
            let ratio = f64::from(size.width) / f64::from(size.height);
            if ratio < or_endless_f64(width) / or_endless_f64(height) {
                to_width(size, width)
            } else {
                to_height(size, height)
            }
        }
    }
}

/// What is kept of an image that is already scaled and rotated.
fn cut(size: Size, fit: Fit) -> Window {
    let kept = match fit {
        Fit::Crop { width, height } if !size.fits(width, height) => {
            Size::new(size.width.min(or_endless(width)), size.height.min(or_endless(height)))
        }
        _ => size,
    };
    Window { x: (size.width - kept.width) / 2, y: (size.height - kept.height) / 2, size: kept }
}

fn to_width(size: Size, max: Bound) -> Size {
    match max {
        Some(max) if size.width > max.get() => {
            let height = u64::from(size.height) * u64::from(max.get()) / u64::from(size.width);
            Size::new(max.get(), (height as u32).max(1))
        }
        _ => size,
    }
}

fn to_height(size: Size, max: Bound) -> Size {
    to_width(size.swapped(), max).swapped()
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
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    const NONE: Turn = Turn::new(false, false, false);

    fn resize(width: u32, height: u32) -> Fit {
        Fit::Resize { width: NonZeroU32::new(width), height: NonZeroU32::new(height) }
    }

    fn crop(width: u32, height: u32) -> Fit {
        Fit::Crop { width: NonZeroU32::new(width), height: NonZeroU32::new(height) }
    }

    fn geometry(fit: Fit, rotate: Rotation) -> Geometry {
        Geometry::new(Size::new(100, 120), NONE, fit, rotate)
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
        assert_eq!(made.window, Window { x: 15, y: 0, size: Size::new(33, 77) });

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
        assert_eq!(made.window, Window { x: 0, y: 0, size: Size::new(5, 5) });
    }

    #[test]
    fn bounds_are_of_the_displayed_image() {
        let lying = Turn::upright(6);
        let made = Geometry::new(Size::new(120, 100), lying, resize(50, 0), Rotation::None);
        assert_eq!(made.output, Size::new(50, 60));
        assert_eq!(made.scaled, Size::new(60, 50));
        assert_eq!(made.turn, lying);
    }

    #[test]
    fn extreme_ratios_keep_a_pixel() {
        let thin = Size::new(1, 65535);
        let made = Geometry::new(thin, NONE, resize(0, 10), Rotation::None);
        assert_eq!(made.output, Size::new(1, 10));
        let made = Geometry::new(thin, NONE, crop(10, 10), Rotation::None);
        assert_eq!(made.output, Size::new(1, 10));
    }

    /// The turns as matrices on a 2x3 image, pixel by pixel.
    fn apply(turn: Turn, size: Size, x: u32, y: u32) -> (u32, u32) {
        let (x, y) = if turn.swap { (y, x) } else { (x, y) };
        (
            if turn.flip_x { size.width - 1 - x } else { x },
            if turn.flip_y { size.height - 1 - y } else { y },
        )
    }

    fn turns() -> impl Iterator<Item = Turn> {
        (1..=8).map(Turn::upright)
    }

    #[test]
    fn turns_compose() {
        let size = Size::new(2, 3);
        for first in turns() {
            for second in turns() {
                let middle = first.size(size);
                let last = second.size(middle);
                let both = first.then(second);
                assert_eq!(both.size(size), last);
                for y in 0..last.height {
                    for x in 0..last.width {
                        let (mx, my) = apply(second, middle, x, y);
                        assert_eq!(apply(both, size, x, y), apply(first, size, mx, my));
                    }
                }
            }
        }
    }

    #[test]
    fn a_quarter_turn_to_the_left_four_times_is_none() {
        let left = Turn::from(Rotation::Ccw90);
        assert_eq!(left.then(left), Rotation::Half.into());
        assert_eq!(left.then(left).then(left), Rotation::Ccw270.into());
        assert!(left.then(left).then(left).then(left).is_none());
        // The top right pixel of the source comes to lie top left.
        assert_eq!(apply(left, Size::new(2, 3), 0, 0), (1, 0));
    }

    fn any_fit() -> impl Strategy<Value = Fit> {
        let bound = || (0u32..200).prop_map(NonZeroU32::new);
        (bound(), bound(), 0..3).prop_map(|(width, height, kind)| match kind {
            0 => Fit::None,
            1 => Fit::Resize { width, height },
            _ => Fit::Crop { width, height },
        })
    }

    fn any_rotation() -> impl Strategy<Value = Rotation> {
        prop_oneof![
            Just(Rotation::None),
            Just(Rotation::Ccw90),
            Just(Rotation::Half),
            Just(Rotation::Ccw270)
        ]
    }

    proptest! {
        #[test]
        fn never_enlarges_never_vanishes_stays_inside(
            width in 1u32..70_000, height in 1u32..70_000,
            orientation in 1u8..=8, fit in any_fit(), rotate in any_rotation(),
        ) {
            let stored = Size::new(width, height);
            let made = Geometry::new(stored, Turn::upright(orientation), fit, rotate);
            prop_assert!(made.output.width > 0 && made.output.height > 0);
            prop_assert!(made.scaled.width <= width && made.scaled.height <= height);
            prop_assert_eq!(made.turn.size(made.window.size), made.output);
            prop_assert!(made.window.x + made.window.size.width <= made.scaled.width);
            prop_assert!(made.window.y + made.window.size.height <= made.scaled.height);
            match fit {
                Fit::None => prop_assert_eq!(made.scaled, stored),
                Fit::Resize { width, height } => {
                    prop_assert!(Turn::from(rotate).size(made.output).fits(width, height));
                }
                Fit::Crop { width, height } => prop_assert!(made.output.fits(width, height)),
            }
        }

        #[test]
        fn a_larger_box_never_makes_a_smaller_image(
            width in 1u32..5000, height in 1u32..5000, bound in 1u32..300, more in 0u32..300,
        ) {
            let stored = Size::new(width, height);
            let make = |w| Geometry::new(stored, NONE, resize(w, 0), Rotation::None).output;
            let (small, large) = (make(bound), make(bound + more));
            prop_assert!(small.width <= large.width && small.height <= large.height);
        }

        #[test]
        fn the_ratio_survives_within_a_pixel(
            width in 1u32..5000, height in 1u32..5000, bound in 1u32..300,
        ) {
            let made = Geometry::new(Size::new(width, height), NONE, resize(bound, 0), Rotation::None);
            let exact = f64::from(made.output.width) * f64::from(height) / f64::from(width);
            prop_assert!((f64::from(made.output.height) - exact).abs() <= 1.0);
        }
    }
}
