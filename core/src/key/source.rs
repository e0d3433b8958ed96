//! Where in a request a key may be, and how it is taken out or made unreadable.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use memchr::{memchr, memchr2};

use crate::escapes::{percent_decode_lossy, percent_encode_plain};

/// What stands where a key was.
pub const MASK: &[u8] = b"***";

/// A place in a request that may hold a key. A clone costs no memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeySource {
    /// An argument of the query, by its name.
    Argument(Rc<[u8]>),
    /// A header, by its name in lower case.
    Header(Rc<[u8]>),
    /// A cookie, by its name.
    Cookie(Rc<[u8]>),
    /// A segment of the path, from 1.
    Segment(usize),
}

impl KeySource {
    /// Reads `arg:NAME`, `header:NAME`, `cookie:NAME` or `uri:N`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<KeySource> {
        let colon = text.iter().position(|&byte| byte == b':')?;
        let (kind, name) = (&text[..colon], &text[colon + 1..]);
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if name.is_empty() || !name.iter().all(is_name) {
            return None;
        }
        match kind {
            b"arg" => Some(KeySource::Argument(name.into())),
            b"header" => Some(KeySource::Header(name.to_ascii_lowercase().into())),
            b"cookie" => Some(KeySource::Cookie(name.into())),
            b"uri" => {
                let number: u8 = std::str::from_utf8(name).ok()?.parse().ok()?;
                (number > 0).then_some(KeySource::Segment(number.into()))
            }
            _ => None,
        }
    }
}

impl KeySource {
    /// The number of a segment.
    #[must_use]
    pub fn number(&self) -> Option<usize> {
        match self {
            KeySource::Segment(number) => Some(*number),
            KeySource::Argument(_) | KeySource::Header(_) | KeySource::Cookie(_) => None,
        }
    }
}

/// What is to be done with keys that are found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Take them out.
    Remove,
    /// Put [`MASK`] in their place.
    Mask,
}

/// The values of the arguments of that name, as they are in the query; names are compared as
/// nginx does, regardless of case. None of them is empty.
pub fn arguments<'a>(query: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    NameValuePairs::of(query, b"&").filter_map(move |(_, (key, value))| {
        value.filter(|value| !value.is_empty() && is_called(key, name))
    })
}

/// Whether that is the name of an argument, as it is in a query.
fn is_called(key: &[u8], name: &[u8]) -> bool {
    // An escape has three bytes for one.
    if key.len() <= name.len() {
        key.eq_ignore_ascii_case(name)
    } else {
        memchr(b'%', key).is_some() && percent_decode_lossy(key).eq_ignore_ascii_case(name)
    }
}

/// The query with those arguments edited; `None` where there are none.
#[must_use]
pub fn edit_arguments(query: &[u8], name: &[u8], edit: Edit) -> Option<Vec<u8>> {
    edit_pairs(query, b"&", edit, |key| is_called(key, name))
}

/// The values of the cookies of that name in a `Cookie` header. None of them is empty.
pub fn cookies<'a>(header: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    NameValuePairs::of(header, b";,").filter_map(move |(_, (key, value))| {
        value.filter(|value| !value.is_empty() && key.trim_ascii().eq_ignore_ascii_case(name))
    })
}

/// The header with those cookies edited, and nothing else of it; `None` where there are none.
#[must_use]
pub fn edit_cookies(header: &[u8], name: &[u8], edit: Edit) -> Option<Vec<u8>> {
    edit_pairs(header, b";,", edit, |key| key.trim_ascii().eq_ignore_ascii_case(name))
}

/// The segment of a path at `number`, from 1; `None` where it is missing or empty.
#[must_use]
pub fn segment(path: &[u8], number: usize) -> Option<&[u8]> {
    path.split(|&byte| byte == b'/').nth(number).filter(|segment| !segment.is_empty())
}

/// A segment of a path that came as a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySegment {
    /// Where it is, from 1.
    pub number: usize,
    /// Which key.
    pub key: Rc<[u8]>,
    /// Whether it is a key of somebody's.
    pub is_held: bool,
}

/// Whether the segment of a path at `number`, from 1, begins within its first `len` bytes.
#[must_use]
pub fn is_within(path: &[u8], number: usize, len: usize) -> bool {
    let before = path.split(|&byte| byte == b'/').take(number);
    before.map(|part| part.len() + 1).sum::<usize>() < len
}

/// The path with these segments edited, and where the rest of it is now; `None` where it has none of
/// them. What somebody holds is masked where it stands once more: if it was taken out there, too, the
/// path would be one that nobody looked at.
#[must_use]
pub fn edit_segments(path: &[u8], keys: &[KeySegment], edit: Edit) -> Option<(Vec<u8>, Moves)> {
    // Most keys are in no path.
    if keys.is_empty() { None } else { edit_parts(path, keys, edit, Cow::Borrowed) }
}

/// Where the bytes of a text are once parts of it were edited.
#[derive(Debug, Clone, Default)]
pub struct Moves(Vec<Move>);

/// A part, from the front, and how long it is now.
#[derive(Debug, Clone)]
struct Move {
    part: Range<usize>,
    len: usize,
}

impl Moves {
    /// Where that range of the text is now. Of a part that was edited it has all, or nothing.
    #[must_use]
    pub fn range(&self, old: &Range<usize>) -> Range<usize> {
        let start = self.place(old.start, true);
        start..self.place(old.end, false).max(start)
    }

    fn place(&self, old: usize, is_start: bool) -> usize {
        let mut place = old;
        for Move { part, len } in self.0.iter().filter(|change| change.part.start < old) {
            if old >= part.end {
                place = place - part.len() + len;
            } else {
                place = place - (old - part.start) + if is_start { *len } else { 0 };
            }
        }
        place
    }
}

/// The segments of a path edited, where `meaning` is what they mean, which may be several of them.
fn edit_parts<'p>(
    path: &'p [u8],
    keys: &[KeySegment],
    edit: Edit,
    meaning: impl Fn(&'p [u8]) -> Cow<'p, [u8]>,
) -> Option<(Vec<u8>, Moves)> {
    let (mut edited, mut moves) = (Vec::with_capacity(path.len() + MASK.len()), Moves::default());
    let (mut number, mut start, mut is_cut) = (0, 0, false);
    for part in path.split(|&byte| byte == b'/') {
        if start > 0 && !is_cut {
            edited.push(b'/');
        }
        let meant = meaning(part);
        let is_it = |key: &&KeySegment| *key.key == *meant;
        let is_here = |key: &KeySegment| key.number == number;
        let found = keys.iter().filter(is_it).any(|key| number > 0 && is_here(key));
        let again = keys.iter().filter(is_it).any(|key| number > 0 && key.is_held);
        // The last one leaves its slash: /a/KEY is /a/.
        is_cut = found && edit == Edit::Remove;
        let end = start + part.len();
        let kept = match (is_cut, found || again) {
            (true, _) => b"",
            (false, true) => MASK,
            (false, false) => part,
        };
        edited.extend_from_slice(kept);
        if found || again {
            let slash = usize::from(is_cut && end < path.len());
            moves.0.push(Move { part: start..end + slash, len: kept.len() });
        }
        number += 1 + meant.iter().filter(|&&byte| byte == b'/').count();
        start = end + 1;
    }
    (!moves.0.is_empty()).then_some((edited, moves))
}

/// A URI as the client wrote it without the keys that were taken out of what it means, which left
/// `path`. Where it does not plainly mean that path, by dots, slashes or escapes that went
/// together with a key, it is made of it.
#[must_use]
pub fn edit_request_uri(uri: &[u8], path: &[u8], keys: &[KeySegment], edit: Edit) -> Vec<u8> {
    let uri = uri.split(|&byte| byte == b'#').next().unwrap_or_default();
    let (old, query) = match memchr(b'?', uri) {
        Some(at) => (&uri[..at], &uri[at..]),
        None => (uri, &b""[..]),
    };
    let edited = edit_parts(old, keys, edit, percent_decode_lossy);
    let edited = edited.map(|(edited, _)| edited);
    let edited = edited.filter(|edited| *percent_decode_lossy(edited) == *path);
    let mut edited = edited.unwrap_or_else(|| percent_encode_plain(path).into_bytes());
    edited.extend_from_slice(query);
    edited
}

/// A URI as a client wrote it, alone or in a request line, with all segments masked that are keys
/// or hold one; `None` where there are none.
#[must_use]
pub fn mask_segments(uri: &[u8], keys: &[KeySegment]) -> Option<Vec<u8>> {
    let (path, query) = uri.split_at(memchr(b'?', uri).unwrap_or(uri.len()));
    let is_key = |part: &[u8]| keys.iter().any(|key| *key.key == *part);
    let (mut masked, mut is_masked) = (Vec::with_capacity(uri.len() + MASK.len()), false);
    for (at, part) in path.split(|&byte| byte == b'/').enumerate() {
        let meant = percent_decode_lossy(part);
        let holds_key = is_key(&meant) || meant.split(|&byte| byte == b'/').any(is_key);
        if at > 0 {
            masked.push(b'/');
        }
        masked.extend_from_slice(if holds_key { MASK } else { part });
        is_masked |= holds_key;
    }
    masked.extend_from_slice(query);
    is_masked.then_some(masked)
}

/// A URI as a client wrote it, in a request line or alone, with the arguments of those names
/// edited; `None` where there are none.
#[must_use]
pub fn edit_uri(uri: &[u8], names: &[&[u8]], edit: Edit) -> Option<Vec<u8>> {
    let (path, query) = uri.split_at(memchr(b'?', uri)?);
    let mut rest = Cow::Borrowed(&query[1..]);
    for name in names {
        if let Some(edited) = edit_arguments(&rest, name, edit) {
            rest = Cow::Owned(edited);
        }
    }
    let Cow::Owned(rest) = rest else { return None };
    let mark: &[u8] = if rest.is_empty() { b"" } else { b"?" };
    Some([path, mark, &rest].concat())
}

/// What separators, one or two of them, divide a text into: whole, and as name and value.
struct NameValuePairs<'a> {
    rest: Option<&'a [u8]>,
    separators: &'static [u8],
}

impl<'a> NameValuePairs<'a> {
    fn of(text: &'a [u8], separators: &'static [u8]) -> NameValuePairs<'a> {
        NameValuePairs { rest: Some(text), separators }
    }
}

impl<'a> Iterator for NameValuePairs<'a> {
    type Item = (&'a [u8], (&'a [u8], Option<&'a [u8]>));

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest?;
        let end = match self.separators {
            [one, other] => memchr2(*one, *other, text),
            _ => self.separators.first().and_then(|&one| memchr(one, text)),
        };
        let item = end.map_or(text, |end| &text[..end]);
        self.rest = end.map(|end| &text[end + 1..]);
        let pair = match memchr(b'=', item) {
            Some(at) => (&item[..at], Some(&item[at + 1..])),
            None => (item, None),
        };
        Some((item, pair))
    }
}

fn edit_pairs(
    text: &[u8],
    separators: &'static [u8],
    edit: Edit,
    is_key: impl Fn(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    let is_edited = |(key, value): (&[u8], Option<_>)| value.is_some() && is_key(key);
    // Most texts have no key.
    NameValuePairs::of(text, separators).find(|&(_, pair)| is_edited(pair))?;
    let mut edited = Vec::with_capacity(text.len() + MASK.len());
    let (mut at, mut is_first) = (0_usize, true);
    for (item, pair) in NameValuePairs::of(text, separators) {
        // What parts it from the one before stays as it is: others may hold such a byte themselves.
        let separator = text.get(at.saturating_sub(1)..at).unwrap_or_default();
        let is_cut = is_first && at > 0;
        at += item.len() + 1;
        let is_key = is_edited(pair);
        if is_key && edit == Edit::Remove {
            continue;
        }
        if !is_first {
            edited.extend_from_slice(separator);
        }
        is_first = false;
        match pair {
            (key, _) if is_key => edited.extend_from_slice(&[key, b"=", MASK].concat()),
            _ if is_cut => edited.extend_from_slice(item.trim_ascii_start()),
            _ => edited.extend_from_slice(item),
        }
    }
    Some(edited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: Option<Vec<u8>>) -> Option<String> {
        bytes.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn sources() {
        assert_eq!(KeySource::parse(b"arg:key"), Some(KeySource::Argument(b"key"[..].into())));
        assert_eq!(
            KeySource::parse(b"header:X-Api-Key"),
            Some(KeySource::Header(b"x-api-key"[..].into()))
        );
        assert_eq!(KeySource::parse(b"cookie:k"), Some(KeySource::Cookie(b"k"[..].into())));
        assert_eq!(KeySource::parse(b"uri:2"), Some(KeySource::Segment(2)));
        for bad in
            ["", "arg", "arg:", "uri:0", "uri:x", "uri:300", "body:x", "header:a b", "arg:a=b"]
        {
            assert_eq!(KeySource::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn arguments_by_name() {
        let query = b"a=1&KEY=x&key=&key&k%65y=y&xkey=z&key=a=b";
        let found: Vec<_> = arguments(query, b"key").collect();
        assert_eq!(found, [&b"x"[..], b"y", b"a=b"]);
        assert_eq!(text(edit_arguments(query, b"key", Edit::Remove)).unwrap(), "a=1&key&xkey=z");
        assert_eq!(
            text(edit_arguments(query, b"key", Edit::Mask)).unwrap(),
            "a=1&KEY=***&key=***&key&k%65y=***&xkey=z&key=***"
        );
        assert_eq!(edit_arguments(b"a=1&b", b"key", Edit::Mask), None);
        assert_eq!(text(edit_arguments(b"key=x", b"key", Edit::Remove)).unwrap(), "");
    }

    #[test]
    fn cookies_by_name() {
        let header = b"a=1; k=x;b=2,k=y";
        assert_eq!(cookies(header, b"k").collect::<Vec<_>>(), [b"x", b"y"]);
        assert_eq!(text(edit_cookies(header, b"k", Edit::Mask)).unwrap(), "a=1; k=***;b=2,k=***");
        for (header, expected) in [
            ("a=1; k=x;b=2,k=y", "a=1;b=2"),
            ("k=x", ""),
            ("k=x; ", ""),
            ("k=x;  b=1", "b=1"),
            (" a=1 ;k=x", " a=1 "),
            (
                "p={\"a\":1,\"b\":[2,3]}; k=x; d=Mon, 01 Jan",
                "p={\"a\":1,\"b\":[2,3]}; d=Mon, 01 Jan",
            ),
            ("k=x, p={\"a\":1,\"b\":2}", "p={\"a\":1,\"b\":2}"),
            ("a=1,,;;k=x", "a=1,,;"),
        ] {
            assert_eq!(
                text(edit_cookies(header.as_bytes(), b"k", Edit::Remove)).unwrap(),
                expected
            );
        }
        assert_eq!(edit_cookies(b"a=k", b"k", Edit::Remove), None);
    }

    #[test]
    fn segments_by_number() {
        let path = b"/original_imgs/KEY/a/pic.jpg";
        assert_eq!(segment(path, 2), Some(&b"KEY"[..]));
        assert_eq!(segment(path, 5), None);
        assert_eq!(segment(b"/a//b", 2), None);
        for (path, keys, remove, mask) in [
            (
                "/original_imgs/KEY/a/pic.jpg",
                &[2][..],
                "/original_imgs/a/pic.jpg",
                "/original_imgs/***/a/pic.jpg",
            ),
            ("/a/KEY", &[2], "/a/", "/a/***"),
            ("/KEY", &[1], "/", "/***"),
            ("/a/KEY/KEY/b", &[2], "/a/***/b", "/a/***/***/b"),
            ("/a/KEY/KEY/b/KEY", &[3, 2], "/a/b/***", "/a/***/***/b/***"),
            ("/a/KEY//b", &[2], "/a//b", "/a/***//b"),
        ] {
            let edited = |edit| text(edited_path(path.as_bytes(), &keys_at(keys, true), edit));
            assert_eq!(edited(Edit::Remove).as_deref(), Some(remove));
            assert_eq!(edited(Edit::Mask).as_deref(), Some(mask));
        }
        assert_eq!(edited_path(b"/a", &keys_at(&[2], true), Edit::Remove), None);
        // What is nobody's may be the name of a folder.
        let nobodys = edited_path(b"/a/KEY/KEY/b", &keys_at(&[2], false), Edit::Remove);
        assert_eq!(text(nobodys).unwrap(), "/a/KEY/b");
    }

    fn edited_path(path: &[u8], keys: &[KeySegment], edit: Edit) -> Option<Vec<u8>> {
        edit_segments(path, keys, edit).map(|(path, _)| path)
    }

    #[test]
    fn segments_that_are_within_the_beginning() {
        for (path, number, len, expected) in [
            ("/o/KEY/a", 2, 3, false),
            ("/o/KEY/a", 2, 4, true),
            ("/o/KEY/a", 1, 3, true),
            ("/o/KEY/a", 1, 1, false),
            ("/KEY", 1, 0, false),
            ("/a", 9, 2, false),
            ("//a", 2, 2, false),
        ] {
            assert_eq!(is_within(path.as_bytes(), number, len), expected, "{path} {number} {len}");
        }
    }

    #[test]
    fn ranges_of_edited_paths() {
        for (path, numbers, old, remove, mask) in [
            ("/o/KEY/a/b", &[2][..], "a/b", "a/b", "a/b"),
            ("/o/KEY/a/b", &[2], "KEY/a/b", "a/b", "***/a/b"),
            ("/o/KEY/a/b", &[2], "KEY", "", "***"),
            ("/o/KEY/a/b", &[2], "KE", "", ""),
            ("/o/KEY/a/b", &[2], "EY/a", "a", "/a"),
            ("/o/KEY/a/b", &[2], "o", "o", "o"),
            ("/o/KEY/a/b", &[2], "/o/KEY/a/b", "/o/a/b", "/o/***/a/b"),
            ("/o/KEY/KEY/b/KEY", &[2, 3], "KEY/b/KEY", "b/***", "***/b/***"),
            ("/o/a/KEY", &[3], "a/KEY", "a/", "a/***"),
        ] {
            let start = path.find(old).unwrap();
            for (edit, expected) in [(Edit::Remove, remove), (Edit::Mask, mask)] {
                let keys = keys_at(numbers, true);
                let (edited, moves) = edit_segments(path.as_bytes(), &keys, edit).unwrap();
                let new = moves.range(&(start..start + old.len()));
                // The same text may stand there twice.
                let new = text(Some(edited[new].to_vec())).unwrap();
                assert_eq!(new, expected, "{path} {old} {edit:?}");
            }
        }
    }

    fn keys_at(numbers: &[usize], is_held: bool) -> Vec<KeySegment> {
        let key = |&number: &usize| KeySegment { number, key: b"KEY"[..].into(), is_held };
        numbers.iter().map(key).collect()
    }

    #[test]
    fn uris_as_clients_write_them() {
        let names = [&b"key"[..], b"k"];
        for (uri, mask, remove) in [
            ("/a?key=x&b=1", "/a?key=***&b=1", "/a?b=1"),
            ("/a?key=x&k=y", "/a?key=***&k=***", "/a"),
            ("http://h/a?KEY=x&k", "http://h/a?KEY=***&k", "http://h/a?k"),
        ] {
            let edited = |edit| text(edit_uri(uri.as_bytes(), &names, edit));
            assert_eq!(edited(Edit::Mask).as_deref(), Some(mask));
            assert_eq!(edited(Edit::Remove).as_deref(), Some(remove));
        }
        assert_eq!(edit_uri(b"/key=x/a?b", &names, Edit::Mask), None);
        assert_eq!(edit_uri(b"/a?", &names, Edit::Mask), None);
        for (uri, masked) in [
            ("http://h/a/K%45Y/b", "http://h/a/***/b"),
            ("/a/./KEY//b?c", "/a/./***//b?c"),
            ("/a/KEY", "/a/***"),
            ("/a/KEY%2fb/x%2fKEY", "/a/***/***"),
        ] {
            assert_eq!(text(mask_segments(uri.as_bytes(), &keys_at(&[9], false))).unwrap(), masked);
        }
        assert_eq!(mask_segments(b"/KEYS/a?/KEY", &keys_at(&[9], true)), None);
    }

    /// What nginx makes of a URI.
    fn resolved(uri: &[u8], merges_slashes: bool) -> Vec<u8> {
        let path = uri.split(|byte| b"?#".contains(byte)).next().unwrap();
        let path = percent_decode_lossy(path).into_owned();
        let mut segments: Vec<&[u8]> = Vec::new();
        let count = path.split(|&byte| byte == b'/').count();
        for (at, part) in path.split(|&byte| byte == b'/').enumerate().skip(1) {
            let is_last = at + 1 == count;
            match part {
                b"." | b".." => {
                    if part == b".." {
                        segments.pop();
                    }
                    if is_last {
                        segments.push(b"");
                    }
                }
                b"" if merges_slashes && !is_last => (),
                _ => segments.push(part),
            }
        }
        [b"/", &segments.join(&b'/')[..]].concat()
    }

    #[test]
    fn what_the_client_wrote_stays_where_it_means_the_same() {
        for (uri, expected) in [
            ("/o/KEY/a%20b,c?x#y", "/o/a%20b,c?x"),
            ("/%6f/K%45Y/a%2fb", "/%6f/a%2fb"),
            ("/o//KEY/./x/../a b", "/o/a%20b"),
            ("/o/KEY%2fa+b@c", "/o/a+b@c"),
            ("/o/KEY/sub/KEY/../a", "/o/sub/a"),
            ("/o/KEY/sub/KEY/KEY/../../../p/s", "/o/p/s"),
            ("/o/KEY/KEY/%3f%25%23*", "/o/***/%3f%25%23*"),
            ("/o/./KEY/KEY/%3f%25%23*", "/o/***/%3F%25%23*"),
            ("/was/KEY/b?x", "/o/b?x"),
        ] {
            let path = match uri {
                "/was/KEY/b?x" => b"/o/KEY/b".to_vec(),
                _ => resolved(uri.as_bytes(), true),
            };
            let keys = keys_at(&[2], true);
            let path = edited_path(&path, &keys, Edit::Remove).unwrap();
            let edited = edit_request_uri(uri.as_bytes(), &path, &keys, Edit::Remove);
            assert_eq!(text(Some(edited)).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn a_masked_key_is_gone(
            before in "[a-z&=?/%]{0,20}", key in "[A-Z0-9]{8,40}", after in "(&[a-z=&]{0,9})?",
        ) {
            let query = format!("{before}&key={key}{after}");
            for edit in [Edit::Mask, Edit::Remove] {
                let edited = text(edit_arguments(query.as_bytes(), b"key", edit)).unwrap();
                prop_assert!(!edited.contains(&key), "{}", edited);
            }
        }

        #[test]
        fn other_cookies_stay_as_they_are(
            before in "([ab]=[^k]{0,9})?", after in "[ab]=[^k]{0,9}", key in "k=[A-Z]{0,5}", joint in "[;,] ?",
        ) {
            let header = |key: &str| match (before.is_empty(), key.is_empty()) {
                (true, true) => after.clone(),
                (true, false) => format!("{key}{joint}{after}"),
                (false, true) => format!("{before}{joint}{after}"),
                (false, false) => format!("{before};{key}{joint}{after}"),
            };
            let edited = edit_cookies(header(&key).as_bytes(), b"k", Edit::Remove);
            prop_assert_eq!(text(edited).unwrap(), header(""));
        }

        #[test]
        fn all_that_is_left_means_one_path_without_keys(
            parts in proptest::collection::vec("KEY|K%45Y|a|b%20|\\*|%25|\\.|\\.\\.|%2e%2E|/|%2f|%2F|/|/|#|\\?|%3f", 0..24),
            numbers in proptest::collection::vec(1usize..5, 1..3),
            merges_slashes: bool, is_held: bool, is_removed: bool,
        ) {
            let uri = format!("/{}", parts.concat());
            let path = resolved(uri.as_bytes(), merges_slashes);
            let mut keys = keys_at(&numbers, is_held);
            keys.retain(|key| segment(&path, key.number) == Some(b"KEY"));
            let edit = if is_removed { Edit::Remove } else { Edit::Mask };
            if let Some((edited, moves)) = edit_segments(&path, &keys, edit) {
                prop_assert_eq!(moves.range(&(0..path.len())), 0..edited.len());
                for (start, end) in (0..=path.len()).flat_map(|end| (0..=end).map(move |start| (start, end))) {
                    let new = moves.range(&(start..end));
                    prop_assert!(new.start <= new.end && new.end <= edited.len(), "{:?}", new);
                }
                let path = edited;
                let edited = edit_request_uri(uri.as_bytes(), &path, &keys, edit);
                prop_assert_eq!(
                    text(Some(resolved(&edited, merges_slashes))), text(Some(path.clone())), "{:?}", text(Some(edited))
                );
                let is_key = |part: &[u8]| part == b"KEY";
                let plain = percent_decode_lossy(edited.split(|&byte| byte == b'?').next().unwrap()).into_owned();
                if is_held {
                    prop_assert!(!path.split(|&byte| byte == b'/').any(is_key));
                    prop_assert!(!plain.split(|&byte| byte == b'/').any(is_key));
                }
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), number in 0usize..9) {
            for edit in [Edit::Mask, Edit::Remove] {
                let _ = edit_uri(&bytes, &[b"k"], edit);
                let key = bytes.split(|&byte| byte == b'/').nth(number).unwrap_or(b"k");
                let keys = [KeySegment { number, key: key.into(), is_held: number > 4 }];
                let _ = edit_segments(&bytes, &keys, edit);
                let _ = edit_request_uri(&bytes, &bytes, &keys, edit);
                let _ = mask_segments(&bytes, &keys);
                let _ = edit_cookies(&bytes, b"k", edit);
            }
        }
    }
}
