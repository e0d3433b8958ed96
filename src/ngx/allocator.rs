//! The allocator of the worker process.

#[cfg(target_env = "gnu")]
use std::hint::black_box;

#[cfg(target_env = "gnu")]
use super::{thread, worker};

/// Blocks from this size on are mapped one by one, and go back to the system when freed. Of smaller
/// ones that are free so much is kept for every job that runs at once, twice as much for one: pictures
/// of two megapixels, as most are, then take no pages that the system has to clear first.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 8 << 20;

/// Has freed images go back to the system, but for a few megabytes.
///
/// Left alone, glibc's allocator keeps them: what it maps by itself grows with the largest
/// block that was ever freed, up to 32 MiB, and every thread of a pool gets an arena of its own
/// to keep the rest in. A job takes a block a thousand times or two, so that all can share the
/// arena of the event loop without waiting for each other; what one frees the next one uses, and
/// of no other arena can [`give_back`] have the end.
pub fn return_freed_images() {
    #[cfg(target_env = "gnu")]
    {
        let jobs = libc::c_int::try_from(worker::processors()).unwrap_or(libc::c_int::MAX);
        // SAFETY: three settings of the allocator, which takes its own lock; a value that it
        // does not like changes nothing.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT.saturating_mul(jobs.max(2)));
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}

/// Has small blocks that are freed become one with those beside them at once.
///
/// Left alone, hundreds of thousands that one thread has freed do so within the next large allocation,
/// which may be the event loop's.
pub fn join_freed() {
    // SAFETY: a setting of the allocator, which takes its own lock.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MXFAST, 0);
    }
}

/// How many blocks that were freed glibc sorts within one allocation (`MAX_ITERS` of its `malloc.c`).
#[cfg(target_env = "gnu")]
const SORTED: libc::c_int = 10_000;

/// Has the allocator sort the blocks that were freed, which it does within the next allocations otherwise:
/// where a configuration with many partners was read, those of a worker's first requests, page by page of
/// which it has to get a copy.
pub fn sort_freed() {
    #[cfg(target_env = "gnu")]
    {
        // Large enough to be none of those that are sorted first, small enough not to be mapped.
        const SIZE: usize = 64 << 10;
        // SAFETY: the allocator takes its own lock; what it gives is freed as it came.
        unsafe {
            for _ in 0..=libc::mallinfo().ordblks / SORTED {
                // Nobody needs it, which the compiler must not make something of.
                libc::free(black_box(libc::malloc(SIZE)));
            }
        }
    }
}

/// Gives what is kept of freed images back to the system, too, for a worker that is idle.
///
/// That takes a tenth of a millisecond for each mebibyte, which the event loop need not spend.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        let trim = || {
            // SAFETY: the allocator takes its own lock, and only unmaps pages that nobody has.
            unsafe { libc::malloc_trim(0) };
        };
        // It uses nothing of the configuration, so nobody has to join it.
        if thread::spawn("trim", trim).is_err() {
            trim();
        }
    }
}
