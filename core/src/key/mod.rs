//! Partner keys: what a key file says, who a key belongs to, and what its use comes to.

mod date;
mod digest;
mod file;
mod limits;
mod report;
mod table;
mod window;

pub use date::Date;
pub use digest::Digest;
pub use file::FileError;
pub use limits::{Limits, parse_bytes, parse_requests};
pub use report::{Partner, Report, Totals, Window};
pub use table::{Holder, Table, is_id};
pub use window::{Period, Quantity, Word};
