//! Sniffing, headers and limits, without decoding.
#![no_main]

use image_gate_core::image::{Limits, Plan, prepare, probe, size_json, sniff};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let format = sniff(input);
    let info = probe(input);
    if let Ok(info) = &info {
        assert_eq!(Some(info.format), format);
        let (width, height) = info.displayed(true);
        let _ = size_json(Some((width, height, info.format)));
    }
    if let Ok(prepared) = prepare(input, &Plan::default(), &Limits::default()) {
        assert_eq!(prepared.info(), &info.unwrap());
        assert!(prepared.memory() < 1 << 40);
    }
});
