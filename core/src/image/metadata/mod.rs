//! Which of a source's metadata its output carries.

mod exif;
mod xmp;

use std::borrow::Cow;

use exif::NewImage;
pub(super) use xmp::text as xmp_text;

use super::pixels::Converter;
use super::raster::Layout;
use super::size::Size;
use super::source::{Block, Source};
use super::{Format, MetadataPolicy, Plan, ProfilePolicy};

/// Metadata for the output, in the form that [`Embedded`] describes.
#[derive(Debug, Default)]
pub(super) struct OutputMetadata<'a> {
    pub(super) exif: Option<Cow<'a, [u8]>>,
    pub(super) xmp: Option<Cow<'a, [u8]>>,
    pub(super) icc: Option<Cow<'a, [u8]>>,
}

impl OutputMetadata<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.exif.is_none() && self.xmp.is_none() && self.icc.is_none()
    }
}

/// What the plan's metadata policy lets through of a source to an output of that size, as far as it is still
/// so; `srgb` is whether its colours were made that. The profile is not part of it.
pub(super) fn output_metadata<'a>(
    source: &Source<'a>,
    plan: &Plan,
    size: Size,
    srgb: bool,
) -> OutputMetadata<'a> {
    let embedded = &source.embedded;
    let orientation = if plan.orient { 1 } else { source.info.orientation };
    match plan.metadata {
        MetadataPolicy::Strip => OutputMetadata::default(),
        MetadataPolicy::Copyright => OutputMetadata {
            exif: embedded.copyright().map(Cow::Owned),
            ..OutputMetadata::default()
        },
        MetadataPolicy::Keep => OutputMetadata {
            exif: match embedded.exif.and_then(Block::read) {
                Some(exif) => exif::still_so(&exif, NewImage { size, orientation, srgb }),
                // What lies about in a file as large as its pixels is no block of its own, and IPTC and the texts of
                // PNG have no place in others.
                None => embedded.reduced(true, (orientation > 1).then_some(orientation)),
            }
            .map(Cow::Owned),
            xmp: embedded.xmp.and_then(Block::read).and_then(xmp::still_so),
            icc: None,
        },
    }
}

/// Whether an output of that format, made from pixels of that layout, is to
/// carry this profile instead of being converted by it.
///
/// Only a profile of the output's own kind of pixels has a meaning there: no
/// output has CMYK, WebP and AVIF are not written grey, and GIF has no place for a profile. The
/// colours of a watermark are sRGB, so what gets one becomes that, too.
pub(super) fn carries_profile(plan: &Plan, format: Format, layout: Layout, icc: &[u8]) -> bool {
    // Where the header says the colour space (ICC.1:2022, section 7.2.6).
    let space = icc.get(16..20).unwrap_or_default();
    plan.profile == ProfilePolicy::Keep
        && plan.marks.is_empty()
        && match (format, layout) {
            (Format::Gif, _) | (_, Layout::Cmyk8) => false,
            (Format::Webp | Format::Avif, Layout::L8 | Layout::La8) => false,
            (_, Layout::L8 | Layout::La8) => space == b"GRAY",
            (_, Layout::Rgb8 | Layout::Rgba8) => space == b"RGB ",
        }
        // libjxl ends its process at one that it can't convert by.
        && (format != Format::Jxl || Converter::reads(icc, layout))
}
