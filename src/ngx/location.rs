//! Locations, while the configuration is read.

use std::cell::RefCell;
use std::ffi::{CStr, c_void};

use nginx_sys::{
    NGX_HTTP_SATISFY_ANY, ngx_http_conf_ctx_t, ngx_http_core_srv_conf_t, ngx_str_t, ngx_uint_t,
};

use super::conf::{ConfError, DirectiveArgs};
use super::module::Core;
use super::phase::Handler;
use super::{Parser, phase, shim};

/// A location whose name is the beginning of URIs.
pub struct Location<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Whether the name is all of the URI: `location = /name`.
    pub is_exact: bool,
    /// Whether only internal redirects get there.
    pub is_internal: bool,
}

/// The location that is being merged; `None` for one that no prefix of a URI leads to.
pub fn current(parser: Parser<'_>) -> Option<Location<'_>> {
    let core = parser.location_ptr::<Core>()?;
    // SAFETY: the core module's configuration of a location; its name is in the configuration's
    // pool, and nobody writes it any more.
    unsafe {
        let is_prefix = shim::ig_location_named(core) == 0
            && shim::ig_location_noname(core) == 0
            && shim::ig_location_regex(core) == 0;
        let name = super::strings::bytes((*core).name);
        (is_prefix && !name.is_empty()).then_some(Location {
            name,
            is_exact: shim::ig_location_exact_match(core) != 0,
            is_internal: shim::ig_location_internal(core) != 0,
        })
    }
}

/// The name of the location that is being merged, whatever leads to it.
pub fn name(parser: Parser<'_>) -> &[u8] {
    // SAFETY: as in `current`.
    parser.location_ptr::<Core>().map_or(&[], |core| unsafe { super::strings::bytes((*core).name) })
}

/// The regular expression that leads to the location that is merged, if one does.
pub fn regex(parser: Parser<'_>) -> Option<&[u8]> {
    // SAFETY: as in `current`.
    let is_regex = |core| unsafe { shim::ig_location_regex(core) != 0 };
    parser.location_ptr::<Core>().filter(|&core| is_regex(core)).map(|_| name(parser))
}

/// Whether what is merged is the block of an `if`, and so in the location around it.
pub fn is_nameless(parser: Parser<'_>) -> bool {
    // SAFETY: as in `current`.
    parser.location_ptr::<Core>().is_some_and(|core| unsafe { shim::ig_location_noname(core) != 0 })
}

/// Whether something answers the requests of the location that is merged, and it is no folder of files.
pub fn has_handler(parser: Parser<'_>) -> bool {
    // SAFETY: as in `current`.
    parser.location_ptr::<Core>().is_some_and(|core| unsafe { (*core).handler.is_some() })
}

/// Has the location that is merged send at most so many bytes before other requests have their turn.
pub fn limit_chunk(parser: Parser<'_>, bytes: usize) {
    if let Some(core) = parser.location_ptr::<Core>() {
        // SAFETY: as in `current`; nginx merges the configuration of the core module before that of any
        // other, and reads it when requests come.
        unsafe {
            let chunk = &raw mut (*core).sendfile_max_chunk;
            if *chunk == 0 || *chunk > bytes {
                *chunk = bytes;
            }
        }
    }
}

/// A server, to be asked once all of its locations are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Server(*const ngx_http_core_srv_conf_t);

impl Server {
    /// The one that is merged.
    pub fn current(parser: Parser<'_>) -> Option<Server> {
        parser.server::<Core>().map(|server| Server(server))
    }

    /// Whether headers whose names have a `_` are heard. Once it is merged.
    pub fn hears_underscores(self) -> bool {
        // SAFETY: as in `has_named`.
        unsafe { (*self.0).underscores_in_headers == 1 || (*self.0).ignore_invalid_headers == 0 }
    }

    /// Whether it has a location called so, with its `@`. In `postconfiguration`.
    pub fn has_named(self, name: &[u8]) -> bool {
        // SAFETY: the core module's configuration of a server, in the configuration's pool; the
        // locations are null where there are none, and else ended by null.
        unsafe {
            let mut named = (*self.0).named_locations;
            while let Some(location) = named.as_ref().and_then(|location| location.as_ref()) {
                if super::strings::bytes(location.name) == name {
                    return true;
                }
                named = named.add(1);
            }
        }
        false
    }
}

/// What a location says to a module that is not ours.
#[derive(Clone, Copy)]
pub struct OtherModuleConf(*const ngx_uint_t);

impl OtherModuleConf {
    /// The first word of its configuration.
    pub fn first_word(self) -> ngx_uint_t {
        // SAFETY: not null, and allocated from the configuration's pool, where everything that a
        // module has for a location is aligned for a word and at least as long.
        unsafe { self.0.read() }
    }

    fn as_ptr(self) -> *const c_void {
        self.0.cast()
    }
}

/// nginx's module of `return`, `rewrite`, `set` and `if`.
const REWRITE: &CStr = c"ngx_http_rewrite_module";

/// What lets requests by what guards the location that is merged, without a question.
#[derive(Clone, Copy)]
pub enum Bypass {
    /// `satisfy any` beside `allow all`.
    Satisfied,
    /// `return`, which answers before anybody is asked.
    Returned,
    /// `rewrite`, by which requests are in another location before anybody is asked.
    Rewritten,
}

/// What asks by itself who is let in, so that a `rewrite` behind an `if` of it is for those who are.
const VERDICTS: [&[u8]; 2] = [b"secure_link", b"access_key"];

/// Regular expressions that all URIs match.
const ANY: [&[u8]; 8] = [b"^", b"^/", b".*", b"^.*", b"^.*$", b"(.*)", b"^(.*)$", b"^/(.*)$"];

impl Bypass {
    /// That of the location that is merged. nginx's own modules are merged before.
    pub fn current(parser: Parser<'_>) -> Option<Bypass> {
        let is_any = parser
            .location::<Core>()
            .is_some_and(|core| core.satisfy == NGX_HTTP_SATISFY_ANY as ngx_uint_t);
        let access = || other_module_conf(parser, c"ngx_http_access_module");
        // SAFETY: these modules' configurations of a location begin with an array, or null.
        unsafe {
            if is_any && access().is_some_and(|conf| shim::ig_access_allows_all(conf.as_ptr()) != 0)
            {
                return Some(Bypass::Satisfied);
            }
        }
        Bypass::by_rewrites(parser)
    }

    /// That of what nginx does before access is checked.
    fn by_rewrites(parser: Parser<'_>) -> Option<Bypass> {
        // Where the block of the last `if` ends, and of the one that leaves the location, 0 for none,
        // unless a `break` takes that back.
        let (mut block, mut left) = (0, None::<usize>);
        for step in rewrite_steps(parser) {
            let is_sure = step.at >= block;
            match step.kind {
                Kind::If if VERDICTS.iter().any(|verdict| step.name.starts_with(verdict)) => {
                    return left.map(|_| Bypass::Rewritten);
                }
                Kind::If => block = step.end,
                Kind::Return if is_sure => return Some(Bypass::Returned),
                Kind::Last => return Some(Bypass::Rewritten),
                Kind::On if is_sure => left = Some(0),
                Kind::On => left = left.or(Some(block)),
                Kind::Break if !ANY.contains(&step.name) => {}
                Kind::Stop | Kind::Break if is_sure => return None,
                Kind::Stop | Kind::Break => left = left.filter(|&left| left != block),
                Kind::Return => {}
            }
        }
        left.map(|_| Bypass::Rewritten)
    }

    /// Why nobody is asked.
    pub fn reason(self) -> &'static str {
        match self {
            Bypass::Satisfied => {
                "nobody is asked: \"satisfy any\" and \"allow all\" let everybody in; take one away"
            }
            Bypass::Returned => {
                "nobody is asked: \"return\" answers before; \"try_files /nothing =STATUS\" comes \
                 after"
            }
            Bypass::Rewritten => {
                "nobody is asked where \"rewrite\" leads to another location: write \"break\" behind \
                 it, or have that location ask"
            }
        }
    }
}

/// Whether the location that is merged may change the URI.
pub fn has_rewrites(parser: Parser<'_>) -> bool {
    let rewrite = other_module_conf(parser, REWRITE);
    // SAFETY: as in `Bypass::current`.
    rewrite.is_some_and(|conf| unsafe { shim::ig_rewrite_has_codes(conf.as_ptr()) != 0 })
}

/// The URI that `auth_request` of the location that is merged asks, if it has one.
pub fn auth_request(parser: Parser<'_>) -> Option<&[u8]> {
    let conf = other_module_conf(parser, c"ngx_http_auth_request_module")?;
    // SAFETY: as in `Bypass::current`; this module's begins with the URI, which is merged by now and in the
    // configuration's pool, or empty.
    let uri = unsafe { super::strings::bytes(conf.as_ptr().cast::<ngx_str_t>().read()) };
    (!uri.is_empty()).then_some(uri)
}

/// The regular expressions by which the location that is merged rewrites the URI and stays.
pub fn breaking_rewrites(parser: Parser<'_>) -> impl Iterator<Item = &[u8]> {
    rewrite_steps(parser).filter(|step| step.kind == Kind::Break).map(|step| step.name)
}

/// What `return`, `break`, `if` and `rewrite` do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Return,
    /// `break` by itself.
    Stop,
    If,
    /// `rewrite ... break`.
    Break,
    /// `rewrite ... last`.
    Last,
    /// `rewrite` without a flag.
    On,
}

/// One of them.
struct Step<'a> {
    kind: Kind,
    at: usize,
    /// Of the block of an `if`.
    end: usize,
    /// The variable that an `if` asks for, or the regular expression of a `rewrite`.
    name: &'a [u8],
}

/// Those of the location that is merged, in their order, the ones in `if` among them.
fn rewrite_steps(parser: Parser<'_>) -> impl Iterator<Item = Step<'_>> {
    let rewrite = other_module_conf(parser, REWRITE);
    let mut from = 0;
    std::iter::from_fn(move || {
        let name = ngx_str_t::empty();
        let mut step = shim::RewriteStep { kind: 0, at: 0, end: 0, name };
        // SAFETY: as in `Bypass::current`; the parser is that of a block in `http`; names are in the
        // configuration's pool.
        let name = unsafe {
            let conf = rewrite?.as_ptr();
            if shim::ig_rewrite_step(parser.as_ptr(), conf, from, &raw mut step) == 0 {
                return None;
            }
            super::strings::bytes(step.name)
        };
        from = step.at + size_of::<usize>();
        let kind = match step.kind {
            1 => Kind::Return,
            2 => Kind::Stop,
            3 => Kind::If,
            4 => Kind::Break,
            5 => Kind::Last,
            _ => Kind::On,
        };
        Some(Step { kind, at: step.at, end: step.end, name })
    })
}

/// What the location that is merged says to the HTTP module called `name`, if that is loaded.
pub fn other_module_conf(parser: Parser<'_>, name: &CStr) -> Option<OtherModuleConf> {
    let cf = parser.as_ptr();
    // SAFETY: the cycle's modules are ended by null and have names once they are loaded; inside
    // `http`, the parser's context has an entry for every HTTP module.
    unsafe {
        let mut module = (*(*cf).cycle).modules;
        while let Some(this) = (*module).as_ref() {
            if !this.name.is_null() && CStr::from_ptr(this.name) == name {
                let ctx = (*cf).ctx.cast::<ngx_http_conf_ctx_t>();
                let conf = *(*ctx).loc_conf.add(this.ctx_index);
                return (!conf.is_null()).then_some(OtherModuleConf(conf.cast()));
            }
            module = module.add(1);
        }
    }
    None
}

thread_local! {
    /// The directives that answer requests, by the addresses of their handlers.
    static ANSWERING: RefCell<Vec<(usize, &'static CStr)>> = const { RefCell::new(Vec::new()) };
}

/// Has a handler of a directive answer the requests of the location that is being read.
///
/// # Errors
/// Something else answers them.
pub fn set_handler<H: Handler>(args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    // SAFETY: the core module's configuration of the location, which directives may write.
    let core = args.parser().location_ptr::<Core>().and_then(|core| unsafe { core.as_mut() });
    let Some(core) = core else { return Err(ConfError::invalid("no configuration")) };
    let Some(other) = core.handler else {
        core.handler = Some(phase::run::<H>);
        let own = (phase::run::<H> as *const () as usize, args.name());
        ANSWERING.with_borrow_mut(|known| {
            known.retain(|(handler, _)| *handler != own.0);
            known.push(own);
        });
        return Ok(());
    };
    let other = other as *const () as usize;
    let name = ANSWERING.with_borrow(|known| {
        let found = known.iter().find(|(handler, _)| *handler == other);
        found.map(|(_, name)| format!("\"{}\"", name.to_string_lossy()))
    });
    let name = name.unwrap_or_else(|| "another directive, such as \"proxy_pass\",".to_owned());
    Err(ConfError::invalid(format_args!("{name} answers the requests of this location")))
}
