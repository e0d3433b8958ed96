//! Every kind of source gives its pixels.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::tiff::Tiff;
use common::*;
use image_gate_core::image::{Control, DamagePolicy, Error, Limits, Plan, prepare, probe};

/// The pixels of a source as they are. Turned over and back, so that no source
/// goes out as it came.
fn pixels(input: &[u8]) -> Picture {
    let mut picture = transformed(input, &plan("format=png,rotate=180"));
    picture.pixels.reverse();
    picture
}

#[test]
fn lossless_sources_are_exact() {
    let pattern = decode(&fixture("pattern.png"));
    for name in ["interlaced.png", "rgb16.png", "lossless.webp"] {
        assert_eq!(pixels(&fixture(name)), pattern, "{name}");
    }
}

#[test]
fn lossy_sources_are_near() {
    let pattern = decode(&fixture("pattern.png"));
    for (name, least) in [
        ("sampled-1x1.jpg", 38.0),
        ("sampled-2x1.jpg", 30.0),
        ("sampled-2x2.jpg", 28.0),
        ("sampled-1x2.jpg", 30.0),
        ("sampled-4x1.jpg", 27.0),
        ("progressive.jpg", 28.0),
        ("cmyk.jpg", 38.0),
        ("still.gif", 32.0),
        ("interlaced.gif", 32.0),
        ("palette-interlaced.png", 32.0),
        ("lossy.webp", 30.0),
    ] {
        let near = psnr(&pixels(&fixture(name)), &pattern);
        assert!(near > least, "{name}: {near} dB");
    }
}

#[test]
fn as_other_decoders_see_it() {
    // No palette in the output may stand between the two.
    for name in ["sampled-2x2.jpg", "progressive.jpg", "grey.jpg", "lossy.webp", "lossy-alpha.webp"]
    {
        let input = fixture(name);
        assert_eq!(pixels(&input), decode(&input), "{name}");
    }
    for name in
        ["palette-alpha.png", "still.gif", "transparent.gif", "interlaced.gif", "bilevel.png"]
    {
        let input = fixture(name);
        let (ours, theirs) = (pixels(&input), decode(&input));
        assert!(
            ours.pixels.iter().zip(&theirs.pixels).all(|(a, b)| a == b || a[3] == 0 && b[3] == 0),
            "{name}"
        );
    }
}

#[test]
fn sixteen_bits_keep_the_upper_eight() {
    let eight = pixels(&fixture("grey16.png"));
    let [r, g, b, a] = eight.at(50, 30);
    assert!(r == g && g == b && a == 255);
    let grey = decode(&fixture("grey.jpg"));
    let near = psnr(&eight, &grey);
    assert!(near > 35.0, "{near} dB");
}

#[test]
fn alpha_of_every_kind() {
    for (name, opaque, clear) in [
        ("grey-alpha.png", (40, 2), (40, 63)),
        ("lossy-alpha.webp", (40, 2), (40, 63)),
        ("palette-alpha.png", (10, 50), (75, 20)),
        ("transparent.gif", (10, 50), (75, 20)),
    ] {
        let input = fixture(name);
        assert!(probe(&input).unwrap().alpha, "{name}");
        let picture = pixels(&input);
        assert!(picture.at(opaque.0, opaque.1)[3] > 240, "{name}");
        assert!(picture.at(clear.0, clear.1)[3] < 15, "{name}");
    }
    for name in ["pattern.png", "still.gif", "lossy.webp", "cmyk.jpg"] {
        assert!(!probe(&fixture(name)).unwrap().alpha, "{name}");
    }
}

#[test]
fn what_the_headers_say() {
    let info = |name: &str| probe(&fixture(name)).unwrap();
    assert!(info("progressive.jpg").progressive);
    assert!(!info("sampled-2x2.jpg").progressive);
    assert_eq!(info("rgb16.png").bits, 16);
    assert_eq!(info("bilevel.png").bits, 1);
    assert_eq!(info("palette-alpha.png").bits, 8);
    for name in ["cmyk.jpg", "interlaced.png", "transparent.gif", "lossless.webp"] {
        let info = info(name);
        assert_eq!((info.width, info.height, info.frames), (97, 65, 1), "{name}");
    }
}

#[test]
fn rare_codings_of_jpeg() {
    let expected = pixels(&fixture("sampled-2x2.jpg"));
    for (name, progressive) in [("arithmetic.jpg", false), ("arithmetic-progressive.jpg", true)] {
        let input = fixture(name);
        assert_eq!(probe(&input).unwrap().progressive, progressive);
        assert_eq!(pixels(&input), expected, "{name}");
        // No browser shows it as it is.
        assert!(!passes(&input, &plan("")), "{name}");
        let made = transform(&input, &plan("")).unwrap();
        assert!(made.windows(2).any(|bytes| matches!(bytes, [0xff, 0xc0 | 0xc2])), "{name}");
    }
    // Nor one whose height comes behind its data.
    let mut late = fixture("sampled-2x2.jpg");
    let frame = late.windows(2).position(|bytes| bytes == [0xff, 0xc0]).unwrap();
    let height = [late[frame + 5], late[frame + 6]];
    late[frame + 5..frame + 7].fill(0);
    let end = late.len() - 2;
    late.splice(end..end, [0xff, 0xdc, 0, 4, height[0], height[1]]);
    assert_eq!(pixels(&late), expected);
    for params in ["", "f=jpeg", "f=png"] {
        let made = transform(&late, &plan(params)).unwrap();
        assert_eq!(probe(&made).map(|info| (info.width, info.height)), Ok((97, 65)), "{params}");
        assert!(!made.windows(2).any(|bytes| bytes == [0xff, 0xdc]), "{params}");
    }
}

#[test]
fn jpeg_with_what_decoders_stumble_over() {
    let picture = photo(64, 48);
    let clean = jpeg(&picture, 90, Subsamp::None, false);
    let expected = pixels(&clean);

    // Bytes between two segments, behind the JFIF one.
    let mut garbage = clean.clone();
    garbage.splice(20..20, [1, 2, 3]);
    // Bytes before the end of the image.
    let mut tail = clean.clone();
    tail.splice(clean.len() - 2..clean.len() - 2, [0, 0, 0, 0]);
    // Half of a profile in two parts.
    let profile = with_segment(&clean, 0xe2, b"ICC_PROFILE\0\x01\x02half");
    // A JFIF version that nobody knows, and bytes behind the end.
    let mut version = clean.clone();
    version[11] = 9;
    version.extend(b"behind the end");
    for (what, input) in
        [("garbage", garbage), ("tail", tail), ("profile", profile), ("version", version)]
    {
        assert_eq!(pixels(&input), expected, "{what}");
        assert!(!probe(&input).unwrap().has_profile);
    }
}

fn gif_frame(width: u16, height: u16, left: u16, top: u16) -> Vec<u8> {
    let palette = [0, 0, 0, 255, 0, 0, 0, 255, 0];
    let mut out = Vec::new();
    let mut encoder = gif::Encoder::new(&mut out, 20, 10, &palette).unwrap();
    for index in [1, 2] {
        let frame = gif::Frame {
            width,
            height,
            left,
            top,
            buffer: vec![index; usize::from(width) * usize::from(height)].into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    out
}

#[test]
fn the_first_frame_of_a_gif_lies_on_its_canvas() {
    let input = gif_frame(4, 3, 5, 6);
    let info = probe(&input).unwrap();
    assert_eq!((info.width, info.height, info.frames, info.alpha), (20, 10, 2, true));
    let picture = pixels(&input);
    assert_eq!(picture.size(), (20, 10));
    for y in 0..10 {
        for x in 0..20 {
            let inside = (5..9).contains(&x) && (6..9).contains(&y);
            assert_eq!(picture.at(x, y)[3], if inside { 255 } else { 0 });
            if inside {
                assert_eq!(picture.at(x, y), [255, 0, 0, 255]);
            }
        }
    }
}

#[test]
fn a_first_gif_frame_that_sticks_out_has_room() {
    let picture = pixels(&gif_frame(40, 40, 18, 8));
    assert_eq!(picture.size(), (58, 48));
    assert_eq!(picture.at(57, 47), [255, 0, 0, 255]);
    assert_eq!(picture.at(17, 9)[3], 0);

    let outside = pixels(&gif_frame(2, 2, 30, 30));
    assert_eq!(outside.size(), (32, 32));
    assert_eq!(outside.pixels.iter().filter(|pixel| pixel[3] > 0).count(), 4);

    let covering = gif_frame(40, 40, 0, 0);
    assert!(!probe(&covering).unwrap().alpha);
    let picture = pixels(&covering);
    assert_eq!(picture.size(), (40, 40));
    assert!(picture.pixels.iter().all(|&pixel| pixel == [255, 0, 0, 255]));
}

/// An animation of 40x30 whose frames are two copies of a still image.
fn animated_webp(still: &[u8], x: u8, y: u8, size: (u8, u8)) -> Vec<u8> {
    let chunk = |kind: &[u8], body: &[u8]| {
        let mut out = kind.to_vec();
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out.resize(out.len().next_multiple_of(2), 0);
        out
    };
    let mut frame = vec![x / 2, 0, 0, y / 2, 0, 0, size.0 - 1, 0, 0, size.1 - 1, 0, 0, 10, 0, 0, 0];
    let image = &still[12..];
    frame.extend(if image.starts_with(b"VP8X") { &image[18..] } else { image });
    let mut body = b"WEBP".to_vec();
    body.extend(chunk(b"VP8X", &[0x12, 0, 0, 0, 39, 0, 0, 29, 0, 0]));
    body.extend(chunk(b"ANIM", &[0; 6]));
    body.extend(chunk(b"ANMF", &frame));
    body.extend(chunk(b"ANMF", &frame));
    chunk(b"RIFF", &body)
}

#[test]
fn the_first_frame_of_a_webp_lies_on_its_canvas() {
    let picture = Picture::new(10, 8, |x, y| [x as u8 * 20, y as u8 * 30, 7, 255 - x as u8 * 20]);
    let opaque = photo(10, 8);
    let lossy = webp_lossy(&picture, 95);
    for (still, exact) in
        [(webp_lossless(&picture), true), (webp_lossless(&opaque), true), (lossy, false)]
    {
        let input = animated_webp(&still, 6, 4, (10, 8));
        let info = probe(&input).unwrap();
        assert_eq!((info.width, info.height, info.frames), (40, 30, 2));
        let out = pixels(&input);
        assert_eq!(out.size(), (40, 30));
        let expected = decode(&still);
        for y in 0..30 {
            for x in 0..40 {
                if (6..16).contains(&x) && (4..12).contains(&y) {
                    let (ours, theirs) = (out.at(x, y), expected.at(x - 6, y - 4));
                    assert!(ours == theirs || !exact && ours[3] == theirs[3], "{x} {y}");
                } else {
                    assert_eq!(out.at(x, y)[3], 0);
                }
            }
        }
    }
    // A frame as large as the canvas.
    let full = webp_lossless(&photo(40, 30));
    assert_eq!(pixels(&animated_webp(&full, 0, 0, (40, 30))), decode(&full));
}

#[test]
fn apng_gives_its_default_image() {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 2, 2);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_animated(3, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for grey in [10, 20, 30] {
        writer.write_image_data(&[grey; 4]).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(probe(&out).unwrap().frames, 3);
    assert_eq!(pixels(&out).at(1, 1), [10, 10, 10, 255]);
    assert!(passes(&out, &Plan::default()));
}

/// A lossless WebP of 9000x6700 pixels without a bit for any, behind all transforms and with a cache of colours.
const VOID: [u8; 62] = [
    0x52, 0x49, 0x46, 0x46, 0x36, 0, 0, 0, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38, 0x4c, 0x2a, 0,
    0, 0, 0x2f, 0x27, 0xe3, 0x8a, 0x16, 0x99, 0x2e, 0x14, 0xa0, 0, 0xfd, 0x8f, 0x4d, 0x6f, 0x1a,
    0x52, 0x8b, 0xfe, 0x47, 0x5d, 0x6d, 0xea, 0x40, 0x13, 0xfa, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0,
];

#[test]
fn no_step_of_a_lossless_webp_begins_that_would_end_late() {
    assert_eq!(probe(&VOID).unwrap().width, 9000);
    let plan = plan("w=60,f=jpeg");
    let run = |time: u64| {
        let prepared = prepare(&VOID, &plan, &Limits::default()).unwrap();
        let began = Instant::now();
        let made = prepared.run(&Control::new(Some(began + Duration::from_millis(time))));
        (made.map(|made| made.width), began.elapsed())
    };
    for time in [100, 400, 1000] {
        let (made, took) = run(time);
        assert_eq!(made, Err(Error::Timeout), "{time} ms");
        assert!(took < Duration::from_millis(time + 200), "{time} ms: {took:?}");
    }
    assert_eq!(run(60_000).0, Ok(60));
}

/// Of pictures with little on them a few bytes are many rows, which all come out, of whatever is unpacked
/// bit by bit.
#[test]
fn flat_pictures_are_whole() {
    let gif = |width: u32, height: u32, indices: &[u8]| {
        let mut file = Vec::new();
        let palette = [0, 0, 0, 60, 60, 60, 255, 255, 255];
        let mut encoder =
            gif::Encoder::new(&mut file, width as u16, height as u16, &palette).unwrap();
        let frame =
            gif::Frame::from_indexed_pixels(width as u16, height as u16, indices.to_vec(), None);
        encoder.write_frame(&frame).unwrap();
        drop(encoder);
        file
    };
    let strict = Plan { damaged: DamagePolicy::Strict, ..plan("f=png") };
    let small = (0..120u32).map(|i| (i * 37 % 160 + 1, i * 61 % 149 + 1));
    for (number, (width, height)) in small.chain([(300, 300), (1, 40_000), (20_000, 5)]).enumerate()
    {
        let index = |x: u32, y: u32| match number % 3 {
            0 => x / 40 % 3,
            1 => (y / 60 + x / 50) % 3,
            _ => 1,
        };
        let expected = Picture::new(width, height, |x, y| {
            let grey = [0, 60, 255][index(x, y) as usize];
            [grey, grey, grey, 255]
        });
        let indices: Vec<u8> =
            (0..width * height).map(|at| index(at % width, at / width) as u8).collect();
        let mut files = vec![gif(width, height, &indices), png(&expected)];
        for (compression, bits, rows) in
            [(5, 1, height), (5, 8, height), (5, 8, 7), (8, 1, height), (8, 8, 9), (32773, 8, 8)]
        {
            let tiff =
                Tiff { bits, compression, rows: rows.min(height), ..Tiff::new(width, height) };
            files.push(tiff.write(|x, y, _| match bits {
                1 => (index(x, y) == 2).into(),
                _ => [0, 60, 255][index(x, y) as usize],
            }));
        }
        let bilevel = Picture::new(width, height, |x, y| {
            let grey = if index(x, y) == 2 { 255 } else { 0 };
            [grey, grey, grey, 255]
        });
        for (kind, file) in files.iter().enumerate() {
            let expected = if matches!(kind, 2 | 5) { &bilevel } else { &expected };
            let shown = transform(file, &strict).map(|bytes| decode(&bytes));
            assert!(shown.as_ref() == Ok(expected), "{width}x{height} of kind {kind}");
        }
    }
}

/// A JPEG of inks, of which the segment goes that says whose they are.
fn inked(picture: &Picture, kind: jpeg_encoder::ColorType, is_progressive: bool) -> [Vec<u8>; 2] {
    let inks: Vec<u8> = picture
        .pixels
        .iter()
        .flat_map(|&[red, green, blue, _]| {
            let most = red.max(green).max(blue);
            let ink = |light: u8| 255 - (u32::from(light) * 255 / u32::from(most.max(1))) as u8;
            [ink(red), ink(green), ink(blue), 255 - most]
        })
        .collect();
    let mut marked = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut marked, 95);
    encoder.set_progressive(is_progressive);
    let (width, height) = picture.size();
    encoder.encode(&inks, width as u16, height as u16, kind).unwrap();
    let start = marked.windows(9).position(|at| at == b"\xff\xee\0\x0eAdobe").unwrap();
    let bare = [&marked[..start], &marked[start + 16..]].concat();
    [marked, bare]
}

#[test]
fn inks_are_light_whoever_wrote_them() {
    let gradient = Picture::new(200, 120, |x, y| [(x * 255 / 199) as u8, (y * 2) as u8, 90, 255]);
    let profile = [&b"ICC_PROFILE\0\x01\x01"[..], b"no profile of inks"].concat();
    for is_progressive in [false, true] {
        let [marked, bare] = inked(&gradient, jpeg_encoder::ColorType::Cmyk, is_progressive);
        for file in [&bare, &with_segment(&bare, 0xe2, &profile)] {
            let (ours, theirs) = (pixels(file), pixels(&marked));
            assert!(psnr(&theirs, &gradient) > 25.0, "{}", psnr(&theirs, &gradient));
            assert_eq!(ours, theirs);
            // By whichever decoder.
            for width in [10, 25, 60, 75, 100, 125, 190] {
                let plan = plan(&format!("f=png,w={width}"));
                assert!(transformed(file, &plan) == transformed(&marked, &plan), "{width}");
            }
        }
        // Luma and chroma of inks are nothing without the segment.
        let [marked, _] = inked(&gradient, jpeg_encoder::ColorType::CmykAsYcck, is_progressive);
        assert!(psnr(&pixels(&marked), &gradient) > 25.0);
    }
}
