//! CloudFront signed URLs: the arguments `Signature`, `Key-Pair-Id` and either `Expires` (a canned
//! policy) or `Policy` (a custom one), and `Hash-Algorithm=SHA256` where the hash is not SHA-1.
//!
//! The signature is RSA, PKCS #1 v1.5, of the policy, a text in JSON. A canned one is made of the
//! URL without these arguments, and `Expires`. A custom one comes in the link; its resource may
//! hold `*` and `?`, and it may bound the time and the client's address.
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html>

use std::net::IpAddr;

use base64::Engine;
use rsa::PrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey};
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use serde_json::Value;
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::foreign::{Keyed, Secret};
use super::url::{Url, address, fits, is_plain};
use super::{KeyError, Reason, Verified, Visit, Window, parse_time};

/// The arguments that are not part of the resource.
const ARGUMENTS: [&[u8]; 5] =
    [b"Expires", b"Policy", b"Signature", b"Key-Pair-Id", b"Hash-Algorithm"];

/// A public key of a key pair.
pub struct PublicKey(rsa::PublicKey);

impl PublicKey {
    /// Reads a key in PEM, of either kind that openssl writes.
    ///
    /// # Errors
    /// [`KeyError::PublicKey`].
    pub fn parse(pem: &[u8]) -> Result<PublicKey, KeyError> {
        let pem = std::str::from_utf8(pem).map_err(|_| KeyError::PublicKey)?;
        rsa::PublicKey::from_public_key_pem(pem)
            .or_else(|_| rsa::PublicKey::from_pkcs1_pem(pem))
            .map(PublicKey)
            .map_err(|_| KeyError::PublicKey)
    }

    fn verifies(&self, policy: &[u8], signature: &[u8], sha256: bool) -> bool {
        let (scheme, digest) = hashed(policy, sha256);
        self.0.verify(scheme, &digest, signature).is_ok()
    }
}

fn hashed(policy: &[u8], sha256: bool) -> (Pkcs1v15Sign, Vec<u8>) {
    if sha256 {
        (Pkcs1v15Sign::new::<Sha256>(), Sha256::digest(policy).to_vec())
    } else {
        (Pkcs1v15Sign::new::<Sha1>(), Sha1::digest(policy).to_vec())
    }
}

pub(super) fn verify(keys: &[Keyed], visit: &Visit<'_>) -> Result<Verified, Reason> {
    let url = Url::parse(visit.url);
    let signature = url.argument(b"Signature").ok_or(Reason::Missing)?;
    let signature = decode(signature).ok_or(Reason::Malformed)?;
    let pair = url.argument(b"Key-Pair-Id").ok_or(Reason::Malformed)?;
    let sha256 = match url.argument(b"Hash-Algorithm") {
        None | Some(b"SHA1") => false,
        Some(b"SHA256") => true,
        Some(_) => return Err(Reason::Malformed),
    };
    let resource = resource(&url);
    let (policy, custom) = match (url.argument(b"Policy"), url.argument(b"Expires")) {
        (Some(policy), None) => (decode(policy).ok_or(Reason::Malformed)?, true),
        (None, Some(expires)) => {
            let expires = parse_time(expires).ok_or(Reason::Malformed)?;
            (canned(&resource, expires).into_bytes(), false)
        }
        _ => return Err(Reason::Malformed),
    };

    let mut reason = Reason::NoKey;
    let mut found = None;
    for (index, key) in keys.iter().enumerate() {
        let Secret::Public(public) = &key.secret else { continue };
        if !key.id.is_empty() && &*key.id != pair {
            continue;
        }
        if public.verifies(&policy, &signature, sha256) {
            found = Some(index);
            break;
        }
        reason = Reason::Mismatch;
    }
    let key = found.ok_or(reason)?;

    let policy = Policy::parse(&policy).ok_or(Reason::Malformed)?;
    if custom {
        let pattern = policy.resource.as_bytes();
        // Only a path that means what it says may be compared with a pattern.
        let plain = is_plain(url.path) || pattern == resource.as_bytes();
        if !plain || !fits(pattern, resource.as_bytes()) {
            return Err(Reason::Mismatch);
        }
        if policy.network.is_some_and(|network| !network.holds(visit.address)) {
            return Err(Reason::Mismatch);
        }
    }
    Ok(Verified { key, window: policy.window })
}

/// The URL without the arguments that CloudFront takes.
fn resource(url: &Url<'_>) -> String {
    let own = |argument: &&[u8]| {
        let name = argument.split(|&byte| byte == b'=').next().unwrap_or_default();
        !argument.is_empty() && !ARGUMENTS.contains(&name)
    };
    let rest: Vec<_> = url.query.split(|&byte| byte == b'&').filter(own).collect();
    let mut resource = [url.origin, url.path].concat();
    if !rest.is_empty() {
        resource.push(b'?');
        resource.extend(rest.join(&b'&'));
    }
    String::from_utf8_lossy(&resource).into_owned()
}

/// The policy of a link that has none of its own.
fn canned(resource: &str, expires: u64) -> String {
    format!(
        "{{\"Statement\":[{{\"Resource\":\"{resource}\",\"Condition\":{{\"DateLessThan\":\
         {{\"AWS:EpochTime\":{expires}}}}}}}]}}"
    )
}

/// Signs a URL under a canned policy with a private key in PEM.
///
/// # Errors
/// [`KeyError::PublicKey`] where that is no private key of RSA.
pub fn sign(
    pem: &[u8],
    pair: &str,
    url: &str,
    expires: u64,
    sha256: bool,
) -> Result<String, KeyError> {
    let pem = std::str::from_utf8(pem).map_err(|_| KeyError::PublicKey)?;
    let key = PrivateKey::from_pkcs8_pem(pem)
        .or_else(|_| PrivateKey::from_pkcs1_pem(pem))
        .map_err(|_| KeyError::PublicKey)?;
    let (scheme, digest) = hashed(canned(url, expires).as_bytes(), sha256);
    let signature = key.sign(scheme, &digest).map_err(|_| KeyError::PublicKey)?;
    let separator = if url.contains('?') { '&' } else { '?' };
    let algorithm = if sha256 { "&Hash-Algorithm=SHA256" } else { "" };
    let signature = encode(&signature);
    Ok(format!(
        "{url}{separator}Expires={expires}&Signature={signature}&Key-Pair-Id={pair}{algorithm}"
    ))
}

/// What a policy allows.
struct Policy {
    resource: String,
    window: Window,
    network: Option<Network>,
}

impl Policy {
    fn parse(json: &[u8]) -> Option<Policy> {
        let policy: Value = serde_json::from_slice(json).ok()?;
        let [statement] = policy.get("Statement")?.as_array()?.as_slice() else { return None };
        let condition = statement.get("Condition")?;
        let time = |name| match condition.get(name) {
            None => Some(None),
            Some(value) => value.get("AWS:EpochTime")?.as_u64().map(Some),
        };
        let window =
            Window { expires: Some(time("DateLessThan")??), not_before: time("DateGreaterThan")? };
        let network = match condition.get("IpAddress") {
            None => None,
            Some(value) => Some(Network::parse(value.get("AWS:SourceIp")?.as_str()?)?),
        };
        let resource = statement.get("Resource")?.as_str()?.to_string();
        Some(Policy { resource, window, network })
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
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(Network { address, bits })
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
