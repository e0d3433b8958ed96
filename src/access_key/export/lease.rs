//! Which worker exports a zone: one at a time, and another when that one is gone.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ngx::worker;

/// Seconds after which a holder that says nothing is taken for gone, although there is a process
/// of its number.
const SILENCE: u64 = 30;
/// Seconds for which a claim holds.
const CLAIM: u64 = 5;

/// A lease in shared memory, which holds the process number of a worker.
#[repr(C)]
pub struct Lease {
    holder: AtomicU64,
    beat: AtomicU64,
    claimed: AtomicU64,
}

impl Lease {
    /// One that nobody holds.
    pub const fn new() -> Lease {
        Lease { holder: AtomicU64::new(0), beat: AtomicU64::new(0), claimed: AtomicU64::new(0) }
    }

    /// Takes, keeps or hands over the lease. Answers whether `process` holds it now.
    ///
    /// A worker that shuts down (`leaving`) keeps what it has as long as nobody else wants it, so
    /// that what its last requests count is exported, too.
    pub fn renew(&self, process: u32, leaving: bool, now: u64) -> bool {
        let me = u64::from(process);
        let holder = self.holder.load(Ordering::Acquire);
        if holder == me {
            if leaving && now.abs_diff(self.claimed.load(Ordering::Relaxed)) < CLAIM {
                self.release(process);
                return false;
            }
            self.beat.store(now, Ordering::Relaxed);
            return true;
        }
        let silent = now.abs_diff(self.beat.load(Ordering::Relaxed)) > SILENCE;
        if holder != 0 && !silent && worker::is_alive(holder) {
            if !leaving {
                self.claimed.store(now, Ordering::Relaxed);
            }
            return false;
        }
        self.beat.store(now, Ordering::Relaxed);
        self.holder.compare_exchange(holder, me, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Whether `process` holds it.
    pub fn is_held_by(&self, process: u32) -> bool {
        self.holder.load(Ordering::Acquire) == u64::from(process)
    }

    /// Gives it back if `process` holds it.
    pub fn release(&self, process: u32) {
        let me = u64::from(process);
        let _ = self.holder.compare_exchange(me, 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}
