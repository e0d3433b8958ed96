//! bunny.net token authentication: arguments `token` and `expires`, or a first segment of the path
//! `bcdn_token=TOKEN&...&expires=TIME`.
//!
//! TOKEN is `HS256-` and base64url of HMAC-SHA256 over the path (`token_path` where there is one),
//! the expiry, the client's address where the token begins with `HS256-1-`, and the other
//! arguments, sorted and decoded; with `token_ignore_params=true` only those that speak of the
//! token. A token without `HS256-` is SHA-256 of the key in front of the same.
//! <https://github.com/BunnyWay/BunnyCDN.TokenAuthentication>
//!
//! `token_countries` and `token_countries_blocked` cannot be kept, so such links are refused;
//! `limit` is not looked at.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::foreign::{Keyed, Secret};
use super::url::{Url, address, arguments, decode, encode, is_plain};
use super::{Encoding, Grant, Mac, Reason, Verified, Visit, Window, parse_time};

const HS256: &[u8] = b"HS256-";

pub(super) fn verify(keys: &[Keyed], visit: &Visit<'_>) -> Result<Verified, Reason> {
    let mut url = Url::parse(visit.url);
    let mut pairs: Vec<(&[u8], &[u8])> = url.arguments().collect();
    let mut name: &[u8] = b"token";
    if let Some((segment, path)) = url.first_segment()
        && segment.starts_with(b"bcdn_token=")
    {
        name = b"bcdn_token";
        url.path = path;
        pairs.extend(arguments(segment));
    }
    let mut take = |name: &[u8]| {
        pairs.iter().position(|(found, _)| *found == name).map(|at| pairs.remove(at).1)
    };
    let token = take(name).ok_or(Reason::Missing)?;
    let expires = take(b"expires").ok_or(Reason::Malformed)?;
    let window = Window { not_before: None, expires: parse_time(expires) };
    if window.expires.is_none() {
        return Err(Reason::Malformed);
    }

    let (hashed, rest) = match token.strip_prefix(HS256) {
        Some(rest) => (true, rest),
        None => (false, token),
    };
    let (bound, rest) = match rest.strip_prefix(b"1-") {
        Some(rest) if hashed => (true, rest),
        _ => (false, rest),
    };
    let mut tag = [0; 66];
    if Encoding::Base64url.decode(rest, &mut tag) != Some(32) {
        return Err(Reason::Malformed);
    }
    let given = tag.get(..32).unwrap_or_default();

    let mut signed = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let value = decode(value).ok_or(Reason::Malformed)?;
        signed.push((decode(name).ok_or(Reason::Malformed)?, value));
    }
    signed.sort();
    let value = |name: &[u8]| signed.iter().find(|(found, _)| found == name).map(|(_, v)| &v[..]);
    if value(b"token_countries").is_some() || value(b"token_countries_blocked").is_some() {
        return Err(Reason::Malformed);
    }
    let prefix = value(b"token_path").map(<[u8]>::to_vec);
    if value(b"token_ignore_params") == Some(b"true") {
        signed.retain(|(name, _)| matches!(&name[..], b"token_path" | b"token_ignore_params"));
    }
    let pairs: Vec<_> = signed.iter().map(|(name, value)| [&name[..], value].join(&b'=')).collect();
    let message = [
        prefix.as_deref().unwrap_or(url.path),
        expires,
        &if bound { packed(address(visit.address).ok_or(Reason::Mismatch)?) } else { Vec::new() },
        &pairs.join(&b'&'),
    ]
    .concat();

    if keys.is_empty() {
        return Err(Reason::NoKey);
    }
    let matches = |key: &Keyed| match &key.secret {
        Secret::Mac { mac, .. } if hashed => mac.tag(&[&message]).matches(given, None),
        Secret::Mac { raw, .. } => {
            let digest = Sha256::new().chain_update(raw).chain_update(&message).finalize();
            bool::from(digest[..].ct_eq(given))
        }
        Secret::Public(_) => false,
    };
    let key = keys.iter().position(matches).ok_or(Reason::Mismatch)?;
    match prefix {
        Some(prefix) if !is_plain(url.path) || !url.path.starts_with(&prefix) => {
            Err(Reason::Mismatch)
        }
        _ => Ok(Verified { key, window }),
    }
}

/// An address as its bytes; of an IPv6 address the network counts, the first 64 bits.
fn packed(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            network.to_be_bytes().to_vec()
        }
    }
}

/// A link with its token in an argument; `None` where the arguments are not well escaped.
pub(super) fn sign(mac: &Mac, grant: &Grant<'_>, expires: u64) -> Option<String> {
    let Url { origin, path, query } = Url::parse(grant.url.as_bytes());
    let mut query = String::from_utf8_lossy(query).into_owned();
    if let Some(prefix) = grant.prefix {
        let separator = if query.is_empty() { "" } else { "&" };
        query.push_str(&format!("{separator}token_path={}", encode(prefix.as_bytes())));
    }
    let mut signed = arguments(query.as_bytes())
        .map(|(name, value)| Some((decode(name)?, decode(value)?)))
        .collect::<Option<Vec<_>>>()?;
    signed.sort();
    let pairs: Vec<_> = signed.iter().map(|(name, value)| [&name[..], value].join(&b'=')).collect();
    let message = [
        grant.prefix.map_or(path, str::as_bytes),
        expires.to_string().as_bytes(),
        &grant.address.map(packed).unwrap_or_default(),
        &pairs.join(&b'&'),
    ]
    .concat();
    let tag = Encoding::Base64url.encode(&mac.tag(&[&message]));
    let bound = if grant.address.is_some() { "1-" } else { "" };
    let separator = if query.is_empty() { "" } else { "&" };
    let url = String::from_utf8_lossy(&[origin, path].concat()).into_owned();
    Some(format!("{url}?token=HS256-{bound}{tag}{separator}{query}&expires={expires}"))
}

pub(super) fn token(mac: &Mac, message: &[u8]) -> String {
    format!("HS256-{}", Encoding::Base64url.encode(&mac.tag(&[message])))
}

#[cfg(test)]
mod tests {
    use super::super::foreign::tests::{key, verify};
    use super::super::{Format, Reason};

    /// The key and links of BunnyWay's e2e/inputs.json and e2e/vectors.json.
    const KEY: &str = "SecurityKey";
    const PLAIN: &str =
        "/300kb.jpg?token=HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4&expires=1598024587";
    const COUNTRIES: &str = "/300kb.jpg?token=HS256-i5s3Uv7mnrFfN5nznwU2BxhILpnipYeE18TapV0WNFM\
        &token_countries=CA%2CUS&expires=1598024587";
    const PATH: &str = "/abc/300kb.jpg?token=HS256-uVZvT3SbEoVKYJyDJgbcsDmSFf73cv-uNUVaJiKWpbQ\
        &token_path=%2Fabc&expires=1598024587";
    const IGNORE: &str = "/300kb.jpg?token=HS256-1lwWBD_c1IAGSj1UKPoxreu8ePDQ-Z9FoWLcRn_RRH0\
        &token_ignore_params=true&expires=1598024587";
    const LIMIT: &str = "/300kb.jpg?token=HS256-DAVapqNNED3Z7JkjRTYX0UOIHNtbHEuuhRNEc4A7mMQ\
        &limit=1000&expires=1598024587";
    const IPV4: &str =
        "/300kb.jpg?token=HS256-1-L2rISTLcujMY9UFf2tbZ41d5i-Bme1g1oTK_Z2QMLJk&expires=1598024587";
    const IPV6: &str =
        "/300kb.jpg?token=HS256-1-Z1BaGdhTZdU4iANcyKpurFR2VgCNdqC6hlBv5x_TyaI&expires=1598024587";
    const SEGMENT: &str = "/bcdn_token=HS256-1-X01Z6A9xAo1_ds1XFf9y8gAIzk_JpmoevOx7EtgMQhY\
        &limit=5000&expires=1598024587/abc/";

    fn check(url: &str, address: &str) -> Result<Option<u64>, Reason> {
        let found = verify(Format::Bunny, &[key("other", ""), key(KEY, "")], url, address)?;
        assert_eq!(found.key, 1);
        Ok(found.window.expires)
    }

    #[test]
    fn links_of_the_reference() {
        let ok = Ok(Some(1_598_024_587));
        for url in [PLAIN, PATH, IGNORE, LIMIT] {
            assert_eq!(check(url, "192.0.2.1"), ok, "{url}");
            assert_eq!(check(&format!("https://token-tester.b-cdn.net{url}"), ""), ok, "{url}");
            assert_eq!(
                check(&url.replace("300kb", "301kb"), ""),
                if url == PATH { ok } else { Err(Reason::Mismatch) }
            );
            assert_eq!(check(&url.replace("1598", "1599"), ""), Err(Reason::Mismatch), "{url}");
        }
        assert_eq!(check(IPV4, "1.2.3.4"), ok);
        assert_eq!(check(IPV4, "1.2.3.5"), Err(Reason::Mismatch));
        assert_eq!(check(IPV4, "unix:"), Err(Reason::Mismatch));
        assert_eq!(check(IPV6, "2001:db8:85a3::8a2e:370:7334"), ok);
        assert_eq!(check(IPV6, "2001:db8:85a3::1"), ok);
        assert_eq!(check(IPV6, "2001:db8:85a4::1"), Err(Reason::Mismatch));
        assert_eq!(check(SEGMENT, "1.2.3.4"), ok);
        assert_eq!(check(&format!("{SEGMENT}a"), "1.2.3.4"), Err(Reason::Mismatch));
    }

    #[test]
    fn arguments_are_signed_unless_they_are_not() {
        assert_eq!(check(&format!("{PLAIN}&a=b"), ""), Err(Reason::Mismatch));
        assert!(check(&format!("{IGNORE}&a=b"), "").is_ok());
        let (url, token) = PATH.split_once("&token_path").unwrap_or_default();
        assert!(check(&format!("{}?token_path{token}&{}", &url[..14], &url[15..]), "").is_ok());
    }

    #[test]
    fn a_path_is_a_path() {
        for path in ["/ab/300kb.jpg", "/abc/../x", "/abc/%2e%2e/x", "/abc//x", "/x/abc/"] {
            let url = PATH.replace("/abc/300kb.jpg", path);
            assert_eq!(check(&url, ""), Err(Reason::Mismatch), "{url}");
        }
    }

    #[test]
    fn a_token_of_sha256_alone() {
        // printf SecurityKey/300kb.jpg1598024587 | openssl sha256 -binary | base64, made safe
        let url = "/300kb.jpg?token=DlAr_yuteDmLE0l9_myLDuNMbGzKG67E5uBEAp3vnvw&expires=1598024587";
        assert!(check(url, "").is_ok());
        assert_eq!(check(&url.replace("300", "301"), ""), Err(Reason::Mismatch));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        assert_eq!(check(COUNTRIES, ""), Err(Reason::Malformed));
        assert_eq!(check("/300kb.jpg?expires=1598024587", ""), Err(Reason::Missing));
        for (from, to) in [
            ("&expires=1598024587", ""),
            ("expires=1", "expires=x"),
            ("HS256-o", "HS256-"),
            ("HS256", "HS512"),
        ] {
            assert_eq!(check(&PLAIN.replace(from, to), ""), Err(Reason::Malformed), "{from}");
        }
    }
}
