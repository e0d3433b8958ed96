//! What is to be done with a source, from its headers and those of the request.

use image_gate_core::image::{Codings, Plan, look_plan};

use super::conf::{LocConf, Mode};
use super::facts::Failure;
use super::headers;
use super::task::{Task, Work};
use crate::ngx::Request;

/// What the source's headers say of its body.
pub fn codings(request: Request<'_>) -> Codings {
    Codings::parse(request.values(b"Content-Encoding"))
}

/// Decides from the headers of the source what is to be done.
pub fn begin(request: Request<'_>, conf: &LocConf, codings: &Codings) -> Result<Task, Failure> {
    let (buffer, mode) = (conf.buffer(), conf.mode());
    let mut plan = conf.plan(request)?;
    let keeps_original = conf.keeps_original();
    let (work, layers, tag) = match mode {
        Mode::Off | Mode::Test => (Work::Transform, Vec::new(), None),
        Mode::Size => (Work::Describe, Vec::new(), None),
        Mode::Info => {
            plan = Plan { damaged: plan.damaged, ..look_plan(plan.orient) };
            let tag = headers::tag(request, &plan, &[]);
            (Work::Inspect, Vec::new(), tag)
        }
        _ => {
            let layers = if plan.watermark { conf.layers(request)? } else { Vec::new() };
            let tag = headers::tag(request, &plan, &layers);
            (Work::Transform, layers, tag)
        }
    };
    Ok(Task {
        work,
        plan,
        layers,
        codings: codings.clone(),
        tag,
        buffer,
        bounds: conf.bounds(),
        pool: conf.pool,
        keeps_original,
        is_end_announced: request.is_end_announced(),
    })
}
