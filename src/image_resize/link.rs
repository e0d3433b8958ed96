//! The link of a request in the notation of another image server, read once, for the plan and for
//! `$image_resize_source` and the like.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use image_gate_core::image::{
    Asked, Description, Dialect, Error, Origin, Resource, Signed, Source, Unknown,
};
use nginx_sys::NGX_LOG_INFO;

use super::conf::{LocConf, conf};
use super::response_info::Failure;
use super::url::{MayAsk, Prefix, UrlConf, is_base};
use crate::ngx::Request;
use crate::ngx::incoming::{RequestPart, RequestString};

/// A link of a request as a location reads it.
struct Reading {
    /// Which location it is.
    conf: usize,
    uri: RequestString,
    prefix: Rc<[u8]>,
    /// The host of which it is asked whether it may be.
    candidate: RefCell<Option<Origin>>,
    outcome: OnceCell<Result<Asked, Error>>,
}

/// Returns what the link of a request asks for in its location; `None` where links are not read.
///
/// The outcome is [`Error::BadParams`] where the link is none, and [`Error::NotAllowed`] where its
/// source is a host that may not be asked.
pub fn asked<'r>(request: Request<'r>) -> Option<Result<&'r Asked, &'r Error>> {
    reading(request)?.outcome.get().map(Result::as_ref)
}

/// Returns what the link of a request asks for, as [`asked`], with the failure that there is
/// otherwise.
///
/// # Errors
/// [`Failure::Params`], and [`Failure::Expired`] where the link has ended.
pub fn valid<'r>(request: Request<'r>) -> Result<Option<&'r Asked>, Failure> {
    match asked(request) {
        None => Ok(None),
        Some(Err(error)) => Err(Failure::Params(error.clone())),
        Some(Ok(asked)) if asked.expires.is_some_and(|end| end < request.started()) => {
            Err(Failure::Expired)
        }
        Some(Ok(asked)) => Ok(Some(asked)),
    }
}

/// The link of a request, read; not so far yet where that is going on.
fn reading<'r>(request: Request<'r>) -> Option<&'r Reading> {
    let conf = conf(&request)?;
    let url = conf.url.as_deref()?;
    let before = request.own::<Reading>();
    let (place, uri) = (std::ptr::from_ref(conf).addr(), request.string(RequestPart::UnparsedUri));
    if let Some(reading) = before.filter(|reading| reading.conf == place && reading.uri == uri) {
        return Some(reading);
    }
    let prefix = prefix(conf, before);
    let reading = request.attach_own(Reading {
        conf: place,
        uri,
        prefix,
        candidate: RefCell::default(),
        outcome: OnceCell::new(),
    })?;
    let outcome = read(request, url, reading, conf.hears());
    if let Ok(asked) = &outcome
        && !asked.left_out.is_empty()
    {
        let (names, uri) = (asked.left_out.join(", "), path(&request).escape_ascii());
        let line = format_args!("image_resize: left out: {names}, uri: \"{uri}\"");
        request.log_line(NGX_LOG_INFO, line);
    }
    let _ = reading.outcome.set(outcome);
    Some(reading)
}

/// What a line of the log says of where something was asked for: of a link the path as the client wrote it,
/// as where that leads may be the same for all that are refused.
pub fn path<'a>(request: &'a Request<'_>) -> &'a [u8] {
    let reads = conf(request).is_some_and(|conf| conf.url.is_some());
    let written = request.part(RequestPart::UnparsedUri);
    if !reads || written.is_empty() {
        return request.uri();
    }
    written.split(|&byte| byte == b'?').next().unwrap_or_default()
}

/// What of its path is the location's.
fn prefix(conf: &LocConf, before: Option<&Reading>) -> Rc<[u8]> {
    match &conf.url_prefix {
        Prefix::Name(name) => name.clone(),
        Prefix::None => Rc::default(),
        Prefix::Before => before.map_or_else(Rc::default, |before| before.prefix.clone()),
    }
}

/// What of an address, as the client wrote it, links of a server begin with in the location of a
/// request: all of it where none are read there, so that no link of another location is right there.
pub fn behind_location<'a>(request: Request<'_>, dialect: Dialect, uri: &'a [u8]) -> &'a [u8] {
    let reads = |conf: &&LocConf| conf.dialect() == Some(dialect);
    let Some(conf) = conf(&request).filter(reads) else { return uri };
    let prefix = prefix(conf, request.own::<Reading>());
    let Ok(link) = dialect.link(uri, &prefix) else { return uri };
    let len = link.path.len() + link.query.map_or(0, |query| query.len() + 1);
    let written = uri.get(uri.len().saturating_sub(len)..).unwrap_or(uri);
    if written.starts_with(b"/") { written } else { uri }
}

/// Whether the link of a request asks for nothing that was not signed. Nothing but the request and
/// its location has a say in that.
pub fn asks_for_signed(request: Request<'_>, signed: &Signed<'_>) -> bool {
    let Some((conf, url)) = conf(&request).and_then(|conf| Some((conf, conf.url.as_deref()?)))
    else {
        return true;
    };
    let prefix = prefix(conf, request.own::<Reading>());
    let uri = request.part(RequestPart::UnparsedUri);
    url.dialect.asks_for_signed(uri, &prefix, url.unknown, signed)
}

fn read(
    request: Request<'_>,
    url: &UrlConf,
    reading: &Reading,
    hears: bool,
) -> Result<Asked, Error> {
    let uri = request.part(RequestPart::UnparsedUri);
    let link = url.dialect.link(uri, &reading.prefix)?;
    let mut asked = url.dialect.read(link, url.unknown)?;
    if !hears && asked.params.name_auto() {
        let left_out = "width=auto, as there is no image_resize_hints".to_owned();
        if url.unknown == Unknown::Refuse {
            return Err(Error::BadParams(left_out));
        }
        asked.params.forget_auto();
        asked.left_out.push(left_out);
    }
    let source = asked.source.resolve(|origin| match &url.hosts {
        MayAsk::Listed(hosts) => hosts.allow(origin),
        MayAsk::By(expression) => {
            // The variable may look at the host.
            reading.candidate.replace(Some(origin.clone()));
            let _captures = request.captures_apart();
            expression.is_set(request)
        }
    });
    Ok(Asked { source: source?, ..asked })
}

/// Whether the link of a request leads only to where it is told of a picture.
pub fn leads_on(request: Request<'_>) -> bool {
    let asked = asked(request).and_then(Result::ok);
    asked.is_some_and(|asked| asked.resource == Resource::Base)
}

/// Returns what is to be told of a picture in place of the picture, where the link of a request asks
/// for that, and its location makes pictures.
pub fn description<'r>(request: Request<'r>) -> Option<&'r Description> {
    let makes_image = conf(&request)?.mode().makes_image();
    match &asked(request).filter(|_| makes_image)?.ok()?.resource {
        Resource::Description(description) => Some(description),
        Resource::Image | Resource::Base => None,
    }
}

/// The same with the URI that it is at, where that is told.
pub fn described(request: Request<'_>) -> Option<Result<Description, Error>> {
    description(request).map(|description| description.clone().at(|| written_out(request)))
}

/// Returns the URI of the request as its client has it, without arguments.
pub fn written_out(request: Request<'_>) -> Result<String, Error> {
    let bases = conf(&request).and_then(|conf| conf.url.as_deref()).map(|url| url.base);
    let mut bases = bases.into_iter().flatten().filter_map(|base| base.evaluate(request));
    let base = bases
        .find(|base| is_base(base))
        .ok_or_else(|| Error::Directive("\"image_resize_url\": base= is no URL".to_owned()))?;
    let path = request.part(RequestPart::UnparsedUri).split(|&byte| byte == b'?').next();
    Ok(String::from_utf8_lossy(&[base, path.unwrap_or_default()].concat()).into_owned())
}

/// Returns something of the source that a request's link names; `None` where it names none.
pub fn source<T>(request: Request<'_>, get: impl FnOnce(&Source) -> T) -> Option<T> {
    asked(request)?.ok().map(|asked| get(&asked.source))
}

/// Returns something of the host of that source, also while it is asked whether that may be asked.
pub fn origin<T>(request: Request<'_>, get: impl FnOnce(&Origin) -> T) -> Option<T> {
    let reading = reading(request)?;
    match reading.outcome.get() {
        Some(outcome) => outcome.as_ref().ok()?.source.origin.as_ref().map(get),
        None => reading.candidate.borrow().as_ref().map(get),
    }
}
