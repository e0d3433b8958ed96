//! What the directives say.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use image_gate_core::image::Dialect;
use image_gate_core::link::{
    Algorithm, Encoding, Key, Rules, Signer, ThirdParty, ThirdPartyFormat, Unsigned,
};

use crate::ngx::Request;
use crate::ngx::conf::{Expression, Place, Places, WarnedOnce};
use crate::ngx::location::Server;
use crate::ngx::variable::CachedVariable;

/// The module.
pub enum SecureLinkHash {}

/// The configuration at a request's location.
pub fn conf<'a>(request: &'a Request<'_>) -> Option<&'a LocConf> {
    request.location::<SecureLinkHash>()
}

/// The configuration of all of `http`.
pub fn main<'a>(request: &'a Request<'_>) -> Option<&'a MainConf> {
    request.main_conf::<SecureLinkHash>()
}

/// All of `http`.
#[derive(Default)]
pub struct MainConf {
    /// What nginx may have kept of the request before arguments were taken out; nothing where no
    /// location does that.
    pub kept: RefCell<Vec<CachedVariable>>,
    /// Whether a location wants links to be right.
    pub is_required: Cell<bool>,
    /// For what is warned of in the end.
    pub notes: Notes,
}

/// What the locations were told, until all of them are known.
#[derive(Default)]
pub struct Notes {
    pub places: RefCell<Vec<Rc<Place>>>,
    /// Those of locations that judge links, and let in whoever has none, with nothing in them that may go
    /// by the verdict.
    pub lenient: RefCell<Vec<Rc<Place>>>,
    /// Those of the others.
    pub deciding: RefCell<Vec<Rc<Place>>>,
    /// Messages of locations that have links of others.
    pub idle: RefCell<Vec<Rc<Place>>>,
    /// Whether any location says how long links last that are made there.
    pub has_lifetime: Cell<bool>,
    /// The locations whose names are beginnings of URIs, with their servers.
    pub locations: RefCell<Vec<NamedLocation>>,
    /// What `auth_request` asks.
    pub questions: RefCell<Vec<Question>>,
    /// The messages of which was said that they leave out arguments.
    pub warned: WarnedOnce,
    /// The directives of which was said that they have all links refused in a location below.
    pub refusing: WarnedOnce,
    /// `secure_link_hash_require` of a level above where nothing says what a right link is, and how the
    /// location is called.
    pub wanting: RefCell<Vec<(Rc<Place>, String)>>,
}

/// A location, for what leads there.
pub struct NamedLocation {
    pub server: Server,
    pub name: Vec<u8>,
    pub is_exact: bool,
    pub guard: Option<Guard>,
    /// Its `secure_link_hash_require`.
    pub place: Option<Rc<Place>>,
}

/// A URI that `auth_request` asks for.
pub struct Question {
    pub server: Server,
    pub uri: Vec<u8>,
    /// What guards the location that has it asked.
    pub guard: Option<Guard>,
}

/// What tells the guards of two locations apart.
#[derive(PartialEq)]
pub struct Guard {
    /// The same where they were given by the same directives.
    keys: Option<*const Vec<Key>>,
    secret: Option<Rc<[u8]>>,
    format: Option<(ThirdPartyFormat, Rules)>,
    texts: [Option<Vec<u8>>; 5],
    algorithm: Option<Algorithm>,
    encoding: Option<(Encoding, Option<usize>)>,
    /// `secure_link_hash_leeway` and `secure_link_hash_max_age`.
    times: [Option<u64>; 2],
    prefix: Option<bool>,
    unsigned_args: Option<UnsignedArgs>,
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
pub enum LinkFormatConf {
    /// Our own.
    Plain,
    /// Those of others, with what stands before the path in a URL.
    ThirdParty(ThirdPartyFormat, Expression, Rules),
}

/// `secure_link_hash_unsigned_args`.
#[derive(Clone, PartialEq)]
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
    ThirdParty(Rc<ThirdParty>, Expression, Option<Expression>),
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
    /// Of links that only say when they were made, in seconds.
    pub max_age: Option<u64>,
    pub not_before: Option<Expression>,
    pub require: Option<Require>,
    /// Whether the location says that itself.
    pub requires_itself: bool,
    pub links: Option<LinkFormatConf>,
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
    /// The variables among them that say who asks.
    pub of_client: Vec<CachedVariable>,
}

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

impl LocConf {
    /// The image server whose links these are, where their signature stands before what it is of.
    pub fn signing_dialect(&self) -> Option<Dialect> {
        match self.links {
            Some(LinkFormatConf::ThirdParty(ThirdPartyFormat::Imgproxy, ..)) => {
                Some(Dialect::Imgproxy)
            }
            Some(LinkFormatConf::ThirdParty(ThirdPartyFormat::Thumbor, ..)) => {
                Some(Dialect::Thumbor)
            }
            _ => None,
        }
    }

    /// Two directives of this level that exclude each other.
    pub fn mixed(&self) -> Option<(&'static str, &'static str)> {
        let is_given = |name: &str| match name {
            "secure_link_hash" => self.value.is_some(),
            "secure_link_hash_md5" => self.md5.is_some(),
            "secure_link_hash_secret" => self.secret.is_some(),
            "secure_link_hash_message" => self.message.is_some(),
            "secure_link_hash_prefix" => self.prefix == Some(true),
            _ => matches!(self.links, Some(LinkFormatConf::ThirdParty(..))),
        };
        EXCLUSIVE.into_iter().find(|(one, other)| is_given(one) && is_given(other))
    }

    /// Whether only requests with a right link are let in.
    pub fn is_required(&self) -> bool {
        self.require.is_some_and(|require| require.is_on)
    }

    /// By what links have to be right here; `None` where they need not.
    pub fn guard(&self) -> Option<Guard> {
        let (format, origin) = match self.links {
            Some(LinkFormatConf::ThirdParty(format, origin, rules)) => {
                (Some((format, rules)), Some(origin))
            }
            Some(LinkFormatConf::Plain) | None => (None, None),
        };
        self.is_required().then(|| Guard {
            keys: self.keys.as_ref().map(Rc::as_ptr),
            secret: self.secret.clone(),
            format,
            texts: [self.value, self.md5, self.message, self.not_before, origin]
                .map(|expression| expression.map(|expression| expression.text().to_vec())),
            algorithm: self.algorithm,
            encoding: self.encoding,
            times: [self.leeway, self.max_age],
            prefix: self.prefix,
            unsigned_args: self.unsigned_args.clone(),
        })
    }

    /// The names of the arguments in which a link has its token and its expiry.
    pub fn own_arguments(&self) -> impl Iterator<Item = &[u8]> {
        let names = self.value.as_ref().map(Expression::variables).into_iter().flatten();
        names.filter_map(|name| name.strip_prefix(b"arg_"))
    }

    /// What links may hold though nobody signed it. Only where they have to be right: elsewhere
    /// the variables speak of what is signed, and the configuration of the rest.
    pub fn unsigned(&self) -> Unsigned<'_> {
        match &self.unsigned_args {
            _ if !self.is_required() => Unsigned::Any,
            Some(UnsignedArgs::Any) => Unsigned::Any,
            Some(UnsignedArgs::Named(names)) => Unsigned::Named(names),
            None => Unsigned::Named(&[]),
        }
    }
}
