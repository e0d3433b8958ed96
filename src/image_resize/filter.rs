//! The header and body filters.
//!
//! The headers of a source are held back until its body is there and its job done. While the job
//! waits or runs, nginx sees a request that is buffered and whose writing is delayed; then either
//! the write handler is run, which calls the body filter once more and so sends the result, or
//! the request is finalized with an error, which goes through `error_page` like any other.

use image_gate_core::image::{self, Codings, Error, Plan, UNREAD_LEN, look_plan, tag_listed};
use nginx_sys::{
    NGX_AGAIN, NGX_ERROR, NGX_HTTP_NO_CONTENT, NGX_HTTP_NOT_MODIFIED, NGX_HTTP_OK,
    NGX_HTTP_PARTIAL_CONTENT, NGX_HTTP_SPECIAL_RESPONSE, NGX_OK, ngx_int_t, ngx_uint_t,
};

use super::conf::{LocConf, Mode};
use super::context::{Context, Failure, Role, State, Status, Task, Transfer, Work};
use super::events::{End, TIMER, Timer, Wake, wake};
use super::failure::{self, refuse, reject, turn_away};
use super::{ImageResize, ask, conf, headers, queue, sniff};
use crate::ngx::Request;
use crate::ngx::chain::{Buf, Chain, Data};
use crate::ngx::filter::Filter;

const OK: ngx_int_t = NGX_OK as ngx_int_t;
const AGAIN: ngx_int_t = NGX_AGAIN as ngx_int_t;
const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// The filter.
pub enum Images {}

impl Filter for Images {
    fn header(request: Request<'_>) -> ngx_int_t {
        header(request)
    }

    fn body<'r>(request: Request<'r>, chain: Chain<'r>) -> ngx_int_t {
        body(request, chain)
    }
}

/// Hands headers on, with what is to be said of a failure.
pub fn next_header(request: Request<'_>) -> ngx_int_t {
    failure::announce(request);
    request.next_header()
}

fn header(request: Request<'_>) -> ngx_int_t {
    let Some(conf) = conf(&request) else { return ERROR };
    // With a context, this is the answer to a request that failed here before.
    if matches!(conf.geometry().mode, Mode::Off)
        || !request.is_main()
        || Transfer::active(request).is_some()
    {
        return next_header(request);
    }
    let before = request.context::<ImageResize>();
    let Some(context) = Transfer::begin(request, Context::following(before)) else { return ERROR };
    match u32::try_from(request.status()).unwrap_or(0) {
        // A part of the original must not get past the filter. Clients can't ask for one (see
        // the module `ask`), so the upstream has sent it unasked.
        NGX_HTTP_PARTIAL_CONTENT => {
            refuse(context, Error::DecodeFailed("the source is a partial".into()).into())
        }
        status @ (100..NGX_HTTP_OK | NGX_HTTP_NO_CONTENT | NGX_HTTP_NOT_MODIFIED) => {
            context.note(|facts| facts.status = Some(Status::Passed));
            if status == NGX_HTTP_NOT_MODIFIED && !matches!(conf.geometry().mode, Mode::Test) {
                headers::revalidated(request, conf);
            }
            next_header(request)
        }
        _ if request.is_header_only() => {
            context.note(|facts| facts.status = Some(Status::Passed));
            next_header(request)
        }
        ..NGX_HTTP_SPECIAL_RESPONSE => source(context, conf),
        // It stays what it is, and so does its body, unless that is a picture.
        _ => {
            context.role.set(Role::Other);
            let _ = context.codings.set(codings(request));
            hold(context, State::Sniff)
        }
    }
}

/// Begins with an answer that is to be a picture.
fn source(context: Transfer<'_>, conf: &LocConf) -> ngx_int_t {
    let request = context.request;
    if conf.leaves(request) {
        context.note(|facts| facts.status = Some(Status::Passed));
        ask::restore_range(request);
        return next_header(request);
    }
    let codings = context.codings.get_or_init(|| codings(request));
    let buffer = conf.buffer();
    if request.content_length().is_some_and(|length| length > buffer) {
        return refuse(context, Error::TooLarge { limit: buffer }.into());
    }
    if matches!(conf.geometry().mode, Mode::Test) {
        return hold(context, State::Sniff);
    }
    let task = match begin(request, conf, codings) {
        Ok(task) => task,
        Err(failure) => return refuse(context, failure),
    };
    let is_current = request.status() == NGX_HTTP_OK as ngx_uint_t
        && task.tag.as_ref().is_some_and(|tag| {
            request.if_none_match().is_some_and(|listed| tag_listed(listed, tag))
        });
    if is_current {
        context.note(|facts| facts.status = Some(Status::NotModified));
        headers::not_modified(request, &task);
        return next_header(request);
    }
    let _ = context.task.set(task);
    hold(context, if conf.may_pass() { State::Sniff } else { State::Read })
}

/// What the source's headers say of its body.
fn codings(request: Request<'_>) -> Codings {
    Codings::parse(request.values(b"Content-Encoding"))
}

/// Decides from the headers of the source what is to be done.
pub fn begin(request: Request<'_>, conf: &LocConf, codings: &Codings) -> Result<Task, Failure> {
    let (buffer, mode) = (conf.buffer(), conf.geometry().mode);
    let mut plan = conf.plan(request)?;
    let keeps_original = conf.keeps_original();
    let (work, layers, tag) = match mode {
        Mode::Off | Mode::Test => (Work::Transform, Vec::new(), None),
        Mode::Size => (Work::Describe, Vec::new(), None),
        Mode::Info => {
            plan = Plan { damaged: plan.damaged, ..look_plan(plan.orient) };
            let tag = headers::tag(request, &plan, &[]);
            (Work::Inspect, Vec::new(), tag)
        }
        _ => {
            let layers = if plan.watermark { conf.layers(request)? } else { Vec::new() };
            let tag = headers::tag(request, &plan, &layers);
            (Work::Transform, layers, tag)
        }
    };
    Ok(Task {
        work,
        plan,
        layers,
        codings: codings.clone(),
        tag,
        buffer,
        bounds: conf.bounds(),
        pool: conf.pool,
        keeps_original,
        is_end_announced: request.is_end_announced(),
    })
}

/// Holds the headers back until what has to be is there of the body.
pub fn hold(context: Transfer<'_>, state: State) -> ngx_int_t {
    let request = context.request;
    // They are there when they are needed.
    let events = request.event::<Wake>().is_ok() && request.event::<Timer>().is_ok();
    if !events || request.on_end::<End>().is_err() {
        return ERROR;
    }
    // A body from an upstream is in memory already, or in a temporary file that is the pipe's to
    // reuse. A file stays where it is until the job reads it, off the event loop; but what may be
    // let through goes to filters that may want it in memory, and they can't say so any more.
    if state == State::Sniff || request.is_from_upstream() {
        request.need_in_memory();
    } else {
        request.leave_files_unread();
    }
    if context.role.get() == Role::Source {
        request.clear_ranges();
    }
    request.preserve_body();
    request.hold();
    context.state.set(state);
    OK
}

fn body<'r>(request: Request<'r>, chain: Chain<'r>) -> ngx_int_t {
    let Some(context) = Transfer::active(request) else { return request.next_body(chain) };
    match context.state.get() {
        // A test that let the headers of an answer to HEAD through still gets the body.
        State::Pass if request.is_header_only() => {
            drain(chain);
            OK
        }
        State::Pass => request.next_body(chain),
        State::Sniff => sniff::sniff(context, chain),
        State::Read => read(context, chain),
        State::Discard => {
            if drain(chain) {
                wake(context);
            }
            OK
        }
        State::Wait => {
            drain(chain);
            AGAIN
        }
        State::Ready => send(context),
    }
}

/// Consumes a chain. Answers whether the response ends in it.
pub fn drain(chain: Chain<'_>) -> bool {
    chain.buffers().fold(false, |last, buf| {
        buf.consume();
        last | buf.is_last()
    })
}

/// Lets what was held back, and all that follows it, go out as it is.
pub fn let_through<'r>(context: Transfer<'r>, chain: Chain<'r>) -> ngx_int_t {
    let request = context.request;
    request.release();
    context.state.set(State::Pass);
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
        last |= buf.is_last();
        flush |= buf.is_flush();
        if failure.is_none() {
            failure = collect(context, &buf).err();
        }
        buf.consume();
    }
    if let Some(error) = failure {
        reject(context, error.into(), last);
        return OK;
    }
    // What tells of something done ("201 Created") may have no body.
    let is_bare =
        || context.body.borrow().len() == 0 && request.status() != NGX_HTTP_OK as ngx_uint_t;
    if last && !request.is_head() && is_bare() {
        context.note(|facts| facts.status = Some(Status::Passed));
        return let_through(context, chain);
    }
    if last {
        return submit(context);
    }
    if cut_off(request, flush) {
        reject(context, Failure::Upstream, true);
    }
    OK
}

fn collect(context: Transfer<'_>, buf: &Buf<'_>) -> Result<(), Error> {
    let Some(task) = context.task.get() else {
        return Err(Error::Internal("no task".into()));
    };
    let mut body = context.body.borrow_mut();
    match buf.data() {
        Data::Memory(bytes) => {
            let hint = context.request.content_length().unwrap_or(0).min(task.buffer);
            let known = body.prefix().len() >= UNREAD_LEN;
            if body.len() + bytes.len() as u64 > task.buffer {
                return Err(Error::TooLarge { limit: task.buffer });
            }
            body.push_bytes(bytes, hint)?;
            // What is no image need not be read to its end.
            let may_tell = !known && body.prefix().len() >= UNREAD_LEN;
            let may_pass = task.keeps_original || matches!(task.work, Work::Describe);
            if may_tell
                && !may_pass
                && task.codings.is_empty()
                && image::sniff(body.prefix()).is_none()
            {
                return Err(image::unread(body.prefix()));
            }
        }
        Data::File(file) => {
            if body.len().saturating_add(file.len) > task.buffer {
                return Err(Error::TooLarge { limit: task.buffer });
            }
            body.push_file(file);
        }
        Data::Empty => (),
    }
    Ok(())
}

/// Hands the collected source to a job.
fn submit(context: Transfer<'_>) -> ngx_int_t {
    let request = context.request;
    let Some(task) = context.task.get() else { return ERROR };
    context.note(|facts| facts.source_bytes = Some(context.body.borrow().len()));
    if request.is_head() && context.body.borrow().len() == 0 {
        // The source answered HEAD itself: what a GET would give is not known, but not this.
        if !matches!(task.work, Work::Describe) && headers::declares_text(&request) {
            reject(context, Error::NotImage.into(), true);
            return OK;
        }
        context.note(|facts| facts.status = Some(Status::Passed));
        headers::unknown_body(request, task);
        return let_through(context, Chain::EMPTY);
    }
    context.state.set(State::Wait);
    request.set_action(c"transforming image");
    request.delay_writing(true);
    if let Some(timer) = request.known_event::<Timer>() {
        timer.start_timer(TIMER);
    }
    if task.pool.is_none() {
        wake(context);
    } else if !queue::submit(context, task) {
        turn_away(context);
    }
    AGAIN
}

/// Sends the result.
fn send(context: Transfer<'_>) -> ngx_int_t {
    let request = context.request;
    context.state.set(State::Pass);
    request.release();
    let state = context.context();
    let bytes = match (state.product.get(), state.task.get(), state.original.get()) {
        (Some(product), Some(task), _)
            if headers::product(request, product, task, context.was_coded.get()) =>
        {
            &product.bytes
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
