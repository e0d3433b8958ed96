//! Headers that wait for the body, and go on when it is there.

use nginx_sys::{NGX_ERROR, NGX_OK, ngx_int_t};

use super::conf::{ImageResize, conf};
use super::context::{BodyState, ResponseRole, Transfer};
use super::timers::{CancelAtEnd, Timer, Wake};
use crate::ngx::Request;

/// Holds the headers back until what has to be is there of the body.
pub fn hold(context: Transfer<'_>, state: BodyState) -> ngx_int_t {
    let request = context.request;
    // They are there when they are needed. What is made for nobody ends with nobody.
    let events = request.event::<Wake>().is_ok() && request.event::<Timer>().is_ok();
    if !events || (request.is_main() && request.on_end::<CancelAtEnd>().is_err()) {
        return NGX_ERROR as ngx_int_t;
    }
    // A body from an upstream is in memory already, or in a temporary file that is the pipe's to
    // reuse. A file stays where it is until the job reads it, off the event loop; but what may be
    // let through goes to filters that may want it in memory, and they can't say so any more.
    if state == BodyState::Sniff || request.is_from_upstream() {
        request.need_in_memory();
    } else {
        request.leave_files_unread();
    }
    if context.role.get() == ResponseRole::Source {
        request.clear_ranges();
    }
    if request.is_main() {
        request.preserve_body();
        request.hold();
    }
    context.state.set(state);
    NGX_OK as ngx_int_t
}

/// Hands headers on, with what is to be said of a failure.
pub fn next_header(request: Request<'_>) -> ngx_int_t {
    announce(request);
    request.next_header()
}

/// Has the answer say what went wrong, where `image_resize_debug_header` wants that.
pub fn tell(context: Transfer<'_>, detail: impl FnOnce() -> Option<String>) {
    let conf = conf(&context.request);
    if conf.is_some_and(|conf| conf.debug_header.unwrap_or(false)) {
        context.detail.replace(detail());
    }
}

/// Tells whoever sets up a location what went wrong in it.
fn announce(request: Request<'_>) {
    let main = request.main_conf::<ImageResize>();
    if request.is_main()
        && main.is_some_and(|main| main.has_debug.get())
        && let Some(context) = request.context::<ImageResize>()
        && let Some(detail) = context.detail.take()
    {
        let detail = detail.as_bytes().escape_ascii().to_string();
        let _ = request.push_header("X-Image-Error", detail.as_bytes());
    }
}
