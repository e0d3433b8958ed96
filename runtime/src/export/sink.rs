//! Where counters go.

use std::time::Duration;

use crate::host::{Host, Now};
use crate::key::{Memory, Zone};
use crate::stop_signal::StopSignal;

/// Where counters go.
pub trait Sink: Send + 'static {
    /// What it is called.
    const NAME: &'static str;

    /// Sends what there is. Returns how long to rest, and what went wrong.
    fn send<M: Memory>(
        &mut self,
        zone: &Zone<M>,
        host: &impl Host,
        stop: &StopSignal,
    ) -> (Duration, Result<(), String>);

    /// Sends what there is a last time, if that takes no time.
    fn finish<M: Memory>(&mut self, _zone: &Zone<M>, _now: Now) {}
}

/// Runs a sink until it is stopped or the lease is lost.
pub fn run<M: Memory>(sink: impl Sink, zone: &Zone<M>, host: &impl Host, stop: &StopSignal) {
    let mut course = Course { sink, trouble: None };
    let is_ours = || zone.header().export.lease.is_held_by(host.process());
    while is_ours() {
        let pause = course.turn(zone, host, stop);
        if stop.sleep(pause) {
            if is_ours() {
                course.sink.finish(zone, host.now());
            }
            return;
        }
    }
}

/// A sink, and what is wrong with it: each trouble makes one line, and so does its end.
struct Course<S> {
    sink: S,
    trouble: Option<String>,
}

impl<S: Sink> Course<S> {
    /// Sends what there is. Returns how long to rest.
    fn turn<M: Memory>(&mut self, zone: &Zone<M>, host: &impl Host, stop: &StopSignal) -> Duration {
        let (pause, result) = self.sink.send(zone, host, stop);
        if stop.is_stopped() {
            // What failed since may have failed for that.
            return pause;
        }
        let (kind, name) = (S::NAME, &zone.name);
        let trouble = result.err();
        match (&trouble, &self.trouble) {
            (None, Some(_)) => {
                host.notice(format_args!("access_key: {kind} works again, zone \"{name}\""));
            }
            (Some(new), old) if old.as_ref() != Some(new) => {
                host.error(format_args!("access_key: {kind} does not work: {new}, zone \"{name}\""))
            }
            _ => (),
        }
        self.trouble = trouble;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, Folder, Heap, keys, start};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Fails as it is told, turn by turn.
    struct Told {
        turns: Vec<Result<(), String>>,
        finished: Arc<AtomicUsize>,
    }

    impl Sink for Told {
        const NAME: &'static str = "told";

        fn send<M: Memory>(
            &mut self,
            zone: &Zone<M>,
            host: &impl Host,
            stop: &StopSignal,
        ) -> (Duration, Result<(), String>) {
            if self.turns.is_empty() {
                // Nobody is there to sleep for.
                stop.stop();
                return (Duration::ZERO, Err("stopped".into()));
            }
            if self.turns.len() == 1 {
                zone.header().export.lease.release(host.process());
            }
            (Duration::ZERO, self.turns.remove(0))
        }

        fn finish<M: Memory>(&mut self, _: &Zone<M>, _: Now) {
            self.finished.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn run_told(turns: &[Result<(), &str>], ends: bool) -> (Vec<String>, usize) {
        let (folder, host) = (Folder::new(), FakeHost::new());
        folder.write("keys", &keys(&["acme"]));
        let zone = start(&Heap::new(1), &folder, &host);
        let lease = &zone.header().export.lease;
        assert!(lease.renew(host.process(), false, host.now().seconds(), |_| true));
        let mut turns: Vec<_> = turns.iter().map(|turn| turn.map_err(str::to_owned)).collect();
        if ends {
            turns.push(Ok(()));
        }
        let finished = Arc::new(AtomicUsize::new(0));
        run(Told { turns, finished: finished.clone() }, &zone, &host, &StopSignal::default());
        (host.lines(), finished.load(Ordering::Relaxed))
    }

    #[test]
    fn each_trouble_makes_one_line() {
        let turns = [Ok(()), Err("a"), Err("a"), Err("b"), Ok(()), Ok(()), Err("b")];
        let (lines, finished) = run_told(&turns, true);
        assert_eq!(
            lines,
            [
                "error: access_key: told does not work: a, zone \"z\"",
                "error: access_key: told does not work: b, zone \"z\"",
                "notice: access_key: told works again, zone \"z\"",
                "error: access_key: told does not work: b, zone \"z\"",
                "notice: access_key: told works again, zone \"z\"",
            ]
        );
        assert_eq!(finished, 0, "the lease was lost: another worker goes on");
    }

    #[test]
    fn the_end_is_no_trouble_and_sends_the_rest() {
        let (folder, host) = (Folder::new(), FakeHost::new());
        folder.write("keys", &keys(&["acme"]));
        let zone = start(&Heap::new(1), &folder, &host);
        let lease = &zone.header().export.lease;
        assert!(lease.renew(host.process(), false, host.now().seconds(), |_| true));
        let finished = Arc::new(AtomicUsize::new(0));
        let sink = Told { turns: Vec::new(), finished: finished.clone() };
        run(sink, &zone, &host, &StopSignal::default());
        assert_eq!((host.lines(), finished.load(Ordering::Relaxed)), (Vec::new(), 1));
    }
}
