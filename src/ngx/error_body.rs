//! Bodies of our own in the place of those of nginx's own error pages.
//!
//! Whether an error has a page of the configuration is nginx's to know, and often decided after the
//! handler that refused: under `satisfy any` another one may let the request in. So nginx answers
//! as it always does, and only what it writes itself is replaced on its way out.

use std::cell::Cell;

use nginx_sys::{ngx_chain_t, ngx_http_request_t, ngx_int_t};

use super::chain::Chain;
use super::guard::guard;
use super::{ERROR, NoMemory, Request};

type HeaderFilter = unsafe extern "C" fn(*mut ngx_http_request_t) -> ngx_int_t;
type BodyFilter = unsafe extern "C" fn(*mut ngx_http_request_t, *mut ngx_chain_t) -> ngx_int_t;

/// The filters after ours.
static mut NEXT_HEADER: Option<HeaderFilter> = None;
static mut NEXT_BODY: Option<BodyFilter> = None;

/// What is sent instead.
pub struct ErrorDocument {
    pub media_type: &'static str,
    pub body: Vec<u8>,
}

/// Who replaces bodies. There is one in this library.
pub trait ErrorBody: 'static {
    /// Returns what is sent for the error that a client's request is answered with, if not what
    /// is about to be sent.
    ///
    /// # Errors
    /// There is no memory.
    fn document(request: Request<'_>) -> Result<Option<ErrorDocument>, NoMemory>;
}

/// What is left of a body that replaces another.
enum Replacement {
    /// All of it.
    Whole(Vec<u8>),
    /// Nothing: what else comes of the page is dropped.
    Sent,
}

/// It, in the request.
struct ErrorBodyState(Cell<Option<Replacement>>);

/// Puts it on top of nginx's chains, in `postconfiguration`.
pub fn install<E: ErrorBody>() {
    // SAFETY: nginx builds the chains while it reads the configuration, on its only thread.
    unsafe {
        NEXT_HEADER = nginx_sys::ngx_http_top_header_filter;
        NEXT_BODY = nginx_sys::ngx_http_top_body_filter;
        nginx_sys::ngx_http_top_header_filter = Some(header::<E>);
        nginx_sys::ngx_http_top_body_filter = Some(body);
    }
}

unsafe extern "C" fn header<E: ErrorBody>(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx filters a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return ERROR };
    // SAFETY: nginx's own filter, with what nginx passed; only `install` writes it, and never
    // while a request is served.
    let next = || unsafe { NEXT_HEADER.map_or(ERROR, |next| next(r)) };
    if !request.is_error_page() || !request.is_main() {
        return next();
    }
    let replaced = guard(request.log(), Err(NoMemory), || replace::<E>(request));
    replaced.map_or(ERROR, |()| next())
}

fn replace<E: ErrorBody>(request: Request<'_>) -> Result<(), NoMemory> {
    let Some(ErrorDocument { media_type, body }) = E::document(request)? else { return Ok(()) };
    request.set_content_type(media_type);
    request.set_content_length(Some(body.len()));
    let state = ErrorBodyState(Cell::new(Some(Replacement::Whole(body))));
    request.attach(state).ok_or(NoMemory)?;
    Ok(())
}

unsafe extern "C" fn body(r: *mut ngx_http_request_t, chain: *mut ngx_chain_t) -> ngx_int_t {
    // SAFETY: nginx filters a live request, and passes a valid chain, or null.
    let (request, chain) = unsafe { (Request::new(r), Chain::new(chain)) };
    let Some(request) = request else { return ERROR };
    let replaced = match request.is_error_page() && request.is_main() {
        true => guard(request.log(), None, || replace_body(request, chain)),
        false => Some(chain),
    };
    // SAFETY: as in `header`; the chain is nginx's or made in the request's pool.
    let next =
        |chain: Chain<'_>| unsafe { NEXT_BODY.map_or(ERROR, |next| next(r, chain.as_ptr())) };
    replaced.map_or(ERROR, next)
}

/// Returns what is sent of a part of a body, `None` without memory.
fn replace_body<'r>(request: Request<'r>, chain: Chain<'r>) -> Option<Chain<'r>> {
    let Some(state) = request.attached::<ErrorBodyState>() else { return Some(chain) };
    let mut has_any = false;
    for buf in chain.buffers() {
        buf.consume();
        has_any = true;
    }
    match state.0.replace(Some(Replacement::Sent)) {
        Some(Replacement::Whole(body)) if has_any => {
            request.chain(request.attach(body)?, Chain::EMPTY, true)
        }
        // Nothing of the page has come yet.
        Some(Replacement::Whole(body)) => {
            state.0.set(Some(Replacement::Whole(body)));
            Some(chain)
        }
        Some(Replacement::Sent) | None => Some(Chain::EMPTY),
    }
}
