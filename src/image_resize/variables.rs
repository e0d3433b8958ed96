//! The `$image_resize_*` variables.

use std::borrow::Cow;
use std::time::Duration;

use image_gate_core::image::{AutoFormats, FormatChoice, Source};

use super::conf::{ImageResize, conf};
use super::link;
use super::response_info::{ResponseInfo, status_word};

use crate::ngx::Request;
use crate::ngx::variable::Variable;

/// All of them.
pub static VARIABLES: &[Variable] = &[
    Variable { name: "image_resize_status", get: |r| text(r, |f| f.status.map(status_word)) },
    Variable { name: "image_resize_error", get: |r| text(r, |f| f.error) },
    Variable { name: "image_resize_format", get: |r| text(r, |f| f.format.map(|x| x.name())) },
    Variable { name: "image_resize_accept", get: accepted },
    Variable { name: "image_resize_hint", get: hint },
    Variable { name: "image_resize_damaged", get: |r| text(r, |f| f.is_damaged.then_some("1")) },
    Variable { name: "image_resize_width", get: |r| number(r, |f| f.size.map(|s| s.0)) },
    Variable { name: "image_resize_height", get: |r| number(r, |f| f.size.map(|s| s.1)) },
    Variable {
        name: "image_resize_source_format",
        get: |r| text(r, |f| f.source_format.map(|x| x.name())),
    },
    Variable {
        name: "image_resize_source_width",
        get: |r| number(r, |f| f.source_size.map(|s| s.0)),
    },
    Variable {
        name: "image_resize_source_height",
        get: |r| number(r, |f| f.source_size.map(|s| s.1)),
    },
    Variable { name: "image_resize_source_bytes", get: |r| number(r, |f| f.source_bytes) },
    Variable {
        name: "image_resize_source",
        get: |r| Some(link::source(r, Source::target)?.into_bytes().into()),
    },
    Variable { name: "image_resize_source_path", get: source_path },
    Variable {
        name: "image_resize_source_scheme",
        get: |r| Some(link::origin(r, |origin| origin.scheme)?.as_bytes().into()),
    },
    Variable {
        name: "image_resize_source_host",
        get: |r| Some(link::origin(r, |origin| origin.host.clone())?.into_bytes().into()),
    },
    Variable { name: "image_resize_bytes", get: |r| number(r, |f| f.bytes) },
    Variable { name: "image_resize_time", get: |r| number(r, |f| f.time.map(seconds)) },
    Variable { name: "image_resize_queue_time", get: |r| number(r, |f| f.queue_time.map(seconds)) },
];

fn response_info(request: Request<'_>) -> Option<ResponseInfo> {
    request.context::<ImageResize>().map(|context| context.response_info.get())
}

/// What `image_resize_format auto` goes by: known before anything else is.
fn accepted(request: Request<'_>) -> Option<Cow<'static, [u8]>> {
    let offer = match conf(&request)?.format_choice(request) {
        Ok(FormatChoice::Auto(offer)) => offer,
        // A cache in front of the server that transforms has this much to go by.
        _ => AutoFormats::default(),
    };
    Some(offer.key(request.accept()).into_bytes().into())
}

/// What the client says of its screen and its connection, as far as it is heard here.
fn hint(request: Request<'_>) -> Option<Cow<'static, [u8]>> {
    Some(conf(&request)?.hear(Some(request)).key().into_bytes().into())
}

/// The path of what a link is for. Of one that is refused it is a path all the same: what rewrites
/// by it runs before the link can be refused, and takes no empty one.
fn source_path(request: Request<'_>) -> Option<Cow<'static, [u8]>> {
    let path = link::asked(request)?.map_or(&b"/"[..], |asked| asked.source.path());
    Some(path.to_vec().into())
}

fn text(
    request: Request<'_>,
    get: impl Fn(&ResponseInfo) -> Option<&'static str>,
) -> Option<Cow<'static, [u8]>> {
    Some(get(&response_info(request)?)?.as_bytes().into())
}

fn number<T: ToString>(
    request: Request<'_>,
    get: impl Fn(&ResponseInfo) -> Option<T>,
) -> Option<Cow<'static, [u8]>> {
    Some(get(&response_info(request)?)?.to_string().into_bytes().into())
}

/// Seconds with milliseconds, as nginx writes `$request_time`.
fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}
