//! Style sheets, of which what is known is written anew: declarations of known properties, whose values call
//! known functions and point at nothing outside the document.
//!
//! What is read wrongly here can't come to mean something else: each piece that goes out was looked at by
//! itself, closes what it opens, and has none of the letters that would end it.

use std::borrow::Cow;

use super::names::{CSS_FUNCTIONS, is_property, listed};
use super::reference::{fragment, picture};

/// How deep rules may stand in each other.
const DEPTH: u32 = 4;

/// The value of a property, or of the attribute of that name, if it is harmless: as it is, but for the names of
/// pictures in it.
pub(super) fn value(text: &str) -> Option<Cow<'_, str>> {
    let is_mark = |mark: &str| mark.trim_ascii().eq_ignore_ascii_case("important");
    let (plain, mark) = match text.rsplit_once('!') {
        Some((before, mark)) if is_mark(mark) => (before.trim_ascii_end(), " !important"),
        _ => (text, ""),
    };
    if plain.is_empty()
        || plain.contains(['\\', '<', '{', '}', ';', '@', '!']) && !is_reference(plain)
        || plain.contains("/*")
    {
        return None;
    }
    let mut pictures = Vec::new();
    let is_harmless = closes(plain, |function, rest| match () {
        () if function.is_empty() || listed(CSS_FUNCTIONS, function) => Some(0),
        () if function.eq_ignore_ascii_case("url") => {
            let (len, picture) = read_reference(rest)?;
            pictures.extend(picture.map(|picture| (plain.len() - rest.len(), len, picture)));
            Some(len)
        }
        () => None,
    });
    if !is_harmless {
        return None;
    }
    if pictures.is_empty() && mark.is_empty() {
        return Some(text.into());
    }
    let mut written = String::new();
    let mut done = 0;
    for (at, len, picture) in pictures {
        written.push_str(plain.get(done..at)?);
        written.push_str(&picture);
        done = at + len;
    }
    written.push_str(plain.get(done..)?);
    written.push_str(mark);
    Some(written.into())
}

/// Whether a value is harmless as it is.
pub(super) fn is_value(text: &str) -> bool {
    value(text).is_some_and(|value| value == text)
}

/// Whether a value is nothing but a reference, whose data has letters that end other values.
fn is_reference(value: &str) -> bool {
    let rest = value.get(..4).filter(|begin| begin.eq_ignore_ascii_case("url("));
    let rest = rest.and_then(|_| value.get(4..));
    rest.is_some_and(|rest| read_reference(rest).is_some_and(|(len, _)| rest.len() == len + 1))
}

/// How many bytes behind `url(` are a reference that stays in the document, and that reference where it is
/// written anew.
fn read_reference(rest: &str) -> Option<(usize, Option<String>)> {
    let inside = rest.trim_ascii_start();
    let quote = inside.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let (reference, behind) = match quote {
        Some(quote) => inside.get(1..)?.split_once(quote)?,
        None => inside.split_at_checked(inside.find(')')?)?,
    };
    let ends = behind.trim_ascii_start();
    let is_plain = !reference.contains(['\\', '\n', '\r', '\u{c}', '<'])
        && (quote.is_some() || !reference.contains(['(', '"', '\'']));
    if !ends.starts_with(')') || !is_plain {
        return None;
    }
    let written = match fragment(reference) {
        Some(_) => None,
        None => Some(picture(reference)?),
    };
    Some((rest.len() - ends.len(), written))
}

/// Whether all strings and brackets of a text are closed. `allows` is asked of what is called, with the text
/// behind the bracket, and says how much of that to pass over.
fn closes<'t>(text: &'t str, mut allows: impl FnMut(&'t str, &'t str) -> Option<usize>) -> bool {
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(next) = rest.chars().next() else { return open.is_empty() };
        at += next.len_utf8();
        match next {
            '"' | '\'' => {
                let Some(end) =
                    rest.get(1..).and_then(|rest| rest.find([next, '\n', '\r', '\u{c}']))
                else {
                    return false;
                };
                if !rest.get(end + 1..).is_some_and(|end| end.starts_with(next)) {
                    return false;
                }
                at += end + 1;
            }
            '(' => {
                let before = text.get(..at - 1).unwrap_or_default();
                let is_of_name =
                    |c: char| c.is_ascii_alphanumeric() || "_-".contains(c) || !c.is_ascii();
                let name = before.trim_end_matches(is_of_name).len();
                let name = before.get(name..).unwrap_or_default();
                match allows(name, text.get(at..).unwrap_or_default()) {
                    Some(skipped) => at += skipped,
                    None => return false,
                }
                open.push(')');
            }
            '[' => open.push(']'),
            ')' | ']' if open.pop() != Some(next) => return false,
            _ => {}
        }
    }
    false
}

/// The declarations of a style that are harmless.
pub(super) fn declarations(style: &str) -> String {
    let style = without_comments(style);
    let mut kept = String::new();
    declare(&style, &mut kept);
    kept
}

fn declare(style: &str, out: &mut String) {
    let mut rest = style;
    while !rest.is_empty() {
        let end = find(rest, b";").unwrap_or(rest.len());
        let (declaration, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = behind.get(1..).unwrap_or_default();
        let Some((name, text)) = declaration.split_once(':') else { continue };
        let (name, text) = (name.trim_ascii(), text.trim_ascii());
        if is_property(name)
            && !text.is_empty()
            && let Some(value) = value(text)
        {
            out.extend([name, ":", &value, ";"]);
        }
    }
}

/// The rules of a style sheet that are harmless.
pub(super) fn sheet(text: &str) -> String {
    let text = without_comments(text);
    let mut kept = String::new();
    rules(&text, 0, &mut kept);
    kept
}

fn rules(text: &str, depth: u32, out: &mut String) {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        // What hides a style sheet from browsers that know none.
        if let Some(behind) = rest.strip_prefix("<!--").or_else(|| rest.strip_prefix("-->")) {
            rest = behind;
            continue;
        }
        let ends: &[u8] = if rest.starts_with('@') { b";{" } else { b"{" };
        let Some((prelude, behind)) = find(rest, ends).and_then(|at| rest.split_at_checked(at))
        else {
            return;
        };
        let Some(inside) = behind.strip_prefix('{') else {
            // Of these none draws anything, but some load.
            rest = behind.get(1..).unwrap_or_default();
            continue;
        };
        let end = closing_brace(inside);
        rule(prelude.trim_ascii(), inside.get(..end).unwrap_or(inside), depth, out);
        rest = inside.get(end + 1..).unwrap_or_default();
    }
}

fn rule(prelude: &str, block: &str, depth: u32, out: &mut String) {
    let before = out.len();
    let is_nested = prelude.starts_with('@');
    if !(if is_nested { is_condition(prelude) } else { is_selector(prelude) }) {
        return;
    }
    out.extend([prelude, "{"]);
    let begins = out.len();
    match is_nested {
        true if depth < DEPTH => rules(block, depth + 1, out),
        true => {}
        false => declare(block, out),
    }
    if out.len() == begins {
        out.truncate(before);
    } else {
        out.push('}');
    }
}

/// Whether an at-rule holds rules that draw, under a condition, in a layer or by steps.
fn is_condition(prelude: &str) -> bool {
    let ends = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '@' | '-' | '_');
    let (name, condition) =
        prelude.split_at_checked(prelude.find(ends).unwrap_or(prelude.len())).unwrap_or_default();
    let known = ["@media", "@supports", "@layer", "@keyframes", "@-webkit-keyframes"];
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
        && is_plain(condition, "_-.,():/=<>")
        && !condition.contains("</")
        && closes(condition, |function, _| (!function.eq_ignore_ascii_case("url")).then_some(0))
}

fn is_selector(selector: &str) -> bool {
    !selector.is_empty()
        && is_plain(selector, "_-.,():#*>+~[]=^$%\"'")
        && closes(selector, |function, _| (!function.eq_ignore_ascii_case("url")).then_some(0))
}

fn is_plain(text: &str, besides: &str) -> bool {
    text.chars().all(|c| {
        c.is_ascii_alphanumeric()
            || c.is_ascii_whitespace()
            || besides.contains(c)
            || !c.is_ascii() && c.is_alphanumeric()
    })
}

/// Where one of those bytes is, outside strings and brackets.
fn find(text: &str, wanted: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut string = None;
    let mut escaped = false;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match (string, byte) {
            (_, b'\\') => escaped = true,
            (Some(quote), _) if byte == quote || byte == b'\n' => string = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => string = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth = depth.saturating_sub(1),
            (None, _) if depth == 0 && wanted.contains(&byte) => return Some(at),
            (None, _) => {}
        }
    }
    None
}

/// Where the block ends that a text begins within.
fn closing_brace(text: &str) -> usize {
    let mut depth = 1_usize;
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| find(rest, b"{}")) {
        depth = match text.as_bytes().get(at + next) {
            Some(b'{') => depth + 1,
            _ => depth - 1,
        };
        if depth == 0 {
            return at + next;
        }
        at += next + 1;
    }
    text.len()
}

/// A text with spaces in place of comments.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("/*") {
        out.extend([before, " "]);
        rest = behind.split_once("*/").map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for value in [
            "red",
            "url(#a)",
            "url( '#a' ) none",
            "URL(\"#a\")",
            "rgba(1, 2, 3, .5)",
            "calc((1px + 2px) * 3)",
            "'Open Sans', sans-serif",
            "blur(2px) drop-shadow(0 0 1px var(--a))",
            "url('#a(1)')",
            "url(\"#it's\")",
            "translate3d(0, 0, 0) rotateZ(5deg)",
            "url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAA)",
        ] {
            assert!(is_value(value), "{value}");
        }
        for text in [
            "url(http://a/b)",
            "url('http://a/b')",
            "url(#a) url(//a)",
            "u\\72l(http://a/b)",
            "url(#a",
            "url(a)",
            "url()",
            "image-set('http://a' 1x)",
            "expression(alert(1))",
            "src('http://a')",
            "red;behavior:x",
            "red}*{fill:red",
            "(",
            "'",
            "a'b",
            "\"\n\"",
            "url('#a\\')http://b')",
            "url(data:image/svg+xml;base64,PHN2Zy8+)",
            "</style>",
            "/**/red",
            "red ! import",
            "url(#a(1))",
            "url('#a<')",
        ] {
            assert!(value(text).is_none(), "{text}");
        }
    }

    #[test]
    fn styles() {
        for (style, kept) in [
            ("fill:red; Stroke : #fff !important", "fill:red;Stroke:#fff !important;"),
            ("x:1px!important;y:1px ! IMPORTANT", "x:1px !important;y:1px !important;"),
            (
                "background:#fff;max-width:9px;margin:auto",
                "background:#fff;max-width:9px;margin:auto;",
            ),
            (
                "mask-image:url('data:image/svg+xml;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAA%41' )",
                "mask-image:url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAA);",
            ),
            ("fill:url(http://a);stroke:red", "stroke:red;"),
            ("fill:url(data:image/png;base64,PHN2Zy8+);stroke:red", "stroke:red;"),
            ("behavior:url(#a);-moz-binding:url(#b);--x:1", "--x:1;"),
            ("fill/**/:/* ; */red", "fill:red;"),
            ("fill", ""),
            ("fill:;x", ""),
        ] {
            assert_eq!(declarations(style), kept, "{style}");
        }
    }

    #[test]
    fn sheets() {
        for (text, kept) in [
            (".a, #b > c{fill:red}\n d:not(.e){x:1}", ".a, #b > c{fill:red;}d:not(.e){x:1;}"),
            ("@import 'http://a';a{fill:red}", "a{fill:red;}"),
            ("@import url(http://a;b);a{fill:red}", "a{fill:red;}"),
            ("@\\69mport 'http://a';a{fill:red}", "a{fill:red;}"),
            ("@font-face{src:url(http://a)}a{fill:red}", "a{fill:red;}"),
            (
                "@media (min-width: 1px){a{fill:red}b{fill:url(//c)}}",
                "@media (min-width: 1px){a{fill:red;}}",
            ),
            (
                "@media(prefers-color-scheme:dark){a{x:1}}",
                "@media(prefers-color-scheme:dark){a{x:1;}}",
            ),
            ("@media (1px<=width<9px){a{x:1}}", "@media (1px<=width<9px){a{x:1;}}"),
            ("@media </style>{a{x:1}}", ""),
            (
                "@supports (fill:red) and (not (x:y)){a{x:1}}",
                "@supports (fill:red) and (not (x:y)){a{x:1;}}",
            ),
            ("@supports (mask:url(//a)){a{x:1}}b{x:1}", "b{x:1;}"),
            ("@layer a;@layer b{c{x:1}}", "@layer b{c{x:1;}}"),
            ("@media2{a{x:1}}@import(x){a{x:1}}@font-face {a{x:1}}", ""),
            ("@keyframes k{from{x:1}50%{x:2}}", "@keyframes k{from{x:1;}50%{x:2;}}"),
            ("<!-- a{fill:red} -->", "a{fill:red;}"),
            ("/* a{ */b{fill:red/*}*/}", "b{fill:red;}"),
            ("a\\{b{fill:red}c{fill:red}", "c{fill:red;}"),
            ("a('x{fill:red}", ""),
            ("a{b{fill:red}}c{fill:red}", "c{fill:red;}"),
            ("a{fill:red", "a{fill:red;}"),
            ("}a{fill:red}b{fill:red}", "b{fill:red;}"),
            ("a</style><script>alert(1)</script>{fill:red}", ""),
        ] {
            assert_eq!(sheet(text), kept, "{text}");
        }
    }

    #[test]
    fn what_is_deep_ends() {
        let deep = "@media a{".repeat(100_000) + "a{fill:red}";
        assert_eq!(sheet(&deep), "");
    }
}
