//! What work on pictures is bound by here.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use image_gate_core::image::{Control, Loan, Spare};
use image_gate_isolation::{Processes, end_by_panic};

static PROCESSES: Processes = Processes::new(|| ());

/// A control that ends the work after so many seconds, or never after none; decoders that could take any time or memory,
/// or end the program, work in processes of their own.
pub fn control(seconds: u64) -> Control {
    let deadline = Instant::now().checked_add(Duration::from_secs(seconds));
    Control::new(deadline.filter(|_| seconds > 0)).isolated_by(&PROCESSES)
}

/// Has there be such processes, before there are threads. Panics in them end them, as the files' fault.
pub fn start_decoders() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        end_by_panic(panic.location());
        print(panic);
    }));
    // Without them, the first file that needs one says so.
    let _ = PROCESSES.start();
}

/// Processors that are at work.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// A processor that is at work, until this is dropped.
#[derive(Debug)]
pub struct Busy(());

impl Busy {
    /// The processor that we are on.
    pub fn new() -> Busy {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Busy(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Loan for Busy {
    fn is_wanted_back(&self) -> bool {
        BUSY.load(Ordering::Relaxed) > processors()
    }
}

/// Lends the processors that no file is for.
#[derive(Debug)]
pub struct Others;

impl Spare for Others {
    fn lend(&self, _: u64) -> Option<Box<dyn Loan>> {
        let more = |busy: usize| Some(busy + 1).filter(|&busy| busy <= processors());
        BUSY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Box::new(Busy(())))
    }
}

static PROCESSORS: OnceLock<usize> = OnceLock::new();

/// Has this program use no more than so many processors.
pub fn use_processors(count: usize) {
    let _ = PROCESSORS.set(count);
}

/// The processors that this program may use.
pub fn processors() -> usize {
    *PROCESSORS.get_or_init(|| available_parallelism().map_or(1, usize::from))
}
