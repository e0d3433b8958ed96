//! Entity tags of transformed images (RFC 9110, sections 8.8.3 and 13.1.2).

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

use super::Plan;

/// Goes up whenever equal plans may come to make other bytes, so that caches
/// filled by an older version are asked again.
const OUTPUT_VERSION: u32 = 1;

/// Bytes of a digest that go into a tag.
const TAG_BYTES: usize = 16;

/// How many plans are remembered with their digests: those of the sizes and formats that the
/// pages of a site ask for most.
const REMEMBERED: usize = 32;

/// The longest tag of a source that goes into that of its variants as it is.
const LONGEST: usize = 64;

/// Whatever changes when a source does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validator<'a> {
    /// Its own entity tag, as the header has it.
    Tag(&'a [u8]),
    /// When it was modified, in seconds since 1970.
    Modified(i64),
}

/// Makes the entity tags of variants, and remembers what it has digested.
#[derive(Debug, Default)]
pub struct Tagger {
    recent: Vec<(Plan, String)>,
    oldest: usize,
}

impl Tagger {
    /// The weak entity tag, complete as in `W/"5fbe4b21-1c3d-5d41..."`, of what `plan` makes of
    /// the source that `validator` stands for. What else of the output the plan does not know
    /// yet can stand beside it.
    ///
    /// It is the source's tag and a digest of the plan, and between them what says whether the
    /// source's was strong, weak, a time or too long or odd to be there itself.
    pub fn tag(&mut self, validator: Validator<'_>, plan: &Plan, beside: &[impl Hash]) -> String {
        let mut tag = String::with_capacity(LONGEST + 2 * TAG_BYTES + 8);
        tag.push_str("W/\"");
        match validator {
            Validator::Modified(time) => {
                let _ = write!(tag, "{time:x}@");
            }
            Validator::Tag(text) => match plain(text) {
                Some(plain) => {
                    tag.push_str(plain);
                    tag.push(if text.starts_with(b"W/") { '~' } else { '-' });
                }
                None => {
                    tag.push_str(&digest(text));
                    tag.push('+');
                }
            },
        }
        if beside.is_empty() {
            tag.push_str(self.digest(plan));
        } else {
            tag.push_str(&digest(&(OUTPUT_VERSION, plan, beside)));
        }
        tag.push('"');
        tag
    }

    fn digest(&mut self, plan: &Plan) -> &str {
        let known = self.recent.iter().position(|(recent, _)| recent == plan);
        let place = known.unwrap_or_else(|| self.remember(plan));
        self.recent.get(place).map_or("", |(_, digest)| digest)
    }

    /// Answers where it is.
    fn remember(&mut self, plan: &Plan) -> usize {
        let fresh = (plan.clone(), digest(&(OUTPUT_VERSION, plan)));
        let place = self.oldest;
        match self.recent.get_mut(place) {
            Some(old) => *old = fresh,
            None => self.recent.push(fresh),
        }
        self.oldest = (place + 1) % REMEMBERED;
        place
    }
}

/// What is in the quotes of a tag, where it can stand in those of another (RFC 9110, section
/// 8.8.3) and is ASCII.
fn plain(tag: &[u8]) -> Option<&str> {
    let inside = opaque(tag).strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let fits = inside.len() <= LONGEST
        && inside.iter().all(|&byte| byte.is_ascii_graphic() && byte != b'"');
    str::from_utf8(inside).ok().filter(|_| fits)
}

/// A digest in hexadecimal digits.
fn digest(value: &(impl Hash + ?Sized)) -> String {
    let mut hasher = StableHasher { digest: Sha256::new(), held: [0; HELD], len: 0 };
    value.hash(&mut hasher);
    hasher.flush();
    let digest = hasher.digest.finalize();
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    digest.iter().take(TAG_BYTES).flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
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
    // As clients send what they were given, most often.
    if if_none_match == tag.as_bytes() {
        return true;
    }
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
    use super::*;
    use crate::image::{Fit, Format};

    fn tag(validator: &[u8], plan: &Plan) -> String {
        Tagger::default().tag(Validator::Tag(validator), plan, NOTHING)
    }

    const NOTHING: &[()] = &[];

    #[test]
    fn the_tag_is_weak_and_stable() {
        let made = tag(b"\"abc\"", &Plan::default());
        assert!(made.starts_with("W/\"abc-") && made.ends_with('"'), "{made}");
        assert_eq!(made.len(), "W/\"abc-".len() + 32 + 1);
        assert_eq!(made, tag(b"\"abc\"", &Plan::default()));
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
            Plan { fit: Fit::Crop { width: None, height: None }, ..base.clone() },
        ];
        let mut tagger = Tagger::default();
        let mut tags = Vec::new();
        // Remembered plans make the tags that new ones make.
        for plan in plans.iter().chain(&plans) {
            let made = tagger.tag(Validator::Tag(b"\"v\""), plan, NOTHING);
            assert_eq!(made, tag(b"\"v\"", plan));
            tags.push(made);
        }
        tags.truncate(plans.len());
        let sources: [&[u8]; 7] =
            [b"\"w\"", b"W/\"v\"", b"\"W/v\"", b"\"\"", b"", b"v", b"\"v\"v\""];
        tags.extend(sources.iter().map(|source| tag(source, &base)));
        for time in [0, 1, -1] {
            tags.push(tagger.tag(Validator::Modified(time), &base, NOTHING));
        }
        for beside in [&["a"][..], &["b"], &["a", "b"]] {
            tags.push(tagger.tag(Validator::Tag(b"\"v\""), &base, beside));
        }
        let count = tags.len();
        assert!(tags.iter().all(|tag| tag_listed(tag.as_bytes(), tag)), "{tags:?}");
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count, "{tags:?}");
    }

    #[test]
    fn more_plans_than_are_remembered() {
        let mut tagger = Tagger::default();
        let plans: Vec<Plan> = (0..=2 * REMEMBERED as u16)
            .map(|sharpen| Plan { sharpen, ..Plan::default() })
            .collect();
        for _ in 0..2 {
            for plan in &plans {
                let made = tagger.tag(Validator::Tag(b"\"v\""), plan, NOTHING);
                assert_eq!(made, tag(b"\"v\"", plan));
            }
        }
        assert_eq!(tagger.recent.len(), REMEMBERED);
    }

    /// Where a piece ends is all that the pieces of these have in common.
    #[test]
    fn long_validators_count_to_their_end() {
        for len in [LONGEST, LONGEST + 1, HELD - 20, HELD - 1, HELD, HELD + 1, 3 * HELD] {
            let mut validator = vec![b'v'; len + 2];
            (validator[0], validator[len + 1]) = (b'"', b'"');
            let made = tag(&validator, &Plan::default());
            assert!(made.len() <= LONGEST + 2 * TAG_BYTES + 5, "{made}");
            for at in [1, len / 2, len] {
                validator[at] = b'w';
                assert_ne!(made, tag(&validator, &Plan::default()), "{at} of {len}");
                validator[at] = b'v';
            }
            assert_eq!(made, tag(&validator, &Plan::default()));
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
