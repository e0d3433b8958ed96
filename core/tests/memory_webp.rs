//! What a large WebP takes. One test only, since it is the whole process that is measured.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::{Limits, prepare};

const MIB: u64 = 1 << 20;

#[test]
fn twelve_megapixels_to_a_thumbnail() {
    let plan = plan("w=300,f=png");
    // Of a lossless one libwebp keeps all pixels.
    for (name, most) in [("flat-lossy.webp", 10), ("flat-lossless.webp", 56)] {
        let source = fixture(name);
        let estimate = prepare(&source, &plan, &Limits::default()).unwrap().memory();
        assert!(estimate < most * MIB, "{name}: {estimate}");
        let before = peak();
        let out = transformed(&source, &plan);
        assert_eq!((out.width, out.at(150, 100)[3]), (300, 255), "{name}");
        let grown = peak() - before;
        assert!(grown < estimate + 4 * MIB, "{name}: {grown} of {estimate}");
    }
}
