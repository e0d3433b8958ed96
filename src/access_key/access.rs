//! Who is let in.

use image_gate_core::key::{QuotaLimits, draft, legacy};
use image_gate_core::link::path_of;
use nginx_sys::{
    NGX_DECLINED, NGX_ERROR, NGX_HTTP_BAD_REQUEST, NGX_HTTP_NO_CONTENT,
    NGX_HTTP_SERVICE_UNAVAILABLE, NGX_HTTP_UNAUTHORIZED, NGX_LOG_INFO, NGX_LOG_WARN, NGX_OK,
    ngx_int_t,
};

use super::alert;
use super::conf::{LocConf, RateLimitHeaders, conf};
use super::request_key::{AccessDecision, KeyStatus, Refusal, RequestKey, RequestKeys};
use super::zone::QuotaDecision;
use crate::ngx::phase::Handler;
use crate::ngx::{NoMemory, Request, worker};

/// Handler of the access phase.
pub enum Access {}

impl Handler for Access {
    fn handle(request: Request<'_>) -> ngx_int_t {
        check(request)
    }
}

/// Handler of the phase that every subrequest comes through: nginx leaves the access phase out for them, and
/// what they answer may be all that `auth_request` goes by.
pub enum Subrequest {}

impl Handler for Subrequest {
    fn handle(request: Request<'_>) -> ngx_int_t {
        let is_ours = request.is_main() || request.is_beside();
        if is_ours || is_let_in_alike(request) {
            return NGX_DECLINED as ngx_int_t;
        }
        match check(request) {
            answer if [NGX_OK as ngx_int_t, NGX_DECLINED as ngx_int_t].contains(&answer) => {
                NGX_DECLINED as ngx_int_t
            }
            refusal => request.refuse_subrequest(refusal),
        }
    }
}

/// Whether the client's request was let in where a key of the same zone is asked for.
fn is_let_in_alike(request: Request<'_>) -> bool {
    let client = request.main();
    let zone = |conf: Option<&LocConf>| conf.and_then(LocConf::access).map(|(_, zone)| zone);
    client.is_let_in() && zone(conf(&client)) == zone(conf(&request))
}

/// Goes by the client's request, whichever nginx made of it.
fn check(request: Request<'_>) -> ngx_int_t {
    let Some(conf) = conf(&request) else { return NGX_DECLINED as ngx_int_t };
    if conf.access().is_none() {
        return NGX_DECLINED as ngx_int_t;
    }
    // The block of an `if` may want a key that its location does not.
    if super::strip::strip_key(request).is_err() {
        return NGX_ERROR as ngx_int_t;
    }
    super::strip::forget(request);
    let client = request.main();
    let Some(request_keys) = RequestKeys::of(client) else { return NGX_ERROR as ngx_int_t };
    let Some(request_key) = request_keys.here(client, conf) else {
        return NGX_ERROR as ngx_int_t;
    };
    let errors = conf.errors.unwrap_or_default();
    let zone = &request_key.live.name;
    let refused = |status: u32| {
        request_key.is_refused.set(true);
        if request.is_main() {
            let (location, request_key) = (std::ptr::from_ref(conf), request_key.clone());
            request_keys.refuse(Refusal { status, location, request_key });
        }
        status as ngx_int_t
    };
    let refuse = |status: u32, reason: &str| {
        let line = format_args!("access_key: {reason}, zone \"{zone}\"");
        request.log_line(NGX_LOG_INFO, line);
        if status == NGX_HTTP_UNAUTHORIZED && request_key.access.wants_bearer() {
            request.challenge(format!("Bearer realm=\"{zone}\"").as_bytes());
        }
        refused(status)
    };
    let id = || request_key.partner().map_or("", |partner| &partner.id);
    // A browser asks without a key whether it may ask with one. There is nothing to be had: the
    // answer has no body, and what it says is the configuration's, by "add_header ... always".
    let is_unasked = match request_key.key_status {
        KeyStatus::Missing => true,
        KeyStatus::Valid => conf.redirect.is_some(),
        KeyStatus::Ambiguous | KeyStatus::Invalid | KeyStatus::Expired | KeyStatus::Disabled => {
            false
        }
    };
    if is_unasked && request.is_preflight() {
        return NGX_HTTP_NO_CONTENT as ngx_int_t;
    }
    match request_key.key_status {
        KeyStatus::Missing => return refuse(errors.missing, "no key"),
        KeyStatus::Ambiguous => return refuse(NGX_HTTP_BAD_REQUEST, "more than one key"),
        KeyStatus::Invalid => return refuse(errors.invalid, "unknown key"),
        KeyStatus::Expired => return refuse(errors.disabled, "expired key"),
        KeyStatus::Disabled => return refuse(errors.disabled, "disabled key"),
        KeyStatus::Valid => (),
    }
    // Once for each request of a client, however often it is redirected or ends in an error page.
    let decision = match request_key.decision.get() {
        Some(decision) => decision,
        None => {
            let decision = admit(client, conf, &request_key);
            request_key.decision.set(Some(decision));
            decision
        }
    };
    match decision {
        AccessDecision::Admitted | AccessDecision::DryRun => NGX_OK as ngx_int_t,
        AccessDecision::Quota | AccessDecision::Concurrency => refused(errors.quota),
        AccessDecision::Unknown => refused(NGX_HTTP_SERVICE_UNAVAILABLE),
        AccessDecision::Forbidden => {
            refuse(errors.forbidden, &format!("the key of \"{}\" is not for this request", id()))
        }
    }
}

fn admit(request: Request<'_>, conf: &LocConf, request_key: &RequestKey) -> AccessDecision {
    let (Some(partner), Some(record)) = (request_key.partner(), request_key.record()) else {
        return AccessDecision::Unknown;
    };
    let mut may_see = partner.may_see(&request_key.uri);
    // Where COPY and MOVE write to. A path that nginx would not come to is in no folder.
    request.each_incoming(b"Destination", |header| {
        let is_in = |path: Vec<u8>| partner.may_see(&path);
        may_see &= partner.paths.is_empty() || path_of(header.value()).is_some_and(is_in);
    });
    if !may_see || !partner.may_use(request.method()) {
        return AccessDecision::Forbidden;
    }
    let zone = &request_key.live;
    match request_key.run(request) {
        Ok(true) => (),
        Ok(false) => {
            let line = format_args!(
                "access_key: \"{}\" has as many requests at once as it may, zone \"{}\"",
                partner.id, zone.name
            );
            request.log_line(NGX_LOG_WARN, line);
            // When one of the others ends is not known; most do soon.
            request.push_header("Retry-After", b"1");
            return AccessDecision::Concurrency;
        }
        Err(NoMemory) => return AccessDecision::Unknown,
    }
    let limits = conf.limits(partner);
    request_key.limits.set(limits);
    let time = worker::time();
    let warn = |rest: &str| {
        let line = format_args!(
            "access_key: \"{}\" is over a quota, zone \"{}\"{rest}",
            partner.id, zone.name
        );
        request.log_line(NGX_LOG_WARN, line);
    };
    let is_dry =
        conf.quotas.as_ref().is_some_and(|quotas| !is_within(request_key, &quotas.dry_run, time));
    let decision = match zone.admit(record, &limits, time, &request_key.zone.windows(time)) {
        QuotaDecision::Admitted if is_dry => {
            warn(", dry run");
            AccessDecision::DryRun
        }
        QuotaDecision::Admitted => AccessDecision::Admitted,
        QuotaDecision::Refused(rest) => {
            warn("");
            if let Some(rest) = rest {
                request.push_header("Retry-After", rest.to_string().as_bytes());
            }
            AccessDecision::Quota
        }
        QuotaDecision::Unknown => {
            let line = format_args!(
                "access_key: what other nodes used is not known, zone \"{}\"",
                zone.name
            );
            request.log_line(NGX_LOG_WARN, line);
            AccessDecision::Unknown
        }
    };
    if !decision.lets_in() {
        request_key.stop();
    }
    alert::tell(request, conf, request_key, &limits);
    add_rate_limit_headers(request, conf.headers.unwrap_or_default(), request_key, time);
    decision
}

fn is_within(request_key: &RequestKey, limits: &QuotaLimits, time: u64) -> bool {
    if limits.is_empty() {
        return true;
    }
    let Some(record) = request_key.record() else { return false };
    limits.iter().all(|(what, per, limit)| request_key.live.used(record, what, per, time) < limit)
}

/// Adds the headers that tell the client its limits.
fn add_rate_limit_headers(
    request: Request<'_>,
    headers: RateLimitHeaders,
    request_key: &RequestKey,
    time: u64,
) {
    let usage = match headers {
        RateLimitHeaders::Off => return,
        RateLimitHeaders::Draft | RateLimitHeaders::Legacy => request_key.usage(),
    };
    if headers == RateLimitHeaders::Draft && !usage.is_empty() {
        let (policy, state) = draft(&usage, time);
        request.push_header("RateLimit-Policy", policy.as_bytes());
        request.push_header("RateLimit", state.as_bytes());
    }
    if headers == RateLimitHeaders::Legacy
        && let Some((limit, remaining, reset)) = legacy(&usage, time)
    {
        request.push_header("X-RateLimit-Limit", limit.to_string().as_bytes());
        request.push_header("X-RateLimit-Remaining", remaining.to_string().as_bytes());
        if let Some(reset) = reset {
            request.push_header("X-RateLimit-Reset", reset.to_string().as_bytes());
        }
    }
}
