//! Sleep that can be ended.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tells threads to stop. Its clones are one.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Ends all sleep, now and later.
    pub fn stop(&self) {
        let (stopped, changed) = &*self.0;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Sleeps for `time`. Answers whether it is time to stop.
    pub fn sleep(&self, time: Duration) -> bool {
        let (stopped, changed) = &*self.0;
        let until = Instant::now().checked_add(time);
        let mut stopped = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let rest = until.map_or(time, |until| until.saturating_duration_since(Instant::now()));
            if rest.is_zero() {
                break;
            }
            stopped = changed.wait_timeout(stopped, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        *stopped
    }
}
