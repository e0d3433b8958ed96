//! PNG, GIF and WebP as the world has them: what is shown of damaged ones, what is refused, and
//! what is no damage.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;

use common::*;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image_gate_core::image::{Control, DamagePolicy, Error, Limits, Output, prepare, probe};

/// The sizes that are asked for. The last one is the whole picture, turned over so that it is
/// decoded.
const SIZES: [&str; 3] =
    ["w=60,f=png,anim=off", "w=200,f=png,anim=off", "f=png,rotate=180,anim=off"];

/// The answer at one size, and what is said to be wrong with the source.
fn answer(
    source: &[u8],
    params: &str,
    damaged: DamagePolicy,
) -> Result<(Picture, Option<String>), Error> {
    let plan = image_gate_core::image::Plan { damaged, ..plan(params) };
    let prepared = prepare(source, &plan, &Limits::default())?;
    let Output::Encoded(out) = prepared.run(&Control::default())?.output else {
        panic!("{params} goes out as it is")
    };
    Ok((decode(&out), prepared.damage().map(|damage| damage.what)))
}

fn each_size(
    source: &[u8],
    damaged: DamagePolicy,
) -> Vec<Result<(Picture, Option<String>), Error>> {
    SIZES.iter().map(|params| answer(source, params, damaged)).collect()
}

/// Nothing is missing, and nothing is said.
fn intact(name: &str, source: &[u8], original: &[u8]) {
    for params in SIZES {
        let expected = answer(original, params, DamagePolicy::Strict).unwrap();
        assert_eq!(expected.1, None, "{name}");
        for policy in [DamagePolicy::Lenient, DamagePolicy::Strict] {
            let found = answer(source, params, policy);
            assert_eq!(found, Ok(expected.clone()), "{name} at {params}");
        }
    }
}

/// The uppermost rows are those of the original; it is said that something is wrong, and the
/// strict refuse it.
fn shown(name: &str, source: &[u8], original: &[u8], rows: u32) {
    for params in SIZES {
        let (expected, _) = answer(original, params, DamagePolicy::Strict).unwrap();
        let found = answer(source, params, DamagePolicy::Lenient);
        let (found, damage) = found.unwrap_or_else(|error| panic!("{name} at {params}: {error}"));
        assert!(damage.is_some(), "{name} at {params}");
        assert_eq!(found.size(), expected.size(), "{name} at {params}");
        let turned = params.contains("rotate");
        let there = match rows == 200 {
            true => found.height,
            // The filter of the resize reaches over the edge.
            false => (rows * found.height / 200).saturating_sub(4),
        };
        let mut squares = 0.0;
        for y in 0..there {
            let y = if turned { found.height - 1 - y } else { y };
            for x in 0..found.width {
                let pairs = found.at(x, y).into_iter().zip(expected.at(x, y));
                squares += pairs.map(|(a, b)| f64::from(a.abs_diff(b)).powi(2)).sum::<f64>();
            }
        }
        let mean = squares / f64::from(there * found.width * 4);
        assert!(mean < 12.0, "{name} at {params}: {mean} in {there} rows");
    }
    for found in each_size(source, DamagePolicy::Strict) {
        assert!(matches!(found, Err(Error::DecodeFailed(_))), "{name}: {found:?}");
    }
}

fn refused(name: &str, source: &[u8]) {
    for policy in [DamagePolicy::Lenient, DamagePolicy::Strict] {
        for found in each_size(source, policy) {
            let failed = matches!(found, Err(Error::DecodeFailed(_) | Error::UnsupportedFormat(_)));
            assert!(failed, "{name}: {found:?}");
        }
    }
}

fn part(bytes: &[u8], percent: usize) -> &[u8] {
    &bytes[..bytes.len() * percent / 100]
}

// PNG

type Chunk = ([u8; 4], Vec<u8>);

fn chunk((kind, data): &Chunk) -> Vec<u8> {
    png_chunk(kind, data)
}

fn file(chunks: &[Chunk]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunks.iter().for_each(|found| out.extend(chunk(found)));
    out
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn header(width: u32, height: u32, bits: u8, color_type: u8) -> Chunk {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    (*b"IHDR", [&sides[..], &[bits, color_type, 0, 0, 0]].concat())
}

/// A photo, in four chunks of image data.
fn photo_png() -> Vec<Chunk> {
    let photo = photo(300, 200);
    let rows: Vec<u8> = photo.rgb().chunks(900).flat_map(|row| [&[0], row].concat()).collect();
    let data = deflated(&rows);
    let mut out = vec![header(300, 200, 8, 2)];
    out.extend(data.chunks(data.len().div_ceil(4)).map(|data| (*b"IDAT", data.to_vec())));
    out.push((*b"IEND", Vec::new()));
    out
}

#[test]
fn png_without_an_end() {
    let original = file(&photo_png());
    for missing in [1, 4, 8, 11, 12, 13, 16] {
        shown(&format!("{missing}"), &original[..original.len() - missing], &original, 200);
    }
    let zeros = [&original[..original.len() - 12], &[0; 40]].concat();
    shown("zeros instead", &zeros, &original, 200);
    intact("data behind", &[&original[..], &[0x55; 100]].concat(), &original);
}

#[test]
fn png_with_wrong_checksums() {
    let chunks = photo_png();
    let original = file(&chunks);
    let mut with_text = chunks.clone();
    with_text.insert(1, (*b"tEXt", b"Comment\0here".to_vec()));
    let end_of =
        |index: usize| 8 + with_text[..=index].iter().map(|c| c.1.len() + 12).sum::<usize>();
    for index in 0..with_text.len() {
        let mut damaged = file(&with_text);
        damaged[end_of(index) - 1] ^= 1;
        let name = format!("{}", with_text[index].0.escape_ascii());
        match &with_text[index].0 {
            b"tEXt" => intact(&name, &damaged, &original),
            _ => shown(&name, &damaged, &original, 200),
        }
    }
    // Of the data, and not of the chunks.
    let mut chunks = chunks;
    let last = chunks.len() - 2;
    *chunks[last].1.last_mut().unwrap() ^= 1;
    for (params, strict) in SIZES.iter().zip(each_size(&file(&chunks), DamagePolicy::Strict)) {
        assert!(matches!(strict, Err(Error::DecodeFailed(_))), "{strict:?}");
        let expected = answer(&original, params, DamagePolicy::Strict).unwrap().0;
        let found = answer(&file(&chunks), params, DamagePolicy::Lenient).unwrap().0;
        assert_eq!(found, expected, "{params}");
    }
}

#[test]
fn png_whose_data_ends_early() {
    let chunks = photo_png();
    let original = file(&chunks);
    shown("cut", part(&original, 75), &original, 120);
    refused("cut early", part(&original, 40));
    refused("cut before the data", &original[..40]);

    let photo = photo(300, 200);
    let rows: Vec<u8> = photo.rgb().chunks(900).flat_map(|row| [&[0], row].concat()).collect();
    let with =
        |data: Vec<u8>| file(&[header(300, 200, 8, 2), (*b"IDAT", data), (*b"IEND", Vec::new())]);
    shown("the last row is short", &with(deflated(&rows[..rows.len() - 10])), &original, 199);
    shown("rows are missing", &with(deflated(&rows[..901 * 130])), &original, 130);
    // The file has its end, and so it was not broken off.
    shown("more are missing", &with(deflated(&rows[..901 * 60])), &original, 60);
    refused("far too few for its size", &with(deflated(&[0])));
    let mut bent = deflated(&rows);
    let at = bent.len() * 9 / 10;
    bent[at..at + 20].fill(0xff);
    shown("bent data", &with(bent), &original, 110);
    let mut filtered = rows.clone();
    filtered[901 * 150] = 9;
    shown("a filter of no known kind", &with(deflated(&filtered)), &original, 150);
}

#[test]
fn png_with_chunks_in_between() {
    let chunks = photo_png();
    let original = file(&chunks);
    let with = |at: usize, kind: &[u8; 4], data: &[u8]| {
        let mut chunks = chunks.clone();
        chunks.insert(at, (*kind, data.to_vec()));
        file(&chunks)
    };
    intact("a text", &with(3, b"tEXt", b"Comment\0here"), &original);
    intact("no data", &with(3, b"IDAT", b""), &original);
    intact("no data before", &with(1, b"IDAT", b""), &original);
    intact("transparency too late", &with(3, b"tRNS", &[0; 6]), &original);
    intact("transparency too short", &with(1, b"tRNS", &[0; 5]), &original);
    intact("transparency too long", &with(1, b"tRNS", &[0; 8]), &original);
    intact("a second header", &with(3, b"IHDR", &[0; 13]), &original);
    intact("a broken gamma", &with(1, b"gAMA", &[1]), &original);
    intact("suggested colours", &with(1, b"PLTE", &[0; 7]), &original);
    refused("a critical chunk of no known kind", &with(1, b"CRIT", b"ical"));
    shown("one behind the data", &with(5, b"CRIT", b"ical"), &original, 200);
    let mut late = chunks.clone();
    late.sort_by_key(|(kind, _)| kind == b"IDAT");
    refused("all data behind the end", &file(&late));
}

#[test]
fn png_whose_animation_is_broken_is_still_an_image() {
    let chunks = photo_png();
    let original = file(&chunks);
    let control = |number: u32, width: u32, height: u32| {
        let mut data = [number, width, height, 0, 0].map(u32::to_be_bytes).concat();
        data.extend([0, 1, 0, 10, 0, 0]);
        (*b"fcTL", data)
    };
    let mut animated = chunks.clone();
    animated.insert(1, (*b"acTL", vec![0, 0, 0, 2, 0, 0, 0, 0]));
    animated.insert(2, control(7, 300, 200));
    let end = animated.len() - 1;
    animated.insert(end, (*b"fdAT", vec![0, 0, 0, 3, 1, 2, 3]));
    animated.insert(end + 1, control(1, 9000, 200));
    animated.insert(end + 2, (*b"fdAT", vec![0]));
    shown("numbers out of turn", &file(&animated), &original, 200);
    animated[2] = control(0, 20, 20);
    shown("a first frame that is not the image", &file(&animated), &original, 200);
}

#[test]
fn png_transparency_has_the_bits_of_the_image() {
    for (bits, color_type, high, low) in [
        (8, 0, vec![0xab, 0x40], vec![0, 0x40]),
        (4, 0, vec![0xff, 0xf5], vec![0, 5]),
        (1, 0, vec![0x80, 3], vec![0, 1]),
        (8, 2, vec![1, 0x40, 2, 0x41, 3, 0x42], vec![0, 0x40, 0, 0x41, 0, 0x42]),
    ] {
        let rows = match color_type {
            0 => [0, 0x15, 0x40, 0x55, 0x40].repeat(20),
            _ => [0, 0x40, 0x41, 0x42, 9, 9, 9, 0x40, 0x41, 0x42].repeat(20),
        };
        let width = if color_type == 2 { 3 } else { 32 / u32::from(bits) };
        let with = |transparency: &[u8]| {
            file(&[
                header(width, 20, bits, color_type),
                (*b"tRNS", transparency.to_vec()),
                (*b"IDAT", deflated(&rows)),
                (*b"IEND", Vec::new()),
            ])
        };
        let params = "f=png,rotate=180";
        let expected = answer(&with(&low), params, DamagePolicy::Strict).unwrap();
        assert!(!expected.0.is_opaque(), "{bits} {color_type}");
        let found = answer(&with(&high), params, DamagePolicy::Strict).unwrap();
        assert_eq!(found, expected, "{bits} {color_type}");
    }
}

#[test]
fn png_palettes_that_do_not_fit() {
    let rows = [0, 0, 1, 2, 3].repeat(20);
    let with = |palette: &[u8], transparency: &[u8]| {
        let mut chunks = vec![header(4, 20, 8, 3)];
        if !palette.is_empty() {
            chunks.push((*b"PLTE", palette.to_vec()));
        }
        if !transparency.is_empty() {
            chunks.push((*b"tRNS", transparency.to_vec()));
        }
        chunks.extend([(*b"IDAT", deflated(&rows)), (*b"IEND", Vec::new())]);
        let found = answer(&file(&chunks), "f=png,rotate=180", DamagePolicy::Strict);
        found.map(|(found, _)| [3, 2, 1, 0].map(|x| found.at(x, 0)))
    };
    let (red, green) = ([255, 0, 0, 255], [0, 255, 0, 255]);
    let black = [0, 0, 0, 255];
    let colors = [255, 0, 0, 0, 255, 0];
    assert_eq!(with(&colors, &[]), Ok([red, green, black, black]));
    assert_eq!(with(&[&colors[..], &[7]].concat(), &[]), Ok([red, green, black, black]));
    let found = with(&colors, &[255, 0]).unwrap();
    assert_eq!((found[0], found[1][3], found[2]), (red, 0, black));
    assert_eq!(with(&colors, &[255, 0, 0]), Ok([red, green, black, black]));
    assert!(matches!(with(&[], &[]), Err(Error::DecodeFailed(_))));
}

#[test]
fn png_that_is_interlaced_and_cut() {
    let original = fixture("interlaced.png");
    let whole = answer(&original, "f=png,rotate=180", DamagePolicy::Strict).unwrap().0;
    let (mut refusals, mut shows) = (0, 0);
    for percent in (10..100).step_by(3) {
        let cut = part(&original, percent);
        assert!(answer(cut, "f=png,rotate=180", DamagePolicy::Strict).is_err());
        match answer(cut, "f=png,rotate=180", DamagePolicy::Lenient) {
            Err(_) => refusals += 1,
            Ok((found, damage)) => {
                assert!(damage.is_some() && percent > 40, "{percent}");
                // Even rows are there, odd ones are alike at least.
                let y = (0..whole.height).rev().step_by(2);
                y.for_each(|y| assert_eq!(found.at(3, y), whole.at(3, y), "{percent}: {y}"));
                assert!(psnr(&found, &whole) > 12.0, "{percent}");
                shows += 1;
            }
        }
    }
    assert!(refusals > 5 && shows > 5, "{refusals} {shows}");

    // Damage in an early pass: what comes before it stands for the rest.
    let data = original.windows(4).position(|kind| kind == b"IDAT").unwrap() + 4;
    let mut bent = original.clone();
    let early = data + (bent.len() - data) / 5;
    bent[early..early + 30].fill(0xff);
    let (found, damage) = answer(&bent, "f=png,rotate=180", DamagePolicy::Lenient).unwrap();
    assert!(damage.is_some() && psnr(&found, &whole) > 12.0, "{}", psnr(&found, &whole));
    assert!(answer(&bent, "f=png,rotate=180", DamagePolicy::Strict).is_err());
}

// GIF

/// Pictures of 300x200 pixels and few colours, the first of them whole.
fn gif_of(frames: usize, interlaced: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let palette: Vec<u8> = (0..64).flat_map(|i| [i * 4, 255 - i * 4, i]).collect();
    let mut encoder = gif::Encoder::new(&mut out, 300, 200, &palette).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    for i in 0..frames {
        let pixels = (0..200).flat_map(|y| (0..300).map(move |x| (x, y)));
        let mut indices: Vec<u8> =
            pixels.map(|(x, y)| ((x / 3 + y / 5 + (x * y) % 7 + 9 * i) % 64) as u8).collect();
        if interlaced {
            let order = [(0, 8), (4, 8), (2, 4), (1, 2)];
            let rows = order.iter().flat_map(|&(first, step)| (first..200).step_by(step));
            indices = rows.flat_map(|y| indices[y * 300..][..300].to_vec()).collect();
        }
        let frame = gif::Frame {
            width: 300,
            height: 200,
            delay: 5,
            interlaced,
            buffer: indices.into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    out
}

/// The same, resized as an animation: how many frames come out, and what is wrong.
fn moving(source: &[u8], damaged: DamagePolicy) -> Result<(u32, Option<String>), Error> {
    let plan = image_gate_core::image::Plan { damaged, ..plan("w=60") };
    let prepared = prepare(source, &plan, &Limits::default())?;
    let Output::Encoded(out) = prepared.run(&Control::default())?.output else {
        panic!("goes out as it is")
    };
    Ok((probe(&out).unwrap().frames, prepared.damage().map(|damage| damage.what)))
}

#[test]
fn gif_without_a_trailer() {
    for frames in [1, 3] {
        let original = gif_of(frames, false);
        let bare = &original[..original.len() - 1];
        shown("none", bare, &original, 200);
        shown("zeros instead", &[bare, &[0; 30]].concat(), &original, 200);
        intact("zeros before", &[bare, &[0; 30], b";"].concat(), &original);
        intact("data behind", &[&original[..], b"anything, \x2c too"].concat(), &original);
        shown("data instead", &[bare, b"anything"].concat(), &original, 200);
        assert_eq!(moving(bare, DamagePolicy::Lenient).unwrap().0, frames as u32);
    }
}

#[test]
fn gif_that_is_cut() {
    let still = gif_of(1, false);
    shown("one frame", part(&still, 75), &still, 120);
    shown("its terminator", &still[..still.len() - 2], &still, 200);
    refused("less than half of it", part(&still, 40));
    refused("its head", &still[..12]);

    let original = gif_of(3, false);
    // Of the second of three.
    let cut = part(&original, 50);
    shown("the first of them", cut, &original, 200);
    let (frames, damage) = moving(cut, DamagePolicy::Lenient).unwrap();
    assert_eq!((frames, damage.is_some()), (1, true));
    assert!(moving(cut, DamagePolicy::Strict).is_err());
    assert_eq!(moving(part(&original, 90), DamagePolicy::Lenient).unwrap().0, 2);
    // All of its pixels are there.
    assert_eq!(moving(&original[..original.len() - 2], DamagePolicy::Lenient).unwrap().0, 3);
    // Where only the first one is wanted, the others need not be whole.
    let first = answer(cut, "w=60,anim=off,f=png", DamagePolicy::Lenient).unwrap();
    assert_eq!(first.0, answer(&original, "w=60,anim=off,f=png", DamagePolicy::Strict).unwrap().0);
}

#[test]
fn gif_that_is_interlaced_and_cut() {
    let (original, plain) = (gif_of(1, true), gif_of(1, false));
    intact("whole", &original, &plain);
    refused("less than half of it", part(&original, 40));
    let params = "f=png,rotate=180";
    let whole = answer(&original, params, DamagePolicy::Strict).unwrap().0;
    let (found, damage) = answer(part(&original, 70), params, DamagePolicy::Lenient).unwrap();
    assert!(damage.is_some());
    for y in (0..200).rev().step_by(2) {
        assert_eq!(found.at(7, y), whole.at(7, y), "{y}");
    }
    assert_eq!(found.at(7, 0), whole.at(7, 1), "a missing row looks like the one above it");
}

/// Where the first image descriptor is.
fn descriptor(gif: &[u8]) -> usize {
    let at = gif.windows(9).position(|bytes| bytes[0] == 0x2c && bytes[5..] == [44, 1, 200, 0]);
    at.unwrap()
}

#[test]
fn gif_whose_screen_is_not_that_of_its_frames() {
    let original = gif_of(1, false);
    for screen in [[0, 0], [1, 1], [100, 250], [300, 0], [0, 200]] {
        let mut other = original.clone();
        other[6..8].copy_from_slice(&u16::to_le_bytes(screen[0]));
        other[8..10].copy_from_slice(&u16::to_le_bytes(screen[1]));
        if screen[1] <= 200 {
            intact(&format!("{screen:?}"), &other, &original);
        } else {
            assert_eq!(probe(&other).unwrap().height, 250);
        }
    }
    // A frame beside the screen makes it larger; a later one does not.
    let mut beside = gif_of(2, false);
    let at = descriptor(&beside);
    beside[at + 1] = 20;
    let info = probe(&beside).unwrap();
    assert_eq!((info.width, info.height, info.alpha), (320, 200, true));
    let mut later = gif_of(2, false);
    let second = at + 9 + descriptor(&later[at + 9..]);
    later[second + 1..second + 5].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(probe(&later).unwrap().width, 300);
    intact("a frame out of sight", &later, &original);
    assert_eq!(moving(&later, DamagePolicy::Strict), Ok((2, None)));
    // No frame at all.
    refused("no frame", &[&original[..at - 8], b";"].concat());
}

#[test]
fn gif_with_blocks_of_other_kinds() {
    let original = gif_of(1, false);
    let at = descriptor(&original);
    let before = original[..at].iter().rposition(|&byte| byte == 0x21).unwrap();
    let with = |block: &[u8]| [&original[..before], block, &original[before..]].concat();
    intact("an extension of no known kind", &with(b"\x21\x55\x03abc\x02de\0"), &original);
    intact("an empty one", &with(b"\x21\x56\0"), &original);
    intact("a comment", &with(b"\x21\xfe\x05hello\0"), &original);
    intact("an application", &with(b"\x21\xff\x03abc\0"), &original);
    intact("zeros", &with(&[0; 9]), &original);
    refused("what is no block", &with(b"\x99"));
    let mut older = original.clone();
    older[4] = b'7';
    intact("GIF87a", &older, &original);
}

#[test]
fn gif_whose_codes_are_broken() {
    let original = gif_of(1, false);
    let mut bent = original.clone();
    let at = bent.len() * 8 / 10;
    bent[at..at + 8].fill(0xff);
    let lenient = each_size(&bent, DamagePolicy::Lenient);
    // Whatever these codes mean: the verdict is one.
    assert!(lenient.iter().all(|found| found.is_ok() == lenient[0].is_ok()));

    // Data of two bits a code: clear, four pixels of colour 1, end.
    let small = |code_size: u8, codes: &[u8], colors: bool| {
        let mut gif = b"GIF89a\x02\0\x02\0\0\0\0\x2c\0\0\0\0\x02\0\x02\0".to_vec();
        gif.push(if colors { 0x80 } else { 0 });
        gif.extend_from_slice(if colors { &[9, 8, 7, 255, 0, 0] } else { &[] });
        gif.extend([code_size, codes.len() as u8]);
        gif.extend(codes);
        gif.extend(b"\0;");
        gif
    };
    let params = "f=png,rotate=180";
    let color = |gif: &[u8], policy| answer(gif, params, policy).map(|(found, _)| found.at(0, 0));
    let codes = [0x4c, 0x12, 0x05];
    let red = color(&small(2, &codes, true), DamagePolicy::Strict);
    assert_eq!(red, Ok([255, 0, 0, 255]));
    // White is what the standard recommends where there is no table of colours.
    let bare = color(&small(2, &codes, false), DamagePolicy::Strict);
    assert_eq!(bare, Ok([255; 4]));
    for code_size in [0, 9, 11, 12, 13, 255] {
        let _ = color(&small(code_size, &codes, true), DamagePolicy::Lenient);
    }
    assert!(color(&small(12, &codes, true), DamagePolicy::Lenient).is_err());
    assert!(color(&small(2, &[], true), DamagePolicy::Lenient).is_err());
}

// WebP

fn webps() -> [(&'static str, Vec<u8>); 3] {
    let photo = photo(300, 200);
    let glass = Picture::new(300, 200, |x, y| [x as u8, y as u8, 90, (x / 2 + y / 2) as u8]);
    [
        ("lossy", webp_lossy(&photo, 80)),
        ("lossless", webp_lossless(&photo)),
        ("lossy with alpha", webp_lossy(&glass, 80)),
    ]
}

fn with_riff_size(webp: &[u8], size: u32) -> Vec<u8> {
    let mut out = webp.to_vec();
    out[4..8].copy_from_slice(&size.to_le_bytes());
    out
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    [b"RIFF", &(chunks.len() as u32 + 4).to_le_bytes()[..], b"WEBP", chunks].concat()
}

fn riff_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = [&kind[..], &(data.len() as u32).to_le_bytes(), data].concat();
    out.resize(out.len() + data.len() % 2, 0);
    out
}

fn extended(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    riff_chunk(b"VP8X", &[&[flags, 0, 0, 0][..], &side(width), &side(height)].concat())
}

#[test]
fn webp_whose_riff_has_another_size() {
    for (name, original) in webps() {
        let size = original.len() as u32 - 8;
        for other in [size - 1, size + 1, size - 2, size / 2, 0, 4] {
            intact(&format!("{name} {other}"), &with_riff_size(&original, other), &original);
        }
        for other in [size + 2, size + 1000, u32::MAX] {
            shown(&format!("{name} {other}"), &with_riff_size(&original, other), &original, 200);
        }
        intact(&format!("{name} and more"), &[&original[..], &[7; 99]].concat(), &original);
        let padding = [&original[..], b"ab"].concat();
        intact(&format!("{name} and two"), &padding, &original);
    }
}

#[test]
fn webp_that_is_cut() {
    for (name, original) in webps() {
        shown(name, part(&original, 85), &original, 110);
        refused(name, part(&original, 25));
        refused(name, &original[..22]);
    }
}

#[test]
fn webp_with_other_chunks() {
    let photo = photo(300, 200);
    for original in [webp_lossy(&photo, 80), webp_lossless(&photo)] {
        let image = &original[12..];
        let text = riff_chunk(b"TEST", b"odd");
        let cases = [
            ("one of no known kind", [extended(0, 300, 200), text.clone(), image.to_vec()]),
            ("one before all others", [text.clone(), image.to_vec(), Vec::new()]),
            ("one before the extended", [text.clone(), extended(0, 300, 200), image.to_vec()]),
            ("one behind", [image.to_vec(), text.clone(), extended(0, 9, 9)]),
            ("Exif that is not there", [extended(0x2c, 300, 200), image.to_vec(), Vec::new()]),
            ("no alpha", [extended(0x10, 300, 200), image.to_vec(), Vec::new()]),
        ];
        for (name, chunks) in cases {
            intact(name, &riff(&chunks.concat()), &original);
        }
        assert!(!probe(&riff(&[&extended(0x10, 300, 200), image].concat())).unwrap().alpha);
        refused("an animation of no frames", &riff(&[&extended(2, 300, 200), image].concat()));
        refused("another canvas", &riff(&[&extended(0, 301, 200), image].concat()));
        refused("no image", &riff(&extended(0, 300, 200)));
    }
    // Alpha that is not announced is none, as browsers have it.
    let (_, alpha) = &webps()[2];
    let at = 20;
    let mut silent = alpha.clone();
    assert_eq!(&silent[12..16], b"VP8X");
    silent[at] = 0;
    let image = silent.windows(4).position(|kind| kind == b"VP8 ").unwrap();
    assert!(silent[..image].windows(4).any(|kind| kind == b"ALPH"));
    let without = riff(&[&silent[12..30], &silent[image..]].concat());
    intact("alpha that is not announced", &silent, &without);
    assert!(!probe(&silent).unwrap().alpha);
}

#[test]
fn webp_whose_frames_are_cut() {
    let photo = photo(300, 200);
    let frame = |image: &[u8]| {
        let mut data = vec![0; 6];
        data.extend([43, 1, 0, 199, 0, 0, 50, 0, 0, 2]);
        data.extend(&image[12..]);
        riff_chunk(b"ANMF", &data)
    };
    for image in [webp_lossy(&photo, 80), webp_lossless(&photo)] {
        let frames = frame(&image);
        let head = [extended(2, 300, 200), riff_chunk(b"ANIM", &[0; 6])].concat();
        let original = riff(&[&head[..], &frames, &frames, &frames].concat());
        assert_eq!(moving(&original, DamagePolicy::Strict), Ok((3, None)));

        let cut = &original[..original.len() - frames.len() / 2];
        let (count, damage) = moving(cut, DamagePolicy::Lenient).unwrap();
        assert_eq!((count, damage.is_some()), (2, true));
        assert!(moving(cut, DamagePolicy::Strict).is_err());
        shown("the first of them", cut, &original, 200);
        let first = 12 + head.len();
        shown("the first itself", &original[..first + frames.len() * 85 / 100], &original, 110);
        refused("too much of it", &original[..first + frames.len() / 4]);
        // Frames that nothing announces.
        let silent = riff(&[&extended(0, 300, 200), &frames[..], &frames].concat());
        assert_eq!(moving(&silent, DamagePolicy::Strict), Ok((2, None)));
        // One that is far larger than the canvas.
        let large = webp_lossless(&common::photo(700, 500));
        let mut data = vec![0; 6];
        data.extend([187, 2, 0, 243, 1, 0, 50, 0, 0, 2]);
        data.extend(&large[12..]);
        let large = riff_chunk(b"ANMF", &data);
        let stuck = riff(&[&head[..], &frames, &large, &frames].concat());
        let (count, damage) = moving(&stuck, DamagePolicy::Lenient).unwrap();
        assert_eq!((count, damage.is_some()), (2, true));
        assert!(moving(&stuck, DamagePolicy::Strict).is_err());
        // One that is none.
        let hole = riff_chunk(b"ANMF", &[0; 9]);
        let holed = riff(&[&head[..], &frames, &hole, &frames].concat());
        let (count, damage) = moving(&holed, DamagePolicy::Lenient).unwrap();
        assert_eq!((count, damage.is_some()), (2, true));
        assert!(moving(&holed, DamagePolicy::Strict).is_err());
    }
}
