//! The files of watermarks: looked at once a second, read when they changed.
//!
//! Looking at a file is for the event loop; reading and decoding it is for jobs. What was decoded is
//! kept for all threads.

use std::collections::HashMap;
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use image_gate_core::escapes::write_hex;
use image_gate_core::image::{
    Canonical, Color, Control, Error, Font, Limits, Watermark, WatermarkContent, WatermarkPicture,
    WatermarkStyle, WatermarkText,
};

use crate::files::{self, FileId};

/// How long what was seen of a file holds.
const FRESH: Duration = Duration::from_secs(1);

/// How many files are remembered as seen; variables can name any number.
const MOST_SEEN: usize = 1024;

/// How large a file may be, in bytes: the fonts of some scripts have 20 megabytes.
const LARGEST: u64 = 64 << 20;

/// One layer of one request, its file not read yet.
#[derive(Debug, Clone)]
pub struct WatermarkSpec {
    /// The picture, or the font of the text.
    pub file: SeenFile,
    /// The text with its size and colour.
    pub text: Option<(String, u16, Color)>,
    /// How it is laid onto the image.
    pub style: WatermarkStyle,
}

/// A file as it was when it was looked at last.
#[derive(Debug, Clone)]
pub struct SeenFile {
    path: Arc<Path>,
    id: FileId,
}

/// What makes an entity tag: the same on all servers that have the same file.
impl Canonical for WatermarkSpec {
    fn write(&self, out: &mut String) {
        let SeenFile { path, id } = &self.file;
        write_hex(path.as_os_str().as_bytes(), out);
        out.push(',');
        (id.modified(), id.len()).write(out);
        if let Some((text, size, color)) = &self.text {
            out.push(',');
            write_hex(text.as_bytes(), out);
            out.push(',');
            (*size, *color).write(out);
        }
        self.style.write(out);
    }
}

/// What was seen of files, and when.
#[derive(Debug, Default)]
pub struct Seen(HashMap<Arc<Path>, (Instant, Result<FileId, Error>)>);

impl Seen {
    /// Returns a file as it was at most a second before `now`.
    ///
    /// # Errors
    /// [`Error::Watermark`] when it can't be looked at.
    pub fn stat(&mut self, path: Arc<Path>, now: Instant) -> Result<SeenFile, Error> {
        if let Some((seen, id)) = self.0.get(&path)
            && now.saturating_duration_since(*seen) < FRESH
        {
            return id.clone().map(|id| SeenFile { path, id });
        }
        let id = FileId::of_regular(&path, LARGEST).map_err(|error| failed(&path, error));
        if self.0.len() >= MOST_SEEN {
            self.0.clear();
        }
        self.0.insert(path.clone(), (now, id.clone()));
        id.map(|id| SeenFile { path, id })
    }
}

fn failed(path: &Path, reason: impl Display) -> Error {
    Error::Watermark(format!("\"{}\": {reason}", path.display()))
}

/// What a file is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssetKind {
    /// A picture.
    Picture,
    /// The font of a text.
    Font,
}

#[derive(Clone)]
enum Asset {
    Picture(Arc<WatermarkPicture>),
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

/// Decoded pictures and fonts, for all threads. What was not used for longest leaves first.
pub struct WatermarkCache {
    capacity: usize,
    kept: Mutex<CacheEntries>,
}

type AssetKey = (Arc<Path>, AssetKind);

#[derive(Default)]
struct CacheEntries {
    entries: HashMap<AssetKey, CacheEntry>,
    bytes: usize,
    /// Counts the uses.
    uses: u64,
}

struct CacheEntry {
    id: FileId,
    asset: Asset,
    used: u64,
}

impl CacheEntries {
    fn find(&mut self, key: &AssetKey, id: FileId) -> Option<Asset> {
        self.uses += 1;
        let entry = self.entries.get_mut(key).filter(|entry| entry.id == id)?;
        entry.used = self.uses;
        Some(entry.asset.clone())
    }

    fn keep(&mut self, key: AssetKey, id: FileId, asset: &Asset, capacity: usize) {
        let bytes = asset.bytes();
        self.forget(&key);
        if bytes > capacity {
            return;
        }
        while self.bytes.saturating_add(bytes) > capacity {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            self.forget(&key);
        }
        self.bytes += bytes;
        self.entries.insert(key, CacheEntry { id, asset: asset.clone(), used: self.uses });
    }

    fn forget(&mut self, key: &AssetKey) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.asset.bytes();
        }
    }
}

/// A layer whose file was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What is laid onto the image.
    pub watermark: Watermark,
    /// Whether the file was as the [`SeenFile`] has it.
    pub is_as_seen: bool,
}

impl WatermarkCache {
    /// Returns one that keeps up to `capacity` bytes.
    #[must_use]
    pub fn new(capacity: usize) -> WatermarkCache {
        WatermarkCache { capacity, kept: Mutex::default() }
    }

    /// Reads what a layer needs, unless it is there already, which may take its time.
    ///
    /// # Errors
    /// [`Error::Watermark`] when the file is missing or broken; those of [`Control::check`].
    pub fn load(&self, layer: WatermarkSpec, control: &Control) -> Result<Loaded, Error> {
        let WatermarkSpec { file: SeenFile { path, id }, text, style } = layer;
        let kind = if text.is_some() { AssetKind::Font } else { AssetKind::Picture };
        let key = (path, kind);
        let found = self.with(|kept| kept.find(&key, id));
        let (asset, is_as_seen) = match found {
            Some(asset) => (asset, true),
            None => {
                // It may have changed since it was looked at.
                let (asset, now) = read(&key.0, kind, control)?;
                if let Some(now) = now {
                    self.with(|kept| kept.keep(key, now, &asset, self.capacity));
                }
                (asset, now == Some(id))
            }
        };
        let content = match (asset, text) {
            (Asset::Font(font), Some((text, size, color))) => {
                WatermarkContent::Text(WatermarkText::new(&text, font, size, color))
            }
            (Asset::Picture(picture), _) => WatermarkContent::Picture(picture),
            (Asset::Font(_), None) => return Err(Error::Internal("a font without a text".into())),
        };
        Ok(Loaded { watermark: Watermark { content, style }, is_as_seen })
    }

    /// The lock is never held while a file is read, and nothing is left half done by a panic.
    fn with<R>(&self, body: impl FnOnce(&mut CacheEntries) -> R) -> R {
        body(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Files that were found to be good, so that one that many directives name is decoded once.
#[derive(Debug, Default)]
pub struct Checked(HashMap<AssetKey, FileId>);

impl Checked {
    /// Reads a file to see whether it is good, unless it was as it is.
    ///
    /// # Errors
    /// [`Error::Watermark`] that says why it is not.
    pub fn check(&mut self, path: &Path, kind: AssetKind) -> Result<(), Error> {
        let key = (path.into(), kind);
        let now = FileId::of_regular(path, LARGEST).map_err(|error| failed(path, error))?;
        if self.0.get(&key) == Some(&now) {
            return Ok(());
        }
        let (_, id) = read(path, kind, &Control::default())?;
        if self.0.len() >= MOST_SEEN {
            self.0.clear();
        }
        if let Some(id) = id {
            self.0.insert(key, id);
        }
        Ok(())
    }
}

/// Reads a file. Returns what it was then, too; `None` where it changed meanwhile.
fn read(path: &Path, kind: AssetKind, control: &Control) -> Result<(Asset, Option<FileId>), Error> {
    let (bytes, meta) = files::read(path, LARGEST).map_err(|error| failed(path, error))?;
    let id = FileId::from(&meta);
    let id = FileId::of(path).ok().filter(|after| *after == id);
    let asset = match kind {
        AssetKind::Picture => WatermarkPicture::decode(&bytes, &Limits::default(), control)
            .map(|picture| Asset::Picture(Arc::new(picture))),
        AssetKind::Font => Font::parse(bytes).map(|font| Asset::Font(Arc::new(font))),
    };
    asset.map(|asset| (asset, id)).map_err(|error| match error {
        Error::Timeout | Error::Cancelled => error,
        Error::Watermark(reason) => failed(path, reason),
        error => failed(path, error),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::Folder;
    use std::sync::Barrier;

    /// A PNG of one row of that many pixels of one gray, which takes four bytes a pixel decoded.
    fn png(width: u32, gray: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, 1);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&vec![gray; width as usize]).unwrap();
        writer.finish().unwrap();
        out
    }

    struct Fixture {
        folder: Folder,
        seen: Seen,
        cache: WatermarkCache,
        now: Instant,
    }

    impl Fixture {
        fn new(capacity: usize) -> Fixture {
            let cache = WatermarkCache::new(capacity);
            Fixture { folder: Folder::new(), seen: Seen::default(), cache, now: Instant::now() }
        }

        fn pass(&mut self, milliseconds: u64) {
            self.now += Duration::from_millis(milliseconds);
        }

        fn stat(&mut self, name: &str) -> Result<WatermarkSpec, Error> {
            let file = self.seen.stat(self.folder.file(name).into(), self.now)?;
            Ok(WatermarkSpec { file, text: None, style: WatermarkStyle::default() })
        }

        fn load(&mut self, name: &str) -> Result<Arc<WatermarkPicture>, Error> {
            let layer = self.stat(name)?;
            match self.cache.load(layer, &Control::default())?.watermark.content {
                WatermarkContent::Picture(picture) => Ok(picture),
                WatermarkContent::Text(_) => unreachable!("no text was asked for"),
            }
        }

        /// Whether what is loaded now is the very picture that was loaded before.
        fn keeps(&mut self, name: &str, before: &Arc<WatermarkPicture>) -> bool {
            Arc::ptr_eq(&self.load(name).unwrap(), before)
        }

        fn bytes(&self) -> usize {
            self.cache.with(|kept| {
                let sum: usize = kept.entries.values().map(|entry| entry.asset.bytes()).sum();
                assert_eq!(kept.bytes, sum);
                sum
            })
        }
    }

    #[test]
    fn a_file_is_read_once() {
        let mut at = Fixture::new(100);
        at.folder.write("a", &png(5, 1));
        let first = at.load("a").unwrap();
        at.pass(5000);
        assert!(at.keeps("a", &first));
        assert_eq!((at.bytes(), first.bytes()), (20, 20));
    }

    #[test]
    fn a_change_is_noticed_after_a_second() {
        let mut at = Fixture::new(100);
        at.folder.write("a", &png(5, 1));
        let first = at.load("a").unwrap();
        at.folder.write("a", &png(5, 2));
        at.pass(999);
        assert!(at.keeps("a", &first));
        at.pass(1);
        let second = at.load("a").unwrap();
        assert_ne!(first, second);
        assert_eq!(at.bytes(), 20, "the old one is gone");
        at.pass(1000);
        assert!(at.keeps("a", &second));
    }

    #[test]
    fn one_that_changed_since_it_was_looked_at_says_so() {
        let mut at = Fixture::new(100);
        at.folder.write("a", &png(5, 1));
        let before = at.stat("a").unwrap();
        at.folder.write("a", &png(5, 2));
        let load = |at: &Fixture, layer: &WatermarkSpec| {
            at.cache.load(layer.clone(), &Control::default()).unwrap()
        };
        let early = load(&at, &before);
        assert!(!early.is_as_seen);
        // What is kept of it now is no better for who looked before.
        assert_eq!(load(&at, &before), early);
        at.pass(1000);
        let now = at.stat("a").unwrap();
        let late = load(&at, &now);
        assert!(late.is_as_seen && load(&at, &now).is_as_seen);
        assert_eq!(late.watermark, early.watermark);
        assert_eq!(at.bytes(), 20);
    }

    #[test]
    fn a_file_that_vanishes_or_comes() {
        let mut at = Fixture::new(100);
        let missing =
            |error: &Error| matches!(error, Error::Watermark(why) if why.contains("/a\": "));
        assert!(missing(&at.load("a").unwrap_err()));
        at.folder.write("a", &png(5, 1));
        // That there was none holds for a second, too.
        assert!(missing(&at.load("a").unwrap_err()));
        at.pass(1000);
        let layer = at.stat("a").unwrap();
        std::fs::remove_file(at.folder.file("a")).unwrap();
        assert!(missing(&at.cache.load(layer, &Control::default()).unwrap_err()));
        at.pass(1000);
        assert!(missing(&at.load("a").unwrap_err()));
        assert_eq!(at.bytes(), 0);
    }

    #[test]
    fn a_broken_file_is_not_kept() {
        let mut at = Fixture::new(100);
        at.folder.write("a", b"GIF89a");
        assert!(matches!(at.load("a"), Err(Error::Watermark(_))));
        at.folder.write("a", &png(5, 1));
        // What there is is read, although the change was not seen yet.
        assert!(at.load("a").is_ok());
    }

    #[test]
    fn what_was_not_used_for_longest_leaves() {
        let mut at = Fixture::new(50);
        for name in ["a", "b", "c"] {
            at.folder.write(name, &png(5, 1));
        }
        let [a, b] = ["a", "b"].map(|name| at.load(name).unwrap());
        assert!(at.keeps("a", &a));
        let c = at.load("c").unwrap();
        assert_eq!(at.bytes(), 40);
        assert!(at.keeps("a", &a) && at.keeps("c", &c));
        assert!(!at.keeps("b", &b));
    }

    #[test]
    fn one_too_large_to_keep_is_used_and_drives_nothing_out() {
        let mut at = Fixture::new(50);
        at.folder.write("a", &png(5, 1));
        at.folder.write("large", &png(13, 1));
        let a = at.load("a").unwrap();
        let large = at.load("large").unwrap();
        assert!(!at.keeps("large", &large) && at.keeps("a", &a));
        // As large as all that is kept.
        at.folder.write("b", &png(12, 1));
        let b = at.load("b").unwrap();
        assert!(at.keeps("b", &b));
        assert_eq!(at.bytes(), 48);
    }

    #[test]
    fn a_kept_file_that_grows_too_large_is_forgotten() {
        let mut at = Fixture::new(50);
        at.folder.write("a", &png(5, 1));
        at.load("a").unwrap();
        at.folder.write("a", &png(13, 1));
        at.pass(1000);
        assert_eq!(at.load("a").unwrap().bytes(), 52);
        assert_eq!(at.bytes(), 0);
    }

    #[test]
    fn threads_that_want_one_file_share_what_is_kept_of_it() {
        let mut at = Fixture::new(100);
        at.folder.write("a", &png(5, 1));
        let layer = at.stat("a").unwrap();
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (cache, barrier, layer) = (&at.cache, &barrier, layer.clone());
                scope.spawn(move || {
                    barrier.wait();
                    cache.load(layer, &Control::default()).unwrap()
                });
            }
        });
        assert_eq!(at.bytes(), 20, "counted once, whoever was first");
    }

    #[test]
    fn a_job_that_is_over_reads_nothing() {
        let mut at = Fixture::new(100);
        at.folder.write("a", &png(5, 1));
        let layer = at.stat("a").unwrap();
        let control = Control::default();
        control.cancel();
        assert_eq!(at.cache.load(layer, &control), Err(Error::Cancelled));
        assert_eq!(at.bytes(), 0);
    }

    #[test]
    fn a_font_is_another_use_of_a_file() {
        let mut at = Fixture::new(100);
        at.folder.write("a", &png(5, 1));
        let picture = at.load("a").unwrap();
        let text = Some(("text".to_owned(), 12, Color::WHITE));
        let layer = WatermarkSpec { text, ..at.stat("a").unwrap() };
        assert!(matches!(
            at.cache.load(layer, &Control::default()),
            Err(Error::Watermark(reason)) if reason.contains("/a\": ")
        ));
        assert!(at.keeps("a", &picture));
    }

    #[test]
    fn any_number_of_names_takes_no_more_memory() {
        let mut at = Fixture::new(100);
        for number in 0..3 * MOST_SEEN {
            assert!(at.load(&number.to_string()).is_err());
            assert!(at.seen.0.len() <= MOST_SEEN);
        }
    }

    #[test]
    fn checked_before_it_is_used() {
        let folder = Folder::new();
        let path = folder.write("a", &png(5, 1));
        let mut checked = Checked::default();
        assert_eq!(checked.check(&path, AssetKind::Picture), Ok(()));
        for (path, kind) in [(path.as_path(), AssetKind::Font), (folder.path(), AssetKind::Picture)]
        {
            assert!(matches!(checked.check(path, kind), Err(Error::Watermark(_))), "{path:?}");
        }
        folder.write("a", b"no picture");
        assert!(matches!(checked.check(&path, AssetKind::Picture), Err(Error::Watermark(_))));
    }
}
