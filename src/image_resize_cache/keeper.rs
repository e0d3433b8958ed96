//! Who keeps the result of a request.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use image_gate_core::cache::{Digest, Head, Ticket, Validity};
use nginx_sys::{
    NGX_ERROR, NGX_HTTP_FORBIDDEN, NGX_HTTP_MOVED_PERMANENTLY, NGX_HTTP_MOVED_TEMPORARILY,
    NGX_HTTP_NOT_FOUND, NGX_HTTP_NOT_MODIFIED, NGX_HTTP_OK, NGX_HTTP_PERMANENT_REDIRECT,
    NGX_HTTP_SPECIAL_RESPONSE, NGX_HTTP_TEMPORARY_REDIRECT, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
    ngx_int_t,
};

use super::conf::{Cache, ImageResizeCache, LocConf, is_any};
use super::entry::Old;
use super::pass::{Pass, Status};
use super::source::{Origin, Source};
use super::writer::FileWriter;
use crate::image_resize::keep::{End, Keeper, Trouble, Writer};
use crate::ngx::cache::{Expired, Lifetime, Validators};
use crate::ngx::conf::parse_http_time;
use crate::ngx::{Request, identify, worker};

/// The status of a source that is not there any more (RFC 9110, section 15.5.11).
const GONE: u32 = 410;

/// Until when what a file became holds, in seconds since 1970: another state of the file is found by
/// another key. It is the year 9999.
const FOREVER: u64 = 253_370_764_800;

/// A result that is being made.
pub struct Making {
    cache: Rc<Cache>,
    key: Digest,
    digest: Rc<str>,
    source: Source,
    /// The name of the source, where that is a file.
    path: Option<PathBuf>,
    origin: Origin,
    ticket: Cell<Option<Ticket>>,
    /// What there is, whose time is over.
    old: Option<Old>,
    /// Whether that went out to whom this would have been made for.
    is_background: bool,
}

impl Making {
    /// Takes over from a look-up that found nothing, or what is old.
    pub fn new(pass: &Pass, path: Option<PathBuf>, old: Option<Old>) -> Making {
        Making {
            cache: pass.cache.clone(),
            key: pass.key,
            digest: pass.digest.clone(),
            source: pass.source,
            path,
            origin: pass.origin,
            ticket: Cell::new(pass.ticket.take()),
            old,
            is_background: pass.is_background,
        }
    }

    fn release(&self, is_refused: bool) {
        if let Some(ticket) = self.ticket.take() {
            self.cache.flights.release(&ticket, is_refused);
        }
    }

    /// How long the result may be kept, and what it varies by.
    fn validity(&self, request: Request<'_>, conf: &LocConf) -> Option<(Lifetime, Vec<u8>)> {
        match &self.source {
            Source::File { id, seen, .. } => {
                let forever = Lifetime { until: FOREVER, while_updating: 0, if_error: 0 };
                id.is_settled(*seen).then_some((forever, Vec::new()))
            }
            Source::Upstream => {
                // What else answers a request says nothing of how long that holds.
                if !request.has_upstream() {
                    return None;
                }
                let validity = said(request, request.upstream_headers());
                Some((self.lifetime(request, conf, &validity)?, validity.vary))
            }
        }
    }

    /// How long what is made of an upstream's answer is kept that says that of itself.
    fn lifetime(
        &self,
        request: Request<'_>,
        conf: &LocConf,
        validity: &Validity,
    ) -> Option<Lifetime> {
        if !validity.is_kept {
            return None;
        }
        let now = worker::time();
        let until = match validity.until {
            Some(until) => until,
            // It may be for this client alone, and nobody has said otherwise.
            None if !conf.is_validity_said()
                && conf.key.is_none()
                && request.has_incoming(b"Cookie") =>
            {
                return None;
            }
            None => {
                let seconds = conf.valid(200).filter(|&seconds| seconds > 0)?;
                now.saturating_add(seconds)
            }
        };
        // No longer than what it is made of.
        let until = request.cached_until().map_or(until, |source| source.min(until));
        let Validity { while_updating, if_error, .. } = *validity;
        let lifetime = Lifetime { until: until.min(FOREVER), while_updating, if_error };
        (until >= now).then_some(lifetime)
    }

    /// How long what is there is kept that has turned out to be what the source is still: what that
    /// says now, or else what it said before.
    fn renewed(&self, request: Request<'_>, conf: &LocConf, old: &Old) -> Option<Lifetime> {
        let now = said(request, request.upstream_headers());
        let is_said = !now.is_kept || now.until.is_some();
        self.lifetime(request, conf, &if is_said { now } else { said(request, old.headers()) })
    }

    /// What the source answers is not kept. Returns whether what is there, which went out meanwhile, must not
    /// do so any more: nobody would ever see the new answer. Not where the answer is about the request of this client,
    /// or where what is old is to stand in for that very one.
    fn is_superseded(&self, request: Request<'_>, conf: &LocConf, is_spoiled: bool) -> bool {
        let status = match request.upstream_status() {
            0 => request.status(),
            status => status,
        };
        let is_of_source = match u32::try_from(status) {
            Ok(NGX_HTTP_OK) if !is_spoiled => !said(request, request.upstream_headers()).is_kept,
            Ok(status) if status < NGX_HTTP_SPECIAL_RESPONSE => is_spoiled,
            Ok(
                NGX_HTTP_MOVED_PERMANENTLY
                | NGX_HTTP_MOVED_TEMPORARILY
                | NGX_HTTP_TEMPORARY_REDIRECT
                | NGX_HTTP_PERMANENT_REDIRECT
                | NGX_HTTP_FORBIDDEN
                | NGX_HTTP_NOT_FOUND
                | GONE,
            ) => true,
            Ok(_) | Err(_) => false,
        };
        // A source that is old itself is no news, and what one request is not to keep is none for others.
        let is_new = is_of_source
            && request.cached_until() != Some(0)
            && !is_any(conf.no_cache.as_ref(), request);
        is_new && !conf.stale().covers(Trouble { status, kind: None })
    }

    /// Whether what is there, whose time is over, goes out where the source is one that its own cache gives out
    /// although its time is over: by all that is known it is the same.
    fn outlasts(
        &self,
        request: Request<'_>,
        conf: &LocConf,
        old: &Old,
        digest: &dyn Fn() -> String,
    ) -> bool {
        let Some(Expired { source: Validators { etag, modified }, .. }) = request.expired() else {
            return false;
        };
        let is_same = match (etag, modified) {
            (b"", b"") => old.may_stand_in(conf) || old.goes_out_meanwhile(conf),
            known => {
                let time = request.last_modified().and_then(|time| request.http_time(time));
                known == (request.etag().unwrap_or_default(), time.unwrap_or_default())
            }
        };
        is_same && digest() == *self.digest
    }

    /// Until when it holds that nothing can be made of the source, in seconds since 1970.
    fn unusable_until(&self, request: Request<'_>) -> Option<u64> {
        let conf = request.location::<ImageResizeCache>()?;
        let seconds = conf.valid(415).filter(|&seconds| seconds > 0)?;
        let (Lifetime { until, .. }, vary) = self.validity(request, conf)?;
        let is_it = match &self.source {
            // What was read may have been another file of that name.
            Source::File { id, .. } => {
                let data = self.path.as_ref().and_then(|path| fs::metadata(path).ok());
                data.is_some_and(|data| identify(&data) == *id)
            }
            Source::Upstream => vary.is_empty() && request.status() == NGX_HTTP_OK as usize,
        };
        if !is_it || is_any(conf.no_cache.as_ref(), request) {
            return None;
        }
        Some(until.min(worker::time().saturating_add(seconds)))
    }
}

impl Keeper for Making {
    fn begin(
        &self,
        request: Request<'_>,
        digest: &str,
        head: Head<'static>,
    ) -> Option<Box<dyn Writer>> {
        let conf = request.location::<ImageResizeCache>()?;
        // What was looked for is not what is made, now that more is known.
        if digest != &*self.digest {
            return None;
        }
        let (lifetime, vary) = self.validity(request, conf)?;
        if is_any(conf.no_cache.as_ref(), request) {
            return None;
        }
        let room = head.room()?;
        let header = request.entry_header(self.cache.folder, &self.key, room, lifetime, &vary)?;
        let source = match self.source {
            Source::File { id, .. } => Some((id, self.path.clone()?)),
            Source::Upstream => None,
        };
        Some(Box::new(FileWriter { folder: self.cache.path.clone(), header, room, head, source }))
    }

    fn end(&self, request: Request<'_>, end: End) {
        let mut is_refused = matches!(end, End::Refused | End::Spoiled);
        if is_refused && self.is_background {
            let is_spoiled = matches!(end, End::Spoiled);
            let conf = request.location::<ImageResizeCache>();
            is_refused = conf.is_some_and(|conf| self.is_superseded(request, conf, is_spoiled));
            if is_refused {
                request.supersede();
            }
        }
        let (folder, key) = (self.cache.folder, &self.key);
        let is_current = || self.origin.is_current(request, &self.cache);
        let stored = match end {
            End::Written(written) if is_current() => Some(request.store(folder, key, written)),
            End::Unusable(reason) if is_current() => self.unusable_until(request).map(|until| {
                let error = (NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, reason);
                request.store_error(folder, key, error, until)
            }),
            // Purged meanwhile: nobody would find it.
            End::Written(_) | End::Unusable(_) | End::Failed | End::Refused | End::Spoiled => None,
        };
        // Without room in the zone it is made again the next time; nginx has said so.
        if let Some(Ok(())) = stored {
            self.origin.note_kept(request, &self.cache);
        }
        self.release(is_refused);
    }

    fn confirms(&self, request: Request<'_>, digest: &dyn Fn() -> String) -> bool {
        let (Some(old), Some(conf), Some(pass)) = (
            &self.old,
            request.location::<ImageResizeCache>(),
            request.active_context::<ImageResizeCache>(),
        ) else {
            return false;
        };
        let is_ok = request.status() == NGX_HTTP_OK as usize;
        if is_ok && request.cached_until() == Some(0) {
            return self.outlasts(request, conf, old, digest) && {
                pass.status.set(Some(Status::Stale));
                self.release(false);
                true
            };
        }
        let Some([etag, modified]) = pass.asked.get() else { return false };
        let is_same = if request.status() == NGX_HTTP_NOT_MODIFIED as usize {
            !etag.is_empty() || !modified.is_empty()
        } else {
            is_ok
                && etag.starts_with(b"\"")
                && request.etag() == Some(etag)
                && digest() == *self.digest
        };
        if !is_same {
            return false;
        }
        if let Some(lifetime) = self.renewed(request, conf, old)
            && !is_any(conf.no_cache.as_ref(), request)
            && self.origin.is_current(request, &self.cache)
        {
            request.renew(lifetime);
        }
        pass.status.set(Some(Status::Revalidated));
        self.release(false);
        true
    }

    fn is_current(&self, request: Request<'_>) -> bool {
        request.active_context::<ImageResizeCache>().is_some()
    }

    fn stands_in(&self, request: Request<'_>, trouble: Trouble) -> bool {
        let (Some(conf), Some(pass)) =
            (request.location::<ImageResizeCache>(), request.active_context::<ImageResizeCache>())
        else {
            return false;
        };
        let stands_in = self.old.as_ref().is_some_and(|old| old.stands_in(conf, trouble));
        if stands_in {
            pass.status.set(Some(Status::Stale));
        }
        stands_in
    }

    fn answer(&self, request: Request<'_>) -> ngx_int_t {
        match &self.old {
            Some(old) => old.answer(request),
            None => NGX_ERROR as ngx_int_t,
        }
    }
}

/// What headers of an upstream's answer say of how long that holds.
fn said<'a>(request: Request<'_>, headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Validity {
    Validity::read(headers, request.ignored(), worker::time(), parse_http_time)
}

impl Drop for Making {
    fn drop(&mut self) {
        self.release(false);
    }
}
