//! What a client accepts (RFC 9110, section 12.5.1).

/// A member of `Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaRange<'a> {
    /// Its media type, as it was written; parameters of the type itself narrow it, so that it still
    /// is one.
    pub name: &'a [u8],
    /// How much it is wanted, in thousandths; 0 also where that is malformed.
    pub weight: u16,
}

impl MediaRange<'_> {
    /// Whether it names that media type, and is no wildcard.
    #[must_use]
    pub fn is(&self, media_type: &str) -> bool {
        self.name.eq_ignore_ascii_case(media_type.as_bytes())
    }

    /// How closely it names a media type: 2 by its name, 1 as `type/*`, 0 as `*/*`.
    fn specificity(&self, media_type: &str) -> Option<u8> {
        if self.is(media_type) {
            return Some(2);
        }
        let (kind, _) = media_type.split_once('/')?;
        match self.name.strip_suffix(b"/*")? {
            b"*" => Some(0),
            name => name.eq_ignore_ascii_case(kind.as_bytes()).then_some(1),
        }
    }
}

/// The members of a value of `Accept`.
pub fn media_ranges(value: &[u8]) -> impl Iterator<Item = MediaRange<'_>> {
    split(value, b',').map(|member| {
        let mut parts = split(member, b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| match part {
            [b'q' | b'Q', b'=', weight @ ..] => Some(parse_weight(weight).unwrap_or(0)),
            _ => None,
        });
        MediaRange { name, weight: weight.unwrap_or(1_000) }
    })
}

/// Whether values of `Accept` ask for one of the media types in `wanted` rather than for `other`:
/// by a greater weight, or by its name where `other` is only meant by a wildcard.
#[must_use]
pub fn prefers<'a>(
    accept: impl Iterator<Item = &'a [u8]> + Clone,
    wanted: &[&str],
    other: &str,
) -> bool {
    // What names a type most closely says how much it is wanted.
    let wish = |media_type: &str| {
        let ranges = accept.clone().flat_map(media_ranges);
        let named = ranges.filter_map(|range| Some((range.specificity(media_type)?, range.weight)));
        named.max().map(|(specificity, weight)| (weight, specificity))
    };
    let best = wanted.iter().filter_map(|media_type| wish(media_type)).max();
    best.is_some_and(|(weight, _)| weight > 0) && best > wish(other)
}

/// A weight (section 12.4.2), in thousandths.
fn parse_weight(weight: &[u8]) -> Option<u16> {
    let (whole, rest) = match weight {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', rest @ ..] if rest.len() <= 3 => (whole, rest),
        _ => return None,
    };
    let mut thousandths = u16::from(whole - b'0') * 1_000;
    for (digit, unit) in rest.iter().zip([100, 10, 1]) {
        thousandths += unit * u16::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    (thousandths <= 1_000).then_some(thousandths)
}

/// The parts between separators that do not stand in a quoted string.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |&byte| {
        if escaped {
            escaped = false;
            return false;
        }
        match byte {
            b'"' => quoted = !quoted,
            b'\\' => escaped = quoted,
            _ => {}
        }
        byte == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WANTED: [&str; 2] = ["application/problem+json", "application/json"];

    fn wants(accept: &[&str]) -> bool {
        prefers(accept.iter().map(|value| value.as_bytes()), &WANTED, "text/html")
    }

    #[test]
    fn who_wants_json_rather_than_a_page() {
        for accept in [
            &["application/problem+json"][..],
            &["application/json"],
            &["APPLICATION/JSON"],
            &["application/*"],
            &["application/json, */*"],
            &["application/json, text/plain, */*"],
            &["text/html;q=0.5", "application/problem+json;q=0.6"],
            &["*/*;q=0.1, application/json;q=0.2"],
            &["application/json;charset=utf-8;q=0.9, text/html;q=0.8"],
            &["application/problem+json, text/html;q=0"],
        ] {
            assert!(wants(accept), "{accept:?}");
        }
    }

    #[test]
    fn who_does_not() {
        for accept in [
            &[][..],
            &[""],
            &["*/*"],
            &["image/avif,image/webp,image/*,*/*;q=0.8"],
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
            &["text/html, application/json"],
            &["application/json;q=0"],
            &["application/json;q=0.0, */*;q=0"],
            &["application/json;q=2"],
            &["application/json;q=0.5, text/*;q=0.7"],
            &["\"application/json, application/json\""],
        ] {
            assert!(!wants(accept), "{accept:?}");
        }
    }

    #[test]
    fn weights() {
        for (text, weight) in [
            ("1", Some(1_000)),
            ("1.000", Some(1_000)),
            ("0", Some(0)),
            ("0.", Some(0)),
            ("0.5", Some(500)),
            ("0.123", Some(123)),
            ("1.001", None),
            ("0.1234", None),
            ("0.1a", None),
            ("2", None),
            (".5", None),
            ("", None),
        ] {
            assert_eq!(parse_weight(text.as_bytes()), weight, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = prefers([&value[..]].into_iter(), &WANTED, "text/html");
        }
    }
}
