//! The header and body filters.
//!
//! The headers of a source are held back until its body is there and its job done. While the job
//! waits or runs, nginx sees a request that is buffered and whose writing is delayed; then either
//! the write handler is run, which calls the body filter once more and so sends the result, or
//! the request is finalized with an error, which goes through `error_page` like any other.

use std::ffi::c_void;

use image_gate_core::image::{
    Coding, ENCODED_SNIFF_LEN, Error, Plan, SNIFF_LEN, look_plan, sniff, tag_listed,
};
use nginx_sys::{
    NGX_AGAIN, NGX_ERROR, NGX_HTTP_NOT_MODIFIED, NGX_HTTP_OK, NGX_HTTP_PARTIAL_CONTENT, NGX_OK,
    ngx_chain_t, ngx_http_request_t, ngx_int_t,
};

use super::conf::{LocConf, Mode};
use super::context::{Context, Failure, State, Status, Task, Work};
use super::events::{TIMER, on_end, on_timer, on_wake, wake};
use super::failure::{refuse, reject, turn_away};
use super::{MODULE, conf, headers, queue};
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
    let Some(context) = request.set_context(&raw const MODULE, Context::new(request)) else {
        return ERROR;
    };
    let is_test = matches!(conf.geometry().mode, Mode::Test);
    match u32::try_from(request.status()) {
        Ok(NGX_HTTP_OK) => (),
        // A part of the original must not get past the filter. Clients can't ask for one (see
        // the module `range`), so the upstream has sent it unasked.
        Ok(NGX_HTTP_PARTIAL_CONTENT) if !is_test => {
            return refuse(context, Error::DecodeFailed("the source is a partial".into()).into());
        }
        status => {
            context.note(|facts| facts.status = Some(Status::Passed));
            // nginx knows by the source's own tag, which what goes out unchanged has kept.
            let is_auto = || conf.plan(request).is_ok_and(|plan| plan.negotiated);
            if status == Ok(NGX_HTTP_NOT_MODIFIED) && transforms(conf) && is_auto() {
                let _ = request.add_vary("Accept");
            }
            return next_header(request);
        }
    }
    if conf.passes(&request) {
        context.note(|facts| facts.status = Some(Status::Passed));
        return next_header(request);
    }
    match begin(request, conf) {
        Err(failure) => refuse(context, failure),
        Ok(task) => {
            let is_current = task.tag.as_ref().is_some_and(|tag| {
                request.if_none_match().is_some_and(|listed| tag_listed(listed, tag))
            });
            if is_current {
                context.note(|facts| facts.status = Some(Status::NotModified));
                headers::not_modified(request, &task);
                return next_header(request);
            }
            let _ = context.task.set(task);
            hold(context, is_test)
        }
    }
}

/// Whether images are sent that the directives shaped.
fn transforms(conf: &LocConf) -> bool {
    !matches!(conf.geometry().mode, Mode::Off | Mode::Test | Mode::Size)
}

/// Decides from the headers of the source what is to be done.
fn begin(request: Request, conf: &LocConf) -> Result<Task, Failure> {
    let coding = match request.content_encoding() {
        None | Some(b"" | b"identity") => None,
        Some(coding) => Some(Coding::from_token(coding).ok_or_else(|| {
            let coding = String::from_utf8_lossy(coding);
            Error::UnsupportedFormat(format!("content coding \"{coding}\""))
        })?),
    };
    let (buffer, mode) = (conf.buffer(), conf.geometry().mode);
    let is_test = matches!(mode, Mode::Test);
    if !is_test && request.content_length().is_some_and(|length| length > buffer) {
        return Err(Error::TooLarge { limit: buffer }.into());
    }
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
        coding,
        tag,
        buffer,
        bounds: conf.bounds(),
        pool: conf.pool,
        keeps_original,
        is_end_announced: request.is_end_announced(),
    })
}

/// Holds the headers back until the body is there.
pub fn hold(context: Pooled<Context>, is_test: bool) -> ngx_int_t {
    let request = context.request;
    let data = request.as_ptr().cast::<c_void>();
    let wake = context.wake.set(Event::new(on_wake, data, request.log()));
    let timer = context.timer.set(Event::new(on_timer, data, request.log()));
    if wake.is_err() || timer.is_err() || !request.on_end(on_end, context.as_ptr().cast()) {
        return ERROR;
    }
    // A body from an upstream is in memory already, or in a temporary file that is the pipe's to
    // reuse. A file stays where it is until the job reads it, off the event loop; but what a test
    // lets through goes to filters that may want it in memory, and they can't say so any more.
    if is_test || request.is_from_upstream() {
        request.need_in_memory();
    } else {
        request.leave_files_unread();
    }
    request.clear_ranges();
    request.hold();
    context.state.set(if is_test { State::Test } else { State::Read });
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
        State::Test => test(context, chain),
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
fn drain(chain: *mut ngx_chain_t) -> bool {
    // SAFETY: nginx passes a valid chain, or null.
    unsafe { buffers(chain) }.fold(false, |last, buf| {
        buf.consume();
        last | buf.is_last()
    })
}

/// Lets an image through, and nothing else.
fn test(context: Pooled<Context>, chain: *mut ngx_chain_t) -> ngx_int_t {
    let request = context.request;
    let coding = context.task.get().and_then(|task| task.coding);
    let wanted = if coding.is_some() { ENCODED_SNIFF_LEN } else { SNIFF_LEN };
    let mut first = context.body.borrow().prefix().to_vec();
    let (mut last, mut cut) = (false, false);
    // SAFETY: nginx passes a valid chain, or null.
    for buf in unsafe { buffers(chain) } {
        last |= buf.is_last();
        cut |= buf.is_flush();
        if let Data::Memory(bytes) = buf.data() {
            let missing = wanted.saturating_sub(first.len());
            first.extend_from_slice(bytes.get(..missing).unwrap_or(bytes));
        }
    }
    let found = match coding {
        None => sniff(&first),
        Some(coding) => coding.sniff(&first),
    };
    let Some(format) = found else {
        if first.len() < wanted && !last && !cut_off(request, cut) {
            // Too few bytes to tell: keep them, and let nginx have its buffers back.
            let mut body = context.body.borrow_mut();
            // SAFETY: as above.
            for buf in unsafe { buffers(chain) } {
                if let Data::Memory(bytes) = buf.data()
                    && body.push_bytes(bytes, 0).is_err()
                {
                    return ERROR;
                }
                buf.consume();
            }
            return OK;
        }
        let failure =
            if cut_off(request, cut) { Failure::Upstream } else { Error::NotImage.into() };
        drain(chain);
        reject(context, failure, last || cut);
        return OK;
    };
    context.note(|facts| {
        facts.status = Some(Status::Passed);
        facts.format = Some(format);
        facts.source_format = Some(format);
    });
    request.set_content_type(format.media_type());
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
fn cut_off(request: Request, flush: bool) -> bool {
    flush && request.is_from_upstream() && request.is_upstream_finalized()
}

/// Collects the source.
fn read(context: Pooled<Context>, chain: *mut ngx_chain_t) -> ngx_int_t {
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
            let known = body.prefix().len() >= SNIFF_LEN;
            if body.len() + bytes.len() as u64 > task.buffer {
                return Err(Error::TooLarge { limit: task.buffer });
            }
            body.push_bytes(bytes, hint)?;
            // What is no image need not be read to its end.
            let may_tell = !known && body.prefix().len() >= SNIFF_LEN;
            let may_pass = task.keeps_original || matches!(task.work, Work::Describe);
            if may_tell && !may_pass && task.coding.is_none() && sniff(body.prefix()).is_none() {
                return Err(Error::NotImage);
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
        context.note(|facts| facts.status = Some(Status::Passed));
        context.state.set(State::Pass);
        request.release();
        headers::unknown_body(request, task);
        return next_header(request);
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
        (Some(product), Some(task), _) if headers::product(request, product, task) => {
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
