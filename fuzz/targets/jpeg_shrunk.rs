//! JPEG at a few eighths: no panic, and the shape that libjpeg-turbo gives.
#![no_main]

use image_gate_core::image::internals::{JpegDecoder, jpeg_shrunk};
use image_gate_core::image::{Limits, probe};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let limits = Limits { pixels: 1 << 18, ..Limits::default() };
    let progressive = probe(input).is_ok_and(|info| info.progressive);
    for eighths in 1..=5 {
        let Ok(Some(own)) = jpeg_shrunk(input, eighths, JpegDecoder::Own, &limits) else { continue };
        assert_eq!(own.data.len(), own.width as usize * own.height as usize * own.channels);
        // Every sixteenth input: the comparison costs more than the decoder.
        if input.len() % 16 > 0 || eighths != 3 && (progressive || eighths > 1) {
            continue;
        }
        if let Ok(Some(turbo)) = jpeg_shrunk(input, eighths, JpegDecoder::Turbo, &limits) {
            assert_eq!(
                (own.width, own.height, own.channels),
                (turbo.width, turbo.height, turbo.channels)
            );
        }
    }
});
