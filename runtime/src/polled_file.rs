//! A file that is looked at now and then, and taken over when it is another one.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::files::FileId;

/// The file.
#[derive(Debug)]
pub struct PolledFile {
    path: PathBuf,
    /// How often it is looked at; never without.
    every: Option<Duration>,
    /// What it was when it was read.
    seen: Option<FileId>,
    next: Option<Instant>,
    /// What was wrong last, so that each trouble is told once.
    trouble: Option<String>,
}

/// Why a file can't be taken over.
#[derive(Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The reason.
    pub reason: String,
    /// Whether it is another one than the last time.
    pub is_new: bool,
}

impl PolledFile {
    /// Returns one that was read before that time, and what was wrong with it then.
    #[must_use]
    pub fn new(
        path: PathBuf,
        every: Option<Duration>,
        seen: Option<FileId>,
        trouble: Option<String>,
        now: Instant,
    ) -> PolledFile {
        PolledFile { path, every, seen, next: every.map(|_| now), trouble }
    }

    /// Returns whether it is ever looked at.
    #[must_use]
    pub fn is_polled(&self) -> bool {
        self.every.is_some()
    }

    /// Returns how long there is nothing to do; `None` is for ever.
    #[must_use]
    pub fn rest(&self, now: Instant) -> Option<Duration> {
        self.next.map(|next| next.saturating_duration_since(now))
    }

    /// Looks at the file if it is time to, and has `take` read it if it is another one. That returns
    /// what the file was that it read, if it got so far. `None` is that it is not time yet.
    pub fn look(
        &mut self,
        now: Instant,
        take: impl FnOnce(&Path) -> (Option<FileId>, Result<(), String>),
    ) -> Option<Result<(), Trouble>> {
        let every = self.every?;
        if self.next? > now {
            return None;
        }
        self.next = now.checked_add(every);
        let trouble = self.take(take).err();
        let is_new = trouble != self.trouble;
        self.trouble.clone_from(&trouble);
        Some(trouble.map_or(Ok(()), |reason| Err(Trouble { reason, is_new })))
    }

    fn take(
        &mut self,
        take: impl FnOnce(&Path) -> (Option<FileId>, Result<(), String>),
    ) -> Result<(), String> {
        let found = FileId::of(&self.path).map_err(|error| {
            // What comes in its place may be the file that was there: its folder was away.
            self.seen = None;
            format!("{}: {error}", self.path.display())
        })?;
        if Some(found) == self.seen {
            // A file that was refused is still refused.
            return self.trouble.clone().map_or(Ok(()), Err);
        }
        let (read, result) = take(&self.path);
        self.seen = read.or(Some(found));
        result
    }
}
