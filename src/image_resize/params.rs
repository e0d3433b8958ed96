//! Parameters that a URL names: the presets they may stand for, and their refusal.

use image_gate_core::image::{Error, Presets};
use nginx_sys::{
    NGX_DECLINED, ngx_conf_t, ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE, ngx_http_request_t,
    ngx_int_t,
};

use super::conf::MainConf;
use super::context::Failure;
use super::{MODULE, conf};
use crate::ngx::guard::guard;
use crate::ngx::{Request, phase};

const DECLINED: ngx_int_t = NGX_DECLINED as ngx_int_t;

/// All presets.
pub fn presets(request: &Request) -> Result<&Presets, Error> {
    // SAFETY: `create_main_conf` of this module is `create::<MainConf>`.
    let conf = unsafe { request.main_conf::<MainConf>(&raw const MODULE) };
    conf.map(|conf| &conf.presets).ok_or_else(|| Error::Internal("no presets".into()))
}

/// Adds the phase handler. Answers whether there was memory.
pub fn install(cf: *mut ngx_conf_t) -> bool {
    phase::add(cf, ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE, handler)
}

/// Refuses wrong parameters once access was granted, and before the source is asked for.
unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx runs phases on a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return DECLINED };
    guard(request.log(), DECLINED, || {
        let Some(conf) = conf(&request) else { return DECLINED };
        if conf.params.is_none() || !request.is_main() || !conf.geometry().mode.makes_image() {
            return DECLINED;
        }
        match conf.plan(request) {
            Err(failure @ Failure::Params(_)) => super::failure::deny(request, &failure),
            // What else is wrong is answered where the source is an image.
            _ => DECLINED,
        }
    })
}
