// error: lifetime may not live long enough
use crate::ngx::{Request, WeakRequest};

pub fn leak(request: &'static WeakRequest) -> Option<Request<'static>> {
    request.with(|request| request)
}
