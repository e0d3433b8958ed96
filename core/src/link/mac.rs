//! Message authentication codes.

use std::fmt;
use std::ops::Deref;

use hmac::{Hmac, KeyInit};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// The longest tag, in bytes.
const LONGEST: usize = 64;

/// How a message and a key become a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// RFC 2104 with SHA-256: 32 bytes.
    #[default]
    HmacSha256,
    /// RFC 2104 with SHA-512: 64 bytes.
    HmacSha512,
    /// RFC 2104 with SHA-1: 20 bytes.
    HmacSha1,
    /// SHA-256 of the message and the key behind it: 32 bytes.
    Sha256,
    /// MD5 of the message and the key behind it: 16 bytes. For links that exist.
    Md5,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 5] = [
        Algorithm::HmacSha256,
        Algorithm::HmacSha512,
        Algorithm::HmacSha1,
        Algorithm::Sha256,
        Algorithm::Md5,
    ];

    /// The algorithm called `name`.
    pub fn from_name(name: &[u8]) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name().as_bytes() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::HmacSha256 => "hmac-sha256",
            Algorithm::HmacSha512 => "hmac-sha512",
            Algorithm::HmacSha1 => "hmac-sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Md5 => "md5",
        }
    }

    /// The length of its tags, in bytes.
    pub fn tag_len(self) -> usize {
        match self {
            Algorithm::HmacSha256 | Algorithm::Sha256 => 32,
            Algorithm::HmacSha512 => 64,
            Algorithm::HmacSha1 => 20,
            Algorithm::Md5 => 16,
        }
    }
}

/// The code of a message.
#[derive(Clone)]
pub struct Tag {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Tag {
    fn new(bytes: &[u8]) -> Tag {
        let mut tag = Tag { bytes: [0; LONGEST], len: bytes.len().min(LONGEST) };
        for (to, from) in tag.bytes.iter_mut().zip(bytes) {
            *to = *from;
        }
        tag
    }

    /// Whether `given` is this tag, or its first bytes where `min` allows as few. Takes as long
    /// wherever they differ.
    pub fn matches(&self, given: &[u8], min: Option<usize>) -> bool {
        let least = min.unwrap_or(self.len);
        let Some(expected) = self.get(..given.len()) else { return false };
        given.len() >= least && bool::from(expected.ct_eq(given))
    }
}

impl Deref for Tag {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tag").field("len", &self.len).finish_non_exhaustive()
    }
}

/// An algorithm with its key, ready for messages.
pub struct Mac(KeyedMac);

enum KeyedMac {
    HmacSha256(Hmac<Sha256>),
    HmacSha512(Box<Hmac<Sha512>>),
    HmacSha1(Hmac<Sha1>),
    Sha256(Box<[u8]>),
    Md5(Box<[u8]>),
}

impl Mac {
    /// Takes a key of any length. `None` only if the algorithm refuses it, which none does.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Option<Mac> {
        Some(Mac(match algorithm {
            Algorithm::HmacSha256 => KeyedMac::HmacSha256(Hmac::new_from_slice(key).ok()?),
            Algorithm::HmacSha512 => {
                KeyedMac::HmacSha512(Box::new(Hmac::new_from_slice(key).ok()?))
            }
            Algorithm::HmacSha1 => KeyedMac::HmacSha1(Hmac::new_from_slice(key).ok()?),
            Algorithm::Sha256 => KeyedMac::Sha256(key.into()),
            Algorithm::Md5 => KeyedMac::Md5(key.into()),
        }))
    }

    /// The tag of a message that is given in parts.
    pub fn tag(&self, message: &[&[u8]]) -> Tag {
        match &self.0 {
            KeyedMac::HmacSha256(mac) => hmac(mac.clone(), message),
            KeyedMac::HmacSha512(mac) => hmac((**mac).clone(), message),
            KeyedMac::HmacSha1(mac) => hmac(mac.clone(), message),
            KeyedMac::Sha256(key) => digest::<Sha256>(message, key),
            KeyedMac::Md5(key) => digest::<Md5>(message, key),
        }
    }
}

/// The MD5 of a message that is given in parts, and holds its key.
pub(super) fn md5(message: &[&[u8]]) -> Tag {
    digest::<Md5>(message, &[])
}

fn hmac<M: hmac::Mac>(mut mac: M, message: &[&[u8]]) -> Tag {
    message.iter().for_each(|part| mac.update(part));
    Tag::new(&mac.finalize().into_bytes())
}

fn digest<D: Digest>(message: &[&[u8]], key: &[u8]) -> Tag {
    let mut digest = D::new();
    message.iter().for_each(|part| digest.update(part));
    digest.update(key);
    Tag::new(&digest.finalize())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::link::Encoding;

    fn tag(algorithm: Algorithm, key: &[u8], message: &[u8]) -> String {
        let tag = Mac::new(algorithm, key).unwrap().tag(&[message]);
        assert_eq!(tag.len(), algorithm.tag_len());
        Encoding::Hex.encode(&tag)
    }

    /// RFC 2202 (HMAC-SHA-1) and RFC 4231 (HMAC-SHA-256, -512), test cases 1 and 2.
    #[test]
    fn hmac_vectors() {
        let (key1, data1) = (&[0x0b; 20][..], &b"Hi There"[..]);
        let (key2, data2) = (&b"Jefe"[..], &b"what do ya want for nothing?"[..]);
        for (algorithm, one, two) in [
            (
                Algorithm::HmacSha1,
                "b617318655057264e28bc0b6fb378c8ef146be00",
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            (
                Algorithm::HmacSha256,
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                Algorithm::HmacSha512,
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
                 daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            assert_eq!(tag(algorithm, key1, data1), one, "{}", algorithm.name());
            assert_eq!(tag(algorithm, key2, data2), two, "{}", algorithm.name());
        }
    }

    /// RFC 2202 and RFC 4231, test case 6: a key longer than a block is hashed first.
    #[test]
    fn hmac_of_a_long_key() {
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            tag(Algorithm::HmacSha256, &[0xaa; 131], message),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        assert_eq!(
            tag(Algorithm::HmacSha512, &[0xaa; 131], message),
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
             6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        );
        assert_eq!(
            tag(Algorithm::HmacSha1, &[0xaa; 80], message),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        );
    }

    /// RFC 1321, A.5, and FIPS 180-2, B.1; the key is what the message ends with.
    #[test]
    fn digest_vectors() {
        for (message, key) in [("abc", ""), ("ab", "c"), ("", "abc")] {
            let (message, key) = (message.as_bytes(), key.as_bytes());
            assert_eq!(tag(Algorithm::Md5, key, message), "900150983cd24fb0d6963f7d28e17f72");
            assert_eq!(
                tag(Algorithm::Sha256, key, message),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            );
        }
    }

    #[test]
    fn parts_make_one_message() {
        for algorithm in Algorithm::ALL {
            let mac = Mac::new(algorithm, b"key").unwrap();
            assert_eq!(mac.tag(&[b"one", b"", b"two"])[..], mac.tag(&[b"onetwo"])[..]);
            assert_ne!(mac.tag(&[b"onetwo"])[..], mac.tag(&[b"onetw"])[..]);
        }
    }

    #[test]
    fn truncated_tags() {
        let tag = Mac::new(Algorithm::HmacSha256, b"key").unwrap().tag(&[b"message"]);
        assert!(tag.matches(&tag, None));
        assert!(!tag.matches(&tag[..31], None));
        assert!(tag.matches(&tag[..16], Some(16)));
        assert!(!tag.matches(&tag[..15], Some(16)));
        assert!(!tag.matches(&tag[1..], Some(16)));
        assert!(!tag.matches(&[&tag[..], &[0]].concat(), Some(16)));
        assert!(!tag.matches(&[], None));
    }

    #[test]
    fn names_lead_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name().as_bytes()), Some(algorithm));
        }
        assert_eq!(Algorithm::from_name(b"sha1"), None);
    }
}
