//! `$image_resize_cache_*`.

use std::borrow::Cow;

use super::conf::ImageResizeCache;
use crate::ngx::Request;
use crate::ngx::variable::Variable;

/// All variables of the module.
pub static VARIABLES: &[Variable] = &[
    Variable { name: "image_resize_cache_etag", get: |request| asked(request, |[etag, _]| etag) },
    Variable {
        name: "image_resize_cache_last_modified",
        get: |request| asked(request, |[_, modified]| modified),
    },
    Variable { name: "image_resize_cache_status", get: status },
];

fn asked(request: Request<'_>, part: fn(&[Vec<u8>; 2]) -> &Vec<u8>) -> Option<Cow<'static, [u8]>> {
    let asked = part(request.active_context::<ImageResizeCache>()?.asked.get()?);
    (!asked.is_empty()).then(|| asked.clone().into())
}

fn status(request: Request<'_>) -> Option<Cow<'static, [u8]>> {
    let (word, _) = request.context::<ImageResizeCache>()?.status.get()?.words();
    Some(word.as_bytes().into())
}
