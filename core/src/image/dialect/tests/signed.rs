use proptest::prelude::*;

use super::*;
use crate::escapes::percent_decode_strict;
use crate::link::{argument_of_nginx, resolved};

/// Whether a link asks for nothing but what a decoded path and these arguments by their names say,
/// as who signs `$uri` and `$arg_*` has it.
fn passes(dialect: Dialect, link: &str, names: &[&str]) -> bool {
    let (_, query) = split(link.as_bytes());
    let argument = |name: &&str| {
        let value = argument_of_nginx(query?, name.as_bytes()).filter(|value| !value.is_empty())?;
        Some([name.as_bytes(), b"=", value].concat())
    };
    let query = names.iter().filter_map(argument).collect::<Vec<_>>().join(&b'&');
    let signed = Signed { has_raw_path: false, query: &query };
    dialect.asks_for_signed(link.as_bytes(), b"/", Unknown::Refuse, &signed)
}

#[test]
fn what_a_message_signs_is_all_that_a_link_asks_for() {
    let names = &["url", "w", "h", "ll", "expires"][..];
    for (dialect, link) in [
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&w=60"),
        (Dialect::Weserv, "/?w=60&url=http%3A%2F%2Fh.test%2Fa.jpg"),
        (Dialect::Weserv, "/?w=60&url=h.test/a.jpg&utm_source=x&w=500&ll=1"),
        (Dialect::Imgix, "/a.jpg?w=60&h=20&utm_source=x"),
        (Dialect::Imgix, "/a%20b/./%61.jpg?w=60"),
        (Dialect::Imgproxy, "/sig/rs:fit:60:60/plain/a.jpg"),
        (Dialect::Imgproxy, "/sig/rs%3Afit:60:60/plain/a.jpg@webp?any=thing"),
        (Dialect::Imgproxy, "/sig/rs:fit:60:60/plain/http://h.test/a%20b.jpg"),
        (Dialect::Imgproxy, "/sig/rs:fit:60:60/plain/http%3A%2F%2Fh.test%2Fa.jpg"),
        (Dialect::Imgproxy, "/sig/rs:fit:60:60/aHR0cDovL2gudGVz/dC9hLmpwZw.png"),
        (Dialect::Thumbor, "/sig/60x60/filters:grayscale()/a.jpg"),
        (Dialect::Thumbor, "/sig/60x60%2Ffilters:grayscale()/a.jpg"),
        (Dialect::Cloudflare, "/cdn-cgi/image/width=60/a.jpg"),
        (Dialect::Cloudflare, "/cdn-cgi/image/width=60,h=20/https://h.test/a.jpg"),
        (Dialect::Cloudflare, "/cdn-cgi/image/w=60/https%3A%2F%2Fh.test%2Fa.jpg"),
        (Dialect::Ipx, "/w_60&h_20/a.jpg?other=1"),
        (Dialect::Ipx, "/w_60/http://h.test/a.jpg"),
        (Dialect::Iiif, "/a.jpg/full/60,/0/default.jpg"),
        (Dialect::Iiif, "/folder%2Fa.jpg/pct:1,2,3,4/^60,/!90/default.jpg"),
        (Dialect::Iiif, "/folder%2Fa.jpg/info.json"),
        (Dialect::Iiif, "/folder%2fa.jpg"),
        // What is no link asks for nothing.
        (Dialect::Iiif, "/folder/a.jpg/full/60,/0/default.jpg"),
        (Dialect::Weserv, "/?w=60"),
        (Dialect::Imgproxy, "/sig/./rs:fit:60:60/x/..//plain/a.jpg"),
        (Dialect::Ipx, "/w_500/../w_60/a.jpg"),
    ] {
        assert!(passes(dialect, link, names), "{link}");
    }
    for (dialect, link) in [
        (Dialect::Weserv, "/?%75rl=http://h.test/b.jpg&url=http://h.test/a.jpg&w=60"),
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&%77=500&w=60"),
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&width=500&w=60"),
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&W=500&w=60"),
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&W=60"),
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&w=60&ll"),
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&w=60&ll="),
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&w=60&blur=5"),
        (Dialect::Weserv, "/?url=http://h.test/a.jpg&w=60&output=json"),
        (Dialect::Imgix, "/a.jpg?w=60&w=500"),
        (Dialect::Imgix, "/a.jpg?w=60&%77=500"),
        (Dialect::Imgix, "/a.jpg?w=60&fit=crop"),
        (Dialect::Imgix, "/a.jpg?expires=1&w=60&expires=4000000000"),
        (Dialect::Imgproxy, "/sig%2Frs:fit:60:60/plain/a.jpg"),
        (Dialect::Imgproxy, "/sig/rs:fit:60:60/plain/a.jpg%40webp"),
        (Dialect::Thumbor, "/sig//60x60/a.jpg"),
        (Dialect::Cloudflare, "/cdn-cgi/image/width=60/a.jpg?other=1"),
        (Dialect::Ipx, "/w_60/http://h.test/a.jpg?other=1"),
        (Dialect::Iiif, "/a.jpg%2Ffull%2F60,%2F0%2Fdefault.jpg"),
    ] {
        assert!(read(dialect, link).is_ok(), "{link}");
        assert!(!passes(dialect, link, names), "{link}");
    }
}

#[test]
fn the_address_as_it_came_is_all_there_is() {
    let passes = |link: &str, query: &str| {
        let signed = Signed { has_raw_path: true, query: query.as_bytes() };
        Dialect::Imgix.asks_for_signed(link.as_bytes(), b"/", Unknown::Refuse, &signed)
    };
    assert!(passes("/a%2Fb.jpg?w=60&w=70&token=x", "w=60&w=70&token=x"));
    assert!(passes("/a%2Fb.jpg?token=x&w=60", "w=60&token=x"));
    assert!(!passes("/a.jpg?w=60&expires=9&expires=10", "w=60&expires=9"));
}

#[test]
fn the_locations_part_is_no_part_of_a_link() {
    let passes = |link: &str| {
        let signed = Signed { has_raw_path: false, query: b"" };
        Dialect::Iiif.asks_for_signed(link.as_bytes(), b"/iiif/", Unknown::Refuse, &signed)
    };
    assert!(passes("/iiif/a%2Fb.jpg/full/60,/0/default.jpg"));
    assert!(passes("/%69iif/a%2Fb.jpg/full/60,/0/default.jpg"));
}

/// A text with some bytes escaped, slashes doubled, and ways into folders and out again.
fn respelled(text: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(0..8_u8, text.len()).prop_map(move |how| {
        let pieces = text.bytes().zip(how).map(|(byte, how)| match (byte, how) {
            (b'?', _) => "?".to_owned(),
            (b'/', 0) => "//".to_owned(),
            (b'/', 1) => "/./".to_owned(),
            (b'/', 2) => "/w_9,rs:fit:9:9/../".to_owned(),
            (_, 3) => format!("%{byte:02X}"),
            _ => char::from(byte).to_string(),
        });
        pieces.collect()
    })
}

/// Arguments behind those, by any name and in any order.
fn more() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("w"),
        Just("%77"),
        Just("W"),
        Just("width"),
        Just("url"),
        Just("%75rl"),
        Just("h"),
        Just("x"),
        Just("ll"),
        Just("fit")
    ];
    let argument = (name, prop_oneof![Just("=90"), Just(""), Just("="), Just("=h.test/b.jpg")]);
    proptest::collection::vec((argument, any::<bool>()), 0..4).prop_map(|arguments| {
        let written = |is_before: bool| {
            let of = arguments.iter().filter(|(_, before)| *before == is_before);
            of.map(|((name, value), _)| format!("{name}{value}&")).collect::<String>()
        };
        format!("{} {}", written(true), written(false))
    })
}

proptest! {
    /// Two links of which the same is signed ask for the same, or one of them is refused.
    #[test]
    fn what_is_signed_alike_is_alike(
        (seed, link) in prop_oneof![
            Just("/sig/rs:fit:60:60/plain/a.jpg"),
            Just("/60x60/a/b.jpg"),
            Just("/w_60,h_20/p/a.jpg"),
            Just("/cdn-cgi/image/w=60,h=20/p/a.jpg"),
            Just("/a.jpg/full/60,/0/default.jpg"),
            Just("/"),
            Just("/a/b.jpg"),
        ].prop_flat_map(|seed| (Just(seed), respelled(seed))),
        more in more(),
    ) {
        let (before, behind) = more.split_once(' ').unwrap_or_default();
        let query = format!("{before}url=h.test/a.jpg&w=60&{behind}");
        let names = ["url", "w"];
        prop_assume!(resolved(link.as_bytes()) == percent_decode_strict(seed.as_bytes()).map(Into::into));
        let value = |name: &str| argument_of_nginx(query.as_bytes(), name.as_bytes());
        prop_assume!(value("url") == Some(b"h.test/a.jpg") && value("w") == Some(b"60"));
        for (_, dialect) in Dialect::WORDS {
            let (came, plain) = (format!("{link}?{query}"), format!("{seed}?url=h.test/a.jpg&w=60"));
            if let Ok(asked) = read(*dialect, &came) && passes(*dialect, &came, &names) {
                let same = read(*dialect, &plain).is_ok_and(|plain| plain.is_same(&asked));
                prop_assert!(same || *dialect == Dialect::Iiif, "{came}");
            }
        }
    }
}
