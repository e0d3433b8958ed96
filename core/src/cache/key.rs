//! What a result is found by.

use sha2::{Digest, Sha256};

use super::SourceId;
use crate::escapes::write_hex;

/// Goes up whenever what an older version has kept must not be found any more.
const VERSION: u64 = 1;

/// Digests all that decides what a result is. Nothing of it can be read from the digest: it may hold
/// tokens and names of partners.
pub struct Key(Vec<u8>);

/// Bytes that most keys have at most.
const USUAL: usize = 512;

impl Key {
    /// A key of that kind, which has the same parts as all of its kind.
    #[must_use]
    pub fn new(kind: &str) -> Key {
        let key = Key(Vec::with_capacity(USUAL)).number(VERSION);
        key.text(kind.as_bytes())
    }

    /// Adds a text. Its length goes in, too, so that no two lists of parts are alike.
    #[must_use]
    pub fn text(mut self, text: &[u8]) -> Key {
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, number: u64) -> Key {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// Adds the state of a file.
    #[must_use]
    pub fn file(self, file: &SourceId) -> Key {
        let SourceId { device, inode, len, modified, changed } = *file;
        let times = [modified.0, modified.1, changed.0, changed.1].map(i64::cast_unsigned);
        [device, inode, len].into_iter().chain(times).fold(self, Key::number)
    }

    /// The digest.
    #[must_use]
    pub fn digest(self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// The digest, in hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        let mut digits = String::with_capacity(64);
        write_hex(&self.digest(), &mut digits);
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let keys = [
            Key::new("a").text(b"").finish(),
            Key::new("a").text(b"bc").finish(),
            Key::new("a").text(b"b").text(b"c").finish(),
            Key::new("a").text(b"bc").text(b"").finish(),
            Key::new("a").number(1).finish(),
            Key::new("ab").text(b"c").finish(),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(key.len() == 64 && !keys.iter().take(at).any(|other| other == key), "{key}");
        }
        assert_eq!(Key::new("a").text(b"b").finish(), Key::new("a").text(b"b").finish());
        // As another program has it.
        assert_eq!(
            Key::new("a").finish(),
            "c74c1e456818583f87a20bd832b006a55ad48d68ea636527479f1bdfc6c4f136"
        );
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
        let key = |file: &SourceId| Key::new("file").file(file).finish();
        assert!(others.iter().all(|other| key(other) != key(&file)));
        assert_eq!(key(&file), key(&file.clone()));
    }
}
