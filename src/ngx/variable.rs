//! Variables.

use std::borrow::Cow;
use std::ffi::c_int;
use std::ops::Range;
use std::ptr::NonNull;

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_VAR_NOCACHEABLE, NGX_HTTP_VAR_NOHASH, NGX_OK, ngx_http_add_variable,
    ngx_http_get_indexed_variable, ngx_http_get_variable_index, ngx_http_request_t,
    ngx_http_variable_t, ngx_int_t, ngx_palloc, ngx_str_t, ngx_uint_t, ngx_variable_value_t,
};

use super::Reported;
use super::guard::guard;
use super::module::{Core, Parser};
use super::strings::{bytes, text};
use super::{NoMemory, Request, pool, shim};

/// One variable: its name, and its value for a request where it has one.
pub struct Variable {
    /// The name, without its `$`.
    pub name: &'static str,
    /// The value. What is borrowed lives as long as the request.
    pub get: for<'r> fn(Request<'r>) -> Option<Cow<'r, [u8]>>,
}

/// Registers `variables`.
///
/// # Errors
/// nginx has reported why it does not take one.
pub fn add(parser: Parser<'_>, variables: &'static [Variable]) -> Result<(), Reported> {
    add_with(parser, variables, NGX_HTTP_VAR_NOCACHEABLE)
}

/// Registers `variables` that only the configuration can name, and nothing that looks for a name
/// while a request runs, as SSI does. They take no place in nginx's table of names, which is warned
/// of when it is full.
///
/// # Errors
/// nginx has reported why it does not take one.
pub fn add_unlisted(parser: Parser<'_>, variables: &'static [Variable]) -> Result<(), Reported> {
    add_with(parser, variables, NGX_HTTP_VAR_NOCACHEABLE | NGX_HTTP_VAR_NOHASH)
}

fn add_with(
    parser: Parser<'_>,
    variables: &'static [Variable],
    flags: u32,
) -> Result<(), Reported> {
    let are_all = variables.iter().all(|variable| {
        let mut name = text(variable.name);
        // SAFETY: nginx copies the name; the data is static and only read.
        unsafe {
            let added = ngx_http_add_variable(parser.as_ptr(), &mut name, flags as ngx_uint_t);
            if let Some(added) = added.as_mut() {
                added.get_handler = Some(get);
                added.data = std::ptr::from_ref(variable).addr();
                // The address has to come back as a pointer.
                let _ = std::ptr::from_ref(variable).expose_provenance();
            }
            !added.is_null()
        }
    });
    if are_all { Ok(()) } else { Err(Reported) }
}

/// How large nginx may make the table of variables to find one for the names that there are: by default 1024,
/// which is not enough for many long ones beside nginx's own. It tries the smaller ones first.
const LARGEST_TABLE: ngx_uint_t = 4096;

/// Lets nginx find a table for all variables, in `postconfiguration`, after which it makes it.
pub fn make_room(parser: Parser<'_>) {
    if let Some(core) = parser.main_ptr::<Core>() {
        // SAFETY: in `postconfiguration`, all main configurations are made and nobody looks at them
        // meanwhile.
        unsafe {
            let largest = &raw mut (*core).variables_hash_max_size;
            *largest = (*largest).max(LARGEST_TABLE);
        }
    }
}

/// Whether a variable of that name, in small letters, is a single argument, header or cookie of the
/// request.
pub fn is_single(name: &[u8]) -> bool {
    [&b"arg_"[..], b"cookie_", b"http_"].iter().any(|kind| name.starts_with(kind))
}

/// Whether it is what a regular expression captured.
pub fn is_number(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_digit)
}

/// Whether any expression of the configuration has one of the variables called so, once all of it
/// was read.
pub fn is_used(parser: Parser<'_>, names: &[&str]) -> bool {
    let Some(core) = parser.main::<Core>() else { return false };
    // SAFETY: the array has the variables that expressions got an index for.
    unsafe {
        let variables = core.variables.as_slice::<ngx_http_variable_t>();
        variables
            .iter()
            .any(|variable| names.iter().any(|name| bytes(variable.name) == name.as_bytes()))
    }
}

/// A variable of nginx's whose value it keeps although the request has changed since.
#[derive(Clone, Copy)]
pub struct CachedVariable(usize);

impl CachedVariable {
    /// The variable called `name`, while the configuration is read.
    pub fn find(parser: Parser<'_>, name: &'static str) -> Option<CachedVariable> {
        let mut name = text(name);
        // SAFETY: nginx copies the name.
        let index = unsafe { ngx_http_get_variable_index(parser.as_ptr(), &mut name) };
        usize::try_from(index).ok().map(CachedVariable)
    }
}

impl<'r> Request<'r> {
    /// Has nginx evaluate these anew. Not while an expression is evaluated: its length is known by
    /// then.
    pub fn forget_variables(self, variables: &[CachedVariable]) {
        variables.iter().for_each(|variable| self.forget_value(variable.0));
    }

    /// How many values of variables it has.
    fn variables(&self) -> usize {
        let core = self.main_conf::<Core>();
        core.map_or(0, |core| core.variables.nelts)
    }

    /// Has nginx evaluate all variables anew that it does not take for constant, and those of
    /// `kept`. Not while an expression is evaluated: its length is known by then.
    pub fn flush_variables(self, kept: &[CachedVariable]) {
        for index in 0..self.variables() {
            // SAFETY: a live request has a value for every variable of the configuration.
            unsafe {
                let value = (*self.as_ptr()).variables.add(index);
                let is_kept = kept.iter().any(|kept| kept.0 == index);
                if is_kept || (*value).no_cacheable() != 0 {
                    shim::ig_value_forget(value);
                }
            }
        }
    }

    /// Keeps what the last regular expression captured, as long as the result lives: one that is
    /// matched meanwhile, as by a `map`, does not show in a `$1` afterwards.
    pub fn captures_apart(self) -> CapturesApart<'r> {
        let mut captures = shim::Captures::NONE;
        // SAFETY: alive; nginx gives the next expression memory of its own where these are shared,
        // as with a subrequest.
        unsafe {
            let r = self.as_ptr();
            shim::ig_request_captures(r, &raw mut captures);
            let shared = shim::Captures { is_shared: 1, ..captures };
            shim::ig_request_set_captures(r, &raw const shared);
        }
        CapturesApart { request: self, captures }
    }

    /// Makes what the last regular expression captured of a text, alone and in named variables, that of
    /// another text: `moved` says where in that a range of the old one is.
    pub(super) fn move_captures(
        self,
        old: ngx_str_t,
        new: ngx_str_t,
        moved: impl Fn(&Range<usize>) -> Range<usize>,
    ) {
        let moved = |range: Range<usize>| {
            (range.start <= range.end && range.end <= old.len)
                .then(|| moved(&range))
                .filter(|range| range.start <= range.end && range.end <= new.len)
                .unwrap_or_default()
        };
        let mut captures = shim::Captures::NONE;
        // SAFETY: alive; the places of a request are its own, two for each group, -1 for one that
        // captured nothing. By an expression without groups nginx counts two, and may have no memory
        // for any.
        unsafe {
            shim::ig_request_captures(self.as_ptr(), &raw mut captures);
            if captures.count > 0 && !captures.places.is_null() && captures.text == old.data {
                let places = std::slice::from_raw_parts_mut(captures.places, captures.count);
                for [start, end] in places.as_chunks_mut::<2>().0 {
                    if let (Ok(from), Ok(to)) = (usize::try_from(*start), usize::try_from(*end)) {
                        let range = moved(from..to);
                        // No URI is that long.
                        *start = c_int::try_from(range.start).unwrap_or_default();
                        *end = c_int::try_from(range.end).unwrap_or_default();
                    }
                }
                captures.text = new.data;
                shim::ig_request_set_captures(self.as_ptr(), &raw const captures);
            }
        }
        for place in 0..self.variables() {
            // SAFETY: a live request has a value for every variable of the configuration; one that is
            // valid has so many bytes.
            let (value, start, len) = unsafe {
                let value = (*self.as_ptr()).variables.add(place);
                if (*value).valid() == 0 {
                    continue;
                }
                (value, (*value).data.addr().wrapping_sub(old.data.addr()), (*value).len() as usize)
            };
            if len == 0 || start > old.len || len > old.len - start {
                continue;
            }
            let range = moved(start..start + len);
            // SAFETY: as above; the range is one of the new text, which lives as long as the request.
            unsafe {
                if (*value).no_cacheable() != 0 {
                    shim::ig_value_forget(value);
                } else {
                    let part = ngx_str_t { len: range.len(), data: new.data.add(range.start) };
                    shim::ig_value_set(value, &raw const part);
                }
            }
        }
    }

    /// Gives the request values of variables of its own, flushed, as long as the result lives:
    /// what is evaluated meanwhile does not show in an expression that is being evaluated, nor in
    /// what was captured.
    pub fn variables_apart(self, kept: &[CachedVariable]) -> Option<Apart<'r>> {
        let count = self.variables();
        // SAFETY: as above; the new array is as long as the one it is a copy of, and in the
        // request's pool.
        let values = unsafe {
            let size = count.checked_mul(size_of::<ngx_variable_value_t>())?;
            let copy = NonNull::new(ngx_palloc(self.pool(), size.max(1)))?;
            let copy = copy.cast::<ngx_variable_value_t>();
            let values = &raw mut (*self.as_ptr()).variables;
            copy.as_ptr().copy_from_nonoverlapping(*values, count);
            values.replace(copy.as_ptr())
        };
        self.flush_variables(kept);
        Some(Apart { request: self, values, _captures: self.captures_apart() })
    }
}

/// Values of variables that have a place in every request: those that a configuration names.
impl<'r> Request<'r> {
    /// The names of these variables, in the order of their places. For requests: by then there are
    /// no more to come.
    pub fn variable_names(&self) -> Vec<&[u8]> {
        let Some(core) = self.main_conf::<Core>() else { return Vec::new() };
        // SAFETY: the elements of this array are of that type; names are in the configuration's
        // pool.
        unsafe {
            let (first, count) =
                (core.variables.elts.cast::<ngx_http_variable_t>(), core.variables.nelts);
            (0..count).map(|at| bytes((*first.add(at)).name)).collect()
        }
    }

    /// The name of the variable at a place; empty where there is none.
    pub fn variable_name(&self, place: usize) -> &[u8] {
        let core = self.main_conf::<Core>().filter(|core| place < core.variables.nelts);
        // SAFETY: as above.
        core.map_or(&[], |core| unsafe {
            bytes((*core.variables.elts.cast::<ngx_http_variable_t>().add(place)).name)
        })
    }

    /// The values of the variables that were evaluated before, with their places, and without those
    /// that are empty.
    pub fn known_values(&self) -> impl Iterator<Item = (usize, &[u8])> {
        // SAFETY: below that number.
        let value = |place| unsafe { self.read_value(place) };
        (0..self.variables())
            .filter_map(move |place| Some((place, value(place).filter(|value| !value.is_empty())?)))
    }

    /// The value of a variable that was evaluated before.
    pub fn known_value(&self, place: usize) -> Option<&[u8]> {
        // SAFETY: the place of a variable.
        (place < self.variables()).then(|| unsafe { self.read_value(place) })?
    }

    /// # Safety
    /// `place` is that of a variable.
    unsafe fn read_value(&self, place: usize) -> Option<&[u8]> {
        // SAFETY: a live request has a value for every variable of the configuration; one that is
        // valid has so many bytes, which live as long as the request.
        unsafe {
            let value = &*(*self.as_ptr()).variables.add(place);
            (value.valid() != 0)
                .then(|| bytes(ngx_str_t { len: value.len() as usize, data: value.data }))
        }
    }

    /// The value of a variable.
    pub fn value(&self, place: usize) -> Option<&[u8]> {
        // SAFETY: a live request, on the event loop.
        unsafe { ngx_http_get_indexed_variable(self.as_ptr(), place) };
        self.known_value(place)
    }

    /// Gives a variable another value, which lasts: none, where there is no memory for it, but the
    /// one that takes none.
    pub fn set_known_value(self, place: usize, value: &[u8], otherwise: &'static str) {
        let value = pool::copy(self.pool(), value).unwrap_or_else(|| text(otherwise));
        if place >= self.variables() {
            return;
        }
        // SAFETY: as above; the bytes live as long as the request.
        unsafe {
            let slot = (*self.as_ptr()).variables.add(place);
            shim::ig_value_set(slot, &raw const value);
        }
    }

    /// Has nginx evaluate a variable anew. Not while an expression is evaluated: its length is
    /// known by then.
    pub fn forget_value(self, place: usize) {
        if place < self.variables() {
            // SAFETY: a live request has a value for every variable of the configuration.
            unsafe { shim::ig_value_forget((*self.as_ptr()).variables.add(place)) }
        }
    }

    /// Gives a subrequest values of variables of its own, so that what becomes of them does not
    /// show in the request that it is a part of.
    ///
    /// # Errors
    /// There is no memory.
    pub fn own_variables(self) -> Result<(), NoMemory> {
        let apart = self.variables_apart(&[]).ok_or(NoMemory)?;
        std::mem::forget(apart);
        Ok(())
    }
}

/// See [`Request::variables_apart`].
pub struct Apart<'r> {
    request: Request<'r>,
    values: *mut ngx_variable_value_t,
    _captures: CapturesApart<'r>,
}

/// See [`Request::captures_apart`].
pub struct CapturesApart<'r> {
    request: Request<'r>,
    captures: shim::Captures,
}

impl Drop for CapturesApart<'_> {
    fn drop(&mut self) {
        // SAFETY: the request lives at least as long as this; these captures were its own.
        unsafe { shim::ig_request_set_captures(self.request.as_ptr(), &raw const self.captures) }
    }
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        // SAFETY: the request lives at least as long as this; the values are its own.
        unsafe { (*self.request.as_ptr()).variables = self.values }
    }
}

unsafe extern "C" fn get(
    r: *mut ngx_http_request_t,
    value: *mut ngx_variable_value_t,
    data: usize,
) -> ngx_int_t {
    // SAFETY: nginx evaluates variables for a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return NGX_ERROR as ngx_int_t };
    guard(request.log(), NGX_ERROR as ngx_int_t, || {
        // SAFETY: `add` put the address of a static there.
        let variable = unsafe { &*std::ptr::with_exposed_provenance::<Variable>(data) };
        let found = match (variable.get)(request) {
            None => None,
            // nginx only reads it.
            Some(Cow::Borrowed(bytes)) => {
                Some(ngx_str_t { len: bytes.len(), data: bytes.as_ptr().cast_mut() })
            }
            Some(Cow::Owned(bytes)) => match pool::copy(request.pool(), &bytes) {
                Some(bytes) => Some(bytes),
                None => return NGX_ERROR as ngx_int_t,
            },
        };
        // SAFETY: nginx passes a place for a value, and what is found lives as long as the request.
        unsafe {
            shim::ig_value_set(value, found.as_ref().map_or(std::ptr::null(), std::ptr::from_ref));
        }
        NGX_OK as ngx_int_t
    })
}
