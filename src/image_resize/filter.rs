//! The header and body filters.
//!
//! The headers of a source are held back until its body is there and its job done. While the job
//! waits or runs, nginx sees a request that is buffered and whose writing is delayed; then either
//! the write handler is run, which calls the body filter once more and so sends the result, or
//! the request is finalized with an error, which goes through `error_page` like any other.

use std::ffi::c_void;

use image_gate_core::image::{self, Codings, Error, Plan, UNREAD_LEN, look_plan, tag_listed};
use nginx_sys::{
    NGX_AGAIN, NGX_ERROR, NGX_HTTP_NO_CONTENT, NGX_HTTP_NOT_MODIFIED, NGX_HTTP_OK,
    NGX_HTTP_PARTIAL_CONTENT, NGX_HTTP_SPECIAL_RESPONSE, NGX_OK, ngx_chain_t, ngx_http_request_t,
    ngx_int_t, ngx_uint_t,
};

use super::conf::{LocConf, Mode};
use super::context::{Context, Failure, Role, State, Status, Task, Work};
use super::events::{TIMER, on_end, on_timer, on_wake, wake};
use super::failure::{self, refuse, reject, turn_away};
use super::{MODULE, ask, conf, headers, queue, sniff};
use crate::ngx::chain::{self, Data, buffers};
use crate::ngx::event::Event;
use crate::ngx::guard::guard;
use crate::ngx::request::{BodyFilter, HeaderFilter};
use crate::ngx::{Pooled, Request};

const OK: ngx_int_t = NGX_OK as ngx_int_t;
const AGAIN: ngx_int_t = NGX_AGAIN as ngx_int_t;
const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// The filters after ours. A reload may put others there, when it loads other modules.
static mut NEXT_HEADER: Option<HeaderFilter> = None;
static mut NEXT_BODY: Option<BodyFilter> = None;

/// Puts the filters on top of nginx's chains.
pub fn install() {
    // SAFETY: nginx builds the chains while it reads the configuration, on its only thread.
    unsafe {
        NEXT_HEADER = nginx_sys::ngx_http_top_header_filter;
        NEXT_BODY = nginx_sys::ngx_http_top_body_filter;
        nginx_sys::ngx_http_top_header_filter = Some(header_filter);
        nginx_sys::ngx_http_top_body_filter = Some(body_filter);
    }
}

pub fn next_header(request: Request) -> ngx_int_t {
    failure::announce(request);
    // SAFETY: nginx's own filter, on a live request, from where nginx calls filters; only
    // `install` writes it, and never while a request is served.
    unsafe { NEXT_HEADER.map_or(ERROR, |next| next(request.as_ptr())) }
}

fn next_body(request: Request, chain: *mut ngx_chain_t) -> ngx_int_t {
    // SAFETY: as in `next_header`; the chain is nginx's or made in the request's pool.
    unsafe { NEXT_BODY.map_or(ERROR, |next| next(request.as_ptr(), chain)) }
}

unsafe extern "C" fn header_filter(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx filters a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return ERROR };
    guard(request.log(), ERROR, || header(request))
}

unsafe extern "C" fn body_filter(r: *mut ngx_http_request_t, chain: *mut ngx_chain_t) -> ngx_int_t {
    // SAFETY: nginx filters a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return ERROR };
    guard(request.log(), ERROR, || body(request, chain))
}

fn header(request: Request) -> ngx_int_t {
    let Some(conf) = conf(&request) else { return ERROR };
    // With a context, this is the answer to a request that failed here before.
    if matches!(conf.geometry().mode, Mode::Off)
        || !request.is_main()
        || request.active_context::<Context>(&raw const MODULE).is_some()
    {
        return next_header(request);
    }
    let before = request.context::<Context>(&raw const MODULE);
    let context = Context::following(request, before.as_deref());
    let Some(context) = request.set_context(&raw const MODULE, context) else { return ERROR };
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
fn source(context: Pooled<Context>, conf: &LocConf) -> ngx_int_t {
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
fn codings(request: Request) -> Codings {
    Codings::parse(request.values(b"Content-Encoding"))
}

/// Decides from the headers of the source what is to be done.
pub fn begin(request: Request, conf: &LocConf, codings: &Codings) -> Result<Task, Failure> {
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
pub fn hold(context: Pooled<Context>, state: State) -> ngx_int_t {
    let request = context.request;
    let data = request.as_ptr().cast::<c_void>();
    let wake = context.wake.set(Event::new(on_wake, data, request.log()));
    let timer = context.timer.set(Event::new(on_timer, data, request.log()));
    if wake.is_err() || timer.is_err() || !request.on_end(on_end, context.as_ptr().cast()) {
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

fn body(request: Request, chain: *mut ngx_chain_t) -> ngx_int_t {
    let Some(context) = request.active_context::<Context>(&raw const MODULE) else {
        return next_body(request, chain);
    };
    match context.state.get() {
        // A test that let the headers of an answer to HEAD through still gets the body.
        State::Pass if request.is_header_only() => {
            drain(chain);
            OK
        }
        State::Pass => next_body(request, chain),
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
pub fn drain(chain: *mut ngx_chain_t) -> bool {
    // SAFETY: nginx passes a valid chain, or null.
    unsafe { buffers(chain) }.fold(false, |last, buf| {
        buf.consume();
        last | buf.is_last()
    })
}

/// Lets what was held back, and all that follows it, go out as it is.
pub fn let_through(context: Pooled<Context>, chain: *mut ngx_chain_t) -> ngx_int_t {
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
        return next_body(request, chain);
    }
    let held = context.held.get_or_init(|| held);
    // SAFETY: the bytes are the context's from now on and stay until the request's end.
    match unsafe { chain::link(request.pool(), held, chain, false) } {
        Some(link) => next_body(request, link.as_ptr()),
        None => ERROR,
    }
}

/// Whether a flush is how an upstream that broke off in the middle ends.
pub fn cut_off(request: Request, flush: bool) -> bool {
    flush && request.is_from_upstream() && request.is_upstream_finalized()
}

/// Collects the source.
pub fn read(context: Pooled<Context>, chain: *mut ngx_chain_t) -> ngx_int_t {
    let request = context.request;
    let (mut last, mut flush, mut failure) = (false, false, None);
    // SAFETY: nginx passes a valid chain, or null.
    for buf in unsafe { buffers(chain) } {
        last |= buf.is_last();
        flush |= buf.is_flush();
        if failure.is_none() {
            failure = collect(&context, &buf).err();
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

fn collect(context: &Context, buf: &chain::Buf) -> Result<(), Error> {
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
fn submit(context: Pooled<Context>) -> ngx_int_t {
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
        return let_through(context, std::ptr::null_mut());
    }
    context.state.set(State::Wait);
    request.set_action(c"transforming image");
    request.delay_writing(true);
    if let Some(timer) = context.timer.get() {
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
fn send(context: Pooled<Context>) -> ngx_int_t {
    let request = context.request;
    context.state.set(State::Pass);
    request.release();
    let bytes = match (context.product.get(), context.task.get(), context.original.get()) {
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
    // SAFETY: the bytes are the context's and stay until the request's end.
    match unsafe { chain::link(request.pool(), bytes, std::ptr::null_mut(), true) } {
        Some(link) => next_body(request, link.as_ptr()),
        None => ERROR,
    }
}
