//! The canvas that frames are painted on, one after the other.

use crate::image::pixels::{lay_opaque, lay_over};
use crate::image::raster::{Layout, Raster};
use crate::image::size::{Rect, Size};
use crate::image::source::Dispose;
use crate::image::{Control, Error};

/// What is shown, and what becomes of it before the next frame.
pub(super) struct Canvas {
    raster: Raster,
    /// The last frame, until it is disposed of.
    last: Option<(Rect, Dispose)>,
    /// What was shown before a frame that is to be taken back.
    saved: Option<Raster>,
}

impl Canvas {
    /// A canvas on which nothing is: transparent, or black where the layout has no alpha.
    pub(super) fn new(size: Size, layout: Layout) -> Result<Canvas, Error> {
        Ok(Canvas { raster: Raster::new(size, layout)?, last: None, saved: None })
    }

    pub(super) fn raster(&self) -> &Raster {
        &self.raster
    }

    pub(super) fn into_raster(self) -> Raster {
        self.raster
    }

    /// Disposes of the last frame, and gets ready for one that lies at `window`, which may
    /// stick out.
    pub(super) fn begin(
        &mut self,
        window: Rect,
        dispose: Dispose,
        control: &Control,
    ) -> Result<(), Error> {
        control.check()?;
        let mut is_saved = false;
        match self.last.take() {
            Some((last, Dispose::Clear)) => {
                for row in self.rows(last) {
                    control.check()?;
                    row.fill(0);
                }
            }
            Some((last, Dispose::Restore)) => {
                if let Some(saved) = self.saved.take() {
                    let before = part(saved.rows(), last, self.raster.layout());
                    for (now, before) in self.rows(last).zip(before) {
                        control.check()?;
                        now.copy_from_slice(before);
                    }
                    self.saved = Some(saved);
                    // All is again what it was then.
                    is_saved = true;
                }
            }
            Some((_, Dispose::Keep)) | None => {}
        }
        if dispose == Dispose::Restore && !is_saved {
            match &mut self.saved {
                Some(saved) => {
                    for (saved, now) in saved.rows_mut().zip(self.raster.rows()) {
                        control.check()?;
                        saved.copy_from_slice(now);
                    }
                }
                none => *none = Some(self.raster.try_clone(control)?),
            }
        }
        self.last = Some((window, dispose));
        Ok(())
    }

    /// Puts the first `rows` rows of a frame there: over what is there where it is to be blended,
    /// else in its place. The frame must be RGB or RGBA.
    pub(super) fn lay(&mut self, window: Rect, frame: &Raster, rows: u32, blend: bool) {
        let (from, to) = (frame.layout(), self.raster.layout());
        for (row, pixels) in self.rows(window).zip(frame.rows()).take(rows as usize) {
            match (from, to) {
                (Layout::Rgba8, Layout::Rgba8) if blend => {
                    let row = row.as_chunks_mut().0.iter_mut();
                    row.zip(pixels.as_chunks().0).for_each(|(to, from)| lay_over(to, from));
                }
                (Layout::Rgba8, Layout::Rgb8) => {
                    let row = row.as_chunks_mut().0.iter_mut();
                    row.zip(pixels.as_chunks().0).for_each(|(to, from)| lay_opaque(to, from));
                }
                (Layout::Rgb8, Layout::Rgba8) => {
                    let row = row.as_chunks_mut().0.iter_mut();
                    row.zip(pixels.as_chunks().0).for_each(|(to, &[r, g, b])| *to = [r, g, b, 255]);
                }
                _ => row.iter_mut().zip(pixels).for_each(|(to, &from)| *to = from),
            }
        }
    }

    /// A row of a window, as far as it is on the canvas.
    pub(super) fn row(&mut self, window: Rect, y: u32) -> Option<&mut [u8]> {
        let columns = columns(window, self.raster.size(), self.raster.layout());
        let start = window.y.checked_add(y)? as usize * self.raster.stride();
        let range = start.checked_add(columns.start)?..start.checked_add(columns.end)?;
        // Beyond the last row there are no bytes.
        self.raster.data_mut().get_mut(range)
    }

    /// Has a row of a window look like the one above it.
    pub(super) fn repeat_row(&mut self, window: Rect, y: u32) {
        let columns = columns(window, self.raster.size(), self.raster.layout());
        let stride = self.raster.stride();
        let Some(above) = window.y.checked_add(y).filter(|_| y > 0).map(|y| y as usize - 1) else {
            return;
        };
        let (start, end) = (above * stride + columns.start, above * stride + columns.end);
        if end + stride <= self.raster.data().len() {
            self.raster.data_mut().copy_within(start..end, start + stride);
        }
    }

    /// The rows of a window, as far as they are on the canvas.
    pub(super) fn rows(&mut self, window: Rect) -> impl Iterator<Item = &mut [u8]> {
        let layout = self.raster.layout();
        let range = columns(window, self.raster.size(), layout);
        self.raster
            .rows_mut()
            .skip(window.y as usize)
            .take(window.size.height as usize)
            .filter_map(move |row| row.get_mut(range.clone()))
    }
}

fn part<'a>(
    rows: std::slice::ChunksExact<'a, u8>,
    window: Rect,
    layout: Layout,
) -> impl Iterator<Item = &'a [u8]> {
    let mut rows = rows.peekable();
    let width = rows.peek().map_or(0, |row| row.len() / layout.channels());
    let range = columns(window, Size::new(width as u32, 0), layout);
    rows.skip(window.y as usize)
        .take(window.size.height as usize)
        .filter_map(move |row| row.get(range.clone()))
}

/// The bytes of a row that are in the window.
fn columns(window: Rect, canvas: Size, layout: Layout) -> std::ops::Range<usize> {
    let left = window.x.min(canvas.width);
    let right = window.x.saturating_add(window.size.width).min(canvas.width);
    left as usize * layout.channels()..right as usize * layout.channels()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(x: u32, width: u32) -> Rect {
        Rect { x, y: 0, size: Size::new(width, 1) }
    }

    /// What a canvas of four pixels shows after each of these frames, which paint their number.
    fn shown(frames: &[(Rect, Dispose)]) -> Vec<Vec<u8>> {
        let mut canvas = Canvas::new(Size::new(4, 1), Layout::L8).unwrap();
        let paint = |(i, &(window, dispose)): (usize, &(Rect, Dispose))| {
            canvas.begin(window, dispose, &Control::default()).unwrap();
            canvas.rows(window).for_each(|row| row.fill(i as u8 + 1));
            canvas.raster().data().to_vec()
        };
        frames.iter().enumerate().map(paint).collect()
    }

    #[test]
    fn frames_are_disposed_of() {
        use Dispose::{Clear, Keep, Restore};
        assert_eq!(
            shown(&[(window(0, 4), Keep), (window(1, 2), Keep), (window(3, 1), Keep)]),
            [[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 3]]
        );
        assert_eq!(
            shown(&[(window(0, 4), Keep), (window(1, 2), Clear), (window(3, 1), Keep)]),
            [[1, 1, 1, 1], [1, 2, 2, 1], [1, 0, 0, 3]]
        );
        assert_eq!(
            shown(&[
                (window(0, 4), Keep),
                (window(1, 2), Restore),
                (window(2, 2), Restore),
                (window(0, 1), Keep),
            ]),
            [[1, 1, 1, 1], [1, 2, 2, 1], [1, 1, 3, 3], [4, 1, 1, 1]]
        );
        // The first frame comes after nothing.
        assert_eq!(shown(&[(window(0, 3), Restore), (window(0, 1), Keep)])[1], [2, 0, 0, 0]);
    }

    #[test]
    fn what_sticks_out_is_cut() {
        let out = Rect { x: 3, y: 0, size: Size::new(9, 9) };
        let beyond = Rect { x: 70000, y: 5, size: Size::new(1, 1) };
        assert_eq!(
            shown(&[(window(0, 4), Dispose::Keep), (out, Dispose::Clear), (beyond, Dispose::Keep)]),
            [[1, 1, 1, 1], [1, 1, 1, 2], [1, 1, 1, 0]]
        );
    }
}
