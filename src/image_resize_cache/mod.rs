//! `ngx_http_image_resize_cache_module`: results of `image_resize` that are kept, and made once.
//!
//! A request is looked up before its content handler runs. What is there is sent; what is not is made
//! by one request of all workers, while the others that want it wait.

mod conf;
mod directives;
mod entry;
mod flights;
mod fonts;
mod keeper;
mod lookup;
mod merge;
mod pass;
mod purge;
mod source;
mod variables;
mod writer;

use nginx_sys::{
    ngx_http_phases_NGX_HTTP_LOG_PHASE as LOG,
    ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE as PRECONTENT,
};

use crate::ngx::module::Hooks;
use crate::ngx::{Cycle, Parser, Reported, phase, variable};
pub use conf::{ImageResizeCache, LocConf, MainConf};
pub use pass::Pass;

impl Hooks for ImageResizeCache {
    fn before(parser: Parser<'_>) -> Result<(), Reported> {
        variable::add(parser, variables::VARIABLES)
    }

    /// Adds the handler behind all others of its phase: what they refuse, change or mirror is refused,
    /// changed or mirrored for what is kept, too.
    fn after(parser: Parser<'_>) -> Result<(), Reported> {
        let main = parser.main::<ImageResizeCache>().ok_or(Reported)?;
        for place in main.places.borrow().iter() {
            if place.is_in_location && !place.is_used.get() {
                let reason = match place.name {
                    "image_resize_cache" => "has no effect: no image is made here",
                    _ => {
                        "has no effect: there is no \"image_resize_cache\" and nothing that is \
                         made here"
                    }
                };
                place.warn(parser, format_args!("{reason}"));
            }
        }
        for cache in main.caches.iter().filter(|cache| !cache.place.is_used.get()) {
            let name = String::from_utf8_lossy(&cache.name);
            let reason = format_args!("no location has \"image_resize_cache {name}\"");
            cache.place.warn(parser, reason);
        }
        if main.caches.is_empty() {
            return Ok(());
        }
        phase::add_first::<lookup::Precontent>(parser, PRECONTENT)?;
        phase::add::<lookup::Log>(parser, LOG)
    }

    fn begin_process(cycle: Cycle<'_>) {
        if let Some(main) = cycle.main::<ImageResizeCache>() {
            writer::remove_leftovers(main.caches.iter().map(|cache| cache.path.to_path_buf()));
        }
    }
}
