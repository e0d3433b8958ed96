//! What is cut away is not decoded, and what is left is as if it had been.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::{DamagePolicy, Limits, Plan, prepare, probe};

/// The size to which a picture is scaled that covers a box.
fn covering((width, height): (u32, u32), (w, h): (u32, u32)) -> (u32, u32) {
    if u64::from(width) * u64::from(h) < u64::from(height) * u64::from(w) {
        (w, height * w / width)
    } else {
        (width * h / height, h)
    }
}

/// A part of a picture.
fn cut(picture: &Picture, (left, top): (u32, u32), (width, height): (u32, u32)) -> Picture {
    Picture::new(width, height, |x, y| picture.at(x + left, y + top))
}

/// Checks that a crop is what is cut from the whole picture, scaled alike, wherever its gravity
/// has it.
fn check(name: &str, source: &[u8], displayed: (u32, u32), (w, h): (u32, u32)) {
    let (width, height) = covering(displayed, (w, h));
    let whole = transformed(source, &plan(&format!("w={width},h={height},fit=stretch,f=png")));
    for (gravity, x, y) in [
        ("northwest", 0, 0),
        ("center", (width - w) / 2, (height - h) / 2),
        ("southeast", width - w, height - h),
    ] {
        let params = format!("w={w},h={h},fit=crop,gravity={gravity},f=png");
        let part = transformed(source, &plan(&params));
        let near = psnr(&part, &cut(&whole, (x, y), (w, h)));
        assert!(near > 50.0, "{name} {params}: {near} dB");
    }
}

const WIDE: (u32, u32) = (1207, 403);
const TALL: (u32, u32) = (405, 1201);

/// Boxes for which a JPEG is decoded at one eighth to five, and as it is.
const BOXES: [(u32, u32); 7] =
    [(30, 30), (60, 61), (91, 100), (130, 133), (150, 161), (211, 220), (300, 9)];

#[test]
fn samplings_and_scales_of_jpeg() {
    use Subsamp::{Gray, None, Sub1x2, Sub1x4, Sub2x1, Sub2x2, Sub4x1};
    let all = [None, Sub2x1, Sub1x2, Sub2x2, Sub4x1, Sub1x4, Gray];
    for ((width, height), samplings) in [(WIDE, all.as_slice()), (TALL, &[Sub2x2])] {
        let picture = photo(width, height);
        for &sampling in samplings {
            for progressive in [false, true] {
                let source = jpeg(&picture, 90, sampling, progressive);
                for size in BOXES {
                    let name = format!("{width}x{height} {sampling:?} {progressive}");
                    check(&name, &source, (width, height), size);
                }
            }
        }
    }
}

#[test]
fn orientations() {
    let upright = jpeg(&photo(WIDE.0, WIDE.1), 90, Subsamp::Sub2x2, false);
    for orientation in 1..=8 {
        let source = with_orientation(&upright, orientation);
        let displayed = if orientation >= 5 { (WIDE.1, WIDE.0) } else { WIDE };
        for size in [(40, 40), (151, 77)] {
            check(&format!("orientation {orientation}"), &source, displayed, size);
        }
    }
}

#[test]
fn fixtures_of_every_kind() {
    for name in [
        "cmyk.jpg",
        "restarts.jpg",
        "scans.jpg",
        "grey.jpg",
        "sampled-1x2.jpg",
        "lossy.webp",
        "lossless.webp",
        "lossy-alpha.webp",
        "pattern.png",
    ] {
        let source = fixture(name);
        let (width, height) = probe(&source).unwrap().displayed(true);
        for size in [(8, 8), (3, 40), (65, 5), (20, 31)] {
            check(name, &source, (width, height), size);
        }
    }
}

#[test]
fn webp_of_every_scale() {
    for (width, height) in [WIDE, TALL] {
        let picture = photo(width, height);
        for source in [webp_lossy(&picture, 90), webp_lossless(&picture)] {
            for size in [(30, 30), (40, 45), (61, 61), (140, 133), (211, 220), (300, 9)] {
                check(&format!("{width}x{height}"), &source, (width, height), size);
            }
        }
    }
}

/// Checks that what is made of an area of a source is what is made of a picture that has nothing
/// else, within so many dB.
fn check_area(name: &str, source: &[u8], whole: &Picture, least: f64) {
    for (x, y, w, h) in [(0, 0, 130, 90), (37, 21, 211, 160), (190, 111, 110, 89)] {
        let alone = png(&cut(whole, (x, y), (w, h)));
        for size in ["", "w=107,h=81,fit=stretch", "w=40", "w=50,h=50,fit=crop,gravity=southeast"] {
            let params = format!("crop={x}:{y}:{w}:{h},{size},f=png");
            let (part, expected) = (
                transformed(source, &plan(&params)),
                transformed(&alone, &plan(&format!("{size},f=png"))),
            );
            let near = psnr(&part, &expected);
            assert!(near > least, "{name} {params}: {near} dB");
        }
    }
}

#[test]
fn an_area_is_as_if_there_were_nothing_else() {
    let picture = photo(300, 200);
    let whole = |source: &[u8]| transformed(source, &plan("f=png"));
    // What lies on the other side of the edge does not show in what is not shrunk while it is decoded.
    check_area("png", &png(&picture), &picture, 99.0);
    for (name, source) in [
        ("jpeg", jpeg(&picture, 90, Subsamp::Sub2x2, false)),
        ("progressive", jpeg(&picture, 90, Subsamp::Sub2x1, true)),
        ("lossy webp", webp_lossy(&picture, 90)),
        ("lossless webp", webp_lossless(&picture)),
        ("gif", transform(&png(&picture), &plan("f=gif")).unwrap()),
    ] {
        check_area(name, &source, &whole(&source), 35.0);
    }
    for orientation in 2..=8 {
        let stored = if orientation >= 5 { photo(200, 300) } else { photo(300, 200) };
        let upright = jpeg(&stored, 90, Subsamp::None, false);
        let source = with_orientation(&upright, orientation);
        check_area(&format!("orientation {orientation}"), &source, &whole(&source), 35.0);
    }
}

#[test]
fn an_area_of_what_is_trimmed() {
    let picture = photo(100, 80);
    let framed = Picture::new(120, 100, |x, y| {
        let inside = (10..110).contains(&x) && (10..90).contains(&y);
        if inside { picture.at(x - 10, y - 10) } else { [255, 0, 255, 255] }
    });
    let made = transformed(&png(&framed), &plan("trim=0,crop=20:10:50:40,f=png"));
    assert_eq!(made.pixels, cut(&picture, (20, 10), (50, 40)).pixels);
    let beside = plan("trim=0,crop=105:0:9:9,f=png");
    assert!(transform(&png(&framed), &beside).is_err());
}

#[test]
fn an_area_of_the_result() {
    let source = png(&photo(300, 200));
    let whole = transformed(&source, &plan("w=120,h=60,fit=crop,f=png"));
    let made = transformed(&source, &plan("w=120,h=60,fit=crop,crop_after=30:10:40:25,f=png"));
    let near = psnr(&made, &cut(&whole, (30, 10), (40, 25)));
    assert!(near > 50.0, "{near} dB");
    let turned = transformed(&source, &plan("w=90,rotate=90,flip=h,f=png"));
    let params = "w=90,rotate=90,flip=h,crop_after=5:30:20:50%25,f=png";
    let near = psnr(&transformed(&source, &plan(params)), &cut(&turned, (5, 30), (20, 45)));
    assert!(near > 50.0, "{near} dB");
}

#[test]
fn an_area_takes_the_memory_of_what_it_needs() {
    let source = jpeg(&photo(2400, 1600), 75, Subsamp::Sub2x2, false);
    let memory =
        |params: &str| prepare(&source, &plan(params), &Limits::default()).unwrap().memory();
    assert!(memory("crop=200:100:300:200") * 4 < memory("w=2399"));
    // Pixels that are not decoded don't count into the limit.
    let limits = Limits { pixels: 200_000, ..Limits::default() };
    assert!(prepare(&source, &plan("crop=200:100:300:200"), &limits).is_ok());
    assert!(prepare(&source, &plan("w=2399"), &limits).is_err());
}

#[test]
fn what_is_cut_away_takes_no_memory() {
    let source = jpeg(&photo(2400, 400), 75, Subsamp::Sub2x2, false);
    let memory =
        |params: &str| prepare(&source, &plan(params), &Limits::default()).unwrap().memory();
    let (whole, part) = (memory("w=1800,h=300,fit=stretch"), memory("w=300,h=300,fit=crop"));
    assert!(part * 2 < whole, "{part} of {whole}");
    // The subject may be anywhere.
    assert!(memory("w=300,h=300,fit=crop,gravity=smart") > 2400 * 400 * 3);
}

/// Asserts that the damage shows in all of the image, and not in a part.
fn only_all_shows(damaged: &[u8], source: &[u8], part: &str, all: &str) {
    let (part, all) = (plan(part), plan(all));
    assert!(transform(damaged, &part).unwrap() == transform(source, &part).unwrap());
    assert!(transform(damaged, &all).ok() != transform(source, &all).ok());
}

#[test]
fn what_comes_after_the_part_need_not_be_whole() {
    let source = jpeg(&photo(TALL.0, TALL.1), 90, Subsamp::Sub2x2, false);
    let mut damaged = source.clone();
    let len = damaged.len();
    damaged[len - 3000..len - 2].fill(0xaa);
    // At four eighths, and at one.
    for (top, all) in [
        ("w=200,h=100,fit=crop,gravity=north,f=png", "w=200,f=png"),
        ("w=30,h=20,fit=crop,gravity=north,f=png", "w=30,f=png"),
    ] {
        only_all_shows(&damaged, &source, top, all);
    }
}

#[test]
fn what_comes_before_the_part_is_passed_over_by_restart_markers() {
    let source = fixture("restarts.jpg");
    let marker = source.windows(2).position(|pair| pair == [0xff, 0xd0]).unwrap();
    let mut damaged = source.clone();
    damaged[marker - 30..marker].fill(0xaa);
    let mut lost = source.clone();
    lost[marker + 1] = 0xd4;
    // At four eighths, and at five.
    for (bottom, all) in [
        ("w=23,h=4,fit=crop,gravity=south,f=png", "w=23,f=png"),
        ("w=28,h=4,fit=crop,gravity=south,f=png", "w=28,f=png"),
    ] {
        only_all_shows(&damaged, &source, bottom, all);
        let strict = Plan { damaged: DamagePolicy::Strict, ..plan(bottom) };
        assert!(transform(&lost, &strict).is_err());
    }
}

#[test]
fn damage_anywhere_is_an_error_or_a_picture() {
    let picture = photo(400, 90);
    let plans = [plan("w=20,h=20,fit=crop,f=png"), plan("w=60,h=60,fit=crop,f=png")];
    for source in [
        jpeg(&picture, 80, Subsamp::Sub2x2, false),
        jpeg(&picture, 80, Subsamp::Sub2x1, true),
        webp_lossy(&picture, 80),
        webp_lossless(&picture),
    ] {
        let mut random = 1u32;
        for _ in 0..150 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let mut damaged = source.clone();
            let at = random as usize / 256 % damaged.len();
            damaged[at] ^= 1 << (random % 8);
            for plan in &plans {
                if let Ok(made) = transform(&damaged, plan) {
                    let (width, height) = decode(&made).size();
                    assert!(width > 0 && width <= 60 && height <= 60, "{at}");
                }
            }
        }
    }
}
