//! Gain maps of JPEGs: kept in their place, or gone without a trace.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::ultra_hdr::*;
use common::*;
use image_gate_core::image::{
    Control, Error, HdrPolicy, Limits, Output, Plan, ProfilePolicy, prepare,
};
use proptest::prelude::*;
use turbojpeg::Subsamp;

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
    for params in ["w=1400", "w=1400,h=1000,fit=crop,profile=keep", "trim=5,w=1400"] {
        let need = |hdr| {
            let plan =
                Plan { hdr, ..Plan::from_params(&params.replace(",profile=keep", "")).unwrap() };
            prepare(&source, &plan, &Limits::default()).unwrap().memory()
        };
        let more = need(HdrPolicy::Keep) - need(HdrPolicy::Off);
        assert!(more > 1600 * 1000, "{params}: {more}");
    }
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
    let instead = prepared.smaller_source(source.len() * 2).unwrap().unwrap();
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
    for (samples, flags) in [(&grey, 0x40), (&grey, 0), (&colors, 0)] {
        let out = make(samples, flags, &keep("w=300"));
        let taken = take(&out).unwrap();
        assert!(!has_profile(taken.picture));
        assert!(decode(taken.picture).at(5, 5)[0] > 208);
    }
    let out = make(&colors, 0x40, &keep("w=300"));
    let taken = take(&out).unwrap();
    assert!(has_profile(taken.picture) && decode(taken.picture).at(5, 5)[0] < 204);
    let strip = Plan { profile: ProfilePolicy::Strip, ..keep("w=300") };
    assert!(!has_profile(&make(&colors, 0x40, &strip)));
    // Only where there is a map.
    assert!(!has_profile(&make(&colors, 0x40, &plan("w=300"))));
    assert!(!has_profile(&make(&colors, 0x40, &keep("w=300,blur=1"))));
    // That of the map stays with it, where the standard has one.
    let own = with_profile(&colors);
    assert!(has_profile(take(&make(&own, 0, &keep("w=300"))).unwrap().map));
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
            let out = transform(&source, &keep(params));
            if let (Ok(out), false) = (out, params.is_empty()) {
                take(&out);
            }
        }
    }
}
