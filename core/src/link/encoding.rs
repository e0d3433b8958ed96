//! How the bytes of a tag are written.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::escapes::{hex_pair, write_hex};

/// Written without padding, read with or without it, and in one spelling only.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);

/// How the bytes of a tag are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// RFC 4648, section 5, without padding; padding is accepted.
    #[default]
    Base64url,
    /// Lower case; upper case is accepted.
    Hex,
}

impl Encoding {
    /// The encoding called `name`.
    pub fn from_name(name: &[u8]) -> Option<Encoding> {
        match name {
            b"base64url" => Some(Encoding::Base64url),
            b"hex" => Some(Encoding::Hex),
            _ => None,
        }
    }

    /// Writes `bytes`.
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Encoding::Base64url => URL.encode(bytes),
            Encoding::Hex => {
                let mut hex = String::with_capacity(2 * bytes.len());
                write_hex(bytes, &mut hex);
                hex
            }
        }
    }

    /// Reads `text` into `out` and returns how many bytes that are; `None` where it is not written
    /// so, or too long.
    pub fn decode(self, text: &[u8], out: &mut [u8]) -> Option<usize> {
        match self {
            // Padding may be missing, but not in part.
            Encoding::Base64url if text.ends_with(b"=") && !text.len().is_multiple_of(4) => None,
            Encoding::Base64url => URL.decode_slice(text, out).ok(),
            Encoding::Hex => {
                let (pairs, []) = text.as_chunks::<2>() else { return None };
                for (byte, &pair) in out.get_mut(..pairs.len())?.iter_mut().zip(pairs) {
                    *byte = hex_pair(pair)?;
                }
                Some(pairs.len())
            }
        }
    }

    /// Reads `text` of a tag of that many bytes.
    pub(super) fn decode_tag<const LEN: usize>(self, text: &[u8]) -> Option<[u8; LEN]> {
        let mut tag = [0; LEN];
        (self.decode(text, &mut tag)? == LEN).then_some(tag)
    }

    /// Reads `text` of any length.
    pub fn decode_all(self, text: &[u8]) -> Option<Vec<u8>> {
        let mut out = vec![0; text.len()];
        let len = self.decode(text, &mut out)?;
        out.truncate(len);
        Some(out)
    }
}

/// Reads base64 in the standard alphabet, padded or not.
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    PLAIN.decode(text).ok()
}

/// Writes base64 in the standard alphabet, padded.
pub(super) fn encode_base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4648, section 10, in the alphabet of section 5.
    const VECTORS: [(&str, &str, &str); 7] = [
        ("", "", ""),
        ("f", "Zg", "66"),
        ("fo", "Zm8", "666f"),
        ("foo", "Zm9v", "666f6f"),
        ("foob", "Zm9vYg", "666f6f62"),
        ("fooba", "Zm9vYmE", "666f6f6261"),
        ("foobar", "Zm9vYmFy", "666f6f626172"),
    ];

    #[test]
    fn vectors_of_the_rfc() {
        for (text, base64, hex) in VECTORS {
            for (encoding, encoded) in [(Encoding::Base64url, base64), (Encoding::Hex, hex)] {
                assert_eq!(encoding.encode(text.as_bytes()), encoded);
                assert_eq!(
                    encoding.decode_all(encoded.as_bytes()).as_deref(),
                    Some(text.as_bytes())
                );
            }
        }
        assert_eq!(Encoding::Base64url.encode(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn padding_and_case_are_free_and_spelling_is_not() {
        assert_eq!(Encoding::Base64url.decode_all(b"Zg==").as_deref(), Some(&b"f"[..]));
        assert_eq!(Encoding::Hex.decode_all(b"6F6f").as_deref(), Some(&b"oo"[..]));
        // Spare bits that are not zero, the other alphabet, and what is neither.
        for wrong in ["Zh", "+/8=", "Z", "Zg=", "Z g=", "Zg==="] {
            assert_eq!(Encoding::Base64url.decode_all(wrong.as_bytes()), None, "{wrong}");
        }
        for wrong in ["6", "6g", "0x66", "66 "] {
            assert_eq!(Encoding::Hex.decode_all(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut out = [0; 2];
        assert_eq!(Encoding::Hex.decode(b"666f6f", &mut out), None);
        assert_eq!(Encoding::Base64url.decode(b"Zm9v", &mut out), None);
    }
}
