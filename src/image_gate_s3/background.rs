//! The thread of a worker that keeps credentials good.

use image_gate_runtime::host::Host;
use image_gate_runtime::s3;

use super::conf::MainConf;
use crate::background::{Threads, Worker};

pub static THREADS: Threads = Threads::new("image_gate_s3");

/// Starts it where there is something to do.
pub fn start(main: &MainConf) {
    let host = Worker::current();
    let now = host.now();
    let all: Vec<_> = main.credentials.iter().filter_map(|known| known.refresh(now)).collect();
    if !all.is_empty() {
        THREADS.spawn(&host, "", move |host, stop| s3::run(all, host, stop));
    }
}
