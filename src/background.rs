//! Threads of a worker that do what the event loop must not wait for, and the worker as they see it.

use std::fmt::Arguments;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use image_gate_runtime::host::{Host, Now};
use image_gate_runtime::stop_signal::StopSignal;
use nginx_sys::{NGX_LOG_ERR, NGX_LOG_NOTICE};

use crate::ngx::guard::catch;
use crate::ngx::log::CycleLog;
use crate::ngx::{thread, worker};

/// A worker, with the error log of its configuration.
#[derive(Clone)]
pub struct Worker(CycleLog);

impl Worker {
    /// Returns the one that this runs in.
    pub fn current() -> Worker {
        Worker(CycleLog::current())
    }
}

impl Host for Worker {
    fn now(&self) -> Now {
        Now::read()
    }

    fn error(&self, line: Arguments<'_>) {
        self.0.write(NGX_LOG_ERR, line);
    }

    fn notice(&self, line: Arguments<'_>) {
        self.0.write(NGX_LOG_NOTICE, line);
    }

    fn is_leaving(&self) -> bool {
        worker::is_leaving()
    }

    fn process(&self) -> u32 {
        worker::identity()
    }

    fn is_alive(&self, process: u64) -> bool {
        worker::is_alive(process)
    }

    fn spawn(
        &self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let (host, thread) = (self.clone(), name.to_owned());
        thread::spawn(name, move || {
            if catch(body).is_none() {
                host.error(format_args!("{thread}: internal error: panic"));
            }
        })
    }
}

struct Thread {
    stop: StopSignal,
    handle: JoinHandle<()>,
}

/// The threads of a module in this process, in the order in which they began. Only the event loop
/// takes them, so it never waits.
pub struct Threads {
    module: &'static str,
    running: Mutex<Vec<Thread>>,
    /// Whether this process answers requests: one that is its own master takes configurations, too.
    is_worker: AtomicBool,
}

impl Threads {
    /// Returns none yet, of a module called so.
    pub const fn new(module: &'static str) -> Threads {
        Threads { module, running: Mutex::new(Vec::new()), is_worker: AtomicBool::new(false) }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Thread>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one that ends when it is told to. `name` stands behind that of the module.
    pub fn spawn(
        &self,
        host: &Worker,
        name: &str,
        body: impl FnOnce(&Worker, &StopSignal) + Send + 'static,
    ) {
        let stop = StopSignal::default();
        let (its_host, its_stop) = (host.clone(), stop.clone());
        let name = format!("{}{name}", self.module);
        match host.spawn(&name, move || body(&its_host, &its_stop)) {
            Ok(handle) => self.running().push(Thread { stop, handle }),
            Err(error) => host.error(format_args!("{}: no thread: {error}", self.module)),
        }
    }

    /// Whether this process answers requests.
    pub fn is_worker(&self) -> bool {
        self.is_worker.load(Ordering::Relaxed)
    }

    /// Runs `start` where a process begins that answers requests: those for caches end without a
    /// word.
    pub fn begin_process(&self, start: impl FnOnce()) {
        if worker::is_worker() {
            self.is_worker.store(true, Ordering::Relaxed);
            start();
        }
    }

    /// Stops them where another configuration was taken, and runs `start` where this process
    /// answers requests by it.
    pub fn restart(&self, start: impl FnOnce()) {
        self.stop();
        if self.is_worker() {
            start();
        }
    }

    /// Stops them: afterwards nobody uses anything of the configuration any more. The last to begin
    /// ends first.
    pub fn stop(&self) {
        let mut threads = std::mem::take(&mut *self.running());
        while let Some(Thread { stop, handle }) = threads.pop() {
            stop.stop();
            // A panic in it was caught and told.
            drop(handle.join());
        }
    }
}
