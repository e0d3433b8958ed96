//! `ngx_http_image_gate_s3_module`: requests to a private bucket that nginx signs itself. It only has
//! variables, so that all that goes out goes by nginx's own `proxy_pass`.

mod background;
mod check;
mod conf;
mod directives;
mod mask;
mod merge;
mod sign;
mod variables;

use nginx_sys::{
    ngx_http_phases_NGX_HTTP_LOG_PHASE as LOG,
    ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE as PRECONTENT,
};

use crate::ngx::module::Hooks;
use crate::ngx::{Cycle, Parser, Reported, phase, variable};
pub use conf::{ImageGateS3, LocConf, MainConf};
pub use sign::Context;

impl Hooks for ImageGateS3 {
    fn before(parser: Parser<'_>) -> Result<(), Reported> {
        variable::add_unlisted(parser, variables::VARIABLES)
    }

    fn after(parser: Parser<'_>) -> Result<(), Reported> {
        let main = parser.main::<ImageGateS3>().ok_or(Reported)?;
        main.warn(parser);
        if !main.is_used.get() {
            return Ok(());
        }
        // Behind those who refuse links, which may then name no key, and before the look-up of what
        // is kept, as this module comes before that one.
        phase::add_first::<check::Precontent>(parser, PRECONTENT)?;
        phase::add_first::<mask::Log>(parser, LOG)
    }

    fn taken(cycle: Cycle<'_>) {
        let main = cycle.main::<ImageGateS3>();
        for known in main.iter().flat_map(|main| &main.credentials) {
            known.place.warn_of_unread(known.polled(), cycle);
        }
        main.into_iter().for_each(|main| background::ask(main, cycle));
        background::THREADS.restart(|| main.into_iter().for_each(background::start));
    }

    fn begin_process(cycle: Cycle<'_>) {
        let main = cycle.main::<ImageGateS3>();
        background::THREADS.begin_process(|| main.into_iter().for_each(background::start));
    }

    fn end_process() {
        background::THREADS.stop();
    }
}
