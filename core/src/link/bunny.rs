//! bunny.net token authentication: arguments `token` and `expires`, or a first segment of the path
//! `bcdn_token=TOKEN&...&expires=TIME`.
//!
//! TOKEN is `HS256-` and base64url of HMAC-SHA256 over the path (`token_path` where there is one),
//! the expiry, the client's address where the token begins with `HS256-1-`, and the other
//! arguments, sorted and decoded; with `token_ignore_params=true` only those that speak of the
//! token. A token without `HS256-` is SHA-256 of the key in front of the same.
//! <https://github.com/BunnyWay/BunnyCDN.TokenAuthentication>
//!
//! Other arguments that begin with `token_` are rules for whom a link is (`token_countries`,
//! `token_referer`), which cannot be kept, so such links are refused.
//!
//! # One message, one meaning
//!
//! Nothing separates the fields of a message, and nothing says whether there is an address among
//! them. That a message is not cut in two ways is for the rules below:
//!
//! - An expiry has ten digits.
//! - Names and values hold no control bytes, `&` and `=`. A name is not empty, does not begin with
//!   a digit, has no ten digits in a row, and stands once, whatever its case.
//! - A path holds no `=` behind ten digits in a row.
//! - The last value does not end in an address as text: there were signers that wrote one behind the
//!   arguments, and such a link for one client would be one for all.
//! - Links are bound to addresses, or they are not: whoever checks them says which.
//!
//! A message has its arguments sorted and decoded. So that a link says no more than that, they are
//! sorted in it, too, and their values are escaped where signers do that and nowhere else: see
//! [`is_escaped_as_signed`]. What speaks of the token is nobody else's.
//!
//! Let a message without address have two cuts, the later one's path being the earlier one's path
//! and expiry and some X. X is not empty, or the earlier one's arguments would begin with a digit.
//! X holds no `=`, as that would stand in a path behind ten digits. But then the first name of the
//! earlier one's arguments would hold X and the later one's expiry, or have no `=` behind it.
//!
//! With the four bytes of an address behind the expiry, the same leaves only cuts that are less
//! than an address apart: see [`is_ambiguous`]. Of an IPv6 address the last eight bytes are zero,
//! and stand nowhere else.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::format::{Ability, FormatKey, LinkFormat, Secret};
use super::url::{Url, address, arguments, decoded, is_plain};
use super::validity::parse_time_of_ten;
use super::{
    Encoding, Key, LinkRequest, Mac, Rules, SignError, SignRequest, ValidityPeriod, Verified,
    VerifyError, parse_time,
};
use crate::escapes::{hex_pair, percent_decode_strict, percent_encode};

/// The format.
pub(super) struct Bunny;

impl LinkFormat for Bunny {
    fn name(&self) -> &'static str {
        "bunny"
    }

    fn place(&self) -> &'static str {
        "argument \"token\" with \"expires\", or first segment \"bcdn_token=...\""
    }

    fn abilities(&self) -> &'static [Ability] {
        &[Ability::Expiry, Ability::Address, Ability::Prefix]
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        rules: Rules,
    ) -> Result<Verified, VerifyError> {
        verify(keys, request, rules)
    }

    fn token(&self, mac: &Mac, _salt: &[u8], message: &[u8]) -> Option<String> {
        Some(token(mac, message))
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        let mac = self.mac(key)?;
        let expires = sign_request.expires(self.name())?;
        sign(&mac, sign_request, expires).ok_or(SignError::Unsupported(self.name(), "such a URL"))
    }
}

const HS256: &[u8] = b"HS256-";

/// The characters that 32 bytes take, without padding.
const TAG: usize = 43;

/// How many digits an expiry has.
const DIGITS: usize = 10;

/// An expiry before this had passed when this was written: a message that could also have this one
/// opens nothing by it.
const PAST: u64 = 1_790_000_000;

/// Names that speak of the token itself, and stand nowhere else.
const OWN: [&[u8]; 3] = [b"bcdn_token", b"expires", b"token"];

/// What a link may say about its token besides.
const TOKEN_WORDS: [&[u8]; 2] = [b"token_ignore_params", b"token_path"];

fn verify(
    keys: &[FormatKey],
    request: &LinkRequest<'_>,
    rules: Rules,
) -> Result<Verified, VerifyError> {
    let mut url = Url::parse(request.url);
    let mut name: &[u8] = b"token";
    let mut segment: &[u8] = b"";
    if let Some((first, path)) = url.first_segment()
        && first.starts_with(b"bcdn_token=")
    {
        (name, segment, url.path) = (b"bcdn_token", first, path);
    }
    let given = || {
        let in_query = url.arguments().map(|argument| (argument, false));
        in_query.chain(arguments(segment).map(|argument| (argument, true)))
    };
    if !given().any(|((found, _), _)| *decoded(found) == *name) {
        return Err(VerifyError::Missing);
    }
    let mut signed = Vec::new();
    let (mut is_as_signed, mut last) = (true, Vec::new());
    for ((name, value), is_in_path) in given() {
        let given = name;
        let name = percent_decode_strict(given).ok_or(VerifyError::Malformed)?.into_owned();
        // Written with escapes, or in the path, an argument is signed, and yet is none to who reads
        // arguments as they are.
        let is_of_link = OWN.contains(&&name[..]) || TOKEN_WORDS.contains(&&name[..]);
        let is_rule = |name: &[u8]| name.to_ascii_lowercase().starts_with(b"token_");
        if !is_of_link && (is_rule(&name) || name != given || is_in_path && name != b"limit") {
            return Err(VerifyError::Malformed);
        }
        if !is_of_link && !is_in_path {
            is_as_signed &= last <= name && is_escaped_as_signed(value);
            last.clone_from(&name);
        }
        let value = percent_decode_strict(value).ok_or(VerifyError::Malformed)?.into_owned();
        signed.push((name, value));
    }
    let mut take = |name: &[u8]| {
        let at = signed.iter().position(|(found, _)| found == name)?;
        Some(signed.swap_remove(at).1)
    };
    let token = take(name).ok_or(VerifyError::Missing)?;
    let expires = take(b"expires").ok_or(VerifyError::Malformed)?;
    let until = parse_time_of_ten(&expires).ok_or(VerifyError::Malformed)?;
    signed.sort();
    let is_written = |(name, value): &(Vec<u8>, Vec<u8>)| {
        is_name(name) && is_value(value) && !OWN.contains(&&name[..])
    };
    let mut names: Vec<_> = signed.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    let is_once = names.is_sorted_by(|one, next| one < next);
    if !is_once || !signed.iter().all(is_written) {
        return Err(VerifyError::Malformed);
    }

    let BunnyToken { is_hmac, is_bound, tag } =
        BunnyToken::parse(&token).ok_or(VerifyError::Malformed)?;
    if is_bound != rules.is_bound || !is_hmac && !rules.has_sha256 {
        return Err(VerifyError::Malformed);
    }

    let value = |name: &[u8]| signed.iter().find(|(found, _)| found == name).map(|(_, v)| &v[..]);
    let prefix = value(b"token_path").map(<[u8]>::to_vec);
    let mut unsigned = Vec::new();
    if value(b"token_ignore_params") == Some(b"true") {
        let speaks = |name: &[u8]| matches!(name, b"token_path" | b"token_ignore_params");
        (signed, unsigned) = signed.into_iter().partition(|(name, _)| speaks(name));
    } else if !is_as_signed {
        return Err(VerifyError::Malformed);
    }
    if !is_bound && signed.last().is_some_and(|(_, value)| ends_with_address(value)) {
        return Err(VerifyError::Malformed);
    }
    let rate = match signed.iter().find(|(name, _)| name == b"limit") {
        Some((_, digits)) if digits.iter().all(|&digit| digit == b'0') => None,
        Some((_, digits)) => {
            let rate = parse_time(digits).and_then(|limit| limit.checked_mul(1000));
            Some(rate.ok_or(VerifyError::Malformed)?)
        }
        None => None,
    };
    let path = prefix.as_deref().unwrap_or(url.path);
    if !is_path(path) {
        return Err(VerifyError::Malformed);
    }
    let address = match is_bound {
        true => packed(address(request.address).ok_or(VerifyError::Mismatch)?),
        false => Vec::new(),
    };
    let message = [path, &expires, &address, &joined(&signed)].concat();

    if keys.is_empty() {
        return Err(VerifyError::NoKey);
    }
    let matches = |key: &FormatKey| match &key.secret {
        Secret::Mac { mac, .. } if is_hmac => mac.tag(&[&message]).matches(&tag, None),
        Secret::Mac { raw, .. } => {
            let digest = Sha256::new().chain_update(raw).chain_update(&message).finalize();
            bool::from(digest[..].ct_eq(&tag))
        }
        Secret::Hashed(_) | Secret::Public(_) => false,
    };
    let key = keys.iter().position(matches).ok_or(VerifyError::Mismatch)?;
    if prefix.as_ref().is_some_and(|prefix| !is_plain(url.path) || !url.path.starts_with(prefix)) {
        return Err(VerifyError::Mismatch);
    }
    if address.len() == V4 && is_ambiguous(&message, path.len(), until) {
        return Err(VerifyError::Malformed);
    }
    request.unsigned.check(unsigned.iter().map(|(name, _)| &name[..]))?;
    let validity = ValidityPeriod::until(Some(until));
    Ok(Verified { key, validity, rate })
}

/// A token, taken apart.
struct BunnyToken {
    /// Else it is SHA-256 alone.
    is_hmac: bool,
    is_bound: bool,
    tag: [u8; 32],
}

impl BunnyToken {
    fn parse(token: &[u8]) -> Option<BunnyToken> {
        let (is_hmac, rest) = match token.strip_prefix(HS256) {
            Some(rest) => (true, rest),
            None => (false, token),
        };
        // A tag may begin like the flag.
        let (is_bound, rest) = match rest.strip_prefix(b"1-") {
            Some(tag) if is_hmac && tag.len() >= TAG => (true, tag),
            _ => (false, rest),
        };
        let tag = Encoding::Base64url.decode_tag(rest)?;
        Some(BunnyToken { is_hmac, is_bound, tag })
    }
}

/// `NAME=VALUE&...`, as it is signed.
fn joined(signed: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let pairs: Vec<_> = signed.iter().map(|(name, value)| [&name[..], value].join(&b'=')).collect();
    pairs.join(&b'&')
}

/// Whether a value is written as signers write it: what RFC 3986 calls unreserved as it is, and all
/// else escaped, in capital letters. Few characters are escaped by some of them and not by others.
fn is_escaped_as_signed(value: &[u8]) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let mut rest = value;
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] => {
                let is_small = high.is_ascii_lowercase() || low.is_ascii_lowercase();
                match hex_pair([*high, *low]) {
                    Some(byte) if !is_small && !is_plain(byte) => rest,
                    _ => return false,
                }
            }
            [byte, rest @ ..] if is_plain(*byte) || b"~!'()*".contains(byte) => rest,
            _ => return false,
        };
    }
}

fn is_name(name: &[u8]) -> bool {
    is_value(name)
        && name.first().is_some_and(|first| !first.is_ascii_digit())
        && behind_digits(name).is_none()
}

fn is_value(value: &[u8]) -> bool {
    !value.iter().any(|byte| byte.is_ascii_control() || b"&=".contains(byte))
}

fn is_path(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
        && !path.iter().any(u8::is_ascii_control)
        && !behind_digits(path).is_some_and(|rest| rest.contains(&b'='))
}

/// What follows the first digits that are as many as those of an expiry.
fn behind_digits(text: &[u8]) -> Option<&[u8]> {
    let at = text.windows(DIGITS).position(|ten| ten.iter().all(u8::is_ascii_digit))?;
    text.get(at + DIGITS..)
}

/// Whether a value ends in the text of an address, or is one.
fn ends_with_address(value: &[u8]) -> bool {
    /// Those of the longest text.
    const MOST: usize = 45;
    let text = value.get(value.len().saturating_sub(MOST)..).unwrap_or_default();
    (0..text.len()).any(|at| text.get(at..).is_some_and(|text| address(text).is_some()))
}

/// The bytes of an IPv4 address.
const V4: usize = 4;

/// Whether a message with an IPv4 address that is cut behind `path` bytes could be cut elsewhere,
/// for another path, address and arguments. The cut with the earlier expiry is taken: others have
/// digits in front of theirs, or lack its first, and are centuries away, as long as anybody who
/// signs links means this century.
fn is_ambiguous(message: &[u8], path: usize, until: u64) -> bool {
    let is_other = |at: usize| {
        let Some((digits, rest)) = message.get(at..).and_then(|rest| rest.split_at_checked(DIGITS))
        else {
            return false;
        };
        let lives = parse_time(digits).is_some_and(|other| (PAST..=until).contains(&other));
        lives && rest.get(V4..).is_some_and(are_arguments)
    };
    (path.saturating_sub(V4).max(1)..=path + V4).any(|at| at != path && is_other(at))
}

/// Whether it could be what was made of arguments.
fn are_arguments(text: &[u8]) -> bool {
    let is_pair = |pair: &[u8]| {
        let Some(at) = memchr::memchr(b'=', pair) else { return false };
        let (name, value) = pair.split_at(at);
        is_name(name) && is_value(value.get(1..).unwrap_or_default())
    };
    text.is_empty() || text.split(|&byte| byte == b'&').all(is_pair)
}

/// An address as its bytes; of an IPv6 address the network counts, the first 64 bits.
fn packed(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            network.to_be_bytes().to_vec()
        }
    }
}

/// A link with its token in an argument; `None` where the arguments are not well escaped, or could not be
/// told from others.
fn sign(mac: &Mac, sign_request: &SignRequest<'_>, expires: u64) -> Option<String> {
    let Url { origin, path, query } = Url::parse(sign_request.url.as_bytes());
    let mut query = String::from_utf8_lossy(query).into_owned();
    if let Some(prefix) = sign_request.prefix {
        let separator = if query.is_empty() { "" } else { "&" };
        query.push_str(&format!("{separator}token_path={}", percent_encode(prefix.as_bytes())));
    }
    let mut signed = arguments(query.as_bytes())
        .map(|(name, value)| {
            Some((
                percent_decode_strict(name)?.into_owned(),
                percent_decode_strict(value)?.into_owned(),
            ))
        })
        .collect::<Option<Vec<_>>>()?;
    signed.sort();
    let is_read_otherwise = signed.last().is_some_and(|(_, value)| ends_with_address(value));
    if sign_request.address.is_none() && is_read_otherwise {
        return None;
    }
    let message = [
        sign_request.prefix.map_or(path, str::as_bytes),
        expires.to_string().as_bytes(),
        &sign_request.address.map(packed).unwrap_or_default(),
        &joined(&signed),
    ]
    .concat();
    let tag = Encoding::Base64url.encode(&mac.tag(&[&message]));
    let bound = if sign_request.address.is_some() { "1-" } else { "" };
    let written = |(name, value): &(Vec<u8>, Vec<u8>)| {
        format!("&{}={}", String::from_utf8_lossy(name), percent_encode(value))
    };
    let query: String = signed.iter().map(written).collect();
    let url = String::from_utf8_lossy(&[origin, path].concat()).into_owned();
    Some(format!("{url}?token=HS256-{bound}{tag}{query}&expires={expires}"))
}

fn token(mac: &Mac, message: &[u8]) -> String {
    format!("HS256-{}", Encoding::Base64url.encode(&mac.tag(&[message])))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::link::ThirdPartyFormat;
    use crate::link::third_party::tests::verify_by;
    use crate::link::third_party::tests::{key, verify};

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

    fn check(url: &str, address: &str) -> Result<Option<u64>, VerifyError> {
        let keys = [key("other", ""), key(KEY, "")];
        let rules = Rules { is_bound: !address.is_empty(), ..Rules::default() };
        let found = verify_by(rules, ThirdPartyFormat::Bunny, &keys, url, address)?;
        assert_eq!(found.key, 1);
        Ok(found.validity.expires)
    }

    /// A link for this message, written in these parts.
    fn link(message: &[u8], path: &str, expires: &str, arguments: &str, bound: bool) -> String {
        let mac = Mac::new(crate::link::Algorithm::HmacSha256, KEY.as_bytes()).unwrap();
        let tag = Encoding::Base64url.encode(&mac.tag(&[message]));
        let flag = if bound { "1-" } else { "" };
        format!("{path}?token=HS256-{flag}{tag}&expires={expires}{arguments}")
    }

    #[test]
    fn links_of_the_reference() {
        let ok = Ok(Some(1_598_024_587));
        for url in [PLAIN, PATH, IGNORE, LIMIT] {
            assert_eq!(check(url, ""), ok, "{url}");
            assert_eq!(check(url, "192.0.2.1"), Err(VerifyError::Malformed), "{url}");
            assert_eq!(check(&format!("https://token-tester.b-cdn.net{url}"), ""), ok, "{url}");
            assert_eq!(
                check(&url.replace("300kb", "301kb"), ""),
                if url == PATH { ok } else { Err(VerifyError::Mismatch) }
            );
            assert_eq!(
                check(&url.replace("1598", "1599"), ""),
                Err(VerifyError::Mismatch),
                "{url}"
            );
        }
        assert_eq!(check(IPV4, "1.2.3.4"), ok);
        assert_eq!(check(IPV4, "::ffff:1.2.3.4"), ok);
        assert_eq!(check(IPV4, "::ffff:1.2.3.5"), Err(VerifyError::Mismatch));
        assert_eq!(check(IPV4, ""), Err(VerifyError::Malformed));
        assert_eq!(
            check(&IPV4.replace("HS256-1-", "HS256-"), "1.2.3.4"),
            Err(VerifyError::Malformed)
        );
        assert_eq!(check(IPV4, "1.2.3.5"), Err(VerifyError::Mismatch));
        assert_eq!(check(IPV4, "unix:"), Err(VerifyError::Mismatch));
        assert_eq!(check(IPV6, "2001:db8:85a3::8a2e:370:7334"), ok);
        assert_eq!(check(IPV6, "2001:db8:85a3::1"), ok);
        assert_eq!(check(IPV6, "2001:db8:85a4::1"), Err(VerifyError::Mismatch));
        assert_eq!(check(SEGMENT, "1.2.3.4"), ok);
        assert_eq!(check(&format!("{SEGMENT}a"), "1.2.3.4"), Err(VerifyError::Mismatch));
    }

    #[test]
    fn arguments_are_signed_unless_they_are_not() {
        assert_eq!(check(&format!("{PLAIN}&a=b"), ""), Err(VerifyError::Mismatch));
        assert!(check(&format!("{IGNORE}&a=b"), "").is_ok());
        let (url, token) = PATH.split_once("&token_path").unwrap_or_default();
        assert!(check(&format!("{}?token_path{token}&{}", &url[..14], &url[15..]), "").is_ok());
    }

    #[test]
    fn a_path_is_a_path() {
        for path in ["/ab/300kb.jpg", "/abc/../x", "/abc/%2e%2e/x", "/abc//x", "/x/abc/"] {
            let url = PATH.replace("/abc/300kb.jpg", path);
            assert_eq!(check(&url, ""), Err(VerifyError::Mismatch), "{url}");
        }
    }

    #[test]
    fn a_token_of_sha256_alone() {
        let keys = [key(KEY, "")];
        let rules = Rules { has_sha256: true, ..Rules::default() };
        let check = |url: &str| {
            assert_eq!(check(url, ""), Err(VerifyError::Malformed));
            verify_by(rules, ThirdPartyFormat::Bunny, &keys, url, "").map(|_| ())
        };
        // printf SecurityKey/300kb.jpg1598024587 | openssl sha256 -binary | base64, made safe
        let url = "/300kb.jpg?token=DlAr_yuteDmLE0l9_myLDuNMbGzKG67E5uBEAp3vnvw&expires=1598024587";
        assert_eq!(check(url), Ok(()));
        assert_eq!(check(&url.replace("300", "301")), Err(VerifyError::Mismatch));
    }

    /// What a message says, its cut aside, in a form that is not its own.
    #[test]
    fn a_message_has_one_cut() {
        let written = |path: &str, expires: &str, arguments: &str| {
            let message = format!("/v/12{}", "1900000000");
            check(&link(message.as_bytes(), path, expires, arguments, false), "")
        };
        assert_eq!(written("/v/12", "1900000000", ""), Ok(Some(1_900_000_000)));
        for (path, expires) in
            [("/v/1", "21900000000"), ("/v/121", "900000000"), ("/v/", "121900000000")]
        {
            assert_eq!(written(path, expires, ""), Err(VerifyError::Malformed), "{path}");
        }
        for (message, path, arguments) in [
            ("/v/11900000000=x", "/v/1", "&=x"),
            ("/v/119000000002=x", "/v/1", "&2=x"),
            ("/v/11900000000a=b=c", "/v/1", "&a=b%3Dc"),
            ("/v/11900000000a=b&c=d", "/v/1", "&a=b%26c%3Dd"),
            ("/v/11900000000a&c=d", "/v/1", "&a%26c=d"),
            ("/v/11900000000a=\t", "/v/1", "&a=%09"),
            ("/v/11900000000a\0=", "/v/1", "&a%00"),
            ("/v/11900000000a=b&a=c", "/v/1", "&a=b&a=c"),
            ("/v/11900000000expires=1", "/v/1", "&expires=1"),
            ("/v/11900000000expires=1", "/v/1", "&%65xpires=1"),
            ("/v/11900000000token=1", "/v/1", "&token=1"),
            ("/v/11900000000b1234567890w=1", "/v/1", "&b1234567890w=1"),
            ("/v/1234567890a=b1900000000", "/v/1234567890a=b", ""),
            ("1900000000token_path=", "/v", "&token_path="),
            ("v1900000000token_path=v", "/v", "&token_path=v"),
        ] {
            let url = link(message.as_bytes(), path, "1900000000", arguments, false);
            assert_eq!(check(&url, ""), Err(VerifyError::Malformed), "{url}");
        }
    }

    #[test]
    fn bytes_of_an_address_are_no_arguments() {
        let message = b"/v/121900000000\t\t\t\tlimit=1000";
        let url = link(message, "/v/12", "1900000000", "&limit=1000", true);
        assert!(check(&url, "9.9.9.9").is_ok());
        assert_eq!(check(&url, "9.9.9.8"), Err(VerifyError::Mismatch));
        let freed = url.replace("HS256-1-", "HS256-").replace("&limit", "&%09%09%09%09limit");
        assert_eq!(check(&freed, ""), Err(VerifyError::Malformed));
        assert_eq!(check(&freed, "9.9.9.9"), Err(VerifyError::Malformed));
        // 97.98.99.100 is "abcd".
        let url = link(b"/v1900000000abcdx=1", "/v", "1900000000", "&x=1", true);
        assert!(check(&url, "97.98.99.100").is_ok());
        let freed = url.replace("HS256-1-", "HS256-").replace("&x=", "&abcdx=");
        assert_eq!(check(&freed, "97.98.99.100"), Err(VerifyError::Malformed));
        assert!(check(&freed, "").is_ok(), "nothing tells it from one that was never bound");
    }

    #[test]
    fn the_earlier_expiry_cuts_a_bound_message() {
        // /v/12 until 2000000000 from 97.98.99.120, or /v/1 until 2200000000 from 48.97.98.99.
        let message = b"/v/122000000000abcxw=1";
        let one = link(message, "/v/12", "2000000000", "&w=1", true);
        let other = link(message, "/v/1", "2200000000", "&xw=1", true);
        assert!(check(&one, "97.98.99.120").is_ok());
        assert_eq!(check(&other, "48.97.98.99"), Err(VerifyError::Malformed));
    }

    #[test]
    fn a_limit_is_a_number() {
        let found =
            |url: &str| verify(ThirdPartyFormat::Bunny, &[key(KEY, "")], url, "").map(|f| f.rate);
        assert_eq!(found(LIMIT), Ok(Some(1_000_000)));
        assert_eq!(found(PLAIN), Ok(None));
        for (limit, expected) in [
            ("0", Ok(None)),
            ("x", Err(VerifyError::Malformed)),
            ("-1", Err(VerifyError::Malformed)),
        ] {
            let message = format!("/v1900000000limit={limit}");
            let arguments = format!("&limit={limit}");
            let url = link(message.as_bytes(), "/v", "1900000000", &arguments, false);
            assert_eq!(found(&url), expected, "{limit}");
        }
    }

    #[test]
    fn a_token_may_be_escaped() {
        let url = PLAIN.replace("=HS256-", "=%48S256%2D").replace("=1598", "=%31598");
        assert!(check(&url, "").is_ok());
        assert!(check(&url.replace("token=", "%74oken="), "").is_ok());
        assert!(check(&PLAIN.replace("&expires", "%3D&expires"), "").is_ok());
        assert_eq!(check(&url.replace('%', "%25"), ""), Err(VerifyError::Malformed));
    }

    #[test]
    fn an_argument_is_signed_as_it_is_written() {
        let message = b"/v1900000000w=100";
        let plain = link(message, "/v", "1900000000", "&w=100", false);
        assert!(check(&plain, "").is_ok());
        let hidden = link(message, "/v", "1900000000", "&%77=100", false);
        assert_eq!(check(&hidden, ""), Err(VerifyError::Malformed));
        let url = link(b"/v1900000000tokens=1", "/v", "1900000000", "&tokens=1", false);
        assert!(check(&url, "").is_ok());
        assert_eq!(check(&url.replace("tokens", "%74okens"), ""), Err(VerifyError::Malformed));
    }

    #[test]
    fn a_message_has_one_spelling() {
        let check = |message: &str, arguments: &str| {
            let message = format!("/v1900000000{message}");
            check(&link(message.as_bytes(), "/v", "1900000000", arguments, false), "").is_ok()
        };
        for (message, right, wrong) in [
            (
                "preview=1&w=2",
                &["&preview=1&w=2"][..],
                &[
                    "&w=2&preview=1",
                    "&preview=%31&w=2",
                    "&preview=1&w=%32",
                    "&preview=1&&w=2&w",
                    "&preview=1&&w=%322",
                ][..],
            ),
            ("u=a b", &["&u=a%20b"], &["&u=a+b"]),
            ("u=a+b", &["&u=a%2Bb"], &["&u=a+b", "&u=a%2bb"]),
            ("u=1,2/3", &["&u=1%2C2%2F3"], &["&u=1,2/3", "&u=1%2c2%2F3", "&u=1%2C2/3"]),
            ("u=a-._~", &["&u=a-._~", "&u=a-._%7E"], &["&u=%61-._~", "&u=a%2D._~", "&u=a-%2E_~"]),
            ("u=(*)", &["&u=(*)", "&u=%28%2A%29"], &[]),
            ("u=\u{fc}", &["&u=%C3%BC"], &["&u=%C3%bc", "&u=\u{fc}"]),
            ("a=&b=1", &["&a=&b=1", "&a&b=1"], &["&b=1&a="]),
            ("A=1&b=1", &["&A=1&b=1"], &["&b=1&A=1"]),
        ] {
            for arguments in right {
                assert!(check(message, arguments), "{arguments}");
            }
            for arguments in wrong {
                assert!(!check(message, arguments), "{arguments}");
            }
        }
        // What is not signed is written as anybody likes.
        assert!(super::tests::check(&format!("{IGNORE}&w=%31&a=b,c"), "").is_ok());
    }

    #[test]
    fn what_is_signed_here_is_right_here() {
        let sign_request = SignRequest {
            url: "/v?z=1,2&b=%31+&a",
            validity: ValidityPeriod::until(Some(1_900_000_000)),
            address: None,
            prefix: None,
            made: 0,
        };
        let url = sign_request.sign(ThirdPartyFormat::Bunny, &key(KEY, "")).unwrap();
        assert!(url.contains("&a=&b=1%2B&z=1%2C2&expires="), "{url}");
        assert!(check(&url, "").is_ok(), "{url}");
    }

    /// Where nobody would look for it: nginx's arguments are those of the query.
    #[test]
    fn an_argument_stays_an_argument() {
        let moved = |url: &str| {
            let (path, query) = url.split_once('?').unwrap();
            format!("/bcdn_{query}{path}")
        };
        let plain = link(b"/v1900000000w=100", "/v", "1900000000", "&w=100", false);
        assert_eq!(check(&moved(&plain), ""), Err(VerifyError::Malformed));
        assert!(check(&moved(LIMIT), "").is_ok());
        assert!(check(&moved(PATH), "").is_ok());
        // nginx takes the first of two, whatever their case, and an order is not signed.
        let message = b"/v1900000000W=5000&w=100";
        for arguments in ["&w=100&W=5000", "&W=5000&w=100"] {
            let url = link(message, "/v", "1900000000", arguments, false);
            assert_eq!(check(&url, ""), Err(VerifyError::Malformed), "{url}");
        }
        // What follows a number sign is signed, and no argument.
        let url = link(b"/v1900000000b=#f00&w=100", "/v", "1900000000", "&b=%23f00&w=100", false);
        assert!(check(&url, "").is_ok());
        assert_eq!(check(&url.replace("%23", "#"), ""), Err(VerifyError::Malformed));
    }

    #[test]
    fn an_address_behind_the_arguments_is_no_value() {
        for address in ["1.2.3.4", "203.0.113.255", "2001:db8::1", "::ffff:192.0.2.1", "fe80::"] {
            for value in [format!("100{address}"), address.to_owned()] {
                let message = format!("/v1900000000w={value}");
                let arguments = format!("&w={}", percent_encode(value.as_bytes()));
                let url = link(message.as_bytes(), "/v", "1900000000", &arguments, false);
                assert_eq!(check(&url, ""), Err(VerifyError::Malformed), "{url}");
            }
            let message = format!("/v1900000000u={address}&w=1");
            let arguments = format!("&u={}&w=1", percent_encode(address.as_bytes()));
            let url = link(message.as_bytes(), "/v", "1900000000", &arguments, false);
            assert!(check(&url, "").is_ok(), "{url}");
        }
        for value in ["1.2.3", "1.2.3.4x", "256"] {
            let message = format!("/v1900000000w={value}");
            let url = link(message.as_bytes(), "/v", "1900000000", &format!("&w={value}"), false);
            assert!(check(&url, "").is_ok(), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        assert_eq!(check(COUNTRIES, ""), Err(VerifyError::Malformed));
        for name in [
            "token_countries_blocked",
            "token_referer",
            "token_ip",
            "token_asn",
            "token_",
            "Token_Referer",
            "token_Path",
        ] {
            let message = format!("/v1900000000{name}=x");
            let url = link(message.as_bytes(), "/v", "1900000000", &format!("&{name}=x"), false);
            assert_eq!(check(&url, ""), Err(VerifyError::Malformed), "{name}");
        }
        assert_eq!(check("/300kb.jpg?expires=1598024587", ""), Err(VerifyError::Missing));
        for (from, to) in [
            ("&expires=1598024587", ""),
            ("expires=1", "expires=x"),
            ("HS256-o", "HS256-"),
            ("HS256", "HS512"),
        ] {
            assert_eq!(check(&PLAIN.replace(from, to), ""), Err(VerifyError::Malformed), "{from}");
        }
    }
}
