//! The wall between Rust panics and C.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nginx_sys::{NGX_LOG_ERR, ngx_log_t};

use super::log;

/// Runs `body`; a panic in it becomes an error-log line and `fallback`.
///
/// Every function that nginx calls has this around all it does. What a panic leaves half done is
/// at most the state of the one request it happened in, which then fails.
pub fn guard<T>(log: *mut ngx_log_t, fallback: T, body: impl FnOnce() -> T) -> T {
    catch(body).unwrap_or_else(|| {
        log::write(log, NGX_LOG_ERR, format_args!("image_gate: internal error: panic"));
        fallback
    })
}

/// Runs `body`; a panic in it becomes `None`. For threads, which have no log of their own.
pub fn catch<T>(body: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}
