//! JPEGs with a gain map, put together by hand, and taken apart again.

use super::*;

pub const GAINS: &str = "http://ns.adobe.com/hdr-gain-map/1.0/";
pub const ISO: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// What of a map is said, and by what.
#[derive(Clone, Copy)]
pub struct Kind {
    pub xmp: bool,
    pub iso: bool,
    pub index: bool,
}

pub const ANDROID: Kind = Kind { xmp: true, iso: false, index: true };
pub const ISO_ALONE: Kind = Kind { xmp: false, iso: true, index: true };
pub const BOTH: Kind = Kind { xmp: true, iso: true, index: true };
/// As Android's first version had it.
pub const DIRECTORY: Kind = Kind { xmp: true, iso: false, index: false };
pub const KINDS: [Kind; 4] = [ANDROID, ISO_ALONE, BOTH, DIRECTORY];

pub fn iso_gains(flags: u8) -> Vec<u8> {
    let numbers: [i32; 14] = [0, 1, 3, 1, 0, 1, 3, 1, 1, 1, 1, 64, 1, 64];
    let numbers = numbers.into_iter().flat_map(i32::to_be_bytes);
    [0, 0, 0, 0, flags].into_iter().chain(numbers).collect()
}

pub fn xmp_gains() -> String {
    packet(&format!(
        "<rdf:Description rdf:about='' xmlns:hdrgm='{GAINS}' hdrgm:Version='1.0' \
        hdrgm:GainMapMin='0' hdrgm:GainMapMax='3' hdrgm:Gamma='1' hdrgm:OffsetSDR='0.015625' \
        hdrgm:OffsetHDR='0.015625' hdrgm:HDRCapacityMin='0' hdrgm:HDRCapacityMax='3' \
        hdrgm:BaseRenditionIsHDR='False'/>"
    ))
}

pub fn packet(description: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
        xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>{description}</rdf:RDF></x:xmpmeta>"
    )
}

pub fn directory(items: &[(&str, usize)]) -> String {
    let items = items.iter().map(|(semantic, len)| {
        format!(
            "<rdf:li rdf:parseType='Resource'><Container:Item Item:Mime='image/jpeg' \
            Item:Semantic='{semantic}' Item:Length='{len}'/></rdf:li>"
        )
    });
    let items = items.collect::<String>();
    packet(&format!(
        "<rdf:Description xmlns:hdrgm='{GAINS}' hdrgm:Version='1.0' \
        xmlns:Container='http://ns.google.com/photos/1.0/container/' \
        xmlns:Item='http://ns.google.com/photos/1.0/container/item/'><Container:Directory>\
        <rdf:Seq>{items}</rdf:Seq></Container:Directory></rdf:Description>"
    ))
}

/// The samples of a map, with what makes it one.
pub fn map(jpeg: &[u8], kind: Kind, flags: u8) -> Vec<u8> {
    let mut out = jpeg.to_vec();
    if kind.iso {
        out = with_segment(&out, 0xe2, &[ISO, &iso_gains(flags)].concat());
    }
    if kind.xmp {
        out = with_segment(&out, 0xe1, &[XMP, xmp_gains().as_bytes()].concat());
    }
    out
}

/// A picture with a map behind it.
pub fn join(picture: &[u8], map: &[u8], kind: Kind) -> Vec<u8> {
    join_with(picture, map, kind, &directory(&[("Primary", 0), ("GainMap", map.len())]))
}

pub fn join_with(picture: &[u8], map: &[u8], kind: Kind, directory: &str) -> Vec<u8> {
    let mut out = picture.to_vec();
    if kind.index {
        out = with_segment(&out, 0xe2, &[0; 4 + 82]);
    }
    if kind.iso {
        out = with_segment(&out, 0xe2, &[ISO, &[0; 4]].concat());
    }
    if kind.xmp {
        out = with_segment(&out, 0xe1, &[XMP, directory.as_bytes()].concat());
    }
    if kind.index {
        let at = find(&out, &[0; 86]).unwrap();
        let offset = out.len() - at - 4;
        let index = index(&[(out.len(), 0), (map.len(), offset)]);
        out[at..at + 86].copy_from_slice(&index);
    }
    [&out[..], map].concat()
}

/// An index of pictures of these lengths, at these places.
pub fn index(pictures: &[(usize, usize)]) -> Vec<u8> {
    let mut out = b"MPF\0II*\0\x08\0\0\0\x03\0".to_vec();
    let mut field = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        out.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        out.extend(count.to_le_bytes());
        out.extend(value);
    };
    field(0xb000, 7, 4, *b"0100");
    field(0xb001, 4, 1, (pictures.len() as u32).to_le_bytes());
    field(0xb002, 7, 16 * pictures.len() as u32, 50u32.to_le_bytes());
    out.extend([0; 4]);
    for &(len, offset) in pictures {
        out.extend([0x0003_0000, len as u32, offset as u32, 0].map(u32::to_le_bytes).concat());
    }
    out
}

pub fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// The segments before the first scan, and where each begins.
pub fn segments(jpeg: &[u8]) -> Vec<(u8, usize, &[u8])> {
    let mut out = Vec::new();
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        assert_eq!(jpeg[at], 0xff);
        let len = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        out.push((jpeg[at + 1], at, &jpeg[at + 4..at + 2 + len]));
        at += 2 + len;
    }
    out
}

fn body<'a>(jpeg: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    segments(jpeg).into_iter().find_map(|(_, _, body)| body.strip_prefix(start))
}

/// What says so in a file that has a map, and both of its pictures.
pub struct Taken<'a> {
    pub picture: &'a [u8],
    pub map: &'a [u8],
    pub iso: Option<&'a [u8]>,
    pub xmp: Option<&'a str>,
}

/// Takes a file apart by its index, and checks all that is said of where things are; `None` where
/// nothing speaks of a map.
pub fn take(file: &[u8]) -> Option<Taken<'_>> {
    let Some(mpf) = find(file, b"MPF\0") else {
        for trace in [&b"21496"[..], b"hdr-gain-map", b"GainMap"] {
            assert!(find(file, trace).is_none(), "{}", trace.escape_ascii());
        }
        // Nothing is behind the end.
        let end = file.windows(2).position(|pair| pair == [0xff, 0xd9]).unwrap();
        assert_eq!(end + 2, file.len());
        return None;
    };
    let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let entries = mpf + 4 + 8 + 2 + 36 + 4;
    assert_eq!(&file[mpf + 4..mpf + 8], b"MM\0*");
    assert_eq!([number(entries), number(entries + 8), number(entries + 16)], [0x3_0000, 0, 0]);
    let (len, offset) = (number(entries + 20), number(entries + 24));
    let start = mpf + 4 + offset;
    assert_eq!((number(entries + 4), start + len), (start, file.len()));
    let (picture, map) = file.split_at(start);
    for jpeg in [picture, map] {
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
    }
    let (iso, xmp) = (body(map, ISO), body(map, XMP));
    assert_eq!(body(picture, ISO), iso.map(|_| &[0; 4][..]));
    if xmp.is_some() {
        let packet = std::str::from_utf8(body(picture, XMP).unwrap()).unwrap();
        assert!(packet.contains(&format!("Item:Length=\"{}\"", map.len())), "{packet}");
        assert_eq!(packet.matches("GainMap\"").count(), 1, "{packet}");
    }
    let xmp = xmp.map(|xmp| std::str::from_utf8(xmp).unwrap());
    Some(Taken { picture, map, iso, xmp })
}
