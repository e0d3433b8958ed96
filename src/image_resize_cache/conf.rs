//! What the directives say.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::flights::Flights;
use crate::ngx::cache::Folder;
use crate::ngx::conf::{Expression, Places};
use crate::ngx::{Pooled, Request};

/// The module.
pub enum ImageResizeCache {}

/// `image_resize_cache_path`.
pub struct Cache {
    /// The name of its zone.
    pub name: Vec<u8>,
    pub folder: Folder,
    pub path: Arc<Path>,
    /// What is being made for it.
    pub flights: Pooled<Flights>,
}

/// The configuration of `http`.
#[derive(Default)]
pub struct MainConf {
    pub caches: Vec<Rc<Cache>>,
}

/// `image_resize_cache`.
#[derive(Clone, Copy)]
pub enum Target {
    Off,
    /// The name of a zone.
    Zone(Expression),
}

/// The configuration of a location. `None` is what was not said.
#[derive(Clone, Default)]
pub struct LocConf {
    pub target: Option<Target>,
    pub key: Option<Expression>,
    pub lock: Option<bool>,
    /// In milliseconds.
    pub lock_timeout: Option<u64>,
    /// In milliseconds.
    pub lock_age: Option<u64>,
    pub places: Places,
}

impl MainConf {
    /// The cache of that name.
    pub fn find(&self, name: &[u8]) -> Option<&Rc<Cache>> {
        self.caches.iter().find(|cache| cache.name == name)
    }
}

/// How long a request waits for another, and for how long one is waited for, in milliseconds.
const WAIT: u64 = 5000;

impl LocConf {
    /// The cache that a request is looked up in.
    pub fn cache(&self, request: Request<'_>) -> Option<Rc<Cache>> {
        let Some(Target::Zone(name)) = self.target else { return None };
        let name = name.evaluate(request)?;
        if name.is_empty() || name == b"off" {
            return None;
        }
        let main = request.main_conf::<ImageResizeCache>()?;
        let cache = main.find(name).cloned();
        if cache.is_none() {
            request.log_line(
                nginx_sys::NGX_LOG_ERR,
                format_args!(
                    "image_resize_cache: there is no zone \"{}\"",
                    String::from_utf8_lossy(name)
                ),
            );
        }
        cache
    }

    /// Whether one request waits for another.
    pub fn locks(&self) -> bool {
        self.lock.unwrap_or(true)
    }

    /// How long it does, in milliseconds.
    pub fn lock_timeout(&self) -> u64 {
        self.lock_timeout.unwrap_or(WAIT)
    }

    /// For how long another is waited for, in milliseconds.
    pub fn lock_age(&self) -> u64 {
        self.lock_age.unwrap_or(WAIT)
    }
}
