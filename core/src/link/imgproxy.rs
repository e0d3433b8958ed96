//! imgproxy: `/SIGNATURE/OPTIONS/SOURCE`.
//!
//! SIGNATURE is base64url, without padding, of HMAC-SHA256 over the salt and the path behind the
//! signature, its slash included. Arguments are not signed.
//! <https://docs.imgproxy.net/usage/signing_url>

use super::foreign::{Keyed, find};
use super::url::Url;
use super::{Encoding, MIN_TAG, Mac, Reason, Verified, Visit, Window};

pub(super) fn verify(
    keys: &[Keyed],
    visit: &Visit<'_>,
    min: Option<usize>,
) -> Result<Verified, Reason> {
    let (signature, path) = Url::parse(visit.url).first_segment().ok_or(Reason::Missing)?;
    if signature.is_empty() {
        return Err(Reason::Missing);
    }
    let mut tag = [0; 66];
    let len = Encoding::Base64url.decode(signature, &mut tag).ok_or(Reason::Malformed)?;
    let given = tag.get(..len).filter(|tag| tag.len() >= MIN_TAG).ok_or(Reason::Malformed)?;
    let key = find(keys, |mac, key| mac.tag(&[&key.salt, path]).matches(given, min))?;
    Ok(Verified { key, window: Window::default() })
}

pub(super) fn token(mac: &Mac, salt: &[u8], path: &[u8]) -> String {
    Encoding::Base64url.encode(&mac.tag(&[salt, path]))
}

#[cfg(test)]
mod tests {
    use super::super::foreign::tests::{key, verify};
    use super::super::{Format, Reason};

    /// The example of <https://docs.imgproxy.net/usage/signing_url>.
    const SIGNATURE: &str = "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8";
    const PATH: &str =
        "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png";

    #[test]
    fn the_example_of_the_documentation() {
        let keys = [key("other", ""), key("hex:736563726574", "hello")];
        let verify = |url: &str| verify(Format::Imgproxy, &keys, url, "").map(|found| found.key);
        assert_eq!(verify(&format!("/{SIGNATURE}{PATH}")), Ok(1));
        assert_eq!(verify(&format!("/{SIGNATURE}{PATH}?any=thing")), Ok(1));
        assert_eq!(verify(&format!("http://imgproxy.example.com/{SIGNATURE}{PATH}")), Ok(1));
        assert_eq!(verify(&format!("/{SIGNATURE}{PATH}x")), Err(Reason::Mismatch));
        assert_eq!(verify(&format!("/{SIGNATURE}/{PATH}")), Err(Reason::Mismatch));
        assert_eq!(verify(&format!("/insecure{PATH}")), Err(Reason::Malformed));
        assert_eq!(verify(&format!("/{PATH}")), Err(Reason::Missing));
        assert_eq!(verify("/"), Err(Reason::Missing));
        assert_eq!(verify(""), Err(Reason::Missing));
    }
}
