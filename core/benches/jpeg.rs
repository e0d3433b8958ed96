//! JPEG at a few eighths: the project's own decoder beside libjpeg-turbo.
//!
//! `cargo bench -p image-gate-core --bench jpeg [-- FILE...]`: the best of
//! interleaved rounds on one thread, in milliseconds, since what disturbs only adds;
//! and how near the two results are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark may end where it can't go on"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::Instant;

use common::{Subsamp, jpeg, photo};
use image_gate_core::image::Limits;
use image_gate_core::image::internals::{JpegDecoder, Pixels, jpeg_shrunk};

const ROUNDS: usize = 15;

fn main() {
    let files: Vec<String> =
        std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    let mut sources: Vec<(String, Vec<u8>)> = Vec::new();
    if files.is_empty() {
        let picture = photo(4000, 3000);
        for (name, sampling) in [("4:2:0", Subsamp::Sub2x2), ("4:4:4", Subsamp::None)] {
            for (kind, progressive) in [("baseline", false), ("progressive", true)] {
                let bytes = jpeg(&picture, 90, sampling, progressive);
                sources.push((format!("12 MP {name} {kind}"), bytes));
            }
        }
    }
    sources.extend(files.into_iter().map(|name| (name.clone(), std::fs::read(name).unwrap())));

    println!("  turbo      own  ratio       dB  scale");
    for (name, source) in &sources {
        for eighths in 1..=5 {
            let decoded =
                |decoder| jpeg_shrunk(source, eighths, decoder, &Limits::default()).unwrap();
            let (Some(expected), Some(made)) =
                (decoded(JpegDecoder::Turbo), decoded(JpegDecoder::Own))
            else {
                continue;
            };
            let [turbo, own] = times([JpegDecoder::Turbo, JpegDecoder::Own].map(|decoder| {
                move || {
                    black_box(decoded(decoder));
                }
            }));
            let (ratio, near) = (turbo / own, psnr(&expected, &made));
            println!("{turbo:>7.2}  {own:>7.2}  {ratio:>5.2}  {near:>7.2}  {eighths}/8 {name}");
        }
    }
}

/// The best time of each, in milliseconds.
fn times<const N: usize>(cases: [impl Fn(); N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (case, times) in cases.iter().zip(&mut times) {
            let start = Instant::now();
            case();
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times.map(|times| times.into_iter().fold(f64::INFINITY, f64::min))
}

fn psnr(a: &Pixels, b: &Pixels) -> f64 {
    let squares: u64 =
        a.data.iter().zip(&b.data).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    10.0 * (255.0f64.powi(2) * a.data.len() as f64 / squares as f64).log10()
}
