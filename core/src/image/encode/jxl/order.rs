//! What libjxl is to do, written down for the process in which it does it.

use std::array;

use image_gate_codecs::jxl::{Image, Source};

use crate::image::bytes::le32;

/// Numbers of 32 bits that it begins with.
const NUMBERS: usize = 13;

/// Bytes of them.
const HEAD: usize = NUMBERS * 4;

/// An image, a JPEG, or pictures that are yet to come.
#[derive(Debug, Clone, Copy)]
pub(in crate::image::encode) struct Order<'a> {
    pub(in crate::image::encode) effort: u8,
    /// How often pictures are played, or 0 for ever.
    pub(in crate::image::encode) plays: u32,
    pub(in crate::image::encode) source: Source<'a>,
}

impl<'a> Order<'a> {
    /// What it begins with, of which [`parts`](Order::parts) are made.
    pub(in crate::image::encode) fn head(&self) -> [u8; HEAD] {
        let mut numbers = [0; NUMBERS];
        let Order { effort, plays, source } = self;
        (numbers[0], numbers[1]) = (u32::from(*effort), *plays);
        if let Source::Pixels(image) = source {
            let &Image {
                width, height, channels, deep, code_points, orientation, distance, ..
            } = image;
            let len = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX);
            numbers = [
                numbers[0],
                numbers[1],
                width,
                height,
                channels.into(),
                deep.into(),
                code_points.0.into(),
                code_points.1.into(),
                orientation.into(),
                distance.to_bits(),
                len(image.icc),
                len(image.exif),
                len(image.xmp),
            ];
        }
        let mut head = [0; HEAD];
        head.copy_from_slice(numbers.map(u32::to_le_bytes).as_flattened());
        head
    }

    /// All of it, with its head.
    pub(in crate::image::encode) fn parts<'b>(&'b self, head: &'b [u8; HEAD]) -> [&'b [u8]; 5] {
        match &self.source {
            Source::Jpeg(jpeg) => [head, &[], &[], &[], jpeg],
            Source::Pixels(image) => [head, image.icc, image.exif, image.xmp, image.pixels],
        }
    }

    /// Reads one; `None` where it is none.
    pub(in crate::image::encode) fn read(bytes: &'a [u8]) -> Option<Order<'a>> {
        let (head, mut rest) = bytes.split_at_checked(HEAD)?;
        let numbers: [u32; NUMBERS] = array::from_fn(|at| le32(head, 4 * at).unwrap_or_default());
        let [effort, plays, width, height, channels, deep, of_pixels @ ..] = numbers;
        let [primaries, curve, orientation, distance, lens @ ..] = of_pixels;
        let byte = |number: u32| u8::try_from(number).ok();
        let source = match byte(channels)? {
            0 => Source::Jpeg(rest),
            channels => {
                let mut part = |len: u32| {
                    let part;
                    (part, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
                    Some(part)
                };
                let [icc, exif, xmp] = lens;
                let (icc, exif, xmp) = (part(icc)?, part(exif)?, part(xmp)?);
                Source::Pixels(Image {
                    pixels: rest,
                    width,
                    height,
                    channels,
                    deep: deep != 0,
                    code_points: (byte(primaries)?, byte(curve)?),
                    orientation: byte(orientation)?,
                    distance: f32::from_bits(distance),
                    icc,
                    exif,
                    xmp,
                })
            }
        };
        Some(Order { effort: byte(effort)?, plays, source })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let image = Image {
            pixels: &[1, 2, 3, 4, 5, 6],
            width: 1,
            height: 2,
            channels: 3,
            deep: false,
            code_points: (9, 16),
            orientation: 6,
            distance: 1.25,
            icc: b"icc",
            exif: b"",
            xmp: b"<x/>",
        };
        for source in [Source::Pixels(image), Source::Jpeg(b"jpeg")] {
            let order = Order { effort: 7, plays: 3, source };
            let written = order.parts(&order.head()).concat();
            assert_eq!(format!("{:?}", Order::read(&written).unwrap()), format!("{order:?}"));
            let head = &written[..HEAD - 1];
            assert!(Order::read(head).is_none());
        }
        let order = Order { effort: 7, plays: 3, source: Source::Pixels(image) };
        let written = order.parts(&order.head()).concat();
        assert!(Order::read(&written[..HEAD + 5]).is_none(), "its profile is not all there");
    }
}
