//! Percent-encoding (RFC 3986, section 2.1) and hexadecimal digits, for all that reads or writes them.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode};

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same in a path.
const RESERVED_IN_PATHS: &AsciiSet = &RESERVED.remove(b'/');

/// What no path has as it is (RFC 3986, section 3.3).
const NOT_IN_PATHS: &AsciiSet = &RESERVED_IN_PATHS
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Undoes percent-encoding. A percent sign that begins none stays.
#[must_use]
pub fn percent_decode_lossy(text: &[u8]) -> Cow<'_, [u8]> {
    match memchr::memchr(b'%', text) {
        None => Cow::Borrowed(text),
        Some(_) => percent_decode(text).into(),
    }
}

/// Undoes percent-encoding; `None` where a percent sign begins none.
#[must_use]
pub fn percent_decode_strict(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    // Most texts have none, and are short: what is made for long ones takes longer there.
    if !text.contains(&b'%') {
        return Some(Cow::Borrowed(text));
    }
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'%', rest) {
        let [high, low, after @ ..] = rest.get(at + 1..)? else { return None };
        hex_pair([*high, *low])?;
        rest = after;
    }
    Some(percent_decode_lossy(text))
}

/// Percent-encodes all but what RFC 3986 calls unreserved.
pub fn percent_encode(text: &[u8]) -> String {
    percent_encoding::percent_encode(text, RESERVED).to_string()
}

/// Percent-encodes the same but slashes.
pub(crate) fn percent_encode_path(text: &[u8]) -> String {
    percent_encoding::percent_encode(text, RESERVED_IN_PATHS).to_string()
}

/// Percent-encodes what can't be in a path otherwise.
pub(crate) fn percent_encode_plain(path: &[u8]) -> String {
    percent_encoding::percent_encode(path, NOT_IN_PATHS).to_string()
}

/// The byte that two hexadecimal digits are.
pub(crate) fn hex_pair(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? << 4 | low?).ok()
}

/// Appends bytes as hexadecimal digits.
pub fn write_hex(bytes: &[u8], out: &mut String) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' - 10 + value };
    let mut digits = [0; 64];
    for part in bytes.chunks(digits.len() / 2) {
        for (pair, byte) in digits.chunks_exact_mut(2).zip(part) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        let written = digits.get(..2 * part.len()).unwrap_or_default();
        out.push_str(str::from_utf8(written).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding() {
        let cases: [(&str, &[u8], bool); 9] = [
            ("", b"", true),
            ("a+b", b"a+b", true),
            ("%41%7e%2F", b"A~/", true),
            ("%ff%00", b"\xff\0", true),
            ("%25%2541", b"%%41", true),
            ("%", b"%", false),
            ("%4", b"%4", false),
            ("%4g%41", b"%4gA", false),
            ("%%41", b"%A", false),
        ];
        for (text, plain, is_whole) in cases {
            assert_eq!(&*percent_decode_lossy(text.as_bytes()), plain, "{text}");
            let strict = percent_decode_strict(text.as_bytes());
            assert_eq!(strict.as_deref(), is_whole.then_some(plain), "{text}");
        }
        assert_eq!(percent_encode_path(b"/a b//%2F"), "/a%20b//%252F");
        assert_eq!(percent_encode(b"a-_.~Z9 /\xff\xc3\xbc"), "a-_.~Z9%20%2F%FF%C3%BC");
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(
            [hex_pair(*b"0f"), hex_pair(*b"Ff"), hex_pair(*b"-1")],
            [Some(15), Some(255), None]
        );
        let mut out = String::from("x");
        write_hex(&[0, 255, 16], &mut out);
        assert_eq!(out, "x00ff10");
        let (bytes, mut long) = ([0xa9; 70], String::new());
        write_hex(&bytes, &mut long);
        assert_eq!(long, "a9".repeat(bytes.len()));
    }
}
