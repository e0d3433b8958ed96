//! The safe face of nginx: what the modules use of it, with the reasons why that is sound.
//!
//! Everything here runs on the one thread of nginx's event loop, or while nginx reads its
//! configuration, unless it says otherwise.

mod access;
pub mod allocator;
pub mod cache;
pub mod captures;
pub mod censor;
pub mod chain;
pub mod conf;
pub mod error_body;
pub mod event;
mod file_range;
pub mod filter;
pub mod guard;
pub mod incoming;
pub mod kept_memory;
pub mod location;
pub mod log;
pub mod module;
pub mod phase;
pub mod pool;
pub mod request;
mod response;
mod shim;
pub mod shm;
mod strings;
pub mod thread;
pub mod variable;
pub mod worker;

use nginx_sys::{NGX_ERROR, ngx_int_t};

pub use file_range::{FileRange, identify};
pub use module::{Cycle, Module, Parser};
pub use pool::Pooled;
pub use request::{OutgoingMark, Request, WeakRequest};
pub use strings::is_named;

/// What a callback of nginx returns that failed.
const ERROR: ngx_int_t = NGX_ERROR as ngx_int_t;

/// nginx has no memory for it. What was to be done is not done, and must not be taken for done.
#[derive(Debug, Clone, Copy)]
pub struct NoMemory;

/// What is wrong with a configuration was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported;
