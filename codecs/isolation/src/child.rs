//! The process that does the work.

use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use image_gate_core::image::{Control, Error};

use crate::channel::{Descriptors, Fill, Task};
use crate::ending::{self, Ending, end};
use crate::shared::{Places, Shared};
use crate::turn::Turn;
use crate::{channel, memory, process};

/// All that the child does.
pub fn work(task: &Task, descriptors: Descriptors) -> ! {
    let Descriptors { shared, alive } = descriptors;
    let places = Places { pixels: task.pixels, source: task.source };
    let Some(mut mapped) = Shared::map(&shared, places) else {
        channel::say(&alive, libc::ENOMEM);
        process::end(0)
    };
    drop(shared);
    ending::leave_at(mapped.head());
    if !process::end_with(alive.as_raw_fd()) {
        end(Ending::Internal, "nothing would end the process of the codec");
    }
    ending::end_by_crash();
    process::be_first_to_go();
    process::limit(task.time.map_or(libc::RLIM_INFINITY, |time| time.as_secs() + 2));
    if task.foreign {
        process::limit_memory(task.memory);
    } else {
        // SAFETY: of the threads this process has but the one that made it.
        unsafe { memory::isolate(task.memory) };
    }
    let control = Control::new(task.time.and_then(|time| Instant::now().checked_add(time)));
    let head = mapped.head();
    let (_, pixels, source) = mapped.parts();
    // SAFETY: the mapping lives as long as this process.
    let turn = unsafe { Turn::of(head) };
    let done = catch_unwind(AssertUnwindSafe(|| match task.fill {
        Fill::Once(fill) => fill(source, pixels, &control),
        Fill::Pictures(fill) => fill(source, pixels, &control, &mut |pixels, number| {
            turn.show(number);
            // The other process may have changed them.
            std::hint::black_box(pixels);
            Ok(())
        }),
    }));
    match done {
        Ok(Ok(())) => end(Ending::Done, ""),
        Ok(Err(Error::DecodeFailed(text))) => end(Ending::DecodeFailed, &text),
        Ok(Err(Error::EncodeFailed(text))) => end(Ending::EncodeFailed, &text),
        Ok(Err(Error::UnsupportedFormat(text))) => end(Ending::Unsupported, &text),
        Ok(Err(Error::Internal(text))) => end(Ending::Internal, &text),
        Ok(Err(error)) => end(Ending::Internal, &error.to_string()),
        Err(_) => end(Ending::DecodeFailed, "the codec panicked"),
    }
}
