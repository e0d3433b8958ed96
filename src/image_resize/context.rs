//! What the module keeps for one request.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use image_gate_core::image::{Codings, Control, Error, Format, Plan};

use super::conf::Bounds;
use super::job::{Body, Product, Report};
use super::watermark::Layer;
use super::{ImageResize, failure, queue};
use crate::ngx::Request;
use crate::ngx::thread::ThreadPool;

/// Where the body filter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// What comes goes through.
    Pass,
    /// The first bytes decide what becomes of it.
    Sniff,
    /// The source is collected.
    Read,
    /// The request failed; what still comes is dropped until the answer can be sent.
    Discard,
    /// The job waits or runs.
    Wait,
    /// The result is there to be sent.
    Ready,
}

/// What an answer is to the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What was asked for: a picture, or an error.
    Source,
    /// A redirect or an error. It stays one; a picture in its body is transformed.
    Other,
}

/// `$image_resize_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Transformed,
    Original,
    Passed,
    NotModified,
    Error,
}

/// What became of the request, for variables and the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    pub status: Option<Status>,
    pub error: Option<&'static str>,
    pub format: Option<Format>,
    /// Whether the source is damaged, and was shown all the same.
    pub is_damaged: bool,
    /// Width and height of the output.
    pub size: Option<(u32, u32)>,
    pub source_format: Option<Format>,
    /// Width and height of the source as stored.
    pub source_size: Option<(u32, u32)>,
    pub source_bytes: Option<u64>,
    pub bytes: Option<usize>,
    pub time: Option<Duration>,
    pub queue_time: Option<Duration>,
}

/// What the job is to make.
#[derive(Debug, Clone)]
pub enum Work {
    /// The description of `image_resize size`.
    Describe,
    /// The description of `image_resize info`.
    Inspect,
    /// An image.
    Transform,
}

/// What was decided when the headers of the source came.
pub struct Task {
    pub work: Work,
    pub plan: Plan,
    /// The watermark, which the job adds to the plan.
    pub layers: Vec<Layer>,
    pub codings: Codings,
    /// The variant's entity tag.
    pub tag: Option<String>,
    /// Bytes that the source may have.
    pub buffer: u64,
    pub bounds: Bounds,
    pub pool: Option<ThreadPool>,
    /// Whether the source is wanted back if it can't be transformed.
    pub keeps_original: bool,
    /// Whether a source that ends early was sent to its end.
    pub is_end_announced: bool,
}

/// Why a request failed.
#[derive(Debug)]
pub enum Failure {
    /// The image, or our work on it.
    Image(Error),
    /// The parameters of the URL are wrong, or not allowed.
    Params(Error),
    /// The queue is full.
    Busy,
    /// The upstream did not send all of the source.
    Upstream,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Image(error)
    }
}

/// The state of one request.
pub struct Context {
    pub state: Cell<State>,
    pub role: Cell<Role>,
    pub codings: OnceCell<Codings>,
    pub task: OnceCell<Task>,
    pub body: RefCell<Body>,
    /// First bytes that were held back, while they were too few to tell.
    pub held: OnceCell<Vec<u8>>,
    pub facts: Cell<Facts>,
    /// Whether the source came in a coding, which was undone.
    pub was_coded: Cell<bool>,
    /// What `image_resize_debug_header` says of the failure.
    pub detail: RefCell<Option<String>>,
    /// The status to answer with, where the request failed.
    pub failed: Cell<Option<u32>>,
    /// Where the error leads to, instead of to its status.
    pub redirect: RefCell<Option<Vec<u8>>>,
    /// The result, which is sent from here.
    pub product: OnceCell<Product>,
    /// The source as it came, which is sent instead of an error.
    pub original: OnceCell<Vec<u8>>,
    pub control: RefCell<Option<Arc<Control>>>,
    /// When the job was submitted.
    pub submitted: Cell<Option<Instant>>,
    /// Bytes of memory that the job is known to need; 0 before its source was looked at.
    pub need: Cell<u64>,
}

impl Context {
    /// The context of a request that only passes, until its state is set otherwise.
    pub fn new() -> Context {
        Context {
            state: Cell::new(State::Pass),
            role: Cell::new(Role::Source),
            codings: OnceCell::new(),
            task: OnceCell::new(),
            body: RefCell::default(),
            held: OnceCell::new(),
            facts: Cell::default(),
            was_coded: Cell::new(false),
            detail: RefCell::default(),
            failed: Cell::new(None),
            redirect: RefCell::default(),
            product: OnceCell::new(),
            original: OnceCell::new(),
            control: RefCell::default(),
            submitted: Cell::new(None),
            need: Cell::new(0),
        }
    }

    /// The same for what is sent in place of an answer that failed here: the failure is still that.
    pub fn following(before: Option<&Context>) -> Context {
        let context = Context::new();
        if let Some(before) = before {
            context.note(|facts| facts.error = before.facts.get().error);
            context.detail.replace(before.detail.take());
        }
        context
    }

    /// Changes the facts.
    pub fn note(&self, change: impl FnOnce(&mut Facts)) {
        let mut facts = self.facts.get();
        change(&mut facts);
        self.facts.set(facts);
    }

    /// Tells the running job that nobody wants its result.
    pub fn cancel(&self) {
        if let Some(control) = self.control.borrow().as_ref() {
            control.cancel();
        }
    }
}

/// A request, and the state of its image.
#[derive(Clone, Copy)]
pub struct Transfer<'r> {
    pub request: Request<'r>,
    context: &'r Context,
}

impl Deref for Transfer<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        self.context
    }
}

impl<'r> Transfer<'r> {
    /// Begins with a request, or anew.
    pub fn begin(request: Request<'r>, context: Context) -> Option<Transfer<'r>> {
        let context = request.set_context::<ImageResize>(context)?;
        Some(Transfer { request, context })
    }

    /// That of a request, also after an internal redirect.
    pub fn of(request: Request<'r>) -> Option<Transfer<'r>> {
        let context = request.context::<ImageResize>()?;
        Some(Transfer { request, context })
    }

    /// That of the current pass through the filters.
    pub fn active(request: Request<'r>) -> Option<Transfer<'r>> {
        let context = request.active_context::<ImageResize>()?;
        Some(Transfer { request, context })
    }

    /// The state, which lives as long as the request.
    pub fn context(self) -> &'r Context {
        self.context
    }

    /// Takes over what a job reports.
    ///
    /// # Errors
    /// The job's own, or [`Failure::Upstream`] where it may have been given half a source.
    pub fn settle(&self, report: Report) -> Result<(), Failure> {
        self.note(|facts| {
            facts.source_bytes = Some(report.source_bytes);
            facts.time = Some(report.time);
            if let Some(info) = &report.source {
                facts.source_format = Some(info.format);
                facts.source_size = Some((info.width, info.height));
            }
        });
        self.was_coded.set(report.was_coded);
        let may_be_broken_off = self.task.get().is_some_and(|task| !task.is_end_announced);
        let product = match report.result {
            Err(Error::DecodeFailed(_)) if may_be_broken_off => return Err(Failure::Upstream),
            result => result?,
        };
        if let Some(damage) = &product.damage {
            if damage.ends_early && may_be_broken_off {
                return Err(Failure::Upstream);
            }
            failure::log_damage(*self, &damage.what);
        }
        self.note(|facts| {
            facts.is_damaged = product.damage.is_some();
            let original = product.is_original;
            facts.status = Some(if original { Status::Original } else { Status::Transformed });
            facts.format = product.format;
            facts.size = product.size;
            facts.bytes = Some(product.bytes.len());
        });
        self.product.set(product).map_err(|_| Error::Internal("two results".into()).into())
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        queue::forget(self);
    }
}
