//! Animated PNG (W3C PNG, third edition, section 11.3.6).

use std::num::NonZeroU32;

use super::chunks::{PngChunks, PngImage, SIGNATURE};
use crate::image::bytes::{array, be32};
use crate::image::damage::Damage;
use crate::image::size::{Rect, Size};
use crate::image::source::{Animation, Dispose};

/// A frame, its pixels still packed.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct PngFrame<'a> {
    control: FrameControl,
    pub(in crate::image) image: PngImage<'a>,
}

impl PngFrame<'_> {
    /// Where on the canvas it lies.
    pub(in crate::image) fn window(&self) -> Rect {
        self.control.window
    }

    pub(in crate::image) fn dispose(&self) -> Dispose {
        self.control.dispose
    }

    /// Whether it is laid over what is there, instead of replacing it.
    pub(in crate::image) fn blend(&self) -> bool {
        self.control.blend
    }

    /// For how many nanoseconds it is shown.
    pub(in crate::image) fn duration(&self) -> u64 {
        self.control.duration
    }
}

/// The frames of a file in their order.
pub(super) fn frames<'a>(input: &'a [u8]) -> impl Iterator<Item = PngFrame<'a>> + use<'a> {
    let mut chunks = PngChunks::new(input, SIGNATURE);
    let mut control = None;
    std::iter::from_fn(move || {
        loop {
            let (kind, data) = match chunks.next() {
                Some((kind, data)) => (kind, data),
                // Of a frame that the file ends within.
                None => {
                    let (kind, data) = chunks.cut()?;
                    control?;
                    chunks.start = chunks.at;
                    chunks.at = input.len();
                    (kind, data)
                }
            };
            match &kind {
                b"fcTL" => control = FrameControl::read(data),
                b"IDAT" | b"fdAT" => {
                    // Without one before it, data is the still image's, or goes on.
                    let Some(control) = control.take() else { continue };
                    let size = control.window.size;
                    let (start, is_frame) = (chunks.start, &kind == b"fdAT");
                    let image = PngImage { size, input, start, is_frame };
                    return Some(PngFrame { control, image });
                }
                b"IEND" => return None,
                _ => {}
            }
        }
    })
}

/// What `fcTL` says of the frame that follows.
#[derive(Debug, Clone, Copy)]
struct FrameControl {
    window: Rect,
    /// Nanoseconds.
    duration: u64,
    dispose: Dispose,
    blend: bool,
}

impl FrameControl {
    fn read(data: &[u8]) -> Option<FrameControl> {
        let [width, height, x, y] =
            [be32(data, 4)?, be32(data, 8)?, be32(data, 12)?, be32(data, 16)?];
        let [a, b, c, d, dispose, blend] = array(data, 20)?;
        let (delay, unit) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let unit = if unit == 0 { 100 } else { unit };
        Some(FrameControl {
            window: Rect { x, y, size: Size::new(width, height) },
            duration: u64::from(delay) * 1_000_000_000 / u64::from(unit),
            dispose: match dispose {
                0 => Dispose::Keep,
                1 => Dispose::Clear,
                2 => Dispose::Restore,
                _ => return None,
            },
            blend: match blend {
                0 => false,
                1 => true,
                _ => return None,
            },
        })
    }

    /// Whether it lies on a canvas of that size, and has a pixel.
    fn fits(&self, canvas: Size) -> bool {
        let Rect { x, y, size } = self.window;
        let within = |start: u32, len: u32, most: u32| {
            len > 0 && start.checked_add(len).is_some_and(|end| end <= most)
        };
        within(x, size.width, canvas.width) && within(y, size.height, canvas.height)
    }
}

/// The chunks of an animation as they come, and whether they keep to the rules.
pub(super) struct AnimationChunks {
    canvas: Size,
    /// Of how many frames there is talk, and how often they are played; 0 is for ever.
    announced: Option<(u32, u32)>,
    /// Frames of which there is data.
    frames: u32,
    /// The number that the next chunk has.
    number: u32,
    /// A frame of which there is no data yet.
    next: Option<FrameControl>,
    /// Whether there was data of the still image, and of which kind the data at hand is.
    has_still: bool,
    is_frame: bool,
    /// Whether what is under the frames shows.
    opens: bool,
    /// Which rule was broken first.
    wrong: Option<&'static str>,
}

impl AnimationChunks {
    pub(super) fn new(canvas: Size) -> AnimationChunks {
        AnimationChunks {
            canvas,
            announced: None,
            frames: 0,
            number: 0,
            next: None,
            has_still: false,
            is_frame: false,
            opens: false,
            wrong: None,
        }
    }

    /// Takes note of a chunk, the last one of `chunks` if it is whole.
    pub(super) fn add(&mut self, kind: &[u8; 4], data: &[u8], chunks: &PngChunks) {
        if let (None, Err(wrong)) = (self.wrong, self.follow(kind, data, chunks)) {
            self.wrong = Some(wrong);
        }
    }

    fn follow(
        &mut self,
        kind: &[u8; 4],
        data: &[u8],
        chunks: &PngChunks,
    ) -> Result<(), &'static str> {
        if kind == b"acTL" && !self.has_still && self.announced.is_none() && chunks.is_sound() {
            self.announced = be32(data, 0).zip(be32(data, 4)).filter(|&(frames, _)| frames > 0);
            return Ok(());
        }
        let all = self.announced.map_or(0, |(frames, _)| frames);
        match kind {
            b"IDAT" => {
                self.has_still = true;
                self.begin();
            }
            // Without a word of an animation in front of the image there is none.
            _ if self.announced.is_none() => {}
            b"fcTL" => {
                let control = FrameControl::read(data).filter(|_| chunks.is_sound());
                let control = control.ok_or("a frame's header is broken")?;
                self.count(data)?;
                let whole = Rect { x: 0, y: 0, size: self.canvas };
                if !control.fits(self.canvas) || !self.has_still && control.window != whole {
                    return Err("a frame sticks out");
                }
                if self.next.is_some() {
                    return Err("a frame has no data");
                }
                if self.frames == all {
                    return Err("there are more frames than announced");
                }
                self.is_frame = self.has_still;
                let first = self.frames == 0;
                self.opens |= control.dispose == Dispose::Clear
                    || first && (control.dispose == Dispose::Restore || control.window != whole);
                self.next = Some(control);
            }
            b"fdAT" => {
                self.count(data)?;
                if !self.is_frame {
                    return Err("a frame has no header");
                }
                self.begin();
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts the frame whose data begins.
    fn begin(&mut self) {
        self.frames += u32::from(self.next.take().is_some());
    }

    /// Checks the number of a chunk.
    fn count(&mut self, data: &[u8]) -> Result<(), &'static str> {
        if be32(data, 0) != Some(self.number) {
            return Err("the chunks of the animation are out of order");
        }
        self.number = self.number.wrapping_add(1);
        Ok(())
    }

    /// How many frames there are, and what they have in common; `None` where nothing but the still
    /// image is shown. And what is wrong.
    pub(super) fn finish(
        self,
        alpha: bool,
        whole: bool,
    ) -> (Option<(u32, Animation)>, Option<Damage>) {
        let Some((announced, plays)) = self.announced else { return (None, None) };
        if let Some(wrong) = self.wrong {
            return (None, Some(Damage::inside(wrong)));
        }
        let missing = whole && (self.frames < announced || self.next.is_some());
        let animation = Animation { plays: NonZeroU32::new(plays), alpha: alpha || self.opens };
        (
            Some((self.frames, animation)).filter(|&(frames, _)| frames > 0),
            missing.then(|| Damage::inside("there are fewer frames than announced")),
        )
    }
}
