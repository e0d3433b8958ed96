//! `image-gate key` as a user runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use image_gate_core::key::days::DayUse;
use image_gate_core::key::{Account, Digest, PartnerTable, State};

use common::Folder;

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
    let (line, key) = (text(&output), String::from_utf8(output.stderr.clone()).unwrap());
    let key = key.strip_suffix('\n').unwrap();
    assert_eq!(line.lines().count(), 1);
    assert_eq!(key.len(), 32);
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let table = PartnerTable::parse(line.as_bytes()).unwrap();
    assert_eq!(table.find(&Digest::of(key.as_bytes())), Some(0));
    assert_eq!(table.partners()[0].id, "acme");
    assert_ne!(text(&image_gate(&["key", "new", "acme"], "")), line);
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
fn what_is_no_key_has_no_hash() {
    for (input, said) in [
        ("a\nb\n", "standard input has several lines: one key at a time"),
        ("\u{feff}secret\n", "a byte order mark stands before the key"),
    ] {
        let output = image_gate(&["key", "hash"], input);
        assert_eq!((output.status.code(), text(&output).as_str()), (Some(3), ""), "{input:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{input:?}");
    }
}

#[test]
fn a_rotation_says_what_is_refused_at_once() {
    let folder = Folder::new("rotation-words");
    let file = &folder.file("keys");
    let line = format!("acme {}\nbeta {} disabled\n", Digest::of(b"one"), Digest::of(b"two"));
    std::fs::write(file, line).unwrap();
    let said = |arguments: &[&str]| {
        let output = image_gate(&[&["key", "rotate", file], arguments].concat(), "");
        assert!(output.status.success(), "{arguments:?}");
        assert_eq!(text(&output).trim_end().len(), 32, "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(said(&["acme"]), "");
    assert_eq!(said(&["acme", "--expire", "+1d"]), "");
    let past = said(&["acme", "--expire", "2020-01-01"]);
    assert!(
        past.contains("keys: the keys before are refused from now on: --expire is 2020-01-01"),
        "{past}"
    );
    let disabled = said(&["beta"]);
    assert!(disabled.contains("keys: \"beta\" is disabled, and its new key refused"), "{disabled}");
}

#[test]
fn partners_are_added_listed_and_revoked() {
    let folder = Folder::new("partners");
    let file = &folder.file("keys");
    // Comments in another encoding, and spaces, are kept.
    let digest = Digest::of(b"b").to_string();
    let text = [b"# M\xfcller\n  b  ", digest.as_bytes(), b"\tdisabled # acme"].concat();
    std::fs::write(file, &text).unwrap();
    let add = |id: &str| text_of(image_gate(&["key", "add", file, id], ""));
    let whose = |key: &str| text_of(image_gate(&["key", "check", file, "--whose"], key));
    let (first, second) = (add("acme"), add("acme"));
    assert_ne!(first, second);
    assert_eq!((whose(&first), whose(&second)), ("acme\n".into(), "acme\n".into()));
    let written = std::fs::read(file).unwrap();
    assert!(written.starts_with(&[&text[..], b"\nacme sha256:"].concat()));
    let list = || text_of(image_gate(&["key", "list", file], ""));
    assert_eq!(list(), "b\t1 key\tdisabled\nacme\t2 keys\tvalid\n");

    for _ in 0..2 {
        assert_eq!(text_of(image_gate(&["key", "revoke", file, "acme"], "")), "");
        assert_eq!(whose(&first), "acme (disabled)\n");
    }
    assert_eq!(list(), "b\t1 key\tdisabled\nacme\t2 keys\tdisabled\n");
    let bytes = std::fs::read(file).unwrap();
    assert_eq!(bytes.strip_prefix(&written[..written.len() - 1]), Some(&b" disabled\n"[..]));

    let output = image_gate(&["key", "add", file, "acme"], "");
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("keys: \"acme\" is disabled, and its new key refused"), "{said}");
    assert_eq!(whose(&text_of(output)), "acme (disabled)\n");
    std::fs::write(file, &bytes).unwrap();

    let remedy = "/nowhere: there is no such file: make it first, so that workers can read it: \
                  install -m 640 -g www-data /dev/null /nowhere";
    for (arguments, code, reason) in [
        (["add", file, "a b"], 2, "\"a b\" is no ID"),
        (["revoke", file, "nobody"], 1, "keys: there is no \"nobody\""),
        (["add", "/nowhere", "a"], 3, remedy),
        (["add", "/", "a"], 3, "/: Is a directory"),
        (["rotate", "/nowhere", "a"], 3, "/nowhere: No such file"),
    ] {
        let output = image_gate(&[&["key"], &arguments[..]].concat(), "");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{output:?}");
    }
    assert_eq!(std::fs::read(file).unwrap(), bytes);
}

#[test]
fn a_partner_gets_a_new_key_and_the_old_ones_go() {
    let folder = Folder::new("rotate");
    let file = &folder.file("keys");
    let digest = |key: &str| Digest::of(key.as_bytes()).to_string();
    let gone = digest("gone");
    let text = format!(
        "# all\n acme\t{},{gone}@2020-01-01 requests=5/day # note\nb {}\n",
        digest("one"),
        digest("two")
    );
    std::fs::write(file, &text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let run = |arguments: &[&str]| text_of(image_gate(&[&["key"], arguments].concat(), ""));
    let whose = |key: &str| text_of(image_gate(&["key", "check", file, "--whose"], key));
    let read = || std::fs::read_to_string(file).unwrap();

    let second = run(&["rotate", file, "acme"]);
    let second = second.trim_end();
    let rest = text.replace(&format!(",{gone}@2020-01-01"), "");
    let (before, after) = rest.split_at("# all\n acme\t".len());
    assert_eq!(read(), format!("{before}{},{after}", digest(second)));
    assert_eq!((whose("one"), whose(second)), ("acme\n".to_owned(), "acme\n".to_owned()));

    // The keys before hold to the end of that day, and no longer than they did.
    let third = run(&["rotate", file, "acme", "--expire", "2199-12-31"]);
    let third = third.trim_end();
    let fourth = run(&["rotate", file, "acme", "--expire", "2199-12-31T12:00:00Z"]);
    let fourth = fourth.trim_end();
    let until = |key: &str, date: &str| format!("{}@{date}", digest(key));
    let noon = "2199-12-31T12:00:00Z";
    let keys = [digest(fourth), until(third, noon), until(second, noon), until("one", noon)];
    assert_eq!(read(), format!("{before}{}{}", keys.join(","), &after[digest("one").len()..]));
    run(&["rotate", file, "b", "--expire", "2199-12-31"]);
    assert!(read().contains(&until("two", "2199-12-31\n")));
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(run(&["list", file]).starts_with("acme\t4 keys\tvalid\n"));

    for _ in 0..2 {
        run(&["revoke", file, "acme", "--old"]);
        assert_eq!(read().matches("acme").count(), 1);
        assert_eq!(
            (whose(fourth), run(&["check", file])),
            ("acme\n".into(), "2 partners, 3 keys\n".into())
        );
    }
    std::fs::write(file, format!("acme {}@2020-01-01\n", digest("one"))).unwrap();
    assert_eq!(whose("one"), "acme (expired)\n");
    assert_eq!(image_gate(&["key", "rotate", file, "nobody"], "").status.code(), Some(1));
    assert_eq!(
        image_gate(&["key", "rotate", file, "acme", "--expire", "soon"], "").status.code(),
        Some(2)
    );
}

fn text_of(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    text(&output)
}

#[test]
fn a_file_is_checked() {
    let folder = Folder::new("keys");
    let path = folder.path().join("keys");
    let file = path.to_str().unwrap();
    let digest = Digest::of(b"one");
    std::fs::write(&path, format!("a {digest}\nb {} disabled\n", Digest::of(b"two"))).unwrap();
    assert_eq!(text(&image_gate(&["key", "check", file], "")), "2 partners, 2 keys\n");
    assert_eq!(text(&image_gate(&["key", "check", file, "--whose"], "one\n")), "a\n");
    assert_eq!(text(&image_gate(&["key", "check", file, "--whose"], "two\n")), "b (disabled)\n");
    assert!(!image_gate(&["key", "check", file, "--whose"], "three\n").status.success());

    std::fs::write(&path, format!("a {digest} nonsense\n")).unwrap();
    let output = image_gate(&["key", "check", file], "");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("line 1, column 75: unknown word"), "{said}");
}

#[test]
fn a_partner_who_never_used_anything_is_not_there() {
    let folder = Folder::new("usage");
    let file = &folder.file("state");
    // 2026-11-28.
    let used = DayUse { day: 20_785, requests: 7, bytes: 900 };
    let account = Account { id: "acme".into(), days: vec![used], ..Account::default() };
    std::fs::write(file, State { instance: 1, accounts: vec![account] }.encode()).unwrap();
    let usage = |month: &str, id: &str| {
        image_gate(&["usage", file, "--csv", "--month", month, "--partner", id], "")
    };
    let names = "partner,month,requests,bytes\r\n";
    assert_eq!(text_of(usage("2026-11", "acme")), format!("{names}acme,2026-11,7,900\r\n"));
    // In another month there is nothing to be said of it.
    assert_eq!(text_of(usage("2026-10", "acme")), names);
    let output = usage("2026-11", "nobody");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there is no \"nobody\" who ever used anything"), "{said}");
    assert!(output.stdout.is_empty());
}
