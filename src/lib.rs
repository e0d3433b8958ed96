//! The modules that nginx finds in `ngx_http_image_gate_module.so`.

mod access_key;
mod files;
mod image_resize;
mod ngx;
mod secure_link_hash;

use std::ffi::c_char;
use std::ptr::null;

use nginx_sys::ngx_module_t;

/// The modules, ended by null.
#[unsafe(no_mangle)]
pub static mut ngx_modules: [*const ngx_module_t; 4] = [
    &raw const image_resize::MODULE,
    &raw const access_key::MODULE,
    &raw const secure_link_hash::MODULE,
    null(),
];

/// Their names.
#[unsafe(no_mangle)]
pub static mut ngx_module_names: [*const c_char; 4] = [
    c"ngx_http_image_resize_module".as_ptr(),
    c"ngx_http_access_key_module".as_ptr(),
    c"ngx_http_secure_link_hash_module".as_ptr(),
    null(),
];

/// Where the filter stands in nginx's list: before the copy filter, the place of auxiliary
/// filters. Filters run from the end of the list to its start, so the copy filter has read files
/// into memory where that is needed, and the headers filter has not run yet and can use our
/// variables.
#[unsafe(no_mangle)]
pub static mut ngx_module_order: [*const c_char; 3] =
    [c"ngx_http_image_resize_module".as_ptr(), c"ngx_http_copy_filter_module".as_ptr(), null()];
