//! Shared memory that outlives what nginx makes anew.
//!
//! nginx gives a zone other memory when a reload changes its size, and when another executable
//! takes over (USR2), while the workers of before still use the old one. What must be counted once
//! lies in a file without a name in a file system instead (`memfd`): the master keeps it open, so
//! that it stays with a reload, whatever the size, and the new master inherits it from the old one.
//! The system frees it when the last process that has it is gone; no process asks another for
//! anything.
//!
//! A memory is known by what it is called, as long as a configuration has it: the one that is used,
//! or the one that is being read. One that is refused leaves nothing behind.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use super::shm::{Shareable, view_of};

/// What the names of all begin with, as the system shows them.
const PREFIX: &str = "access_key:";
/// The longest name that the system takes.
const MAX_NAME: usize = 249;

/// Memory that all have who ask for it by the same name, and that only grows: zeroed when it is
/// new.
#[derive(Clone)]
pub struct KeptMemory(Arc<Mapping>);

/// A part of it from its beginning, as one process sees it.
struct Mapping {
    file: Arc<File>,
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: what lies in there is shared among processes anyway, as atomics (see `Shareable`).
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(file: Arc<File>, len: usize) -> io::Result<Mapping> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, at an address that the system chooses. The file is as long, and
        // nobody makes it shorter (see `create` and `is_sealed`).
        let base = unsafe {
            libc::mmap(std::ptr::null_mut(), len, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { file, base, len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nobody borrows from it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// What the process that reads configurations knows, by name.
struct Kept {
    /// What the executable before left, until the first configuration is taken.
    inherited: Vec<(String, KeptMemory)>,
    /// What configurations have, that of before the others.
    used: Vec<(String, Weak<Mapping>)>,
}

impl Kept {
    fn find(&self, name: &str) -> Option<KeptMemory> {
        let used = self.used.iter().rev().filter(|(known, _)| known == name);
        let used = used.filter_map(|(_, mapping)| mapping.upgrade()).map(KeptMemory).next();
        used.or_else(|| {
            let inherited = self.inherited.iter().find(|(known, _)| known == name);
            inherited.map(|(_, memory)| memory.clone())
        })
    }
}

static KEPT: LazyLock<Mutex<Kept>> =
    LazyLock::new(|| Mutex::new(Kept { inherited: inherited(), used: Vec::new() }));

/// Whether this process starts no other nginx, but may start programs.
static IS_LAST: AtomicBool = AtomicBool::new(false);

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that a configuration was taken: what the executable before had, and this one has not, is
/// left to those who still use it.
pub fn take() {
    kept().inherited.clear();
}

/// Has no program that this process starts inherit any of it: it is a worker, or all there is, and
/// only a master starts another nginx.
pub fn begin_process() {
    IS_LAST.store(true, Ordering::Relaxed);
    for memory in kept().used.iter().filter_map(|(_, mapping)| mapping.upgrade()) {
        close_on_exec(&memory.file);
    }
}

fn close_on_exec(file: &File) {
    // SAFETY: a flag of a descriptor that is open.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
}

impl KeptMemory {
    /// Returns the memory of that name, with room for `len` bytes at least, for the configuration
    /// that is being read.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(name: &str, len: usize) -> io::Result<KeptMemory> {
        let kept = &mut *kept();
        let memory = match kept.find(name) {
            Some(memory) => memory.grown(len)?,
            None => {
                let mapping = Mapping::new(Arc::new(create(name, len)?), len)?;
                KeptMemory(Arc::new(mapping))
            }
        };
        kept.used.retain(|(_, mapping)| mapping.strong_count() > 0);
        kept.used.push((name.to_owned(), Arc::downgrade(&memory.0)));
        Ok(memory)
    }

    /// Those who have less of it go on with that.
    fn grown(&self, len: usize) -> io::Result<KeptMemory> {
        if len <= self.0.len {
            return Ok(self.clone());
        }
        let file = self.0.file.clone();
        let is_enough = || Ok::<_, io::Error>(file.metadata()?.len() >= len as u64);
        // A master of another executable may make it grow meanwhile, and then it can't shrink.
        if !is_enough()?
            && let Err(error) = set_len(&file, len)
            && !is_enough()?
        {
            return Err(error);
        }
        Ok(KeptMemory(Arc::new(Mapping::new(file, len)?)))
    }

    /// The memory as an `H` and, behind it, as many `R` as there is room for.
    pub fn view<H: Shareable, R: Shareable>(&self) -> Option<(&H, &[R])> {
        // SAFETY: a mapping begins at a page, is initialized, by zeros at first, and stays as long
        // as this.
        unsafe { view_of(self.0.base, self.0.len) }
    }

    /// Runs `body` while no other process, and no other thread, runs one for any of this memory.
    /// The system frees the lock of a process that dies with it, so `body` must leave the memory
    /// usable wherever it stops. Nothing that can wait belongs in there.
    ///
    /// # Errors
    /// Those of the system.
    pub fn locked<R>(&self, body: impl FnOnce() -> R) -> io::Result<R> {
        // The system's lock is one of processes.
        static THREADS: Mutex<()> = Mutex::new(());
        struct Held(RawFd);
        impl Drop for Held {
            fn drop(&mut self) {
                // That fails only where it was not locked.
                let _ = lock(self.0, libc::F_UNLCK);
            }
        }
        let _threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.0.file.as_raw_fd();
        lock(file, libc::F_WRLCK)?;
        let _held = Held(file);
        Ok(body())
    }
}

fn lock(file: RawFd, kind: libc::c_int) -> io::Result<()> {
    // SAFETY: numbers only, for which zero is a value.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = kind as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    loop {
        // SAFETY: the descriptor is open, and the system only reads the range.
        if unsafe { libc::fcntl(file, libc::F_SETLKW, &raw const range) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Makes the file of a memory, which an executable that takes over inherits.
fn create(name: &str, len: usize) -> io::Result<File> {
    let name = format!("{PREFIX}{name}\0");
    if name.len() > MAX_NAME {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "its name is too long"));
    }
    let create = |flags| {
        // SAFETY: the name ends with a zero.
        unsafe { libc::memfd_create(name.as_ptr().cast(), libc::MFD_ALLOW_SEALING | flags) }
    };
    // Older systems know no such flag; newer ones may want it.
    let file = match create(libc::MFD_NOEXEC_SEAL) {
        file @ 0.. => file,
        _ => create(0),
    };
    if file < 0 {
        return create_without_name(len, &io::Error::last_os_error());
    }
    // SAFETY: a new descriptor, which is nobody else's.
    let file = unsafe { File::from_raw_fd(file) };
    // Workers' files are shown to all programs of their user, who would open it otherwise.
    file.set_permissions(Permissions::from_mode(0o600))?;
    set_len(&file, len)?;
    // SAFETY: a call of the system for a descriptor that is open.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if IS_LAST.load(Ordering::Relaxed) {
        close_on_exec(&file);
    }
    Ok(file)
}

/// The system ends a process that makes a file longer than a limit allows.
fn set_len(file: &File, len: usize) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the system writes the limit.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } == 0
        && len as u64 > limit.rlim_cur
    {
        let reason = format!("files may have {} bytes (RLIMIT_FSIZE)", limit.rlim_cur);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    file.set_len(len as u64)
}

/// The same where the system, or a filter of its calls, has no `memfd_create`. Nobody could tell it
/// from others, so it is not inherited.
fn create_without_name(len: usize, refused: &io::Error) -> io::Result<File> {
    const FOLDER: &str = "/dev/shm";
    let options = &mut File::options();
    options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE);
    let file = options.open(FOLDER).map_err(|error| {
        let reasons = format!("memfd_create: {refused}, and {FOLDER}: {error}");
        io::Error::new(error.kind(), reasons)
    })?;
    set_len(&file, len)?;
    Ok(file)
}

/// Returns what the executable before left open for this one. Where the system does not show what
/// is open, there is nothing, and a state file is what a zone begins with.
fn inherited() -> Vec<(String, KeptMemory)> {
    let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<RawFd> =
        open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let mapped = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    numbers.into_iter().filter_map(|number| inherit(number, &mapped)).collect()
}

fn inherit(number: RawFd, mapped: &str) -> Option<(String, KeptMemory)> {
    let path = format!("/proc/self/fd/{number}");
    let link = fs::read_link(&path).ok()?;
    let name = link.to_str()?.strip_prefix("/memfd:")?.strip_suffix(" (deleted)")?;
    let name = name.strip_prefix(PREFIX)?.to_owned();
    let number = if is_mapped(fs::metadata(&path).ok()?.ino(), mapped) {
        // A reload came with this module from another path, beside the one of before, whose
        // descriptor it is.
        // SAFETY: a call of the system, which answers less than 0 where that is not open.
        match unsafe { libc::fcntl(number, libc::F_DUPFD, 0) } {
            number @ 0.. => number,
            _ => return None,
        }
    } else {
        number
    };
    // SAFETY: open. Nothing but `create` makes files that are called so, and what is open and not
    // mapped by this process came with the executable: nobody else here knows of it. Otherwise it
    // is a new descriptor.
    let file = unsafe { File::from_raw_fd(number) };
    let len = usize::try_from(file.metadata().ok()?.len()).ok()?;
    let mapping = is_sealed(&file).then(|| Mapping::new(Arc::new(file), len).ok())??;
    Some((name, KeptMemory(Arc::new(mapping))))
}

/// Whether lines as of `/proc/self/maps` name a memory file of that number.
fn is_mapped(inode: u64, lines: &str) -> bool {
    let inode = inode.to_string();
    lines.lines().any(|line| {
        line.contains(" /memfd:") && line.split_ascii_whitespace().nth(4) == Some(&*inode)
    })
}

fn is_sealed(file: &File) -> bool {
    // SAFETY: a call of the system for a descriptor that is open.
    let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
    seals >= 0 && seals & libc::F_SEAL_SHRINK != 0
}
