//! SVG that goes out as SVG: what is left of drawings, and that nothing is left that runs or loads anything.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::*;
use image_gate_core::image::{Control, Error, Format, Limits, Output, Plan, prepare, sniff};
use quick_xml::Reader;
use quick_xml::events::Event;

const SVG: &str = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'";
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

fn kept() -> Plan {
    Plan { svg_sanitized: true, ..Plan::default() }
}

fn sanitized(source: &[u8]) -> Result<String, Error> {
    let plan = kept();
    let made = prepare(source, &plan, &Limits::default())?.run(&Control::default())?;
    assert_eq!(made.format, Format::Svg);
    match made.output {
        Output::Stripped(bytes) => Ok(String::from_utf8(bytes).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// What is left of the content of a drawing.
fn left(content: &str) -> String {
    let all = sanitized(format!("<svg {SVG}>{content}</svg>").as_bytes()).unwrap();
    let inside = all.split_once('>').unwrap().1;
    inside.strip_suffix("</svg>").unwrap_or(inside).to_owned()
}

fn hostile() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../t/data/hostile-svgs");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Looks at what is left as another parser reads it.
fn check(name: &str, text: &str) {
    assert!(text.is_ascii(), "{name}");
    assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{name}: {text}");
    let mut reader = Reader::from_str(text);
    let mut in_style = false;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                let tag = element.name();
                let tag = tag.as_ref().to_owned();
                assert!(tag.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}: {tag}");
                for bad in ["script", "foreignobject", "iframe", "image/svg", "handler", "discard"]
                {
                    assert_ne!(tag.to_ascii_lowercase(), bad, "{name}");
                }
                in_style = tag == "style";
                for attribute in element.attributes() {
                    let attribute = attribute.unwrap();
                    let key = attribute.key.as_ref().to_owned();
                    let value = attribute.value.replace("&#35;", "#");
                    assert!(!key.to_ascii_lowercase().starts_with("on"), "{name}: {key}");
                    let xml = ["xmlns", "xmlns:xlink", "xlink:href", "xml:space", "xml:lang"];
                    assert!(!key.contains(':') || xml.contains(&key.as_str()), "{name}: {key}");
                    if key.ends_with("href") {
                        let is_picture = value.strip_prefix("data:image/").is_some_and(|rest| {
                            let data = rest.split_once(";base64,").unwrap().1;
                            let file = STANDARD.decode(data).unwrap();
                            sniff(&file).is_some_and(|format| format != Format::Svg)
                        });
                        assert!(value.starts_with('#') || is_picture, "{name}: {value}");
                    } else if !key.starts_with("xmlns") {
                        check_words(name, &value);
                    }
                }
            }
            Event::Text(text) => {
                let text = text.to_string();
                if in_style {
                    check_words(name, &text);
                    assert!(!text.contains('@') || text.contains("@media"), "{name}: {text}");
                }
            }
            Event::End(_) | Event::GeneralRef(_) => {}
            Event::Eof => break,
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn check_words(name: &str, value: &str) {
    for bad in ["javascript", "http", "//", "\\", "import", "data:text", "data:image/svg"] {
        assert!(!value.to_ascii_lowercase().contains(bad), "{name}: {value}");
    }
}

#[test]
fn nothing_runs_and_nothing_is_loaded() {
    let mut counts = [0, 0];
    for (name, file) in hostile() {
        let made = sanitized(&file);
        if name.starts_with("refused-") {
            let is_of_file = matches!(made, Err(Error::DecodeFailed(_) | Error::NotImage));
            assert!(is_of_file, "{name}: {made:?}");
            counts[0] += 1;
            continue;
        }
        let made = made.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(made.contains("<rect id=\"canary\""), "{name}: {made}");
        assert!(!made.to_ascii_lowercase().contains("hostile"), "{name}: {made}");
        check(&name, &made);
        // What of a name or of a place for children nothing is left to use goes the second time.
        let again = sanitized(made.as_bytes()).unwrap();
        assert_eq!(sanitized(again.as_bytes()).unwrap(), again, "{name}");
        counts[1] += 1;
    }
    assert_eq!(counts, [17, 83]);
}

#[test]
fn what_draws_is_left() {
    let picture = format!("data:image/png;base64,{PNG}");
    for same in [
        "<g id=\"a\" class=\"b c\" transform=\"rotate(3)\"><path d=\"M0 0h1v1z\" fill=\"url(#p)\"/></g>",
        "<text x=\"1\" xml:space=\"preserve\">a <tspan dy=\"1\"> b</tspan> &lt;&amp;&gt;</text>",
        "<title>A &lt;b&gt;</title><desc>c</desc>",
        "<use href=\"#a\"/><use xlink:href=\"#a\"/><a><text>x</text></a><a href=\"#b\"/>",
        "<style>.a{fill:red;}@media (max-width: 9px){.a{fill:url(#b);}}</style>",
        "<rect style=\"fill:red;filter:url(&quot;#a&quot;);\" width=\"1\" height=\"2\"/>",
        "<animate attributeName=\"fill\" values=\"red;url(#a)\" dur=\"1s\" repeatCount=\"indefinite\"/>",
        "<animateMotion dur=\"1s\"><mpath href=\"#p\"/></animateMotion><set attributeName=\"x\" to=\"1\"/>",
        "<linearGradient id=\"a\" xlink:href=\"#b\"><stop offset=\"1\" stop-color=\"#fff\"/></linearGradient>",
        "<filter id=\"a\"><feImage href=\"#b\"/><feMerge><feMergeNode in=\"x\"/></feMerge></filter>",
        "<filter id=\"a\"><feColorMatrix type=\"hueRotate\" values=\"120\"/></filter>",
        "<text>&#233;&#26085;&#128512;</text>",
        "<text>&#9;&#10;&quot;'</text>",
        "<rect fill=\"url('#a(1)')\"/>",
        "<set attributeName=\"width\" to=\"1\"/><set attributeName=\"fill\" to=\"red\"/>",
        "<style>@supports (fill:red){.a{transform:translate3d(0,0,0) rotateZ(5deg);will-change:transform;}}</style>",
    ] {
        assert_eq!(left(same), same);
    }
    for (before, after) in [
        (format!("<image href=' {picture} '/>"), format!("<image href=\"{picture}\"/>")),
        (
            format!("<image xlink:href='data:image/jpg;base64,\n {PNG}'/>"),
            format!("<image xlink:href=\"{picture}\"/>"),
        ),
        (
            format!("<rect fill='none' style='mask:url({picture})' data-x='1' sodipodi='2'/>"),
            format!("<rect fill=\"none\" style=\"mask:url({picture});\"/>"),
        ),
        (
            format!("<image href='data:;base64,{}'/>", PNG.replace('=', "%3D").replace('+', "%2B")),
            format!("<image href=\"{picture}\"/>"),
        ),
        (
            format!("<rect style='mask-image:url(\"data:image/svg+xml;base64,{PNG}\")'/>"),
            format!("<rect style=\"mask-image:url({picture});\"/>"),
        ),
        (
            "<rect style='fill:red ! important;stroke:red!IMPORTANT'/>".to_owned(),
            "<rect style=\"fill:red !important;stroke:red !important;\"/>".to_owned(),
        ),
        (
            "<style>@media(min-width:1px){a{fill:red}}@media (1px&lt;=width&lt;9px){a{fill:red}}</style>".to_owned(),
            "<style>@media(min-width:1px){a{fill:red;}}@media (1px&lt;=width&lt;9px){a{fill:red;}}</style>".to_owned(),
        ),
        (
            ["attributeName", "attributeType", "id", "class", "type", "media", "begin", "href"]
                .map(|name| format!("<set attributeName='{name}' to='a'/>"))
                .concat(),
            String::new(),
        ),
        ("<g>\n  <!-- a --><path/>\n</g>".to_owned(), "<g><path/></g>".to_owned()),
        (
            "<metadata>x</metadata><x:y xmlns:x='urn:x'><path/></x:y><g a:b='c' xmlns:a='urn:a'/>".to_owned(),
            "<g/>".to_owned(),
        ),
        ("<text><![CDATA[<a>&]]></text>".to_owned(), "<text>&lt;a&gt;&amp;</text>".to_owned()),
        (
            "<style type='text/css'><![CDATA[ a > b { fill : red } ]]></style><style type='x'>a{x:1}</style>".to_owned(),
            "<style type=\"text/css\">a &gt; b{fill:red;}</style>".to_owned(),
        ),
        ("<s:g xmlns:s='http://www.w3.org/2000/svg'><s:path/></s:g>".to_owned(), "<g><path/></g>".to_owned()),
    ] {
        assert_eq!(left(&before), after);
    }
    let root = "<svg xmlns=\"http://www.w3.org/2000/svg\" style=\"background:#fff;max-width:9px;margin:auto;\"/>";
    assert_eq!(sanitized(root.as_bytes()).unwrap(), root);
    // As an editor writes it.
    let text = "<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'svg11.dtd' [\n\
        <!ENTITY ns_svg 'http://www.w3.org/2000/svg'><!ENTITY st0 'fill:red;'>]>\n\
        <svg xmlns='&ns_svg;' viewBox='0 0 2 2'><path style='&st0;'/></svg>";
    let expected = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2 2\"><path style=\"fill:red;\"/></svg>";
    assert_eq!(sanitized(text.as_bytes()).unwrap(), expected);
}

#[test]
fn another_format_wins() {
    let source = format!("<svg {SVG} width='4' height='2'><rect width='4' height='2'/></svg>");
    let source = source.as_bytes();
    let png = Plan { format: Some(Format::Png), ..kept() };
    assert_eq!(sniff(&transform(source, &png).unwrap()), Some(Format::Png));
    // One that the client's headers led to does not, nor one that can't be drawn, and sizes are those of a browser.
    for plan in [
        Plan { negotiated: true, ..png.clone() },
        Plan { svg: false, ..png },
        Plan { svg_sanitized: true, ..plan("w=1000,h=1000,rotate=90") },
    ] {
        let prepared = prepare(source, &plan, &Limits { width: 1, ..Limits::default() }).unwrap();
        let made = prepared.run(&Control::default()).unwrap();
        assert_eq!((made.format, made.width, made.height), (Format::Svg, 4, 2));
        assert!(prepared.damage().is_none() && prepared.memory() > 1 << 20);
    }
    assert!(transform(&photo_png(), &kept()).is_ok());
}

fn photo_png() -> Vec<u8> {
    png(&photo(20, 10))
}

#[test]
fn what_is_large_ends() {
    let long = |content: String| format!("<svg {SVG}>{content}</svg>").into_bytes();
    // Each of the elements has all names of the root, too.
    let names = |names: u32, elements: usize| {
        let names: String = (0..names).map(|name| format!(" xmlns:n{name}='u'")).collect();
        long(format!("<g{names}>{}</g>", "<g xmlns:a='u'/>".repeat(elements)))
    };
    let attributes = |count: usize| (0..count).map(|n| format!("a{n}='' ")).collect::<String>();
    for (file, is_made) in [
        (long("<g>".repeat(60_000) + &"</g>".repeat(60_000)), true),
        (long("<g/>".repeat(300_000)), true),
        (long("<g/>".repeat(1_100_000)), false),
        (long(format!("<text>{}</text>", "\u{65e5}".repeat(500_000))), true),
        (long(format!("<style>{}</style>", "a{fill:red}".repeat(100_000))), true),
        (long(format!("<style>{}</style>", "@media a{".repeat(200_000))), true),
        (long(format!("<rect fill='{}'/>", "a(".repeat(300_000))), true),
        (long(format!("<rect style='{}'/>", "fill:url(#a);".repeat(100_000))), true),
        (
            long(format!(
                "<set {} attributeName='x'>{}</set>",
                attributes(250),
                "<g/>".repeat(100_000)
            )),
            true,
        ),
        (long(format!("<set {}/>", attributes(5_000))), false),
        (names(1_000, 3_000), false),
        (names(12, 30_000), true),
    ] {
        let begin = std::time::Instant::now();
        let made = sanitized(&file);
        assert_eq!(made.is_ok(), is_made, "{:?}", String::from_utf8_lossy(&file[..200]));
        assert!(begin.elapsed() < Duration::from_secs(20));
    }
    let file = long("<g/>".repeat(100_000));
    let control = ended_after(20);
    let plan = kept();
    let ended = prepare(&file, &plan, &Limits::default()).unwrap().run(&control);
    assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
}

#[test]
fn no_byte_makes_it_fail_otherwise() {
    let source = format!(
        "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg {SVG}><style>a{{fill:url(#b)}}</style>\
         <image href='data:image/png;base64,{PNG}'/><text style='fill:red'>&a;</text></svg>"
    );
    for at in 0..source.len() {
        for byte in [0, b'"', b'\'', b'<', b'>', b'&', b'(', b')', b'{', b'}', b';', b'\\', 0xff] {
            let mut changed = source.clone().into_bytes();
            changed[at] = byte;
            if let Ok(made) = sanitized(&changed) {
                check(&format!("{byte} at {at}"), &made);
                assert_eq!(sanitized(made.as_bytes()).unwrap(), made);
            }
        }
    }
}
