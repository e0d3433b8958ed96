//! What a location takes over from the level above.

use image_gate_core::s3::{Asked, NameError};

use super::conf::{ImageGateS3, LocConf, MainConf, OriginConf};
use crate::ngx::conf::{Expression, Merge};
use crate::ngx::{Parser, Reported};

const ORIGIN: &str = "image_gate_s3";
const BUCKET: &str = "image_gate_s3_bucket";
const ARGS: &str = "image_gate_s3_args";

/// Variables that hold all arguments of a request.
const ALL_ARGS: [&[u8]; 3] = [b"args", b"query_string", b"request_uri"];

/// What services of buckets are called: where a host begins so behind the name of a bucket, it is of that.
const SERVICES: [&str; 2] = ["s3.", "s3-"];

/// The host that a bucket is asked for at.
fn host_of(origin: &OriginConf, bucket: &[u8]) -> Result<String, NameError> {
    let asked = Asked { head: false, bucket, key: b"/key", args: b"" };
    // Nobody signs for it.
    let sent = origin.origin.borrow_mut().sign(asked, None, 0)?;
    Ok(sent.host)
}

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

impl LocConf {
    /// Refuses a bucket that none can be called, and warns of what can't be meant.
    ///
    /// # Errors
    /// That was reported.
    fn check(
        &self,
        origin: &OriginConf,
        main: &MainConf,
        parser: Parser<'_>,
    ) -> Result<(), Reported> {
        let bucket = self.bucket.as_ref().and_then(Expression::constant);
        if let (Some(bucket), Some(place)) = (bucket, self.places.get(BUCKET)) {
            let name = String::from_utf8_lossy(bucket);
            match host_of(origin, bucket) {
                Err(error) => {
                    let stands_before =
                        host_of(origin, b"aaa").is_ok_and(|host| host.starts_with("aaa."));
                    let remedy = match stands_before {
                        true => ", or none before a host: \"style=path\" puts it into the path",
                        false => "",
                    };
                    place.error(parser, format_args!("\"{name}\": {error}{remedy}"));
                    return Err(Reported);
                }
                Ok(host) => {
                    let service = host.strip_prefix(&*name).and_then(|rest| rest.strip_prefix('.'));
                    let before = service.and_then(|rest| rest.strip_prefix(&*name));
                    let before = before.and_then(|rest| rest.strip_prefix('.'));
                    // Before a host that is written without it, it stands once.
                    let is_before =
                        host_of(origin, b"aaa").is_ok_and(|host| host.starts_with("aaa."));
                    let service = if is_before { before } else { service };
                    let is_of =
                        |service: &str| SERVICES.iter().any(|name| service.starts_with(name));
                    if service.is_some_and(is_of) {
                        main.warned.warn(
                            place,
                            parser,
                            format_args!(
                                "\"{name}\" stands in \"endpoint=\", too: take it away there, which \
                                 is the host of all buckets"
                            ),
                        );
                    }
                }
            }
        }
        if origin.name.is_some()
            && let (Some(args), Some(place)) = (&self.args, self.places.get(ARGS))
            && let Some(read) = args.variables().find(|name| ALL_ARGS.contains(name))
        {
            let read = String::from_utf8_lossy(read);
            main.warned.warn(
                place,
                parser,
                format_args!(
                    "what a visitor writes is signed by \"${read}\", such as \"?acl\": name the \
                     arguments, as \"versionId=$arg_version\""
                ),
            );
        }
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
                })?;
                self.check(origin, main, parser)
            }
            (_, place) => {
                // To say "off" is right anywhere.
                place.into_iter().for_each(|place| place.is_used.set(true));
                Ok(())
            }
        }
    }
}
