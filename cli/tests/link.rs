//! `image-gate sign` and `image-gate verify` as a user runs them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

const UNTIL: &str = "2147483647";

/// The line that is printed, or the one of a refusal.
fn image_gate(arguments: &[&str], input: &str) -> Result<String, String> {
    let output = common::image_gate(arguments, &[("LINK_KEY", "secret")], input.as_bytes());
    let text = |bytes| String::from_utf8(bytes).unwrap().trim_end().to_string();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn sign(arguments: &[&str], link: &str) -> String {
    image_gate(&[&["sign"], arguments, &[link]].concat(), "").unwrap()
}

fn verify(arguments: &[&str], link: &str) -> Result<String, String> {
    image_gate(&[&["verify"], arguments, &[link]].concat(), "")
}

/// Whether a link is refused with this word, and a line that has those words in it.
fn refused(arguments: &[&str], link: &str, word: &str, words: &str) {
    let said = verify(arguments, link).expect_err(link);
    assert!(said.starts_with(&format!("image-gate: {word}: ")), "{link}: {said}");
    assert!(said.contains(words), "{link}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// By `printf '%s' '/a b.jpg|2147483647' | openssl dgst -sha256 -hmac secret -binary | basenc
/// --base64url`, and so on for the other algorithms.
const TAGS: [(&str, &str); 5] = [
    ("hmac-sha256", "QOUaxOXFKz-ubOcUyvTFR7TWleFiR2vcH0m59dJowAU"),
    (
        "hmac-sha512",
        "DEe-a7BGIg_yBJ-zQZUcq0Aq7jAjLXft55IftNfHJj1pCJrANI9ZJno4LWDEBm9veo5oUgCESxip-_D_pbSH3A",
    ),
    ("hmac-sha1", "hTtzNCIaJLijudHsoY-em96a41Q"),
    ("sha256", "uIiK40wY8af_U6x4HYtqc8Lw392Apwa6zPz7mt3oQEw"),
    ("md5", "B9G-LiZSYBne4yrPbNco9Q"),
];

#[test]
fn links_of_openssl() {
    for (algorithm, tag) in TAGS {
        let options = ["--key", "secret", "--algorithm", algorithm];
        let link = sign(&[&options[..], &["--expires", UNTIL]].concat(), "/a%20b.jpg?w=1");
        assert_eq!(link, format!("/a%20b.jpg?w=1&expires={UNTIL}&token={tag}"), "{algorithm}");
        assert!(
            verify(&options, &link).unwrap().starts_with("ok: expires at 2038-01-19T03:14:07Z")
        );
        refused(&options, &link.replace("b.jpg", "c.jpg"), "mismatch", "/a c.jpg");
    }
}

#[test]
fn the_example_of_secure_link_md5() {
    // nginx's documentation of secure_link_md5; the key may be part of the message.
    let message = "$secure_link_expires$uri$remote_addr $key";
    let options = ["--format", "md5", "--address", "127.0.0.1"];
    let expected = "/s/link?expires=2147483647&md5=_e4Nc3iduzkWRm01TBBNYw";
    for (message, key) in
        [(message, &["--key", "secret"][..]), (&message.replace("$key", "secret"), &[])]
    {
        let options = [&options[..], &["--message", message], key].concat();
        assert_eq!(sign(&[&options[..], &["--expires", UNTIL]].concat(), "/s/link"), expected);
        assert!(verify(&options, expected).is_ok());
        refused(&options, &expected.replace("/s/link", "/s/links"), "mismatch", "something else");
        refused(&options, &expected.replace("NYw", "NY"), "malformed", "22 characters");
    }
}

#[test]
fn the_example_of_secure_link_secret() {
    let options = ["--format", "secret", "--key", "secret"];
    let expected = "/p/5e814704a28d9bc1914ff19fa0c4a00a/link";
    assert_eq!(sign(&options, "/p/link"), expected);
    assert_eq!(sign(&options, "https://h.example/p/link"), format!("https://h.example{expected}"));
    assert_eq!(verify(&options, expected).unwrap(), "ok: never expires");
    assert!(verify(&options, &format!("https://h.example{expected}")).is_ok());
    refused(&options, "/p/link", "missing", "/PREFIX/HASH/LINK");
    refused(&options, &format!("{expected}s"), "mismatch", "the hash is not");
    refused(&options, "/p/5e81/link", "malformed", "32 hex digits");
}

#[test]
fn keys_come_from_anywhere() {
    let path = std::env::temp_dir().join(format!("image-gate-link-{}", std::process::id()));
    std::fs::write(&path, "secret\n").unwrap();
    let file = format!("id=a file={}", path.display());
    let expected = sign(&["--key", "id=a secret", "--expires", UNTIL], "/a");
    assert!(expected.contains("&token=a."), "{expected}");
    for key in
        [&file, "id=a hex:736563726574", "id=a base64:c2VjcmV0", "id=a env=LINK_KEY", "id=a -"]
    {
        let link = image_gate(&["sign", "--key", key, "--expires", UNTIL, "/a"], "secret\n");
        assert_eq!(link.as_ref(), Ok(&expected), "{key}");
    }
    // In either order, as in nginx.
    for key in [&format!("file={} id=a", path.display()), "secret id=a", "env=LINK_KEY id=a"] {
        assert_eq!(sign(&["--key", key, "--expires", UNTIL], "/a"), expected, "{key}");
    }
    let imgproxy = |key: &str| sign(&["--format", "imgproxy", "--key", key], "/w:1/plain/a.jpg");
    let path_name = path.display();
    let salted = imgproxy("salt=secret secret");
    assert_eq!(imgproxy(&format!("file={path_name} salt_file={path_name}")), salted);
    assert_eq!(imgproxy(&format!("salt_file={path_name} file={path_name}")), salted);
    // The name of a file is a key, too, though hardly ever meant.
    let name = path.to_str().unwrap();
    assert!(noted(&["--key", name, "--expires", UNTIL, "/a"]).contains("write \"file=/"));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(noted(&["--key", name, "--expires", UNTIL, "/a"]), "");
    for key in ["", "hex:x", "file=/nowhere", "env=NOT_SET", "id=a.b secret"] {
        let said = image_gate(&["sign", "--key", key, "--expires", UNTIL, "/a"], "").unwrap_err();
        assert!(!said.contains("secret"), "{said}");
    }
}

/// What is said of a link that is made nevertheless.
fn noted(arguments: &[&str]) -> String {
    let output = common::image_gate(&[&["sign"], arguments].concat(), &[], b"");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn times_that_are_hardly_meant_are_noted() {
    let made = |time: &str| noted(&["--key", "secret", "--expires", time, "/a"]);
    assert_eq!(made(UNTIL), "");
    assert!(made("1500000000").contains("expired already: --expires is 2017-07-14T02:40:00Z"));
    assert!(made("1798718400000").contains("in the year 58969: milliseconds"));
    let link = sign(&["--key", "secret", "--expires", "1798718400000"], "/a");
    let output = common::image_gate(&["verify", "--key", "secret", &link], &[], b"");
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("milliseconds where seconds since 1970 are meant"), "{said}");
    refused(&["--key", "secret"], "paid/a.jpg?token=x&expires=1", "malformed", "slash");
}

#[test]
fn every_way_to_be_wrong_is_explained() {
    let options = ["--key", "id=new one", "--key", "id=old two"];
    let good = sign(&["--key", "id=old two", "--expires", UNTIL], "/a");
    let said = verify(&options, &good).unwrap();
    assert!(said.ends_with(", key \"old\""), "{said}");
    refused(&options, "/a?expires=1", "missing", "$arg_token");
    refused(&options, &good.replace("expires=", "x="), "malformed", "$arg_expires");
    refused(&options, &good.replace(UNTIL, "soon"), "malformed", "\"soon\" is no time");
    refused(
        &options,
        &good.replace("old.", "gone."),
        "no_key",
        "\"gone\"; there is \"new\", \"old\"",
    );
    refused(&options, &good.replace("old.", "old.+"), "malformed", "other alphabet");
    refused(
        &options,
        &good.replace("old.", "old.A"),
        "mismatch",
        "33 bytes, and one of hmac-sha256 32",
    );
    refused(&options, &good.replace(UNTIL, "2147483646"), "mismatch", "/a|2147483646");
    let late = ["--now", "2038-01-19T04:14:07Z"];
    refused(
        &[&options[..], &late].concat(),
        &good,
        "expired",
        "at 2038-01-19T03:14:07Z, 1 hour ago, key \"old\"",
    );
    assert!(verify(&[&options[..], &late, &["--leeway", "1h"]].concat(), &good).is_ok());

    let message = ["--message", "$arg_start|$uri|$secure_link_hash_expires"];
    let early = sign(
        &[&["--key", "one", "--expires", UNTIL], &message[..]].concat(),
        "/a?start=1800000000",
    );
    let options = [&["--key", "one", "--not-before", "$arg_start"], &message[..]].concat();
    refused(
        &[&options[..], &["--now", "1799999940"]].concat(),
        &early,
        "not_yet",
        "valid from 2027-01-15T08:00:00Z, in 1 minute",
    );
    assert!(verify(&[&options[..], &["--now", "1800000000"]].concat(), &early).is_ok());
}

#[test]
fn what_signers_get_wrong_is_found() {
    let options = ["--key", "secret"];
    let signed = |key: &str, message: &str, more: &[&str]| {
        let own = ["--key", key, "--message", message, "--expires", UNTIL];
        sign(&[&own[..], more].concat(), "/a%20b")
    };
    let message = "$uri|$secure_link_hash_expires";
    for (link, words) in [
        (signed("secret\n", message, &[]), "newline at the end of the key"),
        (signed("secret", &format!("{message}\n"), &[]), "newline at its end"),
        (signed("secret", "/a%20b|$secure_link_hash_expires", &[]), "as it stands in the link"),
        (signed("secret", message, &["--algorithm", "sha256"]), "signed with sha256"),
        (signed("secret", message, &["--bytes", "16"]), "--bytes 16 would take it"),
        (signed("secret", "$secure_link_hash_expires|$uri", &[]), "as \"2147483647|/a b\""),
        (signed("secret", "$uri$secure_link_hash_expires", &[]), "as \"/a b2147483647\""),
        (signed("secret", "$secure_link_hash_expires$uri", &[]), "as \"2147483647/a b\""),
        (signed("secret", "a b|$secure_link_hash_expires", &[]), "without its first slash"),
        (signed("secret", message, &["--encoding", "hex"]), "the tag is in hex: --encoding hex"),
        (
            signed("secret", message, &["--encoding", "hex", "--bytes", "16"]),
            "the tag is in hex: --encoding hex",
        ),
    ] {
        refused(&options, &link, "mismatch", words);
    }
    refused(
        &["--key", "secret", "--encoding", "hex"],
        &signed("secret", message, &[]),
        "malformed",
        "the tag is in base64url: --encoding base64url",
    );
    let url = "https://h.example/a%20b?w=1";
    for (message, words) in [
        ("https://h.example/a b|$secure_link_hash_expires", "the whole URL was signed"),
        ("https://h.example$secure_link_hash_request_uri|$secure_link_hash_expires", "whole URL"),
        ("$secure_link_hash_request_uri|$secure_link_hash_expires", "with its arguments"),
    ] {
        let own = ["--key", "secret", "--message", message, "--expires", UNTIL];
        refused(&options, &sign(&own, url), "mismatch", words);
    }
    assert!(
        verify(
            &["--key", "secret", "--bytes", "16"],
            &signed("secret", message, &["--bytes", "16"])
        )
        .is_ok()
    );
    let md5 = ["--format", "md5", "--key", "secret"];
    for (key, uri, words) in [
        ("secret\n", "$uri", "newline at the end of the key"),
        ("secret", "/a%20b", "as it stands in the link"),
        ("other", "$uri", "another key"),
    ] {
        let message = format!("$secure_link_hash_expires{uri} $key");
        let own = ["--format", "md5", "--key", key, "--message", &message, "--expires", UNTIL];
        refused(&md5, &sign(&own, "/a%20b"), "mismatch", words);
    }
    // A key that is not decoded, or taken for text.
    let bytes = ["--key", "hex:00ff"];
    for (given, used, words) in [
        ("hex:00ff", "hex:6865783a30306666", "with the text \"hex:...\""),
        ("hex:00ff", "00ff", "with the text behind \"hex:\""),
        ("base64:AP8=", "AP8=", "with the text behind \"base64:\""),
        ("00ff", "hex:00ff", "that the key is in hexadecimal: write \"hex:\""),
    ] {
        refused(&["--key", given], &signed(used, message, &[]), "mismatch", words);
    }
    assert!(verify(&bytes, &signed("hex:00FF", message, &[])).is_ok());
    for (given, used, words) in [
        ("salt=00ff 00ff", "salt=hex:00ff hex:00ff", "\"hex:\" before both"),
        ("salt=00ff secret", "salt=hex:00ff secret", "the salt is in hexadecimal"),
    ] {
        let imgproxy = |key| ["--format", "imgproxy", "--key", key];
        refused(&imgproxy(given), &sign(&imgproxy(used), "/w:1/plain/a.jpg"), "mismatch", words);
    }
    refused(
        &["--format", "md5", "--key", "hex:6162"],
        &sign(&["--format", "md5", "--key", "6162", "--expires", UNTIL], "/a"),
        "mismatch",
        "with the text behind \"hex:\"",
    );
    let hex = signed("secret", message, &["--encoding", "hex"]);
    assert!(verify(&["--key", "secret", "--encoding", "hex"], &hex).is_ok());
}

#[test]
fn a_prefix_opens_a_folder() {
    let options = ["--key", "secret", "--prefix"];
    let link =
        sign(&["--key", "secret", "--prefix", "/gallery/", "--expires", UNTIL], "/gallery/1.jpg");
    assert!(verify(&options, &link).is_ok());
    assert!(verify(&options, &link.replace("/1.jpg", "/2/x.jpg")).is_ok());
    refused(&options, &link.replace("/gallery/1", "/other/1"), "mismatch", "begin with /gallery/");
    refused(&options, &link.replace(UNTIL, "2147483646"), "mismatch", "something else");
}

#[test]
fn links_that_would_mislead_are_not_made() {
    let sign = |arguments: &[&str]| {
        image_gate(&[&["sign", "--key", "secret"], arguments].concat(), "").unwrap_err()
    };
    assert!(sign(&["/a"]).contains("--expires"));
    assert!(sign(&["--expires", UNTIL, "--message", "$uri", "/a"]).contains("not signed"));
    assert!(sign(&["--expires", UNTIL, "--value", "$arg_t", "/a"]).contains("no place"));
    assert!(sign(&["--expires", UNTIL, "/a/../b"]).contains("$uri"));
    assert!(
        sign(&["--expires", UNTIL, "--message", "$secure_link_hash_expires$host", "/a"])
            .contains("$host")
    );
    assert!(
        sign(&["--expires", UNTIL, "--format", "imgproxy", "/a"])
            .contains("have their expiry in the path: exp:SECONDS")
    );
    assert!(
        sign(&["--expires", UNTIL, "--format", "thumbor", "/a"])
            .contains("have their expiry in the path: filters:expire(MILLISECONDS)")
    );
    assert!(
        sign(&["--expires", UNTIL, "--format", "google", "/a"]).contains("a whole URL, https://")
    );
    let endless = sign(&["/a"]);
    assert!(
        endless.contains("--message '$uri'")
            && endless.contains("\"secure_link_hash $arg_token;\""),
        "{endless}"
    );
    assert!(sign(&["--format", "md5", "/a"]).contains("\"secure_link_hash $arg_md5;\""));
    assert!(sign(&["--format", "akamai", "/a"]).contains("always expire"));
    assert!(sign(&["--format", "secret", "--expires", UNTIL, "/p/a"]).contains("never expire"));
    assert!(sign(&["--format", "secret", "/a"]).contains("/PREFIX/LINK"));
    assert!(
        sign(&["--format", "md5", "--prefix", "/a/", "--expires", UNTIL, "/a/b"])
            .contains("one path")
    );
    assert!(sign(&["--bytes", "33", "--expires", UNTIL, "/a"]).contains("hmac-sha256 has 32"));
}

/// Links of other systems; where the vectors are from stands beside them in the core.
#[test]
fn links_of_others() {
    for (format, key, more, path, link) in [
        (
            "imgproxy",
            "salt=hello hex:736563726574",
            &[][..],
            "/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png",
            "/oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8/rs:fill:300:400:0/g:sm/\
             aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png",
        ),
        (
            "thumbor",
            "my-security-key",
            &[],
            "/300x200/smart/path/to/image.jpg",
            "/TaWoUq6tvBe2HywzAULy6_Np-2k=/300x200/smart/path/to/image.jpg",
        ),
        (
            "akamai",
            "hex:52a152a152a152a152a152a152a1",
            &["--expires", "2000000000"],
            "/akamai/edge.jpg",
            "/akamai/edge.jpg?hdnts=exp=2000000000~hmac=\
             8efc9c30d35b46cd7183ea7b3b348adce6a6c2429c203c499a53aa36274fe91e",
        ),
        (
            "bunny",
            "SecurityKey",
            &["--expires", "1598024587"],
            "/300kb.jpg",
            "/300kb.jpg?token=HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4&expires=1598024587",
        ),
    ] {
        let options = ["--format", format, "--key", key];
        assert_eq!(sign(&[&options[..], more].concat(), path), link);
        let options = [&options[..], &["--now", "1500000000"]].concat();
        assert!(verify(&options, link).unwrap().starts_with("ok: "), "{link}");
        refused(&options, &link.replace(".png", ".gif").replace(".jpg", ".gif"), "mismatch", "");
        refused(&["--format", format, "--key", "other"], link, "mismatch", "another key");
    }
    refused(&["--format", "akamai", "--key", "k"], "/a", "missing", "hdnts");
    refused(&["--format", "bunny", "--key", "k"], "/a?token=x", "malformed", "expires");

    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/fixtures");
    let key = |name: &str| format!("id=K2JCJMDEHXQW5F file={fixtures}/{name}");
    let url = "https://h.example/a.jpg?size=large";
    let link =
        sign(&["--format", "cloudfront", "--key", &key("pair.pem"), "--expires", UNTIL], url);
    let options = ["--format", "cloudfront", "--key", &key("pair.pub")];
    assert!(verify(&options, &link).unwrap().ends_with("key \"K2JCJMDEHXQW5F\""));
    refused(&options, &link.replace("large", "small"), "mismatch", "");
    refused(&options, url, "missing", "Signature");
}

/// Whatever is printed is taken; what nginx would refuse is not printed.
#[test]
fn links_that_nginx_refuses_are_not_made() {
    let formats: [(&str, &[&str]); 5] = [
        ("plain", &["--expires", UNTIL]),
        ("md5", &["--expires", UNTIL]),
        ("akamai", &["--unsigned-arg", "*", "--expires", "2000000000"]),
        ("bunny", &["--expires", "2000000000"]),
        ("imgproxy", &["--unsigned-arg", "*"]),
    ];
    let refused = [
        ("/a#b", "%23"),
        ("/a?x#b", "%23"),
        ("/a\tb", "control"),
        ("/a\nb", "control"),
        ("/a?x=\u{7f}", "control"),
        ("a", "slash"),
        ("", "slash"),
        ("paid/a.jpg", "slash"),
        ("h.example/a.jpg", "slash"),
        ("https://h.example", "slash"),
        ("/100%", "%25"),
        ("/a%0", "%25"),
        ("/a%00b", "%25"),
        ("/../a", "above the root"),
        ("/a/%2e%2e/../b", "above the root"),
    ];
    let taken = [
        "/a.jpg",
        "/a b.jpg",
        "/a%20b.jpg",
        "/\u{e9}t\u{e9}/\u{1f5bc}.jpg",
        "/a.jpg?x=1&y=2",
        "/a.jpg?",
        "/a.jpg?x=a b",
        "/a.jpg?x=1?2",
        "/a.jpg?x?",
        "https://h.example/a b.jpg?x=1",
        "/a'(1)!.jpg",
    ];
    for (format, more) in formats {
        let options = ["--format", format, "--key", "secret"];
        let made = |link: &str| image_gate(&[&["sign"], &options[..], more, &[link]].concat(), "");
        for (link, words) in refused {
            let said = made(link).expect_err(link);
            assert!(said.contains(words), "{format} {link:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        let unsigned = if more.contains(&"*") { &["--unsigned-arg", "*"][..] } else { &[] };
        for link in taken {
            let link = made(link).unwrap();
            assert!(link.bytes().all(|byte| byte.is_ascii_graphic()), "{link}");
            let options = [&options[..], unsigned, &["--now", "1700000000"]].concat();
            assert!(verify(&options, &link).unwrap().starts_with("ok: "), "{format} {link}");
        }
    }
    for (arguments, link, words) in [
        (&["--expires", UNTIL][..], "/a?token=x", "\"token\" already"),
        (&["--expires", UNTIL], "/a?w=1&TOKEN=x", "\"token\" already"),
        (&["--expires", UNTIL], "/a?expires=1", "\"expires\" already"),
        (&["--expires", UNTIL, "--format", "md5"], "/a?expires", "\"expires\" already"),
        (&["--expires", UNTIL, "--value", "$arg_t,$arg_e"], "/a?e=1", "\"e\" already"),
        (&["--expires", UNTIL, "--prefix", "/b/"], "/a/x", "begin with /b/"),
        (&["--expires", "2000000000", "--format", "akamai"], "/a?hdnea=x", "refuse"),
        (&["--expires", "2000000000", "--format", "akamai"], "/a?w=1", "unsigned"),
        (&["--expires", "2000000000", "--format", "akamai"], "/a~salt=x", "refuse"),
        (&["--expires", "2000000000", "--format", "akamai", "--prefix", "/b/"], "/a", "refuse"),
        (&["--expires", "2000000000", "--format", "bunny"], "/a?token=x", "refuse"),
        (&["--expires", "2000000000", "--format", "bunny"], "/a?expires=x", "refuse"),
        (&["--expires", "2000000000", "--format", "bunny"], "/a?x=1&x=2", "refuse"),
        (&["--expires", "2000000000", "--format", "bunny"], "/a?x=a%26b", "refuse"),
        (&["--expires", "2000000000", "--format", "bunny"], "/a?1=x", "refuse"),
        (&["--expires", "1", "--format", "bunny"], "/a", "refuse"),
        (&["--format", "imgproxy"], "/w:1/plain/a.jpg?w=1", "unsigned"),
        (&["--format", "imgproxy"], "/exp:soon/plain/a.jpg", "refuse"),
        (&["--format", "thumbor"], "/filters:expire(soon)/a.jpg", "refuse"),
    ] {
        let said = image_gate(&[&["sign", "--key", "secret"], arguments, &[link]].concat(), "");
        let said = said.expect_err(link);
        assert!(said.contains(words), "{arguments:?} {link}: {said}");
    }
    assert_eq!(
        sign(&["--key", "secret", "--expires", UNTIL], "/a b.jpg"),
        sign(&["--key", "secret", "--expires", UNTIL], "/a%20b.jpg")
    );
}

#[test]
fn what_links_of_others_hold_is_explained() {
    let bunny = ["--format", "bunny", "--key", "k"];
    let until = ["--expires", "2000000000"];
    let free = sign(&[&bunny[..], &until].concat(), "/a");
    let bound = sign(&[&bunny[..], &until, &["--address", "192.0.2.7"]].concat(), "/a");
    let here = [&bunny[..], &["--address", "::ffff:192.0.2.7"]].concat();
    assert!(verify(&bunny, &free).is_ok());
    assert!(verify(&here, &bound).is_ok());
    refused(&bunny, &bound, "malformed", "ip=required");
    refused(&here, &free, "malformed", "not bound");
    // printf k/a2000000000 | openssl sha256 -binary | basenc --base64url
    let sha256 = "/a?token=yV0pHEVnb1XVrXia6IDXCevpH0fbHvtD-4gCmT9aIU4&expires=2000000000";
    refused(&bunny, sha256, "malformed", "sha256=on");
    assert!(verify(&[&bunny[..], &["--sha256"]].concat(), sha256).is_ok());

    let options = ["--format", "imgproxy", "--key", "k"];
    let link = sign(&options, "/exp:1500000000/plain/a.jpg");
    refused(&options, &link, "expired", "2017-07-14T02:40:00Z");
    let link = sign(&options, "/w:1/plain/a.jpg");
    refused(&options, &format!("{link}?w=5000"), "unsigned", "secure_link_hash_unsigned_args");
    let listed = [&options[..], &["--unsigned-arg", "w"]].concat();
    assert!(verify(&listed, &format!("{link}?w=5000")).is_ok());
    refused(&listed, &format!("{link}?w=5000&v=1"), "unsigned", "");

    let options = ["--key", "secret"];
    let link = sign(&[&options[..], &["--expires", UNTIL]].concat(), "/a");
    let escaped = format!("{}%3D", link.replace("=2147", "=%32147"));
    assert!(verify(&options, &escaped).is_ok(), "{escaped}");
}
