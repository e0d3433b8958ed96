//! Sizes, cuts and turns, before any pixel is touched.
//!
//! The arithmetic is that of nginx's `ngx_http_image_filter_module`
//! (`ngx_http_image_resize`), integer floors in the same order, so that a
//! configuration that moves over gets images of the very same size.

mod fit;
mod target;

use std::num::NonZeroU32;

use self::fit::{canvas, cut, scale};
use self::target::{DPR_ONE, Target, dpr, or_endless, portion};
use super::gravity::{Axis, Gravity};
use super::orientation::Orientation;
use super::pixels::{turned, within_shape};
use super::size::{Rect, Size};
use super::{Area, BorderPlace, Bound, Error, Fit, Mask, Plan, RotateBox, Rounding, Sides};

/// Steps to a size that is no larger than allowed: half of what is too much is left by each where a side
/// is a single pixel.
const REDUCTIONS: usize = 32;

/// What happens to a stored image: of it `region` is scaled to `scaled`, cut to `window`, turned
/// by `orient`, and laid at `place` on a `canvas`, which a border makes `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// What is left once a border of one colour is cut away, of which the region is a part.
    pub(super) inside: Rect,
    pub(super) region: Rect,
    pub(super) scaled: Size,
    /// What fills the box, of which the window may be a part.
    pub(super) filling: Rect,
    pub(super) window: Rect,
    pub(super) orientation: Orientation,
    pub(super) place: (u32, u32),
    pub(super) canvas: Size,
    pub(super) border: Edges,
    pub(super) output: Size,
}

/// Widths at the top, on the right, at the bottom and on the left, in pixels of the output.
pub(super) type Edges = [u32; 4];

impl Geometry {
    /// The geometry for a stored image of `stored` pixels that is first made
    /// upright, then cut, fitted, mirrored and rotated as planned.
    ///
    /// # Errors
    /// [`Error::BeyondImage`] where what is cut out lies beside the image.
    pub(super) fn new(stored: Size, upright: Orientation, plan: &Plan) -> Result<Geometry, Error> {
        let rotation = Orientation::from(plan.rotate);
        let inside = plan.trim_sides.within(upright.size(stored)).ok_or_else(|| {
            let Size { width, height } = upright.size(stored);
            Error::BeyondImage(format!("nothing is left of {width}x{height} pixels"))
        })?;
        let region = match part(inside.size, plan.crop, plan.crop_gravity) {
            Err(Error::BeyondImage(_)) if plan.crop_optional => part(inside.size, None, None)?,
            region => region?,
        };
        let region = Rect { x: inside.x + region.x, y: inside.y + region.y, ..region };
        let displayed = region.size;
        let turn = Orientation::from(plan.flip).then(rotation);
        let orientation = upright.then(turn);
        // How the box lies to the displayed image: while that is scaled, and while it is cut.
        let is_after = match plan.rotate_box {
            None => {
                matches!(plan.fit, Fit::Pad { .. } | Fit::AspectPad { .. } | Fit::Stretch { .. })
            }
            Some(space) => space == RotateBox::After,
        };
        let scaling = if is_after { rotation } else { Orientation::default() };
        let (cutting, before) = match plan.rotate_box {
            Some(RotateBox::Before) => (Orientation::default(), Some(turn)),
            _ => (turn, None),
        };
        let sizes = (scaling.size(displayed), scaling.size(upright.size(stored)));
        let target = Target::new(plan, sizes, dpr(plan, sizes));
        let target_before = target.before(scaling);
        if plan.refuses_enlarging {
            target_before.check_within(displayed)?;
        }
        let scaled = scale(displayed, &target_before, plan);
        let gravity = plan.gravity.located(upright.size(stored), region, cutting);
        let filling = cut(cutting.size(scaled), &target, plan, gravity);
        let kept = part(filling.size, plan.crop_after, None)?;
        let kept = match plan.mask {
            Mask::Off => kept,
            _ if !plan.mask_trim => kept,
            mask => {
                let turn = before.unwrap_or_default();
                let shape = within_shape(mask, turn.size(kept.size));
                let shape = turn.source_of(shape, kept.size);
                Rect { x: kept.x + shape.x, y: kept.y + shape.y, ..shape }
            }
        };
        let kept = Rect { x: filling.x + kept.x, y: filling.y + kept.y, ..kept };
        // Turned by less than a quarter, it takes more room.
        let laid = turned(kept.size, plan.tilt);
        let mut output = canvas(laid, target.fit, plan.round);
        let mut place = (
            gravity.place(Axis::X, output.width, laid.width, target.dpr_percent()),
            gravity.place(Axis::Y, output.height, laid.height, target.dpr_percent()),
        );
        if let Some(turn) = before {
            let laid = Rect { x: place.0, y: place.1, size: laid };
            let laid = turn.result_of(laid, output);
            (place, output) = ((laid.x, laid.y), turn.size(output));
        }
        (place, output) = padded(place, output, plan.padding, target.dpr);
        let (canvas, border) = (output, edges(plan.border, target.dpr));
        if plan.border_place == BorderPlace::Around {
            (_, output) = padded((0, 0), output, plan.border, target.dpr);
        }
        let scaled = upright.size(scaled);
        let source_of = |window| upright.then(cutting).source_of(window, scaled);
        Ok(Geometry {
            inside: Rect { x: 0, y: 0, size: stored },
            region: upright.source_of(region, stored),
            scaled,
            filling: source_of(filling),
            window: source_of(kept),
            orientation,
            place,
            canvas,
            border,
            output,
        })
    }

    /// This, where what fills the box lies elsewhere.
    pub(super) fn moved(self, filling: Rect) -> Geometry {
        let x = filling.x + (self.window.x - self.filling.x);
        let y = filling.y + (self.window.y - self.filling.y);
        Geometry { filling, window: Rect { x, y, ..self.window }, ..self }
    }

    /// What no side of an output goes beyond, whatever part of an image of `displayed` pixels is
    /// left to be fitted; one that is enlarged may where that part is narrower than the image.
    pub(super) fn largest_output(displayed: Size, plan: &Plan) -> Size {
        let longest = displayed.width.max(displayed.height);
        let dpr = u32::from(plan.dpr) * 100;
        let square = Size::new(longest, longest);
        let Target { fit, least, .. } = Target::new(plan, (square, square), dpr);
        let side = |bound: Bound| bound.map_or(longest, u32::from);
        // What follows from the other side where that is reached: as of the whole image, or of a square.
        let following = |other: Bound, own: u32, other_own: u32| {
            let other = other.map_or(0, u32::from);
            portion(other, own, other_own, Rounding::Down).saturating_add(1).max(other).max(longest)
        };
        let width_of = |height: Bound| following(height, displayed.width, displayed.height);
        let height_of = |width: Bound| following(width, displayed.height, displayed.width);
        let free = |bound: Bound, following: u32| bound.map_or(following, u32::from);
        let own = Size::new(longest, displayed.width.min(displayed.height));
        let most = match fit {
            Fit::None => own,
            Fit::Outside { .. } if !plan.enlarge => own,
            Fit::Outside { width, height } => {
                Size::new(side(width).max(width_of(height)), side(height).max(height_of(width)))
            }
            Fit::Resize { width, height } if !plan.reduce => {
                Size::new(side(width).max(longest), side(height).max(longest))
            }
            Fit::Resize { width, height }
            | Fit::Crop { width, height }
            | Fit::AspectCrop { width, height }
            | Fit::Auto { width, height }
                if !plan.enlarge =>
            {
                Size::new(or_endless(width).min(longest), or_endless(height).min(longest))
            }
            Fit::Resize { width, height }
            | Fit::Crop { width, height }
            | Fit::AspectCrop { width, height }
            | Fit::Auto { width, height }
            | Fit::Pad { width, height }
            | Fit::AspectPad { width, height }
            | Fit::Stretch { width, height } => {
                Size::new(free(width, width_of(height)), free(height, height_of(width)))
            }
        };
        let most = match plan.bounds.adaptive {
            true => Size::new(most.width.max(most.height), most.width.max(most.height)),
            false => most,
        };
        let most = match least {
            (None, None) => most,
            (width, height) => {
                let least = |bound: Bound| bound.map_or(0, u32::from).max(longest);
                Size::new(most.width.max(least(width)), most.height.max(least(height)))
            }
        };
        let canvas = padded((0, 0), turned(most, plan.tilt), plan.padding, dpr).1;
        padded((0, 0), canvas, plan.border, dpr).1
    }

    /// The geometry at which an image whose size nobody asked for has so many pixels at most, and
    /// sides that are no longer than that.
    ///
    /// # Errors
    /// Those of [`new`](Geometry::new).
    pub(super) fn reduced(
        self,
        (pixels, longest): (u64, u32),
        stored: Size,
        upright: Orientation,
        plan: &Plan,
    ) -> Result<Geometry, Error> {
        let mut reduced = self;
        // What is turned by less than a quarter takes room that is rounded up, and may be too large
        // by a little after the first step.
        for _ in 0..REDUCTIONS {
            let Size { width, height } = upright.size(reduced.scaled);
            let output = reduced.output;
            let by_pixels = (pixels as f64 / output.pixels() as f64).sqrt();
            let by_side = f64::from(longest) / f64::from(output.width.max(output.height));
            let factor = by_pixels.min(by_side);
            if plan.fit != Fit::None || factor >= 1.0 {
                break;
            }
            let side = |side: u32| NonZeroU32::new((f64::from(side) * factor) as u32);
            let fit = Fit::Resize { width: side(width), height: side(height) };
            // Rounded up, one of them could be too much.
            let round = Rounding::Down;
            let plan = Plan { fit, round, rotate_box: None, ..plan.clone() };
            reduced = Geometry::new(stored, upright, &plan)?;
        }
        Ok(reduced)
    }

    /// Whether the image stays just as it is stored.
    pub(super) fn is_identity(&self, stored: Size) -> bool {
        self.orientation.is_none()
            && self.region.size == stored
            && self.scaled == stored
            && self.window.size == stored
            && self.output == stored
    }

    /// The size of the image without what is padded around it.
    #[cfg(test)]
    pub(super) fn inner(&self) -> Size {
        self.orientation.size(self.window.size)
    }
}

/// Where an image lies, and on how large a canvas, once that is padded.
fn padded((x, y): (u32, u32), canvas: Size, by: Sides, dpr: u32) -> ((u32, u32), Size) {
    let [top, right, bottom, left] = edges(by, dpr);
    let size = Size::new(
        canvas.width.saturating_add(left + right),
        canvas.height.saturating_add(top + bottom),
    );
    ((x.saturating_add(left), y.saturating_add(top)), size)
}

/// Widths in pixels of the output.
fn edges(by: Sides, dpr: u32) -> Edges {
    let times = |side: u16| portion(side.into(), dpr, DPR_ONE, Rounding::Nearest);
    let Sides { top, right, bottom, left } = by;
    [top, right, bottom, left].map(times)
}

/// What is kept of an image of that size: an area of it, or all.
fn part(size: Size, area: Option<Area>, held: Option<Gravity>) -> Result<Rect, Error> {
    let Some(area) = area else { return Ok(Rect { x: 0, y: 0, size }) };
    let found = held.map_or_else(|| area.within(size), |held| held.holds(area, size));
    found.ok_or_else(|| {
        let Size { width, height } = size;
        Error::BeyondImage(format!("what is to be cut out lies beside the {width}x{height} pixels"))
    })
}

#[cfg(test)]
mod tests;
