//! Looking up a request before its content handler runs.

use std::path::PathBuf;

use image_gate_core::cache::{Claim, Head, MOST, Made};
use nginx_sys::{
    NGX_AGAIN, NGX_DECLINED, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_OK,
    NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, NGX_OK, ngx_int_t,
};

use super::conf::{ImageResizeCache, LocConf, is_any};
use super::entry::{self, Old};
use super::flights::{self, Wake};
use super::keeper::Making;
use super::pass::{Pass, Status};
use super::purge;
use super::source::{Named, Origin, Source};
use crate::image_resize::keep::{self, Asking};
use crate::ngx::cache::{Looked, Validators};
use crate::ngx::event::{OnEvent, Then};
use crate::ngx::phase::Handler;
use crate::ngx::{NoMemory, Request, worker};

const AGAIN: ngx_int_t = NGX_AGAIN as ngx_int_t;
const DECLINED: ngx_int_t = NGX_DECLINED as ngx_int_t;
const UNSUPPORTED: ngx_int_t = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE as ngx_int_t;
const FAILED: ngx_int_t = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;

/// The handler of the phase.
pub enum Precontent {}

impl Handler for Precontent {
    fn handle(request: Request<'_>) -> ngx_int_t {
        if !request.is_main() && request.active_context::<ImageResizeCache>().is_none() {
            // One that was to renew something may have been sent elsewhere.
            keep::leave(request);
            return DECLINED;
        }
        let pass = match request.active_context::<ImageResizeCache>() {
            Some(pass) if is_over(request, pass) => {
                pass.release();
                pass.status.set(None);
                let Some(anew) = begin(request) else { return DECLINED };
                anew.deadline.set(pass.deadline.get());
                match request.set_context::<ImageResizeCache>(anew) {
                    Some(pass) => pass,
                    None => return FAILED,
                }
            }
            Some(pass) => pass,
            None => {
                // Whatever was under way belongs to the location before.
                keep::leave(request);
                if let Some(before) = request.context::<ImageResizeCache>() {
                    before.release();
                }
                if let Some(rc) = purge::handle(request) {
                    return rc;
                }
                let Some(pass) = begin(request) else { return DECLINED };
                match request.set_context::<ImageResizeCache>(pass) {
                    Some(pass) => pass,
                    None => return FAILED,
                }
            }
        };
        go_on(request, pass)
    }
}

/// Whether what a request has waited for was purged meanwhile, and is kept by nobody.
fn is_over(request: Request<'_>, pass: &Pass) -> bool {
    pass.has_waited.take() && !pass.origin.is_current(request, &pass.cache)
}

/// Whether a request is one for something that may be kept, and what it is found by.
fn begin(request: Request<'_>) -> Option<Pass> {
    let conf = request.location::<ImageResizeCache>()?;
    let is_answer = matches!(request.error_status(), 0) || is_ok(request.error_status());
    if conf.target.is_none()
        || !request.is_get_or_head()
        || request.has_body()
        || !is_answer
        || !keep::makes(request)
    {
        return None;
    }
    // What nothing is known of yet must not stay as it is now: nginx keeps values of variables.
    let known = keep::known_digest(request);
    let _apart = match known.is_none() || asks_for_variables(request, conf) {
        true => Some(request.variables_apart(&[])?),
        false => None,
    };
    let (cache, digest) = {
        // The names of files and keys have the captures of the location.
        let _captures = request.captures_apart();
        (conf.cache(request)?, known.or_else(|| keep::digest(request))?)
    };
    if request.has_handler() {
        match conf.key {
            // What stands in for an answer must not go out as that.
            Some(_) if keep::may_stand_in(request) => return None,
            // What an upstream answers to somebody is not for others.
            None if request.has_incoming(b"Authorization") => return None,
            _ => (),
        }
    }
    let generations = cache.generations.get()?;
    let named = Named::of(request, conf, generations)?;
    let origin = Origin::of(request, &cache, named.digest)?;
    let source = match named.file {
        None => Source::Upstream,
        Some(file) => {
            let (id, seen) = file.state()?;
            Source::File { id, seen }
        }
    };
    let seed = generations.seed();
    let key = origin.key(seed, &source, &conf.code(seed, &digest));
    Some(Pass::new(cache, key, digest, source, origin))
}

/// Whether the value of any variable may be asked for to look a request up of which it is known what is made.
fn asks_for_variables(request: Request<'_>, conf: &LocConf) -> bool {
    let is_fixed = conf.cache.is_some() && conf.key.is_none_or(|key| key.constant().is_some());
    !is_fixed || request.source_has_variables()
}

/// The name of the file that a result is made of.
fn path(request: Request<'_>) -> Option<PathBuf> {
    let _apart = request.variables_apart(&[])?;
    request.source_file().map(|file| file.path().to_path_buf())
}

fn is_ok(status: usize) -> bool {
    status == NGX_HTTP_OK as usize
}

fn go_on(request: Request<'_>, pass: &Pass) -> ngx_int_t {
    let Some(conf) = request.location::<ImageResizeCache>() else { return FAILED };
    // nginx may run the phases on any event of the connection.
    if pass.is_waiting.get() {
        return AGAIN;
    }
    loop {
        if !pass.is_looking.replace(true) {
            let uses = conf.min_uses.unwrap_or(1);
            if request.begin_lookup(pass.cache.folder, &pass.key, MOST, uses).is_err() {
                return FAILED;
            }
        }
        let looked = request.look();
        if looked == Looked::Later {
            return AGAIN;
        }
        pass.is_looking.set(false);
        let is_found = looked == Looked::Found;
        if pass.is_background && looked != Looked::Expired {
            // Another has made it.
            pass.release();
            request.answer_by::<Nothing>();
            return DECLINED;
        }
        let Some(bypasses) = bypasses(request, conf) else { return FAILED };
        if is_found
            && !bypasses
            && let Some((head, made)) = entry::read(request)
        {
            return serve(request, pass, Status::Hit, &head, &made);
        }
        let old = (looked == Looked::Expired && !bypasses).then(|| Old::read(request)).flatten();
        if let Looked::Error(reason) = looked
            && !bypasses
        {
            pass.release();
            pass.status.set(Some(Status::Hit));
            return match keep::note_unusable(request, reason) {
                Ok(()) => UNSUPPORTED,
                Err(NoMemory) => FAILED,
            };
        }
        pass.status.set(Some(match looked {
            _ if bypasses => Status::Bypass,
            Looked::Expired => Status::Expired,
            _ => Status::Miss,
        }));
        // nginx has said why it could not look; the answer goes out all the same. And what an upstream
        // answers to HEAD has no body to make anything of.
        let is_bare = matches!(pass.source, Source::Upstream) && request.is_head();
        if matches!(looked, Looked::Failed | Looked::Scarce) || (is_bare && old.is_none()) {
            pass.release();
            return DECLINED;
        }
        let serves_old = old.as_ref().is_some_and(|old| old.goes_out_meanwhile(conf));
        let in_background = serves_old && conf.updates_in_background() && !pass.is_background;
        let is_mine = pass.ticket.borrow().is_some();
        if let Some(Old { head, made, .. }) = old.as_ref().filter(|_| in_background && is_mine)
            && update(request, pass).is_ok()
        {
            return serve(request, pass, Status::Stale, head, made);
        }
        let waits = conf.locks() || serves_old;
        if is_mine || !waits || bypasses || (is_bare && !in_background) {
            return make(request, pass, conf, old);
        }
        let is_late = pass.deadline.get().is_some_and(|deadline| deadline <= now());
        // What is there holds: what was not kept before that is over.
        match pass.cache.flights.claim(pass.name(), conf.lock_age(), !in_background) {
            // It may have been made after it was looked for.
            Claim::Mine(ticket) => {
                pass.ticket.replace(Some(ticket));
            }
            Claim::Free => return make(request, pass, conf, old),
            Claim::Busy
                if let Some(Old { head, made, .. }) = old.as_ref().filter(|_| serves_old) =>
            {
                return serve(request, pass, Status::Updating, head, made);
            }
            // This one answers for itself.
            Claim::Busy if is_late || conf.lock_timeout() == 0 => {
                return match old {
                    Some(old) => make(request, pass, conf, Some(old)),
                    None => DECLINED,
                };
            }
            Claim::Busy => {
                if pass.deadline.get().is_none() {
                    pass.deadline.set(Some(now().saturating_add(conf.lock_timeout())));
                }
                if flights::wait(request, pass.name()).is_err() {
                    return DECLINED;
                }
                pass.is_waiting.set(true);
                return AGAIN;
            }
        }
    }
}

/// Whether a request is not answered from the cache; `None` without memory.
fn bypasses(request: Request<'_>, conf: &LocConf) -> Option<bool> {
    if conf.bypass.is_none() {
        return Some(false);
    }
    // As when it began.
    let _apart = request.variables_apart(&[])?;
    Some(is_any(conf.bypass.as_ref(), request))
}

fn now() -> u64 {
    worker::milliseconds()
}

/// A request that waits was woken, or looks after a while.
fn woken(request: Request<'_>) -> Then {
    let Some(pass) = request.active_context::<ImageResizeCache>() else { return Then::Wait };
    let Some(conf) = request.location::<ImageResizeCache>() else { return Then::Wait };
    if !pass.is_waiting.get() {
        return Then::Wait;
    }
    let is_late = pass.deadline.get().is_none_or(|deadline| deadline <= now());
    if !is_late && pass.cache.flights.is_busy(pass.name(), conf.lock_age()) {
        flights::glance_again(request);
        return Then::Wait;
    }
    pass.is_waiting.set(false);
    pass.has_waited.set(true);
    flights::leave(request, pass.name());
    Then::Resume
}

impl OnEvent for Wake {
    fn handle(request: Request<'_>) -> Then {
        woken(request)
    }

    fn panicked(_: Request<'_>) -> Then {
        Then::Finalize(NGX_HTTP_INTERNAL_SERVER_ERROR)
    }
}

/// Lets the request go on to its content handler, with somebody who keeps what comes of it.
fn make(request: Request<'_>, pass: &Pass, conf: &LocConf, old: Option<Old>) -> ngx_int_t {
    let may_stand_in =
        !pass.is_background && old.as_ref().is_some_and(|old| old.may_stand_in(conf));
    let expired = old.as_ref().filter(|_| conf.revalidates()).and_then(|_| request.expired());
    let conditions = match pass.source {
        Source::File { .. } => None,
        // Those of the client are about what is made of the source.
        Source::Upstream => Some(expired.map(|expired| expired.source).unwrap_or_default()),
    };
    if let Some(Validators { etag, modified }) = conditions.filter(|_| expired.is_some()) {
        let _ = pass.asked.set([etag, modified].map(<[u8]>::to_vec));
    }
    let path = match pass.source {
        Source::File { .. } => path(request),
        Source::Upstream => None,
    };
    // Without memory for it, the result is not kept, and its place free again.
    let keeper = Box::new(Making::new(pass, path, old));
    let attached = keep::attach(request, keeper, &Asking { conditions, may_stand_in });
    if attached.is_err() && pass.is_background {
        request.answer_by::<Nothing>();
    }
    DECLINED
}

/// Has the result be made by a request beside this one.
fn update(request: Request<'_>, pass: &Pass) -> Result<(), NoMemory> {
    let update = request.in_background()?;
    update.set_context::<ImageResizeCache>(pass.in_background()).map(|_| ()).ok_or(NoMemory)
}

/// Has what a look-up has found be sent instead of asking the content handler.
fn serve(
    request: Request<'_>,
    pass: &Pass,
    status: Status,
    head: &Head<'_>,
    made: &Made,
) -> ngx_int_t {
    pass.release();
    pass.status.set(Some(status));
    if keep::restore(request, head, made).is_err() {
        return FAILED;
    }
    request.answer_by::<Content>();
    DECLINED
}

/// Counts what became of a look-up, when the request is logged.
pub enum Log {}

impl Handler for Log {
    const PANICKED: ngx_int_t = NGX_OK as ngx_int_t;

    fn handle(request: Request<'_>) -> ngx_int_t {
        let pass = request.context::<ImageResizeCache>().filter(|pass| !pass.is_background);
        if let Some(status) = pass.and_then(|pass| pass.status.get()) {
            let (_, word) = status.words();
            keep::count(word);
        }
        NGX_OK as ngx_int_t
    }
}

/// Ends a request that is answered to nobody.
enum Nothing {}

impl Handler for Nothing {
    const PANICKED: ngx_int_t = NGX_OK as ngx_int_t;

    fn handle(_: Request<'_>) -> ngx_int_t {
        NGX_OK as ngx_int_t
    }
}

/// Sends what is kept.
enum Content {}

impl Handler for Content {
    fn handle(request: Request<'_>) -> ngx_int_t {
        let rc = request.discard_body();
        if rc != NGX_OK as ngx_int_t {
            return rc;
        }
        entry::send(request)
    }
}
