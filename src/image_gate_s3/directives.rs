//! The tables of directives, and how their arguments are read.

use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use image_gate_core::s3::{Endpoint, Origin, Payload, Style, is_region, is_service};
use image_gate_runtime::s3::{
    CredentialsService, FileSource, MetadataService, SecurityTokenService, from_environment,
};
use nginx_sys::{
    NGX_CONF_1MORE, NGX_CONF_2MORE, NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF, NGX_HTTP_MAIN_CONF,
    NGX_HTTP_SRV_CONF,
};

use super::conf::{CredentialsConf, CredentialsSource, ImageGateS3, LocConf, MainConf, OriginConf};
use crate::ngx::conf::{
    ConfError, Directive, DirectiveArgs, Directives, Places, expect, interval, once, parse_time,
};
use crate::ngx::module::Level;
use crate::ngx::worker;

const ANYWHERE: u32 = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

/// The longest time that AWS takes for a URL, in seconds.
const WEEK: u64 = 604_800;

/// What stands in the place of the name of credentials.
const ANONYMOUS: &[u8] = b"anonymous";
const OFF: &[u8] = b"off";

impl Directives for MainConf {
    type Module = ImageGateS3;
    const LEVEL: Level = Level::Main;
    const DIRECTIVES: &'static [Directive<MainConf>] = &[Directive {
        name: c"image_gate_s3_credentials",
        kind: NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
        set: set_credentials,
    }];
}

impl Directives for LocConf {
    type Module = ImageGateS3;
    const DIRECTIVES: &'static [Directive<LocConf>] = &[
        Directive {
            name: c"image_gate_s3",
            kind: NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
            set: set_origin,
        },
        Directive {
            name: c"image_gate_s3_bucket",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| once(&mut conf.bucket, args.expression(args.arg(0))?),
        },
        Directive {
            name: c"image_gate_s3_key",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| once(&mut conf.key, args.expression(args.arg(0))?),
        },
        Directive {
            name: c"image_gate_s3_args",
            kind: ANYWHERE | NGX_CONF_TAKE1,
            set: |conf, args| once(&mut conf.args, args.expression(args.arg(0))?),
        },
    ];

    fn places(&mut self) -> Option<&mut Places> {
        Some(&mut self.places)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where credentials are from, as it is written.
enum Kind {
    File(PathBuf),
    Environment,
    /// With another URL than the usual one.
    Instance(Option<String>),
    Container(Option<String>),
    WebIdentity(Option<String>),
}

fn set_credentials(conf: &mut MainConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let name = args.arg(0);
    if name == OFF || name == ANONYMOUS {
        let name = text(name);
        return Err(ConfError::invalid(format_args!("no credentials can be called \"{name}\"")));
    }
    if conf.find(name).is_some() {
        return Err(ConfError::Duplicate);
    }
    let (mut kind, mut profile, mut poll) = (None, None, None);
    for argument in args.rest(1) {
        let one = |kind: &mut Option<Kind>, other: Kind| match kind.replace(other) {
            None => Ok(()),
            Some(_) => Err(ConfError::invalid("more than one source")),
        };
        if let Some(name) = argument.strip_prefix(b"file=").filter(|name| !name.is_empty()) {
            one(&mut kind, Kind::File(args.full_path(name, true)?))?;
        } else if let Some(name) = argument.strip_prefix(b"profile=") {
            once(&mut profile, text(name))?;
        } else if let Some(time) = argument.strip_prefix(b"poll=") {
            once(&mut poll, interval(time)?)?;
        } else if let Some(url) = argument.strip_prefix(b"imds=") {
            one(&mut kind, Kind::Instance(Some(text(url))))?;
        } else if let Some(url) = argument.strip_prefix(b"ecs=") {
            one(&mut kind, Kind::Container(Some(text(url))))?;
        } else if let Some(url) = argument.strip_prefix(b"web_identity=") {
            one(&mut kind, Kind::WebIdentity(Some(text(url))))?;
        } else {
            let word = match argument {
                b"env" => Kind::Environment,
                b"imds" => Kind::Instance(None),
                b"ecs" => Kind::Container(None),
                b"web_identity" => Kind::WebIdentity(None),
                _ => {
                    let expected =
                        "file=FILE, profile=NAME, poll=TIME, env, imds, ecs or web_identity";
                    return expect(None, argument, format_args!("{expected}"));
                }
            };
            one(&mut kind, word)?;
        }
    }
    if !matches!(kind, Some(Kind::File(_))) && (profile.is_some() || poll.is_some()) {
        return Err(ConfError::invalid("\"profile=\" and \"poll=\" need \"file=\""));
    }
    let variable = |name: &str| std::env::var(name).ok();
    let service = |service| (None, CredentialsSource::Service(Arc::new(service)));
    let (credentials, source) = match kind {
        None => {
            return Err(ConfError::invalid(
                "one of \"file=\", \"env\", \"imds\", \"ecs\" and \"web_identity\" is needed",
            ));
        }
        // Whoever only sends a signal needs none, good or bad.
        Some(_) if worker::is_signaller() => (None, CredentialsSource::Fixed),
        Some(Kind::File(path)) => {
            let profile = profile.unwrap_or_else(|| "default".to_owned());
            let source = FileSource { path, profile, poll };
            let (credentials, read) = source.read().map_err(ConfError::invalid)?;
            if read.is_open {
                let path = source.path.display();
                args.place().warn(
                    args.parser(),
                    format_args!("anybody on this machine may read {path}, or write to it"),
                );
            }
            (Some(credentials), CredentialsSource::File(source, read.id))
        }
        Some(Kind::Environment) => {
            let credentials = from_environment(variable).map_err(ConfError::invalid)?;
            (Some(credentials), CredentialsSource::Fixed)
        }
        Some(Kind::Instance(url)) => {
            let found = MetadataService::instance(url.as_deref()).map_err(ConfError::invalid)?;
            service(CredentialsService::Metadata(found))
        }
        Some(Kind::Container(url)) => {
            let found = MetadataService::container(url.as_deref(), variable);
            service(CredentialsService::Metadata(found.map_err(ConfError::invalid)?))
        }
        Some(Kind::WebIdentity(url)) => {
            let found = SecurityTokenService::new(url.as_deref(), variable);
            let found = found.map_err(ConfError::invalid)?;
            if found.is_open() {
                let reason = format_args!("the token goes to another machine without TLS");
                args.place().warn(args.parser(), reason);
            }
            service(CredentialsService::SecurityToken(found))
        }
    };
    let known = CredentialsConf::new(text(name), credentials, source, args.place());
    conf.credentials.push(Rc::new(known));
    Ok(())
}

fn set_origin(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let name = args.arg(0);
    if name == OFF && args.len() == 1 {
        return once(&mut conf.origin, None);
    }
    let (mut region, mut url, mut service) = (None, None, None);
    let (mut style, mut payload, mut presign) = (None, None, None);
    for argument in args.rest(1) {
        if let Some(value) = argument.strip_prefix(b"region=") {
            let region_name = is_region(value).then(|| text(value));
            once(&mut region, expect(region_name, value, format_args!("the name of a region"))?)?;
        } else if let Some(value) = argument.strip_prefix(b"endpoint=") {
            once(&mut url, value)?;
        } else if let Some(value) = argument.strip_prefix(b"service=") {
            let name = is_service(value).then(|| text(value));
            once(&mut service, expect(name, value, format_args!("the name of a service"))?)?;
        } else if let Some(value) = argument.strip_prefix(b"style=") {
            let word = match value {
                b"path" => Some(Style::Path),
                b"virtual" => Some(Style::Virtual),
                _ => None,
            };
            once(&mut style, expect(word, value, format_args!("path or virtual"))?)?;
        } else if let Some(value) = argument.strip_prefix(b"payload=") {
            let word = match value {
                b"empty" => Some(Payload::Empty),
                b"unsigned" => Some(Payload::Unsigned),
                _ => None,
            };
            once(&mut payload, expect(word, value, format_args!("empty or unsigned"))?)?;
        } else if let Some(value) = argument.strip_prefix(b"presign=") {
            let time = parse_time(value).filter(|time| time % 1000 == 0).map(|time| time / 1000);
            let time = time.filter(|time| (1..=WEEK).contains(time));
            let expected = format_args!("a time in whole seconds, up to a week");
            once(&mut presign, expect(time, value, expected)?)?;
        } else {
            let expected =
                format_args!("region=, endpoint=, service=, style=, payload= or presign=TIME");
            return expect(None, argument, expected);
        }
    }
    let name = (name != ANONYMOUS).then(|| name.to_vec());
    if name.is_none() && (presign.is_some() || payload.is_some()) {
        return Err(ConfError::invalid("nobody signs for \"anonymous\""));
    }
    if presign.is_some() && payload.is_some() {
        return Err(ConfError::invalid(
            "\"payload=\" is of headers, there are none with \"presign=\"",
        ));
    }
    let region = match region {
        Some(region) => region,
        None if name.is_none() && url.is_some() => String::new(),
        None => return Err(ConfError::invalid("no \"region=\"")),
    };
    let endpoint = match url {
        None => Endpoint::aws(&region, style),
        Some(url) => match Endpoint::parse(url, style) {
            Ok(endpoint) => endpoint,
            Err(error) => expect(None, url, format_args!("{error}"))?,
        },
    };
    let service = service.unwrap_or_else(|| "s3".to_owned());
    let origin = Origin::new(endpoint, region, service, payload.unwrap_or_default(), presign);
    let (credentials, origin) = (OnceCell::new(), RefCell::new(origin));
    once(&mut conf.origin, Some(Rc::new(OriginConf { name, credentials, origin })))
}
