//! What is kept beside the bytes of a result: what it is, and the headers that its source came with.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::str::{self, FromStr};

use memchr::memchr;

use crate::image::{Format, Varies};

/// Bytes that it may take. An answer with more headers is not kept.
pub const MOST: usize = 8192;

/// What begins each, with the version of the notation.
const MAGIC: &str = "image_resize 3";

/// What the bytes of a head are a multiple of: nginx reads as many as the entry before had, and complains
/// where another process has just put one with more in its place.
const STEP: usize = 512;

/// Bytes that the first line takes at most, whatever numbers stand in it.
const LINE: usize = 192;

/// What a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Made {
    /// Its bytes.
    pub len: u64,
    /// The format of the image; `None` is a description in JSON.
    pub format: Option<Format>,
    /// Width and height.
    pub size: Option<(u32, u32)>,
    /// The format of the source.
    pub source_format: Option<Format>,
    /// Width and height of the source, as stored.
    pub source_size: Option<(u32, u32)>,
    /// Whether the bytes are the source's own.
    pub is_original: bool,
    /// Whether they are, and it came in no coding: then its headers are right as they are.
    pub is_as_it_came: bool,
    /// Whether the source is damaged, and was shown all the same.
    pub is_damaged: bool,
}

/// Of a header, read from a file or kept for one.
type Text<'a> = Cow<'a, [u8]>;

/// All that is kept of a source that is known before it is made into something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head<'a> {
    /// When the source was modified, in seconds since 1970.
    pub modified: Option<i64>,
    /// By which headers of the client what is sent depends on it.
    pub varies: Varies,
    /// The entity tag of the variant.
    pub tag: Option<Cow<'a, str>>,
    /// Names and values of the headers of the source.
    pub headers: Vec<(Text<'a>, Text<'a>)>,
}

impl<'a> Head<'a> {
    /// How many bytes [`encode`](Head::encode) needs, whatever is made; `None` is more than are kept.
    #[must_use]
    pub fn room(&self) -> Option<usize> {
        let tag = self.tag.as_ref().map_or(0, |tag| tag.len());
        let lines = self.headers.iter().map(|(name, value)| name.len() + value.len() + 3);
        let needed = LINE + tag + 2 + lines.sum::<usize>();
        Some(needed.next_multiple_of(STEP)).filter(|&room| room <= MOST)
    }

    /// Writes it down in just as many bytes as [`room`](Head::room) says. `None` is what has no place
    /// in it: a line break, a name with a colon.
    #[must_use]
    pub fn encode(&self, made: &Made) -> Option<Vec<u8>> {
        let room = self.room()?;
        let mut first = String::with_capacity(LINE);
        let Varies { accept, width, connection } = self.varies;
        let Made { is_original, is_as_it_came, is_damaged, .. } = *made;
        let flags = [accept, width, connection, is_original, is_as_it_came, is_damaged];
        let _ = write!(
            first,
            "{MAGIC} {} {} {} {} {} {} {}",
            made.len,
            name(made.format),
            sides(made.size),
            name(made.source_format),
            sides(made.source_size),
            self.modified.map_or_else(|| "-".to_owned(), |time| time.to_string()),
            flags.map(|flag| if flag { '1' } else { '0' }).iter().collect::<String>(),
        );
        let tag = self.tag.as_deref().unwrap_or_default();
        let is_bad = |text: &[u8]| text.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0));
        if first.len() >= LINE || is_bad(tag.as_bytes()) {
            return None;
        }
        let mut text = first.into_bytes();
        text.push(b'\n');
        text.extend_from_slice(tag.as_bytes());
        text.push(b'\n');
        for (name, value) in &self.headers {
            if name.is_empty() || name.contains(&b':') || is_bad(name) || is_bad(value) {
                return None;
            }
            for part in [name, &b": "[..], value, b"\n"] {
                text.extend_from_slice(part);
            }
        }
        if text.len() >= room {
            return None;
        }
        text.resize(room, b'\n');
        Some(text)
    }

    /// Reads what was written down; `None` is what was not written by this version, or not to its end.
    #[must_use]
    pub fn decode(text: &'a [u8]) -> Option<(Head<'a>, Made)> {
        let mut rest = text;
        let mut line = || {
            let at = memchr(b'\n', rest)?;
            let line = rest.get(..at)?;
            rest = rest.get(at + 1..)?;
            Some(line)
        };
        let first = line()?.strip_prefix(MAGIC.as_bytes())?;
        let mut words = first.strip_prefix(b" ")?.split(|&byte| byte == b' ');
        let mut word = || words.next();
        let made = Made {
            len: number(word()?)?,
            format: named(word()?)?,
            size: sized(word()?)?,
            source_format: named(word()?)?,
            source_size: sized(word()?)?,
            ..Made::default()
        };
        let modified = match word()? {
            b"-" => None,
            time => Some(number(time)?),
        };
        let flags: [u8; 6] = word()?.try_into().ok()?;
        if !flags.iter().all(|flag| matches!(flag, b'0' | b'1')) {
            return None;
        }
        let [accept, width, connection, is_original, is_as_it_came, is_damaged] =
            flags.map(|flag| flag == b'1');
        let varies = Varies { accept, width, connection };
        let made = Made { is_original, is_as_it_came, is_damaged, ..made };
        if word().is_some() {
            return None;
        }
        let tag = str::from_utf8(line()?).ok()?;
        let tag = Some(tag.into()).filter(|_| !tag.is_empty());
        let mut headers = Vec::new();
        loop {
            // What is not ended by a line without anything was cut.
            let header = line()?;
            if header.is_empty() {
                return Some((Head { modified, varies, tag, headers }, made));
            }
            let (name, value) = header.split_at_checked(memchr(b':', header)?)?;
            headers.push((name.into(), value.strip_prefix(b": ")?.into()));
        }
    }

    /// The same, whatever becomes of what it was read from.
    #[must_use]
    pub fn into_owned(self) -> Head<'static> {
        let Head { modified, varies, tag, headers } = self;
        let headers = headers
            .into_iter()
            .map(|(name, value)| (Cow::Owned(name.into_owned()), Cow::Owned(value.into_owned())));
        let tag = tag.map(|tag| Cow::Owned(tag.into_owned()));
        Head { modified, varies, tag, headers: headers.collect() }
    }
}

fn name(format: Option<Format>) -> &'static str {
    format.map_or("-", Format::name)
}

fn number<T: FromStr>(word: &[u8]) -> Option<T> {
    str::from_utf8(word).ok()?.parse().ok()
}

fn named(word: &[u8]) -> Option<Option<Format>> {
    match word {
        b"-" => Some(None),
        name => Format::from_name(name).map(Some),
    }
}

fn sides(size: Option<(u32, u32)>) -> String {
    size.map_or_else(|| "-".to_owned(), |(width, height)| format!("{width}x{height}"))
}

fn sized(word: &[u8]) -> Option<Option<(u32, u32)>> {
    if word == b"-" {
        return Some(None);
    }
    let (width, height) = word.split_at_checked(word.iter().position(|&byte| byte == b'x')?)?;
    Some(Some((number(width)?, number(height.strip_prefix(b"x")?)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head<'static> {
        Head {
            modified: Some(1_700_000_000),
            varies: Varies { accept: true, width: false, connection: true },
            tag: Some("W/\"5fbe-1c3d\"".into()),
            headers: vec![
                (b"ETag".into(), b"\"5fbe\"".into()),
                (b"Cache-Control".into(), b"max-age=5, public".into()),
                (b"X-Empty".into(), Cow::default()),
            ],
        }
    }

    fn made() -> Made {
        Made {
            len: 12345,
            format: Some(Format::Webp),
            size: Some((100, 66)),
            source_format: Some(Format::Jpeg),
            source_size: Some((300, 200)),
            is_original: false,
            is_as_it_came: false,
            is_damaged: true,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let plain =
            Head { modified: None, varies: Varies::default(), tag: None, headers: Vec::new() };
        let largest = Made {
            len: u64::MAX,
            size: Some((u32::MAX, u32::MAX)),
            source_size: Some((u32::MAX, u32::MAX)),
            ..made()
        };
        let old = Head { modified: Some(i64::MIN), ..head() };
        for head in [head(), plain, old] {
            for made in [made(), Made::default(), largest] {
                let text = head.encode(&made).unwrap();
                assert_eq!(text.len(), head.room().unwrap());
                assert_eq!(Head::decode(&text), Some((head.clone(), made)));
                assert_eq!(head.clone().into_owned(), head);
            }
        }
    }

    #[test]
    fn what_has_no_place_is_not_written() {
        let with = |name: &[u8], value: &[u8]| {
            let headers = vec![(name.into(), value.into())];
            Head { headers, ..head() }.encode(&made())
        };
        assert!(with(b"A", b"b").is_some());
        for (name, value) in [
            (&b"A"[..], &b"b\nSet-Cookie: c"[..]),
            (b"A", b"b\rc"),
            (b"A", b"b\0"),
            (b"A\n", b"b"),
            (b"A:", b"b"),
            (b"", b"b"),
        ] {
            assert_eq!(with(name, value), None);
        }
        assert_eq!(with(b"A", &vec![b'x'; MOST]), None);
        assert_eq!(Head { tag: Some("a\nb".into()), ..head() }.encode(&made()), None);
    }

    #[test]
    fn what_is_cut_or_changed_is_not_read() {
        let text = head().encode(&made()).unwrap();
        let start = text.iter().rposition(|&byte| byte != b'\n').unwrap();
        for len in 0..=start {
            assert_eq!(Head::decode(text.get(..len).unwrap()), None, "{len}");
        }
        for (from, to) in [
            ("image_resize 3", "image_resize 2"),
            ("webp", "xbm"),
            ("100x66", "100"),
            (" 101001\n", " 101002\n"),
            (" 101001\n", " 10100\n"),
            (" 101001\n", " 101001 1\n"),
            ("12345", "-1"),
        ] {
            let text = String::from_utf8(text.clone()).unwrap();
            assert!(text.contains(from), "{from}");
            assert_eq!(Head::decode(text.replace(from, to).as_bytes()), None, "{from}");
        }
    }
}
