//! KeyCDN's secure token: the arguments `token` and `expire`. The token is base64url of the MD5 of
//! path, key and expiry, one behind the other. Other arguments are not signed.
//!
//! Its variant for image processing, which signs arguments in place of an expiry, joins path and
//! arguments without anything between them: one message is of several links, so it isn't taken.
//! <https://www.keycdn.com/support/secure-token>

use super::format::{Ability, FormatKey, LinkFormat, Secret, find_hashed};
use super::mac::md5;
use super::url::Url;
use super::validity::parse_time_of_ten;
use super::{
    Encoding, Key, KeyError, LinkRequest, Rules, SignError, SignRequest, ValidityPeriod, Verified,
    VerifyError, decoded,
};

/// The format.
pub(super) struct Keycdn;

const ARGUMENTS: [&[u8]; 2] = [b"token", b"expire"];

impl LinkFormat for Keycdn {
    fn name(&self) -> &'static str {
        "keycdn"
    }

    fn place(&self) -> &'static str {
        "token in an argument \"token\", with \"expire\""
    }

    fn abilities(&self) -> &'static [Ability] {
        &[Ability::Expiry]
    }

    fn secret(&self, key: &Key) -> Result<Secret, KeyError> {
        Ok(Secret::Hashed(key.secret.clone()))
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        _: Rules,
    ) -> Result<Verified, VerifyError> {
        let url = Url::parse(request.url);
        let token = url.only_argument(&[b"token"])?.ok_or(VerifyError::Missing)?;
        let digits = url.only_argument(&[b"expire"])?.ok_or(VerifyError::Malformed)?;
        // A key may end in digits: only a fixed number of them has one beginning.
        let expires = parse_time_of_ten(digits).ok_or(VerifyError::Malformed)?;
        let tag: [u8; 16] =
            Encoding::Base64url.decode_tag(&decoded(token)).ok_or(VerifyError::Malformed)?;
        let key = find_hashed(keys, |secret| md5(&[url.path, secret, digits]).matches(&tag, None))?;
        request.check_unsigned(&url, &ARGUMENTS)?;
        let validity = ValidityPeriod::until(Some(expires));
        Ok(Verified { key, validity, rate: None })
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let expires = sign_request.expires(self.name())?;
        let expires = expires.to_string();
        let path = Url::parse(sign_request.url.as_bytes()).path;
        let token = Encoding::Base64url.encode(&md5(&[path, &key.secret, expires.as_bytes()]));
        Ok(sign_request.with_arguments(&format!("token={token}&expire={expires}")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use crate::link::third_party::tests::{key, verify};
    use crate::link::{ThirdPartyFormat, VerifyError};

    /// printf '%s' '/path/to/file1.jpgsecuretokenkey1900000000' | openssl md5 -binary | basenc
    /// --base64url, without padding.
    const LINK: &str = "/path/to/file1.jpg?token=WTtpfIoTY40dlvy606FWqQ&expire=1900000000";

    fn check(url: &str) -> Result<Option<u64>, VerifyError> {
        let keys = [key("other", ""), key("securetokenkey", "")];
        let found = verify(ThirdPartyFormat::Keycdn, &keys, url, "")?;
        assert_eq!(found.key, 1);
        Ok(found.validity.expires)
    }

    #[test]
    fn a_link_of_the_documented_signer() {
        assert_eq!(check(LINK), Ok(Some(1_900_000_000)));
        assert_eq!(check(&LINK.replace("&expire", "%3D%3D&expire")), Ok(Some(1_900_000_000)));
        assert_eq!(check(&format!("{LINK}&w=1")), Ok(Some(1_900_000_000)));
        for (from, to) in [("file1", "file2"), ("1900", "1901"), ("/path", "/p/../path")] {
            let changed = LINK.replace(from, to);
            assert_eq!(check(&changed), Err(VerifyError::Mismatch), "{changed}");
        }
        for (from, to) in [
            ("1900000000", "900000000"),
            ("1900000000", "01900000000"),
            ("1900000000", "190000000x"),
            ("&expire", "&expires"),
            ("token=", "token=a&token="),
        ] {
            let changed = LINK.replace(from, to);
            assert_eq!(check(&changed), Err(VerifyError::Malformed), "{changed}");
        }
        assert_eq!(check("/path/to/file1.jpg?expire=1900000000"), Err(VerifyError::Missing));
    }
}
