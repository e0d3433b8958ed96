//! Colours as `usvg` reads them, which takes those that it has no name for as black, where CSS leaves the declaration
//! out: another one counts then, or what is around. And [values of fonts](font_values) in the same places.

use std::borrow::Cow;
use std::ops::Range;

use resvg::usvg::roxmltree::{Document, Node};

use super::font_values;
use crate::image::error::broken;
use crate::image::{Control, Error};

/// Properties, and attributes, whose values are colours.
const COLORS: [&str; 6] =
    ["fill", "stroke", "color", "stop-color", "flood-color", "lighting-color"];

/// What is written in place of a colour, in small letters.
const KEYWORDS: [&str; 9] = [
    "none",
    "inherit",
    "currentcolor",
    "context-fill",
    "context-stroke",
    "initial",
    "unset",
    "revert",
    "revert-layer",
];

/// Bytes of the longest value that is looked at.
const LONGEST: usize = 256;

/// How deep functions may stand in each other.
const NESTED: u32 = 4;

/// Nodes, and bytes of a style, between two looks at the [`Control`].
const BATCH: usize = 1 << 12;

/// What becomes of a value.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Stays,
    Becomes(String),
    Goes,
}

/// A place of a text, and what stands there instead.
type Edit = (Range<usize>, String);

/// A text with other colours, if it has to have some, of a document that was read of it.
pub(super) fn readable(
    text: &str,
    document: &Document<'_>,
    control: &Control,
) -> Result<Option<String>, Error> {
    let mut edits = Vec::new();
    for (number, node) in document.descendants().enumerate() {
        if number.is_multiple_of(BATCH) {
            control.check()?;
        }
        look(text, node, &mut edits, control)?;
    }
    if edits.is_empty() {
        return Ok(None);
    }
    // What an entity stands for may be there many times.
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let len = text.len() + edits.iter().map(|(_, new)| new.len()).sum::<usize>();
    let mut out = String::new();
    out.try_reserve_exact(len).map_err(|_| Error::out_of_memory(len))?;
    let mut done = 0;
    for (range, new) in edits {
        if range.start < done {
            continue;
        }
        let before = text.get(done..range.start).ok_or_else(|| broken("no place in a text"))?;
        out.extend([before, &new]);
        done = range.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Ok(Some(out))
}

/// Looks at a node's own attributes, and at a style sheet.
fn look(
    text: &str,
    node: Node<'_, '_>,
    edits: &mut Vec<Edit>,
    control: &Control,
) -> Result<(), Error> {
    let is_style = |parent: Node<'_, '_>| parent.tag_name().name() == "style";
    if node.is_text() && node.parent().is_some_and(is_style) {
        return sheet(text, of_cdata(text, node.range()), false, edits, control);
    }
    for attribute in node.attributes().filter(|attribute| attribute.namespace().is_none()) {
        let (name, range) = (attribute.name(), attribute.range_value());
        if name == "style" {
            let is_root = node.parent().is_some_and(|parent| parent.is_root());
            sheet(text, range, is_root, edits, control)?;
        } else if COLORS.contains(&name) || name == "font-size" {
            match verdict(name, text.get(range.clone()).unwrap_or_default()) {
                Verdict::Stays => {}
                Verdict::Becomes(value) => push(edits, (range, value))?,
                Verdict::Goes => push(edits, (attribute.range(), String::new()))?,
            }
        }
    }
    Ok(())
}

/// A range without what begins and ends a section of text that is taken as it is, where it is one.
fn of_cdata(text: &str, range: Range<usize>) -> Range<usize> {
    let (begin, end) = ("<![CDATA[", "]]>");
    let section = text.get(range.clone()).and_then(|text| text.strip_prefix(begin));
    match section.and_then(|section| section.strip_suffix(end)) {
        Some(section) => {
            let start = range.start + begin.len();
            start..start + section.len()
        }
        None => range,
    }
}

fn push(edits: &mut Vec<Edit>, edit: Edit) -> Result<(), Error> {
    edits.try_reserve(1).map_err(|_| Error::out_of_memory(size_of::<Edit>()))?;
    edits.push(edit);
    Ok(())
}

/// Looks at the declarations of a style sheet, or of a style, which may be that of the root.
fn sheet(
    text: &str,
    range: Range<usize>,
    is_root: bool,
    edits: &mut Vec<Edit>,
    control: &Control,
) -> Result<(), Error> {
    let Some(style) = text.get(range.clone()) else { return Ok(()) };
    let mut start = 0;
    let (mut quote, mut depth, mut is_comment, mut before) = (None, 0u32, false, 0);
    // One more that ends the last declaration.
    for (at, byte) in style.bytes().chain([b';']).enumerate() {
        if at.is_multiple_of(BATCH) {
            control.check()?;
        }
        let pair = (std::mem::replace(&mut before, byte), byte);
        match (quote, byte) {
            _ if at == style.len() => {}
            _ if is_comment => {
                is_comment = pair != (b'*', b'/');
                continue;
            }
            (None, b'*') if pair.0 == b'/' => {
                is_comment = true;
                before = 0;
                continue;
            }
            (Some(open), _) => {
                quote = Some(open).filter(|&open| open != byte);
                continue;
            }
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                continue;
            }
            (None, b'(') => {
                depth += 1;
                continue;
            }
            (None, b')') => {
                depth = depth.saturating_sub(1);
                continue;
            }
            (None, b'{' | b'}') => depth = 0,
            (None, b';') if depth == 0 => {}
            _ => continue,
        }
        // What a brace opens behind is a selector.
        if byte != b'{'
            && let Some(declaration) = style.get(start..at)
            && let name_at = declaration.rfind("*/").map_or(0, |at| at + 2)
            && let Some((own, value)) = declaration.get(name_at..).and_then(|of| of.split_once(':'))
        {
            let place = |from: usize| range.start + start + from;
            let own_at = name_at + own.len() - own.trim_start().len();
            let value_at = name_at + own.len() + 1;
            let own = own.trim();
            let lower = own.to_ascii_lowercase();
            // Of the root's own, but for pictures, `usvg` knows the longer name.
            let is_ground = is_root && lower == "background" && !value.contains("url(");
            let verdict = match () {
                () if is_ground => match verdict("color", value) {
                    Verdict::Stays => Verdict::Becomes(value.to_owned()),
                    other => other,
                },
                () => verdict(&lower, value),
            };
            let end = place(declaration.len());
            match verdict {
                Verdict::Stays => {}
                Verdict::Becomes(value) if is_ground => {
                    push(edits, (place(own_at)..end, format!("background-color:{value}")))?;
                }
                Verdict::Becomes(value) => push(edits, (place(value_at)..end, value))?,
                Verdict::Goes if is_ground => {}
                Verdict::Goes => push(edits, (place(own_at)..end, String::new()))?,
            }
        }
        start = at + 1;
    }
    Ok(())
}

/// What becomes of the value of a property.
fn verdict(name: &str, text: &str) -> Verdict {
    let is_color = COLORS.contains(&name);
    // What is left of others is what a variable stands for, which is not known.
    let of_fonts = match name {
        "font" => Some(font_values::shorthand as fn(&str) -> Cow<'_, str>),
        "font-size" => Some(font_values::size as fn(&str) -> Cow<'_, str>),
        _ => None,
    };
    let is_variable = !is_color && text.contains("var(");
    let is_read = is_color || of_fonts.is_some() || is_variable;
    if text.len() > LONGEST || text.contains('&') || !is_read {
        return Verdict::Stays;
    }
    let (value, mark) = match text.rsplit_once('!') {
        Some((value, mark)) => (value, Some(mark)),
        None => (text, None),
    };
    let value = value.trim();
    let known = match of_fonts {
        _ if is_color => color(value, NESTED),
        Some(read) if !is_variable => Some(read(value)),
        _ => variable(value),
    };
    match known {
        None => Verdict::Goes,
        Some(Cow::Borrowed(same)) if same == value => Verdict::Stays,
        Some(other) => Verdict::Becomes(match mark {
            Some(mark) => format!("{other}!{mark}"),
            None => other.into_owned(),
        }),
    }
}

/// A value of which all is that of a variable, by what it is where that is not set.
fn variable(value: &str) -> Option<Cow<'_, str>> {
    let inside = function(value, "var")?;
    let (_, fallback) = inside.split_once(',')?;
    let fallback = fallback.trim();
    (!fallback.is_empty() && !fallback.contains("var(")).then_some(Cow::Borrowed(fallback))
}

/// What is between the parentheses of that function.
fn function<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let rest = value.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name));
    rest.and_then(|_| value.get(name.len()..)?.strip_prefix('(')?.strip_suffix(')'))
}

/// A colour as `usvg` reads it: itself, where it can stay; `None` for what is none.
fn color(value: &str, nested: u32) -> Option<Cow<'_, str>> {
    let lower = value.to_ascii_lowercase();
    if KEYWORDS.contains(&lower.as_str()) {
        return Some(value.into());
    }
    // What comes behind a reference is only of use where there is nothing.
    if lower.starts_with("url(") {
        let (reference, behind) = value.split_at(value.find(')')? + 1);
        let kept = color(behind.trim(), nested.checked_sub(1)?);
        return Some(match kept {
            Some(kept) if kept == behind.trim() => value.into(),
            Some(kept) => format!("{reference} {kept}").into(),
            None => Cow::Borrowed(reference),
        });
    }
    if let Some(inside) = function(value, "light-dark") {
        let (light, _) = split_outside(inside)?;
        return color(light.trim(), nested.checked_sub(1)?);
    }
    if lower.starts_with("var(") {
        let (_, fallback) = function(value, "var")?.split_once(',')?;
        return color(fallback.trim(), nested.checked_sub(1)?);
    }
    if let Some(inside) = function(&lower, "color") {
        return in_space(inside).map(Cow::Owned);
    }
    let is_plain = |c: char| c.is_ascii_alphabetic();
    let is_known = lower.chars().all(is_plain) && !lower.is_empty()
        || lower.starts_with('#')
        || lower.contains('(');
    // What is read as digits of a colour without its "#" is no name of any.
    let is_bare = lower.chars().all(|c| c.is_ascii_hexdigit());
    let parsed = csscolorparser::parse(&lower).ok().filter(|_| is_known && !is_bare)?;
    // Of functions those with commas are the old ones.
    let is_old = lower.contains(',') && (lower.starts_with("rgb") || lower.starts_with("hsl"));
    let is_named = lower.chars().all(is_plain) && lower != "rebeccapurple";
    if is_old || is_named || lower.starts_with('#') {
        return Some(value.into());
    }
    let [red, green, blue, alpha] = parsed.to_rgba8();
    Some(hex([red, green, blue], alpha).into())
}

fn hex([red, green, blue]: [u8; 3], alpha: u8) -> String {
    match alpha {
        255 => format!("#{red:02x}{green:02x}{blue:02x}"),
        _ => format!("rgba({red},{green},{blue},{})", f32::from(alpha) / 255.0),
    }
}

/// What stands before the first comma that is in no parentheses, and behind it.
fn split_outside(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0u32;
    let comma = text.bytes().position(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte == b',' && depth == 0
    })?;
    Some((text.get(..comma)?, text.get(comma + 1..)?))
}

/// A colour of `color()`, in sRGB (CSS Color 4, section 10), where it is one of the two spaces that programs write.
fn in_space(inside: &str) -> Option<String> {
    let (parts, alpha) = match inside.split_once('/') {
        Some((parts, alpha)) => (parts, number(alpha.trim())?),
        None => (inside, 1.0),
    };
    let mut words = parts.split_ascii_whitespace();
    let space = words.next()?;
    let values = [number(words.next()?)?, number(words.next()?)?, number(words.next()?)?];
    if words.next().is_some() {
        return None;
    }
    let [red, green, blue] = match space {
        "srgb" => values,
        "display-p3" => {
            let [red, green, blue] = values.map(light);
            [
                1.224_940_2 * red - 0.224_940_2 * green,
                -0.042_056_95 * red + 1.042_057 * green,
                -0.019_637_55 * red - 0.078_636_05 * green + 1.098_273_6 * blue,
            ]
            .map(coded)
        }
        _ => return None,
    };
    let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    Some(hex([byte(red), byte(green), byte(blue)], byte(alpha)))
}

fn number(text: &str) -> Option<f32> {
    let (text, of) = text.strip_suffix('%').map_or((text, 1.0), |text| (text, 100.0));
    text.parse::<f32>().ok().filter(|value| value.is_finite()).map(|value| value / of)
}

/// The curve of sRGB, which Display P3 has too (IEC 61966-2-1).
fn light(coded: f32) -> f32 {
    let size = coded.abs();
    let light = if size <= 0.040_45 { size / 12.92 } else { ((size + 0.055) / 1.055).powf(2.4) };
    light.copysign(coded)
}

fn coded(light: f32) -> f32 {
    let size = light.abs();
    let coded =
        if size <= 0.003_130_8 { size * 12.92 } else { 1.055 * size.powf(1.0 / 2.4) - 0.055 };
    coded.copysign(light)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn made(text: &str) -> String {
        let document = Document::parse(text).unwrap();
        let readable = readable(text, &document, &Control::default()).unwrap();
        readable.unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn colors() {
        for same in [
            "none",
            "red",
            "CurrentColor",
            "#f00",
            "#ff000080",
            "rgb(255, 0, 0)",
            "rgba(1,2,3,.5)",
            "hsl(0, 100%, 50%)",
            "url(#a)",
            "url(#a) red",
            "transparent",
            "inherit",
        ] {
            assert_eq!(verdict("fill", same), Verdict::Stays, "{same}");
        }
        for (value, other) in [
            ("rgb(255 0 0 / 50%)", "rgba(255,0,0,0.5019608)"),
            ("hwb(120 0% 0%)", "#00ff00"),
            ("rebeccapurple", "#663399"),
            ("color(srgb 1 0.5 0)", "#ff8000"),
            ("color(display-p3 1 1 1 / .5)", "rgba(255,255,255,0.5019608)"),
            ("color(display-p3 1 0 0)", "#ff0000"),
            ("color(display-p3 0.5 0.5 0.5)", "#808080"),
            ("light-dark(#fff, var(--ge, #121212))", "#fff"),
            ("light-dark(rgb(1, 2, 3), #121212)", "rgb(1, 2, 3)"),
            ("var(--x, red)", "red"),
            ("var(--x, light-dark(lime, red))", "lime"),
            ("url(#a) color(srgb 1 0 0)", "url(#a) #ff0000"),
            ("url(#a) unknown(1)", "url(#a)"),
            ("rgb(255 0 0) !important", "#ff0000!important"),
        ] {
            assert_eq!(verdict("fill", value), Verdict::Becomes(other.to_owned()), "{value}");
        }
        for none in [
            "unknown(1)",
            "var(--x)",
            "",
            "rouge",
            "#ff",
            "12",
            "ff0000",
            "fff",
            "facade",
            "abcdef",
            "color(rec2020 1 0 0)",
            "color-mix(in srgb, red, blue)",
            "light-dark(a)",
        ] {
            assert_eq!(verdict("stop-color", none), Verdict::Goes, "{none}");
        }
        assert_eq!(verdict("r", "var(--x)"), Verdict::Goes);
        assert_eq!(verdict("r", "var(--x, 5px)"), Verdict::Becomes("5px".to_owned()));
        assert_eq!(verdict("r", "5px"), Verdict::Stays);
    }

    #[test]
    fn what_stands_where() {
        for (text, expected) in [
            ("<svg fill='red'/>", "<svg fill='red'/>"),
            ("<svg fill='unknown(1)' r='1'/>", "<svg  r='1'/>"),
            (
                "<svg style='fill:#F50;fill:color(display-p3 1 0.33 0);fill-opacity:1'/>",
                "<svg style='fill:#F50;fill:#ff4000;fill-opacity:1'/>",
            ),
            (
                "<svg><g style='FILL : oops ; stroke:red'/></svg>",
                "<svg><g style='; stroke:red'/></svg>",
            ),
            (
                "<svg><style>a:hover{fill:x}/*;don't*/ .b{stroke:red;/*a:*/stroke:oops}</style></svg>",
                "<svg><style>a:hover{}/*;don't*/ .b{stroke:red;/*a:*/}</style></svg>",
            ),
            (
                "<svg><style><![CDATA[.b{fill:lime;fill:oops;font:\"a;fill:b\"}]]></style></svg>",
                "<svg><style><![CDATA[.b{fill:lime;;font:\"a;fill:b\"}]]></style></svg>",
            ),
            (
                "<svg><style><![CDATA[.a{fill:red]]></style></svg>",
                "<svg><style><![CDATA[.a{fill:red]]></style></svg>",
            ),
            (
                "<svg><style><![CDATA[.a{fill:oops]]></style></svg>",
                "<svg><style><![CDATA[.a{]]></style></svg>",
            ),
            (
                "<svg font-size='large'><style>a{font:bold 24px/1.2 b;font-size:1em}</style></svg>",
                "<svg font-size='18px'><style>a{font:bold 24px b;font-size:1em}</style></svg>",
            ),
            ("<svg style='background:#FFF'/>", "<svg style='background-color:#FFF'/>"),
            ("<svg style='background:url(x) top'/>", "<svg style='background:url(x) top'/>"),
            ("<svg><g style='background:red'/></svg>", "<svg><g style='background:red'/></svg>"),
            (
                "<svg style='font-family:&quot;A&quot;;fill:oops'/>",
                "<svg style='font-family:&quot;A&quot;;'/>",
            ),
            (
                "<!DOCTYPE svg [<!ENTITY a \"<g fill='oops'/>\">]><svg>&a;&a;</svg>",
                "<!DOCTYPE svg [<!ENTITY a \"<g />\">]><svg>&a;&a;</svg>",
            ),
        ] {
            let parsing =
                resvg::usvg::roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
            let document = Document::parse_with_options(text, parsing).unwrap();
            let readable = readable(text, &document, &Control::default()).unwrap();
            assert_eq!(readable.as_deref().unwrap_or(text), expected);
        }
        assert_eq!(made("<svg/>"), "<svg/>");
    }
}
