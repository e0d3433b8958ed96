//! How much smaller than stored an image is decoded.

use super::super::geometry::Size;
use super::super::pixels::LARGEST_BOX;
use super::super::source::{Kind, Source};
use super::jpeg::EIGHTHS;

/// By which means, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Scale {
    /// Not at all.
    Whole,
    /// JPEG: to so many eighths, one of [`EIGHTHS`].
    Eighths(u32),
    /// PNG and WebP: to the averages of boxes of pixels of that side.
    Boxes(u32),
    /// WebP: to just that size, by averages of areas.
    To(Size),
}

impl Scale {
    /// What is best for an image that is to be scaled to a size.
    ///
    /// Something is left to the resize, so that its filter still decides what the
    /// result looks like.
    pub(in super::super) fn new(source: &Source, scaled: Size) -> Scale {
        let stored = Size::new(source.info.width, source.info.height);
        match &source.kind {
            Kind::Jpeg(_) => eighths(stored, scaled),
            Kind::Png(png) if !png.interlaced && !source.info.alpha => boxes(stored, scaled),
            Kind::Webp(webp) if webp.first.is_none() && !source.info.alpha => {
                twice(stored, scaled, webp.lossless)
            }
            Kind::Png(_) | Kind::Webp(_) | Kind::Gif(_) | Kind::Avif => Scale::Whole,
        }
    }

    /// The size of the decoded raster.
    pub(in super::super) fn raster_size(self, stored: Size) -> Size {
        let (times, parts) = match self {
            Scale::Whole => return stored,
            Scale::To(size) => return size,
            Scale::Eighths(eighths) => (eighths, 8),
            Scale::Boxes(side) => (1, side),
        };
        let side =
            |pixels: u32| (u64::from(pixels) * u64::from(times)).div_ceil(u64::from(parts)) as u32;
        Size::new(side(stored.width), side(stored.height))
    }

    /// The part of that raster that the image covers, from its top left corner:
    /// a smaller one may end within its last column and row.
    pub(in super::super) fn extent(self, stored: Size) -> (f64, f64) {
        let scale = match self {
            Scale::Whole => 1.0,
            Scale::To(size) => return (size.width.into(), size.height.into()),
            Scale::Eighths(eighths) => f64::from(eighths) / 8.0,
            Scale::Boxes(side) => 1.0 / f64::from(side),
        };
        let side = |pixels: u32| f64::from(pixels) * scale;
        (side(stored.width), side(stored.height))
    }
}

/// The smallest scale that leaves a shrink of at least 1.5: with less, the coarse
/// filter of the scaled inverse DCT shows in the result.
fn eighths(stored: Size, scaled: Size) -> Scale {
    let enough = |eighths: u32, stored: u32, scaled: u32| {
        u64::from(stored) * u64::from(eighths) >= u64::from(scaled) * 12
    };
    EIGHTHS
        .into_iter()
        .find(|&eighths| {
            enough(eighths, stored.width, scaled.width)
                && enough(eighths, stored.height, scaled.height)
        })
        .filter(|&eighths| eighths < 8)
        .map_or(Scale::Whole, Scale::Eighths)
}

/// Boxes that leave a shrink of at least 2. Those of 2 take longer than a resize of
/// everything does, and so do those that have to be weighted by alpha.
fn boxes(stored: Size, scaled: Size) -> Scale {
    let times = |stored: u32, scaled: u32| stored / scaled.max(1) / 2;
    let side = times(stored.width, scaled.width).min(times(stored.height, scaled.height));
    if side < 3 { Scale::Whole } else { Scale::Boxes(side.min(LARGEST_BOX)) }
}

/// Twice the size, by libwebp itself, where that is worth it.
///
/// It leaves out the deblocking filter of lossy images then, which shows in shrinks
/// of less than 9; of lossless ones, a shrink of less than 6 would take longer.
fn twice(stored: Size, scaled: Size, lossless: bool) -> Scale {
    let least = if lossless { 6 } else { 9 };
    let enough = |stored: u32, scaled: u32| stored / scaled.max(1) >= least;
    if enough(stored.width, scaled.width) && enough(stored.height, scaled.height) {
        Scale::To(Size::new(2 * scaled.width, 2 * scaled.height))
    } else {
        boxes(stored, scaled)
    }
}
