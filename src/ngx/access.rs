//! What decides, in the access phase, whether a request is let in.

use nginx_sys::{
    NGX_DECLINED, NGX_HTTP_FORBIDDEN, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_SATISFY_ANY,
    NGX_HTTP_UNAUTHORIZED, ngx_int_t, ngx_uint_t,
};

use super::Request;
use super::module::Core;
use super::shim;
use super::strings::bytes;

impl<'r> Request<'r> {
    /// Whether nginx came here by `error_page`, or may have: where error pages have error pages, it keeps
    /// no trace of it.
    pub fn may_be_error_page(self) -> bool {
        let core = self.location::<Core>();
        let is_recursive = core.is_some_and(|core| core.recursive_error_pages == 1);
        let r = self.as_ptr();
        // SAFETY: alive.
        unsafe {
            shim::ig_request_error_page(r) != 0 || is_recursive && shim::ig_request_internal(r) != 0
        }
    }

    /// Whether one of all access modules is enough: `satisfy any`.
    pub fn is_satisfied_by_any(self) -> bool {
        let core = self.location::<Core>();
        core.is_some_and(|core| core.satisfy == NGX_HTTP_SATISFY_ANY as ngx_uint_t)
    }

    /// Whether the access phase of its location let it in, so that it is in a later one.
    pub fn is_let_in(self) -> bool {
        // SAFETY: alive; the handlers of nginx's phases are ended by one without a checker.
        unsafe { shim::ig_request_is_let_in(self.as_ptr()) != 0 }
    }

    /// What a handler returns to refuse a subrequest, which never comes to the access phase: no page of
    /// `error_page` makes another answer of it, by which whoever asked would take it for let in.
    pub fn refuse_subrequest(self, status: ngx_int_t) -> ngx_int_t {
        self.spare_error_page(true);
        if status < 0 { NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t } else { status }
    }

    /// What a handler of the access phase returns to refuse a request with any status. For a
    /// request that others may still let in, nginx itself keeps only 401 and 403 in mind.
    pub fn refuse_access(self, status: u32) -> ngx_int_t {
        if !self.is_satisfied_by_any()
            || matches!(status, NGX_HTTP_UNAUTHORIZED | NGX_HTTP_FORBIDDEN)
        {
            return status as ngx_int_t;
        }
        // SAFETY: alive, and on the event loop.
        let code = unsafe { &mut (*self.as_ptr()).access_code };
        // Who was asked for a password may still give it.
        if *code != NGX_HTTP_UNAUTHORIZED as ngx_uint_t {
            *code = status as ngx_uint_t;
        }
        NGX_DECLINED as ngx_int_t
    }

    /// The client's address, as text.
    pub fn address(&self) -> &[u8] {
        // SAFETY: a live request has a connection, whose text lives as long.
        unsafe { bytes((*(*self.as_ptr()).connection).addr_text) }
    }

    /// The name of the server that answers, as lines of the error log have it.
    pub fn name_of_server(&self) -> &[u8] {
        let server = self.server::<Core>();
        // SAFETY: as above; the name lives as long as the configuration.
        server.map_or(&[], |server| unsafe { bytes(server.server_name) })
    }
}
