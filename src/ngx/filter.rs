//! A filter of headers and bodies in nginx's chains.

use nginx_sys::{ngx_chain_t, ngx_http_request_t, ngx_int_t};

use super::chain::Chain;
use super::guard::guard;
use super::{ERROR, NoMemory, Request};

type HeaderFilter = unsafe extern "C" fn(*mut ngx_http_request_t) -> ngx_int_t;
type BodyFilter = unsafe extern "C" fn(*mut ngx_http_request_t, *mut ngx_chain_t) -> ngx_int_t;

/// The filters after ours. A reload may put others there, when it loads other modules.
static mut NEXT_HEADER: Option<HeaderFilter> = None;
static mut NEXT_BODY: Option<BodyFilter> = None;

/// What is done with each answer on its way to the client. There is one such filter in this
/// library.
pub trait Filter: 'static {
    /// Filters headers. Returns what nginx is told.
    fn header(request: Request<'_>) -> ngx_int_t;

    /// Filters a part of a body. Returns what nginx is told.
    fn body<'r>(request: Request<'r>, chain: Chain<'r>) -> ngx_int_t;
}

/// Puts the filter on top of nginx's chains, in `postconfiguration`.
pub fn install<F: Filter>() {
    // SAFETY: nginx builds the chains while it reads the configuration, on its only thread.
    unsafe {
        NEXT_HEADER = nginx_sys::ngx_http_top_header_filter;
        NEXT_BODY = nginx_sys::ngx_http_top_body_filter;
        nginx_sys::ngx_http_top_header_filter = Some(header::<F>);
        nginx_sys::ngx_http_top_body_filter = Some(body::<F>);
    }
}

/// The filter of bodies after the writer.
static mut NEXT_WRITER: Option<BodyFilter> = None;

/// What is done around each attempt to write what there is of an answer. There is one such writer
/// in this library.
pub trait Writer: 'static {
    /// Writes, by `write`, which returns what nginx is told.
    fn write(request: Request<'_>, write: impl FnOnce() -> ngx_int_t) -> ngx_int_t;
}

/// Puts the writer on top of nginx's chain of bodies, in `postconfiguration`: nginx runs the whole
/// chain, with nothing new, whenever more can be written.
pub fn install_writer<W: Writer>() {
    // SAFETY: as in `install`.
    unsafe {
        NEXT_WRITER = nginx_sys::ngx_http_top_body_filter;
        nginx_sys::ngx_http_top_body_filter = Some(write::<W>);
    }
}

unsafe extern "C" fn write<W: Writer>(
    r: *mut ngx_http_request_t,
    chain: *mut ngx_chain_t,
) -> ngx_int_t {
    // SAFETY: nginx filters a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return ERROR };
    // SAFETY: nginx's own filter, with what nginx passed; only `install_writer` writes it, and
    // never while a request is served.
    let pass = || unsafe { NEXT_WRITER.map_or(ERROR, |next| next(r, chain)) };
    guard(request.log(), ERROR, || W::write(request, pass))
}

/// The filter of headers after the last one of ours.
static mut NEXT_LAST: Option<HeaderFilter> = None;

/// What is done with the headers of each answer to a client once `add_header` and `expires` have
/// added theirs. There is one such filter in this library.
pub trait LastHeaders: 'static {
    /// Changes the headers.
    ///
    /// # Errors
    /// There is no memory.
    fn finish(request: Request<'_>) -> Result<(), NoMemory>;
}

/// Puts the filter on top of nginx's chain, in `postconfiguration` of a module that nginx has
/// before the one that adds headers.
pub fn install_last<F: LastHeaders>() {
    // SAFETY: as in `install`.
    unsafe {
        NEXT_LAST = nginx_sys::ngx_http_top_header_filter;
        nginx_sys::ngx_http_top_header_filter = Some(last::<F>);
    }
}

unsafe extern "C" fn last<F: LastHeaders>(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx filters a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return ERROR };
    if request.is_main() {
        let finished = guard(request.log(), Err(NoMemory), || F::finish(request));
        if finished.is_err() {
            return ERROR;
        }
    }
    // SAFETY: nginx's own filter, with what nginx passed; only `install_last` writes it, and never
    // while a request is served.
    unsafe { NEXT_LAST.map_or(ERROR, |next| next(r)) }
}

unsafe extern "C" fn header<F: Filter>(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx filters a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return ERROR };
    guard(request.log(), ERROR, || F::header(request))
}

unsafe extern "C" fn body<F: Filter>(
    r: *mut ngx_http_request_t,
    chain: *mut ngx_chain_t,
) -> ngx_int_t {
    // SAFETY: nginx filters a live request, and passes a valid chain, or null.
    let (request, chain) = unsafe { (Request::new(r), Chain::new(chain)) };
    let Some(request) = request else { return ERROR };
    guard(request.log(), ERROR, || F::body(request, chain))
}

impl<'r> Request<'r> {
    /// Hands the headers on, from within [`Filter`].
    pub fn next_header(self) -> ngx_int_t {
        // SAFETY: nginx's own filter, on a live request, from where nginx calls filters; only
        // `install` writes it, and never while a request is served.
        unsafe { NEXT_HEADER.map_or(ERROR, |next| next(self.as_ptr())) }
    }

    /// Hands a part of the body on, from within [`Filter`].
    pub fn next_body(self, chain: Chain<'r>) -> ngx_int_t {
        // SAFETY: as above; the chain is nginx's or made in the request's pool.
        unsafe { NEXT_BODY.map_or(ERROR, |next| next(self.as_ptr(), chain.as_ptr())) }
    }
}
