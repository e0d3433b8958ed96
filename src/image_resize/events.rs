//! The events that finish what the filters begin: a job is done, or the request is over.

use std::ffi::c_void;

use image_gate_core::image::Error;
use nginx_sys::{
    NGX_ERROR, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_SERVICE_UNAVAILABLE, ngx_event_t,
    ngx_int_t, ngx_str_t, ngx_uint_t,
};

use super::context::{Context, Failure, Role, State, Status};
use super::failure::record;
use super::job::Outcome;
use super::queue::{self, Completed};
use super::{MODULE, conf, policy};
use crate::ngx::guard::guard;
use crate::ngx::{Pooled, Request};

const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// How often the timer of a waiting request runs, in milliseconds. It only has to be there. One that
/// was turned away is answered by it.
pub const TIMER: usize = 60_000;

/// Has [`on_wake`] run from the event loop.
pub fn wake(context: Pooled<Context>) {
    if let Some(event) = context.wake.get() {
        event.post();
    }
}

/// What nginx is to do with a request once an event was handled. It is done last of all, as the
/// request may be gone afterwards.
#[derive(Debug)]
enum Next {
    /// Nothing: another event comes.
    Wait,
    /// To go on with it.
    Resume,
    /// To answer with that status.
    Finalize(u32),
    /// To go on elsewhere.
    Redirect(ngx_str_t),
}

/// Handles an event of a request, which is alive until that is done: what panics meanwhile is
/// answered by an error, and leaves nothing that waits.
fn handle(request: Request, event: &str, decide: impl FnOnce() -> Next) {
    let next = guard(request.log(), None, || {
        request.select_log();
        panic_where_told(request, event);
        Some(decide())
    });
    let next = next.unwrap_or_else(|| guard(request.log(), Next::Wait, || fail(request)));
    guard(request.log(), (), || match next {
        Next::Wait => (),
        Next::Resume => request.resume(),
        Next::Redirect(target) => request.finalize(policy::redirect(request, target)),
        Next::Finalize(status) => {
            request.finalize(ngx_int_t::try_from(status as ngx_uint_t).unwrap_or(ERROR));
        }
    });
}

/// For tests of the guard alone, never in a module that is shipped: `?panic=EVENT` does.
#[cfg(feature = "test-panic")]
fn panic_where_told(request: Request, event: &str) {
    let told = request.part(crate::ngx::incoming::Part::Args).strip_prefix(b"panic=");
    assert!(told != Some(event.as_bytes()), "as told");
}

#[cfg(not(feature = "test-panic"))]
fn panic_where_told(_: Request, _: &str) {}

/// Ends a request whose event was not handled.
fn fail(request: Request) -> Next {
    let Some(context) = request.active_context::<Context>(&raw const MODULE) else {
        // It is over, or was sent elsewhere.
        return if request.is_dead() { Next::Resume } else { Next::Wait };
    };
    if matches!(context.state.get(), State::Pass | State::Ready) {
        return Next::Resume;
    }
    context.failed.set(Some(NGX_HTTP_INTERNAL_SERVER_ERROR));
    context.redirect.set(None);
    context.note(|facts| {
        facts.status = Some(Status::Error);
        facts.error = Some("internal");
    });
    deliver(context)
}

pub unsafe extern "C" fn on_wake(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request; the event is gone with its pool.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    handle(request, "wake", || {
        let Some(context) = request.active_context::<Context>(&raw const MODULE) else {
            return Next::Wait;
        };
        match (context.state.get(), context.task.get(), context.failed.get()) {
            (State::Discard, _, _) if request.is_in_file_io() => Next::Wait,
            (State::Wait, Some(task), None) => {
                settle(context, queue::run_inline(&context, task));
                deliver(context)
            }
            (State::Discard | State::Wait, _, _) => deliver(context),
            (State::Pass | State::Sniff | State::Read | State::Ready, _, _) => Next::Wait,
        }
    });
}

/// A thread is done with a job.
pub unsafe extern "C" fn on_complete(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request, which its `blocked` count kept alive.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    request.block(false);
    // Whatever becomes of this request, others wait for the place that is free now.
    let completed = guard(request.log(), None, || {
        let context = request.context::<Context>(&raw const MODULE)?;
        Some((context, queue::complete(context)))
    });
    guard(request.log(), (), queue::start_waiting);
    if let Some((_, Completed::WaitsAgain)) = completed {
        return;
    }
    handle(request, "complete", || match completed {
        None | Some((_, Completed::WaitsAgain)) => fail(request),
        Some((_, Completed::Ended(_))) if request.is_dead() => {
            request.delay_writing(false);
            Next::Resume
        }
        Some((context, Completed::Ended(outcome))) => {
            settle(context, outcome);
            deliver(context)
        }
    });
}

/// Takes over the outcome of a job.
fn settle(context: Pooled<Context>, outcome: Option<Outcome>) {
    let mut original = None;
    let result = match outcome {
        Some(Outcome::Finished(mut report)) => {
            original = report.original.take();
            context.settle(report)
        }
        // Only a job on the event loop gets here with that: it can't wait for threads.
        Some(Outcome::NeedsMemory(..)) => Err(Failure::Busy),
        None => Err(Error::Internal("the job panicked".into()).into()),
    };
    if let Err(failure) = result {
        let status = record(&context, &failure);
        let passes = context.role.get() == Role::Other
            || conf(&context.request).is_some_and(|conf| conf.sends_original(&failure));
        match original {
            Some(original) if passes => {
                context.note(|facts| {
                    facts.status = Some(Status::Original);
                    facts.bytes = Some(original.len());
                });
                let _ = context.original.set(original);
            }
            _ => context.failed.set(Some(status)),
        }
    }
}

/// Has nginx send the result or the error.
fn deliver(context: Pooled<Context>) -> Next {
    let request = context.request;
    if let Some(timer) = context.timer.get() {
        timer.stop_timer();
    }
    request.delay_writing(false);
    request.set_action(c"sending to client");
    let Some(status) = context.failed.get() else {
        context.state.set(State::Ready);
        return Next::Resume;
    };
    context.state.set(State::Pass);
    request.release();
    request.abandon_upstream();
    // An error in the answer to an error ends there.
    if context.role.get() == Role::Other && request.is_error_page() {
        request.spare_error_page();
    }
    request.clean_headers();
    if let Some(target) = context.redirect.get() {
        return Next::Redirect(target);
    }
    if status == NGX_HTTP_SERVICE_UNAVAILABLE {
        let _ = request.push_header("Retry-After", b"1");
    }
    Next::Finalize(status)
}

pub unsafe extern "C" fn on_timer(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request; the event is gone with its pool.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    handle(request, "timer", || {
        let Some(context) = request.active_context::<Context>(&raw const MODULE) else {
            return Next::Wait;
        };
        if context.failed.get().is_some() {
            return deliver(context);
        }
        if let Some(timer) = context.timer.get() {
            timer.stop_timer();
            timer.start_timer(TIMER);
        }
        Next::Wait
    });
}

/// There may have been nothing to do for a while.
pub unsafe extern "C" fn on_idle(event: *mut ngx_event_t) {
    // SAFETY: nginx passes the event, and its log is the cycle's.
    guard(unsafe { (*event).log }, (), queue::rest);
}

/// The request ended, maybe while its job runs.
pub unsafe extern "C" fn on_end(context: *mut c_void) {
    // SAFETY: the context that `hold` registered; nginx runs this before it destroys the pool.
    if let Some(context) = unsafe { Pooled::<Context>::from_ptr(context) } {
        guard(context.request.log(), (), || context.cancel());
    }
}
