//! Partner keys: what a key file says, who a key belongs to, and what its use comes to.

mod date;
mod digest;
mod file;
mod headers;
mod limits;
mod report;
pub mod source;
mod state;
mod table;
mod window;

pub use date::Date;
pub use digest::Digest;
pub use file::FileError;
pub use headers::{Usage, draft, legacy};
pub use limits::{Limits, parse_bytes, parse_requests};
pub use report::{Partner, Report, Totals, Window};
pub use source::Source;
pub use state::{Account, State, StateError};
pub use table::{Holder, MAX_ID, Table, is_id};
pub use window::{Period, Quantity, Word};
