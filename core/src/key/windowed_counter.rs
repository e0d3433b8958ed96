//! Counts of which is known how much lies in each window, in memory that processes share.
//!
//! A count only grows, and each window keeps its base, what was counted when it began. What was
//! used of a window is what was counted since, so that a request changes one word, however many
//! windows there are. All of it is atomics for which zero is a valid start.

use std::sync::atomic::{AtomicU64, Ordering};

use super::limits::NO_LIMIT;
use super::window::{PerPeriod, Period, WindowCount};

/// A word for each window, which only this module reads.
pub type WindowBases = [AtomicU64; Period::ALL.len()];

/// A count and its bases.
#[derive(Clone, Copy)]
pub struct WindowedCounter<'a> {
    count: &'a AtomicU64,
    bases: &'a WindowBases,
}

/// Where a window began: its number, as in a [`WindowCount`], and the low bits of the count.
#[derive(Clone, Copy)]
struct WindowBase(u64);

impl WindowBase {
    /// That of a window in which so much of the count was used.
    #[inline]
    fn new(per: Period, word: WindowCount, count: u64) -> WindowBase {
        let low = per.low_bits();
        WindowBase((word.0 & !low) | (count.wrapping_sub(word.0) & low))
    }

    /// The window, once the count has come so far.
    #[inline]
    fn word(self, per: Period, count: u64) -> WindowCount {
        // Both ways it is the difference to the count.
        WindowCount(WindowBase::new(per, WindowCount(self.0), count).0)
    }
}

impl<'a> WindowedCounter<'a> {
    /// Returns the counter that these words of shared memory are.
    #[must_use]
    #[inline]
    pub fn new(count: &'a AtomicU64, bases: &'a WindowBases) -> WindowedCounter<'a> {
        WindowedCounter { count, bases }
    }

    /// The window that began last.
    #[must_use]
    #[inline]
    pub fn word(self, per: Period) -> WindowCount {
        // The base first: a count that is read later never lies before it.
        let base = WindowBase(self.bases[per.index()].load(Ordering::Acquire));
        base.word(per, self.count.load(Ordering::Relaxed))
    }

    /// The window that began last, and the count at that moment.
    #[must_use]
    pub fn reading(self, per: Period) -> (WindowCount, u64) {
        let base = WindowBase(self.bases[per.index()].load(Ordering::Acquire));
        let count = self.count.load(Ordering::Relaxed);
        (base.word(per, count), count)
    }

    /// The longest of the windows of those numbers in which as much was counted as `limits` allow.
    #[must_use]
    #[inline]
    pub fn used_up(self, numbers: &PerPeriod, limits: &PerPeriod) -> Option<Period> {
        longest_full(limits, |per| self.word(per).count_in(per, numbers[per.index()]))
    }

    /// Counts so much more, in the windows of those numbers.
    #[inline]
    pub fn add(self, numbers: &PerPeriod, amount: u64) {
        self.begin(numbers);
        self.count.fetch_add(amount, Ordering::Relaxed);
    }

    /// Counts one more in the windows of those numbers, unless one of them has as much as
    /// `limits` allow: then that is returned, of several the longest. Whoever else counts at
    /// the same time, there will not be more.
    ///
    /// # Errors
    /// The window that is used up.
    #[inline]
    pub fn admit(self, numbers: &PerPeriod, limits: &PerPeriod) -> Result<(), Period> {
        let bases = self.begin(numbers);
        // A comparison takes the word from other processors at once. A load would ask for a copy,
        // and the change that follows for the word itself: both wait.
        let relaxed = Ordering::Relaxed;
        let (Ok(mut count) | Err(mut count)) = self.count.compare_exchange(0, 0, relaxed, relaxed);
        loop {
            let used = |per: Period| {
                bases[per.index()].word(per, count).count_in(per, numbers[per.index()])
            };
            if let Some(per) = longest_full(limits, used) {
                return Err(per);
            }
            match self.count.compare_exchange_weak(count, count + 1, relaxed, relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => count = other,
            }
        }
    }

    /// Sets where the windows of those numbers begin, unless they have.
    ///
    /// Whoever counts in a window has seen its base before, so that none of it lies ahead of the
    /// base. What is counted meanwhile by a clock that lags is counted in both windows.
    #[inline]
    fn begin(self, numbers: &PerPeriod) -> [WindowBase; Period::ALL.len()] {
        let mut bases = [WindowBase(0); Period::ALL.len()];
        for per in Period::ALL {
            let (cell, number) = (&self.bases[per.index()], numbers[per.index()]);
            let base = WindowBase(cell.load(Ordering::Acquire));
            let is_begun = WindowCount(base.0).is_of(per, number);
            bases[per.index()] = if is_begun { base } else { self.begin_one(per, number, base) };
        }
        bases
    }

    #[cold]
    fn begin_one(self, per: Period, number: u64, mut base: WindowBase) -> WindowBase {
        let cell = &self.bases[per.index()];
        while !WindowCount(base.0).is_of(per, number) {
            let new = WindowBase::new(
                per,
                WindowCount::begun(per, number),
                self.count.load(Ordering::Relaxed),
            );
            match cell.compare_exchange(base.0, new.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => base = new,
                Err(other) => base = WindowBase(other),
            }
        }
        base
    }

    /// Begins at the use of windows that another count had; nobody counts yet.
    pub fn set(self, words: &[WindowCount; Period::ALL.len()]) {
        let count = self.count.load(Ordering::Relaxed);
        for ((cell, per), word) in self.bases.iter().zip(Period::ALL).zip(words) {
            cell.store(WindowBase::new(per, *word, count).0, Ordering::Release);
        }
    }

    /// Takes over what another process counted in a window since both had `before`: see
    /// [`WindowCount::merge`].
    pub fn merge(self, per: Period, before: WindowCount, other: WindowCount) {
        let _ = self.bases[per.index()].fetch_update(Ordering::AcqRel, Ordering::Acquire, |base| {
            let count = self.count.load(Ordering::Relaxed);
            let word = WindowBase(base).word(per, count).merge(per, before, other);
            Some(WindowBase::new(per, word, count).0)
        });
    }
}

#[inline]
fn longest_full(limits: &PerPeriod, used: impl Fn(Period) -> u64) -> Option<Period> {
    let mut longest = None;
    for per in Period::ALL {
        let limit = limits[per.index()];
        if limit != NO_LIMIT && used(per) >= limit {
            longest = Some(per);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YEAR: u64 = 1_798_761_600; // 2027-01-01
    const NO_LIMITS: PerPeriod = [NO_LIMIT; 6];

    #[derive(Default)]
    struct Cells(AtomicU64, WindowBases);

    impl Cells {
        fn counter(&self) -> WindowedCounter<'_> {
            WindowedCounter::new(&self.0, &self.1)
        }

        /// Of the windows that end.
        fn used(&self, time: u64) -> [u64; 5] {
            let [windows @ .., _] =
                Period::ALL.map(|per| self.counter().word(per).count(per, time));
            windows
        }

        fn total(&self) -> u64 {
            self.counter().word(Period::Total).count(Period::Total, NEW_YEAR)
        }
    }

    #[test]
    fn each_window_has_what_was_counted_since_it_began() {
        let cells = Cells::default();
        let add = |time, amount| cells.counter().add(&Period::numbers(time), amount);
        assert_eq!(cells.used(NEW_YEAR), [0; 5]);
        add(NEW_YEAR - 61, 1);
        add(NEW_YEAR - 1, 2);
        add(NEW_YEAR - 1, 4);
        assert_eq!(cells.used(NEW_YEAR - 1), [6, 6, 7, 7, 7]);
        assert_eq!(cells.used(NEW_YEAR), [0; 5]);
        add(NEW_YEAR, 8);
        add(NEW_YEAR + 1, 16);
        assert_eq!(cells.used(NEW_YEAR + 1), [16, 24, 24, 24, 24]);
        assert_eq!(cells.total(), 31);
    }

    #[test]
    fn a_clock_that_lags_counts_in_the_window_that_began() {
        let cells = Cells::default();
        cells.counter().add(&Period::numbers(NEW_YEAR), 5);
        cells.counter().add(&Period::numbers(NEW_YEAR - 1), 1);
        assert_eq!(cells.used(NEW_YEAR), [6; 5]);
        assert_eq!(cells.used(NEW_YEAR - 1), [6; 5]);
        // One that was set back begins anew.
        let long_before = NEW_YEAR - 70 * 86_400;
        cells.counter().add(&Period::numbers(long_before), 1);
        assert_eq!(cells.used(long_before), [1; 5]);
    }

    #[test]
    fn the_longest_window_that_is_used_up_is_told() {
        let cells = Cells::default();
        let numbers = Period::numbers(NEW_YEAR);
        let admit = |limits| cells.counter().admit(&numbers, &limits);
        for _ in 0..3 {
            assert_eq!(admit([3, NO_LIMIT, 3, NO_LIMIT, 4, NO_LIMIT]), Ok(()));
        }
        assert_eq!(admit([3, NO_LIMIT, 3, NO_LIMIT, 4, NO_LIMIT]), Err(Period::Hour));
        assert_eq!(admit(NO_LIMITS), Ok(()));
        assert_eq!(admit([3, NO_LIMIT, 3, NO_LIMIT, 4, NO_LIMIT]), Err(Period::Month));
        assert_eq!(admit([0, 0, 0, 0, 0, 9]), Err(Period::Month));
        assert_eq!(cells.used(NEW_YEAR), [4; 5]);
        let all = [NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT, 9, 4];
        assert_eq!(admit(all), Err(Period::Total));
        let much_later = Period::numbers(NEW_YEAR + 400 * 86_400);
        assert_eq!(cells.counter().admit(&much_later, &all), Err(Period::Total));
    }

    #[test]
    fn what_was_used_before_goes_on() {
        let cells = Cells::default();
        cells.0.store(1, Ordering::Relaxed);
        let words = Period::ALL.map(|per| WindowCount::new(per, NEW_YEAR, 1_000_000));
        cells.counter().set(&words);
        assert_eq!(Period::ALL.map(|per| cells.counter().word(per)), words);
        cells.counter().add(&Period::numbers(NEW_YEAR), 1);
        assert_eq!(cells.used(NEW_YEAR), [1_000_001; 5]);
    }

    #[test]
    fn two_that_counted_apart_add_up() {
        let cells = Cells::default();
        let add = |time, amount| cells.counter().add(&Period::numbers(time), amount);
        add(NEW_YEAR, 5);
        let was = Period::ALL.map(|per| cells.counter().word(per));
        add(NEW_YEAR, 2);
        for (per, was) in Period::ALL.into_iter().zip(was) {
            cells.counter().merge(per, was, was.add(per, NEW_YEAR, 3));
        }
        assert_eq!((cells.used(NEW_YEAR), cells.total()), ([10; 5], 10));
        // The other one is in the next window already.
        let later = NEW_YEAR + 32 * 86_400;
        for (per, was) in Period::ALL.into_iter().zip(was) {
            cells.counter().merge(per, was, was.add(per, later, 4));
        }
        assert_eq!(cells.used(later), [4; 5]);
        add(later, 1);
        assert_eq!((cells.used(later), cells.total()), ([5; 5], 15));
    }

    #[test]
    fn as_many_as_the_limit_whoever_asks_while_windows_turn() {
        const LIMIT: u64 = 100;
        const SECONDS: u64 = 300;
        let cells = Cells::default();
        let mut limits = NO_LIMITS;
        limits[Period::Second.index()] = LIMIT;
        // Clocks differ by a second at most.
        let clocks: [AtomicU64; 4] = Default::default();
        let admitted = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for clock in &clocks {
                scope.spawn(|| {
                    for second in 0..SECONDS {
                        clock.store(second, Ordering::SeqCst);
                        while clocks.iter().any(|other| other.load(Ordering::SeqCst) + 1 < second) {
                            std::thread::yield_now();
                        }
                        let numbers = Period::numbers(NEW_YEAR + second);
                        for _ in 0..2 * LIMIT {
                            if cells.counter().admit(&numbers, &limits).is_ok() {
                                admitted.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), SECONDS * LIMIT);
    }
}
