//! Where the program writes, and how it ends when it can't.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

use image_gate_core::image::{Format, probe};

use common::Folder;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/fixtures/sampled-2x2.jpg");

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_image-gate"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn transform(out: &str) -> std::process::Output {
    program(&["transform", SOURCE, out, "w=20,f=png"]).output().unwrap()
}

fn is_made(bytes: &[u8]) -> bool {
    probe(bytes).is_ok_and(|info| info.format == Format::Png && info.width == 20)
}

#[test]
fn devices_stay_devices() {
    let output = transform("/dev/full");
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "image-gate: /dev/full: No space left on device (os error 28)\n");
    assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());

    assert!(transform("/dev/null").status.success());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());

    let output = transform("/dev/stdout");
    assert!(output.status.success() && is_made(&output.stdout));
}

#[test]
fn a_pipe_is_written_into() {
    let folder = Folder::new("pipe");
    let path = folder.file("pipe.png");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let child = program(&["transform", SOURCE, &path, "w=20"]).spawn().unwrap();
    let mut bytes = Vec::new();
    File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
    assert!(child.wait_with_output().unwrap().status.success() && is_made(&bytes));
    assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
}

#[test]
fn links_are_followed() {
    let folder = Folder::new("links");
    let (link, between) = (folder.file("link.png"), folder.file("between"));
    fs::create_dir(folder.file("far")).unwrap();
    for target in ["far/there", "far/not-yet"] {
        let path = folder.file(target);
        if target == "far/there" {
            fs::write(&path, "old").unwrap();
        }
        symlink(target, &between).unwrap();
        symlink("between", &link).unwrap();
        assert!(transform(&link).status.success());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(is_made(&fs::read(&path).unwrap()), "{target}");
        fs::remove_file(&link).unwrap();
        fs::remove_file(&between).unwrap();
    }
    symlink("/dev/stdout", &link).unwrap();
    let output = transform(&link);
    assert!(output.status.success() && is_made(&output.stdout));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

    fs::remove_file(&link).unwrap();
    symlink("link.png", &link).unwrap();
    let output = transform(&link);
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8(output.stderr).unwrap().contains("link.png: too many levels"));
}

#[test]
fn mode_and_owner_stay() {
    let folder = Folder::new("mode");
    let path = folder.file("a.png");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    // Only root may give a file away.
    let owner = std::os::unix::fs::chown(&path, Some(33), Some(33)).is_ok().then_some((33, 33));
    assert!(transform(&path).status.success());
    let known = fs::metadata(&path).unwrap();
    assert_eq!(known.mode() & 0o7777, 0o640);
    assert!(is_made(&fs::read(&path).unwrap()));
    if let Some(owner) = owner {
        assert_eq!((known.uid(), known.gid()), owner);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_full_output_is_a_failure_of_one_line() {
    let folder = Folder::new("full");
    let keys = folder.file("keys");
    fs::write(&keys, "").unwrap();
    let link = "/a?expires=4102444800&token=4dU9fEkVW1Ld1PQcRmIAhKWcKsFzwzq0JVPjBjXCKGE";
    let commands: [&[&str]; 7] = [
        &["info", SOURCE],
        &["transform", SOURCE, "-", "w=20"],
        &["key", "new", "acme"],
        &["key", "check", &keys],
        &["sign", "--key", "k", "--expires", "2100-01-01", "/a"],
        &["verify", "--key", "k", link],
        &["--help"],
    ];
    for arguments in commands {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = program(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        let expected = match arguments[0] {
            // What is said of a link that is refused does not go there.
            "verify" => 6,
            "--help" => continue,
            _ => 5,
        };
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}: {said}");
        if expected == 5 {
            assert!(said.starts_with("image-gate: standard output: No space"), "{said}");
        }
    }
}

#[test]
fn nobody_who_listens_is_no_panic() {
    for redirection in ["| true", ">&-", "2>&- >&-", "2>/dev/full >/dev/full", "2>&- | true"] {
        for arguments in
            [format!("info '{SOURCE}'"), "info /nowhere".to_owned(), "key new a".to_owned()]
        {
            let program = env!("CARGO_BIN_EXE_image-gate");
            let line = format!("'{program}' {arguments} {redirection}");
            let output = Command::new("bash").args(["-c", &line]).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!said.contains("panicked"), "{line}: {said}");
            assert_ne!(output.status.code(), Some(101), "{line}");
        }
    }
}
