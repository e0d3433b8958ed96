//! What `nginx -t` refuses or warns of once all locations are known.

use std::rc::Rc;

use image_gate_core::key::KeySource;

use super::conf::{AccessKey, AlertNote, LocConf, MainConf, Notes, RedirectNote, RedirectTarget};
use super::redirect;
use crate::image_resize::{self, ImageResize};
use crate::ngx::conf::{Expression, Place, Term, WarnedOnce, terms};
use crate::ngx::location::{self, Server};
use crate::ngx::{Parser, Reported, variable};
use crate::secure_link_hash::SecureLinkHash;

impl LocConf {
    /// Looks over a location that is merged. Its own directives are the first `own` of its places.
    ///
    /// # Errors
    /// What is wrong was reported.
    pub fn lint(&self, own: usize, main: &MainConf, parser: Parser<'_>) -> Result<(), Reported> {
        let notes = &main.notes;
        let mut places = notes.places.borrow_mut();
        for place in self.places.iter().take(own) {
            match place.name {
                "access_key_redirect" => {
                    location::check_handler(place, parser)?;
                    if matches!(&self.redirect, Some(RedirectTarget::Uri(uri, _)) if self.is_here(*uri))
                        && !location::has_rewrites(parser)
                    {
                        let reason = "leads to this very location, and so to an error: write where \
                                      the originals are before it";
                        place.warn(parser, format_args!("{reason}"));
                    }
                    if self.leads_anywhere() {
                        place.warn(
                            parser,
                            format_args!(
                                "whoever has a key chooses the location that it leads to, and comes to \
                                 all that are internal: write a folder before \"$access_key_uri\""
                            ),
                        );
                    }
                    if let Some(folder) = self.constant_folder()
                        && !location::current(parser).is_some_and(|location| location.is_exact)
                    {
                        let folder = String::from_utf8_lossy(folder);
                        let base = folder.trim_end_matches('/');
                        place.warn(
                            parser,
                            format_args!(
                                "all requests are led to \"{folder}\" itself: write \
                                 \"{base}$access_key_uri\""
                            ),
                        );
                    }
                    notes.redirects.borrow_mut().push(RedirectNote {
                        place: place.clone(),
                        server: Server::current(parser),
                        conf: parser.kept_server::<AccessKey>(),
                        from: location::current(parser)
                            .filter(|_| place.is_in_location)
                            .map(|location| location.name.to_vec()),
                        uri: match self.redirect {
                            Some(RedirectTarget::Uri(uri, _)) => Some(uri),
                            Some(RedirectTarget::Named(_)) | None => None,
                        },
                        name: match &self.redirect {
                            Some(RedirectTarget::Named(name)) => Some(name.clone()),
                            Some(RedirectTarget::Uri(..)) | None => None,
                        },
                        links: parser.kept_location::<SecureLinkHash>(),
                    });
                    let image = parser.location::<ImageResize>();
                    if let Some(made) = image.and_then(image_resize::LocConf::own_mode) {
                        let reason = "has no effect: \"access_key_redirect\" answers here; put it \
                                      where that leads";
                        made.warn(parser, format_args!("{reason}"));
                    }
                }
                "access_key" if matches!(self.access, Some(Some(_))) => {
                    self.note_underscores(place, notes);
                }
                "access_key_status" | "access_key_usage" => {
                    location::check_handler(place, parser)?;
                }
                "access_key" => (),
                _ => places.push(place.clone()),
            }
        }
        if let Some(Some(access)) = &self.access {
            if let Some(place) = &self.total {
                notes.totals.borrow_mut().push((place.clone(), access.name.clone()));
            }
            let alert = self.alert.as_ref().and_then(|alert| alert.uri.clone());
            if let (Some(uri), Some(place)) = (alert, self.places.get("access_key_alert"))
                && let Some(server) = parser.kept_server::<AccessKey>()
            {
                notes.alerts.borrow_mut().push(AlertNote { place: place.clone(), server, uri });
            }
        }
        if Server::current(parser).is_some_and(Server::hears_underscores) {
            notes.hears_underscores.set(true);
        }
        match &self.access {
            Some(Some(_)) => self.places.mark_used(),
            // That nobody is asked is meant.
            Some(None) => {
                let redirect = self.places.get("access_key_redirect");
                redirect.inspect(|place| place.is_used.set(true));
            }
            None => (),
        }
        Ok(())
    }

    /// Whether keys are taken out of paths.
    fn has_segment(&self) -> bool {
        let sources = self.access.iter().flatten().flat_map(|access| &access.sources);
        sources.into_iter().any(|source| matches!(source, KeySource::Segment(_)))
    }

    /// Whether a redirect is to what is left of a path that begins with the key, and nothing is
    /// before that.
    fn leads_anywhere(&self) -> bool {
        let Some(RedirectTarget::Uri(uri, _)) = &self.redirect else { return false };
        let mut sources = self.access.iter().flatten().flat_map(|access| &access.sources);
        sources.any(|source| matches!(source, KeySource::Segment(1)))
            && matches!(terms(uri.text()).next(), Some(Term::Variable(b"access_key_uri")))
    }

    /// Whether a redirect is to the URI of the request, as it is.
    fn is_here(&self, uri: Expression) -> bool {
        let mut terms = terms(uri.text());
        let is_same = match terms.next() {
            Some(Term::Variable(b"uri" | b"document_uri" | b"request_uri")) => true,
            Some(Term::Variable(b"access_key_uri")) => !self.has_segment(),
            _ => false,
        };
        is_same && terms.next().is_none()
    }

    /// The folder that a redirect leads to whatever is asked for.
    fn constant_folder(&self) -> Option<&[u8]> {
        let Some(RedirectTarget::Uri(uri, None)) = &self.redirect else { return None };
        uri.constant().filter(|uri| uri.ends_with(b"/"))
    }

    /// Notes a directive by which only headers with a `_` in their names hold keys.
    fn note_underscores(&self, place: &Rc<Place>, notes: &Notes) {
        let is_underscored = |source: &KeySource| match source {
            KeySource::Header(name) => name.contains(&b'_'),
            KeySource::Argument(_) | KeySource::Cookie(_) | KeySource::Segment(_) => false,
        };
        if let Some(Some(access)) = &self.access
            && access.sources.iter().any(is_underscored)
        {
            notes.underscored.borrow_mut().push(place.clone());
        }
    }
}

/// Warns of a redirect that leads where whoever asks wants it to.
fn warn_of_chosen(redirect: &RedirectNote, parser: Parser<'_>) {
    let Some(uri) = redirect.uri else { return };
    let links = redirect.links.as_ref().filter(|links| links.is_required());
    let unsigned = links.and_then(|links| links.unsigned_in(uri.text()));
    let first = match terms(uri.text()).next() {
        Some(Term::Variable(name)) if variable::is_single(name) => Some(name),
        _ => None,
    };
    if let Some(name) = first.filter(|_| links.is_none() || unsigned.is_some()) {
        let name = String::from_utf8_lossy(name);
        redirect.place.warn(
            parser,
            format_args!(
                "whoever asks chooses by \"${name}\" where it leads, to any internal location: write a \
                 folder before it"
            ),
        );
    } else if let Some(name) = unsigned {
        let name = String::from_utf8_lossy(name);
        redirect.place.warn(
            parser,
            format_args!(
                "it reads \"${name}\", which links here do not sign: whoever has one link has all files"
            ),
        );
    }
}

/// Refuses and warns.
///
/// # Errors
/// What is wrong was reported.
pub fn check(parser: Parser<'_>, main: &MainConf) -> Result<(), Reported> {
    let mut result = Ok(());
    for redirect in main.notes.redirects.borrow().iter() {
        if let Some(name) = &redirect.name
            && !redirect.server.is_some_and(|server| server.has_named(name))
        {
            let name = String::from_utf8_lossy(name);
            redirect
                .place
                .error(parser, format_args!("there is no location \"{name}\" in this server"));
            result = Err(Reported);
        }
        warn_of_chosen(redirect, parser);
        let is_guarded = || {
            redirect.links.is_some_and(|links| links.require.is_some_and(|require| require.is_on))
        };
        if !redirect.place.is_used.get() && !is_guarded() {
            let reason = "nobody is asked for a key: there is no \"access_key\" here";
            redirect.place.warn(parser, format_args!("{reason}"));
        }
    }
    let warned = WarnedOnce::default();
    for (place, zone) in main.notes.totals.borrow().iter() {
        let is_kept = main.exports.redis.is_some()
            || main.zone(zone).is_some_and(|zone| zone.state_file.is_some());
        if !is_kept {
            let zone = String::from_utf8_lossy(zone);
            warned.warn(
                place,
                parser,
                format_args!(
                    "\"per=total\" begins anew whenever nginx starts: add \"state=\" to \
                     \"access_key_zone {zone}\""
                ),
            );
        }
    }
    for AlertNote { place, server, uri } in main.notes.alerts.borrow().iter() {
        if redirect::leads_nowhere(server, uri) {
            let uri = String::from_utf8_lossy(uri);
            warned.warn(
                place,
                parser,
                format_args!("\"{uri}\" leads to no location of this server"),
            );
        }
    }
    for place in main.notes.underscored.borrow().iter() {
        if !main.notes.hears_underscores.get() {
            let reason = "nginx drops headers whose names have a \"_\": write a \"-\", or set \
                          \"underscores_in_headers on\"";
            place.warn(parser, format_args!("{reason}"));
        }
    }
    for place in main.notes.places.borrow().iter().filter(|place| !place.is_used.get()) {
        place.warn(parser, format_args!("has no effect: there is no \"access_key\" here"));
    }
    for zone in main.zones.iter().filter(|zone| !zone.place.is_used.get()) {
        let name = &zone.name;
        zone.place.warn(parser, format_args!("no location has \"access_key zone={name}\""));
    }
    for name in ["access_key_statsd", "access_key_redis"] {
        if let Some(place) = main.places.get(name).filter(|_| main.zones.is_empty()) {
            place.warn(parser, format_args!("has no effect: there is no \"access_key_zone\""));
        }
    }
    result
}
