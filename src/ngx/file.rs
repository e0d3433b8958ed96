//! Ranges of files that nginx holds open.

use std::fs;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;

/// A range of a file whose descriptor nginx keeps open as long as the request lives.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// The descriptor.
    pub fd: i32,
    /// Where the range starts, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub len: u64,
}

impl File {
    /// Reads the range into `buf`, which is of its length. Moves no file position, so it may run
    /// on any thread.
    ///
    /// # Safety
    /// The request that the descriptor belongs to is alive until this returns.
    ///
    /// # Errors
    /// Those of `pread`; a file that became shorter is `UnexpectedEof`.
    pub unsafe fn read(&self, buf: &mut [u8]) -> io::Result<()> {
        // SAFETY: the descriptor is open (the caller's promise) and stays nginx's: it isn't
        // closed here.
        let file = ManuallyDrop::new(unsafe { fs::File::from_raw_fd(self.fd) });
        file.read_exact_at(buf, self.offset)
    }
}
