//! What a block of memory holds before anybody writes to it.
//!
//! A library that fails half-way may show what it never wrote. That must not be what others had in the same memory
//! before, be it their pictures or the server's keys.

use std::ffi::c_void;
use std::sync::OnceLock;

/// Blocks up to this size may be kept by a thread, and are had again as they were left.
const KEPT: usize = 1040;

/// How many of a size a thread may keep.
const KEPT_BLOCKS: usize = 32;

/// Sizes that are tried: ones from lists, and ones that come from the system.
const TRIED: [usize; 4] = [4000, 60_000, 200_000, 4 << 20];

/// Has the allocator of C give zeros from now on, wherever it can be had to do so, but for what this thread frees
/// itself; returns whether it does. All later blocks of this process take a little longer.
pub fn is_zero() -> bool {
    static IS_ZERO: OnceLock<bool> = OnceLock::new();
    *IS_ZERO.get_or_init(|| {
        if !fill(0xff, 65536) {
            return false;
        }
        // What was kept before is never had again.
        for size in (16..=KEPT).step_by(16) {
            for _ in 0..KEPT_BLOCKS {
                // SAFETY: a new block that nobody uses.
                if unsafe { libc::malloc(size) }.is_null() {
                    return false;
                }
            }
        }
        TRIED.into_iter().all(is_zero_again)
    })
}

/// Whether a block is zero that was used before.
fn is_zero_again(size: usize) -> bool {
    // SAFETY: both blocks have that size, and are freed once; the first one's bytes are all written before they
    // are read, and those of the second one by the allocator, or else by whoever had them.
    unsafe {
        let used = libc::memalign(16, size).cast::<u8>();
        if used.is_null() {
            return false;
        }
        used.write_bytes(0xa5, size);
        libc::free(used.cast::<c_void>());
        let found = libc::memalign(16, size).cast::<u8>();
        if found.is_null() {
            return false;
        }
        let is_zero = std::slice::from_raw_parts(found, size).iter().all(|&byte| byte == 0);
        libc::free(found.cast::<c_void>());
        is_zero
    }
}

/// Does something while new blocks hold other bytes than zeros, where [they do](is_zero).
pub fn other<T>(work: impl FnOnce() -> T) -> T {
    fill(0x5a, 0);
    let done = work();
    fill(0xff, 65536);
    done
}

/// Has new blocks filled with all other bits than these, of which so many may come from the system as they are.
#[cfg(target_env = "gnu")]
fn fill(bits: std::ffi::c_int, mapped: std::ffi::c_int) -> bool {
    // SAFETY: settings of glibc's.
    unsafe {
        libc::mallopt(libc::M_PERTURB, bits) == 1 && libc::mallopt(libc::M_MMAP_MAX, mapped) == 1
    }
}

/// No other allocator has such a setting.
#[cfg(not(target_env = "gnu"))]
fn fill(_: std::ffi::c_int, _: std::ffi::c_int) -> bool {
    false
}
