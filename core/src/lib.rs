//! What an image, a link and a partner's key *are*, without nginx: bytes in, bytes out.
//!
//! The nginx module and the command-line program are two thin shells around
//! this crate. Nothing here knows nginx, starts a thread itself or touches a file.

#![forbid(unsafe_code)]
// What several formats share is checked where all of them are built.
#![cfg_attr(
    not(all(
        feature = "bmp",
        feature = "heif",
        feature = "ico",
        feature = "jxl",
        feature = "pnm",
        feature = "qoi",
        feature = "svg",
        feature = "tiff"
    )),
    allow(dead_code, unreachable_code, unused_imports, unused_mut, unused_variables)
)]

pub mod accept;
pub mod cache;
pub mod escapes;
pub mod health;
pub mod image;
pub mod key;
pub mod link;
pub mod metrics;
pub mod process;
pub mod s3;
mod units;
