//! Lengths and rectangles in an image, and how they are written.

use std::num::NonZeroU32;

use super::canonical::Canonical;
use super::fraction::share;
use super::size::{Rect, Size};
use super::values::{decimal, whole};

/// Millionths, in which shares count.
const WHOLE: u32 = 1_000_000;

/// A number of pixels, or a share of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Pixels.
    Pixels(u32),
    /// Millionths of the side.
    Share(u32),
}

impl Canonical for Length {
    fn write(&self, out: &mut String) {
        match self {
            Length::Pixels(pixels) => pixels.write(out),
            Length::Share(share) => {
                share.write(out);
                out.push_str("ppm");
            }
        }
    }
}

impl Length {
    /// Nothing.
    pub const ZERO: Length = Length::Pixels(0);

    /// Reads pixels, as in `120`, or a share from 0 to 1, as in `0.25` or `25%`, rounded to
    /// millionths.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Length> {
        let is_whole = !text.iter().any(|byte| b".%".contains(byte));
        if is_whole {
            return whole(text).map(Length::Pixels);
        }
        let share = share(text).filter(|&share| share <= 1.0)?;
        Some(Length::Share((share * f64::from(WHOLE)).round() as u32))
    }

    /// Returns its pixels on a side of so many, to the nearest one.
    pub(super) fn of(self, side: u32) -> u32 {
        match self {
            Length::Pixels(pixels) => pixels,
            Length::Share(share) => share_of(side, share),
        }
    }
}

/// So many millionths of a side, to the nearest pixel.
pub(super) fn share_of(side: u32, share: u32) -> u32 {
    let parts = u64::from(side) * u64::from(share) + u64::from(WHOLE) / 2;
    u32::try_from(parts / u64::from(WHOLE)).unwrap_or(u32::MAX)
}

/// Widths at the four sides of an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sides {
    /// On top.
    pub top: u16,
    /// On the right.
    pub right: u16,
    /// At the bottom.
    pub bottom: u16,
    /// On the left.
    pub left: u16,
}

impl Canonical for Sides {
    fn write(&self, out: &mut String) {
        ((self.top, self.right), (self.bottom, self.left)).write(out);
    }
}

impl Sides {
    /// Reads `top,right,bottom,left`, also with colons, or one number for all four: pixels up to
    /// 65535.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Sides> {
        let side = |text: &[u8]| whole(text).and_then(|pixels| u16::try_from(pixels).ok());
        let [top, right, bottom, left] = match side(text) {
            Some(all) => [all; 4],
            None => four(text, side)?,
        };
        Some(Sides { top, right, bottom, left })
    }

    /// What there is within them of an image of that size, if anything is.
    pub(super) fn within(self, size: Size) -> Option<Rect> {
        let left = |side: u32, first: u16, last: u16| {
            side.checked_sub(u32::from(first) + u32::from(last)).filter(|&left| left > 0)
        };
        let size = Size::new(
            left(size.width, self.left, self.right)?,
            left(size.height, self.top, self.bottom)?,
        );
        Some(Rect { x: self.left.into(), y: self.top.into(), size })
    }
}

/// Proportions of width to height, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// The width's part.
    pub width: NonZeroU32,
    /// The height's part.
    pub height: NonZeroU32,
}

impl Canonical for Ratio {
    fn write(&self, out: &mut String) {
        (self.width, self.height).write(out);
    }
}

impl Ratio {
    /// Reads `16:9` or `1.85:1`: numbers from 0.001 to 65535 with three places at most, of which the
    /// second is 1 unless it is given.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Ratio> {
        let part = |text| {
            let part = decimal(text, 3).filter(|&part| part <= 65_535_000)?;
            NonZeroU32::new(part)
        };
        let (width, height) = match text.iter().position(|&byte| byte == b':') {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?),
            None => (text, &b"1"[..]),
        };
        Some(Ratio { width: part(width)?, height: part(height)? })
    }
}

/// A rectangle in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// The largest square in its middle.
    Square,
    /// One that lies somewhere.
    At {
        /// From the left edge.
        x: Length,
        /// From the top.
        y: Length,
        /// How wide it is.
        width: Length,
        /// How high it is.
        height: Length,
    },
}

impl Canonical for Area {
    fn write(&self, out: &mut String) {
        match *self {
            Area::Square => out.push_str("square"),
            Area::At { x, y, width, height } => ((x, y), (width, height)).write(out),
        }
    }
}

impl Area {
    /// Reads `square`, or `x,y,width,height`, also with colons: four [lengths](Length), of which
    /// the last two are more than 0.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Area> {
        if text == b"square" {
            return Some(Area::Square);
        }
        let [x, y, width, height] = four(text, Length::parse)?;
        let is_none = |length| matches!(length, Length::Pixels(0) | Length::Share(0));
        let area = Area::At { x, y, width, height };
        (!is_none(width) && !is_none(height)).then_some(area)
    }

    /// Returns what of it is in an image of that size, if anything is.
    pub(super) fn within(self, size: Size) -> Option<Rect> {
        let span = |at: Length, len: Length, side: u32| {
            let at = match at {
                // Of few pixels, the nearest one may be beside them.
                Length::Share(share) if share < WHOLE => at.of(side).min(side.saturating_sub(1)),
                _ => at.of(side),
            };
            let room = side.checked_sub(at).filter(|&room| room > 0)?;
            Some((at, len.of(side).clamp(1, room)))
        };
        let (x, y, width, height) = match self {
            Area::Square => {
                let side = size.width.min(size.height);
                let (x, y) = ((size.width - side) / 2, (size.height - side) / 2);
                return Some(Rect { x, y, size: Size::new(side, side) });
            }
            Area::At { x, y, width, height } => (x, y, width, height),
        };
        let (x, width) = span(x, width, size.width)?;
        let (y, height) = span(y, height, size.height)?;
        Some(Rect { x, y, size: Size::new(width, height) })
    }
}

/// Reads four values with commas or colons between them.
pub(super) fn four<T>(text: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Option<[T; 4]> {
    let separator = *text.iter().find(|byte| b",:".contains(byte))?;
    let mut parts = text.split(|&byte| byte == separator);
    let mut next = || read(parts.next()?);
    let four = [next()?, next()?, next()?, next()?];
    parts.next().is_none().then_some(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (text, length) in [
            ("0", Length::Pixels(0)),
            ("120", Length::Pixels(120)),
            ("1", Length::Pixels(1)),
            ("1.0", Length::Share(1_000_000)),
            ("0.25", Length::Share(250_000)),
            ("25%", Length::Share(250_000)),
            ("33.3333333333%", Length::Share(333_333)),
            ("100%", Length::Share(1_000_000)),
        ] {
            assert_eq!(Length::parse(text.as_bytes()), Some(length), "{text}");
        }
        for text in ["", "%", ".", "1.5", "101%", "-1", "+1", "1e1", "nan%", "1 ", "4294967296"] {
            assert_eq!(Length::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Length::Share(333_333).of(300), 100);
        assert_eq!(Length::Share(500_000).of(5), 3);
        assert_eq!(Length::Share(1_000_000).of(u32::MAX), u32::MAX);
        assert_eq!(Length::Pixels(9).of(3), 9);
    }

    #[test]
    fn sides() {
        let all = |top, right, bottom, left| Some(Sides { top, right, bottom, left });
        assert_eq!(Sides::parse(b"1,2,3,4"), all(1, 2, 3, 4));
        assert_eq!(Sides::parse(b"1:2:3:4"), all(1, 2, 3, 4));
        assert_eq!(Sides::parse(b"7"), all(7, 7, 7, 7));
        for text in ["", "1,2", "1,2,3", "1,2,3,-4", "65536", "1,2,3,4,5", "1%"] {
            assert_eq!(Sides::parse(text.as_bytes()), None, "{text}");
        }
        let within = |text: &[u8]| Sides::parse(text).unwrap().within(Size::new(10, 20));
        assert_eq!(within(b"1,2,3,4"), Some(Rect { x: 4, y: 1, size: Size::new(4, 16) }));
        assert_eq!((within(b"0,5,0,5"), within(b"9,0,65535,0")), (None, None));
    }

    #[test]
    fn shares_of_few_pixels_have_one() {
        let within = |text: &[u8], size| Area::parse(text).unwrap().within(size);
        for (text, size, expected) in [
            ("50%,50%,50%,50%", Size::new(1, 1), (0, 0, 1, 1)),
            ("99.9%,0,1%,1%", Size::new(16_384, 1), (16_368, 0, 16, 1)),
            ("0.9,0.9,0.1,0.1", Size::new(3, 4), (2, 3, 1, 1)),
        ] {
            let (x, y, width, height) = expected;
            let expected = Rect { x, y, size: Size::new(width, height) };
            assert_eq!(within(text.as_bytes(), size), Some(expected), "{text}");
        }
        for text in ["100%,0,1,1", "1.0,0,1%,1%", "1,0,1,1"] {
            assert_eq!(within(text.as_bytes(), Size::new(1, 1)), None, "{text}");
        }
    }

    #[test]
    fn ratios() {
        let parse = |text: &str| {
            Ratio::parse(text.as_bytes()).map(|ratio| (ratio.width.get(), ratio.height.get()))
        };
        assert_eq!(parse("16:9"), Some((16_000, 9000)));
        assert_eq!(parse("1.85:1"), Some((1850, 1000)));
        assert_eq!(parse("1.5"), Some((1500, 1000)));
        for text in ["", ":", "1:", ":1", "0:1", "1:0", "1:2:3", "-1:1", "1/1", "65536:1", "1.0001"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn areas() {
        let within = |text: &str, width, height| {
            let area = Area::parse(text.as_bytes()).unwrap();
            let found = area.within(Size::new(width, height))?;
            Some((found.x, found.y, found.size.width, found.size.height))
        };
        assert_eq!(within("10,20,30,40", 100, 120), Some((10, 20, 30, 40)));
        assert_eq!(within("10:20:30:40", 100, 120), Some((10, 20, 30, 40)));
        assert_eq!(within("50%,0.5,0.25,25%", 100, 120), Some((50, 60, 25, 30)));
        assert_eq!(within("90,0,30,500", 100, 120), Some((90, 0, 10, 120)));
        assert_eq!(within("0,0,4294967295,1", 100, 120), Some((0, 0, 100, 1)));
        assert_eq!(within("0,0,0.1%,0.1%", 100, 120), Some((0, 0, 1, 1)));
        assert_eq!(within("square", 100, 121), Some((0, 10, 100, 100)));
        assert_eq!(within("square", 100, 7), Some((46, 0, 7, 7)));
        assert_eq!(within("100,0,1,1", 100, 120), None);
        assert_eq!(within("0,100%,1,1", 100, 120), None);
        for text in
            ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "1,2,3,0%", "1:2,3:4", "a,b,c,d", "1,,3,4"]
        {
            assert_eq!(Area::parse(text.as_bytes()), None, "{text}");
        }
    }
}
