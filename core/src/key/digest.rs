//! What is kept of a key.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::escapes::{hex_pair, write_hex};

/// The SHA-256 of a key: all that is ever stored of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a key.
    #[must_use]
    pub fn of(key: &[u8]) -> Digest {
        Digest(Sha256::digest(key).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Digest> {
        let hex = text.strip_prefix(b"sha256:")?;
        let mut bytes = [0; 32];
        if hex.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, &digits) in bytes.iter_mut().zip(hex.as_chunks::<2>().0) {
            *byte = hex_pair(digits)?;
        }
        Some(Digest(bytes))
    }

    /// The first bytes, by which digests are looked up.
    pub(super) fn prefix(&self) -> [u8; 8] {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&self.0[..8]);
        prefix
    }

    /// Whether both are the same, in a time that does not tell how much of them is.
    pub(super) fn matches(&self, other: &Digest) -> bool {
        // As four numbers: byte by byte it takes ten times as long.
        let [(own, _), (other, _)] = [self, other].map(|digest| digest.0.as_chunks::<8>());
        let differing = own.iter().zip(other).fold(0, |bits, (own, other)| {
            bits | (u64::from_ne_bytes(*own) ^ u64::from_ne_bytes(*other))
        });
        differing.ct_eq(&0).into()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        let mut hex = String::with_capacity(64);
        write_hex(&self.0, &mut hex);
        f.write_str(&hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_fips_180_4() {
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_string(), text);
        assert_eq!(Digest::parse(text.as_bytes()), Some(Digest::of(b"abc")));
        let upper = text.replace("ba78", "BA78");
        assert_eq!(Digest::parse(upper.as_bytes()), Some(Digest::of(b"abc")));
    }

    #[test]
    fn what_is_no_digest() {
        let good = Digest::of(b"").to_string();
        for text in [
            "",
            "sha256:",
            &good[1..],
            &good[..70],
            &good.replace(':', "="),
            &format!("{good}0"),
            &good.replace('e', "g"),
        ] {
            assert_eq!(Digest::parse(text.as_bytes()), None, "{text}");
        }
    }
}
