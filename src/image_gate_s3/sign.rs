//! What a request sends to its bucket.

use std::cell::RefCell;
use std::rc::Rc;

use image_gate_core::s3::{Asked, SignedRequest};

use super::conf::{ImageGateS3, OriginConf, conf};
use crate::ngx::{Request, worker};

/// What was signed for a request last.
#[derive(Default)]
pub struct Context(RefCell<Option<Signed>>);

struct Signed {
    origin: Rc<OriginConf>,
    /// In seconds since 1970, as nginx has it.
    time: u64,
    head: bool,
    bucket: Vec<u8>,
    key: Vec<u8>,
    args: Vec<u8>,
    request: Rc<SignedRequest>,
}

/// Returns what is sent for a request. All that belongs to one signature is the same as long as
/// nginx has the same time: it evaluates the headers of a request at once.
pub fn signed(request: Request<'_>) -> Option<Rc<SignedRequest>> {
    let conf = conf(&request)?;
    let origin = conf.origin()?;
    let asked = Asked {
        head: request.asks_with_head(),
        bucket: conf.bucket_of(request),
        key: conf.key_of(&request),
        args: conf.args_of(request),
    };
    let time = worker::time();
    let context = match request.context::<ImageGateS3>() {
        Some(context) => context,
        None => request.set_context::<ImageGateS3>(Context::default())?,
    };
    let mut last = context.0.borrow_mut();
    if let Some(last) = &*last
        && Rc::ptr_eq(&last.origin, origin)
        && last.time == time
        && asked
            == (Asked { head: last.head, bucket: &last.bucket, key: &last.key, args: &last.args })
    {
        return Some(last.request.clone());
    }
    // Without the credentials that there should be, nothing is asked for.
    let credentials = match origin.credentials.get() {
        None => None,
        Some(known) => Some(known.get()?),
    };
    let signed = origin.origin.borrow_mut().sign(asked, credentials.as_ref(), time).ok()?;
    let signed = Rc::new(signed);
    *last = Some(Signed {
        origin: origin.clone(),
        time,
        head: asked.head,
        bucket: asked.bucket.to_vec(),
        key: asked.key.to_vec(),
        args: asked.args.to_vec(),
        request: signed.clone(),
    });
    Some(signed)
}
