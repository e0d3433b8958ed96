//! Dates of the proleptic Gregorian calendar, in UTC.
//!
//! The arithmetic counts days in years that begin in March, so that the leap day is the last.

use std::fmt;

/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// From 1970.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
}

/// `2026-12-31`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Date {
    /// The day of a time in seconds since 1970.
    #[must_use]
    pub fn of(time: u64) -> Date {
        // From here on days are counted from 1 March of the year 0.
        let days = time / DAY + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Date {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
        }
    }

    /// When it begins, in seconds since 1970; `None` where there is no such day, or it is before
    /// 1970 or after 9999.
    #[must_use]
    pub fn start(self) -> Option<u64> {
        let Date { year, month, day } = self;
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        let shifted = if month > 2 { month - 3 } else { month + 9 };
        let year = year - u64::from(month <= 2);
        let day_of_year = (153 * shifted + 2) / 5 + day - 1;
        let year_of_era = year % 400;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let start = (year / 400 * 146_097 + day_of_era - 719_468) * DAY;
        // The 30th of February counts as a day of March.
        (Date::of(start) == self).then_some(start)
    }

    /// Reads a date, `2026-12-31`, or a time in UTC, `2026-12-31T23:59:59Z`; returns the second
    /// it begins with and the first that is past it.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<(u64, u64)> {
        let (date, time) = match text.iter().position(|&byte| byte == b'T') {
            Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?)),
            None => (text, None),
        };
        let [year, month, day] = numbers(date, b'-', [4, 2, 2])?;
        let start = Date { year, month, day }.start()?;
        let Some(time) = time else { return Some((start, start + DAY)) };
        let [hour, minute, second] = numbers(time.strip_suffix(b"Z")?, b':', [2, 2, 2])?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let time = start + hour * 3_600 + minute * 60 + second;
        Some((time, time + 1))
    }
}

/// Numbers of so many digits each, with `separator` between them.
fn numbers<const N: usize>(text: &[u8], separator: u8, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(|&byte| byte == separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        if !part.iter().all(u8::is_ascii_digit) {
            return None;
        }
        *number = std::str::from_utf8(part).ok()?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (time, year, month, day) in [
            (0, 1970, 1, 1),
            (951_782_399, 2000, 2, 28),
            (951_782_400, 2000, 2, 29),
            (951_868_800, 2000, 3, 1),
            (1_709_164_800, 2024, 2, 29),
            (1_798_675_200, 2026, 12, 31),
            (4_107_542_400, 2100, 3, 1),
        ] {
            let date = Date { year, month, day };
            assert_eq!(Date::of(time), date);
            assert_eq!(date.start(), Some(time / DAY * DAY));
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in 0..146_097 {
            assert_eq!(Date::of(day * DAY).start(), Some(day * DAY));
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-2-28",
            "2026-12-31T",
            "2026-12-31T24:00:00Z",
            "2026-12-31T12:00:00",
            "2026-12-31T12:00:00+01:00",
            "1969-12-31",
            "2026-12-31-01",
            "+026-01-01",
        ] {
            assert_eq!(Date::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_date_lasts_a_day_and_a_time_a_second() {
        assert_eq!(Date::parse(b"1970-01-02"), Some((DAY, 2 * DAY)));
        assert_eq!(Date::parse(b"1970-01-01T00:01:00Z"), Some((60, 61)));
    }
}
