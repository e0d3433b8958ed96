//! `ngx_http_access_key_module`: partner keys, quotas and metering.

mod access;
mod accounting;
mod alert;
mod background;
mod caches;
mod conf;
mod directives;
mod export;
mod lint;
mod mask;
mod merge;
mod pace;
mod passes;
mod problem;
mod redirect;
mod request_key;
mod sent_back;
mod source_names;
mod status;
mod strip;
mod taken;
mod usage;
mod values;
mod variables;
mod zone;

use nginx_sys::{
    NGX_LOG_ERR, ngx_http_phases_NGX_HTTP_ACCESS_PHASE as ACCESS,
    ngx_http_phases_NGX_HTTP_LOG_PHASE as LOG,
    ngx_http_phases_NGX_HTTP_POST_READ_PHASE as POST_READ,
    ngx_http_phases_NGX_HTTP_PREACCESS_PHASE as PREACCESS,
    ngx_http_phases_NGX_HTTP_REWRITE_PHASE as REWRITE,
};

use crate::image_resize::status::TROUBLES;
use crate::ngx::conf::WarnedOnce;
use crate::ngx::module::Hooks;
use crate::ngx::{
    Cycle, Parser, Reported, allocator, error_body, filter, kept_memory, phase, variable, worker,
};
pub use caches::AccessKeyFilter;
pub use conf::{AccessKey, LocConf, MainConf, SrvConf};
pub use request_key::RequestKeys;

impl Hooks for AccessKey {
    fn before(parser: Parser<'_>) -> Result<(), Reported> {
        variable::add(parser, variables::VARIABLES)
    }

    fn after(parser: Parser<'_>) -> Result<(), Reported> {
        if let Some(main) = parser.main::<AccessKey>() {
            let warned = WarnedOnce::default();
            redirect::warn(parser, main, &warned);
            taken::warn(parser, main, &warned);
            taken::warn_of_folders(parser, main);
            passes::warn(parser, main);
            passes::warn_of_pages(parser, main);
            lint::check(parser, main)?;
            if !main.zones.is_empty() {
                let _ = TROUBLES.set(conf::troubles);
                error_body::install::<problem::Problems>();
                filter::install_writer::<pace::Paced>();
            }
        }
        // nginx runs the handlers of a phase from the last to the first, but those that log the
        // other way round: ours comes before the one that writes.
        phase::add::<mask::PostRead>(parser, POST_READ)?;
        phase::add::<strip::Rewrite>(parser, REWRITE)?;
        // Before `return` answers. The blocks of `if` say nothing of this.
        phase::add::<access::Subrequest>(parser, REWRITE)?;
        phase::add_first::<strip::Forget>(parser, PREACCESS)?;
        phase::add::<access::Access>(parser, ACCESS)?;
        phase::add_first::<accounting::Log>(parser, LOG)
    }

    /// Keeps good key files. In a process that answers requests itself, the zones of the new
    /// configuration take over.
    fn taken(cycle: Cycle<'_>) {
        let main = cycle.main::<AccessKey>();
        for zone in main.iter().flat_map(|main| &main.zones) {
            if let (Some(place), Some(live)) = (zone.file_place.get(), zone.live()) {
                let polled = live.file.poll.map(|_| &*live.file.path);
                place.warn_of_unread(polled, cycle);
            }
            let kept = if worker::is_test() { Ok(()) } else { zone.keep_keys(cycle.user()) };
            if let Err(reason) = kept {
                let name = &zone.name;
                let line =
                    format_args!("access_key: zone \"{name}\" can't keep its keys: {reason}");
                cycle.write(NGX_LOG_ERR, line);
            }
        }
        kept_memory::take();
        conf::note_taken(main);
        if main.is_some_and(|main| !main.zones.is_empty()) {
            allocator::sort_freed();
        }
        background::THREADS.restart(|| main.into_iter().for_each(background::start));
    }

    fn begin_process(cycle: Cycle<'_>) {
        let main = cycle.main::<AccessKey>();
        kept_memory::begin_process();
        if main.is_some_and(|main| !main.zones.is_empty()) {
            allocator::join_freed();
        }
        for zone in main.iter().flat_map(|main| main.live()) {
            zone.begin_process(worker::identity());
        }
        background::THREADS.begin_process(|| main.into_iter().for_each(background::start));
    }

    fn end_process() {
        background::THREADS.stop();
    }
}
