//! The body of a source: collected for a job, let through, or replaced by what was made of it.

use image_gate_core::image::{Error, Format, UNSUPPORTED_LEN};
use nginx_sys::{NGX_AGAIN, NGX_ERROR, NGX_HTTP_OK, NGX_OK, ngx_int_t, ngx_uint_t};

use super::context::{BodyState, Transfer};
use super::dispatch;
use super::failure::{fail_in_body_filter, fail_overloaded};
use super::headers;
use super::hold::next_header;
use super::keep;
use super::queue::QueueFull;
use super::response_info::{Failure, ImageStatus};
use super::task::JobKind;
use super::timers::{TIMER, Timer, wake};
use crate::ngx::Request;
use crate::ngx::chain::{Buf, BufData, Chain};

const OK: ngx_int_t = NGX_OK as ngx_int_t;
const AGAIN: ngx_int_t = NGX_AGAIN as ngx_int_t;
const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// Consumes a chain. Returns whether the response ends in it.
pub fn drain(chain: Chain<'_>) -> bool {
    chain.buffers().fold(false, |last, buf| {
        buf.consume();
        last | buf.is_last()
    })
}

/// Lets what was held back, and all that follows it, go out as it is.
pub fn let_through<'r>(context: Transfer<'r>, chain: Chain<'r>) -> ngx_int_t {
    let request = context.request;
    keep::give_up(request);
    request.release();
    context.state.set(BodyState::Pass);
    let rc = next_header(request);
    if rc == ERROR || rc > OK || request.is_header_only() {
        drain(chain);
        return rc;
    }
    let held = context.body.borrow().prefix().to_vec();
    if held.is_empty() {
        return request.next_body(chain);
    }
    let held = context.context().held.get_or_init(|| held);
    request.chain(held, chain, false).map_or(ERROR, |chain| request.next_body(chain))
}

/// Whether a flush is how an upstream that broke off in the middle ends.
pub fn cut_off(request: Request<'_>, flush: bool) -> bool {
    flush && request.is_from_upstream() && request.is_upstream_finalized()
}

/// Collects the source.
pub fn read<'r>(context: Transfer<'r>, chain: Chain<'r>) -> ngx_int_t {
    let request = context.request;
    let (mut last, mut flush, mut failure) = (false, false, None);
    for buf in chain.buffers() {
        last |= if request.is_main() { buf.is_last() } else { buf.is_last_of_part() };
        flush |= buf.is_flush();
        if failure.is_none() {
            failure = collect(context, &buf).err();
        }
        buf.consume();
    }
    if let Some(error) = failure {
        fail_in_body_filter(context, error.into(), last);
        return OK;
    }
    // What tells of something done ("201 Created") may have no body.
    let is_bare =
        || context.body.borrow().len() == 0 && request.status() != NGX_HTTP_OK as ngx_uint_t;
    if last && !request.is_head() && is_bare() {
        context.update_info(|response| response.status = Some(ImageStatus::Passed));
        return let_through(context, chain);
    }
    let is_whole = || {
        let len = request.content_length().filter(|_| request.is_from_upstream());
        request.is_head() || len.is_none_or(|len| context.body.borrow().len() >= len)
    };
    if last && is_whole() {
        return submit(context);
    }
    // nginx takes an end of FastCGI for one wherever it comes.
    if last || cut_off(request, flush) {
        fail_in_body_filter(context, Failure::Upstream, true);
    }
    OK
}

fn collect(context: Transfer<'_>, buf: &Buf<'_>) -> Result<(), Error> {
    let Some(task) = context.task.get() else {
        return Err(Error::Internal("no task".into()));
    };
    let mut body = context.body.borrow_mut();
    match buf.data() {
        BufData::Memory(bytes) => {
            let hint = context.request.content_length().unwrap_or(0).min(task.buffer);
            let known = body.prefix().len() >= UNSUPPORTED_LEN;
            if body.len() + bytes.len() as u64 > task.buffer {
                return Err(Error::TooLarge { limit: task.buffer });
            }
            body.push_bytes(bytes, hint)?;
            // What is no image need not be read to its end.
            let may_tell = !known && body.prefix().len() >= UNSUPPORTED_LEN;
            let may_pass = task.keeps_original || matches!(task.work, JobKind::Describe);
            if may_tell
                && !may_pass
                && task.codings.is_empty()
                && task.codings.sniff(body.prefix()).is_none()
            {
                return Err(task.codings.unsupported(body.prefix()));
            }
        }
        BufData::File(file) => {
            if body.len().saturating_add(file.len) > task.buffer {
                return Err(Error::TooLarge { limit: task.buffer });
            }
            body.push_file(file);
        }
        BufData::Empty => (),
    }
    Ok(())
}

/// Hands the collected source to a job.
fn submit(context: Transfer<'_>) -> ngx_int_t {
    let request = context.request;
    let Some(task) = context.task.get() else { return ERROR };
    context.update_info(|response| response.source_bytes = Some(context.body.borrow().len()));
    if request.is_head() && context.body.borrow().len() == 0 {
        // The source answered HEAD itself: what a GET would give is not known, but not this.
        if !matches!(task.work, JobKind::Describe)
            && headers::declares_text(&request, task.plan.check_source(Format::Svg).is_ok())
        {
            fail_in_body_filter(context, Error::NotImage.into(), true);
            return OK;
        }
        context.update_info(|response| response.status = Some(ImageStatus::Passed));
        headers::unknown_body(request, task);
        return let_through(context, Chain::EMPTY);
    }
    context.state.set(BodyState::Wait);
    if request.is_main() {
        request.set_action(c"transforming image");
        request.delay_writing(true);
        keep::stay(request);
    } else {
        // nginx is done with it now.
        request.retain();
        context.is_retained.set(true);
    }
    if let Some(timer) = request.known_event::<Timer>() {
        timer.start_timer(TIMER);
    }
    if task.pool.is_none() {
        wake(context);
    } else if let Err(QueueFull) = dispatch::submit(context, task) {
        fail_overloaded(context);
    }
    AGAIN
}

/// Sends the result.
pub fn send(context: Transfer<'_>) -> ngx_int_t {
    let request = context.request;
    context.state.set(BodyState::Pass);
    request.release();
    let state = context.context();
    let bytes = match (state.output.get(), state.task.get(), state.original.get()) {
        (Some(output), Some(task), _) => {
            let sent = headers::Sent {
                format: output.format,
                len: output.bytes.len(),
                is_as_it_came: output.is_original && !context.was_coded.get(),
                tag: task.tag.as_deref().map(str::as_bytes),
                is_clean: false,
                varies: headers::varies(task),
            };
            if headers::set_output_headers(request, &sent).is_err() {
                return ERROR;
            }
            &output.bytes
        }
        // Its headers are those that it came with.
        (None, _, Some(original)) => original,
        _ => return ERROR,
    };
    let rc = next_header(request);
    if rc == ERROR || rc > OK || request.is_header_only() {
        return rc;
    }
    request.chain(bytes, Chain::EMPTY, true).map_or(ERROR, |chain| request.next_body(chain))
}
