//! Locations, while the configuration is read.

use nginx_sys::{ngx_conf_t, ngx_http_conf_ctx_t, ngx_http_core_loc_conf_t, ngx_http_core_module};

use super::{phase, shim};

/// A location whose name is the beginning of URIs.
pub struct Location<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Whether the name is all of the URI: `location = /name`.
    pub is_exact: bool,
    /// Whether only internal redirects get there.
    pub is_internal: bool,
}

/// The core module's configuration of the location that is read or merged.
fn core(cf: *mut ngx_conf_t) -> *mut ngx_http_core_loc_conf_t {
    // SAFETY: inside `http`, the parser's context is an HTTP context, with an entry for every HTTP
    // module.
    unsafe {
        let ctx = (*cf).ctx.cast::<ngx_http_conf_ctx_t>();
        (*(*ctx).loc_conf.add(ngx_http_core_module.ctx_index)).cast()
    }
}

/// The location that is being merged; `None` for one that no prefix of a URI leads to.
pub fn current<'a>(cf: *mut ngx_conf_t) -> Option<Location<'a>> {
    let core = core(cf);
    // SAFETY: the core module's configuration of a location; its name is in the configuration's
    // pool, and nobody writes it any more.
    unsafe {
        let is_prefix = shim::ig_location_named(core) == 0
            && shim::ig_location_noname(core) == 0
            && shim::ig_location_regex(core) == 0;
        let name = super::conf::bytes((*core).name);
        (is_prefix && !name.is_empty()).then_some(Location {
            name,
            is_exact: shim::ig_location_exact_match(core) != 0,
            is_internal: shim::ig_location_internal(core) != 0,
        })
    }
}

/// Has `handler` answer the requests of the location that is being read. Answers whether nothing
/// else does.
pub fn set_handler(cf: *mut ngx_conf_t, handler: phase::Handler) -> bool {
    let core = core(cf);
    // SAFETY: the core module's configuration of the location, which directives may write.
    unsafe {
        let is_free = (*core).handler.is_none();
        if is_free {
            (*core).handler = Some(handler);
        }
        is_free
    }
}
