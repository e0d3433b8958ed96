//! GIF by the `gif` crate, its frames composed on the canvas.

use gif::{ColorOutput, DecodeOptions, Decoder};

use super::super::Error;
use super::super::geometry::{Size, Window};
use super::super::raster::{Layout, Raster, with_room};
use super::super::source::gif::{Gif, INTERLACED, dispose};
use super::canvas::Canvas;
use super::failed;

/// Decodes the first frame.
pub(super) fn decode(input: &[u8], gif: &Gif, canvas: Size, alpha: bool) -> Result<Raster, Error> {
    let layout = if alpha { Layout::Rgba8 } else { Layout::Rgb8 };
    let mut canvas = Canvas::new(canvas, layout)?;
    Frames::new(input, gif.largest)?.next(&mut canvas)?.ok_or_else(|| failed("no frame"))?;
    Ok(canvas.into_raster())
}

/// The frames, one after the other.
pub(super) struct Frames<'a> {
    decoder: Decoder<&'a [u8]>,
    largest: Size,
    /// Of the frame at hand.
    indices: Vec<u8>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(input: &'a [u8], largest: Size) -> Result<Frames<'a>, Error> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        let decoder = options.read_info(input).map_err(failed)?;
        Ok(Frames { decoder, largest, indices: Vec::new() })
    }

    /// Paints the next frame; answers for how many milliseconds it is shown.
    pub(super) fn next(&mut self, canvas: &mut Canvas) -> Result<Option<u32>, Error> {
        let Some(frame) = self.decoder.next_frame_info().map_err(failed)? else { return Ok(None) };
        let size = Size::new(frame.width.into(), frame.height.into());
        let window = Window { x: frame.left.into(), y: frame.top.into(), size };
        let (transparent, interlaced) = (frame.transparent, frame.interlaced);
        let delay = u32::from(frame.delay) * 10;
        if size.width > self.largest.width || size.height > self.largest.height {
            return Err(failed("two readings of the frame differ"));
        }
        canvas.begin(window, dispose(frame.dispose as u8))?;
        if size.pixels() == 0 {
            return Ok(Some(delay));
        }

        let len = size.pixels() as usize;
        if self.indices.len() < len {
            self.indices = with_room(len)?;
            self.indices.resize(len, 0);
        }
        let indices = self.indices.get_mut(..len).unwrap_or_default();
        // Rows in their order would be had row by row, whereby the crate loses the end of
        // narrow ones.
        if !self.decoder.fill_buffer(indices).map_err(failed)? {
            return Err(failed("a frame is truncated"));
        }
        let colors = color_table(self.decoder.palette().map_err(failed)?, transparent);
        let has_alpha = canvas.raster().layout().has_alpha();
        let paint = if has_alpha { paint::<4> } else { paint::<3> };
        let stored = indices.chunks_exact(size.width as usize);
        if interlaced {
            let mut rows = canvas.rows(window).collect::<Vec<_>>();
            for (y, indices) in interlaced_rows(size.height as usize).zip(stored) {
                if let Some(row) = rows.get_mut(y) {
                    paint(row, indices, &colors);
                }
            }
        } else {
            let rows = canvas.rows(window);
            rows.zip(stored).for_each(|(row, indices)| paint(row, indices, &colors));
        }
        Ok(Some(delay))
    }
}

/// The rows of an interlaced frame in the order in which they are stored.
fn interlaced_rows(height: usize) -> impl Iterator<Item = usize> {
    INTERLACED.into_iter().flat_map(move |(first, step)| (first..height).step_by(step))
}

/// Paints a row of the frame as far as it lies on the canvas.
fn paint<const N: usize>(row: &mut [u8], indices: &[u8], colors: &[[u8; 4]; 256]) {
    for (pixel, &index) in row.as_chunks_mut::<N>().0.iter_mut().zip(indices) {
        let color = colors[usize::from(index)];
        if color[3] > 0 {
            for (to, from) in pixel.iter_mut().zip(color) {
                *to = from;
            }
        }
    }
}

/// RGBA by index; what the palette leaves out is black.
fn color_table(palette: &[u8], transparent: Option<u8>) -> [[u8; 4]; 256] {
    let mut colors = [[0, 0, 0, 255]; 256];
    for (color, &[r, g, b]) in colors.iter_mut().zip(palette.as_chunks().0) {
        *color = [r, g, b, 255];
    }
    if let Some(index) = transparent {
        colors[usize::from(index)] = [0; 4];
    }
    colors
}
