//! What `nginx -t` refuses or warns of once all locations are known.

use std::rc::Rc;

use image_gate_core::key::KeySource;

use super::conf::{LocConf, MainConf, Notes, RedirectNote, RedirectTarget};
use crate::image_resize::{self, ImageResize};
use crate::ngx::conf::{Expression, Place, Term, terms};
use crate::ngx::location::{self, Bypass, Server};
use crate::ngx::{Parser, Reported};
use crate::secure_link_hash::SecureLinkHash;

impl LocConf {
    /// Looks over a location that is merged. Its own directives are the first `own` of its places.
    pub fn lint(&self, own: usize, main: &MainConf, parser: Parser<'_>) {
        let notes = &main.notes;
        let mut places = notes.places.borrow_mut();
        for place in self.places.iter().take(own) {
            match place.name {
                "access_key_redirect" => {
                    if matches!(&self.redirect, Some(RedirectTarget::Uri(uri, _)) if is_here(*uri))
                        && !location::has_rewrites(parser)
                    {
                        let reason = "leads to this very location, and so to an error: write where \
                                      the originals are before it";
                        place.warn(parser, format_args!("{reason}"));
                    }
                    notes.redirects.borrow_mut().push(RedirectNote {
                        place: place.clone(),
                        server: Server::current(parser),
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
                "access_key" if place.is_in_location && matches!(self.access, Some(Some(_))) => {
                    if let Some(bypass) = Bypass::current(parser) {
                        place.warn(parser, format_args!("{}", bypass.reason()));
                    }
                    self.note_underscores(place, notes);
                }
                "access_key" | "access_key_status" | "access_key_usage" => (),
                _ => places.push(place.clone()),
            }
        }
        if Server::current(parser).is_some_and(Server::hears_underscores) {
            notes.hears_underscores.set(true);
        }
        // Where it says "off" that is meant.
        if self.access.is_some() {
            self.places.mark_used();
        }
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

/// Whether a redirect is to the URI of the request, as it is.
fn is_here(uri: Expression) -> bool {
    let mut terms = terms(uri.text());
    matches!(terms.next(), Some(Term::Variable(b"uri" | b"document_uri" | b"request_uri")))
        && terms.next().is_none()
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
        let is_guarded = || {
            redirect.links.is_some_and(|links| links.require.is_some_and(|require| require.is_on))
        };
        if !redirect.place.is_used.get() && !is_guarded() {
            let reason = "nobody is asked for a key: there is no \"access_key\" here";
            redirect.place.warn(parser, format_args!("{reason}"));
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
