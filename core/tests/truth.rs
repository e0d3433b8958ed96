//! What is kept of metadata says nothing that is no longer so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::{Plan, ProfilePolicy, probe};
use proptest::prelude::*;

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// One entry of a directory of EXIF: tag, type, count and value, or what is its value elsewhere.
type Entry = (u16, u16, u32, Value);

#[derive(Clone)]
enum Value {
    Here([u8; 4]),
    There(Vec<u8>),
    /// Another directory of the block, by its number.
    Directory(usize),
}

/// Writes directories one after the other; the first links to the one of that number.
fn block(big_endian: bool, directories: &[Vec<Entry>], linked: Option<usize>) -> Vec<u8> {
    let two = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let four = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut starts = Vec::new();
    let mut heap = 8;
    for directory in directories {
        starts.push(heap);
        heap += 2 + 12 * directory.len() + 4;
    }
    let mut out = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    out.extend(four(8));
    let mut values: Vec<u8> = Vec::new();
    for (number, directory) in directories.iter().enumerate() {
        out.extend(two(directory.len() as u16));
        for (tag, kind, count, value) in directory {
            out.extend(two(*tag));
            out.extend(two(*kind));
            out.extend(four(*count));
            match value {
                Value::Here(bytes) => out.extend(bytes),
                Value::There(bytes) => {
                    out.extend(four((heap + values.len()) as u32));
                    values.extend(bytes);
                }
                Value::Directory(number) => out.extend(four(starts[*number] as u32)),
            }
        }
        let next = linked.filter(|_| number == 0).map_or(0, |linked| starts[linked]);
        out.extend(four(next as u32));
    }
    out.extend(values);
    out
}

/// A camera's block of a photo of 4000 x 3000 that lies on its side.
fn camera(big_endian: bool, thumbnail: &[u8], maker_note: &[u8]) -> Vec<u8> {
    let short = |n: u16| {
        let [a, b] = if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
        Value::Here([a, b, 0, 0])
    };
    let long = |n: u32| Value::Here(if big_endian { n.to_be_bytes() } else { n.to_le_bytes() });
    let text = |text: &[u8]| (text.len() as u32, Value::There(text.to_vec()));
    let (make_len, make) = text(b"Camera Works\0");
    let (name_len, name) = text(b"Ann Other\0");
    let first = vec![
        (0x0100, 4, 1, long(4000)),
        (0x0101, 4, 1, long(3000)),
        (0x010f, 2, make_len, make),
        (0x0112, 3, 1, short(6)),
        (0x013b, 2, name_len, name),
        (0x8769, 4, 1, Value::Directory(1)),
        (0x8825, 4, 1, Value::Directory(2)),
    ];
    let exif = vec![
        (0x9214, 3, 4, Value::There(vec![0x5a; 8])),
        (0x927c, 7, maker_note.len() as u32, Value::There(maker_note.to_vec())),
        (0xa001, 3, 1, short(65535)),
        (0xa002, 4, 1, long(4000)),
        (0xa003, 3, 1, short(3000)),
        (0xa005, 4, 1, Value::Directory(3)),
    ];
    let gps = vec![(0x0001, 2, 2, Value::Here(*b"N\0\0\0"))];
    let interoperability = vec![(0x0001, 2, 4, Value::Here(*b"R03\0")), (0x1001, 4, 1, long(4000))];
    let second = vec![
        (0x0103, 3, 1, short(6)),
        (0x0112, 3, 1, short(6)),
        (0x0201, 4, 1, long(0)),
        (0x0202, 4, 1, long(thumbnail.len() as u32)),
    ];
    let directories = [first, exif, gps, interoperability, second];
    let mut out = block(big_endian, &directories, Some(4));
    out.extend(thumbnail);
    out
}

/// The value of a tag in the block that stands in a JPEG, wherever its directory is.
fn values(tiff: &[u8], wanted: u16) -> Vec<u32> {
    let big_endian = tiff.starts_with(b"MM");
    let number = |at: usize, len: usize| {
        let bytes = tiff[at..at + len].iter().map(|&byte| u32::from(byte));
        let join = |sum: u32, byte: u32| sum << 8 | byte;
        if big_endian { bytes.fold(0, join) } else { bytes.rev().fold(0, join) }
    };
    let mut todo = vec![number(4, 4) as usize];
    let mut found = Vec::new();
    while let Some(at) = todo.pop() {
        let count = number(at, 2) as usize;
        for entry in (0..count).map(|index| at + 2 + 12 * index) {
            let value = number(entry + 8, if number(entry + 2, 2) == 3 { 2 } else { 4 });
            match number(entry, 2) as u16 {
                0x8769 | 0x8825 | 0xa005 => todo.push(value as usize),
                tag if tag == wanted => found.push(value),
                _ => {}
            }
        }
        if let next @ 1.. = number(at + 2 + 12 * count, 4) {
            todo.push(next as usize);
        }
    }
    found
}

/// The block of an output.
fn block_of(jpeg: &[u8]) -> Vec<u8> {
    let at = jpeg.windows(6).position(|bytes| bytes == b"Exif\0\0").unwrap();
    let len = usize::from(u16::from_be_bytes([jpeg[at - 2], jpeg[at - 1]]));
    jpeg[at + 6..at - 2 + len].to_vec()
}

fn with_exif(tiff: &[u8]) -> Vec<u8> {
    let photo = jpeg(&photo(200, 140), 90, Subsamp::Sub2x2, false);
    with_segment(&photo, 0xe1, &[b"Exif\0\0", tiff].concat())
}

#[test]
fn exif_says_what_is_so() {
    let thumbnail = jpeg(&photo(40, 30), 50, Subsamp::Sub2x2, false);
    for big_endian in [false, true] {
        let source = with_exif(&camera(big_endian, &thumbnail, b"MAKER plain note"));
        for (params, width, height) in
            [("w=50", 50, 71), ("w=60,h=60,fit=crop", 60, 60), ("w=30,h=90,fit=pad", 30, 90)]
        {
            let out = transform(&source, &plan(&format!("{params},metadata=keep,f=jpeg"))).unwrap();
            let tiff = block_of(&out);
            for (tag, expected) in [
                (0x0100, vec![width]),
                (0x0101, vec![height]),
                (0xa002, vec![width]),
                (0xa003, vec![height]),
                (0x1001, vec![width]),
                (0x0112, vec![1]),
                (0x0201, vec![]),
                (0x9214, vec![]),
            ] {
                assert_eq!(values(&tiff, tag), expected, "{params} {tag:x}");
            }
            assert!(!contains(&out, &thumbnail[200..300]), "{params}");
            assert!(contains(&tiff, b"Camera Works") && contains(&tiff, b"Ann Other"));
            assert!(contains(&tiff, b"N\0\0\0"), "the position, as all is kept");
            assert!(!contains(&tiff, &[0x5a; 8]));
            // Where makers' notes are is where they were.
            let at = |tiff: &[u8]| tiff.windows(5).position(|bytes| bytes == b"MAKER").unwrap();
            assert_eq!(at(&tiff), at(&block_of(&source)));
        }
        let upright = Plan { orient: false, ..plan("w=50,metadata=keep,f=jpeg") };
        let tiff = block_of(&transform(&source, &upright).unwrap());
        assert_eq!(values(&tiff, 0x0112), [6]);
        assert_eq!((values(&tiff, 0xa002), values(&tiff, 0xa003)), (vec![50], vec![35]));
    }
}

#[test]
fn previews_in_makers_notes_go() {
    let preview = [&b"NOTE"[..], &jpeg(&photo(40, 30), 50, Subsamp::Sub2x2, false)].concat();
    let out = transform(&with_exif(&camera(false, b"", &preview)), &plan("w=50,metadata=keep"));
    let out = out.unwrap();
    assert!(!contains(&out, b"NOTE") && contains(&out, b"Camera Works"));
}

fn grey_profile() -> Vec<u8> {
    moxcms::ColorProfile::new_gray_with_gamma(1.0).encode().unwrap()
}

#[test]
fn colours_are_those_that_were_made() {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let source = with_segment(
        &with_exif(&camera(true, b"", b"12345")),
        0xe2,
        &[b"ICC_PROFILE\0\x01\x01", &p3[..]].concat(),
    );
    let tiff = block_of(&transform(&source, &plan("w=50,metadata=keep")).unwrap());
    assert_eq!(values(&tiff, 0xa001), [1]);
    assert!(contains(&tiff, b"R98\0"));
    // A profile that does not go with the pixels is one that they were converted by.
    let made = |source: &[u8], params: &str| {
        let plan = Plan { profile: ProfilePolicy::Keep, ..plan(params) };
        transform(source, &plan).unwrap()
    };
    assert_eq!(values(&block_of(&made(&source, "w=50,metadata=keep")), 0xa001), [65535]);
    let grey = with_segment(
        &with_segment(
            &jpeg(&photo(200, 140), 90, Subsamp::Gray, false),
            0xe1,
            &[b"Exif\0\0", &*camera(true, b"", b"12345")].concat(),
        ),
        0xe2,
        &[b"ICC_PROFILE\0\x01\x01", &grey_profile()[..]].concat(),
    );
    assert_eq!(values(&block_of(&made(&grey, "w=50,metadata=keep")), 0xa001), [65535]);
    let webp = made(&grey, "w=50,metadata=keep,f=webp");
    let at = webp.windows(4).position(|bytes| bytes == b"MM\0*").unwrap();
    assert_eq!(values(&webp[at..], 0xa001), [1]);
    // And one that can't be read changes nothing.
    let plain = with_exif(&camera(true, b"", b"12345"));
    let broken =
        with_segment(&plain, 0xe2, &[b"ICC_PROFILE\0\x01\x01", &p3[..p3.len() / 2]].concat());
    for source in [plain, broken] {
        let tiff = block_of(&transform(&source, &plan("w=50,metadata=keep")).unwrap());
        assert_eq!(values(&tiff, 0xa001), [65535]);
    }
}

fn with_xmp(packet: &str) -> Vec<u8> {
    let photo = jpeg(&photo(200, 140), 90, Subsamp::Sub2x2, false);
    let body = [b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat();
    with_segment(&photo, 0xe1, &body)
}

fn kept_xmp(packet: &str) -> Option<String> {
    let out = transform(&with_xmp(packet), &plan("w=50,metadata=keep")).unwrap();
    const START: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
    let at = out.windows(START.len()).position(|bytes| bytes == START)?;
    let len = usize::from(u16::from_be_bytes([out[at - 2], out[at - 1]]));
    Some(String::from_utf8(out[at + START.len()..at - 2 + len].to_vec()).unwrap())
}

/// A packet of one description with that inside the tag and that inside the element.
fn packet(attributes: &str, elements: &str) -> String {
    format!(
        "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?>\n<x:xmpmeta \
         xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
         xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description \
         rdf:about=\"\" {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>\n   \
         <?xpacket end='w'?>"
    )
}

/// Namespaces and the properties there that say what is no longer so.
const LIES: &[(&str, &str)] = &[
    ("http://ns.adobe.com/tiff/1.0/", "Orientation"),
    ("http://ns.adobe.com/tiff/1.0/", "ImageWidth"),
    ("http://ns.adobe.com/tiff/1.0/", "ImageLength"),
    ("http://ns.adobe.com/exif/1.0/", "PixelXDimension"),
    ("http://ns.adobe.com/exif/1.0/", "PixelYDimension"),
    ("http://ns.adobe.com/xap/1.0/", "Thumbnails"),
    ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP"),
    ("http://ns.adobe.com/hdr-gain-map/1.0/", "Version"),
    ("http://ns.apple.com/HDRGainMap/1.0/", "HDRGainMapVersion"),
    ("http://ns.google.com/photos/1.0/container/", "Directory"),
    ("http://ns.google.com/photos/1.0/container/item/", "Length"),
    ("http://ns.google.com/photos/1.0/camera/", "MotionPhoto"),
    ("http://ns.google.com/photos/1.0/camera/", "MicroVideoOffset"),
    ("http://ns.google.com/photos/1.0/depthmap/", "Data"),
    ("http://ns.google.com/photos/1.0/panorama/", "FullPanoWidthPixels"),
    ("http://www.metadataworkinggroup.com/schemas/regions/", "Regions"),
    ("http://purl.org/dc/terms/", "provenance"),
    ("http://purl.org/dc/elements/1.1/", "format"),
];

#[test]
fn xmp_in_every_form_and_by_every_prefix() {
    let rest = "xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" \
        xmp:Rating='5' xmp:Label='say \"x\"'";
    let rights = "<dc:rights><rdf:Alt><rdf:li xml:lang=\"x-default\">(c) &amp; Ann</rdf:li></rdf:Alt></dc:rights>";
    for &(space, name) in LIES {
        for prefix in ["tiff", "n1", "xmpx"] {
            let bound = format!("{rest} xmlns:{prefix}=\"{space}\"");
            let forms = [
                packet(&format!("{bound} {prefix}:{name}=\"LIE\""), rights),
                packet(&format!("{bound} {prefix}:{name} = 'LIE' "), rights),
                packet(&bound, &format!("<{prefix}:{name}>LIE</{prefix}:{name}>{rights}")),
                packet(
                    &bound,
                    &format!(
                        "{rights}<{prefix}:{name} rdf:parseType=\"Resource\"><rdf:Seq><rdf:li>\
                         LIE<{prefix}:{name}/></rdf:li></rdf:Seq></{prefix}:{name}>"
                    ),
                ),
                packet(rest, &format!("{rights}<{name} xmlns=\"{space}\">LIE</{name}>")),
                packet(rest, &format!("{rights}<q:{name} xmlns:q='{space}' q:x='LIE'/>")),
            ];
            for form in forms {
                let kept = kept_xmp(&form).unwrap();
                assert!(!kept.contains("LIE") && !kept.contains(&format!(":{name}")), "{kept}");
                assert!(kept.contains(rights) && kept.contains("xmp:Rating="), "{kept}");
                assert!(kept.contains("'say \"x\"'"), "{kept}");
                assert!(kept.ends_with("<?xpacket end='w'?>"), "{kept}");
            }
        }
    }
    // The same names elsewhere say something else.
    let other = packet(
        "xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" tiff:Make=\"Camera Works\" \
         xmlns:o=\"http://example.com/\" o:Orientation=\"north\"",
        "<o:PixelXDimension>7</o:PixelXDimension>",
    );
    assert_eq!(kept_xmp(&other).unwrap(), other);
}

#[test]
fn xmp_that_is_not_well_formed_goes() {
    for wrong in [
        "<a><b></a>",
        "<a",
        "<a>",
        "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        "<a b=c/>",
        &format!("{}{}", "<a>".repeat(1000), "</a>".repeat(1000)),
    ] {
        assert_eq!(kept_xmp(wrong), None, "{wrong}");
    }
    let spaces: String = (0..5000).map(|i| format!(" xmlns:n{i}='u'")).collect();
    assert_eq!(kept_xmp(&format!("<a{spaces}/>")), None);
}

#[test]
fn what_speaks_of_other_parts_of_the_file_goes() {
    let packet =
        packet("xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" hdrgm:Version=\"1.0\"", "");
    let mut source = with_xmp(&packet);
    for (marker, body) in [
        (0xe2, &b"MPF\0II*\0"[..]),
        (0xe2, b"urn:iso:std:iso:ts:21496:-1\0"),
        (0xeb, b"JP\0\x01jumbc2pa"),
        (0xed, b"Photoshop 3.0\08BIM\x04\x0c\0\0\0\0\0\0"),
        (0xe1, b"http://ns.adobe.com/xmp/extension/\0abc"),
    ] {
        source = with_segment(&source, marker, body);
    }
    let second = source.clone();
    source.extend(second);
    let out = transform(&source, &plan("w=50,metadata=keep")).unwrap();
    for gone in [&b"hdr-gain-map"[..], b"MPF\0", b"21496", b"c2pa", b"8BIM", b"extension"] {
        assert!(!contains(&out, gone), "{}", gone.escape_ascii());
    }
    assert_eq!(probe(&out).unwrap().width, 50);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn hostile_exif_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        big_endian in any::<bool>(),
    ) {
        let mut tiff = camera(big_endian, &[7; 300], b"MAKER");
        for (at, byte) in changes {
            let at = at.index(tiff.len());
            tiff[at] = byte;
        }
        tiff.truncate(tiff.len() - cut.index(tiff.len()) / 4);
        let out = transform(&with_exif(&tiff), &plan("w=20,metadata=keep")).unwrap();
        prop_assert_eq!(probe(&out).unwrap().orientation, 1);
    }

    #[test]
    fn hostile_xmp_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut packet = packet("xmlns:t='http://ns.adobe.com/tiff/1.0/' t:Orientation='6'", "<t:x/>")
            .into_bytes();
        for (at, byte) in changes {
            let at = at.index(packet.len());
            packet[at] = byte;
        }
        let photo = jpeg(&photo(40, 30), 90, Subsamp::Sub2x2, false);
        let body = [&b"http://ns.adobe.com/xap/1.0/\0"[..], &packet].concat();
        let source = with_segment(&photo, 0xe1, &body);
        transform(&source, &plan("w=20,metadata=keep")).unwrap();
    }
}
