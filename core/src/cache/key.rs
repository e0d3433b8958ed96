//! What a result is found by.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::SourceId;

/// Goes up whenever what an older version has kept must not be found any more.
const VERSION: u64 = 2;

/// What a result, or an original, is known by.
pub type Digest = [u8; 16];

/// Digests all that decides what a result is. Clients choose parts of it, but know nothing of the seed: so
/// they find no two that come to the same. Nor can anything of it be read from the digest: it may hold tokens
/// and names of partners.
#[derive(Clone)]
pub struct Key(SipHasher13);

impl Key {
    /// A key of that kind, which has the same parts as all of its kind.
    #[must_use]
    #[inline]
    pub fn new(seed: [u64; 2], kind: &str) -> Key {
        let [one, other] = seed;
        Key(SipHasher13::new_with_keys(one, other)).number(VERSION).text(kind.as_bytes())
    }

    /// Adds a text. Its length goes in, too, so that no two lists of parts are alike.
    #[must_use]
    #[inline]
    pub fn text(self, text: &[u8]) -> Key {
        let mut key = self.number(text.len() as u64);
        key.0.write(text);
        key
    }

    /// Adds a number.
    #[must_use]
    #[inline]
    pub fn number(mut self, number: u64) -> Key {
        self.0.write_u64(number);
        self
    }

    /// Adds the state of a file.
    #[must_use]
    #[inline]
    pub fn file(self, file: &SourceId) -> Key {
        let SourceId { device, inode, len, modified, changed } = *file;
        let times = [modified.0, modified.1, changed.0, changed.1].map(i64::cast_unsigned);
        [device, inode, len].into_iter().chain(times).fold(self, Key::number)
    }

    /// The digest.
    #[must_use]
    pub fn digest(self) -> Digest {
        self.0.finish128().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u64; 2] = [1, 2];

    #[test]
    fn parts_do_not_run_into_each_other() {
        let new = |kind| Key::new(SEED, kind);
        let keys = [
            new("a").text(b"").digest(),
            new("a").text(b"bc").digest(),
            new("a").text(b"b").text(b"c").digest(),
            new("a").text(b"bc").text(b"").digest(),
            new("a").number(1).digest(),
            new("ab").text(b"c").digest(),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys.iter().take(at).any(|other| other == key), "{at}");
        }
        assert_eq!(new("a").text(b"b").digest(), new("a").text(b"b").digest());
    }

    #[test]
    fn another_seed_makes_others() {
        let key = |seed| Key::new(seed, "a").text(b"b").digest();
        let keys = [key(SEED), key([2, 1]), key([1, 3]), key([0, 2])];
        assert!((1..keys.len()).all(|at| !keys[..at].contains(&keys[at])));
    }

    #[test]
    fn each_part_of_a_file_counts() {
        let file = SourceId { device: 1, inode: 2, len: 3, modified: (4, 5), changed: (6, 7) };
        let others = [
            SourceId { device: 9, ..file },
            SourceId { inode: 9, ..file },
            SourceId { len: 9, ..file },
            SourceId { modified: (9, 5), ..file },
            SourceId { modified: (4, 9), ..file },
            SourceId { changed: (9, 7), ..file },
            SourceId { changed: (6, 9), ..file },
        ];
        let key = |file: &SourceId| Key::new(SEED, "file").file(file).digest();
        assert!(others.iter().all(|other| key(other) != key(&file)));
        assert_eq!(key(&file), key(&file.clone()));
    }
}
