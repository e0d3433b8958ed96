//! Sizes and parts of images, in pixels.

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

    pub(super) fn swapped(self) -> Size {
        Size::new(self.height, self.width)
    }
}

/// A part of an image, in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) size: Size,
}

impl Rect {
    /// The smallest window that both are in.
    pub(super) fn around(self, other: Rect) -> Rect {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let end = |at: u32, len: u32, other_at: u32, other_len: u32| {
            at.saturating_add(len).max(other_at.saturating_add(other_len))
        };
        let right = end(self.x, self.size.width, other.x, other.size.width);
        let bottom = end(self.y, self.size.height, other.y, other.size.height);
        Rect { x, y, size: Size::new(right - x, bottom - y) }
    }
}
