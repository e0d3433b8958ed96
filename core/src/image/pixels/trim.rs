//! Borders of one colour.

use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::{Rect, Size};
use crate::image::{Color, Control, Error, TrimCorner};

/// What a border is like.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Border {
    /// How far a channel may be from its.
    pub(in crate::image) threshold: u8,
    /// Its colour; else that of a pixel at a corner.
    pub(in crate::image) color: Option<Color>,
    /// Which pixel that is else.
    pub(in crate::image) corner: TrimCorner,
}

impl Border {
    /// The pixel that others are compared with; `None` where none can be like that.
    fn pixel(&self, raster: &Raster) -> Option<[u8; 4]> {
        let mut pixel = [255; 4];
        let Some(Color { r, g, b }) = self.color else {
            let data = raster.data();
            let at = match self.corner {
                TrimCorner::TopLeft => 0,
                TrimCorner::BottomRight => data.len().saturating_sub(raster.layout().channels()),
            };
            let corner = data.get(at..).unwrap_or_default();
            pixel.iter_mut().zip(corner).for_each(|(to, from)| *to = *from);
            return Some(pixel);
        };
        match raster.layout() {
            Layout::Rgb8 | Layout::Rgba8 => Some([r, g, b, 255]),
            Layout::Cmyk8 => Some([255 - r, 255 - g, 255 - b, 0]),
            Layout::L8 | Layout::La8 => (r == g && g == b).then_some([r, 255, 0, 0]),
        }
    }
}

/// What stays inside where as much is to be cut away of opposite sides.
pub(in crate::image) fn evened(inside: Rect, whole: Size, across: bool, down: bool) -> Rect {
    let even = |at: u32, len: u32, whole: u32, is_wanted: bool| {
        let less = at.min(whole.saturating_sub(at + len));
        if is_wanted { (less, whole - 2 * less) } else { (at, len) }
    };
    let (x, width) = even(inside.x, inside.size.width, whole.width, across);
    let (y, height) = even(inside.y, inside.size.height, whole.height, down);
    Rect { x, y, size: Size::new(width, height) }
}

/// What is inside a border. An image that is nothing but border has none.
///
/// # Errors
/// Those of [`Control::check`].
pub(in crate::image) fn inside(
    raster: &Raster,
    border: &Border,
    control: &Control,
) -> Result<Rect, Error> {
    let (size, channels) = (raster.size(), raster.layout().channels());
    let whole = Rect { x: 0, y: 0, size };
    let threshold = border.threshold;
    let Some(border) = border.pixel(raster) else { return Ok(whole) };
    let differs = |pixel: &[u8]| pixel.iter().zip(&border).any(|(a, b)| a.abs_diff(*b) > threshold);

    let (mut left, mut right) = (usize::MAX, 0);
    let (mut top, mut bottom) = (None, 0);
    for (y, row) in raster.rows().enumerate() {
        control.check()?;
        let mut pixels = row.chunks_exact(channels);
        let Some(first) = pixels.position(differs) else { continue };
        // What is left of the row may have none that differs: then the first is the last.
        let last = pixels.rposition(differs).map_or(first, |after| first + 1 + after);
        left = left.min(first);
        right = right.max(last);
        top = top.or(Some(y));
        bottom = y;
    }
    Ok(match top {
        None => whole,
        Some(top) => Rect {
            x: left as u32,
            y: top as u32,
            size: Size::new((right - left + 1) as u32, (bottom - top + 1) as u32),
        },
    })
}

/// Keeps a window of an image, which lies inside it.
pub(in crate::image) fn cut(
    raster: Raster,
    window: Rect,
    control: &Control,
) -> Result<Raster, Error> {
    if window.size == raster.size() { Ok(raster) } else { copy(&raster, window, control) }
}

/// A copy of a window of an image, which lies inside it.
pub(in crate::image) fn copy(
    raster: &Raster,
    window: Rect,
    control: &Control,
) -> Result<Raster, Error> {
    if window.size == raster.size() {
        return raster.try_clone(control);
    }
    control.check()?;
    let channels = raster.layout().channels();
    let (left, len) = (window.x as usize * channels, window.size.width as usize * channels);
    let mut data = with_room(len * window.size.height as usize)?;
    for row in raster.rows().skip(window.y as usize).take(window.size.height as usize) {
        data.extend_from_slice(row.get(left..left + len).unwrap_or_default());
    }
    Raster::from_data(window.size, raster.layout(), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, size: Size::new(width, height) }
    }

    #[test]
    fn borders() {
        let find = |data: &[u8], threshold| {
            let size = Size::new(4, data.len() as u32 / 4);
            let raster = Raster::from_data(size, Layout::L8, data.to_vec()).unwrap();
            let border = Border { threshold, color: None, corner: TrimCorner::TopLeft };
            inside(&raster, &border, &Control::default()).unwrap()
        };
        assert_eq!(find(&[5, 5, 5, 5, 5, 9, 5, 5, 5, 5, 5, 5], 0), window(1, 1, 1, 1));
        assert_eq!(find(&[5, 5, 5, 5, 5, 9, 5, 9, 5, 5, 5, 5], 0), window(1, 1, 3, 1));
        assert_eq!(find(&[5, 5, 5, 9, 5, 5, 5, 5, 9, 5, 5, 5], 0), window(0, 0, 4, 3));
        assert_eq!(find(&[5, 6, 5, 5, 5, 9, 5, 5, 5, 5, 5, 4], 1), window(1, 1, 1, 1));
        // Or what is like the last pixel.
        let raster = Raster::from_data(Size::new(3, 1), Layout::L8, vec![5, 9, 9]).unwrap();
        let border = Border { threshold: 0, color: None, corner: TrimCorner::BottomRight };
        let found = inside(&raster, &border, &Control::default()).unwrap();
        assert_eq!(found, window(0, 0, 1, 1));
        // All of it is border.
        assert_eq!(find(&[5; 12], 0), window(0, 0, 4, 3));
        assert_eq!(find(&[5, 6, 5, 5], 1), window(0, 0, 4, 1));
    }

    #[test]
    fn every_channel_counts() {
        let data = [[1, 2, 3, 0], [1, 2, 3, 0], [1, 2, 3, 1], [1, 2, 3, 0]].concat();
        let raster = Raster::from_data(Size::new(2, 2), Layout::Rgba8, data).unwrap();
        let find = |threshold, color| {
            let border = Border { threshold, color, corner: TrimCorner::TopLeft };
            inside(&raster, &border, &Control::default()).unwrap()
        };
        assert_eq!(find(0, None), window(0, 1, 1, 1));
        assert_eq!(find(1, None), window(0, 0, 2, 2));
        // No pixel is opaque.
        assert_eq!(find(9, Some(Color { r: 1, g: 2, b: 3 })), window(0, 0, 2, 2));
    }

    #[test]
    fn borders_of_a_colour() {
        let find = |layout: Layout, data: &[u8], color| {
            let size = Size::new((data.len() / layout.channels()) as u32, 1);
            let raster = Raster::from_data(size, layout, data.to_vec()).unwrap();
            let border = Border { threshold: 1, color: Some(color), corner: TrimCorner::TopLeft };
            inside(&raster, &border, &Control::default()).unwrap()
        };
        let (grey, red) = (Color { r: 9, g: 9, b: 9 }, Color { r: 255, g: 0, b: 0 });
        assert_eq!(find(Layout::L8, &[5, 9, 5, 10], grey), window(0, 0, 3, 1));
        assert_eq!(find(Layout::L8, &[9, 5, 9], grey), window(1, 0, 1, 1));
        assert_eq!(find(Layout::L8, &[9, 5, 9], red), window(0, 0, 3, 1));
        assert_eq!(find(Layout::Rgb8, &[254, 1, 0, 0, 0, 0], red), window(1, 0, 1, 1));
        assert_eq!(find(Layout::Cmyk8, &[0, 255, 255, 0, 9, 9, 9, 9], red), window(1, 0, 1, 1));
    }

    #[test]
    fn as_much_of_opposite_sides() {
        let whole = Size::new(10, 20);
        let found = window(1, 4, 6, 10);
        assert_eq!(evened(found, whole, false, false), found);
        assert_eq!(evened(found, whole, true, false), window(1, 4, 8, 10));
        assert_eq!(evened(found, whole, false, true), window(1, 4, 6, 12));
        assert_eq!(evened(found, whole, true, true), window(1, 4, 8, 12));
    }

    #[test]
    fn cutting() {
        let raster = Raster::from_data(Size::new(3, 2), Layout::La8, (0..12).collect()).unwrap();
        let out = cut(raster, window(1, 1, 2, 1), &Control::default()).unwrap();
        assert_eq!(out.data(), [8, 9, 10, 11]);
    }
}
