//! `image-gate key` as a user runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::process::Output;

use image_gate_core::key::{Digest, PartnerTable};

fn image_gate(arguments: &[&str], input: &str) -> Output {
    common::image_gate(arguments, &[], input.as_bytes())
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_new_key_fits_its_line() {
    let output = image_gate(&["key", "new", "acme"], "");
    assert!(output.status.success());
    let printed = text(&output);
    let [key, line] = printed.lines().collect::<Vec<_>>()[..] else { panic!("{printed}") };
    assert_eq!(key.len(), 32);
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let table = PartnerTable::parse(line.as_bytes()).unwrap();
    assert_eq!(table.find(&Digest::of(key.as_bytes())), Some(0));
    assert_eq!(table.partners()[0].id, "acme");
    assert_ne!(text(&image_gate(&["key", "new", "acme"], "")), printed);
    assert!(!image_gate(&["key", "new", "a b"], "").status.success());
}

#[test]
fn a_hash_is_that_of_the_line_without_its_end() {
    let expected = format!("{}\n", Digest::of(b"secret"));
    assert_eq!(text(&image_gate(&["key", "hash"], "secret\n")), expected);
    assert_eq!(text(&image_gate(&["key", "hash"], "secret")), expected);
    assert!(!image_gate(&["key", "hash"], "\n").status.success());
}

#[test]
fn a_file_is_checked() {
    let path = std::env::temp_dir().join(format!("image-gate-keys-{}", std::process::id()));
    let file = path.to_str().unwrap();
    let digest = Digest::of(b"one");
    std::fs::write(&path, format!("a {digest}\nb {} disabled\n", Digest::of(b"two"))).unwrap();
    assert_eq!(text(&image_gate(&["key", "check", file], "")), "2 partners, 2 keys\n");
    assert_eq!(text(&image_gate(&["key", "check", file, "--whose"], "one\n")), "a\n");
    assert_eq!(text(&image_gate(&["key", "check", file, "--whose"], "two\n")), "b (disabled)\n");
    assert!(!image_gate(&["key", "check", file, "--whose"], "three\n").status.success());

    std::fs::write(&path, format!("a {digest} nonsense\n")).unwrap();
    let output = image_gate(&["key", "check", file], "");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("line 1, column 75: unknown word"), "{said}");
}
