//! AVIF in and out.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::{Error, Limits, Plan, prepare, probe};
use turbojpeg::Subsamp;

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
