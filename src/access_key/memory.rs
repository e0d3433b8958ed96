//! What lies in a zone: one header, and a record for each partner.
//!
//! Nothing is ever taken out: a record belongs to its partner until nginx stops, so its place can
//! be kept in a request or a table, and its counters never fall. A process that dies can leave no
//! more behind than one change of one counter.

use std::sync::atomic::{AtomicU64, Ordering};

use image_gate_core::key::{Account, COUNTERS, MAX_ID, Period, Quantity, Totals, Word};

use super::export::{Board, Slot};
use crate::ngx::shm::Shareable;

/// "IGKEYS" and the version of this layout.
const MAGIC: u64 = u64::from_be_bytes(*b"IGKEYS\0\x02");

/// The beginning of a zone.
#[repr(C, align(64))]
pub struct Header {
    magic: AtomicU64,
    /// See [`image_gate_core::key::State::instance`].
    pub instance: AtomicU64,
    /// How many records are in use. Those below are complete.
    pub count: AtomicU64,
    /// When the state is to be saved next, in milliseconds since 1970.
    pub next_save: AtomicU64,
    /// Not 0 while partners with quotas are to be refused since other nodes can't be asked.
    pub deny: AtomicU64,
    /// What the exports keep.
    pub export: Board,
}

// SAFETY: atomics only.
unsafe impl Shareable for Header {}

/// The header of a zone without room.
pub static NO_HEADER: Header = Header {
    magic: AtomicU64::new(0),
    instance: AtomicU64::new(0),
    count: AtomicU64::new(0),
    next_save: AtomicU64::new(0),
    deny: AtomicU64::new(0),
    export: Board::new(),
};

impl Header {
    /// Marks a new zone. Answers whether it is one of this layout now.
    pub fn claim(&self, instance: u64) -> bool {
        if self.magic.load(Ordering::Acquire) == 0 {
            self.instance.store(instance, Ordering::Relaxed);
            self.magic.store(MAGIC, Ordering::Release);
        }
        self.magic.load(Ordering::Acquire) == MAGIC
    }
}

/// A word for each window of one quantity.
type Row = [AtomicU64; Period::ALL.len()];

/// A word for each window.
type Grid = [Row; Quantity::ALL.len()];

/// What a processor takes from the others as a whole.
#[repr(C, align(64))]
struct Line<T>(T);

/// What is written when an answer has been sent, beside the numbers of answers.
#[repr(C)]
struct Sent {
    bytes: AtomicU64,
    first_use: AtomicU64,
    last_use: AtomicU64,
    used: Row,
}

/// One partner.
///
/// What workers write for each request lies in three lines, by when it is written, and apart from
/// what they only read.
#[repr(C, align(64))]
pub struct Record {
    id: [AtomicU64; MAX_ID / 8],
    admitted: Line<Row>,
    /// Those of [`Totals::to_array`] that are not in [`Sent`].
    answered: Line<[AtomicU64; 8]>,
    sent: Line<Sent>,
    /// What other nodes used in the same windows.
    remote: Line<Grid>,
    // What the state file said when this instance last read or wrote it.
    known_totals: [AtomicU64; TOTALS],
    known_used: Grid,
    /// What the exports keep.
    pub export: Slot,
}

// SAFETY: atomics only.
unsafe impl Shareable for Record {}

/// How many numbers [`Totals::to_array`] has.
const TOTALS: usize = 11;

/// Where numbers are in `answered`.
mod index {
    pub const REQUESTS: usize = 0;
    pub const RESPONSES: usize = 1;
    pub const BYTES_RECEIVED: usize = 6;
    pub const REFUSED: usize = 7;
}

impl Record {
    /// The partner's ID.
    pub fn id(&self) -> String {
        let bytes: Vec<u8> = self
            .id
            .iter()
            .flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes())
            .take_while(|&byte| byte != 0)
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Makes a record that is not in use yet that of a partner.
    pub fn begin(&self, account: &Account) {
        let mut bytes = [0; MAX_ID];
        for (byte, &from) in bytes.iter_mut().zip(account.id.as_bytes()) {
            *byte = from;
        }
        let (chunks, _) = bytes.as_chunks::<8>();
        for (word, chunk) in self.id.iter().zip(chunks) {
            word.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
        }
        for (total, number) in self.cells().into_iter().zip(account.totals.to_array()) {
            total.store(number, Ordering::Relaxed);
        }
        for (row, words) in self.rows().into_iter().zip(&account.windows) {
            for (used, word) in row.iter().zip(words) {
                used.store(word.0, Ordering::Relaxed);
            }
        }
        for remote in self.remote.0.iter().flatten() {
            remote.store(0, Ordering::Relaxed);
        }
        self.set_known(account);
        self.export.begin(&account.totals, &account.windows);
    }

    /// The counters.
    pub fn totals(&self) -> Totals {
        Totals::from_array(self.cells().map(|total| total.load(Ordering::Relaxed)))
    }

    /// What was counted in all windows so far.
    pub fn account(&self) -> Account {
        Account { id: self.id(), totals: self.totals(), windows: words(self.rows()) }
    }

    /// The account that the state file holds, as far as this instance knows.
    pub fn known(&self) -> Account {
        let totals = self.known_totals.each_ref().map(|total| total.load(Ordering::Relaxed));
        Account {
            id: String::new(),
            totals: Totals::from_array(totals),
            windows: words(self.known_used.each_ref()),
        }
    }

    /// Keeps what the state file holds now.
    pub fn set_known(&self, account: &Account) {
        for (known, number) in self.known_totals.iter().zip(account.totals.to_array()) {
            known.store(number, Ordering::Relaxed);
        }
        for (known, word) in self.known_used.iter().flatten().zip(account.windows.iter().flatten())
        {
            known.store(word.0, Ordering::Relaxed);
        }
    }

    /// Takes over what another instance counted: the difference of `merged` to `own`, both of
    /// which were counted while this record went on.
    pub fn take_over(&self, own: &Account, merged: &Account) {
        self.export.skip(&own.totals, &merged.totals);
        let (was, is) = (own.totals.to_array(), merged.totals.to_array());
        for ((total, was), is) in self.cells().into_iter().zip(was).zip(is).take(COUNTERS) {
            total.fetch_add(is.saturating_sub(was), Ordering::Relaxed);
        }
        self.note_use(merged.totals.first_use, merged.totals.last_use);
        for (what, row) in self.rows().into_iter().enumerate() {
            for ((used, per), at) in row.iter().zip(Period::ALL).zip(0..) {
                let (was, is) = (own.windows[what][at], merged.windows[what][at]);
                update(used, |word| word.merge(per, was, is));
            }
        }
    }

    /// The word of a window.
    pub fn used(&self, what: Quantity, per: Period) -> &AtomicU64 {
        &self.rows()[what.index()][per.index()]
    }

    /// The word of what other nodes used of a window.
    pub fn remote(&self, what: Quantity, per: Period) -> &AtomicU64 {
        &self.remote.0[what.index()][per.index()]
    }

    /// The words of its windows, a row for each quantity.
    fn rows(&self) -> [&Row; Quantity::ALL.len()] {
        [&self.admitted.0, &self.sent.0.used]
    }

    /// The numbers of [`Totals::to_array`]: [`COUNTERS`] that only grow, and the first and the
    /// last use.
    fn cells(&self) -> [&AtomicU64; TOTALS] {
        let [requests, c1, c2, c3, c4, c5, received, refused] = &self.answered.0;
        let Sent { bytes, first_use, last_use, .. } = &self.sent.0;
        [requests, c1, c2, c3, c4, c5, bytes, received, refused, first_use, last_use]
    }

    /// Counts an answered request.
    pub fn count(&self, time: u64, class: usize, sent: u64, received: u64, refused: bool) {
        let add =
            |index: usize, amount| self.answered.0[index].fetch_add(amount, Ordering::Relaxed);
        add(index::REQUESTS, 1);
        if (1..=5).contains(&class) {
            add(index::RESPONSES + class - 1, 1);
        }
        add(index::BYTES_RECEIVED, received);
        if refused {
            add(index::REFUSED, 1);
        }
        self.sent.0.bytes.fetch_add(sent, Ordering::Relaxed);
        self.note_use(time, time);
    }

    fn note_use(&self, first: u64, last: u64) {
        let Sent { first_use, last_use, .. } = &self.sent.0;
        if first != 0 {
            let _ = first_use.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| {
                (known == 0 || first < known).then_some(first)
            });
        }
        if last_use.load(Ordering::Relaxed) < last {
            last_use.fetch_max(last, Ordering::Relaxed);
        }
    }
}

fn words(rows: [&Row; Quantity::ALL.len()]) -> [[Word; Period::ALL.len()]; Quantity::ALL.len()] {
    rows.map(|row| row.each_ref().map(|word| Word(word.load(Ordering::Relaxed))))
}

/// Changes a word in one step.
pub fn update(cell: &AtomicU64, change: impl Fn(Word) -> Word) {
    let _ =
        cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| Some(change(Word(word)).0));
}
