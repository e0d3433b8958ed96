//! Animated JPEG XL (ISO/IEC 18181-1, annex F): frames by libjxl, which works apart where there is such a place.

use image_gate_codecs::jxl::{self, Source, Window};

use super::changes::{difference, encode_window};
use crate::image::apart::{Exchange, Responder, respond};
use crate::image::bytes::le32;
use crate::image::control::{ShowPicture, fits};
use crate::image::encode::jxl::{Effort, Order, image, moving_effort};
use crate::image::encode::memory::working_bytes;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::{Layout, Raster, data_len};
use crate::image::size::{Rect, Size};
use crate::image::source::Animation;
use crate::image::{Control, Error, Format, Plan};

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
    writer: Option<(Exchange<'a>, Effort)>,
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
        let said = [x, y, width, height, duration.max(SHORTEST)].map(u32::to_le_bytes);
        encode_window(&raster, window, control, |part| {
            writer.ask(said.as_flattened(), part.data(), &mut self.out, control)
        })?;
        self.writer = Some((writer, effort));
        self.shown = Some(raster);
        Ok(())
    }

    pub(super) fn finish(mut self, control: &Control) -> Result<Vec<u8>, Error> {
        let (mut writer, effort) = self.writer.take().ok_or_else(|| not_encoded("no picture"))?;
        self.check(effort, control)?;
        writer.ask(END, &[], &mut self.out, control)?;
        control.check()?;
        Ok(self.out)
    }

    fn begin(&self, layout: Layout, control: &Control) -> Result<(Exchange<'a>, Effort), Error> {
        let channels = layout.channels() as u8;
        let effort = moving_effort(self.plan, channels, self.size, self.frames, control);
        let source = Source::Pixels(image((&[], self.size, channels), self.plan, self.metadata));
        let plays = self.animation.plays.map_or(0, std::num::NonZeroU32::get);
        let order = Order { effort: effort.number, plays, source };
        let longest = data_len(self.size, layout)?.saturating_add(SAID);
        let memory = working_bytes(self.size, Format::Jxl, false);
        let (head, here) = (order.head(), || Ok(Box::new(Encoder::new(order)?) as Box<_>));
        let writer =
            Exchange::begin((longest, memory), &order.parts(&head), encode_apart, here, control)?;
        Ok((writer, effort))
    }

    /// Checks that there is time for a picture.
    fn check(&self, effort: Effort, control: &Control) -> Result<(), Error> {
        control.check()?;
        let in_time = fits(self.size.pixels(), effort.cost, control.remaining());
        if in_time { Ok(()) } else { Err(Error::Timeout) }
    }
}

/// Bytes that are said of a picture: where in the image it is, and for how many milliseconds it is shown.
const SAID: usize = 20;

/// What is said where there is no more.
const END: &[u8] = &[];

/// Encodes pictures where libjxl works.
struct Encoder<'a>(jxl::Animation<'a>);

impl<'a> Encoder<'a> {
    fn new(order: Order<'a>) -> Result<Encoder<'a>, Error> {
        let Source::Pixels(image) = order.source else { return Err(not_encoded("a JPEG")) };
        jxl::Animation::new(image, order.effort, order.plays).map(Encoder).map_err(not_encoded)
    }
}

impl Responder for Encoder<'_> {
    fn respond(&mut self, said: &[u8], pixels: &[u8]) -> Result<&[u8], Error> {
        let written = match said {
            END => self.0.finish(),
            said => {
                let number = |at| le32(said, 4 * at).unwrap_or_default();
                let [x, y, width, height, duration] = std::array::from_fn(number);
                self.0.push(pixels, Window { x, y, width, height }, duration)
            }
        };
        written.map_err(not_encoded)
    }
}

fn encode_apart(
    order: &[u8],
    room: &mut [u8],
    _: &Control,
    show: &mut ShowPicture<'_>,
) -> Result<(), Error> {
    let order = Order::read(order).ok_or_else(|| not_encoded("no order"))?;
    respond(&mut Encoder::new(order)?, room, show)
}
