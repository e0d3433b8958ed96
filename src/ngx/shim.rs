//! The Rust side of `shim.c` and `cache.c`.

use std::ffi::{c_char, c_int, c_void};

use nginx_sys::{
    ngx_buf_t, ngx_conf_t, ngx_connection_t, ngx_event_t, ngx_file_uniq_t,
    ngx_http_core_loc_conf_t, ngx_http_request_t, ngx_http_upstream_headers_in_t, ngx_int_t,
    ngx_list_t, ngx_log_t, ngx_msec_t, ngx_pool_t, ngx_str_t, ngx_table_elt_t, ngx_uint_t,
    ngx_variable_value_t, off_t, time_t,
};

/// What the last regular expression of a request has captured.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Captures {
    pub count: ngx_uint_t,
    pub places: *mut c_int,
    pub text: *mut u8,
    /// Whether the next one leaves the memory alone that these are in.
    pub is_shared: ngx_uint_t,
}

impl Captures {
    pub const NONE: Captures = Captures {
        count: 0,
        places: std::ptr::null_mut(),
        text: std::ptr::null_mut(),
        is_shared: 0,
    };
}

/// What one of `return`, `break`, `if` and `rewrite` does.
#[repr(C)]
pub struct RewriteStep {
    pub kind: ngx_uint_t,
    pub at: usize,
    /// Of the block of an `if`.
    pub end: usize,
    /// The variable that an `if` asks for, or the regular expression of a `rewrite`.
    pub name: ngx_str_t,
    /// How an `if` compares that: `=`, `!` or `~`; 0 where it only asks whether it is set. The status of a
    /// `return`.
    pub order: ngx_uint_t,
    /// What it compares it with by `=` and `!`, where that is the same each time; the text of a `return`; what
    /// a `rewrite` leads to, up to the first variable.
    pub text: ngx_str_t,
    /// Whether that of a `rewrite` is all of it.
    pub is_constant: ngx_uint_t,
}

/// nginx's thread pool; its layout is private to nginx.
#[repr(C)]
pub struct RawThreadPool {
    opaque: [u8; 0],
}

/// nginx's thread task; only the shim looks inside.
#[repr(C)]
pub struct ThreadTask {
    opaque: [u8; 0],
}

/// Until when an entry of a cache holds, and for how many seconds it may go out after that.
#[repr(C)]
pub struct CacheTimes {
    pub valid: time_t,
    pub updating: time_t,
    pub error: time_t,
}

/// What nginx knows of a file that it has opened, and for how many seconds it does not look at it again.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    pub fd: c_int,
    pub uniq: ngx_file_uniq_t,
    pub mtime: time_t,
    pub size: off_t,
    pub valid: time_t,
}

// SAFETY: `cache.c` defines them with these types.
unsafe extern "C" {
    pub fn ig_source_path(request: *mut ngx_http_request_t, path: *mut ngx_str_t) -> ngx_int_t;
    pub fn ig_source_has_variables(request: *mut ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_source_has_etags(request: *mut ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_source_is_by_name(request: *mut ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_source_open(
        request: *mut ngx_http_request_t,
        path: *mut ngx_str_t,
        opened: *mut Opened,
    ) -> ngx_int_t;
    pub fn ig_request_send_file(
        request: *mut ngx_http_request_t,
        fd: c_int,
        name: *mut ngx_str_t,
        start: off_t,
        end: off_t,
    ) -> ngx_int_t;
    pub fn ig_cache_available() -> ngx_uint_t;
    pub fn ig_cache_declare(
        cf: *mut ngx_conf_t,
        directive: *mut ngx_str_t,
        tag: *mut c_void,
        zone: *mut ngx_str_t,
        path: *mut ngx_str_t,
    ) -> *mut c_void;
    pub fn ig_cache_entry(
        request: *mut ngx_http_request_t,
        cache: *mut c_void,
        digest: *const u8,
        room: usize,
        min_uses: ngx_uint_t,
    ) -> *mut c_void;
    pub fn ig_cache_open(
        request: *mut ngx_http_request_t,
        entry: *mut c_void,
        detail: *mut ngx_uint_t,
    ) -> ngx_int_t;
    pub fn ig_cache_store_error(
        request: *mut ngx_http_request_t,
        entry: *mut c_void,
        status: ngx_uint_t,
        detail: ngx_uint_t,
        valid: time_t,
    ) -> ngx_int_t;
    pub fn ig_cache_is_read(entry: *mut c_void) -> ngx_uint_t;
    pub fn ig_cache_found(
        entry: *mut c_void,
        fd: *mut c_int,
        name: *mut ngx_str_t,
        head: *mut ngx_str_t,
        start: *mut off_t,
        end: *mut off_t,
    );
    pub fn ig_cache_header_len(entry: *mut c_void) -> usize;
    pub fn ig_cache_header(
        request: *mut ngx_http_request_t,
        entry: *mut c_void,
        found: *mut c_void,
        room: usize,
        times: *const CacheTimes,
        etag: *mut ngx_str_t,
        vary: *mut ngx_str_t,
        buf: *mut u8,
        key: *mut u8,
    ) -> ngx_int_t;
    pub fn ig_cache_source(
        entry: *mut c_void,
        etag: *mut ngx_str_t,
        modified: *mut time_t,
        valid: *mut time_t,
        updating: *mut ngx_uint_t,
        error: *mut ngx_uint_t,
    );
    pub fn ig_cache_renew(
        request: *mut ngx_http_request_t,
        entry: *mut c_void,
        times: *const CacheTimes,
    );
    pub fn ig_request_set_conditions(
        request: *mut ngx_http_request_t,
        etag: *mut ngx_str_t,
        modified: *mut ngx_str_t,
        before: *mut ngx_list_t,
    ) -> ngx_int_t;
    pub fn ig_request_set_headers(request: *mut ngx_http_request_t, list: *const ngx_list_t);
    pub fn ig_request_in_background(request: *mut ngx_http_request_t) -> *mut ngx_http_request_t;
    pub fn ig_http_time(pool: *mut ngx_pool_t, time: time_t, text: *mut ngx_str_t) -> ngx_int_t;
    pub fn ig_upstream_status(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_answer_anew(request: *mut ngx_http_request_t);
    pub fn ig_cache_store(
        request: *mut ngx_http_request_t,
        entry: *mut c_void,
        key: *mut u8,
        room: usize,
        fd: c_int,
        name: *mut ngx_str_t,
    ) -> ngx_int_t;
    pub fn ig_upstream_until(request: *mut ngx_http_request_t) -> time_t;
    pub fn ig_upstream_ignored(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_has_handler(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_server(
        request: *mut ngx_http_request_t,
        address: *mut ngx_str_t,
        host: *mut ngx_str_t,
        is_tls: *mut ngx_uint_t,
    ) -> ngx_int_t;
    pub fn ig_request_wait(request: *mut ngx_http_request_t) -> ngx_int_t;
    pub fn ig_request_go_on(request: *mut ngx_http_request_t);
    pub fn ig_request_stay(request: *mut ngx_http_request_t);
    pub fn ig_request_error_page(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_filter_finalize(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_internal(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_has_body(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_put_header(
        request: *mut ngx_http_request_t,
        name: *mut ngx_str_t,
        value: *mut ngx_str_t,
    ) -> ngx_int_t;
}

// SAFETY: `shim.c` defines them with these types.
unsafe extern "C" {
    pub fn ig_request_aio(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_blocked(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_buffered(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_cached(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_beside(
        request: *mut ngx_http_request_t,
        uri: *mut ngx_str_t,
        args: *mut ngx_str_t,
    ) -> *mut ngx_http_request_t;
    pub fn ig_request_is_let_in(request: *mut ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_count(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_done(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_own_limit_rate(request: *mut ngx_http_request_t) -> usize;
    pub fn ig_request_set_allowance(request: *mut ngx_http_request_t, rate: usize, bytes: i64);
    pub fn ig_request_limit_rate_set(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_set_limit_rate_set(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_subrequest_ranges(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_request_header_only(request: *const ngx_http_request_t) -> ngx_uint_t;
    pub fn ig_event_posted(event: *const ngx_event_t) -> ngx_uint_t;
    pub fn ig_event_timer_set(event: *const ngx_event_t) -> ngx_uint_t;
    pub fn ig_buf_flush(buf: *const ngx_buf_t) -> ngx_uint_t;
    pub fn ig_buf_in_file(buf: *const ngx_buf_t) -> ngx_uint_t;
    pub fn ig_buf_last_buf(buf: *const ngx_buf_t) -> ngx_uint_t;
    pub fn ig_buf_last_in_chain(buf: *const ngx_buf_t) -> ngx_uint_t;
    pub fn ig_upstream_headers_chunked(
        headers: *const ngx_http_upstream_headers_in_t,
    ) -> ngx_uint_t;
    pub fn ig_connection_error(connection: *const ngx_connection_t) -> ngx_uint_t;

    pub fn ig_location_exact_match(location: *const ngx_http_core_loc_conf_t) -> ngx_uint_t;
    pub fn ig_location_internal(location: *const ngx_http_core_loc_conf_t) -> ngx_uint_t;
    pub fn ig_location_named(location: *const ngx_http_core_loc_conf_t) -> ngx_uint_t;
    pub fn ig_location_noname(location: *const ngx_http_core_loc_conf_t) -> ngx_uint_t;
    pub fn ig_location_regex(location: *const ngx_http_core_loc_conf_t) -> ngx_uint_t;
    pub fn ig_location_matches(
        location: *const ngx_http_core_loc_conf_t,
        uri: *mut ngx_str_t,
    ) -> ngx_uint_t;
    pub fn ig_location_find(
        within: *const ngx_http_core_loc_conf_t,
        uri: *mut ngx_str_t,
        has_regexes: ngx_uint_t,
        is_sure: *mut ngx_uint_t,
    ) -> *const ngx_http_core_loc_conf_t;
    pub fn ig_value_set(value: *mut ngx_variable_value_t, found: *const ngx_str_t);
    pub fn ig_value_forget(value: *mut ngx_variable_value_t);
    pub fn ig_access_allows_all(conf: *const c_void) -> ngx_uint_t;
    pub fn ig_auth_basic_asks(conf: *const c_void) -> ngx_uint_t;
    pub fn ig_rewrite_has_codes(conf: *const c_void) -> ngx_uint_t;
    pub fn ig_rewrite_step(
        cf: *mut ngx_conf_t,
        conf: *const c_void,
        from: usize,
        step: *mut RewriteStep,
    ) -> ngx_uint_t;

    pub fn ig_request_captures(request: *const ngx_http_request_t, captures: *mut Captures);
    pub fn ig_request_set_captures(request: *mut ngx_http_request_t, captures: *const Captures);
    pub fn ig_request_accept_encoding(
        request: *mut ngx_http_request_t,
    ) -> *mut *mut ngx_table_elt_t;

    pub fn ig_request_set_aio(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_set_allow_ranges(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_set_blocked(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_set_buffered(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_set_count(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_set_error_page(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_set_expect_trailers(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_set_preserve_body(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_connection_set_sendfile(connection: *mut ngx_connection_t, value: ngx_uint_t);
    pub fn ig_request_set_main_filter_need_in_memory(
        request: *mut ngx_http_request_t,
        value: ngx_uint_t,
    );
    pub fn ig_request_set_valid_location(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_request_set_valid_unparsed_uri(request: *mut ngx_http_request_t, value: ngx_uint_t);
    pub fn ig_event_set_cancelable(event: *mut ngx_event_t, value: ngx_uint_t);
    pub fn ig_event_set_delayed(event: *mut ngx_event_t, value: ngx_uint_t);
    pub fn ig_event_set_timedout(event: *mut ngx_event_t, value: ngx_uint_t);
    pub fn ig_buf_set_last_buf(buf: *mut ngx_buf_t, value: ngx_uint_t);
    pub fn ig_buf_set_last_in_chain(buf: *mut ngx_buf_t, value: ngx_uint_t);
    pub fn ig_buf_set_temporary(buf: *mut ngx_buf_t, value: ngx_uint_t);

    pub fn ig_log(level: ngx_uint_t, log: *mut ngx_log_t, line: *const u8, len: usize);
    pub fn ig_conf_log(level: ngx_uint_t, cf: *mut ngx_conf_t, line: *const u8, len: usize);

    pub fn ig_buf_in_memory(buf: *const ngx_buf_t) -> ngx_uint_t;

    pub fn ig_event_add_timer(event: *mut ngx_event_t, timer: ngx_msec_t);
    pub fn ig_event_del_timer(event: *mut ngx_event_t);
    pub fn ig_event_post(event: *mut ngx_event_t);
    pub fn ig_event_unpost(event: *mut ngx_event_t);

    pub fn ig_request_censor(
        request: *mut ngx_http_request_t,
        censor: unsafe extern "C" fn(*mut ngx_http_request_t, *mut u8, *mut u8, *mut u8) -> *mut u8,
    );

    pub fn ig_set_process_title(title: *mut c_char);

    pub fn ig_threads_available() -> ngx_uint_t;
    pub fn ig_thread_pool_add(cf: *mut ngx_conf_t, name: *mut ngx_str_t) -> *mut RawThreadPool;
    pub fn ig_thread_pools_set_up(cf: *mut ngx_conf_t) -> ngx_int_t;
    pub fn ig_thread_task_create(
        pool: *mut ngx_pool_t,
        complete: unsafe extern "C" fn(*mut ngx_event_t),
        data: *mut c_void,
        log: *mut ngx_log_t,
    ) -> *mut ThreadTask;
    pub fn ig_thread_task_post(
        pool: *mut RawThreadPool,
        task: *mut ThreadTask,
        run: unsafe extern "C" fn(*mut c_void, *mut ngx_log_t),
        ctx: *mut c_void,
    ) -> ngx_int_t;
}
