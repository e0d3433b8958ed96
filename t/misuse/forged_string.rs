// error[E0308]: mismatched types
use crate::ngx::conf::parse_size;

pub fn read() -> Option<u64> {
    let forged = nginx_sys::ngx_str_t { len: 10, data: std::ptr::null_mut() };
    parse_size(&forged)
}
