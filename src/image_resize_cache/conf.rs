//! What the directives say.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt::Arguments;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use image_gate_core::cache::{Digest, Key};
use image_gate_runtime::generations::Generations;
use nginx_sys::NGX_LOG_ERR;

use super::flights::Flights;
use super::fonts::Fonts;
use crate::image_resize::keep::{Trouble, TroubleKind};
use crate::ngx::Request;
use crate::ngx::cache::Folder;
use crate::ngx::conf::{Expression, Place, Places};
use crate::ngx::shm::{Memory, ShmZone};

/// The module.
pub enum ImageResizeCache {}

/// `image_resize_cache_path`.
pub struct Cache {
    /// The name of its zone.
    pub name: Vec<u8>,
    pub folder: Folder,
    pub path: Arc<Path>,
    /// Where the directive stands; used where a location keeps something in it.
    pub place: Rc<Place>,
    /// What is being made for it.
    pub flights: Flights,
    /// What was purged, once the folder is there.
    pub generations: OnceCell<Generations>,
}

impl ShmZone for Rc<Cache> {
    fn init(&self, memory: Memory, log: &dyn Fn(u32, Arguments<'_>)) -> Result<(), String> {
        match Generations::open(&self.path) {
            Ok(generations) => {
                let _ = self.generations.set(generations);
            }
            // What is served without a cache is served.
            Err(error) => {
                let path = self.path.display();
                let line = format_args!(
                    "image_resize_cache_path: \"{path}\": {error}: nothing is kept in it"
                );
                log(NGX_LOG_ERR, line);
            }
        }
        self.flights.init(memory)
    }
}

/// The configuration of `http`.
#[derive(Default)]
pub struct MainConf {
    pub caches: Vec<Rc<Cache>>,
    /// What locations were told, for what is warned of in the end.
    pub places: RefCell<Vec<Rc<Place>>>,
    /// How many locations there are so far.
    pub locations: Cell<usize>,
    /// What was found in folders of fonts.
    pub fonts: Fonts,
}

/// `image_resize_cache`.
#[derive(Clone, Copy)]
pub enum Target {
    Off,
    /// The name of a zone.
    Zone(Expression),
}

/// `image_resize_cache_use_stale`: one bit for each case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UseStale(u16);

/// Words of the cases.
const CASES: [&str; 11] = [
    "error",
    "timeout",
    "invalid_header",
    "updating",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_403",
    "http_404",
    "http_429",
];

impl UseStale {
    /// Adds a case; `None` is none that is known.
    pub fn with(self, word: &[u8]) -> Option<UseStale> {
        // What is no header and what is no answer are the same from here.
        let word = if word == b"invalid_header" { b"error" } else { word };
        let at = CASES.iter().position(|case| case.as_bytes() == word)?;
        Some(UseStale(self.0 | 1 << at))
    }

    fn has(self, word: &str) -> bool {
        self.with(word.as_bytes()) == Some(self)
    }

    /// Whether what is old goes out while it is made anew.
    pub fn while_updating(self) -> bool {
        self.has("updating")
    }

    /// Whether it does where that fails in some case.
    pub fn is_for_errors(self) -> bool {
        !matches!(self, UseStale(0)) && UseStale::default().with(b"updating") != Some(self)
    }

    /// Whether it does in that case.
    pub fn covers(self, trouble: Trouble) -> bool {
        let by_kind = trouble.kind.is_some_and(|kind| match kind {
            TroubleKind::Error => self.has("error"),
            TroubleKind::Timeout => self.has("timeout"),
        });
        by_kind || self.has(&format!("http_{}", trouble.status))
    }
}

/// The configuration of a location. `None` is what was not said.
#[derive(Clone, Default)]
pub struct LocConf {
    pub target: Option<Target>,
    /// What that comes to, where it is always the same.
    pub cache: Option<Rc<Cache>>,
    pub key: Option<Expression>,
    pub lock: Option<bool>,
    /// In milliseconds.
    pub lock_timeout: Option<u64>,
    /// In milliseconds.
    pub lock_age: Option<u64>,
    /// Codes, `None` for all, and for how many seconds they hold.
    pub valid: Option<Vec<(Option<u16>, u64)>>,
    pub min_uses: Option<usize>,
    pub revalidate: Option<bool>,
    pub use_stale: Option<UseStale>,
    pub background_update: Option<bool>,
    pub bypass: Option<Vec<Expression>>,
    pub no_cache: Option<Vec<Expression>>,
    pub purge: Option<Vec<Expression>>,
    /// What tells the location from others of its server that have its name.
    pub number: usize,
    /// Its name.
    pub name: Vec<u8>,
    pub places: Places,
    /// What [`code`](LocConf::code) has made first.
    coded: OnceCell<Coded>,
}

/// What is made, and the digest of that with a seed.
#[derive(Clone)]
struct Coded {
    seed: [u64; 2],
    made: Rc<str>,
    code: Digest,
}

/// Whether one of the values of a directive is there, and not 0, as nginx has it.
pub fn is_any(values: Option<&Vec<Expression>>, request: Request<'_>) -> bool {
    values.is_some_and(|values| values.iter().any(|value| value.is_set(request)))
}

impl MainConf {
    /// The cache of that name.
    pub fn find(&self, name: &[u8]) -> Option<&Rc<Cache>> {
        self.caches.iter().find(|cache| cache.name == name)
    }
}

/// In seconds.
const HOUR: u64 = 3600;

/// How long a request waits for another, and for how long one is waited for, in milliseconds.
const WAIT: u64 = 5000;

impl LocConf {
    /// The cache that a request is looked up in.
    pub fn cache(&self, request: Request<'_>) -> Option<Rc<Cache>> {
        if self.cache.is_some() {
            return self.cache.clone();
        }
        let Some(Target::Zone(name)) = self.target else { return None };
        let name = name.evaluate(request)?;
        if name.is_empty() || name == b"off" {
            return None;
        }
        let main = request.main_conf::<ImageResizeCache>()?;
        let cache = main.find(name).cloned();
        if cache.is_none() {
            request.log_line(
                NGX_LOG_ERR,
                format_args!(
                    "image_resize_cache: there is no zone \"{}\"",
                    String::from_utf8_lossy(name)
                ),
            );
        }
        cache
    }

    /// What tells what is made, as [`keep::digest`](crate::image_resize::keep::digest) has it, in a key. Most
    /// locations make always the same.
    pub fn code(&self, seed: [u64; 2], made: &Rc<str>) -> Digest {
        if let Some(known) = self.coded.get()
            && known.seed == seed
            && Rc::ptr_eq(&known.made, made)
        {
            return known.code;
        }
        let code = Key::new(seed, "made").text(made.as_bytes()).digest();
        let _ = self.coded.set(Coded { seed, made: made.clone(), code });
        code
    }

    /// For how many seconds an answer of that code holds whose headers don't say it; `None` is not at
    /// all.
    pub fn valid(&self, code: u16) -> Option<u64> {
        let is_it = |known: &Option<u16>| known.is_none_or(|known| known == code);
        let said = self.valid.iter().flatten().find(|(known, _)| is_it(known));
        said.map(|&(_, time)| time).or((code == 200).then_some(HOUR))
    }

    /// Whether it is said how long what an upstream answers with 200 holds.
    pub fn is_validity_said(&self) -> bool {
        let mut known = self.valid.iter().flatten().map(|(known, _)| *known);
        known.any(|known| matches!(known, None | Some(200)))
    }

    /// Whether a source is asked whether it is what it was.
    pub fn revalidates(&self) -> bool {
        self.revalidate.unwrap_or(true)
    }

    /// Whether what goes out while it is old is made anew by a request of its own.
    pub fn updates_in_background(&self) -> bool {
        self.background_update.unwrap_or(false)
    }

    /// When what is old goes out.
    pub fn stale(&self) -> UseStale {
        self.use_stale.unwrap_or_default()
    }

    /// Whether one request waits for another.
    pub fn locks(&self) -> bool {
        self.lock.unwrap_or(true)
    }

    /// How long it does, in milliseconds.
    pub fn lock_timeout(&self) -> u64 {
        self.lock_timeout.unwrap_or(WAIT)
    }

    /// For how long another is waited for, in milliseconds.
    pub fn lock_age(&self) -> u64 {
        self.lock_age.unwrap_or(WAIT)
    }
}
