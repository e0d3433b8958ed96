//! CDN77's secure token, in both of its places: as an argument, `?secure=TOKEN,EXPIRY`, for one path,
//! or as the first segment of the path, `/TOKEN,EXPIRY/folder/file`, for all that is in a folder. The
//! token is base64url, with its padding, of the MD5 of expiry, path and key, one behind the other; the path of
//! a folder has no slash at its end. Without an expiry a link is valid for ever. Other arguments are not signed.
//! <https://client.cdn77.com/support/knowledgebase/security-measures/secure-token>

use super::format::{Ability, FormatKey, LinkFormat, Secret, find_hashed};
use super::mac::md5;
use super::url::{Url, is_plain};
use super::validity::parse_time_of_ten;
use super::{
    Encoding, Key, KeyError, LinkRequest, Rules, SignError, SignRequest, ValidityPeriod, Verified,
    VerifyError, decoded,
};

/// The format.
pub(super) struct Cdn77;

const ARGUMENT: &[u8] = b"secure";
/// How deep a folder may be.
const DEEPEST: usize = 32;

impl LinkFormat for Cdn77 {
    fn name(&self) -> &'static str {
        "cdn77"
    }

    fn place(&self) -> &'static str {
        "token in an argument \"secure\", or in the first segment of the path"
    }

    fn abilities(&self) -> &'static [Ability] {
        &[Ability::Expiry, Ability::Prefix]
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
        let argument = url.only_argument(&[ARGUMENT])?;
        let segment = url.first_segment().and_then(|(first, rest)| {
            // Only with its padding: a folder may have a name like the rest.
            let first = decoded(first);
            let is_padded = memchr::memmem::find(&first, b"==").is_some();
            Some((Token::parse(&first).filter(|_| is_padded)?, rest))
        });
        let (token, key) = match (argument, segment) {
            (Some(argument), None) => {
                let token = Token::parse(&decoded(argument)).ok_or(VerifyError::Malformed)?;
                let key = find_hashed(keys, |secret| token.is_of(url.path, secret))?;
                (token, key)
            }
            (None, Some((token, path))) => {
                // The folder that was signed is one above the file.
                let folders: Vec<&[u8]> = folders(path).take(DEEPEST + 1).collect();
                if !is_plain(path) || folders.len() > DEEPEST {
                    return Err(VerifyError::Malformed);
                }
                let is_of = |secret: &[u8]| folders.iter().any(|path| token.is_of(path, secret));
                let key = find_hashed(keys, is_of)?;
                (token, key)
            }
            (None, None) => return Err(VerifyError::Missing),
            (Some(_), Some(_)) => return Err(VerifyError::Malformed),
        };
        request.check_unsigned(&url, &[ARGUMENT])?;
        Ok(Verified { key, validity: ValidityPeriod::until(token.expires), rate: None })
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let expires = sign_request.validity.expires;
        let digits = expires.map(|expires| expires.to_string()).unwrap_or_default();
        if !digits.is_empty() && parse_time_of_ten(digits.as_bytes()).is_none() {
            return Err(SignError::Unsupported(self.name(), "such a time"));
        }
        let token = |path: &[u8]| {
            let tag = md5(&[digits.as_bytes(), path, &key.secret]);
            // That is the padding of sixteen bytes.
            let token = format!("{}==", Encoding::Base64url.encode(&tag));
            if digits.is_empty() { token } else { format!("{token},{digits}") }
        };
        let path = Url::parse(sign_request.url.as_bytes()).path;
        let Some(prefix) = sign_request.prefix else {
            return Ok(sign_request.with_arguments(&format!("secure={}", token(path))));
        };
        // A folder, as a link has it.
        let folder = prefix.strip_suffix('/').filter(|folder| folder.len() > 1);
        let folder =
            folder.ok_or(SignError::Unsupported(self.name(), "a prefix that is no folder"))?;
        if !path.starts_with(prefix.as_bytes()) {
            return Err(SignError::Unsupported(self.name(), "a path that is not below the prefix"));
        }
        Ok(sign_request.in_path(|_| token(folder.as_bytes())))
    }
}

/// `TOKEN` or `TOKEN,EXPIRY`.
struct Token {
    tag: [u8; 16],
    digits: Vec<u8>,
    expires: Option<u64>,
}

impl Token {
    fn parse(text: &[u8]) -> Option<Token> {
        let (token, digits) = match memchr::memchr(b',', text) {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?),
            None => (text, &[][..]),
        };
        let expires = match memchr::memchr(b',', text) {
            // A fixed number of digits, so that none of them can be another's.
            Some(_) => Some(parse_time_of_ten(digits)?),
            None => None,
        };
        let tag = Encoding::Base64url.decode_tag(token)?;
        Some(Token { tag, digits: digits.to_vec(), expires })
    }

    fn is_of(&self, path: &[u8], secret: &[u8]) -> bool {
        md5(&[&self.digits, path, secret]).matches(&self.tag, None)
    }
}

/// The folders that a path is in, the nearest first, without the slash at their end; not the root.
fn folders(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.get(..rest.iter().rposition(|&byte| byte == b'/')?)?;
        (!rest.is_empty()).then_some(rest)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::link::ThirdPartyFormat;
    use crate::link::third_party::tests::{key, verify};

    /// The example of its documentation.
    const LINK: &str = "/images/photo.png?secure=kaGd_cu6Iy4LDgfX3jy5Rw==,1333497600";
    /// printf '%s' '1900000000/a/bl33tf0olol' | openssl md5 -binary | basenc --base64url
    const FOLDER: &str = "72bJDllJvUh-wmV5TGEtLw==,1900000000";

    fn check(url: &str) -> Result<Option<u64>, VerifyError> {
        let keys = [key("other", ""), key("l33tf0olol", "")];
        let found = verify(ThirdPartyFormat::Cdn77, &keys, url, "")?;
        assert_eq!(found.key, 1);
        Ok(found.validity.expires)
    }

    #[test]
    fn the_link_of_the_documentation() {
        assert_eq!(check(LINK), Ok(Some(1_333_497_600)));
        assert_eq!(check(&LINK.replace("==,", "%3D%3D%2C")), Ok(Some(1_333_497_600)));
        assert_eq!(check(&LINK.replace("==,", ",")), Ok(Some(1_333_497_600)));
        assert_eq!(check(&format!("{LINK}&w=1")), Ok(Some(1_333_497_600)));
        for (from, to) in
            [("photo", "photos"), (",1333", ",1433"), ("kaGd", "laGd"), ("/images", "/images/x/..")]
        {
            let changed = LINK.replace(from, to);
            assert_eq!(check(&changed), Err(VerifyError::Mismatch), "{changed}");
        }
        for (from, to) in [
            (",1333497600", ",133349760"),
            (",1333497600", ",01333497600"),
            (",1333497600", ","),
            (",1333497600", ",1333497600,"),
            ("kaGd", "kaG"),
            ("secure=", "secure=a&secure="),
        ] {
            let changed = LINK.replace(from, to);
            assert_eq!(check(&changed), Err(VerifyError::Malformed), "{changed}");
        }
        // Without the expiry it is another message.
        assert_eq!(check(&LINK.replace(",1333497600", "")), Err(VerifyError::Mismatch));
        assert_eq!(check("/images/photo.png"), Err(VerifyError::Missing));
    }

    #[test]
    fn folders_and_what_is_below_them() {
        let link = |path: &str| check(&format!("/{FOLDER}{path}"));
        for path in ["/a/b/c.jpg", "/a/b/c/d/e.ts", "/a/b/", "/a/b/c.jpg?w=1"] {
            assert_eq!(link(path), Ok(Some(1_900_000_000)), "{path}");
        }
        for path in ["/a/c.jpg", "/a/b", "/a/bc/d", "/x/a/b/c", "/"] {
            assert_eq!(link(path), Err(VerifyError::Mismatch), "{path}");
        }
        for path in ["/a/b/../c", "/a/b/%2e%2e/c", "/a//b/c"] {
            assert!(link(path).is_err(), "{path}");
        }
        assert_eq!(link(&"/a".repeat(40)), Err(VerifyError::Malformed));
        // A folder of such a name, and both places.
        let name = "/kaGd_cu6Iy4LDgfX3jy5Rw/photo.png";
        assert_eq!(check(name), Err(VerifyError::Missing));
        let both = format!("/{FOLDER}/a/b/c?secure=kaGd_cu6Iy4LDgfX3jy5Rw==,1333497600");
        assert_eq!(check(&both), Err(VerifyError::Malformed));
    }

    #[test]
    fn what_is_signed_is_taken() {
        let sign = |url, expires, prefix| {
            let validity = ValidityPeriod::until(expires);
            let request = SignRequest { url, validity, address: None, prefix, made: 0 };
            request.sign(ThirdPartyFormat::Cdn77, &key("l33tf0olol", ""))
        };
        assert_eq!(sign("/images/photo.png", Some(1_333_497_600), None).unwrap(), LINK);
        let endless = sign("/images/photo.png?w=1", None, None).unwrap();
        assert_eq!(check(&endless), Ok(None));
        let folder = sign("https://h/a/b/c.jpg?w=1", Some(1_900_000_000), Some("/a/b/")).unwrap();
        assert_eq!(folder, format!("https://h/{FOLDER}/a/b/c.jpg?w=1"));
        assert_eq!(check(&folder), Ok(Some(1_900_000_000)));
        for prefix in ["/", "/a/b", "/x/"] {
            assert!(sign("/a/b/c.jpg", None, Some(prefix)).is_err(), "{prefix}");
        }
        assert!(sign("/a", Some(5), None).is_err());
    }
}
