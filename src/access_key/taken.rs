//! Requests that nobody is asked for though the location that is meant for them asks: nginx goes by the
//! name of a location only where no regular expression fits, unless its name stands behind `^~`.

use std::borrow::Cow;
use std::rc::Rc;

use super::conf::{LocConf, LocationNote, MainConf, RedirectNote};
use crate::image_resize::ImageResize;
use crate::ngx::Parser;
use crate::ngx::captures::beginning;
use crate::ngx::conf::{Place, Term, WarnedOnce, terms};
use crate::ngx::location::{self, Found, Server};
use crate::secure_link_hash::SecureLinkHash;

/// Names of what is usually behind a key, or a link.
const FILES: [&str; 16] = [
    "a.jpg", "a.jpeg", "a.png", "a.gif", "a.webp", "a.avif", "a.svg", "a.heic", "a.jxl", "a.tif",
    "a.psd", "a.JPG", "a.pdf", "a.mp4", "a.mov", "a.zip",
];

/// Of what is below a folder, too: all that a location for everything does not take by chance.
const PATHS: [&str; 4] = ["a", "1/a.jpg", "100x100/a.jpg", "a/a.jpg"];

/// Variables by which a path is of what was asked for.
pub const ASKED: [&[u8]; 4] = [b"uri", b"document_uri", b"request_uri", b"access_key_uri"];

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
        folder: folder(parser),
    });
}

/// The beginning of the paths of files that the URIs come to which begin with the name of the
/// location that is merged, where that is known, and the files are not what pictures are made of.
fn folder(parser: Parser<'_>) -> Option<Vec<u8>> {
    let location = location::current(parser).filter(|location| !location.is_exact)?;
    let image = parser.location::<ImageResize>();
    let is_made = image.is_some_and(|image| image.is_on());
    let (directive, text) = location::root_text(parser);
    if is_made || location::has_handler(parser) || text.contains(&b'$') {
        return None;
    }
    let name = if directive == "root" { location.name } else { b"" };
    Some([text, name].concat())
}

/// Warns of locations that ask, and of those that `access_key_redirect` leads to, from which others take
/// requests.
pub fn warn(parser: Parser<'_>, main: &MainConf, warned: &WarnedOnce) {
    let noted = main.notes.locations.borrow();
    let has_regexes = noted.iter().any(|noted| noted.found.is_regex());
    for guarded in noted.iter().filter(|noted| has_regexes && !noted.found.is_exact()) {
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
        let path = redirect.path();
        let base = path.as_deref().unwrap_or_else(|| target(uri.text()));
        if !base.starts_with(b"/") {
            continue;
        }
        let is_constant = constant.is_some();
        let others = uris(base).filter(|_| !is_constant);
        let taken = constant.into_iter().chain(others).find_map(|uri| {
            let taker = taker(&noted, server, &uri).filter(|taker| !taker.is_internal())?;
            let meant = server.find(uri.as_bytes(), false).filter(|found| found.is_internal());
            // Where variables lead is known but of some.
            (path.is_some() || taker.is_regex() && meant.is_some()).then_some((uri, taker, meant))
        });
        let Some((uri, taker, meant)) = taken else { continue };
        let remedy = match meant {
            Some(meant) => {
                format!("write \"location ^~ {}\"", String::from_utf8_lossy(meant.name()))
            }
            None => "there has to be an internal one".to_owned(),
        };
        warned.warn(
            &redirect.place,
            parser,
            format_args!(
                "\"{uri}\" comes to \"{}\", which is not internal, and so can be asked for by \
                 everybody: {remedy}",
                taker.shown()
            ),
        );
    }
}

impl RedirectNote {
    /// What the paths begin with that it leads to, where that is known: it puts something before
    /// what was asked for.
    fn path(&self) -> Option<Vec<u8>> {
        let (uri, from) = (self.uri.as_ref()?, self.from.as_ref()?);
        let mut terms = terms(uri.text());
        match (terms.next(), terms.next(), terms.next()) {
            (Some(Term::Text(start)), Some(Term::Variable(name)), None)
                if ASKED.contains(&name) =>
            {
                Some([start, from].concat())
            }
            _ => None,
        }
    }
}

/// Warns of folders that somebody is asked for, or that `access_key_redirect` leads to, and that
/// have another name for which nobody is asked.
pub fn warn_of_folders(parser: Parser<'_>, main: &MainConf) {
    let noted = main.notes.locations.borrow();
    let redirects = main.notes.redirects.borrow();
    let guarded = noted.iter().filter_map(|guarded| Some((guarded.guard()?, guarded)));
    // Where a redirect leads that is not known whole are all that begin so.
    let redirected = redirects.iter().flat_map(|redirect| {
        let start = redirect.uri.as_ref().map_or(&b"@"[..], |uri| target(uri.text()));
        let leads_to =
            move |found: Found| found.name().starts_with(start) || start.starts_with(found.name());
        let is_meant = move |noted: &&LocationNote| {
            redirect.server == Some(noted.server)
                && noted.found.is_internal()
                && leads_to(noted.found)
        };
        noted.iter().filter(is_meant).map(|noted| (&redirect.place, noted))
    });
    let warned = WarnedOnce::default();
    for (place, LocationNote { server, folder, .. }) in guarded.chain(redirected) {
        let Some(folder) = folder else { continue };
        let other = noted.iter().filter(|other| other.server == *server).find_map(|other| {
            let rest = folder.strip_prefix(other.folder.as_deref()?)?;
            let uri = [other.found.name(), rest].concat();
            let is_there = |uri: String| server.find(uri.as_bytes(), true) == Some(other.found);
            let is_open = other.is_open() && uris(&uri).next().is_some_and(is_there);
            is_open.then_some((uri, other.found))
        });
        let Some((uri, found)) = other else { continue };
        let [folder, uri] = [folder, &uri].map(|text| String::from_utf8_lossy(text).into_owned());
        warned.warn(
            place,
            parser,
            format_args!(
                "what is in \"{folder}\" can be had as \"{uri}\" of \"{}\", too, where nobody is asked: \
                 move it out of there",
                found.shown()
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
