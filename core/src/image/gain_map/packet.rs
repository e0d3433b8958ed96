//! How the samples of a map become gains, and where the map is, in XMP (Android's Ultra HDR 1.1, Adobe's
//! Gain Map 1.0).

use std::fmt::Write as _;
use std::ops::Range;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, ResolveResult};

use crate::image::metadata::xmp_text;

const GAINS: &str = "http://ns.adobe.com/hdr-gain-map/1.0/";
const ITEM: &str = "http://ns.google.com/photos/1.0/container/item/";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// A packet of gains that is longer is not read: programs write less than a tenth of that.
const LONGEST_PACKET: usize = 1 << 14;

/// Items of a container that are looked at.
const MOST_ITEMS: usize = 16;

/// Characters of a number.
const LONGEST: usize = 32;

/// The numbers, in the order in which they are written.
const NUMBERS: [&str; 7] = [
    "GainMapMin",
    "GainMapMax",
    "Gamma",
    "OffsetSDR",
    "OffsetHDR",
    "HDRCapacityMin",
    "HDRCapacityMax",
];

/// Those that have no default.
const NEEDED: [&str; 2] = ["GainMapMax", "HDRCapacityMax"];

/// The metadata of a map.
#[derive(Debug, Default)]
pub(super) struct XmpGains {
    /// One number each, or one for each channel; none where the default is meant.
    numbers: [Vec<String>; NUMBERS.len()],
}

impl XmpGains {
    /// Reads a packet; `None` where it says nothing of a map, or nothing that makes sense.
    pub(super) fn read(packet: &[u8]) -> Option<XmpGains> {
        if packet.len() > LONGEST_PACKET {
            return None;
        }
        let mut gains = XmpGains::default();
        let (mut version, mut is_base_hdr) = (None, false);
        properties(packet, |name, texts| match (name, texts.as_slice()) {
            ("Version", [text]) => version = Some(text == "1.0"),
            ("BaseRenditionIsHDR", [text]) => is_base_hdr = !text.eq_ignore_ascii_case("false"),
            _ => {
                let place = NUMBERS.iter().position(|known| *known == name);
                if let Some(numbers) = place.and_then(|place| gains.numbers.get_mut(place)) {
                    *numbers = texts;
                }
            }
        })?;
        // A picture that is itself the brighter one would have to stay what it is.
        (version == Some(true) && !is_base_hdr && gains.makes_sense()).then_some(gains)
    }

    fn makes_sense(&self) -> bool {
        let mut all = NUMBERS.iter().zip(&self.numbers);
        let are_numbers = all.all(|(name, texts)| {
            let read = |text: &String| {
                let fits = |number: f64| number.is_finite() && (*name != "Gamma" || number > 0.0);
                text.len() <= LONGEST && text.parse().is_ok_and(fits)
            };
            match texts.len() {
                0 => !NEEDED.contains(name),
                1 | 3 => texts.iter().all(read),
                _ => false,
            }
        });
        are_numbers && {
            let [least, most, .., low, high] = &self.numbers;
            let number = |texts: &[String], at: usize| {
                let text = texts.get(at).or(texts.first());
                text.and_then(|text| text.parse().ok()).unwrap_or(0.0)
            };
            (0..3).all(|at| number(least, at) <= number(most, at))
                && number(low, 0) < number(high, 0)
        }
    }

    /// A packet that says the same and nothing else.
    pub(super) fn packet(&self) -> String {
        let mut tag = format!(
            "<rdf:Description rdf:about=\"\" xmlns:hdrgm=\"{GAINS}\" hdrgm:Version=\"1.0\" \
            hdrgm:BaseRenditionIsHDR=\"False\""
        );
        let mut within = String::new();
        for (name, texts) in NUMBERS.iter().zip(&self.numbers) {
            match texts.as_slice() {
                [] => {}
                [text] => {
                    let _ = write!(tag, " hdrgm:{name}=\"{text}\"");
                }
                texts => {
                    let items = texts.iter().map(|text| format!("<rdf:li>{text}</rdf:li>"));
                    let items = items.collect::<String>();
                    let _ =
                        write!(within, "<hdrgm:{name}><rdf:Seq>{items}</rdf:Seq></hdrgm:{name}>");
                }
            }
        }
        in_packet(&format!("{tag}>{within}</rdf:Description>"))
    }
}

/// What a packet says of a picture that has a map of so many bytes behind it.
pub(super) fn directory(map_len: usize) -> String {
    let item = |attributes: &str| {
        format!(
            "<rdf:li rdf:parseType=\"Resource\">\
            <Container:Item Item:Mime=\"image/jpeg\" {attributes}/></rdf:li>"
        )
    };
    let primary = item("Item:Semantic=\"Primary\"");
    let map = item(&format!("Item:Semantic=\"GainMap\" Item:Length=\"{map_len}\""));
    format!(
        "<rdf:Description rdf:about=\"\" xmlns:rdf=\"{RDF}\" xmlns:hdrgm=\"{GAINS}\" \
        xmlns:Container=\"http://ns.google.com/photos/1.0/container/\" xmlns:Item=\"{ITEM}\" \
        hdrgm:Version=\"1.0\"><Container:Directory><rdf:Seq>{primary}{map}</rdf:Seq>\
        </Container:Directory></rdf:Description>"
    )
}

/// A packet of that description.
pub(super) fn in_packet(description: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\">{description}\
        </rdf:RDF></x:xmpmeta>"
    )
}

/// A packet with one more description; `None` where it has no place for any.
pub(super) fn with_description(packet: &[u8], description: &str) -> Option<Vec<u8>> {
    let packet = xmp_text(packet)?;
    let mut reader = NsReader::from_str(packet);
    loop {
        let start = usize::try_from(reader.buffer_position()).ok()?;
        match reader.read_event().ok()? {
            Event::End(tag) => {
                let (space, local) = reader.resolver().resolve_element(tag.name());
                if is_of(&space, RDF) && local.into_inner() == "RDF" {
                    let (before, after) = packet.split_at_checked(start)?;
                    return Some([before, description, after].concat().into_bytes());
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Where the map is in a file whose first picture ends at that place, by what its packet says.
pub(super) fn located(packet: &[u8], end: usize) -> Option<Range<usize>> {
    let mut reader = NsReader::from_str(xmp_text(packet)?);
    let mut at = None;
    let mut items = 0;
    loop {
        let tag = match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => tag,
            Event::Eof => return None,
            _ => continue,
        };
        let Some(item) = Item::read(&tag, reader.resolver())? else { continue };
        items += 1;
        if items > MOST_ITEMS {
            return None;
        }
        // The first is the picture itself, whatever length it is said to have.
        let start = at.unwrap_or(end);
        let len = if at.is_none() { 0 } else { item.len };
        let next = start.checked_add(len)?;
        if at.is_some() && item.is_map {
            return Some(start..next);
        }
        at = Some(next.checked_add(item.padding)?);
    }
}

/// What is said of a part of a file.
#[derive(Default)]
struct Item {
    is_map: bool,
    len: usize,
    padding: usize,
}

impl Item {
    /// Reads a tag; the inner `None` for one that is no item, the outer one where it is not well-formed.
    fn read(tag: &BytesStart, names: &NamespaceResolver) -> Option<Option<Item>> {
        let mut item = Item::default();
        let mut is_item = false;
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.ok()?;
            let (space, local) = names.resolve_attribute(attribute.key);
            if !is_of(&space, ITEM) {
                continue;
            }
            let number = || attribute.value.parse().ok();
            match local.into_inner() {
                "Semantic" => {
                    is_item = true;
                    item.is_map = &*attribute.value == "GainMap";
                }
                "Length" => item.len = number()?,
                "Padding" => item.padding = number()?,
                _ => {}
            }
        }
        Some(is_item.then_some(item))
    }
}

/// Hands out the names and values of the properties of gains: those of attributes, of elements, and of
/// lists.
fn properties(packet: &[u8], mut take: impl FnMut(&str, Vec<String>)) -> Option<()> {
    let mut reader = NsReader::from_str(xmp_text(packet)?);
    let mut depth = 0usize;
    // The property that is open, and how deep it lies.
    let mut open: Option<(String, usize, Vec<String>)> = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                attributes(&tag, reader.resolver(), &mut take)?;
                let (space, local) = reader.resolver().resolve_element(tag.name());
                if open.is_none() && is_of(&space, GAINS) {
                    open = Some((local.into_inner().to_owned(), depth, Vec::new()));
                }
                depth += 1;
            }
            Event::Empty(tag) => attributes(&tag, reader.resolver(), &mut take)?,
            Event::Text(text) => {
                let text = text.into_inner();
                match &mut open {
                    Some((_, _, texts)) if !text.trim().is_empty() && texts.len() < 4 => {
                        texts.push(text.trim().to_owned());
                    }
                    _ => {}
                }
            }
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                if let Some((name, _, texts)) = open.take_if(|(_, of, _)| *of == depth) {
                    take(&name, texts);
                }
            }
            // A number has none, and what stands around one would be taken for several.
            Event::GeneralRef(_) | Event::CData(_) | Event::Comment(_) if open.is_some() => {
                return None;
            }
            Event::DocType(_) => return None,
            Event::Eof => return (depth == 0).then_some(()),
            _ => {}
        }
    }
}

fn attributes(
    tag: &BytesStart,
    names: &NamespaceResolver,
    take: &mut impl FnMut(&str, Vec<String>),
) -> Option<()> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.ok()?;
        let (space, local) = names.resolve_attribute(attribute.key);
        if is_of(&space, GAINS) {
            take(local.into_inner(), vec![attribute.value.trim().to_owned()]);
        }
    }
    Some(())
}

fn is_of(space: &ResolveResult, wanted: &str) -> bool {
    matches!(space, ResolveResult::Bound(space) if space.0 == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(attributes: &str, within: &str) -> String {
        in_packet(&format!(
            "<rdf:Description rdf:about='' xmlns:hdrgm='{GAINS}' {attributes}>{within}</rdf:Description>"
        ))
    }

    fn read(attributes: &str, within: &str) -> Option<XmpGains> {
        XmpGains::read(description(attributes, within).as_bytes())
    }

    #[test]
    fn one_channel() {
        let gains = read(
            "hdrgm:Version='1.0' hdrgm:GainMapMin=' -0.5 ' hdrgm:GainMapMax='3' \
            hdrgm:HDRCapacityMax='3.25' hdrgm:BaseRenditionIsHDR='False' hdrgm:Other='x'",
            "",
        );
        let packet = gains.unwrap().packet();
        for there in ["GainMapMin=\"-0.5\"", "GainMapMax=\"3\"", "IsHDR=\"False\""] {
            assert!(packet.contains(there), "{packet}");
        }
        assert!(!packet.contains("Other") && !packet.contains("Gamma"), "{packet}");
        assert_eq!(XmpGains::read(packet.as_bytes()).unwrap().packet(), packet);
    }

    #[test]
    fn three_channels_and_elements() {
        let seq = "<rdf:Seq><rdf:li>1</rdf:li> <rdf:li>2</rdf:li><rdf:li>3.5</rdf:li></rdf:Seq>";
        let within = format!(
            "<hdrgm:GainMapMax>{seq}</hdrgm:GainMapMax><hdrgm:HDRCapacityMax>3</hdrgm:HDRCapacityMax>"
        );
        let packet = read("hdrgm:Version='1.0'", &within).unwrap().packet();
        assert!(packet.contains("<rdf:li>3.5</rdf:li>"), "{packet}");
        assert!(packet.contains("hdrgm:HDRCapacityMax=\"3\""), "{packet}");
        assert_eq!(XmpGains::read(packet.as_bytes()).unwrap().packet(), packet);
    }

    #[test]
    fn what_makes_no_sense() {
        let whole = "hdrgm:Version='1.0' hdrgm:GainMapMax='3' hdrgm:HDRCapacityMax='3'";
        assert!(read(whole, "").is_some());
        for (from, to) in [
            ("'1.0'", "'2.0'"),
            ("GainMapMax='3'", "GainMapMax='-1'"),
            ("GainMapMax='3'", "GainMapMax='NaN'"),
            ("GainMapMax='3'", "GainMapMax='1e999'"),
            ("GainMapMax='3'", "GainMapMax='&lt;'"),
            ("GainMapMax='3'", "GainMapMax='3' hdrgm:Gamma='0'"),
            ("GainMapMax='3'", "GainMapMax='3' hdrgm:OffsetSDR='x'"),
            ("GainMapMax='3'", "GainMapMax='3.00000000000000000000000000000001'"),
            ("hdrgm:GainMapMax='3'", ""),
            ("hdrgm:HDRCapacityMax='3'", ""),
            ("hdrgm:HDRCapacityMax='3'", "hdrgm:HDRCapacityMax='0'"),
            ("hdrgm:Version='1.0'", ""),
            ("hdrgm:GainMapMax='3'", "hdrgm:GainMapMax='3' hdrgm:BaseRenditionIsHDR='True'"),
            ("hdrgm:", "other:"),
        ] {
            assert!(read(&whole.replace(from, to), "").is_none(), "{to}");
        }
        let two =
            "<hdrgm:Gamma><rdf:Seq><rdf:li>1</rdf:li><rdf:li>1</rdf:li></rdf:Seq></hdrgm:Gamma>";
        assert!(read(whole, two).is_none());
        for text in ["1&amp;x;2&#x32;3", "1<![CDATA[x]]>2", "1<!-- -->2"] {
            let max = format!("<hdrgm:GainMapMax>{text}</hdrgm:GainMapMax>");
            assert!(read(&whole.replace("hdrgm:GainMapMax='3'", ""), &max).is_none(), "{text}");
        }
        let long = format!("{whole} a='{}'", "b".repeat(LONGEST_PACKET));
        assert!(read(&long, "").is_none());
        assert!(XmpGains::read(b"<a>").is_none() && XmpGains::read(b"\xff").is_none());
        let entity = format!("<!DOCTYPE a [<!ENTITY e '1'>]>{}", description(whole, ""));
        assert!(XmpGains::read(entity.as_bytes()).is_none());
    }

    #[test]
    fn places() {
        assert_eq!(located(in_packet(&directory(7)).as_bytes(), 100), Some(100..107));
        let items = |items: &str| {
            let tag = format!("<a xmlns:i='{ITEM}'>{items}</a>");
            located(tag.as_bytes(), 100)
        };
        let primary = "<b i:Semantic='Primary' i:Length='5' i:Padding='3'/>";
        let film = "<b i:Semantic='MotionPhoto' i:Length='20'/>";
        let map = "<b i:Semantic='GainMap' i:Length='9'></b>";
        assert_eq!(items(&[primary, film, map].concat()), Some(123..132));
        assert_eq!(items(&[primary, map, film].concat()), Some(103..112));
        for wrong in [
            map,
            primary,
            &format!("{primary}<b i:Semantic='x' i:Length='-1'/>{map}"),
            &format!("{primary}<b i:Semantic='x' i:Length='{}'/>{map}", usize::MAX),
            &format!("{primary}{}{map}", film.repeat(20)),
        ] {
            assert_eq!(items(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn descriptions_stand_beside_others() {
        let packet = description("a:b='c'", "");
        let both = with_description(packet.as_bytes(), &directory(5)).unwrap();
        let text = String::from_utf8(both).unwrap();
        assert!(text.contains("a:b='c'") && text.ends_with("</rdf:RDF></x:xmpmeta>"), "{text}");
        assert_eq!(located(text.as_bytes(), 10), Some(10..15));
        for marks in ["\u{feff}", "\u{feff}\u{feff}"] {
            let marked = [marks, &packet].concat();
            let beside = with_description(marked.as_bytes(), &directory(5)).unwrap();
            assert_eq!(beside, text.as_bytes());
        }
        assert_eq!(with_description(b"<a></a>", ""), None);
    }
}
