//! The directives that are nothing but settings of images, from the core's table of them.

use image_gate_core::image::{Argument, SETTINGS, Setting};
use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_TAKE1, NGX_CONF_TAKE12, NGX_HTTP_LOC_CONF, NGX_HTTP_MAIN_CONF,
    NGX_HTTP_SRV_CONF,
};

use super::conf::LocConf;
use super::value::{Value, split, value};
use crate::ngx::conf::{ConfError, Directive, DirectiveArgs, expect};

/// How many directives are nothing but settings.
pub const COUNT: usize = {
    let (mut count, mut row) = (0, 0);
    while row < SETTINGS.len() {
        count += own_directive(row).is_some() as usize;
        row += 1;
    }
    count
};

/// They.
pub const DIRECTIVES: [Directive<LocConf>; COUNT] = {
    let none = Directive { name: c"", kind: 0, set: |_, _| Ok(()) };
    let (mut directives, mut count, mut row) = ([none; COUNT], 0, 0);
    while row < SETTINGS.len() {
        if let Some(name) = own_directive(row) {
            let levels = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;
            let kind = levels | arguments(row);
            directives[count] = Directive { name, kind, set: |conf, args| read(conf, args) };
            count += 1;
        }
        row += 1;
    }
    directives
};

/// The directive of a row, if it is the first of that and no mode is named before its settings.
const fn own_directive(row: usize) -> Option<&'static std::ffi::CStr> {
    let Some(directive) = &SETTINGS[row].directive else { return None };
    let has_modes = same(directive.name, c"image_resize");
    if has_modes || row > 0 && is_of(row - 1, directive.name) { None } else { Some(directive.name) }
}

/// How many arguments the directive takes whose first row that is.
const fn arguments(first: usize) -> u32 {
    let Some(directive) = &SETTINGS[first].directive else { return 0 };
    let has_sole = matches!(directive.argument, Argument::Sole);
    let mut rows = 1;
    while first + rows < SETTINGS.len() && is_of(first + rows, directive.name) {
        rows += 1;
    }
    match (has_sole, rows) {
        (true, 1) => NGX_CONF_TAKE1,
        (true, 2) => NGX_CONF_TAKE12,
        _ => NGX_CONF_1MORE,
    }
}

const fn is_of(row: usize, directive: &std::ffi::CStr) -> bool {
    match &SETTINGS[row].directive {
        Some(own) => same(own.name, directive),
        None => false,
    }
}

const fn same(a: &std::ffi::CStr, b: &std::ffi::CStr) -> bool {
    let (a, b) = (a.to_bytes(), b.to_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Reads a directive that is nothing but settings.
fn read(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    if conf.places.get(&args.name().to_string_lossy()).is_some() {
        return Err(ConfError::Duplicate);
    }
    let mut named = 0;
    if let Some(row) = row_of(args, Argument::Sole) {
        insert(conf, args, row, args.arg(0), args.arg(0))?;
        named = 1;
    }
    read_named(conf, args, named)
}

/// Reads the `name=value` arguments of a directive from the one at `start` on.
///
/// # Errors
/// [`ConfError`] for what is unknown, no value, or there twice.
pub fn read_named(
    conf: &mut LocConf,
    args: &DirectiveArgs<'_>,
    start: usize,
) -> Result<(), ConfError> {
    for argument in args.rest(start) {
        let (name, text) = split(argument);
        let name = std::str::from_utf8(name).unwrap_or_default();
        let named = |setting: &Setting| match setting.argument_of(args.name()) {
            Some(Argument::Named(known)) => Some(known),
            _ => None,
        };
        let row = SETTINGS.iter().position(|setting| named(setting) == Some(name));
        let known = || {
            let known: Vec<_> =
                SETTINGS.iter().filter_map(named).map(|n| format!("{n}=")).collect();
            known.join(", ")
        };
        let row = row.map_or_else(|| expect(None, argument, format_args!("{}", known())), Ok)?;
        if !argument.contains(&b'=') {
            let expected = SETTINGS.get(row).map(Setting::expected).unwrap_or_default();
            return expect(None, argument, format_args!("{name}= with {expected}"));
        }
        insert(conf, args, row, text, argument)?;
    }
    Ok(())
}

/// Reads the value of the setting that the directive has at an argument.
///
/// # Errors
/// [`ConfError`] where it is no value.
pub fn read_at(
    conf: &mut LocConf,
    args: &DirectiveArgs<'_>,
    argument: Argument,
    text: &[u8],
) -> Result<(), ConfError> {
    let row = expect(row_of(args, argument), text, format_args!("known"))?;
    insert(conf, args, row, text, text)
}

/// The row of what the directive sets by an argument.
fn row_of(args: &DirectiveArgs<'_>, argument: Argument) -> Option<usize> {
    SETTINGS.iter().position(|setting| setting.argument_of(args.name()) == Some(argument))
}

/// Reads a value, which messages quote as the argument that it stands in.
fn insert(
    conf: &mut LocConf,
    args: &DirectiveArgs<'_>,
    row: usize,
    text: &[u8],
    argument: &[u8],
) -> Result<(), ConfError> {
    let setting = expect(SETTINGS.get(row), argument, format_args!("known"))?;
    let varies = setting.directive.as_ref().is_some_and(|directive| directive.varies);
    let expected = setting.expected();
    let value = if varies {
        value(args, text, |text| setting.read(text), &expected)?
    } else {
        Value::Fixed(expect(setting.read(text), argument, format_args!("{expected}"))?)
    };
    match conf.settings.insert(row, value) {
        Some(_) => Err(ConfError::Duplicate),
        None => Ok(()),
    }
}
