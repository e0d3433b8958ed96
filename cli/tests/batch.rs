//! `image-gate transform` of several images.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::process::Output;

use image_gate_core::image::{Format, probe};

use common::Folder;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/fixtures/sampled-2x2.jpg");

fn transform(arguments: &[&str], input: &[u8]) -> Output {
    common::image_gate(&[&["transform"], arguments].concat(), &[], input)
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with copies of the source.
fn folder(name: &str, files: &[&str]) -> Folder {
    let folder = Folder::new(name);
    for file in files {
        fs::copy(SOURCE, folder.file(file)).unwrap();
    }
    fs::create_dir(folder.file("out")).unwrap();
    folder
}

/// The format and the width of what was made.
fn made(folder: &Folder, name: &str) -> (Format, u32) {
    let info = probe(&fs::read(folder.file(name)).unwrap()).unwrap();
    (info.format, info.width)
}

#[test]
fn several_images_in_several_widths() {
    let folder = folder("batch", &["a.jpg", "b.c.jpeg"]);
    let (a, b) = (folder.file("a.jpg"), folder.file("b.c.jpeg"));
    let pattern = folder.file("out/{stem}-{width}.{ext}");
    for jobs in ["1", "4"] {
        let arguments =
            ["-o", &pattern, "--widths", "20,40", "--params", "f=webp", "-j", jobs, &a, &b];
        let output = transform(&arguments, b"");
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert_eq!(said(&output), "");
        for (name, width) in [("a-20", 20), ("a-40", 40), ("b.c-20", 20), ("b.c-40", 40)] {
            let name = format!("out/{name}.webp");
            assert_eq!(made(&folder, &name), (Format::Webp, width), "{name}");
            fs::remove_file(folder.file(&name)).unwrap();
        }
        assert_eq!(fs::read_dir(folder.file("out")).unwrap().count(), 0);
    }
}

#[test]
fn the_extension_is_that_of_the_source_where_nothing_else_is_said() {
    let folder = folder("extension", &["photo"]);
    let pattern = folder.file("out/{stem}.{ext}");
    assert!(transform(&["-o", &pattern, &folder.file("photo")], b"").status.success());
    assert_eq!(made(&folder, "out/photo.jpg"), (Format::Jpeg, 97));
    let pattern = folder.file("out/{stem}.PNG");
    let arguments = ["-o", &pattern, "--params", "w=30", &folder.file("photo")];
    assert!(transform(&arguments, b"").status.success());
    assert_eq!(made(&folder, "out/photo.PNG"), (Format::Png, 30));
}

#[test]
fn an_image_of_standard_input_in_several_widths() {
    let folder = folder("standard", &[]);
    let pattern = folder.file("out/x-{width}.webp");
    let source = fs::read(SOURCE).unwrap();
    assert!(transform(&["-o", &pattern, "--widths", "10,30", "-"], &source).status.success());
    assert_eq!(made(&folder, "out/x-10.webp"), (Format::Webp, 10));
    assert_eq!(made(&folder, "out/x-30.webp"), (Format::Webp, 30));
    let output = transform(&["-o", "-", "--params", "w=30,f=png", "-"], &source);
    assert_eq!(probe(&output.stdout).unwrap().width, 30);
}

#[test]
fn images_are_made_in_their_own_place() {
    let folder = folder("place", &["a.jpg", "b.jpg"]);
    let (a, b) = (folder.file("a.jpg"), folder.file("b.jpg"));
    let pattern = folder.file("{stem}.jpg");
    assert!(transform(&["-o", &pattern, "--params", "w=20", &a, &b], b"").status.success());
    assert_eq!(made(&folder, "a.jpg"), (Format::Jpeg, 20));
    assert_eq!(made(&folder, "b.jpg"), (Format::Jpeg, 20));
    assert_eq!(folder.names(), ["a.jpg", "b.jpg", "out"]);
}

#[test]
fn failures_name_their_image_and_stop_no_other() {
    let folder = folder("some", &["a.jpg", "z.jpg"]);
    let (a, z) = (folder.file("a.jpg"), folder.file("z.jpg"));
    let (text, nowhere) = (folder.file("text"), folder.file("nowhere"));
    fs::write(&text, "no image").unwrap();
    for (pattern, params) in [("out/{stem}.{ext}", "w=20"), ("out/{stem}.jpg", "w=20,f=jpeg")] {
        let output = transform(
            &["-o", &folder.file(pattern), "--params", params, &a, &nowhere, &text, &z],
            b"",
        );
        // The code is that of the first one.
        assert_eq!(output.status.code(), Some(3));
        let said = said(&output);
        for line in [
            format!("image-gate: {text}: not an image\n"),
            format!("image-gate: {nowhere}: No such file or directory (os error 2)\n"),
            "image-gate: 2 of 4 could not be made\n".to_owned(),
        ] {
            assert!(said.contains(&line), "{said}");
        }
        assert_eq!(said.lines().count(), 3, "{said}");
        for name in ["out/a.jpg", "out/z.jpg"] {
            assert_eq!(made(&folder, name), (Format::Jpeg, 20));
            fs::remove_file(folder.file(name)).unwrap();
        }
        assert_eq!(fs::read_dir(folder.file("out")).unwrap().count(), 0);
    }
}

#[test]
fn what_would_overwrite_is_refused_before_work() {
    let folder = folder("refused", &["a.jpg", "a.jpeg", "b.jpg"]);
    let file = |name: &str| folder.file(name);
    let (jpg, jpeg, b) = (file("a.jpg"), file("a.jpeg"), file("b.jpg"));
    let twice = format!("{} would be made twice: of {jpg} and {jpeg}", file("out/a.webp"));
    let other = format!("{b} is an input, and would be made of {jpg}");
    let own = format!("{jpg} is an input, and would be made of {jpg}");
    let cases: [(&[&str], &str); 10] = [
        (&["-o", &file("out/{stem}.webp"), &jpg, &jpeg], &twice),
        (&["-o", &file("out/x.webp"), "--widths", "20,30", &jpg], "would be made twice"),
        (&["-o", &b, &jpg, &b], "would be made twice"),
        (&["-o", &b, "--params", "f=jpeg", &jpg, "/nowhere/../x", &b], "would be made twice"),
        (&["-o", &file("{stem}{width}.jpg"), &b], "{width} needs --widths"),
        (&["-o", &file("{stem"), &b], "a brace is not closed"),
        (&["-o", &file("out"), &b], "that is a folder; name what is made in it, as {stem}.{ext}"),
        (&["-o", &file("{name}.jpg"), &b], "there is {stem}, {width} and {ext}"),
        (&["-o", &file("{stem}.heic"), &b], "no format has the extension \"heic\""),
        (&["-o", &file("{stem}.jpg"), "-"], "standard input has no name for {stem}"),
    ];
    for (arguments, reason) in cases {
        let output = transform(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said(&output).contains(reason), "{arguments:?}: {}", said(&output));
    }
    // A link is its target, and one image can't become two in its own place.
    std::os::unix::fs::symlink("b.jpg", file("a-link.jpg")).unwrap();
    let output = transform(&["-o", &file("{stem}-link.jpg"), &jpg, &b], b"");
    assert!(said(&output).contains("is an input, and would be made of"), "{}", said(&output));
    assert!(!said(&output).contains(&own) && other.ends_with(&jpg));
    assert_eq!(folder.names(), ["a-link.jpg", "a.jpeg", "a.jpg", "b.jpg", "out"]);
    assert_eq!(fs::read(&b).unwrap(), fs::read(SOURCE).unwrap());
    assert_eq!(fs::read_dir(file("out")).unwrap().count(), 0);
}
