//! Links that other systems' signers make.

use super::akamai::Akamai;
use super::alibaba::Alibaba;
use super::bunny::Bunny;
use super::cdn77::Cdn77;
use super::cloudflare::Cloudflare;
use super::cloudfront::Cloudfront;
use super::format::{FormatKey, LinkFormat, LinkRequest, Rules, Secret, Verified};
use super::google::Google;
use super::imgix::Imgix;
use super::imgproxy::Imgproxy;
use super::keycdn::Keycdn;
use super::thumbor::Thumbor;
use super::url::Url;
use super::{Algorithm, Key, KeyError, Mac, VerifyError};

/// Whose links they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThirdPartyFormat {
    /// [`imgproxy`](super::imgproxy).
    Imgproxy,
    /// [`thumbor`](super::thumbor).
    Thumbor,
    /// [`akamai`](super::akamai).
    Akamai,
    /// [`bunny`](super::bunny).
    Bunny,
    /// [`cloudfront`](super::cloudfront).
    Cloudfront,
    /// [`google`](super::google).
    Google,
    /// [`cloudflare`](super::cloudflare).
    Cloudflare,
    /// [`alibaba`](super::alibaba).
    Alibaba,
    /// [`keycdn`](super::keycdn).
    Keycdn,
    /// [`cdn77`](super::cdn77).
    Cdn77,
    /// [`imgix`](super::imgix).
    Imgix,
}

impl ThirdPartyFormat {
    /// All of them.
    pub const ALL: [ThirdPartyFormat; 11] = [
        ThirdPartyFormat::Imgproxy,
        ThirdPartyFormat::Thumbor,
        ThirdPartyFormat::Akamai,
        ThirdPartyFormat::Bunny,
        ThirdPartyFormat::Cloudfront,
        ThirdPartyFormat::Google,
        ThirdPartyFormat::Cloudflare,
        ThirdPartyFormat::Alibaba,
        ThirdPartyFormat::Keycdn,
        ThirdPartyFormat::Cdn77,
        ThirdPartyFormat::Imgix,
    ];

    /// The format called `name`.
    pub fn from_name(name: &[u8]) -> Option<ThirdPartyFormat> {
        ThirdPartyFormat::ALL.into_iter().find(|format| format.name().as_bytes() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.implementation().name()
    }

    /// Where its links have their token, in words.
    pub fn place(self) -> &'static str {
        self.implementation().place()
    }

    /// Whether its keys have salts.
    pub fn has_salt(self) -> bool {
        self.implementation().has_salt()
    }

    /// Whether its links say when they were made, and not when they end.
    pub fn is_dated(self) -> bool {
        self.implementation().is_dated()
    }

    /// Whether its links may be signed by an algorithm, though that is not its usual one.
    pub fn takes_algorithm(self, algorithm: Algorithm) -> bool {
        self.implementation().other_algorithms().contains(&algorithm)
    }

    /// Whether its tokens may come as cookies.
    pub fn takes_cookies(self) -> bool {
        self.implementation().takes_cookies()
    }

    /// The cookies that are as good as what a link of the format has in its arguments: names and
    /// values, none where the format has no cookies.
    pub fn cookies_of(self, link: &str) -> Vec<(&'static str, String)> {
        let url = Url::parse(link.as_bytes());
        let own = |(name, value): (&[u8], &[u8])| {
            let cookies = self.implementation().cookies().iter();
            let (_, cookie) = cookies.copied().find(|(known, _)| known.as_bytes() == name)?;
            Some((cookie, String::from_utf8_lossy(value).into_owned()))
        };
        url.arguments().filter_map(own).collect()
    }

    /// Whether scheme and host are signed, too.
    pub fn signs_origin(self) -> bool {
        self.implementation().signs_origin()
    }

    /// What it does.
    pub(super) fn implementation(self) -> &'static dyn LinkFormat {
        match self {
            ThirdPartyFormat::Imgproxy => &Imgproxy,
            ThirdPartyFormat::Thumbor => &Thumbor,
            ThirdPartyFormat::Akamai => &Akamai,
            ThirdPartyFormat::Bunny => &Bunny,
            ThirdPartyFormat::Cloudfront => &Cloudfront,
            ThirdPartyFormat::Google => &Google,
            ThirdPartyFormat::Cloudflare => &Cloudflare,
            ThirdPartyFormat::Alibaba => &Alibaba,
            ThirdPartyFormat::Keycdn => &Keycdn,
            ThirdPartyFormat::Cdn77 => &Cdn77,
            ThirdPartyFormat::Imgix => &Imgix,
        }
    }
}

/// Checks the links of one format. The first key signs, all of them check.
pub struct ThirdParty {
    format: ThirdPartyFormat,
    keys: Vec<FormatKey>,
    rules: Rules,
}

impl ThirdParty {
    /// # Errors
    /// [`KeyError::PublicKey`].
    pub fn new(
        format: ThirdPartyFormat,
        keys: &[Key],
        rules: Rules,
    ) -> Result<ThirdParty, KeyError> {
        let keyed = |key: &Key| {
            let chosen = rules.algorithm.filter(|&algorithm| format.takes_algorithm(algorithm));
            let secret = match chosen {
                None => format.implementation().secret(key)?,
                Some(algorithm) => Secret::Mac {
                    mac: Mac::new(algorithm, &key.secret).ok_or(KeyError::Empty)?,
                    raw: key.secret.clone(),
                },
            };
            Ok(FormatKey { id: key.id.clone(), salt: key.salt.clone(), secret })
        };
        Ok(ThirdParty { format, keys: keys.iter().map(keyed).collect::<Result<_, _>>()?, rules })
    }

    /// Whether its tokens may come as cookies.
    pub fn takes_cookies(&self) -> bool {
        self.format.takes_cookies()
    }

    /// The id of a key; empty for one without.
    pub fn id(&self, key: usize) -> &[u8] {
        self.keys.get(key).map_or(&[], |key| &key.id)
    }

    /// Whether the link is right; its time is not looked at.
    ///
    /// # Errors
    /// Any [`VerifyError`] but those of time.
    pub fn verify(&self, request: &LinkRequest<'_>) -> Result<Verified, VerifyError> {
        // What follows is signed or not, but to nginx no argument, and not a part of the path.
        if request.url.contains(&b'#') {
            return Err(VerifyError::Malformed);
        }
        self.format.implementation().verify(&self.keys, request, self.rules)
    }

    /// What the first key makes of `message`, in the format's spelling; `None` where there is no
    /// key or it cannot sign.
    pub fn token(&self, message: &[u8]) -> Option<String> {
        let key = self.keys.first()?;
        let Secret::Mac { mac, .. } = &key.secret else { return None };
        self.format.implementation().token(mac, &key.salt, message)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) mod tests {
    use super::*;
    use crate::link::{Unsigned, parse_secret};

    pub fn key(secret: &str, salt: &str) -> Key {
        let mut key = Key::new(parse_secret(secret.as_bytes()).unwrap()).unwrap();
        key.salt = salt.as_bytes().into();
        key
    }

    /// Whether a link is right where any argument may stand beside it.
    pub fn verify(
        format: ThirdPartyFormat,
        keys: &[Key],
        url: &str,
        address: &str,
    ) -> Result<Verified, VerifyError> {
        verify_by(Rules::default(), format, keys, url, address)
    }

    pub fn verify_by(
        rules: Rules,
        format: ThirdPartyFormat,
        keys: &[Key],
        url: &str,
        address: &str,
    ) -> Result<Verified, VerifyError> {
        let (url, address) = (url.as_bytes(), address.as_bytes());
        let request = LinkRequest { url, address, cookies: b"", unsigned: Unsigned::Any };
        ThirdParty::new(format, keys, rules).unwrap().verify(&request)
    }

    /// The same with cookies.
    pub fn verify_with(
        cookies: &str,
        format: ThirdPartyFormat,
        keys: &[Key],
        url: &str,
    ) -> Result<Verified, VerifyError> {
        let (url, cookies, unsigned) = (url.as_bytes(), cookies.as_bytes(), Unsigned::Any);
        let request = LinkRequest { url, address: b"", cookies, unsigned };
        ThirdParty::new(format, keys, Rules::default()).unwrap().verify(&request)
    }

    #[test]
    fn names_lead_back() {
        for format in ThirdPartyFormat::ALL {
            assert_eq!(ThirdPartyFormat::from_name(format.name().as_bytes()), Some(format));
        }
        assert_eq!(ThirdPartyFormat::from_name(b"plain"), None);
    }

    #[test]
    fn nothing_is_right_without_a_key() {
        let visits = [
            (ThirdPartyFormat::Imgproxy, "/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/a"),
            (ThirdPartyFormat::Thumbor, "/AAAAAAAAAAAAAAAAAAAAAAAAAAA=/a"),
            (ThirdPartyFormat::Akamai, "/a?hdnts=exp=1~acl=/*~hmac=00"),
            (
                ThirdPartyFormat::Bunny,
                "/a?token=HS256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&expires=1",
            ),
            (ThirdPartyFormat::Cloudfront, "http://h/a?Expires=1&Signature=AAAA&Key-Pair-Id=K"),
            (ThirdPartyFormat::Google, "http://h/a?Expires=1&KeyName=K&Signature=AAAA"),
            (ThirdPartyFormat::Cloudflare, "/a?verify=1900000000-AAAA"),
            (ThirdPartyFormat::Alibaba, "/a?auth_key=1900000000-0-0-00"),
            (ThirdPartyFormat::Keycdn, "/a?token=AAAA&expire=1900000000"),
            (ThirdPartyFormat::Cdn77, "/a?secure=AAAA,1900000000"),
            (ThirdPartyFormat::Imgix, "/a?s=00"),
        ];
        for (format, url) in visits {
            let found = verify(format, &[], url, "127.0.0.1");
            assert!(
                matches!(found, Err(VerifyError::NoKey | VerifyError::Malformed)),
                "{url} {found:?}"
            );
        }
    }
}
