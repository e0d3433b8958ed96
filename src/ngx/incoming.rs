//! What a client sent, and how nginx is made to forget parts of it.
//!
//! Nothing is changed in place: the bytes may be a constant of nginx's, or the table of an HTTP/2
//! connection. New ones are put into the request's pool.

use std::ops::Range;

use nginx_sys::{
    ngx_http_internal_redirect, ngx_http_named_location, ngx_http_request_t, ngx_http_set_exten,
    ngx_int_t, ngx_str_t, ngx_table_elt_t, ngx_uint_t,
};

use super::strings::{bytes, hash, is_named, text};
use super::{NoMemory, Request, pool, shim};

/// The parts of a request that name what is asked for.
#[derive(Clone, Copy)]
pub enum RequestPart {
    /// `$request`.
    Line,
    /// `$uri`: as it is now.
    Uri,
    /// `$request_uri`: as the client wrote it.
    UnparsedUri,
    /// `$args`.
    Args,
}

/// A string of a request as nginx keeps it: equal to one that is the same, and not only alike.
#[derive(Clone, Copy)]
pub struct RequestString(ngx_str_t, *const ngx_http_request_t);

impl PartialEq for RequestString {
    fn eq(&self, other: &RequestString) -> bool {
        (self.0.data, self.0.len) == (other.0.data, other.0.len)
    }
}

impl RequestPart {
    fn of(self, r: &mut ngx_http_request_t) -> &mut ngx_str_t {
        match self {
            RequestPart::Line => &mut r.request_line,
            RequestPart::Uri => &mut r.uri,
            RequestPart::UnparsedUri => &mut r.unparsed_uri,
            RequestPart::Args => &mut r.args,
        }
    }
}

impl<'r> Request<'r> {
    /// A part of the request; empty where nginx did not get so far.
    pub fn part(&self, part: RequestPart) -> &[u8] {
        // SAFETY: alive, and on the event loop; the bytes live as long as the request.
        unsafe { bytes(*part.of(&mut *self.as_ptr())) }
    }

    /// The same, as nginx keeps it: another string than before where it was replaced.
    pub fn string(self, part: RequestPart) -> RequestString {
        // SAFETY: alive, and on the event loop.
        RequestString(unsafe { *part.of(&mut *self.as_ptr()) }, self.as_ptr())
    }

    /// The client's address, as text, and as nginx keeps it: another string where a module says
    /// another one.
    pub fn address_string(self) -> RequestString {
        // SAFETY: a live request has a connection, whose text lives as long.
        RequestString(unsafe { (*(*self.as_ptr()).connection).addr_text }, self.as_ptr())
    }

    /// Replaces a part of the request.
    ///
    /// # Errors
    /// There is no memory; the part is what it was.
    pub fn set_part(self, part: RequestPart, value: &[u8]) -> Result<(), NoMemory> {
        let value = pool::copy(self.pool(), value).ok_or(NoMemory)?;
        self.swap_part(part, value);
        Ok(())
    }

    /// Replaces a part of the request by a text that takes no memory.
    pub fn blot_part(self, part: RequestPart, value: &'static str) {
        self.swap_part(part, text(value));
    }

    /// Replaces a part by one that lives as long as the request, and returns what it was.
    fn swap_part(self, part: RequestPart, value: ngx_str_t) -> ngx_str_t {
        // SAFETY: alive, and on the event loop: nothing else uses the request meanwhile.
        unsafe { std::mem::replace(part.of(&mut *self.as_ptr()), value) }
    }

    /// Replaces a part by a [string](Request::string) that it was, and returns what it was now.
    /// A string of another request changes nothing.
    pub fn put_part(self, part: RequestPart, value: RequestString) -> RequestString {
        if value.1 != self.as_ptr() {
            return self.string(part);
        }
        RequestString(self.swap_part(part, value.0), value.1)
    }

    /// Gives what nginx keeps of the URI as the client wrote it, alone and in the request line, to
    /// `edit`, and keeps what that returns instead.
    ///
    /// # Errors
    /// There is no memory.
    pub fn edit_lines(self, edit: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Result<(), NoMemory> {
        if let Some(uri) = edit(self.part(RequestPart::UnparsedUri)) {
            self.set_part(RequestPart::UnparsedUri, &uri)?;
        }
        self.edit_line(edit)
    }

    /// The same of the request line alone.
    ///
    /// # Errors
    /// There is no memory.
    pub fn edit_line(self, edit: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Result<(), NoMemory> {
        // Method, URI and protocol. A line that broke off may lack the last one.
        let line = self.part(RequestPart::Line);
        let Some(start) = line.iter().position(|&byte| byte == b' ').map(|at| at + 1) else {
            return Ok(());
        };
        let end = line.iter().rposition(|&byte| byte == b' ').filter(|&end| end >= start);
        let (uri, rest) = line[start..].split_at(end.unwrap_or(line.len()) - start);
        if let Some(uri) = edit(uri) {
            let line = [&line[..start], &uri, rest].concat();
            self.set_part(RequestPart::Line, &line)?;
        }
        Ok(())
    }

    /// Replaces the URI, in a location that stays the same. What was captured of it is what `moved` says
    /// where a range of it is now.
    ///
    /// # Errors
    /// There is no memory; the URI is what it was.
    pub fn set_uri(
        self,
        uri: &[u8],
        moved: impl Fn(&Range<usize>) -> Range<usize>,
    ) -> Result<(), NoMemory> {
        let uri = pool::copy(self.pool(), uri).ok_or(NoMemory)?;
        let prefix = self.location_prefix();
        let old = self.swap_part(RequestPart::Uri, uri);
        // SAFETY: alive, and on the event loop. The URI that came is not this one any more, and
        // the extension points into it.
        unsafe {
            shim::ig_request_set_valid_unparsed_uri(self.as_ptr(), 0);
            (*self.as_ptr()).exten = ngx_str_t::empty();
            ngx_http_set_exten(self.as_ptr());
        }
        if self.location_prefix() != prefix {
            // nginx would cut the name of the location off, whatever stands there.
            // SAFETY: as above.
            unsafe { shim::ig_request_set_valid_location(self.as_ptr(), 0) };
        }
        self.move_captures(old, uri, moved);
        Ok(())
    }

    /// Whether the client asked with GET or HEAD.
    pub fn is_get_or_head(self) -> bool {
        let wanted = nginx_sys::NGX_HTTP_GET | nginx_sys::NGX_HTTP_HEAD;
        // SAFETY: alive.
        unsafe { (*self.as_ptr()).method & wanted as ngx_uint_t != 0 }
    }

    /// Whether a browser asks whether a page of another origin may make a request (CORS).
    pub fn is_preflight(self) -> bool {
        // SAFETY: alive.
        let method = unsafe { (*self.as_ptr()).method };
        let has = |name: &[u8]| {
            let mut is_there = false;
            self.each_incoming(name, |header| is_there |= !header.value().is_empty());
            is_there
        };
        method == nginx_sys::NGX_HTTP_OPTIONS as ngx_uint_t
            && has(b"Origin")
            && has(b"Access-Control-Request-Method")
    }

    /// Whether the host in the request line, where the client names one there, is that of its `Host`: nginx goes by the former,
    /// and `$http_host` is the latter.
    pub fn has_one_host(self) -> bool {
        // SAFETY: alive; the header, where there is one, and both values live as long.
        let (server, host) = unsafe {
            let headers = &(*self.as_ptr()).headers_in;
            let Some(host) = headers.host.as_ref() else { return true };
            (bytes(headers.server), bytes(host.value))
        };
        // Of the server nginx leaves off the port, and a dot at its end.
        let Some((name, rest)) = host.split_at_checked(server.len()) else { return false };
        let rest = rest.strip_prefix(b".").unwrap_or(rest);
        name.eq_ignore_ascii_case(server) && matches!(rest, [] | [b':', ..])
    }

    /// Whether the request line has no protocol, as once it had none.
    pub fn is_http_09(self) -> bool {
        // SAFETY: alive.
        unsafe { (*self.as_ptr()).http_version == nginx_sys::NGX_HTTP_VERSION_9 as ngx_uint_t }
    }

    /// Whether no phase has looked at the request: it was refused while it was read.
    pub fn is_unprocessed(self) -> bool {
        // SAFETY: alive.
        unsafe { (*self.as_ptr()).phase_handler == 0 }
    }

    /// Bytes that went out for it so far, as on the wire.
    pub fn bytes_sent(self) -> u64 {
        // SAFETY: a live request has a connection.
        u64::try_from(unsafe { (*(*self.as_ptr()).connection).sent }).unwrap_or(0)
    }

    /// Bytes that came in for it so far, as on the wire.
    pub fn bytes_received(self) -> u64 {
        // SAFETY: alive.
        u64::try_from(unsafe { (*self.as_ptr()).request_length }).unwrap_or(0)
    }

    /// The status that logs tell: of an error, also where no header was sent.
    pub fn logged_status(self) -> ngx_uint_t {
        // SAFETY: alive.
        unsafe {
            match (*self.as_ptr()).err_status {
                0 => self.status(),
                status => status,
            }
        }
    }

    /// Gives each header called `name` that came in to `visit`.
    pub fn each_incoming(self, name: &[u8], mut visit: impl FnMut(Incoming<'r>)) {
        // SAFETY: alive, and on the event loop.
        let mut part = unsafe { &raw mut (*self.as_ptr()).headers_in.headers.part };
        while !part.is_null() {
            // SAFETY: a part of the list, which null ends; it has `nelts` elements.
            let (elements, len) = unsafe {
                let this = ((*part).elts.cast::<ngx_table_elt_t>(), (*part).nelts);
                part = (*part).next;
                this
            };
            for at in 0..len {
                // SAFETY: one of the elements.
                let header = unsafe { elements.add(at) };
                // SAFETY: initialized; its key lives as long as the request.
                if is_named(unsafe { bytes((*header).key) }, name) {
                    visit(Incoming { header, request: self });
                }
            }
        }
    }

    /// Whether a header called `name` came in.
    pub fn has_incoming(self, name: &[u8]) -> bool {
        let mut is_there = false;
        self.each_incoming(name, |_| is_there = true);
        is_there
    }

    /// Goes on with that URI and those arguments, as if they had been asked for, but from inside.
    /// The answer is for nginx; the request may be gone.
    pub fn internal_redirect(self, uri: &[u8], args: &[u8]) -> ngx_int_t {
        let (Some(mut uri), Some(mut args)) =
            (pool::copy(self.pool(), uri), pool::copy(self.pool(), args))
        else {
            return nginx_sys::NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        };
        // SAFETY: alive, in its content handler; nginx copies both strings, not their bytes.
        unsafe { ngx_http_internal_redirect(self.as_ptr(), &mut uri, &mut args) }
    }

    /// Has that URI asked for as well, from inside and answered to nobody.
    ///
    /// # Errors
    /// There is no memory, or there are too many requests beside this one.
    pub fn ask_beside(self, uri: &[u8], args: &[u8]) -> Result<(), NoMemory> {
        let mut uri = pool::copy(self.pool(), uri).ok_or(NoMemory)?;
        let mut args = pool::copy(self.pool(), args).ok_or(NoMemory)?;
        // SAFETY: alive, in a handler of a phase; nginx copies both strings, not their bytes, which
        // are in the request's pool. It runs the new request once our handler has returned.
        let beside =
            unsafe { Request::new(shim::ig_request_beside(self.as_ptr(), &mut uri, &mut args)) };
        let beside: Request<'_> = beside.ok_or(NoMemory)?;
        beside.attach_own(Beside).map(|_| ()).ok_or(NoMemory)
    }

    /// Whether we [asked](Request::ask_beside) for it.
    pub fn is_beside(self) -> bool {
        self.own::<Beside>().is_some()
    }

    /// Goes on in a named location. The answer is for nginx; the request may be gone.
    pub fn named_location(self, name: &[u8]) -> ngx_int_t {
        let Some(mut name) = pool::copy(self.pool(), name) else {
            return nginx_sys::NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        };
        // SAFETY: as above.
        unsafe { ngx_http_named_location(self.as_ptr(), &mut name) }
    }
}

/// What a request has that we made beside another.
struct Beside;

/// One header that came in.
pub struct Incoming<'r> {
    header: *mut ngx_table_elt_t,
    request: Request<'r>,
}

impl Incoming<'_> {
    /// Its value.
    pub fn value(&self) -> &[u8] {
        // SAFETY: an element of the list; the value lives as long as the request.
        unsafe { bytes((*self.header).value) }
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// There is no memory; the value is what it was.
    pub fn set_value(&self, value: &[u8]) -> Result<(), NoMemory> {
        let value = pool::copy(self.request.pool(), value).ok_or(NoMemory)?;
        // SAFETY: an element of the list, on the event loop.
        unsafe { (*self.header).value = value };
        Ok(())
    }

    /// Replaces the value by a text that takes no memory.
    pub fn blot(&self, value: &'static str) {
        // SAFETY: an element of the list, on the event loop.
        unsafe { (*self.header).value = text(value) };
    }

    /// Takes the header away. The list has no removal, and fields of nginx point into it; TE is
    /// the name that every proxying module replaces by its own.
    pub fn remove(&self) {
        // SAFETY: an element of the list, on the event loop.
        unsafe {
            (*self.header).hash = hash(b"te");
            (*self.header).key = text("TE");
            (*self.header).lowcase_key = c"te".as_ptr().cast_mut().cast();
            (*self.header).value = ngx_str_t::empty();
        }
    }
}
