//! imgix: an argument `s` with the MD5, in hexadecimal, of the source's token, the path and, where
//! there are other arguments, `?` and those, all as they stand in the URL.
//!
//! An argument `expires=TIME` ends the link. MD5 with the secret in front lets whoever has one such
//! hash append to what was hashed, but only behind bytes of zero, which no URL holds.
//! <https://docs.imgix.com/en-US/getting-started/setup/securing-assets>

use super::format::{Ability, FormatKey, LinkFormat, Secret, find_hashed};
use super::mac::md5;
use super::url::Url;
use super::{
    Encoding, Key, KeyError, LinkRequest, Rules, SignError, SignRequest, ValidityPeriod, Verified,
    VerifyError, parse_time,
};

/// The format.
pub(super) struct Imgix;

impl LinkFormat for Imgix {
    fn name(&self) -> &'static str {
        "imgix"
    }

    fn place(&self) -> &'static str {
        "signature in an argument \"s\""
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
        let given = url.only_argument(&[b"s"])?.ok_or(VerifyError::Missing)?;
        let tag: [u8; 16] = Encoding::Hex.decode_tag(given).ok_or(VerifyError::Malformed)?;
        if request.url.contains(&0) {
            return Err(VerifyError::Malformed);
        }
        let others: Vec<_> = url
            .query
            .split(|&byte| byte == b'&')
            .filter(|argument| !argument.starts_with(b"s="))
            .collect();
        let query = others.join(&b'&');
        let key = find_hashed(keys, |secret| tag_of(secret, url.path, &query).matches(&tag, None))?;
        let expires = match url.only_argument(&[b"expires"])? {
            None => None,
            Some(digits) => Some(parse_time(digits).ok_or(VerifyError::Malformed)?),
        };
        Ok(Verified { key, validity: ValidityPeriod::until(expires), rate: None })
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let link = match sign_request.validity.expires {
            None => sign_request.url.to_string(),
            Some(expires) => sign_request.with_arguments(&format!("expires={expires}")),
        };
        let Url { path, query, .. } = Url::parse(link.as_bytes());
        let tag = Encoding::Hex.encode(&tag_of(&key.secret, path, query));
        Ok(SignRequest { url: &link, ..*sign_request }.with_arguments(&format!("s={tag}")))
    }
}

fn tag_of(secret: &[u8], path: &[u8], query: &[u8]) -> super::Tag {
    let mark: &[u8] = if query.is_empty() { b"" } else { b"?" };
    md5(&[secret, path, mark, query])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use crate::link::third_party::tests::{key, verify};
    use crate::link::{ThirdPartyFormat, VerifyError};

    /// Made by `@imgix/js-core` 3.8.0, `buildURL` of a client with this token.
    const KEY: &str = "FOO123bar";
    const PLAIN: &str = "/users/1.png?s=6797c24146142d5b40bde3141fd3600c";
    const ARGUMENTS: &str = "/users/1.png?w=400&h=300&s=c7b86f666a832434dd38577e38cf86d1";
    const PROXY: &str = "/http%3A%2F%2Favatars.com%2Fjohn-smith.png\
        ?s=493a52f008c91416351f8b33d4883135";

    fn check(url: &str) -> Result<Option<u64>, VerifyError> {
        let found = verify(ThirdPartyFormat::Imgix, &[key("other", ""), key(KEY, "")], url, "")?;
        assert_eq!(found.key, 1);
        Ok(found.validity.expires)
    }

    #[test]
    fn links_of_the_client() {
        for url in [PLAIN, ARGUMENTS, PROXY] {
            assert_eq!(check(url), Ok(None), "{url}");
            assert_eq!(check(&format!("https://demo.imgix.net{url}")), Ok(None), "{url}");
            for changed in [url.replace("n", "m"), url.replace("?", "?w=1&"), format!("{url}&x=1")]
            {
                assert_eq!(check(&changed), Err(VerifyError::Mismatch), "{changed}");
            }
        }
        assert_eq!(check("/users/1.png?w=400"), Err(VerifyError::Missing));
    }

    #[test]
    fn an_end_is_kept() {
        // printf '%s' 'FOO123bar/a.png?expires=1598024587' | md5sum
        let url = "/a.png?expires=1598024587&s=5d28f0ad2b1a545a582557a9480f6bef";
        assert_eq!(check(url), Ok(Some(1_598_024_587)));
        assert_eq!(check(&url.replace("=15", "=16")), Err(VerifyError::Mismatch));
    }

    #[test]
    fn what_is_written_otherwise_is_refused() {
        for changed in [
            ARGUMENTS.replace("s=c7", "s=c"),
            ARGUMENTS.replace("s=c7", "s=cg"),
            ARGUMENTS.replace("s=c7", "s=c7&s=c7"),
            ARGUMENTS.replace("s=c7", "s="),
        ] {
            assert_eq!(check(&changed), Err(VerifyError::Malformed), "{changed}");
        }
        assert_eq!(check(&ARGUMENTS.replace("?w", "\0?w")), Err(VerifyError::Malformed));
    }
}
