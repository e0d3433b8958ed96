//! `image_resize_cache_purge`: all that was kept of an original is found no longer.

use std::io;
use std::time::{Duration, Instant};

use image_gate_runtime::generations::PURGE_KNOWN;
use nginx_sys::{
    NGX_AGAIN, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_NO_CONTENT, NGX_HTTP_NOT_FOUND, NGX_OK,
    ngx_int_t,
};

use super::conf::{ImageResizeCache, LocConf, is_any};
use super::source::{Named, complain};
use crate::ngx::event::{OnEvent, Then};
use crate::ngx::{NoMemory, Request};

const FAILED: ngx_int_t = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;

/// A purge whose answer waits until all processes know of it.
struct Purged {
    status: ngx_int_t,
    known: Instant,
}

impl Purged {
    /// How long the answer waits still.
    fn wait(&self) -> Option<Duration> {
        self.known.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }
}

impl OnEvent for Purged {
    fn handle(request: Request<'_>) -> Then {
        // nginx's timers may be early: they go by the time at which a turn of its loop began.
        match request.own::<Purged>().and_then(Purged::wait) {
            None => Then::Resume,
            Some(wait) => match start_timer(request, wait) {
                Ok(()) => Then::Wait,
                Err(NoMemory) => Purged::panicked(request),
            },
        }
    }

    fn panicked(_: Request<'_>) -> Then {
        Then::Finalize(NGX_HTTP_INTERNAL_SERVER_ERROR)
    }
}

/// Purges what a request is for, where it is to. Returns what nginx is told then.
pub fn handle(request: Request<'_>) -> Option<ngx_int_t> {
    let conf = request.location::<ImageResizeCache>()?;
    // What is here because of an error was refused before.
    if conf.purge.is_none() || request.is_error_page() {
        return None;
    }
    // nginx runs the phases on any event of the connection.
    if let Some(purged) = request.own::<Purged>() {
        let is_known = purged.wait().is_none();
        return Some(if is_known { purged.status } else { NGX_AGAIN as ngx_int_t });
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

/// Returns the status of the answer, or that there will be one.
fn purge(request: Request<'_>, conf: &LocConf) -> ngx_int_t {
    let Some(cache) = conf.cache(request) else { return NGX_HTTP_NOT_FOUND as ngx_int_t };
    let Some(generations) = cache.generations.get() else {
        complain(request, &cache, &io::Error::other("not there since nginx has started"));
        return FAILED;
    };
    let Some(named) = Named::of(request, conf, generations) else {
        return NGX_HTTP_NOT_FOUND as ngx_int_t;
    };
    let status = match generations.renew(&named.digest) {
        Ok(true) => NGX_HTTP_NO_CONTENT as ngx_int_t,
        Ok(false) => NGX_HTTP_NOT_FOUND as ngx_int_t,
        Err(error) => {
            complain(request, &cache, &error);
            return FAILED;
        }
    };
    match wait(request, status) {
        Ok(()) => NGX_AGAIN as ngx_int_t,
        Err(NoMemory) => FAILED,
    }
}

/// Has a request be answered with that status in a moment.
fn wait(request: Request<'_>, status: ngx_int_t) -> Result<(), NoMemory> {
    let known = Instant::now() + PURGE_KNOWN;
    request.attach_own(Purged { status, known }).ok_or(NoMemory)?;
    start_timer(request, PURGE_KNOWN)
}

fn start_timer(request: Request<'_>, wait: Duration) -> Result<(), NoMemory> {
    let milliseconds = wait.as_millis().saturating_add(1);
    request.event::<Purged>()?.start_timer(usize::try_from(milliseconds).unwrap_or(usize::MAX));
    Ok(())
}
