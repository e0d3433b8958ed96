//! `image-gate usage`

use std::fmt::Write;
use std::ops::Range;
use std::path::PathBuf;

use image_gate_core::key::days::{DayUse, SUFFIX, days_of_month, sum};
use image_gate_core::key::{Date, UsageByDay};

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::{files, time};

/// Prints what partners used of a month, for bills
#[derive(clap::Args)]
pub struct Arguments {
    /// The state file of a zone; of several nodes, that of each, which are added up
    #[arg(value_name = "STATE", required = true)]
    states: Vec<PathBuf>,
    /// The month, in UTC: 2026-11; the current one if left out
    #[arg(long, value_name = "MONTH", value_parser = parse_month)]
    month: Option<Range<u32>>,
    /// Only of this partner
    #[arg(long, value_name = "ID")]
    partner: Option<String>,
    /// A line for each day
    #[arg(long)]
    days: bool,
    /// Comma-separated values, with a line of names
    #[arg(long)]
    csv: bool,
}

fn parse_month(text: &str) -> Result<Range<u32>, String> {
    days_of_month(text).ok_or_else(|| "no month like 2026-11".to_owned())
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let range = match &arguments.month {
        Some(range) => range.clone(),
        None => {
            let Date { year, month, .. } = Date::of(time::now());
            days_of_month(&format!("{year:04}-{month:02}"))
                .ok_or("the clock is wrong, and there is no --month")?
        }
    };
    let (mut usage, mut ever) = (UsageByDay::default(), UsageByDay::default());
    for path in &arguments.states {
        // In this order: see `UsageByDay::add`.
        let state = files::read(path)?;
        let mut kept = path.clone().into_os_string();
        kept.push(SUFFIX);
        let kept = PathBuf::from(kept);
        let kept = if kept.exists() { files::read(&kept)? } else { Vec::new() };
        let failed =
            |error| error_with_code(ExitStatus::Input, format_args!("{}: {error}", path.display()));
        usage.add(&state, &kept, &range).map_err(failed)?;
        if arguments.partner.is_some() {
            ever.add(&state, &kept, &(0..u32::MAX)).map_err(failed)?;
        }
    }
    if let Some(id) = &arguments.partner {
        if !ever.0.contains_key(id) {
            let reason = format!("there is no \"{id}\" who ever used anything");
            return Err(error_with_code(ExitStatus::No, reason));
        }
        usage.0.retain(|known, _| known == id);
    }
    files::print(table(&usage, &range, arguments.days, arguments.csv).as_bytes())
}

/// A line for each partner, or for each of its days.
fn table(usage: &UsageByDay, range: &Range<u32>, by_day: bool, csv: bool) -> String {
    let date = |day: u32| time::format(u64::from(day) * 86_400);
    let month = date(range.start).get(..7).unwrap_or_default().to_owned();
    let mut rows = Vec::new();
    let row = |id: &str, when: &str, requests: u64, bytes: u64| {
        [id.to_owned(), when.to_owned(), requests.to_string(), bytes.to_string()]
    };
    for (id, days) in &usage.0 {
        if by_day {
            rows.extend(days.iter().map(|&DayUse { day, requests, bytes }| {
                row(id, date(day).get(..10).unwrap_or_default(), requests, bytes)
            }));
        } else {
            let (requests, bytes) = sum(days);
            rows.push(row(id, &month, requests, bytes));
        }
    }
    let names = ["partner", if by_day { "day" } else { "month" }, "requests", "bytes"];
    let mut out = String::new();
    if csv {
        // No value has a comma, a quote or a space: see `is_id`.
        for row in [names.map(str::to_owned)].iter().chain(&rows) {
            out.push_str(&row.join(","));
            // As RFC 4180 has it.
            out.push_str("\r\n");
        }
        return out;
    }
    let (requests, bytes) = sum(usage.0.values().flatten());
    let total = row("total", &month, requests, bytes);
    let all: Vec<_> = [names.map(str::to_owned)].into_iter().chain(rows).chain([total]).collect();
    let width = |at: usize| all.iter().filter_map(|row| row.get(at)).map(String::len).max();
    let [id, when, requests, bytes] = [0, 1, 2, 3].map(|at| width(at).unwrap_or(0));
    for [a, b, c, d] in &all {
        let _ = writeln!(out, "{a:id$}  {b:when$}  {c:>requests$}  {d:>bytes$}");
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn tables() {
        let range = days_of_month("2026-11").unwrap();
        let day = |at: u32, requests| DayUse { day: range.start + at, requests, bytes: 7 };
        let mut usage = UsageByDay::default();
        usage.0.insert("acme".into(), vec![day(0, 5), day(29, 1000)]);
        usage.0.insert("b".into(), vec![day(1, 1)]);
        assert_eq!(
            table(&usage, &range, false, true),
            "partner,month,requests,bytes\r\nacme,2026-11,1005,14\r\nb,2026-11,1,7\r\n"
        );
        assert_eq!(
            table(&usage, &range, true, true),
            "partner,day,requests,bytes\r\nacme,2026-11-01,5,7\r\nacme,2026-11-30,1000,7\r\n\
             b,2026-11-02,1,7\r\n"
        );
        assert_eq!(
            table(&usage, &range, false, false),
            "partner  month    requests  bytes\nacme     2026-11      1005     14\n\
             b        2026-11         1      7\ntotal    2026-11      1006     21\n"
        );
        assert_eq!(parse_month("2026-11"), Ok(range.clone()));
        assert!(parse_month("november").is_err());
    }
}
