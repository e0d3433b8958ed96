//! nginx's thread pools, and threads of our own.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::thread::{Builder, JoinHandle};

use nginx_sys::{NGX_OK, ngx_conf_t, ngx_event_t, ngx_int_t, ngx_log_t, ngx_pool_t, ngx_str_t};

use super::shim;

/// Whether the nginx that we run in has thread pools.
pub fn available() -> bool {
    // SAFETY: asks which symbols the linker found; touches nothing.
    unsafe { shim::ig_threads_available() != 0 }
}

/// A thread pool of the configuration.
#[derive(Clone, Copy)]
pub struct ThreadPool(NonNull<shim::ThreadPool>);

impl ThreadPool {
    /// The pool called `name`, or `default`; nginx reports a pool that is nowhere defined.
    pub fn add(cf: *mut ngx_conf_t, name: Option<ngx_str_t>) -> Option<ThreadPool> {
        let mut name = name;
        let name = name.as_mut().map_or(std::ptr::null_mut(), |name| name as *mut ngx_str_t);
        // SAFETY: `cf` is the parser's; nginx copies the name's pointer, which is in its pool.
        NonNull::new(unsafe { shim::ig_thread_pool_add(cf, name) }).map(ThreadPool)
    }
}

/// A task whose completion event belongs to one request.
#[derive(Clone, Copy)]
pub struct Task(NonNull<shim::ThreadTask>);

impl Task {
    /// A task in the pool of a request; `complete` gets `data` in its event.
    pub fn new(
        pool: *mut ngx_pool_t,
        complete: unsafe extern "C" fn(*mut ngx_event_t),
        data: *mut c_void,
        log: *mut ngx_log_t,
    ) -> Option<Task> {
        // SAFETY: pool and log are of a live request.
        NonNull::new(unsafe { shim::ig_thread_task_create(pool, complete, data, log) }).map(Task)
    }

    /// Queues `run(ctx)` for a thread. Answers whether the pool took it.
    ///
    /// # Safety
    /// The request's pool lives until the completion event has run (its `blocked` count holds
    /// it), `ctx` is what `run` expects, and the task is not queued already.
    pub unsafe fn post(
        self,
        pool: ThreadPool,
        run: unsafe extern "C" fn(*mut c_void, *mut ngx_log_t),
        ctx: *mut c_void,
    ) -> bool {
        // SAFETY: the caller's promises; the pool is of the running cycle.
        let rc = unsafe { shim::ig_thread_task_post(pool.0.as_ptr(), self.0.as_ptr(), run, ctx) };
        rc == NGX_OK as ngx_int_t
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
