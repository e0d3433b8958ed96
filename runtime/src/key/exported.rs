//! What the exports keep in a zone's memory: atomics for which zero is a valid start.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use image_gate_core::key::history::{PartnerSamples, SampleClock};
use image_gate_core::key::{Account, COUNTERS, Lease, Period, Resource, Totals, WindowCount};

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
    // What of the counts is not the record's own: what it began with, and what it took over.
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

    /// Notes that counters are to grow from `was` to `is` by what another instance counted, which
    /// exports it itself. Who exports reads the counters first and this afterwards (see
    /// [`after_counters`](PartnerExport::after_counters)), and so takes nothing of it for the
    /// record's own.
    pub fn skip(&self, was: &Account, is: &Account) {
        let counters = was.totals.counters().into_iter().zip(is.totals.counters());
        for ((sent, start), (was, is)) in self.sent.iter().zip(&self.start_totals).zip(counters) {
            let growth = is.saturating_sub(was);
            sent.fetch_add(growth, Ordering::Relaxed);
            start.fetch_add(growth, Ordering::Relaxed);
        }
        let rows = self.start_used.iter().zip(was.windows.iter().zip(&is.windows));
        for (row, (was, is)) in rows {
            for ((start, per), (was, is)) in row.iter().zip(Period::ALL).zip(was.iter().zip(is)) {
                let known = WindowCount(start.load(Ordering::Relaxed));
                start.store(is.grown_part(per, *was, known).0, Ordering::Relaxed);
            }
        }
        fence(Ordering::Release);
    }

    /// To be called between reading counters and what of them was exported, or is not the record's
    /// own.
    pub fn after_counters() {
        fence(Ordering::Acquire);
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

    /// Notes that what [`advance`](PartnerExport::advance) noted did not arrive.
    pub fn take_back(&self, counter: usize, by: u64) {
        if let Some(sent) = self.sent.get(counter) {
            sent.fetch_sub(by, Ordering::Relaxed);
        }
    }

    /// Returns what of the totals is not the record's own; without times.
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

    /// Returns what of the use of the window that `time` lies in is not the record's own.
    #[must_use]
    pub fn start_used(&self, what: Resource, per: Period, time: u64) -> u64 {
        self.start_used
            .get(what.index())
            .and_then(|row| row.get(per.index()))
            .map_or(0, |word| WindowCount(word.load(Ordering::Relaxed)).count(per, time))
    }
}
