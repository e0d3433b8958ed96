//! WebP by libwebp.

use std::borrow::Cow;

use image_gate_codecs::webp::{self, Decoder, Part};

use super::super::geometry::{Size, Window};
use super::super::mark::{lay_opaque, lay_over};
use super::super::pixels::Shrink;
use super::super::raster::{Layout, Raster, with_room};
use super::super::riff;
use super::super::source::webp::{Frame, Webp};
use super::super::{Control, Error, Info};
use super::canvas::Canvas;
use super::{Decode, Scale, failed};

/// Decodes a still image, or the first frame of an animation.
pub(super) fn decode(
    webp: &Webp,
    canvas: Size,
    how: &Decode,
    control: &Control,
) -> Result<Raster, Error> {
    match webp.first {
        None => still(webp.riff, canvas, how, control),
        Some(frame) => {
            if frame.window.size == canvas {
                return still(&as_still(&frame)?, canvas, &Decode::all(canvas, 0), control);
            }
            let mut canvas = Canvas::new(canvas, Layout::Rgba8)?;
            Frames::new(webp).next(&mut canvas, control)?;
            Ok(canvas.into_raster())
        }
    }
}

/// Bytes that the decoder holds besides the raster.
pub(super) fn working_bytes(webp: &Webp, info: &Info, how: &Decode) -> u64 {
    let pixels = Size::new(info.width, info.height).pixels();
    let whole = if matches!(how.scale, Scale::Boxes(_)) { 3 } else { 0 };
    // Of lossy images a few rows of macroblocks; of lossless ones all pixels, of alpha two
    // planes. The frame of an animation is there before it is composed.
    let rows = u64::from(info.width) * 256;
    rows + pixels
        * match (&webp.first, webp.lossless) {
            (Some(_), _) => 9,
            (None, true) => 4 + whole,
            (None, false) if info.alpha => 5,
            (None, false) => whole,
        }
}

fn still(riff: &[u8], size: Size, how: &Decode, control: &Control) -> Result<Raster, Error> {
    let decoder = Decoder::new(riff).map_err(failed)?;
    let info = decoder.info();
    if (info.width, info.height) != (size.width, size.height) {
        return Err(failed("two readings of the header differ"));
    }
    let layout = if info.alpha { Layout::Rgba8 } else { Layout::Rgb8 };
    let Window { x, y, size: part } = how.part;
    let (decoded, scaled) = match how.scale {
        Scale::To(_) => {
            let decoded = how.raster_size(size);
            (decoded, Some((decoded.width, decoded.height)))
        }
        _ => (part, None),
    };
    let mut raster = Raster::new(decoded, layout)?;
    let wanted = Part { x, y, width: part.width, height: part.height, scaled };
    let decoded = decoder.decode(&wanted, raster.data_mut(), || control.goes_on());
    decoded.map_err(|error| match (error, control.check()) {
        (webp::Error::Stopped, Err(why)) => why,
        (error, _) => failed(error),
    })?;
    if let Scale::Boxes(side) = how.scale {
        let mut shrink = Shrink::new(part, layout, side)?;
        raster.rows().for_each(|row| shrink.push(row));
        return Ok(shrink.finish());
    }
    Ok(raster)
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
    pub(super) fn next(
        &mut self,
        canvas: &mut Canvas,
        control: &Control,
    ) -> Result<Option<u32>, Error> {
        let Some(frame) = self.0.next() else { return Ok(None) };
        let size = frame.window.size;
        let raster = still(&as_still(&frame)?, size, &Decode::all(size, 0), control)?;
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
