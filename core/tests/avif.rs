//! AVIF in and out.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::{Error, Limits, Plan, ProfilePolicy, prepare, probe};

/// Written by ImageMagick and libheif, and so by another program than ours.
const FOREIGN: &str = "pattern.avif";

#[test]
fn what_another_program_wrote_is_read() {
    let info = probe(&fixture(FOREIGN)).unwrap();
    assert_eq!((info.width, info.height, info.frames, info.alpha), (97, 65, 1, false));
    let near =
        psnr(&transformed(&fixture(FOREIGN), &plan("f=png")), &decode(&fixture("pattern.png")));
    assert!(near > 28.0, "{near} dB");
}

#[test]
fn every_orientation_is_told_and_applied() {
    let upright = photo(64, 48);
    let stored = jpeg(&upright, 95, Subsamp::None, false);
    for orientation in 1..=8 {
        let source = with_orientation(&stored, orientation);
        let expected = transformed(&source, &plan("f=png"));
        let keep = Plan { orient: false, ..plan("f=avif,q=95,metadata=keep") };
        let avif = transform(&source, &keep).unwrap();
        assert_eq!(probe(&avif).unwrap().orientation, orientation);
        let near = psnr(&transformed(&avif, &plan("f=png")), &expected);
        assert!(near > 30.0, "{orientation}: {near} dB");
    }
}

#[test]
fn limits_hold_before_decoding() {
    let input = fixture(FOREIGN);
    let low = Limits { pixels: 97 * 65 - 1, ..Limits::default() };
    assert!(matches!(prepare(&input, &Plan::default(), &low), Err(Error::TooManyPixels(_))));

    // A header that promises what no machine can hold.
    let mut bomb = input;
    let at = bomb.windows(4).position(|window| window == b"ispe").unwrap() + 8;
    bomb[at..at + 8].copy_from_slice(&[0xff; 8]);
    let plan = Plan::default();
    let refused = prepare(&bomb, &plan, &Limits::default());
    assert!(matches!(refused, Err(Error::TooManyPixels(_))), "{refused:?}");
}

#[test]
fn every_truncation_is_an_error() {
    let input = fixture(FOREIGN);
    for len in (0..input.len()).step_by(17) {
        assert!(transform(&input[..len], &plan("f=png")).is_err(), "{len}");
    }
}

/// Linear light of an sRGB value.
fn linear(value: u8) -> f64 {
    let value = f64::from(value) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The sRGB value of linear light, what is outside of its gamut clipped.
fn encoded(light: f64) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let value =
        if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (255.0 * value).round() as u8
}

const SAME: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// What the pattern looks like if its values are of other primaries and another curve: the way to
/// sRGB by the matrices of CSS Color Module Level 4, section 17 ("Sample code"), multiplied out.
fn pattern_in(primaries: [[f64; 3]; 3], curve: impl Fn(u8) -> f64) -> Picture {
    let pattern = decode(&fixture("pattern.png"));
    let (width, height) = pattern.size();
    let pixels: Vec<u8> = pattern
        .rgba()
        .chunks(4)
        .flat_map(|pixel| {
            let light = [0, 1, 2].map(|channel| curve(pixel[channel]));
            primaries.map(|row| encoded(row.iter().zip(light).map(|(a, b)| a * b).sum()))
        })
        .collect();
    picture(width, height, 3, &pixels)
}

#[test]
fn colours_by_code_points() {
    let p3 = [
        [1.224_940_2, -0.224_940_2, 0.0],
        [-0.042_056_9, 1.042_056_9, 0.0],
        [-0.019_637_6, -0.078_636_1, 1.098_273_5],
    ];
    let bt2020 = [
        [1.660_491_0, -0.587_641_1, -0.072_849_9],
        [-0.124_550_5, 1.132_899_9, -0.008_349_4],
        [-0.018_150_8, -0.100_578_9, 1.118_729_7],
    ];
    let pattern = pattern_in(SAME, linear);
    let sources = [
        ("nclx-12-13-6.avif", pattern_in(p3, linear)),
        ("nclx-9-1-9.avif", pattern_in(bt2020, linear)),
        ("nclx-1-8-6.avif", pattern_in(SAME, |value| f64::from(value) / 255.0)),
    ];
    for (name, expected) in &sources {
        let input = fixture(name);
        assert!(probe(&input).unwrap().has_profile, "{name}");
        let near = psnr(&transformed(&input, &plan("f=png")), expected);
        let plain = psnr(&pattern, expected);
        assert!(near > 38.0 && near > plain + 6.0, "{name}: {near} dB, unconverted {plain}");

        // Kept, the colours are described by a profile, in any format.
        for format in ["png", "jpeg", "webp", "avif"] {
            let keep = plan(&format!("f={format},flip=h"));
            let kept = transform(&input, &Plan { profile: ProfilePolicy::Keep, ..keep }).unwrap();
            assert!(probe(&kept).unwrap().has_profile, "{name} as {format}");
            let near = psnr(&transformed(&kept, &plan("f=png,flip=h")), expected);
            assert!(
                near > if format == "png" { 38.0 } else { 20.0 },
                "{name}, {format}: {near} dB"
            );
        }

        let strip = Plan { profile: ProfilePolicy::Strip, ..plan("f=png") };
        let near = psnr(&transformed(&input, &strip), &pattern);
        assert!(near > 40.0, "{name} stripped: {near} dB");
    }
}

/// A curve of cameras, and one of a higher dynamic range where nothing is to be converted.
#[test]
fn code_points_that_change_nothing() {
    let strip = Plan { profile: ProfilePolicy::Strip, ..plan("f=png") };
    for (name, plan) in [("nclx-1-1-6.avif", plan("f=png")), ("nclx-9-16-9.avif", strip)] {
        let input = fixture(name);
        assert!(!probe(&input).unwrap().has_profile, "{name}");
        let near = psnr(&transformed(&input, &plan), &decode(&fixture("pattern.png")));
        assert!(near > 40.0, "{name}: {near} dB");
    }
}
