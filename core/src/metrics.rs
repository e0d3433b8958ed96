//! Metrics in the text format of Prometheus.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{Display, Write};

/// The media type of the format (0.0.4).
pub const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricType {
    Counter,
    Gauge,
    Histogram,
}

/// Writes metrics whose names begin alike.
#[derive(Debug)]
pub(crate) struct MetricsWriter<'a> {
    out: &'a mut String,
    prefix: &'static str,
    /// What the names begin with now, where these are the old ones.
    successor: Option<&'static str>,
    name: String,
}

impl<'a> MetricsWriter<'a> {
    pub(crate) fn new(out: &'a mut String, prefix: &'static str) -> MetricsWriter<'a> {
        MetricsWriter { out, prefix, successor: None, name: String::new() }
    }

    /// One for names that are there for one release more, and have others now.
    pub(crate) fn deprecated(
        out: &'a mut String,
        prefix: &'static str,
        successor: &'static str,
    ) -> MetricsWriter<'a> {
        MetricsWriter { successor: Some(successor), ..MetricsWriter::new(out, prefix) }
    }

    /// Begins a metric.
    pub(crate) fn begin(&mut self, name: &str, metric: MetricType, help: &str) {
        self.name = format!("{}{name}", self.prefix);
        let note = self.successor.map(|prefix| format!("Deprecated, now {prefix}{name}. "));
        let note = note.unwrap_or_default();
        let metric = match metric {
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
        };
        // Writing to memory does not fail.
        let _ = write!(self.out, "# HELP {0} {note}{help}\n# TYPE {0} {metric}\n", self.name);
    }

    /// Adds a value of the metric that was begun last.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.suffixed("", labels, value);
    }

    /// Adds a value of a part of the metric, such as `_sum`.
    pub(crate) fn suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.out.push_str(&self.name);
        self.out.push_str(suffix);
        for (at, (name, text)) in labels.iter().enumerate() {
            self.out.push(if at == 0 { '{' } else { ',' });
            let _ = write!(self.out, "{name}=\"");
            for c in text.chars() {
                match c {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    c => self.out.push(c),
                }
            }
            self.out.push('"');
        }
        if !labels.is_empty() {
            self.out.push('}');
        }
        let _ = writeln!(self.out, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_values() {
        let mut out = String::new();
        let mut metrics = MetricsWriter::new(&mut out, "a_");
        metrics.begin("b", MetricType::Counter, "Of b.");
        metrics.sample(&[], 1);
        metrics.sample(&[("c", "d\"\\\n"), ("e", "")], 2.5);
        metrics.begin("h", MetricType::Histogram, "Of h.");
        metrics.suffixed("_sum", &[], 3);
        let mut metrics = MetricsWriter::deprecated(&mut out, "z_", "a_");
        metrics.begin("b", MetricType::Gauge, "Of b.");
        assert_eq!(
            out,
            "# HELP a_b Of b.\n# TYPE a_b counter\na_b 1\na_b{c=\"d\\\"\\\\\\n\",e=\"\"} 2.5\n\
             # HELP a_h Of h.\n# TYPE a_h histogram\na_h_sum 3\n\
             # HELP z_b Deprecated, now a_b. Of b.\n# TYPE z_b gauge\n"
        );
    }
}
