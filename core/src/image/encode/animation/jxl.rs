//! Animated JPEG XL (ISO/IEC 18181-1, annex F): frames by libjxl, which can't be stopped within one.

use image_gate_codecs::jxl::{self, Window};

use super::changes::{difference, encode_window};
use crate::image::control::fits;
use crate::image::encode::jxl::{Effort, image, moving_effort};
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::{Layout, Raster};
use crate::image::size::{Rect, Size};
use crate::image::source::Animation;
use crate::image::{Control, Error, Plan};

/// The shortest time in milliseconds that a picture is shown for: level 5 has 120 pictures a second at most.
const SHORTEST: u32 = 9;

pub(in crate::image) struct JxlAnimator<'a> {
    size: Size,
    animation: Animation,
    frames: u32,
    plan: &'a Plan,
    metadata: &'a OutputMetadata<'a>,
    out: Vec<u8>,
    /// Once the layout of the pictures is known.
    writer: Option<(jxl::Animation<'a>, Effort)>,
    /// The picture before, whose changes are yet to be encoded.
    shown: Option<Raster>,
}

impl<'a> JxlAnimator<'a> {
    pub(super) fn new(
        size: Size,
        animation: Animation,
        frames: u32,
        plan: &'a Plan,
        metadata: &'a OutputMetadata<'a>,
    ) -> JxlAnimator<'a> {
        let (out, writer, shown) = (Vec::new(), None, None);
        JxlAnimator { size, animation, frames, plan, metadata, out, writer, shown }
    }

    pub(super) fn push(
        &mut self,
        raster: Raster,
        duration: u32,
        control: &Control,
    ) -> Result<(), Error> {
        let raster = widen(raster, control)?;
        let window = match &self.shown {
            None => Rect { x: 0, y: 0, size: self.size },
            Some(shown) if shown.layout() == raster.layout() => difference(shown, &raster),
            Some(_) => return Err(not_encoded("pictures of different layouts")),
        };
        let (mut writer, effort) = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(raster.layout(), control)?,
        };
        self.check(effort, control)?;
        let Rect { x, y, size: Size { width, height } } = window;
        let place = Window { x, y, width, height };
        encode_window(&raster, window, control, |part| {
            let duration = duration.max(SHORTEST);
            let written = writer.push(part.data(), place, duration).map_err(not_encoded)?;
            append(&mut self.out, written)
        })?;
        self.writer = Some((writer, effort));
        self.shown = Some(raster);
        Ok(())
    }

    pub(super) fn finish(mut self, control: &Control) -> Result<Vec<u8>, Error> {
        let (mut writer, effort) = self.writer.take().ok_or_else(|| not_encoded("no picture"))?;
        self.check(effort, control)?;
        append(&mut self.out, writer.finish().map_err(not_encoded)?)?;
        control.check()?;
        Ok(self.out)
    }

    fn begin(
        &self,
        layout: Layout,
        control: &Control,
    ) -> Result<(jxl::Animation<'a>, Effort), Error> {
        let channels = layout.channels() as u8;
        let effort = moving_effort(self.plan, channels, self.size, self.frames, control);
        let image = image((&[], self.size, channels), self.plan, self.metadata);
        let plays = self.animation.plays.map_or(0, std::num::NonZeroU32::get);
        let writer = jxl::Animation::new(image, effort.number, plays).map_err(not_encoded)?;
        Ok((writer, effort))
    }

    /// Checks that there is time for a picture.
    fn check(&self, effort: Effort, control: &Control) -> Result<(), Error> {
        control.check()?;
        let in_time = fits(self.size.pixels(), effort.cost, control.remaining());
        if in_time { Ok(()) } else { Err(Error::Timeout) }
    }
}

fn append(out: &mut Vec<u8>, written: &[u8]) -> Result<(), Error> {
    out.try_reserve(written.len()).map_err(|_| Error::out_of_memory(written.len()))?;
    out.extend_from_slice(written);
    Ok(())
}
