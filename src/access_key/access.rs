//! Who is let in.

use image_gate_core::key::{Limits, draft, legacy};
use nginx_sys::{
    NGX_DECLINED, NGX_ERROR, NGX_HTTP_BAD_REQUEST, NGX_HTTP_NO_CONTENT,
    NGX_HTTP_SERVICE_UNAVAILABLE, NGX_HTTP_UNAUTHORIZED, NGX_LOG_INFO, NGX_LOG_WARN, NGX_OK,
    ngx_int_t,
};

use super::conf::{Headers, LocConf, conf};
use super::visit::{Outcome, Verdict, Visit, Visits};
use super::zone::Admission;
use crate::ngx::phase::Handler;
use crate::ngx::{Request, worker};

/// Handler of the access phase.
pub enum Access {}

impl Handler for Access {
    fn handle(request: Request<'_>) -> ngx_int_t {
        check(request)
    }
}

fn check(request: Request<'_>) -> ngx_int_t {
    let Some(conf) = conf(&request) else { return NGX_DECLINED as ngx_int_t };
    if conf.access().is_none() {
        return NGX_DECLINED as ngx_int_t;
    }
    // The block of an `if` may want a key that its location does not.
    if super::strip::settle(request).is_err() {
        return NGX_ERROR as ngx_int_t;
    }
    let visit = Visits::of(request).and_then(|visits| visits.here(request, conf));
    let Some(visit) = visit else { return NGX_ERROR as ngx_int_t };
    let errors = conf.errors.unwrap_or_default();
    let zone = &visit.live.name;
    let refuse = |status: u32, reason: &str| {
        let line = format_args!("access_key: {reason}, zone \"{zone}\"");
        request.log_line(NGX_LOG_INFO, line);
        if status == NGX_HTTP_UNAUTHORIZED && visit.access.wants_bearer() {
            request.challenge(format!("Bearer realm=\"{zone}\"").as_bytes());
        }
        status as ngx_int_t
    };
    let id = || visit.holder().map_or("", |holder| &holder.id);
    // A browser asks without a key whether it may ask with one. There is nothing to be had: the
    // answer has no body, and what it says is the configuration's, by "add_header ... always".
    let is_unasked = match visit.verdict {
        Verdict::Missing => true,
        Verdict::Valid => conf.redirect.is_some(),
        Verdict::Ambiguous | Verdict::Invalid | Verdict::Expired | Verdict::Disabled => false,
    };
    if is_unasked && request.is_preflight() {
        return NGX_HTTP_NO_CONTENT as ngx_int_t;
    }
    match visit.verdict {
        Verdict::Missing => return refuse(errors.missing, "no key"),
        Verdict::Ambiguous => return refuse(NGX_HTTP_BAD_REQUEST, "more than one key"),
        Verdict::Invalid => return refuse(errors.invalid, "unknown key"),
        Verdict::Expired => return refuse(errors.disabled, "expired key"),
        Verdict::Disabled => return refuse(errors.disabled, "disabled key"),
        Verdict::Valid => (),
    }
    // Once for each request of a client, however often it is redirected or ends in an error page.
    let outcome = match visit.outcome.get() {
        Some(outcome) => outcome,
        None => {
            let outcome = admit(request, conf, &visit);
            visit.outcome.set(Some(outcome));
            outcome
        }
    };
    match outcome {
        Outcome::Admitted | Outcome::DryRun => NGX_OK as ngx_int_t,
        Outcome::Quota => errors.quota as ngx_int_t,
        Outcome::Unknown => NGX_HTTP_SERVICE_UNAVAILABLE as ngx_int_t,
        Outcome::Forbidden => {
            refuse(errors.forbidden, &format!("the key of \"{}\" is not for this URI", id()))
        }
    }
}

fn admit(request: Request<'_>, conf: &LocConf, visit: &Visit) -> Outcome {
    let (Some(holder), Some(record)) = (visit.holder(), visit.record()) else {
        return Outcome::Unknown;
    };
    if !holder.may_see(&visit.uri) {
        return Outcome::Forbidden;
    }
    let limits = conf.limits(holder);
    visit.limits.set(limits);
    let time = worker::time();
    let zone = &visit.live;
    let warn = |rest: &str| {
        let line = format_args!(
            "access_key: \"{}\" is over a quota, zone \"{}\"{rest}",
            holder.id, zone.name
        );
        request.log_line(NGX_LOG_WARN, line);
    };
    let is_dry =
        conf.quotas.as_ref().is_some_and(|quotas| !is_within(visit, &quotas.dry_run, time));
    let outcome = match zone.admit(record, &limits, time, &visit.zone.windows(time)) {
        Admission::Admitted if is_dry => {
            warn(", dry run");
            Outcome::DryRun
        }
        Admission::Admitted => Outcome::Admitted,
        Admission::Refused(rest) => {
            warn("");
            request.push_header("Retry-After", rest.to_string().as_bytes());
            Outcome::Quota
        }
        Admission::Unknown => {
            let line = format_args!(
                "access_key: what other nodes used is not known, zone \"{}\"",
                zone.name
            );
            request.log_line(NGX_LOG_WARN, line);
            Outcome::Unknown
        }
    };
    tell(request, conf.headers.unwrap_or_default(), visit, time);
    outcome
}

fn is_within(visit: &Visit, limits: &Limits, time: u64) -> bool {
    let Some(record) = visit.record() else { return false };
    limits.iter().all(|(what, per, limit)| visit.live.used(record, what, per, time) < limit)
}

/// Adds the headers that tell the client its limits.
fn tell(request: Request<'_>, headers: Headers, visit: &Visit, time: u64) {
    let usage = match headers {
        Headers::Off => return,
        Headers::Draft | Headers::Legacy => visit.usage(),
    };
    if headers == Headers::Draft && !usage.is_empty() {
        let (policy, state) = draft(&usage, time);
        request.push_header("RateLimit-Policy", policy.as_bytes());
        request.push_header("RateLimit", state.as_bytes());
    }
    if headers == Headers::Legacy
        && let Some([limit, remaining, reset]) = legacy(&usage, time)
    {
        request.push_header("X-RateLimit-Limit", limit.to_string().as_bytes());
        request.push_header("X-RateLimit-Remaining", remaining.to_string().as_bytes());
        request.push_header("X-RateLimit-Reset", reset.to_string().as_bytes());
    }
}
