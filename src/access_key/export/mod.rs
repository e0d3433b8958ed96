//! What leaves a worker: history for the status page, counters for statsd, sums in Redis.
//!
//! All of it happens on threads, in one worker for each zone: a watch in every worker looks each
//! second whether it holds the zone's lease, and has the sinks run as long as it does. The event
//! loop starts the watch and stops it, and never waits for a sink.

mod conf;
pub mod directives;
mod exported;
mod redis;
mod sink;
mod statsd;
mod stop_signal;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nginx_sys::{NGX_LOG_ERR, NGX_LOG_NOTICE};

use super::conf::MainConf;
use super::zone::Zone;
use crate::ngx::guard::catch;
use crate::ngx::log::CycleLog;
use crate::ngx::{thread, worker};
use stop_signal::StopSignal;

pub use conf::ExportConf;
pub use exported::{PartnerExport, ZoneExport};
use sink::{Sink, now};

/// How often leases are renewed and samples taken.
const BEAT: Duration = Duration::from_secs(1);

struct Watch {
    stop: StopSignal,
    thread: JoinHandle<()>,
}

/// The watch of this process. Only nginx's own thread takes it, so it never waits.
static WATCH: Mutex<Option<Watch>> = Mutex::new(None);

fn slot() -> MutexGuard<'static, Option<Watch>> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the watch over the zones of a configuration, if there is anything to do.
pub fn start(main: &MainConf) {
    let zones = main.live();
    if zones.is_empty() || !(main.shown.get() || main.exports.is_any()) {
        return;
    }
    let log = CycleLog::current();
    let conf = main.exports.clone();
    let stop = StopSignal::default();
    let stopped = stop.clone();
    let watched_zones =
        zones.into_iter().map(|zone| WatchedZone { zone, sinks: Vec::new() }).collect();
    let started = thread::spawn("access_key watch", move || {
        if catch(|| watch(watched_zones, &conf, log, &stopped)).is_none() {
            log.write(NGX_LOG_ERR, format_args!("access_key: exports: internal error: panic"));
        }
    });
    match started {
        Ok(thread) => *slot() = Some(Watch { stop, thread }),
        Err(error) => log.write(NGX_LOG_ERR, format_args!("access_key: no thread: {error}")),
    }
}

/// Ends the watch and its sinks: afterwards nobody uses the zones any more.
pub fn stop() {
    let Some(watch) = slot().take() else { return };
    watch.stop.stop();
    // A panic in it was caught and told.
    drop(watch.thread.join());
}

/// A zone that is watched.
struct WatchedZone {
    zone: Arc<Zone>,
    /// The threads that run while the lease is held.
    sinks: Vec<(StopSignal, JoinHandle<()>)>,
}

fn watch(mut watched_zones: Vec<WatchedZone>, conf: &ExportConf, log: CycleLog, stop: &StopSignal) {
    let process = std::process::id();
    loop {
        let now = now();
        for watched in &mut watched_zones {
            let zone_export = &watched.zone.header().export;
            if zone_export.lease.renew(process, worker::is_leaving(), now, worker::is_alive) {
                sample(&watched.zone, now);
                watched.keep_running(conf, log, process);
            } else {
                watched.end();
            }
        }
        if stop.sleep(BEAT) {
            break;
        }
    }
    watched_zones.iter().flat_map(|watched| &watched.sinks).for_each(|(stop, _)| stop.stop());
    for watched in watched_zones {
        for (_, thread) in watched.sinks {
            // It waits for nobody. A panic in it was caught and told.
            drop(thread.join());
        }
        watched.zone.header().export.lease.release(process);
    }
}

fn sample(zone: &Zone, now: u64) {
    zone.header().export.clock.tick(now, || {
        let records = zone.records().iter();
        let sample = records.map(|record| {
            let totals = record.totals();
            (&record.export.track, totals.requests, totals.bytes_sent)
        });
        sample.collect()
    });
}

impl WatchedZone {
    /// Ends the sinks.
    fn end(&mut self) {
        self.sinks.iter().for_each(|(stop, _)| stop.stop());
        self.sinks.drain(..).for_each(|(_, thread)| drop(thread.join()));
    }

    /// Starts the sinks that do not run.
    fn keep_running(&mut self, conf: &ExportConf, log: CycleLog, process: u32) {
        if self.sinks.iter().any(|(_, thread)| thread.is_finished()) {
            // One of them failed to an end, with a line in the log; all start anew.
            self.end();
        }
        if !self.sinks.is_empty() {
            return;
        }
        if conf.redis.as_ref().is_none_or(|redis| !redis.deny) {
            self.zone.set_deny(false);
        }
        if let Some(conf) = &conf.statsd {
            self.run(statsd::Sender::new(conf.clone()), log, process);
        }
        if let Some(conf) = &conf.redis {
            self.run(redis::Node::new(conf.clone()), log, process);
        }
    }

    fn run<S: Sink + 'static>(&mut self, mut sink: S, log: CycleLog, process: u32) {
        let (zone, stop) = (self.zone.clone(), StopSignal::default());
        let stopped = stop.clone();
        let started = thread::spawn(&format!("access_key {}", S::NAME), move || {
            if catch(|| export(&mut sink, &zone, log, process, &stopped)).is_none() {
                let name = S::NAME;
                log.write(NGX_LOG_ERR, format_args!("access_key: {name}: internal error: panic"));
            }
        });
        match started {
            Ok(thread) => self.sinks.push((stop, thread)),
            Err(error) => log.write(NGX_LOG_ERR, format_args!("access_key: no thread: {error}")),
        }
    }
}

/// Runs a sink until it is stopped or the lease is lost; each trouble makes one line, and so does
/// its end.
fn export<S: Sink>(sink: &mut S, zone: &Zone, log: CycleLog, process: u32, stop: &StopSignal) {
    let (kind, name) = (S::NAME, &zone.name);
    let lease = &zone.header().export.lease;
    let mut trouble: Option<String> = None;
    while lease.is_held_by(process) {
        let (pause, result) = sink.send(zone, stop);
        if stop.is_stopped() {
            // What failed since may have failed for that.
            if lease.is_held_by(process) {
                sink.finish(zone);
            }
            return;
        }
        match (result.err(), &trouble) {
            (None, Some(_)) => {
                log.write(
                    NGX_LOG_NOTICE,
                    format_args!("access_key: {kind} works again, zone \"{name}\""),
                );
                trouble = None;
            }
            (Some(new), old) if old.as_ref() != Some(&new) => {
                log.write(
                    NGX_LOG_ERR,
                    format_args!("access_key: {kind} does not work: {new}, zone \"{name}\""),
                );
                trouble = Some(new);
            }
            _ => (),
        }
        if stop.sleep(pause) {
            if lease.is_held_by(process) {
                sink.finish(zone);
            }
            return;
        }
    }
}
