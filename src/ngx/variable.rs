//! Variables.

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_VAR_NOCACHEABLE, NGX_OK, ngx_conf_t, ngx_http_add_variable,
    ngx_http_get_variable_index, ngx_http_request_t, ngx_int_t, ngx_uint_t, ngx_variable_value_t,
};

use super::guard::guard;
use super::request::text;
use super::{Request, pool, shim};

/// One variable: its name, and its value for a request where it has one.
pub struct Variable {
    /// The name, without its `$`.
    pub name: &'static str,
    /// The value.
    pub get: fn(Request) -> Option<Vec<u8>>,
}

/// Registers `variables`. Answers whether nginx took them all.
pub fn add(cf: *mut ngx_conf_t, variables: &'static [Variable]) -> bool {
    variables.iter().all(|variable| {
        let mut name = text(variable.name);
        // SAFETY: nginx copies the name; the data is static and only read.
        unsafe {
            let added =
                ngx_http_add_variable(cf, &mut name, NGX_HTTP_VAR_NOCACHEABLE as ngx_uint_t);
            if let Some(added) = added.as_mut() {
                added.get_handler = Some(get);
                added.data = std::ptr::from_ref(variable).addr();
                // The address has to come back as a pointer.
                let _ = std::ptr::from_ref(variable).expose_provenance();
            }
            !added.is_null()
        }
    })
}

/// A variable of nginx's whose value it keeps although the request has changed since.
#[derive(Clone, Copy)]
pub struct Kept(ngx_uint_t);

impl Kept {
    /// The variable called `name`, while the configuration is read.
    pub fn find(cf: *mut ngx_conf_t, name: &'static str) -> Option<Kept> {
        let mut name = text(name);
        // SAFETY: nginx copies the name.
        let index = unsafe { ngx_http_get_variable_index(cf, &mut name) };
        ngx_uint_t::try_from(index).ok().map(Kept)
    }

    /// Has nginx evaluate it anew.
    pub fn forget(self, request: Request) {
        // SAFETY: a live request has a value for every index of its configuration.
        unsafe {
            let value = (*request.as_ptr()).variables.add(self.0);
            shim::ig_value_set_valid(value, 0);
            shim::ig_value_set_not_found(value, 0);
        }
    }
}

unsafe extern "C" fn get(
    r: *mut ngx_http_request_t,
    value: *mut ngx_variable_value_t,
    data: usize,
) -> ngx_int_t {
    // SAFETY: nginx evaluates variables for a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return NGX_ERROR as ngx_int_t };
    guard(request.log(), NGX_ERROR as ngx_int_t, || {
        // SAFETY: `add` put the address of a static there.
        let variable = unsafe { &*std::ptr::with_exposed_provenance::<Variable>(data) };
        let bytes = (variable.get)(request);
        let bytes = bytes.as_deref().map(|bytes| pool::copy(request.pool(), bytes));
        // SAFETY: nginx passes a value to be filled.
        unsafe {
            shim::ig_value_set_valid(value, 0);
            shim::ig_value_set_no_cacheable(value, 0);
            shim::ig_value_set_not_found(value, 1);
            match bytes {
                None => (),
                Some(None) => return NGX_ERROR as ngx_int_t,
                Some(Some(bytes)) => {
                    shim::ig_value_set_valid(value, 1);
                    shim::ig_value_set_not_found(value, 0);
                    shim::ig_value_set_len(value, bytes.len);
                    (*value).data = bytes.data;
                }
            }
        }
        NGX_OK as ngx_int_t
    })
}
