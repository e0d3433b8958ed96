// error[E0200]: the trait `ngx::module::Module` requires an `unsafe impl` declaration
use crate::ngx::Module;

enum Mine {}

impl Module for Mine {
    type Main = String;
    type Server = String;
    type Location = String;
    type Context = String;

    fn definition() -> *const nginx_sys::ngx_module_t {
        std::ptr::null()
    }
}
