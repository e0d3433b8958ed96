//! The codestream out of a file's boxes (ISO/IEC 18181-2), and into the ones that the decoder gets: it
//! has no need to look for it, or to keep parts that come too early.

use std::borrow::Cow;

use crate::image::Error;
use crate::image::bytes::be32;
use crate::image::error::{broken, truncated};
use crate::image::isobmff::IsoBox;
use crate::image::raster::with_room;

/// Parts that a codestream is in at most.
const MOST_PARTS: usize = 1 << 16;

/// Boxes that a file has at most.
const MOST_BOXES: usize = 1 << 17;

/// Which part it is, and in the highest bit that it is the last.
const LAST: u32 = 1 << 31;

/// What a container begins with.
const SIGNATURE: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";
const KIND: &[u8] = b"\0\0\0\x14ftypjxl \0\0\0\0jxl ";

/// Finds the codestream; where it is in parts they are put together, in their order.
pub(super) fn codestream(input: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    if !input.starts_with(SIGNATURE) {
        return Ok(Cow::Borrowed(input));
    }
    let mut has_level = false;
    let mut parts: Vec<(u32, &[u8])> = Vec::new();
    let mut at = SIGNATURE.len();
    for number in 0..MOST_BOXES {
        if at >= input.len() {
            break;
        }
        let found = IsoBox::read(input, at, input.len()).ok_or_else(truncated)?;
        // The end may be missing.
        let body = input.get(found.body..found.end.min(input.len())).unwrap_or_default();
        match &found.kind {
            b"ftyp" => {
                let is_known = matches!(body, [b'j', b'x', b'l', b' ', 0, 0, 0, 0 | 1, ..]);
                if number > 0 || !is_known {
                    return Err(broken("it is not what its first box says"));
                }
            }
            _ if number == 0 => return Err(broken("no first box that says what it is")),
            b"jxll" => match body {
                [_] if !has_level && parts.is_empty() => has_level = true,
                _ => return Err(broken("its level is told in a wrong place")),
            },
            b"jxlc" if parts.is_empty() => {
                return Ok(Cow::Borrowed(body));
            }
            b"jxlc" => return Err(broken("a whole codestream behind parts of one")),
            b"jxlp" => {
                if parts.len() >= MOST_PARTS {
                    return Err(broken("too many parts"));
                }
                parts.push((
                    be32(body, 0).ok_or_else(truncated)?,
                    body.get(4..).unwrap_or_default(),
                ));
            }
            _ => {}
        }
        at = found.end;
    }
    put_together(parts)
}

fn put_together<'a>(mut parts: Vec<(u32, &'a [u8])>) -> Result<Cow<'a, [u8]>, Error> {
    parts.sort_by_key(|&(index, _)| index & !LAST);
    let mut len = 0;
    for (&(index, part), expected) in parts.iter().zip(0..) {
        if index & !LAST != expected {
            return Err(broken("a part is missing, or there twice"));
        }
        len += part.len();
        if index & LAST != 0 && expected as usize + 1 != parts.len() {
            return Err(broken("parts behind the last one"));
        }
    }
    match parts.as_slice() {
        [] => Err(truncated()),
        &[(_, only)] => Ok(Cow::Borrowed(only)),
        parts => {
            let mut whole = with_room(len)?;
            parts.iter().for_each(|(_, part)| whole.extend_from_slice(part));
            Ok(Cow::Owned(whole))
        }
    }
}

/// The headers as the beginning of a file whose codestream goes on to its end. It says that it is of level
/// 10: who reads it says what is allowed.
pub(super) fn around(headers: &[u8]) -> Result<Vec<u8>, Error> {
    let mut file = with_room(64 + headers.len())?;
    for box_ in [SIGNATURE, KIND, b"\0\0\0\x09jxll\x0a", b"\0\0\0\0jxlc"] {
        file.extend_from_slice(box_);
    }
    file.extend_from_slice(headers);
    Ok(file)
}
