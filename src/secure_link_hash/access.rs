//! Who is let in.

use image_gate_core::link::VerifyError;
use nginx_sys::{
    NGX_DECLINED, NGX_ERROR, NGX_HTTP_FORBIDDEN, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_LOG_ERR,
    NGX_LOG_INFO, NGX_OK, ngx_int_t,
};

use super::conf::{LocConf, conf};
use super::strip;
use super::verify::verify_link;
use crate::ngx::Request;
use crate::ngx::phase::Handler;

/// Handler of the access phase, for requests that every access module has to let in.
pub enum BeforeOthers {}

impl Handler for BeforeOthers {
    fn handle(request: Request<'_>) -> ngx_int_t {
        run(request, false)
    }
}

/// Handler of the access phase, for requests that one access module has to let in.
pub enum AfterOthers {}

impl Handler for AfterOthers {
    fn handle(request: Request<'_>) -> ngx_int_t {
        run(request, true)
    }
}

/// Handler of the phase that every subrequest comes through: nginx leaves the access phase out for them, and
/// what they answer may be all that `auth_request` goes by.
pub enum Subrequest {}

impl Handler for Subrequest {
    fn handle(request: Request<'_>) -> ngx_int_t {
        if request.is_main() || request.is_beside() {
            return NGX_DECLINED as ngx_int_t;
        }
        let Some(conf) = conf(&request).filter(|conf| conf.is_required()) else {
            return NGX_DECLINED as ngx_int_t;
        };
        let client = request.main();
        let (level, line) = match self::conf(&client).filter(|of| of.guard() == conf.guard()) {
            Some(of) if has_right_link(client, of) => return NGX_DECLINED as ngx_int_t,
            Some(_) => (NGX_LOG_INFO, "the request that a subrequest is of has no right link"),
            None => (
                NGX_LOG_ERR,
                "a subrequest has no link of its own, and the one that it is of was not let in by the \
                 same directives",
            ),
        };
        request.log_line(level, format_args!("secure_link_hash_require: {line}"));
        request.refuse_subrequest(NGX_HTTP_FORBIDDEN as ngx_int_t)
    }
}

/// Whether the client's request was, or will be, let in where it is.
fn has_right_link(client: Request<'_>, conf: &LocConf) -> bool {
    client.is_let_in() || verify_link(&client, conf).is_some_and(|verdict| verdict.result.is_ok())
}

fn run(request: Request<'_>, any: bool) -> ngx_int_t {
    if request.is_satisfied_by_any() != any {
        return NGX_DECLINED as ngx_int_t;
    }
    // They may have been evaluated before the address was known.
    if let Some(conf) = conf(&request) {
        request.forget_variables(&conf.of_client);
    }
    let answer = check(request);
    if strip::strip_arguments(request).is_err() {
        return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
    }
    answer
}

fn check(request: Request<'_>) -> ngx_int_t {
    let Some(conf) = conf(&request) else { return NGX_ERROR as ngx_int_t };
    let Some(require) = conf.require.filter(|require| require.is_on) else {
        return NGX_DECLINED as ngx_int_t;
    };
    let Some(verdict) = verify_link(&request, conf) else {
        let line = format_args!("secure_link_hash_require: nothing says what a right link is");
        request.log_line(NGX_LOG_ERR, line);
        return request.refuse_access(require.invalid);
    };
    let Err(reason) = verdict.result else {
        if let Some(rate) = verdict.rate {
            request.limit_rate(rate);
        }
        return NGX_OK as ngx_int_t;
    };
    request.log_line(NGX_LOG_INFO, format_args!("secure_link_hash: {reason}"));
    request.refuse_access(if reason == VerifyError::Expired {
        require.expired
    } else {
        require.invalid
    })
}
