//! What the event loop must not wait for: to look whether key files changed, and to save the state.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::key_file::{self, KeyFile, Keys};
use super::state_file;
use super::zone::{Memory, Zone};
use crate::files::FileId;
use crate::host::{Host, Now};
use crate::polled_file::{PolledFile, Trouble};
use crate::stop_signal::StopSignal;

/// Does what there is to do for zones until it is time to stop, and then saves them.
pub fn run<M: Memory>(mut tasks: Vec<ZoneTasks<M>>, host: &impl Host, stop: &StopSignal) {
    while !stop.is_stopped() {
        for tasks in &mut tasks {
            tasks.work(host);
        }
        let now = host.now();
        let rest = tasks.iter().map(|tasks| tasks.rest(now)).min();
        stop.sleep(rest.unwrap_or(Duration::MAX));
    }
    for tasks in &mut tasks {
        tasks.save(host, true);
    }
}

/// What is to be done for one zone.
pub struct ZoneTasks<M> {
    zone: Arc<Zone<M>>,
    file: PolledFile,
    /// What was wrong last, so that each trouble makes one line.
    save_trouble: Option<String>,
    /// Whether there are keys to be freed.
    has_retired: bool,
}

impl<M: Memory> ZoneTasks<M> {
    /// Returns those of a zone from that time on.
    #[must_use]
    pub fn new(zone: Arc<Zone<M>>, now: Now) -> ZoneTasks<M> {
        let KeyFile { path, poll, seen, trouble } = zone.file.clone();
        let file = PolledFile::new(path, poll, seen, trouble, now.steady);
        ZoneTasks { file, zone, save_trouble: None, has_retired: true }
    }

    /// Returns whether there will ever be anything to do.
    #[must_use]
    pub fn are_any(&self) -> bool {
        self.zone.state_file.is_some() || self.file.is_polled()
    }

    /// Does what is due.
    fn work(&mut self, host: &impl Host) {
        let now = host.now();
        let zone = &self.zone;
        if let Some(looked) = self.file.look(now.steady, |path| take_over(zone, path, host)) {
            zone.header().key_file_bad.note(looked.is_ok(), now.seconds());
            if let Err(Trouble { reason, is_new: true }) = looked {
                let name = &zone.name;
                host.error(format_args!("access_key: zone \"{name}\" keeps its keys: {reason}"));
            }
        }
        if self.claim_save(host.now()) {
            self.save(host, false);
        }
        self.has_retired = self.zone.free_retired();
    }

    /// Returns how long there is nothing to do.
    fn rest(&self, now: Now) -> Duration {
        let poll = self.file.rest(now.steady);
        let save = self.zone.state_file.as_ref().map(|state| {
            let due = self.zone.header().next_save.load(Ordering::Relaxed);
            Duration::from_millis(due.saturating_sub(now.milliseconds()))
                .clamp(Duration::from_millis(20), state.interval)
        });
        let free = self.has_retired.then_some(Duration::from_secs(1));
        poll.into_iter().chain(save).chain(free).min().unwrap_or(Duration::MAX)
    }

    /// Returns whether the state is due and no other process has taken that on.
    fn claim_save(&self, now: Now) -> bool {
        let Some(state) = &self.zone.state_file else { return false };
        let next = &self.zone.header().next_save;
        let due = next.load(Ordering::Relaxed);
        let now = now.milliseconds();
        let interval = u64::try_from(state.interval.as_millis()).unwrap_or(u64::MAX);
        // A time far off is from a clock that was set back since.
        let is_due = now >= due || due > now.saturating_add(interval.saturating_mul(2));
        let then = now.saturating_add(interval);
        is_due && next.compare_exchange(due, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn save(&mut self, host: &impl Host, wait: bool) {
        let saved = state_file::save(&self.zone, wait, host.now().seconds());
        let name = &self.zone.name;
        if let Ok(Some(found)) = &saved {
            host.error(format_args!("access_key: zone \"{name}\" found no state in {found}"));
        }
        let trouble = saved.err();
        self.zone.header().state_bad.note(trouble.is_none(), host.now().seconds());
        if let Some(reason) = &trouble
            && self.save_trouble != trouble
        {
            host.error(format_args!("access_key: zone \"{name}\" can't save its state: {reason}"));
        }
        if self.save_trouble.is_some() && trouble.is_none() {
            host.notice(format_args!("access_key: zone \"{name}\" saves its state again"));
        }
        self.save_trouble = trouble;
    }
}

/// Has a zone go by the key file at `path`. Returns which version of it was read, too.
fn take_over<M: Memory>(
    zone: &Zone<M>,
    path: &Path,
    host: &impl Host,
) -> (Option<FileId>, Result<(), String>) {
    let keys = match Keys::read(path) {
        Ok(keys) => keys,
        Err(reason) => return (None, Err(reason)),
    };
    if let Some(reason) = keys.emptiness(path).filter(|_| zone.has_partners()) {
        return (keys.seen, Err(reason));
    }
    let partners = keys.table.partners().len();
    if let Err(reason) = zone.replace(keys.table, |_| None) {
        return (keys.seen, Err(reason));
    }
    let name = &zone.name;
    if let Some(state) = &zone.state_file
        && let Err(reason) = key_file::keep(&state.path, &keys.text, None)
    {
        host.error(format_args!("access_key: zone \"{name}\" can't keep its keys: {reason}"));
    }
    host.notice(format_args!("access_key: zone \"{name}\" has new keys of {partners} partners"));
    (keys.seen, Ok(()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, Folder, Heap, count, keys, requests, start};
    use std::fs;

    struct Fixture {
        folder: Folder,
        host: FakeHost,
        zone: Arc<Zone<Heap>>,
        tasks: ZoneTasks<Heap>,
    }

    impl Fixture {
        fn new() -> Fixture {
            let folder = Folder::new();
            folder.write("keys", &keys(&["acme"]));
            Fixture::start(folder, FakeHost::new())
        }

        fn start(folder: Folder, host: FakeHost) -> Fixture {
            let zone = Arc::new(start(&Heap::new(3), &folder, &host));
            let mut tasks = ZoneTasks::new(zone.clone(), host.now());
            assert!(tasks.are_any());
            tasks.work(&host);
            Fixture { folder, host, zone, tasks }
        }

        /// Works after so many milliseconds; returns the lines, without the folder's name.
        fn after(&mut self, milliseconds: u64) -> Vec<String> {
            self.host.pass(Duration::from_millis(milliseconds));
            self.tasks.work(&self.host);
            let folder = format!("{}/", self.folder.path().display());
            self.host.lines().iter().map(|line| line.replace(&folder, "")).collect()
        }

        fn rest(&self) -> u64 {
            u64::try_from(self.tasks.rest(self.host.now()).as_millis()).unwrap()
        }

        fn partners(&self) -> Vec<String> {
            let (_, key_table) = self.zone.key_table();
            key_table.table.partners().iter().map(|partner| partner.id.clone()).collect()
        }

        fn health(&self) -> (bool, bool) {
            let header = self.zone.header();
            (header.key_file_bad.is_well(), header.state_bad.is_well())
        }
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn a_key_file_that_changes_is_read_when_it_is_looked_at() {
        let mut at = Fixture::new();
        count(&at.zone, 0, 2, &at.host);
        at.folder.write("keys", &keys(&["beta", "acme"]));
        assert_eq!(at.after(4999), NONE);
        assert_eq!(at.partners(), ["acme"]);
        assert_eq!(at.after(1), ["notice: access_key: zone \"z\" has new keys of 2 partners"]);
        assert_eq!(at.partners(), ["beta", "acme"]);
        // Counters go on in their place, also of one that is gone.
        assert_eq!(requests(&at.zone), [("acme".to_owned(), 2), ("beta".to_owned(), 0)]);
        at.folder.write("keys", &keys(&["beta"]));
        assert_eq!(at.after(5000), ["notice: access_key: zone \"z\" has new keys of 1 partners"]);
        assert_eq!(requests(&at.zone), [("acme".to_owned(), 2), ("beta".to_owned(), 0)]);
        assert_eq!(at.after(5000), NONE);
    }

    #[test]
    fn a_bad_key_file_is_told_once_and_the_keys_stay() {
        let mut at = Fixture::new();
        at.folder.write("keys", b"acme sha256:0\n");
        let lines = at.after(5000);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("error: access_key: zone \"z\" keeps its keys: keys: line 1"));
        assert_eq!((at.partners(), at.health()), (vec!["acme".to_owned()], (false, true)));
        assert_eq!(at.after(5000), NONE);
        assert!(!at.health().0);
        // Another trouble is another line.
        at.folder.write("keys", b"\0");
        assert_eq!(at.after(5000).len(), 1);
        at.folder.write("keys", &keys(&["acme", "beta"]));
        assert_eq!(at.after(5000), ["notice: access_key: zone \"z\" has new keys of 2 partners"]);
        assert!(at.health().0);
    }

    #[test]
    fn a_key_file_that_is_empty_for_a_moment_leaves_the_keys() {
        let mut at = Fixture::new();
        at.folder.write("keys", b"");
        let empty = "error: access_key: zone \"z\" keeps its keys: keys: there is nothing in it: \
                     \"# nobody\" says that no key is to be let in";
        assert_eq!(at.after(5000), [empty]);
        assert_eq!((at.partners(), at.health()), (vec!["acme".to_owned()], (false, true)));
        assert_eq!(at.after(5000), NONE);
        // Still empty, by another hand.
        at.folder.write("keys", b"\n");
        assert_eq!(at.after(5000), NONE);
        assert_eq!(at.partners(), ["acme"]);
        at.folder.write("keys", &keys(&["beta"]));
        assert_eq!(at.after(5000), ["notice: access_key: zone \"z\" has new keys of 1 partners"]);
        assert_eq!((at.partners(), at.health().0), (vec!["beta".to_owned()], true));
        // Who means nobody says so; and where nobody had a key, nothing is lost.
        at.folder.write("keys", b"# nobody\n");
        assert_eq!(at.after(5000), ["notice: access_key: zone \"z\" has new keys of 0 partners"]);
        at.folder.write("keys", b"");
        assert_eq!(at.after(5000), ["notice: access_key: zone \"z\" has new keys of 0 partners"]);
        assert_eq!((at.partners().len(), at.health().0), (0, true));
    }

    #[test]
    fn a_start_with_a_bad_file_takes_the_copy_of_the_good_one() {
        let mut at = Fixture::new();
        at.folder.write("keys", &keys(&["beta"]));
        at.after(5000);
        let Fixture { folder, host, .. } = at;
        folder.write("keys", b"?\n");
        let mut at = Fixture::start(folder, host);
        assert_eq!((at.partners(), at.health().0), (vec!["beta".to_owned()], false));
        // It was told at the start.
        assert_eq!(at.after(5000), NONE);
        at.folder.write("keys", &keys(&["beta"]));
        assert_eq!(at.after(5000).len(), 1);
        assert!(at.health().0);
    }

    #[test]
    fn a_key_file_that_vanishes_may_come_back_as_it_was() {
        let mut at = Fixture::new();
        let (folder, away) = (at.folder.path(), at.folder.path().with_extension("away"));
        fs::rename(folder, &away).unwrap();
        at.host.pass(Duration::from_secs(10));
        at.tasks.work(&at.host);
        let lines = at.host.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("keeps its keys: ") && lines[0].contains("No such file"));
        assert!(lines[1].contains("can't save its state: "));
        assert_eq!((at.partners(), at.health()), (vec!["acme".to_owned()], (false, false)));
        fs::rename(&away, folder).unwrap();
        let lines = at.after(10_000);
        assert_eq!(
            lines,
            [
                "notice: access_key: zone \"z\" has new keys of 1 partners",
                "notice: access_key: zone \"z\" saves its state again",
            ]
        );
        assert_eq!(at.health(), (true, true));
    }

    #[test]
    fn more_partners_than_there_is_room_for_change_nothing() {
        let mut at = Fixture::new();
        at.folder.write("keys", &keys(&["a", "b", "c", "d"]));
        let full = "error: access_key: zone \"z\" keeps its keys: zone \"z\" is full: it has room for \
                    3 partners";
        assert_eq!(at.after(5000), [full]);
        assert_eq!(at.after(5000), NONE);
        assert_eq!(at.partners(), ["acme"]);
        // Not kept for the next start either.
        assert_eq!(Keys::read_copy(&at.folder.file("state")).map(|keys| keys.text).ok(), None);
    }

    #[test]
    fn keys_that_can_not_be_kept_hold_all_the_same() {
        let mut at = Fixture::new();
        fs::create_dir(at.folder.file("state.keys")).unwrap();
        at.folder.write("keys", &keys(&["beta"]));
        let lines = at.after(5000);
        assert!(
            lines[0].starts_with("error: access_key: zone \"z\" can't keep its keys: state.keys: ")
        );
        assert_eq!(lines[1..], ["notice: access_key: zone \"z\" has new keys of 1 partners"]);
        assert_eq!((at.partners(), at.health().0), (vec!["beta".to_owned()], true));
    }

    #[test]
    fn keys_that_a_request_has_are_freed_when_it_is_over() {
        let mut at = Fixture::new();
        let (_, held) = at.zone.key_table();
        at.folder.write("keys", &keys(&["beta"]));
        at.after(5000);
        assert!(at.tasks.has_retired);
        assert_eq!(at.rest(), 1000, "looks again in a second");
        drop(held);
        at.after(1000);
        assert!(!at.tasks.has_retired);
        assert_eq!(at.rest(), 4000);
    }

    #[test]
    fn the_state_is_saved_by_one_process_an_interval() {
        let mut at = Fixture::new();
        let mut other = ZoneTasks::new(at.zone.clone(), at.host.now());
        let saved = |at: &Fixture| FileId::of(&at.folder.file("state")).unwrap();
        let first = saved(&at);
        other.work(&at.host);
        assert_eq!((saved(&at), at.rest()), (first, 5000));
        at.after(9_000);
        assert_eq!((saved(&at), at.rest()), (first, 1000));
        at.host.pass(Duration::from_millis(1000));
        other.work(&at.host);
        let second = saved(&at);
        assert_ne!(first, second);
        at.after(0);
        assert_eq!(saved(&at), second);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_saving() {
        let mut at = Fixture::new();
        let first = FileId::of(&at.folder.file("state")).unwrap();
        at.host.set_back(Duration::from_secs(86400));
        assert!(at.rest() <= 10_000);
        at.after(0);
        assert_ne!(FileId::of(&at.folder.file("state")).unwrap(), first);
        // By less than an interval, the next time just comes later.
        let second = FileId::of(&at.folder.file("state")).unwrap();
        at.host.set_back(Duration::from_secs(5));
        at.after(10_000);
        assert_eq!(FileId::of(&at.folder.file("state")).unwrap(), second);
        at.after(5_000);
        assert_ne!(FileId::of(&at.folder.file("state")).unwrap(), second);
    }

    #[test]
    fn a_state_that_is_damaged_meanwhile_is_told_and_written_anew() {
        let mut at = Fixture::new();
        at.folder.write("state", b"IGKEYS\0\x02torn");
        assert_eq!(
            at.after(10_000),
            ["error: access_key: zone \"z\" found no state in state: damaged, put aside as \
                 state.damaged"]
        );
        assert_eq!(at.health(), (true, true));
        assert_eq!(at.after(10_000), NONE);
    }

    #[test]
    fn the_end_saves_what_was_counted_last() {
        let at = Fixture::new();
        let stop = StopSignal::default();
        let thread = std::thread::spawn({
            let (tasks, host, stop) = (vec![at.tasks], at.host.clone(), stop.clone());
            move || run(tasks, &host, &stop)
        });
        count(&at.zone, 0, 7, &at.host);
        stop.stop();
        thread.join().unwrap();
        let next = start(&Heap::new(3), &at.folder, &at.host);
        assert_eq!(requests(&next), [("acme".to_owned(), 7)]);
    }

    #[test]
    fn nothing_is_to_be_done_for_a_zone_without_files_to_watch() {
        let (folder, host) = (Folder::new(), FakeHost::new());
        folder.write("keys", &keys(&["acme"]));
        let mut zone = start(&Heap::new(3), &folder, &host);
        (zone.state_file, zone.file.poll) = (None, None);
        let mut tasks = ZoneTasks::new(Arc::new(zone), host.now());
        assert!(!tasks.are_any());
        tasks.work(&host);
        tasks.work(&host);
        assert_eq!(tasks.rest(host.now()), Duration::MAX);
        assert_eq!(folder.names(), ["keys"]);
    }
}
