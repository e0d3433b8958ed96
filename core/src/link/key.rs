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
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    parse_secret(content.strip_suffix(b"\r").unwrap_or(content))
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
