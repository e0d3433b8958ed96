//! How running work learns that nobody wants it any more, and where it is done if it does not ask.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Error;

/// A processor that others use too gets less done in a time, and nothing may end late.
const MARGIN_PERCENT: u64 = 160;

/// Whether so many pixels that take `cost` nanoseconds each are done within `time`, for what can't be
/// stopped once it began.
pub(super) fn fits(pixels: u64, cost: u64, time: Option<Duration>) -> bool {
    let nanoseconds = pixels.saturating_mul(cost.saturating_mul(MARGIN_PERCENT) / 100);
    time.is_none_or(|time| Duration::from_nanos(nanoseconds) <= time)
}

/// Cancels a running transformation from another thread, or by its deadline.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    deadline: Option<Instant>,
    /// Whether the process that we are in ends without waiting for anybody.
    is_ending: Option<fn() -> bool>,
    isolation: Option<&'static dyn Isolation>,
    spare: Option<Box<dyn Spare>>,
}

impl Control {
    /// A control that ends the work at `deadline`, or never.
    #[must_use]
    pub fn new(deadline: Option<Instant>) -> Control {
        Control { deadline, ..Control::default() }
    }

    /// This one, which cancels the work also once `is_ending` says so. It is asked often.
    #[must_use]
    pub fn ended_by(self, is_ending: fn() -> bool) -> Control {
        Control { is_ending: Some(is_ending), ..self }
    }

    /// This one, which has the place where work is done that does not ask it often enough.
    #[must_use]
    pub fn isolated_by(self, isolation: &'static dyn Isolation) -> Control {
        Control { isolation: Some(isolation), ..self }
    }

    /// This one, which has what the work may use beside its own thread.
    #[must_use]
    pub fn spared_by(self, spare: impl Spare + 'static) -> Control {
        Control { spare: Some(Box::new(spare)), ..self }
    }

    /// What work may use beside its own thread; `None` for nothing.
    pub(super) fn spare(&self) -> Option<&dyn Spare> {
        self.spare.as_deref()
    }

    /// Where work is done that does not ask often enough; `None` for here.
    pub(super) fn isolation(&self) -> Option<&'static dyn Isolation> {
        self.isolation
    }

    /// Makes the next [`check`](Control::check) fail.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether [`check`](Control::check) passes, for libraries that ask no more than that.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.check().is_ok()
    }

    /// How long the work may still take; `None` for ever.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Called between stages and batches of rows.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after [`cancel`](Control::cancel), [`Error::Timeout`]
    /// after the deadline.
    pub fn check(&self) -> Result<(), Error> {
        let is_ending = || self.is_ending.is_some_and(|is_ending| is_ending());
        if self.cancelled.load(Ordering::Relaxed) || is_ending() {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::Timeout),
            _ => Ok(()),
        }
    }
}

/// Lends work a processor that has nothing else to do.
pub trait Spare: std::fmt::Debug + Send + Sync {
    /// Lends one until the loan is dropped, and so many bytes of memory with it; `None` where there is
    /// none now. It is asked seldom.
    fn lend(&self, bytes: u64) -> Option<Box<dyn Loan>>;

    /// Runs `here`, and `beside` on the processor that was lent from when `here` calls what it is
    /// given, which returns whether it is run, and begins it only once. Returns when both have
    /// ended.
    ///
    /// # Errors
    /// What `beside` panicked with.
    fn run(
        &self,
        beside: &mut (dyn FnMut() + Send),
        here: &mut dyn FnMut(&mut dyn FnMut() -> bool),
    ) -> thread::Result<()> {
        thread::scope(|scope| {
            let (mut beside, mut second) = (Some(beside), None);
            here(&mut || {
                let Some(beside) = beside.take() else { return false };
                let thread = thread::Builder::new().name("image".to_owned());
                second = thread.spawn_scoped(scope, beside).ok();
                second.is_some()
            });
            second.map_or(Ok(()), thread::ScopedJoinHandle::join)
        })
    }

    /// How many pixels of a JPEG are enough that it is worth it: what is handed over takes a larger part of
    /// the work on smaller ones.
    fn least_pixels(&self) -> usize {
        20_000_000
    }

    /// How many bytes of its data.
    fn least_bytes(&self) -> usize {
        1 << 20
    }
}

/// A processor that was lent.
pub trait Loan: Send + Sync {
    /// Whether others want it by now. It is asked often.
    fn is_wanted_back(&self) -> bool;
}

/// What makes the bytes of a picture of a source, and of nothing else: it may be called in another process.
pub type FillPixels = fn(source: &[u8], pixels: &mut [u8], control: &Control) -> Result<(), Error>;

/// What makes picture after picture of a source in the same bytes, and shows each, with a number that means what the two
/// agree on, such as for how many milliseconds it is shown. It may be called in another process.
pub type FillPictures = fn(
    source: &[u8],
    pixels: &mut [u8],
    control: &Control,
    show: &mut ShowPicture<'_>,
) -> Result<(), Error>;

/// What has the bytes be looked at, and changed by who does.
pub type ShowPicture<'a> = dyn FnMut(&mut [u8], u32) -> Result<(), Error> + 'a;

/// What takes them over.
pub type TakePixels<'a> = dyn FnMut(&[u8]) -> Result<(), Error> + 'a;

/// What takes over one of several, and may leave something else in their place for what makes the next one.
pub type ExchangePixels<'a> = dyn FnMut(&mut [u8]) -> Result<(), Error> + 'a;

/// How much work may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkSize {
    /// Bytes of what is made.
    pub pixels: usize,
    /// Bytes of memory that may be held beside it.
    pub memory: u64,
    /// Whether a library takes some of that from an allocator of its own.
    pub foreign: bool,
}

/// A place apart, where work ends as soon as its [`Control`] says so, even within a step of some
/// library's that asks nobody, and where more memory than was said fails instead of being had.
pub trait Isolation: std::fmt::Debug + Sync {
    /// Has `fill` make a picture of `source`, whose parts it gets as one, from zeros there, and `take` have it here.
    ///
    /// # Errors
    /// Those of `fill` and `take`, and of [`Control::check`]; [`Error::TooManyPixels`] where it wants
    /// more memory; [`Error::Internal`] where there is no such place to be had.
    fn run(
        &self,
        size: WorkSize,
        source: &[&[u8]],
        control: &Control,
        fill: FillPixels,
        take: &mut TakePixels<'_>,
    ) -> Result<(), Error>;

    /// Has `fill` make pictures of `source` there, as they are asked for.
    ///
    /// # Errors
    /// As of [`run`](Isolation::run).
    fn begin<'a>(
        &'a self,
        size: WorkSize,
        source: &[&[u8]],
        control: &Control,
        fill: FillPictures,
    ) -> Result<Box<dyn IsolatedPictures + 'a>, Error>;
}

/// Pictures that are made apart, one after the other.
pub trait IsolatedPictures {
    /// Has the next one be made, and `take` have it here; returns the number that it is shown with, or that there is none.
    ///
    /// # Errors
    /// As of [`Isolation::run`].
    fn next(
        &mut self,
        control: &Control,
        take: &mut ExchangePixels<'_>,
    ) -> Result<Option<u32>, Error>;
}
