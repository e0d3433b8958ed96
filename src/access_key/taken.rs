//! Requests that nobody is asked for though the location that is meant for them asks: nginx goes by the
//! name of a location only where no regular expression fits, unless its name stands behind `^~`.

use std::rc::Rc;

use super::conf::{LocConf, LocationNote, MainConf};
use crate::ngx::Parser;
use crate::ngx::captures::beginning;
use crate::ngx::conf::{Place, WarnedOnce};
use crate::ngx::location::{self, Found, Server};
use crate::secure_link_hash::SecureLinkHash;

/// Names of what is usually behind a key, or a link.
const FILES: [&str; 9] =
    ["a.jpg", "a.jpeg", "a.png", "a.gif", "a.webp", "a.avif", "a.pdf", "a.mp4", "a.zip"];

/// Of what is below a folder, too: all that a location for everything does not take by chance.
const PATHS: [&str; 4] = ["a", "1/a.jpg", "100x100/a.jpg", "a/a.jpg"];

impl LocationNote {
    /// The directive by which somebody is asked.
    fn guard(&self) -> Option<&Rc<Place>> {
        let links = || self.links.as_ref()?.guard_place(self.is_judged);
        self.keys.as_ref().or_else(links)
    }

    /// Whether everybody gets what is there.
    fn is_open(&self) -> bool {
        let is_said = || self.links.as_ref().is_some_and(|links| links.is_left_open());
        !self.is_settled && !self.found.is_internal() && self.guard().is_none() && !is_said()
    }
}

/// Notes the location that is merged.
pub fn note(conf: &LocConf, main: &MainConf, parser: Parser<'_>) {
    let (Some(found), Some(server)) = (Found::current(parser), Server::current(parser)) else {
        return;
    };
    let place = conf.places.get("access_key");
    let is_off =
        matches!(conf.access, Some(None)) && place.is_some_and(|place| place.is_in_location);
    main.notes.locations.borrow_mut().push(LocationNote {
        found,
        server,
        keys: place.filter(|_| matches!(conf.access, Some(Some(_)))).cloned(),
        links: parser.kept_location::<SecureLinkHash>(),
        is_judged: location::conditions(parser)
            .any(|asked| asked.name.starts_with(b"secure_link_hash")),
        is_settled: is_off || location::asks_by_itself(parser),
    });
}

/// Warns of locations that ask, and of those that `access_key_redirect` leads to, from which others take
/// requests.
pub fn warn(parser: Parser<'_>, main: &MainConf) {
    let noted = main.notes.locations.borrow();
    if !noted.iter().any(|noted| noted.found.is_regex() && noted.is_open()) {
        return;
    }
    let warned = WarnedOnce::default();
    for guarded in noted.iter().filter(|noted| !noted.found.is_exact()) {
        let Some(place) = guarded.guard() else { continue };
        let LocationNote { found, server, .. } = guarded;
        let base = if found.is_regex() { beginning(found.name()) } else { found.name().to_vec() };
        let is_meant = |uri: &[u8]| match found.is_regex() {
            true => found.matches(uri),
            false => server.find(uri, false) == Some(*found),
        };
        let Some((uri, taker)) = taken(&noted, *server, &base, is_meant) else { continue };
        let [name, taker] = [found.name(), taker.name()].map(String::from_utf8_lossy);
        let remedy = if found.is_regex() {
            "put that behind this location".to_owned()
        } else {
            format!("write \"location ^~ {name}\"")
        };
        let off = match place.name {
            "access_key" => "access_key off",
            _ => "secure_link_hash_require off",
        };
        warned.warn(
            place,
            parser,
            format_args!(
                "\"{uri}\" comes to \"location ~ {taker}\", where nobody is asked: {remedy}, or \
                 \"{off}\" there if that is meant"
            ),
        );
    }
    for redirect in main.notes.redirects.borrow().iter() {
        let (Some(server), Some(uri)) = (redirect.server, redirect.uri) else { continue };
        let target = target(uri.text());
        if !target.starts_with(b"/") {
            continue;
        }
        let is_meant =
            |uri: &[u8]| server.find(uri, false).is_some_and(|found| found.is_internal());
        let Some((uri, taker)) = taken(&noted, server, target, is_meant) else { continue };
        let Some(meant) = server.find(uri.as_bytes(), false) else { continue };
        let [name, taker] = [meant.name(), taker.name()].map(String::from_utf8_lossy);
        warned.warn(
            &redirect.place,
            parser,
            format_args!(
                "\"{uri}\" comes to \"location ~ {taker}\", which is not internal, and so can be asked \
                 for by everybody: write \"location ^~ {name}\""
            ),
        );
    }
}

/// A URI that begins so and is meant for one location, and the open one that it comes to.
fn taken(
    noted: &[LocationNote],
    server: Server,
    base: &[u8],
    is_meant: impl Fn(&[u8]) -> bool,
) -> Option<(String, Found)> {
    let base = String::from_utf8_lossy(base);
    let base = base.trim_end_matches('/');
    let paths = PATHS.iter().filter(|_| !base.is_empty());
    FILES.iter().chain(paths).find_map(|name| {
        let uri = format!("{base}/{name}");
        let taker = server.find(uri.as_bytes(), true).filter(|found| found.is_regex())?;
        let is_open =
            noted.iter().find(|noted| noted.found == taker).is_some_and(LocationNote::is_open);
        (is_open && is_meant(uri.as_bytes())).then_some((uri, taker))
    })
}

/// What all paths of a redirect begin with.
fn target(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b'$').next().unwrap_or_default()
}
