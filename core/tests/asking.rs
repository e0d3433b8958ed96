//! What is asked for beside sizes: kinds of files, colours, and what is around an image.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;

fn made(source: &[u8], params: &str) -> Vec<u8> {
    transform(source, &plan(params)).unwrap()
}

#[test]
fn webp_without_loss() {
    let picture = photo(211, 97);
    for effort in 0..=6 {
        let exact = made(&png(&picture), &format!("f=webp,lossless=on,effort={effort}"));
        assert!(decode(&exact).pixels == picture.pixels, "{effort}");
    }
    let lossy = made(&png(&picture), "f=webp");
    assert!(decode(&lossy).pixels != picture.pixels);
    // There is no quality to be lowered.
    let exact = made(&png(&picture), "f=webp,lossless=on");
    assert_eq!(made(&png(&picture), "f=webp,lossless=on,max_bytes=100"), exact);
}

/// The sampling factors of the components of a JPEG.
fn sampling(jpeg: &[u8]) -> Vec<u8> {
    let at = jpeg.windows(2).position(|pair| matches!(pair, [0xff, 0xc0 | 0xc2])).unwrap();
    let count = usize::from(jpeg[at + 9]);
    (0..count).map(|i| jpeg[at + 11 + 3 * i]).collect()
}

#[test]
fn chroma_of_jpeg() {
    let source = png(&photo(120, 90));
    for (params, expected) in [
        ("f=jpeg", [0x22, 0x11, 0x11]),
        ("f=jpeg,subsampling=420", [0x22, 0x11, 0x11]),
        ("f=jpeg,subsampling=422", [0x21, 0x11, 0x11]),
        ("f=jpeg,subsampling=444", [0x11, 0x11, 0x11]),
        ("f=jpeg,subsampling=444,interlace=on", [0x11, 0x11, 0x11]),
        ("f=jpeg,subsampling=auto", [0x22, 0x11, 0x11]),
        ("f=jpeg,subsampling=auto,q=90", [0x11, 0x11, 0x11]),
    ] {
        let jpeg = made(&source, params);
        assert_eq!(sampling(&jpeg), expected, "{params}");
        assert_eq!(decode(&jpeg).size(), (120, 90), "{params}");
    }
    // Colours that change from pixel to pixel are only there with all of their chroma.
    let stripes =
        Picture::new(64, 16, |x, _| if x % 2 == 0 { [255, 0, 0, 255] } else { [0, 0, 255, 255] });
    let near = |params: &str| psnr(&decode(&made(&png(&stripes), params)), &stripes);
    let (half, all) = (near("f=jpeg,q=95"), near("f=jpeg,q=95,subsampling=444"));
    assert!(all > 30.0 && half < 20.0, "{all} {half}");
    // As it is stored is no reason to store it anew.
    let source = jpeg(&photo(120, 90), 90, Subsamp::Sub2x2, false);
    assert_eq!(made(&source, "subsampling=444"), source);
}

#[test]
fn png_of_few_colours() {
    let source = png(&photo(120, 90));
    for colors in [2, 16, 200, 256] {
        let bytes = made(&source, &format!("f=png,colors={colors}"));
        let reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        assert_eq!(reader.info().color_type, png::ColorType::Indexed);
        let palette = reader.info().palette.as_ref().unwrap().len() / 3;
        assert!(palette <= colors && palette * 2 > colors, "{palette} of {colors}");
    }
    let two = decode(&made(&source, "f=png,colors=2"));
    let seen: std::collections::HashSet<_> = two.pixels.iter().collect();
    assert_eq!(seen.len(), 2);
}

#[test]
fn colours_as_css_has_them() {
    let grey = |v: u8| [v, v, v, 255];
    let source = png(&Picture::new(4, 1, |x, _| {
        [[200, 100, 50, 255], [0, 255, 0, 255], grey(128), [10, 20, 30, 0]][x as usize]
    }));
    for (params, expected) in [
        ("negate=on", [[55, 155, 205, 255], [255, 0, 255, 255], grey(127)]),
        // Rows of the matrix of the specification, by hand.
        ("sepia=1", [[165, 147, 114, 255], [196, 175, 136, 255], [173, 154, 120, 255]]),
        ("sepia=0.5", [[182, 123, 82, 255], [98, 215, 68, 255], [150, 141, 124, 255]]),
        ("duotone=black:white", [grey(118), grey(182), grey(128)]),
        ("duotone=red:black", [[137, 0, 0, 255], [73, 0, 0, 255], [127, 0, 0, 255]]),
        ("grayscale=on,tint=white", [grey(118), grey(182), grey(128)]),
    ] {
        let made = transformed(&source, &plan(&format!("{params},f=png")));
        for (x, want) in (0u32..).zip(expected) {
            let got = made.at(x, 0);
            let near = got.iter().zip(want).all(|(a, b)| a.abs_diff(b) <= 1);
            assert!(near, "{params} {x}: {got:?}, not {want:?}");
        }
        assert_eq!(made.at(3, 0)[3], 0, "{params}");
    }
}

#[test]
fn opacity_and_what_is_behind() {
    let source = png(&Picture::new(2, 1, |x, _| [200, 100, 50, if x == 0 { 255 } else { 100 }]));
    let faded = transformed(&source, &plan("opacity=0.5,f=png"));
    assert_eq!(faded.pixels, [[200, 100, 50, 128], [200, 100, 50, 50]]);
    let flat = transformed(&source, &plan("opacity=0.5,flatten=on,bg=black,f=png"));
    assert_eq!(flat.at(0, 0), [100, 50, 25, 255]);
    // Over a colour that lies over white itself: half of it.
    let jpeg = transformed(&source, &plan("opacity=0,bg=%23ff000080,f=jpeg"));
    assert!(jpeg.at(0, 0).iter().zip([255, 127, 127, 255]).all(|(a, b)| a.abs_diff(b) <= 3));
    let veiled = transformed(&source, &plan("opacity=0,flatten=on,bg=%23ff000080,f=png"));
    assert_eq!(veiled.at(0, 0), [255, 0, 0, 128]);
}

/// By samples of a picture of which each pixel says where it was.
#[test]
fn turns_by_any_angle() {
    let map = Picture::new(101, 61, |x, y| [(x * 2) as u8, (y * 4) as u8, 255, 255]);
    let source = png(&map);
    for angle in [10.0f64, 33.33, 75.0, 100.0, 200.5, 300.0, -20.0] {
        let made = transformed(&source, &plan(&format!("rotate={angle},bg=transparent,f=png")));
        let (sin, cos) = angle.to_radians().sin_cos();
        let side =
            |a: f64, b: f64| (101.0 * a.abs() + 61.0 * b.abs(), 101.0 * b.abs() + 61.0 * a.abs());
        let (width, height) = side(cos, sin);
        assert!((f64::from(made.width) - width).abs() < 1.01, "{angle}: {width}");
        assert!((f64::from(made.height) - height).abs() < 1.01, "{angle}: {height}");
        // Clockwise, with y down: where a point of the source comes to lie.
        for (x, y) in [(50.0, 30.0), (20.0, 15.0), (80.0, 15.0), (80.0, 45.0), (10.0, 50.0)] {
            let (dx, dy) = (x - 50.0, y - 30.0);
            let to = (
                dx * cos - dy * sin + f64::from(made.width) / 2.0,
                dx * sin + dy * cos + f64::from(made.height) / 2.0,
            );
            let pixel = made.at(to.0 as u32, to.1 as u32);
            let near = (f64::from(pixel[0]) / 2.0 - x).abs() < 2.0
                && (f64::from(pixel[1]) / 4.0 - y).abs() < 2.0;
            assert!(near && pixel[3] == 255, "{angle} {x},{y}: {pixel:?}");
        }
        if angle % 90.0 != 0.0 {
            assert_eq!(made.at(0, 0)[3], 0, "{angle}");
        }
    }
    let quarter = transformed(&source, &plan("rotate=90,f=png"));
    assert_eq!(transformed(&source, &plan("rotate=-270,f=png")).pixels, quarter.pixels);
    let red = transformed(&source, &plan("rotate=30,bg=red,f=png"));
    assert_eq!(red.at(0, 0), [255, 0, 0, 255]);
}

#[test]
fn masks_and_what_is_outside() {
    let source = png(&photo(120, 80));
    let all = transformed(&source, &plan("f=png"));
    let made = transformed(&source, &plan("mask=circle,f=png"));
    for y in 0..80u32 {
        for x in 0..120u32 {
            let from = (f64::from(x) + 0.5 - 60.0).hypot(f64::from(y) + 0.5 - 40.0);
            let pixel = made.at(x, y);
            if from < 39.0 {
                assert_eq!(pixel, all.at(x, y), "{x},{y}");
            }
            assert!(from < 41.0 || pixel[3] == 0, "{x},{y}: {pixel:?}");
        }
    }
    // A background that shines through is laid once, around the picture and where it is masked.
    let veiled = transformed(&source, &plan("mask=circle,bg=00ff0080,padding=10,f=png"));
    assert_eq!([veiled.at(2, 2), veiled.at(12, 12)], [[0, 255, 0, 128]; 2]);
    let flat = transformed(&source, &plan("mask=circle,bg=ff0000,flatten=on,f=png"));
    assert_eq!(flat.at(1, 1), [255, 0, 0, 255]);
    let jpeg = transformed(&source, &plan("mask=ellipse,bg=black,f=jpeg"));
    assert!(jpeg.at(1, 1)[..3].iter().all(|&value| value < 8));
}

#[test]
fn borders_lie_around_or_over() {
    let source = png(&Picture::new(40, 20, |x, _| [x as u8, 9, 9, if x < 20 { 255 } else { 0 }]));
    let red = [255, 0, 0, 255];
    let around = transformed(&source, &plan("border=1:2:3:4,border_color=red,padding=5,f=png"));
    assert_eq!(around.size(), (40 + 10 + 6, 20 + 10 + 4));
    // The border, the padding, the picture, and the padding behind what is transparent of it.
    assert_eq!((around.at(0, 0), around.at(55, 33), around.at(3, 9)), (red, red, red));
    assert_eq!((around.at(4, 1), around.at(9, 9)), ([255; 4], [0, 9, 9, 255]));
    let bare = transformed(&source, &plan("border=2,border_color=red,f=png"));
    assert_eq!((bare.at(1, 9), bare.at(2, 9), bare.at(40, 9)[3]), (red, [0, 9, 9, 255], 0));
    let over = transformed(&source, &plan("border=2,border_color=red,border_place=over,f=png"));
    assert_eq!(over.size(), (40, 20));
    assert_eq!((over.at(1, 9), over.at(2, 9), over.at(39, 9)), (red, [2, 9, 9, 255], red));
    // Half of it, on the background where nothing can be transparent.
    let veil = transformed(&source, &plan("border=4,border_color=%23ff000080,f=png"));
    assert_eq!(veil.at(1, 1), [255, 0, 0, 128]);
    let opaque =
        transformed(&source, &plan("border=8,border_color=%23ff000080,bg=blue,f=jpeg,q=100"));
    assert!(opaque.at(2, 2).iter().zip([128, 0, 127, 255]).all(|(a, b)| a.abs_diff(b) <= 6));
    // A JPEG that nothing else is done to is made anew for it.
    let photo = jpeg(&photo(64, 48), 90, Subsamp::Sub2x2, false);
    let over = transformed(&photo, &plan("border=8,border_color=red,border_place=over"));
    assert!(
        over.at(2, 24).iter().zip(red).all(|(a, b)| a.abs_diff(b) <= 30),
        "{:?}",
        over.at(2, 24)
    );
}

#[test]
fn masks_are_all_there_is() {
    let source = png(&photo(90, 60));
    for (mask, size) in [("circle", (60, 60)), ("ellipse", (90, 60)), ("square", (60, 60))] {
        let made = transformed(&source, &plan(&format!("mask={mask},mask_trim=on,f=png")));
        assert_eq!(made.size(), size, "{mask}");
        assert_eq!((made.at(0, 0)[3], made.at(size.0 / 2, size.1 / 2)[3]), (0, 255), "{mask}");
        assert!(made.at(size.0 / 2, 1)[3] > 0, "{mask}");
    }
}

#[test]
fn animations_get_all_of_it() {
    let palette = [255, 0, 0, 0, 0, 255];
    let mut source = Vec::new();
    let mut encoder = gif::Encoder::new(&mut source, 8, 4, &palette).unwrap();
    for color in [0u8, 1] {
        encoder.write_frame(&gif::Frame::from_indexed_pixels(8, 4, vec![color; 32], None)).unwrap();
    }
    drop(encoder);
    for format in ["gif", "webp"] {
        let params =
            format!("f={format},lossless=on,crop=2:0:4:4,negate=on,padding=1,bg=transparent");
        let made = made(&source, &params);
        let info = image_gate_core::image::probe(&made).unwrap();
        assert_eq!((info.width, info.height, info.frames, info.alpha), (6, 6, 2, true), "{format}");
        let first = decode(&made);
        assert_eq!((first.at(0, 0)[3], first.at(2, 2)), (0, [0, 255, 255, 255]), "{format}");
    }
}
