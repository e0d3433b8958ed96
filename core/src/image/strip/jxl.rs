//! JPEG XL: those boxes stay of which the decoder got something, and of the codestream what is the image.

use super::cuts::{Cuts, Kept};
use crate::image::source::Icc;
use crate::image::source::jxl::Jxl;

/// What a container begins with: the signature, and the box of the file's type, which is to be no other.
const HEAD: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ";

/// Bytes of the signature alone.
const SIGNATURE: usize = 12;

/// The box that follows these where the level of the codestream is told, and how long it is.
const LEVEL: (&[u8], usize) = (b"\0\0\0\x09jxll", 9);

/// Bytes of the length and the kind of a box.
const AROUND: usize = 8;

pub(super) fn cuts<'a>(
    input: &'a [u8],
    jxl: &Jxl,
    has_profile: bool,
    kept: &Kept,
) -> Option<Cuts<'a>> {
    // It is packed with what needs it.
    let is_whole = |icc: &Icc| icc.stated_len().is_some_and(|len| len >= icc.stored_len());
    if has_profile && !kept.profile.is_some_and(is_whole) {
        return None;
    }
    // Behind the place of its TIFF header.
    let exif = match &kept.exif {
        Some(exif) => in_box(b"Exif", &[&[0; 4], exif.as_slice()].concat())?,
        None => Vec::new(),
    };
    let (len, end) = jxl.extent()?;
    let mut cuts = Cuts::new(input);
    // A codestream of its own, which gets a container where something has no place without one.
    if input.starts_with(&[0xff, 0x0a]) {
        if !exif.is_empty() {
            let around = head_of(end, b"jxlc")?;
            cuts.replace(0..0, &[HEAD, &exif, &around].concat())?;
        }
        cuts.cut(end..input.len())?;
        return Some(cuts);
    }
    // The length of a box would have to change.
    if end != len {
        return None;
    }
    let boxes = input.strip_prefix(HEAD)?;
    // With Exif and all that, what a JPEG is made of again goes, too.
    let mut at = SIGNATURE;
    let mut is_placed = false;
    // `None` where the last box is not whole.
    let end = input.len()..input.len();
    for range in jxl.ranges().iter().chain([&end]).cloned() {
        let gap = at..range.start;
        let stays = !is_placed && input.get(gap.clone())? == exif;
        is_placed |= stays;
        cuts.replace(gap, if stays { &exif } else { &[] })?;
        at = range.end;
    }
    if !is_placed {
        let place = HEAD.len() + if boxes.starts_with(LEVEL.0) { LEVEL.1 } else { 0 };
        cuts.replace_before(place..place, &exif)?;
    }
    Some(cuts)
}

/// What a box of so many bytes begins with.
fn head_of(len: usize, kind: &[u8; 4]) -> Option<Vec<u8>> {
    let len = u32::try_from(len.checked_add(AROUND)?).ok()?;
    Some([len.to_be_bytes(), *kind].concat())
}

fn in_box(kind: &[u8; 4], content: &[u8]) -> Option<Vec<u8>> {
    Some([&head_of(content.len(), kind)?, content].concat())
}
