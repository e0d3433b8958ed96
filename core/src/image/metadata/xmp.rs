//! What of an XMP packet is still so of an image that was made anew (ISO 16684-1).

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{LocalName, NamespaceResolver, ResolveResult};

/// A longer packet is not looked through.
const LONGEST: usize = 2 << 20;

/// Elements within each other; no packet has as many.
const DEEPEST: usize = 128;

/// Properties that say what is no longer so.
struct StaleProperties {
    /// What the URI of their namespace begins with.
    space: &'static str,
    /// The prefixes that packets have for it that forget to bind them.
    prefixes: &'static [&'static str],
    /// Their names; all of the namespace where there are none.
    names: &'static [&'static str],
}

const fn gone(
    space: &'static str,
    prefixes: &'static [&'static str],
    names: &'static [&'static str],
) -> StaleProperties {
    StaleProperties { space, prefixes, names }
}

/// Of several namespaces that fit the first one counts.
const GONE: &[StaleProperties] = &[
    // How the pixels are stored, and where in them something is.
    gone(
        "http://ns.adobe.com/tiff/1.0/",
        &["tiff"],
        &[
            "BitsPerSample",
            "Compression",
            "ImageLength",
            "ImageWidth",
            "NativeDigest",
            "Orientation",
            "PhotometricInterpretation",
            "PlanarConfiguration",
            "SamplesPerPixel",
            "YCbCrPositioning",
            "YCbCrSubSampling",
        ],
    ),
    gone(
        "http://ns.adobe.com/exif/1.0/",
        &["exif"],
        &[
            "ColorSpace",
            "CompressedBitsPerPixel",
            "FocalPlaneResolutionUnit",
            "FocalPlaneXResolution",
            "FocalPlaneYResolution",
            "MakerNote",
            "NativeDigest",
            "PixelXDimension",
            "PixelYDimension",
            "SubjectArea",
            "SubjectLocation",
        ],
    ),
    gone("http://cipa.jp/exif/1.0/", &["exifEX"], &["InteroperabilityIndex"]),
    gone(
        "http://ns.adobe.com/photoshop/1.0/",
        &["photoshop"],
        &["ColorMode", "ICCProfile", "LegacyIPTCDigest"],
    ),
    gone("http://purl.org/dc/elements/1.1/", &["dc"], &["format"]),
    gone(
        "http://ns.google.com/photos/1.0/panorama/",
        &["GPano"],
        &[
            "CroppedAreaImageHeightPixels",
            "CroppedAreaImageWidthPixels",
            "CroppedAreaLeftPixels",
            "CroppedAreaTopPixels",
            "FullPanoHeightPixels",
            "FullPanoWidthPixels",
            "LargestValidInteriorRectHeight",
            "LargestValidInteriorRectLeft",
            "LargestValidInteriorRectTop",
            "LargestValidInteriorRectWidth",
        ],
    ),
    gone("http://www.metadataworkinggroup.com/schemas/regions/", &["mwg-rs"], &[]),
    gone("http://ns.microsoft.com/photo/1.2/", &["MP"], &[]),
    gone("http://iptc.org/std/Iptc4xmpExt/", &["Iptc4xmpExt"], &["ImageRegion"]),
    // How a raw image was to be developed and cut, before it was.
    gone("http://ns.adobe.com/camera-raw-settings/1.0/", &["crs"], &[]),
    // Smaller pictures of the whole.
    gone("http://ns.adobe.com/xap/1.0/g/img/", &["xmpGImg", "xapGImg"], &[]),
    gone("http://ns.adobe.com/xap/1.0/", &["xmp", "xap"], &["Thumbnails"]),
    // The rest of the packet, in segments of their own.
    gone("http://ns.adobe.com/xmp/note/", &["xmpNote"], &[]),
    // Gain maps, depth maps, films and sounds beside the picture.
    gone("http://ns.adobe.com/hdr-gain-map/1.0/", &["hdrgm"], &[]),
    gone("http://ns.apple.com/", &["HDRGainMap", "apdi", "depthBlurEffect", "apple-fi"], &[]),
    gone(
        "http://ns.google.com/photos/",
        &[
            "Container",
            "GContainer",
            "Item",
            "GContainerItem",
            "GCamera",
            "GDepth",
            "GImage",
            "GAudio",
        ],
        &[],
    ),
    gone("http://ns.xiaomi.com/photos/", &["MiCamera"], &[]),
    gone("http://ns.oplus.com/photos/", &["OpCamera"], &[]),
    gone("http://ns.honor.com/photos/", &["HonorCamera"], &[]),
    gone("http://ns.vivo.com/photos/", &["VivoCamera"], &[]),
    // Where a manifest is that was signed for other bytes.
    gone("http://purl.org/dc/terms/", &["dcterms"], &["provenance"]),
];

/// A packet without the marks of the order of bytes that some begin with. The reader of XML passes over one and
/// doesn't count it: its places would not be those in the packet.
pub(in crate::image) fn text(packet: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(packet).ok()?;
    Some(text.trim_start_matches('\u{feff}'))
}

/// The packet without what describes bytes that are not there any more; `None` where it is not
/// well-formed, or too long, so that what it says can't be told.
pub(super) fn still_so(packet: Cow<'_, [u8]>) -> Option<Cow<'_, [u8]>> {
    match packet {
        Cow::Borrowed(packet) => changed(packet),
        Cow::Owned(packet) => changed(&packet).map(|left| Cow::Owned(left.into_owned())),
    }
}

fn changed(packet: &[u8]) -> Option<Cow<'_, [u8]>> {
    if packet.len() > LONGEST {
        return None;
    }
    let text = text(packet)?;
    let packet = text.as_bytes();
    let mut reader = NsReader::from_str(text);
    // What is left, from the first change on, and how far it goes.
    let mut out = Vec::new();
    let mut copied = 0;
    let (mut depth, mut hidden) = (0usize, None);
    loop {
        let start = position(&reader);
        let event = reader.read_event().ok()?;
        let end = position(&reader);
        let (tag, opens) = match event {
            Event::Start(tag) => (tag, true),
            Event::Empty(tag) => (tag, false),
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                if hidden == Some(depth) {
                    hidden = None;
                    copied = end;
                }
                continue;
            }
            // XMP has none, and what it defines could stand anywhere.
            Event::DocType(_) => return None,
            Event::Eof => break,
            _ => continue,
        };
        if hidden.is_none() {
            let names = reader.resolver();
            if is_gone(names.resolve_element(tag.name())) {
                out.extend_from_slice(packet.get(copied..start)?);
                copied = end;
                hidden = opens.then_some(depth);
            } else if let Some(left) = without_attributes(&tag, names)? {
                out.extend_from_slice(packet.get(copied..start)?);
                out.extend_from_slice(left.as_bytes());
                out.extend_from_slice(if opens { b">" } else { b"/>" });
                copied = end;
            }
        }
        depth += usize::from(opens);
        if depth > DEEPEST {
            return None;
        }
    }
    if depth > 0 {
        return None;
    }
    if copied == 0 {
        return Some(Cow::Borrowed(packet));
    }
    out.extend_from_slice(packet.get(copied..)?);
    Some(Cow::Owned(out))
}

fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// The tag up to where it closes without the attributes that say what is no longer so, and the
/// names of what does nothing else; the inner `None` where there is none of them, the outer one
/// where the tag is not well-formed.
fn without_attributes(tag: &BytesStart, names: &NamespaceResolver) -> Option<Option<String>> {
    let mut left = format!("<{}", tag.name().0);
    let mut changed = false;
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.ok()?;
        let is_binding = attribute.key.as_namespace_binding().is_some();
        if is_binding && row_of(&attribute.value).is_some_and(|row| row.names.is_empty())
            || is_gone(names.resolve_attribute(attribute.key))
        {
            changed = true;
            continue;
        }
        let quote = if attribute.value.contains('"') { '\'' } else { '"' };
        left.push(' ');
        left.push_str(attribute.key.0);
        left.push('=');
        left.push(quote);
        left.push_str(&attribute.value);
        left.push(quote);
    }
    Some(changed.then_some(left))
}

/// What is gone of that namespace.
fn row_of(space: &str) -> Option<&'static StaleProperties> {
    GONE.iter().find(|row| space.starts_with(row.space))
}

/// Whether a property says what is no longer so.
fn is_gone((space, local): (ResolveResult, LocalName)) -> bool {
    let row = match space {
        ResolveResult::Bound(space) => row_of(space.0),
        ResolveResult::Unknown(prefix) => {
            GONE.iter().find(|row| row.prefixes.contains(&prefix.as_str()))
        }
        ResolveResult::Unbound => None,
    };
    row.is_some_and(|row| row.names.is_empty() || row.names.contains(&local.into_inner()))
}
