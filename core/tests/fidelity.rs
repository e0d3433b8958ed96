//! The fast way gives what the slow way would.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use fast_image_resize::Resizer;
use fast_image_resize::images::TypedImage;
use fast_image_resize::pixels::U8x4;

/// The whole picture, scaled by Lanczos3.
fn lanczos(picture: &Picture, width: u32, height: u32) -> Picture {
    let pixels = picture.pixels.iter().map(|&pixel| U8x4::new(pixel)).collect();
    let source = TypedImage::from_pixels(picture.width, picture.height, pixels).unwrap();
    let mut target = TypedImage::new(width, height);
    Resizer::new().resize_typed(&source, &mut target, None).unwrap();
    let pixels = target.pixels().iter().map(|pixel| pixel.0).collect();
    Picture { width, height, pixels }
}

/// A PNG without alpha.
fn opaque_png(picture: &Picture) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&picture.rgb()).unwrap();
    out
}

#[test]
fn a_scaled_decode_is_near_the_full_one() {
    for (width, height) in [(800, 600), (803, 605)] {
        let picture = photo(width, height);
        for sampling in [Subsamp::None, Subsamp::Sub2x2, Subsamp::Sub2x1] {
            let sources =
                [false, true].map(|progressive| jpeg(&picture, 92, sampling, progressive));
            // The two differ in the order of their coefficients only.
            let full = decode(&sources[0]);
            // One eighth to five, and no scaling at all.
            for target in [50, 100, 175, 250, 320, 650] {
                let plan = plan(&format!("w={target},f=png"));
                let made = sources.each_ref().map(|source| transformed(source, &plan));
                let exact = lanczos(&full, made[0].width, made[0].height);
                for made in &made {
                    let near = psnr(made, &exact);
                    assert!(near > 36.0, "{width} {sampling:?} {target}: {near} dB");
                }
                // In between they are read by different decoders.
                let near = psnr(&made[0], &made[1]);
                let least = if [50, 650].contains(&target) { f64::INFINITY } else { 46.0 };
                assert!(near >= least, "{width} {sampling:?} {target}: {near} dB");
            }
        }
    }
}

#[test]
fn a_scaled_decode_ends_where_the_image_does() {
    // At an eighth, 801 columns are 100.125, of which the decoder makes 101.
    let ramp = Picture::new(801, 16, |x, _| [(x * 255 / 800) as u8, 0, 0, 255]);
    let source = jpeg(&ramp, 100, Subsamp::None, false);
    let made = transformed(&source, &plan("w=66,f=png"));
    for x in 30..66 {
        let exact = (f64::from(x) + 0.5) * 801.0 / 66.0 * 255.0 / 800.0 - 0.5;
        assert!((f64::from(made.at(x, 0)[0]) - exact).abs() < 1.5, "{x}");
    }
}

#[test]
fn a_crop_of_a_scaled_decode_is_where_it_should_be() {
    let picture = photo(803, 605);
    let source = jpeg(&picture, 92, Subsamp::None, false);
    let made = transformed(&source, &plan("w=60,h=80,fit=crop,f=png"));
    assert_eq!(made.size(), (60, 80));
    // Scaled to 106x80 and cut at (23, 0).
    let whole = lanczos(&decode(&source), 106, 80);
    let cut = |left: u32| Picture::new(60, 80, |x, y| whole.at(x + left, y));
    let near = psnr(&made, &cut(23));
    assert!(near > 36.0, "{near} dB");
    assert!(near > psnr(&made, &cut(22)) + 6.0 && near > psnr(&made, &cut(24)) + 6.0);
}

#[test]
fn a_crop_of_a_progressive_image_is_that_of_a_baseline_one() {
    let picture = photo(803, 605);
    for sampling in [Subsamp::Gray, Subsamp::None, Subsamp::Sub2x2, Subsamp::Sub2x1] {
        let sources = [false, true].map(|progressive| jpeg(&picture, 92, sampling, progressive));
        // One eighth to five.
        for side in [50, 90, 125, 180, 230] {
            for (width, height) in [(side, 40), (40, side)] {
                let plan = plan(&format!("w={width},h={height},fit=crop,f=png"));
                let [baseline, progressive] = sources.each_ref().map(|s| transformed(s, &plan));
                let near = psnr(&baseline, &progressive);
                assert!(near > 44.0, "{sampling:?} {width}x{height}: {near} dB");
            }
        }
    }
}

#[test]
fn what_libwebp_scales_is_near_the_full_picture() {
    let picture = photo(1001, 753);
    let source = webp_lossy(&picture, 90);
    let full = decode(&source);
    // Averages of boxes, and by libwebp to twice the size.
    for (target, least) in [(130, 40.0), (100, 36.0), (60, 36.0)] {
        let made = transformed(&source, &plan(&format!("w={target},f=png")));
        let near = psnr(&made, &lanczos(&full, made.width, made.height));
        assert!(near > least, "{target}: {near} dB");
    }
}

#[test]
fn averages_before_the_resize_do_not_show() {
    let picture = photo(1001, 753);
    for source in [opaque_png(&picture), webp_lossless(&picture)] {
        // Of boxes of 3, 5 and 10 pixels, and by libwebp.
        for target in [160, 100, 50] {
            let made = transformed(&source, &plan(&format!("w={target},f=png")));
            let near = psnr(&made, &lanczos(&picture, made.width, made.height));
            assert!(near > 40.0, "{target}: {near} dB");
        }
    }
}
