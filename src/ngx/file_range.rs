//! Ranges of files that nginx holds open.

use std::fs;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};

use image_gate_core::cache::SourceId;

/// A range of a file whose descriptor nginx keeps open as long as the request lives.
#[derive(Debug, Clone, Copy)]
pub struct FileRange {
    /// The descriptor.
    pub fd: i32,
    /// Where the range starts, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub len: u64,
}

impl FileRange {
    /// Reads the range into `buf`, which is of its length. Moves no file position, so it may run
    /// on any thread.
    ///
    /// Where the request is over, and the descriptor is another file's, so are the bytes.
    ///
    /// # Errors
    /// Those of `pread`; a file that became shorter is `UnexpectedEof`.
    pub fn read(&self, buf: &mut [u8]) -> io::Result<()> {
        // SAFETY: the descriptor stays nginx's: it isn't closed here, and only read from.
        let file = ManuallyDrop::new(unsafe { fs::File::from_raw_fd(self.fd) });
        file.read_exact_at(buf, self.offset)
    }

    /// The state of the file.
    ///
    /// # Errors
    /// Those of `fstat`.
    pub fn id(&self) -> io::Result<SourceId> {
        // SAFETY: as in `read`; it is only asked about.
        let file = ManuallyDrop::new(unsafe { fs::File::from_raw_fd(self.fd) });
        Ok(identify(&file.metadata()?))
    }
}

/// The state of a file, as the system describes it.
pub fn identify(data: &fs::Metadata) -> SourceId {
    SourceId {
        device: data.dev(),
        inode: data.ino(),
        len: data.len(),
        modified: (data.mtime(), data.mtime_nsec()),
        changed: (data.ctime(), data.ctime_nsec()),
    }
}
