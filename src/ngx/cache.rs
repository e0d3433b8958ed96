//! nginx's own cache of files, for what is no upstream's, and requests that wait for an entry of it.
//!
//! A node of the cache is held within a call only, but where nginx reads a file by `aio`: so there is
//! nothing that a worker could leave locked.

use std::cell::RefCell;
use std::ffi::{OsStr, c_int, c_void};
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::time::SystemTime;

use image_gate_core::cache::{Digest, Ignored, SourceId};
use nginx_sys::{
    NGX_ABORT, NGX_AGAIN, NGX_BUSY, NGX_DONE, NGX_HTTP_INTERNAL_SERVER_ERROR,
    NGX_HTTP_UPSTREAM_IGN_CACHE_CONTROL, NGX_HTTP_UPSTREAM_IGN_EXPIRES,
    NGX_HTTP_UPSTREAM_IGN_SET_COOKIE, NGX_HTTP_UPSTREAM_IGN_VARY, NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES,
    NGX_OK, ngx_int_t, ngx_list_t, ngx_str_t, time_t,
};

use super::conf::{ConfError, DirectiveArgs};
use super::phase::{self, Handler};
use super::shim::Opened;
use super::strings::{bytes, text};
use super::{ERROR, FileRange, Module, NoMemory, Request, identify, pool, shim, worker};

/// Whether the nginx that the module is built for has caches.
pub fn is_available() -> bool {
    // SAFETY: returns a constant.
    unsafe { shim::ig_cache_available() != 0 }
}

/// A cache of the configuration.
#[derive(Clone, Copy)]
pub struct Folder(NonNull<c_void>);

/// What a directive says of a cache.
pub struct Declared {
    pub folder: Folder,
    /// The name of its zone.
    pub name: Vec<u8>,
    pub path: PathBuf,
}

/// Reads the arguments of a directive as nginx reads those of `proxy_cache_path`.
///
/// # Errors
/// nginx reported what is wrong.
pub fn declare<M: Module>(
    args: &DirectiveArgs<'_>,
    name: &'static str,
) -> Result<Declared, ConfError> {
    let (mut zone, mut path) = (ngx_str_t::empty(), ngx_str_t::empty());
    let mut directive = text(name);
    let tag = M::definition().cast_mut().cast();
    // SAFETY: the parser is live, with the words of a directive; nginx keeps the module as a tag, and
    // allocates what it returns from the configuration's pool.
    let cache = unsafe {
        let cf = args.parser().as_ptr();
        shim::ig_cache_declare(cf, &mut directive, tag, &mut zone, &mut path)
    };
    let folder = NonNull::new(cache).map(Folder).ok_or(ConfError::invalid("invalid cache"))?;
    let path = PathBuf::from(OsStr::from_bytes(path.as_bytes()));
    Ok(Declared { folder, name: zone.as_bytes().to_vec(), path })
}

/// What a look-up came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// nginx reads the file, and runs the phase again then.
    Later,
    /// There is an entry.
    Found,
    /// There is one, whose time is over.
    Expired,
    /// There is none.
    Missing,
    /// There is none, and it was not asked for often enough.
    Scarce,
    /// There is an error, with the number that was kept beside it.
    Error(usize),
    /// nginx reported why it can't be known.
    Failed,
}

/// A look-up, in the pool of its request.
struct Lookup(NonNull<c_void>);

/// A file that nginx would answer from.
#[derive(Clone, Copy)]
pub struct SourceFile<'r> {
    request: Request<'r>,
    /// Ended by a zero.
    path: ngx_str_t,
}

impl<'r> SourceFile<'r> {
    /// Its name.
    pub fn path(&self) -> &'r Path {
        // SAFETY: in the request's pool.
        Path::new(OsStr::from_bytes(unsafe { bytes(self.path) }))
    }

    /// Its state, if there is one, and when that was looked at. What nginx opens for it stays open as long
    /// as the request.
    pub fn state(&self) -> Option<(SourceId, SystemTime)> {
        let (r, mut path) = (self.request.as_ptr(), self.path);
        let mut opened = Opened::default();
        // SAFETY: alive, in a phase before that of the content; the name is in its pool, and a zero
        // ends it.
        let rc = unsafe {
            if shim::ig_source_is_by_name(r) != 0 {
                let seen = SystemTime::now();
                let data = fs::metadata(self.path()).ok()?;
                return data.is_file().then(|| (identify(&data), seen));
            }
            shim::ig_source_open(r, &mut path, &mut opened)
        };
        if rc != NGX_OK as ngx_int_t {
            return None;
        }
        match opened.valid {
            0 => look_at(opened.fd),
            _ => LOOKED_AT.with_borrow_mut(|known| known.look_at(opened)),
        }
    }
}

fn look_at(fd: c_int) -> Option<(SourceId, SystemTime)> {
    let seen = SystemTime::now();
    Some((FileRange { fd, offset: 0, len: 0 }.id().ok()?, seen))
}

/// A file that was looked at, as nginx knows it.
#[derive(Clone, Copy)]
struct LookedAt {
    opened: Opened,
    /// Until when it is not looked at again, in milliseconds.
    until: u64,
    found: (SourceId, SystemTime),
}

/// The files that were looked at last, by their descriptors. nginx keeps them open, and looks at none of them
/// again until it is told to; here it is a second at most.
#[derive(Default)]
struct LookedAtFiles(Vec<Option<LookedAt>>);

/// How many are known at most.
const FILES: usize = 256;

/// In milliseconds: as much as the shortest time that nginx can be told.
const SECOND: u64 = 1000;

thread_local! {
    /// Of this worker. Only the event loop's thread gets here.
    static LOOKED_AT: RefCell<LookedAtFiles> = RefCell::default();
}

impl LookedAtFiles {
    fn look_at(&mut self, opened: Opened) -> Option<(SourceId, SystemTime)> {
        let now = worker::milliseconds();
        let place = usize::try_from(opened.fd).ok()? % FILES;
        if let Some(Some(known)) = self.0.get(place)
            && known.opened == opened
            && now < known.until
        {
            return Some(known.found);
        }
        let found = look_at(opened.fd)?;
        self.0.resize(FILES, None);
        let until = now.saturating_add(SECOND);
        *self.0.get_mut(place)? = Some(LookedAt { opened, until, found });
        Some(found)
    }
}

/// What an entry holds, as long as its request lives.
#[derive(Clone, Copy)]
pub struct Found<'r> {
    /// What stands between nginx's own header and the body.
    pub head: &'r [u8],
    /// Bytes of the body.
    pub len: u64,
    fd: i32,
    name: ngx_str_t,
    start: i64,
}

/// What the source of an entry whose time is over is known by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Validators<'r> {
    /// Its entity tag; empty is none.
    pub etag: &'r [u8],
    /// When it was modified, as HTTP has it; empty is not known.
    pub modified: &'r [u8],
}

/// An entry whose time is over.
#[derive(Debug, Clone, Copy)]
pub struct Expired<'r> {
    pub source: Validators<'r>,
    /// Whether it may go out while it is asked for anew, as its source said.
    pub while_updating: bool,
    /// Whether it may where that fails.
    pub if_error: bool,
    /// Whether its source has become something else, as [`supersede`](Request::supersede) noted.
    pub is_superseded: bool,
}

/// Until when an entry holds whose source has become something else: a second that is over, and that no
/// source means.
const SUPERSEDED: u64 = 1;

/// How long an entry holds.
#[derive(Debug, Clone, Copy)]
pub struct Lifetime {
    /// Until when, in seconds since 1970.
    pub until: u64,
    /// For how many seconds it may go out after that while it is asked for anew.
    pub while_updating: u64,
    /// For how many it may where that fails.
    pub if_error: u64,
}

impl Lifetime {
    /// As nginx has it. It adds these times: the sum must be one.
    fn times(self) -> Option<shim::CacheTimes> {
        let seconds = |time: u64| time_t::try_from(time.min(u64::from(u32::MAX))).ok();
        Some(shim::CacheTimes {
            valid: time_t::try_from(self.until).ok()?,
            updating: seconds(self.while_updating)?,
            error: seconds(self.if_error)?,
        })
    }
}

/// Headers of a request, while an upstream gets others.
pub struct ClientHeaders(ngx_list_t);

/// A file that was written for a cache, to be taken over. It goes unless it is.
#[derive(Debug)]
pub struct Written {
    file: fs::File,
    path: PathBuf,
    /// Bytes between nginx's own header and the body.
    room: usize,
    place: [u8; KEY],
    is_taken: bool,
}

/// Bytes of what nginx finds an entry by.
const KEY: usize = 16;

/// The start of an entry's file.
#[derive(Debug)]
pub struct EntryHeader {
    bytes: Vec<u8>,
    /// What nginx finds it by.
    place: [u8; KEY],
}

impl EntryHeader {
    /// What is written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Written {
    /// A new file in a folder that nginx does not look at, as its name tells.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(path: PathBuf, header: &EntryHeader, room: usize) -> std::io::Result<Written> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Written { file, path, room, place: header.place, is_taken: false })
    }

    /// What is written to.
    pub fn file(&mut self) -> &mut fs::File {
        &mut self.file
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.is_taken {
            // It is gone already where its folder is.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl<'r> Request<'r> {
    /// The file that nginx would answer from, where nothing else answers.
    pub fn source_file(self) -> Option<SourceFile<'r>> {
        let mut path = ngx_str_t::empty();
        // SAFETY: alive, in a phase before that of the content; nginx puts the name into the
        // request's pool.
        let rc = unsafe { shim::ig_source_path(self.as_ptr(), &mut path) };
        (rc == NGX_OK as ngx_int_t).then_some(SourceFile { request: self, path })
    }

    /// Whether the name of the [file](Request::source_file) depends on variables.
    pub fn source_has_variables(self) -> bool {
        // SAFETY: alive.
        unsafe { shim::ig_source_has_variables(self.as_ptr()) != 0 }
    }

    /// Whether nginx gives the files of its location entity tags.
    pub fn source_has_etags(self) -> bool {
        // SAFETY: alive.
        unsafe { shim::ig_source_has_etags(self.as_ptr()) != 0 }
    }

    /// Begins a look-up by a key; `room` is how much is read of what is in front of a body at most, and
    /// `min_uses` how often something is looked for before it is kept.
    ///
    /// # Errors
    /// There is no memory.
    pub fn begin_lookup(
        self,
        folder: Folder,
        key: &Digest,
        room: usize,
        min_uses: usize,
    ) -> Result<(), NoMemory> {
        let entry = self.entry(folder, key, room, min_uses).ok_or(NoMemory)?;
        self.attach_own(Lookup(entry)).map(|_| ()).ok_or(NoMemory)
    }

    fn entry(
        self,
        folder: Folder,
        key: &Digest,
        room: usize,
        min_uses: usize,
    ) -> Option<NonNull<c_void>> {
        // nginx reads as many bytes.
        const { assert!(size_of::<Digest>() == KEY) };
        // SAFETY: alive; the cache is of the configuration, as the request is; nginx answers null
        // when it has no memory, and else what lives as long as the request.
        NonNull::new(unsafe {
            shim::ig_cache_entry(self.as_ptr(), folder.0.as_ptr(), key.as_ptr(), room, min_uses)
        })
    }

    /// Goes on with the look-up that was begun last.
    pub fn look(self) -> Looked {
        let Some(Lookup(entry)) = self.own::<Lookup>() else { return Looked::Failed };
        let mut detail = 0;
        // SAFETY: alive; the entry was made for this request.
        let rc = unsafe { shim::ig_cache_open(self.as_ptr(), entry.as_ptr(), &mut detail) };
        const OK: ngx_int_t = NGX_OK as ngx_int_t;
        const AGAIN: ngx_int_t = NGX_AGAIN as ngx_int_t;
        const BUSY: ngx_int_t = NGX_BUSY as ngx_int_t;
        const ABORT: ngx_int_t = NGX_ABORT as ngx_int_t;
        const DONE: ngx_int_t = NGX_DONE as ngx_int_t;
        match rc {
            OK => Looked::Found,
            AGAIN => Looked::Later,
            BUSY => Looked::Expired,
            ABORT => Looked::Scarce,
            DONE => Looked::Error(detail),
            ERROR => Looked::Failed,
            _ => Looked::Missing,
        }
    }

    /// What the look-up that was begun last has [found](Looked::Found).
    pub fn found(self) -> Option<Found<'r>> {
        let Lookup(entry) = self.own::<Lookup>()?;
        let (mut fd, mut start, mut end) = (-1, 0, 0);
        let (mut name, mut head) = (ngx_str_t::empty(), ngx_str_t::empty());
        // SAFETY: the entry was made for this request; one that has a buffer was read from a file.
        unsafe {
            if shim::ig_cache_is_read(entry.as_ptr()) == 0 {
                return None;
            }
            shim::ig_cache_found(
                entry.as_ptr(),
                &mut fd,
                &mut name,
                &mut head,
                &mut start,
                &mut end,
            );
        }
        let len = u64::try_from(end.checked_sub(start)?).ok()?;
        // SAFETY: in the request's pool.
        Some(Found { head: unsafe { bytes(head) }, len, fd, name, start })
    }

    /// What the look-up that was begun last has found to be [expired](Looked::Expired).
    pub fn expired(self) -> Option<Expired<'r>> {
        let Lookup(entry) = self.own::<Lookup>()?;
        let mut etag = ngx_str_t::empty();
        let (mut time, mut valid, mut while_updating, mut if_error) = (-1, 0, 0, 0);
        // SAFETY: the entry was made for this request; what is in one that was read lives as long.
        unsafe {
            if shim::ig_cache_is_read(entry.as_ptr()) == 0 {
                return None;
            }
            shim::ig_cache_source(
                entry.as_ptr(),
                &mut etag,
                &mut time,
                &mut valid,
                &mut while_updating,
                &mut if_error,
            );
            let modified = if time == -1 { &b""[..] } else { self.http_time(time)? };
            let source = Validators { etag: bytes(etag), modified };
            let (while_updating, if_error) = (while_updating != 0, if_error != 0);
            let is_superseded = u64::try_from(valid) == Ok(SUPERSEDED);
            Some(Expired { source, while_updating, if_error, is_superseded })
        }
    }

    /// A time in seconds since 1970, as HTTP has it.
    pub fn http_time(self, time: i64) -> Option<&'r [u8]> {
        let mut text = ngx_str_t::empty();
        // SAFETY: alive; what nginx writes is in the request's pool.
        unsafe {
            let rc = shim::ig_http_time(self.pool(), time, &mut text);
            (rc == NGX_OK as ngx_int_t).then(|| bytes(text))
        }
    }

    /// Has what the look-up that was begun last has found hold for longer, unless there is another
    /// by now. On the event loop, as nginx does: a few hundred bytes.
    pub fn renew(self, lifetime: Lifetime) {
        let (Some(Lookup(entry)), Some(times)) = (self.own::<Lookup>(), lifetime.times()) else {
            return;
        };
        // SAFETY: alive, on the event loop; the entry was made for this request; one that has a
        // buffer was read from a file.
        unsafe {
            if shim::ig_cache_is_read(entry.as_ptr()) != 0 {
                shim::ig_cache_renew(self.as_ptr(), entry.as_ptr(), &times);
            }
        }
    }

    /// Notes that the source of what the look-up that was begun last has found to be
    /// [expired](Looked::Expired) has become something else, of which nothing is kept.
    pub fn supersede(self) {
        self.renew(Lifetime { until: SUPERSEDED, while_updating: 0, if_error: 0 });
    }

    /// Has an upstream be asked on these conditions, and not on those that the client sets for the
    /// answer. Returns what the client said.
    ///
    /// # Errors
    /// There is no memory.
    pub fn set_conditions(self, source: Validators<'_>) -> Result<ClientHeaders, NoMemory> {
        let copy = |text| pool::copy(self.pool(), text).ok_or(NoMemory);
        let (mut etag, mut modified) = (copy(source.etag)?, copy(source.modified)?);
        // SAFETY: a list of all zeroes is a value of that type, and overwritten before it is used.
        let mut before: ngx_list_t = unsafe { std::mem::zeroed() };
        // SAFETY: alive, on the event loop; the values are in the request's pool.
        let rc = unsafe {
            let r = self.as_ptr();
            shim::ig_request_set_conditions(r, &mut etag, &mut modified, &mut before)
        };
        if rc == NGX_OK as ngx_int_t { Ok(ClientHeaders(before)) } else { Err(NoMemory) }
    }

    /// Takes back what [`set_conditions`](Request::set_conditions) did to this request.
    pub fn restore_headers(self, before: &ClientHeaders) {
        // SAFETY: alive, on the event loop; the list is what the request had.
        unsafe { shim::ig_request_set_headers(self.as_ptr(), &before.0) };
    }

    /// A request like this one, which nginx answers to nobody beside it: from the phase on that is
    /// running, by GET, without conditions of the client, and without error pages.
    ///
    /// # Errors
    /// There is no memory, or nginx reported why not.
    pub fn in_background(self) -> Result<Request<'r>, NoMemory> {
        // SAFETY: alive, in a phase; nginx makes the request in the memory of this one.
        unsafe { Request::new(shim::ig_request_in_background(self.as_ptr())) }.ok_or(NoMemory)
    }

    /// The status that its upstream sent; 0 is none.
    pub fn upstream_status(self) -> usize {
        // SAFETY: alive.
        unsafe { shim::ig_upstream_status(self.as_ptr()) }
    }

    /// Forgets an answer whose headers have not gone out, and that it may have been an error, as
    /// another goes out in its place.
    pub fn answer_anew(self) {
        self.clean_headers();
        // SAFETY: alive, on the event loop.
        unsafe { shim::ig_request_answer_anew(self.as_ptr()) };
    }

    /// Sends the body of an entry behind the headers that were set. Returns what a content handler
    /// returns.
    pub fn send_found(self, found: Found<'r>) -> ngx_int_t {
        let Some(end) = i64::try_from(found.len).ok().and_then(|len| found.start.checked_add(len))
        else {
            return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        };
        let mut name = found.name;
        // SAFETY: alive, in its content handler; the file is open as long as the request, and its
        // name in the request's pool.
        unsafe { shim::ig_request_send_file(self.as_ptr(), found.fd, &mut name, found.start, end) }
    }

    /// What nginx writes at the start of the file of an entry, which has `room` bytes in front of its
    /// body, and depends on the headers that `vary` names. After a look-up, with the headers of the
    /// source in those of the answer.
    pub fn entry_header(
        self,
        folder: Folder,
        key: &Digest,
        room: usize,
        lifetime: Lifetime,
        vary: &[u8],
    ) -> Option<EntryHeader> {
        let Lookup(found) = self.own::<Lookup>()?;
        let entry = self.entry(folder, key, room, 1)?;
        let times = lifetime.times()?;
        let mut vary = pool::copy(self.pool(), vary)?;
        let mut etag = pool::copy(self.pool(), self.etag().unwrap_or_default())?;
        let mut place = [0; KEY];
        // SAFETY: both entries were made for this request; the buffers are as long as nginx wants.
        unsafe {
            let len = shim::ig_cache_header_len(entry.as_ptr());
            // What nginx keeps of it are two bytes.
            if len.checked_add(room)? > usize::from(u16::MAX) {
                return None;
            }
            let mut bytes = vec![0; len];
            let rc = shim::ig_cache_header(
                self.as_ptr(),
                entry.as_ptr(),
                found.as_ptr(),
                room,
                &times,
                &mut etag,
                &mut vary,
                bytes.as_mut_ptr(),
                place.as_mut_ptr(),
            );
            (rc == NGX_OK as ngx_int_t).then_some(EntryHeader { bytes, place })
        }
    }

    /// Gives a file to the cache. On the event loop.
    ///
    /// # Errors
    /// There is no memory, or no room in the zone.
    pub fn store(self, folder: Folder, key: &Digest, mut written: Written) -> Result<(), NoMemory> {
        let Written { room, mut place, .. } = written;
        let entry = self.entry(folder, key, room, 1).ok_or(NoMemory)?;
        let name = [written.path.as_os_str().as_bytes(), b"\0"].concat();
        let mut name = pool::copy(self.pool(), &name).ok_or(NoMemory)?;
        name.len -= 1;
        let fd = written.file.as_raw_fd();
        // SAFETY: alive, on the event loop; the entry was made for this request, the file is open,
        // a zero ends its name, and the key has the length of all keys.
        let rc = unsafe {
            let (r, place) = (self.as_ptr(), place.as_mut_ptr());
            shim::ig_cache_store(r, entry.as_ptr(), place, room, fd, &mut name)
        };
        if rc != NGX_OK as ngx_int_t {
            return Err(NoMemory);
        }
        // nginx has renamed it, or deleted it and said why.
        written.is_taken = true;
        Ok(())
    }

    /// Keeps an error until `valid`, in seconds since 1970, with a number below 1024.
    ///
    /// # Errors
    /// There is no memory, or no room in the zone.
    pub fn store_error(
        self,
        folder: Folder,
        key: &Digest,
        (status, detail): (u32, usize),
        valid: u64,
    ) -> Result<(), NoMemory> {
        let entry = self.entry(folder, key, 0, 1).ok_or(NoMemory)?;
        let valid = time_t::try_from(valid).map_err(|_| NoMemory)?;
        // SAFETY: alive, on the event loop; the entry was made for this request.
        let rc = unsafe {
            let (r, status) = (self.as_ptr(), status as usize);
            shim::ig_cache_store_error(r, entry.as_ptr(), status, detail, valid)
        };
        if rc == NGX_OK as ngx_int_t { Ok(()) } else { Err(NoMemory) }
    }

    /// Whether its location names who answers, and is no folder of files.
    pub fn has_handler(self) -> bool {
        // SAFETY: alive.
        unsafe { shim::ig_request_has_handler(self.as_ptr()) != 0 }
    }

    /// What leads to its server: scheme, local address as the system has it, and name.
    pub fn server_name(self) -> Option<(bool, &'r [u8], &'r [u8])> {
        let (mut address, mut host) = (ngx_str_t::empty(), ngx_str_t::empty());
        let mut is_tls = 0;
        // SAFETY: alive. The address lives as long as its connection, which the request does not outlive,
        // and the name as long as the request.
        unsafe {
            let r = self.as_ptr();
            let rc = shim::ig_request_server(r, &mut address, &mut host, &mut is_tls);
            if rc != NGX_OK as ngx_int_t {
                return None;
            }
            Some((is_tls != 0, bytes(address), bytes(host)))
        }
    }

    /// What of an upstream's headers nginx was told not to look at.
    pub fn ignored(self) -> Ignored {
        // SAFETY: alive.
        let bits = unsafe { shim::ig_upstream_ignored(self.as_ptr()) };
        let has = |bit: u32| bits & bit as usize != 0;
        Ignored {
            accel_expires: has(NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES),
            expires: has(NGX_HTTP_UPSTREAM_IGN_EXPIRES),
            cache_control: has(NGX_HTTP_UPSTREAM_IGN_CACHE_CONTROL),
            set_cookie: has(NGX_HTTP_UPSTREAM_IGN_SET_COOKIE),
            vary: has(NGX_HTTP_UPSTREAM_IGN_VARY),
        }
    }

    /// Until when an upstream's answer holds, by the cache that nginx keeps it in: at 0, not any more;
    /// `None` is no such cache, or none that says.
    pub fn cached_until(self) -> Option<u64> {
        // SAFETY: alive.
        u64::try_from(unsafe { shim::ig_upstream_until(self.as_ptr()) }).ok()
    }

    /// Has `H` answer the request instead of whatever its location names, from within a phase before
    /// that of the content.
    pub fn answer_by<H: Handler>(self) {
        // SAFETY: alive, on the event loop.
        unsafe { (*self.as_ptr()).content_handler = Some(phase::run::<H>) };
    }

    /// Waits in a phase, whose handler returns `NGX_AGAIN`, until [`go_on`](Request::go_on).
    ///
    /// # Errors
    /// nginx reported that it can't watch the client.
    pub fn wait(self) -> Result<(), NoMemory> {
        // SAFETY: alive, in a phase.
        let rc = unsafe { shim::ig_request_wait(self.as_ptr()) };
        if rc == NGX_OK as ngx_int_t { Ok(()) } else { Err(NoMemory) }
    }

    /// Has nginx run the phase that waits again when the request is resumed.
    pub fn go_on(self) {
        // SAFETY: alive, and waiting in a phase, as nobody else uses the event of that.
        unsafe { shim::ig_request_go_on(self.as_ptr()) };
    }

    /// Does not notice any more that the client leaves.
    pub fn stay(self) {
        // SAFETY: alive, on the event loop.
        unsafe { shim::ig_request_stay(self.as_ptr()) };
    }

    /// Whether the client sends a body.
    pub fn has_body(self) -> bool {
        // SAFETY: alive.
        unsafe { shim::ig_request_has_body(self.as_ptr()) != 0 }
    }

    /// Adds a header, where nginx looks for it.
    ///
    /// # Errors
    /// There is no memory.
    pub fn put_header(self, name: &[u8], value: &[u8]) -> Result<(), NoMemory> {
        let (Some(mut name), Some(mut value)) =
            (pool::copy(self.pool(), name), pool::copy(self.pool(), value))
        else {
            return Err(NoMemory);
        };
        // SAFETY: alive, on the event loop, and no header was sent yet.
        let rc = unsafe { shim::ig_request_put_header(self.as_ptr(), &mut name, &mut value) };
        if rc == NGX_OK as ngx_int_t { Ok(()) } else { Err(NoMemory) }
    }

    /// Sets the time of the last modification, in seconds since 1970.
    pub fn set_last_modified(self, time: i64) {
        // SAFETY: alive, on the event loop.
        unsafe { (*self.as_ptr()).headers_out.last_modified_time = time };
    }
}
