//! What is different in one picture and the next.

use crate::image::pixels::copy;
use crate::image::raster::Raster;
use crate::image::size::{Rect, Size};
use crate::image::{Control, Error};

/// The smallest window outside of which two images of `width` pixels a row are the same.
pub(super) fn changed<T: PartialEq>(before: &[T], after: &[T], width: usize) -> Option<Rect> {
    let mut bounds = ChangedArea::default();
    let rows = before.chunks_exact(width).zip(after.chunks_exact(width));
    for (y, (before, after)) in rows.enumerate() {
        if before == after {
            continue;
        }
        let differ = |(before, after): (&T, &T)| before != after;
        let first = before.iter().zip(after).position(differ).unwrap_or(0);
        let last = before.iter().zip(after).rposition(differ).unwrap_or(width - 1);
        bounds.add(first, last, y);
    }
    bounds.window()
}

/// Where two pictures of one layout differ, or a pixel where they don't.
pub(super) fn difference(before: &Raster, after: &Raster) -> Rect {
    let width = before.size().width as usize;
    match before.layout().channels() {
        3 => changed::<[u8; 3]>(before.data().as_chunks().0, after.data().as_chunks().0, width),
        _ => changed::<[u8; 4]>(before.data().as_chunks().0, after.data().as_chunks().0, width),
    }
    .unwrap_or(Rect { x: 0, y: 0, size: Size::new(1, 1) })
}

/// Returns what `encode` makes of that window of a picture.
pub(super) fn encode_window<T>(
    raster: &Raster,
    window: Rect,
    control: &Control,
    encode: impl FnOnce(&Raster) -> Result<T, Error>,
) -> Result<T, Error> {
    if window.size == raster.size() {
        return encode(raster);
    }
    encode(&copy(raster, window, control)?)
}

/// What was found of an area so far: its first and last column, and its first and last row.
#[derive(Default)]
pub(super) struct ChangedArea(Option<(usize, usize, usize, usize)>);

impl ChangedArea {
    pub(super) fn add(&mut self, first: usize, last: usize, y: usize) {
        let (left, right, top, _) = self.0.unwrap_or((first, last, y, y));
        self.0 = Some((left.min(first), right.max(last), top, y));
    }

    pub(super) fn window(&self) -> Option<Rect> {
        let (left, right, top, bottom) = self.0?;
        Some(Rect {
            x: left as u32,
            y: top as u32,
            size: Size::new((right - left + 1) as u32, (bottom - top + 1) as u32),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, size: Size::new(width, height) }
    }

    #[test]
    fn what_changed() {
        let before = [0; 12];
        let with = |at: &[usize]| {
            let mut after = before;
            at.iter().for_each(|&at| after[at] = 1);
            changed(&before, &after, 4)
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[5]), Some(window(1, 1, 1, 1)));
        assert_eq!(with(&[2, 4]), Some(window(0, 0, 3, 2)));
        assert_eq!(with(&[0, 11]), Some(window(0, 0, 4, 3)));
        assert_eq!(with(&[7, 8]), Some(window(0, 1, 4, 2)));
    }
}
