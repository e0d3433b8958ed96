//! Files of results, written beside those of the cache and renamed by nginx.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use image_gate_core::cache::{Head, SourceId};
use nginx_sys::NGX_LOG_ERR;

use crate::image_resize::keep::{Finished, Writer};
use crate::ngx::cache::{EntryHeader, Written};
use crate::ngx::log::CycleLog;
use crate::ngx::{identify, thread, worker};

/// Writes one result.
#[derive(Debug)]
pub struct FileWriter {
    pub folder: Arc<Path>,
    /// What nginx wants at the start of the file.
    pub header: EntryHeader,
    /// Bytes between that and the body.
    pub room: usize,
    pub head: Head<'static>,
    /// What the key of the result says of the source, where that is a file, and its name.
    pub source: Option<(SourceId, PathBuf)>,
}

impl FileWriter {
    /// Whether the source that was read is the one that the key means: each file of it was before it
    /// was read, or what is there under its name still is.
    fn is_right(&self, files: &[SourceId]) -> bool {
        let Some((id, path)) = &self.source else { return true };
        if files.is_empty() {
            return fs::metadata(path).is_ok_and(|data| identify(&data) == *id);
        }
        files.iter().all(|file| file == id)
    }

    fn create(&self) -> io::Result<Written> {
        let path = self.folder.join(temporary());
        match Written::create(path.clone(), &self.header, self.room) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // As nginx makes it.
                fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
                Written::create(path, &self.header, self.room)
            }
            result => result,
        }
    }

    fn put(&self, finished: &Finished<'_>, head: &[u8]) -> io::Result<Written> {
        let mut written = self.create()?;
        for part in [self.header.bytes(), head, finished.bytes] {
            written.file().write_all(part)?;
        }
        Ok(written)
    }
}

impl Writer for FileWriter {
    fn write(self: Box<Self>, finished: &Finished<'_>) -> Option<Written> {
        if !self.is_right(finished.files) {
            return None;
        }
        let head = self.head.encode(&finished.made)?;
        match self.put(finished, &head) {
            Ok(written) => Some(written),
            Err(error) => {
                complain(&self.folder, &error);
                None
            }
        }
    }
}

/// Says that something could not be written, once a second.
fn complain(folder: &Path, error: &io::Error) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = now().as_secs();
    if LAST.swap(now, Relaxed) != now {
        CycleLog::current().write(
            NGX_LOG_ERR,
            format_args!("image_resize_cache: writing to \"{}\": {error}", folder.display()),
        );
    }
}

/// The time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Digits at the end of a temporary name, behind a dot: nginx leaves such files alone.
const DIGITS: usize = 10;

/// The name of a temporary file: no other process and no other file of this one has it.
fn temporary() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (now, count) = (now().as_nanos(), COUNT.fetch_add(1, Relaxed));
    format!("{:016x}{count:016x}.{:0DIGITS$}", now & u128::from(u64::MAX), worker::identity())
}

/// The process that a temporary file is of.
fn owner(name: &str) -> Option<u64> {
    let (unique, process) = name.split_once('.')?;
    let is_ours = unique.len() == 32 && process.len() == DIGITS;
    let is_hex = unique.bytes().all(|byte| byte.is_ascii_hexdigit());
    process.parse().ok().filter(|_| is_ours && is_hex)
}

/// Removes what processes have left that are no more. Somebody else does it at the same time, where
/// several workers begin.
pub fn remove_leftovers(folders: impl Iterator<Item = PathBuf>) {
    let folders: Vec<PathBuf> = folders.collect();
    if folders.is_empty() || !worker::is_worker() {
        return;
    }
    // Without a thread for it, they stay until the next worker begins.
    let _ = thread::spawn("cache leftovers", move || {
        for folder in folders {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let owner = name.to_str().and_then(owner);
                if owner.is_some_and(|owner| !worker::is_alive(owner)) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    });
}
