//! A zone of partners: their keys, their records in shared memory, and what they may take.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use image_gate_core::health::{Trouble, TroubleReason};
use image_gate_core::key::days::{self, DayUse};
use image_gate_core::key::history::STEPS;
use image_gate_core::key::{
    Account, Health, NO_LIMIT, OwnUsage, PartnerReport, PartnerTable, PerPeriod, Period,
    QuotaLimits, QuotaWindow, Report, Resource, State, WindowCount,
};

use super::days_file;
use super::key_file::KeyFile;
use super::shm_layout::{NO_HEADER, Record, Since, ZoneHeader};
use crate::host::random;

/// The partners of the key file, and where their records are.
#[derive(Default)]
pub struct KeyTable {
    /// The key file.
    pub table: PartnerTable,
    /// For each of its partners, the place of the record.
    records: Vec<usize>,
    /// What tells it from all others.
    pub id: u64,
}

impl KeyTable {
    /// Returns the place of the record of the partner at `place` in the table.
    #[must_use]
    pub fn record(&self, place: usize) -> Option<usize> {
        self.records.get(place).copied()
    }
}

/// Where a zone's state is kept, and how often.
#[derive(Debug, Clone)]
pub struct StateFile {
    /// Its name.
    pub path: PathBuf,
    /// How often it is written.
    pub interval: Duration,
}

/// The memory of a zone, which processes may share.
pub trait Memory: Send + Sync {
    /// Returns what lies in it: all records that there is room for, in use or not.
    fn view(&self) -> Option<(&ZoneHeader, &[Record])>;

    /// Runs `body` while nobody else runs one for this memory.
    ///
    /// # Errors
    /// Why it can't be locked.
    fn locked<R>(&self, body: impl FnOnce() -> R) -> io::Result<R>;
}

/// A zone, once it has memory. Everything can be done on any thread.
pub struct Zone<M> {
    /// Its name.
    pub name: String,
    /// Where its state is kept.
    pub state_file: Option<StateFile>,
    /// Where its keys come from.
    pub file: KeyFile,
    /// The smallest limits of all locations, which hold for whom the file gives none. What is
    /// shown goes by them; what is enforced is for each location to say.
    common: QuotaLimits,
    /// Whether partners with quotas are refused while Redis does not answer.
    pub denies: bool,
    memory: M,
    key_table: Mutex<Arc<KeyTable>>,
    // Those before, as long as a request may have one: it must not be the last one, which frees it.
    retired: Mutex<Vec<Arc<KeyTable>>>,
    // Changes with the key_table.
    version: AtomicU64,
}

/// A request of a partner whose requests at once are limited; it runs until this is dropped.
pub struct RunningRequest<M: Memory> {
    zone: Arc<Zone<M>>,
    record: usize,
    place: usize,
    process: u32,
}

impl<M: Memory> Drop for RunningRequest<M> {
    fn drop(&mut self) {
        if let Some(record) = self.zone.records().get(self.record) {
            record.running.release(self.place, self.process);
        }
    }
}

/// What a quota says to a request.
pub enum QuotaDecision {
    /// It was let in, and counted.
    Admitted,
    /// A quota is used up; there will be more in so many seconds, or never.
    Refused(Option<u64>),
    /// What other nodes used is not known, and then nobody is to be let in.
    Unknown,
}

impl<M: Memory> Zone<M> {
    /// Returns the zone in `memory`, which may be new or in use, with the partners of `table` and,
    /// where they are not known yet, what `known` says of them.
    ///
    /// # Errors
    /// Why it can't be.
    pub fn new(
        name: String,
        state_file: Option<StateFile>,
        file: KeyFile,
        common: QuotaLimits,
        memory: M,
        table: PartnerTable,
        known: impl FnOnce() -> State,
    ) -> Result<Zone<M>, String> {
        let zone = Zone {
            name,
            state_file,
            file,
            common,
            denies: false,
            memory,
            key_table: Mutex::default(),
            retired: Mutex::default(),
            version: AtomicU64::new(0),
        };
        let (header, _) = zone.view();
        let is_new = header.instance.load(Ordering::Relaxed) == 0;
        if !header.claim(random()) {
            return Err(format!("zone \"{}\" holds something else", zone.name));
        }
        let known = if is_new { known() } else { State::default() };
        let accounts: HashMap<&str, &Account> =
            known.accounts.iter().map(|account| (account.id.as_str(), account)).collect();
        zone.replace(table, |id| accounts.get(id).map(|&account| account.clone()))?;
        // Partners of the past stay known as long as there is room.
        let past = zone.enroll(known.accounts.iter().map(|account| account.id.as_str()), |id| {
            accounts.get(id).map(|&account| account.clone())
        });
        drop(past);
        Ok(zone)
    }

    fn view(&self) -> (&ZoneHeader, &[Record]) {
        self.memory.view().unwrap_or((&NO_HEADER, &[]))
    }

    /// Returns the header.
    pub fn header(&self) -> &ZoneHeader {
        self.view().0
    }

    /// Returns the records in use; their places never change.
    pub fn records(&self) -> &[Record] {
        let (header, records) = self.view();
        let count = usize::try_from(header.count.load(Ordering::Acquire)).unwrap_or(0);
        records.get(..count).unwrap_or(records)
    }

    /// Returns whether these are all records: one that began before the memory grew, over a reload,
    /// has only the first ones.
    pub fn has_all_records(&self) -> bool {
        let (header, records) = self.view();
        header.count.load(Ordering::Acquire) <= records.len() as u64
    }

    /// Returns the key_table, and a number that changes with it.
    pub fn key_table(&self) -> (u64, Arc<KeyTable>) {
        let key_table = self.key_table.lock().unwrap_or_else(PoisonError::into_inner);
        (self.version.load(Ordering::Relaxed), key_table.clone())
    }

    /// Returns the number that [`key_table`](Zone::key_table) would.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Returns whether anybody has a key.
    pub fn has_partners(&self) -> bool {
        !self.key_table().1.table.partners().is_empty()
    }

    /// Puts another key file in the place of the one before. The counters of a partner that is in
    /// both go on; those of one that is gone stay.
    ///
    /// # Errors
    /// There is no room; then nothing changes.
    pub fn replace(
        &self,
        table: PartnerTable,
        account: impl Fn(&str) -> Option<Account>,
    ) -> Result<(), String> {
        let records = self.enroll(table.partners().iter().map(|partner| &*partner.id), account)?;
        let new = Arc::new(KeyTable { table, records, id: random() });
        let mut key_table = self.key_table.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *key_table, new);
        self.version.fetch_add(1, Ordering::Relaxed);
        drop(key_table);
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(old);
        Ok(())
    }

    /// Frees rosters that nobody uses any more: with many partners that takes milliseconds, which
    /// the event loop does not have. Returns whether there are others.
    pub fn free_retired(&self) -> bool {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let (unused, used): (Vec<_>, _) =
            retired.drain(..).partition(|key_table| Arc::strong_count(key_table) == 1);
        *retired = used;
        let are_left = !retired.is_empty();
        drop(retired);
        drop(unused);
        are_left
    }

    /// Returns what works; whether it exports to Redis is the configuration's to say.
    pub fn health(&self, has_redis: bool) -> Health {
        let [key_file, state, redis] =
            self.watched(has_redis).map(|(_, bad)| bad.map(Since::is_well));
        Health { key_file: key_file.unwrap_or(true), state, redis }
    }

    /// Returns what does not work; whether it exports to Redis is the configuration's to say.
    pub fn troubles(&self, has_redis: bool) -> impl Iterator<Item = Trouble> {
        self.watched(has_redis).into_iter().filter_map(|(reason, bad)| {
            Some(Trouble { reason, zone: Some(self.name.clone()), since: bad?.since()? })
        })
    }

    /// Returns what may not work, with since when it does not; `None` is what it does not have.
    fn watched(&self, has_redis: bool) -> [(TroubleReason, Option<&Since>); 3] {
        let header = self.header();
        let state = self.state_file.as_ref().map(|_| &header.state_bad);
        [
            (TroubleReason::KeyFile, Some(&header.key_file_bad)),
            (TroubleReason::State, state),
            (TroubleReason::Redis, has_redis.then_some(&header.redis_bad)),
        ]
    }

    /// Returns the places of the records of partners, who get one where they have none, with the account
    /// that is known of them.
    fn enroll<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
        account: impl Fn(&str) -> Option<Account>,
    ) -> Result<Vec<usize>, String> {
        let (header, all) = self.view();
        // Nothing in here waits, or is half done when the process dies: a record is used once the
        // count says so.
        let enroll = || {
            let mut places: HashMap<String, usize> =
                self.records().iter().enumerate().map(|(at, record)| (record.id(), at)).collect();
            ids.map(|id| {
                if let Some(&at) = places.get(id) {
                    return Ok(at);
                }
                let at = self.records().len();
                let record = all.get(at).ok_or_else(|| {
                    format!(
                        "zone \"{}\" is full: it has room for {} partners",
                        self.name,
                        all.len()
                    )
                })?;
                let new = || Account { id: id.to_owned(), ..Account::default() };
                record.begin(&account(id).unwrap_or_else(new));
                header.count.fetch_add(1, Ordering::Release);
                places.insert(id.to_owned(), at);
                Ok(at)
            })
            .collect()
        };
        let with_name = |error| format!("zone \"{}\" can't be locked: {error}", self.name);
        self.memory.locked(enroll).map_err(with_name)?
    }

    /// Lets a request of the partner whose record is at that place run if fewer than `limit` do.
    /// `is_alive` says whether there is a process of a number.
    pub fn run(
        self: &Arc<Self>,
        record: usize,
        limit: usize,
        process: u32,
        is_alive: impl Fn(u64) -> bool,
    ) -> Option<RunningRequest<M>> {
        let place = self.records().get(record)?.running.claim(limit, process, is_alive)?;
        Some(RunningRequest { zone: self.clone(), record, place, process })
    }

    /// Frees what was left by a process that had the number of this new one.
    pub fn begin_process(&self, process: u32) {
        let (_, key_table) = self.key_table();
        for (partner, record) in key_table.table.partners().iter().zip(&key_table.records) {
            if partner.concurrency.is_some()
                && let Some(record) = self.records().get(*record)
            {
                record.running.begin_process(process);
            }
        }
    }

    /// Lets a request of a partner in if no limit speaks against it, and counts it: exactly as
    /// many as a limit of requests says, however many workers ask at once.
    pub fn admit(
        &self,
        record: &Record,
        limits: &QuotaLimits,
        time: u64,
        numbers: &PerPeriod,
    ) -> QuotaDecision {
        if self.denies && !limits.is_empty() && !self.header().redis_bad.is_well() {
            return QuotaDecision::Unknown;
        }
        let left = |what: Resource| {
            let mut left = *limits.per_period(what);
            for per in Period::ALL {
                let limit = &mut left[per.index()];
                if *limit != NO_LIMIT {
                    let remote = WindowCount(record.remote(what, per).load(Ordering::Relaxed));
                    *limit = limit.saturating_sub(remote.count_in(per, numbers[per.index()]));
                }
            }
            left
        };
        let [requests, bytes] = Resource::ALL.map(left);
        let used_up = record.windowed_counter(Resource::Bytes).used_up(numbers, &bytes);
        let used_up = match used_up {
            None => record.windowed_counter(Resource::Requests).admit(numbers, &requests).err(),
            Some(_) => {
                used_up.max(record.windowed_counter(Resource::Requests).used_up(numbers, &requests))
            }
        };
        // Of several, the one that lasts longest counts.
        match used_up {
            None => QuotaDecision::Admitted,
            Some(per) => QuotaDecision::Refused(per.end(time).map(|end| end - time)),
        }
    }

    /// Returns what of a limit was used by all nodes.
    pub fn used(&self, record: &Record, what: Resource, per: Period, time: u64) -> u64 {
        let local = record.windowed_counter(what).word(per).count(per, time);
        let remote = WindowCount(record.remote(what, per).load(Ordering::Relaxed)).count(per, time);
        local.saturating_add(remote)
    }

    /// Returns what there is to show: every partner that the zone knows, and of the windows those that
    /// are limited or in use. A partner's place is that of the record.
    pub fn report(&self, node: &str, time: u64) -> Report {
        let (_, key_table) = self.key_table();
        let partners: HashMap<usize, _> =
            key_table.records.iter().copied().zip(key_table.table.partners()).collect();
        let partners = self.records().iter().enumerate().map(|(at, record)| {
            let partner = partners.get(&at);
            let limits =
                partner.map_or(QuotaLimits::default(), |partner| partner.limits.or(&self.common));
            let is_off = partner.is_none_or(|partner| partner.disabled || partner.is_expired(time));
            PartnerReport { disabled: is_off, ..Self::partner(record, &limits, time) }
        });
        Report { node: node.to_owned(), time, partners: partners.collect() }
    }

    /// Returns what a partner is shown of itself by its record's place, where those limits hold.
    pub fn own_usage(&self, place: usize, limits: &QuotaLimits, time: u64) -> Option<OwnUsage> {
        let record = self.records().get(place)?;
        let clock = &self.header().export.clock;
        let history = STEPS.iter().enumerate().map(|(index, &step)| {
            let end = clock.end(index, time);
            (step, end, clock.read(&record.export.track, index, end))
        });
        let partner = Self::partner(record, limits, time);
        let days = self.days(record, time);
        Some(OwnUsage { time, partner, history: history.collect(), days })
    }

    /// Returns what a partner used of each day: of those that are over as the file has it.
    pub fn days(&self, record: &Record, time: u64) -> Vec<DayUse> {
        // Of a file that can't be read there is nothing to show, and whoever writes it tells.
        let file = self.state_file.as_ref().map(|file| days_file::read(&file.path, &record.id()));
        let mut days = file.and_then(Result::ok).unwrap_or_default();
        let [requests, bytes] = Resource::ALL
            .map(|what| record.windowed_counter(what).word(Period::Day).count(Period::Day, time));
        days::add(&mut days, DayUse { day: days::day_of(time), requests, bytes });
        days
    }

    fn partner(record: &Record, limits: &QuotaLimits, time: u64) -> PartnerReport {
        let windows = Resource::ALL.into_iter().flat_map(|what| {
            Period::ALL.into_iter().filter_map(move |per| {
                let window = QuotaWindow {
                    what,
                    per,
                    limit: limits.get(what, per),
                    start: per.start(time),
                    used: record.windowed_counter(what).word(per).count(per, time),
                    remote: WindowCount(record.remote(what, per).load(Ordering::Relaxed))
                        .count(per, time),
                    alert: record.alert(what, per).told(per, time),
                };
                let is_shown = window.limit.is_some() || per != Period::Total && window.total() > 0;
                is_shown.then_some(window)
            })
        });
        PartnerReport {
            id: record.id(),
            disabled: false,
            totals: record.totals(),
            windows: windows.collect(),
            alerts: record.alerts(),
        }
    }

    /// Tells what other nodes used of a window that `time` lies in, for the partner whose place
    /// in the report is `partner`. Quotas count it from now on, while the window lasts.
    pub fn set_remote(&self, partner: usize, what: Resource, per: Period, time: u64, used: u64) {
        if let Some(record) = self.records().get(partner) {
            record.remote(what, per).store(WindowCount::new(per, time, used).0, Ordering::Relaxed);
        }
    }
}
