//! Animated WebP (RFC 9649, section 2.7.1): libwebp's images in frames.

use super::changes::{difference, encode_window};
use crate::image::encode::webp::{bitstream, compress};
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::Raster;
use crate::image::riff;
use crate::image::size::{Rect, Size};
use crate::image::source::Animation;
use crate::image::{Control, Error, Plan};

/// Frames replace what is below them, and stay.
const NO_BLENDING: u8 = 2;

/// The longest duration that there is.
const LONGEST: u32 = 0xff_ffff;

pub(in crate::image) struct WebpAnimator<'a> {
    plan: &'a Plan,
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
        Ok(WebpAnimator { plan, metadata, out, shown: None })
    }

    pub(super) fn push(
        &mut self,
        raster: Raster,
        duration: u32,
        control: &Control,
    ) -> Result<(), Error> {
        let raster = widen(raster, control)?;
        let window = match &self.shown {
            Some(shown) if shown.layout() == raster.layout() => even(difference(shown, &raster)),
            _ => Rect { x: 0, y: 0, size: raster.size() },
        };
        let encoded =
            encode_window(&raster, window, control, |part| compress(part, self.plan, control))?;

        let mut head = [0; 16];
        let Rect { x, y, size } = window;
        let fields = [x / 2, y / 2, size.width - 1, size.height - 1, duration.min(LONGEST)];
        for (to, field) in head.as_chunks_mut::<3>().0.iter_mut().zip(fields) {
            let [a, b, c, _] = field.to_le_bytes();
            *to = [a, b, c];
        }
        head[15] = NO_BLENDING;
        let chunks = bitstream(&encoded);
        self.out.try_reserve(chunks.len() + 24).map_err(|_| Error::out_of_memory(chunks.len()))?;
        riff::nested(&mut self.out, b"ANMF", &head, chunks);
        self.shown = Some(raster);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, Error> {
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
