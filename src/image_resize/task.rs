//! What is to be made of a source, as it was decided when its headers came.

use image_gate_core::image::{ContentCodings, Description, Plan};

use super::conf::JobLimits;
use super::watermark_cache::WatermarkSpec;
use crate::ngx::thread::ThreadPool;

/// What the job is to make.
#[derive(Debug, Clone)]
pub enum JobKind {
    /// The description of `image_resize size`.
    Describe,
    /// The description of `image_resize info`.
    Inspect,
    /// That which a link asks for.
    Tell(Description),
    /// An image.
    Transform,
}

/// What was decided when the headers of the source came.
pub struct Task {
    pub work: JobKind,
    pub plan: Box<Plan>,
    /// The watermark, which the job adds to the plan.
    pub layers: Vec<WatermarkSpec>,
    pub codings: ContentCodings,
    /// The variant's entity tag.
    pub tag: Option<String>,
    /// Bytes that the source may have.
    pub buffer: u64,
    pub bounds: JobLimits,
    pub pool: Option<ThreadPool>,
    /// Whether the source is wanted back if it can't be transformed.
    pub keeps_original: bool,
    /// Whether whoever sends the source says where it ends, so that one that ends early is damaged
    /// itself and was not cut off on its way.
    pub is_end_announced: bool,
}
