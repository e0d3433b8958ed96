//! JPEG at an eighth: no panic, and the shape that libjpeg-turbo gives.
#![no_main]

use image_gate_core::image::internals::{Eighth, jpeg_eighth};
use image_gate_core::image::{Limits, probe};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let limits = Limits { pixels: 1 << 18, ..Limits::default() };
    let Ok(Some(own)) = jpeg_eighth(input, Eighth::Averages, &limits) else { return };
    assert_eq!(own.data.len(), own.width as usize * own.height as usize * own.channels);
    // Every sixteenth input: the comparison costs more than the decoder.
    if input.len() % 16 > 0 || probe(input).is_ok_and(|info| info.progressive) {
        return;
    }
    if let Ok(Some(turbo)) = jpeg_eighth(input, Eighth::Turbo, &limits) {
        assert_eq!(
            (own.width, own.height, own.channels),
            (turbo.width, turbo.height, turbo.channels)
        );
    }
});
