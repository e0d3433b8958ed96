//! What links have told of pictures, against the pictures that are made of the same links.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use gif::{Encoder, Frame};
use image_gate_core::image::{
    Asked, Canonical as _, Control, Description, Dialect, Draft, Error, Hints, Limits, Plan,
    Presets, Resource, Unknown, prepare,
};
use serde_json::{Value, json};

fn asked(dialect: Dialect, uri: &str) -> Asked {
    let link = dialect.link(uri.as_bytes(), b"/").unwrap();
    dialect.read(link, Unknown::Refuse).unwrap_or_else(|error| panic!("{uri}: {error}"))
}

fn plan_of(asked: &Asked) -> Plan {
    let mut draft = Draft::default();
    asked.defaults.put_into(&mut draft, &Presets::default()).unwrap();
    let mut plan = draft.finish(std::iter::empty());
    plan.apply(&asked.params, &Presets::default(), std::iter::empty(), Hints::default()).unwrap();
    plan
}

fn description(asked: Asked) -> Description {
    match asked.resource {
        Resource::Description(description) => description,
        other => panic!("{other:?}"),
    }
}

fn told_within(source: &[u8], asked: Asked, limits: &Limits) -> Result<Value, Error> {
    let plan = plan_of(&asked);
    let description = description(asked);
    let prepared = prepare(source, &plan, limits)?;
    let measured = prepared.measure(description.tells_places(), &Control::default())?;
    Ok(serde_json::from_str(&description.json(&measured, limits)).unwrap())
}

fn told(dialect: Dialect, source: &[u8], uri: &str) -> Value {
    told_within(source, asked(dialect, uri), &Limits::default()).unwrap()
}

/// The size of the picture that a link is for.
fn size(dialect: Dialect, source: &[u8], uri: &str) -> (u32, u32) {
    transformed(source, &plan_of(&asked(dialect, uri))).size()
}

/// 100x80 pixels, of which those from (20, 10) to (70, 60) are no border.
fn bordered() -> Vec<u8> {
    png(&Picture::new(100, 80, |x, y| {
        if (20..70).contains(&x) && (10..60).contains(&y) { [200, 0, 0, 255] } else { [255; 4] }
    }))
}

/// An animation of four pictures, 50x40 pixels large.
fn moving() -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 50, 40, &[]).unwrap();
    for red in [0, 80, 160, 240] {
        let palette = Some(vec![red, 0, 0, 255, 255, 255]);
        // A border of ten pixels on the left.
        let buffer = [[1; 10].as_slice(), &[0; 40]].concat().repeat(40).into();
        let frame = Frame { width: 50, height: 40, buffer, palette, ..Frame::default() };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    out
}

fn thumbor(source: &[u8], options: &str) -> Value {
    told(Dialect::Thumbor, source, &format!("/unsafe/meta/{options}a%20b.png"))
}

/// What thumbor 7.8 tells of the same, but for the source, of which it tells what has become of it.
#[test]
fn steps_of_thumbor() {
    let source = bordered();
    let center = json!({"x": 50, "y": 40, "z": 1, "height": 1, "width": 1, "origin": "alignment"});
    let at = |x: u32, y: u32| json!({"x": x, "y": y, "z": 1, "height": 1, "width": 1, "origin": "alignment"});
    let crop = |[left, top, right, bottom]: [u32; 4]| json!({"type": "crop", "left": left, "top": top, "right": right, "bottom": bottom});
    let resize =
        |width: u32, height: u32| json!({"type": "resize", "width": width, "height": height});
    for (options, steps, target, point) in [
        ("", json!([]), (100, 80), center.clone()),
        ("50x50/", json!([crop([10, 0, 90, 80]), resize(50, 50)]), (50, 50), center.clone()),
        ("50x50/left/", json!([crop([0, 0, 80, 80]), resize(50, 50)]), (50, 50), at(0, 40)),
        ("50x0/", json!([resize(50, 40)]), (50, 40), center.clone()),
        ("0x160/", json!([resize(200, 160)]), (200, 160), center.clone()),
        // 33x26 is of no such proportions that it would not be cut.
        ("33x0/", json!([crop([0, 0, 100, 79]), resize(33, 26)]), (33, 26), center.clone()),
        ("50xorig/", json!([crop([25, 0, 75, 80])]), (50, 80), center.clone()),
        ("origxorig/", json!([]), (100, 80), center.clone()),
        ("fit-in/50x50/", json!([resize(50, 40)]), (50, 40), center.clone()),
        ("fit-in/500x500/", json!([]), (100, 80), center.clone()),
        ("fit-in/600x600/filters:upscale()/", json!([]), (600, 480), center.clone()),
        ("full-fit-in/50x50/", json!([resize(63, 50)]), (63, 50), center.clone()),
        ("50x50/filters:stretch()/", json!([resize(50, 50)]), (50, 50), center.clone()),
        (
            "-50x-40/",
            json!([resize(50, 40), {"type": "flip_horizontally"}, {"type": "flip_vertically"}]),
            (50, 40),
            center.clone(),
        ),
        ("0x0:0x0/50x0/", json!([resize(50, 40)]), (50, 40), center.clone()),
        ("10x10:60x60/", json!([crop([10, 10, 60, 60])]), (50, 50), at(25, 25)),
        (
            "10x10:60x60/30x10/filters:focal(20x20:40x40)/",
            json!([crop([10, 10, 60, 60]), crop([0, 12, 50, 29]), resize(30, 10)]),
            (30, 10),
            json!({"x": 20, "y": 20, "z": 400, "height": 20, "width": 20, "origin": "Explicit"}),
        ),
        // That point was cut away.
        (
            "10x10:60x60/30x30/filters:focal(0x0:4x4)/",
            json!([crop([10, 10, 60, 60]), resize(30, 30)]),
            (30, 30),
            at(25, 25),
        ),
        // This one is beside the picture, but no crop says so.
        (
            "50x50/filters:focal(96x30:120x50)/",
            json!([crop([20, 0, 100, 80]), resize(50, 50)]),
            (50, 50),
            json!({"x": 108, "y": 40, "z": 480, "height": 20, "width": 24, "origin": "Explicit"}),
        ),
        ("trim/", json!([crop([20, 10, 70, 60])]), (50, 50), at(25, 25)),
        ("trim/60x0/", json!([crop([20, 10, 70, 60]), resize(60, 60)]), (60, 60), at(25, 25)),
        (
            "trim/full-fit-in/60x20/",
            json!([crop([20, 10, 70, 60]), resize(60, 60)]),
            (60, 60),
            at(25, 25),
        ),
        ("trim/20x20/", json!([crop([20, 10, 70, 60]), resize(20, 20)]), (20, 20), at(25, 25)),
        ("filters:rotate(90)/", json!([]), (80, 100), center.clone()),
        ("50x40/filters:rotate(90)/", json!([resize(50, 40)]), (50, 40), center.clone()),
        (
            "fit-in/50x50/filters:fill(red):quality(3):grayscale()/",
            json!([resize(50, 40)]),
            (50, 40),
            center.clone(),
        ),
    ] {
        let found = &thumbor(&source, options)["thumbor"];
        let target = json!({"width": target.0, "height": target.1});
        let from = json!({"url": "a%20b.png", "width": 100, "height": 80, "frameCount": 1});
        let expected = json!({
            "source": from, "operations": steps, "target": target, "focal_points": [point]
        });
        assert_eq!(*found, expected, "{options}");
    }
}

#[test]
fn sizes_are_those_of_the_pictures() {
    let upside = with_orientation(&jpeg(&photo(90, 60), 90, Subsamp::Sub2x2, false), 6);
    for source in [bordered(), png(&photo(301, 199)), moving(), upside] {
        for options in [
            "",
            "50x50/",
            "fit-in/70x70/",
            "trim/40x0/",
            "50x40/filters:rotate(90)/",
            "50x9/smart/",
        ] {
            let meta = thumbor(&source, options);
            let (width, height) =
                size(Dialect::Thumbor, &source, &format!("/unsafe/{options}a%20b.png"));
            assert_eq!(
                (&meta["width"], &meta["height"]),
                (&json!(width), &json!(height)),
                "{options}"
            );
        }
        for options in ["w=50", "h=30,w=70,fit=pad", "w=9,h=9,fit=cover,g=auto", "trim=border,w=50"]
        {
            let uri = |more: &str| format!("/cdn-cgi/image/{options}{more}/a.png");
            let found = told(Dialect::Cloudflare, &source, &uri(",format=json"));
            let (width, height) = size(Dialect::Cloudflare, &source, &uri(""));
            assert_eq!(
                (&found["width"], &found["height"]),
                (&json!(width), &json!(height)),
                "{options}"
            );
            assert_eq!(found["original"]["file_size"], json!(source.len()));
        }
        for options in ["w=50", "w=50&ro=90", "w=20&h=30&fit=cover&a=entropy", "trim=10&h=9"] {
            let uri = |more: &str| format!("/?url=/a.png&{options}{more}");
            let found = told(Dialect::Weserv, &source, &uri("&output=json"));
            let (width, height) = size(Dialect::Weserv, &source, &uri(""));
            assert_eq!(
                (&found["width"], &found["height"]),
                (&json!(width), &json!(height)),
                "{options}"
            );
        }
    }
}

/// A crop by what is on the picture is where the picture has it.
#[test]
fn what_is_kept_by_content() {
    let source = png(&Picture::new(400, 100, |x, y| {
        if x > 300 {
            [(x * 37 % 256) as u8, (y * 91 % 256) as u8, 20, 255]
        } else {
            [90, 90, 90, 255]
        }
    }));
    let meta = &thumbor(&source, "50x50/smart/")["thumbor"];
    let crop = &meta["operations"][0];
    assert!(crop["left"].as_u64().unwrap() > 250, "{meta}");
    assert_eq!(meta["focal_points"][0]["origin"], "detection");
    assert_eq!(meta["target"], json!({"width": 50, "height": 50}));
}

#[test]
fn what_the_others_tell() {
    let source = jpeg(&photo(300, 200), 80, Subsamp::Sub2x2, true);
    assert_eq!(
        told(Dialect::Cloudflare, &source, "/cdn-cgi/image/w=100,f=json/a.jpg"),
        json!({"width": 100, "height": 67, "original": {
            "file_size": source.len(), "width": 300, "height": 200, "format": "image/jpeg"
        }})
    );
    assert_eq!(
        told(Dialect::Weserv, &source, "/?url=/a.jpg&w=100&output=json"),
        json!({
            "format": "jpeg", "width": 100, "height": 67, "isProgressive": true,
            "hasProfile": false, "hasAlpha": false, "orientation": 1
        })
    );
    let meta = told(Dialect::Thumbor, &source, "/_/meta/100x0/filters:format(webp)/a.jpg");
    let meta_of_moving = thumbor(&moving(), "trim/");
    assert_eq!(meta_of_moving["thumbor"]["source"]["frameCount"], 4);
    assert_eq!((&meta_of_moving["pages"], &meta_of_moving["width"]), (&json!(4), &json!(40)));
    assert_eq!(told(Dialect::Weserv, &moving(), "/?url=/a.gif&output=json")["pages"], 4);
    let imagor = ["format", "content_type", "width", "height", "orientation", "pages"];
    assert_eq!(
        imagor.map(|name| meta[name].clone()),
        [json!("webp"), json!("image/webp"), json!(100), json!(67), json!(1), json!(1)]
    );
}

/// As it was read by the link, quoted: nothing gets out of its string.
#[test]
fn texts_of_strangers_stay_texts() {
    let source = bordered();
    for (link, url) in [
        ("a%22%7D%5C%3C/b.png", "a%22%7D%5C%3C/b.png"),
        ("http%3A%2F%2Fh.test%2F%C3%A9.png", "http%3A//h.test/%C3%A9.png"),
        ("https://h.test/a.png", "https%3A//h.test/a.png"),
    ] {
        let meta = told(Dialect::Thumbor, &source, &format!("/unsafe/meta/{link}"));
        assert_eq!(meta["thumbor"]["source"]["url"], url);
    }
}

#[test]
fn limits_are_those_of_the_picture() {
    let source = png(&photo(300, 200));
    let few = Limits { output_pixels: 5_000, ..Limits::default() };
    let small = Limits { width: 200, ..Limits::default() };
    for (dialect, uri) in [
        (Dialect::Thumbor, "/unsafe/meta/100x100/a.png"),
        (Dialect::Cloudflare, "/cdn-cgi/image/w=100,format=json/a.png"),
        (Dialect::Weserv, "/?url=/a.png&w=100&output=json"),
    ] {
        for limits in [&few, &small] {
            let found = told_within(&source, asked(dialect, uri), limits);
            assert!(matches!(found, Err(Error::TooManyPixels(_))), "{uri}: {found:?}");
        }
        assert!(told_within(b"no picture", asked(dialect, uri), &few).is_err());
    }
}

/// Of most pictures the headers say all.
#[test]
fn pixels_are_only_looked_at_where_they_decide() {
    let source = png(&photo(300, 200));
    let looks = |dialect: Dialect, uri: &str| {
        let asked = asked(dialect, uri);
        let plan = plan_of(&asked);
        let prepared = prepare(&source, &plan, &Limits::default()).unwrap();
        let description = description(asked);
        prepared.is_measured_by_content(description.tells_places()).unwrap()
    };
    for (dialect, uri, expected) in [
        (Dialect::Thumbor, "/_/meta/100x100/a.png", false),
        (Dialect::Thumbor, "/_/meta/100x100/smart/a.png", true),
        (Dialect::Thumbor, "/_/meta/300x200/smart/a.png", false),
        (Dialect::Thumbor, "/_/meta/trim/a.png", true),
        (Dialect::Cloudflare, "/cdn-cgi/image/w=9,h=9,fit=cover,g=auto,format=json/a.png", false),
        (Dialect::Cloudflare, "/cdn-cgi/image/trim=border,format=json/a.png", true),
        (Dialect::Weserv, "/?url=/a.png&output=json", false),
    ] {
        assert_eq!(looks(dialect, uri), expected, "{uri}");
    }
    // What is cut off after its headers is described all the same, unless it has to be looked at.
    let part = &source[..source.len() / 2];
    assert_eq!(thumbor(part, "100x0/")["width"], 100);
}

/// What is kept of one description is not sent for another.
#[test]
fn texts_that_tell_descriptions_apart() {
    let links = [
        (Dialect::Thumbor, "/_/meta/a.png"),
        (Dialect::Thumbor, "/_/meta/b.png"),
        (Dialect::Thumbor, "/_/meta/left/a.png"),
        (Dialect::Thumbor, "/_/meta/smart/a.png"),
        (Dialect::Thumbor, "/_/meta/filters:focal(1x1:5x5)/a.png"),
        (Dialect::Thumbor, "/_/meta/filters:focal(2x2:4x4)/a.png"),
        (Dialect::Cloudflare, "/cdn-cgi/image/format=json/a.png"),
        (Dialect::Weserv, "/?url=/a.png&output=json"),
        (Dialect::Iiif, "/a.png/info.json"),
    ];
    let mut texts: Vec<String> = links
        .iter()
        .map(|(dialect, uri)| {
            let mut text = String::new();
            description(asked(*dialect, uri)).write(&mut text);
            text
        })
        .collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), links.len(), "{texts:?}");
}
