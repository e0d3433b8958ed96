//! The files of a zone: the keys that it reads, the state that it keeps. Not for the event loop.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use image_gate_core::key::{Account, State, Table};

use super::zone::Zone;

/// What tells one version of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Signature {
    /// That of the file at `path`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(path: &Path) -> io::Result<Signature> {
        let meta = fs::metadata(path)?;
        Ok(Signature {
            file: (meta.dev(), meta.ino()),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

/// The largest key file, in bytes.
const MAX_KEYS: u64 = 256 * 1024 * 1024;

/// Reads a key file; answers also which version it was.
///
/// # Errors
/// Why it can't be used, with its path.
pub fn read_keys(path: &Path) -> Result<(Table, Signature), String> {
    let fail = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    // A change from here on is seen as one later.
    let seen = Signature::of(path).map_err(|error| fail(&error))?;
    if seen.len > MAX_KEYS {
        return Err(fail(&"too large"));
    }
    let text = fs::read(path).map_err(|error| fail(&error))?;
    let table = Table::parse(&text).map_err(|error| fail(&error))?;
    Ok((table, seen))
}

/// Reads a state file; `None` where there is none.
///
/// # Errors
/// Why it can't be used, with its path.
pub fn load(path: &Path) -> Result<Option<State>, String> {
    let fail = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    match fs::read(path) {
        Ok(file) => State::decode(&file).map(Some).map_err(|error| fail(&error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(&error)),
    }
}

/// Makes the folder of a state file where it is missing, for the user that workers run as.
///
/// # Errors
/// Why it can't be made, with its path.
pub fn make_folder(path: &Path, user: Option<(u32, u32)>) -> Result<(), String> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let fail = |error: io::Error| format!("{}: {error}", folder.display());
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => match user {
            Some((user, group)) => chown(folder, Some(user), Some(group)).map_err(fail),
            None => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(fail(error)),
    }
}

/// Saves the state of a zone. Where another process is at it, waits for that one or leaves it
/// to it.
///
/// # Errors
/// Why it can't be saved, with the path.
pub fn save(zone: &Zone, wait: bool) -> Result<(), String> {
    let Some(store) = &zone.store else { return Ok(()) };
    let path = &store.path;
    let with_path = |error: io::Error| format!("{}: {error}", path.display());
    let new = beside(path, ".tmp");
    // The lock of a process that dies goes with it, and the half file is written over.
    let Some(file) = lock(&new, wait).map_err(with_path)? else { return Ok(()) };

    let own: Vec<Account> = zone.records().iter().map(super::memory::Record::account).collect();
    let instance = zone.header().instance.load(Ordering::Relaxed);
    let foreign = match load(path) {
        // What this zone wrote itself is in its counters.
        Ok(found) => found.filter(|state| state.instance != instance),
        Err(_) => {
            // Something else is there. It may be of use to someone.
            fs::rename(path, beside(path, ".damaged")).map_err(with_path)?;
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
    write(file, &new, path, &state.encode()).map_err(with_path)?;
    for ((record, own), merged) in zone.records().iter().zip(&own).zip(&state.accounts) {
        record.take_over(own, merged);
        record.set_known(merged);
    }
    Ok(())
}

fn write(mut file: File, new: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Opens the file that is to be written, for this process alone; `None` where another one has it.
fn lock(path: &Path, wait: bool) -> io::Result<Option<File>> {
    for _ in 0..16 {
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o640).open(path)?;
        if wait {
            file.lock()?;
        } else {
            match file.try_lock() {
                Ok(()) => (),
                Err(fs::TryLockError::WouldBlock) => return Ok(None),
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
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

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
