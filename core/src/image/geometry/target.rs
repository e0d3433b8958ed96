//! The box that an image is to be made to, in pixels: shares, proportions, zoom and density are resolved.

use std::cmp::Ordering;
use std::num::NonZeroU32;

use crate::image::orientation::Orientation;
use crate::image::size::Size;
use crate::image::{Bound, Bounds, Clamp, Error, Fit, Plan, Ratio, Rounding};

/// By how much the sides of the box are multiplied, in parts of [`DPR_ONE`]: where the plan has it
/// so, no more than there are pixels for, as imgproxy has it.
pub(super) fn dpr(plan: &Plan, sizes: (Size, Size)) -> u32 {
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
pub(super) const DPR_ONE: u32 = 10_000;

/// What an image is to be made to: a box, all of whose sides are in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) fit: Fit,
    /// What the image is scaled to have at most.
    pub(super) most: (Bound, Bound),
    /// What it is scaled to have at least, which goes before all else.
    pub(super) least: (Bound, Bound),
    /// By how much all of these were multiplied, in parts of [`DPR_ONE`].
    pub(super) dpr: u32,
}

impl Target {
    /// What a plan makes an image of that size to, where all is multiplied so. The other size is that
    /// of the image before anything was cut out of it.
    pub(super) fn new(plan: &Plan, (size, whole): (Size, Size), dpr: u32) -> Target {
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

    pub(super) fn dpr_percent(&self) -> u16 {
        u16::try_from(self.dpr / 100).unwrap_or(u16::MAX)
    }

    /// Refuses a box that is larger than an image of that size.
    pub(super) fn check_within(mut self, Size { width, height }: Size) -> Result<(), Error> {
        let Some(sides) = self.fit.sides_mut() else { return Ok(()) };
        if sides.0.is_none_or(|side| side.get() <= width)
            && sides.1.is_none_or(|side| side.get() <= height)
        {
            return Ok(());
        }
        Err(Error::BeyondImage(format!("larger than the {width}x{height} pixels there are")))
    }

    /// This, for an image that is turned so afterwards.
    pub(super) fn before(mut self, turn: Orientation) -> Target {
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
    pub(super) fn height_of(self, width: u32, round: Rounding) -> u32 {
        portion(width, self.height.get(), self.width.get(), round).max(1)
    }

    pub(super) fn turned(self) -> Ratio {
        Ratio { width: self.height, height: self.width }
    }
}

/// So many of so many parts of a number of pixels.
pub(super) fn portion(pixels: u32, many: u32, parts: u32, round: Rounding) -> u32 {
    let half = match round {
        Rounding::Down => 0,
        Rounding::Nearest => u64::from(parts) / 2,
    };
    let portion = (u64::from(pixels) * u64::from(many) + half).checked_div(u64::from(parts));
    portion.map_or(u32::MAX, |portion| u32::try_from(portion).unwrap_or(u32::MAX))
}

/// The size of that width and the same proportions.
pub(super) fn of_width(size: Size, width: u32, round: Rounding) -> Size {
    Size::new(width, portion(size.height, width, size.width, round).max(1))
}

pub(super) fn or_endless(bound: Bound) -> u32 {
    bound.map_or(u32::MAX, u32::from)
}
