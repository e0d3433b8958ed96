//! TIFF: every way to store samples, to the pixel, and files that were made to take long or much. Files of
//! other programs are compared by t/tiff.t.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;

use common::tiff::{Tiff, entry, file};
use common::*;
use image_gate_core::image::{
    Control, DamagePolicy, Error, Format, Limits, Output, Plan, prepare, probe, sniff,
};

const WIDTH: u32 = 21;
const HEIGHT: u32 = 13;

/// A sample of 16 bits, different everywhere.
fn sample(x: u32, y: u32, channel: u32) -> u16 {
    let value = (x * 3001 + y * 5003).wrapping_mul(channel * 7 + 1) >> 1;
    // Colours are no larger than the alpha that they may be multiplied by.
    if channel == 3 { 40_000 + value as u16 % 25_000 } else { value as u16 % 40_000 }
}

/// What a sample of so many bits is, and what it looks like in 8.
fn stored(value: u16, bits: u16) -> (u16, u8) {
    let stored = value >> (16 - bits);
    let most = u32::from(u16::MAX >> (16 - bits));
    (stored, ((u32::from(stored) * 255 + most / 2) / most) as u8)
}

fn shown(source: &[u8]) -> Picture {
    decode(&transform(source, &plan("f=png")).unwrap())
}

#[test]
fn every_way_to_store_samples() {
    let mut seen = 0;
    for (photometric, channels) in [(0, 1), (1, 1), (2, 3), (2, 4), (1, 2)] {
        for bits in [1, 2, 4, 8, 16] {
            for (compression, predictor) in [(1, 1), (5, 1), (8, 1), (32773, 1), (5, 2), (8, 2)] {
                if predictor == 2 && bits < 8 {
                    continue;
                }
                for layout in 0..8u32 {
                    let is_alpha = channels == 2 || channels == 4;
                    let tiff = Tiff {
                        big_endian: layout & 1 > 0,
                        long: layout & 4 > 0,
                        bits,
                        channels,
                        photometric,
                        compression,
                        predictor,
                        planar: layout & 2 > 0,
                        tile: [None, Some((16, 16)), Some((32, 16)), None]
                            [(layout / 2 % 4) as usize],
                        strip_tags: layout & 1 > 0,
                        rows: 5,
                        extra: if is_alpha { vec![2] } else { vec![] },
                        lowest_first: layout == 3 && compression != 32773,
                        ..Tiff::new(WIDTH, HEIGHT)
                    };
                    let source = tiff.write(|x, y, channel| {
                        let channel = if channel + 1 == channels && is_alpha { 3 } else { channel };
                        stored(sample(x, y, channel.into()), bits).0
                    });
                    let expected = Picture::new(WIDTH, HEIGHT, |x, y| {
                        let level = |channel| stored(sample(x, y, channel), bits).1;
                        let grey = if photometric == 0 { 255 - level(0) } else { level(0) };
                        match channels {
                            1 => [grey, grey, grey, 255],
                            2 => [grey, grey, grey, level(3)],
                            3 => [level(0), level(1), level(2), 255],
                            _ => [level(0), level(1), level(2), level(3)],
                        }
                    });
                    assert_eq!(sniff(&source), Some(Format::Tiff));
                    let info = probe(&source).unwrap();
                    assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
                    assert_eq!((info.bits, info.alpha), (bits as u8, is_alpha));
                    let made = shown(&source);
                    let worst = made.rgba().iter().zip(expected.rgba());
                    let worst = worst.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                    assert_eq!(worst, 0, "{tiff:?}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 900, "{seen}");
}

#[test]
fn palettes_inks_and_colours_that_alpha_was_multiplied_into() {
    for bits in [1, 2, 4, 8] {
        for short in [false, true] {
            let count = 1 << bits;
            let color = |i: u16, channel: u16| (i * (20 + channel * 7)) as u8;
            let map = (0..3).flat_map(|channel| (0..count).map(move |i| color(i, channel)));
            let map = map.map(|value| if short { value.into() } else { u16::from(value) * 257 });
            let tiff = Tiff { bits, photometric: 3, map: map.collect(), ..Tiff::new(30, 9) };
            let index = |x: u32, y: u32| ((x * 5 + y * 3) % u32::from(count)) as u16;
            let source = tiff.write(|x, y, _| index(x, y));
            let expected = Picture::new(30, 9, |x, y| {
                let [r, g, b] = [0, 1, 2].map(|channel| color(index(x, y), channel));
                [r, g, b, 255]
            });
            // Where no colour has 256, the numbers may be of 8 bits.
            if bits > 2 || !short {
                assert_eq!(shown(&source), expected, "{bits} {short}");
            }
            assert!(probe(&source).unwrap().has_palette);
        }
    }
    let associated =
        Tiff { bits: 8, channels: 4, photometric: 2, extra: vec![1], ..Tiff::new(16, 16) };
    let alpha = |x: u32, y: u32| (x * 16 + y) as u16;
    let source = associated.write(|x, y, channel| match channel {
        3 => alpha(x, y),
        channel => alpha(x, y) * (channel + 1) / 4,
    });
    let made = shown(&source);
    for (x, y) in [(15, 15), (12, 3), (8, 0)] {
        let [r, g, b, a] = made.at(x, y);
        assert_eq!(u16::from(a), alpha(x, y));
        for (value, part) in [(r, 1), (g, 2), (b, 3)] {
            assert!(value.abs_diff((255 * part / 4) as u8) <= 2, "{r} {g} {b}");
        }
    }
    // What is not said to be alpha is none.
    let extra = Tiff { extra: vec![0], ..associated.clone() };
    assert!(shown(&extra.write(|x, _, _| x as u16)).is_opaque());
    let unsaid = Tiff { extra: vec![], ..associated.clone() };
    assert_eq!(shown(&unsaid.write(|_, _, channel| 50 * channel)).at(3, 3), [0, 50, 100, 150]);
    let later = Tiff { channels: 5, extra: vec![0, 2], ..associated.clone() };
    assert_eq!(shown(&later.write(|_, _, channel| 50 * channel)).at(3, 3), [0, 50, 100, 200]);
    for planar in [false, true] {
        let inks =
            Tiff { channels: 4, photometric: 5, extra: vec![], planar, ..associated.clone() };
        let source = inks.write(|x, _, channel| if channel == 3 { x as u16 * 17 } else { 0 });
        assert_eq!(shown(&source).at(0, 5), [255; 4]);
        assert_eq!(shown(&source).at(15, 5), [0, 0, 0, 255]);
        let cyan = inks.write(|_, _, channel| if channel == 0 { 255 } else { 0 });
        assert_eq!(shown(&cyan).at(7, 7), [0, 255, 255, 255]);
    }
}

/// The segments of a JPEG before its frame that are tables, as a stream of their own, and the rest.
fn apart(jpeg: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut tables, mut rest) = (vec![0xff, 0xd8], vec![0xff, 0xd8]);
    let mut at = 2;
    loop {
        let marker = jpeg[at + 1];
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        match marker {
            0xda => break,
            0xdb | 0xc4 => tables.extend(&jpeg[at..end]),
            0xe0..=0xef => {}
            _ => rest.extend(&jpeg[at..end]),
        }
        at = end;
    }
    tables.extend([0xff, 0xd9]);
    rest.extend(&jpeg[at..]);
    (tables, rest)
}

#[test]
fn jpeg_within() {
    let picture = photo(64, 48);
    for (sampling, photometric, channels) in
        [(Subsamp::Sub2x2, 6, 3), (Subsamp::None, 6, 3), (Subsamp::Gray, 1, 1)]
    {
        for tile in [None, Some((32, 32))] {
            let (width, height) = tile.unwrap_or((64, 16));
            let mut tables = Vec::new();
            let mut expected = Picture::new(64, 48, |_, _| [0; 4]);
            let mut streams = Vec::new();
            for y in (0..48).step_by(height as usize) {
                for x in (0..64).step_by(width as usize) {
                    let part =
                        Picture::new(width, height, |dx, dy| picture.at(x + dx, (y + dy).min(47)));
                    let jpeg = other_jpeg(&part, 90, sampling, false, false);
                    let seen = decode(&jpeg);
                    for (dx, dy) in (0..height).flat_map(|dy| (0..width).map(move |dx| (dx, dy))) {
                        if y + dy < 48 {
                            expected.pixels[((y + dy) * 64 + x + dx) as usize] = seen.at(dx, dy);
                        }
                    }
                    let (own, stream) = apart(&jpeg);
                    tables = own;
                    streams.push(stream);
                }
            }
            let tiff = Tiff {
                bits: 8,
                channels,
                photometric,
                compression: 7,
                tile,
                rows: 16,
                tables,
                ..Tiff::new(64, 48)
            };
            let source = tiff.write_chunks(&streams);
            assert!(psnr(&shown(&source), &expected) > 45.0, "{photometric} {tile:?}");
            // A stream that is damaged costs no more than its own pixels.
            let mut broken = streams.clone();
            broken[1] = vec![0xff, 0xd8, 7, 7];
            let source = tiff.write_chunks(&broken);
            let strict = Plan { damaged: DamagePolicy::Strict, ..plan("f=png") };
            assert!(transform(&source, &strict).is_err());
            let made = shown(&source);
            assert_eq!(made.at(3, 3), shown(&tiff.write_chunks(&streams)).at(3, 3));
        }
    }
}

/// In TIFF what is stored is ink, whatever a stream has of its own that says something else.
#[test]
fn inks_within() {
    let inks: Vec<u8> = (0..32 * 16).flat_map(|_| [0, 200, 0, 0]).collect();
    let stored: Vec<u8> = inks.iter().map(|ink| 255 - ink).collect();
    let mut jpeg = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 95);
    encoder.encode(&stored, 32, 16, jpeg_encoder::ColorType::Cmyk).unwrap();
    let (tables, stream) = apart(&jpeg);
    let tiff =
        Tiff { bits: 8, channels: 4, photometric: 5, compression: 7, tables, ..Tiff::new(32, 16) };
    let adobe = b"Adobe\0\x64\0\0\0\0\0";
    for stream in [&stream, &with_segment(&stream, 0xee, adobe)] {
        let [red, green, blue, _] =
            shown(&tiff.write_chunks(std::slice::from_ref(stream))).at(9, 9);
        assert!(red > 250 && green.abs_diff(55) < 4 && blue > 250, "{red} {green} {blue}");
    }
}

#[test]
fn what_is_not_read_is_named() {
    for (change, said) in [
        (Tiff { compression: 4, ..Tiff::new(8, 8) }, "TIFF with CCITT Group 4 compression"),
        (Tiff { compression: 3, ..Tiff::new(8, 8) }, "TIFF with CCITT Group 3 compression"),
        (Tiff { compression: 6, ..Tiff::new(8, 8) }, "TIFF with old JPEG compression"),
        (Tiff { compression: 50000, ..Tiff::new(8, 8) }, "TIFF with Zstandard compression"),
        (Tiff { photometric: 8, channels: 3, ..Tiff::new(8, 8) }, "TIFF with CIE L*a*b* colours"),
        (Tiff { photometric: 6, channels: 3, ..Tiff::new(8, 8) }, "TIFF with YCbCr outside JPEG"),
        (Tiff { bits: 12, ..Tiff::new(8, 8) }, "TIFF with 12 bits a sample"),
        (Tiff { channels: 2, photometric: 2, ..Tiff::new(8, 8) }, "TIFF with 2 samples of a pixel"),
        (Tiff { more: vec![entry(339, 3)], ..Tiff::new(8, 8) }, "TIFF with floating-point samples"),
        (Tiff { more: vec![entry(254, 1)], ..Tiff::new(8, 8) }, "TIFF with nothing but a preview"),
        (Tiff { more: vec![entry(50706, 1)], ..Tiff::new(8, 8) }, "DNG"),
    ] {
        let found = probe(&change.write_chunks(&[vec![0; 64]]));
        assert_eq!(found, Err(Error::UnsupportedFormat(said.to_owned())));
    }
    let canon = probe(b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0");
    assert_eq!(canon, Err(Error::UnsupportedFormat("CR2".to_owned())));
}

#[test]
fn orientation_profile_and_rights() {
    let picture = photo(40, 30);
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let tiff = Tiff {
        channels: 3,
        photometric: 2,
        bits: 8,
        more: vec![
            entry(274, 6),
            (315, 2, b"Ann Other\0".to_vec()),
            (34675, 7, profile),
            (33432, 2, b"(c) 2024 AO\0".to_vec()),
        ],
        ..Tiff::new(40, 30)
    };
    let source = tiff.write(|x, y, channel| picture.at(x, y)[usize::from(channel)].into());
    let info = probe(&source).unwrap();
    assert!(info.has_profile);
    assert_eq!((info.orientation, info.displayed(true)), (6, (30, 40)));
    let upright = transformed(&source, &plan("f=png,profile=keep"));
    assert_eq!(upright.size(), (30, 40));
    assert_eq!(upright.at(29, 0)[..3], picture.at(0, 0)[..3]);
    let has = |bytes: &[u8], text: &[u8]| memchr::memmem::find(bytes, text).is_some();
    for (params, rights, profile) in [
        ("f=jpeg,metadata=strip", false, false),
        ("f=jpeg,metadata=copyright,profile=keep", true, true),
        ("f=webp,metadata=keep,orient=off", true, false),
    ] {
        let made = transform(&source, &plan(params)).unwrap();
        assert_eq!(has(&made, b"(c) 2024 AO"), rights, "{params}");
        assert_eq!(has(&made, b"Ann Other"), rights, "{params}");
        assert_eq!(probe(&made).unwrap().has_profile, profile, "{params}");
        let turned = if params.contains("orient=off") { 6 } else { 1 };
        assert_eq!(probe(&made).unwrap().orientation, turned, "{params}");
        assert!(made.len() < source.len(), "{params}");
    }
}

/// A file that gives the bits of each sample of a pixel, but not how many there are.
#[test]
fn samples_are_as_many_as_are_described() {
    let picture = photo(40, 30);
    let tiff = Tiff { channels: 3, photometric: 2, bits: 8, ..Tiff::new(40, 30) };
    let mut source = tiff.write(|x, y, channel| picture.at(x, y)[usize::from(channel)].into());
    assert_eq!(transformed(&source, &plan("f=png")), picture);
    let tag = 277u16.to_le_bytes();
    let at = source.windows(4).position(|bytes| bytes == [tag[0], tag[1], 3, 0]).unwrap();
    // A tag of no meaning between its neighbours.
    source[at..at + 2].copy_from_slice(&276u16.to_le_bytes());
    assert_eq!(transformed(&source, &plan("f=png")), picture);
}

#[test]
fn rights_are_those_of_the_page() {
    let has = |bytes: &[u8], text: &[u8]| memchr::memmem::find(bytes, text).is_some();
    for long in [false, true] {
        let page = |author: &[u8]| Tiff {
            bits: 8,
            long,
            more: vec![(315, 2, author.to_vec()), (33432, 2, b"   \0".to_vec())],
            ..Tiff::new(20, 10)
        };
        let (first, second) = (page(b"Ann Other\0"), page(b"Bob Next\0"));
        let source = file(&[(&first, vec![vec![9; 200]]), (&second, vec![vec![200; 200]])]);
        for (params, author, other) in [
            ("f=jpeg", &b"Ann Other"[..], &b"Bob Next"[..]),
            ("f=jpeg,page=2", b"Bob Next", b"Ann Other"),
        ] {
            for metadata in ["copyright", "keep"] {
                let made = transform(&source, &plan(&format!("{params},metadata={metadata}")));
                let made = made.unwrap();
                assert!(has(&made, author) && !has(&made, other), "{params} {metadata} {long}");
                assert!(!has(&made, b"    "), "a blank text");
            }
        }
    }
}

#[test]
fn an_output_is_png_where_jpeg_would_lose_something() {
    let format = |tiff: Tiff| {
        let source = tiff.write(|x, _, _| x as u16 & 1);
        let plan = Plan::default();
        let made = prepare(&source, &plan, &Limits::default()).unwrap();
        let made = made.run(&Control::default()).unwrap();
        assert!(matches!(made.output, Output::Encoded(_)));
        made.format
    };
    let new = || Tiff::new(20, 10);
    assert_eq!(format(Tiff { bits: 8, ..new() }), Format::Jpeg);
    assert_eq!(format(Tiff { bits: 1, ..new() }), Format::Png);
    assert_eq!(format(Tiff { bits: 16, channels: 3, photometric: 2, ..new() }), Format::Jpeg);
    let veiled = Tiff { bits: 8, channels: 4, photometric: 2, extra: vec![2], ..new() };
    assert_eq!(format(veiled), Format::Png);
    assert_eq!(format(Tiff { bits: 4, photometric: 3, map: vec![0; 48], ..new() }), Format::Png);
}

/// Small files of several kinds, whose pixels come last.
fn small() -> Vec<Vec<u8>> {
    let new = |compression, tile| Tiff {
        bits: 8,
        channels: 3,
        photometric: 2,
        compression,
        tile,
        rows: 2,
        ..Tiff::new(8, 8)
    };
    let picture = photo(8, 8);
    let write = |tiff: Tiff| tiff.write(|x, y, c| picture.at(x, y)[usize::from(c)].into());
    vec![
        write(new(1, None)),
        write(new(5, None)),
        write(Tiff { predictor: 2, big_endian: true, ..new(8, None) }),
        write(Tiff { long: true, ..new(32773, Some((16, 16))) }),
        write(Tiff { planar: true, ..new(1, None) }),
    ]
}

#[test]
fn what_there_is_of_the_rows_is_shown_and_the_strict_refuse_it() {
    for (number, whole) in small().into_iter().enumerate() {
        let answer = |source: &[u8], damaged| {
            transform(source, &Plan { damaged, ..plan("f=png") }).map(|bytes| decode(&bytes))
        };
        let original = answer(&whole, DamagePolicy::Strict).unwrap();
        let mut shown = 0;
        for len in 0..whole.len() {
            let part = &whole[..len];
            if let Ok(strict) = answer(part, DamagePolicy::Strict) {
                // Only of an end, or a checksum, nothing is missed.
                assert!(len + 8 > whole.len() && strict == original, "{number} of {len}");
            }
            let Ok(lenient) = answer(part, DamagePolicy::Lenient) else {
                assert_eq!(shown, 0, "{number} of {len} bytes is refused");
                continue;
            };
            shown += 1;
            if number != 4 {
                let first_half = (0..32).all(|i| lenient.pixels[i] == original.pixels[i]);
                assert!(first_half, "{number} of {len} bytes");
            }
        }
        assert!(shown > 0, "{number}");
    }
}

#[test]
fn every_byte_may_be_another() {
    replace_every_byte(small());
}

#[test]
fn a_checksum_is_for_the_strict_to_heed() {
    let mut source =
        Tiff { bits: 8, compression: 8, ..Tiff::new(50, 50) }.write(|x, y, _| (x * y) as u16);
    let last = source.len() - 1;
    source[last] ^= 1;
    assert!(transform(&source, &plan("f=png")).is_ok());
    let strict = Plan { damaged: DamagePolicy::Strict, ..plan("f=png") };
    let found = transform(&source, &strict);
    assert!(
        matches!(found, Err(Error::DecodeFailed(ref what)) if what.contains("checksum")),
        "{found:?}"
    );
}

/// Directories that promise what is not there, and others that lead to themselves.
#[test]
fn what_is_promised_and_not_there_is_refused() {
    let new =
        |width, height| Tiff { bits: 8, channels: 3, photometric: 2, ..Tiff::new(width, height) };
    let truncated = Err(Error::DecodeFailed("the image is truncated".to_owned()));
    for (name, tiff) in [
        ("strips", Tiff { rows: 1, ..new(14_000, 14_000) }),
        ("one strip", Tiff { rows: 14_000, ..new(14_000, 14_000) }),
        ("deflate", Tiff { rows: 14_000, compression: 8, ..new(14_000, 14_000) }),
        ("lzw", Tiff { rows: 14_000, compression: 5, ..new(14_000, 14_000) }),
        ("jpeg", Tiff { rows: 14_000, compression: 7, ..new(14_000, 14_000) }),
        ("tiles", Tiff { tile: Some((16, 16)), ..new(14_000, 14_000) }),
    ] {
        let (source, plan) = (tiff.write_chunks(&[vec![0; 100]]), plan("w=100,f=png"));
        // Of 14,000 rows, none is looked for once the data is over.
        let control = ended_after(2000);
        let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
        assert_eq!(prepared.run(&control).map(|made| made.format), truncated, "{name}");
    }
    for tiff in [
        new(60_000, 60_000),
        new(u32::MAX, u32::MAX),
        Tiff { tile: Some((u32::MAX, 16)), ..new(16, 16) },
        Tiff { tile: Some((60_000, 60_000)), ..new(16, 16) },
    ] {
        let found = transform(&tiff.write_chunks(&[vec![0; 100]]), &plan("w=100,f=png"));
        assert!(matches!(found, Err(Error::TooManyPixels(_))), "{found:?}");
    }
    // Tiles of which each costs more than what is in it.
    for tile in [(1, 1), (1, 14_000), (15, 16), (16, 15)] {
        let tiff = Tiff { tile: Some(tile), ..new(14_000, 14_000) };
        let found = transform(&tiff.write_chunks(&[vec![0; 100]]), &plan("w=100,f=png"));
        assert!(matches!(found, Err(Error::UnsupportedFormat(_))), "{tile:?}: {found:?}");
    }
    // A directory of previews that follows itself.
    let preview = Tiff { more: vec![entry(254, 1)], next: 8, ..new(8, 8) };
    assert!(probe(&preview.write_chunks(&[vec![0; 100]])).is_err());
}

#[test]
fn what_takes_long_is_ended() {
    let new = |compression| Tiff {
        bits: 8,
        channels: 3,
        photometric: 2,
        compression,
        rows: 12_000,
        ..Tiff::new(12_000, 12_000)
    };
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(1));
    for _ in 0..12_000 {
        zlib.write_all(&[7; 36_000]).unwrap();
    }
    let deflate = zlib.finish().unwrap();
    // Blocks without a byte.
    let hollow = [&[0x78, 1][..], &[0, 0, 0, 0xff, 0xff].repeat(8 << 20)].concat();
    let bits = [[0x81, 7].repeat(36_000 * 12_000 / 128 + 1), vec![]].concat();
    let nothing = [vec![128; 40 << 20], vec![0, 7]].concat();
    for (name, compression, data) in [
        ("deflate", 8, deflate),
        ("hollow", 8, hollow),
        ("PackBits", 32773, bits),
        ("no-ops", 32773, nothing),
    ] {
        let source = new(compression).write_chunks(&[data]);
        let plan = plan("w=100,f=png");
        let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
        let control = ended_after(20);
        let found = prepared.run(&control).map(|made| made.format);
        assert_eq!(found, Err(Error::Cancelled), "{name}");
    }
}

#[test]
fn the_first_page_is_shown() {
    let page = |value: u16| Tiff { bits: 8, ..Tiff::new(8, 8) }.write(move |_, _, _| value);
    assert_eq!(shown(&page(77)).at(4, 4), [77, 77, 77, 255]);
    // A preview before it is passed over.
    let preview = Tiff { bits: 8, more: vec![entry(254, 1)], ..Tiff::new(4, 4) };
    let source = file(&[
        (&preview, vec![vec![1; 16]]),
        (&Tiff { bits: 8, ..Tiff::new(8, 8) }, vec![vec![9; 64]]),
    ]);
    assert_eq!(shown(&source).size(), (8, 8));
    assert_eq!(shown(&source).at(4, 4), [9, 9, 9, 255]);
}

#[test]
fn other_pages_are_shown() {
    let page = |width: u32, more| Tiff { bits: 8, more, ..Tiff::new(width, 8) };
    let (first, small, last) = (page(8, vec![]), page(4, vec![entry(254, 1)]), page(16, vec![]));
    let source = file(&[
        (&first, vec![vec![7; 64]]),
        (&small, vec![vec![1; 32]]),
        (&last, vec![vec![9; 128]]),
    ]);
    let shown = |page: u16| transform(&source, &plan(&format!("page={page},f=png")));
    for (number, width, value) in [(1, 8, 7), (2, 16, 9)] {
        let made = decode(&shown(number).unwrap());
        assert_eq!((made.size(), made.at(4, 4)), ((width, 8), [value, value, value, 255]));
    }
    for number in [3, 10_000] {
        let found = shown(number).map(|_| ());
        assert_eq!(found, Err(Error::BeyondImage(format!("there is no page {number}"))));
    }
}
