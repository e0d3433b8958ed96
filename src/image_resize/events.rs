//! The events that finish what the filters begin: a job is done, or the request is over.

use std::ffi::c_void;

use image_gate_core::image::Error;
use nginx_sys::{NGX_ERROR, NGX_HTTP_SERVICE_UNAVAILABLE, ngx_event_t, ngx_int_t, ngx_uint_t};

use super::context::{Context, Failure, State, Status};
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

pub unsafe extern "C" fn on_wake(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request; the event is gone with its pool.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    guard(request.log(), (), || {
        request.select_log();
        let Some(context) = request.active_context::<Context>(&raw const MODULE) else { return };
        match (context.state.get(), context.task.get(), context.failed.get()) {
            (State::Discard, _, _) if request.is_in_file_io() => (),
            (State::Wait, Some(task), None) => {
                settle(context, queue::run_inline(&context, task));
                deliver(context);
            }
            (State::Discard | State::Wait, _, _) => deliver(context),
            (State::Pass | State::Test | State::Read | State::Ready, _, _) => (),
        }
    });
}

/// A thread is done with a job.
pub unsafe extern "C" fn on_complete(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request, which its `blocked` count kept alive.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    guard(request.log(), (), || {
        request.select_log();
        request.block(false);
        let Some(context) = request.context::<Context>(&raw const MODULE) else { return };
        let completed = queue::complete(context);
        queue::start_waiting();
        match completed {
            Completed::WaitsAgain => (),
            Completed::Ended(_) if request.is_dead() => {
                request.delay_writing(false);
                request.resume();
            }
            Completed::Ended(outcome) => {
                settle(context, outcome);
                deliver(context);
            }
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
        let passes = conf(&context.request).is_some_and(|conf| conf.sends_original(&failure));
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

/// Lets nginx send the result or the error. The request may be gone afterwards.
fn deliver(context: Pooled<Context>) {
    let request = context.request;
    if let Some(timer) = context.timer.get() {
        timer.stop_timer();
    }
    request.delay_writing(false);
    request.set_action(c"sending to client");
    let Some(status) = context.failed.get() else {
        context.state.set(State::Ready);
        return request.resume();
    };
    context.state.set(State::Pass);
    request.release();
    request.abandon_upstream();
    request.clean_headers();
    if let Some(target) = context.redirect.get() {
        return request.finalize(policy::redirect(request, target));
    }
    if status == NGX_HTTP_SERVICE_UNAVAILABLE {
        let _ = request.push_header("Retry-After", b"1");
    }
    request.finalize(ngx_int_t::try_from(status as ngx_uint_t).unwrap_or(ERROR));
}

pub unsafe extern "C" fn on_timer(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request; the event is gone with its pool.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    guard(request.log(), (), || {
        request.select_log();
        let Some(context) = request.active_context::<Context>(&raw const MODULE) else { return };
        if context.failed.get().is_some() {
            deliver(context);
        } else if let Some(timer) = context.timer.get() {
            timer.stop_timer();
            timer.start_timer(TIMER);
        }
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
