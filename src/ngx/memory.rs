//! The allocator of the worker process.

use super::worker;

/// Blocks from this size on are mapped one by one, and go back to the system when freed. Of smaller
/// ones that are free an arena keeps so much at most: a picture of two megapixels, as most are, then
/// takes no pages that the system has to clear first.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 8 << 20;

/// Has freed images go back to the system, but for a few megabytes.
///
/// Left alone, glibc's allocator keeps them: what it maps by itself grows with the largest
/// block that was ever freed, up to 32 MiB, and every thread of a pool gets an arena of its own
/// to keep the rest in. nginx itself hardly ever asks for blocks of that size, and its event loop
/// needs one arena.
pub fn return_freed_images() {
    #[cfg(target_env = "gnu")]
    {
        let arenas = worker::processors().saturating_add(1).try_into().unwrap_or(libc::c_int::MAX);
        // SAFETY: three settings of the allocator, which takes its own lock; a value that it
        // does not like changes nothing.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
            libc::mallopt(libc::M_ARENA_MAX, arenas);
        }
    }
}
