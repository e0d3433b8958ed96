//! The watch of a worker over the exports of zones.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::ExportConf;
use super::redis::Node;
use super::sink::{self, Sink};
use super::statsd::Sender;
use crate::host::Host;
use crate::key::{Memory, Zone};
use crate::stop_signal::StopSignal;

/// How often leases are renewed and samples taken.
const BEAT: Duration = Duration::from_secs(1);

/// The watch over zones.
pub struct Watch<M, H> {
    watched_zones: Vec<WatchedZone<M>>,
    conf: ExportConf,
    host: H,
}

/// A zone that is watched.
struct WatchedZone<M> {
    zone: Arc<Zone<M>>,
    /// The threads that run while the lease is held.
    sinks: Vec<(StopSignal, JoinHandle<()>)>,
}

impl<M: Memory + 'static, H: Host> Watch<M, H> {
    /// Returns one that has not begun.
    #[must_use]
    pub fn new(zones: Vec<Arc<Zone<M>>>, conf: ExportConf, host: H) -> Watch<M, H> {
        let watched_zones =
            zones.into_iter().map(|zone| WatchedZone { zone, sinks: Vec::new() }).collect();
        Watch { watched_zones, conf, host }
    }

    /// Watches until it is time to stop.
    pub fn run(mut self, stop: &StopSignal) {
        loop {
            self.beat();
            if stop.sleep(BEAT) {
                break;
            }
        }
        self.end();
    }

    /// Takes, keeps or gives up the leases, and does what comes with them.
    fn beat(&mut self) {
        let host = &self.host;
        let now = host.now().seconds();
        for watched in &mut self.watched_zones {
            let lease = &watched.zone.header().export.lease;
            let is_alive = |process| host.is_alive(process);
            if lease.renew(host.process(), host.is_leaving(), now, is_alive) {
                sample(&watched.zone, now);
                watched.keep_running(&self.conf, host);
            } else {
                watched.end();
            }
        }
    }

    /// Ends all sinks. They wait for nobody.
    fn end(self) {
        self.watched_zones
            .iter()
            .flat_map(|watched| &watched.sinks)
            .for_each(|(stop, _)| stop.stop());
        for mut watched in self.watched_zones {
            watched.end();
            watched.zone.header().export.lease.release(self.host.process());
        }
    }
}

fn sample<M: Memory>(zone: &Zone<M>, now: u64) {
    zone.header().export.clock.tick(now, || {
        let records = zone.records().iter();
        let sample = records.map(|record| {
            let totals = record.totals();
            (&record.export.track, totals.requests, totals.bytes_sent)
        });
        sample.collect()
    });
}

impl<M: Memory + 'static> WatchedZone<M> {
    /// Ends the sinks.
    fn end(&mut self) {
        self.sinks.iter().for_each(|(stop, _)| stop.stop());
        // A panic in it was caught and told.
        self.sinks.drain(..).for_each(|(_, thread)| drop(thread.join()));
    }

    /// Starts the sinks that do not run.
    fn keep_running(&mut self, conf: &ExportConf, host: &impl Host) {
        if self.sinks.iter().any(|(_, thread)| thread.is_finished()) {
            // One of them failed to an end, with a line in the log; all start anew.
            self.end();
        }
        if !self.sinks.is_empty() {
            return;
        }
        if let Some(conf) = &conf.statsd {
            self.run(Sender::new(conf.clone()), host);
        }
        if let Some(conf) = &conf.redis {
            self.run(Node::new(conf.clone()), host);
        }
    }

    fn run<S: Sink>(&mut self, sink: S, host: &impl Host) {
        let (zone, stop) = (self.zone.clone(), StopSignal::default());
        let (its_host, its_stop) = (host.clone(), stop.clone());
        let started = host.spawn(&format!("access_key {}", S::NAME), move || {
            sink::run(sink, &zone, &its_host, &its_stop);
        });
        match started {
            Ok(thread) => self.sinks.push((stop, thread)),
            Err(error) => host.error(format_args!("access_key: no thread: {error}")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::export::StatsdConf;
    use crate::testing::{FakeHost, Folder, Heap, Statsd, count, keys, start};
    use image_gate_core::key::{self, Tags};
    use std::time::Instant;

    struct Machine {
        folder: Folder,
        memory: Heap,
        host: FakeHost,
        statsd: Statsd,
    }

    type Worker = (Arc<Zone<Heap>>, Watch<Heap, FakeHost>);

    impl Machine {
        fn new() -> Machine {
            let folder = Folder::new();
            folder.write("keys", &keys(&["acme"]));
            let (host, statsd) = (FakeHost::new(), Statsd::new());
            Machine { folder, memory: Heap::new(1), host, statsd }
        }

        fn worker(&self, process: u32) -> Worker {
            let host = self.host.another(process);
            let zone = Arc::new(start(&self.memory, &self.folder, &host));
            let statsd = key::Statsd { prefix: String::new(), tags: Tags::None };
            let (address, interval) = (self.statsd.address(), Duration::from_millis(5));
            let statsd = Some(StatsdConf { address, interval, statsd });
            let conf = ExportConf { statsd, redis: None };
            (zone.clone(), Watch::new(vec![zone], conf, host))
        }

        fn second(&self, workers: &mut [&mut Worker]) {
            self.host.pass(Duration::from_secs(1));
            for (_, watch) in workers {
                watch.beat();
            }
        }

        /// What statsd heard, once that is as much as it should be.
        fn heard(&self, expected: u64) -> u64 {
            let began = Instant::now();
            let mut heard = 0;
            while heard < expected && began.elapsed() < Duration::from_secs(5) {
                heard += self.statsd.sums("requests").get("acme").copied().unwrap_or(0);
                std::thread::sleep(Duration::from_millis(1));
            }
            heard
        }
    }

    fn exports(worker: &Worker) -> bool {
        !worker.1.watched_zones[0].sinks.is_empty()
    }

    #[test]
    fn one_worker_exports_and_another_when_it_is_gone() {
        let machine = Machine::new();
        let (mut one, mut two) = (machine.worker(1), machine.worker(2));
        machine.second(&mut [&mut one, &mut two]);
        assert!(exports(&one) && !exports(&two));
        count(&one.0, 0, 3, &machine.host);
        count(&two.0, 0, 4, &machine.host);
        assert_eq!(machine.heard(7), 7);
        machine.second(&mut [&mut one, &mut two]);
        assert!(exports(&one) && !exports(&two));
        // Killed: its threads end with it.
        one.1.watched_zones[0].end();
        machine.host.another(1).die();
        count(&two.0, 0, 1, &machine.host);
        machine.second(&mut [&mut two]);
        assert!(exports(&two));
        assert_eq!(machine.heard(1), 1);
        two.1.end();
        assert_eq!(machine.heard(0), 0);
    }

    #[test]
    fn one_that_leaves_hands_over_and_nothing_is_lost_or_sent_twice() {
        let machine = Machine::new();
        let (mut one, mut two) = (machine.worker(1), machine.worker(2));
        machine.second(&mut [&mut one]);
        machine.host.another(1).leave();
        machine.second(&mut [&mut one]);
        assert!(exports(&one), "as long as nobody else wants it");
        count(&one.0, 0, 2, &machine.host);
        machine.second(&mut [&mut two, &mut one]);
        assert!(!exports(&one) && !exports(&two));
        machine.second(&mut [&mut two, &mut one]);
        assert!(!exports(&one) && exports(&two));
        count(&one.0, 0, 5, &machine.host);
        assert_eq!(machine.heard(7), 7);
        one.1.end();
        count(&two.0, 0, 1, &machine.host);
        two.1.end();
        assert_eq!(machine.heard(1), 1);
        assert_eq!(machine.host.lines(), Vec::<String>::new());
    }

    #[test]
    fn the_end_sends_what_was_counted_last_and_gives_the_lease_back() {
        let machine = Machine::new();
        let (zone, watch) = machine.worker(1);
        let stop = StopSignal::default();
        let thread = std::thread::spawn({
            let stop = stop.clone();
            move || watch.run(&stop)
        });
        count(&zone, 0, 1, &machine.host);
        assert_eq!(machine.heard(1), 1);
        count(&zone, 0, 9, &machine.host);
        stop.stop();
        thread.join().unwrap();
        assert_eq!(machine.heard(9), 9);
        assert!(!zone.header().export.lease.is_held_by(1));
    }

    #[test]
    fn samples_are_taken_by_who_exports() {
        let machine = Machine::new();
        let mut one = machine.worker(1);
        for _ in 0..10 {
            count(&one.0, 0, 2, &machine.host);
            machine.second(&mut [&mut one]);
        }
        let (now, header) = (machine.host.now().seconds(), one.0.header());
        let clock = &header.export.clock;
        let series = clock.read(&one.0.records()[0].export.track, 0, clock.end(0, now));
        assert_eq!(series.requests.iter().rev().flatten().next(), Some(&10));
        one.1.end();
    }
}
