//! What is known of a request: whose key it came with, and what became of that.

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use image_gate_core::escapes::percent_decode_lossy;
use image_gate_core::key::source::{
    Edit, KeySegment, arguments, cookies, edit_segments, is_within, segment,
};
use image_gate_core::key::{KeySource, Partner, QuotaLimits, Resource, Usage};
use smallvec::SmallVec;

use super::conf::{AccessConf, AccessKey, LocConf, ZoneConf};
use super::zone::{KeyTable, Record, RunningRequest, Zone};
use crate::ngx::incoming::RequestPart;
use crate::ngx::request::OnEnd;
use crate::ngx::{NoMemory, Pooled, Request, worker};

/// What a key turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
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
pub enum AccessDecision {
    /// Go on.
    Admitted,
    /// Go on, although a quota that is only tried out is used up.
    DryRun,
    /// A quota is used up.
    Quota,
    /// As many requests of the partner run as may.
    Concurrency,
    /// The key is not for this URI or method.
    Forbidden,
    /// What other nodes used is not known.
    Unknown,
}

impl AccessDecision {
    /// Whether the request goes on.
    pub fn lets_in(self) -> bool {
        matches!(self, AccessDecision::Admitted | AccessDecision::DryRun)
    }
}

/// Most have no more bytes than that.
type Uri = SmallVec<[u8; 64]>;

/// What is known of a request's key in one zone.
pub struct RequestKey {
    pub access: Rc<AccessConf>,
    pub zone: Pooled<ZoneConf>,
    pub live: Arc<Zone>,
    pub key_status: KeyStatus,
    /// The URI without the key.
    pub uri: Uri,
    pub decision: Cell<Option<AccessDecision>>,
    /// The limits that hold where the request was let in, or not.
    pub limits: Cell<QuotaLimits>,
    /// What makes it one of the partner's requests at once, where these are limited.
    running: Cell<Option<RunningRequest>>,
    /// How many bytes a second its answer may have, whatever others have; once it is written.
    pub own_rate: Cell<Option<u64>>,
    /// How many bytes of it are paid for, where its partner has a rate.
    pub paid_bytes: Cell<u64>,
    /// Whether it is decided by a header or a cookie what is answered, and the address has no key.
    pub is_unseen: bool,
    /// Whether it was refused, although another module may have let it in.
    pub is_refused: Cell<bool>,
    /// The segment that was taken for a key.
    segment: Option<Rc<[u8]>>,
    // The key table as it was when the request came, and the places of partner and record.
    key_table: Arc<KeyTable>,
    partner: Option<usize>,
}

impl RequestKey {
    /// Whose key it is, where it is valid.
    pub fn partner(&self) -> Option<&Partner> {
        self.key_table.table.partners().get(self.partner?)
    }

    /// The place of the record of the partner.
    pub fn place(&self) -> Option<usize> {
        self.key_table.record(self.partner?)
    }

    /// The record of the partner.
    pub fn record(&self) -> Option<&Record> {
        self.live.records().get(self.place()?)
    }

    /// Begins to run, until the request ends, if the partner's number of requests at once allows.
    /// Returns whether it does.
    ///
    /// # Errors
    /// There is no memory.
    pub fn run(&self, request: Request<'_>) -> Result<bool, NoMemory> {
        let Some(limit) = self.partner().and_then(|partner| partner.concurrency) else {
            return Ok(true);
        };
        let run = |at| self.live.run(at, limit, worker::identity(), worker::is_alive);
        let Some(running) = self.place().and_then(run) else { return Ok(false) };
        request.on_end::<RequestKeys>()?;
        self.running.set(Some(running));
        Ok(true)
    }

    /// Runs no more.
    pub fn stop(&self) {
        self.running.take();
    }

    /// The segment that was taken for the key.
    pub fn segment(&self) -> Option<&[u8]> {
        self.segment.as_deref()
    }

    /// Whether somebody of the zone holds a key.
    pub fn is_held(&self, key: &[u8]) -> bool {
        self.zone.find_key(&self.key_table, key).is_some()
    }

    /// Whether a segment was taken for the key.
    pub fn took(&self, credential: &Credential) -> bool {
        self.segment.as_deref() == Some(&*credential.key)
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
        let requests = usage.iter().filter(|item| item.what == Resource::Requests);
        requests.map(Usage::remaining).min()
    }

    /// The word for logs.
    pub fn status(&self) -> &'static str {
        match (self.key_status, self.decision.get()) {
            (KeyStatus::Missing, _) => "missing",
            (KeyStatus::Ambiguous, _) => "ambiguous",
            (KeyStatus::Invalid, _) => "invalid",
            (KeyStatus::Expired, _) => "expired",
            (KeyStatus::Disabled, _) => "disabled",
            (KeyStatus::Valid, None | Some(AccessDecision::Admitted)) => "valid",
            (KeyStatus::Valid, Some(AccessDecision::DryRun)) => "quota_dry_run",
            (KeyStatus::Valid, Some(AccessDecision::Quota)) => "quota",
            (KeyStatus::Valid, Some(AccessDecision::Concurrency)) => "concurrency",
            (KeyStatus::Valid, Some(AccessDecision::Forbidden)) => "forbidden",
            (KeyStatus::Valid, Some(AccessDecision::Unknown)) => "unknown",
        }
    }
}

/// A request that is refused, unless another module lets it in.
pub struct Refusal {
    pub status: u32,
    /// Where it was refused: elsewhere nginx has come by an `error_page`.
    pub location: *const LocConf,
    pub request_key: Rc<RequestKey>,
}

/// What was in a source.
#[derive(Clone)]
pub struct Credential {
    /// The key that came first.
    pub key: Rc<[u8]>,
    /// Whether another one followed.
    is_ambiguous: bool,
}

/// A source that was looked at.
type SourceRead = (KeySource, Option<Credential>);

/// So many keys of one request are noted.
const MOST_NOTED: usize = 16;

/// What is known of a request's keys, in all zones.
#[derive(Default)]
pub struct RequestKeys {
    request_keys: RefCell<SmallVec<[Rc<RequestKey>; 1]>>,
    /// What the client presented in the sources that were looked at, which may be masked or taken
    /// out since.
    credentials: RefCell<SmallVec<[SourceRead; 1]>>,
    /// What was taken out as a key.
    noted: RefCell<SmallVec<[Rc<[u8]>; 1]>>,
    /// The places of variables whose values were kept though the key was taken out.
    values: RefCell<SmallVec<[usize; 2]>>,
    /// Whose sources were masked or taken out last, and which of both.
    stripped: Cell<Option<(*const AccessConf, Edit)>>,
    /// Why the request was refused last.
    refusal: Cell<Option<Refusal>>,
}

impl RequestKeys {
    /// Of a request that was looked at before.
    pub fn find(request: Request<'_>) -> Option<&RequestKeys> {
        request.main().context::<AccessKey>()
    }

    /// Of any request; `None` when there is no memory.
    pub fn of(request: Request<'_>) -> Option<&RequestKeys> {
        let anew = || request.main().set_context::<AccessKey>(RequestKeys::default());
        RequestKeys::find(request).or_else(anew)
    }

    /// The keys of the request, one for each zone.
    pub fn all(&self) -> Ref<'_, [Rc<RequestKey>]> {
        Ref::map(self.request_keys.borrow(), SmallVec::as_slice)
    }

    /// The key that was looked up last.
    pub fn last(&self) -> Option<Rc<RequestKey>> {
        self.request_keys.borrow().last().cloned()
    }

    /// The key of a request that was let in, where its partner has a rate, and that in bytes a
    /// second.
    pub fn paced(&self) -> Option<(Rc<RequestKey>, u64)> {
        self.request_keys.borrow().iter().find_map(|request_key| {
            let is_in = request_key.decision.get().is_some_and(AccessDecision::lets_in);
            let rate = request_key.partner().filter(|_| is_in)?.rate?;
            Some((request_key.clone(), rate))
        })
    }

    /// Notes why the request is refused.
    pub fn refuse(&self, refusal: Refusal) {
        self.refusal.set(Some(refusal));
    }

    /// Why the request was refused last, once.
    pub fn take_refusal(&self) -> Option<Refusal> {
        self.refusal.take()
    }

    /// Whether that was done to these sources just before; it is from now on.
    pub fn is_stripped(&self, access: &Rc<AccessConf>, edit: Edit) -> bool {
        let this = Some((Rc::as_ptr(access), edit));
        self.stripped.replace(this) == this
    }

    /// Notes the places of variables that say the key.
    pub fn keep_values(&self, places: &[usize]) {
        self.values.borrow_mut().extend_from_slice(places);
    }

    /// The places of those variables, once.
    pub fn take_values(&self) -> impl Iterator<Item = usize> {
        self.values.take().into_iter()
    }

    /// What the client presented in a source.
    pub fn credential(&self, request: Request<'_>, source: &KeySource) -> Option<Credential> {
        let mut credentials = self.credentials.borrow_mut();
        if let Some((_, found)) = credentials.iter().find(|(known, _)| known == source) {
            return found.clone();
        }
        let found = read_credential(request, source);
        credentials.push((source.clone(), found.clone()));
        found
    }

    /// Notes what is taken out as a key, for what is written down later. Most often it is what was
    /// looked for.
    pub fn note(&self, key: &[u8], credential: Option<&Credential>) {
        let key = percent_decode_lossy(key);
        let mut noted = self.noted.borrow_mut();
        if noted.len() < MOST_NOTED && !noted.iter().any(|known| **known == *key) {
            let same = credential.filter(|credential| *credential.key == *key);
            noted.push(same.map_or_else(|| (&*key).into(), |credential| credential.key.clone()));
        }
    }

    /// Gives what was noted to `visit`.
    pub fn each_noted(&self, mut visit: impl FnMut(&[u8])) {
        self.noted.borrow().iter().for_each(|key| visit(key));
    }

    /// Gives the segments that came as keys to `visit`: of those that are nobody's key, one where
    /// nothing else was a key.
    pub fn each_segment(&self, mut visit: impl FnMut(&[u8])) {
        let is_key = |credential: &Credential| {
            self.request_keys.borrow().iter().any(|request_key| {
                request_key.key_status != KeyStatus::Missing && request_key.took(credential)
            })
        };
        for (source, credential) in self.credentials.borrow().iter() {
            if let (KeySource::Segment(_), Some(credential)) = (source, credential)
                && is_key(credential)
            {
                visit(&credential.key);
            }
        }
    }

    /// The key of a request in the zone of its location, where it has one.
    pub fn here(&self, request: Request<'_>, conf: &LocConf) -> Option<Rc<RequestKey>> {
        let (access, zone) = conf.access()?;
        let mut request_keys = self.request_keys.borrow_mut();
        if let Some(at) = request_keys.iter().position(|request_key| request_key.zone == zone) {
            let request_key = request_keys.get(at)?.clone();
            // Who was found elsewhere is known here; who was not may have a key in another place.
            if request_key.key_status == KeyStatus::Valid || Rc::ptr_eq(&request_key.access, access)
            {
                return Some(request_key);
            }
            request_keys.remove(at);
        }
        let request_key = Rc::new(self.identify(request, conf, access, zone)?);
        request_keys.push(request_key.clone());
        Some(request_key)
    }

    fn identify(
        &self,
        request: Request<'_>,
        conf: &LocConf,
        access: &Rc<AccessConf>,
        zone: Pooled<ZoneConf>,
    ) -> Option<RequestKey> {
        let live = zone.live()?.clone();
        let key_table = zone.key_table(&live);
        let mut request_key = RequestKey {
            access: access.clone(),
            zone,
            live,
            key_status: KeyStatus::Missing,
            uri: Uri::from_slice(request.uri()),
            decision: Cell::new(None),
            limits: Cell::default(),
            running: Cell::default(),
            own_rate: Cell::default(),
            paid_bytes: Cell::default(),
            is_unseen: false,
            is_refused: Cell::new(false),
            segment: None,
            key_table,
            partner: None,
        };
        let table = &request_key.key_table.table;
        let find = |key: &[u8]| request_key.zone.find_key(&request_key.key_table, key);

        // What was presented first; each source has one key, or the request is refused.
        let mut key: Option<Rc<[u8]>> = None;
        let differs = |key: &Option<Rc<[u8]>>, credential: &Credential| {
            key.as_ref().is_some_and(|key| *key != credential.key)
        };
        let (mut found, mut is_ambiguous, mut is_in_address) = (None, false, false);
        for source in
            access.sources.iter().filter(|source| !matches!(source, KeySource::Segment(_)))
        {
            let Some(credential) = self.credential(request, source) else { continue };
            is_ambiguous |= credential.is_ambiguous || differs(&key, &credential);
            is_in_address |= matches!(source, KeySource::Argument(_));
            if key.is_none() {
                found = find(&credential.key);
                key = Some(credential.key);
            }
        }
        // Every path has segments. Beside a key, only another key is one; the last one is the
        // name of what is asked for.
        let mut segments: SmallVec<[KeySegment; 1]> = SmallVec::new();
        for source in &access.sources {
            let &KeySource::Segment(number) = source else { continue };
            let Some(credential) = self.credential(request, source) else { continue };
            let partner = find(&credential.key);
            if key.is_some() && partner.is_none() {
                continue;
            }
            is_ambiguous |= differs(&key, &credential);
            is_in_address = true;
            let is_held = partner.is_some();
            segments.push(KeySegment { number, key: credential.key.clone(), is_held });
            request_key.segment = Some(credential.key.clone());
            found = partner;
            key = Some(credential.key);
        }
        let is_hidden =
            |source: &KeySource| matches!(source, KeySource::Header(_) | KeySource::Cookie(_));
        request_key.is_unseen = !is_in_address && access.sources.iter().any(is_hidden);
        if let Some((uri, _)) = edit_segments(&request_key.uri, &segments, Edit::Remove) {
            request_key.uri = uri.into();
        }
        if is_ambiguous {
            request_key.key_status = KeyStatus::Ambiguous;
            return Some(request_key);
        }

        let time = worker::time();
        let is_old = found.is_some_and(|(_, key)| key.is_expired(time));
        let found = found.map(|(place, _)| place);
        let partner = found.and_then(|at| table.partners().get(at));
        request_key.key_status = match partner {
            None if key.is_none() => KeyStatus::Missing,
            None => KeyStatus::Invalid,
            Some(partner) if partner.disabled => KeyStatus::Disabled,
            Some(partner) if is_old || partner.is_expired(time) => KeyStatus::Expired,
            Some(partner) => {
                request_key.limits.set(conf.limits(partner));
                KeyStatus::Valid
            }
        };
        if request_key.key_status == KeyStatus::Valid {
            request_key.partner = found;
        }
        Some(request_key)
    }
}

/// A request that ends makes room for others, however long its memory lives.
impl OnEnd for RequestKeys {
    fn end(request: Request<'_>) {
        let request_keys = RequestKeys::find(request).into_iter();
        request_keys.for_each(|keys| keys.all().iter().for_each(|key| key.stop()));
    }
}

/// What is in a source, as the request has it now.
fn read_credential(request: Request<'_>, source: &KeySource) -> Option<Credential> {
    let mut found: Option<Credential> = None;
    let mut add = |key: &[u8]| match &mut found {
        Some(found) => found.is_ambiguous = true,
        None => found = Some(Credential { key: key.into(), is_ambiguous: false }),
    };
    match source {
        KeySource::Argument(name) => {
            arguments(request.part(RequestPart::Args), name)
                .for_each(|value| add(&percent_decode_lossy(value)));
        }
        KeySource::Header(name) => request.each_incoming(name, |header| {
            let value = match &name[..] {
                b"authorization" => bearer(header.value()),
                _ => header.value(),
            };
            if !value.is_empty() {
                add(value);
            }
        }),
        KeySource::Cookie(name) => request.each_incoming(b"Cookie", |header| {
            cookies(header.value(), name).for_each(&mut add);
        }),
        KeySource::Segment(number) => {
            let is_last =
                segment(request.uri(), number + 1).is_none() && !request.uri().ends_with(b"/");
            // What the location is called by is nobody's key.
            let is_free = !is_within(request.uri(), *number, request.location_prefix());
            if is_free
                && !is_last
                && let Some(segment) = segment(request.uri(), *number)
            {
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
