//! What is made apart, where there is such a place: by something that asks nobody whether it is to go on.

use crate::image::control::FillPixels;
use crate::image::raster::{Layout, Raster, data_len, with_room, zeroed};
use crate::image::size::Size;
use crate::image::{Control, Error, WorkSize};

/// Bytes that are copied between two looks at the [`Control`].
pub(super) const PIECE: usize = 4 << 20;

/// Has a raster be made of `source` by something that holds so many bytes besides it.
pub(super) fn raster(
    (size, layout): (Size, Layout),
    memory: u64,
    source: &[u8],
    fill: FillPixels,
    control: &Control,
) -> Result<Raster, Error> {
    let work = WorkSize { pixels: data_len(size, layout)?, memory, foreign: false };
    Raster::from_data(size, layout, bytes(work, source, fill, control)?)
}

/// The same of some bytes.
pub(in crate::image) fn bytes(
    size: WorkSize,
    source: &[u8],
    fill: FillPixels,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let Some(isolation) = control.isolation() else {
        let mut bytes = zeroed(size.pixels)?;
        fill(source, &mut bytes, control)?;
        return Ok(bytes);
    };
    let mut bytes = Vec::new();
    isolation.run(work(size), source, control, fill, &mut |made| {
        bytes = with_room(made.len())?;
        for piece in made.chunks(PIECE) {
            control.check()?;
            bytes.extend_from_slice(piece);
        }
        Ok(())
    })?;
    Ok(bytes)
}

/// Work by its estimate, which it may exceed a little.
pub(super) fn work(size: WorkSize) -> WorkSize {
    WorkSize { memory: size.memory.saturating_add(size.memory / 4), ..size }
}
