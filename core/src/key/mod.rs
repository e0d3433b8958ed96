//! Partner keys: what they count and how that is shown.

mod report;
mod window;

pub use report::{Partner, Report, Totals, Window};
pub use window::{Period, Quantity};
