//! `ngx_http_secure_link_hash_module`: signed links.

mod access;
mod conf;
mod directives;
mod keys;
mod lint;
mod strip;
mod variables;
mod verdict;

use nginx_sys::{
    ngx_command_t, ngx_conf_t, ngx_http_module_t, ngx_http_phases_NGX_HTTP_ACCESS_PHASE as ACCESS,
    ngx_http_phases_NGX_HTTP_LOG_PHASE as LOG,
    ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE as PRECONTENT, ngx_int_t, ngx_module_t,
};

use crate::ngx::conf::{
    Directives, commands, create, main_conf, merge, no_commands, outcome, pooled_loc_conf,
};
use crate::ngx::{Pooled, Request, phase, variable};
pub use conf::LocConf;
use conf::MainConf;

const COUNT: usize = LocConf::DIRECTIVES.len();

#[unsafe(export_name = "ngx_http_secure_link_hash_module_commands")]
static mut COMMANDS: [ngx_command_t; COUNT + 1] = commands::<LocConf, _>(no_commands(), 0);

#[unsafe(export_name = "ngx_http_secure_link_hash_module_ctx")]
static CONTEXT: ngx_http_module_t = ngx_http_module_t {
    preconfiguration: Some(preconfiguration),
    postconfiguration: Some(postconfiguration),
    create_main_conf: Some(create::<MainConf>),
    init_main_conf: None,
    create_srv_conf: None,
    merge_srv_conf: None,
    create_loc_conf: Some(create::<LocConf>),
    merge_loc_conf: Some(merge::<LocConf>),
};

unsafe extern "C" {
    /// The module, made in `modules.c` of the statics and functions that are exported here.
    #[link_name = "ngx_http_secure_link_hash_module"]
    pub static mut MODULE: ngx_module_t;
}

/// The configuration at a request's location.
fn conf(request: &Request) -> Option<&LocConf> {
    // SAFETY: `create_loc_conf` of this module is `create::<LocConf>`.
    unsafe { request.loc_conf(&raw const MODULE) }
}

/// The configuration of the location that is merged; it may be merged yet.
pub fn merged(cf: *mut ngx_conf_t) -> Option<Pooled<LocConf>> {
    // SAFETY: `create_loc_conf` of this module is `create::<LocConf>`.
    unsafe { pooled_loc_conf(cf, &raw const MODULE) }
}

/// The configuration of all of `http`.
fn main(request: &Request) -> Option<&MainConf> {
    // SAFETY: `create_main_conf` of this module is `create::<MainConf>`.
    unsafe { request.main_conf(&raw const MODULE) }
}

unsafe extern "C" fn preconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
    outcome(cf, || variable::add(cf, variables::VARIABLES))
}

unsafe extern "C" fn postconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
    outcome(cf, || {
        // SAFETY: `create_main_conf` of this module is `create::<MainConf>`, and nobody writes it
        // any more.
        let Some(main) = (unsafe { main_conf::<MainConf>(cf, &raw const MODULE) }) else {
            return false;
        };
        lint::warn(cf, main);
        let strips = !main.kept.borrow().is_empty();
        // nginx runs the handlers of a phase from the last to the first, but those that log the
        // other way round: ours takes arguments away before the one that writes. In the access
        // phase there are two: before the others, that a bad link costs no more, and after them,
        // since under `satisfy any` only the last word is sure to be heard.
        let access = !strips && !main.is_required.get()
            || phase::add(cf, ACCESS, access::before_others)
                && phase::add_first(cf, ACCESS, access::after_others);
        let strip = !strips
            || phase::add(cf, PRECONTENT, strip::handler)
                && phase::add_first(cf, LOG, strip::handler);
        access && strip
    })
}
