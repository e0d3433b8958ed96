//! Moments as people write them.

use std::time::{SystemTime, UNIX_EPOCH};

use image_gate_core::key::Date;
use image_gate_core::link::parse_time;

const DAY: u64 = 86_400;

/// The clock, in seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The last second of a moment: seconds since 1970, a span from now (`+90m`), a day (`2026-12-31`,
/// all of it) or a time in UTC (`2026-12-31T12:00:00Z`).
///
/// # Errors
/// What it should have been.
pub fn parse(text: &str) -> Result<u64, String> {
    let span = text.strip_prefix('+').map(|span| Some(now() + parse_span(span).ok()?));
    span.unwrap_or_else(|| parse_time(text.as_bytes()))
        .or_else(|| Date::parse(text.as_bytes()).map(|(_, end)| end - 1))
        .ok_or_else(|| {
            "neither seconds since 1970, nor +1h, 2026-12-31 or 2026-12-31T12:00:00Z".into()
        })
}

/// A span as nginx writes it, with one unit: `90`, `90s`, `15m`, `1h`, `30d`, `2w`.
///
/// # Errors
/// What it should have been.
pub fn parse_span(text: &str) -> Result<u64, String> {
    const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', DAY), ('w', 7 * DAY)];
    let (digits, seconds) = UNITS
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .unwrap_or((text, 1));
    let number = digits.parse::<u32>().map_err(|_| "no span like 90s, 15m, 1h, 30d or 2w")?;
    Ok(u64::from(number) * seconds)
}

/// `2026-12-31T12:00:00Z`.
pub fn format(time: u64) -> String {
    let Date { year, month, day } = Date::of(time);
    let (hour, minute, second) = (time / 3_600 % 24, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Says that an expiry may be meant otherwise: nginx takes it.
pub fn note_milliseconds(expires: u64) {
    // More than three thousand years off.
    if expires >= 100_000_000_000 {
        crate::files::print_error(&format!(
            "the expiry {expires} is in the year {}: milliseconds where seconds since 1970 are meant?",
            Date::of(expires).year
        ));
    }
}

/// How long a span is, in its largest unit.
pub fn format_span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(DAY, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) =
        UNITS.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1, "second"));
    let number = seconds / unit;
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(parse("1700000000"), Ok(1_700_000_000));
        assert_eq!(parse("1970-01-02"), Ok(2 * DAY - 1));
        assert_eq!(parse("2026-12-31T12:00:00Z"), Ok(1_798_718_400));
        assert_eq!(format(1_798_718_400), "2026-12-31T12:00:00Z");
        let hour = parse("+1h").unwrap() - now();
        assert!((3_599..=3_600).contains(&hour), "{hour}");
        for wrong in ["", "0", "-1", "+", "+1y", "1h", "tomorrow", "+h", "+1hh"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans() {
        for (text, seconds) in
            [("90", 90), ("90s", 90), ("15m", 900), ("1h", 3_600), ("2w", 14 * DAY)]
        {
            assert_eq!(parse_span(text), Ok(seconds), "{text}");
        }
        for (seconds, text) in
            [(0, "0 seconds"), (1, "1 second"), (119, "1 minute"), (3 * DAY, "3 days")]
        {
            assert_eq!(format_span(seconds), text);
        }
    }
}
