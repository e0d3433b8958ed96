//! The events that finish what the filters begin: a job is done, or the request is over.

use image_gate_core::image::Error;
use nginx_sys::{
    NGX_ERROR, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_SERVICE_UNAVAILABLE, ngx_int_t,
};

use super::conf::conf;
use super::context::{BodyState, ResponseRole, Transfer};
use super::dispatch::{self, Completed};
use super::failure::{self, log_failure};
use super::headers;
use super::job::{Job, JobOutcome, JobReport};
use super::keep::{self, End as Kept, Trouble};
use super::response_info::{Failure, ImageStatus};
use super::timers::{CancelAtEnd, TIMER, Timer, Wake};
use crate::ngx::Request;
use crate::ngx::event::{OnEvent, Then};
use crate::ngx::guard::catch;
use crate::ngx::request::OnEnd;
use crate::ngx::thread::OnComplete;

const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// For tests of what becomes of a panic, never in a module that is shipped: `?panic=EVENT` does.
#[cfg(feature = "test-panic")]
fn panic_where_told(request: Request<'_>, event: &str) {
    let told = request.part(crate::ngx::incoming::RequestPart::Args).strip_prefix(b"panic=");
    assert!(told != Some(event.as_bytes()), "as told");
}

#[cfg(not(feature = "test-panic"))]
fn panic_where_told(_: Request<'_>, _: &str) {}

/// Ends a request whose event was not handled.
fn fail(request: Request<'_>) -> Then {
    let Some(context) = Transfer::active(request) else {
        // It is over, or was sent elsewhere.
        return if request.is_dead() { Then::Resume } else { Then::Wait };
    };
    if !request.is_main() && context.submitted.get().is_none() {
        return end_update(context);
    }
    if matches!(context.state.get(), BodyState::Pass | BodyState::Ready) {
        return Then::Resume;
    }
    context.failed.set(Some(NGX_HTTP_INTERNAL_SERVER_ERROR));
    context.redirect.take();
    context.update_info(|response| {
        response.status = Some(ImageStatus::Error);
        response.error = Some("internal");
    });
    if context.submitted.get().is_some() {
        // Its end is that of the request, as what answers may be a picture with a job of its own.
        context.cancel();
        return Then::Wait;
    }
    deliver(context)
}

impl OnEvent for Wake {
    fn handle(request: Request<'_>) -> Then {
        panic_where_told(request, "wake");
        let Some(context) = Transfer::active(request) else { return Then::Wait };
        match (context.state.get(), context.task.get(), context.failed.get()) {
            (BodyState::Discard, _, _) if request.is_in_file_io() => Then::Wait,
            (BodyState::Wait, Some(task), None) => {
                finish_job(context, dispatch::run_inline(context, task));
                deliver(context)
            }
            (BodyState::Discard | BodyState::Wait, _, _) => deliver(context),
            (BodyState::Pass | BodyState::Sniff | BodyState::Read | BodyState::Ready, _, _) => {
                Then::Wait
            }
        }
    }

    fn panicked(request: Request<'_>) -> Then {
        fail(request)
    }
}

impl OnComplete<Job> for Job {
    fn handle(request: Request<'_>, outcome: Option<JobOutcome>) -> Then {
        // Whatever becomes of this request, others wait for the place that is free now.
        let completed = catch(|| {
            let context = Transfer::of(request)?;
            Some((context, dispatch::complete(context, outcome)))
        });
        let _ = catch(dispatch::start_waiting);
        if let Some(Some((_, Completed::WaitsAgain))) = completed {
            return Then::Wait;
        }
        panic_where_told(request, "complete");
        match completed.flatten() {
            None | Some((_, Completed::WaitsAgain)) => fail(request),
            Some((context, Completed::Ended(outcome))) if !request.is_main() => {
                finish_job(context, outcome);
                end_update(context)
            }
            Some((_, Completed::Ended(outcome))) if request.is_dead() => {
                let is_kept = keep::finish(request, outcome);
                request.delay_writing(false);
                // One that is kept did not notice that its client left, and so was not ended.
                if is_kept { Then::Finish(ERROR) } else { Then::Resume }
            }
            Some((context, Completed::Ended(outcome))) => {
                if context.failed.get().is_none() {
                    finish_job(context, outcome);
                }
                deliver(context)
            }
        }
    }

    fn panicked(request: Request<'_>) -> Then {
        fail(request)
    }
}

/// Takes over what a job reports.
///
/// # Errors
/// The job's own, or [`Failure::Upstream`] where it may have been given half a source.
fn take_over(context: Transfer<'_>, report: JobReport) -> Result<(), Failure> {
    context.update_info(|response| {
        response.source_bytes = Some(report.source_bytes);
        response.time = Some(report.time);
        if let Some(info) = &report.source {
            response.source_format = Some(info.format);
            response.source_size = Some((info.width, info.height));
        }
    });
    context.was_coded.set(report.was_coded);
    let may_be_broken_off = context.task.get().is_some_and(|task| !task.is_end_announced);
    let output = match report.result {
        Err(Error::DecodeFailed(_)) if may_be_broken_off => return Err(Failure::Upstream),
        result => result?,
    };
    if let Some(damage) = &output.damage {
        if damage.ends_early && may_be_broken_off {
            return Err(Failure::Upstream);
        }
        failure::log_damage(context, &damage.what);
    }
    context.update_info(|response| {
        response.is_damaged = output.damage.is_some();
        let original = output.is_original;
        response.status =
            Some(if original { ImageStatus::Original } else { ImageStatus::Transformed });
        response.format = output.format;
        response.size = output.size;
        response.bytes = Some(output.bytes.len());
    });
    context.output.set(output).map_err(|_| Error::Internal("two results".into()).into())
}

/// Takes over the outcome of a job.
fn finish_job(context: Transfer<'_>, outcome: Option<JobOutcome>) {
    let mut original = None;
    let result = match outcome {
        Some(JobOutcome::Finished(mut report)) => {
            original = report.original.take();
            let written = report.written.take();
            let result = take_over(context, report);
            // What is not sent is not kept; why it is not, is told with the failure.
            if result.is_ok() {
                keep::end(context.request, Kept::of(written));
            }
            result
        }
        // Only a job on the event loop gets here with that: it can't wait for threads.
        Some(JobOutcome::NeedsMemory(..)) => Err(Failure::Busy),
        None => Err(Error::Internal("the job panicked".into()).into()),
    };
    if let Err(failure) = result {
        let status = log_failure(context, &failure);
        let request = context.request;
        let passes = |original: &[u8]| {
            conf(&request).is_some_and(|conf| {
                let is_answer = match context.role.get() {
                    ResponseRole::RedirectOrError => true,
                    ResponseRole::Source => conf.sends_original(&failure),
                };
                let found = || context.codings.get()?.sniff(original);
                is_answer
                    && (!conf.sanitizes()
                        || found().is_some_and(|(format, is_plain)| {
                            conf.lets_out(Some(format))
                                && headers::name_picture(request, format, is_plain).is_ok()
                        }))
            })
        };
        match original {
            Some(original) if passes(&original) => {
                context.update_info(|response| {
                    response.status = Some(ImageStatus::Original);
                    response.bytes = Some(original.len());
                });
                let _ = context.original.set(original);
            }
            _ => context.failed.set(Some(status)),
        }
    }
}

/// Ends a request whose answer goes out to nobody.
fn end_update(context: Transfer<'_>) -> Then {
    let request = context.request;
    keep::give_up(request);
    if let Some(timer) = request.known_event::<Timer>() {
        timer.stop_timer();
    }
    context.state.set(BodyState::Pass);
    if context.is_retained.replace(false) { Then::GiveUp } else { Then::Wait }
}

/// Has nginx send the result or the error.
fn deliver(context: Transfer<'_>) -> Then {
    let request = context.request;
    if !request.is_main() {
        return end_update(context);
    }
    if let Some(timer) = request.known_event::<Timer>() {
        timer.stop_timer();
    }
    request.delay_writing(false);
    request.set_action(c"sending to client");
    let error = context.response_info.get().error;
    let status = context.failed.get();
    let is_replaced = context.is_replaced.get()
        || status.zip(error).is_some_and(|(status, word)| {
            status >= NGX_HTTP_INTERNAL_SERVER_ERROR
                && keep::stands_in_for(request, Trouble::ours(status, word))
        });
    if status.is_none() && !is_replaced {
        context.state.set(BodyState::Ready);
        return Then::Resume;
    }
    context.state.set(BodyState::Pass);
    request.release();
    request.abandon_upstream();
    let Some(status) = status.filter(|_| !is_replaced) else {
        return Then::Finish(keep::answer(request));
    };
    // An error in the answer to an error ends there.
    if context.role.get() == ResponseRole::RedirectOrError && request.is_error_page() {
        request.spare_error_page(true);
    }
    // An error of nginx's own keeps its headers on the way to its page.
    if error.is_some() {
        request.clean_headers();
    }
    if let Some(target) = context.redirect.take() {
        return Then::Redirect(target);
    }
    if status == NGX_HTTP_SERVICE_UNAVAILABLE {
        let _ = request.push_header("Retry-After", b"1");
    }
    Then::Finalize(status)
}

impl OnEvent for Timer {
    fn handle(request: Request<'_>) -> Then {
        panic_where_told(request, "timer");
        let Some(context) = Transfer::active(request) else { return Then::Wait };
        if context.failed.get().is_some() {
            return deliver(context);
        }
        if let Some(timer) = request.known_event::<Timer>() {
            timer.start_timer(TIMER);
        }
        Then::Wait
    }

    fn panicked(request: Request<'_>) -> Then {
        fail(request)
    }
}

impl OnEnd for CancelAtEnd {
    fn end(request: Request<'_>) {
        // An internal redirect may have begun another pass; what it came from ended before.
        if let Some(context) = Transfer::of(request) {
            context.cancel();
        }
    }
}
