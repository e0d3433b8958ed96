//! Metadata taken out of what goes out with its own pixels: nothing is left in any place that a
//! container has for it, and not a pixel changes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write as _;

use common::*;
use image_gate_codecs::avif;
use image_gate_core::image::{
    Control, Format, Limits, MetadataPolicy, Output, Plan, ProfilePolicy, prepare, probe,
};
use proptest::prelude::*;

/// What must not go out.
const SECRET: &[u8] = b"52.0937N,5.1214E";

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn stripping() -> Plan {
    Plan::default()
}

fn copyright() -> Plan {
    Plan { metadata: MetadataPolicy::Copyright, ..Plan::default() }
}

/// What goes out, which must not be made anew.
fn stripped(source: &[u8], plan: &Plan) -> Vec<u8> {
    let prepared = prepare(source, plan, &Limits::default()).unwrap();
    match prepared.run(&Control::default()).unwrap().output {
        Output::Stripped(bytes) => {
            assert!(prepared.memory() >= bytes.len() as u64);
            bytes
        }
        Output::Original => source.to_vec(),
        Output::Encoded(_) => panic!("made anew"),
    }
}

/// Strips a source that holds secrets, and holds the result against `plain`, the same without.
fn check(name: &str, source: &[u8], plain: &[u8]) {
    assert!(contains(source, SECRET), "{name}: nothing to find");
    for plan in [stripping(), copyright()] {
        let out = stripped(source, &plan);
        assert!(!contains(&out, SECRET), "{name}: {:?}", plan.metadata);
        assert_eq!(decode(&out), decode(plain), "{name}: pixels");
        assert!(passes(&out, &plan), "{name}: not stripped at once");
        if plan.metadata == MetadataPolicy::Strip {
            assert_eq!(out, plain, "{name}: not as without");
        }
    }
    let keep = Plan { metadata: MetadataPolicy::Keep, ..Plan::default() };
    assert!(passes(source, &keep), "{name}: kept");
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker], &len[..], body].concat()
}

/// Puts bytes at a place.
fn insert(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    [&file[..at], bytes, &file[at..]].concat()
}

fn find(file: &[u8], needle: &[u8]) -> usize {
    file.windows(needle.len()).position(|window| window == needle).unwrap()
}

/// What a directory of EXIF holds of the place.
fn exif_with_secret() -> Vec<u8> {
    [&exif(1)[..], SECRET].concat()
}

fn secret_segments() -> Vec<(&'static str, Vec<u8>)> {
    let body = |start: &[u8]| [start, SECRET].concat();
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>";
    let named: [(&str, u8, Vec<u8>); 13] = [
        ("exif", 0xe1, [&b"Exif\0\0"[..], &exif_with_secret()].concat()),
        ("xmp", 0xe1, body(xmp)),
        ("extended xmp", 0xe1, body(b"http://ns.adobe.com/xmp/extension/\0")),
        ("app1", 0xe1, body(b"")),
        ("jfxx", 0xe0, body(b"JFXX\0\x10")),
        ("mpf", 0xe2, body(b"MPF\0II*\0")),
        ("gain map", 0xe2, body(b"urn:iso:std:iso:ts:21496:-1\0")),
        ("flashpix", 0xe2, body(b"FPXR\0")),
        ("jumbf", 0xeb, body(b"JP\0\x01\0\0\0\x01")),
        ("photoshop", 0xed, body(b"Photoshop 3.0\08BIM\x04\x0c")),
        ("app15", 0xef, body(b"")),
        ("short adobe", 0xee, body(b"Adobf")),
        ("comment", 0xfe, body(b"")),
    ];
    named.into_iter().map(|(name, marker, body)| (name, segment(marker, &body))).collect()
}

/// Baseline and progressive, colour and grey.
fn jpegs() -> Vec<Vec<u8>> {
    let picture = photo(120, 80);
    vec![
        jpeg(&picture, 85, Subsamp::Sub2x2, false),
        jpeg(&picture, 85, Subsamp::None, true),
        jpeg(&picture, 85, Subsamp::Gray, false),
    ]
}

#[test]
fn jpeg_segments_anywhere() {
    for plain in jpegs() {
        let jfif = 2 + 18;
        let mut places = vec![2, jfif, find(&plain, b"\xff\xdb"), find(&plain, b"\xff\xc4")];
        // Before each scan.
        let scans = plain.windows(3).enumerate().filter(|(_, bytes)| bytes == b"\xff\xda\0");
        places.extend(scans.map(|(at, _)| at));
        places.push(plain.len() - 2);
        for (name, segment) in secret_segments() {
            for &at in &places {
                check(&format!("{name} at {at}"), &insert(&plain, at, &segment), &plain);
            }
        }
        let all: Vec<u8> = secret_segments().into_iter().flat_map(|(_, segment)| segment).collect();
        check("all of them", &insert(&plain, jfif, &all), &plain);
        check("bytes between segments", &insert(&plain, jfif, SECRET), &plain);
        check("behind the end", &[&plain[..], SECRET].concat(), &plain);
        let second = insert(&plain, 2, &segment(0xe1, &[&b"Exif\0\0"[..], SECRET].concat()));
        check("a second picture", &[plain.clone(), second].concat(), &plain);
        let film = [&plain[..], b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", SECRET].concat();
        check("a film", &film, &plain);
    }
}

#[test]
fn jpeg_thumbnail_in_jfif_and_more_than_adobe() {
    let [plain, ..] = &jpegs()[..] else { unreachable!() };
    let fixed = &plain[4 + 2..4 + 2 + 12];
    let thumbnail = segment(0xe0, &[fixed, &[2, 3], SECRET, &[0, 0]].concat());
    check("thumbnail", &[&plain[..2], &thumbnail, &plain[20..]].concat(), plain);

    let adobe = |rest: &[u8]| {
        let adobe = segment(0xee, &[b"Adobe\0\x64\0\0\0\0\x01", rest].concat());
        insert(plain, 20, &adobe)
    };
    check("behind Adobe", &adobe(SECRET), &adobe(b""));
    assert!(passes(&adobe(b""), &stripping()));
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// What is compressed is marked by what stands before it, so that it is found.
fn secret_chunks() -> Vec<(&'static str, Vec<u8>)> {
    let body = |start: &[u8]| [start, SECRET].concat();
    let packed = |start: &[u8]| [start, &zlib(SECRET), SECRET].concat();
    vec![
        ("tEXt", png_chunk(b"tEXt", &body(b"Comment\0"))),
        ("raw profile", png_chunk(b"zTXt", &packed(b"Raw profile type exif\0\0"))),
        ("raw app1", png_chunk(b"tEXt", &body(b"Raw profile type APP1\0"))),
        ("iTXt", png_chunk(b"iTXt", &body(b"XML:com.adobe.xmp\0\0\0\0\0"))),
        ("packed iTXt", png_chunk(b"iTXt", &packed(b"x\0\x01\0\0\0"))),
        ("eXIf", png_chunk(b"eXIf", &exif_with_secret())),
        ("tIME", png_chunk(b"tIME", SECRET)),
        ("c2pa", png_chunk(b"caBX", SECRET)),
        ("private", png_chunk(b"prVt", SECRET)),
        ("long pHYs", png_chunk(b"pHYs", SECRET)),
    ]
}

#[test]
fn png_chunks_anywhere() {
    let opaque = png(&photo(60, 40));
    let clear = png(&Picture::new(60, 40, |x, y| [x as u8, y as u8, 9, (x * 4) as u8]));
    for plain in [opaque, clear] {
        let (data, end) = (find(&plain, b"IDAT") - 4, plain.len() - 12);
        for (name, chunk) in secret_chunks() {
            for at in [33, data, end] {
                check(&format!("{name} at {at}"), &insert(&plain, at, &chunk), &plain);
            }
        }
        check("behind the end", &[&plain[..], SECRET].concat(), &plain);
        let in_end = [&plain[..end], &png_chunk(b"IEND", SECRET)].concat();
        check("in the end", &in_end, &plain);
        // What colours, sizes and the background are stays.
        let needed = [
            png_chunk(b"gAMA", &45455u32.to_be_bytes()),
            png_chunk(b"sRGB", &[0]),
            png_chunk(b"pHYs", &[0, 0, 11, 19, 0, 0, 11, 19, 1]),
        ];
        assert!(passes(&insert(&plain, 33, &needed.concat()), &stripping()));
    }
}

#[test]
fn png_chunks_that_are_one_too_many() {
    let plain = png(&photo(60, 40));
    let (data, end) = (find(&plain, b"IDAT") - 4, plain.len() - 12);
    // What is no frame, no palette and no profile, but has their names.
    for kind in [b"fdAT", b"fcTL", b"cHRM", b"tRNS", b"bKGD", b"sBIT", b"iCCP"] {
        for at in [33, data, end] {
            let name = format!("{} at {at}", kind.escape_ascii());
            check(&name, &insert(&plain, at, &png_chunk(kind, SECRET)), &plain);
        }
    }
    let packed = [b"x\0\0", SECRET].concat();
    check("no profile", &insert(&plain, 33, &png_chunk(b"iCCP", &packed)), &plain);
    let profile = moxcms::ColorProfile::new_srgb().encode().unwrap();
    let profile = png_chunk(b"iCCP", &[b"x\0\0", &zlib(&profile)[..]].concat());
    let with_profile = insert(&plain, 33, &profile);
    assert!(passes(&with_profile, &stripping()));
    let second = insert(&with_profile, 33 + profile.len(), &png_chunk(b"iCCP", &packed));
    check("a second profile", &second, &with_profile);
    for (kind, at) in [(b"IHDR", data), (b"PLTE", end), (b"tRNS", end), (b"acTL", end)] {
        let name = format!("{} again or late", kind.escape_ascii());
        check(&name, &insert(&plain, at, &png_chunk(kind, SECRET)), &plain);
    }
    // What stands behind the pixels under their name, with another chunk before it.
    let apart = [png_chunk(b"tIME", &[7; 7]), png_chunk(b"IDAT", SECRET)].concat();
    let plan = stripping();
    let source = insert(&plain, end, &apart);
    let made = prepare(&source, &plan, &Limits::default()).unwrap().run(&Control::default());
    match made.unwrap().output {
        Output::Encoded(bytes) => assert_eq!(decode(&bytes), decode(&plain)),
        _ => panic!("not made anew"),
    }
}

#[test]
fn apng_stays_animated() {
    let mut plain = Vec::new();
    let mut encoder = png::Encoder::new(&mut plain, 20, 10);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(3, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for level in [10, 100, 200] {
        writer.write_image_data(&[level; 600]).unwrap();
    }
    writer.finish().unwrap();
    let frame = find(&plain, b"fdAT") - 4;
    for (name, chunk) in secret_chunks() {
        check(name, &insert(&plain, frame, &chunk), &plain);
    }
}

/// Sub-blocks of an extension.
fn gif_extension(label: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0x21, label];
    for part in parts {
        out.push(part.len() as u8);
        out.extend_from_slice(part);
    }
    out.push(0);
    out
}

fn secret_extensions() -> Vec<(&'static str, Vec<u8>)> {
    // The packet of XMP is no sub-blocks; what follows it leads to the end from any byte of it.
    let trailer: Vec<u8> = (0..=255).rev().collect();
    let xmp = [b"\x21\xff\x0bXMP DataXMP<x:xmpmeta/>", SECRET, &[1], &trailer, &[0]].concat();
    vec![
        ("comment", gif_extension(0xfe, &[b"hello", SECRET])),
        ("xmp", xmp),
        ("profile", gif_extension(0xff, &[b"ICCRGBG1012", SECRET])),
        ("photoshop", gif_extension(0xff, &[b"MGK8BIM0000", SECRET])),
        ("unknown", gif_extension(0x77, &[SECRET])),
        ("text", gif_extension(0x01, &[&[0; 12], SECRET])),
        (
            "text and its control",
            [gif_extension(0xf9, &[&[0; 4]]), gif_extension(0x01, &[&[0; 12], SECRET])].concat(),
        ),
    ]
}

fn gif_frames() -> Vec<u8> {
    let mut plain = Vec::new();
    let mut encoder = gif::Encoder::new(&mut plain, 16, 16, &[0, 0, 0, 255, 0, 0]).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    for index in [0, 1, 0] {
        let pixels = vec![index; 256];
        let frame =
            gif::Frame { delay: 5, ..gif::Frame::from_indexed_pixels(16, 16, pixels, None) };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    plain
}

#[test]
fn gif_extensions_anywhere() {
    let plain = gif_frames();
    let first = 13 + 6;
    for (name, extension) in secret_extensions() {
        for at in [first, first + 19, plain.len() - 1] {
            check(&format!("{name} at {at}"), &insert(&plain, at, &extension), &plain);
        }
    }
    check("behind the end", &[&plain[..], SECRET].concat(), &plain);
    // More than how often: the first sub-block stays.
    let buffer = gif_extension(0xff, &[b"NETSCAPE2.0", &[1, 0, 0], SECRET]);
    let source = [&plain[..first], &buffer, &plain[first + 19..]].concat();
    check("beside the loop", &source, &plain);
    assert_eq!(probe(&plain).unwrap().frames, 3);
}

fn riff_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = [kind, &(body.len() as u32).to_le_bytes()[..], body].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

fn webp_file(chunks: &[&[u8]]) -> Vec<u8> {
    let chunks = chunks.concat();
    [b"RIFF", &(chunks.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &chunks].concat()
}

fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let [[a, b, c, _], [d, e, f, _]] = [width - 1, height - 1].map(u32::to_le_bytes);
    riff_chunk(b"VP8X", &[flags, 0, 0, 0, a, b, c, d, e, f])
}

#[test]
fn webp_chunks_anywhere() {
    let secret = [
        ("exif", riff_chunk(b"EXIF", &exif_with_secret())),
        ("xmp", riff_chunk(b"XMP ", SECRET)),
        ("c2pa", riff_chunk(b"C2PA", SECRET)),
        ("unknown, of odd length", riff_chunk(b"abcd", &[SECRET, &[1]].concat())),
        ("frame", riff_chunk(b"ANMF", SECRET)),
    ];
    let picture = photo(50, 40);
    for still in [webp_lossless(&picture), webp_lossy(&picture, 80)] {
        let image = &still[12..];
        let plain = webp_file(&[&vp8x(0, 50, 40), image]);
        for (name, chunk) in &secret {
            let source = webp_file(&[&vp8x(0x0c, 50, 40), chunk, image, chunk]);
            check(name, &source, &plain);
            let simple = webp_file(&[image, chunk]);
            check(&format!("{name} in a simple file"), &simple, &still);
        }
        check("behind the end", &[&still[..], SECRET].concat(), &still);
        let alpha = riff_chunk(b"ALPH", &[&[0], SECRET].concat());
        check("alpha behind it", &webp_file(&[&vp8x(0, 50, 40), image, &alpha]), &plain);
        if image.starts_with(b"VP8L") {
            check("alpha twice", &webp_file(&[&vp8x(0, 50, 40), &alpha, image]), &plain);
        }
        let profile = riff_chunk(b"ICCP", &SECRET.repeat(9));
        check("no profile", &webp_file(&[&vp8x(0x20, 50, 40), &profile, image]), &plain);
        let second = webp_file(&[&vp8x(0, 50, 40), image, image, &secret[1].1]);
        check("a second image", &second, &plain);
        assert!(passes(&still, &stripping()) && passes(&plain, &stripping()));
    }
}

fn webp_frame(chunks: &[u8]) -> Vec<u8> {
    let head = [0, 0, 0, 0, 0, 0, 49, 0, 0, 39, 0, 0, 40, 0, 0, 2];
    riff_chunk(b"ANMF", &[&head[..], chunks].concat())
}

#[test]
fn webp_frames_hold_their_image_alone() {
    let image = &webp_lossless(&photo(50, 40))[12..];
    let secret = riff_chunk(b"abcd", SECRET);
    let anim = riff_chunk(b"ANIM", &[0; 6]);
    let frame = webp_frame(image);
    let plain = webp_file(&[&vp8x(2, 50, 40), &anim, &frame, &frame]);
    assert!(passes(&plain, &stripping()));
    let alpha = riff_chunk(b"ALPH", &[&[0], SECRET].concat());
    for marked in [
        [image, &secret].concat(),
        [&secret, image].concat(),
        [image, SECRET].concat(),
        [&alpha, image].concat(),
    ] {
        let marked = webp_frame(&marked);
        let source = webp_file(&[&vp8x(2, 50, 40), &anim, &marked, &secret, &frame]);
        check("in a frame", &source, &plain);
        let source = webp_file(&[&vp8x(2, 50, 40), &anim, &frame, &marked]);
        check("in the last frame", &source, &plain);
    }
    for tail in [SECRET.to_vec(), [SECRET, &[1]].concat()] {
        let long = riff_chunk(b"ANIM", &[&[0; 6][..], &tail].concat());
        let source = webp_file(&[&vp8x(2, 50, 40), &long, &frame, &frame]);
        check("behind how often", &source, &plain);
    }
}

fn avif_of(picture: &Picture, exif: &[u8], xmp: &[u8]) -> Vec<u8> {
    let alpha = !picture.is_opaque();
    let pixels = if alpha { picture.rgba().to_vec() } else { picture.rgb() };
    let &Picture { width, height, .. } = picture;
    let image = avif::Image {
        pixels: &pixels,
        width,
        height,
        alpha,
        quality: 70,
        speed: 9,
        deep: false,
        code_points: (1, 13),
        icc: &[],
        exif,
        xmp,
    };
    avif::encode(&image).unwrap().to_vec()
}

fn avif_pictures() -> [Picture; 2] {
    let clear = Picture::new(64, 48, |x, y| [x as u8, 99, y as u8, (x * 4) as u8]);
    [photo(64, 48), clear]
}

fn iso_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// The file with bytes in its payload that nothing points to.
fn avif_with_unused(file: &[u8]) -> Vec<u8> {
    let at = find(file, b"mdat") - 4;
    let mut out = [file, SECRET].concat();
    let len = (out.len() - at) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
    out
}

#[test]
fn avif_items_and_boxes() {
    let xmp = [b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>", SECRET, b"</x:xmpmeta>"].concat();
    for picture in avif_pictures() {
        let plain = avif_of(&picture, b"", b"");
        assert!(passes(&plain, &stripping()) && passes(&plain, &copyright()));
        for (exif, xmp) in
            [(exif_with_secret(), vec![]), (vec![], xmp.clone()), (exif_with_secret(), xmp.clone())]
        {
            let source = avif_of(&picture, &exif, &xmp);
            assert!(contains(&source, SECRET));
            for source in [source.clone(), avif_with_unused(&source)] {
                let out = stripped(&source, &stripping());
                assert!(
                    !contains(&out, SECRET) && !contains(&out, b"Exif") && !contains(&out, b"mime")
                );
                assert_eq!(out.len(), plain.len());
                assert_eq!(decode(&out), decode(&plain));
                assert!(passes(&out, &stripping()));
            }
        }
        for behind in [
            iso_box(b"uuid", SECRET),
            iso_box(b"free", SECRET),
            iso_box(b"mpvd", SECRET),
            SECRET.to_vec(),
        ] {
            check("behind", &[&plain[..], &behind].concat(), &plain);
        }
        check("unused", &avif_with_unused(&plain), &plain);
        // What a property says that describes.
        let mut described = plain.clone();
        let at = find(&described, b"pixi");
        described[at..at + 4].copy_from_slice(b"udes");
        let out = stripped(&described, &stripping());
        assert!(!contains(&out, b"udes") && passes(&out, &stripping()));
        assert_eq!(decode(&out), decode(&plain));
    }
}

/// An AVIF whose box at the end of a path ends with something more, and all that lies behind it where it comes to be.
fn avif_with_tail(file: &[u8], path: &[&[u8; 4]], tail: &[u8]) -> Vec<u8> {
    let mut out = file.to_vec();
    let mut at = 0;
    for kind in path {
        at += find(&out[at..], *kind);
        let len = u32::from_be_bytes(out[at - 4..at].try_into().unwrap()) + tail.len() as u32;
        out[at - 4..at].copy_from_slice(&len.to_be_bytes());
    }
    let end =
        at - 4 + u32::from_be_bytes(out[at - 4..at].try_into().unwrap()) as usize - tail.len();
    out.splice(end..end, tail.iter().copied());
    // Items are told by two bytes, and places by four, without a base.
    let places = find(&out, b"iloc") + 4;
    assert_eq!(out[places..places + 6], [0, 0, 0, 0, 0x44, 0]);
    for item in 0..usize::from(out[places + 7]) {
        let place = places + 8 + 14 * item + 6;
        let moved =
            u32::from_be_bytes(out[place..place + 4].try_into().unwrap()) + tail.len() as u32;
        out[place..place + 4].copy_from_slice(&moved.to_be_bytes());
    }
    out
}

#[test]
fn avif_boxes_hold_what_they_are_for_alone() {
    for picture in avif_pictures() {
        let plain = avif_of(&picture, b"", b"");
        let ipco: [&[u8; 4]; 3] = [b"meta", b"iprp", b"ipco"];
        for kind in [b"ispe", b"pixi", b"av1C", b"colr"] {
            let path = [&ipco[..], &[kind]].concat();
            check(&format!("{kind:?}"), &avif_with_tail(&plain, &path, SECRET), &plain);
        }
        for path in [&[b"meta", b"pitm"][..], &[b"ftyp"]] {
            check(&format!("{path:?}"), &avif_with_tail(&plain, path, SECRET), &plain);
        }
        // Names, of which nothing is left.
        let name = [SECRET, &[0]].concat();
        for path in [&[b"meta", b"hdlr"][..], &[b"meta", b"iinf", b"infe"]] {
            let out = stripped(&avif_with_tail(&plain, path, &name), &stripping());
            assert!(!contains(&out, SECRET), "{path:?}");
            assert!(passes(&out, &stripping()) && decode(&out) == decode(&plain), "{path:?}");
        }
        // Properties that no item has.
        for kind in [b"clli", b"rloc", b"free", b"colr", b"ispe"] {
            let content =
                if kind == b"colr" { [b"prof", SECRET].concat() } else { SECRET.to_vec() };
            let source = avif_with_tail(&plain, &ipco, &iso_box(kind, &content));
            let out = stripped(&source, &stripping());
            assert!(!contains(&out, SECRET), "{kind:?}");
            assert!(passes(&out, &stripping()) && decode(&out) == decode(&plain), "{kind:?}");
        }
    }
}

/// Both images of a sequence, and a track of metadata beside them.
fn avif_sequence(with_secret: bool) -> Vec<u8> {
    let still = avif_of(&avif_pictures()[0], b"", b"");
    let config = find(&still, b"av1C") - 4;
    let config = &still[config..config + 12];
    let payload = find(&still, b"mdat") + 4;
    let image = &still[payload..];
    let tail = if with_secret { SECRET } else { b"" };
    let full = |kind: &[u8; 4], body: &[u8]| {
        // What holds others ends with them.
        let tail = if matches!(kind, b"stsd" | b"dref") { b"" } else { tail };
        iso_box(kind, &[&[0; 4], body, tail].concat())
    };
    let made = if with_secret { u32::from_be_bytes(*b"MADE") } else { 0 };
    let be =
        |values: &[u32]| values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
    let matrix = be(&[0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000]);
    let track = |number: u32, handler: &[u8; 4], entry: &[u8], sizes: &[u32], offset: u32| {
        let tables = [
            full(b"stsd", &[&be(&[1])[..], entry].concat()),
            full(b"stts", &be(&[1, sizes.len() as u32, 1])),
            full(b"stsc", &be(&[1, 1, sizes.len() as u32, 1])),
            full(b"stsz", &[be(&[0, sizes.len() as u32]), be(sizes)].concat()),
            full(b"stco", &be(&[1, offset])),
        ];
        let url = iso_box(b"url ", &[&[0, 0, 0, 1], tail].concat());
        let dref = full(b"dref", &[be(&[1]), url].concat());
        let minf = [
            iso_box(b"vmhd", &[&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], tail].concat()),
            iso_box(b"dinf", &dref),
            iso_box(b"stbl", &tables.concat()),
        ];
        let mdia = [
            full(b"mdhd", &be(&[made, made, 30, 60, 0])),
            full(b"hdlr", &[&[0; 4], &handler[..], &[0; 13]].concat()),
            iso_box(b"minf", &minf.concat()),
        ];
        let tkhd = [
            be(&[made, made, number, 0, 60, 0, 0, 0, 0]),
            matrix.clone(),
            be(&[64 << 16, 48 << 16]),
        ];
        let mut parts = vec![
            iso_box(b"tkhd", &[&[0, 0, 0, 3][..], &tkhd.concat(), tail].concat()),
            iso_box(b"mdia", &mdia.concat()),
        ];
        if with_secret {
            parts.push(iso_box(b"udta", &iso_box(b"\xa9xyz", SECRET)));
        }
        iso_box(b"trak", &parts.concat())
    };
    let mut entry =
        [&[0; 6][..], &[0, 1], &[0; 16], &[0, 64, 0, 48, 0, 72, 0, 0, 0, 72, 0, 0]].concat();
    entry.extend([0; 4]);
    entry.extend([0, 1]);
    let mut program = tail.to_vec();
    program.resize(32, 0);
    entry.extend(program);
    entry.extend([0, 24, 0xff, 0xff]);
    entry.extend(config);
    if with_secret {
        entry.extend(iso_box(b"btrt", SECRET));
    }
    let entry = iso_box(b"av01", &entry);
    let ftyp = iso_box(b"ftyp", b"avis\0\0\0\0avismsf1iso8mif1miaf");
    let sizes = [image.len() as u32, image.len() as u32];
    let movie = |offset: u32| {
        let mvhd = [
            be(&[made, made, 30, 60, 0x10000, 0x0100_0000, 0, 0]),
            matrix.clone(),
            vec![0; 24],
            be(&[3]),
        ];
        let mut parts =
            vec![full(b"mvhd", &mvhd.concat()), track(1, b"pict", &entry, &sizes, offset)];
        if with_secret {
            let text = iso_box(b"mett", &[0; 8]);
            let len = SECRET.len() as u32;
            parts.push(track(2, b"meta", &text, &[len], offset - len));
            parts.push(iso_box(b"udta", SECRET));
        }
        iso_box(b"moov", &parts.concat())
    };
    let secret = if with_secret { SECRET } else { b"" };
    let data = iso_box(b"mdat", &[secret, image, image].concat());
    let offset = ftyp.len() + movie(1000).len() + 8 + secret.len();
    [ftyp, movie(offset as u32), data].concat()
}

#[test]
fn avif_tracks() {
    let plain = avif_sequence(false);
    assert_eq!(probe(&plain).unwrap().frames, 2);
    let source = avif_sequence(true);
    assert!(contains(&source, b"MADEMADE"));
    check("tracks", &source, &plain);
    assert_eq!(stripped(&plain, &stripping()), plain);
}

#[test]
fn author_and_rights_stay() {
    let picture = photo(60, 40);
    let exif = exif_with_secret();
    let jpeg = insert(&jpegs()[0], 20, &segment(0xe1, &[b"Exif\0\0", &exif[..]].concat()));
    let png = insert(&png(&picture), 33, &png_chunk(b"eXIf", &exif));
    let exif = riff_chunk(b"EXIF", &exif);
    let webp = webp_file(&[&vp8x(8, 60, 40), &webp_lossless(&picture)[12..], &exif]);
    let avif = avif_of(&picture, &exif_with_secret(), b"");
    let xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/' xmlns:d='http://purl.org/dc/elements/1.1/'>\
        <d:creator>Ann Other</d:creator><d:rights>(c) 2024 AO</d:rights>52.0937N,5.1214E</x:xmpmeta>";
    let by_xmp = avif_of(&picture, b"", xmp);
    for source in [jpeg, png, webp, avif, by_xmp] {
        let out = stripped(&source, &copyright());
        assert!(contains(&out, b"Ann Other") && contains(&out, b"(c) 2024 AO"));
        assert!(!contains(&out, SECRET) && !contains(&out, b"GPSN"));
        assert_eq!(decode(&out), decode(&source));
        assert!(passes(&out, &copyright()));
        // As it is written into what is made anew.
        let made = transform(&source, &Plan { sharpen: 1, ..copyright() }).unwrap();
        let block = |bytes: &[u8]| {
            let at = find(bytes, b"II*\0");
            bytes[at..at + 60].to_vec()
        };
        assert_eq!(block(&out), block(&made));
        assert!(!contains(&stripped(&source, &stripping()), b"Ann Other"));
    }
}

/// Nobody reads what the flags don't announce, so there is nothing of it to keep.
#[test]
fn what_a_webp_does_not_announce_goes() {
    let picture = photo(60, 40);
    let still = webp_lossless(&picture);
    let exif = riff_chunk(b"EXIF", &exif_with_secret());
    let profile = riff_chunk(b"ICCP", SECRET);
    let plain = webp_file(&[&vp8x(0, 60, 40), &still[12..]]);
    for plan in [stripping(), copyright()] {
        assert_eq!(stripped(&webp_file(&[&still[12..], &exif]), &plan), still);
        let silent = webp_file(&[&vp8x(0, 60, 40), &profile, &still[12..], &exif]);
        assert_eq!(stripped(&silent, &plan), plain);
    }
}

#[test]
fn what_does_not_keep_to_the_rules_is_made_anew() {
    let [plain, ..] = &jpegs()[..] else { unreachable!() };
    // A table that holds more than a table, a marker that nobody knows.
    let table = insert(plain, 20, &segment(0xdb, &[&[0; 65], SECRET].concat()));
    let unknown = insert(plain, 20, &segment(0xf7, SECRET));
    for source in [table, unknown] {
        let plan = stripping();
        let prepared = prepare(&source, &plan, &Limits::default());
        match prepared.and_then(|prepared| prepared.run(&Control::default())) {
            Ok(done) => {
                assert!(matches!(&done.output, Output::Encoded(bytes) if !contains(bytes, SECRET)))
            }
            Err(error) => assert_eq!(error.word(), "decode_failed"),
        }
    }
}

/// What has a meaning to one decoder and none to another must not change it by being stripped.
#[test]
fn what_goes_out_shows_what_came_in() {
    let picture = photo(120, 80);
    let plain = jpeg(&picture, 85, Subsamp::None, false);
    let end = 4 + usize::from(plain[5]);
    let bare = [&plain[..2], &plain[end..]].concat();
    let adobe =
        |transform: u8| segment(0xee, &[&b"Adobe\0\x64\0\0\0\0"[..], &[transform]].concat());
    let mut sources = Vec::new();
    // Two Adobe segments that differ, or are the same; ones that are too short to be any.
    for (first, second) in [(0, 1), (1, 0), (1, 1)] {
        sources.push(insert(&bare, 2, &[adobe(first), adobe(second)].concat()));
    }
    sources.push(insert(&bare, 2, &segment(0xee, b"Adobe\0\x64\0\0\0")));
    for len in 4..16 {
        let jfif = &b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0\0\0"[..len];
        let named = insert(&bare, 2, &segment(0xe0, jfif));
        // Without a JFIF segment, these names mean that the colours are no YCbCr.
        let frame = find(&named, b"\xff\xc0");
        let scan = find(&named, b"\xff\xda");
        let mut rgb = named.clone();
        for (i, name) in (*b"RGB").into_iter().enumerate() {
            rgb[frame + 10 + 3 * i] = name;
            rgb[scan + 5 + 2 * i] = name;
        }
        sources.extend([named, rgb]);
    }
    // A palette, and its transparency, that are longer than they may be.
    for (colors, alphas) in [(256, 256), (257, 256), (256, 257), (300, 300)] {
        let rows: Vec<u8> = (0..40).flat_map(|y| [&[0][..], &[y * 6; 40]].concat()).collect();
        let table: Vec<u8> = (0..colors * 3).map(|i| (i * 7 % 256) as u8).collect();
        let chunks = [
            png_chunk(b"IHDR", &[0, 0, 0, 40, 0, 0, 0, 40, 8, 3, 0, 0, 0]),
            png_chunk(b"PLTE", &table),
            png_chunk(b"tRNS", &vec![200; alphas]),
            png_chunk(b"tEXt", &[b"Comment\0", SECRET].concat()),
            png_chunk(b"IDAT", &zlib(&rows)),
            png_chunk(b"IEND", b""),
        ];
        sources.push([&b"\x89PNG\r\n\x1a\n"[..], &chunks.concat()].concat());
    }
    let shows = plan("f=png,rotate=180");
    let seen = |source: &[u8]| decode(&transform(source, &shows).unwrap());
    let strips = stripping();
    for (index, source) in sources.iter().enumerate() {
        let prepared = prepare(source, &strips, &Limits::default()).unwrap();
        match prepared.run(&Control::default()).unwrap().output {
            Output::Encoded(bytes) => {
                // Made anew: as near as a JPEG is.
                assert!(psnr(&seen(&bytes), &seen(source)) > 30.0, "{index}");
            }
            Output::Original => {}
            Output::Stripped(bytes) => {
                assert!(!contains(&bytes, SECRET) && seen(&bytes) == seen(source), "{index}");
            }
        }
    }
}

#[test]
fn in_place_of_a_larger_output() {
    let picture = photo(200, 140);
    let source = jpeg(&picture, 30, Subsamp::Sub2x2, false);
    let exif = segment(0xe1, &[b"Exif\0\0", &exif(6)[..], SECRET].concat());
    let marked = insert(&source, 20, &exif);
    // Never where it has to be turned.
    let turned = plan("f=png");
    let prepared = prepare(&marked, &turned, &Limits::default()).unwrap();
    assert!(prepared.smaller_source(usize::MAX, &Control::default()).unwrap().is_none());
    let plan = Plan { orient: false, ..turned };
    let prepared = prepare(&marked, &plan, &Limits::default()).unwrap();
    assert!(prepared.smaller_source(source.len() - 1, &Control::default()).unwrap().is_none());
    let instead = prepared.smaller_source(marked.len() + 1, &Control::default()).unwrap().unwrap();
    let Output::Stripped(bytes) = instead.output else { panic!("not stripped") };
    let info = probe(&bytes).unwrap();
    assert_eq!((info.format, info.orientation), (Format::Jpeg, 1));
    assert_eq!((instead.width, instead.height), (200, 140));
    assert!(!contains(&bytes, SECRET) && !contains(&bytes, b"Ann Other"));

    let kept = Plan { metadata: MetadataPolicy::Keep, ..plan.clone() };
    let prepared = prepare(&marked, &kept, &Limits::default()).unwrap();
    let instead = prepared.smaller_source(marked.len() + 1, &Control::default()).unwrap().unwrap();
    assert!(matches!(instead.output, Output::Original));
    let cropped = Plan { fit: Plan::from_params("w=50").unwrap().fit, ..plan };
    let prepared = prepare(&marked, &cropped, &Limits::default()).unwrap();
    assert!(prepared.smaller_source(usize::MAX, &Control::default()).unwrap().is_none());
}

#[test]
fn a_profile_stays_unless_it_is_to_go() {
    let profile = moxcms::ColorProfile::new_srgb().encode().unwrap();
    let part = segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", &profile[..]].concat());
    let source = insert(&jpegs()[0], 20, &part);
    assert!(passes(&source, &stripping()));
    // Of a profile that is not whole nothing is made.
    let broken = segment(0xe2, &[b"ICC_PROFILE\0\x01\x02", SECRET].concat());
    check("broken profile", &insert(&jpegs()[0], 20, &broken), &jpegs()[0]);
    for body in [SECRET.to_vec(), SECRET.repeat(20)] {
        let none = segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", &body[..]].concat());
        check("no profile", &insert(&jpegs()[0], 20, &none), &jpegs()[0]);
    }
    let profile = moxcms::ColorProfile::new_srgb().encode().unwrap();
    let (first, second) = profile.split_at(30);
    let part =
        |number, data: &[u8]| segment(0xe2, &[b"ICC_PROFILE\0", &[number, 2][..], data].concat());
    let parts = [part(2, second), part(1, first)].concat();
    assert!(passes(&insert(&jpegs()[0], 20, &parts), &stripping()));
    let drop = Plan { profile: ProfilePolicy::Strip, ..stripping() };
    assert!(!passes(&source, &drop));
}

/// Whatever becomes of a source, nothing of its secret goes out, and if it goes out as it is, it shows the same.
fn check_somehow(name: &str, source: &[u8], plain: &[u8]) {
    assert!(contains(source, SECRET), "{name}: nothing to find");
    for plan in [stripping(), copyright()] {
        let made = prepare(source, &plan, &Limits::default())
            .and_then(|prepared| prepared.run(&Control::default()));
        match made.map(|made| made.output) {
            Ok(Output::Stripped(out)) => {
                assert!(!contains(&out, SECRET), "{name}");
                assert_eq!(decode(&out), decode(plain), "{name}: pixels");
                assert!(passes(&out, &plan), "{name}: not stripped at once");
            }
            Ok(Output::Encoded(out)) => assert!(!contains(&out, SECRET), "{name}"),
            Ok(Output::Original) => panic!("{name}: as it was"),
            Err(error) => {
                assert!(["decode_failed", "unsupported_format"].contains(&error.word()), "{name}");
            }
        }
    }
}

/// A unit of AV1 data, which says how long it is.
fn unit(kind: u8, has_layer: bool, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind << 3 | 2];
    if has_layer {
        out[0] |= 4;
        out.push(0);
    }
    assert!(payload.len() < 128);
    out.push(payload.len() as u8);
    [&out, payload].concat()
}

/// Where the units of a sample begin, and where the last one ends.
fn unit_starts(sample: &[u8]) -> Vec<usize> {
    let (mut at, mut starts) = (0, vec![0]);
    while at < sample.len() {
        assert_eq!(sample[at] & 0x86, 2, "of a length, and of no layer");
        let (mut len, mut start) = (0, at + 1);
        for shift in (0..).step_by(7) {
            len |= usize::from(sample[start] & 0x7f) << shift;
            start += 1;
            if sample[start - 1] & 0x80 == 0 {
                break;
            }
        }
        at = start + len;
        starts.push(at);
    }
    starts
}

/// Units of which no picture is made: what each says, and what of that stays.
fn useless_units() -> Vec<(String, Vec<u8>)> {
    let end = &[0x80][..];
    let mut units = Vec::new();
    for has_layer in [false, true] {
        let mut add = |name: String, kind: u8, payload: &[u8]| {
            units.push((format!("{name}, {has_layer}"), unit(kind, has_layer, payload)));
        };
        for kind in [0, 2, 8, 9, 10, 11, 12, 13, 14, 15] {
            for payload in [SECRET.to_vec(), [SECRET, end].concat(), [end, SECRET].concat()] {
                add(format!("kind {kind}"), kind, &payload);
            }
        }
        for kind in [0, 3, 4, 5, 6, 31, 127] {
            add(format!("metadata {kind}"), 5, &[&[kind], SECRET, end].concat());
        }
        add("light".to_owned(), 5, &[&[1, 3, 232, 1, 144], SECRET, end].concat());
        add("light that is not ended".to_owned(), 5, &[&[1, 3, 232, 1, 144], SECRET].concat());
        add("display".to_owned(), 5, &[&[2][..], &[7; 24], SECRET, end].concat());
    }
    units
}

/// A still image whose data is stored in these pieces, which lie one behind the other in another order perhaps.
fn avif_in_pieces(data: &[u8], pieces: &[std::ops::Range<usize>], inside: bool) -> Vec<u8> {
    let mut stored = Vec::new();
    let mut places = vec![0; pieces.len()];
    // The last one first.
    for (place, piece) in places.iter_mut().zip(pieces).rev() {
        *place = stored.len();
        stored.extend_from_slice(&data[piece.clone()]);
    }
    let ftyp = heif::boxed(b"ftyp", b"avif\0\0\0\0avifmif1miaf");
    let meta = |start: usize| {
        let mut iloc = vec![0x44, 0, 0, 1, 0, 1, 0, u8::from(inside), 0, 0];
        iloc.extend((pieces.len() as u16).to_be_bytes());
        for (place, piece) in places.iter().zip(pieces) {
            iloc.extend(((start + place) as u32).to_be_bytes());
            iloc.extend((piece.len() as u32).to_be_bytes());
        }
        let ipco = [heif::ispe(64, 48), heif::boxed(b"av1C", &[0x81, 0, 0x0c, 0])].concat();
        let ipma = heif::full(b"ipma", 0, 0, &[0, 0, 0, 1, 0, 1, 2, 0x81, 0x82]);
        let infe = heif::full(b"infe", 2, 0, b"\0\x01\0\0av01\0");
        let mut boxes = vec![
            heif::full(b"hdlr", 0, 0, b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            heif::full(b"pitm", 0, 0, &[0, 1]),
            heif::full(b"iloc", 1, 0, &iloc),
            heif::full(b"iinf", 0, 0, &[&[0, 1], &infe[..]].concat()),
            heif::boxed(b"iprp", &[heif::boxed(b"ipco", &ipco), ipma].concat()),
        ];
        if inside {
            boxes.push(heif::boxed(b"idat", &stored));
        }
        heif::full(b"meta", 0, 0, &boxes.concat())
    };
    let start = if inside { 0 } else { ftyp.len() + meta(0).len() + 8 };
    let outside = if inside { &[][..] } else { &stored };
    [ftyp, meta(start), heif::boxed(b"mdat", outside)].concat()
}

/// The same in one piece.
fn avif_in_one(data: &[u8], inside: bool) -> Vec<u8> {
    let all = 0..data.len();
    avif_in_pieces(data, std::slice::from_ref(&all), inside)
}

/// The sequence of two images with another second sample.
fn avif_sequence_of(second: &[u8]) -> Vec<u8> {
    let mut file = avif_sequence(false);
    let (sizes, data) = (find(&file, b"stsz") + 16, find(&file, b"mdat") - 4);
    let first = u32::from_be_bytes(file[sizes..sizes + 4].try_into().unwrap()) as usize;
    file.truncate(data + 8 + first);
    file.extend_from_slice(second);
    let len = ((file.len() - data) as u32).to_be_bytes();
    file[data..data + 4].copy_from_slice(&len);
    file[sizes + 4..sizes + 8].copy_from_slice(&(second.len() as u32).to_be_bytes());
    file
}

/// Strips an AVIF of which nothing moves.
fn check_units(name: &str, source: &[u8], plain: &Picture) -> Vec<u8> {
    assert!(contains(source, SECRET) || contains(source, b"5.1214E"), "{name}: nothing to find");
    let out = stripped(source, &stripping());
    assert_eq!(out.len(), source.len(), "{name}");
    for part in [&SECRET[..6], &SECRET[10..]] {
        assert!(!contains(&out, part), "{name}");
    }
    assert!(decode(&out) == *plain, "{name}: pixels");
    assert!(passes(&out, &stripping()), "{name}: not stripped at once");
    assert_eq!(stripped(source, &copyright()), out, "{name}");
    out
}

#[test]
fn avif_units_anywhere() {
    let sample = heif::sample(&photo(64, 48), 70);
    let whole = |data: &[u8]| avif_in_one(data, false);
    let plain = whole(&sample);
    assert!(passes(&plain, &stripping()));
    let shown = decode(&plain);
    let starts = unit_starts(&sample);
    for (name, unit) in useless_units() {
        for &at in &starts {
            let name = format!("{name} at {at}");
            let data = insert(&sample, at, &unit);
            let sequence = avif_sequence_of(&data);
            check_units(&name, &sequence, &decode(&sequence));
            // Which nobody decodes who knows of no large scale.
            if unit[0] >> 3 == 8 {
                continue;
            }
            let out = check_units(&name, &whole(&data), &shown);
            // What it is made of stays where it is.
            let from = out.len() - data.len();
            assert_eq!(out[from..from + at], sample[..at], "{name}");
            assert_eq!(out[from + at + unit.len()..], sample[at..], "{name}");
            check_units(&format!("{name}, inside"), &avif_in_one(&data, true), &shown);
            for cut in [at, at + 1, at + 2, at + unit.len() / 2, at + unit.len()] {
                for inside in [false, true] {
                    let pieces = [0..cut, cut..data.len()];
                    let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
                    let pieces: Vec<_> = pieces.collect();
                    let source = avif_in_pieces(&data, &pieces, inside);
                    let out = stripped(&source, &stripping());
                    assert!(!contains(&out, &SECRET[..6]) && !contains(&out, &SECRET[10..]));
                    assert_eq!(out.len(), source.len(), "{name} cut at {cut}");
                    assert!(decode(&out) == shown, "{name} cut at {cut}");
                }
            }
        }
        // Which says no length, at the end.
        let mut endless = unit.clone();
        endless[0] &= !2;
        endless.remove(if endless[0] & 4 == 0 { 1 } else { 2 });
        check_somehow(
            &format!("{name}, endless"),
            &whole(&[&sample[..], &endless].concat()),
            &plain,
        );
    }
    // The first bytes in a piece of their own, each.
    let data = insert(&sample, starts[1], &unit(5, true, &[&[4], SECRET, &[0x80]].concat()));
    let mut pieces: Vec<_> = (0..60).map(|at| at..at + 1).collect();
    pieces.push(60..data.len());
    let out = stripped(&avif_in_pieces(&data, &pieces, false), &stripping());
    // As they are stored the other way round.
    let secret: Vec<u8> = SECRET.iter().rev().copied().collect();
    assert!(!contains(&out, &secret) && decode(&out) == shown);
}

#[test]
fn avif_units_say_no_more_than_they_have_to() {
    let sample = heif::sample(&photo(64, 48), 70);
    let whole = |data: &[u8]| avif_in_one(data, false);
    let shown = decode(&whole(&sample));
    let starts = unit_starts(&sample);
    // What a sequence header says stays, and nothing behind it.
    let header = starts.iter().position(|&at| sample[at] >> 3 & 15 == 1).unwrap();
    let range = starts[header]..starts[header + 1];
    let payload = &sample[range.start + 2..range.end];
    let long = unit(1, false, &[payload, SECRET].concat());
    let data = [&sample[..range.start], &long, &sample[range.end..]].concat();
    let out = check_units("header", &whole(&data), &shown);
    assert!(contains(&out, payload));
    // How bright a picture is stays.
    let light = unit(5, false, &[1, 3, 232, 1, 144, 0x80]);
    let display = unit(5, false, &[&[2][..], &[7; 24], &[0x80]].concat());
    for unit in [light.clone(), display, [light.clone(), light.clone()].concat()] {
        assert!(passes(&whole(&insert(&sample, range.end, &unit)), &stripping()));
    }
    // Zeros, and padding that is empty.
    assert!(passes(&whole(&[&sample[..], &[0; 40]].concat()), &stripping()));
    for padding in [&[][..], &[0x80], &[0, 0, 0x80]] {
        let padding = unit(15, false, padding);
        assert!(passes(&whole(&insert(&sample, range.end, &padding)), &stripping()));
    }
    // Bits that mean nothing.
    let mut reserved = sample.clone();
    reserved[range.start] |= 1;
    assert_eq!(stripped(&whole(&reserved), &stripping()), whole(&sample));
    // What decoders may take for something else is made anew.
    let other = unit(5, false, &[1, 1, 1, 1, 1, 0x80]);
    let made = |data: &[u8]| {
        let (source, plan) = (whole(data), stripping());
        let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
        matches!(prepared.run(&Control::default()).unwrap().output, Output::Encoded(_))
    };
    assert!(made(&insert(&sample, range.end, &[light, other].concat())));
    let short = unit(5, false, &[&[2], SECRET, &[0x80]].concat());
    check_somehow("short", &whole(&insert(&sample, range.end, &short)), &whole(&sample));
    let sequence = avif_sequence_of(&insert(&sample, range.end, &short));
    check_units("short", &sequence, &decode(&sequence));
    let long = unit(7, false, SECRET);
    check_somehow("again", &whole(&insert(&sample, range.end, &long)), &whole(&sample));
    check_somehow(
        "not whole",
        &whole(&[&sample[..], &[0x7a, 100], SECRET].concat()),
        &whole(&sample),
    );
}

#[test]
fn avif_grids_hold_no_more_than_a_grid() {
    let cell = heif::av1(64, 48, &heif::sample(&photo(64, 48), 70));
    let mut grid = heif::grid(2, 1, 128, 48, vec![2, 3]);
    let plain = heif::file(&[grid.clone(), cell.clone(), cell.clone()]);
    assert!(!contains(&stripped(&plain, &stripping()), SECRET));
    let mut marked = cell.clone();
    marked.data.extend(unit(5, false, &[&[4], SECRET, &[0x80]].concat()));
    let source = heif::file(&[grid.clone(), cell.clone(), marked]);
    let out = stripped(&source, &stripping());
    assert!(!contains(&out, SECRET) && decode(&out) == decode(&plain));
    grid.data.extend_from_slice(SECRET);
    check_somehow("grid", &heif::file(&[grid, cell.clone(), cell]), &plain);
}

/// Units of two bytes take no longer than their bytes do, and what would be changed too often is made anew.
#[test]
fn avif_units_without_number() {
    let sample = heif::sample(&photo(64, 48), 70);
    let start = std::time::Instant::now();
    let padded = avif_sequence_of(&[&sample[..], &unit(15, false, &[]).repeat(1 << 20)].concat());
    assert!(passes(&padded, &stripping()));
    let marked =
        avif_sequence_of(&[&sample[..], &unit(5, false, &[4, 1]).repeat(1 << 19)].concat());
    check_somehow("very often", &[&marked, SECRET].concat(), &marked);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn png_animations_that_are_none() {
    let plain = png(&photo(60, 40));
    let (data, end) = (find(&plain, b"IDAT") - 4, plain.len() - 12);
    let number = |number: u32| number.to_be_bytes();
    let frames = |count: u32| png_chunk(b"acTL", &[number(count), number(0)].concat());
    let control = |at: u32, width: u32, height: u32| {
        let numbers = [at, width, height, 0, 0].map(u32::to_be_bytes).concat();
        png_chunk(b"fcTL", &[&numbers[..], &[0, 1, 0, 10, 0, 0]].concat())
    };
    let frame = |at: u32, content: &[u8]| png_chunk(b"fdAT", &[&number(at), content].concat());
    let before = |chunks: &[Vec<u8>]| insert(&plain, data, &chunks.concat());
    // One of no frames, the data of which no frame begins, and both in all orders.
    for count in [0, 1, 2] {
        let parts = [control(0, 60, 40), control(1, 60, 40), frame(1, SECRET), frame(0, SECRET)];
        for first in &parts {
            for second in &parts {
                let in_front = before(&[frames(count), first.clone(), second.clone()]);
                let apart = insert(
                    &before(&[frames(count), first.clone()]),
                    end + 20 + first.len(),
                    second,
                );
                let behind =
                    insert(&before(&[frames(count)]), end + 20, &[&first[..], second].concat());
                // That is a frame.
                let is_frame = count > 0 && [first, second] == [&parts[0], &parts[2]];
                for source in [Some(in_front), Some(apart), (!is_frame).then_some(behind)] {
                    let Some(source) = source else { continue };
                    if contains(&source, SECRET) {
                        check_somehow(&format!("{count} frames"), &source, &plain);
                    }
                }
            }
        }
    }
    let source =
        insert(&before(&[frames(0), control(0, 60, 40)]), end + 20 + 38, &frame(1, SECRET));
    check("no frames", &source, &plain);
}

/// A checksum that is none is a place of four bytes.
#[test]
fn png_checksums_hold_nothing() {
    let plain = png(&photo(60, 40));
    let (data, end) = (find(&plain, b"IDAT") - 4, plain.len() - 12);
    for (kind, content) in [(b"IDAT", &[][..]), (b"gAMA", &[0, 0, 0xb1, 0x8f]), (b"sRGB", &[0])] {
        let mut chunk = png_chunk(kind, content);
        let at = chunk.len() - 4;
        chunk[at..].copy_from_slice(&SECRET[..4]);
        let places = if kind == b"IDAT" { vec![data, end] } else { vec![33] };
        for place in places {
            let source = insert(&plain, place, &chunk);
            let plan = stripping();
            let made = prepare(&source, &plan, &Limits::default())
                .and_then(|prepared| prepared.run(&Control::default()));
            if let Ok(made) = made {
                let Output::Encoded(out) = made.output else { panic!("{}", kind.escape_ascii()) };
                assert!(!contains(&out, &SECRET[..4]));
            }
        }
    }
}

/// A profile, and the same with something behind it.
fn long_profile(len: usize) -> (Vec<u8>, Vec<u8>) {
    let mut profile = moxcms::ColorProfile::new_srgb().encode().unwrap();
    profile.resize(profile.len().max(len), 0);
    let len = (profile.len() as u32).to_be_bytes();
    profile[..4].copy_from_slice(&len);
    let long = [&profile[..], SECRET].concat();
    (profile, long)
}

#[test]
fn profiles_end_where_they_say() {
    let (profile, long) = long_profile(0);
    let picture = photo(60, 40);
    let jpeg = &jpegs()[0];
    let part = |number: u8, count: u8, data: &[u8]| {
        segment(0xe2, &[b"ICC_PROFILE\0", &[number, count][..], data].concat())
    };
    let with = |parts: &[Vec<u8>]| insert(jpeg, 20, &parts.concat());
    let whole = with(&[part(1, 1, &profile)]);
    assert!(passes(&whole, &stripping()));
    check("in one part", &with(&[part(1, 1, &long)]), &whole);
    // The end lies in any of several parts, which come in any order.
    let len = profile.len();
    for cut in [10, len - 1] {
        let (first, second) = profile.split_at(cut);
        let halves = with(&[part(1, 2, first), part(2, 2, second)]);
        assert!(passes(&halves, &stripping()));
        check("behind two", &with(&[part(1, 2, first), part(2, 2, &long[cut..])]), &halves);
        let turned = with(&[part(2, 2, second), part(1, 2, first)]);
        check("turned", &with(&[part(2, 2, &long[cut..]), part(1, 2, first)]), &turned);
        let three = with(&[part(1, 3, first), part(2, 3, second), part(3, 3, SECRET)]);
        check("a third", &three, &halves);
        let three = with(&[part(3, 3, SECRET), part(1, 3, first), part(2, 3, &long[cut..])]);
        check("a third before", &three, &halves);
    }
    check("a second", &with(&[part(1, 2, &profile), part(2, 2, SECRET)]), &whole);
    // Of how many there is talk differs, so that a later one counts as well.
    let (first, second) = profile.split_at(99);
    let other = with(&[part(1, 3, first), part(2, 2, second)]);
    let scan = find(&other, b"\xff\xd9");
    check_somehow("behind the scan", &insert(&other, scan, &part(3, 3, SECRET)), &whole);
    let scan = find(&whole, b"\xff\xd9");
    check("behind the scan", &insert(&whole, scan, &part(2, 2, SECRET)), &whole);
    check("behind the scan", &insert(&whole, scan, &part(1, 1, SECRET)), &whole);

    for still in [webp_lossless(&picture), webp_lossy(&picture, 80)] {
        let file = |profile: &[u8]| {
            webp_file(&[&vp8x(0x20, 60, 40), &riff_chunk(b"ICCP", profile), &still[12..]])
        };
        assert!(passes(&file(&profile), &stripping()));
        check("webp", &file(&long), &file(&profile));
        check("webp, odd", &file(&[&long[..], &[1]].concat()), &file(&profile));
    }

    let avif = |icc: &[u8]| {
        let image = avif::Image {
            pixels: &picture.rgb(),
            width: 60,
            height: 40,
            alpha: false,
            quality: 70,
            speed: 9,
            deep: false,
            code_points: (1, 13),
            icc,
            exif: &[],
            xmp: &[],
        };
        avif::encode(&image).unwrap().to_vec()
    };
    assert!(passes(&avif(&profile), &stripping()));
    check("avif", &avif(&long), &avif(&profile));

    // What is made anew has no more of it, either.
    let made = transform(&with(&[part(1, 1, &long)]), &plan("f=webp,profile=keep")).unwrap();
    assert!(contains(&made, &profile) && !contains(&made, SECRET));
}

#[test]
fn packed_profiles_end_where_they_say() {
    let plain = png(&photo(60, 40));
    for len in [0, 100_000] {
        let (profile, long) = long_profile(len);
        let packed = zlib(&profile);
        let with =
            |zlib: &[u8]| insert(&plain, 33, &png_chunk(b"iCCP", &[b"a name\0\0", zlib].concat()));
        let whole = with(&packed);
        assert!(passes(&whole, &stripping()));
        check("behind its end", &with(&[&packed[..], SECRET].concat()), &whole);
        let unpacked = |png: &[u8]| {
            let at = find(png, b"iCCP");
            let len = u32::from_be_bytes(png[at - 4..at].try_into().unwrap()) as usize;
            let mut out = Vec::new();
            let data = &png[at + 4 + 8..at + 4 + len];
            let mut decoder = flate2::bufread::ZlibDecoder::new(data);
            std::io::Read::read_to_end(&mut decoder, &mut out).unwrap();
            assert_eq!(decoder.total_in() as usize, data.len());
            out
        };
        let stored = |data: &[u8]| {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        };
        // Where that says that it ends, and where it ends early behind that.
        let mut broken = stored(&long);
        broken.truncate(broken.len() - 3);
        for packed in [stored(&long), [&zlib(&long)[..], SECRET].concat(), broken] {
            let source = with(&packed);
            let out = stripped(&source, &stripping());
            assert!(!contains(&out, SECRET));
            assert_eq!(unpacked(&out), profile);
            assert!(passes(&out, &stripping()));
        }
        // Not all of a profile is there.
        let mut short = stored(&[&profile[..profile.len() - 40], SECRET].concat());
        short.truncate(short.len() - 3);
        check("cut", &with(&short), &plain);
    }
    // What is too short to be one, or says so, or has a name that is too long.
    let (profile, _) = long_profile(0);
    let mut lies = profile.clone();
    lies[..4].copy_from_slice(&[0, 0, 0, 60]);
    let source = png_chunk(b"iCCP", &[b"x\0\0", &zlib(&lies)[..], SECRET].concat());
    check("says that it is short", &insert(&plain, 33, &source), &plain);
    let name = SECRET.repeat(6);
    let source = png_chunk(b"iCCP", &[&name[..], b"\0\0", &zlib(&profile)].concat());
    check_somehow("a long name", &insert(&plain, 33, &source), &plain);
    let source = png_chunk(b"iCCP", &[b"x\0\x01", &zlib(&profile)[..], SECRET].concat());
    check("a method that nobody knows", &insert(&plain, 33, &source), &plain);
}

#[test]
fn webp_lengths_are_made_even_by_nothing() {
    let picture = photo(50, 40);
    let still = webp_lossy(&picture, 80);
    let mut data = still[20..].to_vec();
    data.truncate(u32::from_le_bytes(still[16..20].try_into().unwrap()) as usize);
    if data.len().is_multiple_of(2) {
        data.push(0);
    }
    let even = riff_chunk(b"VP8 ", &data);
    let mut odd = even.clone();
    *odd.last_mut().unwrap() = b'S';
    let plain = webp_file(&[&vp8x(0, 50, 40), &even]);
    assert_eq!(stripped(&webp_file(&[&vp8x(0, 50, 40), &odd]), &stripping()), plain);
    let anim = riff_chunk(b"ANIM", &[0; 6]);
    let moving = |image: &[u8]| {
        let frame = webp_frame(image);
        webp_file(&[&vp8x(2, 50, 40), &anim, &frame, &frame])
    };
    assert!(passes(&moving(&even), &stripping()));
    assert_eq!(stripped(&moving(&odd), &stripping()), moving(&even));
}

/// Sources of each format with secrets in them, still or animated.
fn marked() -> Vec<Vec<u8>> {
    let segments: Vec<u8> =
        secret_segments().into_iter().flat_map(|(_, segment)| segment).collect();
    let [baseline, progressive, _] = &jpegs()[..] else { unreachable!() };
    let chunks: Vec<u8> = secret_chunks().into_iter().flat_map(|(_, chunk)| chunk).collect();
    let extensions: Vec<u8> = secret_extensions().into_iter().flat_map(|(_, part)| part).collect();
    let image = &webp_lossless(&photo(50, 40))[12..];
    let secret = riff_chunk(b"abcd", SECRET);
    let exif = riff_chunk(b"EXIF", &exif_with_secret());
    let frame = webp_frame(&[image, &secret].concat());
    let anim = riff_chunk(b"ANIM", &[0; 6]);
    let gif = gif_frames();
    let mut all = vec![
        insert(baseline, 20, &segments),
        insert(progressive, 20, &segments),
        insert(&png(&photo(60, 40)), 33, &chunks),
        insert(&gif, 19, &extensions),
        webp_file(&[&vp8x(12, 50, 40), image, &exif, &secret]),
        webp_file(&[&vp8x(14, 50, 40), &anim, &frame, &frame, &exif]),
        avif_of(&photo(16, 16), &exif_with_secret(), SECRET),
        avif_sequence(true),
    ];
    all.iter_mut().for_each(|file| file.extend_from_slice(SECRET));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Whatever a file became, it is stripped once and for all, or made anew, or refused.
    #[test]
    fn damaged(
        which in 0..8usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        is_copyright in any::<bool>(),
    ) {
        thread_local!(static MARKED: Vec<Vec<u8>> = marked());
        let mut file = MARKED.with(|marked| marked[which].clone());
        for (at, byte) in &changes {
            let at = at.index(file.len());
            file[at] = *byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        let plan = if is_copyright { copyright() } else { stripping() };
        let Ok(prepared) = prepare(&file, &plan, &Limits::default()) else { return Ok(()) };
        if prepared.memory() > file.len() as u64 + 64 {
            // Made anew, which is for other tests.
            return Ok(());
        }
        let out = match prepared.run(&Control::default()).unwrap().output {
            Output::Original => file.clone(),
            Output::Stripped(bytes) => bytes,
            Output::Encoded(_) => return Ok(()),
        };
        prop_assert!(passes(&out, &plan), "not stripped at once");
        if changes.is_empty() {
            prop_assert!(!contains(&out, SECRET));
        }
    }
}
