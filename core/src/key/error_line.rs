//! What of a line of the error log nginx wrote of itself, and what may be the client's.

use std::ops::Range;

/// Where a part of a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nobody but nginx and its configuration: time, level, processes, the client's address, the server.
    Nginx,
    /// The words of a message, which quotes what is not nginx's.
    Words,
    /// What the client may have sent.
    Sent,
}

/// The parts of a line about a request from that address to that server, from left to right. Whoever writes
/// `, client:` in a URI gains nothing but that more of the message counts as sent.
#[must_use]
pub fn parts(line: &[u8], address: &[u8], server: &[u8]) -> Vec<(Range<usize>, Origin)> {
    let mut parts = Vec::new();
    let mut add = |range: Range<usize>, origin| {
        if !range.is_empty() {
            parts.push((range, origin));
        }
    };
    let message = prefix(line);
    add(0..message, Origin::Nginx);
    let client = [b", client: ", address].concat();
    let server = [b", server: ", server].concat();
    let mut done = message;
    for at in memchr::memmem::find_iter(line, &client).filter(|&at| at >= message) {
        let end = at + client.len();
        // A part of another address is none.
        if line.get(end).is_some_and(|&byte| byte != b',') {
            continue;
        }
        add_message(line, done..at, done == message, &mut add);
        let rest = line.get(end..).unwrap_or_default();
        let named = rest
            .strip_prefix(&server[..])
            .is_some_and(|rest| !matches!(rest, [byte, ..] if *byte != b','));
        done = end + if named { server.len() } else { 0 };
        add(at..done, Origin::Nginx);
    }
    add_message(line, done..line.len(), done == message, &mut add);
    parts
}

/// Of a message, what is from the first quote to the last one may be anybody's, and all behind one that is not closed.
fn add_message(
    line: &[u8],
    range: Range<usize>,
    is_message: bool,
    add: &mut impl FnMut(Range<usize>, Origin),
) {
    if !is_message {
        return add(range, Origin::Sent);
    }
    let text = line.get(range.clone()).unwrap_or_default();
    let mut quotes = memchr::memchr_iter(b'"', text);
    let quoted =
        match (quotes.next(), quotes.by_ref().fold((1, 0), |(count, _), at| (count + 1, at))) {
            (Some(first), (count, last)) if count % 2 == 0 => {
                range.start + first..range.start + last + 1
            }
            (Some(first), _) => range.start + first..range.end,
            (None, _) => range.end..range.end,
        };
    add(range.start..quoted.start, Origin::Words);
    add(quoted.clone(), Origin::Sent);
    add(quoted.end..range.end, Origin::Words);
}

/// How long `2026/01/31 23:59:59 [error] 12#34: *56 ` is; 0 where a line begins otherwise.
fn prefix(line: &[u8]) -> usize {
    measure(line).map_or(0, |rest| line.len() - rest.len())
}

fn measure(line: &[u8]) -> Option<&[u8]> {
    let (time, rest) = line.split_at_checked(b"2026/01/31 23:59:59 [".len())?;
    let is_time = time.iter().zip(b"0000/00/00 00:00:00 [").all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        form => byte == form,
    });
    let level = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let rest = rest.get(level..)?.strip_prefix(b"] ")?;
    let rest = number(number(rest)?.strip_prefix(b"#")?)?.strip_prefix(b": ")?;
    let connection = rest.strip_prefix(b"*").and_then(number);
    let rest = connection.and_then(|rest| rest.strip_prefix(b" ")).unwrap_or(rest);
    is_time.then_some(rest)
}

/// What is behind a number.
fn number(text: &[u8]) -> Option<&[u8]> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.get(len..).filter(|_| len > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PREFIX: &str = "2026/01/31 23:59:59 [error] 12#34: *56 ";

    /// The line with `[nginx's]`, `(words)` and `{what may be sent}`.
    fn marked(line: &str) -> String {
        let parts = parts(line.as_bytes(), b"1.2.3.4", b"example.com");
        let mark = |(range, origin): (Range<usize>, _)| match origin {
            Origin::Nginx => format!("[{}]", &line[range]),
            Origin::Words => format!("({})", &line[range]),
            Origin::Sent => format!("{{{}}}", &line[range]),
        };
        parts.into_iter().map(mark).collect::<String>().replace(PREFIX, "-")
    }

    #[test]
    fn lines_of_nginx() {
        for (line, expected) in [
            (
                "-open() \"/x\" failed (2: No), client: 1.2.3.4, server: example.com, request: \"GET /x\"",
                "[-](open() ){\"/x\"}( failed (2: No))[, client: 1.2.3.4, server: example.com]{, request: \"GET /x\"}",
            ),
            (
                "-access forbidden by rule, client: 1.2.3.4, server: example.com",
                "[-](access forbidden by rule)[, client: 1.2.3.4, server: example.com]",
            ),
            // Another server, another address, a part of one, and lines that were cut.
            ("-x, client: 1.2.3.4, server: h, a", "[-](x)[, client: 1.2.3.4]{, server: h, a}"),
            (
                "-x, client: 1.2.3.4, server: example.com.x",
                "[-](x)[, client: 1.2.3.4]{, server: example.com.x}",
            ),
            ("-x, client: 1.2.3.45, server: h", "[-](x, client: 1.2.3.45, server: h)"),
            ("-x, client: 1.2.", "[-](x, client: 1.2.)"),
            ("-x, client: 1.2.3.4", "[-](x)[, client: 1.2.3.4]"),
            // What a client wrote.
            (
                "-open() \"/a, client: 1.2.3.4, server: example.com, b\" failed, client: 1.2.3.4, server: example.com, c",
                "[-](open() ){\"/a}[, client: 1.2.3.4, server: example.com]{, b\" failed}[, client: 1.2.3.4, server: example.com]{, c}",
            ),
            ("-a \"b c", "[-](a ){\"b c}"),
            ("-a \"b\" c \"d\" e", "[-](a ){\"b\" c \"d\"}( e)"),
            // What is no such line.
            (
                "a \"b\", client: 1.2.3.4, server: example.com",
                "(a ){\"b\"}[, client: 1.2.3.4, server: example.com]",
            ),
            ("2026/01/31 23:59:59 [error] 12#34: x", "[2026/01/31 23:59:59 [error] 12#34: ](x)"),
            (
                "2026/01/31 23:59:59 [error] 12#34: *x y",
                "[2026/01/31 23:59:59 [error] 12#34: ](*x y)",
            ),
            ("2026/01/31 23:59:59 [Error] 12#34: x", "(2026/01/31 23:59:59 [Error] 12#34: x)"),
            ("2026/01/31 2a:59:59 [error] 12#34: x", "(2026/01/31 2a:59:59 [error] 12#34: x)"),
            ("", ""),
        ] {
            let expand = |text: &str| {
                if let Some(rest) = text.strip_prefix('-') {
                    [PREFIX, rest].concat()
                } else {
                    text.into()
                }
            };
            assert_eq!(marked(&expand(line)), expected);
        }
    }

    proptest! {
        #[test]
        fn parts_make_up_the_line(line in "[ -~]{0,9}((, client: 1\\.2\\.3\\.4)|(, server: example\\.com)|[\",: a-z]){0,9}") {
            let mut at = 0;
            for (range, _) in parts(line.as_bytes(), b"1.2.3.4", b"example.com") {
                prop_assert_eq!(range.start, at);
                at = range.end;
            }
            prop_assert_eq!(at, line.len());
        }
    }
}
