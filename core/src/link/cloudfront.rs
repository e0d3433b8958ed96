//! CloudFront signed URLs and signed cookies: the arguments `Signature`, `Key-Pair-Id` and either `Expires` (a canned
//! policy) or `Policy` (a custom one), and `Hash-Algorithm=SHA256` where the hash is not SHA-1.
//!
//! The signature is RSA, PKCS #1 v1.5, of the policy, a text in JSON. A canned one is made of the
//! URL without these arguments, and `Expires`. A custom one comes in the link; its resource may
//! hold `*`, and it may bound the time and the client's address. What it says beyond that is not
//! known here, so such a link is refused.
//!
//! All of that may come as cookies instead, with `CloudFront-` before each name. In part here and in
//! part there, or twice, it is refused.
//!
//! The part of a resource before its first `?` is for the path, the one behind it for the
//! arguments: no `*` stands for both. Only one at the end of the resource stands for any
//! arguments, too.
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html>

use std::borrow::Cow;
use std::net::IpAddr;

use base64::Engine;
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::format::{Ability, FormatKey, LinkFormat, Secret};
use super::public_key::{PublicKey, hashed};
use super::url::{Url, address, decoded, glob_matches, is_plain};
use super::{
    Key, KeyError, LinkRequest, Rules, SignError, SignRequest, Unsigned, ValidityPeriod, Verified,
    VerifyError, parse_time,
};

/// The arguments that are not part of the resource.
const ARGUMENTS: [&[u8]; 5] =
    [b"Expires", b"Policy", b"Signature", b"Key-Pair-Id", b"Hash-Algorithm"];

/// The same, and their names as cookies.
const COOKIES: [(&str, &str); 5] = [
    ("Expires", "CloudFront-Expires"),
    ("Policy", "CloudFront-Policy"),
    ("Signature", "CloudFront-Signature"),
    ("Key-Pair-Id", "CloudFront-Key-Pair-Id"),
    ("Hash-Algorithm", "CloudFront-Hash-Algorithm"),
];

/// The format.
pub(super) struct Cloudfront;

impl LinkFormat for Cloudfront {
    fn name(&self) -> &'static str {
        "cloudfront"
    }

    fn place(&self) -> &'static str {
        "argument \"Signature\" with \"Key-Pair-Id\" and \"Expires\" or \"Policy\", or cookies of that"
    }

    fn cookies(&self) -> &'static [(&'static str, &'static str)] {
        &COOKIES
    }

    fn signs_origin(&self) -> bool {
        true
    }

    fn abilities(&self) -> &'static [Ability] {
        &Ability::ALL
    }

    fn secret(&self, key: &Key) -> Result<Secret, KeyError> {
        PublicKey::parse(&key.secret).map(Secret::Public)
    }

    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        _: Rules,
    ) -> Result<Verified, VerifyError> {
        verify(keys, request)
    }

    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
        sign(key, sign_request)
    }
}

fn verify(keys: &[FormatKey], request: &LinkRequest<'_>) -> Result<Verified, VerifyError> {
    let url = Url::parse(request.url);
    let is_cookie =
        |(name, _): (&[u8], &[u8])| COOKIES.iter().any(|(_, own)| own.as_bytes() == name);
    let is_in_cookies = request.cookies().any(is_cookie);
    if is_in_cookies && url.names().any(|name| ARGUMENTS.contains(&name)) {
        return Err(VerifyError::Malformed);
    }
    let argument = |name: &[u8]| {
        if is_in_cookies {
            let cookie = [b"CloudFront-", name].concat();
            return request.only_cookie(&[&cookie]).map(|value| value.map(Cow::Borrowed));
        }
        url.only_argument(&[name]).map(|value| value.map(decoded))
    };
    let signature = argument(b"Signature")?.ok_or(VerifyError::Missing)?;
    let signature = decode(&signature).ok_or(VerifyError::Malformed)?;
    let pair = argument(b"Key-Pair-Id")?.ok_or(VerifyError::Malformed)?;
    let sha256 = match argument(b"Hash-Algorithm")?.as_deref() {
        None | Some(b"SHA1") => false,
        Some(b"SHA256") => true,
        Some(_) => return Err(VerifyError::Malformed),
    };
    let rest = rest(&url);
    let (policy, custom) = match (argument(b"Policy")?, argument(b"Expires")?) {
        (Some(policy), None) => (decode(&policy).ok_or(VerifyError::Malformed)?, true),
        (None, Some(expires)) => {
            let expires = parse_time(&expires).ok_or(VerifyError::Malformed)?;
            (canned(&resource(&url, &rest), expires).ok_or(VerifyError::Malformed)?, false)
        }
        _ => return Err(VerifyError::Malformed),
    };

    let mut reason = VerifyError::NoKey;
    let mut found = None;
    for (index, key) in keys.iter().enumerate() {
        let Secret::Public(public) = &key.secret else { continue };
        if !key.id.is_empty() && *key.id != *pair {
            continue;
        }
        if public.verifies(&policy, &signature, sha256) {
            found = Some(index);
            break;
        }
        reason = VerifyError::Mismatch;
    }
    let key = found.ok_or(reason)?;

    let policy = Policy::parse(&policy).ok_or(VerifyError::Malformed)?;
    if custom && !policy.allows(&url, &rest) {
        return Err(VerifyError::Mismatch);
    }
    if policy.network.is_some_and(|network| !network.holds(request.address)) {
        return Err(VerifyError::Mismatch);
    }
    Ok(Verified { key, validity: policy.validity, rate: None })
}

/// The arguments but those that CloudFront takes; `None` where there are none.
fn rest(url: &Url<'_>) -> Option<Vec<u8>> {
    let own = |argument: &&[u8]| {
        let name = argument.split(|&byte| byte == b'=').next().unwrap_or_default();
        !argument.is_empty() && !ARGUMENTS.contains(&name)
    };
    let rest: Vec<_> = url.query.split(|&byte| byte == b'&').filter(own).collect();
    (!rest.is_empty()).then(|| rest.join(&b'&'))
}

/// The URL without the arguments that CloudFront takes.
fn resource(url: &Url<'_>, rest: &Option<Vec<u8>>) -> Vec<u8> {
    let mut resource = [url.origin, url.path].concat();
    if let Some(rest) = rest {
        resource.push(b'?');
        resource.extend(rest);
    }
    resource
}

/// The policy of a link that has none of its own. `None` where the resource would not stay within
/// its quotes, or is a pattern: the same text and signature are a policy that opens all that fits it.
fn canned(resource: &[u8], expires: u64) -> Option<Vec<u8>> {
    let is_quoted = |byte: &u8| byte.is_ascii_control() || b"\"\\".contains(byte);
    if resource.iter().any(is_quoted) || is_pattern(resource) {
        return None;
    }
    let end = format!("\",\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{expires}}}}}}}]}}");
    Some([b"{\"Statement\":[{\"Resource\":\"", resource, end.as_bytes()].concat())
}

/// Whether something in a URL would stand for something else in a policy. The first `?` begins the
/// arguments.
fn is_pattern(url: &[u8]) -> bool {
    url.contains(&b'*') || url.iter().filter(|&&byte| byte == b'?').nth(1).is_some()
}

/// A policy that says more than a canned one can.
fn custom(resource: &str, expires: u64, sign_request: &SignRequest<'_>) -> String {
    let epoch = |time: u64| json!({ "AWS:EpochTime": time });
    let mut condition = json!({ "DateLessThan": epoch(expires) });
    if let Some(start) = sign_request.validity.not_before {
        condition["DateGreaterThan"] = epoch(start);
    }
    if let Some(address) = sign_request.address {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        condition["IpAddress"] = json!({ "AWS:SourceIp": format!("{address}/{bits}") });
    }
    json!({ "Statement": [{ "Resource": resource, "Condition": condition }] }).to_string()
}

/// A link under a canned policy, or a custom one where it takes that, by a private key in PEM.
fn sign(key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError> {
    let expires = sign_request.expires("cloudfront")?;
    let origin = sign_request.origin("cloudfront")?;
    let pair = std::str::from_utf8(&key.id).ok().filter(|id| !id.is_empty());
    let pair = pair.ok_or(SignError::KeyId("cloudfront"))?;
    let pem = std::str::from_utf8(&key.secret).map_err(|_| KeyError::PrivateKey)?;
    let private = PrivateKey::from_pkcs8_pem(pem)
        .or_else(|_| PrivateKey::from_pkcs1_pem(pem))
        .map_err(|_| KeyError::PrivateKey)?;
    let is_canned = sign_request.validity.not_before.is_none()
        && sign_request.address.is_none()
        && sign_request.prefix.is_none();
    if is_pattern(sign_request.prefix.unwrap_or(sign_request.url).as_bytes()) {
        return Err(SignError::Unsupported(
            "cloudfront",
            "a URL with \"*\", or \"?\" in arguments",
        ));
    }
    let (policy, shown) = if is_canned {
        let policy = canned(sign_request.url.as_bytes(), expires);
        let policy = policy.ok_or(SignError::Unsupported("cloudfront", "such a URL"))?;
        (policy, format!("Expires={expires}"))
    } else {
        let resource = sign_request
            .prefix
            .map(|prefix| format!("{}{prefix}*", String::from_utf8_lossy(origin)));
        let policy = custom(resource.as_deref().unwrap_or(sign_request.url), expires, sign_request);
        let shown = format!("Policy={}", encode(policy.as_bytes()));
        (policy.into_bytes(), shown)
    };
    let (scheme, digest) = hashed(&policy, true);
    let signature = private.sign(scheme, &digest).map_err(|_| KeyError::PrivateKey)?;
    let signature = encode(&signature);
    let link = sign_request.with_arguments(&format!(
        "{shown}&Signature={signature}&Key-Pair-Id={pair}&Hash-Algorithm=SHA256"
    ));
    // A URL that has such arguments already, or is not below its prefix.
    let public = FormatKey {
        id: Box::default(),
        salt: Box::default(),
        secret: Secret::Public(PublicKey::of(&private)),
    };
    let address = sign_request.address.map(|address| address.to_string()).unwrap_or_default();
    let (url, address) = (link.as_bytes(), address.as_bytes());
    match verify(&[public], &LinkRequest { url, address, cookies: b"", unsigned: Unsigned::Any }) {
        Ok(_) => Ok(link),
        Err(_) => Err(SignError::Unsupported("cloudfront", "such a URL")),
    }
}

/// What a policy allows.
struct Policy {
    resource: String,
    validity: ValidityPeriod,
    network: Option<Network>,
}

/// A policy as it is written. What stands twice, or is not known, is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "Statement")]
    statement: [Statement; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Statement {
    resource: String,
    condition: Condition,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Condition {
    date_less_than: Epoch,
    #[serde(default, deserialize_with = "present")]
    date_greater_than: Option<Epoch>,
    #[serde(default, deserialize_with = "present")]
    ip_address: Option<IpSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Epoch {
    #[serde(rename = "AWS:EpochTime")]
    time: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IpSource {
    #[serde(rename = "AWS:SourceIp")]
    network: String,
}

/// What is written is there: `null` is none of its values.
fn present<'a, T: Deserialize<'a>, D: Deserializer<'a>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Policy {
    fn parse(json: &[u8]) -> Option<Policy> {
        let Document { statement: [Statement { resource, condition }] } =
            serde_json::from_slice(json).ok()?;
        let validity = ValidityPeriod {
            not_before: condition.date_greater_than.map(|epoch| epoch.time),
            expires: Some(condition.date_less_than.time),
        };
        let network = match condition.ip_address {
            None => None,
            Some(source) => Some(Network::parse(&source.network)?),
        };
        Some(Policy { resource, validity, network })
    }

    /// Whether the resource holds a URL; `rest` is the arguments that are part of it.
    fn allows(&self, url: &Url<'_>, rest: &Option<Vec<u8>>) -> bool {
        let resource = self.resource.as_bytes();
        // A "?" stands for one character, or begins the arguments: the first, or the last that an
        // argument follows, as "a=b".
        let first = memchr::memchr(b'?', resource);
        let last = memchr::memchr(b'=', resource)
            .and_then(|end| memchr::memrchr(b'?', resource.get(..end)?));
        self.allows_at(first, url, rest) || first != last && self.allows_at(last, url, rest)
    }

    /// The same where the arguments begin at that place of the resource.
    fn allows_at(&self, args: Option<usize>, url: &Url<'_>, rest: &Option<Vec<u8>>) -> bool {
        let resource = self.resource.as_bytes();
        let (path, query) = match args {
            None => (resource, None),
            Some(at) => (resource.get(..at).unwrap_or_default(), resource.get(at + 1..)),
        };
        let place = [url.origin, url.path].concat();
        // Only a path that means what it says may be compared with a pattern.
        let is_there = path == place || is_plain(url.path) && glob_matches(path, &place);
        is_there
            && match (query, rest) {
                (None, None) => true,
                (None, Some(_)) => resource.ends_with(b"*"),
                (Some(pattern), rest) => glob_matches(pattern, rest.as_deref().unwrap_or_default()),
            }
    }
}

/// `ADDRESS[/BITS]`.
#[derive(Clone, Copy)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = match bits {
            None => most,
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
        };
        // A network of IPv4 may be written as one of IPv6.
        let canonical = address.to_canonical();
        match bits.checked_sub(96) {
            Some(bits) if bits <= 32 && canonical != address => {
                Some(Network { address: canonical, bits })
            }
            _ => (bits <= most).then_some(Network { address, bits }),
        }
    }

    fn holds(&self, text: &[u8]) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            (a ^ b).checked_shr(width - self.bits).unwrap_or_default() == 0
        };
        match (self.address, address(text)) {
            (IpAddr::V4(a), Some(IpAddr::V4(b))) => {
                same(u32::from(a).into(), u32::from(b).into(), 32)
            }
            (IpAddr::V6(a), Some(IpAddr::V6(b))) => same(a.into(), b.into(), 128),
            _ => false,
        }
    }
}

/// Base64 with `-`, `_` and `~` for what a URL does not hold.
const BASE64: base64::engine::GeneralPurpose = base64::engine::general_purpose::STANDARD;

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let standard = |&c: &u8| match c {
        b'-' => b'+',
        b'_' => b'=',
        b'~' => b'/',
        c => c,
    };
    BASE64.decode(text.iter().map(standard).collect::<Vec<_>>()).ok()
}

fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes).replace('+', "-").replace('=', "_").replace('/', "~")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) mod tests {
    use super::Network;
    use crate::link::third_party::tests::{key, verify, verify_with};
    use crate::link::{
        Key, LinkRequest, Rules, SignRequest, ThirdParty, ThirdPartyFormat, Unsigned,
        ValidityPeriod, VerifyError,
    };
    use rsa::pkcs1::DecodeRsaPrivateKey;
    use rsa::pkcs8::DecodePrivateKey;

    /// A key pair of these tests, by `openssl genrsa 2048` and `openssl rsa -pubout`.
    pub const PRIVATE: &str = include_str!("../../tests/fixtures/pair.pem");
    pub const PAIRED: &str = include_str!("../../tests/fixtures/pair.pub");

    /// A key pair and links made as AWS's documentation does it ("Create a URL signature using
    /// ... OpenSSL"): `openssl sha1 -sign key.pem | openssl base64 | tr '+=/' '-_~'`.
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3F4kp3K8F3v72wU4IFf/\n\
        L8TEnNjr1S1TFRfSVXb7xXgjG3FxY4vfphcm0Oi4wW0p+R8WRlRpmJ/sCG3Nu6qG\n\
        rI5HuLMIqsLUn27oE+8ElMfiMDFCE5+pZ7vt1xX3CMtyg6T5J5xQB5cHMwY3Mz5I\n\
        ZSE2zKhwtqAb0sZK5oGt/rWAjH1ZJD5G8rjj7RofDCRNz4AiVPLD1xigr7XA/Jt/\n\
        +k/ebiZ/5OAgFemH3Cx7q2EizZR87HJq/+64u1EpNUnq6wgGefZtW7p3QN+vsmKI\n\
        OM27hEYcMflzcwjORoShgN4b8W8HAtWVpbgvMcSyb4J9lArELZ37tiwslDMFQxU2\n\
        QwIDAQAB\n\
        -----END PUBLIC KEY-----";
    const URL: &str = "https://d111111abcdef8.cloudfront.net/images/a.jpg?size=large";
    const SHA1: &str = "DTrS3m0xFBcL03Wlie0wOFWZzJwpfzo8EYt5ZdmncBPEkporl3pDoTdC5z3tvvY8gBuqDOMCS3ylugfhXokv\
        bVfHfXKQjAGb-8bIxw-N9ku9fIUwO507339BU3pm9ah2ULptYurU~XgZM7WUqEtBxQ26hm~kMNnLRwV10kML\
        bQubgVqv8~Qjapa1xZewIzbKYjUNbOfkn9lG0~SYrLqeMJDLiD56ODq1FEfl0sfVibMRUT5ba34DmgSY01AT\
        7s-n2shyQvRbxQ3uKaEp4WtTYTbeVxAvbP5krFiE9XK0rx23SEv1n~T9AgZIfeMqQI3eqxXK~lHKEPspqy6K\
        zBoV8Q__";
    const SHA256: &str = "n-4z9gc0GG0mHRQ7a2IAEiotvAk4X2R~mdsZW-oyV4VvCcPqL0p4GapxFEqBd~ZutKc-00z5yGcdfvWwGKMm\
        4LtD30uHLy3S~AymbLCFxmO1mghw8262Deq90trRf819O146tJGipX7~Mp5tjLZP0Icg8LtX60NAwfr4tMMf\
        vwwL~xldiDkWSKZRT8UrA8aOHcQLeqs8Bz8yGjyVEpI5qxUS--BPPOuWKudqtNQfneVhmjW~4QxRuiX~5daK\
        LCgWN0uFaAKwvF11skTKhplNGERd75-CTcxt-oIvSL-ADBp0Isfv5pdFgrkZ5VYbTB8~aRyCQ4EGKa2g-D~G\
        RfvyWQ__";
    /// Of `{"Statement":[{"Resource":"http*://*/images/*","Condition":{"DateLessThan":...,
    /// "DateGreaterThan":...,"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}}}]}`.
    const POLICY: &str = "eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiaHR0cCo6Ly8qL2ltYWdlcy8qIiwiQ29uZGl0aW9uIjp7IkRh\
        dGVMZXNzVGhhbiI6eyJBV1M6RXBvY2hUaW1lIjoyMDAwMDAwMDAwfSwiRGF0ZUdyZWF0ZXJUaGFuIjp7IkFX\
        UzpFcG9jaFRpbWUiOjE1MDAwMDAwMDB9LCJJcEFkZHJlc3MiOnsiQVdTOlNvdXJjZUlwIjoiMTkyLjAuMi4w\
        LzI0In19fV19";
    const SIGNATURE: &str = "dzjMzcuwSTB4RaYNhpqcIIGBqmcv2em1O11ewJTR0RdiOwzEyVsDe5vbwJ3qm8ol9r-r5rtZnFDkS5pEyzUl\
        edhBPGMjgWIltuY6xFVKIOhmVvYl1v7TxF2OL94zUUpjwgvaz9SXmyMrrVmw46YNLAoYwdIt6CxkorSg9a4p\
        QSz4uvlVl8CQcoc4lffTOTpO3JskeAOQ~SP2e89x6oGWXf-g1YqskcTknvuIhtOVOTVyKmnSGd1~SuxWCzPS\
        el-sWTuG8qwlJMRezJ-iFu9YmQ7fOgHeoAKzoGmOl0T7cOG9e3A0vDmgS4QXCx76npSgrenp~ME-wwzc3m7Z\
        0Psorg__";

    fn canned(url: &str) -> String {
        format!("{url}&Expires=2000000000&Signature={SHA1}&Key-Pair-Id=K2JCJMDEHXQW5F")
    }

    fn custom(url: &str) -> String {
        format!("{url}?Policy={POLICY}&Signature={SIGNATURE}&Key-Pair-Id=K2JCJMDEHXQW5F")
    }

    fn check(url: &str, address: &str) -> Result<ValidityPeriod, VerifyError> {
        verify(ThirdPartyFormat::Cloudfront, &[key(PUBLIC, "")], url, address)
            .map(|found| found.validity)
    }

    #[test]
    fn cookies() {
        let check = |cookies: &str, url: &str| {
            verify_with(cookies, ThirdPartyFormat::Cloudfront, &[key(PUBLIC, "")], url).map(|_| ())
        };
        let canned = format!(
            "x=y; CloudFront-Expires=2000000000; CloudFront-Signature={SHA1}; \
             CloudFront-Key-Pair-Id=K2JCJMDEHXQW5F"
        );
        assert_eq!(check(&canned, URL), Ok(()));
        assert_eq!(
            check(&canned.replace("CloudFront-Expires=2", "CloudFront-Expires=3"), URL),
            Err(VerifyError::Mismatch)
        );
        assert_eq!(check(&canned, &URL.replace("large", "small")), Err(VerifyError::Mismatch));
        let custom = format!(
            "CloudFront-Policy={POLICY}; CloudFront-Signature={SIGNATURE}; \
             CloudFront-Key-Pair-Id=K2JCJMDEHXQW5F"
        );
        // It is bound to an address, which is none here.
        assert_eq!(check(&custom, "https://h/images/a.jpg"), Err(VerifyError::Mismatch));
        assert_eq!(check("CloudFront-Key-Pair-Id=K", URL), Err(VerifyError::Missing));
        assert_eq!(check("a=b", URL), Err(VerifyError::Missing));
        for (cookies, url) in [
            (format!("{canned}; CloudFront-Expires=2000000000"), URL.to_owned()),
            (format!("{canned}; CloudFront-Signature={SHA1}"), URL.to_owned()),
            (format!("{canned}; CloudFront-Policy={POLICY}"), URL.to_owned()),
            (format!("{canned}; CloudFront-Hash-Algorithm=MD5"), URL.to_owned()),
            (canned.clone(), format!("{URL}&Expires=2000000000")),
            ("CloudFront-Key-Pair-Id=K".to_owned(), super::tests::canned(URL)),
        ] {
            assert_eq!(check(&cookies, &url), Err(VerifyError::Malformed), "{cookies} {url}");
        }
    }

    #[test]
    fn canned_policies() {
        let validity = ValidityPeriod { not_before: None, expires: Some(2_000_000_000) };
        let url = canned(URL);
        assert_eq!(check(&url, ""), Ok(validity));
        let sha256 = url.replace(SHA1, SHA256);
        assert_eq!(check(&format!("{sha256}&Hash-Algorithm=SHA256"), ""), Ok(validity));
        assert_eq!(check(&sha256, ""), Err(VerifyError::Mismatch));
        assert_eq!(check(&format!("{url}&Hash-Algorithm=MD5"), ""), Err(VerifyError::Malformed));
        for (from, to) in
            [("a.jpg", "b.jpg"), ("https", "http"), ("=2000", "=2001"), ("large", "small")]
        {
            assert_eq!(check(&url.replace(from, to), ""), Err(VerifyError::Mismatch), "{to}");
        }
        assert_eq!(check(&format!("{url}&x=y"), ""), Err(VerifyError::Mismatch));
        assert_eq!(check(URL, ""), Err(VerifyError::Missing));
        assert_eq!(
            check(&url.replace("Key-Pair-Id=K2JCJMDEHXQW5F", ""), ""),
            Err(VerifyError::Malformed)
        );
        assert_eq!(
            check(&url.replace("Signature=", "Signature=!"), ""),
            Err(VerifyError::Malformed)
        );
        assert_eq!(
            check(&url.replace("Expires=", "Policy=&Expires="), ""),
            Err(VerifyError::Malformed)
        );
    }

    #[test]
    fn custom_policies() {
        let validity =
            ValidityPeriod { not_before: Some(1_500_000_000), expires: Some(2_000_000_000) };
        assert_eq!(check(&custom("http://h/images/1/a.jpg"), "192.0.2.200"), Ok(validity));
        assert_eq!(
            check(&custom("http://h/images/a.jpg"), "192.0.3.1"),
            Err(VerifyError::Mismatch)
        );
        for path in ["/image/a.jpg", "/images/../a.jpg", "/images/%2e%2e/a.jpg", "/images//a.jpg"] {
            let url = custom(&format!("http://h{path}"));
            assert_eq!(check(&url, "192.0.2.1"), Err(VerifyError::Mismatch), "{path}");
        }
        let other = custom("http://h/images/a.jpg").replace("Policy=e", "Policy=f");
        assert_eq!(check(&other, "192.0.2.1"), Err(VerifyError::Mismatch));
    }

    /// A link with this policy, whatever it says.
    fn under(policy: &str, url: &str) -> String {
        let private = rsa::PrivateKey::from_pkcs8_pem(PRIVATE)
            .or_else(|_| rsa::PrivateKey::from_pkcs1_pem(PRIVATE))
            .unwrap();
        let (scheme, digest) = super::hashed(policy.as_bytes(), true);
        let signature = super::encode(&private.sign(scheme, &digest).unwrap());
        let policy = super::encode(policy.as_bytes());
        let separator = if url.contains('?') { '&' } else { '?' };
        format!(
            "{url}{separator}Policy={policy}&Signature={signature}&Key-Pair-Id=K&Hash-Algorithm=SHA256"
        )
    }

    fn check_paired(url: &str) -> Result<ValidityPeriod, VerifyError> {
        verify(ThirdPartyFormat::Cloudfront, &[key(PAIRED, "")], url, "192.0.2.7")
            .map(|found| found.validity)
    }

    #[test]
    fn a_resource_is_for_a_path_and_arguments() {
        for (resource, url, expected) in [
            ("http://h/a.jpg", "http://h/a.jpg", true),
            ("http://h/a.jpg", "http://h/a.jpg?w=1", false),
            ("http://h/*.jpg", "http://h/a/b.jpg", true),
            ("http://h/*.jpg", "http://h/a.png?x=.jpg", false),
            ("http://h/a/*", "http://h/a/b.jpg?w=1&h=2", true),
            ("http://h/a*", "http://h/a?w=1", true),
            ("*", "http://h/a?w=1", true),
            ("http://h/a/*?w=100", "http://h/a/b.jpg?w=100", true),
            ("http://h/a/*?w=100", "http://h/a/b.jpg?w=1000", false),
            ("http://h/a/*?w=100", "http://h/a/b.jpg?x=1&w=100", false),
            ("http://h/a/*?w=100", "http://h/a/b.jpg", false),
            ("http://h/a/*?w=*", "http://h/a/b.jpg?w=1&h=2", true),
            ("http://h/a/*?*", "http://h/a/b.jpg", true),
            ("http://h/a/*?w=?", "http://h/a/b.jpg?w=7", true),
            ("http://h/a/*?w=?", "http://h/a/b.jpg?w=77", false),
            ("http://h/a?w=1", "http://h/abw=1", false),
            ("http://h/a/?.jpg", "http://h/a/b.jpg", true),
            ("http://h/a/?.jpg", "http://h/a/bc.jpg", false),
            ("http://h/a/?.jpg", "http://h/a/b.jpg?w=1", false),
            ("http://h/a/?.jpg?w=1", "http://h/a/b.jpg?w=1", true),
            ("http://h/a/?.jpg?w=1", "http://h/a/b.jpg?w=2", false),
            ("http://h/a/?/*", "http://h/a/b/c.jpg?w=1", true),
            ("http://h/a/*", "http://h/b?/a/", false),
            ("http://h/*/b", "http://h/a?x/b", false),
            ("http://h/a/*", "http://h/a/../b", false),
            ("http://h/a/../b", "http://h/a/../b", true),
        ] {
            let policy = format!(
                r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":2}}}}}}]}}"#
            );
            let found = check_paired(&under(&policy, url));
            assert_eq!(found.is_ok(), expected, "{resource} {url} {found:?}");
        }
    }

    #[test]
    fn what_a_policy_says_is_known_and_once() {
        let less = r#""DateLessThan":{"AWS:EpochTime":2000000000}"#;
        let policy = |statement: &str, condition: &str| {
            let condition = format!(r#""Condition":{{{condition}}}"#);
            format!(r#"{{"Statement":[{{"Resource":"*",{statement}{condition}}}]}}"#)
        };
        let check = |policy: &str| check_paired(&under(policy, "http://h/a")).map(|_| ());
        assert_eq!(check(&policy("", less)), Ok(()));
        assert_eq!(check(&format!(" {}\r\n", policy("", less).replace("\":", "\" : "))), Ok(()));
        for policy in [
            policy(r#""Effect":"Deny","#, less),
            policy(r#""Effect":"Allow","#, less),
            policy(r#""Resource":"http://h/b","#, less),
            policy("", &format!(r#"{less},"NotIpAddress":{{"AWS:SourceIp":"192.0.2.7/32"}}"#)),
            policy("", &format!(r#"{less},"IpAddress":null"#)),
            policy("", &format!(r#"{less},"IpAddress":{{}}"#)),
            policy("", &format!(r#"{less},"IpAddress":{{"AWS:SourceIp":["192.0.2.7"]}}"#)),
            policy("", &format!(r#"{less},"IpAddress":{{"AWS:SourceIp":"192.0.2.7","x":1}}"#)),
            policy("", &format!(r#"{less},"IpAddress":{{"AWS:SourceIp":"here"}}"#)),
            policy("", &format!(r#"{less},"DateGreaterThan":null"#)),
            policy("", &format!(r#"{less},"DateGreaterThan":{{"AWS:EpochTime":"1"}}"#)),
            policy("", &format!(r#"{less},"dateGreaterThan":{{"AWS:EpochTime":1}}"#)),
            policy("", &format!(r#"{less},{less}"#)),
            policy("", r#""DateLessThan":{"AWS:EpochTime":2000000000,"AWS:EpochTime":1}"#),
            policy("", r#""DateLessThan":{"AWS:EpochTime":-1}"#),
            policy("", r#""DateLessThan":{"AWS:EpochTime":2e9}"#),
            policy("", ""),
            r#"{"Statement":[]}"#.to_string(),
            policy("", less).replace("Statement\":[{", "Statement\":[{}, {"),
            policy("", less).replace("{\"Statement", "{\"Version\":\"1\",\"Statement"),
            format!("{0}{0}", policy("", less)),
        ] {
            assert_eq!(check(&policy), Err(VerifyError::Malformed), "{policy}");
        }
        for (condition, expected) in [
            (r#""IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}"#, Ok(())),
            (r#""IpAddress":{"AWS:SourceIp":"192.0.3.0/24"}"#, Err(VerifyError::Mismatch)),
        ] {
            assert_eq!(check(&policy("", &format!("{less},{condition}"))), expected, "{condition}");
        }
    }

    #[test]
    fn arguments_of_a_link_stand_once_and_may_be_escaped() {
        let url = canned(URL);
        for more in ["Expires=2000000000", "Signature=x", "Key-Pair-Id=K", "Policy=x", "Expires"] {
            assert_eq!(check(&format!("{url}&{more}"), ""), Err(VerifyError::Malformed), "{more}");
        }
        let twice = format!("{url}&Hash-Algorithm=SHA1&Hash-Algorithm=SHA1");
        assert_eq!(check(&twice, ""), Err(VerifyError::Malformed));
        assert!(check(&url.replace('~', "%7E").replace("=2000", "=%32000"), "").is_ok());
    }

    /// No byte of a URL is taken for another, nor for the end of what it stands in.
    #[test]
    fn a_resource_is_bytes() {
        let private = Key::new(PRIVATE.as_bytes().to_vec()).unwrap().with_id(b"K").unwrap();
        let validity = ValidityPeriod { not_before: None, expires: Some(2_000_000_000) };
        let sign_request = SignRequest {
            url: "http://h/\u{fffd}",
            validity,
            address: None,
            prefix: None,
            made: 0,
        };
        let link = super::sign(&private, &sign_request).unwrap();
        assert!(check_paired(&link).is_ok());
        let third_party =
            ThirdParty::new(ThirdPartyFormat::Cloudfront, &[key(PAIRED, "")], Rules::default());
        let bytes = [&b"http://h/\xff"[..], &link.as_bytes()["http://h/\u{fffd}".len()..]].concat();
        let request =
            LinkRequest { url: &bytes, address: b"", cookies: b"", unsigned: Unsigned::Any };
        assert_eq!(third_party.unwrap().verify(&request).map(|_| ()), Err(VerifyError::Mismatch));
        for url in ["http://h/a\"", "http://h/a\\"] {
            assert!(super::sign(&private, &SignRequest { url, ..sign_request }).is_err(), "{url}");
            let quoted = link.replace("http://h/\u{fffd}", url);
            assert_eq!(check_paired(&quoted), Err(VerifyError::Malformed), "{url}");
        }
    }

    #[test]
    fn the_id_of_a_pair_selects_the_key() {
        let named = |id: &str| -> [Key; 1] { [key(PUBLIC, "").with_id(id.as_bytes()).unwrap()] };
        let check =
            |id| verify(ThirdPartyFormat::Cloudfront, &named(id), &canned(URL), "").map(|f| f.key);
        assert_eq!(check("K2JCJMDEHXQW5F"), Ok(0));
        assert_eq!(check("K2JCJMDEHXQW5G"), Err(VerifyError::NoKey));
    }

    /// The text that a canned policy is of may be read as a custom one.
    #[test]
    fn a_link_for_one_file_is_no_pattern() {
        let sign = |url: &str, prefix: Option<&str>, not_before| {
            let key = Key::new(PRIVATE.as_bytes().to_vec()).unwrap().with_id(b"K").unwrap();
            let validity = ValidityPeriod { not_before, expires: Some(2_000_000_000) };
            let sign_request = SignRequest { url, validity, address: None, prefix, made: 0 };
            sign_request.sign(ThirdPartyFormat::Cloudfront, &key)
        };
        let private = rsa::PrivateKey::from_pkcs8_pem(PRIVATE)
            .or_else(|_| rsa::PrivateKey::from_pkcs1_pem(PRIVATE))
            .unwrap();
        for (url, is_taken) in [
            ("http://h/a.jpg?w=1", true),
            ("http://h/a%2Ab.jpg?w=%3F", true),
            ("http://h/a*b.jpg", false),
            ("http://h/a.jpg?w=*", false),
            ("http://h/a.jpg?w=?", false),
            ("http://h/a.jpg??", false),
        ] {
            for not_before in [None, Some(1)] {
                assert_eq!(sign(url, None, not_before).is_ok(), is_taken, "{url}");
            }
            // ... by whoever makes it.
            let end = r#"","Condition":{"DateLessThan":{"AWS:EpochTime":2000000000}}}]}"#;
            let policy = [r#"{"Statement":[{"Resource":""#, url, end].concat();
            let (scheme, digest) = super::hashed(policy.as_bytes(), true);
            let signature = super::encode(&private.sign(scheme, &digest).unwrap());
            let separator = if url.contains('?') { '&' } else { '?' };
            let link = format!(
                "{url}{separator}Expires=2000000000&Signature={signature}&Key-Pair-Id=K\
                 &Hash-Algorithm=SHA256"
            );
            let found = verify(ThirdPartyFormat::Cloudfront, &[key(PAIRED, "")], &link, "");
            assert_eq!(found.map(|_| ()).is_ok(), is_taken, "{link}");
        }
        assert!(sign("http://h/a/b.jpg", Some("/a/"), None).is_ok());
        assert!(sign("http://h/a*/b.jpg", Some("/a*/"), None).is_err());
    }

    #[test]
    fn keys_are_rsa_in_pem() {
        for pem in ["secret", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
            assert!(
                ThirdParty::new(ThirdPartyFormat::Cloudfront, &[key(pem, "")], Rules::default())
                    .is_err(),
                "{pem}"
            );
        }
        let third_party =
            ThirdParty::new(ThirdPartyFormat::Cloudfront, &[key(PUBLIC, "")], Rules::default())
                .unwrap();
        assert_eq!(third_party.token(b"message"), None);
    }

    #[test]
    fn networks() {
        let holds = |network, address: &str| {
            Network::parse(network).is_some_and(|network| network.holds(address.as_bytes()))
        };
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(holds("203.0.113.9", "203.0.113.9"));
        assert!(!holds("203.0.113.9", "203.0.113.8"));
        assert!(holds("10.0.0.0/9", "10.127.0.1"));
        assert!(!holds("10.0.0.0/9", "10.128.0.1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1"));
        assert!(!holds("2001:db8::/32", "2001:db9::1"));
        assert!(!holds("0.0.0.0/0", "::1"));
        assert!(!holds("10.0.0.0/33", "10.0.0.0"));
        assert!(!holds("10.0.0.0/+8", "10.0.0.0"));
        assert!(!holds("10.0.0.0/", "10.0.0.0"));
        // Both kinds of one address.
        assert!(holds("203.0.113.0/24", "::ffff:203.0.113.9"));
        assert!(!holds("203.0.113.0/24", "::ffff:203.0.114.9"));
        assert!(holds("::ffff:203.0.113.0/120", "203.0.113.9"));
        assert!(holds("::ffff:203.0.113.9", "::ffff:203.0.113.9"));
        assert!(!holds("::ffff:203.0.113.0/120", "203.0.114.9"));
        assert!(!holds("::/0", "::ffff:203.0.113.9"));
        assert!(holds("::/0", "2001:db8::1"));
    }
}
