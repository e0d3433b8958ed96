//! nginx's thread pools, and threads of our own.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::thread::{Builder, JoinHandle};

use nginx_sys::{NGX_OK, ngx_event_t, ngx_http_request_t, ngx_int_t, ngx_log_t, ngx_str_t};

use super::event::Then;
use super::guard::catch;
use super::{Parser, Reported, Request, pool, shim, worker};

/// Whether the nginx that we run in has thread pools.
pub fn available() -> bool {
    // SAFETY: asks which symbols the linker found; touches nothing.
    unsafe { shim::ig_threads_available() != 0 }
}

/// A thread pool of the configuration.
#[derive(Clone, Copy)]
pub struct ThreadPool(NonNull<shim::RawThreadPool>);

impl ThreadPool {
    /// The pool called `name`, or `default`, while directives are read: it may be defined further
    /// below, and nginx reports one that is nowhere defined. `None` when there is no memory.
    pub fn add(parser: Parser<'_>, name: Option<&[u8]>) -> Option<ThreadPool> {
        let mut name = match name {
            Some(name) => Some(pool::copy(parser.pool(), name)?),
            None => None,
        };
        let name = name.as_mut().map_or(std::ptr::null_mut(), |name| name as *mut ngx_str_t);
        // SAFETY: nginx copies the name's pointer, which is in the configuration's pool.
        NonNull::new(unsafe { shim::ig_thread_pool_add(parser.as_ptr(), name) }).map(ThreadPool)
    }

    /// The same while configurations are merged, which may be after nginx has set the pools up.
    ///
    /// # Errors
    /// What is wrong was reported.
    pub fn add_late(parser: Parser<'_>, name: Option<&[u8]>) -> Result<ThreadPool, Reported> {
        let pool = ThreadPool::add(parser, name).ok_or(Reported)?;
        // SAFETY: this nginx has thread pools, as it gave one; their configuration is live.
        let rc = unsafe { shim::ig_thread_pools_set_up(parser.as_ptr()) };
        if rc == NGX_OK as ngx_int_t { Ok(pool) } else { Err(Reported) }
    }

    /// The pool for answers that take a while to be made, where nginx has threads.
    ///
    /// # Errors
    /// What is wrong was reported.
    pub fn of_answers(parser: Parser<'_>) -> Result<Option<ThreadPool>, Reported> {
        match available() {
            true => ThreadPool::add(parser, None).map(Some).ok_or(Reported),
            false => Ok(None),
        }
    }
}

/// Work that a thread does for a request.
pub trait Work: Send + 'static {
    /// What comes of it.
    type Output: Send + 'static;

    /// Does it. Files of the request are open meanwhile.
    fn run(self) -> Self::Output;
}

/// What the event loop does with what came of [`Work`].
pub trait OnComplete<W: Work>: 'static {
    /// Takes it; `None` where the work panicked.
    fn handle(request: Request<'_>, output: Option<W::Output>) -> Then;

    /// What becomes of the request where that panics.
    fn panicked(request: Request<'_>) -> Then;
}

/// Work in the hands of a thread.
struct ThreadJob<W: Work> {
    request: *mut ngx_http_request_t,
    work: Option<W>,
    output: Option<W::Output>,
}

impl Request<'_> {
    /// Has a thread do work, after which the event loop gets what came of it. The request lives at
    /// least until then.
    ///
    /// # Errors
    /// The work, where there is no room for it.
    pub fn offload<W: Work, C: OnComplete<W>>(self, pool: ThreadPool, work: W) -> Result<(), W> {
        let slot = ThreadJob { request: self.as_ptr(), work: Some(work), output: None };
        let slot = Box::into_raw(Box::new(slot));
        // Keeps the request, and so its pool with the task in it, until the completion event.
        self.block(true);
        // SAFETY: pool and log are of a live request; nginx answers null when it has no memory. The
        // task is new, `run` gets the slot that it wants, and the thread pool is of the running
        // configuration.
        let is_posted = unsafe {
            let complete = on_complete::<W, C>;
            let task = shim::ig_thread_task_create(self.pool(), complete, slot.cast(), self.log());
            let post = || shim::ig_thread_task_post(pool.0.as_ptr(), task, run::<W>, slot.cast());
            !task.is_null() && post() == NGX_OK as ngx_int_t
        };
        if is_posted {
            return Ok(());
        }
        self.block(false);
        // SAFETY: leaked above, and no thread got it.
        let slot = unsafe { Box::from_raw(slot) };
        slot.work.map_or(Ok(()), Err)
    }
}

/// Runs on a thread.
unsafe extern "C" fn run<W: Work>(slot: *mut c_void, _: *mut ngx_log_t) {
    // SAFETY: what was posted, which nobody else uses until the completion event.
    let slot = unsafe { &mut *slot.cast::<ThreadJob<W>>() };
    let work = slot.work.take();
    slot.output = catch(|| work.map(W::run)).flatten();
}

/// The thread is done.
unsafe extern "C" fn on_complete<W: Work, C: OnComplete<W>>(event: *mut ngx_event_t) {
    // SAFETY: the event's data is what was posted, which the thread is done with.
    let slot = unsafe { Box::from_raw((*event).data.cast::<ThreadJob<W>>()) };
    // SAFETY: its `blocked` count has kept the request alive.
    let Some(request) = (unsafe { Request::new(slot.request) }) else { return };
    request.block(false);
    let output = slot.output;
    super::event::handle(request, |request| C::handle(request, output), C::panicked);
}

/// Frees something large on a thread of its own, as that takes longer than an event loop that answers
/// requests has. Without a thread it is freed here, and so it is where there are no requests.
pub fn free(large: impl Send + 'static) {
    if worker::is_worker() {
        drop(spawn("free", move || drop(large)));
    }
}

/// Starts a thread that gets none of the process' signals: they are for nginx's event loop.
///
/// Only a worker may have one: a fork takes no thread along. One that uses something of the
/// configuration has to be joined in `exit_process`, as that goes with it.
///
/// # Errors
/// Those of the system.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are initialized before they are read, by calls that can't fail with valid
    // arguments. A new thread inherits the mask of the one that makes it.
    unsafe {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let thread = Builder::new().name(name.to_owned()).spawn(body);
    // SAFETY: as above; this is what the mask was.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    thread
}
