//! What the directives say.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use image_gate_core::s3::{Credentials, Origin};
use image_gate_runtime::files::FileId;
use image_gate_runtime::host::Now;
use image_gate_runtime::s3::{CredentialsService, FileSource, Refresh, Store};

use crate::ngx::conf::{Expression, Place, Places, WarnedOnce};
use crate::ngx::{Parser, Request, variable};

/// The module.
pub enum ImageGateS3 {}

/// `image_gate_s3_credentials`.
pub struct CredentialsConf {
    pub name: String,
    pub store: Arc<Store>,
    pub source: CredentialsSource,
    pub place: Rc<Place>,
    /// What the event loop uses, so that it takes no lock for each request.
    known: RefCell<Option<(u64, Option<Arc<Credentials>>)>>,
}

/// Where credentials are from.
pub enum CredentialsSource {
    /// They stay what they are.
    Fixed,
    /// A file, and which version of it.
    File(FileSource, FileId),
    Service(Arc<CredentialsService>),
}

impl CredentialsConf {
    /// Returns those that were read, if any were yet.
    pub fn new(
        name: String,
        credentials: Option<Credentials>,
        source: CredentialsSource,
        place: Rc<Place>,
    ) -> CredentialsConf {
        let store = Arc::new(Store::new(credentials));
        CredentialsConf { name, store, source, place, known: RefCell::default() }
    }

    /// Returns the credentials of this moment.
    pub fn get(&self) -> Option<Arc<Credentials>> {
        let mut known = self.known.borrow_mut();
        match &*known {
            Some((version, credentials)) if *version == self.store.version() => credentials.clone(),
            _ => {
                let (version, credentials) = self.store.get();
                *known = Some((version, credentials.clone()));
                credentials
            }
        }
    }

    /// Returns the file that workers read again, if there is one.
    pub fn polled(&self) -> Option<&Path> {
        match &self.source {
            CredentialsSource::File(source, _) if source.poll.is_some() => Some(&source.path),
            _ => None,
        }
    }

    /// Returns what a thread is to do for them.
    pub fn refresh(&self, now: Now) -> Option<Refresh> {
        let (name, store) = (self.name.clone(), self.store.clone());
        match &self.source {
            CredentialsSource::File(source, seen) if source.poll.is_some() => {
                Some(Refresh::file(name, store, source.clone(), Some(*seen), now))
            }
            CredentialsSource::Fixed | CredentialsSource::File(..) => None,
            CredentialsSource::Service(service) => {
                Some(Refresh::service(name, store, service.clone(), now))
            }
        }
    }
}

/// All of `http`.
#[derive(Default)]
pub struct MainConf {
    pub credentials: Vec<Rc<CredentialsConf>>,
    /// Whether a location asks a bucket.
    pub is_used: Cell<bool>,
    /// What locations were told, for what is warned of in the end.
    pub places: RefCell<Vec<Rc<Place>>>,
    /// Each `image_gate_s3` that has credentials, and whether these sign the URI.
    pub signed: RefCell<Vec<(Rc<Place>, bool)>>,
    /// The directives that were warned of.
    pub warned: WarnedOnce,
    /// Where variables are whose values nobody may see, once requests come.
    pub secret: OnceCell<Vec<usize>>,
}

impl MainConf {
    /// Returns the credentials called so.
    pub fn find(&self, name: &[u8]) -> Option<&Rc<CredentialsConf>> {
        self.credentials.iter().find(|known| known.name.as_bytes() == name)
    }

    /// Warns of what no location goes by.
    pub fn warn(&self, parser: Parser<'_>) {
        for place in self.places.borrow().iter() {
            if place.is_in_location && !place.is_used.get() {
                place.warn(
                    parser,
                    format_args!("has no effect: there is no \"image_gate_s3\" here"),
                );
            }
        }
        for (place, is_presigned) in self.signed.borrow().iter() {
            let (needed, remedy) = match is_presigned {
                true => ("image_gate_s3_uri", "put it behind the host of \"proxy_pass\""),
                false => ("image_gate_s3_authorization", "add \"include s3_params\""),
            };
            if !variable::is_used(parser, &[needed]) {
                place.warn(
                    parser,
                    format_args!("nothing is signed: nothing sends ${needed}: {remedy}"),
                );
            }
        }
        for known in self.credentials.iter().filter(|known| !known.place.is_used.get()) {
            let name = &known.name;
            known.place.warn(parser, format_args!("no location has \"image_gate_s3 {name}\""));
        }
    }
}

/// `image_gate_s3`.
pub struct OriginConf {
    /// The name of the credentials; nobody's for what everybody may read.
    pub name: Option<Vec<u8>>,
    /// The credentials, once all of the configuration was read.
    pub credentials: OnceCell<Rc<CredentialsConf>>,
    pub origin: RefCell<Origin>,
}

/// A location. `None` is what was not said.
#[derive(Default)]
pub struct LocConf {
    /// Without an origin: `off`.
    pub origin: Option<Option<Rc<OriginConf>>>,
    pub bucket: Option<Expression>,
    pub key: Option<Expression>,
    pub args: Option<Expression>,
    pub places: Places,
}

impl LocConf {
    /// Returns where objects come from.
    pub fn origin(&self) -> Option<&Rc<OriginConf>> {
        self.origin.as_ref()?.as_ref()
    }

    /// Returns the name of a request's bucket; empty where there is none.
    pub fn bucket_of<'r>(&self, request: Request<'r>) -> &'r [u8] {
        self.bucket.and_then(|bucket| bucket.evaluate(request)).unwrap_or_default()
    }

    /// Returns the key of a request's object; empty where there is none.
    pub fn key_of<'a>(&self, request: &'a Request<'_>) -> &'a [u8] {
        match self.key {
            None => request.uri(),
            Some(key) => key.evaluate(*request).unwrap_or_default(),
        }
    }

    /// Returns the arguments of a request for an object.
    pub fn args_of<'r>(&self, request: Request<'r>) -> &'r [u8] {
        self.args.and_then(|args| args.evaluate(request)).unwrap_or_default()
    }
}

/// The configuration at a request's location.
pub fn conf<'a>(request: &'a Request<'_>) -> Option<&'a LocConf> {
    request.location::<ImageGateS3>()
}
