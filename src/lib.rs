//! The modules that nginx finds in `ngx_http_image_gate_module.so`.

#![forbid(unused_must_use)]

#[deny(unsafe_code)]
mod access_key;
#[deny(unsafe_code)]
mod background;
#[deny(unsafe_code)]
mod image_gate_s3;
#[deny(unsafe_code)]
mod image_resize;
#[deny(unsafe_code)]
mod image_resize_cache;
mod modules;
mod ngx;
#[deny(unsafe_code)]
mod secure_link_hash;

use std::ffi::c_char;
use std::ptr::null;

#[global_allocator]
static MEMORY: image_gate_isolation::Memory = image_gate_isolation::Memory;

/// Their names.
#[unsafe(no_mangle)]
pub static mut ngx_module_names: [*const c_char; 7] = [
    c"ngx_http_image_gate_s3_module".as_ptr(),
    c"ngx_http_image_resize_module".as_ptr(),
    c"ngx_http_image_resize_cache_module".as_ptr(),
    c"ngx_http_access_key_module".as_ptr(),
    c"ngx_http_access_key_filter_module".as_ptr(),
    c"ngx_http_secure_link_hash_module".as_ptr(),
    null(),
];

/// Where the filters stand in nginx's list, which puts each before those that follow here. The one
/// of images is before the copy filter, the place of auxiliary filters. Filters run from the end of
/// the list to its start, so the copy filter has read files into memory where that is needed, and
/// the headers filter has not run yet and can use our variables. The one of answers for keys sees
/// what the headers filter added.
#[unsafe(no_mangle)]
pub static mut ngx_module_order: [*const c_char; 5] = [
    c"ngx_http_access_key_filter_module".as_ptr(),
    c"ngx_http_headers_filter_module".as_ptr(),
    c"ngx_http_image_resize_module".as_ptr(),
    c"ngx_http_copy_filter_module".as_ptr(),
    null(),
];

/// What must not compile, one file of `t/misuse` at a time: see `scripts/check-misuse`.
#[cfg(feature = "misuse")]
#[deny(unsafe_code)]
#[allow(dead_code, clippy::all, reason = "it is refused, or there to be compared with that")]
mod misuse {
    include!(env!("IMAGE_GATE_MISUSE"));
}
