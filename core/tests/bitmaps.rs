//! Formats that are only read: what becomes of them, of their pieces, and of files that were made to
//! take long or much. Pixels of many encoders' files are compared by t/bitmaps.t.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::*;
use image_gate_core::image::{
    Control, DamagePolicy, Error, Format, Limits, Output, Plan, prepare, probe, sniff,
};

/// A small file of each kind, how many of its bytes hold no pixel but come last, and whether its rows
/// are stored from the lowest up.
fn small() -> Vec<(&'static str, Vec<u8>, usize, bool)> {
    let picture = photo(8, 8);
    let text: Vec<String> = picture.rgb().iter().map(u8::to_string).collect();
    let plain = format!("P3\n8 8\n255\n{}\n", text.join(" ")).into_bytes();
    let mut packed = bmp_header(8, 8, 8, 1, 256);
    for index in 0..8 {
        packed.extend([4, index, 0, 4, 9, 8, 7, index, 0, 0]);
    }
    packed.extend([0, 1]);
    let mut icon = vec![0, 0, 1, 0, 1, 0, 8, 8, 0, 0, 1, 0, 32, 0];
    let mut dib = bmp_header(8, 16, 32, 0, 0)[14..].to_vec();
    dib.extend(picture.rgba());
    dib.extend([0; 32]);
    icon.extend((dib.len() as u32).to_le_bytes());
    icon.extend(22u32.to_le_bytes());
    icon.extend(dib);
    vec![
        ("bmp", bmp(&picture), 0, true),
        // Without its end too every row is there.
        ("bmp rle", packed, 4, true),
        ("ico", icon, 32, true),
        ("ppm", ppm(&picture), 0, false),
        // The last number may have lost digits, which nobody can tell.
        ("plain ppm", plain, 4, false),
        ("qoi", qoi(&picture), 8, false),
    ]
}

fn answer(source: &[u8], damaged: DamagePolicy) -> Result<Picture, Error> {
    let plan = Plan { damaged, ..plan("f=png") };
    transform(source, &plan).map(|bytes| decode(&bytes))
}

#[test]
fn what_there_is_of_the_rows_is_shown_and_the_strict_refuse_it() {
    for (name, whole, tail, upwards) in small() {
        let original = answer(&whole, DamagePolicy::Strict).unwrap();
        assert_eq!(original.size(), (8, 8), "{name}");
        let mut shown = false;
        for len in 0..whole.len() {
            let part = &whole[..len];
            let strict = answer(part, DamagePolicy::Strict);
            if len < whole.len() - tail {
                assert!(strict.is_err(), "{name} of {len} bytes");
            } else if let Ok(strict) = strict {
                assert!(name == "plain ppm" || strict == original, "{name} of {len} bytes");
            }
            let Ok(lenient) = answer(part, DamagePolicy::Lenient) else {
                assert!(!shown, "{name} of {len} bytes is refused, of {} is not", len - 1);
                continue;
            };
            shown = true;
            // Of text, the last number at hand may have lost digits.
            let known = if name == "plain ppm" { 31 } else { 32 };
            let first_half = (0..known).all(|place| {
                let (x, y) = (place % 8, place / 8);
                let y = if upwards { 7 - y } else { y };
                lenient.at(x, y) == original.at(x, y)
            });
            assert!(first_half, "{name} of {len} bytes");
        }
        assert!(shown, "{name}");
    }
}

/// Words of a header of PNM may be apart by whatever is white, or a comment; one byte of it ends the last one.
#[test]
fn whatever_is_white_between_words() {
    for white in [" ", "\n", "\r\n", "\r", "\t", "  \n", " # a\n", "\r\n# a 9 9\r\n"] {
        for (magic, max, pixels, rgb) in [
            ("P1", "", &b"1 0"[..], [0, 0, 0, 255, 255, 255]),
            ("P2", "255", b"7 9", [7, 7, 7, 9, 9, 9]),
            ("P3", "255", b"1 2 3 4 5 6 ", [1, 2, 3, 4, 5, 6]),
            ("P4", "", &[0x80], [0, 0, 0, 255, 255, 255]),
            ("P5", "255", &[7, 9], [7, 7, 7, 9, 9, 9]),
            ("P6", "255", &[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
        ] {
            let words = [magic, "2", "1", max].join(white);
            let header = words.trim_end_matches(white);
            let file = [header.as_bytes(), b"\n", pixels].concat();
            assert_eq!(sniff(&file), Some(Format::Pnm), "{header:?}");
            let shown = decode(&transform(&file, &plan("f=png")).unwrap());
            assert_eq!(shown.rgb(), rgb, "{header:?}");
        }
    }
    assert_eq!(sniff(b"P6\r\na"), None);
    assert_eq!(sniff(b"P61 1"), None);
}

/// An icon of one picture, whose pixels are numbers of so many bits.
fn icon(header: &[u8], bits: u16, pixels: &[u32], hidden: Option<&[u8]>) -> Vec<u8> {
    let mut dib = header.to_vec();
    for number in pixels {
        dib.extend(&number.to_le_bytes()[..usize::from(bits / 8)]);
    }
    dib.extend(hidden.unwrap_or_default());
    let mut icon = vec![0, 0, 1, 0, 1, 0, 8, 8, 0, 0, 1, 0, bits as u8, 0];
    icon.extend((dib.len() as u32).to_le_bytes());
    icon.extend(22u32.to_le_bytes());
    icon.extend(dib);
    icon
}

/// What is hidden of an icon is said by its mask, or where pixels have an alpha by that.
#[test]
fn alpha_and_masks_of_icons() {
    // Masks of red, green, blue and alpha, bits of a pixel, bytes of a header, and what it says of masks.
    let kinds: [([u32; 4], u16, u32, u32); 6] = [
        ([0xff0000, 0xff00, 0xff, 0xff00_0000], 32, 40, 0),
        ([0xff, 0xff00, 0xff0000, 0xff00_0000], 32, 108, 3),
        ([0xff0000, 0xff00, 0xff, 0], 32, 40, 3),
        ([0xf00, 0xf0, 0xf, 0xf000], 16, 124, 3),
        ([0x7c00, 0x3e0, 0x1f, 0], 16, 40, 0),
        ([0xff0000, 0xff00, 0xff, 0], 24, 40, 0),
    ];
    let is_hidden = |x: u32, y: u32| (x * 3 + y).is_multiple_of(4);
    let mask: Vec<u8> = (0..8)
        .rev()
        .flat_map(|y| [(0..8).fold(0, |byte, x| byte << 1 | u8::from(is_hidden(x, y))), 0, 0, 0])
        .collect();
    let alphas: [fn(u32, u32) -> u8; 4] =
        [|_, _| 0, |_, _| 255, |x, y| if (x, y) == (5, 2) { 17 } else { 0 }, |x, _| (x * 34) as u8];
    for (masks, bits, header, compression) in kinds {
        let mut dib = header.to_le_bytes().to_vec();
        dib.extend(&bmp_header(8, 16, bits, compression, 0)[18..54]);
        let len = header as usize;
        if compression == 3 {
            let count = if header == 40 { 3 } else { 4 };
            dib.extend(masks.iter().take(count).flat_map(|mask| mask.to_le_bytes()));
            dib.resize(dib.len().max(len), 0);
            // Behind the long headers there is room for the masks again.
            dib.resize(dib.len() + if header == 40 { 0 } else { 12 }, 0);
        }
        for (number, alpha) in alphas.iter().enumerate() {
            let pixel = |x: u32, y: u32| [(x * 34) as u8, (y * 34) as u8, 119, alpha(x, y)];
            let spread = |value: u8, mask: u32| {
                let most = mask >> mask.trailing_zeros().min(31);
                ((u32::from(value) * most + 127) / 255) << mask.trailing_zeros().min(31)
            };
            let stored: Vec<u32> = (0..64)
                .map(|at| {
                    let parts = pixel(at % 8, 7 - at / 8);
                    parts.iter().zip(masks).map(|(&value, mask)| spread(value, mask)).sum()
                })
                .collect();
            let has_alpha = masks[3] > 0 && number > 0;
            for hidden in [None, Some(&mask[..])] {
                let shown =
                    decode(&transform(&icon(&dib, bits, &stored, hidden), &plan("f=png")).unwrap());
                for (x, y) in (0..8).flat_map(|y| (0..8).map(move |x| (x, y))) {
                    let [red, green, _, own] = pixel(x, y);
                    let visible = if hidden.is_some() && is_hidden(x, y) { 0 } else { 255 };
                    let expected = if has_alpha { own } else { visible };
                    let made = shown.at(x, y);
                    let what =
                        format!("{bits} {header} {compression} {number} at {x},{y}: {made:?}");
                    assert!(made[3].abs_diff(expected) <= 9, "{what} for {expected}");
                    assert!(made[3] == 0 || made[0].abs_diff(red) < 10, "{what}");
                    assert!(made[3] == 0 || made[1].abs_diff(green) < 10, "{what}");
                }
            }
        }
    }
}

#[test]
fn every_byte_may_be_another() {
    replace_every_byte(small().into_iter().map(|(_, whole, _, _)| whole));
}

#[test]
fn an_output_is_png_where_jpeg_would_lose_something() {
    let format = |source: &[u8]| {
        let plan = Plan::default();
        let prepared = prepare(source, &plan, &Limits::default()).unwrap();
        let made = prepared.run(&Control::default()).unwrap();
        assert!(matches!(made.output, Output::Encoded(_)));
        assert_eq!(probe(source).unwrap().own_output(), made.format);
        made.format
    };
    assert_eq!(format(&bmp(&photo(20, 10))), Format::Jpeg);
    assert_eq!(format(&ppm(&photo(20, 10))), Format::Jpeg);
    assert_eq!(format(&qoi(&photo(20, 10))), Format::Jpeg);
    assert_eq!(format(b"P4 8 2 \x55\xaa"), Format::Png);
    let veiled = Picture::new(20, 10, |x, y| [x as u8, y as u8, 0, 100]);
    assert_eq!(format(&qoi(&veiled)), Format::Png);
    for (name, whole, _, _) in small() {
        let expected = if matches!(name, "bmp rle" | "ico") { Format::Png } else { Format::Jpeg };
        assert_eq!(format(&whole), expected, "{name}");
    }
}

#[test]
fn what_is_not_written_is_no_output() {
    for format in Format::ALL {
        let plan = Plan::from_params(&format!("f={}", format.name()));
        assert_eq!(plan.is_ok(), format.is_written(), "{}", format.name());
    }
}

#[test]
fn a_profile_of_a_bitmap_is_heeded() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let flat = Picture::new(8, 8, |_, _| [200, 100, 50, 255]);
    let short = bmp(&flat);
    let mut long = short[..14].to_vec();
    long.extend(&124u32.to_le_bytes());
    long.extend(&short[18..54]);
    long.resize(14 + 124, 0);
    long[14 + 56..14 + 60].copy_from_slice(b"DEBM");
    let pixels = &short[54..];
    let place = (124 + pixels.len() as u32).to_le_bytes();
    long[14 + 112..14 + 116].copy_from_slice(&place);
    long[14 + 116..14 + 120].copy_from_slice(&(profile.len() as u32).to_le_bytes());
    long[10..14].copy_from_slice(&(14u32 + 124).to_le_bytes());
    long.extend(pixels);
    long.extend(profile);
    assert!(probe(&long).unwrap().has_profile);
    let [r, g, b, _] = transformed(&long, &plan("f=png")).at(3, 3);
    for (ours, expected) in [r, g, b].into_iter().zip([215, 93, 31]) {
        assert!(ours.abs_diff(expected) <= 2, "{r} {g} {b}");
    }
}

/// Headers that promise what is not there.
#[test]
fn what_is_promised_and_not_there_is_refused() {
    let mut rle = bmp_header(14_000, 14_000, 8, 1, 256);
    rle.extend([0, 1]);
    let mut jump = bmp_header(14_000, 14_000, 8, 1, 256);
    jump.extend([255, 0, 0, 2, 0, 255].repeat(20));
    let mut coded = b"qoif".to_vec();
    coded.extend(14_000u32.to_be_bytes().repeat(2));
    coded.extend([4, 0]);
    coded.extend([0xfd; 4096]);
    for (name, source) in [
        ("bmp", bmp_header(14_000, 14_000, 24, 0, 0)),
        ("bmp rle", rle),
        ("bmp rle with jumps", jump),
        ("pbm", b"P4 14000 14000 ".to_vec()),
        ("plain pbm", b"P1 14000 14000 1 0 1".to_vec()),
        ("ppm", b"P6 14000 14000 255 ".to_vec()),
        ("qoi", coded),
    ] {
        assert!(sniff(&source).is_some(), "{name}");
        let found = transform(&source, &plan("w=100,f=png"));
        assert_eq!(found, Err(Error::DecodeFailed("the image is truncated".to_owned())), "{name}");
    }
    for source in [
        bmp_header(60_000, 60_000, 24, 0, 0),
        b"P6 60000 60000 255 ".to_vec(),
        b"P7\nWIDTH 4294967295\nHEIGHT 4294967295\nDEPTH 4\nMAXVAL 255\nENDHDR\n".to_vec(),
        [b"qoif".as_slice(), &[0xff; 8], &[4, 0]].concat(),
    ] {
        let found = transform(&source, &plan("w=100,f=png"));
        assert!(matches!(found, Err(Error::TooManyPixels(_))), "{found:?}");
    }
}

#[test]
fn what_takes_long_is_ended() {
    let (width, height) = (12_000, 12_000);
    let mut rle = bmp_header(width, height, 8, 1, 256);
    let row = [[255, 3].repeat(47), vec![15, 3, 0, 0]].concat();
    rle.extend(row.repeat(height as usize));
    rle.extend([0, 1]);
    let mut coded = b"qoif".to_vec();
    coded.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    coded.extend([4, 0]);
    coded.extend(vec![0xfd; (width * height).div_ceil(62) as usize]);
    coded.extend([0, 0, 0, 0, 0, 0, 0, 1]);
    let bits = [b"P4 12000 12000 ".as_slice(), &[0x5a].repeat(1500 * 12_000)].concat();
    // As large as that by few bytes: what follows the end has no meaning.
    let mut ended = bmp_header(width, height, 8, 1, 256);
    ended.extend([0, 1].repeat(100));
    let mut jumps = bmp_header(width, height, 8, 1, 256);
    jumps.extend([0, 2, 0, 255].repeat(47));
    let half = coded[..coded.len() / 2 + 99].to_vec();
    for (name, source) in [
        ("bmp rle", rle),
        ("bmp rle that ends", ended),
        ("bmp rle with jumps", jumps),
        ("qoi", coded),
        ("half a qoi", half),
        ("pbm", bits),
    ] {
        let plan = plan("w=100,f=png");
        let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
        let began = Instant::now();
        let control = Control::new(Some(began + Duration::from_millis(30)));
        let found = prepared.run(&control).map(|made| made.format);
        assert_eq!(found, Err(Error::Timeout), "{name}");
        assert!(began.elapsed() < Duration::from_millis(600), "{name}: {:?}", began.elapsed());
    }
}

/// A BMP of packed pixels, whose palette has a grey of ten times its number for each.
fn packed(width: u32, height: u32, bits: u16, runs: &[u8]) -> Vec<u8> {
    let colors = 1 << bits;
    let mut out = bmp_header(width, height, bits, if bits == 8 { 1 } else { 2 }, colors);
    for (index, color) in out[54..].chunks_exact_mut(4).enumerate() {
        color[..3].fill((index * 10) as u8);
    }
    out.extend(runs);
    out
}

#[test]
fn runs_of_bmp() {
    let shown = |bits: u16, runs: &[u8]| {
        let shown = answer(&packed(6, 3, bits, runs), DamagePolicy::Strict)?;
        // From the highest row down; they are stored from the lowest up.
        Ok(shown
            .pixels
            .chunks(6)
            .map(|row| row.iter().map(|pixel| pixel[0] / 10).collect())
            .collect())
    };
    let rows = |rows: [[u8; 6]; 3]| Ok::<_, Error>(rows.map(Vec::from).to_vec());
    // A run, and literals with a byte that makes them even.
    let all = [3, 7, 0, 3, 1, 2, 3, 0, 0, 0, 6, 5, 0, 0, 6, 4, 0, 0, 0, 1];
    assert_eq!(shown(8, &all), rows([[4; 6], [5; 6], [7, 7, 7, 1, 2, 3]]));
    // Two pixels a byte, which take turns.
    let all = [5, 0x12, 1, 0x30, 0, 0, 0, 3, 0x45, 0x60, 3, 0x77, 0, 1];
    assert_eq!(shown(4, &all), rows([[0; 6], [4, 5, 6, 7, 7, 7], [1, 2, 1, 2, 1, 3]]));
    // A jump to the right and up: x stays what it was. What is passed by is black, and so is what follows the end.
    let all = [1, 9, 0, 2, 1, 1, 2, 8, 0, 1];
    assert_eq!(shown(8, &all), rows([[0; 6], [0, 0, 8, 8, 0, 0], [9, 0, 0, 0, 0, 0]]));
    // More than there is place for is cut.
    let all = [9, 3, 0, 0, 6, 4, 0, 0, 6, 5, 0, 0];
    assert_eq!(shown(8, &all), rows([[5; 6], [4; 6], [3; 6]]));
    for wrong in [&[0, 2, 7, 0, 0, 1][..], &[0, 2, 0, 3, 0, 1], &[0, 7, 1, 2, 3, 4, 5, 6, 7, 0]] {
        let found = shown(8, wrong);
        assert!(matches!(found, Err(Error::DecodeFailed(_))), "{wrong:?}: {found:?}");
    }
}

#[test]
fn icons_are_small_or_png() {
    let icon = |width: u32, height: u32| {
        let mut dib = bmp_header(width, 2 * height, 1, 0, 2)[14..].to_vec();
        let rows = width.div_ceil(32) as usize * 4 * height as usize;
        dib.extend(vec![0xff; rows]);
        dib.extend(vec![0; rows]);
        let mut out = vec![0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0];
        out.extend((dib.len() as u32).to_le_bytes());
        out.extend(22u32.to_le_bytes());
        out.extend(dib);
        out
    };
    assert_eq!(answer(&icon(1024, 300), DamagePolicy::Strict).unwrap().size(), (1024, 300));
    for (width, height) in [(1025, 8), (8, 1025), (11_000, 11_350)] {
        let refused = transform(&icon(width, height), &plan("w=9,f=png"));
        assert!(matches!(refused, Err(Error::UnsupportedFormat(_))), "{refused:?}");
    }
}
