//! Arguments leave the request once its link was judged, before anyone passes them on or writes
//! them down.

use std::cell::Cell;

use image_gate_core::key::source::{Edit, edit_arguments, edit_uri};
use nginx_sys::{NGX_DECLINED, ngx_http_request_t, ngx_int_t, ngx_str_t};

use super::{conf, main};
use crate::ngx::guard::guard;
use crate::ngx::incoming::Part;
use crate::ngx::{Pooled, Request};

/// What a link is judged by.
const PARTS: [Part; 2] = [Part::Args, Part::UnparsedUri];

/// A part of the request as it came, and as it was left.
#[derive(Clone, Copy)]
struct Change {
    before: ngx_str_t,
    after: ngx_str_t,
}

/// What was taken out of a request. An internal redirect clears what modules keep in a request,
/// so this is found in its pool.
#[derive(Default)]
struct Stripped([Cell<Option<Change>>; PARTS.len()]);

/// Handler of the phases before the content and of logging: not every request comes through the
/// access phase.
pub unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    // SAFETY: nginx calls it for a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return NGX_DECLINED as ngx_int_t };
    guard(request.log(), NGX_DECLINED as ngx_int_t, || {
        settle(request);
        NGX_DECLINED as ngx_int_t
    })
}

/// Takes the arguments out that the location does not want to go on.
pub fn settle(request: Request) {
    let Some(names) = conf(&request).and_then(|conf| conf.strip.as_ref()) else { return };
    if names.is_empty() || !request.is_main() {
        return;
    }
    let before = PARTS.map(|part| request.string(part));
    for name in names.iter() {
        if let Some(args) = edit_arguments(request.part(Part::Args), name, Edit::Remove) {
            request.set_part(Part::Args, &args);
        }
    }
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    request.edit_lines(|uri| edit_uri(uri, &names, None, Edit::Remove));

    let after = PARTS.map(|part| request.string(part));
    if before.iter().zip(&after).all(|(before, after)| is_same(before, after)) {
        return;
    }
    let stripped =
        Pooled::find(request.pool()).or_else(|| Pooled::new(request.pool(), Stripped::default()));
    let Some(stripped) = stripped else { return };
    for (slot, (before, after)) in stripped.0.iter().zip(before.into_iter().zip(after)) {
        let first = slot.get().filter(|change| is_same(&change.after, &before));
        slot.set(Some(Change { before: first.map_or(before, |change| change.before), after }));
    }
    forget(request);
}

/// Whether they are one string, and not only alike.
fn is_same(one: &ngx_str_t, other: &ngx_str_t) -> bool {
    one.data == other.data && one.len == other.len
}

/// Has nginx evaluate anew what it may have kept.
fn forget(request: Request) {
    if let Some(main) = main(&request) {
        main.kept.borrow().iter().for_each(|variable| variable.forget(request));
    }
}

/// The request with the arguments that were taken out of it, as long as the result lives; only
/// where nothing has replaced them since.
pub fn undone(request: Request) -> Option<Undone> {
    let stripped = Pooled::<Stripped>::find(request.pool())?;
    let mut undone = Undone { request, parts: [None; PARTS.len()] };
    for ((slot, part), kept) in stripped.0.iter().zip(PARTS).zip(&mut undone.parts) {
        let current = request.string(part);
        if let Some(change) = slot.get().filter(|change| is_same(&change.after, &current)) {
            *kept = Some(request.swap_part(part, change.before));
        }
    }
    forget(request);
    Some(undone)
}

/// See [`undone`].
pub struct Undone {
    request: Request,
    parts: [Option<ngx_str_t>; PARTS.len()],
}

impl Drop for Undone {
    fn drop(&mut self) {
        for (part, kept) in PARTS.into_iter().zip(self.parts) {
            if let Some(kept) = kept {
                self.request.swap_part(part, kept);
            }
        }
        forget(self.request);
    }
}
