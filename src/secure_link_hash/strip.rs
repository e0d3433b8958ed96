//! Arguments leave the request once its link was judged, before anyone passes them on or writes
//! them down.

use std::cell::Cell;

use image_gate_core::key::source::{Edit, edit_arguments, edit_uri};
use nginx_sys::{
    NGX_DECLINED, NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_http_request_t, ngx_int_t, ngx_str_t,
};

use super::{conf, main};
use crate::ngx::guard::guard;
use crate::ngx::incoming::Part;
use crate::ngx::variable::{Apart, Kept};
use crate::ngx::{NoMemory, Pooled, Request};

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
    let error = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
    guard(request.log(), error, || match settle(request) {
        Ok(()) => NGX_DECLINED as ngx_int_t,
        Err(NoMemory) => error,
    })
}

/// Takes the arguments out that the location does not want to go on.
///
/// # Errors
/// There is no memory; they must not go on.
pub fn settle(request: Request) -> Result<(), NoMemory> {
    let Some(names) = conf(&request).and_then(|conf| conf.strip.as_ref()) else { return Ok(()) };
    if names.is_empty() || !request.is_main() {
        return Ok(());
    }
    let before = PARTS.map(|part| request.string(part));
    for name in names.iter() {
        if let Some(args) = edit_arguments(request.part(Part::Args), name, Edit::Remove) {
            request.set_part(Part::Args, &args)?;
        }
    }
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    request.edit_lines(|uri| edit_uri(uri, &names, None, Edit::Remove))?;

    let after = PARTS.map(|part| request.string(part));
    if before.iter().zip(&after).all(|(before, after)| is_same(before, after)) {
        return Ok(());
    }
    let stripped =
        Pooled::find(request.pool()).or_else(|| Pooled::new(request.pool(), Stripped::default()));
    let stripped = stripped.ok_or(NoMemory)?;
    for (slot, (before, after)) in stripped.0.iter().zip(before.into_iter().zip(after)) {
        let first = slot.get().filter(|change| is_same(&change.after, &before));
        slot.set(Some(Change { before: first.map_or(before, |change| change.before), after }));
    }
    with_kept(request, |kept| request.flush_variables(kept));
    Ok(())
}

/// Whether they are one string, and not only alike.
fn is_same(one: &ngx_str_t, other: &ngx_str_t) -> bool {
    one.data == other.data && one.len == other.len
}

/// Gives the variables to `body` that nginx keeps though arguments were taken out.
fn with_kept<T>(request: Request, body: impl FnOnce(&[Kept]) -> T) -> T {
    match main(&request) {
        Some(main) => body(&main.kept.borrow()),
        None => body(&[]),
    }
}

/// The request with the arguments that were taken out of it, as long as the result lives; only
/// where nothing has replaced them since.
pub fn undone(request: Request) -> Option<Undone> {
    if with_kept(request, <[Kept]>::is_empty) {
        return None;
    }
    let stripped = Pooled::<Stripped>::find(request.pool())?;
    let mut before = PARTS.map(|_| None);
    for ((slot, part), before) in stripped.0.iter().zip(PARTS).zip(&mut before) {
        let current = request.string(part);
        let change = slot.get().filter(|change| is_same(&change.after, &current));
        *before = change.map(|change| change.before);
    }
    if before.iter().all(Option::is_none) {
        return None;
    }
    let apart = with_kept(request, |kept| request.variables_apart(kept))?;
    let mut undone = Undone { request, parts: before, _apart: apart };
    undone.swap();
    Some(undone)
}

/// See [`undone`].
pub struct Undone {
    request: Request,
    /// What is not in the request: first what it came with, then what it is left with.
    parts: [Option<ngx_str_t>; PARTS.len()],
    _apart: Apart,
}

impl Undone {
    fn swap(&mut self) {
        for (part, other) in PARTS.into_iter().zip(&mut self.parts) {
            if let Some(other) = other {
                *other = self.request.swap_part(part, *other);
            }
        }
    }
}

impl Drop for Undone {
    fn drop(&mut self) {
        self.swap();
    }
}
