//! Our modules, as nginx knows them: which configurations and which state of a request they have.

use std::fmt::Arguments;
use std::marker::PhantomData;
use std::ptr::NonNull;

use nginx_sys::{
    NGX_HTTP_LOC_CONF_OFFSET, NGX_HTTP_MAIN_CONF_OFFSET, NGX_HTTP_SRV_CONF_OFFSET, NGX_LOG_EMERG,
    NGX_OK, ngx_conf_t, ngx_cycle, ngx_cycle_t, ngx_http_conf_ctx_t, ngx_http_core_loc_conf_t,
    ngx_http_core_main_conf_t, ngx_http_core_module, ngx_http_core_srv_conf_t, ngx_http_module,
    ngx_int_t, ngx_log_t, ngx_module_t, ngx_pool_t, ngx_uint_t,
};

use super::guard::guard;
use super::{Pooled, Reported, Request, shim};

/// A module of ours.
///
/// # Safety
/// `definition` is a module whose configurations at the three levels are of these types, or there
/// are none; those of ours are made by [`create`](super::conf::create). Nobody but
/// [`Request::set_context`] writes its slot in a request.
pub unsafe trait Module: Sized + 'static {
    /// The configuration of all of `http`.
    type Main: 'static;
    /// That of a server.
    type Server: 'static;
    /// That of a location.
    type Location: 'static;
    /// The state of a request.
    type Context: 'static;

    /// What nginx finds the module by.
    fn definition() -> *const ngx_module_t;
}

/// nginx's own module of locations and servers.
pub(super) enum Core {}

// SAFETY: these are its types, and it has no state of a request.
unsafe impl Module for Core {
    type Main = ngx_http_core_main_conf_t;
    type Server = ngx_http_core_srv_conf_t;
    type Location = ngx_http_core_loc_conf_t;
    type Context = ();

    fn definition() -> *const ngx_module_t {
        &raw const ngx_http_core_module
    }
}

/// The number of a module among those of `http`.
pub(super) fn index<M: Module>() -> usize {
    // SAFETY: a module of this library; nginx numbers it before it calls any of its functions.
    unsafe { (*M::definition()).ctx_index }
}

/// One of the three levels of configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Main,
    Server,
    Location,
}

impl Level {
    /// The offset.
    pub const fn offset(self) -> usize {
        match self {
            Level::Main => NGX_HTTP_MAIN_CONF_OFFSET,
            Level::Server => NGX_HTTP_SRV_CONF_OFFSET,
            Level::Location => NGX_HTTP_LOC_CONF_OFFSET,
        }
    }
}

/// nginx's parser while it reads a configuration, within one call of ours.
#[derive(Clone, Copy)]
pub struct Parser<'c> {
    cf: NonNull<ngx_conf_t>,
    /// The configuration that is being written meanwhile, which nobody may look at.
    written: Option<(*const ngx_module_t, Level)>,
    call: PhantomData<&'c ngx_conf_t>,
}

impl<'c> Parser<'c> {
    /// The parser behind a pointer of nginx.
    ///
    /// # Safety
    /// `cf` is the parser, inside of `http` or above it, and lives for `'c`.
    pub(super) unsafe fn new(cf: *mut ngx_conf_t) -> Option<Parser<'c>> {
        NonNull::new(cf).map(|cf| Parser { cf, written: None, call: PhantomData })
    }

    /// The same while the configuration of a module at a level is written.
    pub(super) fn writing<M: Module>(self, level: Level) -> Parser<'c> {
        Parser { written: Some((M::definition(), level)), ..self }
    }

    /// The pointer.
    pub(super) fn as_ptr(self) -> *mut ngx_conf_t {
        self.cf.as_ptr()
    }

    /// Its log.
    pub(super) fn log(self) -> *mut ngx_log_t {
        // SAFETY: the parser is live (see the type).
        unsafe { self.cf.as_ref().log }
    }

    /// Reports an error, to which nginx adds the file and the line that it has got to.
    pub fn error(self, message: Arguments<'_>) {
        let line = message.to_string();
        // SAFETY: the parser is live; the line has as many bytes.
        unsafe {
            shim::ig_conf_log(
                NGX_LOG_EMERG as ngx_uint_t,
                self.as_ptr(),
                line.as_ptr(),
                line.len(),
            );
        }
    }

    /// Whether any module has a directive of that name.
    pub(super) fn has_directive(self, name: &[u8]) -> bool {
        // SAFETY: the cycle's modules are ended by null; their commands are ended by one without a
        // name, or null.
        unsafe {
            let mut module = (*(*self.as_ptr()).cycle).modules;
            while let Some(this) = (*module).as_ref() {
                let mut command = this.commands;
                while let Some(known) = command.as_ref().filter(|known| known.name.len > 0) {
                    if super::strings::bytes(known.name) == name {
                        return true;
                    }
                    command = command.add(1);
                }
                module = module.add(1);
            }
        }
        false
    }

    /// The pool of the configuration.
    pub(super) fn pool(self) -> *mut ngx_pool_t {
        // SAFETY: as in `log`.
        unsafe { self.cf.as_ref().pool }
    }

    /// Keeps a value as long as the configuration.
    pub fn keep<T: 'static>(self, value: T) -> Option<Pooled<T>> {
        Pooled::new(self.pool(), value)
    }

    /// The configuration, to be asked once it is complete.
    pub fn cycle(self) -> Pending {
        // SAFETY: as in `log`.
        Pending(unsafe { self.cf.as_ref().cycle })
    }

    fn slot<M: Module>(self, level: Level) -> Option<*mut std::ffi::c_void> {
        if self.written == Some((M::definition(), level)) {
            return None;
        }
        // SAFETY: the parser is live; inside of `http` its context is one of `http`, with an entry
        // for every module.
        unsafe {
            let context = self.cf.as_ref().ctx.cast::<ngx_http_conf_ctx_t>().as_ref()?;
            let slots = match level {
                Level::Main => context.main_conf,
                Level::Server => context.srv_conf,
                Level::Location => context.loc_conf,
            };
            if slots.is_null() { None } else { Some(*slots.add(index::<M>())) }
        }
    }

    /// The configuration of a module for all of `http`.
    pub fn main<M: Module>(self) -> Option<&'c M::Main> {
        // SAFETY: what `create` made (see `Module`), and nobody writes it meanwhile.
        unsafe { self.slot::<M>(Level::Main)?.cast::<M::Main>().as_ref() }
    }

    /// The configuration of a module for the server that is read or merged.
    pub fn server<M: Module>(self) -> Option<&'c M::Server> {
        // SAFETY: as in `main`.
        unsafe { self.slot::<M>(Level::Server)?.cast::<M::Server>().as_ref() }
    }

    /// The address of the configuration of a module for the location that is read.
    pub(super) fn location_ptr<M: Module>(self) -> Option<*mut M::Location> {
        self.slot::<M>(Level::Location).filter(|slot| !slot.is_null()).map(|slot| slot.cast())
    }

    /// The address of the configuration of a module for all of `http`.
    pub(super) fn main_ptr<M: Module>(self) -> Option<*mut M::Main> {
        self.slot::<M>(Level::Main).filter(|slot| !slot.is_null()).map(|slot| slot.cast())
    }

    /// The configuration of a server, to be kept.
    pub fn kept_server<M: Module>(self) -> Option<Pooled<M::Server>> {
        // SAFETY: as in `main`; it lives as long as the configuration.
        unsafe { Pooled::from_ptr(self.slot::<M>(Level::Server)?) }
    }

    /// The configuration of another module for the location that is merged: merged, too, where
    /// that module stands before the one that merges.
    pub fn location<M: Module>(self) -> Option<&'c M::Location> {
        // SAFETY: as in `main`.
        unsafe { self.slot::<M>(Level::Location)?.cast::<M::Location>().as_ref() }
    }

    /// The same, to be kept, and looked at once all are merged.
    pub fn kept_location<M: Module>(self) -> Option<Pooled<M::Location>> {
        // SAFETY: as in `kept_server`.
        unsafe { Pooled::from_ptr(self.slot::<M>(Level::Location)?) }
    }
}

/// A configuration that is being read, to be asked once it is complete.
#[derive(Clone, Copy)]
pub struct Pending(*mut ngx_cycle_t);

impl Pending {
    /// The user and the group that workers run as, where the master is root. While nginx takes the
    /// configuration, or later.
    pub fn user(self) -> Option<(u32, u32)> {
        // SAFETY: the cycle lives as long as what is kept of its configuration.
        unsafe { super::worker::user_of(self.0) }
    }
}

/// A configuration that nginx has read, within one call of ours.
#[derive(Clone, Copy)]
pub struct Cycle<'c>(NonNull<ngx_cycle_t>, PhantomData<&'c ngx_cycle_t>);

impl<'c> Cycle<'c> {
    /// The one that is running.
    ///
    /// # Safety
    /// nginx takes no other for `'c`.
    unsafe fn running() -> Option<Cycle<'c>> {
        // SAFETY: a word that is set before any process runs.
        NonNull::new(unsafe { ngx_cycle }).map(|cycle| Cycle(cycle, PhantomData))
    }

    /// Its log.
    pub(super) fn log(self) -> *mut ngx_log_t {
        // SAFETY: live (see the type).
        unsafe { self.0.as_ref().log }
    }

    /// Writes a line that belongs to no request.
    pub fn write(self, level: u32, message: Arguments<'_>) {
        super::log::write(self.log(), level, message);
    }

    /// The user and the group that its workers run as, where the master is root.
    pub fn user(self) -> Option<(u32, u32)> {
        // SAFETY: live, and complete.
        unsafe { super::worker::user_of(self.0.as_ptr()) }
    }

    /// The configuration of a module for all of `http`, if there is `http`.
    pub fn main<M: Module>(self) -> Option<&'c M::Main> {
        // SAFETY: live; where there is no `http` its slot is null, and a context of `http` has an
        // entry for every module, which `create` made (see `Module`).
        unsafe {
            let context = *self.0.as_ref().conf_ctx.add(ngx_http_module.index);
            let context = context.cast::<ngx_http_conf_ctx_t>().as_ref()?;
            (*context.main_conf.add(index::<M>())).cast::<M::Main>().as_ref()
        }
    }
}

/// Runs `body` with the configuration of a module for all of `http`, as it is running. For the
/// event loop.
pub fn with_main<M: Module, R>(body: impl FnOnce(&M::Main) -> R) -> Option<R> {
    // SAFETY: nginx takes another configuration from the event loop, and not within this call.
    unsafe { Cycle::running()?.main::<M>().map(body) }
}

/// What a module does when a configuration is read and taken, and when a process begins and ends.
pub trait Hooks: Module {
    /// Before the directives are read: names variables.
    ///
    /// # Errors
    /// What is wrong was reported.
    fn before(parser: Parser<'_>) -> Result<(), Reported>;

    /// Once all of them were read.
    ///
    /// # Errors
    /// What is wrong was reported.
    fn after(parser: Parser<'_>) -> Result<(), Reported>;

    /// A configuration was taken by the process that reads it.
    fn taken(_: Cycle<'_>) {}

    /// A process begins that may be a worker.
    fn begin_process(_: Cycle<'_>) {}

    /// One ends.
    fn end_process() {}
}

/// A module's `preconfiguration`.
pub unsafe extern "C" fn preconfiguration<M: Hooks>(cf: *mut ngx_conf_t) -> ngx_int_t {
    // SAFETY: nginx passes its parser.
    let parser = unsafe { Parser::new(cf) };
    super::guard::report_panics();
    set_up(parser, M::before)
}

/// A module's `postconfiguration`.
pub unsafe extern "C" fn postconfiguration<M: Hooks>(cf: *mut ngx_conf_t) -> ngx_int_t {
    // SAFETY: nginx passes its parser, whose context is that of `http`.
    let parser = unsafe { Parser::new(cf) };
    set_up(parser, M::after)
}

fn set_up(parser: Option<Parser<'_>>, body: fn(Parser<'_>) -> Result<(), Reported>) -> ngx_int_t {
    let Some(parser) = parser else { return super::ERROR };
    match guard(parser.log(), Err(Reported), || body(parser)) {
        Ok(()) => NGX_OK as ngx_int_t,
        Err(Reported) => super::ERROR,
    }
}

/// A module's `init_module`.
pub unsafe extern "C" fn init_module<M: Hooks>(cycle: *mut ngx_cycle_t) -> ngx_int_t {
    // SAFETY: nginx passes the cycle that it is about to take, whose configuration is complete.
    unsafe { at_cycle(cycle, M::taken) }
}

/// A module's `init_process`.
pub unsafe extern "C" fn init_process<M: Hooks>(cycle: *mut ngx_cycle_t) -> ngx_int_t {
    // SAFETY: nginx passes the cycle of the process.
    unsafe { at_cycle(cycle, M::begin_process) }
}

/// A module's `exit_process`.
pub unsafe extern "C" fn exit_process<M: Hooks>(cycle: *mut ngx_cycle_t) {
    // SAFETY: nginx passes the cycle of the process.
    unsafe { at_cycle(cycle, |_| M::end_process()) };
}

/// Runs `body` with a cycle.
///
/// # Safety
/// It is null, or a cycle with a complete configuration that lives until this returns.
unsafe fn at_cycle(cycle: *mut ngx_cycle_t, body: impl FnOnce(Cycle<'_>)) -> ngx_int_t {
    if let Some(cycle) = NonNull::new(cycle) {
        let cycle = Cycle(cycle, PhantomData);
        guard(cycle.log(), (), || body(cycle));
    }
    NGX_OK as ngx_int_t
}

/// What a module says and knows of a request.
impl<'r> Request<'r> {
    /// The configuration of a module at the request's location.
    pub fn location<M: Module>(&self) -> Option<&M::Location> {
        // SAFETY: what `create` made (see `Module`); a configuration outlives its requests, and
        // nobody writes it any more.
        unsafe { self.location_of(index::<M>()).cast::<M::Location>().as_ref() }
    }

    /// The configuration of a module for the request's server.
    pub fn server<M: Module>(&self) -> Option<&M::Server> {
        // SAFETY: as in `location`.
        unsafe { self.server_of(index::<M>()).cast::<M::Server>().as_ref() }
    }

    /// The same, to be kept as long as the configuration lives.
    pub fn kept_server<M: Module>(&self) -> Option<Pooled<M::Server>> {
        // SAFETY: as in `location`.
        unsafe { Pooled::from_ptr(self.server_of(index::<M>())) }
    }

    /// The configuration of a module for all of `http`.
    pub fn main_conf<M: Module>(&self) -> Option<&M::Main> {
        // SAFETY: as in `location`.
        unsafe { self.main_of(index::<M>()).cast::<M::Main>().as_ref() }
    }

    /// The state that [`set_context`](Request::set_context) set, also after nginx cleared the slot: it does
    /// by an internal redirect, and where a filter refuses what it is given.
    pub fn context<M: Module>(self) -> Option<&'r M::Context> {
        // SAFETY: alive.
        let was_cleared = || unsafe {
            shim::ig_request_internal(self.as_ptr()) != 0
                || shim::ig_request_filter_finalize(self.as_ptr()) != 0
        };
        let kept = || if was_cleared() { self.own() } else { None };
        self.active_context::<M>().or_else(kept)
    }

    /// The state of the current pass through the filters.
    pub fn active_context<M: Module>(self) -> Option<&'r M::Context> {
        // SAFETY: null, or what `set_context` put there (see `Module`), which lives as long as the
        // request.
        unsafe { (*self.context_slot(index::<M>())).cast::<M::Context>().as_ref() }
    }

    /// Moves a module's state into the request.
    pub fn set_context<M: Module>(self, value: M::Context) -> Option<&'r M::Context> {
        let context = self.attach_own(value)?;
        // SAFETY: the slot is this module's.
        unsafe {
            *self.context_slot(index::<M>()) = std::ptr::from_ref(context).cast_mut().cast();
        }
        Some(context)
    }
}
