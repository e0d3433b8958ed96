//! How fast bytes go out to a partner, over all its requests, in memory that processes share.
//!
//! One word says until when what was sent is paid for, in microseconds. Whoever wants to send
//! waits until then, takes a portion, and pays for what of it was sent. So in any time goes out
//! what the rate allows in it, and a portion; and a process that dies leaves nothing behind that
//! does not pass within the time of one portion.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many portions make a second.
const PORTIONS: u64 = 8;
const SECOND: u64 = 1_000_000;
/// Nothing is paid for longer than half of that: a time beyond it is from a clock that began anew.
const FARTHEST: u64 = 3_600 * SECOND;

/// The pace of one partner; 0 is a valid start.
#[derive(Default)]
#[repr(transparent)]
pub struct Pace(AtomicU64);

impl Pace {
    /// Takes a portion at the time `now`, in microseconds, where `rate` bytes a second may go out.
    /// Returns how many bytes that is.
    ///
    /// # Errors
    /// How many microseconds there is nothing to take.
    pub fn take(&self, now: u64, rate: u64) -> Result<u64, u64> {
        let portion = (rate / PORTIONS).max(1);
        let next = now.saturating_add(time_of(portion, rate));
        let mut paid = self.0.load(Ordering::Relaxed);
        loop {
            let rest = paid.saturating_sub(now);
            if (1..=FARTHEST).contains(&rest) {
                return Err(rest);
            }
            match self.0.compare_exchange_weak(paid, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(portion),
                Err(other) => paid = other,
            }
        }
    }

    /// Pays for what was sent of a portion: less than all of it, or more, such as headers.
    pub fn pay(&self, portion: u64, sent: u64, rate: u64) {
        if sent < portion {
            self.0.fetch_sub(time_of(portion - sent, rate), Ordering::Relaxed);
        } else {
            self.0.fetch_add(time_of(sent - portion, rate), Ordering::Relaxed);
        }
    }
}

fn time_of(bytes: u64, rate: u64) -> u64 {
    let time = u128::from(bytes) * u128::from(SECOND) / u128::from(rate.max(1));
    u64::try_from(time).unwrap_or(u64::MAX).min(FARTHEST / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000 * SECOND;

    #[test]
    fn a_portion_has_to_be_paid_before_the_next() {
        let pace = Pace::default();
        assert_eq!(pace.take(NOW, 800), Ok(100));
        assert_eq!(pace.take(NOW, 800), Err(SECOND / 8));
        assert_eq!(pace.take(NOW + SECOND / 16, 800), Err(SECOND / 16));
        assert_eq!(pace.take(NOW + SECOND / 8, 800), Ok(100));
        // Time that passed unused is not saved up.
        let later = NOW + 60 * SECOND;
        assert_eq!(pace.take(later, 800), Ok(100));
        assert_eq!(pace.take(later, 800), Err(SECOND / 8));
        assert_eq!(pace.take(later + 120 * SECOND, 1), Ok(1));
    }

    #[test]
    fn what_was_not_sent_is_given_back_and_what_was_beyond_is_paid() {
        let pace = Pace::default();
        let portion = pace.take(NOW, 800).unwrap();
        pace.pay(portion, 0, 800);
        let portion = pace.take(NOW, 800).unwrap();
        pace.pay(portion, 60, 800);
        assert_eq!(pace.take(NOW, 800), Err(75_000));
        let portion = pace.take(NOW + 75_000, 800).unwrap();
        pace.pay(portion, 900, 800);
        assert_eq!(pace.take(NOW + 75_000, 800), Err(1_125_000));
    }

    #[test]
    fn a_clock_that_began_anew_stops_nobody() {
        let pace = Pace::default();
        assert!(pace.take(u64::MAX / 2, 800).is_ok());
        assert_eq!(pace.take(NOW, 800), Ok(100));
        pace.pay(100, u64::MAX, 1);
        assert!(pace.take(NOW, 800).is_err());
        let empty = Pace::default();
        empty.pay(100, 0, 800);
        assert!(empty.take(NOW, 800).is_ok());
    }

    #[test]
    fn all_together_send_what_the_rate_allows_and_a_portion() {
        const RATE: u64 = 80_000;
        let (pace, clock, sent) = (Pace::default(), AtomicU64::new(NOW), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while clock.load(Ordering::Relaxed) < NOW + 10 * SECOND {
                        let now = clock.fetch_add(100, Ordering::Relaxed);
                        if let Ok(portion) = pace.take(now, RATE) {
                            pace.pay(portion, portion / 2, RATE);
                            sent.fetch_add(portion / 2, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let sent = sent.into_inner();
        assert!((9 * RATE..=10 * RATE + 2 * RATE / PORTIONS).contains(&sent), "{sent}");
    }
}
