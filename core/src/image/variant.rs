//! Entity tags of transformed images (RFC 9110, sections 8.8.3 and 13.1.2).

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

use super::Plan;

/// Goes up whenever equal plans may come to make other bytes, so that caches
/// filled by an older version are asked again.
const OUTPUT_VERSION: u32 = 1;

/// Bytes of the digest that go into the tag.
const TAG_BYTES: usize = 16;

/// The weak entity tag, complete as in `W/"5d41..."`, of what `plan` makes of
/// the source that `validator` stands for.
///
/// The validator is whatever changes when the source does: its own entity tag,
/// or its modification time and length. What else of the output the plan does
/// not know yet can stand beside it.
#[must_use]
pub fn variant_tag(validator: &(impl Hash + ?Sized), plan: &Plan) -> String {
    let mut hasher = StableHasher { digest: Sha256::new(), held: [0; HELD], len: 0 };
    OUTPUT_VERSION.hash(&mut hasher);
    validator.hash(&mut hasher);
    plan.hash(&mut hasher);

    hasher.flush();
    let digest = hasher.digest.finalize();
    let mut tag = String::with_capacity(4 + 2 * TAG_BYTES);
    tag.push_str("W/\"");
    for byte in digest.iter().take(TAG_BYTES) {
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
        tag.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    tag.push('"');
    tag
}

/// How much of what is hashed is held back, as it comes in small pieces.
const HELD: usize = 256;

/// Feeds what `#[derive(Hash)]` walks over into SHA-256: unlike the standard
/// hasher it gives the same digest in every process.
struct StableHasher {
    digest: Sha256,
    held: [u8; HELD],
    len: usize,
}

impl StableHasher {
    fn flush(&mut self) {
        self.digest.update(self.held.get(..self.len).unwrap_or_default());
        self.len = 0;
    }
}

impl Hasher for StableHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        if bytes.len() > HELD - self.len {
            self.flush();
        }
        match self.held.get_mut(self.len..self.len + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.digest.update(bytes),
        }
    }

    /// Which variant of an enum it is, most often, in one byte where that is enough.
    #[inline]
    fn write_isize(&mut self, value: isize) {
        match u8::try_from(value) {
            Ok(value) if value < u8::MAX => self.write_u8(value),
            _ => {
                self.write_u8(u8::MAX);
                self.write(&value.to_ne_bytes());
            }
        }
    }

    /// Never asked for: the digest is taken from the inside.
    fn finish(&self) -> u64 {
        0
    }
}

/// Whether an `If-None-Match` value names `tag` by weak comparison, or is `*`.
///
/// What follows the first malformed member is ignored.
#[must_use]
pub fn tag_listed(if_none_match: &[u8], tag: &str) -> bool {
    let wanted = opaque(tag.as_bytes());
    let mut rest = if_none_match;
    loop {
        rest = rest.trim_ascii_start();
        match rest {
            [] => return false,
            [b',', after @ ..] => rest = after,
            [b'*', after @ ..] => return after.trim_ascii_start().is_empty(),
            _ => {
                let Some((listed, after)) = split_tag(rest) else { return false };
                if listed == wanted {
                    return true;
                }
                rest = after;
            }
        }
    }
}

/// The tag without the mark of weakness that weak comparison overlooks.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Splits a list at the end of its first entity tag; the tag keeps its quotes.
fn split_tag(list: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = opaque(list);
    let inside = quoted.strip_prefix(b"\"")?;
    let len = inside.iter().position(|&byte| byte == b'"')? + 2;
    Some((quoted.get(..len)?, quoted.get(len..)?))
}

#[cfg(test)]
mod tests {
    use super::super::{Fit, Format};
    use super::*;

    #[test]
    fn the_tag_is_weak_and_stable() {
        let tag = variant_tag(b"\"abc\"", &Plan::default());
        assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
        assert_eq!(tag.len(), 3 + 32 + 1);
        assert_eq!(tag, variant_tag(b"\"abc\"", &Plan::default()));
    }

    #[test]
    fn the_tag_depends_on_everything() {
        let base = Plan::default();
        let plans = [
            base.clone(),
            Plan { jpeg_quality: 76, ..base.clone() },
            Plan { webp_quality: 76, ..base.clone() },
            Plan { format: Some(Format::Webp), ..base.clone() },
            Plan { format: Some(Format::Jpeg), ..base.clone() },
            Plan { interlace: true, ..base.clone() },
            Plan { sharpen: 1, ..base.clone() },
            Plan { fit: Fit::Resize { width: None, height: None }, ..base.clone() },
            Plan { fit: Fit::Crop { width: None, height: None }, ..base },
        ];
        let mut tags: Vec<String> = plans.iter().map(|plan| variant_tag(b"v", plan)).collect();
        tags.push(variant_tag(b"w", &plans[0]));
        tags.push(variant_tag(b"", &plans[0]));
        let count = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count);
    }

    /// Where a piece ends is all that the pieces of these have in common.
    #[test]
    fn long_validators_count_to_their_end() {
        for len in [HELD - 20, HELD - 1, HELD, HELD + 1, 3 * HELD] {
            let mut validator = vec![b'v'; len];
            let tag = variant_tag(validator.as_slice(), &Plan::default());
            for at in [0, len / 2, len - 1] {
                validator[at] = b'w';
                assert_ne!(
                    tag,
                    variant_tag(validator.as_slice(), &Plan::default()),
                    "{at} of {len}"
                );
                validator[at] = b'v';
            }
            assert_eq!(tag, variant_tag(validator.as_slice(), &Plan::default()));
        }
    }

    #[test]
    fn lists() {
        let tag = "W/\"a1\"";
        for list in [
            "W/\"a1\"",
            "\"a1\"",
            "*",
            " * ",
            "\"x\", W/\"a1\"",
            ",, \"a1\"",
            "\"x,y\",\"a1\"",
            "\"x\" \"a1\"",
        ] {
            assert!(tag_listed(list.as_bytes(), tag), "{list}");
        }
        for list in [
            "",
            " ",
            ",",
            "\"",
            "W/",
            "W",
            "w/\"a1\"",
            "a1",
            "\"a1",
            "\"A1\"",
            "\"b\"",
            "\"x,\"a1",
            "*x",
            "W/\"W/\"a1\"\"",
        ] {
            assert!(!tag_listed(list.as_bytes(), tag), "{list}");
        }
    }
}
