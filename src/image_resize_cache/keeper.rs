//! Who keeps the result of a request.

use std::cell::Cell;
use std::fs;
use std::rc::Rc;

use image_gate_core::cache::{Head, Ticket, Validity};
use nginx_sys::{NGX_HTTP_OK, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE};

use super::conf::{Cache, ImageResizeCache, LocConf, is_any};
use super::pass::Pass;
use super::source::{Origin, Source};
use super::writer::FileWriter;
use crate::image_resize::keep::{End, Keeper, Writer};
use crate::ngx::conf::parse_http_time;
use crate::ngx::{Request, identify, worker};

/// Until when what a file became holds, in seconds since 1970: another state of the file is found by
/// another key. It is the year 9999.
const FOREVER: u64 = 253_370_764_800;

/// A result that is being made.
pub struct Making {
    cache: Rc<Cache>,
    key: String,
    digest: String,
    source: Source,
    origin: Origin,
    ticket: Cell<Option<Ticket>>,
}

impl Making {
    /// Takes over from a look-up that found nothing.
    pub fn new(pass: &Pass) -> Making {
        Making {
            cache: pass.cache.clone(),
            key: pass.key.clone(),
            digest: pass.digest.clone(),
            source: pass.source.clone(),
            origin: pass.origin,
            ticket: Cell::new(pass.ticket.take()),
        }
    }

    fn release(&self, is_refused: bool) {
        if let Some(ticket) = self.ticket.take() {
            self.cache.flights.release(&ticket, is_refused);
        }
    }

    /// Until when the result may be kept, in seconds since 1970, and what it varies by.
    fn validity(&self, request: Request<'_>, conf: &LocConf) -> Option<(u64, Vec<u8>)> {
        match &self.source {
            Source::File { id, seen, .. } => id.is_settled(*seen).then_some((FOREVER, Vec::new())),
            Source::Upstream => {
                // What else answers a request says nothing of how long that holds.
                if !request.has_upstream() {
                    return None;
                }
                let (headers, now) = (request.upstream_headers(), worker::time());
                let validity = Validity::read(headers, request.ignored(), now, parse_http_time);
                if !validity.is_kept {
                    return None;
                }
                let until = match validity.until {
                    Some(until) => until,
                    // It may be for this client alone, and nobody has said otherwise.
                    None if !conf.is_validity_said()
                        && conf.key.is_none()
                        && request.has_incoming(b"Cookie") =>
                    {
                        return None;
                    }
                    None => conf.valid(200).map(|seconds| now.saturating_add(seconds))?,
                };
                // No longer than what it is made of.
                let until = request.cached_until().map_or(until, |source| source.min(until));
                (until > now).then_some((until.min(FOREVER), validity.vary))
            }
        }
    }

    /// Until when it holds that nothing can be made of the source, in seconds since 1970.
    fn unusable_until(&self, request: Request<'_>) -> Option<u64> {
        let conf = request.location::<ImageResizeCache>()?;
        let seconds = conf.valid(415).filter(|&seconds| seconds > 0)?;
        let (until, vary) = self.validity(request, conf)?;
        let is_it = match &self.source {
            // What was read may have been another file of that name.
            Source::File { id, path, .. } => {
                fs::metadata(path).is_ok_and(|data| identify(&data) == *id)
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
    fn begin(&self, request: Request<'_>, digest: &str, head: Head) -> Option<Box<dyn Writer>> {
        let conf = request.location::<ImageResizeCache>()?;
        // What was looked for is not what is made, now that more is known.
        if digest != self.digest {
            return None;
        }
        let (until, vary) = self.validity(request, conf)?;
        if is_any(conf.no_cache.as_ref(), request) {
            return None;
        }
        let room = head.room()?;
        let key = self.key.as_bytes();
        let header = request.entry_header(self.cache.folder, key, room, until, &vary)?;
        let source = match &self.source {
            Source::File { id, path, .. } => Some((*id, path.clone())),
            Source::Upstream => None,
        };
        Some(Box::new(FileWriter { folder: self.cache.path.clone(), header, room, head, source }))
    }

    fn end(&self, request: Request<'_>, end: End) {
        let is_refused = matches!(end, End::Refused);
        let (folder, key) = (self.cache.folder, self.key.as_bytes());
        let is_current = || self.origin.is_current(request, &self.cache);
        let stored = match end {
            End::Written(written) if is_current() => Some(request.store(folder, key, written)),
            End::Unusable(reason) if is_current() => self.unusable_until(request).map(|until| {
                let error = (NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, reason);
                request.store_error(folder, key, error, until)
            }),
            // Purged meanwhile: nobody would find it.
            End::Written(_) | End::Unusable(_) | End::Failed | End::Refused => None,
        };
        // Without room in the zone it is made again the next time; nginx has said so.
        if let Some(Ok(())) = stored {
            self.origin.note_kept(request, &self.cache);
        }
        self.release(is_refused);
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.release(false);
    }
}
