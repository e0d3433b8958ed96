//! The directives of the module.

use std::cell::OnceCell;
use std::rc::Rc;

use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_2MORE, NGX_CONF_FLAG, NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF,
    NGX_HTTP_MAIN_CONF, NGX_HTTP_SRV_CONF,
};

use super::conf::{Cache, ImageResizeCache, LocConf, MainConf, Target, UseStale};
use super::flights::{self, Flights};
use crate::ngx::cache;
use crate::ngx::conf::{
    ConfError, Directive, DirectiveArgs, Directives, Expression, Places, expect, flag, once,
    parse_number, parse_time,
};
use crate::ngx::module::Level;
use crate::ngx::shm;

const HTTP: u32 = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

impl Directives for MainConf {
    type Module = ImageResizeCache;
    const LEVEL: Level = Level::Main;
    const DIRECTIVES: &'static [Directive<MainConf>] = &[Directive {
        name: c"image_resize_cache_path",
        kind: NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
        set: set_path,
    }];
}

impl Directives for LocConf {
    type Module = ImageResizeCache;
    const DIRECTIVES: &'static [Directive<LocConf>] = &[
        Directive {
            name: c"image_resize_cache",
            kind: HTTP | NGX_CONF_TAKE1,
            set: |conf, args| {
                check()?;
                let target = match args.arg(0) {
                    b"off" => Target::Off,
                    name => Target::Zone(args.expression(name)?),
                };
                once(&mut conf.target, target)
            },
        },
        Directive {
            name: c"image_resize_cache_key",
            kind: HTTP | NGX_CONF_TAKE1,
            set: |conf, args| {
                check()?;
                once(&mut conf.key, args.expression(args.arg(0))?)
            },
        },
        Directive {
            name: c"image_resize_cache_lock",
            kind: HTTP | NGX_CONF_FLAG,
            set: |conf, args| {
                check()?;
                once(&mut conf.lock, flag(args)?)
            },
        },
        Directive {
            name: c"image_resize_cache_lock_timeout",
            kind: HTTP | NGX_CONF_TAKE1,
            set: |conf, args| once(&mut conf.lock_timeout, time(args)?),
        },
        Directive {
            name: c"image_resize_cache_lock_age",
            kind: HTTP | NGX_CONF_TAKE1,
            set: |conf, args| once(&mut conf.lock_age, time(args)?),
        },
        Directive {
            name: c"image_resize_cache_valid",
            kind: HTTP | NGX_CONF_1MORE,
            set: |conf, args| {
                check()?;
                conf.valid.get_or_insert_default().extend(valid(args)?);
                Ok(())
            },
        },
        Directive {
            name: c"image_resize_cache_min_uses",
            kind: HTTP | NGX_CONF_TAKE1,
            set: |conf, args| {
                check()?;
                let uses = parse_number(args.arg(0)).filter(|uses| (1..=1000).contains(uses));
                let uses = expect(uses, args.arg(0), format_args!("a number from 1 to 1000"))?;
                once(&mut conf.min_uses, usize::try_from(uses).unwrap_or(1))
            },
        },
        Directive {
            name: c"image_resize_cache_background_update",
            kind: HTTP | NGX_CONF_FLAG,
            set: |conf, args| {
                check()?;
                once(&mut conf.background_update, flag(args)?)
            },
        },
        Directive {
            name: c"image_resize_cache_revalidate",
            kind: HTTP | NGX_CONF_FLAG,
            set: |conf, args| {
                check()?;
                once(&mut conf.revalidate, flag(args)?)
            },
        },
        Directive {
            name: c"image_resize_cache_use_stale",
            kind: HTTP | NGX_CONF_1MORE,
            set: |conf, args| {
                check()?;
                once(&mut conf.use_stale, use_stale(args)?)
            },
        },
        Directive {
            name: c"image_resize_cache_bypass",
            kind: HTTP | NGX_CONF_1MORE,
            set: |conf, args| predicates(&mut conf.bypass, args),
        },
        Directive {
            name: c"image_resize_no_cache",
            kind: HTTP | NGX_CONF_1MORE,
            set: |conf, args| predicates(&mut conf.no_cache, args),
        },
        Directive {
            name: c"image_resize_cache_purge",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
            set: |conf, args| predicates(&mut conf.purge, args),
        },
    ];

    fn places(&mut self) -> Option<&mut Places> {
        Some(&mut self.places)
    }
}

/// That there is a cache to use.
fn check() -> Result<(), ConfError> {
    if cache::is_available() {
        return Ok(());
    }
    Err(ConfError::invalid("this nginx is built without the HTTP cache"))
}

fn predicates(
    slot: &mut Option<Vec<Expression>>,
    args: &DirectiveArgs<'_>,
) -> Result<(), ConfError> {
    check()?;
    let values: Result<Vec<Expression>, ConfError> =
        args.rest(0).map(|value| args.expression(value)).collect();
    once(slot, values?)
}

fn use_stale(args: &DirectiveArgs<'_>) -> Result<UseStale, ConfError> {
    if args.len() == 1 && args.arg(0) == b"off" {
        return Ok(UseStale::default());
    }
    args.rest(0).try_fold(UseStale::default(), |cases, word| {
        let expected = "error, timeout, invalid_header, updating, http_STATUS or off";
        expect(cases.with(word), word, format_args!("{expected}"))
    })
}

/// Codes and a time, in seconds.
fn valid(args: &DirectiveArgs<'_>) -> Result<Vec<(Option<u16>, u64)>, ConfError> {
    let (last, codes) = (args.len().saturating_sub(1), args.len().saturating_sub(1));
    let text = args.arg(last);
    let time = expect(parse_time(text), text, format_args!("a time such as 1h"))? / 1000;
    if codes == 0 {
        return Ok(vec![(Some(200), time)]);
    }
    let code = |text: &[u8]| match text {
        b"any" => Ok((None, time)),
        b"200" => Ok((Some(200), time)),
        b"415" => Ok((Some(415), time)),
        _ => Err(ConfError::invalid(format_args!(
            "invalid code \"{}\", only 200 and 415 are kept",
            String::from_utf8_lossy(text)
        ))),
    };
    args.rest(0).take(codes).map(code).collect()
}

fn time(args: &DirectiveArgs<'_>) -> Result<u64, ConfError> {
    check()?;
    expect(parse_time(args.arg(0)), args.arg(0), format_args!("a time such as 1h"))
}

fn set_path(conf: &mut MainConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    check()?;
    // Files are always written beside the others, where they are renamed and not copied.
    if args.rest(1).any(|argument| argument.starts_with(b"use_temp_path=")) {
        return Err(ConfError::invalid(
            "there is no \"use_temp_path=\": files are written in PATH itself",
        ));
    }
    let cache::Declared { folder, name, path } =
        cache::declare::<ImageResizeCache>(args, "image_resize_cache_path")?;
    // A colon ends the name of a zone, so that no directive can mean this one.
    let zone = [&name, &b":flights"[..]].concat();
    let (flights, generations) = (Flights::default(), OnceCell::new());
    let place = args.place();
    let cache = Rc::new(Cache { name, folder, path: path.into(), place, flights, generations });
    let kept = args.parser().keep(cache.clone()).ok_or(ConfError::invalid("no memory"))?;
    shm::add::<ImageResizeCache, Rc<Cache>>(args.parser(), &zone, flights::SIZE, kept)?;
    conf.caches.push(cache);
    Ok(())
}
