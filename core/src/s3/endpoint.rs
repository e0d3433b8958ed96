//! Where buckets are, and the names of objects in them.

use crate::escapes::{percent_encode, percent_encode_path};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 1024;

/// Where the name of a bucket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// First in the path.
    Path,
    /// Before the host.
    Virtual,
}

/// What a service is asked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The host, with a port that is not that of its scheme.
    host: String,
    style: Style,
}

/// What is wrong with a URL of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("http://host[:port] or https://host[:port]")]
pub struct EndpointError;

/// What is wrong with the name of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A name that no bucket has, or none that can stand in a host.
    #[error("that is not the name of a bucket")]
    Bucket,
    /// That would be the bucket itself.
    #[error("the key is empty")]
    NoKey,
    /// Longer than any.
    #[error("the key is longer than 1024 bytes")]
    LongKey,
    /// What may be taken for a way out of the bucket.
    #[error("the key has a segment \".\" or \"..\"")]
    Dots,
}

/// Whether a text may be the name of a region.
#[must_use]
pub fn is_region(text: &[u8]) -> bool {
    is_service(text)
}

/// Whether a text may be the name of a service.
#[must_use]
pub fn is_service(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    (1..=64).contains(&text.len()) && text.iter().all(is_plain)
}

impl Endpoint {
    /// Returns that of AWS in a region.
    #[must_use]
    pub fn aws(region: &str, style: Option<Style>) -> Endpoint {
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        let host = format!("s3.{region}.amazonaws.com{china}");
        Endpoint { host, style: style.unwrap_or(Style::Virtual) }
    }

    /// Reads a URL without a path.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn parse(url: &[u8], style: Option<Style>) -> Result<Endpoint, EndpointError> {
        let url = std::str::from_utf8(url).map_err(|_| EndpointError)?;
        let (host, own_port) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(host), _) => (host, ":80"),
            (_, Some(host)) => (host, ":443"),
            _ => return Err(EndpointError),
        };
        let host = host.strip_suffix('/').unwrap_or(host);
        // An address of IPv6 has colons of its own.
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_address = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
        let is_host = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(address) => !address.is_empty() && address.bytes().all(is_address),
            None => !name.is_empty() && name.bytes().all(is_name),
        };
        let is_port = port.is_none_or(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        });
        if !is_host || !is_port {
            return Err(EndpointError);
        }
        let host = host.strip_suffix(own_port).unwrap_or(host).to_owned();
        Ok(Endpoint { host, style: style.unwrap_or(Style::Path) })
    }

    /// Returns the host and the escaped path of an object. One slash at the start of the key is
    /// none of its own.
    ///
    /// # Errors
    /// What is wrong with the names.
    pub(super) fn locate(&self, bucket: &[u8], key: &[u8]) -> Result<(String, String), NameError> {
        let key = key.strip_prefix(b"/").unwrap_or(key);
        if key.is_empty() {
            return Err(NameError::NoKey);
        }
        if key.len() > LONGEST_KEY {
            return Err(NameError::LongKey);
        }
        if key.split(|&byte| byte == b'/').any(|segment| matches!(segment, b"." | b"..")) {
            return Err(NameError::Dots);
        }
        let key = percent_encode_path(key);
        match self.style {
            Style::Path if is_bucket(bucket) => {
                Ok((self.host.clone(), format!("/{}/{key}", percent_encode(bucket))))
            }
            Style::Virtual if is_label(bucket) => {
                let bucket = String::from_utf8_lossy(bucket);
                Ok((format!("{bucket}.{}", self.host), format!("/{key}")))
            }
            Style::Path | Style::Virtual => Err(NameError::Bucket),
        }
    }
}

/// Whether any service has buckets called so: Ceph's have a tenant before a colon.
fn is_bucket(name: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:".contains(byte);
    (1..=255).contains(&name.len()) && name.iter().all(is_plain) && !matches!(name, b"." | b"..")
}

/// Whether a bucket called so can be a part of a host: whoever chooses it must not choose the host.
fn is_label(name: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let is_part = |part: &[u8]| {
        part.iter().all(is_plain)
            && part.first().is_some_and(u8::is_ascii_alphanumeric)
            && part.last().is_some_and(u8::is_ascii_alphanumeric)
    };
    (3..=63).contains(&name.len()) && name.split(|&byte| byte == b'.').all(is_part)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let host = |url: &str| Endpoint::parse(url.as_bytes(), None).map(|endpoint| endpoint.host);
        for (url, expected) in [
            ("http://127.0.0.1:9000", "127.0.0.1:9000"),
            ("http://minio:80", "minio"),
            ("http://minio:443/", "minio:443"),
            ("https://minio:443", "minio"),
            ("https://s3.example.org/", "s3.example.org"),
            ("http://[::1]:9000", "[::1]:9000"),
            ("http://[::1]", "[::1]"),
            ("http://[::1]:80", "[::1]"),
        ] {
            assert_eq!(host(url).as_deref(), Ok(expected), "{url}");
        }
        for url in [
            "",
            "minio",
            "ftp://minio",
            "http://",
            "http://minio/path",
            "http://minio:",
            "http://a b",
            "http://minio:x",
            "http://minio:99999",
            "http://u@minio",
            "http://[::1",
            "http://minio?x",
        ] {
            assert_eq!(host(url), Err(EndpointError), "{url}");
        }
    }

    #[test]
    fn an_object_has_one_way_to_be_written() {
        let aws = Endpoint::aws("eu-central-1", None);
        let path = Endpoint::parse(b"http://127.0.0.1:9000", None).unwrap();
        for (key, escaped) in [
            ("a", "a"),
            ("/a", "a"),
            ("//a", "/a"),
            ("a//b/", "a//b/"),
            ("a+b !*'()&=;:@$,", "a%2Bb%20%21%2A%27%28%29%26%3D%3B%3A%40%24%2C"),
            ("a%2Fb", "a%252Fb"),
            ("\u{fc}\u{20ac}", "%C3%BC%E2%82%AC"),
            ("a-_.~Z9", "a-_.~Z9"),
            ("...", "..."),
        ] {
            assert_eq!(
                aws.locate(b"my-bucket", key.as_bytes()).unwrap(),
                ("my-bucket.s3.eu-central-1.amazonaws.com".to_owned(), format!("/{escaped}")),
            );
            assert_eq!(
                path.locate(b"my-bucket", key.as_bytes()).unwrap(),
                ("127.0.0.1:9000".to_owned(), format!("/my-bucket/{escaped}")),
            );
        }
        let tenant = path.locate(b"tenant:b", b"k").unwrap();
        assert_eq!(tenant.1, "/tenant%3Ab/k");
        let china = Endpoint::aws("cn-north-1", Some(Style::Path)).locate(b"buc", b"k").unwrap();
        assert_eq!(china, ("s3.cn-north-1.amazonaws.com.cn".to_owned(), "/buc/k".to_owned()));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let aws = Endpoint::aws("eu-central-1", None);
        let path = Endpoint::parse(b"http://127.0.0.1:9000", None).unwrap();
        for bucket in
            ["", ".", "..", "a/b", "a?b", "a#b", "a@b", "a b", "a\r\nb", "\u{e9}\u{e9}\u{e9}"]
        {
            let wrong = Err(NameError::Bucket);
            assert_eq!(aws.locate(bucket.as_bytes(), b"k"), wrong, "{bucket}");
            assert_eq!(path.locate(bucket.as_bytes(), b"k"), wrong, "{bucket}");
        }
        for bucket in
            ["ab", "a_b", "a..b", "-ab", "ab-", "a.-b", ".ab", "ab.", "a:b", &"a".repeat(64)]
        {
            assert_eq!(aws.locate(bucket.as_bytes(), b"k"), Err(NameError::Bucket), "{bucket}");
            assert!(path.locate(bucket.as_bytes(), b"k").is_ok(), "{bucket}");
        }
        for (key, error) in [
            ("", NameError::NoKey),
            ("/", NameError::NoKey),
            ("..", NameError::Dots),
            ("/../other/secret", NameError::Dots),
            ("a/./b", NameError::Dots),
            (&"k".repeat(1025), NameError::LongKey),
        ] {
            assert_eq!(path.locate(b"bucket", key.as_bytes()), Err(error), "{key}");
        }
        assert!(path.locate(b"bucket", "k".repeat(1024).as_bytes()).is_ok());
    }

    #[test]
    fn regions_and_services() {
        assert!(is_region(b"eu-central-1") && is_region(b"auto") && is_service(b"s3"));
        for text in ["", "a/b", "a b", "a\n", &"a".repeat(65)] {
            assert!(!is_region(text.as_bytes()), "{text}");
        }
    }
}
