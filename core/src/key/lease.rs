//! Which process does something for all: one at a time, and another when that one is gone.

use std::sync::atomic::{AtomicU64, Ordering};

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

    /// Takes, keeps or hands over the lease, at the second `now`. Returns whether `process` holds it
    /// then. `is_alive` says whether there is a process of a number.
    ///
    /// A worker that shuts down (`leaving`) keeps what it has as long as nobody else wants it, so
    /// that what its last requests count is exported, too.
    pub fn renew(
        &self,
        process: u32,
        leaving: bool,
        now: u64,
        is_alive: impl Fn(u64) -> bool,
    ) -> bool {
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
        if holder != 0 && !silent && is_alive(holder) {
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

impl Default for Lease {
    fn default() -> Lease {
        Lease::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: fn(u64) -> bool = |_| true;

    #[test]
    fn the_first_keeps_it_as_long_as_it_lives() {
        let lease = Lease::new();
        assert!(lease.renew(1, false, 100, ALL));
        for now in 101..200 {
            assert!(!lease.renew(2, false, now, ALL));
            assert!(lease.renew(1, false, now, ALL) && lease.is_held_by(1));
        }
        // Killed: the number is nobody's any more.
        assert!(lease.renew(2, false, 200, |process| process != 1));
        assert!(!lease.renew(1, false, 200, ALL));
    }

    #[test]
    fn one_that_says_nothing_loses_it_although_its_number_lives() {
        let lease = Lease::new();
        assert!(lease.renew(1, false, 100, ALL));
        assert!(!lease.renew(2, false, 100 + SILENCE, ALL));
        assert!(lease.renew(2, false, 101 + SILENCE, ALL));
    }

    #[test]
    fn one_that_leaves_hands_it_over_to_who_wants_it() {
        let lease = Lease::new();
        assert!(lease.renew(1, false, 100, ALL));
        // Nobody wants it.
        assert!(lease.renew(1, true, 110, ALL));
        assert!(!lease.renew(2, false, 110, ALL));
        assert!(!lease.renew(1, true, 111, ALL) && !lease.is_held_by(1));
        assert!(lease.renew(2, false, 111, ALL));
        // Another one that leaves does not want it.
        let lease = Lease::new();
        assert!(lease.renew(1, false, 100, ALL) && !lease.renew(2, true, 100, ALL));
        assert!(lease.renew(1, true, 101, ALL));
        // Nor does one that wanted it long ago.
        assert!(!lease.renew(2, false, 101, ALL));
        assert!(lease.renew(1, true, 101 + CLAIM, ALL));
    }

    #[test]
    fn given_back_it_is_anybodys_but_only_by_its_holder() {
        let lease = Lease::new();
        assert!(lease.renew(1, false, 100, ALL));
        lease.release(2);
        assert!(lease.is_held_by(1));
        lease.release(1);
        assert!(lease.renew(2, true, 100, ALL));
    }

    #[test]
    fn of_many_that_want_it_one_gets_it() {
        let lease = Lease::new();
        let got = std::thread::scope(|scope| {
            let threads: Vec<_> = (1..=8)
                .map(|process| {
                    scope.spawn({
                        let lease = &lease;
                        move || lease.renew(process, false, 7, ALL)
                    })
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|&got| got).count()
        });
        assert_eq!(got, 1);
    }
}
