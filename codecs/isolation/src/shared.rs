//! Memory that a child shares with the process that waits for it, and with nobody else.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;

use image_gate_core::image::Error;

use crate::failed;

/// Bytes before the pixels: how it ended, and why.
pub const HEAD: usize = 4096;

/// Where the parts of shared memory are.
#[derive(Clone, Copy)]
pub struct Places {
    pub pixels: usize,
    pub source: usize,
}

impl Places {
    fn len(self) -> Option<usize> {
        HEAD.checked_add(self.pixels)?.checked_add(self.source)
    }
}

/// A mapping of it.
pub struct Shared {
    start: *mut u8,
    places: Places,
}

impl Shared {
    /// New memory, all zero but for the parts of the source, and its descriptor.
    pub fn new(pixels: usize, source: &[&[u8]]) -> Result<(Shared, OwnedFd), Error> {
        const WHAT: &str = "no memory that is shared with the codec";
        let of_source = source.iter().try_fold(0_usize, |sum, part| sum.checked_add(part.len()));
        let places = of_source.map(|source| Places { pixels, source });
        let places =
            places.and_then(|places| Some((places, libc::off_t::try_from(places.len()?).ok()?)));
        let (places, len) = places.ok_or_else(|| Error::Internal(WHAT.to_owned()))?;
        // Whoever makes a file longer than it may be is ended by a signal.
        if let Some(most) = longest_file().filter(|&most| (len as u64) > most) {
            return Err(Error::Internal(format!(
                "{WHAT}: {len} bytes, and no file may have more than {most} (RLIMIT_FSIZE)"
            )));
        }
        // SAFETY: a name, and flags.
        let memory = unsafe {
            libc::memfd_create(c"image-gate".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)
        };
        if memory < 0 {
            return Err(failed(WHAT));
        }
        // SAFETY: opened just now.
        let memory = unsafe { OwnedFd::from_raw_fd(memory) };
        // Whoever cut it would have the other one end at a page that is not there any more.
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: a descriptor that is open.
        let is_made = unsafe {
            libc::ftruncate(memory.as_raw_fd(), len) == 0
                && fill(&memory, len)
                && libc::fcntl(memory.as_raw_fd(), libc::F_ADD_SEALS, seals) == 0
        };
        let shared = is_made.then(|| Shared::map(&memory, places)).flatten();
        let shared = shared.ok_or_else(|| failed(WHAT))?;
        let mut at = HEAD + pixels;
        for part in source {
            // SAFETY: the mapping has room for all parts of the source behind the pixels; nobody else has it yet.
            unsafe {
                shared.start.add(at).copy_from_nonoverlapping(part.as_ptr(), part.len());
            }
            at += part.len();
        }
        Ok((shared, memory))
    }

    /// What another process made; `None` where the system has no room.
    pub fn map(memory: &OwnedFd, places: Places) -> Option<Shared> {
        let len = places.len()?;
        // SAFETY: a new mapping, at an address that the system chooses.
        let start = unsafe {
            libc::mmap(
                null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                memory.as_raw_fd(),
                0,
            )
        };
        (start != libc::MAP_FAILED).then(|| Shared { start: start.cast(), places })
    }

    /// The address of the head.
    pub fn head(&self) -> *mut u8 {
        self.start
    }

    /// Head, pixels and source. Only one of the two processes may look: the one that waits for the other does not
    /// before that is gone.
    pub fn parts(&mut self) -> (&mut [u8], &mut [u8], &[u8]) {
        let Places { pixels, source } = self.places;
        // SAFETY: the mapping has that length and can't be cut, and lives as long as this. The other process has
        // ended, or waits. One that went on writing to it has been taken over by a stranger already: what it then
        // changes are the values of pixels.
        unsafe {
            let behind = self.start.add(HEAD);
            (
                std::slice::from_raw_parts_mut(self.start, HEAD),
                std::slice::from_raw_parts_mut(behind, pixels),
                std::slice::from_raw_parts(behind.add(pixels), source),
            )
        }
    }
}

/// Bytes that a file of this process may have, where that is limited.
fn longest_file() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the structure is there.
    let is_known = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) == 0 };
    (is_known && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Has all pages be there at once: one that the system has no room for when it is first used ends whoever uses it.
fn fill(memory: &OwnedFd, len: libc::off_t) -> bool {
    loop {
        // SAFETY: a descriptor that is open.
        if unsafe { libc::fallocate(memory.as_raw_fd(), 0, 0, len) } == 0 {
            return true;
        }
        if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            return false;
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's alone.
        unsafe { libc::munmap(self.start.cast(), self.places.len().unwrap_or(0)) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn all_of_it_is_there_before_it_is_used() {
        let (mut shared, memory) = Shared::new(10 << 20, &[b"sou", b"", b"rce"]).unwrap();
        let found = File::from(memory).metadata().unwrap();
        assert_eq!(found.len(), (HEAD + (10 << 20) + 6) as u64);
        assert!(found.blocks() * 512 >= found.len(), "{} blocks", found.blocks());
        let (head, pixels, source) = shared.parts();
        assert!(head.iter().chain(&*pixels).all(|&byte| byte == 0));
        assert_eq!(source, b"source");
    }
}
