//! URLs as they were asked for, taken apart without decoding anything.

use std::borrow::Cow;
use std::net::IpAddr;

use super::VerifyError;
use crate::escapes::percent_decode_strict;
use crate::key::source::{Edit, edit_uri};

/// The parts of a URL, or of what follows the host in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Url<'a> {
    /// Scheme and host; empty where there are none.
    pub origin: &'a [u8],
    /// From the first slash to the arguments.
    pub path: &'a [u8],
    /// Behind the question mark; empty where there is none.
    pub query: &'a [u8],
}

impl<'a> Url<'a> {
    pub fn parse(url: &'a [u8]) -> Url<'a> {
        let host = url.windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
        let find = |text: &[u8], wanted| text.iter().position(|&byte| byte == wanted);
        let (before, query) = url.split_at(find(url, b'?').unwrap_or(url.len()));
        // A "://" in a path is part of it: a URL in a URL.
        let host = if url.first() == Some(&b'/') || host > before.len() { 0 } else { host };
        let rest = before.get(host..).unwrap_or_default();
        let (origin, path) = before.split_at(host + find(rest, b'/').unwrap_or(rest.len()));
        Url { origin, path, query: query.get(1..).unwrap_or_default() }
    }

    /// The arguments: names and values as they stand.
    pub fn arguments(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        arguments(self.query)
    }

    /// The names of the arguments.
    pub fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.arguments().map(|(name, _)| name)
    }

    /// The value of `$arg_NAME`: nginx looks at no case, and passes over arguments without `=`.
    pub fn argument_of_nginx(&self, name: &[u8]) -> Option<&'a [u8]> {
        argument_of_nginx(self.query, name)
    }

    /// The value of the only argument whose name is one of `names`; several would leave open which
    /// of them counts.
    ///
    /// # Errors
    /// [`VerifyError::Malformed`] where there are several.
    pub fn only_argument(&self, names: &[&[u8]]) -> Result<Option<&'a [u8]>, VerifyError> {
        let mut found = self.arguments().filter(|(name, _)| names.contains(name));
        let first = found.next().map(|(_, value)| value);
        if found.next().is_some() { Err(VerifyError::Malformed) } else { Ok(first) }
    }

    /// The first segment of the path, and the rest of it with its slash.
    pub fn first_segment(&self) -> Option<(&'a [u8], &'a [u8])> {
        let path = self.path.strip_prefix(b"/")?;
        Some(path.split_at(path.iter().position(|&byte| byte == b'/')?))
    }
}

/// The value of `$arg_NAME` with those arguments.
pub(crate) fn argument_of_nginx<'a>(query: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    query.split(|&byte| byte == b'&').find_map(|argument| {
        let (found, value) = argument.split_at(memchr::memchr(b'=', argument)?);
        if found.eq_ignore_ascii_case(name) { value.get(1..) } else { None }
    })
}

/// The path of a URL as nginx decodes and resolves it, with one slash for several; `None` where it
/// would not.
pub(crate) fn resolved(path: &[u8]) -> Option<Vec<u8>> {
    let decoded = percent_decode_strict(path).filter(|path| path.first() == Some(&b'/'))?;
    let mut resolved = Vec::with_capacity(decoded.len());
    let mut segments = decoded.split(|&byte| byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            b"" | b"." => {}
            b".." => {
                let at = memchr::memrchr(b'/', &resolved)?;
                resolved.truncate(at);
            }
            _ => {
                resolved.push(b'/');
                resolved.extend_from_slice(segment);
            }
        }
        if is_last && matches!(segment, b"" | b"." | b"..") {
            resolved.push(b'/');
        }
    }
    Some(resolved)
}

/// Whether nginx comes to `uri` for a path, however many slashes stand for one: nothing has rewritten
/// it.
pub fn comes_to(path: &[u8], uri: &[u8]) -> bool {
    let merged = |uri: &[u8]| {
        let mut merged = uri.to_vec();
        merged.dedup_by(|next, last| *next == b'/' && *last == b'/');
        merged
    };
    resolved(path).is_some_and(|resolved| resolved == merged(uri))
}

/// The path that nginx comes to for a URL, or for what follows the host in one; `None` where it
/// would not, or that is neither.
#[must_use]
pub fn path_of(url: &[u8]) -> Option<Vec<u8>> {
    let Url { origin, path, .. } = Url::parse(url);
    let is_whole = origin.is_empty() || origin.windows(3).any(|three| three == b"://");
    resolved(path).filter(|_| is_whole)
}

/// What follows the host in a URL, without its arguments of those names.
pub fn without_arguments(url: &[u8], names: &[&[u8]]) -> Vec<u8> {
    let at = Url::parse(url).origin.len();
    let uri = url.get(at..).unwrap_or_default();
    edit_uri(uri, names, Edit::Remove).unwrap_or_else(|| uri.to_vec())
}

/// `NAME=VALUE&...`, taken apart.
pub(crate) fn arguments(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|&byte| byte == b'&').filter(|argument| !argument.is_empty()).map(|argument| {
        let at = argument.iter().position(|&byte| byte == b'=').unwrap_or(argument.len());
        let (name, value) = argument.split_at(at);
        (name, value.get(1..).unwrap_or_default())
    })
}

/// Why nginx would not even look at a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It has no path, or one that begins with something else.
    #[error("the path of the link does not begin with a slash: it is /path, or https://host/path")]
    NoPath,
    /// A space, or a byte that is no printable character of ASCII.
    #[error("the link holds what has to be percent-encoded")]
    NotEscaped,
    /// Something behind `#`, which clients keep to themselves.
    #[error("what follows \"#\" never reaches a server; in a path it is written %23")]
    Fragment,
    /// A percent sign in the path that begins no byte, or the byte 0.
    #[error("a percent sign in the path begins no byte, or the byte 0; its own is written %25")]
    Percent,
    /// Dot segments that lead above the root.
    #[error("the path leads above the root")]
    AboveRoot,
}

/// Whether nginx answers a request for a URL by more than 400.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(url: &[u8]) -> Result<(), UrlError> {
    if url.contains(&b'#') {
        return Err(UrlError::Fragment);
    }
    if !url.iter().all(u8::is_ascii_graphic) {
        return Err(UrlError::NotEscaped);
    }
    let Url { origin, path, .. } = Url::parse(url);
    let is_path = origin.is_empty() || origin.windows(3).any(|three| three == b"://");
    if path.first() != Some(&b'/') || !is_path {
        return Err(UrlError::NoPath);
    }
    let decoded =
        percent_decode_strict(path).filter(|path| !path.contains(&0)).ok_or(UrlError::Percent)?;
    let mut depth = 0_usize;
    for segment in decoded.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => depth = depth.checked_sub(1).ok_or(UrlError::AboveRoot)?,
            _ => depth += 1,
        }
    }
    Ok(())
}

/// Whether a server that decodes and resolves `path` comes to the same path: no dot segments, no
/// empty ones, and no slash, backslash, zero or dot in disguise. Only then may a part of it be
/// compared with what was signed.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let Some(decoded) = percent_decode_strict(path) else { return false };
    let slashes = |text: &[u8]| text.iter().filter(|&&byte| byte == b'/').count();
    let hidden = decoded.iter().any(|byte| matches!(byte, b'\\' | b'#' | 0));
    if decoded.first() != Some(&b'/') || hidden || slashes(&decoded) != slashes(path) {
        return false;
    }
    let mut segments = decoded.split(|&byte| byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if matches!(segment, b"." | b"..") || segment.is_empty() && !last {
            return false;
        }
    }
    true
}

/// Undoes percent-encoding; text in which a percent sign begins none is left as it is.
pub fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    percent_decode_strict(text).unwrap_or(Cow::Borrowed(text))
}

/// Whether `text` fits a pattern in which `*` stands for any characters and `?` for one.
pub(super) fn glob_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || text.get(t) == Some(&c) => {
                p += 1;
                t += 1;
            }
            _ => {
                // Let the last star take one more.
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|&c| c == b'*')
}

/// The address in a text. One of IPv4 that a socket for both shows as one of IPv6 is that of IPv4.
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn paths_that_nginx_comes_to() {
        for (url, path) in [
            ("/a/b?c", "/a/b"),
            ("http://h/a", "/a"),
            ("https://h:1//%61//b/./c/..?d", "/a/b/"),
            ("/a/%2e%2E/b", "/b"),
            ("/a%2f../b", "/b"),
        ] {
            let expected = path.as_bytes().to_vec();
            assert_eq!(path_of(url.as_bytes()), Some(expected), "{url}");
        }
        for url in ["", "a/b", "http://h", "/../a", "/a%2", "*"] {
            assert_eq!(path_of(url.as_bytes()), None, "{url}");
        }
    }

    #[test]
    fn parts_of_a_url() {
        let parse = |url: &'static str| {
            let Url { origin, path, query } = Url::parse(url.as_bytes());
            [origin, path, query].map(|part| std::str::from_utf8(part).unwrap())
        };
        assert_eq!(parse("/a/b?c=d"), ["", "/a/b", "c=d"]);
        assert_eq!(parse("https://h:1/a?b?c"), ["https://h:1", "/a", "b?c"]);
        assert_eq!(parse("https://h"), ["https://h", "", ""]);
        assert_eq!(parse("/plain/http://h/a.jpg"), ["", "/plain/http://h/a.jpg", ""]);
        assert_eq!(parse("/a?u=http://h/"), ["", "/a", "u=http://h/"]);
        assert_eq!(parse(""), ["", "", ""]);
        assert_eq!(parse("x"), ["x", "", ""]);
    }

    #[test]
    fn arguments_as_they_stand() {
        let url = Url::parse(b"/?a=1&&b=%20=&c&a=2");
        let found: Vec<_> = url.arguments().collect();
        let expected: [(&[u8], &[u8]); 4] =
            [(b"a", b"1"), (b"b", b"%20="), (b"c", b""), (b"a", b"2")];
        assert_eq!(found, expected);
        let url = Url::parse(b"/?a&A=1&a=2");
        assert_eq!(url.argument_of_nginx(b"a"), Some(&b"1"[..]));
        assert_eq!(url.argument_of_nginx(b"b"), None);
    }

    #[test]
    fn an_argument_stands_once() {
        let url = Url::parse(b"/?a=1&b=2&a=3&c");
        assert_eq!(url.only_argument(&[b"b"]), Ok(Some(&b"2"[..])));
        assert_eq!(url.only_argument(&[b"c", b"d"]), Ok(Some(&b""[..])));
        assert_eq!(url.only_argument(&[b"d"]), Ok(None));
        assert_eq!(url.only_argument(&[b"a"]), Err(VerifyError::Malformed));
        assert_eq!(url.only_argument(&[b"b", b"c"]), Err(VerifyError::Malformed));
    }

    #[test]
    fn addresses_are_canonical() {
        for (text, expected) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("::ffff:192.0.2.7", Some("192.0.2.7")),
            ("::FFFF:c000:207", Some("192.0.2.7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("unix:", None),
            ("192.0.2.07", None),
            ("", None),
        ] {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(address(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn urls_that_nginx_takes() {
        for url in ["/", "/a%20b?x=%&y=1?2", "https://h/a/../b", "/a/..", "//a/.."] {
            assert_eq!(check_url(url.as_bytes()), Ok(()), "{url}");
        }
        for (url, error) in [
            ("", UrlError::NoPath),
            ("a", UrlError::NoPath),
            ("https://h", UrlError::NoPath),
            ("https://h?x", UrlError::NoPath),
            ("a/b.jpg", UrlError::NoPath),
            ("h.example/b.jpg?x=://", UrlError::NoPath),
            ("/a b", UrlError::NotEscaped),
            ("/\u{e9}", UrlError::NotEscaped),
            ("/a\n", UrlError::NotEscaped),
            ("/a?b#c", UrlError::Fragment),
            ("/100%", UrlError::Percent),
            ("/a%0", UrlError::Percent),
            ("/a%00", UrlError::Percent),
            ("/..", UrlError::AboveRoot),
            ("/a/../../b", UrlError::AboveRoot),
            ("/a/%2e%2e/%2E./b", UrlError::AboveRoot),
        ] {
            assert_eq!(check_url(url.as_bytes()), Err(error), "{url}");
        }
    }

    #[test]
    fn plain_paths() {
        for path in ["/", "/a", "/a/", "/a/b.jpg", "/a/..b/c..", "/%20/%C3%A9", "/a/...", "/a*b"] {
            assert!(is_plain(path.as_bytes()), "{path}");
        }
        for path in [
            "",
            "a",
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a//b",
            "//",
            "/a/%2e%2e/b",
            "/a/.%2E/b",
            "/a%2fb",
            "/a%5c..%5cb",
            "/a\\b",
            "/a%00",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a/..",
            "/a#b",
        ] {
            assert!(!is_plain(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn paths_are_resolved_as_nginx_does() {
        for (path, expected) in [
            ("/", Some("/")),
            ("/a/b", Some("/a/b")),
            ("/a//b/", Some("/a/b/")),
            ("//", Some("/")),
            ("/a/./b/.", Some("/a/b/")),
            ("/a/b/..", Some("/a/")),
            ("/a/../b", Some("/b")),
            ("/a/%2e%2E/b%2Fc%252F", Some("/b/c%2F")),
            ("/a/...", Some("/a/...")),
            ("/..", None),
            ("/a/../../b", None),
            ("/%", None),
            ("a", None),
            ("", None),
        ] {
            let found = resolved(path.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{path}");
            // A path that is plain is what it says.
            if is_plain(path.as_bytes()) {
                assert_eq!(found, percent_decode_strict(path.as_bytes()).map(Cow::into_owned));
            }
        }
    }

    #[test]
    fn what_was_rewritten_is_another() {
        for (path, uri, expected) in [
            ("/a%20b//c/../d", "/a b/d", true),
            ("/plain/http://h", "/plain/http://h", true),
            ("/plain/http://h", "/plain/http:/h", true),
            ("/img/a", "/a", false),
            ("/a%2Fb", "/a/c", false),
            ("/..", "/", false),
        ] {
            assert_eq!(comes_to(path.as_bytes(), uri.as_bytes()), expected, "{path} {uri}");
        }
    }

    #[test]
    fn arguments_go() {
        for (url, expected) in [
            ("/a?w=1&token=x&expires=2", "/a?w=1"),
            ("https://h/a?TOKEN=x&w=1&%74oken=y", "/a?w=1"),
            ("/a%2Fb?token=x", "/a%2Fb"),
            ("/a?token&w", "/a?token&w"),
            ("/a", "/a"),
        ] {
            let rest = without_arguments(url.as_bytes(), &[b"token", b"expires"]);
            assert_eq!(std::str::from_utf8(&rest).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("a*", "abc", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?", "a", false),
            ("http*://h/*", "https://h/x", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/a", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
        ] {
            assert_eq!(
                glob_matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
        // Not exponential.
        assert!(!glob_matches("a*".repeat(30).as_bytes(), "b".repeat(10_000).as_bytes()));
    }
}
