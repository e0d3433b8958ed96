//! Sizes, turns, formats, and what goes out as it came in.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::num::NonZeroU32;

use common::*;
use image_gate_core::image::{
    AutoFormats, Color, Control, DamagePolicy, Error, Fit, Format, FormatChoice, Limits, Output,
    Plan, Rotation, prepare, probe,
};

fn photo_jpeg(width: u32, height: u32) -> Vec<u8> {
    jpeg(&photo(width, height), 92, Subsamp::Sub2x2, false)
}

#[test]
fn every_format_into_every_format() {
    let picture = photo(160, 120);
    let sources = [
        photo_jpeg(160, 120),
        png(&picture),
        webp_lossless(&picture),
        transform(&png(&picture), &plan("f=gif")).unwrap(),
    ];
    let reference = transformed(&png(&picture), &plan("w=64"));
    for source in &sources {
        for format in ["jpeg", "png", "gif", "webp"] {
            let made = transformed(source, &plan(&format!("w=64,q=90,f={format}")));
            assert_eq!(made.size(), (64, 48));
            let near = psnr(&made, &reference);
            assert!(near > 29.0, "{:?} to {format}: {near} dB", probe(source).unwrap().format);
        }
    }
}

#[test]
fn sizes_as_planned_for_odd_sources() {
    for (width, height) in [(1, 1), (7, 3), (97, 65), (1001, 333), (40, 900)] {
        let source = photo_jpeg(width, height);
        for params in ["w=5", "h=5", "w=20,h=20,fit=crop", "w=6,h=30,fit=crop", "w=2000"] {
            let plan = plan(params);
            let out = transformed(&source, &plan);
            assert!(out.width <= width && out.height <= height);
        }
    }
}

#[test]
fn crop_takes_the_middle() {
    // A red field with a green square in its very middle.
    let picture = Picture::new(300, 200, |x, y| {
        let inside = (100..200).contains(&x) && (50..150).contains(&y);
        if inside { [0, 200, 0, 255] } else { [200, 0, 0, 255] }
    });
    let source = jpeg(&picture, 95, Subsamp::None, false);
    let out = transformed(&source, &plan("w=40,h=80,fit=crop"));
    assert_eq!(out.size(), (40, 80));
    let near = |a: [u8; 4], b: [u8; 4]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 12);
    assert!(near(out.at(20, 40), [0, 200, 0, 255]));
    assert!(near(out.at(3, 40), [0, 200, 0, 255]));
    assert!(near(out.at(20, 3), [200, 0, 0, 255]));
    assert!(near(out.at(20, 76), [200, 0, 0, 255]));
}

/// A picture whose corners tell how it lies: red, green, blue and white from
/// the top left on, by the clock.
fn corners(width: u32, height: u32) -> Picture {
    Picture::new(width, height, |x, y| match (x * 2 < width, y * 2 < height) {
        (true, true) => [255, 0, 0, 255],
        (false, true) => [0, 255, 0, 255],
        (false, false) => [0, 0, 255, 255],
        (true, false) => [255, 255, 255, 255],
    })
}

/// The names of the corners' colours, by the clock.
fn corner_names(picture: &Picture) -> String {
    let (x, y) = (picture.width - 2, picture.height - 2);
    [(1, 1), (x, 1), (x, y), (1, y)]
        .into_iter()
        .map(|(x, y)| match picture.at(x, y).map(|v| v > 128) {
            [true, false, false, _] => 'R',
            [false, true, false, _] => 'G',
            [false, false, true, _] => 'B',
            [true, true, true, _] => 'W',
            _ => '?',
        })
        .collect()
}

#[test]
fn rotations_turn_to_the_left() {
    let source = png(&corners(60, 40));
    for (rotate, names, size) in [
        (Rotation::Ccw90, "GBWR", (40, 60)),
        (Rotation::Half, "BWRG", (60, 40)),
        (Rotation::Ccw270, "WRGB", (40, 60)),
    ] {
        let out = transformed(&source, &Plan { rotate, ..Plan::default() });
        assert_eq!((corner_names(&out).as_str(), out.size()), (names, size), "{rotate:?}");
    }
    assert_eq!(corner_names(&transformed(&source, &plan("rotate=90"))), "WRGB");
}

#[test]
fn the_eight_orientations() {
    // How the stored corners are displayed, by orientation.
    let displayed = ["RGBW", "GRWB", "BWRG", "WBGR", "RWBG", "WRGB", "BGRW", "GBWR"];
    let upright = jpeg(&corners(64, 48), 95, Subsamp::None, false);
    for (orientation, names) in (1..=8).zip(displayed) {
        let source = with_orientation(&upright, orientation);
        let info = probe(&source).unwrap();
        assert_eq!(info.orientation, orientation);
        let size = if orientation < 5 { (64, 48) } else { (48, 64) };
        assert_eq!(info.displayed(true), size);
        assert_eq!(info.displayed(false), (64, 48));

        let out = transformed(&source, &plan("f=png"));
        assert_eq!((corner_names(&out).as_str(), out.size()), (names, size), "{orientation}");
        // Bounds are of the displayed image.
        let out = transformed(&source, &plan("w=24"));
        assert_eq!((corner_names(&out).as_str(), out.width), (names, 24), "{orientation}");

        let plan = Plan { orient: false, ..plan("w=24") };
        assert_eq!(corner_names(&transformed(&source, &plan)), "RGBW");
    }
    // Also where nothing but the source's own format is asked for, and the source is shorter.
    let short = with_orientation(&jpeg(&corners(64, 48), 10, Subsamp::None, false), 6);
    let out = transform(&short, &plan("f=jpeg,q=95")).unwrap();
    assert!(out.len() > short.len());
    assert_eq!(probe(&out).unwrap().orientation, 1);
    assert_eq!(corner_names(&decode(&out)), "WRGB");
    // An orientation and a rotation add up.
    let source = with_orientation(&upright, 6);
    let plan = Plan { rotate: Rotation::Ccw90, ..Plan::default() };
    let out = transformed(&source, &plan);
    assert_eq!((corner_names(&out).as_str(), out.size()), ("RGBW", (64, 48)));
}

#[test]
fn what_fits_goes_out_as_it_came() {
    for source in [
        photo_jpeg(100, 120),
        fixture("still.gif"),
        fixture("palette-alpha.png"),
        fixture("lossy.webp"),
        fixture("cmyk.jpg"),
    ] {
        for params in ["", "w=200,h=200", "w=100,h=120", "w=500,h=500,fit=crop", "q=5"] {
            assert!(passes(&source, &plan(params)), "{params}");
        }
        let format = probe(&source).unwrap().format;
        assert!(passes(&source, &Plan { format: Some(format), ..Plan::default() }));
        assert!(passes(&source, &Plan { interlace: true, ..Plan::default() }));

        let other = if format == Format::Png { "f=jpeg" } else { "f=png" };
        for params in ["w=50", "w=50,h=50,fit=crop", "rotate=180", "sharpen=10", other] {
            assert!(!passes(&source, &plan(params)), "{params}");
        }
    }
}

#[test]
fn palette_transparency_is_flattened_on_demand() {
    let red = Color { r: 200, g: 0, b: 0 };
    let keep = Plan::default();
    let flat = Plan { transparency: false, background: red, ..Plan::default() };
    for name in ["transparent.gif", "palette-alpha.png"] {
        let source = fixture(name);
        assert!(passes(&source, &keep), "{name}");
        let out = transformed(&source, &flat);
        assert_eq!(out.at(75, 20), [200, 0, 0, 255], "{name}");
    }
    // Only where it is a palette's.
    assert!(passes(&fixture("lossy-alpha.webp"), &flat));
    let out = transformed(&fixture("grey-alpha.png"), &Plan { fit: width(50), ..flat });
    assert!(out.at(20, 30)[3] < 20);
}

fn width(width: u32) -> Fit {
    Fit::Resize { width: NonZeroU32::new(width), height: None }
}

#[test]
fn jpeg_puts_transparency_on_the_background() {
    let picture = Picture::new(64, 64, |x, _| [0, 0, 255, if x < 32 { 0 } else { 255 }]);
    let out = transformed(&png(&picture), &plan("f=jpeg,q=95,bg=ff8000"));
    let near = |a: [u8; 4], b: [u8; 4]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 10);
    assert!(near(out.at(8, 30), [255, 128, 0, 255]));
    assert!(near(out.at(56, 30), [0, 0, 255, 255]));
}

#[test]
fn alpha_survives_resize_and_rotation() {
    let picture = Picture::new(64, 64, |x, y| [x as u8, y as u8, 99, if x < 32 { 0 } else { 200 }]);
    for format in ["png", "webp"] {
        let out = transformed(&png(&picture), &plan(&format!("w=32,rotate=90,f={format}")));
        // Turned clockwise, the left side lies on top.
        assert_eq!(out.at(16, 4)[3], 0, "{format}");
        assert!(out.at(16, 28)[3].abs_diff(200) <= 2, "{format}");
    }
    let out = transformed(&fixture("transparent.gif"), &plan("w=60,f=gif"));
    assert_eq!(out.at(46, 12)[3], 0);
    assert_eq!(out.at(6, 31)[3], 255);
}

#[test]
fn interlaced_output_has_the_same_pixels() {
    let plain = plan("w=45");
    let laced = Plan { interlace: true, ..plain.clone() };
    for (name, is_laced) in [
        ("sampled-2x2.jpg", (|bytes| probe(bytes).unwrap().progressive) as fn(&[u8]) -> bool),
        ("pattern.png", |bytes| bytes[28] == 1),
        ("palette-alpha.png", |bytes| bytes[28] == 1),
        ("grey-alpha.png", |bytes| bytes[28] == 1),
        // The image descriptor comes behind the header, the colour table of 256
        // entries, and the graphic control.
        ("still.gif", |bytes| bytes[13 + 768 + 8 + 9] & 0x40 != 0),
    ] {
        let source = fixture(name);
        let (plain, laced) =
            (transform(&source, &plain).unwrap(), transform(&source, &laced).unwrap());
        assert!(!is_laced(&plain) && is_laced(&laced), "{name}");
        assert_eq!(decode(&plain), decode(&laced), "{name}");
    }
    // Images with empty passes.
    for (w, h) in [(1, 1), (1, 9), (3, 2), (5, 5), (9, 1)] {
        let picture = photo(w, h);
        let plan = Plan { interlace: true, rotate: Rotation::Half, ..Plan::default() };
        let mut out = transformed(&png(&picture), &plan);
        out.pixels.reverse();
        assert_eq!(out, picture, "{w}x{h}");
    }
}

#[test]
fn palettes_stay_palettes() {
    for name in ["palette-alpha.png", "palette-interlaced.png"] {
        let source = fixture(name);
        let out = transform(&source, &plan("w=80")).unwrap();
        assert_eq!(out[25], 3, "{name}: colour type");
        assert!(out.len() < source.len(), "{name}: {} of {}", out.len(), source.len());
    }
    let out = transform(&fixture("transparent.gif"), &plan("f=png")).unwrap();
    assert_eq!(out[25], 3);
    let out = transform(&fixture("pattern.png"), &plan("w=80")).unwrap();
    assert_eq!(out[25], 2);
    let out = transform(&fixture("grey16.png"), &plan("w=80")).unwrap();
    assert_eq!((out[24], out[25]), (8, 0));
}

#[test]
fn grey_stays_grey() {
    let out = transform(&fixture("grey.jpg"), &plan("w=50")).unwrap();
    assert_eq!(sampling(&out).len(), 1);
    let out = transform(&photo_jpeg(90, 60), &plan("w=50")).unwrap();
    assert_eq!(sampling(&out), [(2, 2), (1, 1), (1, 1)]);
}

#[test]
fn quality_and_effort_matter() {
    let source = photo_jpeg(400, 300);
    for format in ["jpeg", "webp"] {
        let len =
            |q: u32| transform(&source, &plan(&format!("w=200,q={q},f={format}"))).unwrap().len();
        assert!(len(30) < len(75) && len(75) < len(95), "{format}");
    }
    let effort = |webp_effort| {
        let plan = Plan { webp_effort, ..plan("w=200,f=webp") };
        transform(&source, &plan).unwrap().len()
    };
    assert!(effort(6) < effort(0));
}

#[test]
fn sharpening_sharpens() {
    let source = photo_jpeg(400, 300);
    let contrast = |picture: &Picture| -> u64 {
        let row = |y: u32| (1..picture.width).map(move |x| (x, y));
        (0..picture.height)
            .flat_map(row)
            .map(|(x, y)| u64::from(picture.at(x, y)[1].abs_diff(picture.at(x - 1, y)[1])))
            .sum()
    };
    let plain = contrast(&transformed(&source, &plan("w=200,f=png")));
    let sharp = contrast(&transformed(&source, &plan("w=200,f=png,sharpen=50")));
    assert!(sharp > plain * 11 / 10, "{sharp} {plain}");
}

#[test]
fn limits_are_checked_with_numbers_in_the_reason() {
    let source = photo_jpeg(200, 100);
    let animation = {
        let mut out = Vec::new();
        let mut encoder = gif::Encoder::new(&mut out, 10, 10, &[0; 6]).unwrap();
        for _ in 0..5 {
            let frame =
                gif::Frame { width: 1, height: 1, buffer: vec![0].into(), ..Default::default() };
            encoder.write_frame(&frame).unwrap();
        }
        drop(encoder);
        out
    };
    let many_scans = jpeg(&photo(64, 64), 80, Subsamp::Sub2x2, true);
    let base = Limits::default();
    let pixels = |text: &str| Error::TooManyPixels(text.to_owned());
    let frames = |text: &str| Error::TooManyFrames(text.to_owned());
    for (source, params, limits, expected) in [
        (
            &source,
            "rotate=90",
            Limits { pixels: 19_999, ..base },
            pixels("200x100 are 20000 pixels, the limit is 19999"),
        ),
        (
            &source,
            "w=25",
            Limits { pixels: 1000, ..base },
            pixels("50x25 of 200x100 are 1250 pixels, the limit is 1000"),
        ),
        (
            &source,
            "w=50",
            Limits { width: 199, ..base },
            pixels("200 pixels wide, the limit is 199"),
        ),
        (
            &source,
            "w=50",
            Limits { height: 99, ..base },
            pixels("100 pixels high, the limit is 99"),
        ),
        (
            &source,
            "w=50",
            Limits { output_pixels: 1249, ..base },
            pixels("the output would have 50x25 pixels, the limit is 1249"),
        ),
        (&animation, "w=5", Limits { frames: 4, ..base }, frames("5 frames, the limit is 4")),
        (
            &animation,
            "w=5",
            Limits { pixels: 499, ..base },
            pixels("10x10 times 5 frames are 500 pixels, the limit is 499"),
        ),
        (&many_scans, "w=5", Limits { scans: 2, ..base }, frames("more than 2 scans")),
    ] {
        let plan = Plan { damaged: DamagePolicy::Strict, ..plan(params) };
        assert_eq!(prepare(source, &plan, &limits).unwrap_err(), expected);
    }
    let wide = png(&photo(20_000, 2));
    let limits = Limits { width: 30_000, ..base };
    assert_eq!(
        prepare(&wide, &plan("f=webp"), &limits).unwrap_err(),
        pixels("the output would have 20000x2 pixels, webp has at most 16383 a side")
    );
}

#[test]
fn what_does_not_fit_into_a_negotiated_format_goes_out_in_another() {
    let format = |source: &[u8], params: &str, offer: &[u8], accept: &str, limits: &Limits| {
        let mut plan = plan(params);
        let offer = AutoFormats::parse(offer).unwrap();
        plan.set_format(FormatChoice::Auto(offer), [accept.as_bytes()].into_iter());
        let prepared = prepare(source, &plan, limits)?;
        assert!(limits.check_memory(prepared.memory()).is_ok());
        let transformed = prepared.run(&Control::default())?;
        let (Output::Encoded(bytes) | Output::Stripped(bytes)) = transformed.output else {
            return Ok("original");
        };
        assert_eq!(probe(&bytes).unwrap().format, transformed.format);
        Ok::<_, Error>(transformed.format.name())
    };
    let all = "image/avif,image/webp";
    let base = Limits::default();
    // By its sides.
    let high = png(&photo(8, 17_000));
    for (params, offer, accept, expected) in [
        ("flip=h", "webp,avif", all, "avif"),
        ("flip=h", "webp,avif", "image/webp", "png"),
        ("flip=h", "webp", all, "png"),
        ("flip=h", "avif,webp", "image/webp", "png"),
        ("h=9000", "webp", all, "webp"),
    ] {
        let found = format(&high, params, offer.as_bytes(), accept, &base);
        assert_eq!(found, Ok(expected), "{params} {offer} {accept}");
    }
    assert_eq!(format(&high, "", b"webp", all, &base), Ok("original"));
    // By the memory that they take: the more of it there is, the better is what goes out.
    let source = photo_jpeg(1600, 1200);
    let least = |format: &str| {
        let plan = plan(&format!("w=1500,f={format}"));
        prepare(&source, &plan, &base).unwrap().memory()
    };
    let (avif, webp, jpeg) = (least("avif"), least("webp"), least("jpeg"));
    assert!(avif > webp && webp > jpeg, "{avif} {webp} {jpeg}");
    for (accept, memory, expected) in [
        (all, avif, "avif"),
        (all, avif - 1, "webp"),
        (all, webp - 1, "jpeg"),
        ("image/avif", avif - 1, "jpeg"),
        ("image/webp", webp - 1, "jpeg"),
    ] {
        let found = format(&source, "w=1500", b"avif,webp", accept, &Limits { memory, ..base });
        assert_eq!(found, Ok(expected), "{accept} {memory}");
    }
    // What no format helps against is still refused.
    let limits = Limits { output_pixels: 99, ..base };
    let refused = format(&source, "w=1500", b"avif,webp", all, &limits).unwrap_err();
    assert!(matches!(refused, Error::TooManyPixels(_)), "{refused:?}");
}

#[test]
fn a_cancelled_job_stops() {
    let source = photo_jpeg(200, 100);
    let plan = plan("w=50");
    let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
    let control = Control::default();
    control.cancel();
    assert_eq!(prepared.run(&control).unwrap_err(), Error::Cancelled);
    let late = Control::new(Some(std::time::Instant::now()));
    assert_eq!(prepared.run(&late).unwrap_err(), Error::Timeout);
}

#[test]
fn memory_grows_with_what_is_needed() {
    let memory = |source: &[u8], params: &str| {
        prepare(source, &plan(params), &Limits::default()).unwrap().memory()
    };
    let large = photo(1600, 1200);
    let baseline = jpeg(&large, 80, Subsamp::Sub2x2, false);
    let progressive = jpeg(&large, 80, Subsamp::Sub2x2, true);
    assert_eq!(memory(&baseline, "w=1600"), 0);
    // A scaled decode holds an eighth of each side, or two.
    for params in ["w=100", "w=200"] {
        assert!(memory(&baseline, params) < 4 << 20);
        // libjpeg may be asked for one that is damaged, and holds all coefficients.
        assert!(memory(&progressive, params) < 8 << 20);
    }
    // A progressive one of all pixels holds all coefficients besides, 1.5 a pixel at two bytes.
    let all = 1600 * 1200 * 3 + 1500 * 1125 * 3;
    assert!(memory(&baseline, "w=1500") > all);
    assert!(memory(&progressive, "w=1500") > 1600 * 1200 * 6);
    // With alpha everything is decoded before it is scaled.
    assert!(memory(&png(&large), "w=100") > 1600 * 1200 * 4);
}

#[test]
fn prepared_crosses_threads() {
    fn send<T: Send>(_: &T) {}
    let source = photo_jpeg(20, 10);
    let plan = plan("w=5");
    send(&prepare(&source, &plan, &Limits::default()).unwrap());
}
