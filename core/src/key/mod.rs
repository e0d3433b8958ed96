//! Partner keys: what a key file says, who a key belongs to, and what its use comes to.

mod counter;
mod date;
mod digest;
mod file;
mod headers;
pub mod history;
mod json;
mod lease;
mod limits;
pub mod mask;
mod pace;
mod page;
mod prometheus;
pub mod redis;
mod report;
#[cfg(test)]
mod samples;
mod slots;
pub mod source;
mod state;
mod statsd;
mod table;
mod window;
pub mod windowed_counter;

pub use counter::{COUNTERS, Counter};
pub use date::Date;
pub use digest::Digest;
pub use file::FileError;
pub use headers::{Usage, draft, legacy};
pub use json::{Health, History, ZoneStatus, json};
pub use lease::Lease;
pub use limits::{NO_LIMIT, QuotaLimits, parse_bytes, parse_requests};
pub use pace::Pace;
pub use page::{LONGEST, Page, Selection, Sort, Sums};
pub use prometheus::prometheus;
pub use report::{PartnerReport, QuotaWindow, Report, Totals};
pub use slots::{MOST_AT_ONCE, Slots};
pub use source::KeySource;
pub use state::{Account, State, StateError, Windows};
pub use statsd::{Advance, Datagram, MAX_DATAGRAM, Statsd, Tags};
pub use table::{MAX_ID, Partner, PartnerTable, is_id};
pub use window::{PerPeriod, Period, Resource, WindowCount};
