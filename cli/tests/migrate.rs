//! `image-gate migrate` as a user runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::process::Output;

use common::Folder;

fn migrate(arguments: &[&str], input: &str) -> Output {
    common::image_gate(&[&["migrate"], arguments].concat(), &[], input.as_bytes())
}

const BEFORE: &str = r#"load_module "modules/ngx_http_image_filter_module.so"; # image_filter
http {
    include mime.types;
    map $secure_link $ok { "" 0; default "a${secure_link}b"; }
    server {
        image_filter_buffer 20M;image_filter_jpeg_quality 80; image_filter_webp_quality 80;
        location ~ ^/i/(?<w>\d{1,3})/ { # "
            image_filter resize $w -; image_filter_interlace on;
            "image_filter_sharpen" 5;
            image_filter_transparency off;
            error_page 415 = /empty;
            add_header X-Note "image_filter \" $secure_links $secure_link_expires";
        }
        location /p/ {
            secure_link $arg_md5,$arg_expires;
            secure_link_md5 '$secure_link_expires$uri it\'s a secret';
            if ($secure_link = "") { return 403; }
        }
        location /s/ { secure_link_secret word; include locations/*.conf; }
    }
}
"#;

const AFTER: &str = r#"load_module "modules/ngx_http_image_gate_module.so"; # image_filter
http {
    include mime.types;
    map $secure_link_hash $ok { "" 0; default "a${secure_link_hash}b"; }
    server {
        image_resize_buffer 20M;image_resize_jpeg_quality 80; image_resize_webp_quality 80;
        location ~ ^/i/(?<w>\d{1,3})/ { # "
            image_resize resize $w -; image_resize_interlace on;
            image_resize_sharpen 5;
            image_resize_transparency off;
            error_page 415 = /empty;
            add_header X-Note "image_filter \" $secure_links $secure_link_hash_expires";
        }
        location /p/ {
            secure_link_hash $arg_md5,$arg_expires;
            secure_link_hash_md5 '$secure_link_hash_expires$uri it\'s a secret';
            if ($secure_link_hash = "") { return 403; }
        }
        location /s/ { secure_link_hash_secret word; include locations/*.conf; }
    }
}
"#;

#[test]
fn a_configuration_is_rewritten_and_what_needs_a_look_is_said() {
    let output = migrate(&["-"], BEFORE);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), AFTER);
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = said
        .lines()
        .map(|line| line.strip_prefix("image-gate: standard input:").expect(line))
        .collect();
    for (line, start) in lines.iter().zip([
        "11: a source that is missing is 404",
        "16: links stay valid",
        "17: in place of this if",
        "19: links stay valid",
        "19: the files of include",
    ]) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(lines.len(), 5, "{said}");
    // What is migrated has nothing left to migrate.
    let output = migrate(&["-"], AFTER);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), AFTER);
    assert!(String::from_utf8(output.stderr).unwrap().contains("no directive of image_filter"));
}

#[test]
fn an_if_that_nothing_can_replace_is_to_be_kept() {
    let note = |location: &str| {
        let text = format!(
            "location /s/ {{\nsecure_link $arg_t;\nif ($secure_link = \"\") {{ return 403; }}\n\
             {location}\n}}\nlocation /t/ {{ rewrite ^ /x last; }}"
        );
        let said = String::from_utf8(migrate(&["-"], &text).stderr).unwrap();
        let note =
            said.lines().find_map(|line| line.strip_prefix("image-gate: standard input:3: "));
        note.expect(&said).to_owned()
    };
    for keeps in [
        "rewrite ^/s/(.*)$ /files/$1 last;",
        "rewrite ^/s/(.*)$ /files/$1;",
        "if ($arg_a) { rewrite ^ \"/files/a\" \"last\"; }",
        "location /s/t/ { } rewrite ^ /x last;",
    ] {
        let note = note(keeps);
        assert!(note.starts_with("keep this if: the rewrite in line 4 comes before"), "{note}");
    }
    let said = note("return 200 secret;");
    assert!(said.starts_with("keep this if: the return in line 4 comes before"), "{said}");
    for replaced in [
        "rewrite ^/s/(.*)$ /files/$1 break;",
        "rewrite ^/s/(.*)/$ /s/$1 permanent;",
        "if ($arg_a) { return 404; }",
        "location /s/t/ { rewrite ^ /x last; }",
        "# rewrite ^ /x last;",
    ] {
        let note = note(replaced);
        assert!(note.starts_with("in place of this if"), "{replaced}: {note}");
    }
}

#[test]
fn a_file_is_rewritten_in_its_place() {
    let folder = Folder::new("migrate");
    let file = folder.file("site.conf");
    fs::write(&file, b"# \xff\nlocation / { image_filter test; }").unwrap();
    let output = migrate(&[&file], "");
    assert_eq!(output.stdout, b"# \xff\nlocation / { image_resize test; }");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("site.conf: needs \"load_module modules/ngx_http_image_gate"), "{said}");
    assert!(said.contains("unless modules-enabled has it"), "{said}");
    // A source could have a megabyte, and can have 16, where nobody says how much.
    assert!(said.contains("site.conf:2: without image_resize_buffer"), "{said}");
    for buffered in ["image_filter_buffer 2M;", "image_resize_buffer 2M;"] {
        let output = migrate(&["-"], &format!("location / {{ image_filter test; }} {buffered}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("16 MB"), "{said}");
    }
    assert!(
        !String::from_utf8(migrate(&["-"], "secure_link a;").stderr).unwrap().contains("16 MB")
    );

    let output = migrate(&["--in-place", &file], "");
    assert!(output.status.success() && output.stdout.is_empty());
    assert_eq!(fs::read(&file).unwrap(), b"# \xff\nlocation / { image_resize test; }");
    assert_eq!(folder.names(), ["site.conf"]);
}

#[test]
fn what_is_no_configuration_stays_as_it_is() {
    let folder = Folder::new("migrate-bad");
    let file = folder.file("bad.conf");
    let text = "\nimage_filter test;\n\"open";
    fs::write(&file, text).unwrap();
    let output = migrate(&["--in-place", &file], "");
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.ends_with("bad.conf:3: a quote is not closed\n"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(migrate(&["--in-place", "-"], text).status.code(), Some(2));
    assert_eq!(migrate(&["/nowhere"], "").status.code(), Some(3));
}
