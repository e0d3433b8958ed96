//! docs/url-dialects.md against the code: what it says is done, is, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use image_gate_core::image::{Dialect, Error, Unknown, Words};

const PAGE: &str = include_str!("../../docs/url-dialects.md");

fn read(dialect: Dialect, link: &str) -> Result<(), Error> {
    let link = dialect.link(link.as_bytes(), b"/")?;
    dialect.read(link, Unknown::Refuse).map(|_| ())
}

#[test]
fn every_example_is_done_or_not() {
    for (name, dialect) in Dialect::WORDS {
        let heading = format!("\n## {name}\n");
        let start = PAGE.find(&heading).unwrap_or_else(|| panic!("{name} is not documented"));
        let section = &PAGE[start + heading.len()..];
        let section = &section[..section.find("\n## ").unwrap_or(section.len())];
        let mut template = None;
        let mut tried = 0;
        for line in section.lines() {
            if let Some(link) = line.strip_prefix("Link: `") {
                template = link.strip_suffix('`');
            }
            let Some((examples, here)) =
                line.strip_prefix("| ").and_then(|row| row.split_once(" | "))
            else {
                continue;
            };
            for example in examples.split('`').skip(1).step_by(2) {
                let link = template.expect("a template").replace("{}", example);
                let found = read(*dialect, &link);
                assert_eq!(found.is_err(), here.starts_with("no"), "{name} {link}: {found:?}");
                tried += 1;
            }
        }
        assert!(tried > 2, "{name}");
    }
}
