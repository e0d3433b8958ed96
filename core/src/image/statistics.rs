//! Counters of transformations, as JSON and for Prometheus.

use serde::{Serialize, Serializer};

use crate::health::{HealthView, Trouble};
use crate::metrics::MetricType::{self, Counter};
use crate::metrics::MetricsWriter;

/// Microseconds of a second.
const MICROS: u64 = 1_000_000;

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
    /// What does not work now.
    pub troubles: Vec<Trouble>,
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
        // None of it is a map whose keys are no texts, so that it does not fail.
        let mut json = serde_json::to_string(&StatisticsView::of(self)).unwrap_or_default();
        json.push('\n');
        json
    }

    /// In the text format of Prometheus, also under the names that metrics had before.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut out = String::new();
        let mut metrics = MetricsWriter::new(&mut out, PREFIX);
        self.metrics(&mut metrics);
        metrics.begin("cache_total", Counter, "Look-ups in caches by what became of them.");
        self.cache.iter().for_each(|(status, count)| metrics.sample(&[("status", status)], count));
        self.metrics(&mut MetricsWriter::deprecated(&mut out, DEPRECATED_PREFIX, PREFIX));
        out
    }

    fn metrics(&self, metrics: &mut MetricsWriter<'_>) {
        metrics.begin("requests_total", Counter, "Responses by what became of them.");
        for (outcome, count) in &self.requests {
            metrics.sample(&[("outcome", outcome)], count);
        }
        metrics.begin("errors_total", Counter, "Failures by reason.");
        for (reason, count) in &self.errors {
            metrics.sample(&[("reason", reason)], count);
        }
        metrics.begin("images_total", Counter, "Results by the format of source and result.");
        for (source, format, count) in &self.images {
            metrics.sample(&[("source", source), ("format", format)], count);
        }
        for (name, help, value) in [
            ("source_bytes_total", "Bytes of all sources.", self.source_bytes),
            ("bytes_total", "Bytes of all results.", self.bytes),
        ] {
            metrics.begin(name, Counter, help);
            metrics.sample(&[], value);
        }
        metrics.begin("jobs", MetricType::Gauge, "Jobs that run and that wait.");
        for (state, value) in [("running", self.running), ("queued", self.queued)] {
            metrics.sample(&[("state", state)], value);
        }
        for (name, help, histogram) in [
            ("job_seconds", "How long jobs ran.", &self.job_time),
            ("queue_seconds", "How long jobs waited.", &self.queue_time),
        ] {
            metrics.begin(name, MetricType::Histogram, help);
            for (limit, sum) in cumulated(histogram) {
                let limit = limit.map_or("+Inf".to_owned(), seconds);
                metrics.suffixed("_bucket", &[("le", &limit)], sum);
            }
            metrics.suffixed("_sum", &[], seconds(histogram.sum));
            metrics.suffixed("_count", &[], histogram.count());
        }
    }
}

/// What JSON shows.
#[derive(Serialize)]
struct StatisticsView<'a> {
    health: HealthView<'a>,
    requests: Counts<'a>,
    errors: Counts<'a>,
    cache: Counts<'a>,
    images: Vec<ImagesView>,
    source_bytes: u64,
    bytes: u64,
    jobs: JobsView,
    job_time: HistogramView,
    queue_time: HistogramView,
}

/// An object of the counts by their names.
struct Counts<'a>(&'a [(&'static str, u64)]);

#[derive(Serialize)]
struct ImagesView {
    source: &'static str,
    format: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct JobsView {
    running: u64,
    queued: u64,
}

#[derive(Serialize)]
struct HistogramView {
    count: u64,
    sum: Seconds,
    buckets: Vec<BucketView>,
}

#[derive(Serialize)]
struct BucketView {
    le: Option<Seconds>,
    count: u64,
}

/// Microseconds, shown as seconds.
struct Seconds(u64);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0 / MICROS;
        if self.0.is_multiple_of(MICROS) {
            whole.serialize(serializer)
        } else {
            (self.0 as f64 / MICROS as f64).serialize(serializer)
        }
    }
}

impl StatisticsView<'_> {
    fn of(statistics: &Statistics) -> StatisticsView<'_> {
        let Statistics { running, queued, source_bytes, bytes, .. } = *statistics;
        let images = statistics.images.iter();
        StatisticsView {
            health: HealthView::of(&statistics.troubles),
            requests: Counts(&statistics.requests),
            errors: Counts(&statistics.errors),
            cache: Counts(&statistics.cache),
            images: images
                .map(|&(source, format, count)| ImagesView { source, format, count })
                .collect(),
            source_bytes,
            bytes,
            jobs: JobsView { running, queued },
            job_time: HistogramView::of(&statistics.job_time),
            queue_time: HistogramView::of(&statistics.queue_time),
        }
    }
}

impl HistogramView {
    fn of(histogram: &Histogram) -> HistogramView {
        let buckets = cumulated(histogram);
        HistogramView {
            count: histogram.count(),
            sum: Seconds(histogram.sum),
            buckets: buckets
                .map(|(limit, count)| BucketView { le: limit.map(Seconds), count })
                .collect(),
        }
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
    let text = format!("{}.{:06}", micros / MICROS, micros % MICROS);
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
            troubles: Vec::new(),
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
                "{\"health\":{\"status\":\"ready\",\"reasons\":[]},\
                 \"requests\":{\"transformed\":2,\"error\":1},\"errors\":{\"not_image\":1},\
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
