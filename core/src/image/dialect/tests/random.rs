use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::*;
use crate::image::{Control, Limits, prepare};

/// What is described.
const PICTURE: &[u8] = include_bytes!("../../../../tests/fixtures/grey.jpg");

/// Links that are right, of which others are made.
const SEEDS: &[(Dialect, &str)] = &[
    (Dialect::Cloudflare, "/cdn-cgi/image/w=80,h=60,fit=cover,g=0.5x0.2,q=85,f=auto/a/b.jpg?v=1"),
    (
        Dialect::Cloudflare,
        "/cdn-cgi/image/width=80,trim=1;2;3;4,rotate=90,dpr=2/https://h.test/a.jpg",
    ),
    (
        Dialect::Imgproxy,
        "/sig/rs:fill:300:200:1/g:fp:0.3:0.4/q:70/bg:ff0000/plain/http://h.test/a%20b.jpg@webp",
    ),
    (
        Dialect::Imgproxy,
        "/_/s:300/ex:1/pr:thumb/rot:90/fl:1:0/pd:1:2/t:10/exp:9999999999/aHR0cDovL2gudGVzdC9hLmpwZw.png",
    ),
    (Dialect::Next, "/_next/image?url=%2Fimg%2Fa.png&w=640&q=75"),
    (
        Dialect::Thumbor,
        "/unsafe/10x20:110x120/fit-in/-300x-200/left/top/smart/filters:quality(70):blur(2)/h.test/a%20b.jpg",
    ),
    (
        Dialect::Thumbor,
        "/unsafe/300x0/filters:fill(red):focal(0.1x0.2):expire(9999999999999)/b64:aHR0cDovL2gudGVzdC9hLmpwZw",
    ),
    (
        Dialect::Thumbor,
        "/unsafe/meta/trim/fit-in/-300x200/smart/filters:focal(1x2:3x4)/h.test/a%20b.jpg",
    ),
    (Dialect::Thumbor, "/unsafe/meta/h.test/a%22b.jpg"),
    (Dialect::Cloudflare, "/cdn-cgi/image/w=80,h=60,fit=cover,format=json/https://h.test/a.jpg"),
    (Dialect::Weserv, "/?url=h.test/a.jpg&w=300&h=200&fit=cover&output=json"),
    (Dialect::Iiif, "/http:%2F%2Fh.test%2Fa.jpg/info.json"),
    (
        Dialect::Weserv,
        "/?url=h.test/a.jpg&w=300&h=200&fit=cover&a=focal-20-80&dpr=2&output=webp&q=70",
    ),
    (
        Dialect::Weserv,
        "/?url=ssl:h.test/a.jpg&w=50%25&crop=1,2,3,4&trim&ro=90&flip&bg=55cccccc&mod=1,2,3&blur",
    ),
    (Dialect::Iiif, "/a%2Fb.jpg/pct:10,20,30,40/^!300,200/!180/gray.png"),
    (Dialect::Iiif, "/http:%2F%2Fh.test%2Fa.jpg/square/max/90/default.jpg"),
    (
        Dialect::Imgix,
        "/http%3A%2F%2Fh.test%2Fa.jpg?w=300&h=0.5&fit=crop&crop=focalpoint&fp-x=0.2&auto=format,compress&q=70&s=1",
    ),
    (
        Dialect::Imgix,
        "/a%20b.jpg?rect=left,0.1,0.5,200&ar=16:9&fit=fill&fill=solid&fill-color=55cccccc&dpr=2&expires=9",
    ),
    (Dialect::Ipx, "/s_300x200,fit_cover,pos_left-top,q_70,f_webp/https://h.test/a.jpg"),
    (Dialect::Ipx, "/w_300&rotate_90&flip&crop_1_2_3_4&modulate_1_2_3&b_ff0000/a/b.jpg"),
    (Dialect::Next, "/_next/image?url=https%3A%2F%2Fh.test%2Fa.png&w=640&q=75"),
];

/// Pieces that lead somewhere else in some reader of links.
const PIECES: &[&str] = &[
    "/",
    "//",
    "..",
    "/../",
    "%2e%2e%2f",
    "%2F..%2F",
    "%5c..%5c",
    "%00",
    "%0d%0a",
    "%",
    "%zz",
    "http://",
    "https://evil.test/",
    "http:/evil.test",
    "//evil.test/",
    "@",
    "evil.test",
    ":",
    ",",
    "=",
    "&",
    "?",
    ";",
    "x",
    "0",
    "-1",
    "99999999999",
    "1e9",
    "0.5",
    "NaN",
    "local:///",
    "file:///etc/passwd",
    "\u{e9}",
    " ",
    "+",
    "()",
    "auto",
    "true",
    "plain/",
    "filters:",
    "w=",
    "url=",
    "full",
    "max",
    "^",
    "!",
    "pct:",
    "meta/",
    "json",
    "\"",
];

/// How many links are made of each dialect's; `make links` makes more.
fn cases() -> u32 {
    let more = std::env::var("IMAGE_GATE_LINKS").ok().and_then(|text| text.parse().ok());
    more.unwrap_or(4_000)
}

/// Links of a dialect, some of them still right.
fn mutated(dialect: Dialect) -> impl Strategy<Value = String> {
    let seeds = SEEDS.iter().filter(|(own, _)| *own == dialect).map(|(_, seed)| *seed);
    let edit = (any::<prop::sample::Index>(), 0usize..4, prop::sample::select(PIECES), 0usize..6);
    (prop::sample::select(seeds.collect::<Vec<_>>()), prop::collection::vec(edit, 0..6)).prop_map(
        |(seed, edits)| {
            let mut uri = seed.to_owned();
            for (at, kind, piece, len) in edits {
                let bounds: Vec<usize> =
                    uri.char_indices().map(|(at, _)| at).chain([uri.len()]).collect();
                let first = at.index(bounds.len());
                let last = (first + len).min(bounds.len() - 1);
                let range = bounds[first]..bounds[last];
                let again = uri[range.clone()].to_owned();
                match kind {
                    0 => uri.replace_range(range, piece),
                    1 => uri.insert_str(bounds[first], piece),
                    2 => uri.replace_range(range, ""),
                    _ => uri.insert_str(bounds[first], &again),
                }
            }
            uri
        },
    )
}

fn check(asked: Result<Asked, Error>) -> Result<(), TestCaseError> {
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => {
            prop_assert!(matches!(error, Error::BadParams(_) | Error::NoSuchLink(_)), "{error:?}");
            return Ok(());
        }
    };
    let hosts = Hosts::parse(b"*.h.test,h.test").unwrap();
    let Ok(source) = asked.source.clone().resolve(|origin| hosts.allow(origin)) else {
        return Ok(());
    };
    if let Some(origin) = &source.origin {
        prop_assert!(origin.host == "h.test" || origin.host.ends_with(".h.test"), "{origin:?}");
    }
    let path = source.path();
    prop_assert!(path.starts_with(b"/") && !path.iter().any(u8::is_ascii_control), "{path:?}");
    prop_assert!(path.split(|byte| b"/\\".contains(byte)).all(|part| part != b".."), "{path:?}");
    let target = source.target();
    prop_assert!(
        target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic()),
        "{target}"
    );
    prop_assert!(!target.starts_with("//"), "{target}");
    // What is asked for is a plan, whose limits are checked where it is carried out.
    let mut plan = Plan::default();
    let (presets, accept) = (Presets::default(), std::iter::empty());
    let applied = plan.apply(&asked.params, &presets, accept, Hints::default());
    if let (Ok(()), Resource::Description(description)) = (applied, &asked.resource) {
        is_told(description, &plan)?;
    }
    Ok(())
}

/// Whatever a link has in it, what is told is one object in JSON.
fn is_told(description: &Description, plan: &Plan) -> Result<(), TestCaseError> {
    let limits = Limits::default();
    let Ok(prepared) = prepare(PICTURE, plan, &limits) else { return Ok(()) };
    let Ok(measured) = prepared.measure(description.tells_places(), &Control::default()) else {
        return Ok(());
    };
    let told: Value = serde_json::from_str(&description.json(&measured, &limits)).unwrap();
    prop_assert!(told.is_object(), "{told}");
    Ok(())
}

/// What is done where a link that may name options which are not here is right: the same by either
/// way to take those.
fn is_one_plan(dialect: Dialect, uri: &str) -> Result<(), TestCaseError> {
    let read = |unknown| {
        dialect.link(uri.as_bytes(), b"/").and_then(|link| dialect.read(link, unknown)).ok()
    };
    let (Some(refused), Some(ignored)) = (read(Unknown::Refuse), read(Unknown::Ignore)) else {
        return Ok(());
    };
    let plan = |asked: &Asked| {
        let mut plan = Plan::default();
        let (presets, accept) = (Presets::default(), std::iter::empty());
        plan.apply(&asked.params, &presets, accept, Hints::default()).ok().map(|()| plan)
    };
    prop_assert!(ignored.left_out.is_empty());
    prop_assert_eq!(&refused.source, &ignored.source);
    prop_assert_eq!(plan(&refused), plan(&ignored));
    Ok(())
}

#[test]
fn no_link_leads_beyond_hosts_and_root() {
    for &(name, dialect) in Dialect::WORDS {
        let config = ProptestConfig { cases: cases(), ..ProptestConfig::default() };
        let mut runner = TestRunner::new(config);
        let result = runner.run(&(mutated(dialect), any::<bool>()), |(uri, ignores)| {
            let unknown = if ignores { Unknown::Ignore } else { Unknown::Refuse };
            let link = dialect.link(uri.as_bytes(), b"/");
            check(link.and_then(|link| dialect.read(link, unknown)))?;
            is_one_plan(dialect, &uri)
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(path in prop::collection::vec(any::<u8>(), 0..60), query in prop::option::of(prop::collection::vec(any::<u8>(), 0..60))) {
        for (_, dialect) in Dialect::WORDS {
            for start in [&b""[..], dialect.fixed_part()] {
                let path = [start, &path].concat();
                check(dialect.read(Link { path: &path, query: query.as_deref() }, Unknown::Refuse))?;
            }
        }
    }
}
