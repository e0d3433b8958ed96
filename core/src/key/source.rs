//! Where in a request a key may be, and how it is taken out or made unreadable.

use std::borrow::Cow;
use std::rc::Rc;

use memchr::{memchr, memchr2};

use crate::escapes::percent_decode_lossy;

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

/// The path with that segment edited; `None` where there is none.
#[must_use]
pub fn edit_segment(path: &[u8], number: usize, edit: Edit) -> Option<Vec<u8>> {
    segment(path, number)?;
    let mut segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    match edit {
        // The last one leaves its slash: /a/KEY is /a/.
        Edit::Remove if number + 1 < segments.len() => drop(segments.remove(number)),
        Edit::Remove => *segments.get_mut(number)? = b"",
        Edit::Mask => *segments.get_mut(number)? = MASK,
    }
    Some(segments.join(&b'/'))
}

/// A URI as a client wrote it, in a request line, a `Referer` or alone, with the arguments of
/// those names and all segments that mean `segment` edited; `None` where there are none.
#[must_use]
pub fn edit_uri(
    uri: &[u8],
    names: &[&[u8]],
    segment: Option<&[u8]>,
    edit: Edit,
) -> Option<Vec<u8>> {
    let (path, query) = match memchr(b'?', uri) {
        Some(at) => (&uri[..at], Some(&uri[at + 1..])),
        None => (uri, None),
    };
    let is_key = |part: &[u8]| {
        segment.is_some_and(|key| !key.is_empty() && *percent_decode_lossy(part) == *key)
    };
    let parts = || path.split(|&byte| byte == b'/').enumerate().map(|(at, part)| (at > 0, part));
    let has_key = segment.is_some() && parts().any(|(follows, part)| follows && is_key(part));
    let mut rest = query.map(Cow::Borrowed);
    for name in names {
        if let Some(edited) = rest.as_ref().and_then(|rest| edit_arguments(rest, name, edit)) {
            rest = Some(Cow::Owned(edited));
        }
    }
    if !has_key && !matches!(rest, Some(Cow::Owned(_))) {
        return None;
    }

    let mut edited = Vec::with_capacity(uri.len() + MASK.len());
    if has_key {
        let mut is_cut = false;
        for (follows, part) in parts() {
            if follows && !is_cut {
                edited.push(b'/');
            }
            let is_key = follows && is_key(part);
            is_cut = is_key && edit == Edit::Remove;
            edited.extend_from_slice(if !is_key {
                part
            } else if is_cut {
                b""
            } else {
                MASK
            });
        }
    } else {
        edited.extend_from_slice(path);
    }
    if let (Some(rest), Some(query)) = (rest, query)
        && (!rest.is_empty() || query.is_empty())
    {
        edited.push(b'?');
        edited.extend_from_slice(&rest);
    }
    Some(edited)
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
        assert_eq!(text(edit_segment(path, 2, Edit::Remove)).unwrap(), "/original_imgs/a/pic.jpg");
        assert_eq!(
            text(edit_segment(path, 2, Edit::Mask)).unwrap(),
            "/original_imgs/***/a/pic.jpg"
        );
        assert_eq!(text(edit_segment(b"/a/KEY", 2, Edit::Remove)).unwrap(), "/a/");
        assert_eq!(text(edit_segment(b"/KEY", 1, Edit::Remove)).unwrap(), "/");
        assert_eq!(edit_segment(b"/a", 2, Edit::Remove), None);
    }

    #[test]
    fn uris_as_clients_write_them() {
        let names = [&b"key"[..], b"k"];
        for (uri, mask, remove) in [
            ("/a?key=x&b=1", "/a?key=***&b=1", "/a?b=1"),
            ("/a?key=x&k=y", "/a?key=***&k=***", "/a"),
            ("http://h/a/K%45Y/b", "http://h/a/***/b", "http://h/a/b"),
            ("/a/./KEY//b?c", "/a/./***//b?c", "/a/.//b?c"),
            ("/a/KEY", "/a/***", "/a/"),
        ] {
            let edited = |edit| text(edit_uri(uri.as_bytes(), &names, Some(b"KEY"), edit));
            assert_eq!(edited(Edit::Mask).as_deref(), Some(mask));
            assert_eq!(edited(Edit::Remove).as_deref(), Some(remove));
        }
        assert_eq!(edit_uri(b"/KEYS/a?b", &names, Some(b"KEY"), Edit::Mask), None);
        assert_eq!(edit_uri(b"/a?", &names, None, Edit::Mask), None);
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
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), number in 0usize..9) {
            for edit in [Edit::Mask, Edit::Remove] {
                let _ = edit_uri(&bytes, &[b"k"], Some(&bytes), edit);
                let _ = edit_segment(&bytes, number, edit);
                let _ = edit_cookies(&bytes, b"k", edit);
            }
        }
    }
}
