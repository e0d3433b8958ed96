//! Results that are kept: what they are found by, how they are written down, and who makes one that
//! is missing.

mod file;
mod flight;
mod head;
mod key;
mod validity;

pub use file::SourceId;
pub use flight::{Claim, Flight, Ticket, claim, is_in_flight, release};
pub use head::{Head, MOST, Made, hidden, hide};
pub use key::{Digest, Key};
pub use validity::{Ignored, Validity};
