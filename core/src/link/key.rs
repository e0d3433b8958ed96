//! Keys as an operator writes them.

use std::fmt;

use super::{Encoding, decode_base64};

/// The longest id, in characters.
const LONGEST_ID: usize = 64;

/// A key, and what it is called.
#[derive(Clone)]
pub struct Key {
    /// Letters, digits, `-` and `_`; empty for a key without an id.
    pub id: Box<[u8]>,
    /// The bytes that must stay secret.
    pub secret: Box<[u8]>,
    /// What some formats put before the message; empty elsewhere.
    pub salt: Box<[u8]>,
}

/// Tells nothing of the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}

/// What is wrong with a key. The messages never hold any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No bytes.
    #[error("the key is empty")]
    Empty,
    /// An editor has put a mark before it, or written it in two bytes a letter.
    #[error("a byte order mark stands before the key: save the file as UTF-8 without one")]
    ByteOrderMark,
    /// Behind `hex:` stands something else.
    #[error("the key is not hexadecimal")]
    Hex,
    /// Behind `base64:` stands something else.
    #[error("the key is not base64")]
    Base64,
    /// An id that cannot stand in a token.
    #[error("an id has 1 to 64 letters, digits, \"-\" and \"_\"")]
    Id,
    /// Not a public key, or not of a kind that the format knows.
    #[error("the key is not an RSA public key in PEM")]
    PublicKey,
    /// Not a private key, where one is needed.
    #[error("the key is not an RSA private key in PEM")]
    PrivateKey,
}

impl Key {
    /// A key without id and salt.
    ///
    /// # Errors
    /// [`KeyError::Empty`].
    pub fn new(secret: Vec<u8>) -> Result<Key, KeyError> {
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(Key { id: Box::default(), secret: secret.into(), salt: Box::default() })
    }

    /// Gives it an id.
    ///
    /// # Errors
    /// [`KeyError::Id`].
    pub fn with_id(self, id: &[u8]) -> Result<Key, KeyError> {
        if !is_id(id) {
            return Err(KeyError::Id);
        }
        Ok(Key { id: id.into(), ..self })
    }
}

/// Whether a key may be called so.
pub(super) fn is_id(id: &[u8]) -> bool {
    let plain = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    (1..=LONGEST_ID).contains(&id.len()) && id.iter().all(plain)
}

/// A secret as written: `hex:...`, `base64:...` (either alphabet), or the text itself.
///
/// # Errors
/// What is wrong with it.
pub fn parse_secret(text: &[u8]) -> Result<Vec<u8>, KeyError> {
    let secret = if let Some(hex) = text.strip_prefix(b"hex:") {
        Encoding::Hex.decode_all(hex).ok_or(KeyError::Hex)?
    } else if let Some(base64) = text.strip_prefix(b"base64:") {
        decode_base64(base64)
            .or_else(|| Encoding::Base64url.decode_all(base64))
            .ok_or(KeyError::Base64)?
    } else {
        text.to_vec()
    };
    if secret.is_empty() { Err(KeyError::Empty) } else { Ok(secret) }
}

/// A secret as a file holds it: written as for [`parse_secret`], without the newline at the end
/// that editors put there.
///
/// # Errors
/// What is wrong with it.
pub fn secret_of_file(content: &[u8]) -> Result<Vec<u8>, KeyError> {
    if has_byte_order_mark(content) {
        return Err(KeyError::ByteOrderMark);
    }
    parse_secret(line_of_file(content))
}

/// What stands in a file before the newline at its end.
fn line_of_file(content: &[u8]) -> &[u8] {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.strip_suffix(b"\r").unwrap_or(content)
}

/// Whether it begins as UTF-8 does for some editors, or is all of UTF-16; a key of random bytes may begin as
/// that does.
fn has_byte_order_mark(content: &[u8]) -> bool {
    let is_wide = |odd: usize| {
        let (pairs, rest) = content.as_chunks::<2>();
        let is_half_empty = |pair: &[u8; 2]| pair.get(odd) == Some(&0);
        rest.is_empty() && pairs.len() > 1 && pairs.iter().skip(1).all(is_half_empty)
    };
    match content {
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).is_ok(),
        [0xff, 0xfe, ..] => is_wide(1),
        [0xfe, 0xff, ..] => is_wide(0),
        _ => false,
    }
}

/// What of a file is taken for a part of the key though it is hardly meant so.
#[must_use]
pub fn odd_file(content: &[u8]) -> Option<&'static str> {
    let key = line_of_file(content);
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    if !key.iter().all(is_text) || key.starts_with(b"-----BEGIN ") {
        return None;
    }
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    if is_end(key.first()) || is_end(key.last()) {
        Some("the space at its beginning or its end is a part of the key: take it away")
    } else if key.contains(&b'\n') {
        Some("its lines are one key: write each key into a file of its own")
    } else if matches!(key, [b'"', .., b'"'] | [b'\'', .., b'\'']) {
        Some("the quotes around it are a part of the key: take them away")
    } else {
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn notations() {
        for text in ["secret", "hex:736563726574", "hex:736563726574", "base64:c2VjcmV0"] {
            assert_eq!(parse_secret(text.as_bytes()).unwrap(), b"secret", "{text}");
        }
        assert_eq!(parse_secret(b"base64:+/8=").unwrap(), [0xfb, 0xff]);
        assert_eq!(parse_secret(b"base64:-_8").unwrap(), [0xfb, 0xff]);
        for (text, error) in [
            ("", KeyError::Empty),
            ("hex:", KeyError::Empty),
            ("base64:", KeyError::Empty),
            ("hex:1", KeyError::Hex),
            ("hex:zz", KeyError::Hex),
            ("base64:?", KeyError::Base64),
        ] {
            assert_eq!(parse_secret(text.as_bytes()), Err(error), "{text}");
        }
    }

    #[test]
    fn one_newline_ends_a_file() {
        for content in ["secret", "secret\n", "secret\r\n", "hex:736563726574\n"] {
            assert_eq!(secret_of_file(content.as_bytes()).unwrap(), b"secret", "{content:?}");
        }
        assert_eq!(secret_of_file(b"a\n\n").unwrap(), b"a\n");
        assert_eq!(secret_of_file(b"\n"), Err(KeyError::Empty));
        assert_eq!(secret_of_file(b""), Err(KeyError::Empty));
    }

    #[test]
    fn marks_of_editors() {
        for content in [
            &b"\xef\xbb\xbfhex:736563726574"[..],
            b"\xff\xfes\0e\0c\0",
            b"\xfe\xff\0s\0e\0c",
            b"\xef\xbb\xbf",
        ] {
            assert_eq!(secret_of_file(content), Err(KeyError::ByteOrderMark), "{content:?}");
        }
        for content in [&b"\xff\xfesecret"[..], b"\xff\xfe", b"\xfe\xff\0s\0ec\0", b"\xef\xbbk"] {
            assert_eq!(secret_of_file(content).unwrap(), content);
        }
    }

    #[test]
    fn files_that_hold_more_than_a_key() {
        for (content, said) in [
            (&b"one\ntwo\n"[..], "its lines"),
            (b"one\r\ntwo\r\n", "its lines"),
            (b" one\n", "the space"),
            (b"one \n", "the space"),
            (b"one\n\n", "the space"),
            (b"\"one\"\n", "the quotes"),
            (b"'one'", "the quotes"),
        ] {
            let odd = odd_file(content);
            assert!(odd.is_some_and(|odd| odd.starts_with(said)), "{content:?}: {odd:?}");
        }
        for content in [
            &b"one"[..],
            b"one\n",
            b"one two\r\n",
            b"\"one",
            b"\"",
            b"\x01\n\x02\n",
            b"-----BEGIN PUBLIC KEY-----\na\n-----END PUBLIC KEY-----\n",
        ] {
            assert_eq!(odd_file(content), None, "{content:?}");
        }
    }

    #[test]
    fn ids() {
        let key = Key::new(b"secret".to_vec()).unwrap();
        assert_eq!(&*key.clone().with_id(b"2026-a_B").unwrap().id, b"2026-a_B");
        for id in ["", "a.b", "a b", "\u{e9}", &"a".repeat(65)] {
            assert_eq!(key.clone().with_id(id.as_bytes()).unwrap_err(), KeyError::Id, "{id}");
        }
    }

    #[test]
    fn debugging_tells_no_secret() {
        let key = Key::new(b"hush".to_vec()).unwrap().with_id(b"one").unwrap();
        let text = format!("{key:?}");
        assert!(text.contains("one") && !text.contains("hush") && !text.contains("104"), "{text}");
    }
}
