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

/// A grey PNG of that many columns and one row, without a library: filters are none, and nothing is compressed.
fn grey_line(columns: u32, value: u8) -> Vec<u8> {
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
    let mut line = vec![value; columns as usize + 1];
    line[0] = 0;
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in &line {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    let len = line.len() as u16;
    let stored = [
        &[0x78, 1, 1][..],
        &len.to_le_bytes(),
        &(!len).to_le_bytes(),
        &line,
        &(b << 16 | a).to_be_bytes(),
    ];
    let header = [&columns.to_be_bytes()[..], &1_u32.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &stored.concat()),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn an_effort_that_crashes_is_not_the_end() {
    // libjxl 0.7 ends its process by some of these at effort 8.
    for columns in [1, 2, 33, 64, 100, 129] {
        for value in [0, 1, 127, 128, 228, 255] {
            for effort in 8..=9 {
                let params = "f=jxl,q=56";
                let plan = Plan { jxl_effort: effort, ..Plan::from_params(params).unwrap() };
                let made = made(&grey_line(columns, value), &plan, &isolated(None));
                assert!(made.is_ok(), "{columns} of {value} at {effort}: {made:?}");
            }
        }
    }
}
