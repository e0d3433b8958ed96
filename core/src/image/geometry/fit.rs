//! The size an image is scaled to, what is cut of it, and the canvas it is laid on, for a box.

use std::num::NonZeroU32;

use super::target::{Target, of_width, or_endless};
use crate::image::gravity::{Axis, Gravity};
use crate::image::size::{Rect, Size};
use crate::image::{Bound, Fit, Plan, Rounding};

/// The size that the whole of an image is scaled to.
pub(super) fn scale(size: Size, target: &Target, plan: &Plan) -> Size {
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
pub(super) fn cut(size: Size, target: &Target, plan: &Plan, gravity: Gravity) -> Rect {
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
pub(super) fn canvas(size: Size, fit: Fit, round: Rounding) -> Size {
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

pub(super) fn fits(size: Size, (width, height): (Bound, Bound)) -> bool {
    size.width <= or_endless(width) && size.height <= or_endless(height)
}

/// nginx has `-` as the largest `ngx_uint_t`, which takes part in the ratio.
fn or_endless_f64(bound: Bound) -> f64 {
    bound.map_or(u64::MAX as f64, |bound| f64::from(bound.get()))
}
