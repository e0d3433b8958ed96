//! Borders of one colour.

use crate::image::raster::{Raster, with_room};
use crate::image::size::{Rect, Size};
use crate::image::{Control, Error};

/// What is inside the border whose channels are all within `threshold` of those of the top
/// left pixel. An image that is nothing but border has none.
///
/// # Errors
/// Those of [`Control::check`].
pub(in crate::image) fn inside(
    raster: &Raster,
    threshold: u8,
    control: &Control,
) -> Result<Rect, Error> {
    let (size, channels) = (raster.size(), raster.layout().channels());
    let whole = Rect { x: 0, y: 0, size };
    let Some(border) = raster.data().get(..channels) else { return Ok(whole) };
    let differs = |pixel: &[u8]| pixel.iter().zip(border).any(|(a, b)| a.abs_diff(*b) > threshold);

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
    use crate::image::raster::Layout;

    fn window(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, size: Size::new(width, height) }
    }

    #[test]
    fn borders() {
        let find = |data: &[u8], threshold| {
            let size = Size::new(4, data.len() as u32 / 4);
            let raster = Raster::from_data(size, Layout::L8, data.to_vec()).unwrap();
            inside(&raster, threshold, &Control::default()).unwrap()
        };
        assert_eq!(find(&[5, 5, 5, 5, 5, 9, 5, 5, 5, 5, 5, 5], 0), window(1, 1, 1, 1));
        assert_eq!(find(&[5, 5, 5, 5, 5, 9, 5, 9, 5, 5, 5, 5], 0), window(1, 1, 3, 1));
        assert_eq!(find(&[5, 5, 5, 9, 5, 5, 5, 5, 9, 5, 5, 5], 0), window(0, 0, 4, 3));
        assert_eq!(find(&[5, 6, 5, 5, 5, 9, 5, 5, 5, 5, 5, 4], 1), window(1, 1, 1, 1));
        // All of it is border.
        assert_eq!(find(&[5; 12], 0), window(0, 0, 4, 3));
        assert_eq!(find(&[5, 6, 5, 5], 1), window(0, 0, 4, 1));
    }

    #[test]
    fn every_channel_counts() {
        let data = [[1, 2, 3, 0], [1, 2, 3, 0], [1, 2, 3, 1], [1, 2, 3, 0]].concat();
        let raster = Raster::from_data(Size::new(2, 2), Layout::Rgba8, data).unwrap();
        assert_eq!(inside(&raster, 0, &Control::default()).unwrap(), window(0, 1, 1, 1));
        assert_eq!(inside(&raster, 1, &Control::default()).unwrap(), window(0, 0, 2, 2));
    }

    #[test]
    fn cutting() {
        let raster = Raster::from_data(Size::new(3, 2), Layout::La8, (0..12).collect()).unwrap();
        let out = cut(raster, window(1, 1, 2, 1), &Control::default()).unwrap();
        assert_eq!(out.data(), [8, 9, 10, 11]);
    }
}
