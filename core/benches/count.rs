//! The main paths, each once, for a program that counts instructions: `benches/instructions`.
//!
//! What is to be counted happens within a call of [`counted`]; all is done once before, so that
//! what is made at first use doesn't count. Prints the names in the order of the calls.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark may end where it can't go on"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{Picture, Subsamp, jpeg, png, webp_lossless};
use image_gate_core::image::{Control, Limits, Plan, prepare};
use image_gate_core::key::{Digest, PartnerTable};
use image_gate_core::link::{Algorithm, Encoding, Key, Signer};

type Case = (&'static str, Box<dyn Fn()>);

#[inline(never)]
fn counted(case: &dyn Fn()) {
    case();
    // Something to do behind it, so that it is called and not jumped to.
    black_box(());
}

fn main() {
    for (name, case) in cases() {
        case();
        counted(&*case);
        println!("{name}");
    }
}

fn cases() -> Vec<Case> {
    let (large, small) = (picture(1200, 800), picture(400, 300));
    let jpeg = |sampling, progressive| jpeg(&large, 90, sampling, progressive);
    let gif = transformed(&png(&small), "format=gif");
    let webp = transformed(&png(&small), "format=webp");
    vec![
        transform("JPEG 4:2:0, 1/8, to 100", jpeg(Subsamp::Sub2x2, false), "width=100"),
        transform("JPEG 4:2:0, 4/8, to 400", jpeg(Subsamp::Sub2x2, false), "width=400"),
        transform("JPEG 4:4:4, 3/8, to 300", jpeg(Subsamp::None, false), "width=300"),
        transform("progressive JPEG, 1/8, to 100", jpeg(Subsamp::Sub2x2, true), "width=100"),
        transform("progressive JPEG, 4/8, to 400", jpeg(Subsamp::Sub2x2, true), "width=400"),
        transform("JPEG 4:2:0, planes, to 800", jpeg(Subsamp::Sub2x2, false), "width=800"),
        transform("JPEG 4:4:4, planes, to 800", jpeg(Subsamp::None, false), "width=800"),
        transform("PNG with alpha to 200", png(&small), "width=200"),
        transform("GIF to 200", gif, "width=200"),
        transform("WebP to 200", webp, "width=200"),
        transform("lossless WebP to JPEG", webp_lossless(&small), "width=200,format=jpeg"),
        transform("PNG blurred and sharpened", png(&small), "width=200,blur=2,sharpen=50"),
        parameters(),
        key(),
        link(),
    ]
}

/// Slopes, edges and grain, made of whole numbers, as it is quick.
fn picture(width: u32, height: u32) -> Picture {
    Picture::new(width, height, |x, y| {
        let edge = if (x / 50 + y / 40) % 3 == 0 { 90 } else { 0 };
        let grain = ((x * 7919) ^ (y * 104_729)) % 13;
        let level = |slope: u32| (slope * 120 / 1200 + edge + grain) as u8;
        [level(x), level(y), level(1200 - x), 255]
    })
}

fn run(source: &[u8], plan: &Plan) -> Vec<u8> {
    let prepared = prepare(source, plan, &Limits::default()).unwrap();
    match prepared.run(&Control::default()).unwrap().output {
        image_gate_core::image::Output::Stripped(bytes)
        | image_gate_core::image::Output::Encoded(bytes) => bytes,
        image_gate_core::image::Output::Original => source.to_vec(),
    }
}

fn transformed(source: &[u8], params: &str) -> Vec<u8> {
    run(source, &plan(params))
}

/// With an effort for WebP that stays as it is, whatever the default becomes.
fn plan(params: &str) -> Plan {
    Plan { webp_effort: 2, ..Plan::from_params(params).unwrap() }
}

fn transform(name: &'static str, source: Vec<u8>, params: &str) -> Case {
    let plan = plan(params);
    (name, Box::new(move || drop(black_box(run(&source, &plan)))))
}

fn parameters() -> Case {
    let text = "width=300,height=200,fit=crop,gravity=north,quality=80,format=webp,sharpen=20";
    ("parameters of a URL", Box::new(move || drop(black_box(Plan::from_params(black_box(text))))))
}

fn key() -> Case {
    let line = |n: u32| format!("partner-{n} {}\n", Digest::of(format!("key-{n}").as_bytes()));
    let table = PartnerTable::parse((0..1000).map(line).collect::<String>().as_bytes()).unwrap();
    (
        "a key among 1000",
        Box::new(move || assert!(table.find(&Digest::of(black_box(b"key-500"))).is_some())),
    )
}

fn link() -> Case {
    let key = Key::new(b"bench-secret-0123456789abcdef".to_vec()).unwrap();
    let signer = Signer::new(Algorithm::HmacSha256, &[key], Encoding::Base64url, None).unwrap();
    let message = b"4102444800|/a/photo.jpg";
    let token = signer.sign(message, None).unwrap();
    let check = move || {
        let token = signer.read(black_box(token.as_bytes()), false).ok().unwrap();
        assert!(signer.check(&token, black_box(message)).is_ok());
    };
    ("a link by HMAC-SHA256", Box::new(check))
}
