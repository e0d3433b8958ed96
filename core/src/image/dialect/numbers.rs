//! Numbers and colours as links write them.

use crate::image::Color;

/// Reads a decimal number: digits, a point or none, a minus or none.
pub(super) fn real(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_number || text.len() > 32 {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Reads a decimal number of that range.
pub(super) fn within(text: &str, least: f64, most: f64) -> Option<f64> {
    real(text).filter(|number| (least..=most).contains(number))
}

/// Reads a whole number from 0 up.
pub(super) fn whole(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Writes a number with so many places at most, as settings have it.
pub(super) fn places(number: f64, places: usize) -> String {
    let text = format!("{number:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A colour in the notation of settings, of one whose alpha stands before it.
pub(super) fn color(text: &str) -> Option<String> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.len() {
        4 | 8 if is_hex => {
            let (alpha, color) = text.split_at_checked(text.len() / 4)?;
            let is_opaque = alpha.bytes().all(|byte| byte.eq_ignore_ascii_case(&b'f'));
            Some(if is_opaque { color.to_owned() } else { format!("{color}{alpha}") })
        }
        _ => Color::parse(text.as_bytes()).map(|_| text.to_owned()),
    }
}
