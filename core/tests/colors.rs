//! Colours that are described by chunks and code points, and those of a higher dynamic range.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::heif::{Item, after, av1, boxed, file, sample};
use common::*;
use image_gate_core::image::{Plan, ProfilePolicy, probe};

fn be(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn gamma(of: u32) -> Vec<u8> {
    png_chunk(b"gAMA", &be(&[of]))
}

/// The chromaticities of BT.2020.
fn wide() -> Vec<u8> {
    png_chunk(b"cHRM", &be(&[31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600]))
}

fn code_points(of: [u8; 4]) -> Vec<u8> {
    png_chunk(b"cICP", &of)
}

/// A PNG of one colour, 8 or 16 bits, grey or not.
fn flat(value: u16, sixteen: bool, is_grey: bool, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 20, 20);
    encoder.set_color(if is_grey { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(if sixteen { png::BitDepth::Sixteen } else { png::BitDepth::Eight });
    let bytes = if sixteen { value.to_be_bytes().to_vec() } else { vec![value as u8] };
    let data = bytes.repeat(20 * 20 * if is_grey { 1 } else { 3 });
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
    with_chunks(&out, chunks)
}

/// What becomes of the colour.
fn shown(input: &[u8], plan: &Plan) -> [u8; 3] {
    let [r, g, b, _] = transformed(input, plan).at(4, 4);
    [r, g, b]
}

fn near(shown: [u8; 3], expected: u8, within: u8) -> bool {
    shown.iter().all(|value| value.abs_diff(expected) <= within)
}

#[test]
fn chunks_say_how_values_become_light() {
    // The values that a browser shows for a grey of 128.
    for (chunks, expected) in [
        (vec![], 128),
        (vec![gamma(45455)], 128),
        (vec![gamma(100_000)], 188),
        (vec![gamma(100_000), wide()], 188),
        (vec![gamma(55_556)], 146),
        (vec![gamma(0)], 128),
        (vec![wide()], 128),
        (vec![png_chunk(b"sRGB", &[0]), gamma(100_000)], 128),
        (vec![code_points([1, 13, 0, 1]), gamma(100_000)], 128),
        (vec![code_points([1, 8, 0, 1])], 188),
        // BT.709 has a gamma of 2.4.
        (vec![code_points([1, 1, 0, 1])], 120),
        // What has no meaning in PNG.
        (vec![code_points([1, 8, 1, 1])], 128),
        (vec![code_points([1, 8, 0, 0]), gamma(100_000)], 188),
        (vec![png_chunk(b"iCCP", b"x\0\0broken"), gamma(100_000)], 188),
    ] {
        for is_grey in [true, false] {
            let input = flat(128, false, is_grey, &chunks);
            for params in ["w=10", "w=9,f=jpeg", "w=10,f=webp"] {
                let shown = shown(&input, &plan(params));
                assert!(near(shown, expected, 3), "{shown:?}, {expected}: {chunks:?} {params}");
            }
            // A picture that fits as it is: not with other colours than it says.
            let says = expected != 128;
            assert_eq!(probe(&input).unwrap().has_profile, says, "{chunks:?}");
            assert!(!says || !passes(&input, &plan("w=100")), "{chunks:?}");
            let strip = Plan { profile: ProfilePolicy::Strip, ..plan("w=10") };
            assert!(near(shown(&input, &strip), 128, 1), "{chunks:?}");
            // Kept, it is described by a profile that says the same.
            let keep = Plan { profile: ProfilePolicy::Keep, ..plan("w=16,f=png") };
            let kept = transform(&input, &keep).unwrap();
            let again = transformed(&kept, &plan("w=8")).at(4, 4);
            assert!(again[0].abs_diff(expected) <= 4, "{again:?}, {expected}: {chunks:?}");
        }
    }
}

#[test]
fn chunks_say_which_primaries() {
    let green = Picture::new(20, 20, |_, _| [60, 180, 60, 255]);
    let input = with_chunks(&png(&green), &[gamma(45455), wide()]);
    let by_code_points = with_chunks(&png(&green), &[code_points([9, 13, 0, 1])]);
    let [a, b] = [&input, &by_code_points].map(|input| shown(input, &plan("w=10")));
    // More saturated than sRGB can show, and not by the chunks as a number.
    assert!(a[0] < 10 && a[1] > 180, "{a:?}");
    assert!(a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 14), "{a:?} {b:?}");
    for broken in [[0; 8], [1; 8], [31270, 32900, 1, 1, 2, 2, 3, 3], [u32::MAX; 8]] {
        let chunk = png_chunk(b"cHRM", &be(&broken));
        let input = with_chunks(&png(&green), &[gamma(45455), chunk]);
        assert_eq!(shown(&input, &plan("w=10,f=png")), [60, 180, 60], "{broken:?}");
    }
}

/// PQ and HLG code values of nits, and what an sRGB display of 203 nits shows of them.
const PQ: [(f64, u8); 5] = [
    (0.356_5, 63),  // 20 nits
    (0.508_1, 136), // 100
    (0.580_7, 188), // 203
    (0.652_6, 223), // 400
    (0.751_8, 255), // 1000
];

/// An AVIF item whose colours are those code points.
fn described(picture: &Picture, [primaries, transfer, _, _]: [u8; 4]) -> Vec<u8> {
    let nclx = [b"nclx\0".as_slice(), &[primaries, 0, transfer, 0, 6, 0x80]].concat();
    let mut item: Item = av1(picture.width, picture.height, &sample(picture, 95));
    item.properties.push(boxed(b"colr", &nclx));
    file(&[item])
}

#[test]
fn more_light_is_mapped() {
    for (signal, expected) in PQ {
        let points = [9, 16, 0, 1];
        let chunk = || [code_points(points)];
        let (eight, sixteen) = ((signal * 255.0).round() as u16, (signal * 65535.0) as u16);
        let picture = Picture::new(20, 20, |_, _| [eight as u8, eight as u8, eight as u8, 255]);
        for input in [
            flat(eight, false, false, &chunk()),
            flat(eight, false, true, &chunk()),
            flat(sixteen, true, false, &chunk()),
            flat(sixteen, true, true, &chunk()),
            described(&picture, points),
        ] {
            for params in ["w=10", "f=png", "w=10,f=jpeg"] {
                for profile in [ProfilePolicy::Srgb, ProfilePolicy::Keep] {
                    let plan = Plan { profile, ..plan(params) };
                    // What fits and is to keep its colours goes out as it came.
                    if profile == ProfilePolicy::Keep && passes(&input, &plan) {
                        continue;
                    }
                    let shown = shown(&input, &plan);
                    assert!(near(shown, expected, 5), "{shown:?}, {expected} {params}");
                }
            }
            assert!(!passes(&input, &plan("w=100")));
        }
    }
    let hlg = flat(191, false, false, &[code_points([9, 18, 0, 1])]);
    assert!(near(shown(&hlg, &plan("w=10")), 188, 3));
}

/// A profile that says by code points what it says by tables, too (ICC.1:2022, section 9.2.17).
fn with_tag(profile: &[u8], points: [u8; 4]) -> Vec<u8> {
    const TAG: usize = 12;
    let number = |at: usize| u32::from_be_bytes(profile[at..at + 4].try_into().unwrap());
    let count = number(128) as usize;
    let entries = (0..count).map(|tag| 132 + TAG * tag).flat_map(|at| {
        let moved = be(&[number(at + 4) + TAG as u32, number(at + 8)]);
        [profile[at..at + 4].to_vec(), moved].concat()
    });
    let end = (profile.len() + TAG) as u32;
    let mut out = [&profile[..128], &be(&[count as u32 + 1])].concat();
    out.extend(entries);
    out.extend([&b"cicp"[..], &be(&[end, 12])].concat());
    out.extend(&profile[132 + TAG * count..]);
    out.extend([&b"cicp\0\0\0\0"[..], &points].concat());
    let len = (out.len() as u32).to_be_bytes();
    out[..4].copy_from_slice(&len);
    out
}

#[test]
fn profiles_say_by_code_points_what_their_tables_cannot() {
    let mut srgb = moxcms::ColorProfile::new_srgb();
    srgb.cicp = None;
    let srgb = srgb.encode().unwrap();
    for (signal, expected) in PQ {
        let value = (signal * 255.0).round() as u8;
        let picture = Picture::new(20, 20, |_, _| [value, value, value, 255]);
        let profile = with_tag(&srgb, [9, 16, 0, 1]);
        let segment = [b"ICC_PROFILE\0\x01\x01", &profile[..]].concat();
        let in_jpeg = with_segment(&jpeg(&picture, 95, Subsamp::None, false), 0xe2, &segment);
        let packed = {
            let mut packed =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut packed, &profile).unwrap();
            packed.finish().unwrap()
        };
        let chunk = png_chunk(b"iCCP", &[b"x\0\0", &packed[..]].concat());
        for input in [in_jpeg, with_chunks(&png(&picture), &[chunk])] {
            for params in ["w=10", "f=png", "w=10,f=jpeg"] {
                let shown = shown(&input, &plan(params));
                assert!(near(shown, expected, 5), "{shown:?}, {expected} {params}");
            }
        }
    }
    // One from a device to another has no colours.
    for (at, what) in [(12, b"link"), (20, b"RGB ")] {
        let mut profile = moxcms::ColorProfile::new_adobe_rgb().encode().unwrap();
        profile[at..at + 4].copy_from_slice(what);
        let picture = Picture::new(20, 20, |_, _| [60, 180, 60, 255]);
        let segment = [b"ICC_PROFILE\0\x01\x01", &profile[..]].concat();
        let source = with_segment(&jpeg(&picture, 95, Subsamp::None, false), 0xe2, &segment);
        let [r, g, b] = shown(&source, &plan("w=10,f=png"));
        assert!(r.abs_diff(60) < 4 && g.abs_diff(180) < 4 && b.abs_diff(60) < 4, "{r} {g} {b}");
        // Nor does libjxl want it.
        let keep = Plan { profile: ProfilePolicy::Keep, ..plan("w=10,f=jxl") };
        assert!(transform(&source, &keep).is_ok());
    }
}

/// Where its data has begun, and where it has another length, a chunk says nothing.
#[test]
fn chunks_count_where_they_belong() {
    let plain = flat(128, false, false, &[]);
    let end = plain.len() - 12;
    let late = [&plain[..end], &gamma(100_000), &plain[end..]].concat();
    let long = with_chunks(&plain, &[png_chunk(b"gAMA", &[0, 1, 0x86, 0xa0, 0, 0])]);
    for input in [late, long] {
        assert_eq!(shown(&input, &plan("w=10,f=png")), [128; 3]);
    }
}

#[test]
fn a_ramp_never_falls() {
    let ramp = Picture::new(256, 8, |x, _| [x as u8, x as u8, x as u8, 255]);
    for transfer in [16, 18] {
        let input = with_chunks(&png(&ramp), &[code_points([9, transfer, 0, 1])]);
        let shown = transformed(&input, &plan("f=png"));
        let values = (0..256).map(|x| shown.at(x, 4)[0]).collect::<Vec<_>>();
        assert!(values.is_sorted() && values[0] == 0 && values[255] == 255, "{values:?}");
    }
    // A sequence header that says nothing of it: the box counts.
    assert!(!after(&described(&ramp, [9, 16, 0, 1]), b"nclx").is_empty());
}
