//! What a location takes over from the level above.

use super::conf::{ImageGateS3, LocConf, OriginConf};
use crate::ngx::conf::Merge;
use crate::ngx::{Parser, Reported};

const ORIGIN: &str = "image_gate_s3";

impl LocConf {
    /// Gives its origin the credentials that it names.
    ///
    /// # Errors
    /// Why that can't be.
    fn complete(&self, origin: &OriginConf, parser: Parser<'_>) -> Result<(), String> {
        if self.bucket.is_none() {
            return Err("there is no \"image_gate_s3_bucket\" here".to_owned());
        }
        let main = parser.main::<ImageGateS3>().ok_or("no memory")?;
        main.is_used.set(true);
        let Some(name) = &origin.name else { return Ok(()) };
        let known = main.find(name).ok_or_else(|| {
            let name = String::from_utf8_lossy(name);
            format!("there are no \"image_gate_s3_credentials {name}\"")
        })?;
        known.place.is_used.set(true);
        // A location that takes it over has the same.
        let _ = origin.credentials.set(known.clone());
        Ok(())
    }
}

impl Merge for LocConf {
    fn merge(&mut self, parent: &LocConf, parser: Parser<'_>) -> Result<(), Reported> {
        let main = parser.main::<ImageGateS3>().ok_or(Reported)?;
        main.places.borrow_mut().extend(self.places.iter().cloned());
        if let (Some(Some(origin)), Some(place)) = (&self.origin, self.places.get(ORIGIN))
            && origin.name.is_some()
        {
            let is_presigned = origin.origin.borrow().is_presigned();
            main.signed.borrow_mut().push((place.clone(), is_presigned));
        }
        self.places.inherit(&parent.places);
        if self.origin.is_none() {
            self.origin.clone_from(&parent.origin);
        }
        self.bucket = self.bucket.or(parent.bucket);
        self.key = self.key.or(parent.key);
        self.args = self.args.or(parent.args);
        let place = self.places.get(ORIGIN).cloned();
        match (self.origin.as_ref(), place) {
            (Some(Some(origin)), Some(place)) => {
                self.places.mark_used();
                self.complete(origin, parser).map_err(|reason| {
                    place.error(parser, format_args!("{reason}"));
                    Reported
                })
            }
            (_, place) => {
                // To say "off" is right anywhere.
                place.into_iter().for_each(|place| place.is_used.set(true));
                Ok(())
            }
        }
    }
}
