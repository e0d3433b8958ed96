//! What one partner is shown of itself: as JSON, and as a page without a script.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use serde::Serialize;

use super::date::Date;
use super::days::{DayUse, sum};
use super::history::Series;
use super::json::{DayView, PartnerView, SeriesView, day_views, partner_view, series_view};
use super::report::{PartnerReport, QuotaWindow};
use super::window::Resource;

/// How many days are plotted.
const PLOTTED: usize = 31;

/// One partner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnUsage {
    /// Seconds since 1970, UTC.
    pub time: u64,
    /// Its numbers.
    pub partner: PartnerReport,
    /// What it took in the last minutes: the length of an interval in seconds, and when the last one
    /// ended.
    pub history: Vec<(u64, u64, Series)>,
    /// What it used of each day, in order.
    pub days: Vec<DayUse>,
}

#[derive(Serialize)]
struct DocumentView<'a> {
    time: u64,
    #[serde(flatten)]
    partner: PartnerView<'a>,
    intervals: Vec<IntervalsView<'a>>,
    days: Vec<DayView>,
}

#[derive(Serialize)]
struct IntervalsView<'a> {
    step: u64,
    end: u64,
    #[serde(flatten)]
    series: SeriesView<'a>,
}

/// `2026-11-28`.
fn date(time: u64) -> String {
    Date::of(time).to_string()
}

/// The partner as a JSON object.
#[must_use]
pub fn own_json(usage: &OwnUsage) -> String {
    let intervals = usage.history.iter().map(|(step, end, series)| IntervalsView {
        step: *step,
        end: *end,
        series: series_view(series),
    });
    let document = DocumentView {
        time: usage.time,
        partner: partner_view(&usage.partner, None),
        intervals: intervals.collect(),
        days: day_views(&usage.days),
    };
    // Writing strings and numbers to memory does not fail.
    serde_json::to_string(&document).unwrap_or_default()
}

/// The partner as a page.
#[must_use]
pub fn own_html(usage: &OwnUsage) -> String {
    let mut page = String::new();
    // Writing to memory does not fail.
    let _ = write_page(&mut page, usage);
    page
}

fn write_page(out: &mut String, usage: &OwnUsage) -> fmt::Result {
    let (partner, totals) = (&usage.partner, &usage.partner.totals);
    let id = Escaped(&partner.id);
    let style = include_str!("own_usage.css");
    let seconds = usage.time % 86_400;
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>Usage of {id}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{style}</style>\n\
         <header><h1>{id}</h1><p class=\"soft\">as of {} {:02}:{:02}:{:02} UTC</p></header>\n<main>\n",
        date(usage.time),
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
    )?;
    write_quotas(out, &partner.windows, usage.time)?;
    let [_, _, _, client_errors, server_errors] = totals.responses;
    let tiles = [
        ("Requests", Count(totals.requests).to_string()),
        ("Sent", Bytes(totals.bytes_sent).to_string()),
        ("Received", Bytes(totals.bytes_received).to_string()),
        ("Errors", Count(client_errors.saturating_add(server_errors)).to_string()),
        ("Refused by quota", Count(totals.refused).to_string()),
    ];
    out.push_str("<section><h2>In all</h2><dl>");
    for (name, value) in tiles {
        write!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
    }
    out.push_str("</dl></section>\n");
    if let Some((step, end, series)) = usage.history.last() {
        let since = end.saturating_sub(step * series.requests.len() as u64);
        let ends = [clock(since), format!("{} UTC", clock(*end))];
        let values =
            |list: &[Option<u64>]| list.iter().map(|value| value.unwrap_or(0)).collect::<Vec<_>>();
        write!(
            out,
            "<section><h2>The last {} minutes</h2><div class=\"plots\">",
            step * series.requests.len() as u64 / 60
        )?;
        write_plot(out, "Requests", &values(&series.requests), &ends, |n| Count(n).to_string())?;
        write_plot(out, "Bytes sent", &values(&series.bytes), &ends, |n| Bytes(n).to_string())?;
        out.push_str("</div></section>\n");
    }
    write_days(out, &usage.days)?;
    out.push_str("</main>\n");
    Ok(())
}

fn clock(time: u64) -> String {
    format!("{:02}:{:02}", time / 3_600 % 24, time / 60 % 60)
}

fn write_quotas(out: &mut String, windows: &[QuotaWindow], time: u64) -> fmt::Result {
    out.push_str("<section><h2>Quotas</h2>");
    let mut has_any = false;
    for window in windows {
        let Some(limit) = window.limit else { continue };
        has_any = true;
        let show = |number: u64| match window.what {
            Resource::Requests => Count(number).to_string(),
            Resource::Bytes => Bytes(number).to_string(),
        };
        let used = window.total();
        let percent = u128::from(used) * 100 / u128::from(limit.max(1));
        let level = match percent {
            100.. => "bad",
            80.. => "warn",
            _ => "good",
        };
        let (within, rest) = match window.per.end(window.start) {
            None => ("in all".to_owned(), "paid ahead".to_owned()),
            Some(end) => (
                format!("per {}", window.per.name()),
                format!("a new {} begins in {}", window.per.name(), Span(end.saturating_sub(time))),
            ),
        };
        write!(
            out,
            "<div class=\"quota\"><p><span>{} {within}</span><span>{} of {}</span></p>\
             <div class=\"bar\" data-level=\"{level}\"><i style=\"width:{}%\"></i></div>\
             <p class=\"soft\"><span>{percent}% used</span><span>{rest}</span></p></div>",
            window.what.name(),
            show(used),
            show(limit),
            percent.min(100),
        )?;
    }
    if !has_any {
        out.push_str("<p class=\"soft\">There are none.</p>");
    }
    out.push_str("</section>\n");
    Ok(())
}

fn write_days(out: &mut String, days: &[DayUse]) -> fmt::Result {
    let Some(last) = days.last() else { return Ok(()) };
    // Also the days on which nothing was used.
    let first = last.day.saturating_sub(PLOTTED as u32 - 1);
    let plotted = |of: fn(&DayUse) -> u64| {
        (first..=last.day)
            .map(|day| days.iter().find(|used| used.day == day).map_or(0, of))
            .collect::<Vec<u64>>()
    };
    let ends = [date(u64::from(first) * 86_400), date(last.start())];
    out.push_str("<section><h2>By day</h2><div class=\"plots\">");
    write_plot(out, "Requests", &plotted(|day| day.requests), &ends, |n| Count(n).to_string())?;
    write_plot(out, "Bytes sent", &plotted(|day| day.bytes), &ends, |n| Bytes(n).to_string())?;
    out.push_str(
        "</div></section>\n<section><h2>By month</h2><table><thead><tr><th scope=\"col\">Month</th>\
        <th scope=\"col\">Requests</th><th scope=\"col\">Sent</th></tr></thead><tbody>",
    );
    let mut months: BTreeMap<String, Vec<DayUse>> = BTreeMap::new();
    for day in days {
        let month = date(day.start()).get(..7).unwrap_or_default().to_owned();
        months.entry(month).or_default().push(*day);
    }
    for (month, days) in months.iter().rev() {
        write_row(out, month, sum(days))?;
    }
    out.push_str("</tbody></table>");
    for (at, (month, days)) in months.iter().rev().enumerate() {
        let open = if at == 0 { " open" } else { "" };
        write!(out, "<details{open}><summary>Days of {month}</summary><table><tbody>")?;
        for day in days.iter().rev() {
            write_row(out, &date(day.start()), (day.requests, day.bytes))?;
        }
        out.push_str("</tbody></table></details>");
    }
    out.push_str("</section>\n");
    Ok(())
}

fn write_row(out: &mut String, name: &str, (requests, bytes): (u64, u64)) -> fmt::Result {
    write!(
        out,
        "<tr><th scope=\"row\">{name}</th><td>{}</td><td title=\"{bytes}\">{}</td></tr>",
        Count(requests),
        Bytes(bytes)
    )
}

/// Bars, with what the highest of them stands for.
fn write_plot(
    out: &mut String,
    name: &str,
    values: &[u64],
    ends: &[String; 2],
    show: impl Fn(u64) -> String,
) -> fmt::Result {
    const HEIGHT: u64 = 100;
    let most = values.iter().copied().max().unwrap_or(0);
    write!(
        out,
        "<figure style=\"margin:0\"><h3>{name} <span class=\"soft\">at most {}</span></h3>\
         <svg viewBox=\"0 0 {} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{name}\"><line x1=\"0\" x2=\"100%\" y1=\"100\" y2=\"100\"/>",
        show(most),
        10 * values.len(),
    )?;
    for (at, &value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
        // At least a line, however small.
        let height = (u128::from(value) * u128::from(HEIGHT) / u128::from(most.max(1))).max(1);
        write!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"{height}\"><title>{}</title></rect>",
            10 * at + 1,
            u128::from(HEIGHT) - height,
            show(value)
        )?;
    }
    let [start, end] = ends;
    write!(out, "</svg><p class=\"soft\"><span>{start}</span><span>{end}</span></p></figure>")
}

/// A text in HTML.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '&' => f.write_str("&amp;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// `1,234,567`.
struct Count(u64);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// `1.5 GiB`.
struct Bytes(u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        let mut value = self.0 as f64;
        let mut units = UNITS.iter();
        let mut unit = units.next();
        while value >= 1023.95 {
            let Some(next) = units.next() else { break };
            unit = Some(next);
            value /= 1024.0;
        }
        let places = usize::from(self.0 >= 1024);
        write!(f, "{value:.places$} {}", unit.unwrap_or(&""))
    }
}

/// `3 h 20 min`.
struct Span(u64);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..60 => write!(f, "{seconds} s"),
            seconds @ 60..3_600 => write!(f, "{} min", seconds / 60),
            seconds @ 3_600..172_800 => {
                write!(f, "{} h {} min", seconds / 3_600, seconds / 60 % 60)
            }
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::samples::zone;
    use serde_json::{Value, json};

    fn usage() -> OwnUsage {
        let zone = zone();
        let day = |day, requests| DayUse { day, requests, bytes: 1 << 30 };
        let series = Series { requests: vec![None, Some(4)], bytes: vec![None, Some(4096)] };
        OwnUsage {
            time: zone.report.time,
            partner: zone.report.partners[0].clone(),
            history: vec![(60, zone.report.time, series)],
            days: vec![day(20_380, 7), day(20_417, 1_234_567)],
        }
    }

    #[test]
    fn a_partner_as_json() {
        let value: Value = serde_json::from_str(&own_json(&usage())).unwrap();
        assert_eq!(value["id"], "acme.press");
        assert_eq!(value["time"], 1_764_042_000);
        assert_eq!((&value["requests"], &value["refused"]), (&json!(120), &json!(7)));
        assert_eq!(value["windows"][0]["remaining"], 10);
        assert_eq!(
            value["intervals"],
            json!([{ "step": 60, "end": 1_764_042_000, "requests": [null, 4], "bytes_sent": [null, 4096] }])
        );
        assert_eq!(
            value["days"],
            json!([
                { "day": "2025-10-19", "requests": 7, "bytes_sent": 1 << 30 },
                { "day": "2025-11-25", "requests": 1_234_567, "bytes_sent": 1 << 30 }
            ])
        );
    }

    #[test]
    fn a_partner_as_a_page() {
        let page = own_html(&usage());
        for text in [
            "<title>Usage of acme.press</title>",
            "requests per hour</span><span>90 of 100</span>",
            "data-level=\"warn\"><i style=\"width:90%\">",
            "<dt>Sent</dt><dd>8.4 GiB</dd>",
            "<th scope=\"row\">2025-11</th><td>1,234,567</td>",
            "Days of 2025-10",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        // Nothing is loaded from anywhere.
        assert!(!page.contains("src=") && !page.contains("http://") && !page.contains("https://"));
        assert!(!page.contains("<script"));
        assert!(own_html(&OwnUsage::default()).contains("There are none."));
    }

    #[test]
    fn names_are_escaped() {
        let mut usage = usage();
        usage.partner.id = "<script>&\"'".into();
        assert!(own_html(&usage).contains("<h1>&lt;script&gt;&amp;&quot;&#39;</h1>"));
    }

    #[test]
    fn numbers() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")]
        {
            assert_eq!(Count(number).to_string(), text);
        }
        for (number, text) in
            [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (u64::MAX, "16384.0 PiB")]
        {
            assert_eq!(Bytes(number).to_string(), text);
        }
        for (seconds, text) in
            [(59, "59 s"), (61, "1 min"), (3_660, "1 h 1 min"), (900_000, "10 days")]
        {
            assert_eq!(Span(seconds).to_string(), text);
        }
    }
}
