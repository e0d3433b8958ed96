//! Watermarks: what is laid onto an image, and how.

mod overlay;
mod picture;
mod spin;
mod text;

use std::sync::Arc;

use super::Share;
use super::size::Size;

pub(super) use overlay::Overlay;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions() {
        assert_eq!(Position::from_name(b"southeast"), Some(Position::Southeast));
        assert_eq!(Position::from_name(b"SouthEast"), None);
        assert_eq!(Position::from_name(b""), None);
    }
}
