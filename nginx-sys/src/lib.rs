//! What the module uses of nginx's headers.
//!
//! Generated for the nginx that the module is built for. Forks have fields, arguments and
//! constants of their own: what differs among them is reached by the module's C shim.

mod bindings {
    #![allow(missing_docs)]
    #![allow(dead_code)]
    #![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
    #![allow(unsafe_op_in_unsafe_fn)]
    #![allow(improper_ctypes, unnecessary_transmutes)]
    #![allow(clippy::all, clippy::undocumented_unsafe_blocks)]
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

use std::mem::offset_of;
use std::ptr;

pub use bindings::*;

/// Where directives of all of `http` find their configuration.
pub const NGX_HTTP_MAIN_CONF_OFFSET: usize = offset_of!(ngx_http_conf_ctx_t, main_conf);
/// Where directives of a server find it.
pub const NGX_HTTP_SRV_CONF_OFFSET: usize = offset_of!(ngx_http_conf_ctx_t, srv_conf);
/// Where directives of a location find it.
pub const NGX_HTTP_LOC_CONF_OFFSET: usize = offset_of!(ngx_http_conf_ctx_t, loc_conf);

impl ngx_str_t {
    /// The string without anything: `ngx_null_string`.
    pub const fn empty() -> Self {
        ngx_str_t { len: 0, data: ptr::null_mut() }
    }

    /// Its bytes. A string of nginx that isn't empty has `len` readable ones.
    pub fn as_bytes(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: see above; who makes one keeps to it.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }

    /// What is behind its first `at` bytes; empty where there are no more.
    pub fn tail(&self, at: usize) -> Self {
        let at = at.min(self.len);
        // SAFETY: within the string.
        ngx_str_t { len: self.len - at, data: unsafe { self.data.add(at) } }
    }
}

impl Default for ngx_str_t {
    fn default() -> Self {
        ngx_str_t::empty()
    }
}

impl ngx_command_t {
    /// What ends a table of directives: `ngx_null_command`.
    pub const fn empty() -> Self {
        ngx_command_t {
            name: ngx_str_t::empty(),
            type_: 0,
            set: None,
            conf: 0,
            offset: 0,
            post: ptr::null_mut(),
        }
    }
}

impl ngx_array_t {
    /// Its elements.
    ///
    /// # Safety
    /// It is initialized, and its elements are `T`s.
    pub unsafe fn as_slice<T>(&self) -> &[T] {
        if self.nelts == 0 {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.elts.cast(), self.nelts) }
    }
}
