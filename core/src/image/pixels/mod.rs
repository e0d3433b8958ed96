//! What is done to pixels between decoding and encoding.

mod flatten;
mod profile;
mod resize;
mod sharpen;
mod turn;

pub(super) use flatten::{flatten, widen, with_alpha};
pub(super) use profile::{Converter, naive_rgb};
pub(super) use resize::{resize, working_bytes};
pub(super) use sharpen::sharpen;
pub(super) use turn::turn;
