//! `image_resize_cache_purge`: all that was kept of an original is found no longer.

use std::io;

use nginx_sys::{
    NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_NO_CONTENT, NGX_HTTP_NOT_FOUND, NGX_OK, ngx_int_t,
};

use super::conf::{ImageResizeCache, LocConf, is_any};
use super::source::{Named, complain};
use crate::ngx::Request;

const FAILED: ngx_int_t = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;

/// Purges what a request is for, where it is to. Returns what nginx is told then.
pub fn handle(request: Request<'_>) -> Option<ngx_int_t> {
    let conf = request.location::<ImageResizeCache>()?;
    // What is here because of an error was refused before.
    if conf.purge.is_none() || request.is_error_page() {
        return None;
    }
    // As in a look-up.
    let Some(_apart) = request.variables_apart(&[]) else { return Some(FAILED) };
    if !is_any(conf.purge.as_ref(), request) {
        return None;
    }
    // What stands in for a missing picture is no answer to this.
    request.spare_error_page(true);
    let rc = request.discard_body();
    Some(if rc == NGX_OK as ngx_int_t { purge(request, conf) } else { rc })
}

/// Returns the status of the answer.
fn purge(request: Request<'_>, conf: &LocConf) -> ngx_int_t {
    let Some(cache) = conf.cache(request) else { return NGX_HTTP_NOT_FOUND as ngx_int_t };
    let Some(generations) = cache.generations.get() else {
        complain(request, &cache, &io::Error::other("not there since nginx has started"));
        return FAILED;
    };
    let Some(named) = Named::of(request, conf, generations) else {
        return NGX_HTTP_NOT_FOUND as ngx_int_t;
    };
    match generations.renew(&named.digest) {
        Ok(true) => NGX_HTTP_NO_CONTENT as ngx_int_t,
        Ok(false) => NGX_HTTP_NOT_FOUND as ngx_int_t,
        Err(error) => {
            complain(request, &cache, &error);
            FAILED
        }
    }
}
