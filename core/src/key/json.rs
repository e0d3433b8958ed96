//! Zones as JSON.

use std::collections::HashMap;

use serde::Serialize;

use super::date::Date;
use super::days::DayUse;
use super::history::Series;
use super::month::Month;
use super::page::{Page, Sums};
use super::report::{PartnerReport, QuotaWindow, Report};

/// A zone to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ZoneStatus {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub report: Report,
    /// What was taken over time, where that was asked for.
    pub history: Option<History>,
    /// What of it is shown, where not all.
    pub page: Option<Page>,
    /// What was used of a month, where that was asked for.
    pub month: Option<Month>,
    /// What one partner used by day, where that was asked for.
    pub days: Option<Vec<DayUse>>,
    /// What works.
    pub health: Health,
}

/// What of a zone works; `None` is what it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether its keys are those of the key file.
    pub key_file: bool,
    /// Whether the counters could be saved.
    pub state: Option<bool>,
    /// Whether Redis answered.
    pub redis: Option<bool>,
}

impl Default for Health {
    fn default() -> Health {
        Health { key_file: true, state: None, redis: None }
    }
}

/// What the partners of a zone took over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Length of an interval in seconds.
    pub step: u64,
    /// When the last interval ended, in seconds since 1970.
    pub end: u64,
    /// For each partner, by its place in the report.
    pub series: HashMap<usize, Series>,
}

#[derive(Serialize)]
struct DocumentView<'a> {
    zones: Vec<ZoneView<'a>>,
}

#[derive(Serialize)]
struct ZoneView<'a> {
    zone: &'a str,
    node: &'a str,
    time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<HistoryView>,
    health: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<MonthView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<Vec<DayView>>,
    partners: Vec<RowView<'a>>,
}

/// A partner, or the name of one that has not changed.
#[derive(Serialize)]
#[serde(untagged)]
enum RowView<'a> {
    Changed(Box<PartnerView<'a>>),
    Unchanged { id: &'a str, unchanged: bool },
}

#[derive(Serialize)]
struct PageView<'a> {
    number: usize,
    limit: usize,
    matching: usize,
    sums: SumsView<'a>,
    busiest: Vec<PartnerView<'a>>,
}

#[derive(Serialize)]
struct SumsView<'a> {
    partners: usize,
    active: usize,
    limited: usize,
    requests: u64,
    bytes_sent: u64,
    refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<SeriesView<'a>>,
}

#[derive(Serialize)]
struct MonthView<'a> {
    month: &'a str,
    matching: usize,
    requests: u64,
    bytes_sent: u64,
    partners: Vec<MonthRowView<'a>>,
}

#[derive(Serialize)]
struct MonthRowView<'a> {
    id: &'a str,
    requests: u64,
    bytes_sent: u64,
}

#[derive(Serialize)]
pub(super) struct DayView {
    day: String,
    requests: u64,
    bytes_sent: u64,
}

#[derive(Serialize)]
struct HistoryView {
    step: u64,
    end: u64,
}

#[derive(Serialize)]
pub(super) struct PartnerView<'a> {
    id: &'a str,
    disabled: bool,
    requests: u64,
    responses: ResponsesView,
    bytes_sent: u64,
    bytes_received: u64,
    refused: u64,
    first_use: Option<u64>,
    last_use: Option<u64>,
    windows: Vec<WindowView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<SeriesView<'a>>,
}

#[derive(Serialize)]
struct ResponsesView {
    #[serde(rename = "1xx")]
    informational: u64,
    #[serde(rename = "2xx")]
    successful: u64,
    #[serde(rename = "3xx")]
    redirection: u64,
    #[serde(rename = "4xx")]
    client_error: u64,
    #[serde(rename = "5xx")]
    server_error: u64,
}

#[derive(Serialize)]
struct WindowView {
    quantity: &'static str,
    per: &'static str,
    start: u64,
    end: Option<u64>,
    limit: Option<u64>,
    used: u64,
    remote: u64,
    remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<u16>,
}

#[derive(Serialize)]
pub(super) struct SeriesView<'a> {
    requests: &'a [Option<u64>],
    bytes_sent: &'a [Option<u64>],
}

/// All zones as one JSON object.
///
/// Times are seconds since 1970, or null for "never", as the end of a quota that is paid ahead; a
/// limit that does not exist is null, and so is an interval of the history in which nobody counted.
#[must_use]
pub fn json(zones: &[ZoneStatus]) -> String {
    let document = DocumentView { zones: zones.iter().map(zone_view).collect() };
    // Writing strings and numbers to memory does not fail.
    serde_json::to_string(&document).unwrap_or_default()
}

fn zone_view(zone: &ZoneStatus) -> ZoneView<'_> {
    let Report { node, time, partners } = &zone.report;
    let series = |at| zone.history.as_ref().and_then(|history| history.series.get(&at));
    let partner = |at: usize| partners.get(at).map(|partner| partner_view(partner, series(at)));
    let row = |(at, changed): (usize, bool)| match (changed, partners.get(at)) {
        (false, Some(PartnerReport { id, .. })) => Some(RowView::Unchanged { id, unchanged: true }),
        _ => partner(at).map(|partner| RowView::Changed(Box::new(partner))),
    };
    ZoneView {
        zone: &zone.name,
        node,
        time: *time,
        history: zone.history.as_ref().map(|h| HistoryView { step: h.step, end: h.end }),
        health: zone.health,
        page: zone.page.as_ref().map(|page| PageView {
            number: page.number,
            limit: page.limit,
            matching: page.matching,
            sums: sums_view(&page.sums),
            busiest: page.busiest.iter().filter_map(|&at| partner(at)).collect(),
        }),
        month: zone.month.as_ref().map(month_view),
        days: zone.days.as_deref().map(day_views),
        partners: match &zone.page {
            Some(page) => page.partners.iter().filter_map(|&shown| row(shown)).collect(),
            None => (0..partners.len()).filter_map(|at| row((at, true))).collect(),
        },
    }
}

fn month_view(month: &Month) -> MonthView<'_> {
    MonthView {
        month: &month.name,
        matching: month.matching,
        requests: month.sums.0,
        bytes_sent: month.sums.1,
        partners: month
            .partners
            .iter()
            .map(|&(ref id, requests, bytes_sent)| MonthRowView { id, requests, bytes_sent })
            .collect(),
    }
}

pub(super) fn day_views(days: &[DayUse]) -> Vec<DayView> {
    let view = |day: &DayUse| DayView {
        day: Date::of(day.start()).to_string(),
        requests: day.requests,
        bytes_sent: day.bytes,
    };
    days.iter().map(view).collect()
}

fn sums_view(sums: &Sums) -> SumsView<'_> {
    let Sums { partners, active, limited, requests, bytes_sent, refused, history } = sums;
    SumsView {
        partners: *partners,
        active: *active,
        limited: *limited,
        requests: *requests,
        bytes_sent: *bytes_sent,
        refused: *refused,
        history: history.as_ref().map(series_view),
    }
}

pub(super) fn series_view(series: &Series) -> SeriesView<'_> {
    SeriesView { requests: &series.requests, bytes_sent: &series.bytes }
}

pub(super) fn partner_view<'a>(
    partner: &'a PartnerReport,
    series: Option<&'a Series>,
) -> PartnerView<'a> {
    let totals = &partner.totals;
    let [informational, successful, redirection, client_error, server_error] = totals.responses;
    PartnerView {
        id: &partner.id,
        disabled: partner.disabled,
        requests: totals.requests,
        responses: ResponsesView {
            informational,
            successful,
            redirection,
            client_error,
            server_error,
        },
        bytes_sent: totals.bytes_sent,
        bytes_received: totals.bytes_received,
        refused: totals.refused,
        first_use: Some(totals.first_use).filter(|&time| time > 0),
        last_use: Some(totals.last_use).filter(|&time| time > 0),
        windows: partner.windows.iter().map(window_view).collect(),
        history: series.map(series_view),
    }
}

fn window_view(window: &QuotaWindow) -> WindowView {
    WindowView {
        quantity: window.what.name(),
        per: window.per.name(),
        start: window.start,
        end: window.per.end(window.start),
        limit: window.limit,
        used: window.used,
        remote: window.remote,
        remaining: window.limit.map(|limit| limit.saturating_sub(window.total())),
        alert: Some(window.alert).filter(|&alert| alert > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::page::{Selection, Sort};
    use crate::key::samples::zone;
    use serde_json::{Value, json};

    fn parsed(zones: &[ZoneStatus]) -> Value {
        serde_json::from_str(&super::json(zones)).unwrap()
    }

    #[test]
    fn everything_is_there() {
        assert_eq!(
            parsed(&[zone()])["zones"][0],
            json!({
                "zone": "partners",
                "node": "node-a",
                "time": 1_764_042_000,
                "health": { "key_file": true, "state": null, "redis": null },
                "partners": [
                    {
                        "id": "acme.press",
                        "disabled": false,
                        "requests": 120,
                        "responses": { "1xx": 0, "2xx": 100, "3xx": 5, "4xx": 14, "5xx": 1 },
                        "bytes_sent": 9_000_000_000_u64,
                        "bytes_received": 24_000,
                        "refused": 7,
                        "first_use": 1_764_000_000,
                        "last_use": 1_764_041_999,
                        "windows": [{
                            "quantity": "requests", "per": "hour",
                            "start": 1_764_039_600, "end": 1_764_043_200,
                            "limit": 100, "used": 60, "remote": 30, "remaining": 10
                        }, {
                            "quantity": "bytes", "per": "hour",
                            "start": 1_764_039_600, "end": 1_764_043_200,
                            "limit": null, "used": 5, "remote": 0, "remaining": null
                        }]
                    },
                    {
                        "id": "gone",
                        "disabled": true,
                        "requests": 0,
                        "responses": { "1xx": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0 },
                        "bytes_sent": 0,
                        "bytes_received": 0,
                        "refused": 0,
                        "first_use": null,
                        "last_use": null,
                        "windows": []
                    }
                ]
            })
        );
    }

    #[test]
    fn history_where_asked_for() {
        let series = Series { requests: vec![None, Some(3)], bytes: vec![Some(1), None] };
        let history = History { step: 5, end: 1_764_042_000, series: HashMap::from([(0, series)]) };
        let zones = [ZoneStatus { history: Some(history), ..zone() }];
        let zone = &parsed(&zones)["zones"][0];
        assert_eq!(zone["history"], json!({ "step": 5, "end": 1_764_042_000 }));
        assert_eq!(
            zone["partners"][0]["history"],
            json!({ "requests": [null, 3], "bytes_sent": [1, null] })
        );
        assert!(zone["partners"][1].get("history").is_none());
    }

    #[test]
    fn a_page() {
        let selection = Selection {
            limit: 1,
            sort: Sort::Id,
            since: Some(1_764_045_000),
            ..Selection::default()
        };
        let mut zone = zone();
        zone.page = Some(selection.of(&zone.report, |_| None));
        let zone = &parsed(&[zone])["zones"][0];
        assert_eq!(zone["partners"], json!([{ "id": "gone", "unchanged": true }]));
        assert_eq!(zone["page"]["matching"], 2);
        assert_eq!(zone["page"]["busiest"][0]["id"], "acme.press");
        assert_eq!(
            zone["page"]["sums"],
            json!({ "partners": 2, "active": 0, "limited": 1, "requests": 120,
                    "bytes_sent": 9_000_000_000_u64, "refused": 7 })
        );
    }

    #[test]
    fn names_are_escaped() {
        let zones = [ZoneStatus { name: "a\"b\\\n</script>".into(), ..zone() }];
        assert_eq!(parsed(&zones)["zones"][0]["zone"], "a\"b\\\n</script>");
    }

    #[test]
    fn a_quota_that_was_passed_leaves_nothing() {
        let mut zone = zone();
        zone.report.partners[0].windows[0].remote = u64::MAX;
        assert_eq!(parsed(&[zone])["zones"][0]["partners"][0]["windows"][0]["remaining"], 0);
    }

    #[test]
    fn no_zones() {
        assert_eq!(super::json(&[]), r#"{"zones":[]}"#);
    }
}
