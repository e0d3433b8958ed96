//! docs/peers.md against the code: what it says is taken, is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use image_gate_core::image::Plan;

const PAGE: &str = include_str!("../../docs/peers.md");
const DIRECTIVES: [&str; 2] =
    [include_str!("../../docs/image-resize.md"), include_str!("../../docs/secure-link-hash.md")];

/// The two cells of each row, with the line it stands in.
fn rows() -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    PAGE.lines().enumerate().filter_map(|(line, row)| {
        let (option, here) = row.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        (option != "option" && !option.starts_with("---")).then_some((line + 1, option, here))
    })
}

/// What stands between backquotes.
fn spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// A parameter with a value that is meant as it stands.
fn is_written_out(span: &str) -> bool {
    let value = span.split_once('=').map_or("", |(_, value)| value);
    let is_number = value.contains("0.");
    !value.is_empty() && !span.contains(' ') && (is_number || !value.contains(['X', '.']))
}

fn accepted(params: &str) -> Result<(), String> {
    Plan::from_params(params).map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn what_is_the_same_is_taken_as_it_is_written() {
    let mut tried = 0;
    for (line, option, here) in rows().filter(|(.., here)| here.starts_with("the same")) {
        for span in spans(option).filter(|span| is_written_out(span)) {
            assert_eq!(accepted(span), Ok(()), "line {line}: {span} is not the same: {here}");
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn what_is_not_the_same_is_refused_or_means_another_thing() {
    for (line, option, here) in rows() {
        let is_other = here.starts_with("no:") || here.starts_with("by a `map`");
        for span in spans(option).filter(|span| is_other && is_written_out(span)) {
            assert!(accepted(span).is_err(), "line {line}: {span} is taken");
        }
    }
}

#[test]
fn what_is_said_here_is_taken() {
    let mut tried = 0;
    for (line, _, here) in rows() {
        for span in spans(here) {
            if span.starts_with("image_resize") || span.starts_with("secure_link_hash") {
                let name = span.split(' ').next().unwrap();
                let is_known = DIRECTIVES.iter().any(|page| page.contains(&format!("# {name}\n")));
                assert!(is_known, "line {line}: there is no directive {name}");
                tried += 1;
            } else if is_written_out(span) && !span.starts_with("effort") {
                assert_eq!(accepted(span), Ok(()), "line {line}: {span}");
                tried += 1;
            }
        }
    }
    assert!(tried > 40, "{tried}");
}
