//! Where the picture that a link asks for comes from.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

use crate::escapes::percent_decode_lossy;
use crate::image::Error;

/// What is written out in a path: all that RFC 3986 lets stand there as it is.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// A decoded path as links have it: nothing is encoded that can stand there as it is.
pub(super) fn written(path: &[u8]) -> Vec<u8> {
    percent_encode(path, IN_PATH).to_string().into_bytes()
}

/// What can't stand in arguments, whose own escapes stay.
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\\');

/// The schemes of sources, and the ports that go without saying.
const SCHEMES: [(&str, &str); 6] =
    [("http", "80"), ("https", "443"), ("s3", ""), ("gs", ""), ("abs", ""), ("swift", "")];

/// Where a picture comes from: a path, and a host where the link names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The host, where there is one.
    pub origin: Option<Origin>,
    /// Decoded; begins with a slash, and has no dot segments.
    path: Vec<u8>,
    query: Option<String>,
    /// What it is where that host may not be asked: without a scheme, the first segment may be a
    /// folder as well.
    otherwise: Option<Box<Source>>,
}

/// Scheme and host of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http`, `https`, or that of a storage.
    pub scheme: &'static str,
    /// In small letters, with the port where it is not the scheme's; or the name of a bucket.
    pub host: String,
}

impl Source {
    /// Reads a URL, or what follows the host in one. Its path is percent-encoded.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says why it is none.
    pub(super) fn of_url(text: &[u8]) -> Result<Source, Error> {
        match split_scheme(text) {
            Some((scheme, rest)) => Source::absolute(scheme, rest),
            None => Source::parts(None, text),
        }
    }

    /// Reads a URL, or the name of a file, in which nothing is encoded.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says why it is none.
    pub(super) fn of_name(text: &[u8]) -> Result<Source, Error> {
        match split_scheme(text) {
            Some((scheme, rest)) => Source::absolute(scheme, rest),
            None => Ok(Source::of_path(clean(text, true)?)),
        }
    }

    /// Reads what may be a host with a path, or a path alone, as [`resolve`](Source::resolve)
    /// says. `scheme` is that of the host, and `read` reads what has a scheme or is a path.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says why it is none.
    pub(super) fn of_guess(
        text: &[u8],
        scheme: &'static [u8],
        read: fn(&[u8]) -> Result<Source, Error>,
    ) -> Result<Source, Error> {
        let local = read(text)?;
        if local.origin.is_some() || text.starts_with(b"/") && !text.starts_with(b"//") {
            return Ok(local);
        }
        let text = text.strip_prefix(b"//").unwrap_or(text);
        // A host without a path is the name of a file.
        if !text.contains(&b'/') {
            return Ok(local);
        }
        match Source::absolute(scheme, text) {
            Ok(remote) => Ok(Source { otherwise: Some(Box::new(local)), ..remote }),
            Err(_) => Ok(local),
        }
    }

    fn absolute(scheme: &[u8], rest: &[u8]) -> Result<Source, Error> {
        if scheme.eq_ignore_ascii_case(b"local") {
            return Source::parts(None, rest);
        }
        let (scheme, port) = known(scheme).ok_or_else(|| bad("a scheme that is not known"))?;
        let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
        let (host, rest) = rest.split_at(end);
        let host = host_of(host, port).ok_or_else(|| bad("no valid host"))?;
        Source::parts(Some(Origin { scheme, host }), rest)
    }

    /// From path and arguments of a URL.
    fn parts(origin: Option<Origin>, text: &[u8]) -> Result<Source, Error> {
        let text = text.split(|&byte| byte == b'#').next().unwrap_or_default();
        let at = memchr::memchr(b'?', text);
        let (path, query) = text.split_at(at.unwrap_or(text.len()));
        // Storages may tell two slashes from one, which files don't.
        let path = clean(&percent_decode_lossy(path), origin.is_none())?;
        let query = match query {
            [] | [_] => None,
            [_, query @ ..] => {
                if query.iter().any(u8::is_ascii_control) {
                    return Err(bad("a control character"));
                }
                Some(percent_encode(query, IN_QUERY).to_string())
            }
        };
        Ok(Source { origin, path, query, otherwise: None })
    }

    fn of_path(path: Vec<u8>) -> Source {
        Source { origin: None, path, query: None, otherwise: None }
    }

    /// Returns the source, where `may_ask` says that its host may be asked; the other reading of
    /// one whose first segment only may be a host.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] that names the host.
    pub fn resolve(mut self, may_ask: impl FnOnce(&Origin) -> bool) -> Result<Source, Error> {
        let otherwise = self.otherwise.take();
        match &self.origin {
            None => Ok(self),
            Some(origin) if may_ask(origin) => Ok(self),
            Some(origin) => match otherwise {
                Some(local) => Ok(*local),
                None => Err(Error::NotAllowed(format!("host {:?}", origin.host))),
            },
        }
    }

    /// Returns the path, decoded.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Returns the path, percent-encoded, with the arguments that belong to the source. It never
    /// begins with two slashes, which would be a host to whoever is redirected there.
    #[must_use]
    pub fn target(&self) -> String {
        let (start, rest) = match self.path.strip_prefix(b"//") {
            Some(rest) => ("/%2F", rest),
            None => ("", &*self.path),
        };
        let path = percent_encode(rest, IN_PATH);
        match &self.query {
            None => format!("{start}{path}"),
            Some(query) => format!("{start}{path}?{query}"),
        }
    }
}

/// The scheme of that name, with its port.
fn known(scheme: &[u8]) -> Option<&'static (&'static str, &'static str)> {
    SCHEMES.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(scheme))
}

fn bad(what: &str) -> Error {
    Error::BadParams(format!("the source has {what}"))
}

/// `SCHEME://REST`; proxies on the way make one slash of two.
fn split_scheme(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b':', text)?;
    let (scheme, rest) = text.split_at(at);
    let rest = rest.strip_prefix(b":/")?;
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    is_scheme.then(|| (scheme, rest.strip_prefix(b"/").unwrap_or(rest)))
}

/// The name of a host in small letters, with its port where that is not `standard`.
fn host_of(text: &[u8], standard: &str) -> Option<String> {
    let text = str::from_utf8(text).ok()?.to_ascii_lowercase();
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (&*text, None),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_name = |name: &str| {
        !name.is_empty()
            && name.split('.').all(|label| !label.is_empty())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let is_address = |name: &str| {
        let inside = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        inside.is_some_and(|inside| inside.parse::<std::net::Ipv6Addr>().is_ok())
    };
    if name.len() > 255 || !(is_name(name) || is_address(name)) {
        return None;
    }
    match port {
        None => Some(name.to_owned()),
        Some(port) => {
            let number: u16 = port.parse().ok().filter(|&number| number > 0)?;
            let is_plain = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = number.to_string();
            is_plain
                .then(|| if port == standard { name.to_owned() } else { format!("{name}:{port}") })
        }
    }
}

/// A path without dot segments, and where `merges` without empty ones. What leads upwards is
/// refused, by whichever slash.
fn clean(path: &[u8], merges: bool) -> Result<Vec<u8>, Error> {
    if path.iter().any(u8::is_ascii_control) {
        return Err(bad("a control character"));
    }
    if path.split(|byte| b"/\\".contains(byte)).any(|segment| segment == b"..") {
        return Err(bad("a segment \"..\""));
    }
    let mut cleaned = Vec::with_capacity(path.len() + 1);
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let mut segments = path.split(|&byte| byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment == b"." || segment.is_empty() && merges {
            if is_last {
                cleaned.push(b'/');
            }
            continue;
        }
        cleaned.push(b'/');
        cleaned.extend(segment);
    }
    Ok(cleaned)
}

/// The hosts that may be asked for sources: none, unless it says so.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Vec<Host>);

#[derive(Debug, Clone)]
struct Host {
    /// The only scheme it may be asked by, where one is said.
    scheme: Option<&'static str>,
    name: String,
}

impl Hosts {
    /// Reads names with commas between them: `*.example.com` is all hosts below that name; a port
    /// stands behind the name where it is not the scheme's; a scheme with `://` may stand before it.
    ///
    /// # Errors
    /// The name that is none.
    pub fn parse(list: &[u8]) -> Result<Hosts, Cow<'_, str>> {
        let names = list.split(|&byte| byte == b',').map(|text| {
            let wrong = || String::from_utf8_lossy(text);
            let (scheme, port, name) = match memchr::memmem::find(text, b"://") {
                None => (None, "", text),
                Some(at) => {
                    let (scheme, name) = text.split_at(at);
                    let &(scheme, port) = known(scheme).ok_or_else(wrong)?;
                    (Some(scheme), port, name.get(3..).unwrap_or_default())
                }
            };
            let (star, name) = match name.strip_prefix(b"*.") {
                Some(name) => ("*.", name),
                None => ("", name),
            };
            let name = host_of(name, port).ok_or_else(wrong)?;
            Ok(Host { scheme, name: format!("{star}{name}") })
        });
        names.collect::<Result<_, _>>().map(Hosts)
    }

    /// Returns whether a host may be asked.
    #[must_use]
    pub fn allow(&self, origin: &Origin) -> bool {
        self.0.iter().any(|Host { scheme, name }| {
            scheme.is_none_or(|scheme| scheme == origin.scheme)
                && match name.strip_prefix('*') {
                    Some(end) => origin.host.len() > end.len() && origin.host.ends_with(end),
                    None => *name == origin.host,
                }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &Source) -> (String, String, String) {
        let origin = source.origin.as_ref();
        (
            origin.map_or(String::new(), |origin| format!("{}://{}", origin.scheme, origin.host)),
            String::from_utf8_lossy(source.path()).into_owned(),
            source.target(),
        )
    }

    #[test]
    fn urls() {
        for (text, origin, path, target) in [
            ("/a/b.jpg", "", "/a/b.jpg", "/a/b.jpg"),
            ("a.jpg", "", "/a.jpg", "/a.jpg"),
            ("/a%20b.jpg?v=%201", "", "/a b.jpg", "/a%20b.jpg?v=%201"),
            ("//a//./b/", "", "/a/b/", "/a/b/"),
            ("/100%.jpg", "", "/100%.jpg", "/100%25.jpg"),
            ("/%252e%252e/a", "", "/%2e%2e/a", "/%252e%252e/a"),
            ("https://H.example:443/a?b#c", "https://h.example", "/a", "/a?b"),
            ("http:/h:8080/a%3Fb", "http://h:8080", "/a?b", "/a%3Fb"),
            ("http://[::1]:80", "http://[::1]", "/", "/"),
            ("http://h./a//b", "http://h", "/a//b", "/a//b"),
            ("http://h//i.test/a//b", "http://h", "//i.test/a//b", "/%2Fi.test/a//b"),
            ("s3://bucket///a?b", "s3://bucket", "///a", "/%2F/a?b"),
            ("s3://bucket/key", "s3://bucket", "/key", "/key"),
            ("local:///a.jpg", "", "/a.jpg", "/a.jpg"),
            ("local:/a.jpg", "", "/a.jpg", "/a.jpg"),
            ("/\u{fc}.jpg?x y", "", "/\u{fc}.jpg", "/%C3%BC.jpg?x%20y"),
        ] {
            let source = Source::of_url(text.as_bytes()).unwrap();
            assert_eq!(told(&source), (origin.into(), path.into(), target.into()), "{text}");
        }
    }

    #[test]
    fn names_are_not_decoded_again() {
        let source = Source::of_name(b"a%20b?c#d.jpg").unwrap();
        assert_eq!(told(&source).2, "/a%2520b%3Fc%23d.jpg");
        let source = Source::of_name(b"http://h/a%20b?c").unwrap();
        assert_eq!(told(&source), ("http://h".into(), "/a b".into(), "/a%20b?c".into()));
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for text in [
            "/../a",
            "/a/%2e%2e/b",
            "/a\\..\\b",
            "/%5c..%5cb",
            "..",
            "/a%00",
            "/a%0a",
            "/a\x7f",
            "/a?\n",
            "ftp://h/a",
            "javascript:/a",
            "http://u@h/a",
            "http://u:p@h/a",
            "http:///a",
            "http://h:0/a",
            "http://h:65536/a",
            "http://h:+80/a",
            "http://h:/a",
            "http://h\\@i/a",
            "http://\u{fc}/a",
            "http://h%2e/a",
            "http://a..b/",
            "http://[::1/a",
            "http://h /a",
        ] {
            let read = Source::of_url(text.as_bytes());
            assert!(matches!(read, Err(Error::BadParams(_))), "{text} {read:?}");
        }
    }

    #[test]
    fn only_listed_hosts_are_asked() {
        let hosts = Hosts::parse(b"*.example.com,a.test:8080,bucket").unwrap();
        let resolve = |text: &str| {
            Source::of_url(text.as_bytes()).unwrap().resolve(|origin| hosts.allow(origin)).is_ok()
        };
        for text in [
            "/a",
            "http://x.example.com/",
            "https://x.y.EXAMPLE.com",
            "http://a.test:8080/",
            "s3://bucket/k",
        ] {
            assert!(resolve(text), "{text}");
        }
        for text in [
            "http://example.com/",
            "http://xexample.com/",
            "http://x.example.com:81/",
            "http://a.test/",
            "http://a.test:8081/",
            "http://x.example.com.evil.test/",
            "http://.example.com.evil/x",
        ] {
            assert!(
                !Source::of_url(text.as_bytes())
                    .is_ok_and(|source| source.resolve(|origin| hosts.allow(origin)).is_ok()),
                "{text}"
            );
        }
        let hosts = Hosts::parse(b"https://a.test:443,HTTP://*.b.test:81,s3://bucket").unwrap();
        for (text, is_allowed) in [
            ("https://a.test/", true),
            ("http://a.test/", false),
            ("http://x.b.test:81/", true),
            ("https://x.b.test:81/", false),
            ("s3://bucket/k", true),
            ("gs://bucket/k", false),
            ("http://bucket/k", false),
        ] {
            let source = Source::of_url(text.as_bytes()).unwrap();
            assert_eq!(source.resolve(|origin| hosts.allow(origin)).is_ok(), is_allowed, "{text}");
        }
        assert!(Hosts::parse(b"ftp://a").is_err() && Hosts::parse(b"https://").is_err());
        assert!(Hosts::parse(b"").is_err() && Hosts::parse(b"a,,b").is_err());
        assert!(Hosts::parse(b"*").is_err() && Hosts::parse(b"a*.b").is_err());
    }

    #[test]
    fn a_first_segment_is_a_host_where_it_is_listed() {
        let resolved = |text: &str, allowed: bool| {
            let source = Source::of_guess(text.as_bytes(), b"http", Source::of_url).unwrap();
            source.resolve(|_| allowed).map(|source| told(&source))
        };
        assert_eq!(resolved("h.test/a", true).unwrap().0, "http://h.test");
        assert_eq!(resolved("h.test/a", false).unwrap().2, "/h.test/a");
        assert_eq!(resolved("//h.test/a", true).unwrap().0, "http://h.test");
        assert_eq!(resolved("/h.test/a", true).unwrap().2, "/h.test/a");
        assert_eq!(resolved("a b/c", true).unwrap().2, "/a%20b/c");
        assert!(resolved("http://h.test/a", false).is_err());
    }
}
