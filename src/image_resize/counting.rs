//! What is counted in the zone of the running configuration.

use nginx_sys::{NGX_OK, ngx_int_t};

use super::conf::ImageResize;
use super::zone::{OtherWorkers, StatsZone};
use crate::ngx::module::with_main;
use crate::ngx::phase::Handler;
use crate::ngx::{Pooled, Request};

/// The zone of the running configuration, if it has one. For the event loop.
fn current() -> Option<Pooled<StatsZone>> {
    with_main::<ImageResize, _>(|main| main.zone)?
}

/// Counts a failure.
pub fn count_error(word: &str) {
    if let Some(zone) = current() {
        zone.count_error(word);
    }
}

/// Counts a look-up in a cache.
pub fn count_lookup(word: &str) {
    if let Some(zone) = current() {
        zone.count_lookup(word);
    }
}

/// Says what this worker has to do now.
pub fn set_jobs(running: usize, queued: usize) {
    if let Some(zone) = current() {
        zone.set_jobs(running, queued);
    }
}

/// The other workers, where there is a zone by which they are known.
pub fn others() -> Option<OtherWorkers> {
    current()?.others()
}

/// Says that this worker had no room for a job.
pub fn note_full() {
    if let Some(zone) = current() {
        zone.note_full();
    }
}

/// Counts what became of a request, when it is logged.
pub enum Log {}

impl Handler for Log {
    const PANICKED: ngx_int_t = NGX_OK as ngx_int_t;

    fn handle(request: Request<'_>) -> ngx_int_t {
        if let Some(zone) = current()
            && let Some(context) = request.context::<ImageResize>()
        {
            zone.count(&context.response_info.get());
        }
        NGX_OK as ngx_int_t
    }
}
