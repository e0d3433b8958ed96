//! What a server and a location take over from the level above, and what becomes of both.

use super::conf::{AccessKey, FileConf, LocConf, MainConf, SrvConf, unknown_zone};
use super::{passes, taken};
use crate::ngx::conf::{Init, Merge};
use crate::ngx::{Parser, Reported, location, worker};

/// So many bytes of a status go out before other requests have their turn: to copy more from memory, of
/// which thousands of partners take megabytes, would hold them up.
const STATUS_CHUNK: usize = 256 * 1024;

impl Init for MainConf {
    /// Gives each zone its key file.
    fn init(&mut self, parser: Parser<'_>) -> Result<(), Reported> {
        for FileConf { name, mut file, keys, place } in self.files.drain(..) {
            let name = String::from_utf8_lossy(&name).into_owned();
            let zone = self.zones.iter().find(|zone| zone.name == name);
            let found = match (zone, file.trouble.clone()) {
                (Some(zone), _) => zone.keys_of(&mut file, keys).map(|keys| (zone, keys)),
                (None, Some(trouble)) => Err(trouble),
                (None, None) => {
                    Err(format!("unknown zone \"{name}\", there is no \"access_key_zone\" for it"))
                }
            };
            match found {
                Ok((zone, keys)) => {
                    if keys.table.partners().is_empty() && !worker::is_signaller() {
                        let reason = "no partner in it: all keys are refused";
                        place.warn(parser, format_args!("{reason}"));
                    }
                    *zone.file.borrow_mut() = Some((file, keys));
                    let _ = zone.file_place.set(place);
                }
                Err(reason) => {
                    place.error(parser, format_args!("{reason}"));
                    return Err(Reported);
                }
            }
        }
        let denies = self.exports.redis.as_ref().is_some_and(|redis| redis.deny);
        self.zones.iter().for_each(|zone| zone.denies.set(denies));
        let without = self.zones.iter().find(|zone| zone.file.borrow().is_none());
        if let Some(zone) = without {
            let name = &zone.name;
            zone.place.error(
                parser,
                format_args!("zone \"{name}\" has no keys, there is no \"access_key_file\" for it"),
            );
        }
        without.map_or(Ok(()), |_| Err(Reported))
    }
}

impl Merge for SrvConf {
    fn merge(&mut self, parent: &SrvConf, _: Parser<'_>) -> Result<(), Reported> {
        self.mask = self.mask.or(parent.mask);
        Ok(())
    }
}

impl Merge for LocConf {
    fn merge(&mut self, parent: &LocConf, parser: Parser<'_>) -> Result<(), Reported> {
        let own = self.places.iter().count();
        self.places.inherit(&parent.places);
        if self.access.is_none() {
            self.access.clone_from(&parent.access);
        }
        if self.quotas.is_none() {
            (self.quotas, self.total) = (parent.quotas, parent.total.clone());
        }
        self.errors = self.errors.or(parent.errors);
        self.headers = self.headers.or(parent.headers);
        self.strip = self.strip.or(parent.strip);
        // For the blocks of `if`, which keep the handler of their location.
        if self.redirect.is_none() {
            self.redirect.clone_from(&parent.redirect);
        }
        if self.status.is_none() {
            self.status.clone_from(&parent.status);
        }
        if self.alert.is_none() {
            self.alert.clone_from(&parent.alert);
        }
        if self.usage.is_none() {
            self.usage.clone_from(&parent.usage);
        }

        if self.status.is_some() {
            location::limit_chunk(parser, STATUS_CHUNK);
        }

        let main = parser.main::<AccessKey>().ok_or(Reported)?;
        let server = parser.kept_server::<AccessKey>().ok_or(Reported)?;
        let mut servers = main.servers.borrow_mut();
        if !servers.contains(&server) {
            servers.push(server);
        }
        if location::regex(parser).is_some() {
            server.has_regex.set(true);
        }
        if let Some(location) = location::current(parser) {
            server.locations.borrow_mut().push((
                location.name.to_vec(),
                location.is_exact,
                location.is_internal,
            ));
        }
        self.lets_in_all = location::lets_in_all(parser);
        self.lint(own, main, parser)?;
        taken::note(self, main, parser);
        passes::note(self, own, parent, main, parser);
        if let Some(place) = self.places.get("access_key_status")
            && let Some(status) = &self.status
        {
            status.check(main, place, parser)?;
        }
        let Some(Some(access)) = &self.access else {
            let mut own = self.places.iter().take(own);
            if let Some(place) = own.find(|place| place.name == "access_key_usage") {
                let reason = "nobody is asked for a key: there is no \"access_key\" here";
                place.error(parser, format_args!("{reason}"));
                return Err(Reported);
            }
            return Ok(());
        };
        let Some(zone) = main.zone(&access.name) else {
            if let Some(place) = self.places.get("access_key") {
                unknown_zone(place, &String::from_utf8_lossy(&access.name), parser);
            }
            return Err(Reported);
        };
        zone.place.is_used.set(true);
        self.zone = Some(zone);
        let quotas = self.quotas.unwrap_or_default();
        zone.common.set(zone.common.get().min(&quotas.limits));
        let mut sources = server.sources.borrow_mut();
        for source in &access.sources {
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        let mut zones = server.zones.borrow_mut();
        if !zones.contains(&zone) {
            zones.push(zone);
        }
        Ok(())
    }
}
