//! GIF, its frames composed on the canvas.

use weezl::BitOrder;
use weezl::decode::Configuration;

use super::canvas::Canvas;
use super::lzw::{Lzw, Next};
use super::options::enough;
use crate::image::damage::{Damage, Tolerance};
use crate::image::error::{broken, truncated};
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::Size;
use crate::image::source::gif::{Gif, GifFrame, INTERLACED};
use crate::image::{Control, Error};

/// Indices that are read before they are painted, unless a row has more.
const BATCH: usize = 1 << 16;

/// Pieces of the data between two looks at the [`Control`].
const PIECES: u32 = 64;

/// The largest code size that a frame may begin with. Above 8 no index needs it.
const LARGEST_CODE: u8 = 11;

/// Decodes the first frame.
pub(super) fn decode(
    gif: &Gif,
    canvas: Size,
    alpha: bool,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    gif.check_data()?;
    let layout = if alpha { Layout::Rgba8 } else { Layout::Rgb8 };
    let mut canvas = Canvas::new(canvas, layout)?;
    let shown = GifFrames::new(gif).next(&mut canvas, tolerance, control)?;
    shown.ok_or_else(|| broken("no frame"))?;
    Ok(canvas.into_raster())
}

/// The frames, one after the other.
pub(super) struct GifFrames<'a> {
    frames: Box<dyn Iterator<Item = GifFrame<'a>> + 'a>,
    is_first: bool,
    /// For codes of that size.
    decoder: Option<(u8, Lzw)>,
    /// Of some rows of the frame at hand.
    indices: Vec<u8>,
}

impl<'a> GifFrames<'a> {
    pub(super) fn new(gif: &Gif<'a>) -> GifFrames<'a> {
        let frames = Box::new(gif.frames());
        GifFrames { frames, is_first: true, decoder: None, indices: Vec::new() }
    }

    /// Paints the next frame; returns for how many milliseconds it is shown.
    pub(super) fn next(
        &mut self,
        canvas: &mut Canvas,
        tolerance: &Tolerance,
        control: &Control,
    ) -> Result<Option<u32>, Error> {
        let Some(frame) = self.frames.next() else { return Ok(None) };
        let is_first = std::mem::replace(&mut self.is_first, false);
        canvas.begin(frame.window, frame.dispose, control)?;
        let rows = self.paint(&frame, canvas, control)?;
        let height = frame.window.size.height;
        if rows < height {
            if is_first {
                if !enough(rows, height) {
                    return Err(truncated());
                }
                if frame.interlaced {
                    // Rows of the last pass look like those above them.
                    for y in stored_rows(height, true).skip(rows as usize) {
                        control.check()?;
                        canvas.repeat_row(frame.window, y);
                    }
                }
            } else if frame.is_cut {
                return Ok(None);
            }
            tolerance.note(Damage::inside(format!("a frame ends at row {rows} of {height}")))?;
        }
        Ok(Some(frame.duration))
    }

    /// Paints a frame; returns how many of its rows were there.
    fn paint(
        &mut self,
        frame: &GifFrame,
        canvas: &mut Canvas,
        control: &Control,
    ) -> Result<u32, Error> {
        let Size { width, height } = frame.window.size;
        if width == 0 {
            return Ok(height);
        }
        let width = width as usize;
        let batch = (BATCH / width).max(1) * width;
        if self.indices.len() < batch {
            self.indices = with_room(batch)?;
            self.indices.resize(batch, 0);
        }
        let colors = color_table(frame);
        let has_alpha = canvas.raster().layout().has_alpha();
        let paint = if has_alpha { paint::<4> } else { paint::<3> };
        let decoder = match self.decoder.take() {
            Some((size, mut decoder)) if size == frame.code_size => {
                decoder.reset();
                decoder
            }
            _ if frame.code_size > LARGEST_CODE => return Ok(0),
            _ => Lzw::new(&Configuration::new(BitOrder::Lsb, frame.code_size)),
        };
        let decoder = &mut self.decoder.insert((frame.code_size, decoder)).1;
        let mut codes = Codes { decoder, data: frame.data(), piece: &[], pieces: 0, ended: false };
        let mut stored = 0..height;
        let mut rows = stored_rows(height, frame.interlaced);
        while !stored.is_empty() {
            control.check()?;
            let left = stored.len().saturating_mul(width);
            let indices = self.indices.get_mut(..batch.min(left)).unwrap_or_default();
            let read = codes.read(indices, control)?;
            for (indices, y) in indices.get(..read).unwrap_or_default().chunks(width).zip(&mut rows)
            {
                if let Some(row) = canvas.row(frame.window, y) {
                    paint(row, indices, &colors);
                }
                if indices.len() == width {
                    stored.next();
                }
            }
            if read < indices.len() {
                break;
            }
        }
        Ok(stored.start)
    }
}

/// The rows of a frame in the order in which they are stored.
fn stored_rows(height: u32, interlaced: bool) -> impl Iterator<Item = u32> {
    let passes = if interlaced { &INTERLACED[..] } else { &[(0, 1)] };
    let rows = move |&(first, step)| (first..height as usize).step_by(step).map(|y| y as u32);
    passes.iter().flat_map(rows)
}

/// The codes of a frame.
struct Codes<'a, 'd, D> {
    decoder: &'d mut Lzw,
    data: D,
    piece: &'a [u8],
    /// How many there were.
    pieces: u32,
    ended: bool,
}

impl<'a, D: Iterator<Item = &'a [u8]>> Codes<'a, '_, D> {
    /// Reads indices as far as they go; returns how many.
    fn read(&mut self, indices: &mut [u8], control: &Control) -> Result<usize, Error> {
        let mut read = 0;
        while !self.ended && read < indices.len() {
            let to = indices.get_mut(read..).unwrap_or_default();
            let step = self.decoder.step(self.piece, to);
            self.piece = self.piece.get(step.read..).unwrap_or_default();
            read += step.written;
            match step.next {
                Next::Step => {}
                Next::Data => match self.data.next() {
                    Some(piece) => {
                        self.piece = piece;
                        self.pieces += 1;
                        // Codes may stand for nothing.
                        if self.pieces.is_multiple_of(PIECES) {
                            control.check()?;
                        }
                    }
                    None => self.ended = true,
                },
                Next::End => self.ended = true,
            }
        }
        Ok(read)
    }
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
fn color_table(frame: &GifFrame) -> [[u8; 4]; 256] {
    let mut colors = [[0, 0, 0, 255]; 256];
    if frame.palette.is_empty() {
        // What the standard recommends where there is none at all.
        colors[1] = [255; 4];
    }
    for (color, &[r, g, b]) in colors.iter_mut().zip(frame.palette.as_chunks().0) {
        *color = [r, g, b, 255];
    }
    if let Some(index) = frame.transparent {
        colors[usize::from(index)] = [0; 4];
    }
    colors
}
