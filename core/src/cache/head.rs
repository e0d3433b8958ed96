//! What is kept beside the bytes of a result: what it is, and the headers that its source came with.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::image::{Format, Varies, is_digest};

/// Bytes that it may take. An answer with more headers is not kept.
pub const MOST: usize = 8192;

/// What begins each, with the version of the notation.
const MAGIC: [u8; 16] = *b"image_resize 5\n\0";

/// What the bytes of a head are a multiple of: nginx reads as many as the entry before had, and complains
/// where another process has just put one with more in its place.
const STEP: usize = 512;

/// Bytes of all that has a length of its own.
const FIXED: usize = MAGIC.len() + 3 * 8 + 4 * 4 + 2 * NAME + 2 + 2 + 2 * 2;

/// Bytes of the name of a format; those that it has not are 0.
const NAME: usize = 4;

/// What ends each.
const END: &[u8] = b"\n";

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

/// Names and values of headers: those of most sources take no memory of their own.
pub type Headers<'a> = SmallVec<[(Text<'a>, Text<'a>); 2]>;

/// Writes headers down that are not sent: a line each, without what has no place in one.
#[must_use]
pub fn hide<'a>(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let lines = headers.filter(|(name, value)| !is_bad_header(name, value));
    lines.flat_map(|(name, value)| [name, b":", value, b"\n"]).flatten().copied().collect()
}

/// Names and values of headers that were [hidden](hide).
pub fn hidden(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&byte| byte == b'\n').filter_map(|line| {
        let at = line.iter().position(|&byte| byte == b':')?;
        let (name, value) = line.split_at(at);
        Some((name, value.get(1..)?))
    })
}

/// All that is kept of a source that is known before it is made into something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head<'a> {
    /// When the source was modified, in seconds since 1970.
    pub modified: Option<i64>,
    /// By which headers of the client what is sent depends on it.
    pub varies: Varies,
    /// The entity tag of the variant.
    pub tag: Option<Text<'a>>,
    /// Names and values of the headers of the source.
    pub headers: Headers<'a>,
    /// Those that go out to nobody, as [`hide`] has them: they are read where a source is asked anew.
    pub hidden: Text<'a>,
    /// What tells the fonts from others that a drawing's texts are drawn with.
    pub fonts: u64,
}

impl<'a> Head<'a> {
    /// How many bytes [`encode`](Head::encode) needs, whatever is made; `None` is more than are kept.
    #[must_use]
    pub fn room(&self) -> Option<usize> {
        let tag = self.tag.as_ref().map_or(0, |tag| tag.len());
        let headers = self.headers.iter().map(|(name, value)| 2 * 2 + name.len() + value.len());
        let needed = FIXED + tag + headers.sum::<usize>() + self.hidden.len() + END.len();
        Some(needed.next_multiple_of(STEP)).filter(|&room| room <= MOST)
    }

    /// Writes it down in just as many bytes as [`room`](Head::room) says, without the headers that are about
    /// other bytes than what was made. `None` is what has no place in it: a line break, a name with a colon.
    #[must_use]
    pub fn encode(&self, made: &Made) -> Option<Vec<u8>> {
        let room = self.room()?;
        let Made { size, source_size, .. } = *made;
        let Varies { accept, width, connection } = self.varies;
        let flags = [
            accept,
            width,
            connection,
            made.is_original,
            made.is_as_it_came,
            made.is_damaged,
            self.modified.is_some(),
            size.is_some(),
            source_size.is_some(),
        ];
        let bits = flags.iter().rev().fold(0_u16, |bits, &flag| bits << 1 | u16::from(flag));
        let tag = self.tag.as_deref().unwrap_or_default();
        let headers: SmallVec<[&(Text<'_>, Text<'_>); 8]> = self
            .headers
            .iter()
            .filter(|(name, _)| made.is_as_it_came || !is_of_other_bytes(name))
            .collect();

        let mut text = Vec::with_capacity(room);
        text.extend_from_slice(&MAGIC);
        text.extend_from_slice(&made.len.to_le_bytes());
        text.extend_from_slice(&self.modified.unwrap_or_default().to_le_bytes());
        text.extend_from_slice(&self.fonts.to_le_bytes());
        for (width, height) in [size, source_size].map(Option::unwrap_or_default) {
            text.extend_from_slice(&width.to_le_bytes());
            text.extend_from_slice(&height.to_le_bytes());
        }
        for format in [made.format, made.source_format] {
            let mut name = [0; NAME];
            let known = format.map_or("", Format::name).as_bytes();
            name.get_mut(..known.len())?.copy_from_slice(known);
            text.extend_from_slice(&name);
        }
        text.extend_from_slice(&bits.to_le_bytes());
        text.extend_from_slice(&len(tag)?);
        text.extend_from_slice(&u16::try_from(headers.len()).ok()?.to_le_bytes());
        text.extend_from_slice(&len(&self.hidden)?);
        if is_bad(tag) {
            return None;
        }
        text.extend_from_slice(tag);
        for (name, value) in headers {
            if is_bad_header(name, value) {
                return None;
            }
            text.extend_from_slice(&len(name)?);
            text.extend_from_slice(&len(value)?);
            text.extend_from_slice(name);
            text.extend_from_slice(value);
        }
        text.extend_from_slice(&self.hidden);
        text.extend_from_slice(END);
        if text.len() > room {
            return None;
        }
        text.resize(room, b'\n');
        Some(text)
    }

    /// Reads what was written down; `None` is what was not written by this version, or not to its end.
    #[must_use]
    pub fn decode(text: &'a [u8]) -> Option<(Head<'a>, Made)> {
        let mut rest = Rest(text);
        if rest.array()? != MAGIC {
            return None;
        }
        let len = u64::from_le_bytes(rest.array()?);
        let modified = i64::from_le_bytes(rest.array()?);
        let fonts = u64::from_le_bytes(rest.array()?);
        let mut side = || Some(u32::from_le_bytes(rest.array()?));
        let (size, source_size) = ((side()?, side()?), (side()?, side()?));
        let (format, source_format) = (rest.format()?, rest.format()?);
        let bits = rest.number()?;
        if bits >> 9 != 0 {
            return None;
        }
        let has = |at: u16| bits >> at & 1 != 0;
        let (tag, count, hidden) = (rest.number()?, rest.number()?, rest.number()?);
        let tag = rest.text(tag).filter(|tag| !is_bad(tag))?;
        let mut headers = Headers::new();
        for _ in 0..count {
            let (name, value) = (rest.number()?, rest.number()?);
            let (name, value) = (rest.text(name)?, rest.text(value)?);
            if is_bad_header(name, value) {
                return None;
            }
            headers.push((name.into(), value.into()));
        }
        let hidden = rest.text(hidden)?.into();
        // What was cut has no end.
        if !rest.0.starts_with(END) {
            return None;
        }
        let made = Made {
            len,
            format,
            size: has(7).then_some(size),
            source_format,
            source_size: has(8).then_some(source_size),
            is_original: has(3),
            is_as_it_came: has(4),
            is_damaged: has(5),
        };
        let head = Head {
            modified: has(6).then_some(modified),
            varies: Varies { accept: has(0), width: has(1), connection: has(2) },
            tag: (!tag.is_empty()).then(|| tag.into()),
            headers,
            hidden,
            fonts,
        };
        Some((head, made))
    }

    /// The same, whatever becomes of what it was read from.
    #[must_use]
    pub fn into_owned(self) -> Head<'static> {
        let Head { modified, varies, tag, headers, hidden, fonts } = self;
        let owned = |text: Text<'a>| -> Text<'static> { Cow::Owned(text.into_owned()) };
        let headers = headers.into_iter().map(|(name, value)| (owned(name), owned(value)));
        let (tag, headers, hidden) = (tag.map(owned), headers.collect(), owned(hidden));
        Head { modified, varies, tag, headers, hidden, fonts }
    }
}

/// Whether a header of a source tells of its bytes, and so not of those of another.
fn is_of_other_bytes(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"ETag") || is_digest(name)
}

/// Whether a text would end the header that it is sent in.
fn is_bad(text: &[u8]) -> bool {
    // All of it at once: most are short, and none is bad.
    text.iter().fold(false, |is_bad, byte| is_bad | matches!(byte, b'\n' | b'\r' | 0))
}

/// Whether a name and a value are not those of one header.
fn is_bad_header(name: &[u8], value: &[u8]) -> bool {
    name.is_empty() || name.contains(&b':') || is_bad(name) || is_bad(value)
}

/// How long something is, as it is written.
fn len(text: &[u8]) -> Option<[u8; 2]> {
    u16::try_from(text.len()).ok().map(u16::to_le_bytes)
}

/// What is left to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn number(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn text(&mut self, len: u16) -> Option<&'a [u8]> {
        let (text, rest) = self.0.split_at_checked(len.into())?;
        self.0 = rest;
        Some(text)
    }

    fn format(&mut self) -> Option<Option<Format>> {
        let name: [u8; NAME] = self.array()?;
        let len = name.iter().position(|&byte| byte == 0).unwrap_or(NAME);
        match name.get(..len)? {
            [] => Some(None),
            name => Format::from_name(name).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head<'static> {
        Head {
            modified: Some(1_700_000_000),
            varies: Varies { accept: true, width: false, connection: true },
            tag: Some(b"W/\"5fbe-1c3d\"".into()),
            headers: Headers::from_iter([
                (b"X-Name".into(), b"\"5fbe\"".into()),
                (b"Cache-Control".into(), b"max-age=5, public".into()),
                (b"X-Empty".into(), Cow::default()),
            ]),
            hidden: b"X-Accel-Expires:60\n".into(),
            fonts: 0x1234_5678_9abc_def0,
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

    fn decoded(text: &[u8]) -> Option<(Head<'static>, Made)> {
        Head::decode(text).map(|(head, made)| (head.into_owned(), made))
    }

    #[test]
    fn what_is_written_is_read() {
        let plain = Head::default();
        let largest = Made {
            len: u64::MAX,
            size: Some((u32::MAX, u32::MAX)),
            source_size: Some((u32::MAX, u32::MAX)),
            ..made()
        };
        let all = Varies { accept: true, width: true, connection: true };
        let old = Head { modified: Some(i64::MIN), varies: all, ..head() };
        for head in [head(), plain, old] {
            for made in [made(), Made::default(), largest] {
                let text = head.encode(&made).unwrap();
                assert_eq!(text.len(), head.room().unwrap());
                assert_eq!(decoded(&text), Some((head.clone(), made)));
                assert_eq!(head.clone().into_owned(), head);
            }
        }
        for bit in 0..3 {
            let [is_original, is_as_it_came, is_damaged] = [0, 1, 2].map(|at| at == bit);
            let made = Made { is_original, is_as_it_came, is_damaged, ..made() };
            let text = head().encode(&made).unwrap();
            assert_eq!(decoded(&text), Some((head(), made)));
        }
        for format in Format::ALL {
            let made = Made { format: Some(format), source_format: Some(format), ..made() };
            let text = head().encode(&made).unwrap();
            assert_eq!(decoded(&text), Some((head(), made)));
        }
    }

    #[test]
    fn what_is_hidden_is_read() {
        let headers = [(&b"Expires"[..], &b"0"[..]), (b"A", b"b: c"), (b"B", b"")];
        let bad = [(&b"A"[..], &b"b\nC: d"[..]), (b"A:", b"b"), (b"", b"b")];
        let text = hide(headers.into_iter().chain(bad));
        assert!(hidden(&text).eq(headers));
        assert_eq!(hidden(b"").count(), 0);
        let head = Head { hidden: text.into(), ..head() };
        let text = head.encode(&made()).unwrap();
        assert_eq!(decoded(&text), Some((head, made())));
    }

    #[test]
    fn what_is_of_other_bytes_is_not_written() {
        let headers = [
            (b"eTag".into(), b"\"5fbe\"".into()),
            (b"A".into(), b"b".into()),
            (b"Content-MD5".into(), b"c".into()),
        ];
        let head = Head { headers: Headers::from_iter(headers), ..head() };
        let names = |made: &Made| {
            let text = head.encode(made).unwrap();
            let (head, _) = Head::decode(&text).unwrap();
            head.headers.iter().map(|(name, _)| name.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(names(&made()), [b"A"]);
        assert_eq!(names(&Made { is_as_it_came: true, ..made() }).len(), 3);
    }

    #[test]
    fn what_has_no_place_is_not_written() {
        let with = |name: &[u8], value: &[u8]| {
            let headers = Headers::from_iter([(name.into(), value.into())]);
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
        assert_eq!(Head { tag: Some(b"a\nb".into()), ..head() }.encode(&made()), None);
    }

    #[test]
    fn what_is_cut_or_changed_is_not_read() {
        let text = head().encode(&made()).unwrap();
        // The last header ends in one, too.
        let end = text.iter().rposition(|&byte| byte != b'\n').unwrap() + 2;
        for len in 0..=end {
            assert_eq!(decoded(text.get(..len).unwrap()), None, "{len}");
        }
        assert!(Head::decode(text.get(..=end).unwrap()).is_some());
        let flags = FIXED - 8;
        for (at, byte) in [(13, b'4'), (flags - 2 * NAME, b'x'), (flags + 1, 2), (flags + 3, 1)] {
            let mut text = text.clone();
            assert_ne!(std::mem::replace(text.get_mut(at).unwrap(), byte), byte);
            assert_eq!(decoded(&text), None, "{at}");
        }
        // What would end a header, or be another one.
        for (part, byte) in
            [(&b"W/"[..], b'\n'), (b"X-Name", b':'), (b"public", b'\r'), (b"max-age", 0)]
        {
            let mut text = text.clone();
            let at = text.windows(part.len()).position(|at| at == part).unwrap();
            *text.get_mut(at).unwrap() = byte;
            assert_eq!(decoded(&text), None, "{at}");
        }
    }
}
