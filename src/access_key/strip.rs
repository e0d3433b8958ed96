//! Keys leave the request once its location is known, before anyone passes them on.

use image_gate_core::escapes::percent_decode_lossy;
use image_gate_core::key::KeySource;
use image_gate_core::key::source::{
    Edit, KeySegment, MASK, arguments, cookies, edit_arguments, edit_cookies, edit_request_uri,
    edit_segments, edit_uri, is_within, mask_segments, segment,
};
use image_gate_core::link::{path_of, without_arguments};
use nginx_sys::{NGX_DECLINED, NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_int_t};
use smallvec::SmallVec;

use super::conf::{conf, server};
use super::mask;
use super::request_key::{RequestKey, RequestKeys, bearer};
use super::source_names::names;
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

/// Handler of the phase before access is asked for, behind all others of it: from here on nobody is
/// to know the key.
pub enum Forget {}

impl Handler for Forget {
    fn handle(request: Request<'_>) -> ngx_int_t {
        forget(request);
        NGX_DECLINED as ngx_int_t
    }
}

/// Forgets what variables say of the key.
pub fn forget(request: Request<'_>) {
    if let Some(request_keys) = RequestKeys::find(request) {
        request_keys.take_values().for_each(|place| request.forget_value(place));
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
    let request_key = request_keys.here(request, conf).ok_or(NoMemory)?;
    let edit = match (conf.strip(), server.mask()) {
        (true, _) => Edit::Remove,
        (false, true) => Edit::Mask,
        (false, false) => return Ok(()),
    };
    if request_keys.is_stripped(access, edit) {
        return Ok(());
    }
    request_keys.keep_values(access.variables.keep(request, &access.sources));
    let mut is_named = false;
    let mut segments: SmallVec<[KeySegment; 1]> = SmallVec::new();
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
                // Only where it was a key, of this request or of anybody's.
                let Some(credential) = request_keys.credential(request, source) else { continue };
                let is_held = request_key.is_held(&credential.key);
                let is_key = is_held || request_key.took(&credential);
                if !is_key || is_within(request.uri(), *number, request.location_prefix()) {
                    continue;
                }
                // Another location may have masked it.
                let is_masked = segment(request.uri(), *number) == Some(MASK);
                let key = if is_masked { MASK.into() } else { credential.key };
                segments.push(KeySegment { number: *number, key, is_held: is_held && !is_masked });
            }
        }
    }
    if let Some((path, moves)) = edit_segments(request.uri(), &segments, edit) {
        if server.mask() {
            segments.iter().for_each(|segment| note_parted(request, request_keys, &segment.key));
            request.edit_line(|uri| mask_segments(uri, &segments))?;
        }
        let uri = request.part(RequestPart::UnparsedUri);
        let uri = edit_request_uri(uri, &path, &segments, edit);
        request.set_part(RequestPart::UnparsedUri, &uri)?;
        request.set_uri(&path, |part| moves.range(part))?;
    }
    mask_referer(request)?;
    if edit == Edit::Remove {
        strip_destination(request, &access.sources, &request_key)?;
        // nginx passes on what stands behind a `#`, and nobody asks for it.
        let uri = request.part(RequestPart::UnparsedUri);
        if uri.contains(&b'#') {
            let before = uri.split(|&byte| byte == b'#').next().unwrap_or_default();
            request.set_part(RequestPart::UnparsedUri, before)?;
        }
    }
    if is_named {
        let names = names(&access.sources);
        if server.mask() {
            request.edit_line(|uri| edit_uri(uri, &names, Edit::Mask))?;
        }
        let uri = edit_uri(request.part(RequestPart::UnparsedUri), &names, edit);
        if let Some(uri) = uri {
            request.set_part(RequestPart::UnparsedUri, &uri)?;
        }
    }
    access.variables.refresh(request, &access.sources);
    Ok(())
}

/// Masks the keys in `Referer`: the page that a picture stands in may have been asked for with one.
fn mask_referer(request: Request<'_>) -> Result<(), NoMemory> {
    let mut result = Ok(());
    request.each_incoming(b"Referer", |header| {
        if let Some(masked) = mask::without_keys(request, header.value())
            && result.is_ok()
        {
            result = header.set_value(&masked);
        }
    });
    result
}

/// Takes keys out of `Destination` of COPY and MOVE, which clients write as they write the address.
fn strip_destination(
    request: Request<'_>,
    sources: &[KeySource],
    request_key: &RequestKey,
) -> Result<(), NoMemory> {
    let mut result = Ok(());
    request.each_incoming(b"Destination", |header| {
        let value = header.value();
        let names = names(sources);
        let unnamed = edit_uri(value, &names, Edit::Remove);
        let path = path_of(value).unwrap_or_default();
        let numbers = sources.iter().filter_map(KeySource::number);
        let held = numbers.filter_map(|number| {
            let key = segment(&path, number).filter(|key| request_key.is_held(key))?;
            Some(KeySegment { number, key: key.into(), is_held: true })
        });
        let held: SmallVec<[KeySegment; 1]> = held.collect();
        let edited = edit_segments(&path, &held, Edit::Remove).map(|(path, _)| {
            let uri = without_arguments(value, &names);
            edit_request_uri(&uri, &path, &held, Edit::Remove)
        });
        if let Some(edited) = edited.or(unnamed)
            && result.is_ok()
        {
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

/// Edits a header. Of `Authorization`, what is no token stays: it is a password for something else.
fn edit_header(request: Request<'_>, name: &[u8], edit: Edit, before: impl Fn(&[u8])) {
    request.each_incoming(name, |header| {
        let value = header.value();
        let key = if name == b"authorization" && value != MASK { bearer(value) } else { value };
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
