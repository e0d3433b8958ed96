//! JPEG images that are damaged, and what is shown of them at every size.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::{Control, Damage, DamagePolicy, Error, Limits, Output, Plan, prepare};

/// At an eighth, at some eighths, and as it is.
const SIZES: [&str; 3] = ["f=png,w=40", "f=png,w=150", "f=png"];

/// What becomes of an image, and what was wrong with it.
fn shown(source: &[u8], plan: &Plan) -> Result<(Picture, Option<Damage>), Error> {
    let prepared = prepare(source, plan, &Limits::default())?;
    let transformed = prepared.run(&Control::default())?;
    let damage = prepared.damage();
    match transformed.output {
        Output::Encoded(bytes) => Ok((decode(&bytes), damage)),
        Output::Original | Output::Stripped(_) => panic!("not made"),
    }
}

fn of(size: &str, damaged: DamagePolicy) -> Plan {
    Plan { damaged, ..plan(size) }
}

/// That an image is shown by both policies as if nothing were wrong.
fn is_whole(what: &str, source: &[u8], whole: &[u8]) {
    for size in SIZES {
        let expected = shown(whole, &of(size, DamagePolicy::Lenient)).unwrap();
        for policy in [DamagePolicy::Lenient, DamagePolicy::Strict] {
            let (picture, damage) = shown(source, &of(size, policy))
                .unwrap_or_else(|error| panic!("{what} {size} {policy:?}: {error}"));
            assert_eq!(damage, None, "{what} {size} {policy:?}");
            assert!(picture == expected.0, "{what} {size} {policy:?}");
        }
    }
}

/// That an image is shown, but not to the strict; its upper part as if nothing were wrong, in so
/// many parts of a hundred. Whether its end is missing.
fn is_mended(what: &str, source: &[u8], whole: &[u8], percent: u32, ends_early: bool) {
    for size in SIZES {
        let (expected, _) = shown(whole, &of(size, DamagePolicy::Lenient)).unwrap();
        let (picture, damage) = shown(source, &of(size, DamagePolicy::Lenient))
            .unwrap_or_else(|error| panic!("{what} {size}: {error}"));
        let damage = damage.unwrap_or_else(|| panic!("{what} {size}: nothing is said"));
        assert_eq!(damage.ends_early, ends_early, "{what} {size}: {}", damage.what);
        assert_eq!(picture.width, expected.width, "{what} {size}");
        let count = (expected.height.min(picture.height) * percent / 100 * picture.width) as usize;
        let near = picture.pixels.iter().zip(&expected.pixels).take(count);
        let far = near.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > 8)).count();
        assert!(far * 50 <= count, "{what} {size}: {far} of {count} pixels");
        let refused = shown(source, &of(size, DamagePolicy::Strict));
        assert!(matches!(refused, Err(Error::DecodeFailed(_))), "{what} {size}");
    }
}

fn is_refused(what: &str, source: &[u8]) {
    for size in SIZES {
        for policy in [DamagePolicy::Lenient, DamagePolicy::Strict] {
            let refused = shown(source, &of(size, policy));
            assert!(matches!(refused, Err(Error::DecodeFailed(_))), "{what} {size} {policy:?}");
        }
    }
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let picture = photo(400, 304);
    vec![
        ("4:2:0", jpeg(&picture, 80, Subsamp::Sub2x2, false)),
        ("4:4:4", jpeg(&picture, 80, Subsamp::None, false)),
        ("grey", jpeg(&picture, 80, Subsamp::Gray, false)),
        ("progressive", jpeg(&picture, 80, Subsamp::Sub2x2, true)),
    ]
}

fn find(jpeg: &[u8], marker: u8) -> usize {
    jpeg.windows(2).position(|pair| pair == [0xff, marker]).unwrap()
}

#[test]
fn a_missing_end() {
    for (name, whole) in samples() {
        let cut = &whole[..whole.len() - 2];
        is_mended(&format!("{name} without"), cut, &whole, 100, true);
        is_mended(&format!("{name} half"), &whole[..whole.len() - 1], &whole, 100, true);
        is_mended(&format!("{name} zeros"), &[cut, &[0; 20]].concat(), &whole, 100, true);
        is_whole(&format!("{name} zeros behind"), &[&whole[..], &[0; 20]].concat(), &whole);
        is_whole(&format!("{name} twice"), &[&whole[..], &whole].concat(), &whole);
        is_whole(&format!("{name} bytes before"), &[cut, &[1, 2, 3, 0xff, 0xd9]].concat(), &whole);
    }
}

#[test]
fn cut_where_half_is_there_and_where_it_is_not() {
    for (name, whole) in samples() {
        if name == "progressive" {
            let scans: Vec<usize> =
                (0..whole.len() - 1).filter(|&at| whole[at..at + 2] == [0xff, 0xda]).collect();
            is_refused("within the first scan", &whole[..scans[1] - 300]);
            // The averages of all blocks.
            let (picture, _) = shown(&whole[..scans[1] + 40], &plan("f=png,w=40")).unwrap();
            let (expected, _) = shown(&whole, &plan("f=png,w=40")).unwrap();
            assert!(psnr(&picture, &expected) > 20.0);
            for size in SIZES {
                assert!(shown(&whole[..scans[1] + 40], &plan(size)).is_ok(), "{size}");
            }
        } else {
            is_refused(name, &whole[..whole.len() * 2 / 5]);
            is_mended(name, &whole[..whole.len() * 4 / 5], &whole, 60, true);
        }
        is_refused(name, &whole[..find(&whole, 0xda) + 5]);
    }
}

#[test]
fn what_is_of_no_use_is_no_damage() {
    let whole = jpeg(&photo(400, 304), 80, Subsamp::Sub2x2, false);
    let scan = find(&whole, 0xda);
    for spectrum in [[0, 0, 0], [1, 5, 0x21], [63, 0, 0xff]] {
        let mut source = whole.clone();
        source[scan + 11..scan + 14].copy_from_slice(&spectrum);
        is_whole(&format!("scan parameters {spectrum:?}"), &source, &whole);
    }
    for (marker, body) in [
        (0xe2, &b"ICC_PROFILE\0"[..]),
        (0xe2, b"ICC_PROFILE\0\x01\x01"),
        (0xe2, b"ICC_PROFILE\0\x02\x03nothing"),
        (0xe1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        (0xe0, b"JFIF\0\x09\x09"),
        (0xe5, b""),
    ] {
        is_whole(&format!("{marker:x} {body:?}"), &with_segment(&whole, marker, body), &whole);
    }
    let short = [&whole[..2], &[0xff, 0xe3, 0, 0], &whole[2..]].concat();
    is_whole("a segment shorter than its length", &short, &whole);
    let garbage = [&whole[..scan], &[7, 7, 7], &whole[scan..]].concat();
    is_whole("bytes before a segment", &garbage, &whole);
    let ones = [&whole[..scan], &[0xff; 9], &whole[scan..]].concat();
    is_whole("ones before a segment", &ones, &whole);
    // Without the segment of JFIF, that of Adobe says what the colours are.
    let end = 4 + usize::from(whole[5]);
    let bare = [&whole[..2], &whole[end..]].concat();
    assert_eq!(whole[3], 0xe0);
    for transform in [1, 2, 9] {
        let adobe = [b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat();
        is_whole(&format!("Adobe {transform}"), &with_segment(&bare, 0xee, &adobe), &whole);
    }
}

#[test]
fn rows_that_are_said_behind_the_scan() {
    for sampling in [Subsamp::Sub2x2, Subsamp::Gray] {
        let whole = jpeg(&photo(400, 304), 80, sampling, false);
        let frame = find(&whole, 0xc0);
        let (before, end) = whole.split_at(whole.len() - 2);
        let mut source =
            [before, &[0xff, 0xdc, 0, 4, 304u16.to_be_bytes()[0], 304u16.to_be_bytes()[1]], end]
                .concat();
        source[frame + 5..frame + 7].fill(0);
        is_whole("rows behind the scan", &source, &whole);
        let mut unknown = whole.clone();
        unknown[frame + 5..frame + 7].fill(0);
        is_refused("rows nowhere", &unknown);
    }
}

#[test]
fn more_rows_than_there_are() {
    let whole = jpeg(&photo(400, 304), 80, Subsamp::Sub2x2, false);
    let mut source = whole.clone();
    let frame = find(&whole, 0xc0);
    source[frame + 5..frame + 7].copy_from_slice(&400u16.to_be_bytes());
    for size in SIZES {
        let (picture, damage) = shown(&source, &plan(size)).unwrap();
        assert!(damage.is_some_and(|damage| !damage.ends_early), "{size}");
        let bottom = picture.pixels.last().unwrap();
        assert!(bottom[..3].iter().all(|channel| channel.abs_diff(128) < 3), "{size}: {bottom:?}");
        assert!(shown(&source, &of(size, DamagePolicy::Strict)).is_err());
    }
}

#[test]
fn restart_markers_that_are_wrong() {
    let whole = fixture("restarts.jpg");
    let markers: Vec<usize> = (0..whole.len() - 1)
        .filter(|&at| whole[at] == 0xff && matches!(whole[at + 1], 0xd0..=0xd7))
        .collect();
    let mut last = 0;
    for &at in &markers[markers.len() - 3..] {
        let mut other = whole.clone();
        other[at + 1] = 0xd0 + (other[at + 1] - 0xd0 + 1) % 8;
        is_mended("of another turn", &other, &whole, 60, false);
        let mut missing = whole.clone();
        missing.drain(at..at + 2);
        is_mended("missing", &missing, &whole, 60, false);
        let before = [&whole[..at], &[0x55, 0x66, 0x77], &whole[at..]].concat();
        // Of a scan that is passed over at an eighth nothing is said.
        for size in SIZES {
            assert!(shown(&before, &of(size, DamagePolicy::Lenient)).is_ok(), "{size}");
            assert!(shown(&before, &of(size, DamagePolicy::Strict)).is_err(), "{size}");
        }
        let fake = [&whole[..at], &[0xff, 0x07, 0x77], &whole[at..]].concat();
        is_mended("a marker that is none", &fake, &whole, 60, false);
        last = at;
    }
    assert!(last > 0);
}

/// Whatever the verdict is on headers that don't fit the data, it is one at every size.
#[test]
fn headers_that_lie() {
    for (what, whole) in samples().into_iter().chain([("restarts", fixture("restarts.jpg"))]) {
        let frame = whole.windows(2).position(|two| matches!(two, [0xff, 0xc0 | 0xc2])).unwrap();
        let sized = |at: usize, side: u16| {
            let mut source = whole.clone();
            source[frame + at..frame + at + 2].copy_from_slice(&side.to_be_bytes());
            source
        };
        let mut lies = vec![];
        for interval in [1, 7, 50, 5000] {
            let [high, low] = u16::to_be_bytes(interval);
            let restarts = [0xff, 0xdd, 0, 4, high, low];
            let source = [&whole[..frame], &restarts, &whole[frame..]].concat();
            lies.push((format!("{what}, an interval of {interval}"), source));
        }
        let scan = find(&whole, 0xda);
        let mangled = whole[scan + 14..].split(|&byte| byte == b'\n').collect::<Vec<_>>();
        let mangled = [&whole[..scan + 14], &mangled.join(&b"\r\n"[..])].concat();
        lies.push((format!("{what}, ends of lines converted"), mangled));
        for side in [100, 264, 290, 296, 310, 420, 65501, 65535] {
            lies.push((format!("{what}, a height of {side}"), sized(5, side)));
        }
        for side in [100, 350, 384, 392, 408, 450] {
            lies.push((format!("{what}, a width of {side}"), sized(7, side)));
        }
        for (what, source) in lies {
            for policy in [DamagePolicy::Lenient, DamagePolicy::Strict] {
                let verdicts = SIZES.map(|size| shown(&source, &of(size, policy)).map(|_| ()));
                let [first, ..] = verdicts.each_ref().map(Result::is_ok);
                assert!(
                    verdicts.iter().all(|v| v.is_ok() == first),
                    "{what} {policy:?} {verdicts:?}"
                );
            }
        }
    }
}

/// Of large ones, of which libjpeg would keep too much, what can be read is shown by other means.
#[test]
fn a_large_progressive_image_with_holes() {
    let whole = jpeg(&photo(4000, 3100), 50, Subsamp::Sub2x2, true);
    let scans: Vec<usize> =
        (0..whole.len() - 1).filter(|&at| whole[at..at + 2] == [0xff, 0xda]).collect();
    let (expected, _) = shown(&whole, &plan("f=png,w=500")).unwrap();
    let mut broken = whole.clone();
    let middle = (scans[2] + scans[3]) / 2;
    broken[middle..middle + 40].fill(0xfe);
    for source in [&broken[..], &whole[..whole.len() - 2], &whole[..scans[4] + 1000]] {
        let (picture, damage) = shown(source, &plan("f=png,w=500")).unwrap();
        assert!(damage.is_some());
        let psnr = psnr(&picture, &expected);
        assert!(psnr > 25.0, "{psnr}");
    }
    is_refused("the first scan", &whole[..scans[1] - 1000]);
}

#[test]
fn a_damaged_original_is_made_anew() {
    let whole = jpeg(&photo(400, 304), 80, Subsamp::Sub2x2, false);
    let cut = &whole[..whole.len() - 2];
    for (source, policy, original) in [
        (&whole[..], DamagePolicy::Lenient, true),
        (&whole[..], DamagePolicy::Strict, true),
        (cut, DamagePolicy::Lenient, false),
    ] {
        let plan = of("w=400", policy);
        let prepared = prepare(source, &plan, &Limits::default()).unwrap();
        let output = prepared.run(&Control::default()).unwrap().output;
        assert_eq!(!matches!(output, Output::Encoded(_)), original);
    }
    // The strict look at what they pass on.
    let mut broken = whole.clone();
    let middle = whole.len() / 2;
    broken.drain(middle..middle + 900);
    let strict = of("w=400", DamagePolicy::Strict);
    let prepared = prepare(&broken, &strict, &Limits::default()).unwrap();
    assert!(prepared.memory() > 400 * 304 * 3);
    assert!(matches!(prepared.run(&Control::default()), Err(Error::DecodeFailed(_))));
}
