//! Rust values in nginx's memory pools.

use std::ffi::c_void;
use std::ops::Deref;
use std::ptr::NonNull;

use nginx_sys::{
    ngx_palloc, ngx_pool_cleanup_add, ngx_pool_cleanup_pt, ngx_pool_cleanup_t, ngx_pool_t,
    ngx_str_t,
};

use super::guard::catch;

/// A shared value that lives, and is dropped, with the pool it was put into.
///
/// The pointer is valid until nginx destroys the pool; whoever finalizes a request must not use
/// one of that request afterwards.
pub struct Pooled<T>(NonNull<T>);

impl<T> Clone for Pooled<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Pooled<T> {}

impl<T> PartialEq for Pooled<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value is dropped only by its pool's cleanup (see the type).
        unsafe { self.0.as_ref() }
    }
}

impl<T> Pooled<T> {
    /// Moves `value` to the heap and has `pool` drop it.
    pub fn new(pool: *mut ngx_pool_t, value: T) -> Option<Pooled<T>> {
        // SAFETY: the pool is live; nginx answers null when it has no memory.
        let cleanup = NonNull::new(unsafe { ngx_pool_cleanup_add(pool, 0) })?;
        let value = NonNull::from(Box::leak(Box::new(value)));
        // SAFETY: nginx made the cleanup record in the pool and only reads it later.
        unsafe {
            (*cleanup.as_ptr()).handler = handler::<T>();
            (*cleanup.as_ptr()).data = value.as_ptr().cast();
        }
        Some(Pooled(value))
    }

    /// Finds the value of this type that was put into `pool` last.
    pub fn find(pool: *mut ngx_pool_t) -> Option<Pooled<T>> {
        // SAFETY: the pool is live and its cleanup list is nginx's, ended by null.
        let mut cleanup: *mut ngx_pool_cleanup_t = unsafe { (*pool).cleanup };
        while let Some(record) = NonNull::new(cleanup) {
            // SAFETY: as above.
            let record = unsafe { record.as_ref() };
            // A handler address names the type: `drop_value` is instantiated once for each.
            if record.handler.map(|f| f as usize) == handler::<T>().map(|f| f as usize) {
                return NonNull::new(record.data.cast()).map(Pooled);
            }
            cleanup = record.next;
        }
        None
    }

    /// The address, as nginx keeps it in a context slot.
    pub fn as_ptr(self) -> *mut T {
        self.0.as_ptr()
    }

    /// Takes back what [`as_ptr`](Pooled::as_ptr) gave.
    ///
    /// # Safety
    /// `ptr` is null or came from a `Pooled<T>` whose pool is live.
    pub unsafe fn from_ptr(ptr: *mut c_void) -> Option<Pooled<T>> {
        NonNull::new(ptr.cast()).map(Pooled)
    }
}

fn handler<T>() -> ngx_pool_cleanup_pt {
    Some(drop_value::<T>)
}

unsafe extern "C" fn drop_value<T>(data: *mut c_void) {
    // SAFETY: nginx runs a cleanup once, with the data that `new` leaked.
    let value = unsafe { Box::from_raw(data.cast::<T>()) };
    let _ = catch(|| drop(value));
}

/// Copies `bytes` into the pool.
pub fn copy(pool: *mut ngx_pool_t, bytes: &[u8]) -> Option<ngx_str_t> {
    // SAFETY: the pool is live; nginx answers null when it has no memory.
    let data = NonNull::new(unsafe { ngx_palloc(pool, bytes.len().max(1)) }.cast::<u8>())?;
    // SAFETY: the allocation has room for the bytes and is new, so nothing overlaps.
    unsafe { data.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    Some(ngx_str_t { len: bytes.len(), data: data.as_ptr() })
}
