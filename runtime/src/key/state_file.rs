//! The file that a zone's counters outlive nginx in.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, chown};
use std::path::Path;
use std::sync::atomic::Ordering;

use image_gate_core::key::days;
use image_gate_core::key::{Account, Period, Resource, State, StateError};

use super::days_file;
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
    Ok(load_named(path)?.map(|(state, _)| state))
}

/// The same, and what tells it from others: see [`State::name`].
fn load_named(path: &Path) -> Result<Option<(State, u64)>, LoadError> {
    match files::read(path, LARGEST) {
        Ok((file, _)) => {
            let state = State::decode(&file).map_err(LoadError::State)?;
            Ok(Some((state, State::name(&file))))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LoadError::Io(error)),
    }
}

/// Makes the folder of a state file where it is missing, for the user that workers run as.
/// `may_write` says whether they may make files in one that is there.
///
/// # Errors
/// Why it can't be used, with its path.
pub fn make_folder(
    path: &Path,
    user: Option<(u32, u32)>,
    may_write: impl FnOnce(&Path) -> bool,
) -> Result<(), String> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let with_path = |error: io::Error| format!("{}: {error}", folder.display());
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => match user {
            Some((user, group)) => chown(folder, Some(user), Some(group)).map_err(with_path),
            None => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::AlreadyExists && may_write(folder) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(match user {
            Some((user, _)) => format!(
                "{folder}: the workers, which run as the user {user}, can't write to this folder, \
                 or can't get there: give it one of its own, \"state={folder}/NAME/state\", which \
                 nginx makes",
                folder = folder.display()
            ),
            None => with_path(ErrorKind::PermissionDenied.into()),
        }),
        Err(error) => Err(with_path(error)),
    }
}

/// Says which of the files of a state file are kept from those who are to use them, if any: what is
/// there to be read, and what a write that was cut short left. What is no regular file is told of when
/// it is used.
pub fn forbidden(
    path: &Path,
    may_read: &dyn Fn(&Path) -> bool,
    may_write: &dyn Fn(&Path) -> bool,
) -> Option<String> {
    let uses =
        [("", "read", may_read), (".days", "read", may_read), (".tmp", "write to", may_write)];
    uses.into_iter().find_map(|(ending, verb, may)| {
        let path = beside(path, ending);
        (path.is_file() && !may(&path))
            .then(|| format!("{}: the workers can't {verb} this file", path.display()))
    })
}

/// Saves the state of a zone at that time, in seconds since 1970. Where another process is at it,
/// waits for that one or leaves it to it. Returns what was in the way and where it is now.
///
/// # Errors
/// Why it can't be saved, or the days that are over not be kept, with the path.
pub fn save<M: Memory>(zone: &Zone<M>, wait: bool, time: u64) -> Result<Option<String>, String> {
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

    let today = days::day_of(time);
    let has_all = zone.has_all_records();
    let merged = match last.as_ref().filter(|_| has_all).and_then(|last| known(zone, last, today)) {
        Some(accounts) => Merged { accounts, ..Merged::default() },
        None => merged(zone, has_all, path, time).map_err(with_path)?,
    };
    let Merged { accounts, own, found_damaged, days_kept } = merged;
    let state = State { instance: zone.header().instance.load(Ordering::Relaxed), accounts };
    let bytes = state.encode();
    files::replace(&file, &new, path, &bytes).map_err(with_path)?;
    // What this zone wrote itself holds nothing that others counted.
    for ((record, own), merged) in zone.records().iter().zip(&own).zip(&state.accounts) {
        record.take_over(own, merged);
    }
    for (record, merged) in zone.records().iter().zip(&state.accounts) {
        record.set_known(merged);
    }
    let is_known = has_all && is_known(&state, zone.records().len(), today);
    let checksum = bytes.last_chunk().filter(|_| is_known);
    zone.header().saved.set(checksum.map(|checksum| (today, checksum)));
    drop((last, file));
    let damaged_days = days_kept?;
    let found: Vec<String> = found_damaged.into_iter().chain(damaged_days).collect();
    Ok((!found.is_empty()).then(|| found.join(", ")))
}

/// What is to be written.
struct Merged {
    /// One for each record, then those of others.
    accounts: Vec<Account>,
    /// What the records said, where others have counted, too.
    own: Vec<Account>,
    found_damaged: Option<String>,
    days_kept: Result<Option<String>, String>,
}

impl Default for Merged {
    fn default() -> Merged {
        let (accounts, own) = Default::default();
        Merged { accounts, own, found_damaged: None, days_kept: Ok(None) }
    }
}

/// Returns the accounts if the file is the one that this zone wrote last, with nothing in it but what the
/// records know: it need not be read as a whole then, which takes most of the time.
fn known<M: Memory>(zone: &Zone<M>, last: &File, today: u32) -> Option<Vec<Account>> {
    let mut checksum = [0; 32];
    let at = last.metadata().ok()?.len().checked_sub(32)?;
    last.read_exact_at(&mut checksum, at).ok()?;
    if !zone.header().saved.is(today, &checksum) {
        return None;
    }
    let account = |record: &Record| {
        let mut account = record.account();
        days::add(&mut account.days, record.known_day(today));
        add_days(&mut account, &record.known());
        account
    };
    Some(zone.records().iter().map(account).collect())
}

/// Returns the accounts with what the file holds.
fn merged<M: Memory>(zone: &Zone<M>, has_all: bool, path: &Path, time: u64) -> io::Result<Merged> {
    let mut accounts: Vec<Account> = zone.records().iter().map(Record::account).collect();
    let mut found_damaged = None;
    let (found, name) = match load_named(path) {
        Ok(found) => found.unwrap_or_default(),
        Err(LoadError::Io(error)) => return Err(error),
        Err(LoadError::State(reason)) => {
            // It may be of use to someone.
            found_damaged = Some(days_file::put_aside(path, &reason)?);
            Default::default()
        }
    };
    // What this zone wrote itself is in its counters.
    let is_own = found.instance == zone.header().instance.load(Ordering::Relaxed);
    let own = if is_own { Vec::new() } else { accounts.clone() };
    let mut theirs: HashMap<String, Account> =
        found.accounts.into_iter().map(|account| (account.id.clone(), account)).collect();
    let days_kept = days_file::keep(path, name, &mut theirs, time);
    for (account, record) in accounts.iter_mut().zip(zone.records()) {
        let mut before = record.known();
        let other = theirs.remove(&account.id);
        account.days = other.as_ref().map(|other| other.days.clone()).unwrap_or_default();
        // Also what a process wrote that was killed before it could say so.
        if let Some(other) = other.as_ref().filter(|_| is_own) {
            before = other.clone();
        }
        add_days(account, &before);
        if let Some(other) = other.filter(|_| !is_own) {
            *account = account.merge(&before, &other);
        }
    }
    // Partners that only they know, or whose records are not seen here, and what is not kept
    // elsewhere yet of those that are gone.
    let mut rest: Vec<Account> = theirs.into_values().collect();
    rest.retain(|account| !is_own || !has_all || !account.days.is_empty());
    rest.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    accounts.extend(rest);
    Ok(Merged { accounts, own, found_damaged, days_kept })
}

/// Returns whether that many records know all of a state, which has no other day but this one.
fn is_known(state: &State, records: usize, today: u32) -> bool {
    let mut days = state.accounts.iter().flat_map(|account| &account.days);
    state.accounts.len() == records && days.all(|used| used.day == today)
}

/// Adds to the days of an account, as it was read from its record, what was counted since the state
/// file was written.
fn add_days(account: &mut Account, before: &Account) {
    for what in Resource::ALL {
        let (at, day) = (what.index(), Period::Day.index());
        let growth = account.counted[at].saturating_sub(before.counted[at]);
        let [was, is] = [before, account].map(|account| account.windows[at][day]);
        days::add_growth(&mut account.days, what, was, is, growth);
    }
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
    use image_gate_core::key::days::DayUse;
    use image_gate_core::key::{QuotaLimits, UsageByDay};
    use std::os::unix::fs::symlink;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// At the time that the tests begin at.
    fn save(zone: &Zone<Heap>, wait: bool) -> Result<Option<String>, String> {
        super::save(zone, wait, 1_764_042_000)
    }

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
        // But for what this memory counted itself: nothing yet.
        let account = Account { counted: [0; 2], ..zone.records()[0].account() };
        assert_eq!(next.records()[0].account(), account);
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
    fn what_a_process_does_not_see_since_the_memory_grew_stays_in_the_file() {
        let (folder, host) = (folder(), FakeHost::new());
        folder.write("keys", &keys(&["acme"]));
        let memory = Heap::new(2);
        let old = start(&memory.first(1), &folder, &host);
        count(&old, 0, 2, &host);
        folder.write("keys", &keys(&["acme", "beta"]));
        let new = start(&memory, &folder, &host);
        for _ in 0..2 {
            count(&old, 0, 1, &host);
            count(&new, 1, 5, &host);
            assert_eq!(save(&new, false), Ok(None));
            assert_eq!(save(&old, false), Ok(None));
        }
        assert_eq!((requests(&new), saved(&folder)), (of(4, 10), of(4, 10)));
        save(&new, false).unwrap();
        let state = load(&folder.file("state")).unwrap().unwrap();
        let days = |at: usize| state.accounts[at].days.iter().map(|day| day.bytes).sum::<u64>();
        assert_eq!((days(0), days(1)), (400, 1000));
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
        newer[7] = 5;
        for (bytes, reason) in [
            (&good[..good.len() - 1], "damaged"),
            (&good[..20], "damaged"),
            (&newer[..], "unknown version 5"),
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

    /// What a client of the partner at a place counts itself, by day.
    type OwnCounts = std::collections::BTreeMap<(usize, u32), (u64, u64)>;

    /// Lets requests in and answers them, and has their client count them.
    fn serve(zone: &Zone<Heap>, place: usize, requests: u64, host: &FakeHost, own: &mut OwnCounts) {
        let time = host.now().seconds();
        let numbers = Period::numbers(time);
        let record = &zone.records()[place];
        for _ in 0..requests {
            let decision = zone.admit(record, &QuotaLimits::default(), time, &numbers);
            assert!(matches!(decision, QuotaDecision::Admitted));
        }
        count(zone, place, requests, host);
        let day = own.entry((place, days::day_of(time))).or_default();
        (day.0, day.1) = (day.0 + requests, day.1 + 100 * requests);
    }

    /// What is in the files of a folder, as the client has it.
    fn billed(folder: &Folder) -> OwnCounts {
        let mut usage = UsageByDay::default();
        let state = fs::read(folder.file("state")).unwrap();
        let kept = fs::read(folder.file("state.days")).unwrap_or_default();
        usage.add(&state, &kept, &(0..u32::MAX)).unwrap();
        let of = |(id, days): (String, Vec<DayUse>)| {
            let place = usize::from(id == "beta");
            days.into_iter().map(move |day| ((place, day.day), (day.requests, day.bytes)))
        };
        usage.0.into_iter().flat_map(of).collect()
    }

    /// A month of traffic, with saves every now and then, reloads, restarts, a second binary, and
    /// processes that are killed between the two files.
    #[test]
    fn a_month_is_billed_as_its_clients_count_it() {
        let (folder, host) = (folder(), FakeHost::new());
        let save = |zone: &Zone<Heap>| super::save(zone, true, host.now().seconds()).unwrap();
        let mut memory = Heap::new(4);
        let mut zone = start(&memory, &folder, &host);
        let mut own = OwnCounts::new();
        // A plain generator: what happens is the same each time.
        let mut seed = 1u64;
        let mut random = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..32 * 12 {
            host.pass(Duration::from_secs(5000 + random(4400)));
            serve(&zone, 0, random(20), &host, &mut own);
            if random(3) == 0 {
                serve(&zone, 1, 1 + random(5), &host, &mut own);
            }
            match random(12) {
                // Nobody saves for a while.
                0..3 => continue,
                // A reload: the memory stays.
                3 => zone = start(&memory, &folder, &host),
                // A restart.
                4 => {
                    assert_eq!(save(&zone), None);
                    memory = Heap::new(4);
                    zone = start(&memory, &folder, &host);
                }
                // Another binary takes over, while the old one answers its last requests.
                5 => {
                    assert_eq!(save(&zone), None);
                    let new = Heap::new(4);
                    let next = start(&new, &folder, &host);
                    serve(&zone, 0, 2, &host, &mut own);
                    serve(&next, 0, 3, &host, &mut own);
                    assert_eq!([save(&next), save(&zone), save(&next)], [None, None, None]);
                    (memory, zone) = (new, next);
                }
                // Killed when the days were written and the state was not.
                6 => {
                    assert_eq!(save(&zone), None);
                    let before = fs::read(folder.file("state")).unwrap();
                    host.pass(Duration::from_secs(40_000));
                    serve(&zone, 0, 1, &host, &mut own);
                    assert_eq!(save(&zone), None);
                    folder.write("state", &before);
                }
                // Killed when the state was written, and nobody was told.
                7 => {
                    let before = zone.records()[0].known();
                    assert_eq!(save(&zone), None);
                    zone.records()[0].set_known(&before);
                    zone.header().saved.set(Some((days::day_of(host.now().seconds()), &[1; 32])));
                }
                _ => assert_eq!(save(&zone), None),
            }
        }
        assert_eq!(save(&zone), None);
        own.retain(|_, used| *used != (0, 0));
        assert_eq!(billed(&folder), own);
        assert!(own.len() > 60);
        // Only the day that is not over is in the file that is written often.
        let state = load(&folder.file("state")).unwrap().unwrap();
        assert!(state.accounts.iter().all(|account| account.days.len() <= 1));
        // After more than thirteen months the first of them are gone.
        host.pass(Duration::from_secs(400 * 86_400));
        serve(&zone, 1, 1, &host, &mut own);
        save(&zone);
        host.pass(Duration::from_secs(86_400));
        save(&zone);
        let first = days::first_kept(host.now().seconds());
        own.retain(|(_, day), _| *day >= first);
        assert_eq!(billed(&folder), own);
        assert!(own.keys().any(|(_, day)| *day < first + 31) && own.len() < 60);
    }

    #[test]
    fn a_file_that_is_known_need_not_be_read() {
        let host = FakeHost::new();
        let (folders, mut own) = ([folder(), folder()], OwnCounts::new());
        let zones = folders.each_ref().map(|folder| begin(folder, &host));
        let mut known = 0;
        for step in 0..200u64 {
            let today = days::day_of(host.now().seconds());
            let last = fs::read(folders[0].file("state")).unwrap_or_default();
            known += usize::from(
                last.last_chunk().is_some_and(|sum| zones[0].header().saved.is(today, sum)),
            );
            // It is read for this one.
            zones[1].header().saved.set(None);
            for zone in &zones {
                if step % 7 > 2 {
                    serve(zone, usize::from(step % 3 == 0), step, &host, &mut own);
                }
                assert_eq!(super::save(zone, false, host.now().seconds()), Ok(None));
            }
            let [one, other] = folders.each_ref().map(|folder| {
                let state = load(&folder.file("state")).unwrap().unwrap();
                (state.accounts, days_file::read(&folder.file("state"), "acme").ok())
            });
            assert_eq!(one, other, "{step}");
            host.pass(Duration::from_secs(if step % 11 == 0 { 50_000 } else { 1000 }));
        }
        assert!((100..190).contains(&known), "{known}");
    }

    #[test]
    fn nodes_count_each_for_itself_and_add_up() {
        let host = FakeHost::new();
        let (folders, mut own) = ([folder(), folder()], OwnCounts::new());
        let mut usage = UsageByDay::default();
        for (at, folder) in folders.iter().enumerate() {
            let zone = begin(folder, &host);
            serve(&zone, 0, 3 + at as u64, &host, &mut own);
            // What other nodes used is not of this one.
            zone.set_remote(0, Resource::Requests, Period::Day, host.now().seconds(), 50);
            assert_eq!(save(&zone, false), Ok(None));
            let state = fs::read(folder.file("state")).unwrap();
            usage.add(&state, b"", &(0..u32::MAX)).unwrap();
        }
        let days = usage.0.values().flatten();
        assert_eq!(days::sum(days), (7, 700));
        assert_eq!(own.into_values().collect::<Vec<_>>(), [(7, 700)]);
    }

    #[test]
    fn days_that_can_not_be_kept_stay_in_the_state() {
        let (folder, host) = (folder(), FakeHost::new());
        let (zone, mut own) = (begin(&folder, &host), OwnCounts::new());
        let save = || super::save(&zone, false, host.now().seconds());
        serve(&zone, 0, 3, &host, &mut own);
        assert_eq!(save(), Ok(None));
        fs::create_dir(folder.file("state.days")).unwrap();
        host.pass(Duration::from_secs(86_400));
        serve(&zone, 0, 4, &host, &mut own);
        let days = folder.file("state.days");
        assert_eq!(save(), Err(format!("{}: not a regular file", days.display())));
        // All else is saved.
        assert_eq!(saved(&folder), of(7, 0));
        fs::remove_dir(&days).unwrap();
        assert_eq!(save(), Ok(None));
        assert_eq!(billed(&folder), own);
        // One that is damaged is put aside, and what comes after is kept.
        folder.write("state.days", b"IGDAYS\0\x01 torn");
        host.pass(Duration::from_secs(86_400));
        assert_eq!(
            save(),
            Ok(Some(format!(
                "{}: damaged, put aside as {}.damaged",
                days.display(),
                days.display()
            )))
        );
        own.retain(|(_, day), _| *day == days::day_of(host.now().seconds()) - 1);
        assert_eq!(billed(&folder), own);
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
        let refused = |user| make_folder(&file("new"), user, |_| false).unwrap_err();
        let path = folder.file("new");
        assert_eq!(refused(None), format!("{}: permission denied", path.display()));
        assert!(refused(Some((33, 33))).contains("which run as the user 33, can't write"));
        let missing = make_folder(&file("no/ne"), None, |_| true).unwrap_err();
        assert!(missing.contains("/no/ne: No such"), "{missing}");
        assert!(make_folder(Path::new("/"), None, |_| true).is_ok());
    }

    #[test]
    fn files_that_are_kept_from_workers() {
        let folder = Folder::new();
        let state = folder.file("state");
        let told = |read: bool, write: bool| forbidden(&state, &|_| read, &|_| write);
        assert_eq!(told(false, false), None);
        folder.write("state.tmp", b"half");
        let left = format!("{}.tmp: the workers can't write to this file", state.display());
        assert_eq!((told(true, true), told(true, false)), (None, Some(left)));
        folder.write("state", b"whole");
        let unread = format!("{}: the workers can't read this file", state.display());
        assert_eq!(told(false, true), Some(unread));
    }
}
