//! Google Cloud CDN: the arguments `Expires`, `KeyName` and `Signature`, in this order and last, for
//! one URL; or those with `URLPrefix` in front of them, for all URLs that begin so.
//!
//! The signature is base64url of HMAC-SHA1. For one URL it is over the whole of it up to
//! `&Signature=`, scheme and host included; for a prefix, which is base64url, too, over the text of
//! the three arguments, and other arguments are not signed.
//! The four for a prefix may come as one cookie instead, with `:` between them.
//! <https://cloud.google.com/cdn/docs/using-signed-urls>,
//! <https://cloud.google.com/cdn/docs/using-signed-cookies>

use super::format::{Ability, FormatKey, LinkFormat, find};
use super::url::{Url, decoded, is_plain};
use super::{
    Algorithm, Encoding, Key, LinkRequest, Rules, SignError, SignRequest, ValidityPeriod, Verified,
    VerifyError, parse_time,
};

/// The format.
pub(super) struct Google;

/// The arguments, in their order.
const ARGUMENTS: [&[u8]; 4] = [b"URLPrefix", b"Expires", b"KeyName", b"Signature"];

/// The cookie that holds them.
const COOKIE: &[u8] = b"Cloud-CDN-Cookie";

impl LinkFormat for Google {
    fn name(&self) -> &'static str {
        "google"
    }

    fn place(&self) -> &'static str {
        "last arguments \"Expires\", \"KeyName\" and \"Signature\", or a cookie \"Cloud-CDN-Cookie\""
    }

    fn abilities(&self) -> &'static [Ability] {
        &[Ability::Expiry, Ability::Prefix]
    }

    fn takes_cookies(&self) -> bool {
        true
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::HmacSha1
    }

    fn signs_origin(&self) -> bool {
        true
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        _: Rules,
    ) -> Result<Verified, VerifyError> {
        let url = Url::parse(request.url);
        let cookie = request.only_cookie(&[COOKIE])?;
        // Beside each other, nothing says which of them counts.
        if cookie.is_some() && url.names().any(|name| ARGUMENTS.contains(&name)) {
            return Err(VerifyError::Malformed);
        }
        let GoogleToken { prefix, expires, name, signature, message } = match cookie {
            Some(cookie) => GoogleToken::of_cookie(cookie)?,
            None => GoogleToken::of_url(request.url, &url)?,
        };
        let expires = parse_time(expires).ok_or(VerifyError::Malformed)?;
        // Its padding may come as %3D.
        let tag: [u8; 20] =
            Encoding::Base64url.decode_tag(&decoded(signature)).ok_or(VerifyError::Malformed)?;
        let is_named = |key: &FormatKey| key.id.is_empty() || *key.id == *name;
        if !keys.iter().any(is_named) {
            return Err(VerifyError::NoKey);
        }
        let key = find(keys, |mac, key| is_named(key) && mac.tag(&[&message]).matches(&tag, None))?;
        if let Some(prefix) = prefix {
            let prefix = Encoding::Base64url.decode_all(prefix).ok_or(VerifyError::Malformed)?;
            let whole = [url.origin, url.path].concat();
            let has_path = !Url::parse(&prefix).path.is_empty();
            if !has_path || !is_plain(url.path) || !whole.starts_with(&prefix) {
                return Err(VerifyError::Mismatch);
            }
            request.check_unsigned(&url, &ARGUMENTS)?;
        }
        let validity = ValidityPeriod::until(Some(expires));
        Ok(Verified { key, validity, rate: None })
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let mac = self.mac(key)?;
        let expires = sign_request.expires(self.name())?;
        let origin = sign_request.origin(self.name())?;
        if key.id.is_empty() {
            return Err(SignError::KeyId(self.name()));
        }
        let name = String::from_utf8_lossy(&key.id);
        let fields = format!("Expires={expires}&KeyName={name}");
        let (signed, link) = match sign_request.prefix {
            None => {
                let link = sign_request.with_arguments(&fields);
                (link.clone(), link)
            }
            Some(prefix) => {
                let prefix = Encoding::Base64url.encode(&[origin, prefix.as_bytes()].concat());
                let fields = format!("URLPrefix={prefix}&{fields}");
                let link = sign_request.with_arguments(&fields);
                (fields, link)
            }
        };
        Ok(format!(
            "{link}&Signature={}",
            Encoding::Base64url.encode(&mac.tag(&[signed.as_bytes()]))
        ))
    }
}

/// The fields of a token, and what is signed.
struct GoogleToken<'a> {
    prefix: Option<&'a [u8]>,
    expires: &'a [u8],
    name: &'a [u8],
    signature: &'a [u8],
    message: Vec<u8>,
}

impl<'a> GoogleToken<'a> {
    fn of_cookie(cookie: &'a [u8]) -> Result<GoogleToken<'a>, VerifyError> {
        let fields: Vec<_> = cookie.split(|&byte| byte == b':').collect();
        let mut values = [&b""[..]; ARGUMENTS.len()];
        if fields.len() != values.len() {
            return Err(VerifyError::Malformed);
        }
        for ((value, field), name) in values.iter_mut().zip(&fields).zip(ARGUMENTS) {
            let given = field.strip_prefix(name).and_then(|given| given.strip_prefix(b"="));
            *value = given.ok_or(VerifyError::Malformed)?;
        }
        let [prefix, expires, name, signature] = values;
        let message = fields.get(..ARGUMENTS.len() - 1).unwrap_or_default().join(&b':');
        Ok(GoogleToken { prefix: Some(prefix), expires, name, signature, message })
    }

    fn of_url(whole: &[u8], url: &Url<'a>) -> Result<GoogleToken<'a>, VerifyError> {
        let only = |name: &[u8]| url.only_argument(&[name]);
        let signature = only(b"Signature")?.ok_or(VerifyError::Missing)?;
        let expires = only(b"Expires")?.ok_or(VerifyError::Malformed)?;
        let name = only(b"KeyName")?.ok_or(VerifyError::Malformed)?;
        let prefix = only(b"URLPrefix")?;
        let parts: Vec<_> = url.query.split(|&byte| byte == b'&').collect();
        let count = if prefix.is_some() { ARGUMENTS.len() } else { ARGUMENTS.len() - 1 };
        let wanted = ARGUMENTS.get(ARGUMENTS.len() - count..).unwrap_or_default();
        let at = parts.windows(count).position(|parts| {
            parts.iter().zip(wanted).all(|(part, name)| {
                part.strip_prefix(*name).is_some_and(|value| value.starts_with(b"="))
            })
        });
        let at = at.ok_or(VerifyError::Malformed)?;
        let own = parts.get(at..at + count).unwrap_or_default();
        let message = match prefix {
            Some(_) => own.get(..count - 1).unwrap_or_default().join(&b'&'),
            // Nothing would sign what stands behind.
            None if at + count != parts.len() => return Err(VerifyError::Malformed),
            None => {
                let end = whole.len() - own.last().map_or(0, |last| last.len() + 1);
                whole.get(..end).unwrap_or_default().to_vec()
            }
        };
        Ok(GoogleToken { prefix, expires, name, signature, message })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use crate::link::third_party::tests::{key, verify_by, verify_with};
    use crate::link::{
        Algorithm, Encoding, Key, LinkRequest, Mac, Rules, SignRequest, ThirdParty,
        ThirdPartyFormat, Unsigned, ValidityPeriod, VerifyError,
    };

    /// Made by the snippets of Google's documentation, `sign_url` and `sign_url_prefix`.
    const KEY: &str = "base64:wpLL7f4VB9RNe_WI0BBGmA==";
    const URL: &str = "https://media.example.com/a/b.jpg?w=1&Expires=1900000000&KeyName=my-key\
        &Signature=O03OIFqX4d3A3h5CMTFGF_fK_M4=";
    const PREFIX: &str = "https://media.example.com/a/b.jpg\
        ?URLPrefix=aHR0cHM6Ly9tZWRpYS5leGFtcGxlLmNvbS9hLw==&Expires=1900000000&KeyName=my-key\
        &Signature=_i8BiR3RpRp_ZvCTkD3ziIvcBQ0=";

    fn check(url: &str) -> Result<Option<u64>, VerifyError> {
        let keys = [key("other", ""), key(KEY, "").with_id(b"my-key").unwrap()];
        let found = verify_by(Rules::default(), ThirdPartyFormat::Google, &keys, url, "")?;
        assert_eq!(found.key, 1);
        Ok(found.validity.expires)
    }

    #[test]
    fn links_of_the_documentation() {
        let until = Ok(Some(1_900_000_000));
        assert_eq!(check(URL), until);
        assert_eq!(check(PREFIX), until);
        assert_eq!(check(&PREFIX.replace("b.jpg", "c/d.jpg")), until);
        assert_eq!(check(&PREFIX.replace("?", "?w=1&")), until);
        assert_eq!(check(&format!("{PREFIX}&w=1")), until);
        for changed in [
            URL.replace("w=1", "w=2"),
            URL.replace("b.jpg", "c.jpg"),
            URL.replace("https", "http"),
            URL.replace("media", "other"),
            URL.replace("=19", "=20"),
            PREFIX.replace("/a/b", "/b/b"),
            PREFIX.replace("/a/b", "/a/../b"),
            PREFIX.replace("/a/b", "/a/%2e%2e/b"),
            PREFIX.replace("//media", "//other"),
            PREFIX.replace("=19", "=20"),
        ] {
            assert_eq!(check(&changed), Err(VerifyError::Mismatch), "{changed}");
        }
    }

    #[test]
    fn arguments_have_an_order() {
        for changed in [
            format!("{URL}&w=1"),
            URL.replace("&KeyName=my-key", ""),
            URL.replace("Expires=1900000000&KeyName=my-key", "KeyName=my-key&Expires=1900000000"),
            URL.replace("Expires=1900000000", "Expires=1900000000&Expires=1900000000"),
            PREFIX.replace("&Expires", "&w=1&Expires"),
            PREFIX.replace("?URLPrefix=", "?URLPrefix=aA==&URLPrefix="),
            URL.replace("Expires=1900000000", "Expires=x"),
        ] {
            assert_eq!(check(&changed), Err(VerifyError::Malformed), "{changed}");
        }
        assert_eq!(check("https://h/a?Expires=1&KeyName=k"), Err(VerifyError::Missing));
    }

    #[test]
    fn padding_may_be_escaped() {
        assert!(check(&URL.replace("M4=", "M4%3D")).is_ok());
        assert!(check(&PREFIX.replace("BQ0=", "BQ0%3d")).is_ok());
        assert!(check(&URL.replace("M4=", "M4%3D%3D")).is_err());
    }

    #[test]
    fn a_token_may_be_a_cookie() {
        let fields = "URLPrefix=aHR0cHM6Ly9tZWRpYS5leGFtcGxlLmNvbS9hLw==:Expires=1900000000\
            :KeyName=my-key";
        let mac = Mac::new(Algorithm::HmacSha1, &key(KEY, "").secret).unwrap();
        let tag = Encoding::Base64url.encode(&mac.tag(&[fields.as_bytes()]));
        let cookie = format!("Cloud-CDN-Cookie={fields}:Signature={tag}=");
        let keys = [key(KEY, "").with_id(b"my-key").unwrap()];
        let check = |cookies: &str, url: &str| {
            verify_with(cookies, ThirdPartyFormat::Google, &keys, url)
                .map(|found| found.validity.expires)
        };
        let url = "https://media.example.com/a/b.jpg";
        let until = Ok(Some(1_900_000_000));
        assert_eq!(check(&cookie, url), until);
        assert_eq!(check(&format!("a=b; {cookie}; c=d"), &format!("{url}?w=1")), until);
        for (cookies, url) in [
            (format!("{cookie}; {cookie}"), url.to_owned()),
            (cookie.clone(), URL.to_owned()),
            (cookie.clone(), format!("{url}?Expires=1")),
            (cookie.replace(":Expires", ":w=1:Expires"), url.to_owned()),
            (cookie.replace(":KeyName=my-key", ""), url.to_owned()),
            (cookie.replace("=19", "=x19"), url.to_owned()),
            ("Cloud-CDN-Cookie=".to_owned(), url.to_owned()),
        ] {
            assert_eq!(check(&cookies, &url), Err(VerifyError::Malformed), "{cookies} {url}");
        }
        for (cookies, url) in [
            (cookie.replace("=19", "=20"), url.to_owned()),
            (cookie.clone(), url.replace("/a/", "/b/")),
            (cookie.clone(), url.replace("/a/", "/a/../")),
            (cookie.clone(), url.replace("media", "other")),
        ] {
            assert_eq!(check(&cookies, &url), Err(VerifyError::Mismatch), "{cookies} {url}");
        }
        assert_eq!(check("a=b", url), Err(VerifyError::Missing));
    }

    #[test]
    fn a_key_is_found_by_its_name() {
        let keys = [key(KEY, "").with_id(b"another").unwrap()];
        let found = verify_by(Rules::default(), ThirdPartyFormat::Google, &keys, URL, "");
        assert_eq!(found, Err(VerifyError::NoKey));
    }

    #[test]
    fn a_prefix_has_a_path_and_signs_no_other_arguments() {
        let key: Key = key(KEY, "").with_id(b"my-key").unwrap();
        let validity = ValidityPeriod { not_before: None, expires: Some(1_900_000_000) };
        let sign = |url, prefix| {
            SignRequest { url, validity, address: None, prefix, made: 0 }
                .sign(ThirdPartyFormat::Google, &key)
        };
        let link = sign("https://media.example.com/a/b.jpg?w=1", None).unwrap();
        assert_eq!(link, URL.trim_end_matches('='));
        let link = sign("https://media.example.com/a/b.jpg", Some("/a/")).unwrap();
        assert!(link.starts_with("https://media.example.com/a/b.jpg?URLPrefix=aHR0"), "{link}");
        assert_eq!(check(&link), Ok(Some(1_900_000_000)));
        let third_party =
            ThirdParty::new(ThirdPartyFormat::Google, std::slice::from_ref(&key), Rules::default())
                .unwrap();
        let url = format!("{link}&w=5000");
        let request = LinkRequest {
            url: url.as_bytes(),
            address: b"",
            cookies: b"",
            unsigned: Unsigned::Named(&[]),
        };
        assert_eq!(third_party.verify(&request), Err(VerifyError::Unsigned));
        // A host that goes on otherwise than the signed one.
        let host = Encoding::Base64url.encode(b"https://media.example.com");
        let link = PREFIX.replace("aHR0cHM6Ly9tZWRpYS5leGFtcGxlLmNvbS9hLw==", &host);
        assert!(check(&link).is_err());
    }
}
