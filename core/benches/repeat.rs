//! One transformation over and over in one process, from bytes to bytes, for whoever measures it
//! from outside.
//!
//! `repeat IN OUT PARAMS` transforms once for each line of its standard input and answers each
//! with the number of bytes made; at its end the last result goes to OUT.

#![allow(clippy::unwrap_used, reason = "a benchmark may end where it can't go on")]

use image_gate_core::image::{Control, Limits, Output, Plan, prepare};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let source = std::fs::read(arguments.next().unwrap()).unwrap();
    let out = arguments.next().unwrap();
    let plan = Plan::from_params(&arguments.next().unwrap()).unwrap();
    let mut made = Vec::new();
    for _ in std::io::stdin().lines() {
        let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
        made = match prepared.run(&Control::default()).unwrap().output {
            Output::Stripped(bytes) | Output::Encoded(bytes) => bytes,
            Output::Original => source.clone(),
        };
        println!("{}", made.len());
    }
    std::fs::write(out, made).unwrap();
}
