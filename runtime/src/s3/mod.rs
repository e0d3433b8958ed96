//! Where the credentials of an S3 service come from, and how they stay good.

mod metadata;
mod refresh;
mod source;
mod store;

pub use metadata::MetadataService;
pub use refresh::{Refresh, run};
pub use source::{FileSource, from_environment};
pub use store::Store;
