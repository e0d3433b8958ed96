//! Where counters go.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::stop_signal::StopSignal;
use crate::access_key::zone::Zone;

/// Where counters go.
pub trait Sink: Send {
    /// What the thread is called.
    const NAME: &'static str;

    /// Sends what there is. Returns how long to rest, and what went wrong.
    fn send(&mut self, zone: &Zone, stop: &StopSignal) -> (Duration, Result<(), String>);

    /// Sends what there is a last time, if that takes no time.
    fn finish(&mut self, _zone: &Zone) {}
}

/// Seconds since 1970, for threads.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
