//! Results that are kept, by whoever asked for that before the source was asked for: what is made is
//! told here, and what was kept goes out like what is made.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use image_gate_core::cache::{Head, Key, Made, hide};
use image_gate_core::escapes::write_hex;
use image_gate_core::image::{Canonical as _, FONTS, Format, Parsed, Plan};
use nginx_sys::{
    NGX_ERROR, NGX_HTTP_BAD_GATEWAY, NGX_HTTP_GATEWAY_TIME_OUT, NGX_HTTP_NOT_MODIFIED, NGX_HTTP_OK,
    ngx_int_t, ngx_uint_t,
};

use super::begin::{self, Recipe};
use super::conf::{ImageResize, LocConf, conf};
use super::context::{Context, Transfer};
use super::headers::{self, Sent};
use super::job::JobOutcome;
pub use super::job::{Finished, Writer};
use super::response_info::ImageStatus;
use super::task::{JobKind, Task};
use super::value::Value;
use super::watermark_cache::WatermarkSpec;
use super::{counting, hold, on_error, preaccess};
use crate::ngx::cache::{ClientHeaders, Validators, Written};
use crate::ngx::event::{OnEvent, Then};
use crate::ngx::{NoMemory, OutgoingMark, Parser, Request};

/// Who keeps the result of a request.
pub trait Keeper: 'static {
    /// The headers of the source are there, and it is known what is made of it: what
    /// [`digest`] said then, and what is to be kept of the source. Returns what writes
    /// the result down; `None` where it is not to be kept.
    fn begin(
        &self,
        request: Request<'_>,
        digest: &str,
        head: Head<'static>,
    ) -> Option<Box<dyn Writer>>;

    /// Nothing more comes.
    fn end(&self, request: Request<'_>, end: End);

    /// The headers of the source are there. Returns whether they say that it is what it was when the
    /// result was made that this keeper has already, which then [goes out](Keeper::answer).
    /// `digest` is what [`digest`] says now.
    fn confirms(&self, request: Request<'_>, digest: &dyn Fn() -> String) -> bool;

    /// Whether a request is still in the pass through nginx's phases in which this keeper was asked.
    fn is_current(&self, request: Request<'_>) -> bool;

    /// There is no result. Returns whether one that this keeper has already
    /// [goes out](Keeper::answer) all the same.
    fn stands_in(&self, request: Request<'_>, trouble: Trouble) -> bool;

    /// Answers with the result that this keeper has already. Returns what a content handler
    /// returns.
    fn answer(&self, request: Request<'_>) -> ngx_int_t;
}

/// Why there is no result.
#[derive(Debug, Clone, Copy)]
pub struct Trouble {
    /// The status of the answer.
    pub status: usize,
    /// What happened, where that is not what an upstream has answered.
    pub kind: Option<TroubleKind>,
}

/// What happened to a request that got no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    Error,
    Timeout,
}

impl Trouble {
    /// That of an answer whose headers are there.
    fn of(request: Request<'_>) -> Trouble {
        let status = request.status();
        let kind = match u32::try_from(status) {
            _ if request.upstream_status() == status => None,
            Ok(NGX_HTTP_GATEWAY_TIME_OUT) => Some(TroubleKind::Timeout),
            Ok(NGX_HTTP_BAD_GATEWAY) => Some(TroubleKind::Error),
            _ => None,
        };
        Trouble { status, kind }
    }

    /// That of what this module could not make.
    pub fn ours(status: u32, word: &str) -> Trouble {
        let kind = if word == "timeout" { TroubleKind::Timeout } else { TroubleKind::Error };
        Trouble { status: status as usize, kind: Some(kind) }
    }
}

/// How the work on a result ended.
pub enum End {
    /// It was written down.
    Written(Written),
    /// It was made, or failed, and was not written: another may try.
    Failed,
    /// It is none that is kept: another would come to the same.
    Refused,
    /// Beside a request that got what is old: nothing can be made of the source now, or another answers.
    Spoiled,
    /// The source is none of which anything can be made, for a reason that is one of [`REASONS`].
    Unusable(usize),
}

/// What is wrong with a source for good: the words of failures that hold as long as the source is what
/// it is, wherever it is looked at.
const REASONS: [&str; 3] = ["not_image", "unsupported_format", "decode_failed"];

/// Tells the keeper of a request that the work on its result failed, if it has one that waits.
/// `is_of_source` is whether it was the source's fault, and `is_final` whether its answer is the status alone.
pub fn fail(request: Request<'_>, word: &str, is_of_source: bool, is_final: bool) {
    let reason = REASONS.iter().position(|&reason| reason == word).filter(|_| is_final);
    let outcome = match reason {
        // Beside a request that got what is old, what is bad may be let through the next time.
        _ if is_of_source && !request.is_main() => End::Spoiled,
        Some(reason) => End::Unusable(reason),
        None => End::Failed,
    };
    end(request, outcome);
}

/// Notes that a source is one that was found [unusable](End::Unusable) before.
///
/// # Errors
/// There is no memory.
pub fn note_unusable(request: Request<'_>, reason: usize) -> Result<(), NoMemory> {
    let context = Transfer::begin(request, Context::new()).ok_or(NoMemory)?;
    let word = REASONS.get(reason).copied();
    context.update_info(|response| {
        response.status = Some(ImageStatus::Error);
        response.error = word;
    });
    hold::tell(context, || word.map(str::to_owned));
    Ok(())
}

impl End {
    /// That of a result that was made.
    pub fn of(written: Option<Written>) -> End {
        written.map_or(End::Failed, End::Written)
    }
}

/// A keeper that waits for a result.
struct Attached {
    keeper: Box<dyn Keeper>,
    is_open: Cell<bool>,
    /// Whether the request is in that pass through nginx's phases still.
    is_current: Cell<bool>,
    /// The headers of the answer that were there before its source was asked for: they are about this request.
    own_headers: OutgoingMark,
    /// The headers of the client, while an upstream gets others.
    client: Cell<Option<ClientHeaders>>,
    /// Whether error pages are held back until the headers of an answer are there.
    spares: Cell<bool>,
}

/// How the source of a result is asked for.
pub struct Asking<'a> {
    /// On what conditions, in place of those that the client sets for the answer; `None` where no
    /// upstream is asked.
    pub conditions: Option<Validators<'a>>,
    /// Whether the keeper may [stand in](Keeper::stands_in) for an error.
    pub may_stand_in: bool,
}

/// Has a keeper wait for the result of a request, until its next pass through nginx's phases.
///
/// # Errors
/// There is no memory.
pub fn attach(
    request: Request<'_>,
    keeper: Box<dyn Keeper>,
    asking: &Asking<'_>,
) -> Result<(), NoMemory> {
    request.event::<Stay>()?;
    let client = match asking.conditions {
        Some(conditions) => Some(request.set_conditions(conditions)?),
        None => None,
    };
    // An error page would come before the filter, which knows what stands in for it.
    let spares = asking.may_stand_in && !request.has_error_pages_spared();
    if spares {
        request.spare_error_page(true);
    }
    let attached = request.attach_own(Attached {
        keeper,
        is_open: Cell::new(true),
        is_current: Cell::new(true),
        own_headers: request.mark_outgoing(),
        client: Cell::new(client),
        spares: Cell::new(spares),
    });
    if attached.is_none() {
        return Err(NoMemory);
    }
    stay(request);
    Ok(())
}

fn current<'r>(request: Request<'r>) -> Option<&'r Attached> {
    request.own::<Attached>().filter(|attached| attached.is_current.get())
}

/// Whether a request was made beside another to renew what is kept. Its answer goes out to nobody.
pub fn is_update(request: Request<'_>) -> bool {
    !request.is_main() && request.own::<Attached>().is_some()
}

/// An answer is there: what was done for the sake of its source alone is taken back. Returns whether
/// it may be an error that has an error page, which nginx was kept from looking for.
pub fn arrived(request: Request<'_>) -> bool {
    let Some(attached) = current(request) else { return false };
    // What answers before the phase in which results are looked up is no result of what was asked there.
    if !attached.keeper.is_current(request) {
        leave(request);
        return false;
    }
    take_back(request, attached) && request.is_error_page()
}

/// Takes back what was done for the sake of a source alone. Returns whether error pages were held back.
fn take_back(request: Request<'_>, attached: &Attached) -> bool {
    if let Some(client) = attached.client.take() {
        request.restore_headers(&client);
    }
    let spared = attached.spares.replace(false);
    if spared {
        request.spare_error_page(false);
    }
    spared
}

/// Ends the pass through nginx's phases that a request was in, if it was in one.
pub fn leave(request: Request<'_>) {
    let Some(attached) = current(request) else { return };
    take_back(request, attached);
    // What is answered elsewhere is nothing that is kept here.
    end(request, if request.is_main() { End::Failed } else { End::Spoiled });
    attached.is_current.set(false);
}

/// Whether the keeper of a request has a result already of what the source is, as its headers say.
pub fn confirms(request: Request<'_>, task: Option<&Task>, conf: &LocConf) -> bool {
    let digest = || {
        task.map_or_else(String::new, |task| {
            text(request, &task.work, &task.plan, &task.layers, conf)
        })
    };
    let Some(attached) = open(request) else { return false };
    let confirms = attached.keeper.confirms(request, &digest);
    if confirms {
        attached.is_open.set(false);
    }
    confirms
}

/// Whether the keeper of a request has something to be sent in place of the error that is there.
pub fn stands_in(request: Request<'_>) -> bool {
    stands_in_for(request, Trouble::of(request))
}

/// The same for an error that is told.
pub fn stands_in_for(request: Request<'_>, trouble: Trouble) -> bool {
    let stands_in =
        current(request).is_some_and(|attached| attached.keeper.stands_in(request, trouble));
    if stands_in {
        give_up(request);
    }
    stands_in
}

/// Has the keeper of a request answer. Returns what a content handler returns.
pub fn answer(request: Request<'_>) -> ngx_int_t {
    let Some(attached) = current(request) else { return NGX_ERROR as ngx_int_t };
    let own: Vec<_> =
        request.outgoing().filter(|&header| attached.own_headers.has(header)).collect();
    request.answer_anew();
    for (name, value) in own {
        if request.put_header(name, value).is_err() {
            return NGX_ERROR as ngx_int_t;
        }
    }
    attached.keeper.answer(request)
}

fn open<'r>(request: Request<'r>) -> Option<&'r Attached> {
    request.own::<Attached>().filter(|attached| attached.is_open.get())
}

/// Tells the keeper of a request that nothing comes, if it has one that waits.
pub fn give_up(request: Request<'_>) {
    end(request, End::Failed);
}

/// Ends the wait of the keeper of a request, if it has one that waits.
pub fn end(request: Request<'_>, end: End) {
    if let Some(attached) = open(request) {
        attached.is_open.set(false);
        attached.keeper.end(request, end);
    }
}

/// The same by the outcome of a job, for a request that is over. Returns whether a keeper waited.
#[must_use]
pub fn finish(request: Request<'_>, outcome: Option<JobOutcome>) -> bool {
    let is_kept = open(request).is_some();
    match outcome {
        Some(JobOutcome::Finished(mut report)) => end(request, End::of(report.written.take())),
        Some(JobOutcome::NeedsMemory(..)) | None => give_up(request),
    }
    is_kept
}

/// Once the headers have gone through the filter: what no job will make is not waited for.
pub fn go_on_or_give_up(request: Request<'_>) {
    let writes = Transfer::active(request).is_some_and(|context| context.writer.borrow().is_some());
    if !writes {
        // What a client has already is made for another that has not.
        let is_not_modified = request.status() == NGX_HTTP_NOT_MODIFIED as ngx_uint_t;
        end(request, if is_not_modified { End::Failed } else { End::Refused });
    }
}

/// Asks the keeper of a request for what writes the result down.
pub fn begin(context: Transfer<'_>, conf: &LocConf) {
    let request = context.request;
    let (Some(attached), Some(task)) = (open(request), context.task.get()) else { return };
    if request.status() != NGX_HTTP_OK as ngx_uint_t {
        return;
    }
    let modified = request.last_modified();
    // Written out, as nginx would for each answer.
    let written_out = modified.and_then(|time| Some((LAST_MODIFIED, request.http_time(time)?)));
    let shown: Vec<_> = request
        .outgoing()
        .filter(|&header| !attached.own_headers.has(header) && is_kept(header.0))
        .chain(written_out)
        .collect();
    // What only nginx is to see is looked at again where the source turns out to be what it was.
    let hidden = request
        .upstream_headers()
        .filter(|header| says_how_long(header.0) && !shown.contains(header));
    let head = Head {
        modified,
        varies: headers::varies(task),
        tag: task.tag.clone().map(|tag| Cow::Owned(tag.into_bytes())),
        hidden: hide(hidden).into(),
        headers: shown
            .iter()
            .map(|(name, value)| (name.to_vec().into(), value.to_vec().into()))
            .collect(),
        fonts: conf.kept_by.fonts(),
    };
    let digest = text(request, &task.work, &task.plan, &task.layers, conf);
    context.writer.replace(attached.keeper.begin(request, &digest, head));
}

const LAST_MODIFIED: &[u8] = b"Last-Modified";

/// Whether a header says how long an upstream's answer holds.
fn says_how_long(name: &[u8]) -> bool {
    let names: [&[u8]; 3] = [b"X-Accel-Expires", b"Cache-Control", b"Expires"];
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a header of a source is kept: not what is set anew, or is of one connection or client.
fn is_kept(name: &[u8]) -> bool {
    let others: [&[u8]; 17] = [
        b"Accept-Ranges",
        b"Age",
        b"Connection",
        b"Content-Encoding",
        b"Content-Length",
        b"Content-Range",
        b"Content-Type",
        b"Date",
        b"Keep-Alive",
        LAST_MODIFIED,
        b"Refresh",
        b"Server",
        b"Set-Cookie",
        b"Set-Cookie2",
        b"Trailer",
        b"Transfer-Encoding",
        b"X-Image-Error",
    ];
    !others.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// Bytes that the text of most requests has at most.
const USUAL: usize = 128;

fn text(
    request: Request<'_>,
    work: &JobKind,
    plan: &Plan,
    layers: &[WatermarkSpec],
    conf: &LocConf,
) -> String {
    let (work, description) = match work {
        JobKind::Describe => ("size", None),
        JobKind::Inspect => ("info", None),
        JobKind::Tell(description) => ("told", Some(description)),
        JobKind::Transform => ("image", None),
    };
    let mut text = String::with_capacity(USUAL);
    for word in [work, " ", location(request, conf), " "] {
        text.push_str(word);
    }
    headers::write_digest(plan, layers, &mut text);
    if let Some(description) = description {
        for word in [" ", headers::json_type(request), " "] {
            text.push_str(word);
        }
        description.write(&mut text);
    }
    if !layers.is_empty() {
        // The entity tag leaves out what tells two states of a mark that have one length and time.
        let files = layers.iter().map(|layer| &layer.file).collect::<Vec<_>>();
        let _ = write!(text, " {files:?}");
    }
    text
}

/// A text that is the same for two locations only where they have the same limits, let the same sources through
/// as they are, and have tags for files or none: what is no part of a plan.
fn location<'c>(request: Request<'_>, conf: &'c LocConf) -> &'c str {
    conf.kept_by.location.get_or_init(|| {
        let no_transform = conf.no_transform.unwrap_or(false);
        let has_etags = request.source_has_etags();
        let flags = [conf.may_pass(), no_transform, conf.answers_errors(), has_etags];
        let text = format!("{flags:?} {:?} {:?}", conf.buffer(), conf.bounds());
        // Nobody but the configuration has a say in it.
        let digest = Key::new([0, 0], "location").text(text.as_bytes()).digest();
        let mut digits = String::with_capacity(2 * digest.len());
        write_hex(&digest, &mut digits);
        digits
    })
}

/// The `Accept` of a request; `None` where it has several.
fn accept<'r>(request: Request<'r>) -> Option<Option<&'r [u8]>> {
    let mut values = request.accept();
    let first = values.next();
    values.next().is_none().then_some(first)
}

/// What [`digest`] says, where no request has a say in it but by its `Accept`, and one like this asked
/// before. Nothing is evaluated for it.
pub fn known_digest(request: Request<'_>) -> Option<Rc<str>> {
    conf(&request)?.kept_by.known(|| accept(request))
}

/// A text that is the same for two requests only where they make the same of the same source; `None`
/// where nothing is made, or it can't be said yet.
pub fn digest(request: Request<'_>) -> Option<Rc<str>> {
    let conf = conf(&request)?;
    if !conf.mode().has_output() {
        return None;
    }
    let Recipe { work, plan, layers } = begin::recipe(request, conf).ok()?;
    let digest: Rc<str> = text(request, &work, &plan, &layers, conf).into();
    if conf.is_fixed() {
        conf.kept_by.note(plan.varies(), accept(request), &digest);
    }
    Some(digest)
}

/// Sets the headers of an answer that was kept.
///
/// # Errors
/// There is no memory.
pub fn restore(request: Request<'_>, head: &Head<'_>, made: &Made) -> Result<(), NoMemory> {
    // With a context, the filter lets the answer through.
    let context = Transfer::begin(request, Context::new()).ok_or(NoMemory)?;
    let len = usize::try_from(made.len).map_err(|_| NoMemory)?;
    request.set_status(NGX_HTTP_OK);
    if let Some(time) = head.modified {
        request.set_last_modified(time);
    }
    // What is kept has none that tell of other bytes.
    let is_clean = !request.is_error_page() && request.outgoing().next().is_none();
    for (name, value) in &head.headers {
        request.put_header(name, value)?;
    }
    let Made { format, is_as_it_came, .. } = *made;
    let (tag, varies) = (head.tag.as_deref(), head.varies);
    let sent = Sent { format, len, is_as_it_came, tag, varies, is_clean };
    headers::set_output_headers(request, &sent)?;
    preaccess::restore_range(request);
    context.update_info(|response| {
        response.status =
            Some(if made.is_original { ImageStatus::Original } else { ImageStatus::Transformed });
        response.format = format;
        response.size = made.size;
        response.is_damaged = made.is_damaged;
        response.source_format = made.source_format;
        response.source_size = made.source_size;
        response.bytes = Some(len);
        response.is_kept = true;
    });
    Ok(())
}

/// Whether a request may be here because of an error: what it becomes may stand in for something else.
pub fn may_stand_in(request: Request<'_>) -> bool {
    request.may_be_error_page() || on_error::is_redirected(request)
}

/// Whether the location of a request makes anything.
pub fn makes(request: Request<'_>) -> bool {
    conf(&request).is_some_and(|conf| conf.mode().has_output())
}

/// Counts a look-up, by the word for what became of it.
pub fn count(word: &str) {
    counting::count_lookup(word);
}

/// Whether a location makes anything, once it is merged.
pub fn location_makes(parser: Parser<'_>) -> bool {
    parser.location::<ImageResize>().is_some_and(|conf| conf.mode().has_output())
}

/// Notes for a location, once it is merged, what tells the fonts in the folder of its drawings from others.
pub fn note_fonts(parser: Parser<'_>, fonts: impl FnOnce(&Path) -> u64) {
    if let Some(conf) = parser.location::<ImageResize>() {
        let folder = conf.settings().find_map(|(_, value)| match value {
            Value::Fixed(Parsed::Fonts(folder)) => Some(folder.path()),
            _ => None,
        });
        conf.kept_by.note_fonts(fonts(Path::new(folder.unwrap_or(FONTS))));
    }
}

/// Whether what was kept was made as it would be now, as far as its key does not tell: of drawings, the fonts that
/// are there decide, and of drawings alone.
pub fn is_made_as_now(request: Request<'_>, head: &Head<'_>, made: &Made) -> bool {
    made.source_format != Some(Format::Svg)
        || conf(&request).is_some_and(|conf| conf.kept_by.fonts() == head.fonts)
}

/// Runs once the content handler has returned, which watches the client.
enum Stay {}

/// Has the work on a result that is kept go on although its client leaves.
pub fn stay(request: Request<'_>) {
    if open(request).is_some()
        && let Some(event) = request.known_event::<Stay>()
    {
        event.post();
    }
}

impl OnEvent for Stay {
    fn handle(request: Request<'_>) -> Then {
        if open(request).is_some() && !request.is_dead() {
            request.stay();
        }
        Then::Wait
    }

    fn panicked(_: Request<'_>) -> Then {
        Then::Wait
    }
}
