//! Watermarks: what is laid onto an image, and how.

mod overlay;
mod picture;
mod spin;
mod text;

use std::sync::Arc;

use super::geometry::Size;

pub(super) use overlay::{Overlay, lay_opaque, lay_over};
pub use picture::Picture;
pub use text::{Font, Text};

/// One layer of a watermark.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark {
    /// What is laid onto the image.
    pub content: Content,
    /// How.
    pub look: MarkLook,
}

/// How a layer is laid onto an image; by default in the middle, opaque, in its own size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MarkLook {
    /// Where.
    pub position: Position,
    /// Pixels to the right and down from there; from the right and the lower edge, to the left and
    /// up. In a tiled layer, the gaps between the tiles.
    pub offset: (i32, i32),
    /// How opaque it is.
    pub opacity: Share,
    /// The share of the image's width and height that it fills without exceeding either. `None`
    /// is its own size, or less where the image is smaller.
    pub scale: Option<Share>,
    /// Whether it is repeated all over the image.
    pub tile: bool,
    /// Degrees that it is turned by counter-clockwise.
    pub rotate: u16,
}

impl Default for MarkLook {
    fn default() -> MarkLook {
        MarkLook {
            position: Position::Center,
            offset: (0, 0),
            opacity: Share::ALL,
            scale: None,
            tile: false,
            rotate: 0,
        }
    }
}

impl Mark {
    /// An upper estimate of the bytes that it takes to lay it onto an image of `canvas`.
    pub(super) fn working_bytes(&self, canvas: Size) -> u64 {
        let drawn = match (&self.content, self.look.scale) {
            (Content::Picture(picture), None) => picture.size().pixels().min(canvas.pixels()),
            _ => canvas.pixels(),
        };
        let stored = match &self.content {
            Content::Picture(picture) => picture.size().pixels(),
            // Its letters, of which each may be kept in four places between two pixels.
            Content::Text(_) => canvas.pixels(),
        };
        // A copy to be scaled, the scaled one, and the turned one.
        (stored + 2 * drawn) * 4
    }
}

/// What a layer shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Content {
    /// An image.
    Picture(Arc<Picture>),
    /// A text.
    Text(Text),
}

/// A place in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Position {
    /// In the middle.
    #[default]
    Center,
    /// At the upper edge.
    North,
    /// In the upper right corner.
    Northeast,
    /// At the right edge.
    East,
    /// In the lower right corner.
    Southeast,
    /// At the lower edge.
    South,
    /// In the lower left corner.
    Southwest,
    /// At the left edge.
    West,
    /// In the upper left corner.
    Northwest,
}

impl Position {
    /// The position of that name, as in `southeast`.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Position> {
        Some(match name {
            b"center" => Position::Center,
            b"north" => Position::North,
            b"northeast" => Position::Northeast,
            b"east" => Position::East,
            b"southeast" => Position::Southeast,
            b"south" => Position::South,
            b"southwest" => Position::Southwest,
            b"west" => Position::West,
            b"northwest" => Position::Northwest,
            _ => return None,
        })
    }

    /// Which way the edge lies that distances are counted from: -1 is left or up, 1 right or down,
    /// 0 the middle.
    fn direction(self) -> (i8, i8) {
        match self {
            Position::Center => (0, 0),
            Position::North => (0, -1),
            Position::Northeast => (1, -1),
            Position::East => (1, 0),
            Position::Southeast => (1, 1),
            Position::South => (0, 1),
            Position::Southwest => (-1, 1),
            Position::West => (-1, 0),
            Position::Northwest => (-1, -1),
        }
    }
}

/// A part of a whole, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Share(u16);

impl Share {
    /// The whole.
    pub const ALL: Share = Share(1000);

    /// Reads `0.25` or `25%`: from 0 to 1, rounded to thousandths.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Share> {
        let (digits, whole) = match text.strip_suffix(b"%") {
            Some(digits) => (digits, 100.0),
            None => (text, 1.0),
        };
        if digits.is_empty() || !digits.iter().all(|&b| b.is_ascii_digit() || b == b'.') {
            return None;
        }
        let number: f64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let share = number / whole;
        (share <= 1.0).then(|| Share((share * 1000.0).round() as u16))
    }

    /// Whether there is nothing of it.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    fn of(self, whole: u32) -> f64 {
        f64::from(whole) * f64::from(self.0) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        for (text, share) in [
            ("0", 0),
            ("1", 1000),
            ("0.5", 500),
            (".25", 250),
            ("50%", 500),
            ("12.5%", 125),
            ("100%", 1000),
            ("0.0004", 0),
        ] {
            assert_eq!(Share::parse(text.as_bytes()), Some(Share(share)), "{text}");
        }
        for text in ["", "%", ".", "1.1", "101%", "50", "-1", "+1", "1e0", "inf", "nan", "a", "1 "]
        {
            assert_eq!(Share::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn positions() {
        assert_eq!(Position::from_name(b"southeast"), Some(Position::Southeast));
        assert_eq!(Position::from_name(b"SouthEast"), None);
        assert_eq!(Position::from_name(b""), None);
    }
}
