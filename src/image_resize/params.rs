//! Parameters that a URL names, refused before the source is asked for.

use nginx_sys::{NGX_DECLINED, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_SEE_OTHER, ngx_int_t};

use super::conf::conf;
use super::response_info::Failure;
use super::{headers, link};
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
        if request.is_main() && conf.mode().makes_image() && link::leads_on(request) {
            return see_information(request);
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

/// Sends the client of the IIIF Image API from the base URI of a picture to what is told of it.
fn see_information(request: Request<'_>) -> ngx_int_t {
    let target = match link::written_out(request) {
        Ok(uri) => uri + "/info.json",
        Err(error) => return super::failure::fail_in_phase(request, &error.into()),
    };
    let is_set = headers::allow_all_origins(request).is_ok()
        && request.push_header("Location", target.as_bytes()).is_some();
    let status = if is_set { NGX_HTTP_SEE_OTHER } else { NGX_HTTP_INTERNAL_SERVER_ERROR };
    status as ngx_int_t
}
