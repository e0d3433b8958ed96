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
use image_gate_core::image::{Control, Limits, Plan, prepare};
use turbojpeg::{Colorspace, Compressor, Decompressor, PixelFormat, ScalingFactor, Subsamp};

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

/// The libraries alone, without anything of ours between; for JPEG in colour.
fn parts(source: &[u8], target: usize) -> Option<Vec<Case<'_>>> {
    let header = turbojpeg::read_header(source).ok()?;
    if header.colorspace != Colorspace::YCbCr {
        return None;
    }
    let eighths = [1, 2, 3, 4, 8]
        .into_iter()
        .find(|eighths| header.width * eighths >= target * 12)
        .unwrap_or(8);
    let factor = ScalingFactor::new(eighths, 8);
    let (width, height) = (factor.scale(header.width), factor.scale(header.height));
    let target_height = header.height * target / header.width;

    let decode = move || {
        let mut pixels = vec![0; width * height * 3];
        let mut decoder = Decompressor::new().unwrap();
        decoder.set_scaling_factor(factor).unwrap();
        let image = turbojpeg::Image {
            pixels: pixels.as_mut_slice(),
            width,
            pitch: width * 3,
            height,
            format: PixelFormat::RGB,
        };
        decoder.decompress(source, image).unwrap();
        pixels
    };
    let resize = move |pixels: &[u8]| {
        let source = ImageRef::new(width as u32, height as u32, pixels, PixelType::U8x3).unwrap();
        let mut out = Image::new(target as u32, target_height as u32, PixelType::U8x3);
        Resizer::new().resize(&source, &mut out, None).unwrap();
        out.into_vec()
    };
    let encode = move |pixels: &[u8], optimize: bool| {
        let mut encoder = Compressor::new().unwrap();
        encoder.set_quality(75).unwrap();
        encoder.set_subsamp(Subsamp::Sub2x2).unwrap();
        encoder.set_optimize(optimize).unwrap();
        let image = turbojpeg::Image {
            pixels,
            width: target,
            pitch: target * 3,
            height: target_height,
            format: PixelFormat::RGB,
        };
        encoder.compress_to_vec(image).unwrap()
    };

    let decoded = decode();
    let resized = resize(&decoded);
    let (plain, optimized) = (encode(&resized, false).len(), encode(&resized, true).len());
    let saved = 100.0 - 100.0 * optimized as f64 / plain as f64;
    let again = resized.clone();
    Some(vec![
        (format!("  {target}: decode at {eighths}/8"), Box::new(move || drop(black_box(decode())))),
        (format!("  {target}: resize"), Box::new(move || drop(black_box(resize(&decoded))))),
        (format!("  {target}: encode"), Box::new(move || drop(black_box(encode(&resized, false))))),
        (
            format!("  {target}: encode, Huffman tables optimized ({saved:.1}% smaller)"),
            Box::new(move || drop(black_box(encode(&again, true)))),
        ),
    ])
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
    let mut encoder = Compressor::new().unwrap();
    encoder.set_quality(88).unwrap();
    encoder.set_subsamp(Subsamp::Sub2x2).unwrap();
    encoder.set_progressive(progressive).unwrap();
    let image = turbojpeg::Image {
        pixels: pixels.as_slice(),
        width,
        pitch: width * 3,
        height,
        format: PixelFormat::RGB,
    };
    encoder.compress_to_vec(image).unwrap()
}
