//! How jobs begin: queued, and handed to a thread when their turn has come, or run here and now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use image_gate_core::image::{AdmissionLimits, Control};

use super::context::Transfer;
use super::counting;
use super::failure;
use super::job::{Job, JobOutcome};
use super::queue::{self, QueueFull, WaitingJob};
use super::spare::SpareProcessors;
use super::task::Task;
use crate::ngx::guard::catch;
use crate::ngx::thread::Work;
use crate::ngx::{Request, worker};

fn admission(task: &Task) -> AdmissionLimits {
    let bounds = task.bounds;
    let jobs = bounds.jobs.unwrap_or_else(worker::processors);
    AdmissionLimits { jobs, queue: bounds.queue, memory: bounds.image.memory }
}

/// Queues the job of a request, and starts it if one more may run.
///
/// # Errors
/// There is no room.
pub fn submit(context: Transfer<'_>, task: &Task) -> Result<(), QueueFull> {
    queue::push(admission(task), || {
        let request = context.request.weak()?;
        context.submitted.set(Some(Instant::now()));
        let job = Job::new(task, context.body.take(), context.writer.take(), Arc::default());
        Some(WaitingJob { request, job })
    })?;
    start_waiting();
    Ok(())
}

/// What became of a job that a thread gave back.
pub enum Completed {
    /// It ended; `None` is by a panic.
    Ended(Option<JobOutcome>),
    /// It wants more memory than was free, and is first in the queue again.
    WaitsAgain,
}

/// Takes a job back from a thread that is done with it.
pub fn complete(context: Transfer<'_>, outcome: Option<JobOutcome>) -> Completed {
    let submitted = context.submitted.take();
    queue::end();
    let request = context.request;
    // What is made for nobody is wanted as long as it is under way.
    let is_dead = request.is_main() && request.is_dead();
    let is_wanted = !is_dead && context.failed.get().is_none();
    match (outcome, context.task.get(), request.weak()) {
        (Some(JobOutcome::NeedsMemory(job, need)), Some(task), Some(weak)) if is_wanted => {
            queue::push_again(WaitingJob { request: weak, job: *job }, admission(task), need);
            context.submitted.set(submitted);
            Completed::WaitsAgain
        }
        (outcome, ..) => Completed::Ended(outcome),
    }
}

/// Starts as many waiting jobs as may run now.
pub fn start_waiting() {
    while let Some(WaitingJob { request, job }) = queue::start() {
        // One that can't be started because of a panic is answered as if there was no room.
        let is_started = request.with(|request| catch(|| start(request, job)).unwrap_or(false));
        if is_started != Some(true) {
            queue::end();
            request.with(|request| Transfer::of(request).map(failure::fail_overloaded));
        }
    }
}

fn start(request: Request<'_>, mut job: Job) -> bool {
    let Some(context) = Transfer::of(request) else { return false };
    if context.failed.get().is_some() {
        return false;
    }
    let Some(task) = context.task.get() else { return false };
    let Some(pool) = task.pool else { return false };
    let memory = task.bounds.image.memory;
    let spare = SpareProcessors { memory, others: counting::others() };
    job.set_control(begin(context, task, |control| control.spared_by(spare)));
    request.offload::<Job, Job>(pool, job).is_ok()
}

/// Starts the clock of a job, and gives what can end it, completed by `complete`.
fn begin(
    context: Transfer<'_>,
    task: &Task,
    complete: impl FnOnce(Control) -> Control,
) -> Arc<Control> {
    let now = Instant::now();
    if let Some(submitted) = context.submitted.get() {
        context.update_info(|response| response.queue_time = Some(now.duration_since(submitted)));
    }
    let deadline = now.checked_add(Duration::from_millis(task.bounds.time));
    let control = Control::new(deadline).ended_by(worker::is_stopping);
    let control = Arc::new(complete(control.isolated_by(&worker::PROCESSES)));
    context.control.replace(Some(control.clone()));
    control
}

/// Runs the job of a request here and now, for an nginx or a location without threads.
pub fn run_inline(context: Transfer<'_>, task: &Task) -> Option<JobOutcome> {
    let control = begin(context, task, |control| control);
    let job = Job::new(task, context.body.take(), context.writer.take(), control);
    catch(|| job.run())
}
