//! JPEG XL (ISO/IEC 18181): the boxes around a codestream.

#[cfg(feature = "jxl")]
mod codestream;
#[cfg(feature = "jxl")]
mod entropy;
#[cfg(feature = "jxl")]
mod features;
#[cfg(feature = "jxl")]
mod frames;
#[cfg(feature = "jxl")]
mod head;
#[cfg(feature = "jxl")]
mod parts;

#[cfg(feature = "jxl")]
use std::borrow::Cow;
use std::ops::Range;

#[cfg(feature = "jxl")]
use ::jxl::api::ProfileLevel;

#[cfg(feature = "jxl")]
use super::block::tiff;
use super::headers::SourceHeaders;
use super::{Animation, Block, Embedded};
use crate::image::Error;
#[cfg(feature = "jxl")]
use crate::image::damage::Damage;
#[cfg(feature = "jxl")]
use crate::image::error::truncated;
use crate::image::isobmff::IsoBox;
use crate::image::raster::Layout;
use crate::image::size::Size;

/// Boxes that are looked at for metadata.
const MOST_BOXES: usize = 1024;

/// What the headers say besides [`Info`](crate::image::Info).
#[derive(Debug)]
pub(in crate::image) struct Jxl<'a> {
    /// The signature, and boxes, and the headers of the codestream, for the decoder.
    #[cfg(feature = "jxl")]
    head: Vec<u8>,
    #[cfg(feature = "jxl")]
    codestream: Cow<'a, [u8]>,
    /// The boxes that hold it.
    #[cfg(feature = "jxl")]
    ranges: Vec<Range<usize>>,
    /// Where in it the frames begin.
    #[cfg(feature = "jxl")]
    start: usize,
    #[cfg(feature = "jxl")]
    has_preview: bool,
    /// What there is of frames, or nothing, where the first is faulty.
    #[cfg(feature = "jxl")]
    frames: frames::Frames,
    /// Of an animation what all its pictures have in common.
    pub(in crate::image) animation: Option<Animation>,
    #[cfg(not(feature = "jxl"))]
    of: std::marker::PhantomData<&'a ()>,
    pub(in crate::image) size: Size,
    /// That of the decoded raster.
    pub(in crate::image) layout: Layout,
}

#[cfg(not(feature = "jxl"))]
impl Jxl<'_> {
    pub(in crate::image) fn extent(&self) -> Option<(usize, usize)> {
        None
    }

    pub(in crate::image) fn ranges(&self) -> &[Range<usize>] {
        &[]
    }
}

#[cfg(feature = "jxl")]
impl<'a> Jxl<'a> {
    /// Reads the headers.
    pub(in crate::image) fn read(input: &'a [u8]) -> Result<Jxl<'a>, Error> {
        Ok(read(input)?.own)
    }

    /// A decoder that has read the headers, and knows what pixels are wanted, of 8 bits or of 16, and how
    /// complex the image may be; and the rest of the input. No frame may have more samples than those that were looked at.
    pub(in crate::image) fn decoder(
        &self,
        level: ProfileLevel,
        deep: bool,
    ) -> Result<(::jxl::api::JxlDecoder, &[u8]), Error> {
        let largest = usize::try_from(self.frames.largest).unwrap_or(usize::MAX);
        let (decoder, _) =
            codestream::open(&self.head, Some(largest.saturating_add(1)), level, deep)?;
        Ok((decoder, self.codestream.get(self.start..).unwrap_or_default()))
    }

    /// Bytes that the decoder holds besides what it gives.
    pub(in crate::image) fn decoder_bytes(&self) -> u64 {
        self.frames.bytes
    }

    /// How many pictures there are.
    pub(in crate::image) fn pictures(&self) -> u32 {
        self.frames.shown
    }

    /// How long the codestream is, and how much of that is the image; `None` where it has a preview
    /// besides, or that is not known.
    pub(in crate::image) fn extent(&self) -> Option<(usize, usize)> {
        if self.has_preview {
            return None;
        }
        Some((self.codestream.len(), self.frames.end?))
    }

    /// The boxes that hold the codestream, in their order; the last of it may reach behind the end.
    pub(in crate::image) fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// Bytes of the input that are held a second time, and of where they were.
    pub(in crate::image) fn copied(&self) -> usize {
        let copy = if let Cow::Owned(copy) = &self.codestream { copy.len() } else { 0 };
        self.head.len() + copy + size_of_val(self.ranges.as_slice())
    }
}

/// Reads the headers, those of frames too.
#[cfg(feature = "jxl")]
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Jxl<'_>>, Error> {
    let parts::Found { codestream, ranges } = parts::find(input)?;
    let head::Head { bytes, len: start, headers } = head::Head::read(&codestream)?;
    let head = parts::around(&bytes)?;
    let (decoder, opened) = codestream::open(&head, None, ProfileLevel::Main5, false)?;
    let animation = opened.animation();
    let codestream::Opened { basic, layout } = opened;
    let side = |side: usize| {
        u32::try_from(side).map_err(|_| crate::image::error::broken("a side is too long"))
    };
    let size = Size::new(side(basic.size.0)?, side(basic.size.1)?);
    let mut embedded = Embedded::default();
    if input.starts_with(&[0]) {
        boxes(input, &mut embedded);
    }
    codestream::colors(decoder.output_color_profile(), &mut embedded);
    let has_preview = headers.preview.is_some();
    let (mut frames, fault) = match frames::Frames::read(&codestream, start, &headers) {
        Ok(frames) => (frames, None),
        Err(fault) => (frames::Frames::default(), Some(fault)),
    };
    let damage = frames.damage.take().map(|error| match error {
        error if error == truncated() => Damage::at_the_end(error.to_string()),
        error => Damage::inside(error.to_string()),
    });
    Ok(SourceHeaders {
        info: crate::image::Info {
            format: crate::image::Format::Jxl,
            width: size.width,
            height: size.height,
            // The decoder turns it, whatever Exif says.
            orientation: 1,
            frames: if animation.is_some() { frames.shown.max(1) } else { 1 },
            alpha: layout.has_alpha(),
            bits: basic.bit_depth.bits_per_sample().min(32) as u8,
            has_palette: false,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        own: Jxl { head, codestream, ranges, start, has_preview, frames, animation, size, layout },
        embedded,
        fault,
        damage,
    })
}

#[cfg(not(feature = "jxl"))]
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Jxl<'_>>, Error> {
    Err(crate::image::unsupported(input))
}

/// Exif and XMP of a container (ISO/IEC 18181-2).
#[cfg(feature = "jxl")]
fn boxes<'a>(input: &'a [u8], embedded: &mut Embedded<'a>) {
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        let Some(found) = IsoBox::read_whole(input, at, input.len()) else { return };
        let body = input.get(found.body..found.end).unwrap_or_default();
        match &found.kind {
            // Behind the place of its TIFF header.
            b"Exif" => embedded.exif = embedded.exif.or_else(|| tiff(body).map(Block::Plain)),
            b"xml " => embedded.xmp = embedded.xmp.or(Some(Block::Plain(body))),
            // Behind what it would be if it were not compressed.
            b"brob" => match body.split_first_chunk() {
                Some((b"Exif", packed)) => {
                    embedded.exif = embedded.exif.or(Some(Block::PackedExif(packed)));
                }
                Some((b"xml ", packed)) => {
                    embedded.xmp = embedded.xmp.or(Some(Block::Brotli(packed)));
                }
                _ => {}
            },
            _ => {}
        }
        at = found.end;
    }
}
