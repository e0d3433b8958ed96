//! The threads of a worker that do what the event loop must not wait for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use image_gate_runtime::export::Watch;
use image_gate_runtime::host::Host;
use image_gate_runtime::key::background::{self, ZoneTasks};
use image_gate_runtime::stop_signal::StopSignal;

use super::conf::MainConf;
use super::host::Worker;

struct Thread {
    stop: StopSignal,
    handle: JoinHandle<()>,
}

/// Those of this process, in the order in which they began. Only the event loop takes them, so it
/// never waits.
static THREADS: Mutex<Vec<Thread>> = Mutex::new(Vec::new());

fn threads() -> MutexGuard<'static, Vec<Thread>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts those that there is something to do for, for the zones of a configuration.
pub fn start(main: &MainConf) {
    let host = Worker::current();
    let now = host.now();
    let zones = main.live();
    let tasks: Vec<_> = zones.iter().map(|zone| ZoneTasks::new(zone.clone(), now)).collect();
    if tasks.iter().any(ZoneTasks::are_any) {
        spawn(&host, "access_key", move |host, stop| background::run(tasks, host, stop));
    }
    if !zones.is_empty() && (main.shown.get() || main.exports.is_any()) {
        let watch = Watch::new(zones, main.exports.clone(), host.clone());
        spawn(&host, "access_key watch", move |_, stop| watch.run(stop));
    }
}

fn spawn(host: &Worker, name: &str, body: impl FnOnce(&Worker, &StopSignal) + Send + 'static) {
    let stop = StopSignal::default();
    let (its_host, its_stop) = (host.clone(), stop.clone());
    match host.spawn(name, move || body(&its_host, &its_stop)) {
        Ok(handle) => threads().push(Thread { stop, handle }),
        Err(error) => host.error(format_args!("access_key: no thread: {error}")),
    }
}

/// Stops them: afterwards nobody uses the zones any more. The last to begin ends first, so that what
/// the exports count last is saved.
pub fn stop() {
    let mut threads = std::mem::take(&mut *threads());
    while let Some(Thread { stop, handle }) = threads.pop() {
        stop.stop();
        // A panic in it was caught and told.
        drop(handle.join());
    }
}
