//! The key file.
//!
//! One line a partner, `ID DIGEST[@DATE][,DIGEST[@DATE]] [WORD ...]`; `#` begins a comment.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use super::date::Date;
use super::digest::Digest;
use super::limits::{parse_bytes, parse_requests};
use super::slots::MOST_AT_ONCE;
use super::table::{Partner, PartnerKey, PartnerTable, is_id};
use super::window::{Period, Resource};

/// The digest of an empty key, as scripts make it whose variable is empty.
static OF_NOTHING: LazyLock<Digest> = LazyLock::new(|| Digest::of(b""));

/// How a moment is written.
const DATES: &str = "a date, 2026-12-31, or a time in UTC, 2026-12-31T23:59:59Z";

/// What is wrong with a key file, and where. Quotes nothing of the file but IDs and the names of
/// words: someone may have put a key where a digest belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 1.
    pub column: usize,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)
    }
}

impl std::error::Error for FileError {}

impl PartnerTable {
    /// Reads a key file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &[u8]) -> Result<PartnerTable, FileError> {
        let mut partners = Vec::new();
        let mut ids = HashMap::new();
        let mut digests = HashMap::new();
        if matches!(text, [0xef, 0xbb, 0xbf, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            let reason = "a byte order mark: save the file as UTF-8 without one".to_owned();
            return Err(FileError { line: 1, column: 1, reason });
        }
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let number = index + 1;
            let fail = |(column, reason)| FileError { line: number, column, reason };
            let words = words(line);
            let Some(partner) = parse_line(&words).map_err(fail)? else { continue };
            if let Some(first) = ids.insert(partner.id.clone(), number) {
                let reason =
                    format!("duplicate ID \"{}\", the first is in line {first}", partner.id);
                return Err(fail((column(&words, 0), reason)));
            }
            for key in &partner.keys {
                if let Some(first) = digests.insert(key.digest, number) {
                    let reason = format!("duplicate digest, the first is in line {first}");
                    return Err(fail((column(&words, 1), reason)));
                }
            }
            partners.push(partner);
        }
        Ok(PartnerTable::new(partners))
    }
}

/// A word of a line, and its column.
type LineWord<'a> = (usize, &'a [u8]);
type Fault = (usize, String);

fn words(line: &[u8]) -> Vec<LineWord<'_>> {
    let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
    let mut column = 1;
    let mut words = Vec::new();
    for word in line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
        if !word.is_empty() {
            words.push((column, word));
        }
        column += word.len() + 1;
    }
    words
}

fn column(words: &[LineWord<'_>], index: usize) -> usize {
    words.get(index).map_or(1, |&(column, _)| column)
}

fn parse_line(words: &[LineWord<'_>]) -> Result<Option<Partner>, Fault> {
    let Some((&(start, id), rest)) = words.split_first() else { return Ok(None) };
    let id = std::str::from_utf8(id).ok().filter(|id| is_id(id.as_bytes())).ok_or((
        start,
        "invalid ID: 1 to 64 of A-Z, a-z, 0-9, \".\", \"_\" and \"-\"".to_owned(),
    ))?;
    let Some((&(start, digests), rest)) = rest.split_first() else {
        return Err((start + id.len(), "no digest after the ID".to_owned()));
    };
    let mut partner = Partner { id: id.to_owned(), ..Partner::default() };
    let mut column = start;
    for word in digests.split(|&byte| byte == b',') {
        let (digest, date) = match word.iter().position(|&byte| byte == b'@') {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        let parsed = Digest::parse(digest).ok_or_else(|| {
            let expected =
                "\"sha256:\" and 64 hexadecimal digits; \"image-gate key hash\" makes one";
            (column, format!("invalid digest: {expected}"))
        })?;
        if parsed == *OF_NOTHING {
            return Err((column, "a digest of nothing: no request has an empty key".to_owned()));
        }
        let expires = match date.map(Date::parse) {
            None => None,
            Some(Some((_, end))) => Some(end),
            Some(None) => {
                let column = column + digest.len() + 1;
                return Err((column, format!("invalid date of a key: {DATES}")));
            }
        };
        partner.keys.push(PartnerKey { digest: parsed, expires });
        column += word.len() + 1;
    }
    let mut seen = Vec::new();
    for &(column, word) in rest {
        let (name, value) = match word.iter().position(|&byte| byte == b'=') {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        parse_word(&mut partner, name, value, &mut seen).map_err(|reason| (column, reason))?;
    }
    Ok(Some(partner))
}

fn parse_word<'a>(
    partner: &mut Partner,
    name: &'a [u8],
    value: Option<&[u8]>,
    seen: &mut Vec<&'a [u8]>,
) -> Result<(), String> {
    match (name, value) {
        (b"requests", Some(value)) => {
            return parse_quota(partner, Resource::Requests, value, parse_requests);
        }
        (b"bytes", Some(value)) => {
            return parse_quota(partner, Resource::Bytes, value, parse_bytes);
        }
        (b"concurrency", Some(value)) => {
            let number = parse_requests(value).and_then(|number| usize::try_from(number).ok());
            let number = number.filter(|&number| number <= MOST_AT_ONCE);
            partner.concurrency =
                Some(number.ok_or_else(|| format!("invalid concurrency: 1 to {MOST_AT_ONCE}"))?);
        }
        (b"rate", Some(value)) => {
            let size = value.strip_suffix(b"/s").and_then(parse_bytes);
            partner.rate = Some(size.ok_or("invalid rate: a size and \"/s\", as 2m/s")?);
        }
        (b"disabled", None) => partner.disabled = true,
        (b"not_after", Some(value)) => {
            let (_, expires) =
                Date::parse(value).ok_or_else(|| format!("invalid not_after: {DATES}"))?;
            partner.expires = Some(expires);
        }
        (b"paths", Some(value)) => {
            let paths = list(value, |path| path.starts_with('/') && path.is_ascii());
            partner.paths = paths.ok_or("invalid paths: prefixes that begin with \"/\"")?;
        }
        (b"methods", Some(value)) => {
            let is_method = |name: &str| {
                !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_uppercase() || b"-_".contains(&byte))
            };
            let methods = list(value, is_method);
            partner.methods = methods.ok_or("invalid methods: names in capitals, as GET,HEAD")?;
        }
        (b"preset", Some(value)) => {
            let names = list(value, |name| is_id(name.as_bytes()));
            partner.presets = names.ok_or("invalid preset: names of presets")?;
        }
        (b"watermark", Some(b"on")) => partner.watermark = Some(true),
        (b"watermark", Some(b"off")) => partner.watermark = Some(false),
        (b"watermark", _) => return Err("invalid watermark: \"on\" or \"off\"".to_owned()),
        _ => {
            return Err(
                "unknown word: not_after=, disabled, requests=, bytes=, concurrency=, rate=, \
                        methods=, paths=, preset= or watermark="
                    .to_owned(),
            );
        }
    }
    if seen.contains(&name) {
        return Err(format!("duplicate {}", String::from_utf8_lossy(name)));
    }
    seen.push(name);
    Ok(())
}

fn parse_quota(
    partner: &mut Partner,
    what: Resource,
    value: &[u8],
    parse: fn(&[u8]) -> Option<u64>,
) -> Result<(), String> {
    let name = what.name();
    let slash = value.iter().position(|&byte| byte == b'/');
    let (limit, per) = slash
        .and_then(|at| Some((parse(&value[..at])?, Period::from_name(&value[at + 1..])?)))
        .ok_or_else(|| {
            let number = match what {
                Resource::Requests => "a number, as 1000",
                Resource::Bytes => "a size, as 50g",
            };
            format!("invalid {name}: {number}, \"/\" and {}", Period::NAMES)
        })?;
    if partner.limits.set(what, per, limit) {
        Ok(())
    } else {
        Err(format!("duplicate {name} per {}", per.name()))
    }
}

fn list(value: &[u8], is_valid: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    std::str::from_utf8(value)
        .ok()?
        .split(',')
        .map(|item| is_valid(item).then(|| item.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(key: &str) -> String {
        Digest::of(key.as_bytes()).to_string()
    }

    #[test]
    fn files_that_editors_and_empty_variables_make() {
        let line = format!("acme {}\n", digest("one"));
        for (text, said) in [
            (["\u{feff}", &line].concat().into_bytes(), "line 1, column 1: a byte order mark"),
            (b"\xff\xfea\0".to_vec(), "line 1, column 1: a byte order mark"),
            (format!("acme {}", digest("")).into_bytes(), "line 1, column 6: a digest of nothing"),
        ] {
            let error = PartnerTable::parse(&text).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn a_whole_file() {
        let text = format!(
            "# partners\r\n\n  acme {},{}@2026-12-31 requests=5k/day requests=10/second bytes=2g/month \
             requests=1m/total concurrency=8 rate=2m/s methods=GET,POST paths=/a/,/b/ preset=thumb,hd watermark=off # who\r\n\
             beta\t{} not_after=2026-12-31 disabled\n",
            digest("one"),
            digest("two"),
            digest("three"),
        );
        let table = PartnerTable::parse(text.as_bytes()).unwrap();
        let [acme, beta] = table.partners() else { panic!("{table:?}") };
        assert_eq!(acme.id, "acme");
        let digests: Vec<_> = acme.keys.iter().map(|key| (key.digest, key.expires)).collect();
        assert_eq!(
            digests,
            [(Digest::of(b"one"), None), (Digest::of(b"two"), Some(1_798_761_600))]
        );
        assert_eq!(
            acme.limits.iter().collect::<Vec<_>>(),
            [
                (Resource::Requests, Period::Second, 10),
                (Resource::Requests, Period::Day, 5_000),
                (Resource::Requests, Period::Total, 1_000_000),
                (Resource::Bytes, Period::Month, 2 << 30),
            ]
        );
        assert_eq!((acme.concurrency, beta.concurrency), (Some(8), None));
        assert_eq!((acme.rate, beta.rate), (Some(2 << 20), None));
        assert_eq!(acme.paths, ["/a/", "/b/"]);
        assert_eq!(acme.methods, ["GET", "POST"]);
        assert_eq!(acme.policy(), "preset=thumb,hd watermark=off");
        assert!(beta.disabled && !acme.disabled);
        assert!(!beta.is_expired(1_798_761_599) && beta.is_expired(1_798_761_600));
        assert_eq!(table.find(&Digest::of(b"three")), Some(1));
        assert!(PartnerTable::parse(b"").unwrap().partners().is_empty());
    }

    #[test]
    fn what_is_wrong_and_where() {
        let (d, e) = (digest("one"), digest("two"));
        for (text, line, column, reason) in [
            ("a b".to_owned(), 1, 3, "invalid digest"),
            ("\n\n acme".to_owned(), 3, 6, "no digest"),
            (format!("a/b {d}"), 1, 1, "invalid ID"),
            (format!("a {d},sha256:12"), 1, 75, "invalid digest"),
            (format!("a {d}@2026,{e}"), 1, 75, "invalid date of a key"),
            (format!("a {d}@2026-12-31,{e}@"), 1, 158, "invalid date of a key"),
            (format!("a {d}\na {e}"), 2, 1, "duplicate ID \"a\", the first is in line 1"),
            (format!("a {d}\nb {d}"), 2, 3, "duplicate digest, the first is in line 1"),
            (format!("a {d} nonsense"), 1, 75, "unknown word"),
            (format!("a {d} disabled=1"), 1, 75, "unknown word"),
            (format!("a {d} disabled disabled"), 1, 84, "duplicate disabled"),
            (format!("a {d} requests=5"), 1, 75, "invalid requests: a number, as 1000, \"/\""),
            (format!("a {d} requests=5/week"), 1, 75, "invalid requests"),
            (format!("a {d} requests=0/day"), 1, 75, "invalid requests"),
            (format!("a {d} bytes=1x/day"), 1, 75, "invalid bytes: a size, as 50g, \"/\""),
            (format!("a {d} bytes=1/day bytes=2/day"), 1, 87, "duplicate bytes per day"),
            (format!("a {d} not_after=2026-02-30"), 1, 75, "invalid not_after"),
            (format!("a {d} paths=/a/,b/"), 1, 75, "invalid paths"),
            (format!("a {d} concurrency=0"), 1, 75, "invalid concurrency"),
            (format!("a {d} concurrency=257"), 1, 75, "invalid concurrency: 1 to 256"),
            (format!("a {d} rate=1m"), 1, 75, "invalid rate"),
            (format!("a {d} rate=0/s"), 1, 75, "invalid rate"),
            (format!("a {d} methods=get"), 1, 75, "invalid methods"),
            (format!("a {d} methods=GET,"), 1, 75, "invalid methods"),
            (format!("a {d} preset="), 1, 75, "invalid preset"),
            (format!("a {d} watermark=yes"), 1, 75, "invalid watermark"),
        ] {
            let error = PartnerTable::parse(text.as_bytes()).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
            assert!(error.reason.starts_with(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_quoted() {
        for text in ["acme SECRET", "SECRET/x y", "SECRET", "acme sha256:SECRET"] {
            let error = PartnerTable::parse(text.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = PartnerTable::parse(&text);
        }

        #[test]
        fn no_words_panic(text in "([a-z/]{0,3} )?(sha256:[0-9a-f]{60,66}|=|,|\n| |requests=|/day|[0-9]|paths=){0,12}") {
            let _ = PartnerTable::parse(text.as_bytes());
        }
    }
}
