//! `image_resize_url`: whose links a location reads, and which hosts those may name.

use std::rc::Rc;

use image_gate_core::image::{Dialect, Hosts, Unknown, Words};

use super::value::split;
use crate::ngx::conf::{ConfError, DirectiveArgs, Expression, expect, once};
use crate::ngx::{Parser, location};

/// What the directive says.
pub struct UrlConf {
    pub dialect: Dialect,
    pub unknown: Unknown,
    pub hosts: MayAsk,
    /// What stands before the path in URIs that are told to clients; where the first comes to
    /// nothing, the other.
    pub base: [Expression; 2],
}

impl UrlConf {
    /// Whether links say by their arguments what is made, and not by their path.
    pub fn reads_arguments(&self) -> bool {
        match self.dialect {
            Dialect::Imgix | Dialect::Next | Dialect::Weserv => true,
            Dialect::Cloudflare
            | Dialect::Iiif
            | Dialect::Imgproxy
            | Dialect::Ipx
            | Dialect::Thumbor => false,
        }
    }

    /// Whether links say by their path which picture they are of.
    pub fn reads_paths(&self) -> bool {
        !matches!(self.dialect, Dialect::Next | Dialect::Weserv)
    }
}

/// Which hosts may be asked for sources.
pub enum MayAsk {
    Listed(Hosts),
    /// Where that is neither empty nor `0`.
    By(Expression),
}

/// What leads to a location, as far as it is a part of its links.
#[derive(Clone, Default)]
pub enum Prefix {
    /// What its name says.
    Name(Rc<[u8]>),
    /// Nothing: a regular expression, or nothing that is known yet.
    #[default]
    None,
    /// That of the location that led there: it has a name that begins with `@`.
    Before,
}

impl Prefix {
    /// That of the location that is merged.
    pub fn of(parser: Parser<'_>, parent: &Prefix) -> Prefix {
        match location::current(parser) {
            Some(current) => Prefix::Name(current.name.into()),
            // What is in `if` is in the location around it.
            None if location::is_nameless(parser) => parent.clone(),
            None if location::name(parser).starts_with(b"@") => Prefix::Before,
            None => Prefix::None,
        }
    }
}

/// Whether a text is a URL to which a path can be added.
pub fn is_base(url: &[u8]) -> bool {
    let behind = url.strip_prefix(b"https://").or_else(|| url.strip_prefix(b"http://"));
    behind.is_some_and(|host| {
        !host.is_empty()
            && !host.starts_with(b"/")
            && !host.ends_with(b"/")
            && host.iter().all(u8::is_ascii_graphic)
    })
}

/// Reads the directive.
pub fn set(slot: &mut Option<Rc<UrlConf>>, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let words: Vec<_> = Dialect::WORDS.iter().map(|(word, _)| *word).collect();
    let dialect = Dialect::from_word(args.arg(0));
    let words = words.join(", ");
    let dialect = expect(dialect, args.arg(0), format_args!("one of {words}"))?;
    let (mut unknowns, mut hosts, mut base) = (None, None, None);
    for argument in args.rest(1) {
        match split(argument) {
            (b"unknown", value) => {
                let value = match value {
                    b"400" => Some(Unknown::Refuse),
                    b"ignore" => Some(Unknown::Ignore),
                    _ => None,
                };
                let value = expect(value, argument, format_args!("unknown=400 or unknown=ignore"))?;
                once(&mut unknowns, value)?;
            }
            (b"hosts", value) => {
                let expression = args.expression(value)?;
                let may_ask = match expression.constant() {
                    None => MayAsk::By(expression),
                    Some(list) => MayAsk::Listed(Hosts::parse(list).map_err(|name| {
                        ConfError::invalid(format_args!("\"{name}\" is no name of hosts"))
                    })?),
                };
                once(&mut hosts, may_ask)?;
            }
            (b"base", url) if dialect == Dialect::Iiif => {
                let is_url = |url: &[u8]| url.contains(&b'$') || is_base(url);
                let url = Some(url).filter(|url| is_url(url));
                let url = expect(url, argument, format_args!("a URL as in https://example.com"))?;
                once(&mut base, args.expression(url)?)?;
            }
            _ => {
                let base = if dialect == Dialect::Iiif { ", base=URL" } else { "" };
                return expect(
                    None,
                    argument,
                    format_args!("unknown=400, unknown=ignore{base} or hosts=LIST"),
                );
            }
        }
    }
    let hosts = hosts.unwrap_or(MayAsk::Listed(Hosts::default()));
    let base = match base {
        Some(base) => [base; 2],
        None => [args.expression(b"$scheme://$http_host")?, args.expression(b"$scheme://$host")?],
    };
    let url = UrlConf { dialect, unknown: unknowns.unwrap_or_default(), hosts, base };
    once(slot, Rc::new(url))
}
