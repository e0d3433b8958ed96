//! That a window is nearly used up is told once, whoever finds it first.

use std::sync::atomic::{AtomicU64, Ordering};

use super::window::Period;

/// The bits of a word that hold what was told, in percent; the others hold the window's number.
const LEVEL_BITS: u32 = 16;

/// What was told of a window, in one word that processes share. The word 0 has told nothing.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Alert(AtomicU64);

impl Alert {
    /// Has it that so many percent of the window of that number are used. Returns whether nobody
    /// told of as many before, so that it is for the caller to tell.
    pub fn tell(&self, number: u64, percent: u16) -> bool {
        let window = number << LEVEL_BITS;
        let told = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            // Of the very next window: a clock that lags finds this one over.
            let is_over = word >> LEVEL_BITS == number.wrapping_add(1);
            let is_told = word >> LEVEL_BITS == number && level(word) >= percent;
            (!is_over && !is_told).then_some(window | u64::from(percent))
        });
        told.is_ok()
    }

    /// What was told of the window that `time` lies in, in percent; 0 for nothing.
    #[must_use]
    pub fn told(&self, per: Period, time: u64) -> u16 {
        let word = self.word();
        if word >> LEVEL_BITS == per.number(time) { level(word) } else { 0 }
    }

    /// The word, as a state file keeps it.
    #[must_use]
    pub fn word(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes over what another process told.
    pub fn take_over(&self, word: u64) {
        self.0.fetch_max(word, Ordering::Relaxed);
    }

    /// Begins with a word of a state file.
    pub fn begin(&self, word: u64) {
        self.0.store(word, Ordering::Relaxed);
    }
}

fn level(word: u64) -> u16 {
    // The lowest bits.
    (word & ((1 << LEVEL_BITS) - 1)) as u16
}

/// How much of a limit is used, in percent, as far as a threshold can have it.
#[must_use]
pub fn percent_of(used: u64, limit: u64) -> u16 {
    let percent = u128::from(used) * 100 / u128::from(limit.max(1));
    u16::try_from(percent).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn each_level_is_told_once_a_window() {
        let alert = Alert::default();
        let time = 5 * 86_400;
        assert_eq!(alert.told(Period::Day, time), 0);
        assert_eq!(
            [80, 80, 100, 80, 100].map(|level| alert.tell(5, level)),
            [true, false, true, false, false]
        );
        assert_eq!((alert.told(Period::Day, time), alert.told(Period::Day, 2 * time)), (100, 0));
        assert!(alert.tell(6, 80) && !alert.tell(6, 80));
        // A clock that lags, and one that was set back.
        assert!(!alert.tell(5, 100) && !alert.tell(6, 80));
        assert!(alert.tell(3, 80));
        // What is paid ahead has the window 0 for ever.
        let total = Alert::default();
        assert!(total.tell(0, 80) && !total.tell(0, 80) && total.tell(0, 100));
        assert_eq!(total.told(Period::Total, time), 100);
    }

    #[test]
    fn of_many_who_find_it_one_tells() {
        let alert = &Alert::default();
        for window in 1..=50 {
            let told: usize = thread::scope(|scope| {
                let tell = move || usize::from(alert.tell(window, 80));
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(tell)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(told, 1, "{window}");
        }
    }

    #[test]
    fn percents() {
        for (used, limit, percent) in [
            (0, 10, 0),
            (79, 100, 79),
            (799, 1_000, 79),
            (8, 10, 80),
            (u64::MAX, 1, u16::MAX),
            (u64::MAX, u64::MAX, 100),
        ] {
            assert_eq!(percent_of(used, limit), percent);
        }
    }
}
