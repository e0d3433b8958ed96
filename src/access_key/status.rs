//! `access_key_status`: what there is to see of zones, as JSON, for Prometheus, or as a page.

use std::sync::{Arc, LazyLock};

use image_gate_core::escapes::percent_decode_lossy;
use image_gate_core::key::history::STEPS;
use image_gate_core::key::{self, History, LONGEST, Selection, Sort, json, prometheus};
use image_gate_core::metrics::PROMETHEUS_TYPE;
use nginx_sys::{
    NGX_DECLINED, NGX_HTTP_BAD_REQUEST, NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_NOT_ALLOWED,
    NGX_OK, ngx_int_t,
};

use super::conf::{AccessKey, DocumentFormat, LocConf, MainConf, StatusConf, conf, unknown_zone};
use super::export::node;
use super::zone::Zone;
use crate::ngx::conf::{ConfError, DirectiveArgs, Place, expect, once};
use crate::ngx::incoming::RequestPart;
use crate::ngx::phase::Handler;
use crate::ngx::thread::{self, ThreadPool};
use crate::ngx::{Parser, Reported, Request, location, worker};

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

impl DocumentFormat {
    fn from_name(name: &[u8]) -> Option<DocumentFormat> {
        match name {
            b"json" => Some(DocumentFormat::Json),
            b"prometheus" => Some(DocumentFormat::Prometheus),
            b"html" => Some(DocumentFormat::Html),
            _ => None,
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            DocumentFormat::Json => "application/json",
            DocumentFormat::Prometheus => PROMETHEUS_TYPE,
            DocumentFormat::Html => "text/html; charset=utf-8",
        }
    }
}

impl StatusConf {
    fn shows(&self, zone: &Zone) -> bool {
        self.zone.as_ref().is_none_or(|name| zone.name.as_bytes() == name.as_slice())
    }

    /// Looks whether there is such a zone.
    ///
    /// # Errors
    /// What is wrong was reported.
    pub fn check(
        &self,
        main: &MainConf,
        place: &Place,
        parser: Parser<'_>,
    ) -> Result<(), Reported> {
        if main.zones.is_empty() {
            place.error(parser, format_args!("there is no \"access_key_zone\" to show"));
            return Err(Reported);
        }
        let Some(name) = self.zone.as_ref().filter(|name| main.zone(name).is_none()) else {
            return Ok(());
        };
        unknown_zone(place, &String::from_utf8_lossy(name), parser);
        Err(Reported)
    }
}

/// `access_key_status json|prometheus|html [zone=NAME]`.
pub fn set(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let format = args.arg(0);
    let expected = format_args!("json, prometheus or html");
    let format = expect(DocumentFormat::from_name(format), format, expected)?;
    let mut zone = None;
    for argument in args.rest(1) {
        match argument.strip_prefix(b"zone=").filter(|name| !name.is_empty()) {
            Some(name) => once(&mut zone, name.to_vec())?,
            None => return expect(None, argument, format_args!("zone=NAME")),
        }
    }
    let pool = if thread::available() {
        let pool = ThreadPool::add(args.parser(), None);
        Some(pool.ok_or_else(|| ConfError::invalid("no thread pool"))?)
    } else {
        None
    };
    once(&mut conf.status, StatusConf { format, zone, pool })?;
    if let Some(main) = args.parser().main::<AccessKey>() {
        main.shown.set(true);
    }
    location::set_handler::<StatusHandler>(args.parser())
}

/// What a request asks for with its arguments.
#[derive(Clone)]
struct Query {
    format: DocumentFormat,
    /// Which of [`STEPS`].
    history: Option<usize>,
    /// Which partners, where not all.
    selection: Option<Selection>,
}

impl Query {
    /// `None` for what there is not.
    fn parse(arguments: &[u8], format: DocumentFormat) -> Option<Query> {
        let mut query = Query { format, history: None, selection: None };
        for argument in arguments.split(|&byte| byte == b'&') {
            let Some(at) = argument.iter().position(|&byte| byte == b'=') else { continue };
            let (name, value) = (&argument[..at], &argument[at + 1..]);
            let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
            let selection = || query.selection.clone().unwrap_or_default();
            match name {
                b"format" => query.format = DocumentFormat::from_name(value)?,
                b"history" => {
                    query.history = Some(match value {
                        b"5m" => 0,
                        b"1h" => 1,
                        _ => return None,
                    });
                }
                b"page" => {
                    let page = usize::try_from(number()?).ok().filter(|&page| page > 0)?;
                    query.selection = Some(Selection { page, ..selection() });
                }
                b"limit" => {
                    let is_limit = |limit: &usize| (1..=LONGEST).contains(limit);
                    let limit = usize::try_from(number()?).ok().filter(is_limit)?;
                    query.selection = Some(Selection { limit, ..selection() });
                }
                b"sort" => {
                    let (name, descending) = match value.strip_prefix(b"-") {
                        Some(name) => (name, true),
                        None => (value, false),
                    };
                    let sort = Sort::from_name(name)?;
                    query.selection = Some(Selection { sort, descending, ..selection() });
                }
                b"filter" => {
                    let filter =
                        String::from_utf8_lossy(&percent_decode_lossy(value)).to_ascii_lowercase();
                    query.selection = Some(Selection { filter, ..selection() });
                }
                b"since" => {
                    let since = Some(number()?);
                    query.selection = Some(Selection { since, ..selection() });
                }
                _ => (),
            }
        }
        Some(query)
    }
}

/// Answers the requests of a location with `access_key_status`.
enum StatusHandler {}

impl Handler for StatusHandler {
    fn handle(request: Request<'_>) -> ngx_int_t {
        answer(request)
    }
}

fn answer(request: Request<'_>) -> ngx_int_t {
    let main = request.main_conf::<AccessKey>();
    let (Some(main), Some(status)) = (main, conf(&request).and_then(|conf| conf.status.as_ref()))
    else {
        return NGX_DECLINED as ngx_int_t;
    };
    if !request.is_get_or_head() {
        return NGX_HTTP_NOT_ALLOWED as ngx_int_t;
    }
    let Some(query) = Query::parse(request.part(RequestPart::Args), status.format) else {
        return NGX_HTTP_BAD_REQUEST as ngx_int_t;
    };
    let rc = request.discard_body();
    if rc != NGX_OK as ngx_int_t {
        return rc;
    }
    let mut headers = vec![("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")];
    if query.format == DocumentFormat::Html {
        headers.push(("Content-Security-Policy", PAGE_POLICY));
    }
    for (name, value) in headers {
        if request.push_header(name, value.as_bytes()).is_none() {
            return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        }
    }
    if query.format == DocumentFormat::Html {
        return request.send(query.format.media_type(), PAGE.clone().into_bytes());
    }
    let work = StatusDocument {
        query,
        zones: main.live().into_iter().filter(|zone| status.shows(zone)).collect(),
        node: node(&main.exports),
        has_redis: main.exports.redis.is_some(),
        time: worker::time(),
    };
    let media_type = work.query.format.media_type();
    match status.pool {
        None => request.send(media_type, work.document().into_bytes()),
        Some(pool) => {
            request.respond_from_thread(pool, media_type, move || work.document().into_bytes())
        }
    }
}

/// What makes an answer, without the request: with many partners it takes longer than the event
/// loop has time.
struct StatusDocument {
    query: Query,
    zones: Vec<Arc<Zone>>,
    node: String,
    has_redis: bool,
    time: u64,
}

impl StatusDocument {
    fn document(&self) -> String {
        let zones: Vec<_> = self.zones.iter().map(|zone| self.zone(zone)).collect();
        match self.query.format {
            DocumentFormat::Prometheus => prometheus(&zones),
            DocumentFormat::Json | DocumentFormat::Html => json(&zones),
        }
    }

    fn zone(&self, zone: &Zone) -> key::ZoneStatus {
        let report = zone.report(&self.node, self.time);
        let history = self.query.history.filter(|_| self.query.format == DocumentFormat::Json);
        let clock = &zone.header().export.clock;
        let records = zone.records();
        let step = history.and_then(|index| Some((index, *STEPS.get(index)?)));
        let step = step.map(|(index, step)| (index, step, clock.end(index, self.time)));
        let series = |place: usize| {
            let (index, _, end) = step?;
            Some(clock.read(&records.get(place)?.export.track, index, end))
        };
        let page = self.query.selection.as_ref().map(|selection| selection.of(&report, series));
        let history = step.map(|(_, step, end)| {
            let all = 0..report.partners.len();
            let shown: Vec<usize> = match &page {
                None => all.collect(),
                Some(page) => {
                    let rows = page.partners.iter().filter(|(_, changed)| *changed);
                    rows.map(|&(place, _)| place).chain(page.busiest.iter().copied()).collect()
                }
            };
            let series = shown.into_iter().filter_map(|place| Some((place, series(place)?)));
            History { step, end, series: series.collect() }
        });
        key::ZoneStatus {
            name: zone.name.clone(),
            report,
            history,
            page,
            health: zone.health(self.has_redis),
        }
    }
}
