//! A JPEG that two threads read becomes what it becomes by one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::*;
use image_gate_core::image::{Control, Error, Limits, Loan, Output, Spare, prepare};

/// Lends a processor for a picture of any size.
#[derive(Debug, Clone, Default)]
struct Any(Arc<AtomicUsize>);

impl Spare for Any {
    fn lend(&self, _: u64) -> Option<Box<dyn Loan>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Some(Box::new(Lent))
    }

    fn least_pixels(&self) -> usize {
        0
    }

    fn least_bytes(&self) -> usize {
        0
    }
}

struct Lent;

impl Loan for Lent {
    fn is_wanted_back(&self) -> bool {
        false
    }
}

fn made(source: &[u8], params: &str, control: &Control) -> Result<Vec<u8>, Error> {
    let plan = plan(params);
    let prepared = prepare(source, &plan, &Limits::default())?;
    Ok(match prepared.run(control)?.output {
        Output::Stripped(bytes) | Output::Encoded(bytes) => bytes,
        Output::Original => source.to_vec(),
    })
}

#[test]
fn sizes_parts_and_formats() {
    let picture = photo(1807, 1401);
    for (name, source) in [
        ("4:2:0", jpeg(&picture, 90, Subsamp::Sub2x2, false)),
        ("4:4:4", jpeg(&picture, 80, Subsamp::None, false)),
        ("grey", jpeg(&picture, 90, Subsamp::Gray, false)),
        ("restarts", fixture("restarts.jpg")),
    ] {
        for params in [
            "w=60",
            "w=300",
            "w=600",
            "w=300,damaged=strict",
            "w=300,h=300,fit=crop",
            "w=300,h=100,fit=crop",
            "w=200,h=300,fit=crop,gravity=east",
            "w=400,h=300,fit=crop,gravity=south",
            "w=300,h=300,fit=crop,gravity=smart",
        ] {
            let spare = Any::default();
            let alone = made(&source, params, &Control::default()).unwrap();
            let control = Control::default().spared_by(spare.clone());
            assert!(made(&source, params, &control).unwrap() == alone, "{name} {params}");
            let lent = spare.0.load(Ordering::Relaxed);
            assert!(lent > 0 || name == "restarts", "{name} {params}");
        }
    }
}

#[test]
fn damage_is_what_it_is_to_one() {
    let whole = jpeg(&photo(1201, 901), 90, Subsamp::Sub2x2, false);
    for cut in [30, 45, 50, 55, 70, 95, 99] {
        let cut = &whole[..whole.len() * cut / 100];
        let ended = [cut, &[0xff, 0xd9]].concat();
        let mut flipped = whole.clone();
        flipped[cut.len()..cut.len() + 40].fill(0x55);
        for source in [cut, &ended, &flipped] {
            for params in ["w=200,f=png", "w=100,f=png,damaged=strict", "w=300,f=png"] {
                let control = Control::default().spared_by(Any::default());
                let alone = made(source, params, &Control::default());
                assert!(made(source, params, &control) == alone, "{params} {}", cut.len());
            }
        }
    }
}

#[test]
fn both_end_with_their_job() {
    let source = jpeg(&photo(3001, 2001), 95, Subsamp::Sub2x2, false);
    for millis in [0, 1, 2, 5] {
        let begin = Instant::now();
        let deadline = begin + Duration::from_millis(millis);
        let control = Control::new(Some(deadline)).spared_by(Any::default());
        let made = made(&source, "w=700", &control);
        assert!(matches!(made, Ok(_) | Err(Error::Timeout)), "{made:?}");
    }
    let control = Control::default().spared_by(Any::default());
    control.cancel();
    assert_eq!(made(&source, "w=700", &control), Err(Error::Cancelled));
}
