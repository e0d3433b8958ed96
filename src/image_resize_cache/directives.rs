//! The directives of the module.

use std::rc::Rc;

use nginx_sys::{
    NGX_CONF_2MORE, NGX_CONF_FLAG, NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF, NGX_HTTP_MAIN_CONF,
    NGX_HTTP_SRV_CONF,
};

use super::conf::{Cache, ImageResizeCache, LocConf, MainConf, Target};
use super::flights::{self, Flights};
use crate::ngx::cache;
use crate::ngx::conf::{
    ConfError, Directive, DirectiveArgs, Directives, Places, expect, flag, once, parse_time,
    unknown,
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

fn time(args: &DirectiveArgs<'_>) -> Result<u64, ConfError> {
    check()?;
    expect(parse_time(args.arg(0)), args.arg(0), format_args!("a time"))
}

fn set_path(conf: &mut MainConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    check()?;
    // Files are always written beside the others, where they are renamed and not copied.
    if let Some(argument) = args.rest(1).find(|argument| argument.starts_with(b"use_temp_path=")) {
        return Err(unknown(argument));
    }
    let cache::Declared { folder, name, path } =
        cache::declare::<ImageResizeCache>(args, "image_resize_cache_path")?;
    let no_memory = || ConfError::invalid("no memory");
    let flights = args.parser().keep(Flights::default()).ok_or_else(no_memory)?;
    // A colon ends the name of a zone, so that no directive can mean this one.
    let zone = [&name, &b":flights"[..]].concat();
    shm::add::<ImageResizeCache, Flights>(args.parser(), &zone, flights::SIZE, flights)?;
    conf.caches.push(Rc::new(Cache { name, folder, path: path.into(), flights }));
    Ok(())
}
