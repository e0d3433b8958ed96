//! Requests that nobody is asked for though the location that is meant for them asks: nginx goes by the
//! name of a location only where no regular expression fits, unless its name stands behind `^~`.

use std::borrow::Cow;
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
    pub fn guard(&self) -> Option<&Rc<Place>> {
        let links = || self.links.as_ref()?.guard_place(self.is_judged);
        self.keys.as_ref().or_else(links)
    }

    /// Whether everybody gets what is there.
    fn is_open(&self) -> bool {
        let is_said = || self.links.as_ref().is_some_and(|links| links.is_left_open());
        !self.is_off
            && !self.asks_by_itself
            && !self.found.is_internal()
            && self.guard().is_none()
            && !is_said()
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
        is_off,
        asks_by_itself: location::asks_by_itself(parser),
    });
}

/// Warns of locations that ask, and of those that `access_key_redirect` leads to, from which others take
/// requests.
pub fn warn(parser: Parser<'_>, main: &MainConf) {
    let noted = main.notes.locations.borrow();
    if !noted.iter().any(|noted| noted.found.is_regex()) {
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
        let taken = uris(&base).find_map(|uri| {
            let taker = taker(&noted, *server, &uri)?;
            is_meant(uri.as_bytes()).then_some((uri, taker))
        });
        let Some((uri, taker)) = taken else { continue };
        let sign = if taker.is_regex() { "~" } else { "^~" };
        let [name, taken_by] = [found.name(), taker.name()].map(String::from_utf8_lossy);
        let remedy = match (found.is_regex(), taker.is_regex()) {
            (true, true) => "put that behind this location".to_owned(),
            (true, false) => "take \"^~\" away".to_owned(),
            (false, _) => format!("write \"location ^~ {name}\""),
        };
        let off = match place.name {
            "access_key" => "access_key off",
            _ => "secure_link_hash_require off",
        };
        warned.warn(
            place,
            parser,
            format_args!(
                "\"{uri}\" comes to \"location {sign} {taken_by}\", where nobody is asked: {remedy}, or \
                 \"{off}\" there if that is meant"
            ),
        );
    }
    for redirect in main.notes.redirects.borrow().iter() {
        let (Some(server), Some(uri)) = (redirect.server, redirect.uri) else { continue };
        let constant = uri.constant().map(String::from_utf8_lossy).map(Cow::into_owned);
        let target = target(uri.text());
        if !target.starts_with(b"/") {
            continue;
        }
        let is_constant = constant.is_some();
        let others = uris(target).filter(|_| !is_constant);
        let taken = constant.into_iter().chain(others).find_map(|uri| {
            let taker = taker(&noted, server, &uri).filter(|taker| taker.is_regex())?;
            let meant = server.find(uri.as_bytes(), false).filter(|found| found.is_internal())?;
            Some((uri, taker, meant))
        });
        let Some((uri, taker, meant)) = taken else { continue };
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

/// URIs that begin so.
pub fn uris(base: &[u8]) -> impl Iterator<Item = String> {
    let base = String::from_utf8_lossy(base);
    let base = base.trim_end_matches('/').to_owned();
    let count = if base.is_empty() { FILES.len() } else { FILES.len() + PATHS.len() };
    FILES.iter().chain(&PATHS).take(count).map(move |name| format!("{base}/{name}"))
}

/// The location that a URI comes to, where that is open, and not for this URI alone.
fn taker(noted: &[LocationNote], server: Server, uri: &str) -> Option<Found> {
    let found = server.find(uri.as_bytes(), true).filter(|found| !found.is_exact())?;
    noted.iter().find(|noted| noted.found == found && noted.is_open()).map(|noted| noted.found)
}

/// What all paths of a redirect begin with.
pub fn target(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b'$').next().unwrap_or_default()
}
