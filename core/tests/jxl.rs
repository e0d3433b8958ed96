//! JPEG XL in and out. What is read was written by cjxl; see `fixtures/make.sh`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::*;
use image_gate_core::image::{
    Control, Error, Limits, MetadataPolicy, Output, Plan, prepare, probe,
};

#[test]
fn what_has_no_loss_is_the_same() {
    for name in ["pattern", "grey-alpha", "grey16"] {
        let (jxl, png) = (fixture(&format!("{name}.jxl")), fixture(&format!("{name}.png")));
        let (got, want) = (probe(&jxl).unwrap(), probe(&png).unwrap());
        assert_eq!((got.width, got.height, got.alpha), (want.width, want.height, want.alpha));
        assert_eq!(got.bits, want.bits, "{name}");
        let turned = plan("f=png,flip=h");
        let (got, want) = (transformed(&jxl, &turned), transformed(&png, &turned));
        // Of 16 bits PNG's upper ones count, which is a rounding of half a level.
        let differ = |(got, want): (&u8, &u8)| got.abs_diff(*want) > u8::from(name == "grey16");
        assert!(!got.rgba().iter().zip(want.rgba()).any(differ), "{name}");
    }
}

#[test]
fn colours_and_orientation_are_those_of_the_codestream() {
    // A photo in P3 that lies on its side, with Exif that says so as well.
    let source = fixture("p3-turned.jxl");
    let info = probe(&source).unwrap();
    assert_eq!((info.width, info.height, info.orientation), (60, 90, 1));
    assert!(info.has_profile);
    assert!(probe(&fixture("profile.jxl")).unwrap().has_profile);
    let converted = |name: &str| transformed(&fixture(name), &plan("f=png,flip=h"));
    let psnr = psnr(&converted("p3-turned.jxl"), &converted("p3-turned.png"));
    assert!(psnr > 45.0, "{psnr}");
}

#[test]
fn what_is_written_is_read_again() {
    let opaque = photo(150, 100);
    let veiled = Picture::new(150, 100, |x, y| {
        let [r, g, b, _] = opaque.at(x, y);
        [r, g, b, if x < 75 { 255 } else { 100 + y as u8 }]
    });
    for (picture, quality, least) in
        [(&opaque, 30, 24.0), (&opaque, 90, 34.0), (&opaque, 100, 40.0), (&veiled, 90, 34.0)]
    {
        let out = transform(&png(picture), &plan(&format!("f=jxl,q={quality}"))).unwrap();
        assert!(probe(&out).unwrap().alpha);
        let psnr = psnr(&decode(&out), picture);
        assert!(psnr > least, "{quality}: {psnr}");
    }
    let grey = transform(&fixture("grey.jpg"), &plan("f=jxl,q=90")).unwrap();
    let (got, want) = (decode(&grey), decode(&fixture("grey.jpg")));
    assert!(psnr(&got, &want) > 36.0);
}

/// Whether a JPEG can be made of it again.
fn is_reversible(jxl: &[u8]) -> bool {
    jxl.windows(4).any(|kind| kind == b"jbrd")
}

#[test]
fn a_jpeg_that_stays_the_same_has_no_loss() {
    let source = jpeg(&photo(160, 120), 80, Subsamp::Sub2x2, true);
    let asked = |params: &str| transform(&source, &plan(params)).unwrap();
    let whole = asked("f=jxl");
    assert!(is_reversible(&whole) && whole.len() < source.len());
    assert!(psnr(&decode(&whole), &decode(&source)) > 40.0);
    assert!(is_reversible(&asked("f=jxl,w=400")));
    for params in ["f=jxl,q=90", "f=jxl,w=80", "f=jxl,flip=h", "f=jxl,blur=1"] {
        assert!(!is_reversible(&asked(params)), "{params}");
    }
    let bounded = Plan { max_bytes: Some(1 << 20), ..plan("f=jxl") };
    assert!(!is_reversible(&transform(&source, &bounded).unwrap()));
    for (name, reversible) in [
        ("progressive.jpg", true),
        ("grey.jpg", true),
        ("restarts.jpg", true),
        ("sampled-1x2.jpg", true),
        ("cmyk.jpg", false),
    ] {
        let out = transform(&fixture(name), &plan("f=jxl")).unwrap();
        assert_eq!(is_reversible(&out), reversible, "{name}");
    }
    let lying = with_orientation(&source, 6);
    assert!(!is_reversible(&transform(&lying, &plan("f=jxl")).unwrap()));
}

#[test]
fn metadata_goes_as_the_policy_says() {
    let source = with_segment(
        &jpeg(&photo(64, 48), 80, Subsamp::Sub2x2, false),
        0xe1,
        &[b"Exif\0\0", exif(1).as_slice()].concat(),
    );
    let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    for params in ["f=jxl,q=80", "f=jxl,q=80,metadata=keep"] {
        let mut plan = plan("f=jxl,q=80");
        if params.ends_with("keep") {
            plan.metadata = MetadataPolicy::Keep;
        }
        let out = transform(&source, &plan).unwrap();
        assert_eq!(has(&out, b"Ann Other"), params.ends_with("keep"), "{params}");
        if params.ends_with("keep") {
            assert!(!has(&transform(&out, &Plan::default()).unwrap(), b"Ann Other"));
        }
    }
}

/// One in brotli's format that is not compressed (RFC 7932, section 9.2).
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let head = (bytes.len() as u32 - 1) << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], bytes, &[3]].concat()
}

/// In boxes of their own, as they are or compressed, before the image or behind it, and where there is no container yet.
#[test]
fn author_and_rights_stay_without_loss() {
    let copyright = Plan { metadata: MetadataPolicy::Copyright, ..Plan::default() };
    let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    let exif = [&[0; 4], exif(1).as_slice()].concat();
    let xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/' xmlns:dc='http://purl.org/dc/elements/1.1/'>\
        <dc:creator>Ann Other</dc:creator><dc:rights>(c) 2024 AO</dc:rights>GPSN</x:xmpmeta>";
    let packed = |kind: &[u8; 4], bytes: &[u8]| jxl_box(b"brob", &[kind, &*brotli(bytes)].concat());
    let added = [
        jxl_box(b"Exif", &exif),
        packed(b"Exif", &exif),
        jxl_box(b"xml ", xmp),
        packed(b"xml ", xmp),
    ];
    let codestream = fixture("pattern.jxl");
    for boxes in containers(&codestream) {
        let level = [&boxes[..2], &[jxl_box(b"jxll", &[5])], &boxes[2..]].concat();
        for boxes in [boxes, level] {
            for added in &added {
                let places = (2..=boxes.len()).filter(|&at| at > 2 || boxes.len() == 3);
                for place in places {
                    let mut boxes = boxes.clone();
                    boxes.insert(place, added.clone());
                    let source = boxes.concat();
                    let prepared = prepare(&source, &copyright, &Limits::default()).unwrap();
                    let made = prepared.run(&Control::default()).unwrap().output;
                    let Output::Stripped(out) = made else { panic!("made anew") };
                    assert!(has(&out, b"Ann Other") && has(&out, b"(c) 2024 AO"));
                    assert!(!has(&out, b"GPSN") && !has(&out, b"brob"));
                    assert_eq!(decode(&out), decode(&codestream));
                    assert!(passes(&out, &copyright));
                    for format in ["jpeg", "png", "webp", "avif", "jxl"] {
                        let plan = plan(&format!("w=20,f={format},metadata=copyright"));
                        assert!(has(&transform(&source, &plan).unwrap(), b"Ann Other"), "{format}");
                    }
                }
            }
        }
    }
    // A photo in another format has it, and goes out as a codestream with a container around it.
    let source = with_segment(
        &jpeg(&photo(64, 48), 80, Subsamp::Sub2x2, false),
        0xe1,
        &[b"Exif\0\0", self::exif(1).as_slice()].concat(),
    );
    let out = transform(&source, &plan("f=jxl,q=80,metadata=copyright")).unwrap();
    assert!(has(&out, b"Ann Other") && passes(&out, &copyright));
}

/// Readers go by what the codestream says.
#[test]
fn what_is_not_to_be_turned_says_how_it_is_to_be_shown() {
    let lying = with_orientation(&jpeg(&photo(90, 60), 90, Subsamp::None, false), 6);
    let keep = Plan { orient: false, metadata: MetadataPolicy::Keep, ..plan("f=jxl,q=95,w=80") };
    let out = transform(&lying, &keep).unwrap();
    let info = probe(&out).unwrap();
    assert_eq!((info.width, info.height), (53, 80));
    let upright = transformed(&lying, &plan("f=png,h=80"));
    assert!(psnr(&transformed(&out, &plan("f=png")), &upright) > 30.0);
    // And what the codestream says was applied, whatever Exif says.
    let source = fixture("p3-turned.jxl");
    let keep = Plan { orient: false, metadata: MetadataPolicy::Keep, ..plan("f=jpeg") };
    let info = probe(&transform(&source, &keep).unwrap()).unwrap();
    assert_eq!((info.width, info.height, info.orientation), (60, 90, 1));
}

#[test]
fn what_stands_behind_the_image_does_not_go_out() {
    let secret = b"the film behind the picture";
    let strip = Plan::default();
    for (name, is_cut) in [("pattern.jxl", true), ("grey-alpha.jxl", true), ("preview.jxl", false)]
    {
        let bare = fixture(name);
        assert_eq!(passes(&bare, &strip), is_cut, "{name}");
        let behind = [&bare[..], secret].concat();
        let out = transform(&behind, &strip).unwrap();
        assert_eq!(out == bare, is_cut, "{name}");
        // In the box of the codestream and in another one.
        let boxed = |codestream: &[u8], more: &[u8]| {
            let len = |bytes: &[u8]| (bytes.len() as u32 + 8).to_be_bytes();
            let start = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ";
            [&start[..], &len(codestream), b"jxlc", codestream, more].concat()
        };
        assert_eq!(passes(&boxed(&bare, b""), &strip), is_cut, "{name}");
        let other = boxed(&bare, &[&35u32.to_be_bytes()[..], b"free", secret].concat());
        for file in [boxed(&behind, b""), other] {
            let out = transform(&file, &strip).unwrap();
            assert!(!out.windows(secret.len()).any(|part| part == secret), "{name}");
            assert_eq!(decode(&out).size(), decode(&bare).size(), "{name}");
        }
    }
}

fn jxl_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

fn part(index: u32, data: &[u8]) -> Vec<u8> {
    jxl_box(b"jxlp", &[&index.to_be_bytes()[..], data].concat())
}

/// The boxes of a file whose codestream is whole, or in three parts.
fn containers(codestream: &[u8]) -> [Vec<Vec<u8>>; 2] {
    let start = [b"\0\0\0\x0cJXL \r\n\x87\n".to_vec(), jxl_box(b"ftyp", b"jxl \0\0\0\0jxl ")];
    let (first, rest) = codestream.split_at(codestream.len() / 3);
    let (second, last) = rest.split_at(rest.len() / 2);
    let parts = [part(0, first), part(1, second), part(1 << 31 | 2, last)];
    [[&start[..], &[jxl_box(b"jxlc", codestream)]].concat(), [&start[..], &parts].concat()]
}

/// What goes out for a file as it is, of another size and of another format: all of them or none.
fn verdict(what: &str, file: &[u8]) -> Option<Vec<u8>> {
    let [own, small, png] =
        ["", "w=40", "f=png"].map(|params| transform(file, &plan(params)).map_err(|e| e.word()));
    assert_eq!(own.is_ok(), small.is_ok(), "{what}: {small:?}");
    assert_eq!(own.is_ok(), png.is_ok(), "{what}: {png:?}");
    assert!(own.is_ok() || own == Err("decode_failed"), "{what}: {own:?}");
    own.ok()
}

#[test]
fn no_box_goes_out_of_which_nothing_was_decoded() {
    let secret = b"a stranger's bytes";
    // Of parts the first, the next, and the last; a type and a level as they are, but for their end.
    let added = [
        (b"jxlc", &b""[..]),
        (b"jxlp", &[0; 4]),
        (b"jxlp", &[0, 0, 0, 1]),
        (b"jxlp", &[0x80, 0, 0, 3]),
        (b"jxll", &[5]),
        (b"ftyp", b"jxl \0\0\0\0jxl "),
        (b"JXL ", b"\r\n\x87\n"),
        (b"jbrd", b""),
        (b"Exif", &[0; 4]),
        (b"free", b""),
    ];
    for boxes in containers(&fixture("pattern.jxl")) {
        let whole = boxes.concat();
        assert_eq!(verdict("whole", &whole).as_ref(), Some(&whole));
        for (kind, before) in added {
            let added = jxl_box(kind, &[before, &secret[..]].concat());
            for place in 1..=boxes.len() {
                let what = format!("{} {before:?} at {place}", kind.escape_ascii());
                let mut boxes = boxes.clone();
                boxes.insert(place, added.clone());
                let out = verdict(&what, &boxes.concat());
                if place + 1 == boxes.len() {
                    let expected = (!kind.starts_with(b"jxl") || kind == b"jxll").then_some(&whole);
                    assert_eq!(out.as_ref(), expected, "{what}");
                }
                let leaks = |out: Vec<u8>| out.windows(secret.len()).any(|part| part == secret);
                assert!(!out.is_some_and(leaks), "{what}");
            }
        }
    }
}

#[test]
fn bytes_behind_the_last_box_are_no_damage() {
    for boxes in containers(&fixture("pattern.jxl")) {
        let whole = boxes.concat();
        let zeros = (1..=9).map(|len| vec![0; len]);
        let headers = [
            &b"\xff"[..],
            b"\0\0\0\x20freexx",
            b"\0\0\0\x04free",
            b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\0\0\0\x01free\0\0",
        ];
        for behind in zeros.chain(headers.map(<[u8]>::to_vec)) {
            let out = verdict(&format!("{behind:?}"), &[&whole[..], &behind].concat());
            assert_eq!(out.as_ref(), Some(&whole), "{behind:?}");
        }
    }
}

#[test]
fn parts_come_in_their_order_and_once() {
    let [_, boxes] = containers(&fixture("pattern.jxl"));
    let (start, parts) = boxes.split_at(2);
    for order in 0..4usize.pow(3) {
        // Up to three of them.
        let order: Vec<usize> = (0..3).map(|place| order / 4usize.pow(place) % 4).collect();
        let chosen: Vec<_> = order.iter().filter_map(|&at| parts.get(at)).cloned().collect();
        let in_order = order == [0, 1, 2];
        let out = verdict(&format!("{order:?}"), &[start, &chosen].concat().concat());
        assert_eq!(out.is_some(), in_order, "{order:?}");
    }
}

#[test]
fn broken_files_are_errors() {
    let source = fixture("pattern.jxl");
    for len in [2, 3, 12, source.len() / 2, source.len() - 1] {
        let error = transform(&source[..len], &plan("f=png")).unwrap_err();
        assert_eq!(error.word(), "decode_failed", "{len}");
    }
    for at in (0..source.len()).step_by(source.len() / 200 + 1) {
        let mut broken = source.clone();
        broken[at] ^= 0x55;
        // Whatever it is, it ends.
        let _ = transform(&broken, &plan("f=png"));
    }
}

#[test]
fn promises_are_held_against_limits() {
    // A codestream of 2^18 by 2^18 pixels, and no more than its header (ISO/IEC 18181-1, D.2).
    let side = |side: u64| (side - 1) << 2 | 2;
    let mut bits = u128::from(side(1 << 17)) << 1;
    bits |= 1 << 21;
    let mut bomb = vec![0xff, 0x0a];
    bomb.extend(bits.to_le_bytes());
    let outcome = prepare(&bomb, &plan("f=png"), &Limits::default()).map(|_| ());
    assert!(outcome.is_err(), "{outcome:?}");
}

#[test]
fn work_is_ended_in_time() {
    let source = png(&photo(400, 300));
    let large = plan("f=jxl,w=1600,enlarge=on,q=90");
    let prepared = prepare(&source, &large, &Limits::default()).unwrap();
    assert_eq!(prepared.run(&Control::new(Some(Instant::now()))).unwrap_err(), Error::Timeout);
    let jxl = transform(&source, &plan("f=jxl,q=90")).unwrap();
    let asked = plan("f=png");
    let prepared = prepare(&jxl, &asked, &Limits::default()).unwrap();
    assert_eq!(prepared.run(&Control::new(Some(Instant::now()))).unwrap_err(), Error::Timeout);
}

#[test]
fn little_that_is_large_is_refused_before_it_is_decoded() {
    let hidden = fixture("hidden.jxl");
    // Its headers, a frame that is not shown, and one that is.
    let (head, shown) = hidden.split_at(7 + 14);
    let frames = [head, &head[7..].repeat(300), shown].concat();
    for (name, bomb, word, why) in [
        ("splines", fixture("splines-bomb.jxl"), "unsupported_format", "splines"),
        ("patches", fixture("patches-bomb.jxl"), "unsupported_format", "patches"),
        ("references", fixture("references-bomb.jxl"), "unsupported_format", "not shown"),
        ("frames", frames, "unsupported_format", "hundreds of frames"),
        ("tree", fixture("tree-bomb.jxl"), "decode_failed", "tree depth"),
        // What is little in each of a hundred frames.
        ("work", fixture("work-bomb.jxl"), "unsupported_format", "too many"),
        // What the decoder would read another number of patches of, had it been asked.
        ("mode", fixture("mode-bomb.jxl"), "decode_failed", "patches are damaged"),
        ("section", fixture("section-bomb.jxl"), "decode_failed", "patches are damaged"),
        ("copies", fixture("copies-bomb.jxl"), "decode_failed", "patches are damaged"),
    ] {
        let begin = Instant::now();
        let error = transform(&bomb, &plan("f=png,w=60")).unwrap_err();
        assert_eq!(error.word(), word, "{name}: {error}");
        assert!(error.to_string().contains(why), "{name}: {error}");
        assert!(begin.elapsed() < Duration::from_secs(5), "{name}");
    }
}

#[test]
fn frames_may_be_larger_than_the_image_and_narrower_than_a_line_of_the_cache() {
    // Their sides, and the grey that djxl has all over them.
    for (name, width, height, grey) in [
        ("narrow", 1, 65535, 100),
        ("preview", 300, 200, 100),
        ("layers", 8, 8, 150),
        ("splines", 2000, 2000, 3),
        ("hidden", 64, 64, 100),
    ] {
        let shown = decode(&fixture(&format!("{name}.jxl")));
        assert_eq!((shown.width, shown.height), (width, height), "{name}");
        assert!(shown.pixels.iter().all(|&pixel| pixel == [grey, grey, grey, 255]), "{name}");
    }
    // The only frame is a square of 8 by 8 pixels.
    let shown = decode(&fixture("crop.jxl"));
    let grey = shown.pixels.iter().filter(|&&pixel| pixel == [100, 100, 100, 255]);
    assert_eq!((shown.width, shown.height, grey.count()), (64, 64, 64));
}

#[test]
fn no_frame_hides_from_the_estimate() {
    // An image of 8x8 over a frame of 5000x5000 that it does not show.
    let source = fixture("references.jxl");
    let asked = plan("f=png");
    let prepared = prepare(&source, &asked, &Limits::default()).unwrap();
    assert!(prepared.memory() > 5000 * 5000 * 3 * 4, "{}", prepared.memory());
    // Hidden frames of a preview, and small ones that are kept in the size of the image.
    for (name, least) in [("preview-bomb", 400 << 20), ("crops-bomb", 760 << 20)] {
        let source = fixture(&format!("{name}.jxl"));
        let memory = prepare(&source, &asked, &Limits::default()).unwrap().memory();
        assert!(memory > least, "{name}: {memory}");
    }
    // A photo that is decoded group by group takes less than what it is made of.
    let source = transform(&png(&photo(2400, 1600)), &plan("f=jxl,q=80")).unwrap();
    let asked = plan("f=png,w=60");
    let prepared = prepare(&source, &asked, &Limits::default()).unwrap();
    assert!(prepared.memory() < 2400 * 1600 * 4 * 4, "{}", prepared.memory());
}
