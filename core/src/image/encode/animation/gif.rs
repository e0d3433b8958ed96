//! Animated GIF by the `gif` crate, a palette for each picture.
//!
//! What a picture shares with the one before stays transparent. A picture is written once its
//! successor is known: where that one is transparent, it has to be taken away.

use gif::{DisposalMethod, Encoder, Frame, Repeat};

use super::changes::{ChangedArea, changed};
use crate::image::encode::fallible_buffer::FallibleBuffer;
use crate::image::encode::gif::{interlaced, side};
use crate::image::encode::palette::{Indexed, into_rgba, is_opaque};
use crate::image::error::not_encoded;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::{Rect, Size};
use crate::image::source::Animation;
use crate::image::{Control, Error, Plan};

/// What is shown less long than that many milliseconds, browsers show for longer.
const SHORTEST: u32 = 20;

pub(in crate::image) struct GifAnimator<'a> {
    size: Size,
    encoder: Encoder<FallibleBuffer>,
    plan: &'a Plan,
    clock: DelayClock,
    /// What is shown when the next picture comes; of [`NOTHING`] where nothing is.
    shown: Vec<[u8; 4]>,
    /// The picture that is not yet written, and for how many milliseconds it is shown.
    next: Option<(Vec<[u8; 4]>, u32)>,
    is_first: bool,
}

const NOTHING: [u8; 4] = [0; 4];

impl<'a> GifAnimator<'a> {
    pub(super) fn new(
        size: Size,
        animation: Animation,
        plan: &'a Plan,
    ) -> Result<GifAnimator<'a>, Error> {
        let sides = (side(size.width)?, side(size.height)?);
        let mut encoder =
            Encoder::new(FallibleBuffer::default(), sides.0, sides.1, &[]).map_err(not_encoded)?;
        let repeat = match animation.plays {
            None => Some(Repeat::Infinite),
            // Players count what comes after the first time.
            Some(plays) => match plays.get() - 1 {
                0 => None,
                times => Some(Repeat::Finite(u16::try_from(times).unwrap_or(u16::MAX))),
            },
        };
        if let Some(repeat) = repeat {
            encoder.set_repeat(repeat).map_err(not_encoded)?;
        }
        let mut shown = with_room(size.pixels() as usize)?;
        shown.resize(size.pixels() as usize, NOTHING);
        let clock = DelayClock::default();
        Ok(GifAnimator { size, encoder, plan, clock, shown, next: None, is_first: true })
    }

    pub(super) fn push(
        &mut self,
        raster: Raster,
        duration: u32,
        control: &Control,
    ) -> Result<(), Error> {
        let mut pixels = into_rgba(raster, control)?;
        for pixel in &mut pixels {
            if is_opaque(pixel) {
                pixel[3] = 255;
            } else {
                *pixel = NOTHING;
            }
        }
        if let Some((before, before_duration)) = self.next.take() {
            self.write(before, before_duration, Some(&pixels), control)?;
        }
        self.next = Some((pixels, duration));
        Ok(())
    }

    pub(super) fn finish(mut self, control: &Control) -> Result<Vec<u8>, Error> {
        if let Some((last, duration)) = self.next.take() {
            self.write(last, duration, None, control)?;
        }
        // Writes the trailer, and tells where dropping would not.
        Ok(self.encoder.into_inner().map_err(not_encoded)?.0)
    }

    fn write(
        &mut self,
        pixels: Vec<[u8; 4]>,
        duration: u32,
        next: Option<&Vec<[u8; 4]>>,
        control: &Control,
    ) -> Result<(), Error> {
        let width = self.size.width as usize;
        let whole = Rect { x: 0, y: 0, size: self.size };
        let holes = next.and_then(|next| holes(&pixels, next, width));
        let mut window = match changed(&self.shown, &pixels, width) {
            _ if self.is_first => whole,
            Some(window) => window,
            // A frame has a pixel at least.
            None => Rect { x: 0, y: 0, size: Size::new(1, 1) },
        };
        if let Some(holes) = holes {
            window = window.around(holes);
        }

        let indexed = Indexed::with_cutout(self.difference(&pixels, window)?, control)?;
        let palette = indexed.colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
        let mut buffer = indexed.indices;
        if self.plan.interlace {
            buffer = interlaced(&buffer, window.size.width as usize)?;
        }
        let frame = Frame {
            delay: self.clock.hundredths(duration),
            dispose: match holes {
                Some(_) => DisposalMethod::Background,
                None => DisposalMethod::Keep,
            },
            transparent: indexed.cutout,
            left: side(window.x)?,
            top: side(window.y)?,
            width: side(window.size.width)?,
            height: side(window.size.height)?,
            interlaced: self.plan.interlace,
            palette: Some(palette),
            buffer: buffer.into(),
            ..Frame::default()
        };
        self.encoder.write_frame(&frame).map_err(not_encoded)?;

        self.shown = pixels;
        self.is_first = false;
        if holes.is_some() {
            rows(window, width).for_each(|row| {
                self.shown.get_mut(row).unwrap_or_default().fill(NOTHING);
            });
        }
        Ok(())
    }

    /// The pixels of a window, without those that are shown already.
    fn difference(&self, pixels: &[[u8; 4]], window: Rect) -> Result<Raster, Error> {
        let mut data = with_room(window.size.pixels() as usize * 4)?;
        for row in rows(window, self.size.width as usize) {
            let pixels = pixels.get(row.clone()).unwrap_or_default();
            let shown = self.shown.get(row).unwrap_or_default();
            for (pixel, shown) in pixels.iter().zip(shown) {
                data.extend_from_slice(if pixel == shown { &NOTHING } else { pixel });
            }
        }
        Raster::from_data(window.size, Layout::Rgba8, data)
    }
}

/// Where the next picture is transparent and this one is not.
fn holes(pixels: &[[u8; 4]], next: &[[u8; 4]], width: usize) -> Option<Rect> {
    let mut bounds = ChangedArea::default();
    let rows = pixels.chunks_exact(width).zip(next.chunks_exact(width));
    for (y, (pixels, next)) in rows.enumerate() {
        let hole = |(pixel, next): (&[u8; 4], &[u8; 4])| *next == NOTHING && *pixel != NOTHING;
        if let Some(first) = pixels.iter().zip(next).position(hole) {
            let last = pixels.iter().zip(next).rposition(hole).unwrap_or(first);
            bounds.add(first, last, y);
        }
    }
    bounds.window()
}

/// The rows of a window into an image of `width` pixels a row.
fn rows(window: Rect, width: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let top = window.y as usize;
    (top..top + window.size.height as usize).map(move |y| {
        let start = y * width + window.x as usize;
        start..start + window.size.width as usize
    })
}

/// Milliseconds in hundredths of a second, so that what is lost in one delay is made up for
/// in the next ones.
#[derive(Default)]
struct DelayClock {
    shown: u64,
    written: u64,
}

impl DelayClock {
    fn hundredths(&mut self, duration: u32) -> u16 {
        self.shown += u64::from(duration);
        let mut delay = ((self.shown + 5) / 10).saturating_sub(self.written);
        if duration > SHORTEST / 2 {
            delay = delay.max(u64::from(SHORTEST / 10));
        }
        let delay = u16::try_from(delay).unwrap_or(u16::MAX);
        self.written += u64::from(delay);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_add_up() {
        let delays = |durations: &[u32]| {
            let mut clock = DelayClock::default();
            durations.iter().map(|&duration| clock.hundredths(duration)).collect::<Vec<_>>()
        };
        assert_eq!(delays(&[0, 10, 20, 100, 655_350]), [0, 1, 2, 10, 65535]);
        assert_eq!(delays(&[33, 33, 33, 33]), [3, 4, 3, 3]);
        // No faster than browsers play them.
        assert_eq!(delays(&[15, 15]), [2, 2]);
        assert_eq!(delays(&[1 << 24]), [65535]);
    }
}
