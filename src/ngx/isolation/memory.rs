//! The memory of a process that has but one task, and ends with it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

/// Blocks from this size on go back to the system when they are freed.
const LARGE: usize = 1 << 20;

/// Bytes that are made ready at once, so that few calls are needed.
const STEP: usize = 4 << 20;

/// Blocks lie on such a boundary, or on one of their own size.
const PAGE: usize = 4096;

/// Blocks of the system's allocator from this size on no child gets: to copy their tables of pages takes
/// milliseconds, in which no other thread can have a new page.
const WITHHELD: usize = 8 << 20;

/// Whether they are kept from children. The children of nginx's master are workers, and need what it has.
static WITHHOLDS: AtomicBool = AtomicBool::new(false);

/// From now on children get no large block of this process, which is to be one without workers of its own.
pub fn withhold_large_blocks() {
    WITHHOLDS.store(true, Ordering::Relaxed);
}

/// With that a process ends that wants more memory than it may have.
pub(super) const OUT_OF_MEMORY: i32 = 12;
/// With that, where the system has none.
pub(super) const NO_MEMORY: i32 = 13;

/// The allocator of the module: the system's, which keeps large blocks from children, but for isolated work. That can't use the system's,
/// whose locks another thread may have held when the process was made, and may not take more than it
/// was given.
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
    most: usize,
    /// Freed blocks of each power of two. Each has the address of the next one in its first bytes.
    free: [*mut u8; usize::BITS as usize],
}

/// From now on memory comes from an arena of its own, of which `most` bytes may be held at once;
/// what is held of the system's is never freed.
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
        give_up(NO_MEMORY);
    }
    let start = start.cast::<u8>();
    // SAFETY: the only thread there is, by this function's own condition; within the mapping.
    unsafe {
        let end = start.add(len);
        *ARENA.state.get() = State { start, next: start, ready: start, end, most, ..State::NONE };
    }
    ARENA.is_used.store(true, Ordering::Relaxed);
}

fn give_up(status: i32) -> ! {
    // SAFETY: ends the process, and runs nothing of it any more.
    unsafe { libc::_exit(status) }
}

/// Bytes of a page of this system.
fn page() -> usize {
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(page).ok().filter(|&page| page > 0).unwrap_or(PAGE)
}

/// Lets children have the pages of these bytes, which may be a part of a block that none gets.
pub(super) fn lend(bytes: &[u8]) {
    let page = page();
    let Range { start, end } = bytes.as_ptr_range();
    advise(start.addr() / page * page..end.addr().next_multiple_of(page), libc::MADV_DOFORK);
}

/// Keeps a large block from children, or no more. What it shares its first and last page with is not
/// concerned.
fn withhold(block: *mut u8, size: usize, advice: libc::c_int) {
    if size >= WITHHELD && !block.is_null() && WITHHOLDS.load(Ordering::Relaxed) {
        let (page, end) = (page(), block.addr().saturating_add(size));
        advise(block.addr().next_multiple_of(page)..end / page * page, advice);
    }
}

fn advise(pages: Range<usize>, advice: libc::c_int) {
    if pages.start < pages.end {
        let start = std::ptr::without_provenance_mut(pages.start);
        // SAFETY: it says what becomes of the pages in a child, and changes nothing here. Where the system does
        // not take the advice, as for pages that are larger, the child has them.
        unsafe { libc::madvise(start, pages.end - pages.start, advice) };
    }
}

/// The bytes of the block that a layout gets: a power of two.
fn block(layout: Layout) -> usize {
    layout.size().max(layout.align()).max(16).next_power_of_two()
}

impl State {
    const NONE: State = State {
        start: null_mut(),
        next: null_mut(),
        ready: null_mut(),
        end: null_mut(),
        held: 0,
        most: 0,
        free: [null_mut(); usize::BITS as usize],
    };

    fn has(&self, block: *mut u8) -> bool {
        (self.start..self.end).contains(&block)
    }

    /// A block, and whether all of it but its first bytes is zero.
    fn take(&mut self, layout: Layout) -> (*mut u8, bool) {
        let bytes = block(layout);
        self.held = self.held.saturating_add(layout.size());
        if self.held > self.most || layout.align() > PAGE {
            give_up(OUT_OF_MEMORY);
        }
        let Some(first) = self.free.get_mut(bytes.trailing_zeros() as usize) else {
            give_up(OUT_OF_MEMORY)
        };
        if !first.is_null() {
            let found = *first;
            // SAFETY: a block of ours that nobody has holds the address of the next one, or null.
            *first = unsafe { found.cast::<*mut u8>().read() };
            return (found, bytes >= LARGE);
        }
        let gap = self.next.align_offset(bytes.min(PAGE));
        let room = self.end as usize - self.next as usize;
        if gap > room || bytes > room - gap {
            give_up(OUT_OF_MEMORY);
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

    /// Has the system make the mapping usable as far as it is taken, and a step more.
    fn make_ready(&mut self) {
        let missing = (self.next as usize - self.ready as usize).next_multiple_of(STEP);
        let len = missing.min(self.end as usize - self.ready as usize);
        // SAFETY: within the mapping, from a page on; nobody has anything there yet.
        let is_ready = unsafe {
            libc::mprotect(self.ready.cast(), len, libc::PROT_READ | libc::PROT_WRITE) == 0
        };
        if !is_ready {
            give_up(NO_MEMORY);
        }
        // SAFETY: within the mapping.
        self.ready = unsafe { self.ready.add(len) };
    }

    fn give_back(&mut self, freed: *mut u8, layout: Layout) {
        let bytes = block(layout);
        self.held = self.held.saturating_sub(layout.size());
        if bytes >= LARGE {
            // SAFETY: whole pages of a block that nobody has any more.
            let is_zero = unsafe { libc::madvise(freed.cast(), bytes, libc::MADV_DONTNEED) == 0 };
            if !is_zero {
                // SAFETY: as above.
                unsafe { freed.write_bytes(0, bytes) };
            }
        }
        let Some(first) = self.free.get_mut(bytes.trailing_zeros() as usize) else { return };
        // SAFETY: the block is ours, has room for an address, and nobody has it any more.
        unsafe { freed.cast::<*mut u8>().write(*first) };
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
        let block = unsafe { System.alloc(layout) };
        withhold(block, layout.size(), libc::MADV_DONTFORK);
        block
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
        // SAFETY: as above.
        let block = unsafe { System.alloc_zeroed(layout) };
        withhold(block, layout.size(), libc::MADV_DONTFORK);
        block
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
        withhold(freed, layout.size(), libc::MADV_DOFORK);
        // SAFETY: as above.
        unsafe { System.dealloc(freed, layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if ARENA.is_used.load(Ordering::Relaxed) {
            // SAFETY: the caller's conditions: of that alignment the size is one that there can be.
            let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
            // SAFETY: as above.
            let state = unsafe { &mut *ARENA.state.get() };
            if state.has(old) && block(new) == block(layout) {
                state.held = state.held.saturating_sub(layout.size()).saturating_add(size);
                if state.held > state.most {
                    give_up(OUT_OF_MEMORY);
                }
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
        // The system moves no pages of which it was told different things.
        withhold(old, layout.size(), libc::MADV_DOFORK);
        // SAFETY: as above.
        let block = unsafe { System.realloc(old, layout, size) };
        withhold(block, size, libc::MADV_DONTFORK);
        block
    }
}
