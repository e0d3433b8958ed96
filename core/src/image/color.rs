//! Colours, and how they are written.

use std::fmt::Write as _;

use super::canonical::Canonical;
use super::pixels::divide_by_255;

/// An opaque colour, 8 bits a channel, sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Canonical for Color {
    fn write(&self, out: &mut String) {
        let Color { r, g, b } = self;
        let _ = write!(out, "{r:02x}{g:02x}{b:02x}");
    }
}

impl Color {
    /// Opaque white.
    pub const WHITE: Color = Color { r: 255, g: 255, b: 255 };
    /// Black.
    pub const BLACK: Color = Color { r: 0, g: 0, b: 0 };

    /// Reads a colour in CSS notation: `#rgb` and `#rrggbb` (also without `#`),
    /// `rgb(r, g, b)`, or a CSS colour name. `None` for anything else, and for
    /// colours that are not opaque.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Color> {
        Color::parse_with_alpha(text).and_then(|(color, alpha)| (alpha == 255).then_some(color))
    }

    /// Reads a colour in CSS notation, `transparent` too, and how opaque it is.
    #[must_use]
    pub fn parse_with_alpha(text: &[u8]) -> Option<(Color, u8)> {
        let text = std::str::from_utf8(text).ok()?;
        let [r, g, b, alpha] = csscolorparser::parse(text).ok()?.to_rgba8();
        Some((Color { r, g, b }, alpha))
    }

    /// Returns what it looks like on another one where it is that opaque.
    pub(super) fn over(self, alpha: u8, below: Color) -> Color {
        let mix = |above: u8, below: u8| {
            let (above, below, alpha) = (u32::from(above), u32::from(below), u32::from(alpha));
            divide_by_255(above * alpha + below * (255 - alpha))
        };
        Color { r: mix(self.r, below.r), g: mix(self.g, below.g), b: mix(self.b, below.b) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn color(r: u8, g: u8, b: u8) -> Option<Color> {
        Some(Color { r, g, b })
    }

    #[test]
    fn notations() {
        assert_eq!(Color::parse(b"#f80"), color(255, 136, 0));
        assert_eq!(Color::parse(b"f80"), color(255, 136, 0));
        assert_eq!(Color::parse(b"#1e90FF"), color(30, 144, 255));
        assert_eq!(Color::parse(b"1e90ff"), color(30, 144, 255));
        assert_eq!(Color::parse(b"rgb(1, 2,3)"), color(1, 2, 3));
        assert_eq!(Color::parse(b"white"), color(255, 255, 255));
        assert_eq!(Color::parse(b"DodgerBlue"), color(30, 144, 255));
    }

    #[test]
    fn refused() {
        for text in [
            &b""[..],
            b"#",
            b"#ff",
            b"#fffff",
            b"#ggg",
            b"rgb(1,2)",
            b"transparent",
            b"#ff000080",
            b"rgba(1,2,3,0.5)",
            b"nocolour",
            b"\xff\xff",
        ] {
            assert_eq!(Color::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn with_alpha() {
        let parse =
            |text: &[u8]| Color::parse_with_alpha(text).map(|(c, alpha)| (c.r, c.g, c.b, alpha));
        assert_eq!(parse(b"#ff000080"), Some((255, 0, 0, 128)));
        assert_eq!(parse(b"transparent"), Some((0, 0, 0, 0)));
        assert_eq!(parse(b"red"), Some((255, 0, 0, 255)));
        assert_eq!(parse(b"nocolour"), None);
        let red = Color { r: 255, g: 0, b: 0 };
        assert_eq!(Some(red.over(128, Color::WHITE)), color(255, 127, 127));
        assert_eq!(Some(red.over(0, Color::WHITE)), color(255, 255, 255));
        assert_eq!(red.over(255, Color::WHITE), red);
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,24}", bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
            let _ = Color::parse(text.as_bytes());
            let _ = Color::parse(&bytes);
        }

        #[test]
        fn function_notation_never_panics(text in "(rgb|hsl|hwb|lab|color|hsv)a?\\([-a-z0-9.,%/ #\u{e4}()]{0,24}\\)?") {
            let _ = Color::parse(text.as_bytes());
        }
    }
}
