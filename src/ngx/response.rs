//! Responses that a content handler makes in memory, itself or on a thread.

use std::mem;

use nginx_sys::{
    NGX_DONE, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_OK, NGX_OK, ngx_http_discard_request_body,
    ngx_http_output_filter, ngx_http_request_empty_handler, ngx_http_send_header, ngx_int_t,
    ngx_msec_t,
};

use super::chain::Chain;
use super::event::{OnEvent, Then};
use super::thread::{self, OnComplete, ThreadPool, Work};
use super::{ERROR, Request, shim};

/// Bytes of a body that takes a while to free.
const LARGE: usize = 1 << 20;

/// What is sent.
struct Body(Vec<u8>);

impl Drop for Body {
    fn drop(&mut self) {
        if self.0.capacity() > LARGE {
            thread::free(mem::take(&mut self.0));
        }
    }
}

impl Request<'_> {
    /// Reads a body that nobody wants, so that the connection can be used on. Returns what the
    /// content handler has to return if that is not `NGX_OK`.
    pub fn discard_body(self) -> ngx_int_t {
        // SAFETY: alive, in a content handler.
        unsafe { ngx_http_discard_request_body(self.as_ptr()) }
    }

    /// Sends 200 with `body`, after the headers that were added. Returns what the content handler
    /// returns.
    pub fn send(self, media_type: &'static str, body: Vec<u8>) -> ngx_int_t {
        let Some(Body(body)) = self.attach(Body(body)) else {
            return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        };
        self.set_status(NGX_HTTP_OK);
        self.set_content_type(media_type);
        self.set_content_length(Some(body.len()));
        // SAFETY: alive, and no header was sent yet.
        let rc = unsafe { ngx_http_send_header(self.as_ptr()) };
        if rc == ERROR || rc > NGX_OK as ngx_int_t || self.is_header_only() {
            return rc;
        }
        match self.chain(body, Chain::EMPTY, true) {
            // SAFETY: alive; the chain is the request's.
            Some(chain) => unsafe { ngx_http_output_filter(self.as_ptr(), chain.as_ptr()) },
            None => ERROR,
        }
    }
}

type Make = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// A response that a thread makes.
struct ThreadedResponse {
    media_type: &'static str,
    make: Make,
}

impl Work for ThreadedResponse {
    type Output = (&'static str, Vec<u8>);

    fn run(self) -> (&'static str, Vec<u8>) {
        (self.media_type, (self.make)())
    }
}

/// How often the timer of a request runs that waits for a thread, in milliseconds. It only has to
/// be there: a worker that is to leave stays for nothing else.
const HOLD: ngx_msec_t = 60_000;

/// The timer of such a request.
enum Hold {}

impl OnEvent for Hold {
    fn handle(request: Request<'_>) -> Then {
        if let Some(hold) = request.known_event::<Hold>() {
            hold.start_timer(HOLD);
        }
        Then::Wait
    }

    fn panicked(_: Request<'_>) -> Then {
        Then::Wait
    }
}

impl OnComplete<ThreadedResponse> for ThreadedResponse {
    fn handle(request: Request<'_>, made: Option<(&'static str, Vec<u8>)>) -> Then {
        if let Some(hold) = request.known_event::<Hold>() {
            hold.stop_timer();
        }
        match made {
            _ if request.is_dead() => Then::Finish(ERROR),
            Some((media_type, body)) => Then::Finish(request.send(media_type, body)),
            None => ThreadedResponse::panicked(request),
        }
    }

    fn panicked(_: Request<'_>) -> Then {
        Then::Finalize(NGX_HTTP_INTERNAL_SERVER_ERROR)
    }
}

impl Request<'_> {
    /// Sends what `make` makes on a thread. Returns what the content handler returns.
    pub fn respond_from_thread(
        self,
        pool: ThreadPool,
        media_type: &'static str,
        make: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> ngx_int_t {
        let error = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        let Ok(hold) = self.event::<Hold>() else { return error };
        let answer = ThreadedResponse { media_type, make: Box::new(make) };
        if self.offload::<ThreadedResponse, ThreadedResponse>(pool, answer).is_err() {
            return error;
        }
        hold.start_timer(HOLD);
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
