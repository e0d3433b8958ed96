//! Which job runs when: at most so many of a worker at once, the others wait on the event loop,
//! where one whose client leaves costs nothing.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use image_gate_core::image::Control;

use super::context::{Context, Task, Transfer};
use super::job::{Job, Outcome, memory_fits};
use super::{events, failure, zone};
use crate::ngx::event::Alarm;
use crate::ngx::guard::catch;
use crate::ngx::{WeakRequest, memory, worker};

/// The jobs of this worker. Only the event loop's thread gets here.
#[derive(Default)]
struct Queue {
    waiting: RefCell<VecDeque<Waiting>>,
    running: Cell<u32>,
    /// Rings when there may have been nothing to do for a while.
    idle: OnceCell<Alarm>,
}

/// How long a worker has nothing to do, in milliseconds, before it gives memory back: where jobs
/// follow each other, the next one can use it.
const IDLE: usize = 1000;

struct Waiting {
    request: WeakRequest,
    job: Job,
}

thread_local! {
    static QUEUE: Queue = Queue::default();
}

/// Queues the job of a request, and starts it if one more may run. Answers whether there was room.
pub fn submit(context: Transfer<'_>, task: &Task) -> bool {
    QUEUE.with(|queue| {
        let is_idle = queue.running.get() < jobs(task) && queue.waiting.borrow().is_empty();
        if !is_idle && queue.waiting.borrow().len() >= task.bounds.queue as usize {
            return false;
        }
        let Some(request) = context.request.weak() else { return false };
        let job = Job::new(task, context.body.take(), Arc::default());
        context.submitted.set(Some(Instant::now()));
        queue.waiting.borrow_mut().push_back(Waiting { request, job });
        queue.publish();
        true
    }) && {
        start_waiting();
        true
    }
}

/// What became of a job that a thread gave back.
pub enum Completed {
    /// It ended; `None` is by a panic.
    Ended(Option<Outcome>),
    /// It wants more memory than was free, and is first in the queue again.
    WaitsAgain,
}

/// Takes a job back from a thread that is done with it.
pub fn complete(context: Transfer<'_>, outcome: Option<Outcome>) -> Completed {
    QUEUE.with(|queue| {
        queue.running.set(queue.running.get().saturating_sub(1));
        queue.publish();
        queue.expect_idleness();
    });
    match (outcome, context.request.weak()) {
        (Some(Outcome::NeedsMemory(job, need)), Some(request)) if !context.request.is_dead() => {
            context.need.set(need);
            QUEUE.with(|queue| {
                queue.waiting.borrow_mut().push_front(Waiting { request, job: *job });
                queue.publish();
            });
            Completed::WaitsAgain
        }
        (outcome, _) => Completed::Ended(outcome),
    }
}

/// Starts as many waiting jobs as may run now.
pub fn start_waiting() {
    QUEUE.with(|queue| {
        while let Some(waiting) = queue.next() {
            let Waiting { request, job } = waiting;
            let Some(context) = request.get().and_then(Transfer::of) else { continue };
            queue.running.set(queue.running.get() + 1);
            // One that can't be started because of a panic is answered as if there was no room.
            let started = catch(|| start(context, job)).unwrap_or(false);
            if !started {
                queue.running.set(queue.running.get() - 1);
            }
            queue.publish();
            if !started {
                failure::turn_away(context);
            }
        }
    });
}

/// Gives memory back, unless there is something to do. The end of that sets the timer anew.
pub fn rest() {
    QUEUE.with(|queue| {
        if queue.running.get() == 0 && queue.waiting.borrow().is_empty() {
            memory::give_back();
        }
    });
}

/// Forgets a request that ended, maybe while its job waited.
pub fn forget(context: &Context) {
    // The worker may be exiting, with the queue gone already.
    let _ = QUEUE.try_with(|queue| {
        let mut waiting = queue.waiting.borrow_mut();
        let before = waiting.len();
        waiting.retain(|waiting| waiting.request.get().is_some());
        let changed = waiting.len() != before;
        drop(waiting);
        if changed {
            queue.publish();
        }
        // What it had of the source, or was to send, is freed only now.
        if context.task.get().is_some() {
            queue.expect_idleness();
        }
    });
}

impl Queue {
    /// Tells all workers how much this one has to do.
    fn publish(&self) {
        zone::set_jobs(self.running.get() as usize, self.waiting.borrow().len());
    }

    fn expect_idleness(&self) {
        self.idle.get_or_init(Alarm::new::<events::Idle>).set(IDLE);
    }

    fn next(&self) -> Option<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let front = waiting.front()?;
        let may_run = front.request.get().and_then(Transfer::of).is_none_or(|context| {
            context.task.get().is_none_or(|task| {
                let fits = || memory_fits(context.need.get(), task.bounds.memory);
                self.running.get() < jobs(task) && fits()
            })
        });
        if may_run { waiting.pop_front() } else { None }
    }
}

fn jobs(task: &Task) -> u32 {
    task.bounds.jobs.unwrap_or_else(worker::processors)
}

fn start(context: Transfer<'_>, mut job: Job) -> bool {
    let Some(task) = context.task.get() else { return false };
    let Some(pool) = task.pool else { return false };
    job.set_control(begin(context, task));
    context.request.offload::<Job, Job>(pool, job).is_ok()
}

/// Starts the clock of a job, and gives what can end it.
fn begin(context: Transfer<'_>, task: &Task) -> Arc<Control> {
    let now = Instant::now();
    if let Some(submitted) = context.submitted.get() {
        context.note(|facts| facts.queue_time = Some(now.duration_since(submitted)));
    }
    let deadline = now.checked_add(Duration::from_millis(task.bounds.time));
    let control = Arc::new(Control::new(deadline).ended_by(worker::is_stopping));
    context.control.replace(Some(control.clone()));
    control
}

/// Runs the job of a request here and now, for an nginx or a location without threads.
pub fn run_inline(context: Transfer<'_>, task: &Task) -> Option<Outcome> {
    let job = Job::new(task, context.body.take(), begin(context, task));
    context.request.run_here(job)
}
