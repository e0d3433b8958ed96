//! What lies in a zone: one header, and a record for each partner. Atomics and nothing else, for
//! which zero is a valid start, so that processes can share it.
//!
//! Nothing is ever taken out: a record belongs to its partner until nginx stops, so its place can
//! be kept in a request or a table, and its counters never fall. A process that dies can leave no
//! more behind than one change of one counter.

use std::sync::atomic::{AtomicU64, Ordering};

use image_gate_core::key::days::DayUse;
use image_gate_core::key::windowed_counter::{WindowBases, WindowedCounter};
use image_gate_core::key::{
    Account, Alert, COUNTERS, MAX_ID, Pace, PerPeriod, Period, Resource, Slots, Totals,
    WindowCount, Windows,
};

use super::exported::{PartnerExport, ZoneExport};

/// "IGKEYS" and the version of this layout, and of what the words mean: executables share the
/// memory.
const MAGIC: u64 = u64::from_be_bytes(*b"IGKEYS\0\x0a");

/// Returns what tells the layout from those of other executables.
#[must_use]
pub fn layout() -> String {
    let [.., version] = MAGIC.to_be_bytes();
    format!("{version}-{}-{}", size_of::<ZoneHeader>(), size_of::<Record>())
}

/// The beginning of a zone.
#[repr(C, align(64))]
pub struct ZoneHeader {
    magic: AtomicU64,
    /// See [`image_gate_core::key::State::instance`].
    pub instance: AtomicU64,
    /// How many records are in use. Those below are complete.
    pub count: AtomicU64,
    /// When the state is to be saved next, in milliseconds since 1970.
    pub next_save: AtomicU64,
    /// The state file that this instance wrote last.
    pub saved: Saved,
    /// Since when the key file can't be used, the state not be saved, and Redis does not answer, in
    /// seconds since 1970; 0 while all is well.
    pub key_file_bad: Since,
    /// See there.
    pub state_bad: Since,
    /// See there.
    pub redis_bad: Since,
    /// What the exports keep.
    pub export: ZoneExport,
}

/// A state file of which the records know all: it has no partner but theirs, and of days no other but
/// this one. Whoever has the lock of that file may use it.
#[repr(C)]
pub struct Saved {
    /// 0 where there is none.
    day: AtomicU64,
    checksum: [AtomicU64; 4],
}

impl Saved {
    const fn new() -> Saved {
        Saved { day: AtomicU64::new(0), checksum: [const { AtomicU64::new(0) }; 4] }
    }

    /// Returns whether it is the one with that day and that checksum.
    #[must_use]
    pub fn is(&self, day: u32, checksum: &[u8; 32]) -> bool {
        let (known, _) = checksum.as_chunks::<8>();
        self.day.load(Ordering::Relaxed) == u64::from(day)
            && day > 0
            && self
                .checksum
                .iter()
                .zip(known)
                .all(|(word, known)| word.load(Ordering::Relaxed) == u64::from_le_bytes(*known))
    }

    /// Keeps that it is this one, once the records know what is in it.
    pub fn set(&self, saved: Option<(u32, &[u8; 32])>) {
        let (day, checksum) = saved.unwrap_or((0, &[0; 32]));
        let (words, _) = checksum.as_chunks::<8>();
        for (word, known) in self.checksum.iter().zip(words) {
            word.store(u64::from_le_bytes(*known), Ordering::Relaxed);
        }
        self.day.store(day.into(), Ordering::Relaxed);
    }
}

/// Since when something is bad; 0 while it is well.
#[repr(transparent)]
pub struct Since(AtomicU64);

impl Since {
    const fn new() -> Since {
        Since(AtomicU64::new(0))
    }

    /// Notes whether it is well at that time.
    pub fn note(&self, is_well: bool, time: u64) {
        let known = self.0.load(Ordering::Relaxed);
        if is_well {
            self.0.store(0, Ordering::Relaxed);
        } else if known == 0 {
            self.0.store(time.max(1), Ordering::Relaxed);
        }
    }

    /// Returns whether it is well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.since().is_none()
    }

    /// Returns since when it is bad, in seconds since 1970.
    #[must_use]
    pub fn since(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&since| since > 0)
    }
}

/// The header of a zone without room.
pub static NO_HEADER: ZoneHeader = ZoneHeader::new();

impl Default for ZoneHeader {
    fn default() -> ZoneHeader {
        ZoneHeader::new()
    }
}

impl ZoneHeader {
    /// Returns that of a zone that nobody used.
    #[must_use]
    pub const fn new() -> ZoneHeader {
        ZoneHeader {
            magic: AtomicU64::new(0),
            instance: AtomicU64::new(0),
            count: AtomicU64::new(0),
            next_save: AtomicU64::new(0),
            saved: Saved::new(),
            key_file_bad: Since::new(),
            state_bad: Since::new(),
            redis_bad: Since::new(),
            export: ZoneExport::new(),
        }
    }

    /// Begins a new zone. Returns whether it is one of this layout now.
    pub fn claim(&self, instance: u64) -> bool {
        if self.magic.load(Ordering::Acquire) == 0 {
            self.instance.store(instance, Ordering::Relaxed);
            self.magic.store(MAGIC, Ordering::Release);
        }
        self.magic.load(Ordering::Acquire) == MAGIC
    }
}

/// A word for each window.
type AtomicWindows = [WindowBases; Resource::ALL.len()];

/// What is written for each request. It is one line, which a processor takes from the others as a
/// whole: once when a request is let in, and once when it has been answered.
#[repr(C, align(64))]
#[derive(Default)]
struct Hot {
    /// Requests that were let in, and the bytes of the answers to them.
    admitted: AtomicU64,
    charged: AtomicU64,
    requests: AtomicU64,
    successful: AtomicU64,
    redirected: AtomicU64,
    client_errors: AtomicU64,
    received: AtomicU64,
    refused: AtomicU64,
}

/// What is read for each request and written now and then, most of it when a window begins.
#[repr(C, align(64))]
#[derive(Default)]
struct Rare {
    /// Those of `admitted` and of `charged`.
    bases: AtomicWindows,
    first_use: AtomicU64,
    last_use: AtomicU64,
    informational: AtomicU64,
    server_errors: AtomicU64,
    /// Bytes of the answers to requests that were not let in.
    uncharged: AtomicU64,
}

/// One partner.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Record {
    id: [AtomicU64; MAX_ID / 8],
    hot: Hot,
    rare: Rare,
    /// The requests that run.
    pub running: Slots,
    /// How fast answers go out.
    pub pace: Pace,
    /// What other nodes used in the same windows.
    remote: AtomicWindows,
    // What was told of windows that are nearly used up, and how often.
    alerts: [[Alert; Period::ALL.len()]; Resource::ALL.len()],
    alerts_told: AtomicU64,
    // What the state file said when this instance last read or wrote it.
    known_totals: [AtomicU64; TOTALS],
    known_windows: AtomicWindows,
    // What of the counts is in the days of that file.
    known_counted: [AtomicU64; Resource::ALL.len()],
    // What that file says of the day of `Saved`.
    known_day: [AtomicU64; Resource::ALL.len()],
    /// What the exports keep.
    pub export: PartnerExport,
}

/// How many numbers [`Totals::to_array`] has.
const TOTALS: usize = 11;

impl Record {
    /// Returns the partner's ID.
    #[must_use]
    pub fn id(&self) -> String {
        let mut bytes = [0; MAX_ID];
        let (chunks, _) = bytes.as_chunks_mut::<8>();
        for (chunk, word) in chunks.iter_mut().zip(&self.id) {
            *chunk = word.load(Ordering::Relaxed).to_le_bytes();
        }
        let id = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(id).into_owned()
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
        self.hot.admitted.store(0, Ordering::Relaxed);
        self.hot.charged.store(0, Ordering::Relaxed);
        for (counter, words) in
            Resource::ALL.map(|what| self.windowed_counter(what)).iter().zip(&account.windows)
        {
            counter.set(words);
        }
        for remote in self.remote.iter().flatten() {
            remote.store(0, Ordering::Relaxed);
        }
        for (alert, word) in self.alerts.iter().flatten().zip(account.alerts.iter().flatten()) {
            alert.begin(*word);
        }
        let days = Vec::new();
        self.set_known(&Account { counted: [0; Resource::ALL.len()], days, ..account.clone() });
        self.export.begin(&account.totals, &account.windows);
    }

    /// Returns the counters.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals =
            Totals::from_array(self.cells().map(|total| total.load(Ordering::Relaxed)));
        totals.bytes_sent += self.hot.charged.load(Ordering::Relaxed);
        totals
    }

    /// Returns what was counted in all windows so far.
    #[must_use]
    pub fn account(&self) -> Account {
        let mut windows =
            Resource::ALL.map(|what| Period::ALL.map(|per| self.windowed_counter(what).word(per)));
        // A count and its day are read together: what is added to days goes by both.
        let counted = Resource::ALL.map(|what| {
            let (day, count) = self.windowed_counter(what).reading(Period::Day);
            windows[what.index()][Period::Day.index()] = day;
            count
        });
        let alerts = self.alerts.each_ref().map(|row| row.each_ref().map(Alert::word));
        let (id, totals, days) = (self.id(), self.totals(), Vec::new());
        Account { id, totals, windows, alerts, counted, days }
    }

    /// Returns the account that the state file holds, as far as this instance knows.
    #[must_use]
    pub fn known(&self) -> Account {
        let totals = self.known_totals.each_ref().map(|total| total.load(Ordering::Relaxed));
        Account {
            id: String::new(),
            totals: Totals::from_array(totals),
            windows: words(&self.known_windows),
            alerts: Default::default(),
            counted: self.known_counted.each_ref().map(|count| count.load(Ordering::Relaxed)),
            days: Vec::new(),
        }
    }

    /// Returns what the state file says of the only day that it has, by its number, if that is so.
    #[must_use]
    pub fn known_day(&self, day: u32) -> DayUse {
        let [requests, bytes] = self.known_day.each_ref().map(|used| used.load(Ordering::Relaxed));
        DayUse { day, requests, bytes }
    }

    /// Keeps what the state file holds now, and how much of the counts is in its days.
    pub fn set_known(&self, account: &Account) {
        for (known, number) in self.known_totals.iter().zip(account.totals.to_array()) {
            known.store(number, Ordering::Relaxed);
        }
        let words = account.windows.iter().flatten();
        for (known, word) in self.known_windows.iter().flatten().zip(words) {
            known.store(word.0, Ordering::Relaxed);
        }
        for (known, count) in self.known_counted.iter().zip(account.counted) {
            known.store(count, Ordering::Relaxed);
        }
        let used = account.days.last().copied().unwrap_or_default();
        for (known, used) in self.known_day.iter().zip([used.requests, used.bytes]) {
            known.store(used, Ordering::Relaxed);
        }
    }

    /// Takes over what another instance counted: the difference of `merged` to `own`, both of
    /// which were counted while this record went on.
    pub fn take_over(&self, own: &Account, merged: &Account) {
        self.export.skip(own, merged);
        let (was, is) = (own.totals.to_array(), merged.totals.to_array());
        for ((total, was), is) in self.cells().into_iter().zip(was).zip(is).take(COUNTERS) {
            total.fetch_add(is.saturating_sub(was), Ordering::Relaxed);
        }
        self.note_use(merged.totals.first_use, merged.totals.last_use);
        for (alert, word) in self.alerts.iter().flatten().zip(merged.alerts.iter().flatten()) {
            alert.take_over(*word);
        }
        for (what, (was, is)) in
            Resource::ALL.into_iter().zip(own.windows.iter().zip(&merged.windows))
        {
            for ((per, was), is) in Period::ALL.into_iter().zip(was).zip(is) {
                self.windowed_counter(what).merge(per, *was, *is);
            }
        }
    }

    /// Returns what was counted of requests that were let in.
    #[must_use]
    #[inline]
    pub fn windowed_counter(&self, what: Resource) -> WindowedCounter<'_> {
        let [admitted, charged] = &self.rare.bases;
        match what {
            Resource::Requests => WindowedCounter::new(&self.hot.admitted, admitted),
            Resource::Bytes => WindowedCounter::new(&self.hot.charged, charged),
        }
    }

    /// Returns the word of what other nodes used of a window.
    #[must_use]
    #[inline]
    pub fn remote(&self, what: Resource, per: Period) -> &AtomicU64 {
        &self.remote[what.index()][per.index()]
    }

    /// Returns what was told of a window.
    #[must_use]
    pub fn alert(&self, what: Resource, per: Period) -> &Alert {
        &self.alerts[what.index()][per.index()]
    }

    /// Counts an alert.
    pub fn note_alert(&self) {
        self.alerts_told.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many alerts there were.
    #[must_use]
    pub fn alerts(&self) -> u64 {
        self.alerts_told.load(Ordering::Relaxed)
    }

    /// The numbers of [`Totals::to_array`]: [`COUNTERS`] that only grow, and the first and the
    /// last use. Of the bytes only those that are not in `charged`.
    fn cells(&self) -> [&AtomicU64; TOTALS] {
        let Hot { requests, successful, redirected, client_errors, received, refused, .. } =
            &self.hot;
        let Rare { first_use, last_use, informational, server_errors, uncharged, .. } = &self.rare;
        [
            requests,
            informational,
            successful,
            redirected,
            client_errors,
            server_errors,
            uncharged,
            received,
            refused,
            first_use,
            last_use,
        ]
    }

    /// Counts an answered request, and its bytes in the windows of those numbers if it was let in.
    pub fn count(&self, time: u64, windows: &PerPeriod, answered: &Answered) {
        let add = |cell: &AtomicU64, amount| cell.fetch_add(amount, Ordering::Relaxed);
        let (hot, rare) = (&self.hot, &self.rare);
        add(&hot.requests, 1);
        match answered.class {
            1 => add(&rare.informational, 1),
            2 => add(&hot.successful, 1),
            3 => add(&hot.redirected, 1),
            4 => add(&hot.client_errors, 1),
            5 => add(&rare.server_errors, 1),
            _ => 0,
        };
        add(&hot.received, answered.received);
        if answered.admitted {
            self.windowed_counter(Resource::Bytes).add(windows, answered.sent);
        } else {
            add(&rare.uncharged, answered.sent);
        }
        if answered.refused {
            add(&hot.refused, 1);
        }
        self.note_use(time, time);
    }

    fn note_use(&self, first: u64, last: u64) {
        let Rare { first_use, last_use, .. } = &self.rare;
        let known = first_use.load(Ordering::Relaxed);
        if first != 0 && (known == 0 || first < known) {
            let _ = first_use.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| {
                (known == 0 || first < known).then_some(first)
            });
        }
        if last_use.load(Ordering::Relaxed) < last {
            last_use.fetch_max(last, Ordering::Relaxed);
        }
    }
}

/// A request that was answered.
pub struct Answered {
    /// The class of the status: 2 of 200.
    pub class: usize,
    /// Bytes, as on the wire.
    pub sent: u64,
    /// See there.
    pub received: u64,
    /// Whether it was let in.
    pub admitted: bool,
    /// Whether a quota refused it.
    pub refused: bool,
}

fn words(grid: &AtomicWindows) -> Windows {
    grid.each_ref().map(|row| row.each_ref().map(|word| WindowCount(word.load(Ordering::Relaxed))))
}
