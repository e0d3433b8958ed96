//! Sizes, cuts and turns, before any pixel is touched.
//!
//! The arithmetic is that of nginx's `ngx_http_image_filter_module`
//! (`ngx_http_image_resize`), integer floors in the same order, so that a
//! configuration that moves over gets images of the very same size.

use std::cmp::Ordering;
use std::num::NonZeroU32;

use super::gravity::{Axis, Gravity};
use super::orientation::Orientation;
use super::pixels::{turned, within_shape};
use super::size::{Rect, Size};
use super::{
    Area, BorderPlace, Bound, Bounds, Clamp, Error, Fit, Mask, Plan, Ratio, RotateBox, Rounding,
    Sides,
};

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

/// By how much the sides of the box are multiplied, in parts of [`DPR_ONE`]: where the plan has it
/// so, no more than there are pixels for, as imgproxy has it.
fn dpr(plan: &Plan, sizes: (Size, Size)) -> u32 {
    let size = sizes.0;
    let wanted = u32::from(plan.dpr) * 100;
    if !plan.limits_dpr || plan.enlarge || wanted <= DPR_ONE {
        return wanted;
    }
    let mut fit = Target::new(plan, sizes, DPR_ONE).fit;
    let is_inside = matches!(fit, Fit::Resize { .. } | Fit::Pad { .. } | Fit::AspectPad { .. });
    let Some((width, height)) = fit.sides_mut() else { return DPR_ONE };
    let shrink = |own: u32, side: &Bound| {
        side.map(|side| portion(own, DPR_ONE, side.get(), Rounding::Nearest))
    };
    let shrinks = [shrink(size.width, width), shrink(size.height, height)].into_iter().flatten();
    let most = if is_inside { shrinks.max() } else { shrinks.min() };
    most.unwrap_or(DPR_ONE).clamp(DPR_ONE, wanted)
}

/// One, where the sides of a box are multiplied.
const DPR_ONE: u32 = 10_000;

/// What an image is to be made to: a box, all of whose sides are in pixels.
#[derive(Debug, Clone, Copy)]
struct Target {
    fit: Fit,
    /// What the image is scaled to have at most.
    most: (Bound, Bound),
    /// What it is scaled to have at least, which goes before all else.
    least: (Bound, Bound),
    /// By how much all of these were multiplied, in parts of [`DPR_ONE`].
    dpr: u32,
}

impl Target {
    /// What a plan makes an image of that size to, where all is multiplied so. The other size is that
    /// of the image before anything was cut out of it.
    fn new(plan: &Plan, (size, whole): (Size, Size), dpr: u32) -> Target {
        let Bounds { width_share, height_share, ratio, zoom, .. } = plan.bounds;
        let Bounds { min_width, min_height, max_width, max_height, clamp, adaptive, .. } =
            plan.bounds;
        let times = |bound: Bound, factor: u32| {
            let side = portion(bound?.get(), factor, DPR_ONE * 100, Rounding::Nearest);
            NonZeroU32::new(side.max(1))
        };
        let both = |(width, height), factor| (times(width, factor), times(height, factor));
        let most = both((max_width, max_height), dpr * 100);
        let least = both((min_width, min_height), dpr * 100);
        let share = |share: Option<NonZeroU32>, own: u32| {
            NonZeroU32::new(portion(own, share?.get(), 1_000_000, plan.round).max(1))
        };

        let mut fit = match plan.fit {
            Fit::None if zoom != 100 => Fit::Resize { width: None, height: None },
            Fit::Auto { width, height } => {
                let lies = |width: u32, height: u32| width >= height;
                let is_alike = matches!((width, height), (Some(width), Some(height))
                    if lies(width.get(), height.get()) == lies(size.width, size.height));
                if is_alike { Fit::Crop { width, height } } else { Fit::Resize { width, height } }
            }
            fit => fit,
        };
        if adaptive && let Some((width, height)) = fit.sides_mut() {
            // As thumbor has it, whose box is no larger than the image before it is laid down.
            if clamp == Clamp::Sides {
                (*width, *height) = within((*width, *height), whole);
            }
            let by_box = or_endless(*width).cmp(&or_endless(*height));
            if by_box != Ordering::Equal && by_box == size.height.cmp(&size.width) {
                std::mem::swap(width, height);
            }
        }
        let cuts = matches!(fit, Fit::Crop { .. } | Fit::AspectCrop { .. });
        let proportioned = ratio.and_then(|ratio| proportioned(&fit, ratio, size, plan.round));
        if let Some((width, height)) = fit.sides_mut() {
            let mut sides = (
                share(width_share, size.width).or(*width),
                share(height_share, size.height).or(*height),
            );
            match (sides, ratio) {
                ((None, None), _) if zoom != 100 || proportioned.is_some() => {
                    let own = proportioned.unwrap_or(size);
                    sides = (NonZeroU32::new(own.width), NonZeroU32::new(own.height));
                    let dpr = if plan.limits_dpr { dpr } else { DPR_ONE };
                    sides = both(sides, dpr * u32::from(zoom));
                }
                ((Some(width), None), Some(ratio)) => {
                    sides.1 = NonZeroU32::new(ratio.height_of(width.get(), plan.round));
                    sides = both(sides, dpr * u32::from(zoom));
                }
                ((None, Some(height)), Some(ratio)) => {
                    sides.0 = NonZeroU32::new(ratio.turned().height_of(height.get(), plan.round));
                    sides = both(sides, dpr * u32::from(zoom));
                }
                _ => sides = both(sides, dpr * u32::from(zoom)),
            }
            // What is beyond a box may be cut; else it is the image that is reduced.
            let least_of = |side: Bound, most: Bound| match (side, most) {
                (Some(side), Some(most)) => Some(side.min(most)),
                (None, most) if cuts => most,
                (side, _) => side,
            };
            (*width, *height) = (least_of(sides.0, most.0), least_of(sides.1, most.1));
            (*width, *height) = match clamp {
                Clamp::Ratio => clamped((*width, *height), size),
                Clamp::Sides if !adaptive => within((*width, *height), whole),
                // Of a box that may be laid down, that was done before.
                Clamp::Off | Clamp::Sides => (*width, *height),
            };
        }
        Target { fit, most, least, dpr }
    }

    fn dpr_percent(&self) -> u16 {
        u16::try_from(self.dpr / 100).unwrap_or(u16::MAX)
    }

    /// Refuses a box that is larger than an image of that size.
    fn check_within(mut self, Size { width, height }: Size) -> Result<(), Error> {
        let Some(sides) = self.fit.sides_mut() else { return Ok(()) };
        if sides.0.is_none_or(|side| side.get() <= width)
            && sides.1.is_none_or(|side| side.get() <= height)
        {
            return Ok(());
        }
        Err(Error::BeyondImage(format!("larger than the {width}x{height} pixels there are")))
    }

    /// This, for an image that is turned so afterwards.
    fn before(mut self, turn: Orientation) -> Target {
        if turn.swap {
            if let Some((width, height)) = self.fit.sides_mut() {
                std::mem::swap(width, height);
            }
            self.most = (self.most.1, self.most.0);
            self.least = (self.least.1, self.least.0);
        }
        self
    }
}

/// A box each of whose sides is no longer than an image's.
fn within((width, height): (Bound, Bound), size: Size) -> (Bound, Bound) {
    let side = |bound: Bound, own: u32| Some(bound?.min(NonZeroU32::new(own)?));
    (side(width, size.width), side(height, size.height))
}

/// A box that lies within an image, in the proportions of one that may not.
fn clamped((width, height): (Bound, Bound), size: Size) -> (Bound, Bound) {
    let (Some(width), Some(height)) = (width, height) else { return within((width, height), size) };
    let own = Size::new(width.get(), height.get());
    let mut within = own;
    if within.width > size.width {
        within = of_width(own, size.width, Rounding::Nearest);
    }
    if within.height > size.height {
        within = of_width(own.swapped(), size.height, Rounding::Nearest).swapped();
    }
    (NonZeroU32::new(within.width), NonZeroU32::new(within.height))
}

/// The box of those proportions that an image gives by itself: all around what is padded, as
/// large as can be within what is covered.
fn proportioned(fit: &Fit, ratio: Ratio, size: Size, round: Rounding) -> Option<Size> {
    let by_width = Size::new(size.width, ratio.height_of(size.width, round));
    let by_height = Size::new(ratio.turned().height_of(size.height, round), size.height);
    let is_within = by_width.height <= size.height;
    match fit {
        Fit::Pad { .. } | Fit::AspectPad { .. } => {
            Some(if is_within { by_height } else { by_width })
        }
        Fit::Crop { .. } | Fit::AspectCrop { .. } | Fit::Outside { .. } => {
            Some(if is_within { by_width } else { by_height })
        }
        Fit::None | Fit::Resize { .. } | Fit::Auto { .. } | Fit::Stretch { .. } => None,
    }
}

impl Ratio {
    /// The height of what is that wide, at least 1.
    fn height_of(self, width: u32, round: Rounding) -> u32 {
        portion(width, self.height.get(), self.width.get(), round).max(1)
    }

    fn turned(self) -> Ratio {
        Ratio { width: self.height, height: self.width }
    }
}

/// So many of so many parts of a number of pixels.
fn portion(pixels: u32, many: u32, parts: u32, round: Rounding) -> u32 {
    let half = match round {
        Rounding::Down => 0,
        Rounding::Nearest => u64::from(parts) / 2,
    };
    let portion = (u64::from(pixels) * u64::from(many) + half).checked_div(u64::from(parts));
    portion.map_or(u32::MAX, |portion| u32::try_from(portion).unwrap_or(u32::MAX))
}

/// The size that the whole of an image is scaled to.
fn scale(size: Size, target: &Target, plan: &Plan) -> Size {
    let scaled = fit_to(size, target.fit, plan);
    let base = if let Fit::Stretch { .. } = target.fit { scaled } else { size };
    let cuts = matches!(target.fit, Fit::Crop { .. } | Fit::AspectCrop { .. });
    let scaled = if cuts || fits(scaled, target.most) {
        scaled
    } else {
        touching(base, target.most, Side::Inside, plan.round)
    };
    let (width, height) = target.least;
    let is_enough = |side: u32, least: Bound| least.is_none_or(|least| side >= least.get());
    if is_enough(scaled.width, width) && is_enough(scaled.height, height) {
        scaled
    } else {
        touching(base, target.least, Side::Outside, plan.round)
    }
}

/// The size at which an image fits a box.
fn fit_to(size: Size, fit: Fit, plan: &Plan) -> Size {
    match fit {
        Fit::None => size,
        Fit::Resize { width, height }
        | Fit::Auto { width, height }
        | Fit::Pad { width, height }
        | Fit::AspectPad { width, height } => match plan.round {
            Rounding::Down => {
                let reduced =
                    if plan.reduce { to_height(to_width(size, width), height) } else { size };
                if plan.enlarge { grow_into(reduced, width, height) } else { reduced }
            }
            Rounding::Nearest => {
                let touching = touching(size, (width, height), Side::Inside, plan.round);
                if touching.width > size.width || touching.height > size.height {
                    if plan.enlarge { touching } else { size }
                } else if plan.reduce {
                    touching
                } else {
                    size
                }
            }
        },
        Fit::Crop { width, height }
        | Fit::Outside { width, height }
        | Fit::AspectCrop { width, height } => match plan.round {
            Rounding::Down => {
                let ratio = f64::from(size.width) / f64::from(size.height);
                let scaled = if ratio < or_endless_f64(width) / or_endless_f64(height) {
                    to_width(size, width)
                } else {
                    to_height(size, height)
                };
                if plan.enlarge { grow_over(scaled, width, height) } else { scaled }
            }
            Rounding::Nearest => {
                let touching = touching(size, (width, height), Side::Outside, plan.round);
                if touching.width > size.width || touching.height > size.height {
                    if plan.enlarge { touching } else { size }
                } else if width.is_some() && height.is_some() {
                    touching
                } else {
                    // A side that is not limited does not reduce the image.
                    size
                }
            }
        },
        Fit::Stretch { width, height } => {
            let side = |bound: Bound, own: u32| bound.map_or(own, u32::from);
            Size::new(side(width, size.width), side(height, size.height))
        }
    }
}

/// What is kept of an image that is already scaled, and lies as its box does.
fn cut(size: Size, target: &Target, plan: &Plan, gravity: Gravity) -> Rect {
    let within = |(width, height): (Bound, Bound)| {
        Size::new(size.width.min(or_endless(width)), size.height.min(or_endless(height)))
    };
    let kept = match target.fit {
        Fit::AspectCrop { width: Some(width), height: Some(height) } => {
            in_proportion(size, Size::new(width.get(), height.get()), plan.round)
        }
        Fit::Crop { width, height } | Fit::AspectCrop { width, height } => within((width, height)),
        // Enlarged to what it is to have at least, it may stand out.
        Fit::Resize { width, height }
        | Fit::Pad { width, height }
        | Fit::AspectPad { width, height }
        | Fit::Stretch { width, height }
            if target.least != (None, None) =>
        {
            within((width, height))
        }
        _ => size,
    };
    Rect {
        x: gravity.cut(Axis::X, size.width, kept.width, target.dpr_percent()),
        y: gravity.cut(Axis::Y, size.height, kept.height, target.dpr_percent()),
        size: kept,
    }
}

/// As much of an image as there is in a box, or where it does not fill that, in its proportions.
fn in_proportion(size: Size, wanted: Size, round: Rounding) -> Size {
    if wanted.width <= size.width && wanted.height <= size.height {
        return wanted;
    }
    let by_width = of_width(wanted, size.width, round);
    if by_width.height <= size.height {
        return by_width;
    }
    let by_height = of_width(wanted.swapped(), size.height, round).swapped();
    Size::new(by_height.width.min(size.width), by_height.height)
}

/// The size of the output around an image that is scaled, cut and rotated.
fn canvas(size: Size, fit: Fit, round: Rounding) -> Size {
    match fit {
        Fit::AspectPad { width: Some(width), height: Some(height) } => {
            let own = Size::new(width.get(), height.get());
            let by_width = of_width(own, size.width, round);
            let around = if by_width.height >= size.height {
                by_width
            } else {
                of_width(own.swapped(), size.height, round).swapped()
            };
            Size::new(around.width.max(size.width), around.height.max(size.height))
        }
        Fit::Pad { width, height } => Size::new(
            width.map_or(size.width, u32::from).max(size.width),
            height.map_or(size.height, u32::from).max(size.height),
        ),
        _ => size,
    }
}

fn to_width(size: Size, max: Bound) -> Size {
    match max {
        Some(max) if size.width > max.get() => of_width(size, max.get(), Rounding::Down),
        _ => size,
    }
}

fn to_height(size: Size, max: Bound) -> Size {
    to_width(size.swapped(), max).swapped()
}

/// Enlarges what is smaller than the box until it touches it from the inside.
fn grow_into(size: Size, width: Bound, height: Bound) -> Size {
    let down = Rounding::Down;
    let by_width = width.map(|width| of_width(size, width.get(), down));
    let by_height = height.map(|height| of_width(size.swapped(), height.get(), down).swapped());
    [by_width, by_height]
        .into_iter()
        .flatten()
        .find(|grown| {
            fits(*grown, (width, height))
                && grown.width >= size.width
                && grown.height >= size.height
        })
        .unwrap_or(size)
}

/// Enlarges what is smaller than the box until it covers it.
fn grow_over(size: Size, width: Bound, height: Bound) -> Size {
    let at_least = |size: Size, min: Bound| match min {
        Some(min) if size.width < min.get() => of_width(size, min.get(), Rounding::Down),
        _ => size,
    };
    at_least(at_least(size, width).swapped(), height).swapped()
}

/// From where a box is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Inside,
    Outside,
}

/// The size at which an image touches a box, by one division from its own.
fn touching(size: Size, (width, height): (Bound, Bound), from: Side, round: Rounding) -> Size {
    let by_width = |width: NonZeroU32| of_width(size, width.get(), round);
    let by_height = |height: NonZeroU32| of_width(size.swapped(), height.get(), round).swapped();
    match (width, height) {
        (None, None) => size,
        (Some(width), None) => by_width(width),
        (None, Some(height)) => by_height(height),
        (Some(width), Some(height)) => {
            let is_wider = u64::from(width.get()) * u64::from(size.height)
                > u64::from(height.get()) * u64::from(size.width);
            if is_wider == (from == Side::Outside) { by_width(width) } else { by_height(height) }
        }
    }
}

/// The size of that width and the same proportions.
fn of_width(size: Size, width: u32, round: Rounding) -> Size {
    Size::new(width, portion(size.height, width, size.width, round).max(1))
}

fn fits(size: Size, (width, height): (Bound, Bound)) -> bool {
    size.width <= or_endless(width) && size.height <= or_endless(height)
}

fn or_endless(bound: Bound) -> u32 {
    bound.map_or(u32::MAX, u32::from)
}

/// nginx has `-` as the largest `ngx_uint_t`, which takes part in the ratio.
fn or_endless_f64(bound: Bound) -> f64 {
    bound.map_or(u64::MAX as f64, |bound| f64::from(bound.get()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::words::Words as _;
    use crate::image::{Flip, Length, Rotation};

    const NONE: Orientation = Orientation { swap: false, flip_x: false, flip_y: false };

    fn resize(width: u32, height: u32) -> Fit {
        Fit::Resize { width: NonZeroU32::new(width), height: NonZeroU32::new(height) }
    }

    fn crop(width: u32, height: u32) -> Fit {
        Fit::Crop { width: NonZeroU32::new(width), height: NonZeroU32::new(height) }
    }

    fn plan(fit: Fit, rotate: Rotation) -> Plan {
        Plan { fit, rotate, ..Plan::default() }
    }

    fn geometry(fit: Fit, rotate: Rotation) -> Geometry {
        Geometry::new(Size::new(100, 120), NONE, &plan(fit, rotate)).unwrap()
    }

    fn output(fit: Fit, rotate: Rotation) -> (u32, u32) {
        let size = geometry(fit, rotate).output;
        (size.width, size.height)
    }

    /// The 100x120 image of nginx's own tests; 0 stands for `-`.
    #[test]
    fn resize_as_image_filter() {
        for (width, height, expected) in [
            (10, 0, (10, 12)),
            (0, 10, (8, 10)),
            (10, 10, (8, 10)),
            (10, 20, (10, 12)),
            (33, 77, (33, 39)),
            (1, 1, (1, 1)),
            (1, 0, (1, 1)),
            (0, 1, (1, 1)),
            (100, 120, (100, 120)),
            (200, 200, (100, 120)),
            (99, 0, (99, 118)),
            (0, 119, (99, 119)),
            (0, 0, (100, 120)),
        ] {
            assert_eq!(output(resize(width, height), Rotation::None), expected, "{width} {height}");
        }
    }

    #[test]
    fn what_is_reduced_is_small_enough() {
        for (width, height) in [(2000, 1500), (600, 1), (30, 30), (1, 4000)] {
            let stored = Size::new(width, height);
            for (tilt, limit) in
                (0..9000).step_by(250).flat_map(|tilt| [(tilt, 1000), (tilt, 1_000_000)])
            {
                let plan = Plan { tilt, ..Plan::default() };
                let whole = Geometry::new(stored, NONE, &plan).unwrap();
                let reduced = whole.reduced((limit, 3000), stored, NONE, &plan).unwrap().output;
                let (pixels, side) = (reduced.pixels(), reduced.width.max(reduced.height));
                assert!(pixels <= limit && side <= 3000, "{stored:?} {tilt} {limit}: {reduced:?}");
                assert!(
                    pixels >= limit.min(whole.output.pixels()) / 4,
                    "{stored:?} {tilt}: {reduced:?}"
                );
            }
        }
    }

    #[test]
    fn crop_as_image_filter() {
        for (width, height, expected) in [
            (33, 77, (33, 77)),
            (200, 50, (100, 50)),
            (50, 200, (50, 120)),
            (50, 0, (50, 120)),
            (0, 50, (100, 50)),
            (100, 61, (100, 61)),
            (51, 0, (51, 120)),
            (10, 10, (10, 10)),
            (200, 200, (100, 120)),
            (1, 1, (1, 1)),
            (0, 0, (100, 120)),
        ] {
            assert_eq!(output(crop(width, height), Rotation::None), expected, "{width} {height}");
        }
    }

    #[test]
    fn crop_scales_before_it_cuts() {
        let made = geometry(crop(33, 77), Rotation::None);
        assert_eq!(made.scaled, Size::new(64, 77));
        assert_eq!(made.window, Rect { x: 15, y: 0, size: Size::new(33, 77) });

        let made = geometry(crop(100, 61), Rotation::None);
        assert_eq!(made.scaled, Size::new(100, 120));
        assert_eq!((made.window.x, made.window.y), (0, 29));

        let made = geometry(crop(51, 0), Rotation::None);
        assert_eq!((made.window.x, made.window.y), (24, 0));
    }

    #[test]
    fn rotations_as_image_filter() {
        use Rotation::{Ccw90, Ccw270, Half};
        for (fit, rotate, expected) in [
            (Fit::None, Ccw90, (120, 100)),
            (Fit::None, Half, (100, 120)),
            (Fit::None, Ccw270, (120, 100)),
            (resize(5, 6), Ccw90, (6, 5)),
            (resize(5, 6), Half, (5, 6)),
            (resize(5, 6), Ccw270, (6, 5)),
            (resize(100, 0), Ccw90, (120, 100)),
            (crop(5, 6), Ccw90, (5, 5)),
            (crop(5, 6), Half, (5, 6)),
            (crop(5, 6), Ccw270, (5, 5)),
            (crop(10, 10), Ccw90, (10, 10)),
        ] {
            assert_eq!(output(fit, rotate), expected, "{fit:?} {rotate:?}");
        }
        // 5x6 turned left is 6x5; the odd column that is cut off is the last
        // one of the result, so the last row of the source (its right side
        // turns up).
        let made = geometry(crop(5, 6), Ccw90);
        assert_eq!(made.scaled, Size::new(5, 6));
        assert_eq!(made.window, Rect { x: 0, y: 0, size: Size::new(5, 5) });
    }

    #[test]
    fn bounds_are_of_the_displayed_image() {
        let lying = Orientation::upright(6);
        let made = Geometry::new(Size::new(120, 100), lying, &plan(resize(50, 0), Rotation::None))
            .unwrap();
        assert_eq!(made.output, Size::new(50, 60));
        assert_eq!(made.scaled, Size::new(60, 50));
        assert_eq!(made.orientation, lying);
    }

    #[test]
    fn extreme_ratios_keep_a_pixel() {
        let thin = Size::new(1, 65535);
        let made = Geometry::new(thin, NONE, &plan(resize(0, 10), Rotation::None)).unwrap();
        assert_eq!(made.output, Size::new(1, 10));
        let made = Geometry::new(thin, NONE, &plan(crop(10, 10), Rotation::None)).unwrap();
        assert_eq!(made.output, Size::new(1, 10));
    }

    fn of(fit: Fit, more: Plan, size: (u32, u32)) -> Geometry {
        Geometry::new(Size::new(size.0, size.1), NONE, &Plan { fit, ..more }).unwrap()
    }

    fn sized(geometry: &Geometry) -> (u32, u32) {
        (geometry.output.width, geometry.output.height)
    }

    fn bounds(width: u32, height: u32) -> (Bound, Bound) {
        (NonZeroU32::new(width), NonZeroU32::new(height))
    }

    fn pad(width: u32, height: u32) -> Fit {
        let (width, height) = bounds(width, height);
        Fit::Pad { width, height }
    }

    fn outside(width: u32, height: u32) -> Fit {
        let (width, height) = bounds(width, height);
        Fit::Outside { width, height }
    }

    fn aspect(width: u32, height: u32) -> Fit {
        let (width, height) = bounds(width, height);
        Fit::AspectCrop { width, height }
    }

    fn stretch(width: u32, height: u32) -> Fit {
        let (width, height) = bounds(width, height);
        Fit::Stretch { width, height }
    }

    /// imgproxy's arithmetic: with `dpr` no side is multiplied by more than there are pixels for.
    #[test]
    fn dpr_within_the_source() {
        let base = Plan {
            round: Rounding::Nearest,
            limits_dpr: true,
            dpr: 200,
            padding: Sides { top: 10, right: 0, bottom: 0, left: 0 },
            ..Plan::default()
        };
        for (fit, size, expected) in [
            (resize(100, 0), (300, 200), (200, 153)),
            (resize(200, 0), (300, 200), (300, 215)),
            (resize(400, 0), (300, 200), (300, 210)),
            (crop(120, 120), (300, 200), (200, 217)),
            (crop(300, 100), (300, 200), (300, 110)),
            (crop(600, 100), (300, 200), (300, 110)),
            (pad(200, 200), (300, 200), (300, 315)),
            (Fit::None, (300, 200), (300, 210)),
        ] {
            assert_eq!(sized(&of(fit, base.clone(), size)), expected, "{fit:?}");
        }
        let enlarged = Plan { enlarge: true, ..base };
        assert_eq!(sized(&of(resize(200, 0), enlarged, (300, 200))), (400, 287));
    }

    #[test]
    fn enlarging() {
        let enlarge = Plan { enlarge: true, ..Plan::default() };
        for (fit, size, expected) in [
            (resize(200, 200), (100, 120), (166, 200)),
            (resize(200, 0), (100, 120), (200, 240)),
            (resize(0, 240), (100, 120), (200, 240)),
            (resize(0, 0), (100, 120), (100, 120)),
            (resize(100, 500), (100, 120), (100, 120)),
            // What is too large is reduced all the same.
            (resize(50, 500), (100, 120), (50, 60)),
            (resize(10, 20), (100, 120), (10, 12)),
            (crop(200, 200), (100, 120), (200, 200)),
            (crop(200, 50), (100, 120), (200, 50)),
            (crop(200, 0), (100, 120), (200, 240)),
            // A side that is not limited does not reduce the image, as ever.
            (crop(50, 0), (100, 120), (50, 120)),
            (crop(33, 77), (100, 120), (33, 77)),
            (resize(u32::MAX, 0), (1, 65535), (u32::MAX, u32::MAX)),
        ] {
            assert_eq!(sized(&of(fit, enlarge.clone(), size)), expected, "{fit:?}");
        }
        let made = of(crop(200, 200), enlarge, (100, 120));
        assert_eq!(made.scaled, Size::new(200, 240));
        assert_eq!((made.window.x, made.window.y), (0, 20));
    }

    /// What sharp, imgproxy and Pillow make of pictures: one division, to the nearest pixel.
    #[test]
    fn nearest() {
        let plain = Plan { round: Rounding::Nearest, ..Plan::default() };
        let enlarge = Plan { enlarge: true, ..plain.clone() };
        for (fit, size, expected, larger) in [
            (resize(250, 0), (1200, 800), (250, 167), (250, 167)),
            (resize(0, 333), (1200, 800), (500, 333), (500, 333)),
            (resize(250, 166), (1200, 800), (249, 166), (249, 166)),
            // Floors in sequence would make of it 99x59.
            (resize(100, 60), (1000, 595), (100, 60), (100, 60)),
            (resize(3, 3), (2, 1), (2, 1), (3, 2)),
            (resize(1, 1), (1, 65535), (1, 1), (1, 1)),
            (resize(0, 0), (7, 9), (7, 9), (7, 9)),
            (crop(250, 0), (1200, 800), (250, 800), (250, 800)),
            (crop(0, 900), (1200, 800), (1200, 800), (1350, 900)),
            (crop(250, 150), (1200, 800), (250, 150), (250, 150)),
            (crop(2000, 150), (1200, 800), (1200, 150), (2000, 150)),
            (outside(250, 150), (1200, 800), (250, 167), (250, 167)),
            (outside(250, 200), (1200, 800), (300, 200), (300, 200)),
            (outside(1500, 200), (1200, 800), (1200, 800), (1500, 1000)),
            (pad(250, 200), (1200, 800), (250, 200), (250, 200)),
        ] {
            assert_eq!(sized(&of(fit, plain.clone(), size)), expected, "{fit:?}");
            assert_eq!(sized(&of(fit, enlarge.clone(), size)), larger, "{fit:?} larger");
        }
        assert_eq!(of(crop(250, 150), plain.clone(), (1200, 800)).scaled, Size::new(250, 167));
        assert_eq!(of(pad(250, 200), plain, (1200, 800)).inner(), Size::new(250, 167));
    }

    /// The sizes of imgproxy's `fill-down`, of an image of 200x100.
    #[test]
    fn cropping_to_proportions() {
        let nearest = Plan { round: Rounding::Nearest, ..Plan::default() };
        for (width, height, expected) in [
            (50, 50, (50, 50)),
            (50, 20, (50, 20)),
            (300, 300, (100, 100)),
            (300, 125, (200, 83)),
            (250, 300, (83, 100)),
            (400, 200, (200, 100)),
            (300, 50, (200, 33)),
            (100, 300, (33, 100)),
            (0, 50, (200, 50)),
        ] {
            for plan in [nearest.clone(), Plan::default()] {
                let made = of(aspect(width, height), plan, (200, 100));
                assert_eq!(sized(&made), expected, "{width} {height}");
            }
        }
        assert_eq!(sized(&of(aspect(300, 110), nearest.clone(), (200, 100))), (200, 73));
        assert_eq!(sized(&of(aspect(300, 100), Plan::default(), (200, 100))), (200, 66));
        assert_eq!(sized(&of(aspect(300, 100), nearest.clone(), (200, 100))), (200, 67));
        let enlarged = Plan { enlarge: true, ..nearest };
        assert_eq!(sized(&of(aspect(300, 100), enlarged, (200, 100))), (300, 100));
    }

    #[test]
    fn covering_without_a_cut_and_enlarging_alone() {
        for (plan, expected) in [
            (Plan::default(), (33, 39)),
            (Plan { round: Rounding::Nearest, ..Plan::default() }, (33, 40)),
        ] {
            assert_eq!(sized(&of(outside(33, 10), plan, (100, 120))), expected);
        }
        let up = Plan { reduce: false, enlarge: true, ..Plan::default() };
        for round in [Rounding::Down, Rounding::Nearest] {
            let up = Plan { round, ..up.clone() };
            assert_eq!(sized(&of(resize(50, 50), up.clone(), (100, 120))), (100, 120));
            assert_eq!(sized(&of(resize(200, 0), up.clone(), (100, 120))), (200, 240));
            assert_eq!(sized(&of(resize(200, 50), up, (100, 120))), (100, 120));
        }
    }

    #[test]
    fn padding() {
        for (fit, more, expected, inner, place) in [
            (pad(200, 200), Plan::default(), (200, 200), (100, 120), (50, 40)),
            (pad(50, 50), Plan::default(), (50, 50), (41, 50), (4, 0)),
            (pad(50, 0), Plan::default(), (50, 60), (50, 60), (0, 0)),
            (pad(0, 0), Plan::default(), (100, 120), (100, 120), (0, 0)),
            (
                pad(300, 300),
                Plan { enlarge: true, ..Plan::default() },
                (300, 300),
                (250, 300),
                (25, 0),
            ),
            (
                pad(200, 200),
                Plan { gravity: Gravity::parse(b"southeast").unwrap(), ..Plan::default() },
                (200, 200),
                (100, 120),
                (100, 80),
            ),
            // The box is that of the turned image.
            (
                pad(60, 50),
                Plan { rotate: Rotation::Ccw90, ..Plan::default() },
                (60, 50),
                (60, 50),
                (0, 0),
            ),
        ] {
            let made = of(fit, more, (100, 120));
            assert_eq!(sized(&made), expected, "{fit:?}");
            assert_eq!(made.inner(), Size::new(inner.0, inner.1), "{fit:?}");
            assert_eq!(made.place, place, "{fit:?}");
        }
    }

    #[test]
    fn stretching() {
        let turned = Plan { rotate: Rotation::Ccw270, ..Plan::default() };
        assert_eq!(sized(&of(stretch(7, 900), Plan::default(), (100, 120))), (7, 900));
        assert_eq!(sized(&of(stretch(7, 0), Plan::default(), (100, 120))), (7, 120));
        let made = of(stretch(70, 30), turned.clone(), (100, 120));
        assert_eq!((sized(&made), made.scaled), ((70, 30), Size::new(30, 70)));
        assert_eq!(sized(&of(stretch(70, 0), turned, (100, 120))), (70, 100));
    }

    #[test]
    fn pixel_ratio() {
        let twice = Plan { dpr: 200, ..Plan::default() };
        assert_eq!(sized(&of(resize(20, 0), twice.clone(), (100, 120))), (40, 48));
        assert_eq!(sized(&of(crop(20, 20), twice.clone(), (100, 120))), (40, 40));
        assert_eq!(sized(&of(stretch(20, 15), twice.clone(), (100, 120))), (40, 30));
        assert_eq!(sized(&of(pad(200, 20), twice.clone(), (100, 120))), (400, 40));
        assert_eq!(sized(&of(Fit::None, twice.clone(), (100, 120))), (100, 120));
        let made = of(resize(33, 0), Plan { dpr: 150, ..Plan::default() }, (100, 120));
        assert_eq!(sized(&made), (50, 60));
        assert_eq!(sized(&of(stretch(u32::MAX, 1), twice, (1, 1))), (u32::MAX, 2));
    }

    #[test]
    fn gravity_is_that_of_the_result() {
        let east = |rotate, flip| {
            let gravity = Gravity::parse(b"east").unwrap();
            let plan = Plan { gravity, rotate, flip, ..Plan::default() };
            let made = of(crop(20, 120), plan, (100, 120));
            (made.window.x, made.window.y)
        };
        assert_eq!(east(Rotation::None, Flip::default()), (80, 0));
        let mirrored = Flip { horizontal: true, vertical: false };
        assert_eq!(east(Rotation::None, mirrored), (0, 0));
        assert_eq!(east(Rotation::Half, Flip::default()), (0, 0));
        // The bottom of the source comes to lie on the right side.
        assert_eq!(east(Rotation::Ccw90, Flip::default()).1, 100);
    }

    fn area(text: &str) -> Option<Area> {
        Some(Area::parse(text.as_bytes()).unwrap())
    }

    fn from(params: &str, size: (u32, u32)) -> Geometry {
        let plan = Plan::from_params(&params.replace('%', "%25")).unwrap();
        Geometry::new(Size::new(size.0, size.1), NONE, &plan).unwrap()
    }

    fn corner(rect: Rect) -> (u32, u32) {
        (rect.x, rect.y)
    }

    #[test]
    fn what_is_cut_out() {
        let made = from("crop=10:20:50:60", (100, 120));
        assert_eq!(made.region, Rect { x: 10, y: 20, size: Size::new(50, 60) });
        assert_eq!((made.scaled, sized(&made)), (Size::new(50, 60), (50, 60)));
        let made = from("crop=50%:0.25:50%:1.0,w=25", (100, 120));
        assert_eq!(corner(made.region), (50, 30));
        assert_eq!(sized(&made), (25, 45));
        // Of the image as it is displayed, wherever that lies in what is stored.
        let plan = Plan { crop: area("10,20,30,40"), ..Plan::default() };
        let lying = Orientation::upright(6);
        let made = Geometry::new(Size::new(120, 100), lying, &plan).unwrap();
        assert_eq!(made.region, Rect { x: 20, y: 60, size: Size::new(40, 30) });
        assert_eq!(sized(&made), (30, 40));
        // The box is filled, then the result is cut.
        let made = from("w=50,h=50,fit=crop,crop_after=5:10:30:100", (100, 120));
        assert_eq!((made.scaled, corner(made.filling)), (Size::new(50, 60), (0, 5)));
        assert_eq!((corner(made.window), sized(&made)), ((5, 15), (30, 40)));
        let made = from("w=60,h=60,fit=pad,enlarge=off,crop_after=0:0:50%:50%", (100, 120));
        assert_eq!((made.inner(), sized(&made)), (Size::new(25, 30), (60, 60)));
        let elsewhere = Rect { x: 0, y: 9, size: Size::new(50, 50) };
        let moved = from("w=50,h=50,fit=crop,crop_after=5:10:30:40", (100, 120)).moved(elsewhere);
        assert_eq!(corner(moved.window), (5, 19));
        let kept = from("crop=100:0:9:9,crop_optional=on", (100, 120));
        assert_eq!(kept.region, Rect { x: 0, y: 0, size: Size::new(100, 120) });
        for beside in ["crop=100:0:9:9", "crop_after=0:120:9:9", "w=50,crop_after=50:0:9:9"] {
            let plan = Plan::from_params(beside).unwrap();
            let error = Geometry::new(Size::new(100, 120), NONE, &plan).unwrap_err();
            assert!(matches!(error, Error::BeyondImage(_)), "{beside}");
        }
    }

    #[test]
    fn shares_and_proportions() {
        for (params, expected) in [
            ("w=50%", (50, 60)),
            ("h=25%", (25, 30)),
            ("w=33.333%,round=nearest", (33, 40)),
            ("w=33.333%", (33, 39)),
            ("w=50%,dpr=2", (100, 120)),
            ("w=200%,fit=contain", (200, 240)),
            ("w=50%,h=20,fit=stretch", (50, 20)),
            ("crop=0:0:50:60,w=50%", (25, 30)),
            ("w=40,ar=1:1,fit=cover", (40, 40)),
            ("h=40,ar=1.5,fit=cover", (60, 40)),
            ("w=40,h=30,ar=1:1,fit=cover", (40, 30)),
            ("ar=1:1", (100, 100)),
            ("ar=1:2", (60, 120)),
            ("ar=3:1,round=nearest", (100, 33)),
            ("ar=1:1,fit=pad", (120, 120)),
            ("ar=2:1,fit=pad", (240, 120)),
            ("ar=2:1,fit=contain", (100, 120)),
            ("zoom=0.5", (50, 60)),
            ("zoom=2", (100, 120)),
            ("zoom=2,enlarge=on", (200, 240)),
            ("w=20,zoom=2", (40, 48)),
            ("w=20,zoom=2,dpr=2", (80, 96)),
            ("w=20,h=20,fit=crop,zoom=0.5", (10, 10)),
        ] {
            assert_eq!(sized(&from(params, (100, 120))), expected, "{params}");
        }
    }

    #[test]
    fn least_and_most() {
        for (params, expected) in [
            ("max_width=50", (50, 60)),
            ("w=90,max_height=60", (50, 60)),
            ("w=90,max_width=40,dpr=2", (80, 96)),
            ("w=90,h=90,fit=crop,max_width=30", (30, 90)),
            ("w=90,h=90,fit=stretch,max_width=30", (30, 90)),
            ("fit=outside,w=80,h=80,max_height=60", (50, 60)),
            ("max_width=500,enlarge=on", (100, 120)),
            // Scaled to the least, then cut to the box.
            ("w=50,min_height=90", (50, 90)),
            ("w=50,h=60,min_width=75", (50, 60)),
            ("h=60,min_width=75", (75, 60)),
            ("min_width=200", (200, 240)),
            ("min_width=20", (100, 120)),
            ("w=50,min_width=80,dpr=2", (100, 192)),
            ("w=20,h=20,fit=pad,min_width=40", (20, 20)),
            ("max_width=50,min_width=80", (80, 96)),
        ] {
            assert_eq!(sized(&from(params, (100, 120))), expected, "{params}");
        }
        let made = from("w=50,min_height=90", (100, 120));
        assert_eq!((made.scaled, corner(made.window)), (Size::new(75, 90), (12, 0)));
    }

    #[test]
    fn boxes_before_and_after_the_turn() {
        for (params, expected) in [
            ("w=200,rotate=90,round=nearest,rotate_box=before", (133, 200)),
            ("w=100,rotate=90,round=nearest,rotate_box=after", (100, 150)),
            ("w=100,rotate=180,rotate_box=after", (100, 66)),
            ("w=100,h=50,fit=crop,rotate=90,rotate_box=before", (50, 100)),
            ("w=100,h=50,fit=crop,rotate=90,rotate_box=after", (100, 50)),
            ("w=100,h=50,fit=pad,rotate=90,rotate_box=before", (50, 100)),
            ("w=100,h=50,fit=pad,rotate=90", (100, 50)),
            ("w=90,h=30,fit=stretch,rotate=270,rotate_box=before", (30, 90)),
            ("w=50%,rotate=90,rotate_box=before", (100, 150)),
            ("w=50%,rotate=90,rotate_box=after", (100, 150)),
            ("max_width=100,rotate=90,rotate_box=after", (100, 150)),
            ("min_width=400,rotate=90,rotate_box=after", (400, 600)),
        ] {
            assert_eq!(sized(&from(params, (300, 200))), expected, "{params}");
        }
        // The directions are those of the image before the turn, or of the result.
        let cut = |more: &str| {
            let params = format!("w=60,h=200,fit=crop,gravity=west,{more}");
            corner(from(&params, (300, 200)).window)
        };
        assert_eq!(cut("rotate=180"), (240, 0));
        assert_eq!(cut("rotate=180,rotate_box=after"), (240, 0));
        assert_eq!(cut("rotate=180,rotate_box=before"), (0, 0));
        assert_eq!(cut("flip=h,rotate_box=before"), (0, 0));
        let padded = |more: &str| {
            from(&format!("w=100,h=100,fit=pad,gravity=north,rotate=90,{more}"), (300, 200)).place
        };
        // Turned clockwise, what is on top comes to the right.
        assert_eq!(padded("round=nearest,rotate_box=before"), (33, 0));
        assert_eq!(padded("round=nearest"), (16, 0));
    }

    #[test]
    fn turns_by_any_angle_take_more_room() {
        // 100 sin + 120 cos, and 100 cos + 120 sin.
        for (params, expected) in [
            ("rotate=45", (156, 156)),
            ("rotate=30", (147, 154)),
            ("rotate=120", (154, 147)),
            ("rotate=-60", (154, 147)),
            ("rotate=0.01", (101, 121)),
            ("w=50,rotate=45", (78, 78)),
            ("w=200,h=200,fit=pad,enlarge=off,rotate=45", (200, 200)),
            ("w=50,h=50,fit=pad,rotate=45", (65, 65)),
            ("rotate=45,rotate_box=before,padding=1", (158, 158)),
        ] {
            assert_eq!(sized(&from(params, (100, 120))), expected, "{params}");
        }
    }

    #[test]
    fn boxes_of_other_servers() {
        for (params, (width, height), expected) in [
            // The smallest box of those proportions around what was scaled.
            ("w=300,h=300,fit=aspect-pad", (100, 50), (100, 100)),
            ("w=300,h=300,fit=aspect-pad", (1000, 500), (300, 300)),
            ("w=300,h=200,fit=aspect-pad", (90, 100), (150, 100)),
            ("w=300,fit=aspect-pad", (90, 100), (90, 100)),
            // Both lie, or not.
            ("w=60,h=40,fit=auto", (300, 100), (60, 40)),
            ("w=60,h=40,fit=auto", (100, 300), (13, 40)),
            ("w=60,fit=auto", (100, 300), (60, 180)),
            ("w=60,h=40,fit=auto,rotate=90,rotate_box=after", (100, 300), (60, 40)),
            // The box is as large as it can be within the image.
            ("w=300,h=200,fit=stretch,clamp=ratio", (200, 400), (200, 133)),
            ("w=300,h=200,fit=stretch,clamp=sides", (200, 400), (200, 200)),
            ("w=400,h=400,fit=pad,clamp=ratio", (300, 100), (100, 100)),
            ("w=400,h=400,fit=outside,clamp=ratio", (300, 100), (300, 100)),
            ("w=400,h=100,fit=cover,clamp=sides,crop=0:0:50:50", (300, 200), (300, 100)),
            // What stands gets a box that stands.
            ("w=60,h=40,fit=contain,adaptive=on,round=nearest", (100, 300), (20, 60)),
            ("w=60,h=40,fit=contain,adaptive=on,round=nearest", (300, 100), (60, 20)),
            ("w=60,h=40,fit=contain,adaptive=on,round=nearest", (100, 100), (40, 40)),
            (
                "w=207,h=186,fit=contain,adaptive=on,clamp=sides,round=nearest",
                (123, 457),
                (50, 186),
            ),
            (
                "w=104,h=371,fit=outside,adaptive=on,clamp=sides,round=nearest",
                (260, 180),
                (180, 125),
            ),
            (
                "crop=10:10:33:20,w=99,h=300,fit=outside,adaptive=on,clamp=sides,round=nearest,enlarge=on",
                (123, 457),
                (300, 182),
            ),
            // The shape and nothing around it: a circle, and a triangle whose sides are all alike.
            ("mask=circle,mask_trim=on", (300, 100), (100, 100)),
            ("mask=triangle,mask_trim=on", (100, 300), (100, 87)),
            ("mask=triangle,mask_trim=on,rotate=90", (300, 100), (100, 87)),
            ("mask=triangle,mask_trim=on,rotate=90,rotate_box=before", (300, 100), (100, 87)),
            ("mask=ellipse,mask_trim=on", (300, 100), (300, 100)),
            ("mask_trim=on", (300, 100), (300, 100)),
            ("w=50,border=1:2:3:4,dpr=2", (300, 100), (112, 41)),
            ("w=50,border=1:2:3:4,border_place=over", (300, 100), (50, 16)),
            ("w=50,padding=5,border=1", (300, 100), (62, 28)),
        ] {
            assert_eq!(
                sized(&from(params, (width, height))),
                expected,
                "{params} {width}x{height}"
            );
        }
        let region = |params: &str| from(params, (300, 200)).region;
        let rect = |x, y, width, height| Rect { x, y, size: Size::new(width, height) };
        assert_eq!(region("crop=0:0:100:80,crop_gravity=center"), rect(100, 60, 100, 80));
        assert_eq!(region("crop=0:0:100:80,crop_gravity=southeast:10:20"), rect(190, 100, 100, 80));
        // What is at those pixels comes into the middle, whatever is cut away before.
        let window = |params: &str| from(params, (300, 200)).window;
        assert_eq!(window("w=20,h=200,fit=crop,gravity=40px:0px").x, 30);
        assert_eq!(window("w=20,h=200,fit=crop,gravity=40px:0px,crop=30:0:200:200").x, 0);
    }

    #[test]
    fn padding_grows_the_result() {
        for (params, place, expected) in [
            ("padding=1:2:3:4", (4, 1), (106, 124)),
            ("w=50,padding=10,dpr=1.5", (15, 15), (105, 120)),
            ("w=60,h=60,fit=pad,padding=5", (10, 5), (70, 70)),
            ("w=50,rotate=90,padding=0:0:0:10,rotate_box=before", (10, 0), (70, 50)),
        ] {
            let made = from(params, (100, 120));
            assert_eq!((made.place, sized(&made)), (place, expected), "{params}");
        }
        let made = from("trim=10:20:30:40,crop=5:5:20:20", (100, 120));
        assert_eq!(made.region, Rect { x: 45, y: 15, size: Size::new(20, 20) });
        assert_eq!(sized(&from("trim=10:20:30:40", (100, 120))), (40, 80));
    }

    fn any_bounds() -> impl Strategy<Value = Bounds> {
        let share = || prop_oneof![Just(None), (1u32..2_000_000).prop_map(NonZeroU32::new)];
        let side = || prop_oneof![Just(None), (1u32..300).prop_map(NonZeroU32::new)];
        let part = || (1u32..5000).prop_map(|part| NonZeroU32::new(part).unwrap());
        let ratio = (part(), part()).prop_map(|(width, height)| Some(Ratio { width, height }));
        let ratio = prop_oneof![Just(None), ratio];
        let zoom = prop_oneof![Just(100), 1u16..1000];
        let clamp = prop::sample::select(&[Clamp::Off, Clamp::Ratio, Clamp::Sides][..]);
        let shape = (zoom, clamp, any::<bool>());
        ((share(), share(), ratio), shape, (side(), side()), (side(), side())).prop_map(
            |((width_share, height_share, ratio), (zoom, clamp, adaptive), least, most)| Bounds {
                width_share,
                height_share,
                ratio,
                zoom,
                min_width: least.0,
                min_height: least.1,
                max_width: most.0,
                max_height: most.1,
                clamp,
                adaptive,
            },
        )
    }

    fn any_area() -> impl Strategy<Value = Option<Area>> {
        let length = || {
            prop_oneof![
                (1u32..400).prop_map(Length::Pixels),
                (1u32..=1_000_000).prop_map(Length::Share)
            ]
        };
        let area = (length(), length(), length(), length())
            .prop_map(|(x, y, width, height)| Some(Area::At { x, y, width, height }));
        prop_oneof![Just(None), area]
    }

    fn any_plan() -> impl Strategy<Value = Plan> {
        let bound = || (0u32..200).prop_map(NonZeroU32::new);
        let fit = (bound(), bound(), 0..9).prop_map(|(width, height, kind)| match kind {
            0 => Fit::None,
            1 => Fit::Resize { width, height },
            2 => Fit::Crop { width, height },
            3 => Fit::Pad { width, height },
            4 => Fit::Outside { width, height },
            5 => Fit::AspectCrop { width, height },
            6 => Fit::AspectPad { width, height },
            7 => Fit::Auto { width, height },
            _ => Fit::Stretch { width, height },
        });
        let round = prop_oneof![Just(Rounding::Down), Just(Rounding::Nearest)];
        let fit = (fit, round);
        let rotate = prop_oneof![
            Just(Rotation::None),
            Just(Rotation::Ccw90),
            Just(Rotation::Half),
            Just(Rotation::Ccw270)
        ];
        let gravity = prop_oneof![
            Just(Gravity::CENTER),
            Just(Gravity::Smart),
            (0u32..80_000, 0u32..80_000).prop_map(|(x, y)| Gravity::Spot { x, y }),
            (0u16..=10_000, 0u16..=10_000).prop_map(|(x, y)| Gravity::Point { x, y })
        ];
        (fit, rotate, gravity, any::<bool>(), any::<bool>(), any::<bool>(), 100u16..=400).prop_map(
            |((fit, round), rotate, gravity, enlarge, horizontal, vertical, dpr)| Plan {
                fit,
                round,
                rotate,
                gravity,
                enlarge,
                flip: Flip { horizontal, vertical },
                dpr,
                ..Plan::default()
            },
        )
    }

    proptest! {
        #[test]
        fn never_vanishes_stays_inside(
            width in 1u32..70_000, height in 1u32..70_000,
            orientation in 1u8..=8, plan in any_plan(),
        ) {
            let stored = Size::new(width, height);
            let made = Geometry::new(stored, Orientation::upright(orientation), &plan).unwrap();
            let (inner, output) = (made.inner(), made.output);
            prop_assert!(inner.width > 0 && inner.height > 0);
            prop_assert!(made.window.x + made.window.size.width <= made.scaled.width);
            prop_assert!(made.window.y + made.window.size.height <= made.scaled.height);
            prop_assert!(made.place.0 + inner.width <= output.width);
            prop_assert!(made.place.1 + inner.height <= output.height);
            if !plan.enlarge && !matches!(plan.fit, Fit::Stretch { .. }) {
                prop_assert!(made.scaled.width <= width && made.scaled.height <= height);
            }
            let displayed = Orientation::upright(orientation).size(stored);
            match Target::new(&plan, (displayed, displayed), u32::from(plan.dpr) * 100).fit {
                Fit::None => prop_assert_eq!(made.scaled, stored),
                Fit::Auto { .. } => prop_assert!(false, "it is one of two by then"),
                Fit::AspectPad { width, height } => {
                    let (Some(width), Some(height)) = (width, height) else { return Ok(()) };
                    let wanted = f64::from(width.get()) / f64::from(height.get());
                    let (across, down) = (f64::from(output.width), f64::from(output.height));
                    let is_near = (across - down * wanted).abs() <= wanted.max(1.0)
                        || (down - across / wanted).abs() <= wanted.recip().max(1.0);
                    prop_assert!(is_near, "{output:?} of {width}x{height}");
                }
                Fit::Resize { width, height } => {
                    prop_assert!(fits(Orientation::from(plan.rotate).size(output), (width, height)));
                }
                Fit::Crop { width, height } | Fit::AspectCrop { width, height } => {
                    prop_assert!(fits(output, (width, height)));
                }
                Fit::Outside { width, height } => {
                    let is_covered = |bound: Bound, side: u32, own: u32| {
                        bound.is_none_or(|bound| {
                            let bound = bound.get();
                            side >= if plan.enlarge { bound } else { bound.min(own) }
                        })
                    };
                    let scaled = Orientation::upright(orientation).size(made.scaled);
                    let own = Orientation::upright(orientation).size(stored);
                    prop_assert!(is_covered(width, scaled.width, own.width));
                    prop_assert!(is_covered(height, scaled.height, own.height));
                }
                Fit::Pad { width, height } | Fit::Stretch { width, height } => {
                    prop_assert!(width.is_none_or(|width| output.width == width.get()));
                    prop_assert!(height.is_none_or(|height| output.height == height.get()));
                }
            }
        }

        #[test]
        fn all_that_bounds_a_box_keeps_inside(
            width in 1u32..70_000, height in 1u32..70_000, orientation in 1u8..=8,
            plan in any_plan(), bounds in any_bounds(), areas in (any_area(), any_area()),
            space in prop_oneof![
                Just(None), Just(Some(RotateBox::Before)), Just(Some(RotateBox::After))
            ],
            tilt in prop_oneof![Just(0), 0u16..9_000],
            (mask, border, held) in (
                prop::sample::select(Mask::WORDS), 0u16..50,
                prop_oneof![Just(None), Just(Some(Gravity::CENTER))],
            ),
        ) {
            let (crop, crop_after) = areas;
            let (mask, border) = (mask.1, Sides { left: border, ..Sides::default() });
            let plan = Plan {
                bounds, crop, crop_after, crop_gravity: held, rotate_box: space, tilt, mask,
                mask_trim: true, border, ..plan
            };
            let stored = Size::new(width, height);
            let Ok(made) = Geometry::new(stored, Orientation::upright(orientation), &plan) else {
                return Ok(());
            };
            let is_within = |inner: Rect, outer: Size| {
                inner.size.width > 0
                    && inner.size.height > 0
                    && u64::from(inner.x) + u64::from(inner.size.width) <= outer.width.into()
                    && u64::from(inner.y) + u64::from(inner.size.height) <= outer.height.into()
            };
            prop_assert!(is_within(made.region, stored));
            prop_assert!(is_within(made.filling, made.scaled));
            prop_assert!(is_within(made.window, made.scaled));
            let size = turned(made.inner(), plan.tilt);
            let laid = Rect { x: made.place.0, y: made.place.1, size };
            prop_assert!(is_within(laid, made.canvas));
            prop_assert_eq!(made.output.height, made.canvas.height);
            prop_assert_eq!(made.output.width, made.canvas.width.saturating_add(made.border[3]));
            let most = Geometry::largest_output(stored, &plan);
            if !plan.enlarge && plan.bounds == Bounds::default() && plan.crop.is_none() {
                prop_assert!(made.output.width <= most.width && made.output.height <= most.height);
            }
        }

        #[test]
        fn a_larger_box_never_makes_a_smaller_image(
            width in 1u32..5000, height in 1u32..5000, bound in 1u32..300, more in 0u32..300,
        ) {
            let stored = Size::new(width, height);
            let make = |w| Geometry::new(stored, NONE, &plan(resize(w, 0), Rotation::None)).unwrap().output;
            let (small, large) = (make(bound), make(bound + more));
            prop_assert!(small.width <= large.width && small.height <= large.height);
        }

        #[test]
        fn the_ratio_survives_within_a_pixel(
            width in 1u32..5000, height in 1u32..5000, bound in 1u32..300,
        ) {
            let made = of(resize(bound, 0), Plan::default(), (width, height));
            let exact = f64::from(made.output.width) * f64::from(height) / f64::from(width);
            prop_assert!((f64::from(made.output.height) - exact).abs() <= 1.0);
        }
    }
}
