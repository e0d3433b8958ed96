//! Animated GIF by the `gif` crate: with the palette of the first picture, and where that does not do, one of its own
//! for a picture.
//!
//! What a picture shares with the one before stays transparent. A picture is written once its
//! successor is known: where that one is transparent, it has to be taken away.

use gif::{DisposalMethod, Encoder, Frame, Repeat};

use super::changes::{ChangedArea, changed};
use crate::image::encode::fallible_buffer::FallibleBuffer;
use crate::image::encode::gif::{interlaced, side};
use crate::image::encode::palette::{Cutout, Palette, into_rgba, is_opaque};
use crate::image::error::not_encoded;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::{Rect, Size};
use crate::image::source::Animation;
use crate::image::{Control, Error, Plan};

/// What is shown less long than that many milliseconds, browsers show for longer.
const SHORTEST: u32 = 20;

pub(in crate::image) struct GifAnimator<'a> {
    size: Size,
    /// From the first picture on.
    encoder: Option<Encoder<FallibleBuffer>>,
    repeat: Option<Repeat>,
    plan: &'a Plan,
    clock: DelayClock,
    /// What is shown when the next picture comes; of [`NOTHING`] where nothing is.
    shown: Vec<[u8; 4]>,
    /// The picture that is not yet written, and for how many milliseconds it is shown.
    next: Option<(Vec<[u8; 4]>, u32)>,
    /// The colours of all pictures, if there are any.
    kept: Option<KeptPalette>,
}

/// The palette of the first picture.
struct KeptPalette {
    palette: Palette,
    /// Which of its colours are shown, and what is cut out where there is another one, or none.
    shown: Vec<u8>,
}

const NOTHING: [u8; 4] = [0; 4];

impl<'a> GifAnimator<'a> {
    pub(super) fn new(
        size: Size,
        animation: Animation,
        plan: &'a Plan,
    ) -> Result<GifAnimator<'a>, Error> {
        let repeat = match animation.plays {
            None => Some(Repeat::Infinite),
            // Players count what comes after the first time.
            Some(plays) => match plays.get() - 1 {
                0 => None,
                times => Some(Repeat::Finite(u16::try_from(times).unwrap_or(u16::MAX))),
            },
        };
        let mut shown = with_room(size.pixels() as usize)?;
        shown.resize(size.pixels() as usize, NOTHING);
        let clock = DelayClock::default();
        let (encoder, next, kept) = (None, None, None);
        Ok(GifAnimator { size, encoder, repeat, plan, clock, shown, next, kept })
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
        let encoder = self.encoder.ok_or_else(|| not_encoded("no picture"))?;
        // Writes the trailer, and tells where dropping would not.
        Ok(encoder.into_inner().map_err(not_encoded)?.0)
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
            _ if self.encoder.is_none() => whole,
            Some(window) => window,
            // A frame has a pixel at least.
            None => Rect { x: 0, y: 0, size: Size::new(1, 1) },
        };
        if let Some(holes) = holes {
            window = window.around(holes);
        }

        let cutout = Cutout::new(self.difference(&pixels, window)?, control)?;
        if self.encoder.is_none() {
            self.begin(&cutout)?;
        }
        let kept = self.kept.as_ref().filter(|kept| kept.palette.is_good_for(&cutout));
        // What is taken away leaves the first colour to some decoders, unless the frame has one that is none.
        let leaves = holes.is_some() && !cutout.has_holes() && !cutout.has_just(256);
        let most = if cutout.has_holes() || leaves { 255 } else { 256 };
        let mut indexed = match kept {
            Some(kept) => cutout.indexed(&kept.palette, control)?,
            None => cutout.indexed(&cutout.palette(most)?, control)?,
        };
        if leaves {
            indexed.cutout = Some(u8::try_from(indexed.colors.len()).map_err(not_encoded)?);
            indexed.colors.push(NOTHING);
        }
        let colors = indexed.colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]);
        let palette = if kept.is_some() { None } else { Some(colors.collect()) };
        let (keeps, transparent) = (kept.is_some(), indexed.cutout);
        let mut frame = Frame {
            delay: self.clock.hundredths(duration),
            dispose: match holes {
                Some(_) => DisposalMethod::Background,
                None => DisposalMethod::Keep,
            },
            transparent,
            left: side(window.x)?,
            top: side(window.y)?,
            width: side(window.size.width)?,
            height: side(window.size.height)?,
            interlaced: self.plan.interlace,
            palette,
            ..Frame::default()
        };
        let packed = |indices: &[u8], frame: &Frame<'static>| -> Result<Frame<'static>, Error> {
            let buffer = if self.plan.interlace {
                interlaced(indices, window.size.width as usize)?
            } else {
                let mut buffer = with_room(indices.len())?;
                buffer.extend_from_slice(indices);
                buffer
            };
            let mut frame = Frame { buffer: buffer.into(), ..frame.clone() };
            frame.make_lzw_pre_encoded();
            Ok(frame)
        };
        let mut written = packed(&indexed.indices, &frame)?;
        if let Some(kept) = self.kept.as_mut() {
            let index = kept.palette.cutout();
            let mut again = false;
            let colors = indexed.indices.chunks_exact_mut(window.size.width as usize);
            for (colors, row) in colors.zip(rows(window, width)) {
                let shown = kept.shown.get_mut(row).unwrap_or_default();
                for (shown, color) in shown.iter_mut().zip(colors) {
                    if !keeps {
                        if Some(*color) != transparent {
                            *shown = index
                        }
                    } else if *color != index && *shown == *color {
                        *color = index;
                        again = true;
                    } else if *color != index {
                        *shown = *color;
                    }
                    if holes.is_some() {
                        *shown = index;
                    }
                }
            }
            if again {
                frame.transparent = Some(index);
                let fewer = packed(&indexed.indices, &frame)?;
                if fewer.buffer.len() < written.buffer.len() {
                    written = fewer;
                }
            }
        }
        let encoder = self.encoder.as_mut().ok_or_else(|| not_encoded("no picture"))?;
        encoder.write_lzw_pre_encoded_frame(&written).map_err(not_encoded)?;

        self.shown = pixels;
        if holes.is_some() {
            rows(window, width).for_each(|row| {
                self.shown.get_mut(row).unwrap_or_default().fill(NOTHING);
            });
        }
        Ok(())
    }

    /// Begins the file with its first picture.
    fn begin(&mut self, first: &Cutout) -> Result<(), Error> {
        let mut colors = Vec::new();
        // A colour less for what is cut out would not be nothing to a picture that has all of them.
        if !first.has_just(256) {
            let palette = first.palette(255)?;
            let mut shown = with_room(self.shown.len())?;
            shown.resize(self.shown.len(), palette.cutout());
            colors = palette.with_cutout();
            self.kept = Some(KeptPalette { palette, shown });
        }
        let (width, height) = (side(self.size.width)?, side(self.size.height)?);
        let encoder = Encoder::new(FallibleBuffer::default(), width, height, &colors);
        let mut encoder = encoder.map_err(not_encoded)?;
        if let Some(repeat) = self.repeat {
            encoder.set_repeat(repeat).map_err(not_encoded)?;
        }
        self.encoder = Some(encoder);
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

    const SIZE: Size = Size { width: 96, height: 64 };

    type Pixel = [u8; 4];

    /// Slopes in more colours than a palette has.
    fn slopes(x: u32, y: u32) -> Pixel {
        [(x * 2) as u8, (y * 3) as u8, (x + y) as u8, 255]
    }

    /// A file of these pictures, each a function of the place.
    fn file(pictures: &[&dyn Fn(u32, u32) -> Pixel]) -> Vec<u8> {
        let animation = Animation { plays: None, alpha: true };
        let plan = Plan::default();
        let mut animator = GifAnimator::new(SIZE, animation, &plan).unwrap();
        for picture in pictures {
            let places = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
            let data = places.flat_map(|(x, y)| picture(x, y)).collect();
            let raster = Raster::from_data(SIZE, Layout::Rgba8, data).unwrap();
            animator.push(raster, 100, &Control::default()).unwrap();
        }
        animator.finish(&Control::default()).unwrap()
    }

    #[test]
    fn what_is_taken_away_has_a_colour_that_is_none() {
        let few = |x: u32, _: u32| [if x < 40 { 200 } else { 9 }, 9, 9, 255];
        let hole = |x: u32, y: u32| {
            if (20..60).contains(&x) && (9..30).contains(&y) { NOTHING } else { slopes(x, y) }
        };
        let other = |x: u32, y: u32| [y as u8, x as u8, (3 * x) as u8, 255];
        let nothing = |_, _| NOTHING;
        let lists: [&[&dyn Fn(u32, u32) -> Pixel]; 4] = [
            &[&slopes, &hole, &slopes, &nothing],
            &[&few, &nothing, &few, &hole],
            &[&slopes, &other, &nothing, &few],
            &[&nothing, &slopes, &nothing],
        ];
        for pictures in lists {
            let file = file(pictures);
            let mut decoder = gif::DecodeOptions::new().read_info(&*file).unwrap();
            let mut disposed = 0;
            while let Some(frame) = decoder.read_next_frame().unwrap() {
                if frame.dispose == DisposalMethod::Background {
                    disposed += 1;
                    assert!(frame.transparent.is_some());
                    let colors = frame.palette.as_ref().map_or(768, Vec::len) / 3;
                    assert!(usize::from(frame.transparent.unwrap()) < colors);
                }
            }
            assert!(disposed > 0);
        }
    }

    /// What is shown of a file whose frames stay, and for each frame whether it has a palette of its own and how
    /// many of its pixels are there.
    fn shown(file: &[u8]) -> (Vec<Vec<Pixel>>, Vec<(bool, usize)>) {
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(file).unwrap();
        let mut canvas = vec![NOTHING; SIZE.pixels() as usize];
        let (mut pictures, mut frames) = (Vec::new(), Vec::new());
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            assert_eq!(frame.dispose, DisposalMethod::Keep);
            let size = Size::new(frame.width.into(), frame.height.into());
            let window = Rect { x: frame.left.into(), y: frame.top.into(), size };
            let pixels = frame.buffer.as_chunks::<4>().0;
            frames.push((frame.palette.is_some(), pixels.iter().filter(|p| p[3] > 0).count()));
            let to = rows(window, SIZE.width as usize).flatten();
            for (to, pixel) in to.zip(pixels).filter(|(_, pixel)| pixel[3] > 0) {
                canvas[to] = *pixel;
            }
            pictures.push(canvas.clone());
        }
        (pictures, frames)
    }

    /// By how much a channel is off on average, in tenths.
    fn off(shown: &[Pixel], picture: &dyn Fn(u32, u32) -> Pixel) -> u32 {
        let places = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
        let off = |a: Pixel, b: Pixel| {
            a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>()
        };
        let sum: u32 = places.zip(shown).map(|((x, y), shown)| off(picture(x, y), *shown)).sum();
        sum * 10 / (3 * SIZE.pixels() as u32)
    }

    #[test]
    fn a_palette_is_kept_while_it_is_good() {
        let moved = |x: u32, y: u32| slopes(x.saturating_sub(20), y);
        let other = |x: u32, y: u32| [255 - (x * 2) as u8, (y * 2) as u8, 200, 255];
        let all: [&dyn Fn(u32, u32) -> Pixel; 4] = [&slopes, &moved, &other, &slopes];
        let (pictures, frames) = shown(&file(&all));
        let own: Vec<bool> = frames.iter().map(|(own, _)| *own).collect();
        assert_eq!(own, [false, false, true, false]);
        for (number, (shown, picture)) in pictures.iter().zip(all).enumerate() {
            let off = off(shown, picture);
            assert!(off < 60, "{number}: {off}");
        }
    }

    #[test]
    fn what_looks_the_same_is_not_written() {
        // All pixels are others, but few by so much that they have another colour.
        let nearly = |x: u32, y: u32| {
            let [r, g, b, a] = slopes(x, y);
            [r, g, b.saturating_add(1), a]
        };
        let (pictures, frames) = shown(&file(&[&slopes, &nearly]));
        assert!(frames[1].1 * 2 < SIZE.pixels() as usize, "{}", frames[1].1);
        assert!(off(&pictures[1], &nearly) < 60);
    }

    #[test]
    fn few_colours_stay_exact() {
        let of = |colors: u32, first: u32| {
            move |x: u32, y: u32| {
                let number = (y * SIZE.width + x) % colors + first;
                [number as u8, (number >> 8) as u8, 7, 255]
            }
        };
        let (some, more, all) = (of(200, 0), of(250, 3), of(256, 0));
        let (few, half) = (of(9, 50), of(100, 20));
        let exact = |pictures: &[&dyn Fn(u32, u32) -> Pixel]| {
            let (shown, frames) = shown(&file(pictures));
            for (shown, picture) in shown.iter().zip(pictures) {
                assert_eq!(off(shown, picture), 0);
            }
            frames.into_iter().map(|(own, _)| own).collect::<Vec<_>>()
        };
        assert_eq!(exact(&[&some, &few, &half, &some]), [false; 4]);
        // A colour that the first one has not.
        assert_eq!(exact(&[&some, &more, &few]), [false, true, false]);
        // There is none left for what stays.
        assert_eq!(exact(&[&all, &some]), [true; 2]);
    }

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
