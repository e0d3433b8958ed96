//! imgproxy: `/SIGNATURE/OPTIONS/SOURCE`.
//!
//! SIGNATURE is base64url, without padding, of HMAC-SHA256 over the salt and the path behind the
//! signature, its slash included. Arguments are not signed. An option `exp:TIME` or `expires:TIME`
//! ends the link. <https://docs.imgproxy.net/usage/signing_url>

use super::format::{FormatKey, LinkFormat, find};
use super::url::{Url, decoded};
use super::{
    Encoding, Key, LinkRequest, MIN_TAG, Mac, Rules, SignError, SignRequest, ValidityPeriod,
    Verified, VerifyError, parse_time,
};

/// The format.
pub(super) struct Imgproxy;

impl LinkFormat for Imgproxy {
    fn name(&self) -> &'static str {
        "imgproxy"
    }

    fn place(&self) -> &'static str {
        "signature in the first segment of the path"
    }

    fn has_salt(&self) -> bool {
        true
    }

    fn expiry_in_path(&self) -> Option<&'static str> {
        Some("exp:SECONDS")
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        rules: Rules,
    ) -> Result<Verified, VerifyError> {
        verify(keys, request, rules.min)
    }

    fn token(&self, mac: &Mac, salt: &[u8], message: &[u8]) -> Option<String> {
        Some(token(mac, salt, message))
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let mac = self.mac(key)?;
        Ok(sign_request.in_path(|path| token(&mac, &key.salt, path)))
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
    let mut tag = [0; 66];
    let len =
        Encoding::Base64url.decode(&decoded(signature), &mut tag).ok_or(VerifyError::Malformed)?;
    let given = tag.get(..len).filter(|tag| tag.len() >= MIN_TAG).ok_or(VerifyError::Malformed)?;
    let fits = |path: &[u8]| find(keys, |mac, key| mac.tag(&[&key.salt, path]).matches(given, min));
    let key = match (fits(path), restored(path)) {
        (Err(VerifyError::Mismatch), Some(restored)) => fits(&restored)?,
        (found, _) => found?,
    };
    let validity = ValidityPeriod::until(expiry(path)?);
    request.check_unsigned(&url, &[])?;
    Ok(Verified { key, validity, rate: None })
}

fn token(mac: &Mac, salt: &[u8], path: &[u8]) -> String {
    Encoding::Base64url.encode(&mac.tag(&[salt, path]))
}

/// The path as it was signed, where a proxy on the way has escaped the colons of options or made
/// one slash of the two behind a scheme; `None` where imgproxy would undo nothing.
fn restored(path: &[u8]) -> Option<Vec<u8>> {
    const PLAIN: &[u8] = b"/plain/";
    let at = memchr::memmem::find(path, PLAIN);
    let (options, source) = path.split_at(at.unwrap_or(path.len()));
    let source = source.get(PLAIN.len()..);
    let is_escaped = memchr::memmem::find(options, b"%3A").is_some();
    let slashed = source.and_then(with_slashes);
    if !is_escaped && slashed.is_none() {
        return None;
    }
    let mut restored = Vec::with_capacity(path.len() + 2);
    let mut rest = options;
    while let Some(at) = memchr::memmem::find(rest, b"%3A") {
        let (before, behind) = rest.split_at(at);
        restored.extend(before);
        restored.push(b':');
        rest = behind.get(3..).unwrap_or_default();
    }
    restored.extend(rest);
    if let Some(source) = source {
        restored.extend(PLAIN);
        restored.extend(slashed.as_deref().unwrap_or(source));
    }
    Some(restored)
}

/// A source `SCHEME:/REST` with all its slashes. imgproxy puts them behind the last colon that one
/// slash follows, so where that isn't the scheme's it takes no such link.
fn with_slashes(source: &[u8]) -> Option<Vec<u8>> {
    let mut three = source.windows(3);
    let at = three.rposition(|three| three.starts_with(b":/") && !three.ends_with(b"/"))?;
    let (scheme, rest) = source.split_at(at);
    let of_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    if scheme.is_empty() || !scheme.iter().all(of_scheme) {
        return None;
    }
    let slashes: &[u8] = if scheme == b"local" { b":///" } else { b"://" };
    Some([scheme, slashes, rest.get(2..)?].concat())
}

/// When a link ends by its options. Of several ends the earliest counts, as imgproxy refuses a
/// link once one of them has passed. 0 is no end there.
fn expiry(path: &[u8]) -> Result<Option<u64>, VerifyError> {
    let mut earliest = None;
    for segment in path.split(|&byte| byte == b'/') {
        let option = decoded(segment);
        if is_source(&option) {
            break;
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let end = option.iter().position(|byte| !is_name(byte)).unwrap_or(option.len());
        let (name, value) = option.split_at(end);
        if ![&b"exp"[..], b"expires"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            continue;
        }
        // Whatever separates arguments there: a server may be told to take another character.
        let separators = value.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
        match value.get(separators..).unwrap_or_default() {
            digits if !digits.is_empty() && digits.iter().all(|&digit| digit == b'0') => {}
            digits => {
                let time = parse_time(digits).ok_or(VerifyError::Malformed)?;
                earliest = Some(earliest.map_or(time, |other: u64| other.min(time)));
            }
        }
    }
    Ok(earliest)
}

/// Whether the options end here: base64url holds no separator. A single `-` stands between two
/// lists of options.
fn is_source(segment: &[u8]) -> bool {
    let of_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_=.".contains(byte);
    !matches!(segment, b"" | b"-") && segment.iter().all(of_base64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use crate::link::third_party::tests::{key, verify};
    use crate::link::{
        LinkRequest, Rules, SignRequest, ThirdParty, ThirdPartyFormat, Unsigned, ValidityPeriod,
        VerifyError,
    };

    /// The example of <https://docs.imgproxy.net/usage/signing_url>.
    const SIGNATURE: &str = "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8";
    const PATH: &str =
        "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png";

    fn signed(path: &str) -> String {
        let validity = ValidityPeriod::default();
        let sign_request =
            SignRequest { url: path, validity, address: None, prefix: None, made: 0 };
        sign_request.sign(ThirdPartyFormat::Imgproxy, &key("secret", "salt")).unwrap()
    }

    fn check(link: &str) -> Result<Option<u64>, VerifyError> {
        verify(ThirdPartyFormat::Imgproxy, &[key("secret", "salt")], link, "")
            .map(|f| f.validity.expires)
    }

    #[test]
    fn the_example_of_the_documentation() {
        let keys = [key("other", ""), key("hex:736563726574", "hello")];
        let verify =
            |url: &str| verify(ThirdPartyFormat::Imgproxy, &keys, url, "").map(|found| found.key);
        assert_eq!(verify(&format!("/{SIGNATURE}{PATH}")), Ok(1));
        assert_eq!(verify(&format!("/{SIGNATURE}{PATH}?any=thing")), Ok(1));
        assert_eq!(verify(&format!("/{SIGNATURE}%3D{PATH}")), Ok(1));
        assert_eq!(verify(&format!("http://imgproxy.example.com/{SIGNATURE}{PATH}")), Ok(1));
        assert_eq!(verify(&format!("/{SIGNATURE}{PATH}x")), Err(VerifyError::Mismatch));
        assert_eq!(verify(&format!("/{SIGNATURE}/{PATH}")), Err(VerifyError::Mismatch));
        assert_eq!(verify(&format!("/insecure{PATH}")), Err(VerifyError::Malformed));
        assert_eq!(verify(&format!("/{PATH}")), Err(VerifyError::Missing));
        assert_eq!(verify("/"), Err(VerifyError::Missing));
        assert_eq!(verify(""), Err(VerifyError::Missing));
    }

    #[test]
    fn arguments_are_not_signed() {
        let keys = [key("hex:736563726574", "hello")];
        let third_party =
            ThirdParty::new(ThirdPartyFormat::Imgproxy, &keys, Rules::default()).unwrap();
        let named = [b"v".to_vec()];
        let check = |arguments: &str, unsigned| {
            let url = format!("/{SIGNATURE}{PATH}{arguments}");
            third_party
                .verify(&LinkRequest { url: url.as_bytes(), address: b"", cookies: b"", unsigned })
                .map(|_| ())
        };
        assert_eq!(check("", Unsigned::Named(&[])), Ok(()));
        assert_eq!(check("?", Unsigned::Named(&[])), Ok(()));
        assert_eq!(check("?w=1", Unsigned::Any), Ok(()));
        for arguments in ["?v", "?v=1", "?V=1&&v=2"] {
            assert_eq!(check(arguments, Unsigned::Named(&named)), Ok(()), "{arguments}");
            let none = check(arguments, Unsigned::Named(&[]));
            assert_eq!(none, Err(VerifyError::Unsigned), "{arguments}");
        }
        for arguments in ["?w", "?v=1&w=2", "?%76=1", "?v%00=1", "?=v", "?vv=1"] {
            let refused = check(arguments, Unsigned::Named(&named));
            assert_eq!(refused, Err(VerifyError::Unsigned), "{arguments}");
        }
    }

    #[test]
    fn options_end_a_link() {
        for (path, expected) in [
            ("/exp:1/plain/a.jpg", Ok(Some(1))),
            ("/expires:2000000000/aHR0cA", Ok(Some(2_000_000_000))),
            ("/rs:fit:1:1/exp:7/pr:sharp/plain/a.jpg", Ok(Some(7))),
            ("/exp:9/exp:7/expires:8/plain/a.jpg", Ok(Some(7))),
            ("/exp%3A7/plain/a.jpg", Ok(Some(7))),
            ("/e%78p:7/plain/a.jpg", Ok(Some(7))),
            ("/exp,7/plain/a.jpg", Ok(Some(7))),
            ("/w:1/-/exp:7/plain/a.jpg", Ok(Some(7))),
            ("//exp:7/plain/a.jpg", Ok(Some(7))),
            // No end, as imgproxy has it, and what only looks like one.
            ("/exp:0/plain/a.jpg", Ok(None)),
            ("/plain/exp:7/a.jpg", Ok(None)),
            ("/plain/http://h/exp:7", Ok(None)),
            ("/w:1/aHR0/exp:7", Ok(None)),
            ("/experiment:7/plain/a.jpg", Ok(None)),
            ("/cb:exp:7/plain/a.jpg", Ok(None)),
            ("/exp:/plain/a.jpg", Err(VerifyError::Malformed)),
            ("/exp:soon/plain/a.jpg", Err(VerifyError::Malformed)),
            ("/exp:1:2/plain/a.jpg", Err(VerifyError::Malformed)),
            ("/exp:1.5/plain/a.jpg", Err(VerifyError::Malformed)),
            ("/exp:9223372036854775808/plain/a.jpg", Err(VerifyError::Malformed)),
        ] {
            assert_eq!(check(&signed(path)), expected, "{path}");
        }
    }

    /// Rows of handlers/path_test.go of imgproxy 4, and their neighbours.
    #[test]
    fn what_proxies_do_to_links_is_undone() {
        for (path, on_the_way) in [
            ("/plain/http://h/a.jpg", "/plain/http:/h/a.jpg"),
            ("/rs:fill:3:2/plain/https://h/a.jpg", "/rs:fill:3:2/plain/https:/h/a.jpg"),
            ("/rs:fill:3:2/plain/https://h/a.jpg", "/rs%3Afill%3A3%3A2/plain/https:/h/a.jpg"),
            ("/rs:fill:3:2/abc/abc", "/rs%3Afill%3A3%3A2/abc/abc"),
            ("/plain/local:///a.jpg", "/plain/local:/a.jpg"),
            ("/plain/s3://b/a.jpg", "/plain/s3:/b/a.jpg"),
            ("/exp:7/plain/s3://b/a.jpg", "/exp%3A7/plain/s3:/b/a.jpg"),
        ] {
            let link = signed(path);
            let expires = check(&link);
            assert!(expires.is_ok(), "{path}");
            assert_eq!(check(&link.replace(path, on_the_way)), expires, "{on_the_way}");
        }
        for (path, on_the_way) in [
            ("/plain/http://h/a.jpg", "/plain/http:///h/a.jpg"),
            ("/plain/http://h/a.jpg", "/plain/http:h/a.jpg"),
            ("/plain/http://h/a.jpg", "/plain//http:/h/a.jpg"),
            ("/plain/http://h/a%3Ab", "/plain/http://h/a:b"),
            ("/plain/http://h/a://b", "/plain/http://h/a:/b"),
            ("/plain/http://h/a.jpg", "/plain/http%3A//h/a.jpg"),
            ("/w:1/plain/a.jpg", "/w%3a1/plain/a.jpg"),
            ("/w:1/plain/a.jpg", "/w%253A1/plain/a.jpg"),
            ("/w:1/plain/a.jpg", "/w:1/plain%2Fa.jpg"),
        ] {
            let link = signed(path).replace(path, on_the_way);
            assert_eq!(check(&link), Err(VerifyError::Mismatch), "{on_the_way}");
        }
    }
}
