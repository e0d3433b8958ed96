//! The table of directives, and how their arguments are read.

use image_gate_core::link::{Algorithm, Encoding, MIN_TAG, Rules, ThirdPartyFormat};
use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_FLAG, NGX_CONF_TAKE1, NGX_CONF_TAKE12, NGX_HTTP_LOC_CONF,
    NGX_HTTP_MAIN_CONF, NGX_HTTP_SRV_CONF,
};

use super::conf::{LinkFormatConf, LocConf, MainConf, Require, SecureLinkHash, UnsignedArgs};
use super::keys;
use crate::ngx::conf::{
    ConfError, Directive, DirectiveArgs, Directives, Expression, Places, expect, flag, once,
    parse_flag, parse_number, parse_time,
};
use crate::ngx::variable::CachedVariable;

const ANYWHERE: u32 = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

/// What nginx says of the request and evaluates once, though arguments may be taken out later.
const KEPT: [&str; 2] = ["request", "request_uri"];

impl Directives for LocConf {
    type Module = SecureLinkHash;
    const DIRECTIVES: &'static [Directive<LocConf>] = &[
        Directive {
            name: c"secure_link_hash",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| expression(conf, |conf| &mut conf.value, args),
        },
        Directive {
            name: c"secure_link_hash_md5",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| expression(conf, |conf| &mut conf.md5, args),
        },
        Directive {
            name: c"secure_link_hash_secret",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
            set: |conf, args| {
                if args.arg(0).is_empty() {
                    return Err(ConfError::invalid("the secret is empty"));
                }
                keys::refuse_template(args.arg(0), "")?;
                once(&mut conf.secret, args.arg(0).into())?;
                unmixed(conf)
            },
        },
        Directive {
            name: c"secure_link_hash_algorithm",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| {
                let text = args.arg(0);
                let expected = format_args!("hmac-sha256, hmac-sha512, hmac-sha1, sha256 or md5");
                once(&mut conf.algorithm, expect(Algorithm::from_name(text), text, expected)?)
            },
        },
        Directive {
            name: c"secure_link_hash_key",
            kind: ANYWHERE | NGX_CONF_1MORE,
            set: keys::set,
        },
        Directive {
            name: c"secure_link_hash_message",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| expression(conf, |conf| &mut conf.message, args),
        },
        Directive {
            name: c"secure_link_hash_encoding",
            kind: ANYWHERE | NGX_CONF_TAKE12,
            set: set_encoding,
        },
        Directive {
            name: c"secure_link_hash_leeway",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| once(&mut conf.leeway, seconds(args)?),
        },
        Directive {
            name: c"secure_link_hash_lifetime",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| once(&mut conf.lifetime, seconds(args)?),
        },
        Directive {
            name: c"secure_link_hash_max_age",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| once(&mut conf.max_age, seconds(args)?),
        },
        Directive {
            name: c"secure_link_hash_not_before",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| expression(conf, |conf| &mut conf.not_before, args),
        },
        Directive {
            name: c"secure_link_hash_require",
            kind: ANYWHERE | NGX_CONF_1MORE,
            set: set_require,
        },
        Directive {
            name: c"secure_link_hash_format",
            kind: ANYWHERE | NGX_CONF_1MORE,
            set: set_format,
        },
        Directive {
            name: c"secure_link_hash_prefix",
            kind: ANYWHERE | NGX_CONF_FLAG,
            set: |conf, args| {
                once(&mut conf.prefix, flag(args)?)?;
                unmixed(conf)
            },
        },
        Directive {
            name: c"secure_link_hash_strip",
            kind: ANYWHERE | NGX_CONF_1MORE,
            set: set_strip,
        },
        Directive {
            name: c"secure_link_hash_unsigned_args",
            kind: ANYWHERE | NGX_CONF_1MORE,
            set: set_unsigned_args,
        },
    ];

    fn places(&mut self) -> Option<&mut Places> {
        Some(&mut self.places)
    }
}

fn expression(
    conf: &mut LocConf,
    field: fn(&mut LocConf) -> &mut Option<Expression>,
    args: &DirectiveArgs<'_>,
) -> Result<(), ConfError> {
    once(field(conf), args.expression(args.arg(0))?)?;
    unmixed(conf)
}

fn seconds(args: &DirectiveArgs<'_>) -> Result<u64, ConfError> {
    let time = parse_time(args.arg(0));
    let seconds = time.filter(|time| time % 1000 == 0).map(|time| time / 1000);
    expect(seconds, args.arg(0), format_args!("a time in whole seconds"))
}

fn unmixed(conf: &LocConf) -> Result<(), ConfError> {
    conf.mixed().map_or(Ok(()), |(one, other)| {
        Err(ConfError::invalid(format_args!("\"{one}\" cannot be mixed with \"{other}\"")))
    })
}

fn set_encoding(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let text = args.arg(0);
    let expected = format_args!("base64url or hex");
    let encoding = expect(Encoding::from_name(text), text, expected)?;
    let min = match args.rest(1).next() {
        None => None,
        Some(argument) => {
            let text = expect(argument.strip_prefix(b"min="), argument, format_args!("min=BYTES"))?;
            let min = parse_number(text).and_then(|min| usize::try_from(min).ok());
            let longest = Algorithm::HmacSha512.tag_len();
            let min = min.filter(|min| (MIN_TAG..=longest).contains(min));
            let expected = format_args!("a number of bytes from {MIN_TAG} to {longest}");
            Some(expect(min, text, expected)?)
        }
    };
    once(&mut conf.encoding, (encoding, min))
}

fn set_require(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let is_on = flag(args)?;
    let (mut invalid, mut expired) = (None, None);
    for argument in args.rest(1) {
        let (slot, text) = if let Some(text) = argument.strip_prefix(b"invalid=") {
            (&mut invalid, text)
        } else if let Some(text) = argument.strip_prefix(b"expired=") {
            (&mut expired, text)
        } else {
            return expect(None, argument, format_args!("invalid=STATUS or expired=STATUS"));
        };
        let status = parse_number(text).filter(|status| (400..=599).contains(status));
        once(slot, expect(status, text, format_args!("a status from 400 to 599"))?)?;
    }
    let (invalid, expired) = (invalid.unwrap_or(403), expired.unwrap_or(410));
    once(&mut conf.require, Require { is_on, invalid, expired })?;
    main(args)?.is_required.set(true);
    Ok(())
}

fn set_format(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let text = args.arg(0);
    let format = ThirdPartyFormat::from_name(text);
    let is_bunny = |format| format == ThirdPartyFormat::Bunny;
    let (mut origin, mut ip, mut sha256) = (None, None, None);
    for argument in args.rest(1) {
        let (takes, name): (fn(ThirdPartyFormat) -> bool, _) =
            if let Some(text) = argument.strip_prefix(b"origin=") {
                once(&mut origin, text)?;
                (ThirdPartyFormat::signs_origin, "origin")
            } else if let Some(text) = argument.strip_prefix(b"ip=") {
                let is_required = (text == b"required").then_some(true);
                let is_required = is_required.or((text == b"off").then_some(false));
                once(&mut ip, expect(is_required, text, format_args!("\"required\" or \"off\""))?)?;
                (is_bunny, "ip")
            } else if let Some(text) = argument.strip_prefix(b"sha256=") {
                let is_on = expect(parse_flag(text), text, format_args!("\"on\" or \"off\""))?;
                once(&mut sha256, is_on)?;
                (is_bunny, "sha256")
            } else {
                let expected = format_args!("origin=EXPRESSION, ip=required or sha256=on");
                return expect(None, argument, expected);
            };
        if !format.is_some_and(takes) {
            let formats = ThirdPartyFormat::ALL.into_iter().filter(|&format| takes(format));
            let formats: Vec<_> = formats.map(ThirdPartyFormat::name).collect();
            let formats = formats.join(" and ");
            return Err(ConfError::invalid(format_args!("\"{name}=\" is for {formats}")));
        }
    }
    if ip == Some(true) && sha256 == Some(true) {
        let reason = "\"sha256=on\" has no links that are bound to addresses: \"ip=required\"";
        return Err(ConfError::invalid(reason));
    }
    let rules = Rules {
        is_bound: ip.unwrap_or(false),
        has_sha256: sha256.unwrap_or(false),
        ..Rules::default()
    };
    let links = match format {
        Some(format) => {
            let default: &[u8] = if format.signs_origin() { b"$scheme://$http_host" } else { b"" };
            let origin = origin.unwrap_or(default);
            Some(LinkFormatConf::ThirdParty(format, args.expression(origin)?, rules))
        }
        None => (text == b"plain").then_some(LinkFormatConf::Plain),
    };
    let names = ThirdPartyFormat::ALL.map(ThirdPartyFormat::name).join(" or ");
    once(&mut conf.links, expect(links, text, format_args!("plain or {names}"))?)?;
    unmixed(conf)
}

fn set_unsigned_args(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let names: Vec<&[u8]> = args.rest(0).collect();
    let unsigned = match names[..] {
        [b"*"] => UnsignedArgs::Any,
        [b"off"] => UnsignedArgs::Named([].into()),
        _ => {
            let is_name = |name: &&[u8]| {
                !matches!(*name, b"" | b"*" | b"off") && !name.iter().any(|c| b"$&=?#".contains(c))
            };
            if let Some(name) = names.iter().find(|name| !is_name(name)) {
                let name = String::from_utf8_lossy(name);
                let reason = format_args!("\"{name}\" is not the name of an argument");
                return Err(ConfError::invalid(reason));
            }
            UnsignedArgs::Named(names.iter().map(|name| name.to_vec()).collect())
        }
    };
    once(&mut conf.unsigned_args, unsigned)
}

fn set_strip(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let mut names: Vec<Vec<u8>> = args.rest(0).map(<[u8]>::to_vec).collect();
    if names == [b"off"] {
        names.clear();
    }
    if names.iter().any(|name| name.is_empty() || name == b"off") {
        return Err(ConfError::invalid("\"off\" stands alone, and an argument has a name"));
    }
    if names == [b"on"] {
        let reason =
            "\"on\" is not the name of an argument: list those to take out, as \"token expires\"";
        return Err(ConfError::invalid(reason));
    }
    if let Some(name) = names.iter().find(|name| name.contains(&b',')) {
        let name = String::from_utf8_lossy(name);
        return Err(ConfError::invalid(format_args!(
            "\"{name}\" is not the name of an argument: between names there is a space"
        )));
    }
    if let Some(name) = names.iter().find(|name| name.iter().any(u8::is_ascii_whitespace)) {
        let name = String::from_utf8_lossy(name);
        args.place().warn(
            args.parser(),
            format_args!(
                "\"{name}\" is no argument that there is: several stand side by side, without quotes \
                 around them"
            ),
        );
    }
    let is_other = |byte: &u8| b"$?&=;#{}".contains(byte);
    if let Some(name) = names.iter().find(|name| name.iter().any(is_other)) {
        let text = String::from_utf8_lossy(name);
        let name = text.trim_start_matches(['$', '{', '?', '&']);
        let name = name.strip_prefix("arg_").unwrap_or(name).trim_end_matches(['}', '=']);
        return Err(ConfError::invalid(format_args!(
            "\"{text}\" is not the name of an argument; is \"{name}\" meant?"
        )));
    }
    once(&mut conf.strip, names.into())?;
    let mut kept = main(args)?.kept.borrow_mut();
    if kept.is_empty() {
        let found = KEPT
            .iter()
            .map(|name| CachedVariable::find(args.parser(), name))
            .collect::<Option<_>>();
        *kept = found.ok_or_else(|| ConfError::invalid("no memory"))?;
    }
    Ok(())
}

fn main<'a>(args: &DirectiveArgs<'a>) -> Result<&'a MainConf, ConfError> {
    let main = args.parser().main::<SecureLinkHash>();
    main.ok_or_else(|| ConfError::invalid("no configuration"))
}
