//! Gain maps of JPEGs: kept in their place, or gone without a trace.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::ultra_hdr::*;
use common::*;
use image_gate_core::image::{
    Control, Error, HdrPolicy, Limits, Output, Plan, ProfilePolicy, prepare,
};
use proptest::prelude::*;

/// A plan that keeps maps.
fn keep(params: &str) -> Plan {
    Plan { hdr: HdrPolicy::Keep, ..plan(params) }
}

/// What the light at a place of the whole scene is, 0 to 1 both ways: nothing of it is alike.
fn light(u: f64, v: f64) -> f64 {
    let hill = |x: f64, y: f64, width: f64| (-((u - x).powi(2) + (v - y).powi(2)) / width).exp();
    (30.0 + 60.0 * u + 30.0 * v + 120.0 * hill(0.7, 0.3, 0.02) + 90.0 * hill(0.25, 0.6, 0.008))
        .clamp(0.0, 255.0)
}

/// That part of the scene in so many pixels.
fn scene(width: u32, height: u32, (left, top): (f64, f64), (across, down): (f64, f64)) -> Picture {
    Picture::new(width, height, |x, y| {
        let u = left + across * (f64::from(x) + 0.5) / f64::from(width);
        let v = top + down * (f64::from(y) + 0.5) / f64::from(height);
        let level = light(u, v) as u8;
        [level, level, level, 255]
    })
}

fn all_of_it(width: u32, height: u32) -> Picture {
    scene(width, height, (0.0, 0.0), (1.0, 1.0))
}

fn grey(picture: &Picture) -> Vec<u8> {
    jpeg(picture, 95, Subsamp::Gray, false)
}

/// The scene with a map of it.
fn source((width, height): (u32, u32), (across, down): (u32, u32), kind: Kind) -> Vec<u8> {
    let picture = jpeg(&all_of_it(width, height), 92, Subsamp::Sub2x2, false);
    join(&picture, &map(&grey(&all_of_it(across, down)), kind, 0x40), kind)
}

/// How far the scene of a map is from that of its picture: in pixels of the map, by the shift at which
/// they are most alike.
fn shift(file: &[u8]) -> (f64, f64) {
    let taken = take(file).unwrap();
    let (picture, map) = (decode(taken.picture), decode(taken.map));
    let level = |picture: &Picture, x: f64, y: f64| {
        let at = |x: f64, y: f64| {
            let inside = |value: f64, side: u32| value.clamp(0.0, f64::from(side) - 1.0) as u32;
            f64::from(picture.at(inside(x, picture.width), inside(y, picture.height))[1])
        };
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let row = |y: f64| at(left, y) * (1.0 - x + left) + at(left + 1.0, y) * (x - left);
        row(top) * (1.0 - y + top) + row(top + 1.0) * (y - top)
    };
    let scale = (
        f64::from(picture.width) / f64::from(map.width),
        f64::from(picture.height) / f64::from(map.height),
    );
    let error = |dx: f64, dy: f64| -> f64 {
        let rows = (3..map.height - 3).flat_map(|y| (3..map.width - 3).map(move |x| (x, y)));
        let difference = |(x, y): (u32, u32)| {
            let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            level(&map, x, y) - level(&picture, (x + dx) * scale.0, (y + dy) * scale.1)
        };
        rows.map(|place| difference(place).powi(2)).sum()
    };
    let least = |error: &dyn Fn(f64) -> f64| {
        let steps = (-8..=8).map(|step| f64::from(step) / 8.0);
        steps.min_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap()
    };
    (least(&|dx| error(dx, 0.0)), least(&|dy| error(0.0, dy)))
}

#[track_caller]
fn assert_aligned(file: &[u8], what: &str) {
    let (dx, dy) = shift(file);
    assert!(dx.abs() <= 0.25 && dy.abs() <= 0.25, "{what}: {dx}, {dy}");
}

#[test]
fn every_kind_stays_what_it_is() {
    for kind in KINDS {
        let out = transform(&source((480, 320), (240, 160), kind), &keep("w=320")).unwrap();
        let taken = take(&out).unwrap();
        assert_eq!((taken.iso.is_some(), taken.xmp.is_some()), (kind.iso, kind.xmp));
        assert_eq!(taken.iso, kind.iso.then(|| iso_gains(0x40)).as_deref());
        if let Some(packet) = taken.xmp {
            for said in
                ["GainMapMax=\"3\"", "OffsetHDR=\"0.015625\"", "BaseRenditionIsHDR=\"False\""]
            {
                assert!(packet.contains(said), "{packet}");
            }
        }
        assert_eq!(decode(taken.picture).size(), (320, 213));
        // The density that it had, in whole pixels.
        assert_eq!(decode(taken.map).size(), (192, 128));
        assert!(psnr(&decode(taken.map), &all_of_it(192, 128)) > 38.0);
        assert_aligned(&out, "resized");
    }
}

#[test]
fn it_lies_where_its_picture_does() {
    for (size, of_map) in
        [((480, 320), (480, 320)), ((481, 323), (160, 108)), ((640, 400), (320, 200))]
    {
        let source = source(size, of_map, BOTH);
        for params in [
            "w=300",
            "w=200,h=200,fit=crop",
            "w=200,h=200,fit=crop,gravity=east",
            "w=210,h=130,fit=crop,gravity=0.2:0.9",
            "w=200,h=160,fit=crop,gravity=smart",
            "w=240,h=240,fit=stretch",
            "crop=10:20:301:203",
            "crop=170:20:270:240,w=200",
            "w=300,rotate=90",
            "w=300,rotate=180,flip=v",
            "w=300,h=150,fit=crop,rotate=270,flip=h",
            "trim=20,w=300",
            "trim=20:11:30:41",
            "w=900,enlarge=on",
            "w=300,sharpen=100",
            "w=300,q=50,interlace=on,subsampling=444",
        ] {
            let Ok(plan) = Plan::from_params(params) else { panic!("{params}") };
            let plan = Plan { hdr: HdrPolicy::Keep, ..plan };
            let out = transform(&source, &plan).unwrap();
            assert!(take(&out).is_some(), "{size:?} {of_map:?} {params}");
            assert_aligned(&out, &format!("{size:?} {of_map:?} {params}"));
        }
    }
}

#[test]
fn a_crop_is_that_of_the_scene() {
    let source = source((640, 400), (320, 200), ISO_ALONE);
    let out = transform(&source, &keep("crop=321:101:300:280")).unwrap();
    let taken = take(&out).unwrap();
    let (left, top) = (321.0 / 640.0, 101.0 / 400.0);
    let map = decode(taken.map);
    assert_eq!(map.size(), (150, 140));
    let expected = scene(150, 140, (left, top), (300.0 / 640.0, 280.0 / 400.0));
    assert!(psnr(&map, &expected) > 38.0);
}

#[test]
fn every_orientation() {
    let (kind, size) = (BOTH, (480, 320));
    let samples = map(&grey(&all_of_it(240, 160)), kind, 0x40);
    for orientation in 1..=8 {
        let picture = jpeg(&all_of_it(size.0, size.1), 92, Subsamp::Sub2x2, false);
        let source = join(&with_orientation(&picture, orientation), &samples, kind);
        for params in ["w=300", "w=200,h=260,fit=crop,gravity=northwest", "rotate=90"] {
            let out = transform(&source, &keep(params)).unwrap();
            assert_aligned(&out, &format!("{orientation} {params}"));
        }
        let plan = Plan { orient: false, ..keep("w=300") };
        assert_aligned(&transform(&source, &plan).unwrap(), "as it is stored");
    }
}

#[test]
fn small_ones_have_the_proportions_of_their_pictures() {
    let source = source((600, 400), (150, 100), BOTH);
    for (params, size) in [
        ("w=100,h=75,fit=crop", (100, 75)),
        ("w=64,h=64,fit=crop", (64, 64)),
        ("w=3", (3, 2)),
        ("w=300", (192, 128)),
        ("crop=0:0:20:10,w=20", (20, 10)),
    ] {
        let out = transform(&source, &keep(params)).unwrap();
        let taken = take(&out).unwrap();
        assert_eq!(decode(taken.map).size(), size, "{params}");
    }
    let wide = source_of((4000, 80), (1000, 20));
    let out = transform(&wide, &keep("w=1000")).unwrap();
    assert_eq!(decode(take(&out).unwrap().map).size(), (1000, 20));
}

fn source_of(size: (u32, u32), of_map: (u32, u32)) -> Vec<u8> {
    source(size, of_map, ANDROID)
}

#[test]
fn three_channels_stay_three() {
    let colors = Picture::new(240, 160, |x, y| [x as u8, y as u8, 100, 255]);
    for sampling in [Subsamp::None, Subsamp::Sub2x2] {
        let samples = map(&jpeg(&colors, 95, sampling, true), BOTH, 0x40);
        let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
        let out =
            transform(&join(&picture, &samples, BOTH), &keep("w=400,h=240,fit=crop")).unwrap();
        let made = decode(take(&out).unwrap().map);
        assert_eq!(made.size(), (213, 128));
        let [r, g, b, _] = made.at(0, 0);
        assert!(r.abs_diff(0) < 4 && g.abs_diff(8) < 4 && b.abs_diff(100) < 4, "{r} {g} {b}");
        let [r, g, ..] = made.at(212, 127);
        assert!(r.abs_diff(239) < 5 && g.abs_diff(151) < 5, "{r} {g}");
    }
}

#[test]
fn what_can_not_be_kept_leaves_no_trace() {
    let source = source((480, 320), (240, 160), BOTH);
    for params in [
        "w=300,h=300,fit=pad",
        "w=300,padding=4",
        "w=300,border=4",
        "w=300,blur=2",
        "w=300,rotate=10",
        "w=300,brightness=1.2",
        "w=300,tint=red",
        "w=300,pixelate=8",
        "w=300,mask=circle",
        "w=300,opacity=0.5",
    ] {
        let out = transform(&source, &keep(params)).unwrap();
        assert!(take(&out).is_none(), "{params}");
    }
    for params in ["w=300,f=png", "w=300,f=webp", "w=300,f=avif", "w=300,f=gif"] {
        let out = transform(&source, &keep(params)).unwrap();
        assert!(
            find(&out, b"21496").is_none() && find(&out, b"hdr-gain-map").is_none(),
            "{params}"
        );
    }
    for params in ["w=300", "q=50", ""] {
        assert!(take(&transform(&source, &plan(params)).unwrap()).is_none(), "{params}");
        assert!(take(&transform(&source, &keep(params)).unwrap()).is_some(), "{params}");
    }
}

#[test]
fn a_map_that_can_not_be_used_is_none() {
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let plain = transform(&picture, &keep("w=300")).unwrap();
    let samples = grey(&all_of_it(240, 160));
    let whole = map(&samples, BOTH, 0x40);
    let mut cases = vec![("none at all", picture.clone())];
    let mut case = |what, map: &[u8]| cases.push((what, join(&picture, map, BOTH)));
    case("no metadata", &samples);
    case("cut", &whole[..whole.len() / 2]);
    case("without its end", &whole[..whole.len() - 2]);
    case("empty", &[]);
    case("no JPEG", b"\x89PNG\r\n\x1a\n");
    case("larger than its picture", &map(&grey(&all_of_it(481, 320)), BOTH, 0x40));
    case("of other sides", &map(&grey(&all_of_it(160, 321)), BOTH, 0x40));
    let mut broken = whole.clone();
    let scan = find(&broken, &[0xff, 0xda]).unwrap();
    broken[scan + 60..scan + 200].fill(0);
    case("broken data", &broken);
    let iso = Kind { xmp: false, ..BOTH };
    let mut wrong = map(&samples, iso, 0x40);
    let at = find(&wrong, ISO).unwrap() + ISO.len();
    wrong[at + 1] = 9;
    case("a version that is not known", &wrong);
    let short = with_segment(&samples, 0xe2, &[ISO, &[0; 20]].concat());
    case("metadata that end early", &short);
    // Even if other metadata are right: readers go by these first.
    let mut xmp = map(&samples, ANDROID, 0);
    xmp = with_segment(&xmp, 0xe2, &[ISO, &[0; 20]].concat());
    case("two that do not agree", &xmp);
    for (what, source) in &cases {
        let out = transform(source, &keep("w=300")).unwrap();
        assert!(take(&out).is_none(), "{what}");
        assert_eq!(out, plain, "{what}");
    }
}

#[test]
fn places_that_lie() {
    let kind = DIRECTORY;
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let samples = map(&grey(&all_of_it(240, 160)), kind, 0x40);
    let len = samples.len();
    let is_found = |items: &[(&str, usize)], between: &[u8]| {
        let behind = [between, &samples].concat();
        let source = join_with(&picture, &behind, kind, &directory(items));
        take(&transform(&source, &keep("w=300")).unwrap()).is_some()
    };
    assert!(is_found(&[("Primary", 0), ("GainMap", len)], b""));
    assert!(is_found(&[("Primary", 77), ("GainMap", len)], b""));
    assert!(is_found(&[("Primary", 0), ("Film", 5), ("GainMap", len)], b"12345"));
    for wrong in [
        &[("Primary", 0), ("GainMap", len + 1)][..],
        &[("Primary", 0), ("GainMap", len - 1)],
        &[("Primary", 0), ("GainMap", usize::MAX)],
        &[("Primary", 0), ("Film", usize::MAX), ("GainMap", len)],
        &[("GainMap", len)],
        &[("Primary", 0), ("Other", len)],
    ] {
        assert!(!is_found(wrong, b""), "{wrong:?}");
    }
    // By an index, whose first entries lead nowhere.
    let with_index = |pictures: &[(usize, usize)]| {
        let mut source = with_segment(&picture, 0xe2, &index(pictures));
        source.extend(&samples);
        take(&transform(&source, &keep("w=300")).unwrap()).is_some()
    };
    // The TIFF header is behind the start, the marker, the length and the name.
    let there = picture.len() + 4 + index(&[(0, 0); 5]).len() - 10;
    let wrong = [(0, 0), (9, 5), (len, u32::MAX as usize), (len, there + 1)];
    assert!(with_index(&[&wrong[..], &[(len, there)]].concat()));
    // No more than some are looked at, and none within the picture.
    let there = picture.len() + 4 + index(&[(0, 0); 40]).len() - 10;
    let mut many = vec![(9, 5); 39];
    many.push((len, there));
    assert!(!with_index(&many));
}

#[test]
fn limits_count_both() {
    let source = source((480, 320), (480, 320), BOTH);
    let pixels = 480 * 320;
    let is_kept = |limits: &Limits| {
        let plan = keep("w=400");
        let made = prepare(&source, &plan, limits).unwrap().run(&Control::default()).unwrap();
        let Output::Encoded(bytes) = made.output else { panic!("not made") };
        take(&bytes).is_some()
    };
    assert!(is_kept(&Limits { pixels: 2 * pixels, ..Limits::default() }));
    assert!(!is_kept(&Limits { pixels: 2 * pixels - 1, ..Limits::default() }));
    let progressive = jpeg(&all_of_it(480, 320), 90, Subsamp::Gray, true);
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let source = join(&picture, &map(&progressive, BOTH, 0), BOTH);
    let limits = Limits { scans: 2, ..Limits::default() };
    let plan = keep("w=400");
    let made = prepare(&source, &plan, &limits).unwrap().run(&Control::default()).unwrap();
    assert!(matches!(made.output, Output::Encoded(bytes) if take(&bytes).is_none()));
}

#[test]
fn the_estimate_grows_by_the_map_and_work_ends() {
    let source = source((1600, 1200), (1600, 1200), BOTH);
    for params in ["w=1400", "w=1400,h=1000,fit=crop", "trim=5,w=1400"] {
        let need = |hdr| {
            let plan = Plan { hdr, ..Plan::from_params(params).unwrap() };
            prepare(&source, &plan, &Limits::default()).unwrap().memory()
        };
        let more = need(HdrPolicy::Keep) - need(HdrPolicy::Off);
        // Coefficients and both outputs, where all of it is made.
        assert!(more > 14 * 1400 * 1000, "{params}: {more}");
    }
    let narrow = join(
        &jpeg(&all_of_it(1600, 1200), 92, Subsamp::Sub2x2, false),
        &map(&grey(&all_of_it(1, 1200)), BOTH, 0x40),
        BOTH,
    );
    let need = |hdr| {
        let plan = Plan { hdr, ..Plan::from_params("trim=5").unwrap() };
        prepare(&narrow, &plan, &Limits::default()).unwrap().memory()
    };
    assert!(need(HdrPolicy::Keep) - need(HdrPolicy::Off) > 14 * 1600 * 1200);
    let plan = keep("w=1400");
    let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
    prepared.run(&ended_after(u32::MAX)).unwrap();
    let all = looks();
    for most in (1..all).step_by(7) {
        assert_eq!(prepared.run(&ended_after(most)).unwrap_err(), Error::Cancelled, "{most}");
        assert!(looks() <= most + 4, "{most}: {}", looks());
    }
}

const SECRET: &[u8] = b"48.2082N 16.3738E";

fn secret_exif() -> Vec<u8> {
    [&b"Exif\0\0"[..], &exif(1), SECRET].concat()
}

#[test]
fn an_original_is_stripped_in_both_pictures() {
    let picture =
        with_segment(&jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false), 0xe1, &secret_exif());
    let samples = grey(&all_of_it(240, 160));
    for kind in KINDS {
        let with_secret = with_segment(&map(&samples, kind, 0x40), 0xe1, &secret_exif());
        let with_secret = with_segment(&with_secret, 0xfe, SECRET);
        let film = [&b"\0\0\0\x18ftypmp42"[..], SECRET].concat();
        let source = [&join(&picture, &with_secret, kind)[..], &film].concat();
        let out = transform(&source, &keep("")).unwrap();
        assert!(find(&source, SECRET).is_some() && find(&out, SECRET).is_none());
        let taken = take(&out).unwrap();
        assert_eq!((taken.iso.is_some(), taken.xmp.is_some()), (kind.iso, kind.xmp));
        let scan = |jpeg: &[u8]| jpeg[find(jpeg, &[0xff, 0xda]).unwrap()..].to_vec();
        assert_eq!(scan(taken.picture), scan(&picture));
        assert_eq!(scan(taken.map), scan(&samples));
        // What has nothing to be taken out is the original.
        assert!(passes(&out, &keep("")), "stripped twice");
        assert!(passes(&source, &keep("metadata=keep")));
        let rights = transform(&source, &keep("metadata=copyright")).unwrap();
        assert!(find(&rights, b"Ann Other").is_some() && find(&rights, SECRET).is_none());
        assert!(take(&rights).is_some() && passes(&rights, &keep("metadata=copyright")));
        assert!(take(&transform(&source, &plan("")).unwrap()).is_none());
    }
}

#[test]
fn a_source_that_is_smaller_keeps_it() {
    let source = source((480, 320), (240, 160), BOTH);
    let plan = keep("f=webp");
    let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
    let instead = prepared.smaller_source(source.len() * 2, &Control::default()).unwrap().unwrap();
    let Output::Stripped(bytes) = instead.output else { panic!("not stripped") };
    assert!(take(&bytes).is_some());
}

#[test]
fn xmp_of_others_stays_beside_it() {
    let xmp = b"http://ns.adobe.com/xap/1.0/\0";
    let own = "<rdf:Description rdf:about='' xmlns:a='urn:a' a:b='c'/>";
    let more = directory(&[("Primary", 0), ("GainMap", 5000)])
        .replace("</rdf:RDF>", &format!("{own}</rdf:RDF>"));
    let samples = map(&grey(&all_of_it(240, 160)), BOTH, 0x40);
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let source = join_with(&picture, &samples, BOTH, &more);
    let out = transform(&source, &keep("w=300,metadata=keep")).unwrap();
    let taken = take(&out).unwrap();
    let packets = segments(taken.picture);
    let packets: Vec<_> =
        packets.iter().filter_map(|(_, _, body)| body.strip_prefix(xmp)).collect();
    let [packet] = packets[..] else { panic!("{} packets", packets.len()) };
    assert!(find(packet, b"a:b='c'").is_some());
    // Where there is no place for more there is no map.
    let full = more.replace("a:b='c'", &format!("a:b='{}'", "c".repeat(65_500 - more.len())));
    for (packet, said) in [("<a/>", &b"<a/>"[..]), (&full, &[b'c'; 60_000])] {
        let kind = Kind { xmp: false, ..BOTH };
        let source = join(&picture, &samples, kind);
        let source = with_segment(&source, 0xe1, &[&xmp[..], packet.as_bytes()].concat());
        assert!(take(&transform(&source, &keep("w=300")).unwrap()).is_some());
        let out = transform(&source, &keep("w=300,metadata=keep")).unwrap();
        assert!(find(&out, b"MPF\0").is_none() && find(&out, said).is_some());
    }
}

#[test]
fn a_bound_on_bytes_holds_for_both() {
    let source = source((480, 320), (240, 160), BOTH);
    let len = |params: &str| transform(&source, &keep(params)).unwrap().len();
    let (most, least) = (len("w=400,q=90"), len("w=400,q=10"));
    let bound = usize::midpoint(most, least);
    let out = transform(&source, &keep(&format!("w=400,q=90,max_bytes={bound}"))).unwrap();
    assert!(take(&out).is_some() && out.len() <= bound && out.len() > bound * 3 / 4);
    let out = transform(&source, &keep(&format!("w=400,max_bytes={}", least - 1))).unwrap();
    assert!(take(&out).is_none() && out.len() < least);
}

/// Display P3, as far as it matters here.
fn p3() -> Vec<u8> {
    moxcms::ColorProfile::new_display_p3().encode().unwrap()
}

fn with_profile(jpeg: &[u8]) -> Vec<u8> {
    with_segment(jpeg, 0xe2, &[&b"ICC_PROFILE\0\x01\x01"[..], &p3()].concat())
}

#[test]
fn gains_by_channel_keep_the_colours_they_are_of() {
    let has_profile = |bytes: &[u8]| find(bytes, b"ICC_PROFILE").is_some();
    let colors = Picture::new(240, 160, |x, y| [x as u8, y as u8, 100, 255]);
    let red = Picture::new(480, 320, |_, _| [200, 60, 50, 255]);
    let picture = with_profile(&jpeg(&red, 92, Subsamp::None, false));
    let make = |samples: &[u8], flags: u8, plan: &Plan| {
        let source = join(&picture, &map(samples, ISO_ALONE, flags), ISO_ALONE);
        transform(&source, plan).unwrap()
    };
    let (grey, colors) = (grey(&all_of_it(240, 160)), jpeg(&colors, 95, Subsamp::None, false));
    // A grey map, or one of colours of its own, fits what is converted, too.
    let own = with_profile(&colors);
    for (samples, flags) in [(&grey, 0x40), (&grey, 0), (&own, 0)] {
        let out = make(samples, flags, &keep("w=300"));
        let taken = take(&out).unwrap();
        assert!(!has_profile(taken.picture));
        assert!(decode(taken.picture).at(5, 5)[0] > 208);
    }
    // Whose colours it does not say it has not.
    for flags in [0x40, 0] {
        let out = make(&colors, flags, &keep("w=300"));
        let taken = take(&out).unwrap();
        assert!(has_profile(taken.picture) && decode(taken.picture).at(5, 5)[0] < 204);
    }
    // Those who go by XMP know of none either.
    let both = join(&picture, &map(&own, BOTH, 0), BOTH);
    let out = transform(&both, &keep("w=300")).unwrap();
    let taken = take(&out).unwrap();
    assert!(has_profile(taken.picture) && has_profile(taken.map));
    let strip = Plan { profile: ProfilePolicy::Strip, ..keep("w=300") };
    assert!(!has_profile(&make(&colors, 0x40, &strip)));
    // Only where there is a map.
    assert!(!has_profile(&make(&colors, 0x40, &plan("w=300"))));
    assert!(!has_profile(&make(&colors, 0x40, &keep("w=300,blur=1"))));
    // That of the map stays with it, where the standard has one.
    assert!(has_profile(take(&make(&own, 0, &keep("w=300"))).unwrap().map));
    assert!(!has_profile(take(&make(&own, 0x40, &keep("w=300"))).unwrap().map));
    // Without it its gains are wrong.
    assert!(take(&make(&own, 0, &strip)).is_none() && take(&make(&colors, 0, &strip)).is_some());
    let grey = take(&make(&with_profile(&grey), 0, &strip)).map(|taken| has_profile(taken.map));
    assert_eq!(grey, Some(false));
}

/// A map without the end of its data, as only who decodes it notices.
fn truncated(map: &[u8]) -> Vec<u8> {
    [&map[..map.len() - 900], &[0xff, 0xd9]].concat()
}

#[test]
fn without_its_map_a_picture_has_the_colours_that_are_asked_for() {
    let colors = Picture::new(240, 160, |x, y| [x as u8, y as u8, (x ^ y) as u8, 255]);
    let samples = map(&jpeg(&colors, 95, Subsamp::None, false), ANDROID, 0);
    let framed = Picture::new(480, 320, |x, y| match (80..400).contains(&x) {
        true => [x as u8, y as u8, 40, 255],
        false => [255; 4],
    });
    let picture = with_profile(&jpeg(&framed, 92, Subsamp::None, false));
    let source = join(&picture, &samples, ANDROID);
    let damaged = join(&picture, &truncated(&samples), ANDROID);
    let own = "<rdf:Description rdf:about='' xmlns:a='urn:a' a:b='".to_owned();
    let own = packet(&format!("{own}{}'/>", "c".repeat(65_000)));
    let full = with_segment(
        &join(&picture, &samples, Kind { xmp: false, ..ANDROID }),
        0xe1,
        &[&b"http://ns.adobe.com/xap/1.0/\0"[..], own.as_bytes()].concat(),
    );
    let limits = Limits::default();
    let few = Limits { pixels: 480 * 320 + 1000, ..limits };
    let make = |source: &[u8], plan: &Plan, limits: &Limits| {
        let prepared = prepare(source, plan, limits).unwrap();
        match prepared.run(&Control::default()).unwrap().output {
            Output::Original => source.to_vec(),
            Output::Stripped(bytes) | Output::Encoded(bytes) => bytes,
        }
    };
    let bound = make(&source, &keep("w=400"), &limits);
    assert!(find(take(&bound).unwrap().picture, b"ICC_PROFILE").is_some());
    for (what, source, params, limits) in [
        ("pixels", &source, "w=400", &few),
        ("pixels of the original", &source, "", &few),
        ("damage", &damaged, "w=400", &limits),
        ("damage of the original", &damaged, "", &limits),
        ("no room", &full, "w=400,metadata=keep", &limits),
        ("bytes", &source, "w=400,max_bytes=7000", &limits),
        ("trimmed and padded", &source, "trim=20,fit=pad,w=300,h=200", &limits),
    ] {
        let Ok(plan) = Plan::from_params(params) else { panic!("{params}") };
        let kept = make(source, &Plan { hdr: HdrPolicy::Keep, ..plan.clone() }, limits);
        assert!(kept == make(source, &plan, limits), "{what}");
        assert!(take(&kept).is_none() && find(&kept, b"ICC_PROFILE").is_none(), "{what}");
    }
}

#[test]
fn a_profile_of_a_map_is_one_or_goes() {
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let colors = Picture::new(240, 160, |x, y| [x as u8, y as u8, 100, 255]);
    let profile = |body: &[u8]| [&b"ICC_PROFILE\0\x01\x01"[..], body].concat();
    let long = [&p3()[..], &vec![7; 65_000 - p3().len()]].concat();
    let of_grey = moxcms::ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    for samples in [grey(&all_of_it(240, 160)), jpeg(&colors, 95, Subsamp::None, false)] {
        let is_grey = decode(&samples).at(9, 40)[1] == decode(&samples).at(9, 40)[2];
        // Text, what is cut in its head, and a profile of another kind of pixels.
        for (bogus, is_map) in [
            (profile(&SECRET.repeat(100)), true),
            (profile(&p3()[..39]), true),
            (profile(&of_grey), is_grey),
        ] {
            let samples = map(&with_segment(&samples, 0xe2, &bogus), ISO_ALONE, 0);
            for params in ["w=300", "", "w=300,profile=strip", "profile=strip"] {
                let plan = Plan { hdr: HdrPolicy::Keep, ..Plan::from_params(params).unwrap() };
                let out = transform(&join(&picture, &samples, ISO_ALONE), &plan).unwrap();
                assert_eq!(take(&out).is_some(), is_map, "{params}");
                assert!(find(&out, b"ICC_PROFILE").is_none(), "{params}");
            }
        }
        // In two segments it is longer than any that is kept.
        let [first, second] = [1, 2].map(|part| {
            let head = [b"ICC_PROFILE\0", &[part, 2][..]].concat();
            let body = if part == 1 { &long[..] } else { &[7; 2000] };
            [head, body.to_vec()].concat()
        });
        let samples = with_segment(&with_segment(&samples, 0xe2, &second), 0xe2, &first);
        let source = join(&picture, &map(&samples, ISO_ALONE, 0), ISO_ALONE);
        let out = transform(&source, &keep("w=300")).unwrap();
        assert_eq!(take(&out).is_some(), is_grey);
        assert!(find(&out, b"ICC_PROFILE").is_none());
    }
}

#[test]
fn pictures_that_are_the_brighter_ones_have_none() {
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let samples = grey(&all_of_it(240, 160));
    let mut gains = iso_gains(0x40);
    gains.copy_within(13..17, 5);
    gains[13..17].fill(0);
    let by_iso = with_segment(&samples, 0xe2, &[ISO, &gains].concat());
    let by_xmp = xmp_gains().replace("IsHDR='False'", "IsHDR='True'");
    let by_xmp = [&b"http://ns.adobe.com/xap/1.0/\0"[..], by_xmp.as_bytes()].concat();
    let by_xmp = with_segment(&samples, 0xe1, &by_xmp);
    for (map, kind) in [(by_iso, ISO_ALONE), (by_xmp, ANDROID)] {
        for params in ["w=300", ""] {
            let source = join(&picture, &map, kind);
            assert!(take(&transform(&source, &keep(params)).unwrap()).is_none(), "{params}");
        }
    }
}

#[test]
fn what_is_trimmed_and_padded_loses_it() {
    let framed = Picture::new(480, 320, |x, y| match (90..390).contains(&x) {
        true => [(x / 2) as u8, y as u8, 40, 255],
        false => [255; 4],
    });
    let picture = jpeg(&framed, 92, Subsamp::Sub2x2, false);
    let source = join(&picture, &map(&grey(&all_of_it(240, 160)), ISO_ALONE, 0x40), ISO_ALONE);
    // It would be padded only where nothing is trimmed, or only where it is.
    for (params, is_kept) in [
        ("fit=pad,w=300,h=200,trim=20", false),
        ("w=300,h=200,trim=20", true),
        ("fit=pad,w=300,h=200", true),
    ] {
        let plan = Plan { hdr: HdrPolicy::Keep, ..Plan::from_params(params).unwrap() };
        let out = transform(&source, &plan).unwrap();
        assert_eq!(take(&out).is_some(), is_kept, "{params}");
    }
}

#[test]
fn an_original_loses_a_map_that_can_not_be_decoded() {
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let picture = with_segment(&picture, 0xe1, &secret_exif());
    let samples = grey(&all_of_it(240, 160));
    let scan = |jpeg: &[u8]| jpeg[find(jpeg, &[0xff, 0xda]).unwrap()..].to_vec();
    for kind in KINDS {
        let damaged = join(&picture, &truncated(&map(&samples, kind, 0x40)), kind);
        for params in ["", "damaged=strict"] {
            let plan = Plan { hdr: HdrPolicy::Keep, ..Plan::from_params(params).unwrap() };
            let out = transform(&damaged, &plan).unwrap();
            assert!(take(&out).is_none() && scan(&out) == scan(&picture), "{params}");
        }
        let plan = keep("f=webp");
        let prepared = prepare(&damaged, &plan, &Limits::default()).unwrap();
        let instead = prepared.smaller_source(usize::MAX, &Control::default()).unwrap().unwrap();
        assert!(matches!(instead.output, Output::Stripped(bytes) if take(&bytes).is_none()));
    }
    // What is decoded counts.
    let source = join(&picture, &map(&samples, BOTH, 0x40), BOTH);
    let (of_map, of_picture) = (240 * 160, 480 * 320);
    for (params, pixels) in [("", of_map), ("damaged=strict", of_map + of_picture)] {
        let plan = Plan { hdr: HdrPolicy::Keep, ..Plan::from_params(params).unwrap() };
        for (pixels, is_kept) in [(pixels, true), (pixels - 1, false)] {
            let limits = Limits { pixels, ..Limits::default() };
            let prepared = prepare(&source, &plan, &limits).unwrap();
            assert!(!is_kept || prepared.memory() >= of_map);
            let made = prepared.run(&Control::default()).unwrap().output;
            let Output::Stripped(bytes) = made else { panic!("{made:?}") };
            assert_eq!(take(&bytes).is_some(), is_kept, "{params} {pixels}");
        }
    }
}

#[test]
fn an_original_is_no_longer_than_asked_for() {
    let xmp = b"http://ns.adobe.com/xap/1.0/\0";
    // As little as can be said of a map: what we say is longer.
    let samples = with_segment(
        &grey(&all_of_it(240, 160)),
        0xe1,
        &[
            xmp,
            format!("<a xmlns:h='{GAINS}' h:Version='1.0' h:GainMapMax='3' h:HDRCapacityMax='3'/>")
                .as_bytes(),
        ]
        .concat(),
    );
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let short = format!(
        "<a xmlns:i='http://ns.google.com/photos/1.0/container/item/'><b i:Semantic='P'/>\
        <b i:Semantic='GainMap' i:Length='{}'/></a>",
        samples.len()
    );
    let source = join_with(&picture, &samples, DIRECTORY, &short);
    let free = transform(&source, &keep("")).unwrap();
    assert!(take(&free).is_some() && free.len() > source.len());
    for max in [source.len(), free.len() - 1, free.len(), free.len() + 100] {
        let out = transform(&source, &keep(&format!("max_bytes={max}"))).unwrap();
        assert!(out.len() <= max && take(&out).is_some(), "{max}: {}", out.len());
    }
    let plan = keep("f=webp");
    let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
    assert!(prepared.smaller_source(free.len(), &Control::default()).unwrap().is_none());
}

#[test]
fn marks_of_the_order_of_bytes_move_nothing() {
    let xmp = b"http://ns.adobe.com/xap/1.0/\0";
    let samples = map(&grey(&all_of_it(240, 160)), ANDROID, 0);
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let kind = Kind { xmp: false, ..ANDROID };
    let own = packet("<rdf:Description rdf:about='' xmlns:a='urn:a' a:b='c'/>");
    let make = |marks: &str| {
        let body = [&xmp[..], marks.as_bytes(), own.as_bytes()].concat();
        let source = with_segment(&join(&picture, &samples, kind), 0xe1, &body);
        transform(&source, &keep("w=300,metadata=keep")).unwrap()
    };
    let plain = make("");
    assert!(take(&plain).is_some() && find(&plain, b" a:b='c'/><rdf:Description").is_some());
    assert!(make("\u{feff}") == plain && make("\u{feff}\u{feff}") == plain);
}

/// What this thread has had of the processor so far, in seconds.
fn spent() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

#[test]
fn looking_for_one_takes_no_time_to_speak_of() {
    let xmp = b"http://ns.adobe.com/xap/1.0/\0";
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    // Packets of names that are looked up among many.
    let spaces: String = (0..120).map(|number| format!(" xmlns:a{number}='u'")).collect();
    let head = format!("<r xmlns:z='u'{spaces}><q");
    let hard = format!("{head}{}/></r>", " z:a=''".repeat((65_400 - head.len()) / 7));
    let mut segments = with_segment(&[0xff, 0xd8], 0xe1, &[&xmp[..], hard.as_bytes()].concat());
    let segment = segments.split_off(2);
    let bomb = [&[0xff, 0xd8][..], &segment.repeat(240)].concat();
    // A map that is refused only when all of it was read, or should have been before.
    let mut large = map(&grey(&all_of_it(240, 160)), BOTH, 0x40);
    let frame = find(&large, &[0xff, 0xc0]).unwrap();
    large[frame + 5..frame + 9].copy_from_slice(&[16, 0, 16, 0]);
    large.truncate(large.len() - 2);
    large.extend([0xff, 0].repeat(15 << 19));
    for map in [bomb, large] {
        let len = picture.len() + 4 + index(&[(0, 0); 9]).len();
        let there = [(map.len(), len - 10); 8];
        let source = with_segment(&picture, 0xe2, &index(&[&[(len, 0)], &there[..]].concat()));
        let source = [source, map].concat();
        let before = spent();
        assert!(take(&transform(&source, &keep("w=300")).unwrap()).is_none());
        let spent = spent() - before;
        assert!(spent < 0.25, "{spent}");
    }
}

#[test]
fn the_first_of_several_counts() {
    let xmp = b"http://ns.adobe.com/xap/1.0/\0";
    let picture = jpeg(&all_of_it(480, 320), 92, Subsamp::Sub2x2, false);
    let samples = grey(&all_of_it(240, 160));
    let is_found = |maps: &[&[u8]], ranges: &[(usize, usize)]| {
        let maps = maps.concat();
        let len = picture.len() + 4 + index(&vec![(0, 0); ranges.len() + 1]).len();
        let there = ranges.iter().map(|&(at, map)| (map, len - 10 + at));
        let pictures: Vec<_> = [(len, 0)].into_iter().chain(there).collect();
        let source = [with_segment(&picture, 0xe2, &index(&pictures)), maps].concat();
        take(&transform(&source, &keep("w=300")).unwrap()).is_some()
    };
    let right = map(&samples, ANDROID, 0);
    assert!(is_found(&[&right], &[(0, right.len())]));
    // A first packet that speaks of other things.
    let hidden = with_segment(&right, 0xe1, &[&xmp[..], packet("").as_bytes()].concat());
    assert!(!is_found(&[&hidden], &[(0, hidden.len())]));
    // A preview before it, and one that reaches into it.
    let preview = grey(&all_of_it(40, 30));
    let (first, second) = (preview.len(), right.len());
    assert!(is_found(&[&preview, &right], &[(0, first), (first, second)]));
    assert!(is_found(&[&preview, &right], &[(first, second), (0, first)]));
    assert!(!is_found(&[&preview, &right], &[(0, first + 1), (first, second)]));
    // Another one, that would not be larger than its picture.
    let large = map(&grey(&all_of_it(500, 320)), ANDROID, 0);
    let first = large.len();
    assert!(!is_found(&[&large, &right], &[(0, first), (first, second)]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn hostile_ones_are_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        kind in 0..KINDS.len(),
        near in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let kind = KINDS[kind];
        let mut source = source((96, 64), (48, 32), kind);
        let start = find(&source, b"MPF\0").unwrap_or(20);
        let map = source.len() - 900;
        for (at, byte) in changes {
            // Most of it is said in the index and before the data of the map.
            let at = if near { start + at.index(120) } else { map.min(source.len() - 1) + at.index(600) };
            let len = source.len();
            source[at.min(len - 1)] = byte;
        }
        source.truncate(source.len() - cut.index(source.len()) / 8);
        for params in ["w=50", "", "crop=3:4:50:40", "w=40,metadata=keep"] {
            let (plan, limits) = (keep(params), Limits::default());
            let Ok(prepared) = prepare(&source, &plan, &limits) else { continue };
            // An original may say what it likes, once there is nothing to be taken out of it.
            if let Ok(Output::Stripped(out) | Output::Encoded(out)) =
                prepared.run(&Control::default()).map(|made| made.output)
            {
                take(&out);
            }
        }
    }
}
