//! Images: recognise, measure, decode, transform, encode.

mod bytes;
mod coding;
mod color;
mod control;
mod decode;
mod disposition;
mod encode;
mod error;
mod format;
mod geometry;
mod json;
mod mark;
mod metadata;
mod params;
mod pixels;
mod plan;
mod raster;
mod riff;
mod source;
mod statistics;
mod transform;
mod variant;

pub use coding::{Coding, ENCODED_SNIFF_LEN, decode_body};
pub use control::Control;
pub use disposition::rename_attachment;
pub use error::Error;
pub use format::{Format, SNIFF_LEN, sniff};
pub use json::size_json;
pub use mark::{Content, Font, Look, Mark, Picture, Position, Share, Text};
pub use plan::{Bound, Color, Fit, Limits, MetadataPolicy, Plan, ProfilePolicy, Rotation};
pub use statistics::{Histogram, LIMITS, PROMETHEUS_TYPE, Statistics};
pub use transform::{Info, Output, Prepared, Transformed, prepare, probe};
pub use variant::{tag_listed, variant_tag};
