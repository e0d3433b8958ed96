//! Of which generation the results of a source are. Whoever purges a source begins another one, and
//! what was kept before is not found any more.
//!
//! A file in the cache's folder is the only place where that is kept, and all processes have it open:
//! the workers, those of a binary that is being replaced, and those of the one that replaces it. One
//! write of eight bytes purges for all of them, and there is no moment at which a process that is
//! killed leaves it half done. The file has so many places that sources rarely share one; those that
//! do are purged together, and are made once more. It never grows, and nothing leaves it.
//!
//! A process remembers what it has read, and looks at short intervals whether anything was purged:
//! one number in the file says so, which each purge changes. A purge is done once an interval has
//! passed. The file is not mapped: a process that reads a part that was cut off would be ended.

use std::cell::RefCell;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use image_gate_core::cache::Digest;

use crate::files::open_alone;
use crate::host::random;

/// The name of the file: nginx leaves one alone that ends in a dot and ten digits. Another layout
/// has another name.
const NAME: &str = "image_resize_cache-generations-v2.0000000000";

/// What begins the file, before its seed.
const MAGIC: [u8; 16] = *b"image_resize gen";

/// Bytes of magic and seed.
const HEADER: usize = 32;

/// Where a random number is that each purge changes.
const LAST_PURGE: u64 = 32;

/// Where the generations begin.
const GENERATIONS: u64 = 4096;

/// How many there are.
const PLACES: u64 = 1 << 20;

/// Where it begins, a byte for each place, whether something was kept.
const KEPT: u64 = GENERATIONS + PLACES * 8;

/// Bytes of the file. Where there is room when it is begun, they are all on the disk, so that a purge needs none later.
const LEN: u64 = KEPT + PLACES;

/// How long after a purge all processes know of it: so long each goes by what it has read before it
/// looks whether anything was purged.
pub const PURGE_KNOWN: Duration = Duration::from_millis(20);

/// How long a process remembers anything: whoever was to say that something was purged may have been
/// killed before.
const FORGET: Duration = Duration::from_secs(1);

/// How many generations a process remembers: 200 kB of them.
const REMEMBERED: usize = 1 << 13;

/// The generations of the sources of a cache.
pub struct Generations {
    file: File,
    seed: [u64; 2],
    known: RefCell<Known>,
}

/// What a process has read.
#[derive(Default)]
struct Known {
    last_purge: u64,
    looked: Option<Instant>,
    begun: Option<Instant>,
    /// Counts how often all was forgotten, from 1 on.
    moment: u64,
    /// By the end of their places; empty before the first one, or without memory.
    generations: Vec<Remembered>,
}

#[derive(Clone, Default)]
struct Remembered {
    /// Of another moment it is forgotten.
    moment: u64,
    place: u64,
    generation: Generation,
}

impl Known {
    fn forget(&mut self, now: Instant) {
        self.moment += 1;
        self.begun = Some(now);
    }

    /// Where the generation of a place is remembered.
    fn entry(&mut self, place: u64) -> Option<&mut Remembered> {
        if self.generations.is_empty() && self.generations.try_reserve_exact(REMEMBERED).is_ok() {
            self.generations.resize(REMEMBERED, Remembered::default());
        }
        let index = usize::try_from(place).ok()? % REMEMBERED;
        self.generations.get_mut(index)
    }
}

impl fmt::Debug for Generations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generations").field("file", &self.file).finish_non_exhaustive()
    }
}

/// One of them: a random number, but for the first one.
pub type Generation = u64;

/// The place of a source, by its digest.
fn place(source: &Digest) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *source;
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) % PLACES
}

impl Generations {
    /// Opens those of the cache in a folder, which are new ones where there are none.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(folder: &Path) -> io::Result<Generations> {
        let path = folder.join(NAME);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = match open_alone(&mut options, &path, true) {
            // What is kept can be found, though nothing be added or purged.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                open_alone(OpenOptions::new().read(true), &path, true).map_err(|_| error)?
            }
            file => file?,
        };
        let file = file.ok_or(io::ErrorKind::WouldBlock)?;
        let seed = match read_seed(&file)? {
            Some(seed) => seed,
            None => begin(&file)?,
        };
        file.unlock()?;
        Ok(Generations { file, seed, known: RefCell::default() })
    }

    /// Returns what keys are made with, random: without the file, none of what was kept under its
    /// generations is found.
    #[must_use]
    pub fn seed(&self) -> [u64; 2] {
        self.seed
    }

    /// Returns the generation that a source is at; a purge less than [`PURGE_KNOWN`] ago may be
    /// missed.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(&self, source: &Digest, now: Instant) -> io::Result<Generation> {
        let place = place(source);
        // Nothing here calls back.
        let read = || self.number(GENERATIONS + 8 * place);
        let Ok(mut known) = self.known.try_borrow_mut() else { return read() };
        let known = &mut *known;
        let is_before = |then: Option<Instant>, ago| {
            then.is_none_or(|then| now.saturating_duration_since(then) >= ago)
        };
        if is_before(known.looked, PURGE_KNOWN) {
            let last_purge = self.number(LAST_PURGE)?;
            if last_purge != known.last_purge || is_before(known.begun, FORGET) {
                known.forget(now);
            }
            (known.last_purge, known.looked) = (last_purge, Some(now));
        }
        let moment = known.moment;
        let Some(entry) = known.entry(place) else { return read() };
        if (entry.moment, entry.place) != (moment, place) {
            *entry = Remembered { moment, place, generation: read()? };
        }
        Ok(entry.generation)
    }

    /// Returns the generation that a source is at just now, and remembers that.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read(&self, source: &Digest) -> io::Result<Generation> {
        let place = place(source);
        let generation = self.number(GENERATIONS + 8 * place)?;
        if let Ok(mut known) = self.known.try_borrow_mut()
            && let Some(entry) = known.entry(place).filter(|entry| entry.place == place)
        {
            entry.generation = generation;
        }
        Ok(generation)
    }

    fn number(&self, offset: u64) -> io::Result<u64> {
        let mut number = [0; 8];
        self.file.read_exact_at(&mut number, offset)?;
        Ok(u64::from_le_bytes(number))
    }

    /// Notes that something of a source was kept.
    ///
    /// # Errors
    /// Those of the system.
    pub fn note_kept(&self, source: &Digest) -> io::Result<()> {
        self.file.write_all_at(&[1], KEPT + place(source))
    }

    /// Begins another generation of a source, which all know after [`PURGE_KNOWN`]. Returns whether
    /// something was kept in the one before.
    ///
    /// # Errors
    /// Those of the system.
    pub fn renew(&self, source: &Digest) -> io::Result<bool> {
        let place = place(source);
        let mut kept = [0];
        self.file.read_exact_at(&mut kept, KEPT + place)?;
        self.file.write_all_at(&random().to_le_bytes(), GENERATIONS + 8 * place)?;
        self.file.write_all_at(&random().to_le_bytes(), LAST_PURGE)?;
        if kept != [0] {
            // Whoever keeps something meanwhile may be forgotten: the next purge does its work
            // all the same.
            self.file.write_all_at(&[0], KEPT + place)?;
        }
        Ok(kept != [0])
    }
}

/// The seed of a file; `None` where it is none of this layout, or not a whole one.
fn read_seed(file: &File) -> io::Result<Option<[u64; 2]>> {
    if file.metadata()?.len() != LEN {
        return Ok(None);
    }
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, 0)?;
    let (magic, seed) = header.split_at(MAGIC.len());
    let (numbers, _) = seed.as_chunks::<8>();
    let numbers = <[_; 2]>::try_from(numbers).ok().filter(|_| magic == MAGIC);
    Ok(numbers.map(|numbers| numbers.map(u64::from_le_bytes)))
}

/// Begins a file. Its header comes last: one that was not finished is begun again.
fn begin(file: &File) -> io::Result<[u64; 2]> {
    file.set_len(0)?;
    if fill(file).is_err() {
        // With what room there is, all but a purge works.
        file.set_len(0)?;
    }
    file.set_len(LEN)?;
    let seed = [random(), random()];
    file.write_all_at(seed.map(u64::to_le_bytes).as_flattened(), MAGIC.len() as u64)?;
    file.write_all_at(&MAGIC, 0)?;
    Ok(seed)
}

/// Fills a file with zeros.
fn fill(file: &File) -> io::Result<()> {
    let zeros = [0; 1 << 16];
    let starts = (0..LEN).step_by(zeros.len());
    starts.into_iter().try_for_each(|start| {
        let len = usize::try_from(LEN - start).unwrap_or(zeros.len());
        file.write_all_at(zeros.get(..len).unwrap_or(&zeros), start)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::Folder;
    use std::fs;

    const A: Digest = [1; 16];
    const B: Digest = [2; 16];

    #[test]
    fn a_purge_is_of_one_source_and_seen_by_all() {
        let folder = Folder::new();
        let one = Generations::open(folder.path()).unwrap();
        let other = Generations::open(folder.path()).unwrap();
        let begin = Instant::now();
        let (a, b) = (one.of(&A, begin).unwrap(), one.of(&B, begin).unwrap());
        assert_eq!(other.of(&A, begin).unwrap(), a);
        assert!(!one.renew(&A).unwrap());
        let second = other.read(&A).unwrap();
        assert_ne!(second, a);
        assert_eq!(other.of(&A, begin).unwrap(), second);
        for process in [&one, &other] {
            assert_eq!(process.of(&A, begin + PURGE_KNOWN).unwrap(), second);
        }
        assert!(!other.renew(&A).unwrap());
        let third = one.of(&A, begin + 2 * PURGE_KNOWN).unwrap();
        assert!(![a, second].contains(&third));
        assert_eq!(other.of(&B, begin + 2 * PURGE_KNOWN).unwrap(), b);
    }

    #[test]
    fn what_is_remembered_is_that_of_its_own_place() {
        let folder = Folder::new();
        let one = Generations::open(folder.path()).unwrap();
        let sources: Vec<Digest> = (0..4 * u32::try_from(REMEMBERED).unwrap())
            .map(|number| {
                let mut digest = Digest::default();
                digest[..4].copy_from_slice(&number.to_le_bytes());
                digest
            })
            .collect();
        let begin = Instant::now();
        for source in sources.iter().step_by(97) {
            one.renew(source).unwrap();
            let _ = one.of(source, begin).unwrap();
        }
        for (number, source) in sources.iter().enumerate() {
            // Others that are remembered in the same entry come between.
            let other = &sources[(number + REMEMBERED) % sources.len()];
            for source in [source, other, source] {
                let then = begin + PURGE_KNOWN;
                assert_eq!(one.of(source, then).unwrap(), one.read(source).unwrap());
            }
        }
    }

    #[test]
    fn a_purge_that_was_killed_before_it_said_so_is_seen_all_the_same() {
        let folder = Folder::new();
        let one = Generations::open(folder.path()).unwrap();
        let begin = Instant::now();
        let before = one.of(&A, begin).unwrap();
        one.file.write_all_at(&[7; 8], GENERATIONS + 8 * place(&A)).unwrap();
        assert_eq!(one.of(&A, begin + PURGE_KNOWN).unwrap(), before);
        assert_eq!(one.of(&A, begin + FORGET).unwrap(), u64::from_le_bytes([7; 8]));
    }

    #[test]
    fn a_purge_needs_no_room_on_the_disk() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = Folder::new();
        let _one = Generations::open(folder.path()).unwrap();
        let data = fs::metadata(folder.file(NAME)).unwrap();
        assert_eq!(data.len(), LEN);
        assert!(data.blocks() * 512 >= LEN);
    }

    #[test]
    fn what_was_kept_is_known_once() {
        let folder = Folder::new();
        let one = Generations::open(folder.path()).unwrap();
        one.note_kept(&A).unwrap();
        drop(one);
        let one = Generations::open(folder.path()).unwrap();
        assert!(!one.renew(&B).unwrap());
        assert!(one.renew(&A).unwrap());
        assert!(!one.renew(&A).unwrap());
    }

    #[test]
    fn another_start_finds_what_was_purged_and_what_was_not() {
        let folder = Folder::new();
        let one = Generations::open(folder.path()).unwrap();
        one.renew(&A).unwrap();
        let before = (one.seed(), [A, B].map(|source| one.read(&source).unwrap()));
        drop(one);
        let one = Generations::open(folder.path()).unwrap();
        assert_eq!((one.seed(), [A, B].map(|source| one.read(&source).unwrap())), before);
    }

    #[test]
    fn without_the_file_nothing_is_found() {
        let folder = Folder::new();
        let path = folder.file(NAME);
        let one = Generations::open(folder.path()).unwrap();
        let bytes = fs::read(&path).unwrap();
        let mut seen = vec![one.seed()];
        drop(one);
        let cut = &bytes[..bytes.len() - 1];
        let other = [b"x", &bytes[1..]].concat();
        for damage in [None, Some(&bytes[..0]), Some(cut), Some(&other[..])] {
            match damage {
                None => fs::remove_file(&path).unwrap(),
                Some(bytes) => fs::write(&path, bytes).unwrap(),
            }
            let now = Generations::open(folder.path()).unwrap().seed();
            assert!(!seen.contains(&now));
            seen.push(now);
        }
    }

    #[test]
    fn a_file_that_is_cut_under_a_process_says_so() {
        let folder = Folder::new();
        let one = Generations::open(folder.path()).unwrap();
        let begin = Instant::now();
        for now in [begin, begin + FORGET] {
            let _ = one.of(&A, now).unwrap();
        }
        for len in [40, 20] {
            OpenOptions::new().write(true).open(folder.file(NAME)).unwrap().set_len(len).unwrap();
            assert!(one.of(&A, begin + 2 * FORGET).is_err());
            assert!(one.read(&A).is_err() && one.renew(&A).is_err());
        }
    }

    #[test]
    fn nginx_leaves_the_file_alone() {
        // It takes what is shorter for something that does not belong there.
        assert!(NAME.len() >= 2 * 16 + 1 + 10);
        let (name, digits) = NAME.rsplit_once('.').unwrap();
        assert!(!name.is_empty() && digits.len() == 10);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
    }
}
