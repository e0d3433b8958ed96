//! What the exports keep in a zone's memory: atomics for which zero is a valid start.

use std::sync::atomic::{AtomicU64, Ordering};

use image_gate_core::key::history::{PartnerSamples, SampleClock};
use image_gate_core::key::{COUNTERS, Lease, Period, Resource, Totals, WindowCount};

/// A word for each window.
type AtomicWindows = [[AtomicU64; Period::ALL.len()]; Resource::ALL.len()];

/// For all of a zone.
#[repr(C)]
pub struct ZoneExport {
    /// Who exports.
    pub lease: Lease,
    /// When the samples of all tracks were taken.
    pub clock: SampleClock,
}

impl ZoneExport {
    /// One that nobody used.
    #[must_use]
    pub const fn new() -> ZoneExport {
        ZoneExport { lease: Lease::new(), clock: SampleClock::new() }
    }
}

impl Default for ZoneExport {
    fn default() -> ZoneExport {
        ZoneExport::new()
    }
}

/// For one partner.
#[repr(C)]
#[derive(Default)]
pub struct PartnerExport {
    /// What was taken over time.
    pub track: PartnerSamples,
    sent: [AtomicU64; COUNTERS],
    // What the record began with.
    start_totals: [AtomicU64; COUNTERS],
    start_used: AtomicWindows,
}

impl PartnerExport {
    /// Notes what the record begins with, from a state file: that was exported before.
    pub fn begin(
        &self,
        totals: &Totals,
        used: &[[WindowCount; Period::ALL.len()]; Resource::ALL.len()],
    ) {
        let counters = totals.counters();
        for ((sent, start), value) in self.sent.iter().zip(&self.start_totals).zip(counters) {
            sent.store(value, Ordering::Relaxed);
            start.store(value, Ordering::Relaxed);
        }
        for (start, word) in self.start_used.iter().flatten().zip(used.iter().flatten()) {
            start.store(word.0, Ordering::Relaxed);
        }
    }

    /// Notes that counters grew from `was` to `is` by what another instance counted, which
    /// exports it itself.
    pub fn skip(&self, was: &Totals, is: &Totals) {
        for ((sent, was), is) in self.sent.iter().zip(was.counters()).zip(is.counters()) {
            sent.fetch_add(is.saturating_sub(was), Ordering::Relaxed);
        }
    }

    /// Returns what of [`Counter::ALL`](image_gate_core::key::Counter::ALL) was sent to statsd.
    #[must_use]
    pub fn sent(&self) -> [u64; COUNTERS] {
        self.sent.each_ref().map(|sent| sent.load(Ordering::Relaxed))
    }

    /// Notes that so much more of a counter was sent.
    pub fn advance(&self, counter: usize, by: u64) {
        if let Some(sent) = self.sent.get(counter) {
            sent.fetch_add(by, Ordering::Relaxed);
        }
    }

    /// Returns the totals that the record began with; without times.
    #[must_use]
    pub fn start_totals(&self) -> Totals {
        let [requests, r1, r2, r3, r4, r5, bytes_sent, bytes_received, refused] =
            self.start_totals.each_ref().map(|start| start.load(Ordering::Relaxed));
        Totals {
            requests,
            responses: [r1, r2, r3, r4, r5],
            bytes_sent,
            bytes_received,
            refused,
            ..Totals::default()
        }
    }

    /// Returns what of the window that `time` lies in had been used when the record began.
    #[must_use]
    pub fn start_used(&self, what: Resource, per: Period, time: u64) -> u64 {
        self.start_used
            .get(what.index())
            .and_then(|row| row.get(per.index()))
            .map_or(0, |word| WindowCount(word.load(Ordering::Relaxed)).count(per, time))
    }
}
