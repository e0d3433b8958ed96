//! Profiles and metadata, in and out of every container that has them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::sync::LazyLock;

use common::*;
use image_gate_core::image::{MetadataPolicy, Plan, ProfilePolicy, probe};
use moxcms::ColorProfile;

const XMP: &[u8] =
    b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\
    <dc:rights>(c)</dc:rights></x:xmpmeta>";

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The photo in each container, with an EXIF orientation, XMP, and a profile.
fn sources(profile: &[u8]) -> [Vec<u8>; 3] {
    let picture = photo(200, 140);
    let jpeg = with_segment(
        &with_segment(
            &with_orientation(&jpeg(&picture, 95, Subsamp::None, false), 6),
            0xe1,
            &[b"http://ns.adobe.com/xap/1.0/\0", XMP].concat(),
        ),
        0xe2,
        &[b"ICC_PROFILE\0\x01\x01", profile].concat(),
    );

    let mut png = Vec::new();
    let mut info = png::Info::with_size(200, 140);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = Some(profile.into());
    info.exif_metadata = Some(exif(6).into());
    let mut encoder = png::Encoder::with_info(&mut png, info).unwrap();
    let text = String::from_utf8(XMP.to_vec()).unwrap();
    encoder.add_itxt_chunk("XML:com.adobe.xmp".to_owned(), text).unwrap();
    encoder.write_header().unwrap().write_image_data(&picture.rgb()).unwrap();

    let still = webp_lossless(&picture);
    let chunk = |kind: &[u8; 4], body: &[u8]| {
        let mut out = kind.to_vec();
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out.resize(out.len().next_multiple_of(2), 0);
        out
    };
    let mut body = b"WEBP".to_vec();
    body.extend(chunk(b"VP8X", &[0x2c, 0, 0, 0, 199, 0, 0, 139, 0, 0]));
    body.extend(chunk(b"ICCP", profile));
    body.extend(&still[12..]);
    body.extend(chunk(b"EXIF", &exif(6)));
    body.extend(chunk(b"XMP ", XMP));
    [jpeg, png, chunk(b"RIFF", &body)]
}

/// Display P3, the same bytes each time: the encoder writes the time into them.
fn p3() -> Vec<u8> {
    static BYTES: LazyLock<Vec<u8>> =
        LazyLock::new(|| ColorProfile::new_display_p3().encode().unwrap());
    BYTES.clone()
}

fn srgb() -> Vec<u8> {
    ColorProfile::new_srgb().encode().unwrap()
}

#[test]
fn everything_is_found() {
    for source in sources(&p3()) {
        let info = probe(&source).unwrap();
        assert_eq!(info.orientation, 6, "{:?}", info.format);
        assert!(info.has_profile, "{:?}", info.format);
    }
}

/// What the flags of a WebP don't announce is not there, as browsers and libwebp see it.
#[test]
fn what_a_webp_does_not_announce_does_not_count() {
    let [_, _, webp] = sources(&p3());
    assert_eq!(&webp[12..16], b"VP8X");
    for flags in [0, 0x20, 0x08, 0x04, 0x2c] {
        let mut source = webp.clone();
        source[20] = flags;
        let info = probe(&source).unwrap();
        assert_eq!(info.orientation, if flags & 0x08 == 0 { 1 } else { 6 }, "{flags:#x}");
        assert_eq!(info.has_profile, flags & 0x20 != 0, "{flags:#x}");
        // Nor does it come back when a file is made of its parts.
        for metadata in [MetadataPolicy::Strip, MetadataPolicy::Copyright, MetadataPolicy::Keep] {
            let plan = Plan { profile: ProfilePolicy::Keep, metadata, ..plan("f=webp") };
            let out = transform(&source, &plan).unwrap();
            assert_eq!(probe(&out).unwrap().has_profile, flags & 0x20 != 0, "{flags:#x}");
            let names_author = flags & 0x08 != 0 && metadata != MetadataPolicy::Strip;
            if metadata != MetadataPolicy::Keep {
                assert_eq!(contains(&out, b"Ann Other"), names_author, "{flags:#x}");
            }
        }
    }
}

#[test]
fn strip_leaves_nothing() {
    for source in sources(&p3()) {
        for format in ["jpeg", "png", "gif", "webp"] {
            let out = transform(&source, &plan(&format!("w=50,f={format}"))).unwrap();
            let info = probe(&out).unwrap();
            assert!(info.orientation == 1 && !info.has_profile);
            for needle in [&b"Ann Other"[..], b"GPSN", b"xmpmeta", b"acsp", b"Exif"] {
                assert!(!contains(&out, needle), "{format}");
            }
        }
    }
}

#[test]
fn copyright_keeps_names_and_no_position() {
    for source in sources(&p3()) {
        for format in ["jpeg", "png", "webp"] {
            let plan = plan(&format!("w=50,metadata=copyright,f={format}"));
            let out = transform(&source, &plan).unwrap();
            assert!(contains(&out, b"Ann Other") && contains(&out, b"(c) 2024 AO"), "{format}");
            assert!(!contains(&out, b"GPSN") && !contains(&out, b"xmpmeta"), "{format}");
            assert_eq!(probe(&out).unwrap().orientation, 1);
            // What came out can go in.
            let again = transform(&out, &Plan { rotate: plan.rotate, ..plan }).unwrap();
            assert!(contains(&again, b"Ann Other"), "{format}");
        }
    }
}

#[test]
fn copyright_is_found_in_xmp_and_iptc() {
    let photo = jpeg(&photo(100, 80), 90, common::Subsamp::Sub2x2, false);
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<dc:rights><rdf:Alt><rdf:li>(c) in XMP</rdf:li>\
        </rdf:Alt></dc:rights>GPSN";
    let iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0f\x1c\x02\x50\0\x0aAnn Author\0";
    let source = with_segment(&with_segment(&photo, 0xe1, xmp), 0xed, iptc);
    for params in ["w=50,f=jpeg", "w=50,f=png", "w=50,f=webp", "f=jpeg"] {
        let out = transform(&source, &plan(&format!("{params},metadata=copyright"))).unwrap();
        assert!(contains(&out, b"(c) in XMP") && contains(&out, b"Ann Author"), "{params}");
        assert!(!contains(&out, b"GPSN") && !contains(&out, b"8BIM"), "{params}");
    }
    // What has but IPTC does not go out with the rest of it either.
    let source = with_segment(&photo, 0xed, iptc);
    let out = transform(&source, &plan("metadata=copyright")).unwrap();
    assert!(contains(&out, b"Ann Author") && !contains(&out, b"8BIM"));
}

/// As other programs write them: references, sections, prefixes of their own, attributes, several authors.
#[test]
fn copyright_is_found_however_xmp_says_it() {
    let photo = jpeg(&photo(100, 80), 90, common::Subsamp::Sub2x2, false);
    let dc = "http://purl.org/dc/elements/1.1/";
    for (said, author, rights) in [
        (
            "<d:creator><r:Seq><r:li>Sinead O&#39;Connor</r:li><r:li>B &amp; C</r:li></r:Seq></d:creator>\
             <d:rights><r:Alt><r:li xml:lang='x-default'>&#xA9; 2024</r:li><r:li>(c)</r:li></r:Alt></d:rights>",
            "Sinead O'Connor; B & C\0",
            "\u{a9} 2024\0",
        ),
        (
            "<!-- <d:creator>X</d:creator> --><d:creator><r:Bag><r:li><![CDATA[A & B]]></r:li></r:Bag></d:creator>\
             <d:rights>\n  all of them\n</d:rights>",
            "A & B\0",
            "all of them\0",
        ),
        ("<r:Description d:creator='A &quot;B&quot;' d:rights=' r '/>", "A \"B\"\0", "r\0"),
        (
            "<d:creator><r:Seq><r:li/></r:Seq></d:creator><d:creator>A</d:creator><d:rights/>\
             <x:other><d:rights>another's</d:rights></x:other><r:Description><d:rights><r:Alt>\
             <r:li r:parseType='Resource'><r:value>R</r:value><x:by>me</x:by></r:li></r:Alt></d:rights>\
             </r:Description>",
            "A\0",
            "R\0",
        ),
    ] {
        let packet = format!(
            "http://ns.adobe.com/xap/1.0/\0<?xpacket begin='\u{feff}'?><x:xmpmeta xmlns:x='adobe:ns:meta/' \
             xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:d='{dc}'>{said}</x:xmpmeta>"
        );
        let source = with_segment(&photo, 0xe1, packet.as_bytes());
        for params in ["w=50,f=jpeg", "w=50,f=webp", "f=jpeg"] {
            let out = transform(&source, &plan(&format!("{params},metadata=copyright"))).unwrap();
            assert!(contains(&out, author.as_bytes()), "{params} {author}");
            assert!(contains(&out, rights.as_bytes()), "{params} {rights}");
        }
    }
    // Of another name it is something else.
    let packet =
        "http://ns.adobe.com/xap/1.0/\0<x xmlns:dc='urn:other'><dc:rights>R1</dc:rights></x>";
    let out =
        transform(&with_segment(&photo, 0xe1, packet.as_bytes()), &plan("metadata=copyright"));
    assert!(!contains(&out.unwrap(), b"R1"));
}

/// A directory of texts, each of that type.
fn texts(kind: u8, texts: [(u16, &[u8]); 2]) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    let mut heap = Vec::new();
    for (tag, text) in texts {
        let at = 8 + 2 + 2 * 12 + 4 + heap.len() as u32;
        tiff.extend(tag.to_le_bytes());
        tiff.extend([kind, 0]);
        tiff.extend((text.len() as u32).to_le_bytes());
        tiff.extend(at.to_le_bytes());
        heap.extend(text);
    }
    tiff.extend([0; 4]);
    [tiff, heap].concat()
}

/// Cameras whose owner has given no name write spaces; Exif 3.0 has texts in UTF-8.
#[test]
fn a_blank_text_is_none_and_one_in_utf8_is_one() {
    let photo = jpeg(&photo(100, 80), 90, common::Subsamp::Sub2x2, false);
    let iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x1d\x1c\x02\x50\0\x05Ann \xc4\
        \x1c\x02\x50\0\x03Bob\x1c\x02\x74\0\x06(c) AB\0";
    let exif = |kind, author: &'static [u8], rights: &'static [u8]| {
        let tiff = texts(kind, [(0x013b, author), (0x8298, rights)]);
        with_segment(&photo, 0xe1, &[b"Exif\0\0", &*tiff].concat())
    };
    for params in ["w=50,f=jpeg,", "w=50,f=avif,", "f=jpeg,"] {
        let made = |source: &[u8], metadata: &str| {
            transform(source, &plan(&format!("{params}metadata={metadata}"))).unwrap()
        };
        let blank = with_segment(&exif(2, b"       \0", b"   \0\0\0\0\0"), 0xed, iptc);
        let out = made(&blank, "copyright");
        assert!(contains(&out, "Ann \u{c4}; Bob\0".as_bytes()) && contains(&out, b"(c) AB\0"));
        let named = exif(129, "Ann \u{c4}nder\0".as_bytes(), "\u{a9} Ann\0".as_bytes());
        for metadata in ["copyright", "keep"] {
            let out = made(&named, metadata);
            assert!(contains(&out, "Ann \u{c4}nder\0".as_bytes()), "{params}{metadata}");
            assert!(contains(&out, "\u{a9} Ann\0".as_bytes()), "{params}{metadata}");
        }
        // What has no place in another container becomes Exif.
        let out = made(&with_segment(&photo, 0xed, iptc), "keep");
        assert!(contains(&out, b"(c) AB"), "{params}");
    }
}

#[test]
fn marks_of_the_order_of_bytes_leave_nothing_of_what_goes() {
    let packet = "<x:xmpmeta xmlns:x='adobe:ns:meta/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'>\
        <xmp:Thumbnails>GPSN</xmp:Thumbnails><a b='c'/></x:xmpmeta>";
    let photo = jpeg(&photo(100, 80), 90, common::Subsamp::Sub2x2, false);
    let make = |packet: &str| {
        let xmp = [&b"http://ns.adobe.com/xap/1.0/\0"[..], packet.as_bytes()].concat();
        transform(&with_segment(&photo, 0xe1, &xmp), &plan("w=50,metadata=keep")).unwrap()
    };
    for packet in [packet, &packet.replace("Thumbnails", "Other")] {
        let plain = make(packet);
        assert!(contains(&plain, b"/'><a b='c'/></x:xmpmeta>") || contains(&plain, b"xmp:Other"));
        assert_ne!(contains(&plain, b"GPSN"), contains(&plain, b"/'><a b"));
        for marks in ["\u{feff}", "\u{feff}\u{feff}"] {
            assert!(make(&[marks, packet].concat()) == plain);
        }
    }
}

#[test]
fn copyright_is_found_in_texts_of_png() {
    let plain = png(&photo(60, 40));
    let chunk = png_chunk;
    let insert = |chunks: &[u8]| [&plain[..33], chunks, &plain[33..]].concat();

    let author = chunk(b"tEXt", b"Author\0Ann \xc4rger");
    let rights = chunk(b"tEXt", b"Copyright\0(c) in text");
    let named = insert(&[author, rights].concat());

    let digits: Vec<String> = [b"Exif\0\0", &exif(1)[..]]
        .concat()
        .chunks(36)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let raw = format!("\nexif\n{:8}\n{}\n", digits.len(), digits.join("\n"));
    let packed = |text: &[u8]| {
        let level = flate2::Compression::default();
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), level);
        std::io::Write::write_all(&mut packed, text).unwrap();
        packed.finish().unwrap()
    };
    let ztxt = [b"Raw profile type exif\0\0", &*packed(raw.as_bytes())].concat();
    let international = [
        chunk(b"iTXt", "Author\0\0\0de\0Autor\0Ann \u{c4}rger".as_bytes()),
        chunk(b"iTXt", &[b"Copyright\0\x01\0\0\0", &*packed(b"(c) in text")].concat()),
    ];
    let compressed = [
        chunk(b"zTXt", &[b"Author\0\0", &*packed(b"Ann \xc4rger")].concat()),
        chunk(b"zTXt", &[b"Copyright\0\0", &*packed(b"(c) in text")].concat()),
    ];
    let packet = "<x:xmpmeta xmlns:x='adobe:ns:meta/' xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:creator>Ann \u{c4}rger</dc:creator>\
        <dc:rights>(c) in text</dc:rights></x:xmpmeta>";
    let packet = [b"XML:com.adobe.xmp\0\x01\0\0\0", &*packed(packet.as_bytes())].concat();
    let exif = [b"Exif\0\0", &*exif(1)].concat();
    let said = b"<x:xmpmeta xmlns:x='adobe:ns:meta/' xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:creator>Ann</dc:creator><dc:rights>(c) R</dc:rights></x:xmpmeta>";
    let said: String = said.iter().map(|byte| format!("{byte:02x}")).collect();
    let of_xmp = format!("\nxmp\n{:8}\n{said}\n", said.len() / 2).into_bytes();
    let text = [b"Raw profile type APP1\0", raw.as_bytes()].concat();
    for (source, author, rights) in [
        (named, "Ann Ärger", "(c) in text"),
        (insert(&international.concat()), "Ann Ärger", "(c) in text"),
        (insert(&compressed.concat()), "Ann Ärger", "(c) in text"),
        (insert(&chunk(b"iTXt", &packet)), "Ann Ärger", "(c) in text"),
        (insert(&chunk(b"eXIf", &exif)), "Ann Other", "(c) 2024 AO"),
        (insert(&chunk(b"tEXt", &[b"Raw profile type xmp\0", &*of_xmp].concat())), "Ann", "(c) R"),
        (insert(&chunk(b"zTXt", &ztxt)), "Ann Other", "(c) 2024 AO"),
        (insert(&chunk(b"tEXt", &text)), "Ann Other", "(c) 2024 AO"),
    ] {
        for params in ["", "w=20,", "f=jpeg,"] {
            let out = transform(&source, &plan(&format!("{params}metadata=copyright"))).unwrap();
            assert!(contains(&out, author.as_bytes()) && contains(&out, rights.as_bytes()));
            assert!(!contains(&out, b"GPSN") && !contains(&out, b"Raw profile"), "{params}");
        }
    }
}

#[test]
fn keep_keeps_all_but_the_orientation_that_was_applied() {
    for source in sources(&p3()) {
        for format in ["jpeg", "png", "webp"] {
            let plan = plan(&format!("w=50,metadata=keep,f={format}"));
            let out = transform(&source, &plan).unwrap();
            for needle in [&b"Ann Other"[..], b"GPSN", XMP] {
                assert!(contains(&out, needle), "{format}");
            }
            assert_eq!(probe(&out).unwrap().orientation, 1, "{format}");

            let out = transform(&source, &Plan { orient: false, ..plan }).unwrap();
            assert_eq!(probe(&out).unwrap().orientation, 6, "{format}");
        }
    }
}

/// A sequence has its metadata beside its tracks.
#[test]
fn what_moves_keeps_its_metadata_too() {
    let mut still = Vec::new();
    let mut info = png::Info::with_size(64, 48);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info.exif_metadata = Some(exif(1).into());
    let mut encoder = png::Encoder::with_info(&mut still, info).unwrap();
    encoder.set_animated(3, 0).unwrap();
    let text = String::from_utf8(XMP.to_vec()).unwrap();
    encoder.add_itxt_chunk("XML:com.adobe.xmp".to_owned(), text).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for value in [0, 100, 200] {
        writer.write_image_data(&[value; 64 * 48 * 3]).unwrap();
    }
    writer.finish().unwrap();
    let moving = transform(&still, &plan("metadata=keep,f=avif")).unwrap();
    assert_eq!(probe(&moving).unwrap().frames, 3);
    for format in ["avif", "webp", "png"] {
        let made = |policy: &str| {
            let plan = plan(&format!("w=32,metadata={policy},f={format}"));
            let out = transform(&moving, &plan).unwrap();
            assert_eq!(probe(&out).unwrap().frames, 3, "{format} {policy}");
            [&b"Ann Other"[..], b"GPSN", XMP].map(|needle| contains(&out, needle))
        };
        assert_eq!(made("keep"), [true, true, true], "{format}");
        let [name, position, _] = made("copyright");
        assert_eq!((name, position), (true, false), "{format}");
        assert_eq!(made("strip"), [false; 3], "{format}");
    }
}

#[test]
fn a_profile_is_converted_kept_or_dropped() {
    for source in sources(&p3()) {
        let dropped = Plan { profile: ProfilePolicy::Strip, ..plan("w=50,f=png") };
        let dropped = transformed(&source, &dropped);
        let converted = transformed(&source, &plan("w=50,f=png"));
        let kept_plan = Plan { profile: ProfilePolicy::Keep, ..plan("w=50,f=png") };
        let kept = transform(&source, &kept_plan).unwrap();
        assert_eq!(decode(&kept), dropped);
        assert!(probe(&kept).unwrap().has_profile);
        assert!(psnr(&converted, &dropped) < 40.0);

        // The converted pixels are those that the profile gives.
        let profile = ColorProfile::new_from_slice(&p3()).unwrap();
        let transform = profile
            .create_transform_8bit(
                moxcms::Layout::Rgba,
                &ColorProfile::new_srgb(),
                moxcms::Layout::Rgba,
                moxcms::TransformOptions::default(),
            )
            .unwrap();
        let mut expected = dropped.clone();
        transform.transform(dropped.rgba(), expected.pixels.as_flattened_mut()).unwrap();
        assert!(psnr(&converted, &expected) > 48.0);
    }
}

#[test]
fn every_container_can_keep_a_profile() {
    let keep = |format: &str| Plan {
        profile: ProfilePolicy::Keep,
        metadata: MetadataPolicy::Keep,
        ..plan(&format!("w=50,f={format}"))
    };
    for source in sources(&p3()) {
        for format in ["jpeg", "png", "webp"] {
            let out = transform(&source, &keep(format)).unwrap();
            assert!(probe(&out).unwrap().has_profile, "{format}");
            let back = transform(&out, &keep("webp")).unwrap();
            assert!(contains(&back, &p3()), "{format}");
        }
        let out = transform(&source, &keep("gif")).unwrap();
        assert!(!contains(&out, b"acsp"));
    }
}

#[test]
fn a_profile_larger_than_a_segment_is_split_and_joined() {
    let mut profile = p3();
    profile.resize(150_000, 7);
    profile[..4].copy_from_slice(&150_000u32.to_be_bytes());
    let [_, png, _] = sources(&profile);
    let keep = |format: &str| Plan { profile: ProfilePolicy::Keep, ..plan(&format!("f={format}")) };
    let jpeg = transform(&png, &keep("jpeg")).unwrap();
    assert!(!contains(&jpeg, &profile));
    let webp = transform(&jpeg, &keep("webp")).unwrap();
    assert!(contains(&webp, &profile));
}

#[test]
fn what_fits_is_re_encoded_only_for_a_reason() {
    let [with_p3, ..] = sources(&p3());
    let [_, png_srgb, webp_srgb] = sources(&srgb());
    let upright = Plan { orient: false, ..Plan::default() };
    let upright = Plan { metadata: MetadataPolicy::Keep, ..upright };
    // A profile that is sRGB already.
    for source in [&png_srgb, &webp_srgb] {
        assert!(passes(source, &upright));
    }
    let big = jpeg(&photo(900, 700), 95, Subsamp::None, false);
    assert!(passes(&big, &Plan::default()));
    let keep = Plan { orient: true, ..upright.clone() };
    assert!(passes(&with_orientation(&big, 1), &keep));
    assert!(!passes(&with_orientation(&big, 3), &keep));
    assert!(passes(&with_orientation(&big, 3), &upright));

    // Another profile, unless it is to be kept.
    assert!(!passes(&with_p3, &upright));
    let [_, png_p3, _] = sources(&p3());
    assert!(!passes(&png_p3, &upright));
    let keep = Plan { profile: ProfilePolicy::Keep, ..upright.clone() };
    assert!(passes(&with_p3, &keep) && passes(&png_p3, &keep));
    let strip = Plan { profile: ProfilePolicy::Strip, ..upright.clone() };
    assert!(!passes(&png_srgb, &strip));
}

#[test]
fn a_broken_profile_is_ignored() {
    let expected = transformed(&sources(b"not a profile")[1], &plan("w=50,f=png"));
    let stripped = Plan { profile: ProfilePolicy::Strip, ..plan("w=50,f=png") };
    assert_eq!(expected, transformed(&sources(&p3())[1], &stripped));
    for source in sources(b"not a profile") {
        let kept = Plan { profile: ProfilePolicy::Keep, ..plan("w=50") };
        let out = transform(&source, &kept).unwrap();
        assert!(!probe(&out).unwrap().has_profile);
    }
}

#[test]
fn a_grey_profile_converts_grey() {
    let mut info = png::Info::with_size(2, 1);
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = Some(ColorProfile::new_gray_with_gamma(1.0).encode().unwrap().into());
    let mut source = Vec::new();
    png::Encoder::with_info(&mut source, info)
        .unwrap()
        .write_header()
        .unwrap()
        .write_image_data(&[55, 255])
        .unwrap();
    let out = transformed(&source, &Plan::default());
    assert!(out.at(0, 0)[0].abs_diff(127) <= 2 && out.at(1, 0)[0] == 255);
    // WebP has no grey, so that a grey profile can't be kept there.
    let keep = Plan { profile: ProfilePolicy::Keep, ..plan("f=webp") };
    let out = transform(&source, &keep).unwrap();
    assert!(!probe(&out).unwrap().has_profile);
    assert!(decode(&out).at(0, 0)[0].abs_diff(127) <= 8);
}
