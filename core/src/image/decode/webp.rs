//! WebP by libwebp.

use std::borrow::Cow;

use webp::{Decoder, PixelLayout};

use super::super::Error;
use super::super::geometry::Size;
use super::super::pixels::Shrink;
use super::super::raster::{Layout, Raster, with_room};
use super::super::riff;
use super::super::source::webp::{Frame, Webp};
use super::failed;

/// Decodes an image, or where it is a still one, the averages of its boxes of that
/// side.
pub(super) fn decode(webp: &Webp, canvas: Size, side: u32) -> Result<Raster, Error> {
    match webp.first {
        None => still(webp.riff, canvas, side),
        Some(frame) => {
            let raster = still(&as_still(&frame)?, frame.window.size, 1)?;
            if frame.window.size == canvas { Ok(raster) } else { compose(&raster, &frame, canvas) }
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

/// Lays a frame on a canvas that is transparent elsewhere, as browsers do,
/// whatever colour the file proposes for it.
fn compose(frame: &Raster, placed: &Frame, canvas: Size) -> Result<Raster, Error> {
    let mut raster = Raster::new(canvas, Layout::Rgba8)?;
    let channels = frame.layout().channels();
    let rows = raster.rows_mut().skip(placed.window.y as usize).zip(frame.rows());
    for (to, from) in rows {
        let pixels = to.as_chunks_mut::<4>().0.iter_mut().skip(placed.window.x as usize);
        for (to, from) in pixels.zip(from.chunks_exact(channels)) {
            *to = match from {
                [r, g, b, a] => [*r, *g, *b, *a],
                [r, g, b] => [*r, *g, *b, 255],
                _ => [0; 4],
            };
        }
    }
    Ok(raster)
}
