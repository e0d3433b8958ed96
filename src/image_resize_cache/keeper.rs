//! Who keeps the result of a request.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use image_gate_core::cache::{Head, SourceId, Ticket};

use super::conf::Cache;
use super::pass::Pass;
use super::writer::FileWriter;
use crate::image_resize::keep::{Keeper, Writer};
use crate::ngx::Request;
use crate::ngx::cache::Written;

/// Until when what a file became holds, in seconds since 1970: another state of the file is found by
/// another key. It is the year 9999.
const FOREVER: u64 = 253_370_764_800;

/// A result that is being made.
pub struct Making {
    cache: Rc<Cache>,
    key: String,
    digest: String,
    source: (SourceId, PathBuf),
    /// When the state of the source was looked at.
    seen: SystemTime,
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
            seen: pass.seen,
            ticket: Cell::new(pass.ticket.take()),
        }
    }

    fn release(&self) {
        if let Some(ticket) = self.ticket.take() {
            self.cache.flights.release(&ticket);
        }
    }
}

impl Keeper for Making {
    fn begin(&self, request: Request<'_>, digest: &str, head: Head) -> Option<Box<dyn Writer>> {
        let (file, path) = &self.source;
        if digest != self.digest || !file.is_settled(self.seen) {
            return None;
        }
        let room = head.room()?;
        let key = self.key.as_bytes();
        let header = request.entry_header(self.cache.folder, key, room, FOREVER)?;
        Some(Box::new(FileWriter {
            folder: self.cache.path.clone(),
            header,
            room,
            head,
            source: path.clone(),
            file: *file,
        }))
    }

    fn end(&self, request: Request<'_>, written: Option<Written>) {
        if let Some(written) = written {
            // Without room in the zone it is made again the next time; nginx has said so.
            let _ = request.store(self.cache.folder, self.key.as_bytes(), written);
        }
        self.release();
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.release();
    }
}
