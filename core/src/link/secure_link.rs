//! The links of nginx's `ngx_http_secure_link_module`, read as it reads them.

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// The longest token that is looked at: a tag in base64 with its padding.
const LONGEST_TOKEN: usize = 24;
/// The characters that 16 bytes take, without padding.
const TOKEN: usize = 22;

/// A value `TOKEN[,EXPIRES]` in its two parts.
pub fn split(value: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b',', value) {
        Some(comma) => {
            let (token, tail) = value.split_at(comma);
            (token, tail.get(1..))
        }
        None => (value, None),
    }
}

/// The tag in a token: base64url that ends at the first `=`, whatever follows it, and whose spare
/// bits are not looked at.
pub fn decode(token: &[u8]) -> Option<[u8; 16]> {
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let end = token.iter().position(|&byte| byte == b'=').unwrap_or(token.len());
    // Any other number of characters is another number of bytes.
    if end != TOKEN {
        return None;
    }
    let (fours, rest) = token.get(..end)?.as_chunks::<4>();
    let mut tag = [0; 16];
    let (threes, last) = tag.as_chunks_mut::<3>();
    let mut seen = 0;
    for (three, four) in threes.iter_mut().zip(fours) {
        let [a, b, c, d] = four.map(sextet);
        seen |= a | b | c | d;
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        let [_, first, second, third] = bits.to_be_bytes();
        *three = [first, second, third];
    }
    if let ([last], [a, b]) = (last, rest) {
        let (a, b) = (sextet(*a), sextet(*b));
        seen |= a | b;
        *last = a << 2 | b >> 4;
    }
    (seen < NO_SEXTET).then_some(tag)
}

/// What the table has for a byte that stands for no six bits.
const NO_SEXTET: u8 = 0xff;

/// The six bits that a character of base64url stands for.
fn sextet(character: u8) -> u8 {
    const SEXTETS: [u8; 256] = {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut table = [NO_SEXTET; 256];
        let mut at = 0;
        while at < alphabet.len() {
            table[alphabet[at] as usize] = at as u8;
            at += 1;
        }
        table
    };
    SEXTETS[usize::from(character)]
}

/// Whether `tag` is the MD5 of `text`. Takes as long wherever they differ.
pub fn matches(tag: &[u8; 16], text: &[u8]) -> bool {
    bool::from(Md5::digest(text)[..].ct_eq(tag))
}

/// The token of `text`.
pub fn sign(text: &[u8]) -> String {
    super::Encoding::Base64url.encode(&Md5::digest(text))
}

/// The parts of a URI `/PREFIX/HASH/LINK`: what should be a hash, and the link.
pub fn parts(uri: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = |text: &[u8]| text.iter().position(|&byte| byte == b'/');
    // The first byte is passed over, whatever it is.
    let rest = uri.get(1..)?;
    let rest = rest.get(slash(rest)? + 1..)?;
    let (hash, link) = rest.split_at(slash(rest)?);
    Some((hash, link.get(1..)?))
}

/// The link in a URI `/PREFIX/HASH/LINK`, where HASH is the MD5 of the link and the secret in
/// hexadecimal. `uri` is the request's own, arguments included.
pub fn linked<'a>(uri: &'a [u8], secret: &[u8]) -> Option<&'a [u8]> {
    let (hash, link) = parts(uri)?;
    let mut tag = [0; 16];
    if link.is_empty() || super::Encoding::Hex.decode(hash, &mut tag) != Some(tag.len()) {
        return None;
    }
    bool::from(secret_digest(link, secret)[..].ct_eq(&tag)).then_some(link)
}

/// `HASH/LINK`, as it stands behind the prefix.
pub fn sign_secret(link: &str, secret: &[u8]) -> String {
    let digest = secret_digest(link.as_bytes(), secret);
    format!("{}/{link}", super::Encoding::Hex.encode(&digest))
}

fn secret_digest(link: &[u8], secret: &[u8]) -> [u8; 16] {
    let mut digest = Md5::new();
    digest.update(link);
    digest.update(secret);
    digest.finalize().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// The example of nginx's documentation of `secure_link_md5`.
    const EXAMPLE: &[u8] = b"2147483647/s/link127.0.0.1 secret";
    const TOKEN_OF_EXAMPLE: &str = "_e4Nc3iduzkWRm01TBBNYw";

    #[test]
    fn the_example_of_the_documentation() {
        assert_eq!(sign(EXAMPLE), TOKEN_OF_EXAMPLE);
        assert!(matches(&decode(TOKEN_OF_EXAMPLE.as_bytes()).unwrap(), EXAMPLE));
        assert!(!matches(&decode(TOKEN_OF_EXAMPLE.as_bytes()).unwrap(), b"2147483647"));
    }

    #[test]
    fn sixteen_spellings_of_one_tag() {
        let tag = decode(TOKEN_OF_EXAMPLE.as_bytes()).unwrap();
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let same = alphabet.iter().filter(|&&last| {
            let mut token = TOKEN_OF_EXAMPLE.as_bytes().to_vec();
            token[21] = last;
            decode(&token) == Some(tag)
        });
        assert_eq!(same.copied().collect::<Vec<_>>(), b"wxyz0123456789-_");
    }

    #[test]
    fn what_a_token_may_be() {
        let token = TOKEN_OF_EXAMPLE;
        for end in ["", "=", "==", "=x", "=="] {
            assert!(decode(format!("{token}{end}").as_bytes()).is_some(), "{end}");
        }
        let wrong = [
            String::new(),
            "=".into(),
            token[..21].into(),
            format!("{}=", &token[..21]),
            format!("{token}A"),
            format!("{token}AA"),
            format!("{token}==="),
            token.replace('_', "/"),
            token.replace('e', "+"),
            token.replace('e', " "),
            token.replace('e', "="),
            token.replace('e', "\u{e9}"),
        ];
        for wrong in wrong {
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn the_first_comma_splits() {
        assert_eq!(split(b"a"), (&b"a"[..], None));
        assert_eq!(split(b"a,"), (&b"a"[..], Some(&b""[..])));
        assert_eq!(split(b",1"), (&b""[..], Some(&b"1"[..])));
        assert_eq!(split(b"a,1,2"), (&b"a"[..], Some(&b"1,2"[..])));
    }

    #[test]
    fn links_with_a_secret() {
        // The example of nginx's documentation: echo -n 'linksecret' | openssl md5 -hex
        let hash = "5e814704a28d9bc1914ff19fa0c4a00a";
        assert_eq!(sign_secret("link", b"secret"), format!("{hash}/link"));
        let linked = |uri: &str| linked(uri.as_bytes(), b"secret").map(<[u8]>::to_vec);
        assert_eq!(linked(&format!("/p/{hash}/link")).unwrap(), b"link");
        assert_eq!(linked(&format!("/p/{}/link", hash.to_uppercase())).unwrap(), b"link");
        assert_eq!(linked(&format!("//{hash}/link")).unwrap(), b"link");
        assert_eq!(linked(&format!("x/{hash}/link")).unwrap(), b"link");
        for uri in [
            String::new(),
            "/".into(),
            format!("/{hash}/link"),
            format!("/p/{hash}"),
            format!("/p/{hash}/"),
            format!("/p/{hash}/links"),
            format!("/p/{hash}/link?a"),
            format!("/p/q/{hash}/link"),
            format!("/p/{}/link", &hash[1..]),
            format!("/p/{hash}0/link"),
            format!("/p/{}g/link", &hash[..31]),
        ] {
            assert_eq!(linked(&uri), None, "{uri}");
        }
    }
}
