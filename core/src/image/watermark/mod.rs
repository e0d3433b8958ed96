//! Watermarks: what is laid onto an image, and how.

mod overlay;
mod picture;
mod text;

use std::sync::Arc;

use super::Fraction;
use super::canonical::{Canonical, with_defaults};
use super::size::Size;
use super::words::Words;

pub(super) use overlay::Overlay;
pub use picture::WatermarkPicture;
pub use text::{Font, WatermarkText};

/// One layer of a watermark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// What is laid onto the image.
    pub content: WatermarkContent,
    /// How.
    pub style: WatermarkStyle,
}

with_defaults! {
    /// How a layer is laid onto an image; by default in the middle, opaque, in its own size.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct WatermarkStyle {
        /// Where.
        pub position: Position = Position::Center,
        /// Pixels to the right and down from there; from the right and the lower edge, to the left
        /// and up. In a tiled layer, the gaps between the tiles.
        pub offset: (i32, i32) = (0, 0),
        /// How opaque it is.
        pub opacity: Fraction = Fraction::ALL,
        /// The share of the image's width and height that it fills without exceeding either. `None`
        /// is its own size, or less where the image is smaller.
        pub scale: Option<Fraction> = None,
        /// Whether it is repeated all over the image.
        pub tile: bool = false,
        /// Degrees that it is turned by counter-clockwise.
        pub rotate: u16 = 0,
    }
}

impl Canonical for Watermark {
    fn write(&self, out: &mut String) {
        match &self.content {
            WatermarkContent::Picture(picture) => picture.write(out),
            WatermarkContent::Text(text) => text.write(out),
        }
        self.style.write(out);
    }
}

impl Watermark {
    /// An upper estimate of the bytes that it takes to lay it onto an image of `canvas`.
    pub(super) fn working_bytes(&self, canvas: Size) -> u64 {
        let drawn = match (&self.content, self.style.scale) {
            (WatermarkContent::Picture(picture), None) => {
                picture.size().pixels().min(canvas.pixels())
            }
            _ => canvas.pixels(),
        };
        let stored = match &self.content {
            WatermarkContent::Picture(picture) => picture.size().pixels(),
            // Its letters, of which each may be kept in four places between two pixels.
            WatermarkContent::Text(_) => canvas.pixels(),
        };
        // A copy to be scaled, the scaled one, and the turned one.
        (stored + 2 * drawn) * 4
    }
}

/// What a layer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatermarkContent {
    /// An image.
    Picture(Arc<WatermarkPicture>),
    /// A text.
    Text(WatermarkText),
}

/// A place in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

impl Words for Position {
    const WORDS: &'static [(&'static str, Position)] = &[
        ("center", Position::Center),
        ("north", Position::North),
        ("northeast", Position::Northeast),
        ("east", Position::East),
        ("southeast", Position::Southeast),
        ("south", Position::South),
        ("southwest", Position::Southwest),
        ("west", Position::West),
        ("northwest", Position::Northwest),
    ];
}

impl Position {
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
        assert_eq!(Position::from_word(b"southeast"), Some(Position::Southeast));
        assert_eq!(Position::from_word(b"SouthEast"), None);
        assert_eq!(Position::from_word(b""), None);
    }
}
