//! SVG: the size that a document says it has. What it draws is only looked at to draw it.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

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

/// What a document says besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Svg<'a> {
    pub(in crate::image) text: Cow<'a, str>,
    /// The folder with the fonts of its texts.
    pub(in crate::image) fonts: &'a str,
}

pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Svg<'_>>, Error> {
    let text = svg::text(input)?;
    let Size { width, height } = size(&text)?;
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

/// The size of a document in pixels, of which an inch has 96.
fn size(text: &str) -> Result<Size, Error> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(root) | Event::Empty(root)) => return size_of(&root),
            Ok(Event::Eof) => return Err(truncated()),
            Ok(_) => {}
            Err(error) => return Err(broken(error)),
        }
    }
}

fn size_of(root: &BytesStart) -> Result<Size, Error> {
    let attribute = |name: &str| {
        let found = root.try_get_attribute(name).ok()??;
        Some(found.value.into_owned())
    };
    let (width, height) = (attribute("width"), attribute("height"));
    let is_free = (width.is_none(), height.is_none());
    let view = attribute("viewBox").and_then(|text| view(&text));
    let (across, down) = view.unwrap_or((DEFAULT_SIZE.0.into(), DEFAULT_SIZE.1.into()));
    let side = |text: Option<String>, all| text.map_or(Some(all), |text| length(&text, all));
    let sides = side(width, across).zip(side(height, down));
    let (width, height) = sides.ok_or_else(|| broken("a side that is no length"))?;
    let (width, height) = match is_free {
        (true, false) if view.is_some() => (height * across / down, height),
        (false, true) if view.is_some() => (width, width * down / across),
        _ => (width, height),
    };
    let longest = width.max(height);
    if !(width > 0.0 && height > 0.0 && longest.is_finite()) {
        return Err(broken("a drawing without a size"));
    }
    let scale = (LONGEST / longest).min(1.0);
    let pixels = |side: f64| (side * scale).round().max(1.0) as u32;
    Ok(Size::new(pixels(width), pixels(height)))
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
    let text = text.trim();
    // An exponent begins with the letter that `em` and `ex` begin with.
    let units = [
        ("px", 1.0),
        ("pt", 96.0 / 72.0),
        ("pc", 16.0),
        ("in", 96.0),
        ("cm", 96.0 / 2.54),
        ("mm", 96.0 / 25.4),
        ("em", EM),
        ("ex", EM / 2.0),
        ("%", all / 100.0),
    ];
    let found = units.iter().find_map(|(unit, pixels)| Some((text.strip_suffix(unit)?, *pixels)));
    let (number, pixels) = found.unwrap_or((text, 1.0));
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
        ] {
            let size = size(&format!("<?xml version='1.0'?><!-- a --><svg {attributes}/>"));
            assert_eq!(size, Ok(Size::new(expected.0, expected.1)), "{attributes}");
        }
        for text in [
            "<svg width=\"0\" height=\"1\"/>",
            "<svg width=\"-1\" height=\"1\"/>",
            "<svg width=\"a\"/>",
            "<svg width=\"1e999\"/>",
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
        assert_eq!(size(text).unwrap(), Size::new(7, 9));
    }
}
