//! The safe face of nginx: what the modules use of it, with the reasons why that is sound.
//!
//! Everything here runs on the one thread of nginx's event loop, or while nginx reads its
//! configuration, unless it says otherwise.

mod access;
mod answer;
pub mod chain;
pub mod conf;
pub mod event;
mod file;
pub mod guard;
pub mod incoming;
pub mod location;
pub mod log;
pub mod memory;
pub mod phase;
pub mod pool;
pub mod request;
mod shim;
pub mod shm;
pub mod thread;
pub mod variable;
pub mod worker;

pub use file::File;
pub use pool::{Pooled, PooledBytes};
pub use request::Request;

/// nginx has no memory for it. What was to be done is not done, and must not be taken for done.
#[derive(Debug, Clone, Copy)]
pub struct NoMemory;
