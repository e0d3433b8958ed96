//! The jobs of this worker: which one runs when. Those that wait do so on the event loop, where one
//! whose client leaves costs nothing.

use std::cell::{OnceCell, RefCell};

use image_gate_core::image::{AdmissionLimits, Queue};

use super::counting;
use super::job::{Job, memory_fits};
use super::spare;
use crate::ngx::event::{OnProcessTimer, ProcessTimer};
use crate::ngx::{WeakRequest, allocator};

/// A job and whose it is.
pub struct WaitingJob {
    pub request: WeakRequest,
    pub job: Job,
}

thread_local! {
    /// Only the event loop's thread gets here.
    static QUEUE: RefCell<Queue<WaitingJob>> = RefCell::default();
    /// Rings when there may have been nothing to do for a while.
    static IDLE_TIMER: OnceCell<ProcessTimer> = const { OnceCell::new() };
}

/// How long a worker has nothing to do, in milliseconds, before it gives memory back: where jobs
/// follow each other, the next one can use it.
const IDLE: usize = 1000;

/// Does something to the queue, and tells all workers how much this one has to do then.
fn change<R>(body: impl FnOnce(&mut Queue<WaitingJob>) -> R) -> R {
    QUEUE.with_borrow_mut(|queue| {
        let result = body(queue);
        let (running, waiting) = (queue.running() as usize, queue.waiting());
        spare::set_jobs(running, waiting);
        counting::set_jobs(running, waiting);
        result
    })
}

/// There is no room for a job.
pub struct QueueFull;

/// Has a job wait for its turn; `make` makes it.
///
/// # Errors
/// There are too many already, or there is no memory.
pub fn push(
    admission: AdmissionLimits,
    make: impl FnOnce() -> Option<WaitingJob>,
) -> Result<(), QueueFull> {
    if !QUEUE.with_borrow(|queue| queue.has_room(admission)) {
        counting::note_full();
        return Err(QueueFull);
    }
    let ticket = make().ok_or(QueueFull)?;
    change(|queue| queue.push(ticket, admission));
    Ok(())
}

/// Has a job wait again, ahead of all others, until so many bytes are free.
pub fn push_again(waiting: WaitingJob, admission: AdmissionLimits, need: u64) {
    change(|queue| queue.push_again(waiting, admission, need));
}

/// The job that is to run next, which counts as running from now on.
pub fn start() -> Option<WaitingJob> {
    change(|queue| queue.start(memory_fits))
}

/// Notes that a job runs no more.
pub fn end() {
    change(Queue::end);
    expect_idleness();
}

/// Forgets the jobs of requests that are over. `had_job` is whether the request that ends had one at
/// all: its memory is free only now, so that the worker may be idle from here on.
pub fn forget(had_job: bool) {
    // The worker may be exiting, with the queue gone already.
    let is_there = QUEUE.try_with(|_| ()).is_ok() && IDLE_TIMER.try_with(|_| ()).is_ok();
    if !is_there {
        return;
    }
    // Most requests wait for nothing.
    if QUEUE.with_borrow(|queue| queue.waiting() > 0) {
        change(|queue| queue.retain(|waiting| waiting.request.is_alive()));
    }
    if had_job {
        expect_idleness();
    }
}

fn expect_idleness() {
    IDLE_TIMER.with(|timer| timer.get_or_init(ProcessTimer::new::<Idle>).set(IDLE));
}

/// There may have been nothing to do for a while.
enum Idle {}

impl OnProcessTimer for Idle {
    /// Gives memory back, unless there is something to do, the end of which sets the timer anew.
    fn expired() {
        if QUEUE.with_borrow(Queue::is_idle) {
            allocator::give_back();
        }
    }
}
