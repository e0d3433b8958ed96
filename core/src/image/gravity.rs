//! Which part of an image matters.

use super::area::{Area, Length, share_of};
use super::canonical::Canonical;
use super::orientation::Orientation;
use super::size::{Rect, Size};
use super::values::{decimal, whole};

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
    /// A side, a corner or the middle, and how far from there inwards; from the middle, to the right
    /// and down.
    Beside {
        /// From the left, as of a point.
        x: u16,
        /// From the top.
        y: u16,
        /// From the one at the side.
        across: Offset,
        /// From the one at the top or the bottom.
        down: Offset,
    },
    /// As a point, but in pixels of the image as it is displayed, before anything is cut out of it.
    Spot {
        /// From the left.
        x: u32,
        /// From the top.
        y: u32,
    },
    /// The part with most in it to look at.
    Smart,
}

/// A distance, backwards or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// How far.
    pub length: Length,
    /// Whether it is the other way.
    pub backwards: bool,
}

impl Canonical for Offset {
    fn write(&self, out: &mut String) {
        if self.backwards {
            out.push('-');
        }
        self.length.write(out);
    }
}

impl Offset {
    fn parse(text: &[u8]) -> Option<Offset> {
        let (length, backwards) = match text.strip_prefix(b"-") {
            Some(length) => (length, true),
            None => (text, false),
        };
        let length = Length::parse(length)?;
        let is_sane = !matches!(length, Length::Pixels(65_536..));
        is_sane.then_some(Offset { length, backwards })
    }

    /// Its pixels on a side of so many, where there are so many percent of those that are named.
    fn of(self, side: u32, dpr: u16) -> i64 {
        let length = match self.length {
            Length::Pixels(pixels) => (i64::from(pixels) * i64::from(dpr) + 50) / 100,
            Length::Share(share) => share_of(side, share).into(),
        };
        if self.backwards { -length } else { length }
    }
}

impl Canonical for Gravity {
    fn write(&self, out: &mut String) {
        match *self {
            Gravity::Point { x, y } => (x, y).write(out),
            Gravity::Beside { x, y, across, down } => {
                out.push('+');
                ((x, y), (across, down)).write(out);
            }
            Gravity::Spot { x, y } => {
                out.push_str("px");
                (x, y).write(out);
            }
            Gravity::Smart => out.push_str("smart"),
        }
    }
}

impl Gravity {
    /// The middle.
    pub const CENTER: Gravity = Gravity::Point { x: WHOLE / 2, y: WHOLE / 2 };

    /// Reads `center`, a point of the compass such as `north` or `southwest`, either with an
    /// offset behind it as in `north:0:10` or without, a focal point `x:y` of two numbers from
    /// 0 to 1 or of pixels as in `120px:80px`, or `smart`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Gravity> {
        if text == b"smart" {
            return Some(Gravity::Smart);
        }
        if let Some((x, y)) = named(text) {
            return Some(Gravity::Point { x, y });
        }
        let mut parts = text.split(|&byte| byte == b':');
        let (first, second, third) = (parts.next()?, parts.next()?, parts.next());
        if parts.next().is_some() {
            return None;
        }
        let Some(third) = third else {
            let pixels = |text: &[u8]| whole(text.strip_suffix(b"px")?);
            if let (Some(x), Some(y)) = (pixels(first), pixels(second)) {
                return Some(Gravity::Spot { x, y });
            }
            return Some(Gravity::Point { x: part(first)?, y: part(second)? });
        };
        let (x, y) = named(first)?;
        let (across, down) = (Offset::parse(second)?, Offset::parse(third)?);
        Some(Gravity::Beside { x, y, across, down })
    }

    /// Where a window of `kept` pixels begins on an axis of `whole` pixels, at a pixel ratio in
    /// percent.
    pub(super) fn cut(self, axis: Axis, whole: u32, kept: u32, dpr: u16) -> u32 {
        let room = i64::from(whole) - i64::from(kept);
        if let Some(offset) = self.offset(axis, whole, dpr) {
            return (self.start(axis, room) + offset).clamp(0, room.max(0)) as u32;
        }
        let unit = i64::from(WHOLE);
        let middle = i64::from(self.on(axis)) * i64::from(whole);
        let start = (2 * middle - unit * i64::from(kept)).div_euclid(2 * unit);
        start.clamp(0, room.max(0)) as u32
    }

    /// Where an image of `size` pixels begins on an axis of `canvas` pixels, at a pixel ratio in
    /// percent.
    pub(super) fn place(self, axis: Axis, canvas: u32, size: u32, dpr: u16) -> u32 {
        let room = i64::from(canvas.saturating_sub(size));
        let offset = self.offset(axis, canvas, dpr).unwrap_or(0);
        (self.start(axis, room) + offset).clamp(0, room) as u32
    }

    /// Where an area lies in an image of that size that is so far inwards from here.
    pub(super) fn holds(self, area: Area, size: Size) -> Option<Rect> {
        let Area::At { x, y, width, height } = area else { return area.within(size) };
        let span = |axis: Axis, at: Length, len: Length, side: u32| {
            let len = len.of(side).clamp(1, side.max(1));
            let start = i64::from(self.cut(axis, side, len, 100));
            let by = i64::from(at.of(side));
            let by = if self.on(axis) == WHOLE { -by } else { by };
            ((start + by).clamp(0, i64::from(side.saturating_sub(len))) as u32, len)
        };
        let (x, width) = span(Axis::X, x, width, size.width);
        let (y, height) = span(Axis::Y, y, height, size.height);
        Some(Rect { x, y, size: Size::new(width, height) })
    }

    /// This, where pixels are counted in an image of `size`, of which `part` is left, and that is turned
    /// afterwards.
    pub(super) fn located(self, size: Size, part: Rect, turn: Orientation) -> Gravity {
        let Gravity::Spot { x, y } = self else { return self };
        let pixel = |at: u32, side: u32, start: u32, left: u32| {
            at.min(side).saturating_sub(start).min(left.saturating_sub(1))
        };
        let x = pixel(x, size.width, part.x, part.size.width);
        let y = pixel(y, size.height, part.y, part.size.height);
        let found = turn.result_of(Rect { x, y, size: Size::new(1, 1) }, part.size);
        let turned = turn.size(part.size);
        let share = |at: u32, side: u32| {
            let middle = (2 * u64::from(at) + 1) * u64::from(WHOLE);
            u16::try_from(middle / (2 * u64::from(side)).max(1)).unwrap_or(WHOLE).min(WHOLE)
        };
        Gravity::Point { x: share(found.x, turned.width), y: share(found.y, turned.height) }
    }

    /// The pixel of a point on an axis of so many.
    pub(super) fn pixel(self, axis: Axis, side: u32) -> u32 {
        let at = u64::from(side) * u64::from(self.on(axis)) / u64::from(WHOLE);
        u32::try_from(at).unwrap_or(side)
    }

    /// Where it begins in that room but for an offset.
    fn start(self, axis: Axis, room: i64) -> i64 {
        room.max(0) * i64::from(self.on(axis)) / i64::from(WHOLE)
    }

    /// The offset, from the left or the top, if there is one.
    fn offset(self, axis: Axis, side: u32, dpr: u16) -> Option<i64> {
        let Gravity::Beside { across, down, .. } = self else { return None };
        let offset = match axis {
            Axis::X => across,
            Axis::Y => down,
        };
        let offset = offset.of(side, dpr);
        Some(if self.on(axis) == WHOLE { -offset } else { offset })
    }

    fn on(self, axis: Axis) -> u16 {
        match (self, axis) {
            (Gravity::Point { x, .. } | Gravity::Beside { x, .. }, Axis::X) => x,
            (Gravity::Point { y, .. } | Gravity::Beside { y, .. }, Axis::Y) => y,
            (Gravity::Spot { .. } | Gravity::Smart, _) => WHOLE / 2,
        }
    }
}

/// The middle, a side or a corner.
fn named(text: &[u8]) -> Option<(u16, u16)> {
    const HALF: u16 = WHOLE / 2;
    Some(match text {
        b"center" => (HALF, HALF),
        b"north" => (HALF, 0),
        b"northeast" => (WHOLE, 0),
        b"east" => (WHOLE, HALF),
        b"southeast" => (WHOLE, WHOLE),
        b"south" => (HALF, WHOLE),
        b"southwest" => (0, WHOLE),
        b"west" => (0, HALF),
        b"northwest" => (0, 0),
        _ => return None,
    })
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
        assert_eq!(Gravity::parse(b"120px:80px"), Some(Gravity::Spot { x: 120, y: 80 }));
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
            "120px:80",
            "1.5px:2px",
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
            assert_eq!(at(x).cut(Axis::X, 100, 40, 100), start, "{x}");
        }
        // The middle is where image_filter cuts: the odd pixel goes from the end.
        assert_eq!(Gravity::CENTER.cut(Axis::X, 100, 51, 100), 24);
        assert_eq!(Gravity::CENTER.cut(Axis::Y, 10, 10, 100), 0);
    }

    #[test]
    fn offsets_go_inwards() {
        let parse = |text: &str| Gravity::parse(text.as_bytes()).unwrap();
        // A window of 40x50 in 100x200.
        for (text, x, y) in [
            ("northwest:10:20", 10, 20),
            ("southeast:10:20", 50, 130),
            ("north:10:20", 40, 20),
            ("east:10:-20", 50, 55),
            ("center:-5:0", 25, 75),
            ("west:10%:0.1", 10, 95),
            ("west:-10:0", 0, 75),
            ("east:900:900", 0, 150),
        ] {
            let gravity = parse(text);
            let start = (gravity.cut(Axis::X, 100, 40, 100), gravity.cut(Axis::Y, 200, 50, 100));
            assert_eq!(start, (x, y), "{text}");
            // Room around is shared out alike.
            let place =
                (gravity.place(Axis::X, 100, 40, 100), gravity.place(Axis::Y, 200, 50, 100));
            assert_eq!(place, (x, y), "{text}");
        }
        assert_eq!(parse("west:10:0").cut(Axis::X, 100, 40, 250), 25);
        assert_eq!(parse("west:10%:0").cut(Axis::X, 100, 40, 250), 10);
        for text in [
            "north:1",
            "north:1:",
            "north:1:2:3",
            "smart:1:2",
            "0.5:0.5:1",
            "north:65536:0",
            "up:1:2",
            "north:--1:0",
        ] {
            assert_eq!(Gravity::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn areas_are_held() {
        let held = |text: &str, by: &str| {
            let (area, by) = (Area::parse(text.as_bytes()), Gravity::parse(by.as_bytes()));
            let found = by.unwrap().holds(area.unwrap(), Size::new(100, 120)).unwrap();
            (found.x, found.y, found.size.width, found.size.height)
        };
        assert_eq!(held("0,0,40,50", "center"), (30, 35, 40, 50));
        assert_eq!(held("5,10,40,50", "southeast"), (55, 60, 40, 50));
        assert_eq!(held("0,0,40,50", "south:0:10"), (30, 60, 40, 50));
        assert_eq!(held("90,0,400,50%", "east"), (0, 30, 100, 60));
        assert_eq!(held("square", "south"), (0, 10, 100, 100));
    }

    #[test]
    fn pixels_of_what_is_left_and_turned() {
        let spot = Gravity::Spot { x: 30, y: 20 };
        let part = Rect { x: 10, y: 0, size: Size::new(80, 100) };
        let found = |turn| spot.located(Size::new(100, 100), part, turn);
        assert_eq!(found(Orientation::default()), Gravity::Point { x: 2562, y: 2050 });
        // To the left: what was far from the right is now far down.
        let left = Orientation { swap: true, flip_x: true, flip_y: false };
        assert_eq!(found(left), Gravity::Point { x: 2050, y: 7437 });
        // What is cut away is held at its side.
        let away = Gravity::Spot { x: 2, y: 900 };
        let found = away.located(Size::new(100, 100), part, Orientation::default());
        assert_eq!(found, Gravity::Point { x: 62, y: 9950 });
    }

    #[test]
    fn room_around() {
        assert_eq!(Gravity::CENTER.place(Axis::X, 100, 51, 100), 24);
        assert_eq!(Gravity::Point { x: 10_000, y: 0 }.place(Axis::X, 100, 40, 100), 60);
        assert_eq!(Gravity::Point { x: 10_000, y: 0 }.place(Axis::Y, 100, 40, 100), 0);
        assert_eq!(Gravity::Smart.place(Axis::X, 100, 40, 100), 30);
    }
}
