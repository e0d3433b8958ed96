//! What nginx's process tells of itself to the threads in it.

use std::fmt::Arguments;
use std::io;
use std::thread::JoinHandle;

use image_gate_runtime::host::{Host, Now};
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
