//! `ngx_http_image_resize_module`: images transformed in a body filter, off the event loop.

mod ask;
mod conf;
mod context;
mod directives;
mod events;
mod failure;
mod filter;
mod headers;
mod job;
mod lint;
mod marks;
mod params;
mod plan;
mod policy;
mod queue;
mod sniff;
mod status;
mod variables;
mod watermark;
mod zone;

use nginx_sys::{
    NGX_LOG_NOTICE, NGX_OK, ngx_command_t, ngx_conf_t, ngx_cycle_t, ngx_http_module_t,
    ngx_http_phases_NGX_HTTP_LOG_PHASE, ngx_int_t, ngx_module_t,
};

use crate::ngx::conf::{commands, create, main_conf, merge, merged_loc_conf, no_commands, outcome};
use crate::ngx::guard::{guard, report_panics};
use crate::ngx::{Request, log, memory, phase, variable, worker};
use conf::{LocConf, MainConf};

#[unsafe(export_name = "ngx_http_image_resize_module_commands")]
static mut COMMANDS: [ngx_command_t; directives::COUNT + 1] =
    commands::<LocConf, _>(commands::<MainConf, _>(no_commands(), 0), directives::MAIN);

#[unsafe(export_name = "ngx_http_image_resize_module_ctx")]
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
    #[link_name = "ngx_http_image_resize_module"]
    pub static mut MODULE: ngx_module_t;
}

/// The configuration of the location that is being merged, by a module behind this one.
pub fn merged<'a>(cf: *mut ngx_conf_t) -> Option<&'a LocConf> {
    // SAFETY: `create_loc_conf` of this module is `create::<LocConf>`, and modules merge in turn.
    unsafe { merged_loc_conf(cf, &raw const MODULE) }
}

/// The configuration at a request's location.
fn conf(request: &Request) -> Option<&LocConf> {
    // SAFETY: `create_loc_conf` of this module is `create::<LocConf>`.
    unsafe { request.loc_conf(&raw const MODULE) }
}

unsafe extern "C" fn preconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
    report_panics();
    outcome(cf, || variable::add(cf, variables::VARIABLES))
}

unsafe extern "C" fn postconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
    outcome(cf, || {
        filter::install();
        // SAFETY: `create_main_conf` of this module is `create::<MainConf>`, and nobody writes it
        // any more.
        let main = unsafe { main_conf::<MainConf>(cf, &raw const MODULE) };
        main.is_some_and(|main| lint::check(cf, main))
            && ask::install(cf)
            && params::install(cf)
            && phase::add(cf, ngx_http_phases_NGX_HTTP_LOG_PHASE, zone::log_handler)
    })
}

/// Says where all other requests will wait for images, and nobody asked for that.
#[unsafe(export_name = "ngx_http_image_resize_init_module")]
unsafe extern "C" fn init_module(cycle: *mut ngx_cycle_t) -> ngx_int_t {
    // SAFETY: the cycle that nginx is about to take, whose configuration is complete.
    let log = unsafe { (*cycle).log };
    guard(log, NGX_OK as ngx_int_t, || {
        // SAFETY: `create_main_conf` of this module is `create::<MainConf>`; the cycle is live.
        let main = unsafe { worker::main_conf_of::<MainConf>(cycle, &raw const MODULE) };
        if main.is_some_and(|main| main.is_blocking.get()) {
            log::write(
                log,
                NGX_LOG_NOTICE,
                format_args!(
                    "image_resize: this nginx is built without threads: images are made on the \
                     event loop, where other requests wait for them"
                ),
            );
        }
        NGX_OK as ngx_int_t
    })
}

#[unsafe(export_name = "ngx_http_image_resize_init_process")]
unsafe extern "C" fn init_process(cycle: *mut ngx_cycle_t) -> ngx_int_t {
    // SAFETY: nginx passes the cycle of the new process, which is complete; `create_main_conf` of
    // this module is `create::<MainConf>`.
    let main = unsafe { worker::main_conf_of::<MainConf>(cycle, &raw const MODULE) };
    if main.is_some_and(|main| main.has_jobs.get()) {
        memory::return_freed_images();
    }
    NGX_OK as ngx_int_t
}
