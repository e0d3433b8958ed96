//! Zones in Prometheus' text format.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. Labels are bounded: a
//! partner is a line of the key file, whatever clients present.

use std::fmt::Write;

use super::json::Zone;
use super::report::{Partner, Window};
use super::window::Quantity;

/// Of which one metric says something.
enum Of {
    /// A partner, by one value.
    Partner(fn(&Partner) -> Option<u64>),
    /// The responses of a partner, by class.
    Responses,
    /// The windows of a partner's quotas on one quantity, by one value.
    Window(Quantity, fn(&Window) -> Option<u64>),
}

struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    of: Of,
}

const METRICS: &[Metric] = &[
    Metric {
        name: "nginx_access_key_requests_total",
        kind: "counter",
        help: "Client requests with a key of the partner.",
        of: Of::Partner(|partner| Some(partner.totals.requests)),
    },
    Metric {
        name: "nginx_access_key_responses_total",
        kind: "counter",
        help: "Responses to the partner by class of their status.",
        of: Of::Responses,
    },
    Metric {
        name: "nginx_access_key_sent_bytes_total",
        kind: "counter",
        help: "Bytes sent to the partner, as on the wire.",
        of: Of::Partner(|partner| Some(partner.totals.bytes_sent)),
    },
    Metric {
        name: "nginx_access_key_received_bytes_total",
        kind: "counter",
        help: "Bytes received from the partner, as on the wire.",
        of: Of::Partner(|partner| Some(partner.totals.bytes_received)),
    },
    Metric {
        name: "nginx_access_key_refused_requests_total",
        kind: "counter",
        help: "Requests of the partner that a quota refused.",
        of: Of::Partner(|partner| Some(partner.totals.refused)),
    },
    Metric {
        name: "nginx_access_key_first_use_timestamp_seconds",
        kind: "gauge",
        help: "When the partner's first request ended.",
        of: Of::Partner(|partner| Some(partner.totals.first_use).filter(|&time| time > 0)),
    },
    Metric {
        name: "nginx_access_key_last_use_timestamp_seconds",
        kind: "gauge",
        help: "When the partner's last request ended.",
        of: Of::Partner(|partner| Some(partner.totals.last_use).filter(|&time| time > 0)),
    },
    Metric {
        name: "nginx_access_key_disabled",
        kind: "gauge",
        help: "1 if the partner is disabled or no more in the key file.",
        of: Of::Partner(|partner| Some(u64::from(partner.disabled))),
    },
    Metric {
        name: "nginx_access_key_quota_limit_requests",
        kind: "gauge",
        help: "Requests that the partner may make in a window, on all nodes together.",
        of: Of::Window(Quantity::Requests, |window| window.limit),
    },
    Metric {
        name: "nginx_access_key_quota_used_requests",
        kind: "gauge",
        help: "Requests in the current window, on all nodes together as far as known.",
        of: Of::Window(Quantity::Requests, |window| Some(window.total())),
    },
    Metric {
        name: "nginx_access_key_quota_limit_bytes",
        kind: "gauge",
        help: "Bytes that may be sent to the partner in a window, by all nodes together.",
        of: Of::Window(Quantity::Bytes, |window| window.limit),
    },
    Metric {
        name: "nginx_access_key_quota_used_bytes",
        kind: "gauge",
        help: "Bytes sent in the current window, by all nodes together as far as known.",
        of: Of::Window(Quantity::Bytes, |window| Some(window.total())),
    },
];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The media type of what [`prometheus`] gives.
pub const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All zones as metrics.
#[must_use]
pub fn prometheus(zones: &[Zone]) -> String {
    let mut out = String::new();
    for metric in METRICS {
        let Metric { name, kind, help, of } = metric;
        // Writing to memory does not fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for zone in zones {
            let zone_name = escape(&zone.name);
            for partner in &zone.report.partners {
                let labels = format!("zone=\"{zone_name}\",partner=\"{}\"", escape(&partner.id));
                samples(&mut out, name, &labels, partner, of);
            }
        }
    }
    out
}

fn samples(out: &mut String, name: &str, labels: &str, partner: &Partner, of: &Of) {
    match of {
        Of::Partner(value) => {
            if let Some(value) = value(partner) {
                let _ = writeln!(out, "{name}{{{labels}}} {value}");
            }
        }
        Of::Responses => {
            for (class, value) in CLASSES.iter().zip(partner.totals.responses) {
                let _ = writeln!(out, "{name}{{{labels},code=\"{class}\"}} {value}");
            }
        }
        Of::Window(quantity, value) => {
            let is_quota = |window: &&Window| window.what == *quantity && window.limit.is_some();
            for window in partner.windows.iter().filter(is_quota) {
                if let Some(value) = value(window) {
                    let per = window.per.name();
                    let _ = writeln!(out, "{name}{{{labels},per=\"{per}\"}} {value}");
                }
            }
        }
    }
}

/// A label's value between its quotes.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::samples::zone;
    use super::*;
    use std::collections::HashSet;

    fn values<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
        text.lines().filter(|line| line.starts_with(start)).collect()
    }

    #[test]
    fn every_counter_with_its_labels() {
        let text = prometheus(&[zone()]);
        assert_eq!(
            values(&text, "nginx_access_key_requests_total"),
            [
                "nginx_access_key_requests_total{zone=\"partners\",partner=\"acme.press\"} 120",
                "nginx_access_key_requests_total{zone=\"partners\",partner=\"gone\"} 0",
            ]
        );
        assert_eq!(
            values(&text, "nginx_access_key_responses_total{zone=\"partners\",partner=\"acme"),
            [
                "nginx_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"1xx\"} 0",
                "nginx_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"2xx\"} 100",
                "nginx_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"3xx\"} 5",
                "nginx_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"4xx\"} 14",
                "nginx_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"5xx\"} 1",
            ]
        );
        assert_eq!(
            values(&text, "nginx_access_key_disabled"),
            [
                "nginx_access_key_disabled{zone=\"partners\",partner=\"acme.press\"} 0",
                "nginx_access_key_disabled{zone=\"partners\",partner=\"gone\"} 1",
            ]
        );
    }

    #[test]
    fn quotas_show_all_nodes() {
        // Its bytes are not limited.
        let text = prometheus(&[zone()]);
        assert_eq!(
            values(&text, "nginx_access_key_quota_"),
            [
                "nginx_access_key_quota_limit_requests{zone=\"partners\",partner=\"acme.press\",per=\"hour\"} 100",
                "nginx_access_key_quota_used_requests{zone=\"partners\",partner=\"acme.press\",per=\"hour\"} 90",
            ]
        );
    }

    #[test]
    fn never_used_has_no_time() {
        let text = prometheus(&[zone()]);
        assert_eq!(values(&text, "nginx_access_key_last_use_timestamp_seconds").len(), 1);
    }

    #[test]
    fn each_metric_is_introduced_once_and_no_sample_stands_twice() {
        let other = Zone { name: "other".into(), ..zone() };
        let text = prometheus(&[zone(), other]);
        assert_eq!(values(&text, "# HELP ").len(), METRICS.len());
        assert_eq!(values(&text, "# TYPE ").len(), METRICS.len());
        let mut seen = HashSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(seen.insert(line.rsplit_once(' ').unwrap().0), "{line}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        let zones = [Zone { name: "a\"b\\c\nd".into(), ..zone() }];
        let text = prometheus(&zones);
        assert!(text.contains("{zone=\"a\\\"b\\\\c\\nd\",partner=\"acme.press\"} 120\n"));
    }
}
