//! Directives, their arguments and expressions.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, OsStr, c_char, c_void};
use std::fmt::{self, Arguments};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::rc::Rc;
use std::time::Duration;

use nginx_sys::{
    NGX_HTTP_MAIN_CONF, NGX_HTTP_SRV_CONF, NGX_LOG_EMERG, NGX_LOG_ERR, NGX_LOG_WARN, NGX_OK,
    ngx_command_t, ngx_conf_full_name, ngx_conf_t, ngx_http_compile_complex_value,
    ngx_http_compile_complex_value_t, ngx_http_complex_value, ngx_http_complex_value_t, ngx_int_t,
    ngx_parse_http_time, ngx_parse_offset, ngx_parse_time, ngx_pcalloc, ngx_str_t, ngx_uint_t,
};

use super::guard::guard;
use super::module::Level;
use super::strings::{borrowed, bytes};
use super::{Cycle, Module, Parser, Reported, Request, log, worker};

const OK: *mut c_char = std::ptr::null_mut();
// NGX_CONF_ERROR: already reported.
const ERROR: *mut c_char = usize::MAX as *mut c_char;

/// Why a directive was refused.
pub enum ConfError {
    /// It stands twice at one level.
    Duplicate,
    /// The reason in words.
    Invalid(String),
}

impl ConfError {
    /// An error that says why.
    pub fn invalid(reason: impl fmt::Display) -> ConfError {
        ConfError::Invalid(reason.to_string())
    }
}

/// What a directive does with its arguments.
pub type Set<C> = fn(&mut C, &DirectiveArgs<'_>) -> Result<(), ConfError>;

/// One directive of a module whose configuration is a `C`.
pub struct Directive<C: 'static> {
    /// Its name.
    pub name: &'static CStr,
    /// Where it may stand and how many arguments it takes, as nginx's flags.
    pub kind: u32,
    /// What it does.
    pub set: Set<C>,
}

impl<C> Clone for Directive<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Directive<C> {}

/// The directives of two tables, the first one's first: `N` is how many there are in all.
pub const fn joined<C, const N: usize>(
    first: &[Directive<C>],
    second: &[Directive<C>],
) -> [Directive<C>; N] {
    let mut all = [first[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}

/// A configuration of a module, at one of nginx's levels, that is a table of directives.
pub trait Directives: Sized + 'static {
    /// The module.
    type Module: Module;
    /// Which of the module's configurations it is.
    const LEVEL: Level = Level::Location;
    /// The table.
    const DIRECTIVES: &'static [Directive<Self>];

    /// Where the configuration remembers what it was told where, if it does.
    fn places(&mut self) -> Option<&mut Places> {
        None
    }
}

/// The command table that nginx wants, with `C`'s directives from index `start` on, behind those
/// that `commands` has already: `N` is one more than there are in all.
pub const fn commands<C: Directives, const N: usize>(
    mut commands: [ngx_command_t; N],
    start: usize,
) -> [ngx_command_t; N] {
    let mut i = 0;
    while i < C::DIRECTIVES.len() {
        let directive = &C::DIRECTIVES[i];
        commands[start + i] = ngx_command_t {
            name: ngx_str_t {
                len: directive.name.count_bytes(),
                data: directive.name.as_ptr().cast_mut().cast(),
            },
            type_: directive.kind as ngx_uint_t,
            set: Some(set_directive::<C>),
            conf: C::LEVEL.offset(),
            // Which of the table it is; nothing of nginx looks at the offset.
            offset: i,
            post: std::ptr::null_mut(),
        };
        i += 1;
    }
    commands
}

/// A command table without any.
pub const fn no_commands<const N: usize>() -> [ngx_command_t; N] {
    [const { ngx_command_t::empty() }; N]
}

/// Makes a configuration of a module, as its `create_main_conf` and the like.
pub unsafe extern "C" fn create<C: Default + 'static>(cf: *mut ngx_conf_t) -> *mut c_void {
    // SAFETY: nginx passes its parser.
    let Some(parser) = (unsafe { Parser::new(cf) }) else { return std::ptr::null_mut() };
    guard(parser.log(), std::ptr::null_mut(), || {
        parser.keep(C::default()).map_or(std::ptr::null_mut(), |conf| conf.as_ptr().cast())
    })
}

/// A configuration that takes over from the level above what it does not say itself.
pub trait Merge {
    /// Takes it over.
    ///
    /// # Errors
    /// What is wrong was reported.
    fn merge(&mut self, parent: &Self, parser: Parser<'_>) -> Result<(), Reported>;
}

/// Merges the configurations of two servers' levels, as a module's `merge_srv_conf`.
pub unsafe extern "C" fn merge_server<M: Module<Server: Merge>>(
    cf: *mut ngx_conf_t,
    parent: *mut c_void,
    child: *mut c_void,
) -> *mut c_char {
    // SAFETY: nginx passes its parser, and what `create` made for two different levels.
    unsafe { merge::<M, M::Server>(cf, parent, child, Level::Server) }
}

/// Merges the configurations of two locations' levels, as a module's `merge_loc_conf`.
pub unsafe extern "C" fn merge_location<M: Module<Location: Merge>>(
    cf: *mut ngx_conf_t,
    parent: *mut c_void,
    child: *mut c_void,
) -> *mut c_char {
    // SAFETY: nginx passes its parser, and what `create` made for two different levels.
    unsafe { merge::<M, M::Location>(cf, parent, child, Level::Location) }
}

/// # Safety
/// `cf` is nginx's parser; the others are the module's configurations at that level, or null.
unsafe fn merge<M: Module, C: Merge>(
    cf: *mut ngx_conf_t,
    parent: *mut c_void,
    child: *mut c_void,
    level: Level,
) -> *mut c_char {
    // SAFETY: the caller's promises; nobody else looks at the child meanwhile (see `writing`).
    let (parser, parent, child) =
        unsafe { (Parser::new(cf), parent.cast::<C>().as_ref(), child.cast::<C>().as_mut()) };
    let Some(parser) = parser else { return ERROR };
    guard(parser.log(), ERROR, || {
        let (Some(parent), Some(child)) = (parent, child) else { return ERROR };
        match child.merge(parent, parser.writing::<M>(level)) {
            Ok(()) => OK,
            Err(Reported) => ERROR,
        }
    })
}

/// A configuration that has to be looked over once all of `http` was read.
pub trait Init {
    /// Looks it over.
    ///
    /// # Errors
    /// What is wrong was reported.
    fn init(&mut self, parser: Parser<'_>) -> Result<(), Reported>;
}

/// Looks over a configuration, as a module's `init_main_conf`.
pub unsafe extern "C" fn init_main<M: Module<Main: Init>>(
    cf: *mut ngx_conf_t,
    conf: *mut c_void,
) -> *mut c_char {
    // SAFETY: nginx passes its parser, and what `create` made, which nobody else looks at meanwhile
    // (see `writing`).
    let (parser, conf) = unsafe { (Parser::new(cf), conf.cast::<M::Main>().as_mut()) };
    let Some(parser) = parser else { return ERROR };
    guard(parser.log(), ERROR, || {
        let Some(conf) = conf else { return ERROR };
        match conf.init(parser.writing::<M>(Level::Main)) {
            Ok(()) => OK,
            Err(Reported) => ERROR,
        }
    })
}

unsafe extern "C" fn set_directive<C: Directives>(
    cf: *mut ngx_conf_t,
    cmd: *mut ngx_command_t,
    conf: *mut c_void,
) -> *mut c_char {
    // SAFETY: nginx calls a directive's handler with its parser, its command and the
    // configuration that `create` made for the level; nothing else uses it meanwhile (see
    // `writing`).
    let (parser, index, conf) =
        unsafe { (Parser::new(cf), (*cmd).offset, conf.cast::<C>().as_mut()) };
    let Some(parser) = parser.map(|parser| parser.writing::<C::Module>(C::LEVEL)) else {
        return ERROR;
    };
    guard(parser.log(), ERROR, || {
        let (Some(directive), Some(conf)) = (C::DIRECTIVES.get(index), conf) else {
            return ERROR;
        };
        let args = DirectiveArgs { parser, name: directive.name, arguments: arguments(parser) };
        match (directive.set)(conf, &args) {
            Ok(()) => {
                if let Some(places) = conf.places() {
                    places.0.push(args.place());
                }
                OK
            }
            Err(ConfError::Duplicate) => c"is duplicate".as_ptr().cast_mut(),
            Err(ConfError::Invalid(reason)) => {
                let name = directive.name.to_string_lossy();
                match args.swallowed() {
                    Some(next) => parser.error(format_args!(
                        "\"{name}\" directive: {reason}; is a \";\" missing before \"{next}\"?"
                    )),
                    None => parser.error(format_args!("\"{name}\" directive: {reason}")),
                }
                ERROR
            }
        }
    })
}

/// A directive where it stands, for what is known of it only once more was read.
pub struct Place {
    /// The directive.
    pub name: &'static str,
    /// Whether it stands in a location, and not above.
    pub is_in_location: bool,
    /// Whether something goes by it.
    pub is_used: Cell<bool>,
    file: String,
    line: ngx_uint_t,
}

impl Place {
    fn current(parser: Parser<'_>, name: &'static CStr) -> Place {
        let cf = parser.as_ptr();
        // SAFETY: while a handler runs, the parser knows the block that it is in, and the file if
        // there is one: what the command line says has none.
        let (level, file, line) = unsafe {
            let file = (*cf).conf_file.as_ref();
            let name = file.map_or(&b""[..], |file| bytes(file.file.name));
            ((*cf).cmd_type, String::from_utf8_lossy(name), file.map_or(0, |file| file.line))
        };
        let above = (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF) as ngx_uint_t;
        Place {
            name: name.to_str().unwrap_or_default(),
            is_in_location: level & above == 0,
            is_used: Cell::new(false),
            file: file.into_owned(),
            line,
        }
    }

    /// Reports an error in the directive.
    pub fn error(&self, parser: Parser<'_>, reason: Arguments<'_>) {
        self.write(parser, NGX_LOG_EMERG, reason);
    }

    /// Reports what may be a mistake in the directive.
    pub fn warn(&self, parser: Parser<'_>, reason: Arguments<'_>) {
        self.write(parser, NGX_LOG_WARN, reason);
    }

    /// What is to be said of the directive, with where it stands, once nothing is read any more.
    pub fn line(&self, reason: impl fmt::Display) -> String {
        let Place { name, file, line, .. } = self;
        format!("\"{name}\" directive: {reason} in {file}:{line}")
    }

    /// Tells of a file that the directive names, if there is one and workers can't read it. `nginx -t` hides
    /// warnings at this time, unless `error_log` asks for them.
    pub fn warn_of_unread(&self, path: Option<&Path>, cycle: Cycle<'_>) {
        if let Some(reason) = path.and_then(|path| worker::kept_from(path, cycle.user())) {
            cycle.write(NGX_LOG_ERR, format_args!("{}", self.line(reason)));
        }
    }

    fn write(&self, parser: Parser<'_>, level: u32, reason: Arguments<'_>) {
        log::write(parser.log(), level, format_args!("{}", self.line(reason)));
    }
}

/// Warns of each directive once, however many locations take it over.
#[derive(Default)]
pub struct WarnedOnce(RefCell<Vec<Rc<Place>>>);

impl WarnedOnce {
    /// Warns of the directive, unless that was done before.
    pub fn warn(&self, place: &Rc<Place>, parser: Parser<'_>, reason: Arguments<'_>) {
        let mut warned = self.0.borrow_mut();
        if !warned.iter().any(|other| Rc::ptr_eq(other, place)) {
            warned.push(place.clone());
            place.warn(parser, reason);
        }
    }
}

/// The directives of one level, and of those above that hold there.
#[derive(Clone, Default)]
pub struct Places(Vec<Rc<Place>>);

impl Places {
    /// The directive of that name.
    pub fn get(&self, name: &str) -> Option<&Rc<Place>> {
        self.0.iter().find(|place| place.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Place>> {
        self.0.iter()
    }

    /// Takes over from the level above the directives that this one does not have.
    pub fn inherit(&mut self, parent: &Places) {
        let own = self.0.len();
        for place in &parent.0 {
            if !self.0.iter().take(own).any(|own| own.name == place.name) {
                self.0.push(place.clone());
            }
        }
    }

    /// Notes that something goes by all of them.
    pub fn mark_used(&self) {
        for place in &self.0 {
            place.is_used.set(true);
        }
    }
}

fn arguments(parser: Parser<'_>) -> &[ngx_str_t] {
    let cf = parser.as_ptr();
    // SAFETY: while a handler runs, `args` holds the directive's words, its name the first; they
    // live in the configuration's pool.
    unsafe { (*cf).args.as_ref().map_or(&[], |args| args.as_slice().get(1..).unwrap_or(&[])) }
}

/// A directive's arguments and the parser behind them.
pub struct DirectiveArgs<'a> {
    parser: Parser<'a>,
    name: &'static CStr,
    arguments: &'a [ngx_str_t],
}

impl<'a> DirectiveArgs<'a> {
    /// The directive's name.
    pub fn name(&self) -> &'static CStr {
        self.name
    }

    /// How many arguments there are, without the directive's name.
    pub fn len(&self) -> usize {
        self.arguments.len()
    }

    /// The arguments from the one at `start` on.
    pub fn rest(&self, start: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let rest = self.arguments.get(start..).unwrap_or_default();
        rest.iter().map(|argument| argument.as_bytes())
    }

    /// The argument at `index`; empty where there is none.
    pub fn arg(&self, index: usize) -> &'a [u8] {
        self.arguments.get(index).map_or(&[], |argument| argument.as_bytes())
    }

    /// An argument that is the name of a directive of several words, and so hardly anything else.
    fn swallowed(&self) -> Option<Cow<'a, str>> {
        let is_directive = |word: &[u8]| word.contains(&b'_') && self.parser.has_directive(word);
        self.rest(0).find(|word| is_directive(word)).map(String::from_utf8_lossy)
    }

    /// Where the directive stands.
    pub fn place(&self) -> Rc<Place> {
        Rc::new(Place::current(self.parser, self.name))
    }

    /// The parser, for what else is asked of nginx.
    pub fn parser(&self) -> Parser<'a> {
        self.parser
    }

    /// `path` below the folder of the configuration file, or below nginx's prefix, unless it is
    /// absolute.
    pub fn full_path(&self, path: &[u8], beside_conf: bool) -> Result<PathBuf, ConfError> {
        let mut name = super::pool::copy(self.parser.pool(), &[path, b"\0"].concat())
            .ok_or_else(|| ConfError::invalid("no memory"))?;
        name.len = path.len();
        // SAFETY: the parser's cycle is live; the name ends with a zero, as nginx wants it, and
        // is replaced by one in the cycle's pool.
        let rc = unsafe {
            ngx_conf_full_name(
                (*self.parser.as_ptr()).cycle,
                &mut name,
                ngx_uint_t::from(beside_conf),
            )
        };
        if rc != NGX_OK as ngx_int_t {
            return Err(ConfError::invalid("no memory"));
        }
        Ok(PathBuf::from(OsStr::from_bytes(name.as_bytes())))
    }

    /// Compiles an argument that may hold variables.
    ///
    /// # Errors
    /// [`ConfError::Invalid`] when it is malformed, with nginx's own line before it.
    pub fn expression(&self, text: &[u8]) -> Result<Expression, ConfError> {
        // SAFETY: the parser's pool is live; nginx answers null when it has no memory.
        let value = NonNull::new(unsafe {
            ngx_pcalloc(self.parser.pool(), size_of::<ngx_http_complex_value_t>()).cast()
        })
        .ok_or_else(|| ConfError::invalid("no memory"))?;
        // The text is usually the tail of an argument; nginx wants a string it may keep.
        let mut text = super::pool::copy(self.parser.pool(), text)
            .ok_or_else(|| ConfError::invalid("no memory"))?;
        // SAFETY: a zeroed request to compile, filled with the parser, the text and the result's
        // place; all of them outlive the call, and the text is in the configuration's pool.
        let rc = unsafe {
            let mut compile: ngx_http_compile_complex_value_t = std::mem::zeroed();
            compile.cf = self.parser.as_ptr();
            compile.value = &mut text;
            compile.complex_value = value.as_ptr();
            ngx_http_compile_complex_value(&mut compile)
        };
        if rc != NGX_OK as ngx_int_t {
            return Err(ConfError::invalid("invalid expression"));
        }
        Ok(Expression(value))
    }
}

/// A compiled value that may hold variables.
#[derive(Clone, Copy)]
pub struct Expression(NonNull<ngx_http_complex_value_t>);

impl Expression {
    /// Its text, where it holds no variable.
    pub fn constant(&self) -> Option<&[u8]> {
        // SAFETY: compiled by `DirectiveArgs::expression`, in the configuration's pool.
        let value = unsafe { self.0.as_ref() };
        value.lengths.is_null().then(|| value.value.as_bytes())
    }

    /// Its text as it is configured.
    pub fn text(&self) -> &[u8] {
        // SAFETY: compiled by `DirectiveArgs::expression`, in the configuration's pool, as is its
        // text.
        unsafe { bytes(self.0.as_ref().value) }
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &[u8]> {
        variables(self.text())
    }

    /// Its value for a request, in the request's pool.
    pub fn evaluate<'r>(self, request: Request<'r>) -> Option<&'r [u8]> {
        let mut value = ngx_str_t::empty();
        // SAFETY: compiled, and the request is live; nginx allocates the result in its pool.
        let rc = unsafe { ngx_http_complex_value(request.as_ptr(), self.0.as_ptr(), &mut value) };
        // SAFETY: on success, `len` bytes at `data` that live as long as the request.
        (rc == NGX_OK as ngx_int_t).then(|| unsafe { bytes(value) })
    }

    /// Whether its value for a request is neither empty nor `0`.
    pub fn is_set(self, request: Request<'_>) -> bool {
        self.evaluate(request).is_some_and(|value| !matches!(value, b"" | b"0"))
    }
}

/// A part of the text of an expression.
#[derive(Clone, Copy)]
pub enum Term<'a> {
    /// What stands there.
    Text(&'a [u8]),
    /// The name of a variable.
    Variable(&'a [u8]),
}

/// The parts of the text of an expression, in their order; no text is empty.
pub fn terms(text: &[u8]) -> impl Iterator<Item = Term<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let Some(tail) = rest.strip_prefix(b"$") else {
            let end = rest.iter().position(|&byte| byte == b'$').unwrap_or(rest.len());
            let (text, after) = rest.split_at(end);
            rest = after;
            return (!text.is_empty()).then_some(Term::Text(text));
        };
        let name = tail.strip_prefix(b"{").unwrap_or(tail);
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let end = name.iter().position(|byte| !is_name(byte)).unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        rest = after.strip_prefix(b"}").filter(|_| tail.starts_with(b"{")).unwrap_or(after);
        Some(Term::Variable(name))
    })
}

/// The names of the variables in the text of an expression.
pub fn variables(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    terms(text).filter_map(|term| match term {
        Term::Variable(name) => Some(name),
        Term::Text(_) => None,
    })
}

/// Sets `slot` once.
///
/// # Errors
/// [`ConfError::Duplicate`] the second time.
pub fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), ConfError> {
    if slot.is_some() {
        return Err(ConfError::Duplicate);
    }
    *slot = Some(value);
    Ok(())
}

/// `text`, or an error that quotes what it should have been.
///
/// # Errors
/// [`ConfError::Invalid`] when `value` is `None`.
pub fn expect<T>(value: Option<T>, text: &[u8], expected: Arguments<'_>) -> Result<T, ConfError> {
    value.ok_or_else(|| {
        let text = String::from_utf8_lossy(text);
        ConfError::invalid(format_args!("invalid value \"{text}\", it must be {expected}"))
    })
}

/// `on` or `off`.
pub fn parse_flag(text: &[u8]) -> Option<bool> {
    match text {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}

/// Decimal digits.
pub fn parse_number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number with a decimal `k`, `m` or `g` behind it: a count, not a size.
pub fn parse_count(text: &[u8]) -> Option<u64> {
    let (digits, unit) = match text {
        [digits @ .., b'k' | b'K'] => (digits, 1_000),
        [digits @ .., b'm' | b'M'] => (digits, 1_000_000),
        [digits @ .., b'g' | b'G'] => (digits, 1_000_000_000),
        digits => (digits, 1),
    };
    u64::from(parse_number(digits)?).checked_mul(unit)
}

/// A size in nginx's notation, in bytes; with `g`, which nginx takes where files are meant.
pub fn parse_size(text: &[u8]) -> Option<u64> {
    let mut text = borrowed(text);
    // SAFETY: reads the string only.
    u64::try_from(unsafe { ngx_parse_offset(&mut text) }).ok()
}

/// A time in nginx's notation, in milliseconds.
pub fn parse_time(text: &[u8]) -> Option<u64> {
    let mut text = borrowed(text);
    // SAFETY: reads the string only; 0 asks for milliseconds.
    u64::try_from(unsafe { ngx_parse_time(&mut text, 0) }).ok()
}

/// A date as HTTP has it, in seconds since 1970.
pub fn parse_http_time(text: &[u8]) -> Option<u64> {
    // SAFETY: reads the bytes only.
    u64::try_from(unsafe { ngx_parse_http_time(text.as_ptr().cast_mut(), text.len()) }).ok()
}

/// A time between two rounds of something.
///
/// # Errors
/// [`ConfError::Invalid`] when it is shorter than a tenth of a second.
pub fn interval(text: &[u8]) -> Result<Duration, ConfError> {
    let time = parse_time(text).filter(|&time| time >= 100);
    expect(time.map(Duration::from_millis), text, format_args!("a time of at least 100ms"))
}

/// `on` or `off`, as the one argument.
///
/// # Errors
/// [`ConfError::Invalid`] when it is neither.
pub fn flag(args: &DirectiveArgs<'_>) -> Result<bool, ConfError> {
    expect(parse_flag(args.arg(0)), args.arg(0), format_args!("\"on\" or \"off\""))
}
