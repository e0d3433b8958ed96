//! What image-gate does with files, threads and sockets: the parts that need a system, but no nginx.
//!
//! The module is a thin shell around it. What the time is, and what else the process that it runs
//! in is to say, comes from the caller, so that tests can say otherwise.

#![forbid(unsafe_code)]

pub mod export;
pub mod files;
pub mod generations;
pub mod host;
pub mod key;
mod polled_file;
pub mod s3;
pub mod stop_signal;
#[cfg(test)]
mod testing;
pub mod watermark;
