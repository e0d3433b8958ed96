//! Sleep that can be ended.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::host::Host;

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

    /// Returns whether it is time to stop.
    #[must_use]
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
        host: &impl Host,
        name: &str,
        limit: Duration,
        body: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, NoResult> {
        let (sender, answer) = mpsc::channel();
        let spawned = host.spawn(name, move || {
            // Who asked may be gone.
            drop(sender.send(body()));
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_answers_is_waited_for() {
        let stop = StopSignal::default();
        assert_eq!(stop.run(&FakeHost::new(), "test", LONG, || 7).unwrap(), 7);
        // Also once it is time to stop, where it takes no time.
        stop.stop();
        assert_eq!(stop.run(&FakeHost::new(), "test", LONG, || 7).unwrap(), 7);
    }

    #[test]
    fn what_does_not_answer_is_left_alone() {
        let (stop, began) = (StopSignal::default(), Instant::now());
        let wait = || std::thread::sleep(LONG);
        let late = stop.run(&FakeHost::new(), "test", Duration::from_millis(1), wait);
        assert!(matches!(late, Err(NoResult::Late)));
        stop.clone().stop();
        assert!(matches!(stop.run(&FakeHost::new(), "test", LONG, wait), Err(NoResult::Stopped)));
        assert!(began.elapsed() < LONG / 2);
    }

    #[test]
    fn what_panics_has_no_answer() {
        let panics = || std::panic::resume_unwind(Box::new(()));
        let gone = StopSignal::default().run(&FakeHost::new(), "test", LONG, panics);
        assert!(matches!(gone, Err::<(), _>(NoResult::Panic)));
    }

    #[test]
    fn sleep_ends_when_it_is_told_to() {
        let (stop, began) = (StopSignal::default(), Instant::now());
        assert!(!stop.sleep(Duration::from_millis(1)));
        let thread = std::thread::spawn({
            let stop = stop.clone();
            // As long as there is a time.
            move || stop.sleep(Duration::MAX)
        });
        stop.stop();
        assert!(thread.join().unwrap() && stop.sleep(LONG) && stop.is_stopped());
        assert!(began.elapsed() < LONG / 2);
    }
}
