//! How much smaller than stored an image is decoded.

use super::jpeg::scales;
use crate::image::pixels::LARGEST_BOX;
use crate::image::size::Size;
use crate::image::source::{Container, Source};

/// By how much the side of a plane is shrunk at most: with more, all of it would be held, and be scaled
/// without a look at the [`Control`](crate::image::Control).
pub(in crate::image) const STEEPEST: u32 = 8;

/// How much of what is decoded is still there in an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Fidelity {
    /// So little that it takes no more bytes where levels are a little others than they should be.
    Coarse,
    /// Nearly all.
    Fine,
    /// Each pixel, as far as the format has its colours.
    Exact,
}

/// By which means, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Scale {
    /// Not at all.
    Whole,
    /// JPEG: to so many eighths, one of [`scales`].
    Eighths(u32),
    /// PNG, WebP and HEIC: to the averages of boxes of pixels of that side.
    Boxes(u32),
    /// WebP: to just that size, by averages of areas. SVG: drawn at that size.
    To(Size),
    /// WebP of luma and chroma: each is scaled by itself, to what is kept of that size.
    Planes(Size),
}

impl Scale {
    /// What is best for an image that is to be scaled to a size.
    ///
    /// Something is left to the resize, so that its filter still decides what the
    /// result looks like.
    pub(in crate::image) fn new(source: &Source, scaled: Size, fidelity: Fidelity) -> Scale {
        let stored = Size::new(source.info.width, source.info.height);
        match &source.kind {
            Container::Jpeg(jpeg) => eighths(scales(jpeg), stored, scaled),
            Container::Png(png) if !png.interlaced && !source.info.alpha => boxes(stored, scaled),
            Container::Heic(_) if !source.info.alpha => boxes(stored, scaled),
            Container::Webp(webp) if !source.info.alpha => match webp.still() {
                Some(still) if still.lossless => twice(stored, scaled, 6),
                Some(_) if fidelity != Fidelity::Exact && planes_do(stored, scaled) => {
                    Scale::Planes(scaled)
                }
                // It leaves out the deblocking filter, too.
                Some(_) => twice(stored, scaled, 9),
                None => Scale::Whole,
            },
            Container::Svg(_) => Scale::To(scaled),
            Container::Png(_)
            | Container::Webp(_)
            | Container::Gif(_)
            | Container::Avif(_)
            | Container::Bitmap(_)
            | Container::Tiff(_)
            | Container::Jxl(_)
            | Container::Heic(_) => Scale::Whole,
        }
    }

    /// How many pixels come of a part of an image, and how many of each of its own, across and
    /// down.
    pub(in crate::image) fn of(self, part: Size, stored: Size) -> [(u32, f64); 2] {
        let side = |part: u32, stored: u32, to: u32| match self {
            Scale::Whole => (part, 1.0),
            Scale::Eighths(eighths) => (times(part, eighths, 8), f64::from(eighths) / 8.0),
            Scale::Boxes(side) => (part.div_ceil(side), 1.0 / f64::from(side)),
            Scale::To(_) | Scale::Planes(_) => {
                let pixels = times(part, to, stored);
                (pixels, f64::from(pixels) / f64::from(part))
            }
        };
        let to = if let Scale::To(to) | Scale::Planes(to) = self { to } else { stored };
        [side(part.width, stored.width, to.width), side(part.height, stored.height, to.height)]
    }
}

/// So many times so many of so many parts, rounded up.
fn times(pixels: u32, many: u32, parts: u32) -> u32 {
    (u64::from(pixels) * u64::from(many)).div_ceil(u64::from(parts)) as u32
}

/// The smallest scale that leaves a shrink of at least 1.5: with less, the coarse
/// filter of the scaled inverse DCT shows in the result.
fn eighths(scales: &[u32], stored: Size, scaled: Size) -> Scale {
    let enough = |eighths: u32, stored: u32, scaled: u32| {
        u64::from(stored) * u64::from(eighths) >= u64::from(scaled) * 12
    };
    scales
        .iter()
        .copied()
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
/// Of lossless images a shrink of less than 6 would take longer.
pub(super) fn twice(stored: Size, scaled: Size, least: u32) -> Scale {
    let enough = |stored: u32, scaled: u32| stored / scaled.max(1) >= least;
    if enough(stored.width, scaled.width) && enough(stored.height, scaled.height) {
        Scale::To(Size::new(2 * scaled.width, 2 * scaled.height))
    } else {
        boxes(stored, scaled)
    }
}

/// Whether luma and chroma of an image are to be scaled each by itself, whose levels are fewer than those of colours:
/// with less of a shrink chroma would be enlarged, and with more the scaler of planes would hold all of one.
fn planes_do(stored: Size, scaled: Size) -> bool {
    let fits = |stored: u32, scaled: u32| stored >= 2 * scaled && stored / STEEPEST < scaled;
    fits(stored.width, scaled.width) && fits(stored.height, scaled.height)
}
