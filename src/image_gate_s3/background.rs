//! The thread of a worker that keeps credentials good.

use std::time::Duration;

use image_gate_runtime::host::Host;
use image_gate_runtime::s3;
use nginx_sys::NGX_LOG_ERR;

use super::conf::{CredentialsSource, MainConf};
use crate::background::{Threads, Worker};
use crate::ngx::{Cycle, worker};

/// How long a service is waited for at each question before there are workers.
const PATIENCE: Duration = Duration::from_secs(1);

pub static THREADS: Threads = Threads::new("image_gate_s3");

/// Asks services before there are workers, which then have credentials from their first request on. Not in
/// a process that answers requests.
pub fn ask(main: &MainConf, cycle: Cycle<'_>) {
    if worker::is_test() || THREADS.is_worker() {
        return;
    }
    for known in &main.credentials {
        let CredentialsSource::Service(service) = &known.source else { continue };
        match service.fetch(PATIENCE) {
            // They are the first.
            Ok(credentials) => {
                known.store.replace(credentials);
            }
            Err(reason) => {
                let name = &known.name;
                let line = format_args!("image_gate_s3: \"{name}\" has no credentials: {reason}");
                cycle.write(NGX_LOG_ERR, line);
            }
        }
    }
}

/// Starts it where there is something to do.
pub fn start(main: &MainConf) {
    let host = Worker::current();
    let now = host.now();
    let all: Vec<_> = main.credentials.iter().filter_map(|known| known.refresh(now)).collect();
    if !all.is_empty() {
        THREADS.spawn(&host, "", move |host, stop| s3::run(all, host, stop));
    }
}
