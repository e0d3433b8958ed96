//! What the directives say.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt::Arguments;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use image_gate_core::health::Trouble;
use image_gate_core::key::{
    Digest, KeySource, Partner, PartnerKey, PerPeriod, Period, QuotaLimits, RecentKeys, State,
};
use image_gate_runtime::export::ExportConf;
use image_gate_runtime::host::random;
use image_gate_runtime::key::state_file;
use image_gate_runtime::key::{Keys, key_file, layout};
use nginx_sys::NGX_LOG_ERR;

use super::values::KeyVariables;
use super::zone::{KeyFile, KeyTable, Record, StateFile, Zone, ZoneHeader};
use crate::ngx::conf::{Expression, Place, Places};
use crate::ngx::kept_memory::KeptMemory;
use crate::ngx::location::{ErrorPage, Exits, Found, Server};
use crate::ngx::module::{Pending, with_main};
use crate::ngx::shm::{Memory, ShmZone};
use crate::ngx::thread::ThreadPool;
use crate::ngx::worker::Wanted;
use crate::ngx::{Parser, Pooled, Request, thread, worker};
use crate::secure_link_hash;

/// The module.
pub enum AccessKey {}

/// The configuration at a request's location.
pub fn conf<'a>(request: &'a Request<'_>) -> Option<&'a LocConf> {
    request.location::<AccessKey>()
}

/// The configuration of a request's server.
pub fn server<'a>(request: &'a Request<'_>) -> Option<&'a SrvConf> {
    request.server::<AccessKey>()
}

/// What the locations were told.
#[derive(Default)]
pub struct Notes {
    pub places: RefCell<Vec<Rc<Place>>>,
    pub redirects: RefCell<Vec<RedirectNote>>,
    /// Quotas of all that a partner ever asks for, with the names of their zones.
    pub totals: RefCell<Vec<(Rc<Place>, Vec<u8>)>>,
    /// What is asked for where a quota is nearly used up.
    pub alerts: RefCell<Vec<AlertNote>>,
    /// Those that take keys from headers whose names have a `_`.
    pub underscored: RefCell<Vec<Rc<Place>>>,
    /// Whether any server hears such headers.
    pub hears_underscores: Cell<bool>,
    /// Where `error_page` leads to with a status that refuses requests.
    pub pages: RefCell<Vec<PageNote>>,
    /// The locations of all servers.
    pub locations: RefCell<Vec<LocationNote>>,
    /// Those of them that let requests by.
    pub passes: RefCell<Vec<PassNote>>,
}

/// `access_key_alert` with a URI, of a location.
pub struct AlertNote {
    pub place: Rc<Place>,
    pub server: Pooled<SrvConf>,
    pub uri: Rc<[u8]>,
}

/// A location, until all of its server are known.
pub struct LocationNote {
    pub found: Found,
    pub server: Server,
    /// The `access_key` by which a key is asked for.
    pub keys: Option<Rc<Place>>,
    pub links: Option<Pooled<secure_link_hash::LocConf>>,
    /// Whether an `if` asks what a link is.
    pub is_judged: bool,
    /// Whether it is said that nobody asks for a key.
    pub is_off: bool,
    /// Whether something else asks who is let in, or nobody gets what is there.
    pub asks_by_itself: bool,
    /// What the name of the location stands for among files, where what is asked for are the files
    /// themselves.
    pub folder: Option<Vec<u8>>,
}

/// A location whose requests may pass what guards it.
pub struct PassNote {
    /// How it is called where it does not ask by a directive of its own; nothing where that would not be
    /// wondered at.
    pub name: Option<String>,
    pub server: Server,
    /// The `access_key` by which a key is asked for, and whether it is its own.
    pub keys: Option<(Rc<Place>, bool)>,
    pub links: Option<Pooled<secure_link_hash::LocConf>>,
    pub exits: Exits,
    pub lets_in_all: bool,
    /// Whether the level above does, too.
    pub is_inherited: bool,
}

/// `error_page` of a location that asks for a key, for requests without one.
pub struct PageNote {
    /// The `access_key`.
    pub place: Rc<Place>,
    pub server: Server,
    pub page: ErrorPage,
}

/// `access_key_redirect` of a location.
pub struct RedirectNote {
    pub place: Rc<Place>,
    pub server: Option<Server>,
    /// What is known of that.
    pub conf: Option<Pooled<SrvConf>>,
    /// What the URIs begin with that it leads away, where it stands in a location of such.
    pub from: Option<Vec<u8>>,
    /// The path that it leads to.
    pub uri: Option<Expression>,
    /// The named location that it leads to.
    pub name: Option<Rc<[u8]>>,
    /// Signed links in the same location.
    pub links: Option<Pooled<secure_link_hash::LocConf>>,
}

/// All of `http`.
#[derive(Default)]
pub struct MainConf {
    /// Each `access_key_zone`.
    pub zones: Vec<Pooled<ZoneConf>>,
    /// Each `access_key_file`, by the name of its zone, until both meet.
    pub files: Vec<FileConf>,
    /// The servers.
    pub servers: RefCell<Vec<Pooled<SrvConf>>>,
    /// `access_key_statsd` and `access_key_redis`.
    pub exports: ExportConf,
    /// What variables tell of, by their places, once requests come.
    pub kinds: OnceCell<Vec<VariableKind>>,
    /// Whether a location shows zones.
    pub shown: Cell<bool>,
    pub places: Places,
    /// For what is refused or warned of in the end.
    pub notes: Notes,
}

impl MainConf {
    /// The zone of that name.
    pub fn zone(&self, name: &[u8]) -> Option<Pooled<ZoneConf>> {
        self.zones.iter().copied().find(|zone| zone.name.as_bytes() == name)
    }

    /// The zones that have memory.
    pub fn live(&self) -> Vec<Arc<Zone>> {
        self.zones.iter().filter_map(|zone| zone.live().cloned()).collect()
    }
}

thread_local! {
    /// The zones of the configuration that this process took last whose key files had partners.
    static TAKEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Notes which zones of a configuration that was taken have partners.
pub fn note_taken(main: Option<&MainConf>) {
    let zones = main.into_iter().flat_map(MainConf::live).filter(|zone| zone.has_partners());
    TAKEN.set(zones.map(|zone| zone.name.clone()).collect());
}

/// Returns what does not work of the zones of the running configuration. For the event loop.
pub fn troubles() -> Vec<Trouble> {
    let found = with_main::<AccessKey, _>(|main| {
        let has_redis = main.exports.redis.is_some();
        main.live().iter().flat_map(|zone| zone.troubles(has_redis)).collect()
    });
    found.unwrap_or_default()
}

/// What a variable tells of.
#[derive(Clone, Copy)]
pub enum VariableKind {
    /// The request line.
    Line,
    /// What the client or an upstream sent besides.
    Sent,
    /// What neither of them has a hand in.
    Nginx,
    /// Anything else, which is looked at only where it was evaluated before.
    Other,
}

/// `access_key_file`.
pub struct FileConf {
    /// The zone's name.
    pub name: Vec<u8>,
    pub file: KeyFile,
    /// Its keys, where it is good.
    pub keys: Option<Keys>,
    /// Where the directive stands.
    pub place: Rc<Place>,
}

/// Reports that a directive names a zone that is not there.
pub fn unknown_zone(place: &Place, name: &str, parser: Parser<'_>) {
    place.error(
        parser,
        format_args!("unknown zone \"{name}\", there is no \"access_key_zone\" for it"),
    );
}

/// The partners of a zone, and which of their keys came last.
struct Current {
    version: u64,
    key_table: Arc<KeyTable>,
    recent: RecentKeys,
}

/// `access_key_zone`, and what belongs to it.
pub struct ZoneConf {
    pub name: String,
    /// Used where a location asks for its keys.
    pub place: Rc<Place>,
    pub state_file: Option<StateFile>,
    /// How much memory it has, in bytes.
    size: usize,
    /// The key file as it was read with the configuration.
    pub file: RefCell<Option<(KeyFile, Keys)>>,
    /// Its `access_key_file`.
    pub file_place: OnceCell<Rc<Place>>,
    /// A good key file, until it is kept for the next start.
    pub text: RefCell<Vec<u8>>,
    /// The cycle that is being read with it.
    cycle: Pending,
    /// The smallest limits of all locations.
    pub common: Cell<QuotaLimits>,
    /// Whether partners with quotas are refused while Redis does not answer.
    pub denies: Cell<bool>,
    live: OnceCell<Arc<Zone>>,
    // What the event loop uses, so that it takes no lock for each request.
    cache: RefCell<Option<Current>>,
    // The time that the event loop asked for last, and its windows.
    calendar: Cell<(u64, PerPeriod)>,
}

impl ZoneConf {
    /// A zone without memory yet.
    pub fn new(
        name: String,
        state_file: Option<StateFile>,
        size: usize,
        place: Rc<Place>,
        parser: Parser<'_>,
    ) -> ZoneConf {
        ZoneConf {
            cycle: parser.cycle(),
            text: RefCell::default(),
            name,
            place,
            state_file,
            size,
            file: RefCell::default(),
            file_place: OnceCell::new(),
            common: Cell::default(),
            denies: Cell::default(),
            live: OnceCell::new(),
            cache: RefCell::default(),
            calendar: Cell::new((0, Period::numbers(0))),
        }
    }

    /// The zone, once it has memory: always, when requests come.
    pub fn live(&self) -> Option<&Arc<Zone>> {
        self.live.get()
    }

    /// The numbers of the windows that `time` lies in. The calendar is asked once a second.
    pub fn windows(&self, time: u64) -> PerPeriod {
        let (known, numbers) = self.calendar.get();
        if known == time {
            return numbers;
        }
        let numbers = Period::numbers(time);
        self.calendar.set((time, numbers));
        numbers
    }

    /// The partners as they are now.
    pub fn key_table(&self, zone: &Zone) -> Arc<KeyTable> {
        let mut cache = self.cache.borrow_mut();
        match &*cache {
            Some(current) if current.version == zone.version() => current.key_table.clone(),
            _ => {
                let (version, key_table) = zone.key_table();
                let recent = RecentKeys::new([random(), random()]);
                *cache = Some(Current { version, key_table: key_table.clone(), recent });
                key_table
            }
        }
    }

    /// Who of those partners holds a key, and what else is known of the key.
    pub fn find_key(&self, key_table: &Arc<KeyTable>, key: &[u8]) -> Option<(usize, PartnerKey)> {
        let table = &key_table.table;
        match &mut *self.cache.borrow_mut() {
            Some(current) if Arc::ptr_eq(&current.key_table, key_table) => {
                current.recent.find(table, key)
            }
            // The key file was read anew since the request came.
            _ => table.find_key(&Digest::of(key)),
        }
    }
}

impl ShmZone for ZoneConf {
    /// nginx's memory only tells when it is time; what is counted lies in memory that stays when
    /// the size or the executable changes.
    fn init(&self, _: Memory, log: &dyn Fn(u32, Arguments<'_>)) -> Result<(), String> {
        let Some((file, keys)) = self.file.take() else {
            return Err(format!("zone \"{}\" has no keys", self.name));
        };
        if let Some(state_file) = &self.state_file {
            let user = self.cycle.user();
            let may = |wanted| move |path: &Path| worker::may(path, user, wanted);
            let path = &state_file.path;
            let usable = state_file::make_folder(path, user, may(Wanted::Make)).and_then(|()| {
                let forbidden =
                    state_file::forbidden(path, &may(Wanted::Read), &may(Wanted::Write));
                forbidden.map_or(Ok(()), Err)
            });
            usable.map_err(|reason| self.place.line(reason))?;
        }
        let table = keys.table;
        match &file.trouble {
            None => *self.text.borrow_mut() = keys.text,
            Some(trouble) => {
                let name = &self.name;
                let line = format_args!(
                    "access_key: zone \"{name}\" has the keys that were good last: {trouble}"
                );
                log(NGX_LOG_ERR, line);
            }
        }
        let state = || match self
            .state_file
            .as_ref()
            .map(|state_file| state_file::load(&state_file.path))
        {
            None | Some(Ok(None)) => State::default(),
            Some(Ok(Some(state))) => state,
            Some(Err(reason)) => {
                let name = &self.name;
                let path = self
                    .state_file
                    .as_ref()
                    .map_or(Path::new(""), |state_file| &state_file.path)
                    .display();
                let line = format_args!("zone \"{name}\" starts at nothing: {path}: {reason}");
                log(NGX_LOG_ERR, line);
                State::default()
            }
        };
        let name = format!("{}:{}", layout(), self.name);
        let memory = KeptMemory::open(&name, self.size).map_err(|error| {
            self.place.line(format_args!("zone \"{}\" has no memory: {error}", self.name))
        })?;
        let room = memory.view::<ZoneHeader, Record>().map_or(0, |(_, records)| records.len());
        let partners = table.partners().len();
        if partners > room {
            return Err(self.place.line(format_args!(
                "zone \"{}\" is full: it has room for {room} partners, and the key file has \
                 {partners}: make it {}k",
                self.name,
                size_for(partners)
            )));
        }
        let (name, state_file) = (self.name.clone(), self.state_file.clone());
        let mut zone = Zone::new(name, state_file, file, self.common.get(), memory, table, state)?;
        zone.denies = self.denies.get();
        zone.header().key_file_bad.note(zone.file.trouble.is_none(), worker::time());
        self.live.set(Arc::new(zone)).map_err(|_| "a zone with two memories".to_owned())
    }
}

/// How many KiB a zone needs for so many partners.
fn size_for(partners: usize) -> usize {
    let bytes =
        size_of::<Record>().saturating_mul(partners).saturating_add(size_of::<ZoneHeader>());
    (bytes / 1024).saturating_add(1).next_multiple_of(8)
}

impl ZoneConf {
    /// The keys of the file, or of the last one that was good.
    ///
    /// # Errors
    /// Why there are none.
    pub fn keys_of(&self, file: &mut KeyFile, keys: Option<Keys>) -> Result<Keys, String> {
        let state_file = self.state_file.as_ref();
        let copy = || state_file.and_then(|state_file| Keys::read_copy(&state_file.path).ok());
        let Some(keys) = keys else {
            return match &file.trouble {
                None => Ok(Keys::default()),
                Some(trouble) => copy().ok_or_else(|| trouble.clone()),
            };
        };
        let Some(reason) = keys.emptiness(&file.path) else { return Ok(keys) };
        if let Some(copy) = copy().filter(|copy| !copy.table.partners().is_empty()) {
            file.trouble = Some(reason);
            return Ok(copy);
        }
        if TAKEN.with_borrow(|taken| taken.contains(&self.name)) { Err(reason) } else { Ok(keys) }
    }

    /// Keeps a good key file for the next start.
    ///
    /// # Errors
    /// Why it can't be kept.
    pub fn keep_keys(&self, user: Option<(u32, u32)>) -> Result<(), String> {
        let text = self.text.take();
        match &self.state_file {
            Some(state_file) if !text.is_empty() => key_file::keep(&state_file.path, &text, user),
            _ => Ok(()),
        }
    }
}

/// With many partners it takes a while to free them, which a process that answers requests and
/// takes another configuration does not have.
impl Drop for ZoneConf {
    fn drop(&mut self) {
        thread::free((self.live.take(), self.cache.take()));
    }
}

/// `access_key`.
pub struct AccessConf {
    /// The zone's name.
    pub name: Vec<u8>,
    /// Where keys are looked for.
    pub sources: Vec<KeySource>,
    pub variables: KeyVariables,
}

impl AccessConf {
    /// Whether a key may be the token of `Authorization: Bearer`.
    pub fn wants_bearer(&self) -> bool {
        let is_authorization = |source: &KeySource| match source {
            KeySource::Header(name) => **name == *b"authorization",
            KeySource::Argument(_) | KeySource::Cookie(_) | KeySource::Segment(_) => false,
        };
        self.sources.iter().any(is_authorization)
    }
}

/// A server.
#[derive(Default)]
pub struct SrvConf {
    pub mask: Option<bool>,
    /// The sources of all its locations.
    pub sources: RefCell<Vec<KeySource>>,
    /// The zones of all its locations, once merged.
    pub zones: RefCell<Vec<Pooled<ZoneConf>>>,
    /// Its locations with a name that begins a URI: the name, whether it is all of the URI, and
    /// whether they are internal.
    pub locations: RefCell<Vec<(Vec<u8>, bool, bool)>>,
    /// Whether it has a location by a regular expression.
    pub has_regex: Cell<bool>,
}

impl SrvConf {
    /// Whether keys are kept out of what nginx logs of a request.
    pub fn mask(&self) -> bool {
        self.mask.unwrap_or(true)
    }

    /// Whether any of its locations wants a key.
    pub fn takes_keys(&self) -> bool {
        !self.sources.borrow().is_empty()
    }
}

/// `access_key_quota`.
#[derive(Clone, Copy, Default)]
pub struct Quotas {
    /// Those that are enforced.
    pub limits: QuotaLimits,
    /// Those that are only logged.
    pub dry_run: QuotaLimits,
}

/// `access_key_errors`: the status for each reason.
#[derive(Clone, Copy)]
pub struct Errors {
    pub missing: u32,
    pub invalid: u32,
    pub disabled: u32,
    pub quota: u32,
    pub forbidden: u32,
}

impl Default for Errors {
    fn default() -> Errors {
        Errors { missing: 401, invalid: 401, disabled: 401, quota: 429, forbidden: 403 }
    }
}

/// `access_key_headers`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum RateLimitHeaders {
    #[default]
    Off,
    Draft,
    Legacy,
}

/// `access_key_redirect`.
#[derive(Clone)]
pub enum RedirectTarget {
    /// A named location.
    Named(Rc<[u8]>),
    /// A path, and arguments.
    Uri(Expression, Option<Expression>),
}

/// How it is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DocumentFormat {
    Json,
    Prometheus,
    Html,
}

/// `access_key_status` of a location.
#[derive(Clone)]
pub struct StatusConf {
    /// What is sent unless the request says otherwise.
    pub format: DocumentFormat,
    /// The zone that is shown; all where none is named.
    pub zone: Option<Vec<u8>>,
    /// Where answers are made, if nginx has threads.
    pub pool: Option<ThreadPool>,
}

/// How a partner is shown its usage.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UsageFormat {
    Json,
    Html,
}

impl UsageFormat {
    pub fn media_type(self) -> &'static str {
        match self {
            UsageFormat::Json => "application/json",
            UsageFormat::Html => "text/html; charset=utf-8",
        }
    }
}

/// `access_key_usage` of a location.
#[derive(Clone)]
pub struct UsageConf {
    pub format: UsageFormat,
    /// Where answers are made, if nginx has threads.
    pub pool: Option<ThreadPool>,
}

/// `access_key_alert`; without thresholds for `off`.
#[derive(Clone, Default)]
pub struct AlertConf {
    /// In percent, the lowest first.
    pub thresholds: Vec<u16>,
    /// What is asked for.
    pub uri: Option<Rc<[u8]>>,
}

/// A location. `None` is what was not said.
#[derive(Default)]
pub struct LocConf {
    /// `access_key`; the inner `None` is `off`.
    pub access: Option<Option<Rc<AccessConf>>>,
    /// The zone of `access`, once merged.
    pub zone: Option<Pooled<ZoneConf>>,
    pub quotas: Option<Quotas>,
    /// The one of these that no period ends.
    pub total: Option<Rc<Place>>,
    pub errors: Option<Errors>,
    pub headers: Option<RateLimitHeaders>,
    pub strip: Option<bool>,
    pub redirect: Option<RedirectTarget>,
    pub status: Option<StatusConf>,
    pub usage: Option<UsageConf>,
    pub alert: Option<AlertConf>,
    pub places: Places,
    /// Whether `satisfy any` beside `allow all` lets everybody in.
    pub lets_in_all: bool,
}

impl LocConf {
    /// The sources and the zone, where a key is wanted.
    pub fn access(&self) -> Option<(&Rc<AccessConf>, Pooled<ZoneConf>)> {
        Some((self.access.as_ref()?.as_ref()?, self.zone?))
    }

    /// The limits of a partner here.
    pub fn limits(&self, partner: &Partner) -> QuotaLimits {
        match &self.quotas {
            Some(quotas) => partner.limits.or(&quotas.limits),
            None => partner.limits,
        }
    }

    /// Whether the key is taken out of the request.
    pub fn strip(&self) -> bool {
        self.strip.unwrap_or(true)
    }
}
