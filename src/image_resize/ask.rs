//! What the source is asked for: all of it, as ranges of what is transformed don't exist, and in no
//! coding that can't be undone.

use image_gate_core::image::askable;
use nginx_sys::{
    NGX_DECLINED, ngx_conf_t, ngx_http_phases_NGX_HTTP_PREACCESS_PHASE, ngx_http_request_t,
    ngx_int_t,
};

use super::conf;
use super::conf::Mode;
use crate::ngx::guard::guard;
use crate::ngx::request::DroppedRange;
use crate::ngx::{Pooled, Request, phase};

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
        if !matches!(mode, Mode::Off) && request.is_main() {
            if let Some(dropped) = request.drop_range() {
                // Without memory there is no range, which is as right.
                let _ = Pooled::new(request.pool(), dropped);
            }
            request.narrow_accept_encoding(askable);
        }
        DECLINED
    })
}

/// Serves the range that the client asked for, where what goes out is the source as it came.
pub fn restore_range(request: Request) {
    if let Some(dropped) = Pooled::<DroppedRange>::find(request.pool()) {
        request.restore_range(&dropped);
    }
}
