//! Requests that pass what guards their location, as something of nginx's is before it.

use std::rc::Rc;

use super::conf::{Errors, LocConf, LocationNote, MainConf, PageNote, PassNote};
use super::taken::{ASKED, target, uris};
use crate::ngx::Parser;
use crate::ngx::conf::{Place, WarnedOnce, variables};
use crate::ngx::location::{self, Bypass, ErrorPage, Exits, Found, Server, Target};
use crate::secure_link_hash::SecureLinkHash;

/// Notes the location that is merged, if it lets requests by.
pub fn note(conf: &LocConf, own: usize, parent: &LocConf, main: &MainConf, parser: Parser<'_>) {
    let exits = Exits::current(parser);
    let Some(server) = Server::current(parser) else { return };
    if let (Some(Some(_)), Some(place)) = (&conf.access, conf.places.get("access_key")) {
        let Errors { missing, invalid, .. } = conf.errors.unwrap_or_default();
        let is_of_refusal = |page: &ErrorPage| [missing, invalid].contains(&page.status);
        let pages = location::error_pages(parser).filter(is_of_refusal);
        let pages = pages.map(|page| PageNote { place: place.clone(), server, page });
        main.notes.pages.borrow_mut().extend(pages);
    }
    // What is read at the level of a server is for its locations.
    let is_location = !location::is_nameless(parser) && !location::name(parser).is_empty();
    if !is_location || exits.are_none() && !conf.lets_in_all {
        return;
    }
    let is_own = |place: &Rc<Place>| conf.places.iter().take(own).any(|own| Rc::ptr_eq(own, place));
    let keys = conf.places.get("access_key").filter(|_| matches!(conf.access, Some(Some(_))));
    let found = Found::current(parser).filter(|found| !found.is_internal());
    main.notes.passes.borrow_mut().push(PassNote {
        name: found.map(Found::shown),
        server,
        keys: keys.map(|place| (place.clone(), is_own(place))),
        links: parser.kept_location::<SecureLinkHash>(),
        exits,
        lets_in_all: conf.lets_in_all,
        is_inherited: parent.lets_in_all,
    });
}

impl PassNote {
    /// What lets requests by a guard of the location, which is its own or that of a level above.
    fn bypass(&self, place: &Place, is_own: bool, noted: &[LocationNote]) -> Option<Bypass> {
        let is_open = |target: &Target| !asks(noted, self.server, target, place);
        // What answers for one URI, and tells nothing, is written with the others in mind.
        let is_meant = || {
            let is_exact = self.name.as_ref().is_some_and(|name| name.starts_with("location = "));
            !is_own && (self.exits.is_harmless || is_exact)
        };
        match () {
            () if self.lets_in_all => Some(Bypass::Satisfied),
            () if self.exits.leaves.iter().any(is_open) => Some(Bypass::Rewritten),
            () if self.exits.returns && !is_meant() => Some(Bypass::Returned),
            () => None,
        }
    }
}

/// Whether somebody is asked where a `rewrite` leads to. `place` is what asks where it stands.
fn asks(noted: &[LocationNote], server: Server, target: &Target, place: &Place) -> bool {
    let is_asking = |noted: &LocationNote| noted.guard().is_some() || noted.asks_by_itself;
    let asks = |uri: &str, has_regexes| match server.find(uri.as_bytes(), has_regexes) {
        Some(found) => noted.iter().any(|noted| noted.found == found && is_asking(noted)),
        // What comes to no location is up to the server.
        None => !place.is_in_location,
    };
    let start = String::from_utf8_lossy(&target.start);
    if target.is_constant {
        return asks(&start, true);
    }
    if !start.starts_with('/') {
        return noted.iter().filter(|noted| noted.server == server).all(is_asking);
    }
    // What a variable holds may begin with a slash, or not.
    let asks_all = |start: String| {
        asks(&format!("{start}a"), false) || {
            let mut uris = uris(start.as_bytes());
            uris.all(|uri| asks(&uri, true))
        }
    };
    start.ends_with('/') && asks_all(start.to_string())
        || !start.ends_with('/')
            && (asks_all(format!("{start}/")) || asks(&format!("{start}a"), false))
}

/// Warns of locations where requests pass.
pub fn warn(parser: Parser<'_>, main: &MainConf) {
    let noted = main.notes.locations.borrow();
    let mut everywhere: Vec<Rc<Place>> = Vec::new();
    for passed in main.notes.passes.borrow().iter() {
        let links = passed.links.as_ref().filter(|links| links.is_required());
        let place_of_links = links.and_then(|links| links.guard_place(false));
        let links = links.zip(place_of_links);
        let links = links.map(|(links, place)| (place.clone(), links.requires_itself));
        for (place, is_own) in passed.keys.iter().cloned().chain(links) {
            let name = passed.name.as_ref().filter(|_| !is_own);
            let Some(bypass) = passed.bypass(&place, is_own, &noted) else { continue };
            let is_above = passed.is_inherited && matches!(bypass, Bypass::Satisfied);
            if is_above && everywhere.iter().any(|other| Rc::ptr_eq(other, &place)) {
                continue;
            }
            if matches!(bypass, Bypass::Satisfied) {
                everywhere.push(place.clone());
            }
            let reason = bypass.reason();
            match name {
                _ if is_own || is_above => place.warn(parser, format_args!("{reason}")),
                None => {}
                Some(name) => {
                    let off = match place.name {
                        "access_key" => "access_key off",
                        _ => "secure_link_hash_require off",
                    };
                    place.warn(
                        parser,
                        format_args!("in \"{name}\" {reason}, or \"{off}\" there if that is meant"),
                    );
                }
            }
        }
    }
}

/// Warns of error pages that are what is asked for, from where `access_key_redirect` leads.
pub fn warn_of_pages(parser: Parser<'_>, main: &MainConf) {
    let warned = WarnedOnce::default();
    let meant = |server: Server, path: &[u8]| {
        let start = String::from_utf8_lossy(target(path));
        server.find(format!("{}/a", start.trim_end_matches('/')).as_bytes(), false)
    };
    let redirects = main.notes.redirects.borrow();
    for PageNote { place, server, page } in main.notes.pages.borrow().iter() {
        let path = page.path.split(|&byte| byte == b'?').next().unwrap_or_default();
        if !variables(path).any(|name| ASKED.contains(&name)) {
            continue;
        }
        let found = meant(*server, path).filter(|found| found.is_internal());
        let is_redirect = redirects.iter().any(|redirect| {
            redirect.server == Some(*server)
                && redirect.uri.is_some_and(|uri| meant(*server, uri.text()) == found)
        });
        if found.is_some() && is_redirect {
            let path = String::from_utf8_lossy(&page.path);
            warned.warn(
                place,
                parser,
                format_args!(
                    "whoever is refused gets it all the same: \"error_page {}\" leads to \"{path}\", \
                     where \"access_key_redirect\" does",
                    page.status
                ),
            );
        }
    }
}
