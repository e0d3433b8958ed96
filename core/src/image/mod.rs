//! Images: recognise, measure, decode, transform, encode.

mod coding;
mod color;
mod control;
mod disposition;
mod error;
mod format;
mod json;
mod params;
mod plan;
mod transform;
mod variant;

pub use coding::{Coding, ENCODED_SNIFF_LEN, decode_body};
pub use control::Control;
pub use disposition::rename_attachment;
pub use error::Error;
pub use format::{Format, SNIFF_LEN, sniff};
pub use json::size_json;
pub use plan::{Bound, Color, Fit, Limits, MetadataPolicy, Plan, ProfilePolicy, Rotation};
pub use transform::{Info, Output, Prepared, Transformed, prepare, probe};
pub use variant::{tag_listed, variant_tag};
