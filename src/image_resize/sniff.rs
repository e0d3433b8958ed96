//! What the first bytes of a body decide: whether it is let through, refused, or transformed.

use image_gate_core::image::{Error, Format, Plan, UNSUPPORTED_LEN, is_svg};
use nginx_sys::{NGX_ERROR, NGX_HTTP_BAD_REQUEST, NGX_HTTP_OK, NGX_OK, ngx_int_t, ngx_uint_t};

use super::begin::begin;
use super::body::{cut_off, drain, let_through, read};
use super::conf::{LocConf, Mode, conf};
use super::context::{BodyState, Context, ResponseRole, Transfer};
use super::failure::{discard, fail_in_body_filter, log_failure};
use super::response_info::{Failure, ImageStatus};
use super::task::Task;
use super::timers::wake;
use super::{headers, link};
use crate::ngx::Request;
use crate::ngx::chain::{BufData, Chain};

const OK: ngx_int_t = NGX_OK as ngx_int_t;
const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// Looks at a body as it comes, until it is known what it is.
pub fn sniff<'r>(context: Transfer<'r>, chain: Chain<'r>) -> ngx_int_t {
    let request = context.request;
    let (Some(conf), Some(codings)) = (conf(&request), context.codings.get()) else {
        return ERROR;
    };
    let is_test = matches!(conf.mode(), Mode::Test);
    let is_other = context.role.get() == ResponseRole::RedirectOrError;
    // What is refused is named by more than tells a picture, and an SVG may need more.
    let sanitizes = conf.sanitizes();
    let wanted = if is_other && !sanitizes { codings.sniff_len() } else { UNSUPPORTED_LEN };
    let mut first = context.body.borrow().prefix().to_vec();
    let (mut last, mut flush) = (false, false);
    for buf in chain.buffers() {
        last |= buf.is_last();
        flush |= buf.is_flush();
        if let BufData::Memory(bytes) = buf.data() {
            let missing = wanted.saturating_sub(first.len());
            first.extend_from_slice(bytes.get(..missing).unwrap_or(bytes));
        }
    }
    let cut = cut_off(request, flush);
    if last
        && first.is_empty()
        && (request.is_head() || request.status() != NGX_HTTP_OK as ngx_uint_t)
    {
        return without_body(context, conf, chain);
    }
    let found = codings.sniff(&first).filter(|&(format, _)| match format {
        // As it is it may run scripts.
        Format::Svg => !is_test && (is_other || !passes_svg(request, conf)),
        format => !is_test || reads(request, conf, format),
    });
    // To go out as it came, for it says so or because of an error, if it is no SVG.
    let is_original = !is_other && !is_test && sanitizes;
    match found {
        Some((format, is_plain)) if is_original && conf.lets_out(Some(format)) => {
            if headers::name_picture(request, format, is_plain).is_err() {
                return ERROR;
            }
            let status = match context.failed.take() {
                Some(_) => ImageStatus::Original,
                None => ImageStatus::Passed,
            };
            context.update_info(|response| response.status = Some(status));
            let_through(context, chain)
        }
        Some(_) if is_original => transform_withheld(context, conf, chain, cut),
        Some((format, is_plain)) if is_test => {
            context.update_info(|response| {
                response.status = Some(ImageStatus::Passed);
                response.format = Some(format);
                response.source_format = Some(format);
            });
            request.set_content_type(format.media_type());
            if is_plain {
                request.clear_content_encoding();
            }
            let_through(context, chain)
        }
        Some(picture) if is_other => transform_other(context, conf, chain, picture),
        Some(_) => {
            context.state.set(BodyState::Read);
            read(context, chain)
        }
        // Too few bytes to tell: keep them, and let nginx have its buffers back.
        None if first.len() < wanted && !last && !cut => keep(&context, chain),
        None if is_original => transform_withheld(context, conf, chain, cut),
        None if is_other
            && sanitizes
            && (headers::may_be_xml(&request) || is_svg(&codings.begin(&first))) =>
        {
            if is_redirect(request) {
                drain(chain);
                return redirect_bare(context, last || cut);
            }
            let failure = codings.unsupported(&first).into();
            drain(chain);
            fail_in_body_filter(context, failure, last || cut);
            OK
        }
        None if is_other && !(is_test && is_strange(request)) => {
            if sanitizes && headers::forbid_sniffing(request).is_err() {
                return ERROR;
            }
            context.update_info(|response| response.status = Some(ImageStatus::Passed));
            let_through(context, chain)
        }
        None if is_other && is_redirect(request) => {
            drain(chain);
            redirect_bare(context, last)
        }
        None if !is_other && conf.may_pass() && is_svg(&codings.begin(&first)) => {
            context.update_info(|response| response.status = Some(ImageStatus::Passed));
            request.set_content_type("image/svg+xml");
            // Browsers read it no other way.
            if let Some(all) = codings.with_compressed_svg(&first) {
                request.clear_content_encoding();
                if request.set_content_encoding(&all).is_err() {
                    return ERROR;
                }
            }
            let_through(context, chain)
        }
        None => {
            let failure = if cut { Failure::Upstream } else { codings.unsupported(&first).into() };
            drain(chain);
            fail_in_body_filter(context, failure, last || cut);
            OK
        }
    }
}

/// Whether sources of a format are to be read.
fn reads(request: Request<'_>, conf: &LocConf, format: Format) -> bool {
    conf.plan(request).is_ok_and(|plan| plan.check_source(format).is_ok())
}

/// Whether an SVG image is let through: where it may be, and neither another format is asked for that can
/// be made of it, nor what is told of it.
fn passes_svg(request: Request<'_>, conf: &LocConf) -> bool {
    if link::description(request).is_some() {
        return false;
    }
    let is_drawn = |plan: Plan| {
        plan.format.is_some() && !plan.negotiated && plan.check_source(Format::Svg).is_ok()
    };
    let may_be_drawn = Format::Svg.is_read() && conf.mode().makes_image();
    conf.may_pass() && !(may_be_drawn && conf.plan(request).is_ok_and(is_drawn))
}

/// Whether an error or a redirect is an upstream's, and no page of nginx's own or that a directive
/// names.
fn is_strange(request: Request<'_>) -> bool {
    request.has_upstream() && !request.is_error_page()
}

fn is_redirect(request: Request<'_>) -> bool {
    request.status() < NGX_HTTP_BAD_REQUEST as ngx_uint_t
}

/// Sends a redirect without the body it came with.
fn redirect_bare(context: Transfer<'_>, ended: bool) -> ngx_int_t {
    let request = context.request;
    context.update_info(|response| response.status = Some(ImageStatus::Passed));
    request.set_content_length(Some(0));
    request.clear_content_type();
    headers::forget_source(request);
    if request.set_etag(None).is_err() || context.original.set(Vec::new()).is_err() {
        return ERROR;
    }
    context.body.take();
    context.state.set(BodyState::Discard);
    if ended {
        wake(context);
    }
    OK
}

/// Keeps what came in a context whose body is to be looked at as a whole.
fn keep(context: &Context, chain: Chain<'_>) -> ngx_int_t {
    let mut body = context.body.borrow_mut();
    for buf in chain.buffers() {
        if let BufData::Memory(bytes) = buf.data()
            && body.push_bytes(bytes, 0).is_err()
        {
            return ERROR;
        }
        buf.consume();
    }
    OK
}

/// Sends an answer that has no body: because it was asked for by HEAD, or because all is said.
fn without_body<'r>(context: Transfer<'r>, conf: &LocConf, chain: Chain<'r>) -> ngx_int_t {
    let request = context.request;
    let passes = || passes_svg(request, conf);
    let reads_svg = conf.may_pass() || reads(request, conf, Format::Svg);
    let format = match context.role.get() {
        ResponseRole::Source => headers::expected_format(&request),
        ResponseRole::RedirectOrError => headers::declared_format(&request),
    };
    let is_svg = format == Some(Format::Svg);
    let format = format.filter(|format| *format != Format::Svg || passes());
    context.update_info(|response| response.status = Some(ImageStatus::Passed));
    if request.is_head() {
        let is_test = matches!(conf.mode(), Mode::Test);
        match (context.role.get(), context.task.get(), context.codings.get()) {
            (ResponseRole::Source, None, _)
                if headers::declares_text(&request, conf.may_pass()) =>
            {
                fail_in_body_filter(context, Error::NotImage.into(), true);
                return OK;
            }
            (ResponseRole::Source, None, _) => match format {
                Some(format) => request.set_content_type(format.media_type()),
                None => request.clear_content_type(),
            },
            (ResponseRole::Source, Some(_), _) if is_svg && passes() => {
                request.set_content_type(Format::Svg.media_type());
            }
            (ResponseRole::Source, Some(task), _) => {
                if headers::declares_text(&request, reads_svg) {
                    fail_in_body_filter(context, Error::NotImage.into(), true);
                    return OK;
                }
                headers::unknown_body(request, task);
            }
            (ResponseRole::RedirectOrError, ..)
                if is_test && format.is_none() && is_strange(request) =>
            {
                if is_redirect(request) {
                    return redirect_bare(context, true);
                }
                fail_in_body_filter(context, Error::NotImage.into(), true);
                return OK;
            }
            (ResponseRole::RedirectOrError, _, Some(codings)) if !is_test && format.is_some() => {
                if let Ok(task) = begin(request, conf, codings) {
                    headers::unknown_body(request, &task);
                }
            }
            _ => (),
        }
    }
    let_through(context, chain)
}

/// What is to be done with a body of which some came already.
fn begin_late(context: Transfer<'_>, conf: &LocConf) -> Result<Task, Failure> {
    let request = context.request;
    let buffer = conf.buffer();
    match (request.content_length(), context.codings.get()) {
        (Some(length), _) if length > buffer => Err(Error::TooLarge { limit: buffer }.into()),
        (_, Some(codings)) => begin(request, conf, codings),
        (_, None) => Err(Error::Internal("no codings".into()).into()),
    }
}

/// Goes on with a source that might have gone out as it came, but must not, as any other goes on.
fn transform_withheld<'r>(
    context: Transfer<'r>,
    conf: &LocConf,
    chain: Chain<'r>,
    cut: bool,
) -> ngx_int_t {
    if context.failed.get().is_some() {
        let last = drain(chain);
        discard(context, last || cut);
        return OK;
    }
    match begin_late(context, conf) {
        Ok(task) => {
            let _ = context.task.set(task);
            context.state.set(BodyState::Read);
            read(context, chain)
        }
        Err(failure) => {
            let last = drain(chain);
            fail_in_body_filter(context, failure, last || cut);
            OK
        }
    }
}

/// Goes on with a picture that answers an error: it is made as any other, but the error stays. `found` is its
/// format, and whether it is one without a coding undone.
fn transform_other<'r>(
    context: Transfer<'r>,
    conf: &LocConf,
    chain: Chain<'r>,
    found: (Format, bool),
) -> ngx_int_t {
    let request = context.request;
    let (format, is_plain) = found;
    match begin_late(context, conf) {
        Ok(mut task) => {
            task.keeps_original = !conf.has_watermark();
            let _ = context.task.set(task);
            context.state.set(BodyState::Read);
            read(context, chain)
        }
        Err(failure) if conf.has_watermark() || !conf.lets_out(Some(format)) => {
            let last = drain(chain);
            fail_in_body_filter(context, failure, last);
            OK
        }
        Err(failure) => {
            if conf.sanitizes() && headers::name_picture(request, format, is_plain).is_err() {
                return ERROR;
            }
            log_failure(context, &failure);
            context.update_info(|response| response.status = Some(ImageStatus::Original));
            let_through(context, chain)
        }
    }
}
