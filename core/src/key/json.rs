//! Zones as JSON.

use serde::Serialize;

use super::history::Series;
use super::report::{Partner, Report, Window};

/// A zone to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub report: Report,
    /// What was taken over time, where that was asked for.
    pub history: Option<History>,
}

/// What the partners of a zone took over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Length of an interval in seconds.
    pub step: u64,
    /// When the last interval ended, in seconds since 1970.
    pub end: u64,
    /// For each partner, in the order of the report.
    pub series: Vec<Series>,
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
    partners: Vec<PartnerView<'a>>,
}

#[derive(Serialize)]
struct HistoryView {
    step: u64,
    end: u64,
}

#[derive(Serialize)]
struct PartnerView<'a> {
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
    end: u64,
    limit: Option<u64>,
    used: u64,
    remote: u64,
    remaining: Option<u64>,
}

#[derive(Serialize)]
struct SeriesView<'a> {
    requests: &'a [Option<u64>],
    bytes_sent: &'a [Option<u64>],
}

/// All zones as one JSON object.
///
/// Times are seconds since 1970, or null for "never"; a limit that does not exist is null, and so
/// is an interval of the history in which nobody counted.
#[must_use]
pub fn json(zones: &[Zone]) -> String {
    let document = DocumentView { zones: zones.iter().map(zone_view).collect() };
    // Writing strings and numbers to memory does not fail.
    serde_json::to_string(&document).unwrap_or_default()
}

fn zone_view(zone: &Zone) -> ZoneView<'_> {
    let Report { node, time, partners } = &zone.report;
    let series = |index| zone.history.as_ref().and_then(|history| history.series.get(index));
    ZoneView {
        zone: &zone.name,
        node,
        time: *time,
        history: zone.history.as_ref().map(|h| HistoryView { step: h.step, end: h.end }),
        partners: (0..).zip(partners).map(|(index, p)| partner_view(p, series(index))).collect(),
    }
}

fn partner_view<'a>(partner: &'a Partner, series: Option<&'a Series>) -> PartnerView<'a> {
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
        history: series
            .map(|series| SeriesView { requests: &series.requests, bytes_sent: &series.bytes }),
    }
}

fn window_view(window: &Window) -> WindowView {
    WindowView {
        quantity: window.what.name(),
        per: window.per.name(),
        start: window.start,
        end: window.per.end(window.start),
        limit: window.limit,
        used: window.used,
        remote: window.remote,
        remaining: window.limit.map(|limit| limit.saturating_sub(window.total())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::zone;
    use super::*;
    use serde_json::{Value, json};

    fn parsed(zones: &[Zone]) -> Value {
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
        let history = History { step: 5, end: 1_764_042_000, series: vec![series] };
        let zones = [Zone { history: Some(history), ..zone() }];
        let zone = &parsed(&zones)["zones"][0];
        assert_eq!(zone["history"], json!({ "step": 5, "end": 1_764_042_000 }));
        assert_eq!(
            zone["partners"][0]["history"],
            json!({ "requests": [null, 3], "bytes_sent": [1, null] })
        );
        assert!(zone["partners"][1].get("history").is_none());
    }

    #[test]
    fn names_are_escaped() {
        let zones = [Zone { name: "a\"b\\\n</script>".into(), ..zone() }];
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
