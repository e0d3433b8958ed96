//! Who is let in.

use image_gate_core::link::Reason;
use nginx_sys::{
    NGX_DECLINED, NGX_ERROR, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_LOG_ERR, NGX_LOG_INFO, NGX_OK,
    ngx_http_request_t, ngx_int_t,
};

use super::conf;
use super::strip;
use super::verdict::judge;
use crate::ngx::guard::guard;
use crate::ngx::{Request, log};

/// Handler of the access phase, for requests that every access module has to let in.
pub unsafe extern "C" fn before_others(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx calls it for a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return NGX_ERROR as ngx_int_t };
    guard(request.log(), NGX_ERROR as ngx_int_t, || run(request, false))
}

/// Handler of the access phase, for requests that one access module has to let in.
pub unsafe extern "C" fn after_others(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx calls it for a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return NGX_ERROR as ngx_int_t };
    guard(request.log(), NGX_ERROR as ngx_int_t, || run(request, true))
}

fn run(request: Request, any: bool) -> ngx_int_t {
    if request.is_satisfied_by_any() != any {
        return NGX_DECLINED as ngx_int_t;
    }
    let answer = check(request);
    if strip::settle(request).is_err() {
        return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
    }
    answer
}

fn check(request: Request) -> ngx_int_t {
    let Some(conf) = conf(&request) else { return NGX_ERROR as ngx_int_t };
    let Some(require) = conf.require.filter(|require| require.is_on) else {
        return NGX_DECLINED as ngx_int_t;
    };
    let Some(verdict) = judge(&request, conf) else {
        let line = format_args!("secure_link_hash_require: nothing says what a right link is");
        log::write(request.log(), NGX_LOG_ERR, line);
        return request.refuse(require.invalid);
    };
    let Err(reason) = verdict.result else {
        if let Some(rate) = verdict.rate {
            request.limit_rate(rate);
        }
        return NGX_OK as ngx_int_t;
    };
    log::write(request.log(), NGX_LOG_INFO, format_args!("secure_link_hash: {reason}"));
    request.refuse(if reason == Reason::Expired { require.expired } else { require.invalid })
}
