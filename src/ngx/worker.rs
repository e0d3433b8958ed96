//! The worker process.

use std::cell::RefCell;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use image_gate_core::process;
use image_gate_isolation::Processes;
use nginx_sys::{
    NGX_PROCESS_SIGNALLER, NGX_PROCESS_SINGLE, NGX_PROCESS_WORKER, ngx_cached_time,
    ngx_core_conf_t, ngx_core_module, ngx_current_msec, ngx_cycle, ngx_cycle_t, ngx_exiting,
    ngx_ncpu, ngx_process, ngx_process_slot, ngx_terminate, ngx_uint_t,
};
use smallvec::SmallVec;

use super::shim;

/// This worker's share of the machine's processors, at least 1.
pub fn processors() -> u32 {
    // SAFETY: the cycle is set before any request; the core module's configuration is at its
    // index and not written any more.
    let workers = unsafe {
        let conf = *(*ngx_cycle).conf_ctx.add(ngx_core_module.index);
        (*conf.cast::<ngx_core_conf_t>()).worker_processes
    };
    // SAFETY: written once, before workers are forked.
    let processors = unsafe { ngx_ncpu };
    u32::try_from(processors / workers.max(1)).unwrap_or(1).max(1)
}

/// All processors of the machine.
pub fn all_processors() -> usize {
    // SAFETY: written once, before workers are forked.
    usize::try_from(unsafe { ngx_ncpu }).unwrap_or(1)
}

/// The user and the group that workers of a cycle run as, where the master is root.
///
/// # Safety
/// The cycle is live and its configuration complete.
pub(super) unsafe fn user_of(cycle: *const ngx_cycle_t) -> Option<(u32, u32)> {
    // SAFETY: the core module's configuration is at its index.
    let (user, group) = unsafe {
        let conf = *(*cycle).conf_ctx.add(ngx_core_module.index);
        let conf = conf.cast::<ngx_core_conf_t>();
        ((*conf).user, (*conf).group)
    };
    // SAFETY: asks the system; touches nothing.
    (unsafe { libc::geteuid() } == 0).then_some((user, group))
}

/// What a process wants of a file or a folder, as bits of permissions have it.
#[derive(Clone, Copy)]
pub enum Wanted {
    /// To read the file.
    Read = 0o4,
    /// To write to the file.
    Write = 0o2,
    /// To make files in the folder.
    Make = 0o3,
    /// To get at what is in the folder.
    Enter = 0o1,
}

/// What keeps workers of that user and group from a file that the master has read, and what helps;
/// nothing where they can read it.
pub fn kept_from(path: &Path, user: Option<(u32, u32)>) -> Option<String> {
    let (number, group) = user.filter(|_| !may(path, user, Wanted::Read))?;
    let path_shown = path.display();
    let folder = path.parent().filter(|folder| !may(folder, user, Wanted::Enter));
    Some(match folder {
        None => format!(
            "the workers, which run as the user {number}, can't read {path_shown}: \"chgrp {group}\" \
             and \"chmod 640\" let them"
        ),
        Some(folder) => format!(
            "the workers, which run as the user {number}, can't get to {path_shown}: \
             \"chmod a+x {}\" lets them, as for all folders above it",
            folder.display()
        ),
    })
}

/// Whether a process of that user and group may do so, as far as permissions say, of all folders
/// above it, too; without a user, whether this process may.
pub fn may(path: &Path, user: Option<(u32, u32)>, wanted: Wanted) -> bool {
    // What root can't do, as where a file system is only read, nobody can.
    if !access(path, wanted as libc::c_int) {
        return false;
    }
    let Some((user, group)) = user.filter(|&(user, _)| user != 0) else { return true };
    let Ok(path) = path.canonicalize() else { return false };
    let groups = groups_of(user);
    let permits = |path: &Path, wanted: u32| {
        let Ok(meta) = std::fs::metadata(path) else { return false };
        let of = match () {
            () if meta.uid() == user => 6,
            () if meta.gid() == group || groups.contains(&meta.gid()) => 3,
            () => 0,
        };
        meta.mode() >> of & wanted == wanted
    };
    permits(&path, wanted as u32) && path.ancestors().skip(1).all(|folder| permits(folder, 0o1))
}

/// Whether this process may.
fn access(path: &Path, mode: libc::c_int) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: a string that null ends.
    unsafe { libc::access(path.as_ptr(), mode) == 0 }
}

/// The groups that a user is in.
fn groups_of(user: u32) -> Vec<libc::gid_t> {
    let mut groups = vec![0; 256];
    let mut count = 256;
    // SAFETY: asks the system, while nginx reads its configuration with the one thread it has then;
    // the name lives until the next such question, and the list has room for as many as `count`
    // says.
    let known = unsafe {
        match libc::getpwuid(user).as_ref() {
            Some(entry) => {
                libc::getgrouplist(entry.pw_name, entry.pw_gid, groups.as_mut_ptr(), &raw mut count)
            }
            None => -1,
        }
    };
    groups.truncate(if known < 0 { 0 } else { usize::try_from(count).unwrap_or(0) });
    groups
}

/// Whether this process only sends a signal to another: `nginx -s stop`. It reads the
/// configuration for the name of a file in it.
pub fn is_signaller() -> bool {
    // SAFETY: written once, before any configuration is read.
    unsafe { ngx_process == NGX_PROCESS_SIGNALLER as ngx_uint_t }
}

/// Whether this process only looks whether a configuration is good.
pub fn is_test() -> bool {
    // SAFETY: written once, before any configuration is read.
    unsafe { nginx_sys::ngx_test_config != 0 }
}

/// Whether there is no other process: `master_process off`.
pub fn is_single() -> bool {
    // SAFETY: written once, before a process calls any module.
    unsafe { ngx_process == NGX_PROCESS_SINGLE as ngx_uint_t }
}

/// The time that nginx has, in seconds since 1970. For the event loop.
pub fn time() -> u64 {
    // SAFETY: set when nginx starts; it points to one of its slots.
    u64::try_from(unsafe { (*ngx_cached_time).sec }).unwrap_or(0)
}

/// The time of the day, where the one that nginx has, and writes into its logs, is older by a second
/// or more. For any thread.
pub fn late() -> Option<String> {
    // SAFETY: a word that the event loop writes; what it points to is one of nginx's slots, whose
    // times nobody writes again for as long as nginx has other slots to go on to.
    let known = unsafe { (*(&raw const ngx_cached_time).read_volatile()).sec };
    // SAFETY: asks the system; both write what they are given, and nothing else.
    unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut day: libc::tm = std::mem::zeroed();
        (now > known && !libc::localtime_r(&raw const now, &raw mut day).is_null())
            .then(|| format!("{:02}:{:02}:{:02}", day.tm_hour, day.tm_min, day.tm_sec))
    }
}

/// The milliseconds of a clock that is never set, and the same for all processes. For the event
/// loop.
pub fn milliseconds() -> u64 {
    // SAFETY: a word of the event loop, which reads it here.
    unsafe { (&raw const ngx_current_msec).read() as u64 }
}

/// Whether this process was told to end once its requests have ended. For any thread.
pub fn is_leaving() -> bool {
    // SAFETY: a word that signal handlers and the event loop write; read once, whole.
    unsafe { (&raw const ngx_exiting).read_volatile() != 0 }
}

/// Whether this process was told to end at once. For any thread.
pub fn is_stopping() -> bool {
    // SAFETY: as above.
    unsafe { (&raw const ngx_terminate).read_volatile() != 0 }
}

/// Where decoders work that can't be stopped otherwise.
pub static PROCESSES: Processes = Processes::new(name_helper);

/// Has this process be called what it is in the list of processes, where it would be a worker.
fn name_helper() {
    // SAFETY: a string, which nginx copies to where it keeps the names of its processes.
    unsafe { shim::ig_set_process_title(c"image codec".as_ptr().cast_mut()) };
}

/// Whether this process answers requests: nginx also starts some for its caches.
pub fn is_worker() -> bool {
    // SAFETY: written once, before a process calls any module.
    let process = unsafe { ngx_process };
    process == NGX_PROCESS_WORKER as ngx_uint_t || process == NGX_PROCESS_SINGLE as ngx_uint_t
}

/// The name of the machine, in small letters.
pub fn hostname() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: the buffer is as long as said. Whatever comes back, it is bytes.
    let failed = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len()) } != 0;
    let name = name.split(|&byte| byte == 0).next().filter(|name| !failed && !name.is_empty());
    String::from_utf8_lossy(name.unwrap_or(b"localhost")).to_ascii_lowercase()
}

/// The place of this process among those of its master: no other that lives has the same.
pub fn slot() -> usize {
    // SAFETY: written once, when the process begins.
    usize::try_from(unsafe { ngx_process_slot }).unwrap_or(0)
}

/// What this process is called in what processes share.
pub fn identity() -> u32 {
    // Forked ones begin with what the one before knew.
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    let (number, known) = (std::process::id(), KNOWN.load(Ordering::Relaxed));
    if known >> u32::BITS == u64::from(number) {
        return known as u32;
    }
    let identity = process::identity(number, start(number));
    KNOWN.store(u64::from(number) << u32::BITS | u64::from(identity), Ordering::Relaxed);
    identity
}

/// Whether the process that is called so is there.
pub fn is_alive(identity: u64) -> bool {
    /// Those that were looked at not long ago.
    type Seen = (Option<Instant>, SmallVec<[u32; 16]>);
    /// As many processes as nginx may have (`NGX_MAX_PROCESSES`).
    const MOST: usize = 1024;
    thread_local! {
        static SEEN: RefCell<Seen> = RefCell::default();
    }
    /// How long nobody looks again: another process can't have the number so soon.
    const AGE: Duration = Duration::from_secs(1);

    let Ok(identity) = u32::try_from(identity) else { return false };
    let number = process::number(identity);
    let Ok(signalled) = libc::pid_t::try_from(number) else { return false };
    // SAFETY: signal 0 is none; it only asks.
    let is_there = signalled > 0
        && (unsafe { libc::kill(signalled, 0) } == 0
            || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM));
    is_there
        && SEEN.with_borrow_mut(|(since, seen)| {
            let now = Instant::now();
            if since.is_none_or(|since| now.duration_since(since) > AGE) {
                (*since, _) = (Some(now), seen.clear());
            }
            if seen.contains(&identity) {
                return true;
            }
            let is_same = process::may_be(identity, start(number));
            if is_same && seen.len() < MOST {
                seen.push(identity);
            }
            is_same
        })
}

/// When a process began, where the system says so, and by the numbers that we know.
fn start(number: u32) -> Option<u64> {
    // What is mounted may be that of others, whose numbers are not ours.
    static IS_OURS: OnceLock<bool> = OnceLock::new();
    let is_ours = || {
        let own = std::fs::read_link("/proc/self").ok();
        own.is_some_and(|own| own.as_os_str() == std::process::id().to_string().as_str())
    };
    if !IS_OURS.get_or_init(is_ours) {
        return None;
    }
    process::start(&std::fs::read(format!("/proc/{number}/stat")).ok()?)
}
