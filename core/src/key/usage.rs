//! What partners used, from the files that it is kept in: for bills.

use std::collections::BTreeMap;
use std::ops::Range;

use super::days::{self, DayUse, DaysError, DaysFile};
use super::state::{State, StateError};

/// The days of each partner, by ID, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageByDay(pub BTreeMap<String, Vec<DayUse>>);

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// Of the state file.
    #[error(transparent)]
    State(#[from] StateError),
    /// Of the file of days.
    #[error(transparent)]
    Days(#[from] DaysError),
}

impl UsageByDay {
    /// Adds what a state file and its file of days say of some days. Of files of several nodes, which
    /// count each for itself, that is the sum. The state file has to be read first: what is moved
    /// from one to the other meanwhile is then in both, and counts once.
    ///
    /// # Errors
    /// Why a file can't be used. An empty file of days, or none, holds nothing.
    pub fn add(&mut self, state: &[u8], kept: &[u8], range: &Range<u32>) -> Result<(), UsageError> {
        let name = State::name(state);
        let state = State::decode(state)?;
        let kept = DaysFile::parse(kept)?;
        let taken = kept.index.taken;
        let is_taken = |used: &DayUse| taken.state == name && used.day < taken.before;
        for account in state.accounts {
            let days = account.days.into_iter().filter(|used| !is_taken(used));
            self.add_days(&account.id, days.filter(|used| range.contains(&used.day)));
        }
        for known in kept.partners() {
            let (id, days) = known?;
            self.add_days(id, days.into_iter().filter(|used| range.contains(&used.day)));
        }
        Ok(())
    }

    fn add_days(&mut self, id: &str, used: impl Iterator<Item = DayUse>) {
        let mut used = used.peekable();
        if used.peek().is_none() {
            return;
        }
        let known = self.0.entry(id.to_owned()).or_default();
        used.for_each(|day| days::add(known, day));
    }
}

#[cfg(test)]
mod tests {
    use super::super::days::Taken;
    use super::super::state::Account;
    use super::*;

    fn day(day: u32, requests: u64) -> DayUse {
        DayUse { day, requests, bytes: 10 * requests }
    }

    fn state(days: &[DayUse]) -> Vec<u8> {
        let account = Account { id: "acme".into(), days: days.to_vec(), ..Account::default() };
        State { instance: 1, accounts: vec![account] }.encode()
    }

    fn kept(state: &[u8], before: u32, days: &[DayUse]) -> Vec<u8> {
        let taken = Taken { state: State::name(state), before };
        let more = [("acme".to_owned(), days.to_vec())];
        DaysFile::parse(b"").unwrap().with(taken, 0, more).unwrap()
    }

    fn usage(files: &[(&[u8], &[u8])], range: Range<u32>) -> Vec<DayUse> {
        let mut usage = UsageByDay::default();
        for (state, kept) in files {
            usage.add(state, kept, &range).unwrap();
        }
        usage.0.remove("acme").unwrap_or_default()
    }

    #[test]
    fn both_files_add_up_and_nodes_do() {
        let one = state(&[day(9, 1), day(10, 2)]);
        let kept = kept(b"", 9, &[day(7, 3), day(8, 4)]);
        assert_eq!(usage(&[(&one, &kept)], 8..10), [day(8, 4), day(9, 1)]);
        assert_eq!(usage(&[(&one, &kept), (&one, b"")], 9..11), [day(9, 2), day(10, 4)]);
        assert_eq!(usage(&[(&one, &kept)], 11..20), []);
    }

    #[test]
    fn what_is_moved_meanwhile_counts_once() {
        let before = state(&[day(9, 1), day(10, 2)]);
        let kept = kept(&before, 10, &[day(9, 1)]);
        assert_eq!(usage(&[(&before, &kept)], 0..99), [day(9, 1), day(10, 2)]);
        // The next state file no longer has it.
        let after = state(&[day(10, 3)]);
        assert_eq!(usage(&[(&after, &kept)], 0..99), [day(9, 1), day(10, 3)]);
    }

    #[test]
    fn what_is_no_file_is_said() {
        let mut usage = UsageByDay::default();
        let error = usage.add(b"x", b"", &(0..1)).unwrap_err();
        assert_eq!(error.to_string(), "not a state file");
        let error = usage.add(&state(&[]), b"x", &(0..1)).unwrap_err();
        assert_eq!(error.to_string(), "not a file of days");
    }
}
