//! `ngx_http_image_resize_module`: images transformed in a body filter, off the event loop.

mod conf;
mod context;
mod directives;
mod filter;
mod headers;
mod job;
mod plan;
mod queue;
mod range;
mod variables;

use std::ffi::{c_char, c_void};
use std::ptr::null_mut;

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_MODULE, NGX_OK, ngx_command_t, ngx_conf_t, ngx_http_module_t, ngx_int_t,
    ngx_module_t, ngx_uint_t,
};

use crate::ngx::guard::guard;
use crate::ngx::{Request, conf as ngx_conf, variable};
use conf::LocConf;

static mut COMMANDS: [ngx_command_t; directives::COUNT + 1] =
    ngx_conf::commands::<LocConf, { directives::COUNT + 1 }>();

static CONTEXT: ngx_http_module_t = ngx_http_module_t {
    preconfiguration: Some(preconfiguration),
    postconfiguration: Some(postconfiguration),
    create_main_conf: None,
    init_main_conf: None,
    create_srv_conf: None,
    merge_srv_conf: None,
    create_loc_conf: Some(create_loc_conf),
    merge_loc_conf: Some(merge_loc_conf),
};

/// The module.
pub static mut MODULE: ngx_module_t = ngx_module_t {
    ctx: (&raw const CONTEXT).cast_mut().cast(),
    commands: (&raw mut COMMANDS).cast(),
    type_: NGX_HTTP_MODULE as ngx_uint_t,
    ..ngx_module_t::default()
};

/// The configuration at a request's location.
fn conf(request: &Request) -> Option<&LocConf> {
    // SAFETY: `create_loc_conf` of this module makes a `LocConf`.
    unsafe { request.loc_conf(&raw const MODULE) }
}

unsafe extern "C" fn preconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
    outcome(cf, || variable::add(cf, variables::VARIABLES))
}

unsafe extern "C" fn postconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
    outcome(cf, || {
        filter::install();
        range::install(cf)
    })
}

fn outcome(cf: *mut ngx_conf_t, body: impl FnOnce() -> bool) -> ngx_int_t {
    // SAFETY: the parser is live while it calls us.
    let log = unsafe { (*cf).log };
    let ok = guard(log, false, body);
    (if ok { NGX_OK as i32 } else { NGX_ERROR }) as ngx_int_t
}

unsafe extern "C" fn create_loc_conf(cf: *mut ngx_conf_t) -> *mut c_void {
    // SAFETY: the parser is live while it calls us.
    let log = unsafe { (*cf).log };
    guard(log, null_mut(), || {
        crate::ngx::Pooled::new(ngx_conf::pool(cf), LocConf::default())
            .map_or(null_mut(), |conf| conf.as_ptr().cast())
    })
}

unsafe extern "C" fn merge_loc_conf(
    cf: *mut ngx_conf_t,
    parent: *mut c_void,
    child: *mut c_void,
) -> *mut c_char {
    const NGX_CONF_ERROR: *mut c_char = usize::MAX as *mut c_char;
    // SAFETY: both are what `create_loc_conf` made, for two different levels.
    let (log, parent, child) =
        unsafe { ((*cf).log, parent.cast::<LocConf>().as_ref(), child.cast::<LocConf>().as_mut()) };
    guard(log, NGX_CONF_ERROR, || {
        let (Some(parent), Some(child)) = (parent, child) else { return NGX_CONF_ERROR };
        if child.merge(parent, cf) { null_mut() } else { NGX_CONF_ERROR }
    })
}
