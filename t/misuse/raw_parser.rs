// error[E0624]: associated function `new` is private
use crate::ngx::Parser;

pub fn forge(pointer: *mut nginx_sys::ngx_conf_t) -> bool {
    Parser::new(pointer).is_some()
}
