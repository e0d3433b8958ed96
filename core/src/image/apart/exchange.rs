//! An encoder that gets one picture after the other, and answers each with bytes: here, or apart, where both go through
//! the same memory.

use super::{misread, of_encoder, of_library};
use crate::image::bytes::le32;
use crate::image::control::{FillPictures, IsolatedPictures, ShowPicture};
use crate::image::raster::append;
use crate::image::{Control, Error};

/// Bytes before a question: the lengths of its parts.
const ASKED: usize = 8;

/// Bytes before a piece of an answer: its length, and whether it is the last one.
const ANSWERED: usize = 8;

/// Bytes of an answer that are no pixels: heads, a profile, Exif, XMP.
const OTHER_BYTES: usize = 16 << 20;

/// The numbers that what is in the memory is shown with.
const ASKS: u32 = 0;
const ANSWERS: u32 = 1;

/// What encodes pictures.
pub(in crate::image) trait Responder {
    /// Answers a question: what is said of a picture, and its pixels.
    ///
    /// # Errors
    /// Those of the encoder.
    fn respond(&mut self, said: &[u8], pixels: &[u8]) -> Result<&[u8], Error>;
}

/// Where it works.
pub(in crate::image) enum Exchange<'a> {
    Here(Box<dyn Responder + 'a>),
    Apart {
        pictures: Box<dyn IsolatedPictures>,
        /// Bytes that an answer has at most.
        most: usize,
    },
}

impl<'a> Exchange<'a> {
    /// Begins with an encoder by an order, whose parts `fill` gets as one, for questions of so many bytes at most.
    ///
    /// # Errors
    /// Those of the encoder, and of [`Isolation::begin`](crate::image::Isolation::begin).
    pub(in crate::image) fn begin(
        (longest, memory): (usize, u64),
        order: &[&[u8]],
        fill: FillPictures,
        here: impl FnOnce() -> Result<Box<dyn Responder + 'a>, Error>,
        control: &Control,
    ) -> Result<Exchange<'a>, Error> {
        let Some(isolation) = control.isolation() else { return here().map(Exchange::Here) };
        let size = of_library(longest.saturating_add(ASKED), memory);
        let pictures = isolation.begin(size, order, control, fill).map_err(of_encoder)?;
        // Twice the pixels are more than any encoder makes of noise.
        Ok(Exchange::Apart {
            pictures,
            most: longest.saturating_mul(2).saturating_add(OTHER_BYTES),
        })
    }

    /// Asks for a picture, and appends the answer.
    ///
    /// # Errors
    /// Those of the encoder, and of [`Isolation::run`](crate::image::Isolation::run).
    pub(in crate::image) fn ask(
        &mut self,
        said: &[u8],
        pixels: &[u8],
        answer: &mut Vec<u8>,
        control: &Control,
    ) -> Result<(), Error> {
        match self {
            Exchange::Here(responder) => append(answer, responder.respond(said, pixels)?),
            Exchange::Apart { pictures: there, most } => {
                let most = answer.len().saturating_add(*most);
                let wants = there
                    .next(control, &mut |room| put_question(said, pixels, room))
                    .map_err(of_encoder)?;
                if wants != Some(ASKS) {
                    return Err(misread());
                }
                let mut is_last = false;
                while !is_last {
                    control.check()?;
                    let shown = there.next(control, &mut |room| {
                        let piece;
                        (piece, is_last) = piece_of(room).ok_or_else(misread)?;
                        if piece.is_empty() && !is_last || answer.len() + piece.len() > most {
                            return Err(misread());
                        }
                        append(answer, piece)
                    });
                    if shown.map_err(of_encoder)? != Some(ANSWERS) {
                        return Err(misread());
                    }
                }
                Ok(())
            }
        }
    }
}

/// Answers questions, in the process that is apart, until that is ended.
///
/// # Errors
/// Those of the encoder.
pub(in crate::image) fn respond(
    responder: &mut dyn Responder,
    room: &mut [u8],
    show: &mut ShowPicture<'_>,
) -> Result<(), Error> {
    loop {
        show(room, ASKS)?;
        let (said, pixels) = question_in(room).ok_or_else(misread)?;
        let answer = responder.respond(said, pixels)?;
        let most = room.len().saturating_sub(ANSWERED).max(1);
        let mut pieces = answer.chunks(most).peekable();
        loop {
            let piece = pieces.next().unwrap_or_default();
            let is_last = pieces.peek().is_none();
            put_piece(piece, is_last, room).ok_or_else(misread)?;
            show(room, ANSWERS)?;
            if is_last {
                break;
            }
        }
    }
}

fn put_question(said: &[u8], pixels: &[u8], room: &mut [u8]) -> Result<(), Error> {
    let mut put = || {
        let (lens, room) = room.split_first_chunk_mut::<ASKED>()?;
        let (to, room) = room.split_at_mut_checked(said.len())?;
        let lengths = [said, pixels].map(|part| u32::try_from(part.len()).ok());
        let [Some(of_said), Some(of_pixels)] = lengths else { return None };
        lens.copy_from_slice([of_said, of_pixels].map(u32::to_le_bytes).as_flattened());
        to.copy_from_slice(said);
        room.get_mut(..pixels.len())?.copy_from_slice(pixels);
        Some(())
    };
    put().ok_or_else(|| Error::Internal("a picture that is larger than was said".to_owned()))
}

fn question_in(room: &[u8]) -> Option<(&[u8], &[u8])> {
    let (of_said, of_pixels) = (le32(room, 0)? as usize, le32(room, 4)? as usize);
    let (said, rest) = room.get(ASKED..)?.split_at_checked(of_said)?;
    Some((said, rest.get(..of_pixels)?))
}

fn put_piece(piece: &[u8], is_last: bool, room: &mut [u8]) -> Option<()> {
    let (head, room) = room.split_first_chunk_mut::<ANSWERED>()?;
    let numbers = [u32::try_from(piece.len()).ok()?, is_last.into()];
    head.copy_from_slice(numbers.map(u32::to_le_bytes).as_flattened());
    room.get_mut(..piece.len())?.copy_from_slice(piece);
    Some(())
}

/// A piece of an answer, and whether it is the last one.
fn piece_of(room: &[u8]) -> Option<(&[u8], bool)> {
    let (len, is_last) = (le32(room, 0)? as usize, le32(room, 4)? != 0);
    Some((room.get(ANSWERED..)?.get(..len)?, is_last))
}
