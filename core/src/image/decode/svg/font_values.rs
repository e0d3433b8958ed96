//! Values of fonts as `usvg` reads them, which leaves out a shorthand that has more than style, weight, size and family,
//! and takes the words for sizes by another size than browsers do.

use std::borrow::Cow;

/// Words for sizes, and what browsers take them for where nobody has chosen another size (CSS Fonts 4, section 2.5).
const SIZES: [(&str, &str); 8] = [
    ("xx-small", "9px"),
    ("x-small", "10px"),
    ("small", "13px"),
    ("medium", "16px"),
    ("large", "18px"),
    ("x-large", "24px"),
    ("xx-large", "32px"),
    ("xxx-large", "48px"),
];

/// What a shorthand has before its size that `usvg` has nothing for, or that is so anyway.
const IDLE: [&str; 11] = [
    "normal",
    "small-caps",
    "ultra-condensed",
    "extra-condensed",
    "condensed",
    "semi-condensed",
    "semi-expanded",
    "expanded",
    "extra-expanded",
    "ultra-expanded",
    "all-small-caps",
];

/// A size: itself, where it can stay.
pub(super) fn size(value: &str) -> Cow<'_, str> {
    let known = SIZES.iter().find(|(word, _)| value.eq_ignore_ascii_case(word));
    known.map_or(Cow::Borrowed(value), |&(_, size)| Cow::Borrowed(size))
}

/// A shorthand without the height of lines and what is idle: itself, where it can stay or is none.
pub(super) fn shorthand(value: &str) -> Cow<'_, str> {
    shortened(value).map_or(Cow::Borrowed(value), Cow::Owned)
}

/// The same; `None` where it is as it should be.
fn shortened(value: &str) -> Option<String> {
    let mut left = String::new();
    let mut rest = value.trim_start();
    let mut is_changed = false;
    loop {
        let (word, behind) = rest.split_at(rest.find([' ', '\t', '\n', '\r', '/'])?);
        // A height of lines without a size.
        if word.is_empty() {
            return None;
        }
        let known = size(word);
        let is_size = matches!(known, Cow::Borrowed(known) if known != word)
            || word.starts_with(|first: char| first.is_ascii_digit() || first == '.')
                && !word.bytes().all(|byte| byte.is_ascii_digit());
        if is_size {
            is_changed |= *known != *word;
            left.push_str(&known);
            rest = behind.trim_start();
            break;
        }
        if IDLE.iter().any(|idle| word.eq_ignore_ascii_case(idle)) {
            is_changed = true;
        } else {
            left.extend([word, " "]);
        }
        rest = behind.trim_start();
    }
    if let Some(height) = rest.strip_prefix('/') {
        let height = height.trim_start();
        rest = height.get(height.find(|c: char| c.is_ascii_whitespace())?..)?.trim_start();
        is_changed = true;
    }
    is_changed.then(|| format!("{left} {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorthands_lose_what_is_not_read() {
        for (value, expected) in [
            ("24px sans-serif", "24px sans-serif"),
            ("italic bold 24px serif", "italic bold 24px serif"),
            ("24px/1.2 sans-serif", "24px sans-serif"),
            ("italic bold 24px / 30px serif", "italic bold 24px serif"),
            ("24px/ 1.5 'A B', serif", "24px 'A B', serif"),
            ("bold x-large sans-serif", "bold 24px sans-serif"),
            ("normal small-caps 600 1.5em/normal Arial", "600 1.5em Arial"),
            ("700 .5in a/b", "700 .5in a/b"),
            ("inherit", "inherit"),
            ("caption", "caption"),
            ("24px/", "24px/"),
            ("24px/2", "24px/2"),
            ("12 13 14", "12 13 14"),
            ("a/b c", "a/b c"),
            ("normal / 1.2 serif", "normal / 1.2 serif"),
            ("14/1.2 serif", "14/1.2 serif"),
            ("/ / /", "/ / /"),
            ("", ""),
        ] {
            assert_eq!(shorthand(value), expected);
        }
        assert_eq!(size("X-Large"), "24px");
        assert_eq!(size("12px"), "12px");
    }
}
