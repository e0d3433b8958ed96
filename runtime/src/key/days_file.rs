//! The file beside the state file for days that are over.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use image_gate_core::key::days::{self, DayUse, DaysFile, DaysIndex, Taken, parse_block};
use image_gate_core::key::{Account, UsageByDay};

use crate::files::{self, beside, open_alone};

/// The largest such file, in bytes: some 50 million days.
const LARGEST: u64 = 512 * 1024 * 1024;
/// More than fourteen months of one partner take, in bytes.
const LARGEST_BLOCK: u64 = 64 * 1024;

/// Its path, by that of the state file.
#[must_use]
pub fn path_of(state: &Path) -> PathBuf {
    beside(state, days::SUFFIX)
}

/// Reads what one partner used of the days that are over.
///
/// # Errors
/// Why it can't be read.
pub fn read(state: &Path, id: &str) -> io::Result<Vec<DayUse>> {
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK).open(path_of(state))?;
    let len = file.metadata().and_then(|meta| match meta.is_file() {
        true if meta.len() <= LARGEST => Ok(meta.len()),
        _ => Err(ErrorKind::InvalidData.into()),
    })?;
    let read = |start: u64, count: u64| {
        // Nothing longer than the file is there, whatever it says.
        if start.checked_add(count).is_none_or(|end| end > len) {
            return Err(io::Error::from(ErrorKind::UnexpectedEof));
        }
        let count = usize::try_from(count).map_err(io::Error::other)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(count)?;
        bytes.resize(count, 0);
        file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    };
    let header = read(0, DaysIndex::HEADER as u64)?;
    let index = read(0, DaysIndex::len(&header).map_err(io::Error::other)?)?;
    let index = DaysIndex::parse(&index).map_err(io::Error::other)?;
    for range in index.find(id) {
        let count = range.end.saturating_sub(range.start).min(LARGEST_BLOCK);
        let block = read(range.start, count)?;
        let (found, days) = parse_block(&block).map_err(io::Error::other)?;
        if found == id {
            return Ok(days);
        }
    }
    Ok(Vec::new())
}

/// Reads what all partners used of some days, by a state file and the file beside it.
///
/// # Errors
/// Why they can't be read.
pub fn read_all(state: &Path, range: &Range<u32>) -> io::Result<UsageByDay> {
    let mut usage = UsageByDay::default();
    let read = |path: &Path| match files::read(path, LARGEST) {
        Ok((bytes, _)) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    // In this order: see `UsageByDay::add`.
    let Some(bytes) = read(state)? else { return Ok(usage) };
    let kept = read(&path_of(state))?.unwrap_or_default();
    usage.add(&bytes, &kept, range).map_err(io::Error::other)?;
    Ok(usage)
}

/// Takes the days that are over from accounts, which are what the state file of that name holds, to
/// the file for these. Returns what was in the way and where it is now.
///
/// That file says which state file they were taken from: whoever is killed before the next one is
/// written leaves a state file from which nothing is taken twice.
pub(super) fn keep(
    path: &Path,
    name: u64,
    accounts: &mut HashMap<String, Account>,
    time: u64,
) -> Result<Option<String>, String> {
    let today = days::day_of(time);
    let is_over = |used: &DayUse| used.day < today;
    if !accounts.values().any(|account| account.days.iter().any(is_over)) {
        return Ok(None);
    }
    let path = path_of(path);
    let with_path = |error: io::Error| format!("{}: {error}", path.display());
    let old = match files::read(&path, LARGEST) {
        Ok((old, _)) => old,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(with_path(error)),
    };
    let (taken, first) = (Taken { state: name, before: today }, days::first_kept(time));
    let add = |old: &[u8]| {
        let file = DaysFile::parse(old)?;
        let known = file.index.taken;
        let is_new =
            |used: &DayUse| is_over(used) && !(known.state == name && used.day < known.before);
        let new = accounts.values().map(|account| {
            let days = account.days.iter().copied().filter(is_new).collect();
            (account.id.clone(), days)
        });
        file.with(taken, first, new)
    };
    let mut found_damaged = None;
    let new = match add(&old) {
        Ok(new) => new,
        Err(reason) => {
            found_damaged = Some(put_aside(&path, &reason).map_err(with_path)?);
            add(&[]).map_err(|reason| with_path(io::Error::other(reason)))?
        }
    };
    let temporary = beside(&path, ".tmp");
    // Nobody else writes it who does not have the lock.
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o640);
    let file = open_alone(&mut options, &temporary, true).map_err(with_path)?;
    let file = file.ok_or_else(|| with_path(ErrorKind::WouldBlock.into()))?;
    files::replace(&file, &temporary, &path, &new).map_err(with_path)?;
    for account in accounts.values_mut() {
        account.days.retain(|used| !is_over(used));
    }
    Ok(found_damaged)
}

/// Renames what is no file of ours. Returns what to say of it.
pub(super) fn put_aside(path: &Path, reason: &dyn std::fmt::Display) -> io::Result<String> {
    let aside = beside(path, ".damaged");
    fs::rename(path, &aside)?;
    Ok(format!("{}: {reason}, put aside as {}", path.display(), aside.display()))
}
