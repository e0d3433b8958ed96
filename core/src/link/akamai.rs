//! Akamai EdgeAuth, token 2.0: an argument `hdnts`, `hdnea` or `__token__` with the fields
//! `[ip=ADDRESS~][st=TIME~]exp=TIME~[acl=PATTERN[!PATTERN...]~][id=...~][data=...~]hmac=HEX`.
//!
//! The HMAC-SHA256 is that of the fields before it, and behind them, where there is no `acl`, of
//! `url=` with the path, as it is or escaped as the signers' `escape_early` does it; then of
//! `salt=`, where the key has one. A pattern of `acl` is for the path; `*` stands for any
//! characters, `?` for one. <https://github.com/akamai/EdgeAuth-Token-Python>

use super::foreign::{Keyed, find};
use super::url::{Url, address, fits, is_plain};
use super::{Encoding, Grant, Mac, Reason, Verified, Visit, Window, parse_time};

/// The names of the argument.
const ARGUMENTS: [&[u8]; 3] = [b"hdnts", b"hdnea", b"__token__"];

pub(super) fn verify(keys: &[Keyed], visit: &Visit<'_>) -> Result<Verified, Reason> {
    let url = Url::parse(visit.url);
    let token = ARGUMENTS.iter().find_map(|name| url.argument(name)).ok_or(Reason::Missing)?;
    let at = token.windows(6).rposition(|six| six == b"~hmac=").ok_or(Reason::Malformed)?;
    let (fields, hmac) = token.split_at(at);
    let mut tag = [0; 32];
    let len = Encoding::Hex.decode(hmac.get(6..).unwrap_or_default(), &mut tag);
    if len != Some(tag.len()) {
        return Err(Reason::Malformed);
    }
    let field =
        |name: &[u8]| fields.split(|&byte| byte == b'~').find_map(|field| field.strip_prefix(name));
    let time = |name: &[u8]| match field(name) {
        None => Ok(None),
        Some(digits) => parse_time(digits).map(Some).ok_or(Reason::Malformed),
    };
    let window = Window { not_before: time(b"st=")?, expires: time(b"exp=")? };
    if window.expires.is_none() {
        return Err(Reason::Malformed);
    }

    let key = match field(b"acl=") {
        Some(patterns) => {
            let key =
                find(keys, |mac, key| tag_of(mac, &key.salt, fields, None).matches(&tag, None))?;
            let fitting = is_plain(url.path)
                && patterns.split(|&byte| byte == b'!').any(|pattern| fits(pattern, url.path));
            if !fitting {
                return Err(Reason::Mismatch);
            }
            key
        }
        None => {
            let escaped = escape(url.path);
            find(keys, |mac, key| {
                [url.path, escaped.as_bytes()]
                    .iter()
                    .any(|path| tag_of(mac, &key.salt, fields, Some(path)).matches(&tag, None))
            })?
        }
    };
    match field(b"ip=") {
        Some(ip) if address(ip).is_none_or(|ip| Some(ip) != address(visit.address)) => {
            Err(Reason::Mismatch)
        }
        _ => Ok(Verified { key, window }),
    }
}

/// A link with its token in an argument.
pub(super) fn sign(mac: &Mac, salt: &[u8], grant: &Grant<'_>, expires: u64) -> String {
    let mut fields = Vec::new();
    fields.extend(grant.address.map(|address| format!("ip={address}")));
    fields.extend(grant.window.not_before.map(|start| format!("st={start}")));
    fields.push(format!("exp={expires}"));
    fields.push(match grant.prefix {
        Some(prefix) => format!("acl={prefix}*"),
        None => format!("url={}", String::from_utf8_lossy(Url::parse(grant.url.as_bytes()).path)),
    });
    let token = token(mac, salt, fields.join("~").as_bytes());
    grant.with_arguments(&format!("hdnts={token}"))
}

/// What is signed in place of a path that is no pattern, so that the token holds the fields and
/// not the path.
const URL: &[u8] = b"~url=";

/// The token for fields, which may end in `~url=PATH`.
pub(super) fn token(mac: &Mac, salt: &[u8], fields: &[u8]) -> String {
    let at = fields.windows(URL.len()).position(|part| part == URL).unwrap_or(fields.len());
    let (shown, _) = fields.split_at(at);
    let tag = tag_of(mac, salt, fields, None);
    format!("{}~hmac={}", String::from_utf8_lossy(shown), Encoding::Hex.encode(&tag))
}

fn tag_of(mac: &Mac, salt: &[u8], fields: &[u8], path: Option<&[u8]>) -> super::Tag {
    let (url, path) = path.map_or((&b""[..], &b""[..]), |path| (URL, path));
    let salting: &[u8] = if salt.is_empty() { b"" } else { b"~salt=" };
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
mod tests {
    use super::super::foreign::tests::{key, verify};
    use super::super::{Format, Reason, Window};
    use super::escape;

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

    fn check(token: &str, path: &str) -> Result<Window, Reason> {
        let url = format!("{path}?a=b&hdnts={token}");
        verify(Format::Akamai, &[key(KEY, "")], &url, "").map(|found| found.window)
    }

    #[test]
    fn patterns() {
        let window = Window { not_before: Some(1_500_000_000), expires: Some(2_000_000_000) };
        assert_eq!(check(PATTERN, "/gallery/1/a.jpg"), Ok(window));
        assert!(check(PATTERNS, "/a/b/c").is_ok());
        assert!(check(PATTERNS, "/b/1.jpg").is_ok());
        for path in ["/", "/gallery", "/gallery/../x", "/gallery/%2e%2e/x", "/gallery//x"] {
            assert_eq!(check(PATTERN, path), Err(Reason::Mismatch), "{path}");
        }
        assert_eq!(check(PATTERNS, "/b/12.jpg"), Err(Reason::Mismatch));
        assert_eq!(check(&PATTERN.replace("2000", "2001"), "/gallery/a"), Err(Reason::Mismatch));
        assert_eq!(
            check(&PATTERN.replace("/gallery/*", "/*"), "/gallery/a"),
            Err(Reason::Mismatch)
        );
    }

    #[test]
    fn whole_paths() {
        assert!(check(URL, "/akamai/edge.jpg").is_ok());
        assert_eq!(check(URL, "/akamai/edge2.jpg"), Err(Reason::Mismatch));
        assert!(check(ESCAPED, "/akamai/edge auth.jpg").is_ok());
        assert_eq!(escape("/a b/\u{e9}-_.".as_bytes()), "%2fa+b%2f%c3%a9-_.");
    }

    #[test]
    fn salt_and_address() {
        let keys = [key(KEY, "pepper")];
        let from = |address| {
            verify(Format::Akamai, &keys, &format!("/x?__token__={ADDRESS}"), address).map(|_| ())
        };
        assert_eq!(from("192.0.2.7"), Ok(()));
        assert_eq!(from("192.0.2.8"), Err(Reason::Mismatch));
        assert_eq!(from(""), Err(Reason::Mismatch));
        assert_eq!(check(ADDRESS, "/x"), Err(Reason::Mismatch));
    }

    #[test]
    fn what_is_no_token() {
        assert_eq!(verify(Format::Akamai, &[key(KEY, "")], "/gallery/a", ""), Err(Reason::Missing));
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
            assert_eq!(check(&token, "/gallery/a"), Err(Reason::Malformed), "{token}");
        }
    }
}
