//! Parameters that a URL names: the presets they may stand for, and their refusal.

use image_gate_core::image::{Error, Presets};
use nginx_sys::{NGX_DECLINED, ngx_int_t};

use super::context::Failure;
use super::{ImageResize, conf};
use crate::ngx::Request;
use crate::ngx::phase::Handler;

const DECLINED: ngx_int_t = NGX_DECLINED as ngx_int_t;

/// All presets.
pub fn presets<'a>(request: &'a Request<'_>) -> Result<&'a Presets, Error> {
    let conf = request.main_conf::<ImageResize>();
    conf.map(|conf| &conf.presets).ok_or_else(|| Error::Internal("no presets".into()))
}

/// Refuses wrong parameters once access was granted, and before the source is asked for.
pub enum Precontent {}

impl Handler for Precontent {
    fn handle(request: Request<'_>) -> ngx_int_t {
        let Some(conf) = conf(&request) else { return DECLINED };
        if conf.params.is_none() || !request.is_main() || !conf.geometry().mode.makes_image() {
            return DECLINED;
        }
        match conf.plan(request) {
            Err(failure @ Failure::Params(_)) => super::failure::deny(request, &failure),
            // What else is wrong is answered where the source is an image.
            _ => DECLINED,
        }
    }
}
