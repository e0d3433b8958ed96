//! `access_key_alert`: a quota that is nearly used up.

use image_gate_core::key::{QuotaLimits, percent_of};
use nginx_sys::NGX_LOG_WARN;

use super::conf::{AlertConf, LocConf};
use super::request_key::RequestKey;
use crate::ngx::conf::{ConfError, DirectiveArgs, expect, once};
use crate::ngx::{Request, worker};

/// More thresholds say nothing more.
const MOST: usize = 8;

/// `access_key_alert off | PERCENT% ... [URI]`.
pub fn set(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    if args.len() == 1 && args.arg(0) == b"off" {
        return once(&mut conf.alert, AlertConf::default());
    }
    let mut alert = AlertConf::default();
    for argument in args.rest(0) {
        if argument.starts_with(b"/") && alert.uri.is_none() {
            alert.uri = Some(argument.into());
            continue;
        }
        let number = argument.strip_suffix(b"%").and_then(|digits| {
            std::str::from_utf8(digits).ok()?.parse::<u16>().ok().filter(|n| (1..=100).contains(n))
        });
        let expected = format_args!("1% to 100%, and a URI that begins with \"/\"");
        alert.thresholds.push(expect(number, argument, expected)?);
    }
    if alert.thresholds.is_empty() {
        return Err(ConfError::invalid("no threshold, such as 80%"));
    }
    if alert.thresholds.len() > MOST {
        return Err(ConfError::invalid(format_args!("more than {MOST} thresholds")));
    }
    alert.thresholds.sort_unstable();
    if alert.thresholds.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(ConfError::invalid("the same threshold twice"));
    }
    once(&mut conf.alert, alert)
}

/// Tells of windows that have come to a threshold: once, whichever worker finds it.
pub fn tell(request: Request<'_>, conf: &LocConf, request_key: &RequestKey, limits: &QuotaLimits) {
    let Some(alert) = conf.alert.as_ref().filter(|alert| !alert.thresholds.is_empty()) else {
        return;
    };
    let (Some(partner), Some(record)) = (request_key.partner(), request_key.record()) else {
        return;
    };
    let (time, zone) = (worker::time(), &request_key.live);
    let numbers = request_key.zone.windows(time);
    for (what, per, limit) in limits.iter() {
        let used = zone.used(record, what, per, time);
        let percent = percent_of(used, limit);
        let reached = alert.thresholds.iter().filter(|&&threshold| threshold <= percent);
        for &threshold in reached {
            let number = numbers.get(per.index()).copied().unwrap_or(0);
            if !record.alert(what, per).tell(number, threshold) {
                continue;
            }
            record.note_alert();
            let (id, what, zone) = (&partner.id, what.name(), &zone.name);
            let within = per.name();
            let line = format_args!(
                "access_key: \"{id}\" has used {threshold}% of its {what} per {within}, \
                 {used} of {limit}, zone \"{zone}\""
            );
            request.log_line(NGX_LOG_WARN, line);
            let Some(uri) = &alert.uri else { continue };
            let arguments = format!(
                "zone={zone}&partner={id}&quantity={what}&per={within}&percent={threshold}\
                 &used={used}&limit={limit}"
            );
            if request.ask_beside(uri, arguments.as_bytes()).is_err() {
                let line = format_args!("access_key: no memory to ask \"access_key_alert\"");
                request.log_line(NGX_LOG_WARN, line);
            }
        }
    }
}
