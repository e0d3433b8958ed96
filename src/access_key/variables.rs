//! `$access_key_*`.

use std::rc::Rc;

use super::conf::conf;
use super::visit::{Verdict, Visit, Visits};
use crate::ngx::Request;
use crate::ngx::variable::Variable;

/// All of them.
pub static VARIABLES: &[Variable] = &[
    Variable {
        name: "access_key_id",
        get: |request| Some(valid(request)?.holder()?.id.clone().into_bytes().into()),
    },
    Variable {
        name: "access_key_status",
        get: |request| Some(visit(request)?.status().as_bytes().into()),
    },
    Variable {
        name: "access_key_remaining",
        get: |request| Some(valid(request)?.remaining()?.to_string().into_bytes().into()),
    },
    Variable { name: "access_key_uri", get: |request| Some(visit(request)?.uri.to_vec().into()) },
    Variable {
        name: "access_key_policy",
        get: |request| Some(valid(request)?.holder()?.policy().into_bytes().into()),
    },
    Variable {
        name: "access_key_preset",
        get: |request| {
            let visit = valid(request)?;
            let presets = &visit.holder()?.presets;
            (!presets.is_empty()).then(|| presets.join(",").into_bytes().into())
        },
    },
    Variable {
        name: "access_key_watermark",
        get: |request| {
            let watermark = valid(request)?.holder()?.watermark?;
            let word: &[u8] = if watermark { b"on" } else { b"off" };
            Some(word.into())
        },
    },
];

/// The visit that variables speak of: that of the location, or the last one where it has none.
fn visit(request: Request<'_>) -> Option<Rc<Visit>> {
    let here = conf(&request).filter(|conf| request.is_main() && conf.access().is_some());
    match here {
        Some(conf) => Visits::of(request)?.here(request, conf),
        None => Visits::find(request)?.last(),
    }
}

fn valid(request: Request<'_>) -> Option<Rc<Visit>> {
    visit(request).filter(|visit| visit.verdict == Verdict::Valid)
}
