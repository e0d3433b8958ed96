//! How long the answer of an upstream may be kept, as its headers say: what `proxy_cache` makes of
//! them.

/// What of the headers is not looked at, as `proxy_ignore_headers` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ignored {
    /// `X-Accel-Expires`.
    pub accel_expires: bool,
    /// `Expires`.
    pub expires: bool,
    /// `Cache-Control`.
    pub cache_control: bool,
    /// `Set-Cookie`.
    pub set_cookie: bool,
    /// `Vary`.
    pub vary: bool,
}

/// What an upstream says of its answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validity {
    /// Whether it may be kept at all.
    pub is_kept: bool,
    /// Until when, in seconds since 1970; `None` is not said.
    pub until: Option<u64>,
    /// For how many seconds after that it may go out while it is asked for anew (RFC 5861).
    pub while_updating: u64,
    /// For how many it may where that fails.
    pub if_error: u64,
    /// The headers of a request that the answer depends on.
    pub vary: Vec<u8>,
}

/// Bytes of `Vary` that nginx keeps with an entry.
const VARY: usize = 128;

impl Validity {
    /// Reads the headers of an answer that came at the second `now`; `time` reads a date.
    pub fn read<'a>(
        headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        ignored: Ignored,
        now: u64,
        time: impl Fn(&[u8]) -> Option<u64>,
    ) -> Validity {
        let (mut accel, mut control, mut expires) = (None, None, None);
        let (mut refused, mut vary) = (false, Vec::new());
        let (mut while_updating, mut if_error) = (None, None);
        for (name, value) in headers {
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            if is("X-Accel-Expires") && !ignored.accel_expires {
                accel = accel.or_else(|| accel_expires(value, now));
            } else if is("Cache-Control") && !ignored.cache_control {
                let said = cache_control(value);
                match said.age {
                    Age::Refused => refused = true,
                    Age::Seconds(age) => control = control.or(Some(now.saturating_add(age))),
                    Age::Unsaid => (),
                }
                while_updating = while_updating.or(said.while_updating);
                if_error = if_error.or(said.if_error);
            } else if is("Expires") && !ignored.expires {
                // What is no date is one that is over.
                expires = expires.or(Some(time(value).unwrap_or(0)));
            } else if is("Set-Cookie") && !ignored.set_cookie {
                refused = true;
                // No other header allows to give the cookie of one client to another.
                accel = Some(0);
            } else if is("Vary") && !ignored.vary {
                if !vary.is_empty() {
                    vary.extend_from_slice(b", ");
                }
                vary.extend_from_slice(value);
            }
        }
        // The first that is there says it, as nginx has it.
        let until = match (accel, refused) {
            (Some(until), _) => Some(until),
            (None, true) => Some(0),
            (None, false) => control.or(expires),
        };
        let is_kept =
            until.is_none_or(|until| until > now) && vary.len() <= VARY && !vary.contains(&b'*');
        // As nginx has it: what may go out while it is asked for may where that fails.
        let if_error = if_error.or(while_updating).unwrap_or(0);
        let while_updating = while_updating.unwrap_or(0);
        Validity { is_kept, until, while_updating, if_error, vary }
    }
}

fn accel_expires(value: &[u8], now: u64) -> Option<u64> {
    let value = value.trim_ascii();
    match value.strip_prefix(b"@") {
        Some(at) => number(at),
        None => number(value).map(|seconds| now.saturating_add(seconds)),
    }
}

enum Age {
    Refused,
    Seconds(u64),
    Unsaid,
}

/// What `Cache-Control` says.
struct Control {
    age: Age,
    while_updating: Option<u64>,
    if_error: Option<u64>,
}

fn cache_control(value: &[u8]) -> Control {
    let (mut shared, mut own, mut is_refused) = (None, None, false);
    let (mut while_updating, mut if_error) = (None, None);
    for directive in value.split(|&byte| byte == b',') {
        let directive = directive.trim_ascii();
        let (name, seconds) = match directive.iter().position(|&byte| byte == b'=') {
            Some(at) => {
                let (name, rest) = directive.split_at(at);
                (name.trim_ascii(), rest.get(1..).map(<[u8]>::trim_ascii))
            }
            None => (directive, None),
        };
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        is_refused |= is("no-cache") || is("no-store") || is("private");
        // What is no number of seconds is none.
        let seconds = seconds.map(|text| {
            let text =
                text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
            number(text).unwrap_or(0)
        });
        for (known, said) in [
            ("s-maxage", &mut shared),
            ("max-age", &mut own),
            ("stale-while-revalidate", &mut while_updating),
            ("stale-if-error", &mut if_error),
        ] {
            if is(known) {
                *said = said.or(seconds);
            }
        }
    }
    let age = match shared.or(own) {
        _ if is_refused => Age::Refused,
        Some(0) => Age::Refused,
        Some(seconds) => Age::Seconds(seconds),
        None => Age::Unsaid,
    };
    Control { age, while_updating, if_error }
}

/// A number of seconds; too large a one is the largest there is.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(std::str::from_utf8(text).ok()?.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1000;

    fn read(headers: &[(&str, &str)], ignored: Ignored) -> Validity {
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let time = |text: &[u8]| number(text.strip_prefix(b"at ")?);
        Validity::read(headers, ignored, NOW, time)
    }

    fn until(headers: &[(&str, &str)]) -> Option<Option<u64>> {
        let validity = read(headers, Ignored::default());
        validity.is_kept.then_some(validity.until)
    }

    #[test]
    fn the_headers_of_upstreams_say_how_long() {
        const KEPT: Option<Option<u64>> = Some(None);
        for (headers, expected) in [
            (&[][..], KEPT),
            (&[("Cache-Control", "max-age=60")], Some(Some(1060))),
            (&[("cache-control", "public, Max-Age = 60")], Some(Some(1060))),
            (&[("Cache-Control", "max-age=60, s-maxage=5")], Some(Some(1005))),
            (&[("Cache-Control", "max-age=\"60\"")], Some(Some(1060))),
            (&[("Cache-Control", "max-age=0")], None),
            (&[("Cache-Control", "max-age=x")], None),
            (&[("Cache-Control", "max-age=99999999999999999999")], Some(Some(u64::MAX))),
            (&[("Cache-Control", "no-store")], None),
            (&[("Cache-Control", "max-age=60, private")], None),
            (&[("Cache-Control", "no-cache=\"a\"")], None),
            (&[("Cache-Control", "public")], KEPT),
            (&[("Cache-Control", "max-age=60"), ("Cache-Control", "no-store")], None),
            (&[("Expires", "at 1001")], Some(Some(1001))),
            (&[("Expires", "at 1000")], None),
            (&[("Expires", "0")], None),
            (&[("Expires", "at 0"), ("Cache-Control", "max-age=60")], Some(Some(1060))),
            (&[("X-Accel-Expires", "5"), ("Cache-Control", "no-store")], Some(Some(1005))),
            (&[("X-Accel-Expires", "@1007"), ("Expires", "0")], Some(Some(1007))),
            (&[("X-Accel-Expires", "@7")], None),
            (&[("X-Accel-Expires", "0"), ("Cache-Control", "max-age=60")], None),
            (&[("X-Accel-Expires", "off")], KEPT),
            (&[("Set-Cookie", "a=b"), ("X-Accel-Expires", "5")], None),
            (&[("X-Accel-Expires", "5"), ("Set-Cookie", "a=b")], None),
            (&[("Vary", "*")], None),
            (&[("Vary", "Accept-Language")], KEPT),
        ] {
            assert_eq!(until(headers), expected, "{headers:?}");
        }
        let long = "x".repeat(129);
        assert_eq!(until(&[("Vary", &long)]), None);
        let vary = read(&[("Vary", "A"), ("Vary", "B, C")], Ignored::default()).vary;
        assert_eq!(vary, b"A, B, C");
    }

    #[test]
    fn headers_say_how_long_what_is_old_may_go_out() {
        for (control, expected) in [
            ("max-age=1", (0, 0)),
            ("max-age=1, stale-while-revalidate=5", (5, 5)),
            ("max-age=1, stale-if-error=7", (0, 7)),
            ("stale-if-error=7, max-age=1, Stale-While-Revalidate=\"9\"", (9, 7)),
            ("max-age=1, stale-if-error=x", (0, 0)),
        ] {
            let read = |ignored| read(&[("Cache-Control", control)], ignored);
            let Validity { while_updating, if_error, .. } = read(Ignored::default());
            assert_eq!((while_updating, if_error), expected, "{control}");
            let ignored = read(Ignored { cache_control: true, ..Ignored::default() });
            assert_eq!((ignored.while_updating, ignored.if_error), (0, 0), "{control}");
        }
    }

    #[test]
    fn what_is_ignored_says_nothing() {
        let all = Ignored {
            accel_expires: true,
            expires: true,
            cache_control: true,
            set_cookie: true,
            vary: true,
        };
        let headers = [
            ("X-Accel-Expires", "0"),
            ("Expires", "0"),
            ("Cache-Control", "no-store"),
            ("Set-Cookie", "a=b"),
            ("Vary", "*"),
        ];
        let nothing = Validity { is_kept: true, ..Validity::default() };
        assert_eq!(read(&headers, all), nothing);
        for ignored in [
            Ignored { accel_expires: false, ..all },
            Ignored { expires: false, ..all },
            Ignored { cache_control: false, ..all },
            Ignored { set_cookie: false, ..all },
            Ignored { vary: false, ..all },
        ] {
            assert!(!read(&headers, ignored).is_kept, "{ignored:?}");
        }
    }
}
