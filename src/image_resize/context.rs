//! What the module keeps for one request.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use image_gate_core::image::{ContentCodings, Control};

use super::conf::ImageResize;
use super::job::{Body, JobOutput, Writer};
use super::queue;
use super::response_info::ResponseInfo;
use super::task::Task;
use crate::ngx::Request;

/// Where the body filter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyState {
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
pub enum ResponseRole {
    /// What was asked for: a picture, or an error.
    Source,
    /// A redirect or an error. It stays one; a picture in its body is transformed.
    RedirectOrError,
}

/// The state of one request.
pub struct Context {
    pub state: Cell<BodyState>,
    pub role: Cell<ResponseRole>,
    pub codings: OnceCell<ContentCodings>,
    pub task: OnceCell<Task>,
    pub body: RefCell<Body>,
    /// First bytes that were held back, while they were too few to tell.
    pub held: OnceCell<Vec<u8>>,
    pub response_info: Cell<ResponseInfo>,
    /// Whether the source came in a coding, which was undone.
    pub was_coded: Cell<bool>,
    /// What `image_resize_debug_header` says of the failure.
    pub detail: RefCell<Option<String>>,
    /// The status to answer with, where the request failed.
    pub failed: Cell<Option<u32>>,
    /// Whether what its keeper has already goes out in place of what came.
    pub is_replaced: Cell<bool>,
    /// Whether the request is kept beyond its end.
    pub is_retained: Cell<bool>,
    /// Where the error leads to, instead of to its status.
    pub redirect: RefCell<Option<Vec<u8>>>,
    /// The result, which is sent from here.
    pub output: OnceCell<JobOutput>,
    /// The source as it came, which is sent instead of an error.
    pub original: OnceCell<Vec<u8>>,
    pub control: RefCell<Option<Arc<Control>>>,
    /// What writes the result down where it is kept, until there is a job for it.
    pub writer: RefCell<Option<Box<dyn Writer>>>,
    /// When the job was submitted, as long as it waits or a thread has it.
    pub submitted: Cell<Option<Instant>>,
}

impl Context {
    /// The context of a request that only passes, until its state is set otherwise.
    pub fn new() -> Context {
        Context {
            state: Cell::new(BodyState::Pass),
            role: Cell::new(ResponseRole::Source),
            codings: OnceCell::new(),
            task: OnceCell::new(),
            body: RefCell::default(),
            held: OnceCell::new(),
            response_info: Cell::default(),
            was_coded: Cell::new(false),
            detail: RefCell::default(),
            failed: Cell::new(None),
            is_replaced: Cell::new(false),
            is_retained: Cell::new(false),
            redirect: RefCell::default(),
            output: OnceCell::new(),
            original: OnceCell::new(),
            control: RefCell::default(),
            writer: RefCell::default(),
            submitted: Cell::new(None),
        }
    }

    /// The same for what is sent in place of an answer that failed here: the failure is still that.
    pub fn following(before: Option<&Context>) -> Context {
        let context = Context::new();
        if let Some(before) = before {
            context.update_info(|response| response.error = before.response_info.get().error);
            context.detail.replace(before.detail.take());
        }
        context
    }

    /// Changes what variables and counters tell of the response.
    pub fn update_info(&self, change: impl FnOnce(&mut ResponseInfo)) {
        let mut response = self.response_info.get();
        change(&mut response);
        self.response_info.set(response);
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
}

impl Drop for Context {
    fn drop(&mut self) {
        queue::forget(self.task.get().is_some());
    }
}
