//! The worker process.

use nginx_sys::{ngx_core_conf_t, ngx_core_module, ngx_cycle, ngx_ncpu};

/// This worker's share of the machine's processors, at least 1.
pub fn processors() -> u32 {
    // SAFETY: the cycle is set before any request; the core module's configuration is at its
    // index and not written any more.
    let workers = unsafe {
        let conf = *(*ngx_cycle).conf_ctx.add(ngx_core_module.index);
        (*conf.cast::<ngx_core_conf_t>()).worker_processes
    };
    // SAFETY: written once, before workers are forked.
    let processors = unsafe { ngx_ncpu };
    u32::try_from(processors / workers.max(1)).unwrap_or(1).max(1)
}
