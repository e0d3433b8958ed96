//! What is shown of a zone with many partners: some of them, in an order, and sums of all.

use std::cmp::Ordering;

use super::history::Series;
use super::report::{PartnerReport, Report};

/// The most partners of a page.
pub const LONGEST: usize = 500;
/// How many are told apart in a plot.
const BUSIEST: usize = 6;

/// What partners are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The name.
    Id,
    /// Requests.
    #[default]
    Requests,
    /// Requests in the last interval of the history.
    Rate,
    /// Bytes sent.
    BytesSent,
    /// Responses of 4xx and 5xx.
    Errors,
    /// Requests that a quota refused.
    Refused,
    /// The share of the quota that is used most.
    Quota,
    /// The last request.
    LastUse,
}

impl Sort {
    /// That of a name, as a request has it.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Sort> {
        Some(match name {
            b"id" => Sort::Id,
            b"requests" => Sort::Requests,
            b"rate" => Sort::Rate,
            b"bytes_sent" => Sort::BytesSent,
            b"errors" => Sort::Errors,
            b"refused" => Sort::Refused,
            b"quota" => Sort::Quota,
            b"last" => Sort::LastUse,
            _ => return None,
        })
    }
}

/// Which partners are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Of the pages, from 1.
    pub page: usize,
    /// How many partners it has, at most [`LONGEST`].
    pub limit: usize,
    /// In which order they are.
    pub sort: Sort,
    /// Whether the largest comes first.
    pub descending: bool,
    /// What is in their names, in small letters.
    pub filter: String,
    /// Partners that have not changed since this time are only named.
    pub since: Option<u64>,
}

impl Default for Selection {
    fn default() -> Selection {
        let (sort, filter) = (Sort::default(), String::new());
        Selection { page: 1, limit: 50, sort, descending: true, filter, since: None }
    }
}

/// What was selected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Its number and how many partners it may have.
    pub number: usize,
    /// See [`Selection::limit`].
    pub limit: usize,
    /// How many partners there are with such a name.
    pub matching: usize,
    /// The places of the partners in the report, and whether they changed.
    pub partners: Vec<(usize, bool)>,
    /// The places of those who took most over the time of the history.
    pub busiest: Vec<usize>,
    /// Of all partners.
    pub sums: Sums,
}

/// Sums of all partners of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Partners.
    pub partners: usize,
    /// Those that made a request within the time of the history.
    pub active: usize,
    /// Those of which a request was refused.
    pub limited: usize,
    /// Requests.
    pub requests: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Requests that a quota refused.
    pub refused: u64,
    /// What all took over time.
    pub history: Option<Series>,
}

/// What is needed of each partner to put them in order.
struct SortEntry {
    place: usize,
    key: u128,
    volume: u64,
}

impl Selection {
    /// Selects from a report; `series` gives the history of the partner at a place in it, where
    /// there is one.
    #[must_use]
    pub fn of(&self, report: &Report, series: impl Fn(usize) -> Option<Series>) -> Page {
        let mut sums = Sums { partners: report.partners.len(), ..Sums::default() };
        let mut entries = Vec::new();
        for (place, partner) in report.partners.iter().enumerate() {
            let history = series(place);
            sums.add(partner, history.as_ref());
            let volume = history.as_ref().map_or(0, |series| sum(&series.bytes));
            let key = self.key(partner, history.as_ref());
            entries.push(SortEntry { place, key, volume });
        }
        let id = |place: usize| report.partners.get(place).map_or("", |partner| &partner.id);
        let requests =
            |place: usize| report.partners.get(place).map_or(0, |partner| partner.totals.requests);
        let by_volume = |one: &SortEntry, other: &SortEntry| {
            let [a, b] = [one, other].map(|entry| (entry.volume, requests(entry.place)));
            b.cmp(&a).then_with(|| id(one.place).cmp(id(other.place)))
        };
        first(&mut entries, BUSIEST, by_volume);
        let busiest = entries.iter().take(BUSIEST).map(|entry| entry.place).collect();

        entries.retain(|entry| {
            self.filter.is_empty() || id(entry.place).to_ascii_lowercase().contains(&self.filter)
        });
        let matching = entries.len();
        let start = self.page.saturating_sub(1).saturating_mul(self.limit);
        let by_key = |one: &SortEntry, other: &SortEntry| {
            let ids = || id(one.place).cmp(id(other.place));
            let order = match self.sort {
                Sort::Id => ids(),
                _ => one.key.cmp(&other.key),
            };
            (if self.descending { order.reverse() } else { order }).then_with(ids)
        };
        first(&mut entries, start.saturating_add(self.limit), by_key);
        let partners = entries.iter().skip(start).take(self.limit).map(|entry| {
            let changed =
                report.partners.get(entry.place).is_none_or(|partner| self.changed(partner));
            (entry.place, changed)
        });
        let partners = partners.collect();
        Page { number: self.page, limit: self.limit, matching, partners, busiest, sums }
    }

    fn key(&self, partner: &PartnerReport, history: Option<&Series>) -> u128 {
        let totals = &partner.totals;
        let key = match self.sort {
            Sort::Id => 0,
            Sort::Requests => totals.requests,
            Sort::Rate => history
                .and_then(|series| series.requests.iter().rev().take(3).find_map(|&value| value))
                .unwrap_or(0),
            Sort::BytesSent => totals.bytes_sent,
            Sort::Errors => totals.responses[3].saturating_add(totals.responses[4]),
            Sort::Refused => totals.refused,
            Sort::Quota => return quota(partner),
            Sort::LastUse => totals.last_use,
        };
        key.into()
    }

    /// Whether a partner may have changed since the time that is asked for.
    fn changed(&self, partner: &PartnerReport) -> bool {
        self.since.is_none_or(|since| {
            partner.totals.last_use >= since
                || partner.windows.iter().any(|window| window.remote > 0 || window.start >= since)
        })
    }
}

/// The largest share of a quota that is used, in billionths and one more; 0 without a quota.
fn quota(partner: &PartnerReport) -> u128 {
    let shares = partner.windows.iter().filter_map(|window| {
        let limit = window.limit.filter(|&limit| limit > 0)?;
        Some(u128::from(window.total()) * 1_000_000_000 / u128::from(limit) + 1)
    });
    shares.max().unwrap_or(0)
}

/// Puts the first `count` in order, and the rest behind them.
fn first(
    entries: &mut [SortEntry],
    count: usize,
    order: impl Fn(&SortEntry, &SortEntry) -> Ordering,
) {
    if count > 0 && count < entries.len() {
        entries.select_nth_unstable_by(count - 1, &order);
    }
    let count = count.min(entries.len());
    if let Some(first) = entries.get_mut(..count) {
        first.sort_unstable_by(&order);
    }
}

fn sum(values: &[Option<u64>]) -> u64 {
    values.iter().flatten().sum()
}

impl Sums {
    fn add(&mut self, partner: &PartnerReport, history: Option<&Series>) {
        let totals = &partner.totals;
        self.requests = self.requests.saturating_add(totals.requests);
        self.bytes_sent = self.bytes_sent.saturating_add(totals.bytes_sent);
        self.refused = self.refused.saturating_add(totals.refused);
        self.limited += usize::from(totals.refused > 0);
        let Some(history) = history else { return };
        self.active += usize::from(sum(&history.requests) > 0);
        match &mut self.history {
            None => self.history = Some(history.clone()),
            Some(all) => {
                add(&mut all.requests, &history.requests);
                add(&mut all.bytes, &history.bytes);
            }
        }
    }
}

fn add(all: &mut [Option<u64>], more: &[Option<u64>]) {
    for (all, more) in all.iter_mut().zip(more) {
        if let Some(more) = more {
            *all = Some(all.unwrap_or(0).saturating_add(*more));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::report::Totals;

    fn report(count: u64) -> Report {
        let partners = (0..count).map(|at| PartnerReport {
            id: format!("p-{at:06}"),
            totals: Totals { requests: at % 1000, last_use: at, ..Totals::default() },
            ..PartnerReport::default()
        });
        Report { partners: partners.collect(), ..Report::default() }
    }

    fn ids(selection: &Selection, report: &Report) -> Vec<String> {
        let page = selection.of(report, |_| None);
        page.partners.iter().map(|&(at, _)| report.partners[at].id.clone()).collect()
    }

    #[test]
    fn pages_are_all_there_is_in_order() {
        let report = report(2345);
        for (sort, descending) in [(Sort::Requests, true), (Sort::Id, false), (Sort::LastUse, true)]
        {
            let mut all = Vec::new();
            for page in 1..=48 {
                let selection = Selection { page, sort, descending, ..Selection::default() };
                all.extend(ids(&selection, &report));
            }
            assert_eq!(all.len(), 2345);
            let mut expected: Vec<_> = report.partners.iter().collect();
            expected.sort_by_key(|p| p.id.clone());
            match sort {
                Sort::Requests => expected.sort_by_key(|p| std::cmp::Reverse(p.totals.requests)),
                Sort::LastUse => expected.sort_by_key(|p| std::cmp::Reverse(p.totals.last_use)),
                _ => (),
            }
            assert!(all.iter().eq(expected.iter().map(|p| &p.id)));
        }
        let beyond = Selection { page: usize::MAX, ..Selection::default() };
        assert!(ids(&beyond, &report).is_empty());
    }

    #[test]
    fn names_are_filtered_and_sums_are_of_all() {
        let report = report(2000);
        let selection = Selection {
            filter: "p-00012".into(),
            sort: Sort::Id,
            descending: false,
            ..Selection::default()
        };
        let series = |at| {
            let requests = vec![None, Some(at as u64), Some(1)];
            Some(Series { bytes: requests.clone(), requests })
        };
        let page = selection.of(&report, series);
        assert_eq!((page.matching, page.partners.len()), (10, 10));
        assert_eq!(page.sums.partners, 2000);
        assert_eq!(page.sums.requests, 2 * 499_500);
        let sums = page.sums.history.unwrap();
        assert_eq!(sums.requests, [None, Some(1999 * 1000), Some(2000)]);
        assert_eq!(page.busiest, [1999, 1998, 1997, 1996, 1995, 1994]);
    }

    #[test]
    fn what_has_not_changed_is_said() {
        let report = report(10);
        let selection =
            Selection { since: Some(7), sort: Sort::Id, descending: false, ..Selection::default() };
        let page = selection.of(&report, |_| None);
        let changed: Vec<_> =
            page.partners.iter().filter(|(_, changed)| *changed).map(|&(at, _)| at).collect();
        assert_eq!(changed, [7, 8, 9]);
    }
}
