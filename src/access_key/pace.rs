//! `rate=` of the key file: answers to all requests of a partner go out no faster together.

use nginx_sys::ngx_int_t;

use super::request_key::{RequestKey, RequestKeys};
use crate::ngx::filter::Writer;
use crate::ngx::{Request, worker};

/// Writes answers of partners at their pace.
///
/// nginx's own filter that writes knows how to send so many bytes and to come back after a time:
/// that is its `limit_rate`. For each attempt it is told what a partner may have now, or how long
/// there is nothing.
pub enum Paced {}

impl Writer for Paced {
    fn write(request: Request<'_>, write: impl FnOnce() -> ngx_int_t) -> ngx_int_t {
        let paced = RequestKeys::find(request).and_then(RequestKeys::paced);
        let Some((request_key, rate)) = paced else { return write() };
        let Some(record) = request_key.record() else { return write() };
        // What its link, its location or its upstream allows it alone.
        let own = match request_key.own_rate.get() {
            Some(own) => own,
            None => {
                let own = request.own_limit_rate().unwrap_or(rate).min(rate);
                request_key.own_rate.set(Some(own));
                own
            }
        };
        let taken = record.pace.take(worker::milliseconds().saturating_mul(1_000), rate);
        match taken {
            Ok(portion) => request.allow(own, portion.min(own)),
            Err(rest) => request.postpone(own, rest),
        }
        let rc = write();
        record.pace.pay(taken.unwrap_or(0), unpaid(request, &request_key), rate);
        rc
    }
}

/// Pays for what went out after the last attempt to write.
pub fn settle(request: Request<'_>) {
    let Some((request_key, rate)) = RequestKeys::find(request).and_then(RequestKeys::paced) else {
        return;
    };
    if let Some(record) = request_key.record() {
        record.pace.pay(0, unpaid(request, &request_key), rate);
    }
}

/// What was sent and is not paid for. Over HTTP/2 frames of a request wait for their connection, and go
/// out between its attempts to write.
fn unpaid(request: Request<'_>, request_key: &RequestKey) -> u64 {
    let sent = request.bytes_sent();
    sent.saturating_sub(request_key.paid_bytes.replace(sent))
}
