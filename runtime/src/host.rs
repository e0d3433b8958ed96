//! What a process tells of itself to what runs in it.

use std::fmt::Arguments;
use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A time, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// By the one that only goes on.
    pub steady: Instant,
    /// Since 1970, by the one that processes share, and that may be set back.
    pub unix: Duration,
}

impl Now {
    /// Returns what the system's clocks say.
    #[must_use]
    pub fn read() -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { steady: Instant::now(), unix }
    }

    /// Returns seconds since 1970.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.unix.as_secs()
    }

    /// Returns milliseconds since 1970.
    #[must_use]
    pub fn milliseconds(&self) -> u64 {
        u64::try_from(self.unix.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The process that something runs in. Its clones are one.
pub trait Host: Clone + Send + 'static {
    /// Returns the time.
    fn now(&self) -> Now;

    /// Writes a line about what does not work.
    fn error(&self, line: Arguments<'_>);

    /// Writes a line about what may be of interest.
    fn notice(&self, line: Arguments<'_>);

    /// Returns what it is called in what processes share.
    fn process(&self) -> u32;

    /// Returns whether it was told to end once its requests have ended.
    fn is_leaving(&self) -> bool;

    /// Returns whether the process that is called so is there.
    fn is_alive(&self, process: u64) -> bool;

    /// Starts a thread, at the end of which a panic is logged.
    ///
    /// # Errors
    /// Those of the system.
    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static)
    -> io::Result<JoinHandle<()>>;
}

/// Returns a number that is not 0 and that nobody else has, or knows.
#[must_use]
pub fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) | 1
}
