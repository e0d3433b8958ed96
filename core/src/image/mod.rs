//! Images: recognise, measure, decode, transform, encode.

mod accept;
mod animate;
mod bytes;
mod coding;
mod color;
mod control;
mod damage;
mod decode;
mod digest;
mod disposition;
mod encode;
mod error;
mod format;
mod geometry;
mod gravity;
#[doc(hidden)]
pub mod internals;
mod json;
mod look;
mod mark;
mod metadata;
mod params;
mod pixels;
mod plan;
mod queue;
mod raster;
mod render;
mod riff;
mod smart;
mod source;
mod statistics;
mod strip;
mod transform;
mod unread;
pub mod values;
mod variant;
mod watched;

pub use accept::{Offer, Wanted};
pub use coding::{Coding, Codings, askable, decode_body};
pub use control::Control;
pub use damage::{Damage, DamagePolicy};
pub use digest::is_digest;
pub use disposition::rename_attachment;
pub use error::Error;
pub use format::{Format, SNIFF_LEN, sniff};
pub use gravity::Gravity;
pub use json::{info_json, size_json};
pub use look::Look;
pub use mark::{Content, Font, Mark, MarkLook, Picture, Position, Share, Text};
pub use params::{Allow, Params, Presets};
pub use plan::{
    Adjust, AnimationPolicy, Bound, Color, Fit, Flip, Limits, MetadataPolicy, Plan, PngCompression,
    ProfilePolicy, Rotation,
};
pub use queue::{Admission, Queue};
pub use statistics::{Histogram, LIMITS, PROMETHEUS_TYPE, Statistics};
pub use transform::{Info, Output, Prepared, Transformed, look_plan, prepare, probe};
pub use unread::{UNREAD_LEN, is_svg, unread};
pub use variant::{Tagger, Validator, tag_listed};
