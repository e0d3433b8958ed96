//! What a job takes. One test only, since it is the whole process that is measured.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::{DamagePolicy, Limits, Plan, prepare};

const MIB: u64 = 1 << 20;

/// A grey image in colour, all of whose codes are zeros: 0 is the difference 0, and
/// 0 with 14 more zeros the end of 16384 blocks, or 0 alone that of one.
fn grey(width: u16, height: u16, sampling: u8, progressive: bool) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    jpeg.extend([16; 64]);
    jpeg.extend([0xff, if progressive { 0xc2 } else { 0xc0 }, 0, 17, 8]);
    jpeg.extend(height.to_be_bytes());
    jpeg.extend(width.to_be_bytes());
    jpeg.extend([3, 1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0]);
    for (table, symbol) in [(0x00, 0), (0x10, if progressive { 0xe0 } else { 0 })] {
        jpeg.extend([0xff, 0xc4, 0, 20, table, 1]);
        jpeg.extend([0; 15]);
        jpeg.push(symbol);
    }
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    let mut scan = |components: &[u8], first: u8, last: u8, known: u8, bits: usize| {
        jpeg.extend([0xff, 0xda, 0, 6 + 2 * components.len() as u8, components.len() as u8]);
        components.iter().for_each(|&id| jpeg.extend([id, 0]));
        jpeg.extend([first, last, known]);
        jpeg.resize(jpeg.len() + bits.div_ceil(8) + 64, 0);
    };
    if progressive {
        scan(&[1, 2, 3], 0, 0, 0, blocks * 3);
        // All but the last bit, and that.
        for known in [0x01, 0x10] {
            (1..=3).for_each(|id| scan(&[id], 1, 63, known, blocks.div_ceil(16384) * 15));
        }
    } else {
        scan(&[1, 2, 3], 0, 63, 0, blocks * 3 * 2);
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

#[test]
fn fifty_megapixels() {
    // The width that is asked for, and how many MiB that may take: at 1, 2 and 4 eighths.
    let cases = [
        (300, 0x22, false, 32),
        (300, 0x11, false, 32),
        (300, 0x22, true, 32),
        (300, 0x11, true, 32),
        (800, 0x22, true, 48),
        (800, 0x11, true, 64),
        (2500, 0x22, true, 110),
        (2500, 0x11, true, 150),
    ];
    let lenient = cases.map(|case| (DamagePolicy::Lenient, case));
    // To look at all of a progressive image takes all of its coefficients.
    let strict = [(300, 0x22, false, 32), (300, 0x22, true, 170)];
    let strict = strict.map(|case| (DamagePolicy::Strict, case));
    for (damaged, (width, sampling, progressive, most)) in lenient.into_iter().chain(strict) {
        let plan = Plan { damaged, ..plan(&format!("w={width},f=png")) };
        let name = format!("{width} {sampling:x} {progressive} {damaged:?}");
        let source = grey(8656, 5768, sampling, progressive);
        let estimate = prepare(&source, &plan, &Limits::default()).unwrap().memory();
        assert!(estimate < most * MIB, "{name}: {estimate}");
        let before = peak();
        let out = transformed(&source, &plan);
        assert_eq!((out.width, out.at(150, 100)), (width, [128, 128, 128, 255]), "{name}");
        let grown = peak() - before;
        assert!(grown < most * MIB && grown < estimate + 4 * MIB, "{name}: {grown} of {estimate}");
    }
}
