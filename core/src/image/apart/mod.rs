//! What is done apart, where there is such a place: by something that asks nobody whether it is to go on, or that
//! may end the process that it is in.

mod exchange;

pub(super) use exchange::{Exchange, Responder, respond};

use super::control::{FillPixels, Isolation};
use super::raster::{Layout, Raster, data_len, with_room, zeroed};
use super::size::Size;
use super::{Control, Error, WorkSize};

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
pub(super) fn bytes(
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
    isolation.run(work(size), &[source], control, fill, &mut |made| {
        bytes = with_room(made.len())?;
        append(&mut bytes, made, control)
    })?;
    Ok(bytes)
}

/// Has an encoder, which by its estimate takes `memory`, make at most so many bytes of the parts of a source there, which it [`put`]s. That it
/// crashed is told as of a decoder, for [`of_encoder`].
pub(super) fn encoded(
    isolation: &dyn Isolation,
    (most, memory): (usize, u64),
    source: &[&[u8]],
    fill: FillPixels,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let size = of_library(most.saturating_add(LEN), memory);
    isolation.run(size, source, control, fill, &mut |made| {
        let (len, made) = made.split_first_chunk::<LEN>().ok_or_else(misread)?;
        let len = usize::try_from(u64::from_le_bytes(*len)).map_err(|_| misread())?;
        let made = made.get(..len).ok_or_else(misread)?;
        bytes = with_room(len)?;
        append(&mut bytes, made, control)
    })?;
    Ok(bytes)
}

/// Bytes of a length.
const LEN: usize = 8;

/// Puts down what was encoded, behind its length.
pub(super) fn put(made: &[u8], to: &mut [u8]) -> Result<(), Error> {
    let room = to.split_first_chunk_mut::<LEN>();
    let room = room.and_then(|(len, to)| Some((len, to.get_mut(..made.len())?)));
    let (len, to) = room.ok_or_else(|| Error::EncodeFailed("more bytes than pixels".into()))?;
    *len = (made.len() as u64).to_le_bytes();
    to.copy_from_slice(made);
    Ok(())
}

/// Appends bytes that there is room for.
fn append(to: &mut Vec<u8>, made: &[u8], control: &Control) -> Result<(), Error> {
    for piece in made.chunks(PIECE) {
        control.check()?;
        to.extend_from_slice(piece);
    }
    Ok(())
}

fn misread() -> Error {
    Error::Internal("the codec's process wrote what it could not".to_owned())
}

/// What was no fault of a source's: there an encoder crashed, or wanted more memory.
pub(super) fn of_encoder(error: Error) -> Error {
    match error {
        Error::DecodeFailed(text) | Error::TooManyPixels(text) => Error::EncodeFailed(text),
        error => error,
    }
}

/// Work of a library by its estimate: what counts there is all that it asks the system for, of which it uses about half.
fn of_library(pixels: usize, memory: u64) -> WorkSize {
    WorkSize { pixels, memory: memory.saturating_mul(2), foreign: true }
}

/// Work by its estimate, which it may exceed a little.
pub(super) fn work(size: WorkSize) -> WorkSize {
    WorkSize { memory: size.memory.saturating_add(size.memory / 4), ..size }
}
