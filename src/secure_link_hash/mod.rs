//! `ngx_http_secure_link_hash_module`: signed links.

mod access;
mod conf;
mod directives;
mod images;
mod keys;
mod lint;
mod merge;
mod strip;
mod variables;
mod verify;

use nginx_sys::{
    ngx_http_phases_NGX_HTTP_ACCESS_PHASE as ACCESS, ngx_http_phases_NGX_HTTP_LOG_PHASE as LOG,
    ngx_http_phases_NGX_HTTP_PRECONTENT_PHASE as PRECONTENT,
    ngx_http_phases_NGX_HTTP_REWRITE_PHASE as REWRITE,
};

use crate::ngx::module::Hooks;
use crate::ngx::{Parser, Reported, phase, variable};
pub use conf::{LocConf, MainConf, SecureLinkHash};
pub use verify::Context;

impl Hooks for SecureLinkHash {
    fn before(parser: Parser<'_>) -> Result<(), Reported> {
        variable::add(parser, variables::VARIABLES)
    }

    fn after(parser: Parser<'_>) -> Result<(), Reported> {
        let main = parser.main::<SecureLinkHash>().ok_or(Reported)?;
        lint::warn(parser, main);
        let strips = !main.kept.borrow().is_empty();
        // nginx runs the handlers of a phase from the last to the first, but those that log the
        // other way round: ours takes arguments away before the one that writes. In the access
        // phase there are two: before the others, that a bad link costs no more, and after them,
        // since under `satisfy any` only the last word is sure to be heard.
        if strips || main.is_required.get() {
            phase::add::<access::BeforeOthers>(parser, ACCESS)?;
            phase::add_first::<access::AfterOthers>(parser, ACCESS)?;
        }
        if main.is_required.get() {
            // Before `return` answers. The blocks of `if` say nothing of this.
            phase::add::<access::Subrequest>(parser, REWRITE)?;
        }
        if strips {
            phase::add::<strip::Strip>(parser, PRECONTENT)?;
            phase::add_first::<strip::Strip>(parser, LOG)?;
        }
        Ok(())
    }
}
