//! Threads that sleep until there is something to do beside a job.
//!
//! A thread that is new waits for the system's next tick, up to 4 ms, until it runs for the first
//! time, though a processor is idle; one that sleeps is awake within some hundredths of a
//! millisecond.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So long a thread sleeps until it ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a thread is woken for. It does not panic.
type Work = Box<dyn FnOnce() + Send>;

/// A thread that sleeps.
struct Sleeper {
    number: u64,
    wake: SyncSender<Work>,
}

/// Those that sleep. Who takes one from here has to wake it.
static SLEEPERS: Mutex<Vec<Sleeper>> = Mutex::new(Vec::new());

fn sleepers() -> MutexGuard<'static, Vec<Sleeper>> {
    SLEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `here`, and `beside` on another thread from when `here` calls what it is given, which
/// returns whether there is a thread for that, and begins it only once. Returns when both have
/// ended.
///
/// # Errors
/// What `beside` panicked with.
///
/// # Panics
/// Where `here` does, once `beside` has ended.
pub fn run_beside(
    beside: &mut (dyn FnMut() + Send),
    here: &mut dyn FnMut(&mut dyn FnMut() -> bool),
) -> thread::Result<()> {
    run_within(PATIENCE, beside, here)
}

fn run_within(
    patience: Duration,
    beside: &mut (dyn FnMut() + Send),
    here: &mut dyn FnMut(&mut dyn FnMut() -> bool),
) -> thread::Result<()> {
    let (done, end) = channel::<thread::Result<()>>();
    let mut left = Some((beside, done));
    let mut is_begun = false;
    let ended_here = catch_unwind(AssertUnwindSafe(|| {
        here(&mut || {
            let Some((beside, done)) = left.take() else { return false };
            let work: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
                // Nobody is gone who waits for this.
                let _ = done.send(catch_unwind(AssertUnwindSafe(beside)));
            });
            // SAFETY: only the lifetime changes. What the work borrows is used until it was run, or
            // dropped without that, and this function returns, or panics, only behind the `recv`
            // below, which waits until the work says that it was run, or that is dropped.
            let work = unsafe { mem::transmute::<Box<dyn FnOnce() + Send + '_>, Work>(work) };
            is_begun = wake(work, patience);
            is_begun
        });
    }));
    // Where no thread could be had, the work is dropped.
    drop(left);
    let ended_beside = if is_begun { end.recv() } else { Ok(Ok(())) };
    if let Err(panic) = ended_here {
        resume_unwind(panic);
    }
    ended_beside.unwrap_or_else(|_| Err(Box::new("its thread is gone") as Box<dyn Any + Send>))
}

/// Has a thread do the work, a new one where none sleeps; returns whether there is one.
fn wake(mut work: Work, patience: Duration) -> bool {
    loop {
        // The one that slept least has most of what it needs in caches.
        let Some(sleeper) = sleepers().pop() else { break };
        match sleeper.wake.send(work) {
            Ok(()) => return true,
            Err(returned) => work = returned.0,
        }
    }
    let thread = thread::Builder::new().name("image".to_owned());
    thread.spawn(move || serve(work, patience)).is_ok()
}

/// Works, and sleeps until there is more to do.
fn serve(work: Work, patience: Duration) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    // Who took the thread from those that sleep does not wait for it.
    let (wake, woken) = sync_channel(1);
    work();
    loop {
        sleepers().push(Sleeper { number, wake: wake.clone() });
        let next = woken.recv_timeout(patience).or_else(|_| {
            let mut sleepers = sleepers();
            let own = sleepers.iter().position(|sleeper| sleeper.number == number);
            match own {
                Some(at) => {
                    sleepers.remove(at);
                    Err(())
                }
                // Somebody has just taken it.
                None => {
                    drop(sleepers);
                    woken.recv().map_err(|_| ())
                }
            }
        });
        let Ok(next) = next else { return };
        next();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Barrier;
    use std::thread::ThreadId;

    use super::*;

    /// The tests share the threads.
    static ALONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something beside; returns on which thread.
    fn thread_beside(patience: Duration) -> Option<ThreadId> {
        let mut id = None;
        let mut beside = || id = Some(thread::current().id());
        run_within(patience, &mut beside, &mut |begin| assert!(begin())).unwrap();
        id
    }

    #[test]
    fn what_is_borrowed_is_changed_by_both() {
        let _alone = alone();
        let (mut one, mut two) = (vec![1; 1000], 0);
        for many in 1..200 {
            let mut beside = || one.iter_mut().for_each(|number| *number += 1);
            let ended = run_beside(&mut beside, &mut |begin| {
                assert!(begin());
                assert!(!begin(), "it begins once");
                two += 1;
            });
            assert!(ended.is_ok());
            assert!(one.iter().all(|&number| number == many + 1) && two == many);
        }
    }

    #[test]
    fn a_thread_that_sleeps_is_woken() {
        let _alone = alone();
        sleepers().clear();
        let first = thread_beside(PATIENCE);
        // It says that it is done before it sleeps.
        while sleepers().is_empty() {
            thread::yield_now();
        }
        assert_eq!(thread_beside(PATIENCE), first);
    }

    #[test]
    fn a_thread_ends_where_nobody_wakes_it() {
        let _alone = alone();
        sleepers().clear();
        let mut thread = 0;
        // SAFETY: a call without arguments.
        let mut beside = || thread = unsafe { libc::gettid() };
        let begin = &mut |begin: &mut dyn FnMut() -> bool| assert!(begin());
        run_within(Duration::from_millis(1), &mut beside, begin).unwrap();
        while Path::new(&format!("/proc/self/task/{thread}")).exists() {
            thread::yield_now();
        }
        assert!(sleepers().is_empty());
    }

    #[test]
    fn none_that_ends_is_woken() {
        let _alone = alone();
        // They end about when they are woken.
        for patience in (0..400).map(Duration::from_micros) {
            assert!(thread_beside(patience).is_some());
            thread::sleep(patience);
        }
    }

    #[test]
    fn nothing_is_begun_unless_it_is_wanted() {
        let _alone = alone();
        let mut is_run = false;
        assert!(run_beside(&mut || is_run = true, &mut |_| ()).is_ok());
        assert!(!is_run);
    }

    #[test]
    fn several_at_once() {
        let _alone = alone();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut beside = || {
                        barrier.wait();
                    };
                    run_beside(&mut beside, &mut |begin| {
                        assert!(begin());
                        barrier.wait();
                    })
                });
            }
        });
    }

    #[test]
    fn who_panics_is_waited_for() {
        let _alone = alone();
        let ended = run_beside(&mut || panic!("beside"), &mut |begin| assert!(begin()));
        assert_eq!(ended.unwrap_err().downcast_ref(), Some(&"beside"));
        let mut is_run = false;
        let mut beside = || {
            thread::sleep(Duration::from_millis(20));
            is_run = true;
        };
        let here = catch_unwind(AssertUnwindSafe(|| {
            run_beside(&mut beside, &mut |begin| {
                assert!(begin());
                panic!("here");
            })
        }));
        assert_eq!(here.unwrap_err().downcast_ref(), Some(&"here"));
        assert!(is_run);
    }
}
