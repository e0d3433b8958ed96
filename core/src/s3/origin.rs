//! All that a request for an object of a bucket needs.

use std::sync::Arc;

use super::credentials::Credentials;
use super::endpoint::{Endpoint, NameError};
use super::query::Query;
use super::sign::{Canonical, Signer, timestamp};

/// What is said of the body, which a request for an object does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Payload {
    /// That it is empty.
    #[default]
    Empty,
    /// That it is not signed.
    Unsigned,
}

impl Payload {
    fn text(self) -> &'static str {
        match self {
            Payload::Empty => "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            Payload::Unsigned => "UNSIGNED-PAYLOAD",
        }
    }
}

/// Where objects come from, and how requests for them are signed.
pub struct Origin {
    endpoint: Endpoint,
    payload: Payload,
    /// For how many seconds a URL is good that holds its signature; without, headers hold it.
    presign: Option<u64>,
    signer: Signer,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Whether only for the headers.
    pub head: bool,
    /// The name of the bucket.
    pub bucket: &'a [u8],
    /// The key, maybe with a slash before it.
    pub key: &'a [u8],
    /// Arguments, as they stand in a URL.
    pub args: &'a [u8],
}

/// What is to be sent. What is empty is not.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SignedRequest {
    /// `Host`.
    pub host: String,
    /// Path and arguments.
    pub uri: String,
    /// `X-Amz-Date`.
    pub date: String,
    /// `X-Amz-Content-Sha256`.
    pub payload: &'static str,
    /// `X-Amz-Security-Token`.
    pub session_token: String,
    /// `Authorization`.
    pub authorization: String,
}

impl Origin {
    /// Returns one of a region and a service.
    #[must_use]
    pub fn new(
        endpoint: Endpoint,
        region: String,
        service: String,
        payload: Payload,
        presign: Option<u64>,
    ) -> Origin {
        Origin { endpoint, payload, presign, signer: Signer::new(region, service) }
    }

    /// Returns whether the URL holds the signature.
    #[must_use]
    pub fn is_presigned(&self) -> bool {
        self.presign.is_some()
    }

    /// Looks whether an object can be called so.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, bucket: &[u8], key: &[u8]) -> Result<(), NameError> {
        self.endpoint.locate(bucket, key).map(|_| ())
    }

    /// Returns a request at a time, in seconds since 1970, that is signed where there are
    /// credentials.
    ///
    /// # Errors
    /// That there can be no such object.
    pub fn sign(
        &mut self,
        asked: Asked<'_>,
        credentials: Option<&Arc<Credentials>>,
        time: u64,
    ) -> Result<SignedRequest, NameError> {
        let (host, path) = self.endpoint.locate(asked.bucket, asked.key)?;
        let mut query = Query::parse(asked.args);
        let Some(credentials) = credentials else {
            let uri = uri(path, &query.into_text());
            return Ok(SignedRequest { host, uri, ..SignedRequest::default() });
        };
        if let Some(seconds) = self.presign {
            let request = Canonical {
                // nginx asks for the object itself where it has a cache, and the URL is known before.
                method: "GET",
                path: &path,
                headers: &[("host", &host)],
                payload: Payload::Unsigned.text(),
            };
            // The algorithm is there, so this is never empty.
            let text = self.signer.presign(credentials, time, seconds, &request, query);
            let uri = uri(path, &text.unwrap_or_default());
            return Ok(SignedRequest { host, uri, ..SignedRequest::default() });
        }
        let (date, payload) = (timestamp(time), self.payload.text());
        let token = credentials.session_token.as_deref();
        let headers = [
            ("host", &host[..]),
            ("x-amz-content-sha256", payload),
            ("x-amz-date", &date),
            ("x-amz-security-token", token.unwrap_or_default()),
        ];
        let count = headers.len() - usize::from(token.is_none());
        let request = Canonical {
            method: if asked.head { "HEAD" } else { "GET" },
            path: &path,
            headers: headers.get(..count).unwrap_or_default(),
            payload,
        };
        let text = std::mem::take(&mut query).into_text();
        let authorization = self.signer.authorization(credentials, time, &request, &text);
        Ok(SignedRequest {
            authorization: authorization.unwrap_or_default(),
            uri: uri(path, &text),
            session_token: token.unwrap_or_default().to_owned(),
            host,
            date,
            payload,
        })
    }
}

fn uri(path: String, query: &str) -> String {
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn origin(payload: Payload, presign: Option<u64>) -> Origin {
        let endpoint = Endpoint::parse(b"http://127.0.0.1:9000", None).unwrap();
        Origin::new(endpoint, "eu-central-1".to_owned(), "s3".to_owned(), payload, presign)
    }

    const TIME: u64 = 1_764_042_000;
    const ASKED: Asked<'_> =
        Asked { head: false, bucket: b"pictures", key: b"/a b.jpg", args: b"versionId=1" };

    #[test]
    fn a_token_is_signed_and_sent() {
        let credentials = Arc::new(Credentials::new("ID", "secret", Some("token")).unwrap());
        let mut origin = origin(Payload::Unsigned, None);
        let signed = origin.sign(ASKED, Some(&credentials), TIME).unwrap();
        assert_eq!(signed.host, "127.0.0.1:9000");
        assert_eq!(signed.uri, "/pictures/a%20b.jpg?versionId=1");
        assert_eq!(
            (&signed.date[..], signed.payload, &signed.session_token[..]),
            ("20251125T034000Z", "UNSIGNED-PAYLOAD", "token")
        );
        let expected = "AWS4-HMAC-SHA256 Credential=ID/20251125/eu-central-1/s3/aws4_request, \
            SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=";
        assert!(signed.authorization.starts_with(expected));
        // The method is signed, too.
        let head = origin.sign(Asked { head: true, ..ASKED }, Some(&credentials), TIME).unwrap();
        assert_ne!(head.authorization, signed.authorization);
    }

    #[test]
    fn a_signature_in_the_url_needs_no_header() {
        let credentials = Arc::new(Credentials::new("ID", "secret", Some("t/+")).unwrap());
        let mut origin = origin(Payload::Empty, Some(60));
        let signed = origin.sign(ASKED, Some(&credentials), TIME).unwrap();
        assert!(signed.uri.starts_with("/pictures/a%20b.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&"));
        assert!(signed.uri.contains("&X-Amz-Security-Token=t%2F%2B&X-Amz-SignedHeaders=host&"));
        assert!(signed.uri.contains("&versionId=1&X-Amz-Signature="));
        let (host, uri) = (signed.host.clone(), signed.uri.clone());
        assert!(signed == SignedRequest { host, uri, ..SignedRequest::default() });
    }

    #[test]
    fn without_credentials_nothing_is_signed() {
        for presign in [None, Some(60)] {
            let signed = origin(Payload::Empty, presign).sign(ASKED, None, TIME).unwrap();
            assert_eq!(signed.uri, "/pictures/a%20b.jpg?versionId=1");
            assert!(signed.authorization.is_empty() && signed.date.is_empty());
        }
        let none = Asked { key: b"/", ..ASKED };
        assert!(origin(Payload::Empty, None).sign(none, None, TIME).is_err());
    }
}
