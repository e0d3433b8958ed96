//! Keys leave the request before anyone writes it down or passes it on.
//!
//! Masking comes first, when only the server is known: arguments, headers and cookies that any of
//! its locations takes a key from, and segments of the URI that are somebody's key. What a
//! location knows better, its rewrite phase does.

use image_gate_core::key::source::{
    Edit, MASK, decode, edit_arguments, edit_cookies, edit_segment, edit_uri, segment,
};
use image_gate_core::key::{Digest, Source};
use nginx_sys::{NGX_DECLINED, ngx_http_request_t, ngx_int_t};
use smallvec::SmallVec;

use super::conf::SrvConf;
use super::visit::Visits;
use super::{conf, server};
use crate::ngx::Request;
use crate::ngx::guard::guard;
use crate::ngx::incoming::Part;

/// Handler of the phase after a request was read.
pub unsafe extern "C" fn post_read(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx calls it for a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return NGX_DECLINED as ngx_int_t };
    guard(request.log(), nginx_sys::NGX_ERROR as ngx_int_t, || {
        if request.is_main()
            && let Some(server) = server(&request)
        {
            mask(request, server, false);
        }
        NGX_DECLINED as ngx_int_t
    })
}

/// Masks the keys of a request; of one that `broke_off` while it was read there is a line, and
/// maybe nothing else.
pub fn mask(request: Request, server: &SrvConf, broke_off: bool) {
    let sources = server.sources.borrow();
    if sources.is_empty() || !server.mask() {
        return;
    }
    let mut is_named = broke_off;
    for source in sources.iter() {
        let changed = edit(request, source, Edit::Mask, || {
            if let Some(visits) = Visits::of(request) {
                visits.presented(request, source);
            }
        });
        is_named |= changed && matches!(source, Source::Argument(_));
    }
    let numbers: SmallVec<[usize; 4]> = sources.iter().filter_map(Source::number).collect();
    let key_in = |path: &[u8]| numbers.iter().find_map(|&number| known(server, path, number));
    let key = if numbers.is_empty() {
        None
    } else if request.uri().is_empty() {
        let line = request.part(Part::Line);
        key_in(&path_of(line.split(|&byte| byte == b' ').nth(1).unwrap_or_default()))
    } else {
        key_in(request.uri())
    };
    if is_named || key.is_some() {
        let names = names(&sources);
        request.edit_lines(|uri| edit_uri(uri, &names, key.as_deref(), Edit::Mask));
    }

    // Where the client comes from may be a page that it needed a key for.
    request.each_incoming(b"Referer", |header| {
        let key = if numbers.is_empty() { None } else { key_in(&path_of(header.value())) };
        let names = names(&sources);
        if let Some(value) = edit_uri(header.value(), &names, key.as_deref(), Edit::Mask) {
            header.set_value(&value);
        }
    });
}

fn names(sources: &[Source]) -> SmallVec<[&[u8]; 4]> {
    let names = sources.iter().filter_map(|source| match source {
        Source::Argument(name) => Some(&name[..]),
        Source::Header(_) | Source::Cookie(_) | Source::Segment(_) => None,
    });
    names.collect()
}

/// The segment of a path, if it is a key of anyone that the server knows.
fn known(server: &SrvConf, path: &[u8], number: usize) -> Option<Vec<u8>> {
    let segment = segment(path, number)?;
    let digest = Digest::of(segment);
    let zones = server.zones.borrow();
    let is_key = zones.iter().any(|zone| {
        zone.live().is_some_and(|live| zone.roster(live).table.find(&digest).is_some())
    });
    is_key.then(|| segment.to_vec())
}

/// The path of a URI that may be whole, decoded.
fn path_of(uri: &[u8]) -> Vec<u8> {
    let end = uri.iter().position(|byte| b"?#".contains(byte)).unwrap_or(uri.len());
    let path = &uri[..end];
    let authority = path.windows(3).position(|window| window == b"://").map_or(0, |at| at + 3);
    let start = path[authority..].iter().position(|&byte| byte == b'/').unwrap_or(0);
    decode(&path[authority + start..]).into_owned()
}

/// Handler of the phase that rewrites the URI of a location, before its own rules.
pub unsafe extern "C" fn rewrite(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx calls it for a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return NGX_DECLINED as ngx_int_t };
    guard(request.log(), nginx_sys::NGX_ERROR as ngx_int_t, || {
        settle(request);
        NGX_DECLINED as ngx_int_t
    })
}

/// Looks at the key of a request whose location is known, and takes it out.
pub fn settle(request: Request) {
    let (Some(conf), Some(server)) = (conf(&request), server(&request)) else { return };
    if !request.is_main() {
        return;
    }
    let Some((access, _)) = conf.access() else {
        stray(request, server);
        return;
    };
    let Some(visits) = Visits::of(request) else { return };
    if visits.is_settled(access) {
        return;
    }
    let Some(visit) = visits.here(request, conf) else { return };
    let edit_as = match (conf.strip(), server.mask()) {
        (true, _) => Edit::Remove,
        (false, true) => Edit::Mask,
        (false, false) => return,
    };
    let mut is_named = false;
    for source in &access.sources {
        match source {
            Source::Argument(_) | Source::Header(_) | Source::Cookie(_) => {
                let changed = edit(request, source, edit_as, || {
                    visits.presented(request, source);
                });
                is_named |= changed && matches!(source, Source::Argument(_));
            }
            Source::Segment(number) => {
                // Only where it was a key, and not twice.
                let Some(presented) = visits.presented(request, source) else { continue };
                let key = &*presented.key;
                if *visit.uri == *request.uri() || segment(request.uri(), *number) != Some(key) {
                    continue;
                }
                if server.mask() {
                    request.edit_lines(|uri| edit_uri(uri, &[], Some(key), Edit::Mask));
                }
                if conf.strip() {
                    strip_uri(request, key);
                }
                if let Some(uri) = edit_segment(request.uri(), *number, edit_as) {
                    request.set_uri(&uri);
                }
            }
        }
    }
    if conf.strip() && is_named {
        let names = names(&access.sources);
        let uri = edit_uri(request.part(Part::UnparsedUri), &names, None, Edit::Remove);
        if let Some(uri) = uri {
            request.set_part(Part::UnparsedUri, &uri);
        }
    }
}

/// Masks a key that came to a location that wants none.
fn stray(request: Request, server: &SrvConf) {
    if !server.mask() {
        return;
    }
    for source in server.sources.borrow().iter() {
        if let Source::Segment(number) = source
            && known(server, request.uri(), *number).is_some()
            && let Some(uri) = edit_segment(request.uri(), *number, Edit::Mask)
        {
            request.set_uri(&uri);
        }
    }
}

/// Takes a segment out of the URI as the client wrote it, masked or not.
fn strip_uri(request: Request, key: &[u8]) {
    for key in [key, MASK] {
        let uri = edit_uri(request.part(Part::UnparsedUri), &[], Some(key), Edit::Remove);
        if let Some(uri) = uri {
            request.set_part(Part::UnparsedUri, &uri);
        }
    }
}

/// Edits all keys in a source other than the URI; what was presented has to be kept `before`.
/// Answers whether there were any.
fn edit(request: Request, source: &Source, edit: Edit, before: impl Fn()) -> bool {
    let mut changed = false;
    match source {
        Source::Argument(name) => {
            if let Some(args) = edit_arguments(request.part(Part::Args), name, edit) {
                before();
                changed = true;
                request.set_part(Part::Args, &args);
            }
        }
        Source::Header(name) => request.each_incoming(name, |header| {
            before();
            changed = true;
            match edit {
                Edit::Mask => drop(header.set_value(MASK)),
                Edit::Remove => header.remove(),
            }
        }),
        Source::Cookie(name) => request.each_incoming(b"Cookie", |header| {
            if let Some(value) = edit_cookies(header.value(), name, edit) {
                before();
                changed = true;
                if value.is_empty() {
                    header.remove();
                } else {
                    header.set_value(&value);
                }
            }
        }),
        Source::Segment(_) => (),
    }
    changed
}
