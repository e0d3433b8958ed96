//! Partner keys: what a key file says, who a key belongs to, and what its use comes to.

mod date;
mod window;

pub use date::Date;
pub use window::{Period, Quantity, Word};
