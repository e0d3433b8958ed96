//! thumbor and imagor: `/SIGNATURE/OPTIONS/IMAGE`.
//!
//! SIGNATURE is base64url, with its padding or without, of HMAC-SHA1 over the path behind the
//! signature, without its first slash; imagor may be told to take HMAC-SHA256 or HMAC-SHA512, and the
//! first characters of that. Arguments are not signed. imagor's filter `expire(TIME)`,
//! in milliseconds, ends the link. <https://thumbor.readthedocs.io/en/latest/security.html>,
//! <https://github.com/cshum/imagor>

use subtle::ConstantTimeEq;

use super::format::{FormatKey, LinkFormat, find};
use super::url::{Url, decoded};
use super::{
    Algorithm, Encoding, Key, LinkRequest, Mac, Rules, SignError, SignRequest, ValidityPeriod,
    Verified, VerifyError,
};

/// The format.
pub(super) struct Thumbor;

impl LinkFormat for Thumbor {
    fn name(&self) -> &'static str {
        "thumbor"
    }

    fn place(&self) -> &'static str {
        "signature in the first segment of the path"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::HmacSha1
    }

    fn other_algorithms(&self) -> &'static [Algorithm] {
        &[Algorithm::HmacSha256, Algorithm::HmacSha512]
    }

    fn expiry_in_path(&self) -> Option<&'static str> {
        Some("filters:expire(MILLISECONDS)")
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        rules: Rules,
    ) -> Result<Verified, VerifyError> {
        verify(keys, request, rules.min)
    }

    fn token(&self, mac: &Mac, _salt: &[u8], message: &[u8]) -> Option<String> {
        Some(token(mac, message))
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let mac = self.mac(key)?;
        Ok(sign_request.in_path(|path| token(&mac, path.get(1..).unwrap_or_default())))
    }
}

fn verify(
    keys: &[FormatKey],
    request: &LinkRequest<'_>,
    min: Option<usize>,
) -> Result<Verified, VerifyError> {
    let url = Url::parse(request.url);
    let (signature, path) = url.first_segment().ok_or(VerifyError::Missing)?;
    if signature.is_empty() {
        return Err(VerifyError::Missing);
    }
    // The padding may come as %3D.
    let text = decoded(signature);
    let path = path.get(1..).unwrap_or_default();
    let key = match min {
        None => {
            let given = Encoding::Base64url.decode_all(&text).ok_or(VerifyError::Malformed)?;
            find(keys, |mac, _| mac.tag(&[path]).matches(&given, None))?
        }
        Some(min) => {
            let end = text.iter().rposition(|&byte| byte != b'=').map_or(0, |at| at + 1);
            let given = text.get(..end).unwrap_or_default();
            let is_code = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
            if given.len() < (min * 8).div_ceil(6) || !given.iter().all(is_code) {
                return Err(VerifyError::Malformed);
            }
            find(keys, |mac, _| begins_text(&mac.tag(&[path]), given))?
        }
    };
    let validity = ValidityPeriod::until(expiry(path)?);
    request.check_unsigned(&url, &[])?;
    Ok(Verified { key, validity, rate: None })
}

/// Whether the text of a tag begins so: imagor counts characters, which may end within a byte.
fn begins_text(tag: &[u8], given: &[u8]) -> bool {
    let text = Encoding::Base64url.encode(tag);
    text.as_bytes().get(..given.len()).is_some_and(|text| bool::from(text.ct_eq(given)))
}

fn token(mac: &Mac, path: &[u8]) -> String {
    let token = Encoding::Base64url.encode(&mac.tag(&[path]));
    let padding = token.len().next_multiple_of(4) - token.len();
    token + &"==="[..padding]
}

/// When a link ends by its filters. Of several ends the earliest counts, as imagor refuses a link
/// once one of them has passed.
fn expiry(path: &[u8]) -> Result<Option<u64>, VerifyError> {
    let path = decoded(path);
    let mut rest = &*path;
    loop {
        if let Some(filters) = rest.strip_prefix(b"filters:") {
            return expiry_of_filters(filters);
        }
        let Some(slash) = memchr::memchr(b'/', rest) else { return Ok(None) };
        let (segment, behind) = rest.split_at(slash);
        if !is_option(segment) {
            return Ok(None);
        }
        rest = behind.get(1..).unwrap_or_default();
    }
}

/// Whether a segment may stand before the filters: their order is not looked at.
fn is_option(segment: &[u8]) -> bool {
    const WORDS: [&[u8]; 16] = [
        b"",
        b"adaptive-fit-in",
        b"adaptive-full-fit-in",
        b"bottom",
        b"center",
        b"debug",
        b"fit-in",
        b"full-fit-in",
        b"left",
        b"meta",
        b"middle",
        b"params",
        b"right",
        b"smart",
        b"stretch",
        b"top",
    ];
    let is_side = |side: &[u8]| {
        let side = side.strip_prefix(b"-").unwrap_or(side);
        side == b"orig" || side.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    };
    WORDS.contains(&segment)
        || segment == b"trim"
        || segment.starts_with(b"trim:")
        || segment.split(|byte| b"x:".contains(byte)).all(is_side)
}

/// `NAME(ARGUMENTS):NAME(ARGUMENTS)...`, which end at a slash outside of parentheses.
fn expiry_of_filters(filters: &[u8]) -> Result<Option<u64>, VerifyError> {
    let mut earliest = None;
    let (mut depth, mut start, mut open) = (0_usize, 0, None);
    for (at, &byte) in filters.iter().enumerate() {
        match byte {
            b'(' => {
                if depth == 0 {
                    open = Some(at);
                }
                depth += 1;
            }
            b')' => depth = depth.saturating_sub(1),
            b'/' | b':' if depth == 0 => start = at + 1,
            _ => {}
        }
        if byte == b')'
            && depth == 0
            && let Some(open) = open.take()
        {
            let name = filters.get(start..open).unwrap_or_default();
            start = at + 1;
            if name.eq_ignore_ascii_case(b"expire") {
                let time = seconds(filters.get(open + 1..at).unwrap_or_default())?;
                earliest = Some(earliest.map_or(time, |other: u64| other.min(time)));
            }
        }
        if byte == b'/' && depth == 0 {
            return Ok(earliest);
        }
    }
    // Something is not closed: nobody knows what ends there.
    if depth > 0 { Err(VerifyError::Malformed) } else { Ok(earliest) }
}

/// Milliseconds since 1970, in whole seconds.
fn seconds(digits: &[u8]) -> Result<u64, VerifyError> {
    let mut time: u64 = 0;
    for digit in digits {
        let digit = char::from(*digit).to_digit(10).ok_or(VerifyError::Malformed)?;
        let more = time.checked_mul(10).and_then(|time| time.checked_add(digit.into()));
        time = more.ok_or(VerifyError::Malformed)?;
    }
    if digits.is_empty() { Err(VerifyError::Malformed) } else { Ok(time / 1000) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use crate::link::third_party::tests::{key, verify, verify_by};
    use crate::link::{
        Algorithm, Encoding, Mac, Rules, SignRequest, ThirdPartyFormat, ValidityPeriod, VerifyError,
    };

    /// Made by libthumbor 2.0.2: `CryptoURL(key='my-security-key').generate(width=300, height=200,
    /// smart=True, image_url='path/to/image.jpg')`.
    const LINK: &str = "/TaWoUq6tvBe2HywzAULy6_Np-2k=/300x200/smart/path/to/image.jpg";

    /// As `IMAGOR_SIGNER_TYPE` and `IMAGOR_SIGNER_TRUNCATE` have it made.
    #[test]
    fn signers_of_imagor() {
        let path = "300x200/smart/path/to/image.jpg";
        for algorithm in [Algorithm::HmacSha1, Algorithm::HmacSha256, Algorithm::HmacSha512] {
            let tag = Mac::new(algorithm, b"secret").unwrap().tag(&[path.as_bytes()]);
            let mut text = Encoding::Base64url.encode(&tag);
            while !text.len().is_multiple_of(4) {
                text.push('=');
            }
            let check = |algorithm, min, signature: &str| {
                let rules = Rules { algorithm: Some(algorithm), min, ..Rules::default() };
                let url = format!("/{signature}/{path}");
                verify_by(rules, ThirdPartyFormat::Thumbor, &[key("secret", "")], &url, "")
                    .map(|found| found.key)
            };
            assert_eq!(check(algorithm, None, &text), Ok(0));
            assert_eq!(check(algorithm, None, text.trim_end_matches('=')), Ok(0));
            assert_eq!(check(algorithm, Some(12), &text), Ok(0));
            for len in 16..27 {
                let cut = &text[..len];
                assert_eq!(check(algorithm, Some(12), cut), Ok(0), "{len}");
                assert!(
                    check(algorithm, None, cut).is_err_and(|error| error != VerifyError::NoKey)
                );
                assert_eq!(
                    check(algorithm, Some(12), &cut.replacen(&cut[2..3], "~", 1)),
                    Err(VerifyError::Malformed)
                );
                let other =
                    format!("{}{}", &cut[..len - 1], if cut.ends_with('A') { 'B' } else { 'A' });
                assert_eq!(check(algorithm, Some(12), &other), Err(VerifyError::Mismatch));
            }
            assert_eq!(check(algorithm, Some(12), &text[..15]), Err(VerifyError::Malformed));
            assert_eq!(check(algorithm, Some(12), ""), Err(VerifyError::Missing));
            assert_eq!(check(algorithm, Some(12), "unsafe"), Err(VerifyError::Malformed));
            let other = match algorithm {
                Algorithm::HmacSha512 => Algorithm::HmacSha256,
                _ => Algorithm::HmacSha512,
            };
            assert_eq!(check(other, None, &text), Err(VerifyError::Mismatch));
        }
        // What is no algorithm of imagor is not taken.
        let rules = Rules { algorithm: Some(Algorithm::Md5), ..Rules::default() };
        let keys = [key("my-security-key", "")];
        assert!(verify_by(rules, ThirdPartyFormat::Thumbor, &keys, LINK, "").is_ok());
    }

    #[test]
    fn a_link_of_libthumbor() {
        let keys = [key("my-security-key", "")];
        let verify =
            |url: &str| verify(ThirdPartyFormat::Thumbor, &keys, url, "").map(|found| found.key);
        assert_eq!(verify(LINK), Ok(0));
        assert_eq!(verify(&LINK.replace('=', "")), Ok(0));
        assert_eq!(verify(&LINK.replace('=', "%3D")), Ok(0));
        assert_eq!(verify(&LINK.replace("300x", "3000x")), Err(VerifyError::Mismatch));
        assert_eq!(verify("/unsafe/300x200/smart/path/to/image.jpg"), Err(VerifyError::Malformed));
        assert_eq!(verify("//300x200/a.jpg"), Err(VerifyError::Missing));
        assert_eq!(verify("/"), Err(VerifyError::Missing));
    }

    #[test]
    fn filters_end_a_link() {
        for (path, expected) in [
            ("/filters:expire(1000)/a.jpg", Ok(Some(1))),
            ("/filters:expire(0)/a.jpg", Ok(Some(0))),
            ("/300x200/smart/filters:expire(2000000000999)/a.jpg", Ok(Some(2_000_000_000))),
            (
                "/meta/trim:top-left:5/1x2:3x4/fit-in/-0x-0/left/top/filters:expire(7000)/a",
                Ok(Some(7)),
            ),
            ("/0.1x0.1:0.9x0.9/stretch/origxorig/filters:expire(7000)/a", Ok(Some(7))),
            ("/filters:blur(1):expire(9000):expire(7000)/a.jpg", Ok(Some(7))),
            ("/filters:watermark(/a(1)/b.png,1):expire(7000)/a.jpg", Ok(Some(7))),
            ("/filters:blur(1)expire(7000)/a.jpg", Ok(Some(7))),
            ("/filters%3Aexpire%287000%29/a.jpg", Ok(Some(7))),
            ("/filters:expire(7000)", Ok(Some(7))),
            // What only looks like an end.
            ("/a.jpg", Ok(None)),
            ("/300x200/http://h/filters:expire(7000)/a.jpg", Ok(None)),
            ("/filters:blur(1)/filters:expire(7000)/a.jpg", Ok(None)),
            ("/filters:watermark(/filters:expire(7000)/b.png)/a.jpg", Ok(None)),
            ("/filters:max_age(7000)/a.jpg", Ok(None)),
            ("/filters:expire()/a.jpg", Err(VerifyError::Malformed)),
            ("/filters:expire(soon)/a.jpg", Err(VerifyError::Malformed)),
            ("/filters:expire(-1)/a.jpg", Err(VerifyError::Malformed)),
            ("/filters:expire(7000/a.jpg", Err(VerifyError::Malformed)),
            ("/filters:expire(99999999999999999999)/a.jpg", Err(VerifyError::Malformed)),
        ] {
            let sign_request = SignRequest {
                url: path,
                validity: ValidityPeriod::default(),
                address: None,
                prefix: None,
                made: 0,
            };
            let link = sign_request.sign(ThirdPartyFormat::Thumbor, &key("secret", "")).unwrap();
            let found = verify(ThirdPartyFormat::Thumbor, &[key("secret", "")], &link, "");
            assert_eq!(found.map(|found| found.validity.expires), expected, "{path}");
        }
    }
}
