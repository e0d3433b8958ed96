//! thumbor: `/SIGNATURE/OPTIONS/IMAGE`.
//!
//! SIGNATURE is base64url, with its padding or without, of HMAC-SHA1 over the path behind the
//! signature, without its first slash. Arguments are not signed.
//! <https://thumbor.readthedocs.io/en/latest/security.html>

use super::foreign::{Keyed, find};
use super::url::{Url, decode};
use super::{Encoding, Mac, Reason, Verified, Visit, Window};

pub(super) fn verify(keys: &[Keyed], visit: &Visit<'_>) -> Result<Verified, Reason> {
    let (signature, path) = Url::parse(visit.url).first_segment().ok_or(Reason::Missing)?;
    if signature.is_empty() {
        return Err(Reason::Missing);
    }
    // The padding may come as %3D.
    let signature = decode(signature).ok_or(Reason::Malformed)?;
    let given = Encoding::Base64url.decode_all(&signature).ok_or(Reason::Malformed)?;
    let path = path.get(1..).unwrap_or_default();
    let key = find(keys, |mac, _| mac.tag(&[path]).matches(&given, None))?;
    Ok(Verified { key, window: Window::default() })
}

pub(super) fn token(mac: &Mac, path: &[u8]) -> String {
    let token = Encoding::Base64url.encode(&mac.tag(&[path]));
    let padding = token.len().next_multiple_of(4) - token.len();
    token + &"==="[..padding]
}

#[cfg(test)]
mod tests {
    use super::super::foreign::tests::{key, verify};
    use super::super::{Format, Reason};

    /// Made by libthumbor 2.0.2: `CryptoURL(key='my-security-key').generate(width=300, height=200,
    /// smart=True, image_url='path/to/image.jpg')`.
    const LINK: &str = "/TaWoUq6tvBe2HywzAULy6_Np-2k=/300x200/smart/path/to/image.jpg";

    #[test]
    fn a_link_of_libthumbor() {
        let keys = [key("my-security-key", "")];
        let verify = |url: &str| verify(Format::Thumbor, &keys, url, "").map(|found| found.key);
        assert_eq!(verify(LINK), Ok(0));
        assert_eq!(verify(&LINK.replace('=', "")), Ok(0));
        assert_eq!(verify(&LINK.replace('=', "%3D")), Ok(0));
        assert_eq!(verify(&LINK.replace("300x", "3000x")), Err(Reason::Mismatch));
        assert_eq!(verify("/unsafe/300x200/smart/path/to/image.jpg"), Err(Reason::Malformed));
        assert_eq!(verify("//300x200/a.jpg"), Err(Reason::Missing));
        assert_eq!(verify("/"), Err(Reason::Missing));
    }
}
