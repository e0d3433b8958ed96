//! Which job runs when: at most so many at once, the others wait their turn.

use std::collections::VecDeque;

/// What a job is admitted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// How many jobs may run at once.
    pub jobs: u32,
    /// How many may wait.
    pub queue: u32,
    /// Bytes that the running jobs may need together.
    pub memory: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    ticket: T,
    admission: AdmissionLimits,
    /// Bytes that the job is known to need; 0 before its source was looked at.
    need: u64,
}

/// Jobs that wait, in their order, and how many run. A ticket stands for a job.
#[derive(Debug)]
pub struct Queue<T> {
    waiting: VecDeque<Waiting<T>>,
    running: u32,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { waiting: VecDeque::new(), running: 0 }
    }
}

impl<T> Queue<T> {
    /// How many jobs run.
    pub fn running(&self) -> u32 {
        self.running
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there is nothing to do.
    pub fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }

    /// Whether a job may wait for its turn, or need not wait.
    pub fn has_room(&self, admission: AdmissionLimits) -> bool {
        self.running < admission.jobs && self.waiting.is_empty()
            || self.waiting.len() < admission.queue as usize
    }

    /// Puts a job at the end.
    pub fn push(&mut self, ticket: T, admission: AdmissionLimits) {
        self.waiting.push_back(Waiting { ticket, admission, need: 0 });
    }

    /// Puts a job back, ahead of all others, that ran until it was known to need `need` bytes and
    /// there was less.
    pub fn push_again(&mut self, ticket: T, admission: AdmissionLimits, need: u64) {
        self.waiting.push_front(Waiting { ticket, admission, need });
    }

    /// Takes the first job out, to be run, if it may: `fits` says whether so many bytes are free
    /// of so many.
    pub fn start(&mut self, fits: impl FnOnce(u64, u64) -> bool) -> Option<T> {
        let first = self.waiting.front()?;
        let may_run = self.running < first.admission.jobs
            && (first.need == 0 || fits(first.need, first.admission.memory));
        if !may_run {
            return None;
        }
        self.running = self.running.saturating_add(1);
        self.waiting.pop_front().map(|first| first.ticket)
    }

    /// Notes that a job runs no more.
    pub fn end(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// Forgets the waiting jobs that nobody wants any more. Returns whether there were any.
    pub fn retain(&mut self, is_wanted: impl Fn(&T) -> bool) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| is_wanted(&waiting.ticket));
        self.waiting.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(jobs: u32, queue: u32) -> AdmissionLimits {
        AdmissionLimits { jobs, queue, memory: 100 }
    }

    fn never(_: u64, _: u64) -> bool {
        unreachable!("what no job is known to need always fits")
    }

    #[test]
    fn so_many_run_and_so_many_wait() {
        let mut queue = Queue::default();
        let two = admission(2, 1);
        for ticket in 0..3 {
            assert!(queue.has_room(two), "{ticket}");
            queue.push(ticket, two);
            queue.start(never);
        }
        assert_eq!((queue.running(), queue.waiting()), (2, 1));
        assert!(!queue.has_room(two));
        assert!(queue.has_room(admission(2, 2)));
        // One that may run with more does not overtake the one that waits.
        assert!(!queue.has_room(admission(9, 1)));
        queue.end();
        assert_eq!(queue.start(never), Some(2));
        assert_eq!(queue.start(never), None);
    }

    #[test]
    fn without_a_queue_a_job_runs_at_once_or_not() {
        let mut queue = Queue::default();
        let one = admission(1, 0);
        assert!(queue.has_room(one));
        queue.push((), one);
        assert_eq!(queue.start(never), Some(()));
        assert!(!queue.has_room(one) && !queue.is_idle());
        queue.end();
        assert!(queue.has_room(one) && queue.is_idle());
    }

    #[test]
    fn memory_is_asked_for_once_it_is_known() {
        let mut queue = Queue::default();
        let two = admission(2, 9);
        queue.push("first", two);
        queue.push("second", two);
        assert_eq!(queue.start(never), Some("first"));
        queue.end();
        queue.push_again("first", two, 60);
        // It stays the first, and the others wait with it.
        assert_eq!(queue.start(|need, limit| (need, limit) != (60, 100)), None);
        assert_eq!(queue.start(|_, _| true), Some("first"));
        assert_eq!(queue.start(never), Some("second"));
    }

    #[test]
    fn what_nobody_wants_leaves() {
        let mut queue = Queue::default();
        for ticket in 0..6 {
            queue.push(ticket, admission(1, 9));
        }
        assert!(queue.retain(|ticket| ticket % 2 == 1));
        assert!(!queue.retain(|ticket| ticket % 2 == 1));
        assert_eq!(queue.start(never), Some(1));
        // An end too many is not counted.
        queue.end();
        queue.end();
        assert_eq!(queue.running(), 0);
    }
}
