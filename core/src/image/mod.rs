//! Images: recognise, measure, decode, transform, encode.

mod accept;
mod animate;
mod apart;
mod area;
mod bytes;
mod cancellable_reader;
mod canonical;
mod color;
mod content_encoding;
mod control;
mod damage;
mod decode;
mod deep;
mod dialect;
mod digest_headers;
mod disposition;
mod encode;
mod error;
mod etag;
mod fonts;
mod format;
mod fraction;
mod gain_map;
mod geometry;
mod gravity;
mod hints;
mod info;
#[doc(hidden)]
pub mod internals;
mod isobmff;
mod json;
mod limits;
mod measure;
mod metadata;
mod orientation;
mod params;
mod pixels;
mod plan;
mod planar;
mod png_chunk;
mod preview;
mod queue;
mod raster;
mod render;
mod riff;
#[cfg(feature = "svg")]
mod sanitized;
mod setting;
mod size;
mod smart;
mod source;
mod statistics;
mod strip;
mod svg;
mod transform;
mod unsupported;
pub mod values;
mod watermark;
mod words;

pub use accept::{AutoFormats, FormatChoice};
pub use area::{Area, Length, Ratio, Sides};
pub use canonical::Canonical;
pub use color::Color;
pub use content_encoding::{ContentCoding, ContentCodings, acceptable_codings, decode_body};
pub use control::{
    Control, ExchangePixels, FillPictures, FillPixels, IsolatedPictures, Isolation, Loan,
    ShowPicture, Spare, TakePixels, WorkSize,
};
pub use damage::{Damage, DamagePolicy};
pub use dialect::{
    Asked, Description, Dialect, Hosts, Link, Origin, PROFILE, Resource, Signed, Source, Unknown,
};
pub use digest_headers::is_digest;
pub use disposition::rename_attachment;
pub use error::Error;
pub use etag::{EtagGenerator, Validator, lists_etag};
pub use fonts::{FONTS, FontFolder};
pub use format::{Format, SNIFF_LEN, sniff};
pub use fraction::Fraction;
pub use gravity::{Gravity, Offset};
pub use hints::{Hints, Varies, Widths};
pub use info::Info;
pub use json::{info_json, size_json};
pub use limits::Limits;
pub use measure::Measured;
pub use orientation::{Flip, Rotation};
pub use params::{Allow, Params, Presets};
pub use plan::{
    Adjust, AnimationPolicy, BorderPlace, Bound, Bounds, Clamp, EqualSides, Fit, HdrPolicy,
    HeifPolicy, Mask, MetadataPolicy, Oversize, Plan, PngCompression, ProfilePolicy, RotateBox,
    Rounding, Subsampling, Tone, TrimCorner,
};
pub use preview::Preview;
pub use queue::{AdmissionLimits, Queue};
pub use setting::{
    Argument, Background, Draft, Filling, Parsed, SETTINGS, Setting, SettingDirective,
};
pub use statistics::{Histogram, LIMITS, Statistics};
pub use svg::is_svg;
pub use transform::{Output, Prepared, Transformed, prepare, preview_plan, probe};
pub use unsupported::{UNSUPPORTED_LEN, unsupported};
pub use watermark::{
    Font, Position, Watermark, WatermarkContent, WatermarkPicture, WatermarkStyle, WatermarkText,
};
pub use words::Words;
