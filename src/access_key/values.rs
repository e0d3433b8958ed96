//! nginx keeps the values of variables that were evaluated once. Those of a key are known to what
//! counts and limits requests, as `limit_req` does, and no longer; those of what the key was taken
//! out of are found anew.

use std::cell::OnceCell;

use image_gate_core::key::KeySource;

use super::source_names::is_variable_of;
use crate::ngx::Request;

/// Places of nginx's variables.
struct Places {
    /// Those that are the key.
    keys: Vec<usize>,
    /// Those that nginx keeps, and that may have it in them.
    texts: Vec<usize>,
}

/// The places of those that speak of keys from the sources of a location, once requests come.
#[derive(Default)]
pub struct KeyVariables(OnceCell<Places>);

impl KeyVariables {
    fn places(&self, request: Request<'_>, sources: &[KeySource]) -> &Places {
        self.0.get_or_init(|| {
            let names = request.variable_names();
            let all = |is_one: &dyn Fn(&[u8]) -> bool| {
                let places = names.iter().enumerate().filter(|(_, name)| is_one(name));
                places.map(|(place, _)| place).collect()
            };
            const TEXTS: [&[u8]; 4] = [b"request", b"request_uri", b"http_cookie", b"http_referer"];
            Places {
                keys: all(&|name| sources.iter().any(|source| is_variable_of(name, source))),
                texts: all(&|name| TEXTS.contains(&name)),
            }
        })
    }

    /// Keeps what variables say of the key, which is about to be taken out; returns their places.
    pub fn keep(&self, request: Request<'_>, sources: &[KeySource]) -> &[usize] {
        let keys = &self.places(request, sources).keys;
        for &place in keys {
            if let Some(value) = request.value(place).map(<[u8]>::to_vec) {
                request.set_known_value(place, &value, "");
            }
        }
        keys
    }

    /// Has those found anew that the key was taken out of.
    pub fn refresh(&self, request: Request<'_>, sources: &[KeySource]) {
        self.places(request, sources).texts.iter().for_each(|&place| request.forget_value(place));
    }
}
