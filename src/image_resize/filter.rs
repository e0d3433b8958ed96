//! The header and body filters.
//!
//! The headers of a source are held back until its body is there and its job done. While the job
//! waits or runs, nginx sees a request that is buffered and whose writing is delayed; then either
//! the write handler is run, which calls the body filter once more and so sends the result, or
//! the request is finalized with an error, which goes through `error_page` like any other.

use image_gate_core::image::{Error, lists_etag};
use nginx_sys::{
    NGX_AGAIN, NGX_ERROR, NGX_HTTP_BAD_REQUEST, NGX_HTTP_NO_CONTENT, NGX_HTTP_NOT_MODIFIED,
    NGX_HTTP_OK, NGX_HTTP_PARTIAL_CONTENT, NGX_HTTP_SPECIAL_RESPONSE, NGX_LOG_ERR, NGX_OK,
    ngx_int_t, ngx_uint_t,
};

use super::begin::{begin, codings};
use super::body::{drain, read, send};
use super::conf::{ImageResize, LocConf, Mode, conf};
use super::context::{BodyState, Context, ResponseRole, Transfer};
use super::failure::fail_in_header_filter;
use super::hold::{hold, next_header};
use super::response_info::{Failure, ImageStatus};
use super::timers::wake;
use super::{headers, keep, preaccess, sniff};
use crate::ngx::Request;
use crate::ngx::chain::Chain;
use crate::ngx::filter::Filter;

const BAD_REQUEST: ngx_uint_t = NGX_HTTP_BAD_REQUEST as ngx_uint_t;
const OK: ngx_int_t = NGX_OK as ngx_int_t;
const AGAIN: ngx_int_t = NGX_AGAIN as ngx_int_t;
const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// The filter.
pub enum Images {}

impl Filter for Images {
    fn header(request: Request<'_>) -> ngx_int_t {
        let is_update = keep::is_update(request);
        let may_have_page = (request.is_main() || is_update) && keep::arrived(request);
        let rc = if is_update { update(request) } else { header(request, may_have_page) };
        // What is not to be made is not waited for. A subrequest makes nothing.
        if request.is_main() || is_update {
            keep::go_on_or_give_up(request);
        }
        rc
    }

    fn body<'r>(request: Request<'r>, chain: Chain<'r>) -> ngx_int_t {
        body(request, chain)
    }
}

/// `may_have_page` is whether nginx was kept from looking for the page of an error.
fn header(request: Request<'_>, may_have_page: bool) -> ngx_int_t {
    let Some(conf) = conf(&request) else { return ERROR };
    // A viewer on another site can't tell what failed otherwise.
    if conf.serves_iiif() && request.is_main() && request.status() >= BAD_REQUEST {
        let _ = headers::allow_all_origins(request);
    }
    // With a context, this is the answer to a request that failed here before.
    if matches!(conf.mode(), Mode::Off) || !request.is_main() || Transfer::active(request).is_some()
    {
        return next_header(request);
    }
    let before = request.context::<ImageResize>();
    let Some(context) = Transfer::begin(request, Context::following(before)) else { return ERROR };
    let status = u32::try_from(request.status()).unwrap_or(0);
    if match status {
        NGX_HTTP_NOT_MODIFIED => keep::confirms(request, None, conf),
        NGX_HTTP_BAD_REQUEST.. => keep::stands_in(request),
        _ => false,
    } {
        return replace(context);
    }
    if may_have_page {
        context.update_info(|response| response.status = Some(ImageStatus::Passed));
        context.failed.set(Some(status));
        return hold(context, BodyState::Discard);
    }
    match status {
        // A part of the original must not get past the filter. Clients can't ask for one (see
        // the module `preaccess`), so the upstream has sent it unasked.
        NGX_HTTP_PARTIAL_CONTENT => fail_in_header_filter(
            context,
            Error::DecodeFailed("the source is a partial".into()).into(),
        ),
        // nginx before 1.29 takes what comes before an answer for that, and the answer for its body.
        100..NGX_HTTP_OK => fail_in_header_filter(
            context,
            Error::DecodeFailed("the source is an interim answer".into()).into(),
        ),
        status @ (NGX_HTTP_NO_CONTENT | NGX_HTTP_NOT_MODIFIED) => {
            context.update_info(|response| response.status = Some(ImageStatus::Passed));
            if status == NGX_HTTP_NOT_MODIFIED && !matches!(conf.mode(), Mode::Test) {
                headers::revalidated(request, conf);
            }
            next_header(request)
        }
        _ if request.is_header_only() => {
            context.update_info(|response| response.status = Some(ImageStatus::Passed));
            next_header(request)
        }
        _ if conf.honors_no_transform(request) && conf.lets_out_unseen(request) => {
            context.update_info(|response| response.status = Some(ImageStatus::Passed));
            preaccess::restore_range(request);
            next_header(request)
        }
        ..NGX_HTTP_SPECIAL_RESPONSE => source(context, conf),
        // It stays what it is, and so does its body, unless that is a picture.
        _ => {
            context.role.set(ResponseRole::RedirectOrError);
            let _ = context.codings.set(codings(request));
            hold(context, BodyState::Sniff)
        }
    }
}

/// Begins with an answer by which what is kept is renewed, and which goes out to nobody.
fn update(request: Request<'_>) -> ngx_int_t {
    // What fails must not end the request that this one was made beside.
    let (Some(conf), Some(context)) = (conf(&request), Transfer::begin(request, Context::new()))
    else {
        keep::give_up(request);
        return OK;
    };
    let codings = context.codings.get_or_init(|| codings(request));
    let task = match u32::try_from(request.status()) {
        Ok(NGX_HTTP_NOT_MODIFIED) if keep::confirms(request, None, conf) => return OK,
        Ok(NGX_HTTP_OK) if !conf.honors_no_transform(request) => begin(request, conf, codings).ok(),
        _ => None,
    };
    let Some(task) = task else { return OK };
    if keep::confirms(request, Some(&task), conf) {
        return OK;
    }
    let _ = context.task.set(task);
    keep::begin(context, conf);
    if context.writer.borrow().is_some() && hold(context, BodyState::Read) != OK {
        context.writer.take();
    }
    OK
}

/// Drops an answer, and has the keeper of the request answer.
fn replace(context: Transfer<'_>) -> ngx_int_t {
    context.is_replaced.set(true);
    hold(context, BodyState::Discard)
}

/// Begins with an answer that is to be a picture.
fn source(context: Transfer<'_>, conf: &LocConf) -> ngx_int_t {
    let request = context.request;
    let codings = context.codings.get_or_init(|| codings(request));
    // Its bytes decide whether it may.
    if !request.is_head() && conf.honors_no_transform(request) {
        return hold(context, BodyState::Sniff);
    }
    let buffer = conf.buffer();
    if request.content_length().is_some_and(|length| length > buffer) {
        return fail_in_header_filter(context, Error::TooLarge { limit: buffer }.into());
    }
    if conf.is_sliced(request) {
        return fail_in_header_filter(context, Failure::Sliced);
    }
    if matches!(conf.mode(), Mode::Test) {
        return hold(context, BodyState::Sniff);
    }
    let task = match begin(request, conf, codings) {
        Ok(task) => task,
        Err(failure) => return fail_in_header_filter(context, failure),
    };
    if keep::confirms(request, Some(&task), conf) {
        let rc = replace(context);
        // Nothing of its body is wanted.
        wake(context);
        return rc;
    }
    let is_current = request.status() == NGX_HTTP_OK as ngx_uint_t
        && task.tag.as_ref().is_some_and(|tag| {
            request.if_none_match().is_some_and(|listed| lists_etag(listed, tag))
        });
    if is_current {
        context.update_info(|response| response.status = Some(ImageStatus::NotModified));
        headers::not_modified(request, &task);
        return next_header(request);
    }
    let _ = context.task.set(task);
    keep::begin(context, conf);
    hold(context, if conf.may_pass() { BodyState::Sniff } else { BodyState::Read })
}

/// Whether a subrequest would put SVG as it came into a page.
fn is_withheld(request: &Request<'_>) -> bool {
    !request.is_main()
        && conf(request).is_some_and(|conf| conf.sanitizes() && !matches!(conf.mode(), Mode::Off))
}

fn body<'r>(request: Request<'r>, chain: Chain<'r>) -> ngx_int_t {
    let Some(context) = Transfer::active(request) else {
        if keep::is_update(request) {
            drain(chain);
            return OK;
        }
        if is_withheld(&request) {
            if chain.buffers().any(|buf| buf.is_last_of_part()) {
                let line = format_args!(
                    "image_resize_pass: nothing of a subrequest goes out where SVG is sanitized: it makes no image"
                );
                request.log_line(NGX_LOG_ERR, line);
            }
            drain(chain);
            return OK;
        }
        return request.next_body(chain);
    };
    match context.state.get() {
        BodyState::Pass if !request.is_main() => {
            drain(chain);
            OK
        }
        // A test that let the headers of an answer to HEAD through still gets the body.
        BodyState::Pass if request.is_header_only() => {
            drain(chain);
            OK
        }
        BodyState::Pass => request.next_body(chain),
        BodyState::Sniff => sniff::sniff(context, chain),
        BodyState::Read => read(context, chain),
        BodyState::Discard => {
            if drain(chain) {
                wake(context);
            }
            OK
        }
        BodyState::Wait => {
            drain(chain);
            AGAIN
        }
        BodyState::Ready => send(context),
    }
}
