//! `$image_gate_s3_*`.

use std::borrow::Cow;

use image_gate_core::s3::SignedRequest;

use super::sign::signed;
use crate::ngx::Request;
use crate::ngx::variable::Variable;

/// All of them.
pub static VARIABLES: &[Variable] = &[
    Variable { name: "image_gate_s3_host", get: |request| of(request, |sent| &sent.host) },
    Variable { name: "image_gate_s3_uri", get: |request| of(request, |sent| &sent.uri) },
    Variable { name: "image_gate_s3_date", get: |request| of(request, |sent| &sent.date) },
    Variable { name: "image_gate_s3_payload", get: |request| of(request, |sent| sent.payload) },
    Variable {
        name: "image_gate_s3_session_token",
        get: |request| of(request, |sent| &sent.session_token),
    },
    Variable {
        name: "image_gate_s3_authorization",
        get: |request| of(request, |sent| &sent.authorization),
    },
];

fn of(request: Request<'_>, get: fn(&SignedRequest) -> &str) -> Option<Cow<'static, [u8]>> {
    let signed = signed(request)?;
    let text = get(&signed);
    (!text.is_empty()).then(|| text.as_bytes().to_vec().into())
}
