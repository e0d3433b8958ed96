//! What becomes of a failure: its status, its line in the log, and what is sent in its place.

use std::fmt;

use image_gate_core::image::Error;
use nginx_sys::{
    NGX_ERROR, NGX_HTTP_BAD_GATEWAY, NGX_HTTP_BAD_REQUEST, NGX_HTTP_FORBIDDEN,
    NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_NOT_FOUND, NGX_HTTP_PARTIAL_CONTENT,
    NGX_HTTP_SERVICE_UNAVAILABLE, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, NGX_LOG_ERR, NGX_LOG_INFO,
    ngx_int_t, ngx_msec_t, ngx_uint_t,
};

use super::begin::codings;
use super::conf::{LocConf, conf};
use super::context::{BodyState, Context, ResponseRole, Transfer};
use super::hold::{hold, next_header, tell};
use super::response_info::{Failure, ImageStatus};
use super::timers::{Timer, wake};
use super::{counting, keep, link, preaccess};
use crate::ngx::Request;
use crate::ngx::log::LogThrottle;

thread_local! {
    /// Of overload, a line a second and worker is enough.
    static OVERLOAD_LOG: LogThrottle = LogThrottle::default();
}

/// How many lines were held back.
struct Others(u64);

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            others => write!(f, ", as {others} times since the line before"),
        }
    }
}

/// 410, for which nginx has no name.
const GONE: u32 = 410;

/// How often a location's configuration is complained of, in seconds.
const MINUTE: u64 = 60;

const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// Records a failure found in the header filter, and returns what the filter is to return: nginx then
/// makes the error page, unless `image_resize_on_error` has the source itself sent, maybe once its first bytes
/// are there, or redirects, where the source is read and dropped.
pub fn fail_in_header_filter(context: Transfer<'_>, failure: Failure) -> ngx_int_t {
    let request = context.request;
    let status = log_failure(context, &failure);
    if let Some(conf) = conf(&request)
        && conf.sends_original(&failure)
    {
        if conf.lets_out_unseen(request) {
            context.update_info(|response| response.status = Some(ImageStatus::Original));
            preaccess::restore_range(request);
            return next_header(request);
        }
        if !request.is_head() && request.status() != NGX_HTTP_PARTIAL_CONTENT as ngx_uint_t {
            context.codings.get_or_init(|| codings(request));
            context.failed.set(Some(status));
            return hold(context, BodyState::Sniff);
        }
    }
    if context.redirect.borrow().is_some() {
        let rc = hold(context, BodyState::Discard);
        context.failed.set(Some(status));
        return rc;
    }
    request.clean_headers();
    ngx_int_t::try_from(status).unwrap_or(ERROR)
}

/// Records a failure found before there is an answer to be filtered, and gives its status.
pub fn fail_in_phase(request: Request<'_>, failure: &Failure) -> ngx_int_t {
    let context = Transfer::begin(request, Context::new());
    context.map_or(ERROR, |context| {
        ngx_int_t::try_from(log_failure(context, failure)).unwrap_or(ERROR)
    })
}

/// Records a failure found while the body comes. It is answered once the body has ended, or
/// before if there is an upstream to be ended.
pub fn fail_in_body_filter(context: Transfer<'_>, failure: Failure, ended: bool) {
    context.failed.set(Some(log_failure(context, &failure)));
    discard(context, ended);
}

/// Drops the body of a request that failed, and answers it as [`fail_in_body_filter`] does.
pub fn discard(context: Transfer<'_>, ended: bool) {
    context.state.set(BodyState::Discard);
    context.body.take();
    let request = context.request;
    if ended || (request.is_from_upstream() && !request.is_in_file_io()) {
        wake(context);
    }
}

/// After how many milliseconds a request that there was no room for is answered by 503. A client that asks
/// again as soon as it has an answer would else keep a processor busy that the pictures of others need.
const PAUSE: ngx_msec_t = 200;

/// Records that there is no room for the job of a request whose body has ended, unless that failed
/// before.
pub fn fail_overloaded(context: Transfer<'_>) {
    context.body.take();
    context.submitted.take();
    if context.failed.get().is_none() {
        context.failed.set(Some(log_failure(context, &Failure::Busy)));
    }
    match context.request.known_event::<Timer>() {
        Some(timer) if context.redirect.borrow().is_none() => {
            timer.start_timer(PAUSE);
        }
        _ => wake(context),
    }
}

/// Logs a failure and notes it. Returns the status for it.
pub fn log_failure(context: Transfer<'_>, failure: &Failure) -> u32 {
    let (status, word, ours) = match failure {
        Failure::Image(error @ (Error::Timeout | Error::Cancelled | Error::Internal(_))) => {
            (NGX_HTTP_SERVICE_UNAVAILABLE, error.word(), error.is_ours())
        }
        Failure::Image(error @ Error::BeyondImage(_)) => {
            (NGX_HTTP_BAD_REQUEST, error.word(), error.is_ours())
        }
        Failure::Image(error) => (NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, error.word(), error.is_ours()),
        Failure::Params(error @ Error::NotAllowed(_)) => (NGX_HTTP_FORBIDDEN, error.word(), false),
        Failure::Params(error @ Error::NoSuchLink(_)) => (NGX_HTTP_NOT_FOUND, error.word(), false),
        Failure::Params(error) => (NGX_HTTP_BAD_REQUEST, error.word(), error.is_ours()),
        Failure::Expired => (GONE, "bad_params", false),
        Failure::Busy => (NGX_HTTP_SERVICE_UNAVAILABLE, "busy", true),
        Failure::Upstream => (NGX_HTTP_BAD_GATEWAY, "decode_failed", false),
        Failure::Sliced => (NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, "decode_failed", true),
    };
    context.update_info(|response| {
        response.status = Some(ImageStatus::Error);
        response.error = Some(word);
    });
    counting::count_error(word);
    let request = context.request;
    let conf = conf(&request);
    let is_of_source = status < NGX_HTTP_INTERNAL_SERVER_ERROR
        && !ours
        && context.role.get() == ResponseRole::Source;
    let is_final = status == NGX_HTTP_UNSUPPORTED_MEDIA_TYPE
        && is_of_source
        && conf.is_some_and(LocConf::answers_errors);
    keep::fail(request, word, is_of_source, is_final);
    let status = match (context.role.get(), u32::try_from(request.status())) {
        (ResponseRole::Source, _) => {
            context.redirect.replace(conf.and_then(|conf| conf.redirects(request, failure)));
            status
        }
        // It answers an error already, and goes on to do so.
        (ResponseRole::RedirectOrError, Ok(answered @ NGX_HTTP_BAD_REQUEST..)) => answered,
        (ResponseRole::RedirectOrError, _) => status,
    };
    let reason: &dyn std::fmt::Display = match failure {
        Failure::Image(error) | Failure::Params(error) => error,
        Failure::Expired => &"the link has expired",
        Failure::Busy => &"the queue is full",
        Failure::Upstream => &"the upstream broke off",
        Failure::Sliced => &"\"slice\" has the source come in parts: take it away",
    };
    tell(context, || Some(format!("{word}; {reason}")));
    // The client did nothing wrong: the configuration has to be mended.
    let is_misconfigured = matches!(
        failure,
        Failure::Sliced
            | Failure::Image(Error::Directive(_) | Error::Watermark(_))
            | Failure::Params(Error::UnknownPreset(_) | Error::Directive(_))
    );
    let (others, level) = match failure {
        Failure::Busy => (OVERLOAD_LOG.with(|lines| lines.next(1)), NGX_LOG_ERR),
        _ if is_misconfigured => match conf.and_then(|conf| conf.complaints.next(MINUTE)) {
            Some(others) => (Some(others), NGX_LOG_ERR),
            None => (Some(0), NGX_LOG_INFO),
        },
        _ => (Some(0), if ours { NGX_LOG_ERR } else { NGX_LOG_INFO }),
    };
    let Some(others) = others else { return status };
    let before = Others(others);
    log_source(context, level, format_args!("{word}: {reason}{before}"));
    status
}

/// Logs what is wrong with a source that is shown all the same.
pub fn log_damage(context: Transfer<'_>, what: &str) {
    log_source(context, NGX_LOG_INFO, format_args!("damaged: {what}"));
}

fn log_source(context: Transfer<'_>, level: u32, message: fmt::Arguments<'_>) {
    let request = context.request;
    let bytes = context.response_info.get().source_bytes.or(request.content_length()).unwrap_or(0);
    let bytes = bytes.max(context.body.borrow().len());
    request.log_line(
        level,
        format_args!(
            "image_resize: {message}, uri: \"{}\", source: {bytes} bytes",
            link::path(&request).escape_ascii()
        ),
    );
}
