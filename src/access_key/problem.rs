//! What clients that are programs are told of a refusal, in the place of nginx's page.

use image_gate_core::accept::prefers;
use image_gate_core::key::{PROBLEM_TYPE, Problem};

use nginx_sys::{NGX_HTTP_BAD_REQUEST, ngx_uint_t};

use super::conf::conf;
use super::request_key::{AccessDecision, KeyStatus, Refusal, RequestKeys};
use super::sent_back;
use crate::ngx::error_body::{ErrorBody, ErrorDocument};
use crate::ngx::{NoMemory, Request};

/// What there is to say of a refusal.
fn problem(refusal: &Refusal) -> Problem {
    match (refusal.request_key.key_status, refusal.request_key.decision.get()) {
        (KeyStatus::Missing, _) => Problem::Missing,
        (KeyStatus::Ambiguous, _) => Problem::Ambiguous,
        (KeyStatus::Invalid | KeyStatus::Expired | KeyStatus::Disabled, _) => Problem::Invalid,
        (KeyStatus::Valid, Some(AccessDecision::Quota)) => {
            let usage = refusal.request_key.usage();
            let used_up = usage.iter().filter(|item| item.remaining() == 0);
            Problem::Quota(used_up.map(|item| (item.what, item.per)).collect())
        }
        (KeyStatus::Valid, Some(AccessDecision::Concurrency)) => Problem::Concurrency,
        (KeyStatus::Valid, Some(AccessDecision::Unknown)) => Problem::Unknown,
        (
            KeyStatus::Valid,
            None
            | Some(AccessDecision::Forbidden | AccessDecision::Admitted | AccessDecision::DryRun),
        ) => Problem::Forbidden,
    }
}

/// The bodies of refusals.
pub enum Problems {}

impl ErrorBody for Problems {
    fn document(request: Request<'_>) -> Result<Option<ErrorDocument>, NoMemory> {
        if request.error_status() < NGX_HTTP_BAD_REQUEST as ngx_uint_t {
            return sent_back::restore(request).map(|()| None);
        }
        let refusal = RequestKeys::find(request).and_then(RequestKeys::take_refusal);
        let Some(refusal) = refusal else { return Ok(None) };
        let is_here = conf(&request).is_some_and(|conf| std::ptr::eq(conf, refusal.location));
        if !is_here || usize::try_from(refusal.status) != Ok(request.error_status()) {
            return Ok(None);
        }
        request.add_vary("Accept")?;
        let wanted = [PROBLEM_TYPE, "application/json"];
        if !prefers(request.accept(), &wanted, "text/html") {
            return Ok(None);
        }
        let body = problem(&refusal).document(refusal.status).into_bytes();
        Ok(Some(ErrorDocument { media_type: PROBLEM_TYPE, body }))
    }
}
