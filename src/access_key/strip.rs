//! Keys leave the request once its location is known, before anyone passes them on.

use image_gate_core::key::Source;
use image_gate_core::key::source::{
    Edit, arguments, cookies, decode, edit_arguments, edit_cookies, edit_segment, edit_uri, segment,
};
use nginx_sys::{NGX_DECLINED, NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_int_t};
use smallvec::SmallVec;

use super::conf::{conf, server};
use super::visit::{Visits, bearer};
use crate::ngx::incoming::Part;
use crate::ngx::phase::Handler;
use crate::ngx::{NoMemory, Request};

/// Handler of the phase that rewrites the URI of a location, before its own rules.
pub enum Rewrite {}

impl Handler for Rewrite {
    fn handle(request: Request<'_>) -> ngx_int_t {
        match settle(request) {
            Ok(()) => NGX_DECLINED as ngx_int_t,
            Err(NoMemory) => NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t,
        }
    }
}

/// Looks at the key of a request whose location wants one, and takes it out or masks it.
///
/// # Errors
/// There is no memory; the request must not go on with its key.
pub fn settle(request: Request<'_>) -> Result<(), NoMemory> {
    let (Some(conf), Some(server)) = (conf(&request), server(&request)) else { return Ok(()) };
    let Some((access, _)) = conf.access().filter(|_| request.is_main()) else { return Ok(()) };
    let visits = Visits::of(request).ok_or(NoMemory)?;
    if visits.is_settled(access) {
        return Ok(());
    }
    let visit = visits.here(request, conf).ok_or(NoMemory)?;
    let edit = match (conf.strip(), server.mask()) {
        (true, _) => Edit::Remove,
        (false, true) => Edit::Mask,
        (false, false) => return Ok(()),
    };
    let mut is_named = false;
    for source in &access.sources {
        let before = |value: &[u8]| {
            visits.presented(request, source);
            visits.note(value);
        };
        match source {
            Source::Argument(name) => {
                let args = request.part(Part::Args);
                let Some(edited) = edit_arguments(args, name, edit) else { continue };
                arguments(args, name).for_each(before);
                request.set_part(Part::Args, &edited)?;
                is_named = true;
            }
            Source::Header(name) => edit_header(request, name, edit, before),
            Source::Cookie(name) => edit_cookie(request, name, edit, before)?,
            Source::Segment(number) => {
                // Only where it was a key, and not twice.
                let Some(presented) = visits.presented(request, source) else { continue };
                let key = &*presented.key;
                if *visit.uri == *request.uri() || segment(request.uri(), *number) != Some(key) {
                    continue;
                }
                if server.mask() {
                    note_parted(request, visits, key);
                    request.edit_line(|uri| edit_uri(uri, &[], Some(key), Edit::Mask))?;
                }
                let uri = request.part(Part::UnparsedUri);
                if let Some(uri) = edit_uri(uri, &[], Some(key), edit) {
                    request.set_part(Part::UnparsedUri, &uri)?;
                }
                if let Some(uri) = edit_segment(request.uri(), *number, edit) {
                    request.set_uri(&uri)?;
                }
            }
        }
    }
    if is_named {
        let names = names(&access.sources);
        if server.mask() {
            request.edit_line(|uri| edit_uri(uri, &names, None, Edit::Mask))?;
        }
        let uri = edit_uri(request.part(Part::UnparsedUri), &names, None, edit);
        if let Some(uri) = uri {
            request.set_part(Part::UnparsedUri, &uri)?;
        }
    }
    Ok(())
}

/// Notes the other parts of segments that a slash, escaped by the client, made several of: with
/// the one that came as a key, they may be one.
fn note_parted(request: Request<'_>, visits: &Visits, key: &[u8]) {
    let uri = request.part(Part::UnparsedUri);
    let path = uri.split(|&byte| byte == b'?').next().unwrap_or_default();
    for segment in path.split(|&byte| byte == b'/').filter(|segment| segment.contains(&b'%')) {
        let segment = decode(segment);
        let parts = || segment.split(|&byte| byte == b'/').filter(|part| !part.is_empty());
        if parts().nth(1).is_some() && parts().any(|part| part == key) {
            parts().for_each(|part| visits.note(part));
        }
    }
}

/// The names of the arguments among the sources.
pub fn names(sources: &[Source]) -> SmallVec<[&[u8]; 4]> {
    let names = sources.iter().filter_map(|source| match source {
        Source::Argument(name) => Some(&name[..]),
        Source::Header(_) | Source::Cookie(_) | Source::Segment(_) => None,
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
