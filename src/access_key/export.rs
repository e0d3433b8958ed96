//! `access_key_statsd` and `access_key_redis`.

use std::time::Duration;

use image_gate_core::key::{Statsd, Tags, is_id};
use image_gate_runtime::export::{Client, ExportConf, RedisConf, StatsdConf};

use super::conf::MainConf;
use crate::ngx::conf::{self, ConfError, expect, interval, once};
use crate::ngx::worker;

/// The longest prefix, so that a line fits into a datagram whatever the partner is called.
const MAX_PREFIX: usize = 512;

/// `access_key_statsd HOST:PORT [prefix=] [interval=10s] [tags=dogstatsd]`.
pub fn set_statsd(conf: &mut MainConf, args: &conf::DirectiveArgs<'_>) -> Result<(), ConfError> {
    let address = args.arg(0);
    let is_address = std::str::from_utf8(address).ok().filter(|address| {
        address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    });
    let address = expect(is_address, address, format_args!("HOST:PORT"))?.to_owned();
    let (mut prefix, mut every, mut tags) = (None, None, None);
    for argument in args.rest(1) {
        if let Some(text) = argument.strip_prefix(b"prefix=") {
            let text = expect(
                name(text),
                text,
                format_args!("letters, digits, \"_\", \"-\" and single dots"),
            )?;
            once(&mut prefix, text)?;
        } else if let Some(text) = argument.strip_prefix(b"interval=") {
            once(&mut every, interval(text)?)?;
        } else if let Some(text) = argument.strip_prefix(b"tags=") {
            let is_known = (text == b"dogstatsd").then_some(Tags::Dogstatsd);
            once(&mut tags, expect(is_known, text, format_args!("dogstatsd"))?)?;
        } else {
            let expected = format_args!("prefix=NAME, interval=TIME or tags=dogstatsd");
            return expect(None, argument, expected);
        }
    }
    let statsd = Statsd {
        prefix: prefix.unwrap_or_else(|| "access_key".to_owned()),
        tags: tags.unwrap_or(Tags::None),
    };
    let interval = every.unwrap_or(Duration::from_secs(10));
    once(&mut conf.exports.statsd, StatsdConf { address, interval, statsd })
}

/// A prefix of names; a dot at its end is taken off, as one comes anyway.
fn name(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_name = text.len() <= MAX_PREFIX
        && text.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        });
    (is_name || text.is_empty()).then(|| text.to_owned())
}

/// `access_key_redis URL [node=ID] [interval=1s] [timeout=200ms] [on_error=local|deny]`.
pub fn set_redis(conf: &mut MainConf, args: &conf::DirectiveArgs<'_>) -> Result<(), ConfError> {
    let (mut node, mut every, mut timeout, mut deny) = (None, None, None, None);
    for argument in args.rest(1) {
        if let Some(text) = argument.strip_prefix(b"node=") {
            let expected = format_args!("up to 64 of A-Z, a-z, 0-9, \".\", \"_\" and \"-\"");
            let text = expect(is_id(text).then_some(text), text, expected)?;
            once(&mut node, String::from_utf8_lossy(text).into_owned())?;
        } else if let Some(text) = argument.strip_prefix(b"interval=") {
            once(&mut every, interval(text)?)?;
        } else if let Some(text) = argument.strip_prefix(b"timeout=") {
            once(&mut timeout, interval(text)?)?;
        } else if let Some(text) = argument.strip_prefix(b"on_error=") {
            let known = match text {
                b"local" => Some(false),
                b"deny" => Some(true),
                _ => None,
            };
            once(&mut deny, expect(known, text, format_args!("local or deny"))?)?;
        } else {
            let expected = format_args!("node=ID, interval=TIME, timeout=TIME or on_error=");
            return expect(None, argument, expected);
        }
    }
    let redis = RedisConf {
        client: client(args.arg(0))?,
        node: node.unwrap_or_else(hostname),
        interval: every.unwrap_or(Duration::from_secs(1)),
        timeout: timeout.unwrap_or(Duration::from_millis(200)),
        deny: deny.unwrap_or(false),
    };
    once(&mut conf.exports.redis, redis)
}

/// A URL may hold a password: no message quotes it.
fn client(url: &[u8]) -> Result<Client, ConfError> {
    let url = String::from_utf8_lossy(url);
    if url.starts_with("rediss:") || url.starts_with("valkeys:") {
        return Err(ConfError::invalid(
            "no TLS: use a local socket, a tunnel or a private network",
        ));
    }
    Client::open(&*url).map_err(|_| {
        ConfError::invalid(
            "invalid URL, it must be redis://[[user]:password@]host[:port][/database] or \
             unix:///path[?db=database&pass=password]",
        )
    })
}

/// Returns the name of this node.
pub fn node(conf: &ExportConf) -> String {
    conf.redis.as_ref().map_or_else(hostname, |redis| redis.node.clone())
}

/// Returns the name of this machine, in the letters that a node's name may have.
fn hostname() -> String {
    worker::hostname()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .take(64)
        .collect()
}
