//! Alibaba Cloud's type A, which BytePlus and Tencent Cloud have, too: an argument `auth_key` (with
//! Tencent `sign`) with `TIME-RAND-UID-HASH`.
//!
//! HASH is the MD5, in hexadecimal, of `PATH-TIME-RAND-UID-KEY`. TIME is when the link was made, so
//! it lasts as long as the server says. Other arguments are not signed.
//! <https://www.alibabacloud.com/help/en/cdn/user-guide/type-a-signing>
//!
//! A path may hold hyphens: RAND and UID hold none, and TIME has ten digits, so that a message can
//! be cut in one way only.

use super::format::{FormatKey, LinkFormat, Secret, find_hashed};
use super::mac::md5;
use super::url::Url;
use super::validity::parse_time_of_ten;
use super::{
    Encoding, Key, KeyError, LinkRequest, Rules, SignError, SignRequest, Verified, VerifyError,
};

/// The format.
pub(super) struct Alibaba;

const ARGUMENTS: [&[u8]; 2] = [b"auth_key", b"sign"];

impl LinkFormat for Alibaba {
    fn name(&self) -> &'static str {
        "alibaba"
    }

    fn place(&self) -> &'static str {
        "argument \"auth_key\" or \"sign\" with TIME-RAND-UID-HASH"
    }

    fn is_dated(&self) -> bool {
        true
    }

    fn secret(&self, key: &Key) -> Result<Secret, KeyError> {
        Ok(Secret::Hashed(key.secret.clone()))
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        rules: Rules,
    ) -> Result<Verified, VerifyError> {
        let url = Url::parse(request.url);
        let token = url.only_argument(&ARGUMENTS)?.ok_or(VerifyError::Missing)?;
        let fields: Vec<_> = token.split(|&byte| byte == b'-').collect();
        let [time, rand, uid, hash] = fields[..] else { return Err(VerifyError::Malformed) };
        let is_word =
            |text: &[u8]| text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let made = parse_time_of_ten(time);
        // Tencent's RAND may be empty.
        let made = made.filter(|_| is_word(rand) && is_word(uid) && !uid.is_empty());
        let made = made.ok_or(VerifyError::Malformed)?;
        let tag: [u8; 16] = Encoding::Hex.decode_tag(hash).ok_or(VerifyError::Malformed)?;
        let key = find_hashed(keys, |secret| {
            md5(&[url.path, b"-", time, b"-", rand, b"-", uid, b"-", secret]).matches(&tag, None)
        })?;
        request.check_unsigned(&url, &ARGUMENTS)?;
        Ok(Verified { key, validity: rules.validity_from(made), rate: None })
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let path = Url::parse(sign_request.url.as_bytes()).path;
        let fields = format!("{}-0-0", sign_request.made);
        let tag = md5(&[path, b"-", fields.as_bytes(), b"-", &key.secret]);
        let tag = Encoding::Hex.encode(&tag);
        Ok(sign_request.with_arguments(&format!("auth_key={fields}-{tag}")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::md5;
    use crate::link::third_party::tests::{key, verify_by};
    use crate::link::{Encoding, Rules, ThirdPartyFormat, VerifyError};

    /// The example of Alibaba Cloud's documentation.
    const KEY: &str = "aliyuncdnexp1234";
    const LINK: &str =
        "/video/standard/test.mp4?auth_key=1444435200-0-0-23bf85053008f5c0e791667a313e28ce";

    fn check(url: &str, max_age: Option<u64>) -> Result<Option<u64>, VerifyError> {
        let rules = Rules { max_age, ..Rules::default() };
        let keys = [key("other", ""), key(KEY, "")];
        let found = verify_by(rules, ThirdPartyFormat::Alibaba, &keys, url, "")?;
        assert_eq!(found.key, 1);
        Ok(found.validity.expires)
    }

    #[test]
    fn the_documented_link() {
        assert_eq!(check(LINK, Some(1800)), Ok(Some(1_444_437_000)));
        assert_eq!(check(&LINK.replace("auth_key", "sign"), Some(1800)), Ok(Some(1_444_437_000)));
        assert_eq!(check(&format!("{LINK}&w=1"), Some(0)), Ok(Some(1_444_435_200)));
        // Nobody said how long it lasts.
        assert_eq!(check(LINK, None), Ok(Some(0)));
        assert_eq!(check(LINK, Some(u64::MAX)), Ok(Some(u64::MAX)));
    }

    #[test]
    fn a_random_part_may_be_empty() {
        let tag = md5(&[b"/a.jpg-1444435200--0-", KEY.as_bytes()]);
        let url = format!("/a.jpg?sign=1444435200--0-{}", Encoding::Hex.encode(&tag));
        assert!(check(&url, Some(1800)).is_ok());
        let tag = md5(&[b"/a.jpg-1444435200-0--", KEY.as_bytes()]);
        let url = format!("/a.jpg?sign=1444435200-0--{}", Encoding::Hex.encode(&tag));
        assert_eq!(check(&url, Some(1800)), Err(VerifyError::Malformed));
    }

    #[test]
    fn what_was_not_signed_is_refused() {
        for (from, to) in
            [("test", "best"), ("14444", "14445"), ("-0-0-", "-1-0-"), ("-0-0-", "-0-1-")]
        {
            let changed = LINK.replace(from, to);
            assert_eq!(check(&changed, Some(1)), Err(VerifyError::Mismatch), "{changed}");
        }
        for (from, to) in [
            ("1444435200-0-0", "144443520-0-0"),
            ("1444435200-0-0", "01444435200-0-0"),
            ("1444435200-0-0", "1444435200-0"),
            ("1444435200-0-0", "1444435200-0-0-0"),
            ("1444435200-0-0", "1444435200-0-"),
            ("1444435200-0-0", "1444435200-0-%30"),
            ("28ce", "28c"),
            ("28ce", "28ce00"),
            ("?", "?sign=1&"),
        ] {
            let changed = LINK.replace(from, to);
            assert_eq!(check(&changed, Some(1)), Err(VerifyError::Malformed), "{changed}");
        }
        assert_eq!(check("/video/standard/test.mp4", Some(1)), Err(VerifyError::Missing));
    }

    /// A hyphen of the path is none of the fields'.
    #[test]
    fn a_message_has_one_cut() {
        let tag = crate::link::mac::md5(&[b"/a-1444435200-1-2-1444435200-3-4-", KEY.as_bytes()]);
        let tag = crate::link::Encoding::Hex.encode(&tag);
        let whole = format!("/a-1444435200-1-2?auth_key=1444435200-3-4-{tag}");
        assert!(check(&whole, Some(1)).is_ok());
        for cut in ["/a?auth_key=1444435200-1-2-1444435200-3-4-", "/a?auth_key=1444435200-1-2-"] {
            assert!(check(&format!("{cut}{tag}"), Some(1)).is_err(), "{cut}");
        }
    }
}
