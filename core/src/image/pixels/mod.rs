//! What is done to pixels between decoding and encoding.

mod adjust;
mod blur;
mod border;
mod composite;
mod flatten;
mod mask;
mod orient;
mod pad;
mod pixelate;
mod plane;
mod profile;
mod resize;
mod rotate;
mod sharpen;
mod shrink;
mod tone;
mod tone_map;
mod trim;

pub(super) use adjust::adjust;
pub(super) use blur::blur;
pub(super) use border::{Frame, border};
pub(super) use composite::{divide_by_255, lay_opaque, lay_over};
pub(super) use flatten::{flatten, veil, widen, with_alpha};
pub(super) use mask::{mask, within_shape};
pub(super) use orient::{orient, orient_deep};
pub(super) use pad::{Backdrop, pad};
pub(super) use pixelate::pixelate;
pub(super) use plane::{PlaneScaler, Span, plane_bytes};
pub(super) use profile::{Converter, naive_rgb};
pub(super) use resize::{Placed, deep_working_bytes, resize, resize_deep, working_bytes};
pub(super) use rotate::{rotate, turned, turned_size};
pub(super) use sharpen::sharpen;
pub(super) use shrink::{LARGEST as LARGEST_BOX, Shrink};
pub(super) use tone::{fade, tone};
pub(super) use tone_map::ToneMapper;
pub(super) use trim::{Border, copy, cut, evened, inside};
