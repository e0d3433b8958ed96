//! The estimates of memory against what is taken: for every format, depth and kind of chroma in, and
//! every format out. Each case runs in a process of its own, of which all is measured, C included.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::heif::{
    av1, file, has_libheif, heic, hvc1, sample, sequence, split, with_hidden_frames,
};
use common::tiff::Tiff;
use common::ultra_hdr::{BOTH, join, map};
use common::*;
use image_gate_core::image::{Control, HdrPolicy, Limits, Output, Plan, prepare};

const MIB: u64 = 1 << 20;

/// Which case a process of this test runs.
const CASE: &str = "IMAGE_GATE_TEST_CASE";

const WIDTH: u32 = 2400;
const HEIGHT: u32 = 1600;

fn noise(alpha: bool) -> Picture {
    Picture::new(WIDTH, HEIGHT, |x, y| {
        let value = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(97);
        let alpha = if alpha { (value >> 24) as u8 } else { 255 };
        [(value >> 8) as u8, (value >> 16) as u8, (value >> 20) as u8, alpha]
    })
}

type Source = (&'static str, fn() -> Vec<u8>);

const SOURCES: &[Source] = &[
    ("jpeg 4:2:0", || jpeg(&photo(WIDTH, HEIGHT), 90, Subsamp::Sub2x2, false)),
    ("jpeg 4:4:4", || jpeg(&noise(false), 90, Subsamp::None, false)),
    ("jpeg grey", || jpeg(&noise(false), 90, Subsamp::Gray, false)),
    ("jpeg 4:2:0 progressive", || jpeg(&noise(false), 90, Subsamp::Sub2x2, true)),
    ("jpeg 4:4:4 progressive", || jpeg(&photo(WIDTH, HEIGHT), 90, Subsamp::None, true)),
    ("jpeg with a map", || {
        let samples = jpeg(&noise(false), 90, Subsamp::None, true);
        let picture = jpeg(&photo(WIDTH, HEIGHT), 90, Subsamp::Sub2x2, false);
        join(&picture, &map(&samples, BOTH, 0), BOTH)
    }),
    ("jpeg with a narrow map", || {
        let narrow = photo(1, HEIGHT);
        let samples = jpeg(&narrow, 90, Subsamp::None, false);
        let picture = jpeg(&noise(false), 90, Subsamp::Sub2x2, false);
        join(&picture, &map(&samples, BOTH, 0), BOTH)
    }),
    ("png", || png_of(&photo(WIDTH, HEIGHT).rgb(), png::ColorType::Rgb, png::BitDepth::Eight)),
    ("png alpha", || png(&noise(true))),
    ("png 16", || {
        let wide = noise(false).rgb().iter().flat_map(|&value| [value, 7]).collect::<Vec<_>>();
        png_of(&wide, png::ColorType::Rgb, png::BitDepth::Sixteen)
    }),
    ("png pq", || {
        let wide = noise(true).rgba().iter().flat_map(|&value| [value, 7]).collect::<Vec<_>>();
        let png = png_of(&wide, png::ColorType::Rgba, png::BitDepth::Sixteen);
        with_chunks(&png, &[png_chunk(b"cICP", &[9, 16, 0, 1])])
    }),
    ("png grey", || {
        let grey = noise(false).pixels.iter().map(|pixel| pixel[0]).collect::<Vec<_>>();
        png_of(&grey, png::ColorType::Grayscale, png::BitDepth::Eight)
    }),
    ("gif", || in_format(&photo(WIDTH, HEIGHT), "f=gif")),
    ("webp lossy", || webp_lossy(&noise(false), 80)),
    ("webp lossy alpha", || webp_lossy(&noise(true), 80)),
    ("webp lossless", || webp_lossless(&noise(false))),
    ("webp lossless alpha", || webp_lossless(&noise(true))),
    ("avif 4:2:0 noise", || in_format(&noise(false), "f=avif,q=90")),
    ("avif alpha noise", || in_format(&noise(true), "f=avif,q=90")),
    ("avif 4:2:0 8", || fixture("flat-420-8.avif")),
    ("avif 4:2:0 10", || fixture("flat-420-10.avif")),
    ("avif 4:4:4 8", || fixture("flat-444-8.avif")),
    ("avif 4:4:4 10", || fixture("flat-444-10.avif")),
    ("avif 4:2:2 12", || fixture("flat-422-12.avif")),
    ("avif 4:0:0 8", || fixture("flat-400-8.avif")),
    ("avif 2 frames", || frames(2)),
    ("avif 8 frames", || frames(8)),
    ("avif grid", || {
        let cell = sample(&photo(1200, 800), 80);
        let cells = vec![av1(1200, 800, &cell); 4];
        let grid = common::heif::grid(2, 2, 2400, 1600, vec![2, 3, 4, 5]);
        file(&[&[grid], cells.as_slice()].concat())
    }),
    ("heic 4:2:0 8", || fixture("flat-420-8.heic")),
    ("heic 4:2:0 10", || fixture("flat-420-10.heic")),
    ("heic grid", || {
        let cell = hvc1(3000, 2000, &fixture("flat-420-8.heic"));
        let grid = common::heif::grid(1, 2, 3000, 4000, vec![2, 2]);
        heic(&[grid, cell])
    }),
    ("heic alpha", || {
        let cell = hvc1(3000, 2000, &fixture("flat-420-8.heic"));
        let mut alpha = cell.clone();
        alpha.properties.push(common::heif::alpha());
        alpha.references.push((*b"auxl", vec![1]));
        heic(&[cell, alpha])
    }),
    ("gif animated", || animated("f=gif")),
    ("webp animated", || animated("f=webp")),
    // At a lower speed libaom keeps more.
    ("webp animated alpha", || animated("f=webp,opacity=0.5")),
    ("jxl animated", || animated("f=jxl,opacity=0.5")),
    ("avif animated", || animated("f=avif")),
    ("avif animated alpha", || animated("f=avif,opacity=0.5")),
    ("png animated noise", animated_noise),
    ("avif refused", || file(&[av1(256, 256, &with_hidden_frames(1, 65_536)[1])])),
    ("avif refused animated", || {
        let [one, two] = with_hidden_frames(1, 65_536);
        sequence(256, 256, &[&one, &two, &one])
    }),
    ("bmp", || bmp(&noise(false))),
    ("ppm", || ppm(&noise(false))),
    ("qoi", || qoi(&noise(true))),
    ("tiff jpeg", || {
        let stream = jpeg(&noise(false), 90, Subsamp::None, false);
        let tiff = Tiff {
            bits: 8,
            channels: 3,
            photometric: 6,
            compression: 7,
            ..Tiff::new(WIDTH, HEIGHT)
        };
        tiff.write_chunks(&[stream])
    }),
    ("jxl", || in_format(&noise(false), "f=jxl,q=90")),
    ("jxl alpha", || in_format(&noise(true), "f=jxl,q=90")),
    // What libjxl tries hardest to tell from noise.
    ("dots", || {
        let is_dot = |x: u32, y: u32| ((x * 7919) ^ (y * 104_729)).is_multiple_of(61);
        png(&Picture::new(
            1000,
            1000,
            |x, y| if is_dot(x, y) { [255, 60, 0, 255] } else { [240; 4] },
        ))
    }),
    ("jxl squeezed", || fixture("squeezed.jxl")),
    ("jxl crops", || fixture("crops-bomb.jxl")),
    ("jxl preview", || fixture("preview-bomb.jxl")),
    ("jxl references", || fixture("references.jxl")),
    ("small avif", || in_format(&photo(300, 200), "f=avif")),
];

/// What is asked of each source: how it is decoded is one part of an estimate, how it is made another.
const DECODED: [&str; 4] = ["w=200,f=jpeg", "f=jpeg,q=95", "w=1100,f=png", "rotate=90,f=webp"];

/// What is asked of some sources, without alpha, with it, and animated.
const MADE: [&str; 13] = [
    "w=1600,f=jpeg",
    "subsampling=444,rotate=90,w=1700,f=jpeg",
    "w=900,f=gif",
    "f=gif",
    "colors=64,f=png",
    "w=1100,f=avif",
    "w=1100,f=jxl",
    "rotate=90,f=png",
    "w=600,blur=5,f=webp",
    "crop=10%25:10%25:80%25:80%25,f=png",
    "w=1600,h=2000,fit=pad,background=blur,f=jpeg",
    "subsampling=444,interlace=on,opacity=0.5,q=95,f=jpeg",
    "w=1100,lossless=on,f=webp",
];
/// What is asked of pictures with a map.
const OF_MAPS: [&str; 4] = ["trim=10,f=jpeg", "trim=10,w=1700,f=jpeg", "", "f=webp"];
/// What is asked of an animation with alpha.
const MOVING: [&str; 3] = ["f=avif,speed=9", "f=avif,speed=6", "f=jxl"];
/// What is asked of an animation that no code makes shorter.
const LONG: [&str; 2] = ["f=avif,q=100,speed=10", "f=jxl,q=100"];
/// What is asked of dots.
const TRIED: [&str; 4] = ["7 f=jxl,q=90", "7 f=jxl,q=2", "9 f=jxl,q=90", "9 f=jxl,q=2"];
const OF_ALL: [&str; 6] = [
    "jpeg 4:2:0",
    "jpeg with a map",
    "png pq",
    "png alpha",
    "jpeg 4:4:4 progressive",
    "webp animated",
];

fn png_of(data: &[u8], color: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, WIDTH, HEIGHT);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    out
}

fn in_format(picture: &Picture, params: &str) -> Vec<u8> {
    transform(&png(picture), &plan(params)).unwrap()
}

fn frames(count: usize) -> Vec<u8> {
    let sample = sample(&photo(WIDTH, HEIGHT), 60);
    let (header, frame) = split(&sample);
    file(&[av1(WIDTH, HEIGHT, &[header, &frame.repeat(count)].concat())])
}

fn animated(params: &str) -> Vec<u8> {
    let palette: Vec<u8> = (0..=255).flat_map(|i: u8| [i, i.wrapping_mul(7), 255 - i]).collect();
    let mut out = Vec::new();
    let mut encoder = gif::Encoder::new(&mut out, 600, 400, &palette).unwrap();
    for shift in 0..8 {
        let mut pixels: Vec<u8> = photo(600, 400).pixels.iter().map(|pixel| pixel[0]).collect();
        pixels.rotate_left(shift * 33);
        let frame = gif::Frame::from_indexed_pixels(600, 400, pixels, None);
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    if params == "f=gif" { out } else { transform(&out, &plan(params)).unwrap() }
}

/// As long as its output may be, that is most of what it takes.
fn animated_noise() -> Vec<u8> {
    const FRAMES: u32 = 60;
    let (mut out, mut state) = (Vec::new(), 1_u64);
    let mut encoder = png::Encoder::new(&mut out, 500, 400);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::Fastest);
    encoder.set_animated(FRAMES, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for _ in 0..FRAMES {
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        let data: Vec<u8> = std::iter::repeat_with(next).take(500 * 400 * 4).collect();
        writer.write_image_data(&data).unwrap();
    }
    writer.finish().unwrap();
    out
}

/// A number of kilobytes of /proc/self/status, in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Runs the case that the environment names, as a process of `estimates_hold`.
#[test]
fn one_case() {
    let Ok(case) = std::env::var(CASE) else { return };
    let (path, params) = case.split_once(' ').unwrap();
    let source = std::fs::read(path).unwrap();
    // An effort is said ahead of them, as no parameter says it.
    let (effort, params) = params.split_once(' ').unwrap_or(("4", params));
    let plan = Plan { jxl_effort: effort.parse().unwrap(), hdr: HdrPolicy::Keep, ..plan(params) };
    let limits = Limits { pixels: 1 << 30, output_pixels: 1 << 30, ..Limits::default() };
    let prepared = prepare(&source, &plan, &limits).unwrap();
    let estimate = prepared.memory();
    // Tables that are made once, and code that is mapped.
    let small = fixture("pattern.png");
    let _ = transform(&small, &plan).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    let made = prepared.run(&Control::default());
    // What is refused, and where, counts as well.
    assert!(made.is_ok() || path.contains("refused"), "{:?}", made.err());
    if let Ok(Output::Encoded(bytes)) = made.map(|made| made.output) {
        // As if it were longer than any source.
        let longer = bytes.len().max(source.len() * 2);
        prepared.smaller_source(longer, &Control::default()).unwrap();
    }
    println!("took {} of {estimate}", status("VmHWM:") - before);
}

/// Runs a case in a process of its own; what is wrong with its memory.
fn judge(name: &str, source: &Path, params: &str) -> Result<(), String> {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_case", "--nocapture"])
        .env(CASE, format!("{} {params}", source.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let line = said.lines().find_map(|line| line.split("took ").nth(1));
    let Some((took, estimate)) = line.and_then(|line| line.split_once(" of ")) else {
        return Err(format!("{name} {params}: {said}{:?}", run.status));
    };
    let (took, estimate): (u64, u64) = (took.parse().unwrap(), estimate.parse().unwrap());
    println!("{name:24} {params:20} {:4} of {:4} MiB", took / MIB, estimate / MIB);
    if took > estimate + estimate / 4 + 16 * MIB {
        return Err(format!("{name} {params}: {} MiB, estimated {}", took / MIB, estimate / MIB));
    }
    Ok(())
}

/// What people have, and want made of it without another limit.
#[test]
fn ordinary_pictures_fit_the_default() {
    let flat = |width, height| Picture::new(width, height, |_, _| [200, 180, 90, 255]);
    let phone = jpeg(&flat(4000, 3000), 90, Subsamp::Sub2x2, false);
    let screen = transform(&png(&flat(3840, 2160)), &plan("colors=16,f=png")).unwrap();
    let scan = transform(&png(&flat(2480, 3508)), &plan("colors=16,f=png")).unwrap();
    let moving = transform(&png(&flat(3840, 2160)), &plan("f=gif")).unwrap();
    let asked =
        ["f=jpeg", "f=png", "f=gif", "colors=64,f=png", "f=webp", "f=avif", "rotate=90", "blur=5"];
    for (name, source) in
        [("phone", &phone), ("screen", &screen), ("scan", &scan), ("gif", &moving)]
    {
        let limits = Limits::default();
        let fits = |params: &str| {
            let plan = plan(params);
            let memory = prepare(source, &plan, &limits).unwrap().memory();
            assert!(memory <= limits.memory, "{name} {params}: {} MiB", memory / MIB);
        };
        asked.into_iter().for_each(fits);
        if name == "phone" {
            fits("f=jxl");
        }
    }
    // Without loss it takes less than by its pixels, which is what is reserved.
    let jxl = plan("f=jxl");
    let roomy = Limits { memory: u64::MAX, ..Limits::default() };
    let memory = |limits| prepare(&phone, &jxl, &limits).unwrap().memory();
    assert!(memory(Limits::default()) < memory(roomy));
}

#[test]
fn estimates_hold() {
    let folder = std::env::temp_dir().join(format!("image-gate-estimates-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(&(name, make)) = SOURCES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if name.starts_with("heic") && !has_libheif() {
                        continue;
                    }
                    let source = folder.join(name.replace([' ', ':'], "-"));
                    std::fs::write(&source, make()).unwrap();
                    let made = match name {
                        "dots" => &TRIED[..],
                        "webp animated alpha" => &MOVING,
                        "png animated noise" => &LONG,
                        "jpeg with a narrow map" => &OF_MAPS,
                        _ if OF_ALL.contains(&name) => &MADE,
                        _ => &[],
                    };
                    let found = DECODED
                        .iter()
                        .chain(made)
                        .chain(if name == "jpeg with a map" { &OF_MAPS[..] } else { &[] })
                        .filter_map(|&params| judge(name, &source, params).err());
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    std::fs::remove_dir_all(&folder).unwrap();
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
