//! Cloudflare's token authentication, `is_timed_hmac_valid_v0`: a last argument
//! `verify=TIME-MAC`.
//!
//! MAC is base64, escaped or in the URL's alphabet, of HMAC-SHA256 over what is before the argument
//! (the path, and `?` with the arguments where there are others), and TIME behind it. TIME is when
//! the link was made, in ten digits, so it lasts as long as the server says.
//! <https://developers.cloudflare.com/waf/custom-rules/use-cases/configure-token-authentication/>

use super::encoding::encode_base64;
use super::format::{FormatKey, LinkFormat, find};
use super::url::Url;
use super::validity::parse_time_of_ten;
use super::{
    Encoding, Key, LinkRequest, Rules, SignError, SignRequest, Verified, VerifyError,
    decode_base64, decoded,
};
use crate::escapes::percent_encode;

/// The format.
pub(super) struct Cloudflare;

const ARGUMENT: &[u8] = b"verify=";

impl LinkFormat for Cloudflare {
    fn name(&self) -> &'static str {
        "cloudflare"
    }

    fn place(&self) -> &'static str {
        "last argument \"verify\" with TIME-MAC"
    }

    fn is_dated(&self) -> bool {
        true
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        rules: Rules,
    ) -> Result<Verified, VerifyError> {
        let url = Url::parse(request.url);
        url.only_argument(&[b"verify"])?.ok_or(VerifyError::Missing)?;
        let at = memchr::memrchr(b'&', url.query);
        let (before, last) = url.query.split_at(at.unwrap_or(0));
        let last = if at.is_some() { last.get(1..).unwrap_or_default() } else { last };
        // Nothing would sign what stands behind it.
        let token = decoded(last.strip_prefix(ARGUMENT).ok_or(VerifyError::Malformed)?);
        let (time, mac) = token.split_at_checked(10).ok_or(VerifyError::Malformed)?;
        let made = parse_time_of_ten(time).ok_or(VerifyError::Malformed)?;
        let mac = mac.strip_prefix(b"-").ok_or(VerifyError::Malformed)?;
        let tag = decode_base64(mac).or_else(|| Encoding::Base64url.decode_all(mac));
        let tag = tag.filter(|tag| tag.len() == 32).ok_or(VerifyError::Malformed)?;
        let mark: &[u8] = if at.is_some() { b"?" } else { b"" };
        let key =
            find(keys, |mac, _| mac.tag(&[url.path, mark, before, time]).matches(&tag, None))?;
        Ok(Verified { key, validity: rules.validity_from(made), rate: None })
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let mac = self.mac(key)?;
        let Url { path, query, .. } = Url::parse(sign_request.url.as_bytes());
        let mark: &[u8] = if sign_request.url.contains('?') { b"?" } else { b"" };
        let time = sign_request.made.to_string();
        let tag = encode_base64(&mac.tag(&[path, mark, query, time.as_bytes()]));
        let tag = percent_encode(tag.as_bytes());
        Ok(sign_request.with_arguments(&format!("verify={time}-{tag}")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use crate::link::third_party::tests::{key, verify_by};
    use crate::link::{Rules, ThirdPartyFormat, VerifyError};

    /// printf '%s' '/images/cat.jpg1484063787' | openssl dgst -sha256 -hmac mysecrettoken -binary
    /// | base64, escaped; the path, secret and time of Cloudflare's documentation.
    const LINK: &str =
        "/images/cat.jpg?verify=1484063787-XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3U%3D";

    fn check(url: &str) -> Result<Option<u64>, VerifyError> {
        let rules = Rules { max_age: Some(10_800), ..Rules::default() };
        let keys = [key("other", ""), key("mysecrettoken", "")];
        let found = verify_by(rules, ThirdPartyFormat::Cloudflare, &keys, url, "")?;
        assert_eq!(found.key, 1);
        Ok(found.validity.expires)
    }

    #[test]
    fn the_documented_link() {
        let until = Ok(Some(1_484_063_787 + 10_800));
        assert_eq!(check(LINK), until);
        assert_eq!(check(&format!("https://h.example{LINK}")), until);
        let plain = LINK.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        assert_eq!(check(&plain), until);
        let (path, token) = plain.split_once('?').unwrap();
        let of_urls = token.replace('+', "-").replace('/', "_");
        assert_eq!(check(&format!("{path}?{}", of_urls.trim_end_matches('='))), until);
        for (from, to) in [("cat", "dog"), ("1484", "1485"), ("?", "?a=1&"), ("?", "?&")] {
            let changed = LINK.replace(from, to);
            assert_eq!(check(&changed), Err(VerifyError::Mismatch), "{changed}");
        }
    }

    #[test]
    fn what_stands_behind_the_token_is_refused() {
        for changed in [
            format!("{LINK}&w=1"),
            format!("{LINK}&"),
            LINK.replace("?verify", "?verify=1&verify"),
            LINK.replace("1484063787-", "148406378-"),
            LINK.replace("1484063787-", "14840637870-"),
            LINK.replace("1484063787-", "1484063787"),
        ] {
            assert_eq!(check(&changed), Err(VerifyError::Malformed), "{changed}");
        }
        assert_eq!(check("/images/cat.jpg?w=1"), Err(VerifyError::Missing));
        assert_eq!(check("/images/cat.jpg&verify=1484063787-x"), Err(VerifyError::Missing));
    }
}
