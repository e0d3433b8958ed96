//! What work on pictures is bound by here.

use image_gate_core::image::Control;
use image_gate_isolation::{Processes, end_by_panic};

static PROCESSES: Processes = Processes::new(|| ());

/// A control without a deadline; decoders that could take any memory, or end the program, work in processes of their own.
pub fn control() -> Control {
    Control::default().isolated_by(&PROCESSES)
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
