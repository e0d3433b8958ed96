//! Places for the requests of a partner that run at once, in memory that processes share.
//!
//! A place holds the [name](crate::process) of the process whose request has it, and is taken and left by one
//! change of one word: a process that dies leaves nothing half done, and what it had is anybody's
//! as soon as somebody finds all places taken.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many requests of one partner can be told apart.
pub const MOST_AT_ONCE: usize = 256;

/// The places of one partner; 0 is free.
#[repr(transparent)]
pub struct Slots([AtomicU32; MOST_AT_ONCE]);

impl Default for Slots {
    fn default() -> Slots {
        Slots([const { AtomicU32::new(0) }; MOST_AT_ONCE])
    }
}

impl Slots {
    /// Takes one of the first `limit` places for `process`, that of a dead one if there is no
    /// other. Returns which, or `None` where all are taken. `is_alive` says whether a process is
    /// there.
    pub fn claim(
        &self,
        limit: usize,
        process: u32,
        is_alive: impl Fn(u64) -> bool,
    ) -> Option<usize> {
        let slots = self.0.get(..limit).unwrap_or(&self.0);
        let take = |slot: &AtomicU32, from| {
            slot.compare_exchange(from, process, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let free = slots.iter().position(|slot| slot.load(Ordering::Relaxed) == 0 && take(slot, 0));
        free.or_else(|| {
            // Of many places of one process, it is asked once.
            let mut alive = process;
            slots.iter().position(|slot| {
                let holder = slot.load(Ordering::Relaxed);
                if holder != alive && holder != 0 && is_alive(u64::from(holder)) {
                    alive = holder;
                }
                holder != alive && take(slot, holder)
            })
        })
    }

    /// Leaves a place that `process` has.
    pub fn release(&self, place: usize, process: u32) {
        if let Some(slot) = self.0.get(place) {
            let _ = slot.compare_exchange(process, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Frees what was left by a process that had the number of this one, which has no place yet,
    /// and died.
    pub fn begin_process(&self, process: u32) {
        for place in 0..MOST_AT_ONCE {
            self.release(place, process);
        }
    }

    /// Returns how many places are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.iter().filter(|slot| slot.load(Ordering::Relaxed) != 0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    const ALL: fn(u64) -> bool = |_| true;

    #[test]
    fn as_many_as_the_limit() {
        let slots = Slots::default();
        assert_eq!(slots.claim(2, 7, ALL), Some(0));
        assert_eq!(slots.claim(2, 8, ALL), Some(1));
        assert_eq!(slots.claim(2, 7, ALL), None);
        // Only who has a place leaves it.
        slots.release(0, 8);
        slots.release(MOST_AT_ONCE, 8);
        assert_eq!((slots.taken(), slots.claim(2, 8, ALL)), (2, None));
        slots.release(0, 7);
        assert_eq!((slots.taken(), slots.claim(2, 8, ALL)), (1, Some(0)));
        assert_eq!(slots.claim(3, 8, ALL), Some(2));
        let many = (0..2 * MOST_AT_ONCE).filter_map(|_| slots.claim(usize::MAX, 9, ALL)).count();
        assert_eq!(many, MOST_AT_ONCE - 3);
    }

    #[test]
    fn the_places_of_the_dead_are_anybodys_once_all_are_taken() {
        let slots = Slots::default();
        for process in [7, 8, 7] {
            assert!(slots.claim(4, process, ALL).is_some());
        }
        let is_alive = |process| process != 7;
        assert_eq!(slots.claim(4, 9, is_alive), Some(3));
        assert_eq!(slots.claim(4, 9, is_alive), Some(0));
        assert_eq!(slots.claim(4, 8, is_alive), Some(2));
        assert_eq!(slots.claim(4, 9, is_alive), None);
        slots.begin_process(9);
        assert_eq!(slots.taken(), 2);
    }

    #[test]
    fn never_more_than_the_limit_while_processes_die() {
        const LIMIT: usize = 5;
        let slots = Slots::default();
        let (running, most, let_in) =
            (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        // A number that is dead left all its places behind.
        for _ in 0..LIMIT {
            slots.claim(LIMIT, 99, ALL);
        }
        std::thread::scope(|scope| {
            for process in 1..=8 {
                let (slots, running, most, let_in) = (&slots, &running, &most, &let_in);
                scope.spawn(move || {
                    for _ in 0..2000 {
                        let Some(place) = slots.claim(LIMIT, process, |other| other != 99) else {
                            std::thread::yield_now();
                            continue;
                        };
                        most.fetch_max(
                            1 + running.fetch_add(1, Ordering::SeqCst),
                            Ordering::SeqCst,
                        );
                        let_in.fetch_add(1, Ordering::Relaxed);
                        running.fetch_sub(1, Ordering::SeqCst);
                        slots.release(place, process);
                    }
                });
            }
        });
        assert!(most.into_inner() <= LIMIT && let_in.into_inner() > 0);
        assert_eq!(
            slots.taken(),
            slots.0.iter().filter(|s| s.load(Ordering::Relaxed) == 99).count()
        );
    }
}
