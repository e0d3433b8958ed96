//! How a source is to be decoded: at which scale, and what of it.

use super::part::part;
use super::scale::{Fidelity, Scale, twice};
use crate::image::pixels::Placed;
use crate::image::size::{Rect, Size};
use crate::image::source::Source;

/// What of a source is decoded.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Decode {
    pub(in crate::image) scale: Scale,
    /// What of the stored image is.
    pub(in crate::image) part: Rect,
    /// What is kept of the scaled image, where [planes](Scale::Planes) are made to that.
    pub(in crate::image) window: Rect,
    /// How much of it is to be there in the end.
    pub(in crate::image) fidelity: Fidelity,
    /// JPEG only: the number of scans that the decoder accepts.
    pub(in crate::image) scans: u32,
    /// Whether it is decoded picture by picture, where it has several.
    pub(in crate::image) moves: bool,
}

impl Decode {
    /// All of an image of that size, as it is.
    pub(in crate::image) fn all(size: Size, scans: u32) -> Decode {
        let part = Rect { x: 0, y: 0, size };
        let fidelity = Fidelity::Exact;
        Decode { scale: Scale::Whole, part, window: part, fidelity, scans, moves: false }
    }

    /// All of a source of which a region is to be scaled to a size, as small as that allows.
    pub(in crate::image) fn new(
        source: &Source,
        region: Rect,
        scaled: Size,
        fidelity: Fidelity,
        scans: u32,
    ) -> Decode {
        let size = Size::new(source.info.width, source.info.height);
        let side = |stored: u32, region: u32, scaled: u32| {
            let side = (u64::from(stored) * u64::from(scaled)).div_ceil(u64::from(region));
            u32::try_from(side).unwrap_or(u32::MAX)
        };
        let whole = Size::new(
            side(size.width, region.size.width, scaled.width),
            side(size.height, region.size.height, scaled.height),
        );
        let window = Rect { x: 0, y: 0, size: scaled };
        let scale = match Scale::new(source, whole, fidelity) {
            // What is beyond the edges of a region is not to be seen.
            Scale::Planes(_) if region.size != size => twice(size, whole, 9),
            scale => scale,
        };
        Decode { scale, window, fidelity, ..Decode::all(size, scans) }
    }

    /// This, without what is cut away where only a window of the scaled region is kept.
    pub(in crate::image) fn cut(
        self,
        source: &Source,
        region: Rect,
        scaled: Size,
        window: Rect,
    ) -> Decode {
        Decode { part: part(source, region, scaled, window, self.scale), window, ..self }
    }

    /// The size of the decoded raster.
    pub(in crate::image) fn raster_size(&self, stored: Size) -> Size {
        if let Scale::Planes(_) = self.scale {
            return self.window.size;
        }
        let [(width, _), (height, _)] = self.scale.of(self.part.size, stored);
        Size::new(width, height)
    }

    /// How that raster lies in the image.
    pub(in crate::image) fn placed(&self, stored: Size) -> Placed {
        if let Scale::Planes(scaled) = self.scale {
            let origin = (self.window.x.into(), self.window.y.into());
            return Placed { origin, ..Placed::all(scaled) };
        }
        let [(_, across), (_, down)] = self.scale.of(self.part.size, stored);
        let scaled = |x: u32, y: u32| (f64::from(x) * across, f64::from(y) * down);
        Placed {
            extent: scaled(stored.width, stored.height),
            origin: scaled(self.part.x, self.part.y),
        }
    }

    /// How much of the raster lies in a region of the stored image, its edges' pixels included,
    /// and how that lies in the region.
    pub(in crate::image) fn within(&self, stored: Size, region: Rect) -> (Rect, Placed) {
        let [(_, across), (_, down)] = self.scale.of(self.part.size, stored);
        let raster = self.raster_size(stored);
        let span = |first: u32, len: u32, part: u32, density: f64, raster: u32| {
            let start = (f64::from(first) - f64::from(part)) * density;
            let end = start + f64::from(len) * density;
            let from = (start.floor().max(0.0) as u32).min(raster.saturating_sub(1));
            let to = (end.ceil().max(0.0) as u32).clamp(from + 1, raster.max(from + 1));
            (from, to - from, f64::from(from) - start)
        };
        let (x, width, left) = span(region.x, region.size.width, self.part.x, across, raster.width);
        let (y, height, top) = span(region.y, region.size.height, self.part.y, down, raster.height);
        let Size { width: columns, height: rows } = region.size;
        let placed = Placed {
            extent: (f64::from(columns) * across, f64::from(rows) * down),
            origin: (left, top),
        };
        (Rect { x, y, size: Size::new(width, height) }, placed)
    }

    /// The part of the raster of the whole image that is decoded, or `None` for all of it.
    pub(super) fn part_of_raster(&self, stored: Size) -> Option<Rect> {
        let Placed { origin, .. } = self.placed(stored);
        let (x, y, size) = (origin.0 as u32, origin.1 as u32, self.raster_size(stored));
        (self.part.size != stored).then_some(Rect { x, y, size })
    }
}

/// Whether so many rows of an image are shown where the others are missing: half of them.
pub(super) fn enough(rows: u32, height: u32) -> bool {
    rows >= height.div_ceil(2)
}
