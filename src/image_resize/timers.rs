//! The events of a request that waits; what they do is in the file `events`.

use super::context::Transfer;

/// Runs what must not run inside a filter.
pub enum Wake {}

/// Keeps a worker that is shutting down from exiting before the answer is sent.
pub enum Timer {}

/// The request ended, maybe while its job runs.
pub enum CancelAtEnd {}

/// How often the timer of a waiting request runs, in milliseconds. It only has to be there. One that
/// was turned away is answered by it. Tests of panics have it run while a job does.
pub const TIMER: usize = if cfg!(feature = "test-panic") { 20 } else { 60_000 };

/// Has [`Wake`] run from the event loop.
pub fn wake(context: Transfer<'_>) {
    if let Some(event) = context.request.known_event::<Wake>() {
        event.post();
    }
}
