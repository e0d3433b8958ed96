//! `$access_key_*`.

use std::rc::Rc;

use super::conf::conf;
use super::request_key::{AccessDecision, KeyStatus, RequestKey, RequestKeys};
use crate::ngx::Request;
use crate::ngx::variable::Variable;

/// All of them.
pub static VARIABLES: &[Variable] = &[
    Variable {
        name: "access_key_id",
        get: |request| Some(valid(request)?.partner()?.id.clone().into_bytes().into()),
    },
    Variable {
        name: "access_key_status",
        get: |request| Some(request_key(request)?.status().as_bytes().into()),
    },
    Variable {
        name: "access_key_remaining",
        get: |request| Some(valid(request)?.remaining()?.to_string().into_bytes().into()),
    },
    Variable {
        name: "access_key_uri",
        get: |request| Some(request_key(request)?.uri.to_vec().into()),
    },
    Variable {
        name: "access_key_policy",
        get: |request| Some(let_in(request)?.partner()?.policy().into_bytes().into()),
    },
    Variable {
        name: "access_key_preset",
        get: |request| {
            let request_key = let_in(request)?;
            let presets = &request_key.partner()?.presets;
            (!presets.is_empty()).then(|| presets.join(",").into_bytes().into())
        },
    },
    Variable {
        name: "access_key_watermark",
        get: |request| {
            let watermark = let_in(request)?.partner()?.watermark?;
            let word: &[u8] = if watermark { b"on" } else { b"off" };
            Some(word.into())
        },
    },
];

/// The key that variables speak of: that of the location, or the last one where it has none.
fn request_key(request: Request<'_>) -> Option<Rc<RequestKey>> {
    let here = conf(&request).filter(|conf| request.is_main() && conf.access().is_some());
    match here {
        Some(conf) => RequestKeys::of(request)?.here(request, conf),
        None => RequestKeys::find(request)?.last(),
    }
}

/// The key where it was not refused: an error page is for everybody, who have no policy.
fn let_in(request: Request<'_>) -> Option<Rc<RequestKey>> {
    let is_in = |key: &Rc<RequestKey>| key.decision.get().is_none_or(AccessDecision::lets_in);
    valid(request).filter(is_in)
}

fn valid(request: Request<'_>) -> Option<Rc<RequestKey>> {
    request_key(request).filter(|request_key| request_key.key_status == KeyStatus::Valid)
}
