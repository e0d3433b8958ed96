//! Parameters that a URL names, refused before the source is asked for.

use nginx_sys::{NGX_DECLINED, ngx_int_t};

use super::conf::conf;
use super::link;
use super::response_info::Failure;
use crate::ngx::Request;
use crate::ngx::phase::Handler;

const DECLINED: ngx_int_t = NGX_DECLINED as ngx_int_t;

/// Refuses wrong parameters once access was granted, and before the source is asked for.
pub enum Precontent {}

impl Handler for Precontent {
    const PANICKED: ngx_int_t = DECLINED;

    fn handle(request: Request<'_>) -> ngx_int_t {
        let Some(conf) = conf(&request) else { return DECLINED };
        // A link of which nothing is made still names a source; so do those of parts of a page.
        if let Err(failure) = link::valid(request) {
            return super::failure::fail_in_phase(request, &failure);
        }
        if !conf.takes_params() || !request.is_main() || !conf.mode().makes_image() {
            return DECLINED;
        }
        match conf.plan(request) {
            Err(failure @ Failure::Params(_)) => super::failure::fail_in_phase(request, &failure),
            // What else is wrong is answered where the source is an image.
            _ => DECLINED,
        }
    }
}
