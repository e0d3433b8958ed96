//! Signatures and session tokens are masked where access logs show them.

use nginx_sys::{NGX_OK, ngx_int_t};

use super::conf::{ImageGateS3, conf};
use crate::ngx::Request;
use crate::ngx::phase::Handler;

/// What stands where a secret was.
const MASK: &str = "***";

const URI: &[u8] = b"image_gate_s3_uri";

/// Variables that hold a secret; the URI only where it is signed itself.
const SECRET: [&[u8]; 3] = [b"image_gate_s3_authorization", b"image_gate_s3_session_token", URI];

/// Handler of the log phase, ahead of those that write.
pub enum Log {}

impl Handler for Log {
    const PANICKED: ngx_int_t = NGX_OK as ngx_int_t;

    fn handle(request: Request<'_>) -> ngx_int_t {
        let places = places(&request);
        if places.is_empty() {
            return NGX_OK as ngx_int_t;
        }
        // What it came from may still have to be signed for. Without memory, that is refused.
        if !request.is_main() {
            let _ = request.own_variables();
        }
        let origin = conf(&request).and_then(|conf| conf.origin());
        let origin = origin.filter(|origin| origin.name.is_some());
        let is_presigned = origin.map(|origin| origin.origin.borrow().is_presigned());
        for &place in places {
            let is_uri = request.variable_name(place) == URI;
            // Nobody signs for a log.
            let is_secret = match request.known_value(place) {
                None => is_presigned.is_some_and(|is_presigned| is_presigned || !is_uri),
                Some(value) if is_uri => is_signed(value),
                Some(value) => !value.is_empty(),
            };
            if is_secret {
                request.set_known_value(place, MASK.as_bytes(), MASK);
            }
        }
        NGX_OK as ngx_int_t
    }
}

/// Whether a URI holds its signature.
fn is_signed(uri: &[u8]) -> bool {
    const SIGNATURE: &[u8] = b"X-Amz-Signature=";
    uri.windows(SIGNATURE.len()).any(|part| part == SIGNATURE)
}

/// The places of those variables that the configuration names.
fn places<'a>(request: &'a Request<'_>) -> &'a [usize] {
    let Some(main) = request.main_conf::<ImageGateS3>() else { return &[] };
    main.secret.get_or_init(|| {
        let names = request.variable_names().into_iter().enumerate();
        names.filter(|(_, name)| SECRET.contains(name)).map(|(place, _)| place).collect()
    })
}
