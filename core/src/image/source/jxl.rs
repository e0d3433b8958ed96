//! JPEG XL (ISO/IEC 18181): the boxes around a codestream.

#[cfg(feature = "jxl")]
mod codestream;
#[cfg(feature = "jxl")]
mod entropy;
#[cfg(feature = "jxl")]
mod head;
#[cfg(feature = "jxl")]
mod parts;

#[cfg(feature = "jxl")]
use std::borrow::Cow;

use super::Embedded;
use super::headers::SourceHeaders;
use crate::image::Error;
use crate::image::bytes::be32;
use crate::image::isobmff::IsoBox;
use crate::image::raster::Layout;
use crate::image::size::Size;

/// Boxes that are looked at for metadata.
const MOST_BOXES: usize = 1024;

/// Samples of a hidden frame at least, however small the image is.
#[cfg(feature = "jxl")]
const FEW_SAMPLES: usize = 1 << 20;

/// What the headers say besides [`Info`](crate::image::Info).
#[derive(Debug)]
#[cfg_attr(not(feature = "jxl"), expect(dead_code, reason = "it is not read"))]
pub(in crate::image) struct Jxl<'a> {
    /// The signature, and boxes, and the headers of the codestream, for the decoder.
    #[cfg(feature = "jxl")]
    head: Vec<u8>,
    #[cfg(feature = "jxl")]
    codestream: Cow<'a, [u8]>,
    /// Where in it the frames begin.
    #[cfg(feature = "jxl")]
    frames: usize,
    #[cfg(not(feature = "jxl"))]
    of: std::marker::PhantomData<&'a ()>,
    pub(in crate::image) size: Size,
    /// That of the decoded raster.
    pub(in crate::image) layout: Layout,
    /// Channels beside the colours.
    pub(in crate::image) extra: usize,
}

#[cfg(feature = "jxl")]
impl Jxl<'_> {
    /// A decoder that has read the headers, and knows what pixels are wanted; and the rest of the
    /// input. No frame may have more samples than the image.
    pub(in crate::image) fn decoder(&self) -> Result<(::jxl::api::JxlDecoder, &[u8]), Error> {
        let samples = self.size.pixels().saturating_mul(3 + self.extra as u64);
        let samples = usize::try_from(samples).unwrap_or(usize::MAX).max(FEW_SAMPLES);
        let (decoder, _) = codestream::open(&self.head, Some(samples.saturating_add(1)))?;
        Ok((decoder, self.codestream.get(self.frames..).unwrap_or_default()))
    }

    /// Bytes of the input that are held a second time.
    pub(in crate::image) fn copied(&self) -> usize {
        self.head.len() + if let Cow::Owned(copy) = &self.codestream { copy.len() } else { 0 }
    }
}

/// Reads the headers; no frame is looked at.
#[cfg(feature = "jxl")]
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Jxl<'_>>, Error> {
    let parts::Codestream { bytes: codestream, level } = parts::codestream(input)?;
    let head::Head { bytes, len: frames } = head::Head::read(&codestream)?;
    let head = parts::around(&bytes, level)?;
    let (decoder, codestream::Opened { basic, layout }) = codestream::open(&head, None)?;
    let side = |side: usize| {
        u32::try_from(side).map_err(|_| crate::image::error::broken("a side is too long"))
    };
    let size = Size::new(side(basic.size.0)?, side(basic.size.1)?);
    let mut embedded = Embedded::default();
    if input.starts_with(&[0]) {
        boxes(input, &mut embedded);
    }
    codestream::colors(decoder.output_color_profile(), &mut embedded);
    Ok(SourceHeaders {
        info: crate::image::Info {
            format: crate::image::Format::Jxl,
            width: size.width,
            height: size.height,
            // The decoder turns it, whatever Exif says.
            orientation: 1,
            frames: 1,
            alpha: layout.has_alpha(),
            bits: basic.bit_depth.bits_per_sample().min(32) as u8,
            has_palette: false,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        own: Jxl { head, codestream, frames, size, layout, extra: basic.extra_channels.len() },
        embedded,
        fault: None,
        damage: None,
    })
}

#[cfg(not(feature = "jxl"))]
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Jxl<'_>>, Error> {
    Err(crate::image::unsupported(input))
}

/// Exif and XMP of a container (ISO/IEC 18181-2), as far as they are not compressed.
#[cfg_attr(not(feature = "jxl"), expect(dead_code, reason = "it is not read"))]
fn boxes<'a>(input: &'a [u8], embedded: &mut Embedded<'a>) {
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        let Some(found) = IsoBox::read_whole(input, at, input.len()) else { return };
        let body = input.get(found.body..found.end).unwrap_or_default();
        match &found.kind {
            // Behind the place of its TIFF header.
            b"Exif" => embedded.exif = embedded.exif.or_else(|| tiff(body)),
            b"xml " => embedded.xmp = embedded.xmp.or(Some(body)),
            _ => {}
        }
        at = found.end;
    }
}

fn tiff(body: &[u8]) -> Option<&[u8]> {
    let offset = be32(body, 0)?;
    body.get(4..)?.get(usize::try_from(offset).ok()?..)
}
