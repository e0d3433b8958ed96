//! The process that makes the others.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use image_gate_core::image::{Control, Error, FillPixels, Isolation, TakePixels, WorkSize};

use crate::channel::{self, Heard, Task};
use crate::shared::Shared;
use crate::{child, ending, process};

/// How often it is asked whether the work goes on.
const TICK_MILLISECONDS: u16 = 10;

/// How long a child that was told to end is waited for.
const END_MILLISECONDS: u16 = 500;

/// Processes in which work can be [done](Isolation::run), each for one piece of it.
///
/// A helper, which is a copy of this process, makes them. It does nothing else, lasts as long as this process, and sends
/// it no signals. A child lasts as long as somebody waits for it: it has one end of a socket, and is ended by anything
/// that comes from the other one, if that is closed by the death of this process.
#[derive(Debug)]
pub struct Processes {
    helper: Mutex<Option<Helper>>,
    /// Called in a helper that begins.
    begun: fn(),
}

impl Processes {
    /// None yet. `begun` is called in each helper when it begins, and may use no memory.
    #[must_use]
    pub const fn new(begun: fn()) -> Processes {
        Processes { helper: Mutex::new(None), begun }
    }

    /// Starts the helper, if there is none: the less memory this process has by then, the quicker children are made.
    /// Without that the first work starts it.
    ///
    /// # Errors
    /// The system has no process, or no socket.
    pub fn start(&self) -> io::Result<()> {
        let mut helper = self.helper.lock().unwrap_or_else(PoisonError::into_inner);
        if helper.is_none() {
            *helper = Some(Helper::start(self.begun)?);
        }
        Ok(())
    }

    /// Ends the helper, so that it is not left to whoever takes orphans over. Work that comes later starts another one.
    pub fn stop(&self) {
        *self.helper.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Has a child do a task; returns a socket whose other end that has.
    fn hand_over(&self, task: &Task, memory: &OwnedFd) -> io::Result<OwnedFd> {
        let mut helper = self.helper.lock().unwrap_or_else(PoisonError::into_inner);
        let (end, alive) = channel::pair(libc::SOCK_STREAM)?;
        let send = |helper: &Helper| {
            channel::send(&helper.link, task, memory.as_raw_fd(), alive.as_raw_fd())
        };
        if let Some(helper) = &*helper
            && send(helper).is_ok()
        {
            return Ok(end);
        }
        // There is none, or none any more.
        *helper = None;
        send(helper.insert(Helper::start(self.begun)?))?;
        Ok(end)
    }
}

impl Isolation for Processes {
    fn run(
        &self,
        size: WorkSize,
        source: &[u8],
        control: &Control,
        fill: FillPixels,
        take: &mut TakePixels<'_>,
    ) -> Result<(), Error> {
        let (mut shared, memory) = Shared::new(size.pixels, source)?;
        loop {
            let task = Task {
                fill,
                source: source.len(),
                pixels: size.pixels,
                memory: usize::try_from(size.memory).unwrap_or(usize::MAX),
                foreign: size.foreign,
                time: control.remaining(),
            };
            match self.hand_over(&task, &memory) {
                Ok(end) => match wait(&end, control)? {
                    Ok(()) => break,
                    Err(error) => no_process(&error)?,
                },
                Err(error) => no_process(&error)?,
            }
            // There may be room for one before the time is over.
            std::thread::sleep(Duration::from_millis(TICK_MILLISECONDS.into()));
            control.check()?;
        }
        let (head, pixels, _) = shared.parts();
        if let Err(error) = ending::said(head, size.memory) {
            // The child may have seen before us that the time is over.
            return Err(control.check().err().unwrap_or(error));
        }
        take(pixels)
    }
}

/// Fails unless there may be a process a little later, of what made that there is none.
fn no_process(error: &io::Error) -> Result<(), Error> {
    const PASSING: [libc::c_int; 4] = [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE];
    match error.raw_os_error() {
        Some(number) if PASSING.contains(&number) => Ok(()),
        _ => Err(Error::Internal(format!("no process for the decoder: {error}"))),
    }
}

/// Waits for a child's end, or to be told why there is none.
fn wait(end: &OwnedFd, control: &Control) -> Result<io::Result<()>, Error> {
    loop {
        match channel::hear(end, TICK_MILLISECONDS.into()) {
            Heard::End => return Ok(Ok(())),
            Heard::NoProcess(error) => return Ok(Err(error)),
            Heard::Nothing => {}
        }
        if let Err(error) = control.check() {
            // What it has is free before others count on it.
            channel::say(end, 0);
            channel::hear(end, END_MILLISECONDS.into());
            return Err(error);
        }
    }
}

/// A helper that runs, and ends with this.
#[derive(Debug)]
struct Helper {
    /// The socket that it listens to.
    link: OwnedFd,
    pid: libc::pid_t,
}

impl Helper {
    fn start(begun: fn()) -> io::Result<Helper> {
        let (link, theirs) = channel::pair(libc::SOCK_SEQPACKET)?;
        // SAFETY: the child runs `serve` and nothing else. As its end sends no signal, nginx, which takes every child
        // that it hears of for one of its own, does not hear of it.
        match unsafe { process::copy(0) } {
            0 => serve(&theirs, begun),
            pid if pid > 0 => Ok(Helper { link, pid }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // SAFETY: a child that nobody else waits for, so that it is there until here.
        unsafe {
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, std::ptr::null_mut(), libc::__WALL);
        }
    }
}

/// All that the helper does. It takes no memory: another thread may have been at that when it was made.
fn serve(link: &OwnedFd, begun: fn()) -> ! {
    process::close_all_but(link.as_raw_fd());
    process::forget_signals();
    process::name(c"image decoder");
    begun();
    while let Some((task, descriptors)) = channel::receive(link) {
        // Of its end nobody is told: children that are not asked for go by themselves where the signal is ignored.
        // SAFETY: the child runs `work` and nothing else; this process has no other threads.
        match unsafe { process::copy(libc::SIGCHLD) } {
            0 => {
                // SAFETY: a descriptor of the child's own, which it uses no more.
                unsafe { libc::close(link.as_raw_fd()) };
                child::work(&task, descriptors)
            }
            pid if pid > 0 => {}
            _ => channel::say(&descriptors.alive, process::error_number()),
        }
    }
    process::end(0)
}
