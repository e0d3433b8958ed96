//! Each operation against what ImageMagick and libvips make of the same image; see
//! `golden/make.sh`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;

fn golden(name: &str) -> Vec<u8> {
    fixture(&format!("../golden/{name}.png"))
}

/// The mean structural similarity of luminances (Wang et al. 2004) over windows of 8x8 pixels.
fn ssim(a: &Picture, b: &Picture) -> f64 {
    assert_eq!(a.size(), b.size());
    let tone = |[r, g, b, _]: [u8; 4]| {
        0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
    };
    let (mut sum, mut windows) = (0.0, 0.0);
    for y in (0..a.height.saturating_sub(7)).step_by(4) {
        for x in (0..a.width.saturating_sub(7)).step_by(4) {
            let pixels = (0..64).map(|i| (x + i % 8, y + i / 8));
            let pairs: Vec<(f64, f64)> =
                pixels.map(|(x, y)| (tone(a.at(x, y)), tone(b.at(x, y)))).collect();
            let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / 64.0;
            let (ma, mb) = (mean(&|p| p.0), mean(&|p| p.1));
            let va = mean(&|p| (p.0 - ma).powi(2));
            let vb = mean(&|p| (p.1 - mb).powi(2));
            let cov = mean(&|p| (p.0 - ma) * (p.1 - mb));
            let (c1, c2) = (6.5025, 58.5225);
            sum += (2.0 * ma * mb + c1) * (2.0 * cov + c2)
                / ((ma * ma + mb * mb + c1) * (va + vb + c2));
            windows += 1.0;
        }
    }
    sum / windows
}

#[test]
fn every_operation() {
    let source = fixture("pattern.png");
    let mut bad = Vec::new();
    for (name, params, least) in [
        ("resize", "w=49,h=33,fit=stretch", 45.0),
        ("enlarge", "w=194,h=130,fit=contain", 45.0),
        ("stretch", "w=40,h=60,fit=stretch", 45.0),
        ("crop-east", "w=40,h=40,fit=crop,g=east", 45.0),
        ("pad", "w=121,h=99,fit=pad,enlarge=off,bg=336699", 99.0),
        ("pad-southwest", "w=121,h=99,fit=pad,enlarge=off,bg=336699,g=southwest", 99.0),
        ("rotate", "rotate=90", 99.0),
        ("flip-h", "flip=h", 99.0),
        ("flip-v", "flip=v", 99.0),
        ("flip-rotate", "flip=h,rotate=90", 99.0),
        ("blur-0.8", "blur=0.8", 45.0),
        ("blur-3", "blur=3", 45.0),
        ("blur-12", "blur=12", 40.0),
        ("sharpen-50", "sharpen=50", 45.0),
        ("brightness-1.3", "brightness=1.3", 48.0),
        ("brightness-0.6", "brightness=0.6", 48.0),
        ("contrast-1.5", "contrast=1.5", 48.0),
        ("contrast-0.5", "contrast=0.5", 48.0),
        ("gamma-1.8", "gamma=1.8", 48.0),
        ("gamma-0.5", "gamma=0.5", 48.0),
        ("saturation-0.4", "saturation=0.4", 48.0),
        ("saturation-2", "saturation=2", 48.0),
        ("hue-90", "hue=90", 48.0),
        ("grayscale", "grayscale=on", 48.0),
    ] {
        let expected = decode(&golden(name));
        let made = transformed(&source, &plan(params));
        if made.size() != expected.size() {
            bad.push(format!("{name}: {:?}, not {:?}", made.size(), expected.size()));
            continue;
        }
        let (ratio, similarity) = (psnr(&made, &expected), ssim(&made, &expected));
        println!("{name:16} {ratio:6.1} dB, SSIM {similarity:.4}");
        if ratio < least || similarity < 0.97 {
            bad.push(format!("{name}: {ratio:.1} dB, SSIM {similarity:.4}"));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn trimming_finds_the_picture_again() {
    let bordered = golden("trim");
    assert_eq!(decode(&bordered).size(), (97 + 14, 65 + 22));
    let inside = decode(&fixture("pattern.png"));
    assert_eq!(transformed(&bordered, &plan("trim=0")), inside);
    assert_eq!(transformed(&bordered, &plan("trim=10")), inside);
    // What is fitted is what is left.
    let made = transformed(&bordered, &plan("trim=10,w=48,h=32,fit=stretch"));
    let expected = transformed(&fixture("pattern.png"), &plan("w=48,h=32,fit=stretch"));
    assert_eq!(made, expected);
    assert!(!passes(&bordered, &plan("trim=0")));
}

/// The same through JPEG, whose borders are never quite of one colour.
#[test]
fn trimming_a_jpeg() {
    let bordered = Picture::new(200, 160, |x, y| {
        let inside = (24..176).contains(&x) && (32..128).contains(&y);
        if inside { photo(152, 96).at(x - 24, y - 32) } else { [250, 250, 250, 255] }
    });
    let source = jpeg(&bordered, 90, common::Subsamp::None, false);
    assert_eq!(transformed(&source, &plan("trim=20,f=png")).size(), (152, 96));
    assert_eq!(transformed(&source, &plan("trim=20,w=76")).size(), (76, 48));
    let all = Picture::new(50, 40, |_, _| [9, 9, 9, 255]);
    assert_eq!(transformed(&png(&all), &plan("trim=5")).size(), (50, 40));
}

#[test]
fn grey_becomes_one_channel() {
    let out = transform(&fixture("sampled-2x2.jpg"), &plan("grayscale=on")).unwrap();
    assert_eq!(common::sampling(&out).len(), 1);
    let out = transform(&fixture("pattern.png"), &plan("grayscale=on")).unwrap();
    assert_eq!(out[25], 0);
}

#[test]
fn alpha_survives_adjustments_and_blur() {
    let picture =
        Picture::new(60, 40, |x, y| [x as u8 * 4, y as u8 * 6, 90, if x < 30 { 0 } else { 200 }]);
    let out = transformed(&png(&picture), &plan("brightness=1.2,hue=40,saturation=1.5"));
    assert_eq!((out.at(5, 20)[3], out.at(50, 20)[3]), (0, 200));
    let out = transformed(&png(&picture), &plan("blur=2"));
    assert_eq!(out.at(5, 20)[3], 0);
    assert!(out.at(50, 20)[3].abs_diff(200) <= 1 && (100..=140).contains(&out.at(30, 20)[3]));
}

#[test]
fn smart_gravity_keeps_the_subject() {
    // The cup of the photo stands between 29% and 69% of its width, its rim between 4%
    // and 52% of its height.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../t/data/photo.jpg");
    let photo = decode(&std::fs::read(path).unwrap());
    let tall = transformed(&std::fs::read(path).unwrap(), &plan("w=200,h=400,fit=crop,g=smart"));
    let left = (0..=400u32)
        .step_by(10)
        .max_by(|&a, &b| {
            let near =
                |left: u32| psnr(&tall, &Picture::new(200, 400, |x, y| photo.at(x + left, y)));
            near(a).total_cmp(&near(b))
        })
        .unwrap();
    // Most of it, and its middle.
    assert!((120..=250).contains(&left), "{left}");
    let again = transformed(&std::fs::read(path).unwrap(), &plan("w=200,h=400,fit=crop,g=smart"));
    assert_eq!(again, tall);
}

#[test]
fn max_bytes_lowers_the_quality_as_far_as_needed() {
    let source = jpeg(&photo(400, 300), 95, common::Subsamp::Sub2x2, false);
    for format in ["jpeg", "webp"] {
        let plain = plan(&format!("w=120,f={format}"));
        let whole = transform(&source, &plain).unwrap().len() as u64;
        // Room for all: nothing changes.
        let roomy = image_gate_core::image::Plan { max_bytes: Some(whole), ..plain.clone() };
        assert_eq!(transform(&source, &roomy).unwrap().len() as u64, whole);

        let max = whole * 2 / 3;
        let tight = image_gate_core::image::Plan { max_bytes: Some(max), ..plain.clone() };
        let made = transform(&source, &tight).unwrap();
        assert!(made.len() as u64 <= max, "{format}: {} of {max}", made.len());
        // No better one would have fitted: it is one of the qualities below.
        let better = (10..=100u8).filter_map(|q| {
            let plan = plan(&format!("w=120,f={format},q={q}"));
            let len = transform(&source, &plan).unwrap().len() as u64;
            (len <= max).then_some(len)
        });
        assert_eq!(made.len() as u64, better.max().unwrap(), "{format}");

        let none = image_gate_core::image::Plan { max_bytes: Some(1), ..plain };
        let lowest = plan(&format!("w=120,f={format},q=10"));
        assert_eq!(transform(&source, &none).unwrap(), transform(&source, &lowest).unwrap());
    }
    // What would go out as it came does not where it is too long.
    let bounded = image_gate_core::image::Plan { max_bytes: Some(source.len() as u64), ..plan("") };
    assert!(passes(&source, &bounded));
    let bounded =
        image_gate_core::image::Plan { max_bytes: Some(source.len() as u64 - 1), ..plan("") };
    assert!(!passes(&source, &bounded));
    let lossless = fixture("pattern.png");
    assert!(passes(&lossless, &image_gate_core::image::Plan { max_bytes: Some(9), ..plan("") }));
}
