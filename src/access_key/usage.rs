//! `access_key_usage`: what a partner is shown of itself, by its own key.

use image_gate_core::key::{own_html, own_json};
use nginx_sys::{
    NGX_HTTP_FORBIDDEN, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_NOT_ALLOWED, NGX_OK, ngx_int_t,
};

use super::conf::{AccessKey, LocConf, UsageConf, UsageFormat, conf};
use super::request_key::{AccessDecision, KeyStatus, RequestKeys};
use crate::ngx::conf::{ConfError, DirectiveArgs, expect, once};
use crate::ngx::phase::Handler;
use crate::ngx::thread::ThreadPool;
use crate::ngx::{Request, location, worker};

/// The page loads nothing, and tells no other site where it is: the key may be in its address.
const HEADERS: [(&str, &str); 3] = [
    ("Cache-Control", "private, no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
];
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri \
    'none'; form-action 'none'";

/// `access_key_usage json|html`.
pub fn set(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let format = match args.arg(0) {
        b"json" => Some(UsageFormat::Json),
        b"html" => Some(UsageFormat::Html),
        _ => None,
    };
    let format = expect(format, args.arg(0), format_args!("json or html"))?;
    let pool =
        ThreadPool::of_answers(args.parser()).map_err(|_| ConfError::invalid("no thread pool"))?;
    once(&mut conf.usage, UsageConf { format, pool })?;
    // There is a history of what is shown.
    if let Some(main) = args.parser().main::<AccessKey>() {
        main.shown.set(true);
    }
    location::set_handler::<UsageHandler>(args)
}

/// Answers the requests of a location with `access_key_usage`.
enum UsageHandler {}

impl Handler for UsageHandler {
    fn handle(request: Request<'_>) -> ngx_int_t {
        answer(request)
    }
}

fn answer(request: Request<'_>) -> ngx_int_t {
    if !request.is_get_or_head() {
        return NGX_HTTP_NOT_ALLOWED as ngx_int_t;
    }
    let here = conf(&request).and_then(|conf| {
        let usage = conf.usage.as_ref()?;
        Some((usage, RequestKeys::of(request)?.here(request, conf)?))
    });
    let Some((usage, request_key)) = here else {
        return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
    };
    // Another module may have let the request in without a key, or with one that is not for this.
    let is_in = request_key.decision.get().is_some_and(AccessDecision::lets_in);
    let place = request_key.place().filter(|_| request_key.key_status == KeyStatus::Valid && is_in);
    let Some(place) = place else { return NGX_HTTP_FORBIDDEN as ngx_int_t };
    let rc = request.discard_body();
    if rc != NGX_OK as ngx_int_t {
        return rc;
    }
    let policy =
        (usage.format == UsageFormat::Html).then_some(("Content-Security-Policy", PAGE_POLICY));
    for (name, value) in HEADERS.into_iter().chain(policy) {
        if request.push_header(name, value.as_bytes()).is_none() {
            return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        }
    }
    let (format, zone) = (usage.format, request_key.live.clone());
    let (limits, time) = (request_key.limits.get(), worker::time());
    let make = move || {
        let own = zone.own_usage(place, &limits, time).unwrap_or_default();
        let text = match format {
            UsageFormat::Json => own_json(&own),
            UsageFormat::Html => own_html(&own),
        };
        text.into_bytes()
    };
    match usage.pool {
        None => request.send(format.media_type(), make()),
        Some(pool) => request.respond_from_thread(pool, format.media_type(), make),
    }
}
