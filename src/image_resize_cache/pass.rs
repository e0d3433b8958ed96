//! The state of a request that is looked up.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use image_gate_core::cache::{Digest, Ticket};

use super::conf::Cache;
use super::flights::Name;
use super::source::{Origin, Source};

/// `$image_resize_cache_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Hit,
    Miss,
    Expired,
    Bypass,
    Stale,
    Updating,
    Revalidated,
}

impl Status {
    /// As `$image_resize_cache_status` says, and as it is counted.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Status::Hit => ("HIT", "hit"),
            Status::Miss => ("MISS", "miss"),
            Status::Expired => ("EXPIRED", "expired"),
            Status::Bypass => ("BYPASS", "bypass"),
            Status::Stale => ("STALE", "stale"),
            Status::Updating => ("UPDATING", "updating"),
            Status::Revalidated => ("REVALIDATED", "revalidated"),
        }
    }
}

/// One pass of a request through nginx's phases, which ends where another location begins.
pub struct Pass {
    pub cache: Rc<Cache>,
    /// What the result is found by.
    pub key: Digest,
    /// See [`keep::digest`].
    pub digest: Rc<str>,
    pub source: Source,
    pub origin: Origin,
    /// Entity tag and time, as HTTP has it, of the source that the result that is there was made of,
    /// where that is asked whether it is the same.
    pub asked: OnceCell<[Vec<u8>; 2]>,
    /// What became of the look-up.
    pub status: Cell<Option<Status>>,
    /// Whether a look-up has begun that nginx goes on with.
    pub is_looking: Cell<bool>,
    /// Until when the request waits for another, where it does or did, in milliseconds.
    pub deadline: Cell<Option<u64>>,
    pub is_waiting: Cell<bool>,
    /// Whether it has waited, and not been looked up since.
    pub has_waited: Cell<bool>,
    /// Whether the request goes on beside another, to which what is old was sent.
    pub is_background: bool,
    /// That this request makes the result.
    pub ticket: RefCell<Option<Ticket>>,
}

impl Pass {
    /// Begins.
    pub fn new(
        cache: Rc<Cache>,
        key: Digest,
        digest: Rc<str>,
        source: Source,
        origin: Origin,
    ) -> Pass {
        Pass {
            cache,
            key,
            digest,
            source,
            origin,
            asked: OnceCell::new(),
            status: Cell::new(None),
            is_looking: Cell::new(false),
            deadline: Cell::new(None),
            is_waiting: Cell::new(false),
            has_waited: Cell::new(false),
            is_background: false,
            ticket: RefCell::default(),
        }
    }

    /// That of a request which makes the result beside this one.
    pub fn in_background(&self) -> Pass {
        let Pass { cache, key, digest, source, origin, .. } = self;
        let mut pass = Pass::new(cache.clone(), *key, digest.clone(), *source, *origin);
        pass.is_background = true;
        pass.ticket = RefCell::new(self.ticket.take());
        pass
    }

    /// Lets another make the result, if this request was to.
    pub fn release(&self) {
        if let Some(ticket) = self.ticket.take() {
            self.cache.flights.release(&ticket, false);
        }
    }

    /// What the result is known by while it is made: its key.
    pub fn name(&self) -> Name {
        let key = u128::from_le_bytes(self.key);
        [key as u64, (key >> 64) as u64]
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.release();
    }
}
