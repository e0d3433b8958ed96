//! Pictures of more than 8 bits a sample, or in PQ and HLG, that stay so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::Cursor;

use common::*;
use image_gate_core::image::{
    Control, Error, HdrPolicy, Limits, MetadataPolicy, Output, Plan, ProfilePolicy, prepare, probe,
};

fn keep(params: &str) -> Plan {
    Plan { hdr: HdrPolicy::Keep, ..plan(params) }
}

const SIZE: (u32, u32) = (320, 200);

/// Slopes that 8 bits have no steps for, and an edge.
fn level(x: u32, y: u32, channel: u32) -> u16 {
    let slope = 9000 + x * 23 + y * 11 + channel * 5000;
    if x > 200 && y > 120 { 60_000 } else { slope as u16 }
}

fn deep_png(color: png::ColorType, chunks: &[Vec<u8>]) -> Vec<u8> {
    let channels = color.samples() as u32;
    let mut data = Vec::new();
    for (x, y) in (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y))) {
        for channel in 0..channels {
            let is_alpha = channels.is_multiple_of(2) && channel + 1 == channels;
            let sample = if is_alpha { 65_535 - (x as u16) * 90 } else { level(x, y, channel) };
            data.extend(sample.to_be_bytes());
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, SIZE.0, SIZE.1);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Sixteen);
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
    with_chunks(&out, chunks)
}

fn cicp(points: [u8; 4]) -> Vec<u8> {
    png_chunk(b"cICP", &points)
}

const PQ: [u8; 4] = [9, 16, 0, 1];
const HLG: [u8; 4] = [9, 18, 0, 1];

/// Size, channels and samples of a PNG of 16 bits.
fn samples(bytes: &[u8]) -> ((u32, u32), usize, Vec<u16>) {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    assert_eq!(info.bit_depth, png::BitDepth::Sixteen);
    let samples = data.as_chunks().0.iter().map(|&sample| u16::from_be_bytes(sample)).collect();
    ((info.width, info.height), info.color_type.samples(), samples)
}

fn has(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The PSNR of samples.
fn alike(one: &[u16], other: &[u16]) -> f64 {
    assert_eq!(one.len(), other.len());
    let squares = one.iter().zip(other).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
    10.0 * (65_535f64.powi(2) / (squares.sum::<f64>() / one.len() as f64)).log10()
}

/// The code points that an AVIF says it has.
fn nclx(avif: &[u8]) -> Option<[u8; 7]> {
    let at = avif.windows(4).position(|window| window == b"nclx")?;
    avif[at + 4..at + 11].try_into().ok()
}

#[test]
fn sixteen_bits_stay_sixteen() {
    for color in [
        png::ColorType::Grayscale,
        png::ColorType::GrayscaleAlpha,
        png::ColorType::Rgb,
        png::ColorType::Rgba,
    ] {
        let source = deep_png(color, &[]);
        for (params, size) in [
            ("w=160", (160, 100)),
            ("w=160,rotate=90", (100, 160)),
            ("w=160,flip=h", (160, 100)),
            ("w=100,h=100,fit=crop,gravity=east", (100, 100)),
            ("crop=31:17:200:90", (200, 90)),
            ("rotate=180", SIZE),
            ("w=640,enlarge=on", (640, 400)),
            ("w=160,interlace=on", (160, 100)),
        ] {
            let out = transform(&source, &keep(params)).unwrap();
            let (found, channels, deep) = samples(&out);
            assert_eq!((found, channels), (size, color.samples()), "{color:?} {params}");
            // As those of 8 bits, but for steps between them.
            let shallow = decode(&transform(&source, &plan(params)).unwrap());
            let opaque = channels % 2 == 1;
            for (pixel, deep) in shallow.pixels.iter().zip(deep.chunks(channels)) {
                let (first, last) = (deep[0], deep[channels - 1]);
                let off = f64::from(first) / 257.0 - f64::from(pixel[0]);
                assert!(off.abs() < 3.0, "{color:?} {params}: {pixel:?} {deep:?}");
                let alpha = f64::from(last) / 257.0 - f64::from(pixel[3]);
                assert!(opaque || alpha.abs() < 2.0, "{color:?} {params}: {pixel:?} {deep:?}");
            }
            let mut steps = deep.clone();
            steps.sort_unstable();
            steps.dedup();
            assert!(steps.len() > 600, "{color:?} {params}: {} steps", steps.len());
            assert!(!has(&out, b"cICP"));
        }
    }
}

#[test]
fn what_is_only_cut_keeps_its_samples() {
    let source = deep_png(png::ColorType::Rgb, &[cicp(PQ)]);
    let ((width, height), _, cut) =
        samples(&transform(&source, &keep("crop=31:17:200:90")).unwrap());
    let expected = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x + 31, y + 17)))
        .flat_map(|(x, y)| (0..3).map(move |channel| level(x, y, channel)))
        .collect::<Vec<_>>();
    assert!(cut == expected);
}

/// What is beside a part that is cut out does not shine into it where that is scaled.
#[test]
fn what_is_beside_a_cut_has_no_say() {
    let mut data = Vec::new();
    for x in (0..128).flat_map(|_| 0..128) {
        let sample: u16 = if x < 64 { 0 } else { 65_535 };
        data.extend([sample; 3].iter().flat_map(|sample| sample.to_be_bytes()));
    }
    let mut source = Vec::new();
    let mut encoder = png::Encoder::new(&mut source, 128, 128);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Sixteen);
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
    for (params, size, expected) in [
        ("crop=0:0:64:128,width=16,fit=stretch", (16, 128), 0),
        ("crop=64:32:64:64,w=20,h=20,fit=stretch", (20, 20), 65_535),
    ] {
        let (found, _, samples) = samples(&transform(&source, &keep(params)).unwrap());
        assert_eq!(found, size);
        assert!(samples.iter().all(|&sample| sample == expected), "{params}: {samples:?}");
    }
}

#[test]
fn code_points_stay() {
    for points in [PQ, HLG, [1, 16, 0, 1], [12, 18, 0, 1], [2, 16, 0, 1]] {
        let source = deep_png(png::ColorType::Rgb, &[cicp(points)]);
        let png = transform(&source, &keep("w=160")).unwrap();
        assert!(has(&png, &[&b"cICP"[..], &points].concat()), "{points:?}");
        assert!(has(&transform(&png, &keep("w=100")).unwrap(), &[&b"cICP"[..], &points].concat()));
        let avif = transform(&source, &keep("w=160,f=avif,q=90")).unwrap();
        let matrix = if points[0] == 9 { 9 } else { 6 };
        assert_eq!(nclx(&avif), Some([0, points[0], 0, points[1], 0, matrix, 0x80]), "{points:?}");
        assert_eq!(probe(&avif).unwrap().bits, 10);
        // And back, and from AVIF to AVIF.
        let again = transform(&avif, &keep("w=80")).unwrap();
        assert_eq!(
            nclx(&again).map(|found| found[..4].to_vec()),
            nclx(&avif).map(|found| found[..4].to_vec())
        );
        assert_eq!(probe(&again).unwrap().bits, 10);
        let back = transform(&avif, &keep("f=png")).unwrap();
        assert!(has(&back, &[&b"cICP"[..], &points].concat()));
        let (_, _, back) = samples(&back);
        let (_, _, whole) = samples(&png);
        assert!(alike(&back, &whole) > 40.0, "{points:?}: {}", alike(&back, &whole));
    }
}

#[test]
fn primaries_without_a_code_point_get_no_other() {
    // Of P3 with the white of cinemas, and of BT.2100 with an equal-energy white.
    let dci = transform(&fixture("pq-dci.jxl"), &keep("f=png")).unwrap();
    assert!(has(&dci, &[&b"cICP"[..], &[11, 16, 0, 1]].concat()));
    assert_eq!(probe(&dci).unwrap().bits, 16);
    for format in ["png", "avif", "jxl"] {
        let other = transform(&fixture("pq-white.jxl"), &keep(&format!("w=16,f={format}")));
        let other = other.unwrap();
        assert_eq!(probe(&other).unwrap().bits, 8, "{format}");
        assert!(!has(&other, b"cICP") && nclx(&other).is_none_or(|nclx| nclx[3] != 16));
    }
}

#[test]
fn jpeg_xl_keeps_16_bits() {
    for (points, is_named) in
        [(PQ, true), (HLG, true), ([12, 16, 0, 1], true), ([11, 16, 0, 1], false)]
    {
        let source = deep_png(png::ColorType::Rgba, &[cicp(points)]);
        let jxl = transform(&source, &keep("w=160,f=jxl,q=95")).unwrap();
        let back = transform(&jxl, &keep("f=png")).unwrap();
        assert_eq!(has(&back, &[&b"cICP"[..], &points].concat()), is_named, "{points:?}");
        if !is_named {
            assert_eq!(probe(&jxl).unwrap().bits, 8);
            continue;
        }
        assert_eq!(probe(&jxl).unwrap().bits, 16);
        let (_, _, back) = samples(&back);
        let (_, _, whole) = samples(&transform(&source, &keep("w=160")).unwrap());
        assert!(alike(&back, &whole) > 40.0, "{points:?}: {}", alike(&back, &whole));
        let avif = transform(&jxl, &keep("w=80,f=avif")).unwrap();
        assert_eq!(nclx(&avif).map(|found| found[3]), Some(points[1]));
        assert!(passes(&jxl, &keep("")));
    }
    for color in [png::ColorType::Grayscale, png::ColorType::Rgb] {
        let jxl = transform(&deep_png(color, &[]), &keep("w=160,f=jxl,q=95")).unwrap();
        assert_eq!(probe(&jxl).unwrap().bits, 16);
        let (_, channels, back) = samples(&transform(&jxl, &keep("w=160,f=png")).unwrap());
        let (_, _, whole) = samples(&transform(&deep_png(color, &[]), &keep("w=160")).unwrap());
        assert_eq!(channels, color.samples());
        assert!(alike(&back, &whole) > 40.0, "{color:?}: {}", alike(&back, &whole));
    }
}

/// The value of PQ for so many nits (BT.2100-2, table 4).
fn pq(nits: f64) -> u16 {
    let power = (nits / 10_000.0).powf(2610.0 / 16384.0);
    let value = (3424.0 / 4096.0 + 2413.0 / 128.0 * power) / (1.0 + 2392.0 / 128.0 * power);
    (value.powf(2523.0 / 32.0) * 65_535.0).round() as u16
}

#[test]
fn greys_are_those_of_before() {
    for (nits, grey) in [(20.0, 63), (100.0, 136), (203.0, 188), (400.0, 223), (1000.0, 255u8)] {
        let data = pq(nits).to_be_bytes().repeat(64 * 64 * 3);
        let mut source = Vec::new();
        let mut encoder = png::Encoder::new(&mut source, 64, 64);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Sixteen);
        encoder.write_header().unwrap().write_image_data(&data).unwrap();
        let source = with_chunks(&source, &[cicp(PQ)]);
        for kept in [
            source.clone(),
            transform(&source, &keep("w=32")).unwrap(),
            transform(&source, &keep("w=32,f=avif")).unwrap(),
            transform(&source, &keep("w=32,f=jxl")).unwrap(),
        ] {
            for params in ["w=16,f=png", "w=16,f=webp"] {
                let found = decode(&transform(&kept, &plan(params)).unwrap()).at(8, 8)[0];
                assert!(found.abs_diff(grey) <= 5, "{nits}: {found}");
            }
        }
    }
}

#[test]
fn sdr_of_16_bits_becomes_10_of_avif() {
    for color in [png::ColorType::Grayscale, png::ColorType::Rgb, png::ColorType::Rgba] {
        let avif = transform(&deep_png(color, &[]), &keep("w=160,f=avif,q=90")).unwrap();
        assert_eq!(nclx(&avif), Some([0, 1, 0, 13, 0, 6, 0x80]));
        let info = probe(&avif).unwrap();
        assert_eq!((info.bits, info.alpha), (10, color == png::ColorType::Rgba));
        let expected = decode(&transform(&deep_png(color, &[]), &plan("w=160")).unwrap());
        assert!(psnr(&decode(&avif), &expected) > 38.0);
    }
}

#[test]
fn what_is_more_than_scaled_and_turned_has_8_bits() {
    let source = deep_png(png::ColorType::Rgb, &[cicp(PQ)]);
    for params in [
        "w=160,blur=2",
        "w=160,h=160,fit=pad",
        "w=160,border=3",
        "w=160,brightness=1.1",
        "w=160,rotate=10",
        "trim=3,w=100",
        "w=160,colors=16",
        "w=160,opacity=0.5",
        "w=100,h=100,fit=crop,gravity=smart",
        "w=160,f=avif,max_bytes=9000",
    ] {
        let out = transform(&source, &keep(params)).unwrap();
        assert_eq!(out, transform(&source, &plan(params)).unwrap(), "{params}");
        assert!(!has(&out, b"cICP") && probe(&out).unwrap().bits == 8, "{params}");
    }
    for params in ["w=160,f=jpeg", "w=160,f=webp", "w=160,f=gif"] {
        assert_eq!(
            transform(&source, &keep(params)),
            transform(&source, &plan(params)),
            "{params}"
        );
    }
    // Colours that are converted, and those that lose what says what they are.
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut data = Vec::new();
    std::io::Write::write_all(
        &mut flate2::write::ZlibEncoder::new(&mut data, flate2::Compression::fast()),
        &profile,
    )
    .unwrap();
    let wide = deep_png(
        png::ColorType::Rgb,
        &[png_chunk(b"iCCP", &[b"p3\0\0", data.as_slice()].concat())],
    );
    assert_eq!(probe(&transform(&wide, &keep("w=160")).unwrap()).unwrap().bits, 8);
    let kept = Plan { profile: ProfilePolicy::Keep, ..keep("w=160") };
    let out = transform(&wide, &kept).unwrap();
    assert!(probe(&out).unwrap().bits == 16 && has(&out, b"iCCP"));
    let stripped = Plan { profile: ProfilePolicy::Strip, ..keep("w=160") };
    assert_eq!(probe(&transform(&source, &stripped).unwrap()).unwrap().bits, 8);
}

#[test]
fn an_original_stays_as_it_is() {
    let source = deep_png(png::ColorType::Rgb, &[cicp(PQ)]);
    assert!(passes(&source, &keep("")) && !passes(&source, &plan("")));
    let avif = transform(&source, &keep("w=160,f=avif")).unwrap();
    assert!(passes(&avif, &keep("")) && !passes(&avif, &plan("")));
}

#[test]
fn metadata_do_not_say_srgb() {
    let source = deep_png(png::ColorType::Rgb, &[cicp(PQ), png_chunk(b"eXIf", &exif(1))]);
    let plan = Plan { metadata: MetadataPolicy::Keep, ..keep("w=160") };
    assert!(has(&transform(&source, &plan).unwrap(), b"Ann Other"));
}

#[test]
fn work_ends_and_files_may_be_cut() {
    let source = deep_png(png::ColorType::Rgba, &[cicp(PQ)]);
    for params in ["w=160", "w=160,f=avif"] {
        let plan = keep(params);
        let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
        assert!(prepared.memory() > u64::from(SIZE.0 * SIZE.1 * 8));
        prepared.run(&ended_after(u32::MAX)).unwrap();
        for most in 1..looks() {
            assert_eq!(prepared.run(&ended_after(most)).unwrap_err(), Error::Cancelled);
        }
    }
    let (mut made, mut refused) = (0, 0);
    for len in (100..source.len()).step_by(97) {
        let plan = keep("w=160");
        let run = prepare(&source[..len], &plan, &Limits::default())
            .and_then(|prepared| prepared.run(&Control::default()));
        match run {
            Ok(done) => {
                assert!(
                    matches!(done.output, Output::Encoded(bytes) if samples(&bytes).0 == (160, 100))
                );
                made += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(made > 20 && refused > 20, "{made} {refused}");
}
