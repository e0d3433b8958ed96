//! SVG: the size that a document says it has. What it draws is only looked at to draw it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Embedded;
use super::headers::SourceHeaders;
use crate::image::error::{broken, truncated};
use crate::image::fonts::FONTS;
use crate::image::size::Size;
use crate::image::{Error, Format, Info, svg};

/// What a drawing has that says nothing of its size, as CSS has it.
pub(in crate::image) const DEFAULT_SIZE: (f32, f32) = (300.0, 150.0);

/// What no side has more of: a larger drawing is the same one, smaller.
const LONGEST: f64 = 32767.0;

/// Pixels of an `em`, which is twice an `ex`, where nobody says how large letters are.
const EM: f64 = 12.0;

/// Those of a `rem`, as browsers have it.
const ROOT_EM: f64 = 16.0;

/// Bytes of an attribute of the root that is looked at, and of what an entity stands for there: nothing that says how
/// large something is is longer.
const ATTRIBUTE: usize = 4 << 10;
const ENTITY: usize = 64;

/// Entities that are looked at, of the first so many bytes of a document's own. Those of editors are a dozen.
const ENTITIES: usize = 256;
const DEFINITIONS: usize = 64 << 10;

/// How deep entities may stand in each other there.
const NESTED: usize = 3;

/// What a document says besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Svg<'a> {
    pub(in crate::image) text: Cow<'a, str>,
    /// The folder with the fonts of its texts.
    pub(in crate::image) fonts: &'a str,
}

pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Svg<'_>>, Error> {
    let (Size { width, height }, text) = drawable(input)?;
    Ok(SourceHeaders {
        info: Info {
            format: Format::Svg,
            width,
            height,
            orientation: 1,
            frames: 1,
            alpha: true,
            bits: 8,
            has_palette: false,
            has_profile: false,
            progressive: false,
        },
        own: Svg { text, fonts: FONTS },
        embedded: Embedded::default(),
        fault: None,
        damage: None,
    })
}

/// The size of a document, and its text as `usvg` finds the same one.
pub(in crate::image) fn drawable(input: &[u8]) -> Result<(Size, Cow<'_, str>), Error> {
    let text = svg::text(input)?;
    let (size, root) = size(&text)?;
    let text = match root {
        Some((range, root)) => Cow::Owned(with_root(&text, range, &root)?),
        None => text,
    };
    Ok((size, text))
}

/// A text with another tag in that place.
fn with_root(text: &str, range: Range<usize>, root: &str) -> Result<String, Error> {
    let (before, behind) = (text.get(..range.start), text.get(range.end..));
    let (before, behind) = before.zip(behind).ok_or_else(truncated)?;
    let mut out = String::new();
    let len = before.len() + root.len() + behind.len();
    out.try_reserve_exact(len).map_err(|_| Error::out_of_memory(len))?;
    out.extend([before, root, behind]);
    Ok(out)
}

/// The place of the root's tag, and what stands there instead for `usvg` to find the same size.
type NewRoot = Option<(Range<usize>, String)>;

/// The size of a document in pixels, of which an inch has 96.
fn size(text: &str) -> Result<(Size, NewRoot), Error> {
    let mut reader = Reader::from_str(text);
    let mut entities = Entities::default();
    let position = |reader: &Reader<&[u8]>| usize::try_from(reader.buffer_position()).unwrap_or(0);
    loop {
        let start = position(&reader);
        match reader.read_event() {
            Ok(Event::DocType(doctype)) => entities = Entities::read(&doctype),
            Ok(Event::Start(root)) => {
                let (size, new) = size_of(&root, &entities)?;
                return Ok((size, new.map(|new| (start..position(&reader), format!("<{new}>")))));
            }
            Ok(Event::Empty(root)) => {
                let (size, new) = size_of(&root, &entities)?;
                return Ok((size, new.map(|new| (start..position(&reader), format!("<{new}/>")))));
            }
            Ok(Event::Eof) => return Err(truncated()),
            Ok(_) => {}
            Err(error) => return Err(broken(error)),
        }
    }
}

/// What the short ones of a document's first own entities stand for.
#[derive(Debug, Default)]
struct Entities(HashMap<String, String>);

impl Entities {
    fn read(doctype: &str) -> Entities {
        let mut found = HashMap::new();
        // A letter has four bytes at most.
        let end = DEFINITIONS.min(doctype.len());
        let cut = |back| doctype.get(..end.checked_sub(back)?);
        let definitions = (0..4).find_map(cut).unwrap_or_default();
        for declaration in definitions.split("<!ENTITY").skip(1).take(ENTITIES) {
            let Some((name, rest)) = declaration.trim_start().split_once(char::is_whitespace)
            else {
                continue;
            };
            let rest = rest.trim_start();
            let Some(quote) = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))
            else {
                continue;
            };
            let value = rest.get(1..).and_then(|rest| Some(rest.split_once(quote)?.0));
            // Of several the first one counts.
            if let Some(value) = value.filter(|value| value.len() <= ENTITY) {
                found.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        Entities(found)
    }

    fn get(&self, name: &str) -> Option<&str> {
        resolve_predefined_entity(name).or_else(|| self.0.get(name).map(String::as_str))
    }
}

/// The size, and the root's tag as it has to be for `usvg` to find it: of CSS that knows no sizes, and of units no
/// capital letters. A side that is no length counts as one that is not there, as in browsers. Where one is not there,
/// nor a `viewBox`, it stretches what is drawn over the size, so that both are told.
fn size_of(root: &BytesStart, entities: &Entities) -> Result<(Size, Option<String>), Error> {
    let attribute = |name: &str| {
        let found = root.try_get_attribute(name).ok()??;
        let found = Some(found).filter(|found| found.value.len() <= ATTRIBUTE)?;
        let version = XmlVersion::Implicit1_0;
        let value = found.normalized_value_with(version, NESTED, |name| entities.get(name));
        value.ok().map(Cow::into_owned)
    };
    let style = attribute("style");
    let styled = |name: &str| style.as_deref().and_then(|style| styled(style, name));
    let view = attribute("viewBox").and_then(|text| view(&text));
    let (across, down) = view.unwrap_or((DEFAULT_SIZE.0.into(), DEFAULT_SIZE.1.into()));
    // Whether it is what all do not read alike.
    let mut is_new = false;
    // Whether a side is that of what is not known yet.
    let mut is_relative = false;
    let mut side = |name: &str, all| {
        if let Some(pixels) = styled(name) {
            is_new = true;
            return Ok(Some(pixels));
        }
        let Some(text) = attribute(name) else {
            return match root.try_get_attribute(name) {
                Ok(None) => {
                    is_relative = true;
                    Ok(None)
                }
                // An entity that is not there, say.
                _ => Err(broken("a side that can't be read")),
            };
        };
        let length = length(&text, all).filter(|pixels| *pixels >= 0.0 && pixels.is_finite());
        let is_read_alike =
            !text.contains(|c: char| c.is_ascii_uppercase()) && !text.trim_end().ends_with("rem");
        is_new |= length.is_none() || !is_read_alike;
        is_relative |= length.is_none() || text.trim_end().ends_with('%');
        Ok(length)
    };
    let (own_width, own_height) = (side("width", across)?, side("height", down)?);
    let (width, height) = match (own_width, own_height) {
        (None, Some(height)) if view.is_some() => (height * across / down, height),
        (Some(width), None) if view.is_some() => (width, width * down / across),
        (width, height) => (width.unwrap_or(across), height.unwrap_or(down)),
    };
    let longest = width.max(height);
    if !(width > 0.0 && height > 0.0 && longest.is_finite()) {
        return Err(broken("a drawing without a size"));
    }
    let scale = (LONGEST / longest).min(1.0);
    let pixels = |side: f64| (side * scale).round().max(1.0) as u32;
    let (own_width, own_height) = match view {
        Some(_) => (own_width, own_height),
        None => (Some(width), Some(height)),
    };
    is_new |= is_relative && view.is_none();
    let new = is_new.then(|| with_sides(root, [("width", own_width), ("height", own_height)]));
    Ok((Size::new(pixels(width), pixels(height)), new.transpose()?))
}

/// What stands in the root's tag, with other sides, in pixels.
fn with_sides(root: &BytesStart, sides: [(&str, Option<f64>); 2]) -> Result<String, Error> {
    let mut tag = root.name().as_ref().to_owned();
    for (name, side) in sides {
        if let Some(side) = side {
            tag += &format!(" {name}=\"{side}\"");
        }
    }
    for attribute in root.attributes().with_checks(false) {
        let attribute = attribute.map_err(broken)?;
        let (name, value) = (attribute.key.as_ref(), &attribute.value);
        if !sides.iter().any(|(side, _)| *side == name) {
            let quote = if value.contains('"') { '\'' } else { '"' };
            tag.extend([" ", name, "="]);
            tag.push(quote);
            tag += value;
            tag.push(quote);
        }
    }
    Ok(tag)
}

/// A length in pixels that a style gives to a side, if it does.
fn styled(style: &str, side: &str) -> Option<f64> {
    let declarations = style.split(';').filter_map(|declaration| declaration.split_once(':'));
    let values = declarations.filter(|(name, _)| name.trim().eq_ignore_ascii_case(side));
    // The last one counts, of those that are valid: other than in an attribute a number alone is none, and what is a
    // part of something else leaves the side free, as if nothing was said.
    values
        .filter_map(|(_, value)| {
            let value = value.trim().trim_end_matches("!important").trim_end();
            let has_unit = value.ends_with(|c: char| c.is_ascii_alphabetic());
            length(value, 0.0).filter(|pixels| has_unit && *pixels > 0.0)
        })
        .next_back()
}

/// Width and height of a `viewBox`, if it shows anything.
fn view(text: &str) -> Option<(f64, f64)> {
    let separates = |c: char| c == ',' || c.is_ascii_whitespace();
    let mut numbers = text.split(separates).filter(|text| !text.is_empty()).map(str::parse::<f64>);
    let (Some(Ok(_)), Some(Ok(_)), Some(Ok(width)), Some(Ok(height)), None) =
        (numbers.next(), numbers.next(), numbers.next(), numbers.next(), numbers.next())
    else {
        return None;
    };
    (width > 0.0 && height > 0.0 && width.is_finite() && height.is_finite())
        .then_some((width, height))
}

/// A length in pixels, of which `all` are 100 %.
fn length(text: &str, all: f64) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    // An exponent begins with the letter that `em` and `ex` begin with.
    let units = [
        ("px", 1.0),
        ("pt", 96.0 / 72.0),
        ("pc", 16.0),
        ("in", 96.0),
        ("cm", 96.0 / 2.54),
        ("mm", 96.0 / 25.4),
        ("rem", ROOT_EM),
        ("em", EM),
        ("ex", EM / 2.0),
        ("%", all / 100.0),
    ];
    let found = units.iter().find_map(|(unit, pixels)| Some((text.strip_suffix(unit)?, *pixels)));
    let (number, pixels) = found.unwrap_or((&text, 1.0));
    let number: f64 = number.parse().ok()?;
    Some(number * pixels)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (attributes, expected) in [
            ("width=\"24\" height=\"16\"", (24, 16)),
            ("width='1in' height='.5in'", (96, 48)),
            ("width=\"10mm\" height=\"1cm\"", (38, 38)),
            ("width=\"6pt\" height=\"1pc\"", (8, 16)),
            ("width=\"2em\" height=\"2ex\"", (24, 12)),
            ("width=\"1e2\" height=\" 20px \"", (100, 20)),
            ("viewBox=\"0 0 640 480\"", (640, 480)),
            ("viewBox=\"-5,-5,10,20\"", (10, 20)),
            ("viewBox=\"0 0 640 480\" width=\"320\"", (320, 240)),
            ("viewBox=\"0 0 640 480\" height=\"100%\"", (640, 480)),
            ("viewBox=\"0 0 640 480\" width=\"50%\" height=\"50%\"", (320, 240)),
            ("viewBox=\"0 0 0 0\"", (300, 150)),
            ("", (300, 150)),
            ("width=\"100%\" height=\"100%\"", (300, 150)),
            ("width=\"0.2\" height=\"9\"", (1, 9)),
            ("width=\"65534\" height=\"2000\"", (32767, 1000)),
            ("width=\"1&#50;0\" height=\"&#x36;0\"", (120, 60)),
            ("width=\"100PX\" height=\"1IN\"", (100, 96)),
            ("width=\"10rem\" height=\"6REM\"", (160, 96)),
            ("width=\"auto\" height=\"\" viewBox=\"0 0 250 150\"", (250, 150)),
            ("width=\"-1\" height=\"1e999\" viewBox=\"0 0 20 10\"", (20, 10)),
            ("width=\"50vw\" height=\"20\" viewBox=\"0 0 20 10\"", (40, 20)),
            ("width=\"a\"", (300, 150)),
            ("style=\"width:120px;height:50px\"", (120, 50)),
            ("style='fill: red; WIDTH : 1in !important' width='9' height='5'", (96, 5)),
            ("style=\"width:20px\" viewBox=\"0 0 640 480\"", (20, 15)),
            // Not what a style can say, or says of a side.
            ("style=\"width:120;height:50%;min-width:9px\" width=\"7\" height=\"8\"", (7, 8)),
        ] {
            let size = size(&format!("<?xml version='1.0'?><!-- a --><svg {attributes}/>"));
            let size = size.map(|(size, _)| size);
            assert_eq!(size, Ok(Size::new(expected.0, expected.1)), "{attributes}");
        }
        for text in [
            "<svg width=\"0\" height=\"1\"/>",
            "<svg width=\"&w;\"/>",
            "<!-- <svg/> -->",
            "<svg width=\"1\"",
        ] {
            assert!(matches!(size(text), Err(Error::DecodeFailed(_))), "{text}");
        }
    }

    #[test]
    fn definitions_of_an_editor() {
        let text = "<?xml version=\"1.0\"?><!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"a\" [\n\
            <!ENTITY ns_svg \"http://www.w3.org/2000/svg\">]>\n\
            <svg xmlns=\"&ns_svg;\" width=\"7\" height=\"9\"><g/></svg>";
        assert_eq!(size(text).unwrap(), (Size::new(7, 9), None));
        let text = "<!DOCTYPE svg [<!ENTITY w '1&two;0'> <!ENTITY two \"&#50;\"> <!ENTITY w '9'>]>\
            <svg width='&w;' height='&w;'/>";
        assert_eq!(size(text).unwrap(), (Size::new(120, 120), None));
        // One that is not there, one that stands in itself, and one that would be long.
        for definition in ["", "w '&w;'", "w SYSTEM 'file:///etc/hostname'"] {
            let text = format!("<!DOCTYPE svg [<!ENTITY {definition}>]><svg width='&w;'/>");
            assert!(size(&text).is_err(), "{definition}");
        }
    }

    #[test]
    fn only_the_first_definitions_are_looked_at() {
        let many = |first: usize| {
            let others: String = (0..first).map(|at| format!("<!ENTITY e{at} '1'>")).collect();
            size(&format!("<!DOCTYPE svg [{others}<!ENTITY w '7'>]><svg width='&w;' height='9'/>"))
        };
        assert_eq!(many(ENTITIES - 1).unwrap().0, Size::new(7, 9));
        assert!(many(ENTITIES).is_err());
        // Where a letter of several bytes is cut.
        for blanks in 0..4 {
            let long = format!("{}{}", " ".repeat(blanks), "\u{1f5bc}".repeat(DEFINITIONS / 4));
            let text = format!(
                "<!DOCTYPE svg [<!ENTITY w '7'><!--{long}-->]><svg width='&w;' height='9'/>"
            );
            assert_eq!(size(&text).unwrap().0, Size::new(7, 9));
        }
    }

    #[test]
    fn a_size_that_only_we_read_is_written_for_others() {
        for (text, expected) in [
            (
                "<!-- a -->\n<svg xmlns='a\"b' style=\"width:120px;height:50px\" width='9'><g/></svg>",
                "<!-- a -->\n<svg width=\"120\" height=\"50\" xmlns='a\"b' style=\"width:120px;height:50px\"><g/></svg>",
            ),
            (
                "<svg width='auto' viewBox='0 0 2 1' height='3'/>",
                "<svg height=\"3\" viewBox=\"0 0 2 1\"/>",
            ),
            ("<svg width='1rem' height='2'/>", "<svg width=\"16\" height=\"2\"/>"),
            ("<svg width='1IN' viewBox='0 0 2 1'/>", "<svg width=\"96\" viewBox=\"0 0 2 1\"/>"),
            ("<svg width='1in' viewBox='0 0 2 1'/>", "<svg width='1in' viewBox='0 0 2 1'/>"),
            ("<svg width='5' height='4'/>", "<svg width='5' height='4'/>"),
            ("<svg/>", "<svg width=\"300\" height=\"150\"/>"),
            ("<svg height='50%'/>", "<svg width=\"300\" height=\"75\"/>"),
            ("<svg width='9' viewBox='0'/>", "<svg width=\"9\" height=\"150\" viewBox=\"0\"/>"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().own.text, expected);
        }
    }
}
