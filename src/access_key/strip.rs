//! Keys leave the request once its location is known, before anyone passes them on.

use image_gate_core::escapes::percent_decode_lossy;
use image_gate_core::key::KeySource;
use image_gate_core::key::source::{
    Edit, arguments, cookies, edit_arguments, edit_cookies, edit_segment, edit_uri, segment,
};
use nginx_sys::{NGX_DECLINED, NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_int_t};
use smallvec::SmallVec;

use super::conf::{conf, server};
use super::request_key::{RequestKey, RequestKeys, bearer};
use crate::ngx::incoming::RequestPart;
use crate::ngx::phase::Handler;
use crate::ngx::{NoMemory, Request};

/// Handler of the phase that rewrites the URI of a location, before its own rules.
pub enum Rewrite {}

impl Handler for Rewrite {
    fn handle(request: Request<'_>) -> ngx_int_t {
        match strip_key(request) {
            Ok(()) => NGX_DECLINED as ngx_int_t,
            Err(NoMemory) => NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t,
        }
    }
}

/// Looks at the key of a request whose location wants one, and takes it out or masks it.
///
/// # Errors
/// There is no memory; the request must not go on with its key.
pub fn strip_key(request: Request<'_>) -> Result<(), NoMemory> {
    let (Some(conf), Some(server)) = (conf(&request), server(&request)) else { return Ok(()) };
    let Some((access, _)) = conf.access().filter(|_| request.is_main()) else { return Ok(()) };
    let request_keys = RequestKeys::of(request).ok_or(NoMemory)?;
    if request_keys.is_stripped(access) {
        return Ok(());
    }
    let request_key = request_keys.here(request, conf).ok_or(NoMemory)?;
    let edit = match (conf.strip(), server.mask()) {
        (true, _) => Edit::Remove,
        (false, true) => Edit::Mask,
        (false, false) => return Ok(()),
    };
    let mut is_named = false;
    for source in &access.sources {
        let before = |value: &[u8]| {
            let credential = request_keys.credential(request, source);
            request_keys.note(value, credential.as_ref());
        };
        match source {
            KeySource::Argument(name) => {
                let args = request.part(RequestPart::Args);
                let Some(edited) = edit_arguments(args, name, edit) else { continue };
                arguments(args, name).for_each(before);
                request.set_part(RequestPart::Args, &edited)?;
                is_named = true;
            }
            KeySource::Header(name) => edit_header(request, name, edit, before),
            KeySource::Cookie(name) => edit_cookie(request, name, edit, before)?,
            KeySource::Segment(number) => {
                // Only where it was a key, and not twice.
                let Some(credential) = request_keys.credential(request, source) else { continue };
                let key = &*credential.key;
                if *request_key.uri == *request.uri()
                    || segment(request.uri(), *number) != Some(key)
                {
                    continue;
                }
                if server.mask() {
                    note_parted(request, request_keys, key);
                    request.edit_line(|uri| edit_uri(uri, &[], Some(key), Edit::Mask))?;
                }
                let uri = request.part(RequestPart::UnparsedUri);
                if let Some(uri) = edit_uri(uri, &[], Some(key), edit) {
                    request.set_part(RequestPart::UnparsedUri, &uri)?;
                }
                if let Some(uri) = edit_segment(request.uri(), *number, edit) {
                    request.set_uri(&uri)?;
                }
            }
        }
    }
    mask_referer(request, request_keys, &request_key)?;
    if is_named {
        let names = names(&access.sources);
        if server.mask() {
            request.edit_line(|uri| edit_uri(uri, &names, None, Edit::Mask))?;
        }
        let uri = edit_uri(request.part(RequestPart::UnparsedUri), &names, None, edit);
        if let Some(uri) = uri {
            request.set_part(RequestPart::UnparsedUri, &uri)?;
        }
    }
    Ok(())
}

/// Masks the keys in `Referer`: the page that a picture stands in may have been asked for with one.
/// Arguments of other pages that are called like one stay.
fn mask_referer(
    request: Request<'_>,
    request_keys: &RequestKeys,
    request_key: &RequestKey,
) -> Result<(), NoMemory> {
    let sources = &request_key.access.sources;
    let is_key = |value: &[u8]| {
        let value = percent_decode_lossy(value);
        let is_presented = |source: &KeySource| {
            let credential = request_keys.credential(request, source);
            credential.is_some_and(|credential| *credential.key == *value)
        };
        sources.iter().any(is_presented) || request_key.is_held(&value)
    };
    let mut result = Ok(());
    request.each_incoming(b"Referer", |header| {
        let uri = header.value();
        let query = uri.splitn(2, |&byte| byte == b'?').nth(1).unwrap_or_default();
        let mut names = names(sources);
        names.retain(|name| arguments(query, name).any(is_key));
        let segment = request_key.segment();
        let Some(edited) = edit_uri(uri, &names, segment, Edit::Mask) else { return };
        for name in &names {
            arguments(query, name).for_each(|value| request_keys.note(value, None));
        }
        if result.is_ok() {
            result = header.set_value(&edited);
        }
    });
    result
}

/// Notes the other parts of segments that a slash, escaped by the client, made several of: with
/// the one that came as a key, they may be one.
fn note_parted(request: Request<'_>, request_keys: &RequestKeys, key: &[u8]) {
    let uri = request.part(RequestPart::UnparsedUri);
    let path = uri.split(|&byte| byte == b'?').next().unwrap_or_default();
    for segment in path.split(|&byte| byte == b'/').filter(|segment| segment.contains(&b'%')) {
        let segment = percent_decode_lossy(segment);
        let parts = || segment.split(|&byte| byte == b'/').filter(|part| !part.is_empty());
        if parts().nth(1).is_some() && parts().any(|part| part == key) {
            parts().for_each(|part| request_keys.note(part, None));
        }
    }
}

/// The names of the arguments among the sources.
pub fn names(sources: &[KeySource]) -> SmallVec<[&[u8]; 4]> {
    let names = sources.iter().filter_map(|source| match source {
        KeySource::Argument(name) => Some(&name[..]),
        KeySource::Header(_) | KeySource::Cookie(_) | KeySource::Segment(_) => None,
    });
    names.collect()
}

/// Edits a header. Of `Authorization`, what is no token stays: it is a password for something else.
fn edit_header(request: Request<'_>, name: &[u8], edit: Edit, before: impl Fn(&[u8])) {
    request.each_incoming(name, |header| {
        let key = if name == b"authorization" { bearer(header.value()) } else { header.value() };
        if !key.is_empty() {
            before(key);
            match edit {
                Edit::Remove => header.remove(),
                Edit::Mask => header.blot("***"),
            }
        }
    });
}

fn edit_cookie(
    request: Request<'_>,
    name: &[u8],
    edit: Edit,
    before: impl Fn(&[u8]),
) -> Result<(), NoMemory> {
    let mut result = Ok(());
    request.each_incoming(b"Cookie", |header| {
        let Some(value) = edit_cookies(header.value(), name, edit) else { return };
        cookies(header.value(), name).for_each(&before);
        if result.is_ok() && !value.is_empty() {
            result = header.set_value(&value);
        } else {
            header.remove();
        }
    });
    result
}
