//! Times of whole transformations and of the parts that a JPEG's consists of.
//!
//! `cargo bench -p image-gate-core [-- FILE...]`: medians, in milliseconds, of
//! interleaved rounds on one thread, bytes to bytes. Without files, a picture
//! of noise and gradients takes the place of a photo.

#![allow(clippy::unwrap_used, reason = "a benchmark may end where it can't go on")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, Resizer};
use image_gate_codecs::jpeg::{self, Decoder, PixelFormat, Samples};
use image_gate_core::image::{Control, Limits, Plan, prepare};

const ROUNDS: usize = 15;

/// Something to time, and how to name it.
type Case<'a> = (String, Box<dyn FnMut() + 'a>);

fn main() {
    let files: Vec<String> =
        std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    let sources: Vec<(String, Vec<u8>)> = if files.is_empty() {
        [(1732, 1155), (4000, 3000), (8660, 5773)]
            .into_iter()
            .flat_map(|(width, height)| {
                [false, true].map(|progressive| {
                    let kind = if progressive { "progressive" } else { "baseline" };
                    (format!("{width}x{height} {kind}"), made_up(width, height, progressive))
                })
            })
            .collect()
    } else {
        files.into_iter().map(|name| (name.clone(), std::fs::read(name).unwrap())).collect()
    };

    for (name, source) in &sources {
        println!("{name}");
        let plans = ["w=300", "w=800", "w=300,h=300,fit=crop", "w=800,f=webp", "w=800,f=png"]
            .map(|params| (params, Plan::from_params(params).unwrap()));
        let mut cases: Vec<Case> = vec![("check, as it is".to_owned(), {
            let plan = Plan::default();
            Box::new(move || run(source, &plan))
        })];
        for (params, plan) in &plans {
            cases.push((params.to_string(), Box::new(|| run(source, plan))));
        }
        for target in [300, 800] {
            cases.extend(parts(source, target).unwrap_or_default());
        }
        report(cases);
    }
}

fn run(source: &[u8], plan: &Plan) {
    let prepared = prepare(source, plan, &Limits { pixels: 1 << 28, ..Limits::default() }).unwrap();
    black_box(prepared.run(&Control::default()).unwrap());
}

/// The libraries alone, without anything of ours between; for JPEG.
fn parts(source: &[u8], target: usize) -> Option<Vec<Case<'_>>> {
    let size = Decoder::new(source, 100).ok()?.size();
    let (source_width, source_height) = (size.0 as usize, size.1 as usize);
    let eighths = [1, 2, 3, 4, 8]
        .into_iter()
        .find(|eighths| source_width * eighths >= target * 12)
        .unwrap_or(8);
    let scaled = |side: usize| (side * eighths).div_ceil(8);
    let (width, height) = (scaled(source_width), scaled(source_height));
    let target_height = source_height * target / source_width;

    let decode = move || {
        let mut pixels = vec![0; width * height * 3];
        let decoder = Decoder::new(source, 100).unwrap();
        decoder.decode(eighths as u32, None, PixelFormat::Rgb, &mut pixels, || true).unwrap();
        pixels
    };
    let resize = move |pixels: &[u8]| {
        let source = ImageRef::new(width as u32, height as u32, pixels, PixelType::U8x3).unwrap();
        let mut out = Image::new(target as u32, target_height as u32, PixelType::U8x3);
        Resizer::new().resize(&source, &mut out, None).unwrap();
        out.into_vec()
    };
    let encode = move |pixels: &[u8]| encoded(pixels, (target, target_height), 75, false);

    let decoded = decode();
    let resized = resize(&decoded);
    Some(vec![
        (format!("  {target}: decode at {eighths}/8"), Box::new(move || drop(black_box(decode())))),
        (format!("  {target}: resize"), Box::new(move || drop(black_box(resize(&decoded))))),
        (format!("  {target}: encode"), Box::new(move || drop(black_box(encode(&resized))))),
    ])
}

fn encoded(
    pixels: &[u8],
    (width, height): (usize, usize),
    quality: u8,
    progressive: bool,
) -> Vec<u8> {
    let image = jpeg::Image {
        samples: Samples::Rgb(pixels),
        width: width as u32,
        height: height as u32,
        sampling: (2, 2),
        quality,
        progressive,
    };
    jpeg::encode(&image, || true).unwrap().to_vec()
}

fn report(mut cases: Vec<Case>) {
    let mut times = vec![Vec::with_capacity(ROUNDS); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, case), times) in cases.iter_mut().zip(&mut times) {
            let start = Instant::now();
            case();
            times.push(start.elapsed());
        }
    }
    for ((name, _), mut times) in cases.into_iter().zip(times) {
        times.sort();
        let median: Duration = times.get(ROUNDS / 2).copied().unwrap_or_default();
        println!("{:>9.2} ms  {name}", median.as_secs_f64() * 1000.0);
    }
}

fn made_up(width: usize, height: usize, progressive: bool) -> Vec<u8> {
    let mut noise = 1u32;
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 24) as usize / 8;
            pixels.push((x * 200 / width + grain) as u8);
            pixels.push((y * 200 / height + grain) as u8);
            pixels.push(((x / 64 + y / 64) % 2 * 120 + grain) as u8);
        }
    }
    encoded(&pixels, (width, height), 88, progressive)
}
