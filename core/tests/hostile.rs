//! Sources that mean harm, or were damaged on their way.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::*;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image_gate_core::image::{
    Control, DamagePolicy, Error, Limits, MetadataPolicy, Output, Plan, ProfilePolicy, prepare,
    probe,
};

const FIXTURES: [&str; 22] = [
    "pattern.png",
    "interlaced.png",
    "rgb16.png",
    "grey16.png",
    "grey-alpha.png",
    "bilevel.png",
    "palette-alpha.png",
    "palette-interlaced.png",
    "sampled-1x1.jpg",
    "sampled-2x1.jpg",
    "sampled-2x2.jpg",
    "sampled-1x2.jpg",
    "sampled-4x1.jpg",
    "progressive.jpg",
    "grey.jpg",
    "cmyk.jpg",
    "still.gif",
    "interlaced.gif",
    "transparent.gif",
    "lossy.webp",
    "lossless.webp",
    "lossy-alpha.webp",
];

/// Parameters under which damage is refused.
fn strict(params: &str) -> Plan {
    Plan { damaged: DamagePolicy::Strict, ..plan(params) }
}

fn refused(source: &[u8]) -> Error {
    let start = Instant::now();
    let error = prepare(source, &strict("w=50"), &Limits::default()).unwrap_err();
    // Generous, and still far from what decoding would take.
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    error
}

#[test]
fn a_truncated_image_is_an_error_or_whole() {
    for name in FIXTURES {
        let source = fixture(name);
        let plan = strict("f=png,sharpen=1");
        let whole = transform(&source, &plan).unwrap();
        let mut survivors = 0;
        for len in (0..source.len()).step_by(1 + source.len() / 400) {
            match transform(&source[..len], &plan) {
                Ok(out) => {
                    survivors += 1;
                    assert_eq!(decode(&out), decode(&whole), "{name} at {len}");
                }
                Err(error) => assert!(
                    matches!(error, Error::DecodeFailed(_) | Error::NotImage),
                    "{name} at {len}: {error}"
                ),
            }
        }
        assert!(survivors <= 4, "{name}: {survivors}");
    }
}

#[test]
fn a_missing_end_is_found_before_decoding() {
    for name in FIXTURES {
        let source = fixture(name);
        for len in source.len().saturating_sub(40)..source.len() {
            let error = refused(&source[..len]);
            assert_eq!(error, Error::DecodeFailed("the image is truncated".to_owned()), "{name}");
        }
    }
}

/// A small generator of numbers, the same at every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[test]
fn damaged_images_never_panic() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let limits = Limits { pixels: 1 << 20, ..Limits::default() };
    let mut plan = plan("w=40,h=30,fit=crop,rotate=90,metadata=keep");
    for name in FIXTURES {
        let source = match name.ends_with(".jpg") {
            true => with_orientation(&fixture(name), 6),
            false => fixture(name),
        };
        for round in 0..300 {
            let mut damaged = source.clone();
            for _ in 0..1 + numbers.below(4) {
                // The headers are where it gets interesting.
                let end = if round % 2 == 0 { damaged.len() } else { damaged.len().min(200) };
                let at = numbers.below(end);
                match numbers.below(4) {
                    0 => damaged[at] = numbers.below(256) as u8,
                    1 => damaged[at] = [0, 0xff, 0x7f, 0x80][numbers.below(4)],
                    2 => drop(damaged.remove(at)),
                    _ => damaged.insert(at, numbers.below(256) as u8),
                }
            }
            plan.profile = [ProfilePolicy::Srgb, ProfilePolicy::Keep][round % 2];
            plan.metadata = [MetadataPolicy::Keep, MetadataPolicy::Copyright][round / 2 % 2];
            let _ = probe(&damaged);
            if let Ok(prepared) = prepare(&damaged, &plan, &limits) {
                let _ = prepared.memory();
                let _ = prepared.run(&Control::default());
            }
        }
    }
}

/// As it is, of another size, and of another format.
const ASKED: [&str; 3] = ["", "w=40", "f=png,w=33"];

/// A part of a file lost, of zeros, or of noise.
fn damaged(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // Mostly in the data, but in headers as well.
    let from = if numbers.below(3) == 0 { 4 } else { bytes.len() / 5 };
    let start = from + numbers.below(bytes.len() - from);
    let longest = [1, 4, 40, bytes.len() / 3][numbers.below(4)];
    let end = (start + longest).min(bytes.len());
    match numbers.below(4) {
        0 => bytes[start] ^= 1 << numbers.below(8),
        1 => bytes[start..end].fill(0),
        2 => bytes[start..end].fill_with(|| numbers.below(256) as u8),
        _ => drop(bytes.drain(start..end)),
    }
    bytes
}

/// An animation of each kind.
fn animations() -> Vec<(&'static str, Vec<u8>)> {
    let mut gif = Vec::new();
    let palette: Vec<u8> = (0..64).flat_map(|i| [i * 4, 255 - i * 4, i]).collect();
    let mut encoder = gif::Encoder::new(&mut gif, 60, 50, &palette).unwrap();
    for turn in 0..4u16 {
        let pixels = (0..50u16).flat_map(|y| (0..60u16).map(move |x| (x, y)));
        let indices: Vec<u8> =
            pixels.map(|(x, y)| ((x / 3 + y / 5 + x * y % 7 + 9 * turn) % 64) as u8).collect();
        let (width, height) = (60, 50);
        let frame = gif::Frame { width, height, buffer: indices.into(), ..gif::Frame::default() };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    let made = |name, params| (name, transform(&gif, &plan(params)).unwrap());
    vec![
        made("moving.webp", "f=webp"),
        made("moving.png", "f=png"),
        made("moving.avif", "f=avif"),
        #[cfg(feature = "jxl")]
        made("moving.jxl", "f=jxl"),
        ("moving.gif", gif.clone()),
    ]
}

/// A JPEG XL in a container.
fn boxed(codestream: &[u8]) -> Vec<u8> {
    let len = codestream.len() as u32 + 8;
    let start = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ";
    [&start[..], &len.to_be_bytes(), b"jxlc", codestream].concat()
}

/// A segment or a box more, of a JPEG or of a JPEG XL in a container.
fn with_more(bytes: &[u8], numbers: &mut Numbers) -> Option<Vec<u8>> {
    let (places, more): (Vec<usize>, [&[u8]; 8]) = if bytes.starts_with(&[0xff, 0xd8]) {
        let marker = |&at: &usize| matches!(bytes[at..at + 2], [0xff, 0xc0..=0xcf | 0xd9..=0xfe]);
        let segments = [
            &b"\xff\xcc\0\0"[..],
            b"\xff\xcc\0\x02",
            b"\xff\xcc\0\x04\0\x01",
            b"\xff\xc4\0\x01",
            b"\xff\xdb\0\x02",
            b"\xff\xdd\0\x04\0\x05",
            b"\xff\xdc\0\x04\0\x10",
            b"\xff\xda\0\x08\x01\x01\0\0\x3f\0",
        ];
        ((0..bytes.len() - 1).filter(marker).collect(), segments)
    } else if bytes.starts_with(b"\0\0\0\x0cJXL ") {
        let boxes = [
            &b"\0\0\0\x0ajxlc\xff\x0a"[..],
            b"\0\0\0\x0cjxlp\0\0\0\0",
            b"\0\0\0\x0ejxlp\x80\0\0\0\xff\x0a",
            b"\0\0\0\x09jxll\x05",
            b"\0\0\0\x09free\x05",
            b"\0\0\0\x04free",
            b"\0\0",
            b"\0\0\0\0brob",
        ];
        (vec![12, 32, bytes.len()], boxes)
    } else {
        return None;
    };
    let (at, more) = (places[numbers.below(places.len())], more[numbers.below(8)]);
    Some([&bytes[..at], more, &bytes[at..]].concat())
}

/// Whether an image is shown, and whether it is said to be damaged.
fn verdict(source: &[u8], plan: &Plan) -> Result<bool, Error> {
    let prepared = prepare(source, plan, &Limits::default())?;
    prepared.run(&Control::default())?;
    Ok(prepared.damage().is_some())
}

#[test]
fn one_verdict_whatever_is_asked_for() {
    let mut numbers = Numbers(13);
    // More of them are for a search by hand.
    let rounds = std::env::var("ROUNDS").map_or(40, |rounds| rounds.parse().unwrap());
    let heic =
        if common::heif::has_libheif() { vec!["pattern.heic", "alpha.heic"] } else { vec![] };
    let others = [
        "scans.jpg",
        "restarts.jpg",
        "pattern.avif",
        "flat-420-8.avif",
        "pattern.jxl",
        "grey16.jxl",
    ];
    let files = FIXTURES.into_iter().chain(others).chain(heic).map(|name| (name, fixture(name)));
    let boxed = ("boxed", boxed(&fixture("pattern.jxl")));
    for (name, whole) in files.chain([boxed]).chain(animations()) {
        let mut refused = 0;
        for number in 0..rounds {
            let more = if number % 4 == 0 { with_more(&whole, &mut numbers) } else { None };
            let source = more.unwrap_or_else(|| damaged(&whole, &mut numbers));
            for damaged in [DamagePolicy::Lenient, DamagePolicy::Strict] {
                let verdicts =
                    ASKED.map(|asked| match verdict(&source, &Plan { damaged, ..plan(asked) }) {
                        // The data of a JPEG is not looked at where it goes out as it is.
                        Ok(is_damaged) => Some(is_damaged && !name.ends_with(".jpg")),
                        Err(Error::Internal(what)) => panic!("{name} {number} {asked}: {what}"),
                        Err(_) => None,
                    });
                assert_eq!(verdicts, [verdicts[0]; 3], "{name} {number} {damaged:?}");
                refused += usize::from(verdicts[0].is_none());
            }
        }
        assert!(refused > 0, "{name}: nothing was damaged");
    }
}

#[test]
fn every_frame_that_goes_out_is_looked_at_by_the_strict() {
    let frame = b"\x2c\0\0\0\0\x10\0\x10\0\0\x02\x12\
        \x84\x8f\xa9\xcb\xed\x0f\xa3\x9c\xb4\xda\x8b\xb3\xde\xbc\xfb\x0f\x05\x00\0";
    let file = |second: &[u8]| {
        let screen = b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xff\xff\xff";
        [&screen[..], frame, second, b"\x3b"].concat()
    };
    let (whole, broken) = (file(frame), file(b"\x2c\0\0\0\0\x10\0\x10\0\0\x02\x02\x44\x01\0"));
    for params in ["", "w=8"] {
        assert!(transform(&whole, &strict(params)).is_ok(), "{params}");
        assert!(transform(&broken, &plan(params)).is_ok(), "{params}");
        assert!(transform(&broken, &strict(params)).is_err(), "{params}");
    }
}

#[test]
fn noise_behind_a_signature_never_panics() {
    let mut numbers = Numbers(99);
    for start in [
        &b"\xff\xd8\xff"[..],
        b"\xff\xd8\xff\xe1\0\x40Exif\0\0II*\0",
        b"\xff\xd8\xff\xc0\0\x11\x08\0\x10\0\x10\x03",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0",
        b"GIF89a\x10\0\x10\0\x80\0\0",
        b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0",
        b"RIFF\xff\0\0\0WEBPVP8L",
    ] {
        for _ in 0..500 {
            let len = numbers.below(300);
            let mut source = start.to_vec();
            source.extend((0..len).map(|_| numbers.below(256) as u8));
            let _ = probe(&source);
            let _ = transform(&source, &plan("w=10,f=png"));
        }
    }
}

fn png_of(header: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(png_chunk(b"IHDR", header));
    chunks.iter().for_each(|chunk| out.extend(chunk));
    out.extend(png_chunk(b"IEND", b""));
    out
}

fn deflated(data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_png_of_four_gigapixels() {
    let bomb = png_of(
        &[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 8, 6, 0, 0, 0],
        &[png_chunk(b"IDAT", &deflated(&[0; 1 << 20]))],
    );
    assert!(matches!(refused(&bomb), Error::TooManyPixels(_)));
    // All bits of the size count: these are 65536 + 1 pixels wide.
    let wide = png_of(
        &[0, 1, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0],
        &[png_chunk(b"IDAT", &deflated(&[0; 100]))],
    );
    assert_eq!(probe(&wide).unwrap().width, 65537);
    assert_eq!(
        refused(&wide),
        Error::TooManyPixels("65537 pixels wide, the limit is 65535".to_owned())
    );
}

#[test]
fn a_png_with_bombs_in_its_chunks() {
    let zeros = deflated(&vec![0; 100 << 20]);
    let text = [&b"XML:com.adobe.xmp\0\x01\0\0\0"[..], &zeros].concat();
    let ztxt = [&b"Comment\0\0"[..], &zeros].concat();
    let icc = [&b"icc\0\0"[..], &zeros].concat();
    let source = png_of(
        &[0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0],
        &[
            png_chunk(b"iCCP", &icc),
            png_chunk(b"iTXt", &text),
            png_chunk(b"zTXt", &ztxt),
            png_chunk(b"IDAT", &deflated(&[0; 6])),
        ],
    );
    let start = Instant::now();
    let plan = Plan { metadata: MetadataPolicy::Keep, ..plan("f=jpeg") };
    transform(&source, &plan).unwrap();
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
}

#[test]
fn a_png_with_more_data_than_pixels() {
    let source = png_of(
        &[0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0],
        &[png_chunk(b"IDAT", &deflated(&vec![0; 64 << 20]))],
    );
    let start = Instant::now();
    let _ = transform(&source, &plan("f=jpeg"));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn what_an_interlaced_png_lacks_is_filled_in_steps() {
    let header = [0, 0, 8, 0, 0, 0, 8, 0, 8, 0, 0, 0, 1];
    // The first pass alone, and none of the 3,584 rows of the others.
    let noise: Vec<u8> = (0..256 * 257u32)
        .map(|i| match i % 257 {
            0 => 0,
            _ => (i.wrapping_mul(2_654_435_761) >> 24) as u8,
        })
        .collect();
    let png = png_of(&header, &[png_chunk(b"IDAT", &deflated(&noise))]);
    let control = ended_after(u32::MAX);
    prepare(&png, &plan("w=50,f=png"), &Limits::default()).unwrap().run(&control).unwrap();
    assert!(looks() > 3584, "{}", looks());
}

#[test]
fn a_png_with_a_wrong_checksum() {
    let mut source = fixture("pattern.png");
    let len = source.len();
    source[len - 20] ^= 1;
    assert!(matches!(transform(&source, &strict("w=50")), Err(Error::DecodeFailed(_))));
}

#[test]
fn a_jpeg_with_a_thousand_scans() {
    let source = jpeg(&photo(640, 480), 80, Subsamp::Sub2x2, true);
    // Repeats the last scan and what belongs to it.
    let last = source.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let end = source.len() - 2;
    let scan = source[last..end].to_vec();
    let mut bomb = source[..end].to_vec();
    (0..1000).for_each(|_| bomb.extend(&scan));
    bomb.extend([0xff, 0xd9]);
    assert_eq!(refused(&bomb), Error::TooManyFrames("more than 64 scans".to_owned()));
}

#[test]
fn scans_are_counted_whatever_the_limit_and_the_frame() {
    let source = fixture("progressive.jpg");
    let scan = |component| [0xff, 0xda, 0, 8, 1, component, 0, 1, 1, 0];
    let bomb =
        [&source[..source.len() - 2], &scan(source_component(&source)).repeat(5000)].concat();
    let limits = Limits { scans: u32::MAX, ..Limits::default() };
    let error = prepare(&bomb, &Plan::default(), &limits).unwrap_err();
    assert_eq!(error, Error::TooManyFrames("more than 3584 scans".to_owned()));
    // Of more components than there may be, no scan is looked at.
    let components: Vec<u8> = (0..255).flat_map(|id| [id, 0x11, 0]).collect();
    let frame = [&[8, 0, 16, 0, 16, 255], &components[..]].concat();
    let of = |count| {
        let start = with_segment(&[0xff, 0xd8], 0xc2, &frame);
        [start, scan(200).repeat(count), vec![0xff, 0xd9]].concat()
    };
    assert!(matches!(refused(&of(1)), Error::UnsupportedFormat(_)));
    assert!(matches!(refused(&of(5000)), Error::TooManyFrames(_)));
}

/// What the first component of a JPEG is called.
fn source_component(jpeg: &[u8]) -> u8 {
    let frame = jpeg.windows(2).position(|two| matches!(two, [0xff, 0xc0 | 0xc2])).unwrap();
    jpeg[frame + 10]
}

/// Asserts that both policies say the same of it, whatever is asked for.
fn is_shown(what: &str, source: &[u8], asked: [&str; 3]) -> bool {
    let shown = [DamagePolicy::Lenient, DamagePolicy::Strict].map(|damaged| {
        let verdicts =
            asked.map(|asked| verdict(source, &Plan { damaged, ..plan(asked) }).map(|_| ()));
        let shown = verdicts[0].is_ok();
        assert!(verdicts.iter().all(|other| other.is_ok() == shown), "{what}: {verdicts:?}");
        shown
    });
    shown[0]
}

#[test]
fn a_segment_that_is_short_has_one_verdict() {
    for name in ["sampled-2x2.jpg", "progressive.jpg"] {
        let source = fixture(name);
        let frame = source.windows(2).position(|two| matches!(two, [0xff, 0xc0 | 0xc2])).unwrap();
        let scan = source.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
        for marker in 0xc0..=0xfe {
            for (at, len) in [(frame, 0), (frame, 1), (scan, 0), (scan, 2), (scan, 3)] {
                let short = [0xff, marker, 0, len, 0][..4 + usize::from(len / 3)].to_vec();
                let source = [&source[..at], &short, &source[at..]].concat();
                let what = format!("{name} {marker:x} of {len} at {at}");
                let shown = is_shown(&what, &source, ASKED);
                // What is optional and said in a length that is none is refused by libjpeg.
                assert!(!(shown && len < 2 && matches!(marker, 0xc4 | 0xcc | 0xdb)), "{what}");
            }
        }
    }
}

#[test]
fn a_jpeg_with_a_longer_side_than_libjpeg_reads() {
    let line = |x, _| [x as u8, 9, 9, 255];
    let upright = Picture::new(8, 65500, line);
    let lying = Picture::new(65500, 8, line);
    for (picture, at, asked) in
        [(&upright, 5, ["", "w=4", "f=png,w=4"]), (&lying, 7, ["", "h=4", "f=png,h=4"])]
    {
        for progressive in [true, false] {
            let source = jpeg(picture, 80, Subsamp::Gray, progressive);
            let frame = source.windows(2).position(|two| matches!(two, [0xff, 0xc0 | 0xc2]));
            let at = frame.unwrap() + at;
            assert_eq!(source[at..at + 2], 65500u16.to_be_bytes());
            assert!(is_shown("65500", &source, asked));
            let mut longer = source.clone();
            longer[at..at + 2].copy_from_slice(&65501u16.to_be_bytes());
            assert!(!is_shown("65501", &longer, asked));
            // Rows that are said behind the scan.
            longer[at..at + 2].fill(0);
            longer.truncate(longer.len() - 2);
            longer.extend(b"\xff\xdc\0\x04\xff\xdd\xff\xd9");
            assert!(!is_shown("65501 by DNL", &longer, asked));
        }
    }
}

#[test]
fn a_jpeg_with_a_lying_header() {
    let source = jpeg(&photo(64, 48), 80, Subsamp::Sub2x2, false);
    let frame = source.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let sized = |width: u16, height: u16| {
        let mut source = source.clone();
        source[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        source[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        source
    };
    assert!(matches!(refused(&sized(65500, 65500)), Error::TooManyPixels(_)));
    assert!(matches!(refused(&sized(7000, 7000)), Error::DecodeFailed(_)));
    assert!(matches!(refused(&sized(0, 48)), Error::DecodeFailed(_)));
    assert!(matches!(refused(&sized(64, 0)), Error::DecodeFailed(_)));
    // A little larger than its data: found out by decoding.
    let strict = Plan { damaged: DamagePolicy::Strict, ..plan("w=5") };
    assert!(matches!(transform(&sized(64, 64), &strict), Err(Error::DecodeFailed(_))));
    // Far too large is too large for anybody, unless it costs little.
    assert!(transform(&sized(7000, 7000), &plan("w=5")).is_err());
    assert!(transform(&sized(700, 700), &plan("w=5")).is_ok());
    // A second frame header, before and behind the scan.
    let second = source[frame..frame + 19].to_vec();
    for at in [frame + 19, source.len() - 2] {
        let mut source = source.clone();
        source.splice(at..at, second.clone());
        assert!(matches!(refused(&source), Error::DecodeFailed(_)), "{at}");
    }
}

#[test]
fn kinds_of_jpeg_that_nobody_writes() {
    let source = jpeg(&photo(64, 48), 80, Subsamp::Sub2x2, false);
    let frame = source.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    for (at, value) in [(1, 0xc3), (1, 0xc5), (1, 0xcb), (4, 12)] {
        let mut source = source.clone();
        source[frame + at] = value;
        assert!(matches!(refused(&source), Error::UnsupportedFormat(_)), "{value:x}");
    }
    let mut source = source;
    source[frame + 11] = 0x50;
    assert!(matches!(refused(&source), Error::DecodeFailed(_)));
}

#[test]
fn damage_in_the_middle_of_a_jpeg_is_no_grey_half() {
    let mut source = jpeg(&photo(640, 480), 90, Subsamp::Sub2x2, false);
    let scan = source.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let middle = (scan + source.len()) / 2;
    // The second half of the data is gone, but the end is there.
    source.drain(middle..source.len() - 2);
    let strict = Plan { damaged: DamagePolicy::Strict, ..plan("w=500") };
    assert!(matches!(transform(&source, &strict), Err(Error::DecodeFailed(_))));
}

#[test]
fn a_gif_of_a_hundred_thousand_frames() {
    let mut bomb = b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    for _ in 0..100_000 {
        bomb.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
    }
    bomb.push(0x3b);
    assert_eq!(
        refused(&bomb),
        Error::TooManyFrames("100000 frames, the limit is 65536".to_owned())
    );
}

#[test]
fn an_animation_beyond_a_limit_is_its_first_frame() {
    let frame = b"\x2c\0\0\0\0\x10\0\x10\0\0\x02\x02\x44\x01\0";
    let mut gif = b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    gif.extend(b"\x2c\0\0\0\0\x10\0\x10\0\0\x02\x12");
    gif.extend([0x84, 0x8f, 0xa9, 0xcb, 0xed, 0x0f, 0xa3, 0x9c]);
    gif.extend([0xb4, 0xda, 0x8b, 0xb3, 0xde, 0xbc, 0xfb, 0x0f, 0x05, 0x00, 0]);
    gif.extend(frame.repeat(9));
    gif.push(0x3b);
    let limits = Limits::default();
    let of = |limits: &Limits, plan: &Plan| {
        let out = prepare(&gif, plan, limits)?.run(&Control::default())?;
        let Output::Encoded(out) = out.output else { panic!("goes out as it is") };
        Ok(probe(&out).unwrap().frames)
    };
    let lenient = plan("w=8");
    let small = [
        Limits { frames: 9, ..limits },
        Limits { pixels: 2559, ..limits },
        Limits { output_pixels: 639, ..limits },
    ];
    for small in small {
        assert_eq!(of(&small, &lenient), Ok(1), "{small:?}");
        let error = of(&small, &strict("w=8")).unwrap_err();
        assert!(matches!(error, Error::TooManyFrames(_) | Error::TooManyPixels(_)), "{error}");
        // One frame is asked for.
        assert_eq!(of(&small, &strict("w=8,anim=off")), Ok(1), "{small:?}");
    }
    let enough = Limits { frames: 10, pixels: 2560, output_pixels: 640, ..limits };
    assert!(prepare(&gif, &strict("w=8"), &enough).is_ok());
    // The first frame is within limits of its own.
    let tiny = Limits { pixels: 255, ..limits };
    assert!(matches!(of(&tiny, &lenient), Err(Error::TooManyPixels(_))));
    // What goes out as it is was not decoded.
    let same = plan("w=99");
    assert!(passes(&gif, &same));
    assert_eq!(prepare(&gif, &same, &tiny).unwrap().memory(), 0);
}

#[test]
fn ordinary_files_are_within_the_limits() {
    let source = jpeg(&photo(640, 480), 80, Subsamp::Sub2x2, false);
    let frame = source.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    // As much data as such an image has at least.
    let sized = |width: u16, height: u16| {
        let mut source = source.clone();
        source[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        source[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        source.truncate(source.len() - 2);
        source.resize(source.len() + usize::from(width) * usize::from(height) / 64, 0);
        source.extend([0xff, 0xd9]);
        source
    };
    for (width, height) in [(8160, 6144), (12000, 9000), (16320, 12240), (12240, 16320)] {
        let source = sized(width, height);
        for params in ["w=60", "w=200", "w=1600", "w=400,h=400,fit=crop"] {
            let plan = plan(params);
            let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
            assert!(prepared.memory() < 128 << 20, "{width} {params}: {}", prepared.memory());
        }
    }
    // An eighth of the sides is a 64th of the pixels.
    let source = sized(8160, 6144);
    let tight = Limits { pixels: 1020 * 768, ..Limits::default() };
    assert!(prepare(&source, &plan("w=200"), &tight).is_ok());
    let error = prepare(&source, &plan("w=2000"), &tight).unwrap_err();
    assert!(matches!(error, Error::TooManyPixels(_)), "{error}");
    let narrow = Limits { width: 8159, ..Limits::default() };
    assert!(prepare(&source, &plan("w=200"), &narrow).is_err());

    let mut gif = b"GIF89a\xf2\x01\xf2\x01\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    (0..300).for_each(|_| gif.extend(b"\x2c\0\0\0\0\xf2\x01\xf2\x01\0\x02\x02\x44\x01\0"));
    gif.push(0x3b);
    for params in ["w=200", "f=webp", "rotate=90"] {
        let plan = strict(params);
        let prepared = prepare(&gif, &plan, &Limits::default()).unwrap();
        assert!(prepared.memory() < 256 << 20, "{params}: {}", prepared.memory());
    }
}

#[test]
fn a_gif_frame_far_larger_than_its_canvas() {
    // 11x9 pixels, of which the frame has 8055x40115: the canvas is as large as that.
    let source = b"GIF89a\x0b\0\x09\0\0\0\0\x2c\0\0\0\0\x77\x1f\xb3\x9c\0\x02\x01\0\0\x3b";
    assert!(matches!(refused(source), Error::TooManyPixels(_)));
}

/// What can't be half of an image, whatever it holds, is refused without a look at it.
#[test]
fn far_too_little_data_for_the_size() {
    let mut gif = b"GIF89a\x40\x38\x40\x1f\0\0\0\x2c\0\0\0\0\x40\x38\x40\x1f\0\x02".to_vec();
    gif.extend(b"\x10\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3b");
    let png = png_of(
        &[0, 0, 0x38, 0x40, 0, 0, 0x1f, 0x40, 8, 6, 0, 0, 0],
        &[png_chunk(b"IDAT", &deflated(&[0; 1 << 20]))],
    );
    for source in [&gif[..], &png] {
        for plan in [strict("w=50"), plan("w=50")] {
            let prepared = prepare(source, &plan, &Limits::default()).unwrap();
            let start = Instant::now();
            let error = prepared.run(&Control::default()).unwrap_err();
            assert_eq!(error, Error::DecodeFailed("the image is truncated".to_owned()));
            assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
        }
    }
    // The little that one colour takes is enough.
    let png = png_of(
        &[0, 0, 0x0f, 0xa0, 0, 0, 0x07, 0xd0, 8, 6, 0, 0, 0],
        &[png_chunk(b"IDAT", &deflated(&vec![0; 16001 * 2000]))],
    );
    let gif = transform(&png, &plan("w=3000,f=gif")).unwrap();
    for source in [png, gif] {
        assert_eq!(decode(&transform(&source, &plan("w=50")).unwrap()).size(), (50, 25));
    }
}

#[test]
fn a_webp_with_a_lying_header() {
    let still = webp_lossless(&photo(16, 12));
    let extended = |width: u32, flags: u8| {
        let mut body = b"WEBPVP8X\x0a\0\0\0".to_vec();
        body.extend([flags, 0, 0, 0]);
        body.extend(&(width - 1).to_le_bytes()[..3]);
        body.extend([11, 0, 0]);
        body.extend(&still[12..]);
        let mut out = b"RIFF".to_vec();
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out
    };
    assert_eq!(decode(&extended(16, 0)).size(), (16, 12));
    transform(&extended(16, 0), &plan("w=5")).unwrap();
    assert!(matches!(refused(&extended(17, 0)), Error::DecodeFailed(_)));
    assert!(matches!(refused(&extended(1 << 24, 0)), Error::DecodeFailed(_)));
    // An animation without a frame.
    assert!(matches!(refused(&extended(16, 2)), Error::DecodeFailed(_)));
    // More than the file has: a little may be padding.
    let mut longer = extended(16, 0);
    longer[4] += 2;
    assert!(matches!(refused(&longer), Error::DecodeFailed(_)));
}

#[test]
fn what_is_no_image() {
    for source in [&b""[..], b"GIF", b"\xff\xd8", b"RIFFxxxxWAVE", b"BM      "] {
        assert_eq!(probe(source).unwrap_err(), Error::NotImage);
    }
    assert_eq!(probe(b"8BPS\0\x01").unwrap_err(), Error::UnsupportedFormat("PSD".into()));
}
