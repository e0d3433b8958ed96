//! The files of watermarks: looked at once a second, read when they changed.
//!
//! The event loop only looks at them; reading and decoding is the jobs'. What was decoded is kept
//! for all threads of the worker.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use image_gate_core::image::{
    Color, Content, Control, Error, Font, Limits, Mark, MarkLook, Picture, Text,
};

use crate::files;

/// How long what was seen of a file holds.
const FRESH: Duration = Duration::from_secs(1);

/// How many files are remembered as seen; variables can name any number.
const SEEN: usize = 1024;

/// How large a file may be, in bytes: the fonts of some scripts have 20 megabytes.
const LARGEST: u64 = 64 << 20;

/// Bytes of decoded pictures and fonts that a worker keeps.
const CACHE: usize = 64 << 20;

/// One layer of one request, its file not read yet.
#[derive(Debug, Clone, Hash)]
pub struct Layer {
    /// The picture, or the font of the text.
    pub file: Named,
    /// The text with its size and colour.
    pub text: Option<(String, u16, Color)>,
    pub look: MarkLook,
}

/// A file as it was when it was looked at last.
#[derive(Debug, Clone)]
pub struct Named {
    pub path: Arc<Path>,
    pub stamp: Stamp,
}

/// What makes an entity tag: the same on all servers that have the same file.
impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.path.hash(state);
        self.stamp.modified.hash(state);
        self.stamp.len.hash(state);
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds and nanoseconds since 1970.
    pub modified: (i64, i64),
    /// Bytes.
    pub len: u64,
    /// Its place on the disk.
    inode: u64,
}

impl Stamp {
    fn of(data: &fs::Metadata) -> io::Result<Stamp> {
        if !data.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        if data.len() > LARGEST {
            return Err(io::Error::other("larger than 64 megabytes"));
        }
        let modified = (data.mtime(), data.mtime_nsec());
        Ok(Stamp { modified, len: data.len(), inode: data.ino() })
    }
}

type Seen = (Instant, Result<Stamp, Error>);

thread_local! {
    /// What the event loop saw, and when.
    static STAMPS: RefCell<HashMap<Arc<Path>, Seen>> = RefCell::default();
}

/// The state of a file, at most a second old.
///
/// # Errors
/// [`Error::Watermark`] when it can't be looked at.
pub fn stamp(path: &Arc<Path>) -> Result<Stamp, Error> {
    let now = Instant::now();
    STAMPS.with_borrow_mut(|stamps| {
        if let Some((seen, stamp)) = stamps.get(path)
            && now.duration_since(*seen) < FRESH
        {
            return stamp.clone();
        }
        let found = fs::metadata(path).and_then(|data| Stamp::of(&data));
        let stamp = found.map_err(|error| failed(path, error));
        if stamps.len() >= SEEN {
            stamps.clear();
        }
        stamps.insert(path.clone(), (now, stamp.clone()));
        stamp
    })
}

fn failed(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Watermark(format!("\"{}\": {reason}", path.display()))
}

/// What a file is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Picture,
    Font,
}

#[derive(Clone)]
enum Asset {
    Picture(Arc<Picture>),
    Font(Arc<Font>),
}

impl Asset {
    fn bytes(&self) -> usize {
        match self {
            Asset::Picture(picture) => picture.bytes(),
            Asset::Font(font) => font.bytes(),
        }
    }
}

/// What was decoded, by all threads of this worker.
#[derive(Default)]
struct Cache {
    kept: HashMap<(Arc<Path>, Kind), Kept>,
    bytes: usize,
    /// Counts the uses.
    clock: u64,
}

struct Kept {
    stamp: Stamp,
    asset: Asset,
    used: u64,
}

static CACHED: Mutex<Option<Cache>> = Mutex::new(None);

fn cached<R>(body: impl FnOnce(&mut Cache) -> R) -> R {
    // Nothing in the cache is left half done by a panic.
    let mut cache = CACHED.lock().unwrap_or_else(PoisonError::into_inner);
    body(cache.get_or_insert_default())
}

impl Cache {
    fn find(&mut self, key: &(Arc<Path>, Kind), stamp: Stamp) -> Option<Asset> {
        self.clock += 1;
        let kept = self.kept.get_mut(key).filter(|kept| kept.stamp == stamp)?;
        kept.used = self.clock;
        Some(kept.asset.clone())
    }

    fn keep(&mut self, key: (Arc<Path>, Kind), stamp: Stamp, asset: &Asset) {
        let bytes = asset.bytes();
        self.forget(&key);
        if bytes > CACHE {
            return;
        }
        while self.bytes + bytes > CACHE {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            self.forget(&key);
        }
        self.bytes += bytes;
        self.kept.insert(key, Kept { stamp, asset: asset.clone(), used: self.clock });
    }

    fn forget(&mut self, key: &(Arc<Path>, Kind)) {
        if let Some(kept) = self.kept.remove(key) {
            self.bytes -= kept.asset.bytes();
        }
    }
}

/// Reads what a layer needs, unless it is there already. For jobs only: it may take its time.
///
/// # Errors
/// [`Error::Watermark`] when the file is missing or broken; those of [`Control::check`].
pub fn load(layer: Layer, control: &Control) -> Result<Mark, Error> {
    let Layer { file, text, look } = layer;
    let kind = if text.is_some() { Kind::Font } else { Kind::Picture };
    let key = (file.path, kind);
    let asset = match cached(|cache| cache.find(&key, file.stamp)) {
        Some(asset) => asset,
        None => {
            let asset = read(&key.0, kind, control)?;
            // A file that changed since is as new as it can be now, and read again when that is
            // noticed.
            cached(|cache| cache.keep(key, file.stamp, &asset));
            asset
        }
    };
    let content = match (asset, text) {
        (Asset::Font(font), Some((text, size, color))) => {
            Content::Text(Text::new(&text, font, size, color))
        }
        (Asset::Picture(picture), _) => Content::Picture(picture),
        (Asset::Font(_), None) => return Err(Error::Internal("a font without a text".into())),
    };
    Ok(Mark { content, look })
}

/// Reads a file to see whether it is good.
///
/// # Errors
/// [`Error::Watermark`] that says why it is not.
pub fn check(path: &Path, kind: Kind) -> Result<(), Error> {
    read(path, kind, &Control::default()).map(drop)
}

fn read(path: &Path, kind: Kind, control: &Control) -> Result<Asset, Error> {
    let bytes = read_bytes(path).map_err(|error| failed(path, error))?;
    let asset = match kind {
        Kind::Picture => Picture::decode(&bytes, &Limits::default(), control)
            .map(|picture| Asset::Picture(Arc::new(picture))),
        Kind::Font => Font::parse(bytes).map(|font| Asset::Font(Arc::new(font))),
    };
    asset.map_err(|error| match error {
        Error::Timeout | Error::Cancelled => error,
        Error::Watermark(reason) => failed(path, reason),
        error => failed(path, error),
    })
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    files::read(path, LARGEST).map(|(bytes, _)| bytes)
}
