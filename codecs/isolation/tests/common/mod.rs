//! Processes that begin before there are threads, which may have locked what their copies use.

use image_gate_isolation::{Memory, Processes};

#[global_allocator]
static MEMORY: Memory = Memory;

pub static PROCESSES: Processes = Processes::new(|| ());

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    PROCESSES.start().unwrap();
}
