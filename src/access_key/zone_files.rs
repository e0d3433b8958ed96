//! The files of a zone: the keys that it reads, the state that it keeps. Not for the event loop.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use image_gate_core::key::{Account, PartnerTable, State, StateError};

use super::zone::Zone;
use crate::ngx::worker;
use image_gate_runtime::files::{self, FileId};

/// The largest key file, in bytes.
const MAX_KEYS: u64 = 256 * 1024 * 1024;

/// The largest state file, in bytes.
const MAX_STATE: u64 = 512 * 1024 * 1024;

/// The keys of a zone as they were read.
#[derive(Default)]
pub struct Keys {
    pub table: PartnerTable,
    /// Which version of the file they are.
    pub seen: Option<FileId>,
    /// The file itself.
    pub text: Vec<u8>,
}

/// Reads a key file.
///
/// # Errors
/// Why it can't be used, with its path.
pub fn read_keys(path: &Path) -> Result<Keys, String> {
    let fail = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    let (text, meta) = files::read(path, MAX_KEYS).map_err(|error| fail(&error))?;
    let table = PartnerTable::parse(&text).map_err(|error| fail(&error))?;
    Ok(Keys { table, seen: Some(FileId::from(&meta)), text })
}

/// Where the last good key file of a zone with that state file is kept.
pub fn copy_of_keys(state: &Path) -> PathBuf {
    beside(state, ".keys")
}

/// Keeps a good key file for the next start. Workers have to be able to replace it.
///
/// # Errors
/// Why it can't be kept, with the path.
pub fn keep_keys(state: &Path, text: &[u8], user: Option<(u32, u32)>) -> Result<(), String> {
    let path = copy_of_keys(state);
    if files::read(&path, MAX_KEYS).is_ok_and(|(known, _)| known == text) {
        return Ok(());
    }
    // Several processes may be at it.
    let new = beside(&path, &format!(".{}", std::process::id()));
    let result = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(&new)
        .and_then(|file| {
            if let Some((user, group)) = user {
                fchown(&file, Some(user), Some(group))?;
            }
            write(file, &new, &path, text)
        });
    result.map_err(|error| {
        // It may never have come to be.
        drop(fs::remove_file(&new));
        format!("{}: {error}", path.display())
    })
}

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

/// Reads a state file; `None` where there is none.
///
/// # Errors
/// Why it can't be used.
pub fn load(path: &Path) -> Result<Option<State>, LoadError> {
    match files::read(path, MAX_STATE) {
        Ok((file, _)) => State::decode(&file).map(Some).map_err(LoadError::State),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LoadError::Io(error)),
    }
}

/// Why a folder can't hold a state file, with its path.
pub enum Unusable {
    /// It is not there, and can't be made.
    Missing(String),
    /// Workers can't write to it.
    Refuses(String),
}

/// Makes the folder of a state file where it is missing, for the user that workers run as.
///
/// # Errors
/// Why it can't be used.
pub fn make_folder(path: &Path, user: Option<(u32, u32)>) -> Result<(), Unusable> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let with_path = |error: io::Error| format!("{}: {error}", folder.display());
    let fail = |error| Unusable::Missing(with_path(error));
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => match user {
            Some((user, group)) => chown(folder, Some(user), Some(group)).map_err(fail),
            None => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match user {
            Some((user, group)) if !worker::may_write(folder, user, group) => {
                Err(Unusable::Refuses(format!(
                    "{}: the workers, which run as the user {user}, can't write to this folder",
                    folder.display()
                )))
            }
            None if !worker::may_write_itself(folder) => {
                Err(Unusable::Refuses(with_path(ErrorKind::PermissionDenied.into())))
            }
            _ => Ok(()),
        },
        Err(error) => Err(fail(error)),
    }
}

/// Saves the state of a zone. Where another process is at it, waits for that one or leaves it
/// to it. Returns what was in the way and where it is now.
///
/// # Errors
/// Why it can't be saved, with the path.
pub fn save(zone: &Zone, wait: bool) -> Result<Option<String>, String> {
    let Some(state_file) = &zone.state_file else { return Ok(None) };
    let path = &state_file.path;
    let with_path = |error: io::Error| format!("{}: {error}", path.display());
    let new = beside(path, ".tmp");
    // The lock of a process that dies goes with it, and the half file is written over.
    let Some(file) = lock(&new, wait).map_err(with_path)? else { return Ok(None) };

    let own: Vec<Account> = zone.records().iter().map(super::shm_layout::Record::account).collect();
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
    write(file, &new, path, &state.encode()).map_err(with_path)?;
    for ((record, own), merged) in zone.records().iter().zip(&own).zip(&state.accounts) {
        record.take_over(own, merged);
        record.set_known(merged);
    }
    Ok(found_damaged)
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
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o640)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
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
