//! Ranges of what is transformed don't exist: a request for one gets the whole, and an upstream
//! is never asked for a part of the original.

use nginx_sys::{
    NGX_DECLINED, ngx_conf_t, ngx_http_phases_NGX_HTTP_PREACCESS_PHASE, ngx_http_request_t,
    ngx_int_t,
};

use super::conf;
use super::conf::Mode;
use crate::ngx::guard::guard;
use crate::ngx::{Request, phase};

const DECLINED: ngx_int_t = NGX_DECLINED as ngx_int_t;

/// Adds the phase handler. Answers whether there was memory.
pub fn install(cf: *mut ngx_conf_t) -> bool {
    phase::add(cf, ngx_http_phases_NGX_HTTP_PREACCESS_PHASE, handler)
}

unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx runs phases on a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return DECLINED };
    guard(request.log(), DECLINED, || {
        let mode = conf(&request).map(|conf| conf.geometry().mode).unwrap_or_default();
        if !matches!(mode, Mode::Off | Mode::Test) {
            request.drop_range();
        }
        DECLINED
    })
}
