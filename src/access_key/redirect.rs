//! Hands a request to where the originals are.

use image_gate_core::key::KeySource;
use image_gate_core::key::source::{Edit, edit_arguments};
use nginx_sys::{
    NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_NOT_ALLOWED, NGX_HTTP_NOT_FOUND, NGX_LOG_ERR,
    ngx_int_t,
};

use super::conf::{MainConf, RedirectTarget, SrvConf, conf, server};
use super::taken::target;
use crate::ngx::conf::WarnedOnce;
use crate::ngx::incoming::RequestPart;
use crate::ngx::phase::Handler;
use crate::ngx::{Parser, Request};

/// Answers the requests of a location with `access_key_redirect`, after every access module.
pub enum Redirect {}

impl Handler for Redirect {
    fn handle(request: Request<'_>) -> ngx_int_t {
        redirect(request)
    }
}

fn redirect(request: Request<'_>) -> ngx_int_t {
    if !request.is_get_or_head() {
        return NGX_HTTP_NOT_ALLOWED as ngx_int_t;
    }
    let target = conf(&request).and_then(|conf| conf.redirect.as_ref());
    let (uri, args) = match target {
        None => return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t,
        Some(RedirectTarget::Named(name)) => {
            let args = without_keys(request, request.part(RequestPart::Args));
            if request.set_part(RequestPart::Args, &args).is_err() {
                return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
            }
            return request.named_location(name);
        }
        Some(RedirectTarget::Uri(uri, args)) => (
            uri.evaluate(request),
            args.as_ref().map_or(Some(&b""[..]), |args| args.evaluate(request)),
        ),
    };
    let (Some(uri), Some(args)) = (uri, args) else {
        return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
    };
    if !is_safe(uri) {
        let line = format_args!("access_key_redirect: the URI is not safe");
        request.log_line(NGX_LOG_ERR, line);
        return NGX_HTTP_NOT_FOUND as ngx_int_t;
    }
    request.internal_redirect(uri, &without_keys(request, args))
}

/// Whether a path that variables are in leads nowhere else: it is not decoded any more, so only
/// what it says literally counts.
fn is_safe(uri: &[u8]) -> bool {
    uri.first() == Some(&b'/')
        && !uri.contains(&0)
        && uri.split(|&byte| byte == b'/').all(|segment| segment != b"..")
}

/// Arguments without those that any location of the server takes a key from.
fn without_keys(request: Request<'_>, args: &[u8]) -> Vec<u8> {
    let mut args = args.to_vec();
    if let Some(server) = server(&request) {
        for source in server.sources.borrow().iter() {
            if let KeySource::Argument(name) = source
                && let Some(edited) = edit_arguments(&args, name, Edit::Remove)
            {
                args = edited;
            }
        }
    }
    args
}

/// Warns of targets that clients can ask for themselves.
pub fn warn(parser: Parser<'_>, main: &MainConf, warned: &WarnedOnce) {
    for redirect in main.notes.redirects.borrow().iter() {
        let (Some(server), Some(uri)) = (&redirect.conf, &redirect.uri) else { continue };
        let target = target(uri.text());
        if !target.starts_with(b"/") {
            continue;
        }
        let shown = String::from_utf8_lossy(target);
        if leads_nowhere(server, target) {
            warned.warn(
                &redirect.place,
                parser,
                format_args!(
                    "\"{shown}\" leads to no location of this server: there has to be an internal \
                     one"
                ),
            );
        }
        if let Some(name) = public(server, target) {
            let name = String::from_utf8_lossy(&name);
            warned.warn(
                &redirect.place,
                parser,
                format_args!(
                    "\"{shown}\" leads to location \"{name}\", which is not internal: it can be \
                     asked for without a key"
                ),
            );
        }
    }
}

/// Whether no location of the server can be meant by URIs with this beginning.
pub fn leads_nowhere(server: &SrvConf, target: &[u8]) -> bool {
    let longer = [target, b"/"].concat();
    let is_meant = |name: &[u8]| longer.starts_with(name) || name.starts_with(target);
    !server.has_regex.get() && !server.locations.borrow().iter().any(|(name, ..)| is_meant(name))
}

/// The location that URIs with this beginning lead to, if it is not internal.
fn public(server: &SrvConf, target: &[u8]) -> Option<Vec<u8>> {
    let locations = server.locations.borrow();
    // What follows a variable may begin with a slash: `/originals$access_key_uri`.
    let longer = [target, b"/"].concat();
    let (name, _, is_internal) = locations
        .iter()
        .filter(
            |(name, is_exact, _)| if *is_exact { name == target } else { longer.starts_with(name) },
        )
        .max_by_key(|(name, is_exact, _)| (*is_exact, name.len()))?;
    // One that begins with more may be meant, by what the variable holds.
    let may_be_internal =
        || locations.iter().any(|(name, _, is_internal)| *is_internal && name.starts_with(&longer));
    (!is_internal && !may_be_internal()).then(|| name.clone())
}
