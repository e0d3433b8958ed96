//! Answers that a content handler makes in memory, itself or on a thread.

use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

use nginx_sys::{
    NGX_DONE, NGX_ERROR, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_OK, NGX_OK, ngx_event_t,
    ngx_http_discard_request_body, ngx_http_output_filter, ngx_http_request_empty_handler,
    ngx_http_send_header, ngx_int_t, ngx_log_t, ngx_msec_t,
};

use super::event::Event;
use super::guard::{catch, guard};
use super::thread::{Task, ThreadPool};
use super::{Pooled, Request, chain, shim};

impl Request {
    /// Reads a body that nobody wants, so that the connection can be used on. Answers what the
    /// content handler has to return if that is not `NGX_OK`.
    pub fn discard_body(self) -> ngx_int_t {
        // SAFETY: alive, in a content handler.
        unsafe { ngx_http_discard_request_body(self.as_ptr()) }
    }

    /// Sends 200 with `body`, after the headers that were added. Answers what the content handler
    /// returns.
    pub fn send(self, media_type: &'static str, body: Vec<u8>) -> ngx_int_t {
        let Some(body) = Pooled::new(self.pool(), body) else {
            return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        };
        self.set_status(NGX_HTTP_OK);
        self.set_content_type(media_type);
        self.set_content_length(Some(body.len()));
        // SAFETY: alive, and no header was sent yet.
        let rc = unsafe { ngx_http_send_header(self.as_ptr()) };
        if rc == NGX_ERROR as ngx_int_t || rc > NGX_OK as ngx_int_t || self.is_header_only() {
            return rc;
        }
        // SAFETY: the bytes are the request's and stay until its pool is destroyed.
        match unsafe { chain::link(self.pool(), &body, std::ptr::null_mut(), true) } {
            // SAFETY: alive; the chain is the request's.
            Some(link) => unsafe { ngx_http_output_filter(self.as_ptr(), link.as_ptr()) },
            None => NGX_ERROR as ngx_int_t,
        }
    }
}

type Make = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// An answer that is made on a thread.
struct Pending {
    media_type: &'static str,
    /// What makes it, until that has begun.
    make: Mutex<Option<Make>>,
    /// The answer, once it is made.
    made: Mutex<Option<Vec<u8>>>,
    /// Whose timer runs meanwhile: a worker that is to leave stays for nothing else.
    hold: Event,
}

/// How often that timer runs, in milliseconds. It only has to be there.
const HOLD: ngx_msec_t = 60_000;

impl Request {
    /// Sends what `make` makes on a thread. Answers what the content handler returns.
    pub fn answer_from_thread(
        self,
        pool: ThreadPool,
        media_type: &'static str,
        make: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> ngx_int_t {
        let error = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        let make: Make = Box::new(make);
        let hold = Event::new(on_hold, self.as_ptr().cast(), self.log());
        let pending =
            Pending { media_type, make: Mutex::new(Some(make)), made: Mutex::default(), hold };
        let Some(pending) = Pooled::new(self.pool(), pending) else { return error };
        let task = Task::new(self.pool(), on_made, self.as_ptr().cast(), self.log());
        let Some(task) = task else { return error };
        // SAFETY: the pool lives until the task has completed, since the request is blocked until
        // then; `run` gets what it expects, and the task is new.
        if !unsafe { task.post(pool, run, pending.as_ptr().cast()) } {
            return error;
        }
        self.block(true);
        pending.hold.start_timer(HOLD);
        // SAFETY: alive, and on the event loop. What nginx would do on an event meanwhile is to run
        // the phases again; the request is finalized when the answer is there, for which it counts
        // once more.
        unsafe {
            (*self.as_ptr()).write_event_handler = Some(ngx_http_request_empty_handler);
            let main = (*self.as_ptr()).main;
            shim::ig_request_set_count(main, shim::ig_request_count(main) + 1);
        }
        NGX_DONE as ngx_int_t
    }
}

/// Runs on a thread.
unsafe extern "C" fn run(pending: *mut c_void, _: *mut ngx_log_t) {
    // SAFETY: what was posted, which the blocked request keeps alive; both threads only lock it.
    let Some(pending) = (unsafe { pending.cast::<Pending>().as_ref() }) else { return };
    let make = pending.make.lock().unwrap_or_else(PoisonError::into_inner).take();
    let made = make.and_then(catch);
    *pending.made.lock().unwrap_or_else(PoisonError::into_inner) = made;
}

/// It takes long.
unsafe extern "C" fn on_hold(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request, with whose pool the event goes.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    guard(request.log(), (), || {
        if let Some(pending) = Pooled::<Pending>::find(request.pool()) {
            pending.hold.stop_timer();
            pending.hold.start_timer(HOLD);
        }
    });
}

/// The thread is done.
unsafe extern "C" fn on_made(event: *mut ngx_event_t) {
    // SAFETY: the event's data is the request, which its `blocked` count kept alive.
    let Some(request) = (unsafe { Request::new((*event).data.cast()) }) else { return };
    guard(request.log(), (), || {
        request.select_log();
        request.block(false);
        let pending = Pooled::<Pending>::find(request.pool());
        let made = pending.and_then(|pending| {
            pending.hold.stop_timer();
            let made = pending.made.lock().unwrap_or_else(PoisonError::into_inner).take();
            Some((pending.media_type, made?))
        });
        let rc = match made {
            _ if request.is_dead() => NGX_ERROR as ngx_int_t,
            Some((media_type, body)) => request.send(media_type, body),
            None => NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t,
        };
        request.finalize(rc);
    });
}
