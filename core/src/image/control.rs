//! How running work learns that nobody wants it any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::Error;

/// Cancels a running transformation from another thread, or by its deadline.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    deadline: Option<Instant>,
}

impl Control {
    /// A control that ends the work at `deadline`, or never.
    #[must_use]
    pub fn new(deadline: Option<Instant>) -> Control {
        Control { cancelled: AtomicBool::new(false), deadline }
    }

    /// Makes the next [`check`](Control::check) fail.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Called between stages and batches of rows.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after [`cancel`](Control::cancel), [`Error::Timeout`]
    /// after the deadline.
    pub fn check(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::Timeout),
            _ => Ok(()),
        }
    }
}
