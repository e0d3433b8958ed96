//! Phase handlers.

use nginx_sys::{
    ngx_array_push, ngx_conf_t, ngx_http_conf_ctx_t, ngx_http_core_main_conf_t,
    ngx_http_core_module, ngx_http_handler_pt, ngx_http_phases, ngx_http_request_t, ngx_int_t,
};

/// What nginx calls for each request that reaches the phase.
pub type Handler = unsafe extern "C" fn(*mut ngx_http_request_t) -> ngx_int_t;

/// The same ahead of all others that the phase has so far.
pub fn add_first(cf: *mut ngx_conf_t, phase: ngx_http_phases, handler: Handler) -> bool {
    add(cf, phase, handler) && {
        // SAFETY: as in `add`, which added one; the array's elements are handlers.
        unsafe {
            let ctx = (*cf).ctx.cast::<ngx_http_conf_ctx_t>();
            let core = (*(*ctx).main_conf.add(ngx_http_core_module.ctx_index))
                .cast::<ngx_http_core_main_conf_t>();
            let phases = &raw mut (*core).phases;
            if let Some(phase) = (&mut *phases).get_mut(phase as usize) {
                let handlers = &phase.handlers;
                std::slice::from_raw_parts_mut(
                    handlers.elts.cast::<ngx_http_handler_pt>(),
                    handlers.nelts,
                )
                .rotate_right(1);
            }
        }
        true
    }
}

/// Adds a handler to a phase, in `postconfiguration`. Answers whether there was memory.
pub fn add(cf: *mut ngx_conf_t, phase: ngx_http_phases, handler: Handler) -> bool {
    // SAFETY: in `postconfiguration`, the parser's context is the HTTP context, whose main
    // configurations are all made; the array of a phase takes one more handler.
    unsafe {
        let ctx = (*cf).ctx.cast::<ngx_http_conf_ctx_t>();
        let core = (*(*ctx).main_conf.add(ngx_http_core_module.ctx_index))
            .cast::<ngx_http_core_main_conf_t>();
        let phases = &raw mut (*core).phases;
        let Some(phase) = (&mut *phases).get_mut(phase as usize) else { return false };
        match ngx_array_push(&mut phase.handlers).cast::<ngx_http_handler_pt>().as_mut() {
            Some(slot) => {
                *slot = Some(handler);
                true
            }
            None => false,
        }
    }
}
