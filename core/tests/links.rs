//! Links of other systems, cut and spelled otherwise: whatever is taken means what was signed.
//!
//! A message that is made by joining fields may be taken apart in more than one way. These tests
//! sign a meaning, then ask for every other meaning that could be made of the same bytes, and for
//! every change that a stranger can make to the link itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use image_gate_core::link::{
    Algorithm, Encoding, Key, LinkRequest, Rules, SignRequest, Signer, ThirdParty,
    ThirdPartyFormat, Unsigned, ValidityPeriod, Verified, VerifyError, parse_time, secure_link,
};
use proptest::prelude::*;
use proptest::sample::select;
use sha1::Sha1;
use sha2::Sha256;

const SECRET: &[u8] = b"a secret";
const SALT: &[u8] = b"salt";

/// November 2026: what has expired by then opens nothing.
const NOW: u64 = 1_795_000_000;

/// When links were made of formats that say that.
const MADE: u64 = 1_790_000_000;

fn key(format: ThirdPartyFormat) -> Key {
    let mut key = Key::new(SECRET.to_vec()).unwrap().with_id(b"K1").unwrap();
    key.salt = if format.has_salt() { SALT.into() } else { Box::default() };
    key
}

fn check(
    format: ThirdPartyFormat,
    rules: Rules,
    url: &[u8],
    address: &str,
) -> Result<Verified, VerifyError> {
    check_with(format, rules, url, address, Unsigned::Named(&[]))
}

fn check_with(
    format: ThirdPartyFormat,
    rules: Rules,
    url: &[u8],
    address: &str,
    unsigned: Unsigned<'_>,
) -> Result<Verified, VerifyError> {
    let third_party = ThirdParty::new(format, &[key(format)], rules).unwrap();
    third_party.verify(&LinkRequest { url, address: address.as_bytes(), cookies: b"", unsigned })
}

fn hmac<M: Mac + KeyInit>(message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(SECRET).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Percent-encodes all but what RFC 3986 calls unreserved, as signers do.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in text {
        match byte {
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(byte),
            _ => out.extend(format!("%{byte:02X}").bytes()),
        }
    }
    out
}

/// Digits, letters and separators that fields could be cut at, few enough to meet often.
fn piece() -> impl Strategy<Value = String> {
    let digits = "[0-9]{1,12}";
    let word = "[a-c0-9]{0,3}";
    let odd = select(vec![
        "/",
        "=",
        "&",
        "~",
        ".",
        "-",
        "a=",
        "w=1",
        "&w=1",
        "limit=9",
        "expires=",
        "token_path=/",
        "1900000000",
        "2000000000",
        "9999999999",
        "1900000000a=b",
        "abcd",
        "exp:",
        "~acl=/*",
        "~url=/",
        "~salt=",
        "salt",
        "%2F",
        "%3A",
        "%00",
        "filters:expire(1)",
        "plain/",
        "http:/",
        "http://",
        "@",
        "!",
        "*",
    ]);
    prop_oneof![digits, word, odd.prop_map(str::to_string)]
}

fn text(pieces: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), pieces).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = String> {
    text(0..5).prop_map(|text| format!("/{text}"))
}

/// Addresses whose bytes are digits, letters, separators, or none of them.
fn v4() -> impl Strategy<Value = [u8; 4]> {
    let byte = prop_oneof![48u8..58, 97u8..103, select(b"&=/\t".to_vec()), any::<u8>()];
    prop::array::uniform4(byte)
}

fn shown(address: [u8; 4]) -> String {
    IpAddr::from(address).to_string()
}

/// What a link of bunny.net says.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    path: Vec<u8>,
    expires: Vec<u8>,
    address: Option<[u8; 4]>,
    arguments: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Said {
    fn message(&self) -> Vec<u8> {
        let mut arguments = self.arguments.clone();
        arguments.sort();
        let pairs: Vec<_> = arguments.iter().map(|(n, v)| [&n[..], v].join(&b'=')).collect();
        let address = self.address.map(Vec::from).unwrap_or_default();
        [&self.path[..], &self.expires, &address, &pairs.join(&b'&')].concat()
    }

    /// The link that says so, with this tag.
    fn link(&self, tag: &[u8]) -> Vec<u8> {
        let flag = if self.address.is_some() { "1-" } else { "" };
        let token = format!("?token=HS256-{flag}{}&expires=", base64url(tag));
        let mut link = [&self.path[..], token.as_bytes(), &self.expires].concat();
        for (name, value) in &self.arguments {
            link.extend([&b"&"[..], &escaped(name), b"=", &escaped(value)].concat());
        }
        link
    }

    fn is_taken(&self, tag: &[u8]) -> bool {
        // A path with such bytes never arrives.
        let is_asked_for = self.path.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'?');
        let rules = Rules { is_bound: self.address.is_some(), ..Rules::default() };
        let address = self.address.map(shown).unwrap_or_default();
        let found = check(ThirdPartyFormat::Bunny, rules, &self.link(tag), &address);
        is_asked_for && found.is_ok_and(|found| found.validity.check(NOW, 0).is_ok())
    }
}

/// Everything that `message` could have been made of, addresses among it where `bound`.
fn cuts(message: &[u8], bound: bool) -> Vec<Said> {
    let mut cuts = Vec::new();
    for at in 1..message.len() {
        for digits in 1..=12 {
            let Some((path, rest)) = message.split_at_checked(at) else { continue };
            let Some((expires, rest)) = rest.split_at_checked(digits) else { continue };
            if !expires.iter().all(u8::is_ascii_digit) {
                continue;
            }
            let (address, rest) = match rest.split_at_checked(4) {
                Some((address, rest)) if bound => (Some(address.try_into().unwrap()), rest),
                _ if bound => continue,
                _ => (None, rest),
            };
            for arguments in ways_to_pair(rest) {
                let (path, expires) = (path.to_vec(), expires.to_vec());
                cuts.push(Said { path, expires, address, arguments });
            }
        }
    }
    cuts
}

/// The arguments that a text could be: each `&` may separate, and each `=` end a name.
fn ways_to_pair(text: &[u8]) -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
    if text.is_empty() {
        return vec![Vec::new()];
    }
    let mut ways = Vec::new();
    let ends = (0..=text.len()).filter(|&at| at == text.len() || text[at] == b'&');
    for end in ends.take(2) {
        let (pair, rest) = text.split_at(end);
        let rest = if rest.is_empty() { vec![Vec::new()] } else { ways_to_pair(&rest[1..]) };
        for at in (0..pair.len()).filter(|&at| pair[at] == b'=').take(3) {
            for rest in &rest {
                let mut way = vec![(pair[..at].to_vec(), pair[at + 1..].to_vec())];
                way.extend(rest.iter().cloned());
                ways.push(way);
            }
        }
    }
    ways
}

fn said() -> impl Strategy<Value = Said> {
    let expires =
        select(vec!["1900000000", "1911111111", "1934567890", "2000000000", "4102444800"]);
    let arguments = prop::collection::vec((text(1..3), text(0..3)), 0..3);
    (path(), expires, prop::option::of(v4()), arguments).prop_map(
        |(path, expires, address, arguments)| {
            let bytes = |text: String| text.into_bytes();
            let arguments = arguments.into_iter().map(|(n, v)| (bytes(n), bytes(v))).collect();
            Said { path: bytes(path), expires: expires.as_bytes().to_vec(), address, arguments }
        },
    )
}

fn normal(said: &Said) -> Said {
    let mut said = said.clone();
    said.arguments.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// No two meanings make one message that is taken.
    #[test]
    fn a_message_of_bunny_has_one_meaning(said in said()) {
        let message = said.message();
        let tag = hmac::<Hmac<Sha256>>(&message);
        let bound = said.address.is_some();
        let mut taken: Vec<_> = cuts(&message, bound)
            .iter()
            .filter(|cut| cut.is_taken(&tag))
            .map(normal)
            .collect();
        taken.sort_by_key(|said| format!("{said:?}"));
        taken.dedup();
        prop_assert!(taken.len() <= 1, "{taken:?}");
        // None that lacks the address, or has one, where the other is asked for.
        for cut in cuts(&message, !bound) {
            let rules = Rules { is_bound: bound, ..Rules::default() };
            let address = said.address.map(shown).unwrap_or_default();
            prop_assert!(check(ThirdPartyFormat::Bunny, rules, &cut.link(&tag), &address).is_err());
        }
    }

    /// And what signers usually write is taken.
    #[test]
    fn ordinary_links_of_bunny_are_taken(
        path in "(/[a-z0-9_-]{1,12}){1,3}\\.(jpg|mp4|webp)",
        expires in 1_800_000_000u64..2_000_000_000,
        name in "[a-z_]{1,8}",
        value in "[A-Za-z0-9 _.,:/-]{0,16}",
        // One that begins with a digit may read like more of the expiry.
        address in prop::option::of(v4().prop_filter("digit", |[first, ..]| !first.is_ascii_digit())),
    ) {
        prop_assume!(!["token", "expires", "limit"].contains(&&name[..]));
        prop_assume!(!name.starts_with("token_"));
        // What may end in an address is refused where there is none.
        prop_assume!(!value.contains("::") && value.split('.').count() < 4);
        let arguments = vec![(name.into_bytes(), value.into_bytes())];
        let expires = expires.to_string().into_bytes();
        let said = Said { path: path.into_bytes(), expires, address, arguments };
        let tag = hmac::<Hmac<Sha256>>(&said.message());
        prop_assert!(said.is_taken(&tag));
        let changed = [
            Said { path: [&said.path[..], b"x"].concat(), ..said.clone() },
            Said { expires: b"2000000001".to_vec(), ..said.clone() },
            Said { arguments: Vec::new(), ..said.clone() },
            Said { address: said.address.map(|[a, b, c, d]| [a, b, c, d ^ 1]), ..said.clone() },
        ];
        for changed in changed.iter().filter(|changed| **changed != said) {
            prop_assert!(!changed.is_taken(&tag), "{changed:?}");
        }
    }

    /// A message of Akamai's is its fields, then the path, then the salt.
    #[test]
    fn a_message_of_akamai_has_one_meaning(
        path in path(),
        fields in prop::collection::vec(
            select(vec!["ip=192.0.2.7", "st=1", "exp=2000000000", "exp=1900000000", "id=a", "data=b",
                "acl=/a/*", "acl=/*", "url=/a", "salt=salt", "x=1", "", "acl", "exp=2000000000 "]),
            0..6,
        ),
        is_url in any::<bool>(),
    ) {
        let fields = fields.join("~");
        let unseen = if is_url { format!("~url={path}") } else { String::new() };
        let message = format!("{fields}{unseen}~salt=salt");
        let tag: String =
            hmac::<Hmac<Sha256>>(message.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        let mut taken = Vec::new();
        let unsalted = message.strip_suffix("~salt=salt").unwrap();
        // Every cut of the message: what is shown, and a path behind it.
        let mut asked = vec![(unsalted.to_string(), "/a/b".to_string()), (unsalted.to_string(), "/b".to_string())];
        for (at, _) in unsalted.match_indices("~url=") {
            asked.push((unsalted[..at].to_string(), unsalted[at + 5..].to_string()));
        }
        for (shown, path) in asked {
            let url = format!("{path}?hdnts={shown}~hmac={tag}");
            let found = check(ThirdPartyFormat::Akamai, Rules::default(), url.as_bytes(), "192.0.2.7");
            if let Ok(found) = found {
                // All that is shown was kept.
                let once = |name: &str| shown.split('~').filter(|f| f.starts_with(name)).count();
                prop_assert!(shown.split('~').all(|field| {
                    ["ip=", "st=", "exp=", "acl=", "id=", "data="].iter().any(|n| field.starts_with(n))
                }), "{shown}");
                prop_assert!(["ip=", "st=", "exp=", "acl=", "id="].iter().all(|n| once(n) <= 1));
                let st = shown.contains("st=1").then_some(1);
                prop_assert_eq!(found.validity.not_before, st);
                let expires = if shown.contains("exp=2") { 2_000_000_000 } else { 1_900_000_000 };
                prop_assert_eq!(found.validity.expires, Some(expires));
                if !shown.contains("acl=") {
                    taken.push((shown.clone(), path.clone()));
                }
                let other = check(ThirdPartyFormat::Akamai, Rules::default(), url.as_bytes(), "192.0.2.8");
                prop_assert_eq!(other.is_ok(), !shown.contains("ip="));
                let more = format!("{url}&w=5000");
                let more = check(ThirdPartyFormat::Akamai, Rules::default(), more.as_bytes(), "192.0.2.7");
                prop_assert_eq!(more, Err(VerifyError::Unsigned));
            }
        }
        taken.dedup();
        prop_assert!(taken.len() <= 1, "{taken:?}");
    }

    /// What imgproxy's options say about the end of a link is kept, however it is written, and no
    /// byte of the path can be changed but as imgproxy undoes it.
    #[test]
    fn a_path_of_imgproxy_is_one_path(
        options in prop::collection::vec(
            select(vec!["rs:fit:1:2", "exp:1900000000", "expires:1800000000", "exp:1", "w:1", "pr:a",
                "exp%3A1700000000", "cb:x", "-", "e%78p:1600000000"]),
            0..4,
        ),
        source in select(vec!["plain/http://h/a.jpg", "plain/a.jpg", "aHR0cDovL2g", "plain/local:///a",
            "plain/http://h/exp:1", "aHR0/exp:1"]),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![select(b"/:%.3A?".to_vec()), 33u8..127],
    ) {
        let mut path = String::new();
        options.iter().for_each(|option| path.push_str(&format!("/{option}")));
        path.push_str(&format!("/{source}"));
        let tag = hmac::<Hmac<Sha256>>(&[SALT, path.as_bytes()].concat());
        let link = format!("/{}{path}", base64url(&tag));
        let ends = options.iter().filter_map(|option| {
            let option = option.replace("%3A", ":").replace("%78", "x");
            let (name, value) = option.split_once(':')?;
            let time = value.parse::<u64>().ok()?;
            ["exp", "expires"].contains(&name).then_some(time)
        });
        let expires = ends.min();
        let found = check(ThirdPartyFormat::Imgproxy, Rules::default(), link.as_bytes(), "");
        prop_assert_eq!(found.map(|found| found.validity.expires), Ok(expires), "{}", link);
        // What proxies do, alone and together.
        let escaped = path.split_once("/plain/").map_or_else(
            || path.replace(':', "%3A"),
            |(options, source)| format!("{}/plain/{source}", options.replace(':', "%3A")),
        );
        if !path.contains("%3A") && !path.contains("exp:1") {
            for changed in [escaped.clone(), escaped.replace("http://", "http:/")] {
                let link = link.replace(&path, &changed);
                let found = check(ThirdPartyFormat::Imgproxy, Rules::default(), link.as_bytes(), "");
                prop_assert_eq!(found.map(|found| found.validity.expires), Ok(expires), "{}", link);
            }
        }
        // One byte of the path replaced, taken out, or put in.
        let start = link.len() - path.len();
        let at = start + at.index(path.len());
        let bytes = link.as_bytes();
        for changed in [
            [&bytes[..at], &[byte], &bytes[at + 1..]].concat(),
            [&bytes[..at], &bytes[at + 1..]].concat(),
            [&bytes[..=at], &[byte], &bytes[at + 1..]].concat(),
        ] {
            let is_undone = changed == link.replace("http://", "http:/").as_bytes()
                || changed == link.replace("local:///", "local://").as_bytes();
            if changed == bytes || is_undone || changed.contains(&b'?') {
                continue;
            }
            let found = check(ThirdPartyFormat::Imgproxy, Rules::default(), &changed, "");
            prop_assert!(found.is_err(), "{}", String::from_utf8_lossy(&changed));
        }
    }

    /// The same of thumbor's and imagor's filters.
    #[test]
    fn filters_of_thumbor_are_kept(
        options in prop::collection::vec(
            select(vec!["300x200", "fit-in", "smart", "trim", "meta", "-1x2", "1x2:3x4", "left", "0.1x0.2:3x4"]),
            0..3,
        ),
        filters in prop::collection::vec(
            select(vec!["blur(1)", "expire(1900000000000)", "expire(1800000000999)", "fill(a,b)",
                "watermark(/a:b(1)/c,2)", "max_age(1)", "expire(1)"]),
            0..4,
        ),
        escape in any::<bool>(),
        at in any::<prop::sample::Index>(),
        byte in 33u8..127,
    ) {
        let mut path = options.iter().map(|option| format!("{option}/")).collect::<String>();
        if !filters.is_empty() {
            let text = format!("filters:{}/", filters.join(":"));
            path += &if escape { text.replace('(', "%28").replace(':', "%3a") } else { text };
        }
        path += "http://h/filters:expire(1)/a.jpg";
        let tag = hmac::<Hmac<Sha1>>(path.as_bytes());
        let link = format!("/{}/{path}", base64url(&tag));
        let ends = filters.iter().filter_map(|filter| {
            filter.strip_prefix("expire(")?.strip_suffix(')')?.parse::<u64>().ok()
        });
        let expires = ends.min().map(|time| time / 1000);
        let found = check(ThirdPartyFormat::Thumbor, Rules::default(), link.as_bytes(), "");
        prop_assert_eq!(found.map(|found| found.validity.expires), Ok(expires), "{}", link);
        let mut changed = link.clone().into_bytes();
        let at = changed.len() - path.len() + at.index(path.len());
        if changed[at] != byte && byte != b'?' {
            changed[at] = byte;
            prop_assert!(check(ThirdPartyFormat::Thumbor, Rules::default(), &changed, "").is_err());
        }
    }

    /// What is signed here is taken, and nothing else is: any byte that is changed, any argument
    /// that is added, another address.
    #[test]
    fn links_that_are_made_are_taken_as_they_are(
        // A private key signs for cloudfront: see its own tests.
        format in select(ThirdPartyFormat::ALL.to_vec()).prop_filter("secret", |format| *format != ThirdPartyFormat::Cloudfront),
        path in "(/[a-z0-9_.-]{1,10}){1,3}",
        arguments in "(\\?[a-z]{1,4}=[a-z0-9]{0,4}(&[A-Z]{1,3}=[a-z]{0,3})?)?",
        address in prop::option::of(v4()),
        at in any::<prop::sample::Index>(),
        byte in 33u8..127,
    ) {
        use ThirdPartyFormat::{Akamai, Bunny, Cloudflare, Google, Imgix, Imgproxy, Thumbor};
        let never_ends = matches!(format, Imgproxy | Thumbor) || format.is_dated();
        let expires = (!never_ends).then_some(1_900_000_000);
        let validity = ValidityPeriod { not_before: None, expires };
        let signs_arguments = matches!(format, Bunny | Cloudflare | Google | Imgix);
        // One more would leave open which of them is the signature.
        prop_assume!(!arguments.contains("?s="));
        let origin = if format.signs_origin() { "https://img.example" } else { "" };
        let url = format!("{origin}{path}{}", if signs_arguments { &arguments } else { "" });
        let address = address.filter(|_| matches!(format, Akamai | Bunny));
        let from = address.map(IpAddr::from);
        let sign_request = SignRequest { url: &url, validity, address: from, prefix: None, made: MADE };
        let link = sign_request.sign(format, &key(format)).unwrap();
        let rules = Rules { is_bound: address.is_some(), max_age: Some(60), ..Rules::default() };
        let shown = address.map(shown).unwrap_or_default();
        let found = check(format, rules, link.as_bytes(), &shown);
        let Ok(found) = found else {
            // A name such as "token", or an address that reads like arguments.
            prop_assert_eq!(format, Bunny);
            return Ok(());
        };
        let expires = if format.is_dated() { Some(MADE + 60) } else { expires };
        prop_assert_eq!(found.validity, ValidityPeriod { not_before: None, expires });
        if let Some([a, b, c, d]) = address {
            let other = IpAddr::from([a, b, c, d ^ 1]).to_string();
            prop_assert!(check(format, rules, link.as_bytes(), &other).is_err());
            let mapped = format!("::ffff:{shown}");
            prop_assert!(check(format, rules, link.as_bytes(), &mapped).is_ok());
        }
        let separator = if link.contains('?') { '&' } else { '?' };
        let cut = format!("{link}#");
        prop_assert!(check(format, rules, cut.as_bytes(), &shown).is_err(), "{}", cut);
        for more in ["w=5000", "zz", "%77=1", "expires=9", "hdnea=1", "token_path=/"] {
            let more = format!("{link}{separator}{more}");
            prop_assert!(check(format, rules, more.as_bytes(), &shown).is_err(), "{}", more);
        }
        // Any byte but those that spell the token, where case and the like are free.
        let mut changed = link.clone().into_bytes();
        let at = at.index(path.len()) + link.find(&path).unwrap();
        if changed[at] != byte && byte != b'?' {
            changed[at] = byte;
            let found = check_with(format, rules, &changed, &shown, Unsigned::Any);
            prop_assert!(found.is_err(), "{}", String::from_utf8_lossy(&changed));
        }
    }
}

/// The words that a link of bunny.net says about itself: each is kept, or the link is refused.
#[test]
fn nothing_that_bunny_carries_is_ignored() {
    let link = |arguments: &[(&str, &str)]| {
        let arguments = arguments
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect();
        let (path, expires) = (b"/a/b.jpg".to_vec(), b"1900000000".to_vec());
        let said = Said { path, expires, address: None, arguments };
        let signed = match said.arguments.iter().find(|(name, _)| name == b"token_path") {
            Some((_, prefix)) => Said { path: prefix.clone(), ..said.clone() },
            None => said.clone(),
        };
        said.link(&hmac::<Hmac<Sha256>>(&signed.message()))
    };
    let check = |link: &[u8]| check(ThirdPartyFormat::Bunny, Rules::default(), link, "");
    assert!(check(&link(&[])).is_ok());
    // Whatever else bounds a token is not kept here.
    for name in [
        "token_countries",
        "token_countries_blocked",
        "token_referer",
        "token_ip",
        "token_asn",
        "token_",
        "Token_Path",
    ] {
        for value in ["", "DE", "DE,FR"] {
            assert_eq!(
                check(&link(&[(name, value)])),
                Err(VerifyError::Malformed),
                "{name}={value}"
            );
        }
    }
    let rate = check(&link(&[("limit", "500")])).map(|found| found.rate);
    assert_eq!(rate, Ok(Some(500_000)));
    for (prefix, expected) in [
        ("/a/", Ok(())),
        ("/", Ok(())),
        ("/b/", Err(VerifyError::Mismatch)),
        ("", Err(VerifyError::Malformed)),
        ("a/", Err(VerifyError::Malformed)),
    ] {
        let found = check(&link(&[("token_path", prefix)])).map(|_| ());
        assert_eq!(found, expected, "{prefix}");
    }
    // Left out of what is signed by the signer's wish: nothing but what is listed.
    let mut ignoring = link(&[("token_ignore_params", "true")]);
    assert!(check(&ignoring).is_ok());
    ignoring.extend(b"&w=5000");
    assert_eq!(check(&ignoring), Err(VerifyError::Unsigned));
    let named = [b"w".to_vec()];
    let listed = Unsigned::Named(&named);
    assert!(check_with(ThirdPartyFormat::Bunny, Rules::default(), &ignoring, "", listed).is_ok());
}

/// A path and an expiry as the message of the documentation joins them.
fn joined(path: &str, expires: &str) -> Vec<u8> {
    format!("{path}|{expires}").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Our own links and those of secure_link, with the message that the documentation recommends:
    /// no other path and expiry make it.
    #[test]
    fn a_bar_keeps_path_and_expiry_apart(
        path in "/[a-b0-9|,]{0,8}",
        expires in "[1-9][0-9]{0,11}",
        prefix in prop::option::of("/[a-b.]{0,4}"),
    ) {
        let signer = Signer::new(Algorithm::HmacSha256, &[key(ThirdPartyFormat::Thumbor)], Encoding::Base64url, None);
        let signer = signer.unwrap();
        let message = joined(&path, &expires);
        let token = signer.sign(&message, prefix.as_deref().map(str::as_bytes)).unwrap();
        let is_right = |token: &str, with_prefix, message: &[u8]| {
            let token = signer.read(token.as_bytes(), with_prefix);
            token.is_ok_and(|token| signer.check(&token, message).is_ok())
        };
        prop_assert!(is_right(&token, prefix.is_some(), &message));
        prop_assert!(!is_right(&token, prefix.is_none(), &message));
        let whole = String::from_utf8(message.clone()).unwrap();
        let md5 = secure_link::decode(secure_link::sign(&message).as_bytes()).unwrap();
        for (at, _) in whole.char_indices().skip(1) {
            let (path2, rest) = whole.split_at(at);
            for expires2 in [rest, rest.strip_prefix('|').unwrap_or("x")] {
                // What stands behind a comma belongs to the expiry, and that is digits.
                let (_, text) = secure_link::split(expires2.as_bytes());
                if text.is_some() || parse_time(expires2.as_bytes()).is_none() {
                    continue;
                }
                let other = joined(path2, expires2);
                let is_same = (path2, expires2) == (&path, &expires);
                prop_assert_eq!(is_right(&token, prefix.is_some(), &other), is_same, "{}", whole);
                prop_assert_eq!(secure_link::matches(&md5, &other), is_same, "{}", whole);
            }
        }
    }

    /// No change to a token makes it one for another prefix, or for none.
    #[test]
    fn a_prefix_is_that_of_its_token(
        prefix in "/[a-c/]{0,6}",
        other in "/[a-c/]{0,6}",
        at in any::<prop::sample::Index>(),
        byte in 33u8..127,
    ) {
        let named = key(ThirdPartyFormat::Thumbor).with_id(b"k").unwrap();
        let signer = Signer::new(Algorithm::HmacSha256, &[named], Encoding::Base64url, None).unwrap();
        let token = signer.sign(b"1900000000", Some(prefix.as_bytes())).unwrap();
        let opened = |token: &[u8]| {
            let token = signer.read(token, true).ok()?;
            signer.check(&token, b"1900000000").ok()?;
            token.prefix().ok()?
        };
        prop_assert_eq!(opened(token.as_bytes()), Some(prefix.clone().into_bytes()));
        let swapped = token.replace(&base64url(prefix.as_bytes()), &base64url(other.as_bytes()));
        if prefix != other {
            prop_assert_eq!(opened(swapped.as_bytes()), None);
        }
        for changed in [token.replacen('.', "", 1), token.replacen('.', "..", 1), format!("k.{token}")] {
            prop_assert_eq!(opened(changed.as_bytes()), None, "{}", changed);
        }
        let mut changed = token.into_bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        let found = opened(&changed);
        prop_assert!(found.is_none_or(|found| found == prefix.as_bytes()));
    }
}

mod cloudfront {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use rsa::PrivateKey;
    use rsa::pkcs1::DecodeRsaPrivateKey;
    use rsa::pkcs1v15::Pkcs1v15Sign;
    use rsa::pkcs8::DecodePrivateKey;
    use sha2::Digest;

    const PRIVATE: &str = include_str!("fixtures/pair.pem");
    const PUBLIC: &str = include_str!("fixtures/pair.pub");

    fn written(bytes: &[u8]) -> String {
        STANDARD.encode(bytes).replace('+', "-").replace('=', "_").replace('/', "~")
    }

    /// What is signed, whatever it says.
    fn signature(policy: &str) -> String {
        let private = PrivateKey::from_pkcs8_pem(PRIVATE)
            .or_else(|_| PrivateKey::from_pkcs1_pem(PRIVATE))
            .unwrap();
        let digest = Sha256::digest(policy.as_bytes());
        written(&private.sign(Pkcs1v15Sign::new::<Sha256>(), &digest).unwrap())
    }

    fn check(url: &str, address: &str) -> Result<Verified, VerifyError> {
        let keys = [Key::new(PUBLIC.as_bytes().to_vec()).unwrap()];
        let third_party =
            ThirdParty::new(ThirdPartyFormat::Cloudfront, &keys, Rules::default()).unwrap();
        let (url, address) = (url.as_bytes(), address.as_bytes());
        third_party.verify(&LinkRequest {
            url,
            address,
            cookies: b"",
            unsigned: Unsigned::Named(&[]),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

        /// What a policy says is kept; what is not known, or stands twice, is refused.
        #[test]
        fn a_policy_is_kept_or_refused(
            conditions in prop::collection::vec(
                select(vec![
                    (r#""DateLessThan":{"AWS:EpochTime":1900000000}"#, "end", true),
                    (r#""DateGreaterThan":{"AWS:EpochTime":1700000000}"#, "start", true),
                    (r#""IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}"#, "ip", true),
                    (r#""IpAddress":{"AWS:SourceIp":"0.0.0.0/0"}"#, "ip", true),
                    (r#""IpAddress":null"#, "ip", false),
                    (r#""NotIpAddress":{"AWS:SourceIp":"192.0.2.0/24"}"#, "not", false),
                    (r#""DateLessThan":{"AWS:EpochTime":"1900000000"}"#, "end", false),
                    (r#""StringEquals":{"aws:Referer":"x"}"#, "string", false),
                ]),
                0..4,
            ),
            resource in select(vec!["http://h/a/*", "http://h/a/b.jpg", "http://h/*?w=1", "http://h/b*", "*"]),
            effect in select(vec!["", r#""Effect":"Deny","#, r#""Effect":"Allow","#, ""]),
            url in select(vec!["http://h/a/b.jpg", "http://h/a/b.jpg?w=1", "http://h/a/b.jpg?w=5000", "http://h/b?/a/"]),
        ) {
            let all = conditions.iter().map(|(text, ..)| *text).collect::<Vec<_>>().join(",");
            let policy = format!(
                r#"{{"Statement":[{{{effect}"Resource":"{resource}","Condition":{{{all}}}}}]}}"#
            );
            let separator = if url.contains('?') { '&' } else { '?' };
            let link = format!(
                "{url}{separator}Policy={}&Signature={}&Key-Pair-Id=K&Hash-Algorithm=SHA256",
                written(policy.as_bytes()), signature(&policy)
            );
            let count = |name: &str| conditions.iter().filter(|(_, what, _)| *what == name).count();
            let is_known = effect.is_empty()
                && conditions.iter().all(|(.., known)| *known)
                && count("end") == 1 && count("start") <= 1 && count("ip") <= 1;
            let (path, query) = url.split_once('?').unwrap_or((url, ""));
            let is_there = match resource {
                "http://h/a/*" => path == "http://h/a/b.jpg",
                "http://h/a/b.jpg" => url == resource,
                "http://h/*?w=1" => query == "w=1",
                "http://h/b*" => path == "http://h/b",
                _ => true,
            };
            for (address, is_inside) in [("192.0.2.7", true), ("::ffff:192.0.2.7", true), ("198.51.100.1", false)] {
                let is_from = is_inside || !all.contains("192.0.2.0/24");
                let found = check(&link, address);
                let expected = is_known && is_there && is_from;
                prop_assert_eq!(found.is_ok(), expected, "{} {} {} {:?}", policy, url, address, found);
                if let Ok(found) = found {
                    let not_before = (count("start") == 1).then_some(1_700_000_000);
                    prop_assert_eq!(found.validity, ValidityPeriod { not_before, expires: Some(1_900_000_000) });
                }
            }
        }

        /// A canned policy is for one URL until one moment, to the byte.
        #[test]
        fn a_canned_policy_is_for_one_url(
            path in "/[a-c0-9.]{0,6}",
            query in "(\\?[a-c]=[0-9a-c]{0,3}(&[d-f]=[0-9]{1,2})?)?",
            at in any::<prop::sample::Index>(),
            byte in 33u8..127,
        ) {
            let url = format!("http://h{path}{query}");
            let policy = |url: &str, expires: &str| format!(
                r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
            );
            let signature = signature(&policy(&url, "1900000000"));
            let link = |url: &str, expires: &str| {
                let separator = if url.contains('?') { '&' } else { '?' };
                format!("{url}{separator}Expires={expires}&Signature={signature}&Key-Pair-Id=K&Hash-Algorithm=SHA256")
            };
            prop_assert!(check(&link(&url, "1900000000"), "").is_ok());
            for expires in ["1900000001", "190000000", "19000000000", "1900000000,", "", "-1"] {
                prop_assert!(check(&link(&url, expires), "").is_err(), "{}", expires);
            }
            // Nothing names the key pair here, and nginx sees no argument behind "#".
            for more in ["&x=1", "&Expires=1900000000", "&Policy=x", "&Signature=", "#"] {
                let longer = link(&url, "1900000000") + more;
                prop_assert!(check(&longer, "").is_err(), "{}", longer);
            }
            let own = format!("Expires=1900000000&Signature={signature}&Hash-Algorithm=SHA256&Key-Pair-Id=K");
            let arguments = query.trim_start_matches('?');
            let reordered = format!("http://h{path}?{own}&{arguments}");
            prop_assert!(check(&reordered, "").is_ok(), "{}", reordered);
            let hidden = format!("http://h{path}?{own}#&{arguments}");
            prop_assert!(check(&hidden, "").is_err(), "{}", hidden);
            let mut changed = url.clone().into_bytes();
            let at = at.index(changed.len());
            changed[at] = byte;
            // An empty argument says nothing: neither does the "&" that it stands between.
            let changed = String::from_utf8(changed).unwrap();
            let is_same = |one: &str, other: &str| {
                let parts = |url: &str| url.split(['?', '&']).filter(|p| !p.is_empty()).map(str::to_string).collect::<Vec<_>>();
                parts(one) == parts(other)
            };
            if !is_same(&changed, &url) {
                prop_assert!(check(&link(&changed, "1900000000"), "").is_err(), "{}", changed);
            }
        }
    }
}
