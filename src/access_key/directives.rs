//! The tables of directives, and how their arguments are read.

use std::rc::Rc;
use std::time::Duration;

use image_gate_core::key::{
    KeySource, Period, QuotaLimits, Resource, is_id, parse_bytes, parse_requests,
};
use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_2MORE, NGX_CONF_FLAG, NGX_CONF_TAKE1, NGX_CONF_TAKE12,
    NGX_CONF_TAKE23, NGX_HTTP_LOC_CONF, NGX_HTTP_MAIN_CONF, NGX_HTTP_SRV_CONF,
};

use super::conf::{
    AccessConf, AccessKey, Errors, FileConf, LocConf, MainConf, Quotas, RateLimitHeaders,
    RedirectTarget, SrvConf, ZoneConf,
};
use super::values::KeyVariables;
use super::zone::{KeyFile, StateFile};
use super::{alert, export, redirect, status, usage};
use crate::ngx::conf::{
    ConfError, Directive, DirectiveArgs, Directives, Places, expect, flag, interval, once,
    parse_number, parse_size,
};
use crate::ngx::module::Level;
use crate::ngx::{Pooled, location, shm, worker};

const SERVER_AND_LOCATION: u32 = NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

impl Directives for MainConf {
    type Module = AccessKey;
    const LEVEL: Level = Level::Main;
    const DIRECTIVES: &'static [Directive<MainConf>] = &[
        Directive {
            name: c"access_key_zone",
            kind: NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
            set: set_zone,
        },
        Directive {
            name: c"access_key_file",
            kind: NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE23,
            set: set_file,
        },
        Directive {
            name: c"access_key_statsd",
            kind: NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
            set: export::set_statsd,
        },
        Directive {
            name: c"access_key_redis",
            kind: NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
            set: export::set_redis,
        },
    ];

    fn places(&mut self) -> Option<&mut Places> {
        Some(&mut self.places)
    }
}

impl Directives for SrvConf {
    type Module = AccessKey;
    const LEVEL: Level = Level::Server;
    const DIRECTIVES: &'static [Directive<SrvConf>] = &[Directive {
        name: c"access_key_mask",
        kind: NGX_HTTP_SRV_CONF | NGX_CONF_FLAG,
        set: |conf, args| once(&mut conf.mask, flag(args)?),
    }];
}

impl Directives for LocConf {
    type Module = AccessKey;
    const DIRECTIVES: &'static [Directive<LocConf>] = &[
        Directive {
            name: c"access_key",
            kind: SERVER_AND_LOCATION | NGX_CONF_1MORE,
            set: set_access,
        },
        Directive {
            name: c"access_key_quota",
            kind: SERVER_AND_LOCATION | NGX_CONF_1MORE,
            set: set_quota,
        },
        Directive {
            name: c"access_key_errors",
            kind: SERVER_AND_LOCATION | NGX_CONF_1MORE,
            set: set_errors,
        },
        Directive {
            name: c"access_key_headers",
            kind: SERVER_AND_LOCATION | NGX_CONF_TAKE1,
            set: |conf, args| {
                let headers = match args.arg(0) {
                    b"off" => Some(RateLimitHeaders::Off),
                    b"draft" => Some(RateLimitHeaders::Draft),
                    b"legacy" => Some(RateLimitHeaders::Legacy),
                    _ => None,
                };
                let expected = format_args!("off, draft or legacy");
                once(&mut conf.headers, expect(headers, args.arg(0), expected)?)
            },
        },
        Directive {
            name: c"access_key_strip",
            kind: SERVER_AND_LOCATION | NGX_CONF_FLAG,
            set: |conf, args| once(&mut conf.strip, flag(args)?),
        },
        Directive {
            name: c"access_key_redirect",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
            set: set_redirect,
        },
        Directive {
            name: c"access_key_status",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12,
            set: status::set,
        },
        Directive {
            name: c"access_key_alert",
            kind: NGX_HTTP_MAIN_CONF | SERVER_AND_LOCATION | NGX_CONF_1MORE,
            set: alert::set,
        },
        Directive {
            name: c"access_key_usage",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
            set: usage::set,
        },
    ];

    fn places(&mut self) -> Option<&mut Places> {
        Some(&mut self.places)
    }
}

fn set_zone(conf: &mut MainConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let name = args.arg(0);
    let name = expect(is_id(name).then_some(name), name, format_args!("the name of a zone"))?;
    let size = expect(parse_size(args.arg(1)), args.arg(1), format_args!("a size such as 1m"))?;
    let (mut path, mut save) = (None, None);
    for argument in args.rest(2) {
        if let Some(value) = argument.strip_prefix(b"state=").filter(|value| !value.is_empty()) {
            let file = args.full_path(value, false)?;
            if value.ends_with(b"/") || file.is_dir() {
                let name = String::from_utf8_lossy(value);
                return Err(ConfError::invalid(format_args!(
                    "\"state={name}\" names a folder: name a file in it, \"state={}/state\"",
                    name.trim_end_matches('/')
                )));
            }
            once(&mut path, file)?;
        } else if let Some(value) = argument.strip_prefix(b"save=") {
            once(&mut save, interval(value)?)?;
        } else {
            return expect(None, argument, format_args!("state=FILE or save=TIME"));
        }
    }
    if save.is_some() && path.is_none() {
        return Err(ConfError::invalid("\"save=\" needs \"state=\""));
    }
    let is_taken = |zone: &Pooled<ZoneConf>| {
        zone.state_file.as_ref().is_some_and(|state_file| Some(&state_file.path) == path.as_ref())
    };
    if let Some(zone) = conf.zones.iter().find(|zone| is_taken(zone)) {
        let reason = format_args!("the state file of zone \"{}\" too", zone.name);
        return Err(ConfError::invalid(reason));
    }
    let interval = save.unwrap_or(Duration::from_secs(10));
    let state_file = path.map(|path| StateFile { path, interval });
    let zone = String::from_utf8_lossy(name).into_owned();
    let bytes = usize::try_from(size).map_err(|_| ConfError::invalid("no memory"))?;
    let zone = ZoneConf::new(zone, state_file, bytes, args.place(), args.parser());
    let zone = args.parser().keep(zone).ok_or_else(|| ConfError::invalid("no memory"))?;
    // What nginx has of it is only the name: the memory is another (see `ZoneConf::init`).
    shm::add::<AccessKey, _>(args.parser(), name, size.min(shm::MIN_SIZE), zone)?;
    conf.zones.push(zone);
    Ok(())
}

fn set_file(conf: &mut MainConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let name = args.arg(0);
    if conf.files.iter().any(|known| known.name == name) {
        return Err(ConfError::Duplicate);
    }
    let path = args.full_path(args.arg(1), true)?;
    let poll = match args.rest(2).next() {
        None => None,
        Some(argument) => match argument.strip_prefix(b"poll=") {
            Some(value) => Some(interval(value)?),
            None => return expect(None, argument, format_args!("poll=TIME")),
        },
    };
    // Whoever only sends a signal needs no keys, good or bad.
    let (file, keys) = if worker::is_signaller() {
        (KeyFile { path, poll, seen: None, trouble: None }, None)
    } else {
        KeyFile::read(path, poll)
    };
    conf.files.push(FileConf { name: name.to_vec(), file, keys, place: args.place() });
    Ok(())
}

fn set_access(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    if args.len() == 1 && args.arg(0) == b"off" {
        return once(&mut conf.access, None);
    }
    let mut zone = None;
    let mut sources = Vec::new();
    for argument in args.rest(0) {
        if let Some(name) = argument.strip_prefix(b"zone=") {
            let valid = is_id(name).then_some(name);
            once(&mut zone, expect(valid, name, format_args!("the name of a zone"))?.to_vec())?;
        } else if let Some(list) = argument.strip_prefix(b"from=") {
            if list.contains(&b',') {
                return expect(None, list, format_args!("sources separated by \"|\""));
            }
            for text in list.split(|&byte| byte == b'|') {
                let expected = "arg:NAME, header:NAME, cookie:NAME or uri:NUMBER";
                let source = expect(KeySource::parse(text), text, format_args!("{expected}"))?;
                if sources.contains(&source) {
                    return Err(ConfError::invalid("the same source twice"));
                }
                sources.push(source);
            }
        } else {
            return expect(None, argument, format_args!("off, or zone=NAME and from=SOURCE"));
        }
    }
    let name =
        zone.ok_or_else(|| ConfError::invalid("no \"zone=\": the name of an \"access_key_zone\""))?;
    if sources.is_empty() {
        return Err(ConfError::invalid("no \"from=\": where the key is, such as arg:key"));
    }
    once(
        &mut conf.access,
        Some(Rc::new(AccessConf { name, sources, variables: KeyVariables::default() })),
    )
}

fn set_quota(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let (mut limit, mut per, mut dry_run) = (None, None, None);
    for argument in args.rest(0) {
        // As key files have it.
        if let Some(at) = argument.iter().position(|&byte| byte == b'/')
            && let (amount, [b'/', period @ ..]) = argument.split_at(at)
            && Period::from_name(period).is_some()
        {
            let [amount, period] = [amount, period].map(String::from_utf8_lossy);
            return Err(ConfError::invalid(format_args!(
                "no \"per=\": write \"{amount} per={period}\""
            )));
        }
        if let Some(text) = argument.strip_prefix(b"requests=") {
            let number = expect(parse_requests(text), text, format_args!("a number from 1 up"))?;
            once(&mut limit, (Resource::Requests, number))?;
        } else if let Some(text) = argument.strip_prefix(b"bytes=") {
            let size =
                expect(parse_bytes(text), text, format_args!("a size from 1 up, such as 5g"))?;
            once(&mut limit, (Resource::Bytes, size))?;
        } else if let Some(text) = argument.strip_prefix(b"per=") {
            let known = Period::from_name(text);
            once(&mut per, expect(known, text, format_args!("{}", Period::NAMES))?)?;
        } else if argument == b"dry_run" {
            once(&mut dry_run, ())?;
        } else {
            let expected = format_args!("requests=NUMBER or bytes=SIZE, per=PERIOD, or dry_run");
            return expect(None, argument, expected);
        }
    }
    let (what, limit) =
        limit.ok_or_else(|| ConfError::invalid("neither \"requests=\" nor \"bytes=\""))?;
    let per =
        per.ok_or_else(|| ConfError::invalid(format_args!("no \"per=\": {}", Period::NAMES)))?;
    let quotas = conf.quotas.get_or_insert_default();
    let has = |limits: &QuotaLimits| limits.get(what, per).is_some();
    if has(&quotas.limits) || has(&quotas.dry_run) {
        return Err(ConfError::invalid(format_args!(
            "two limits of {} per {}",
            what.name(),
            per.name()
        )));
    }
    if per == Period::Total {
        conf.total = Some(args.place());
    }
    let Quotas { limits, dry_run: logged } = quotas;
    (if dry_run.is_some() { logged } else { limits }).set(what, per, limit);
    Ok(())
}

fn set_errors(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let mut errors = Errors::default();
    let mut seen = Vec::new();
    let expected = "missing=, invalid=, disabled=, quota= or forbidden=, and a status";
    for text in args.rest(0) {
        let (name, status) = match text.iter().position(|&byte| byte == b'=') {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => return expect(None, text, format_args!("{expected}")),
        };
        let field = match name {
            b"missing" => &mut errors.missing,
            b"invalid" => &mut errors.invalid,
            b"disabled" => &mut errors.disabled,
            b"quota" => &mut errors.quota,
            b"forbidden" => &mut errors.forbidden,
            _ => return expect(None, text, format_args!("{expected}")),
        };
        if seen.contains(&name) {
            return Err(ConfError::Duplicate);
        }
        seen.push(name);
        let number = parse_number(status).filter(|status| (400..=599).contains(status));
        *field = expect(number, status, format_args!("a status from 400 to 599"))?;
    }
    once(&mut conf.errors, errors)
}

fn set_redirect(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let text = args.arg(0);
    let target = match text {
        [b'@', _, ..] => RedirectTarget::Named(text.into()),
        [b'/', ..] | [b'$', ..] => match text.iter().position(|&byte| byte == b'?') {
            Some(at) => RedirectTarget::Uri(
                args.expression(&text[..at])?,
                Some(args.expression(&text[at + 1..])?),
            ),
            None => RedirectTarget::Uri(args.expression(text)?, None),
        },
        _ => return expect(None, text, format_args!("a URI that begins with \"/\", or @NAME")),
    };
    once(&mut conf.redirect, target)?;
    location::set_handler::<redirect::Redirect>(args)
}
