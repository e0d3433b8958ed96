//! Counters of several nodes, added up in Redis.
//!
//! A counter is a hash with a field for each node. A node sends what it counted in all, never
//! what it counted since, to a script that knows what it said before: whether a reply was lost,
//! or the request before it, the node just sends again. What the script answers is the sum of the
//! other nodes.

use std::collections::HashMap;
use std::time::Duration;

use super::counter::{COUNTERS, Counter};
use super::report::{PartnerReport, QuotaWindow, Report};
use super::window::{Period, Resource};

/// The script, for `EVAL` with the keys of a batch.
pub const SCRIPT: &str = include_str!("redis.lua");

/// Keys in one call of the script, which holds up all other clients of Redis while it runs.
const BATCH: usize = 128;
/// How long a window is kept after its end, at least, in seconds.
const KEEP: u64 = 300;
/// How many exchanges it takes until totals that did not change are sent again, as Redis may have
/// lost them and still answer.
const AGAIN: u32 = 60;
/// The longest pause between attempts.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A counter to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterEntry {
    /// The hash in Redis.
    pub key: String,
    /// What the node counted.
    pub value: u64,
    /// How much of it this life of the node counted itself: neither what it began with nor what it
    /// took over from others, who tell of that themselves.
    pub own: u64,
    /// When Redis forgets it, in seconds since 1970; 0 is never.
    pub expires: u64,
    /// Which partner of the report.
    pub partner: usize,
    /// What the answer is good for.
    pub what: What,
}

/// What a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// One of [`Counter::ALL`].
    Total(usize),
    /// One of the partner's windows.
    Window(usize),
}

type WindowKey<'a> = (&'a str, Resource, Period, u64);

/// What a node knows of its exchange with Redis.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// Totals that Redis has for sure.
    known: HashMap<String, [u64; COUNTERS]>,
    /// How many exchanges there were since all of them were sent.
    since_all: u32,
    failures: u32,
}

impl Exchange {
    /// The counters of `report` to be sent, in batches for one call of the script each; `start` is
    /// what of the report this life of the node did not count itself.
    ///
    /// Totals are sent when they changed, and now and then; windows of quotas always, as the other
    /// nodes' share may have changed. Windows of a second are not shared: they are over before
    /// anyone could answer.
    pub fn batches(&self, zone: &str, report: &Report, start: &Report) -> Vec<Vec<CounterEntry>> {
        let totals: HashMap<&str, [u64; COUNTERS]> =
            start.partners.iter().map(|p| (p.id.as_str(), p.totals.counters())).collect();
        let windows: HashMap<WindowKey<'_>, u64> = start
            .partners
            .iter()
            .flat_map(|p| p.windows.iter().map(|w| (window_key(p, w), w.used)))
            .collect();
        let mut entries = Vec::new();
        for (index, partner) in report.partners.iter().enumerate() {
            let id = &partner.id;
            let values = partner.totals.counters();
            let known = self.known.get(id);
            for (counter, what) in Counter::ALL.iter().enumerate() {
                let value = values.get(counter).copied().unwrap_or_default();
                if value == 0 || known.and_then(|known| known.get(counter)) == Some(&value) {
                    continue;
                }
                let class = what.class.map(|class| format!(":{class}")).unwrap_or_default();
                let start = totals.get(id.as_str()).and_then(|totals| totals.get(counter));
                entries.push(CounterEntry {
                    key: format!("access_key:{{{zone}}}:{id}:{}{class}", what.name),
                    value,
                    own: value.saturating_sub(start.copied().unwrap_or_default()),
                    expires: 0,
                    partner: index,
                    what: What::Total(counter),
                });
            }
            for (at, window) in partner.windows.iter().enumerate() {
                if window.per == Period::Second || window.limit.is_none() {
                    continue;
                }
                let (what, per, begins) = (window.what.name(), window.per.name(), window.start);
                let start = windows.get(&window_key(partner, window)).copied().unwrap_or_default();
                entries.push(CounterEntry {
                    key: format!("access_key:{{{zone}}}:{id}:{what}:{per}:{begins}"),
                    value: window.used,
                    own: window.used.saturating_sub(start),
                    expires: (window.per.end(begins))
                        .map_or(0, |end| end + (end - begins).max(KEEP)),
                    partner: index,
                    what: What::Window(at),
                });
            }
        }
        entries.chunks(BATCH).map(<[CounterEntry]>::to_vec).collect()
    }

    /// Notes that all batches of `report` were answered.
    pub fn succeeded(&mut self, report: &Report) {
        self.failures = 0;
        self.since_all += 1;
        self.known = match self.since_all {
            AGAIN.. => {
                self.since_all = 0;
                HashMap::new()
            }
            _ => report.partners.iter().map(|p| (p.id.clone(), p.totals.counters())).collect(),
        };
    }

    /// Notes that a batch was not answered. Totals are sent again, as Redis may come back with
    /// less than it had. Returns the pause before the next attempt.
    pub fn failed(&mut self, interval: Duration) -> Duration {
        self.known.clear();
        let pause = interval.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        pause.min(MAX_PAUSE.max(interval))
    }
}

fn window_key<'a>(partner: &'a PartnerReport, window: &QuotaWindow) -> WindowKey<'a> {
    (&partner.id, window.what, window.per, window.start)
}

/// The arguments of the script for a batch, after its keys. `life` tells one life of the node's
/// counters from the next.
#[must_use]
pub fn arguments(node: &str, life: u64, batch: &[CounterEntry]) -> Vec<String> {
    let mut arguments = vec![node.to_owned(), life.to_string()];
    for entry in batch {
        arguments.extend([
            entry.value.to_string(),
            entry.own.to_string(),
            entry.expires.to_string(),
        ]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::samples::zone;

    /// With limits in both windows.
    fn sample() -> Report {
        let mut report = zone().report;
        report.partners[0].windows[1].limit = Some(1 << 30);
        report
    }

    fn entries(exchange: &Exchange, report: &Report) -> Vec<CounterEntry> {
        exchange.batches("z", report, &Report::default()).concat()
    }

    #[test]
    fn absolute_values_under_one_key_each() {
        let report = sample();
        let found = entries(&Exchange::default(), &report);
        let short: Vec<_> = found.iter().map(|e| (e.key.as_str(), e.value, e.what)).collect();
        assert_eq!(
            short,
            [
                ("access_key:{z}:acme.press:requests", 120, What::Total(0)),
                ("access_key:{z}:acme.press:responses:2xx", 100, What::Total(2)),
                ("access_key:{z}:acme.press:responses:3xx", 5, What::Total(3)),
                ("access_key:{z}:acme.press:responses:4xx", 14, What::Total(4)),
                ("access_key:{z}:acme.press:responses:5xx", 1, What::Total(5)),
                ("access_key:{z}:acme.press:bytes_sent", 9_000_000_000, What::Total(6)),
                ("access_key:{z}:acme.press:bytes_received", 24_000, What::Total(7)),
                ("access_key:{z}:acme.press:refused", 7, What::Total(8)),
                ("access_key:{z}:acme.press:requests:hour:1764039600", 60, What::Window(0)),
                ("access_key:{z}:acme.press:bytes:hour:1764039600", 5, What::Window(1)),
            ]
        );
        assert!(found.iter().all(|entry| entry.partner == 0));
    }

    #[test]
    fn windows_expire_and_totals_do_not() {
        let found = entries(&Exchange::default(), &sample());
        assert_eq!(found[0].expires, 0);
        // An hour after the window's end.
        assert_eq!(found[8].expires, 1_764_039_600 + 2 * 3600);
        let mut report = sample();
        let credit = &mut report.partners[0].windows[0];
        (credit.per, credit.start) = (Period::Total, 0);
        let credit = &entries(&Exchange::default(), &report)[8];
        assert_eq!(credit.key, "access_key:{z}:acme.press:requests:total:0");
        assert_eq!((credit.value, credit.expires), (60, 0));
    }

    #[test]
    fn what_the_node_came_with_is_not_its_own() {
        let mut report = sample();
        let start = report.clone();
        report.partners[0].totals.requests += 5;
        report.partners[0].windows[0].used += 5;
        report.partners[0].windows[1].start += 3600;
        let found = Exchange::default().batches("z", &report, &start).concat();
        assert_eq!((found[0].value, found[0].own), (125, 5));
        assert_eq!((found[8].value, found[8].own), (65, 5));
        // A window that began since then was empty at the start.
        assert_eq!((found[9].value, found[9].own), (5, 5));
    }

    #[test]
    fn totals_go_out_when_they_change_and_windows_always() {
        let mut exchange = Exchange::default();
        let mut report = sample();
        assert_eq!(entries(&exchange, &report).len(), 10);
        assert_eq!(entries(&exchange, &report).len(), 10, "until they were answered");
        exchange.succeeded(&report);
        assert_eq!(entries(&exchange, &report).len(), 2);
        report.partners[0].totals.refused += 1;
        assert_eq!(entries(&exchange, &report).len(), 3);
        exchange.failed(Duration::from_secs(1));
        assert_eq!(entries(&exchange, &report).len(), 10, "Redis may have lost them");
        // Also where it lost them and nobody noticed.
        let exchanges = 2 * AGAIN;
        let all = (0..exchanges).filter(|_| {
            let count = entries(&exchange, &report).len();
            exchange.succeeded(&report);
            count == 10
        });
        assert_eq!(all.count(), 3);
    }

    #[test]
    fn seconds_and_what_is_not_limited_are_not_shared() {
        let mut report = sample();
        report.partners[0].windows[0].per = Period::Second;
        assert_eq!(entries(&Exchange::default(), &report).len(), 9);
        report.partners[0].windows[1].limit = None;
        assert_eq!(entries(&Exchange::default(), &report).len(), 8);
    }

    #[test]
    fn batches_are_bounded() {
        let mut report = sample();
        let partner = report.partners[0].clone();
        report.partners =
            (0..100).map(|i| PartnerReport { id: format!("p{i}"), ..partner.clone() }).collect();
        let batches = Exchange::default().batches("z", &report, &Report::default());
        assert_eq!(batches.concat().len(), 1000);
        assert!(batches.iter().all(|batch| batch.len() <= BATCH));
    }

    #[test]
    fn arguments_follow_the_keys() {
        let batch = &Exchange::default().batches("z", &sample(), &Report::default())[0];
        let arguments = arguments("node-a", 42, batch);
        assert_eq!(arguments.len(), 2 + 3 * batch.len());
        assert_eq!(&arguments[..5], ["node-a", "42", "120", "120", "0"]);
    }

    #[test]
    fn pauses_grow_and_end() {
        let mut exchange = Exchange::default();
        let interval = Duration::from_secs(1);
        let pauses: Vec<u64> = (0..8).map(|_| exchange.failed(interval).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
        exchange.succeeded(&sample());
        assert_eq!(exchange.failed(interval).as_secs(), 1);
        let long = Duration::from_secs(60);
        assert_eq!(exchange.failed(long), long);
    }
}
