//! Counters of transformations, as JSON and for Prometheus.

use std::fmt::Write;

/// The media type of [`Statistics::prometheus`] (Prometheus text format 0.0.4).
pub const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the names of metrics begin with.
const PREFIX: &str = "nginx_image_gate_image_resize_";
/// What they began with once; for one release both are there.
const DEPRECATED_PREFIX: &str = "image_resize_";

/// The upper bounds of the buckets of a [`Histogram`], in microseconds; one more is for what is
/// beyond.
pub const LIMITS: [u64; 13] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// How long something took, how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// How many took at most as long as each of [`LIMITS`] and more than the one before; the last
    /// is of those that took longer than all of them.
    pub buckets: [u64; LIMITS.len() + 1],
    /// What all took together, in microseconds.
    pub sum: u64,
}

impl Histogram {
    /// The bucket for that many microseconds.
    #[must_use]
    pub fn bucket(micros: u64) -> usize {
        LIMITS.iter().position(|&limit| micros <= limit).unwrap_or(LIMITS.len())
    }

    fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// What is known of all transformations since a beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Responses by what became of them.
    pub requests: Vec<(&'static str, u64)>,
    /// Failures by [`Error::word`](super::Error::word) and the like.
    pub errors: Vec<(&'static str, u64)>,
    /// Look-ups in caches by what became of them.
    pub cache: Vec<(&'static str, u64)>,
    /// Results by the format of the source and their own.
    pub images: Vec<(&'static str, &'static str, u64)>,
    /// Bytes of all sources.
    pub source_bytes: u64,
    /// Bytes of all results.
    pub bytes: u64,
    /// Jobs that run now.
    pub running: u64,
    /// Jobs that wait now.
    pub queued: u64,
    /// How long jobs ran.
    pub job_time: Histogram,
    /// How long they waited before.
    pub queue_time: Histogram,
}

impl Statistics {
    /// As one JSON object.
    #[must_use]
    pub fn json(&self) -> String {
        let mut out = String::from("{\"requests\":{");
        pairs(&mut out, &self.requests);
        out.push_str("},\"errors\":{");
        pairs(&mut out, &self.errors);
        out.push_str("},\"cache\":{");
        pairs(&mut out, &self.cache);
        out.push_str("},\"images\":[");
        for (i, (source, format, count)) in self.images.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(
                out,
                "{comma}{{\"source\":\"{source}\",\"format\":\"{format}\",\"count\":{count}}}"
            );
        }
        let _ = write!(
            out,
            "],\"source_bytes\":{},\"bytes\":{},\"jobs\":{{\"running\":{},\"queued\":{}}}",
            self.source_bytes, self.bytes, self.running, self.queued
        );
        for (name, histogram) in [("job_time", &self.job_time), ("queue_time", &self.queue_time)] {
            let _ = write!(
                out,
                ",\"{name}\":{{\"count\":{},\"sum\":{},\"buckets\":[",
                histogram.count(),
                seconds(histogram.sum)
            );
            for (i, (limit, sum)) in cumulated(histogram).enumerate() {
                let comma = if i == 0 { "" } else { "," };
                let limit = limit.map_or("null".to_owned(), seconds);
                let _ = write!(out, "{comma}{{\"le\":{limit},\"count\":{sum}}}");
            }
            out.push_str("]}");
        }
        out.push_str("}\n");
        out
    }

    /// In the text format of Prometheus, also under the names that metrics had before.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut out = String::new();
        for prefix in [PREFIX, DEPRECATED_PREFIX] {
            self.metrics(&mut out, prefix);
        }
        out
    }

    fn metrics(&self, out: &mut String, prefix: &str) {
        // Writing to memory does not fail.
        let head = |out: &mut String, name: &str, kind: &str, help: &str| {
            let _ = if prefix == PREFIX {
                writeln!(out, "# HELP {prefix}{name} {help}")
            } else {
                writeln!(out, "# HELP {prefix}{name} Deprecated, now {PREFIX}{name}. {help}")
            };
            let _ = writeln!(out, "# TYPE {prefix}{name} {kind}");
        };
        head(out, "requests_total", "counter", "Responses by what became of them.");
        for (outcome, count) in &self.requests {
            let _ = writeln!(out, "{prefix}requests_total{{outcome=\"{outcome}\"}} {count}");
        }
        head(out, "errors_total", "counter", "Failures by reason.");
        for (reason, count) in &self.errors {
            let _ = writeln!(out, "{prefix}errors_total{{reason=\"{reason}\"}} {count}");
        }
        if prefix == PREFIX {
            head(out, "cache_total", "counter", "Look-ups in caches by what became of them.");
            for (status, count) in &self.cache {
                let _ = writeln!(out, "{prefix}cache_total{{status=\"{status}\"}} {count}");
            }
        }
        head(out, "images_total", "counter", "Results by the format of source and result.");
        for (source, format, count) in &self.images {
            let _ = writeln!(
                out,
                "{prefix}images_total{{source=\"{source}\",format=\"{format}\"}} {count}"
            );
        }
        for (name, help, value) in [
            ("source_bytes_total", "Bytes of all sources.", self.source_bytes),
            ("bytes_total", "Bytes of all results.", self.bytes),
        ] {
            head(out, name, "counter", help);
            let _ = writeln!(out, "{prefix}{name} {value}");
        }
        head(out, "jobs", "gauge", "Jobs that run and that wait.");
        for (state, value) in [("running", self.running), ("queued", self.queued)] {
            let _ = writeln!(out, "{prefix}jobs{{state=\"{state}\"}} {value}");
        }
        for (name, help, histogram) in [
            ("job_seconds", "How long jobs ran.", &self.job_time),
            ("queue_seconds", "How long jobs waited.", &self.queue_time),
        ] {
            head(out, name, "histogram", help);
            for (limit, sum) in cumulated(histogram) {
                let limit = limit.map_or("+Inf".to_owned(), seconds);
                let _ = writeln!(out, "{prefix}{name}_bucket{{le=\"{limit}\"}} {sum}");
            }
            let _ = writeln!(out, "{prefix}{name}_sum {}", seconds(histogram.sum));
            let _ = writeln!(out, "{prefix}{name}_count {}", histogram.count());
        }
    }
}

fn pairs(out: &mut String, pairs: &[(&'static str, u64)]) {
    for (i, (name, count)) in pairs.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\"{name}\":{count}");
    }
}

/// The bounds with how many took at most as long; `None` is without a bound.
fn cumulated(histogram: &Histogram) -> impl Iterator<Item = (Option<u64>, u64)> {
    let limits = LIMITS.iter().map(|&limit| Some(limit)).chain([None]);
    limits.zip(&histogram.buckets).scan(0, |sum, (limit, count)| {
        *sum += count;
        Some((limit, *sum))
    })
}

/// Microseconds as seconds, without zeros at the end.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Statistics {
        let mut job_time = Histogram { sum: 12_003_500, ..Histogram::default() };
        for micros in [1_000, 2_500, 11_999_000] {
            job_time.buckets[Histogram::bucket(micros)] += 1;
        }
        Statistics {
            requests: vec![("transformed", 2), ("error", 1)],
            errors: vec![("not_image", 1)],
            cache: vec![("hit", 3)],
            images: vec![("jpeg", "webp", 2)],
            source_bytes: 10,
            bytes: 5,
            running: 1,
            queued: 0,
            job_time,
            queue_time: Histogram::default(),
        }
    }

    #[test]
    fn buckets() {
        for (micros, bucket) in
            [(0, 0), (1_000, 0), (1_001, 1), (10_000_000, 12), (10_000_001, 13), (u64::MAX, 13)]
        {
            assert_eq!(Histogram::bucket(micros), bucket, "{micros}");
        }
    }

    #[test]
    fn numbers() {
        for (micros, text) in [(0, "0"), (1, "0.000001"), (2_500, "0.0025"), (10_000_000, "10")] {
            assert_eq!(seconds(micros), text);
        }
    }

    #[test]
    fn json() {
        let json = some().json();
        assert!(
            json.starts_with(
                "{\"requests\":{\"transformed\":2,\"error\":1},\"errors\":{\"not_image\":1},\
                 \"cache\":{\"hit\":3},\
                 \"images\":[{\"source\":\"jpeg\",\"format\":\"webp\",\"count\":2}],\
                 \"source_bytes\":10,\"bytes\":5,\"jobs\":{\"running\":1,\"queued\":0},\
                 \"job_time\":{\"count\":3,\"sum\":12.0035,\"buckets\":[{\"le\":0.001,\"count\":1},\
                 {\"le\":0.0025,\"count\":2},"
            ),
            "{json}"
        );
        assert!(json.contains("{\"le\":10,\"count\":2},{\"le\":null,\"count\":3}]}"), "{json}");
        assert!(json.ends_with("}]}}\n"), "{json}");
    }

    #[test]
    fn prometheus() {
        let text = some().prometheus();
        for line in [
            "image_resize_requests_total{outcome=\"transformed\"} 2",
            "image_resize_errors_total{reason=\"not_image\"} 1",
            "image_resize_images_total{source=\"jpeg\",format=\"webp\"} 2",
            "image_resize_source_bytes_total 10",
            "image_resize_jobs{state=\"running\"} 1",
            "image_resize_job_seconds_bucket{le=\"0.0025\"} 2",
            "image_resize_job_seconds_bucket{le=\"+Inf\"} 3",
            "image_resize_job_seconds_sum 12.0035",
            "image_resize_job_seconds_count 3",
            "image_resize_queue_seconds_count 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}");
            let line = format!("nginx_image_gate_{line}");
            assert!(text.lines().any(|found| found == line), "{line}");
        }
        let line = "nginx_image_gate_image_resize_cache_total{status=\"hit\"} 3";
        assert!(text.lines().any(|found| found == line), "{line}");
        assert!(!text.contains("\nimage_resize_cache_total"), "{text}");
    }
}
