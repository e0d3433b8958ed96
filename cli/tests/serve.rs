//! `image-gate serve`, `man` and `completions`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image_gate_core::image::{Format, probe};

use common::{Folder, image_gate};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Asks for something, and returns the head and the body of the answer.
fn get(address: &str, path: &str) -> (String, Vec<u8>) {
    let end = Instant::now() + Duration::from_secs(20);
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap(), body)
}

#[test]
fn a_folder_is_served() {
    let module = Path::new(ROOT).join("build/ngx_http_image_gate_module.so");
    let nginx =
        ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists());
    let (true, Some(nginx)) = (module.exists(), nginx) else {
        eprintln!("skipped: no module in build/, or no nginx");
        return;
    };
    // A name that an nginx.conf could not say, and nobody else's temporary files.
    let folder = Folder::new("serve $uri; \"x");
    let temporary = Folder::new("serve-temporary");
    fs::copy(format!("{ROOT}/core/tests/fixtures/sampled-2x2.jpg"), folder.file("a.jpg")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_image-gate"))
        .args(["serve", "--nginx", nginx, "--module", module.to_str().unwrap()])
        .arg(folder.path())
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("http://").unwrap().split_once('/').unwrap().0.to_owned();

    let (head, body) = get(&address, "/a.jpg?width=20&format=webp");
    assert!(head.contains("Content-Type: image/webp"), "{head}");
    let info = probe(&body).unwrap();
    assert_eq!((info.format, info.width), (Format::Webp, 20));
    assert!(get(&address, "/a.jpg?width=x").0.starts_with("HTTP/1.1 400 "));
    assert!(get(&address, "/b.jpg").0.starts_with("HTTP/1.1 404 "));
    let (_, list) = get(&address, "/");
    assert!(String::from_utf8(list).unwrap().contains("href=\"a.jpg\""));

    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!said.contains("[warn]"), "{said}");
    assert!(TcpStream::connect(&address).is_err());
    assert_eq!(temporary.names(), <[&str; 0]>::default());
}

#[test]
fn what_can_not_be_served_is_said() {
    let folder = Folder::new("not-served");
    let file = folder.file("file");
    fs::write(&file, "").unwrap();
    let path = folder.path().to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let cases: [(&[&str], i32, &str); 5] = [
        (&["/nowhere"], 3, "/nowhere: No such file"),
        (&[&file], 3, "Not a directory"),
        (&[path, "--nginx", "no-nginx"], 3, "there is no no-nginx: --nginx PATH"),
        (&[path, "--nginx", "/bin/true", "--module", "/nowhere"], 3, "/nowhere: No such file"),
        (&[path, "--nginx", "/bin/true", "--module", &file, "--port", &port], 1, "is taken"),
    ];
    for (arguments, code, reason) in cases {
        let output = image_gate(&[&["serve"], arguments].concat(), &[], b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(reason), "{said}");
    }
    // An nginx that ends is told from one that serves.
    let arguments = ["serve", path, "--nginx", "/bin/false", "--module", &file];
    let output = image_gate(&arguments, &[], b"");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn there_is_a_page_for_each_command_and_a_script_for_each_shell() {
    let folder = Folder::new("man");
    let output = image_gate(&["man", folder.path().to_str().unwrap()], &[], b"");
    assert!(output.status.success(), "{output:?}");
    let names = folder.names();
    for name in ["image-gate.1", "image-gate-transform.1", "image-gate-key-add.1"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
    let page = fs::read_to_string(folder.file("image-gate-transform.1")).unwrap();
    assert!(page.contains("\\-\\-widths") && page.contains(".SH SYNOPSIS"), "{page}");
    let output = image_gate(&["man", "/nowhere"], &[], b"");
    assert_eq!(output.status.code(), Some(5), "{output:?}");

    for (shell, check) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        let output = image_gate(&["completions", shell], &[], b"");
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("widths") && script.contains("revoke"), "{shell}");
        let file = folder.file(shell);
        fs::write(&file, script).unwrap();
        // Where that shell is installed it says whether it can read it.
        if let Ok(status) = Command::new(check).args(["-n", &file]).status() {
            assert!(status.success(), "{shell}");
        }
    }
}
