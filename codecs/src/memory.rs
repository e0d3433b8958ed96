//! Large buffers: zeros that nobody writes, and pages that are few.

use std::alloc::{Layout, alloc_zeroed};
use std::mem::MaybeUninit;

/// Bytes of a large page, on x86-64 and on aarch64 with small pages of 4 KiB.
const LARGE_PAGE: usize = 2 << 20;

/// Buffers from this size on are mapped anew each time, one small page at a time as they are
/// written to, which is up to a tenth of the time of a large picture. Of smaller ones the allocator keeps the pages.
const LARGE: usize = 8 << 20;

/// What is 0 where all of its bytes are.
pub trait Integer: integer::Sealed {}
impl Integer for u8 {}
impl Integer for i16 {}

mod integer {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for i16 {}
}

/// Returns that many zeros, or nothing where there is no memory for them. Of many, none is written:
/// hundreds of megabytes are there at once, and what is written to them takes the time.
#[must_use]
pub fn zeroed<T: Integer>(len: usize) -> Option<Vec<T>> {
    if len == 0 {
        return Some(Vec::new());
    }
    let layout = Layout::array::<T>(len).ok()?;
    // SAFETY: the layout is not of zero bytes.
    let start = unsafe { alloc_zeroed(layout) }.cast::<T>();
    if start.is_null() {
        return None;
    }
    // SAFETY: allocated with the layout of a vector of that capacity, and all of it is zeros, which
    // the sealed trait has for integers alone.
    let mut zeros = unsafe { Vec::from_raw_parts(start, len, len) };
    advise(zeros.as_mut_ptr().cast(), layout.size());
    Some(zeros)
}

/// Has the system give large pages for a large buffer that is about to be filled, where it does so
/// for those who ask (`madvise` in `/sys/kernel/mm/transparent_hugepage/enabled`).
pub fn prefer_large_pages<T>(buffer: &mut [MaybeUninit<T>]) {
    advise(buffer.as_mut_ptr().cast(), size_of_val(buffer));
}

/// Advises for the whole large pages in a block: what is around them gets small ones, so that no
/// more memory is taken than the block has.
fn advise(start: *mut u8, len: usize) {
    if len < LARGE {
        return;
    }
    let before = start.addr().next_multiple_of(LARGE_PAGE) - start.addr();
    let whole = (len - before) / LARGE_PAGE * LARGE_PAGE;
    // SAFETY: pages within a block that the caller has. The advice changes nothing of what is in
    // them, and where the system doesn't take it, nothing at all.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::madvise(start.add(before).cast(), whole, libc::MADV_HUGEPAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_as_many_as_there_is_memory_for() {
        for len in [0, 1, 4097, 3 << 20, LARGE, LARGE + 12_345] {
            let mut zeros = zeroed::<u8>(len).unwrap();
            assert!(zeros.len() == len && zeros.iter().all(|&byte| byte == 0));
            zeros.push(7);
            assert_eq!(zeros.last(), Some(&7));
        }
        assert!(zeroed::<u8>(isize::MAX as usize).is_none());
        assert!(zeroed::<i16>(usize::MAX).is_none());
    }

    /// Page faults of this process.
    #[cfg(target_os = "linux")]
    fn faults() -> i64 {
        // SAFETY: all zeros is such a structure, and the call fills it.
        unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage), 0);
            usage.ru_minflt
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn large_buffers_take_few_pages() {
        let allowed = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
        if !allowed.is_ok_and(|allowed| allowed.contains("[madvise]")) {
            println!("skipped: the system has no large pages for those who ask");
            return;
        }
        const LEN: usize = 64 << 20;
        let small_pages = (LEN / 4096) as i64;
        let before = faults();
        let mut zeros = zeroed::<u8>(LEN).unwrap();
        zeros.fill(1);
        let of_zeros = faults() - before;
        let before = faults();
        let mut room = Vec::<u8>::with_capacity(LEN);
        prefer_large_pages(room.spare_capacity_mut());
        room.resize(LEN, 1);
        let of_room = faults() - before;
        // Two ends of up to 2 MiB are in small pages, and a system that is short of memory may have
        // no large ones.
        println!("{of_zeros} and {of_room} faults for {small_pages} pages");
        assert!(of_zeros < small_pages / 4 || of_room < small_pages / 4);
    }
}
