//! SVG that goes out as SVG: written anew of what is known to draw something, so that nothing is left that
//! runs, or that is loaded from elsewhere.

mod css;
mod document;
mod names;
mod reference;

use super::apart;
use super::control::WorkSize;
use super::error::broken;
use super::{Control, Error, svg};
use document::Out;

/// Bytes that a document takes at most for each of its text while it is read: elements of four bytes become nodes
/// of a hundred.
const TREE: u64 = 64;

/// The same for its letters, which style sheets are copied of, and for each element, with the text behind it,
/// attribute and entity.
const LETTER: u64 = 16;
const NODE: u64 = 320;

/// Bytes that are taken besides.
const FIXED: u64 = 4 << 20;

/// How much longer than a document what is written of it may be: other letters than ASCII become references,
/// and entities what they stand for.
const GROWTH: usize = 4;
const ROOM: usize = 64 << 10;

/// Bytes that say how many of the others are written.
const LENGTH: usize = size_of::<u64>();

/// Writes a document anew.
///
/// # Errors
/// [`Error::DecodeFailed`] where it is broken, is no drawing, or grows too long; [`Error::TooManyPixels`]
/// where it wants more memory than [`working_bytes`] says; [`Error::Internal`] without memory, and those of
/// [`Control::check`].
pub(super) fn sanitized(input: &[u8], control: &Control) -> Result<Vec<u8>, Error> {
    let text = svg::text(input)?;
    let pixels = most(text.len()).saturating_add(LENGTH);
    let memory = tree_bytes(text.as_bytes(), text.len());
    let work = WorkSize { pixels, memory, foreign: false };
    let mut made = apart::bytes(work, text.as_bytes(), fill, control)?;
    let length = made.last_chunk().map(|length| u64::from_le_bytes(*length));
    let length = length.and_then(|length| usize::try_from(length).ok());
    let Some(length) = length.filter(|&length| length > 0) else {
        return Err(Error::Internal("no document".to_owned()));
    };
    made.truncate(length);
    made.shrink_to_fit();
    Ok(made)
}

/// Bytes that this holds at once, for that document.
pub(super) fn working_bytes(input: &[u8]) -> u64 {
    let is_wide = input.starts_with(&[0xff, 0xfe]) || input.starts_with(&[0xfe, 0xff]);
    let copied = if is_wide { input.len() / 2 } else { 0 };
    let len = input.len().saturating_add(copied);
    let made = most(len) as u64;
    tree_bytes(input, len).saturating_add(2 * made).saturating_add(2 * len as u64)
}

/// Bytes for the tree of a text of that length, in whatever encoding.
fn tree_bytes(text: &[u8], len: usize) -> u64 {
    let nodes = text.iter().filter(|byte| matches!(byte, b'<' | b'=' | b'&')).count() as u64;
    let len = len as u64;
    let each = LETTER.saturating_mul(len).saturating_add(NODE.saturating_mul(nodes));
    FIXED.saturating_add(each.min(TREE.saturating_mul(len)))
}

fn most(len: usize) -> usize {
    len.saturating_mul(GROWTH).saturating_add(ROOM)
}

fn fill(source: &[u8], made: &mut [u8], control: &Control) -> Result<(), Error> {
    let text = std::str::from_utf8(source).map_err(broken)?;
    let Some((made, length)) = made.split_last_chunk_mut::<LENGTH>() else {
        return Err(Error::Internal("no room for a document".to_owned()));
    };
    let mut out = Out::new(made);
    document::write(text, &mut out, control)?;
    *length = (out.len() as u64).to_le_bytes();
    Ok(())
}
