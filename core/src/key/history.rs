//! What partners took over the last minutes, in fixed memory.
//!
//! Each record keeps samples of its counters, which only grow, in rings; the ends of the samples
//! are kept once for all records. All of it is atomics without pointers for which zero is a valid
//! start, so it can lie in memory that processes share. One process samples at a time; any may
//! read meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

/// Intervals that a reader sees.
pub const SPAN: usize = 60;
/// Samples in a ring: those between the intervals, and spare ones, so that the sample that is
/// being replaced is none that a reader looks at.
const SAMPLES: usize = 64;
/// The lengths of the intervals in seconds: the last five minutes and the last hour.
pub const STEPS: [u64; 2] = [5, 60];

#[repr(C)]
struct Ring([AtomicU64; SAMPLES]);

impl Ring {
    const fn new() -> Ring {
        Ring([const { AtomicU64::new(0) }; SAMPLES])
    }

    fn slot(&self, tick: u64) -> &AtomicU64 {
        // The remainder is below the length.
        &self.0[(tick % SAMPLES as u64) as usize]
    }
}

/// When samples were taken, for all records of a zone.
#[repr(C)]
pub struct SampleClock([Ring; STEPS.len()]);

/// The samples of one record.
#[repr(C)]
pub struct PartnerSamples([[Ring; 2]; STEPS.len()]);

/// Requests and bytes sent in the intervals before a time, oldest first; `None` where nobody
/// counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Requests in each interval.
    pub requests: Vec<Option<u64>>,
    /// Bytes sent in each interval.
    pub bytes: Vec<Option<u64>>,
}

impl SampleClock {
    /// One that has not begun.
    #[must_use]
    pub const fn new() -> SampleClock {
        SampleClock([Ring::new(), Ring::new()])
    }

    /// Samples all records if it is time to: `records` gives each with its requests and bytes
    /// sent so far.
    pub fn tick<'a>(&self, now: u64, records: impl Fn() -> Vec<(&'a PartnerSamples, u64, u64)>) {
        for (index, (clock, step)) in self.0.iter().zip(STEPS).enumerate() {
            let tick = now / step;
            if clock.slot(tick).load(Ordering::Acquire) == tick {
                continue;
            }
            for (track, requests, bytes) in records() {
                let Some([of_requests, of_bytes]) = track.0.get(index) else { continue };
                of_requests.slot(tick).store(requests, Ordering::Relaxed);
                of_bytes.slot(tick).store(bytes, Ordering::Relaxed);
            }
            clock.slot(tick).store(tick, Ordering::Release);
        }
    }

    /// When the last complete interval of `STEPS[index]` ended.
    #[must_use]
    pub fn end(&self, index: usize, now: u64) -> u64 {
        let (Some(clock), Some(&step)) = (self.0.get(index), STEPS.get(index)) else { return 0 };
        let tick = now / step;
        // Until the sample is taken, which may be a moment late, the interval before is the last.
        let taken = clock.slot(tick).load(Ordering::Acquire) == tick;
        (if taken { tick } else { tick.saturating_sub(1) }) * step
    }

    /// The intervals of `STEPS[index]` up to `end`.
    #[must_use]
    pub fn read(&self, track: &PartnerSamples, index: usize, end: u64) -> Series {
        let mut series = Series { requests: Vec::new(), bytes: Vec::new() };
        let (Some(clock), Some(&step), Some([requests, bytes])) =
            (self.0.get(index), STEPS.get(index), track.0.get(index))
        else {
            return series;
        };
        let last = end / step;
        let first = last.saturating_sub(SPAN as u64);
        let mut before = None;
        for tick in first..=last {
            // Where a sample was left out, the next one covers its interval, too.
            let sample = (clock.slot(tick).load(Ordering::Acquire) == tick).then(|| {
                (
                    requests.slot(tick).load(Ordering::Relaxed),
                    bytes.slot(tick).load(Ordering::Relaxed),
                )
            });
            if tick > first {
                let grown = before.zip(sample).map(
                    |((requests, bytes), (now_requests, now_bytes)): ((u64, u64), (u64, u64))| {
                        (now_requests.saturating_sub(requests), now_bytes.saturating_sub(bytes))
                    },
                );
                series.requests.push(grown.map(|(requests, _)| requests));
                series.bytes.push(grown.map(|(_, bytes)| bytes));
            }
            before = sample.or(before);
        }
        series
    }
}

impl Default for SampleClock {
    fn default() -> SampleClock {
        SampleClock::new()
    }
}

impl PartnerSamples {
    /// One without samples.
    #[must_use]
    pub const fn new() -> PartnerSamples {
        PartnerSamples([const { [Ring::new(), Ring::new()] }; STEPS.len()])
    }
}

impl Default for PartnerSamples {
    fn default() -> PartnerSamples {
        PartnerSamples::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(series: &[Option<u64>]) -> (usize, u64) {
        (series.iter().flatten().count(), series.iter().flatten().sum())
    }

    #[test]
    fn nothing_is_known_at_first() {
        let (clock, track) = (SampleClock::new(), PartnerSamples::new());
        let series = clock.read(&track, 0, clock.end(0, 1_000_000));
        assert_eq!(series.requests, vec![None; SPAN]);
    }

    #[test]
    fn what_was_taken_shows_in_its_interval() {
        let (clock, track) = (SampleClock::new(), PartnerSamples::new());
        let start = 1_000_000;
        // Two requests of ten bytes each second, on a counter that came with some.
        for second in 0..301 {
            clock.tick(start + second, || vec![(&track, 500 + 2 * second, 20 * second)]);
        }
        let now = start + 300;
        let end = clock.end(0, now);
        assert_eq!(end, now);
        let fine = clock.read(&track, 0, end);
        assert_eq!(fine.requests, vec![Some(10); SPAN]);
        assert_eq!(fine.bytes, vec![Some(100); SPAN]);
        let coarse = clock.read(&track, 1, clock.end(1, now));
        // The first sample came with the first second, inside of a minute.
        let counted: Vec<u64> = coarse.requests.iter().flatten().copied().collect();
        assert_eq!(counted, [40, 120, 120, 120, 120]);
        assert_eq!(coarse.requests.len(), SPAN);
    }

    #[test]
    fn a_missed_sample_loses_nothing() {
        let (clock, track) = (SampleClock::new(), PartnerSamples::new());
        let start = 1_000_000;
        for (second, total) in [(0, 0), (5, 10), (25, 50), (30, 60)] {
            clock.tick(start + second, || vec![(&track, total, 0)]);
        }
        let series = clock.read(&track, 0, clock.end(0, start + 30));
        assert_eq!(sums(&series.requests), (3, 60));
        assert_eq!(&series.requests[SPAN - 6..], [Some(10), None, None, None, Some(40), Some(10)]);
    }

    #[test]
    fn an_interval_ends_when_it_was_sampled() {
        let (clock, track) = (SampleClock::new(), PartnerSamples::new());
        clock.tick(1_000_000, || vec![(&track, 1, 1)]);
        assert_eq!(clock.end(0, 1_000_004), 1_000_000);
        assert_eq!(clock.end(0, 1_000_005), 1_000_000);
        clock.tick(1_000_005, || vec![(&track, 1, 1)]);
        assert_eq!(clock.end(0, 1_000_005), 1_000_005);
    }

    #[test]
    fn after_a_pause_the_old_is_forgotten() {
        let (clock, track) = (SampleClock::new(), PartnerSamples::new());
        for second in 0..400 {
            clock.tick(1_000_000 + second, || vec![(&track, second, 0)]);
        }
        clock.tick(1_010_000, || vec![(&track, 400, 0)]);
        let series = clock.read(&track, 0, clock.end(0, 1_010_000));
        assert_eq!(sums(&series.requests), (0, 0));
    }

    #[test]
    fn a_counter_that_fell_shows_as_none_taken() {
        let (clock, track) = (SampleClock::new(), PartnerSamples::new());
        clock.tick(1_000_000, || vec![(&track, 9, 9)]);
        clock.tick(1_000_005, || vec![(&track, 3, 3)]);
        let series = clock.read(&track, 0, clock.end(0, 1_000_005));
        assert_eq!(sums(&series.requests), (1, 0));
    }
}
