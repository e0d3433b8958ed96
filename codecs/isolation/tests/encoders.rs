//! Encoders in processes of their own: they make the same there as here, and what ends them ends nobody else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::PROCESSES;
use image_gate_core::image::{Control, Error, Limits, Output, Plan, prepare, sniff};

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../core/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn made(input: &[u8], plan: &Plan, control: &Control) -> Result<Vec<u8>, Error> {
    let made = prepare(input, plan, &Limits::default())?.run(control)?;
    let (Output::Stripped(bytes) | Output::Encoded(bytes)) = made.output else {
        panic!("the original");
    };
    assert_eq!(sniff(&bytes), Some(made.format));
    Ok(bytes)
}

fn isolated(time: Option<Duration>) -> Control {
    Control::new(time.map(|time| Instant::now() + time)).isolated_by(&PROCESSES)
}

#[test]
fn they_make_the_same() {
    for (name, params) in [
        ("pattern.png", "f=jxl,q=70"),
        ("pattern.png", "f=jxl,lossless=on"),
        ("grey-alpha.png", "f=jxl,w=20"),
        ("rgb16.png", "f=jxl,q=90"),
        ("p3-turned.png", "f=jxl,w=50"),
        ("sampled-2x2.jpg", "f=jxl"),
        ("moving.jxl", "f=jxl,w=40"),
        ("moving.avif", "f=jxl"),
        ("moving.jxl", "f=avif,w=40"),
        ("moving.avif", "f=avif,q=90"),
        ("lossy-alpha.webp", "f=jxl"),
    ] {
        let (input, plan) = (fixture(name), Plan::from_params(params).unwrap());
        let here = made(&input, &plan, &Control::default());
        let Ok(here) = here else { panic!("{name} {params}: {here:?}") };
        let apart = made(&input, &plan, &isolated(Some(Duration::from_secs(60))));
        assert!(apart.as_ref() == Ok(&here), "{name} {params}: {:?}", apart.map(|made| made.len()));
    }
}

/// A PNG of samples of so many bits, grey or RGBA, without a library: nothing is filtered or compressed.
fn png((width, height): (u32, u32), bits: u8, rgba: bool, samples: &[u8]) -> Vec<u8> {
    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut crc = u32::MAX;
        for &byte in kind.iter().chain(data) {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (0_u32.wrapping_sub(crc & 1)));
            }
        }
        let len = (data.len() as u32).to_be_bytes();
        [&len[..], kind, data, &(!crc).to_be_bytes()].concat()
    }
    let rows = samples.chunks(samples.len() / height as usize);
    let lines: Vec<u8> = rows.flat_map(|row| [&[0], row].concat()).collect();
    let mut zlib = vec![0x78, 1];
    let mut blocks = lines.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let len = block.len() as u16;
        zlib.push(blocks.peek().is_none().into());
        zlib.extend([len, !len].map(u16::to_le_bytes).as_flattened());
        zlib.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in &lines {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    zlib.extend((b << 16 | a).to_be_bytes());
    let sides = [width, height].map(u32::to_be_bytes);
    let header = [sides.as_flattened(), &[bits, if rgba { 6 } else { 0 }, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &zlib),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn noise_at_the_best_quality_has_the_memory_that_it_takes() {
    let mut state = 1_u32;
    let mut noise = |bytes: usize| -> Vec<u8> {
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(next).take(bytes).collect()
    };
    for (side, bits, effort) in
        [(900, 8, 4), (600, 16, 4), (600, 8, 7), (250, 8, 9), (200, 16, 9), (3, 16, 9)]
    {
        let samples = noise((side * side) as usize * 4 * usize::from(bits) / 8);
        let input = png((side, side), bits, true, &samples);
        for quality in [100, 1] {
            let plan = Plan::from_params(&format!("f=jxl,q={quality}")).unwrap();
            let plan = Plan { jxl_effort: effort, ..plan };
            let here = made(&input, &plan, &Control::default()).unwrap();
            // A lower effort, which is taken when one has failed, makes something else.
            let apart = made(&input, &plan, &isolated(None));
            let same = apart.as_ref() == Ok(&here);
            assert!(
                same,
                "{side} of {bits} bits at {effort}, {quality}: {:?}",
                apart.map(|made| made.len())
            );
        }
    }
}

#[test]
fn an_effort_that_crashes_is_not_the_end() {
    // libjxl 0.7 ends its process by some of these at effort 8.
    for columns in [1, 2, 33, 64, 100, 129] {
        for value in [0, 1, 127, 128, 228, 255] {
            for effort in 8..=9 {
                let params = "f=jxl,q=56";
                let plan = Plan { jxl_effort: effort, ..Plan::from_params(params).unwrap() };
                let made = made(
                    &png((columns, 1), 8, false, &vec![value; columns as usize]),
                    &plan,
                    &isolated(None),
                );
                assert!(made.is_ok(), "{columns} of {value} at {effort}: {made:?}");
            }
        }
    }
}

#[test]
fn long_pictures_of_few_pixels_have_the_memory_that_they_take() {
    for (width, height) in [(16_384, 1), (16_384, 16), (30_000, 2), (1, 20_000), (3, 9_000)] {
        let samples: Vec<u8> = (0..width * height).map(|at| (at / 77) as u8).collect();
        let input = png((width, height), 8, false, &samples);
        let plan = Plan::from_params("f=jxl,q=80").unwrap();
        let made = made(&input, &plan, &isolated(Some(Duration::from_secs(60))));
        assert!(made.is_ok(), "{width} {height}: {:?}", made.err());
    }
}
