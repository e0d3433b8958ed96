//! Links made in the formats of other systems.

use super::format::Ability;
use super::{Key, SignError, SignRequest, ThirdPartyFormat};

impl SignRequest<'_> {
    /// The link.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn sign(&self, format: ThirdPartyFormat, key: &Key) -> Result<String, SignError> {
        let format = format.implementation();
        let able = format.abilities();
        if let Some(what) =
            Ability::ALL.into_iter().find(|what| self.wants(*what) && !able.contains(what))
        {
            return Err(match format.expiry_in_path() {
                Some(how) if what == Ability::Expiry => SignError::InPath(format.name(), how),
                _ => SignError::Unsupported(format.name(), what.in_words()),
            });
        }
        if self.prefix.is_some_and(|prefix| !prefix.starts_with('/') || prefix.contains(SPECIAL)) {
            return Err(SignError::Prefix);
        }
        format.sign(key, self)
    }
}

/// What means something else in a pattern, or ends a field.
const SPECIAL: [char; 4] = ['*', '?', '!', '~'];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::link::third_party::tests::{key, verify_by};
    use crate::link::{
        KeyError, LinkRequest, Rules, ThirdParty, Unsigned, ValidityPeriod, cloudfront,
    };

    const UNTIL: u64 = 2_000_000_000;

    fn sign_request(url: &str) -> SignRequest<'_> {
        let validity = ValidityPeriod { not_before: None, expires: Some(UNTIL) };
        SignRequest { url, validity, address: None, prefix: None, made: 0 }
    }

    fn forever(url: &str) -> SignRequest<'_> {
        SignRequest { validity: ValidityPeriod::default(), ..sign_request(url) }
    }

    /// The examples that the tests of each format name the sources of.
    #[test]
    fn known_links() {
        let path = "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/\
            anBn.png";
        let link =
            forever(path).sign(ThirdPartyFormat::Imgproxy, &key("hex:736563726574", "hello"));
        let signature = "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8";
        assert_eq!(link, Ok(format!("/{signature}{path}")));
        let url = format!("https://img.example.com{path}?v=1");
        let link =
            forever(&url).sign(ThirdPartyFormat::Imgproxy, &key("hex:736563726574", "hello"));
        assert_eq!(link, Ok(format!("https://img.example.com/{signature}{path}?v=1")));

        let link = forever("/300x200/smart/path/to/image.jpg")
            .sign(ThirdPartyFormat::Thumbor, &key("my-security-key", ""));
        let expected = "/TaWoUq6tvBe2HywzAULy6_Np-2k=/300x200/smart/path/to/image.jpg";
        assert_eq!(link.as_deref(), Ok(expected));

        let akamai = key("hex:52a152a152a152a152a152a152a1", "");
        let link = sign_request("/akamai/edge.jpg").sign(ThirdPartyFormat::Akamai, &akamai);
        let expected = "/akamai/edge.jpg?hdnts=exp=2000000000~hmac=\
            8efc9c30d35b46cd7183ea7b3b348adce6a6c2429c203c499a53aa36274fe91e";
        assert_eq!(link.as_deref(), Ok(expected));
        let validity = ValidityPeriod { not_before: Some(1_500_000_000), expires: Some(UNTIL) };
        let link = SignRequest {
            validity,
            prefix: Some("/gallery/"),
            ..sign_request("/gallery/1.jpg?a=b")
        }
        .sign(ThirdPartyFormat::Akamai, &akamai);
        let expected = "/gallery/1.jpg?a=b&hdnts=st=1500000000~exp=2000000000~acl=/gallery/*~hmac=\
            bc20b1e411c342234705591b79f082595dabb6e88a2bef7e38b1150b35183706";
        assert_eq!(link.as_deref(), Ok(expected));

        let bunny = key("SecurityKey", "");
        let validity = ValidityPeriod { not_before: None, expires: Some(1_598_024_587) };
        for (url, prefix, address, expected) in [
            (
                "/300kb.jpg",
                None,
                None,
                "/300kb.jpg?token=HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4\
                 &expires=1598024587",
            ),
            (
                "/abc/300kb.jpg",
                Some("/abc"),
                None,
                "/abc/300kb.jpg?token=HS256-uVZvT3SbEoVKYJyDJgbcsDmSFf73cv-uNUVaJiKWpbQ\
                 &token_path=%2Fabc&expires=1598024587",
            ),
            (
                "https://token-tester.b-cdn.net/300kb.jpg?limit=1000",
                None,
                None,
                "https://token-tester.b-cdn.net/300kb.jpg\
                 ?token=HS256-DAVapqNNED3Z7JkjRTYX0UOIHNtbHEuuhRNEc4A7mMQ\
                 &limit=1000&expires=1598024587",
            ),
            (
                "/300kb.jpg",
                None,
                Some("1.2.3.4"),
                "/300kb.jpg?token=HS256-1-L2rISTLcujMY9UFf2tbZ41d5i-Bme1g1oTK_Z2QMLJk\
                 &expires=1598024587",
            ),
        ] {
            let address = address.map(|address: &str| address.parse().unwrap());
            let sign_request = SignRequest { url, validity, address, prefix, made: 0 };
            assert_eq!(sign_request.sign(ThirdPartyFormat::Bunny, &bunny).as_deref(), Ok(expected));
        }
    }

    /// What is made is also right, with all that a format can hold in it.
    #[test]
    fn links_come_back() {
        let url = "https://h.example/a/b%20c.jpg?x=1&y=%2F";
        for (format, not_before) in
            [(ThirdPartyFormat::Akamai, Some(1_500_000_000)), (ThirdPartyFormat::Bunny, None)]
        {
            for prefix in [None, Some("/a/")] {
                for address in ["192.0.2.7", "2001:db8::7"] {
                    let validity = ValidityPeriod { not_before, expires: Some(UNTIL) };
                    let from = Some(address.parse().unwrap());
                    let sign_request =
                        SignRequest { url, validity, address: from, prefix, made: 0 };
                    let link = sign_request.sign(format, &key("secret", "salt")).unwrap();
                    let keys = [key("secret", "salt")];
                    let rules = Rules { is_bound: true, ..Rules::default() };
                    let verify = |link: &str, address| {
                        verify_by(rules, format, &keys, link, address).map(|found| found.validity)
                    };
                    assert_eq!(verify(&link, address), Ok(validity), "{link}");
                    assert!(verify(&link, "198.51.100.1").is_err(), "{link}");
                    let moved = link.replace("/a/b", "/b/b");
                    assert!(verify(&moved, address).is_err(), "{moved}");
                }
            }
        }
    }

    #[test]
    fn links_of_cloudfront_come_back() {
        let private = Key::new(cloudfront::tests::PRIVATE.as_bytes().to_vec()).unwrap();
        let private = private.with_id(b"K2JCJMDEHXQW5F").unwrap();
        let public = [key(cloudfront::tests::PAIRED, "")];
        let third_party =
            ThirdParty::new(ThirdPartyFormat::Cloudfront, &public, Rules::default()).unwrap();
        let url = "https://h.example/a/1.jpg?size=large";
        let validity = ValidityPeriod { not_before: Some(1_500_000_000), expires: Some(UNTIL) };
        for sign_request in [
            sign_request(url),
            SignRequest { validity, ..sign_request(url) },
            SignRequest { prefix: Some("/a/"), ..sign_request(url) },
            SignRequest { address: Some("192.0.2.7".parse().unwrap()), ..sign_request(url) },
        ] {
            let link = sign_request.sign(ThirdPartyFormat::Cloudfront, &private).unwrap();
            let check = |link: &str, address: &str| {
                let (url, address) = (link.as_bytes(), address.as_bytes());
                let request = LinkRequest { url, address, cookies: b"", unsigned: Unsigned::Any };
                third_party.verify(&request).map(|found| found.validity)
            };
            assert_eq!(check(&link, "192.0.2.7"), Ok(sign_request.validity), "{link}");
            assert_eq!(check(&link, "192.0.2.8").is_ok(), sign_request.address.is_none(), "{link}");
            let moved = link.replace("/a/1", "/a/2");
            assert_eq!(
                check(&moved, "192.0.2.7").is_ok(),
                sign_request.prefix.is_some(),
                "{moved}"
            );
        }
        assert_eq!(
            sign_request(url).sign(ThirdPartyFormat::Cloudfront, &public[0]),
            Err(SignError::KeyId("cloudfront"))
        );
        let path = sign_request("/a/1.jpg").sign(ThirdPartyFormat::Cloudfront, &private);
        assert_eq!(path, Err(SignError::Origin("cloudfront")));
        let named = public[0].clone().with_id(b"K").unwrap();
        let refused = sign_request(url).sign(ThirdPartyFormat::Cloudfront, &named);
        assert_eq!(refused, Err(SignError::Key(KeyError::PrivateKey)));
    }

    #[test]
    fn what_a_format_cannot_hold() {
        let key = key("secret", "");
        for format in [ThirdPartyFormat::Akamai, ThirdPartyFormat::Bunny] {
            let endless = forever("/a").sign(format, &key);
            assert_eq!(endless, Err(SignError::Endless(format.name())));
        }
        for prefix in ["a", "/*", "/a~b", "/a!b", "/a?b", ""] {
            let sign_request = SignRequest { prefix: Some(prefix), ..sign_request("/a") };
            assert_eq!(
                sign_request.sign(ThirdPartyFormat::Akamai, &key),
                Err(SignError::Prefix),
                "{prefix}"
            );
        }
        for (format, how) in [
            (ThirdPartyFormat::Imgproxy, "exp:SECONDS"),
            (ThirdPartyFormat::Thumbor, "filters:expire(MILLISECONDS)"),
        ] {
            let refused = sign_request("/a").sign(format, &key);
            assert_eq!(refused, Err(SignError::InPath(format.name(), how)));
        }
        let validity = ValidityPeriod { not_before: Some(1), expires: Some(UNTIL) };
        let refused =
            SignRequest { validity, ..sign_request("/a") }.sign(ThirdPartyFormat::Bunny, &key);
        assert_eq!(refused, Err(SignError::Unsupported("bunny", "a first moment")));
    }
}
