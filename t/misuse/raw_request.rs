// error[E0624]: associated function `new` is private
use crate::ngx::Request;

pub fn forge(pointer: *mut nginx_sys::ngx_http_request_t) -> bool {
    Request::new(pointer).is_some()
}
