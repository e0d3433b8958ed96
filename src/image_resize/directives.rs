//! The table of directives, and how their arguments are read.

use std::rc::Rc;

use image_gate_core::image::{Allow, Argument, Filling, Params, SETTINGS, Setting};
use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_FLAG, NGX_CONF_TAKE1, NGX_CONF_TAKE2, NGX_CONF_TAKE123,
    NGX_HTTP_LOC_CONF, NGX_HTTP_MAIN_CONF, NGX_HTTP_SRV_CONF,
};

use super::conf::{ImageResize, JobLimits, LocConf, MainConf, Mode, Threads};
use super::plan::ANGLE;
use super::value::split;
use super::watermark::WatermarkConf;
use super::zone::StatsZone;
use super::{hints, on_error, settings, status, url, watermark};
use crate::ngx::conf::{
    ConfError, Directive, DirectiveArgs, Directives, Places, expect, flag, joined, once,
    parse_count, parse_number, parse_size, parse_time,
};
use crate::ngx::module::Level;
use crate::ngx::shm;
use crate::ngx::thread::{self, ThreadPool};

const ANYWHERE: u32 = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

impl Directives for MainConf {
    type Module = ImageResize;
    const LEVEL: Level = Level::Main;
    const DIRECTIVES: &'static [Directive<MainConf>] = &[
        Directive {
            name: c"image_resize_preset",
            kind: NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
            set: |conf, args| {
                conf.presets.add(args.arg(0), args.arg(1)).map_err(ConfError::invalid)
            },
        },
        Directive {
            name: c"image_resize_zone",
            kind: NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
            set: set_zone,
        },
    ];

    fn places(&mut self) -> Option<&mut Places> {
        Some(&mut self.places)
    }
}

impl Directives for LocConf {
    type Module = ImageResize;
    const DIRECTIVES: &'static [Directive<LocConf>] =
        &joined::<LocConf, { OTHERS.len() + settings::COUNT }>(OTHERS, &settings::DIRECTIVES);

    fn places(&mut self) -> Option<&mut Places> {
        Some(&mut self.places)
    }
}

/// What is more than settings of images.
const OTHERS: &[Directive<LocConf>] = &[
    Directive { name: c"image_resize", kind: NGX_HTTP_LOC_CONF | NGX_CONF_1MORE, set: set_mode },
    Directive {
        name: c"image_resize_buffer",
        kind: ANYWHERE | NGX_CONF_TAKE1,
        set: |conf, args| {
            let size = parse_size(args.arg(0)).filter(|&size| size > 0);
            once(&mut conf.buffer, expect(size, args.arg(0), format_args!("a size such as 16m"))?)
        },
    },
    Directive { name: c"image_resize_limit", kind: ANYWHERE | NGX_CONF_1MORE, set: set_limit },
    Directive { name: c"image_resize_threads", kind: ANYWHERE | NGX_CONF_TAKE1, set: set_threads },
    Directive {
        name: c"image_resize_params",
        kind: NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
        set: set_params,
    },
    Directive {
        name: c"image_resize_url",
        kind: NGX_HTTP_LOC_CONF | NGX_CONF_TAKE123,
        set: |conf, args| url::set(&mut conf.url, args),
    },
    Directive {
        name: c"image_resize_allow",
        kind: NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
        set: set_allow,
    },
    Directive {
        name: c"image_resize_hints",
        kind: ANYWHERE | NGX_CONF_TAKE123,
        set: |conf, args| hints::set(&mut conf.hints, args),
    },
    Directive {
        name: c"image_resize_on_error",
        kind: ANYWHERE | NGX_CONF_TAKE1,
        set: |conf, args| on_error::set_on_error(&mut conf.on_error, args),
    },
    Directive {
        name: c"image_resize_pass",
        kind: ANYWHERE | NGX_CONF_TAKE1,
        set: |conf, args| on_error::set_pass(&mut conf.pass_svg, args),
    },
    Directive {
        name: c"image_resize_no_transform",
        kind: ANYWHERE | NGX_CONF_FLAG,
        set: |conf, args| once(&mut conf.no_transform, flag(args)?),
    },
    Directive {
        name: c"image_resize_debug_header",
        kind: NGX_HTTP_LOC_CONF | NGX_CONF_FLAG,
        set: |conf, args| once(&mut conf.debug_header, flag(args)?),
    },
    Directive {
        name: c"image_resize_status",
        kind: NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
        set: status::set,
    },
    Directive {
        name: c"image_resize_watermark",
        kind: ANYWHERE | NGX_CONF_1MORE,
        set: set_watermark,
    },
];

/// How `image_resize` is written.
const MODES: &str = "\"off\", \"test\", \"size\", \"info\", \"convert\", \"rotate ANGLE\", or \
     \"resize\", \"crop\", \"pad\", \"stretch\", \"outside\", \"aspect-crop\", \"aspect-pad\" or \
     \"auto\" with WIDTH and HEIGHT";

fn set_mode(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let mode = match (args.arg(0), args.len()) {
        (b"off", 1) => Mode::Off,
        (b"test", 1) => Mode::Test,
        (b"size", 1) => Mode::Size,
        (b"info", 1) => Mode::Info,
        (b"convert", 1) => Mode::Convert,
        (b"resize", 3..) => Mode::Box(Filling::Inside),
        (b"crop", 3..) => Mode::Box(Filling::Covering),
        (b"pad", 3..) => Mode::Box(Filling::Padded),
        (b"stretch", 3..) => Mode::Box(Filling::Stretched),
        (b"outside", 3..) => Mode::Box(Filling::Outside),
        (b"aspect-crop", 3..) => Mode::Box(Filling::AspectCropped),
        (b"aspect-pad", 3..) => Mode::Box(Filling::AspectPadded),
        (b"auto", 3..) => Mode::Box(Filling::Auto),
        (b"rotate", 2) => {
            conf.settings.retain(|&row, _| argument_of(row) != Some(ANGLE));
            settings::read_at(conf, args, ANGLE, args.arg(1))?;
            if !matches!(conf.mode, Some(Mode::Box(_))) {
                conf.mode = Some(Mode::Convert);
            }
            return Ok(());
        }
        (b"off" | b"test" | b"size" | b"info" | b"convert" | b"rotate", _)
        | (b"resize" | b"crop" | b"pad" | b"stretch" | b"outside", _)
        | (b"aspect-crop" | b"aspect-pad" | b"auto", _) => {
            return Err(ConfError::invalid(format_args!(
                "invalid number of arguments: it is {MODES}"
            )));
        }
        (mode, _) => return expect(None, mode, format_args!("{MODES}")),
    };
    // The box of a mode goes with it.
    conf.settings.retain(|&row, _| argument_of(row).is_none_or(|argument| argument == ANGLE));
    conf.mode = Some(mode);
    if let Mode::Box(_) = mode {
        settings::read_at(conf, args, Argument::At(1, "width"), args.arg(1))?;
        settings::read_at(conf, args, Argument::At(2, "height"), args.arg(2))?;
        settings::read_named(conf, args, 3)?;
    }
    Ok(())
}

/// By which argument `image_resize` sets what is in that row, if it does.
fn argument_of(row: usize) -> Option<Argument> {
    SETTINGS.get(row)?.argument_of(c"image_resize")
}

fn set_params(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let expression = args.expression(args.arg(0))?;
    if let Some(list) = expression.constant() {
        Params::parse(list).map_err(ConfError::invalid)?;
    }
    let is_known = |name: &&str| Setting::find_param(name).is_some();
    if let Some(name) = fixed_names(expression.text()).find(|name| !is_known(name)) {
        return Err(ConfError::invalid(format_args!("bad parameter: unknown name \"{name}\"")));
    }
    once(&mut conf.params, expression)
}

/// The names in a list of parameters that are the same for each request.
pub fn fixed_names(list: &[u8]) -> impl Iterator<Item = &str> {
    list.split(|byte| b",&/".contains(byte)).filter_map(|item| {
        let (name, _) = std::str::from_utf8(item).ok()?.split_once('=')?;
        (!name.contains(['$', '%'])).then_some(name)
    })
}

fn set_allow(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let mut allow = Allow::default();
    for argument in args.rest(0) {
        allow.add(argument).map_err(ConfError::invalid)?;
    }
    once(&mut conf.allow, Rc::new(allow))
}

fn set_limit(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let mut bounds = JobLimits::default();
    let name = |argument| split(argument).0;
    for (at, argument) in args.rest(0).enumerate() {
        if args.rest(0).take(at).any(|other| name(other) == name(argument)) {
            let name = String::from_utf8_lossy(name(argument));
            return Err(ConfError::invalid(format_args!("duplicate \"{name}=\"")));
        }
        set_bound(&mut bounds, argument)?;
    }
    once(&mut conf.bounds, bounds)
}

fn set_bound(bounds: &mut JobLimits, text: &[u8]) -> Result<(), ConfError> {
    let name = text.split(|&byte| byte == b'=').next().unwrap_or_default();
    let rest = text.get(name.len() + 1..).unwrap_or_default();
    let count = || {
        expect(parse_count(rest).filter(|&count| count > 0), text, format_args!("a number above 0"))
    };
    let small = || {
        let number = parse_count(rest).and_then(|count| u32::try_from(count).ok());
        expect(number.filter(|&number| number > 0), text, format_args!("a number above 0"))
    };
    match name {
        b"pixels" => bounds.image.pixels = count()?,
        b"output_pixels" => bounds.image.output_pixels = count()?,
        b"width" => bounds.image.width = small()?,
        b"height" => bounds.image.height = small()?,
        b"frames" => bounds.image.frames = small()?,
        b"scans" => bounds.image.scans = small()?,
        b"jobs" => bounds.jobs = Some(small()?),
        b"queue" => {
            let queue = parse_number(rest);
            bounds.queue = expect(queue, text, format_args!("a number"))?;
        }
        b"time" => {
            let time = parse_time(rest).filter(|&time| time > 0);
            bounds.time = expect(time, text, format_args!("a time above 0, such as 10s"))?;
        }
        b"memory" => {
            let memory = parse_size(rest).filter(|&memory| memory > 0);
            bounds.image.memory =
                expect(memory, text, format_args!("a size above 0, such as 512m"))?;
        }
        _ => {
            let expected = format_args!(
                "pixels=, width=, height=, frames=, scans=, output_pixels=, time=, memory=, jobs= or queue="
            );
            return expect(None, text, expected);
        }
    }
    Ok(())
}

fn set_threads(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let threads = match args.arg(0) {
        name if name != b"off" => {
            if !thread::available() {
                return Err(ConfError::invalid(
                    "this nginx was built without threads, only \"off\" is possible",
                ));
            }
            // Here, so that one that is nowhere defined is reported with this line.
            ThreadPool::add(args.parser(), Some(name))
                .ok_or_else(|| ConfError::invalid("no memory"))?;
            Threads::Pool(Some(name.into()))
        }
        _ => Threads::Off,
    };
    once(&mut conf.threads, threads)
}

fn set_watermark(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    watermark::set(&mut conf.watermarks, args)?;
    let last = conf.watermarks.iter().flatten().last();
    if let Some(path) = last.and_then(WatermarkConf::fixed_file)
        && let Some(main) = args.parser().main::<ImageResize>()
    {
        main.notes.files.borrow_mut().push((path, args.place()));
    }
    Ok(())
}

/// Reads `image_resize_zone`.
fn set_zone(conf: &mut MainConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let size = expect(parse_size(args.arg(0)), args.arg(0), format_args!("a size such as 16m"))?;
    let zone =
        args.parser().keep(StatsZone::default()).ok_or_else(|| ConfError::invalid("no memory"))?;
    once(&mut conf.zone, zone)?;
    shm::add::<ImageResize, _>(args.parser(), b"image_resize", size, zone)
}
