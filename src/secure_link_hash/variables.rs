//! `$secure_link_hash` and `$secure_link_hash_*`.

use std::borrow::Cow;

use image_gate_core::link::VerifyError;

use super::conf::conf;
use super::verify::{Verdict, address, expires, token, verify_link};
use crate::ngx::Request;
use crate::ngx::variable::Variable;

/// All of them.
pub static VARIABLES: &[Variable] = &[
    Variable {
        name: "secure_link_hash",
        get: |request| {
            of(request, |verdict| match verdict.result {
                Ok(()) => Some(verdict.link.map_or(b"1"[..].into(), |link| link.to_vec().into())),
                Err(VerifyError::Expired) => Some(b"0"[..].into()),
                Err(_) => None,
            })
        },
    },
    Variable { name: "secure_link_hash_expires", get: |request| expires(request, conf(&request)?) },
    Variable {
        name: "secure_link_hash_reason",
        get: |request| {
            of(request, |verdict| {
                Some(verdict.result.err().map_or("ok", VerifyError::name).as_bytes().into())
            })
        },
    },
    Variable {
        name: "secure_link_hash_key_id",
        get: |request| {
            of(request, |verdict| (!verdict.id.is_empty()).then(|| verdict.id.to_vec().into()))
        },
    },
    Variable {
        name: "secure_link_hash_request_uri",
        get: |request| Some(address(request, conf(&request)?).into()),
    },
    Variable {
        name: "secure_link_hash_token",
        get: |request| Some(token(request, conf(&request)?)?.into()),
    },
    Variable {
        name: "secure_link_hash_until",
        // The same in the token and beside it, however long the request takes.
        get: |request| {
            let until = request.started().saturating_add(conf(&request)?.lifetime?);
            Some(until.to_string().into_bytes().into())
        },
    },
];

fn of(
    request: Request<'_>,
    get: impl Fn(Verdict<'_>) -> Option<Cow<'static, [u8]>>,
) -> Option<Cow<'static, [u8]>> {
    get(verify_link(&request, conf(&request)?)?)
}
