//! `$image_resize_cache_status`.

use std::borrow::Cow;

use super::conf::ImageResizeCache;
use crate::ngx::Request;
use crate::ngx::variable::Variable;

/// All variables of the module.
pub static VARIABLES: &[Variable] = &[Variable { name: "image_resize_cache_status", get: status }];

fn status(request: Request<'_>) -> Option<Cow<'static, [u8]>> {
    let (word, _) = request.context::<ImageResizeCache>()?.status.get()?.words();
    Some(word.as_bytes().into())
}
