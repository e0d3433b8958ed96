//! A processor that a job may use beside its own, while nobody else wants it.

use std::fmt::{Debug, Formatter};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, available_parallelism};

use image_gate_core::image::{Loan, Spare};
use image_gate_isolation::run_beside;

use super::job::Reservation;
use super::zone::OtherWorkers;
use crate::ngx::worker;

/// Jobs of this worker that run.
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// Those that wait.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// Processors that are lent to the jobs of this worker.
static LENT: AtomicUsize = AtomicUsize::new(0);

/// Says what this worker has to do now.
pub fn set_jobs(running: usize, waiting: usize) {
    RUNNING.store(running, Ordering::Relaxed);
    WAITING.store(waiting, Ordering::Relaxed);
}

/// What is lent to one job.
pub struct SpareProcessors {
    /// Bytes that the running jobs of the worker may need together.
    pub memory: u64,
    /// Those whose jobs are counted, too.
    pub others: Option<OtherWorkers>,
}

/// Whether so many processors may be lent beside the jobs of other workers: each job has one, and nobody
/// waits.
fn has(lent: usize, others: usize) -> bool {
    let busy = RUNNING.load(Ordering::Relaxed) + lent;
    WAITING.load(Ordering::Relaxed) == 0 && busy.saturating_add(others) <= processors()
}

fn jobs(others: Option<OtherWorkers>) -> usize {
    others.map_or(0, OtherWorkers::jobs)
}

impl Debug for SpareProcessors {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpareProcessors").field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl Spare for SpareProcessors {
    fn lend(&self, bytes: u64) -> Option<Box<dyn Loan>> {
        let others = jobs(self.others);
        let more = |lent: usize| Some(lent + 1).filter(|&lent| has(lent, others));
        LENT.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        let mut loan =
            LentProcessor { others: self.others, asked: AtomicUsize::new(0), reservation: None };
        loan.reservation = Reservation::take(bytes, self.memory);
        (loan.reservation.is_some() && is_idle()).then(|| Box::new(loan) as Box<dyn Loan>)
    }

    fn run(
        &self,
        beside: &mut (dyn FnMut() + Send),
        here: &mut dyn FnMut(&mut dyn FnMut() -> bool),
    ) -> thread::Result<()> {
        run_beside(beside, here)
    }
}

/// A processor that is lent, and memory with it, until this is dropped.
struct LentProcessor {
    others: Option<OtherWorkers>,
    asked: AtomicUsize,
    reservation: Option<Reservation>,
}

/// Of how many questions one is for the other workers, too, whose answer takes longer.
const SELDOM: usize = 16;

impl Loan for LentProcessor {
    fn is_wanted_back(&self) -> bool {
        let is_seldom = self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(SELDOM);
        let others = if is_seldom { jobs(self.others) } else { 0 };
        !has(LENT.load(Ordering::Relaxed), others)
    }
}

impl Drop for LentProcessor {
    fn drop(&mut self) {
        LENT.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The processors that this process may use.
fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| available_parallelism().map_or(1, usize::from))
}

/// Whether the machine has a processor that nobody uses, whoever it is: event loops, other workers and
/// other programs.
///
/// Where the process may not use all of them, those of the others are not known one by one, and what
/// counts is how busy they are on average. Where the system does not say, nothing is idle.
fn is_idle() -> bool {
    let Ok(text) = std::fs::read_to_string("/proc/loadavg") else { return false };
    let Some(runnable) = runnable(&text) else { return false };
    let (processors, all) = (processors(), worker::all_processors());
    runnable.saturating_mul(processors) <= all.saturating_mul(processors.saturating_sub(1))
}

/// How many threads run or could run now, this one among them (proc_loadavg(5)).
fn runnable(text: &str) -> Option<usize> {
    text.split(' ').nth(3)?.split_once('/')?.0.parse().ok().filter(|&runnable| runnable > 0)
}
