//! Author and rights where EXIF does not give them: in IPTC-IIM and in XMP.

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::Event;
use quick_xml::name::{LocalName, ResolveResult};

use super::exif::MAX_TEXT;
use crate::image::bytes::{array, be16, be32};
use crate::image::metadata::xmp_text;

/// The namespace of author and rights in XMP.
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";

/// Bytes of a packet, or of resources, that are looked at.
const LONGEST: usize = 2 << 20;

/// What begins the resources of Photoshop (Adobe Photoshop File Formats, "Image Resource Blocks").
pub(super) const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Those of Photoshop, and of programs that have put theirs among them.
const RESOURCES: [[u8; 4]; 5] = [*b"8BIM", *b"MeSa", *b"AgHg", *b"PHUT", *b"DCSR"];
const IIM: u16 = 0x0404;

/// Datasets of IIM's application record (IPTC-IIM 4.2, section 6).
const BY_LINE: u8 = 80;
const COPYRIGHT_NOTICE: u8 = 116;

/// The authors in Photoshop's resources, with semicolons between them.
pub(super) fn iptc_author(resources: &[u8]) -> Option<String> {
    joined(datasets(iim(resources)?, BY_LINE).map(text))
}

/// The rights there.
pub(super) fn iptc_rights(resources: &[u8]) -> Option<String> {
    datasets(iim(resources)?, COPYRIGHT_NOTICE).map(text).next().map(Cow::into_owned)
}

/// Several names as one text, as far as there is room for them; `None` where there is none.
fn joined<'a>(names: impl Iterator<Item = Cow<'a, str>>) -> Option<String> {
    let mut all = String::new();
    for name in names {
        let between = if all.is_empty() { "" } else { "; " };
        if all.len() + between.len() + name.len() > MAX_TEXT {
            break;
        }
        all.extend([between, &name]);
    }
    (!all.is_empty()).then_some(all)
}

/// A text, which is in UTF-8 or, as it was before, in Latin 1.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// The authors in an XMP packet, as Exif has several: with semicolons between them.
pub(super) fn xmp_author(packet: &[u8]) -> Option<String> {
    joined(values(packet, "creator")?.into_iter().map(Cow::Owned))
}

/// The rights there, in the first language.
pub(super) fn xmp_rights(packet: &[u8]) -> Option<String> {
    values(packet, "rights")?.into_iter().next()
}

/// The resource that holds IIM.
fn iim(resources: &[u8]) -> Option<&[u8]> {
    let mut rest = resources.get(..LONGEST).unwrap_or(resources);
    loop {
        if !RESOURCES.contains(&array(rest, 0)?) {
            return None;
        }
        let id = be16(rest, 4)?;
        // A name with its length, and then the data, each padded to an even length.
        let [name] = array(rest, 6)?;
        let at = 6 + (usize::from(name) + 2) / 2 * 2;
        let len = be32(rest, at)? as usize;
        let start = at + 4;
        let data = rest.get(start..start.checked_add(len)?)?;
        if id == IIM {
            return Some(data);
        }
        rest = rest.get(start + len + len % 2..)?;
    }
}

/// The datasets of that number of the application record that are not blank.
fn datasets(iim: &[u8], wanted: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = iim;
    let next = move || {
        let [0x1c, record, number] = array(rest, 0)? else { return None };
        let len = usize::from(be16(rest, 3)?);
        // Of a longer one these are the bytes that its length takes.
        let (start, len) = match len.checked_sub(0x8000) {
            None => (5, len),
            Some(bytes) => {
                let len = rest.get(5..5 + bytes).filter(|len| len.len() <= 4)?;
                (5 + bytes, len.iter().fold(0, |so_far, &byte| so_far << 8 | usize::from(byte)))
            }
        };
        let data = rest.get(start..start.checked_add(len)?)?;
        rest = rest.get(start + len..)?;
        Some(((record, number), data.trim_ascii()))
    };
    std::iter::from_fn(next)
        .filter(move |&(dataset, data)| dataset == (2, wanted) && !data.is_empty())
        .map(|(_, data)| data)
}

/// The texts in the first property of that name of Dublin Core which has any: the items of an array, as these two are
/// (XMP specification, part 1, section 8.3), or what some writers put there without one, or into an attribute.
fn values(packet: &[u8], name: &str) -> Option<Vec<String>> {
    // What properties of the file lie in, and the texts of one; whatever else there is says something of its own.
    const AROUND: [&str; 4] = ["xmpmeta", "xapmeta", "RDF", "Description"];
    const WITHIN: [&str; 5] = ["Seq", "Bag", "Alt", "li", "value"];
    let packet = packet.get(..LONGEST).unwrap_or(packet);
    let mut reader = NsReader::from_str(xmp_text(packet)?);
    reader.config_mut().expand_empty_elements = true;
    let is_wanted = |(space, local): (ResolveResult, LocalName)| {
        local.into_inner() == name
            && match space {
                ResolveResult::Bound(space) => space.0 == DUBLIN_CORE,
                // Some packets forget to bind it.
                ResolveResult::Unknown(prefix) => prefix == "dc",
                ResolveResult::Unbound => false,
            }
    };
    // How many elements are open from the property on, and from one on that says something else.
    let (mut within, mut beside) = (0usize, 0usize);
    let (mut values, mut text) = (Vec::new(), String::new());
    loop {
        let event = reader.read_event().ok()?;
        match event {
            Event::Start(_) if beside > 0 => beside += 1,
            Event::End(_) if beside > 0 => beside -= 1,
            Event::Start(tag) if within > 0 => {
                if WITHIN.contains(&tag.local_name().into_inner()) {
                    within += 1;
                    text.clear();
                } else {
                    beside = 1;
                }
            }
            Event::End(_) if within > 0 => {
                within -= 1;
                let value = text.trim();
                if !value.is_empty() {
                    values.push(value.to_owned());
                }
                text.clear();
                if within == 0 && !values.is_empty() {
                    return Some(values);
                }
            }
            Event::Text(part) if within > 0 && beside == 0 => {
                text.push_str(&part.xml10_content());
            }
            Event::CData(part) if within > 0 && beside == 0 => {
                text.push_str(&part.xml10_content());
            }
            Event::GeneralRef(part) if within > 0 && beside == 0 => match part.resolve_char_ref() {
                Ok(Some(character)) => text.push(character),
                _ => text.push_str(resolve_predefined_entity(&part).unwrap_or_default()),
            },
            Event::Start(tag) => {
                let names = reader.resolver();
                if is_wanted(names.resolve_element(tag.name())) {
                    within = 1;
                    continue;
                }
                if !AROUND.contains(&tag.local_name().into_inner()) {
                    beside = 1;
                    continue;
                }
                for attribute in tag.attributes().with_checks(false) {
                    let attribute = attribute.ok()?;
                    if is_wanted(names.resolve_attribute(attribute.key))
                        && let Ok(value) = unescape(&attribute.value)
                        && !value.trim().is_empty()
                    {
                        return Some(vec![value.trim().to_owned()]);
                    }
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iptc() {
        let resources = b"8BIM\x03\xed\x03abc\0\0\0\x03xyz\x008BIM\x04\x04\0\0\0\0\0\x12\
            \x1c\x02\x50\0\x03Ann\x1c\x02\x74\0\x05(c) A";
        assert_eq!(iptc_author(resources).as_deref(), Some("Ann"));
        assert_eq!(iptc_rights(resources).as_deref(), Some("(c) A"));
        for len in 0..resources.len() {
            assert_eq!(iptc_rights(&resources[..len]), None, "{len}");
        }
    }

    #[test]
    fn xmp() {
        let packet = b"<dc:creator><rdf:Seq><rdf:li> Ann &amp; Bob </rdf:li><rdf:li>C</rdf:li>\
            </rdf:Seq></dc:creator><dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>(c)</rdf:li>\
            </rdf:Alt></dc:rights>";
        assert_eq!(xmp_author(packet).as_deref(), Some("Ann & Bob; C"));
        assert_eq!(xmp_rights(packet).as_deref(), Some("(c)"));
        for len in 0..packet.len() - 12 {
            assert_eq!(xmp_rights(&packet[..len]), None, "{len}");
        }
        assert_eq!(xmp_author(b"<rdf:li>Bob</rdf:li>"), None);
    }
}
