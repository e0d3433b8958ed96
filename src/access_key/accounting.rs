//! What partners took is counted when a request is logged: once for each request of a client,
//! also for one that was aborted.

use nginx_sys::{NGX_HTTP_BAD_REQUEST, NGX_OK, ngx_int_t, ngx_uint_t};

use super::conf::conf;
use super::request_key::{AccessDecision, KeyStatus, RequestKeys};
use super::zone::Answered;
use super::{mask, pace, strip};
use crate::ngx::phase::Handler;
use crate::ngx::{Request, worker};

/// Handler of the log phase, ahead of those that write.
pub enum Log {}

impl Handler for Log {
    const PANICKED: ngx_int_t = NGX_OK as ngx_int_t;

    fn handle(request: Request<'_>) -> ngx_int_t {
        if request.is_main() {
            // Refused before the phase that would have looked for the key.
            if request.logged_status() >= NGX_HTTP_BAD_REQUEST as ngx_uint_t
                && !request.is_unprocessed()
                && RequestKeys::find(request).is_none()
                && let (Some(conf), Some(request_keys)) = (conf(&request), RequestKeys::of(request))
            {
                request_keys.here(request, conf);
            }
            count(request);
            pace::settle(request);
        }
        strip::forget(request);
        mask::before_log(request);
        NGX_OK as ngx_int_t
    }
}

fn count(request: Request<'_>) {
    let Some(request_keys) = RequestKeys::find(request) else { return };
    let time = worker::time();
    for request_key in request_keys.all().iter() {
        let (KeyStatus::Valid, Some(record)) = (request_key.key_status, request_key.record())
        else {
            continue;
        };
        let decision = request_key.decision.get();
        record.count(
            time,
            &request_key.zone.windows(time),
            &Answered {
                class: request.logged_status() / 100,
                sent: request.bytes_sent(),
                received: request.bytes_received(),
                admitted: decision.is_some_and(AccessDecision::lets_in),
                refused: matches!(
                    decision,
                    Some(AccessDecision::Quota | AccessDecision::Concurrency)
                ),
            },
        );
    }
}
