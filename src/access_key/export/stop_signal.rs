//! Sleep that can be ended.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::ngx::guard::catch;
use crate::ngx::thread;

/// How often who waits looks whether it is time to stop.
const GLANCE: Duration = Duration::from_millis(20);

/// Why there is no answer.
#[derive(Debug)]
pub enum NoResult {
    /// It is time to stop.
    Stopped,
    /// It takes too long.
    Late,
    /// There was no thread to run on.
    NoThread(io::Error),
    /// It panicked.
    Panic,
}

impl fmt::Display for NoResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoResult::Stopped => f.write_str("stopped"),
            NoResult::Late => f.write_str("no answer in time"),
            NoResult::NoThread(error) => write!(f, "no thread: {error}"),
            NoResult::Panic => f.write_str("internal error: panic"),
        }
    }
}

/// Tells threads to stop. Its clones are one.
#[derive(Clone, Default)]
pub struct StopSignal(Arc<(Mutex<bool>, Condvar)>);

impl StopSignal {
    /// Ends all sleep, now and later.
    pub fn stop(&self) {
        let (stopped, changed) = &*self.0;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Whether it is time to stop.
    pub fn is_stopped(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what may wait for somebody else for longer than there is time: a name server, a peer.
    /// It runs on a thread of its own, which is left alone once it is time to stop, or late: so it
    /// must have all that it needs for itself, and nothing of the configuration.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn run<R: Send + 'static>(
        &self,
        name: &str,
        limit: Duration,
        body: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, NoResult> {
        let (sender, answer) = mpsc::channel();
        let spawned = thread::spawn(name, move || {
            if let Some(answer) = catch(body) {
                // Who asked may be gone.
                drop(sender.send(answer));
            }
        });
        spawned.map_err(NoResult::NoThread)?;
        let until = Instant::now().checked_add(limit);
        loop {
            match answer.recv_timeout(GLANCE) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => return Err(NoResult::Panic),
                Err(RecvTimeoutError::Timeout) if self.is_stopped() => {
                    return Err(NoResult::Stopped);
                }
                Err(RecvTimeoutError::Timeout)
                    if until.is_some_and(|until| until < Instant::now()) =>
                {
                    return Err(NoResult::Late);
                }
                Err(RecvTimeoutError::Timeout) => (),
            }
        }
    }

    /// Sleeps for `time`. Returns whether it is time to stop.
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
