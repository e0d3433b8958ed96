//! Animated WebP (RFC 9649, section 2.7.1): libwebp's images in frames.

use super::changes::{difference, encode_window};
use super::patch::{Worth, patch};
use crate::image::encode::webp::{bitstream, compress};
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::Raster;
use crate::image::riff;
use crate::image::size::{Rect, Size};
use crate::image::source::Animation;
use crate::image::{Control, Error, Plan};

/// Frames replace what is below them, or are laid over it, and stay.
const NO_BLENDING: u8 = 2;
const BLENDING: u8 = 0;

/// When a patch is worth it. With a loss that is where few blocks of it changed, as libwebp makes more of whole pictures;
/// what it makes of them is off by more than what is near.
const LOSSY: Worth = Worth { near: 3, kept: 75, same: 25 };
const EXACT: Worth = Worth { near: 0, kept: 25, same: 25 };

/// By how much the quality of a patch is higher at most: of a whole picture libwebp makes details coarser, and what is
/// smooth finer, than it was told, and in a patch there is little but details.
const FINER: u8 = 12;

/// The longest duration that there is.
const LONGEST: u32 = 0xff_ffff;

pub(in crate::image) struct WebpAnimator<'a> {
    plan: &'a Plan,
    /// By which patches are made.
    of_patches: Plan,
    has_patches: bool,
    metadata: &'a OutputMetadata<'a>,
    out: Vec<u8>,
    /// The picture before.
    shown: Option<Raster>,
}

impl<'a> WebpAnimator<'a> {
    pub(super) fn new(
        size: Size,
        animation: Animation,
        plan: &'a Plan,
        metadata: &'a OutputMetadata<'a>,
    ) -> Result<WebpAnimator<'a>, Error> {
        let mut out = Vec::new();
        let alpha = if animation.alpha { riff::FLAG_ALPHA } else { 0 };
        riff::start(&mut out);
        riff::extended(&mut out, size, riff::FLAG_ANIMATION | alpha | metadata.riff_flags());
        metadata.put_profile(&mut out);
        let plays = animation.plays.map_or(0, |plays| plays.get().min(u16::MAX.into()));
        let [low, high, ..] = plays.to_le_bytes();
        riff::chunk(&mut out, b"ANIM", &[0, 0, 0, 0, low, high]);
        let finer = FINER.min(100u8.saturating_sub(plan.webp_quality) / 5 * 3);
        let of_patches = Plan { webp_quality: plan.webp_quality + finer, ..plan.clone() };
        Ok(WebpAnimator { plan, of_patches, has_patches: false, metadata, out, shown: None })
    }

    pub(super) fn push(
        &mut self,
        raster: Raster,
        duration: u32,
        control: &Control,
    ) -> Result<(), Error> {
        let raster = widen(raster, control)?;
        let worth = if self.plan.lossless { EXACT } else { LOSSY };
        let shown = self.shown.as_mut().filter(|shown| shown.layout() == raster.layout());
        let window = match shown {
            None => Rect { x: 0, y: 0, size: raster.size() },
            Some(shown) => {
                let window = even(difference(shown, &raster));
                if let Some((part, patch)) = patch(shown, &raster, window, worth, control)? {
                    drop(raster);
                    let encoded = compress(&patch, &self.of_patches, control)?;
                    self.has_patches = true;
                    return self.write(&encoded, part, duration, BLENDING);
                }
                window
            }
        };
        let encoded =
            encode_window(&raster, window, control, |part| compress(part, self.plan, control))?;
        self.shown = Some(raster);
        self.write(&encoded, window, duration, NO_BLENDING)
    }

    fn write(
        &mut self,
        encoded: &[u8],
        window: Rect,
        duration: u32,
        blending: u8,
    ) -> Result<(), Error> {
        let mut head = [0; 16];
        let Rect { x, y, size } = window;
        let fields = [x / 2, y / 2, size.width - 1, size.height - 1, duration.min(LONGEST)];
        for (to, field) in head.as_chunks_mut::<3>().0.iter_mut().zip(fields) {
            let [a, b, c, _] = field.to_le_bytes();
            *to = [a, b, c];
        }
        head[15] = blending;
        let chunks = bitstream(encoded);
        self.out.try_reserve(chunks.len() + 24).map_err(|_| Error::out_of_memory(chunks.len()))?;
        riff::nested(&mut self.out, b"ANMF", &head, chunks);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, Error> {
        if self.has_patches {
            riff::add_flag(&mut self.out, riff::FLAG_ALPHA);
        }
        self.metadata.put_rest(&mut self.out);
        riff::finish(&mut self.out).ok_or_else(|| not_encoded("the file is too large"))?;
        Ok(self.out)
    }
}

/// The window with a corner that the format can express, at even coordinates.
fn even(Rect { x, y, size }: Rect) -> Rect {
    let size = Size::new(size.width + x % 2, size.height + y % 2);
    Rect { x: x - x % 2, y: y - y % 2, size }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image_webp::WebPDecoder;

    use super::*;
    use crate::image::raster::Layout;

    const SIZE: Size = Size { width: 160, height: 120 };

    fn picture(number: u32, layout: Layout) -> Raster {
        let pixel = |x: u32, y: u32| {
            let grain = ((x * 7919) ^ (y * 104_729)) % 23;
            let slope = [x + grain, y + grain, (x + y) / 2].map(|v| v as u8);
            // What moves is in two corners.
            let marked = x / 16 == number && y < 16 || x / 16 == 9 - number && y >= 104;
            let [r, g, b] = if marked { [250, 240, 20] } else { slope };
            [r, g, b, 255].into_iter().take(layout.channels())
        };
        let places = (0..SIZE.height).flat_map(|y| (0..SIZE.width).map(move |x| (x, y)));
        Raster::from_data(SIZE, layout, places.flat_map(|(x, y)| pixel(x, y)).collect()).unwrap()
    }

    fn file(plan: &Plan, layout: Layout, pictures: u32) -> Vec<u8> {
        let metadata = OutputMetadata::default();
        let animation = Animation { plays: None, alpha: layout.has_alpha() };
        let mut animator = WebpAnimator::new(SIZE, animation, plan, &metadata).unwrap();
        for number in 0..pictures {
            animator.push(picture(number, layout), 100, &Control::default()).unwrap();
        }
        animator.finish().unwrap()
    }

    #[test]
    fn what_stays_takes_no_space() {
        for lossless in [false, true] {
            for layout in [Layout::Rgb8, Layout::Rgba8] {
                let plan = Plan { lossless, ..Plan::default() };
                let (one, many) = (file(&plan, layout, 1).len(), file(&plan, layout, 7));
                let each = (many.len() - one) / 6;
                assert!(each * 6 < one, "{lossless} {layout:?}: {each} of {one}");

                let mut decoder = WebPDecoder::new(Cursor::new(&many)).unwrap();
                // Frames with alpha have to be announced.
                assert!(decoder.has_alpha());
                let mut shown = vec![0; decoder.output_buffer_size().unwrap()];
                for number in 0..7 {
                    decoder.read_frame(&mut shown).unwrap();
                    let wanted = picture(number, Layout::Rgba8);
                    let off = shown.iter().zip(wanted.data()).map(|(a, b)| a.abs_diff(*b));
                    if lossless {
                        // The crate rounds what is below something transparent; libwebp does not.
                        assert!(off.max() <= Some(1), "{layout:?} {number}");
                        continue;
                    }
                    let off: u64 = off.map(u64::from).sum();
                    assert!(off <= 5 * SIZE.pixels() * 3, "{layout:?} {number}: {off}");
                }
            }
        }
    }
}
