//! Zones as metrics. Labels are bounded: a partner is a line of the key file, whatever clients
//! present.

use super::json::{Health, ZoneStatus};
use super::report::{PartnerReport, QuotaWindow};
use super::window::Resource;
use crate::metrics::MetricType::{self, Counter, Gauge};
use crate::metrics::MetricsWriter;

/// Of which one metric says something.
enum MetricScope {
    /// A partner, by one value.
    Partner(fn(&PartnerReport) -> Option<u64>),
    /// The responses of a partner, by class.
    Responses,
    /// The windows of a partner's quotas on one resource, by one value.
    Window(Resource, fn(&QuotaWindow) -> Option<u64>),
}

/// What the names of metrics begin with that are of a zone as a whole.
const ZONE_PREFIX: &str = "nginx_image_gate_";
/// What the names of metrics of partners begin with.
const PREFIX: &str = "nginx_image_gate_access_key_";
/// What they began with once; for one release both are there.
const DEPRECATED_PREFIX: &str = "nginx_access_key_";

/// Those that never had another name.
const NEW: [&str; 1] = ["alerts_total"];

/// What works or not, of a zone.
type Works = fn(&Health) -> Option<bool>;

const HEALTH: [(&str, &str, Works); 3] = [
    (
        "key_file_ok",
        "1 if the keys are those of the key file, 0 if it can't be used and older ones hold.",
        |health| Some(health.key_file),
    ),
    (
        "state_ok",
        "1 if the counters were saved when they were to be last, 0 if they could not be.",
        |health| health.state,
    ),
    ("redis_ok", "1 if Redis answered when it was asked last, 0 if it did not.", |health| {
        health.redis
    }),
];

struct Metric {
    name: &'static str,
    kind: MetricType,
    help: &'static str,
    of: MetricScope,
}

const METRICS: &[Metric] = &[
    Metric {
        name: "requests_total",
        kind: Counter,
        help: "Client requests with a key of the partner.",
        of: MetricScope::Partner(|partner| Some(partner.totals.requests)),
    },
    Metric {
        name: "responses_total",
        kind: Counter,
        help: "Responses to the partner by class of their status.",
        of: MetricScope::Responses,
    },
    Metric {
        name: "sent_bytes_total",
        kind: Counter,
        help: "Bytes sent to the partner, as on the wire.",
        of: MetricScope::Partner(|partner| Some(partner.totals.bytes_sent)),
    },
    Metric {
        name: "received_bytes_total",
        kind: Counter,
        help: "Bytes received from the partner, as on the wire.",
        of: MetricScope::Partner(|partner| Some(partner.totals.bytes_received)),
    },
    Metric {
        name: "refused_requests_total",
        kind: Counter,
        help: "Requests of the partner that a quota refused.",
        of: MetricScope::Partner(|partner| Some(partner.totals.refused)),
    },
    Metric {
        name: "alerts_total",
        kind: Counter,
        help: "Thresholds of access_key_alert that quotas of the partner came to.",
        of: MetricScope::Partner(|partner| Some(partner.alerts)),
    },
    Metric {
        name: "first_use_timestamp_seconds",
        kind: Gauge,
        help: "When the partner's first request ended.",
        of: MetricScope::Partner(|partner| Some(partner.totals.first_use).filter(|&time| time > 0)),
    },
    Metric {
        name: "last_use_timestamp_seconds",
        kind: Gauge,
        help: "When the partner's last request ended.",
        of: MetricScope::Partner(|partner| Some(partner.totals.last_use).filter(|&time| time > 0)),
    },
    Metric {
        name: "disabled",
        kind: Gauge,
        help: "1 if the partner is disabled or no more in the key file.",
        of: MetricScope::Partner(|partner| Some(u64::from(partner.disabled))),
    },
    Metric {
        name: "quota_limit_requests",
        kind: Gauge,
        help: "Requests that the partner may make in a window, on all nodes together.",
        of: MetricScope::Window(Resource::Requests, |window| window.limit),
    },
    Metric {
        name: "quota_used_requests",
        kind: Gauge,
        help: "Requests in the current window, on all nodes together as far as known.",
        of: MetricScope::Window(Resource::Requests, |window| Some(window.total())),
    },
    Metric {
        name: "quota_limit_bytes",
        kind: Gauge,
        help: "Bytes that may be sent to the partner in a window, by all nodes together.",
        of: MetricScope::Window(Resource::Bytes, |window| window.limit),
    },
    Metric {
        name: "quota_used_bytes",
        kind: Gauge,
        help: "Bytes sent in the current window, by all nodes together as far as known.",
        of: MetricScope::Window(Resource::Bytes, |window| Some(window.total())),
    },
];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// All zones as metrics.
#[must_use]
pub fn prometheus(zones: &[ZoneStatus]) -> String {
    let mut out = String::new();
    let mut metrics = MetricsWriter::new(&mut out, ZONE_PREFIX);
    for (name, help, works) in HEALTH {
        metrics.begin(name, Gauge, help);
        for zone in zones {
            if let Some(works) = works(&zone.health) {
                metrics.sample(&[("zone", &zone.name)], u8::from(works));
            }
        }
    }
    for metric in METRICS {
        metric.write(zones, &mut MetricsWriter::new(&mut out, PREFIX));
        if NEW.contains(&metric.name) {
            continue;
        }
        let deprecated = &mut MetricsWriter::deprecated(&mut out, DEPRECATED_PREFIX, PREFIX);
        metric.write(zones, deprecated);
    }
    out
}

impl Metric {
    fn write(&self, zones: &[ZoneStatus], metrics: &mut MetricsWriter<'_>) {
        metrics.begin(self.name, self.kind, self.help);
        for zone in zones {
            for partner in &zone.report.partners {
                let labels = [("zone", &zone.name[..]), ("partner", &partner.id)];
                self.samples(metrics, labels, partner);
            }
        }
    }

    fn samples(
        &self,
        metrics: &mut MetricsWriter<'_>,
        labels: [(&str, &str); 2],
        partner: &PartnerReport,
    ) {
        let [zone, id] = labels;
        match &self.of {
            MetricScope::Partner(value) => {
                if let Some(value) = value(partner) {
                    metrics.sample(&labels, value);
                }
            }
            MetricScope::Responses => {
                for (class, value) in CLASSES.iter().zip(partner.totals.responses) {
                    metrics.sample(&[zone, id, ("code", class)], value);
                }
            }
            MetricScope::Window(resource, value) => {
                let is_quota =
                    |window: &&QuotaWindow| window.what == *resource && window.limit.is_some();
                for window in partner.windows.iter().filter(is_quota) {
                    if let Some(value) = value(window) {
                        metrics.sample(&[zone, id, ("per", window.per.name())], value);
                    }
                }
            }
        }
    }
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
        let mut new = values(&text, "nginx_image_gate_access_key_");
        new.retain(|line| NEW.iter().all(|name| !line.contains(name)));
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
        assert_eq!(values(&text, "# HELP ").len(), 2 * METRICS.len() - NEW.len() + HEALTH.len());
        assert_eq!(values(&text, "# TYPE ").len(), 2 * METRICS.len() - NEW.len() + HEALTH.len());
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
