//! Shared memory zones.
//!
//! A module gets all of a zone as one piece of memory, zeroed when it is new and as it was when a
//! reload found it again. What lies in it is the module's to say, in words that every worker, old
//! and new, may change at any time: atomics, and no pointers, since no value in there is dropped.

use std::ffi::c_void;
use std::fmt::Arguments;
use std::ptr::NonNull;

use nginx_sys::{
    NGX_ERROR, NGX_LOG_EMERG, NGX_OK, ngx_int_t, ngx_pagesize, ngx_shared_memory_add,
    ngx_shm_zone_t, ngx_shmtx_lock, ngx_shmtx_unlock, ngx_slab_calloc, ngx_slab_pool_t,
};

use super::conf::ConfError;
use super::guard::guard;
use super::{Module, Parser, Pooled, log, pool};

/// The least size of a zone: nginx needs some pages for itself.
pub const MIN_SIZE: u64 = 32 * 1024;

/// What a zone belongs to: a value of the configuration that wants the memory.
pub trait ShmZone: 'static {
    /// Takes the memory over, once for each configuration that nginx reads, in the process that
    /// reads it. It may be in use by the workers of the configuration before. `log` is where what
    /// is no error goes.
    ///
    /// # Errors
    /// A reason in words, with which the configuration is refused.
    fn init(&self, memory: Memory, log: &dyn Fn(u32, Arguments<'_>)) -> Result<(), String>;
}

/// Adds a zone of `size` bytes whose memory `zone_conf` gets once the configuration is read. The
/// zone of the configuration before is used on where name, size and module are the same.
///
/// # Errors
/// [`ConfError`] when the name is in use or the size too small.
pub fn add<M: Module, T: ShmZone>(
    parser: Parser<'_>,
    name: &[u8],
    size: u64,
    zone_conf: Pooled<T>,
) -> Result<(), ConfError> {
    if size < MIN_SIZE {
        let name = String::from_utf8_lossy(name);
        return Err(ConfError::invalid(format_args!(
            "zone \"{name}\" is too small: it needs {}k or more",
            MIN_SIZE / 1024
        )));
    }
    let size = usize::try_from(size).map_err(|_| ConfError::invalid("no memory"))?;
    let mut name =
        pool::copy(parser.pool(), name).ok_or_else(|| ConfError::invalid("no memory"))?;
    let tag = M::definition().cast_mut().cast();
    // SAFETY: nginx keeps the name, which is in the configuration's pool, and the module as a tag.
    // It answers null after it reported a zone of another size or module.
    let zone = unsafe { ngx_shared_memory_add(parser.as_ptr(), &mut name, size, tag).as_mut() }
        .ok_or_else(|| ConfError::invalid("invalid zone"))?;
    if !zone.data.is_null() {
        return Err(ConfError::Duplicate);
    }
    zone.data = zone_conf.as_ptr().cast();
    zone.init = Some(init::<T>);
    Ok(())
}

unsafe extern "C" fn init<T: ShmZone>(zone: *mut ngx_shm_zone_t, _: *mut c_void) -> ngx_int_t {
    // SAFETY: nginx calls this with a zone that has memory, a slab pool at its start, and the data
    // that `add` put there, in the pool of the configuration that was read.
    let (log, pool, zone_conf) = unsafe {
        let zone = &*zone;
        (zone.shm.log, zone.shm.addr.cast::<ngx_slab_pool_t>(), zone.data.cast::<T>().as_ref())
    };
    guard(log, NGX_ERROR as ngx_int_t, || {
        let Some(zone_conf) = zone_conf else { return NGX_ERROR as ngx_int_t };
        let result = match Memory::of(pool) {
            Some(memory) => zone_conf.init(memory, &|level, line| log::write(log, level, line)),
            None => Err("no memory in the zone".to_owned()),
        };
        match result {
            Ok(()) => NGX_OK as ngx_int_t,
            Err(reason) => {
                log::write(log, NGX_LOG_EMERG, format_args!("{reason}"));
                NGX_ERROR as ngx_int_t
            }
        }
    })
}

/// What can lie in shared memory.
///
/// # Safety
/// It is made of atomics and nothing else, so that any bytes are a valid value and any process may
/// change it at any time.
pub unsafe trait Shareable: Sync {}

/// The memory of a zone: at least 64-byte aligned, mapped at this address in every process that
/// shares it, as long as the configuration lives.
#[derive(Clone, Copy)]
pub struct Memory {
    pool: NonNull<ngx_slab_pool_t>,
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory is shared among processes anyway; all that is done here is to lock nginx's
// mutex, which is made of atomics.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

/// Ahead of what the zone's configuration gets: how long that is.
const PREFIX: usize = 64;

/// Memory of `len` bytes as an `H` and, behind it, as many `R` as there is room for.
///
/// # Safety
/// It is mapped and initialized as long as `'m`, and 64-byte aligned.
pub(super) unsafe fn view_of<'m, H: Shareable, R: Shareable>(
    base: NonNull<u8>,
    len: usize,
) -> Option<(&'m H, &'m [R])> {
    const { assert!(align_of::<H>() <= PREFIX && align_of::<R>() <= PREFIX) };
    let start = size_of::<H>().next_multiple_of(align_of::<R>());
    let count = len.checked_sub(start)? / size_of::<R>();
    // SAFETY: both lie within the memory, which is aligned (see above and the assertion), mapped
    // and initialized. What the types are made of may be changed by others at any time (their
    // promise), and nobody has it exclusively.
    unsafe {
        let base = base.as_ptr();
        Some((&*base.cast::<H>(), std::slice::from_raw_parts(base.add(start).cast(), count)))
    }
}

impl Memory {
    /// Finds, or makes, the one allocation of a zone.
    fn of(pool: *mut ngx_slab_pool_t) -> Option<Memory> {
        let pool = NonNull::new(pool)?;
        // SAFETY: the slab pool of a zone, used by nobody else while nginx reads a configuration:
        // a worker never allocates. What `data` points to begins with the length that this
        // function wrote before it set `data`.
        unsafe {
            let slab = pool.as_ptr();
            if (*slab).data.is_null() {
                let size = (*slab).pfree.checked_mul(ngx_pagesize)?;
                let new = NonNull::new(ngx_slab_calloc(slab, size))?;
                new.cast::<usize>().write(size.checked_sub(PREFIX)?);
                (*slab).data = new.as_ptr();
            }
            let start = NonNull::new((*slab).data)?;
            Some(Memory {
                pool,
                base: start.cast::<u8>().add(PREFIX),
                len: start.cast::<usize>().read(),
            })
        }
    }

    /// The memory as an `H` and, behind it, as many `R` as there is room for.
    pub fn view<H: Shareable, R: Shareable>(&self) -> Option<(&H, &[R])> {
        // SAFETY: see the type; zeroed when it was new.
        unsafe { view_of(self.base, self.len) }
    }

    /// Runs `body` while no other process, and no other thread, runs one for this zone. nginx
    /// frees the lock of a process that dies with it, so `body` must leave the zone usable
    /// wherever it stops. Nothing that can wait belongs in there.
    pub fn locked<R>(self, body: impl FnOnce() -> R) -> R {
        struct LockGuard(NonNull<ngx_slab_pool_t>);
        impl Drop for LockGuard {
            fn drop(&mut self) {
                // SAFETY: as in `locked`.
                unsafe { ngx_shmtx_unlock(&raw mut (*self.0.as_ptr()).mutex) }
            }
        }
        // SAFETY: the zone is mapped (see the type), and nginx made the mutex with it.
        unsafe { ngx_shmtx_lock(&raw mut (*self.pool.as_ptr()).mutex) };
        let _held = LockGuard(self.pool);
        body()
    }
}
