//! The decoder of low frequencies gives what libjpeg-turbo gives at an eighth, and nearly
//! so at more of them, for what many encoders write.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;
use image_gate_core::image::Limits;
use image_gate_core::image::internals::{JpegDecoder, Pixels, jpeg_shrunk};

/// How near the two have to be at an eighth, in dB.
fn least_at_an_eighth(jpeg: &[u8]) -> f64 {
    let factors = sampling(jpeg);
    let most = factors.iter().fold((1, 1), |(a, b), &(h, v)| (h.max(a), v.max(b)));
    let less = |times: u8| {
        factors.iter().any(|(h, v)| {
            most.0 >= 2 * h && most.1 >= 2 * v && most.0.max(most.1) >= times * h.min(v)
        })
    };
    // libjpeg-turbo makes more than one sample of a block that stands for so much.
    match (less(4), less(2)) {
        (true, _) => 40.0,
        (false, true) => 42.0,
        (false, false) => f64::INFINITY,
    }
}

/// How near the two have to be at so many eighths, in dB: libjpeg-turbo's samples at 2 and
/// 4 of them are averages, and those of a component that is sampled less often repeated.
fn least(jpeg: &[u8], eighths: u32) -> f64 {
    let factors = sampling(jpeg);
    let most = factors.iter().fold((1, 1), |(a, b), &(h, v)| (h.max(a), v.max(b)));
    let times = factors.iter().map(|(h, v)| (most.0 / h).max(most.1 / v)).max();
    match (eighths, times) {
        (1, _) => least_at_an_eighth(jpeg),
        (3 | 5, Some(1)) => 48.0,
        (_, Some(1)) => 46.0,
        (_, Some(2)) => 42.0,
        _ => 39.0,
    }
}

fn near(a: &Pixels, b: &Pixels) -> f64 {
    assert_eq!((a.width, a.height, a.channels), (b.width, b.height, b.channels));
    let square = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b)).pow(2);
    let squares: u64 = a.data.iter().zip(&b.data).map(square).sum();
    10.0 * (255.0f64.powi(2) * a.data.len() as f64 / squares as f64).log10()
}

/// How near the two are at so many eighths; `None` where the decoder declines.
fn compared(name: &str, jpeg: &[u8], eighths: u32) -> Option<f64> {
    let decode = |decoder| {
        jpeg_shrunk(jpeg, eighths, decoder, &Limits::default())
            .unwrap_or_else(|error| panic!("{name} {eighths}: {error}"))
    };
    Some(near(&decode(JpegDecoder::Turbo).unwrap(), &decode(JpegDecoder::Own)?))
}

/// Decodes by both at the scales that the decoder knows, and compares.
fn check(name: &str, jpeg: &[u8]) {
    for eighths in 1..=5 {
        let near = compared(name, jpeg, eighths).unwrap_or_else(|| panic!("{name} is declined"));
        assert!(near >= least(jpeg, eighths), "{name} {eighths}: {near} dB");
    }
}

fn encoded(picture: &Picture, sampling: Subsamp, quality: u8, kind: &str) -> Vec<u8> {
    match kind {
        "progressive" => jpeg(picture, quality, sampling, true),
        _ => other_jpeg(picture, quality, sampling, kind == "optimized", false),
    }
}

const KINDS: [&str; 3] = ["baseline", "optimized", "progressive"];

#[test]
fn every_sampling_quality_and_kind() {
    let picture = photo(1203, 901);
    for sampling in [
        Subsamp::Gray,
        Subsamp::None,
        Subsamp::Sub2x1,
        Subsamp::Sub1x2,
        Subsamp::Sub2x2,
        Subsamp::Sub4x1,
    ] {
        for quality in [20, 75, 90, 100] {
            for kind in KINDS {
                let name = format!("{sampling:?} {quality} {kind}");
                check(&name, &encoded(&picture, sampling, quality, kind));
            }
        }
    }
}

#[test]
fn every_small_size() {
    use Subsamp::{Gray, None, Sub2x1, Sub2x2, Sub4x1};
    for side in 1..=40 {
        let picture = photo(side, 41 - side);
        for sampling in [Gray, None, Sub2x1, Sub4x1] {
            for kind in ["baseline", "progressive"] {
                let jpeg = encoded(&picture, sampling, 90, kind);
                let near = compared("", &jpeg, 1).unwrap();
                assert!(near >= least(&jpeg, 1), "{side} {sampling:?} {kind}: {near} dB");
            }
        }
        // Other scales are not compared by details as small as a pixel; and where components
        // are sampled differently, the ends are what can go wrong.
        let ramp = Picture::new(side, 41 - side, |x, y| {
            [40 + 2 * x as u8, 200 - 2 * y as u8, (x + y) as u8, 255]
        });
        let flat = Picture::new(side, 41 - side, |_, _| [200, 90, 30, 255]);
        for (picture, sampling) in
            [(&ramp, Gray), (&ramp, None), (&flat, Sub2x1), (&flat, Sub4x1), (&flat, Sub2x2)]
        {
            for kind in ["baseline", "progressive"] {
                let name = format!("{side} {sampling:?} {kind}");
                check(&name, &encoded(picture, sampling, 90, kind));
            }
        }
    }
}

#[test]
fn what_is_read_to_the_last_bit_is_exact() {
    // At 3 and 5 eighths both compute the same, up to how they round. Of quantizers as coarse as
    // these every bit of a progressive image is read.
    let picture = photo(1203, 901);
    for sampling in [Subsamp::Gray, Subsamp::None] {
        for (quality, kinds) in
            [(10, KINDS.as_slice()), (20, &KINDS), (50, &KINDS), (95, &KINDS[..2])]
        {
            for kind in kinds {
                let jpeg = encoded(&picture, sampling, quality, kind);
                for eighths in [3, 5] {
                    let near = compared("", &jpeg, eighths).unwrap();
                    assert!(near > 55.0, "{sampling:?} {quality} {kind} {eighths}: {near} dB");
                }
            }
        }
    }
}

/// Where the encoders of this machine find the picture, and leave theirs.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("shrunk-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }

    fn ppm(&self, name: &str, picture: &Picture) -> PathBuf {
        let mut bytes = format!("P6\n{} {}\n255\n", picture.width, picture.height).into_bytes();
        bytes.extend(picture.rgb());
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether a program can be run; says so where it can't.
fn available(program: &str) -> bool {
    let found = Command::new(program).arg("-version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

/// What a program writes into the file that is named last.
fn made(program: &str, args: &[&str], out: &Path) -> Vec<u8> {
    let done = Command::new(program).args(args).output().unwrap();
    assert!(done.status.success(), "{program} {args:?}: {done:?}");
    std::fs::read(out).unwrap()
}

#[test]
fn what_cjpeg_writes() {
    if !available("cjpeg") {
        return;
    }
    let scratch = Scratch::new("cjpeg");
    let large = scratch.ppm("large.ppm", &photo(1203, 901));
    let script = |name: &str, text: &str| {
        let path = scratch.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // One scan a component; luma alone, both others in one.
    let apart = script("apart", "0;1;2;");
    let two = script("two", "1 2;0;");
    // Spectral selection without and with successive approximation, DC last to be refined.
    let bands = script("bands", "0,1,2: 0-0, 0, 0;0: 1-63, 0, 0;2: 1-63, 0, 0;1: 1-63, 0, 0;");
    let bits = script(
        "bits",
        "0: 0-0, 0, 2;1 2: 0-0, 0, 1;0: 1-5, 0, 1;1: 1-63, 0, 1;2: 1-63, 0, 1;0: 6-63, 0, 1;\
         0: 0-0, 2, 1;0,1,2: 0-0, 1, 0;0: 1-63, 1, 0;1: 1-63, 1, 0;2: 1-63, 1, 0;",
    );
    let samplings = [
        "1x1",
        "2x1",
        "1x2",
        "2x2",
        "4x1",
        "1x4",
        "4x2",
        "2x2,2x1,2x1",
        "2x2,1x2,1x2",
        "1x1,2x2,1x1",
        "3x1",
        "2x4",
    ];
    let options: [&[&str]; 12] = [
        &[],
        &["-optimize"],
        &["-restart", "1"],
        &["-restart", "3B"],
        &["-restart", "1B", "-optimize"],
        &["-progressive"],
        &["-progressive", "-restart", "2"],
        &["-scans", &apart],
        &["-scans", &apart, "-restart", "7B"],
        &["-scans", &two],
        &["-scans", &bands],
        &["-scans", &bits, "-restart", "1"],
    ];
    for sampling in samplings {
        for (index, options) in options.iter().enumerate() {
            let out = scratch.0.join("out.jpg");
            let quality = ["50", "85", "95"][index % 3];
            let mut args = vec!["-quality", quality, "-sample", sampling, "-outfile"];
            let name = format!("cjpeg {sampling} {options:?}");
            args.push(out.to_str().unwrap());
            args.extend(*options);
            args.push(large.to_str().unwrap());
            let jpeg = made("cjpeg", &args, &out);
            check(&name, &jpeg);
            if sampling == "1x1"
                && (quality == "50" || !jpeg.windows(2).any(|pair| pair == [0xff, 0xc2]))
            {
                let near = compared(&name, &jpeg, 3).unwrap();
                assert!(near > 55.0, "{name}: {near} dB");
            }
        }
    }
    for options in [
        &["-rgb"][..],
        &["-grayscale"],
        &["-grayscale", "-progressive", "-restart", "1"],
        &["-dct", "float"],
        &["-quality", "1", "-baseline"],
        &["-quality", "1"],
    ] {
        let out = scratch.0.join("out.jpg");
        let mut args = vec!["-sample", "1x1", "-outfile", out.to_str().unwrap()];
        args.extend(options);
        args.push(large.to_str().unwrap());
        check(&format!("cjpeg {options:?}"), &made("cjpeg", &args, &out));
    }
}

#[test]
fn what_imagemagick_and_vips_write() {
    let scratch = Scratch::new("others");
    let source = scratch.ppm("source.ppm", &photo(1205, 903));
    let source = source.to_str().unwrap();
    let out = scratch.0.join("out.jpg");
    let out_name = out.to_str().unwrap();
    // By full name: what else is called `convert` on a machine is anyone's guess.
    if available("/usr/bin/convert") {
        for sampling in ["4:4:4", "4:2:2", "4:4:0", "4:2:0", "4:1:1"] {
            for interlace in ["None", "Plane", "Line"] {
                for space in ["sRGB", "CMYK", "Gray"] {
                    let args = [
                        source,
                        "-colorspace",
                        space,
                        "-sampling-factor",
                        sampling,
                        "-interlace",
                        interlace,
                        "-quality",
                        "88",
                        out_name,
                    ];
                    let jpeg = made("/usr/bin/convert", &args, &out);
                    if space == "CMYK" && sampling == "4:2:0" {
                        // Black is sampled like chroma, which is none: that is left to libjpeg.
                        assert_eq!(
                            jpeg_shrunk(&jpeg, 1, JpegDecoder::Own, &Limits::default()),
                            Ok(None)
                        );
                    } else {
                        check(&format!("{args:?}"), &jpeg);
                    }
                }
            }
        }
    }
    if available("vips") {
        let full: [&[&str]; 6] = [
            &[],
            &["--interlace"],
            &["--optimize-coding"],
            &["--restart-interval", "5"],
            &["--subsample-mode", "on", "--Q", "95"],
            &["--subsample-mode", "off", "--interlace"],
        ];
        for options in full {
            let args = [&["jpegsave", source, out_name], options].concat();
            check(&format!("{args:?}"), &made("vips", &args, &out));
        }
    }
}

#[test]
fn the_fixtures() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures")).unwrap()
    {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("moz") && name.ends_with(".jpg") {
            check(name, &fixture(name));
        } else if name.ends_with(".jpg")
            && !name.starts_with("arithmetic")
            && least_at_an_eighth(&fixture(name)) > 42.0
        {
            // Their details are as small as a pixel.
            let source = fixture(name);
            for eighths in [1, 3, 5].into_iter().filter(|&eighths| least(&source, eighths) > 46.0) {
                let near = compared(name, &source, eighths).unwrap();
                assert!(near >= least(&source, eighths), "{name} {eighths}: {near} dB");
            }
        }
    }
}
