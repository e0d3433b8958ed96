//! Ranges of what is transformed don't exist: a request for one gets the whole, and an upstream
//! is never asked for a part of the original.

use nginx_sys::{
    NGX_DECLINED, ngx_array_push, ngx_conf_t, ngx_http_conf_ctx_t, ngx_http_core_main_conf_t,
    ngx_http_core_module, ngx_http_handler_pt, ngx_http_phases_NGX_HTTP_PREACCESS_PHASE,
    ngx_http_request_t, ngx_int_t,
};

use super::conf;
use super::conf::Mode;
use crate::ngx::Request;
use crate::ngx::guard::guard;

const DECLINED: ngx_int_t = NGX_DECLINED as ngx_int_t;

/// Adds the phase handler. Answers whether there was memory.
pub fn install(cf: *mut ngx_conf_t) -> bool {
    // SAFETY: in `postconfiguration`, the parser's context is the HTTP context, whose main
    // configurations are all made; the array of a phase takes one more handler.
    unsafe {
        let ctx = (*cf).ctx.cast::<ngx_http_conf_ctx_t>();
        let core = (*(*ctx).main_conf.add(ngx_http_core_module.ctx_index))
            .cast::<ngx_http_core_main_conf_t>();
        let phases = &raw mut (*core).phases;
        let Some(phase) = (&mut *phases).get_mut(ngx_http_phases_NGX_HTTP_PREACCESS_PHASE as usize)
        else {
            return false;
        };
        match ngx_array_push(&mut phase.handlers).cast::<ngx_http_handler_pt>().as_mut() {
            Some(slot) => {
                *slot = Some(handler);
                true
            }
            None => false,
        }
    }
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
