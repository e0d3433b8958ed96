//! SVG: its colours and sizes, and what it can't reach. What others draw is compared by t/svg.t.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::*;
use image_gate_core::image::{
    DamagePolicy, Error, FontFolder, Format, Limits, Plan, prepare, probe, sniff,
};

const NAMES: &str = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'";

fn svg(attributes: &str, content: &str) -> Vec<u8> {
    format!("<svg {NAMES} {attributes}>{content}</svg>").into_bytes()
}

/// A square of red beside one of blue that is half there.
fn squares() -> Vec<u8> {
    let content = "<rect width='2' height='2' fill='red'/>\
        <rect x='2' width='2' height='2' fill='#00f' fill-opacity='.5'/>";
    svg("viewBox='0 0 4 2'", content)
}

fn folder(path: &std::path::Path) -> Option<FontFolder> {
    FontFolder::parse(path.to_str().unwrap().as_bytes())
}

#[test]
fn it_is_drawn_at_the_size_that_is_asked_for() {
    let source = squares();
    let info = probe(&source).unwrap();
    assert_eq!((info.format, info.width, info.height, info.alpha), (Format::Svg, 4, 2, true));
    for (params, size) in [
        ("f=png", (4, 2)),
        ("w=400,f=png", (400, 200)),
        ("w=400,h=400,f=png", (400, 200)),
        ("w=400,h=400,fit=crop,f=png", (400, 400)),
        ("w=10,f=png", (10, 5)),
        ("w=400,dpr=2,f=png", (800, 400)),
        ("w=400,rotate=90,f=png", (200, 400)),
        ("w=300,h=300,fit=pad,f=png", (300, 300)),
    ] {
        assert_eq!(transformed(&source, &plan(params)).size(), size, "{params}");
    }
    let large = transformed(&source, &plan("w=400,f=png"));
    // No pixel is between the two but at the seam: it was not enlarged.
    for (x, expected) in [(0, [255, 0, 0, 255]), (199, [255, 0, 0, 255]), (399, [0, 0, 255, 128])] {
        let got = large.at(x, 100);
        assert!(got.iter().zip(expected).all(|(got, want)| got.abs_diff(want) <= 1), "{got:?}");
    }
    assert_eq!(large.at(200, 100), large.at(399, 100));
    // Where nothing is said PNG, which keeps what shows through; in JPEG it lies on white.
    assert_eq!(sniff(&transform(&source, &plan("w=40")).unwrap()), Some(Format::Png));
    let jpeg = transformed(&source, &plan("w=400,f=jpeg,q=100"));
    let (x, y) = (350, 100);
    assert!(jpeg.at(x, y)[0].abs_diff(127) < 6 && jpeg.at(x, y)[2] > 250, "{:?}", jpeg.at(x, y));
    let most = Limits { output_pixels: 1000, ..Limits::default() };
    let refused = prepare(&source, &plan("w=400"), &most).map(drop);
    assert!(matches!(refused, Err(Error::TooManyPixels(_))), "{refused:?}");
    let refused = transform(&source, &Plan { svg: false, ..plan("w=40") });
    assert_eq!(refused.map(drop), Err(Error::UnsupportedFormat("SVG".to_owned())));
}

#[test]
fn a_part_is_the_part_of_the_whole() {
    let source = svg(
        "width='100' height='50'",
        "<circle cx='50' cy='25' r='20' fill='green'/><path d='M0 0L100 50' stroke='#c0f' stroke-width='3'/>",
    );
    let all = transformed(&source, &plan("w=400,f=png"));
    let cut = transformed(&source, &plan("w=200,h=200,fit=crop,f=png"));
    let middle = Picture::new(200, 200, |x, y| all.at(x + 100, y));
    assert_eq!(cut, middle);
    let part = transformed(&source, &plan("crop=25:0:50:50,w=200,f=png"));
    assert!(psnr(&part, &middle) > 40.0, "{}", psnr(&part, &middle));
}

#[test]
fn nothing_but_the_document_is_read() {
    let beside = tempfile();
    std::fs::write(beside.join("red.png"), png(&Picture::new(4, 4, |_, _| [255, 0, 0, 255])))
        .unwrap();
    let path = beside.join("red.png");
    let path = path.display();
    for href in [
        format!("{path}"),
        format!("file://{path}"),
        "red.png".to_owned(),
        "http://127.0.0.1:9/red.png".to_owned(),
        "//127.0.0.1/red.png".to_owned(),
    ] {
        for element in ["image", "use"] {
            let content = format!(
                "<{element} width='4' height='4' href='{href}' xlink:href='{href}'/>\
                 <filter id='f'><feImage href='{href}'/></filter><g filter='url({href}#f)'/>"
            );
            let shown = transformed(&svg("width='4' height='4'", &content), &plan("f=png"));
            assert!(shown.pixels.iter().all(|pixel| pixel[3] == 0), "{href} in {element}");
        }
    }
    let definition = format!("<!DOCTYPE svg [<!ENTITY red SYSTEM '{path}'>]>");
    let outside =
        [definition.as_bytes(), &svg("width='4' height='4'", "<text>&red;</text>")].concat();
    assert!(transform(&outside, &plan("f=png")).is_err());
    // What is in the document is drawn.
    let data = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
    let inside =
        svg("width='4' height='4'", &format!("<image width='4' height='4' href='{data}'/>"));
    let shown = transformed(&inside, &plan("f=png"));
    assert_eq!(shown.at(1, 1), [255, 0, 0, 255]);
    let own = "<!DOCTYPE svg [<!ENTITY red 'rgb(255,0,0)'>]>";
    let own =
        [own.as_bytes(), &svg("width='4' height='4'", "<rect width='4' height='4' fill='&red;'/>")]
            .concat();
    assert_eq!(transformed(&own, &plan("f=png")).at(1, 1), [255, 0, 0, 255]);
}

fn tempfile() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("image-gate-svg-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("none")).unwrap();
    folder
}

#[test]
fn a_text_needs_a_font() {
    let source = svg("width='200' height='40'", "<text x='5' y='30' font-size='30'>Words</text>");
    let without = Plan { svg_fonts: folder(&tempfile().join("none")), ..plan("f=png") };
    let refused = transform(&source, &without);
    assert!(
        matches!(&refused, Err(Error::DecodeFailed(why)) if why.contains("no fonts")),
        "{refused:?}"
    );
    let with =
        Plan { svg_fonts: folder("/usr/share/fonts/truetype/dejavu".as_ref()), ..plan("f=png") };
    let inked = |source: &[u8]| {
        let shown = transformed(source, &with);
        shown.pixels.iter().filter(|pixel| pixel[3] > 128).count()
    };
    let words = inked(&source);
    assert!((400..4000).contains(&words), "{words}");
    // A family that is not there, and one that has no serifs.
    let family = |family: &str| {
        let text = format!("<text x='5' y='30' font-size='30' font-family='{family}'>Words</text>");
        transformed(&svg("width='200' height='40'", &text), &with)
    };
    assert_eq!(family("Helvetica Neue"), family("sans-serif"));
    assert_ne!(family("serif"), family("sans-serif"));
    assert_ne!(family("monospace"), family("sans-serif"));
}

#[test]
fn other_encodings_and_what_is_broken() {
    let text = String::from_utf8(squares()).unwrap();
    let wide: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let expected = transformed(&squares(), &plan("w=40,f=png"));
    assert_eq!(transformed(&wide, &plan("w=40,f=png")), expected);
    let marked = [b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- > -->", text.as_bytes()].concat();
    assert_eq!(transformed(&marked, &plan("w=40,f=png")), expected);
    let whole = squares();
    for len in 8..whole.len() {
        for damaged in [DamagePolicy::Lenient, DamagePolicy::Strict] {
            let part = transform(&whole[..len], &Plan { damaged, ..plan("f=png") });
            assert!(
                matches!(part, Err(Error::DecodeFailed(_) | Error::NotImage)),
                "{len}: {part:?}"
            );
        }
    }
    for content in ["<g>", "<rect width='1'", "&nothing;", "\u{0}"] {
        let broken = transform(&svg("width='4' height='4'", content), &plan("f=png"));
        assert!(matches!(broken, Err(Error::DecodeFailed(_))), "{content}: {broken:?}");
    }
    let path = "<path d='M0 0H1V1z' fill='red' opacity='.5'/>";
    replace_every_byte([svg("viewBox='0 0 2 2'", &path.repeat(6))]);
}

/// A drawing of nothing but a file.
fn drawing_of(file: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
    let data = STANDARD.encode(file);
    let sides = format!("width='{width}' height='{height}'");
    // What a file is it says itself.
    let href = format!("data:image/png;base64,{data}");
    svg(&sides, &format!("<image {sides} xlink:href='{href}'/>"))
}

/// Files as cameras and programs make them, of which some need more than most decoders have.
fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let mut all: Vec<_> = [
        "cmyk.jpg",
        "sampled-4x1.jpg",
        "progressive.jpg",
        "grey.jpg",
        "still.gif",
        "lossy.webp",
        "lossy-alpha.webp",
        "lossless.webp",
        "pattern.avif",
        "nclx-9-16-9.avif",
        "rgb16.png",
        "grey-alpha.png",
        "interlaced.png",
        "palette-alpha.png",
    ]
    .into_iter()
    .map(|name| (name, fixture(name)))
    .collect();
    let plain = jpeg(&photo(60, 40), 95, common::Subsamp::None, false);
    all.push(("turned", with_orientation(&plain, 6)));
    // Names of the components without a JFIF segment: its colours are no YCbCr.
    let behind = 4 + usize::from(plain[5]);
    let mut rgb = [&plain[..2], &plain[behind..]].concat();
    let at = |kind: &[u8]| rgb.windows(2).position(|two| two == kind).unwrap();
    let (frame, scan) = (at(b"\xff\xc0"), at(b"\xff\xda"));
    for (i, name) in (*b"RGB").into_iter().enumerate() {
        rgb[frame + 10 + 3 * i] = name;
        rgb[scan + 5 + 2 * i] = name;
    }
    all.push(("rgb", rgb));
    all.push(("bmp", bmp(&photo(30, 20))));
    all
}

#[test]
fn pictures_in_it_are_shown_as_by_themselves() {
    for (name, file) in pictures() {
        // Turned over and back, so that it is made anew.
        let mut alone = transformed(&file, &plan("f=png,rotate=180"));
        alone.pixels.reverse();
        let drawn = transformed(&drawing_of(&file, alone.size()), &plan("f=png"));
        assert_eq!(drawn.size(), alone.size(), "{name}");
        let near = drawn.pixels.iter().zip(&alone.pixels).all(|(drawn, alone)| {
            // What is clear has no colour there.
            let clear = drawn[3] == 0 && alone[3] == 0;
            let off = drawn.iter().zip(alone).map(|(drawn, alone)| drawn.abs_diff(*alone)).max();
            let most = (3 * 255_u16).div_ceil(u16::from(alone[3]).max(1)) as u8;
            clear || off.is_some_and(|off| off <= most)
        });
        assert!(near, "{name}: {} dB", psnr(&drawn, &alone));
    }
    // One that is shown many times is decoded once.
    let file = STANDARD.encode(jpeg(&photo(60, 40), 95, common::Subsamp::None, false));
    let many = format!(
        "<image id='a' width='6' height='4' href='data:image/jpeg;base64,{file}'/>{}",
        "<use href='#a' x='1'/>".repeat(2000)
    );
    assert_eq!(transformed(&svg("width='60' height='40'", &many), &plan("f=png")).at(3, 2)[3], 255);
}

#[test]
fn a_picture_that_can_not_be_shown_is_not_left_out() {
    let whole = jpeg(&photo(60, 40), 90, common::Subsamp::None, false);
    let mut hidden = png(&photo(8, 8));
    hidden.truncate(60);
    let nested = drawing_of(&drawing_of(&hidden, (8, 8)), (8, 8));
    for (name, source) in [
        ("half", drawing_of(&whole[..whole.len() / 2], (60, 40))),
        ("damaged", drawing_of(&hidden, (8, 8))),
        ("no picture", drawing_of(b"<html></html>", (8, 8))),
        ("heic", drawing_of(&fixture("pattern.heic"), (8, 8))),
        ("in a drawing in it", nested),
        (
            "a broken drawing",
            drawing_of(b"<svg xmlns='http://www.w3.org/2000/svg'><g></svg>", (8, 8)),
        ),
    ] {
        let refused = transform(&source, &plan("f=png"));
        assert!(matches!(refused, Err(Error::DecodeFailed(_))), "{name}: {refused:?}");
    }
    // Of more pixels than there is memory for where so little is written.
    let (width, height) = (9000, 9000);
    let mut large = b"qoif".to_vec();
    large.extend([9000_u32.to_be_bytes(), 9000_u32.to_be_bytes()].concat());
    large.extend([3, 0]);
    large.extend(vec![0xfd; (width * height / 62) as usize + 1]);
    large.extend([0, 0, 0, 0, 0, 0, 0, 1]);
    assert!(transform(&large, &plan("w=9,f=png")).is_ok());
    let refused = transform(&drawing_of(&large, (8, 8)), &plan("f=png"));
    assert!(
        matches!(&refused, Err(Error::DecodeFailed(why)) if why.contains("memory")),
        "{refused:?}"
    );
    // No picture is none to fail.
    assert!(transform(&drawing_of(b"", (8, 8)), &plan("f=png")).is_ok());
}

#[test]
fn a_text_in_a_drawing_in_it_is_shown() {
    let with =
        Plan { svg_fonts: folder("/usr/share/fonts/truetype/dejavu".as_ref()), ..plan("f=png") };
    let text = "<text x='5' y='30' font-size='30'>Words</text>";
    let alone = svg("width='200' height='40'", text);
    let nested = drawing_of(&alone, (200, 40));
    let shown = transformed(&alone, &with);
    assert!(shown.pixels.iter().any(|pixel| pixel[3] == 255));
    assert_eq!(transformed(&nested, &with), shown);
    assert_eq!(transformed(&drawing_of(&nested, (200, 40)), &with), shown);
    let without = Plan { svg_fonts: folder(&tempfile().join("none")), ..plan("f=png") };
    assert!(transform(&nested, &without).is_err());
}

#[test]
fn a_size_in_css_is_that_of_the_drawing() {
    let content =
        "<rect width='100%' height='100%' fill='red'/><rect width='10' height='10' fill='blue'/>";
    let styled = transformed(&svg("style='width:120px;height:50PX'", content), &plan("f=png"));
    assert_eq!(styled, transformed(&svg("width='120' height='50'", content), &plan("f=png")));
    assert_eq!((styled.size(), styled.at(119, 49)), ((120, 50), [255, 0, 0, 255]));
    assert_eq!((styled.at(9, 9), styled.at(10, 9)), ([0, 0, 255, 255], [255, 0, 0, 255]));
    // It is as wide as that, and what is shown keeps its shape.
    let square = "viewBox='0 0 10 10' width='7' style='width:40px;height:20px'";
    let shown = transformed(&svg(square, "<rect width='10' height='10'/>"), &plan("f=png"));
    assert_eq!((shown.size(), shown.at(9, 10)[3], shown.at(10, 10)[3]), ((40, 20), 0, 255));
    let shouted = transformed(&svg("width='100PX' height='1IN'", content), &plan("f=png"));
    assert_eq!((shouted.size(), shouted.at(99, 95)), ((100, 96), [255, 0, 0, 255]));
}

/// Where nothing says how large all of it is, nothing is stretched: what stands 70 pixels from the left does so.
#[test]
fn what_has_no_size_is_not_stretched() {
    let content =
        "<rect width='100' height='60' fill='#f00'/><circle cx='70' cy='40' r='20' fill='#00f'/>";
    let sides =
        [None, Some("auto"), Some("100%"), Some("9q"), Some(""), Some("110"), Some("110px")];
    for width in sides {
        for height in sides {
            let side = |name: &str, value: Option<&str>| {
                value.map(|value| format!(" {name}='{value}'")).unwrap_or_default()
            };
            for more in ["", "viewBox='0 0 0 0'", "viewBox='none'", "style='width:120px'"] {
                let attributes =
                    format!("{}{} {more}", side("width", width), side("height", height));
                let source = svg(&attributes, content);
                let info = probe(&source).unwrap();
                let shown = transformed(&source, &plan("f=png"));
                assert_eq!(shown.size(), (info.width, info.height), "{attributes}");
                for (at, expected) in [
                    ((70, 40), [0, 0, 255, 255]),
                    ((52, 40), [0, 0, 255, 255]),
                    ((70, 22), [0, 0, 255, 255]),
                    ((48, 40), [255, 0, 0, 255]),
                    ((70, 18), [255, 0, 0, 255]),
                    ((98, 58), [255, 0, 0, 255]),
                    ((102, 58), [0; 4]),
                    ((98, 62), [0; 4]),
                ] {
                    assert_eq!(shown.at(at.0, at.1), expected, "{attributes} at {at:?}");
                }
                // In another drawing it keeps its shape, too.
                let file = STANDARD.encode(&source);
                let image = format!("<image href='data:image/svg+xml;base64,{file}'/>");
                let around = transformed(&svg("width='300' height='150'", &image), &plan("f=png"));
                assert_eq!(around.at(70, 22), [0, 0, 255, 255], "{attributes} within");
                assert_eq!(around.at(102, 58), [0; 4], "{attributes} within");
            }
        }
    }
}

/// A colour that is none, or that only browsers know, does not become black: what counted without it does so, or
/// what is nearest to it.
#[test]
fn colours_that_are_not_read_are_passed_over() {
    let (orange, lime) = ([255, 85, 0, 255], [0, 255, 0, 255]);
    for (attributes, expected) in [
        ("fill='#f50' style='fill:#f50;fill:color(display-p3 1 0.3906 0.1569)'", orange),
        ("fill='#f50' style='fill:unknown(1)'", orange),
        ("fill='#f50' style='fill:rouge;stroke:none'", orange),
        ("style='fill:light-dark(#f50, var(--dark, #121212))'", orange),
        ("style='fill:var(--none, light-dark(#f50, red)) !important'", orange),
        ("fill='color(srgb 1 0.3333 0)'", orange),
        ("fill='rgb(255 85 0 / 100%)'", orange),
        ("fill='oops'", lime),
        ("style='fill:oops'", lime),
        ("class='a'", orange),
        ("class='b'", lime),
        ("fill='red' style='fill:url(#gradient)'", orange),
    ] {
        let content = format!(
            "<style>.a{{fill:#f50;fill:oklch(oops)}} /* don't */ .b{{fill:oops}}</style>\
             <linearGradient id='gradient'><stop stop-color='#f50' \
             style='stop-color:#f50;stop-color:color(rec2020 1 0 0);stop-opacity:1'/></linearGradient>\
             <g fill='lime'><rect {attributes} width='4' height='4'/></g>"
        );
        let shown = transformed(&svg("width='4' height='4'", &content), &plan("f=png")).at(2, 2);
        let is_near = shown.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 3);
        assert!(is_near, "{attributes}: {shown:?}");
    }
    let white = svg("width='4' height='4' style='width:4px;background:#FFFFFF'", "");
    assert_eq!(transformed(&white, &plan("f=png")).at(2, 2), [255; 4]);
}
