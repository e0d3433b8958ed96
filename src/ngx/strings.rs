//! Strings of nginx: a length and a pointer.

use nginx_sys::{ngx_str_t, ngx_uint_t};

/// The bytes of a string that nginx handed out.
///
/// # Safety
/// The bytes outlive the use of the result.
pub(super) unsafe fn bytes<'a>(text: ngx_str_t) -> &'a [u8] {
    if text.len == 0 {
        return &[];
    }
    // SAFETY: a string of nginx that isn't empty has `len` readable bytes.
    unsafe { std::slice::from_raw_parts(text.data, text.len) }
}

/// A string of nginx over bytes, as long as they live and for those who only read.
pub(super) fn borrowed(text: &[u8]) -> ngx_str_t {
    ngx_str_t { len: text.len(), data: text.as_ptr().cast_mut() }
}

/// A string of nginx over text that lives forever.
pub(super) const fn text(text: &'static str) -> ngx_str_t {
    ngx_str_t { len: text.len(), data: text.as_ptr().cast_mut() }
}

/// `ngx_hash_key`.
pub(super) const fn hash(key: &[u8]) -> ngx_uint_t {
    let mut hash: ngx_uint_t = 0;
    let mut i = 0;
    while i < key.len() {
        hash = hash.wrapping_mul(31).wrapping_add(key[i] as ngx_uint_t);
        i += 1;
    }
    hash
}

/// Whether a header has that name. Most have another length, which is seen without a call.
#[inline]
pub fn is_named(name: &[u8], known: &[u8]) -> bool {
    name.len() == known.len() && name.eq_ignore_ascii_case(known)
}
