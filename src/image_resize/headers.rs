//! The headers of the answer.

use image_gate_core::image::rename_attachment;
use nginx_sys::NGX_HTTP_NOT_MODIFIED;

use super::context::{Task, Work};
use super::job::Product;
use crate::ngx::Request;

/// What identifies the source's bytes: its entity tag, else the time it was modified.
pub fn validator(request: &Request) -> Option<Vec<u8>> {
    match request.etag() {
        Some(tag) => Some(tag.to_vec()),
        None => request.last_modified().map(|time| time.to_string().into_bytes()),
    }
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
