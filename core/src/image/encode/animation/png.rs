//! Animated PNG (W3C PNG, third edition, section 11.3.6): frames in chunks of their own.

use super::changes::{difference, encode_window};
use crate::image::encode::png::{animation_head, compress};
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::png_chunk::chunk;
use crate::image::raster::{Layout, Raster};
use crate::image::size::{Rect, Size};
use crate::image::source::Animation;
use crate::image::{Control, Error, Plan};

/// Frames stay, and replace what is below them.
const STAYS: u8 = 0;
const REPLACES: u8 = 0;

/// Bytes of the chunk that says how many frames there are, and of one that begins a frame.
const ANIMATION_CONTROL: usize = 20;
const FRAME_CONTROL: usize = 38;
/// Bytes around a piece of data.
const AROUND_DATA: usize = 16;

pub(in crate::image) struct PngAnimator<'a> {
    size: Size,
    animation: Animation,
    plan: &'a Plan,
    metadata: &'a OutputMetadata<'a>,
    out: Vec<u8>,
    /// Where in it the chunk is that says how many frames there are.
    control: usize,
    frames: u32,
    /// The number of the next chunk.
    number: u32,
    /// The picture before.
    shown: Option<Raster>,
}

impl<'a> PngAnimator<'a> {
    pub(super) fn new(
        size: Size,
        animation: Animation,
        plan: &'a Plan,
        metadata: &'a OutputMetadata<'a>,
    ) -> PngAnimator<'a> {
        PngAnimator {
            size,
            animation,
            plan,
            metadata,
            out: Vec::new(),
            control: 0,
            frames: 0,
            number: 0,
            shown: None,
        }
    }

    pub(super) fn push(
        &mut self,
        raster: Raster,
        duration: u32,
        control: &Control,
    ) -> Result<(), Error> {
        let raster = widen(raster, control)?;
        let window = match &self.shown {
            None => {
                self.begin(raster.layout())?;
                Rect { x: 0, y: 0, size: self.size }
            }
            Some(shown) if shown.layout() == raster.layout() => difference(shown, &raster),
            Some(_) => return Err(not_encoded("pictures of different layouts")),
        };
        let made =
            encode_window(&raster, window, control, |part| compress(part, self.plan, control))?;
        let room = FRAME_CONTROL + made.len + AROUND_DATA * made.pieces.len();
        self.out.try_reserve(room).map_err(|_| Error::out_of_memory(room))?;

        let Rect { x, y, size } = window;
        let sides = [size.width, size.height, x, y].map(u32::to_be_bytes);
        let delay = delay(duration).map(u16::to_be_bytes);
        let (number, how) = (self.next_number(), [STAYS, REPLACES]);
        chunk(&mut self.out, b"fcTL", &[&number, sides.as_flattened(), delay.as_flattened(), &how]);
        for piece in &made.pieces {
            if self.frames == 0 {
                chunk(&mut self.out, b"IDAT", &[piece]);
            } else {
                let number = self.next_number();
                chunk(&mut self.out, b"fdAT", &[&number, piece]);
            }
        }
        self.frames += 1;
        self.shown = Some(raster);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, Error> {
        let mut control = Vec::new();
        self.put_control(&mut control);
        let place = self.out.get_mut(self.control..).unwrap_or_default();
        place.iter_mut().zip(control).for_each(|(to, from)| *to = from);
        chunk(&mut self.out, b"IEND", &[]);
        Ok(self.out)
    }

    /// Writes all before the first frame.
    fn begin(&mut self, layout: Layout) -> Result<(), Error> {
        let mut head = animation_head(self.size, layout, self.plan, self.metadata)?;
        head.try_reserve(ANIMATION_CONTROL).map_err(|_| Error::out_of_memory(ANIMATION_CONTROL))?;
        self.control = head.len();
        self.put_control(&mut head);
        self.out = head;
        Ok(())
    }

    fn put_control(&self, out: &mut Vec<u8>) {
        let plays = self.animation.plays.map_or(0, |plays| plays.get().min(i32::MAX as u32));
        chunk(out, b"acTL", &[&self.frames.to_be_bytes(), &plays.to_be_bytes()]);
    }

    fn next_number(&mut self) -> [u8; 4] {
        let number = self.number;
        self.number += 1;
        number.to_be_bytes()
    }
}

/// Milliseconds as a fraction of a second: as fine as 16 bits allow.
fn delay(duration: u32) -> [u16; 2] {
    let fits = |unit: u32| {
        let parts = duration.saturating_add(500 / unit) / (1000 / unit);
        Some([u16::try_from(parts).ok()?, unit as u16])
    };
    fits(1000).or_else(|| fits(100)).or_else(|| fits(1)).unwrap_or([u16::MAX, 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_fractions() {
        for (duration, parts) in [
            (0, [0, 1000]),
            (33, [33, 1000]),
            (65_535, [65_535, 1000]),
            (65_536, [6554, 100]),
            (655_354, [65_535, 100]),
            (655_355, [655, 1]),
            (u32::MAX, [65_535, 1]),
        ] {
            assert_eq!(delay(duration), parts, "{duration}");
        }
    }
}
