//! AWS Signature Version 4, as "Create a signed AWS API request" in AWS's documentation of IAM has it.

use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::credentials::Credentials;
use super::query::Query;
use crate::key::Date;
use crate::link::{Algorithm, Encoding, Mac};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What is signed of a request.
pub struct Canonical<'a> {
    /// `GET` or `HEAD`.
    pub method: &'a str,
    /// Escaped.
    pub path: &'a str,
    /// The headers, by names in small letters and in their order.
    pub headers: &'a [(&'a str, &'a str)],
    /// The SHA-256 of the body, or what stands in its place.
    pub payload: &'a str,
}

/// Signs for a region and a service. The key of a day is made once.
pub struct Signer {
    region: String,
    service: String,
    key: Option<DayKey>,
}

/// The key of a day, of credentials.
struct DayKey {
    day: u64,
    credentials: Arc<Credentials>,
    mac: Mac,
}

/// A time of UTC, as it is signed and sent: `20130524T000000Z`.
pub fn timestamp(time: u64) -> String {
    let Date { year, month, day } = Date::of(time);
    let (hour, minute, second) = (time / 3600 % 24, time / 60 % 60, time % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

fn hmac(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    Some(Mac::new(Algorithm::HmacSha256, key)?.tag(&[message]).to_vec())
}

impl Signer {
    /// Returns one that has signed nothing yet.
    pub fn new(region: String, service: String) -> Signer {
        Signer { region, service, key: None }
    }

    /// The day, the region and the service that a signature is good for.
    fn scope(&self, timestamp: &str) -> String {
        let day = timestamp.get(..8).unwrap_or_default();
        format!("{day}/{}/{}/aws4_request", self.region, self.service)
    }

    /// The key of the day that a time lies in: it follows the clock over midnight.
    fn key(&mut self, credentials: &Arc<Credentials>, time: u64, timestamp: &str) -> Option<&Mac> {
        let day = time / DAY;
        let is_known = self
            .key
            .as_ref()
            .is_some_and(|key| key.day == day && Arc::ptr_eq(&key.credentials, credentials));
        if !is_known {
            let mut key = format!("AWS4{}", credentials.secret).into_bytes();
            let date = timestamp.get(..8)?;
            for part in [date, &self.region, &self.service, "aws4_request"] {
                key = hmac(&key, part.as_bytes())?;
            }
            let mac = Mac::new(Algorithm::HmacSha256, &key)?;
            self.key = Some(DayKey { day, credentials: credentials.clone(), mac });
        }
        self.key.as_ref().map(|key| &key.mac)
    }

    fn signature(
        &mut self,
        credentials: &Arc<Credentials>,
        time: u64,
        request: &Canonical<'_>,
        query: &str,
    ) -> Option<String> {
        let mut canonical = format!("{}\n{}\n{query}\n", request.method, request.path);
        for (name, value) in request.headers {
            writeln!(canonical, "{name}:{value}").ok()?;
        }
        write!(canonical, "\n{}\n{}", names(request.headers), request.payload).ok()?;
        let timestamp = timestamp(time);
        let digest = Encoding::Hex.encode(&Sha256::digest(canonical.as_bytes()));
        let message = format!("{ALGORITHM}\n{timestamp}\n{}\n{digest}", self.scope(&timestamp));
        let tag = self.key(credentials, time, &timestamp)?.tag(&[message.as_bytes()]);
        Some(Encoding::Hex.encode(&tag))
    }

    /// Returns the value of `Authorization`; `None` only where there is no such algorithm.
    pub fn authorization(
        &mut self,
        credentials: &Arc<Credentials>,
        time: u64,
        request: &Canonical<'_>,
        query: &str,
    ) -> Option<String> {
        let signature = self.signature(credentials, time, request, query)?;
        let (id, scope) = (&credentials.id, self.scope(&timestamp(time)));
        let names = names(request.headers);
        Some(format!(
            "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
        ))
    }

    /// Returns arguments that hold a signature for so many seconds; `None` only where there is no
    /// such algorithm.
    pub fn presign(
        &mut self,
        credentials: &Arc<Credentials>,
        time: u64,
        seconds: u64,
        request: &Canonical<'_>,
        mut query: Query,
    ) -> Option<String> {
        let timestamp = timestamp(time);
        let credential = format!("{}/{}", credentials.id, self.scope(&timestamp));
        query.push(b"X-Amz-Algorithm", ALGORITHM.as_bytes());
        query.push(b"X-Amz-Credential", credential.as_bytes());
        query.push(b"X-Amz-Date", timestamp.as_bytes());
        query.push(b"X-Amz-Expires", seconds.to_string().as_bytes());
        if let Some(token) = &credentials.session_token {
            query.push(b"X-Amz-Security-Token", token.as_bytes());
        }
        query.push(b"X-Amz-SignedHeaders", names(request.headers).as_bytes());
        let query = query.into_text();
        let signature = self.signature(credentials, time, request, &query)?;
        Some(format!("{query}&X-Amz-Signature={signature}"))
    }
}

fn names(headers: &[(&str, &str)]) -> String {
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    names.join(";")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::escapes::percent_encode_path;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn signature(authorization: &str) -> &str {
        authorization.split_once("Signature=").unwrap().1
    }

    /// The AWS Signature Version 4 test suite: requests of the service "service" at one time.
    #[test]
    fn vectors_of_the_suite() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Arc::new(Credentials::new("AKIDEXAMPLE", secret, None).unwrap());
        let mut signer = Signer::new("us-east-1".to_owned(), "service".to_owned());
        let time = 1_440_938_160;
        assert_eq!(timestamp(time), "20150830T123600Z");
        let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        for (name, path, query, expected) in [
            (
                "get-vanilla",
                "/",
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "get-vanilla-empty-query-key",
                "/",
                "Param1=value1",
                "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
            ),
            (
                "get-vanilla-query-order-key-case",
                "/",
                "Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-vanilla-query-unreserved",
                "/",
                &format!("{unreserved}={unreserved}"),
                "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
            ),
            (
                "get-unreserved",
                &format!("/{unreserved}"),
                "",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "get-utf8",
                "/\u{1234}",
                "",
                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
            ),
        ] {
            let path = percent_encode_path(path.as_bytes());
            let headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
            let request =
                Canonical { method: "GET", path: &path, headers: &headers, payload: EMPTY };
            let query = Query::parse(query.as_bytes()).into_text();
            let found = signer.authorization(&credentials, time, &request, &query).unwrap();
            assert_eq!(signature(&found), expected, "{name}");
            let scope = "20150830/us-east-1/service/aws4_request";
            assert!(found.starts_with(&format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders=host;x-amz-date, "
            )));
        }
    }

    /// The examples of "Authenticating Requests" in the reference of S3's API.
    #[test]
    fn examples_of_s3() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let credentials = Arc::new(Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None).unwrap());
        let mut signer = Signer::new("us-east-1".to_owned(), "s3".to_owned());
        let time = 1_369_353_600;
        let date = timestamp(time);
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let rest = [("x-amz-content-sha256", EMPTY), ("x-amz-date", &date[..])];
        let plain = [host, rest[0], rest[1]];
        let ranged = [host, ("range", "bytes=0-9"), rest[0], rest[1]];
        for (path, headers, query, expected) in [
            (
                "/test.txt",
                &ranged[..],
                "",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                "/",
                &plain,
                "lifecycle",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                "/",
                &plain,
                "max-keys=2&prefix=J",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            let request = Canonical { method: "GET", path, headers, payload: EMPTY };
            let query = Query::parse(query.as_bytes()).into_text();
            let found = signer.authorization(&credentials, time, &request, &query).unwrap();
            assert_eq!(signature(&found), expected, "{query}");
        }
        let request = Canonical {
            method: "GET",
            path: "/test.txt",
            headers: &[host],
            payload: "UNSIGNED-PAYLOAD",
        };
        let query = signer.presign(&credentials, time, 86_400, &request, Query::default());
        assert_eq!(
            query.unwrap(),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[test]
    fn the_key_is_that_of_the_day_and_the_credentials() {
        let credentials = |secret| Arc::new(Credentials::new("ID", secret, None).unwrap());
        let sign = |signer: &mut Signer, credentials, time| {
            let request =
                Canonical { method: "GET", path: "/", headers: &[("host", "h")], payload: EMPTY };
            signer.authorization(credentials, time, &request, "").unwrap()
        };
        let new = || Signer::new("r".to_owned(), "s3".to_owned());
        let (mut signer, one, two) = (new(), credentials("one"), credentials("two"));
        let midnight = 1_798_675_200;
        // Back, as of a clock that is set, too.
        for time in [midnight - 1, midnight, midnight + DAY - 1, midnight + DAY, midnight - 1] {
            for credentials in [&one, &two, &one] {
                let expected = sign(&mut new(), credentials, time);
                assert_eq!(sign(&mut signer, credentials, time), expected, "{time}");
            }
        }
        assert!(sign(&mut signer, &one, midnight - 1).contains("ID/20261230/r/s3/"));
        assert!(sign(&mut signer, &one, midnight).contains("ID/20261231/r/s3/"));
    }
}
