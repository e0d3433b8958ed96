//! Arguments leave the request once its link was judged, before anyone passes them on or writes
//! them down.

use std::cell::Cell;

use image_gate_core::key::source::{Edit, edit_arguments, edit_uri};
use nginx_sys::{NGX_DECLINED, NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_int_t};

use super::conf::{conf, main};
use crate::ngx::incoming::{RequestPart, RequestString};
use crate::ngx::phase::Handler;
use crate::ngx::variable::{Apart, CachedVariable};
use crate::ngx::{NoMemory, Request};

/// What a link is judged by.
const PARTS: [RequestPart; 2] = [RequestPart::Args, RequestPart::UnparsedUri];

/// A part of the request as it came, and as it was left.
#[derive(Clone, Copy)]
struct Change {
    before: RequestString,
    after: RequestString,
}

/// What was taken out of a request. An internal redirect clears what modules keep in a request,
/// so this is found in its pool.
#[derive(Default)]
struct Stripped([Cell<Option<Change>>; PARTS.len()]);

/// Handler of the phases before the content and of logging: not every request comes through the
/// access phase.
pub enum Strip {}

impl Handler for Strip {
    fn handle(request: Request<'_>) -> ngx_int_t {
        match strip_arguments(request) {
            Ok(()) => NGX_DECLINED as ngx_int_t,
            Err(NoMemory) => NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t,
        }
    }
}

/// Takes the arguments out that the location does not want to go on.
///
/// # Errors
/// There is no memory; they must not go on.
pub fn strip_arguments(request: Request<'_>) -> Result<(), NoMemory> {
    let Some(names) = conf(&request).and_then(|conf| conf.strip.as_ref()) else { return Ok(()) };
    if names.is_empty() || !request.is_main() {
        return Ok(());
    }
    let before = PARTS.map(|part| request.string(part));
    for name in names.iter() {
        if let Some(args) = edit_arguments(request.part(RequestPart::Args), name, Edit::Remove) {
            request.set_part(RequestPart::Args, &args)?;
        }
    }
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    request.edit_lines(|uri| edit_uri(uri, &names, Edit::Remove))?;

    let after = PARTS.map(|part| request.string(part));
    if before == after {
        return Ok(());
    }
    let stripped = request.attached().or_else(|| request.attach(Stripped::default()));
    let stripped: &Stripped = stripped.ok_or(NoMemory)?;
    for (slot, (before, after)) in stripped.0.iter().zip(before.into_iter().zip(after)) {
        let first = slot.get().filter(|change| change.after == before);
        slot.set(Some(Change { before: first.map_or(before, |change| change.before), after }));
    }
    with_kept(request, |kept| request.flush_variables(kept));
    Ok(())
}

/// Gives the variables to `body` that nginx keeps though arguments were taken out.
fn with_kept<T>(request: Request<'_>, body: impl FnOnce(&[CachedVariable]) -> T) -> T {
    match main(&request) {
        Some(main) => body(&main.kept.borrow()),
        None => body(&[]),
    }
}

/// The request with the arguments that were taken out of it, as long as the result lives; only
/// where nothing has replaced them since.
pub fn undone(request: Request<'_>) -> Option<Undone<'_>> {
    if with_kept(request, <[CachedVariable]>::is_empty) {
        return None;
    }
    let stripped = request.attached::<Stripped>()?;
    let mut before = PARTS.map(|_| None);
    for ((slot, part), before) in stripped.0.iter().zip(PARTS).zip(&mut before) {
        let current = request.string(part);
        let change = slot.get().filter(|change| change.after == current);
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
pub struct Undone<'r> {
    request: Request<'r>,
    /// What is not in the request: first what it came with, then what it is left with.
    parts: [Option<RequestString>; PARTS.len()],
    _apart: Apart<'r>,
}

impl Undone<'_> {
    fn swap(&mut self) {
        for (part, other) in PARTS.into_iter().zip(&mut self.parts) {
            if let Some(other) = other {
                *other = self.request.put_part(part, *other);
            }
        }
    }
}

impl Drop for Undone<'_> {
    fn drop(&mut self) {
        self.swap();
    }
}
