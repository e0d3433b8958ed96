// error: lifetime may not live long enough
use crate::ngx::Request;

pub fn keep(request: Request<'_>) -> Option<&'static [u8]> {
    request.accept().next()
}
