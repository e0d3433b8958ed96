//! WebP by libwebp.

use std::borrow::Cow;

use webp::{Decoder, PixelLayout};

use super::super::Error;
use super::super::geometry::Size;
use super::super::mark::{lay_opaque, lay_over};
use super::super::pixels::Shrink;
use super::super::raster::{Layout, Raster, with_room};
use super::super::riff;
use super::super::source::webp::{Frame, Webp};
use super::canvas::Canvas;
use super::failed;

/// Decodes an image, or where it is a still one, the averages of its boxes of that
/// side.
pub(super) fn decode(webp: &Webp, canvas: Size, side: u32) -> Result<Raster, Error> {
    match webp.first {
        None => still(webp.riff, canvas, side),
        Some(frame) => {
            if frame.window.size == canvas {
                return still(&as_still(&frame)?, canvas, 1);
            }
            let mut canvas = Canvas::new(canvas, Layout::Rgba8)?;
            Frames::new(webp).next(&mut canvas)?;
            Ok(canvas.into_raster())
        }
    }
}

fn still(riff: &[u8], size: Size, side: u32) -> Result<Raster, Error> {
    let image = Decoder::new(riff).decode().ok_or_else(|| failed("the bitstream is broken"))?;
    if (image.width(), image.height()) != (size.width, size.height) {
        return Err(failed("two readings of the header differ"));
    }
    let layout = match image.layout() {
        PixelLayout::Rgb => Layout::Rgb8,
        PixelLayout::Rgba => Layout::Rgba8,
    };
    if side > 1 {
        let mut shrink = Shrink::new(size, layout, side)?;
        image
            .chunks_exact(size.width as usize * layout.channels())
            .for_each(|row| shrink.push(row));
        return Ok(shrink.finish());
    }
    let mut data = with_room(image.len())?;
    data.extend_from_slice(&image);
    Raster::from_data(size, layout, data)
}

/// A file of its own for a frame of an animation.
fn as_still<'a>(frame: &Frame<'a>) -> Result<Cow<'a, [u8]>, Error> {
    let mut chunks = with_room(frame.chunks.len() + riff::AROUND_EXTENDED)?;
    riff::start(&mut chunks);
    riff::extended(&mut chunks, frame.window.size, if frame.alpha { riff::FLAG_ALPHA } else { 0 });
    chunks.extend_from_slice(frame.chunks);
    riff::finish(&mut chunks).ok_or_else(|| failed("the frame is too large"))?;
    Ok(Cow::Owned(chunks))
}

/// The frames of an animation, one after the other.
pub(super) struct Frames<'a>(Box<dyn Iterator<Item = Frame<'a>> + 'a>);

impl<'a> Frames<'a> {
    pub(super) fn new(webp: &Webp<'a>) -> Frames<'a> {
        Frames(Box::new(webp.frames()))
    }

    /// Paints the next frame; answers for how many milliseconds it is shown.
    pub(super) fn next(&mut self, canvas: &mut Canvas) -> Result<Option<u32>, Error> {
        let Some(frame) = self.0.next() else { return Ok(None) };
        let raster = still(&as_still(&frame)?, frame.window.size, 1)?;
        canvas.begin(frame.window, frame.dispose)?;
        let (from, to) = (raster.layout(), canvas.raster().layout());
        for (row, pixels) in canvas.rows(frame.window).zip(raster.rows()) {
            match (from, to) {
                (Layout::Rgba8, Layout::Rgba8) if frame.blend => {
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
                _ => row.copy_from_slice(pixels),
            }
        }
        Ok(Some(frame.duration))
    }
}
