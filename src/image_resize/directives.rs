//! The table of directives, and how their arguments are read.

use std::rc::Rc;

use image_gate_core::image::{
    Allow, AnimationPolicy, Color, DamagePolicy, Gravity, MetadataPolicy, Params, PngCompression,
    ProfilePolicy, Wanted, values,
};
use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_FLAG, NGX_CONF_TAKE1, NGX_CONF_TAKE2, NGX_CONF_TAKE12,
    NGX_HTTP_LOC_CONF, NGX_HTTP_MAIN_CONF, NGX_HTTP_SRV_CONF,
};

use super::conf::{
    Adjustment, AvifQuality, Bounds, ImageResize, LocConf, MainConf, Mode, Named, Sides, Threads,
    WebpQuality,
};
use super::value::{parse_angle, parse_max_bytes, parse_quality, parse_side, value};
use super::zone::Zone;
use super::{policy, status, watermark};
use crate::ngx::conf::{
    Conf, ConfError, Directive, Directives, Places, expect, flag, once, parse_count, parse_number,
    parse_size, parse_time,
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
    const DIRECTIVES: &'static [Directive<LocConf>] = &[
        Directive {
            name: c"image_resize",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
            set: set_geometry,
        },
        Directive {
            name: c"image_resize_buffer",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let size = parse_size(args.arg(0)).filter(|&size| size > 0);
                once(&mut conf.buffer, expect(size, args.arg(0), format_args!("a size"))?)
            },
        },
        Directive {
            name: c"image_resize_jpeg_quality",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                once(&mut conf.jpeg_quality, value(args, args.arg(0), parse_quality, QUALITY)?)
            },
        },
        Directive {
            name: c"image_resize_webp_quality",
            kind: ANYWHERE | NGX_CONF_TAKE12,
            set: set_webp_quality,
        },
        Directive {
            name: c"image_resize_avif_quality",
            kind: ANYWHERE | NGX_CONF_TAKE12,
            set: set_avif_quality,
        },
        Directive {
            name: c"image_resize_max_bytes",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let expected = "a size, or \"off\"";
                once(&mut conf.max_bytes, value(args, args.arg(0), parse_max_bytes, expected)?)
            },
        },
        Directive {
            name: c"image_resize_trim",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let expected = "a number from 0 to 255, or \"off\"";
                once(&mut conf.trim, value(args, args.arg(0), values::trim, expected)?)
            },
        },
        Directive {
            name: c"image_resize_adjust",
            kind: ANYWHERE | NGX_CONF_1MORE,
            set: set_adjust,
        },
        Directive {
            name: c"image_resize_blur",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let expected = "a number of pixels from 0 to 250";
                once(&mut conf.blur, value(args, args.arg(0), values::blur, expected)?)
            },
        },
        Directive {
            name: c"image_resize_png_compression",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let compression = match args.arg(0) {
                    b"fast" => Some(PngCompression::Fast),
                    b"balanced" => Some(PngCompression::Balanced),
                    b"best" => Some(PngCompression::Best),
                    _ => None,
                };
                let expected = format_args!("fast, balanced or best");
                once(&mut conf.png_compression, expect(compression, args.arg(0), expected)?)
            },
        },
        Directive {
            name: c"image_resize_sharpen",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let expected = "a number of percent from 0 to 1000";
                once(&mut conf.sharpen, value(args, args.arg(0), values::sharpen, expected)?)
            },
        },
        Directive {
            name: c"image_resize_transparency",
            kind: ANYWHERE | NGX_CONF_FLAG,
            set: |conf, args| once(&mut conf.transparency, flag(args)?),
        },
        Directive {
            name: c"image_resize_interlace",
            kind: ANYWHERE | NGX_CONF_FLAG,
            set: |conf, args| once(&mut conf.interlace, flag(args)?),
        },
        Directive {
            name: c"image_resize_background",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                once(&mut conf.background, value(args, args.arg(0), Color::parse, COLOR)?)
            },
        },
        Directive {
            name: c"image_resize_orient",
            kind: ANYWHERE | NGX_CONF_FLAG,
            set: |conf, args| once(&mut conf.orient, flag(args)?),
        },
        Directive {
            name: c"image_resize_profile",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let policy = match args.arg(0) {
                    b"srgb" => Some(ProfilePolicy::Srgb),
                    b"keep" => Some(ProfilePolicy::Keep),
                    b"strip" => Some(ProfilePolicy::Strip),
                    _ => None,
                };
                let expected = format_args!("srgb, keep or strip");
                once(&mut conf.profile, expect(policy, args.arg(0), expected)?)
            },
        },
        Directive {
            name: c"image_resize_metadata",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let policy = match args.arg(0) {
                    b"strip" => Some(MetadataPolicy::Strip),
                    b"copyright" => Some(MetadataPolicy::Copyright),
                    b"keep" => Some(MetadataPolicy::Keep),
                    _ => None,
                };
                let expected = format_args!("strip, copyright or keep");
                once(&mut conf.metadata, expect(policy, args.arg(0), expected)?)
            },
        },
        Directive {
            name: c"image_resize_animation",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let policy = match args.arg(0) {
                    b"all" => Some(AnimationPolicy::All),
                    b"first" => Some(AnimationPolicy::First),
                    _ => None,
                };
                let expected = format_args!("all or first");
                once(&mut conf.animation, expect(policy, args.arg(0), expected)?)
            },
        },
        Directive {
            name: c"image_resize_damaged",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let policy = match args.arg(0) {
                    b"lenient" => Some(DamagePolicy::Lenient),
                    b"strict" => Some(DamagePolicy::Strict),
                    _ => None,
                };
                let expected = format_args!("lenient or strict");
                once(&mut conf.damaged, expect(policy, args.arg(0), expected)?)
            },
        },
        Directive {
            name: c"image_resize_format",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let expected = "original, jpeg, png, gif, webp, avif, auto or auto=LIST";
                once(&mut conf.format, value(args, args.arg(0), Wanted::parse, expected)?)
            },
        },
        Directive { name: c"image_resize_limit", kind: ANYWHERE | NGX_CONF_1MORE, set: set_limit },
        Directive {
            name: c"image_resize_threads",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: set_threads,
        },
        Directive {
            name: c"image_resize_params",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
            set: set_params,
        },
        Directive {
            name: c"image_resize_allow",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
            set: set_allow,
        },
        Directive {
            name: c"image_resize_on_error",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| policy::set_on_error(&mut conf.on_error, args),
        },
        Directive {
            name: c"image_resize_pass",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let svg = match args.arg(0) {
                    b"svg" => Some(true),
                    b"off" => Some(false),
                    _ => None,
                };
                once(&mut conf.pass_svg, expect(svg, args.arg(0), format_args!("svg or off"))?)
            },
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
            set: |conf, args| watermark::set(&mut conf.watermarks, args),
        },
    ];

    fn places(&mut self) -> Option<&mut Places> {
        Some(&mut self.places)
    }
}

const COLOR: &str = "a colour: hexadecimal, rgb() or a name";
const SWITCH: &str = "\"on\" or \"off\"";
const QUALITY: &str = "a number from 1 up";

fn set_geometry(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let mut geometry = conf.geometry();
    let sides = || {
        let expected = "a number of pixels from 1 up, or \"-\"";
        Ok::<_, ConfError>(Sides {
            width: value(args, args.arg(1), parse_side, expected)?,
            height: value(args, args.arg(2), parse_side, expected)?,
            named: named(args)?,
        })
    };
    match (args.arg(0), args.len()) {
        (b"off", 1) => geometry.mode = Mode::Off,
        (b"test", 1) => geometry.mode = Mode::Test,
        (b"size", 1) => geometry.mode = Mode::Size,
        (b"info", 1) => geometry.mode = Mode::Info,
        (b"convert", 1) => geometry.mode = Mode::Convert,
        (b"resize", 3..) => geometry.mode = Mode::Resize(sides()?),
        (b"crop", 3..) => geometry.mode = Mode::Crop(sides()?),
        (b"pad", 3..) => geometry.mode = Mode::Pad(sides()?),
        (b"stretch", 3..) => geometry.mode = Mode::Stretch(sides()?),
        (b"rotate", 2) => {
            geometry.rotate = Some(value(args, args.arg(1), parse_angle, "90, 180 or 270")?);
            if geometry.sides().is_none() {
                geometry.mode = Mode::Convert;
            }
        }
        (b"off" | b"test" | b"size" | b"info" | b"convert" | b"rotate", _)
        | (b"resize" | b"crop" | b"pad" | b"stretch", _) => {
            return Err(ConfError::invalid(
                "invalid number of arguments: it is \"off\", \"test\", \"size\", \"info\", \
                 \"convert\", \"rotate ANGLE\", or \"resize\", \"crop\", \"pad\" or \"stretch\" \
                 with WIDTH and HEIGHT",
            ));
        }
        (mode, _) => {
            let mode = String::from_utf8_lossy(mode);
            return Err(ConfError::invalid(format_args!("unknown mode \"{mode}\"")));
        }
    }
    conf.geometry = Some(geometry);
    Ok(())
}

/// The named values behind a mode and its box.
fn named(args: &Conf<'_>) -> Result<Named, ConfError> {
    let mut named = Named::default();
    for argument in args.rest(3) {
        let (name, text) = split(argument);
        match name {
            b"gravity" => {
                let expected = "center, a point of the compass, \"x:y\" from 0 to 1, or smart";
                once(&mut named.gravity, value(args, text, Gravity::parse, expected)?)?;
            }
            b"enlarge" => {
                once(&mut named.enlarge, value(args, text, values::switch, SWITCH)?)?;
            }
            b"dpr" => {
                once(&mut named.dpr, value(args, text, values::dpr, "a number from 1 to 4")?)?;
            }
            b"background" => {
                once(&mut named.background, value(args, text, Color::parse, COLOR)?)?;
            }
            _ => return Err(unknown(argument)),
        }
    }
    Ok(named)
}

fn set_adjust(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let mut adjust = Adjustment::default();
    let factor = |text| value(args, text, values::factor, "a number from 0 to 10");
    for argument in args.rest(0) {
        let (name, text) = split(argument);
        match name {
            b"brightness" => once(&mut adjust.brightness, factor(text)?)?,
            b"contrast" => once(&mut adjust.contrast, factor(text)?)?,
            b"saturation" => once(&mut adjust.saturation, factor(text)?)?,
            b"hue" => {
                let expected = "a number of degrees from -360 to 360";
                once(&mut adjust.hue, value(args, text, values::degrees, expected)?)?;
            }
            b"gamma" => {
                let expected = "a number from 0.1 to 10";
                once(&mut adjust.gamma, value(args, text, values::gamma, expected)?)?;
            }
            b"grayscale" => {
                once(&mut adjust.grayscale, value(args, text, values::switch, SWITCH)?)?;
            }
            _ => return Err(unknown(argument)),
        }
    }
    once(&mut conf.adjust, adjust)
}

fn set_params(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let expression = args.expression(args.arg(0))?;
    if let Some(list) = expression.constant() {
        Params::parse(list).map_err(ConfError::invalid)?;
    }
    once(&mut conf.params, expression)
}

fn set_allow(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let mut allow = Allow::default();
    for argument in args.rest(0) {
        allow.add(argument).map_err(ConfError::invalid)?;
    }
    once(&mut conf.allow, Rc::new(allow))
}

/// A named value at its first `=`.
fn split(argument: &[u8]) -> (&[u8], &[u8]) {
    let end = argument.iter().position(|&byte| byte == b'=').unwrap_or(argument.len());
    let (name, rest) = argument.split_at(end);
    (name, rest.get(1..).unwrap_or_default())
}

fn unknown(argument: &[u8]) -> ConfError {
    let text = String::from_utf8_lossy(argument);
    ConfError::invalid(format_args!("unknown parameter \"{text}\""))
}

fn set_webp_quality(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let quality = value(args, args.arg(0), parse_quality, QUALITY)?;
    let effort = set_level(args, "effort", 6)?;
    once(&mut conf.webp_quality, WebpQuality { quality, effort })
}

fn set_avif_quality(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let quality = value(args, args.arg(0), parse_quality, QUALITY)?;
    let speed = set_level(args, "speed", 10)?;
    once(&mut conf.avif_quality, AvifQuality { quality, speed })
}

/// The second argument, which may be missing: how hard an encoder tries.
fn set_level(args: &Conf<'_>, name: &str, most: u8) -> Result<Option<u8>, ConfError> {
    let Some(text) = args.rest(1).next() else { return Ok(None) };
    let number = text.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
    let level = number.and_then(parse_number).and_then(|level| u8::try_from(level).ok());
    let level = level.filter(|&level| level <= most);
    expect(level, text, format_args!("{name}=0 to {name}={most}")).map(Some)
}

fn set_limit(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let mut bounds = Bounds::default();
    for argument in args.rest(0) {
        set_bound(&mut bounds, argument)?;
    }
    once(&mut conf.bounds, bounds)
}

fn set_bound(bounds: &mut Bounds, text: &[u8]) -> Result<(), ConfError> {
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
            bounds.time = expect(time, text, format_args!("a time above 0"))?;
        }
        b"memory" => {
            let memory = parse_size(rest).filter(|&memory| memory > 0);
            bounds.memory = expect(memory, text, format_args!("a size above 0"))?;
        }
        _ => return Err(unknown(text)),
    }
    Ok(())
}

fn set_threads(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
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

/// Reads `image_resize_zone`.
fn set_zone(conf: &mut MainConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let size = expect(parse_size(args.arg(0)), args.arg(0), format_args!("a size"))?;
    let zone =
        args.parser().keep(Zone::default()).ok_or_else(|| ConfError::invalid("no memory"))?;
    once(&mut conf.zone, zone)?;
    shm::add::<ImageResize, _>(args.parser(), b"image_resize", size, zone)
}
