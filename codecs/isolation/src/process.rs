//! Copies of a process, and what they keep of it.

use std::os::fd::RawFd;
use std::ptr::null;

/// Makes a child process, whose end sends that signal, or 0 for none; 0 in the child, less on failure.
///
/// # Safety
/// Of the threads the child has but this one: it must use nothing that another one may have locked, the system's
/// allocator included, and must not return.
pub unsafe fn copy(signal: libc::c_int) -> libc::pid_t {
    const NONE: libc::c_long = 0;
    let flags = libc::c_long::from(signal);
    // The flags are the first argument, or the second one.
    let (first, second) = if cfg!(target_arch = "s390x") { (NONE, flags) } else { (flags, NONE) };
    // SAFETY: without a stack the call does what fork does.
    unsafe { libc::syscall(libc::SYS_clone, first, second, NONE, NONE, NONE) as libc::pid_t }
}

/// Ends this process, and runs nothing of it any more.
pub fn end(status: libc::c_int) -> ! {
    // SAFETY: as it says.
    unsafe { libc::_exit(status) }
}

/// Waits for a child that ends without a signal; returns whether it ended by itself, with all done.
pub fn wait(child: libc::pid_t) -> bool {
    let mut status = 0;
    // SAFETY: a child of this process, and room for how it ended.
    while unsafe { libc::waitpid(child, &raw mut status, libc::__WALL) } < 0 {
        if error_number() != libc::EINTR {
            return false;
        }
    }
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

/// Whether such a child is no more. It must not be asked for again then.
pub fn has_ended(child: libc::pid_t) -> bool {
    // SAFETY: a child of this process.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), libc::__WALL | libc::WNOHANG) != 0 }
}

/// Has no program that this process may ever run have more rights than itself.
pub fn forbid_privileges() {
    const NONE: libc::c_ulong = 0;
    const ON: libc::c_ulong = 1;
    // SAFETY: a setting of this process, and of those it makes.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, ON, NONE, NONE, NONE) };
}

/// Has this process be the first to be ended where the system runs out of memory, so that no other is.
pub fn be_first_to_go() {
    // SAFETY: a name, a descriptor that was opened just now, and what is written.
    unsafe {
        let file =
            libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        libc::write(file, c"1000".as_ptr().cast(), 4);
        libc::close(file);
    }
}

/// Has signals do what they do to a process that never spoke of them; but those that are meant for a program as a
/// whole do nothing.
pub fn forget_signals() {
    const IGNORED: [libc::c_int; 9] = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGWINCH,
        libc::SIGPIPE,
        libc::SIGCHLD,
    ];
    // SAFETY: settings of this process alone; of none of its signals is a handler left.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            let action = if IGNORED.contains(&signal) { libc::SIG_IGN } else { libc::SIG_DFL };
            libc::signal(signal, action);
        }
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Closes what is open, but for that one, and has the first three be nothing.
pub fn close_all_but(kept: RawFd) {
    // SAFETY: descriptors of this process, which uses none but that one.
    unsafe {
        let close = |from: libc::c_long, to: libc::c_long| {
            from > to || libc::syscall(libc::SYS_close_range, from, to, 0 as libc::c_long) == 0
        };
        let number = libc::c_long::from(kept);
        if !close(3, number - 1) || !close(number + 1, libc::c_long::from(libc::c_int::MAX)) {
            close_each_but(kept);
        }
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for standard in 0..3 {
            if nothing >= 0 && kept != standard {
                libc::dup2(nothing, standard);
            }
        }
        if nothing > 2 {
            libc::close(nothing);
        }
    }
}

/// The same before Linux 5.9: by the system's list of what is open, which is read without memory; limits say less, as
/// they may have been higher, and a loop up to one of a billion would take minutes.
fn close_each_but(kept: RawFd) {
    /// Bytes of an entry before its name: numbers of no use here, its length, its type.
    const LENGTH: usize = 16;
    const NAME: usize = 19;

    // SAFETY: descriptors of this process, which uses none but that one, and memory that is there.
    unsafe {
        // One is needed for the list, where there are as many as there may be.
        libc::close(if kept == 3 { 4 } else { 3 });
        let list = libc::open(c"/proc/self/fd".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY);
        if list < 0 {
            // What there is no list of may be all that there can be.
            let most = libc::sysconf(libc::_SC_OPEN_MAX).max(1 << 16);
            let most = libc::c_int::try_from(most).unwrap_or(libc::c_int::MAX);
            for other in (3..most).filter(|&other| other != kept) {
                libc::close(other);
            }
            return;
        }
        // Entries are numbers of eight bytes in their first place.
        let mut entries = [0_u64; 512];
        loop {
            let len = size_of_val(&entries);
            let read = libc::syscall(libc::SYS_getdents64, list, entries.as_mut_ptr(), len);
            let Some(len) = usize::try_from(read).ok().filter(|&len| len > 0) else { break };
            let bytes = std::slice::from_raw_parts(entries.as_ptr().cast::<u8>(), len);
            let mut rest = bytes;
            while let Some(&[low, high]) = rest.get(LENGTH..LENGTH + 2) {
                let (entry, behind) = rest
                    .split_at(usize::from(u16::from_ne_bytes([low, high])).clamp(1, rest.len()));
                rest = behind;
                let name = entry.get(NAME..).unwrap_or_default();
                let digits = name.iter().take_while(|byte| byte.is_ascii_digit());
                let number = digits.fold(0, |number: RawFd, digit| {
                    number.wrapping_mul(10).wrapping_add(RawFd::from(digit - b'0'))
                });
                // Those behind it keep their place in the list.
                if number > 2 && number != kept && number != list {
                    libc::close(number);
                }
            }
        }
        libc::close(list);
    }
}

/// Why the last call of the system's failed, by its number.
pub fn error_number() -> libc::c_int {
    // SAFETY: a place of this thread's.
    unsafe { *libc::__errno_location() }
}

/// Has this process leave no core, where secrets are, and use no more of a processor's seconds than those.
pub fn limit(seconds: libc::rlim_t) {
    // SAFETY: settings of this process alone.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        libc::setrlimit(libc::RLIMIT_CORE, &most(0));
        libc::setrlimit(libc::RLIMIT_CPU, &most(seconds));
    }
}

/// Has this process have so much memory more than it has, whoever's allocator it comes from.
pub fn limit_memory(bytes: usize) {
    // What an allocator has at once, and stacks of threads.
    const MORE: u64 = 32 << 20;
    let data = held().saturating_add(bytes as u64).saturating_add(MORE);
    // SAFETY: a setting of this process alone.
    unsafe { libc::setrlimit(libc::RLIMIT_DATA, &most(data)) };
}

fn most(number: libc::rlim_t) -> libc::rlimit {
    libc::rlimit { rlim_cur: number, rlim_max: number }
}

/// Bytes of memory that this process may write to and has for itself; none where the system does not tell.
fn held() -> u64 {
    let mut text = [0_u8; 256];
    // SAFETY: a name, a descriptor that was opened just now, and room for what is read.
    let read = unsafe {
        let file = libc::open(c"/proc/self/statm".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        let read = libc::read(file, text.as_mut_ptr().cast(), text.len());
        libc::close(file);
        read
    };
    let text = usize::try_from(read).ok().and_then(|len| text.get(..len)).unwrap_or_default();
    // The sixth number: data and stack, in pages.
    let pages = text.split(|&byte| byte == b' ').nth(5);
    let pages = pages.and_then(|pages| std::str::from_utf8(pages).ok()?.parse::<u64>().ok());
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages.unwrap_or(0).saturating_mul(u64::try_from(page).unwrap_or(0))
}

/// Which signal a descriptor sends; of Linux.
const F_SETSIG: libc::c_int = 10;

/// Has this process be ended as soon as anything comes from the other end of a socket, its end included. Returns
/// whether that may not have come before.
pub fn end_with(socket: RawFd) -> bool {
    let mut polled = libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 };
    // SAFETY: settings of a descriptor of this process, and of what it sends. What came before that is seen.
    unsafe {
        libc::fcntl(socket, libc::F_SETOWN, libc::getpid()) == 0
            && libc::fcntl(socket, F_SETSIG, libc::SIGKILL) == 0
            && libc::fcntl(socket, libc::F_SETFL, libc::O_ASYNC) == 0
            && libc::poll(&raw mut polled, 1, 0) == 0
    }
}

/// Which this process is for who looks at it by the system's means.
pub fn name(name: &std::ffi::CStr) {
    // SAFETY: a string; the rest is not looked at.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, name.as_ptr(), null::<u8>(), null::<u8>(), null::<u8>())
    };
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    /// Descriptors of a child that closes all but one its own way, of which it says by its status whether they are as
    /// they have to be.
    fn child_closes(close: fn(RawFd)) -> libc::c_int {
        let kept = std::fs::File::open("/dev/null").unwrap();
        // SAFETY: the child calls nothing but the system, and ends.
        let child = unsafe { copy(libc::SIGCHLD) };
        if child == 0 {
            let kept = kept.as_raw_fd();
            // SAFETY: settings and descriptors of the child alone.
            unsafe {
                let mut limit = libc::rlimit { rlim_cur: 100_000, rlim_max: 100_000 };
                if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) != 0 {
                    // As many as it may have.
                    libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
                    limit.rlim_cur = limit.rlim_max;
                    libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
                }
                let highest = limit.rlim_cur.min(100_000) as RawFd - 1;
                let is_opened = libc::dup2(kept, highest) == highest;
                for other in (3..highest).rev().step_by(3).take(2000).filter(|&other| other != kept)
                {
                    libc::dup2(kept, other);
                }
                // What is open stays open above that.
                limit.rlim_cur = 64;
                libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
                close(kept);
                let is_open = |number| libc::fcntl(number, libc::F_GETFD) >= 0;
                let is_as_it_has_to_be =
                    (3..=highest).all(|number| is_open(number) == (number == kept));
                end(if is_opened && is_as_it_has_to_be { 0 } else { 1 });
            }
        }
        assert!(child > 0);
        let mut status = 0;
        // SAFETY: a child of this process, and a number that is there.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert!(libc::WIFEXITED(status), "{status}");
        libc::WEXITSTATUS(status)
    }

    #[test]
    fn nothing_else_stays_open() {
        assert_eq!(child_closes(close_all_but), 0);
        assert_eq!(child_closes(close_each_but), 0);
    }
}
