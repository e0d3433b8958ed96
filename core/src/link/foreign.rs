//! Links that other systems' signers make.

use super::cloudfront::PublicKey;
use super::{
    Algorithm, Key, KeyError, Mac, Reason, Window, akamai, bunny, cloudfront, imgproxy, thumbor,
};

/// Whose links they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// [`imgproxy`].
    Imgproxy,
    /// [`thumbor`].
    Thumbor,
    /// [`akamai`].
    Akamai,
    /// [`bunny`].
    Bunny,
    /// [`cloudfront`].
    Cloudfront,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 5] =
        [Format::Imgproxy, Format::Thumbor, Format::Akamai, Format::Bunny, Format::Cloudfront];

    /// The format called `name`.
    pub fn from_name(name: &[u8]) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name().as_bytes() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Imgproxy => "imgproxy",
            Format::Thumbor => "thumbor",
            Format::Akamai => "akamai",
            Format::Bunny => "bunny",
            Format::Cloudfront => "cloudfront",
        }
    }

    /// Its MAC; [`cloudfront`] signs by a key pair instead.
    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Format::Thumbor => Algorithm::HmacSha1,
            _ => Algorithm::HmacSha256,
        }
    }
}

/// What is asked for, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// The URL as it was asked for: nothing in it is decoded.
    pub url: &'a [u8],
    /// The client's address, as text.
    pub address: &'a [u8],
    /// What may stand in the link though nobody signed it.
    pub unsigned: Unsigned<'a>,
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
    pub(super) fn check<'b>(self, mut names: impl Iterator<Item = &'b [u8]>) -> Result<(), Reason> {
        let Unsigned::Named(allowed) = self else { return Ok(()) };
        let is_allowed = |name: &[u8]| allowed.iter().any(|known| known.eq_ignore_ascii_case(name));
        if names.all(is_allowed) { Ok(()) } else { Err(Reason::Unsigned) }
    }
}

/// What a format leaves to whoever checks its links.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// How few bytes of a tag are enough, where the format has truncated ones.
    pub min: Option<usize>,
    /// Links of [`bunny`] are bound to addresses, all of them; else none is.
    pub is_bound: bool,
    /// Links of [`bunny`] may be signed by SHA-256 alone.
    pub has_sha256: bool,
}

/// A link that is right, if its time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Which key it was.
    pub key: usize,
    /// When it is valid.
    pub window: Window,
    /// How many bytes a second it may take, where it says so.
    pub rate: Option<u64>,
}

/// A key as a format uses it.
pub(super) struct Keyed {
    pub id: Box<[u8]>,
    pub salt: Box<[u8]>,
    pub secret: Secret,
}

/// What signs, or at least checks.
pub(super) enum Secret {
    Mac { mac: Mac, raw: Box<[u8]> },
    Public(PublicKey),
}

/// Checks the links of one format. The first key signs, all of them check.
pub struct Foreign {
    format: Format,
    keys: Vec<Keyed>,
    rules: Rules,
}

impl Foreign {
    /// # Errors
    /// [`KeyError::PublicKey`].
    pub fn new(format: Format, keys: &[Key], rules: Rules) -> Result<Foreign, KeyError> {
        let keyed = |key: &Key| {
            let secret = match format {
                Format::Cloudfront => Secret::Public(PublicKey::parse(&key.secret)?),
                _ => Secret::Mac {
                    mac: Mac::new(format.algorithm(), &key.secret).ok_or(KeyError::Empty)?,
                    raw: key.secret.clone(),
                },
            };
            Ok(Keyed { id: key.id.clone(), salt: key.salt.clone(), secret })
        };
        Ok(Foreign { format, keys: keys.iter().map(keyed).collect::<Result<_, _>>()?, rules })
    }

    /// The id of a key; empty for one without.
    pub fn id(&self, key: usize) -> &[u8] {
        self.keys.get(key).map_or(&[], |key| &key.id)
    }

    /// Whether the link is right; its time is not looked at.
    ///
    /// # Errors
    /// Any [`Reason`] but those of time.
    pub fn verify(&self, visit: &Visit<'_>) -> Result<Verified, Reason> {
        match self.format {
            Format::Imgproxy => imgproxy::verify(&self.keys, visit, self.rules.min),
            Format::Thumbor => thumbor::verify(&self.keys, visit),
            Format::Akamai => akamai::verify(&self.keys, visit),
            Format::Bunny => bunny::verify(&self.keys, visit, self.rules),
            Format::Cloudfront => cloudfront::verify(&self.keys, visit),
        }
    }

    /// What the first key makes of `message`, in the format's spelling; `None` where there is no
    /// key or it cannot sign.
    pub fn token(&self, message: &[u8]) -> Option<String> {
        let key = self.keys.first()?;
        let Secret::Mac { mac, .. } = &key.secret else { return None };
        match self.format {
            Format::Imgproxy => Some(imgproxy::token(mac, &key.salt, message)),
            Format::Thumbor => Some(thumbor::token(mac, message)),
            Format::Akamai => Some(akamai::token(mac, &key.salt, message)),
            Format::Bunny => Some(bunny::token(mac, message)),
            Format::Cloudfront => None,
        }
    }
}

/// The first key for which `matches` holds.
pub(super) fn find(
    keys: &[Keyed],
    matches: impl Fn(&Mac, &Keyed) -> bool,
) -> Result<usize, Reason> {
    if keys.is_empty() {
        return Err(Reason::NoKey);
    }
    let fits = |key: &Keyed| matches!(&key.secret, Secret::Mac { mac, .. } if matches(mac, key));
    keys.iter().position(fits).ok_or(Reason::Mismatch)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) mod tests {
    use super::*;
    use crate::link::parse_secret;

    pub fn key(secret: &str, salt: &str) -> Key {
        let mut key = Key::new(parse_secret(secret.as_bytes()).unwrap()).unwrap();
        key.salt = salt.as_bytes().into();
        key
    }

    /// Whether a link is right where any argument may stand beside it.
    pub fn verify(
        format: Format,
        keys: &[Key],
        url: &str,
        address: &str,
    ) -> Result<Verified, Reason> {
        verify_by(Rules::default(), format, keys, url, address)
    }

    pub fn verify_by(
        rules: Rules,
        format: Format,
        keys: &[Key],
        url: &str,
        address: &str,
    ) -> Result<Verified, Reason> {
        let (url, address) = (url.as_bytes(), address.as_bytes());
        let visit = Visit { url, address, unsigned: Unsigned::Any };
        Foreign::new(format, keys, rules).unwrap().verify(&visit)
    }

    #[test]
    fn names_lead_back() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name().as_bytes()), Some(format));
        }
        assert_eq!(Format::from_name(b"plain"), None);
    }

    #[test]
    fn nothing_is_right_without_a_key() {
        let visits = [
            (Format::Imgproxy, "/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/a"),
            (Format::Thumbor, "/AAAAAAAAAAAAAAAAAAAAAAAAAAA=/a"),
            (Format::Akamai, "/a?hdnts=exp=1~acl=/*~hmac=00"),
            (Format::Bunny, "/a?token=HS256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&expires=1"),
            (Format::Cloudfront, "http://h/a?Expires=1&Signature=AAAA&Key-Pair-Id=K"),
        ];
        for (format, url) in visits {
            let found = verify(format, &[], url, "127.0.0.1");
            assert!(matches!(found, Err(Reason::NoKey | Reason::Malformed)), "{url} {found:?}");
        }
    }
}
