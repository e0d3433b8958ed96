//! Files that a configuration names. A name may lead to a pipe, at which a read waits for ever, or
//! to a device without an end: such are refused before anything of them is read.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// All of a regular file of at most `most` bytes, and what it was when it was opened.
///
/// # Errors
/// Those of the system, and what it is instead.
pub fn read(path: &Path, most: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let too_large = || io::Error::other(format!("larger than {most} bytes"));
    if data.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(data.len()).map_err(io::Error::other)?)?;
    // It may grow meanwhile.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    Ok((bytes, data))
}

/// What tells one version of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileId {
    /// That of the file at `path`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(path: &Path) -> io::Result<FileId> {
        fs::metadata(path).map(|meta| FileId::from(&meta))
    }
}

impl From<&Metadata> for FileId {
    fn from(meta: &Metadata) -> FileId {
        FileId {
            file: (meta.dev(), meta.ino()),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}
