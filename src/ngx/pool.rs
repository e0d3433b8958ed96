//! Rust values in nginx's memory pools.

use std::any::TypeId;
use std::ffi::c_void;
use std::ops::Deref;
use std::ptr::NonNull;

use nginx_sys::{ngx_palloc, ngx_pool_cleanup_add, ngx_pool_cleanup_t, ngx_pool_t, ngx_str_t};

use super::guard::catch;

/// A shared value that lives, and is dropped, with the pool it was put into: outside of this
/// folder, that of a configuration.
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

/// What stands in front of a value, so that it can be found and dropped.
#[repr(C)]
struct PooledHeader {
    /// Not told by the handler's address: functions of the same code may be one.
    kind: TypeId,
    drop: unsafe fn(*mut c_void),
}

#[repr(C)]
struct PooledValue<T> {
    header: PooledHeader,
    value: T,
}

impl<T: 'static> Pooled<T> {
    /// Moves `value` into `pool`, which drops it.
    pub(super) fn new(pool: *mut ngx_pool_t, value: T) -> Option<Pooled<T>> {
        // What a pool hands out is aligned for a word of the machine.
        const { assert!(align_of::<PooledValue<T>>() <= align_of::<usize>()) };
        // SAFETY: the pool is live; nginx answers null when it has no memory.
        let cleanup =
            NonNull::new(unsafe { ngx_pool_cleanup_add(pool, size_of::<PooledValue<T>>()) })?;
        // SAFETY: nginx made the cleanup record in the pool, with room for what is held behind
        // `data`, and only reads it later.
        unsafe {
            let held = NonNull::new((*cleanup.as_ptr()).data)?.cast::<PooledValue<T>>();
            held.write(PooledValue {
                header: PooledHeader { kind: TypeId::of::<T>(), drop: drop_pooled::<T> },
                value,
            });
            (*cleanup.as_ptr()).handler = Some(clean_up);
            Some(Pooled(NonNull::from(&mut (*held.as_ptr()).value)))
        }
    }

    /// Finds the value of this type that was put into `pool` last, of those that `is_one` knows.
    pub(super) fn find(pool: *mut ngx_pool_t, is_one: impl Fn(&T) -> bool) -> Option<Pooled<T>> {
        // SAFETY: the pool is live and its cleanup list is nginx's, ended by null.
        let mut cleanup: *mut ngx_pool_cleanup_t = unsafe { (*pool).cleanup };
        while let Some(record) = NonNull::new(cleanup) {
            // SAFETY: as above.
            let record = unsafe { record.as_ref() };
            if record.handler.map(|f| f as usize) == Some(clean_up as *const () as usize) {
                let held = record.data.cast::<PooledValue<T>>();
                // SAFETY: a record with this handler has such data; its header says whether the
                // value behind it is one of this type.
                unsafe {
                    if (*held.cast::<PooledHeader>()).kind == TypeId::of::<T>()
                        && is_one(&(*held).value)
                    {
                        return NonNull::new(&raw mut (*held).value).map(Pooled);
                    }
                }
            }
            cleanup = record.next;
        }
        None
    }
}

impl<T> Pooled<T> {
    /// The address, as nginx keeps it in a context slot.
    pub(super) fn as_ptr(self) -> *mut T {
        self.0.as_ptr()
    }

    /// Takes back what [`as_ptr`](Pooled::as_ptr) gave.
    ///
    /// # Safety
    /// `ptr` is null or came from a `Pooled<T>` whose pool is live.
    pub(super) unsafe fn from_ptr(ptr: *mut c_void) -> Option<Pooled<T>> {
        NonNull::new(ptr.cast()).map(Pooled)
    }
}

unsafe extern "C" fn clean_up(data: *mut c_void) {
    // SAFETY: nginx runs a cleanup once, before it frees the pool, with the data that `new` wrote.
    let _ = catch(|| unsafe { ((*data.cast::<PooledHeader>()).drop)(data) });
}

/// # Safety
/// `data` is a `PooledValue<T>` that nobody uses any more.
unsafe fn drop_pooled<T>(data: *mut c_void) {
    // SAFETY: see above.
    unsafe { data.cast::<PooledValue<T>>().drop_in_place() }
}

/// Copies `bytes` into the pool.
pub(super) fn copy(pool: *mut ngx_pool_t, bytes: &[u8]) -> Option<ngx_str_t> {
    // SAFETY: the pool is live; nginx answers null when it has no memory.
    let data = NonNull::new(unsafe { ngx_palloc(pool, bytes.len().max(1)) }.cast::<u8>())?;
    // SAFETY: the allocation has room for the bytes and is new, so nothing overlaps.
    unsafe { data.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    Some(ngx_str_t { len: bytes.len(), data: data.as_ptr() })
}
