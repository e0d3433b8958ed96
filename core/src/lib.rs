//! What an image, a link and a partner's key *are*, without nginx: bytes in, bytes out.
//!
//! The nginx module and the command-line program are two thin shells around
//! this crate. Nothing here knows nginx, starts a thread itself or touches a file.

#![forbid(unsafe_code)]

pub mod accept;
pub mod cache;
pub mod escapes;
pub mod health;
pub mod image;
pub mod key;
pub mod link;
pub mod metrics;
pub mod s3;
mod units;
