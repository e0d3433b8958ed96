//! The watermark files of a worker.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use image_gate_core::image::{Control, Error, Mark};
use image_gate_runtime::watermark::{Cache, Seen, SeenFile};

pub use image_gate_runtime::watermark::{Kind, Layer, check};

/// Bytes of decoded pictures and fonts that a worker keeps.
const CACHE: usize = 64 << 20;

/// For all threads of the worker.
static CACHED: LazyLock<Cache> = LazyLock::new(|| Cache::new(CACHE));

thread_local! {
    /// What the event loop saw.
    static SEEN: RefCell<Seen> = RefCell::default();
}

/// A file as it was at most a second ago. For the event loop.
///
/// # Errors
/// Those of [`Seen::look`].
pub fn look(path: Arc<Path>) -> Result<SeenFile, Error> {
    SEEN.with_borrow_mut(|seen| seen.look(path, Instant::now()))
}

/// Reads what a layer needs, unless it is there already. For jobs.
///
/// # Errors
/// Those of [`Cache::load`].
pub fn load(layer: Layer, control: &Control) -> Result<Mark, Error> {
    CACHED.load(layer, control)
}
