//! The text of parameters.
#![no_main]

use image_gate_core::image::Plan;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Plan::from_params(text);
});
