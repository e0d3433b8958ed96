//! Which way up an image lies: mirrored, and in quarter turns.

use super::size::{Rect, Size};
use super::words::Words;

/// A turn in quarter steps, counter-clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// No turn.
    #[default]
    None,
    /// A quarter turn to the left.
    Ccw90,
    /// Half a turn.
    Half,
    /// Three quarter turns to the left.
    Ccw270,
}

impl Rotation {
    /// Returns the rotation by that many degrees counter-clockwise: 90, 180 or 270.
    pub(super) fn from_degrees(degrees: u16) -> Option<Rotation> {
        match degrees {
            90 => Some(Rotation::Ccw90),
            180 => Some(Rotation::Half),
            270 => Some(Rotation::Ccw270),
            _ => None,
        }
    }
}

/// In degrees counter-clockwise.
impl Words for Rotation {
    const WORDS: &'static [(&'static str, Rotation)] =
        &[("90", Rotation::Ccw90), ("180", Rotation::Half), ("270", Rotation::Ccw270)];
}

/// Mirrored sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flip {
    /// Left becomes right.
    pub horizontal: bool,
    /// Top becomes bottom.
    pub vertical: bool,
}

impl Words for Flip {
    const WORDS: &'static [(&'static str, Flip)] = &[
        ("h", Flip { horizontal: true, vertical: false }),
        ("v", Flip { horizontal: false, vertical: true }),
        ("hv", Flip { horizontal: true, vertical: true }),
    ];
}

/// One of the eight ways to lay an image on itself or on its side.
///
/// The pixel at `(x, y)` of the result is the source's at `(y, x)` where `swap`
/// is set, else at `(x, y)`, counted from the far side where flipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orientation {
    pub(super) swap: bool,
    pub(super) flip_x: bool,
    pub(super) flip_y: bool,
}

impl Orientation {
    const fn new(swap: bool, flip_x: bool, flip_y: bool) -> Orientation {
        Orientation { swap, flip_x, flip_y }
    }

    /// What makes an image upright whose EXIF orientation is that value
    /// (Exif 2.32, section 4.6.4, tag 0x0112).
    pub(super) fn upright(orientation: u8) -> Orientation {
        match orientation {
            2 => Orientation::new(false, true, false),
            3 => Orientation::new(false, true, true),
            4 => Orientation::new(false, false, true),
            5 => Orientation::new(true, false, false),
            6 => Orientation::new(true, false, true),
            7 => Orientation::new(true, true, true),
            8 => Orientation::new(true, true, false),
            _ => Orientation::default(),
        }
    }

    pub(super) fn is_none(self) -> bool {
        self == Orientation::default()
    }

    /// This turn, and then `next`.
    pub(super) fn then(self, next: Orientation) -> Orientation {
        let (next_x, next_y) =
            if self.swap { (next.flip_y, next.flip_x) } else { (next.flip_x, next.flip_y) };
        Orientation::new(self.swap != next.swap, self.flip_x != next_x, self.flip_y != next_y)
    }

    /// The size of what an image of `size` becomes.
    pub(super) fn size(self, size: Size) -> Size {
        if self.swap { size.swapped() } else { size }
    }

    /// Where the pixels of a window into the result come from in a source of `size`.
    pub(super) fn source_of(self, window: Rect, size: Size) -> Rect {
        let (x, y) = if self.swap { (window.y, window.x) } else { (window.x, window.y) };
        let kept = self.size(window.size);
        Rect {
            x: if self.flip_x { size.width - kept.width - x } else { x },
            y: if self.flip_y { size.height - kept.height - y } else { y },
            size: kept,
        }
    }
}

impl Orientation {
    /// Where the pixels of a window into a source of `size` come to lie in the result.
    pub(super) fn result_of(self, window: Rect, size: Size) -> Rect {
        let Size { width, height } = window.size;
        let x = if self.flip_x { size.width - width - window.x } else { window.x };
        let y = if self.flip_y { size.height - height - window.y } else { window.y };
        let (x, y) = if self.swap { (y, x) } else { (x, y) };
        Rect { x, y, size: self.size(window.size) }
    }
}

impl From<Rotation> for Orientation {
    fn from(rotation: Rotation) -> Orientation {
        match rotation {
            Rotation::None => Orientation::default(),
            Rotation::Ccw90 => Orientation::new(true, true, false),
            Rotation::Half => Orientation::new(false, true, true),
            Rotation::Ccw270 => Orientation::new(true, false, true),
        }
    }
}

impl From<Flip> for Orientation {
    fn from(flip: Flip) -> Orientation {
        Orientation::new(false, flip.horizontal, flip.vertical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns as matrices on a 2x3 image, pixel by pixel.
    fn apply(turn: Orientation, size: Size, x: u32, y: u32) -> (u32, u32) {
        let (x, y) = if turn.swap { (y, x) } else { (x, y) };
        (
            if turn.flip_x { size.width - 1 - x } else { x },
            if turn.flip_y { size.height - 1 - y } else { y },
        )
    }

    fn turns() -> impl Iterator<Item = Orientation> {
        (1..=8).map(Orientation::upright)
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
    fn there_and_back() {
        let size = Size::new(7, 5);
        let window = Rect { x: 1, y: 3, size: Size::new(4, 2) };
        for turn in turns() {
            assert_eq!(turn.source_of(turn.result_of(window, size), size), window);
            let corner = Rect { x: 0, y: 0, size: Size::new(1, 1) };
            assert_eq!(turn.result_of(turn.source_of(corner, size), size), corner);
        }
    }

    #[test]
    fn a_quarter_turn_to_the_left_four_times_is_none() {
        let left = Orientation::from(Rotation::Ccw90);
        assert_eq!(left.then(left), Rotation::Half.into());
        assert_eq!(left.then(left).then(left), Rotation::Ccw270.into());
        assert!(left.then(left).then(left).then(left).is_none());
        // The top right pixel of the source comes to lie top left.
        assert_eq!(apply(left, Size::new(2, 3), 0, 0), (1, 0));
    }
}
