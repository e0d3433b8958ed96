//! The headers of the answer.

use std::cell::RefCell;

use image_gate_core::image::{Plan, Tagger, Validator, rename_attachment};
use nginx_sys::NGX_HTTP_NOT_MODIFIED;

use super::context::{Task, Work};
use super::job::Product;
use super::watermark::Layer;
use crate::ngx::Request;

thread_local! {
    /// Of this worker. Only the event loop's thread gets here.
    static TAGGER: RefCell<Tagger> = RefCell::default();
}

/// The entity tag of what becomes of the source, if that has one or a time.
pub fn tag(request: Request, plan: &Plan, layers: &[Layer]) -> Option<String> {
    let validator = match request.etag() {
        Some(tag) => Validator::Tag(tag),
        None => Validator::Modified(request.last_modified()?),
    };
    Some(TAGGER.with_borrow_mut(|tagger| tagger.tag(validator, plan, layers)))
}

/// Says that the answer depends on `Accept`, where it does.
fn vary(request: Request, task: &Task) -> bool {
    let varies = task.plan.negotiated && matches!(task.work, Work::Transform);
    !varies || request.add_vary("Accept")
}

/// Makes of the source's headers those of the product. Answers whether there was memory.
pub fn product(request: Request, product: &Product, task: &Task) -> bool {
    match product.format {
        Some(format) => request.set_content_type(format.media_type()),
        None => request.set_content_type("application/json"),
    }
    request.set_content_length(Some(product.bytes.len()));
    request.clear_content_encoding();
    request.drop_header(b"Refresh");
    request.clear_ranges();
    if let Some(format) = product.format {
        request.replace_header(b"Content-Disposition", |value| rename_attachment(value, format));
    }
    // The source's bytes, sent as they came, keep the source's tag.
    let is_as_it_came = product.is_original && task.coding.is_none();
    let tagged = is_as_it_came || request.set_etag(task.tag.as_deref().map(str::as_bytes));
    tagged && vary(request, task)
}

/// The headers of an answer to HEAD whose body is not known.
pub fn unknown_body(request: Request, task: &Task) {
    request.set_content_length(None);
    request.clear_content_encoding();
    request.drop_header(b"Refresh");
    request.clear_ranges();
    let _ = request.set_etag(task.tag.as_deref().map(str::as_bytes));
    let _ = vary(request, task);
}

/// The headers of "304 Not Modified".
pub fn not_modified(request: Request, task: &Task) {
    request.set_status(NGX_HTTP_NOT_MODIFIED);
    request.clear_content_type();
    unknown_body(request, task);
}
