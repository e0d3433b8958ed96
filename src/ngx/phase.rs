//! Handlers: of a phase, and of all that a location answers.

use nginx_sys::{
    NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_array_push, ngx_http_handler_pt, ngx_http_phases,
    ngx_http_request_t, ngx_int_t,
};

use super::Reported;
use super::guard::guard;
use super::module::Core;
use super::{ERROR, Parser, Request};

/// What nginx calls for each request that gets there.
pub trait Handler: 'static {
    /// What nginx is told where `handle` panics.
    const PANICKED: ngx_int_t = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;

    /// Handles the request. Returns what nginx is told: `NGX_DECLINED`, a status, and so on.
    fn handle(request: Request<'_>) -> ngx_int_t;
}

/// A handler, as nginx calls it.
pub(super) unsafe extern "C" fn run<H: Handler>(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx calls handlers with a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return ERROR };
    guard(request.log(), H::PANICKED, || H::handle(request))
}

/// The handlers of a phase, in `postconfiguration`.
fn push<H: Handler>(
    parser: Parser<'_>,
    phase: ngx_http_phases,
) -> Option<&mut [ngx_http_handler_pt]> {
    let core = parser.main_ptr::<Core>()?;
    // SAFETY: in `postconfiguration`, all main configurations are made and nobody looks at them
    // meanwhile; the array of a phase takes one more handler, and has handlers.
    unsafe {
        let phases = &raw mut (*core).phases;
        let handlers = &mut (&mut *phases).get_mut(phase as usize)?.handlers;
        *ngx_array_push(handlers).cast::<ngx_http_handler_pt>().as_mut()? = Some(run::<H>);
        Some(std::slice::from_raw_parts_mut(handlers.elts.cast(), handlers.nelts))
    }
}

/// Adds a handler to a phase, in `postconfiguration`: ahead of those that are there, as nginx runs
/// the last one first; in the phase that logs, behind them.
///
/// # Errors
/// There is no memory.
pub fn add<H: Handler>(parser: Parser<'_>, phase: ngx_http_phases) -> Result<(), Reported> {
    push::<H>(parser, phase).map(|_| ()).ok_or(Reported)
}

/// Adds a handler at the other end.
///
/// # Errors
/// There is no memory.
pub fn add_first<H: Handler>(parser: Parser<'_>, phase: ngx_http_phases) -> Result<(), Reported> {
    push::<H>(parser, phase).map(|handlers| handlers.rotate_right(1)).ok_or(Reported)
}
