//! Author and rights where EXIF does not give them: in IPTC-IIM and in XMP.

use std::borrow::Cow;

use memchr::memmem;

use crate::image::bytes::{array, be16, be32};

/// What begins the resources of Photoshop (Adobe Photoshop File Formats, "Image Resource Blocks").
pub(super) const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

const RESOURCE: &[u8; 4] = b"8BIM";
const IIM: u16 = 0x0404;

/// Datasets of IIM's application record (IPTC-IIM 4.2, section 6).
const BY_LINE: u8 = 80;
const COPYRIGHT_NOTICE: u8 = 116;

/// The author in Photoshop's resources.
pub(super) fn iptc_author(resources: &[u8]) -> Option<&[u8]> {
    dataset(iim(resources)?, BY_LINE)
}

/// The rights there.
pub(super) fn iptc_rights(resources: &[u8]) -> Option<&[u8]> {
    dataset(iim(resources)?, COPYRIGHT_NOTICE)
}

/// The author in an XMP packet.
pub(super) fn xmp_author(packet: &[u8]) -> Option<Cow<'_, [u8]>> {
    first_item(packet, b"dc:creator")
}

/// The rights there, in the first language.
pub(super) fn xmp_rights(packet: &[u8]) -> Option<Cow<'_, [u8]>> {
    first_item(packet, b"dc:rights")
}

/// The resource that holds IIM.
fn iim(resources: &[u8]) -> Option<&[u8]> {
    let mut rest = resources;
    loop {
        if array(rest, 0)? != *RESOURCE {
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

/// The first dataset of that number of the application record.
fn dataset(iim: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = iim;
    loop {
        let [0x1c, record, number] = array(rest, 0)? else { return None };
        // Longer ones say so by the first bit; no text is.
        let len = usize::from(be16(rest, 3)?);
        let data = rest.get(5..5 + len)?;
        if (record, number) == (2, wanted) {
            return Some(data);
        }
        rest = rest.get(5 + len..)?;
    }
}

/// The first item of an element that is an array, as these two always are (XMP specification,
/// part 1, section 8.3), without its markup.
fn first_item<'a>(packet: &'a [u8], name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let after = |text: &'a [u8], mark: &[u8]| {
        memmem::find(text, mark).and_then(|at| text.get(at + mark.len()..))
    };
    let until =
        |text: &'a [u8], mark: &[u8]| memmem::find(text, mark).and_then(|at| text.get(..at));
    let element = after(packet, &[b"<", name].concat())?;
    let element = until(element, &[b"</", name].concat())?;
    let item = after(after(element, b"<rdf:li")?, b">")?;
    let text = until(item, b"</rdf:li")?.trim_ascii();
    Some(plain(text))
}

/// Undoes the references to characters that XML has names for.
fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    const NAMED: [(&[u8], u8); 5] =
        [(b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\'')];
    if !text.contains(&b'&') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let named = NAMED.iter().find_map(|&(name, byte)| Some((rest.strip_prefix(name)?, byte)));
        let (after, byte) = named.unwrap_or((after, *first));
        out.push(byte);
        rest = after;
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iptc() {
        let resources = b"8BIM\x03\xed\x03abc\0\0\0\x03xyz\x008BIM\x04\x04\0\0\0\0\0\x12\
            \x1c\x02\x50\0\x03Ann\x1c\x02\x74\0\x05(c) A";
        assert_eq!(iptc_author(resources), Some(&b"Ann"[..]));
        assert_eq!(iptc_rights(resources), Some(&b"(c) A"[..]));
        for len in 0..resources.len() {
            assert_eq!(iptc_rights(&resources[..len]), None, "{len}");
        }
    }

    #[test]
    fn xmp() {
        let packet = b"<dc:creator><rdf:Seq><rdf:li> Ann &amp; Bob </rdf:li><rdf:li>C</rdf:li>\
            </rdf:Seq></dc:creator><dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>(c)</rdf:li>\
            </rdf:Alt></dc:rights>";
        assert_eq!(xmp_author(packet).as_deref(), Some(&b"Ann & Bob"[..]));
        assert_eq!(xmp_rights(packet).as_deref(), Some(&b"(c)"[..]));
        for len in 0..packet.len() - 12 {
            assert_eq!(xmp_rights(&packet[..len]), None, "{len}");
        }
        assert_eq!(xmp_author(b"<dc:creator>Ann</dc:creator><rdf:li>Bob</rdf:li>"), None);
    }
}
