//! Work in a process of its own, which can be ended at any moment.
//!
//! A library that is asked for the pixels of a hostile file may be at one step of it for minutes, and
//! nothing ends a thread from outside. A process can be ended. It begins as a copy of this one, so that
//! what it needs is there, and costs a few pages more than the memory that it writes to.

mod memory;

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use image_gate_core::image::{Control, Error, FillPixels, Isolation, TakePixels, WorkSize};

pub use memory::{Memory, withhold_large_blocks};
use memory::{NO_MEMORY, OUT_OF_MEMORY};

/// Bytes before the pixels: how it ended, and why.
const HEAD: usize = 4096;

/// How often it is asked whether the work goes on.
const TICK_MILLISECONDS: libc::c_int = 10;

/// Work in a child process, of which nginx does not know.
#[derive(Debug)]
pub struct ChildProcess;

impl Isolation for ChildProcess {
    fn run(
        &self,
        size: WorkSize,
        source: &[u8],
        control: &Control,
        fill: &mut FillPixels<'_>,
        take: &mut TakePixels<'_>,
    ) -> Result<(), Error> {
        let mut shared = SharedPages::new(size.pixels.saturating_add(HEAD))?;
        let (ends, alive) = pipe()?;
        memory::lend(source);
        // SAFETY: asks for a number.
        let parent = unsafe { libc::getpid() };
        let child = loop {
            // SAFETY: the child runs `in_child` and nothing else.
            match unsafe { fork_unseen() } {
                0 => in_child(
                    &mut shared,
                    size,
                    Parent { pid: parent, alive: &alive },
                    control,
                    fill,
                ),
                pid if pid > 0 => break Child(pid),
                _ if io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock => {}
                _ => return Err(failed("no process for the decoder")),
            }
            // There may be room for one again before the time is over.
            control.check()?;
            std::thread::sleep(Duration::from_millis(TICK_MILLISECONDS.unsigned_abs().into()));
        };
        drop(alive);
        while !is_closed(&ends) {
            // The child is ended where this fails.
            control.check()?;
        }
        let ended = child.wait();
        let (head, pixels) = shared.parts();
        if let Err(error) = said(head, ended, size.memory) {
            // The child may have seen before us that the time is over.
            return Err(control.check().err().unwrap_or(error));
        }
        take(pixels)
    }
}

/// How the work ended, by what the child left.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Ending {
    Done = 1,
    DecodeFailed,
    Internal,
}

/// What the child said before it ended.
fn said(head: &[u8], ended: libc::c_int, memory: u64) -> Result<(), Error> {
    let text = || {
        let text = head.get(1..).unwrap_or_default();
        let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    match head.first() {
        Some(&code) if code == Ending::Done as u8 => Ok(()),
        Some(&code) if code == Ending::DecodeFailed as u8 => Err(Error::DecodeFailed(text())),
        Some(&code) if code == Ending::Internal as u8 => Err(Error::Internal(text())),
        _ if libc::WIFEXITED(ended) && libc::WEXITSTATUS(ended) == OUT_OF_MEMORY => Err(
            Error::TooManyPixels(format!("the decoder wants more than {memory} bytes of memory")),
        ),
        _ if libc::WIFEXITED(ended) && libc::WEXITSTATUS(ended) == NO_MEMORY => {
            Err(Error::Internal("no memory for the decoder".to_owned()))
        }
        _ => Err(Error::Internal(format!("the process of the decoder ended with status {ended}"))),
    }
}

/// All that the child does.
fn in_child(
    shared: &mut SharedPages,
    size: WorkSize,
    parent: Parent<'_>,
    control: &Control,
    fill: &mut FillPixels<'_>,
) -> ! {
    // SAFETY: settings of this process alone, which ends with the thread that waits for it; that may be gone
    // already.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != parent.pid {
            libc::_exit(0);
        }
    }
    // Open connections would not be closed as long as the child has them.
    close_all_but(parent.alive.as_raw_fd());
    let seconds = control.remaining().map_or(libc::RLIM_INFINITY, |time| time.as_secs() + 2);
    let limit = |most| libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: settings of this process alone. It leaves no core, where secrets are, and ends once it had
    // more time than anybody waits for it.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        libc::setrlimit(libc::RLIMIT_CORE, &limit(0));
        libc::setrlimit(libc::RLIMIT_CPU, &limit(seconds));
    }
    // SAFETY: of the threads this process has but the one that made it.
    unsafe { memory::isolate(usize::try_from(size.memory).unwrap_or(usize::MAX)) };
    HEAD_OF_CHILD.store(shared.start, Ordering::Relaxed);
    let (_, pixels) = shared.parts();
    match catch_unwind(AssertUnwindSafe(|| fill(pixels))) {
        Ok(Ok(())) => end(Ending::Done, ""),
        Ok(Err(Error::DecodeFailed(text))) => end(Ending::DecodeFailed, &text),
        Ok(Err(Error::Internal(text))) => end(Ending::Internal, &text),
        Ok(Err(error)) => end(Ending::Internal, &error.to_string()),
        Err(_) => end(Ending::Internal, "the decoder panicked"),
    }
}

/// What a child knows of the one that made it.
struct Parent<'a> {
    pid: libc::pid_t,
    /// The end of a pipe of which it watches the other one.
    alive: &'a OwnedFd,
}

/// Where this process says how it ended; null in all that are no such child.
static HEAD_OF_CHILD: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// Ends this process, if it is such a child, for a panic at that place: the log that it could be written
/// to is closed, and what would be unwound is of no more use.
pub(super) fn end_by_panic(place: Option<&Location<'_>>) {
    if !HEAD_OF_CHILD.load(Ordering::Relaxed).is_null() {
        match place {
            Some(place) => {
                end(Ending::Internal, &format!("at {}:{}", place.file(), place.line()));
            }
            None => end(Ending::Internal, "somewhere"),
        }
    }
}

/// Says how it went, and ends this process.
fn end(ending: Ending, text: &str) -> ! {
    let head = HEAD_OF_CHILD.load(Ordering::Relaxed);
    let len = text.len().min(HEAD - 2);
    // SAFETY: the head of the shared pages, which has room for that, and which nobody else uses here.
    // It ends by zero, as it was. Nothing of the process runs after it.
    unsafe {
        head.add(1).copy_from_nonoverlapping(text.as_ptr(), len);
        head.write(ending as u8);
        libc::_exit(0)
    }
}

/// Pages that this process and its children see alike, all zero at first.
struct SharedPages {
    start: *mut u8,
    len: usize,
}

impl SharedPages {
    fn new(len: usize) -> Result<SharedPages, Error> {
        // SAFETY: a new mapping, at an address that the system chooses.
        let start = unsafe {
            libc::mmap(
                null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(failed("no memory that is shared with the decoder"));
        }
        Ok(SharedPages { start: start.cast(), len })
    }

    /// How it ended, and the pixels. Nobody else has them: the child has but what it is called with,
    /// and its parent looks at nothing before the child is gone.
    fn parts(&mut self) -> (&mut [u8], &mut [u8]) {
        // SAFETY: the mapping is of that length and lives as long as this.
        let all = unsafe { std::slice::from_raw_parts_mut(self.start, self.len) };
        all.split_at_mut(HEAD.min(self.len))
    }
}

impl Drop for SharedPages {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's alone.
        unsafe { libc::munmap(self.start.cast(), self.len) };
    }
}

/// A child that was not waited for, and is ended with this.
struct Child(libc::pid_t);

impl Child {
    /// Waits until it is gone; returns how it ended.
    fn wait(self) -> libc::c_int {
        let ended = self.reap();
        std::mem::forget(self);
        ended
    }

    fn reap(&self) -> libc::c_int {
        let mut ended = 0;
        loop {
            // SAFETY: a child of ours, of which nobody else knows, so that it is there until here.
            let found = unsafe { libc::waitpid(self.0, &raw mut ended, libc::__WALL) };
            if found == self.0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return ended;
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        self.reap();
    }
}

/// Makes a child process; 0 in the child, less on failure.
///
/// Unlike that of fork its end sends no signal, and only who asks for it by its number waits for it:
/// nginx takes every child that it hears of for one of its own, and tells of its end.
///
/// # Safety
/// Of the threads the child has but this one: it must use nothing that another one may have locked, the
/// system's allocator included, and must not return.
unsafe fn fork_unseen() -> libc::pid_t {
    const NONE: libc::c_long = 0;
    // SAFETY: without a stack and without flags the call does what fork does, whatever the order of
    // its arguments is on this machine.
    unsafe { libc::syscall(libc::SYS_clone, NONE, NONE, NONE, NONE, NONE) as libc::pid_t }
}

/// A pipe: its end to read from, and the one that a child keeps open as long as it lives.
fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: there is room for two.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(failed("no pipe to the decoder"));
    }
    let [read, write] = ends;
    // SAFETY: both were opened just now.
    Ok(unsafe { (OwnedFd::from_raw_fd(read), OwnedFd::from_raw_fd(write)) })
}

/// Waits a moment; whether nobody has the other end any more.
fn is_closed(end: &OwnedFd) -> bool {
    let mut polled = libc::pollfd { fd: end.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, which is open.
    unsafe { libc::poll(&raw mut polled, 1, TICK_MILLISECONDS) > 0 }
}

/// Closes what is open, but for the first three and that one.
fn close_all_but(kept: RawFd) {
    // SAFETY: descriptors of this process, which uses none but that one, and that only by its end.
    unsafe {
        let close = |from: libc::c_long, to: libc::c_long| {
            from > to || libc::syscall(libc::SYS_close_range, from, to, 0 as libc::c_long) == 0
        };
        let kept = libc::c_long::from(kept);
        if close(3, kept - 1) && close(kept + 1, libc::c_long::from(libc::c_int::MAX)) {
            return;
        }
        // Before Linux 5.9.
        let most = libc::sysconf(libc::_SC_OPEN_MAX).clamp(3, 1 << 16);
        for other in (3..most).filter(|&other| other != kept) {
            libc::close(other as libc::c_int);
        }
    }
}

fn failed(what: &str) -> Error {
    Error::Internal(format!("{what}: {}", io::Error::last_os_error()))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const SIZE: WorkSize = WorkSize { pixels: 10_000, memory: 64 << 20 };

    fn run(control: &Control, fill: &mut FillPixels<'_>) -> Result<Vec<u8>, Error> {
        let mut taken = Vec::new();
        ChildProcess.run(SIZE, &[], control, fill, &mut |pixels| {
            taken.extend_from_slice(pixels);
            Ok(())
        })?;
        Ok(taken)
    }

    #[test]
    fn what_is_filled_in_comes_back() {
        let mut lost = 0;
        let filled = run(&Control::default(), &mut |pixels| {
            lost += 1;
            // Blocks of many sizes, again and again.
            let mut blocks: Vec<Vec<u8>> = Vec::new();
            for round in 1..2000_usize {
                blocks.push(vec![round as u8; round * 37 % 50_000]);
                assert!(blocks.iter().step_by(7).all(|block| {
                    block.first().is_none_or(|first| block.last() == Some(first))
                }));
                if round % 3 == 0 {
                    blocks.swap_remove(round % blocks.len());
                }
                if blocks.len() > 100 {
                    blocks.clear();
                }
                let zeros = vec![0_u8; (1 << 20) + round];
                assert!(zeros.iter().step_by(4096).all(|&byte| byte == 0));
            }
            pixels.fill(7);
            Ok(())
        });
        assert_eq!(filled, Ok(vec![7; 10_000]));
        assert_eq!(lost, 0);
    }

    #[test]
    fn errors_come_back() {
        let error = Error::DecodeFailed("a hole".to_owned());
        assert_eq!(run(&Control::default(), &mut |_| Err(error.clone())), Err(error));
    }

    #[test]
    fn a_panic_is_an_error() {
        let result = run(&Control::default(), &mut |_| {
            std::panic::set_hook(Box::new(|_| ()));
            panic!("on purpose")
        });
        assert_eq!(result, Err(Error::Internal("the decoder panicked".to_owned())));
    }

    #[test]
    fn it_ends_where_it_does_not_ask() {
        let start = Instant::now();
        let control = Control::new(Some(start + Duration::from_millis(100)));
        let result = run(&control, &mut |_| {
            loop {
                std::hint::spin_loop();
            }
        });
        assert_eq!(result, Err(Error::Timeout));
        // Generous: what it would take is for ever.
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn it_may_see_itself_that_the_time_is_over() {
        for _ in 0..20 {
            let deadline = Instant::now() + Duration::from_millis(5);
            let control = Control::new(Some(deadline));
            let result = run(&control, &mut |_| {
                loop {
                    control.check()?;
                }
            });
            assert_eq!(result, Err(Error::Timeout));
        }
    }

    #[test]
    fn a_large_source_is_there() {
        withhold_large_blocks();
        let mut source = vec![1_u8; 30 << 20];
        source[20 << 20..].fill(2);
        for part in [&source[..], &source[(10 << 20) + 5..(25 << 20) + 7]] {
            let mut sum = 0;
            let take = &mut |pixels: &[u8]| {
                sum = pixels.iter().take(8).rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
                Ok(())
            };
            let fill = &mut |pixels: &mut [u8]| {
                let sum = part.iter().map(|&byte| u64::from(byte)).sum::<u64>();
                pixels[..8].copy_from_slice(&sum.to_le_bytes());
                Ok(())
            };
            ChildProcess.run(SIZE, part, &Control::default(), fill, take).unwrap();
            assert_eq!(sum, part.iter().map(|&byte| u64::from(byte)).sum::<u64>());
        }
        // What is freed is had again, and what grows keeps what it has.
        let mut grown = source.clone();
        drop(source);
        grown.resize(60 << 20, 3);
        grown.shrink_to(35 << 20);
        assert_eq!((grown[0], grown[25 << 20], grown[50 << 20]), (1, 2, 3));
        let filled = run(&Control::default(), &mut |pixels| {
            pixels.fill(9);
            Ok(())
        });
        assert_eq!(filled.map(|pixels| pixels[0]), Ok(9));
    }

    #[test]
    fn more_memory_than_was_said() {
        let result = run(&Control::default(), &mut |_| {
            let held: Vec<Vec<u8>> = (0..100).map(|_| vec![1; 1 << 20]).collect();
            Err(Error::Internal(format!("{} MB", held.len())))
        });
        assert!(matches!(result, Err(Error::TooManyPixels(_))), "{result:?}");
    }

    #[test]
    fn whatever_other_threads_have_locked() {
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        drop(vec![1_u8; 100_000]);
                    }
                });
            }
            for _ in 0..200 {
                let control = Control::new(Some(Instant::now() + Duration::from_secs(20)));
                let filled = run(&control, &mut |pixels| {
                    let made: Vec<String> = (0..50).map(|number| number.to_string()).collect();
                    pixels.fill(made.len() as u8);
                    Ok(())
                });
                assert_eq!(filled.map(|pixels| pixels[9]), Ok(50));
            }
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
