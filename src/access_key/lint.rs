//! What `nginx -t` refuses or warns of once all locations are known.

use super::conf::{LocConf, MainConf, RedirectNote, RedirectTarget};
use crate::ngx::location::Server;
use crate::ngx::{Parser, Reported};
use crate::secure_link_hash::SecureLinkHash;

impl LocConf {
    /// Looks over a location that is merged. Its own directives are the first `own` of its places.
    pub fn lint(&self, own: usize, main: &MainConf, parser: Parser<'_>) {
        let notes = &main.notes;
        let mut places = notes.places.borrow_mut();
        for place in self.places.iter().take(own) {
            match place.name {
                "access_key_redirect" => notes.redirects.borrow_mut().push(RedirectNote {
                    place: place.clone(),
                    server: Server::current(parser),
                    name: match &self.redirect {
                        Some(RedirectTarget::Named(name)) => Some(name.clone()),
                        Some(RedirectTarget::Uri(..)) | None => None,
                    },
                    links: parser.kept_location::<SecureLinkHash>(),
                }),
                "access_key" | "access_key_status" | "access_key_usage" => (),
                _ => places.push(place.clone()),
            }
        }
        // Where it says "off" that is meant.
        if self.access.is_some() {
            self.places.mark_used();
        }
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
        let is_guarded = || {
            redirect.links.is_some_and(|links| links.require.is_some_and(|require| require.is_on))
        };
        if !redirect.place.is_used.get() && !is_guarded() {
            let reason = "nobody is asked for a key: there is no \"access_key\" here";
            redirect.place.warn(parser, format_args!("{reason}"));
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
