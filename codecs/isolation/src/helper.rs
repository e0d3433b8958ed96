//! The process that makes the others.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use image_gate_core::image::{
    Control, Error, ExchangePixels, FillPictures, FillPixels, IsolatedPictures, Isolation,
    TakePixels, WorkSize,
};

use crate::channel::{self, Fill, Heard, Received, Task};
use crate::shared::Shared;
use crate::turn::Turn;
use crate::{child, ending, process};

/// How often it is asked whether the work goes on.
const TICK_MILLISECONDS: u16 = 10;

/// How often a task is handed over that no child begins.
const TRIES: u32 = 3;

/// How long a child that was told to end is waited for.
const END_MILLISECONDS: u16 = 500;

/// Processes in which work can be [done](Isolation::run), each for one piece of it.
///
/// A helper, which is a copy of this process while it was small, makes them. It does nothing else, and sends this process
/// no signals. Another copy watches it, and puts another helper in its place if somebody ends it: this process, which may
/// be large by then and have threads, is never copied again. All last as long as this process. A child lasts as long as
/// somebody waits for it: it has one end of a socket, and is ended by anything that comes from the other one, if that is
/// closed by the death of this process.
#[derive(Debug)]
pub struct Processes {
    watch: Mutex<Option<Watch>>,
    /// Called in the processes that last, when they begin.
    begun: fn(),
}

impl Processes {
    /// None yet. `begun` is called in a process that begins, and may use no memory.
    #[must_use]
    pub const fn new(begun: fn()) -> Processes {
        Processes { watch: Mutex::new(None), begun }
    }

    /// Starts the helper, if none was started: the less memory this process has by then, the quicker children are made.
    /// No other thread may be at work yet: whatever it has locked, such as the allocator of C, stays locked in all of them.
    ///
    /// # Errors
    /// The system has no process, or no socket.
    pub fn start(&self) -> io::Result<()> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.is_none() {
            *watch = Some(Watch::start(self.begun)?);
        }
        Ok(())
    }

    /// Ends the helper, so that it is not left to whoever takes orphans over.
    pub fn stop(&self) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Has a child do a task; returns a socket whose other end that has.
    fn hand_over(&self, task: &Task, memory: &OwnedFd) -> io::Result<OwnedFd> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let watch = watch.as_ref().ok_or_else(|| io::Error::other("none was started"))?;
        let (end, alive) = channel::pair(libc::SOCK_STREAM)?;
        channel::send(&watch.link, task, memory.as_raw_fd(), alive.as_raw_fd())?;
        Ok(end)
    }
}

impl Isolation for Processes {
    fn run(
        &self,
        size: WorkSize,
        source: &[&[u8]],
        control: &Control,
        fill: FillPixels,
        take: &mut TakePixels<'_>,
    ) -> Result<(), Error> {
        let (mut shared, memory) = Shared::new(size.pixels, source)?;
        until_begun(control, || {
            let end = match self.hand_over(&task(Fill::Once(fill), size, source, control), &memory)
            {
                Ok(end) => end,
                Err(error) => return Ok(Attempt::NoProcess(error)),
            };
            let ended = wait(&end, control)?;
            Ok(Attempt::of(ending::has_begun(shared.parts().0), ended, ()))
        })?;
        let (head, pixels, _) = shared.parts();
        if let Err(error) = ending::said(head, size.memory) {
            // The child may have seen before us that the time is over.
            return Err(control.check().err().unwrap_or(error));
        }
        take(pixels)
    }

    fn begin<'a>(
        &'a self,
        size: WorkSize,
        source: &[&[u8]],
        control: &Control,
        fill: FillPictures,
    ) -> Result<Box<dyn IsolatedPictures + 'a>, Error> {
        until_begun(control, || {
            let (shared, memory) = Shared::new(size.pixels, source)?;
            let end =
                match self.hand_over(&task(Fill::Pictures(fill), size, source, control), &memory) {
                    Ok(end) => end,
                    Err(error) => return Ok(Attempt::NoProcess(error)),
                };
            let mut pictures = Pictures { shared, end, memory: size.memory, is_first: true };
            let shown = pictures.wait(control)?;
            let has_begun = ending::has_begun(pictures.shared.parts().0);
            // What there is, or why there is nothing, is told when it is asked for.
            Ok(Attempt::of(has_begun, shown.map(drop), Box::new(pictures) as Box<_>))
        })
    }
}

/// What came of handing a task over.
enum Attempt<T> {
    /// There is a child, or was one.
    Begun(T),
    /// A helper that was ended may have had the task already, and made none.
    Lost(T),
    NoProcess(io::Error),
}

impl<T> Attempt<T> {
    fn of(has_begun: bool, ended: io::Result<()>, done: T) -> Attempt<T> {
        match ended {
            // Whatever was said then is no word of the helper's.
            _ if has_begun => Attempt::Begun(done),
            Ok(()) => Attempt::Lost(done),
            Err(error) => Attempt::NoProcess(error),
        }
    }
}

/// Hands a task over until a child begins it, or has had the chance to often enough, as long as there is time.
fn until_begun<T>(
    control: &Control,
    mut hand_over: impl FnMut() -> Result<Attempt<T>, Error>,
) -> Result<T, Error> {
    let mut tries = 1;
    loop {
        match hand_over()? {
            Attempt::Begun(done) => return Ok(done),
            Attempt::Lost(done) if tries >= TRIES => return Ok(done),
            Attempt::Lost(_) => tries += 1,
            Attempt::NoProcess(error) => no_process(&error)?,
        }
        // There may be room for one before the time is over.
        std::thread::sleep(Duration::from_millis(TICK_MILLISECONDS.into()));
        control.check()?;
    }
}

/// A task for a child that begins now.
fn task(fill: Fill, size: WorkSize, source: &[&[u8]], control: &Control) -> Task {
    Task {
        fill,
        source: source.iter().map(|part| part.len()).sum(),
        pixels: size.pixels,
        memory: usize::try_from(size.memory).unwrap_or(usize::MAX),
        foreign: size.foreign,
        time: control.remaining(),
    }
}

/// Pictures that a child makes.
struct Pictures {
    shared: Shared,
    end: OwnedFd,
    /// Bytes of memory that it may hold.
    memory: u64,
    /// Whether none was taken yet.
    is_first: bool,
}

impl Pictures {
    fn turn(&self) -> Turn<'_> {
        // SAFETY: the mapping lives as long as this.
        unsafe { Turn::of(self.shared.head()) }
    }

    /// Waits for the next picture, or the end; or to be told why there is no child.
    fn wait(&self, control: &Control) -> Result<io::Result<Option<u32>>, Error> {
        let tick = Duration::from_millis(TICK_MILLISECONDS.into());
        loop {
            if let Some(number) = self.turn().picture(tick) {
                return Ok(Ok(Some(number)));
            }
            match channel::hear(&self.end, 0) {
                // It may have shown one just before.
                Heard::End => return Ok(Ok(self.turn().picture(Duration::ZERO))),
                Heard::NoProcess(error) => return Ok(Err(error)),
                Heard::Nothing => {}
            }
            control.check()?;
        }
    }
}

impl IsolatedPictures for Pictures {
    fn next(
        &mut self,
        control: &Control,
        take: &mut ExchangePixels<'_>,
    ) -> Result<Option<u32>, Error> {
        if !std::mem::replace(&mut self.is_first, false) {
            self.turn().go_on();
        }
        let Ok(Some(number)) = self.wait(control)? else {
            let said = ending::said(self.shared.parts().0, self.memory);
            // The child may have seen before us that the time is over.
            return said.map(|()| None).map_err(|error| control.check().err().unwrap_or(error));
        };
        take(self.shared.parts().1)?;
        Ok(Some(number))
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        // What it has is free before others count on it.
        channel::say(&self.end, 0);
        channel::hear(&self.end, END_MILLISECONDS.into());
    }
}

/// Fails unless there may be a process a little later, of what made that there is none.
fn no_process(error: &io::Error) -> Result<(), Error> {
    const PASSING: [libc::c_int; 4] = [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE];
    match error.raw_os_error() {
        Some(number) if PASSING.contains(&number) => Ok(()),
        _ => Err(Error::Internal(format!("no process for the codec: {error}"))),
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

/// A process that watches a helper, and ends with this.
#[derive(Debug)]
struct Watch {
    /// The socket that the helper listens to.
    link: OwnedFd,
    pid: libc::pid_t,
}

impl Watch {
    fn start(begun: fn()) -> io::Result<Watch> {
        let (link, theirs) = channel::pair(libc::SOCK_SEQPACKET)?;
        // SAFETY: the child runs `watch` and nothing else. As its end sends no signal, nginx, which takes every child
        // that it hears of for one of its own, does not hear of it.
        match unsafe { process::copy(0) } {
            0 => watch(&theirs, begun),
            pid if pid > 0 => Ok(Watch { link, pid }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Nothing comes from here any more: the helper ends, and who watches it.
        // SAFETY: a socket, and a child that nobody else waits for, so that it is there until here.
        unsafe { libc::shutdown(self.link.as_raw_fd(), libc::SHUT_RDWR) };
        let until = Instant::now() + Duration::from_millis(END_MILLISECONDS.into());
        while !process::has_ended(self.pid) {
            if Instant::now() > until {
                // SAFETY: as above.
                unsafe { libc::kill(self.pid, libc::SIGKILL) };
                process::wait(self.pid);
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Has there be a helper until one ends by itself, as nobody can ask it any more.
fn watch(link: &OwnedFd, begun: fn()) -> ! {
    process::close_all_but(link.as_raw_fd());
    process::forget_signals();
    process::forbid_privileges();
    process::name(c"image codec");
    begun();
    loop {
        // SAFETY: the child runs `serve` and nothing else; this process has no other threads.
        match unsafe { process::copy(0) } {
            0 => serve(link),
            pid if pid > 0 && process::wait(pid) => process::end(0),
            _ if channel::is_closed(link) => process::end(0),
            // It was ended by somebody, or there is none now.
            _ => std::thread::sleep(Duration::from_millis(TICK_MILLISECONDS.into())),
        }
    }
}

/// All that the helper does.
fn serve(link: &OwnedFd) -> ! {
    loop {
        let (task, descriptors) = match channel::receive(link) {
            Received::Task(task, descriptors) => (task, descriptors),
            // The next helper has nothing of what this one may have had too much of.
            Received::Nothing => process::end(1),
            Received::End => process::end(0),
        };
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
}
