//! Our own tokens: `[ID.][PREFIX.]TAG`.

use super::key::is_id;
use super::{Algorithm, Encoding, Key, Mac, VerifyError};

/// The least bytes that a truncated tag may have.
pub const MIN_TAG: usize = 16;

/// The longest tag, in bytes, and room for what a decoder may want beyond it.
const ROOM: usize = 66;

/// A token that is written as it must be.
pub struct Token<'a> {
    id: Option<&'a [u8]>,
    prefix: Option<&'a [u8]>,
    tag: [u8; ROOM],
    len: usize,
}

impl<'a> Token<'a> {
    /// The prefix as the token has it: in base64url. It is signed in front of the message, with
    /// the dot behind it.
    pub fn encoded_prefix(&self) -> Option<&'a [u8]> {
        self.prefix
    }

    /// How many bytes its tag has.
    pub fn tag_len(&self) -> usize {
        self.len
    }

    /// The id of the key that it names.
    pub fn id(&self) -> Option<&'a [u8]> {
        self.id
    }

    /// The path prefix that the token is for.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`] when it isn't base64url or doesn't begin with a slash.
    pub fn prefix(&self) -> Result<Option<Vec<u8>>, VerifyError> {
        let Some(prefix) = self.prefix else { return Ok(None) };
        let prefix = Encoding::Base64url.decode_all(prefix).ok_or(VerifyError::Malformed)?;
        if prefix.first() == Some(&b'/') { Ok(Some(prefix)) } else { Err(VerifyError::Malformed) }
    }
}

/// Makes and checks tokens. The first key signs, all of them check.
pub struct Signer {
    keys: Vec<(Box<[u8]>, Mac)>,
    encoding: Encoding,
    min: Option<usize>,
    made: usize,
}

impl Signer {
    /// `min` is how few bytes of a tag are enough; without it all are needed. `None` if the
    /// algorithm refuses a key, which none does.
    pub fn new(
        algorithm: Algorithm,
        keys: &[Key],
        encoding: Encoding,
        min: Option<usize>,
    ) -> Option<Signer> {
        let keyed = |key: &Key| Some((key.id.clone(), Mac::new(algorithm, &key.secret)?));
        let keys = keys.iter().map(keyed).collect::<Option<_>>()?;
        Some(Signer { keys, encoding, min, made: ROOM })
    }

    /// Makes tags of their first bytes only; never fewer than [`MIN_TAG`].
    #[must_use]
    pub fn truncated(self, bytes: usize) -> Signer {
        Signer { made: bytes.max(MIN_TAG), ..self }
    }

    /// The id of a key; empty for one without.
    pub fn id(&self, key: usize) -> &[u8] {
        self.keys.get(key).map_or(&[], |(id, _)| id)
    }

    /// Reads a token, with a prefix or without.
    ///
    /// # Errors
    /// [`VerifyError::Missing`] or [`VerifyError::Malformed`].
    pub fn read<'a>(&self, token: &'a [u8], with_prefix: bool) -> Result<Token<'a>, VerifyError> {
        if token.is_empty() {
            return Err(VerifyError::Missing);
        }
        let (mut rest, tag) = cut(token);
        let mut prefix = None;
        if with_prefix {
            let (before, encoded) = cut(rest.ok_or(VerifyError::Malformed)?);
            (rest, prefix) = (before, Some(encoded));
        }
        if rest.is_some_and(|id| !is_id(id)) {
            return Err(VerifyError::Malformed);
        }
        let mut read = Token { id: rest, prefix, tag: [0; ROOM], len: 0 };
        read.len = self.encoding.decode(tag, &mut read.tag).ok_or(VerifyError::Malformed)?;
        if read.len < MIN_TAG { Err(VerifyError::Malformed) } else { Ok(read) }
    }

    /// Whether a token is for `message`. Returns which key it was.
    ///
    /// # Errors
    /// [`VerifyError::NoKey`] or [`VerifyError::Mismatch`].
    pub fn check(&self, token: &Token<'_>, message: &[u8]) -> Result<usize, VerifyError> {
        let prefixed = [token.prefix.unwrap_or_default(), b".", message];
        let parts = if token.prefix.is_some() { &prefixed[..] } else { &prefixed[2..] };
        let given = token.tag.get(..token.len).unwrap_or_default();
        let mut reason = VerifyError::NoKey;
        for (index, (id, mac)) in self.keys.iter().enumerate() {
            if token.id.is_some_and(|wanted| wanted != &**id) {
                continue;
            }
            if mac.tag(parts).matches(given, self.min) {
                return Ok(index);
            }
            reason = VerifyError::Mismatch;
        }
        Err(reason)
    }

    /// The token that the first key makes of `message`, for all paths that begin with `prefix`
    /// where there is one. `None` without a key.
    pub fn sign(&self, message: &[u8], prefix: Option<&[u8]>) -> Option<String> {
        let (id, mac) = self.keys.first()?;
        let mut token = String::new();
        if !id.is_empty() {
            token.push_str(std::str::from_utf8(id).ok()?);
            token.push('.');
        }
        let prefix = prefix.map(|prefix| Encoding::Base64url.encode(prefix) + ".");
        let prefix = prefix.as_deref().unwrap_or_default();
        token.push_str(prefix);
        let tag = mac.tag(&[prefix.as_bytes(), message]);
        token.push_str(&self.encoding.encode(tag.get(..self.made).unwrap_or(&tag)));
        Some(token)
    }
}

/// What stands before the last dot, if there is one, and what behind it.
fn cut(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match memchr::memrchr(b'.', text) {
        Some(dot) => {
            let (before, behind) = text.split_at(dot);
            (Some(before), behind.get(1..).unwrap_or_default())
        }
        None => (None, text),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key(id: &str, secret: &str) -> Key {
        let key = Key::new(secret.as_bytes().to_vec()).unwrap();
        if id.is_empty() { key } else { key.with_id(id.as_bytes()).unwrap() }
    }

    fn signer(keys: &[Key], min: Option<usize>) -> Signer {
        Signer::new(Algorithm::HmacSha256, keys, Encoding::Base64url, min).unwrap()
    }

    fn check(signer: &Signer, token: &str, message: &str) -> Result<usize, VerifyError> {
        signer.check(&signer.read(token.as_bytes(), false)?, message.as_bytes())
    }

    #[test]
    fn a_token_of_another_implementation() {
        // printf '%s' '2147483647|/a.jpg' | openssl dgst -sha256 -hmac secret -binary | base64url
        let signer = signer(&[key("", "secret")], None);
        let token = "5j5d7k9Sv4giJQGkTMHrT5VMpRIiAgJtgfkoYiGHo3E";
        assert_eq!(signer.sign(b"2147483647|/a.jpg", None).unwrap(), token);
        assert_eq!(check(&signer, token, "2147483647|/a.jpg"), Ok(0));
        assert_eq!(check(&signer, token, "2147483647|/b.jpg"), Err(VerifyError::Mismatch));
    }

    #[test]
    fn the_first_signs_and_all_check() {
        let old = signer(&[key("", "old")], None);
        let both = signer(&[key("new", "new"), key("", "old")], None);
        let token = both.sign(b"m", None).unwrap();
        assert!(token.starts_with("new."), "{token}");
        assert_eq!(check(&both, &token, "m"), Ok(0));
        assert_eq!(both.id(0), b"new");
        // Without an id all are tried, those with an id, too.
        assert_eq!(check(&both, &token["new.".len()..], "m"), Ok(0));
        assert_eq!(check(&both, &old.sign(b"m", None).unwrap(), "m"), Ok(1));
        assert_eq!(both.id(1), b"");
        assert_eq!(both.id(2), b"");
    }

    #[test]
    fn an_id_selects_the_key() {
        let a = signer(&[key("a", "one")], None);
        let b = signer(&[key("b", "two"), key("a", "one")], None);
        let token = a.sign(b"m", None).unwrap();
        assert_eq!(check(&b, &token, "m"), Ok(1));
        assert_eq!(check(&b, &token.replace("a.", "b."), "m"), Err(VerifyError::Mismatch));
        assert_eq!(check(&b, &token.replace("a.", "c."), "m"), Err(VerifyError::NoKey));
        assert_eq!(check(&signer(&[], None), &token, "m"), Err(VerifyError::NoKey));
        assert_eq!(signer(&[], None).sign(b"m", None), None);
    }

    #[test]
    fn how_a_token_is_written() {
        let signer = signer(&[key("", "secret")], None);
        let token = signer.sign(b"m", None).unwrap();
        let tag = Encoding::Base64url.decode_all(token.as_bytes()).unwrap();
        let cut = Encoding::Base64url.encode(&tag[..31]);
        let long = Encoding::Base64url.encode(&[&tag[..], &[0]].concat());
        let short = Encoding::Base64url.encode(&tag[..15]);
        for (token, expected) in [
            (String::new(), Err(VerifyError::Missing)),
            (format!("{token}="), Ok(0)),
            (format!(".{token}"), Err(VerifyError::Malformed)),
            (format!("a b.{token}"), Err(VerifyError::Malformed)),
            (format!("{token}."), Err(VerifyError::Malformed)),
            (format!("{token}!"), Err(VerifyError::Malformed)),
            (cut, Err(VerifyError::Mismatch)),
            (long, Err(VerifyError::Mismatch)),
            (short, Err(VerifyError::Malformed)),
            ("A".repeat(200), Err(VerifyError::Malformed)),
        ] {
            assert_eq!(check(&signer, &token, "m"), expected, "{token}");
        }
    }

    #[test]
    fn truncated_tokens_where_they_may_be() {
        let whole = signer(&[key("", "secret")], None).sign(b"m", None).unwrap();
        let tag = Encoding::Base64url.decode_all(whole.as_bytes()).unwrap();
        assert_eq!(
            signer(&[key("", "secret")], None).truncated(20).sign(b"m", None),
            Some(Encoding::Base64url.encode(&tag[..20]))
        );
        let signer = signer(&[key("", "secret")], Some(20));
        for (len, expected) in [(32, Ok(0)), (20, Ok(0)), (19, Err(VerifyError::Mismatch))] {
            let token = Encoding::Base64url.encode(&tag[..len]);
            assert_eq!(check(&signer, &token, "m"), expected, "{len}");
        }
    }

    #[test]
    fn a_prefix_is_signed() {
        let signer = signer(&[key("k", "secret")], None);
        let token = signer.sign(b"m", Some(b"/gallery/")).unwrap();
        assert!(token.starts_with("k.L2dhbGxlcnkv."), "{token}");
        let read = signer.read(token.as_bytes(), true).unwrap();
        assert_eq!(read.prefix().unwrap().unwrap(), b"/gallery/");
        assert_eq!(signer.check(&read, b"m"), Ok(0));
        assert_eq!(signer.check(&read, b"n"), Err(VerifyError::Mismatch));

        let other = token.replace("L2dhbGxlcnkv", &Encoding::Base64url.encode(b"/"));
        let read = signer.read(other.as_bytes(), true).unwrap();
        assert_eq!(signer.check(&read, b"m"), Err(VerifyError::Mismatch));
        // A token for a message is none for a prefix, nor the other way round.
        assert!(signer.read(token.as_bytes(), false).is_err());
        let plain = signer.sign(b"m", None).unwrap();
        let read = signer.read(plain.as_bytes(), true);
        assert!(read.is_err() || read.and_then(|r| r.prefix().map(|_| ())).is_err());
    }

    #[test]
    fn a_prefix_is_a_path() {
        let signer = signer(&[key("", "secret")], None);
        for prefix in [&b"gallery/"[..], b"", b"\xff/"] {
            let token = signer.sign(b"m", Some(prefix)).unwrap();
            let read = signer.read(token.as_bytes(), true).unwrap();
            assert_eq!(read.prefix(), Err(VerifyError::Malformed), "{prefix:?}");
        }
    }
}
