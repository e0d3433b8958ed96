//! Which part of an image matters.

use super::canonical::Canonical;
use super::values::decimal;

/// One, in the unit that [`Gravity::Point`] counts in.
const WHOLE: u16 = 10_000;

/// Where an image is held when its surroundings are cut or added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// The point that comes to lie as near to the middle as it can, in ten-thousandths
    /// of the width from the left and of the height from the top of the image as it is
    /// displayed. Sides and corners are points too.
    Point {
        /// From the left.
        x: u16,
        /// From the top.
        y: u16,
    },
    /// The part with most in it to look at.
    Smart,
}

impl Canonical for Gravity {
    fn write(&self, out: &mut String) {
        match *self {
            Gravity::Point { x, y } => (x, y).write(out),
            Gravity::Smart => out.push_str("smart"),
        }
    }
}

impl Gravity {
    /// The middle.
    pub const CENTER: Gravity = Gravity::Point { x: WHOLE / 2, y: WHOLE / 2 };

    /// Reads `center`, a point of the compass such as `north` or `southwest`, a focal
    /// point `x:y` of two numbers from 0 to 1, or `smart`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Gravity> {
        const HALF: u16 = WHOLE / 2;
        let (x, y) = match text {
            b"smart" => return Some(Gravity::Smart),
            b"center" => (HALF, HALF),
            b"north" => (HALF, 0),
            b"northeast" => (WHOLE, 0),
            b"east" => (WHOLE, HALF),
            b"southeast" => (WHOLE, WHOLE),
            b"south" => (HALF, WHOLE),
            b"southwest" => (0, WHOLE),
            b"west" => (0, HALF),
            b"northwest" => (0, 0),
            point => {
                let mut parts = point.split(|&byte| byte == b':');
                let point = (part(parts.next()?)?, part(parts.next()?)?);
                if parts.next().is_some() {
                    return None;
                }
                point
            }
        };
        Some(Gravity::Point { x, y })
    }

    /// Where a window of `kept` pixels begins on an axis of `whole` pixels.
    pub(super) fn cut(self, axis: Axis, whole: u32, kept: u32) -> u32 {
        let room = i64::from(whole) - i64::from(kept);
        let unit = i64::from(WHOLE);
        let middle = i64::from(self.on(axis)) * i64::from(whole);
        let start = (2 * middle - unit * i64::from(kept)).div_euclid(2 * unit);
        start.clamp(0, room.max(0)) as u32
    }

    /// Where an image of `size` pixels begins on an axis of `canvas` pixels.
    pub(super) fn place(self, axis: Axis, canvas: u32, size: u32) -> u32 {
        let room = u64::from(canvas.saturating_sub(size));
        (room * u64::from(self.on(axis)) / u64::from(WHOLE)) as u32
    }

    fn on(self, axis: Axis) -> u16 {
        match (self, axis) {
            (Gravity::Point { x, .. }, Axis::X) => x,
            (Gravity::Point { y, .. }, Axis::Y) => y,
            (Gravity::Smart, _) => WHOLE / 2,
        }
    }
}

/// Across or down.
#[derive(Debug, Clone, Copy)]
pub(super) enum Axis {
    X,
    Y,
}

fn part(text: &[u8]) -> Option<u16> {
    u16::try_from(decimal(text, 4)?).ok().filter(|&part| part <= WHOLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: u16, y: u16) -> Option<Gravity> {
        Some(Gravity::Point { x, y })
    }

    #[test]
    fn notations() {
        assert_eq!(Gravity::parse(b"center"), Some(Gravity::CENTER));
        assert_eq!(Gravity::parse(b"north"), point(5000, 0));
        assert_eq!(Gravity::parse(b"southeast"), point(10_000, 10_000));
        assert_eq!(Gravity::parse(b"0.25:1"), point(2500, 10_000));
        assert_eq!(Gravity::parse(b"0:0.3333"), point(0, 3333));
        assert_eq!(Gravity::parse(b"smart"), Some(Gravity::Smart));
        for text in [
            "",
            "middle",
            "North",
            ":",
            "0.5",
            "0.5:",
            ":0.5",
            "1.1:0",
            "-0.1:0",
            "0.5:0.5:0.5",
            "0,5:0",
            "0.12345:0",
            "1e0:0",
            "nan:0",
            "99999999999:0",
            ".5:0",
            "0.:0",
        ] {
            assert_eq!(Gravity::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_point_comes_near_the_middle() {
        let at = |x| Gravity::Point { x, y: 0 };
        for (x, start) in [(0, 0), (1000, 0), (3000, 10), (5000, 30), (7000, 50), (10_000, 60)] {
            assert_eq!(at(x).cut(Axis::X, 100, 40), start, "{x}");
        }
        // The middle is where image_filter cuts: the odd pixel goes from the end.
        assert_eq!(Gravity::CENTER.cut(Axis::X, 100, 51), 24);
        assert_eq!(Gravity::CENTER.cut(Axis::Y, 10, 10), 0);
    }

    #[test]
    fn room_around() {
        assert_eq!(Gravity::CENTER.place(Axis::X, 100, 51), 24);
        assert_eq!(Gravity::Point { x: 10_000, y: 0 }.place(Axis::X, 100, 40), 60);
        assert_eq!(Gravity::Point { x: 10_000, y: 0 }.place(Axis::Y, 100, 40), 0);
        assert_eq!(Gravity::Smart.place(Axis::X, 100, 40), 30);
    }
}
