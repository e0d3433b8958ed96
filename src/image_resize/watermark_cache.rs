//! The watermark files of a worker.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use image_gate_core::image::{Control, Error};
use image_gate_runtime::watermark::{Checked, Seen, SeenFile, WatermarkCache};

pub use image_gate_runtime::watermark::{AssetKind, Loaded, WatermarkSpec};

/// Bytes of decoded pictures and fonts that a worker keeps.
const CACHE: usize = 64 << 20;

/// For all threads of the worker.
static CACHED: LazyLock<WatermarkCache> = LazyLock::new(|| WatermarkCache::new(CACHE));

thread_local! {
    /// What the event loop saw.
    static SEEN: RefCell<Seen> = RefCell::default();
    /// What was found good while configurations were read.
    static CHECKED: RefCell<Checked> = RefCell::default();
}

/// Reads a file to see whether it is good. For directives.
///
/// # Errors
/// Those of [`Checked::check`].
pub fn check(path: &Path, kind: AssetKind) -> Result<(), Error> {
    CHECKED.with_borrow_mut(|checked| checked.check(path, kind))
}

/// A file as it was at most a second ago. For the event loop.
///
/// # Errors
/// Those of [`Seen::stat`].
pub fn stat(path: Arc<Path>) -> Result<SeenFile, Error> {
    SEEN.with_borrow_mut(|seen| seen.stat(path, Instant::now()))
}

/// Reads what a layer needs, unless it is there already. For jobs.
///
/// # Errors
/// Those of [`WatermarkCache::load`].
pub fn load(layer: WatermarkSpec, control: &Control) -> Result<Loaded, Error> {
    CACHED.load(layer, control)
}
