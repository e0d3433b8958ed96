//! Watermarks beside those of ImageMagick and pango, which `fixtures/marks/make.sh` made.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::*;
use image_gate_core::image::{
    self as core, Color, Control, Error, EtagGenerator, Font, Format, Fraction, Limits, Plan,
    Position, ProfilePolicy, Validator, Watermark, WatermarkContent, WatermarkStyle, WatermarkText,
    prepare,
};

const DEJAVU: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
const DROID: &str = "/usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf";
const AMIRI: &str = "/usr/share/fonts/opentype/fonts-hosny-amiri/Amiri-Regular.ttf";

fn picture(bytes: &[u8]) -> WatermarkContent {
    let picture = core::WatermarkPicture::decode(bytes, &Limits::default(), &Control::default());
    WatermarkContent::Picture(Arc::new(picture.unwrap()))
}

fn watermark(style: WatermarkStyle) -> Watermark {
    Watermark { content: picture(&fixture("marks/mark.png")), style }
}

fn marked(marks: Vec<Watermark>) -> Plan {
    Plan { format: Some(Format::Png), marks, ..Plan::default() }
}

fn share(text: &str) -> Fraction {
    Fraction::parse(text.as_bytes()).unwrap()
}

/// The distance from ImageMagick's picture, which without a mark would be much larger.
fn distance(base: &str, golden: &str, marks: Vec<Watermark>) -> f64 {
    let base = fixture(base);
    let golden = decode(&fixture(golden));
    let near = psnr(&transformed(&base, &marked(marks)), &golden);
    let without = psnr(&decode(&base), &golden);
    assert!(near > without + 12.0, "{golden:?}: {near} dB, without a mark {without} dB");
    near
}

#[test]
fn as_imagemagick_has_it() {
    let style = WatermarkStyle::default();
    let cases = [
        (
            "southeast",
            vec![watermark(WatermarkStyle {
                position: Position::Southeast,
                offset: (5, 3),
                ..style
            })],
            50.0,
        ),
        ("faint", vec![watermark(WatermarkStyle { opacity: share("40%"), ..style })], 50.0),
        (
            "tiled",
            vec![watermark(WatermarkStyle {
                tile: true,
                position: Position::Northwest,
                offset: (6, 4),
                ..style
            })],
            50.0,
        ),
        ("half", vec![watermark(WatermarkStyle { scale: Some(share("0.5")), ..style })], 45.0),
        ("turned", vec![watermark(WatermarkStyle { rotate: 30, ..style })], 34.0),
        (
            "upright",
            vec![watermark(WatermarkStyle { rotate: 90, position: Position::East, ..style })],
            50.0,
        ),
        (
            "layers",
            vec![
                watermark(WatermarkStyle { position: Position::North, ..style }),
                watermark(style),
            ],
            50.0,
        ),
    ];
    for (name, marks, least) in cases {
        let near = distance("pattern.png", &format!("marks/{name}.png"), marks);
        assert!(near > least, "{name}: {near} dB");
    }
    let near = distance("marks/veiled.png", "marks/over-veil.png", vec![watermark(style)]);
    assert!(near > 48.0, "over what is transparent: {near} dB");
}

#[test]
fn onto_every_kind_of_image() {
    let red = png(&Picture::new(10, 10, |_, _| [250, 0, 0, 255]));
    for name in [
        "grey.jpg",
        "cmyk.jpg",
        "grey16.png",
        "grey-alpha.png",
        "bilevel.png",
        "palette-alpha.png",
        "still.gif",
        "transparent.gif",
        "lossy.webp",
        "lossy-alpha.webp",
    ] {
        let source = fixture(name);
        let style = WatermarkStyle {
            position: Position::Southwest,
            offset: (4, 4),
            ..WatermarkStyle::default()
        };
        let marks = vec![Watermark { content: picture(&red), style }];
        for format in [Format::Jpeg, Format::Png, Format::Gif, Format::Webp] {
            let plan = Plan {
                format: Some(format),
                marks: marks.clone(),
                jpeg_quality: 95,
                ..Plan::default()
            };
            let made = transformed(&source, &plan);
            let [r, g, b, a] = made.at(9, made.height - 9);
            assert!(r > 225 && g < 30 && b < 30 && a == 255, "{name} {format:?}: {r} {g} {b} {a}");
        }
    }
}

#[test]
fn never_the_original() {
    let source = fixture("pattern.png");
    let plan = Plan { marks: vec![watermark(WatermarkStyle::default())], ..Plan::default() };
    assert!(passes(&source, &Plan::default()));
    assert!(!passes(&source, &plan));
}

#[test]
fn what_does_not_fit_is_reduced() {
    let green = png(&Picture::new(400, 100, |_, _| [0, 255, 0, 255]));
    let source = png(&Picture::new(100, 100, |_, _| [0, 0, 0, 255]));
    let watermark = Watermark { content: picture(&green), style: WatermarkStyle::default() };
    let made = transformed(&source, &marked(vec![watermark]));
    assert_eq!(made.at(0, 50), [0, 255, 0, 255]);
    assert_eq!(made.at(99, 50), [0, 255, 0, 255]);
    assert_eq!(made.at(50, 36), [0, 0, 0, 255]);
    assert_eq!(made.at(50, 64), [0, 0, 0, 255]);
}

#[test]
fn the_mark_is_made_upright_and_the_image_srgb() {
    // Stored with the left side up: red must come to be above blue.
    let flag =
        Picture::new(20, 20, |x, _| if x < 10 { [255, 0, 0, 255] } else { [0, 0, 255, 255] });
    let flag = with_orientation(&jpeg(&flag, 95, common::Subsamp::None, false), 6);
    let source = png(&Picture::new(20, 20, |_, _| [0, 0, 0, 255]));
    let watermark = Watermark { content: picture(&flag), style: WatermarkStyle::default() };
    let plan = Plan { profile: ProfilePolicy::Keep, ..marked(vec![watermark]) };
    let made = transformed(&source, &plan);
    assert!(made.at(4, 10)[0] > 200 || made.at(10, 4)[0] > 200);
    assert!(made.at(10, 4)[0] > 200 && made.at(10, 15)[2] > 200, "{:?}", made.at(10, 4));
}

#[test]
fn broken_marks_are_refused() {
    let decode = |bytes: &[u8]| {
        core::WatermarkPicture::decode(bytes, &Limits::default(), &Control::default())
    };
    assert_eq!(decode(b"no image").unwrap_err(), Error::NotImage);
    let whole = fixture("marks/mark.png");
    assert!(matches!(decode(&whole[..whole.len() / 2]), Err(Error::DecodeFailed(_))));
}

#[test]
fn the_plan_knows_its_marks() {
    let tag =
        |plan: &Plan| EtagGenerator::default().tag(Validator::Tag(b"\"v\""), plan, &[] as &[Plan]);
    let plain = marked(vec![watermark(WatermarkStyle::default())]);
    assert_eq!(tag(&plain), tag(&marked(vec![watermark(WatermarkStyle::default())])));
    let others = [
        marked(vec![]),
        marked(vec![watermark(WatermarkStyle {
            opacity: share("99%"),
            ..WatermarkStyle::default()
        })]),
        marked(vec![watermark(WatermarkStyle { offset: (1, 0), ..WatermarkStyle::default() })]),
        marked(vec![Watermark {
            content: picture(&fixture("pattern.png")),
            style: WatermarkStyle::default(),
        }]),
        marked(vec![written(DEJAVU, "a")]),
        marked(vec![written(DEJAVU, "b")]),
        marked(vec![written(AMIRI, "a")]),
    ];
    let mut tags: Vec<String> = others.iter().map(tag).collect();
    tags.push(tag(&plain));
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), others.len() + 1);
}

#[test]
fn memory_is_counted() {
    let source = fixture("pattern.png");
    let memory = |plan: &Plan| prepare(&source, plan, &Limits::default()).unwrap().memory();
    let large = png(&Picture::new(2000, 2000, |_, _| [1, 2, 3, 4]));
    let watermark = Watermark { content: picture(&large), style: WatermarkStyle::default() };
    assert!(memory(&marked(vec![])) < 2000 * 2000);
    assert!(memory(&marked(vec![watermark])) >= 2000 * 2000 * 4);
}

fn written(font: &str, text: &str) -> Watermark {
    let font = Arc::new(Font::parse(std::fs::read(font).unwrap()).unwrap());
    let content = WatermarkContent::Text(WatermarkText::new(text, font, 40, Color::WHITE));
    Watermark { content, style: WatermarkStyle::default() }
}

/// How much of a letter is in each pixel, without the rows and columns around that have none.
struct Ink {
    width: usize,
    height: usize,
    levels: Vec<f64>,
}

impl Ink {
    fn of(picture: &Picture) -> Ink {
        let inked = |x: u32, y: u32| picture.at(x, y)[0] > 40;
        let xs: Vec<u32> =
            (0..picture.width).filter(|&x| (0..picture.height).any(|y| inked(x, y))).collect();
        let ys: Vec<u32> =
            (0..picture.height).filter(|&y| (0..picture.width).any(|x| inked(x, y))).collect();
        let (left, right) = (xs[0], xs[xs.len() - 1]);
        let (top, bottom) = (ys[0], ys[ys.len() - 1]);
        let levels = (top..=bottom)
            .flat_map(|y| (left..=right).map(move |x| f64::from(picture.at(x, y)[0])))
            .collect();
        Ink { width: (right - left + 1) as usize, height: (bottom - top + 1) as usize, levels }
    }

    fn at(&self, x: i64, y: i64) -> f64 {
        let inside = x >= 0 && y >= 0 && x < self.width as i64 && y < self.height as i64;
        if inside { self.levels[y as usize * self.width + x as usize] } else { 0.0 }
    }

    /// The normalized correlation with another, in the best of the places nearby: 1 is the same.
    fn likeness(&self, other: &Ink) -> f64 {
        let (width, height) =
            (self.width.max(other.width) as i64, self.height.max(other.height) as i64);
        let mut best = 0.0f64;
        for dy in -3..=3 {
            for dx in -3..=3 {
                let (mut both, mut one, mut two) = (0.0, 0.0, 0.0);
                for y in -3..height + 3 {
                    for x in -3..width + 3 {
                        let (a, b) = (self.at(x, y), other.at(x + dx, y + dy));
                        both += a * b;
                        one += a * a;
                        two += b * b;
                    }
                }
                best = best.max(both / (one * two).sqrt());
            }
        }
        best
    }
}

fn likeness(font: &str, text: &str, golden: &str) -> f64 {
    let black = png(&Picture::new(600, 120, |_, _| [0, 0, 0, 255]));
    let made = transformed(&black, &marked(vec![written(font, text)]));
    let (made, golden) = (Ink::of(&made), Ink::of(&decode(&fixture(golden))));
    made.likeness(&golden)
}

#[test]
fn texts_as_pango_has_them() {
    for (font, text, golden) in [
        (DEJAVU, "Ångström fjord", "latin"),
        (DEJAVU, "Съешь ещё этих", "cyrillic"),
        (DROID, "版权所有 日本語", "cjk"),
        (AMIRI, "حقوق النشر محفوظة", "arabic"),
        (DEJAVU, "abc שלום 123", "mixed"),
    ] {
        let like = likeness(font, text, &format!("marks/{golden}.png"));
        assert!(like > 0.93, "{golden}: {like}");
    }
}

#[test]
fn unshaped_texts_would_be_noticed() {
    // Every letter of its own, and those of a line in the wrong order.
    let apart: String = "حقوق النشر محفوظة".chars().flat_map(|c| [c, '\u{200c}']).collect();
    for (font, text, golden) in [
        (AMIRI, apart.as_str(), "arabic"),
        (DEJAVU, "abc םולש 123", "mixed"),
        (DEJAVU, "Angstrom fjord", "latin"),
    ] {
        let like = likeness(font, text, &format!("marks/{golden}.png"));
        assert!(like < 0.9, "{golden}: {like}");
    }
}
