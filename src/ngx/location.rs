//! Locations, while the configuration is read.

use std::cell::RefCell;
use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

use nginx_sys::{
    NGX_HTTP_SATISFY_ANY, ngx_http_conf_ctx_t, ngx_http_core_loc_conf_t, ngx_http_core_srv_conf_t,
    ngx_http_err_page_t, ngx_http_request_t, ngx_int_t, ngx_str_t, ngx_uint_t,
};

use super::conf::{ConfError, DirectiveArgs, Place};
use super::module::Core;
use super::phase::Handler;
use super::{Parser, Reported, Request, phase, shim};

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

impl Request<'_> {
    /// How many bytes of the URI are the name of its location: nginx cuts them off where that has an `alias`, or
    /// leads to the URI of an upstream. None where something else led there.
    pub fn location_prefix(&self) -> usize {
        let Some(core) = self.location::<Core>() else { return 0 };
        // SAFETY: as in `current`.
        let (is_prefix, name) = unsafe {
            let is_other = shim::ig_location_named(core) != 0 || shim::ig_location_regex(core) != 0;
            (!is_other, super::strings::bytes(core.name))
        };
        let has_prefix = is_prefix && self.uri().starts_with(name);
        if has_prefix { name.len() } else { 0 }
    }
}

/// The name of the location that is being merged, whatever leads to it.
pub fn name(parser: Parser<'_>) -> &[u8] {
    // SAFETY: as in `current`.
    parser.location_ptr::<Core>().map_or(&[], |core| unsafe { super::strings::bytes((*core).name) })
}

/// The variables in the text of `root` or `alias` of the location that is merged, and which of both it
/// is.
pub fn root_text(parser: Parser<'_>) -> (&'static str, &[u8]) {
    let Some(core) = parser.location_ptr::<Core>() else { return ("root", b"") };
    // SAFETY: as in `current`; merged by now, before the configuration of any module that is loaded.
    unsafe {
        let directive = if (*core).alias == 0 { "root" } else { "alias" };
        (directive, super::strings::bytes((*core).root))
    }
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

/// Whether something has the location that is merged answer slower, or not at all, by the values of
/// variables.
pub fn has_limits(parser: Parser<'_>) -> bool {
    let is_slow = parser.location::<Core>().is_some_and(|core| !core.limit_rate.is_null());
    let limits = [c"ngx_http_limit_req_module", c"ngx_http_limit_conn_module"];
    is_slow || limits.iter().any(|name| says_something(parser, name))
}

/// Whether the location that is merged may run a program, which hears all variables.
pub fn has_programs(parser: Parser<'_>) -> bool {
    let languages = [c"ngx_http_lua_module", c"ngx_http_js_module", c"ngx_http_perl_module"];
    languages.iter().any(|name| other_module_conf(parser, name).is_some())
}

/// Whether the first word of what the location that is merged says to a module of nginx's is the address
/// of something.
fn says_something(parser: Parser<'_>, name: &CStr) -> bool {
    other_module_conf(parser, name)
        .is_some_and(|conf| !matches!(conf.first_word(), 0 | ngx_uint_t::MAX))
}

/// Whether nginx's own modules ask who is let in at the location that is merged, or requests leave it
/// unasked for what they find there.
pub fn asks_by_itself(parser: Parser<'_>) -> bool {
    let access = other_module_conf(parser, c"ngx_http_access_module");
    // SAFETY: as in `lets_in_all`.
    let is_open = access.is_none_or(|conf| unsafe {
        conf.first_word() == 0 || shim::ig_access_allows_all(conf.as_ptr()) != 0
    });
    let basic = other_module_conf(parser, c"ngx_http_auth_basic_module");
    // SAFETY: as in `lets_in_all`.
    let asks_for_name =
        basic.is_some_and(|conf| unsafe { shim::ig_auth_basic_asks(conf.as_ptr()) != 0 });
    !is_open
        || asks_for_name
        || auth_request(parser).is_some()
        || !Exits::current(parser).are_none()
        || conditions(parser).any(|condition| condition.is_verdict())
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

/// A location, to be asked once all of its server are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Found(NonNull<ngx_http_core_loc_conf_t>);

impl Found {
    /// The one that is merged, if requests come to it by their URIs.
    pub fn current(parser: Parser<'_>) -> Option<Found> {
        let core = parser.location_ptr::<Core>().and_then(NonNull::new)?;
        let has_name = !name(parser).is_empty();
        // SAFETY: as in `current`.
        let is_found = unsafe {
            has_name
                && shim::ig_location_named(core.as_ptr()) == 0
                && shim::ig_location_noname(core.as_ptr()) == 0
        };
        is_found.then_some(Found(core))
    }

    /// Its name, or its regular expression.
    pub fn name(&self) -> &[u8] {
        // SAFETY: the core module's configuration of a location, which lives as long as all of the
        // configuration, as does its name.
        unsafe { super::strings::bytes(self.0.as_ref().name) }
    }

    /// The location as it is written.
    pub fn shown(self) -> String {
        let sign = match () {
            () if self.is_regex() => "~ ",
            () if self.is_exact() => "= ",
            () => "",
        };
        format!("location {sign}{}", String::from_utf8_lossy(self.name()))
    }

    /// Whether a regular expression leads there.
    pub fn is_regex(self) -> bool {
        // SAFETY: as in `name`.
        unsafe { shim::ig_location_regex(self.0.as_ptr()) != 0 }
    }

    /// Whether nothing but its name leads there: `location = /name`.
    pub fn is_exact(self) -> bool {
        // SAFETY: as in `name`.
        unsafe { shim::ig_location_exact_match(self.0.as_ptr()) != 0 }
    }

    /// Whether only internal redirects get there.
    pub fn is_internal(self) -> bool {
        // SAFETY: as in `name`.
        unsafe { shim::ig_location_internal(self.0.as_ptr()) != 0 }
    }

    /// Whether its regular expression fits a URI.
    pub fn matches(self, uri: &[u8]) -> bool {
        // SAFETY: as in `name`; the URI is only read.
        unsafe {
            shim::ig_location_matches(self.0.as_ptr(), &mut super::strings::borrowed(uri)) != 0
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

    /// The location that requests for a URI come to, or would if there were none by regular expressions. In
    /// `postconfiguration`.
    pub fn find(self, uri: &[u8], has_regexes: bool) -> Option<Found> {
        // SAFETY: the core module's configuration of a server, in the configuration's pool, whose context has
        // an entry for every module; the trees of its locations are made before any `postconfiguration`. The
        // URI is only read.
        let found = unsafe {
            let locations = (*(*self.0).ctx).loc_conf;
            let root = (*locations.add(super::module::index::<Core>())).cast();
            let mut uri = super::strings::borrowed(uri);
            shim::ig_location_find(root, &mut uri, has_regexes.into(), &mut 0)
        };
        NonNull::new(found.cast_mut()).map(Found)
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

/// What lets requests by what guards a location, without a question.
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

/// Where a `rewrite` leads to.
pub struct Target {
    /// The path, up to the first variable.
    pub start: Vec<u8>,
    /// Whether that is all of it.
    pub is_constant: bool,
}

/// How requests leave a location before anybody is asked.
#[derive(Default)]
pub struct Exits {
    /// Where `rewrite` leads to.
    pub leaves: Vec<Target>,
    /// Whether `return` answers the others.
    pub returns: bool,
    /// Whether that says nothing but what whoever asks knows: that there is nothing to be had, or that it
    /// is elsewhere on the same host.
    pub is_harmless: bool,
}

/// Variables by which a `return` says where what was asked for is.
const SAME: [&[u8]; 6] =
    [b"host", b"http_host", b"server_name", b"request_uri", b"uri", b"document_uri"];

/// Whether an answer of that status and text gives nothing away.
fn is_harmless(status: ngx_uint_t, text: &[u8]) -> bool {
    let is_near = || {
        text.starts_with(b"/") && !text.starts_with(b"//")
            || super::conf::variables(text).any(|name| SAME.contains(&name))
    };
    status >= 400 || status == 204 || (301..=308).contains(&status) && is_near()
}

impl Exits {
    /// Those of the location that is merged. nginx's own modules are merged before.
    pub fn current(parser: Parser<'_>) -> Exits {
        let mut exits = Exits::default();
        // Where the block of the last `if` ends; and where `rewrite` without a flag leads to, each with the
        // end of the block that it is in, 0 for none, unless a `break` takes that back.
        let (mut block, mut left) = (0, Vec::<(usize, Target)>::new());
        for step in rewrite_steps(parser) {
            let is_sure = step.at >= block;
            let target = || Target { start: step.text.to_vec(), is_constant: step.is_constant };
            match step.kind {
                Kind::If if VERDICTS.iter().any(|verdict| step.name.starts_with(verdict)) => break,
                Kind::If => block = step.end,
                Kind::Return if is_sure => {
                    exits.returns = true;
                    exits.is_harmless = is_harmless(step.status, step.text);
                    return exits;
                }
                Kind::Last => exits.leaves.push(target()),
                Kind::On => left.push((if is_sure { 0 } else { block }, target())),
                Kind::Break if !ANY.contains(&step.name) => {}
                Kind::Stop | Kind::Break if is_sure => return exits,
                Kind::Stop | Kind::Break => left.retain(|(within, _)| *within != block),
                Kind::Return => {}
            }
        }
        exits.leaves.extend(left.into_iter().map(|(_, target)| target));
        exits
    }

    /// Whether all are asked.
    pub fn are_none(&self) -> bool {
        self.leaves.is_empty() && !self.returns
    }
}

/// Whether `satisfy any` beside `allow all` lets everybody in at the location that is merged.
pub fn lets_in_all(parser: Parser<'_>) -> bool {
    let is_any = parser
        .location::<Core>()
        .is_some_and(|core| core.satisfy == NGX_HTTP_SATISFY_ANY as ngx_uint_t);
    let access = || other_module_conf(parser, c"ngx_http_access_module");
    // SAFETY: this module's configuration of a location begins with an array, or null.
    is_any && access().is_some_and(|conf| unsafe { shim::ig_access_allows_all(conf.as_ptr()) != 0 })
}

impl Bypass {
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
    // SAFETY: as in `lets_in_all`.
    rewrite.is_some_and(|conf| unsafe { shim::ig_rewrite_has_codes(conf.as_ptr()) != 0 })
}

/// `error_page` with a path.
pub struct ErrorPage {
    pub status: u32,
    /// With its variables.
    pub path: Vec<u8>,
}

/// Those that the location that is merged has, or takes over.
pub fn error_pages(parser: Parser<'_>) -> impl Iterator<Item = ErrorPage> {
    let pages = parser.location::<Core>().map(|core| core.error_pages);
    // SAFETY: null, or an array of these in the configuration's pool, which is merged by now.
    let pages =
        pages.and_then(|pages| unsafe { Some(pages.as_ref()?.as_slice::<ngx_http_err_page_t>()) });
    pages.unwrap_or_default().iter().filter_map(|page| {
        // SAFETY: the text is in the configuration's pool, too.
        let path = unsafe { super::strings::bytes(page.value.value) };
        let status = u32::try_from(page.status).ok()?;
        path.starts_with(b"/").then(|| ErrorPage { status, path: path.to_vec() })
    })
}

/// The URI that `auth_request` of the location that is merged asks, if it has one.
pub fn auth_request(parser: Parser<'_>) -> Option<&[u8]> {
    let conf = other_module_conf(parser, c"ngx_http_auth_request_module")?;
    // SAFETY: as in `lets_in_all`; this module's begins with the URI, which is merged by now and in the
    // configuration's pool, or empty.
    let uri = unsafe { super::strings::bytes(conf.as_ptr().cast::<ngx_str_t>().read()) };
    (!uri.is_empty()).then_some(uri)
}

/// The regular expressions by which the location that is merged rewrites the URI and stays.
pub fn breaking_rewrites(parser: Parser<'_>) -> impl Iterator<Item = &[u8]> {
    rewrite_steps(parser).filter(|step| step.kind == Kind::Break).map(|step| step.name)
}

/// Whether the location that is merged may send requests elsewhere, or answer all of them, by what variables
/// hold.
pub fn may_leave(parser: Parser<'_>) -> bool {
    let mut block = 0;
    rewrite_steps(parser).any(|step| match step.kind {
        Kind::If => {
            block = step.end;
            false
        }
        Kind::Return => step.at >= block,
        Kind::Last | Kind::On => true,
        Kind::Stop | Kind::Break => false,
    })
}

/// How an `if` compares a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// It only asks whether it is set.
    None,
    Equal,
    Unequal,
    Regex,
}

/// What an `if` asks for.
pub struct Condition<'a> {
    /// The variable; empty where it is something else, as a file.
    pub name: &'a [u8],
    pub order: Order,
    /// What it is compared with, where that is no regular expression.
    pub text: &'a [u8],
    /// Whether nobody gets by where it holds: its block returns an error.
    pub refuses: bool,
}

impl Condition<'_> {
    /// Whether it compares something, and it is not known what.
    pub fn is_unknown(&self) -> bool {
        self.name.is_empty() && self.order != Order::None
    }

    /// Whether it asks who is let in.
    fn is_verdict(&self) -> bool {
        VERDICTS.iter().any(|verdict| self.name.starts_with(verdict))
    }
}

/// The conditions of `if` in the location that is merged.
pub fn conditions(parser: Parser<'_>) -> impl Iterator<Item = Condition<'_>> {
    let asked = rewrite_steps(parser).filter(|step| step.kind == Kind::If);
    asked.map(move |Step { name, order, text, at, end, .. }| {
        let is_refusal = |step: Step| {
            step.kind == Kind::Return && (at..end).contains(&step.at) && step.status >= 400
        };
        Condition { name, order, text, refuses: rewrite_steps(parser).any(is_refusal) }
    })
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
    order: Order,
    /// What an `if` compares that with, the text of a `return`, or what a `rewrite` leads to up to the first
    /// variable.
    text: &'a [u8],
    is_constant: bool,
    status: ngx_uint_t,
}

/// Those of the location that is merged, in their order, the ones in `if` among them.
fn rewrite_steps(parser: Parser<'_>) -> impl Iterator<Item = Step<'_>> {
    let rewrite = other_module_conf(parser, REWRITE);
    let mut from = 0;
    std::iter::from_fn(move || {
        let (name, text) = (ngx_str_t::empty(), ngx_str_t::empty());
        let mut step =
            shim::RewriteStep { kind: 0, at: 0, end: 0, name, order: 0, text, is_constant: 0 };
        // SAFETY: as in `lets_in_all`; the parser is that of a block in `http`; names and texts are in
        // the configuration's pool.
        let (name, text) = unsafe {
            let conf = rewrite?.as_ptr();
            if shim::ig_rewrite_step(parser.as_ptr(), conf, from, &raw mut step) == 0 {
                return None;
            }
            (super::strings::bytes(step.name), super::strings::bytes(step.text))
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
        let order = match u8::try_from(step.order) {
            Ok(b'=') => Order::Equal,
            Ok(b'!') => Order::Unequal,
            Ok(b'~') => Order::Regex,
            _ => Order::None,
        };
        Some(Step {
            kind,
            at: step.at,
            end: step.end,
            name,
            order,
            text,
            is_constant: step.is_constant != 0,
            status: step.order,
        })
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

/// What answers requests.
type HandlerFn = unsafe extern "C" fn(*mut ngx_http_request_t) -> ngx_int_t;

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
    Err(ConfError::invalid(answers(other)))
}

/// Says that something else answers where a directive would.
fn answers(other: HandlerFn) -> String {
    let name = match answering(other) {
        Some(name) => format!("\"{}\"", name.to_string_lossy()),
        None => "another directive, such as \"proxy_pass\",".to_owned(),
    };
    format!("{name} answers the requests of this location")
}

/// The directive of ours whose handler that is.
fn answering(handler: HandlerFn) -> Option<&'static CStr> {
    let handler = handler as *const () as usize;
    ANSWERING.with_borrow(|known| {
        known.iter().find(|(known, _)| *known == handler).map(|&(_, name)| name)
    })
}

/// Refuses a directive of the location that is merged whose handler another one has put away since.
///
/// # Errors
/// That was reported.
pub fn check_handler(place: &Place, parser: Parser<'_>) -> Result<(), Reported> {
    let Some(core) = parser.location::<Core>() else { return Ok(()) };
    let Some(handler) = core.handler else { return Ok(()) };
    if answering(handler).is_some_and(|name| name.to_bytes() == place.name.as_bytes()) {
        return Ok(());
    }
    place.error(parser, format_args!("{}", answers(handler)));
    Err(Reported)
}
