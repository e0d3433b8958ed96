//! The file that a zone's counters outlive nginx in.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::Path;
use std::sync::atomic::Ordering;

use image_gate_core::key::{Account, State, StateError};

use super::shm_layout::Record;
use super::zone::{Memory, StateFile, Zone};
use crate::files::{self, beside, open_alone};

/// The largest state file, in bytes.
const LARGEST: u64 = 512 * 1024 * 1024;

/// Why a state file can't be used.
#[derive(Debug)]
pub enum LoadError {
    /// It can't be read, or is no file.
    Io(io::Error),
    /// There is something else in it.
    State(StateError),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Io(error) => error.fmt(f),
            LoadError::State(error) => error.fmt(f),
        }
    }
}

/// Reads a state file; returns `None` where there is none.
///
/// # Errors
/// Why it can't be used.
pub fn load(path: &Path) -> Result<Option<State>, LoadError> {
    match files::read(path, LARGEST) {
        Ok((file, _)) => State::decode(&file).map(Some).map_err(LoadError::State),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LoadError::Io(error)),
    }
}

/// Why a folder can't hold a state file, with its path.
#[derive(Debug)]
pub enum Unusable {
    /// It is not there, and can't be made.
    Missing(String),
    /// Workers can't write to it.
    Refuses(String),
}

/// Makes the folder of a state file where it is missing, for the user that workers run as.
/// `may_write` says whether they may make files in one that is there.
///
/// # Errors
/// Why it can't be used.
pub fn make_folder(
    path: &Path,
    user: Option<(u32, u32)>,
    may_write: impl FnOnce(&Path) -> bool,
) -> Result<(), Unusable> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let with_path = |error: io::Error| format!("{}: {error}", folder.display());
    let fail = |error| Unusable::Missing(with_path(error));
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => match user {
            Some((user, group)) => chown(folder, Some(user), Some(group)).map_err(fail),
            None => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::AlreadyExists && may_write(folder) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Unusable::Refuses(match user {
                Some((user, _)) => format!(
                    "{}: the workers, which run as the user {user}, can't write to this folder",
                    folder.display()
                ),
                None => with_path(ErrorKind::PermissionDenied.into()),
            }))
        }
        Err(error) => Err(fail(error)),
    }
}

/// Saves the state of a zone. Where another process is at it, waits for that one or leaves it
/// to it. Returns what was in the way and where it is now.
///
/// # Errors
/// Why it can't be saved, with the path.
pub fn save<M: Memory>(zone: &Zone<M>, wait: bool) -> Result<Option<String>, String> {
    let Some(StateFile { path, .. }) = &zone.state_file else { return Ok(None) };
    let with_path = |error: io::Error| format!("{}: {error}", path.display());
    let new = beside(path, ".tmp");
    // The lock of a process that dies goes with it, and the half file is written over.
    let Some(file) = lock(&new, wait).map_err(with_path)? else { return Ok(None) };
    // What is renamed stays locked by who wrote it, until its counters hold what it merged.
    let last = match open_alone(OpenOptions::new().read(true), path, wait) {
        Ok(Some(last)) => Some(last),
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(with_path(error)),
    };

    let own: Vec<Account> = zone.records().iter().map(Record::account).collect();
    let instance = zone.header().instance.load(Ordering::Relaxed);
    let mut found_damaged = None;
    let foreign = match load(path) {
        // What this zone wrote itself is in its counters.
        Ok(found) => found.filter(|state| state.instance != instance),
        Err(LoadError::Io(error)) => return Err(with_path(error)),
        Err(LoadError::State(reason)) => {
            // It may be of use to someone.
            let aside = beside(path, ".damaged");
            fs::rename(path, &aside).map_err(with_path)?;
            found_damaged =
                Some(format!("{}: {reason}, put aside as {}", path.display(), aside.display()));
            None
        }
    };
    let mut accounts = own.clone();
    if let Some(state) = foreign {
        let mut theirs: HashMap<String, Account> =
            state.accounts.into_iter().map(|account| (account.id.clone(), account)).collect();
        for (account, record) in accounts.iter_mut().zip(zone.records()) {
            if let Some(other) = theirs.remove(&account.id) {
                *account = account.merge(&record.known(), &other);
            }
        }
        // Partners that only they know.
        let mut rest: Vec<Account> = theirs.into_values().collect();
        rest.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        accounts.extend(rest);
    }
    let state = State { instance, accounts };
    files::replace(&file, &new, path, &state.encode()).map_err(with_path)?;
    for ((record, own), merged) in zone.records().iter().zip(&own).zip(&state.accounts) {
        record.take_over(own, merged);
        record.set_known(merged);
    }
    drop((last, file));
    Ok(found_damaged)
}

/// Opens the file that is to be written, for this process alone; `None` where another one has it.
fn lock(path: &Path, wait: bool) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o640);
    for _ in 0..16 {
        let Some(file) = open_alone(&mut options, path, wait)? else { return Ok(None) };
        // Whoever had the lock may have renamed the file meanwhile: then it is another's.
        let is_there = fs::metadata(path).is_ok_and(|there| {
            file.metadata().is_ok_and(|this| (this.dev(), this.ino()) == (there.dev(), there.ino()))
        });
        if is_there {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::key::QuotaDecision;
    use crate::testing::{FakeHost, Folder, Heap, count, keys, requests, start};
    use image_gate_core::key::{Period, QuotaLimits, Resource};
    use std::os::unix::fs::symlink;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    fn folder() -> Folder {
        let folder = Folder::new();
        folder.write("keys", &keys(&["acme", "beta"]));
        folder
    }

    fn begin(folder: &Folder, host: &FakeHost) -> Zone<Heap> {
        start(&Heap::new(4), folder, host)
    }

    fn saved(folder: &Folder) -> Vec<(String, u64)> {
        let state = load(&folder.file("state")).unwrap().unwrap();
        state.accounts.into_iter().map(|account| (account.id, account.totals.requests)).collect()
    }

    fn of(acme: u64, beta: u64) -> Vec<(String, u64)> {
        vec![("acme".to_owned(), acme), ("beta".to_owned(), beta)]
    }

    #[test]
    fn counters_outlive_their_memory() {
        let (folder, host) = (folder(), FakeHost::new());
        let zone = begin(&folder, &host);
        count(&zone, 0, 3, &host);
        assert_eq!(save(&zone, false), Ok(None));
        let next = begin(&folder, &host);
        assert_eq!(requests(&next), of(3, 0));
        assert_eq!(next.records()[0].account(), zone.records()[0].account());
        let hour =
            next.used(&next.records()[0], Resource::Bytes, Period::Hour, host.now().seconds());
        assert_eq!(hour, 300);
    }

    #[test]
    fn what_is_saved_again_is_not_added_again() {
        let (folder, host) = (folder(), FakeHost::new());
        let zone = begin(&folder, &host);
        for requests in 1..4 {
            count(&zone, 0, 1, &host);
            assert_eq!(save(&zone, false), Ok(None));
            assert_eq!(saved(&folder), of(requests, 0));
        }
        assert_eq!(folder.names(), ["keys", "state"]);
    }

    #[test]
    fn two_instances_at_one_file_add_up() {
        let (folder, host) = (folder(), FakeHost::new());
        let old = begin(&folder, &host);
        count(&old, 0, 3, &host);
        save(&old, false).unwrap();
        // As after a binary upgrade: the old one goes on to the end of its requests.
        let new = begin(&folder, &host);
        count(&old, 0, 2, &host);
        count(&new, 0, 10, &host);
        count(&new, 1, 1, &host);
        for _ in 0..3 {
            for zone in [&old, &new] {
                assert_eq!(save(zone, false), Ok(None));
            }
        }
        assert_eq!(
            (requests(&old), requests(&new), saved(&folder)),
            (of(15, 1), of(15, 1), of(15, 1))
        );
    }

    #[test]
    fn a_partner_of_somebody_else_stays_in_the_file() {
        let (folder, host) = (folder(), FakeHost::new());
        let zone = begin(&folder, &host);
        count(&zone, 0, 1, &host);
        let mut theirs = Account { id: "their".into(), ..Account::default() };
        theirs.totals.requests = 7;
        folder.write("state", &State { instance: 1, accounts: vec![theirs] }.encode());
        assert_eq!(save(&zone, false), Ok(None));
        assert_eq!(saved(&folder), [of(1, 0), vec![("their".into(), 7)]].concat());
        assert_eq!(requests(&zone), of(1, 0));
    }

    #[test]
    fn what_is_no_state_is_put_aside_and_nothing_is_lost() {
        let (folder, host) = (folder(), FakeHost::new());
        let zone = begin(&folder, &host);
        count(&zone, 0, 3, &host);
        save(&zone, false).unwrap();
        let good = fs::read(folder.file("state")).unwrap();
        let mut newer = good.clone();
        newer[7] = 4;
        for (bytes, reason) in [
            (&good[..good.len() - 1], "damaged"),
            (&good[..20], "damaged"),
            (&newer[..], "unknown version 4"),
            (b"", "not a state file"),
            (b"acme sha256:", "not a state file"),
        ] {
            folder.write("state", bytes);
            assert_eq!(load(&folder.file("state")).unwrap_err().to_string(), reason);
            count(&zone, 1, 1, &host);
            let found = save(&zone, false).unwrap().unwrap();
            let (path, aside) = (folder.file("state"), folder.file("state.damaged"));
            let expected =
                format!("{}: {reason}, put aside as {}", path.display(), aside.display());
            assert_eq!(found, expected);
            assert_eq!(fs::read(aside).unwrap(), bytes);
            assert_eq!(saved(&folder), requests(&zone));
        }
        assert_eq!(requests(&zone), of(3, 5));
    }

    #[test]
    fn a_state_of_the_future_holds_nobody_up() {
        let (folder, host) = (folder(), FakeHost::new());
        host.pass(Duration::from_secs(400 * 86400));
        let zone = begin(&folder, &host);
        count(&zone, 0, 5, &host);
        save(&zone, false).unwrap();
        // The clock was wrong.
        host.set_back(Duration::from_secs(400 * 86400));
        let next = begin(&folder, &host);
        let (record, time) = (&next.records()[0], host.now().seconds());
        assert_eq!(next.used(record, Resource::Bytes, Period::Month, time), 0);
        let mut limits = QuotaLimits::default();
        limits.set(Resource::Requests, Period::Month, 2);
        let admit = || {
            matches!(
                next.admit(record, &limits, time, &Period::numbers(time)),
                QuotaDecision::Admitted
            )
        };
        assert_eq!([admit(), admit(), admit()], [true, true, false]);
        assert_eq!(requests(&next), of(5, 0));
    }

    #[test]
    fn where_it_can_not_be_written_nothing_changes() {
        let host = FakeHost::new();
        let fails = |prepare: &dyn Fn(&Folder), reason: &str| {
            let folder = folder();
            let zone = begin(&folder, &host);
            count(&zone, 0, 1, &host);
            prepare(&folder);
            let said = save(&zone, false).unwrap_err();
            assert_eq!(said, format!("{}: {reason}", folder.file("state").display()));
            assert_eq!(requests(&zone), of(1, 0));
        };
        let no_folder = |folder: &Folder| {
            fs::remove_dir_all(folder.path()).unwrap();
            fs::create_dir(folder.path()).unwrap();
            fs::create_dir(folder.file("state")).unwrap();
        };
        fails(&no_folder, "not a regular file");
        let taken = |folder: &Folder| fs::create_dir(folder.file("state.tmp")).unwrap();
        fails(&taken, "Is a directory (os error 21)");
        let device = |folder: &Folder| symlink("/dev/null", folder.file("state.tmp")).unwrap();
        fails(&device, "not a regular file");
        let full = |folder: &Folder| symlink("/none/at/all", folder.file("state.tmp")).unwrap();
        fails(&full, "No such file or directory (os error 2)");
    }

    #[test]
    fn what_a_dead_process_left_is_written_over() {
        let (folder, host) = (folder(), FakeHost::new());
        let zone = begin(&folder, &host);
        fs::write(folder.file("state.tmp"), vec![0; 100_000]).unwrap();
        assert_eq!(save(&zone, false), Ok(None));
        assert_eq!(saved(&folder), of(0, 0));
        assert_eq!(folder.names(), ["keys", "state"]);
    }

    #[test]
    fn who_has_the_lock_is_left_to_it_or_waited_for() {
        let (folder, host) = (folder(), FakeHost::new());
        let zone = begin(&folder, &host);
        count(&zone, 0, 1, &host);
        let held = lock(&folder.file("state.tmp"), false).unwrap().unwrap();
        assert_eq!(save(&zone, false), Ok(None));
        assert!(load(&folder.file("state")).unwrap().is_none());
        let (sender, done) = mpsc::channel();
        thread::scope(|scope| {
            let zone = &zone;
            scope.spawn(move || sender.send(save(zone, true)).unwrap());
            assert!(done.recv_timeout(Duration::from_millis(50)).is_err());
            // The other one renames what it wrote, so that what is locked now is another file.
            let path = folder.file("state");
            let bytes = State { instance: 1, accounts: Vec::new() }.encode();
            files::replace(&held, &folder.file("state.tmp"), &path, &bytes).unwrap();
            // That one is locked, too, until it is done.
            assert!(done.recv_timeout(Duration::from_millis(50)).is_err());
            drop(held);
            assert_eq!(done.recv().unwrap(), Ok(None));
        });
        assert_eq!(saved(&folder), of(1, 0));
    }

    #[test]
    fn however_many_save_at_once_nothing_is_lost() {
        let (folder, host) = (folder(), FakeHost::new());
        // Two instances of two processes each.
        let memories = [Heap::new(4), Heap::new(4)];
        let zones: Vec<_> = [&memories[0], &memories[0], &memories[1], &memories[1]]
            .map(|memory| start(memory, &folder, &host))
            .into_iter()
            .collect();
        thread::scope(|scope| {
            for zone in &zones {
                let (host, zone) = (host.clone(), zone);
                scope.spawn(move || {
                    for _ in 0..25 {
                        count(zone, 0, 1, &host);
                        assert_eq!(save(zone, true), Ok(None));
                    }
                });
            }
        });
        for zone in zones.iter().chain(&zones) {
            save(zone, true).unwrap();
        }
        assert_eq!(saved(&folder), of(100, 0));
        assert!(zones.iter().all(|zone| requests(zone) == of(100, 0)));
    }

    #[test]
    fn its_folder_is_made_for_the_workers() {
        let folder = Folder::new();
        let file = |name: &str| folder.file(name).join("state");
        make_folder(&file("new"), None, |_| unreachable!("it is new")).unwrap();
        assert_eq!(fs::metadata(folder.file("new")).unwrap().mode() & 0o777, 0o700);
        make_folder(&file("new"), None, |_| true).unwrap();
        let refused = |user| match make_folder(&file("new"), user, |_| false) {
            Err(Unusable::Refuses(reason)) => reason,
            other => unreachable!("{other:?}"),
        };
        let path = folder.file("new");
        assert_eq!(refused(None), format!("{}: permission denied", path.display()));
        assert!(refused(Some((33, 33))).contains("which run as the user 33, can't write"));
        let missing = make_folder(&file("no/ne"), None, |_| true).unwrap_err();
        assert!(matches!(missing, Unusable::Missing(reason) if reason.contains("/no/ne: No such")));
        assert!(make_folder(Path::new("/"), None, |_| true).is_ok());
    }
}
