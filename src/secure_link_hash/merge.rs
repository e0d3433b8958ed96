//! What a location takes over from the level above, and how it tells right links then.

use std::rc::Rc;

use image_gate_core::link::{Rules, Signer, ThirdParty};

use super::conf::{LinkFormatConf, LocConf, Method, SecureLinkHash};
use crate::image_resize::ImageResize;
use crate::ngx::conf::{Expression, Merge};
use crate::ngx::variable::CachedVariable;
use crate::ngx::{Parser, Reported};

/// Variables, but those of arguments, by which a link is judged alike as long as a request has
/// the same URI and the same arguments.
const STEADY: [&[u8]; 13] = [
    b"args",
    b"binary_remote_addr",
    b"document_uri",
    b"host",
    b"http_host",
    b"is_args",
    b"query_string",
    b"remote_addr",
    b"request_uri",
    b"scheme",
    b"secure_link_hash_expires",
    b"secure_link_hash_request_uri",
    b"uri",
];

/// Those of them that nginx keeps though realip has learned another address since.
const ADDRESSES: [&str; 2] = ["binary_remote_addr", "remote_addr"];

const KEY: &str = "secure_link_hash_key";
const MESSAGE: &str = "secure_link_hash_message";

impl LocConf {
    /// Takes over how the level above tells right links, as far as this one says nothing else:
    /// what excludes each other at one level replaces each other over two.
    fn inherit_method(&mut self, parent: &LocConf) {
        if self.secret.is_some() {
            self.links = Some(LinkFormatConf::Plain);
            return;
        }
        if self.links.is_none() && self.value.is_none() && self.md5.is_none() {
            self.links = parent.links;
        }
        if let Some(LinkFormatConf::ThirdParty(..)) = self.links {
            self.message = self.message.or(parent.message);
            return;
        }
        self.value = self.value.or(parent.value);
        if self.md5.is_none() && self.message.is_none() {
            (self.md5, self.message) = (parent.md5, parent.message);
        }
        if self.value.is_none() && self.md5.is_none() && self.message.is_none() {
            self.secret.clone_from(&parent.secret);
        }
    }

    /// See [`LocConf::is_steady`].
    fn is_steady(&self) -> bool {
        let is_steady = |name: &[u8]| name.starts_with(b"arg_") || STEADY.contains(&name);
        self.expressions().all(|expression| expression.variables().all(is_steady))
    }

    /// What a link is read from and judged by.
    fn expressions(&self) -> impl Iterator<Item = Expression> {
        let message = match self.method {
            Method::None | Method::Secret(_) => None,
            Method::Md5(message) | Method::Mac(message, _) | Method::ThirdParty(_, message, _) => {
                Some(message)
            }
        };
        [self.value, self.not_before, message].into_iter().flatten()
    }

    /// What is signed, of a key that is at hand: made once, and not for each request.
    fn method(&self) -> Result<Method, (&'static str, String)> {
        let keys = self.keys.as_ref().map_or(&[][..], |keys| keys.as_slice());
        let (encoding, min) = self.encoding.unwrap_or_default();
        if let Some(secret) = &self.secret {
            return Ok(Method::Secret(secret.clone()));
        }
        if let Some(LinkFormatConf::ThirdParty(format, origin, rules)) = self.links {
            let third_party = ThirdParty::new(
                format,
                keys,
                Rules { min, max_age: self.max_age, algorithm: self.algorithm, ..rules },
            )
            .map_err(|error| (KEY, format!("links of {}: {error}", format.name())))?;
            return Ok(Method::ThirdParty(Rc::new(third_party), origin, self.message));
        }
        Ok(match (self.md5, self.message) {
            (Some(md5), _) => Method::Md5(md5),
            (None, Some(message)) => {
                let algorithm = self.algorithm.unwrap_or_default();
                if min.is_some_and(|min| min > algorithm.tag_len()) {
                    let (name, len) = (algorithm.name(), algorithm.tag_len());
                    let reason = format!("a tag of {name} has {len} bytes");
                    return Err(("secure_link_hash_encoding", reason));
                }
                let signer = Signer::new(algorithm, keys, encoding, min)
                    .ok_or_else(|| (MESSAGE, format!("no key for {}", algorithm.name())))?;
                Method::Mac(message, Rc::new(signer))
            }
            (None, None) => Method::None,
        })
    }
}

impl Merge for LocConf {
    fn merge(&mut self, parent: &LocConf, parser: Parser<'_>) -> Result<(), Reported> {
        let own = self.places.iter().count();
        self.places.inherit(&parent.places);
        self.inherit_method(parent);
        self.algorithm = self.algorithm.or(parent.algorithm);
        if self.keys.is_none() {
            self.keys.clone_from(&parent.keys);
        }
        self.encoding = self.encoding.or(parent.encoding);
        self.leeway = self.leeway.or(parent.leeway);
        self.lifetime = self.lifetime.or(parent.lifetime);
        self.max_age = self.max_age.or(parent.max_age);
        self.not_before = self.not_before.or(parent.not_before);
        self.requires_itself = self.require.is_some();
        self.require = self.require.or(parent.require);
        self.prefix = self.prefix.or(parent.prefix);
        if self.strip.is_none() {
            self.strip.clone_from(&parent.strip);
        }
        if self.unsigned_args.is_none() {
            self.unsigned_args.clone_from(&parent.unsigned_args);
        }
        match self.method() {
            Ok(method) => {
                self.method = method;
                self.is_steady = self.is_steady();
                let is_named = |name: &&str| {
                    self.expressions()
                        .any(|expression| expression.variables().any(|one| one == name.as_bytes()))
                };
                let of_client = ADDRESSES.into_iter().filter(is_named);
                self.of_client =
                    of_client.filter_map(|name| CachedVariable::find(parser, name)).collect();
            }
            Err((directive, reason)) => {
                match self.places.get(directive) {
                    Some(place) => place.error(parser, format_args!("{reason}")),
                    None => parser.error(format_args!("{reason}")),
                }
                return Err(Reported);
            }
        }
        if let (Method::Md5(_) | Method::Mac(..), Some(_)) = (&self.method, &self.value)
            && let Some(image) = parser.location::<ImageResize>()
        {
            image.leave_out(self.own_arguments());
        }
        if let Some(main) = parser.main::<SecureLinkHash>() {
            self.lint(own, main, parser);
        }
        Ok(())
    }
}
