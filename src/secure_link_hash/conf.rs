//! What the directives say.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use image_gate_core::link::{Algorithm, Encoding, Foreign, Format, Key, Rules, Signer, Unsigned};

use super::{SecureLinkHash, lint};
use crate::ngx::conf::{Expression, Merge, Places, Reported};
use crate::ngx::variable::Kept;
use crate::ngx::{Parser, log};

/// All of `http`.
#[derive(Default)]
pub struct MainConf {
    /// What nginx may have kept of the request before arguments were taken out; nothing where no
    /// location does that.
    pub kept: RefCell<Vec<Kept>>,
    /// Whether a location wants links to be right.
    pub is_required: Cell<bool>,
    /// For what is warned of in the end.
    pub notes: lint::Notes,
}

/// `secure_link_hash_require`.
#[derive(Clone, Copy)]
pub struct Require {
    pub is_on: bool,
    /// The status for a link that is not right.
    pub invalid: u32,
    /// The status for one that was.
    pub expired: u32,
}

/// `secure_link_hash_format`.
#[derive(Clone, Copy)]
pub enum Links {
    /// Our own.
    Plain,
    /// Those of others, with what stands before the path in a URL.
    Foreign(Format, Expression, Rules),
}

/// `secure_link_hash_unsigned_args`.
#[derive(Clone)]
pub enum UnsignedArgs {
    Any,
    Named(Rc<[Vec<u8>]>),
}

/// How a location tells a right link from a wrong one.
#[derive(Clone, Default)]
pub enum Method {
    /// It doesn't.
    #[default]
    None,
    /// `secure_link_hash_secret`: the path holds an MD5 of what follows and the secret.
    Secret(Rc<[u8]>),
    /// `secure_link_hash_md5`: the token is the MD5 of the expression.
    Md5(Expression),
    /// `secure_link_hash_message`: the token is a MAC of the expression.
    Mac(Expression, Rc<Signer>),
    /// `secure_link_hash_format`, and the message that a token is made of.
    Foreign(Rc<Foreign>, Expression, Option<Expression>),
}

/// A location. `None` is what was not said.
#[derive(Default)]
pub struct LocConf {
    pub value: Option<Expression>,
    pub md5: Option<Expression>,
    pub secret: Option<Rc<[u8]>>,
    pub algorithm: Option<Algorithm>,
    pub keys: Option<Rc<Vec<Key>>>,
    pub message: Option<Expression>,
    /// The encoding, and how few bytes of a tag are enough.
    pub encoding: Option<(Encoding, Option<usize>)>,
    /// In seconds.
    pub leeway: Option<u64>,
    /// Of links that are made here, in seconds.
    pub lifetime: Option<u64>,
    pub not_before: Option<Expression>,
    pub require: Option<Require>,
    pub links: Option<Links>,
    pub prefix: Option<bool>,
    /// The names of arguments.
    pub strip: Option<Rc<[Vec<u8>]>>,
    pub unsigned_args: Option<UnsignedArgs>,
    pub places: Places,
    /// What all of that comes to, once merged.
    pub method: Method,
    /// Whether a link is judged by nothing but its URI, its arguments and what stays the same for
    /// the whole request.
    pub is_steady: bool,
}

/// Variables, but those of arguments, by which a link is judged alike as long as a request has
/// the same URI and the same arguments.
const STEADY: [&[u8]; 12] = [
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
    b"uri",
];

/// The directives that say what a right link is: those that exclude each other at one level.
const EXCLUSIVE: [(&str, &str); 8] = [
    ("secure_link_hash_secret", "secure_link_hash"),
    ("secure_link_hash_secret", "secure_link_hash_md5"),
    ("secure_link_hash_secret", "secure_link_hash_message"),
    ("secure_link_hash_secret", "secure_link_hash_format"),
    ("secure_link_hash_md5", "secure_link_hash_message"),
    ("secure_link_hash_md5", "secure_link_hash_format"),
    ("secure_link_hash", "secure_link_hash_format"),
    ("secure_link_hash_prefix", "secure_link_hash_format"),
];

const KEY: &str = "secure_link_hash_key";
const MESSAGE: &str = "secure_link_hash_message";

impl LocConf {
    /// Two directives of this level that exclude each other.
    pub fn mixed(&self) -> Option<(&'static str, &'static str)> {
        let is_given = |name: &str| match name {
            "secure_link_hash" => self.value.is_some(),
            "secure_link_hash_md5" => self.md5.is_some(),
            "secure_link_hash_secret" => self.secret.is_some(),
            "secure_link_hash_message" => self.message.is_some(),
            "secure_link_hash_prefix" => self.prefix == Some(true),
            _ => matches!(self.links, Some(Links::Foreign(..))),
        };
        EXCLUSIVE.into_iter().find(|(one, other)| is_given(one) && is_given(other))
    }

    /// Takes over how the level above tells right links, as far as this one says nothing else:
    /// what excludes each other at one level replaces each other over two.
    fn inherit_method(&mut self, parent: &LocConf) {
        if self.secret.is_some() {
            self.links = Some(Links::Plain);
            return;
        }
        if self.links.is_none() && self.value.is_none() && self.md5.is_none() {
            self.links = parent.links;
        }
        if let Some(Links::Foreign(..)) = self.links {
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

    /// What links may hold though nobody signed it. Only where they have to be right: elsewhere
    /// the variables speak of what is signed, and the configuration of the rest.
    pub fn unsigned(&self) -> Unsigned<'_> {
        match (self.require, &self.unsigned_args) {
            (Some(Require { is_on: true, .. }), Some(UnsignedArgs::Any)) => Unsigned::Any,
            (Some(Require { is_on: true, .. }), Some(UnsignedArgs::Named(names))) => {
                Unsigned::Named(names)
            }
            (Some(Require { is_on: true, .. }), None) => Unsigned::Named(&[]),
            _ => Unsigned::Any,
        }
    }

    /// See [`LocConf::is_steady`].
    fn is_steady(&self) -> bool {
        let message = match self.method {
            Method::None | Method::Secret(_) => None,
            Method::Md5(message) | Method::Mac(message, _) | Method::Foreign(_, message, _) => {
                Some(message)
            }
        };
        let is_steady = |name: &[u8]| name.starts_with(b"arg_") || STEADY.contains(&name);
        let mut expressions = [self.value, self.not_before, message].into_iter().flatten();
        expressions.all(|expression| expression.variables().all(is_steady))
    }

    /// What is signed, of a key that is at hand: made once, and not for each request.
    fn method(&self) -> Result<Method, (&'static str, String)> {
        let keys = self.keys.as_ref().map_or(&[][..], |keys| keys.as_slice());
        let (encoding, min) = self.encoding.unwrap_or_default();
        if let Some(secret) = &self.secret {
            return Ok(Method::Secret(secret.clone()));
        }
        if let Some(Links::Foreign(format, origin, rules)) = self.links {
            let foreign = Foreign::new(format, keys, Rules { min, ..rules })
                .map_err(|error| (KEY, format!("links of {}: {error}", format.name())))?;
            return Ok(Method::Foreign(Rc::new(foreign), origin, self.message));
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
        self.not_before = self.not_before.or(parent.not_before);
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
            }
            Err((directive, reason)) => {
                match self.places.get(directive) {
                    Some(place) => place.error(parser, format_args!("{reason}")),
                    None => log::conf_error(parser, format_args!("{reason}")),
                }
                return Err(Reported);
            }
        }
        if let Some(main) = parser.main::<SecureLinkHash>() {
            self.note(own, main, parser);
        }
        Ok(())
    }
}
