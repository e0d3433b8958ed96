//! What a text as a mark takes. One test only, since it is the whole process that is measured.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::*;
use image_gate_core::image::{
    Color, Font, Plan, Watermark, WatermarkContent, WatermarkStyle, WatermarkText,
};

const MIB: u64 = 1 << 20;

/// The most memory that the process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn large_letters_on_a_small_image() {
    let bytes = std::fs::read("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").unwrap();
    let font = Arc::new(Font::parse(bytes).unwrap());
    // 256 letters, each of which would take about half a megabyte in that size.
    let letters: String = ('\u{400}'..'\u{500}').collect();
    let source = png(&photo(100, 80));
    let marked = |size: u16| {
        let content =
            WatermarkContent::Text(WatermarkText::new(&letters, font.clone(), size, Color::WHITE));
        let marks = vec![Watermark { content, style: WatermarkStyle::default() }];
        transformed(&source, &Plan { marks, ..Plan::default() })
    };
    let small = marked(20);
    let before = peak();
    let large = marked(1000);
    let grown = peak() - before;
    assert!(grown < 8 * MIB, "{grown}");
    // Either is as large as the image lets it be.
    assert!(psnr(&small, &large) > 30.0, "{}", psnr(&small, &large));
}
