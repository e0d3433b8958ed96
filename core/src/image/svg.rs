//! SVG documents: what is one, and its text.

use std::borrow::Cow;
#[cfg(feature = "svg")]
use std::collections::BTreeSet;

#[cfg(feature = "svg")]
use resvg::usvg::roxmltree::{Document, ParsingOptions};

use super::Error;
use super::error::broken;

/// Elements and texts that a document has at most, all entities put in.
#[cfg(feature = "svg")]
const NODES: u32 = 1 << 20;

/// Prefixes of namespaces, with the empty one, that a document declares at most: editors write a dozen.
#[cfg(feature = "svg")]
const PREFIXES: usize = 256;

/// Comparisons of prefixes that a document may lead to: about a second.
#[cfg(feature = "svg")]
const COMPARISONS: usize = 1 << 28;

/// Attributes that an element has at most: each is compared with all others of its element.
#[cfg(feature = "svg")]
const ATTRIBUTES: usize = 256;

/// Bytes of entities that references to them may lead to, and comparisons of names that they may take.
#[cfg(feature = "svg")]
const REFERRED: usize = 1 << 24;

/// References that a reference leads to at most, as the parser has it.
#[cfg(feature = "svg")]
const NESTED: usize = 256;

/// Reads a document. That takes what memory, and what time, its entities want.
///
/// # Errors
/// [`Error::DecodeFailed`].
#[cfg(feature = "svg")]
pub(super) fn parse(text: &str) -> Result<Document<'_>, Error> {
    check_prefixes(text)?;
    check_attributes(text)?;
    check_references(text)?;
    let parsing = ParsingOptions { allow_dtd: true, nodes_limit: NODES, ..Default::default() };
    Document::parse_with_options(text, parsing).map_err(broken)
}

/// Looks at what the declarations of namespaces will cost. An element that has one gets the prefixes of its parent,
/// too, and each is looked for among those that it has already.
///
/// # Errors
/// [`Error::DecodeFailed`] where that is too much, or not to be told before the entities are put in.
#[cfg(feature = "svg")]
fn check_prefixes(text: &str) -> Result<(), Error> {
    const DECLARED: &str = "xmlns";
    // The text of an entity may become many elements. What looks like an entity within one is not read.
    if !entities(text).all(|value| value.is_some_and(|value| !value.contains(DECLARED))) {
        return Err(broken("an entity declares a namespace, or is not closed"));
    }
    let mut prefixes = BTreeSet::new();
    let mut elements: usize = 0;
    for tag in text.split('<') {
        let mut declarations = tag.split(DECLARED);
        declarations.next();
        let before = elements;
        for declared in declarations {
            elements = before.saturating_add(1);
            let prefix = declared.strip_prefix(':').unwrap_or_default();
            let ends = |c: char| c == '=' || c.is_ascii_whitespace();
            prefixes.insert(prefix.split(ends).next().unwrap_or_default());
            if prefixes.len() > PREFIXES {
                return Err(broken("too many namespaces"));
            }
        }
    }
    // Of its own prefixes, and of its parent's beside its own.
    let each = prefixes.len().saturating_mul(prefixes.len()).saturating_mul(3) / 2;
    if elements.saturating_mul(each) > COMPARISONS {
        return Err(broken("too many namespaces"));
    }
    Ok(())
}

/// What the entities of a document stand for; `None` for one that is not closed.
#[cfg(feature = "svg")]
fn entities(text: &str) -> impl Iterator<Item = Option<&str>> {
    text.split("<!ENTITY").skip(1).map(|declared| {
        let Some(at) = declared.find(['"', '\'']) else { return Some("") };
        let (_, value) = declared.split_at_checked(at)?;
        let (quote, value) = value.split_at_checked(1)?;
        value.split_once(quote).map(|(value, _)| value)
    })
}

/// Looks at what the attributes of elements will cost.
///
/// # Errors
/// [`Error::DecodeFailed`] where that is too much.
#[cfg(feature = "svg")]
fn check_attributes(text: &str) -> Result<(), Error> {
    let is_comment = |tag: &&str| tag.starts_with("!--") || tag.starts_with("![CDATA[");
    for tag in text.split('<').filter(|tag| !is_comment(tag)) {
        let (mut values, mut open) = (0, None);
        for byte in tag.bytes() {
            match (byte, open) {
                (b'>', None) => break,
                (b'"' | b'\'', None) => open = Some(byte),
                (_, Some(quote)) if quote == byte => (values, open) = (values + 1, None),
                _ => (),
            }
        }
        if values > ATTRIBUTES {
            return Err(broken("too many attributes"));
        }
    }
    Ok(())
}

/// Looks at what references to entities will cost: the text of one is read each time.
///
/// # Errors
/// [`Error::DecodeFailed`] where that is too much.
#[cfg(feature = "svg")]
fn check_references(text: &str) -> Result<(), Error> {
    let references = |text: &str| {
        let is_one = |name: &&str| {
            let name = name.split(';').next().unwrap_or_default();
            !name.starts_with('#') && !matches!(name, "lt" | "gt" | "amp" | "quot" | "apos")
        };
        text.split('&').skip(1).filter(is_one).count()
    };
    let (mut count, mut longest, mut is_nested) = (0_usize, 0, false);
    for value in entities(text).flatten() {
        count += 1;
        longest = longest.max(value.len());
        is_nested |= references(value) > 0;
    }
    let times = if is_nested { NESTED } else { 1 };
    let all = references(text).saturating_mul(times).saturating_mul(longest.max(count));
    if count > 0 && all > REFERRED { Err(broken("too many references")) } else { Ok(()) }
}

/// Whether a file is an SVG drawing, by its first bytes.
#[must_use]
pub fn is_svg(bytes: &[u8]) -> bool {
    svg(bytes).unwrap_or(false)
}

/// The text of a document in UTF-8, in UTF-16 with a byte order mark, or in Latin 1 where it says so.
///
/// # Errors
/// [`Error::DecodeFailed`] in any other encoding; [`Error::Internal`] without memory.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            return match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(_) if is_latin(bytes) => latin(bytes).map(Cow::Owned),
                Err(error) => Err(broken(error)),
            };
        }
    };
    let units = bytes.as_chunks().0.iter().skip(1).map(|&bytes| unit(bytes));
    let mut text = String::new();
    // No unit takes more.
    text.try_reserve(bytes.len() / 2 * 3).map_err(|error| Error::Internal(error.to_string()))?;
    for read in char::decode_utf16(units) {
        text.push(read.map_err(broken)?);
    }
    Ok(Cow::Owned(text))
}

/// What an XML declaration is not longer than.
const DECLARATION: usize = 256;

/// Whether a document says that it is in Latin 1, or in what browsers take for it.
fn is_latin(bytes: &[u8]) -> bool {
    let declares = || {
        let rest = bytes.get(..bytes.len().min(DECLARATION))?.strip_prefix(b"<?xml")?;
        let declaration = rest.get(..rest.iter().position(|&byte| byte == b'?')?)?;
        let (_, encoding) = std::str::from_utf8(declaration).ok()?.split_once("encoding")?;
        let encoding = encoding.trim_start().strip_prefix('=')?.trim_start();
        let name = encoding.strip_prefix(['"', '\''])?.split(['"', '\'']).next()?;
        let names = ["iso-8859-1", "iso8859-1", "latin1", "us-ascii", "windows-1252", "cp1252"];
        Some(names.iter().any(|latin| name.eq_ignore_ascii_case(latin)))
    };
    declares().unwrap_or(false)
}

/// Of windows-1252, what the bytes from 0x80 on are, where Latin 1 has nothing that is shown (the
/// Encoding Standard, index windows-1252).
const SHOWN: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

fn latin(bytes: &[u8]) -> Result<String, Error> {
    let character =
        |&byte: &u8| match byte.checked_sub(0x80).and_then(|at| SHOWN.get(usize::from(at))) {
            Some(&shown) => shown,
            None => char::from(byte),
        };
    let mut text = String::new();
    let len = bytes.iter().map(|byte| character(byte).len_utf8()).sum();
    text.try_reserve_exact(len).map_err(|_| Error::out_of_memory(len))?;
    text.extend(bytes.iter().map(character));
    Ok(text)
}

/// Whether the root of an XML document is `svg`; `None` where it ends before that is known.
fn svg(bytes: &[u8]) -> Option<bool> {
    let narrow;
    let mut rest = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        // Of UTF-16, every other byte is enough: what is looked for is ASCII.
        [0xff, 0xfe, rest @ ..] => {
            narrow = rest.iter().step_by(2).copied().collect::<Vec<u8>>();
            &narrow
        }
        [0xfe, 0xff, rest @ ..] => {
            narrow = rest.iter().skip(1).step_by(2).copied().collect::<Vec<u8>>();
            &narrow
        }
        _ => bytes,
    };
    loop {
        rest = rest.trim_ascii_start().strip_prefix(b"<")?;
        if let Some(comment) = rest.strip_prefix(b"!--") {
            rest = behind(comment, b"-->")?;
        } else if let Some(instruction) = rest.strip_prefix(b"?") {
            rest = behind(instruction, b"?>")?;
        } else if let Some(doctype) = rest.strip_prefix(b"!DOCTYPE") {
            // It names the root.
            return Some(is_root(doctype.trim_ascii_start()));
        } else {
            return Some(is_root(rest));
        }
    }
}

fn behind<'a>(bytes: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(end.len()).position(|window| window == end)?;
    bytes.get(at + end.len()..)
}

/// Whether a name that stands here is `svg`, maybe behind a prefix.
fn is_root(bytes: &[u8]) -> bool {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/' | b'[');
    let Some(end) = bytes.iter().position(ends) else { return false };
    let name = bytes.get(..end).unwrap_or_default();
    name.rsplit(|&byte| byte == b':').next() == Some(b"svg")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn latin() {
        for name in ["ISO-8859-1", "windows-1252", "latin1"] {
            let text = format!("<?xml version='1.0' encoding='{name}'?><svg><text>");
            let bytes = [text.as_bytes(), b"\xe9\x80</text></svg>"].concat();
            assert!(is_svg(&bytes));
            assert_eq!(super::text(&bytes).unwrap(), format!("{text}\u{e9}\u{20ac}</text></svg>"));
        }
        for declared in
            ["", "<?xml version='1.0'?>", "<?xml encoding='UTF-8'?>", "<?xml encoding='"]
        {
            assert!(super::text(&[declared.as_bytes(), b"<svg>\xe9</svg>"].concat()).is_err());
        }
        // It is UTF-8 whatever it says.
        let text = "<?xml encoding='latin1'?><svg>\u{e9}</svg>";
        assert_eq!(super::text(text.as_bytes()).unwrap(), text);
    }

    #[test]
    fn drawings() {
        for text in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "<svg>",
            "\u{feff}<?xml version=\"1.0\"?>\n<svg width=\"1\">",
            "  \n<!-- a > b --> <!----><svg/>",
            "<?xml version=\"1.0\"?><!-- one --><?xml-stylesheet href=\"a\"?><!-- two --><svg\n>",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\"><svg>",
            "<!DOCTYPE svg [ <!ENTITY a \"b\"> ]>",
            "<svg:svg xmlns:svg=\"http://www.w3.org/2000/svg\">",
        ] {
            assert!(is_svg(text.as_bytes()), "{text}");
            let wide: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
            let le: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let be: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            if !text.starts_with('\u{feff}') {
                assert!(is_svg(&le) && is_svg(&be), "{text}");
            }
        }
        for text in [
            "",
            "<",
            "<svg",
            "<svgz>",
            "<html><svg></svg></html>",
            "<!DOCTYPE html><svg>",
            "<!-- <svg> ",
            "<!-- <svg> -->",
            "svg",
            "text <svg>",
            "<?xml version=\"1.0\"?><rss><svg/></rss>",
        ] {
            assert!(!is_svg(text.as_bytes()), "{text}");
        }
    }

    #[cfg(feature = "svg")]
    #[test]
    fn namespaces() {
        let root = |count: usize| {
            let names: String = (0..count).map(|n| format!(" xmlns:n{n}='u'")).collect();
            format!("<svg xmlns='http://www.w3.org/2000/svg'{names}>")
        };
        let document = |count: usize, child: &str, children: usize| {
            format!("{}{}</svg>", root(count), child.repeat(children))
        };
        for text in [
            document(0, "<g xmlns='u'/>", 50_000),
            document(12, "<g xmlns:a='u'/>", 50_000),
            document(255, "<g/>", 50_000),
            document(255, "<g xmlns:n1='u'/>", 2_000),
            format!("<!DOCTYPE svg [<!ENTITY u 'http://a'>]>{}<g xmlns:a='&u;'/></svg>", root(1)),
        ] {
            assert!(parse(&text).is_ok(), "{}", &text[..100]);
        }
        for text in [
            document(256, "", 0),
            document(255, "<g xmlns:n1='u'/>", 3_000),
            format!("<!DOCTYPE svg [<!ENTITY e '<g xmlns=\"u\"/>'>]>{}&e;</svg>", root(1)),
            format!(
                "<!DOCTYPE svg [<!ENTITY e \"<!ENTITY '' <g xmlns='u'/>\">]>{}&e;</svg>",
                root(1)
            ),
            format!(
                "<!DOCTYPE svg [<!ENTITY a \"'\"><!ENTITY\ne\n\"<g xmlns='u'/>\">]>{}&e;</svg>",
                root(1)
            ),
        ] {
            assert!(matches!(parse(&text), Err(Error::DecodeFailed(_))), "{}", &text[..100]);
        }
    }

    #[cfg(feature = "svg")]
    #[test]
    fn attributes_and_references() {
        let svg = |inner: &str| format!("<svg xmlns='http://www.w3.org/2000/svg'>{inner}</svg>");
        let tag = |count: usize| {
            let attributes: String = (0..count).map(|n| format!(" a{n}='>'")).collect();
            svg(&format!("<g{attributes}/>"))
        };
        let entities = |value: &str, references: usize| {
            format!(
                "<!DOCTYPE svg [<!ENTITY a 'b'><!ENTITY e \"{value}\">]>{}",
                svg(&"&e;".repeat(references))
            )
        };
        let quoted = "\"a\" ".repeat(1_000);
        for text in [
            tag(256),
            tag(200).replace(">'", "=\"=\"'"),
            svg(&format!("<!-- {quoted} --><style><![CDATA[ {quoted} ]]></style>{quoted}")),
            svg(&"&lt;&#60;".repeat(20_000)),
            entities(&"e".repeat(1_000), 1_000),
            entities("&a;", 1_000),
        ] {
            assert!(parse(&text).is_ok(), "{}: {:?}", &text[..100], parse(&text));
        }
        let many: String = (0..5_000).map(|n| format!("<!ENTITY e{n} 'e'>")).collect();
        for text in [
            tag(257),
            entities(&"e".repeat(100_000), 1_000),
            entities(&"<g/>".repeat(10_000), 1_000),
            entities(&"&a;".repeat(200), 1_000),
            format!("<!DOCTYPE svg [{many}]>{}", svg(&"&e4999;".repeat(5_000))),
        ] {
            assert!(matches!(parse(&text), Err(Error::DecodeFailed(_))), "{}", &text[..100]);
        }
    }

    #[test]
    fn texts() {
        let wide: Vec<u16> = "\u{feff}<svg>\u{e9}\u{1f600}".encode_utf16().collect();
        let le: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let be: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [&le, &be, "\u{feff}<svg>\u{e9}\u{1f600}".as_bytes()] {
            assert_eq!(text(bytes).unwrap(), "<svg>\u{e9}\u{1f600}");
        }
        assert!(text(b"<svg>\xe9").is_err() && text(b"\xff\xfe\0\xd8").is_err());
    }
}
