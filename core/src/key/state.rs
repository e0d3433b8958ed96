//! The state file: what partners took, kept while no nginx runs.
//!
//! Little-endian, without padding:
//!
//! | bytes | |
//! | --- | --- |
//! | 8 | `IGKEYS`, 0, the version: 4 |
//! | 8 | the instance that wrote it |
//! | 4 | how many partners follow |
//! | | of each: length of the ID (1), the ID, 11 totals (8 each), 12 windows (8 each), what was told of all windows (8 each), what that instance has counted of requests and bytes (8 each), how many days follow (2) |
//! | | of each of these: its number (4), requests, bytes (8 each) |
//! | 32 | SHA-256 of everything before |
//!
//! Version 3 has neither what was told nor days. Version 2 has 10 windows besides: what was counted in all begins at nothing.

use sha2::{Digest as _, Sha256};

use super::days::DayUse;
use super::report::Totals;
use super::table::is_id;
use super::window::{Period, Resource, WindowCount};

const MAGIC: [u8; 8] = *b"IGKEYS\0\x04";
const CHECKSUM: usize = 32;
const TOTALS: usize = 11;

/// What was counted in each window.
pub type Windows = [[WindowCount; Period::ALL.len()]; Resource::ALL.len()];

/// What is kept of one partner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The name.
    pub id: String,
    /// Counters that only grow.
    pub totals: Totals,
    /// Words of all windows.
    pub windows: Windows,
    /// The words of what was [told](super::Alert) of all windows.
    pub alerts: [[u64; Period::ALL.len()]; Resource::ALL.len()],
    /// What the instance that wrote it has counted of requests that were let in, and of bytes sent in
    /// answer to them, since it began. All of that is in the days.
    pub counted: [u64; Resource::ALL.len()],
    /// What was used of the days that are not in the [file of days](super::days) yet, in order.
    pub days: Vec<DayUse>,
}

/// The contents of a state file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// The zone that wrote it: a number that no other zone, here or after a restart, has.
    pub instance: u64,
    /// One for each partner, with different IDs.
    pub accounts: Vec<Account>,
}

/// Why a file is no state file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It begins otherwise.
    #[error("not a state file")]
    NotState,
    /// Another version wrote it.
    #[error("unknown version {0}")]
    Version(u8),
    /// It is cut off, or bytes changed.
    #[error("damaged")]
    Damaged,
}

impl State {
    /// The file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        // What an account with a short name and a day has, so that little is moved as it grows.
        out.reserve(self.accounts.len().saturating_mul(340).saturating_add(64));
        out.extend(self.instance.to_le_bytes());
        out.extend(u32::try_from(self.accounts.len()).unwrap_or(u32::MAX).to_le_bytes());
        for account in &self.accounts {
            out.push(u8::try_from(account.id.len()).unwrap_or(0));
            out.extend(account.id.as_bytes());
            for number in account.totals.to_array() {
                out.extend(number.to_le_bytes());
            }
            for word in account.windows.iter().flatten() {
                out.extend(word.0.to_le_bytes());
            }
            for number in account.alerts.iter().flatten().chain(&account.counted) {
                out.extend(number.to_le_bytes());
            }
            let count = u16::try_from(account.days.len()).unwrap_or(u16::MAX);
            out.extend(count.to_le_bytes());
            for day in account.days.iter().take(count.into()) {
                out.extend(day.day.to_le_bytes());
                out.extend(day.requests.to_le_bytes());
                out.extend(day.bytes.to_le_bytes());
            }
        }
        let checksum = Sha256::digest(&out);
        out.extend(checksum);
        out
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Whatever is not exactly what [`encode`](State::encode) wrote.
    pub fn decode(file: &[u8]) -> Result<State, StateError> {
        let (periods, has_days) = match file.first_chunk::<8>() {
            Some(&MAGIC) => (Period::ALL.len(), true),
            Some([b'I', b'G', b'K', b'E', b'Y', b'S', 0, version]) => match version {
                3 => (Period::ALL.len(), false),
                2 => (Period::Total.index(), false),
                &version => return Err(StateError::Version(version)),
            },
            _ => return Err(StateError::NotState),
        };
        let (body, checksum) = file
            .len()
            .checked_sub(CHECKSUM)
            .and_then(|at| file.split_at_checked(at))
            .ok_or(StateError::Damaged)?;
        if Sha256::digest(body).as_slice() != checksum {
            return Err(StateError::Damaged);
        }
        read(body, periods, has_days).ok_or(StateError::Damaged)
    }

    /// What tells a file from all others: the first bytes of its checksum.
    #[must_use]
    pub fn name(file: &[u8]) -> u64 {
        let checksum = file.len().checked_sub(CHECKSUM).and_then(|at| file.get(at..));
        let name = checksum.and_then(<[u8]>::first_chunk);
        name.map_or(0, |name| u64::from_le_bytes(*name))
    }
}

/// Reads what has that many windows of each resource, and days or none.
fn read(body: &[u8], periods: usize, has_days: bool) -> Option<State> {
    let mut rest = body.get(MAGIC.len()..)?;
    let instance = u64::from_le_bytes(take(&mut rest)?);
    let count = u32::from_le_bytes(take(&mut rest)?);
    let mut accounts = Vec::new();
    for _ in 0..count {
        let [len] = take(&mut rest)?;
        let (id, after) = rest.split_at_checked(usize::from(len))?;
        rest = after;
        let id = std::str::from_utf8(id).ok().filter(|id| is_id(id.as_bytes()))?;
        let mut account = Account { id: id.to_owned(), ..Account::default() };
        let mut totals = [0; TOTALS];
        for number in &mut totals {
            *number = u64::from_le_bytes(take(&mut rest)?);
        }
        account.totals = Totals::from_array(totals);
        for word in account.windows.iter_mut().flat_map(|row| row.iter_mut().take(periods)) {
            *word = WindowCount(u64::from_le_bytes(take(&mut rest)?));
        }
        if has_days {
            let alerts = account.alerts.iter_mut().flatten();
            for number in alerts.chain(&mut account.counted) {
                *number = u64::from_le_bytes(take(&mut rest)?);
            }
            for _ in 0..u16::from_le_bytes(take(&mut rest)?) {
                let day = u32::from_le_bytes(take(&mut rest)?);
                let requests = u64::from_le_bytes(take(&mut rest)?);
                let bytes = u64::from_le_bytes(take(&mut rest)?);
                account.days.push(DayUse { day, requests, bytes });
            }
            if !account.days.is_sorted_by(|one, other| one.day < other.day) {
                return None;
            }
        }
        accounts.push(account);
    }
    rest.is_empty().then_some(State { instance, accounts })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

impl Totals {
    /// All numbers, in the order of their declaration.
    #[must_use]
    pub fn to_array(self) -> [u64; 11] {
        let [r1, r2, r3, r4, r5] = self.responses;
        [
            self.requests,
            r1,
            r2,
            r3,
            r4,
            r5,
            self.bytes_sent,
            self.bytes_received,
            self.refused,
            self.first_use,
            self.last_use,
        ]
    }

    /// What [`to_array`](Totals::to_array) gave.
    #[must_use]
    pub fn from_array(numbers: [u64; 11]) -> Totals {
        let [requests, r1, r2, r3, r4, r5, sent, received, refused, first_use, last_use] = numbers;
        Totals {
            requests,
            responses: [r1, r2, r3, r4, r5],
            bytes_sent: sent,
            bytes_received: received,
            refused,
            first_use,
            last_use,
        }
    }
}

impl Account {
    /// The account of two instances that counted apart since both had `before`: after a binary
    /// upgrade, the old workers still end their requests while the new ones take theirs. Days stay
    /// as they are.
    #[must_use]
    pub fn merge(&self, before: &Account, other: &Account) -> Account {
        let [mut totals, was, theirs] =
            [self.totals, before.totals, other.totals].map(Totals::to_array);
        for ((total, was), theirs) in totals.iter_mut().zip(was).zip(theirs) {
            *total = theirs.saturating_add(total.saturating_sub(was));
        }
        let mut totals = Totals::from_array(totals);
        totals.first_use = match (self.totals.first_use, other.totals.first_use) {
            (0, time) | (time, 0) => time,
            (one, other) => one.min(other),
        };
        totals.last_use = self.totals.last_use.max(other.totals.last_use);
        let mut windows = self.windows;
        for (what, row) in windows.iter_mut().enumerate() {
            for (word, per) in row.iter_mut().zip(Period::ALL) {
                let at = per.index();
                *word = word.merge(per, before.windows[what][at], other.windows[what][at]);
            }
        }
        // A later window has the larger word, and so has more of one window.
        let mut alerts = self.alerts;
        for (word, other) in alerts.iter_mut().flatten().zip(other.alerts.iter().flatten()) {
            *word = (*word).max(*other);
        }
        let (counted, days) = (self.counted, self.days.clone());
        Account { id: self.id.clone(), totals, windows, alerts, counted, days }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account(id: &str, requests: u64) -> Account {
        let mut account = Account { id: id.to_owned(), ..Account::default() };
        account.totals.requests = requests;
        account.totals.last_use = requests;
        account.windows[0][3] = WindowCount::new(Period::Day, 1_700_000_000, requests);
        account.counted = [requests, 2];
        account.alerts[1][3] = requests;
        account.days = vec![
            DayUse { day: 19_675, requests, bytes: 1 },
            DayUse { day: 19_676, requests: 1, bytes: u64::MAX },
        ];
        account
    }

    #[test]
    fn what_was_written_is_read() {
        let state =
            State { instance: 7, accounts: vec![account("a", 1), account("b.c", u64::MAX)] };
        assert_eq!(State::decode(&state.encode()), Ok(state));
        assert_eq!(State::decode(&State::default().encode()), Ok(State::default()));
    }

    #[test]
    fn what_was_changed_is_not_read() {
        let file = State { instance: 7, accounts: vec![account("a", 1)] }.encode();
        for len in 0..file.len() {
            assert!(State::decode(&file[..len]).is_err(), "{len}");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(State::decode(&changed).is_err(), "{at}");
        }
        let mut newer = file.clone();
        newer[7] = 5;
        assert_eq!(State::decode(&newer), Err(StateError::Version(5)));
        assert_eq!(State::decode(b"acme sha256:"), Err(StateError::NotState));
    }

    #[test]
    fn what_versions_before_wrote_is_read() {
        for (version, periods) in [(2, 5), (3, 6)] {
            let mut account = account("acme", 5);
            account.windows[1][periods - 1] = WindowCount(6);
            (account.counted, account.days) = ([0; 2], Vec::new());
            account.alerts = Default::default();
            let mut file = b"IGKEYS\0".to_vec();
            file.push(version);
            file.extend(7u64.to_le_bytes());
            file.extend(1u32.to_le_bytes());
            file.extend(b"\x04acme");
            file.extend(account.totals.to_array().iter().flat_map(|number| number.to_le_bytes()));
            for row in account.windows {
                file.extend(row[..periods].iter().flat_map(|word| word.0.to_le_bytes()));
            }
            file.extend(Sha256::digest(&file));
            assert_eq!(State::decode(&file), Ok(State { instance: 7, accounts: vec![account] }));
        }
    }

    #[test]
    fn a_file_has_a_name_of_its_own() {
        let file =
            |requests| State { instance: 7, accounts: vec![account("a", requests)] }.encode();
        assert_eq!(State::name(&file(1)), State::name(&file(1)));
        assert_ne!(State::name(&file(1)), State::name(&file(2)));
        assert_eq!(State::name(b"short"), 0);
    }

    #[test]
    fn two_instances_add_up() {
        let before = account("a", 10);
        let merged = account("a", 13).merge(&before, &account("a", 15));
        assert_eq!(merged.totals.requests, 18);
        assert_eq!(merged.totals.last_use, 15);
        assert_eq!(merged.windows[0][3], WindowCount::new(Period::Day, 1_700_000_000, 18));
        let alone = account("a", 13).merge(&before, &before);
        assert_eq!(alone.totals.requests, 13);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            for version in [2, 3, 4] {
                let mut file = MAGIC.to_vec();
                file[7] = version;
                file.extend(&body);
                let checksum = Sha256::digest(&file);
                file.extend(checksum);
                let _ = State::decode(&file);
            }
            let _ = State::decode(&body);
        }
    }
}
