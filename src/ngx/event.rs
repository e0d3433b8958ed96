//! Events of our own on nginx's event loop, and what becomes of a request when one was handled.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::marker::PhantomData;

use nginx_sys::{ngx_connection_t, ngx_cycle, ngx_event_t, ngx_int_t, ngx_log_t, ngx_msec_t};

use super::guard::guard;
use super::{ERROR, NoMemory, Request, shim};

/// What nginx is to do with a request once something of ours was handled. It is done last of all,
/// with nothing of ours left to run, as the request may be gone afterwards.
pub enum Then {
    /// Nothing: another event comes.
    Wait,
    /// To go on with it.
    Resume,
    /// To answer with that status, through `error_page`.
    Finalize(u32),
    /// To end what a content handler began with that outcome.
    Finish(ngx_int_t),
    /// To give up a request that was [retained](Request::retain).
    GiveUp,
    /// To go on at that URI, or in that named location.
    Redirect(Vec<u8>),
}

/// Handles something of a request: what panics meanwhile is answered by `panicked`, and leaves
/// nothing that waits.
pub(super) fn handle<'r>(
    request: Request<'r>,
    body: impl FnOnce(Request<'r>) -> Then,
    panicked: fn(Request<'r>) -> Then,
) {
    let then = guard(request.log(), None, || {
        request.select_log();
        Some(body(request))
    });
    let then = then.unwrap_or_else(|| guard(request.log(), Then::Wait, || panicked(request)));
    guard(request.log(), (), || match then {
        Then::Wait => (),
        Then::Resume => request.resume(),
        Then::Finalize(status) => request.finalize(ngx_int_t::try_from(status).unwrap_or(ERROR)),
        Then::Finish(code) => request.finalize(code),
        Then::GiveUp => request.give_up(),
        Then::Redirect(target) => request.finalize(redirect(request, &target)),
    });
}

/// Goes on at a URI or in a named location. Returns what the content handler would.
fn redirect(request: Request<'_>, target: &[u8]) -> ngx_int_t {
    if target.starts_with(b"@") {
        return request.named_location(target);
    }
    let end = target.iter().position(|&byte| byte == b'?').unwrap_or(target.len());
    let (uri, args) = target.split_at(end);
    request.internal_redirect(uri, args.strip_prefix(b"?").unwrap_or_default())
}

/// What an event of a request does.
pub trait OnEvent: 'static {
    /// Handles it.
    fn handle(request: Request<'_>) -> Then;

    /// What becomes of the request where that panics.
    fn panicked(request: Request<'_>) -> Then;
}

/// An event of a request, posted to the loop or on a timer. It goes with the request.
pub struct Event<H> {
    event: UnsafeCell<ngx_event_t>,
    handler: PhantomData<H>,
}

impl<'r> Request<'r> {
    /// The request's event of that kind.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn event<H: OnEvent>(self) -> Result<&'r Event<H>, NoMemory> {
        if let Some(event) = self.known_event::<H>() {
            return Ok(event);
        }
        // nginx reads the data as a connection when it logs the event for debugging: a request is
        // at least as large, with its first words readable.
        let event = raw_event(on_event::<H>, self.as_ptr().cast(), self.log());
        let event = Event { event: UnsafeCell::new(event), handler: PhantomData };
        self.attach_own(event).ok_or(NoMemory)
    }

    /// The same, if there was one before.
    pub fn known_event<H: OnEvent>(self) -> Option<&'r Event<H>> {
        self.own()
    }
}

fn raw_event(
    handler: unsafe extern "C" fn(*mut ngx_event_t),
    data: *mut c_void,
    log: *mut ngx_log_t,
) -> ngx_event_t {
    // SAFETY: an event of all zeroes is how nginx itself makes one.
    let mut event: ngx_event_t = unsafe { std::mem::zeroed() };
    event.handler = Some(handler);
    event.data = data;
    event.log = log;
    event
}

unsafe extern "C" fn on_event<H: OnEvent>(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request, with which it goes.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    handle(request, H::handle, H::panicked);
}

impl<H> Event<H> {
    /// Runs the handler later in this turn of the loop, with nothing of nginx on the stack.
    pub fn post(&self) {
        // SAFETY: the event is initialized, stays where it is in the request's pool, and is used
        // on the event loop only.
        unsafe { shim::ig_event_post(self.event.get()) }
    }

    /// Runs the handler after `delay` milliseconds, and not when it was to run before.
    pub fn start_timer(&self, delay: ngx_msec_t) {
        self.stop_timer();
        // SAFETY: as in `post`.
        unsafe { shim::ig_event_add_timer(self.event.get(), delay) }
    }

    /// Stops the timer if it runs.
    pub fn stop_timer(&self) {
        // SAFETY: as in `post`; the flag says that the event is in nginx's tree.
        unsafe { stop_timer(self.event.get()) }
    }
}

/// # Safety
/// The event is initialized, and used on the event loop only.
unsafe fn stop_timer(event: *mut ngx_event_t) {
    // SAFETY: the caller's promise; the flag says that the event is in nginx's tree.
    unsafe {
        if shim::ig_event_timer_set(event) != 0 {
            shim::ig_event_del_timer(event);
        }
        shim::ig_event_set_timedout(event, 0);
    }
}

impl<H> Drop for Event<H> {
    fn drop(&mut self) {
        self.stop_timer();
        // SAFETY: as in `post`; the flag says that the event is in nginx's queue.
        unsafe {
            if shim::ig_event_posted(self.event.get()) != 0 {
                shim::ig_event_unpost(self.event.get());
            }
        }
    }
}

/// A timer of the process, for as long as there is one. It keeps no worker from leaving.
pub struct ProcessTimer(&'static UnsafeCell<ngx_event_t>);

/// What such a timer does.
pub trait OnProcessTimer: 'static {
    /// Does it.
    fn expired();
}

impl ProcessTimer {
    /// A timer that rings `H`.
    pub fn new<H: OnProcessTimer>() -> ProcessTimer {
        // SAFETY: a connection of all zeroes but for its socket is how nginx itself makes one for
        // events that have none.
        let mut nobody: Box<ngx_connection_t> = Box::new(unsafe { std::mem::zeroed() });
        nobody.fd = -1;
        let data = Box::into_raw(nobody).cast();
        let event = raw_event(on_process_timer::<H>, data, std::ptr::null_mut());
        let event = Box::leak(Box::new(UnsafeCell::new(event)));
        // SAFETY: the event is initialized and in no tree yet.
        unsafe { shim::ig_event_set_cancelable(event.get(), 1) };
        ProcessTimer(event)
    }

    /// Rings after `delay` milliseconds, also where it was to ring before.
    pub fn set(&self, delay: ngx_msec_t) {
        // SAFETY: the cycle is set before any process of nginx runs, and its log is there as long
        // as it is; the event is used on the event loop only.
        unsafe {
            (*self.0.get()).log = (*ngx_cycle).log;
            shim::ig_event_add_timer(self.0.get(), delay);
        }
    }
}

unsafe extern "C" fn on_process_timer<H: OnProcessTimer>(event: *mut ngx_event_t) {
    // SAFETY: nginx passes the event, and its log is the cycle's.
    guard(unsafe { (*event).log }, (), H::expired);
}
