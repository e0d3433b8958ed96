//! Where the credentials of an S3 service come from, and how they stay good.

mod http;
mod metadata;
mod refresh;
mod service;
mod source;
mod store;
mod sts;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod testing;

pub use metadata::MetadataService;
pub use refresh::{Refresh, run};
pub use service::CredentialsService;
pub use source::{FileSource, from_environment};
pub use store::Store;
pub use sts::SecurityTokenService;
