//! What the tests share: pictures, ways to encode and decode them that do not
//! go through the code under test, and how to compare them.

#![allow(dead_code, reason = "each test file uses another part")]

pub mod heif;
pub mod tiff;
pub mod ultra_hdr;

use std::cell::Cell;
use std::io::Cursor;

use image_gate_codecs::jpeg::{self, Samples};
use image_gate_codecs::webp;
use image_gate_core::image::{
    Control, Error, Format, Limits, Output, Plan, ProfilePolicy, prepare, probe, sniff,
};
use jpeg_encoder::{ColorType, SamplingFactor};

thread_local! {
    /// How often work has looked whether it is to end, and how often it may.
    static LOOKS: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

/// A control that ends the work of this thread when it has looked so often.
pub fn ended_after(most: u32) -> Control {
    LOOKS.set((0, most));
    Control::default().ended_by(|| {
        let (looks, most) = LOOKS.get();
        LOOKS.set((looks + 1, most));
        looks + 1 >= most
    })
}

/// How often work has looked since the last [`ended_after`].
pub fn looks() -> u32 {
    LOOKS.get().0
}

/// Reads files with each of their bytes replaced by some others: some are pictures then, and some are
/// not.
pub fn replace_every_byte(files: impl IntoIterator<Item = Vec<u8>>) {
    let mut outcomes = [0, 0];
    for whole in files {
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = probe(&changed);
                let limits = Limits { pixels: 1 << 20, ..Limits::default() };
                let plan = plan("w=5,f=png");
                let Ok(prepared) = prepare(&changed, &plan, &limits) else {
                    outcomes[0] += 1;
                    continue;
                };
                outcomes[usize::from(prepared.run(&Control::default()).is_ok())] += 1;
            }
        }
    }
    assert!(outcomes.iter().all(|&count| count > 100), "{outcomes:?}");
}

/// An RGBA picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<[u8; 4]>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture {}x{}", self.width, self.height)
    }
}

impl Picture {
    pub fn new(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Picture {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Picture { width, height, pixels: pixels.map(|(x, y)| pixel(x, y)).collect() }
    }

    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub fn at(&self, x: u32, y: u32) -> [u8; 4] {
        self.pixels[(y * self.width + x) as usize]
    }

    pub fn is_opaque(&self) -> bool {
        self.pixels.iter().all(|pixel| pixel[3] == 255)
    }

    pub fn rgb(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
    }

    pub fn rgba(&self) -> &[u8] {
        self.pixels.as_flattened()
    }
}

/// Something like a photo: gradients, edges, and a little texture.
pub fn photo(width: u32, height: u32) -> Picture {
    Picture::new(width, height, |x, y| {
        let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let ripple = 24.0 * ((u * 40.0).sin() * (v * 31.0).cos());
        let hill = if v > 0.55 + 0.15 * (u * 7.0).sin() { 70.0 } else { 0.0 };
        let disc = if (u - 0.3).hypot(v - 0.3) < 0.14 { 90.0 } else { 0.0 };
        let grain = f64::from(((x * 7919) ^ (y * 104_729)) % 13) - 6.0;
        let level = |base: f64| (base + ripple + grain).clamp(0.0, 255.0) as u8;
        [
            level(60.0 + 110.0 * u + disc - hill / 2.0),
            level(90.0 + 60.0 * v + disc / 2.0),
            level(170.0 - 90.0 * v - hill),
            255,
        ]
    })
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Of how many pixels, across and down, a JPEG has one chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsamp {
    None,
    Sub2x1,
    Sub1x2,
    Sub2x2,
    Sub4x1,
    Sub1x4,
    Gray,
}

pub fn jpeg(picture: &Picture, quality: u8, sampling: Subsamp, progressive: bool) -> Vec<u8> {
    let sampling = match sampling {
        Subsamp::Gray => None,
        Subsamp::None => Some((1, 1)),
        Subsamp::Sub2x1 => Some((2, 1)),
        Subsamp::Sub1x2 => Some((1, 2)),
        Subsamp::Sub2x2 => Some((2, 2)),
        Subsamp::Sub4x1 | Subsamp::Sub1x4 => {
            return other_jpeg(picture, quality, sampling, true, progressive);
        }
    };
    let rgb = picture.rgb();
    let grey = grey(&rgb);
    let samples = if sampling.is_none() { Samples::Grey(&grey) } else { Samples::Rgb(&rgb) };
    let (width, height) = picture.size();
    let sampling = sampling.unwrap_or((1, 1));
    let image = jpeg::Image { samples, width, height, sampling, quality, progressive };
    jpeg::encode(&image, || true).unwrap().to_vec()
}

/// A JPEG by another encoder, which knows more ways.
pub fn other_jpeg(
    picture: &Picture,
    quality: u8,
    sampling: Subsamp,
    optimized: bool,
    progressive: bool,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, quality);
    encoder.set_sampling_factor(match sampling {
        Subsamp::None | Subsamp::Gray => SamplingFactor::F_1_1,
        Subsamp::Sub2x1 => SamplingFactor::F_2_1,
        Subsamp::Sub1x2 => SamplingFactor::F_1_2,
        Subsamp::Sub2x2 => SamplingFactor::F_2_2,
        Subsamp::Sub4x1 => SamplingFactor::F_4_1,
        Subsamp::Sub1x4 => SamplingFactor::F_1_4,
    });
    encoder.set_optimized_huffman_tables(optimized);
    encoder.set_progressive(progressive);
    let (width, height) = (picture.width as u16, picture.height as u16);
    let (pixels, kind) = match sampling {
        Subsamp::Gray => (grey(&picture.rgb()), ColorType::Luma),
        _ => (picture.rgb(), ColorType::Rgb),
    };
    encoder.encode(&pixels, width, height, kind).unwrap();
    out
}

/// The luma of pixels.
pub fn grey(rgb: &[u8]) -> Vec<u8> {
    let luma = |&[red, green, blue]: &[u8; 3]| {
        let parts = [(0.299, red), (0.587, green), (0.114, blue)];
        parts.iter().map(|&(part, value)| part * f64::from(value)).sum::<f64>().round() as u8
    };
    rgb.as_chunks().0.iter().map(luma).collect()
}

/// How often each component is sampled across and down, as the header of a JPEG says.
pub fn sampling(jpeg: &[u8]) -> Vec<(u8, u8)> {
    let mut at = 2;
    loop {
        let segment = &jpeg[at + 2..];
        if matches!(jpeg[at + 1], 0xc0..=0xc2) {
            return segment[8..]
                .chunks(3)
                .take(segment[7].into())
                .map(|of| (of[1] >> 4, of[1] & 15))
                .collect();
        }
        at += 2 + usize::from(u16::from_be_bytes([segment[0], segment[1]]));
    }
}

pub fn png(picture: &Picture) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(picture.rgba()).unwrap();
    out
}

/// A whole chunk of PNG.
pub fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes(), &kind[..], data, &crc.sum().to_be_bytes()].concat()
}

/// Puts chunks right behind the header of a PNG.
pub fn with_chunks(png: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    let (head, rest) = png.split_at(8 + 25);
    [head, &chunks.concat(), rest].concat()
}

pub fn webp_lossless(picture: &Picture) -> Vec<u8> {
    let (pixels, color) = match picture.is_opaque() {
        true => (picture.rgb(), image_webp::ColorType::Rgb8),
        false => (picture.rgba().to_vec(), image_webp::ColorType::Rgba8),
    };
    let mut out = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut out);
    encoder.encode(&pixels, picture.width, picture.height, color).unwrap();
    out
}

pub fn webp_lossy(picture: &Picture, quality: u8) -> Vec<u8> {
    let alpha = !picture.is_opaque();
    let pixels = if alpha { picture.rgba().to_vec() } else { picture.rgb() };
    let (lossless, effort) = (false, 4);
    let &Picture { width, height, .. } = picture;
    let samples = match alpha {
        true => webp::Samples::Rgba(&pixels),
        false => webp::Samples::Rgb(&pixels),
    };
    let image = webp::Image { samples, width, height, lossless, quality, effort };
    webp::encode(&image, || true).unwrap().to_vec()
}

/// The headers of a BMP of so many colours, all of them black.
pub fn bmp_header(width: u32, height: u32, bits: u16, compression: u32, colors: u32) -> Vec<u8> {
    let start = 14 + 40 + 4 * colors;
    let mut out = b"BM\0\0\0\0\0\0\0\0".to_vec();
    for number in [start, 40, width, height] {
        out.extend(number.to_le_bytes());
    }
    out.extend([1, 0]);
    out.extend(bits.to_le_bytes());
    for number in [compression, 0, 0, 0, colors, 0] {
        out.extend(number.to_le_bytes());
    }
    out.resize(start as usize, 0);
    out
}

/// A BMP of 24 bits, without alpha.
pub fn bmp(picture: &Picture) -> Vec<u8> {
    let mut out = bmp_header(picture.width, picture.height, 24, 0, 0);
    for row in picture.pixels.chunks(picture.width as usize).rev() {
        out.extend(row.iter().flat_map(|&[r, g, b, _]| [b, g, r]));
        out.extend(vec![0; picture.width as usize % 4]);
    }
    out
}

/// A PPM, without alpha.
pub fn ppm(picture: &Picture) -> Vec<u8> {
    let head = format!("P6\n{} {}\n255\n", picture.width, picture.height);
    [head.as_bytes(), &picture.rgb()].concat()
}

/// A QOI, not packed.
pub fn qoi(picture: &Picture) -> Vec<u8> {
    let mut out = b"qoif".to_vec();
    out.extend([picture.width.to_be_bytes(), picture.height.to_be_bytes()].concat());
    out.extend([if picture.is_opaque() { 3 } else { 4 }, 0]);
    for &[r, g, b, a] in &picture.pixels {
        match a {
            255 => out.extend([0xfe, r, g, b]),
            _ => out.extend([0xff, r, g, b, a]),
        }
    }
    out.extend([0, 0, 0, 0, 0, 0, 0, 1]);
    out
}

/// Puts a segment right behind the start of a JPEG.
pub fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    out.extend([0xff, marker]);
    out.extend((body.len() as u16 + 2).to_be_bytes());
    out.extend(body);
    out.extend(&jpeg[2..]);
    out
}

/// An EXIF block with an orientation, an author, rights, and a GPS directory.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x04\0".to_vec();
    let heap = 8 + 2 + 4 * 12 + 4;
    tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend([0x3b, 0x01, 2, 0, 10, 0, 0, 0, heap, 0, 0, 0]);
    tiff.extend([0x98, 0x82, 2, 0, 12, 0, 0, 0, heap + 10, 0, 0, 0]);
    tiff.extend([0x25, 0x88, 4, 0, 1, 0, 0, 0, heap + 22, 0, 0, 0]);
    tiff.extend([0; 4]);
    tiff.extend(b"Ann Other\0(c) 2024 AO\0");
    tiff.extend(b"\x01\0\x01\0\x02\0\x02\0\0\0GPSN\0\0\0\0");
    tiff
}

pub fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    with_segment(jpeg, 0xe1, &[b"Exif\0\0", exif(orientation).as_slice()].concat())
}

/// Decodes an image of any format, completely and at full size.
pub fn decode(bytes: &[u8]) -> Picture {
    match sniff(bytes).expect("an image") {
        Format::Jpeg => {
            let decoder = jpeg::Decoder::new(bytes, 100).unwrap();
            let (width, height) = decoder.size();
            let mut pixels = vec![0; (width * height * 3) as usize];
            decoder.decode(8, None, jpeg::PixelFormat::Rgb, &mut pixels, || true).unwrap();
            picture(width, height, 3, &pixels)
        }
        Format::Png => {
            let mut decoder = png::Decoder::new(Cursor::new(bytes));
            decoder.set_transformations(png::Transformations::EXPAND);
            let mut reader = decoder.read_info().unwrap();
            let mut data = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut data).unwrap();
            assert_eq!(info.bit_depth, png::BitDepth::Eight);
            picture(info.width, info.height, info.color_type.samples(), &data)
        }
        Format::Gif => {
            let mut options = gif::DecodeOptions::new();
            options.set_color_output(gif::ColorOutput::RGBA);
            let mut decoder = options.read_info(bytes).unwrap();
            let (width, height) = (decoder.width().into(), decoder.height().into());
            let frame = decoder.read_next_frame().unwrap().unwrap();
            picture(width, height, 4, &frame.buffer)
        }
        Format::Webp => {
            let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).unwrap();
            let (width, height) = decoder.dimensions();
            let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
            decoder.read_image(&mut pixels).unwrap();
            picture(width, height, if decoder.has_alpha() { 4 } else { 3 }, &pixels)
        }
        Format::Avif => {
            // As stored.
            let plan = Plan { orient: false, profile: ProfilePolicy::Keep, ..plan("f=png") };
            decode(&transform(bytes, &plan).unwrap())
        }
        Format::Jxl => decode(&transform(bytes, &plan("f=png")).unwrap()),
        Format::Bmp
        | Format::Heic
        | Format::Ico
        | Format::Pnm
        | Format::Qoi
        | Format::Svg
        | Format::Tiff => {
            panic!("no output")
        }
    }
}

pub fn picture(width: u32, height: u32, channels: usize, data: &[u8]) -> Picture {
    let pixels: Vec<[u8; 4]> = data
        .chunks_exact(channels)
        .map(|pixel| match *pixel {
            [l] => [l, l, l, 255],
            [l, a] => [l, l, l, a],
            [r, g, b] => [r, g, b, 255],
            [r, g, b, a] => [r, g, b, a],
            _ => unreachable!(),
        })
        .collect();
    assert_eq!(pixels.len(), (width * height) as usize);
    Picture { width, height, pixels }
}

/// Peak signal-to-noise ratio over all four channels, in dB.
pub fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!(a.size(), b.size());
    let squares: u64 =
        a.rgba().iter().zip(b.rgba()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    let mean = squares as f64 / a.rgba().len() as f64;
    10.0 * (255.0f64.powi(2) / mean).log10()
}

/// The plan of these parameters.
pub fn plan(params: &str) -> Plan {
    Plan::from_params(params).unwrap()
}

/// What becomes of an image; the original where that goes out.
pub fn transform(input: &[u8], plan: &Plan) -> Result<Vec<u8>, Error> {
    let prepared = prepare(input, plan, &Limits::default())?;
    let transformed = prepared.run(&Control::default())?;
    Ok(match transformed.output {
        Output::Original => input.to_vec(),
        Output::Stripped(bytes) | Output::Encoded(bytes) => {
            assert_eq!(sniff(&bytes), Some(transformed.format));
            bytes
        }
    })
}

/// Like [`transform`], decoded.
pub fn transformed(input: &[u8], plan: &Plan) -> Picture {
    let bytes = transform(input, plan).unwrap();
    let picture = decode(&bytes);
    let prepared = prepare(input, plan, &Limits::default()).unwrap();
    let said = prepared.run(&Control::default()).unwrap();
    assert_eq!((said.width, said.height), picture.size());
    picture
}

/// Whether an image goes out unchanged.
pub fn passes(input: &[u8], plan: &Plan) -> bool {
    let prepared = prepare(input, plan, &Limits::default()).unwrap();
    matches!(prepared.run(&Control::default()).unwrap().output, Output::Original)
}

/// The most memory that the process ever had, in bytes.
pub fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
