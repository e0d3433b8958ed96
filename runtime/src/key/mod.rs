//! Partners' keys: what a zone holds, and the files that it comes from and goes to.

pub mod background;
pub mod days_file;
mod exported;
pub mod key_file;
mod shm_layout;
pub mod state_file;
mod zone;

pub use exported::{PartnerExport, ZoneExport};
pub use key_file::{KeyFile, Keys};
pub use shm_layout::{Answered, Record, Since, ZoneHeader, layout};
pub use state_file::LoadError;
pub use zone::{KeyTable, Memory, QuotaDecision, RunningRequest, StateFile, Zone};
