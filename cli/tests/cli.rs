//! The program as a user runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::process::Output;

use image_gate_codecs::jpeg;
use image_gate_core::image::{Format, probe};

use common::Folder;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/fixtures/sampled-2x2.jpg");

fn image_gate(arguments: &[&str]) -> Output {
    common::image_gate(arguments, &[], b"")
}

fn described(bytes: &[u8]) -> (Format, u32, u32) {
    let info = probe(bytes).unwrap();
    (info.format, info.width, info.height)
}

#[test]
fn transforms_into_a_file() {
    let folder = Folder::new("file");
    for (name, params, expected) in [
        ("a.jpg", "width=48", (Format::Jpeg, 48, 32)),
        ("b.webp", "width=30,height=30,fit=crop", (Format::Webp, 30, 30)),
        ("c.png", "rotate=90", (Format::Png, 65, 97)),
        ("d.GIF", "w=20", (Format::Gif, 20, 13)),
        ("e.jpg", "w=20,format=webp", (Format::Webp, 20, 13)),
        ("f", "w=20", (Format::Jpeg, 20, 13)),
        ("g.out", "w=20,format=png", (Format::Png, 20, 13)),
    ] {
        let path = folder.file(name);
        let output = image_gate(&["transform", SOURCE, &path, params]);
        assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
        assert_eq!(described(&std::fs::read(path).unwrap()), expected, "{name}");
    }
    let mut names = folder.names();
    names.sort();
    assert_eq!(names, ["a.jpg", "b.webp", "c.png", "d.GIF", "e.jpg", "f", "g.out"]);
}

#[test]
fn the_pixels_are_those_of_the_source() {
    let folder = Folder::new("pixels");
    let path = folder.file("a.png");
    assert!(image_gate(&["transform", SOURCE, &path, "rotate=180"]).status.success());
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut turned = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut turned).unwrap();
    let source = std::fs::read(SOURCE).unwrap();
    let decoder = jpeg::Decoder::new(&source, 100).unwrap();
    let mut expected = vec![0; turned.len()];
    decoder.decode(8, None, jpeg::PixelFormat::Rgb, &mut expected, || true).unwrap();
    turned.as_chunks_mut::<3>().0.reverse();
    assert_eq!(turned, expected);
}

#[test]
fn options_do_what_the_directives_do() {
    let run = |option: &[&str]| {
        let output = image_gate(&[&["transform", SOURCE, "-", "w=40"], option].concat());
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    assert!(!probe(&run(&[])).unwrap().progressive);
    assert!(probe(&run(&["--interlace"])).unwrap().progressive);
}

#[test]
fn standard_input_and_output() {
    let source = std::fs::read(SOURCE).unwrap();
    let output = common::image_gate(&["transform", "-", "-", "w=48,f=webp"], &[], &source);
    assert!(output.status.success());
    assert_eq!(described(&output.stdout), (Format::Webp, 48, 32));
}

#[test]
fn what_fits_is_copied() {
    let output = image_gate(&["transform", SOURCE, "-", "w=1000"]);
    assert_eq!(output.stdout, std::fs::read(SOURCE).unwrap());
}

#[test]
fn info_is_json() {
    let output = image_gate(&["info", SOURCE]);
    let text = String::from_utf8(output.stdout).unwrap();
    let facts = format!(
        "{{ \"type\": \"jpeg\", \"width\": 97, \"height\": 65, \"orientation\": 1, \
         \"frames\": 1, \"alpha\": false, \"bits\": 8, \"has_profile\": false, \
         \"progressive\": false, \"bytes\": {}, \"dominant_color\": \"#",
        std::fs::metadata(SOURCE).unwrap().len()
    );
    let look = text.strip_prefix(&facts).expect(&text);
    // The gold of the disc.
    assert!(look.starts_with("fd") && look.contains("\", \"thumbhash\": \""), "{look}");
    assert!(look.ends_with("\" }\n"), "{look}");
}

#[test]
fn failures_take_one_line() {
    let folder = Folder::new("failures");
    let out = folder.file("out.jpg");
    let text = folder.file("text");
    std::fs::write(&text, "no image").unwrap();
    let unknown = folder.file("out.heic");
    let of_text = format!("image-gate: {text}: not an image");
    let of_unknown = format!("image-gate: {unknown}: no format has the extension \"heic\"");
    let no_quality =
        "image-gate: bad parameter: \"0\" is no valid q, it must be a number from 1 up";
    let several = "image-gate: several images need -o PATTERN";
    let no_list = "image-gate: \"tmp\" is no list of parameters; several images need -o";
    let cases: [(&[&str], i32, &str); 14] = [
        (&["transform", "/nowhere", &out], 3, "image-gate: /nowhere: No such file"),
        (&["info", "/nowhere"], 3, "image-gate: /nowhere: No such file"),
        (&["info", "/"], 3, "image-gate: /: Is a directory"),
        (&["transform", &text, &out], 4, &of_text),
        (&["info", &text], 4, &of_text),
        (&["transform", SOURCE, &out, "width=x"], 2, "image-gate: bad parameter: \"x\""),
        (&["transform", SOURCE, &unknown], 2, &of_unknown),
        (&["transform", SOURCE, "/nowhere/out.jpg", "w=5"], 5, "image-gate: /nowhere/out.jpg: "),
        (&["transform", SOURCE], 2, "image-gate: transform IN OUT [PARAMS], or "),
        (&["transform", SOURCE, &out, "q=0"], 2, no_quality),
        (&["transform", SOURCE, SOURCE, "tmp"], 2, no_list),
        (&["transform", SOURCE, SOURCE, SOURCE, "tmp"], 2, several),
        (&["transform"], 2, "error: "),
        (&["paint", SOURCE], 2, "error: "),
    ];
    for (arguments, code, start) in cases {
        let output = image_gate(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(stderr.starts_with(start), "{arguments:?}: {stderr}");
        assert!(start == "error: " || stderr.lines().count() == 1, "{stderr}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(folder.names(), ["text"]);
}

#[test]
fn lays_marks_on() {
    let folder = Folder::new("marks");
    let mark = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/fixtures/marks/mark.png");
    let made = |name: &str, options: &[&str]| {
        let path = folder.file(name);
        let output = image_gate(&[&["transform", SOURCE, &path, "w=48,f=png"], options].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(path).unwrap()
    };
    let plain = made("plain.png", &[]);
    let layer = format!("'{mark}' position=southeast scale=50%");
    let marked = made("marked.png", &["--watermark", &layer]);
    let twice = made("twice.png", &["--watermark", &layer, "--watermark", mark]);
    assert!(plain != marked && marked != twice);
    for bytes in [&plain, &marked, &twice] {
        assert_eq!(described(bytes), (Format::Png, 48, 32));
    }
    for (layer, code, reason) in [
        ("", 2, "--watermark: it is a file, or text= and font="),
        ("text=x", 2, "--watermark: it is a file, or text= and font="),
        ("x scale=2", 2, "--watermark: \"scale=2\" is no valid parameter"),
        ("'x", 2, "--watermark: a quote is not closed"),
        ("/nowhere.png", 3, "/nowhere.png: No such file"),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), 4, ": "),
    ] {
        let output = image_gate(&["transform", SOURCE, "-", "", "--watermark", layer]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{layer}");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn what_takes_for_ever_is_ended() {
    let folder = Folder::new("time");
    let path = folder.file("noise.svg");
    let drawing = "<svg xmlns='http://www.w3.org/2000/svg' width='2000' height='2000'><filter id='f'>\
        <feTurbulence numOctaves='100000' baseFrequency='0.5'/></filter>\
        <rect width='2000' height='2000' filter='url(#f)'/></svg>";
    std::fs::write(&path, drawing).unwrap();
    let out = folder.file("out.png");
    let began = std::time::Instant::now();
    for arguments in [
        &["info", "--time", "1", &path][..],
        &["transform", "--time", "1s", &path, &out],
        &["transform", "--time", "1", "-o", &out, &path],
        &["transform", "--time", "1", SOURCE, &out, "--watermark", &path],
    ] {
        let output = image_gate(arguments);
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("noise.svg: ") && said.contains("time"), "{said}");
    }
    assert!(began.elapsed().as_secs() < 30);
    assert!(!image_gate(&["info", "--time", "soon", SOURCE]).status.success());
    assert!(image_gate(&["info", "--time", "0", SOURCE]).status.success());
}
