//! The memory of a process that has but one task, and ends with it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ending::{Ending, end};

/// Blocks from this size on go back to the system when they are freed.
const LARGE: usize = 1 << 20;

/// Bytes that are made ready at once, so that few calls are needed.
const STEP: usize = 4 << 20;

/// Blocks lie on such a boundary, or on one of their own size: pages have 4096 bytes, or on some systems so many.
const PAGE: usize = 64 << 10;

/// What may be had besides, of small blocks that are larger than what was asked for, and such that are free.
const MORE: usize = 16 << 20;

/// Freed blocks from this size on may go back to the system, too: they are whole pages.
const MIDDLE: usize = PAGE;

/// The allocator of a program: the system's, but for isolated work. That can't use the system's, whose locks another
/// thread may have held when the process was made, and may not take more than it was given.
pub struct Memory;

static ARENA: Arena =
    Arena { is_used: AtomicBool::new(false), state: UnsafeCell::new(State::NONE) };

struct Arena {
    is_used: AtomicBool,
    state: UnsafeCell<State>,
}

// SAFETY: the state is only looked at where `is_used`, in a process of one thread.
unsafe impl Sync for Arena {}

struct State {
    start: *mut u8,
    /// From here on nobody has it.
    next: *mut u8,
    /// Up to here it can be used.
    ready: *mut u8,
    end: *mut u8,
    held: usize,
    /// Bytes of freed blocks that are not back at the system, and of those from [`MIDDLE`] on.
    kept: usize,
    kept_pages: usize,
    most: usize,
    /// Freed blocks of each power of two. Each has the address of the next one in its first bytes, and from
    /// [`MIDDLE`] on whether it is back at the system.
    free: [*mut u8; usize::BITS as usize],
}

/// From now on memory comes from an arena of its own, of which `most` bytes and [`MORE`] may be had at once; what is held
/// of the system's is never freed.
///
/// # Safety
/// This process has no other thread, and never gets one.
pub(super) unsafe fn isolate(most: usize) {
    // A power of two has room for what is just above half of it, and one that is free for no other.
    let len = most.saturating_mul(8).saturating_add(64 << 20);
    // SAFETY: a new mapping, at an address that the system chooses. Nothing of it can be used yet.
    let start = unsafe {
        libc::mmap(
            null_mut(),
            len,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        end(Ending::NoMemory, "");
    }
    let start = start.cast::<u8>();
    // SAFETY: the only thread there is, by this function's own condition; within the mapping.
    unsafe {
        let end = start.add(len);
        *ARENA.state.get() = State { start, next: start, ready: start, end, most, ..State::NONE };
    }
    ARENA.is_used.store(true, Ordering::Relaxed);
}

/// The boundary on which all blocks of the system's lie.
const ALIGNED: usize = 16;

/// A block of the system's in which one lies on a larger boundary, with its own address before it. What the system
/// has itself for that (glibc 2.36) leaves pieces around each which it does not use for the next: what a process
/// holds of memory doubled by that.
///
/// # Safety
/// As of [`GlobalAlloc::alloc`].
unsafe fn aligned(layout: Layout) -> *mut u8 {
    let Some(whole) = whole(layout) else { return null_mut() };
    // SAFETY: it has some bytes, as the layout has. As it lies on a boundary, what is skipped of it is one such step at
    // least, in which its address has a place, and no more than was added.
    unsafe {
        let start = System.alloc(whole);
        if start.is_null() {
            return start;
        }
        let found = start.add(layout.align() - start.addr() % layout.align());
        found.cast::<*mut u8>().sub(1).write(start);
        found
    }
}

/// # Safety
/// What [`aligned`] gave for this layout, and nobody has it any more.
unsafe fn free_aligned(freed: *mut u8, layout: Layout) {
    let Some(whole) = whole(layout) else { return };
    // SAFETY: its address stands before it.
    unsafe { System.dealloc(freed.cast::<*mut u8>().sub(1).read(), whole) }
}

/// The block of the system's that a block of that layout lies in.
fn whole(layout: Layout) -> Option<Layout> {
    Layout::from_size_align(layout.size().checked_add(layout.align())?, ALIGNED).ok()
}

/// The bytes of the block that a layout gets: a power of two.
fn block(layout: Layout) -> usize {
    layout.size().max(layout.align()).max(16).next_power_of_two()
}

/// The bytes that a block of a layout takes: of large ones what is behind the end is never written to, and no memory.
fn taken(layout: Layout) -> usize {
    let bytes = block(layout);
    if bytes < MIDDLE { bytes } else { layout.size().max(16).next_multiple_of(PAGE).min(bytes) }
}

/// Gives what is behind the bytes that are taken of a block back to the system, up to there.
fn give_back_rest(block: *mut u8, taken: usize, end: usize) {
    if end > taken && end >= MIDDLE {
        // SAFETY: whole pages of a block of ours, behind what whoever has it may use. If they can't be given back, they
        // are memory that is not counted.
        unsafe { libc::madvise(block.add(taken).cast(), end - taken, libc::MADV_DONTNEED) };
    }
}

impl State {
    const NONE: State = State {
        start: null_mut(),
        next: null_mut(),
        ready: null_mut(),
        end: null_mut(),
        held: 0,
        kept: 0,
        kept_pages: 0,
        most: 0,
        free: [null_mut(); usize::BITS as usize],
    };

    fn has(&self, block: *mut u8) -> bool {
        (self.start..self.end).contains(&block)
    }

    /// A block, and whether all of it but its first bytes is zero.
    fn take(&mut self, layout: Layout) -> (*mut u8, bool) {
        let bytes = block(layout);
        self.held = self.held.saturating_add(taken(layout));
        if layout.align() > PAGE {
            end(Ending::OutOfMemory, "");
        }
        let Some(first) = self.free.get_mut(bytes.trailing_zeros() as usize) else {
            end(Ending::OutOfMemory, "")
        };
        if !first.is_null() {
            let found = *first;
            // SAFETY: a block of ours that nobody has holds the address of the next one, or null, and a large one what
            // `give_back` wrote behind that.
            let (next, is_zero) = unsafe {
                let words = found.cast::<*mut u8>();
                (words.read(), bytes >= MIDDLE && words.add(1).cast::<bool>().read())
            };
            *first = next;
            if !is_zero {
                self.count_kept(bytes, false);
                give_back_rest(found, taken(layout), bytes);
            }
            self.bound();
            return (found, is_zero);
        }
        self.bound();
        let gap = self.next.align_offset(bytes.min(PAGE));
        let room = self.end as usize - self.next as usize;
        if gap > room || bytes > room - gap {
            end(Ending::OutOfMemory, "");
        }
        // SAFETY: within the mapping, as there is room.
        let found = unsafe { self.next.add(gap) };
        // SAFETY: as above.
        self.next = unsafe { found.add(bytes) };
        if self.next > self.ready {
            self.make_ready();
        }
        (found, true)
    }

    /// Ends the process where more is had than may be. What is free in blocks of other sizes is had all the same.
    fn bound(&mut self) {
        let is_over =
            |state: &State| state.held.saturating_add(state.kept) > state.most.saturating_add(MORE);
        // Not for a few of many.
        if is_over(self) && self.kept_pages > MORE / 4 {
            self.give_back_kept();
        }
        if is_over(self) {
            end(Ending::OutOfMemory, "");
        }
    }

    fn count_kept(&mut self, bytes: usize, is_more: bool) {
        let count = if is_more { usize::saturating_add } else { usize::saturating_sub };
        self.kept = count(self.kept, bytes);
        if bytes >= MIDDLE {
            self.kept_pages = count(self.kept_pages, bytes);
        }
    }

    /// Gives all back to the system that is free and whole pages.
    fn give_back_kept(&mut self) {
        for (power, &first) in self.free.iter().enumerate().skip(MIDDLE.trailing_zeros() as usize) {
            let bytes = 1 << power;
            let mut block = first.cast::<*mut u8>();
            while !block.is_null() {
                // SAFETY: a block of ours that nobody has, with what `give_back` wrote, which is written again: these
                // are whole pages.
                unsafe {
                    let next = block.read();
                    if !block.add(1).cast::<bool>().read() {
                        let is_zero = libc::madvise(block.cast(), bytes, libc::MADV_DONTNEED) == 0;
                        block.write(next);
                        block.add(1).cast::<bool>().write(is_zero);
                        if is_zero {
                            self.kept = self.kept.saturating_sub(bytes);
                            self.kept_pages = self.kept_pages.saturating_sub(bytes);
                        }
                    }
                    block = next.cast();
                }
            }
        }
    }

    /// Has the system make the mapping usable as far as it is taken, and a step more.
    fn make_ready(&mut self) {
        let missing = (self.next as usize - self.ready as usize).next_multiple_of(STEP);
        let len = missing.min(self.end as usize - self.ready as usize);
        // SAFETY: within the mapping, from a page on; nobody has anything there yet.
        let is_ready = unsafe {
            libc::mprotect(self.ready.cast(), len, libc::PROT_READ | libc::PROT_WRITE) == 0
        };
        if !is_ready {
            end(Ending::NoMemory, "");
        }
        // SAFETY: within the mapping.
        self.ready = unsafe { self.ready.add(len) };
    }

    fn give_back(&mut self, freed: *mut u8, layout: Layout) {
        let bytes = block(layout);
        self.held = self.held.saturating_sub(taken(layout));
        let goes_back = bytes >= LARGE || bytes >= MIDDLE && self.kept > self.most / 4;
        // SAFETY: a block that nobody has any more. It lies on a boundary of `PAGE`, and so many bytes are a multiple of
        // that, so that these are whole pages, however large they are.
        let is_zero =
            goes_back && unsafe { libc::madvise(freed.cast(), bytes, libc::MADV_DONTNEED) == 0 };
        if !is_zero {
            self.count_kept(bytes, true);
        }
        let Some(first) = self.free.get_mut(bytes.trailing_zeros() as usize) else { return };
        // SAFETY: the block is ours, has room for an address, and a large one for more, and nobody has it any more.
        unsafe {
            let words = freed.cast::<*mut u8>();
            words.write(*first);
            if bytes >= MIDDLE {
                words.add(1).cast::<bool>().write(is_zero);
            }
        }
        *first = freed;
    }
}

// SAFETY: outside of isolated work all is the system's allocator's. There, blocks are of the layout's
// size at least, on a boundary of the layout's at least, and nobody else's until they are freed.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ARENA.is_used.load(Ordering::Relaxed) {
            // SAFETY: the only thread there is, see `isolate`.
            return unsafe { &mut *ARENA.state.get() }.take(layout).0;
        }
        // SAFETY: the caller's conditions are those of the system's allocator.
        unsafe { if layout.align() > ALIGNED { aligned(layout) } else { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if ARENA.is_used.load(Ordering::Relaxed) {
            // SAFETY: as above.
            let (found, is_zero) = unsafe { &mut *ARENA.state.get() }.take(layout);
            let bytes = if is_zero { layout.size().min(16) } else { layout.size() };
            // SAFETY: the block is of that size at least.
            unsafe { found.write_bytes(0, bytes) };
            return found;
        }
        // SAFETY: as above; what was found is as long as the layout.
        unsafe {
            if layout.align() <= ALIGNED {
                return System.alloc_zeroed(layout);
            }
            let found = aligned(layout);
            if !found.is_null() {
                found.write_bytes(0, layout.size());
            }
            found
        }
    }

    unsafe fn dealloc(&self, freed: *mut u8, layout: Layout) {
        if ARENA.is_used.load(Ordering::Relaxed) {
            // SAFETY: as above.
            let state = unsafe { &mut *ARENA.state.get() };
            if state.has(freed) {
                state.give_back(freed, layout);
            }
            return;
        }
        // SAFETY: as above; with such a layout it came from `aligned`.
        unsafe {
            if layout.align() > ALIGNED {
                free_aligned(freed, layout);
            } else {
                System.dealloc(freed, layout);
            }
        }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if ARENA.is_used.load(Ordering::Relaxed) {
            // SAFETY: the caller's conditions: of that alignment the size is one that there can be.
            let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
            // SAFETY: as above.
            let state = unsafe { &mut *ARENA.state.get() };
            if state.has(old) && block(new) == block(layout) {
                state.held = state.held.saturating_sub(taken(layout)).saturating_add(taken(new));
                give_back_rest(old, taken(new), taken(layout));
                state.bound();
                return old;
            }
            // SAFETY: as above; both blocks have so many bytes, and are not the same.
            unsafe {
                let found = self.alloc(new);
                old.copy_to_nonoverlapping(found, layout.size().min(size));
                self.dealloc(old, layout);
                return found;
            }
        }
        // SAFETY: as above. Of that alignment the size is one that there can be, and both blocks have so many bytes.
        unsafe {
            if layout.align() <= ALIGNED {
                return System.realloc(old, layout, size);
            }
            let found = aligned(Layout::from_size_align_unchecked(size, layout.align()));
            if !found.is_null() {
                old.copy_to_nonoverlapping(found, layout.size().min(size));
                free_aligned(old, layout);
            }
            found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lie_on_their_boundaries_and_keep_what_they_have() {
        for align in [1, 16, 32, 64, 4096, 1 << 20] {
            for size in [1, 8, 100, 70_000] {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: no size is 0, each block is used as long as it is there, and freed by its layout.
                unsafe {
                    let block = Memory.alloc_zeroed(layout);
                    assert!(block.addr().is_multiple_of(align));
                    assert!(std::slice::from_raw_parts(block, size).iter().all(|&byte| byte == 0));
                    block.write_bytes(7, size);
                    let more = Memory.realloc(block, layout, 3 * size);
                    assert!(more.addr().is_multiple_of(align));
                    assert!(std::slice::from_raw_parts(more, size).iter().all(|&byte| byte == 7));
                    let layout = Layout::from_size_align(3 * size, align).unwrap();
                    let other = Memory.alloc(layout);
                    other.write_bytes(1, 3 * size);
                    assert!(std::slice::from_raw_parts(more, size).iter().all(|&byte| byte == 7));
                    Memory.dealloc(more, layout);
                    Memory.dealloc(other, layout);
                }
            }
        }
    }
}
