//! A request, as far as the modules need it.

use std::cell::Cell;
use std::ffi::c_void;
use std::fmt::Arguments;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::rc::Rc;

use nginx_sys::{
    NGX_DONE, ngx_connection_t, ngx_http_clean_header, ngx_http_cleanup_add,
    ngx_http_finalize_request, ngx_http_log_ctx_t, ngx_http_request_t,
    ngx_http_run_posted_requests, ngx_int_t, ngx_list_push, ngx_list_t, ngx_log_t, ngx_pcalloc,
    ngx_pool_t, ngx_str_t, ngx_table_elt_t, ngx_uint_t, time_t,
};

use super::guard::guard;
use super::strings::{bytes, hash, is_named, text};
use super::{NoMemory, Pooled, log, pool, shim};

/// The bit of `r->buffered` that image filters use; it is not in nginx's headers.
const IMAGE_BUFFERED: ngx_uint_t = 0x08;

/// A request that is alive for `'r`: one call of nginx, or as long as something borrows what
/// knows it to be alive.
///
/// What ends a request runs outside of `'r` (see [`Then`](super::event::Then)), so nobody has one
/// after its end.
#[derive(Clone, Copy)]
pub struct Request<'r>(NonNull<ngx_http_request_t>, PhantomData<Cell<&'r ()>>);

impl<'r> Request<'r> {
    /// The request behind a pointer of nginx.
    ///
    /// # Safety
    /// `ptr` is null or a request that is alive for `'r`.
    pub(super) unsafe fn new(ptr: *mut ngx_http_request_t) -> Option<Request<'r>> {
        NonNull::new(ptr).map(|request| Request(request, PhantomData))
    }

    /// What tells it from all other requests that are alive.
    pub fn id(self) -> RequestId {
        RequestId(self.0.addr().get())
    }

    /// Something that knows whether the request is alive.
    pub fn weak(self) -> Option<WeakRequest> {
        let alive = match self.attached::<Alive>() {
            Some(alive) => alive,
            None => self.attach(Alive(Rc::new(Cell::new(true))))?,
        };
        Some(WeakRequest { request: self.0, alive: alive.0.clone() })
    }

    /// Writes a line to the error log at `level` (`NGX_LOG_ERR`, ...), to which nginx adds the
    /// client and the request.
    pub fn log_line(self, level: u32, message: Arguments<'_>) {
        log::write(self.log(), level, message);
    }

    /// The pointer.
    pub(super) fn as_ptr(self) -> *mut ngx_http_request_t {
        self.0.as_ptr()
    }

    fn get(&self) -> &ngx_http_request_t {
        // SAFETY: alive (see the type); the reference is used for one field access and no call.
        unsafe { self.0.as_ref() }
    }

    fn connection(self) -> *mut ngx_connection_t {
        self.get().connection
    }

    /// Its pool.
    pub(super) fn pool(self) -> *mut ngx_pool_t {
        self.get().pool
    }

    /// Its connection's log, for the event loop only.
    pub(super) fn log(self) -> *mut ngx_log_t {
        // SAFETY: a live request has a connection.
        unsafe { (*self.connection()).log }
    }

    /// Keeps what is evaluated out of the debugging that nginx logs, as long as the result lives.
    pub fn mute_debug_log(self) -> log::MuteDebugLog<'r> {
        // SAFETY: the log of a live request's connection; the result is used within a callback.
        unsafe { log::MuteDebugLog::begin(self.log()) }
    }

    /// Makes this the request that lines of the connection's log speak of, as every event handler
    /// has to.
    pub(super) fn select_log(self) {
        // SAFETY: the data of an HTTP connection's log is such a context.
        unsafe {
            if let Some(ctx) = (*self.log()).data.cast::<ngx_http_log_ctx_t>().as_mut() {
                ctx.current_request = self.as_ptr();
            }
        }
    }

    /// What error-log lines say the connection is doing.
    pub fn set_action(self, action: &'static std::ffi::CStr) {
        // SAFETY: nginx only reads the text, which is static.
        unsafe { (*self.log()).action = action.as_ptr().cast_mut().cast() }
    }

    /// Its URI, as it is now.
    pub fn uri(&self) -> &[u8] {
        self.get().uri.as_bytes()
    }

    /// Its method, as the client wrote it.
    pub fn method(&self) -> &[u8] {
        self.get().method_name.as_bytes()
    }

    /// Whether it is no subrequest.
    pub fn is_main(self) -> bool {
        std::ptr::eq(self.get().main, self.as_ptr())
    }

    /// The request of the client, of which nginx made this one, or this one.
    pub fn main(self) -> Request<'r> {
        // SAFETY: the main request of a live one is alive as long; the pointer is never null.
        unsafe { Request::new(self.get().main) }.unwrap_or(self)
    }

    /// Whether the client asked with HEAD.
    pub fn is_head(self) -> bool {
        self.get().method == nginx_sys::NGX_HTTP_HEAD as ngx_uint_t
    }

    /// Whether its upstream is asked with HEAD: nginx asks one that has a cache for the body, too.
    pub fn asks_with_head(self) -> bool {
        // SAFETY: null, or the upstream of a live request.
        let upstream = unsafe { self.get().upstream.as_ref() };
        let method = upstream.map(|upstream| upstream.method.as_bytes());
        method
            .filter(|method| !method.is_empty())
            .map_or(self.is_head(), |method| method == b"HEAD")
    }

    /// The slot of a module's configuration at the request's location, by the module's number.
    pub(super) fn location_of(self, index: usize) -> *mut c_void {
        // SAFETY: `loc_conf` has an entry for every HTTP module.
        unsafe { *self.get().loc_conf.add(index) }
    }

    /// The same for its server.
    pub(super) fn server_of(self, index: usize) -> *mut c_void {
        // SAFETY: as in `location_of`.
        unsafe { *self.get().srv_conf.add(index) }
    }

    /// The same for all of `http`.
    pub(super) fn main_of(self, index: usize) -> *mut c_void {
        // SAFETY: as in `location_of`.
        unsafe { *self.get().main_conf.add(index) }
    }

    /// Where a module's state of the request is.
    pub(super) fn context_slot(self, index: usize) -> *mut *mut c_void {
        // SAFETY: `ctx` has an entry for every HTTP module.
        unsafe { self.get().ctx.add(index) }
    }

    /// `text` in the request's pool: for as long as the request lives.
    pub fn keep(self, text: &[u8]) -> Option<&'r [u8]> {
        let kept = super::pool::copy(self.pool(), text)?;
        // SAFETY: the pool lives as long as the request, and nobody writes there.
        Some(unsafe { super::strings::bytes(kept) })
    }

    /// Has the response take no more than `rate` bytes a second, whatever `limit_rate` says that
    /// is more.
    pub fn limit_rate(self, rate: u64) {
        let rate = usize::try_from(rate).unwrap_or(usize::MAX);
        // SAFETY: alive, and on the event loop: nothing else uses the request meanwhile. nginx
        // looks at its own directive only where no rate is set.
        unsafe {
            let request = self.as_ptr();
            let is_lower = shim::ig_request_limit_rate_set(request) != 0
                && (1..rate).contains(&(*request).limit_rate);
            if !is_lower {
                (*request).limit_rate = rate;
                shim::ig_request_set_limit_rate_set(request, 1);
            }
        }
    }

    /// How many bytes a second the response may have by what was set before, or by `limit_rate`.
    pub fn own_limit_rate(self) -> Option<u64> {
        // SAFETY: alive, and on the event loop, with the configuration of its location.
        let rate = unsafe { shim::ig_request_own_limit_rate(self.as_ptr()) };
        u64::try_from(rate).ok().filter(|&rate| rate > 0)
    }

    /// Has nginx's next attempt to write the response send at most so many bytes, and the one
    /// after that come no sooner than `rate` bytes a second allow.
    pub fn allow(self, rate: u64, bytes: u64) {
        self.set_allowance(rate, i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Has nginx's next attempt to write the response send nothing, and the one after that come
    /// after so many microseconds.
    pub fn postpone(self, rate: u64, time: u64) {
        let bytes = u128::from(rate) * u128::from(time) / 1_000_000;
        self.set_allowance(rate, i64::try_from(bytes).map_or(i64::MIN, |bytes| -bytes));
    }

    fn set_allowance(self, rate: u64, bytes: i64) {
        let rate = usize::try_from(rate).unwrap_or(usize::MAX);
        // SAFETY: alive, and on the event loop: nothing else uses the request meanwhile.
        unsafe { shim::ig_request_set_allowance(self.as_ptr(), rate, bytes) }
    }

    /// Has `E` called when the request ends for any reason, maybe long before its pool is
    /// destroyed.
    ///
    /// # Errors
    /// There is no memory.
    pub fn on_end<E: OnEnd>(self) -> Result<(), NoMemory> {
        // SAFETY: a live request; nginx answers null when it has no memory.
        let cleanup = unsafe { ngx_http_cleanup_add(self.as_ptr(), 0).as_mut() }.ok_or(NoMemory)?;
        cleanup.handler = Some(end::<E>);
        cleanup.data = self.as_ptr().cast();
        Ok(())
    }
}

/// What is done when a request ends.
pub trait OnEnd: 'static {
    /// Does it.
    fn end(request: Request<'_>);
}

unsafe extern "C" fn end<E: OnEnd>(request: *mut c_void) {
    // SAFETY: the request that was registered; nginx runs this before it destroys the pool.
    if let Some(request) = unsafe { Request::new(request.cast()) } {
        guard(request.log(), (), || E::end(request));
    }
}

/// Incoming headers.
impl<'r> Request<'r> {
    /// The value of `If-None-Match`.
    pub fn if_none_match(&self) -> Option<&[u8]> {
        header(self.get().headers_in.if_none_match)
    }

    /// The value of `If-Match`.
    pub fn if_match(&self) -> Option<&[u8]> {
        header(self.get().headers_in.if_match)
    }

    /// The values of `Accept`, one of each header.
    pub fn accept(self) -> impl Iterator<Item = &'r [u8]> + Clone + use<'r> {
        self.values_of(b"Accept")
    }

    /// The value of the first header of that name.
    pub fn header(self, name: &[u8]) -> Option<&'r [u8]> {
        self.values_of(name).next()
    }

    fn values_of<'n>(self, name: &'n [u8]) -> impl Iterator<Item = &'r [u8]> + Clone + use<'r, 'n> {
        // SAFETY: alive; incoming headers stay as they are, in memory of the request.
        let list = unsafe { &raw mut (*self.as_ptr()).headers_in.headers };
        elements(list).filter_map(|header| {
            // SAFETY: as above.
            let (key, value) = unsafe { (bytes((*header).key), bytes((*header).value)) };
            is_named(key, name).then_some(value)
        })
    }

    /// Takes `Range` and `If-Range` away, from nginx and from what it sends upstream. Returns what
    /// they were, where there was a range.
    pub fn drop_range(self) -> Option<DroppedRange> {
        // SAFETY: alive, and on the event loop: nothing else writes the headers.
        let headers = unsafe { &mut (*self.as_ptr()).headers_in };
        let dropped = [&mut headers.range, &mut headers.if_range].map(|field| {
            // SAFETY: null or an element of the list of incoming headers.
            let header = unsafe { std::mem::replace(field, std::ptr::null_mut()).as_mut() }?;
            let value = header.value;
            // The list has no removal, and other fields point into it. TE is the name that
            // every proxying module replaces by its own.
            header.hash = hash(b"te");
            header.key = text("TE");
            header.lowcase_key = c"te".as_ptr().cast_mut().cast();
            header.value = ngx_str_t::empty();
            Some(value)
        });
        match dropped {
            [Some(range), if_range] => Some(DroppedRange { range, if_range }),
            [None, _] => None,
        }
    }

    /// Has nginx serve the range that was [dropped](Request::drop_range) after all, as far as the
    /// answer has ranges. Without memory it serves the whole.
    pub fn restore_range(self, dropped: &DroppedRange) {
        // What reads `If-Range` reads it only beside a range.
        let fields = [(dropped.if_range, false), (Some(dropped.range), true)];
        for (value, is_range) in fields {
            let Some(value) = value else { continue };
            // SAFETY: the pool is live; nginx answers null when it has no memory.
            let header = unsafe { ngx_pcalloc(self.pool(), size_of::<ngx_table_elt_t>()) };
            let header = header.cast::<ngx_table_elt_t>();
            if header.is_null() {
                return;
            }
            // SAFETY: a new element, outside the list: only nginx's own fields find it.
            unsafe {
                (*header).hash = 1;
                (*header).value = value;
                let headers = &mut (*self.as_ptr()).headers_in;
                *(if is_range { &mut headers.range } else { &mut headers.if_range }) = header;
            }
        }
    }

    /// Gives what the client sent as `Accept-Encoding` to `edit`, and sends upstream what that
    /// returns. What nginx itself sends to the client goes by what the client said.
    pub fn narrow_accept_encoding(self, edit: impl Fn(&[u8]) -> Vec<u8>) {
        // SAFETY: alive, and on the event loop; null, or where nginx keeps null or an element of
        // the list of incoming headers.
        let field = unsafe { shim::ig_request_accept_encoding(self.as_ptr()).as_mut() };
        if let Some(field) = field
            // SAFETY: as above.
            && let Some(header) = unsafe { field.as_ref() }
        {
            // SAFETY: the pool is live; nginx answers null when it has no memory.
            let copy = unsafe { ngx_pcalloc(self.pool(), size_of::<ngx_table_elt_t>()) };
            let copy = copy.cast::<ngx_table_elt_t>();
            if copy.is_null() {
                return;
            }
            // SAFETY: a new element, outside the list.
            unsafe { copy.write(*header) };
            *field = copy;
        }
        self.each_incoming(b"Accept-Encoding", |header| {
            // Without memory the client's own value stays.
            let _ = header.set_value(&edit(header.value()));
        });
    }
}

/// What a client said of ranges. The bytes live as long as its request.
#[derive(Clone, Copy)]
pub struct DroppedRange {
    range: ngx_str_t,
    if_range: Option<ngx_str_t>,
}

/// Outgoing headers.
impl<'r> Request<'r> {
    /// The status; 0 before one is set.
    pub fn status(self) -> ngx_uint_t {
        self.get().headers_out.status
    }

    /// Sets the status, and forgets a status line that an upstream sent.
    pub fn set_status(self, status: u32) {
        // SAFETY: alive, and on the event loop.
        let headers = unsafe { &mut (*self.as_ptr()).headers_out };
        headers.status = status as ngx_uint_t;
        headers.status_line = ngx_str_t::empty();
    }

    /// The length that the response announces.
    pub fn content_length(self) -> Option<u64> {
        u64::try_from(self.get().headers_out.content_length_n).ok()
    }

    /// Announces that length, or none.
    pub fn set_content_length(self, length: Option<usize>) {
        // SAFETY: alive, and on the event loop.
        let headers = unsafe { &mut (*self.as_ptr()).headers_out };
        headers.content_length_n = length.and_then(|length| length.try_into().ok()).unwrap_or(-1);
        clear(&mut headers.content_length);
    }

    /// The media type, with its parameters; empty where there is none.
    pub fn content_type(&self) -> &[u8] {
        self.get().headers_out.content_type.as_bytes()
    }

    /// Sets the media type.
    pub fn set_content_type(self, media_type: &'static str) {
        // SAFETY: alive, and on the event loop.
        let headers = unsafe { &mut (*self.as_ptr()).headers_out };
        headers.content_type = text(media_type);
        headers.content_type_len = media_type.len();
        headers.content_type_lowcase = std::ptr::null_mut();
        headers.charset = ngx_str_t::empty();
    }

    /// Sends no media type.
    pub fn clear_content_type(self) {
        // SAFETY: alive, and on the event loop.
        unsafe { (*self.as_ptr()).headers_out.content_type = ngx_str_t::empty() };
    }

    /// Sends no `Content-Encoding`.
    pub fn clear_content_encoding(self) {
        // SAFETY: alive, and on the event loop.
        clear(unsafe { &mut (*self.as_ptr()).headers_out.content_encoding });
        self.drop_headers(|name| is_named(name, b"Content-Encoding"));
    }

    /// Sends `Content-Encoding`, where there is none.
    ///
    /// # Errors
    /// There is no memory.
    pub fn set_content_encoding(self, coding: &str) -> Result<(), NoMemory> {
        let header = self.push_header("Content-Encoding", coding.as_bytes()).ok_or(NoMemory)?;
        // SAFETY: alive, and on the event loop; the header is one of the request's list.
        unsafe { (*self.as_ptr()).headers_out.content_encoding = header.as_ptr() };
        Ok(())
    }

    /// The values of all outgoing headers called `name`.
    pub fn values(self, name: &'static [u8]) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        self.outgoing().filter_map(move |(key, value)| is_named(key, name).then_some(value))
    }

    /// All outgoing headers that are sent, as far as they are in nginx's list.
    pub fn outgoing(self) -> impl Iterator<Item = (&'r [u8], &'r [u8])> + use<'r> {
        elements(self.outgoing_list()).filter_map(|header| {
            // SAFETY: an element of the list; its bytes live as long as the request.
            let (hash, key, value) =
                unsafe { ((*header).hash, bytes((*header).key), bytes((*header).value)) };
            (hash != 0).then_some((key, value))
        })
    }

    /// Which headers its answer has now.
    pub fn mark_outgoing(self) -> OutgoingMark {
        OutgoingMark(self.outgoing().map(OutgoingMark::place).collect())
    }

    fn outgoing_list(self) -> *mut ngx_list_t {
        // SAFETY: alive, and on the event loop.
        unsafe { &raw mut (*self.as_ptr()).headers_out.headers }
    }

    /// The headers that its upstream sent; none where there is no upstream.
    pub fn upstream_headers(self) -> impl Iterator<Item = (&'r [u8], &'r [u8])> {
        let upstream = self.get().upstream;
        // SAFETY: null, or the upstream of a live request, whose headers are a part of it.
        let list =
            (!upstream.is_null()).then(|| unsafe { &raw mut (*upstream).headers_in.headers });
        // SAFETY: elements of the list, whose bytes live as long as the request.
        list.into_iter()
            .flat_map(elements)
            .map(|header| unsafe { (bytes((*header).key), bytes((*header).value)) })
    }

    /// Sends no header whose name `is_one` knows, of those that nginx knows nothing of.
    pub fn drop_headers(self, is_one: impl Fn(&[u8]) -> bool) {
        self.each_of(is_one, |header| header.hash = 0);
    }

    /// Neither announces nor serves ranges.
    pub fn clear_ranges(self) {
        // SAFETY: alive, and on the event loop.
        unsafe {
            shim::ig_request_set_allow_ranges(self.as_ptr(), 0);
            clear(&mut (*self.as_ptr()).headers_out.accept_ranges);
            clear(&mut (*self.as_ptr()).headers_out.content_range);
        }
        self.drop_headers(|name| {
            is_named(name, b"Accept-Ranges") || is_named(name, b"Content-Range")
        });
    }

    /// Sends none of the trailers that came with the source. What is added to the answer is added
    /// later.
    pub fn clear_trailers(self) {
        // SAFETY: alive, and on the event loop: an empty list is one whose first part is its last.
        unsafe {
            let trailers = &raw mut (*self.as_ptr()).headers_out.trailers;
            (*trailers).part.nelts = 0;
            (*trailers).part.next = std::ptr::null_mut();
            (*trailers).last = &raw mut (*trailers).part;
            shim::ig_request_set_expect_trailers(self.as_ptr(), 0);
        }
        self.drop_headers(|name| is_named(name, b"Trailer"));
    }

    /// The value of `ETag`.
    pub fn etag(&self) -> Option<&[u8]> {
        header(self.get().headers_out.etag)
    }

    /// When it began, in seconds since 1970.
    pub fn started(&self) -> u64 {
        u64::try_from(self.get().start_sec).unwrap_or(0)
    }

    /// The time of the last modification, in seconds since 1970.
    pub fn last_modified(self) -> Option<time_t> {
        Some(self.get().headers_out.last_modified_time).filter(|&time| time != -1)
    }

    /// Sends `tag` as the `ETag`, or none.
    ///
    /// # Errors
    /// Without memory there is none.
    pub fn set_etag(self, tag: Option<&[u8]>) -> Result<(), NoMemory> {
        // SAFETY: alive, and on the event loop.
        clear(unsafe { &mut (*self.as_ptr()).headers_out.etag });
        self.drop_headers(|name| is_named(name, b"ETag"));
        let Some(tag) = tag else { return Ok(()) };
        let header = self.push_header("ETag", tag).ok_or(NoMemory)?;
        // SAFETY: as above.
        unsafe { (*self.as_ptr()).headers_out.etag = header.as_ptr() };
        Ok(())
    }

    /// Adds a header.
    pub fn push_header(self, name: &'static str, value: &[u8]) -> Option<NonNull<ngx_table_elt_t>> {
        let value = pool::copy(self.pool(), value)?;
        // SAFETY: alive; nginx answers null when it has no memory.
        let header = NonNull::new(unsafe {
            ngx_list_push(&raw mut (*self.as_ptr()).headers_out.headers).cast::<ngx_table_elt_t>()
        })?;
        // SAFETY: the new element is uninitialized; newer nginx has a `next` in it, for which
        // zero is right.
        unsafe {
            header.write_bytes(0, 1);
            (*header.as_ptr()).hash = 1;
            (*header.as_ptr()).key = text(name);
            (*header.as_ptr()).value = value;
        }
        Some(header)
    }

    /// Says how to ask again, unless something else does; nginx takes it back where `satisfy any`
    /// lets the request in all the same.
    pub fn challenge(self, value: &[u8]) {
        if !self.get().headers_out.www_authenticate.is_null() {
            return;
        }
        if let Some(header) = self.push_header("WWW-Authenticate", value) {
            // SAFETY: alive, and on the event loop.
            unsafe { (*self.as_ptr()).headers_out.www_authenticate = header.as_ptr() };
        }
    }

    /// Gives the values of all outgoing headers called `name` to `replace`, and sets what it
    /// returns.
    pub fn replace_header(self, name: &[u8], replace: impl Fn(&[u8]) -> Option<Vec<u8>>) {
        self.each_header(name, |header| {
            if let Some(value) = replace(header.value.as_bytes())
                && let Some(value) = pool::copy(self.pool(), &value)
            {
                header.value = value;
            }
        });
    }

    /// Adds `name` to what `Vary` lists, unless it is there or everything is.
    ///
    /// # Errors
    /// Without memory it is not added.
    pub fn add_vary(self, name: &'static str) -> Result<(), NoMemory> {
        self.add_unless("Vary", name, |listed| {
            listed == b"*" || listed.eq_ignore_ascii_case(name.as_bytes())
        })
    }

    /// Adds `item` to what the header `name` lists, unless it lists something of which `is_enough`
    /// says so.
    ///
    /// # Errors
    /// Without memory it is not added.
    pub fn add_unless(
        self,
        name: &'static str,
        item: &'static str,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> Result<(), NoMemory> {
        let mut is_listed = false;
        self.each_header(name.as_bytes(), |header| {
            let mut items = header.value.as_bytes().split(|&byte| byte == b',');
            is_listed |= items.any(|item| is_enough(item.trim_ascii()));
        });
        if is_listed {
            return Ok(());
        }
        let mut added = false;
        self.each_header(name.as_bytes(), |header| {
            let before = header.value.as_bytes();
            if !added && !before.trim_ascii().is_empty() {
                let all = [before, b", ", item.as_bytes()].concat();
                if let Some(value) = pool::copy(self.pool(), &all) {
                    header.value = value;
                    added = true;
                }
            }
        });
        if !added {
            self.push_header(name, item.as_bytes()).ok_or(NoMemory)?;
        }
        Ok(())
    }

    /// Gives where the client is sent to `edit`, and sends it where that says.
    ///
    /// # Errors
    /// There is no memory.
    pub fn edit_location(self, edit: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Result<(), NoMemory> {
        let mut result = Ok(());
        self.each_header(b"Location", |header| {
            let Some(edited) = edit(header.value.as_bytes()) else { return };
            match pool::copy(self.pool(), &edited) {
                Some(value) => header.value = value,
                None => result = Err(NoMemory),
            }
        });
        result
    }

    fn each_header(self, name: &[u8], visit: impl FnMut(&mut ngx_table_elt_t)) {
        self.each_of(|key| is_named(key, name), visit);
    }

    fn each_of(self, is_one: impl Fn(&[u8]) -> bool, mut visit: impl FnMut(&mut ngx_table_elt_t)) {
        // SAFETY: alive, and on the event loop.
        let list = unsafe { &raw mut (*self.as_ptr()).headers_out.headers };
        for header in elements(list) {
            // SAFETY: an element of the list, and nothing else uses it now.
            let header = unsafe { &mut *header };
            if header.hash != 0 && is_one(header.key.as_bytes()) {
                visit(header);
            }
        }
    }

    /// Forgets all outgoing headers.
    pub fn clean_headers(self) {
        // SAFETY: alive, and no header was sent yet.
        unsafe { ngx_http_clean_header(self.as_ptr()) }
    }

    /// Whether the header filter found that no body is to be sent.
    pub fn is_header_only(self) -> bool {
        // SAFETY: alive.
        unsafe { shim::ig_request_header_only(self.as_ptr()) != 0 }
    }
}

/// How the body is read and the answer comes to be sent.
impl<'r> Request<'r> {
    /// Has the copy filter read files into memory before us.
    pub fn need_in_memory(self) {
        // SAFETY: alive, and on the event loop.
        unsafe { shim::ig_request_set_main_filter_need_in_memory(self.as_ptr(), 1) }
    }

    /// Has the copy filter hand files on unread, as with `sendfile on`. The next request on the
    /// connection, and the next location of this one, get what their configuration says.
    pub fn leave_files_unread(self) {
        // SAFETY: alive, and on the event loop; a live request has a connection.
        unsafe { shim::ig_connection_set_sendfile(self.get().connection, 1) }
    }

    /// Keeps a file with the request's body open to the end: what comes out of filters behind a
    /// held answer may ask for more, with that body. Must come before the header filters return.
    pub fn preserve_body(self) {
        // SAFETY: alive, and on the event loop.
        unsafe { shim::ig_request_set_preserve_body(self.as_ptr(), 1) }
    }

    /// The status of an error that this is the answer to, or what a directive puts in its place; 0
    /// where there was none.
    pub fn error_status(self) -> ngx_uint_t {
        self.get().err_status
    }

    /// Whether what is sent answers an error that nginx itself found, or that a directive
    /// intercepted.
    pub fn is_error_page(self) -> bool {
        self.get().err_status != 0
    }

    /// Has the next error be answered by nginx's own page, whatever `error_page` says; or as that
    /// says.
    pub fn spare_error_page(self, spare: bool) {
        // SAFETY: alive, and on the event loop.
        unsafe { shim::ig_request_set_error_page(self.as_ptr(), usize::from(spare)) }
    }

    /// Whether the next error is answered by nginx's own page.
    pub fn has_error_pages_spared(self) -> bool {
        // SAFETY: alive.
        unsafe { shim::ig_request_error_page(self.as_ptr()) != 0 }
    }

    /// Whether the body comes from an upstream or from its cache.
    pub fn has_upstream(self) -> bool {
        !self.get().upstream.is_null()
    }

    /// Whether the body comes from an upstream, and not from its cache.
    pub fn is_from_upstream(self) -> bool {
        // SAFETY: alive.
        !self.get().upstream.is_null() && unsafe { shim::ig_request_cached(self.as_ptr()) == 0 }
    }

    /// Whether nginx puts the body together of parts, as `slice` does: each is asked for once the one
    /// before has gone out.
    pub fn comes_in_parts(self) -> bool {
        // SAFETY: alive.
        unsafe { shim::ig_request_subrequest_ranges(self.as_ptr()) != 0 }
    }

    /// Whether the end of the body is told from a connection that broke: by a length, chunks, or
    /// the protocol of an upstream that does not simply close.
    pub fn is_end_announced(self) -> bool {
        // SAFETY: null, or the upstream of a live request.
        let Some(upstream) = (unsafe { self.get().upstream.as_ref() }) else { return true };
        let closes = matches!(
            upstream.schema.as_bytes(),
            b"http://"
                | b"https://"
                | b"uwsgi://"
                | b"suwsgi://"
                | b"scgi://"
                // Its end is told, but nginx does not miss it.
                | b"fastcgi://"
        );
        // SAFETY: the headers are a part of the upstream.
        let chunked =
            || unsafe { shim::ig_upstream_headers_chunked(&raw const upstream.headers_in) } != 0;
        !closes || upstream.headers_in.content_length_n >= 0 || chunked()
    }

    /// Whether an upstream was used and is done with.
    pub fn is_upstream_finalized(self) -> bool {
        // SAFETY: null, or the upstream of a live request; it has no cleanup once finalized.
        unsafe { self.get().upstream.as_ref() }.is_some_and(|upstream| upstream.cleanup.is_null())
    }

    /// Ends the upstream if one is at work, so that it sends us nothing more.
    pub fn abandon_upstream(self) {
        // SAFETY: null, or the upstream of a live request; its cleanup is null or the slot of its
        // handler. The handler gives back one reference to the request, hence the one taken, as
        // where nginx itself replaces an upstream.
        unsafe {
            if let Some(upstream) = self.get().upstream.as_ref()
                && let Some(handler) = upstream.cleanup.as_ref().copied().flatten()
            {
                let main = self.get().main;
                shim::ig_request_set_count(main, shim::ig_request_count(main) + 1);
                handler(self.as_ptr().cast());
            }
        }
    }

    /// Whether nginx itself waits for a file of this request.
    pub fn is_in_file_io(self) -> bool {
        // SAFETY: alive.
        unsafe { shim::ig_request_aio(self.as_ptr()) != 0 }
    }

    /// Keeps the request unfinished although its handler may be done.
    pub fn hold(self) {
        // SAFETY: alive, and on the event loop.
        unsafe {
            let bits = shim::ig_request_buffered(self.as_ptr());
            shim::ig_request_set_buffered(self.as_ptr(), bits | IMAGE_BUFFERED);
        }
    }

    /// Undoes [`hold`](Request::hold).
    pub fn release(self) {
        // SAFETY: alive, and on the event loop.
        unsafe {
            let bits = shim::ig_request_buffered(self.as_ptr());
            shim::ig_request_set_buffered(self.as_ptr(), bits & !IMAGE_BUFFERED);
        }
    }

    /// Keeps nginx from writing, and so from counting `send_timeout`, or lets it again.
    pub fn delay_writing(self, delay: bool) {
        // SAFETY: a live request has a connection, and that a write event.
        unsafe {
            let write = (*self.connection()).write;
            shim::ig_event_set_delayed(write, usize::from(delay));
            if shim::ig_event_timer_set(write) != 0 {
                shim::ig_event_del_timer(write);
            }
        }
    }

    /// Keeps the request alive, whatever happens to its client, while a thread works for it; or
    /// ends that.
    pub(super) fn block(self, block: bool) {
        let main = self.get().main;
        // SAFETY: alive, and on the event loop.
        unsafe {
            let blocked = shim::ig_request_blocked(main);
            let blocked = if block { blocked + 1 } else { blocked.saturating_sub(1) };
            shim::ig_request_set_blocked(main, blocked);
            shim::ig_request_set_aio(self.as_ptr(), usize::from(block));
        }
    }

    /// Keeps the memory of the request beyond its end, until it is [given up](Request::give_up).
    pub fn retain(self) {
        let main = self.get().main;
        // SAFETY: alive, and on the event loop.
        unsafe { shim::ig_request_set_count(main, shim::ig_request_count(main) + 1) };
    }

    /// Undoes [`retain`](Request::retain). The request may be gone afterwards.
    pub(super) fn give_up(self) {
        // SAFETY: alive. Of a connection that broke, only its handler knows how to clean up.
        if unsafe { shim::ig_connection_error(self.connection()) } != 0 {
            self.resume();
        } else {
            self.finalize(NGX_DONE as ngx_int_t);
        }
    }

    /// Whether the client is gone or the request was ended while we waited.
    pub fn is_dead(self) -> bool {
        // SAFETY: alive.
        unsafe {
            shim::ig_request_done(self.as_ptr()) != 0
                || shim::ig_connection_error(self.connection()) != 0
        }
    }

    /// Lets nginx go on with a request that waited. The request may be gone afterwards.
    pub(super) fn resume(self) {
        let connection = self.connection();
        let dead = self.is_dead();
        // SAFETY: alive, and the handlers are nginx's own. Of a request that was ended meanwhile,
        // only the connection's handler knows how to clean up.
        unsafe {
            if dead {
                let write = (*connection).write;
                if let Some(handler) = (*write).handler {
                    handler(write);
                }
            } else {
                if let Some(handler) = self.get().write_event_handler {
                    handler(self.as_ptr());
                }
                ngx_http_run_posted_requests(connection);
            }
        }
    }

    /// Answers with an error status, through `error_page`, or ends what an internal redirect began,
    /// given its outcome. The request may be gone afterwards.
    pub(super) fn finalize(self, status: ngx_int_t) {
        let connection = self.connection();
        // SAFETY: alive, on the event loop with none of its handlers on the stack.
        unsafe {
            ngx_http_finalize_request(self.as_ptr(), status);
            ngx_http_run_posted_requests(connection);
        }
    }
}

impl<'r> Request<'r> {
    /// Keeps a value as long as the request.
    pub fn attach<T: 'static>(self, value: T) -> Option<&'r T> {
        // SAFETY: what is in the request's pool lives for `'r`.
        Pooled::new(self.pool(), value).map(|value| unsafe { &*value.as_ptr() })
    }

    /// The value of that type that was [attached](Request::attach) last.
    pub fn attached<T: 'static>(self) -> Option<&'r T> {
        // SAFETY: as in `attach`.
        Pooled::find(self.pool(), |_| true).map(|value: Pooled<T>| unsafe { &*value.as_ptr() })
    }

    /// Keeps a value as long as the request, for this one alone: those that nginx makes of it share
    /// its memory.
    pub fn attach_own<T: 'static>(self, value: T) -> Option<&'r T> {
        self.attach(Own { request: self.id(), value }).map(|own| &own.value)
    }

    /// The value of that type that was attached [for this request alone](Request::attach_own) last.
    pub fn own<T: 'static>(self) -> Option<&'r T> {
        let is_own = |own: &Own<T>| own.request == self.id();
        // SAFETY: as in `attach`.
        Pooled::find(self.pool(), is_own)
            .map(|own: Pooled<Own<T>>| unsafe { &(*own.as_ptr()).value })
    }
}

/// A value of one request.
struct Own<T> {
    request: RequestId,
    value: T,
}

/// See [`Request::id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(usize);

/// A request that may be over.
#[derive(Clone)]
pub struct WeakRequest {
    request: NonNull<ngx_http_request_t>,
    alive: Rc<Cell<bool>>,
}

impl WeakRequest {
    /// Whether the request is alive. For the event loop, which [`WeakRequest`] never leaves.
    pub fn is_alive(&self) -> bool {
        // SAFETY: what says so is dropped with the pool of the request, which nginx takes out of the
        // request before it frees either.
        self.alive.get() && unsafe { !(*self.request.as_ref().main).pool.is_null() }
    }

    /// Runs `body` with the request, if it is alive, for as long as that takes and no longer.
    pub fn with<R>(&self, body: impl for<'r> FnOnce(Request<'r>) -> R) -> Option<R> {
        self.is_alive().then(|| body(Request(self.request, PhantomData)))
    }
}

/// Is dropped with the request.
struct Alive(Rc<Cell<bool>>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Headers of an answer, by where their bytes are: nginx may take all out and put others in.
pub struct OutgoingMark(Vec<(usize, usize)>);

impl OutgoingMark {
    fn place((name, value): (&[u8], &[u8])) -> (usize, usize) {
        (name.as_ptr().addr(), value.as_ptr().addr())
    }

    /// Whether a header of that answer is one of them.
    pub fn has(&self, header: (&[u8], &[u8])) -> bool {
        self.0.contains(&OutgoingMark::place(header))
    }
}

/// The headers of a live request's list.
fn elements(list: *mut ngx_list_t) -> impl Iterator<Item = *mut ngx_table_elt_t> + Clone {
    // SAFETY: a list of a live request, whose parts null ends.
    let first = unsafe { &raw mut (*list).part };
    let parts = std::iter::successors(Some(first), |&part| {
        // SAFETY: as above.
        let next = unsafe { (*part).next };
        (!next.is_null()).then_some(next)
    });
    parts.flat_map(|part| {
        // SAFETY: a part has `nelts` elements.
        let (first, len) = unsafe { ((*part).elts.cast::<ngx_table_elt_t>(), (*part).nelts) };
        // SAFETY: within the part.
        (0..len).map(move |i| unsafe { first.add(i) })
    })
}

fn header<'a>(header: *mut ngx_table_elt_t) -> Option<&'a [u8]> {
    // SAFETY: null, or an element of a header list, which lives as long as the request; its value
    // is a string in the request's memory.
    unsafe { header.as_ref().filter(|header| header.hash != 0).map(|header| bytes(header.value)) }
}

fn clear(field: &mut *mut ngx_table_elt_t) {
    // SAFETY: null, or an element of the list of outgoing headers; a zero hash hides it.
    if let Some(header) = unsafe { field.as_mut() } {
        header.hash = 0;
    }
    *field = std::ptr::null_mut();
}
