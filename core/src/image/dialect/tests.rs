use super::*;
use crate::image::setting::Draft;
use crate::image::{Hints, Plan, Presets, Words};

/// What a dialect makes of a link, as it is asked for at a server's root.
pub(super) fn read(dialect: Dialect, uri: &str) -> Result<Asked, Error> {
    dialect.link(uri.as_bytes(), b"/").and_then(|link| dialect.read(link, Unknown::Refuse))
}

pub(super) fn plan_of(asked: &Asked) -> Plan {
    let mut draft = Draft::default();
    asked.defaults.put_into(&mut draft, &Presets::default()).unwrap();
    let mut plan = draft.finish(std::iter::empty());
    plan.apply(&asked.params, &Presets::default(), std::iter::empty(), Hints::default()).unwrap();
    plan
}

/// Whether a link asks for what a list of parameters says, of that source.
#[track_caller]
pub(super) fn means(dialect: Dialect, uri: &str, params: &str, source: &str) {
    let asked = read(dialect, uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
    let mut expected = plan_of(&Asked { params: Default::default(), ..asked.clone() });
    expected.set_params(params).unwrap_or_else(|error| panic!("{params}: {error}"));
    assert_eq!(plan_of(&asked), expected, "{uri}");
    let origin = asked.source.origin.as_ref();
    let origin =
        origin.map_or(String::new(), |origin| format!("{}://{}", origin.scheme, origin.host));
    assert_eq!(origin + &asked.source.target(), source, "{uri}");
}

/// Whether a link is refused for a reason that has that text in it.
#[track_caller]
pub(super) fn refuses(dialect: Dialect, uri: &str, reason: &str) {
    match read(dialect, uri) {
        Err(Error::BadParams(found)) if found.contains(reason) => (),
        other => panic!("{uri}: {other:?}, not {reason}"),
    }
}

#[test]
fn prefixes_are_the_locations_but_for_what_is_fixed() {
    let path = |dialect: Dialect, uri: &'static str, location: &str| {
        let link = dialect.link(uri.as_bytes(), location.as_bytes()).ok()?;
        Some((str::from_utf8(link.path).unwrap(), link.query.map(|q| str::from_utf8(q).unwrap())))
    };
    let uri = "/cdn-cgi/image/w=1/a?b";
    let whole = Some(("/cdn-cgi/image/w=1/a", Some("b")));
    for location in ["", "/", "/cdn-cgi/", "/cdn-cgi/image/", "/cdn-cgi/image"] {
        assert_eq!(path(Dialect::Cloudflare, uri, location), whole, "{location}");
    }
    let below = "/i%6dg/cdn-cgi/image/w=1/a?b";
    for location in ["/img/", "/img", "/img/cdn-cgi/image/"] {
        assert_eq!(path(Dialect::Cloudflare, below, location), whole, "{location}");
    }
    assert_eq!(path(Dialect::Cloudflare, "/im/cdn-cgi/image/w=1/a", "/img/"), None);
    assert_eq!(path(Dialect::Cloudflare, "/i%6/cdn-cgi/image/w=1/a", "/img/"), None);
    assert_eq!(
        path(Dialect::Next, "/_next/image?url=", "/_next/image"),
        Some(("/_next/image", Some("url=")))
    );
}

#[test]
fn long_links_are_refused() {
    let long = format!("/cdn-cgi/image/w=1/{}", "a".repeat(LONGEST));
    refuses(Dialect::Cloudflare, &long, "longer than");
    refuses(Dialect::Cloudflare, &format!("/cdn-cgi/image/{}/a", "w=1,".repeat(101)), "more than");
    refuses(
        Dialect::Cloudflare,
        &format!("/cdn-cgi/image/background={}/a", "a".repeat(1024)),
        "option longer",
    );
    refuses(Dialect::Cloudflare, "/cdn-cgi/image/w=1/a#b", "fragment");
}

mod cloudflare;
mod descriptions;
mod iiif;
mod imgix;
mod imgproxy;
mod ipx;
mod next;
mod random;
mod signed;
mod thumbor;
mod weserv;
