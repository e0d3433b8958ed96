//! `$image_resize_cache_status`.

use std::borrow::Cow;

use super::conf::ImageResizeCache;
use super::pass::Status;
use crate::ngx::Request;
use crate::ngx::variable::Variable;

/// All variables of the module.
pub static VARIABLES: &[Variable] = &[Variable { name: "image_resize_cache_status", get: status }];

fn status(request: Request<'_>) -> Option<Cow<'static, [u8]>> {
    let word = match request.context::<ImageResizeCache>()?.status.get()? {
        Status::Hit => "HIT",
        Status::Miss => "MISS",
        Status::Expired => "EXPIRED",
        Status::Bypass => "BYPASS",
    };
    Some(word.as_bytes().into())
}
