//! What the link formats of other systems have in common: what they do, and what they are given.

use std::net::IpAddr;

use super::public_key::PublicKey;
use super::url::Url;
use super::{Algorithm, Key, KeyError, Mac, ValidityPeriod, VerifyError};

/// A format of links.
pub(super) trait LinkFormat: Sync {
    /// Its name, as in directives and messages.
    fn name(&self) -> &'static str;

    /// Where its links have their token, in words.
    fn place(&self) -> &'static str;

    /// What its links can hold.
    fn abilities(&self) -> &'static [Ability] {
        &[]
    }

    /// Whether its keys have salts.
    fn has_salt(&self) -> bool {
        false
    }

    /// Whether its links say when they were made, and not when they end.
    fn is_dated(&self) -> bool {
        false
    }

    /// The arguments of its links that may come as cookies instead, with the names that these have:
    /// what is signed is then the address without them.
    fn cookies(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether its tokens may come as cookies, of whatever form.
    fn takes_cookies(&self) -> bool {
        !self.cookies().is_empty()
    }

    /// Whether scheme and host are signed, too.
    fn signs_origin(&self) -> bool {
        false
    }

    /// Its MAC, where keys are secrets.
    fn algorithm(&self) -> Algorithm {
        Algorithm::HmacSha256
    }

    /// The others that a configuration may choose.
    fn other_algorithms(&self) -> &'static [Algorithm] {
        &[]
    }

    /// Its MAC by a key.
    ///
    /// # Errors
    /// [`KeyError::Empty`].
    fn mac(&self, key: &Key) -> Result<Mac, KeyError> {
        Mac::new(self.algorithm(), &key.secret).ok_or(KeyError::Empty)
    }

    /// What checks its links by a key.
    ///
    /// # Errors
    /// [`KeyError`], where it is no key of the format.
    fn secret(&self, key: &Key) -> Result<Secret, KeyError> {
        Ok(Secret::Mac { mac: self.mac(key)?, raw: key.secret.clone() })
    }

    /// Whether a link is right; its time is not looked at.
    ///
    /// # Errors
    /// Any [`VerifyError`] but those of time.
    fn verify(
        &self,
        keys: &[FormatKey],
        request: &LinkRequest<'_>,
        rules: Rules,
    ) -> Result<Verified, VerifyError>;

    /// How the path of a link says when it ends, in a format that leaves that to the path.
    fn expiry_in_path(&self) -> Option<&'static str> {
        None
    }

    /// What a key makes of `message`, in the format's spelling; `None` where a message is not all
    /// that a token is made of.
    fn token(&self, _mac: &Mac, _salt: &[u8], _message: &[u8]) -> Option<String> {
        None
    }

    /// The link for a request that asks for nothing but what its [`abilities`] are.
    ///
    /// [`abilities`]: LinkFormat::abilities
    ///
    /// # Errors
    /// [`SignError::Endless`], [`SignError::KeyId`], [`SignError::Key`], and
    /// [`SignError::Unsupported`] for a URL that the format has no links for.
    fn sign(&self, key: &Key, sign_request: &SignRequest<'_>) -> Result<String, SignError>;
}

/// What the links of a format may hold besides the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ability {
    Expiry,
    NotBefore,
    Address,
    Prefix,
}

impl Ability {
    pub(super) const ALL: [Ability; 4] =
        [Ability::Expiry, Ability::NotBefore, Ability::Address, Ability::Prefix];

    /// It in words, as messages have it.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Ability::Expiry => "an expiry",
            Ability::NotBefore => "a first moment",
            Ability::Address => "an address",
            Ability::Prefix => "a prefix",
        }
    }
}

/// What is asked for, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct LinkRequest<'a> {
    /// The URL as it was asked for: nothing in it is decoded.
    pub url: &'a [u8],
    /// The client's address, as text.
    pub address: &'a [u8],
    /// What the client sent as `Cookie`, of several headers one behind the other with `;` between
    /// them; for formats that [take cookies](super::ThirdPartyFormat::takes_cookies).
    pub cookies: &'a [u8],
    /// What may stand in the link though nobody signed it.
    pub unsigned: Unsigned<'a>,
}

impl<'a> LinkRequest<'a> {
    /// The value of the only cookie whose name is one of `names`.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`] where there are several: it is open which of them counts.
    pub(super) fn only_cookie(&self, names: &[&[u8]]) -> Result<Option<&'a [u8]>, VerifyError> {
        let mut found = self.cookies().filter(|(name, _)| names.contains(name));
        let first = found.next().map(|(_, value)| value);
        if found.next().is_some() { Err(VerifyError::Malformed) } else { Ok(first) }
    }

    /// The names and values of all cookies.
    pub(super) fn cookies(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.cookies.split(|&byte| byte == b';').filter_map(|pair| {
            let (name, value) = pair.split_at(memchr::memchr(b'=', pair)?);
            Some((name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii()))
        })
    }

    /// Whether all arguments but those of these names, which are the format's, may stand there.
    ///
    /// # Errors
    /// [`VerifyError::Unsigned`].
    pub(super) fn check_unsigned(&self, url: &Url<'_>, own: &[&[u8]]) -> Result<(), VerifyError> {
        self.unsigned.check(url.names().filter(|name| !own.contains(name)))
    }
}

/// The arguments that a link may have though nothing signs them: those of formats that sign the
/// path alone, and of links that leave their arguments out of what they sign.
#[derive(Debug, Clone, Copy)]
pub enum Unsigned<'a> {
    /// All.
    Any,
    /// Those of these names, in any case.
    Named(&'a [Vec<u8>]),
}

impl Unsigned<'_> {
    /// Whether all of `names` may stand there.
    ///
    /// # Errors
    /// [`VerifyError::Unsigned`].
    pub(super) fn check<'b>(
        self,
        mut names: impl Iterator<Item = &'b [u8]>,
    ) -> Result<(), VerifyError> {
        let Unsigned::Named(allowed) = self else { return Ok(()) };
        let is_allowed = |name: &[u8]| allowed.iter().any(|known| known.eq_ignore_ascii_case(name));
        if names.all(is_allowed) { Ok(()) } else { Err(VerifyError::Unsigned) }
    }
}

/// What a format leaves to whoever checks its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// How few bytes of a tag are enough, where the format has truncated ones.
    pub min: Option<usize>,
    /// Links of [`bunny`](super::bunny) are bound to addresses, all of them; else none is.
    pub is_bound: bool,
    /// Links of [`bunny`](super::bunny) may be signed by SHA-256 alone.
    pub has_sha256: bool,
    /// The algorithm that a configuration chose, for formats that [leave it
    /// open](super::ThirdPartyFormat::takes_algorithm).
    pub algorithm: Option<Algorithm>,
    /// For how many seconds links are valid that only say when they were made; such links are
    /// never valid where this is not known.
    pub max_age: Option<u64>,
}

impl Rules {
    /// When a link is valid that was made at a time.
    pub(super) fn validity_from(self, made: u64) -> ValidityPeriod {
        let expires = self.max_age.map_or(0, |max_age| made.saturating_add(max_age));
        ValidityPeriod::until(Some(expires))
    }
}

/// A link that is right, if its time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Which key it was.
    pub key: usize,
    /// When it is valid.
    pub validity: ValidityPeriod,
    /// How many bytes a second it may take, where it says so.
    pub rate: Option<u64>,
}

/// A key as a format uses it.
pub(super) struct FormatKey {
    pub id: Box<[u8]>,
    pub salt: Box<[u8]>,
    pub secret: Secret,
}

/// What signs, or at least checks.
pub(super) enum Secret {
    Mac {
        mac: Mac,
        raw: Box<[u8]>,
    },
    /// A part of what is hashed.
    Hashed(Box<[u8]>),
    Public(PublicKey),
}

/// The first key for which `matches` holds.
///
/// # Errors
/// [`VerifyError::NoKey`] without keys, else [`VerifyError::Mismatch`].
pub(super) fn find(
    keys: &[FormatKey],
    matches: impl Fn(&Mac, &FormatKey) -> bool,
) -> Result<usize, VerifyError> {
    find_by(keys, |key| matches!(&key.secret, Secret::Mac { mac, .. } if matches(mac, key)))
}

/// The first key for which, as a part of what is hashed, `matches` holds.
///
/// # Errors
/// Those of [`find`].
pub(super) fn find_hashed(
    keys: &[FormatKey],
    matches: impl Fn(&[u8]) -> bool,
) -> Result<usize, VerifyError> {
    find_by(keys, |key| matches!(&key.secret, Secret::Hashed(secret) if matches(secret)))
}

fn find_by(keys: &[FormatKey], fits: impl Fn(&FormatKey) -> bool) -> Result<usize, VerifyError> {
    if keys.is_empty() {
        return Err(VerifyError::NoKey);
    }
    keys.iter().position(fits).ok_or(VerifyError::Mismatch)
}

/// What a link to be made is for.
#[derive(Debug, Clone, Copy)]
pub struct SignRequest<'a> {
    /// The URL without a token, or what follows the host in it.
    pub url: &'a str,
    /// When it is valid.
    pub validity: ValidityPeriod,
    /// The only client.
    pub address: Option<IpAddr>,
    /// All paths that begin so, in place of the URL's own.
    pub prefix: Option<&'a str>,
    /// When it is made, in seconds since 1970.
    pub made: u64,
}

/// Why a link cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The format has no place for that.
    #[error("links of {0} cannot hold {1}")]
    Unsupported(&'static str, &'static str),
    /// The expiry is a part of the path, which whoever asks has to write there.
    #[error("links of {0} have their expiry in the path: {1}")]
    InPath(&'static str, &'static str),
    /// Scheme and host are signed, and are not there.
    #[error("links of {0} sign scheme and host: give a whole URL, https://...")]
    Origin(&'static str),
    /// The format has no links that are valid for ever.
    #[error("links of {0} always expire")]
    Endless(&'static str),
    /// The prefix means more, or less, than it says.
    #[error("a prefix begins with a slash and holds none of \"*?!~\"")]
    Prefix,
    /// Nothing says which key it is.
    #[error("links of {0} name their key: it needs an id")]
    KeyId(&'static str),
    /// The key is of the wrong kind.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl<'a> SignRequest<'a> {
    /// When the link ends, in a format whose links always do.
    ///
    /// # Errors
    /// [`SignError::Endless`].
    pub(super) fn expires(&self, format: &'static str) -> Result<u64, SignError> {
        self.validity.expires.ok_or(SignError::Endless(format))
    }

    /// Scheme and host, in a format that signs them.
    ///
    /// # Errors
    /// [`SignError::Origin`].
    pub(super) fn origin(&self, format: &'static str) -> Result<&'a [u8], SignError> {
        let origin = Url::parse(self.url.as_bytes()).origin;
        let has_one = !origin.is_empty();
        has_one.then_some(origin).ok_or(SignError::Origin(format))
    }

    /// Whether the link has to hold that.
    pub(super) fn wants(&self, what: Ability) -> bool {
        match what {
            Ability::Expiry => self.validity.expires.is_some(),
            Ability::NotBefore => self.validity.not_before.is_some(),
            Ability::Address => self.address.is_some(),
            Ability::Prefix => self.prefix.is_some(),
        }
    }

    /// The URL with a first segment in its path.
    pub(super) fn in_path(&self, token: impl Fn(&[u8]) -> String) -> String {
        let Url { origin, path, .. } = Url::parse(self.url.as_bytes());
        let (origin, rest) = self.url.split_at_checked(origin.len()).unwrap_or_default();
        format!("{origin}/{}{rest}", token(path))
    }

    /// The URL with more arguments.
    pub(super) fn with_arguments(&self, arguments: &str) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}{arguments}", self.url)
    }
}
