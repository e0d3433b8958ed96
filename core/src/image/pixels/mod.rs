//! What is done to pixels between decoding and encoding.

mod flatten;
mod profile;
mod resize;
mod sharpen;
mod shrink;
mod turn;

pub(super) use flatten::{flatten, widen};
pub(super) use profile::{Converter, naive_rgb};
pub(super) use resize::{resize, working_bytes};
pub(super) use sharpen::sharpen;
pub(super) use shrink::{LARGEST as LARGEST_BOX, Shrink};
pub(super) use turn::turn;
