//! `image_resize_status`: what was counted, as JSON or for Prometheus.

use std::sync::OnceLock;

use image_gate_core::health::Trouble;
use image_gate_core::metrics::PROMETHEUS_TYPE;
use nginx_sys::{NGX_HTTP_NOT_ALLOWED, NGX_OK, ngx_int_t};

use super::conf::{ImageResize, LocConf, StatusFormat, conf};
use crate::ngx::conf::{ConfError, DirectiveArgs, expect, once};
use crate::ngx::phase::Handler;
use crate::ngx::{Request, location};

/// Tells what else of the running configuration does not work: of the modules above this one.
pub static TROUBLES: OnceLock<fn() -> Vec<Trouble>> = OnceLock::new();

/// Reads `image_resize_status`.
pub fn set(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let format = match args.arg(0) {
        b"json" => Some(StatusFormat::Json),
        b"prometheus" => Some(StatusFormat::Prometheus),
        _ => None,
    };
    once(&mut conf.status, expect(format, args.arg(0), format_args!("json or prometheus"))?)?;
    location::set_handler::<StatusHandler>(args)
}

/// Answers the requests of a location with `image_resize_status`.
enum StatusHandler {}

impl Handler for StatusHandler {
    fn handle(request: Request<'_>) -> ngx_int_t {
        answer(request)
    }
}

fn answer(request: Request<'_>) -> ngx_int_t {
    if !request.is_get_or_head() {
        return NGX_HTTP_NOT_ALLOWED as ngx_int_t;
    }
    let rc = request.discard_body();
    if rc != NGX_OK as ngx_int_t {
        return rc;
    }
    let main = request.main_conf::<ImageResize>();
    let statistics = main.and_then(|main| main.zone).map(|zone| zone.read());
    let mut statistics = statistics.unwrap_or_default();
    statistics.troubles.extend(TROUBLES.get().into_iter().flat_map(|troubles| troubles()));
    let (media_type, body) = match conf(&request).and_then(|conf| conf.status) {
        Some(StatusFormat::Prometheus) => (PROMETHEUS_TYPE, statistics.prometheus()),
        Some(StatusFormat::Json) | None => ("application/json", statistics.json()),
    };
    let _ = request.push_header("Cache-Control", b"no-store");
    request.send(media_type, body.into_bytes())
}
