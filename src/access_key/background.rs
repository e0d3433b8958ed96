//! What the threads of a worker do for zones.

use image_gate_runtime::export::Watch;
use image_gate_runtime::host::Host;
use image_gate_runtime::key::background::{self, ZoneTasks};

use super::conf::MainConf;
use crate::background::{Threads, Worker};

/// What the exports count last is saved by the thread that began before them.
pub static THREADS: Threads = Threads::new("access_key");

/// Starts those that there is something to do for, for the zones of a configuration.
pub fn start(main: &MainConf) {
    let host = Worker::current();
    let now = host.now();
    let zones = main.live();
    let tasks: Vec<_> = zones.iter().map(|zone| ZoneTasks::new(zone.clone(), now)).collect();
    if tasks.iter().any(ZoneTasks::are_any) {
        THREADS.spawn(&host, "", move |host, stop| background::run(tasks, host, stop));
    }
    if !zones.is_empty() && (main.shown.get() || main.exports.is_any()) {
        let watch = Watch::new(zones, main.exports.clone(), host.clone());
        THREADS.spawn(&host, " watch", move |_, stop| watch.run(stop));
    }
}
