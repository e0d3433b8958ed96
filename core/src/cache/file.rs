//! The state of a file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What tells one state of a file from another: it can't be changed without another time of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceId {
    /// The device that it is on.
    pub device: u64,
    /// Its place there.
    pub inode: u64,
    /// Bytes.
    pub len: u64,
    /// When it was written to, in seconds and nanoseconds since 1970.
    pub modified: (i64, i64),
    /// When it was written to, renamed or given away.
    pub changed: (i64, i64),
}

/// How exact the clock of most file systems is, with a margin: the kernel's tick is up to 10 ms.
const TICK: Duration = Duration::from_millis(50);

/// The same where times are whole seconds, or every second one.
const COARSE_TICK: Duration = Duration::from_millis(2050);

impl SourceId {
    /// Whether whatever changes the file after `now` gives it another time. One that has just been
    /// changed may be changed again within the same tick of the clock.
    #[must_use]
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let (seconds, nanos) = self.changed;
        let tick = if nanos == 0 { COARSE_TICK } else { TICK };
        let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos)) else {
            return false;
        };
        let changed = UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
        changed.and_then(|changed| changed.checked_add(tick)).is_some_and(|then| then <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_just_changed_is_not_settled() {
        let file = SourceId { device: 1, inode: 2, len: 3, modified: (1, 0), changed: (100, 500) };
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        for (changed, now, is_settled) in [
            ((100, 500), 100_000, false),
            ((100, 500), 100_050, false),
            ((100, 500), 100_051, true),
            ((100, 0), 101_000, false),
            ((100, 0), 102_050, true),
            // The clock of another machine, or one that was set back.
            ((200, 1), 100_000, false),
            ((-1, 1), 100_000, false),
            ((i64::MAX, 999_999_999), 100_000, false),
        ] {
            let file = SourceId { changed, ..file };
            assert_eq!(file.is_settled(at(now)), is_settled, "{changed:?} {now}");
        }
    }
}
