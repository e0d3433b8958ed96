//! JPEG to JPEG by luma and chroma, each by itself, against the same through RGB.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::{Control, Error, Limits, Output, Plan, prepare};
use proptest::prelude::*;

const SAMPLINGS: [Subsamp; 5] =
    [Subsamp::None, Subsamp::Sub2x1, Subsamp::Sub2x2, Subsamp::Sub1x2, Subsamp::Sub4x1];

/// The same plan by way of RGB: what is to fit into some bytes is tried with several qualities.
fn through_rgb(plan: &Plan) -> Plan {
    Plan { max_bytes: Some(u64::MAX), ..plan.clone() }
}

/// A picture in whose colours there are no edges, for which each decoder has its own way to make them.
fn waves(width: u32, height: u32) -> Picture {
    Picture::new(width, height, |x, y| {
        let wave = |n: f64, length: f64| 100.0 + 60.0 * (n / length).sin();
        let (x, y) = (f64::from(x), f64::from(y));
        let grain = f64::from(((x as u32 * 7919) ^ (y as u32 * 104_729)) % 9);
        [wave(x, 23.0), wave(y, 31.0), wave(x + y, 27.0), 255.0].map(|level| (level + grain) as u8)
    })
}

fn run(source: &[u8], plan: &Plan) -> (Result<Vec<u8>, Error>, u64, Option<String>) {
    let limits = Limits::default();
    let prepared = match prepare(source, plan, &limits) {
        Ok(prepared) => prepared,
        Err(error) => return (Err(error), 0, None),
    };
    let made = prepared.run(&Control::default()).map(|made| match made.output {
        Output::Encoded(bytes) => bytes,
        other => panic!("{other:?}"),
    });
    (made, prepared.memory(), prepared.damage().map(|damage| format!("{damage:?}")))
}

/// Both ways; whether they are two.
fn both(source: &[u8], plan: &Plan) -> (Picture, Picture, bool) {
    let (planar, memory, _) = run(source, plan);
    let (rgb, more, _) = run(source, &through_rgb(plan));
    (decode(&planar.unwrap()), decode(&rgb.unwrap()), memory != more)
}

/// What is not passed on as it is, though its size may be what is asked for.
fn asked(params: &str) -> Plan {
    Plan { is_exact: true, ..plan(&format!("f=jpeg,q=95,{params}")) }
}

#[test]
fn colours_are_where_they_are_in_rgb() {
    for (width, height) in [(160, 120), (161, 121), (97, 130)] {
        let picture = waves(width, height);
        for sampling in SAMPLINGS {
            let source = jpeg(&picture, 95, sampling, false);
            for params in [
                "w=100",
                "w=101",
                "w=75",
                "w=300,fit=contain",
                "w=80,h=81,fit=crop,g=east",
                "w=81,h=80,fit=crop,g=south",
                "w=91,h=77,fit=stretch",
                "w=77,flip=h",
                "w=77,flip=v",
                "w=83,rotate=90",
                "w=83,rotate=180",
                "w=84,h=83,fit=crop,rotate=270",
            ] {
                for chroma in ["420", "422", "444"] {
                    let plan = asked(&format!("{params},subsampling={chroma}"));
                    let (planar, rgb, is_planar) = both(&source, &plan);
                    let what = format!("{width}x{height} {sampling:?} {params} {chroma}");
                    assert!(is_planar, "{what}");
                    assert_eq!(planar.size(), rgb.size(), "{what}");
                    let near = psnr(&planar, &rgb);
                    assert!(near > 36.0, "{what}: {near} dB");
                }
            }
        }
    }
}

#[test]
fn a_blur_is_that_of_rgb() {
    let picture = waves(161, 121);
    for sampling in SAMPLINGS {
        let source = jpeg(&picture, 95, sampling, false);
        for params in ["w=90,blur=0.5", "w=90,blur=2.5", "w=101,blur=6,flip=v", "w=81,h=60,blur=20"]
        {
            for chroma in ["420", "422", "444"] {
                let plan = asked(&format!("{params},subsampling={chroma}"));
                let (planar, rgb, is_planar) = both(&source, &plan);
                assert_eq!(is_planar, chroma != "422", "{params} {chroma}");
                let near = psnr(&planar, &rgb);
                assert!(near > 36.0, "{sampling:?} {params} {chroma}: {near} dB");
            }
        }
    }
}

/// Of a ramp of colours a shift by half a sample of chroma is seen.
#[test]
fn chroma_does_not_move() {
    let ramp = Picture::new(200, 120, |x, y| [(x + 20) as u8, 120, (y * 2) as u8, 255]);
    for sampling in SAMPLINGS {
        let source = jpeg(&ramp, 98, sampling, false);
        for params in ["w=120", "w=121", "w=121,flip=h", "w=100,h=71,fit=crop", "w=73,rotate=90"] {
            let (planar, rgb, _) = both(&source, &asked(params));
            let (mut sum, mut count) = ([0.0; 3], 0.0);
            for y in 8..planar.height - 8 {
                for x in 8..planar.width - 8 {
                    for (channel, sum) in sum.iter_mut().enumerate() {
                        let of = |picture: &Picture| f64::from(picture.at(x, y)[channel]);
                        *sum += of(&planar) - of(&rgb);
                    }
                    count += 1.0;
                }
            }
            let shifts = sum.map(|sum| sum / count);
            assert!(
                shifts.iter().all(|shift| shift.abs() < 0.6),
                "{sampling:?} {params} {shifts:?}"
            );
        }
    }
}

/// Of a few rows the chroma is that of what is shown, not of what is made beyond.
#[test]
fn thin_pictures_have_their_colours() {
    for side in 2..=20 {
        let halves = Picture::new(64, side, |_, y| {
            if y < side / 2 { [220, 30, 40, 255] } else { [40, 30, 220, 255] }
        });
        let source = jpeg(&halves, 98, Subsamp::None, false);
        for rows in 1..=side {
            for turn in ["", ",rotate=90"] {
                let params = format!("w=64,h={rows},fit=stretch,subsampling=420{turn}");
                let (planar, rgb, _) = both(&source, &asked(&params));
                let mean = |picture: &Picture, channel: usize| {
                    let (mut sum, mut count) = (0.0, 0.0);
                    for y in 0..picture.height {
                        for x in 0..picture.width {
                            sum += f64::from(picture.at(x, y)[channel]);
                            count += 1.0;
                        }
                    }
                    sum / count
                };
                for channel in 0..3 {
                    let (got, want) = (mean(&planar, channel), mean(&rgb, channel));
                    assert!((got - want).abs() < 12.0, "{side} {params}: {got} for {want}");
                }
            }
        }
    }
}

#[test]
fn only_what_needs_no_rgb_does_without() {
    let picture = waves(160, 120);
    let source = jpeg(&picture, 95, Subsamp::Sub2x2, false);
    let is_planar = |source: &[u8], params: &str| both(source, &asked(params)).2;
    assert!(is_planar(&source, "w=100"));
    for params in [
        "w=100,blur=1,subsampling=422",
        "w=100,sharpen=50",
        "w=100,brightness=1.2",
        "w=100,grayscale=on",
        "w=100,opacity=0.5",
        "w=100,h=100,fit=pad",
        "w=100,padding=4",
        "w=50,h=90,fit=crop,g=smart",
        "crop=10:10:100:90",
        "trim=10,w=100",
        "w=20",
    ] {
        assert!(!is_planar(&source, params), "{params}");
    }
    assert!(!is_planar(&jpeg(&picture, 95, Subsamp::Gray, false), "w=100"));
    assert!(is_planar(&jpeg(&picture, 95, Subsamp::Sub2x2, true), "w=100"));
    // In another format there are other colours.
    let (made, memory, _) = run(&source, &plan("f=png,w=100"));
    let (same, others, _) = run(&source, &through_rgb(&plan("f=png,w=100")));
    assert!(made == same && memory == others);
}

#[test]
fn what_is_damaged_is_judged_alike() {
    for progressive in [false, true] {
        let whole = jpeg(&photo(320, 240), 90, Subsamp::Sub2x2, progressive);
        let mut outcomes = [0; 3];
        for cut in (1..40).map(|part| whole.len() * part / 40) {
            let mut scribbled = whole.clone();
            scribbled[cut..].iter_mut().take(3).for_each(|byte| *byte ^= 0x55);
            for source in [&whole[..cut], &scribbled] {
                for damaged in ["lenient", "strict"] {
                    let plan = Plan {
                        damaged: match damaged {
                            "strict" => image_gate_core::image::DamagePolicy::Strict,
                            _ => image_gate_core::image::DamagePolicy::Lenient,
                        },
                        ..asked("w=200")
                    };
                    let (planar, _, damage) = run(source, &plan);
                    let (rgb, _, same) = run(source, &through_rgb(&plan));
                    assert_eq!(damage, same, "{damaged} {cut}");
                    match (planar, rgb) {
                        (Ok(planar), Ok(rgb)) => {
                            let near = psnr(&decode(&planar), &decode(&rgb));
                            assert!(near > 30.0, "{damaged} {cut}: {near} dB");
                            outcomes[usize::from(damage.is_some())] += 1;
                        }
                        (planar, rgb) => {
                            assert_eq!(planar.err(), rgb.err(), "{damaged} {cut}");
                            outcomes[2] += 1;
                        }
                    }
                }
            }
        }
        assert!(outcomes[1] > 10 && outcomes[2] > 10, "{outcomes:?}");
    }
}

#[test]
fn the_work_can_be_ended_between_rows() {
    let source = jpeg(&photo(640, 480), 90, Subsamp::Sub2x2, false);
    let plan = asked("w=400");
    let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
    prepared.run(&ended_after(u32::MAX)).unwrap();
    let all = looks();
    assert!(all > 480 / 16 + 300 / 16, "{all}");
    for most in 1..all {
        assert_eq!(prepared.run(&ended_after(most)).unwrap_err(), Error::Cancelled, "{most}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_size_is_near_what_it_is_in_rgb(
        (width, height) in (1u32..90, 1u32..90),
        (to_width, to_height) in (1u32..120, 1u32..120),
        sampling in prop::sample::select(SAMPLINGS.to_vec()),
        chroma in prop::sample::select(vec!["420", "422", "444"]),
        fit in prop::sample::select(vec!["stretch", "crop", "contain"]),
        gravity in prop::sample::select(vec!["northwest", "center", "southeast"]),
        turn in prop::sample::select(vec!["", ",rotate=90", ",rotate=180", ",flip=h", ",flip=v,rotate=270"]),
        progressive in any::<bool>(),
    ) {
        let source = jpeg(&waves(width, height), 95, sampling, progressive);
        let params =
            format!("w={to_width},h={to_height},fit={fit},g={gravity},subsampling={chroma}{turn}");
        let (planar, rgb, _) = both(&source, &asked(&params));
        prop_assert_eq!(planar.size(), rgb.size());
        let near = psnr(&planar, &rgb);
        prop_assert!(near > 28.0, "{} dB", near);
    }
}
