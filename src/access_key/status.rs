//! `access_key_status`: what there is to see of zones, as JSON, for Prometheus, or as a page.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use image_gate_core::escapes::percent_decode_lossy;
use image_gate_core::key::days::days_of_month;
use image_gate_core::key::history::STEPS;
use image_gate_core::key::{
    self, History, LONGEST, Month, Selection, Sort, UsageByDay, is_id, json, month_csv, month_name,
    prometheus,
};
use image_gate_core::metrics::PROMETHEUS_TYPE;
use image_gate_runtime::key::days_file;
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
use crate::ngx::thread::ThreadPool;
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
    let pool =
        ThreadPool::of_answers(args.parser()).map_err(|_| ConfError::invalid("no thread pool"))?;
    once(&mut conf.status, StatusConf { format, zone, pool })?;
    if let Some(main) = args.parser().main::<AccessKey>() {
        main.shown.set(true);
    }
    location::set_handler::<StatusHandler>(args)
}

/// What a request asks for with its arguments.
#[derive(Clone)]
struct Query {
    format: DocumentFormat,
    /// Which of [`STEPS`].
    history: Option<usize>,
    /// Which partners, where not all.
    selection: Option<Selection>,
    /// Of which partner there are days.
    partner: Option<String>,
    /// Of which month there are sums: its name, and its days.
    month: Option<(String, Range<u32>)>,
    /// Whether these alone are asked for, as comma-separated values.
    is_csv: bool,
}

impl Query {
    /// `None` for what there is not.
    fn parse(arguments: &[u8], format: DocumentFormat) -> Option<Query> {
        let mut query = Query {
            format,
            history: None,
            selection: None,
            partner: None,
            month: None,
            is_csv: false,
        };
        for argument in arguments.split(|&byte| byte == b'&') {
            let Some(at) = argument.iter().position(|&byte| byte == b'=') else { continue };
            let (name, value) = (&argument[..at], &argument[at + 1..]);
            let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
            let selection = || query.selection.clone().unwrap_or_default();
            match name {
                b"format" => {
                    query.is_csv = value == b"csv";
                    if !query.is_csv {
                        query.format = DocumentFormat::from_name(value)?;
                    }
                }
                b"month" => {
                    let name = std::str::from_utf8(value).ok()?;
                    query.month = Some((name.to_owned(), days_of_month(name)?));
                }
                b"partner" => {
                    let id = std::str::from_utf8(value).ok().filter(|id| is_id(id.as_bytes()))?;
                    query.partner = Some(id.to_owned());
                }
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
    if query.is_csv {
        headers.push(("Content-Disposition", "attachment; filename=\"usage.csv\""));
    } else if query.format == DocumentFormat::Html {
        headers.push(("Content-Security-Policy", PAGE_POLICY));
    }
    for (name, value) in headers {
        if request.push_header(name, value.as_bytes()).is_none() {
            return NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;
        }
    }
    if query.format == DocumentFormat::Html && !query.is_csv {
        return request.send(query.format.media_type(), PAGE.clone().into_bytes());
    }
    let work = StatusDocument {
        query,
        zones: main.live().into_iter().filter(|zone| status.shows(zone)).collect(),
        node: node(&main.exports),
        has_redis: main.exports.redis.is_some(),
        time: worker::time(),
    };
    let media_type = match work.query.is_csv {
        true => "text/csv; charset=utf-8; header=present",
        false => work.query.format.media_type(),
    };
    match status.pool {
        None => request.send(media_type, work.document().into_bytes()),
        Some(pool) => {
            request.respond_from_thread(pool, media_type, move || work.document().into_bytes())
        }
    }
}

/// What partners of a zone used of some days; nothing where no file keeps that, or it can't be
/// read, of which whoever writes it tells.
fn usage(zone: &Zone, range: &Range<u32>) -> UsageByDay {
    let path = zone.state_file.as_ref().map(|file| &file.path);
    path.and_then(|path| days_file::read_all(path, range).ok()).unwrap_or_default()
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
        if self.query.is_csv {
            return self.csv();
        }
        let zones: Vec<_> = self.zones.iter().map(|zone| self.zone(zone)).collect();
        match self.query.format {
            DocumentFormat::Prometheus => prometheus(&zones),
            DocumentFormat::Json | DocumentFormat::Html => json(&zones),
        }
    }

    fn csv(&self) -> String {
        let name = match &self.query.month {
            Some((name, _)) => name.clone(),
            None => month_name(self.time),
        };
        let range = days_of_month(&name).unwrap_or_default();
        let usage: Vec<_> = self.zones.iter().map(|zone| usage(zone, &range)).collect();
        let names = self.zones.iter().map(|zone| &*zone.name);
        month_csv(&name, names.zip(&usage))
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
        let mut page = self.query.selection.as_ref().map(|selection| selection.of(&report, series));
        let mut days = None;
        if let Some(id) = &self.query.partner {
            let place = report.partners.iter().position(|partner| partner.id == *id);
            let record = place.and_then(|place| records.get(place));
            days = record.map(|record| zone.days(record, self.time));
            let page = page.get_or_insert_default();
            page.partners = place.map(|place| (place, true)).into_iter().collect();
            page.busiest.clear();
        }
        let month = self.query.month.as_ref().map(|(name, range)| {
            let selection = self.query.selection.clone().unwrap_or_default();
            Month::of(name, &usage(zone, range), &selection)
        });
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
            month,
            days,
            health: zone.health(self.has_redis),
        }
    }
}
