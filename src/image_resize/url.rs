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

/// Reads the directive.
pub fn set(slot: &mut Option<Rc<UrlConf>>, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let words: Vec<_> = Dialect::WORDS.iter().map(|(word, _)| *word).collect();
    let dialect = Dialect::from_word(args.arg(0));
    let words = words.join(", ");
    let dialect = expect(dialect, args.arg(0), format_args!("one of {words}"))?;
    let (mut unknowns, mut hosts) = (None, None);
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
            _ => {
                return expect(
                    None,
                    argument,
                    format_args!("unknown=400, unknown=ignore or hosts=LIST"),
                );
            }
        }
    }
    let hosts = hosts.unwrap_or(MayAsk::Listed(Hosts::default()));
    let url = UrlConf { dialect, unknown: unknowns.unwrap_or_default(), hosts };
    once(slot, Rc::new(url))
}
