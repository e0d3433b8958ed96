//! What work on pictures is bound by here.

use std::time::{Duration, Instant};

use image_gate_core::image::Control;
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
