//! Akamai EdgeAuth, token 2.0: an argument or a cookie `hdnts`, `hdnea` or `__token__` with the fields
//! `[ip=ADDRESS~][st=TIME~]exp=TIME~[acl=PATTERN[!PATTERN...]~][id=...~][data=...~]hmac=HEX`.
//!
//! The HMAC-SHA256 is that of the fields before it, and behind them, where there is no `acl`, of
//! `url=` with the path, as it is or escaped as the signers' `escape_early` does it; then of
//! `salt=`, where the key has one. A pattern of `acl` is for the path; `*` stands for any
//! characters, `?` for one. Other arguments are not signed.
//! <https://github.com/akamai/EdgeAuth-Token-Python>
//!
//! Each field stands once, and none but those: `url=` in sight would be a path of the client's
//! choice, and where a field stands twice, another reader might take the other one.

use super::format::{Ability, FormatKey, LinkFormat, find};
use super::url::{Url, address, decoded, glob_matches, is_plain};
use super::{
    Encoding, Key, LinkRequest, Mac, Rules, SignError, SignRequest, ValidityPeriod, Verified,
    VerifyError, parse_time,
};

/// The format.
pub(super) struct Akamai;

impl LinkFormat for Akamai {
    fn name(&self) -> &'static str {
        "akamai"
    }

    fn place(&self) -> &'static str {
        "token in an argument or a cookie \"hdnts\", \"hdnea\" or \"__token__\""
    }

    fn cookies(&self) -> &'static [(&'static str, &'static str)] {
        &[("hdnts", "hdnts"), ("hdnea", "hdnea"), ("__token__", "__token__")]
    }

    fn has_salt(&self) -> bool {
        true
    }

    fn abilities(&self) -> &'static [Ability] {
        &Ability::ALL
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        _: Rules,
    ) -> Result<Verified, VerifyError> {
        verify(keys, request)
    }

    fn token(&self, mac: &Mac, salt: &[u8], message: &[u8]) -> Option<String> {
        Some(token(mac, salt, message))
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let mac = self.mac(key)?;
        let expires = sign_request.expires(self.name())?;
        Ok(sign(&mac, &key.salt, sign_request, expires))
    }
}

/// The names of the argument.
const ARGUMENTS: [&[u8]; 3] = [b"hdnts", b"hdnea", b"__token__"];

/// The fields of a token, but for the one behind them all.
#[derive(Default)]
struct TokenFields<'a> {
    ip: Option<&'a [u8]>,
    st: Option<&'a [u8]>,
    exp: Option<&'a [u8]>,
    acl: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    data: Option<&'a [u8]>,
}

impl<'a> TokenFields<'a> {
    fn parse(text: &'a [u8]) -> Option<TokenFields<'a>> {
        let mut fields = TokenFields::default();
        for field in text.split(|&byte| byte == b'~') {
            let (name, value) = field.split_at(memchr::memchr(b'=', field)?);
            let slot = match name {
                b"ip" => &mut fields.ip,
                b"st" => &mut fields.st,
                b"exp" => &mut fields.exp,
                b"acl" => &mut fields.acl,
                b"id" => &mut fields.id,
                b"data" => &mut fields.data,
                _ => return None,
            };
            if slot.replace(value.get(1..)?).is_some() {
                return None;
            }
        }
        Some(fields)
    }

    fn validity(&self) -> Option<ValidityPeriod> {
        let not_before = match self.st {
            None => None,
            Some(digits) => Some(parse_time(digits)?),
        };
        Some(ValidityPeriod { not_before, expires: Some(parse_time(self.exp?)?) })
    }
}

fn verify(keys: &[FormatKey], request: &LinkRequest<'_>) -> Result<Verified, VerifyError> {
    let url = Url::parse(request.url);
    let token = match (url.only_argument(&ARGUMENTS)?, request.only_cookie(&ARGUMENTS)?) {
        (Some(token), None) | (None, Some(token)) => token,
        (None, None) => return Err(VerifyError::Missing),
        (Some(_), Some(_)) => return Err(VerifyError::Malformed),
    };
    let verified = match (check(keys, request, &url, token), decoded(token)) {
        // Fields may hold escapes that are signed, or the whole token may have been escaped.
        (Err(_), decoded) if *decoded != *token => check(keys, request, &url, &decoded)?,
        (found, _) => found?,
    };
    request.check_unsigned(&url, &ARGUMENTS)?;
    Ok(verified)
}

fn check(
    keys: &[FormatKey],
    request: &LinkRequest<'_>,
    url: &Url<'_>,
    token: &[u8],
) -> Result<Verified, VerifyError> {
    let at = memchr::memmem::rfind(token, b"~hmac=").ok_or(VerifyError::Malformed)?;
    let (text, hmac) = token.split_at(at);
    let hmac = hmac.get(6..).unwrap_or_default();
    let tag: [u8; 32] = Encoding::Hex.decode_tag(hmac).ok_or(VerifyError::Malformed)?;
    let fields = TokenFields::parse(text).ok_or(VerifyError::Malformed)?;
    let validity = fields.validity().ok_or(VerifyError::Malformed)?;

    let key = match fields.acl {
        Some(patterns) => {
            let key =
                find(keys, |mac, key| tag_of(mac, &key.salt, text, None).matches(&tag, None))?;
            let fitting = is_plain(url.path)
                && patterns
                    .split(|&byte| byte == b'!')
                    .any(|pattern| glob_matches(pattern, url.path));
            if !fitting {
                return Err(VerifyError::Mismatch);
            }
            key
        }
        // It would be the salt of another key.
        None if memchr::memmem::find(url.path, SALT).is_some() => {
            return Err(VerifyError::Malformed);
        }
        None => {
            let escaped = escape(url.path);
            find(keys, |mac, key| {
                [url.path, escaped.as_bytes()]
                    .iter()
                    .any(|path| tag_of(mac, &key.salt, text, Some(path)).matches(&tag, None))
            })?
        }
    };
    match fields.ip.map(|ip| address(&decoded(ip))) {
        Some(ip) if ip.is_none() || ip != address(request.address) => Err(VerifyError::Mismatch),
        _ => Ok(Verified { key, validity, rate: None }),
    }
}

/// A link with its token in an argument.
fn sign(mac: &Mac, salt: &[u8], sign_request: &SignRequest<'_>, expires: u64) -> String {
    let mut fields = Vec::new();
    fields.extend(sign_request.address.map(|address| format!("ip={}", address.to_canonical())));
    fields.extend(sign_request.validity.not_before.map(|start| format!("st={start}")));
    fields.push(format!("exp={expires}"));
    fields.push(match sign_request.prefix {
        Some(prefix) => format!("acl={prefix}*"),
        None => {
            format!("url={}", String::from_utf8_lossy(Url::parse(sign_request.url.as_bytes()).path))
        }
    });
    let token = token(mac, salt, fields.join("~").as_bytes());
    sign_request.with_arguments(&format!("hdnts={token}"))
}

/// What is signed in place of a path that is no pattern, so that the token holds the fields and
/// not the path.
const URL: &[u8] = b"~url=";
/// What stands before the salt of a key.
const SALT: &[u8] = b"~salt=";

/// The token for fields, which may end in `~url=PATH`.
fn token(mac: &Mac, salt: &[u8], fields: &[u8]) -> String {
    let at = fields.windows(URL.len()).position(|part| part == URL).unwrap_or(fields.len());
    let (shown, _) = fields.split_at(at);
    let tag = tag_of(mac, salt, fields, None);
    format!("{}~hmac={}", String::from_utf8_lossy(shown), Encoding::Hex.encode(&tag))
}

fn tag_of(mac: &Mac, salt: &[u8], fields: &[u8], path: Option<&[u8]>) -> super::Tag {
    let (url, path) = path.map_or((&b""[..], &b""[..]), |path| (URL, path));
    let salting: &[u8] = if salt.is_empty() { b"" } else { SALT };
    mac.tag(&[fields, url, path, salting, salt])
}

/// As form data, but in lower-case hexadecimal.
fn escape(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    for &byte in path {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::escape;
    use crate::link::third_party::tests::{key, verify, verify_with};
    use crate::link::{Algorithm, Encoding, Mac, ThirdPartyFormat, ValidityPeriod, VerifyError};

    const KEY: &str = "hex:52a152a152a152a152a152a152a1";

    /// Tokens made by akamai-edgeauth 0.3.2 (EdgeAuth-Token-Python), `generate_acl_token` and
    /// `generate_url_token`.
    const PATTERN: &str = "st=1500000000~exp=2000000000~acl=/gallery/*~hmac=\
        bc20b1e411c342234705591b79f082595dabb6e88a2bef7e38b1150b35183706";
    const PATTERNS: &str = "exp=2000000000~acl=/a/*!/b/?.jpg~hmac=\
        11f9eee7573534ff6f928d9e13390d4dc6d5a7abe25d7d872349300c53496ff5";
    const ESCAPED: &str =
        "exp=2000000000~hmac=08afcd3e3b5e352953396dc9cc5335e27677606a74744b2be052b5ee58404b5d";
    const URL: &str =
        "exp=2000000000~hmac=8efc9c30d35b46cd7183ea7b3b348adce6a6c2429c203c499a53aa36274fe91e";
    const ADDRESS: &str = "ip=192.0.2.7~exp=2000000000~acl=/*~id=s-1~data=d~hmac=\
        9c264670e12a9a1cd31556a42ab8c278f7029a56d028958eb237ce51c3b76f50";

    fn check(token: &str, path: &str) -> Result<ValidityPeriod, VerifyError> {
        let url = format!("{path}?a=b&hdnts={token}");
        verify(ThirdPartyFormat::Akamai, &[key(KEY, "")], &url, "").map(|found| found.validity)
    }

    #[test]
    fn patterns() {
        let validity =
            ValidityPeriod { not_before: Some(1_500_000_000), expires: Some(2_000_000_000) };
        assert_eq!(check(PATTERN, "/gallery/1/a.jpg"), Ok(validity));
        assert!(check(PATTERNS, "/a/b/c").is_ok());
        assert!(check(PATTERNS, "/b/1.jpg").is_ok());
        for path in ["/", "/gallery", "/gallery/../x", "/gallery/%2e%2e/x", "/gallery//x"] {
            assert_eq!(check(PATTERN, path), Err(VerifyError::Mismatch), "{path}");
        }
        assert_eq!(check(PATTERNS, "/b/12.jpg"), Err(VerifyError::Mismatch));
        assert_eq!(
            check(&PATTERN.replace("2000", "2001"), "/gallery/a"),
            Err(VerifyError::Mismatch)
        );
        assert_eq!(
            check(&PATTERN.replace("/gallery/*", "/*"), "/gallery/a"),
            Err(VerifyError::Mismatch)
        );
    }

    #[test]
    fn whole_paths() {
        assert!(check(URL, "/akamai/edge.jpg").is_ok());
        assert_eq!(check(URL, "/akamai/edge2.jpg"), Err(VerifyError::Mismatch));
        assert!(check(ESCAPED, "/akamai/edge auth.jpg").is_ok());
        assert_eq!(escape("/a b/\u{e9}-_.".as_bytes()), "%2fa+b%2f%c3%a9-_.");
    }

    #[test]
    fn salt_and_address() {
        let keys = [key(KEY, "pepper")];
        let from = |address| {
            verify(ThirdPartyFormat::Akamai, &keys, &format!("/x?__token__={ADDRESS}"), address)
                .map(|_| ())
        };
        assert_eq!(from("192.0.2.7"), Ok(()));
        assert_eq!(from("192.0.2.8"), Err(VerifyError::Mismatch));
        assert_eq!(from(""), Err(VerifyError::Mismatch));
        assert_eq!(check(ADDRESS, "/x"), Err(VerifyError::Mismatch));
    }

    /// A token for these fields, and for what stands behind them unseen.
    fn token(fields: &str, rest: &str) -> String {
        let mac = Mac::new(Algorithm::HmacSha256, &key(KEY, "").secret).unwrap();
        let tag = mac.tag(&[fields.as_bytes(), rest.as_bytes()]);
        format!("{fields}~hmac={}", Encoding::Hex.encode(&tag))
    }

    #[test]
    fn fields_are_those_of_the_format_and_once_each() {
        let whole = "ip=192.0.2.7~st=1~exp=2~acl=/*~id=i~data=d";
        assert_eq!(check(&token(whole, ""), "/a"), Err(VerifyError::Mismatch));
        for fields in [
            // A link for a path that holds "~acl=/*", cut elsewhere.
            "exp=2000000000~url=/a~acl=/*",
            "exp=2000000000~acl=/*~url=/a",
            "exp=2000000000~acl=/a~acl=/*",
            "exp=1~exp=2000000000~acl=/*",
            "exp=2000000000~acl=/*~salt=pepper",
            "exp=2000000000~acl=/*~hmac=00",
            "exp=2000000000~acl=/*~Exp=1",
            "exp=2000000000~acl=/*~",
            "~exp=2000000000~acl=/*",
            "exp=2000000000~~acl=/*",
            "exp=2000000000~acl=/*~data",
            "exp=2000000000~acl=/*~ ip=192.0.2.7",
        ] {
            assert_eq!(check(&token(fields, ""), "/a"), Err(VerifyError::Malformed), "{fields}");
        }
        let salted = token("exp=2000000000", "~url=/a~salt=pepper");
        assert_eq!(check(&salted, "/a~salt=pepper"), Err(VerifyError::Malformed));
    }

    #[test]
    fn one_token() {
        for more in ["hdnts=x", "hdnea=", "__token__=x", "__token__"] {
            let url = format!("/gallery/a?hdnts={PATTERN}&{more}");
            let refused =
                verify(ThirdPartyFormat::Akamai, &[key(KEY, "")], &url, "").map(|f| f.validity);
            assert_eq!(refused, Err(VerifyError::Malformed), "{url}");
        }
    }

    #[test]
    fn a_token_may_be_a_cookie() {
        let check = |cookies: &str, url: &str| {
            verify_with(cookies, ThirdPartyFormat::Akamai, &[key(KEY, "")], url).map(|_| ())
        };
        let token = format!("hdnts={PATTERN}");
        for name in ["hdnts", "hdnea", "__token__"] {
            assert_eq!(
                check(&format!("a=b; {name}={PATTERN}; c=d"), "/gallery/a?w=5"),
                Ok(()),
                "{name}"
            );
        }
        assert_eq!(check(&token, "/other/a"), Err(VerifyError::Mismatch));
        assert_eq!(check("hdnts2=x; a=hdnts", "/gallery/a"), Err(VerifyError::Missing));
        for (cookies, url) in [
            (format!("{token}; {token}"), "/gallery/a".to_owned()),
            (format!("{token}; hdnea=x"), "/gallery/a".to_owned()),
            (token.clone(), format!("/gallery/a?{token}")),
            (token.clone(), "/gallery/a?__token__=".to_owned()),
            ("hdnts=".to_owned(), "/gallery/a".to_owned()),
        ] {
            assert_eq!(check(&cookies, &url), Err(VerifyError::Malformed), "{cookies} {url}");
        }
    }

    #[test]
    fn a_token_may_be_escaped() {
        let escaped = PATTERN.replace('=', "%3D").replace('*', "%2a").replace('/', "%2F");
        assert!(check(&escaped, "/gallery/a").is_ok());
        assert_eq!(check(&escaped, "/other/a"), Err(VerifyError::Mismatch));
        assert_eq!(check(&escaped.replace('%', "%25"), "/gallery/a"), Err(VerifyError::Malformed));
        // What signers escape is signed as it stands.
        let fields = "ip=2001%3adb8%3a%3a7~exp=2000000000~acl=/*~id=a%2fb";
        let url = format!("/a?hdnts={}", token(fields, ""));
        let from =
            |address| verify(ThirdPartyFormat::Akamai, &[key(KEY, "")], &url, address).map(|_| ());
        assert_eq!(from("2001:db8::7"), Ok(()));
        assert_eq!(from("2001:db8::8"), Err(VerifyError::Mismatch));
    }

    #[test]
    fn addresses_of_both_kinds() {
        for (ip, address, expected) in [
            ("192.0.2.7", "::ffff:192.0.2.7", Ok(())),
            ("::ffff:192.0.2.7", "192.0.2.7", Ok(())),
            ("::ffff:192.0.2.7", "::ffff:192.0.2.8", Err(VerifyError::Mismatch)),
            ("2001:DB8:0::7", "2001:db8::7", Ok(())),
            ("", "192.0.2.7", Err(VerifyError::Mismatch)),
            ("", "", Err(VerifyError::Mismatch)),
        ] {
            let url = format!("/a?hdnts={}", token(&format!("ip={ip}~exp=2000000000~acl=/*"), ""));
            let found =
                verify(ThirdPartyFormat::Akamai, &[key(KEY, "")], &url, address).map(|_| ());
            assert_eq!(found, expected, "{ip} {address}");
        }
    }

    #[test]
    fn what_is_no_token() {
        assert_eq!(
            verify(ThirdPartyFormat::Akamai, &[key(KEY, "")], "/gallery/a", ""),
            Err(VerifyError::Missing)
        );
        let (_, hmac) = PATTERN.split_once("~hmac=").unwrap_or_default();
        for token in [
            "".to_string(),
            PATTERN.replace("~hmac=", "~"),
            PATTERN.replace("3706", ""),
            PATTERN.replace("exp=2000000000~", ""),
            PATTERN.replace("exp=2", "exp=x"),
            PATTERN.replace("st=1", "st=-1"),
            format!("acl=/*~hmac={hmac}"),
        ] {
            assert_eq!(check(&token, "/gallery/a"), Err(VerifyError::Malformed), "{token}");
        }
    }
}
