//! Counts of which is known how much lies in each window, in memory that processes share.
//!
//! A count only grows, and each window leaves a mark on it when it begins. What was used of a
//! window is what was counted since, so that a request changes one word, however many windows
//! there are. All of it is atomics for which zero is a valid start.

use std::sync::atomic::{AtomicU64, Ordering};

use super::limits::NO_LIMIT;
use super::window::{Period, Row, Word};

/// A word for each window, which only this module reads.
pub type Marks = [AtomicU64; Period::ALL.len()];

/// A count and its marks.
#[derive(Clone, Copy)]
pub struct Tally<'a> {
    count: &'a AtomicU64,
    marks: &'a Marks,
}

/// Where a window began: its number, as in a [`Word`], and the low bits of the count.
#[derive(Clone, Copy)]
struct Mark(u64);

impl Mark {
    /// That of a window in which so much of the count was used.
    #[inline]
    fn new(per: Period, word: Word, count: u64) -> Mark {
        let low = per.low_bits();
        Mark((word.0 & !low) | (count.wrapping_sub(word.0) & low))
    }

    /// The window, once the count has come so far.
    #[inline]
    fn word(self, per: Period, count: u64) -> Word {
        // Both ways it is the difference to the count.
        Word(Mark::new(per, Word(self.0), count).0)
    }
}

impl<'a> Tally<'a> {
    /// That of these words.
    #[must_use]
    #[inline]
    pub fn new(count: &'a AtomicU64, marks: &'a Marks) -> Tally<'a> {
        Tally { count, marks }
    }

    /// The window that began last.
    #[must_use]
    #[inline]
    pub fn word(self, per: Period) -> Word {
        // The mark first: a count that is read later never lies before it.
        let mark = Mark(self.marks[per.index()].load(Ordering::Acquire));
        mark.word(per, self.count.load(Ordering::Relaxed))
    }

    /// The longest of the windows of those numbers in which as much was counted as `limits` allow.
    #[must_use]
    #[inline]
    pub fn used_up(self, numbers: &Row, limits: &Row) -> Option<Period> {
        longest_full(limits, |per| self.word(per).count_in(per, numbers[per.index()]))
    }

    /// Counts so much more, in the windows of those numbers.
    #[inline]
    pub fn add(self, numbers: &Row, amount: u64) {
        self.begin(numbers);
        self.count.fetch_add(amount, Ordering::Relaxed);
    }

    /// Counts one more in the windows of those numbers, unless one of them has as much as
    /// `limits` allow: then that is the answer, of several the longest. Whoever else counts at
    /// the same time, there will not be more.
    ///
    /// # Errors
    /// The window that is used up.
    #[inline]
    pub fn admit(self, numbers: &Row, limits: &Row) -> Result<(), Period> {
        let marks = self.begin(numbers);
        // A comparison takes the word from other processors at once. A load would ask for a copy,
        // and the change that follows for the word itself: both wait.
        let relaxed = Ordering::Relaxed;
        let (Ok(mut count) | Err(mut count)) = self.count.compare_exchange(0, 0, relaxed, relaxed);
        loop {
            let used = |per: Period| {
                marks[per.index()].word(per, count).count_in(per, numbers[per.index()])
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

    /// Marks where the windows of those numbers begin, unless they have.
    ///
    /// Whoever counts in a window has seen its mark before, so that none of it lies ahead of the
    /// mark. What is counted meanwhile by a clock that lags is counted in both windows.
    #[inline]
    fn begin(self, numbers: &Row) -> [Mark; Period::ALL.len()] {
        let mut marks = [Mark(0); Period::ALL.len()];
        for per in Period::ALL {
            let (cell, number) = (&self.marks[per.index()], numbers[per.index()]);
            let mark = Mark(cell.load(Ordering::Acquire));
            let is_begun = Word(mark.0).is_of(per, number);
            marks[per.index()] = if is_begun { mark } else { self.begin_one(per, number, mark) };
        }
        marks
    }

    #[cold]
    fn begin_one(self, per: Period, number: u64, mut mark: Mark) -> Mark {
        let cell = &self.marks[per.index()];
        while !Word(mark.0).is_of(per, number) {
            let new = Mark::new(per, Word::begun(per, number), self.count.load(Ordering::Relaxed));
            match cell.compare_exchange(mark.0, new.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => mark = new,
                Err(other) => mark = Mark(other),
            }
        }
        mark
    }

    /// Begins at the use of windows that another count had; nobody counts yet.
    pub fn set(self, words: &[Word; Period::ALL.len()]) {
        let count = self.count.load(Ordering::Relaxed);
        for ((cell, per), word) in self.marks.iter().zip(Period::ALL).zip(words) {
            cell.store(Mark::new(per, *word, count).0, Ordering::Release);
        }
    }

    /// Takes over what another process counted in a window since both had `before`: see
    /// [`Word::merge`].
    pub fn merge(self, per: Period, before: Word, other: Word) {
        let _ = self.marks[per.index()].fetch_update(Ordering::AcqRel, Ordering::Acquire, |mark| {
            let count = self.count.load(Ordering::Relaxed);
            let word = Mark(mark).word(per, count).merge(per, before, other);
            Some(Mark::new(per, word, count).0)
        });
    }
}

#[inline]
fn longest_full(limits: &Row, used: impl Fn(Period) -> u64) -> Option<Period> {
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
    const NO_LIMITS: Row = [NO_LIMIT; 5];

    #[derive(Default)]
    struct Cells(AtomicU64, Marks);

    impl Cells {
        fn tally(&self) -> Tally<'_> {
            Tally::new(&self.0, &self.1)
        }

        fn used(&self, time: u64) -> Row {
            Period::ALL.map(|per| self.tally().word(per).count(per, time))
        }
    }

    #[test]
    fn each_window_has_what_was_counted_since_it_began() {
        let cells = Cells::default();
        let add = |time, amount| cells.tally().add(&Period::numbers(time), amount);
        assert_eq!(cells.used(NEW_YEAR), [0; 5]);
        add(NEW_YEAR - 61, 1);
        add(NEW_YEAR - 1, 2);
        add(NEW_YEAR - 1, 4);
        assert_eq!(cells.used(NEW_YEAR - 1), [6, 6, 7, 7, 7]);
        assert_eq!(cells.used(NEW_YEAR), [0; 5]);
        add(NEW_YEAR, 8);
        add(NEW_YEAR + 1, 16);
        assert_eq!(cells.used(NEW_YEAR + 1), [16, 24, 24, 24, 24]);
    }

    #[test]
    fn a_clock_that_lags_counts_in_the_window_that_began() {
        let cells = Cells::default();
        cells.tally().add(&Period::numbers(NEW_YEAR), 5);
        cells.tally().add(&Period::numbers(NEW_YEAR - 1), 1);
        assert_eq!(cells.used(NEW_YEAR), [6; 5]);
        assert_eq!(cells.used(NEW_YEAR - 1), [6; 5]);
        // One that was set back begins anew.
        let long_before = NEW_YEAR - 70 * 86_400;
        cells.tally().add(&Period::numbers(long_before), 1);
        assert_eq!(cells.used(long_before), [1; 5]);
    }

    #[test]
    fn the_longest_window_that_is_used_up_is_told() {
        let cells = Cells::default();
        let numbers = Period::numbers(NEW_YEAR);
        let admit = |limits| cells.tally().admit(&numbers, &limits);
        for _ in 0..3 {
            assert_eq!(admit([3, NO_LIMIT, 3, NO_LIMIT, 4]), Ok(()));
        }
        assert_eq!(admit([3, NO_LIMIT, 3, NO_LIMIT, 4]), Err(Period::Hour));
        assert_eq!(admit(NO_LIMITS), Ok(()));
        assert_eq!(admit([3, NO_LIMIT, 3, NO_LIMIT, 4]), Err(Period::Month));
        assert_eq!(admit([0; 5]), Err(Period::Month));
        assert_eq!(cells.used(NEW_YEAR), [4; 5]);
    }

    #[test]
    fn what_was_used_before_goes_on() {
        let cells = Cells::default();
        cells.0.store(1, Ordering::Relaxed);
        let words = Period::ALL.map(|per| Word::new(per, NEW_YEAR, 1_000_000));
        cells.tally().set(&words);
        assert_eq!(Period::ALL.map(|per| cells.tally().word(per)), words);
        cells.tally().add(&Period::numbers(NEW_YEAR), 1);
        assert_eq!(cells.used(NEW_YEAR), [1_000_001; 5]);
    }

    #[test]
    fn two_that_counted_apart_add_up() {
        let cells = Cells::default();
        let add = |time, amount| cells.tally().add(&Period::numbers(time), amount);
        add(NEW_YEAR, 5);
        let was = Period::ALL.map(|per| cells.tally().word(per));
        add(NEW_YEAR, 2);
        for (per, was) in Period::ALL.into_iter().zip(was) {
            cells.tally().merge(per, was, was.add(per, NEW_YEAR, 3));
        }
        assert_eq!(cells.used(NEW_YEAR), [10; 5]);
        // The other one is in the next window already.
        let later = NEW_YEAR + 32 * 86_400;
        for (per, was) in Period::ALL.into_iter().zip(was) {
            cells.tally().merge(per, was, was.add(per, later, 4));
        }
        assert_eq!(cells.used(later), [4; 5]);
        add(later, 1);
        assert_eq!(cells.used(later), [5; 5]);
    }

    #[test]
    fn as_many_as_the_limit_whoever_asks_while_windows_turn() {
        const LIMIT: u64 = 100;
        const SECONDS: u64 = 300;
        let cells = Cells::default();
        let limits = [LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT];
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
                            if cells.tally().admit(&numbers, &limits).is_ok() {
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
