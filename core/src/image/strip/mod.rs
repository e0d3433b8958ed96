//! Metadata taken out of a source whose pixels stay as they are, byte for byte.
//!
//! Each container has a list of what its pixels need. All else goes, wherever it stands: what is
//! not known can't be told from a position or a second picture. What does not keep to the rules
//! of its container is not stripped at all, so that it is made anew instead.

mod avif;
mod cuts;
mod gif;
mod jpeg;
mod jxl;
mod png;
mod webp;

pub(super) use cuts::Cuts;

use cuts::Kept;

use super::source::{Container, Source};
use super::{Format, MetadataPolicy, Plan, ProfilePolicy};

/// The cuts that leave nothing of a JPEG that its pixels don't need; `None` where it is not understood well
/// enough.
pub(super) fn pixels_alone(jpeg: &[u8]) -> Option<Cuts<'_>> {
    jpeg::cuts(jpeg, &Kept::default())
}

/// The cuts that leave of a source what the plan's policies let through; `None` where it is not
/// understood well enough.
///
/// Whether an orientation is still to be applied by who shows the image is for `turned` to say.
pub(super) fn strip<'a>(source: &Source<'a>, plan: &Plan, turned: bool) -> Option<Cuts<'a>> {
    let input = source.input;
    let copyright = match plan.metadata {
        MetadataPolicy::Keep => return Some(Cuts::new(input)),
        MetadataPolicy::Copyright => true,
        MetadataPolicy::Strip => false,
    };
    // AVIF says it in a property of the image.
    let orientation = match source.info.orientation {
        1 => None,
        _ if !turned || source.info.format == Format::Avif => None,
        orientation => Some(orientation),
    };
    let has_profile = source.info.has_profile;
    let stays = has_profile && plan.profile != ProfilePolicy::Strip;
    let kept = Kept {
        profile: source.embedded.icc.as_ref().filter(|icc| stays && icc.is_profile()),
        exif: source.embedded.reduced(copyright, orientation),
    };
    match &source.kind {
        Container::Jpeg(_) => jpeg::cuts(input, &kept),
        Container::Png(png) => png::cuts(input, png, &kept),
        Container::Gif(_) => gif::cuts(input),
        Container::Webp(webp) => webp::cuts(input, webp, &source.info, &kept),
        Container::Avif(_) => avif::cuts(input, has_profile, &kept),
        Container::Jxl(jxl) => jxl::cuts(input, jxl, has_profile, &kept),
        // They are never what goes out.
        Container::Bitmap(_) | Container::Tiff(_) | Container::Heic(_) | Container::Svg(_) => None,
    }
}
