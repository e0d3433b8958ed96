//! Windows of time, and how a count and its window share one word.

use std::cmp::Ordering;

use super::date::{DAY, Date};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Requests that were let in.
    Requests,
    /// Bytes sent in answer to them, as on the wire.
    Bytes,
}

impl Resource {
    /// Both.
    pub const ALL: [Resource; 2] = [Resource::Requests, Resource::Bytes];

    /// Its name, as in the directive: `requests`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Resource::Requests => "requests",
            Resource::Bytes => "bytes",
        }
    }

    /// Its place in [`ALL`](Resource::ALL).
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// How long a window is. Windows are aligned to the calendar in UTC; the last one never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// One hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From the first of a month to that of the next.
    Month,
    /// Always: of a quota, what is paid for ahead.
    Total,
}

/// A number for each period, in the order of [`Period::ALL`]: that of its [window](Period::number),
/// or how much is allowed in it, where [`NO_LIMIT`](super::NO_LIMIT) is anything.
pub type PerPeriod = [u64; Period::ALL.len()];

impl Period {
    /// Their names, as messages list them.
    pub const NAMES: &'static str = "second, minute, hour, day, month or total";

    /// All of them, the shortest first.
    pub const ALL: [Period; 6] =
        [Period::Second, Period::Minute, Period::Hour, Period::Day, Period::Month, Period::Total];

    /// Its name, as in the directive: `second`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Period::Second => "second",
            Period::Minute => "minute",
            Period::Hour => "hour",
            Period::Day => "day",
            Period::Month => "month",
            Period::Total => "total",
        }
    }

    /// The period of that name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Period> {
        Period::ALL.into_iter().find(|period| period.name().as_bytes() == name)
    }

    /// Its place in [`ALL`](Period::ALL).
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The number of the window that `time`, in seconds since 1970, lies in.
    #[must_use]
    #[inline]
    pub fn number(self, time: u64) -> u64 {
        match self {
            Period::Second => time,
            Period::Minute => time / 60,
            Period::Hour => time / 3_600,
            Period::Day => time / DAY,
            Period::Month => {
                let date = Date::of(time);
                date.year * 12 + date.month - 1
            }
            Period::Total => 0,
        }
    }

    /// The numbers of all windows that `time` lies in, in the order of [`ALL`](Period::ALL).
    #[must_use]
    #[inline]
    pub fn numbers(time: u64) -> PerPeriod {
        Period::ALL.map(|per| per.number(time))
    }

    /// When that window begins, in seconds since 1970.
    #[must_use]
    pub fn start(self, time: u64) -> u64 {
        match self {
            Period::Second => time,
            Period::Minute => time - time % 60,
            Period::Hour => time - time % 3_600,
            Period::Day => time - time % DAY,
            Period::Month => (Date { day: 1, ..Date::of(time) }).start().unwrap_or(0),
            Period::Total => 0,
        }
    }

    /// When the next window begins, in seconds since 1970, if one ever does.
    #[must_use]
    pub fn end(self, time: u64) -> Option<u64> {
        let start = self.start(time);
        match self {
            Period::Second => Some(start + 1),
            Period::Minute => Some(start + 60),
            Period::Hour => Some(start + 3_600),
            Period::Day => Some(start + DAY),
            // No month has more than 31 days, and none fewer than 4.
            Period::Month => Some(self.start(start + 31 * DAY + 3 * DAY)),
            Period::Total => None,
        }
    }

    /// How many low bits of a [`WindowCount`] hold the count; the rest hold the window's number,
    /// which comes round again after half a year (seconds), 8 years (minutes) or a century and
    /// more.
    #[inline]
    const fn count_bits(self) -> u32 {
        match self {
            Period::Second => 40,
            Period::Minute => 42,
            Period::Hour => 44,
            Period::Day => 48,
            Period::Month => 52,
            Period::Total => 63,
        }
    }

    /// Those bits.
    #[inline]
    pub(super) const fn low_bits(self) -> u64 {
        mask(self.count_bits())
    }
}

/// A window's number and what was counted in it, in one word. The word 0 has counted nothing.
///
/// A count that would not fit (2^40 a second, 2^52 a month, 2^63 in all) stays at the largest that
/// does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WindowCount(pub u64);

impl WindowCount {
    /// A word for the window that `time` lies in.
    #[must_use]
    pub fn new(period: Period, time: u64, count: u64) -> WindowCount {
        let bits = period.count_bits();
        WindowCount((period.number(time) << bits) | count.min(mask(bits)))
    }

    /// The window of that [`number`](Period::number) at its beginning.
    #[inline]
    pub(super) fn begun(period: Period, number: u64) -> WindowCount {
        WindowCount(number << period.count_bits())
    }

    /// What was counted in the window that `time` lies in: 0 when the word is of another.
    #[must_use]
    pub fn count(self, period: Period, time: u64) -> u64 {
        self.count_in(period, period.number(time))
    }

    /// What was counted in the window of that [`number`](Period::number).
    ///
    /// The clocks of two processes may read different seconds for a moment, and time never goes
    /// back: a word of the very next window says that this one is over, and counts.
    #[must_use]
    #[inline]
    pub fn count_in(self, period: Period, number: u64) -> u64 {
        self.number_and_count(period, number).1
    }

    /// The word after `amount` more in the window that `time` lies in.
    #[must_use]
    pub fn add(self, period: Period, time: u64, amount: u64) -> WindowCount {
        let bits = period.count_bits();
        let (number, count) = self.number_and_count(period, period.number(time));
        WindowCount((number << bits) | count.saturating_add(amount).min(mask(bits)))
    }

    /// The number of its window, as far as the word has it.
    pub(super) fn number(self, period: Period) -> u64 {
        self.0 >> period.count_bits()
    }

    /// What was counted in its window.
    pub(super) fn used(self, period: Period) -> u64 {
        self.0 & period.low_bits()
    }

    /// Whether the word is of the window of that [`number`](Period::number), or of the next.
    #[inline]
    pub(super) fn is_of(self, period: Period, number: u64) -> bool {
        let bits = period.count_bits();
        (self.0 >> bits).wrapping_sub(number) & mask(64 - bits) <= 1
    }

    #[inline]
    fn number_and_count(self, period: Period, number: u64) -> (u64, u64) {
        let bits = period.count_bits();
        let number = number & mask(64 - bits);
        match (self.0 >> bits).wrapping_sub(number) & mask(64 - bits) {
            0 => (number, self.0 & mask(bits)),
            1 => (self.0 >> bits, self.0 & mask(bits)),
            _ => (number, 0),
        }
    }

    /// The word of two processes that counted apart since both had `before`.
    #[must_use]
    pub fn merge(self, period: Period, before: WindowCount, other: WindowCount) -> WindowCount {
        let bits = period.count_bits();
        let number = self.0 >> bits;
        match number.cmp(&(other.0 >> bits)) {
            Ordering::Less => other,
            Ordering::Greater => self,
            Ordering::Equal => {
                let common = if before.0 >> bits == number { before.0 & mask(bits) } else { 0 };
                let gained = (self.0 & mask(bits)).saturating_sub(common);
                let count = (other.0 & mask(bits)).saturating_add(gained);
                WindowCount((number << bits) | count.min(mask(bits)))
            }
        }
    }

    /// The word of a part of the count, known as `part` so far, that takes all by which the count
    /// grew to this one from `before`.
    #[must_use]
    pub fn grown_part(self, period: Period, before: WindowCount, part: WindowCount) -> WindowCount {
        let bits = period.count_bits();
        let number = self.0 >> bits;
        let of = |word: WindowCount| {
            if word.0 >> bits == number { word.0 & mask(bits) } else { 0 }
        };
        if part.0 >> bits > number {
            return part;
        }
        let growth = of(self).saturating_sub(of(before));
        let count = of(part).saturating_add(growth);
        WindowCount((number << bits) | count.min(mask(bits)))
    }
}

#[inline]
const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NEW_YEAR: u64 = 1_798_761_600; // 2027-01-01

    /// Those of the calendar, which end.
    fn calendar() -> impl Iterator<Item = Period> {
        Period::ALL.into_iter().filter(|period| period.end(NEW_YEAR).is_some())
    }

    #[test]
    fn windows_meet_at_the_turn_of_the_year() {
        for period in calendar() {
            assert_eq!(period.end(NEW_YEAR - 1), Some(NEW_YEAR), "{period:?}");
            assert_eq!(period.start(NEW_YEAR), NEW_YEAR, "{period:?}");
            assert_eq!(period.number(NEW_YEAR - 1) + 1, period.number(NEW_YEAR), "{period:?}");
        }
    }

    #[test]
    fn months_have_their_own_lengths() {
        for (year, month, days) in [(2026, 2, 28), (2028, 2, 29), (2026, 4, 30), (2026, 12, 31)] {
            let start = Date { year, month, day: 1 }.start().unwrap();
            for time in [start, start + 20 * DAY, start + days * DAY - 1] {
                assert_eq!(Period::Month.start(time), start);
                assert_eq!(Period::Month.end(time), Some(start + days * DAY));
            }
        }
    }

    #[test]
    fn another_window_begins_at_nothing() {
        for period in calendar() {
            let word = WindowCount::default().add(period, NEW_YEAR - 1, 7);
            assert_eq!(word.count(period, NEW_YEAR - 1), 7);
            assert_eq!(word.count(period, NEW_YEAR), 0);
            assert_eq!(word.add(period, NEW_YEAR, 2).count(period, NEW_YEAR), 2);
        }
    }

    #[test]
    fn a_clock_that_lags_does_not_begin_the_window_before_again() {
        for period in calendar() {
            let word = WindowCount::default().add(period, NEW_YEAR, 7);
            let late = word.add(period, NEW_YEAR - 1, 1);
            assert_eq!(late, word.add(period, NEW_YEAR, 1));
            assert_eq!(word.count(period, NEW_YEAR - 1), 7);
            // But a clock that was set back does.
            let long_before = NEW_YEAR - 70 * DAY;
            assert_eq!(word.add(period, long_before, 1).count(period, long_before), 1);
        }
    }

    #[test]
    fn what_two_counted_apart_adds_up() {
        for period in calendar() {
            let before = WindowCount::default().add(period, NEW_YEAR, 5);
            let (one, other) = (before.add(period, NEW_YEAR, 2), before.add(period, NEW_YEAR, 3));
            assert_eq!(one.merge(period, before, other).count(period, NEW_YEAR), 10);
            let later = before.add(period, NEW_YEAR + 32 * DAY, 1);
            assert_eq!(later.merge(period, before, one), later);
            assert_eq!(one.merge(period, before, later), later);
            let apart = later.merge(period, before, later);
            assert_eq!(apart.count(period, NEW_YEAR + 32 * DAY), 2);
        }
    }

    #[test]
    fn a_part_takes_what_the_whole_grew_by() {
        for period in calendar() {
            let before = WindowCount::default().add(period, NEW_YEAR, 5);
            let (after, part) =
                (before.add(period, NEW_YEAR, 3), WindowCount::new(period, NEW_YEAR, 2));
            assert_eq!(after.grown_part(period, before, part).count(period, NEW_YEAR), 5);
            assert_eq!(after.grown_part(period, after, part), part);
            // The whole is in the next window, or the part is.
            let later = NEW_YEAR + 32 * DAY;
            let next = before.add(period, later, 4);
            assert_eq!(next.grown_part(period, before, part).count(period, later), 4);
            let part = WindowCount::new(period, later, 1);
            assert_eq!(after.grown_part(period, before, part), part);
        }
    }

    #[test]
    fn a_full_word_stays_full() {
        for period in calendar() {
            let full = WindowCount::new(period, NEW_YEAR, u64::MAX);
            let more = full.add(period, NEW_YEAR, u64::MAX);
            assert_eq!(more, full);
            assert_eq!(more.count(period, NEW_YEAR + 1 + 32 * DAY), 0);
        }
    }

    #[test]
    fn what_is_counted_in_all_never_ends() {
        let total = Period::Total;
        assert_eq!((total.start(NEW_YEAR), total.end(NEW_YEAR)), (0, None));
        let word = WindowCount::default().add(total, NEW_YEAR, 7).add(total, 0, 2);
        assert_eq!((word.count(total, u64::MAX), word.count(total, 0)), (9, 9));
        assert_eq!(word.merge(total, WindowCount(5), WindowCount(6)), WindowCount(10));
        assert!(WindowCount::default().is_of(total, 0));
    }

    #[test]
    fn names_lead_back() {
        for period in Period::ALL {
            assert_eq!(Period::from_name(period.name().as_bytes()), Some(period));
            assert_eq!(Period::ALL[period.index()], period);
        }
        assert_eq!(Period::from_name(b"week"), None);
        assert_eq!(Resource::ALL.map(Resource::index), [0, 1]);
    }

    proptest! {
        #[test]
        fn windows_hold_their_time_and_leave_no_gap(time in 0u64..100_000_000_000) {
            for period in calendar() {
                let (start, end) = (period.start(time), period.end(time).unwrap());
                prop_assert!(start <= time && time < end);
                prop_assert_eq!(period.number(start), period.number(time));
                prop_assert_eq!(period.number(end - 1), period.number(time));
                prop_assert_eq!(period.number(end), period.number(time) + 1);
            }
        }

        #[test]
        fn words_add_up(
            time in 1_700_000_000u64..5_000_000_000,
            amounts in proptest::collection::vec(0u64..1_000_000, 0..20),
        ) {
            for period in Period::ALL {
                let word = amounts.iter().fold(WindowCount::default(), |w, &n| w.add(period, time, n));
                prop_assert_eq!(word.count(period, time), amounts.iter().sum::<u64>());
            }
        }
    }
}
