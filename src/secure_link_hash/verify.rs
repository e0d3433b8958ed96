//! Whether the link of a request is right.
//!
//! An internal redirect, or a rule of the rewrite module, may change what a link is judged by, so
//! a verdict is kept only where all of that can be seen to be the same when it is asked for again.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use image_gate_core::link::{
    LinkRequest, ValidityPeriod, VerifyError, decoded, parse_time, secure_link, without_arguments,
};
use smallvec::SmallVec;

use super::conf::{LocConf, Method, SecureLinkHash};
use super::{images, strip};
use crate::image_resize::link;
use crate::ngx::conf::Expression;
use crate::ngx::incoming::{RequestPart, RequestString};
use crate::ngx::request::RequestId;
use crate::ngx::{Request, worker};

/// What a link turned out to be.
pub struct Verdict<'a> {
    pub result: Result<(), VerifyError>,
    /// The id of the key that it was made with; empty where that has none, or is not known.
    pub id: &'a [u8],
    /// What the path holds behind the hash, in the form with a secret.
    pub link: Option<&'a [u8]>,
    /// How many bytes a second the link may take, where it says so.
    pub rate: Option<u64>,
}

/// A link that is right, if its time is.
#[derive(Clone, Copy, Default)]
struct VerifiedLink {
    /// The key that it was made with, by its number.
    key: Option<usize>,
    validity: ValidityPeriod,
    rate: Option<u64>,
}

/// What a request looks like to the variables that [`LocConf::is_steady`] is about, and whose link
/// it is. Parts that were replaced are other strings, as is an address that realip learned
/// meanwhile.
#[derive(Clone, Copy, PartialEq)]
struct Inputs {
    conf: *const LocConf,
    parts: [RequestString; 4],
}

impl Inputs {
    fn of(request: Request<'_>, conf: &LocConf) -> Inputs {
        let parts = [
            request.string(RequestPart::Uri),
            request.string(RequestPart::Args),
            request.string(RequestPart::UnparsedUri),
            request.address_string(),
        ];
        Inputs { conf, parts }
    }
}

/// What is kept of a request: the last verdict on its link.
pub type Context = Cell<CachedVerdict>;

/// A verdict, and what it was found from.
#[derive(Clone, Copy)]
pub struct CachedVerdict {
    inputs: Inputs,
    signature: Result<VerifiedLink, VerifyError>,
    result: Result<(), VerifyError>,
}

/// Judges the link of a request; `None` where its location does not say how.
pub fn verify_link<'a>(request: &'a Request, conf: &'a LocConf) -> Option<Verdict<'a>> {
    if matches!(conf.method, Method::None) || needs_value(conf) && conf.value.is_none() {
        return None;
    }
    let _arguments = strip::undone(*request);
    let (right, result) = signature_and_result(*request, conf);
    let right = right.ok();
    let (id, link) = match (&conf.method, right.and_then(|right| right.key)) {
        (Method::Mac(_, signer), Some(key)) => (signer.id(key), None),
        (Method::ThirdParty(third_party, ..), Some(key)) => (third_party.id(key), None),
        (Method::Secret(_), _) if right.is_some() => (
            &[][..],
            secure_link::parts(request.part(RequestPart::UnparsedUri)).map(|(_, link)| link),
        ),
        _ => (&[][..], None),
    };
    let rate = right.and_then(|right| right.rate);
    Some(Verdict { result, id, link, rate })
}

/// Whether the signature of a link is right, and whether its time is, too: as it was found out
/// before, where nothing that it depends on has changed.
fn signature_and_result(
    request: Request<'_>,
    conf: &LocConf,
) -> (Result<VerifiedLink, VerifyError>, Result<(), VerifyError>) {
    let inputs = conf.is_steady.then(|| Inputs::of(request, conf));
    let slot = request.active_context::<SecureLinkHash>();
    if let Some(known) = slot.map(|slot| slot.get()).filter(|known| Some(known.inputs) == inputs) {
        return (known.signature, known.result);
    }
    let muted = request.mute_debug_log();
    let right = check(&request, conf);
    let result = right.and_then(|right| in_time(request, conf, right.validity));
    drop(muted);
    if let Some(inputs) = inputs {
        let known = CachedVerdict { inputs, signature: right, result };
        match slot {
            Some(slot) => slot.set(known),
            // Without memory it is judged again.
            None => drop(request.set_context::<SecureLinkHash>(Cell::new(known))),
        }
    }
    (right, result)
}

/// Whether the token and its expiry come from `secure_link_hash`.
fn needs_value(conf: &LocConf) -> bool {
    matches!(conf.method, Method::Md5(_) | Method::Mac(..))
}

fn check(request: &Request<'_>, conf: &LocConf) -> Result<VerifiedLink, VerifyError> {
    match &conf.method {
        Method::None => Err(VerifyError::NoKey),
        Method::Secret(secret) => {
            let uri = request.part(RequestPart::UnparsedUri);
            let (hash, link) = secure_link::parts(uri).ok_or(VerifyError::Missing)?;
            if hash.len() != 32 || !hash.iter().all(u8::is_ascii_hexdigit) || link.is_empty() {
                return Err(VerifyError::Malformed);
            }
            secure_link::linked(uri, secret).ok_or(VerifyError::Mismatch)?;
            Ok(VerifiedLink::default())
        }
        Method::Md5(md5) => {
            let (token, expires, _judged) = value(request, conf)?;
            let tag = secure_link::decode(token).ok_or(VerifyError::Malformed)?;
            if !secure_link::matches(&tag, evaluate(*md5, request)?) {
                return Err(VerifyError::Mismatch);
            }
            images::check(request, conf, *md5)?;
            Ok(VerifiedLink { validity: ValidityPeriod::until(expires), ..VerifiedLink::default() })
        }
        Method::Mac(message, signer) => {
            let (token, expires, _judged) = value(request, conf)?;
            let token = signer.read(token, conf.prefix == Some(true))?;
            let key = signer.check(&token, evaluate(*message, request)?)?;
            if token.prefix()?.is_some_and(|prefix| !request.uri().starts_with(&prefix)) {
                return Err(VerifyError::Mismatch);
            }
            images::check(request, conf, *message)?;
            let validity = ValidityPeriod::until(expires);
            Ok(VerifiedLink { key: Some(key), validity, rate: None })
        }
        Method::ThirdParty(third_party, origin, _) => {
            // The server was found by the one that counts, and the file is its.
            if !request.has_one_host() && origin.variables().next().is_some() {
                return Err(VerifyError::Malformed);
            }
            let uri = request.part(RequestPart::UnparsedUri);
            let dialect = conf.signing_dialect();
            let uri = dialect.map_or(uri, |dialect| link::behind_location(*request, dialect, uri));
            let url = [evaluate(*origin, request)?, uri].concat();
            let address = request.address();
            let cookies = if third_party.takes_cookies() { cookies(request) } else { Vec::new() };
            let (unsigned, cookies) = (conf.unsigned(), &cookies);
            let visit = LinkRequest { url: &url, address, cookies, unsigned };
            let found = third_party.verify(&visit)?;
            Ok(VerifiedLink { key: Some(found.key), validity: found.validity, rate: found.rate })
        }
    }
}

/// What the client sent as cookies, of several headers one behind the other.
fn cookies(request: &Request<'_>) -> Vec<u8> {
    let mut cookies = Vec::new();
    request.each_incoming(b"Cookie", |header| {
        cookies.extend_from_slice(header.value());
        cookies.push(b';');
    });
    cookies
}

/// What an expression comes to. nginx has reported why it comes to nothing.
fn evaluate<'r>(expression: Expression, request: &Request<'r>) -> Result<&'r [u8], VerifyError> {
    expression.evaluate(*request).ok_or(VerifyError::Malformed)
}

/// The token, and the expiry behind its comma, which the message may name as long as the last of
/// them lives.
fn value<'r>(
    request: &Request<'r>,
    conf: &LocConf,
) -> Result<(&'r [u8], Option<u64>, Judged), VerifyError> {
    let (token, text) = given(request, conf)?.ok_or(VerifyError::Missing)?;
    if token.is_empty() {
        return Err(VerifyError::Missing);
    }
    let expires = match text.map(parse_time) {
        None => None,
        Some(None) => return Err(VerifyError::Malformed),
        Some(expires) => expires,
    };
    Ok((token, expires, Judged::begin(*request, conf, text)))
}

/// The token and the text of the expiry, with their percent-encoding undone: clients may write a
/// token's padding so. Links of secure_link are read as it reads them, as they stand.
#[allow(clippy::type_complexity, reason = "what `secure_link::split` returns")]
fn given<'r>(
    request: &Request<'r>,
    conf: &LocConf,
) -> Result<Option<(&'r [u8], Option<&'r [u8]>)>, VerifyError> {
    let Some(value) = conf.value else { return Ok(None) };
    let (token, text) = secure_link::split(evaluate(value, request)?);
    if !matches!(conf.method, Method::Mac(..)) {
        return Ok(Some((token, text)));
    }
    let undo = |text: &'r [u8]| match decoded(text) {
        Cow::Borrowed(text) => Ok(text),
        Cow::Owned(text) => request.keep(&text).ok_or(VerifyError::Malformed),
    };
    Ok(Some((undo(token)?, text.map(undo).transpose()?)))
}

/// A link that is being judged: which one it is, and what it names as its expiry.
struct Current {
    request: RequestId,
    conf: *const LocConf,
    expires: Option<SmallVec<[u8; 24]>>,
}

thread_local! {
    /// So that a message that names the expiry does not have the link taken apart once more.
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// As long as it lives, the link is being judged.
struct Judged(Option<Current>);

impl Judged {
    fn begin(request: Request<'_>, conf: &LocConf, expires: Option<&[u8]>) -> Judged {
        let expires = expires.map(SmallVec::from_slice);
        let current = Current { request: request.id(), conf, expires };
        Judged(CURRENT.replace(Some(current)))
    }
}

impl Drop for Judged {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

fn in_time(
    request: Request<'_>,
    conf: &LocConf,
    validity: ValidityPeriod,
) -> Result<(), VerifyError> {
    let mut validity = validity;
    if let Some(not_before) = conf.not_before {
        let text = evaluate(not_before, &request)?;
        // A link may bring its own; the later one counts.
        if !text.is_empty() {
            let time = parse_time(text).ok_or(VerifyError::Malformed)?;
            validity.not_before = Some(validity.not_before.map_or(time, |start| start.max(time)));
        }
    }
    validity.check(worker::time(), conf.leeway.unwrap_or(0))
}

/// The expiry of the link, as it is written there; `None` where it has none, or a wrong one.
pub fn expires<'r>(request: Request<'r>, conf: &LocConf) -> Option<Cow<'r, [u8]>> {
    let known = CURRENT.with_borrow(|current| {
        let is_this = |current: &&Current| {
            current.request == request.id() && std::ptr::eq(current.conf, conf)
        };
        let current = current.as_ref().filter(is_this)?;
        Some(current.expires.as_ref().and_then(|text| request.keep(text)).map(Cow::Borrowed))
    });
    if let Some(expires) = known {
        return expires;
    }
    let _discretion = request.mute_debug_log();
    let _arguments = strip::undone(request);
    match &conf.method {
        Method::None | Method::Secret(_) => None,
        Method::Md5(_) | Method::Mac(..) => {
            let (_, expires) = given(&request, conf).ok()??;
            expires.filter(|text| parse_time(text).is_some()).map(Cow::Borrowed)
        }
        Method::ThirdParty(..) => {
            Some(check(&request, conf).ok()?.validity.expires?.to_string().into_bytes().into())
        }
    }
}

/// The address as it came, without the arguments in which the link has its token and its expiry.
pub fn address(request: Request<'_>, conf: &LocConf) -> Vec<u8> {
    let _arguments = strip::undone(request);
    let own: Vec<&[u8]> = conf.own_arguments().collect();
    without_arguments(request.part(RequestPart::UnparsedUri), &own)
}

/// What the first key makes of the message.
pub fn token(request: Request<'_>, conf: &LocConf) -> Option<Vec<u8>> {
    let _discretion = request.mute_debug_log();
    let _arguments = strip::undone(request);
    let token = match &conf.method {
        Method::None | Method::Secret(_) => None,
        Method::Md5(md5) => Some(secure_link::sign(md5.evaluate(request)?)),
        Method::Mac(message, signer) => {
            let prefix = (conf.prefix == Some(true)).then(|| folder(request.uri()));
            signer.sign(message.evaluate(request)?, prefix)
        }
        Method::ThirdParty(third_party, _, message) => {
            third_party.token((*message)?.evaluate(request)?)
        }
    };
    token.map(String::into_bytes)
}

/// A path up to its last slash.
fn folder(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    path.get(..end).unwrap_or_default()
}
