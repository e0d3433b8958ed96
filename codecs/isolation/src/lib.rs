//! Work in a process of its own, which can be ended at any moment.
//!
//! A library that is asked for the pixels of a hostile file may be at one step of it for minutes, and nothing ends
//! a thread from outside. A process can be ended. Those that do the work are made by one [helper](Processes) that
//! a program starts while it is small: to copy a large program takes long, and all its threads wait for that.
//! Of what is done in the process itself, [some](run_beside) is done by threads that wait for it.

mod channel;
mod child;
mod ending;
mod helper;
mod memory;
mod process;
mod shared;
mod threads;
mod turn;

pub use ending::end_by_panic;
pub use helper::Processes;
pub use memory::Memory;
pub use threads::run_beside;

use std::io;

use image_gate_core::image::Error;

/// A call of the system's that failed, and what it was for.
fn failed(what: &str) -> Error {
    Error::Internal(format!("{what}: {}", io::Error::last_os_error()))
}
