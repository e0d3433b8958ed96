//! Answers that a content handler makes in memory.

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_OK, NGX_OK, ngx_http_discard_request_body,
    ngx_http_output_filter, ngx_http_send_header, ngx_int_t,
};

use super::{Pooled, Request, chain};

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
