//! `ngx_http_image_resize_module`: images transformed in a body filter, off the event loop.

mod begin;
mod body;
mod conf;
mod context;
mod counting;
mod directives;
mod dispatch;
mod events;
mod failure;
mod filter;
mod headers;
mod hints;
mod hold;
mod job;
pub mod keep;
mod kept_by;
pub mod link;
mod lint;
mod merge;
mod on_error;
mod params;
mod plan;
mod preaccess;
mod queue;
mod response_info;
mod settings;
mod sniff;
mod spare;
pub mod status;
mod task;
mod timers;
mod url;
mod value;
mod variables;
mod watermark;
mod watermark_cache;
mod zone;

use nginx_sys::{
    NGX_LOG_ERR, NGX_LOG_NOTICE, ngx_http_phases_NGX_HTTP_LOG_PHASE as LOG,
    ngx_http_phases_NGX_HTTP_PREACCESS_PHASE as PREACCESS,
    ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE as PRECONTENT,
};

use crate::ngx;
use crate::ngx::module::Hooks;
use crate::ngx::{Cycle, Parser, Reported, allocator, phase, variable, worker};
pub use conf::{ImageResize, LocConf, MainConf};
pub use context::Context;

impl Hooks for ImageResize {
    fn before(parser: Parser<'_>) -> Result<(), Reported> {
        variable::add(parser, variables::VARIABLES)
    }

    fn after(parser: Parser<'_>) -> Result<(), Reported> {
        ngx::filter::install::<filter::Images>();
        variable::make_room(parser);
        lint::check(parser, parser.main::<ImageResize>().ok_or(Reported)?)?;
        phase::add::<preaccess::Preaccess>(parser, PREACCESS)?;
        phase::add::<params::Precontent>(parser, PRECONTENT)?;
        phase::add::<counting::Log>(parser, LOG)
    }

    /// Says where all other requests will wait for images, and nobody asked for that.
    fn taken(cycle: Cycle<'_>) {
        let main = cycle.main::<ImageResize>();
        if let Some(main) = main {
            for (path, place) in main.notes.files.borrow().iter() {
                place.warn_of_unread(Some(path), cycle);
            }
        }
        if main.is_some_and(|main| main.is_blocking.get()) {
            cycle.write(
                NGX_LOG_NOTICE,
                format_args!(
                    "image_resize: this nginx is built without threads: images are made on the \
                     event loop, where other requests wait for them"
                ),
            );
        }
    }

    fn begin_process(cycle: Cycle<'_>) {
        if cycle.main::<ImageResize>().is_some_and(|main| main.has_jobs.get()) {
            allocator::return_freed_images();
            allocator::join_freed();
            // While it is small, and before there are other threads that are at work.
            if worker::is_worker()
                && let Err(error) = worker::PROCESSES.start()
            {
                cycle.write(
                    NGX_LOG_ERR,
                    format_args!("image_resize: no process for decoders: {error}"),
                );
            }
        }
    }

    fn end_process() {
        worker::PROCESSES.stop();
    }
}
