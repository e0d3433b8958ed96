//! Events of our own on nginx's event loop.

use std::cell::UnsafeCell;
use std::ffi::c_void;

use nginx_sys::{ngx_connection_t, ngx_cycle, ngx_event_t, ngx_log_t, ngx_msec_t};

use super::shim;

/// An event that is posted to the loop or runs on a timer.
///
/// Dropping it takes it out of the loop. It must not move while it is armed, so it lives in a
/// [`Pooled`](super::Pooled) value.
pub struct Event(UnsafeCell<ngx_event_t>);

/// What nginx calls when the event is due.
pub type Handler = unsafe extern "C" fn(*mut ngx_event_t);

impl Event {
    /// An event that calls `handler`, which finds `data` in the event.
    ///
    /// Debug builds of nginx read `data` as a connection when they log the event, so it must
    /// point to something at least as large with its first words readable: a request is.
    pub fn new(handler: Handler, data: *mut c_void, log: *mut ngx_log_t) -> Event {
        // SAFETY: an event of all zeroes is how nginx itself makes one.
        let mut event: ngx_event_t = unsafe { std::mem::zeroed() };
        event.handler = Some(handler);
        event.data = data;
        event.log = log;
        Event(UnsafeCell::new(event))
    }

    /// Runs the handler later in this turn of the loop, with nothing of nginx on the stack.
    pub fn post(&self) {
        // SAFETY: the event is initialized, pinned by its pool, and used on the event loop only.
        unsafe { shim::ig_event_post(self.0.get()) }
    }

    /// Runs the handler after `delay` milliseconds.
    pub fn start_timer(&self, delay: ngx_msec_t) {
        // SAFETY: as in `post`.
        unsafe { shim::ig_event_add_timer(self.0.get(), delay) }
    }

    /// Stops the timer if it runs.
    pub fn stop_timer(&self) {
        // SAFETY: as in `post`; the flag says that the event is in nginx's tree.
        unsafe {
            if shim::ig_event_timer_set(self.0.get()) != 0 {
                shim::ig_event_del_timer(self.0.get());
            }
            shim::ig_event_set_timedout(self.0.get(), 0);
        }
    }
}

/// A timer of the process, for as long as there is one. It keeps no worker from leaving.
pub struct Alarm(&'static Event);

impl Alarm {
    /// A timer that calls `handler`, which finds nothing in the event.
    pub fn new(handler: Handler) -> Alarm {
        // SAFETY: a connection of all zeroes but for its socket is how nginx itself makes one for
        // events that have none.
        let mut nobody: Box<ngx_connection_t> = Box::new(unsafe { std::mem::zeroed() });
        nobody.fd = -1;
        let data = Box::into_raw(nobody).cast();
        let event = Box::leak(Box::new(Event::new(handler, data, std::ptr::null_mut())));
        // SAFETY: the event is initialized and in no tree yet.
        unsafe { shim::ig_event_set_cancelable(event.0.get(), 1) };
        Alarm(event)
    }

    /// Runs the handler after `delay` milliseconds, also where it was to run before.
    pub fn set(&self, delay: ngx_msec_t) {
        // SAFETY: the cycle is set before any process of nginx runs, and its log is there as long
        // as it is; the event is used on the event loop only.
        unsafe { (*self.0.0.get()).log = (*ngx_cycle).log };
        self.0.start_timer(delay);
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        self.stop_timer();
        // SAFETY: as in `post`; the flag says that the event is in nginx's queue.
        unsafe {
            if shim::ig_event_posted(self.0.get()) != 0 {
                shim::ig_event_unpost(self.0.get());
            }
        }
    }
}
