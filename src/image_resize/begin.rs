//! What is to be done with a source, from its headers and those of the request.

use image_gate_core::image::{ContentCodings, Plan, preview_plan};

use super::conf::{LocConf, Mode};
use super::response_info::Failure;
use super::task::{JobKind, Task};
use super::watermark_cache::WatermarkSpec;
use super::{headers, link};
use crate::ngx::Request;

/// What the source's headers say of its body.
pub fn codings(request: Request<'_>) -> ContentCodings {
    ContentCodings::parse(request.values(b"Content-Encoding"))
}

/// What a location makes of its sources, for a request.
pub struct Recipe {
    pub work: JobKind,
    pub plan: Box<Plan>,
    /// The watermark.
    pub layers: Vec<WatermarkSpec>,
}

/// Evaluates the directives of a location for a request.
pub fn recipe(request: Request<'_>, conf: &LocConf) -> Result<Recipe, Failure> {
    // It is large, and handed on several times.
    let plan = Box::new(conf.plan(request)?);
    let (work, plan, layers) = match conf.mode() {
        Mode::Off | Mode::Test => (JobKind::Transform, plan, Vec::new()),
        Mode::Size => (JobKind::Describe, plan, Vec::new()),
        Mode::Info => (JobKind::Inspect, Box::new(preview_plan(&plan)), Vec::new()),
        _ if let Some(description) = link::described(request) => {
            (JobKind::Tell(description?), plan, Vec::new())
        }
        _ => {
            let layers = if plan.watermark { conf.layers(request)? } else { Vec::new() };
            (JobKind::Transform, plan, layers)
        }
    };
    Ok(Recipe { work, plan, layers })
}

/// Decides from the headers of the source what is to be done.
pub fn begin(
    request: Request<'_>,
    conf: &LocConf,
    codings: &ContentCodings,
) -> Result<Task, Failure> {
    let Recipe { work, plan, layers } = recipe(request, conf)?;
    let tag = match (conf.mode(), &work) {
        (Mode::Off | Mode::Test | Mode::Size, _) => None,
        (_, JobKind::Tell(description)) => {
            headers::description_etag(request, conf, &plan, description)
        }
        _ => headers::etag(request, &plan, &layers),
    };
    Ok(Task {
        work,
        plan,
        layers,
        codings: codings.clone(),
        tag,
        buffer: conf.buffer(),
        bounds: conf.bounds(),
        pool: conf.pool,
        keeps_original: conf.keeps_original(),
        is_end_announced: request.is_end_announced(),
    })
}
