//! Entity tags of transformed images (RFC 9110, sections 8.8.3 and 13.1.2).

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{Canonical, Plan};
use crate::escapes::write_hex;

/// Goes up whenever equal plans may come to make other bytes, so that caches
/// filled by an older version are asked again.
const OUTPUT_VERSION: u32 = 1;

/// Goes up whenever other things come to be left of an SVG that is sanitized, so that none is used that was made
/// when less was known of what does harm.
const SANITIZER_VERSION: u32 = 3;

/// No layer.
const NOTHING: &[Plan] = &[];

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
pub struct EtagGenerator {
    recent: Vec<(Plan, String)>,
    oldest: usize,
}

impl EtagGenerator {
    /// The weak entity tag, complete as in `W/"5fbe4b21-1c3d-5d41..."`, of what `plan` makes of
    /// the source that `validator` stands for. What else of the output the plan does not know
    /// yet can stand beside it.
    ///
    /// It is the source's tag and a digest of the plan, and between them what says whether the
    /// source's was strong, weak, a time or too long or odd to be there itself.
    pub fn tag(
        &mut self,
        validator: Validator<'_>,
        plan: &Plan,
        beside: &[impl Canonical],
    ) -> String {
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
        tag.push_str(&self.digest(plan, beside));
        tag.push('"');
        tag
    }

    /// A text that is the same for two plans, with what stands beside them, only where they make the
    /// same of the same source.
    pub fn digest(&mut self, plan: &Plan, beside: &[impl Canonical]) -> Cow<'_, str> {
        if beside.is_empty() {
            self.remembered(plan).into()
        } else {
            digest_of(plan, beside).into()
        }
    }

    fn remembered(&mut self, plan: &Plan) -> &str {
        let known = self.recent.iter().position(|(recent, _)| recent == plan);
        let place = known.unwrap_or_else(|| self.remember(plan));
        self.recent.get(place).map_or("", |(_, digest)| digest)
    }

    /// Returns where it is.
    fn remember(&mut self, plan: &Plan) -> usize {
        let fresh = (plan.clone(), digest_of(plan, NOTHING));
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
fn digest(text: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * TAG_BYTES);
    write_hex(Sha256::digest(text).get(..TAG_BYTES).unwrap_or_default(), &mut hex);
    hex
}

/// The digest of what stays the same for a plan, and of what else decides on its outputs.
fn digest_of(plan: &Plan, beside: &[impl Canonical]) -> String {
    let mut text = format!("{OUTPUT_VERSION};");
    plan.write(&mut text);
    if plan.svg_sanitized {
        let _ = write!(text, ";{SANITIZER_VERSION}");
    }
    beside.write(&mut text);
    digest(text.as_bytes())
}

/// Whether an `If-None-Match` value names `tag` by weak comparison, or is `*`.
///
/// What follows the first malformed member is ignored.
#[must_use]
pub fn lists_etag(if_none_match: &[u8], tag: &str) -> bool {
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
        EtagGenerator::default().tag(Validator::Tag(validator), plan, NOTHING)
    }

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
        let mut generator = EtagGenerator::default();
        let mut tags = Vec::new();
        // Remembered plans make the tags that new ones make.
        for plan in plans.iter().chain(&plans) {
            let made = generator.tag(Validator::Tag(b"\"v\""), plan, NOTHING);
            assert_eq!(made, tag(b"\"v\"", plan));
            tags.push(made);
        }
        tags.truncate(plans.len());
        let sources: [&[u8]; 7] =
            [b"\"w\"", b"W/\"v\"", b"\"W/v\"", b"\"\"", b"", b"v", b"\"v\"v\""];
        tags.extend(sources.iter().map(|source| tag(source, &base)));
        for time in [0, 1, -1] {
            tags.push(generator.tag(Validator::Modified(time), &base, NOTHING));
        }
        let (a, b) = (Plan::default(), Plan { dpr: 200, ..Plan::default() });
        for beside in [vec![a.clone()], vec![b.clone()], vec![a, b]] {
            tags.push(generator.tag(Validator::Tag(b"\"v\""), &base, &beside));
        }
        let count = tags.len();
        assert!(tags.iter().all(|tag| lists_etag(tag.as_bytes(), tag)), "{tags:?}");
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count, "{tags:?}");
    }

    #[test]
    #[cfg(feature = "svg")]
    fn what_is_left_of_an_svg_has_a_version() {
        use crate::image::{Control, Limits, Output, prepare};

        let sanitized = Plan { svg_sanitized: true, ..Plan::default() };
        assert_ne!(tag(b"\"v\"", &sanitized), tag(b"\"v\"", &Plan::default()));
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../t/data/hostile-svgs");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let mut left = Vec::new();
        for file in files {
            let source = std::fs::read(&file).unwrap();
            let made = prepare(&source, &sanitized, &Limits::default())
                .and_then(|prepared| prepared.run(&Control::default()));
            if let Ok(Output::Stripped(bytes)) = made.map(|made| made.output) {
                left.extend(bytes);
            }
            left.push(0);
        }
        // What was made when less was known is served from caches until the version goes up: whoever
        // changes the digest raises it, unless there are only more files.
        let known = (3, "350a490c19a42ce0ffb262033a07266f");
        assert_eq!((SANITIZER_VERSION, digest(&left).as_str()), known);
    }

    #[test]
    fn more_plans_than_are_remembered() {
        let mut generator = EtagGenerator::default();
        let plans: Vec<Plan> = (0..=2 * REMEMBERED as u16)
            .map(|sharpen| Plan { sharpen, ..Plan::default() })
            .collect();
        for _ in 0..2 {
            for plan in &plans {
                let made = generator.tag(Validator::Tag(b"\"v\""), plan, NOTHING);
                assert_eq!(made, tag(b"\"v\"", plan));
            }
        }
        assert_eq!(generator.recent.len(), REMEMBERED);
    }

    #[test]
    fn long_validators_count_to_their_end() {
        for len in [LONGEST, LONGEST + 1, 4 * LONGEST] {
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
            assert!(lists_etag(list.as_bytes(), tag), "{list}");
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
            assert!(!lists_etag(list.as_bytes(), tag), "{list}");
        }
    }
}
