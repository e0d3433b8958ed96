//! The headers of the answer.

use std::cell::RefCell;

use image_gate_core::image::{
    Canonical, Description, EtagGenerator, Fit, Format, Hints, PROFILE, Plan, Validator, Varies,
    is_digest, lists_etag, preview_plan, rename_attachment,
};
use nginx_sys::NGX_HTTP_NOT_MODIFIED;

use super::conf::{LocConf, Mode, conf};
use super::link;
use super::task::{JobKind, Task};
use super::watermark_cache::WatermarkSpec;
use crate::ngx::{NoMemory, Request, is_named};

thread_local! {
    /// Of this worker. Only the event loop's thread gets here.
    static ETAGS: RefCell<EtagGenerator> = RefCell::default();
}

/// The entity tag of what becomes of the source, if that has one or a time.
pub fn etag(request: Request<'_>, plan: &Plan, layers: &[WatermarkSpec]) -> Option<String> {
    tag_of(request, plan, layers)
}

/// The entity tag of what a plan, and what stands beside it, make of the source.
fn tag_of(request: Request<'_>, plan: &Plan, beside: &[impl Canonical]) -> Option<String> {
    let validator = match request.etag() {
        Some(tag) => Validator::Tag(tag),
        None => Validator::Modified(request.last_modified()?),
    };
    Some(ETAGS.with_borrow_mut(|generator| generator.tag(validator, plan, beside)))
}

/// What decides on a description beside the source and the plan.
struct Told<'a> {
    description: &'a Description,
    most: u64,
    media_type: &'static str,
}

impl Canonical for Told<'_> {
    fn write(&self, out: &mut String) {
        let Told { description, most, media_type } = self;
        description.write(out);
        out.push_str(&format!(" {most} {media_type}"));
    }
}

/// The entity tag of what is told of a picture, if its source has one or a time.
pub fn description_etag(
    request: Request<'_>,
    conf: &LocConf,
    plan: &Plan,
    description: &Description,
) -> Option<String> {
    let most = conf.bounds().image.output_pixels;
    tag_of(request, plan, &[Told { description, most, media_type: json_type(request) }])
}

/// Appends a text that is the same for two plans only where they make the same of the same source.
pub fn write_digest(plan: &Plan, layers: &[WatermarkSpec], out: &mut String) {
    ETAGS.with_borrow_mut(|generator| out.push_str(&generator.digest(plan, layers)));
}

/// Which headers of the client the answer depends on.
pub fn varies(task: &Task) -> Varies {
    match &task.work {
        JobKind::Transform => task.plan.varies(),
        JobKind::Tell(description) => description.varies(&task.plan),
        JobKind::Describe | JobKind::Inspect => Varies::default(),
    }
}

/// Lets pages of all sites see the answer, whatever the source was for: browsers take only one value.
pub fn allow_all_origins(request: Request<'_>) -> Result<(), NoMemory> {
    const NAME: &[u8] = b"Access-Control-Allow-Origin";
    request.drop_headers(|name| is_named(name, NAME));
    request.put_header(NAME, b"*")
}

/// Says on which headers of the client the answer depends, and which are asked for.
fn vary(request: Request<'_>, varies: Varies) -> Result<(), NoMemory> {
    for name in varies.headers() {
        request.add_vary(name)?;
    }
    let conf = conf(&request);
    if conf.is_some_and(LocConf::hears) {
        request.put_header(b"Accept-CH", Hints::ACCEPT.as_bytes())?;
    }
    if conf.is_some_and(LocConf::serves_iiif) {
        allow_all_origins(request)?;
        request.push_header("Link", PROFILE.as_bytes()).ok_or(NoMemory)?;
    }
    Ok(())
}

/// The media type of what is told of a picture.
pub fn json_type(request: Request<'_>) -> &'static str {
    let description = link::description(request);
    description.map_or("application/json", |description| description.media_type(request.accept()))
}

/// Sends nothing that tells of the bytes that came, as others go out.
pub fn forget_source(request: Request<'_>) {
    request.clear_content_encoding();
    request.clear_ranges();
    request.clear_trailers();
    request.drop_headers(|name| is_named(name, b"Refresh") || is_digest(name));
}

/// What is to be said of bytes that go out.
pub struct Sent<'a> {
    /// The format; `None` is a description in JSON.
    pub format: Option<Format>,
    pub len: usize,
    /// Whether they are the source's, as they came: then they keep its tag and its digests.
    pub is_as_it_came: bool,
    /// The variant's entity tag.
    pub tag: Option<&'a [u8]>,
    /// Which headers of the client they depend on.
    pub varies: Varies,
    /// Whether no header is there that could tell of other bytes.
    pub is_clean: bool,
}

/// Makes of the source's headers those of the output.
///
/// # Errors
/// Without memory some are missing.
pub fn set_output_headers(request: Request<'_>, sent: &Sent<'_>) -> Result<(), NoMemory> {
    match sent.format {
        Some(format) => request.set_content_type(format.media_type()),
        None => request.set_content_type(json_type(request)),
    }
    request.set_content_length(Some(sent.len));
    if sent.is_clean {
        // As most of what is kept goes out.
    } else if sent.is_as_it_came {
        request.clear_content_encoding();
        request.clear_ranges();
        request.drop_headers(|name| is_named(name, b"Refresh"));
    } else {
        forget_source(request);
    }
    if let Some(format) = sent.format {
        request.replace_header(b"Content-Disposition", |value| rename_attachment(value, format));
    }
    if !sent.is_as_it_came {
        request.set_etag(sent.tag)?;
    }
    if sent.format == Some(Format::Svg) {
        confine(request)?;
    }
    vary(request, sent.varies)
}

/// Has browsers take an answer for what its media type says.
///
/// # Errors
/// Without memory they may not.
pub fn forbid_sniffing(request: Request<'_>) -> Result<(), NoMemory> {
    const NAME: &[u8] = b"X-Content-Type-Options";
    request.drop_headers(|name| is_named(name, NAME));
    request.put_header(NAME, b"nosniff")
}

/// Says of a picture that goes out as it came what it is, whatever the source's headers call it. `is_plain` is
/// whether it is one without a coding undone.
///
/// # Errors
/// Without memory it must not go out.
pub fn name_picture(request: Request<'_>, format: Format, is_plain: bool) -> Result<(), NoMemory> {
    request.set_content_type(format.media_type());
    if is_plain {
        request.clear_content_encoding();
    }
    forbid_sniffing(request)
}

/// Has browsers run and load nothing for an SVG, whatever the source's headers lead to, and beside whatever
/// else they say of that.
fn confine(request: Request<'_>) -> Result<(), NoMemory> {
    const POLICY: &[u8] = b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
    forbid_sniffing(request)?;
    let leads_elsewhere = |name: &[u8]| {
        let names: [&[u8]; 4] = [b"Link", b"Content-Location", b"SourceMap", b"X-SourceMap"];
        names.iter().any(|known| is_named(name, known))
    };
    request.drop_headers(leads_elsewhere);
    request.push_header("Content-Security-Policy", POLICY).map(drop).ok_or(NoMemory)
}

/// The media type that the source's headers name.
fn declared<'a>(request: &'a Request<'_>) -> &'a [u8] {
    let media_type = request.content_type().split(|&byte| byte == b';').next();
    media_type.unwrap_or_default().trim_ascii()
}

/// The format that the source's headers name.
pub fn declared_format(request: &Request<'_>) -> Option<Format> {
    Format::from_media_type(declared(request))
}

/// Whether browsers may take what came for SVG, or for another document of XML, by its headers: by all that is
/// in them, as browsers don't agree on which of the types in a list counts, or where they choose themselves.
pub fn may_be_xml(request: &Request<'_>) -> bool {
    let declared = request.content_type().to_ascii_lowercase();
    let has = |word: &[u8]| declared.windows(word.len()).any(|part| part == word);
    !has(b"/")
        || [&b"svg"[..], b"xml", b"xsl", b"multipart", b"unknown", b",", b"*"].into_iter().any(has)
}

/// The format that a source may turn out to have that is known by its headers alone: XML may be SVG.
pub fn expected_format(request: &Request<'_>) -> Option<Format> {
    declared_format(request).or_else(|| declares_xml(request).then_some(Format::Svg))
}

fn declares_xml(request: &Request<'_>) -> bool {
    let types: [&[u8]; 2] = [b"application/xml", b"text/xml"];
    types.iter().any(|media_type| declared(request).eq_ignore_ascii_case(media_type))
}

/// Whether the source's headers say that it is a document, as which no picture is ever sent. As XML, SVG is, if that
/// is read.
pub fn declares_text(request: &Request<'_>, reads_svg: bool) -> bool {
    let types: [&[u8]; 3] = [b"text/html", b"application/xhtml+xml", b"application/json"];
    types.iter().any(|media_type| declared(request).eq_ignore_ascii_case(media_type))
        || !reads_svg && declares_xml(request)
}

/// The headers of an answer to HEAD whose body is not known: of what depends on it, only what a GET
/// would have, too.
pub fn unknown_body(request: Request<'_>, task: &Task) {
    let Task { work, plan, layers, tag, .. } = task;
    let source = expected_format(&request);
    let is_kept_svg = source == Some(Format::Svg) && plan.keeps_svg();
    let media_type = match work {
        JobKind::Describe | JobKind::Inspect | JobKind::Tell(_) => Some(json_type(request)),
        JobKind::Transform if is_kept_svg => Some(Format::Svg.media_type()),
        JobKind::Transform => match plan.format {
            None => source
                .filter(|source| source.is_universal() || source.is_written() && !plan.negotiated),
            // A picture that only gets another format keeps its own where that is smaller, and one that does
            // not fit into what the client shows has another one.
            Some(format) => {
                let is_kept = plan.fit != Fit::None || plan.is_exact || source == Some(format);
                (is_kept && !plan.negotiated).then_some(format)
            }
        }
        .map(Format::media_type),
    };
    match media_type {
        Some(media_type) => request.set_content_type(media_type),
        None => request.clear_content_type(),
    }
    request.set_content_length(None);
    forget_source(request);
    // One that may go out as it came has the source's own tag then.
    let is_new = match work {
        JobKind::Describe | JobKind::Inspect | JobKind::Tell(_) => true,
        JobKind::Transform => {
            is_kept_svg || plan.changes_pixels() || plan.is_exact || !layers.is_empty()
        }
    };
    let _ = request.set_etag(tag.as_deref().filter(|_| is_new).map(str::as_bytes));
    if is_kept_svg && matches!(work, JobKind::Transform) {
        let _ = confine(request);
    }
    let _ = vary(request, varies(task));
}

/// Makes of the source's headers those of "304 Not Modified".
pub fn not_modified(request: Request<'_>, task: &Task) {
    request.set_status(NGX_HTTP_NOT_MODIFIED);
    request.clear_content_type();
    request.set_content_length(None);
    forget_source(request);
    let _ = request.set_etag(task.tag.as_deref().map(str::as_bytes));
    let _ = vary(request, varies(task));
}

/// The headers of a 304 that nginx or an upstream answered by the source's own validators.
pub fn revalidated(request: Request<'_>, conf: &LocConf) {
    // An upstream may say how long the source is.
    request.set_content_length(None);
    forget_source(request);
    let mode = conf.mode();
    let Ok(mut plan) = conf.plan(request) else {
        let _ = request.set_etag(None);
        return;
    };
    let description = link::description(request);
    let varies = match description {
        Some(description) => description.varies(&plan),
        None if mode.makes_image() => plan.varies(),
        None => Varies::default(),
    };
    let _ = vary(request, varies);
    if description.is_some() {
        let described = link::described(request).and_then(Result::ok);
        let tag = described.and_then(|told| description_etag(request, conf, &plan, &told));
        let _ = request.set_etag(tag.as_deref().map(str::as_bytes));
        return;
    }
    // A client that has the source's tag has the source as it came.
    let Some(source) = request.etag().and_then(|tag| std::str::from_utf8(tag).ok()) else {
        // An upstream need not repeat the tag that a GET would get.
        if !request.has_upstream() && mode.makes_image() {
            set_variant_etag(request, conf, &plan);
        }
        return;
    };
    let is_its_own = request
        .if_none_match()
        .is_some_and(|listed| listed.trim_ascii() != b"*" && lists_etag(listed, source));
    match mode {
        Mode::Size => {
            let _ = request.set_etag(None);
        }
        _ if is_its_own => (),
        Mode::Info => {
            plan = preview_plan(&plan);
            set_variant_etag(request, conf, &plan);
        }
        _ => set_variant_etag(request, conf, &plan),
    }
}

fn set_variant_etag(request: Request<'_>, conf: &LocConf, plan: &Plan) {
    let layers = if plan.watermark { conf.layers(request) } else { Ok(Vec::new()) };
    let tag = layers.ok().and_then(|layers| etag(request, plan, &layers));
    let _ = request.set_etag(tag.as_deref().map(str::as_bytes));
}
