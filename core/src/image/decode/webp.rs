//! WebP by libwebp.

use std::time::Duration;

use image_gate_codecs::Band;
use image_gate_codecs::webp::{self, Decoder, Region};

use super::canvas::Canvas;
use super::options::{Decode, enough};
use super::scale::{Fidelity, Scale};
use crate::image::damage::{Damage, Tolerance};
use crate::image::error::{broken, truncated};
use crate::image::orientation::Orientation;
use crate::image::pixels::{PlaneScalers, Shrink, Span, colored, plane_bytes};
use crate::image::raster::{Layout, Planes, Raster, zeroed};
use crate::image::size::{Rect, Size};
use crate::image::source::webp::{Bitstream, Webp, WebpFrame, WebpImage};
use crate::image::{Control, Error, Info};

/// What a pixel of a lossless image takes of which no bit is read, by measurement: 22 with all transforms and a cache of
/// colours, and something for a slow processor.
const NANOSECONDS_A_PIXEL: u64 = 30;

/// How late work may end when its time is up.
const MOST_LATE: Duration = Duration::from_millis(150);

/// Decodes a still image, or the first frame of an animation.
pub(super) fn decode(
    webp: &Webp,
    canvas: Size,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let (image, how) = match &webp.image {
        WebpImage::Still(image) => (image, *how),
        WebpImage::Moving(frame) if frame.window.size == canvas => {
            frame.image.check_frame()?;
            (&frame.image, Decode::all(canvas, 0))
        }
        WebpImage::Moving(_) => {
            let mut canvas = Canvas::new(canvas, Layout::Rgba8)?;
            WebpFrames::new(webp).next(&mut canvas, tolerance, control)?;
            return Ok(canvas.into_raster());
        }
        WebpImage::None => return Err(broken("no frame")),
    };
    if let Scale::Planes(scaled) = how.scale {
        let (luma, chroma) = spans(image.size, scaled, &how);
        let mut scalers = PlaneScalers::new(luma, chroma)?;
        let take = |bands: [Band<'_>; 3]| scalers.push(bands);
        decode_planes(image, how.part, (scaled, how.fidelity), take, tolerance, control)?;
        let planes = scalers.finish(Orientation::default(), control)?;
        let size = how.window.size;
        return colored(Planes { size, sampling: (1, 1), planes }, control);
    }
    let (raster, rows) = still(image, &how, tolerance, control)?;
    if !enough(rows, raster.size().height) {
        return Err(truncated());
    }
    if let Scale::Boxes(side) = how.scale {
        let mut shrink = Shrink::new(raster.size(), raster.layout(), side)?;
        for row in raster.rows() {
            control.check()?;
            shrink.push(row);
        }
        return Ok(shrink.finish());
    }
    Ok(raster)
}

/// What becomes of luma and of chroma, across and down, where there is one of both for each pixel in the end.
fn spans(stored: Size, scaled: Size, how: &Decode) -> ((Span, Span), (Span, Span)) {
    let (part, window) = (how.part, how.window);
    let spans = |step: u8| {
        let across = (part.x, part.size.width, step);
        let down = (part.y, part.size.height, step);
        (
            Span::scaled(
                (stored.width, scaled.width),
                across,
                (window.x, window.size.width),
                1,
                false,
            ),
            Span::scaled(
                (stored.height, scaled.height),
                down,
                (window.y, window.size.height),
                1,
                false,
            ),
        )
    };
    (spans(1), spans(2))
}

/// Hands luma and chroma of a part of a lossy image without alpha to `take`, rows as they come. All of it is to be
/// scaled to a size, of which so much is to be there in the end.
pub(in crate::image) fn decode_planes(
    image: &Bitstream,
    part: Rect,
    (scaled, fidelity): (Size, Fidelity),
    mut take: impl FnMut([Band<'_>; 3]) -> Result<(), Error>,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<(), Error> {
    control.check()?;
    let decoder = open(image)?;
    let Rect { x, y, size: Size { width, height } } = part;
    let wanted = Region { x, y, width, height, scaled: None };
    let deblocks = fidelity != Fidelity::Coarse || !hides_blocks(image, scaled);
    let mut failed = None;
    let hand = |bands: [Band<'_>; 3]| take(bands).map_err(|error| failed = Some(error)).is_ok();
    let rows = decoder.decode_planes(&wanted, deblocks, hand, || control.check().is_ok());
    if let Some(error) = failed {
        return Err(error);
    }
    control.check()?;
    let rows = rows.map_err(broken)?;
    if rows == height {
        return Ok(());
    }
    tolerance.note(Damage::inside(format!("an image ends at row {rows} of {height}")))?;
    if !enough(rows, height) {
        return Err(truncated());
    }
    // Black. There is an even number of rows before it.
    let stride = width as usize;
    let half = stride.div_ceil(2);
    let (mut luma, mut chroma) = (zeroed(2 * stride)?, zeroed(half)?);
    luma.fill(16);
    chroma.fill(128);
    for row in (rows..height).step_by(2) {
        control.check()?;
        let count = if row + 1 == height { stride } else { 2 * stride };
        let luma = Band { samples: luma.get(..count).unwrap_or_default(), stride };
        let chroma = Band { samples: &chroma, stride: half };
        take([luma, chroma, chroma])?;
    }
    Ok(())
}

/// Whether a shrink leaves so little of the edges of blocks that they need not be smoothed: where that would be
/// done strongly, they are seen, and take bytes.
fn hides_blocks(image: &Bitstream, scaled: Size) -> bool {
    const LEAST: u32 = 5;
    const STRONGEST: u8 = 15;
    let hides = |stored: u32, scaled: u32| stored / scaled.max(1) >= LEAST;
    hides(image.size.width, scaled.width)
        && hides(image.size.height, scaled.height)
        && image.smoothing() <= STRONGEST
}

/// Bytes that [`decode_planes`] holds.
pub(in crate::image) fn bytes_of_planes(part: Size) -> u64 {
    let chroma = Size::new(part.width.div_ceil(2), part.height.div_ceil(2));
    part.pixels() + 2 * chroma.pixels() + bytes_of_rows(part.width)
}

/// Of lossy images a few rows of macroblocks.
fn bytes_of_rows(width: u32) -> u64 {
    u64::from(width) * 256
}

/// Bytes that the decoder holds besides the raster.
pub(super) fn working_bytes(webp: &Webp, info: &Info, how: &Decode) -> u64 {
    let size = Size::new(info.width, info.height);
    if let Scale::Planes(scaled) = how.scale {
        let (luma, chroma) = spans(size, scaled, how);
        return bytes_of_planes(how.part.size) + plane_bytes(&luma, &chroma);
    }
    let whole = if matches!(how.scale, Scale::Boxes(_)) { 3 } else { 0 };
    let rows = bytes_of_rows(info.width);
    let codes = webp.code_bytes().unwrap_or_default();
    // Of lossless images all pixels, of alpha two planes. The frame of an animation is there before it is composed.
    rows + codes
        + size.pixels()
            * match webp.still() {
                None => 9,
                Some(still) if still.lossless => 4 + whole,
                Some(_) if info.alpha => 5,
                Some(_) => whole,
            }
}

fn open<'a>(image: &Bitstream<'a>) -> Result<Decoder<'a>, Error> {
    let decoder = Decoder::new(image.chunks).map_err(broken)?;
    let info = decoder.info();
    if (info.width, info.height) != (image.size.width, image.size.height) {
        return Err(broken("two readings of the header differ"));
    }
    Ok(decoder)
}

/// Decodes a bitstream, but for boxes; returns how many of the rows are there. The others are
/// zeros.
fn still(
    image: &Bitstream,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<(Raster, u32), Error> {
    let decoder = open(image)?;
    let info = decoder.info();
    let size = image.size;
    // No bit at all may stand for all pixels of a lossless image, which come in one step then: none is begun for which
    // there is no time.
    let step = if image.lossless { size.pixels().saturating_mul(NANOSECONDS_A_PIXEL) } else { 0 };
    let step = Duration::from_nanos(step).saturating_sub(MOST_LATE);
    let check = || {
        control.check()?;
        let has_time = control.remaining().is_none_or(|left| left >= step);
        if has_time { Ok(()) } else { Err(Error::Timeout) }
    };
    check()?;
    let layout = if info.alpha { Layout::Rgba8 } else { Layout::Rgb8 };
    let Rect { x, y, size: part } = how.part;
    let (decoded, scaled) = match how.scale {
        Scale::To(_) => {
            let decoded = how.raster_size(size);
            (decoded, Some((decoded.width, decoded.height)))
        }
        _ => (part, None),
    };
    let mut raster = Raster::new(decoded, layout)?;
    let wanted = Region { x, y, width: part.width, height: part.height, scaled };
    let goes_on = || check().is_ok();
    if !image.is_cut && decoder.decode(&wanted, raster.data_mut(), goes_on).is_ok() {
        return Ok((raster, decoded.height));
    }
    check()?;
    let rows = decoder.decode_partly(&wanted, raster.data_mut(), goes_on);
    let rows = rows.map_err(|error| match (error, check()) {
        (webp::Error::Stopped, Err(why)) => why,
        (error, _) => broken(error),
    })?;
    if rows < decoded.height {
        let height = decoded.height;
        raster.rows_mut().skip(rows as usize).for_each(|row| row.fill(0));
        tolerance.note(Damage::inside(format!("an image ends at row {rows} of {height}")))?;
    }
    Ok((raster, rows))
}

/// The frames of an animation, one after the other.
pub(super) struct WebpFrames<'a> {
    frames: Box<dyn Iterator<Item = WebpFrame<'a>> + 'a>,
    is_first: bool,
}

impl<'a> WebpFrames<'a> {
    pub(super) fn new(webp: &Webp<'a>) -> WebpFrames<'a> {
        WebpFrames { frames: Box::new(webp.frames()), is_first: true }
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
        let size = frame.window.size;
        frame.image.check_frame()?;
        let (raster, there) = still(&frame.image, &Decode::all(size, 0), tolerance, control)?;
        if is_first && !enough(there, size.height) {
            return Err(truncated());
        }
        canvas.begin(frame.window, frame.dispose, control)?;
        canvas.lay(frame.window, &raster, there, frame.blend);
        Ok(Some(frame.duration))
    }
}
