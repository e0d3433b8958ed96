//! The wall between Rust panics and C.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

use nginx_sys::{NGX_LOG_ERR, ngx_cycle, ngx_log_t};

use super::log;

/// Has panics say in the error log where they come from, and nothing on standard error. What they
/// say besides may be a part of a request, and stays unsaid.
pub(super) fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_hook(Box::new(|panic| {
            image_gate_isolation::end_by_panic(panic.location());
            // SAFETY: `ngx_cycle` points to the running cycle, from before the first module's code
            // is called until the process ends. nginx writes a line by a single `write`, which
            // threads may do, too.
            let log = unsafe { ngx_cycle.as_ref().map_or(std::ptr::null_mut(), |cycle| cycle.log) };
            match panic.location() {
                Some(place) => log::write(
                    log,
                    NGX_LOG_ERR,
                    format_args!("image_gate: internal error at {}:{}", place.file(), place.line()),
                ),
                None => log::write(log, NGX_LOG_ERR, format_args!("image_gate: internal error")),
            }
        }));
    });
}

/// Runs `body`; a panic in it becomes an error-log line and `fallback`.
///
/// Every function that nginx calls has this around all it does. What a panic leaves half done is
/// at most the state of the one request it happened in, which then fails.
pub(super) fn guard<T>(log: *mut ngx_log_t, fallback: T, body: impl FnOnce() -> T) -> T {
    catch(body).unwrap_or_else(|| {
        log::write(
            log,
            NGX_LOG_ERR,
            format_args!("image_gate: a handler ended by an internal error"),
        );
        fallback
    })
}

/// Runs `body`; a panic in it becomes `None`. For threads, which have no log of their own.
pub fn catch<T>(body: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}
