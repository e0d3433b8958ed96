//! Zones in Prometheus' text format.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. Labels are bounded: a
//! partner is a line of the key file, whatever clients present.

use std::fmt::Write;

use super::json::{Health, ZoneStatus};
use super::report::{PartnerReport, QuotaWindow};
use super::window::Resource;

/// Of which one metric says something.
enum MetricScope {
    /// A partner, by one value.
    Partner(fn(&PartnerReport) -> Option<u64>),
    /// The responses of a partner, by class.
    Responses,
    /// The windows of a partner's quotas on one resource, by one value.
    Window(Resource, fn(&QuotaWindow) -> Option<u64>),
}

/// What the names of metrics begin with.
const PREFIX: &str = "nginx_image_gate_access_key_";
/// What they began with once; for one release both are there.
const DEPRECATED_PREFIX: &str = "nginx_access_key_";

/// What works or not, of a zone.
type Works = fn(&Health) -> Option<bool>;

const HEALTH: [(&str, &str, Works); 3] = [
    (
        "nginx_image_gate_key_file_ok",
        "1 if the keys are those of the key file, 0 if it can't be used and older ones hold.",
        |health| Some(health.key_file),
    ),
    (
        "nginx_image_gate_state_ok",
        "1 if the counters were saved when they were to be last, 0 if they could not be.",
        |health| health.state,
    ),
    (
        "nginx_image_gate_redis_ok",
        "1 if Redis answered when it was asked last, 0 if it did not.",
        |health| health.redis,
    ),
];

struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    of: MetricScope,
}

const METRICS: &[Metric] = &[
    Metric {
        name: "requests_total",
        kind: "counter",
        help: "Client requests with a key of the partner.",
        of: MetricScope::Partner(|partner| Some(partner.totals.requests)),
    },
    Metric {
        name: "responses_total",
        kind: "counter",
        help: "Responses to the partner by class of their status.",
        of: MetricScope::Responses,
    },
    Metric {
        name: "sent_bytes_total",
        kind: "counter",
        help: "Bytes sent to the partner, as on the wire.",
        of: MetricScope::Partner(|partner| Some(partner.totals.bytes_sent)),
    },
    Metric {
        name: "received_bytes_total",
        kind: "counter",
        help: "Bytes received from the partner, as on the wire.",
        of: MetricScope::Partner(|partner| Some(partner.totals.bytes_received)),
    },
    Metric {
        name: "refused_requests_total",
        kind: "counter",
        help: "Requests of the partner that a quota refused.",
        of: MetricScope::Partner(|partner| Some(partner.totals.refused)),
    },
    Metric {
        name: "first_use_timestamp_seconds",
        kind: "gauge",
        help: "When the partner's first request ended.",
        of: MetricScope::Partner(|partner| Some(partner.totals.first_use).filter(|&time| time > 0)),
    },
    Metric {
        name: "last_use_timestamp_seconds",
        kind: "gauge",
        help: "When the partner's last request ended.",
        of: MetricScope::Partner(|partner| Some(partner.totals.last_use).filter(|&time| time > 0)),
    },
    Metric {
        name: "disabled",
        kind: "gauge",
        help: "1 if the partner is disabled or no more in the key file.",
        of: MetricScope::Partner(|partner| Some(u64::from(partner.disabled))),
    },
    Metric {
        name: "quota_limit_requests",
        kind: "gauge",
        help: "Requests that the partner may make in a window, on all nodes together.",
        of: MetricScope::Window(Resource::Requests, |window| window.limit),
    },
    Metric {
        name: "quota_used_requests",
        kind: "gauge",
        help: "Requests in the current window, on all nodes together as far as known.",
        of: MetricScope::Window(Resource::Requests, |window| Some(window.total())),
    },
    Metric {
        name: "quota_limit_bytes",
        kind: "gauge",
        help: "Bytes that may be sent to the partner in a window, by all nodes together.",
        of: MetricScope::Window(Resource::Bytes, |window| window.limit),
    },
    Metric {
        name: "quota_used_bytes",
        kind: "gauge",
        help: "Bytes sent in the current window, by all nodes together as far as known.",
        of: MetricScope::Window(Resource::Bytes, |window| Some(window.total())),
    },
];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The media type of what [`prometheus`] gives.
pub const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All zones as metrics.
#[must_use]
pub fn prometheus(zones: &[ZoneStatus]) -> String {
    let mut out = String::new();
    // Writing to memory does not fail.
    for (name, help, works) in HEALTH {
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for zone in zones {
            if let Some(works) = works(&zone.health) {
                let zone = escape(&zone.name);
                let _ = writeln!(out, "{name}{{zone=\"{zone}\"}} {}", u8::from(works));
            }
        }
    }
    for (prefix, metric) in
        METRICS.iter().flat_map(|metric| [PREFIX, DEPRECATED_PREFIX].map(|prefix| (prefix, metric)))
    {
        let Metric { name, kind, help, of } = metric;
        let (old, name) = (prefix != PREFIX, format!("{prefix}{name}"));
        let note =
            if old { format!("Deprecated, now {PREFIX}{}. ", metric.name) } else { String::new() };
        let _ = write!(out, "# HELP {name} {note}{help}\n# TYPE {name} {kind}\n");
        for zone in zones {
            let zone_name = escape(&zone.name);
            for partner in &zone.report.partners {
                let labels = format!("zone=\"{zone_name}\",partner=\"{}\"", escape(&partner.id));
                samples(&mut out, &name, &labels, partner, of);
            }
        }
    }
    out
}

fn samples(out: &mut String, name: &str, labels: &str, partner: &PartnerReport, of: &MetricScope) {
    match of {
        MetricScope::Partner(value) => {
            if let Some(value) = value(partner) {
                let _ = writeln!(out, "{name}{{{labels}}} {value}");
            }
        }
        MetricScope::Responses => {
            for (class, value) in CLASSES.iter().zip(partner.totals.responses) {
                let _ = writeln!(out, "{name}{{{labels},code=\"{class}\"}} {value}");
            }
        }
        MetricScope::Window(resource, value) => {
            let is_quota =
                |window: &&QuotaWindow| window.what == *resource && window.limit.is_some();
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
    use super::*;
    use crate::key::samples::zone;
    use std::collections::HashSet;

    fn values<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
        text.lines().filter(|line| line.starts_with(start)).collect()
    }

    #[test]
    fn every_counter_with_its_labels() {
        let text = prometheus(&[zone()]);
        assert_eq!(
            values(&text, "nginx_image_gate_access_key_requests_total"),
            [
                "nginx_image_gate_access_key_requests_total{zone=\"partners\",partner=\"acme.press\"} 120",
                "nginx_image_gate_access_key_requests_total{zone=\"partners\",partner=\"gone\"} 0",
            ]
        );
        assert_eq!(
            values(
                &text,
                "nginx_image_gate_access_key_responses_total{zone=\"partners\",partner=\"acme"
            ),
            [
                "nginx_image_gate_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"1xx\"} 0",
                "nginx_image_gate_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"2xx\"} 100",
                "nginx_image_gate_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"3xx\"} 5",
                "nginx_image_gate_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"4xx\"} 14",
                "nginx_image_gate_access_key_responses_total{zone=\"partners\",partner=\"acme.press\",code=\"5xx\"} 1",
            ]
        );
        assert_eq!(
            values(&text, "nginx_image_gate_access_key_disabled"),
            [
                "nginx_image_gate_access_key_disabled{zone=\"partners\",partner=\"acme.press\"} 0",
                "nginx_image_gate_access_key_disabled{zone=\"partners\",partner=\"gone\"} 1",
            ]
        );
    }

    #[test]
    fn quotas_show_all_nodes() {
        // Its bytes are not limited.
        let text = prometheus(&[zone()]);
        assert_eq!(
            values(&text, "nginx_image_gate_access_key_quota_"),
            [
                "nginx_image_gate_access_key_quota_limit_requests{zone=\"partners\",partner=\"acme.press\",per=\"hour\"} 100",
                "nginx_image_gate_access_key_quota_used_requests{zone=\"partners\",partner=\"acme.press\",per=\"hour\"} 90",
            ]
        );
    }

    #[test]
    fn old_names_say_so() {
        let text = prometheus(&[zone()]);
        let new = values(&text, "nginx_image_gate_access_key_");
        let old = values(&text, "nginx_access_key_");
        assert_eq!(new.len(), old.len());
        for (new, old) in new.iter().zip(&old) {
            assert_eq!(new.strip_prefix(PREFIX), old.strip_prefix(DEPRECATED_PREFIX));
        }
        assert_eq!(
            values(&text, "# HELP nginx_access_key_").len(),
            text.matches(" Deprecated, now nginx_image_gate_access_key_").count()
        );
    }

    #[test]
    fn what_works() {
        let mut other = ZoneStatus { name: "other".into(), ..zone() };
        other.health = Health { key_file: false, state: Some(false), redis: Some(true) };
        let text = prometheus(&[zone(), other]);
        assert_eq!(
            text.lines().filter(|line| line.contains("_ok{")).collect::<Vec<_>>(),
            [
                "nginx_image_gate_key_file_ok{zone=\"partners\"} 1",
                "nginx_image_gate_key_file_ok{zone=\"other\"} 0",
                "nginx_image_gate_state_ok{zone=\"other\"} 0",
                "nginx_image_gate_redis_ok{zone=\"other\"} 1",
            ]
        );
    }

    #[test]
    fn never_used_has_no_time() {
        let text = prometheus(&[zone()]);
        assert_eq!(
            values(&text, "nginx_image_gate_access_key_last_use_timestamp_seconds").len(),
            1
        );
    }

    #[test]
    fn each_metric_is_introduced_once_and_no_sample_stands_twice() {
        let other = ZoneStatus { name: "other".into(), ..zone() };
        let text = prometheus(&[zone(), other]);
        assert_eq!(values(&text, "# HELP ").len(), 2 * METRICS.len() + HEALTH.len());
        assert_eq!(values(&text, "# TYPE ").len(), 2 * METRICS.len() + HEALTH.len());
        let mut seen = HashSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(seen.insert(line.rsplit_once(' ').unwrap().0), "{line}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        let zones = [ZoneStatus { name: "a\"b\\c\nd".into(), ..zone() }];
        let text = prometheus(&zones);
        assert!(text.contains("{zone=\"a\\\"b\\\\c\\nd\",partner=\"acme.press\"} 120\n"));
    }
}
