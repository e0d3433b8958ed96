//! Files that a configuration names. A name may lead to a pipe, at which a read waits for ever, or
//! to a device without an end: such are refused before anything of them is read.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Returns all of a regular file of at most `most` bytes, and what it was when it was opened.
///
/// # Errors
/// Those of the system, and what it is instead.
pub fn read(path: &Path, most: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let data = file.metadata()?;
    check(&data, most)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(data.len()).map_err(io::Error::other)?)?;
    // It may grow meanwhile.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large(most));
    }
    Ok((bytes, data))
}

/// Opens a regular file and locks it; `None` where another process has it, unless it is waited for.
///
/// # Errors
/// Those of the system, and what it is instead.
pub(crate) fn open_alone(
    options: &mut OpenOptions,
    path: &Path,
    wait: bool,
) -> io::Result<Option<File>> {
    let file = options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if wait {
        file.lock()?;
        return Ok(Some(file));
    }
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

fn check(meta: &Metadata, most: u64) -> io::Result<()> {
    if !meta.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if meta.len() > most { Err(too_large(most)) } else { Ok(()) }
}

fn too_large(most: u64) -> io::Error {
    io::Error::other(format!("larger than {most} bytes"))
}

/// Writes `file`, which is open as `new`, and puts it in the place of `path`: who reads that finds one
/// or the other as a whole, also after a power failure.
///
/// # Errors
/// Those of the system.
pub fn replace(mut file: &File, new: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Returns the path of a file with a suffix to its name.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileId {
    /// Returns that of the file at `path`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(path: &Path) -> io::Result<FileId> {
        fs::metadata(path).map(|meta| FileId::from(&meta))
    }

    /// Returns that of the regular file at `path` of at most `most` bytes.
    ///
    /// # Errors
    /// Those of the system, and what it is instead.
    pub fn of_regular(path: &Path, most: u64) -> io::Result<FileId> {
        let meta = fs::metadata(path)?;
        check(&meta, most)?;
        Ok(FileId::from(&meta))
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When it was written to last, in seconds and nanoseconds since 1970.
    #[must_use]
    pub fn modified(&self) -> (i64, i64) {
        self.modified
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn reason<T: std::fmt::Debug>(result: io::Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_file_up_to_a_size() {
        let folder = Folder::new();
        let path = folder.write("a", b"12345");
        assert_eq!(read(&path, 5).unwrap().0, b"12345");
        assert_eq!(reason(read(&path, 4)), "larger than 4 bytes");
        assert_eq!(reason(FileId::of_regular(&path, 4)), "larger than 4 bytes");
        assert_eq!(FileId::of_regular(&path, 5).unwrap(), FileId::of(&path).unwrap());
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = Folder::new();
        for path in [folder.path(), Path::new("/dev/zero")] {
            assert_eq!(reason(read(path, 9)), "not a regular file");
            assert_eq!(reason(FileId::of_regular(path, 9)), "not a regular file");
        }
        // What says that it is empty, and is not.
        assert_eq!(reason(read(Path::new("/proc/self/maps"), 9)), "larger than 9 bytes");
    }

    #[test]
    fn another_file_of_that_name_is_another_version() {
        let folder = Folder::new();
        let path = folder.write("a", b"1");
        let first = FileId::of(&path).unwrap();
        assert_eq!(FileId::of(&path).unwrap(), first);
        // Of the same length; its times may be the same.
        folder.write("a", b"2");
        assert_ne!(FileId::of(&path).unwrap(), first);
        fs::write(&path, b"22").unwrap();
        assert_eq!(FileId::of(&path).unwrap().len(), 2);
    }
}
