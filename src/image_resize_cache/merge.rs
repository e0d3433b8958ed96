//! What a location takes over from the level above.

use super::conf::{ImageResizeCache, LocConf, Target};
use crate::ngx::conf::Merge;
use crate::ngx::{Parser, Reported};

impl Merge for LocConf {
    fn merge(&mut self, parent: &LocConf, parser: Parser<'_>) -> Result<(), Reported> {
        fn inherit<T: Copy>(child: &mut Option<T>, parent: Option<T>) {
            *child = child.or(parent);
        }
        self.places.inherit(&parent.places);
        inherit(&mut self.target, parent.target);
        inherit(&mut self.key, parent.key);
        inherit(&mut self.lock, parent.lock);
        inherit(&mut self.lock_timeout, parent.lock_timeout);
        inherit(&mut self.lock_age, parent.lock_age);
        let Some(Target::Zone(name)) = self.target else { return Ok(()) };
        let main = parser.main::<ImageResizeCache>().ok_or(Reported)?;
        if let Some(name) = name.constant()
            && main.find(name).is_none()
            && let Some(place) = self.places.get("image_resize_cache")
        {
            let name = String::from_utf8_lossy(name);
            place.error(parser, format_args!("there is no zone \"{name}\""));
            return Err(Reported);
        }
        Ok(())
    }
}
