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
            // Before Linux 5.9.
            let most = libc::sysconf(libc::_SC_OPEN_MAX).clamp(3, 1 << 16);
            for other in (3..most).filter(|&other| other != number) {
                libc::close(other as libc::c_int);
            }
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

/// Has this process leave no core, where secrets are, and use no more of a processor's seconds than those.
pub fn limit(seconds: libc::rlim_t) {
    let limit = |most| libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: settings of this process alone.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        libc::setrlimit(libc::RLIMIT_CORE, &limit(0));
        libc::setrlimit(libc::RLIMIT_CPU, &limit(seconds));
    }
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
