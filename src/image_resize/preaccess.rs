//! What the source is asked for: all of it, as ranges of what is transformed don't exist, and in no
//! coding that can't be undone.

use image_gate_core::image::acceptable_codings;
use nginx_sys::{NGX_DECLINED, ngx_int_t};

use super::conf::{Mode, conf};
use crate::ngx::Request;
use crate::ngx::phase::Handler;
use crate::ngx::request::DroppedRange;

const DECLINED: ngx_int_t = NGX_DECLINED as ngx_int_t;

pub enum Preaccess {}

impl Handler for Preaccess {
    const PANICKED: ngx_int_t = DECLINED;

    fn handle(request: Request<'_>) -> ngx_int_t {
        let mode = conf(&request).map(|conf| conf.mode()).unwrap_or_default();
        if !matches!(mode, Mode::Off) && request.is_main() {
            if let Some(dropped) = request.drop_range() {
                // Without memory there is no range, which is as right.
                let _ = request.attach(dropped);
            }
            request.narrow_accept_encoding(acceptable_codings);
        }
        DECLINED
    }
}

/// Serves the range that the client asked for, where what goes out is the source as it came.
pub fn restore_range(request: Request<'_>) {
    if let Some(dropped) = request.attached::<DroppedRange>() {
        request.restore_range(dropped);
    }
}
