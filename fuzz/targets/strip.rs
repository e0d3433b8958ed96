//! Metadata taken out of what goes out with its own pixels: once and for all.
#![no_main]

use image_gate_core::image::{Control, Limits, MetadataPolicy, Output, Plan, prepare};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, input)) = data.split_first() else { return };
    let metadata = match which % 2 {
        0 => MetadataPolicy::Strip,
        _ => MetadataPolicy::Copyright,
    };
    let plan = Plan { metadata, ..Plan::default() };
    let limits = Limits { pixels: 1 << 12, frames: 8, scans: 16, ..Limits::default() };
    let Ok(prepared) = prepare(input, &plan, &limits) else { return };
    let Ok(done) = prepared.run(&Control::default()) else { return };
    let Output::Stripped(bytes) = done.output else { return };
    assert_eq!(bytes.len() as u64, prepared.memory());
    let again = prepare(&bytes, &plan, &limits).expect("what was stripped is an image");
    let again = again.run(&Control::default()).expect("it was not to be decoded");
    assert!(matches!(again.output, Output::Original), "stripped twice");
});
