//! What a location takes over from the level above.

use super::conf::{ImageResizeCache, LocConf, Target};
use crate::image_resize::keep;
use crate::ngx::conf::Merge;
use crate::ngx::{Parser, Reported, location};

impl Merge for LocConf {
    fn merge(&mut self, parent: &LocConf, parser: Parser<'_>) -> Result<(), Reported> {
        fn inherit<T: Copy>(child: &mut Option<T>, parent: Option<T>) {
            *child = child.or(parent);
        }
        let main = parser.main::<ImageResizeCache>().ok_or(Reported)?;
        main.places.borrow_mut().extend(self.places.iter().cloned());
        let purge = self.places.get("image_resize_cache_purge").cloned();
        let key = self.places.get("image_resize_cache_key").cloned();
        let background = self.places.get("image_resize_cache_background_update").cloned();
        self.places.inherit(&parent.places);
        inherit(&mut self.target, parent.target);
        inherit(&mut self.key, parent.key);
        inherit(&mut self.lock, parent.lock);
        inherit(&mut self.lock_timeout, parent.lock_timeout);
        inherit(&mut self.lock_age, parent.lock_age);
        inherit(&mut self.min_uses, parent.min_uses);
        inherit(&mut self.revalidate, parent.revalidate);
        inherit(&mut self.use_stale, parent.use_stale);
        inherit(&mut self.background_update, parent.background_update);
        for (child, parent) in [
            (&mut self.bypass, &parent.bypass),
            (&mut self.no_cache, &parent.no_cache),
            (&mut self.purge, &parent.purge),
        ] {
            if child.is_none() {
                child.clone_from(parent);
            }
        }
        if self.valid.is_none() {
            self.valid.clone_from(&parent.valid);
        }
        self.name = location::name(parser).to_vec();
        self.number = main.locations.get();
        main.locations.set(self.number + 1);
        let Some(Target::Zone(name)) = self.target else {
            // To say "off" is right anywhere.
            if let Some(place) = self.places.get("image_resize_cache") {
                place.is_used.set(true);
            }
            return Ok(());
        };
        if keep::location_makes(parser) {
            keep::note_fonts(parser, |folder| main.fonts.of(folder));
        }
        if keep::location_makes(parser) || self.purge.is_some() {
            self.places.mark_used();
        }
        // A file has a name; what an upstream answers has only the address of one of its variants.
        if let Some(place) = purge
            && self.key.is_none()
            && location::has_handler(parser)
        {
            let reason = "removes what was made for the very same address only: there is no \
                          \"image_resize_cache_key\" that names the original";
            place.warn(parser, format_args!("{reason}"));
        }
        if let Some(place) = background
            && self.updates_in_background()
            && !self.stale().while_updating()
        {
            let reason = "has no effect but where a source says \"stale-while-revalidate\": \
                          \"image_resize_cache_use_stale\" has no \"updating\"";
            place.warn(parser, format_args!("{reason}"));
        }
        if let Some(place) = key
            && self.key.is_some_and(|key| key.constant().is_some())
            && !location::current(parser).is_some_and(|location| location.is_exact)
        {
            let reason = "holds no variable, so what was made of one image is the answer for all: \
                          add \"$uri\"";
            place.warn(parser, format_args!("{reason}"));
        }
        let zone = name.constant();
        for cache in main.caches.iter().filter(|cache| zone.is_none_or(|name| cache.name == name)) {
            cache.place.is_used.set(true);
        }
        self.cache = name.constant().and_then(|name| main.find(name).cloned());
        if let Some(name) = name.constant()
            && self.cache.is_none()
            && let Some(place) = self.places.get("image_resize_cache")
        {
            let name = String::from_utf8_lossy(name);
            place.error(parser, format_args!("there is no zone \"{name}\""));
            return Err(Reported);
        }
        Ok(())
    }
}
