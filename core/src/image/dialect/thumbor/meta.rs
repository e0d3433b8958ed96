//! What thumbor and imagor tell of a picture by `meta/`: how it becomes of its source.
//!
//! thumbor: by which steps, in `thumbor`; its arithmetic is that of thumbor 7, whose pages make the picture
//! by these steps themselves. imagor: what it is then, in what stands beside that.

use serde::Serialize;

use crate::image::gravity::{Axis, Gravity};
use crate::image::size::{Rect, Size};
use crate::image::words::Words;
use crate::image::{Canonical, Fit, Measured};

/// What of a link is told, or decides on that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The source as the link names it, percent-encoded.
    pub(super) url: String,
    /// Where the picture is held.
    pub(super) align: Gravity,
    /// The point that it is held at instead, and how large the part is that it is the middle of.
    pub(super) focal: Option<(Gravity, (u32, u32))>,
    /// How it fills its box.
    pub(super) fill: Fill,
}

impl Meta {
    /// Whether both are the same but for how the source is named.
    pub(in crate::image::dialect) fn is_same(&self, other: &Meta) -> bool {
        self.align == other.align && self.focal == other.focal && self.fill == other.fill
    }
}

/// How the box is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// What stands out is cut off.
    Cut,
    /// All of the picture is in it.
    Inside,
    /// It is in the picture.
    Outside,
    /// Whatever the proportions.
    Stretch,
}

impl Words for Fill {
    const WORDS: &'static [(&'static str, Fill)] = &[
        ("cut", Fill::Cut),
        ("inside", Fill::Inside),
        ("outside", Fill::Outside),
        ("stretch", Fill::Stretch),
    ];
}

impl Canonical for Meta {
    fn write(&self, out: &mut String) {
        // The length says where it ends.
        out.push_str(&format!("{}:{} ", self.url.len(), self.url));
        self.align.write(out);
        out.push(' ');
        self.focal.write(out);
        out.push(' ');
        self.fill.write(out);
    }
}

#[derive(Debug, Serialize)]
pub(in crate::image::dialect) struct Told<'a> {
    thumbor: Steps<'a>,
    format: &'static str,
    content_type: &'static str,
    width: u32,
    height: u32,
    orientation: u8,
    pages: u32,
}

#[derive(Debug, Serialize)]
struct Steps<'a> {
    source: Source<'a>,
    operations: Vec<Operation>,
    target: Sides,
    focal_points: [FocalPoint; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    url: &'a str,
    width: u32,
    height: u32,
    frame_count: u32,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Sides {
    width: u32,
    height: u32,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Operation {
    Crop { left: u32, top: u32, right: u32, bottom: u32 },
    Resize(Sides),
    FlipHorizontally,
    FlipVertically,
}

/// A point that is held, in pixels of what is left of the picture where it is cut to the box.
#[derive(Debug, Serialize)]
struct FocalPoint {
    x: u32,
    y: u32,
    /// How much it counts.
    z: u64,
    height: u32,
    width: u32,
    origin: &'static str,
}

impl From<Size> for Sides {
    fn from(Size { width, height }: Size) -> Sides {
        Sides { width, height }
    }
}

impl From<Rect> for Operation {
    fn from(Rect { x, y, size }: Rect) -> Operation {
        let (right, bottom) = (x.saturating_add(size.width), y.saturating_add(size.height));
        Operation::Crop { left: x, top: y, right, bottom }
    }
}

impl Operation {
    /// What is left of a picture.
    fn sides(&self) -> Option<Sides> {
        match *self {
            Operation::Crop { left, top, right, bottom } => {
                Some(Sides { width: right - left, height: bottom - top })
            }
            Operation::Resize(sides) => Some(sides),
            Operation::FlipHorizontally | Operation::FlipVertically => None,
        }
    }
}

impl Meta {
    pub(in crate::image::dialect) fn of(&self, measured: &Measured<'_>) -> Told<'_> {
        let &Measured { plan, inside, region, scaled, window, .. } = measured;
        let mut operations = Vec::new();
        if plan.trim.is_some() {
            operations.push(inside.into());
        }
        let within = |at: u32, start: u32| at.saturating_sub(start);
        let crop = Rect { x: within(region.x, inside.x), y: within(region.y, inside.y), ..region };
        // One beside the picture is none.
        let is_cropped = plan.crop.is_some_and(|area| area.within(inside.size).is_some());
        if is_cropped {
            operations.push(crop.into());
        }
        let point = self.focal_point(crop, measured);
        match self.fill {
            _ if plan.fit == Fit::None => {}
            Fill::Cut => {
                let mut size = region.size;
                if let Some(kept) = cut(size, window.size, &point) {
                    operations.push(kept.into());
                    size = kept.size;
                }
                if window.size != size {
                    operations.push(Operation::Resize(window.size.into()));
                }
            }
            // What enlarges it is a filter, which is no step.
            Fill::Inside
                if scaled.width > region.size.width || scaled.height > region.size.height => {}
            Fill::Inside | Fill::Stretch if scaled == region.size => {}
            Fill::Inside | Fill::Outside | Fill::Stretch => {
                operations.push(Operation::Resize(scaled.into()));
            }
        }
        let (width, height) = measured.size;
        // What filters make of it is no step, either.
        let last = operations.iter().rev().find_map(Operation::sides);
        let target = last.unwrap_or(Sides { width, height });
        if plan.flip.horizontal {
            operations.push(Operation::FlipHorizontally);
        }
        if plan.flip.vertical {
            operations.push(Operation::FlipVertically);
        }
        let source = measured.source_size();
        let source = Source {
            url: &self.url,
            width: source.0,
            height: source.1,
            frame_count: measured.source.frames,
        };
        Told {
            thumbor: Steps { source, operations, target, focal_points: [point] },
            format: measured.format.name(),
            content_type: measured.format.media_type(),
            width,
            height,
            orientation: if plan.orient { 1 } else { measured.source.orientation },
            pages: measured.frames,
        }
    }

    /// The point at which what is left of the picture by a crop is held.
    fn focal_point(&self, crop: Rect, measured: &Measured<'_>) -> FocalPoint {
        let size = crop.size;
        let cuts = self.fill == Fill::Cut && measured.plan.fit != Fit::None;
        let aligned = if cuts { measured.plan.gravity } else { self.align };
        let (at, (width, height), origin) = match self.focal {
            Some((Gravity::Spot { x, y }, area)) if measured.plan.crop.is_none() => {
                (Some((x, y)), area, "Explicit")
            }
            Some((Gravity::Spot { x, y }, area)) => {
                let left = |at: u32, start: u32, len: u32| {
                    at.checked_sub(start).filter(|left| *left <= len)
                };
                match (left(x, crop.x, size.width), left(y, crop.y, size.height)) {
                    (Some(x), Some(y)) => (Some((x, y)), area, "Explicit"),
                    // It was cut away.
                    _ => (None, (1, 1), "alignment"),
                }
            }
            Some((point, area)) => (Some(share(point, size)), area, "Explicit"),
            None if cuts && aligned == Gravity::Smart => {
                // As it was found in what is scaled.
                let middle = |start: u32, kept: u32, scaled: u32, side: u32| {
                    let middle = 2 * u64::from(start) + u64::from(kept);
                    let middle = middle * u64::from(side) / (2 * u64::from(scaled)).max(1);
                    u32::try_from(middle).unwrap_or(side).min(side)
                };
                let Measured { window, scaled, .. } = measured;
                let x = middle(window.x, window.size.width, scaled.width, size.width);
                let y = middle(window.y, window.size.height, scaled.height, size.height);
                (Some((x, y)), (1, 1), "detection")
            }
            None => (None, (1, 1), "alignment"),
        };
        let (x, y) = at.unwrap_or_else(|| match aligned {
            // What a crop cut away is held no more.
            Gravity::Spot { .. } => share(self.align, size),
            aligned => share(aligned, size),
        });
        FocalPoint { x, y, z: u64::from(width) * u64::from(height), height, width, origin }
    }
}

/// The pixel of a point that is meant as shares.
fn share(point: Gravity, size: Size) -> (u32, u32) {
    (point.pixel(Axis::X, size.width), point.pixel(Axis::Y, size.height))
}

/// What is cut out of a picture for a box of other proportions, those being compared by hundredths.
fn cut(size: Size, target: Size, point: &FocalPoint) -> Option<Rect> {
    let ratio = |size: Size| format!("{:.2}", f64::from(size.width) / f64::from(size.height));
    if ratio(size) == ratio(target) {
        return None;
    }
    let [width, height] = [size.width, size.height].map(f64::from);
    let [to_width, to_height] = [target.width, target.height].map(f64::from);
    let (kept_width, kept_height) = if to_width / width > to_height / height {
        (width, (width * to_height / to_width).round_ties_even().max(1.0))
    } else {
        ((to_width * height / to_height).ceil(), height)
    };
    let start = |point: u32, kept: f64, whole: f64| {
        let start = (f64::from(point) - kept / 2.0).max(0.0).min(whole - kept);
        start.round_ties_even().max(0.0) as u32
    };
    let (x, y) = (start(point.x, kept_width, width), start(point.y, kept_height, height));
    let kept = Size::new(
        (kept_width as u32).min(size.width.saturating_sub(x)),
        (kept_height as u32).min(size.height.saturating_sub(y)),
    );
    Some(Rect { x, y, size: kept })
}
