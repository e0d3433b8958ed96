//! Which result is being made, and by which process, so that no other makes it meanwhile.
//!
//! A table of flights lies in shared memory. What is done to it here is done under a lock, which is
//! given back when the process that holds it is killed: at every step the table is one that can be
//! used.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One place of the table: a result that is being made. Zero is nobody's.
#[repr(C)]
pub struct Flight {
    key: [AtomicU64; 2],
    /// The process that makes it; 0 where the place is free.
    owner: AtomicU64,
    /// When it began, in milliseconds.
    since: AtomicU64,
    /// Counts what began here.
    number: AtomicU64,
    /// When it turned out that what was made is not kept, in milliseconds; 0 is never.
    refused: AtomicU64,
}

/// For how long who wants a result that is not kept waits for nobody, in milliseconds.
const REFUSED: u64 = 5000;

/// A result is found in one of so many places.
const PLACES: usize = 16;

/// What its owner knows a flight by.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    key: [u64; 2],
    number: u64,
}

/// What becomes of who wants to make a result.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is to make it.
    Mine(Ticket),
    /// Another does.
    Busy,
    /// It may, and so may others: there is no place to say who does, or it is not kept anyway.
    Free,
}

impl Flight {
    fn is_of(&self, key: [u64; 2]) -> bool {
        self.owner.load(Relaxed) != 0 && self.key.each_ref().map(|word| word.load(Relaxed)) == key
    }

    /// Whether what was made here last is not kept.
    fn is_refused(&self, key: [u64; 2], now: u64) -> bool {
        let refused = self.refused.load(Relaxed);
        refused != 0
            && now.saturating_sub(refused) < REFUSED
            && self.owner.load(Relaxed) == 0
            && self.key.each_ref().map(|word| word.load(Relaxed)) == key
    }

    /// Whether its owner may be at work still.
    fn holds(&self, now: u64, age: u64, is_alive: impl Fn(u64) -> bool) -> bool {
        let owner = self.owner.load(Relaxed);
        owner != 0 && now.saturating_sub(self.since.load(Relaxed)) < age && is_alive(owner)
    }

    fn begin(&self, key: [u64; 2], me: u64, now: u64) -> Ticket {
        self.owner.store(0, Relaxed);
        let number = self.number.load(Relaxed).wrapping_add(1);
        for (word, value) in self.key.iter().zip(key) {
            word.store(value, Relaxed);
        }
        self.since.store(now, Relaxed);
        self.refused.store(0, Relaxed);
        self.number.store(number, Relaxed);
        self.owner.store(me, Relaxed);
        Ticket { key, number }
    }
}

/// The places where a result may be.
fn places<T>(flights: &[T], key: [u64; 2]) -> &[T] {
    let groups = (flights.len() / PLACES).max(1) as u64;
    let start = usize::try_from(key[0] % groups).unwrap_or(0) * PLACES;
    flights.get(start..).map_or(&[], |rest| rest.get(..PLACES).unwrap_or(rest))
}

/// Has the process `me` make a result, unless another does. What lasts longer than `age`
/// milliseconds is taken for lost. `is_alive` says whether there is a process of a number, and
/// `heeds_refusals` whether nobody has to make what turned out to be kept by none.
pub fn claim<T: AsRef<Flight>>(
    flights: &[T],
    key: [u64; 2],
    me: u64,
    now: u64,
    age: u64,
    heeds_refusals: bool,
    is_alive: impl Fn(u64) -> bool,
) -> Claim {
    let places = || places(flights, key).iter().map(AsRef::as_ref);
    if let Some(flight) = places().find(|flight| flight.is_of(key)) {
        if flight.holds(now, age, &is_alive) {
            return Claim::Busy;
        }
        return Claim::Mine(flight.begin(key, me, now));
    }
    if heeds_refusals && places().any(|flight| flight.is_refused(key, now)) {
        return Claim::Free;
    }
    let is_free = |flight: &&Flight| flight.owner.load(Relaxed) == 0;
    let free = places()
        .find(is_free)
        .or_else(|| places().find(|flight| !is_alive(flight.owner.load(Relaxed))));
    free.map_or(Claim::Free, |flight| Claim::Mine(flight.begin(key, me, now)))
}

/// Whether another makes that result.
pub fn is_in_flight<T: AsRef<Flight>>(
    flights: &[T],
    key: [u64; 2],
    now: u64,
    age: u64,
    is_alive: impl Fn(u64) -> bool,
) -> bool {
    let mut places = places(flights, key).iter().map(AsRef::as_ref);
    places.any(|flight| flight.is_of(key) && flight.holds(now, age, &is_alive))
}

/// Ends a flight, unless another has taken it over. What is `refused`, and so at what time, is not
/// waited for by others for a while.
pub fn release<T: AsRef<Flight>>(flights: &[T], ticket: &Ticket, refused: Option<u64>) {
    let mut places = places(flights, ticket.key).iter().map(AsRef::as_ref);
    let is_it =
        |flight: &&Flight| flight.is_of(ticket.key) && flight.number.load(Relaxed) == ticket.number;
    if let Some(flight) = places.find(is_it) {
        flight.refused.store(refused.unwrap_or(0), Relaxed);
        flight.owner.store(0, Relaxed);
    }
}

impl Ticket {
    /// The result that is made.
    #[must_use]
    pub fn key(&self) -> [u64; 2] {
        self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(Flight);

    impl AsRef<Flight> for Place {
        fn as_ref(&self) -> &Flight {
            &self.0
        }
    }

    fn table(len: usize) -> Vec<Place> {
        let zero = || AtomicU64::new(0);
        let flight = || Flight {
            key: [zero(), zero()],
            owner: zero(),
            since: zero(),
            number: zero(),
            refused: zero(),
        };
        (0..len).map(|_| Place(flight())).collect()
    }

    const KEY: [u64; 2] = [77, 5];
    const AGE: u64 = 5000;
    const ALL: fn(u64) -> bool = |_| true;

    fn mine(claim: Claim) -> Ticket {
        match claim {
            Claim::Mine(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_makes_it_and_others_wait() {
        let table = table(64);
        let ticket = mine(claim(&table, KEY, 1, 100, AGE, true, ALL));
        assert_eq!(claim(&table, KEY, 2, 101, AGE, true, ALL), Claim::Busy);
        // The same process waits for itself, too: another of its requests makes it.
        assert_eq!(claim(&table, KEY, 1, 101, AGE, true, ALL), Claim::Busy);
        assert!(is_in_flight(&table, KEY, 101, AGE, ALL));
        let _ = mine(claim(&table, [77, 6], 2, 101, AGE, true, ALL));
        release(&table, &ticket, None);
        assert!(!is_in_flight(&table, KEY, 101, AGE, ALL));
        let _ = mine(claim(&table, KEY, 2, 102, AGE, true, ALL));
    }

    #[test]
    fn the_dead_hold_nothing() {
        let table = table(64);
        let _ = mine(claim(&table, KEY, 1, 100, AGE, true, ALL));
        let lives = |process| process != 1;
        assert!(!is_in_flight(&table, KEY, 101, AGE, lives));
        let _ = mine(claim(&table, KEY, 2, 101, AGE, true, lives));
        assert_eq!(claim(&table, KEY, 3, 102, AGE, true, lives), Claim::Busy);
    }

    #[test]
    fn what_lasts_too_long_is_taken_over_and_stays_so() {
        let table = table(64);
        let first = mine(claim(&table, KEY, 1, 100, AGE, true, ALL));
        assert_eq!(claim(&table, KEY, 2, 5099, AGE, true, ALL), Claim::Busy);
        let second = mine(claim(&table, KEY, 2, 5100, AGE, true, ALL));
        // The first comes back, and ends what is its own only.
        release(&table, &first, None);
        assert_eq!(claim(&table, KEY, 3, 5101, AGE, true, ALL), Claim::Busy);
        release(&table, &second, None);
        let _ = mine(claim(&table, KEY, 3, 5102, AGE, true, ALL));
        release(&table, &second, None);
        assert_eq!(claim(&table, KEY, 4, 5103, AGE, true, ALL), Claim::Busy);
    }

    #[test]
    fn a_full_table_says_so_and_places_of_the_dead_are_used_again() {
        let table = table(PLACES);
        let tickets: Vec<Ticket> = (0..PLACES as u64)
            .map(|at| mine(claim(&table, [at, 1], 1, 0, AGE, true, ALL)))
            .collect();
        assert_eq!(claim(&table, [99, 1], 2, 1, AGE, true, ALL), Claim::Free);
        let _ = mine(claim(&table, [99, 1], 2, 1, AGE, true, |process| process != 1));
        // Whose place it was gets nothing away from who has it now.
        for ticket in &tickets {
            release(&table, ticket, None);
        }
        assert!(is_in_flight(&table, [99, 1], 1, AGE, ALL));
    }

    #[test]
    fn what_is_not_kept_is_not_waited_for() {
        let table = table(64);
        let first = mine(claim(&table, KEY, 1, 100, AGE, true, ALL));
        release(&table, &first, Some(200));
        assert!(!is_in_flight(&table, KEY, 201, AGE, ALL));
        assert_eq!(claim(&table, KEY, 2, 201, AGE, true, ALL), Claim::Free);
        assert_eq!(claim(&table, KEY, 2, 5199, AGE, true, ALL), Claim::Free);
        // Who has the old one makes it all the same.
        let other = mine(claim(&table, KEY, 2, 5199, AGE, false, ALL));
        assert_eq!(claim(&table, KEY, 3, 5199, AGE, true, ALL), Claim::Busy);
        release(&table, &other, Some(200));
        // Another result, and the same after a while.
        let _ = mine(claim(&table, [77, 6], 2, 201, AGE, true, ALL));
        let _ = mine(claim(&table, KEY, 2, 5200, AGE, true, ALL));
        assert_eq!(claim(&table, KEY, 3, 5201, AGE, true, ALL), Claim::Busy);
    }

    #[test]
    fn tables_of_any_length_are_searched() {
        for len in [0, 1, 15, 16, 17, 100] {
            let table = table(len);
            let claimed = claim(&table, [u64::MAX, 0], 1, 0, AGE, true, ALL);
            assert_eq!(claimed == Claim::Free, len == 0, "{len}");
        }
    }
}
