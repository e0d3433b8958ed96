//! Keys in texts that are about to be written down: request lines, URIs, headers, lines of logs.
//!
//! What a key is can't be told by its looks. It is one where an argument of a certain name has it
//! as its value, whatever else is around, and any piece of a text between delimiters that somebody
//! holds as a key.

use memchr::memmem;

use super::source::{MASK, decode};

/// Pieces of one text that are looked at; of a longer one the rest is masked as a whole.
const MOST_PIECES: usize = 4096;

/// What is known of keys in a text.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The names of arguments that hold keys.
    pub names: &'a [&'a [u8]],
    /// Keys that are masked wherever they stand, escaped or not.
    pub keys: &'a [&'a [u8]],
    /// Whether the text begins inside of a query.
    pub in_query: bool,
}

/// The text with all keys masked; `None` where it holds none. `is_key` says of a piece of it
/// whether that is one.
pub fn mask(
    text: &[u8],
    known: &Known<'_>,
    mut is_key: impl FnMut(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    let mut masked = mask_pieces(text, known, &mut is_key);
    for key in known.keys {
        if let Some(edited) = mask_key(masked.as_deref().unwrap_or(text), key) {
            masked = Some(edited);
        }
    }
    masked
}

/// What parts the arguments of a query, a line of a log, or what stands around a URI.
fn is_break(byte: u8) -> bool {
    matches!(byte, b'?' | b'&' | b';' | b'#' | b'"' | b'\'' | b'<' | b'>' | 0..=b' ')
}

/// What may stand beside a key besides.
fn is_joint(byte: u8) -> bool {
    matches!(
        byte,
        b'/' | b'=' | b',' | b':' | b'@' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'\\'
    )
}

fn mask_pieces(
    text: &[u8],
    known: &Known<'_>,
    is_key: &mut impl FnMut(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    let mut out = Out { text, done: 0, masked: None };
    let (mut at, mut in_query, mut pieces) = (0, known.in_query, 0);
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let len = rest.iter().position(|&byte| is_break(byte)).unwrap_or(rest.len());
        let item = rest.get(..len).unwrap_or_default();
        if let Some(value) = named(item, known.names) {
            // In a query, only an ampersand ends a value.
            let value_at = at + value;
            let rest = text.get(value_at..).unwrap_or_default();
            let is_end = |&byte: &u8| match byte {
                b'/' => !in_query,
                b';' | b'?' => !in_query,
                byte => is_break(byte),
            };
            let len = rest.iter().position(is_end).unwrap_or(rest.len());
            if len > 0 {
                out.mask(value_at, value_at + len);
            }
            at = value_at + len;
        } else {
            pieces += mask_item(&mut out, at, item, is_key);
            at += len;
            if pieces > MOST_PIECES {
                out.mask(at, text.len());
                break;
            }
        }
        match text.get(at) {
            Some(b'?') => in_query = true,
            Some(b'#' | b'"' | b' ') => in_query = false,
            _ => (),
        }
        if text.get(at).is_some_and(|&byte| is_break(byte)) {
            at += 1;
        }
    }
    out.finish()
}

/// Where the value begins in `name=value`, if the name is one of those. Brackets behind it make
/// no other name of it.
fn named(item: &[u8], names: &[&[u8]]) -> Option<usize> {
    if names.is_empty() {
        return None;
    }
    let equals = memchr::memchr(b'=', item)?;
    let name = decode(item.get(..equals)?);
    let end = memchr::memchr(b'[', &name).unwrap_or(name.len());
    let name = name.get(..end)?;
    let start = name.iter().rposition(|&byte| is_joint(byte)).map_or(0, |at| at + 1);
    let name = name.get(start..)?;
    names.iter().any(|known| known.eq_ignore_ascii_case(name)).then_some(equals + 1)
}

/// Masks the keys in what stands between two breaks. Answers how many pieces that had.
fn mask_item(
    out: &mut Out<'_>,
    at: usize,
    item: &[u8],
    is_key: &mut impl FnMut(&[u8]) -> bool,
) -> usize {
    let mut pieces = 0;
    let mut test = |piece: &[u8]| {
        pieces += 1;
        !piece.is_empty() && is_key(piece)
    };
    // What belongs to a key as a whole may look like several pieces.
    let value = memchr::memchr(b'=', item).map_or(0, |equals| equals + 1);
    for start in [0, value] {
        let whole = item.get(start..).unwrap_or_default();
        let is_new = start > 0 || value == 0;
        if is_new && whole.iter().any(|&byte| is_joint(byte)) && test(&decode(whole)) {
            out.mask(at + start, at + item.len());
            return pieces;
        }
    }
    let mut start = 0;
    for piece in item.split(|&byte| is_joint(byte)) {
        let end = start + piece.len();
        // The padding of Base64 belongs to it.
        let tail = item.get(end..).unwrap_or_default();
        let padded = end + tail.iter().take_while(|&&byte| byte == b'=').count();
        let decoded = decode(piece);
        let is_hidden = decoded.len() < piece.len()
            && decoded.split(|&byte| is_joint(byte) || is_break(byte)).any(&mut test);
        if is_hidden || test(&decoded) || decoded.len() < piece.len() && test(piece) {
            out.mask(at + start, at + end);
        } else if padded > end && test(item.get(start..padded).unwrap_or_default()) {
            out.mask(at + start, at + padded);
        }
        start = end + 1;
    }
    pieces
}

/// A text in which ranges are masked, from left to right.
struct Out<'a> {
    text: &'a [u8],
    done: usize,
    masked: Option<Vec<u8>>,
}

impl Out<'_> {
    fn mask(&mut self, start: usize, end: usize) {
        let masked = self.masked.get_or_insert_default();
        masked.extend_from_slice(self.text.get(self.done..start).unwrap_or_default());
        masked.extend_from_slice(MASK);
        self.done = end.max(self.done);
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        let rest = self.text.get(self.done..).unwrap_or_default();
        if let Some(masked) = &mut self.masked {
            masked.extend_from_slice(rest);
        }
        self.masked
    }
}

/// The text with all that is, or escaped means, this key masked; `None` where it is not in it.
fn mask_key(text: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    if key.is_empty() {
        return None;
    }
    let finder = memmem::Finder::new(key);
    let mut out = Out { text, done: 0, masked: None };
    for at in finder.find_iter(text) {
        out.mask(at, at + key.len());
    }
    let plain = out.finish();
    let text = plain.as_deref().unwrap_or(text);
    if memchr::memchr(b'%', text).is_none() {
        return plain;
    }
    // Each byte of what is meant, and where it stands.
    let (mut meant, mut places) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escape = text.get(at..at + 3).filter(|escape| escape[0] == b'%').map(decode);
        places.push(at);
        match escape.as_deref() {
            Some(&[one]) => {
                meant.push(one);
                at += 3;
            }
            _ => {
                meant.push(byte);
                at += 1;
            }
        }
    }
    places.push(text.len());
    let mut out = Out { text, done: 0, masked: None };
    for at in finder.find_iter(&meant) {
        if let (Some(&start), Some(&end)) = (places.get(at), places.get(at + key.len())) {
            out.mask(start, end);
        }
    }
    out.finish().or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &[u8] = b"GoodKey5f3b09c2";

    fn masked(text: &str) -> String {
        let known = Known { names: &[b"key"], keys: &[], in_query: false };
        let masked = mask(text.as_bytes(), &known, |piece| piece == KEY || piece == b"a/b=c==");
        String::from_utf8(masked.unwrap_or_else(|| text.into())).unwrap()
    }

    #[test]
    fn by_the_name_of_an_argument() {
        for (text, expected) in [
            ("GET /a?key=x&b=1 HTTP/1.1", "GET /a?key=***&b=1 HTTP/1.1"),
            ("/a?b=1&KEY=x/y?z;w&c", "/a?b=1&KEY=***&c"),
            ("/a?key[]=x&key%5B%5D=y&key[0]=z", "/a?key[]=***&key%5B%5D=***&key[0]=***"),
            ("/a;key=x/b?key=y#key=z", "/a;key=***/b?key=***#key=***"),
            ("/a;b;key=x;c=1?d", "/a;b;key=***;c=1?d"),
            ("/a/key=x/b", "/a/key=***/b"),
            ("/a?x=1;key=y", "/a?x=1;key=***"),
            (
                "request: \"GET /?key=x HTTP/1.0\", host: \"h\"",
                "request: \"GET /?key=*** HTTP/1.0\", host: \"h\"",
            ),
            ("/a?key=&monkey=x&key", "/a?key=&monkey=x&key"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn wherever_somebodys_key_stands() {
        let key = std::str::from_utf8(KEY).unwrap();
        for (text, expected) in [
            ("/o/KEY/pic.jpg", "/o/***/pic.jpg"),
            ("/o/KEY", "/o/***"),
            ("/o/KEY/../x", "/o/***/../x"),
            ("http://KEY@h/KEY#KEY", "http://***@h/***#***"),
            ("/o?other=KEY&x[KEY]=1", "/o?other=***&x[***]=1"),
            ("/o?url=http%3A%2F%2Fh%2FKEY%2Fx", "/o?url=***"),
            ("/o/%47oodKey5f3b09c2/x", "/o/***/x"),
            ("/o?k=a/b=c==&x", "/o?k=***&x"),
            ("Bearer KEY", "Bearer ***"),
            ("a=1; k=KEY,KEY", "a=1; k=***,***"),
            ("open() \"/data/KEY/x\" failed", "open() \"/data/***/x\" failed"),
            ("/o/xKEY", "/o/xKEY"),
        ] {
            assert_eq!(masked(&text.replace("KEY", key)), expected.replace("KEY", key));
        }
    }

    #[test]
    fn what_was_presented_anywhere() {
        let known = Known { names: &[], keys: &[b"a b%c"], in_query: false };
        let masked = |text: &str| {
            mask(text.as_bytes(), &known, |_| false).map(|text| String::from_utf8(text).unwrap())
        };
        assert_eq!(masked("xa b%cy a%20b%25c a%20%62%25%63").unwrap(), "x***y *** ***");
        assert_eq!(masked("a+b%c"), None);
    }

    #[test]
    fn a_text_of_too_many_pieces_loses_the_rest() {
        let text = format!("/{}?x={}", "a/".repeat(5000), "b&".repeat(5000));
        assert!(masked(&text).ends_with("***"));
    }

    proptest! {
        #[test]
        fn a_key_between_delimiters_is_gone(
            before in "[a-z&=?/%;#,\" ]{0,20}[&=?/;#,\" ]", after in "([&/;#,\" ?][a-z=&/]{0,9})?",
        ) {
            let key = std::str::from_utf8(KEY).unwrap();
            let text = masked(&format!("{before}{key}{after}"));
            prop_assert!(!text.contains(key), "{}", text);
        }

        #[test]
        fn a_named_value_is_gone(
            before in "([a-z/]{0,9}[?&;])", key in "[A-Z0-9]{8,40}", after in "(&[a-z=&]{0,9})?",
        ) {
            let text = masked(&format!("/{before}key={key}{after}"));
            prop_assert!(!text.contains(&key), "{}", text);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let known = Known { names: &[b"k"], keys: &[&bytes, b"%", b"a"], in_query: true };
            let _ = mask(&bytes, &known, |piece| piece.len() % 2 == 1);
        }
    }
}
