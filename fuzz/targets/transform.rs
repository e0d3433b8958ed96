//! Whole transformations of small images. The first byte says which, and by its highest bit whether a higher
//! dynamic range stays; by the one below it whether SVG does.
#![no_main]

use image_gate_core::image::{Control, HdrPolicy, Limits, Plan, prepare};
use libfuzzer_sys::fuzz_target;

const PARAMS: [&str; 10] = [
    "w=3",
    "w=20,f=png",
    "w=20,h=20,fit=crop,f=jpeg",
    "f=webp",
    "rotate=90,f=gif",
    "w=11,f=jpeg",
    "f=png,sharpen=50",
    "w=5,f=gif",
    "w=16,f=avif",
    "w=16,f=jxl",
];

fuzz_target!(|data: &[u8]| {
    let Some((which, input)) = data.split_first() else { return };
    // Of what is left below the two highest bits.
    let mut plan = Plan::from_params(PARAMS[usize::from(which & 0x3f) % PARAMS.len()]).unwrap();
    if which & 0x80 != 0 {
        plan.hdr = HdrPolicy::Keep;
    }
    plan.svg_sanitized = which & 0x40 != 0;
    let limits = Limits { pixels: 1 << 14, frames: 8, scans: 16, ..Limits::default() };
    if let Ok(prepared) = prepare(input, &plan, &limits) {
        let _ = prepared.run(&Control::default());
    }
});
