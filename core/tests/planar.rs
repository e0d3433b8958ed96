//! JPEG and WebP by luma and chroma, each by itself, against the same through RGB.

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

/// A WebP by its luma and chroma, and by colours: as PNG, of which each pixel counts.
fn of_webp(source: &[u8], params: &str, made: &str) -> (Picture, Picture) {
    let asked = |text: &str| Plan { is_exact: true, ..plan(text) };
    let (planar, ..) = run(source, &asked(&format!("{made},{params}")));
    let (exact, ..) = run(source, &asked(&format!("f=png,{params}")));
    (decode(&planar.unwrap()), decode(&exact.unwrap()))
}

const OF_WEBP: [&str; 4] = [
    "f=jpeg,q=95,subsampling=420",
    "f=jpeg,q=95,subsampling=444",
    "f=jpeg,q=80,subsampling=420",
    "f=webp,q=95",
];

#[test]
fn colours_of_webp_are_where_they_are_in_rgb() {
    for (width, height) in [(320, 240), (321, 241), (194, 260)] {
        let source = webp_lossy(&waves(width, height), 95);
        for params in [
            "w=160",
            "w=150",
            "w=61",
            "w=45",
            "w=400,fit=contain,enlarge=on",
            "w=80,h=81,fit=crop,g=east",
            "w=81,h=80,fit=crop,g=south",
            "w=30,h=80,fit=crop,g=northwest",
            "w=91,h=77,fit=stretch",
            "w=77,flip=h",
            "w=77,flip=v",
            "w=83,rotate=90",
            "w=84,h=83,fit=crop,rotate=270",
            // What needs colours has them made of planes.
            "w=77,brightness=1.1",
            "w=70,h=90,fit=pad",
            "w=70,h=60,fit=crop,g=smart",
            "crop=20:10:100:90,w=40",
        ] {
            for made in OF_WEBP {
                let (planar, rgb) = of_webp(&source, params, made);
                let what = format!("{width}x{height} {params} {made}");
                assert_eq!(planar.size(), rgb.size(), "{what}");
                let near = psnr(&planar, &rgb);
                assert!(near > 33.0, "{what}: {near} dB");
            }
        }
    }
}

#[test]
fn chroma_of_webp_does_not_move() {
    let ramp = Picture::new(200, 120, |x, y| [(x + 20) as u8, 120, (y * 2) as u8, 255]);
    let source = webp_lossy(&ramp, 98);
    for params in ["w=120", "w=100", "w=67", "w=67,flip=h", "w=50,h=41,fit=crop", "w=53,rotate=90"]
    {
        for made in OF_WEBP {
            let (planar, rgb) = of_webp(&source, params, made);
            let (mut sum, mut count) = ([0.0; 3], 0.0);
            for y in 4..planar.height - 4 {
                for x in 4..planar.width - 4 {
                    for (channel, sum) in sum.iter_mut().enumerate() {
                        let of = |picture: &Picture| f64::from(picture.at(x, y)[channel]);
                        *sum += of(&planar) - of(&rgb);
                    }
                    count += 1.0;
                }
            }
            let shifts = sum.map(|sum| sum / count);
            assert!(shifts.iter().all(|shift| shift.abs() < 1.0), "{params} {made} {shifts:?}");
        }
    }
}

#[test]
fn drawings_stay_so_in_webp() {
    let checks = Picture::new(320, 320, |x, y| match (x / 80 + y / 80) % 2 {
        0 => [255, 255, 255, 255],
        _ => [0, 0, 0, 255],
    });
    let source = webp_lossy(&checks, 100);
    let kind = |source: &[u8], kind: &[u8; 4]| {
        let (made, ..) = run(source, &plan("f=webp,w=160"));
        made.unwrap().windows(4).any(|bytes| bytes == kind)
    };
    assert!(kind(&source, b"VP8L"));
    assert!(kind(&webp_lossy(&waves(320, 320), 90), b"VP8 "));
}

#[test]
fn only_opaque_lossy_webp_has_planes() {
    let picture = waves(160, 120);
    let is_planar = |source: &[u8], params: &str| {
        let plan = Plan { is_exact: true, ..plan(params) };
        let (made, memory, _) = run(source, &plan);
        let (_, others, _) = run(source, &through_rgb(&plan));
        made.unwrap();
        memory != others
    };
    let source = webp_lossy(&picture, 90);
    for params in ["f=jpeg,w=100", "f=jpeg", "f=webp,w=100", "f=webp,w=100,metadata=keep"] {
        assert!(is_planar(&source, params), "{params}");
    }
    for params in ["f=png,w=100", "f=webp,w=100,lossless=on", "f=webp,w=100,opacity=0.5"] {
        assert!(!is_planar(&source, params), "{params}");
    }
    let veiled = Picture::new(160, 120, |x, y| [x as u8, y as u8, 7, if x < 9 { 9 } else { 255 }]);
    assert!(!is_planar(&webp_lossy(&veiled, 90), "f=jpeg,w=100"));
    assert!(!is_planar(&webp_lossless(&picture), "f=jpeg,w=100"));
    // JPEG becomes WebP by them, too.
    assert!(is_planar(&jpeg(&picture, 95, Subsamp::Sub2x2, false), "f=webp,w=100"));
}

#[test]
fn jpegs_become_webp_by_planes() {
    for sampling in SAMPLINGS {
        let source = jpeg(&waves(161, 121), 95, sampling, false);
        for params in ["w=100", "w=101,flip=h", "w=161", "w=83,rotate=90", "w=81,h=80,fit=crop"] {
            let (planar, rgb) = of_webp(&source, params, "f=webp,q=95");
            let near = psnr(&planar, &rgb);
            assert!(near > 34.0, "{sampling:?} {params}: {near} dB");
        }
    }
}

#[test]
fn damaged_webp_is_judged_alike() {
    let whole = webp_lossy(&photo(640, 480), 80);
    let (mut shown, mut refused) = (0, 0);
    for cut in (1..40).map(|part| whole.len() * part / 40) {
        let mut scribbled = whole.clone();
        scribbled[cut..].iter_mut().take(3).for_each(|byte| *byte ^= 0x55);
        for (source, is_cut) in [(&whole[..cut], true), (&scribbled[..], false)] {
            for strict in [false, true] {
                let judged = |params: &str| {
                    let damaged = match strict {
                        true => image_gate_core::image::DamagePolicy::Strict,
                        false => image_gate_core::image::DamagePolicy::Lenient,
                    };
                    run(source, &Plan { is_exact: true, damaged, ..plan(params) })
                };
                let (exact, _, damage) = judged("f=png,w=200");
                for params in [
                    "f=jpeg,w=200",
                    "f=jpeg,w=400",
                    "f=webp,w=300",
                    "f=jpeg,w=300,blur=1,sharpen=2",
                ] {
                    let (planar, _, same) = judged(params);
                    assert_eq!(
                        damage.is_some(),
                        same.is_some(),
                        "{params} {cut} {is_cut} {strict}"
                    );
                    match (&exact, planar) {
                        (Ok(exact), Ok(planar)) if params.ends_with("w=200") => {
                            let near = psnr(&decode(exact), &decode(&planar));
                            assert!(near > 22.0, "{params} {cut} {is_cut}: {near} dB");
                            shown += usize::from(damage.is_some());
                        }
                        (Ok(_), Ok(_)) => {}
                        (Err(_), Err(_)) => refused += 1,
                        (exact, planar) => panic!(
                            "{params} {cut} {is_cut} {strict}: {:?} {:?}",
                            exact.as_ref().err(),
                            planar.err()
                        ),
                    }
                }
            }
        }
    }
    assert!(shown > 5 && refused > 20, "{shown} {refused}");
}

#[test]
fn work_on_webp_can_be_ended_between_rows() {
    let source = webp_lossy(&photo(1900, 1300), 90);
    for (params, least) in [("w=900", 1300 / 16), ("w=300,brightness=1.1", 1300 / 16)] {
        let plan = asked(params);
        let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
        prepared.run(&ended_after(u32::MAX)).unwrap();
        let all = looks();
        assert!(all > least, "{params}: {all}");
        for most in (1..all).step_by(7) {
            assert_eq!(prepared.run(&ended_after(most)).unwrap_err(), Error::Cancelled, "{most}");
        }
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

    #[test]
    fn any_size_of_a_webp_is_near_what_it_is_in_rgb(
        (width, height) in (1u32..180, 1u32..180),
        // Of a few pixels most are beside an edge.
        (to_width, to_height) in (16u32..120, 16u32..120),
        made in prop::sample::select(OF_WEBP.to_vec()),
        fit in prop::sample::select(vec!["stretch", "crop", "contain"]),
        // Which part a smart crop takes may hang on a single level.
        gravity in prop::sample::select(vec!["northwest", "center", "southeast"]),
        turn in prop::sample::select(vec!["", ",rotate=90", ",rotate=180", ",flip=h", ",flip=v,rotate=270"]),
    ) {
        let source = webp_lossy(&waves(width, height), 95);
        let params = format!("w={to_width},h={to_height},fit={fit},g={gravity}{turn}");
        let (planar, rgb) = of_webp(&source, &params, made);
        prop_assert_eq!(planar.size(), rgb.size());
        let near = psnr(&planar, &rgb);
        prop_assert!(near > 24.0, "{} dB", near);
    }
}
