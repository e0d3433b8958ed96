//! Two readers make of a JPEG what one makes of it, whatever it is.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::{SHARED, TAKEN};
use crate::image::internals::{JpegDecoder, Pixels, jpeg_shrunk, jpeg_shrunk_by};
use crate::image::{Control, Error, Limits, Loan, Spare};

/// Lends a processor for any picture, and wants it back after so many questions.
#[derive(Debug, Clone, Default)]
struct Any {
    patience: Option<usize>,
    lent: Arc<AtomicUsize>,
    /// Loans that ended on the second reader's thread, while the first one has some of what it read.
    early: Arc<AtomicUsize>,
    panics: bool,
}

struct Lent {
    of: Any,
    asked: AtomicUsize,
    to: ThreadId,
}

impl Spare for Any {
    fn lend(&self, _: u64) -> Option<Box<dyn Loan>> {
        self.lent.fetch_add(1, Ordering::Relaxed);
        let to = thread::current().id();
        Some(Box::new(Lent { of: self.clone(), asked: AtomicUsize::new(0), to }))
    }

    fn least_pixels(&self) -> usize {
        0
    }

    fn least_bytes(&self) -> usize {
        0
    }
}

impl Loan for Lent {
    fn is_wanted_back(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(!self.of.panics || asked < 5, "as the test wants it");
        self.of.patience.is_some_and(|patience| asked >= patience)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.of.lent.fetch_sub(1, Ordering::Relaxed);
        let is_early = thread::current().id() != self.to;
        self.of.early.fetch_add(is_early.into(), Ordering::Relaxed);
    }
}

/// Of how many pixels, across and down, there is one chroma.
#[derive(Debug, Clone, Copy)]
enum Subsamp {
    None,
    Sub2x1,
    Sub1x2,
    Sub2x2,
    Sub4x1,
    Gray,
}

/// A picture with noise here and flat parts there.
fn picture(width: usize, height: usize, seed: u64, noise: u8) -> Vec<u8> {
    let mut state = seed | 1;
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let flat = (x / 37 + y / 23).is_multiple_of(3);
            let grain = if flat { 0 } else { (state >> 40) as u8 % noise.max(1) };
            let tone = |times: usize| ((x * times + y * 2) / 3 % 200) as u8;
            rgb.extend([tone(1), tone(2), tone(3)].map(|tone| tone.saturating_add(grain)));
        }
    }
    rgb
}

fn encoded(
    (width, height): (usize, usize),
    rgb: &[u8],
    sampling: Subsamp,
    quality: u8,
    optimized: bool,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, quality);
    encoder.set_sampling_factor(match sampling {
        Subsamp::None | Subsamp::Gray => SamplingFactor::F_1_1,
        Subsamp::Sub2x1 => SamplingFactor::F_2_1,
        Subsamp::Sub1x2 => SamplingFactor::F_1_2,
        Subsamp::Sub2x2 => SamplingFactor::F_2_2,
        Subsamp::Sub4x1 => SamplingFactor::F_4_1,
    });
    encoder.set_optimized_huffman_tables(optimized);
    let greens: Vec<u8> = rgb.as_chunks().0.iter().map(|&[_, green, _]| green).collect();
    let (pixels, kind) = match sampling {
        Subsamp::Gray => (greens.as_slice(), ColorType::Luma),
        _ => (rgb, ColorType::Rgb),
    };
    encoder.encode(pixels, width as u16, height as u16, kind).unwrap();
    out
}

fn one(jpeg: &[u8], eighths: u32) -> Result<Option<Pixels>, Error> {
    jpeg_shrunk(jpeg, eighths, JpegDecoder::Own, &Limits::default())
}

fn two(jpeg: &[u8], eighths: u32, spare: &Any) -> Result<Option<Pixels>, Error> {
    let control = Control::default().spared_by(spare.clone());
    let made = jpeg_shrunk_by(jpeg, eighths, JpegDecoder::Own, &Limits::default(), &control);
    assert_eq!(spare.lent.load(Ordering::Relaxed), 0, "what was lent is given back");
    assert_eq!(spare.early.load(Ordering::Relaxed), 0, "but not while it is in use");
    made
}

/// Returns how many MCUs came from the second reader.
fn check(name: &str, jpeg: &[u8], eighths: u32, spare: &Any) -> usize {
    let (alone, before) = (one(jpeg, eighths), TAKEN.with(|taken| taken.get()));
    let both = two(jpeg, eighths, spare);
    let is_same = match (&alone, &both) {
        (Ok(alone), Ok(both)) => alone == both,
        (Err(alone), Err(both)) => format!("{alone:?}") == format!("{both:?}"),
        _ => false,
    };
    let kinds = (alone.map(|pixels| pixels.is_some()), both.map(|pixels| pixels.is_some()));
    assert!(is_same, "{name} {eighths}: {kinds:?}");
    TAKEN.with(|taken| taken.get()) - before
}

const SAMPLINGS: [Subsamp; 6] = [
    Subsamp::Gray,
    Subsamp::None,
    Subsamp::Sub2x1,
    Subsamp::Sub1x2,
    Subsamp::Sub2x2,
    Subsamp::Sub4x1,
];

/// Writes codes, with what has to be stuffed.
#[derive(Default)]
struct Codes {
    out: Vec<u8>,
    bits: u64,
    count: u32,
}

impl Codes {
    fn put(&mut self, value: u32, len: u32) {
        self.bits = self.bits << len | u64::from(value & ((1 << len) - 1));
        self.count += len;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.bits >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
        }
    }

    fn fill(&mut self) {
        let free = (8 - self.count % 8) % 8;
        self.put((1 << free) - 1, free);
    }
}

/// The codes of a table: class and number, and for each symbol its code and length.
type CodesOf = (u8, Vec<(u8, u32, u32)>);

fn tables(jpeg: &[u8]) -> Vec<CodesOf> {
    let (mut at, mut tables) = (2, Vec::new());
    while jpeg[at + 1] != 0xda {
        let len = usize::from(jpeg[at + 2]) << 8 | usize::from(jpeg[at + 3]);
        let mut body = &jpeg[at + 4..at + 2 + len];
        while jpeg[at + 1] == 0xc4 && !body.is_empty() {
            let mut symbols = body[17..].iter();
            let (mut code, mut codes) = (0, Vec::new());
            for (len, &many) in (1..).zip(&body[1..17]) {
                for &symbol in symbols.by_ref().take(many.into()) {
                    codes.push((symbol, code, len));
                    code += 1;
                }
                code <<= 1;
            }
            tables.push((body[0], codes));
            body = symbols.as_slice();
        }
        at += 2 + len;
    }
    tables
}

/// A JPEG of random coefficients, of which so many of a hundred blocks have some, with restart markers
/// between so many MCUs.
fn generated(
    (width, height): (usize, usize),
    (sampling, blocks): (Subsamp, &[u8]),
    interval: u16,
    (full, seed): (u64, u64),
) -> Vec<u8> {
    let grey = vec![99; width * height * 3];
    let header = encoded((width, height), &grey, sampling, 80, false);
    let tables = tables(&header);
    let scan = header.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let (h, v) = match sampling {
        Subsamp::Sub2x2 => (2, 2),
        Subsamp::Sub2x1 => (2, 1),
        Subsamp::Sub1x2 => (1, 2),
        Subsamp::Sub4x1 => (4, 1),
        _ => (1, 1),
    };
    let mcus = width.div_ceil(8 * h) * height.div_ceil(8 * v);
    let table = |class: u8, number: u8| {
        &tables.iter().find(|(of, _)| *of == class << 4 | number).unwrap().1
    };
    let mut state = seed | 1;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) % below
    };
    let mut codes = Codes::default();
    for mcu in 0..mcus {
        if interval > 0 && mcu > 0 && mcu % usize::from(interval) == 0 {
            codes.fill();
            codes.out.extend([0xff, 0xd0 + ((mcu / usize::from(interval) - 1) & 7) as u8]);
        }
        for &number in blocks {
            let is_full = random(100) < full;
            let size = if is_full { random(6) as u8 } else { 0 };
            let (_, code, len) = table(0, number).iter().find(|code| code.0 == size).unwrap();
            codes.put(*code, *len);
            codes.put(random(1 << 16) as u32, size.into());
            let ac = table(1, number);
            let mut at = 1;
            let mut goes_on = is_full;
            while goes_on {
                let (symbol, code, len) = ac[random(ac.len().min(40) as u64) as usize];
                let (run, size) = (symbol >> 4, symbol & 15);
                goes_on = (size > 0 || run == 15) && at + run < 63;
                if goes_on {
                    codes.put(code, len);
                    codes.put(random(1 << 16) as u32, size.into());
                    at += run + 1;
                }
            }
            let (_, code, len) = ac.iter().find(|code| code.0 == 0).unwrap();
            codes.put(*code, *len);
        }
    }
    codes.fill();
    let data = scan + 2 + usize::from(header[scan + 3]);
    let [high, low] = interval.to_be_bytes();
    let restarts = [0xff, 0xdd, 0, 4, high, low];
    [&header[..scan], &restarts, &header[scan..data], &codes.out, &[0xff, 0xd9]].concat()
}

/// The tables of the blocks of an MCU.
fn blocks_of(sampling: Subsamp) -> &'static [u8] {
    match sampling {
        Subsamp::Gray => &[0],
        Subsamp::None => &[0, 1, 1],
        Subsamp::Sub2x1 | Subsamp::Sub1x2 => &[0, 0, 1, 1],
        _ => &[0, 0, 0, 0, 1, 1],
    }
}

#[test]
fn all_that_encoders_write() {
    let mut taken = 0;
    for sampling in SAMPLINGS {
        for (quality, optimized) in [(30, false), (85, false), (85, true), (100, true)] {
            let size = (1203, 901);
            let jpeg = encoded(size, &picture(size.0, size.1, 7, 90), sampling, quality, optimized);
            for eighths in 1..=5 {
                let name = format!("{sampling:?} {quality} {optimized}");
                taken += usize::from(check(&name, &jpeg, eighths, &Any::default()) > 0);
            }
        }
    }
    // A thread may begin late, where the machine has much to do.
    assert!(taken > 0, "{taken} of 120 had help");
}

#[test]
fn what_is_read_by_two_is_made_by_two() {
    let (size, sampling) = ((2400, 4800), Subsamp::Sub2x2);
    let jpeg = encoded(size, &picture(size.0, size.1, 7, 90), sampling, 85, false);
    let mut shared = 0;
    // A thread may begin late, where the machine has much to do.
    for attempt in 0..200 {
        SHARED.with(|shared| shared.set(0));
        check("shared", &jpeg, 2 + attempt % 4, &Any::default());
        shared += usize::from(SHARED.with(Cell::get) > 0);
        if shared > 3 {
            return;
        }
    }
    panic!("{shared} of 200 were shared");
}

#[test]
fn restart_markers_anywhere() {
    let mut taken = 0;
    for sampling in SAMPLINGS {
        for interval in [1, 7, 50, 51, 200, 900, 9000] {
            let blocks = blocks_of(sampling);
            let jpeg = generated((800, 640), (sampling, blocks), interval, (70, 5));
            for eighths in [1, 2, 5] {
                let name = format!("{sampling:?} {interval}");
                taken += usize::from(check(&name, &jpeg, eighths, &Any::default()) > 0);
            }
        }
    }
    assert!(taken > 0, "{taken} of 126 had help");
}

#[test]
fn what_never_comes_into_step() {
    // Nothing but the ends of blocks: where an MCU begins nobody can tell.
    let blocks = blocks_of(Subsamp::Sub2x2);
    let jpeg = generated((1600, 1600), (Subsamp::Sub2x2, blocks), 0, (0, 5));
    for eighths in 1..=5 {
        check("flat", &jpeg, eighths, &Any::default());
    }
}

#[test]
fn help_that_ends() {
    let size = (1203, 1401);
    let jpeg = encoded(size, &picture(size.0, size.1, 3, 90), Subsamp::Sub2x2, 90, false);
    for patience in [0, 1, 2, 3, 10, 40] {
        check("patience", &jpeg, 3, &Any { patience: Some(patience), ..Any::default() });
    }
    check("panic", &jpeg, 3, &Any { panics: true, ..Any::default() });
}

#[test]
fn both_end_in_time() {
    let size = (3000, 3000);
    let jpeg = encoded(size, &picture(size.0, size.1, 3, 90), Subsamp::Sub2x2, 95, false);
    let spare = Any::default();
    for millis in [0, 1, 3, 6] {
        let begin = Instant::now();
        let deadline = begin + Duration::from_millis(millis);
        let control = Control::new(Some(deadline)).spared_by(spare.clone());
        let made = jpeg_shrunk_by(&jpeg, 2, JpegDecoder::Own, &Limits::default(), &control);
        assert!(matches!(made, Ok(_) | Err(Error::Timeout)));
        assert_eq!(spare.lent.load(Ordering::Relaxed), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything(
        width in 64_usize..900,
        height in 64_usize..900,
        sampling in 0..SAMPLINGS.len(),
        interval in prop_oneof![3 => Just(0_u16), 1 => 1_u16..3000],
        full in 0_u64..=100,
        seed in any::<u64>(),
        eighths in 1_u32..=5,
        patience in prop_oneof![3 => Just(None), 1 => (0_usize..60).prop_map(Some)],
    ) {
        let sampling = SAMPLINGS[sampling];
        let jpeg = generated((width, height), (sampling, blocks_of(sampling)), interval, (full, seed));
        check("generated", &jpeg, eighths, &Any { patience, ..Any::default() });
    }

    #[test]
    fn damage(
        interval in prop_oneof![2 => Just(0_u16), 1 => 1_u16..600],
        seed in any::<u64>(),
        eighths in 1_u32..=5,
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        end in any::<bool>(),
    ) {
        let sampling = Subsamp::Sub2x2;
        let mut jpeg = generated((640, 640), (sampling, blocks_of(sampling)), interval, (80, seed));
        let data = jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap() + 14;
        for (place, byte) in places {
            let place = data + place.index(jpeg.len() - data - 2);
            jpeg[place] = byte;
        }
        if let Some(cut) = cut {
            jpeg.truncate(data + cut.index(jpeg.len() - data));
            if end {
                jpeg.extend([0xff, 0xd9]);
            }
        }
        check("damaged", &jpeg, eighths, &Any::default());
    }
}
