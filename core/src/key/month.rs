//! What partners used of a month: a page of it, and all of it for other programs.

use std::fmt::Write;

use super::date::Date;
use super::days::sum;
use super::page::{Selection, Sort};
use super::usage::UsageByDay;

/// A month of a zone, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Month {
    /// `2026-11`.
    pub name: String,
    /// The partners of the page with their requests and bytes.
    pub partners: Vec<(String, u64, u64)>,
    /// How many partners there are with such a name that used anything.
    pub matching: usize,
    /// Requests and bytes of these.
    pub sums: (u64, u64),
}

/// The name of the month that a time lies in.
#[must_use]
pub fn month_name(time: u64) -> String {
    let Date { year, month, .. } = Date::of(time);
    format!("{year:04}-{month:02}")
}

impl Month {
    /// Those of the partners that are asked for. Orders by what months do not know are by bytes.
    #[must_use]
    pub fn of(name: &str, usage: &UsageByDay, selection: &Selection) -> Month {
        let is_meant = |id: &str| {
            selection.filter.is_empty() || id.to_ascii_lowercase().contains(&selection.filter)
        };
        let rows = usage.0.iter().filter(|(id, _)| is_meant(id)).map(|(id, days)| {
            let (requests, bytes) = sum(days);
            (id.clone(), requests, bytes)
        });
        let mut rows: Vec<_> = rows.collect();
        let sums = rows.iter().fold((0u64, 0u64), |(requests, bytes), row| {
            (requests.saturating_add(row.1), bytes.saturating_add(row.2))
        });
        rows.sort_unstable_by(|one, other| {
            let order = match selection.sort {
                Sort::Id => one.0.cmp(&other.0),
                Sort::Requests => one.1.cmp(&other.1),
                _ => one.2.cmp(&other.2),
            };
            let order = if selection.descending { order.reverse() } else { order };
            order.then_with(|| one.0.cmp(&other.0))
        });
        let start = selection.page.saturating_sub(1).saturating_mul(selection.limit);
        let matching = rows.len();
        let partners = rows.into_iter().skip(start).take(selection.limit).collect();
        Month { name: name.to_owned(), partners, matching, sums }
    }
}

/// Comma-separated values, as RFC 4180 has them: what each partner of each zone used.
#[must_use]
pub fn month_csv<'a>(name: &str, zones: impl Iterator<Item = (&'a str, &'a UsageByDay)>) -> String {
    let mut out = "zone,partner,month,requests,bytes\r\n".to_owned();
    for (zone, usage) in zones {
        for (id, days) in &usage.0 {
            let (requests, bytes) = sum(days);
            // Neither name has a comma, a quote or a space: see `is_id`.
            let _ = write!(out, "{zone},{id},{name},{requests},{bytes}\r\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::days::DayUse;
    use super::*;

    fn usage() -> UsageByDay {
        let mut usage = UsageByDay::default();
        for (at, id) in ["a", "b", "c", "press-1"].iter().enumerate() {
            let number = at as u64;
            let day = DayUse { day: 1, requests: 10 - number, bytes: number };
            usage.0.insert((*id).to_owned(), vec![day, DayUse { day: 2, ..day }]);
        }
        usage
    }

    #[test]
    fn a_page_of_a_month() {
        let selection = Selection { limit: 2, sort: Sort::BytesSent, ..Selection::default() };
        let month = Month::of("2026-11", &usage(), &selection);
        assert_eq!((month.matching, month.sums), (4, (68, 12)));
        assert_eq!(month.partners, [("press-1".to_owned(), 14, 6), ("c".to_owned(), 16, 4)]);
        let second = Month::of("2026-11", &usage(), &Selection { page: 2, ..selection.clone() });
        assert_eq!(second.partners[0].0, "b");
        let found =
            Month::of("2026-11", &usage(), &Selection { filter: "press".into(), ..selection });
        assert_eq!((found.matching, found.sums), (1, (14, 6)));
    }

    #[test]
    fn a_month_for_other_programs() {
        let usage = usage();
        let csv = month_csv("2026-11", [("z", &usage)].into_iter());
        assert!(
            csv.starts_with("zone,partner,month,requests,bytes\r\nz,a,2026-11,20,0\r\n"),
            "{csv}"
        );
        assert_eq!(csv.lines().count(), 5);
        assert_eq!(month_name(1_798_675_200), "2026-12");
    }
}
