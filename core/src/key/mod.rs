//! Partner keys: what they count and how that is shown.

mod counter;
pub mod history;
mod json;
mod prometheus;
pub mod redis;
mod report;
#[cfg(test)]
mod samples;
mod statsd;
mod window;

pub use counter::{COUNTERS, Counter};
pub use json::{History, Zone, json};
pub use prometheus::{PROMETHEUS_TYPE, prometheus};
pub use report::{Partner, Report, Totals, Window};
pub use statsd::{Advance, Datagram, MAX_DATAGRAM, Statsd, Tags};
pub use window::{Period, Quantity};
