//! Images go by no more of a request than its link signs.
//!
//! What a message names of a request is one thing, how images read it another: `$arg_w` is the first argument of that name as it
//! stands, `$uri` the path once it was decoded and resolved. So links of other image servers are read as they came, and as they would be
//! written of what was signed, and have to ask for the same.

use image_gate_core::image::Signed;
use image_gate_core::key::source::{Edit, edit_arguments};
use image_gate_core::link::{Unsigned, VerifyError, comes_to};

use super::conf::LocConf;
use crate::image_resize::{ImageResize, link};
use crate::ngx::Request;
use crate::ngx::conf::Expression;
use crate::ngx::incoming::RequestPart;

/// The variables that hold all arguments as they came, but maybe those of the link itself.
pub const ALL: [&[u8]; 4] = [b"args", b"query_string", b"request_uri", ADDRESS];

/// The variables that hold the path once it was decoded and resolved.
pub const PATHS: [&[u8]; 2] = [b"document_uri", b"uri"];

/// The variable that is the address as it came, without the arguments of the link itself.
pub const ADDRESS: &[u8] = b"secure_link_hash_request_uri";

/// Whether images that a location makes of a request go by nothing that `message` leaves out, where
/// links are required to be right.
///
/// # Errors
/// [`VerifyError::Unsigned`].
pub fn check(
    request: &Request<'_>,
    conf: &LocConf,
    message: Expression,
) -> Result<(), VerifyError> {
    let Some(image) = request.location::<ImageResize>().filter(|_| conf.is_required()) else {
        return Ok(());
    };
    let signs = |wanted: &[&[u8]]| message.variables().any(|name| wanted.contains(&name));
    if signs(&[b"request_uri"]) {
        return Ok(());
    }
    let has_raw_path = signs(&[ADDRESS]);
    let mut address = request.part(RequestPart::UnparsedUri).splitn(2, |&byte| byte == b'?');
    let path = address.next().unwrap_or_default();
    let args = match has_raw_path {
        true => address.next().unwrap_or_default(),
        false => request.part(RequestPart::Args),
    };
    let is_all = signs(&ALL) || matches!(conf.unsigned(), Unsigned::Any);
    if !is_all && reads_all(image.asked_by()) && has_unsigned(args, conf, message) {
        return Err(VerifyError::Unsigned);
    }
    if !image.reads_links() {
        return Ok(());
    }
    // A path that was rewritten is not the one that images are read from.
    let has_path = signs(&PATHS) || conf.prefix == Some(true);
    if !has_raw_path && has_path && !comes_to(path, request.uri()) {
        return Err(VerifyError::Unsigned);
    }
    let query = match is_all {
        true if has_raw_path => without_own(args, conf),
        true => args.to_vec(),
        false => named(args, conf, message),
    };
    let signed = Signed { has_raw_path, query: &query };
    if link::asks_for_signed(*request, &signed) { Ok(()) } else { Err(VerifyError::Unsigned) }
}

/// Whether one of those expressions holds all arguments.
fn reads_all(mut expressions: impl Iterator<Item = (&'static str, Expression)>) -> bool {
    expressions.any(|(_, read)| read.variables().any(|name| ALL.contains(&name)))
}

/// Whether there are arguments but those of the link itself, those that anybody may add, and those that a
/// message names, as it names them, where they stand once: then all read the same of them. What anybody may add holds
/// no more than itself, though parameters are parted by commas and slashes, too.
fn has_unsigned(args: &[u8], conf: &LocConf, message: Expression) -> bool {
    let is_once = |name: &[u8]| {
        let names = args.split(|&byte| byte == b'&').map(name_of);
        names.filter(|other| other.eq_ignore_ascii_case(name)).count() == 1
    };
    let is_signed = |name: &[u8]| {
        message.variables().any(|variable| variable.strip_prefix(b"arg_") == Some(name))
    };
    let has_more = |argument: &[u8]| argument.iter().any(|byte| matches!(byte, b',' | b'/'));
    let is_known = |argument: &[u8]| {
        let name = name_of(argument);
        let is_own = conf.own_arguments().any(|own| own.eq_ignore_ascii_case(name));
        is_own || is_allowed(name, conf) && !has_more(argument) || is_signed(name) && is_once(name)
    };
    args.split(|&byte| byte == b'&').any(|argument| !argument.is_empty() && !is_known(argument))
}

/// What stands before the first equals sign of an argument.
fn name_of(argument: &[u8]) -> &[u8] {
    argument.split(|&byte| byte == b'=').next().unwrap_or_default()
}

/// Whether anybody may add an argument of that name.
fn is_allowed(name: &[u8], conf: &LocConf) -> bool {
    match conf.unsigned() {
        Unsigned::Any => true,
        Unsigned::Named(names) => names.iter().any(|known| known.eq_ignore_ascii_case(name)),
    }
}

/// The arguments, of those of the link itself the ones that count.
fn without_own(args: &[u8], conf: &LocConf) -> Vec<u8> {
    let own: Vec<&[u8]> = conf.own_arguments().collect();
    let is_own = |argument: &[u8]| {
        own.iter().any(|own| edit_arguments(argument, own, Edit::Remove).is_some())
    };
    counting(args, &own, |argument| !is_own(argument))
}

/// The arguments that a message names, those of the link itself, and those that anybody may add.
fn named(args: &[u8], conf: &LocConf, message: Expression) -> Vec<u8> {
    let named = message.variables().filter_map(|name| name.strip_prefix(b"arg_"));
    let names: Vec<&[u8]> = conf.own_arguments().chain(named).collect();
    counting(args, &names, |argument| is_allowed(name_of(argument), conf))
}

/// The arguments of those names, as their variables have them, beside others that are kept. An empty
/// one and none are the same to a variable.
fn counting(args: &[u8], names: &[&[u8]], is_kept: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut query = Vec::new();
    let mut push = |argument: &[u8]| {
        if !query.is_empty() {
            query.push(b'&');
        }
        query.extend_from_slice(argument);
    };
    let mut found: Vec<&[u8]> = Vec::new();
    for argument in args.split(|&byte| byte == b'&') {
        let at = argument.iter().position(|&byte| byte == b'=');
        let (name, value) = argument.split_at(at.unwrap_or(argument.len()));
        let is_it = |known: &&&[u8]| known.eq_ignore_ascii_case(name) && !found.contains(known);
        match names.iter().find(is_it).filter(|_| at.is_some()) {
            Some(known) => {
                found.push(known);
                if value.len() > 1 {
                    push(&[&known.to_ascii_lowercase(), value].concat());
                }
            }
            None if is_kept(argument) => push(argument),
            None => (),
        }
    }
    query
}
