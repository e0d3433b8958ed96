//! `access_key_status`: what there is to see of zones, as JSON, for Prometheus, or as a page.

use std::sync::LazyLock;

use image_gate_core::key::history::STEPS;
use image_gate_core::key::{self, History, PROMETHEUS_TYPE, json, prometheus};
use nginx_sys::{
    NGX_DECLINED, NGX_HTTP_BAD_REQUEST, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_NOT_ALLOWED,
    NGX_OK, ngx_conf_t, ngx_http_request_t, ngx_int_t,
};

use super::conf::{LocConf, MainConf};
use super::directives::{parameter, unknown};
use super::zone::Zone;
use super::{MODULE, conf};
use crate::ngx::conf::{Conf, ConfError, expect, main_conf, once};
use crate::ngx::guard::guard;
use crate::ngx::incoming::Part;
use crate::ngx::{Request, location, log, worker};

/// The page, its styles and its script in one.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let (style, script) = (include_str!("status/page.css"), include_str!("status/page.js"));
    include_str!("status/page.html")
        .replace(r#"<link rel="stylesheet" href="page.css">"#, &format!("<style>\n{style}</style>"))
        .replace(r#"<script src="page.js"></script>"#, &format!("<script>\n{script}</script>"))
});
/// The page loads nothing but the numbers, from where it came from itself.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src \
    'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

/// How it is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Prometheus,
    Html,
}

impl Format {
    fn from_name(name: &[u8]) -> Option<Format> {
        match name {
            b"json" => Some(Format::Json),
            b"prometheus" => Some(Format::Prometheus),
            b"html" => Some(Format::Html),
            _ => None,
        }
    }
}

/// `access_key_status` of a location.
#[derive(Clone)]
pub struct Status {
    /// What is sent unless the request says otherwise.
    format: Format,
    /// The zone that is shown; all where none is named.
    zone: Option<Vec<u8>>,
}

impl Status {
    /// Looks whether there is such a zone. Answers whether all is well.
    pub fn check(&self, main: &MainConf, cf: *mut ngx_conf_t) -> bool {
        let Some(name) = self.zone.as_ref().filter(|name| main.zone(name).is_none()) else {
            return true;
        };
        let name = String::from_utf8_lossy(name);
        log::conf_error(
            cf,
            format_args!(
                "\"access_key_status\" directive: unknown zone \"{name}\", there is no \
                 \"access_key_zone\" for it"
            ),
        );
        false
    }
}

/// `access_key_status json|prometheus|html [zone=NAME]`.
pub fn set(conf: &mut LocConf, args: &Conf<'_>) -> Result<(), ConfError> {
    let format = args.arg(0);
    let expected = format_args!("json, prometheus or html");
    let format = expect(Format::from_name(format), format, expected)?;
    let mut zone = None;
    for argument in args.args().iter().skip(1) {
        match parameter(argument, b"zone=").filter(|name| !name.is_empty()) {
            Some(name) => once(&mut zone, name.to_vec())?,
            None => return Err(unknown(argument.as_bytes())),
        }
    }
    once(&mut conf.status, Status { format, zone })?;
    // SAFETY: the module's main configuration is a `MainConf`, and not what is being set.
    if let Some(main) = unsafe { main_conf::<MainConf>(args.parser(), &raw const MODULE) } {
        main.shown.set(true);
    }
    if location::set_handler(args.parser(), handler) {
        Ok(())
    } else {
        Err(ConfError::invalid("another directive answers the requests of this location"))
    }
}

/// What a request asks for with its arguments.
struct Query {
    format: Format,
    /// Which of [`STEPS`].
    history: Option<usize>,
}

impl Query {
    /// `None` for what there is not.
    fn parse(arguments: &[u8], format: Format) -> Option<Query> {
        let mut query = Query { format, history: None };
        for argument in arguments.split(|&byte| byte == b'&') {
            if let Some(name) = argument.strip_prefix(b"format=") {
                query.format = Format::from_name(name)?;
            } else if let Some(span) = argument.strip_prefix(b"history=") {
                query.history = Some(match span {
                    b"5m" => 0,
                    b"1h" => 1,
                    _ => return None,
                });
            }
        }
        Some(query)
    }
}

unsafe extern "C" fn handler(r: *mut ngx_http_request_t) -> ngx_int_t {
    let error = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
    // SAFETY: nginx calls a content handler with a live request.
    let Some(request) = (unsafe { Request::new(r) }) else { return error };
    guard(request.log(), error, || answer(request))
}

fn answer(request: Request) -> ngx_int_t {
    // SAFETY: the module's main configuration is a `MainConf`.
    let main = unsafe { request.main_conf::<MainConf>(&raw const MODULE) };
    let (Some(main), Some(status)) = (main, conf(&request).and_then(|conf| conf.status.as_ref()))
    else {
        return NGX_DECLINED as ngx_int_t;
    };
    if !request.is_get_or_head() {
        return NGX_HTTP_NOT_ALLOWED as ngx_int_t;
    }
    let Some(query) = Query::parse(request.part(Part::Args), status.format) else {
        return NGX_HTTP_BAD_REQUEST as ngx_int_t;
    };
    let rc = request.discard_body();
    if rc != NGX_OK as ngx_int_t {
        return rc;
    }
    let (media_type, body) = match query.format {
        Format::Html => ("text/html; charset=utf-8", PAGE.clone()),
        Format::Json => ("application/json", json(&zones(main, status, query.history))),
        Format::Prometheus => (PROMETHEUS_TYPE, prometheus(&zones(main, status, None))),
    };
    let mut headers = vec![("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")];
    if query.format == Format::Html {
        headers.push(("Content-Security-Policy", PAGE_POLICY));
    }
    for (name, value) in headers {
        if request.push_header(name, value.as_bytes()).is_none() {
            return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        }
    }
    request.send(media_type, body.into_bytes())
}

fn zones(main: &MainConf, status: &Status, history: Option<usize>) -> Vec<key::Zone> {
    let (node, time) = (main.exports.node(), worker::time());
    let is_shown = |zone: &Zone| {
        status.zone.as_ref().is_none_or(|name| zone.name.as_bytes() == name.as_slice())
    };
    main.live()
        .iter()
        .filter(|zone| is_shown(zone))
        .map(|zone| key::Zone {
            name: zone.name.clone(),
            report: zone.report(&node, time),
            history: history.and_then(|index| look_back(zone, index, time)),
        })
        .collect()
}

fn look_back(zone: &Zone, index: usize, time: u64) -> Option<History> {
    let clock = &zone.header().export.clock;
    let end = clock.end(index, time);
    let series =
        zone.records().iter().map(|record| clock.read(&record.export.track, index, end)).collect();
    Some(History { step: *STEPS.get(index)?, end, series })
}
