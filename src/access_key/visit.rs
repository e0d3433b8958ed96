//! What is known of a request: whose key it came with, and what became of that.
//!
//! An internal redirect clears what modules keep in a request, so this is found in its pool.

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use image_gate_core::key::source::{Edit, arguments, cookies, decode, edit_segment, segment};
use image_gate_core::key::{Digest, Holder, Limits, Quantity, Source, Usage};
use smallvec::SmallVec;

use super::conf::{Access, LocConf, ZoneConf};
use super::memory::Record;
use super::zone::{Roster, Zone};
use crate::ngx::incoming::Part;
use crate::ngx::{Pooled, Request, worker};

/// What a key turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody's.
    Valid,
    /// There is none.
    Missing,
    /// There are two, or one twice.
    Ambiguous,
    /// Nobody's.
    Invalid,
    /// Somebody's, once.
    Expired,
    /// Somebody's who is not to be served.
    Disabled,
}

/// What a request with a valid key was told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Go on.
    Admitted,
    /// Go on, although a quota that is only tried out is used up.
    DryRun,
    /// A quota is used up.
    Quota,
    /// The key is not for this URI.
    Forbidden,
    /// What other nodes used is not known.
    Unknown,
}

/// A request in one zone.
pub struct Visit {
    pub access: Rc<Access>,
    pub zone: Pooled<ZoneConf>,
    pub live: Arc<Zone>,
    pub verdict: Verdict,
    /// The URI without the key.
    pub uri: Vec<u8>,
    pub outcome: Cell<Option<Outcome>>,
    /// The limits that hold where the request was let in, or not.
    pub limits: Cell<Limits>,
    /// The segment that was taken for a key.
    segment: Option<Rc<[u8]>>,
    // The roster as it was when the request came, and the places of holder and record.
    roster: Arc<Roster>,
    holder: Option<usize>,
}

impl Visit {
    /// Whose key it is, where it is valid.
    pub fn holder(&self) -> Option<&Holder> {
        self.roster.table.holders().get(self.holder?)
    }

    /// The record of the holder.
    pub fn record(&self) -> Option<&Record> {
        self.live.records().get(self.roster.record(self.holder?)?)
    }

    /// Whether a segment was taken for the key.
    fn took(&self, presented: &Presented) -> bool {
        self.segment.as_deref() == Some(&*presented.key)
    }

    /// The limits, and what is used of them.
    pub fn usage(&self) -> Vec<Usage> {
        let time = worker::time();
        let Some(record) = self.record() else { return Vec::new() };
        let limits = self.limits.get();
        let usage = limits.iter().map(|(what, per, limit)| {
            let used = self.live.used(record, what, per, time);
            Usage { what, per, limit, used }
        });
        usage.collect()
    }

    /// How many requests are left, in the window with the fewest.
    pub fn remaining(&self) -> Option<u64> {
        let usage = self.usage();
        let requests = usage.iter().filter(|item| item.what == Quantity::Requests);
        requests.map(Usage::remaining).min()
    }

    /// The word for logs.
    pub fn status(&self) -> &'static str {
        match (self.verdict, self.outcome.get()) {
            (Verdict::Missing, _) => "missing",
            (Verdict::Ambiguous, _) => "ambiguous",
            (Verdict::Invalid, _) => "invalid",
            (Verdict::Expired, _) => "expired",
            (Verdict::Disabled, _) => "disabled",
            (Verdict::Valid, None | Some(Outcome::Admitted)) => "valid",
            (Verdict::Valid, Some(Outcome::DryRun)) => "quota_dry_run",
            (Verdict::Valid, Some(Outcome::Quota)) => "quota",
            (Verdict::Valid, Some(Outcome::Forbidden)) => "forbidden",
            (Verdict::Valid, Some(Outcome::Unknown)) => "unknown",
        }
    }
}

/// What was in a source.
#[derive(Clone)]
pub struct Presented {
    /// The key that came first.
    pub key: Rc<[u8]>,
    /// Whether another one followed.
    is_ambiguous: bool,
}

/// A source that was looked at.
type Looked = (Source, Option<Presented>);

/// So many keys of one request are noted.
const MOST_NOTED: usize = 16;

/// More keys than are noted.
pub struct TooMany;

/// All that is known of a request.
#[derive(Default)]
pub struct Visits {
    visits: RefCell<SmallVec<[Rc<Visit>; 1]>>,
    /// What the client presented in the sources that were looked at, which may be masked or taken
    /// out since.
    presented: RefCell<SmallVec<[Looked; 1]>>,
    /// What was taken out as a key, and whether there was more than could be noted.
    noted: RefCell<SmallVec<[Box<[u8]>; 1]>>,
    has_more: Cell<bool>,
    /// Whose sources were masked or taken out last.
    settled: Cell<Option<*const Access>>,
}

impl Visits {
    /// Of a request that was looked at before.
    pub fn find(request: Request<'_>) -> Option<&Visits> {
        request.attached()
    }

    /// Of any request; `None` when there is no memory.
    pub fn of(request: Request<'_>) -> Option<&Visits> {
        Visits::find(request).or_else(|| request.attach(Visits::default()))
    }

    /// The visits, one for each zone.
    pub fn all(&self) -> Ref<'_, [Rc<Visit>]> {
        Ref::map(self.visits.borrow(), SmallVec::as_slice)
    }

    /// The visit that a request made last.
    pub fn last(&self) -> Option<Rc<Visit>> {
        self.visits.borrow().last().cloned()
    }

    /// Whether the keys were taken out of these sources just before; they are from now on.
    pub fn is_settled(&self, access: &Rc<Access>) -> bool {
        self.settled.replace(Some(Rc::as_ptr(access))) == Some(Rc::as_ptr(access))
    }

    /// What the client presented in a source.
    pub fn presented(&self, request: Request<'_>, source: &Source) -> Option<Presented> {
        let mut presented = self.presented.borrow_mut();
        if let Some((_, found)) = presented.iter().find(|(known, _)| known == source) {
            return found.clone();
        }
        let found = look(request, source);
        presented.push((source.clone(), found.clone()));
        found
    }

    /// Notes what is taken out as a key, for what is written down later.
    pub fn note(&self, key: &[u8]) {
        let key = decode(key);
        let mut noted = self.noted.borrow_mut();
        if noted.iter().any(|known| **known == *key) {
            return;
        }
        if noted.len() == MOST_NOTED {
            self.has_more.set(true);
            return;
        }
        noted.push(key.into());
    }

    /// Gives what was noted to `visit`.
    ///
    /// # Errors
    /// There was more than that.
    pub fn each_noted(&self, mut visit: impl FnMut(&[u8])) -> Result<(), TooMany> {
        self.noted.borrow().iter().for_each(|key| visit(key));
        if self.has_more.get() { Err(TooMany) } else { Ok(()) }
    }

    /// Gives the segments that came as keys to `visit`: of those that are nobody's key, one where
    /// nothing else was a key.
    pub fn each_segment(&self, mut visit: impl FnMut(&[u8])) {
        let is_key = |presented: &Presented| {
            self.visits
                .borrow()
                .iter()
                .any(|visit| visit.verdict != Verdict::Missing && visit.took(presented))
        };
        for (source, presented) in self.presented.borrow().iter() {
            if let (Source::Segment(_), Some(presented)) = (source, presented)
                && is_key(presented)
            {
                visit(&presented.key);
            }
        }
    }

    /// The visit of a request to the zone of its location, where it has one.
    pub fn here(&self, request: Request<'_>, conf: &LocConf) -> Option<Rc<Visit>> {
        let (access, zone) = conf.access()?;
        let mut visits = self.visits.borrow_mut();
        if let Some(at) = visits.iter().position(|visit| visit.zone == zone) {
            let visit = visits.get(at)?.clone();
            // Who was found elsewhere is known here; who was not may have a key in another place.
            if visit.verdict == Verdict::Valid || Rc::ptr_eq(&visit.access, access) {
                return Some(visit);
            }
            visits.remove(at);
        }
        let visit = Rc::new(self.identify(request, conf, access, zone)?);
        visits.push(visit.clone());
        Some(visit)
    }

    fn identify(
        &self,
        request: Request<'_>,
        conf: &LocConf,
        access: &Rc<Access>,
        zone: Pooled<ZoneConf>,
    ) -> Option<Visit> {
        let live = zone.live()?.clone();
        let roster = zone.roster(&live);
        let mut visit = Visit {
            access: access.clone(),
            zone,
            live,
            verdict: Verdict::Missing,
            uri: request.uri().to_vec(),
            outcome: Cell::new(None),
            limits: Cell::default(),
            segment: None,
            roster,
            holder: None,
        };
        let table = &visit.roster.table;

        // What was presented first; each source has one key, or the request is refused.
        let mut key: Option<Rc<[u8]>> = None;
        let differs = |key: &Option<Rc<[u8]>>, presented: &Presented| {
            key.as_ref().is_some_and(|key| *key != presented.key)
        };
        let mut found = None;
        for source in access.sources.iter().filter(|source| !matches!(source, Source::Segment(_))) {
            let Some(presented) = self.presented(request, source) else { continue };
            if presented.is_ambiguous || differs(&key, &presented) {
                visit.verdict = Verdict::Ambiguous;
                return Some(visit);
            }
            if key.is_none() {
                found = table.find(&Digest::of(&presented.key));
                key = Some(presented.key);
            }
        }
        // Every path has segments. Beside a key, only another key is one; the last one is the
        // name of what is asked for.
        for source in &access.sources {
            let Source::Segment(number) = source else { continue };
            let Some(presented) = self.presented(request, source) else { continue };
            let holder = table.find(&Digest::of(&presented.key));
            if holder.is_some() && differs(&key, &presented) {
                visit.verdict = Verdict::Ambiguous;
                return Some(visit);
            }
            if key.is_none() || holder.is_some() {
                if let Some(uri) = edit_segment(&visit.uri, *number, Edit::Remove) {
                    visit.uri = uri;
                }
                visit.segment = Some(presented.key.clone());
                found = holder;
                key = Some(presented.key);
            }
        }

        let holder = found.and_then(|at| table.holders().get(at));
        visit.verdict = match holder {
            None if key.is_none() => Verdict::Missing,
            None => Verdict::Invalid,
            Some(holder) if holder.disabled => Verdict::Disabled,
            Some(holder) if holder.is_expired(worker::time()) => Verdict::Expired,
            Some(holder) => {
                visit.limits.set(conf.limits(holder));
                Verdict::Valid
            }
        };
        if visit.verdict == Verdict::Valid {
            visit.holder = found;
        }
        Some(visit)
    }
}

/// What is in a source, as the request has it now.
fn look(request: Request<'_>, source: &Source) -> Option<Presented> {
    let mut found: Option<Presented> = None;
    let mut add = |key: &[u8]| match &mut found {
        Some(found) => found.is_ambiguous = true,
        None => found = Some(Presented { key: key.into(), is_ambiguous: false }),
    };
    match source {
        Source::Argument(name) => {
            arguments(request.part(Part::Args), name).for_each(|value| add(&decode(value)));
        }
        Source::Header(name) => request.each_incoming(name, |header| {
            let value = match &name[..] {
                b"authorization" => bearer(header.value()),
                _ => header.value(),
            };
            if !value.is_empty() {
                add(value);
            }
        }),
        Source::Cookie(name) => request.each_incoming(b"Cookie", |header| {
            cookies(header.value(), name).for_each(&mut add);
        }),
        Source::Segment(number) => {
            let is_last =
                segment(request.uri(), number + 1).is_none() && !request.uri().ends_with(b"/");
            if !is_last && let Some(segment) = segment(request.uri(), *number) {
                add(segment);
            }
        }
    }
    found
}

/// The token of `Authorization: Bearer TOKEN`; empty for other schemes.
pub fn bearer(value: &[u8]) -> &[u8] {
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => token.trim_ascii(),
        _ => b"",
    }
}
