//! `ngx_http_access_key_module`: partner keys, quotas and metering.

mod access;
mod conf;
mod directives;
mod export;
mod helper;
mod lint;
mod mask;
mod memory;
mod meter;
mod redirect;
mod status;
mod store;
mod strip;
mod variables;
mod visit;
mod zone;

use nginx_sys::{
    NGX_LOG_ERR, NGX_OK, ngx_command_t, ngx_conf_t, ngx_cycle_t, ngx_http_module_t,
    ngx_http_phases_NGX_HTTP_ACCESS_PHASE as ACCESS, ngx_http_phases_NGX_HTTP_LOG_PHASE as LOG,
    ngx_http_phases_NGX_HTTP_POST_READ_PHASE as POST_READ,
    ngx_http_phases_NGX_HTTP_REWRITE_PHASE as REWRITE, ngx_int_t, ngx_module_t,
};

use crate::ngx::conf::{commands, create, init, main_conf, merge, no_commands, outcome};
use crate::ngx::guard::guard;
use crate::ngx::{Request, log, phase, variable, worker};
use conf::{LocConf, MainConf, SrvConf};
use directives::{COUNT, MAIN, SERVER};

#[unsafe(export_name = "ngx_http_access_key_module_commands")]
static mut COMMANDS: [ngx_command_t; COUNT + 1] = commands::<LocConf, _>(
    commands::<SrvConf, _>(commands::<MainConf, _>(no_commands(), 0), MAIN),
    MAIN + SERVER,
);

#[unsafe(export_name = "ngx_http_access_key_module_ctx")]
static CONTEXT: ngx_http_module_t = ngx_http_module_t {
    preconfiguration: Some(preconfiguration),
    postconfiguration: Some(postconfiguration),
    create_main_conf: Some(create::<MainConf>),
    init_main_conf: Some(init::<MainConf>),
    create_srv_conf: Some(create::<SrvConf>),
    merge_srv_conf: Some(merge::<SrvConf>),
    create_loc_conf: Some(create::<LocConf>),
    merge_loc_conf: Some(merge::<LocConf>),
};

unsafe extern "C" {
    /// The module, made in `modules.c` of the statics and functions that are exported here.
    #[link_name = "ngx_http_access_key_module"]
    pub static mut MODULE: ngx_module_t;
}

/// The configuration at a request's location.
fn conf(request: &Request) -> Option<&LocConf> {
    // SAFETY: `create_loc_conf` of this module is `create::<LocConf>`.
    unsafe { request.loc_conf(&raw const MODULE) }
}

/// The configuration of a request's server.
fn server(request: &Request) -> Option<&SrvConf> {
    // SAFETY: `create_srv_conf` of this module is `create::<SrvConf>`.
    unsafe { request.srv_conf(&raw const MODULE) }
}

/// Starts what works beside the event loop for the zones of a configuration.
fn start_threads(main: Option<&MainConf>) {
    let Some(main) = main else { return };
    helper::start(main.live());
    export::start(main);
}

/// Stops it. Answers whether there was any.
fn stop_threads() -> bool {
    // The exports first: the helper saves what is counted last.
    let had_exports = export::stop();
    helper::stop() || had_exports
}

unsafe extern "C" fn preconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
    outcome(cf, || variable::add(cf, variables::VARIABLES))
}

unsafe extern "C" fn postconfiguration(cf: *mut ngx_conf_t) -> ngx_int_t {
    outcome(cf, || {
        // SAFETY: `create_main_conf` of this module is `create::<MainConf>`, and nobody writes it
        // any more.
        if let Some(main) = unsafe { main_conf::<MainConf>(cf, &raw const MODULE) } {
            redirect::warn(cf, main);
            if !lint::check(cf, main) {
                return false;
            }
        }
        // nginx runs the handlers of a phase from the last to the first, but those that log the
        // other way round: ours comes before the one that writes.
        phase::add(cf, POST_READ, mask::post_read)
            && phase::add(cf, REWRITE, strip::rewrite)
            && phase::add(cf, ACCESS, access::handler)
            && phase::add_first(cf, LOG, meter::handler)
    })
}

/// Keeps good key files. In a process that answers requests itself, the zones of the
/// new configuration take over.
#[unsafe(export_name = "ngx_http_access_key_init_module")]
unsafe extern "C" fn init_module(cycle: *mut ngx_cycle_t) -> ngx_int_t {
    // SAFETY: the cycle that nginx is about to take, whose configuration is complete.
    let (log, user) = unsafe { ((*cycle).log, worker::user_of(cycle)) };
    guard(log, NGX_OK as ngx_int_t, || {
        // SAFETY: `create_main_conf` of this module is `create::<MainConf>`; the cycle is not
        // `ngx_cycle` yet.
        let main = unsafe { worker::main_conf_of::<MainConf>(cycle, &raw const MODULE) };
        for zone in main.iter().flat_map(|main| &main.zones) {
            let kept = if worker::is_test() { Ok(()) } else { zone.keep_keys(user) };
            if let Err(reason) = kept {
                let name = &zone.name;
                let line =
                    format_args!("access_key: zone \"{name}\" can't keep its keys: {reason}");
                log::write(log, NGX_LOG_ERR, line);
            }
        }
        if stop_threads() {
            start_threads(main);
        }
        NGX_OK as ngx_int_t
    })
}

#[unsafe(export_name = "ngx_http_access_key_init_process")]
unsafe extern "C" fn init_process(cycle: *mut ngx_cycle_t) -> ngx_int_t {
    // SAFETY: the running cycle.
    let log = unsafe { (*cycle).log };
    guard(log, NGX_OK as ngx_int_t, || {
        // The processes for caches end without a word.
        if worker::is_worker() {
            // SAFETY: `create_main_conf` of this module is `create::<MainConf>`.
            let main = unsafe { worker::main_conf::<MainConf>(&raw const MODULE) };
            start_threads(main);
        }
        NGX_OK as ngx_int_t
    })
}

#[unsafe(export_name = "ngx_http_access_key_exit_process")]
unsafe extern "C" fn exit_process(cycle: *mut ngx_cycle_t) {
    // SAFETY: the running cycle.
    let log = unsafe { (*cycle).log };
    guard(log, (), || {
        stop_threads();
    });
}
