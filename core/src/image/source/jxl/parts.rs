//! The codestream out of a file's boxes (ISO/IEC 18181-2), and into the ones that the decoder gets: it
//! has no need to look for it, or to keep parts that come too early.

use std::borrow::Cow;
use std::ops::Range;

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

/// A codestream, and what of its file it takes to read it.
pub(super) struct Found<'a> {
    pub(super) codestream: Cow<'a, [u8]>,
    /// Those boxes behind the signature that the decoder gets something of, in their order. Nothing
    /// else of a container concerns the image.
    pub(super) ranges: Vec<Range<usize>>,
}

/// Finds the codestream; where it is in parts they are put together.
pub(super) fn find(input: &[u8]) -> Result<Found<'_>, Error> {
    if !input.starts_with(SIGNATURE) {
        return Ok(Found { codestream: Cow::Borrowed(input), ranges: Vec::new() });
    }
    let mut has_level = false;
    let mut whole = None;
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut is_ended = false;
    let mut at = SIGNATURE.len();
    for number in 0..=MOST_BOXES {
        if at >= input.len() {
            break;
        }
        let found = match IsoBox::read(input, at, input.len()) {
            Some(found) if number < MOST_BOXES => found,
            // What comes behind the image is no part of it, whatever it is.
            _ if is_ended => break,
            Some(_) => return Err(broken("too many boxes")),
            None => return Err(truncated()),
        };
        at = found.end;
        // The end may be missing.
        let body = input.get(found.body..found.end.min(input.len())).unwrap_or_default();
        match &found.kind {
            // libjxl refuses such files, too.
            b"jxlc" | b"jxlp" if is_ended => return Err(broken("a second codestream")),
            _ if is_ended => continue,
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
                whole = Some(body);
                is_ended = true;
            }
            b"jxlc" => return Err(broken("a whole codestream behind parts of one")),
            b"jxlp" => {
                if parts.len() >= MOST_PARTS {
                    return Err(broken("too many parts"));
                }
                let index = be32(body, 0).ok_or_else(truncated)?;
                if (index & !LAST) as usize != parts.len() {
                    return Err(broken("a part is missing, or in a wrong place"));
                }
                is_ended = index & LAST != 0;
                parts.push(body.get(4..).unwrap_or_default());
            }
            _ => continue,
        }
        match ranges.last_mut() {
            Some(last) if last.end == found.start => last.end = found.end,
            _ => ranges.push(found.range()),
        }
    }
    let codestream = match whole {
        Some(whole) => Cow::Borrowed(whole),
        None => put_together(&parts)?,
    };
    Ok(Found { codestream, ranges })
}

fn put_together<'a>(parts: &[&'a [u8]]) -> Result<Cow<'a, [u8]>, Error> {
    match parts {
        [] => Err(truncated()),
        [only] => Ok(Cow::Borrowed(only)),
        parts => {
            let mut whole = with_room(parts.iter().map(|part| part.len()).sum())?;
            parts.iter().for_each(|part| whole.extend_from_slice(part));
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
