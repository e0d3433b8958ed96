//! The documentation of the settings, held against their table.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use image_gate_core::image::{Argument, SETTINGS, Setting};

fn documentation() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/image-resize.md");
    std::fs::read_to_string(path).unwrap()
}

/// The section of a directive.
fn section<'a>(page: &'a str, directive: &str) -> &'a str {
    let heading = format!("\n## {directive}\n");
    let start = page.find(&heading).unwrap_or_else(|| panic!("{directive} is not documented"));
    let rest = &page[start + heading.len()..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

/// What stands behind `label` in a section, without line breaks.
fn field(section: &str, label: &str) -> String {
    let start = section.find(label).unwrap_or_else(|| panic!("no {label} in {section}"));
    let rest = &section[start + label.len()..];
    let end = ["Default:", "Context:", "\n\n"].iter().filter_map(|end| rest.find(end)).min();
    rest[..end.unwrap()].split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_directive_is_documented_as_it_is() {
    let page = documentation();
    for setting in SETTINGS {
        let Some(directive) = &setting.directive else { continue };
        let name = directive.name.to_str().unwrap();
        let section = section(&page, name);
        let (syntax, default) = (field(section, "Syntax:"), field(section, "Default:"));
        let words = setting.words().join(" | ");
        match directive.argument {
            Argument::Sole => {
                assert!(syntax.starts_with(&format!("{name} ")), "{setting}: {syntax}");
                // Named values stand behind them.
                let sole = syntax[name.len()..].trim_end_matches(';').split(" [").next().unwrap();
                let mut alternatives: Vec<_> = sole.split('|').map(str::trim).collect();
                alternatives.sort_unstable();
                let mut own = setting.words();
                own.sort_unstable();
                assert!(own.is_empty() || own == alternatives, "{setting}: {syntax}, not {words}");
                let said = format!("{name} {}", setting.default);
                // Without a default of its own it is that of its arguments.
                let said = said.trim_end();
                assert!(
                    default.trim_end_matches(';') == said
                        || default.starts_with(&format!("{said} ")),
                    "{setting}: {default}"
                );
            }
            Argument::Named(argument) => {
                assert!(section.contains(&format!("{argument}=")), "{setting}: {syntax}");
                let said = format!("{argument}={}", setting.default);
                assert!(directive.varies || default.contains(&said), "{setting}: {default}");
            }
            Argument::Mode(argument) => assert!(syntax.contains(argument), "{setting}: {syntax}"),
            Argument::At(..) => assert!(syntax.contains("width height"), "{setting}: {syntax}"),
        }
        let says_so = section.contains("variable");
        assert_eq!(says_so, varies(name), "{setting}: whether it can contain variables");
        if name != "image_resize" {
            assert!(section.contains("Context: http, server, location"), "{setting}");
        }
    }
}

/// Whether any value of a directive can hold variables.
fn varies(directive: &str) -> bool {
    let of = |setting: &&Setting| {
        setting.directive.as_ref().is_some_and(|own| own.name.to_str() == Ok(directive))
    };
    SETTINGS.iter().filter(of).any(|setting| setting.directive.as_ref().unwrap().varies)
}

#[test]
fn every_parameter_is_documented() {
    let page = documentation();
    let section = section(&page, "image_resize_params");
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let mut documented: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let mut known: Vec<&str> =
        SETTINGS.iter().flat_map(|setting| setting.params).copied().collect();
    documented.sort_unstable();
    known.sort_unstable();
    assert_eq!(documented, known);
    for setting in SETTINGS.iter().filter(|setting| setting.directive.is_none()) {
        let Some(name) = setting.params.first() else { continue };
        let row = rows.iter().find(|row| row.contains(&format!("`{name}`"))).unwrap();
        for word in setting.words() {
            assert!(row.contains(word), "{name}: {word}");
        }
    }
}
